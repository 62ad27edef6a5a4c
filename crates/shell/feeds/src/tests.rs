//! Files as people have them: good, dirty, and the real ones where they are present.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::{Bar, FeedError, Part, RowError, Series, open, open_part, wti};

/// Writes one file into a fresh folder and opens the folder.
fn folder(name: &str, text: &str) -> Result<Vec<Series>, FeedError> {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join(name), text).expect("a small file");
    open(&[dir.path().to_owned()])
}

fn problem(text: &str) -> (usize, RowError) {
    match folder("X_1d.csv", text) {
        Err(FeedError::Row { row, problem, .. }) => (row, problem),
        other => panic!("expected a bad row, got {other:?}"),
    }
}

const HEADER: &str = "date,open,high,low,close,volume\n";

#[test]
fn the_bundled_series_has_its_holidays_left_out() {
    let wti = wti().expect("bundled");
    assert_eq!(wti.bars.len(), 8_611 - 290);
    assert!(!wti.ranged);
    let last = wti.bars.last().expect("bars");
    assert_eq!((last.date().to_string().as_str(), last.close), ("2019-01-03", 46.92));
}

#[test]
fn plain_bars_are_read_whatever_the_order_of_columns_and_rows() {
    let up = "date,open,high,low,close,volume\n2024-01-01,1,2,0.5,1.5,10\n2024-01-02,1.5,2,1,1,0\n";
    let down = "Volume,Close,Low,High,Open,Date\n0,1,1,2,1.5,1/2/2024\n10,1.5,0.5,2,1,1/1/2024\n";
    let (up, down) = (folder("X.csv", up).expect("good"), folder("X.csv", down).expect("good"));
    assert_eq!(up[0].bars, down[0].bars);
    assert_eq!(up[0].symbol, "X");
    assert_eq!(up[0].interval_s, 86_400);
}

#[test]
fn intervals_are_no_part_of_a_symbol_and_other_content_is_passed_over() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let text = format!("{HEADER}2024-01-01 00:00,1,1,1,1,1\n2024-01-01 00:30,1,1,1,1,1\n");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).expect("in memory");
    let gz = gz.finish().expect("in memory");
    fs::write(dir.path().join("BTCUSDT_perp_30m.csv.gz"), gz).expect("a small file");
    fs::write(dir.path().join("BTCUSDT_perp_8h_funding.csv"), "not bars").expect("a small file");
    fs::write(dir.path().join("README.md"), "not bars").expect("a small file");
    let series = open(&[dir.path().to_owned()]).expect("one good file");
    assert_eq!(series.len(), 1);
    assert_eq!((series[0].symbol.as_str(), series[0].interval_s), ("BTCUSDT_perp", 1_800));
}

#[test]
fn bad_rows_are_named() {
    let (row, problem_) = problem(&format!("{HEADER}2024-01-01,1,1,1,1,1\n2024-01-02,1,x,1,1,1\n"));
    assert_eq!(row, 3);
    assert!(
        matches!(&problem_, RowError::Cell { column, text, .. } if column == "high" && text == "x")
    );
    let (row, problem_) = problem(&format!("{HEADER}2024-01-01,1,1,1,1,1\n2024-01-01,1,1,1,1,1\n"));
    assert_eq!((row, matches!(problem_, RowError::Duplicate { .. })), (3, true));
    let unordered = "2024-01-01,1,1,1,1,1\n2024-01-03,1,1,1,1,1\n\
                     2024-01-02,1,1,1,1,1\n2024-01-04,1,1,1,1,1\n";
    let (row, problem_) = problem(&format!("{HEADER}{unordered}"));
    assert_eq!((row, matches!(problem_, RowError::Order { .. })), (4, true));
    let (row, problem_) = problem(&format!("{HEADER}2024-01-01,1,1,1,1,1\n2024-01-02,1,1,2,1,1\n"));
    assert_eq!((row, matches!(problem_, RowError::Impossible { .. })), (3, true));
    let (row, problem_) = problem(&format!("{HEADER}2024-01-01,1,1,1,1,1\n2024-01-02,1,1,1\n"));
    assert_eq!((row, problem_), (3, RowError::Cells { expected: 6, got: 4 }));
    let (row, problem_) = problem("date,close\n2024-01-01,1\n2024-01-02,\n2024-01-03,1\n");
    assert_eq!((row, matches!(problem_, RowError::Cell { .. })), (3, true));
}

#[test]
fn gaps_are_errors_within_days_and_not_over_holidays() {
    let gap = "2024-01-01 00:00,1,1,1,1,1\n2024-01-01 01:00,1,1,1,1,1\n\
               2024-01-01 02:00,1,1,1,1,1\n2024-01-01 04:00,1,1,1,1,1\n";
    let (row, problem_) = problem(&format!("{HEADER}{gap}"));
    assert_eq!(row, 5);
    assert_eq!(
        problem_.to_string(),
        "no bars between 2024-01-01 02:00:00 and 2024-01-01 04:00:00, where one is due every 3600 s"
    );
    let weekend = "date,close\n2024-01-04,1\n2024-01-05,1\n2024-01-08,1\n\
                   2024-01-09,.\n2024-01-10,1\n2024-01-11,1\n";
    assert_eq!(folder("X.csv", weekend).expect("days off are no gaps")[0].bars.len(), 5);
    let month = "date,close\n2024-01-04,1\n2024-01-05,1\n2024-03-08,1\n";
    assert!(matches!(problem(month).1, RowError::Gap { .. }));
}

#[test]
fn what_is_no_file_of_bars_is_one_sentence() {
    let column =
        folder("X.csv", "date,open,close,low,volume\n2024-01-01,1,1,1,1\n").expect_err("bad");
    assert!(column.to_string().contains("has no column \"high\""), "{column}");
    assert!(matches!(folder("X.csv", HEADER), Err(FeedError::Short { count: 0, .. })));
    assert!(matches!(folder("X.txt", HEADER), Err(FeedError::Empty { .. })));
    assert!(matches!(folder("X.parquet", "PAR1"), Err(FeedError::Unreadable { .. })));
    assert!(matches!(folder("X.csv.gz", "plain"), Err(FeedError::Unreadable { .. })));
    let nowhere = open(&[PathBuf::from("/no/such/folder")]).expect_err("absent");
    assert!(matches!(nowhere, FeedError::Unreadable { .. }));
}

/// Files that pandas wrote with pyarrow, compressed with LZ4 and with Zstandard.
#[test]
fn feather_is_read_as_pandas_writes_it() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testdata");
    let series = open(&[files.join("X_1h.feather")]).expect("three bars");
    assert_eq!((series[0].symbol.as_str(), series[0].interval_s), ("X", 3_600));
    let bar = series[0].bars[2];
    assert_eq!((bar.open_s, bar.high, bar.volume), (1_704_074_400, 3.0, 7.25));
    let error = open(&[files.join("null_1h.feather")]).expect_err("a hole");
    let FeedError::Row { row: 2, problem: RowError::Cell { column, .. }, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(column, "high");
    assert!(matches!(folder("X.feather", "ARROW1"), Err(FeedError::Unreadable { .. })));
}

#[test]
fn bars_are_written_as_they_are_read() {
    let bar = |open_s| Bar { open_s, open: 0.1, high: 0.3, low: 0.1, close: 0.2, volume: 5.0 };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("new/X_1m.parquet");
    let bars: Vec<Bar> = (0..1_000).map(|minute| bar(minute * 60)).collect();
    crate::store::write(&path, &bars).expect("a disk");
    assert_eq!(open(&[path]).expect("ours")[0].bars, bars);
    assert!(crate::store::write(Path::new("/proc/no/X.parquet"), &bars).is_err());
}

/// A table with any one byte changed, or cut off anywhere, is bars or one sentence.
#[test]
fn spoilt_tables_are_read_or_refused() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let parquet = dir.path().join("X_1h.parquet");
    let bar = |hour: i64| {
        let open_s = 1_704_067_200 + hour * 3_600;
        Bar { open_s, open: 1.5, high: 3.0, low: 1.0, close: 2.0, volume: 5.0 }
    };
    crate::store::write(&parquet, &(0..5).map(bar).collect::<Vec<_>>()).expect("a disk");
    let feather = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testdata/X_1h.feather");
    for (whole, spoilt) in [(parquet, "Y_1h.parquet"), (feather, "Y_1h.feather")] {
        let whole = fs::read(whole).expect("a table");
        let path = dir.path().join(spoilt);
        let (mut read, mut refused) = (0, 0);
        let mut feed = |bytes: &[u8]| {
            fs::write(&path, bytes).expect("a disk");
            let good = open(std::slice::from_ref(&path)).is_ok();
            if good { read += 1 } else { refused += 1 }
        };
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= [0x80, 0x01, 0xff, 0x10][at % 4];
            feed(&bytes);
            if at % 16 == 0 {
                feed(&whole[..at]);
            }
        }
        assert!(read > 100 && refused > 300, "{spoilt}: {read} read, {refused} refused");
    }
}

/// The folder of real data beside the checkout, or `None` with a line that says so.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data").join(name);
    if path.is_dir() {
        return Some(path);
    }
    let mut out = std::io::stderr();
    writeln!(out, "skipped: {} is not here", path.display()).expect("stderr is open");
    None
}

#[test]
fn real_bars_of_two_venues() {
    let (Some(binance), Some(bybit)) = (shared("binance"), shared("bybit")) else { return };
    let series = open(&[binance, bybit]).expect("checked data");
    let perp = |venue: &str, interval_s| {
        let found = series
            .iter()
            .find(|s| s.venue == venue && s.symbol == "BTCUSDT_perp" && s.interval_s == interval_s);
        found.map_or(0, |s| s.bars.len())
    };
    assert_eq!((perp("binance", 1_800), perp("bybit", 900)), (52_608, 73_344));
    assert!(series.iter().all(|s| !s.symbol.contains("funding") && !s.symbol.contains("mark")));
}

#[test]
fn a_file_with_two_date_styles_is_read_up_to_its_first_gap() {
    let Some(folder) = shared("binance_hist") else { return };
    let error = open(&[folder.join("Binance_BTCUSDT_1h_2017_2021.csv.gz")]).expect_err("gappy");
    let FeedError::Row { row, problem, .. } = &error else { panic!("{error}") };
    assert!(matches!(problem, RowError::Gap { .. }), "{error}");
    assert!(*row > 1, "{error}");
}

#[test]
fn a_part_of_a_file_may_have_short_holes() {
    let dir = tempfile::tempdir().expect("a disk");
    let path = dir.path().join("X_1h.csv");
    let row = |i: i64| format!("{},1,2,0.5,1,3\n", i * 3_600);
    let hours = (0..40).filter(|i| !(10..14).contains(i)).chain([39, 60]);
    let text: String = hours.map(row).collect();
    fs::write(&path, format!("unix,open,high,low,close,volume\n{text}")).expect("a disk");
    let paths = [path];
    let read = |before_h: i64, hole_h: i64| {
        open_part(&paths, Part { before_s: before_h * 3_600, hole_s: hole_h * 3_600 })
    };
    assert!(open(&paths).is_err());
    let series = read(39, 4).expect("a short hole and nothing later");
    assert_eq!((series[0].bars.len(), series[0].bars[10].open_s), (35, 14 * 3_600));
    let long = read(39, 3).expect_err("four hours").to_string();
    assert!(long.contains("row 12") && long.contains("no bars between"), "{long}");
    assert!(read(40, 4).expect_err("a bar twice").to_string().contains("there twice"));
    assert_eq!(read(0, 4).expect("all of it later"), []);
}

#[test]
fn real_hours_before_march_2020_have_one_hole() {
    let Some(folder) = shared("binance_hist") else { return };
    let part = Part { before_s: 1_583_020_800, hole_s: 4 * 3_600 };
    let series = open_part(std::slice::from_ref(&folder), part).expect("one hole of four hours");
    assert_eq!(series.len(), 2, "bars of 2022 are passed over");
    for series in series {
        let distance = |pair: &[Bar]| pair[1].open_s - pair[0].open_s;
        let holes = series.bars.windows(2).filter(|pair| distance(pair) > 3_600).count();
        assert_eq!((series.interval_s, holes), (3_600, 1), "{}", series.symbol);
    }
    assert!(open_part(&[folder], Part { hole_s: 3 * 3_600, ..part }).is_err());
}

/// What one USDC was worth in USDT, by the prices of bitcoin in both, in each minute in which both
/// traded; the least is the stress of a stablecoin collateral, rounded up to a hundredth.
#[test]
fn a_stablecoin_has_been_worth_its_stress_less() {
    let Some(folder) = shared("depeg_20230311") else { return };
    let bars = |coin: &str| {
        let name = format!("binance_raw_BTC{coin}_1m_20230301_20230321.csv.gz");
        open(&[folder.join(name)]).expect("checked data").swap_remove(0).bars
    };
    let (usdt, usdc) = (bars("USDT"), bars("USDC"));
    let traded = |pair: &(&Bar, &Bar)| {
        pair.0.open_s == pair.1.open_s && pair.0.volume > 0.0 && pair.1.volume > 0.0
    };
    let worth = |(usdt, usdc): (&Bar, &Bar)| usdt.close / usdc.close;
    let all: Vec<f64> = usdt.iter().zip(&usdc).filter(traded).map(worth).collect();
    assert_eq!((usdt.len(), usdc.len(), all.len()), (30_240, 30_240, 17_190));
    let least = all.iter().copied().fold(f64::INFINITY, |a, b| if b < a { b } else { a });
    let below = (100.0 * (1.0 - least)).ceil();
    assert_eq!(f64::from(market::scenario::ledger::STABLECOIN_STRESS), below * 10_000.0);
}
