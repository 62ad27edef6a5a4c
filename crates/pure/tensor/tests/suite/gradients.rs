//! Derivatives against central differences in f64, and the order in which they are added.

use tensor::{BuildError, Builder, Dtype, Tensor, Value, eval};

use crate::samples::{f64s, i32s};

const STEP: f64 = 1e-5;

type Built = Result<Value, BuildError>;

/// Checks the gradient of `f` (summed with fixed, unequal weights) at `points`.
fn check(points: &[Tensor], f: impl Fn(&mut Builder, &[Value]) -> Built) {
    let mut b = Builder::new();
    let build = |b: &mut Builder| -> Result<(Value, Vec<Value>), BuildError> {
        let inputs: Vec<Value> = points
            .iter()
            .map(|point| b.input(Dtype::F64, point.shape().dims()))
            .collect::<Result<_, _>>()?;
        let y = f(b, &inputs)?;
        let count = b.shape_of(y).count();
        let flat = b.reshape(y, &[count])?;
        let position = b.iota(&[count], 0)?;
        let position = b.convert(position, Dtype::F64)?;
        let tilt = b.full(Dtype::F64, &[count], 0.37)?;
        let base = b.full(Dtype::F64, &[count], 1.0)?;
        let weights = b.fma(position, tilt, base)?;
        let weighted = b.mul(flat, weights)?;
        Ok((b.sum(weighted, 0)?, inputs))
    };
    let (loss, inputs) = build(&mut b).expect("the test's Program is well formed");
    let gradients = b.gradient(loss, &inputs).expect("it has a gradient");
    let program = b.finish(&[&[loss], &gradients[..]].concat()).expect("it has outputs");
    let outputs = eval(&program, points).expect("the points are its inputs");
    for (which, point) in points.iter().enumerate() {
        let elements = point.as_f64().expect("points are f64");
        let gradient = outputs[which + 1].as_f64().expect("gradients are f64");
        assert_eq!(outputs[which + 1].shape(), point.shape());
        for (place, slope) in gradient.iter().enumerate() {
            let at = |shift: f64| {
                let mut moved = elements.to_vec();
                moved[place] += shift;
                let mut inputs = points.to_vec();
                inputs[which] = Tensor::f64(point.shape().dims(), moved).expect("same shape");
                eval(&program, &inputs).expect("same inputs")[0].as_f64().expect("a loss")[0]
            };
            let expected = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            let tolerance = 1e-6 * (1.0 + expected.abs());
            assert!((slope - expected).abs() < tolerance, "{which}[{place}]: {slope} {expected}");
        }
    }
}

fn square(elements: [f64; 4]) -> Tensor {
    Tensor::f64(&[2, 2], elements.to_vec()).expect("four elements")
}

#[test]
fn binary_rules() {
    let points = [f64s(&[0.7, -1.3, 2.5]), f64s(&[1.9, 0.4, -0.6])];
    check(&points, |b, x| b.add(x[0], x[1]));
    check(&points, |b, x| b.sub(x[0], x[1]));
    check(&points, |b, x| b.mul(x[0], x[1]));
    check(&points, |b, x| b.div(x[0], x[1]));
    check(&points, |b, x| b.min(x[0], x[1]));
    check(&points, |b, x| b.max(x[0], x[1]));
    check(&points, |b, x| b.fma(x[0], x[1], x[0]));
    check(&points, |b, x| {
        let condition = b.lt(x[0], x[1])?;
        b.select(condition, x[0], x[1])
    });
}

#[test]
fn unary_rules() {
    let points = [f64s(&[0.7, 1.3, 2.5])];
    let rules: [fn(&mut Builder, Value) -> Built; 8] = [
        Builder::neg,
        Builder::abs,
        Builder::sqrt,
        Builder::exp,
        Builder::log,
        Builder::tanh,
        Builder::erf,
        Builder::erfc,
    ];
    for rule in rules {
        check(&points, |b, x| rule(b, x[0]));
        check(&points, |b, x| {
            let y = rule(b, x[0])?;
            b.mul(y, x[0])
        });
    }
    check(&[f64s(&[-0.7, 1.3])], |b, x| b.abs(x[0]));
    check(&[f64s(&[-0.7, 0.3])], |b, x| b.erfc(x[0]));
}

#[test]
fn movement_rules() {
    let x = [square([0.5, -1.0, 2.0, 3.0])];
    check(&x, |b, x| b.reshape(x[0], &[4, 1]));
    check(&x, |b, x| b.transpose(x[0], &[1, 0]));
    check(&x, |b, x| b.slice(x[0], &[0, 1], &[2, 2]));
    check(&x, |b, x| b.pad(x[0], &[1, 0], &[0, 2]));
    check(&x, |b, x| b.concat(&[x[0], x[0]], 1));
    check(&x, |b, x| b.broadcast(x[0], &[3, 2, 2]));
    let row = [Tensor::f64(&[2, 1], vec![0.5, -1.0]).expect("a column")];
    check(&row, |b, x| b.broadcast(x[0], &[2, 2, 3]));
    let cube = [Tensor::f64(&[1, 2, 3], (1..=6u8).map(f64::from).collect()).expect("six")];
    check(&cube, |b, x| b.transpose(x[0], &[2, 0, 1]));
}

#[test]
fn gather_and_scatter_rules() {
    let x = [square([0.5, -1.0, 2.0, 3.0])];
    for axis in [0, 1] {
        check(&x, |b, x| {
            let indices = b.constant(i32s(&[1, 5, 0, 1]))?;
            b.gather(x[0], indices, axis)
        });
        check(&x, |b, x| {
            let indices = b.constant(i32s(&[2, 0]))?;
            b.scatter_add(x[0], indices, axis, 3)
        });
    }
}

#[test]
fn contraction_and_reduction_rules() {
    let x = [square([0.5, -1.0, 2.0, 3.0]), square([1.5, 0.25, -0.75, 1.0])];
    check(&x, |b, x| b.matmul(x[0], x[1]));
    check(&x, |b, x| b.matmul(x[0], x[0]));
    check(&x, |b, x| {
        let (p, q) = (b.reshape(x[0], &[2, 1, 2])?, b.reshape(x[1], &[2, 2, 1])?);
        b.matmul(p, q)
    });
    for axis in [0, 1] {
        check(&x, |b, x| b.sum(x[0], axis));
        check(&x, |b, x| b.max_axis(x[1], axis));
    }
}

#[test]
fn a_small_network() {
    let points = [
        Tensor::f64(&[3, 2], vec![0.1, -0.4, 0.9, 0.3, -0.2, 0.5]).expect("weights"),
        f64s(&[0.05, -0.1]),
        Tensor::f64(&[2, 1], vec![0.7, -0.8]).expect("weights"),
        Tensor::f64(&[4, 3], (0..12u8).map(|i| f64::from(i % 5) - 1.7).collect()).expect("data"),
    ];
    check(&points, |b, x| {
        let hidden = b.matmul(x[3], x[0])?;
        let bias = b.broadcast(x[1], &[4, 2])?;
        let hidden = b.add(hidden, bias)?;
        let hidden = b.tanh(hidden)?;
        let out = b.matmul(hidden, x[2])?;
        let negative = b.neg(out)?;
        let variance = b.exp(negative)?;
        b.add(out, variance)
    });
}

#[test]
fn kinks_are_decided() {
    let mut b = Builder::new();
    let x = b.input(Dtype::F64, &[1]).expect("an input");
    let zero = b.full(Dtype::F64, &[1], 0.0).expect("a constant");
    let mut slopes = Vec::new();
    let mut slope = |b: &mut Builder, y: Value| {
        let y = b.sum(y, 0).expect("a vector");
        slopes.push(b.gradient(y, &[x]).expect("a loss")[0]);
    };
    let y = b.max(x, zero).expect("fits");
    slope(&mut b, y);
    let y = b.max(zero, x).expect("fits");
    slope(&mut b, y);
    let y = b.abs(x).expect("fits");
    slope(&mut b, y);
    let y = b.floor(x).expect("fits");
    slope(&mut b, y);
    let both = b.concat(&[x, x], 0).expect("fits");
    let y = b.max_axis(both, 0).expect("fits");
    let y = b.reshape(y, &[1]).expect("fits");
    slope(&mut b, y);
    let program = b.finish(&slopes).expect("five outputs");
    let outputs = eval(&program, &[f64s(&[0.0])]).expect("one input");
    let got: Vec<f64> = outputs.iter().map(|y| y.as_f64().expect("f64")[0]).collect();
    assert_eq!(got, [0.0, 1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn gradients_of_one_value_are_added_by_ascending_use() {
    // The three uses pull back 1e8, 1 and -1e8: only ((1e8 + 1) - 1e8) gives 0 in f32.
    let mut b = Builder::new();
    let x = b.input(Dtype::F32, &[]).expect("an input");
    let mut total = None;
    for factor in [1e8, 1.0, -1e8] {
        let factor = b.scalar_f32(factor).expect("a constant");
        let term = b.mul(x, factor).expect("scalars");
        total = Some(match total {
            None => term,
            Some(sum) => b.add(sum, term).expect("scalars"),
        });
    }
    let slope = b.gradient(total.expect("three terms"), &[x]).expect("a loss");
    let program = b.finish(&slope).expect("an output");
    let output = eval(&program, &[Tensor::f32(&[], vec![1.0]).expect("a scalar")]);
    assert_eq!(output.expect("one input")[0].as_f32(), Some(&[0.0][..]));
}

#[test]
fn what_does_not_matter_has_a_zero_gradient() {
    let mut b = Builder::new();
    let (x, y) = (b.input(Dtype::F32, &[]), b.input(Dtype::F64, &[2]));
    let (x, y) = (x.expect("an input"), y.expect("an input"));
    let gradients = b.gradient(x, &[y, x]).expect("a loss");
    let program = b.finish(&gradients).expect("two outputs");
    let inputs = [Tensor::f32(&[], vec![5.0]).expect("a scalar"), f64s(&[1.0, 2.0])];
    let outputs = eval(&program, &inputs).expect("two inputs");
    assert_eq!(outputs[0], f64s(&[0.0, 0.0]));
    assert_eq!(outputs[1], Tensor::f32(&[], vec![1.0]).expect("a scalar"));
}
