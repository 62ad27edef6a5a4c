//! No report knows the future; the margin keeps its promises whatever enters.

use proptest::prelude::*;

use super::*;
use crate::{Bar, Series};

/// Half-hours of a market with calm and wild spells, drawn from a seed.
fn series(bars: usize, seed: u32) -> Series {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24)
    };
    let (mut last, mut spell) = (100.0, 0.002);
    let bar = |i: usize| {
        if i.is_multiple_of(96) {
            spell = 0.001 + 0.01 * next() * next();
        }
        let open = last;
        last *= 1.0 + spell * (next() + next() - 1.0);
        let (top, bottom) = if last > open { (last, open) } else { (open, last) };
        let open_s = i64::try_from(i).expect("small") * 1_800;
        let (high, low) = (top * (1.0 + spell * next()), bottom * (1.0 - spell * next()));
        Bar { open_s, open, high, low, close: last, volume: 1.0 + next() }
    };
    let bars = (0..bars).map(bar).collect();
    let (venue, symbol) = ("here".to_owned(), "X".to_owned());
    Series { venue, symbol, interval_s: 1_800, ranged: true, bars }
}

/// The frozen models with short warm-ups, so that a test sees many reports.
fn quick() -> Config {
    let mut config = Config::frozen();
    config.hour.refit = Refit { first: 100, every: 24, before_s: i64::MAX };
    config.day.refit = Refit { first: 5, every: 1, before_s: i64::MAX };
    config
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_future_changes_nothing_before_it(seed: u32, cut in 1_500_usize..1_650) {
        let before = series(1_700, seed);
        let mut after = before.clone();
        for bar in &mut after.bars[cut..] {
            *bar = Bar { open_s: bar.open_s, ..Bar {
                open_s: 0, open: 7.0, high: 9.0, low: 5.0, close: 8.0, volume: 99.0,
            } };
        }
        let t = before.bars[cut].open_s;
        let (was, is) = (track(&before, &quick()).expect("long enough"),
            track(&after, &quick()).expect("long enough"));
        for (was, is) in was.hours.iter().zip(&is.hours) {
            if was.open_s + 3_600 <= t {
                prop_assert_eq!(was, is);
            } else if was.open_s <= t {
                let outcome = HourReport { loss: is.loss, realised: is.realised, ..*was };
                prop_assert_eq!(&outcome, is);
            }
        }
        let mut days = 0;
        for (was, is) in was.days.iter().zip(&is.days) {
            let open_s = i64::from(was.date.number()) * 86_400;
            if open_s + 86_400 <= t {
                prop_assert_eq!(was, is);
            } else if open_s <= t {
                days += 1;
                let outcome = DayReport { realised: is.realised, pit: is.pit, ..*was };
                prop_assert_eq!(&outcome, is);
            }
        }
        prop_assert_eq!(days, 1);
        prop_assert_ne!(was, is);
    }
}

/// One step with a forecast, another worker, a distance and an age.
fn step(state: Vec<f64>, losses: [f64; 2], rest: [f64; 4]) -> (Vec<f64>, Vec<f64>) {
    use tensor::Tensor;
    let tail = TailConfig { workers: 2, ..Config::frozen().tail };
    let [forecast, worker, distance, age] = rest;
    let vector = |v: &[f64]| Tensor::f64(&[v.len()], v.to_vec()).expect("not empty");
    let inputs =
        [vector(&state), vector(&losses), vector(&[forecast, worker]), vector(&[distance, age])];
    let outputs = tensor::eval(&tail_step(&tail).expect("valid"), &inputs).expect("inputs fit");
    let numbers = |i: usize| outputs[i].as_f64().expect("f64").to_vec();
    (numbers(0), numbers(1))
}

fn start() -> Vec<f64> {
    Config::frozen().tail.initial_state().as_f64().expect("f64").to_vec()
}

#[test]
fn an_exceedance_raises_its_side_alone() {
    let calm = step(start(), [0.0, 0.0], [-4.0, -4.0, 0.0, 0.0]).1;
    let hit = step(start(), [0.2, -0.2], [-4.0, -4.0, 0.0, 0.0]).1;
    let tail = Config::frozen().tail;
    assert!((hit[0] / calm[0]).abs() > 1.0 + 0.9 * tail.rate, "the quantile of the long side");
    assert_eq!(hit[1], calm[1]);
    assert!(hit[2] > hit[0] && hit[3] > hit[1], "shortfalls lie beyond quantiles");
}

#[test]
fn initial_rises_at_once_and_maintenance_by_schedule() {
    let tail = Config::frozen().tail;
    let wild = [-3.5, -3.5, 0.0, 0.0];
    let calm = [-9.0, -9.0, 0.0, 0.0];
    let (mut state, mut report) = step(start(), [0.0; 2], wild);
    assert!(report[7] > 3.0 * tail.floor);
    assert!((report[8] - tail.floor * tail.share * tail.up).abs() < 1e-15);
    for _ in 0..40 {
        (state, report) = step(state, [0.0; 2], wild);
    }
    assert!((report[8] - report[7] * tail.share).abs() < 1e-12, "it arrives");
    let high = report.clone();
    (state, report) = step(state, [0.0; 2], calm);
    assert!((report[7] - high[7] * tail.down).abs() < 1e-15);
    for _ in 0..200 {
        (state, report) = step(state, [0.0; 2], calm);
    }
    assert_eq!(report[7], tail.floor);
}

#[test]
fn maintenance_has_a_ceiling_where_initial_has_none() {
    let tail = Config::frozen().tail;
    let mut state = step(start(), [0.0; 2], [-6.0, -6.0, 0.0, 0.0]).0;
    let usual = state[8];
    let mut report = Vec::new();
    for _ in 0..40 {
        (state, report) = step(state, [0.0; 2], [-2.0, -2.0, 0.0, 0.0]);
    }
    assert!(usual < tail.floor && report[7] > 10.0 * tail.floor);
    let least = tail.ceiling * tail.share * tail.floor;
    assert!(report[8] >= least && report[8] < 2.0 * least, "{}", report[8]);
}

#[test]
fn what_an_exceedance_adds_fades() {
    let tail = Config::frozen().tail;
    let calm = [-5.0, -5.0, 0.0, 0.0];
    let before = step(start(), [0.0; 2], calm).1[0];
    let (mut state, mut report) = step(start(), [0.1, 0.0], calm);
    assert!(report[0] / before > 1.0 + tail.bump);
    for _ in 0..48 {
        (state, report) = step(state, [0.0; 2], calm);
    }
    let rest = report[0] / before - 1.0;
    assert!(rest > 0.5 * tail.rate && rest < 1.2 * tail.rate, "{rest}: the tracked part stays");
}

#[test]
fn doubt_raises_the_margin_and_nothing_else() {
    let sure = step(start(), [0.0; 2], [-3.0, -4.0, 0.0, 0.0]).1;
    assert_eq!(sure[4], 0.0, "a worker that sees less risk raises nothing");
    for unsure in [[-3.0, -2.8, 0.0, 0.0], [-3.0, -4.0, 1.0, 0.0], [-3.0, -4.0, 0.0, 6.0]] {
        let unsure = step(start(), [0.0; 2], unsure).1;
        assert_eq!(unsure[..4], sure[..4]);
        assert!(unsure[4] > sure[4] && unsure[4] < 1.0);
        assert!(unsure[6] > sure[6]);
    }
}

#[test]
fn the_margin_is_total() {
    let tail = Config::frozen().tail;
    let wild =
        [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 0.0, -0.0, 1e-308, 700.0];
    for a in wild {
        for b in wild {
            for c in wild {
                let state = vec![a, b, c, a, b, c, a, b, c, a, b, c];
                let (next, report) = step(state, [b, c], [a, b, c, a]);
                let (initial, maintenance) = (report[7], report[8]);
                assert!(next.iter().chain(&report).all(|x| x.is_finite()), "{a} {b} {c}");
                assert!((tail.floor..=tail.cap).contains(&initial), "{a} {b} {c}: {initial}");
                assert!(maintenance >= tail.floor * tail.share, "{a} {b} {c}: {maintenance}");
                assert!(maintenance <= initial * tail.share, "{a} {b} {c}: {maintenance}");
                assert!((0.0..=1.0).contains(&report[4]), "{a} {b} {c}: u {}", report[4]);
            }
        }
    }
}

#[test]
fn an_interval_holds_what_it_is_to_hold_and_is_total() {
    use tensor::Tensor;
    let config = IntervalConfig { probability: 0.8, rate: 0.1, start: 5.0 };
    let program = interval_step(&config).expect("valid");
    let vector = |v: &[f64]| Tensor::f64(&[v.len()], v.to_vec()).expect("not empty");
    let run = |state: Tensor, last: [f64; 3], law: [f64; 2]| {
        let inputs = [state, vector(&last), vector(&law)];
        let outputs = tensor::eval(&program, &inputs).expect("inputs fit");
        let ends = outputs[1].as_f64().expect("f64").to_vec();
        (outputs[0].clone(), ends[0], ends[1])
    };
    let (mut state, mut last, mut held) = (config.initial_state(), [0.0, 0.0, 1.0], 0);
    for i in 0..2_000_u32 {
        let outcome = f64::from(i.wrapping_mul(2_654_435_761) >> 16) / 65_536.0; // 0..1
        let (next, lower, upper) = run(state, last, [0.3, 0.2]);
        held += usize::from((lower..=upper).contains(&outcome));
        (state, last) = (next, [outcome, 0.3, 0.2]);
    }
    assert!((1_550..1_650).contains(&held), "{held} of 2,000");
    for a in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 0.0, -1e-308] {
        for b in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN, 0.0, 7.0] {
            let (state, lower, upper) = run(vector(&[a, b]), [b, a, b], [a, b]);
            assert!(state.as_f64().is_some_and(|k| k.iter().all(|k| k.is_finite())), "{a} {b}");
            assert!(lower.is_finite() && lower <= upper && upper.is_finite(), "{a} {b}");
        }
    }
}

#[test]
fn the_frozen_step_is_this_program() {
    let program = tail_step(&Config::frozen().tail).expect("valid");
    assert_eq!(
        program.hash().to_string(),
        "0x4ebd29e654647ecdd33a5ead9c657449b6691c7f3500c85ddf923359760dfccd"
    );
}

#[test]
fn no_fit_sees_an_outcome_from_the_day_it_may_not() {
    let sample = |i: i64| Sample {
        open_s: i * 3_600,
        x: vec![1.0, (i * 37 % 11) as f64],
        anchor: -9.0,
        outcome: (i % 7 != 3).then_some(-9.0 + (i * 13 % 5) as f64),
    };
    let samples: Vec<Sample> = (0..300).map(sample).collect();
    let mut other = samples.clone();
    for sample in &mut other[200..] {
        sample.outcome = sample.outcome.map(|outcome| outcome + 3.0);
    }
    let prior = crate::Prior { precision: vec![1e-3, 1.0], shape: 1.0, scale: 0.5 };
    let laws = |samples: &[Sample], before_s| {
        let refit = Refit { first: 100, every: 24, before_s };
        expand::expand_and_tell(samples, std::slice::from_ref(&prior), refit, None).expect("valid")
    };
    let (was, learnt_s) = laws(&samples, 200 * 3_600);
    assert_eq!(was, laws(&other, 200 * 3_600).0);
    assert_eq!(learnt_s, Some(198 * 3_600), "the hour before has no outcome");
    assert_ne!(laws(&samples, i64::MAX).0, laws(&other, i64::MAX).0);
    assert_eq!(was[..100], laws(&samples, i64::MAX).0[..100], "until then nothing differs");
}

#[test]
fn a_hole_moves_no_quantile_and_loads_u_by_its_age() {
    let whole = series(3_400, 7);
    let mut holed = whole.clone();
    // Whole hours 1500 to 1505, half-hours 3000 to 3011.
    holed.bars.retain(|bar| !(3_000..3_012).contains(&(bar.open_s / 1_800)));
    let (was, is) = (
        track(&whole, &quick()).expect("long enough"),
        track_with_holes(&holed, &quick(), 6).expect("six hours"),
    );
    assert!(matches!(track(&holed, &quick()), Err(RiskError::Hourly(_))), "still refused");
    assert!(track_with_holes(&holed, &quick(), 5).is_err(), "longer than is taken");
    assert_eq!(is.holes, [crate::Hole { open_s: 1_500 * 3_600, hours: 6, flat: false }]);
    let at = |track: &Track, hour: i64| {
        *track.hours.iter().find(|h| h.open_s == hour * 3_600).expect("an hour with a price")
    };
    assert_eq!(is.hours.len() + 6, was.hours.len());
    for hour in [1_400, 1_499] {
        assert_eq!(at(&is, hour), at(&was, hour));
    }
    let (before, after) = (at(&is, 1_499), at(&is, 1_506));
    assert_eq!(after.price, holed.bars[2_999].close, "the price is stale");
    let jump = 1.0 - holed.bars[3_001].close / holed.bars[2_999].close;
    assert!((after.loss.long - jump).abs() < 1e-12, "held to the whole move");
    // Six hours old at a unit of two: d is at least 3.
    assert!(after.u >= 0.75 && before.u < after.u, "{} {}", before.u, after.u);
    assert!(is.days.len() < was.days.len());
    let state = Config::frozen().tail.initial_state();
    let tail = TailConfig { workers: 2, ..Config::frozen().tail };
    let next = step(
        outlook::without_outcome(&tail, &state).as_f64().expect("f64").to_vec(),
        [0.0; 2],
        [-5.0, -5.0, 0.0, 3.0],
    );
    assert!((next.0[0] - start()[0]).abs() < 1e-12 && next.0[2] == start()[2]);
}
