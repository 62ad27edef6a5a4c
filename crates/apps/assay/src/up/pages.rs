//! What the explorer shows, put together from the chain's history and what this process knows of
//! its own nodes.
//!
//! Invariant: numbers that move money come from the chain; names, labels, data slices and
//! wall-clock seconds are this process's own words and nothing rests on them.

pub(crate) mod concentration;
mod disputes;
pub(crate) mod house;
mod ledger;
mod panel;
mod training;

use std::sync::Arc;

use alloy::primitives::{Address, B256, U256};
use chain::index::{Detail, History, Report};
use explorer::view::{self, Party, Wad};
use tensor::Hash;
use tokio::sync::watch::Sender;

use crate::job;

use super::{children::Alive, genesis::Network, settings::Settings, summary};

/// Kind of a margin report, as `IRiskOracle.Kind` numbers it.
const MARGIN: u8 = 1;
/// Blocks and transactions that the pages keep at hand.
const KEPT: usize = 4_000;

/// Feeds the explorer.
#[derive(Debug)]
pub(crate) struct Pages {
    history: History,
    known: Known,
    view: Sender<Arc<explorer::View>>,
    house: Option<view::House>,
    shown: usize,
}

/// What is known beside the chain.
#[derive(Debug)]
pub(super) struct Known {
    market: String,
    market_id: B256,
    source: String,
    embedded: bool,
    kind: String,
    names: Vec<String>,
    /// Keys of the nodes that this process started, in its own order.
    keys: Vec<Address>,
    slices: Vec<String>,
    liars: Vec<(Address, &'static str)>,
    short: Address,
    long: Address,
    deployer: Address,
    pace: [u64; 3],
    budget: U256,
    train_program: B256,
    /// The ops of the Programs that rounds are claimed with, in words.
    ops: disputes::Ops,
    alive: Alive,
}

impl Known {
    /// This process's own number of a node's key.
    fn place(&self, key: Address) -> Option<usize> {
        self.keys.iter().position(|known| *known == key)
    }

    fn name(&self, key: Address) -> String {
        self.place(key).map_or_else(String::new, |place| format!("node-{place}"))
    }

    fn label(&self, key: Address) -> Option<String> {
        let liar = self.liars.iter().find(|(liar, _)| *liar == key);
        liar.map(|(_, label)| (*label).to_owned())
    }

    fn party(&self, history: &History, address: Address) -> Party {
        let own = [
            (self.short, "short account"),
            (self.long, "long account"),
            (self.deployer, "deployer"),
        ];
        let label = match history.deployment.name_of(address) {
            Some(name) => name.to_owned(),
            None => match own.iter().find(|(known, _)| *known == address) {
                Some((_, name)) => (*name).to_owned(),
                None => self.name(address),
            },
        };
        Party { address: to_address(address), label }
    }
}

impl Pages {
    /// Starts with an empty history.
    pub(crate) async fn new(
        network: &Network,
        settings: &Settings,
        view: Sender<Arc<explorer::View>>,
    ) -> anyhow::Result<Pages> {
        let detail = if network.data_clock { Detail::Everything } else { Detail::Events };
        let history = History::new(network.client.deployment().clone(), detail);
        let evaluation = &network.plan.evaluations[0];
        let config = network.client.round_config().await?;
        let days = (evaluation.days.first(), evaluation.days.last());
        let span = match days {
            (Some(first), Some(last)) => format!("{} to {}", first.date, last.date),
            _ => String::new(),
        };
        let known = Known {
            market: evaluation.market.clone(),
            market_id: node::market_id(&evaluation.market),
            source: format!("{}, {span}, replayed", evaluation.proxy),
            embedded: network.data_clock,
            kind: settings.model.clone(),
            names: network.job.model().names(),
            keys: network.nodes.clone(),
            slices: network
                .plan
                .slices
                .iter()
                .take(network.nodes.len())
                .map(|slice| slice.name.clone())
                .collect(),
            liars: (0..)
                .zip(&network.nodes)
                .filter_map(|(index, key)| Some((*key, label(settings.lie(index)?))))
                .collect(),
            short: network.short.address(),
            long: network.long.address(),
            deployer: network.client.address(),
            pace: [config.commitBlocks, config.revealBlocks, config.aggregateBlocks],
            budget: U256::from(config.budgetGwei) * U256::from(1_000_000_000_u64),
            train_program: config.trainProgram,
            ops: disputes::ops(&network.job)?,
            alive: network.alive.clone(),
        };
        Ok(Pages { history, known, view, house: None, shown: usize::MAX })
    }

    /// Reads what is new on the chain and sends a new view when anything is.
    pub(crate) async fn update(
        &mut self,
        network: &Network,
        rounds: &[summary::Round],
        params: Option<&[f32]>,
    ) -> anyhow::Result<()> {
        let moved = self.history.update(&network.client).await?;
        if moved || self.shown != rounds.len() {
            self.shown = rounds.len();
            let mut view = self.draw(rounds, params);
            view.house = self.house.clone();
            view.jobs = job::read::all(&network.client).await?;
            view.open_jobs = job::open::read::all(&network.client).await?;
            view.oracle.panel =
                Some(panel::read(&network.client, (&self.known, &self.history)).await?);
            self.view.send_replace(Arc::new(view));
        }
        Ok(())
    }

    /// Shows the house from the next view on.
    pub(crate) fn show_house(&mut self, house: view::House) {
        (self.house, self.shown) = (Some(house), usize::MAX);
    }

    /// Returns what the chain has shown so far.
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// Returns the key of a registry index.
    pub(crate) fn node_key(&self, index: u32) -> Option<Address> {
        self.history.nodes.get(&index).map(|node| node.key)
    }

    /// Returns the first settled round after this one, with the root of the model it led to.
    pub(crate) fn settled_after(&self, round: u64) -> Option<(u64, Hash)> {
        let mut later = self.history.rounds.range(round.saturating_add(1)..);
        later.find_map(|(number, one)| {
            one.settled.as_ref().map(|end| (*number, node::hash(end.model_root)))
        })
    }

    /// Returns a provider's margin report of a market's day, once the gate has it.
    pub(crate) fn margin(&self, provider: Address, market: B256, day: u64) -> Option<&Report> {
        let applied = self.history.gates.get(&market)?.market_time;
        let made = self.history.reports.iter().rev().find(|report| {
            (report.provider, report.market, report.kind) == (provider, market, MARGIN)
                && report.market_time == day
        });
        made.filter(|_| applied >= day)
    }

    fn draw(&self, rounds: &[summary::Round], params: Option<&[f32]>) -> explorer::View {
        let (history, known) = (&self.history, &self.known);
        explorer::View {
            network: network(history, known),
            rounds: training::rounds(history, known, rounds),
            disputes: disputes::disputes(history, known),
            nodes: training::nodes(history, known),
            concentration: concentration::concentration(&history.holdings),
            model: training::model(history, known, rounds, params),
            oracle: ledger::oracle(history, known),
            house: None,
            jobs: Vec::new(),
            open_jobs: Vec::new(),
            accounts: ledger::accounts(history, known),
            blocks: ledger::blocks(history),
            txs: ledger::txs(history, known),
        }
    }
}

fn network(history: &History, known: &Known) -> view::Network {
    let round = history.last_round();
    let contracts = history.deployment.named();
    let (block, time) = history.head.map_or((0, 0), |(block, _, time)| (block, time));
    let gate = history.gates.get(&known.market_id);
    // The embedded chain's clock is the market's; elsewhere the reports carry it.
    let market_time = if known.embedded { Some(time) } else { gate.map(|gate| gate.market_time) };
    view::Network {
        market: known.market.clone(),
        source: known.source.clone(),
        market_time: market_time.filter(|time| *time > 0).map(seconds),
        chain_id: history.deployment.chain_id,
        chain: if known.embedded { "local chain" } else { "test network" }.to_owned(),
        block,
        round: round.map(|round| round.number),
        phase: round.map(training::phase),
        deadline: round.and_then(|round| training::deadline(round, known)),
        token: "ASSAY".to_owned(),
        contracts: contracts
            .iter()
            .map(|(name, at)| Party { address: to_address(*at), label: (*name).to_owned() })
            .collect(),
    }
}

fn to_address(address: Address) -> view::Address {
    view::Address(address.into_array())
}

fn to_hash(word: B256) -> view::Hash {
    view::Hash(word.0)
}

fn wad(amount: U256) -> Wad {
    Wad::from_wei(u128::try_from(amount).unwrap_or(u128::MAX))
}

/// Unix seconds as the pages have them.
fn seconds(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

/// What the pages call a node that lies for show.
fn label(lie: node::Lie) -> &'static str {
    match lie {
        node::Lie::Update => "demo liar",
        node::Lie::Pay => "demo crook",
        node::Lie::Report => "demo false report",
        node::Lie::Grid => "demo false grid",
        node::Lie::Score => "demo false score",
        node::Lie::Hide => "demo hider",
        node::Lie::Copy => "demo copier",
    }
}
