//! `assay propose`: our margins as a bundle for her Safe or her timelock, inside her own limits.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use alloy::primitives::{Address, U256};
use anyhow::Context as _;
use chain::Client;
use chain::contracts::gate::{IRiskGate, RiskGate};
use serde_json::{Value, json};
use shadow::{Bundle, Gate, Ours, Proposal, SafeCall, Setter, Target, Timelock, Unit};

use crate::data::now_s;
use crate::shadow::Where;

/// What to propose, and for whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Where,
    /// The function that sets a market's margins, such as setMargins(bytes32,uint256,uint256); left
    /// out, the contract is a `RiskGate`, whose limits and static margins are used.
    #[arg(long, value_name = "SIGNATURE")]
    set: Option<Setter>,
    /// The least initial margin that may be proposed, such as 2%.
    #[arg(long, default_value = "2%", value_parser = share, value_name = "SHARE")]
    floor: f64,
    /// The largest.
    #[arg(long, default_value = "50%", value_parser = share, value_name = "SHARE")]
    ceiling: f64,
    /// By how much a margin may rise, as a share of what holds.
    #[arg(long, default_value = "50%", value_parser = share, value_name = "SHARE")]
    step_up: f64,
    /// By how much it may fall.
    #[arg(long, default_value = "10%", value_parser = share, value_name = "SHARE")]
    step_down: f64,
    /// A timelock that the contract's owner is; then there are two files, to schedule and to
    /// execute.
    #[arg(long, requires = "delay", value_name = "ADDRESS")]
    timelock: Option<Address>,
    /// Its delay in seconds.
    #[arg(long, value_name = "SECONDS")]
    delay: Option<u64>,
    /// Where the bundle goes, for the transaction builder of a Safe.
    #[arg(long, default_value = "proposal.json", value_name = "FILE")]
    out: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Reads a share, `0.05` or `5%`.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let share = signed(text)?;
    if share >= 0.0 { Ok(share) } else { Err("is below zero".to_owned()) }
}

/// Reads a share that may be negative, `-10%` or `-0.1`; nothing falls by more than all of it.
pub(crate) fn signed(text: &str) -> Result<f64, String> {
    let (digits, unit) = text.strip_suffix('%').map_or((text, 1.0), |digits| (digits, 100.0));
    let share = digits.trim().parse::<f64>().map(|number| number / unit);
    let share = share.map_err(|_| "write a share, such as 5% or 0.05".to_owned())?;
    let plausible = share.is_finite() && (-1.0..=10.0).contains(&share);
    if plausible { Ok(share) } else { Err("is no plausible share".to_owned()) }
}

/// Proposes.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(args.floor <= args.ceiling, "--floor is above --ceiling");
    let (client, source) = (args.place.client().await?, args.place.source());
    let ours = Ours::open(&args.place.data)?;
    let hour_s = args.place.hour_s();
    let (mut proposals, mut calls) = (Vec::new(), Vec::new());
    for market in &args.place.market {
        let now = source.read(&client, market).await?;
        let margins = ours.at(&market.name, hour_s)?;
        let limits = match args.set {
            Some(_) => None,
            None => Some(limits(&client, &args, market).await?),
        };
        let gate = limits.as_ref().map_or_else(|| own(&args), gate);
        let proposal = Proposal::new(market, &now, &margins, &gate);
        if proposal.proposed != proposal.now {
            let data = match (&args.set, limits) {
                (Some(set), _) => set.input(market, args.place.unit, proposal.proposed)?,
                (None, Some(limits)) => static_margins(market, limits, &proposal)?,
                (None, None) => unreachable!("limits are read where no setter is named"),
            };
            calls.push(SafeCall { to: args.place.contract, data });
        }
        proposals.push(proposal);
    }
    let bundle = Bundle { chain_id: client.chain_id(), calls };
    let files = write(&args, &bundle, &proposals, hour_s)?;
    if args.json {
        println!("{}", json!({ "hour_s": hour_s, "proposals": proposals, "files": files }));
    } else {
        tell(&proposals, &files);
    }
    Ok(ExitCode::SUCCESS)
}

fn own(args: &Args) -> Gate {
    Gate {
        floor: args.floor,
        ceiling: args.ceiling,
        step_up: args.step_up,
        step_down: args.step_down,
    }
}

/// The limits that the gate itself has for a market.
async fn limits(
    client: &Client,
    args: &Args,
    market: &Target,
) -> anyhow::Result<IRiskGate::Limits> {
    let id = market_id(market)?;
    let limits = client.view(args.place.contract, RiskGate::limitsOfCall { market: id }).await;
    let limits = limits.context(
        "the contract is no RiskGate; name the function that sets its margins with --set",
    )?;
    anyhow::ensure!(!limits.ceiling.is_zero(), "the gate knows no market {}", market.name);
    Ok(limits)
}

fn market_id(market: &Target) -> anyhow::Result<alloy::primitives::B256> {
    let word = market.argument("bytes32")?.as_word();
    word.with_context(|| format!("{}: a gate takes a bytes32", market.name))
}

fn gate(limits: &IRiskGate::Limits) -> Gate {
    let share = |raw: U256| f64::from(raw) / 1e18;
    Gate {
        floor: share(limits.floor),
        ceiling: share(limits.ceiling),
        step_up: share(limits.stepUp),
        step_down: share(limits.stepDown),
    }
}

/// The call that sets a gate's static margins, which hold while it is shut.
fn static_margins(
    market: &Target,
    mut limits: IRiskGate::Limits,
    proposal: &Proposal,
) -> anyhow::Result<alloy::primitives::Bytes> {
    use alloy::sol_types::SolCall as _;
    let raw = |share: f64| Unit::Share(1e18).raw(share);
    limits.staticInitial = raw(proposal.proposed[0]).min(limits.ceiling);
    limits.staticMaintenance = raw(proposal.proposed[1]).min(limits.staticInitial);
    let call = RiskGate::setMarketCall { market: market_id(market)?, limits };
    Ok(call.abi_encode().into())
}

/// Writes the bundle, or the two of a timelock; returns what was written.
fn write(
    args: &Args,
    bundle: &Bundle,
    proposals: &[Proposal],
    hour_s: i64,
) -> anyhow::Result<Vec<Value>> {
    if bundle.calls.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = proposals.iter().map(|proposal| proposal.market.as_str()).collect();
    let why = format!("Margins of {} as of {}", names.join(", "), backtest::when(hour_s));
    let created_ms = u64::try_from(now_s()).unwrap_or(0) * 1_000;
    let put = |path: &Path, what: &str, bundle: &Bundle| -> anyhow::Result<Value> {
        let safe = bundle.safe((what, &why), created_ms);
        std::fs::write(path, format!("{safe:#}\n"))
            .with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(json!({ "file": path, "what": what, "calls": bundle.calls }))
    };
    let (Some(address), Some(delay_s)) = (args.timelock, args.delay) else {
        return Ok(vec![put(&args.out, "Set margins", bundle)?]);
    };
    let (schedule, execute, id) = Timelock { address, delay_s }.wrap(bundle);
    let mut later = args.out.clone();
    later.set_extension("execute.json");
    let mut files = vec![
        put(&args.out, "Schedule margins", &schedule)?,
        put(&later, "Execute margins", &execute)?,
    ];
    files.iter_mut().for_each(|file| file["operation"] = json!(id));
    Ok(files)
}

fn tell(proposals: &[Proposal], files: &[Value]) {
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    let pair = |[initial, maintenance]: [f64; 2]| {
        format!("{} / {}", percent(initial), percent(maintenance))
    };
    println!("{:<10} {:<18} {:<18} {:<18} held by", "market", "now", "ours", "proposed");
    for p in proposals {
        let held = if p.held_by.is_empty() { "-".to_owned() } else { p.held_by.join(", ") };
        println!(
            "{:<10} {:<18} {:<18} {:<18} {held}",
            p.market,
            pair(p.now),
            pair(p.ours),
            pair(p.proposed)
        );
    }
    if files.is_empty() {
        println!("nothing to change");
    }
    for file in files {
        let text = |key: &str| file[key].as_str().unwrap_or_default().to_owned();
        println!("{:<17} {}", text("what").to_lowercase(), text("file"));
        if let Some(operation) = file["operation"].as_str() {
            println!("operation         {operation}");
        }
    }
}
