//! The operations under test, and how the reference and the hardware are asked for each.

use tensor::scalar::{self, Float, Scalar};

use super::cases::Format;

const SINGLE: u8 = 0;
const DOUBLE: u8 = 1;
const INTEGER: u8 = 2;
const CONVERT: u8 = 0x1b;

/// One operation of one dtype.
#[derive(Clone, Copy, Debug)]
pub(super) struct Op {
    pub(super) name: &'static str,
    /// TestFloat's name for it, with the option that chooses its rounding.
    pub(super) testfloat: [&'static str; 2],
    pub(super) code: u8,
    /// That of the operands.
    pub(super) dtype: u8,
    pub(super) result: u8,
    pub(super) operands: usize,
}

const NEAR: &str = "-rnear_even";

const fn op(
    name: &'static str,
    testfloat: [&'static str; 2],
    code: u8,
    dtypes: [u8; 2],
    operands: usize,
) -> Op {
    Op { name, testfloat, code, dtype: dtypes[0], result: dtypes[1], operands }
}

const S: [u8; 2] = [SINGLE, SINGLE];
const D: [u8; 2] = [DOUBLE, DOUBLE];

pub(super) const F32_ADD: Op = op("f32 add", ["f32_add", NEAR], 0x10, S, 2);
pub(super) const F32_MUL: Op = op("f32 mul", ["f32_mul", NEAR], 0x12, S, 2);
pub(super) const F32_DIV: Op = op("f32 div", ["f32_div", NEAR], 0x20, S, 2);
pub(super) const F32_FMA: Op = op("f32 fma", ["f32_mulAdd", NEAR], 0x21, S, 3);
pub(super) const F32_SQRT: Op = op("f32 sqrt", ["f32_sqrt", NEAR], 0x22, S, 1);
pub(super) const F64_ADD: Op = op("f64 add", ["f64_add", NEAR], 0x10, D, 2);
pub(super) const F64_MUL: Op = op("f64 mul", ["f64_mul", NEAR], 0x12, D, 2);
pub(super) const F64_DIV: Op = op("f64 div", ["f64_div", NEAR], 0x20, D, 2);
pub(super) const F64_FMA: Op = op("f64 fma", ["f64_mulAdd", NEAR], 0x21, D, 3);
pub(super) const F64_SQRT: Op = op("f64 sqrt", ["f64_sqrt", NEAR], 0x22, D, 1);
pub(super) const F64_TO_F32: Op =
    op("f64 to f32", ["f64_to_f32", NEAR], CONVERT, [DOUBLE, SINGLE], 1);

/// What TestFloat has besides.
pub(super) const OTHERS: [Op; 14] = [
    op("f32 sub", ["f32_sub", NEAR], 0x11, S, 2),
    op("f64 sub", ["f64_sub", NEAR], 0x11, D, 2),
    op("f32 floor", ["f32_roundToInt", "-rmin"], 0x23, S, 1),
    op("f64 floor", ["f64_roundToInt", "-rmin"], 0x23, D, 1),
    op("f32 lt", ["f32_lt", NEAR], 0x17, [SINGLE, INTEGER], 2),
    op("f32 le", ["f32_le", NEAR], 0x18, [SINGLE, INTEGER], 2),
    op("f32 eq", ["f32_eq", NEAR], 0x19, [SINGLE, INTEGER], 2),
    op("f64 lt", ["f64_lt", NEAR], 0x17, [DOUBLE, INTEGER], 2),
    op("f64 le", ["f64_le", NEAR], 0x18, [DOUBLE, INTEGER], 2),
    op("f64 eq", ["f64_eq", NEAR], 0x19, [DOUBLE, INTEGER], 2),
    op("f32 to f64", ["f32_to_f64", NEAR], CONVERT, [SINGLE, DOUBLE], 1),
    op("i32 to f32", ["i32_to_f32", NEAR], CONVERT, [INTEGER, SINGLE], 1),
    op("f32 to i32", ["f32_to_i32", "-rminMag"], CONVERT, [SINGLE, INTEGER], 1),
    op("f64 to i32", ["f64_to_i32", "-rminMag"], CONVERT, [DOUBLE, INTEGER], 1),
];

/// What no hardware has.
pub(super) const ELEMENTARY: [Op; 10] = [
    op("f32 exp", [""; 2], 0x24, S, 1),
    op("f32 log", [""; 2], 0x25, S, 1),
    op("f32 tanh", [""; 2], 0x26, S, 1),
    op("f32 erf", [""; 2], 0x27, S, 1),
    op("f32 erfc", [""; 2], 0x28, S, 1),
    op("f64 exp", [""; 2], 0x24, D, 1),
    op("f64 log", [""; 2], 0x25, D, 1),
    op("f64 tanh", [""; 2], 0x26, D, 1),
    op("f64 erf", [""; 2], 0x27, D, 1),
    op("f64 erfc", [""; 2], 0x28, D, 1),
];

impl Op {
    /// Returns the format of the operands; integers are any 32 bits.
    pub(super) fn format(self) -> Format {
        if self.dtype == DOUBLE { Format::DOUBLE } else { Format::SINGLE }
    }

    /// Returns what the tensor crate defines.
    pub(super) fn reference(self, x: [u64; 3]) -> u64 {
        match (self.code, self.dtype) {
            (CONVERT, _) => self.converted(x[0]),
            (_, DOUBLE) => self.of(x.map(f64::from_bits), |y| y.canonical().to_bits()),
            _ => self.of(x.map(single), |y| u64::from(y.canonical().to_bits())),
        }
    }

    /// Evaluates on floats of either width.
    fn of<T: Float>(self, [a, b, c]: [T; 3], bits: fn(T) -> u64) -> u64 {
        bits(match self.code {
            0x10 => a.op_add(b),
            0x11 => a.op_sub(b),
            0x12 => a.op_mul(b),
            0x17 => return u64::from(a < b),
            0x18 => return u64::from(a <= b),
            0x19 => return u64::from(a == b),
            0x20 => a.op_div(b),
            0x21 => a.op_fma(b, c),
            0x22 => a.op_sqrt(),
            0x23 => a.op_floor(),
            0x24 => a.op_exp(),
            0x25 => a.op_log(),
            0x26 => a.op_tanh(),
            0x27 => a.op_erf(),
            0x28 => a.op_erfc(),
            code => panic!("no operation {code:#x} is under test"),
        })
    }

    fn converted(self, x: u64) -> u64 {
        let word = |x: i32| u64::from(x.cast_unsigned());
        match (self.dtype, self.result) {
            (SINGLE, DOUBLE) => f64::from(single(x)).canonical().to_bits(),
            (SINGLE, INTEGER) => word(scalar::f32_to_i32(single(x))),
            (DOUBLE, SINGLE) => u64::from(scalar::f64_to_f32(f64::from_bits(x)).to_bits()),
            (DOUBLE, INTEGER) => word(scalar::f64_to_i32(f64::from_bits(x))),
            (INTEGER, SINGLE) => u64::from(scalar::i32_to_f32(low(x).cast_signed()).to_bits()),
            dtypes => panic!("no conversion {dtypes:?} is under test"),
        }
    }

    /// Returns what this machine's instructions give, with the one NaN; the reference's result
    /// where there is no such instruction.
    pub(super) fn hardware(self, x: [u64; 3]) -> u64 {
        if self.dtype == DOUBLE && self.code != CONVERT {
            let [a, b, c] = x.map(f64::from_bits);
            let y = match self.code {
                0x10 => a + b,
                0x12 => a * b,
                0x20 => a / b,
                0x21 => a.mul_add(b, c),
                0x22 => a.sqrt(),
                _ => return self.reference(x),
            };
            return if y.is_nan() { 0x7ff8_0000_0000_0000 } else { y.to_bits() };
        }
        let [a, b, c] = x.map(single);
        let y = match self.code {
            0x10 => a + b,
            0x12 => a * b,
            0x20 => a / b,
            0x21 => a.mul_add(b, c),
            0x22 => a.sqrt(),
            _ => return self.reference(x),
        };
        u64::from(if y.is_nan() { 0x7fc0_0000 } else { y.to_bits() })
    }
}

fn single(x: u64) -> f32 {
    f32::from_bits(low(x))
}

fn low(x: u64) -> u32 {
    u32::try_from(x & 0xffff_ffff).expect("32 bits are left")
}
