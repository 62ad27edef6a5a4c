//! Runs the aggregation Program on what was revealed, and keeps what came out.
//!
//! Invariant: the outputs are in the tensor store before anybody is told their roots.

use round::{
    aggregate::{self, Row},
    machine::Member,
};
use tensor::{Hash, Tensor};

use crate::{Job, NodeError, TensorStore, journal::Entry};

/// What the aggregation Program gave.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Hash of the Program that ran.
    pub program: Hash,
    /// List root of its inputs.
    pub inputs_root: Hash,
    /// params f32[d], accepted i32[m], distance f64[m], cumulative f64[n].
    pub outputs: Vec<Tensor>,
    /// Tensor roots of the outputs.
    pub output_roots: [Hash; 4],
}

impl Outcome {
    /// Returns the list root of the outputs: what a claim states.
    pub fn outputs_root(&self) -> Hash {
        court::opening::list_root(&self.output_roots)
    }

    /// Returns the bytes of output 1, padded to a chunk.
    pub fn accepted_chunk(&self) -> Vec<u8> {
        let mut chunk = self.outputs.get(1).map(Tensor::to_bytes).unwrap_or_default();
        chunk.resize(4 * tensor::tree::CHUNK_ELEMENTS, 0);
        chunk
    }

    /// Returns what the journal keeps of it; `roots` are those of the params and of the cumulative
    /// pay before.
    pub(crate) fn entry(
        &self,
        round: u64,
        roots: (Hash, Hash),
        budget_gwei: u64,
        members: &[Member],
    ) -> Entry {
        Entry {
            round,
            model_root: roots.0,
            cumulative_root: roots.1,
            budget_gwei,
            members: members.iter().map(Into::into).collect(),
            program: self.program,
            inputs_root: self.inputs_root,
            output_roots: self.output_roots,
        }
    }
}

/// Aggregates rows into new params and pay.
///
/// # Errors
///
/// [`NodeError::Program`] if no Program has that many rows, [`NodeError::Eval`] if an update has
/// another length.
pub fn aggregate(
    job: &Job,
    (params, cumulative): (Tensor, Tensor),
    budget_gwei: u64,
    rows: &[Row],
) -> Result<Outcome, NodeError> {
    let program = job.aggregate(rows.len())?;
    let inputs =
        aggregate::inputs((params, cumulative), budget_gwei, rows).map_err(NodeError::program)?;
    let outputs = kernels::eval(&program, &inputs)?;
    let output_roots = court::opening::roots(&outputs)
        .try_into()
        .map_err(|_| NodeError::program("the aggregation has four outputs"))?;
    let inputs_root = court::opening::list_root(&court::opening::roots(&inputs));
    Ok(Outcome { program: program.hash(), inputs_root, outputs, output_roots })
}

/// Reads the members' updates from the blob store.
///
/// # Errors
///
/// [`NodeError::Blob`] if the disk refuses, [`NodeError::Program`] if an update is not there.
pub(crate) fn rows(blobs: &net::blobs::Store, members: &[Member]) -> Result<Vec<Row>, NodeError> {
    let row = |member: &Member| {
        let absent =
            || NodeError::absent(format!("the update of node {} is not kept", member.index));
        let bytes = blobs.get(&member.blob.0)?.ok_or_else(absent)?;
        let update = update_tensor(&bytes).ok_or_else(absent)?;
        Ok(Row { member: member.index, update })
    };
    members.iter().map(row).collect()
}

/// Returns an update's tensor from its bytes.
pub fn update_tensor(bytes: &[u8]) -> Option<Tensor> {
    let words = bytes.chunks_exact(4).map(|four| four.try_into().map(i32::from_le_bytes));
    let elements: Vec<i32> = words.collect::<Result<_, _>>().ok()?;
    Tensor::i32(&[elements.len()], elements).ok().filter(|tensor| tensor.to_bytes() == bytes)
}

/// Runs the aggregation and keeps its outputs.
pub(crate) fn run(
    job: &Job,
    (tensors, blobs): (&TensorStore, &net::blobs::Store),
    state: (Tensor, Tensor),
    budget_gwei: u64,
    members: &[Member],
) -> Result<Outcome, NodeError> {
    let outcome = aggregate(job, state, budget_gwei, &rows(blobs, members)?)?;
    for output in &outcome.outputs {
        tensors.put(output)?;
    }
    Ok(outcome)
}
