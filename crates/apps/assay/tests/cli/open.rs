//! Open jobs on a real chain: an honest run is paid, a wrong one is convicted by whoever runs it
//! again.
//!
//! The chain makes a block for each transaction and when this test asks for one, so no window
//! passes by itself, however slow the machine is.

use std::path::{Path, PathBuf};

use alloy::{
    primitives::{Address, Bytes, U256, keccak256, utils::Unit},
    signers::local::PrivateKeySigner,
    sol_types::SolConstructor,
};
use chain::{
    Client, Deployment,
    client::RunState,
    contracts::{jobs::Jobs, runs::Runs},
    deploy::{CourtTerms, deploy_court},
    embedded::{Config, Server},
};

use crate::harness::{Process, assay, directory, run, say, skip, text, wait_for};

const PASSWORD: &str = "play money";
const WINDOW: u64 = 12;
const CLOCK: u64 = 400;
/// Steps of a run: enough for a dispute to walk the tree of iterations.
const STEPS: &str = "18";

fn tokens(n: u64) -> U256 {
    Unit::ETHER.wei() * U256::from(n)
}

/// A chain with a court that takes claims of open jobs, and whose sponsor is its deployer.
struct World {
    runtime: tokio::runtime::Runtime,
    client: Client,
    root: PathBuf,
    _server: Server,
}

impl World {
    fn new(root: &Path) -> World {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let key = PrivateKeySigner::from_bytes(&keccak256("sponsor")).expect("a hash is a key");
        let config = Config {
            dir: root.join("chain"),
            chain_id: 31_337,
            port: 0,
            genesis_time: 1_420_070_400,
            block_ms_min: 0,
            block_ms_max: 3_600_000,
            funded: vec![(key.address(), tokens(1_000))],
        };
        let server = runtime.block_on(Server::start(config)).expect("a fresh directory");
        let url = server.url();
        let client = runtime.block_on(async {
            let client = Client::connect(&url, key).await.expect("the chain answers");
            let deployment = deployed(&client).await;
            client.with(deployment)
        });
        let network = serde_json::json!({
            "rpc": url,
            "deployment": client.deployment(),
            "model": "har",
            "market": "none",
            "provider": Address::ZERO,
            "calendar": [],
            "data_clock": false,
        });
        std::fs::write(root.join("network.json"), network.to_string()).expect("written");
        World { runtime, client, root: root.to_owned(), _server: server }
    }

    /// Makes a node's directory with a key that has gas and tokens.
    fn party(&self, name: &str) -> (PathBuf, Address) {
        let (dir, network) = (self.root.join(name), self.root.join("network.json"));
        let made = ["node", "init", "--network", text(&network), "--dir", text(&dir)];
        // A keystore that opens at once: this test calls the program often.
        let keys = node::keys::Keys::open(&dir, PASSWORD, node::keys::Cost::Light);
        let key = keys.expect("a fresh directory").chain.address();
        std::fs::write(dir.join("password"), PASSWORD).expect("written");
        let made = run(&self.root, &made);
        assert!(made.status.success() && made.stdout.contains(&key.to_string()), "{}", made.stderr);
        self.runtime.block_on(async {
            let sent = self.client.submit(Some(key), Bytes::new(), tokens(10)).await;
            self.client.wait(sent.expect("gas")).await.expect("it arrives");
            self.client.transfer(key, tokens(1_000)).await.expect("tokens");
        });
        (dir, key)
    }

    fn mine(&self, blocks: u64) {
        for _ in 0..blocks {
            self.runtime.block_on(self.client.mine()).expect("a block");
        }
    }

    fn run_of(&self, run: u64) -> Option<chain::contracts::runs::IRuns::Run> {
        let run = self.client.run_of(U256::ZERO, U256::from(run));
        self.runtime.block_on(run).ok()
    }

    fn tokens_of(&self, key: Address) -> U256 {
        self.runtime.block_on(self.client.tokens(key)).expect("a view")
    }

    /// Waits until a run is claimed.
    fn claimed(&self, run: u64) {
        wait_for("a claim", || self.run_of(run).filter(|run| !run.claim.is_zero()));
    }
}

async fn deployed(client: &Client) -> Deployment {
    let nonce = client.next_nonce().await.expect("an answer");
    let at = |offset: u64| client.address().create(nonce + offset);
    let terms = CourtTerms {
        supply: tokens(1_000_000),
        bond: tokens(10),
        window_blocks: WINDOW,
        clock_blocks: CLOCK,
        gas_price_cap: U256::from(100_000_000_000_u64),
        consumers: vec![at(5), at(6)],
    };
    let base = deploy_court(client, &terms).await.expect("a court");
    let runs =
        Runs::constructorCall { token_: base.token, court_: base.court, programs_: base.programs };
    let jobs = Jobs::constructorCall {
        token_: base.token,
        court_: base.court,
        programs_: base.programs,
        codes: Jobs::CodeHashes::default(),
    };
    for code in [
        [Runs::BYTECODE.to_vec(), runs.abi_encode()].concat(),
        [Jobs::BYTECODE.to_vec(), jobs.abi_encode()].concat(),
    ] {
        let sent = client.submit(None, code.into(), U256::ZERO).await.expect("it is sent");
        client.wait(sent).await.expect("it is deployed");
    }
    everywhere(Deployment { runs: at(5), jobs: at(6), ..base.clone() }, base.token)
}

/// Names a contract where this network has none: a client looks whether each is there.
fn everywhere(at: Deployment, some: Address) -> Deployment {
    let mut fields = serde_json::to_value(at).expect("it is plain data");
    let fields_of = fields.as_object_mut().expect("a struct");
    for field in fields_of.values_mut() {
        if *field == serde_json::json!(Address::ZERO) {
            *field = serde_json::json!(some);
        }
    }
    serde_json::from_value(fields).expect("it was one")
}

/// Calls `assay job` with the key of a node.
fn job(world: &World, node: &Path, args: &[&str]) -> crate::harness::Ended {
    run(&world.root, &[&["job"], args, &["--node", text(node)]].concat())
}

/// Makes a job of files and opens it, with pay for `runs` runs, data in `root/public`.
fn opened(world: &World, sponsor: &Path, bars: Option<&Path>, runs: &str) {
    let (recipe, public) = (world.root.join("recipe"), world.root.join("public"));
    let mut example = vec!["job", "example", text(&recipe), "--iterations", STEPS];
    if let Some(bars) = bars {
        example.extend(["--bars", text(bars)]);
    }
    let made = run(&world.root, &example);
    assert!(made.status.success(), "{}", made.stderr);
    let given = ["open", text(&recipe), "--runs", runs, "--data", text(&public)];
    let given = job(world, sponsor, &given);
    assert!(given.stdout.contains("job o0: is open"), "{}{}", given.stdout, given.stderr);
    world.mine(WINDOW + 1);
}

/// Starts a run that stays until it is over.
fn training(world: &World, node: &Path, more: &[&str]) -> Process {
    let public = world.root.join("public");
    let args = ["job", "run", "o0", "--json", "--data", text(&public), "--node", text(node)];
    Process::start(assay(&[&args[..], more].concat()), &world.root.join("training"))
}

#[test]
fn an_honest_run_is_paid_and_a_wrong_one_convicted() {
    let root = directory();
    let world = World::new(root.path());
    let (sponsor, _) = world.party("sponsor");
    let (alice, alices) = world.party("alice");
    let (bob, bobs) = world.party("bob");
    opened(&world, &sponsor, None, "2");
    let public = world.root.join("public");
    let check = |node: &Path, run: &str, more: &[&str]| {
        let args = ["check", "o0", run, "--data", text(&public), "--json"];
        job(&world, node, &[&args[..], more].concat())
    };

    let before = world.tokens_of(alices);
    let honest = training(&world, &alice, &[]);
    world.claimed(0);
    let equal = check(&bob, "0", &["--dispute"]).json();
    assert_eq!((&equal["equal"], &equal["state"]), (&true.into(), &"Open".into()), "{equal}");
    world.mine(WINDOW + 1);
    let ended = honest.finish().json();
    assert_eq!((&ended["state"], &ended["paid"]), (&"paid".into(), &"60".into()), "{ended}");
    assert_eq!(world.tokens_of(alices), before + tokens(50));

    // Bob's first answer is wrong by one bit of one weight, and he defends it.
    let before = world.tokens_of(bobs);
    let liar = training(&world, &bob, &["--lie"]);
    world.claimed(1);
    let looked = check(&alice, "1", &[]);
    assert!(!looked.status.success() && looked.stdout.contains("\"equal\": false"));
    let struck = check(&alice, "1", &["--dispute"]).json();
    assert_eq!((&struck["equal"], &struck["state"]), (&false.into(), &"Struck".into()), "{struck}");
    let ended = liar.finish();
    assert!(ended.error().contains("run 1 of o0 was dropped"), "{}", ended.error());
    let lost = before - world.tokens_of(bobs);
    assert!(lost >= tokens(10 + 5), "deposit and half a bond at least: {lost}");
    let dropped = world.run_of(1).expect("it was enrolled");
    assert_eq!(RunState::from_word(dropped.state), Some(RunState::Dropped));

    let shown = job(&world, &alice, &["show", "o0", "--json"]).json();
    assert_eq!(shown["runs"][0]["is_model"], true, "{shown}");
    assert_eq!(shown["runs"][1]["claim_state"], "struck", "{shown}");
    // What the liar gave up is free for somebody else; without the data nobody begins.
    let absent = job(&world, &alice, &["run", "o0", "--data", "nowhere"]);
    assert!(absent.error().contains("lacks 12 of 12 public files"), "{}", absent.error());
    let late = job(&world, &alice, &["settle", "o0", "0"]);
    assert!(late.error().contains("run 0 of o0 is paid"), "{}", late.error());
    unknown(&world, &alice);
}

/// A number that nobody gave is one clear sentence, whatever is asked.
fn unknown(world: &World, node: &Path) {
    for args in [&["show", "7"][..], &["fund", "7", "1"], &["claim", "7", "0"]] {
        let said = job(world, node, args);
        assert!(said.error().contains("there is no job 7; there are 0 jobs"), "{}", said.error());
    }
    for args in [&["show", "o7"][..], &["run", "o7"]] {
        let said = job(world, node, args);
        assert!(
            said.error().contains("there is no job o7; there is 1 open job"),
            "{}",
            said.error()
        );
    }
    let other = job(world, node, &["check", "o0", "9"]);
    assert!(other.error().contains("has no run 9; 2 were enrolled"), "{}", other.error());
    let kind = job(world, node, &["run", "0"]);
    assert!(kind.error().contains("open jobs are named o0"), "{}", kind.error());
}

/// The same on bars of a real venue, where they are.
#[test]
fn a_model_of_real_bars_is_trained_in_the_open() {
    let bars = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/binance");
    if !bars.is_dir() {
        return skip("an open job on real bars: ../shared/data/binance is not there");
    }
    let root = directory();
    let world = World::new(root.path());
    let (alice, _) = world.party("alice");
    opened(&world, &alice, Some(&bars), "1");
    let honest = training(&world, &alice, &[]);
    world.claimed(0);
    world.mine(WINDOW + 1);
    let ended = honest.finish().json();
    assert_eq!(ended["state"], "paid", "{ended}");
    say(&format!("trained on {}: loss {}", bars.display(), ended["loss"]));
}
