//! A node that crashes around a challenge, on a real chain with a real court.

use alloy::{
    primitives::{Address, keccak256, utils::Unit},
    signers::local::PrivateKeySigner,
};
use chain::{
    contracts::court::Court,
    deploy::{CourtTerms, deploy_court},
    embedded::{Config, Server},
};
use tensor::{Builder, Dtype};

use super::*;

/// A chain, a claim that can be challenged, and a node that is going to.
struct Scene {
    _server: Server,
    client: Client,
    challenge: Challenge,
    dir: tempfile::TempDir,
}

fn ether(n: u64) -> U256 {
    Unit::ETHER.wei() * U256::from(n)
}

fn key(name: &str) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(name)).expect("a hash is a key")
}

impl Scene {
    async fn open() -> Scene {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (signer, asserter) = (key("node"), key("asserter"));
        let server = Server::start(Config {
            dir: dir.path().join("chain"),
            chain_id: chain::embedded::CHAIN_ID,
            port: 0,
            genesis_time: 1,
            block_ms_min: 0,
            block_ms_max: 60_000,
            funded: vec![(signer.address(), ether(1_000)), (asserter.address(), ether(1))],
        });
        let server = server.await.expect("it starts");
        let client = Client::connect(&server.url(), signer).await.expect("it answers");
        let terms = CourtTerms {
            supply: ether(1_000),
            bond: ether(10),
            window_blocks: 3,
            clock_blocks: 40,
            gas_price_cap: U256::from(500_000_000),
            consumers: vec![client.address()],
        };
        let deployment = deploy_court(&client, &terms).await.expect("it is deployed");
        let client = client.with(deployment);
        let challenge = claim(&client, &client.with_signer(asserter)).await;
        Scene { _server: server, client, challenge, dir }
    }

    /// A node as it is after a start, with what the disk holds.
    fn start(&self) -> Challenges {
        let store = Store::open(&self.dir.path().join("node")).expect("the last one is gone");
        Challenges::new(self.client.clone(), Arc::new(store), Kind::Round)
    }

    async fn disputes(&self) -> u64 {
        self.client.dispute_count().await.expect("an answer")
    }
}

/// Registers a Program and posts a claim about it; returns a challenge to it.
async fn claim(client: &Client, asserter: &Client) -> Challenge {
    let mut b = Builder::new();
    let x = b.input(Dtype::I32, &[2]).expect("a shape");
    let program = b.finish(&[x]).expect("an output");
    let hash = B256::from(program.hash().0);
    let (programs, court) = (client.deployment().programs, client.deployment().court);
    client.transfer(asserter.address(), ether(100)).await.expect("tokens");
    for (party, spender) in [(client, programs), (client, court), (asserter, court)] {
        party.approve(spender, U256::MAX).await.expect("an allowance");
    }
    let encoding = program.encode().into();
    client.register_program(hash, encoding).await.expect("it is registered");
    while !client.program_ready(hash).await.expect("an answer") {
        client.mine().await.expect("a block");
    }
    let post = Court::postCall {
        program: hash,
        inputsRoot: keccak256("inputs"),
        outputsRoot: keccak256("outputs"),
        asserter: asserter.address(),
        iterations: 1,
        parents: Vec::new(),
    };
    client.send(court, post).await.expect("a claim");
    Challenge { claim: 1, outputs_root: keccak256("other"), header: program.header() }
}

fn crash() -> Result<(), NodeError> {
    Err(NodeError::absent("the process, which was killed"))
}

#[tokio::test]
async fn a_challenge_is_in_a_block_once_if_the_node_crashes_before_it_is() {
    let scene = Scene::open().await;
    // Sent, and the process is gone before it could see the block.
    let sent = scene.start().send(scene.challenge.clone()).await.expect("it leaves");
    let again = scene.start().make(scene.challenge.clone()).await.expect("it is in a block");
    assert_eq!(again.hash, sent.hash, "the very same transaction");
    // Asked for again and again, as the machine does while the chain does not show it.
    for _ in 0..2 {
        let again = scene.start().make(scene.challenge.clone()).await.expect("it is in a block");
        assert_eq!(again.hash, sent.hash);
    }
    assert_eq!(scene.disputes().await, 1);
}

#[tokio::test]
async fn a_challenge_that_was_written_down_and_never_left_is_sent() {
    let scene = Scene::open().await;
    let killed = scene.start().sign(scene.challenge.clone(), crash).await;
    assert!(killed.is_err());
    assert_eq!(scene.disputes().await, 0, "nothing left");
    scene.start().make(scene.challenge.clone()).await.expect("it is in a block");
    assert_eq!(scene.disputes().await, 1);
}

#[tokio::test]
async fn a_challenge_whose_nonce_went_to_another_transaction_is_signed_anew() {
    let scene = Scene::open().await;
    let killed = scene.start().sign(scene.challenge.clone(), crash).await;
    assert!(killed.is_err());
    // What a node does first after a restart may take the nonce.
    scene.client.pay(Address::ZERO, U256::from(1)).await.expect("it is in a block");
    scene.start().make(scene.challenge.clone()).await.expect("it is in a block");
    assert_eq!(scene.disputes().await, 1);
}

#[tokio::test]
async fn two_that_challenge_at_once_send_one_transaction() {
    let scene = Scene::open().await;
    let node = scene.start();
    let both = tokio::join!(node.make(scene.challenge.clone()), node.make(scene.challenge.clone()));
    let hashes = (both.0.expect("in a block").hash, both.1.expect("in a block").hash);
    assert_eq!(hashes.0, hashes.1);
    assert_eq!(scene.disputes().await, 1);
}

#[tokio::test]
async fn a_record_is_of_its_claim_alone() {
    let scene = Scene::open().await;
    let node = scene.start();
    node.make(scene.challenge.clone()).await.expect("it is in a block");
    assert!(node.begun(1).expect("a database").is_some());
    assert!(node.begun(2).expect("a database").is_none());
}
