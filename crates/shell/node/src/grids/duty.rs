//! What a node does for the house: prices of short slots, grids if it is the provider, checks of
//! them if it is not, and in turn what anybody may do.
//!
//! Level-triggered: everything is read from the chain at every look, so a crash in between repeats
//! what is missing and nothing else.

use std::sync::atomic::{AtomicU64, Ordering};

use alloy::primitives::{B256, U256};
use chain::{
    ClaimState, Client,
    client::{Grid, House, Instrument, Rows},
    contracts::{panel::PanelGate, scenarios::ScenarioBook},
};

use super::{MARKET, Shelf, execution, series, subject};
use crate::{
    Job, Lie, NodeError,
    challenges::{Challenge, Challenges},
    job::{hash, word},
    lie,
    panel::Today,
    prices::{self, Prices, Series},
};

/// A grid is followed by the next after so many seconds of chain time; it holds for twice as many.
const EVERY: u64 = 3 * 3_600;
/// Kind of a volatility, as `IRiskOracle.Kind` numbers it.
const VOLATILITY: u8 = 2;

/// A node's part in the house.
#[derive(Debug)]
pub(crate) struct Grids {
    house: House,
    market: B256,
    calendar: Vec<u64>,
    /// On a node that reports them.
    prices: Option<Prices>,
    challenges: Challenges,
    lie: Option<Lie>,
    /// Chain time until which nothing is to be done.
    rests: AtomicU64,
}

impl Grids {
    pub(crate) fn new(
        (client, challenges): (&Client, Challenges),
        (market, calendar): (B256, Vec<u64>),
        series: Option<Series>,
        lie: Option<Lie>,
    ) -> Grids {
        let house = House::new(client, client.deployment().clearing());
        let prices = series.map(|series| Prices::new(house.client().clone(), series));
        let rests = AtomicU64::new(0);
        Grids { house, market, calendar, prices, challenges, lie, rests }
    }

    /// Does what is this node's to do now.
    pub(crate) async fn tend(&self, job: &Job, today: Today) -> Result<(), NodeError> {
        if let Some(prices) = &self.prices {
            prices.bring(today.now).await?;
        }
        if today.now < self.rests.load(Ordering::Relaxed) {
            return Ok(());
        }
        if today.turn {
            prices::close(self.house.client(), self.market).await?;
        }
        let held = self.house.grid(MARKET).await?;
        if held.time + EVERY > today.now {
            self.rests.store(held.time + EVERY, Ordering::Relaxed);
            return Ok(());
        }
        let waiting = self.house.waiting_grids(MARKET).await?;
        if waiting.iter().all(|grid| grid.time + EVERY <= today.now) {
            return self.make(job, today.now).await;
        }
        for grid in &waiting {
            self.check(job, grid, today.block).await?;
        }
        if today.turn {
            self.settle(&waiting, today.block).await?;
        }
        Ok(())
    }

    /// Lists what is missing and claims a grid, where this node is the provider and has a price.
    async fn make(&self, job: &Job, now: u64) -> Result<(), NodeError> {
        let client = self.house.client();
        let me = client.address();
        let (book, gate) = (self.house.at().book, client.deployment().panel);
        if client.view(book, ScenarioBook::providerCall {}).await? != me {
            return Ok(());
        }
        let (price, _, fresh) = client.feed_price(self.market).await?;
        let told = client.latest_report(me, self.market, VOLATILITY).await?;
        if !fresh || told.value.is_zero() {
            return Ok(());
        }
        let shelf = Shelf::of(&self.house.changes(None).await?);
        self.fix_expired(&shelf, now).await?;
        let known: Vec<Instrument> = shelf.listed().map(|(_, one)| one.clone()).collect();
        let listings = series::missing(&known, (f64::from(price) / 1e18, now), &self.calendar);
        if !listings.is_empty() {
            tracing::info!(count = listings.len(), "listed instruments");
            self.house.list(listings).await?;
        }
        let terms = client.view(book, ScenarioBook::marketOfCall { market: MARKET }).await?;
        let market = self.market;
        let asked = client.view(gate, PanelGate::initialMarginCall { market }).await?;
        let stand = series::Stand {
            now,
            price,
            half: asked.max(U256::from(terms.halfMin)),
            daily: f64::from(told.value) / 1e18,
        };
        let data = series::data(stand, &self.calendar)?;
        let inputs = super::inputs(&self.house.changes(None).await?, &data)?;
        let (program, inputs) = execution(job, &inputs)?;
        let output = kernels::eval(&program, &inputs)?.remove(0);
        let output = match self.lie {
            Some(Lie::Grid) if known.is_empty() => lie::halved(&output)?,
            _ => output,
        };
        let rows = Rows::of(&output).ok_or_else(|| NodeError::absent("a grid of another shape"))?;
        let (claim, _) = self.house.post_grid(MARKET, data, &rows).await?;
        tracing::info!(%claim, "claimed a grid");
        Ok(())
    }

    /// Runs a grid's claim again and challenges what comes out differently.
    async fn check(&self, job: &Job, grid: &Grid, block: u64) -> Result<(), NodeError> {
        let client = self.house.client();
        let number = U256::from(grid.claim);
        let claim = client.claim(number).await?;
        let state = ClaimState::from_word(claim.state);
        let open = matches!(state, Some(ClaimState::Open | ClaimState::Disputed));
        if !open || claim.asserter == client.address() || block > claim.deadline {
            return Ok(());
        }
        let (program, inputs) = execution(job, &subject(&self.house, number).await?)?;
        let inputs_root = court::opening::list_root(&court::opening::roots(&inputs));
        if inputs_root != hash(claim.inputsRoot) {
            return Err(NodeError::absent("the terms read here are not the grid's"));
        }
        let outputs = kernels::eval(&program, &inputs)?;
        let outputs_root = court::opening::list_root(&court::opening::roots(&outputs));
        let challenged = client.has_challenged(number, client.address()).await?;
        if outputs_root == hash(claim.outputsRoot) || challenged {
            return Ok(());
        }
        let (claim, outputs_root) = (number.saturating_to(), word(outputs_root));
        let header = program.header();
        self.challenges.make(Challenge { claim, outputs_root, header }).await?;
        tracing::info!(claim, "a grid that comes out differently here: challenged");
        Ok(())
    }

    /// Makes a waiting grid count whose claim is, or can be made, final.
    async fn settle(&self, waiting: &[Grid], block: u64) -> Result<(), NodeError> {
        for grid in waiting {
            let claim = self.house.client().claim(U256::from(grid.claim)).await?;
            let due = match ClaimState::from_word(claim.state) {
                Some(ClaimState::Open) => block > claim.deadline,
                Some(ClaimState::Disputed) | None => false,
                Some(ClaimState::Final | ClaimState::Struck | ClaimState::Void) => true,
            };
            if due {
                self.house.settle_grid(MARKET).await?;
                tracing::info!(claim = %grid.claim, "settled grids");
                return Ok(());
            }
        }
        Ok(())
    }

    /// Fixes what expired instruments settle at, so that their rows are free.
    async fn fix_expired(&self, shelf: &Shelf, now: u64) -> Result<(), NodeError> {
        for (number, instrument) in shelf.listed() {
            let due = instrument.expiry > 0 && instrument.expiry <= now;
            if !due || self.house.settlement(number).await?.is_some() {
                continue;
            }
            match self.house.fix(number).await {
                Ok(_) => tracing::info!(number, "fixed what an instrument settles at"),
                Err(error) if error.reverted_with().is_some() => {
                    tracing::debug!(number, %error, "an instrument settles later");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
