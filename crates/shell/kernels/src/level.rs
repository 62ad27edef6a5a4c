//! Which instructions a kernel may use, found out at run time.
//!
//! A kernel is written once, in plain Rust, and compiled once per level; the compiler vectorises
//! each copy with what that level has. Results never differ: only exact operations are used, and a
//! fused multiply-add without the instruction is computed in software.
//!
//! *Invariant: a level is only ever entered after the CPU was asked for its instructions.*
//! Absent: any build flag that changes what a binary computes, and, but for keccak and the widest
//! matrix product, intrinsics.

use std::fmt;
use std::hint::black_box;

/// A set of instructions that kernels are compiled for.
///
/// ```
/// use kernels::Level;
///
/// assert!(Level::available().contains(&Level::best()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Set {
    /// What every CPU of the target has.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Fma,
    /// AVX-512 (F, DQ, VL) on top of those.
    #[cfg(target_arch = "x86_64")]
    Wide,
}

/// Work that is compiled once per level.
///
/// `run` must be `#[inline(always)]`, and so must what it calls in its inner loops: code that is
/// not inlined keeps the instructions of the portable level.
pub(crate) trait Task {
    /// Does the work; `BYTES` are two vectors of the level, the width of a register block.
    fn run<const BYTES: usize>(self);
}

impl Level {
    /// The level that every CPU of the target has.
    pub const PORTABLE: Level = Level(Set::Portable);

    /// Returns the fastest level of this CPU.
    #[must_use]
    pub fn best() -> Level {
        #[cfg(target_arch = "x86_64")]
        {
            if has_wide() {
                return Level(Set::Wide);
            }
            if has_fma() {
                return Level(Set::Fma);
            }
        }
        Level::PORTABLE
    }

    /// Returns every level of this CPU, slowest first, so that tests can try them all.
    #[must_use]
    pub fn available() -> Vec<Level> {
        let best = Level::best();
        #[cfg(target_arch = "x86_64")]
        let all = [Set::Portable, Set::Fma, Set::Wide];
        #[cfg(not(target_arch = "x86_64"))]
        let all = [Set::Portable];
        all.into_iter().map(Level).filter(|level| *level <= best).collect()
    }

    /// Runs a task with this level's instructions.
    pub(crate) fn run<T: Task>(self, task: T) {
        match self.0 {
            Set::Portable => task.run::<32>(),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `best` and `available` are the only sources of this level, and both asked
            // the CPU for AVX2 and FMA.
            Set::Fma => unsafe { fma(task) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above, for AVX-512 too.
            Set::Wide => unsafe { wide(task) },
        }
    }
}

/// Panics unless this thread rounds to nearest even and keeps subnormals.
///
/// A library that some other part of the process loaded may have changed either, and then no result
/// would be what the reference defines. The values are hidden from the compiler, which assumes
/// both.
pub(crate) fn assert_ieee() {
    let (one, half_ulp) = (black_box(1.0f32), black_box(f32::EPSILON / 2.0));
    let nearest = one + half_ulp == 1.0 && -one - half_ulp == -1.0;
    let nearest = nearest && one + half_ulp * 1.5 == 1.0 + f32::EPSILON;
    assert!(nearest, "this thread does not round to nearest");
    let (least, normal) = (black_box(f32::from_bits(1)), black_box(f32::MIN_POSITIVE));
    let kept = (least * one).to_bits() == 1 && (normal * 0.5).to_bits() == 0x0040_0000;
    assert!(kept, "this thread flushes subnormals to zero");
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Fma => "AVX2 and FMA",
            #[cfg(target_arch = "x86_64")]
            Set::Wide => "AVX-512",
        })
    }
}

#[cfg(target_arch = "x86_64")]
fn has_fma() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(target_arch = "x86_64")]
fn has_wide() -> bool {
    has_fma()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn fma<T: Task>(task: T) {
    task.run::<64>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl")]
fn wide<T: Task>(task: T) {
    task.run::<128>();
}
