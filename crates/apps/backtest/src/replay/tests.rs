//! What a replay may not do: look ahead, or lose money on the way.

use super::*;

/// Half-hourly bars from 2024-03-01 on with calm and wild weeks and a fall in October 2025.
fn series(shifted: bool) -> Series {
    let start = day("2024-03-01").unix();
    let end = day("2025-10-16").unix();
    let mut state = 1_u64;
    let mut even = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        f64::from(u32::try_from(state >> 33).expect("31 bits")) / f64::from(1_u32 << 31)
    };
    let mut last = 100.0;
    let bar = |open_s: i64| {
        let wild = if (open_s / 604_800) % 3 == 0 { 0.015 } else { 0.004 };
        let fall = (CRASHES[0].begins_s..CRASHES[0].begins_s + 5_400).contains(&open_s);
        let jump = if fall { 0.06 * if shifted { -1.0 } else { 1.0 } } else { 0.0 };
        let open = last;
        let close: f64 = open * (1.0 + wild * (even() + even() - 1.0) - jump);
        last = close;
        let (high, low) = (open.max(close) * 1.0005, open.min(close) * 0.9995);
        market::Bar { open_s, open, high, low, close, volume: 1.0 }
    };
    let bars = (start..end).step_by(1_800).map(bar).collect();
    let (venue, symbol) = ("here".to_owned(), "BTCUSD_perp".to_owned());
    Series { venue, symbol, interval_s: 1_800, ranged: true, bars }
}

fn request() -> ReplayRequest {
    ReplayRequest {
        crash: CRASHES[0],
        data: Vec::new(),
        markets: Vec::new(),
        accounts: 3_000,
        seed: 1,
        command: "here".to_owned(),
    }
}

#[test]
fn what_comes_decides_no_margin_before_it() {
    let (fall, rise) = (series(false), series(true));
    let [one, two] = [&fall, &rise].map(|series| play(&request(), series, series).expect("bars"));
    let begins = one.bars.partition_point(|bar| bar.prices.open_s < CRASHES[0].begins_s);
    // Margins of the hour of the crash were set before it.
    for (one, two) in one.margins.iter().zip(&two.margins) {
        assert_eq!(one.initial[..=begins], two.initial[..=begins]);
        assert_eq!(one.maintenance[..=begins], two.maintenance[..=begins]);
    }
    let later = begins + 6;
    assert!(one.margins[2].initial[later..] != two.margins[2].initial[later..]);
}

#[test]
fn systems_cost_the_same_before_and_money_is_conserved() {
    let series = series(false);
    let played = play(&request(), &series, &series).expect("bars");
    let sides = &played.market.sides;
    assert_eq!(sides.iter().map(|side| side.name).collect::<Vec<_>>(), ["ours", "static", "fhs"]);
    for side in sides {
        assert!((side.mean_before / sides[0].mean_before - 1.0).abs() < 1e-9, "{}", side.name);
        let outcome = &side.outcome;
        assert_eq!(
            outcome.deposits_cents + outcome.gains_cents,
            outcome.paid_cents - outcome.bad_debt_cents
        );
        assert_eq!(outcome.liquidations.len(), outcome.liquidated);
        assert!(side.liquidated_in_crash > 0, "a fall of a sixth liquidates somebody");
    }
    assert_eq!(played.market.verdict.len(), 4);
    let report = ReplayReport {
        crash: "x",
        title: "x",
        window: ["a", "b"],
        command: "<script>".to_owned(),
        seen: "",
        accounts: String::new(),
        costs: "",
        markets: vec![played.market.clone()],
    };
    let html = page::page(&report, &[played]).expect("a page");
    assert!(!html.contains("http:") && !html.contains("https:"), "it loads nothing");
    assert_eq!(html.matches("<script").count(), 1, "the data alone");
}
