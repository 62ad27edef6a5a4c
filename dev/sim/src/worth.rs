//! What rows were worth in a simulated job: what the market did, the loss, and scores as they were
//! computed.
//!
//! The market wants the model where training pulls it, a little elsewhere each round, so that some
//! rows earn and others cost. The score Program is the real one.
//!
//! Absent: anybody's word. What a node says of the market may be something else.

use std::sync::Arc;

use court::opening;
use round::score::{self, Rule};
use tensor::{BuildError, Builder, Dtype, Hash, Program, Tensor, Value};

use crate::options::Scores;
use crate::work::STEP;

/// Share of a row's stake that is paid for a score of 1.
const RATE: f64 = 0.05;

/// Output of the score Program that is the new cumulative pay.
pub const CUMULATIVE: usize = 1;
/// Output that is burnt.
pub const BURN: usize = 2;
/// Output that is paid.
pub const PAY: usize = 3;

/// Returns the score Program for a number of rows.
///
/// # Panics
///
/// If there is none for these sizes, which the options rule out.
#[must_use]
pub fn program(
    rows: usize,
    (length, cumulative_length): (usize, usize),
    terms: &Scores,
) -> Program {
    let config = score::Config {
        rows,
        length,
        cumulative_length,
        permutations: terms.permutations,
        aggregates: terms.models as usize,
        window: vec![length],
        step: STEP,
        rate: RATE,
        rule: Rule::Mean,
    };
    score::score(&config, loss).expect("the options keep the limits")
}

/// The squared distance from where the market wants the model.
fn loss(b: &mut Builder, params: Value, window: Value) -> Result<Value, BuildError> {
    let params = b.convert(params, Dtype::F64)?;
    let off = b.sub(params, window)?;
    let off = b.mul(off, off)?;
    b.sum(off, 0)
}

/// Returns what the market did after a round.
///
/// # Panics
///
/// If `dimension` is zero.
#[must_use]
pub fn window(round: u64, dimension: usize) -> Tensor {
    let mut noise = blake3::Hasher::new().update(&round.to_le_bytes()).finalize_xof();
    let wanted = (0..dimension).map(|k| {
        let mut byte = [0];
        noise.fill(&mut byte);
        let target = if k % 2 == 0 { 1.0 } else { -2.0 };
        target + (f64::from(byte[0]) - 128.0) / 1024.0
    });
    Tensor::f64(&[dimension], wanted.collect()).expect("at least one coordinate")
}

/// One score: what went in, and what came out.
#[derive(Debug)]
pub struct Scored {
    /// List root of the inputs.
    pub inputs_root: Hash,
    /// The Program's inputs.
    pub inputs: Vec<Tensor>,
    /// Its outputs.
    pub outputs: Vec<Arc<Tensor>>,
    /// Their roots.
    pub roots: Vec<Hash>,
}

impl Scored {
    /// Runs a score Program.
    ///
    /// # Panics
    ///
    /// If the inputs are not the Program's.
    #[must_use]
    pub fn run(program: &Program, inputs: Vec<Tensor>) -> Self {
        let outputs = tensor::eval(program, &inputs).expect("the Program's own inputs");
        let inputs_root = opening::list_root(&opening::roots(&inputs));
        let roots = opening::roots(&outputs);
        Self { inputs_root, inputs, outputs: outputs.into_iter().map(Arc::new).collect(), roots }
    }

    /// Returns how many rows were scored, where so many models before the round's own went in.
    #[must_use]
    pub fn rows(&self, models: u32) -> usize {
        (self.inputs.len() - models as usize - 1 - score::FIXED_INPUTS) / 2
    }

    /// Returns the one chunk of an output by row.
    ///
    /// # Panics
    ///
    /// If there is no such output, or it has more than a chunk.
    #[must_use]
    pub fn chunk(&self, output: usize) -> Vec<u8> {
        opening::open(&self.outputs[output], 0).expect("its one chunk").chunk.to_vec()
    }
}
