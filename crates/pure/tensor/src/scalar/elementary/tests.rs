//! Accuracy over the whole range, edges, and golden bits of the elementary functions.
//!
//! The f64 functions are compared with double-double series on a fixed sample; the f32 functions
//! with the f64 ones, on every 997th bit pattern. Bounds are those `docs/numerics.md` promises.

mod wide;

use super::{super::Float, table};
use crate::{Hash, random::philox};
use wide::Wide;

/// f32 bit patterns between two that are tested; prime, so that every field of the bits varies.
const STRIDE: usize = 997;

/// The first eight bytes of the hashes of [`bits_are_golden`], f64 and then f32.
const GOLDEN: [&str; 10] = [
    "67118744a42f751f",
    "92ff6f3018dd2368",
    "298788371d822031",
    "a08a3f704e622284",
    "bd7b6b731ddbf869",
    "1ffa6ddcc59076ba",
    "2ef780d5edd4a609",
    "db15cead4ad0bd7d",
    "332af54f9153bbd3",
    "dfb364b9825de931",
];

/// Returns x * 2^k for an integer k, in two steps of which only the second can round.
fn scaled(x: f64, k: f64) -> f64 {
    let half = (k / 2.0).floor();
    x * wide::power(half) * wide::power(k - half)
}

/// Returns |got - exact * 2^k| in units of the last place of the exact value in f64.
fn error_in_ulp(got: f64, exact: Wide, k: f64) -> f64 {
    let exponent = (scaled(exact.hi, k).abs().to_bits() >> 52).max(1);
    let ulp = f64::from(u32::try_from(exponent).expect("eleven bits")) - 1075.0;
    let (high, low) = (scaled(exact.hi, k - ulp), scaled(exact.lo, k - ulp));
    ((scaled(got, -ulp) - high) - low).abs()
}

fn worst(points: impl Iterator<Item = f64>, error: impl Fn(f64) -> f64) -> (f64, f64) {
    points.map(|x| (error(x), x)).fold((0.0, 0.0), |w, e| if e.0 > w.0 { e } else { w })
}

/// Sixty thousand points spread evenly between two bounds, without a pattern.
fn between(low: f64, high: f64) -> impl Iterator<Item = f64> {
    (0..15_000u32)
        .flat_map(|block| philox([block, 7, 0, 0], [3, 5]))
        .map(move |word| low + (high - low) * (f64::from(word) + 0.5) / 4_294_967_296.0)
}

/// Positive numbers with every exponent equally often.
fn any_exponent() -> impl Iterator<Item = f64> {
    (0..20_000u64)
        .map(|i| f64::from_bits(i.wrapping_mul(0x0001_a3c5_9f3d_2b71) & (u64::MAX >> 1)))
        .filter(|x| x.is_finite() && *x > 0.0)
}

fn within(bound: f64, (error, at): (f64, f64)) {
    assert!(error <= bound, "{error} ulp at {at:e}, the bound is {bound}");
}

#[test]
fn double_exp_is_within_one_ulp() {
    let error = |x: f64| {
        let (mantissa, k) = Wide::of(x).exp();
        error_in_ulp(x.op_exp(), mantissa, k)
    };
    within(1.0, worst(between(-745.0, 709.7), error));
    within(1.0, worst(between(-1.0, 1.0), error));
}

#[test]
fn double_log_is_within_one_ulp() {
    let error = |x: f64| error_in_ulp(x.op_log(), Wide::log(x, x.op_log()), 0.0);
    within(1.0, worst(between(0.5, 2.0), error));
    within(1.0, worst(between(0.999, 1.001), error));
    within(1.0, worst(any_exponent(), error));
}

#[test]
fn double_tanh_is_within_two_ulp() {
    let error = |x: f64| error_in_ulp(x.op_tanh(), Wide::tanh(x), 0.0);
    within(2.0, worst(between(-1.0, 1.0), error));
    within(2.0, worst(between(-22.0, 22.0), error));
    within(2.0, worst(between(0.0, 1e-5), error));
}

#[test]
fn double_erf_is_within_two_ulp() {
    let error = |x: f64| error_in_ulp(x.op_erf(), Wide::erf(x), 0.0);
    within(2.0, worst(between(-1.5, 1.5).step_by(4), error));
    within(2.0, worst(between(1.0, 3.0).step_by(4), error));
    within(2.0, worst(between(0.0, 1e-5).step_by(4), error));
}

#[test]
fn double_erfc_is_within_four_ulp_in_the_tail() {
    let error = |x: f64| {
        let (mantissa, k) = Wide::erfc(x);
        error_in_ulp(x.op_erfc(), mantissa, k)
    };
    within(2.0, worst(between(-3.0, 0.5).step_by(4), error));
    within(4.0, worst(between(0.5, 2.5).step_by(4), error));
    within(4.0, worst(between(2.5, 26.0).step_by(8), error));
    within(4.0, worst(between(26.0, 27.2).step_by(32), error));
}

/// Compares an f32 function with the f64 one on every 997th bit pattern.
fn single_within(bound: f64, single: fn(f32) -> f32, double: fn(f64) -> f64) {
    let mut worst = (0.0, 0.0);
    for bits in (0..=u32::MAX).step_by(STRIDE) {
        let x = f32::from_bits(bits);
        let (got, exact) = (single(x), double(f64::from(x)));
        if got.is_nan() || exact.is_nan() {
            assert!(got.to_bits() == 0x7fc0_0000 && exact.is_nan(), "{x:e}");
            continue;
        }
        let got = f64::from(got);
        if got == exact {
            continue;
        }
        if got.is_infinite() {
            assert!(exact.abs() >= 3.402_823_567_797_336_6e38, "{x:e}");
            continue;
        }
        let exponent = (exact.abs().to_bits() >> 52).max(1023 - 126);
        let ulp = f64::from_bits((exponent - 23) << 52);
        let error = (got - exact).abs() / ulp;
        worst = if error > worst.0 { (error, f64::from(x)) } else { worst };
    }
    within(bound, worst);
}

#[test]
fn single_functions_are_nearly_correctly_rounded() {
    single_within(0.51, f32::op_exp, f64::op_exp);
    single_within(0.51, f32::op_log, f64::op_log);
    single_within(0.51, f32::op_tanh, f64::op_tanh);
}

#[test]
fn edges_are_those_of_the_real_functions() {
    assert_eq!(f64::INFINITY.op_exp(), f64::INFINITY);
    assert_eq!(f64::NEG_INFINITY.op_exp().to_bits(), 0);
    assert_eq!(709.782_712_893_384_1f64.op_exp(), f64::INFINITY);
    assert_eq!((-745.2f64).op_exp().to_bits(), 0);
    assert_eq!((-745.1f64).op_exp().to_bits(), 1);
    assert_eq!((-0.0f64).op_log(), f64::NEG_INFINITY);
    assert_eq!(f64::INFINITY.op_log(), f64::INFINITY);
    assert_eq!((-1.0f64).op_log().to_bits(), 0x7ff8_0000_0000_0000);
    assert_eq!(1.0f64.op_log().to_bits(), 0);
    assert_eq!((-0.0f64).op_tanh().to_bits(), (-0.0f64).to_bits());
    assert_eq!(f64::NEG_INFINITY.op_tanh(), -1.0);
    assert_eq!((-0.0f64).op_erf().to_bits(), (-0.0f64).to_bits());
    assert_eq!(f64::INFINITY.op_erf(), 1.0);
    assert_eq!(f64::NEG_INFINITY.op_erfc(), 2.0);
    assert_eq!(f64::INFINITY.op_erfc().to_bits(), 0);
    assert_eq!(0.0f64.op_erfc(), 1.0);
    for f in [f64::op_exp, f64::op_log, f64::op_tanh, f64::op_erf, f64::op_erfc] {
        assert_eq!(f(-f64::NAN).to_bits(), 0x7ff8_0000_0000_0000);
    }
    for f in [f32::op_exp, f32::op_log, f32::op_tanh, f32::op_erf, f32::op_erfc] {
        assert_eq!(f(f32::from_bits(0xffc1_2345)).to_bits(), 0x7fc0_0000);
    }
    let tiny = f32::from_bits(1);
    assert_eq!(tiny.op_tanh().to_bits(), 1);
    assert_eq!(tiny.op_log(), -103.278_93);
}

/// One hash over many results a function, so that no bit of a sequence can change unnoticed.
#[test]
fn bits_are_golden() {
    let doubles = [f64::op_exp, f64::op_log, f64::op_tanh, f64::op_erf, f64::op_erfc];
    let singles = [f32::op_exp, f32::op_log, f32::op_tanh, f32::op_erf, f32::op_erfc];
    let of_doubles = doubles.map(|f| {
        let points = between(-30.0, 30.0).chain(any_exponent());
        Hash::of(&[&points.flat_map(|x| f(x).to_le_bytes()).collect::<Vec<u8>>()])
    });
    let of_singles = singles.map(|f| {
        let points = (0..=u32::MAX).step_by(STRIDE * STRIDE).map(f32::from_bits);
        Hash::of(&[&points.flat_map(|x| f(x).to_le_bytes()).collect::<Vec<u8>>()])
    });
    let shown = [of_doubles, of_singles].concat();
    let shown: Vec<String> = shown.iter().map(|hash| hash.to_string()[2..18].into()).collect();
    assert_eq!(shown, GOLDEN);
}

/// A second implementation is written from the document, so it must list these very bits.
#[test]
fn the_document_lists_every_coefficient() {
    let document = include_str!("../../../../../../docs/numerics.md");
    let tables: [(&str, &[u64]); 8] = [
        ("EXP", &table::EXP),
        ("EXP_SHORT", &table::EXP_SHORT),
        ("LOG", &table::LOG),
        ("LOG_SHORT", &table::LOG_SHORT),
        ("TANH", &table::TANH),
        ("TANH_SHORT", &table::TANH_SHORT),
        ("ERF", &table::ERF),
        ("ERFCX", &table::ERFCX),
    ];
    let grouped = |bits: u64| {
        let digits = format!("{bits:016x}");
        let groups = [&digits[..4], &digits[4..8], &digits[8..12], &digits[12..]];
        format!("0x{}", groups.join("_"))
    };
    for (name, coefficients) in tables {
        for (index, bits) in coefficients.iter().enumerate() {
            let line = format!("\n{name}[{index}] = {}\n", grouped(*bits));
            assert!(document.contains(&line), "{}", line.trim());
        }
        let beyond = format!("\n{name}[{}]", coefficients.len());
        assert!(!document.contains(&beyond), "{name} has more entries there");
    }
    for bits in [table::LOG2_E, table::LN2, table::LN2_REST, table::LN2_HEAD, table::LN2_TAIL] {
        assert!(document.contains(&grouped(bits)), "{}", grouped(bits));
    }
}
