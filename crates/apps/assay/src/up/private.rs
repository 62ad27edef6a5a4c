//! `assay up --private`: a network that trains a private job (docs/private.md) on one machine.
//!
//! Thirteen nodes, so that a bad bucket and a lost one leave the rule a majority. One sends a wild
//! update in every round; another commits in the second and is then silent, as a trainer and as a
//! member; with `--false-sum` a third states sums that are none. What is shown is what the chain
//! tells: buckets, rows and pay, and nothing of one update, since nobody but its node has it.
//!
//! Absent: a market, reports and the explorer's pages, which are about open rounds.

use std::{collections::BTreeMap, time::Duration};

use alloy::primitives::U256;
use anyhow::Context as _;
use chain::{
    Client, Deployment,
    client::Told,
    deploy::{CourtTerms, PrivateSetup, deploy_private},
};
use learn::Evaluate;
use node::{Job, Private, PrivatePace, PrivatePrograms, TensorStore};
use serde::Serialize;
use tensor::Hash;

use super::{Args, children::Children, genesis, keys, screen::Screen};
use crate::layout::{self, Layout};

/// Nodes of the network.
const NODES: usize = 13;
/// The node that sends a wild update.
const LIAR: usize = 3;
/// The node that is silent once it has committed, and from which round on.
const SILENT: (usize, u64) = (8, 2);
/// The node that states wrong sums, where one is asked for.
const WRONG: usize = 5;
/// Fewest trainers of a bucket.
const SIZE: u32 = 3;
/// Fewest rows that are aggregated: of two none is rejected, of three one can be.
const QUORUM: u32 = 3;
/// Rounds, where nobody says how many.
const ROUNDS: u64 = 3;
/// Blocks of each phase; one that waits for the silent ends with them.
const PACE: PrivatePace = PrivatePace {
    commit_blocks: 160,
    report_blocks: 80,
    sum_blocks: 40,
    judge_blocks: 40,
    aggregate_blocks: 40,
};
const STAKE_TOKENS: u64 = 10_000;
const WINDOW_BLOCKS: u64 = 12;
const CLOCK_BLOCKS: u64 = 400;
const GWEI: f64 = 1e9;
const PAUSE: Duration = Duration::from_millis(100);

/// One bucket, as the chain tells of it.
#[derive(Debug, Serialize)]
struct BucketLine {
    trainers: Vec<u32>,
    members: Vec<u32>,
    /// Who was summed; nobody, where there is no row.
    summed: Vec<u32>,
    /// Whether the rule accepted the row; null where there is none.
    accepted: Option<bool>,
}

/// One settled round.
#[derive(Debug, Serialize)]
struct RoundLine {
    index: u64,
    buckets: Vec<BucketLine>,
    /// Members that did not do their part.
    gone: Vec<u32>,
    /// Members whose sum was found wrong.
    lied: Vec<u32>,
    /// Tokens by node.
    pay: BTreeMap<u32, f64>,
    /// Of the new model, on the evaluation days.
    loss: f64,
    model: String,
}

/// The one object of `--json`.
#[derive(Debug, Serialize)]
struct Summary {
    nodes: usize,
    liar: u32,
    silent: u32,
    /// Who states sums that are none; null where nobody does.
    wrong: Option<u32>,
    rounds: Vec<RoundLine>,
    chain: ChainLine,
}

#[derive(Debug, Serialize)]
struct ChainLine {
    id: u64,
    blocks: u64,
}

/// A private network that runs.
struct Network {
    client: Client,
    job: Job,
    plan: market::Plan,
    accounts: Vec<alloy::primitives::Address>,
}

/// Runs it until the rounds asked for are settled.
pub(super) async fn work(
    args: &Args,
    layout: &Layout,
    children: &mut Children,
    screen: &Screen,
) -> anyhow::Result<()> {
    if layout.settings().exists() {
        anyhow::bail!(
            "{} has a network of open rounds; use another --dir",
            layout.root().display()
        );
    }
    let rounds = args.rounds.unwrap_or(ROUNDS);
    let network = build(args, layout, children, rounds).await?;
    screen.line(&format!(
        "private   {NODES} nodes; node {LIAR} sends wild updates, node {} goes silent in round {}",
        SILENT.0, SILENT.1
    ));
    if args.false_sum {
        screen.line(&format!("          node {WRONG} states sums that are none"));
    }
    let told = watch(&network, layout, screen, rounds).await?;
    if args.json {
        let liar = network.index(LIAR).await?;
        let silent = network.index(SILENT.0).await?;
        let blocks = network.client.block_number().await?;
        let chain = ChainLine { id: network.client.chain_id(), blocks };
        let wrong = if args.false_sum { Some(network.index(WRONG).await?) } else { None };
        let summary = Summary { nodes: NODES, liar, silent, wrong, rounds: told, chain };
        println!("{}", serde_json::to_string_pretty(&summary)?);
    }
    if !args.exit {
        screen.line("the rounds asked for are done; Ctrl-C ends the processes");
        std::future::pending::<()>().await;
    }
    Ok(())
}

async fn build(
    args: &Args,
    layout: &Layout,
    children: &mut Children,
    rounds: u64,
) -> anyhow::Result<Network> {
    let plan = node::Source::Wti.plan()?.of_at_least(NODES);
    let kind = args.model.parse().map_err(|error| anyhow::anyhow!("--model: {error}"))?;
    let job = Job::new(kind)?;
    let deployer = keys::own(layout, "deployer")?;
    let port = args.port.saturating_sub(genesis::CHAIN_PORT_BELOW);
    let url = genesis::start_chain(layout, &plan, (deployer.address(), port), children).await?;
    let client = Client::connect(&url, deployer).await?;
    let deployment = genesis::patiently(|| deploy(layout, &client, &job)).await?;
    let client = client.with(deployment);
    let mut accounts = Vec::new();
    for index in 0..NODES {
        let account = genesis::node_keys(layout, index)?.chain.address();
        genesis::patiently(|| fund(&client, account)).await?;
        accounts.push(account);
    }
    let network = Network { client, job, plan, accounts };
    for index in 0..NODES {
        start_node(args, layout, &network, (index, rounds), children)?;
    }
    Ok(network)
}

/// Deploys, unless an earlier start has.
async fn deploy(layout: &Layout, client: &Client, job: &Job) -> anyhow::Result<Deployment> {
    let path = layout.deployment();
    if let Some(kept) = layout::read_json::<Deployment>(&path)? {
        return Ok(kept);
    }
    let capacity = u32::try_from(NODES)?;
    let programs = PrivatePrograms::new(job, SIZE, QUORUM, capacity)?;
    let turns = u64::from(capacity) * PACE.aggregate_blocks;
    let setup = PrivateSetup {
        court: CourtTerms {
            supply: genesis::tokens(1_000_000_000),
            bond: genesis::tokens(genesis::BOND_TOKENS),
            window_blocks: WINDOW_BLOCKS,
            clock_blocks: CLOCK_BLOCKS,
            gas_price_cap: U256::from(genesis::GAS_PRICE_CAP),
            consumers: Vec::new(),
        },
        minimum_stake: genesis::tokens(100),
        unbond_blocks: 1_000 + turns + 5 * CLOCK_BLOCKS,
        rounds: programs.config(job, PACE, node::BUDGET_TOKENS * 1_000_000_000),
        programs: programs.registrations(),
        fund: genesis::tokens(100_000),
    };
    let deployment = deploy_private(client, &setup).await?;
    layout::replace_json(&path, &deployment)?;
    Ok(deployment)
}

async fn fund(client: &Client, account: alloy::primitives::Address) -> anyhow::Result<()> {
    let gas = super::outside::gas_per_account(false);
    if client.balance(account).await? < gas / U256::from(2) {
        client.pay(account, gas).await?;
    }
    let joined = client.find(account).await?.is_some();
    if !joined && client.tokens(account).await? < genesis::tokens(STAKE_TOKENS) {
        client.transfer(account, genesis::tokens(2 * STAKE_TOKENS)).await?;
    }
    Ok(())
}

fn start_node(
    args: &Args,
    layout: &Layout,
    network: &Network,
    (index, rounds): (usize, u64),
    children: &mut Children,
) -> anyhow::Result<()> {
    let dir = layout.node(index);
    let name = format!("node-{index}");
    let store = TensorStore::open(&dir.join("tensors"))?;
    let slice = network.plan.slices.get(index).context("the data gives fewer slices")?;
    let config = node::Config {
        name: name.clone(),
        rpc: network.client.url().to_owned(),
        deployment: network.client.deployment().clone(),
        model: args.model.clone(),
        stake_tokens: STAKE_TOKENS,
        bind: std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
        public: None,
        payee: None,
        slice: node::Slice {
            name: slice.name.clone(),
            x: store.put(slice.train.x())?,
            y: store.put(slice.train.y())?,
            rows: slice.train.count(),
        },
        privacy: None,
        calendar: Vec::new(),
        data_clock: true,
        market: network.plan.evaluations[0].market.clone(),
        provider: network.accounts[0],
        lie: (index == LIAR).then_some(node::Lie::Update),
        first_turn: 0,
        check_permille: 1_000,
        publish: None,
        prices: None,
        private: Some(Private {
            rounds,
            silent_from: (index == SILENT.0).then_some(SILENT.1),
            wrong_sums_from: (args.false_sum && index == WRONG).then_some(1),
        }),
        provides: false,
    };
    layout::replace_json(&dir.join("config.json"), &config)?;
    children.supervise(super::children::Spec {
        name,
        args: ["node", "run", "--child", "--dir", &dir.display().to_string()]
            .map(str::to_owned)
            .into(),
        dir,
    })
}

impl Network {
    /// Registry indices follow the order of joining, which is nobody's.
    async fn index(&self, node: usize) -> anyhow::Result<u32> {
        let found = self.client.find(self.accounts[node]).await?;
        found.with_context(|| format!("node-{node} has not joined"))
    }
}

/// Follows the chain until so many rounds are settled, and tells of each.
async fn watch(
    network: &Network,
    layout: &Layout,
    screen: &Screen,
    rounds: u64,
) -> anyhow::Result<Vec<RoundLine>> {
    let data = super::watch::evaluation_days(&network.plan)?;
    let evaluate = Evaluate::new(network.job.model()).context("the evaluation Program")?;
    let mut lines: Vec<RoundLine> = Vec::new();
    let mut before = vec![0.0; node::CUMULATIVE as usize];
    while (lines.len() as u64) < rounds {
        tokio::time::sleep(PAUSE).await;
        let told =
            genesis::patiently(|| async { Ok(network.client.private_told().await?) }).await?;
        for told in told.iter().filter(|told| told.end.is_some()).skip(lines.len()) {
            let Some(end) = told.end else { continue };
            let found = |root| tensor(layout, node::hash(root));
            let (Some(params), Some(pay)) = (found(end.model_root), found(end.cumulative_root))
            else {
                break;
            };
            let loss = f64::from(evaluate.loss(&params, &data, kernels::eval)?);
            let pay = pay.as_f64().unwrap_or_default().to_vec();
            let line = line(told, (&before, &pay), loss, end.model_root.to_string());
            screen.line(&sentence(&line));
            lines.push(line);
            before = pay;
        }
    }
    Ok(lines)
}

/// A tensor that some node keeps.
fn tensor(layout: &Layout, root: Hash) -> Option<tensor::Tensor> {
    (0..NODES)
        .find_map(|node| TensorStore::open(&layout.node(node).join("tensors")).ok()?.get(root).ok())
}

fn line(told: &Told, (before, after): (&[f64], &[f64]), loss: f64, model: String) -> RoundLine {
    let node_of = |place: &u8| told.seats.get(usize::from(*place)).copied();
    let buckets = told.trainers.iter().zip(&told.members).zip(&told.rolls).zip(told.accepted());
    let bucket =
        |(((trainers, members), roll), accepted): (((&u32, &[u8; 3]), &u32), _)| BucketLine {
            trainers: told.nodes(*trainers),
            members: members.iter().filter_map(node_of).collect(),
            summed: told.nodes(*roll),
            accepted,
        };
    let paid =
        (0_u32..).zip(before.iter().zip(after)).filter(|(_, (before, after))| after > before);
    RoundLine {
        index: told.round,
        buckets: buckets.map(bucket).collect(),
        gone: told.gone.clone(),
        lied: told.lied.clone(),
        pay: paid.map(|(node, (before, after))| (node, (after - before) / GWEI)).collect(),
        loss,
        model,
    }
}

fn sentence(line: &RoundLine) -> String {
    let rows = line.buckets.iter().filter(|bucket| bucket.accepted.is_some()).count();
    let rejected: Vec<String> = line
        .buckets
        .iter()
        .filter(|bucket| bucket.accepted == Some(false))
        .map(|bucket| format!("{:?}", bucket.summed))
        .collect();
    let none = || "none".to_owned();
    let listed = if rejected.is_empty() { none() } else { rejected.join(", ") };
    format!(
        "round {:<3} loss {:.4} · {} buckets, {rows} rows · rejected {listed} · {} paid, \
         gone {:?}, lied {:?}",
        line.index,
        line.loss,
        line.buckets.len(),
        line.pay.len(),
        line.gone,
        line.lied
    )
}
