//! `assay replay-market`: which crashes there are, and real ones where their bars are present.

use std::path::Path;

use serde_json::Value;

use crate::data::real;
use crate::harness::{Ended, directory, run, skip, text};

fn replay(root: &Path, scenario: &str, data: &Path) -> Ended {
    let out = root.join("replay.html");
    let args = ["replay-market", "--scenario", scenario, "--data", text(data), "--out", text(&out)];
    run(root, &[&args[..], &["--accounts", "2000", "--contracts", "100", "--json"]].concat())
}

/// Reads the page and checks that it loads nothing and holds the JSON.
fn page(root: &Path, json: &Value) -> String {
    let html = std::fs::read_to_string(root.join("replay.html")).expect("the page");
    for load in ["http://", "https://", " src=", "url(", "@import", "<link", "<iframe", "<img"] {
        assert!(!html.contains(load), "the page has {load}");
    }
    let start = "<script type=\"application/json\" id=\"report\">";
    let (_, rest) = html.split_once(start).expect("the data");
    let (data, _) = rest.split_once("</script>").expect("their end");
    let data: Value = serde_json::from_str(data).expect("JSON");
    assert_eq!(&data, json);
    html
}

#[test]
fn without_a_scenario_they_are_listed() {
    let root = directory();
    let root = root.path();
    let listed = run(root, &["replay-market"]).stdout;
    for name in ["oct-2025", "mar-2020", "feb-2026"] {
        assert!(listed.contains(name), "{listed}");
    }
    let unknown = run(root, &["replay-market", "--scenario", "x", "--data", "."]);
    assert!(
        unknown.stderr.contains("there are oct-2025, mar-2020, feb-2026"),
        "{}",
        unknown.stderr
    );
    let alone = run(root, &["replay-market", "--scenario", "mar-2020"]);
    assert!(alone.stderr.contains("--data"), "{}", alone.stderr);
}

#[test]
fn bars_of_other_days_are_refused_with_what_to_give() {
    let root = directory();
    let root = root.path();
    crate::backtest::bars(&root.join("venue"), "BTCUSD", None);
    let ended = replay(root, "oct-2025", &root.join("venue"));
    let error = ended.error();
    assert!(error.contains("2025-10-08 to 2025-10-14") && error.contains("400 days"), "{error}");
    assert!(!root.join("replay.html").exists(), "a page of nothing");
}

#[test]
fn a_folder_without_chains_is_refused_with_what_to_give() {
    let root = directory();
    let root = root.path();
    let folder = root.join("venue");
    std::fs::create_dir_all(&folder).expect("a folder");
    let error = replay(root, "feb-2026", &folder);
    let error = error.error();
    assert!(error.contains("no option chains from 2026-01-04 to 2026-02-07"), "{error}");
}

#[test]
fn march_2020_on_real_bars() {
    let folder = real("binance_hist");
    if !folder.is_dir() {
        return skip("March 2020 on real bars: there is no ../shared/data beside the project");
    }
    let root = directory();
    let root = root.path();
    let json = replay(root, "mar-2020", &folder).json();
    let html = page(root, &json);
    assert!(html.contains("2018-02-08 01:00 UTC, 33 hours: no trade"), "each hole is on the page");
    let markets = json["markets"].as_array().expect("a list");
    assert_eq!(markets.len(), 2);
    for market in markets {
        assert_eq!(market["fitted"], "2020-02-29");
        let sides = market["sides"].as_array().expect("a list");
        for side in sides {
            let before = |i: usize| sides[i]["mean_before"].as_f64().expect("a number");
            assert!(
                (side["mean_before"].as_f64().expect("a number") / before(0) - 1.0).abs() < 1e-9
            );
            assert!(side["liquidated_in_crash"].as_u64().is_some_and(|n| n > 10));
            let [compared, differ] = [0, 1].map(|i| side["contracts"]["compared"][i].as_u64());
            assert!(compared.is_some_and(|n| n > 100) && differ == Some(0), "to the wei");
        }
        let holes = market["holes"].as_array().expect("a list");
        let sum: u64 = holes.iter().filter_map(|hole| hole["hours"].as_u64()).sum();
        assert!(holes.len() >= 20 && sum >= 114, "{} holes, {sum} hours", holes.len());
    }
}
