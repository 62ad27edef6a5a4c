//! `assay node init`: a directory that is all a node needs.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use alloy::primitives::Address;
use anyhow::{Context as _, ensure};
use node::{Source, TensorStore};
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
        calendar: network.calendar,
        data_clock: network.data_clock,
        market: network.market,
        provider: network.provider,
        lie: None,
        first_turn: 0,
        check_permille: 1_000,
        publish: None,
        prices: None,
        provides: false,
    };
    layout::replace_json(&path, &config)?;
    println!("node      {}", dir.display());
    println!("key       {key} (hot: signs, and pays gas)");
    match args.payee {
        Some(payee) => println!("payee     {payee}"),
        None => println!("payee     the key itself; --payee ADDRESS keeps pay and stake elsewhere"),
    }
    println!("data      {}, {} days, which stay here", slice.name, slice.train.count());
    if args.place.password_file.is_none() {
        println!("password  made, and kept in {}/password", dir.display());
    }
    println!(
        "next      have {} tokens, as much for bonds, and gas sent to the key; then join, or run",
        args.stake
    );
    Ok(ExitCode::SUCCESS)
}
