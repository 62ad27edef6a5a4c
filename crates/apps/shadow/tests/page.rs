//! Three days of a signed log as a page: what was published comes out the same from the bars, and
//! what was not computed does not.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256, keccak256};
use alloy::signers::local::PrivateKeySigner;
use feeds::log::LogWriter;
use market::Date;
use shadow::{HOUR_S, Hers, Ours, PageError, Record, weekly};

/// Days of made-up bars: what is learnt from first, and three.
const DAYS: i64 = 126;
/// 2024-01-01.
const START_S: i64 = 1_704_067_200;

fn bars(folder: &Path) -> PathBuf {
    let mut lines = "date,open,high,low,close,volume\n".to_owned();
    let price = |hour: i64| 100.0 + (hour * 37 % 11) as f64 * 0.1 + (hour * 13 % 29) as f64 * 0.05;
    for hour in 0..24 * DAYS {
        let (open, close) = (price(hour - 1), price(hour));
        let (high, low) = (open.max(close) + 0.1, open.min(close) - 0.1);
        let day = Date::of_unix(START_S + hour * HOUR_S).expect("a day");
        writeln!(lines, "{day} {:02}:00,{open},{high},{low},{close},1", hour % 24).expect("memory");
    }
    let venue = folder.join("venue");
    std::fs::create_dir_all(&venue).expect("a folder");
    std::fs::write(venue.join("BTCUSD_perp_1h.csv"), lines).expect("written");
    venue
}

fn record(ours: &Ours, hour_s: i64, initial: f64) -> Record {
    let hers = Hers {
        chain_id: 1,
        contract: Address::repeat_byte(7),
        block: 1,
        block_hash: B256::ZERO,
        initial,
        maintenance: initial / 2.0,
    };
    let ours = ours.at("BTC", hour_s).expect("bars");
    Record { hour_s, market: "BTC".to_owned(), hers, ours }
}

#[test]
fn what_was_published_is_recomputed_from_the_bars() {
    let root = tempfile::tempdir().expect("a directory");
    let data = [bars(root.path())];
    let ours = Ours::open(&data).expect("bars");
    let log = root.path().join("shadow.log");
    let signer = PrivateKeySigner::from_bytes(&keccak256("log")).expect("a hash is a key");
    let mut writer = LogWriter::open(&log, ("assay shadow", "here"), signer).expect("a log");
    let first = START_S + (24 * (DAYS - 2)) * HOUR_S;
    assert_eq!(ours.end_s("BTC").expect("bars"), first + 48 * HOUR_S);
    for hour in (0..48).filter(|hour| *hour != 30) {
        let hour_s = first + hour * HOUR_S;
        let mut record = record(&ours, hour_s, if hour < 20 { 0.05 } else { 0.06 });
        if hour == 40 {
            record.ours.initial *= 0.9;
        }
        writer.append(1, &serde_json::to_vec(&record).expect("plain data")).expect("written");
    }
    writer.seal().expect("written");

    let (records, verified) = shadow::read(&log).expect("as it was signed");
    assert_eq!((records.len(), verified.lines), (47, 47));
    let day = |number: i64| Date::of_unix(first + number * 24 * HOUR_S).expect("a day");
    let page = weekly(&records, ("shadow.log", &data), (day(0), day(1))).expect("two days");
    let found = &page.recomputed["BTC"];
    assert_eq!((found.same, found.missing, found.not_compared), (46, 1, 0));
    assert_eq!(found.different, [backtest::when(first + 40 * HOUR_S)]);
    let market = &page.finished.report.markets[0];
    assert_eq!((market.hours, market.name.as_str()), (48, "BTC"));
    let theirs = market.theirs.as_ref().expect("her table");
    let mean = (20.0 * 0.05 + 28.0 * 0.06) / 48.0;
    assert!((theirs.mean_initial - mean).abs() < 1e-12, "{}", theirs.mean_initial);

    let error = weekly(&records, ("shadow.log", &data), (day(-9), day(-8))).expect_err("nothing");
    assert!(matches!(error, PageError::Nothing { .. }), "{error}");
}
