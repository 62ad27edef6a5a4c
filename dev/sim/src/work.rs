//! The two computations of a node: a stand-in for training, and the real aggregation Program.
//!
//! Training is one deterministic step towards a hidden target with a node's own noise, so that
//! honest updates agree in direction and differ in detail, as on different data. Aggregation runs
//! the Program through the reference interpreter.
//!
//! Absent: learning. What is simulated is the protocol around it.

use std::collections::BTreeMap;
use std::sync::Arc;

use court::header::Header;
use court::trace::{Executor, Reference};
use round::aggregate::{self, Row};
use tensor::{Dtype, Hash, Program, Tensor};

use crate::options::Behaviour;

/// What a coordinate's unit is worth: updates are in steps of 2^-16.
pub const STEP: f32 = 1.0 / 65536.0;
/// Length of the cumulative tensor.
pub const CUMULATIVE_LENGTH: usize = 64;

/// The aggregation Programs of a job, by number of rows.
#[derive(Clone, Debug)]
pub struct Programs(BTreeMap<usize, Arc<Program>>);

impl Programs {
    /// Builds the Programs from quorum to capacity.
    ///
    /// # Panics
    ///
    /// If there are none for these sizes, which the options rule out.
    #[must_use]
    pub fn build(quorum: u32, capacity: u32, dimension: usize) -> Self {
        let program = |rows: u32| {
            let rows = rows as usize;
            let built = round::aggregate(rows, dimension, CUMULATIVE_LENGTH, STEP);
            (rows, Arc::new(built.expect("the options keep the limits")))
        };
        Self((quorum..=capacity).map(program).collect())
    }

    /// Returns the hash of each, ascending.
    #[must_use]
    pub fn hashes(&self) -> Vec<Hash> {
        self.0.values().map(|program| program.hash()).collect()
    }

    /// Returns the Program for so many rows.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn of(&self, rows: usize) -> &Arc<Program> {
        self.0.get(&rows).expect("a round aggregates from quorum to capacity")
    }

    /// Returns the header of the Program with this hash, nothing if there is none.
    #[must_use]
    pub fn header(&self, hash: Hash) -> Vec<u8> {
        let headers = self.0.values().map(|program| program.header());
        headers.into_iter().find(|header| Header::program(header) == hash).unwrap_or_default()
    }

    /// Runs the Program for these rows.
    ///
    /// # Panics
    ///
    /// If there is no Program for them, or the tensors are not its inputs.
    #[must_use]
    pub fn run(&self, params: Tensor, paid: Tensor, budget_gwei: u64, rows: &[Row]) -> Vec<Tensor> {
        let inputs = aggregate::inputs((params, paid), budget_gwei, rows).expect("rows");
        tensor::eval(self.of(rows.len()), &inputs).expect("the Program's own inputs")
    }
}

/// Executes as a liar does that bends the cumulative pay: all else is right.
#[derive(Clone, Copy, Debug)]
pub struct Bent {
    /// The liar's registry index.
    pub node: u32,
}

impl Executor for Bent {
    fn execute(
        &self,
        program: &Program,
        index: usize,
        operands: &[&Tensor],
        inputs: &[Tensor],
    ) -> Tensor {
        let right = Reference.execute(program, index, operands, inputs);
        if program.outputs().get(3) == Some(&index) { more(&right, self.node) } else { right }
    }
}

/// Returns a node's update for a round.
///
/// # Panics
///
/// If `params` is not f32.
#[must_use]
pub fn train(seed: Hash, node: u32, params: &Tensor, behaviour: Behaviour) -> Vec<i32> {
    let params = params.as_f32().expect("params are f32");
    let noise = blake3::Hasher::new_keyed(&seed.0).update(&node.to_le_bytes()).finalize_xof();
    let mut noise = noise;
    let honest = params.iter().enumerate().map(|(k, param)| {
        let mut byte = [0];
        noise.fill(&mut byte);
        let target = if k % 2 == 0 { 1.0 } else { -2.0 };
        #[expect(clippy::cast_possible_truncation, reason = "within a few units of 2^16")]
        let pull = ((target - f64::from(*param)) * 16384.0) as i32;
        pull + i32::from(byte[0]) - 128
    });
    match behaviour {
        Behaviour::Poison => honest.map(|q| 1_000_000 - 5 * q).collect(),
        _ => honest.collect(),
    }
}

/// Bends a result in favour of the liar with this registry index.
///
/// # Panics
///
/// If the outputs are not those of an aggregation.
#[must_use]
pub fn bend(outputs: &[Tensor], node: u32) -> Vec<Tensor> {
    let mut outputs = outputs.to_vec();
    outputs[3] = more(&outputs[3], node);
    outputs
}

/// The cumulative pay with more for one node.
fn more(paid: &Tensor, node: u32) -> Tensor {
    let mut paid = paid.as_f64().expect("cumulative pay is f64").to_vec();
    paid[node as usize] += 1_000_000.0;
    Tensor::f64(&[paid.len()], paid).expect("the same length")
}

/// Returns the tensors a job starts from: params and cumulative pay.
///
/// # Panics
///
/// If the dimension is zero, which the options rule out.
#[must_use]
pub fn genesis(dimension: usize) -> (Tensor, Tensor) {
    let params = Tensor::zeros(Dtype::F32, &[dimension]).expect("at least one coordinate");
    let paid = Tensor::zeros(Dtype::F64, &[CUMULATIVE_LENGTH]).expect("a positive constant");
    (params, paid)
}
