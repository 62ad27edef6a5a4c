//! What the publisher reports after a round: the market's price, its volatility and the margin,
//! with bounds.
//!
//! Margin and volatility are one Program (`market::report`, docs/model.md) on the settled round and
//! on market data that is posted with it. So whoever has the round's updates computes the same bits
//! from the chain alone: every node does, and disputes what differs.
//!
//! Deliberately absent: what the contracts do with it.

use std::sync::Arc;

use market::{Evaluation, REPORT_DAYS, Recent, Trained, Wad};
use round::aggregate;
use tensor::{Hash, Program, Tensor};

use crate::{Job, NodeError, TensorStore, aggregation, journal::Entry};

/// A value with its bounds, as fractions.
///
/// Of the margin: the expected shortfall of the day's loss, its 99.5 % quantile below, and above
/// the margin that is asked for. Of the volatility: the forecast in its 90 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The value.
    pub value: f64,
    /// At most the value.
    pub lower: f64,
    /// At least the value.
    pub upper: f64,
}

/// What of a report's inputs the chain has: the model, and how it came about.
#[derive(Clone, Debug)]
pub struct Basis {
    params: Tensor,
    round: Option<Round>,
}

/// The settled round that the model comes from.
#[derive(Clone, Debug)]
struct Round {
    trained: Trained,
    /// Roots of the inputs and outputs of its claim.
    lists: (Vec<Hash>, Vec<Hash>),
}

impl Basis {
    /// Returns that of the untrained model, before the first settled round.
    pub fn genesis(job: &Job) -> Basis {
        Basis { params: job.initial_params(), round: None }
    }

    /// Returns that of a settled round from what a node keeps of it.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if an output or an update of the round is not kept.
    pub fn of_round(
        (tensors, blobs): (&TensorStore, &net::blobs::Store),
        entry: &Entry,
    ) -> Result<Basis, NodeError> {
        let members: Vec<_> = entry.members.iter().map(crate::journal::Row::member).collect();
        let rows = aggregation::rows(blobs, &members)?;
        let before = tensors.get(entry.model_root)?;
        let state = (before.clone(), tensors.get(entry.cumulative_root)?);
        let inputs =
            aggregate::inputs(state, entry.budget_gwei, &rows).map_err(NodeError::program)?;
        let accepted = tensors.get(entry.output_roots[1])?;
        let updates = rows.into_iter().map(|row| row.update).collect();
        let lists = (court::opening::roots(&inputs), entry.output_roots.to_vec());
        let round = Round { trained: Trained { before, accepted, updates }, lists };
        Ok(Basis { params: tensors.get(entry.output_roots[0])?, round: Some(round) })
    }

    /// Returns the tensor roots of the inputs and of the outputs of the round's claim.
    pub fn lists(&self) -> (&[Hash], &[Hash]) {
        self.round.as_ref().map_or((&[], &[]), |round| (&round.lists.0, &round.lists.1))
    }

    /// Returns the Program of a report on this basis, and its inputs.
    ///
    /// # Errors
    ///
    /// [`NodeError::Program`] if no Program has that many rows.
    pub fn execution(
        &self,
        job: &Job,
        recent: &Recent,
    ) -> Result<(Arc<Program>, Vec<Tensor>), NodeError> {
        let trained = self.round.as_ref().map(|round| &round.trained);
        let rows = trained.map_or(0, |trained| trained.updates.len());
        Ok((job.report(rows)?, market::report_inputs(&self.params, recent, trained)))
    }
}

/// One day's report.
#[derive(Clone, Debug)]
pub struct DayReport {
    /// The market's last price before the day, dollars.
    pub price: f64,
    /// Shortfall, quantile and initial margin as fractions of notional.
    pub margin: Bounds,
    /// Standard deviation of the day's return.
    pub volatility: Bounds,
    /// Hash of the report Program.
    pub program: Hash,
    /// List root of its inputs.
    pub inputs_root: Hash,
    /// Tensor root of the model.
    pub model_root: Hash,
    /// What it returned: margin and volatility, f64\[3\] each.
    pub outputs: Vec<Tensor>,
    /// The market's data among its inputs.
    pub recent: Recent,
}

/// Computes the report of a day.
///
/// # Errors
///
/// [`NodeError`] if the evaluation has no such day or a tensor is of another model.
pub fn report(
    job: &Job,
    evaluation: &Evaluation,
    index: usize,
    basis: &Basis,
) -> Result<DayReport, NodeError> {
    let no_day = || NodeError::program(format!("the evaluation has no day {index}"));
    let day = evaluation.days.get(index).ok_or_else(no_day)?;
    let before = evaluation.recent(index, REPORT_DAYS);
    let recent = Recent::new(&before, day).map_err(NodeError::program)?;
    let (program, inputs) = basis.execution(job, &recent)?;
    let outputs = kernels::eval(&program, &inputs)?;
    Ok(DayReport {
        price: day.price,
        margin: bounds(outputs.first())?,
        volatility: bounds(outputs.get(1))?,
        program: program.hash(),
        inputs_root: court::opening::list_root(&court::opening::roots(&inputs)),
        model_root: basis.params.root(),
        outputs,
        recent,
    })
}

/// Returns a price in WAD, rounded down.
///
/// # Errors
///
/// [`NodeError::Program`] if it is negative, not a number or too large.
pub fn wad(value: f64) -> Result<u128, NodeError> {
    Ok(Wad::from_f64(value).map_err(NodeError::program)?.0)
}

/// Returns value, lower and upper bound in WAD as the oracle reads them: the lower one rounded
/// down, the others up.
///
/// # Errors
///
/// [`NodeError::Program`] if one is negative, not a number or too large.
pub fn wads(bounds: &Bounds) -> Result<[u128; 3], NodeError> {
    let up = |x| Ok::<_, NodeError>(Wad::from_f64_up(x).map_err(NodeError::program)?.0);
    Ok([up(bounds.value)?, wad(bounds.lower)?, up(bounds.upper)?])
}

/// Reads an output of the report Program.
///
/// # Errors
///
/// [`NodeError::Program`] if it is not three f64.
pub(crate) fn bounds(output: Option<&Tensor>) -> Result<Bounds, NodeError> {
    match output.and_then(Tensor::as_f64) {
        Some([value, lower, upper]) => Ok(Bounds { value: *value, lower: *lower, upper: *upper }),
        _ => Err(NodeError::program("a report is three f64")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use learn::Kind;

    #[test]
    fn a_report_is_within_its_bounds_and_recomputes_to_the_bit() {
        let job = Job::new(Kind::Har).expect("a job");
        let plan = crate::Source::Wti.plan().expect("the bundled series");
        let basis = Basis::genesis(&job);
        let run = || report(&job, &plan.evaluations[0], 0, &basis).expect("a report");
        let (first, again) = (run(), run());
        for bounds in [first.margin, first.volatility] {
            assert!(bounds.lower <= bounds.value && bounds.value <= bounds.upper, "{bounds:?}");
            let [value, lower, upper] = wads(&bounds).expect("fractions");
            assert!(lower <= value && value <= upper);
        }
        assert!(first.price > 20.0 && first.price < 200.0, "{}", first.price);
        assert_eq!(first.margin.upper.to_bits(), again.margin.upper.to_bits());
        assert_eq!(first.inputs_root, again.inputs_root);
        // Whoever has the posted bytes has the execution.
        let bytes: Vec<Vec<u8>> = first.recent.tensors().iter().map(Tensor::to_bytes).collect();
        let recent = Recent::from_bytes(job.model(), &bytes).expect("of these lengths");
        let (program, inputs) = basis.execution(&job, &recent).expect("an execution");
        assert_eq!(program.hash(), first.program);
        let inputs_root = court::opening::list_root(&court::opening::roots(&inputs));
        assert_eq!(inputs_root, first.inputs_root);
    }
}
