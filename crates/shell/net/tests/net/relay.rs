//! A relay between sockets of one machine: it loses datagrams by a seed and hands on the rest late.
//!
//! Each node announces a socket of the relay's as its own; what others send there goes on from a
//! socket of the relay's for each pair, so answers come back through the relay too. QUIC tells the
//! other side a socket's own address and would soon go there past the relay; a filter in the kernel
//! lets nothing into a node's socket but what the relay sends. No `netem` and no rights are needed.
//!
//! *Invariants: a seed decides which datagrams of a direction are lost; nothing passes to or from a
//! node that is cut off.* Absent: jitter, reordering but by the machine's own, bandwidth.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    os::fd::BorrowedFd,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use socket2::{SockFilter, SockRef, Type};
use tokio::{net::UdpSocket, task::JoinSet};

/// Where the relay's sockets are; nodes are at 127.0.0.1.
const RELAY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// The largest datagram.
const DATAGRAM: usize = 65_535;

/// What went over the relay, lost datagrams included.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    pub(crate) bytes: AtomicU64,
    pub(crate) datagrams: AtomicU64,
    pub(crate) lost: AtomicU64,
}

/// A node as the relay knows it.
#[derive(Debug)]
struct Host {
    door: Arc<UdpSocket>,
    /// Its own socket, while it lives.
    real: Option<SocketAddr>,
}

#[derive(Debug, Default)]
struct Books {
    hosts: Vec<Host>,
    ways: BTreeMap<(usize, usize), Arc<UdpSocket>>,
    dice: BTreeMap<(usize, usize), u64>,
    tasks: JoinSet<()>,
}

/// The relay. Its tasks end with it.
#[derive(Debug)]
pub(crate) struct Relay {
    books: Mutex<Books>,
    lost_permille: u64,
    latency: Duration,
    seed: u64,
    pub(crate) carried: Carried,
}

impl Relay {
    pub(crate) fn new(seed: u64, lost_permille: u64, latency: Duration) -> Arc<Relay> {
        let (books, carried) = (Mutex::default(), Carried::default());
        Arc::new(Relay { books, lost_permille, latency, seed, carried })
    }

    /// Makes room for one more node; returns its number and the address that it announces.
    pub(crate) async fn host(self: &Arc<Relay>) -> (usize, SocketAddr) {
        let door = Arc::new(socket().await);
        let address = door.local_addr().expect("it is bound");
        let mut books = self.books();
        let node = books.hosts.len();
        books.hosts.push(Host { door: Arc::clone(&door), real: None });
        books.tasks.spawn(Arc::clone(self).receive(node, door));
        (node, address)
    }

    /// Says where a node's own socket is, or that it is cut off.
    pub(crate) fn connect(&self, node: usize, real: Option<SocketAddr>) {
        if let Some(real) = real {
            close_to_others(real);
        }
        self.books().hosts[node].real = real;
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands on what others send to a node.
    async fn receive(self: Arc<Relay>, to: usize, door: Arc<UdpSocket>) {
        let mut bytes = vec![0; DATAGRAM];
        loop {
            let Ok((length, from)) = door.recv_from(&mut bytes).await else { continue };
            let sender = {
                let books = self.books();
                books.hosts.iter().position(|host| host.real == Some(from))
            };
            let Some(from) = sender else { continue };
            let known = self.books().ways.get(&(from, to)).cloned();
            let way = match known {
                Some(way) => way,
                None => {
                    let way = Arc::new(socket().await);
                    let mut books = self.books();
                    books.ways.insert((from, to), Arc::clone(&way));
                    books.tasks.spawn(Arc::clone(&self).answers(Arc::clone(&way), to, from));
                    way
                }
            };
            self.hand_on(&bytes[..length], (from, to), way);
        }
    }

    /// Hands what a node answers back to whoever asked.
    async fn answers(self: Arc<Relay>, way: Arc<UdpSocket>, from: usize, to: usize) {
        let mut bytes = vec![0; DATAGRAM];
        loop {
            let Ok((length, _)) = way.recv_from(&mut bytes).await else { continue };
            // Whoever asked hears it from the door that it knocked at.
            let knocked = Arc::clone(&self.books().hosts[from].door);
            self.hand_on(&bytes[..length], (from, to), knocked);
        }
    }

    fn hand_on(self: &Arc<Relay>, bytes: &[u8], (from, to): (usize, usize), by: Arc<UdpSocket>) {
        self.carried.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.carried.datagrams.fetch_add(1, Ordering::Relaxed);
        if self.loses(from, to) {
            self.carried.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let (bytes, relay) = (bytes.to_vec(), Arc::clone(self));
        let later = async move {
            if !relay.latency.is_zero() {
                tokio::time::sleep(relay.latency).await;
            }
            let open = |books: &Books| Some((books.hosts[from].real?, books.hosts[to].real?));
            let ends = open(&relay.books());
            if let Some((_, real)) = ends {
                let _ = by.send_to(&bytes, real).await;
            }
        };
        tokio::spawn(later);
    }

    /// Whether the next thing in a direction is lost (splitmix64, a stream for each).
    fn loses(&self, from: usize, to: usize) -> bool {
        let mut books = self.books();
        let place = (from as u64).wrapping_mul(0x9e37) ^ (to as u64).wrapping_mul(0x79b9_7f4a);
        let state = books.dice.entry((from, to)).or_insert(self.seed ^ place);
        splitmix(state) % 1_000 < self.lost_permille
    }
}

/// Returns the next number of a stream.
pub(crate) fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

async fn socket() -> UdpSocket {
    UdpSocket::bind((RELAY, 0)).await.expect("a port is free")
}

/// Has the kernel drop what comes to a socket of this process from elsewhere than the relay.
fn close_to_others(addr: SocketAddr) {
    // Classic BPF: load the sender's address from the IP header; all of the packet, or none of it.
    let (load, equal, back) = (0x20, 0x15, 0x06);
    let sender = 0xfff0_0000 + 12;
    let filter = [
        SockFilter::new(load, 0, 0, sender),
        SockFilter::new(equal, 0, 1, RELAY.to_bits()),
        SockFilter::new(back, 0, 0, u32::MAX),
        SockFilter::new(back, 0, 0, 0),
    ];
    let open = std::fs::read_dir("/proc/self/fd").expect("Linux lists what is open");
    let numbers = open.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let numbers: Vec<i32> = numbers.collect();
    let mut closed = 0;
    for number in numbers {
        // SAFETY: a number that is no longer open is an error of the calls below, and one that is
        // another socket by now has another address; neither is touched.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let socket = SockRef::from(&descriptor);
        let own = socket.local_addr().ok().and_then(|own| own.as_socket());
        if own == Some(addr) && socket.r#type().is_ok_and(|kind| kind == Type::DGRAM) {
            socket.attach_filter(&filter).expect("a filter may be attached");
            closed += 1;
        }
    }
    assert_eq!(closed, 1, "the node's socket is among them");
}
