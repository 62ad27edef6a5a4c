//! Peers that speak QUIC and then break the protocol, each in its own way.
//!
//! The invariant of every case: the node lives, and an honest peer is served meanwhile.

use std::time::Duration;

use iroh::{
    EndpointAddr, SecretKey,
    endpoint::{Connection, ConnectionError, RecvStream, SendStream, presets},
};
use net::{
    Config, Limits, Peer, Request, RequestError, Response, TurnedAway,
    limits::{BLOB_SIZE_MAX, REQUESTS_PER_PEER},
};

use crate::{HELLO, Node, bind, config, limits, peer};

/// A peer without manners: a bare QUIC endpoint.
struct Raw(iroh::Endpoint);

impl Raw {
    async fn start(seed: u8) -> Raw {
        let endpoint = iroh::Endpoint::builder(presets::Minimal)
            .clear_ip_transports()
            .secret_key(SecretKey::from_bytes(&[seed; 32]))
            .bind_addr("127.0.0.1:0")
            .expect("an address is an address")
            .bind()
            .await
            .expect("the loopback interface has a free port");
        Raw(endpoint)
    }

    async fn dial(&self, to: &Peer, alpn: &[u8]) -> Option<Connection> {
        let id = iroh::EndpointId::from_bytes(&to.id).expect("a node's id is a key");
        self.0.connect(EndpointAddr::new(id).with_ip_addr(to.addr), alpn).await.ok()
    }

    /// Dials and greets as the protocol says; returns the verdict too.
    async fn greet(&self, to: &Peer) -> (Connection, u8) {
        let connection = self.dial(to, net::ALPN).await.expect("the node listens");
        let (mut send, mut recv) = connection.open_bi().await.expect("one stream is allowed");
        send.write_all(&greeting()).await.expect("the node reads greetings");
        send.finish().expect("the stream is open");
        let answer = recv.read_to_end(100).await.expect("the node answers greetings");
        assert_eq!(answer.len(), 43);
        (connection, answer[0])
    }

    fn seed(&self) -> Config {
        Config::new(self.0.secret_key().to_bytes(), config(0).bind, HELLO)
    }
}

fn greeting() -> Vec<u8> {
    let mut bytes = b"ASSY".to_vec();
    bytes.extend(HELLO.version.to_le_bytes());
    bytes.extend(HELLO.chain_id.to_le_bytes());
    bytes.extend(HELLO.rounds);
    bytes.extend(7u64.to_le_bytes());
    bytes
}

async fn open(connection: &Connection) -> (SendStream, RecvStream) {
    connection.open_bi().await.expect("a stream is allowed")
}

fn closed_for(error: &ConnectionError) -> Option<u64> {
    match error {
        ConnectionError::ApplicationClosed(close) => Some(close.error_code.into_inner()),
        _ => None,
    }
}

async fn is_served(by: &Peer) {
    let honest = Node::start(config(200), Vec::new()).await;
    let asked = honest.ask(by, Request::Status).await;
    assert!(matches!(asked, Ok(Response::Status { .. })), "{asked:?}");
    honest.stop().await;
}

/// Every way to be malformed that can be told from one frame: closed with code 2, then penalised.
#[tokio::test]
async fn rubbish_costs_the_connection_and_a_while() {
    let bob = Node::start(config(2), Vec::new()).await;
    let too_long = u32::try_from(BLOB_SIZE_MAX + 1000).expect("it fits").to_le_bytes();
    let cases: [&[u8]; 7] = [
        &[0, 0, 0, 0],
        &[1, 0, 0, 0, 9],
        &[2, 0, 0, 0, 2, 2],
        &[too_long[0], too_long[1], too_long[2], too_long[3], 1],
        &[255, 255, 255, 255, 0],
        &[3, 0, 0, 0, 0, 1, 2],
        &[1, 0, 0, 0, 2, 77],
    ];
    for (seed, bytes) in (10..).zip(cases) {
        let raw = Raw::start(seed).await;
        let (connection, verdict) = raw.greet(&bob.peer()).await;
        assert_eq!(verdict, 0);
        let (mut send, _recv) = open(&connection).await;
        send.write_all(bytes).await.expect("the connection is open");
        send.finish().expect("the stream is open");
        assert_eq!(closed_for(&connection.closed().await), Some(2), "{bytes:?}");
        let (_, verdict) = raw.greet(&bob.peer()).await;
        assert_eq!(verdict, 3, "turned away for a while");
        is_served(&bob.peer()).await;
    }
    // The penalty is the key's: the same key behind a decent endpoint is turned away too.
    let raw = Raw::start(10).await;
    let decent = Node::start(Config { limits: limits(), ..raw.seed() }, Vec::new()).await;
    let asked = decent.ask(&bob.peer(), Request::Status).await;
    assert_eq!(asked, Err(RequestError::TurnedAway(TurnedAway::Penalty)));
}

/// Bytes from a seed on many streams; whatever they are, the node lives.
#[tokio::test]
async fn noise_is_survived() {
    let bob = Node::start(config(2), Vec::new()).await;
    let mut state = 1u64;
    for seed in 20..60 {
        let raw = Raw::start(seed).await;
        let (connection, _) = raw.greet(&bob.peer()).await;
        for _ in 0..REQUESTS_PER_PEER {
            let Ok((mut send, _recv)) = connection.open_bi().await else { break };
            let mut noise = Vec::new();
            while noise.len() < usize::from(seed) {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                noise.extend_from_slice(&state.to_be_bytes()[..3]);
            }
            // Half of the time the length is plausible, so that decoding gets its share.
            if state.is_multiple_of(2) {
                noise[0] = u8::try_from(noise.len() - 4).expect("noise is short");
                noise[1..4].fill(0);
            }
            if send.write_all(&noise).await.is_err() {
                break;
            }
            let _ = send.finish();
        }
        drop(connection);
    }
    is_served(&bob.peer()).await;
}

#[tokio::test]
async fn a_greeting_that_is_none_ends_the_connection() {
    let hasty = Limits { handshake: Duration::from_millis(300), ..limits() };
    let bob = Node::start(Config { limits: hasty, ..config(2) }, Vec::new()).await;
    let raw = Raw::start(10).await;
    assert!(raw.dial(&bob.peer(), b"another/1").await.is_none(), "another protocol");
    // Rubbish is answered with a goodbye; silence and half a greeting run into the deadline.
    for bytes in [&[0u8; 42][..], &[], &greeting()[..20]] {
        let connection = raw.dial(&bob.peer(), net::ALPN).await.expect("the node listens");
        let (mut send, _recv) = open(&connection).await;
        send.write_all(bytes).await.expect("the connection is open");
        assert!(closed_for(&connection.closed().await).is_some());
    }
    is_served(&bob.peer()).await;
}

/// As many streams as are allowed, each with half a message: they are reset after the deadline.
#[tokio::test]
async fn a_stalling_peer_loses_its_questions() {
    let hasty = Limits { transfer: Duration::from_millis(300), ..limits() };
    let bob = Node::start(Config { limits: hasty, ..config(2) }, Vec::new()).await;
    let raw = Raw::start(10).await;
    let (connection, _) = raw.greet(&bob.peer()).await;
    let mut streams = Vec::new();
    for _ in 0..REQUESTS_PER_PEER {
        let (mut send, recv) = open(&connection).await;
        send.write_all(&[33, 0, 0, 0, 0, 1, 2, 3]).await.expect("the connection is open");
        streams.push((send, recv));
    }
    is_served(&bob.peer()).await;
    for (_send, mut recv) in streams {
        assert!(recv.read_to_end(100).await.is_err(), "the stream is reset, not answered");
    }
    assert!(connection.close_reason().is_none(), "slow is not malformed");
    let id = *raw.0.id().as_bytes();
    assert_eq!(bob.endpoint.traffic()[&id].refused, REQUESTS_PER_PEER as u64);
}

/// Streams beyond the limit cannot be opened while the node thinks about the first ones.
#[tokio::test]
async fn a_peer_has_only_so_many_questions_open() {
    let (bob, mut incoming) = bind(config(2)).await;
    let raw = Raw::start(10).await;
    let (connection, _) = raw.greet(&peer(&bob)).await;
    let (mut streams, mut unanswered) = (Vec::new(), Vec::new());
    for _ in 0..REQUESTS_PER_PEER {
        let (mut send, recv) = open(&connection).await;
        send.write_all(&[1, 0, 0, 0, 2]).await.expect("the connection is open");
        send.finish().expect("the stream is open");
        streams.push((send, recv));
        unanswered.push(incoming.recv().await.expect("the question arrives"));
    }
    let another = tokio::select! {
        biased;
        stream = connection.open_bi() => Some(stream),
        () = std::future::ready(()) => None,
    };
    assert!(another.is_none(), "no stream beyond the limit");
    let status = Response::Status { node: None, round: 0, block: 0, blobs: 0 };
    unanswered.pop().expect("there are several").reply.send(status);
    assert!(connection.open_bi().await.is_ok(), "an answer makes room for a question");
}

#[tokio::test]
async fn a_newer_connection_of_a_peer_replaces_the_older() {
    let bob = Node::start(config(2), Vec::new()).await;
    let raw = Raw::start(10).await;
    let (older, _) = raw.greet(&bob.peer()).await;
    let (newer, verdict) = raw.greet(&bob.peer()).await;
    assert_eq!(verdict, 0);
    assert_eq!(closed_for(&older.closed().await), Some(3));
    assert!(newer.close_reason().is_none());
}

#[tokio::test]
async fn a_server_of_rubbish_is_an_error_for_who_asked() {
    let raw = iroh::Endpoint::builder(presets::Minimal)
        .clear_ip_transports()
        .secret_key(SecretKey::from_bytes(&[50; 32]))
        .alpns(vec![net::ALPN.to_vec()])
        .bind_addr("127.0.0.1:0")
        .expect("an address is an address")
        .bind()
        .await
        .expect("the loopback interface has a free port");
    let to = Peer { id: *raw.id().as_bytes(), addr: raw.bound_sockets()[0] };
    // What it says on the greeting's stream, then on the question's.
    let cases: [(u8, &[u8]); 5] = [
        (9, &[]),
        (0, &[1, 0, 0, 0, 200]),
        (0, &[255, 255, 255, 255, 0]),
        (0, &[2, 0, 0, 0, 1, 1]),
        (0, &[1, 0]),
    ];
    let serving = tokio::spawn(async move {
        let mut kept = Vec::new();
        for (verdict, answer) in cases {
            let knock = raw.accept().await.expect("the endpoint is open");
            let connection = knock.await.expect("alice shakes hands");
            let (mut send, mut recv) = connection.accept_bi().await.expect("a greeting");
            recv.read_to_end(100).await.expect("a greeting ends");
            send.write_all(&[&[verdict], &greeting()[..]].concat()).await.expect("alice reads");
            send.finish().expect("the stream is open");
            if verdict == 0 {
                let (mut send, recv) = connection.accept_bi().await.expect("a question");
                send.write_all(answer).await.expect("alice reads");
                send.finish().expect("the stream is open");
                kept.push((send, recv));
            }
            connection.closed().await;
        }
    });
    let mut errors = Vec::new();
    for seed in 1..=5 {
        let alice = Node::start(config(seed), Vec::new()).await;
        errors.push(alice.ask(&to, Request::Status).await.expect_err("nothing of this is right"));
        alice.stop().await;
    }
    serving.await.expect("the server plays its part to the end");
    assert_eq!(errors[0], RequestError::NoGreeting);
    for error in &errors[1..4] {
        assert!(matches!(error, RequestError::Malformed(_)), "{error}");
    }
    assert!(matches!(errors[4], RequestError::Lost { .. }), "{}", errors[4]);
}
