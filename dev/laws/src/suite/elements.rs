//! Laws of single elements: NaN, signed zeros, limits of integers, copies.

use tensor::{Dtype, Tensor};

use super::{NAN32, NAN64, f32s, f64s, i32s, run};
use crate::Eval;
use crate::special;

/// Any NaN that enters arithmetic leaves as the one NaN, whatever its payload and sign.
///
/// # Panics
///
/// If the implementation breaks the law.
pub fn arithmetic_gives_one_nan(eval: Eval) {
    let nans = [0x7fc0_0000u32, 0xffc0_0000, 0x7f80_0001, 0xffff_ffff].map(f32::from_bits);
    let wide = [NAN64, NAN64 | 1 << 63, 0x7ff0_0000_0000_0001, u64::MAX].map(f64::from_bits);
    for (nan, one) in [(f32s(&nans), f32s(&[1.0; 4])), (f64s(&wide), f64s(&[1.0; 4]))] {
        let results = run(eval, &[nan, one], |b, x| {
            let (n, o) = (x[0], x[1]);
            let mut outputs = vec![b.add(n, o)?, b.sub(o, n)?, b.mul(n, o)?, b.div(o, n)?];
            outputs.extend([b.min(n, o)?, b.max(o, n)?, b.neg(n)?, b.abs(n)?, b.sqrt(n)?]);
            outputs.extend([b.fma(n, o, o)?, b.fma(o, n, o)?, b.fma(o, o, n)?, b.floor(n)?]);
            outputs.extend([b.exp(n)?, b.log(n)?, b.tanh(n)?, b.erf(n)?, b.erfc(n)?]);
            outputs.extend([b.convert(n, Dtype::F32)?, b.convert(n, Dtype::F64)?]);
            let n = b.reshape(n, &[4, 1])?;
            let o = b.reshape(o, &[1, 4])?;
            outputs.extend([b.matmul(n, o)?, b.sum(n, 1)?, b.max_axis(n, 1)?]);
            Ok(outputs)
        });
        for (index, result) in results.iter().enumerate() {
            let single = result.as_f32().map(|x| x.iter().all(|x| x.to_bits() == NAN32));
            let double = result.as_f64().map(|x| x.iter().all(|x| x.to_bits() == NAN64));
            assert_eq!(single.or(double), Some(true), "output {index}: {result:?}");
        }
    }
    let made = run(eval, &[f32s(&[0.0, f32::INFINITY, -1.0])], |b, x| {
        Ok(vec![b.div(x[0], x[0])?, b.sub(x[0], x[0])?, b.sqrt(x[0])?])
    });
    let bits = |t: &Tensor, i: usize| t.as_f32().map(|x| x[i].to_bits());
    assert_eq!(bits(&made[0], 0), Some(NAN32), "0 / 0");
    assert_eq!(bits(&made[1], 1), Some(NAN32), "inf - inf");
    assert_eq!(bits(&made[2], 2), Some(NAN32), "the root of -1");
}

/// `min` and `max` put -0 below +0, from either side.
///
/// # Panics
///
/// If the implementation breaks the law.
pub fn minimum_and_maximum_order_zeros(eval: Eval) {
    let (a, b) = ([0.0f32, -0.0, 2.0, f32::INFINITY], [-0.0f32, 0.0, -3.0, f32::NEG_INFINITY]);
    let narrow =
        run(eval, &[f32s(&a), f32s(&b)], |p, x| Ok(vec![p.min(x[0], x[1])?, p.max(x[0], x[1])?]));
    assert_eq!(narrow[0], f32s(&[-0.0, -0.0, -3.0, f32::NEG_INFINITY]));
    assert_eq!(narrow[1], f32s(&[0.0, 0.0, 2.0, f32::INFINITY]));
    let wide = run(eval, &[f64s(&a.map(f64::from)), f64s(&b.map(f64::from))], |p, x| {
        Ok(vec![p.min(x[0], x[1])?, p.max(x[0], x[1])?])
    });
    assert_eq!(wide[0], f64s(&[-0.0, -0.0, -3.0, f64::NEG_INFINITY]));
    assert_eq!(wide[1], f64s(&[0.0, 0.0, 2.0, f64::INFINITY]));
}

/// Comparisons give 0 or 1, hold for equal zeros, and are false with NaN.
///
/// # Panics
///
/// If the implementation breaks the law.
pub fn comparisons_follow_ieee(eval: Eval) {
    let (a, b) = ([-0.0f32, 1.0, 2.0, f32::NAN, 1.0], [0.0f32, 2.0, 1.0, f32::NAN, f32::NAN]);
    let results = run(eval, &[f32s(&a), f32s(&b)], |p, x| {
        Ok(vec![p.lt(x[0], x[1])?, p.le(x[0], x[1])?, p.eq(x[0], x[1])?])
    });
    let expected = [[0, 1, 0, 0, 0], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0]];
    for (result, expected) in results.iter().zip(expected) {
        assert_eq!(*result, i32s(&expected));
    }
}

/// Floats become integers toward zero, at most the limits, 0 from NaN; integers round to even.
///
/// # Panics
///
/// If the implementation breaks the law.
pub fn conversions_saturate(eval: Eval) {
    let x = [-1.9, 1.9, 3e9, -3e9, f64::NAN, f64::INFINITY, 2_147_483_647.5, -2_147_483_648.9];
    let expected = [-1, 1, i32::MAX, i32::MIN, 0, i32::MAX, i32::MAX, i32::MIN];
    let result = run(eval, &[f64s(&x)], |b, x| Ok(vec![b.convert(x[0], Dtype::I32)?]));
    assert_eq!(result[0], i32s(&expected));
    let result = run(eval, &[f32s(&[-1.9, 3e9, f32::NAN, -0.0])], |b, x| {
        Ok(vec![b.convert(x[0], Dtype::I32)?])
    });
    assert_eq!(result[0], i32s(&[-1, i32::MAX, 0, 0]));
    // 2^24 + 1 and 2^24 + 3 lie halfway between neighbours; the even one is taken.
    let result = run(eval, &[i32s(&[16_777_217, 16_777_219, i32::MIN, i32::MAX])], |b, x| {
        Ok(vec![b.convert(x[0], Dtype::F32)?, b.convert(x[0], Dtype::F64)?])
    });
    assert_eq!(result[0], f32s(&[16_777_216.0, 16_777_220.0, -2_147_483_648.0, 2_147_483_648.0]));
    assert_eq!(result[1], f64s(&[16_777_217.0, 16_777_219.0, -2_147_483_648.0, 2_147_483_647.0]));
    let result = run(eval, &[f64s(&[1e300, 1e-50, -1e-46, 1.0 + f64::EPSILON])], |b, x| {
        Ok(vec![b.convert(x[0], Dtype::F32)?])
    });
    assert_eq!(result[0], f32s(&[f32::INFINITY, 0.0, -0.0, 1.0]));
}

/// Integers are residues of 2^32; shift counts are residues of 32.
///
/// # Panics
///
/// If the implementation breaks the law.
pub fn integers_wrap(eval: Eval) {
    let all = special::I32;
    let pairs: Vec<(i32, i32)> = all.iter().flat_map(|a| all.map(|b| (*a, b))).collect();
    let (a, b): (Vec<i32>, Vec<i32>) = pairs.iter().copied().unzip();
    let results = run(eval, &[i32s(&a), i32s(&b)], |p, x| {
        let (a, b) = (x[0], x[1]);
        let mut outputs = vec![p.add(a, b)?, p.sub(a, b)?, p.mul(a, b)?, p.neg(a)?, p.abs(a)?];
        outputs.extend([p.shl(a, b)?, p.shr(a, b)?, p.sar(a, b)?]);
        Ok(outputs)
    });
    let low = |x: i64| i32::from_le_bytes(x.to_le_bytes()[..4].try_into().expect("four bytes"));
    let laws: [fn(i64, i64) -> i64; 8] = [
        |a, b| a + b,
        |a, b| a - b,
        |a, b| a * b,
        |a, _| -a,
        |a, _| a.abs(),
        |a, b| a << (b & 31),
        |a, b| (a & 0xffff_ffff) >> (b & 31),
        |a, b| a >> (b & 31),
    ];
    for (index, (result, law)) in results.iter().zip(laws).enumerate() {
        let expected = pairs.iter().map(|(a, b)| low(law(i64::from(*a), i64::from(*b))));
        assert_eq!(*result, i32s(&expected.collect::<Vec<_>>()), "law {index}");
    }
}

/// `requantise` is x·m / 2^s to nearest, halves away from zero, then clamped.
///
/// # Panics
///
/// If the implementation breaks the law.
pub fn requantise_rounds_halves_away(eval: Eval) {
    let ranges = [(i32::MIN, i32::MAX), (-128, 127), (5, 5)];
    for (m, s) in [(0, 0), (1, 0), (1, 1), (3, 1), (i32::MAX, 0), (i32::MAX, 31), (77, 62)] {
        for (lo, hi) in ranges {
            let result = run(eval, &[i32s(&special::I32)], |b, x| {
                Ok(vec![b.requantise(x[0], (m, s), (lo, hi))?])
            });
            let law = |x: i32| {
                let product = i128::from(x) * i128::from(m);
                let half = if s > 0 { 1i128 << (s - 1) } else { 0 };
                let rounded = product.signum() * ((product.abs() + half) >> s);
                let clamped = rounded.clamp(i128::from(lo), i128::from(hi));
                i32::try_from(clamped).expect("it was clamped to i32 bounds")
            };
            assert_eq!(result[0], i32s(&special::I32.map(law)), "m={m} s={s} [{lo}, {hi}]");
        }
    }
}

/// What copies elements keeps every bit, NaN payloads included.
///
/// # Panics
///
/// If the implementation breaks the law.
pub fn copies_keep_bits(eval: Eval) {
    let x = Tensor::f32(&[2, 12], special::F32.to_vec()).expect("24 elements");
    let results = run(eval, std::slice::from_ref(&x), |b, v| {
        let x = v[0];
        let flat = b.reshape(x, &[24])?;
        let back = b.reshape(flat, &[2, 12])?;
        let turned = b.transpose(x, &[1, 0])?;
        let turned = b.transpose(turned, &[1, 0])?;
        let (left, right) = (b.slice(x, &[0, 0], &[2, 5])?, b.slice(x, &[0, 5], &[2, 12])?);
        let joined = b.concat(&[left, right], 1)?;
        let yes = b.full(Dtype::I32, &[2, 12], -7.0)?;
        let zero = b.full(Dtype::F32, &[2, 12], 0.0)?;
        let rows = b.iota(&[2], 0)?;
        let gathered = b.gather(x, rows, 0)?;
        Ok(vec![x, back, turned, joined, b.select(yes, x, zero)?, gathered])
    });
    for (index, result) in results.iter().enumerate() {
        assert_eq!(*result, x, "output {index}");
    }
}

/// `gather` gives +0 outside the axis, `scatter_add` drops what falls outside, `pad` adds +0.
///
/// # Panics
///
/// If the implementation breaks the law.
pub fn outside_is_zero(eval: Eval) {
    let inputs = [f32s(&[5.0, -6.0, 7.0]), i32s(&[2, 3, -1, i32::MIN, 0, i32::MAX])];
    let results = run(eval, &inputs, |b, x| {
        let gathered = b.gather(x[0], x[1], 0)?;
        let ones = b.full(Dtype::F32, &[6], 1.0)?;
        Ok(vec![gathered, b.scatter_add(ones, x[1], 0, 3)?, b.pad(x[0], &[1], &[2])?])
    });
    assert_eq!(results[0], f32s(&[7.0, 0.0, 0.0, 0.0, 5.0, 0.0]));
    assert_eq!(results[1], f32s(&[1.0, 0.0, 1.0]));
    assert_eq!(results[2], f32s(&[0.0, 5.0, -6.0, 7.0, 0.0, 0.0]));
}
