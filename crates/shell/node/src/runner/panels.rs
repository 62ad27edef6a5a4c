//! Who publishes and who tends the market of several providers, and when: once a day of it, after
//! the round is settled; and who tends the house's grids, at every look.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use chain::Client;

use super::{Event, Node};
use crate::{
    Config, NodeError, Source,
    challenges::{self, Challenges},
    eye,
    grids::Grids,
    panel::{Panel, Today},
    prices::Series,
    publisher::Publisher,
    scores::{Habits, Scores, Shelf},
    store::Store,
};

/// The duty, and how far it is.
#[derive(Debug)]
pub(super) struct Panels {
    panel: Option<Arc<Panel>>,
    underway: bool,
    /// The market's clock at the last day that is done.
    done: u64,
    grids: Arc<Grids>,
    /// Held while one look at them lasts.
    grids_busy: Arc<AtomicBool>,
    scores: Arc<Scores>,
}

impl Panels {
    /// Returns what tends a market of several providers and the house's grids, on the nodes that
    /// do.
    pub(super) fn of(
        config: &Config,
        at: (&Client, &Arc<Store>),
        dir: &Path,
    ) -> Result<Panels, NodeError> {
        let series = series(config)?;
        let panel = panel(config, at, series.clone());
        let grids = grids(config, at, series.clone());
        let scores = scores(config, at, (series, Shelf::open(dir)?));
        Ok(Panels { panel, underway: false, done: 0, grids, grids_busy: Arc::default(), scores })
    }

    /// Notes how a day went.
    pub(super) fn tended(&mut self, market_time: u64, done: bool) {
        self.underway = false;
        if done {
            self.done = self.done.max(market_time);
        }
    }
}

/// Returns what publishes, on the node that does.
pub(super) fn publisher(
    config: &Config,
    client: &Client,
) -> Result<Option<Arc<Publisher>>, NodeError> {
    let Some(source) = &config.publish else { return Ok(None) };
    let evaluation = evaluation(source)?;
    Ok(Some(Arc::new(Publisher::new(client.clone(), config.market(), evaluation, config.lie))))
}

fn evaluation(source: &Source) -> Result<market::Evaluation, NodeError> {
    let mut plan = source.plan()?;
    let absent = || NodeError::absent("the market data has no days to report on");
    plan.evaluations.drain(..).next().ok_or_else(absent)
}

fn panel(
    config: &Config,
    (client, store): (&Client, &Arc<Store>),
    series: Option<Series>,
) -> Option<Arc<Panel>> {
    let series = series?;
    let evaluation = || market::Evaluation::clone(&series.evaluation);
    let publisher = config
        .provides
        .then(|| Publisher::new(client.clone(), config.market(), evaluation(), config.lie));
    let challenges = Challenges::new(client.clone(), store.clone(), challenges::Kind::Step);
    Some(Arc::new(Panel::new((client.clone(), challenges), series, publisher)))
}

fn grids(
    config: &Config,
    (client, store): (&Client, &Arc<Store>),
    series: Option<Series>,
) -> Arc<Grids> {
    let challenges = Challenges::new(client.clone(), store.clone(), challenges::Kind::Grid);
    let market = (config.market(), config.calendar.clone());
    Arc::new(Grids::new((client, challenges), market, series, config.lie))
}

fn scores(
    config: &Config,
    (client, store): (&Client, &Arc<Store>),
    (series, shelf): (Option<Series>, Shelf),
) -> Arc<Scores> {
    let challenges = Challenges::new(client.clone(), store.clone(), challenges::Kind::Score);
    let habits = Habits { lie: config.lie, first_turn: config.first_turn };
    let (at, kept) = ((client.clone(), challenges), (shelf, habits));
    Arc::new(Scores::new(at, series, kept))
}

/// The market's days, where the node has them.
fn series(config: &Config) -> Result<Option<Series>, NodeError> {
    let Some(source) = &config.prices else { return Ok(None) };
    let (market, calendar) = (config.market(), config.calendar.clone());
    Ok(Some(Series { market, evaluation: Arc::new(evaluation(source)?), calendar }))
}

impl Node {
    /// Starts whatever of the day is missing.
    pub(super) fn tend(&mut self, look: &eye::Look) {
        let round = look.view.round.number;
        let (Some(market_time), Some(panel)) = (self.day(round), self.panels.panel.clone()) else {
            return;
        };
        if self.panels.underway || self.panels.done >= market_time {
            return;
        }
        self.panels.underway = true;
        let today = today(look, market_time);
        let (job, tensors, blobs, journal) =
            (self.job.clone(), self.tensors.clone(), self.blobs.clone(), self.journal.clone());
        let events = self.events.clone();
        tokio::spawn(async move {
            let result = panel.tend(&job, (&tensors, &blobs, &journal), today).await;
            if result.is_err() {
                tokio::time::sleep(super::CHAIN_RETRY).await;
            }
            // The loop that would hear of it may have ended, and the process with it.
            let _ = events.send(Event::Tended { market_time, result });
        });
    }

    /// Starts what the house's grids ask for, unless the last look at them is still under way.
    pub(super) fn tend_grids(&mut self, look: &eye::Look) {
        let Some(market_time) = self.day(look.view.round.number) else { return };
        let grids = self.panels.grids.clone();
        let busy = self.panels.grids_busy.clone();
        if busy.swap(true, Ordering::Acquire) {
            return;
        }
        let (job, today) = (self.job.clone(), today(look, market_time));
        tokio::spawn(async move {
            if let Err(error) = grids.tend(&job, today).await {
                tracing::debug!(%error, "the grids wait");
            }
            busy.store(false, Ordering::Release);
        });
    }
}

impl Node {
    /// Starts what scores ask for, unless the last look at them is still under way.
    pub(super) fn tend_scores(&self, look: &eye::Look) {
        let scores = self.panels.scores.clone();
        let today = today(look, self.day(look.view.round.number).unwrap_or(0));
        let (job, tensors, blobs, journal) =
            (self.job.clone(), self.tensors.clone(), self.blobs.clone(), self.journal.clone());
        let seen = (today, look.view.actives.clone());
        tokio::spawn(async move { scores.tend(&job, (&tensors, &blobs, &journal), seen).await });
    }
}

/// The day of the last round, and whether what anybody may do is this node's to do.
fn today(look: &eye::Look, market_time: u64) -> Today {
    let (round, own, actives) = (look.view.round.number, look.view.own, &look.view.actives);
    let count = u64::try_from(actives.len()).unwrap_or(1).max(1);
    let turn = usize::try_from(round % count).unwrap_or(0);
    let turn = own.is_some() && actives.get(turn).copied() == own;
    Today { round, market_time, now: look.time, block: look.block, turn }
}
