//! Days by the mixture of regression and networks, where it is asked for.
//!
//! The networks are trained on the way, on the bars of all markets of the back-test, which takes a
//! minute a thousand days. Margins do not change: they rest on hours.
//!
//! *Invariant: weights of a day rest on days before it.*

use kernels::{Runner, Threads};
use market::Series;
use market::risk::{self, Executor, RiskError};
use tensor::Program;

use crate::case::Case;
use crate::engine;
use crate::error::Error;

/// Replaces the days of each case from the first that the networks forecast.
pub(crate) fn mix(cases: &mut [Case], series: &[&Series]) -> Result<(), Error> {
    let mut hours = Vec::with_capacity(cases.len());
    for (case, series) in cases.iter().zip(series) {
        let mut series = (*series).clone();
        let end_s = case.window.1.next().unix();
        series.bars.retain(|bar| bar.open_s < end_s);
        hours.push(market::hourly(&series).map_err(RiskError::from)?);
    }
    let markets: Vec<&[market::Hour]> = hours.iter().map(Vec::as_slice).collect();
    for (case, mixed) in cases.iter_mut().zip(risk::mixed_days(&markets, &prepare)?) {
        for day in mixed {
            let place = case.days.binary_search_by_key(&day.report.date, |day| day.date);
            if let Ok(place) = place {
                case.days[place] = engine::day(&day.report);
                case.weights.push((day.report.date, day.weights));
            }
        }
    }
    Ok(())
}

fn prepare(program: &Program) -> Executor<'static> {
    let mut runner =
        Runner::new(program).with_threads(Threads { count: 1, ..Threads::available() });
    Box::new(move |inputs| runner.run(inputs))
}
