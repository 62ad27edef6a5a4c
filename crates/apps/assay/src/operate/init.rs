//! `assay node init`: a directory that is all a node needs.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use alloy::primitives::Address;
use anyhow::{Context as _, ensure};
use node::{Privacy, Source, TensorStore};
use serde::{Deserialize, Serialize};

use super::{Place, keys};
use crate::{layout, networks};

/// A network as whoever started it describes it to strangers; `assay up` writes it as
/// `network.json`. It holds no secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Network {
    /// Address of a JSON-RPC of its chain.
    pub(crate) rpc: String,
    /// Its contracts.
    pub(crate) deployment: chain::Deployment,
    /// Kind of model that is trained.
    pub(crate) model: String,
    /// The market that is reported on.
    pub(crate) market: String,
    /// Whose reports the gate reads.
    pub(crate) provider: Address,
    /// Midnights of the market's days, Unix seconds.
    pub(crate) calendar: Vec<u64>,
    /// Whether the chain's clock is the market's.
    pub(crate) data_clock: bool,
}

/// Of which network, with which data, for whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// The network's description, as `assay up` writes it into its directory.
    #[arg(long, default_value = ".assay/network.json", value_name = "FILE")]
    network: PathBuf,
    /// JSON-RPC of the chain, where it is another than the description's.
    #[arg(long, value_name = "URL")]
    rpc: Option<String>,
    /// Your own bars, parquet or CSV; they stay here. Without it, the bundled oil prices.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Which part of the data to train on, from 0; the parts are told when there is no such one.
    #[arg(long, default_value_t = 0, value_name = "PART")]
    part: usize,
    /// Where pay and stake go; for good. A cold address that this machine has no key of.
    #[arg(long, value_name = "ADDRESS")]
    payee: Option<Address>,
    /// Whole tokens to stake.
    #[arg(long, default_value_t = 1_000, value_name = "TOKENS")]
    stake: u64,
    /// Blur every update by this much noise, in lengths of --clip, so that it tells little of your
    /// data; `assay privacy` says how little. Asks for --budget.
    #[arg(long, value_name = "MULTIPLE", requires = "budget")]
    noise: Option<f64>,
    /// Shorten every update to this length first.
    #[arg(long, default_value_t = 0.1, requires = "noise", value_name = "LENGTH")]
    clip: f64,
    /// Train no more once all updates together would tell more than this epsilon.
    #[arg(long, requires = "noise", value_name = "EPSILON")]
    budget: Option<f64>,
    /// Probability outside that bound.
    #[arg(long, default_value_t = 1e-6, requires = "noise")]
    delta: f64,
    /// Where to listen for peers.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "HOST:PORT")]
    bind: SocketAddr,
    /// Where peers reach that, if it is another address, as behind a router.
    #[arg(long, value_name = "HOST:PORT")]
    public: Option<String>,
    /// Say that a chain id that is not known here is a test network.
    #[arg(long, value_name = "ID")]
    allow_chain_id: Option<u64>,
}

/// Makes the directory; what is there already is never replaced.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let dir = &args.place.dir;
    let path = dir.join("config.json");
    ensure!(!path.exists(), "{} holds a node already", dir.display());
    let network: Network = layout::read_json(&args.network)?
        .with_context(|| format!("--network {}: no such file", args.network.display()))?;
    networks::check(network.deployment.chain_id, args.allow_chain_id)?;
    let source = match &args.data {
        Some(folder) => Source::Folders(vec![
            std::fs::canonicalize(folder)
                .with_context(|| format!("--data {}: no such folder", folder.display()))?,
        ]),
        None => Source::Wti,
    };
    let plan = source.plan()?;
    let slice = plan.slices.get(args.part).with_context(|| {
        let parts = plan.slices.iter().enumerate();
        let parts: Vec<String> = parts
            .map(|(n, part)| format!("{n} ({}, {} days)", part.name, part.train.count()))
            .collect();
        format!("the data has no part {}; it has {}", args.part, parts.join(", "))
    })?;
    let privacy = privacy(args)?;
    let keys = keys::open(&args.place)?;
    let store = TensorStore::open(&dir.join("tensors"))?;
    let key = keys.chain.address();
    let config = node::Config {
        name: "node".to_owned(),
        rpc: args.rpc.clone().unwrap_or(network.rpc),
        deployment: network.deployment,
        model: network.model,
        stake_tokens: args.stake,
        bind: args.bind,
        public: args.public.clone(),
        payee: args.payee,
        slice: node::Slice {
            name: slice.name.clone(),
            x: store.put(slice.train.x())?,
            y: store.put(slice.train.y())?,
            rows: slice.train.count(),
        },
        privacy,
        calendar: network.calendar,
        data_clock: network.data_clock,
        market: network.market,
        provider: network.provider,
        lie: None,
        first_turn: 0,
        check_permille: 1_000,
        publish: None,
        prices: None,
        private: None,
        provides: false,
    };
    layout::replace_json(&path, &config)?;
    tell(args, key, &config);
    Ok(ExitCode::SUCCESS)
}

/// Says what was made, and what is next.
fn tell(args: &Args, key: Address, config: &node::Config) {
    println!("node      {}", args.place.dir.display());
    println!("key       {key} (hot: signs, and pays gas)");
    match args.payee {
        Some(payee) => println!("payee     {payee}"),
        None => println!("payee     the key itself; --payee ADDRESS keeps pay and stake elsewhere"),
    }
    println!("data      {}, {} days, which stay here", config.slice.name, config.slice.rows);
    if let Some(privacy) = config.privacy {
        let lasts = learn::Mechanism { noise: privacy.noise, rate: 1.0 }
            .releases(privacy.budget, privacy.delta);
        println!("privacy   epsilon {} lasts {lasts} rounds", privacy.budget);
    }
    if args.place.password_file.is_none() {
        println!("password  made, and kept in {}/password", args.place.dir.display());
    }
    println!(
        "next      have {} tokens, as much for bonds, and gas sent to the key; then join, or run",
        args.stake
    );
}

/// What updates may tell, if that was asked for.
fn privacy(args: &Args) -> anyhow::Result<Option<Privacy>> {
    let (Some(noise), Some(budget)) = (args.noise, args.budget) else { return Ok(None) };
    let privacy = Privacy { clip: args.clip, noise, delta: args.delta, budget };
    ensure!(privacy.clip > 0.0 && privacy.clip.is_finite(), "--clip is a positive number");
    ensure!(privacy.delta > 0.0 && privacy.delta < 1.0, "--delta is between 0 and 1");
    let first = privacy.epsilon(1);
    ensure!(
        first <= budget,
        "one update tells {first:.3} already, more than --budget {budget}; add --noise"
    );
    Ok(Some(privacy))
}
