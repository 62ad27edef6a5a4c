//! The door: one socket, through which a node asks its peers and is asked by them.
//!
//! Binding gives the endpoint, for asking, and a queue of [`Incoming`], for answering. Clones share
//! the socket; the last one to go closes it without farewell, [`Endpoint::close`] with.
//!
//! Invariant: packets go to addresses that the caller named or that a connected peer spoke from,
//! and nowhere else. Absent: relays, lookups by key, name servers, port mapping.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use iroh::{
    SecretKey,
    dns::DnsResolver,
    endpoint::{
        IdleTimeout, NetReportConfig, PortmapperConfig, QuicTransportConfig,
        QuicTransportConfigBuilder, VarInt, presets,
    },
};
use thiserror::Error;
use tokio::{sync::mpsc, task::AbortHandle, time::timeout};

use crate::{
    ALPN, Admission, Hello, Incoming, Limits, Mismatch, Peer, PeerId, Request, Response, Traffic,
    TurnedAway, WireError, blobs,
    dial::{self, Dialler},
    guard::Guard,
    hello::Greeting,
    limits::{CONNECTION_WINDOW, QUEUE, REQUESTS_PER_PEER, STREAM_WINDOW},
    serve,
};

/// How long a closing endpoint waits for its peers to take note.
const FAREWELL: Duration = Duration::from_secs(1);

/// What an endpoint is made from.
#[derive(Clone)]
pub struct Config {
    /// The secret of the node's ed25519 peer key, which is not its chain key.
    pub secret: [u8; 32],
    /// Where to listen; port 0 takes any free one.
    pub bind: SocketAddr,
    /// Which network the node belongs to.
    pub hello: Hello,
    /// Who may connect.
    pub admission: Admission,
    /// How long to wait for whom.
    pub limits: Limits,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("bind", &self.bind)
            .field("hello", &self.hello)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Returns a configuration that admits anybody, with the usual limits.
    pub fn new(secret: [u8; 32], bind: SocketAddr, hello: Hello) -> Config {
        Config { secret, bind, hello, admission: Admission::Open, limits: Limits::default() }
    }
}

/// Why no endpoint could be made.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("cannot listen on {addr}: {reason}")]
pub struct BindError {
    /// The address.
    pub addr: SocketAddr,
    /// What the system said.
    pub reason: String,
}

/// Why a question has no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RequestError {
    /// The peer's id is no public key.
    #[error("the peer's id is not an ed25519 public key")]
    BadKey,
    /// The peer is this endpoint.
    #[error("a node does not talk to itself")]
    Oneself,
    /// A field of the question is longer than the protocol allows.
    #[error("the question cannot be sent: {0}")]
    Unsendable(WireError),
    /// No connection came about.
    #[error("cannot reach {addr}: {reason}")]
    Unreachable {
        /// The announced address.
        addr: SocketAddr,
        /// What went wrong.
        reason: String,
    },
    /// The peer belongs to another network.
    #[error(transparent)]
    Mismatch(Mismatch),
    /// The peer would not have us.
    #[error("{0}")]
    TurnedAway(TurnedAway),
    /// Whoever answers there does not speak this protocol.
    #[error("the peer did not answer the greeting as the protocol says")]
    NoGreeting,
    /// The connection ended before the answer did.
    #[error("the connection was lost: {reason}")]
    Lost {
        /// What ended it.
        reason: String,
    },
    /// The answer took too long.
    #[error("no answer within {} s", .0.as_secs_f32())]
    Late(Duration),
    /// The answer is no message.
    #[error("the answer is malformed: {0}")]
    Malformed(WireError),
    /// The answer belongs to another question.
    #[error("the peer answered another question than was asked: {response}")]
    Unasked {
        /// The answer, in short.
        response: String,
    },
    /// The blob that came is not the one asked for.
    #[error("the peer sent bytes that do not hash to the blob asked for")]
    WrongBlob,
    /// The endpoint is closed.
    #[error("the endpoint is closed")]
    Closed,
}

/// What the tasks of an endpoint share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) iroh: iroh::Endpoint,
    pub(crate) greeting: Greeting,
    pub(crate) limits: Limits,
    pub(crate) guard: Guard,
    pub(crate) dialler: Dialler,
    /// Set when closing begins, which may take a while.
    closed: AtomicBool,
}

/// A node's socket. Clones share it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    shared: Arc<Shared>,
    addr: SocketAddr,
    _accepting: Arc<Task>,
}

/// A task that ends with its owner.
#[derive(Debug)]
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Returns the public key that an endpoint with this secret proves to its peers.
pub fn peer_id(secret: &[u8; 32]) -> PeerId {
    *SecretKey::from_bytes(secret).public().as_bytes()
}

impl Endpoint {
    /// Listens on the configured address. Must be called within a tokio runtime.
    ///
    /// Whoever drops the receiver refuses every question.
    ///
    /// # Errors
    ///
    /// [`BindError`] if the address cannot be listened on, for one because the port is taken.
    pub async fn bind(config: Config) -> Result<(Endpoint, mpsc::Receiver<Incoming>), BindError> {
        let Config { secret, bind, hello, admission, limits } = config;
        let failed = |reason: String| BindError { addr: bind, reason };
        // No name is ever looked up; a resolver that leads nowhere makes sure of it.
        let resolver = DnsResolver::with_nameserver((Ipv4Addr::LOCALHOST, 9).into());
        let iroh = iroh::Endpoint::builder(presets::Minimal)
            .clear_ip_transports()
            .clear_relay_transports()
            .clear_address_lookup()
            .dns_resolver(resolver)
            .portmapper_config(PortmapperConfig::Disabled)
            .net_report_config(NetReportConfig::minimal())
            .secret_key(SecretKey::from_bytes(&secret))
            .alpns(vec![ALPN.to_vec()])
            .transport_config(accepted_transport(&limits))
            .bind_addr(bind)
            .map_err(|error| failed(error.to_string()))?
            .bind()
            .await
            .map_err(|error| failed(error.to_string()))?;
        let addr = iroh
            .bound_sockets()
            .into_iter()
            .find(|addr| addr.is_ipv4() == bind.is_ipv4())
            .ok_or_else(|| failed("the system gave no address".to_owned()))?;
        let shared = Arc::new(Shared {
            iroh,
            greeting: Greeting { hello, instance: rand::random() },
            limits,
            guard: Guard::new(admission, limits.penalty),
            dialler: Dialler::default(),
            closed: AtomicBool::new(false),
        });
        let (to_node, incoming) = mpsc::channel(QUEUE);
        let accepting = tokio::spawn(serve::accept_all(Arc::clone(&shared), to_node));
        let accepting = Arc::new(Task(accepting.abort_handle()));
        Ok((Endpoint { shared, addr, _accepting: accepting }, incoming))
    }

    /// Returns the public key that this endpoint proves to its peers: what the registry announces.
    pub fn id(&self) -> PeerId {
        *self.shared.iroh.id().as_bytes()
    }

    /// Returns where the socket listens, with its real port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Asks a peer and returns its answer, which is one that fits the question.
    ///
    /// A blob that is returned hashes to the one asked for. A connection is kept for the next
    /// question; one that turns out to be dead is dialled once more.
    ///
    /// # Errors
    ///
    /// [`RequestError`]; a refusal is no error but a [`Response`].
    pub async fn request(&self, peer: &Peer, request: Request) -> Result<Response, RequestError> {
        if self.shared.closed.load(Ordering::Relaxed) {
            return Err(RequestError::Closed);
        }
        let frame = request.encode().map_err(RequestError::Unsendable)?;
        let limit = self.shared.limits.request;
        let asked = Dialler::ask(&self.shared, peer, &frame);
        let response = timeout(limit, asked).await.map_err(|_| RequestError::Late(limit))??;
        if !dial::fits(&request, &response) {
            return Err(RequestError::Unasked { response: format!("{response:?}") });
        }
        if let (Request::Get { blob }, Response::Blob(bytes)) = (&request, &response)
            && blobs::hash(bytes) != *blob
        {
            return Err(RequestError::WrongBlob);
        }
        Ok(response)
    }

    /// Changes who may connect, as the registry changes.
    pub fn admit(&self, admission: Admission) {
        self.shared.guard.admit_only(admission);
    }

    /// Returns what was exchanged with each peer since the endpoint was bound.
    pub fn traffic(&self) -> BTreeMap<PeerId, Traffic> {
        self.shared.guard.traffic()
    }

    /// Says goodbye to every peer and closes the socket, for all clones.
    ///
    /// Peers that do not acknowledge it are given a second.
    pub async fn close(self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        self.shared.dialler.close();
        let _ = timeout(FAREWELL, self.shared.iroh.close()).await;
    }
}

/// Returns the settings of connections that others make to us.
fn accepted_transport(limits: &Limits) -> QuicTransportConfig {
    // One more for the greeting, whose stream QUIC hands back only together with another.
    let streams = u32::try_from(REQUESTS_PER_PEER + 1).expect("a peer has few streams");
    common_transport(limits).max_concurrent_bidi_streams(VarInt::from_u32(streams)).build()
}

/// Returns the settings of connections that we make: whom we dial asks us nothing on them.
pub(crate) fn dialled_transport(limits: &Limits) -> QuicTransportConfig {
    common_transport(limits).max_concurrent_bidi_streams(VarInt::from_u32(0)).build()
}

fn common_transport(limits: &Limits) -> QuicTransportConfigBuilder {
    let idle = IdleTimeout::try_from(limits.idle).ok();
    let sign_of_life = limits.idle / 4;
    QuicTransportConfig::builder()
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(u64::from(CONNECTION_WINDOW))
        .max_idle_timeout(idle)
        .keep_alive_interval(sign_of_life)
        .default_path_max_idle_timeout(limits.idle)
        .default_path_keep_alive_interval(sign_of_life)
}
