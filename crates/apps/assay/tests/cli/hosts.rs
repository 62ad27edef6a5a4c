//! Several hosts: nodes with bad links between them, some of them cut off in the middle of a round.
//!
//! Each node is a process in a network namespace of its own, which only root may make, and talks to
//! the others and to the chain through [`links`] alone: Linux without the kernel's `netem` is
//! enough. Links between nodes take 100 ms one way and lose 2 % of datagrams; each host's way to
//! the chain takes 5 ms, as where a host has a node of the chain in its neighbourhood, since a look
//! at the chain is some ten questions, one after another, of one block.
//!
//! `ASSAY_HOSTS` says how many nodes there are, 5 otherwise; `cargo xtask hosts` runs 16.

mod links;
mod spaces;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use alloy::primitives::{U256, utils::Unit};
use chain::{
    Phase,
    contracts::{registry::Registry, rewards::Rewards, rounds::Rounds},
};
use node::{
    TensorStore,
    keys::{Cost, Keys},
};
use serde_json::Value;

use crate::{
    crash::events,
    harness::{self, Onlooker, Place, Process, assay, directory, net, say, text, wait_for},
};
use links::{Links, Quality};
use spaces::Spaces;

/// Rounds; in the second some nodes are cut off.
const ROUNDS: u64 = 2;
const CUT_IN: u64 = 2;
/// Shortest and longest time between two blocks: longer than a host's look at the chain takes.
const BLOCK_MS: (u64, u64) = (150, 900);
/// Whole tokens each node is given beside its stake, and the ether.
const GIVEN: u64 = 2_000;
const GAS: u64 = 100;

/// A network of hosts.
struct Hosts {
    root: PathBuf,
    count: usize,
    spaces: Spaces,
    links: Arc<Links>,
    onlooker: Onlooker,
    /// Nodes, and the chain; ended with this.
    processes: Vec<Process>,
    _place: Place,
}

#[test]
fn a_partition_healed_in_mid_round_costs_nobody_anything() {
    let root = directory();
    let count = std::env::var("ASSAY_HOSTS").map_or(5, |n| n.parse().expect("a number"));
    let Some(spaces) = Spaces::make(count) else { return };
    let hosts = Hosts::start(root.path(), spaces, count);
    for round in 1..=ROUNDS {
        hosts.open(round);
        if round == CUT_IN {
            hosts.cut_off_and_heal(round);
        }
        hosts.settle(round);
    }
    hosts.claim();
    hosts.check();
}

impl Hosts {
    /// Deploys a network, then starts its chain and nodes behind their links.
    fn start(root: &Path, spaces: Spaces, count: usize) -> Hosts {
        assert!((5..=16).contains(&count), "5 to 16 hosts");
        let made = harness::up(root, &["--rounds", "0", "--no-liar", "--port", "19750"]);
        made.json();
        let place = Place::take();
        let chain = start_chain(root);
        let onlooker = Onlooker::wait(root);
        let quality = Quality {
            latency: Duration::from_millis(100),
            chain_latency: Duration::from_millis(5),
            lost_permille: 20,
            seed: 20_150_302,
        };
        let links = Links::new(quality, (0..count).map(|node| Spaces::node(node).ip()));
        let mut hosts = Hosts {
            root: root.to_path_buf(),
            count,
            spaces,
            links,
            onlooker,
            processes: vec![chain],
            _place: place,
        };
        hosts.link();
        for node in 0..count {
            hosts.configure(node);
        }
        for node in 0..count {
            let run = assay(&["node", "run", "--dir", text(&hosts.dir(node))]);
            let run = hosts.spaces.inside(node, &run);
            hosts.processes.push(Process::start(run, &root.join(format!("host-{node}"))));
        }
        wait_for("every host to announce its address", || {
            let nodes = hosts.onlooker.ask(|client| async move { client.nodes().await });
            let there = |node: &&chain::contracts::registry::IRegistry::Node| {
                (0..count).any(|host| node.endpoint == Spaces::outside(host).to_string())
            };
            (nodes.iter().filter(there).count() == count).then_some(())
        });
        hosts
    }

    fn dir(&self, node: usize) -> PathBuf {
        net(&self.root).join(format!("node-{node}"))
    }

    /// Puts somebody between every two.
    fn link(&self) {
        let chain = self.onlooker.client.url().trim_start_matches("http://").trim_end_matches('/');
        let chain = chain.parse().expect("an address");
        self.onlooker.runtime.block_on(async {
            for node in 0..self.count {
                let outside = Spaces::outside(node);
                let socket = tokio::net::UdpSocket::bind(outside).await.expect("a free port");
                let to = (node, Spaces::node(node));
                tokio::spawn(Arc::clone(&self.links).stand_in(socket, to));
                let door = Spaces::chain(node);
                let door = tokio::net::TcpListener::bind(door).await.expect("a free port");
                tokio::spawn(Arc::clone(&self.links).stand_in_for_chain(door, node, chain));
            }
        });
    }

    /// Writes a node's configuration; the first four are `up`'s, the others get keys, money and a
    /// part of one's data.
    fn configure(&self, node: usize) {
        let dir = self.dir(node);
        let pattern = self.dir(node % 4);
        let read = std::fs::read(pattern.join("config.json")).expect("`up` made it");
        let mut config: node::Config = serde_json::from_slice(&read).expect("a configuration");
        if node >= 4 {
            let password = "of no value";
            let keys = Keys::open(&dir, password, Cost::Light).expect("keys");
            std::fs::write(dir.join("password"), password).expect("written");
            self.give(keys.chain.address());
            let (from, to) = (
                TensorStore::open(&pattern.join("tensors")).expect("tensors"),
                TensorStore::open(&dir.join("tensors")).expect("tensors"),
            );
            for root in [config.slice.x, config.slice.y] {
                to.put(&from.get(root).expect("kept")).expect("kept");
            }
            config.slice.rows -= 40 * (node / 4);
            (config.publish, config.prices, config.provides) = (None, None, false);
            config.name = format!("node-{node}");
        }
        config.bind = Spaces::node(node);
        config.public = Some(Spaces::outside(node).to_string());
        config.rpc = format!("http://{}", Spaces::chain(node));
        let config = serde_json::to_vec(&config).expect("a configuration");
        std::fs::write(dir.join("config.json"), config).expect("written");
    }

    /// Gives somebody gas and tokens from the deployer's account.
    fn give(&self, to: alloy::primitives::Address) {
        let dir = net(&self.root).join("keys/deployer");
        let password = std::fs::read_to_string(dir.join("password")).expect("`up` made it");
        let deployer = Keys::open(&dir, &password, Cost::Light).expect("keys").chain;
        let client = self.onlooker.client.with_signer(deployer);
        self.onlooker.runtime.block_on(async {
            let ether = Unit::ETHER.wei();
            client.pay(to, U256::from(GAS) * ether).await.expect("gas");
            client.transfer(to, U256::from(GIVEN) * ether).await.expect("tokens");
        });
    }

    fn calendar(&self, round: u64) -> u64 {
        let read = std::fs::read(net(&self.root).join("network.json")).expect("`up` wrote it");
        let network: Value = serde_json::from_slice(&read).expect("a description");
        network["calendar"][usize::try_from(round).expect("few")].as_u64().expect("a midnight")
    }

    /// Moves the market's clock to a round's day, and waits until the round is open.
    fn open(&self, round: u64) {
        let day = self.calendar(round);
        self.onlooker.ask(|client| async move {
            client.set_next_time(day).await?;
            client.mine().await
        });
        self.wait(&format!("round {round} to open"), || {
            (self.onlooker.round().0 == round).then_some(())
        });
    }

    /// Cuts a quarter of the hosts off once some have committed, until that has cost datagrams and
    /// some blocks have passed without them.
    fn cut_off_and_heal(&self, round: u64) {
        let committed = || {
            let commits = events::<Rounds::Committed>(&self.onlooker);
            commits.iter().filter(|one| one.round == round).count()
        };
        self.wait("a commitment", || (committed() > 0).then_some(()));
        let far: Vec<usize> = (1..self.count).step_by(4).collect();
        self.links.cut_off(far.clone());
        let head = || self.onlooker.ask(|client| async move { client.block_number().await });
        let before = head();
        self.wait("blocks and lost datagrams", || {
            let cut = self.links.carried.cut.load(Ordering::Relaxed);
            (head() >= before + 4 && cut > 0).then_some(())
        });
        let (number, phase) = self.onlooker.round();
        assert!(number == round && phase != Phase::Idle, "round {number} is {phase:?} already");
        self.links.cut_off(Vec::new());
        say(&format!("cut off {far:?} in {phase:?} of round {round}"));
    }

    /// Waits until a round has settled and is reported on.
    fn settle(&self, round: u64) {
        let settled = || {
            let settled = events::<Rounds::Settled>(&self.onlooker);
            settled.iter().any(|one| one.round == round).then_some(())
        };
        self.wait(&format!("round {round} to settle"), settled);
        let read = std::fs::read(net(&self.root).join("network.json")).expect("`up` wrote it");
        let network: Value = serde_json::from_slice(&read).expect("a description");
        let market = node::market_id(network["market"].as_str().expect("a name"));
        let day = self.calendar(round);
        self.wait(&format!("the report of round {round}"), || {
            let (_, applied) =
                self.onlooker.ask(|client| async move { client.price(market).await });
            (applied >= day).then_some(())
        });
    }

    /// What the last settled tensor of cumulative pay says each node is owed in all, in wei.
    fn owed(&self) -> Vec<U256> {
        let round = self.onlooker.ask(|client| async move { client.round().await });
        let find = |node: usize| {
            let store = TensorStore::open(&self.dir(node).join("tensors")).ok()?;
            store.get(node::hash(round.cumulativeRoot)).ok()
        };
        let tensor = self.wait("somebody to keep the pay", || (0..self.count).find_map(find));
        let gwei = tensor.as_f64().expect("pay is f64");
        gwei.iter().take(self.count).map(|g| U256::from(*g) * U256::from(1_000_000_000)).collect()
    }

    /// Waits until everybody has claimed what it earned.
    fn claim(&self) {
        let owed = self.owed();
        assert!(owed.iter().any(|owed| !owed.is_zero()), "nobody earned anything");
        self.wait("every reward", || {
            let nodes = 0..u32::try_from(self.count).expect("few");
            let paid = nodes
                .map(|node| self.onlooker.ask(|client| async move { client.paid(node).await }));
            (paid.collect::<Vec<_>>() == owed).then_some(())
        });
    }

    /// Holds the chain's events against what must not happen.
    fn check(&self) {
        let settled = events::<Rounds::Settled>(&self.onlooker);
        let settled: Vec<u64> = settled.iter().map(|one| one.round).collect();
        assert_eq!(settled, (1..=ROUNDS).collect::<Vec<_>>());
        let penalised = events::<Registry::Penalised>(&self.onlooker);
        assert!(penalised.is_empty(), "{penalised:?}");
        let disputes = events::<chain::contracts::court::Court::Challenged>(&self.onlooker);
        assert!(disputes.is_empty(), "{disputes:?}");
        let reveals = events::<Rounds::Revealed>(&self.onlooker);
        let mut places: Vec<_> = reveals.iter().map(|one| (one.round, one.node)).collect();
        let all = places.len();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), all, "somebody revealed twice");
        let payments = events::<Rewards::Paid>(&self.onlooker);
        for (node, owed) in (0_u32..).zip(self.owed()) {
            let of_node = payments.iter().filter(|payment| payment.node == node);
            let sum = of_node.map(|payment| payment.amount).fold(U256::ZERO, |sum, one| sum + one);
            assert_eq!(sum, owed, "node {node}");
        }
        let carried = &self.links.carried;
        let [all, lost, cut] = [&carried.datagrams, &carried.lost, &carried.cut]
            .map(|count| count.load(Ordering::Relaxed));
        say(&format!("{all} datagrams, {lost} lost, {cut} cut, {} reveals", places.len()));
        assert!(lost > 0 && cut > 0, "the links were good: {carried:?}");
    }

    /// Waits, and where that is in vain says what the hosts said.
    fn wait<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        let waited =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| wait_for(what, look)));
        waited.unwrap_or_else(|panic| {
            for process in &self.processes {
                let said = process.stderr();
                let tail: Vec<&str> = said.lines().rev().take(6).collect();
                say(&tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
            }
            std::panic::resume_unwind(panic)
        })
    }
}

/// Starts the chain of a network by itself, with longer pauses between its blocks.
fn start_chain(root: &Path) -> Process {
    let dir = net(root).join("chain");
    let path = dir.join("chain.json");
    let read = std::fs::read(&path).expect("`up` made it");
    let mut config: Value = serde_json::from_slice(&read).expect("a configuration");
    (config["block_ms_min"], config["block_ms_max"]) = (BLOCK_MS.0.into(), BLOCK_MS.1.into());
    std::fs::write(&path, config.to_string()).expect("written");
    // Its address is written anew once it listens.
    let _ = std::fs::remove_file(dir.join("url"));
    let mut command: Command = assay(&["chain", "--dir", text(&dir)]);
    // It leaves when this closes.
    command.stdin(Stdio::piped());
    let process = Process::start(command, &root.join("chain"));
    wait_for("the chain", || dir.join("url").exists().then_some(()));
    process
}
