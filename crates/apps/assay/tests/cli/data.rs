//! Somebody's own folders of bars: real ones where they are there, and ones that cannot be used.

use std::path::{Path, PathBuf};

use crate::{
    harness::{self, directory, net, replay, run, skip, text},
    rounds::{check, check_equal},
};

/// Folders of real bars beside the project, which are not part of it.
pub(crate) fn real(venue: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data").join(venue)
}

#[test]
fn two_venues_of_real_bars_settle_rounds() {
    let (binance, bybit) = (real("binance"), real("bybit"));
    if !binance.is_dir() || !bybit.is_dir() {
        return skip("real bars: there is no ../shared/data beside the project");
    }
    let root = directory();
    let args = ["--rounds", "2", "--port", "19050"];
    let data = ["--data", text(&binance), "--data", text(&bybit)];
    let ended = harness::up(root.path(), &[&args[..], &data].concat());
    let json = ended.json();
    check(&json, 1, 2);
    let proxy = json["data"]["proxy"].as_str().expect("a proxy");
    assert!(proxy.contains("realised variance"), "{proxy}");
    assert!(ended.stderr.contains(proxy), "{}", ended.stderr);
    check_equal(&replay(root.path(), 2));
}

/// Writes hourly bars, changes them, and returns their folder.
fn bars(root: &Path, spoil: impl FnOnce(&mut Vec<String>)) -> PathBuf {
    let folder = root.join("bars");
    std::fs::create_dir_all(&folder).expect("a folder");
    let hour = |hour| format!("2024-01-{:02} {:02}:00:00,10,12,9,11,5", 1 + hour / 24, hour % 24);
    let mut lines = vec!["date,open,high,low,close,volume".to_owned()];
    lines.extend((0..72).map(hour));
    spoil(&mut lines);
    std::fs::write(folder.join("BTCUSD.csv"), lines.join("\n") + "\n").expect("written");
    folder
}

/// Starts on a folder that cannot be used and returns the sentence; nothing must be left that binds
/// a later start.
fn refused(root: &Path, folder: &Path) -> String {
    let dir = net(root);
    let args = ["up", "--rounds", "1", "--exit", "--dir", text(&dir), "--data", text(folder)];
    let ended = run(root, &args);
    assert!(!dir.join("up.json").exists(), "a refused choice was kept");
    ended.error().to_owned()
}

#[test]
fn bars_that_cannot_be_used_are_named_with_file_and_row() {
    let root = directory();
    let root = root.path();
    let says = |folder: &Path, what: &[&str]| {
        let error = refused(root, folder);
        assert!(what.iter().all(|what| error.contains(what)), "{error}");
    };
    says(&root.join("nowhere"), &["nowhere", "no such folder"]);
    // A header is row 1, so the hour with number n is row n + 2.
    says(&bars(root, |lines| drop(lines.remove(41))), &["BTCUSD.csv row 42: no bars between"]);
    let words = |lines: &mut Vec<String>| lines[7] = "2024-01-01 06:00:00,ten,12,9,11,5".to_owned();
    says(&bars(root, words), &["BTCUSD.csv row 8", "ten"]);
    let below = |lines: &mut Vec<String>| lines[3] = "2024-01-01 02:00:00,10,8,9,11,5".to_owned();
    says(&bars(root, below), &["BTCUSD.csv row 4", "is no possible bar"]);
    says(&bars(root, |lines| lines[0] = "a,b".to_owned()), &["BTCUSD.csv", "no column"]);
    // Three days of good bars are read, and are too few.
    says(&bars(root, |_| {}), &["error: "]);
    std::fs::remove_file(root.join("bars/BTCUSD.csv")).expect("removed");
    says(&root.join("bars"), &["holds no bars"]);
    std::fs::write(root.join("bars/BTCUSD.parquet"), b"PAR1 not").expect("written");
    says(&root.join("bars"), &["BTCUSD.parquet cannot be read"]);
}

#[test]
fn a_check_names_every_row_and_ends_with_one() {
    let root = directory();
    let root = root.path();
    let file = |folder: PathBuf| folder.join("BTCUSD.csv");
    let good = file(bars(root, |_| {}));
    let json = run(root, &["data", "check", text(&good), "--json"]).json();
    assert_eq!((&json["rows"], &json["content"]["interval_s"]), (&72.into(), &3_600.into()));
    let spoilt = file(bars(root, |lines| {
        lines[3] = "2024-01-01 02:00:00,10,8,9,11,5".to_owned();
        drop(lines.remove(41));
    }));
    let ended = run(root, &["data", "check", text(&spoilt), "--json"]);
    assert_eq!(ended.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).expect("one JSON object");
    let kind =
        |at: usize| (json["findings"][at]["row"].as_u64(), json["findings"][at]["kind"].as_str());
    // The impossible bar leaves a hole of its own.
    let wanted = [(Some(4), Some("impossible")), (Some(5), Some("gap")), (Some(42), Some("gap"))];
    assert_eq!([kind(0), kind(1), kind(2)], wanted, "{json}");
    let ended = run(root, &["data", "check", text(&spoilt)]);
    assert!(ended.stdout.contains("row 42: no bars between"), "{}", ended.stdout);
}

#[test]
fn a_venue_that_cannot_be_used_is_one_sentence() {
    let root = directory();
    let root = root.path();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nobody = format!("http://{}", free.local_addr().expect("bound"));
    drop(free);
    let fetch = |venue: &str, more: &[&str]| {
        let args = ["data", "fetch", venue, "BTCUSDT", "--from", "2024-01-01", "--rest", &nobody];
        run(root, &[&args[..], more].concat())
    };
    let ended = fetch("binance", &["--to", "2024-01-02", "--out", text(&root.join("out"))]);
    assert!(ended.error().contains("cannot be reached"), "{}", ended.stderr);
    let ended = fetch("mtgox", &[]);
    assert!(!ended.status.success() && ended.stderr.contains("is no venue"), "{}", ended.stderr);
    let live = root.join("live");
    let args = ["data", "record", "okx", "X", "--channels", "liquidations", "--out", text(&live)];
    let ended = run(root, &args);
    assert!(ended.error().contains("none of the channels asked for"), "{}", ended.stderr);
}

/// A venue that cannot be reached is tried again until the time is up, and what was received, here
/// nothing, is under the log's name.
#[test]
fn a_recorder_outlives_a_venue_out_of_reach() {
    let root = directory();
    let root = root.path();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let nobody = format!("ws://{}", free.local_addr().expect("bound"));
    drop(free);
    let live = root.join("live");
    let args = ["data", "record", "deribit", "BTC-PERPETUAL", "--out", text(&live)];
    let more = ["--socket", &nobody, "--seconds", "1", "--json"];
    let ended = run(root, &[&args[..], &more].concat());
    assert!(ended.stderr.contains("again in"), "{}", ended.stderr);
    let json = ended.json();
    let market = &json["markets"][0];
    assert_eq!((&market["lines"], &market["connections"]), (&0.into(), &0.into()), "{json}");
    assert!(live.join("deribit/BTC-PERPETUAL").is_dir());
}

#[test]
fn a_real_log_has_minutes() {
    let folder = real("l2_wire_hftbacktest");
    if !folder.is_dir() {
        return skip("minutes of a real log: there is no ../shared/data beside the project");
    }
    let root = directory();
    let (future, spot) =
        (folder.join("usdm_btcusdt_20240808.gz"), folder.join("spot_btcusdt_20240808.gz"));
    let args = ["data", "features", text(&future), "--against", text(&spot), "--json"];
    let ended = run(root.path(), &args);
    assert!(ended.status.success(), "{}", ended.stderr);
    let minutes: Vec<serde_json::Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("a minute is JSON"))
        .collect();
    assert!((5..=8).contains(&minutes.len()), "{}", minutes.len());
    let apart = |minute: &serde_json::Value| minute["apart"].as_f64();
    assert!(minutes.iter().filter_map(apart).all(|apart| apart.abs() < 1e-3));
    assert!(minutes.iter().filter_map(apart).count() >= 4);

    let nobody = ["data", "features", text(&future), "--symbol", "DOGE"];
    let ended = run(root.path(), &nobody);
    assert!(ended.stderr.contains("says nothing of DOGE"), "{}", ended.stderr);
}
