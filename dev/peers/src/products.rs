//! Matrix products, against the crates `gemm` and `matrixmultiply`.
//!
//! *Invariant: what is measured is checked first: all give the same product up to rounding.*

use anyhow::{Context, ensure};
use kernels::{Runner, Threads};
use tensor::{Builder, Dtype, Tensor};

use crate::contest::{Contest, Entrant};
use crate::ours::numbers;

/// The contests of this file.
pub(crate) const NAMES: [&str; 3] = ["gemm 1024x1024x1024", "gemm 256x256x256", "gemm 64x256x256"];

/// Extents and bar of each name.
const EXTENTS: [([usize; 3], f64); 3] =
    [([1_024; 3], 0.95), ([256; 3], 0.9), ([64, 256, 256], 0.9)];

/// Returns the contest of a name.
pub(crate) fn contest(name: &str, threads: usize) -> anyhow::Result<Contest<'static>> {
    let place = NAMES.iter().position(|known| *known == name).context("no such product")?;
    let ([m, k, n], bar) = EXTENTS[place];
    let (left, right) = (numbers(1, &[m, k]), numbers(2, &[k, n]));
    let mut b = Builder::new();
    let (x, y) = (b.input(Dtype::F32, &[m, k])?, b.input(Dtype::F32, &[k, n])?);
    let product = b.matmul(x, y)?;
    let program = b.finish(&[product])?;
    let threads_here = Threads { count: threads, ..Threads::available() };
    let mut runner = Runner::new(&program).with_threads(threads_here);
    let inputs = [left.clone(), right.clone()];
    let expected = runner.run(&inputs)?.remove(0);
    let ours = move || {
        std::hint::black_box(runner.run(&inputs)?);
        Ok(())
    };
    let extents = [m, k, n];
    let factors = (&left, &right);
    let peers = vec![
        gemm(extents, threads, factors, &expected)?,
        matrixmultiply(extents, factors, &expected)?,
    ];
    Ok(Contest { name: name.to_owned(), threads, bar, ours: Box::new(ours), peers })
}

fn elements(tensor: &Tensor) -> anyhow::Result<Vec<f32>> {
    Ok(tensor.as_f32().context("products are of f32")?.to_vec())
}

/// Returns a peer that writes the product to a buffer of its own, after it was checked.
fn peer(
    name: &str,
    expected: &Tensor,
    mut multiply: impl FnMut(&mut [f32]) + 'static,
) -> anyhow::Result<Entrant<'static>> {
    let expected = elements(expected)?;
    let mut out = vec![0.0; expected.len()];
    multiply(&mut out);
    let near = |(x, y): (&f32, &f32)| (x - y).abs() < 1e-2;
    ensure!(out.iter().zip(&expected).all(near), "{name} gives another product");
    let engine = move || {
        multiply(&mut out);
        std::hint::black_box(&mut out);
        Ok(())
    };
    Ok((name.to_owned(), Box::new(engine)))
}

/// A stride as the peers take it.
fn stride(extent: usize) -> isize {
    isize::try_from(extent).expect("extents are small")
}

fn gemm(
    [m, k, n]: [usize; 3],
    threads: usize,
    (left, right): (&Tensor, &Tensor),
    expected: &Tensor,
) -> anyhow::Result<Entrant<'static>> {
    let (a, b) = (elements(left)?, elements(right)?);
    let parallelism = match threads {
        1 => gemm::Parallelism::None,
        count => gemm::Parallelism::Rayon(count),
    };
    peer("gemm 0.19", expected, move |out| {
        let (out, a, b) = (out.as_mut_ptr(), a.as_ptr(), b.as_ptr());
        let (line, step) = (stride(n), stride(k));
        // SAFETY: the vectors are as long as the extents and strides say.
        unsafe {
            gemm::gemm(
                m,
                n,
                k,
                out,
                1,
                line,
                false,
                a,
                1,
                step,
                b,
                1,
                line,
                0.0,
                1.0,
                false,
                false,
                false,
                parallelism,
            );
        }
    })
}

fn matrixmultiply(
    [m, k, n]: [usize; 3],
    (left, right): (&Tensor, &Tensor),
    expected: &Tensor,
) -> anyhow::Result<Entrant<'static>> {
    let (a, b) = (elements(left)?, elements(right)?);
    peer("matrixmultiply 0.3", expected, move |out| {
        let (out, a, b) = (out.as_mut_ptr(), a.as_ptr(), b.as_ptr());
        let (line, step) = (stride(n), stride(k));
        // SAFETY: the vectors are as long as the extents and strides say.
        unsafe { matrixmultiply::sgemm(m, k, n, 1.0, a, step, 1, b, line, 1, 0.0, out, line, 1) };
    })
}
