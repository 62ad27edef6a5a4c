//! A chain of elementwise ops, against a loop written by hand for it.

use anyhow::Context;
use kernels::{Runner, Threads};
use tensor::{Builder, Dtype};

use crate::contest::Contest;
use crate::ours::numbers;

/// The contest of this file.
pub(crate) const NAME: &str = "chain of 8 ops, 1,000,000 f32";

const COUNT: usize = 1_000_000;

/// Returns the contest; the loop runs on one thread, and so do we.
pub(crate) fn contest(threads: usize) -> anyhow::Result<Contest<'static>> {
    let mut b = Builder::new();
    let x = [b.input(Dtype::F32, &[COUNT])?, b.input(Dtype::F32, &[COUNT])?];
    let half = b.full(Dtype::F32, &[COUNT], 0.5)?;
    let mut y = b.fma(x[0], x[1], half)?;
    for _ in 0..2 {
        let z = b.max(y, x[1])?;
        let z = b.mul(z, half)?;
        y = b.sub(z, x[0])?;
    }
    let y = b.abs(y)?;
    let cut = Threads { count: threads, ..Threads::available() };
    let mut runner = Runner::new(&b.finish(&[y])?).with_threads(cut);
    let inputs = [numbers(1, &[COUNT]), numbers(2, &[COUNT])];
    let [first, second] = &inputs;
    let first = first.as_f32().context("f32 was asked for")?.to_vec();
    let second = second.as_f32().context("f32 was asked for")?.to_vec();
    let ours = move || {
        std::hint::black_box(runner.run(&inputs)?);
        Ok(())
    };
    let by_hand = move || {
        let mut out = vec![0.0; COUNT];
        by_hand(&first, &second, &mut out);
        std::hint::black_box(out);
        Ok(())
    };
    let peers: Vec<crate::contest::Entrant<'_>> =
        vec![("loop on one thread".to_owned(), Box::new(by_hand))];
    Ok(Contest { name: NAME.to_owned(), threads, bar: 1.0 / 1.5, ours: Box::new(ours), peers })
}

/// The loop with the best instructions that this CPU has.
fn by_hand(a: &[f32], b: &[f32], out: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the CPU was just asked.
            return unsafe { with_avx512(a, b, out) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the CPU was just asked.
            return unsafe { with_fma(a, b, out) };
        }
    }
    each(a, b, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,fma")]
fn with_avx512(a: &[f32], b: &[f32], out: &mut [f32]) {
    each(a, b, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_fma(a: &[f32], b: &[f32], out: &mut [f32]) {
    each(a, b, out);
}

#[inline(always)]
fn each(a: &[f32], b: &[f32], out: &mut [f32]) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        let mut y = a.mul_add(*b, 0.5);
        for _ in 0..2 {
            let greater = if y > *b { y } else { *b };
            y = greater * 0.5 - a;
        }
        *out = y.abs();
    }
}
