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
    assert_eq!(played.market.verdict.len(), 6);
    let report = ReplayReport {
        crash: "x",
        title: "x",
        window: ["a", "b"],
        command: "<script>".to_owned(),
        seen: "",
        notes: Vec::new(),
        accounts: String::new(),
        costs: "",
        markets: vec![played.market.clone()],
    };
    let html = page::page(&report, &[played]).expect("a page");
    assert!(!html.contains("http:") && !html.contains("https:"), "it loads nothing");
    assert_eq!(html.matches("<script").count(), 1, "the data alone");
}

/// Hours from 2018-12-20 on with holes and a fall in March 2020, from that hour on at other prices.
fn holed(other: Option<i64>) -> Series {
    let mut series = series(false);
    series.interval_s = 3_600;
    let start = day("2018-12-20").unix();
    let end = day("2020-03-18").unix();
    let mut last = 100.0;
    let mut bars = Vec::new();
    for (open_s, made) in (start..end).step_by(3_600).zip(series.bars.iter().cycle()) {
        if (open_s / 3_600 + 500) % 1_000 < 5 {
            continue; // five hours without a bar, every six weeks
        }
        let crash = (CRASHES[1].begins_s..CRASHES[1].begins_s + 7_200).contains(&open_s);
        let jump = if crash { 0.8 } else { 1.0 };
        let rise = if other.is_some_and(|from| open_s >= from) { 1.01 } else { 1.0 };
        let open = last;
        last = open * (made.close / made.open) * jump * rise;
        let (high, low) = (open.max(last) * 1.0005, open.min(last) * 0.9995);
        bars.push(market::Bar { open_s, open, high, low, close: last, volume: 1.0 });
    }
    series.bars = bars;
    series
}

#[test]
fn march_2020_is_fitted_to_nothing_after_february() {
    let request = ReplayRequest { crash: CRASHES[1], ..request() };
    let play = |series: &Series| play(&request, series, series).expect("bars with holes");
    let whole = holed(None);
    let played = play(&whole);
    assert_eq!(played.market.fitted, "2020-02-29", "the last fitted day");
    assert!(!played.market.holes.is_empty());
    assert!(played.market.holes.iter().all(|hole| hole.hours == 5 && !hole.flat));
    // Other prices from the window on: no margin before, and no scale of the others, differs.
    let from_s = day(CRASHES[1].from).unix();
    let later = play(&holed(Some(from_s)));
    let until = played.bars.partition_point(|bar| bar.prices.open_s <= from_s);
    for (one, two) in played.margins.iter().zip(&later.margins) {
        assert_eq!(one.initial[..until], two.initial[..until]);
    }
    // The engine by itself, without a last fitted day, would have gone on learning.
    let mut config = chosen::config(&CRASHES[1], 0.02);
    let lived = |config: &Config| engine::live(&whole, config, 48).expect("bars with holes").fitted;
    assert_eq!(lived(&config).to_string(), "2020-02-29");
    config.hour.refit.before_s = i64::MAX;
    assert!(lived(&config) > day("2020-03-15"));
    assert!(engine::live(&whole, &config, 4).is_err(), "a longer hole than is taken");
}

#[test]
fn every_last_fitted_day_is_before_its_window() {
    for crash in CRASHES {
        assert!(day(crash.fitted) < day(crash.from), "{}", crash.name);
        assert!(day(crash.from).unix() < crash.begins_s && crash.begins_s < crash.ends_s);
        assert!(crash.ends_s < day(crash.to).next().unix());
        let config = chosen::config(&crash, 0.02);
        assert_eq!(config.hour.refit.before_s, day(crash.fitted).next().unix());
        assert_eq!(config.day.refit.before_s, config.hour.refit.before_s);
    }
}
