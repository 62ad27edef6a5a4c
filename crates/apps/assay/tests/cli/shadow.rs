//! `assay shadow` and `assay propose`, on a contract with a static table and on a gate, both on an
//! EVM: what is read is what is set, and what is proposed becomes what is read once her owner
//! signs.

use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256, Bytes, U256, keccak256, utils::Unit};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolValue as _;
use chain::contracts::gate::{IRiskGate, RiskGate};
use chain::embedded::{Config, Server};
use chain::{Client, Mined};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::backtest::bars;
use crate::harness::{Ended, directory, run, text};

mod contracts {
    #![allow(missing_docs, reason = "generated from the artifact")]
    alloy::sol!(StaticTable, "../../../contracts/artifacts/StaticTable.json");
}

use contracts::StaticTable;

/// The last hour of the made-up bars is the one before this.
const END: &str = "2024-06-09T00:00Z";
/// The constructor's code of a contract that answers any call with a word of zeros.
const STUB: &str = "6760005f5260205ff35f5260086018f3";

/// A chain with her two contracts, and her key.
struct Hers {
    runtime: Runtime,
    server: Server,
    client: Client,
    table: Address,
    gate: Address,
}

impl Hers {
    fn new(root: &Path) -> Hers {
        let runtime = Runtime::new().expect("threads");
        let owner = PrivateKeySigner::from_bytes(&keccak256("owner")).expect("a hash is a key");
        let config = Config {
            dir: root.join("chain"),
            chain_id: 31_337,
            port: 0,
            genesis_time: 1_717_800_000,
            block_ms_min: 0,
            block_ms_max: 10_000,
            funded: vec![(owner.address(), Unit::ETHER.wei() * U256::from(100))],
        };
        let (server, client) = runtime.block_on(async {
            let server = Server::start(config).await.expect("a fresh directory starts");
            let client = Client::connect(&server.url(), owner).await.expect("it answers");
            (server, client)
        });
        let mut hers = Hers { runtime, server, client, table: Address::ZERO, gate: Address::ZERO };
        let owner = hers.client.address();
        let stub = hers.create(STUB.parse::<Bytes>().expect("hex"));
        hers.table = hers.create([&bytecode("StaticTable")[..], &owner.abi_encode()].concat());
        let arguments = (stub, owner, owner).abi_encode_params();
        hers.gate = hers.create([&bytecode("RiskGate")[..], &arguments].concat());
        hers
    }

    fn create(&self, code: impl Into<Bytes>) -> Address {
        let code = code.into();
        self.mined(None, code).created.expect("a contract")
    }

    fn mined(&self, to: Option<Address>, input: Bytes) -> Mined {
        self.runtime.block_on(async {
            let sent = self.client.submit(to, input, U256::ZERO).await.expect("it is taken");
            self.client.wait(sent).await.expect("it holds")
        })
    }

    /// Signs what a proposal's file asks for, as her Safe would.
    fn sign(&self, file: &Path) {
        let safe: Value =
            serde_json::from_slice(&std::fs::read(file).expect("the file")).expect("JSON");
        assert_eq!(safe["chainId"], "31337");
        for call in safe["transactions"].as_array().expect("calls") {
            let word = |key: &str| call[key].as_str().expect("text").to_owned();
            assert_eq!(word("value"), "0");
            let (to, data) = (word("to").parse().expect("an address"), word("data"));
            self.mined(Some(to), data.parse().expect("hex"));
        }
    }

    fn set(&self, market: B256, shares: [u64; 2]) {
        let [initial, maintenance] = shares.map(basis_points);
        let call = StaticTable::setMarginsCall { market, initial, maintenance };
        let send = self.client.send(self.table, call);
        self.runtime.block_on(send).expect("the owner may");
    }
}

fn basis_points(n: u64) -> U256 {
    U256::from(n) * U256::from(100_000_000_000_000_u64)
}

fn bytecode(name: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../contracts/artifacts");
    let text = std::fs::read(path.join(format!("{name}.json"))).expect("an artifact");
    let artifact: Value = serde_json::from_slice(&text).expect("JSON");
    artifact["bytecode"].as_str().expect("hex").parse().expect("hex")
}

/// What every command here is told.
fn told(hers: &Hers, root: &Path, contract: Address, words: &[&str]) -> Vec<String> {
    let folder = root.join("venue");
    let place =
        ["--rpc", &hers.server.url(), "--contract", &contract.to_string(), "--market", "BTC"]
            .map(str::to_owned);
    let data = ["--data".to_owned(), text(&folder).to_owned()];
    let more = words.iter().map(|word| (*word).to_owned());
    more.clone().take(1).chain(place).chain(data).chain(more.skip(1)).collect()
}

fn assay(root: &Path, words: &[String]) -> Ended {
    run(root, &words.iter().map(String::as_str).collect::<Vec<_>>())
}

const READS: [&str; 4] =
    ["--initial", "marginsOf(bytes32)", "--maintenance", "marginsOf(bytes32)#1"];

fn watch(hers: &Hers, root: &Path, more: &[&str]) -> Ended {
    let dir = root.join("shadow");
    let words = [&["shadow", "--dir", text(&dir)], &READS[..], more].concat();
    assay(root, &told(hers, root, hers.table, &words))
}

fn out(root: &Path) -> PathBuf {
    root.join("proposal.json")
}

#[test]
fn her_margins_are_logged_beside_ours_and_what_she_signs_is_read_back() {
    let root = directory();
    let root = root.path();
    bars(&root.join("venue"), "BTCUSD", None);
    let hers = Hers::new(root);
    let market = keccak256("BTC");
    let nothing = watch(&hers, root, &["--at", END, "--once"]);
    assert!(nothing.error().contains("check --unit"), "{}", nothing.error());

    hers.set(market, [400, 200]);
    let record = watch(&hers, root, &["--at", END, "--once", "--json"]).json();
    assert_eq!(record["hers"]["initial"].as_f64(), Some(0.04));
    assert_eq!(record["hers"]["maintenance"].as_f64(), Some(0.02));
    assert_eq!(record["ours"]["age_h"], 0);
    let ours = record["ours"]["initial"].as_f64().expect("a share");
    assert!((0.02..0.5).contains(&ours), "{ours}");
    let again = watch(&hers, root, &["--at", END, "--once", "--json"]);
    assert!(again.status.success() && again.stdout.is_empty(), "an hour is logged once");

    let old = watch(&hers, root, &["--at", "2024-06-11T00:00Z", "--once"]);
    assert!(old.error().contains("assay data fetch"), "{}", old.error());
    let stale = watch(&hers, root, &["--at", "2024-06-09T03:00Z", "--once", "--json"]);
    assert!(stale.stderr.contains("alert"), "{}", stale.stderr);
    let stale = stale.json();
    assert_eq!(stale["ours"]["age_h"], 3);
    assert!(stale["ours"]["u"].as_f64() > record["ours"]["u"].as_f64());

    let proposal = out(root);
    let set = "setMargins(bytes32,uint256,uint256)";
    let words =
        [&["propose", "--set", set, "--at", END, "--json", "--out", text(&proposal)], &READS[..]];
    let words = words.concat();
    let made = assay(root, &told(&hers, root, hers.table, &words)).json();
    let proposed = &made["proposals"][0]["proposed"];
    hers.sign(&proposal);
    let after = watch(&hers, root, &["--at", "2024-06-09T04:00Z", "--once", "--json"]).json();
    for (i, name) in ["initial", "maintenance"].into_iter().enumerate() {
        let (read, wanted) = (after["hers"][name].as_f64(), proposed[i].as_f64());
        let apart = read.expect("a share") - wanted.expect("a share");
        assert!((0.0..2e-6).contains(&apart), "{name}: {read:?} for {wanted:?}");
    }
    let log = root.join("shadow/shadow.log");
    let mut bytes = std::fs::read(&log).expect("the log");
    let digit = bytes.iter().rposition(u8::is_ascii_digit).expect("a number");
    bytes[digit] = if bytes[digit] == b'1' { b'2' } else { b'1' };
    std::fs::write(&log, bytes).expect("written");
    let changed = watch(&hers, root, &["--page"]);
    assert!(changed.error().contains("are not those that"), "{}", changed.error());
}

#[test]
fn a_gate_has_its_own_limits_and_a_timelock_two_files() {
    let root = directory();
    let root = root.path();
    bars(&root.join("venue"), "BTCUSD", None);
    let hers = Hers::new(root);
    let market = keccak256("BTC");
    let limits = IRiskGate::Limits {
        floor: basis_points(200),
        ceiling: basis_points(2_000),
        stepUp: basis_points(100),
        stepDown: basis_points(100),
        priceStep: basis_points(5_000),
        staticInitial: basis_points(1_900),
        staticMaintenance: basis_points(950),
    };
    let call = RiskGate::setMarketCall { market, limits };
    let set = hers.client.send(hers.gate, call);
    hers.runtime.block_on(set).expect("the owner may");
    let proposal = out(root);
    let words = ["propose", "--at", END, "--json", "--out", text(&proposal)];
    let made = assay(root, &told(&hers, root, hers.gate, &words)).json();
    let proposed = made["proposals"][0]["proposed"][0].as_f64().expect("a share");
    assert_eq!(made["proposals"][0]["held_by"], serde_json::json!(["step down"]));
    assert!((proposed - 0.19 * 0.99).abs() < 1e-9, "{proposed}");
    hers.sign(&proposal);
    let shut = hers.client.send(hers.gate, RiskGate::setShutCall { shut: true });
    hers.runtime.block_on(shut).expect("the owner may");
    let view = hers.client.view(hers.gate, RiskGate::initialMarginCall { market });
    let initial = f64::from(hers.runtime.block_on(view).expect("known")) / 1e18;
    assert!((initial - proposed).abs() < 2e-6, "{initial} for {proposed}");

    let timelock = "0x0000000000000000000000000000000000000011";
    let more = ["--timelock", timelock, "--delay", "86400"];
    let made = assay(root, &told(&hers, root, hers.gate, &[&words[..], &more].concat())).json();
    let files = made["files"].as_array().expect("files");
    assert_eq!(files.len(), 2);
    assert!(files[0]["operation"] == files[1]["operation"] && files[0]["operation"].is_string());
    assert!(root.join("proposal.execute.json").is_file());
    let other = assay(root, &told(&hers, root, hers.table, &words));
    assert!(!other.error().is_empty());
}

#[test]
fn a_margin_is_explained_and_a_jump_is_supposed() {
    let root = directory();
    let root = root.path();
    let folder = root.join("venue");
    bars(&folder, "BTCUSD", None);
    let data = ["--data", text(&folder)];
    let explained =
        run(root, &[&["explain", "margin", "BTC", "--json"], &data[..]].concat()).json();
    let parts = explained["parts"].as_array().expect("parts");
    let sum: f64 = parts.iter().map(|part| part["adds"].as_f64().expect("a share")).sum();
    let initial = explained["margins"]["initial"].as_f64().expect("a share");
    assert!((sum - initial).abs() < 1e-12, "{sum} is not {initial}");
    assert_eq!(explained["earlier"].as_array().map(Vec::len), Some(2));
    let said = run(root, &[&["explain", "margin", "BTC"], &data[..]].concat());
    assert!(said.status.success() && said.stdout.contains("volatility"), "{}", said.stdout);

    let example = run(root, &["whatif", "--example-accounts"]);
    let accounts = root.join("accounts.csv");
    std::fs::write(&accounts, &example.stdout).expect("written");
    let params = root.join("own.csv");
    let rows = "market,date,initial,maintenance,floor\nBTC,2024-01-01,4%,2%,\n";
    std::fs::write(&params, rows).expect("written");
    let words = ["whatif", "--accounts", text(&accounts), "--params", text(&params), "--json"];
    let supposed = run(root, &[&words[..], &data, &["--shock", "-10%"]].concat()).json();
    let effects = supposed["markets"][0]["effects"].as_array().expect("effects");
    assert_eq!((effects.len(), &effects[0]["margins"]), (2, &"yours".into()));
    assert_eq!(effects[0]["effect"]["bad_debt"].as_f64(), Some(4_000.0));
}

#[test]
fn a_margin_is_stated_and_computed_again() {
    let root = directory();
    let root = root.path();
    let example = run(root, &["statement", "--example-legs"]);
    let (legs, out) = (root.join("legs.csv"), root.join("statement.json"));
    std::fs::write(&legs, &example.stdout).expect("written");
    let words = ["statement", "--legs", text(&legs), "--spot", "64000", "--out", text(&out)];
    let stated = run(root, &[&words[..], &["--json"]].concat()).json();
    let number = |key: &str| stated[key].as_f64().expect("a number");
    assert!(number("initial") > number("maintenance") && number("maintenance") > 0.0);
    let verify = ["statement", "--verify", text(&out)];
    assert!(run(root, &verify).status.success());
    let mut lie = stated.clone();
    lie["initial"] = (number("initial") * 0.9).into();
    std::fs::write(&out, lie.to_string()).expect("written");
    let ended = run(root, &verify);
    assert!(!ended.status.success() && ended.stdout.contains("it does not hold"));
    std::fs::write(&legs, "kind,position,forward\nswap,1,2\n").expect("written");
    let error = run(root, &words);
    assert!(error.error().contains("\"swap\" is no kind"), "{}", error.error());
}
