//! Chains to test on, keys, a small job, and the commitments of docs/protocol.md §1 written down a second
//! time.

use std::path::Path;

use alloy::{
    primitives::{B256, Bytes, U256, keccak256, utils::Unit},
    signers::local::PrivateKeySigner,
};
use chain::{
    Client, Deployment,
    contracts::{clearing::IClearingHouse, gate::IRiskGate, rounds::IRounds},
    deploy::Setup,
    embedded::{Config, Server},
};

pub(crate) const CHAIN_ID: u64 = 31_337;
pub(crate) const GENESIS: u64 = 1_420_070_400;
pub(crate) const CUMULATIVE: usize = 256;
pub(crate) const D: u32 = 4;

/// Key `n`: as good as random, and the same in every run.
pub(crate) fn key(n: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256([b'k', n])).expect("a hash is a key")
}

pub(crate) fn ether(n: u64) -> U256 {
    Unit::ETHER.wei() * U256::from(n)
}

pub(crate) fn percent(n: u64) -> U256 {
    U256::from(n) * U256::from(10_000_000_000_000_000u64)
}

pub(crate) fn config(dir: &Path) -> Config {
    Config {
        dir: dir.to_owned(),
        chain_id: CHAIN_ID,
        port: 0,
        genesis_time: GENESIS,
        block_ms_max: 50,
        funded: (0..6).map(|n| (key(n).address(), ether(1_000))).collect(),
    }
}

pub(crate) async fn start(dir: &Path) -> Server {
    Server::start(config(dir)).await.expect("a fresh directory starts")
}

pub(crate) async fn connect(server: &Server, n: u8) -> Client {
    Client::connect(&server.url(), key(n)).await.expect("the server answers")
}

pub(crate) fn setup() -> Setup {
    Setup {
        supply: ether(1_000_000),
        minimum_stake: ether(100),
        unbond_blocks: 100_000,
        bond: ether(10),
        window_blocks: 3,
        rounds: IRounds::Config {
            job: keccak256("job"),
            quorum: 3,
            capacity: 8,
            cumulativeLength: CUMULATIVE as u32,
            commitBlocks: 40,
            revealBlocks: 40,
            aggregateBlocks: 60,
            budgetGwei: 1_000_000_000,
            unrevealedPenalty: ether(1),
            updateLength: D,
            trainProgram: keccak256("train"),
            initialModel: tensor_root(&[0; 16], 128),
            initialCumulative: tensor_root(&[0; CUMULATIVE * 8], 256),
            aggregatePrograms: (3..=8u8).map(|m| keccak256([b'a', m])).collect(),
        },
        fund: ether(100),
        provider: key(0).address(),
        limits: IRiskGate::Limits {
            floor: percent(5),
            ceiling: percent(100),
            stepUp: percent(100),
            stepDown: percent(10),
            priceStep: percent(20),
            staticInitial: percent(20),
            staticMaintenance: percent(12),
        },
        terms: IClearingHouse::Terms {
            market: keccak256("WTI spot"),
            settlesAt: GENESIS + 365 * 86_400,
            band: percent(5),
            discount: percent(1),
            insuranceFee: percent(1),
        },
    }
}

/// Deploys with key 0 and returns its client, bound.
pub(crate) async fn deployed(url: &str) -> (Client, Deployment) {
    let client = Client::connect(url, key(0)).await.expect("the chain answers");
    let deployment = chain::deploy::deploy(&client, &setup()).await.expect("the contracts deploy");
    (client.with(deployment.clone()), deployment)
}

pub(crate) fn leaf(chunk: &[u8], size: usize) -> B256 {
    let mut bytes = vec![0; 1 + size];
    bytes[1..=chunk.len()].copy_from_slice(chunk);
    keccak256(bytes)
}

pub(crate) fn inner(children: &[B256]) -> B256 {
    let mut bytes = vec![0; 1 + 16 * 32];
    bytes[0] = 1;
    for (place, child) in bytes[1..].chunks_exact_mut(32).zip(children) {
        place.copy_from_slice(child.as_slice());
    }
    keccak256(bytes)
}

pub(crate) fn list_root(nodes: &[B256]) -> B256 {
    let mut level = nodes.to_vec();
    while level.len() > 1 {
        level = level.chunks(16).map(inner).collect();
    }
    level[0]
}

/// Root of a tensor's bytes with chunks of `size` bytes.
pub(crate) fn tensor_root(bytes: &[u8], size: usize) -> B256 {
    let leaves: Vec<_> = bytes.chunks(size).map(|chunk| leaf(chunk, size)).collect();
    list_root(&leaves)
}

/// Bytes of an update whose every coordinate is `value`.
pub(crate) fn update(value: i32) -> Bytes {
    value.to_le_bytes().repeat(D as usize).into()
}
