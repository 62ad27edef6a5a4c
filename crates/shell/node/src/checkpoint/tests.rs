//! The state of a round from several nodes over real sockets, of which one lies and one dies.

use alloy::primitives::{Address, B256, U256};
use chain::contracts::registry::IRegistry;
use net::{Endpoint, Hello, Incoming, Request, Response, library::Library};
use tensor::Tensor;
use tokio::{sync::mpsc, task::JoinHandle};

use super::*;
use crate::{
    TensorStore,
    peers::{Directory, Peers},
    runner::answers::Items,
};

/// How a node of these tests answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Honest,
    /// A bit of every piece is flipped.
    Lies,
    /// It leaves with so many pieces that it was asked for.
    Dies(usize),
}

struct Node {
    peers: Peers,
    tensors: TensorStore,
    dir: PathBuf,
    answering: JoinHandle<()>,
}

impl Node {
    async fn start(root: &Path, seed: u8, manner: Manner) -> Node {
        let dir = root.join(seed.to_string());
        let tensors = TensorStore::open(&dir.join("tensors")).expect("opened");
        let library = Library::open(&dir).expect("opened");
        let hello = Hello::new(1, [7; 20]);
        let bind = "127.0.0.1:0".parse().expect("an address");
        let mut config = net::Config::new([seed; 32], bind, hello);
        config.limits.request = Duration::from_secs(5);
        let (endpoint, incoming) = Endpoint::bind(config).await.expect("a free port");
        let blobs = net::blobs::Store::open(&dir).expect("opened");
        let items = Items { library: library.clone(), tensors: tensors.clone(), blobs };
        let answering = tokio::spawn(answer_all(incoming, items, manner, endpoint.clone()));
        let peers = Peers {
            endpoint,
            directory: Directory::default(),
            library,
            gathering: Default::default(),
        };
        Node { peers, tensors, dir, answering }
    }

    fn entry(&self) -> IRegistry::Node {
        IRegistry::Node {
            key: Address::ZERO,
            payee: Address::ZERO,
            peer: B256::from(self.peers.endpoint.id()),
            endpoint: self.peers.endpoint.addr().to_string(),
            stake: U256::ZERO,
            unbondBlock: 0,
        }
    }

    fn gather(&self) -> Gather {
        let (tensors, peers) = (self.tensors.clone(), self.peers.clone());
        Gather { tensors, peers, own: None, patience: Duration::from_secs(300) }
    }
}

async fn answer_all(
    mut incoming: mpsc::Receiver<Incoming>,
    items: Items,
    manner: Manner,
    endpoint: Endpoint,
) {
    let mut asked = 0;
    while let Some(Incoming { request, reply, .. }) = incoming.recv().await {
        asked += usize::from(matches!(request, Request::Piece { .. }));
        if matches!(manner, Manner::Dies(after) if asked >= after) {
            return endpoint.close().await;
        }
        reply.send(match request {
            Request::Have { item } => items.have(&item),
            Request::Piece { item, index } => match items.piece(&item, index) {
                Response::Piece { path, mut bytes } if manner == Manner::Lies => {
                    bytes[0] ^= 1;
                    Response::Piece { path, bytes }
                }
                honest => honest,
            },
            _ => Response::NotFound,
        });
    }
}

/// Two tensors as a large model would have them: 4 MB of parameters, half a MB of pay.
fn state() -> [Tensor; 2] {
    let params = (0_u16..).cycle().map(f32::from).take(1_000_000);
    let pay = (0_u16..).map(f64::from).take(60_000);
    [
        Tensor::f32(&[1_000, 1_000], params.collect()).expect("shaped"),
        Tensor::f64(&[60_000], pay.collect()).expect("shaped"),
    ]
}

#[tokio::test]
async fn the_state_comes_from_whoever_is_honest_and_lives() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let state = state();
    let mut nodes = Vec::new();
    let manners = [Manner::Honest, Manner::Honest, Manner::Lies, Manner::Dies(3)];
    for (seed, manner) in (1..).zip(manners) {
        let node = Node::start(root.path(), seed, manner).await;
        // Each honest one has one of the two, so both are needed, whoever is the fastest.
        for (at, tensor) in (1..).zip(&state) {
            if manner != Manner::Honest || seed == at {
                node.tensors.put(tensor).expect("kept");
            }
        }
        nodes.push(node);
    }
    let entries: Vec<_> = nodes.iter().map(Node::entry).collect();
    let wants: Vec<Want> = state.iter().map(|one| Want::like(one, one.root())).collect();

    let late = Node::start(root.path(), 9, Manner::Honest).await;
    late.peers.directory.update(&entries);
    let twice = [&wants[..], &wants[..]].concat();
    fetch(late.gather(), late.dir.clone(), 7, twice).await.expect("two are enough");
    for tensor in &state {
        assert_eq!(&late.tensors.get(tensor.root()).expect("kept"), tensor);
    }
    let told = Checkpoint::read(&late.dir).expect("how it went");
    assert_eq!((told.round, told.stage), (7, Stage::Complete));
    // 32 KiB of parameters each, 64 KiB of pay.
    assert_eq!((told.pieces, told.here, told.found), (123 + 8, 123 + 8, 0));
    let key = |at: usize| hex::encode(nodes[at].peers.endpoint.id());
    assert!(told.given.contains_key(&key(0)) && told.given.contains_key(&key(1)), "{told:?}");
    assert!(told.blamed.keys().all(|peer| *peer == key(2)), "{told:?}");
    assert!(!told.given.contains_key(&key(2)), "nothing of the liar's is kept");
    assert!(told.given.get(&key(3)).is_none_or(|given| *given < 3), "{told:?}");

    // It can be asked itself now, and whoever has everything asks nobody.
    let later = Node::start(root.path(), 10, Manner::Honest).await;
    later.peers.directory.update(&[late.entry()]);
    fetch(later.gather(), later.dir.clone(), 7, wants.clone()).await.expect("one is enough");
    assert_eq!(Checkpoint::read(&later.dir).map(|told| told.given.len()), Some(1));
    std::fs::remove_file(at(&later.dir)).expect("removed");
    later.peers.directory.update(&[]);
    fetch(later.gather(), later.dir.clone(), 7, wants).await.expect("it is here");
    assert_eq!(Checkpoint::read(&later.dir), None);
    nodes.iter().chain([&late, &later]).for_each(|node| node.answering.abort());
}

#[tokio::test]
async fn what_was_on_disk_before_a_kill_counts() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let [params, _] = state();
    // It leaves before all of it is handed over.
    let source = Node::start(root.path(), 1, Manner::Dies(40)).await;
    source.tensors.put(&params).expect("kept");
    let want = Want::like(&params, params.root());

    let late = Node::start(root.path(), 9, Manner::Honest).await;
    late.peers.directory.update(&[source.entry()]);
    let (told, mut progress) = watch::channel(Progress::default());
    let gather = late.gather();
    let wants = [want.clone()];
    let killed = tokio::spawn(async move { gather.run(&wants, told).await });
    progress.wait_for(|progress| progress.here >= 20).await.expect("it is told");
    killed.abort();
    let _ = killed.await;
    assert!(late.tensors.get(params.root()).is_err(), "it was not whole");
    late.answering.abort();

    // Other processes in the same directories.
    let source = Node::start(root.path(), 1, Manner::Honest).await;
    let late = Node::start(root.path(), 9, Manner::Honest).await;
    late.peers.directory.update(&[source.entry()]);
    fetch(late.gather(), late.dir.clone(), 3, vec![want]).await.expect("the source has it");
    let told = Checkpoint::read(&late.dir).expect("how it went");
    assert!(told.found >= 20, "{told:?}");
    assert_eq!(told.given.values().sum::<usize>(), 123 - told.found);
    source.answering.abort();
    late.answering.abort();
}
