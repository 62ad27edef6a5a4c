//! Lies, for show: what `up` makes some of its nodes do, so that people see what becomes of it.
//!
//! Invariant: nothing here runs on a node whose configuration names no lie.

use std::sync::Arc;

use court::trace::{Evidence, Sheet, Witness};
use serde::{Deserialize, Serialize};
use tensor::{Hash, Op, Program, Tensor};

use crate::{NodeError, executor::Bent, grids::SCENARIOS};

/// What a node lies about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lie {
    /// Its update: turned round, tenfold.
    Update,
    /// Its update: beside the mean of the last round's, one and a half of their deviations away in
    /// each coordinate (Baruch, Baruch and Goldberg, "A Little Is Enough", 2019), so that no rule
    /// sees it.
    Hide,
    /// Its update: what another sent in the round before.
    Copy,
    /// The result of the aggregation, when it is its turn: the whole budget goes to itself.
    Pay,
    /// The report of the first round, where it publishes: the margin is the shortfall, without its
    /// loading.
    Report,
    /// The first grid, where it claims them: a perpetual loses half as much in its worst scenario.
    Grid,
    /// What rows were worth, when it is its turn to claim that: the whole budget goes to itself.
    Score,
}

/// Place of the upper bound in an output of the report Program.
const UPPER: usize = 2;

/// How many standard deviations [`Lie::Hide`] keeps from the mean.
const HIDING: f64 = 1.5;

impl Lie {
    /// Whether it is about a node's update.
    pub fn of_update(self) -> bool {
        matches!(self, Lie::Update | Lie::Hide | Lie::Copy)
    }

    /// Returns the update sent in place of an honest one; `before` are those of the last round by
    /// the other nodes, ascending by registry index, and where there are none it is the honest one
    /// or, for a copy, nothing.
    pub fn update(self, honest: Vec<i32>, before: &[Vec<i32>]) -> Vec<i32> {
        match (self, before.first()) {
            (Lie::Hide, Some(_)) => (0..honest.len()).map(|at| hidden(before, at)).collect(),
            (Lie::Copy, Some(first)) => first.clone(),
            (Lie::Copy, None) => vec![0; honest.len()],
            _ => honest,
        }
    }
}

/// One coordinate below the others' mean.
fn hidden(before: &[Vec<i32>], at: usize) -> i32 {
    let column: Vec<f64> =
        before.iter().filter_map(|update| update.get(at)).map(|q| f64::from(*q)).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few nodes")]
    let count = column.len().max(1) as f64;
    let mean = column.iter().sum::<f64>() / count;
    let variance = column.iter().map(|q| (q - mean) * (q - mean)).sum::<f64>() / count;
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and is clamped later on")]
    let hidden = (mean - HIDING * variance.sqrt()).round() as i32;
    hidden
}

/// An execution in which one element is wrong (one row is paid the whole budget, a margin has no
/// loading), consistent from there on.
pub(crate) struct Crooked {
    witness: Witness,
    at: (usize, u64),
    paid: f64,
}

/// Returns a tensor in f64 with another value in one element.
fn with(tensor: Tensor, element: usize, value: f64) -> Tensor {
    let Some(elements) = tensor.as_f64() else { return tensor };
    let mut bent = elements.to_vec();
    if let Some(element) = bent.get_mut(element) {
        *element = value;
    }
    Tensor::f64(tensor.shape().dims(), bent).expect("as many elements as before")
}

impl Crooked {
    /// Runs the aggregation so that registry index `own` is paid the budget.
    ///
    /// # Errors
    ///
    /// [`NodeError::Program`] if the Program pays nobody, [`NodeError::Eval`] if the inputs are not
    /// its.
    pub(crate) fn new(
        program: Arc<Program>,
        inputs: Vec<Tensor>,
        (own, budget_gwei): (u32, u64),
    ) -> Result<Crooked, NodeError> {
        let pays = |op: &Op| matches!(op, Op::ScatterAdd { .. });
        let op = program.nodes().iter().rposition(|node| pays(&node.op));
        let op = op.ok_or_else(|| NodeError::absent("a Program that pays nobody"))?;
        #[expect(clippy::cast_precision_loss, reason = "a job's budget is below 2^53")]
        let paid = budget_gwei as f64;
        let bent = Bent { op, bend: move |tensor| with(tensor, own as usize, paid) };
        let witness = Witness::new(program, inputs, 1, Box::new(bent))?;
        Ok(Crooked { witness, at: (op, own.into()), paid })
    }

    /// Returns the list root of the outputs that it would claim.
    pub(crate) fn outputs_root(&self) -> Hash {
        self.witness.outputs_root()
    }

    /// Runs the report Program so that the margin comes without its loading.
    ///
    /// # Errors
    ///
    /// [`NodeError::Eval`] if the inputs are not its.
    pub(crate) fn report(program: Arc<Program>, inputs: Vec<Tensor>) -> Result<Crooked, NodeError> {
        let outputs = kernels::eval(&program, &inputs)?;
        let paid = crate::report::bounds(outputs.first())?.value;
        let op = program.outputs().first().copied();
        let op = op.ok_or_else(|| NodeError::absent("a Program without outputs"))?;
        Crooked::last(program, inputs, (op, UPPER, paid))
    }

    /// Runs the Program of grids so that the perpetual loses half as much.
    ///
    /// # Errors
    ///
    /// [`NodeError::Eval`] if the inputs are not its.
    pub(crate) fn grid(program: Arc<Program>, inputs: Vec<Tensor>) -> Result<Crooked, NodeError> {
        let (at, value) = half_loss(&kernels::eval(&program, &inputs)?.remove(0))?;
        let op = program.outputs().first().copied();
        let op = op.ok_or_else(|| NodeError::absent("a Program without outputs"))?;
        Crooked::last(program, inputs, (op, at, value))
    }

    fn last(
        program: Arc<Program>,
        inputs: Vec<Tensor>,
        (op, element, paid): (usize, usize, f64),
    ) -> Result<Crooked, NodeError> {
        let bent = Bent { op, bend: move |tensor| with(tensor, element, paid) };
        let witness = Witness::new(program, inputs, 1, Box::new(bent))?;
        Ok(Crooked { witness, at: (op, element as u64), paid })
    }
}

/// Returns a grid with half the perpetual's loss in the scenario of the greatest.
///
/// # Errors
///
/// [`NodeError::Absent`] if it is no grid.
pub(crate) fn halved(grid: &Tensor) -> Result<Tensor, NodeError> {
    let (at, value) = half_loss(grid)?;
    let mut elements = grid.as_f64().unwrap_or_default().to_vec();
    if let Some(element) = elements.get_mut(at) {
        *element = value;
    }
    Tensor::f64(grid.shape().dims(), elements).map_err(NodeError::program)
}

/// Place and half of the greatest loss in a grid's first row, which is the perpetual's.
fn half_loss(grid: &Tensor) -> Result<(usize, f64), NodeError> {
    let elements = grid.as_f64().unwrap_or_default();
    let losses = elements.iter().copied().enumerate().take(SCENARIOS);
    let worst = losses.min_by(|a, b| a.1.total_cmp(&b.1));
    let (at, loss) = worst.ok_or_else(|| NodeError::absent("a grid without rows"))?;
    Ok((at, loss / 2.0))
}

/// Returns a report's outputs with the margin's upper bound at its value.
///
/// # Errors
///
/// [`NodeError::Program`] if they are not a report's.
pub(crate) fn without_loading(outputs: &[Tensor]) -> Result<Vec<Tensor>, NodeError> {
    let crate::report::Bounds { value, lower, .. } = crate::report::bounds(outputs.first())?;
    let margin = Tensor::f64(&[3], vec![value, lower, value]).map_err(NodeError::program)?;
    Ok(std::iter::once(margin).chain(outputs.iter().skip(1).cloned()).collect())
}

impl Evidence for Crooked {
    fn program(&self) -> &Program {
        self.witness.program()
    }

    fn states(&mut self) -> Vec<Hash> {
        self.witness.states()
    }

    fn inputs(&mut self, iteration: u32) -> Vec<Hash> {
        self.witness.inputs(iteration)
    }

    fn roots(&mut self, iteration: u32) -> Vec<Hash> {
        self.witness.roots(iteration)
    }

    fn tensor(&mut self, iteration: u32, op: usize) -> Arc<Sheet> {
        self.witness.tensor(iteration, op)
    }

    /// The bent element's chain must end in what was claimed: its last steps are bent as well.
    fn chain(&mut self, iteration: u32, op: usize, element: u64) -> Option<Arc<Sheet>> {
        let honest = self.witness.chain(iteration, op, element)?;
        if self.at != (op, element) {
            return Some(honest);
        }
        let indices = self.witness.program().nodes()[op].op.operands()[1];
        let steps = self.witness.program().nodes()[indices].shape.count();
        let state = |step: usize| {
            let bytes = honest.bytes.get(8 * step..8 * step + 8)?;
            Some(f64::from_le_bytes(bytes.try_into().ok()?))
        };
        let mut states: Vec<f64> = (0..steps).map(state).collect::<Option<_>>()?;
        let last = *states.last()?;
        for state in &mut states {
            if state.to_bits() == last.to_bits() {
                *state = self.paid;
            }
        }
        Some(Arc::new(Sheet::of(&Tensor::f64(&[steps], states).ok()?)))
    }
}
