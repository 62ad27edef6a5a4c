//! Files with one of everything that can be wrong, and the real ones.

use std::fs;
use std::path::{Path, PathBuf};

use alloy::primitives::B256;
use alloy::signers::local::PrivateKeySigner;

use super::*;
use crate::log::LogWriter;

/// 2024-06-01: later than every row but those that say otherwise.
const NOW_S: i64 = 1_717_200_000;

fn kinds(report: &Report) -> Vec<(u64, &'static str)> {
    report.findings.iter().map(|finding| (finding.row, finding.problem.kind())).collect()
}

#[test]
fn bars_with_one_of_everything() {
    let text = "date,open,high,low,close,volume\n\
        2024-01-01 00:00,1,1,1,1,1\n2024-01-01 01:00,1,1,1,1,1\n2024-01-01 02:00,1,x,1,1,1\n\
        2024-01-01 03:00,1,1,2,1,1\n2024-01-01 02:00,1,1,1,1,1\n2024-01-01 03:00,1,1,1,1,1\n\
        2024-01-01 03:00,1,1,1,1,1\n2024-01-01 06:00,1,1,1,1,1\n2024-01-01 06:07,1,1,1,1,1\n\
        2024-01-01 05:00,1,1,1,1,1\n2024-01-01 07:00,1,1,1,1,1\n2024-01-01 08:00,1,1,1\n\
        2024-01-01 08:00,1,1,1,1,1\n2031-01-01 08:00,1,1,1,1,1\n2024-01-01 09:00,1,1,1,1,1\n";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("X_1h.csv");
    fs::write(&path, text).expect("a disk");
    let report = inspect(&path, None, NOW_S).expect("a file of bars");
    let wanted = [
        (4, "cell"),
        (5, "impossible"),
        (8, "duplicate"),
        (9, "gap"),
        (10, "clock"),
        (11, "order"),
        (13, "cell"),
        (15, "clock"),
    ];
    assert_eq!(kinds(&report), wanted, "{:#?}", report.findings);
    assert_eq!(report.rows, 15);
    assert_eq!(report.content, Content::Bars { interval_s: 3_600 });
    let said = report.findings[4].problem.to_string();
    assert_eq!(said, "the bar of 2024-01-01 06:07:00 is off the clock: its interval is 3600 s");
}

#[test]
fn findings_beyond_the_last_are_counted() {
    let rows = "2024-01-01 00:00,1,1,2,1,1\n".repeat(FINDINGS_MAX + 7);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("X_1h.csv");
    fs::write(&path, format!("date,open,high,low,close,volume\n{rows}")).expect("a disk");
    let report = inspect(&path, None, NOW_S).expect("a file of bars");
    assert_eq!((report.findings.len(), report.more), (FINDINGS_MAX, 7));
}

#[test]
fn a_log_with_one_of_everything() {
    let trade = |id: u64, sent: u64| {
        format!(
            r#"{{"e":"trade","E":{sent},"s":"X","t":{id},"p":"1","q":"1","T":{sent},"m":true}}"#
        )
    };
    let delta = |pu: u64, u: u64| {
        format!(r#"{{"e":"depthUpdate","E":100,"s":"X","U":{u},"u":{u},"pu":{pu},"b":[],"a":[]}}"#)
    };
    let lines = [
        (100_000_000, trade(1, 100)),
        (110_000_000, delta(4, 5)),
        (120_000_000, r#"{"lastUpdateId":5,"bids":[],"asks":[]}"#.to_owned()),
        (130_000_000, delta(5, 6)),
        (140_000_000, delta(8, 9)),
        (150_000_000, trade(1, 100)),
        (140_000_000, trade(2, 100)),
        (150_000_000, "{\"e\":\"trade\"}".to_owned()),
        (160_000_000, trade(3, 900)),
        (170_000_000, trade(4, 1_000)),
    ];
    let mut text: String = lines.iter().map(|(time, raw)| format!("{time} {raw}\n")).collect();
    text.push_str("no time\n180000000 {\"e\":");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.log");
    fs::write(&path, text).expect("a disk");
    let report = inspect(&path, Some(Venue::BinanceUsdm), NOW_S).expect("a log");
    let wanted = [
        (5, "gap"),
        (6, "duplicate"),
        (7, "clock"),
        (8, "unreadable"),
        (9, "clock"),
        (11, "unreadable"),
        (12, "unreadable"),
    ];
    assert_eq!(kinds(&report), wanted, "{:#?}", report.findings);
    let skew = Problem::Skew { worst_ms: 830, lines: 2 };
    assert_eq!(report.findings[4].problem, skew);
    assert!(report.findings[0].problem.to_string().contains("after 6 up to 8 are missing"));
}

/// A book that begins anew, a recorder that was away, and a file whose end is missing.
#[test]
fn a_log_that_was_cut_off_in_the_middle() {
    let book = |kind: &str, at: u64| {
        let (minute, before) = (at * 1_000_000_000, at - 1);
        format!(
            r#"{minute} {{"params":{{"channel":"book.X.100ms","data":{{"type":"{kind}",
                "instrument_name":"X","timestamp":{at}000,"change_id":{at},
                "prev_change_id":{before},"bids":[],"asks":[]}}}}}}"#
        )
        .replace('\n', "")
    };
    let lines = [
        ("snapshot", 5),
        ("change", 6),
        ("snapshot", 6),
        ("snapshot", 9),
        ("change", 10),
        ("change", 71),
    ];
    let text: String = lines.map(|(kind, at)| book(kind, at) + "\n").concat();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.log");
    fs::write(&path, &text).expect("a disk");
    let report = inspect(&path, Some(Venue::Deribit), NOW_S).expect("a log");
    assert_eq!(kinds(&report), [(4, "gap"), (6, "gap"), (6, "gap")], "{:#?}", report.findings);
    let said = report.findings[0].problem.to_string();
    assert_eq!(said, "changes of X after 6 up to 9 are missing");
    assert_eq!(report.findings[1].problem, Problem::Silent { for_s: 61 });
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gz, text.as_bytes()).expect("in memory");
    let gz = gz.finish().expect("in memory");
    let path = folder.path().join("x.log.gz");
    fs::write(&path, &gz[..gz.len() - 6]).expect("a disk");
    let report = inspect(&path, Some(Venue::Deribit), NOW_S).expect("most of a log");
    assert_eq!(kinds(&report)[3..], [(7, "unreadable")], "{:#?}", report.findings);
}

/// A table's cells without a value are named, and looking goes on behind them.
#[test]
fn a_hole_in_a_table_is_one_finding() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testdata/null_1h.feather");
    let report = inspect(&path, None, NOW_S).expect("a file of bars");
    assert_eq!(kinds(&report), [(2, "cell")], "{:#?}", report.findings);
    assert_eq!(report.rows, 3);
}

#[test]
fn a_signed_log_names_its_venue_and_what_was_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.log");
    let key = PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).expect("a key in range");
    let mut log = LogWriter::open(&path, ("okx", "BTC-USDT"), key).expect("a new log");
    for at in 0..4_u64 {
        let raw = format!(
            r#"{{"data":[{{"instId":"X","side":"buy","sz":"1","px":"2","tradeId":"{at}",
                "ts":"{at}"}}]}}"#
        );
        log.append(at * 1_000_000, raw.as_bytes()).expect("a disk");
        log.seal().expect("a disk");
    }
    drop(log);
    let report = inspect(&path, None, NOW_S).expect("a log");
    assert_eq!(report.findings, []);
    let Content::Log { venue, messages, sealed, .. } = report.content else { panic!("a log") };
    assert_eq!((venue, messages, sealed.map(|(lines, _)| lines)), (Venue::Okx, 4, Some(4)));
    let text =
        fs::read_to_string(&path).expect("a log").replacen("\"px\":\"2\"", "\"px\":\"3\"", 2);
    fs::write(&path, text).expect("a disk");
    let report = inspect(&path, None, NOW_S).expect("a log");
    assert_eq!(kinds(&report), [(1, "signature")]);
}

/// A file of real data beside the checkout, or `None` with a line that says so.
fn shared(name: &str) -> Option<PathBuf> {
    use std::io::Write as _;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data").join(name);
    if path.is_file() {
        return Some(path);
    }
    writeln!(std::io::stderr(), "skipped: {} is not here", path.display()).expect("stderr is open");
    None
}

#[test]
fn a_real_log_whose_clock_was_wrong() {
    let Some(path) = shared("l2_wire_hftbacktest/usdm_btcusdt_20240808.gz") else { return };
    let report = inspect(&path, None, NOW_S).expect("a log");
    assert_eq!(report.rows, 93_954);
    let Content::Log { venue, messages, .. } = report.content else { panic!("a log") };
    // Both markets of Binance write alike, but for the number of the change before.
    assert_eq!((venue, messages), (Venue::BinanceUsdm, 93_954));
    assert_eq!(kinds(&report), [(1, "clock")], "{:?}", report.findings.first());
    let Problem::Skew { worst_ms, lines } = report.findings[0].problem else { panic!("skew") };
    assert!(worst_ms > 1_000 && lines > 90_000, "{worst_ms} {lines}");
}

#[test]
fn real_bars_good_and_dirty() {
    let Some(path) = shared("binance/BTCUSDT_perp_30m.parquet") else { return };
    let report = inspect(&path, None, 1_800_000_000).expect("bars");
    assert_eq!((report.rows, report.findings), (52_608, vec![]));
    let Some(path) = shared("binance_hist/Binance_BTCUSDT_1h_2017_2021.csv.gz") else { return };
    let report = inspect(&path, None, 1_800_000_000).expect("bars");
    let gaps = report.findings.iter().filter(|finding| finding.problem.kind() == "gap").count();
    assert!(gaps > 5, "{gaps} gaps in {} rows", report.rows);
}
