//! Laws of order: which additions happen, and in which order.

use tensor::random::philox;
use tensor::{Dtype, Tensor};

use super::{NAN32, f32s, i32s, run};
use crate::Eval;
use crate::dice::Dice;

/// Returns numbers of many magnitudes, so that another order gives another sum.
fn uneven(dice: &mut Dice, count: usize) -> Vec<f32> {
    let number = |dice: &mut Dice| {
        let word = dice.word();
        let exponent = 107 + (word >> 8) % 40;
        f32::from_bits(word & 0x807f_ffff | exponent << 23)
    };
    (0..count).map(|_| number(dice)).collect()
}

fn canonical(x: f32) -> f32 {
    if x.is_nan() { f32::from_bits(NAN32) } else { x }
}

/// Every element of a matmul is one chain of fused multiply-adds from +0, `k` ascending.
///
/// # Panics
///
/// If the implementation breaks the law.
pub fn matmul_is_one_chain(eval: Eval) {
    let mut dice = Dice::new(0x006d_6174);
    let extents =
        [(1, 1, 1), (3, 40, 5), (7, 33, 65), (70, 20, 1), (1, 300, 40), (13, 600, 17), (2, 1, 3)];
    for (m, k, n) in extents {
        let mut a = uneven(&mut dice, m * k);
        let b = uneven(&mut dice, k * n);
        a[0] = -0.0;
        let tensors = [Tensor::f32(&[m, k], a.clone()), Tensor::f32(&[k, n], b.clone())];
        let tensors = tensors.map(|t| t.expect("as many elements as the extents say"));
        let result = run(eval, &tensors, |p, x| Ok(vec![p.matmul(x[0], x[1])?]));
        let chain = |i: usize, j: usize| {
            (0..k).fold(0.0f32, |c, step| a[i * k + step].mul_add(b[step * n + j], c))
        };
        let expected = (0..m * n).map(|at| canonical(chain(at / n, at % n))).collect();
        assert_eq!(result[0].as_f32().map(<[f32]>::to_vec), Some(expected), "{m} {k} {n}");
    }
    integer_matmul(eval, &mut dice);
}

fn integer_matmul(eval: Eval, dice: &mut Dice) {
    let (m, k, n) = (5, 70, 9);
    let mut words = |count: usize| (0..count).map(|_| dice.word().cast_signed()).collect();
    let (a, b): (Vec<i32>, Vec<i32>) = (words(m * k), words(k * n));
    let tensors = [Tensor::i32(&[m, k], a.clone()), Tensor::i32(&[k, n], b.clone())];
    let tensors = tensors.map(|t| t.expect("as many elements as the extents say"));
    let result = run(eval, &tensors, |p, x| Ok(vec![p.matmul(x[0], x[1])?]));
    let element = |i: usize, j: usize| {
        let terms = (0..k).map(|s| a[i * k + s].wrapping_mul(b[s * n + j]));
        terms.fold(0i32, i32::wrapping_add)
    };
    let expected: Vec<i32> = (0..m * n).map(|at| element(at / n, at % n)).collect();
    assert_eq!(result[0].as_i32(), Some(expected.as_slice()));
}

/// A sum has 32 lanes from +0 that fold 16, 8, 4, 2, 1, along any axis.
///
/// # Panics
///
/// If the implementation breaks the law.
pub fn sum_has_32_lanes(eval: Eval) {
    let mut dice = Dice::new(0x0073_756d);
    for (before, along, after) in
        [(1, 1, 1), (2, 31, 1), (3, 33, 1), (1, 1_000, 1), (2, 100, 3), (2, 40, 37), (1, 5, 64)]
    {
        let x = uneven(&mut dice, before * along * after);
        let tensor = Tensor::f32(&[before, along, after], x.clone());
        let tensor = tensor.expect("as many elements as the extents say");
        let result = run(eval, &[tensor], |p, v| Ok(vec![p.sum(v[0], 1)?]));
        let lanes = |row: usize, column: usize| {
            let mut lanes = [0.0f32; 32];
            for i in 0..along {
                lanes[i % 32] += x[(row * along + i) * after + column];
            }
            for half in [16, 8, 4, 2, 1] {
                for lane in 0..half {
                    lanes[lane] += lanes[lane + half];
                }
            }
            canonical(lanes[0])
        };
        let expected = (0..before * after).map(|at| lanes(at / after, at % after)).collect();
        let result = result[0].as_f32().map(<[f32]>::to_vec);
        assert_eq!(result, Some(expected), "{before} {along} {after}");
    }
    let zero = run(eval, &[f32s(&[-0.0])], |p, v| Ok(vec![p.sum(v[0], 0)?]));
    assert_eq!(zero[0].as_f32().map(|x| x[0].to_bits()), Some(0), "+0 + -0 is +0");
}

/// `max_axis` and `argmax` take the first NaN, else the first of the greatest; +0 is above -0.
///
/// # Panics
///
/// If the implementation breaks the law.
pub fn the_first_nan_is_the_greatest(eval: Eval) {
    let nan = f32::from_bits(0xffc0_1234);
    let rows = [
        [1.0, 3.0, 3.0, 2.0],
        [-0.0, 0.0, -0.0, 0.0],
        [f32::INFINITY, nan, 1.0, f32::NAN],
        [-5.0, f32::NEG_INFINITY, -5.0, -6.0],
    ];
    let x = Tensor::f32(&[4, 4], rows.concat()).expect("16 elements");
    let results = run(eval, &[x], |b, v| {
        let turned = b.transpose(v[0], &[1, 0])?;
        let mut outputs = vec![b.argmax(v[0], 1)?, b.max_axis(v[0], 1)?];
        outputs.extend([b.argmax(turned, 0)?, b.max_axis(turned, 0)?]);
        Ok(outputs)
    });
    for pair in results.chunks(2) {
        assert_eq!(pair[0], i32s(&[1, 1, 1, 0]));
        assert_eq!(pair[1], f32s(&[3.0, 0.0, f32::from_bits(NAN32), -5.0]));
    }
}

/// `scatter_add` starts each output from +0 and adds in ascending position of the update.
///
/// # Panics
///
/// If the implementation breaks the law.
pub fn scatter_adds_in_order(eval: Eval) {
    let mut dice = Dice::new(0x0073_6361);
    let count = 200;
    let updates = uneven(&mut dice, count);
    let places: Vec<i32> =
        (0..count).map(|_| i32::try_from(dice.below(7)).expect("it is small") - 1).collect();
    let result = run(eval, &[f32s(&updates), i32s(&places)], |b, x| {
        Ok(vec![b.scatter_add(x[0], x[1], 0, 5)?])
    });
    let chain = |place: i32| {
        let here = places.iter().zip(&updates).filter(|(p, _)| **p == place);
        here.fold(0.0f32, |sum, (_, update)| sum + update)
    };
    assert_eq!(result[0], f32s(&[chain(0), chain(1), chain(2), chain(3), chain(4)]));
}

/// Word `e` of a stream is output `e mod 4` of block `e div 4`, whatever the shape.
///
/// # Panics
///
/// If the implementation breaks the law.
pub fn random_bits_are_philox(eval: Eval) {
    let key = [-3, 9];
    let result = run(eval, &[i32s(&key)], |b, x| Ok(vec![b.random_bits(x[0], 11, &[3, 7])?]));
    let word = |e: u32| philox([e / 4, 0, 11, 0], key.map(i32::cast_unsigned))[e as usize % 4];
    let expected: Vec<i32> = (0..21).map(|e| word(e).cast_signed()).collect();
    assert_eq!(result[0].dtype(), Dtype::I32);
    assert_eq!(result[0].as_i32(), Some(expected.as_slice()));
}
