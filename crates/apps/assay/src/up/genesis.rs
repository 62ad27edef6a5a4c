//! Everything that must be there before the first round: keys, chain, contracts, stakes, data, and
//! the sample account.
//!
//! Each step looks whether it was done before, so that a start that was interrupted anywhere is
//! simply repeated.

use std::{path::PathBuf, time::Duration};

use alloy::primitives::{Address, U256, utils::Unit};
use anyhow::Context as _;
use chain::{
    Client, ClientError, Deployment,
    contracts::{clearing::IClearingHouse, gate::IRiskGate},
    deploy::Setup,
};
use node::{Job, Pace};

use super::{
    Args,
    children::{Alive, Children, Spec},
    house, keys, panel,
    settings::{CROOK, PUBLISHER, SECOND, Settings},
    watch::told_before,
};
use crate::{
    chain_process,
    layout::{self, Layout},
};

/// Whole tokens each node stakes; as much again is left for bonds.
const STAKE_TOKENS: u64 = 1_000;
/// Bond of a claim, whole tokens.
pub(crate) const BOND_TOKENS: u64 = 50;
/// Whole tokens the rewards hold at the start: the pay of ten thousand rounds.
const FUND_TOKENS: u64 = 1_000_000;
/// Blocks in which a claim can be challenged, and a Program struck. A report is followed at once by
/// the blocks of the next round's opening and commitments; its challengers need a twentieth of a
/// second to recompute it, and ten times that on a machine that does much else.
const WINDOW_BLOCKS: u64 = 12;
/// Blocks an aggregator has before it is the next one's turn, on the embedded chain.
const AGGREGATE_BLOCKS: u64 = 20;
/// Blocks each side of a dispute has: some twenty moves, and a restart in between.
const CLOCK_BLOCKS: u64 = 400;
/// The most a unit of a move's gas is advanced at, wei of the token.
pub(super) const GAS_PRICE_CAP: u64 = 1_000_000_000_000;
/// The round from which every node takes its turn as aggregator. Before it only the one that lies
/// about it does, so that its conviction is seen in the first round of a show.
const FIRST_TURN: u64 = 2;
/// Shortest time between two blocks of the embedded chain: a window is never over before those
/// who were to use it had their turn at the processor.
const BLOCK_MS_MIN: u64 = 50;
/// Longest time between two blocks of the embedded chain.
const BLOCK_MS_MAX: u64 = 125;
/// The port that the embedded chain prefers is so far below the explorer's: 8545 beside 8650. Two
/// networks with ports of their own do not take each other's while a chain is started again.
pub(super) const CHAIN_PORT_BELOW: u16 = 105;
/// How often a step is repeated while the chain does not answer.
const ATTEMPTS: usize = 150;
/// The pause in between.
const PAUSE: Duration = Duration::from_millis(200);
/// Collateral of the short sample account and of its counterparty, dollars.
pub(crate) const COLLATERAL: (u64, u64) = (1_000, 20_000);

/// A running network, before its first round.
#[derive(Debug)]
pub(crate) struct Network {
    /// The data, divided.
    pub(crate) plan: market::Plan,
    /// The Programs.
    pub(crate) job: Job,
    /// The deployer's client, bound to the contracts.
    pub(crate) client: Client,
    /// The short sample account.
    pub(crate) short: Client,
    /// Its counterparty.
    pub(crate) long: Client,
    /// Addresses of the nodes' keys.
    pub(crate) nodes: Vec<Address>,
    /// Whether the chain's clock is the market's.
    pub(crate) data_clock: bool,
    /// Which processes run.
    pub(crate) alive: Alive,
    /// Last round that an earlier start told.
    pub(crate) told: u64,
}

impl Network {
    /// The market reported on, as people know it.
    pub(crate) fn market(&self) -> &str {
        &self.plan.evaluations[0].market
    }

    /// Midnights of the market's days; day 0 is the genesis day.
    pub(crate) fn calendar(&self) -> Vec<u64> {
        calendar(&self.plan)
    }
}

/// Brings the network up to where round 1 can open.
pub(crate) async fn build(
    args: &Args,
    layout: &Layout,
    settings: &Settings,
    children: &mut Children,
    say: &impl Fn(&str),
) -> anyhow::Result<Network> {
    let plan = settings.source.plan()?.of_at_least(settings.nodes());
    for left_out in &plan.left_out {
        say(&format!("left out  {left_out}"));
    }
    let (slices, count) = (plan.slices.len(), settings.nodes());
    if slices < count {
        anyhow::bail!("the data gives {slices} slices, {count} nodes need one each");
    }
    let kind = settings.model.parse().map_err(|error| anyhow::anyhow!("--model: {error}"))?;
    let job = Job::new(kind)?;
    let deployer = match &settings.rpc {
        Some(_) => keys::users(args).await?,
        None => keys::own(layout, "deployer")?,
    };
    let client = match &settings.rpc {
        Some(url) => {
            let client = Client::connect(url, deployer).await?;
            super::outside::confirm(args, &client, count).await?;
            settings.keep(layout)?;
            client
        }
        None => {
            settings.keep(layout)?;
            let chain_port = args.port.saturating_sub(CHAIN_PORT_BELOW);
            let url =
                start_chain(layout, &plan, (deployer.address(), chain_port), children).await?;
            Client::connect(&url, deployer).await?
        }
    };
    say(&format!("chain     id {}, {}", client.chain_id(), client.url()));
    let mut nodes = Vec::new();
    for index in 0..settings.nodes() {
        nodes.push(node_keys(layout, index)?.chain.address());
    }
    let setup = setup(&job, &plan, &nodes, settings)?;
    let deployment = patiently(|| deploy(layout, &client, &setup)).await?;
    let client = client.with(deployment);
    patiently(|| fund(&client, &nodes, settings)).await?;
    let short = client.with_signer(keys::own(layout, "short")?);
    let long = client.with_signer(keys::own(layout, "long")?);
    let (alive, data_clock) = (children.alive(), settings.rpc.is_none());
    let (market, calendar) = (node::market_id(&plan.evaluations[0].market), calendar(&plan));
    let told = patiently(|| told_before(&client, market, &calendar)).await?;
    let network = Network { plan, job, client, short, long, nodes, data_clock, alive, told };
    layout::replace_json(&layout.network(), &described(&network, settings))?;
    for index in 0..settings.nodes() {
        start_node(layout, settings, &network, index, children)?;
        joined(layout, &network, index).await?;
    }
    Ok(network)
}

/// The network as strangers are told of it.
fn described(network: &Network, settings: &Settings) -> crate::operate::Network {
    crate::operate::Network {
        rpc: network.client.url().to_owned(),
        deployment: network.client.deployment().clone(),
        model: settings.model.clone(),
        market: network.market().to_owned(),
        provider: network.nodes[PUBLISHER],
        calendar: network.calendar(),
        data_clock: network.data_clock,
    }
}

/// Repeats a step while the chain does not answer: its process may have just been killed, and is
/// started again. Every step looks what is done already.
pub(crate) async fn patiently<T, F>(step: impl Fn() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    for _ in 0..ATTEMPTS {
        match step().await {
            Err(error) if is_transient(&error) => tokio::time::sleep(PAUSE).await,
            other => return other,
        }
    }
    step().await
}

/// Whether an error is of a chain that does not answer for the moment.
pub(crate) fn is_transient(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<ClientError>());
    causes.any(ClientError::is_transient)
}

fn calendar(plan: &market::Plan) -> Vec<u64> {
    let midnight =
        |day: &market::Day| u64::try_from(i64::from(day.date.number()) * 86_400).unwrap_or(0);
    plan.evaluations[0].days.iter().map(midnight).collect()
}

/// Starts the chain's process and waits until it listens.
pub(super) async fn start_chain(
    layout: &Layout,
    plan: &market::Plan,
    (deployer, port): (Address, u16),
    children: &mut Children,
) -> anyhow::Result<String> {
    let dir = layout.chain();
    let path = chain_process::config_path(&dir);
    if layout::read_json::<chain_process::Config>(&path)?.is_none() {
        let config = chain_process::Config {
            chain_id: chain::embedded::CHAIN_ID,
            port,
            genesis_time: *calendar(plan).first().context("the evaluation has no day")?,
            block_ms_min: BLOCK_MS_MIN,
            block_ms_max: BLOCK_MS_MAX,
            funded: vec![(deployer, U256::from(1_000_000) * Unit::ETHER.wei())],
        };
        layout::replace_json(&path, &config)?;
    }
    // The address of the last run binds nobody; the one that appears now is kept as long as this
    // process runs.
    let url = layout.chain_url();
    if url.exists() {
        std::fs::rename(&url, dir.join(chain_process::URL_BEFORE))
            .with_context(|| format!("cannot move {}", url.display()))?;
    }
    children.supervise(Spec {
        name: "chain".to_owned(),
        args: vec!["chain".to_owned(), "--dir".to_owned(), dir.display().to_string()],
        dir: dir.clone(),
    })?;
    const PATIENCE: usize = 600;
    for _ in 0..PATIENCE {
        if let Ok(url) = std::fs::read_to_string(&url) {
            return Ok(url);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = dir.join("chain.log");
    anyhow::bail!("the embedded chain does not start; {} says why", log.display())
}

/// Opens a node's keys, making them at the first start.
pub(crate) fn node_keys(layout: &Layout, index: usize) -> anyhow::Result<node::keys::Keys> {
    let dir = layout.node(index);
    Ok(node::keys::Keys::open(&dir, &keys::password(&dir)?, node::keys::Cost::Light)?)
}

pub(super) fn tokens(whole: u64) -> U256 {
    U256::from(whole) * Unit::ETHER.wei()
}

/// A share as a WAD fraction, given in tenths of a percent.
pub(super) fn permille(share: u64) -> U256 {
    U256::from(share) * U256::from(10_u64.pow(15))
}

/// What the contracts are deployed with.
fn setup(
    job: &Job,
    plan: &market::Plan,
    nodes: &[Address],
    settings: &Settings,
) -> anyhow::Result<Setup> {
    // A block outside takes seconds, so the same patience is fewer blocks; but some chains make one
    // for every transaction.
    let slow = settings.rpc.is_some();
    let blocks = if slow { 40 } else { 160 };
    let pace = Pace {
        commit_blocks: blocks,
        reveal_blocks: blocks,
        aggregate_blocks: if slow { blocks / 2 } else { AGGREGATE_BLOCKS },
    };
    let last_day = calendar(plan).last().copied().unwrap_or(0);
    let (report_programs, report_data) = job.oracle()?;
    Ok(Setup {
        supply: tokens(1_000_000_000),
        minimum_stake: tokens(100),
        unbond_blocks: 4 * blocks + u64::from(node::CAPACITY) * blocks + 3 * CLOCK_BLOCKS,
        bond: tokens(BOND_TOKENS),
        window_blocks: WINDOW_BLOCKS,
        clock_blocks: CLOCK_BLOCKS,
        gas_price_cap: U256::from(GAS_PRICE_CAP),
        programs: job.registrations()?,
        report_programs,
        report_data,
        rounds: job.config(pace)?,
        scores: job.scores(pace)?,
        scored: settings.attack,
        fund: tokens(FUND_TOKENS),
        provider: nodes[PUBLISHER],
        limits: IRiskGate::Limits {
            floor: permille(20),
            ceiling: permille(600),
            stepUp: permille(1_000),
            stepDown: permille(200),
            priceStep: permille(500),
            staticInitial: permille(150),
            staticMaintenance: permille(100),
        },
        terms: IClearingHouse::Terms {
            market: node::market_id(&plan.evaluations[0].market),
            settlesAt: last_day,
            band: permille(50),
            discount: permille(10),
            insuranceFee: permille(5),
        },
        panel: panel::setup(job, nodes)?,
        house: house::setup(job, plan.evaluations[0].days[0].price)?,
    })
}

/// Deploys, or finishes a deployment that was interrupted.
async fn deploy(layout: &Layout, client: &Client, setup: &Setup) -> anyhow::Result<Deployment> {
    let path = layout.deployment();
    let planned = match layout::read_json::<Deployment>(&path)? {
        Some(planned) if planned.chain_id != client.chain_id() => anyhow::bail!(
            "{} is chain {}, but this directory's contracts are on chain {}; use another --dir",
            client.url(),
            client.chain_id(),
            planned.chain_id
        ),
        Some(planned) => planned,
        None => {
            let planned = chain::deploy::plan(client).await?;
            layout::replace_json(&path, &planned)?;
            planned
        }
    };
    chain::deploy::execute(client, setup, &planned).await?;
    Ok(planned)
}

/// Gives the nodes gas and tokens, where they have not had them.
async fn fund(client: &Client, nodes: &[Address], settings: &Settings) -> anyhow::Result<()> {
    let gas = super::outside::gas_per_account(settings.rpc.is_some());
    for node in nodes {
        if client.balance(*node).await? < gas / U256::from(2) {
            client.pay(*node, gas).await?;
        }
        let joined = client.find(*node).await?.is_some();
        if !joined && client.tokens(*node).await? < tokens(STAKE_TOKENS) {
            client.transfer(*node, tokens(2 * STAKE_TOKENS)).await?;
        }
    }
    Ok(())
}

/// Writes a node's configuration and its own data, and starts its process.
fn start_node(
    layout: &Layout,
    settings: &Settings,
    network: &Network,
    index: usize,
    children: &mut Children,
) -> anyhow::Result<()> {
    let dir = layout.node(index);
    let name = format!("node-{index}");
    let store = node::TensorStore::open(&dir.join("tensors"))?;
    let slice = &network.plan.slices[index];
    let data = &slice.train;
    let config = node::Config {
        name: name.clone(),
        rpc: network.client.url().to_owned(),
        deployment: network.client.deployment().clone(),
        model: settings.model.clone(),
        stake_tokens: STAKE_TOKENS,
        bind: std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
        public: None,
        payee: None,
        slice: node::Slice {
            name: slice.name.clone(),
            x: store.put(data.x())?,
            y: store.put(data.y())?,
            rows: data.count(),
        },
        privacy: None,
        calendar: network.calendar(),
        data_clock: network.data_clock,
        market: network.market().to_owned(),
        provider: network.nodes[PUBLISHER],
        lie: settings.lie(index),
        first_turn: if settings.has_crook() && index != CROOK { FIRST_TURN } else { 0 },
        check_permille: 1_000,
        publish: (index == PUBLISHER).then(|| settings.source.clone()),
        prices: Some(settings.source.clone()),
        private: None,
        provides: index == SECOND,
    };
    layout::replace_json(&dir.join("config.json"), &config)?;
    children.supervise(Spec {
        name,
        args: ["node", "run", "--child", "--dir", &dir.display().to_string()]
            .map(str::to_owned)
            .into(),
        dir,
    })
}

/// Waits until a node has joined, so that registry indices are this process's own numbers of the
/// nodes.
async fn joined(layout: &Layout, network: &Network, index: usize) -> anyhow::Result<()> {
    const PATIENCE: usize = 2_400;
    for _ in 0..PATIENCE {
        match network.client.find(network.nodes[index]).await {
            Ok(Some(_)) => return Ok(()),
            Ok(None) => {}
            Err(error) if error.is_transient() => {}
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let dir = layout.node(index);
    anyhow::bail!("node-{index} does not join; {}/node-{index}.log says why", dir.display())
}

/// Returns the directories of the nodes.
pub(crate) fn node_dirs(layout: &Layout) -> Vec<PathBuf> {
    (0..).map(|index| layout.node(index)).take_while(|dir| dir.is_dir()).collect()
}
