//! What is trained: a linear classifier with softmax and cross-entropy, and its gradients.
//!
//! One Program gives the gradients of all nodes at once, on a batch of each. Another thing to train
//! is in [`crate::volatility`].
//!
//! *Invariant: parameters and gradients are row-major [inputs, classes].*
//! Absent: hidden layers. A rule sees rows of numbers whatever they are of; a convex task makes
//! accuracy a matter of the rule, not of luck.

use kernels::{Runner, Threads};
use tensor::{BuildError, Builder, Dtype, Program, Tensor};

use crate::data::{CLASSES, Data, Examples};

/// Examples a node takes each round.
pub const BATCH: usize = 32;

/// What nodes train together.
pub trait Task {
    /// Returns how many parameters there are, all 0 before the first round.
    fn count(&self) -> usize;

    /// Returns what a round's aggregate is multiplied by.
    fn rate(&self) -> f32;

    /// Returns the kind of each example, below [`CLASSES`]: what splits are made by.
    fn kinds(&self) -> &[usize];

    /// Returns each node's gradient on [`BATCH`] examples of its own; the first `flipped` nodes see
    /// the opposite of what is true.
    fn gradients(&mut self, params: &[f32], batch: &[usize], flipped: usize) -> Vec<Vec<f32>>;

    /// Returns how good a model is on examples that nobody trains on; more is better.
    fn score(&mut self, params: &[f32]) -> f64;
}

/// Digits and their classifier.
#[derive(Debug)]
pub struct Digits<'a> {
    data: &'a Data,
    classifier: Classifier,
}

impl<'a> Digits<'a> {
    /// Returns the task for so many nodes.
    ///
    /// # Panics
    ///
    /// If there are no nodes or no examples.
    #[must_use]
    pub fn new(data: &'a Data, nodes: usize) -> Self {
        let sizes = (nodes, BATCH);
        Digits { data, classifier: Classifier::new(data.train.width, sizes, &data.test) }
    }
}

impl Task for Digits<'_> {
    fn count(&self) -> usize {
        self.data.train.width * CLASSES
    }

    fn rate(&self) -> f32 {
        1.0
    }

    fn kinds(&self) -> &[usize] {
        &self.data.train.labels
    }

    fn gradients(&mut self, params: &[f32], batch: &[usize], flipped: usize) -> Vec<Vec<f32>> {
        let mut inputs = Batch::default();
        for (at, example) in batch.iter().enumerate() {
            let label = self.data.train.labels[*example];
            let label = if at / BATCH < flipped { CLASSES - 1 - label } else { label };
            inputs.push(self.data.train.input(*example), label);
        }
        self.classifier.gradients(params, inputs)
    }

    fn score(&mut self, params: &[f32]) -> f64 {
        self.classifier.accuracy(params)
    }
}

/// Computes gradients and accuracy.
#[derive(Debug)]
pub struct Classifier {
    gradients: Runner,
    scores: Runner,
    width: usize,
    nodes: usize,
    batch: usize,
    test: Tensor,
    labels: Vec<usize>,
}

/// A batch of every node: inputs and one-hot labels.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Inputs, node by node.
    pub inputs: Vec<f32>,
    /// Labels, one in [`CLASSES`] each.
    pub labels: Vec<f32>,
}

impl Batch {
    /// Adds an example under a label.
    pub fn push(&mut self, input: &[f32], label: usize) {
        self.inputs.extend_from_slice(input);
        let start = self.labels.len();
        self.labels.resize(start + CLASSES, 0.0);
        self.labels[start + label] = 1.0;
    }
}

impl Classifier {
    /// Returns a classifier of inputs of this width, for so many nodes with batches of this size,
    /// measured on these.
    ///
    /// # Panics
    ///
    /// If a size is 0.
    #[must_use]
    pub fn new(width: usize, (nodes, batch): (usize, usize), test: &Examples) -> Classifier {
        let one = Threads { count: 1, ..Threads::available() };
        let gradients = gradients(width, nodes, batch).expect("sizes are above 0");
        let scores = scores(width, test.labels.len()).expect("sizes are above 0");
        let ready = |program: &Program| Runner::new(program).with_threads(one);
        let labels = test.labels.clone();
        let test = Tensor::f32(&[labels.len(), width], test.inputs.clone());
        let test = test.expect("every example has as many inputs");
        let (gradients, scores) = (ready(&gradients), ready(&scores));
        Classifier { gradients, scores, width, nodes, batch, test, labels }
    }

    /// Returns each node's gradient at these parameters.
    ///
    /// # Panics
    ///
    /// If the batch is not of this classifier's sizes.
    pub fn gradients(&mut self, params: &[f32], batch: Batch) -> Vec<Vec<f32>> {
        const FITS: &str = "the batch has an example for each place";
        let rows = self.nodes * self.batch;
        let inputs = [
            Tensor::f32(&[self.width, CLASSES], params.to_vec()).expect(FITS),
            Tensor::f32(&[rows, self.width], batch.inputs).expect(FITS),
            Tensor::f32(&[rows, CLASSES], batch.labels).expect(FITS),
        ];
        let outputs = self.gradients.run(&inputs).expect(FITS);
        let all = outputs[0].as_f32().expect("gradients are f32");
        all.chunks(self.width * CLASSES).map(<[f32]>::to_vec).collect()
    }

    /// Returns the share of the examples whose greatest score is their label's.
    ///
    /// # Panics
    ///
    /// If there are more or fewer parameters than the classifier has.
    #[expect(clippy::cast_precision_loss, reason = "thousands of examples")]
    pub fn accuracy(&mut self, params: &[f32]) -> f64 {
        const FITS: &str = "the parameters are those of the classifier";
        let params = Tensor::f32(&[self.width, CLASSES], params.to_vec()).expect(FITS);
        let outputs = self.scores.run(&[&params, &self.test]).expect(FITS);
        let best = outputs[0].as_i32().expect("places are i32");
        let right = best
            .iter()
            .zip(&self.labels)
            .filter(|(best, label)| usize::try_from(**best).is_ok_and(|best| best == **label));
        right.count() as f64 / self.labels.len() as f64
    }
}

/// `(params, inputs, labels) -> gradients f32[nodes, width, classes]`, means over each batch.
fn gradients(width: usize, nodes: usize, batch: usize) -> Result<Program, BuildError> {
    let rows = nodes * batch;
    let mut b = Builder::new();
    let params = b.input(Dtype::F32, &[width, CLASSES])?;
    let inputs = b.input(Dtype::F32, &[rows, width])?;
    let labels = b.input(Dtype::F32, &[rows, CLASSES])?;
    let scores = b.matmul(inputs, params)?;
    let most = b.max_axis(scores, 1)?;
    let most = b.reshape(most, &[rows, 1])?;
    let most = b.broadcast(most, &[rows, CLASSES])?;
    let scores = b.sub(scores, most)?;
    let powers = b.exp(scores)?;
    let total = b.sum(powers, 1)?;
    let total = b.reshape(total, &[rows, 1])?;
    let total = b.broadcast(total, &[rows, CLASSES])?;
    let shares = b.div(powers, total)?;
    let errors = b.sub(shares, labels)?;
    let size =
        b.full(Dtype::F32, &[rows, CLASSES], f64::from(u32::try_from(batch).unwrap_or(1)))?;
    let errors = b.div(errors, size)?;
    let errors = b.reshape(errors, &[nodes, batch, CLASSES])?;
    let inputs = b.reshape(inputs, &[nodes, batch, width])?;
    let across = b.transpose(inputs, &[0, 2, 1])?;
    let gradients = b.matmul(across, errors)?;
    b.finish(&[gradients])
}

/// `(params, inputs) -> i32[examples]`, the class with the greatest score.
fn scores(width: usize, examples: usize) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let params = b.input(Dtype::F32, &[width, CLASSES])?;
    let inputs = b.input(Dtype::F32, &[examples, width])?;
    let scores = b.matmul(inputs, params)?;
    let best = b.argmax(scores, 1)?;
    b.finish(&[best])
}
