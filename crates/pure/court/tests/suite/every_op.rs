//! One wrong element in any op of any dtype is found and convicted; the same op done right is not.

use court::Side;
use court::trace::Executor;
use laws::dice::Dice;
use laws::samples::{self, Sample};
use tensor::{Dtype, Family, Program, Tensor, eval_node};

use crate::duel::{CHALLENGER, Hall, Honest, Liar, honest, witness};

/// Changes the lowest bit of one element of one op's tensor, and computes the rest from there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flip {
    pub(crate) op: usize,
    pub(crate) element: usize,
}

impl Executor for Flip {
    fn execute(
        &self,
        program: &Program,
        index: usize,
        operands: &[&Tensor],
        inputs: &[Tensor],
    ) -> Tensor {
        let right = eval_node(&program.nodes()[index], operands, inputs);
        if index == self.op { flipped(&right, self.element) } else { right }
    }
}

pub(crate) fn flipped(tensor: &Tensor, element: usize) -> Tensor {
    let mut bytes = tensor.to_bytes();
    bytes[element * tensor.dtype().size()] ^= 1;
    Tensor::from_bytes(tensor.dtype(), tensor.shape(), &bytes).expect("as many bytes as before")
}

/// Plays a claim by this liar against an honest challenger, and the honest claim against it.
fn both_ways(sample: &Sample, flip: Flip) {
    let Sample { program, inputs } = sample;
    let (right, wrong) = (honest(program, inputs, 1), witness(program, inputs, 1, flip));
    let roots = (right.outputs_root(), wrong.outputs_root());
    if roots.0 == roots.1 {
        return;
    }
    let inputs_root = right.inputs_root();
    let mut hall = Hall::new(program, inputs_root, roots.1, 1);
    let dispute = hall.challenge(program, roots.0, CHALLENGER);
    let end = hall.play(dispute, &mut Liar(wrong), &mut Honest(right));
    assert_eq!(end.loser, Side::Asserter, "{flip:?} in\n{program}");
    // A chain that is right does not end in a wrong element: nothing can be posted.
    let family = program.nodes()[flip.op].op.family();
    let chain = matches!(family, Family::Contraction | Family::Reduction);
    assert_eq!(end.by_clock, chain, "{flip:?} in\n{program}");

    let (right, wrong) = (honest(program, inputs, 1), witness(program, inputs, 1, flip));
    let mut hall = Hall::new(program, inputs_root, roots.0, 1);
    let dispute = hall.challenge(program, roots.1, CHALLENGER);
    let end = hall.play(dispute, &mut Honest(right), &mut Liar(wrong));
    assert_eq!(end.loser, Side::Challenger, "{flip:?} in\n{program}");
}

#[test]
fn a_wrong_element_of_any_op_is_convicted() {
    for dtype in [Dtype::F32, Dtype::F64, Dtype::I32] {
        let sample = samples::of_dtype(3, dtype);
        let mut dice = Dice::new(9);
        for (op, node) in sample.program.nodes().iter().enumerate() {
            let count = node.shape.count();
            for element in [0, dice.below(count), count - 1] {
                both_ways(&sample, Flip { op, element });
            }
        }
    }
}

#[test]
fn a_wrong_element_of_a_random_program_is_convicted() {
    for seed in 0..60 {
        let sample = samples::random(seed);
        let mut dice = Dice::new(seed);
        for _ in 0..4 {
            let op = dice.below(sample.program.nodes().len());
            let element = dice.below(sample.program.nodes()[op].shape.count());
            both_ways(&sample, Flip { op, element });
        }
    }
}
