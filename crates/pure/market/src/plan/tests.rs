//! Plans over made-up markets: who gets what, and that nobody sees the evaluation.

use super::*;
use crate::Bar;

const DAY_S: i64 = 86_400;

/// A wandering series of daily or intraday bars from day `first` on.
fn series(venue: &str, symbol: &str, interval_s: i64, days: std::ops::Range<i64>) -> Series {
    let mut price = 100.0;
    let mut state = 7_u32;
    let bars = (days.start * DAY_S / interval_s..days.end * DAY_S / interval_s).map(|i| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let open = price;
        price *= 1.0 + (f64::from(state >> 8) / 16_777_216.0 - 0.5) * 0.02;
        let (high, low) = if price > open { (price, open) } else { (open, price) };
        Bar { open_s: i * interval_s, open, high, low, close: price, volume: 1.0 }
    });
    let (venue, symbol) = (venue.to_owned(), symbol.to_owned());
    Series { venue, symbol, interval_s, ranged: true, bars: bars.collect() }
}

#[test]
fn one_market_becomes_four_parts_and_an_evaluation() {
    let plan = Plan::new(&[series("v", "X", DAY_S, 0..2_200)]).expect("long enough");
    assert_eq!(plan.slices.len(), 4);
    assert_eq!(plan.evaluations.len(), 1);
    let days = &plan.evaluations[0].days;
    assert_eq!(days.len(), 549);
    for pair in plan.slices.windows(2) {
        assert!(pair[0].span.1 < pair[1].span.0);
    }
    assert!(plan.slices[3].span.1 < days[0].date);
    assert_eq!(plan.slices[3].standard, plan.evaluations[0].standard);
    assert_eq!(plan.evaluations[0].proxy, Proxy::Range);
}

#[test]
fn venues_and_symbols_are_slices_in_order_of_symbol() {
    let all = [
        series("b", "ETH", 3_600, 0..1_700),
        series("b", "BTC", 3_600, 0..1_700),
        series("a", "ETH", 3_600, 200..1_700),
        series("a", "BTC", 3_600, 0..1_700),
    ];
    let plan = Plan::new(&all).expect("long enough");
    let names: Vec<&str> = plan.slices.iter().map(|slice| slice.name.as_str()).collect();
    assert_eq!(names, ["BTC at a", "BTC at b", "ETH at a", "ETH at b"]);
    assert!(plan.left_out.is_empty());
    let split = plan.evaluations[0].days[0].date;
    assert!(plan.slices.iter().all(|slice| slice.span.1 < split));
}

#[test]
fn the_finest_bars_that_span_the_market_are_used() {
    let all = [
        series("v", "X", 300, 500..640),
        series("v", "X", 1_800, 0..640),
        series("v", "X", 3_600, 0..640),
    ];
    let plan = Plan::new(&all).expect("long enough");
    assert_eq!(plan.slices[0].proxy, Proxy::Realised { interval_s: 1_800 });
    assert_eq!(plan.left_out.len(), 2);
}

#[test]
fn what_is_too_short_is_named_and_too_little_is_refused() {
    let long = series("v", "X", DAY_S, 0..2_200);
    let short = series("v", "Y", DAY_S, 1_700..2_200);
    let plan = Plan::new(&[long, short.clone()]).expect("one is long enough");
    assert_eq!(plan.evaluations.len(), 1);
    assert!(plan.left_out[0].starts_with("Y at v: 0 days before"), "{:?}", plan.left_out);
    assert!(Plan::new(&[]).is_err());
    let tiny = series("v", "Z", DAY_S, 0..80);
    let error = Plan::new(&[tiny]).expect_err("58 rows").to_string();
    assert!(error.contains("Z at v"), "{error}");
}

#[test]
fn slices_are_standardised_by_their_own_days() {
    let plan = Plan::new(&[series("v", "X", DAY_S, 0..2_200)]).expect("long enough");
    for slice in &plan.slices {
        let x = slice.train.x().as_f32().expect("f32");
        for feature in 0..FEATURES.len() {
            let values: Vec<f64> = (0..slice.train.count())
                .map(|row| f64::from(x[row * FEATURES.len() + feature]))
                .collect();
            let centre = mean(&values);
            let square = mean(&values.iter().map(|v| v * v).collect::<Vec<_>>());
            assert!(centre.abs() < 0.02 && (square - 1.0).abs() < 0.1, "{centre} {square}");
        }
    }
}

#[test]
fn baselines_are_known_when_the_day_begins() {
    let plan = Plan::new(&[series("v", "X", DAY_S, 0..2_200)]).expect("long enough");
    let evaluation = &plan.evaluations[0];
    for pair in evaluation.days.windows(2) {
        assert!(pair[1].walk == pair[0].proxy || pair[1].walk == 1e-8 && pair[0].proxy < 1e-8);
        let next = 0.94 * pair[0].ewma + 0.06 * pair[0].proxy;
        assert!((pair[1].ewma - next).abs() < 1e-12);
    }
    let recent = evaluation.recent(2, 64);
    assert_eq!(recent.len(), 64);
    assert_eq!(recent[63], &evaluation.days[1]);
    assert_eq!(recent[61], &evaluation.lead[evaluation.lead.len() - 1]);
}

#[test]
fn a_long_slice_is_its_latest_days() {
    let plan = Plan::new(&[
        series("v", "X", DAY_S, 0..9_000),
        series("v", "Y", DAY_S, 0..9_000),
        series("w", "X", DAY_S, 0..9_000),
        series("w", "Y", DAY_S, 0..9_000),
    ])
    .expect("long enough");
    for slice in &plan.slices {
        let days = slice.span.1.number() - slice.span.0.number() + 1;
        assert_eq!(usize::try_from(days), Ok(slice.train.count()));
        assert_eq!(slice.train.count(), learn::ROWS);
    }
}
