//! Ways to be wrong, each convicted in one step: kinds of wrong arithmetic, wrong traces under
//! right outputs, forged chains, forged trees.

use std::sync::Arc;

use court::judge::{Opened, chain_end};
use court::trace::{Evidence, Executor, Sheet, Witness, chain_states};
use court::{Brief, Shown, Side};
use laws::samples::{self, Sample};
use tensor::{BuildError, Builder, Dtype, Hash, Op, Program, Tensor, eval_node, tree};

use crate::duel::{CHALLENGER, End, Hall, Honest, Liar, honest, witness};
use crate::every_op::flipped;

/// Plays a claim by this evidence against an honest challenger.
fn convict(sample: &Sample, outputs_root: Hash, liar: impl Evidence) -> End {
    let right = honest(&sample.program, &sample.inputs, 1);
    assert_ne!(right.outputs_root(), outputs_root, "the lie shows in the outputs");
    let mut hall = Hall::new(&sample.program, right.inputs_root(), outputs_root, 1);
    let dispute = hall.challenge(&sample.program, right.outputs_root(), CHALLENGER);
    let end = hall.play(dispute, &mut Liar(liar), &mut Honest(right));
    assert_eq!(end.loser, Side::Asserter);
    end
}

/// An executor that replaces an op's tensor by what a function makes of it.
struct Bent<F>(F);

impl<F: Fn(&Program, usize, &[&Tensor], Tensor) -> Tensor + Send> Executor for Bent<F> {
    fn execute(&self, p: &Program, op: usize, xs: &[&Tensor], inputs: &[Tensor]) -> Tensor {
        (self.0)(p, op, xs, eval_node(&p.nodes()[op], xs, inputs))
    }
}

fn sample(
    inputs: Vec<Tensor>,
    build: impl Fn(&mut Builder) -> Result<Vec<tensor::Value>, BuildError>,
) -> Sample {
    let mut b = Builder::new();
    let outputs = build(&mut b).expect("these ops fit each other");
    Sample { program: Arc::new(b.finish(&outputs).expect("an output")), inputs }
}

fn f32s(dims: &[usize], of: impl Fn(u16) -> f32) -> Tensor {
    let count = dims.iter().product();
    Tensor::f32(dims, (0..).map(of).take(count).collect()).expect("as many as counted")
}

fn caught(
    sample: &Sample,
    bend: impl Fn(&Program, usize, &[&Tensor], Tensor) -> Tensor + Send + 'static,
) {
    let liar = witness(&sample.program, &sample.inputs, 1, Bent(bend));
    let end = convict(sample, liar.outputs_root(), liar);
    assert!(!end.by_clock, "it is convicted by what it computed");
}

#[test]
fn everything_wrong_from_some_op_on_is_convicted_at_that_op() {
    let all = samples::of_dtype(5, Dtype::F64);
    let chain = |p: &Program, op: usize| matches!(p.nodes()[op].op.code(), 0x47 | 0x50..);
    let outputs = all.program.outputs().iter().copied();
    let last = outputs.filter(|op| !chain(&all.program, *op)).max().expect("most have no chain");
    for first in (0..=last).step_by(3) {
        let bend = move |p: &Program, op: usize, _: &[&Tensor], right: Tensor| {
            if op < first || chain(p, op) {
                right
            } else {
                flipped(&right, right.shape().count() / 2)
            }
        };
        caught(&all, bend);
    }
}

#[test]
fn swapped_operands_are_convicted() {
    let inputs = vec![f32s(&[40], f32::from), f32s(&[40], |i| 3.0 - f32::from(i))];
    let sub = sample(inputs, |b| {
        let (x, y) = (b.input(Dtype::F32, &[40])?, b.input(Dtype::F32, &[40])?);
        Ok(vec![b.sub(x, y)?])
    });
    caught(&sub, |p, op, xs, right| match p.nodes()[op].op {
        Op::Sub(..) => eval_node(&p.nodes()[op], &[xs[1], xs[0]], &[]),
        _ => right,
    });
}

#[test]
fn a_transposed_layout_is_convicted() {
    let turn = sample(vec![f32s(&[5, 9], f32::from)], |b| {
        let x = b.input(Dtype::F32, &[5, 9])?;
        Ok(vec![b.transpose(x, &[1, 0])?])
    });
    // The elements stay where they were, under the new shape.
    caught(&turn, |_, op, xs, right| {
        if op == 0 {
            return right;
        }
        Tensor::from_bytes(Dtype::F32, right.shape(), &xs[0].to_bytes()).expect("as many")
    });
}

#[test]
fn wrong_bits_of_right_numbers_are_convicted() {
    let values = [f32::NAN, 0.0, f32::from_bits(3), -0.0, 1.0];
    let x = f32s(&[50], |i| values[usize::from(i) % values.len()]);
    let one = f32s(&[50], |_| 1.0);
    let product = sample(vec![x, one], |b| {
        let (x, y) = (b.input(Dtype::F32, &[50])?, b.input(Dtype::F32, &[50])?);
        Ok(vec![b.mul(x, y)?])
    });
    let bends: [fn(f32) -> f32; 4] = [
        |x| if x.is_nan() { f32::from_bits(0x7fc0_0001) } else { x },
        |x| if x.is_nan() { f32::from_bits(0xffc0_0000) } else { x },
        |x| if x.to_bits() == 0 { -0.0 } else { x },
        |x| if x.is_subnormal() { 0.0 } else { x },
    ];
    for bend in bends {
        caught(&product, move |p, op, _, right| {
            if !matches!(p.nodes()[op].op, Op::Mul(..)) {
                return right;
            }
            let list = right.as_f32().expect("f32").iter().map(|x| bend(*x)).collect();
            Tensor::f32(&[50], list).expect("fifty")
        });
    }
}

#[test]
fn a_wrong_index_in_a_gather_is_convicted() {
    let rows = sample(vec![f32s(&[9, 40], f32::from)], |b| {
        let x = b.input(Dtype::F32, &[9, 40])?;
        let indices = b.constant(Tensor::i32(&[3], vec![4, 9, 0]).expect("three"))?;
        Ok(vec![b.gather(x, indices, 0)?])
    });
    caught(&rows, |p, op, xs, right| match p.nodes()[op].op {
        Op::Gather { .. } => {
            let next = xs[1].as_i32().expect("i32").iter().map(|i| i + 1).collect();
            let next = Tensor::i32(&[3], next).expect("three");
            eval_node(&p.nodes()[op], &[xs[0], &next], &[])
        }
        _ => right,
    });
}

/// Evidence with one op's chunks, and the chains of its elements, forged.
struct Forged {
    witness: Witness,
    op: usize,
    sheet: Option<Arc<Sheet>>,
    chain: Option<Arc<Sheet>>,
}

impl Evidence for Forged {
    fn program(&self) -> &Program {
        self.witness.program()
    }

    fn states(&mut self) -> Vec<Hash> {
        vec![self.outputs_root()]
    }

    fn inputs(&mut self, iteration: u32) -> Vec<Hash> {
        self.witness.inputs(iteration)
    }

    fn roots(&mut self, iteration: u32) -> Vec<Hash> {
        let mut roots = self.witness.roots(iteration);
        if let Some(sheet) = &self.sheet {
            roots[self.op] = tree::root(&sheet.leaves);
        }
        roots
    }

    fn tensor(&mut self, iteration: u32, op: usize) -> Arc<Sheet> {
        match &self.sheet {
            Some(sheet) if op == self.op => Arc::clone(sheet),
            _ => self.witness.tensor(iteration, op),
        }
    }

    fn chain(&mut self, iteration: u32, op: usize, element: u64) -> Option<Arc<Sheet>> {
        match &self.chain {
            Some(chain) if op == self.op => Some(Arc::clone(chain)),
            _ => self.witness.chain(iteration, op, element),
        }
    }
}

impl Forged {
    fn outputs_root(&mut self) -> Hash {
        let roots = self.roots(0);
        let outputs = self.witness.program().outputs();
        tree::root(&outputs.iter().map(|op| roots[*op]).collect::<Vec<_>>())
    }
}

fn forge(sample: &Sample, op: usize, sheet: Sheet) -> Forged {
    let witness = honest(&sample.program, &sample.inputs, 1);
    Forged { witness, op, sheet: Some(Arc::new(sheet)), chain: None }
}

/// The right chunks of an op's tensor.
fn right_sheet(sample: &Sample, op: usize) -> Sheet {
    honest(&sample.program, &sample.inputs, 1).tensor(0, op).as_ref().clone()
}

#[test]
fn right_outputs_over_a_wrong_trace_are_convicted() {
    let chain = sample(vec![f32s(&[40], f32::from)], |b| {
        let x = b.input(Dtype::F32, &[40])?;
        let (y, two) = (b.exp(x)?, b.full(Dtype::F32, &[40], 2.0)?);
        let z = b.min(y, two)?;
        Ok(vec![b.neg(z)?])
    });
    let Sample { program, inputs } = &chain;
    for op in 0..program.nodes().len() - 1 {
        let mut sheet = right_sheet(&chain, op);
        sheet.bytes[1] ^= 1;
        sheet.leaves[0] = tree::leaf(&sheet.bytes[..sheet.chunk_size]);
        let mut liar = forge(&chain, op, sheet);
        let right = honest(program, inputs, 1);
        assert_eq!(liar.outputs_root(), right.outputs_root());
        let mut hall = Hall::new(program, right.inputs_root(), right.outputs_root(), 1);
        let dispute = hall.challenge(program, Hash([9; 32]), CHALLENGER);
        let end = hall.play(dispute, &mut Liar(liar), &mut Honest(right));
        assert_eq!((end.loser, end.by_clock), (Side::Asserter, false), "op {op}");
    }
}

#[test]
fn bytes_after_the_last_element_are_convicted() {
    for dtype in [Dtype::F32, Dtype::F64] {
        let all = samples::of_dtype(7, dtype);
        for op in 0..all.program.nodes().len() {
            let mut sheet = right_sheet(&all, op);
            let node = &all.program.nodes()[op];
            let filled = node.shape.count() * node.dtype.size();
            if filled == sheet.bytes.len() || !all.program.outputs().contains(&op) {
                continue;
            }
            let last = sheet.leaves.len() - 1;
            *sheet.bytes.last_mut().expect("not empty") = 1;
            sheet.leaves[last] = tree::leaf(&sheet.bytes[last * sheet.chunk_size..]);
            let mut liar = forge(&all, op, sheet);
            let end = convict(&all, liar.outputs_root(), liar);
            // Of an input or a constant the roots are compared.
            assert!(!end.by_clock, "op {op}");
        }
    }
}

#[test]
fn a_chunk_of_a_wrong_length_is_convicted() {
    let all = samples::of_dtype(8, Dtype::F32);
    let computed = |op: &&usize| all.program.nodes()[**op].op.code() > 4;
    for &op in all.program.outputs().iter().filter(computed) {
        for short in [4, 100] {
            let mut sheet = right_sheet(&all, op);
            let last = sheet.leaves.len() - 1;
            sheet.bytes.truncate(sheet.bytes.len() - short);
            sheet.leaves[last] = tree::leaf(&sheet.bytes[last * sheet.chunk_size..]);
            let mut liar = forge(&all, op, sheet);
            let end = convict(&all, liar.outputs_root(), liar);
            assert!(!end.by_clock, "op {op}");
        }
    }
}

#[test]
fn a_leaf_in_the_place_of_a_node_cannot_be_revealed() {
    let wide = sample(vec![f32s(&[100], f32::from)], |b| {
        let x = b.input(Dtype::F32, &[100])?;
        Ok(vec![b.neg(x)?])
    });
    let mut sheet = right_sheet(&wide, 1);
    // The children's bytes as a chunk: its leaf stands where their node should.
    let children: Vec<u8> = sheet.leaves.iter().flat_map(|leaf| leaf.0).collect();
    sheet = Sheet { chunk_size: 128, leaves: vec![tree::leaf(&children)], bytes: children };
    let mut liar = forge(&wide, 1, sheet);
    let end = convict(&wide, liar.outputs_root(), liar);
    assert!(end.by_clock, "there is nothing to reveal");
}

#[test]
fn a_wrong_state_anywhere_in_a_chain_is_convicted() {
    for dtype in [Dtype::F32, Dtype::F64, Dtype::I32] {
        let all = samples::of_dtype(11, dtype);
        for (op, node) in all.program.nodes().iter().enumerate() {
            let operands = operands(&all, op);
            let operands: Vec<&Tensor> = operands.iter().collect();
            let Some(states) = chain_states(node, &operands, 1) else { continue };
            let count = states.shape().count();
            for wrong in [0, 1, 31, 32, 33, count - 1] {
                if wrong < count {
                    forged_chain(&all, op, (&operands, &states), wrong);
                }
            }
        }
    }
}

fn operands(sample: &Sample, op: usize) -> Vec<Tensor> {
    let mut b = honest(&sample.program, &sample.inputs, 1);
    let program = &sample.program;
    let tensor = |operand: &usize| {
        let node = &program.nodes()[*operand];
        let mut bytes = b.tensor(0, *operand).bytes.clone();
        bytes.truncate(node.shape.count() * node.dtype.size());
        Tensor::from_bytes(node.dtype, &node.shape, &bytes).expect("cut to its length")
    };
    program.nodes()[op].op.operands().iter().map(tensor).collect()
}

/// Plays a liar whose chain of element 1 is off by one from entry `wrong` on.
fn forged_chain(
    sample: &Sample,
    op: usize,
    (operands, states): (&[&Tensor], &Tensor),
    wrong: usize,
) {
    let node = &sample.program.nodes()[op];
    let size = node.dtype.size();
    let mut bytes = states.to_bytes();
    bytes[wrong * size..].chunks_mut(size).for_each(|entry| entry[0] ^= 1);
    let forged = Tensor::from_bytes(node.dtype, states.shape(), &bytes).expect("as many");
    let chain = Sheet::of(&forged);
    let encode = |place: &usize| sample.program.nodes()[*place].encode();
    let brief = Brief {
        op: node.encode(),
        operands: node.op.operands().iter().map(encode).collect(),
        roots: operands.iter().map(|operand| operand.root()).collect(),
    };
    let opened = Opened::read(&brief).expect("well formed");
    let show = |chunk: usize| Shown {
        chunk: chain.chunk(chunk as u64).to_vec(),
        siblings: tree::siblings(&chain.leaves, chunk),
    };
    let last = chain.leaves.len() - 1;
    let siblings = tree::crown_siblings(&chain.leaves, last);
    let mut shown = vec![Shown { siblings, ..show(last) }];
    if matches!(node.op, Op::Sum { .. }) && last > 0 && states.shape().count() % 32 > 0 {
        shown.push(show(last - 1));
    }
    let (end, _) = chain_end(&opened, tree::root(&chain.leaves), &shown).expect("they are its end");
    let bend = move |_: &Program, at: usize, _: &[&Tensor], right: Tensor| {
        if at != op {
            return right;
        }
        let mut bytes = right.to_bytes();
        let size = right.dtype().size();
        bytes[size..2 * size].copy_from_slice(&end.to_le_bytes()[..size]);
        Tensor::from_bytes(right.dtype(), right.shape(), &bytes).expect("as many")
    };
    let witness = witness(&sample.program, &sample.inputs, 1, Bent(bend));
    let outputs_root = witness.outputs_root();
    if outputs_root == honest(&sample.program, &sample.inputs, 1).outputs_root() {
        return; // The fold rounds the lie away, or NaN swallows it.
    }
    let liar = Forged { witness, op, sheet: None, chain: Some(Arc::new(chain)) };
    let end = convict(sample, outputs_root, liar);
    assert!(!end.by_clock, "{} from entry {wrong}", node.op.name());
}
