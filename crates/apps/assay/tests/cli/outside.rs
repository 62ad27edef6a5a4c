//! A chain of somebody else's: a real anvil process, with blocks on demand and one a second at
//! least.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{U256, utils::Unit},
    signers::local::PrivateKeySigner,
};
use chain::Client;

use crate::{
    harness::{self, Ended, Process, directory, net, run, skip, text, wait_for},
    rounds::{check, check_equal, rounds},
};

const PASSWORD: &str = "correct horse";

/// The program itself and not npm's script around it, which would leave it running when killed.
fn anvil_binary() -> Option<PathBuf> {
    let packages =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../contracts/node_modules/@foundry-rs");
    let packages = std::fs::read_dir(packages).ok()?;
    let binary = |package: std::fs::DirEntry| package.path().join("bin/anvil");
    packages.flatten().map(binary).find(|path| path.exists())
}

/// An anvil process, a funded account on it and the arguments to use them.
struct Outside {
    process: Process,
    runtime: tokio::runtime::Runtime,
    client: Client,
    args: Vec<String>,
}

impl Outside {
    fn start(root: &Path, options: &[&str]) -> Option<Outside> {
        let Some(binary) = anvil_binary() else {
            skip("a real anvil: run `npm ci` in contracts/ first");
            return None;
        };
        let mut command = Command::new(binary);
        let port = if options.contains(&"--port") { &[][..] } else { &["--port", "0"] };
        command.args(port).args(options).stdin(Stdio::null());
        let process = Process::start(command, &root.join("anvil"));
        let url = wait_for("anvil", || {
            let out = process.stdout();
            let mut lines = out.lines();
            let address = lines.find_map(|line| line.strip_prefix("Listening on "))?;
            Some(format!("http://{}", address.trim()))
        });
        let (key, password) = (root.join("key.json"), root.join("password"));
        let signer = match node::keys::open_keystore(&key, PASSWORD) {
            Ok(signer) => signer,
            Err(_) => node::keys::create_keystore(&key, PASSWORD, node::keys::Cost::Light)
                .expect("a keystore"),
        };
        std::fs::write(&password, PASSWORD).expect("written");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let client = runtime.block_on(fund(&url, signer));
        let args = ["--rpc", &url, "--key", text(&key), "--password-file", text(&password)];
        let args = args.map(str::to_owned).to_vec();
        Some(Outside { process, runtime, client, args })
    }

    fn args<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        self.args.iter().map(String::as_str).chain(more.iter().copied()).collect()
    }

    fn head(&self) -> u64 {
        self.runtime.block_on(self.client.block_number()).expect("anvil answers")
    }
}

async fn fund(url: &str, signer: PrivateKeySigner) -> Client {
    let client = Client::connect(url, signer).await.expect("anvil answers");
    let params = (client.address(), Unit::ETHER.wei() * U256::from(100));
    let funded = client.request::<_, serde_json::Value>("anvil_setBalance", params).await;
    funded.expect("anvil funds anybody");
    client
}

#[test]
fn rounds_settle_on_a_chain_with_its_own_clock() {
    let root = directory();
    let root = root.path();
    let Some(outside) = Outside::start(root, &["--block-time", "1", "--mixed-mining"]) else {
        return;
    };
    let ended = harness::up(root, &outside.args(&["--yes", "--rounds", "2", "--port", "19150"]));
    let json = ended.json();
    check(&json, 1, 2);
    assert_eq!(json["chain"]["id"], 31_337);
    for round in rounds(&json) {
        assert!(round["rejected"].as_array().is_some_and(Vec::is_empty), "{round}");
    }
    assert_ne!(json["account"]["margin_before"], json["account"]["margin_after"]);
    for said in ["id 31337", "estimate", "unaudited"] {
        assert!(ended.stderr.contains(said), "{said} is not in\n{}", ended.stderr);
    }
    check_equal(&harness::replay(root, 1));

    // Another chain at the directory's address is refused.
    let url = outside.args[1].clone();
    let port = url.rsplit(':').next().expect("a port").to_owned();
    outside.process.kill();
    let options = ["--port", &port, "--chain-id", "1337"];
    let Some(other) = Outside::start(root, &options) else { return };
    assert_eq!(other.args[1], url);
    let head = other.head();
    let error = start(root, &other.args(&["--yes"]));
    assert!(error.error().contains("are on chain 31337"), "{}", error.error());
    assert_eq!(other.head(), head, "something was sent");
}

fn start(root: &Path, args: &[&str]) -> Ended {
    let dir = net(root);
    run(root, &[&["up", "--rounds", "1", "--exit", "--dir", text(&dir)], args].concat())
}

#[test]
fn a_main_network_is_refused_and_nothing_is_sent() {
    let root = directory();
    let root = root.path();
    let Some(outside) = Outside::start(root, &["--chain-id", "1"]) else { return };
    for more in [&["--yes"][..], &["--yes", "--allow-chain-id", "1"]] {
        let ended = start(root, &outside.args(more));
        assert!(ended.error().contains("chain 1 is a main network"), "{}", ended.error());
    }
    assert_eq!(outside.head(), 0, "something was sent");
    let head = outside.runtime.block_on(outside.client.block(BlockNumberOrTag::Pending));
    let pending = head.expect("anvil answers").map(|block| block.transactions.len());
    assert_eq!(pending.unwrap_or(0), 0, "something waits to be mined");
    assert!(!net(root).join("up.json").exists(), "a refused choice was kept");
}

#[test]
fn an_account_without_ether_and_no_word_of_consent_are_refused() {
    let root = directory();
    let root = root.path();
    let Some(outside) = Outside::start(root, &[]) else { return };
    let ended = start(root, &outside.args(&[]));
    assert!(ended.error().contains("add --yes"), "{}", ended.error());
    let params = (outside.client.address(), U256::ONE);
    let spent = outside.client.request::<_, serde_json::Value>("anvil_setBalance", params);
    outside.runtime.block_on(spent).expect("anvil sets any balance");
    let ended = start(root, &outside.args(&["--yes"]));
    assert!(ended.error().contains("fund it first"), "{}", ended.error());
    assert_eq!(outside.head(), 0, "something was sent");
}
