//! The asking side: one connection to each peer, kept while it lives and dialled again when not.
//!
//! Whoever asks while a peer is being dialled waits for that attempt and shares its failure. A peer
//! that greets us as a new process makes the connection to its old one void at once.
//!
//! Invariant: a connection is handed out only after both greetings matched. Absent: retries beyond
//! the one that a stale connection deserves; when to try again is the node's decision.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use iroh::{
    EndpointAddr, EndpointId,
    endpoint::{ConnectOptions, Connection, RecvStream, SendStream},
};
use tokio::time::timeout;

use crate::{
    ALPN, Peer, PeerId, Request, RequestError, Response,
    endpoint::{Shared, dialled_transport},
    frame::{self, ReadFault},
    hello::{ANSWER_SIZE, GREETING_SIZE, Greeting, Verdict},
    serve::Goodbye,
};

/// The connections that we made.
#[derive(Debug, Default)]
pub(crate) struct Dialler {
    links: Mutex<BTreeMap<PeerId, Arc<Link>>>,
}

/// The way to one peer.
#[derive(Debug, Default)]
struct Link {
    live: Mutex<Option<Live>>,
    /// Held while dialling; what the last attempt failed of, and when it did.
    failed: tokio::sync::Mutex<Option<(Instant, RequestError)>>,
}

#[derive(Clone, Debug)]
struct Live {
    connection: Connection,
    instance: u64,
    addr: SocketAddr,
}

impl Dialler {
    /// Asks `peer`, over the connection there is or a new one.
    pub(crate) async fn ask(
        shared: &Shared,
        peer: &Peer,
        frame: &[u8],
    ) -> Result<Response, RequestError> {
        let link = shared.dialler.link(peer.id);
        if let Some(connection) = link.reusable(peer.addr) {
            match exchange(shared, &connection, frame).await {
                // The peer may have restarted since; every question can be asked twice.
                Err(RequestError::Lost { .. }) => link.forget(&connection),
                answered => return answered,
            }
        }
        let connection = link.dial(shared, peer).await?;
        exchange(shared, &connection, frame).await
    }

    /// Drops the connection to an earlier process of a peer that greets us as `instance`.
    pub(crate) fn note_instance(&self, peer: &PeerId, instance: u64) {
        let link = self.links().get(peer).cloned();
        if let Some(link) = link {
            let mut live = link.live();
            if live.as_ref().is_some_and(|live| live.instance != instance)
                && let Some(old) = live.take()
            {
                Goodbye::Replaced.say(&old.connection);
            }
        }
    }

    /// Closes every connection that we made.
    pub(crate) fn close(&self) {
        for link in std::mem::take(&mut *self.links()).into_values() {
            if let Some(live) = link.live().take() {
                Goodbye::Done.say(&live.connection);
            }
        }
    }

    fn link(&self, peer: PeerId) -> Arc<Link> {
        Arc::clone(self.links().entry(peer).or_default())
    }

    fn links(&self) -> MutexGuard<'_, BTreeMap<PeerId, Arc<Link>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    fn live(&self) -> MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the connection if it is open and leads to `addr`.
    fn reusable(&self, addr: SocketAddr) -> Option<Connection> {
        let live = self.live();
        let live = live.as_ref().filter(|live| live.addr == addr)?;
        live.connection.close_reason().is_none().then(|| live.connection.clone())
    }

    fn forget(&self, connection: &Connection) {
        let mut live = self.live();
        if live.as_ref().is_some_and(|l| l.connection.stable_id() == connection.stable_id()) {
            *live = None;
        }
    }

    /// Makes a connection, or takes the one or the failure that another has just come to.
    async fn dial(&self, shared: &Shared, peer: &Peer) -> Result<Connection, RequestError> {
        let since = Instant::now();
        let mut failed = self.failed.lock().await;
        if let Some(connection) = self.reusable(peer.addr) {
            return Ok(connection);
        }
        if let Some((when, error)) = failed.as_ref()
            && *when >= since
        {
            return Err(error.clone());
        }
        let dialled = timeout(shared.limits.handshake, connect(shared, peer)).await;
        let dialled = dialled.unwrap_or(Err(RequestError::Unreachable {
            addr: peer.addr,
            reason: "nobody answered in time".to_owned(),
        }));
        match dialled {
            Ok(live) => {
                *failed = None;
                let connection = live.connection.clone();
                if let Some(old) = self.live().replace(live) {
                    Goodbye::Replaced.say(&old.connection);
                }
                Ok(connection)
            }
            Err(error) => {
                *failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

/// Dials a peer and brings the connection through both handshakes.
async fn connect(shared: &Shared, peer: &Peer) -> Result<Live, RequestError> {
    let key = EndpointId::from_bytes(&peer.id).map_err(|_| RequestError::BadKey)?;
    if key == shared.iroh.id() {
        return Err(RequestError::Oneself);
    }
    let unreachable = |reason: String| RequestError::Unreachable { addr: peer.addr, reason };
    let address = EndpointAddr::new(key).with_ip_addr(peer.addr);
    let options = ConnectOptions::new().with_transport_config(dialled_transport(&shared.limits));
    let connecting = shared
        .iroh
        .connect_with_opts(address, ALPN, options)
        .await
        .map_err(|error| unreachable(error.to_string()))?;
    let connection = connecting.await.map_err(|error| unreachable(error.to_string()))?;
    let theirs = greet(shared, &connection).await;
    if theirs.is_err() {
        Goodbye::Done.say(&connection);
    }
    Ok(Live { instance: theirs?.instance, connection, addr: peer.addr })
}

/// Says who we are and hears who they are.
async fn greet(shared: &Shared, connection: &Connection) -> Result<Greeting, RequestError> {
    let lost = |reason: String| RequestError::Lost { reason };
    let peer = *connection.remote_id().as_bytes();
    let (mut send, mut recv) =
        connection.open_bi().await.map_err(|error| lost(error.to_string()))?;
    let ours = shared.greeting.encode();
    send.write_all(&ours).await.map_err(|error| lost(error.to_string()))?;
    let _ = send.finish();
    let mut answer = [0; ANSWER_SIZE];
    frame::read_exact(&mut recv, &mut answer).await.map_err(|fault| match fault {
        ReadFault::Lost(reason) => lost(reason),
        ReadFault::Wire(fault) => RequestError::Malformed(fault),
    })?;
    shared.guard.record(peer, |traffic| {
        traffic.sent(ours.len());
        traffic.received(answer.len());
    });
    let (code, theirs) = answer.split_first().expect("an answer is 43 bytes");
    let theirs = theirs.first_chunk::<GREETING_SIZE>().and_then(Greeting::decode);
    let (Some(verdict), Some(theirs)) = (Verdict::from_code(*code), theirs) else {
        return Err(RequestError::NoGreeting);
    };
    if let Some(mismatch) = shared.greeting.hello.differs(&theirs.hello) {
        return Err(RequestError::Mismatch(mismatch));
    }
    match verdict {
        Verdict::Welcome => Ok(theirs),
        Verdict::TurnedAway(reason) => Err(RequestError::TurnedAway(reason)),
        Verdict::Mismatch => Err(RequestError::NoGreeting),
    }
}

/// Asks on a stream of its own and reads the answer.
async fn exchange(
    shared: &Shared,
    connection: &Connection,
    question: &[u8],
) -> Result<Response, RequestError> {
    let lost = |reason: String| RequestError::Lost { reason };
    let peer = *connection.remote_id().as_bytes();
    let (send, mut recv): (SendStream, RecvStream) =
        connection.open_bi().await.map_err(|error| lost(error.to_string()))?;
    let written = write(send, question).await;
    shared.guard.record(peer, |traffic| {
        traffic.asked += 1;
        traffic.sent(question.len());
    });
    // A peer that refuses early stops reading; its answer says why, so it is read all the same.
    let read = async {
        let head = frame::read_head::<Response>(&mut recv).await?;
        let response = frame::read_rest::<Response>(&mut recv, head).await?;
        Ok((response, head.frame_size()))
    };
    match read.await {
        Ok((response, size)) => {
            shared.guard.record(peer, |traffic| traffic.received(size));
            Ok(response)
        }
        Err(ReadFault::Wire(fault)) => {
            Goodbye::Rubbish.say(connection);
            Err(RequestError::Malformed(fault))
        }
        Err(ReadFault::Lost(reason)) => Err(lost(written.err().unwrap_or(reason))),
    }
}

async fn write(mut send: SendStream, question: &[u8]) -> Result<(), String> {
    send.write_all(question).await.map_err(|error| error.to_string())?;
    send.finish().map_err(|error| error.to_string())
}

/// Returns whether `response` is one that `request` can have.
pub(crate) fn fits(request: &Request, response: &Response) -> bool {
    matches!(
        (request, response),
        (_, Response::Refused { .. })
            | (
                Request::Get { .. } | Request::Tensor { .. } | Request::Share { .. },
                Response::Blob(_) | Response::NotFound
            )
            | (Request::Offer { .. }, Response::Attest { .. })
            | (Request::Status, Response::Status { .. })
            | (Request::Have { .. }, Response::Have(_) | Response::NotFound)
            | (Request::Piece { .. }, Response::Piece { .. } | Response::NotFound)
    )
}
