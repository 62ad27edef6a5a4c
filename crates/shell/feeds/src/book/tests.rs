//! Books from synthetic histories, whole, shuffled, holed, and from what venues sent.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::Venue;

fn level(price: i64, size: i64) -> Level {
    let number = |units| Decimal::new(units, 1).expect("one digit");
    Level { price: number(price), size: number(size) }
}

fn delta(previous: u64, last: u64, bids: Vec<Level>, asks: Vec<Level>) -> Message {
    Message::BookDelta(BookDelta {
        symbol: "X".into(),
        time_ms: 0,
        span: Some(Span { previous, last }),
        checksum: None,
        bids,
        asks,
    })
}

fn snapshot(last: Option<u64>, bids: Vec<Level>, asks: Vec<Level>) -> Message {
    let (symbol, time_ms, checksum) = ("X".into(), Some(0), None);
    Message::BookSnapshot(BookSnapshot { symbol, time_ms, last, checksum, bids, asks })
}

#[test]
fn a_gap_makes_it_stale_until_a_snapshot_that_reaches() {
    let mut book = Book::new();
    assert_eq!(book.state(), State::Empty);
    assert_eq!(book.apply(&delta(1, 2, vec![level(9, 1)], vec![])), Step::Waiting);
    assert_eq!(
        book.apply(&snapshot(Some(2), vec![level(10, 1)], vec![level(11, 1)])),
        Step::Applied
    );
    assert_eq!((book.state(), book.last()), (State::Live, Some(2)));
    assert_eq!(book.apply(&delta(2, 4, vec![level(10, 2)], vec![])), Step::Applied);
    assert_eq!(book.apply(&delta(2, 4, vec![level(10, 5)], vec![])), Step::Old);
    let got = Span { previous: 5, last: 6 };
    assert_eq!(book.apply(&delta(5, 6, vec![level(10, 3)], vec![])), Step::Gap { have: 4, got });
    assert_eq!((book.state(), book.last()), (State::Stale, None));
    assert_eq!(book.best(Side::Buy), Some(level(10, 2)), "the levels of before");
    assert_eq!(book.apply(&delta(6, 7, vec![level(10, 4)], vec![])), Step::Waiting);
    // One from before the gap does not reach; one from inside does.
    assert!(matches!(book.apply(&snapshot(Some(3), vec![], vec![])), Step::Gap { have: 3, .. }));
    assert_eq!(book.state(), State::Stale);
    assert_eq!(book.apply(&snapshot(Some(6), vec![level(8, 1)], vec![])), Step::Applied);
    assert_eq!((book.state(), book.last()), (State::Live, Some(7)));
    assert_eq!(book.best(Side::Buy), Some(level(10, 4)));
}

#[test]
fn only_the_first_change_may_begin_before_the_snapshot() {
    let mut book = Book::new();
    book.apply(&snapshot(Some(10), vec![], vec![]));
    assert_eq!(book.apply(&delta(7, 12, vec![], vec![])), Step::Applied);
    assert!(matches!(book.apply(&delta(11, 14, vec![], vec![])), Step::Gap { .. }));
}

#[test]
fn numbers_that_start_again_follow_where_the_venue_says_so() {
    let mut book = Book::new();
    book.apply(&snapshot(Some(10), vec![], vec![]));
    assert_eq!(book.apply(&delta(10, 3, vec![], vec![])), Step::Applied);
    assert_eq!(book.apply(&delta(3, 3, vec![], vec![])), Step::Applied, "nothing happened");
    assert_eq!(book.last(), Some(3));
}

#[test]
fn a_late_snapshot_does_not_move_it_back_and_a_new_count_does() {
    let mut book = Book::new();
    book.apply(&snapshot(Some(10), vec![], vec![]));
    book.apply(&delta(10, 12, vec![], vec![]));
    assert_eq!(book.apply(&snapshot(Some(11), vec![], vec![])), Step::Old);
    assert_eq!(book.last(), Some(12));
    let mut anew = snapshot(Some(1), vec![], vec![]);
    if let Message::BookSnapshot(snapshot) = &mut anew {
        snapshot.time_ms = Some(5);
    }
    assert_eq!(book.apply(&anew), Step::Applied);
    assert_eq!(book.last(), Some(1));
}

#[test]
fn a_lost_connection_makes_it_stale_and_forgets_what_waited() {
    let mut book = Book::new();
    book.apply(&delta(1, 2, vec![], vec![]));
    book.interrupt();
    assert_eq!(book.state(), State::Empty);
    book.apply(&snapshot(Some(5), vec![], vec![]));
    assert_eq!(book.state(), State::Live);
    book.interrupt();
    assert_eq!(book.state(), State::Stale);
}

#[test]
fn a_book_without_numbers_goes_by_its_clock() {
    let at = |time_ms, size| {
        let (symbol, bids) = ("X".into(), vec![level(1, size)]);
        let time_ms = Some(time_ms);
        let (last, checksum, asks) = (None, None, vec![]);
        Message::BookSnapshot(BookSnapshot { symbol, time_ms, last, checksum, bids, asks })
    };
    let mut book = Book::new();
    assert_eq!(book.apply(&at(5, 1)), Step::Applied);
    assert_eq!(book.apply(&at(4, 2)), Step::Old);
    assert_eq!(book.apply(&at(5, 3)), Step::Applied);
    assert_eq!(book.best(Side::Buy), Some(level(1, 3)));
}

#[test]
fn depth_is_the_size_up_to_a_price() {
    let mut book = Book::new();
    let asks = vec![level(11, 10), level(12, 20), level(13, 40)];
    book.apply(&snapshot(None, vec![level(9, 5), level(8, 10)], asks));
    let limit = |units| Decimal::new(units, 1).expect("one digit");
    assert_eq!(book.size_until(Side::Sell, limit(12)).to_bits(), 3.0_f64.to_bits());
    assert_eq!(book.size_until(Side::Buy, limit(9)).to_bits(), 0.5_f64.to_bits());
    assert_eq!(book.size_until(Side::Buy, limit(10)).to_bits(), 0.0_f64.to_bits());
}

/// A venue's true history: sizes set one number at a time.
#[derive(Clone, Debug)]
struct History(Vec<(bool, i64, i64)>);

impl History {
    /// The book after the first `count` changes, by the simplest means.
    fn truth(&self, count: usize) -> [BTreeMap<i64, i64>; 2] {
        let mut sides = [BTreeMap::new(), BTreeMap::new()];
        for (bid, price, size) in &self.0[..count] {
            let side = &mut sides[usize::from(!bid)];
            if *size == 0 {
                side.remove(price);
            } else {
                side.insert(*price, *size);
            }
        }
        sides
    }

    fn snapshot(&self, count: usize) -> Message {
        let [bids, asks] = self.truth(count).map(|side| {
            side.into_iter().map(|(price, size)| level(price, size)).collect::<Vec<_>>()
        });
        snapshot(Some(count as u64), bids.into_iter().rev().collect(), asks)
    }

    fn delta(&self, from: usize, to: usize) -> Message {
        let of = |wanted| {
            let changes = self.0[from..to].iter().filter(move |(bid, ..)| *bid == wanted);
            changes.map(|(_, price, size)| level(*price, *size)).collect()
        };
        delta(from as u64, to as u64, of(true), of(false))
    }
}

fn units(number: Decimal) -> i64 {
    i64::try_from(number.at_scale(1).expect("one digit")).expect("small")
}

fn same(book: &Book, truth: &[BTreeMap<i64, i64>; 2]) -> bool {
    [Side::Buy, Side::Sell].into_iter().zip(truth).all(|(side, truth)| {
        let levels: BTreeMap<i64, i64> =
            book.levels(side).map(|l| (units(l.price), units(l.size))).collect();
        levels == *truth
    })
}

proptest! {
    /// Messages are lost, doubled and late, snapshots come when they like: whenever the book says
    /// it is live, it is the venue's book at the number it names.
    #[test]
    fn a_live_book_is_the_truth(
        changes in prop::collection::vec((any::<bool>(), 1..12i64, 0..4i64), 40),
        cuts in prop::collection::vec(1..4usize, 40),
        fates in prop::collection::vec((0..10u8, 0..40usize), 60),
    ) {
        let history = History(changes);
        let mut deltas = Vec::new();
        let mut from = 0;
        for cut in cuts {
            let to = (from + cut).min(history.0.len());
            if from < to {
                deltas.push((from, to));
            }
            from = to;
        }
        let mut book = Book::new();
        let mut next = 0;
        for (fate, place) in fates {
            match fate {
                // The next one arrives, is lost, or one of before arrives again.
                0..=5 => if let Some((from, to)) = deltas.get(next) {
                    book.apply(&history.delta(*from, *to));
                    next += 1;
                },
                6 => next += 1,
                7 => if next > 0 {
                    let (from, to) = deltas[place % next.min(deltas.len())];
                    book.apply(&history.delta(from, to));
                },
                8 => {
                    // A snapshot is at most as new as what the venue has sent.
                    let sent = next.min(deltas.len()).checked_sub(1).map_or(0, |i| deltas[i].1);
                    book.apply(&history.snapshot(place.min(sent)));
                }
                _ => book.interrupt(),
            }
            if let Some(last) = book.last() {
                let at = usize::try_from(last).expect("small");
                prop_assert!(same(&book, &history.truth(at)), "{book:?} at {at}");
            }
        }
    }
}

fn captured(folder: &str, file: &str) -> Option<String> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data");
    let path: PathBuf = shared.join(folder).join(file);
    if !path.is_file() {
        use std::io::Write as _;
        let mut out = std::io::stderr();
        writeln!(out, "skipped: {} is not here", path.display()).expect("stderr is open");
        return None;
    }
    let mut text = String::new();
    let bytes = std::fs::read(path).expect("a capture");
    flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("a gzip");
    Some(text)
}

#[test]
fn six_minutes_of_three_markets_without_a_gap() {
    for (file, venue) in [
        ("usdm_btcusdt_20240808.gz", Venue::BinanceUsdm),
        ("usdm_ethusdt_20240808.gz", Venue::BinanceUsdm),
        ("cm_btcusd_perp_20240808.gz", Venue::BinanceUsdm),
        ("spot_btcusdt_20240808.gz", Venue::BinanceSpot),
    ] {
        let Some(text) = captured("l2_wire_hftbacktest", file) else { return };
        let mut book = Book::new();
        let mut steps = [0; 3];
        for line in text.lines() {
            let (_, raw) = line.split_once(' ').expect("a time before");
            for message in venue.parse(raw.as_bytes()).expect("a good capture") {
                match book.apply(&message) {
                    Step::Applied => steps[0] += 1,
                    Step::Waiting => steps[1] += 1,
                    Step::Old => steps[2] += 1,
                    Step::Unrelated => {}
                    step => panic!("{file}: {step:?}"),
                }
            }
        }
        assert_eq!((book.state(), steps[2]), (State::Live, 0), "{file}: {steps:?}");
        assert!(steps[0] > 3_000 && steps[1] > 0, "{file}: {steps:?}");
        let (bid, ask) = (book.best(Side::Buy), book.best(Side::Sell));
        assert!(bid.zip(ask).is_some_and(|(bid, ask)| bid.price < ask.price), "{file}");
    }
}

/// A change taken out of the capture is found at the next one, whichever it is.
#[test]
fn each_missing_change_is_found() {
    let Some(text) = captured("l2_wire_hftbacktest", "usdm_btcusdt_20240808.gz") else { return };
    let books = |line: &&str| line.contains("depthUpdate") || line.contains("lastUpdateId");
    let raws = text.lines().filter(books).take(400).map(|line| &line[20..]);
    let messages: Vec<Message> = raws
        .flat_map(|raw| Venue::BinanceUsdm.parse(raw.as_bytes()).expect("a good capture"))
        .collect();
    let first = messages.iter().position(|m| matches!(m, Message::BookSnapshot(_)));
    let first = first.expect("a snapshot") + 1;
    for missing in first + 1..messages.len() - 1 {
        let mut book = Book::new();
        for (at, message) in messages[..=missing + 1].iter().enumerate() {
            if at == missing {
                continue;
            }
            let gap = matches!(book.apply(message), Step::Gap { .. });
            assert_eq!(gap, at == missing + 1, "{missing}");
        }
        assert_eq!(book.state(), State::Stale);
    }
}

#[test]
fn every_checksum_of_a_session_at_okx_holds() {
    let Some(text) = captured("wire_cryptofeed", "OKX.ws.1.0.gz") else { return };
    let mut books = BTreeMap::<String, Book>::new();
    let mut sums = 0;
    for line in text.lines().filter(|line| !line.starts_with("wss:")) {
        let Some((_, raw)) = line.split_once(": ") else { continue };
        for message in Venue::Okx.parse(raw.as_bytes()).expect("a good capture") {
            let book = books.entry(message.symbol().to_owned()).or_default();
            let step = book.apply(&message);
            assert!(matches!(step, Step::Applied | Step::Unrelated), "{step:?}: {raw:.200}");
            sums += usize::from(step == Step::Applied);
        }
    }
    assert_eq!(sums, 290);
}
