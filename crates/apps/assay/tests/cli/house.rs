//! Options and perpetuals in `up`, and `assay house` on what it did.

use std::path::Path;

use serde_json::Value;

use crate::{
    harness::{self, directory, net, run, text},
    rounds::{check, day, number, rounds},
};

/// Every round's day has a grid, and an account that can keep what it holds.
pub(crate) fn check_days(json: &Value, count: usize) {
    let house = json["house"].as_array().expect("days");
    let days: Vec<&str> = house.iter().map(|one| day(&one["market_day"])).collect();
    let told: Vec<&str> = rounds(json).iter().map(|round| day(&round["market_day"])).collect();
    assert_eq!((days, house.len()), (told, count));
    for one in house {
        let [equity, opening, maintenance] =
            ["equity", "opening", "maintenance"].map(|name| number(&one[name]));
        assert!(0.0 < maintenance && maintenance < opening && opening < equity, "{one}");
        assert!(number(&one["half_width"]) >= 0.05 && number(&one["price"]) > 0.0, "{one}");
        assert_eq!(one["legs"], 4, "a perpetual, a put and a call spread");
    }
}

/// What the command computes of the last grid is what `up` read off the house.
pub(crate) fn check_account(root: &Path, json: &Value) {
    let dir = net(root);
    let told = run(root, &["house", "--dir", text(&dir), "--json"]).json();
    let last = json["house"].as_array().and_then(|days| days.last()).expect("a day");
    assert_eq!(told["claim"], last["claim"]);
    let account = &told["portfolios"][0];
    let rounded = number(&last["opening"]) - number(&account["opening"]);
    assert!((0.0..0.01).contains(&rounded), "told in cents, rounded up: {rounded} {account}");
    let changes = account["changes"].as_array().expect("changes");
    let worst = changes.iter().map(number).fold(0.0, f64::min);
    assert_eq!(changes.len(), 24);
    assert!(worst < 0.0 && -worst <= number(&account["opening"]), "{account}");
    let shown = run(root, &["house", "--dir", text(&dir)]);
    assert!(shown.status.success(), "{}", shown.stderr);
    assert_eq!(shown.stdout.matches("<- the worst").count(), 2, "{}", shown.stdout);
}

/// The provider halves what the perpetual may lose: the nodes say no, one step convicts it, and the
/// grid that counts is the next, which is right.
#[test]
fn a_false_grid_is_convicted_and_the_next_one_counts() {
    let root = directory();
    let args = ["--no-liar", "--false-grid", "--rounds", "1", "--port", "19450"];
    let json = harness::up(root.path(), &args).json();
    check(&json, 1, 1);
    check_days(&json, 1);
    let disputes = json["disputes"].as_array().expect("a list");
    let step = disputes.iter().find(|it| it["ended"] == "step").expect("a conviction");
    assert_eq!((&step["contract"], &step["convicted"]), (&"ScenarioBook".into(), &0.into()));
    assert_eq!(step["op_name"], "reshape");
    assert_eq!(number(&step["asserted"]) * 2.0, number(&step["correct"]), "{step}");
    for other in disputes {
        assert!(other["convicted"].is_null() || other["convicted"] == 0, "{other}");
    }
    assert_ne!(json["house"][0]["claim"], step["claim"]);
    check_account(root.path(), &json);
    check_values(root.path());
}

/// The options are worth what the reported volatility makes them.
fn check_values(root: &Path) {
    let dir = net(root);
    let told = run(root, &["house", "--dir", text(&dir), "--json"]).json();
    let instruments = told["instruments"].as_array().expect("instruments");
    let call = |one: &&Value| one["name"].as_str().is_some_and(|name| name.starts_with("call"));
    let near = instruments.iter().find(call).expect("a call at the price");
    // A week's call at the price is worth 0.4 standard deviations of the week, of some per cent.
    let share = number(&near["mark"]) / number(&told["price"]);
    assert!((0.01..0.06).contains(&share), "{share} {near}");
}

#[test]
fn a_directory_without_a_network_is_refused() {
    let root = directory();
    let refused = run(root.path(), &["house", "--dir", text(&net(root.path()))]);
    assert!(refused.error().contains("run `assay up` first"), "{}", refused.error());
}
