//! What an instruction of a group does to one block: one exhaustive match, one loop an op.
//!
//! *Invariant: element `i` of a result depends on element `i` of the operands alone.*
//! Absent: shapes. A group knows how many elements there are and nothing else.

use tensor::scalar::{
    self, f32_to_i32, f64_to_f32, f64_to_i32, i32_to_f32, requantise, shift_left,
    shift_right_arithmetic, shift_right_logical,
};
use tensor::{Dtype, Op};

use crate::element::{Element, FloatElement};
use crate::fused::{Instruction, Register, Running};
use crate::level::Task;

/// Runs one instruction on the current block.
pub(crate) fn execute(running: &mut Running<'_>, instruction: &Instruction) {
    match instruction.dtype {
        Dtype::F32 => {
            if !number::<f32>(running, instruction) {
                float::<f32>(running, instruction);
            }
        }
        Dtype::F64 => {
            if !number::<f64>(running, instruction) {
                float::<f64>(running, instruction);
            }
        }
        Dtype::I32 => {
            if !number::<i32>(running, instruction) {
                integer(running, instruction);
            }
        }
    }
}

/// Runs an op that every dtype has; says whether it was one.
fn number<T: Element + Register>(running: &mut Running<'_>, instruction: &Instruction) -> bool {
    match instruction.op {
        Op::Add(..) => arithmetic2(running, instruction, T::plus),
        Op::Sub(..) => arithmetic2(running, instruction, T::minus),
        Op::Mul(..) => arithmetic2(running, instruction, T::times),
        Op::Neg(_) => arithmetic1(running, instruction, T::negative),
        Op::Abs(_) => arithmetic1(running, instruction, T::magnitude),
        Op::Min(..) if instruction.twin.is_some() => exchange::<T>(running, instruction),
        Op::Min(..) => binary(running, instruction, T::lesser),
        Op::Max(..) => binary(running, instruction, T::greater),
        Op::Lt(..) => binary(running, instruction, |a: T, b: T| i32::from(a < b)),
        Op::Le(..) => binary(running, instruction, |a: T, b: T| i32::from(a <= b)),
        Op::Eq(..) => binary(running, instruction, |a: T, b: T| i32::from(a == b)),
        Op::Select(..) => ternary(running, instruction, choose::<T>),
        Op::Broadcast { .. } => fill::<T>(running, instruction),
        _ => return false,
    }
    true
}

fn float<T: FloatElement + Register + Narrow>(
    running: &mut Running<'_>,
    instruction: &Instruction,
) {
    match instruction.op {
        Op::Div(..) => arithmetic2(running, instruction, T::over),
        Op::Fma(..) => arithmetic3(running, instruction, T::fused),
        Op::Sqrt(_) => arithmetic1(running, instruction, T::root),
        Op::Floor(_) => arithmetic1(running, instruction, T::rounded_down),
        Op::Exp(_) => unary(running, instruction, T::op_exp),
        Op::Log(_) => unary(running, instruction, T::op_log),
        Op::Tanh(_) => unary(running, instruction, T::op_tanh),
        Op::Erf(_) => long::<T>(running, instruction, Long::Erf),
        Op::Erfc(_) => long::<T>(running, instruction, Long::Erfc),
        Op::Convert { dtype: Dtype::F32, .. } => unary(running, instruction, T::to_f32),
        Op::Convert { dtype: Dtype::F64, .. } => unary(running, instruction, T::to_f64),
        Op::Convert { dtype: Dtype::I32, .. } => unary(running, instruction, T::to_i32),
        ref op => unreachable!("{} of floats is not elementwise", op.name()),
    }
}

fn integer(running: &mut Running<'_>, instruction: &Instruction) {
    match instruction.op {
        Op::And(..) => binary(running, instruction, |a: i32, b: i32| a & b),
        Op::Or(..) => binary(running, instruction, |a: i32, b: i32| a | b),
        Op::Xor(..) => binary(running, instruction, |a: i32, b: i32| a ^ b),
        Op::Shl(..) => binary(running, instruction, shift_left),
        Op::Shr(..) => binary(running, instruction, shift_right_logical),
        Op::Sar(..) => binary(running, instruction, shift_right_arithmetic),
        Op::Requantise { m, s, lo, hi, .. } => {
            unary(running, instruction, |x| requantise(x, (m, s), (lo, hi)));
        }
        Op::Convert { dtype: Dtype::F32, .. } => unary(running, instruction, i32_to_f32),
        Op::Convert { dtype: Dtype::F64, .. } => unary(running, instruction, |x: i32| f64::from(x)),
        Op::Convert { dtype: Dtype::I32, .. } => unary(running, instruction, |x: i32| x),
        ref op => unreachable!("{} of i32 is not elementwise", op.name()),
    }
}

#[inline(always)]
fn choose<T: Copy>(condition: i32, a: T, b: T) -> T {
    if condition != 0 { a } else { b }
}

/// A float's conversions.
trait Narrow: scalar::Scalar {
    fn to_f32(self) -> f32;
    fn to_f64(self) -> f64;
    fn to_i32(self) -> i32;
}

impl Narrow for f32 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self.clean()
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self).clean()
    }

    #[inline(always)]
    fn to_i32(self) -> i32 {
        f32_to_i32(self)
    }
}

impl Narrow for f64 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        f64_to_f32(self)
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self.clean()
    }

    #[inline(always)]
    fn to_i32(self) -> i32 {
        f64_to_i32(self)
    }
}

/// One loop over a block of one operand, compiled once per level.
struct Map1<'a, T, U, F> {
    out: &'a mut [U],
    a: &'a [T],
    f: F,
}

impl<T: Copy, U, F: Fn(T) -> U> Task for Map1<'_, T, U, F> {
    #[inline(always)]
    fn run<const BYTES: usize>(self) {
        for (out, a) in self.out.iter_mut().zip(self.a) {
            *out = (self.f)(*a);
        }
    }
}

/// One loop over a block of two operands.
struct Map2<'a, T, U, F> {
    out: &'a mut [U],
    a: &'a [T],
    b: &'a [T],
    f: F,
}

impl<T: Copy, U, F: Fn(T, T) -> U> Task for Map2<'_, T, U, F> {
    #[inline(always)]
    fn run<const BYTES: usize>(self) {
        for ((out, a), b) in self.out.iter_mut().zip(self.a).zip(self.b) {
            *out = (self.f)(*a, *b);
        }
    }
}

/// One loop over a block of three operands, of which the first may have another type.
struct Map3<'a, C, T, F> {
    out: &'a mut [T],
    a: &'a [C],
    b: &'a [T],
    c: &'a [T],
    f: F,
}

impl<C: Copy, T: Copy, F: Fn(C, T, T) -> T> Task for Map3<'_, C, T, F> {
    #[inline(always)]
    fn run<const BYTES: usize>(self) {
        for (((out, a), b), c) in self.out.iter_mut().zip(self.a).zip(self.b).zip(self.c) {
            *out = (self.f)(*a, *b, *c);
        }
    }
}

/// An op whose NaN is the one NaN only where others see its bits.
fn arithmetic1<T: Element + Register>(
    running: &mut Running<'_>,
    instruction: &Instruction,
    f: impl Fn(T) -> T,
) {
    if instruction.clean {
        unary(running, instruction, |a| f(a).clean());
    } else {
        unary(running, instruction, f);
    }
}

/// As [`arithmetic1`], of two operands.
fn arithmetic2<T: Element + Register>(
    running: &mut Running<'_>,
    instruction: &Instruction,
    f: impl Fn(T, T) -> T,
) {
    if instruction.clean {
        binary(running, instruction, |a, b| f(a, b).clean());
    } else {
        binary(running, instruction, f);
    }
}

/// As [`arithmetic1`], of three operands.
fn arithmetic3<T: Element + Register>(
    running: &mut Running<'_>,
    instruction: &Instruction,
    f: impl Fn(T, T, T) -> T,
) {
    if instruction.clean {
        ternary(running, instruction, |a, b, c| f(a, b, c).clean());
    } else {
        ternary(running, instruction, f);
    }
}

fn unary<T: Register, U: Register>(
    running: &mut Running<'_>,
    instruction: &Instruction,
    f: impl Fn(T) -> U,
) {
    running.write(instruction, |running, out: &mut [U]| {
        let a = running.read::<T>(instruction.arguments[0]);
        running.level.run(Map1 { out, a, f });
    });
}

/// Functions too long for the compiler to inline them through a pointer or a closure.
#[derive(Clone, Copy)]
enum Long {
    Erf,
    Erfc,
}

/// One loop over a block, with the function named in it: a call would leave the level.
struct LongMap<'a, T> {
    out: &'a mut [T],
    a: &'a [T],
    function: Long,
}

impl<T: FloatElement> Task for LongMap<'_, T> {
    #[inline(always)]
    fn run<const BYTES: usize>(self) {
        let pairs = self.out.iter_mut().zip(self.a);
        match self.function {
            Long::Erf => {
                for (out, a) in pairs {
                    *out = a.op_erf();
                }
            }
            Long::Erfc => {
                for (out, a) in pairs {
                    *out = a.op_erfc();
                }
            }
        }
    }
}

fn long<T: FloatElement + Register>(
    running: &mut Running<'_>,
    instruction: &Instruction,
    function: Long,
) {
    running.write(instruction, |running, out: &mut [T]| {
        let a = running.read::<T>(instruction.arguments[0]);
        running.level.run(LongMap { out, a, function });
    });
}

fn binary<T: Register, U: Register>(
    running: &mut Running<'_>,
    instruction: &Instruction,
    f: impl Fn(T, T) -> U,
) {
    running.write(instruction, |running, out: &mut [U]| {
        let a = running.read::<T>(instruction.arguments[0]);
        let b = running.read::<T>(instruction.arguments[1]);
        running.level.run(Map2 { out, a, b, f });
    });
}

/// One loop over a block of two operands, for the lesser of each pair and the greater.
struct Exchange<'a, T> {
    low: &'a mut [T],
    high: &'a mut [T],
    a: &'a [T],
    b: &'a [T],
}

impl<T: Element> Task for Exchange<'_, T> {
    #[inline(always)]
    fn run<const BYTES: usize>(self) {
        let out = self.low.iter_mut().zip(self.high);
        for ((low, high), (a, b)) in out.zip(self.a.iter().zip(self.b)) {
            (*low, *high) = (a.lesser(*b), a.greater(*b));
        }
    }
}

fn exchange<T: Element + Register>(running: &mut Running<'_>, instruction: &Instruction) {
    running.write_both(instruction, |running, low: &mut [T], high| {
        let a = running.read::<T>(instruction.arguments[0]);
        let b = running.read::<T>(instruction.arguments[1]);
        running.level.run(Exchange { low, high, a, b });
    });
}

fn ternary<C: Register, T: Register>(
    running: &mut Running<'_>,
    instruction: &Instruction,
    f: impl Fn(C, T, T) -> T,
) {
    running.write(instruction, |running, out: &mut [T]| {
        let a = running.read::<C>(instruction.arguments[0]);
        let b = running.read::<T>(instruction.arguments[1]);
        let c = running.read::<T>(instruction.arguments[2]);
        running.level.run(Map3 { out, a, b, c, f });
    });
}

fn fill<T: Register>(running: &mut Running<'_>, instruction: &Instruction) {
    running.write(instruction, |running, out: &mut [T]| {
        let scalar = running.read::<T>(instruction.arguments[0]);
        out.fill(scalar[0]);
    });
}
