//! Links between hosts: what they carry comes late, some of it not at all, and some links can be
//! cut.
//!
//! Where the kernel has no `netem`, somebody has to stand between the sockets. Each node announces
//! a port of the exchange's as its own; what others send there is handed on as a datagram of its
//! own, `latency` later or never. The chain is asked through a port for each node: bytes of TCP are
//! late too, what is lost comes one retransmission later, and a cut link holds them back.
//!
//! *Invariants: a seed decides which datagrams of a link are lost; while a link is cut nothing
//! passes.* Absent: jitter, reordering, bandwidth.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::{mpsc, watch},
    time::Instant,
};

/// How long TCP takes to notice a loss (RFC 6298's floor in practice).
const RETRANSMISSION: Duration = Duration::from_millis(200);
/// The largest datagram.
const DATAGRAM: usize = 65_535;

/// How bad links are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quality {
    /// One way between nodes.
    pub(crate) latency: Duration,
    /// One way between a node and the chain.
    pub(crate) chain_latency: Duration,
    /// Of a thousand datagrams, and of a thousand pieces of a TCP stream.
    pub(crate) lost_permille: u64,
    /// Decides which.
    pub(crate) seed: u64,
}

/// What went over the links.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    pub(crate) datagrams: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) cut: AtomicU64,
}

/// All links of a network.
#[derive(Debug)]
pub(crate) struct Links {
    quality: Quality,
    /// The nodes that are cut off from the others and from the chain.
    far: watch::Sender<Vec<usize>>,
    /// Nodes by address.
    hosts: BTreeMap<IpAddr, usize>,
    dice: Mutex<BTreeMap<(usize, usize), u64>>,
    pub(crate) carried: Carried,
}

/// Where the chain is among the ends of links.
const CHAIN: usize = usize::MAX;

impl Links {
    pub(crate) fn new(quality: Quality, hosts: impl Iterator<Item = IpAddr>) -> Arc<Links> {
        Arc::new(Links {
            quality,
            far: watch::channel(Vec::new()).0,
            hosts: hosts.zip(0..).collect(),
            dice: Mutex::default(),
            carried: Carried::default(),
        })
    }

    /// Cuts these nodes off; an empty list heals.
    pub(crate) fn cut_off(&self, nodes: Vec<usize>) {
        self.far.send_replace(nodes);
    }

    fn is_cut(far: &[usize], from: usize, to: usize) -> bool {
        far.contains(&from) != far.contains(&to)
    }

    /// Whether the next thing on a link is lost (splitmix64, a stream for each direction).
    fn loses(&self, from: usize, to: usize) -> bool {
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (from as u64).wrapping_mul(0x9e37) ^ (to as u64).wrapping_mul(0x79b9_7f4a);
        let state = dice.entry((from, to)).or_insert(self.quality.seed ^ place);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % 1_000 < self.quality.lost_permille
    }

    /// Stands in for a node: hands on what comes to `socket`, and what is answered.
    pub(crate) async fn stand_in(self: Arc<Links>, socket: UdpSocket, to: (usize, SocketAddr)) {
        let socket = Arc::new(socket);
        let mut ways: BTreeMap<SocketAddr, Arc<UdpSocket>> = BTreeMap::new();
        let mut bytes = vec![0; DATAGRAM];
        loop {
            let Ok((length, from)) = socket.recv_from(&mut bytes).await else { continue };
            let Some(&node) = self.hosts.get(&from.ip()) else { continue };
            let way = match ways.get(&from) {
                Some(way) => Arc::clone(way),
                None => {
                    let any = SocketAddr::new(socket.local_addr().expect("bound").ip(), 0);
                    let way = Arc::new(UdpSocket::bind(any).await.expect("a port is free"));
                    ways.insert(from, Arc::clone(&way));
                    let back = (Arc::clone(&socket), (node, from));
                    tokio::spawn(Arc::clone(&self).answers(Arc::clone(&way), to.0, back));
                    way
                }
            };
            self.hand_on(&bytes[..length], (node, to.0), (way, to.1));
        }
    }

    /// Hands the answers of a node back to whoever asked.
    async fn answers(
        self: Arc<Links>,
        way: Arc<UdpSocket>,
        from: usize,
        (socket, to): (Arc<UdpSocket>, (usize, SocketAddr)),
    ) {
        let mut bytes = vec![0; DATAGRAM];
        loop {
            let Ok((length, _)) = way.recv_from(&mut bytes).await else { continue };
            self.hand_on(&bytes[..length], (from, to.0), (Arc::clone(&socket), to.1));
        }
    }

    fn hand_on(
        self: &Arc<Links>,
        bytes: &[u8],
        (from, to): (usize, usize),
        (socket, at): (Arc<UdpSocket>, SocketAddr),
    ) {
        self.carried.datagrams.fetch_add(1, Ordering::Relaxed);
        if Links::is_cut(&self.far.borrow(), from, to) {
            self.carried.cut.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if self.loses(from, to) {
            self.carried.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let (bytes, links) = (bytes.to_vec(), Arc::clone(self));
        tokio::spawn(async move {
            tokio::time::sleep(links.quality.latency).await;
            // A link that was cut meanwhile has lost what was on it.
            if !Links::is_cut(&links.far.borrow(), from, to) {
                let _ = socket.send_to(&bytes, at).await;
            }
        });
    }

    /// Stands in for the chain before one node.
    pub(crate) async fn stand_in_for_chain(
        self: Arc<Links>,
        listener: TcpListener,
        node: usize,
        chain: SocketAddr,
    ) {
        loop {
            let Ok((near, _)) = listener.accept().await else { continue };
            let Ok(far) = TcpStream::connect(chain).await else { continue };
            let door = listener.local_addr().expect("bound").to_string();
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            // The chain answers only who asks for it by a name of its own machine.
            let name = Some((door, chain.to_string()));
            tokio::spawn(Arc::clone(&self).carry(near_in, far_out, (node, CHAIN), name));
            tokio::spawn(Arc::clone(&self).carry(far_in, near_out, (CHAIN, node), None));
        }
    }

    /// Carries one direction of a stream, with one name in it put in place of another.
    async fn carry(
        self: Arc<Links>,
        mut from: tokio::net::tcp::OwnedReadHalf,
        mut to: tokio::net::tcp::OwnedWriteHalf,
        ends: (usize, usize),
        name: Option<(String, String)>,
    ) {
        let (pieces, mut due) = mpsc::channel::<(Instant, Vec<u8>)>(64);
        let links = Arc::clone(&self);
        tokio::spawn(async move {
            let mut far = links.far.subscribe();
            while let Some((at, piece)) = due.recv().await {
                tokio::time::sleep_until(at).await;
                let open = |far: &Vec<usize>| !Links::is_cut(far, ends.0, ends.1);
                if far.wait_for(open).await.is_err() || to.write_all(&piece).await.is_err() {
                    return;
                }
            }
        });
        let mut bytes = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut bytes).await {
            let late = if self.loses(ends.0, ends.1) { RETRANSMISSION } else { Duration::ZERO };
            let at = Instant::now() + self.quality.chain_latency + late;
            let piece = match &name {
                Some((from, to)) => renamed(&bytes[..length], from.as_bytes(), to.as_bytes()),
                None => bytes[..length].to_vec(),
            };
            if pieces.send((at, piece)).await.is_err() {
                return;
            }
        }
    }
}

/// Returns bytes with every `from` in them replaced.
fn renamed(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}
