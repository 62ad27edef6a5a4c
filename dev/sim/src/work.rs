//! The two computations of a node: a stand-in for training, and the real aggregation Program.
//!
//! Training is one deterministic step towards a hidden target with a node's own noise, so that
//! honest updates agree in direction and differ in detail, as on different data. Aggregation runs
//! the Program through the reference interpreter, once for the same rows whoever asks: a thousand
//! honest nodes would all compute the same bits.
//!
//! Scores are in [`worth`]. Absent: learning. What is simulated is the protocol around it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use court::header::Header;
use court::opening;
use court::trace::{Executor, Reference};
use round::aggregate::{self, Row};
use tensor::{Dtype, Hash, Program, Tensor};

use crate::behaviour::Behaviour;
use crate::options::Options;
use crate::worth::{self, Scored};

/// What a coordinate's unit is worth: updates are in steps of 2^-16.
pub const STEP: f32 = 1.0 / 65536.0;

/// Output of the aggregation that is the new cumulative pay.
pub const AGGREGATED: usize = 3;

/// The Programs of a job, by number of rows.
#[derive(Clone, Debug)]
pub struct Programs {
    aggregates: BTreeMap<usize, Registered>,
    /// None where rounds are paid alike.
    scores: BTreeMap<usize, Registered>,
}

/// A Program with what the chain knows of it.
#[derive(Clone, Debug)]
struct Registered {
    program: Arc<Program>,
    hash: Hash,
    header: Vec<u8>,
}

impl Registered {
    fn new(program: Program) -> Self {
        let header = program.header();
        Self { hash: Header::program(&header), program: Arc::new(program), header }
    }
}

impl Programs {
    /// Builds the Programs of a job from quorum to capacity.
    ///
    /// # Panics
    ///
    /// If there are none for these sizes, which the options rule out.
    #[must_use]
    pub fn build(options: &Options) -> Self {
        let (dimension, cumulative_length) = options.lengths();
        let rows = || (options.quorum..=options.capacity).map(|rows| rows as usize);
        let aggregate = |rows| {
            let built = round::aggregate(rows, dimension, cumulative_length, STEP);
            (rows, Registered::new(built.expect("the options keep the limits")))
        };
        let score = |terms, rows| {
            let program = worth::program(rows, (dimension, cumulative_length), terms);
            (rows, Registered::new(program))
        };
        let scores = options.scores.iter().flat_map(|terms| rows().map(move |m| score(terms, m)));
        Self { aggregates: rows().map(aggregate).collect(), scores: scores.collect() }
    }

    /// Returns the hash of each aggregation, ascending by rows.
    #[must_use]
    pub fn hashes(&self) -> Vec<Hash> {
        self.aggregates.values().map(|registered| registered.hash).collect()
    }

    /// Returns the hash of each score, ascending by rows.
    #[must_use]
    pub fn score_hashes(&self) -> Vec<Hash> {
        self.scores.values().map(|registered| registered.hash).collect()
    }

    /// Returns the aggregation of so many rows.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn of(&self, rows: usize) -> &Arc<Program> {
        &self.aggregates.get(&rows).expect("a round aggregates from quorum to capacity").program
    }

    /// Returns the score of so many rows.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn score(&self, rows: usize) -> &Arc<Program> {
        &self.scores.get(&rows).expect("a round has from quorum to capacity rows").program
    }

    /// Returns the header of the Program with this hash, nothing if there is none.
    #[must_use]
    pub fn header(&self, hash: Hash) -> Vec<u8> {
        let mut all = self.aggregates.values().chain(self.scores.values());
        let known = all.find(|registered| registered.hash == hash);
        known.map(|registered| registered.header.clone()).unwrap_or_default()
    }
}

/// What an aggregation is about, in few words: the roots it starts from, and of every row its
/// member and its update's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matter {
    /// Root of the params.
    pub model_root: Hash,
    /// Root of the cumulative pay.
    pub cumulative_root: Hash,
    /// The rows, ascending.
    pub rows: Vec<(u32, Hash)>,
}

/// One aggregation: what went in, and what came out.
#[derive(Debug)]
pub struct Case {
    /// List root of the inputs, by which claims about it are known.
    pub inputs_root: Hash,
    /// The Program's inputs.
    pub inputs: Vec<Tensor>,
    /// Its outputs.
    pub outputs: Vec<Arc<Tensor>>,
    /// Their roots.
    pub roots: [Hash; 4],
    /// The one chunk of output 1.
    pub accepted_chunk: Vec<u8>,
}

impl Case {
    /// Returns how many rows were aggregated.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.inputs.len() - aggregate::INPUTS_BEFORE_UPDATES as usize
    }
}

/// Runs aggregations, and remembers the last ones.
#[derive(Debug)]
pub struct Computer {
    /// The Programs it runs.
    pub programs: Arc<Programs>,
    budget_gwei: u64,
    memory: VecDeque<(Matter, Arc<Case>)>,
    scores: VecDeque<Arc<Scored>>,
}

impl Computer {
    /// Returns one that has run nothing.
    #[must_use]
    pub fn new(programs: Arc<Programs>, budget_gwei: u64) -> Self {
        Self { programs, budget_gwei, memory: VecDeque::new(), scores: VecDeque::new() }
    }

    /// Returns the result of an aggregation; params, pay and rows are asked for if it is new.
    ///
    /// # Panics
    ///
    /// If there is no Program for these rows, or the tensors are not its inputs.
    pub fn run(
        &mut self,
        matter: Matter,
        tensors: impl FnOnce() -> (Tensor, Tensor, Vec<Row>),
    ) -> Arc<Case> {
        /// Liars may state other params for a while, so more than one is in use.
        const KEPT: usize = 4;
        if let Some((_, case)) = self.memory.iter().find(|(known, _)| *known == matter) {
            return Arc::clone(case);
        }
        let (params, paid, rows) = tensors();
        let inputs = aggregate::inputs((params, paid), self.budget_gwei, &rows).expect("rows");
        let outputs = tensor::eval(self.programs.of(rows.len()), &inputs);
        let outputs = outputs.expect("the Program's own inputs");
        let roots = opening::roots(&outputs).try_into().expect("four outputs");
        let accepted_chunk = opening::open(&outputs[1], 0).expect("its one chunk").chunk;
        let inputs_root = opening::list_root(&opening::roots(&inputs));
        let outputs = outputs.into_iter().map(Arc::new).collect();
        let case = Arc::new(Case { inputs_root, inputs, outputs, roots, accepted_chunk });
        self.memory.push_front((matter, Arc::clone(&case)));
        self.memory.truncate(KEPT);
        case
    }

    /// Returns a score; its inputs are asked for if it is new.
    ///
    /// # Panics
    ///
    /// If there is no Program for these rows, or the tensors are not its inputs.
    pub fn score(
        &mut self,
        (inputs_root, rows): (Hash, usize),
        inputs: impl FnOnce() -> Vec<Tensor>,
    ) -> Arc<Scored> {
        const KEPT: usize = 4;
        if let Some(scored) = self.scores.iter().find(|known| known.inputs_root == inputs_root) {
            return Arc::clone(scored);
        }
        let scored = Arc::new(Scored::run(self.programs.score(rows), inputs()));
        self.scores.push_front(Arc::clone(&scored));
        self.scores.truncate(KEPT);
        scored
    }
}

/// Executes as a liar does that bends the cumulative pay: all else is right.
#[derive(Clone, Copy, Debug)]
pub struct Bent {
    /// The liar's registry index.
    pub node: u32,
    /// Which of the Program's outputs is the cumulative pay.
    pub output: usize,
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
        if program.outputs().get(self.output) == Some(&index) {
            more(&right, self.node)
        } else {
            right
        }
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

/// Returns the cumulative pay with more for one node.
///
/// # Panics
///
/// If `paid` is not f64, or has no element for the node.
#[must_use]
pub fn more(paid: &Tensor, node: u32) -> Tensor {
    let mut paid = paid.as_f64().expect("cumulative pay is f64").to_vec();
    paid[node as usize] += 1_000_000.0;
    Tensor::f64(&[paid.len()], paid).expect("the same length")
}

/// Returns the tensors a job starts from: params and cumulative pay.
///
/// # Panics
///
/// If a length is zero, which the options rule out.
#[must_use]
pub fn genesis((dimension, cumulative_length): (usize, usize)) -> (Tensor, Tensor) {
    let params = Tensor::zeros(Dtype::F32, &[dimension]).expect("at least one coordinate");
    let paid = Tensor::zeros(Dtype::F64, &[cumulative_length]).expect("at least one element");
    (params, paid)
}
