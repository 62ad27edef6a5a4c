//! What a plan saves: steps that are fused, copies that are left out, buffers that are shared.

use tensor::{BuildError, Builder, Dtype, Program, Value};

use super::{Place, Plan, Slot, Step};

fn plan(build: impl FnOnce(&mut Builder) -> Result<Value, BuildError>) -> (Program, Plan) {
    let mut b = Builder::new();
    let output = build(&mut b).expect("these ops fit each other");
    let program = b.finish(&[output]).expect("there is an output");
    let plan = Plan::new(&program);
    (program, plan)
}

#[test]
fn a_chain_is_one_step_with_one_buffer() {
    let (_, plan) = plan(|b| {
        let x = b.input(Dtype::F32, &[4, 8])?;
        let half = b.full(Dtype::F32, &[4, 8], 0.5)?;
        let y = b.exp(x)?;
        let y = b.reshape(y, &[32])?;
        let half = b.reshape(half, &[32])?;
        let y = b.fma(y, half, y)?;
        b.tanh(y)
    });
    assert!(matches!(plan.steps.as_slice(), [Step::Fused(_)]), "{:?}", plan.steps);
    assert_eq!(plan.slots, [Slot { dtype: Dtype::F32, count: 32, leaves: true }]);
}

#[test]
fn what_no_output_needs_is_left_out() {
    let (_, plan) = plan(|b| {
        let x = b.input(Dtype::F64, &[3, 3])?;
        b.matmul(x, x)?;
        b.neg(x)
    });
    assert_eq!(plan.steps.len(), 1);
}

#[test]
fn a_matmul_reads_through_a_transpose() {
    let (_, plan) = plan(|b| {
        let x = b.input(Dtype::F32, &[5, 3])?;
        let turned = b.transpose(x, &[1, 0])?;
        b.matmul(turned, x)
    });
    assert!(matches!(plan.steps.as_slice(), [Step::Single { node: 2, .. }]), "{:?}", plan.steps);
}

#[test]
fn a_transpose_that_moves_the_batch_is_made() {
    let (_, plan) = plan(|b| {
        let x = b.input(Dtype::F32, &[2, 2, 3, 3])?;
        let turned = b.transpose(x, &[1, 0, 3, 2])?;
        b.matmul(turned, x)
    });
    assert_eq!(plan.steps.len(), 2);
}

#[test]
fn a_long_row_of_steps_needs_two_buffers_and_its_output() {
    let (program, plan) = plan(|b| {
        let mut x = b.input(Dtype::F32, &[4, 4])?;
        for _ in 0..10 {
            x = b.matmul(x, x)?;
            x = b.abs(x)?;
        }
        Ok(x)
    });
    assert_eq!(plan.steps.len(), 20);
    assert_eq!(plan.slots.iter().filter(|slot| slot.leaves).count(), 1);
    assert_eq!(plan.slots.len(), 3);
    let output = plan.places[program.outputs()[0]];
    assert!(matches!(output, Some(Place::Slot(_))));
}

#[test]
fn an_input_that_is_an_output_needs_no_step() {
    let (program, plan) = plan(|b| {
        let x = b.input(Dtype::I32, &[2, 1])?;
        b.transpose(x, &[1, 0])
    });
    assert_eq!(plan.steps.len(), 0);
    assert_eq!(plan.places[program.outputs()[0]], Some(Place::Input(0)));
}

#[test]
fn outputs_in_one_buffer_take_it_along_once() {
    let mut b = Builder::new();
    let x = b.input(Dtype::F32, &[2, 3]).expect("a shape");
    let y = b.exp(x).expect("floats");
    let flat = b.reshape(y, &[6]).expect("as many elements");
    let program = b.finish(&[y, flat, x, y]).expect("there are outputs");
    let plan = Plan::new(&program);
    assert_eq!(plan.slots.len(), 1);
    assert_eq!(plan.takes, [false, false, false, true]);
}

/// Rows i32[4] of which some are clamped, widened and put together, f64[3, 4].
fn rows(b: &mut Builder) -> Result<Value, BuildError> {
    let mut rows = Vec::new();
    for _ in 0..3 {
        rows.push(b.input(Dtype::I32, &[4])?);
    }
    let all = b.concat(&rows, 0)?;
    let bound = b.full(Dtype::I32, &[12], 9.0)?;
    let low = b.full(Dtype::I32, &[12], -9.0)?;
    let all = b.max(all, low)?;
    let all = b.min(all, bound)?;
    let all = b.convert(all, Dtype::F64)?;
    b.reshape(all, &[3, 4])
}

#[test]
fn products_make_their_rows_on_the_way() {
    let (_, plan) = plan(|b| {
        let rows = rows(b)?;
        let turned = b.transpose(rows, &[1, 0])?;
        let products = b.matmul(rows, turned)?;
        b.matmul(products, rows)
    });
    assert_eq!(plan.steps.len(), 2, "{:?}", plan.steps);
    assert_eq!(plan.made.products.len(), 2);
}

#[test]
fn distances_make_their_rows_on_the_way() {
    let (_, plan) = plan(|b| {
        let rows = rows(b)?;
        let less = b.input(Dtype::F32, &[4])?;
        let less = b.convert(less, Dtype::F64)?;
        let less = b.reshape(less, &[1, 4])?;
        let less = b.broadcast(less, &[3, 4])?;
        let apart = b.sub(rows, less)?;
        let squares = b.mul(apart, apart)?;
        b.sum(squares, 1)
    });
    assert!(matches!(plan.steps.as_slice(), [Step::Single { .. }]), "{:?}", plan.steps);
}

#[test]
fn rows_that_others_read_are_made() {
    let (_, plan) = plan(|b| {
        let rows = rows(b)?;
        let turned = b.transpose(rows, &[1, 0])?;
        let products = b.matmul(rows, turned)?;
        let more = b.abs(rows)?;
        b.matmul(products, more)
    });
    assert!(plan.made.products.is_empty());
}
