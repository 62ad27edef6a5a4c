//! The engine sees no future, and publishes what its rules allow.

use market::Bar;

use super::*;
use crate::data::HOUR_S;

/// Half-hourly bars of so many days with calm and wild weeks; the same for the same seed.
fn series(days: i64) -> Series {
    let mut state = 7_u64;
    let mut even = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1_u64 << 31) as f64
    };
    let mut last = 100.0;
    let mut bar = |i: i64| {
        let wild = if (i / 336) % 3 == 0 { 0.012 } else { 0.004 };
        let close = last * (1.0 + wild * (even() + even() + even() - 1.5));
        let (high, low) = (f64::max(last, close), f64::min(last, close));
        let bar = Bar {
            open_s: i * 1_800,
            open: last,
            high: high * (1.0 + 0.2 * wild * even()),
            low: low * (1.0 - 0.2 * wild * even()),
            close,
            volume: 1.0 + even(),
        };
        last = close;
        bar
    };
    let bars = (0..48 * days).map(&mut bar).collect();
    Series { venue: "here".into(), symbol: "X".into(), interval_s: 1_800, ranged: true, bars }
}

#[test]
fn the_future_changes_nothing_before_it() {
    let whole = series(160);
    let before = track(&whole, 0.02).expect("long enough");
    for day in [12, 40, 51, 52, 53, 121, 130, 145, 159] {
        let from_s = day * 86_400 + 7 * HOUR_S;
        let mut other = whole.clone();
        for bar in other.bars.iter_mut().filter(|bar| bar.open_s >= from_s) {
            let factor = 1.5 + 0.4 * ((bar.open_s / 1_800) % 5) as f64;
            bar.open *= factor;
            bar.high *= factor;
            bar.low *= factor;
            bar.close *= factor;
        }
        let after = track(&other, 0.02).expect("long enough");
        let past = |track: &Track| -> Vec<Hour> {
            track.hours.iter().filter(|h| h.prices.open_s < from_s).copied().collect()
        };
        assert!(past(&before).len() > 20, "{day}");
        assert_eq!(past(&before), past(&after), "hours before day {day}");
        let known = |track: &Track| -> Vec<(Date, f64, [f64; 2])> {
            let days = track.days.iter().filter(|d| d.date.unix() <= from_s);
            days.map(|d| (d.date, d.forecast, d.interval)).collect()
        };
        assert_eq!(known(&before), known(&after), "days up to day {day}");
        // What was published for the first hour that changed was known when it began.
        let at = |track: &Track| {
            let hour = track.hours.iter().find(|h| h.prices.open_s == from_s).copied();
            hour.map(|h| (h.volatility, h.quantile, h.shortfall, h.initial, h.maintenance))
        };
        assert_eq!(at(&before), at(&after));
        assert!(at(&before).is_some());
        assert_ne!(before.hours, after.hours, "the change is seen afterwards");
    }
}

#[test]
fn margins_keep_floor_order_and_pace() {
    let track = track(&series(150), 0.02).expect("long enough");
    assert_eq!(track.days.len(), 150 - WARM_UP_DAYS);
    assert_eq!(track.hours.len(), (150 - 8) * 24);
    for hour in &track.hours {
        assert!(hour.initial >= 0.02 && hour.maintenance < hour.initial && hour.initial <= 1.0);
        assert!(hour.volatility[0] < hour.volatility[1] && hour.volatility[1] < hour.volatility[2]);
    }
    for pair in track.hours.windows(2) {
        assert_eq!(pair[1].prices.open_s - pair[0].prices.open_s, HOUR_S);
        let grown = pair[1].prices.open_s == grown_s(&series(150));
        assert!(grown || pair[1].maintenance <= pair[0].maintenance * 1.25 + 1e-12);
    }
}

#[test]
fn too_few_days_are_refused() {
    assert!(matches!(track(&series(23), 0.02), Err(Error::Short { days: 23, .. })));
}

#[test]
fn a_new_market_has_margins_that_are_loaded_for_it() {
    let (thirty, all) = (series(30), series(150));
    let (young, life) = (track(&thirty, 0.02).expect("young"), track(&all, 0.02).expect("grown"));
    assert_eq!((young.hours.len(), young.days.len()), (22 * 24, 7));
    assert_eq!(young.hours[..], life.hours[..22 * 24], "growing up changes nothing before");
    assert_eq!(young.days[..], life.days[..7]);
    // At thirty days all that is not doubted is half of what can be.
    assert!(young.hours.iter().all(|hour| hour.u > 0.49));
    let grown = life.hours.iter().position(|hour| hour.prices.open_s == grown_s(&all));
    assert_eq!(grown, Some(52 * 24 - 8 * 24));
    let mean = |hours: &[Hour]| hours.iter().map(|h| h.u).sum::<f64>() / hours.len() as f64;
    assert!(mean(&life.hours[..1_000]) > mean(&life.hours[2_000..]));
}
