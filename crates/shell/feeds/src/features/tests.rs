//! Minutes by hand, and of real messages.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::message::{Due, Funding, Liquidation, OpenInterest, Quote, Trade};

fn level(price: i64, size: i64) -> Level {
    let of = |number| crate::Decimal::new(number, 0).expect("small");
    Level { price: of(price), size: of(size) }
}

fn quote(time_ms: i64, bid: (i64, i64), ask: (i64, i64)) -> Message {
    let (bid, ask) = (level(bid.0, bid.1), level(ask.0, ask.1));
    Message::Quote(Quote { symbol: "X".into(), time_ms: Some(time_ms), bid, ask })
}

fn of(messages: &[Message]) -> Vec<Minute> {
    let mut minutes = Minutes::default();
    messages.iter().for_each(|message| minutes.take(message));
    minutes.finish()
}

#[test]
fn order_flow_is_that_of_the_paper() {
    let minutes = of(&[
        quote(0, (99, 5), (101, 7)),
        quote(1, (99, 8), (101, 7)),      // three more are bid: +3
        quote(2, (100, 2), (101, 7)),     // the bid rises: +2
        quote(3, (100, 2), (102, 4)),     // the ask rises: +7
        quote(59_999, (98, 9), (102, 1)), // the bid falls: -2; three less are asked: +3
        quote(60_000, (98, 9), (100, 6)), // the ask falls, a minute later: -6
    ]);
    assert_eq!(minutes.len(), 2);
    assert_eq!((minutes[0].flow_1, minutes[1].flow_1), (Some(13.0), Some(-6.0)));
    assert_eq!((minutes[0].mid, minutes[0].spread), (Some(100.0), Some(0.04)));
    assert_eq!(minutes[1].flow_5, None);
}

#[test]
fn five_minutes_are_the_sum_of_five_and_silence_is_a_minute() {
    let mut messages = vec![quote(0, (99, 1), (101, 1))];
    messages.extend((1..=7).map(|i| quote(i * 60_000 + 1, (99, 1 + i), (101, 1))));
    let minutes = of(&messages);
    assert_eq!(
        minutes.iter().map(|m| m.flow_1).collect::<Vec<_>>()[..3],
        [Some(0.0), Some(1.0), Some(1.0)]
    );
    assert_eq!(minutes[3].flow_5, None);
    assert_eq!((minutes[4].flow_5, minutes[5].flow_5), (Some(4.0), Some(5.0)));
    let silent = of(&[quote(0, (99, 1), (101, 1)), quote(180_000, (99, 3), (101, 1))]);
    assert_eq!(
        silent.iter().map(|m| m.flow_1).collect::<Vec<_>>(),
        [Some(0.0), Some(0.0), Some(0.0), Some(2.0)]
    );
}

#[test]
fn funding_trades_and_liquidations_are_of_their_minute() {
    let decimal = |text: &str| text.parse::<crate::Decimal>().expect("a decimal");
    let trade = |time_ms, size: &str, taker| {
        let (price, size) = (decimal("100"), decimal(size));
        Message::Trade(Trade { symbol: "X".into(), time_ms, id: "1".into(), price, size, taker })
    };
    let closed = |time_ms, side| {
        let (price, size) = (decimal("100"), decimal("2.5"));
        Message::Liquidation(Liquidation { symbol: "X".into(), time_ms, side, price, size })
    };
    let minutes = of(&[
        trade(1, "3", Side::Buy),
        trade(2, "1", Side::Sell),
        closed(3, Side::Sell),
        Message::Funding(Funding {
            symbol: "X".into(),
            time_ms: Some(4),
            rate: decimal("0.0001"),
            due: Due::Running,
            mark: Some(decimal("101")),
            index: Some(decimal("100")),
        }),
        Message::OpenInterest(OpenInterest {
            symbol: "X".into(),
            time_ms: Some(5),
            amount: decimal("40"),
            value: None,
        }),
        closed(60_001, Side::Buy),
    ]);
    let (first, second) = (&minutes[0], &minutes[1]);
    assert_eq!((first.taken, second.taken), (0.5, 0.0));
    assert_eq!((first.liquidated_long, first.liquidated_short), (2.5, 0.0));
    assert_eq!((second.liquidated_long, second.liquidated_short), (0.0, 2.5));
    assert_eq!((first.funding, first.open_interest), (Some(0.0001), Some(40.0)));
    assert!((first.basis.expect("both prices") - 0.01).abs() < 1e-12);
    assert_eq!((second.funding, second.mid, second.flow_1), (Some(0.0001), None, None));
}

proptest! {
    /// While prices stand, the flow is what bids gained less what asks gained.
    #[test]
    fn flow_at_standing_prices_is_the_change_of_sizes(
        sizes in prop::collection::vec((1_i64..1_000, 1_i64..1_000), 2..60),
    ) {
        let messages: Vec<Message> =
            (0..).zip(&sizes).map(|(i, (q, r))| quote(i * 9_000, (99, *q), (101, *r))).collect();
        let total: f64 = of(&messages).iter().filter_map(|minute| minute.flow_1).sum();
        let (first, last) = (sizes[0], sizes[sizes.len() - 1]);
        prop_assert_eq!(total, ((last.0 - first.0) - (last.1 - first.1)) as f64);
    }
}

#[test]
fn real_books_have_minutes() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data");
    let path = folder.join("l2_wire_hftbacktest/usdm_btcusdt_20240808.gz");
    if !path.is_file() {
        use std::io::Write as _;
        writeln!(std::io::stderr(), "skipped: {} is not here", path.display()).expect("it is open");
        return;
    }
    let (venue, found) = minutes(&path, None).expect("a log");
    assert_eq!(venue, Venue::BinanceUsdm);
    let btc: Vec<&Minute> = found.iter().filter(|minute| minute.symbol == "BTCUSDT").collect();
    assert!((5..=8).contains(&btc.len()), "{}", btc.len());
    for minute in &btc[1..] {
        assert!(minute.mid.is_some_and(|mid| (40_000.0..80_000.0).contains(&mid)));
        assert!(minute.spread.is_some_and(|spread| spread > 0.0 && spread < 1e-3));
        assert!(minute.bids.is_some_and(|size| size > 0.0) && minute.flow_1.is_some());
        assert!(minute.taken.abs() <= 1.0);
    }
    let times: Vec<i64> = btc.iter().map(|minute| minute.open_ms).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] == MINUTE_MS));
}
