//! Operands that are likely to be got wrong.
//!
//! *Invariant: whatever is drawn comes from the dice, so a seed names its cases.*

use laws::dice::Dice;

use super::ops::Op;

/// A float format by the bits of its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) fraction: u32,
    pub(super) exponent: u32,
}

impl Format {
    pub(super) const SINGLE: Format = Format { fraction: 23, exponent: 8 };
    pub(super) const DOUBLE: Format = Format { fraction: 52, exponent: 11 };

    /// Returns all bits of a float.
    pub(super) fn mask(self) -> u64 {
        u64::MAX >> (63 - self.fraction - self.exponent)
    }

    pub(super) fn bias(self) -> u64 {
        (1 << (self.exponent - 1)) - 1
    }

    fn field_max(self) -> u64 {
        2 * self.bias()
    }

    fn sign(self) -> u64 {
        1 << (self.fraction + self.exponent)
    }

    fn field_of(self, bits: u64) -> u64 {
        bits >> self.fraction & (2 * self.bias() + 1)
    }

    /// Returns a float of an exponent, kept within the finite ones.
    fn float(self, dice: &mut Dice, field: i64) -> u64 {
        let field = field.clamp(0, self.field_max().cast_signed()).cast_unsigned();
        let sign = if dice.one_in(2) { self.sign() } else { 0 };
        sign | field << self.fraction | self.mantissa(dice)
    }

    /// Returns a fraction: dense, sparse at either end, or nearly all ones.
    fn mantissa(self, dice: &mut Dice) -> u64 {
        let all = (1 << self.fraction) - 1;
        let dense = dice.long() & all;
        let few = dice.below(9) as u64;
        match dice.below(6) {
            0 => few,
            1 => all - few,
            2 => dense >> (self.fraction / 2) << (self.fraction / 2),
            3 => 1 << dice.below(self.fraction as usize),
            4 => (dense >> (self.fraction - 3) << (self.fraction - 3)) | few,
            _ => dense,
        }
    }
}

/// Returns a number below `end`, which is small.
fn below(dice: &mut Dice, end: u64) -> i64 {
    (dice.long() % end).cast_signed()
}

/// Moves bits by a few units in the last place, without leaving the format.
fn nudged(dice: &mut Dice, format: Format, bits: u64) -> u64 {
    bits.wrapping_add(dice.below(7) as u64).wrapping_sub(3) & format.mask()
}

/// Returns operands for one of the ways in which an operation is hard.
pub(super) fn built(dice: &mut Dice, op: Op) -> [u64; 3] {
    let f = op.format();
    let (bias, fraction) = (f.bias().cast_signed(), i64::from(f.fraction));
    let spread = |dice: &mut Dice, width: i64| below(dice, 2 * width.unsigned_abs() + 1) - width;
    // The exponent that the result is aimed at: ordinary, about either limit, or any.
    let goal = match dice.below(4) {
        0 => bias,
        1 => 1 - below(dice, u64::from(f.fraction) + 4),
        2 => f.field_max().cast_signed(),
        _ => below(dice, f.field_max()),
    };
    let first = match op.code {
        0x12 | 0x20 | 0x21 => below(dice, f.field_max()),
        _ => goal,
    };
    let second = match op.code {
        0x20 => first - goal + bias,
        0x12 | 0x21 => goal + bias - first,
        _ => goal + spread(dice, fraction + 3),
    } + spread(dice, 2);
    let (a, b) = (f.float(dice, first), f.float(dice, second));
    match op.code {
        0x10 if dice.one_in(2) => [a, nudged(dice, f, a ^ f.sign()), 0],
        0x20 if dice.one_in(2) => [op_mul(op, a, b), nudged(dice, f, b), 0],
        0x22 => [square(dice, op, a), 0, 0],
        0x21 => {
            let product = op_mul(op, a, b);
            let width = [fraction + 3, 3 * fraction][dice.below(2)];
            let field = f.field_of(product).cast_signed() + spread(dice, width);
            let far = f.float(dice, field);
            let near = nudged(dice, f, product ^ f.sign());
            let c = if dice.one_in(3) { near } else { far };
            [a, b, c]
        }
        0x1b => {
            // What an f64 must be to fall between two f32, or into their subnormal range.
            let field = bias + spread(dice, 160);
            let wide = f.float(dice, field) & !((1 << 27) - 1);
            [wide | [0, 1 << 28, (1 << 28) - 1, (1 << 28) + 1, 1][dice.below(5)], 0, 0]
        }
        _ => [a, b, 0],
    }
}

/// Returns a float near 1, where the elementary functions are not yet at their limits.
pub(super) fn ordinary(dice: &mut Dice, op: Op) -> u64 {
    let f = op.format();
    let field = f.bias().cast_signed() - 6 + below(dice, 14);
    f.float(dice, field)
}

/// The product as the reference rounds it, to build operands from.
fn op_mul(op: Op, a: u64, b: u64) -> u64 {
    Op { code: 0x12, operands: 2, result: op.dtype, ..op }.reference([a, b, 0])
}

/// A square, or what lies beside one, or any positive number.
fn square(dice: &mut Dice, op: Op, a: u64) -> u64 {
    let f = op.format();
    let a = a & !f.sign();
    match dice.below(4) {
        0 => a,
        _ => {
            let field = (f.field_of(a) + f.bias()) / 2;
            let root = f.float(dice, field.cast_signed()) & !f.sign();
            let short = root >> (f.fraction / 2) << (f.fraction / 2);
            let root = if dice.one_in(2) { short } else { root };
            nudged(dice, f, op_mul(op, root, root)) & !f.sign()
        }
    }
}

/// Returns every pair of values with boundary exponents and telling mantissas, in the manner of
/// TestFloat's level 1; for three operands, one triple in so many.
pub(super) fn patterns(op: Op) -> Vec<[u64; 3]> {
    const TRIPLES_MAX: usize = 60_000;
    let f = op.format();
    let (bias, fraction) = (f.bias(), u64::from(f.fraction));
    let top = 1 << (f.fraction - 1);
    let all = (1 << f.fraction) - 1;
    let fields = [
        0,
        1,
        2,
        bias - fraction - 1,
        bias - fraction,
        bias - 1,
        bias,
        bias + 1,
        bias + fraction,
        bias + fraction + 1,
        2 * bias - 1,
        2 * bias,
        2 * bias + 1,
    ];
    let mantissas = [0, 1, top - 1, top, top | 1, all - 1, all];
    let mut values = Vec::new();
    for field in fields {
        for mantissa in mantissas {
            let magnitude = field << f.fraction | mantissa;
            values.extend([magnitude, magnitude | f.sign()]);
        }
    }
    let count = values.len();
    let all = count.pow(u32::try_from(op.operands).expect("at most three"));
    // A prime step visits every value of every operand.
    let step = if op.operands < 3 { 1 } else { prime_from(all / TRIPLES_MAX) };
    let tuple = |index: usize| {
        [index % count, index / count % count, index / count / count].map(|at| values[at])
    };
    (0..all).step_by(step).map(tuple).collect()
}

fn prime_from(least: usize) -> usize {
    let prime = |n: &usize| (2..).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
    (least.max(2)..).find(prime).expect("there is always a greater prime")
}
