//! The values where implementations differ: zeros, NaNs with payloads, subnormals, limits.
//!
//! *Invariant: every list holds both zeros, both infinities, a NaN that is not the one NaN, and a
//! subnormal.* Absent: values that differ from these only in being ordinary.

use tensor::{Dtype, Tensor};

use crate::dice::Dice;

/// Special and ordinary values of f32.
pub const F32: [f32; 24] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -1.5,
    2.5,
    std::f32::consts::PI,
    1.0e-3,
    -88.7,
    88.7,
    16_777_217.0,
    2_147_483_648.0,
    -2_147_483_648.0,
    f32::MAX,
    f32::MIN_POSITIVE,
    f32::from_bits(1),
    -f32::from_bits(0x007f_ffff),
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::from_bits(0x7fc0_0000),
    f32::from_bits(0xffc0_0000),
    f32::from_bits(0x7f80_0001),
    f32::from_bits(0xffd5_5555),
];

/// Special and ordinary values of f64.
pub const F64: [f64; 24] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -1.5,
    2.5,
    std::f64::consts::PI,
    1.0e-3,
    -745.2,
    709.8,
    9_007_199_254_740_993.0,
    2_147_483_647.5,
    -2_147_483_649.0,
    f64::MAX,
    f64::MIN_POSITIVE,
    f64::from_bits(1),
    -f64::from_bits(0x000f_ffff_ffff_ffff),
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::from_bits(0x7ff8_0000_0000_0000),
    f64::from_bits(0xfff8_0000_0000_0000),
    f64::from_bits(0x7ff0_0000_0000_0001),
    f64::from_bits(0xfffa_aaaa_aaaa_aaaa),
];

/// Special and ordinary values of i32.
pub const I32: [i32; 16] = [
    0,
    1,
    -1,
    2,
    7,
    31,
    32,
    33,
    -31,
    0x5555_5555,
    -0x5555_5556,
    65_536,
    i32::MAX,
    i32::MAX - 1,
    i32::MIN,
    i32::MIN + 1,
];

/// Returns a tensor of special values, any bits and small numbers, in changing shares.
///
/// # Panics
///
/// If the extents break a limit on shapes.
#[must_use]
pub fn tensor(dice: &mut Dice, dtype: Dtype, dims: &[usize]) -> Tensor {
    let count = dims.iter().product();
    let wild = *dice.pick(&[0, 1, 8, 64]);
    let made = match dtype {
        Dtype::F32 => Tensor::f32(dims, (0..count).map(|_| f32(dice, wild)).collect()),
        Dtype::F64 => Tensor::f64(dims, (0..count).map(|_| f64(dice, wild)).collect()),
        Dtype::I32 => Tensor::i32(dims, (0..count).map(|_| i32(dice, wild)).collect()),
    };
    made.expect("the caller's extents are within limits")
}

/// One value in `wild` is special or any bits; none if `wild` is 0.
fn f32(dice: &mut Dice, wild: usize) -> f32 {
    if wild > 0 && dice.one_in(wild) {
        return if dice.one_in(3) { f32::from_bits(dice.word()) } else { *dice.pick(&F32) };
    }
    let small = i16::from_le_bytes([dice.word().to_le_bytes()[0], dice.word().to_le_bytes()[0]]);
    f32::from(small) / 4_096.0
}

fn f64(dice: &mut Dice, wild: usize) -> f64 {
    if wild > 0 && dice.one_in(wild) {
        return if dice.one_in(3) { f64::from_bits(dice.long()) } else { *dice.pick(&F64) };
    }
    f64::from(dice.word().cast_signed()) / 268_435_456.0
}

fn i32(dice: &mut Dice, wild: usize) -> i32 {
    if wild > 0 && dice.one_in(wild) {
        return if dice.one_in(3) { dice.word().cast_signed() } else { *dice.pick(&I32) };
    }
    i32::from(dice.word().to_le_bytes()[0].cast_signed()) / 16
}
