//! Nodes among themselves, their mistakes and their crashes.

use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use iroh::EndpointId;
use net::{
    Config, Hello, Limits, Mismatch, Peer, Request, RequestError, Response, TurnedAway, blobs,
    limits::{BLOB_SIZE_MAX, REQUESTS_BURST, STRANGERS_MAX},
};
use tokio::{runtime::Runtime, sync::oneshot, task::JoinSet};

use crate::{HELLO, Node, bind, config, limits, offer, peer, registered};

#[tokio::test]
async fn two_nodes_ask_and_answer() {
    let alice = Node::start(config(1), Vec::new()).await;
    let bob = Node::start(config(2), vec![b"a blob".to_vec()]).await;
    let found = alice.get(&bob.peer(), b"a blob").await;
    assert_eq!(found, Ok(Response::Blob(b"a blob".to_vec())));
    assert_eq!(alice.get(&bob.peer(), b"another").await, Ok(Response::NotFound));
    let attested = alice.ask(&bob.peer(), offer(9, vec![1, 2, 3])).await;
    assert_eq!(attested, Ok(Response::Attest { signature: [9; 65] }));
    let tensor = Request::Tensor { root: blobs::hash(b"a blob") };
    assert_eq!(alice.ask(&bob.peer(), tensor).await, Ok(Response::Blob(b"a blob".to_vec())));
    let status = Response::Status { node: Some(3), round: 2, block: 1, blobs: 1 };
    assert_eq!(alice.ask(&bob.peer(), Request::Status).await, Ok(status));
    // And the other way round, over a connection of its own.
    assert_eq!(bob.get(&alice.peer(), b"a blob").await, Ok(Response::NotFound));
    let (ours, theirs) = (alice.endpoint.traffic(), bob.endpoint.traffic());
    let (ours, theirs) = (ours[&bob.endpoint.id()], theirs[&alice.endpoint.id()]);
    assert_eq!((ours.asked, theirs.served), (5, 5));
    assert_eq!((theirs.asked, ours.served), (1, 1));
    assert_eq!((ours.refused, theirs.refused), (0, 0));
    alice.stop().await;
    bob.stop().await;
}

#[tokio::test]
async fn every_byte_is_counted_on_both_sides() {
    let alice = Node::start(config(1), Vec::new()).await;
    let bob = Node::start(config(2), vec![vec![7; 10_000]]).await;
    alice.get(&bob.peer(), &[7; 10_000]).await.expect("bob has it");
    alice.get(&bob.peer(), b"nothing").await.expect("bob says so");
    // Closing waits until the last answer is acknowledged, and so entered on both sides.
    let (a, b) = (alice.endpoint.clone(), bob.endpoint.clone());
    alice.stop().await;
    bob.stop().await;
    let (ours, theirs) = (a.traffic()[&b.id()], b.traffic()[&a.id()]);
    assert_eq!(ours.sent_bytes, theirs.received_bytes);
    assert_eq!(ours.sent_bytes, 42 + 2 * (4 + 1 + 32));
    assert_eq!(ours.received_bytes, 43 + (4 + 1 + 2 + 10_000) + (4 + 1));
}

#[tokio::test]
async fn another_network_is_refused_with_the_difference() {
    let bob = Node::start(config(2), Vec::new()).await;
    let cases = [
        (Hello { version: 1, ..HELLO }, Mismatch::Version { ours: 1, theirs: HELLO.version }),
        (Hello { chain_id: 1, ..HELLO }, Mismatch::Chain { ours: 1, theirs: HELLO.chain_id }),
        (
            Hello { rounds: [8; 20], ..HELLO },
            Mismatch::Contract { ours: [8; 20], theirs: HELLO.rounds },
        ),
    ];
    for (hello, mismatch) in cases {
        let alice = Node::start(Config { hello, ..config(1) }, Vec::new()).await;
        let asked = alice.ask(&bob.peer(), Request::Status).await;
        assert_eq!(asked, Err(RequestError::Mismatch(mismatch)));
        // Nor does the node at home talk to the one abroad.
        let asked = bob.ask(&alice.peer(), Request::Status).await;
        assert!(matches!(asked, Err(RequestError::Mismatch(_))));
        alice.stop().await;
    }
    bob.stop().await;
}

#[tokio::test]
async fn the_key_decides_who_a_peer_is() {
    let alice = Node::start(config(1), Vec::new()).await;
    let bob = Node::start(config(2), Vec::new()).await;
    let impostor = Peer { id: bob.endpoint.id(), addr: alice.endpoint.addr() };
    let carol = Node::start(config(3), Vec::new()).await;
    let asked = carol.ask(&impostor, Request::Status).await;
    assert!(matches!(asked, Err(RequestError::Unreachable { .. })), "{asked:?}");
    assert_eq!(alice.ask(&alice.peer(), Request::Status).await, Err(RequestError::Oneself));
    let no_key = (0..=255).map(|byte| [byte; 32]).find(|id| EndpointId::from_bytes(id).is_err());
    let id = no_key.expect("half of all numbers are not on the curve");
    let nobody = Peer { id, addr: alice.endpoint.addr() };
    assert_eq!(bob.ask(&nobody, Request::Status).await, Err(RequestError::BadKey));
}

#[tokio::test]
async fn a_taken_port_is_one_clear_error() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("the loopback interface has a free port");
    let addr = taken.local_addr().expect("a bound socket has an address");
    let error = net::Endpoint::bind(Config { bind: addr, ..config(1) })
        .await
        .expect_err("the port is taken");
    assert_eq!(error.addr, addr);
}

#[tokio::test]
async fn the_largest_blob_gets_through_and_a_larger_one_is_not_sent() {
    let bytes: Vec<u8> = (0..BLOB_SIZE_MAX).map(|i| i.to_le_bytes()[i % 3]).collect();
    let alice = Node::start(config(1), Vec::new()).await;
    let bob = Node::start(config(2), vec![bytes.clone()]).await;
    let got = alice.get(&bob.peer(), &bytes).await;
    assert!(got == Ok(Response::Blob(bytes.clone())), "the largest blob arrives whole");
    let offered = alice.ask(&bob.peer(), offer(4, bytes)).await;
    assert_eq!(offered, Ok(Response::Attest { signature: [4; 65] }));
    let too_large = alice.ask(&bob.peer(), offer(4, vec![0; BLOB_SIZE_MAX + 1])).await;
    assert!(matches!(too_large, Err(RequestError::Unsendable(_))));
}

#[tokio::test]
async fn eight_nodes_exchange_all_with_all() {
    let mut nodes = Vec::new();
    for seed in 0..8 {
        nodes.push(Node::start(config(seed + 1), vec![vec![seed; 100_000]]).await);
    }
    let mut fetches = JoinSet::new();
    for (asker, from) in pairs(8) {
        let (endpoint, from_peer) = (nodes[asker].endpoint.clone(), nodes[from].peer());
        fetches.spawn(async move {
            let bytes = vec![u8::try_from(from).expect("there are eight"); 100_000];
            let request = Request::Get { blob: blobs::hash(&bytes) };
            (endpoint.request(&from_peer, request).await, bytes)
        });
    }
    let mut fetched = 0;
    while let Some(done) = fetches.join_next().await {
        let (got, bytes) = done.expect("no fetch panics");
        assert!(got == Ok(Response::Blob(bytes)));
        fetched += 1;
    }
    assert_eq!(fetched, 56);
    for node in &nodes {
        let traffic = node.endpoint.traffic();
        assert_eq!(traffic.len(), 7);
        assert!(traffic.values().all(|with| with.asked == 1 && with.served == 1));
    }
    for node in nodes {
        node.stop().await;
    }
}

fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |a| (0..count).map(move |b| (a, b))).filter(|(a, b)| a != b)
}

#[tokio::test]
async fn an_answer_that_is_not_one_is_an_error() {
    let alice = Node::start(config(1), Vec::new()).await;
    let (liar, mut incoming) = bind(config(2)).await;
    let answers = [
        Response::Blob(b"other bytes".to_vec()),
        Response::Status { node: None, round: 0, block: 0, blobs: 0 },
        Response::Blob(vec![0; BLOB_SIZE_MAX + 1]),
    ];
    let answering = tokio::spawn(async move {
        for answer in answers {
            incoming.recv().await.expect("alice asks once an answer").reply.send(answer);
        }
        // The fourth question is dropped, and the fifth finds the queue gone.
        drop(incoming.recv().await);
    });
    let to = peer(&liar);
    assert_eq!(alice.get(&to, b"bytes").await, Err(RequestError::WrongBlob));
    assert!(matches!(alice.get(&to, b"bytes").await, Err(RequestError::Unasked { .. })));
    let refused = |reason: &str| Ok(Response::Refused { reason: reason.to_owned() });
    assert_eq!(alice.get(&to, b"bytes").await, refused("the answer is too large"));
    assert_eq!(alice.get(&to, b"bytes").await, refused("the node gave no answer"));
    answering.await.expect("the liar does not panic");
    assert_eq!(alice.get(&to, b"bytes").await, refused("the node is busy"));
}

#[tokio::test]
async fn a_node_that_never_answers_costs_one_question() {
    let short = Limits { reply: Duration::from_millis(100), ..limits() };
    let alice = Node::start(config(1), Vec::new()).await;
    let (bob, mut incoming) = bind(Config { limits: short, ..config(2) }).await;
    let reason = "the node took too long".to_owned();
    let asked = alice.ask(&peer(&bob), Request::Status).await;
    assert_eq!(asked, Ok(Response::Refused { reason }));
    assert!(incoming.recv().await.is_some(), "the question had reached the node");
}

#[tokio::test]
async fn a_corrupt_file_is_not_served() {
    let dir = tempfile::tempdir().expect("the system has a place for temporary files");
    let store = blobs::Store::open(dir.path()).expect("a fresh folder can be used");
    let hash = store.put(b"precious").expect("there is room");
    let (bob, mut incoming) = bind(config(2)).await;
    let answering = {
        let store = store.clone();
        tokio::spawn(async move {
            while let Some(question) = incoming.recv().await {
                let Request::Get { blob } = question.request else { panic!("only gets are asked") };
                question.reply.send(match store.get(&blob) {
                    Ok(Some(bytes)) => Response::Blob(bytes),
                    Ok(None) => Response::NotFound,
                    Err(error) => Response::refused(error.to_string()),
                });
            }
        })
    };
    let alice = Node::start(config(1), Vec::new()).await;
    let got = alice.get(&peer(&bob), b"precious").await;
    assert_eq!(got, Ok(Response::Blob(b"precious".to_vec())));
    std::fs::write(store.path(&hash), b"precioux").expect("writable");
    let got = alice.get(&peer(&bob), b"precious").await;
    assert!(matches!(got, Ok(Response::Refused { reason }) if reason.contains("damaged")));
    bob.close().await;
    answering.await.expect("the answering task ends with its endpoint");
}

/// A node in a runtime of its own, which can be taken away from under it: no goodbye is sent.
struct Doomed {
    runtime: Runtime,
    peer: Peer,
    asked: Option<oneshot::Receiver<()>>,
}

impl Doomed {
    /// Starts a node; one that is `deaf` takes its first question and never answers.
    fn start(config: Config, deaf: bool) -> Doomed {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be built");
        let (heard, asked) = oneshot::channel();
        let (bound, addr) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let node = bind(config).await;
            bound.send(peer(&node.0)).expect("the test waits for this");
            let (_endpoint, mut incoming) = node;
            if deaf {
                let _question = incoming.recv().await;
                let _ = heard.send(());
                std::future::pending::<()>().await;
            } else {
                crate::answer_all(incoming, Vec::new()).await;
            }
        });
        let peer = addr.recv().expect("the node binds");
        Doomed { runtime, peer, asked: Some(asked) }
    }

    fn kill(self) {
        // The port is free again once the runtime's threads are gone.
        let runtime = self.runtime;
        let killing = std::thread::spawn(|| runtime.shutdown_timeout(Duration::from_secs(10)));
        killing.join().expect("shutting down does not panic");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_killed_while_asked_is_an_error_and_then_a_peer_again() {
    let hasty = Limits { idle: Duration::from_secs(1), ..limits() };
    let alice = Node::start(Config { limits: hasty, ..config(1) }, Vec::new()).await;
    let mut bob = Doomed::start(config(2), true);
    let (to, asked) = (bob.peer, bob.asked.take().expect("taken once"));
    let (lost, ()) = tokio::join!(alice.ask(&to, Request::Status), async {
        asked.await.expect("the question arrives");
        bob.kill();
    });
    assert!(
        matches!(lost, Err(RequestError::Lost { .. } | RequestError::Unreachable { .. })),
        "{lost:?}"
    );
    let bob = Doomed::start(Config { bind: to.addr, ..config(2) }, false);
    assert_eq!(bob.peer, to);
    let again = alice.ask(&to, Request::Status).await;
    assert!(matches!(again, Ok(Response::Status { .. })), "{again:?}");
    bob.kill();
}

/// Alice's connection to the old process would only fail after her idle timeout, which is longer
/// than she waits for an answer; that the new one greets her frees her of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_peer_that_greets_is_dialled_anew() {
    let patient =
        Limits { idle: Duration::from_secs(15), request: Duration::from_secs(8), ..limits() };
    let alice = Node::start(Config { limits: patient, ..config(1) }, Vec::new()).await;
    let bob = Doomed::start(config(2), false);
    let to = bob.peer;
    assert!(alice.ask(&to, Request::Status).await.is_ok());
    bob.kill();
    let bob = Node::start(Config { bind: to.addr, ..config(2) }, Vec::new()).await;
    assert!(bob.ask(&alice.peer(), Request::Status).await.is_ok());
    let again = alice.ask(&to, Request::Status).await;
    assert!(matches!(again, Ok(Response::Status { .. })), "{again:?}");
}

#[tokio::test]
async fn nobody_home_is_unreachable_for_all_who_wait() {
    let hasty = Limits { handshake: Duration::from_millis(300), ..limits() };
    let alice = Node::start(Config { limits: hasty, ..config(1) }, Vec::new()).await;
    let bob = Node::start(config(2), Vec::new()).await;
    let to = bob.peer();
    bob.stop().await;
    let ask = || alice.ask(&to, Request::Status);
    for lost in <[_; 4]>::from(tokio::join!(ask(), ask(), ask(), ask())) {
        assert!(matches!(lost, Err(RequestError::Unreachable { .. })), "{lost:?}");
    }
    let endpoint = alice.endpoint.clone();
    alice.stop().await;
    assert_eq!(endpoint.request(&to, Request::Status).await, Err(RequestError::Closed));
}

#[tokio::test]
async fn strangers_may_ask_but_not_offer_and_are_few() {
    let member = Node::start(config(1), Vec::new()).await;
    let bob = Node::start(config(2), vec![b"public".to_vec()]).await;
    bob.endpoint.admit(registered(&[&member]));
    let mut strangers = Vec::new();
    for seed in 0..STRANGERS_MAX {
        let seed = u8::try_from(seed).expect("few strangers are let in");
        let stranger = Node::start(config(100 + seed), Vec::new()).await;
        let got = stranger.get(&bob.peer(), b"public").await;
        assert_eq!(got, Ok(Response::Blob(b"public".to_vec())));
        strangers.push(stranger);
    }
    let refused = strangers[0].ask(&bob.peer(), offer(1, vec![1; 1_000_000])).await;
    let reason = "only registered nodes may offer".to_owned();
    assert_eq!(refused, Ok(Response::Refused { reason }));
    let one_too_many = Node::start(config(99), Vec::new()).await;
    let asked = one_too_many.get(&bob.peer(), b"public").await;
    assert_eq!(asked, Err(RequestError::TurnedAway(TurnedAway::Full)));
    let attested = member.ask(&bob.peer(), offer(1, vec![1])).await;
    assert_eq!(attested, Ok(Response::Attest { signature: [1; 65] }));
}

#[tokio::test]
async fn who_asks_too_fast_waits_and_nobody_else() {
    let bob = Node::start(config(2), Vec::new()).await;
    let hasty = Node::start(config(1), Vec::new()).await;
    let calm = Node::start(config(3), Vec::new()).await;
    let mut questions = JoinSet::new();
    let count = REQUESTS_BURST as usize + 20;
    for _ in 0..count {
        let (endpoint, to) = (hasty.endpoint.clone(), bob.peer());
        questions.spawn(async move { endpoint.request(&to, Request::Status).await });
    }
    assert!(calm.ask(&bob.peer(), Request::Status).await.is_ok());
    while let Some(answered) = questions.join_next().await {
        assert!(matches!(answered, Ok(Ok(Response::Status { .. }))), "{answered:?}");
    }
    assert_eq!(bob.endpoint.traffic()[&hasty.endpoint.id()].served, count as u64);
}

#[tokio::test]
async fn announced_addresses_are_resolved() {
    let literal = Peer::resolve([1; 32], "127.0.0.1:4100").await;
    let addr = SocketAddr::from(([127, 0, 0, 1], 4100));
    assert_eq!(literal, Ok(Peer { id: [1; 32], addr }));
    for nonsense in ["", "no port", "127.0.0.1", "127.0.0.1:99999", ":::::"] {
        assert!(Peer::resolve([1; 32], nonsense).await.is_err(), "{nonsense:?}");
    }
}
