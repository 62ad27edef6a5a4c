//! `assay replay ROUND`: does a settled round again and compares it with the chain.
//!
//! The chain says what was settled: the claim's program, inputs' root and outputs' root, and the
//! report. The nodes' directories hold the bytes: updates, the model and the pay before. Every byte
//! is checked against a root on the chain before it is used, so nothing that a node kept has to be
//! believed. Then the aggregation and the report run again, by default with
//! the reference interpreter, in this process.

use std::{path::PathBuf, process::ExitCode};

use alloy::{
    primitives::{B256, U256},
    rpc::types::Filter,
    sol_types::SolEvent as _,
};
use anyhow::Context as _;
use chain::{
    ClaimState, Client,
    contracts::{oracle::RiskOracle, rounds::Rounds},
};
use node::{
    Job, TensorStore, hash,
    journal::{Entry, Journal},
    report::Basis,
};
use serde::Serialize;
use tensor::{Hash, Tensor};

use crate::{
    layout::{self, Layout},
    reader::Reader,
    up::{
        genesis,
        settings::{PUBLISHER, Settings},
    },
};

/// Which round, of which directory.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Number of the round.
    round: u64,
    /// Directory of `assay up`.
    #[arg(long, default_value = ".assay", value_name = "DIR")]
    dir: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What came out.
#[derive(Debug, Serialize)]
struct Replay {
    round: u64,
    equal: bool,
    /// The first difference, where there is one.
    difference: Option<String>,
    program: Hash,
    inputs_root: Hash,
    /// As on the chain.
    outputs_root: Hash,
    /// As computed here.
    replayed_root: Hash,
    operations: usize,
    updates: usize,
    margin_equal: Option<bool>,
    /// The claim behind the margin report, and where it stands.
    margin_claim: Option<u64>,
    margin_state: Option<&'static str>,
}

/// What became of a round's margin report.
struct Margin {
    equal: bool,
    claim: u64,
    state: &'static str,
}

/// What the chain says of a round.
struct Settled {
    program: Hash,
    inputs_root: Hash,
    outputs_root: Hash,
    updates: Vec<(u32, Hash)>,
}

/// Recomputes a round and says whether the chain has the same.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let layout = Layout::new(&args.dir);
    let Reader { client, settings, .. } = &Reader::open(&layout).await?;
    let settled = settled(client, args.round).await?;
    let kind = settings.model.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    let job = Job::new(kind)?;
    let kept = Kept::find(&layout, args.round, &settled)?;
    let replay = again((&args, settings), &job, client, &kept, &settled).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&replay)?);
    } else {
        tell(&replay);
    }
    Ok(if replay.equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads from the chain's events how a round was settled.
async fn settled(client: &Client, round: u64) -> anyhow::Result<Settled> {
    let logs = |signature: B256| {
        let filter = Filter::new()
            .address(client.deployment().rounds)
            .event_signature(signature)
            .topic1(U256::from(round))
            .from_block(client.deployment().block);
        client.logs(filter)
    };
    let ends = logs(Rounds::Settled::SIGNATURE_HASH).await?;
    let last =
        ends.last().with_context(|| format!("round {round} is not settled on this chain"))?;
    let end = Rounds::Settled::decode_log_data(last.data()).context("an event of Rounds")?;
    let claim = client.claim(end.claim).await?;
    let mut updates = Vec::new();
    for log in logs(Rounds::Revealed::SIGNATURE_HASH).await? {
        let revealed =
            Rounds::Revealed::decode_log_data(log.data()).context("an event of Rounds")?;
        updates.push((revealed.node, hash(revealed.updateRoot)));
    }
    updates.sort_unstable();
    Ok(Settled {
        program: hash(claim.program),
        inputs_root: hash(claim.inputsRoot),
        outputs_root: hash(claim.outputsRoot),
        updates,
    })
}

/// The bytes a node kept of a round.
struct Kept {
    entry: Entry,
    tensors: TensorStore,
    blobs: net::blobs::Store,
}

impl Kept {
    /// Finds a node whose journal is of the round that was settled.
    fn find(layout: &Layout, round: u64, settled: &Settled) -> anyhow::Result<Kept> {
        for dir in genesis::node_dirs(layout) {
            let Some(entry) = Journal::open(&dir).ok().and_then(|journal| journal.get(round))
            else {
                continue;
            };
            if entry.inputs_root == settled.inputs_root {
                let tensors = TensorStore::open(&dir.join("tensors"))?;
                let blobs = net::blobs::Store::open(&dir)?;
                return Ok(Kept { entry, tensors, blobs });
            }
        }
        anyhow::bail!("no node here kept round {round} as the chain has it")
    }

    /// Returns the updates' tensors, each checked against the root that was revealed.
    fn rows(&self, settled: &Settled) -> anyhow::Result<Vec<round::aggregate::Row>> {
        let mut rows = Vec::new();
        for row in &self.entry.members {
            let member = row.member();
            if !settled.updates.contains(&(member.index, member.update_root)) {
                anyhow::bail!("node {} revealed another update than the one kept", member.index);
            }
            let bytes = self.blobs.get(&member.blob.0)?;
            let bytes =
                bytes.with_context(|| format!("the update of node {} is gone", member.index))?;
            let update = node::update_tensor(&bytes).context("an update of whole numbers")?;
            if update.root() != member.update_root {
                anyhow::bail!("the kept update of node {} is not the revealed one", member.index);
            }
            rows.push(round::aggregate::Row { member: member.index, update });
        }
        Ok(rows)
    }
}

async fn again(
    (args, settings): (&Args, &Settings),
    job: &Job,
    client: &Client,
    kept: &Kept,
    settled: &Settled,
) -> anyhow::Result<Replay> {
    let entry = &kept.entry;
    let rows = kept.rows(settled)?;
    let state = (kept.tensors.get(entry.model_root)?, kept.tensors.get(entry.cumulative_root)?);
    let program = job.aggregate(rows.len())?;
    if program.hash() != settled.program {
        anyhow::bail!(
            "the chain ran program {}, this assay builds {}; use the version that ran it",
            settled.program,
            program.hash()
        );
    }
    let inputs = round::aggregate::inputs(state, entry.budget_gwei, &rows)?;
    let inputs_root = court::opening::list_root(&court::opening::roots(&inputs));
    if inputs_root != settled.inputs_root {
        anyhow::bail!("the kept inputs are not the ones the chain names");
    }
    let outputs = tensor::eval(&program, &inputs)?;
    let roots = court::opening::roots(&outputs);
    let replayed_root = court::opening::list_root(&roots);
    let equal = replayed_root == settled.outputs_root;
    let difference = if equal { None } else { Some(difference(kept, settled, &outputs)) };
    let margin = margin(args, settings, job, client, kept).await?;
    let margin_equal = margin.as_ref().map(|margin| margin.equal);
    Ok(Replay {
        round: args.round,
        equal: equal && margin_equal != Some(false),
        difference,
        program: program.hash(),
        inputs_root,
        outputs_root: settled.outputs_root,
        replayed_root,
        operations: program.nodes().len(),
        updates: rows.len(),
        margin_equal,
        margin_claim: margin.as_ref().map(|margin| margin.claim),
        margin_state: margin.map(|margin| margin.state),
    })
}

/// Names the first element on which the settled outputs and the replayed ones differ.
fn difference(kept: &Kept, settled: &Settled, outputs: &[Tensor]) -> String {
    const NAMES: [&str; 4] = ["params", "accepted", "distance", "cumulative"];
    if court::opening::list_root(&kept.entry.output_roots) != settled.outputs_root {
        return "the settled outputs are kept nowhere here, so only their root can be compared"
            .to_owned();
    }
    for ((name, root), output) in NAMES.iter().zip(&kept.entry.output_roots).zip(outputs) {
        if *root == output.root() {
            continue;
        }
        let Ok(claimed) = kept.tensors.get(*root) else {
            return format!("output {name} differs, and its settled bytes are kept nowhere here");
        };
        let size = output.dtype().size();
        let (claimed, got) = (claimed.to_bytes(), output.to_bytes());
        let pairs = claimed.chunks(size).zip(got.chunks(size));
        if let Some((element, (claimed, got))) = pairs.enumerate().find(|(_, (a, b))| a != b) {
            let word = |bytes: &[u8]| alloy::primitives::hex::encode_prefixed(bytes);
            return format!(
                "output {name}, element {element}: the chain has {}, the replay {} (little-endian)",
                word(claimed),
                word(got)
            );
        }
    }
    "the outputs agree and their roots do not".to_owned()
}

/// Recomputes the round's margin report; `None` where it was never reported.
async fn margin(
    args: &Args,
    settings: &Settings,
    job: &Job,
    client: &Client,
    kept: &Kept,
) -> anyhow::Result<Option<Margin>> {
    let filter = Filter::new()
        .address(client.deployment().oracle)
        .event_signature(RiskOracle::Reported::SIGNATURE_HASH)
        .from_block(client.deployment().block);
    let plan = settings.source.plan()?;
    let Some(evaluation) = plan.evaluations.first() else { return Ok(None) };
    let day = usize::try_from(args.round).ok().and_then(|round| evaluation.days.get(round));
    let Some(day) = day else { return Ok(None) };
    let time = u64::try_from(i64::from(day.date.number()) * 86_400).unwrap_or(0);
    let publisher = Layout::new(&args.dir).node(PUBLISHER).join("config.json");
    let Some(publisher) = layout::read_json::<node::Config>(&publisher)? else { return Ok(None) };
    let (provider, market) = (publisher.provider, node::market_id(&evaluation.market));
    let mut ours = None;
    for log in client.logs(filter).await? {
        let reported =
            RiskOracle::Reported::decode_log_data(log.data()).context("an event of RiskOracle")?;
        let of_day = reported.report.kind == 1 && reported.report.marketTime == time;
        if of_day && (reported.provider, reported.market) == (provider, market) {
            ours = Some(reported.report);
        }
    }
    let Some(report) = ours else { return Ok(None) };
    let basis = Basis::of_round((&kept.tensors, &kept.blobs), &kept.entry)?;
    let made = node::report::report(job, evaluation, usize::try_from(args.round)?, &basis)?;
    let claim = client.claim(report.claim).await?;
    let based = client.report_of_claim(report.claim).await?.context("a claim behind no report")?;
    let here = node::report::wads(&made.margin)?.map(U256::from);
    let outputs_root = court::opening::list_root(&court::opening::roots(&made.outputs));
    let equal = [report.value, report.lower, report.upper] == here
        && hash(claim.program) == made.program
        && hash(claim.inputsRoot) == made.inputs_root
        && hash(claim.outputsRoot) == outputs_root
        && hash(based.modelRoot) == made.model_root;
    Ok(Some(Margin { equal, claim: report.claim.saturating_to(), state: state(claim.state) }))
}

/// Where a claim stands, in a word.
fn state(word: u8) -> &'static str {
    ClaimState::from_word(word).map_or("unknown", crate::up::state)
}

fn tell(replay: &Replay) {
    println!(
        "round {}: {} updates through a program of {} operations",
        replay.round, replay.updates, replay.operations
    );
    println!("program   {}", replay.program);
    println!("inputs    {}", replay.inputs_root);
    println!("on chain  {}", replay.outputs_root);
    println!("replayed  {}", replay.replayed_root);
    if let (Some(claim), Some(state)) = (replay.margin_claim, replay.margin_state) {
        println!("margin    claim {claim} is {state}");
    }
    match (&replay.difference, replay.margin_equal) {
        (Some(difference), _) => println!("DIFFERENT: {difference}"),
        (None, Some(true)) => println!("equal, to the last bit, and so is the margin report"),
        (None, Some(false)) => println!("equal outputs, but the margin report is DIFFERENT"),
        (None, None) => {
            println!("equal, to the last bit; no margin report of this round is on the chain")
        }
    }
}
