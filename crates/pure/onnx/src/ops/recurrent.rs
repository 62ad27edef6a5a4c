//! The gated recurrent unit, unrolled.

use tensor::Value;

use super::pick::cut;
use super::unary::logistic;
use crate::Fault;
use crate::known::Kind;
use crate::scope::{Outcome, Scope, Term};

/// Operands by their place.
const X: usize = 0;
const W: usize = 1;
const R: usize = 2;
const BIASES: usize = 3;
const LENGTHS: usize = 4;
const START: usize = 5;

/// Sizes of a unit.
struct Sizes {
    steps: usize,
    rows: usize,
    hidden: usize,
}

/// One direction, ready to be unrolled: gates z, r, n in columns.
struct Unit {
    /// What the inputs of all steps contribute, \[steps, rows, 3 hidden\].
    inputs: Value,
    /// \[hidden, 3 hidden\].
    recurrent: Value,
    /// What is added to the state's contribution to n, \[rows, hidden\].
    new_bias: Option<Value>,
    /// Whether the reset gate is applied after the matrix product.
    reset_after: bool,
}

/// A gated recurrent unit over a sequence \[steps, rows, features\], in one or both directions.
///
/// With the reset gate before or after the matrix product (`linear_before_reset`); the functions
/// are sigmoid and tanh.
pub(super) fn gru(s: &mut Scope<'_>) -> Outcome {
    let kind = s.float_kind(X)?;
    let (sizes, directions) = read(s)?;
    let reset_after = s.node.flag("linear_before_reset", false)?;
    let weights = (s.turned(W)?, s.turned(R)?);
    let mut sequences = Vec::new();
    let mut lasts = Vec::new();
    for (at, reverse) in directions.iter().enumerate() {
        let unit = unit(s, &sizes, (at, reset_after), weights)?;
        let start = state(s, &sizes, at, kind)?;
        let states = unroll(s, &sizes, &unit, (start, *reverse))?;
        let last = if *reverse { states.first() } else { states.last() };
        lasts.push(*last.ok_or(Fault::Missing { index: X })?);
        sequences.push(states);
    }
    let (rows, hidden) = (sizes.rows, sizes.hidden);
    let mut steps = Vec::with_capacity(sizes.steps);
    for step in 0..sizes.steps {
        for states in &sequences {
            steps.push(s.b.reshape(states[step], &[1, rows, hidden])?);
        }
    }
    let all = joined(s, steps)?;
    let all = s.b.reshape(all, &[sizes.steps, directions.len(), rows, hidden])?;
    let mut ends = Vec::with_capacity(lasts.len());
    for last in lasts {
        ends.push(s.b.reshape(last, &[1, rows, hidden])?);
    }
    let last = joined(s, ends)?;
    Ok(vec![Term::Computed(all, kind), Term::Computed(last, kind)])
}

/// The sizes, and for each direction whether it runs backwards.
fn read(s: &Scope<'_>) -> Result<(Sizes, &'static [bool]), Fault> {
    let directions: &[bool] = match s.node.text("direction", "forward")? {
        "forward" => &[false],
        "reverse" => &[true],
        "bidirectional" => &[false, true],
        _ => return Err(Fault::Attribute { name: "direction", expected: "a direction" }),
    };
    let usual = ["Sigmoid", "Tanh"];
    let functions = s.node.texts("activations")?;
    if functions.iter().enumerate().any(|(at, name)| *name != usual[at % 2]) {
        return Err(Fault::Attribute { name: "activations", expected: "Sigmoid and Tanh" });
    }
    if s.node.has("clip") || s.node.flag("layout", false)? || s.has(LENGTHS) {
        return Err(Fault::Unsupported { what: "clip, layout 1, or lengths by sequence" });
    }
    s.same_kind(X)?;
    let (x, w, r) = (s.dims(X)?, s.dims(W)?, s.dims(R)?);
    let fits = match (&x[..], &w[..], &r[..]) {
        ([_, _, features], [n, gates, inputs], [m, columns, hidden]) => {
            let width = hidden.checked_mul(3);
            [*n, *m] == [directions.len(); 2]
                && (Some(*gates), Some(*columns)) == (width, width)
                && inputs == features
        }
        _ => false,
    };
    if !fits {
        return Err(Fault::Extents { what: "the weights do not fit the sequence", dims: w });
    }
    let given = [(BIASES, vec![w[0], 2 * w[1]]), (START, vec![w[0], x[1], r[2]])];
    for (index, wanted) in given {
        if s.has(index) && s.dims(index)? != wanted {
            let what = "biases or first state do not fit; these would";
            return Err(Fault::Extents { what, dims: wanted });
        }
    }
    Ok((Sizes { steps: x[0], rows: x[1], hidden: r[2] }, directions))
}

/// One direction's share of an operand, without the axis of directions.
fn share(s: &mut Scope<'_>, x: Value, direction: usize) -> Result<Value, Fault> {
    let dims = s.b.shape_of(x).dims().to_vec();
    let x = if dims[0] == 1 { x } else { cut(s, x, 0, (direction, direction + 1))? };
    s.shaped(x, &dims[1..])
}

fn unit(
    s: &mut Scope<'_>,
    sizes: &Sizes,
    (direction, reset_after): (usize, bool),
    (w, r): (Value, Value),
) -> Result<Unit, Fault> {
    let (rows, hidden, all) = (sizes.rows, sizes.hidden, 3 * sizes.hidden);
    let x = s.value(X)?;
    let (w, recurrent) = (share(s, w, direction)?, share(s, r, direction)?);
    let features = s.b.shape_of(x).dims()[2];
    let flat = s.b.reshape(x, &[sizes.steps * rows, features])?;
    let mut inputs = s.b.matmul(flat, w)?;
    let mut new_bias = None;
    if s.has(BIASES) {
        let biases = s.value(BIASES)?;
        let biases = share(s, biases, direction)?;
        let from_x = s.b.slice(biases, &[0], &[all])?;
        let from_h = s.b.slice(biases, &[all], &[2 * all])?;
        // The state's biases join the input's, but for n's where the reset gate is on them.
        let apart = s.b.slice(from_h, &[2 * hidden], &[all])?;
        let from_h = if reset_after {
            new_bias = Some(s.widen(apart, &[rows, hidden])?);
            let gates = s.b.slice(from_h, &[0], &[2 * hidden])?;
            s.b.pad(gates, &[0], &[hidden])?
        } else {
            from_h
        };
        let bias = s.b.add(from_x, from_h)?;
        let bias = s.widen(bias, &[sizes.steps * rows, all])?;
        inputs = s.b.add(inputs, bias)?;
    }
    let inputs = s.b.reshape(inputs, &[sizes.steps, rows, all])?;
    Ok(Unit { inputs, recurrent, new_bias, reset_after })
}

/// The state before the first step, zeros unless given.
fn state(s: &mut Scope<'_>, sizes: &Sizes, direction: usize, kind: Kind) -> Result<Value, Fault> {
    if !s.has(START) {
        return s.full(kind, &[sizes.rows, sizes.hidden], 0.0);
    }
    let start = s.value(START)?;
    share(s, start, direction)
}

/// The states after each step, in the order of the sequence.
fn unroll(
    s: &mut Scope<'_>,
    sizes: &Sizes,
    unit: &Unit,
    (start, reverse): (Value, bool),
) -> Result<Vec<Value>, Fault> {
    let mut h = start;
    let mut states = Vec::new();
    for at in 0..sizes.steps {
        let step = if reverse { sizes.steps - 1 - at } else { at };
        let now = cut(s, unit.inputs, 0, (step, step + 1))?;
        let now = s.b.reshape(now, &[sizes.rows, 3 * sizes.hidden])?;
        h = one_step(s, sizes.hidden, unit, (now, h))?;
        states.push(h);
    }
    if reverse {
        states.reverse();
    }
    Ok(states)
}

/// `z h + (1 - z) n`, as `n + z (h - n)`.
fn one_step(
    s: &mut Scope<'_>,
    hidden: usize,
    unit: &Unit,
    (now, h): (Value, Value),
) -> Result<Value, Fault> {
    let (gates, all) = (2 * hidden, 3 * hidden);
    let from_x = cut(s, now, 1, (0, gates))?;
    let new_x = cut(s, now, 1, (gates, all))?;
    let (open, new) = if unit.reset_after {
        let from_h = s.b.matmul(h, unit.recurrent)?;
        let open = cut(s, from_h, 1, (0, gates))?;
        let open = s.b.add(from_x, open)?;
        let open = logistic(s, open)?;
        let reset = cut(s, open, 1, (hidden, gates))?;
        let mut new = cut(s, from_h, 1, (gates, all))?;
        if let Some(bias) = unit.new_bias {
            new = s.b.add(new, bias)?;
        }
        (open, s.b.fma(reset, new, new_x)?)
    } else {
        let to_gates = cut(s, unit.recurrent, 1, (0, gates))?;
        let open = s.b.matmul(h, to_gates)?;
        let open = s.b.add(from_x, open)?;
        let open = logistic(s, open)?;
        let reset = cut(s, open, 1, (hidden, gates))?;
        let kept = s.b.mul(reset, h)?;
        let to_new = cut(s, unit.recurrent, 1, (gates, all))?;
        let new = s.b.matmul(kept, to_new)?;
        (open, s.b.add(new, new_x)?)
    };
    let update = cut(s, open, 1, (0, hidden))?;
    let new = s.b.tanh(new)?;
    let back = s.b.sub(h, new)?;
    Ok(s.b.fma(update, back, new)?)
}

/// One after the other along the first axis.
fn joined(s: &mut Scope<'_>, mut parts: Vec<Value>) -> Result<Value, Fault> {
    while parts.len() > 1 {
        let groups = parts.chunks(tensor::CONCAT_MAX);
        parts = groups.map(|group| s.b.concat(group, 0)).collect::<Result<_, _>>()?;
    }
    parts.first().copied().ok_or(Fault::Missing { index: X })
}
