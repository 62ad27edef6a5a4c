//! How good the run was, for the lines at its end: honest updates that were rejected, and the model
//! against two baselines on the evaluation days.
//!
//! Absent: judgement. docs/model.md says what the figures mean and how they were chosen.

use anyhow::Context as _;
use market::{Evaluation, score};
use serde::Serialize;
use tensor::Tensor;

use super::summary::Round;

/// What a run can be judged by.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Quality {
    /// Updates of nodes that were not made to lie.
    pub(crate) honest_updates: usize,
    /// How many of those were rejected.
    pub(crate) honest_rejected: usize,
    /// Tokens that nodes which were not made to lie earned a seat, in the mean, less what was burnt
    /// of their stakes.
    pub(crate) honest_pay: f64,
    /// Rounds whose rows were paid by their worth.
    pub(crate) scored: usize,
    /// The same of those that were, where there are any.
    pub(crate) liar_pay: Option<f64>,
    /// Days of the evaluation.
    pub(crate) days: usize,
    /// Mean QLIKE of the last model's forecasts; where a day's variance may be zero, ln f + y / f.
    pub(crate) model: Option<f64>,
    /// The same of an exponential average with decay 0.94.
    pub(crate) ewma: Option<f64>,
    /// The same of yesterday's variance.
    pub(crate) walk: Option<f64>,
}

impl Quality {
    /// Counts rejections over the rounds of a run.
    pub(crate) fn count(&mut self, rounds: &[Round], is_liar: impl Fn(u32) -> bool) {
        let honest = |node: &&u32| !is_liar(**node);
        self.honest_updates = rounds.iter().flat_map(|r| &r.participants).filter(honest).count();
        let rejected = rounds.iter().flat_map(|round| &round.rejected);
        self.honest_rejected = rejected.filter(|one| !is_liar(one.node)).count();
        let scored = |round: &&Round| round.pay.iter().any(|pay| pay.score.is_some());
        self.scored = rounds.iter().filter(scored).count();
        self.honest_pay = pay(rounds, |node| !is_liar(node)).unwrap_or_default();
        self.liar_pay = pay(rounds, is_liar);
    }

    /// Scores a model on the evaluation days.
    ///
    /// # Errors
    ///
    /// Only if the parameters are of another model.
    pub(crate) fn score(
        &mut self,
        model: &learn::Model,
        evaluation: &Evaluation,
        params: &Tensor,
    ) -> anyhow::Result<()> {
        let days: Vec<&market::Day> = evaluation.days.iter().collect();
        let program = market::forecast(model, days.len()).context("the forecast Program")?;
        let inputs = market::forecast_inputs(params, &days).context("the evaluation days")?;
        let outputs = kernels::eval(&program, &inputs).context("the forecast")?;
        let log_variances =
            outputs.first().and_then(Tensor::as_f64).context("a forecast is f64")?;
        let forecasts: Vec<f64> = log_variances.iter().map(|ln_h| ln_h.exp()).collect();
        let report = score::report(evaluation, &forecasts);
        self.days = report.days;
        self.model = Some(report.model);
        self.ewma = Some(report.ewma);
        self.walk = Some(report.walk);
        Ok(())
    }

    /// Says it in two lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "honest    {} of {} honest updates were rejected",
            self.honest_rejected, self.honest_updates
        )];
        if let Some(liars) = self.liar_pay {
            let how = match self.scored {
                0 => "what is accepted is paid alike".to_owned(),
                scored => format!("by worth, less what was burnt; {scored} rounds scored"),
            };
            lines.push(format!(
                "pay       {:+.3} tokens a seat for honest updates, {liars:+.3} for liars' and \
                 attackers' ({how})",
                self.honest_pay
            ));
        }
        if let (Some(model), Some(ewma), Some(walk)) = (self.model, self.ewma, self.walk) {
            lines.push(format!(
                "quality   QLIKE {model:.4} on {} evaluation days; exponential average {ewma:.4}, \
                 random walk {walk:.4} (lower is better)",
                self.days
            ));
        }
        lines
    }
}

/// Mean pay of a seat over all rounds that paid and all nodes of a kind, less what was burnt;
/// nothing if they had no seats.
fn pay(rounds: &[Round], kind: impl Fn(u32) -> bool) -> Option<f64> {
    let (mut tokens, mut seats) = (0.0, 0_usize);
    let of = |text: &str| text.parse::<f64>().unwrap_or_default();
    for round in rounds.iter().filter(|round| !round.pay.is_empty()) {
        let paid = round.pay.iter().filter(|pay| kind(pay.node));
        tokens +=
            paid.map(|pay| of(&pay.tokens) - pay.burnt.as_deref().map_or(0.0, of)).sum::<f64>();
        let held = round.seats.iter().filter(|held| kind(held.node));
        seats += held.map(|held| held.seats).sum::<usize>();
    }
    #[expect(clippy::cast_precision_loss, reason = "a few seats")]
    let mean = tokens / seats as f64;
    (seats > 0).then_some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untrained_model_is_scored_beside_the_baselines() {
        let job = node::Job::new(learn::Kind::Har).expect("a job");
        let plan = node::Source::Wti.plan().expect("the bundled series");
        let mut quality = Quality::default();
        let (model, params) = (job.model(), job.initial_params());
        quality.score(model, &plan.evaluations[0], &params).expect("scored");
        let (model, walk) = (quality.model.expect("scored"), quality.walk.expect("scored"));
        assert!(model < walk, "the 22-day average {model} beats yesterday's {walk}");
        assert_eq!(quality.lines().len(), 2);
        assert_eq!(Quality::default().lines().len(), 1);
    }
}
