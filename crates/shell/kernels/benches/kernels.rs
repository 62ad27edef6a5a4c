//! Kernels against the reference interpreter, by `cargo xtask bench [WORD]`.
//!
//! Prints one row of Markdown a measurement: the median CPU time of repeated runs on one thread, at
//! every level that this CPU has. docs/benchmarks.md holds rows of a named machine.
//!
//! *Invariant: what is measured is checked first: kernel and reference agree to the last bit.*
//! Absent: pass or fail. Figures are goals, never tests.

#![expect(clippy::print_stdout, reason = "a bench reports to the terminal")]

use std::hint::black_box;
use std::time::Duration;

use kernels::{Level, Runner, Threads, commit};
use laws::dice::Dice;
use rustix::time::{ClockId, clock_gettime};
use tensor::{BuildError, Builder, Dtype, Program, Tensor, Value};

/// Runs of which the median counts, at most.
const RUNS_MAX: usize = 200;

/// Time to spend on one measurement, about.
const BUDGET: Duration = Duration::from_millis(400);

struct Work {
    name: &'static str,
    program: Program,
    inputs: Vec<Tensor>,
    /// Floating-point operations of one run, where that is a fair measure.
    flops: Option<f64>,
}

fn main() {
    // Cargo adds flags of its own.
    let filter = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    let levels = Level::available();
    let names: Vec<String> = levels.iter().map(Level::to_string).collect();
    println!("| work | reference | {} |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(levels.len()));
    let works = works().expect("the works' ops fit each other");
    for work in works.iter().filter(|work| work.name.contains(&filter)) {
        let expected = tensor::eval(&work.program, &work.inputs).expect("the inputs fit");
        let reference = median(|| drop(tensor::eval(&work.program, &work.inputs)));
        let mut row = format!("| {} | {} |", work.name, show(reference, None));
        for level in &levels {
            let threads = Threads { count: 1, ..Threads::available() };
            let mut runner = Runner::with_level(&work.program, *level).with_threads(threads);
            assert_eq!(runner.run(&work.inputs).as_ref(), Ok(&expected), "{}", work.name);
            let time = median(|| drop(runner.run(&work.inputs)));
            row.push_str(&format!(" {} |", show(time, work.flops)));
        }
        println!("{row}");
    }
    commitments(&filter, &levels);
}

/// Prints the rows of the trees that name tensors.
fn commitments(filter: &str, levels: &[Level]) {
    let mut dice = Dice::new(7);
    for (name, dtype) in
        [("root of 1,000,000 f32", Dtype::F32), ("root of 1,000,000 f64", Dtype::F64)]
    {
        if !name.contains(filter) {
            continue;
        }
        let tensor = numbers(&mut dice, dtype, &[1_000_000]);
        let (expected, bytes) = (tensor.root(), tensor.to_bytes().len());
        let show = |time: Duration| {
            let bytes = u32::try_from(bytes).expect("a few megabytes");
            let rate = f64::from(bytes) / time.as_secs_f64() / 1e9;
            format!("{} ({rate:.2} GB/s)", show(time, None))
        };
        let mut row = format!("| {name} | {} |", show(median(|| _ = black_box(tensor.root()))));
        for level in levels {
            assert_eq!(commit::tensor_root_at(*level, &tensor), expected, "{name}");
            let time = median(|| _ = black_box(commit::tensor_root_at(*level, &tensor)));
            row.push_str(&format!(" {} |", show(time)));
        }
        println!("{row}");
    }
}

/// Returns the median of the CPU times of many runs: what other programs of a busy machine take in
/// between is not counted.
fn median(mut run: impl FnMut()) -> Duration {
    let started = cpu_time();
    let mut times = Vec::new();
    while times.len() < 3 || (times.len() < RUNS_MAX && cpu_time() - started < BUDGET) {
        let start = cpu_time();
        run();
        times.push(cpu_time() - start);
    }
    times.sort_unstable();
    times[times.len() / 2]
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).expect("a process has run for less than 2^63 seconds")
}

fn show(time: Duration, flops: Option<f64>) -> String {
    let seconds = time.as_secs_f64();
    let rate = flops.map(|flops| format!(" ({:.1} GFLOP/s)", flops / seconds / 1e9));
    let rate = rate.unwrap_or_default();
    if seconds < 1e-3 {
        format!("{:.1} µs{rate}", seconds * 1e6)
    } else {
        format!("{:.2} ms{rate}", seconds * 1e3)
    }
}

fn works() -> Result<Vec<Work>, BuildError> {
    Ok(vec![
        gemm("gemm 64x256x256 f32", Dtype::F32, (64, 256, 256))?,
        gemm("gemm 256x256x256 f32", Dtype::F32, (256, 256, 256))?,
        gemm("gemm 512x512x512 f32", Dtype::F32, (512, 512, 512))?,
        gemm("gemm 256x256x256 f64", Dtype::F64, (256, 256, 256))?,
        gemm("matvec 4096x16 f32", Dtype::F32, (4_096, 16, 1))?,
        chain("chain of 8 ops, 1,000,000 f32")?,
        unary("exp, 100,000 f32", Dtype::F32, Builder::exp)?,
        unary("exp, 100,000 f64", Dtype::F64, Builder::exp)?,
        unary("tanh, 100,000 f32", Dtype::F32, Builder::tanh)?,
        sums("sum of the last axis, 1,000x1,000 f32", 1)?,
        sums("sum of the first axis, 1,000x1,000 f32", 0)?,
        linear("step of a linear model, 16 features, batch 256")?,
        mlp("step of an MLP 32-64-64-1, batch 256")?,
    ])
}

/// Returns numbers between -1 and 1.
fn numbers(dice: &mut Dice, dtype: Dtype, dims: &[usize]) -> Tensor {
    let count = dims.iter().product();
    let small = |dice: &mut Dice| f64::from(dice.word().cast_signed()) / 2_147_483_648.0;
    let made = match dtype {
        Dtype::F32 => {
            let list = (0..count).map(|_| tensor::scalar::f64_to_f32(small(dice))).collect();
            Tensor::f32(dims, list)
        }
        Dtype::F64 => Tensor::f64(dims, (0..count).map(|_| small(dice)).collect()),
        Dtype::I32 => Tensor::i32(dims, (0..count).map(|_| dice.word().cast_signed()).collect()),
    };
    made.expect("as many elements as the extents say")
}

/// Builds a Program over inputs of some dtype and extents, and numbers for them.
fn work(
    name: &'static str,
    dtype: Dtype,
    inputs: &[&[usize]],
    build: impl FnOnce(&mut Builder, &[Value]) -> Result<Vec<Value>, BuildError>,
) -> Result<Work, BuildError> {
    let (mut b, mut dice) = (Builder::new(), Dice::new(7));
    let values = inputs.iter().map(|dims| b.input(dtype, dims)).collect::<Result<Vec<_>, _>>()?;
    let outputs = build(&mut b, &values)?;
    let inputs = inputs.iter().map(|dims| numbers(&mut dice, dtype, dims)).collect();
    Ok(Work { name, program: b.finish(&outputs)?, inputs, flops: None })
}

fn gemm(name: &'static str, dtype: Dtype, (m, k, n): (u32, u32, u32)) -> Result<Work, BuildError> {
    let flops = Some(2.0 * f64::from(m) * f64::from(k) * f64::from(n));
    let [m, k, n] = [m, k, n].map(|extent| usize::try_from(extent).expect("32 bits fit"));
    let made = work(name, dtype, &[&[m, k], &[k, n]], |b, x| Ok(vec![b.matmul(x[0], x[1])?]))?;
    Ok(Work { flops, ..made })
}

fn chain(name: &'static str) -> Result<Work, BuildError> {
    let dims: &[usize] = &[1_000_000];
    work(name, Dtype::F32, &[dims, dims], |b, x| {
        let half = b.full(Dtype::F32, dims, 0.5)?;
        let mut y = b.fma(x[0], x[1], half)?;
        for _ in 0..2 {
            let z = b.max(y, x[1])?;
            let z = b.mul(z, half)?;
            y = b.sub(z, x[0])?;
        }
        Ok(vec![b.abs(y)?])
    })
}

fn unary(
    name: &'static str,
    dtype: Dtype,
    op: fn(&mut Builder, Value) -> Result<Value, BuildError>,
) -> Result<Work, BuildError> {
    work(name, dtype, &[&[100_000]], |b, x| Ok(vec![op(b, x[0])?]))
}

fn sums(name: &'static str, axis: usize) -> Result<Work, BuildError> {
    work(name, Dtype::F32, &[&[1_000, 1_000]], |b, x| Ok(vec![b.sum(x[0], axis)?]))
}

/// `mean((p - y)²)` of predictions.
fn squared_error(b: &mut Builder, p: Value, y: Value) -> Result<Value, BuildError> {
    let e = b.sub(p, y)?;
    let e = b.mul(e, e)?;
    let e = b.sum(e, 0)?;
    let e = b.sum(e, 0)?;
    let scale = b.scalar_f32(1.0 / 256.0)?;
    b.mul(e, scale)
}

/// Subtracts a little of each parameter's gradient from it.
fn descend(b: &mut Builder, loss: Value, parameters: &[Value]) -> Result<Vec<Value>, BuildError> {
    let gradients = b.gradient(loss, parameters)?;
    let mut outputs = vec![loss];
    for (p, g) in parameters.iter().zip(gradients) {
        let dims = b.shape_of(*p).dims().to_vec();
        let rate = b.full(Dtype::F32, &dims, -0.01)?;
        outputs.push(b.fma(rate, g, *p)?);
    }
    Ok(outputs)
}

fn linear(name: &'static str) -> Result<Work, BuildError> {
    let inputs: [&[usize]; 4] = [&[256, 16], &[256, 1], &[16, 1], &[1, 1]];
    work(name, Dtype::F32, &inputs, |b, x| {
        let bias = b.broadcast(x[3], &[256, 1])?;
        let p = b.matmul(x[0], x[2])?;
        let p = b.add(p, bias)?;
        let loss = squared_error(b, p, x[1])?;
        descend(b, loss, &x[2..])
    })
}

fn mlp(name: &'static str) -> Result<Work, BuildError> {
    let inputs: [&[usize]; 8] =
        [&[256, 32], &[256, 1], &[32, 64], &[1, 64], &[64, 64], &[1, 64], &[64, 1], &[1, 1]];
    work(name, Dtype::F32, &inputs, |b, x| {
        let mut h = x[0];
        for layer in [2, 4, 6] {
            h = b.matmul(h, x[layer])?;
            let dims = b.shape_of(h).dims().to_vec();
            let bias = b.broadcast(x[layer + 1], &dims)?;
            h = b.add(h, bias)?;
            if layer < 6 {
                h = b.tanh(h)?;
            }
        }
        let loss = squared_error(b, h, x[1])?;
        descend(b, loss, &x[2..])
    })
}
