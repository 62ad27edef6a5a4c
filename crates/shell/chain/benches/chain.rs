//! How long the embedded chain takes for what nodes do most, over HTTP on loopback.
//!
//! `cargo bench -p chain`. Mined means durable: every block is synced to the disk before its
//! receipt is served, so the two figures that include a block depend on the disk.

use alloy::{
    primitives::{U256, keccak256, utils::Unit},
    signers::local::PrivateKeySigner,
};
use chain::{
    Client,
    contracts::dollar::DemoDollar,
    embedded::{Config, Server},
};
use criterion::{Criterion, criterion_group, criterion_main};
use tokio::runtime::Runtime;

fn signer() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256("bench")).expect("a hash is a key")
}

async fn chain(dir: &std::path::Path) -> (Server, Client) {
    let config = Config {
        dir: dir.to_owned(),
        chain_id: chain::embedded::CHAIN_ID,
        port: 0,
        genesis_time: 1,
        block_ms_min: 0,
        block_ms_max: 60_000,
        funded: vec![(signer().address(), Unit::ETHER.wei() * U256::from(1_000_000))],
    };
    let server = Server::start(config).await.expect("it starts");
    let client = Client::connect(&server.url(), signer()).await.expect("it answers");
    (server, client)
}

fn requests(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (_server, client) = runtime.block_on(chain(dir.path()));
    let dollar = runtime.block_on(async {
        let code = DemoDollar::BYTECODE.clone();
        let sent = client.submit(None, code, U256::ZERO).await.expect("it is sent");
        client.wait(sent).await.expect("it is mined").created.expect("a contract")
    });
    let account = client.address();
    c.bench_function("eth_blockNumber", |b| {
        b.iter(|| runtime.block_on(client.block_number()).expect("an answer"));
    });
    c.bench_function("eth_call of balanceOf", |b| {
        let call = || client.view(dollar, DemoDollar::balanceOfCall { account });
        b.iter(|| runtime.block_on(call()).expect("a view"));
    });
    c.bench_function("an empty block", |b| {
        b.iter(|| runtime.block_on(client.mine()).expect("a block"));
    });
    c.bench_function("a transfer until its receipt", |b| {
        let pay = || client.pay(signer().address(), U256::from(1));
        b.iter(|| runtime.block_on(pay()).expect("it is mined"));
    });
    c.bench_function("a mint until its receipt", |b| {
        let mint = || client.send(dollar, DemoDollar::mintCall { account, amount: U256::from(1) });
        b.iter(|| runtime.block_on(mint()).expect("it is mined"));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = requests
}
criterion_main!(benches);
