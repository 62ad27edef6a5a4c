//! `assay backtest`: a table of one's own beside ours, on made-up bars and on real ones.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::data::real;
use crate::harness::{Ended, directory, run, skip, text};

/// Days of made-up bars: what is learnt from first, and some weeks.
const DAYS: u32 = 160;
/// The date of day `number` of the made-up bars, counted from 2024-01-01.
fn date(number: u32) -> String {
    let from = "2024-01-01".parse::<market::Date>().expect("a day").number();
    market::Date::from_number(from + i32::try_from(number).expect("small")).to_string()
}

/// Writes hourly bars of a market with calm and wild weeks; from `shifted` on at other prices.
pub(crate) fn bars(folder: &Path, market: &str, shifted: Option<u32>) {
    let mut state = 1_u64;
    let mut even = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        f64::from(u32::try_from(state >> 33).expect("31 bits")) / f64::from(1_u32 << 31)
    };
    let mut lines = "date,open,high,low,close,volume\n".to_owned();
    let mut last = 100.0;
    for hour in 0..24 * DAYS {
        let wild = if (hour / 168).is_multiple_of(3) { 0.03 } else { 0.008 };
        let close: f64 = last * (1.0 + wild * (even() + even() + even() - 1.5));
        let (high, low) = (close.max(last) * 1.001, close.min(last) * 0.999);
        let factor = if shifted.is_some_and(|day| hour >= 24 * day) { 3.0 } else { 1.0 };
        let [open, high, low, close_] = [last, high, low, close].map(|price| price * factor);
        let (date, clock) = (date(hour / 24), hour % 24);
        writeln!(lines, "{date} {clock:02}:00,{open},{high},{low},{close_},1").expect("memory");
        last = close;
    }
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join(format!("{market}_perp_1h.csv")), lines).expect("written");
}

/// Writes a table and returns its path.
fn table(root: &Path, rows: &str) -> PathBuf {
    let path = root.join("own.csv");
    let text = format!("market,date,initial,maintenance,floor\n{rows}");
    std::fs::write(&path, text).expect("written");
    path
}

fn backtest(root: &Path, folder: &Path, more: &[&str]) -> Ended {
    let out = root.join("report.html");
    let args = ["backtest", "--data", text(folder), "--out", text(&out), "--accounts", "2000"];
    run(root, &[&args[..], more].concat())
}

/// Reads the page and checks that it loads nothing and says what the JSON says.
fn page(root: &Path, json: &Value) -> String {
    let html = std::fs::read_to_string(root.join("report.html")).expect("the page");
    for load in ["http://", "https://", " src=", "url(", "@import", "<link", "<iframe", "<img"] {
        assert!(!html.contains(load), "the page has {load}");
    }
    let mut parts = html.split("<script");
    let (page, data) = (parts.next().expect("a page"), parts.next().expect("the data"));
    assert_eq!(parts.next(), None, "no script but the data");
    let data = data.strip_prefix(" type=\"application/json\" id=\"report\">").expect("data alone");
    let data = data.split("</script>").next().expect("it ends");
    assert_eq!(&serde_json::from_str::<Value>(data).expect("JSON"), json);
    let mut numbers = 0;
    for element in page.split("<data ").skip(1) {
        let attribute = |name: &str| {
            let start = element.find(&format!("{name}=\"")).expect("it has it") + name.len() + 2;
            element[start..].split('"').next().expect("quoted").to_owned()
        };
        let (value, at) = (attribute("value"), attribute("data-at"));
        let held = json.pointer(&at).unwrap_or_else(|| panic!("{at} is not in the JSON"));
        assert_eq!(held.to_string(), value, "{at}");
        numbers += 1;
    }
    assert!(numbers > 50, "{numbers} numbers");
    assert_balanced(page);
    html
}

/// Checks that elements close in the order in which they opened.
fn assert_balanced(page: &str) {
    let mut open = Vec::new();
    for tag in page.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap_or_else(|| panic!("<{tag} never ends"));
        let name = tag.split_whitespace().next().expect("a name").trim_end_matches('/');
        if let Some(closed) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "</{closed}> closes something else");
        } else if !tag.ends_with('/') && !["!doctype", "meta"].contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, ["html", "body"], "what holds the data");
}

#[test]
fn a_table_and_ours_stand_side_by_side() {
    let root = directory();
    let (root, folder) = (root.path(), root.path().join("venue"));
    bars(&folder, "BTCUSD", None);
    let rows = "BTC,2024-01-01,4%,2%,2%\nBTC,2024-05-20,0.06,0.03,\n";
    let table = table(root, rows);
    let ended = backtest(root, &folder, &["--params", text(&table), "--json"]);
    let json = ended.json();
    let html = page(root, &json);
    let market = &json["markets"][0];
    assert_eq!((&market["name"], &market["series"]), (&"BTC".into(), &"venue BTCUSD_perp".into()));
    assert_eq!(market["to"], date(DAYS - 1), "the last complete day by default");
    let theirs = &market["theirs"];
    let mean = theirs["mean_initial"].as_f64().expect("a number");
    assert!((0.04..0.06).contains(&mean), "{mean}");
    for field in ["accounts", "deposits_cents"] {
        assert_eq!(theirs["accounts"][field], market["ours"]["accounts"][field], "{field}");
    }
    for system in ["theirs", "ours", "theirs_at_our_cost", "ours_at_their_cost"] {
        let of = |field: &str| market[system]["accounts"][field].as_i64().expect("a number");
        let (put_in, out) =
            (of("deposits_cents") + of("gains_cents"), of("paid_cents") - of("bad_debt_cents"));
        assert_eq!(put_in, out, "{system}: money in is money out");
    }
    let cost = |system: &str| market[system]["mean_initial"].as_f64().expect("a number");
    assert!((cost("theirs_at_our_cost") - cost("ours")).abs() < 1e-9);
    let verdict = json["verdict"][0].as_str().expect("a sentence");
    assert!(
        html.contains(&verdict.replace(" %", "\u{a0}%"))
            && verdict.starts_with("BTC: our margins would have")
    );
    // The command on the page makes the same report again.
    let again = backtest(root, &folder, &["--params", text(&table), "--json"]);
    assert_eq!(again.json(), json);
    let plain = backtest(root, &folder, &["--params", text(&table)]);
    assert!(plain.stdout.contains(verdict) && plain.stdout.contains("report.html"));
}

#[test]
fn without_a_table_ours_stand_alone_and_no_future_is_seen() {
    let root = directory();
    let root = root.path();
    let (one, other) = (root.join("one/venue"), root.join("other/venue"));
    let last = DAYS - 10;
    bars(&one, "BTCUSD", None);
    bars(&other, "BTCUSD", Some(last + 1));
    let to = date(last);
    let report = |folder: &Path, to: &[&str]| {
        let mut json = backtest(root, folder, &[&["--json"], to].concat()).json();
        page(root, &json);
        json["command"].take();
        json
    };
    let until = ["--to", to.as_str()];
    let past = report(&one, &until);
    assert_eq!(past, report(&other, &until), "what came later changed the report");
    assert_ne!(report(&one, &[]), report(&other, &[]), "it was not later at all");
    assert_eq!(past["markets"][0]["theirs"], Value::Null);
    assert!(past["markets"][0]["forecast"]["days"].as_u64().is_some_and(|days| days > 20));
}

#[test]
fn what_cannot_be_back_tested_is_said_with_what_to_do() {
    let root = directory();
    let (root, folder) = (root.path(), root.path().join("venue"));
    bars(&folder, "BTCUSD", None);
    let says = |rows: &str, more: &[&str], what: &[&str]| {
        let table = table(root, rows);
        let ended = backtest(root, &folder, &[&["--params", text(&table)], more].concat());
        let error = ended.error();
        assert!(what.iter().all(|what| error.contains(what)), "{error}");
        assert!(!root.join("report.html").exists(), "a page of nothing");
    };
    let good = "BTC,2024-01-01,4%,2%,2%\n";
    says("BTC,2024-01-01,4,2%,2%\n", &[], &["own.csv row 2, column initial", "write 4%"]);
    says("BTC,2024-01-01,4%,5%,\n", &[], &["row 2, column maintenance", "above the initial"]);
    says("DOGE,2024-01-01,4%,2%,\n", &[], &["no bars of \"DOGE\"", "venue BTCUSD_perp"]);
    says(&format!("{good}BTCUSD_perp,2024-01-01,4%,2%,\n"), &[], &["are both venue BTCUSD_perp"]);
    says(good, &["--from", "2024-01-20"], &["can be back-tested from", "learnt from"]);
    says(good, &["--to", "2025-01-01"], &["to 2024-06-08"]);
    says(good, &["--market", "ETH"], &["no rows of ETH"]);
    let nowhere = backtest(root, &root.join("nowhere"), &[]);
    assert!(nowhere.error().contains("nowhere"), "{}", nowhere.stderr);
    let missing = root.join("missing.csv");
    let missing = backtest(root, &folder, &["--params", text(&missing)]);
    assert!(missing.error().contains("missing.csv cannot be read"), "{}", missing.stderr);
}

#[test]
fn the_example_is_a_table_to_begin_with() {
    let root = directory();
    let root = root.path();
    let example = run(root, &["backtest", "--example-params"]);
    assert!(example.status.success());
    let path = root.join("example.csv");
    std::fs::write(&path, &example.stdout).expect("written");
    let folder = real("binance");
    if !folder.is_dir() {
        return skip("the example on real bars: there is no ../shared/data beside the project");
    }
    let args = ["--params", text(&path), "--json"];
    let json = backtest(root, &folder, &args).json();
    page(root, &json);
    let markets = json["markets"].as_array().expect("a list");
    assert_eq!(markets.len(), 2);
    for market in markets {
        // Two years of hours after the split, to the last day of the data.
        assert_eq!((&market["from"], &market["hours"]), (&"2024-01-01".into(), &17_544.into()));
        assert_eq!(market["hours_before_split"], 0);
        let share = &market["forecast"]["quantile"]["long_share"];
        assert!((0.003..0.008).contains(&share.as_f64().expect("a share")), "{share}");
    }
}
