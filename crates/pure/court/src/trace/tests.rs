//! What is kept of a run, and what is executed again.

use std::sync::atomic::{AtomicUsize, Ordering};

use tensor::{Builder, Dtype};

use super::*;

/// The reference, counting.
#[derive(Clone, Debug, Default)]
struct Counting(Arc<AtomicUsize>);

impl Counting {
    /// Returns how many ops were executed since the last question.
    fn taken(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Executor for Counting {
    fn execute(&self, p: &Program, op: usize, operands: &[&Tensor], inputs: &[Tensor]) -> Tensor {
        self.0.fetch_add(1, Ordering::Relaxed);
        Reference.execute(p, op, operands, inputs)
    }
}

/// `neg`s, a product in the middle (op 4, 32 steps an element), and `neg`s again.
fn sample() -> (Arc<Program>, Vec<Tensor>) {
    let mut b = Builder::new();
    let mut build = || {
        let mut x = b.input(Dtype::I32, &[8, 32])?;
        for _ in 0..2 {
            x = b.neg(x)?;
        }
        let y = b.input(Dtype::I32, &[32, 32])?;
        let mut z = b.matmul(x, y)?;
        for _ in 0..3 {
            z = b.neg(z)?;
        }
        Ok::<_, tensor::BuildError>(z)
    };
    let output = build().expect("these ops fit each other");
    let program = Arc::new(b.finish(&[output]).expect("an output"));
    let tensor = |dims: &[usize]| {
        let count = dims.iter().product::<usize>();
        let elements = (0..count).map(|i| i32::try_from(i).expect("small")).collect();
        Tensor::i32(dims, elements).expect("as many elements")
    };
    (program, vec![tensor(&[8, 32]), tensor(&[32, 32])])
}

const PRODUCT: usize = 4;
/// Bytes of the product, and of every `neg`.
const SIZE: usize = 8 * 32 * 4;

#[test]
fn the_dearest_tensor_is_kept_first_and_never_more_than_there_is_room() {
    let (program, inputs) = sample();
    for room in [0, SIZE - 1, SIZE, 3 * SIZE, usize::MAX] {
        let trace = Trace::new(&program, &inputs, &Reference, room).expect("its inputs");
        assert!(trace.kept_bytes() <= room);
        assert_eq!(trace.kept.contains_key(&PRODUCT), room >= SIZE);
        assert_eq!(trace.kept_bytes(), room.min(5 * SIZE) / SIZE * SIZE);
    }
}

#[test]
fn what_is_asked_about_an_op_walked_into_executes_nothing_twice() {
    let (program, inputs) = sample();
    let count = program.nodes().len();
    let counting = Counting::default();
    let how = (Box::new(counting.clone()) as Box<_>, 3 * SIZE + 32 * 32 * 4);
    let mut witness = Witness::within(Arc::clone(&program), inputs, 1, how).expect("its inputs");
    assert_eq!(counting.taken(), count);
    // Up to the op, everything is known.
    let _ = (witness.states(), witness.inputs(0), witness.roots(0));
    assert_eq!(counting.taken(), 0);
    witness.tensor(0, PRODUCT);
    assert!(counting.taken() <= PRODUCT, "the op and what leads to its operands");
    for operand in program.nodes()[PRODUCT].op.operands() {
        witness.tensor(0, operand);
    }
    witness.tensor(0, PRODUCT);
    assert!(witness.chain(0, PRODUCT, 7).is_some());
    assert_eq!(counting.taken(), 0);
}
