//! What a replay may not do: look ahead, or lose money on the way.

use std::io::Write;

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
        contracts: 0,
        seed: 1,
        command: "here".to_owned(),
    }
}

#[test]
fn what_comes_decides_no_margin_before_it() {
    let (fall, rise) = (series(false), series(true));
    let [one, two] =
        [&fall, &rise].map(|series| play(&request(), (series, series), &mut |_| {}).expect("bars"));
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
    let played = play(&request(), (&series, &series), &mut |_| {}).expect("bars");
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
    let play =
        |series: &Series| play(&request, (series, series), &mut |_| {}).expect("bars with holes");
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

/// Three days around the fall, with accounts drawn on them.
fn course<'a>(played: &'a Played, accounts: &'a [Account], from: usize) -> Course<'a> {
    let bars = &played.bars[from..from + 144];
    Course { crash: &CRASHES[0], bars, interval_s: 1_800, accounts, share: 2.0 / 3.0 }
}

#[test]
fn the_contracts_count_what_they_are_told_and_the_haircut_takes_the_shortfall() {
    let series = series(false);
    let played = play(&request(), (&series, &series), &mut |_| {}).expect("bars");
    let begins = played.bars.partition_point(|bar| bar.prices.open_s < CRASHES[0].begins_s);
    let from = (begins - 96) / 2 * 2;
    let finer =
        |account: Account| Account { from: 2 * account.from, hours: 2 * account.hours, ..account };
    let accounts: Vec<Account> = accounts::draw(60, 72, 3).into_iter().map(finer).collect();
    let course = course(&played, &accounts, from);
    let margins = |initial: Vec<f64>| Margins {
        maintenance: initial.iter().map(|margin| margin * 2.0 / 3.0).collect(),
        initial,
    };

    // The engine's own margins, as grids.
    let ours = margins(played.margins[0].initial[from..from + 144].to_vec());
    let out = clearing::run(course, &ours).expect("the contracts take it");
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} and {b}");
    near(out.before[0], ours.initial[begins - 1 - from]);
    near(out.before[1], ours.maintenance[begins - 1 - from]);
    near(out.after[0], ours.initial[143]);
    assert!(out.compared[0] > 20 && out.compared[1] == 0, "{:?}", out.compared);
    assert_eq!((out.accounts, out.grids), (60, 72), "one grid an hour");
    assert_eq!(out.prices, 144 * 3 + 1);

    // Next to no margin: whoever is long falls far below zero at once.
    let thin = margins(vec![0.012; 144]);
    let out = clearing::run(course, &thin).expect("the contracts take it");
    assert!(out.liquidated > 10 && out.liquidated_in_crash > 0);
    assert_eq!(out.compared[1], 0);
    let close = |a: f64, b: f64| assert!((a - b).abs() <= 1e-9 * a.abs().max(1.0), "{a} and {b}");
    assert!(out.shortfall > 0.0, "no insurance covers that");
    close(out.bad_debt, out.insurance[0] + out.shortfall);
    close(out.haircut.taken + out.repaid[0] + out.repaid[1], out.shortfall);
    assert!(out.haircut.excess == 0.0, "to the wei: {}", out.haircut.excess);
    let debts: f64 = out.liquidations.iter().map(|one| one.debt).sum();
    close(debts, out.bad_debt);
    // The queue takes at least as much at bankruptcy prices, since it takes whole debts.
    assert!(out.queue[0].taken >= out.shortfall * (1.0 - 1e-9));
    assert!(out.queue[1].taken >= out.queue[0].taken, "the price before is worse for winners");
    let lines = clearing::verdict(&[side_with(&played, out)], Form::Bars);
    assert!(lines.iter().any(|line| line.contains("a queue by profit and leverage")), "{lines:?}");
}

/// A side with what the contracts said.
fn side_with(played: &Played, out: OnChain) -> Side {
    Side { contracts: Some(out), ..played.market.sides[1].clone() }
}

#[test]
fn october_2025_on_real_bars_and_the_contracts() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../../shared/data/binance/SOLUSDT_perp_30m.parquet");
    if !file.is_file() {
        let line = format!("skipped: {} is not here", file.display());
        writeln!(std::io::stderr(), "{line}").expect("stderr is open");
        return;
    }
    let data = vec![file];
    let request = ReplayRequest { data, accounts: 400, contracts: 60, ..request() };
    let replayed = replay(&request, &mut |_| {}).expect("bars of the crash");
    let [market] = &replayed.report.markets[..] else { panic!("one market") };
    for side in &market.sides {
        let out = side.contracts.as_ref().expect("contracts were asked for");
        assert!(out.compared[0] > 100 && out.compared[1] == 0, "{:?}", out.compared);
        // The contract asks what the page says, hour by hour.
        for (chain, page) in [(out.before, side.before), (out.during, side.during)] {
            assert!((chain[0] - page[0]).abs() < 1e-6, "{}: {chain:?} {page:?}", side.name);
        }
        assert!(out.haircut.excess == 0.0 && out.bad_debt >= out.shortfall);
    }
    assert!(replayed.html.contains("On the contracts, ours"));
}
