//! The answering side: connections that others made to us.
//!
//! Every connection has its own task, every question on it another. A question is handed to the
//! node as [`Incoming`] and answered through its [`Reply`].
//!
//! Invariant: what is read before a peer has greeted us is 42 bytes. Whoever sends rubbish loses
//! its connection and is turned away for a while; whoever is slow loses the question; the node sees
//! neither. Absent: any knowledge of what a question means, but that an offer's bytes must hash to
//! its blob.

use std::sync::Arc;

use iroh::endpoint::{Connection, RecvStream, SendStream, VarInt};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinSet,
    time::timeout,
};
use tracing::{debug, warn};

use crate::{
    PeerId, Request, Response, TurnedAway, WireError, blobs,
    endpoint::Shared,
    frame::{self, ReadFault},
    guard::Ticket,
    hello::{GREETING_SIZE, Greeting, Verdict},
    limits::{HANDSHAKES_MAX, OFFERS_PER_PEER},
    wire::short,
};

/// A question from a peer, for the node to answer.
#[derive(Debug)]
pub struct Incoming {
    /// Who asks; its key was proven by the handshake.
    pub peer: PeerId,
    /// What it asks. An offer's bytes hash to its blob.
    pub request: Request,
    /// Where the answer goes.
    pub reply: Reply,
}

/// The way back to whoever asked. Dropping it refuses the question.
#[derive(Debug)]
pub struct Reply(oneshot::Sender<Response>);

impl Reply {
    /// Answers. Whether the peer is still there to hear it is not known.
    pub fn send(self, response: Response) {
        let _ = self.0.send(response);
    }
}

/// Why a connection is closed, as the other side sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goodbye {
    Done,
    TurnedAway,
    Rubbish,
    Replaced,
}

impl Goodbye {
    pub(crate) fn say(self, connection: &Connection) {
        let (code, reason): (u32, &[u8]) = match self {
            Goodbye::Done => (0, b"done"),
            Goodbye::TurnedAway => (1, b"turned away"),
            Goodbye::Rubbish => (2, b"malformed message"),
            Goodbye::Replaced => (3, b"replaced by a newer connection"),
        };
        connection.close(VarInt::from_u32(code), reason);
    }
}

/// Takes connections until the endpoint closes.
pub(crate) async fn accept_all(shared: Arc<Shared>, node: mpsc::Sender<Incoming>) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    let mut connections = JoinSet::new();
    while let Some(knock) = shared.iroh.accept().await {
        while connections.try_join_next().is_some() {}
        let Ok(permit) = Arc::clone(&handshakes).try_acquire_owned() else {
            knock.refuse();
            continue;
        };
        // Under pressure whoever knocks first proves that it can hear us.
        if handshakes.available_permits() < HANDSHAKES_MAX / 2 && !knock.remote_addr_validated() {
            let _ = knock.retry();
            continue;
        }
        let (shared, node) = (Arc::clone(&shared), node.clone());
        connections.spawn(async move {
            if let Some((connection, ticket)) = receive(&shared, knock, permit).await {
                serve(&shared, &node, &connection, ticket).await;
                shared.guard.leave(ticket);
            }
        });
    }
}

/// Brings a connection through both handshakes, QUIC's and ours.
async fn receive(
    shared: &Shared,
    knock: iroh::endpoint::Incoming,
    permit: OwnedSemaphorePermit,
) -> Option<(Connection, Ticket)> {
    let greeted = async {
        let connection = knock.await.ok()?;
        let (mut send, mut recv) = connection.accept_bi().await.ok()?;
        let mut bytes = [0; GREETING_SIZE];
        frame::read_exact(&mut recv, &mut bytes).await.ok()?;
        let peer = *connection.remote_id().as_bytes();
        shared.guard.record(peer, |traffic| traffic.received(bytes.len()));
        let Some(theirs) = Greeting::decode(&bytes) else {
            Goodbye::Rubbish.say(&connection);
            return None;
        };
        let (verdict, ticket) = judge(shared, &connection, &theirs);
        let mut answer = vec![verdict.code()];
        answer.extend_from_slice(&shared.greeting.encode());
        shared.guard.record(peer, |traffic| traffic.sent(answer.len()));
        let answered = async {
            send.write_all(&answer).await.ok()?;
            send.finish().ok()?;
            // A verdict against the peer must arrive before the connection goes.
            if ticket.is_none() {
                let _ = send.stopped().await;
            }
            Some(())
        };
        let answered = answered.await;
        let Some(ticket) = ticket else {
            debug!(peer = short(&peer), ?verdict, "turned a peer away");
            Goodbye::TurnedAway.say(&connection);
            return None;
        };
        if answered.is_none() {
            shared.guard.leave(ticket);
            return None;
        }
        shared.dialler.note_instance(&peer, theirs.instance);
        Some((connection, ticket))
    };
    let greeted = timeout(shared.limits.handshake, greeted).await.ok().flatten();
    drop(permit);
    greeted
}

fn judge(shared: &Shared, connection: &Connection, theirs: &Greeting) -> (Verdict, Option<Ticket>) {
    if shared.greeting.hello.differs(&theirs.hello).is_some() {
        return (Verdict::Mismatch, None);
    }
    match shared.guard.admit(*connection.remote_id().as_bytes(), connection) {
        Ok(ticket) => (Verdict::Welcome, Some(ticket)),
        Err(reason @ (TurnedAway::Full | TurnedAway::Penalty)) => {
            (Verdict::TurnedAway(reason), None)
        }
    }
}

/// Answers the questions on one connection until it ends.
async fn serve(
    shared: &Arc<Shared>,
    node: &mpsc::Sender<Incoming>,
    connection: &Connection,
    ticket: Ticket,
) {
    let offers = Arc::new(Semaphore::new(OFFERS_PER_PEER));
    let mut questions = JoinSet::new();
    loop {
        tokio::select! {
            Some(answered) = questions.join_next() => {
                if let Ok(Err(fault)) = answered {
                    debug!(peer = short(&ticket.peer), %fault, "a peer sent rubbish");
                    shared.guard.penalise(ticket.peer);
                    Goodbye::Rubbish.say(connection);
                    return;
                }
            }
            stream = connection.accept_bi() => {
                let Ok((send, recv)) = stream else { return };
                let (shared, node) = (Arc::clone(shared), node.clone());
                let question = Question { shared, node, peer: ticket.peer };
                questions.spawn(question.answer(send, recv, Arc::clone(&offers)));
            }
        }
    }
}

/// Why a question does not reach the node.
enum Unread {
    /// It is well formed and not for this peer to ask.
    Refused(&'static str),
    Fault(ReadFault),
}

struct Question {
    shared: Arc<Shared>,
    node: mpsc::Sender<Incoming>,
    peer: PeerId,
}

impl Question {
    /// Reads one question and answers it; an error is the peer's fault.
    async fn answer(
        self,
        mut send: SendStream,
        mut recv: RecvStream,
        offers: Arc<Semaphore>,
    ) -> Result<(), WireError> {
        let Question { shared, peer, .. } = &self;
        shared.guard.turn(*peer).await;
        let read = timeout(shared.limits.transfer, self.read(&mut recv, offers)).await;
        let response = match read {
            Ok(Ok((request, _permit))) => {
                shared.guard.record(*peer, |traffic| traffic.served += 1);
                // An offer's permit is held until the node is done with its bytes.
                self.ask_node(request).await
            }
            Ok(Err(Unread::Refused(reason))) => {
                shared.guard.record(*peer, |traffic| traffic.refused += 1);
                Response::refused(reason)
            }
            Ok(Err(Unread::Fault(ReadFault::Wire(fault)))) => {
                shared.guard.record(*peer, |traffic| traffic.refused += 1);
                return Err(fault);
            }
            Ok(Err(Unread::Fault(ReadFault::Lost(_)))) | Err(_) => {
                shared.guard.record(*peer, |traffic| traffic.refused += 1);
                let _ = send.reset(VarInt::from_u32(0));
                return Ok(());
            }
        };
        let frame = response.encode().unwrap_or_else(|error| {
            warn!(%error, "an answer of ours breaks the protocol's limits");
            Response::refused("the answer is too large").encode().expect("the reason is short")
        });
        let sent = timeout(shared.limits.transfer, async {
            send.write_all(&frame).await.ok()?;
            send.finish().ok()?;
            send.stopped().await.ok()
        });
        match sent.await {
            Ok(_) => shared.guard.record(*peer, |traffic| traffic.sent(frame.len())),
            Err(_) => drop(send.reset(VarInt::from_u32(0))),
        }
        Ok(())
    }

    /// Reads the question. An offer waits for its turn before its bytes are read.
    async fn read(
        &self,
        recv: &mut RecvStream,
        offers: Arc<Semaphore>,
    ) -> Result<(Request, Option<OwnedSemaphorePermit>), Unread> {
        let head = frame::read_head::<Request>(recv).await.map_err(Unread::Fault)?;
        let mut permit = None;
        if head.kind == Request::OFFER {
            if !self.shared.guard.may_offer(&self.peer) {
                return Err(Unread::Refused("only registered nodes may offer"));
            }
            permit = offers.acquire_owned().await.ok();
        }
        let request = frame::read_rest::<Request>(recv, head).await.map_err(Unread::Fault)?;
        self.shared.guard.record(self.peer, |traffic| traffic.received(head.frame_size()));
        if let Request::Offer { blob, bytes, .. } = &request
            && blobs::hash(bytes) != *blob
        {
            return Err(Unread::Refused("the bytes of the offer do not hash to its blob"));
        }
        Ok((request, permit))
    }

    async fn ask_node(&self, request: Request) -> Response {
        let (reply, answer) = oneshot::channel();
        let incoming = Incoming { peer: self.peer, request, reply: Reply(reply) };
        if self.node.try_send(incoming).is_err() {
            return Response::refused("the node is busy");
        }
        match timeout(self.shared.limits.reply, answer).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => Response::refused("the node gave no answer"),
            Err(_) => Response::refused("the node took too long"),
        }
    }
}
