//! How long a dispute over real Programs is: no side needs more than sixteen moves.

use std::collections::BTreeMap;
use std::sync::Arc;

use court::Side;
use court::trace::{Evidence, Sheet};
use laws::dice::Dice;
use laws::samples::Sample;
use laws::special;
use learn::{Kind, Model, Schedule, step_program};
use tensor::{Builder, Dtype, Hash, Node, Program, Shape, Tensor, tree};

use crate::duel::{CHALLENGER, End, Hall, Honest, Liar, honest, witness};
use crate::every_op::Flip;

const MOVES_MAX: u32 = 16;

/// The standard training step of the larger model, on any inputs.
fn training_step() -> Sample {
    let model = Model::new(Kind::Mlp, &["day", "week", "level", "fall", "fall_week"]);
    let program = step_program(&model, Schedule::STANDARD.batch).expect("a valid step");
    let mut dice = Dice::new(1);
    let tensor = |(dtype, shape): &(tensor::Dtype, tensor::Shape)| {
        special::tensor(&mut dice, *dtype, shape.dims())
    };
    let inputs = program.inputs().iter().map(tensor).collect();
    Sample { program: Arc::new(program), inputs }
}

/// Plays a lie about an op against the truth; `None` if it does not show.
fn play(sample: &Sample, flip: Flip) -> Option<End> {
    let Sample { program, inputs } = sample;
    let (right, wrong) = (honest(program, inputs, 1), witness(program, inputs, 1, flip));
    let roots = (right.outputs_root(), wrong.outputs_root());
    if roots.0 == roots.1 {
        return None;
    }
    let mut hall = Hall::new(program, right.inputs_root(), roots.0, 1);
    let dispute = hall.challenge(program, roots.1, CHALLENGER);
    Some(hall.play(dispute, &mut Honest(right), &mut Liar(wrong)))
}

#[test]
fn a_dispute_over_a_training_step_has_at_most_sixteen_moves_a_side() {
    let sample = training_step();
    let (mut longest, mut played) = ((0, 0), 0);
    for op in 0..sample.program.nodes().len() {
        let last = sample.program.nodes()[op].shape.count() - 1;
        let Some(end) = play(&sample, Flip { op, element: last }) else { continue };
        assert_eq!(end.loser, Side::Challenger);
        played += 1;
        longest = (end.moves.0.max(longest.0), end.moves.1.max(longest.1));
    }
    println!(
        "{played} of {} ops disputed; moves at most {longest:?}",
        sample.program.nodes().len()
    );
    assert!(played > 20, "{played} lies show");
    assert!(longest.0 <= MOVES_MAX && longest.1 <= MOVES_MAX, "{longest:?}");
}

/// Evidence about `[4096, 1024] · [1024, 1024]` of zeros, 2^32 steps that need not be run to be
/// known, among 4,096 ops; a liar has set one bit of the last element, and of its chain's end.
struct Zeros {
    program: Arc<Program>,
    lies: bool,
    sheets: BTreeMap<usize, Arc<Sheet>>,
}

/// The op that is disputed.
const PRODUCT: usize = 4_000;

impl Zeros {
    fn new(lies: bool) -> Zeros {
        let mut b = Builder::new();
        let mut build = || {
            let (x, y) = (b.input(Dtype::F32, &[4_096, 1_024])?, b.input(Dtype::F32, &[1_024; 2])?);
            let mut small = b.input(Dtype::I32, &[1])?;
            for _ in 3..PRODUCT {
                small = b.abs(small)?;
            }
            let product = b.matmul(x, y)?;
            for _ in PRODUCT + 1..4_096 {
                small = b.abs(small)?;
            }
            Ok::<_, tensor::BuildError>([small, product, small, small])
        };
        let outputs = build().expect("these ops fit each other");
        let program = Arc::new(b.finish(&outputs).expect("outputs"));
        Zeros { program, lies, sheets: BTreeMap::new() }
    }

    fn sheet(&self, node: &Node, lies: bool) -> Sheet {
        let zeros = Tensor::zeros(node.dtype, node.shape.dims()).expect("it has this shape");
        let mut sheet = Sheet::of(&zeros);
        if lies {
            let at = sheet.bytes.len() - 4;
            sheet.bytes[at] = 1;
            let last = sheet.leaves.len() - 1;
            sheet.leaves[last] = tree::leaf(&sheet.bytes[last * sheet.chunk_size..]);
        }
        sheet
    }

    fn outputs_root(&mut self) -> Hash {
        let roots = self.roots(0);
        tree::root(&self.program.outputs().iter().map(|op| roots[*op]).collect::<Vec<_>>())
    }
}

impl Evidence for Zeros {
    fn program(&self) -> &Program {
        &self.program
    }

    fn states(&mut self) -> Vec<Hash> {
        vec![self.outputs_root()]
    }

    fn inputs(&mut self, _: u32) -> Vec<Hash> {
        self.roots(0)[..3].to_vec()
    }

    fn roots(&mut self, _: u32) -> Vec<Hash> {
        let small = tree::root(&self.tensor(0, 2).leaves);
        let mut roots = vec![small; self.program.nodes().len()];
        for op in [0, 1, PRODUCT] {
            roots[op] = tree::root(&self.tensor(0, op).leaves);
        }
        roots
    }

    fn tensor(&mut self, _: u32, op: usize) -> Arc<Sheet> {
        if let Some(sheet) = self.sheets.get(&op) {
            return Arc::clone(sheet);
        }
        let sheet = Arc::new(self.sheet(&self.program.nodes()[op], self.lies && op == PRODUCT));
        self.sheets.insert(op, Arc::clone(&sheet));
        sheet
    }

    fn chain(&mut self, _: u32, op: usize, _: u64) -> Option<Arc<Sheet>> {
        let mut node = self.program.nodes()[op].clone();
        node.shape = Shape::new(&[1_024]).expect("one axis");
        (op == PRODUCT).then(|| Arc::new(self.sheet(&node, self.lies)))
    }
}

#[test]
fn a_dispute_over_2_to_the_32_operations_has_at_most_sixteen_moves_a_side() {
    for liar_asserts in [false, true] {
        let (mut asserter, mut challenger) = (Zeros::new(liar_asserts), Zeros::new(!liar_asserts));
        let roots = (asserter.outputs_root(), challenger.outputs_root());
        let inputs_root = tree::root(&asserter.inputs(0));
        let program = Arc::clone(&asserter.program);
        let mut hall = Hall::new(&program, inputs_root, roots.0, 1);
        let dispute = hall.challenge(&program, roots.1, CHALLENGER);
        let end = hall.play(dispute, &mut Liar(asserter), &mut Liar(challenger));
        let loser = if liar_asserts { Side::Asserter } else { Side::Challenger };
        assert_eq!((end.loser, end.by_clock), (loser, false));
        println!("moves {:?}", end.moves);
        assert!(end.moves.0 <= MOVES_MAX && end.moves.1 <= MOVES_MAX, "{:?}", end.moves);
        assert!(end.moves.0 >= 9, "the walk goes through every stage: {:?}", end.moves);
    }
}
