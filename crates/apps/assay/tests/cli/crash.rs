//! Kill -9 of a node, of the chain's process and of `up` itself, at points drawn from a seed.
//!
//! A point is a round, a phase and a few blocks after it, read from the chain, so that a seed means
//! the same on every machine. Whatever is killed: every round settles, no node commits twice, every
//! reward is paid once.

use std::{collections::BTreeSet, path::Path, process::Command};

use alloy::{primitives::U256, rpc::types::Filter};
use chain::{
    Client, Phase,
    contracts::{rewards::Rewards, rounds::Rounds},
};
use node::TensorStore;

use crate::{
    harness::{Onlooker, Process, directory, net, replay, wait_for},
    rounds::{check, check_equal},
};

const ROUNDS: u64 = 8;
const KILLS: u64 = 20;
/// What may be killed, by the directory that holds its process id.
const VICTIMS: [&str; 5] = ["chain", "node-0", "node-1", "node-2", "node-3"];
/// Seed of the points unless `ASSAY_SEED` names another.
const SEED: u64 = 20_150_302;

/// Numbers from a seed (splitmix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, count: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % count
    }
}

/// How far a round is; between rounds it is past the last phase.
fn place(phase: Phase) -> u64 {
    match phase {
        Phase::Commit => 0,
        Phase::Reveal => 1,
        Phase::Aggregate => 2,
        Phase::Idle => 3,
    }
}

/// Where and whom.
#[derive(Debug)]
struct Kill {
    round: u64,
    place: u64,
    blocks: u64,
    victim: &'static str,
}

/// Draws the kills in the order in which their points are reached.
fn draw(seed: u64) -> Vec<Kill> {
    let mut draw = Draw(seed);
    let one = |kill| Kill {
        round: 1 + kill * (ROUNDS - 1) / KILLS,
        place: draw.below(4),
        blocks: draw.below(4),
        victim: VICTIMS[usize::try_from(draw.below(VICTIMS.len() as u64)).expect("small")],
    };
    let mut kills: Vec<Kill> = (0..KILLS).map(one).collect();
    kills.sort_by_key(|kill| (kill.round, kill.place, kill.blocks));
    kills
}

/// The process id a supervised process is known by.
fn pid(dir: &Path, victim: &str) -> Option<u32> {
    std::fs::read_to_string(dir.join(victim).join("pid")).ok()?.trim().parse().ok()
}

/// Whether a process runs; one that has ended and is not yet waited for does not. Its first thread
/// may have ended while another is still busy with the disk, and has its files open until then.
fn alive(pid: u32) -> bool {
    // Linux always has /proc and may lack `ps`; elsewhere it is the other way round.
    if Path::new("/proc/self/stat").exists() {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().unwrap_or_default();
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
        return !state.is_empty() && (!state.starts_with('Z') || threads > 1);
    }
    let stat = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output();
    let stat = stat.expect("ps runs").stdout;
    !stat.is_empty() && !stat.starts_with(b"Z")
}

fn kill(pid: u32) {
    let status = Command::new("sh").arg("-c").arg(format!("kill -9 {pid}")).status();
    assert!(status.expect("sh runs").success(), "process {pid} cannot be killed");
}

/// Kills a process once it runs again since the last time it was killed.
fn kill_victim(dir: &Path, victim: &str, killed: &mut BTreeSet<u32>) {
    let pid = wait_for(victim, || {
        pid(dir, victim).filter(|pid| !killed.contains(pid)).filter(|pid| alive(*pid))
    });
    kill(pid);
    killed.insert(pid);
}

#[test]
fn twenty_kills_and_every_reward_is_paid_once() {
    let root = directory();
    let root = root.path();
    let seed = std::env::var("ASSAY_SEED").map_or(SEED, |seed| seed.parse().expect("a number"));
    let kills = draw(seed);
    println!("seed {seed}: {kills:#?}");

    let rounds = ROUNDS.to_string();
    let args = ["--exit", "--json", "--rounds", &rounds, "--port", "18950"];
    let mut up = Process::up(root, &args);
    let onlooker = Onlooker::wait(root);
    let mut killed = BTreeSet::new();
    for kill in &kills {
        let mut since = None;
        wait_for(&format!("{kill:?}"), || {
            assert!(up.running(), "ended before {kill:?}, seed {seed}\n{}", up.stderr());
            let (round, phase) = onlooker.round();
            let block = onlooker.ask(|client| async move { client.block_number().await });
            if (round, place(phase)) < (kill.round, kill.place) {
                return None;
            }
            (block >= *since.get_or_insert(block) + kill.blocks).then_some(())
        });
        kill_victim(&net(root), kill.victim, &mut killed);
    }
    let ended = up.finish();
    drop(onlooker);
    check(&ended.json(), 1, ROUNDS);
    claim_everything(root);
    check_history(root);
    for round in 1..=ROUNDS {
        check_equal(&replay(root, round));
    }

    // The processes that `up` left when it was killed are gone, and so is its lock.
    let more = Process::up(root, &["--exit", "--json", "--rounds", "1", "--port", "18950"]);
    check(&more.finish().json(), ROUNDS + 1, 1);
}

/// Starts the network without a further round until the nodes have claimed what they earned; then
/// kills `up`.
fn claim_everything(root: &Path) {
    let dir = net(root);
    let before: Vec<Option<u32>> = VICTIMS.iter().map(|name| pid(&dir, name)).collect();
    let up = Process::up(root, &["--rounds", "0", "--port", "18950"]);
    let pids = wait_for("all processes", || {
        let pids = VICTIMS.iter().map(|name| pid(&dir, name));
        let new = pids.zip(&before).filter(|(now, before)| now != *before);
        let pids: Vec<u32> = new.filter_map(|(now, _)| now).collect();
        (pids.len() == VICTIMS.len()).then_some(pids)
    });
    let onlooker = Onlooker::wait(root);
    let owed = owed(root, &onlooker);
    wait_for("every reward", || {
        let paid = (0..4).map(|node| onlooker.ask(|client| async move { client.paid(node).await }));
        (paid.collect::<Vec<_>>() == owed).then_some(())
    });
    up.kill();
    for pid in pids {
        wait_for("the end of a child", || (!alive(pid)).then_some(()));
    }
}

/// What the last settled tensor of cumulative pay says each node is owed in all, in wei.
fn owed(root: &Path, onlooker: &Onlooker) -> Vec<U256> {
    let round = onlooker.ask(|client| async move { client.round().await });
    let find = |name: &&str| {
        let store = TensorStore::open(&net(root).join(name).join("tensors")).ok()?;
        store.get(node::hash(round.cumulativeRoot)).ok()
    };
    let tensor = VICTIMS[1..].iter().find_map(find).expect("some node kept the pay");
    let gwei = tensor.as_f64().expect("pay is f64");
    let wei = |gwei: &f64| U256::from(*gwei) * U256::from(1_000_000_000);
    gwei[..4].iter().map(wei).collect()
}

/// Serves the chain's directory in this process and reads its events.
fn check_history(root: &Path) {
    let dir = net(root).join("chain");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let config = chain::embedded::Config {
        dir,
        chain_id: chain::embedded::CHAIN_ID,
        port: 0,
        genesis_time: 0,
        block_ms_min: 0,
        block_ms_max: 60_000,
        funded: Vec::new(),
    };
    let server = runtime.block_on(chain::embedded::Server::start(config)).expect("the chain");
    let onlooker = Onlooker::open(root, Some(&server.url())).expect("the chain answers");

    let commits = events::<Rounds::Committed>(&onlooker);
    let places: BTreeSet<_> = commits.iter().map(|one| (one.round, one.node)).collect();
    assert_eq!(places.len(), commits.len(), "a node committed twice");
    let reveals = events::<Rounds::Revealed>(&onlooker);
    let places: BTreeSet<_> = reveals.iter().map(|one| (one.round, one.node)).collect();
    assert_eq!(places.len(), reveals.len(), "a node revealed twice");
    let settled: Vec<u64> =
        events::<Rounds::Settled>(&onlooker).iter().map(|one| one.round).collect();
    assert_eq!(settled, (1..=ROUNDS).collect::<Vec<_>>());

    let owed = owed(root, &onlooker);
    let payments = events::<Rewards::Paid>(&onlooker);
    for (node, owed) in (0_u32..).zip(owed) {
        let of_node = payments.iter().filter(|payment| payment.node == node);
        let sum = of_node.map(|payment| payment.amount).fold(U256::ZERO, |sum, one| sum + one);
        assert_eq!(sum, owed, "node {node}");
    }
    assert!(payments.iter().all(|payment| !payment.amount.is_zero()), "an empty payment");
    runtime.block_on(server.stop());
}

/// Every event of a kind, in the order of the chain.
pub(crate) fn events<E: alloy::sol_types::SolEvent>(onlooker: &Onlooker) -> Vec<E> {
    let first = onlooker.client.deployment().block;
    let filter = Filter::new().event_signature(E::SIGNATURE_HASH).from_block(first);
    let logs = onlooker.ask(|client: Client| {
        let filter = filter.clone();
        async move { client.logs(filter).await }
    });
    logs.iter().map(|log| E::decode_log_data(log.data()).expect("an event")).collect()
}
