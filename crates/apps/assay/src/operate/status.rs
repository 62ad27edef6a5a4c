//! `assay node status`: how a node stands on the chain, without its password.

use std::process::ExitCode;

use alloy::{primitives::Address, signers::local::PrivateKeySigner};
use anyhow::Context as _;
use chain::{Client, Phase};
use node::{
    checkpoint::{Checkpoint, Stage},
    journal::Journal,
    privacy::Ledger,
};
use serde::Serialize;

use super::Place;
use crate::{layout, money};

/// Of which node.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// How it stands. Amounts are decimal strings in whole units.
#[derive(Debug, Serialize)]
struct Status {
    key: Address,
    chain_id: u64,
    block: u64,
    round: u64,
    phase: &'static str,
    /// Seats of a round, drawn by stake.
    seats: u32,
    /// Rows of liars that the aggregation tolerates.
    tolerated: u32,
    /// Share of the stake from which liars have more seats than that in one round of 1,000.
    tolerated_share: f64,
    /// Registry index; nothing before it has joined.
    index: Option<u32>,
    /// Whether it takes seats.
    active: bool,
    /// Block from which its stake can be brought home, where it leaves.
    unbond_block: Option<u64>,
    payee: Option<Address>,
    stake: String,
    /// Tokens of the key, for bonds.
    tokens: String,
    gas: String,
    /// What it was paid so far.
    paid: String,
    /// Rounds that it has aggregated or recomputed, as it keeps them.
    rounds_kept: u64,
    /// The last of them.
    last_round: Option<u64>,
    /// How it came by the state that it began with, where it had to fetch it.
    checkpoint: Option<Checkpoint>,
    /// What its updates tell so far, and may tell, where it keeps its privacy.
    privacy: Option<Told>,
}

/// What updates tell.
#[derive(Debug, Serialize)]
struct Told {
    releases: u64,
    epsilon: f64,
    budget: f64,
    delta: f64,
}

/// Prints it.
pub(super) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let status = read(&args.place).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&status)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("key       {}", status.key);
    println!("chain     id {}, block {}", status.chain_id, status.block);
    println!("round     {}, {}", status.round, status.phase);
    println!(
        "seats     {} a round; more than {} for liars in 1 round of 1,000 from {:.1} % of the \
         stake on",
        status.seats,
        status.tolerated,
        100.0 * status.tolerated_share
    );
    match (status.index, status.unbond_block) {
        (None, _) => println!("node      not joined"),
        (Some(index), Some(block)) => {
            println!("node      {index}, leaving: stake bound until block {block}")
        }
        (Some(index), None) if status.active => println!("node      {index}, takes seats"),
        (Some(index), None) => println!("node      {index}, below the minimum stake"),
    }
    println!("stake     {} tokens", status.stake);
    println!(
        "paid      {} tokens{}",
        status.paid,
        status.payee.map_or(String::new(), |to| format!(", to {to}"))
    );
    println!("holds     {} tokens for bonds, {} ether of gas", status.tokens, status.gas);
    println!(
        "kept      {} rounds{}",
        status.rounds_kept,
        status.last_round.map_or(String::new(), |n| format!(", the last is {n}"))
    );
    if let Some(checkpoint) = &status.checkpoint {
        println!("state     {}", sentence(checkpoint));
    }
    if let Some(Told { releases, epsilon, budget, delta }) = status.privacy {
        println!(
            "told      epsilon {epsilon:.3} of {budget} at delta {delta:e}, by {releases} updates"
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn read(place: &Place) -> anyhow::Result<Status> {
    let config = place.config()?;
    let reader = PrivateKeySigner::random();
    let client = Client::open(&config.rpc, reader, config.deployment.clone()).await?;
    let key = address(place)?;
    let index = client.find(key).await?;
    let round = client.round().await?;
    let journal = Journal::open(&place.dir)?;
    let kept: Vec<u64> =
        (0..=round.number).filter(|number| journal.get(*number).is_some()).collect();
    let told = |privacy: node::Privacy| -> anyhow::Result<Told> {
        let releases = Ledger::read(&place.dir)?.releases;
        let (epsilon, node::Privacy { budget, delta, .. }) = (privacy.epsilon(releases), privacy);
        Ok(Told { releases, epsilon, budget, delta })
    };
    let seats = client.round_config().await?.capacity;
    let tolerated = u32::try_from(round::aggregate::tolerated(seats as usize))?;
    let mut status = Status {
        key,
        seats,
        tolerated,
        tolerated_share: round::lots::share_for(seats, tolerated, 1e-3),
        chain_id: client.chain_id(),
        block: client.block_number().await?,
        round: round.number,
        phase: match Phase::from_word(round.phase) {
            Phase::Idle => "between rounds",
            Phase::Commit => "commit",
            Phase::Reveal => "reveal",
            Phase::Aggregate => "aggregate",
        },
        index,
        active: false,
        unbond_block: None,
        payee: None,
        stake: "0".to_owned(),
        tokens: money::plain(client.tokens(key).await?),
        gas: money::plain(client.balance(key).await?),
        paid: "0".to_owned(),
        rounds_kept: kept.len() as u64,
        last_round: kept.last().copied(),
        checkpoint: Checkpoint::read(&place.dir),
        privacy: config.privacy.map(told).transpose()?,
    };
    if let Some(index) = index {
        let known = client.node(index).await?;
        status.active = client.is_active(index).await?;
        status.unbond_block = (known.unbondBlock > 0).then_some(known.unbondBlock);
        status.payee = Some(known.payee);
        status.stake = money::plain(known.stake);
        status.paid = money::plain(client.paid(index).await?);
    }
    Ok(status)
}

/// How the node came by its state, for a person.
fn sentence(of: &Checkpoint) -> String {
    let Checkpoint { round, pieces, here, size, .. } = of;
    let from = match of.given.len() {
        1 => "1 node".to_owned(),
        n => format!("{n} nodes"),
    };
    let how = match of.stage {
        Stage::Fetching => format!("round {round}, being fetched: {here} of {pieces} pieces"),
        Stage::Complete => format!("round {round}, fetched: {pieces} pieces, {size} bytes"),
        Stage::Missing => format!("round {round}, {here} of {pieces} pieces; nobody has the rest"),
    };
    let blamed = match of.blamed.len() {
        0 => String::new(),
        n => format!("; {n} sent what is wrong and were asked no more"),
    };
    format!("{how}, from {from}{blamed}")
}

/// The keystore names its address beside the secret.
fn address(place: &Place) -> anyhow::Result<Address> {
    let path = place.dir.join("chain.json");
    let absent = || format!("{} holds no keystore", place.dir.display());
    let keystore: serde_json::Value = layout::read_json(&path)?.with_context(absent)?;
    let address = keystore["address"].as_str().with_context(absent)?;
    address.parse().with_context(|| format!("{} names no address", path.display()))
}
