//! The sweep's little brother, on every push: a seeded sample, every power of two and its
//! neighbours, and where functions change their formula or leave the range.

use exact::nearest::{By, decide, nearest};
use exact::{Function, record, series, sweep};
use tensor::random::philox;

/// Random bit patterns a function.
const SAMPLES: u32 = 200_000;

/// Where something changes: ranges' ends, splits of the sequences, saturation.
const PLACES: [f32; 22] = [
    0.5,
    0.5625,
    1.0,
    1.5,
    2.0,
    2.5,
    3.5,
    3.919,
    4.0,
    8.66,
    9.01,
    9.2,
    10.05,
    10.06,
    28.0,
    87.336,
    88.722_84,
    88.73,
    103.28,
    103.972_08,
    150.0,
    0.707_106_77,
];

/// Bit patterns without a pattern, the same on every machine.
fn noise(count: u32) -> impl Iterator<Item = u32> {
    (0..count.div_ceil(4)).flat_map(|block| philox([block, 0, 0, 0], [2, 32]))
}

/// Sixty-five arguments around one, of both signs.
fn around(x: f32) -> impl Iterator<Item = f32> {
    let bits = x.to_bits();
    let near = bits.saturating_sub(32)..=bits.saturating_add(32);
    near.map(f32::from_bits).flat_map(|x| [x, -x])
}

fn sample() -> impl Iterator<Item = f32> {
    let powers = (0..=254u32).map(|exponent| f32::from_bits(exponent << 23));
    let least = (0..23u32).map(|bit| f32::from_bits(1 << bit));
    let edges = [f32::INFINITY, f32::NAN, -f32::NAN, f32::from_bits(0x7f80_0001), f32::MAX];
    let places = PLACES.into_iter().chain(powers).chain(least).chain(edges).flat_map(around);
    places.chain(noise(SAMPLES).map(f32::from_bits))
}

#[test]
fn the_ops_are_within_a_unit_and_nearly_always_the_nearest() {
    for function in Function::ALL {
        let (mut differing, mut count) = (0u32, 0u32);
        for x in sample() {
            count += 1;
            let (got, wanted) = (function.op(x), nearest(function, x));
            if got.to_bits() == wanted.to_bits() {
                continue;
            }
            differing += 1;
            assert!(!got.is_nan() && !wanted.is_nan(), "{function} of {x:e} is {got:e}");
            let error = series::value(function, x).error(got);
            assert!(error <= 0.51, "{function} of {x:e} is {got:e}, {error} ulp off");
        }
        assert!(differing * 1_000 < count, "{function}: {differing} of {count} not the nearest");
    }
}

/// What the strategy stands on: the estimate is a thousand times better than it is trusted to be.
#[test]
fn the_estimate_deserves_its_trust() {
    for function in Function::ALL {
        let mut tried = 0;
        for x in noise(40_000).map(f32::from_bits).chain(PLACES.into_iter().flat_map(around)) {
            let inside = match function {
                Function::Exp => x.abs() < 104.0,
                Function::Log => x > 0.0 && x.is_finite(),
                _ => x.abs() < 10.2,
            };
            // The exact results have no relative error to speak of.
            if !inside || x == 0.0 || (function == Function::Log && x == 1.0) {
                continue;
            }
            tried += 1;
            let error = series::value(function, x).relative_error(function.estimate(x));
            let bound = 2f64.powi(-50);
            assert!(error <= bound, "{function} of {x:e}: the estimate is {error:e} off");
        }
        assert!(tried > 5_000, "{function}: only {tried} arguments were tried");
    }
}

/// Constants known to many digits: the series is not its own witness.
#[test]
fn the_series_knows_published_digits() {
    let close = |function, x, digits: f64| {
        let error = series::value(function, x).relative_error(digits);
        assert!(error < 1.2e-16, "{function} of {x}: {error:e}");
    };
    close(Function::Exp, 1.0, std::f64::consts::E);
    close(Function::Log, 2.0, std::f64::consts::LN_2);
    close(Function::Log, 10.0, std::f64::consts::LN_10);
    close(Function::Log, 0.5, -std::f64::consts::LN_2);
    close(Function::Log, 16_777_216.0, 24.0 * std::f64::consts::LN_2);
    // Abramowitz and Stegun, tables 4.16 and 7.1.
    close(Function::Tanh, 1.0, 0.761_594_155_955_764_9);
    close(Function::Erf, 0.5, 0.520_499_877_813_046_5);
    close(Function::Erf, 1.0, 0.842_700_792_949_714_9);
    close(Function::Erfc, 2.0, 4.677_734_981_047_266e-3);
    close(Function::Erfc, -1.0, 1.842_700_792_949_715);
}

#[test]
fn hard_cases_reach_the_series() {
    // 1 + 2^-24 lies half-way between two f32, and e^x is a little above for this x.
    let x = 1.0 / 16_777_216.0;
    assert_eq!(decide(Function::Exp, x), (1.0 + f32::EPSILON, By::Series));
    // Just below the half-way point under 1.
    let x = -1.0 / 33_554_432.0;
    assert_eq!(decide(Function::Exp, x).1, By::Series);
    assert_eq!(nearest(Function::Exp, x), 1.0);
}

/// A part of the whole sweep: every 1031st block of it.
#[test]
fn a_thin_sweep_agrees_with_the_record() {
    let record = record::read().expect("the record can be read");
    for function in Function::ALL {
        let report = sweep::sweep(function, 1031, || {}).expect("the kernels take it");
        assert_eq!(report.arguments, 64 * u64::from(sweep::BLOCKS));
        assert_eq!(report.wrong_kind, 0, "{function}");
        assert!(report.worst_ulp <= 0.51, "{function}: {} ulp", report.worst_ulp);
        let Some(entry) = record.get(function.name()) else { continue };
        let worst: f64 = entry.worst_ulp.parse().expect("a number");
        assert!(report.worst_ulp <= worst + 1e-6, "{function}: {} ulp", report.worst_ulp);
        assert!(report.not_nearest <= entry.not_nearest, "{function}");
    }
}

/// The document quotes the record, figure by figure, and says where there is none.
#[test]
fn the_document_says_what_the_record_says() {
    let document = include_str!("../../../docs/numerics.md");
    let record = record::read().expect("the record can be read");
    for function in Function::ALL {
        let row = document.lines().find(|line| line.starts_with(&format!("| {function} | f32 |")));
        let row = row.unwrap_or_else(|| panic!("{function} has no row"));
        let Some(entry) = record.get(function.name()) else {
            assert!(row.contains("of the arguments"), "{function} is not recorded: {row}");
            continue;
        };
        assert_eq!(entry.arguments, 1 << 32, "{function}: a part of the arguments was recorded");
        for figure in ["all", &entry.worst_ulp, &grouped(entry.not_nearest)] {
            assert!(row.contains(&format!("| {figure} |")), "{function}, {figure}: {row}");
        }
    }
}

/// Writes a count with a comma every three digits.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}
