//! What `up --exit --json` says, and `replay` of what it did.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{self, Ended, directory, net, replay, run, text};

/// Nodes of every network; the last one lies where one does.
const NODES: usize = 4;
const LIAR: u64 = 3;
/// Gwei of the token paid a round.
const BUDGET_GWEI: f64 = 100.0 * 1e9;

pub(crate) fn rounds(json: &Value) -> &Vec<Value> {
    json["rounds"].as_array().expect("rounds")
}

fn numbers(value: &Value) -> Vec<u64> {
    value.as_array().expect("a list").iter().map(|one| one.as_u64().expect("a number")).collect()
}

/// A number, also where it is kept as a decimal string.
pub(crate) fn number(value: &Value) -> f64 {
    let text = value.as_str().map(|text| text.parse().expect("a decimal"));
    text.or_else(|| value.as_f64()).expect("a number")
}

fn hash(value: &Value) -> &str {
    let hash = value.as_str().expect("a hash");
    let digits = hash.strip_prefix("0x").expect("a prefix");
    assert!(digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{hash}");
    hash
}

/// A market day as `YYYY-MM-DD`, which sorts as days do.
pub(crate) fn day(value: &Value) -> &str {
    let day = value.as_str().expect("a day");
    assert!(day.parse::<jiff::civil::Date>().is_ok(), "{day}");
    day
}

/// Everything docs/protocol.md §9 promises of a run whose accepted rows are paid alike.
pub(crate) fn check(json: &Value, first: u64, count: u64) {
    check_run(json, first, count);
    rounds(json).iter().for_each(check_pay);
}

/// What it promises however rows are paid.
fn check_run(json: &Value, first: u64, count: u64) {
    let rounds = rounds(json);
    let indices: Vec<u64> = rounds.iter().filter_map(|round| round["index"].as_u64()).collect();
    assert_eq!(indices, (first..first + count).collect::<Vec<_>>());
    for round in rounds {
        check_round(round);
    }
    let days: Vec<&str> = rounds.iter().map(|round| day(&round["market_day"])).collect();
    assert!(days.is_sorted_by(|one, next| one < next), "{days:?}");
    assert_eq!(Some(&day(&json["data"]["market_day"])), days.last());
    for name in ["market", "proxy"] {
        assert!(json["data"][name].as_str().is_some_and(|text| !text.is_empty()), "{name}");
    }

    let oracle = json["oracle"].as_array().expect("reports");
    let reported: Vec<&str> = oracle.iter().map(|report| day(&report["market_day"])).collect();
    assert_eq!(reported, days);
    for report in oracle {
        let [lower, value, upper] =
            ["lower", "value", "upper"].map(|name| report[name].as_f64().expect("a fraction"));
        assert!(0.0 < lower && lower <= value && value <= upper && upper < 1.0, "{report}");
    }
    let blocks = |report: &Value| report["block"].as_u64().expect("a block");
    assert!(oracle.iter().map(blocks).is_sorted_by(|one, next| one < next), "{oracle:?}");
    assert!(json["chain"]["blocks"].as_u64() >= oracle.last().map(blocks), "{}", json["chain"]);
    assert!(json["chain"]["id"].is_u64());
    assert!(json["explorer"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:")));
    let held = &json["concentration"]["all"];
    assert!(held["last"].as_u64() >= Some(first + count - 1), "{held}");
    assert!(held["stake"]["nodes"].as_u64() >= Some(4), "{held}");
    assert_eq!(held["aggregation"]["nodes"], held["stake"]["nodes"], "{held}");
    let account = json["account"]["address"].as_str().expect("an address");
    assert!(account.parse::<alloy::primitives::Address>().is_ok(), "{account}");
}

fn check_round(round: &Value) {
    let participants = numbers(&round["participants"]);
    assert!(participants.len() >= 3 && participants.is_sorted(), "{round}");
    let accepted = numbers(&round["accepted"]);
    let rejected = round["rejected"].as_array().expect("a list");
    assert_eq!(accepted.len() + rejected.len(), participants.len(), "{round}");
    for one in rejected {
        assert!(one["distance"].as_f64().is_some_and(|distance| distance > 3.0), "{one}");
        assert!(one["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{one}");
    }
    assert!(round["loss"].as_f64().is_some_and(f64::is_finite), "{round}");
    hash(&round["model"]);
    hash(&round["program"]);
    for phase in ["commit", "reveal", "aggregate"] {
        assert!(round["seconds"][phase].as_f64().is_some_and(|s| s >= 0.0), "{round}");
    }
}

fn check_pay(round: &Value) {
    let accepted = numbers(&round["accepted"]);
    let pay = round["pay"].as_array().expect("a list");
    let mut total_gwei = 0.0;
    for one in pay {
        let gwei = (number(&one["tokens"]) * 1e9).round();
        let earned = accepted.contains(&one["node"].as_u64().expect("a node"));
        assert_eq!(gwei > 0.0, earned, "{round}");
        total_gwei += gwei;
    }
    // The share of each seat is rounded down to a gwei.
    let lost = BUDGET_GWEI - total_gwei;
    assert!((0.0..=f64::from(node::CAPACITY)).contains(&lost), "{pay:?}");
}

/// Asserts that a replay found the same bits.
pub(crate) fn check_equal(replay: &Ended) {
    let json = replay.json();
    assert_eq!(json["equal"], true, "{json}");
    assert_eq!(json["margin_equal"], true, "{json}");
    assert_eq!(hash(&json["outputs_root"]), hash(&json["replayed_root"]));
    assert!(json["difference"].is_null(), "{json}");
}

#[test]
fn three_rounds_reject_the_liar_move_the_margin_and_replay_to_the_bit() {
    let root = directory();
    let root = root.path();
    let json = harness::up(root, &["--rounds", "3", "--port", "18650"]).json();
    check(&json, 1, 3);
    for round in rounds(&json) {
        assert_eq!(numbers(&round["participants"]), [0, 1, 2, 3]);
        assert_eq!(numbers(&round["accepted"]), [0, 1, 2], "{round}");
        let rejected = &round["rejected"][0];
        assert_eq!((&rejected["node"], &rejected["liar"]), (&LIAR.into(), &true.into()));
    }
    check_conviction(&json["disputes"]);
    crate::house::check_days(&json, 3);
    assert_eq!(json["data"]["market"], "WTI spot");
    crate::house::check_account(root, &json);
    let account = &json["account"];
    assert_ne!(number(&account["margin_before"]), number(&account["margin_after"]), "{account}");

    for round in 1..=3 {
        check_equal(&replay(root, round));
    }
    let dir = net(root);
    let told = run(root, &["replay", "2", "--dir", text(&dir)]);
    assert!(told.status.success(), "{}", told.stderr);
    assert!(told.stdout.contains("equal, to the last bit"), "{}", told.stdout);

    // The directory goes on where it was, and what was settled before stays settled.
    let more = harness::up(root, &["--rounds", "1", "--port", "18650"]).json();
    check(&more, 4, 1);
    assert!(day(&more["data"]["market_day"]) > day(&json["data"]["market_day"]));
    check_equal(&replay(root, 4));

    spoil(&dir, 1);
    let spoilt = replay(root, 1);
    assert!(spoilt.error().contains("is damaged"), "{}", spoilt.error());
    check_equal(&replay(root, 2));
    let never = replay(root, 9);
    assert!(never.error().contains("round 9 is not settled"), "{}", never.error());
}

/// Node 2 claimed all pay of round 1 for itself: whoever said no first convicted it, by one step.
fn check_conviction(disputes: &Value) {
    let disputes = disputes.as_array().expect("a list");
    let convicted: Vec<&Value> = disputes.iter().filter(|it| it["ended"] == "step").collect();
    let first = convicted.first().expect("a conviction");
    assert_eq!(
        (&first["round"], &first["asserter"], &first["convicted"]),
        (&1.into(), &2.into(), &2.into())
    );
    assert_eq!((&first["op_name"], &first["element"]), (&"scatter_add".into(), &2.into()));
    assert_eq!(number(&first["asserted"]), BUDGET_GWEI);
    assert_eq!(number(&first["correct"]), (BUDGET_GWEI / 3.0).floor());
    assert_eq!((&first["bond_lost"], &first["burnt"]), (&"50".into(), &"25".into()));
    let moves = first["moves"].as_u64().expect("a number");
    assert!(moves <= 32 && first["gas"].as_u64().is_some_and(|gas| gas < 4_000_000), "{first}");
    // The others ended with it, and no honest node lost anything.
    for other in disputes {
        assert!(other["convicted"].is_null() || other["convicted"] == 2, "{other}");
    }
}

/// Changes one byte of every kept copy of the first update of a round.
fn spoil(dir: &Path, round: u64) {
    let journal = dir.join(format!("node-0/rounds/{round}.json"));
    let entry: Value = serde_json::from_slice(&std::fs::read(journal).expect("a journal"))
        .expect("a journal is JSON");
    let blob = entry["members"][0]["blob"].as_str().expect("a blob").trim_start_matches("0x");
    let copy = |node| dir.join(format!("node-{node}/blobs/{}/{blob}", &blob[..2]));
    let copies: Vec<PathBuf> = (0..NODES).map(copy).filter(|path| path.exists()).collect();
    assert!(!copies.is_empty(), "no copy of {blob} in {}", dir.display());
    for path in copies {
        let mut bytes = std::fs::read(&path).expect("a copy");
        bytes[0] ^= 1;
        std::fs::write(&path, bytes).expect("spoilt");
    }
}

/// The publisher states a margin without its uncertainty: every other node recomputes it and says
/// no, one of them convicts it, its report counts no more, and the round goes on.
#[test]
fn a_false_report_is_convicted_and_counts_no_more() {
    let root = directory();
    let args = ["--no-liar", "--false-report", "--rounds", "3", "--port", "19350"];
    let json = harness::up(root.path(), &args).json();
    check(&json, 1, 3);
    let oracle = json["oracle"].as_array().expect("reports");
    let states: Vec<_> = oracle.iter().map(|report| report["state"].as_str()).collect();
    assert_eq!(states[0], Some("struck"), "{oracle:?}");
    assert!(states[1..].iter().all(|state| matches!(state, Some("open" | "final"))), "{states:?}");
    let disputes = json["disputes"].as_array().expect("a list");
    let step = disputes.iter().find(|it| it["ended"] == "step").expect("a conviction");
    assert_eq!(step["claim"], oracle[0]["claim"]);
    assert_eq!(step["report"], oracle[0]["market_day"]);
    assert_eq!((&step["round"], &step["convicted"]), (&Value::Null, &0.into()));
    assert_eq!((&step["op_name"], &step["element"]), (&"concat".into(), &2.into()));
    assert!(number(&step["asserted"]) < number(&step["correct"]), "{step}");
    for other in disputes {
        assert!(other["convicted"].is_null() || other["convicted"] == 0, "{other}");
    }
    // What the chain has of the first report is not what its Program gives; of the others it is.
    let first = replay(root.path(), 1);
    assert!(!first.status.success(), "{}", first.stdout);
    let first: Value = serde_json::from_str(&first.stdout).expect("one JSON object");
    assert_eq!((&first["equal"], &first["margin_equal"]), (&false.into(), &false.into()));
    assert_eq!(first["margin_state"], "struck");
    for round in [2, 3] {
        check_equal(&replay(root.path(), round));
    }
}

#[test]
fn without_a_liar_nobody_is_rejected() {
    let root = directory();
    let args = ["--no-liar", "--rounds", "2", "--port", "18750"];
    let ended = harness::up(root.path(), &args);
    let json = ended.json();
    check(&json, 1, 2);
    for round in rounds(&json) {
        assert_eq!(numbers(&round["accepted"]), [0, 1, 2, 3], "{round}");
    }
    assert!(!ended.stderr.contains("lies, for show"), "{}", ended.stderr);
}

/// Eight nodes, of which one stays within the others' spread and one copies: the model is still
/// beside the one that the honest six would have made, from the same data and seeds; the first
/// round's rows are paid, or pay, for what they were worth on the week that followed; and a node
/// that claims all of that for itself is convicted first.
#[test]
fn attackers_move_the_model_little() {
    let root = directory();
    let args = ["--attack", "--false-score", "--rounds", "6", "--port", "18050"];
    let json = harness::up(root.path(), &args).json();
    check_run(&json, 1, 6);
    for round in rounds(&json) {
        let seats = round["seats"].as_array().expect("a list");
        let drawn: f64 = seats.iter().map(|seat| number(&seat["seats"])).sum();
        assert_eq!((seats.len(), drawn), (8, 12.0), "equal stakes have a seat each at least");
        let (loss, without) = (number(&round["loss"]), number(&round["loss_without"]));
        assert!((loss / without - 1.0).abs() < 0.05, "{loss} beside {without}");
    }
    assert_eq!(json["quality"]["scored"], 1, "{}", json["quality"]);
    check_equal(&replay(root.path(), 6));
    check_scores(root.path(), &json);
    let disputes = json["disputes"].as_array().expect("a list");
    let scores = disputes.iter().filter(|it| it["contract"] == "Scores");
    let step = scores.clone().find(|it| it["ended"] == "step").expect("a conviction");
    assert_eq!((&step["convicted"], &step["op_name"]), (&2.into(), &"scatter_add".into()));
    for other in scores {
        assert!(other["convicted"].is_null() || other["convicted"] == 2, "{other}");
    }
}

/// What `up` says that nodes were paid and lost for round 1 is what the score Program said of their
/// rows, and the chain took it from their stakes.
fn check_scores(root: &Path, json: &Value) {
    let first = &rounds(json)[0];
    let dir = net(root);
    let explained = run(root, &["explain", "round", "1", "--json", "--dir", text(&dir)]).json();
    let rows = explained["rows"].as_array().expect("a list");
    assert_eq!(rows.len(), 12, "{explained}");
    let sum = |node: &Value, field: &str| {
        let own = rows.iter().filter(|row| row["node"] == *node);
        own.map(|row| number(&row[field])).sum::<f64>()
    };
    let mut moved = 0.0;
    for pay in first["pay"].as_array().expect("a list") {
        let of = |field: &str| pay[field].as_str().and_then(|text| text.parse::<f64>().ok());
        let (paid, burnt) = (of("tokens").expect("paid"), of("burnt").expect("burnt"));
        assert!((paid * 1e9 - sum(&pay["node"], "pay_gwei")).abs() < 0.5, "{pay}");
        assert!((burnt * 1e9 - sum(&pay["node"], "burn_gwei")).abs() < 0.5, "{pay}");
        moved += paid + burnt;
    }
    assert!(moved > 0.0, "something was worth something: {first}");
}

#[test]
fn the_perceptron_settles_a_round() {
    let root = directory();
    let args = ["--model", "mlp", "--rounds", "1", "--port", "18850"];
    let json = harness::up(root.path(), &args).json();
    check(&json, 1, 1);
    check_equal(&replay(root.path(), 1));
}
