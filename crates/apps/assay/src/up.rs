//! `assay up`: the whole network on one machine.
//!
//! It supervises processes (the embedded chain and four nodes, this same binary), sees to it that
//! everything is there before the first round, moves the market's clock from day to day, and shows
//! what happens: lines for people, one JSON object for machines, the explorer for everybody.
//!
//! Invariant: it decides nothing in a round. Kill it and its children leave with it; start it again
//! and they go on.

pub(crate) mod children;
pub(crate) mod keys;

mod account;
mod disputes;
pub(crate) mod genesis;
mod house;
mod outside;
pub(crate) mod pages;
mod panel;
mod private;
mod quality;
mod scores;
mod screen;
pub(crate) mod settings;
mod summary;
mod watch;
mod without;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use tokio::{net::TcpListener, sync::watch as channel};

use crate::layout::Layout;
use children::Children;
use screen::Screen;
use settings::Settings;

/// Choices of a run; without any, four nodes on the bundled oil prices, two of them lying.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Directory that keeps everything; a later start goes on there.
    #[arg(long, default_value = ".assay", value_name = "DIR")]
    dir: PathBuf,
    /// Stop the market's clock after this many more rounds.
    #[arg(long, value_name = "N")]
    rounds: Option<u64>,
    /// Leave once those rounds are settled and reported.
    #[arg(long, requires = "rounds")]
    exit: bool,
    /// Print one JSON object at the end instead of lines (docs/protocol.md, §9).
    #[arg(long)]
    json: bool,
    /// The model: `har`, a linear log-HAR with leverage terms, or `mlp`, a small perceptron.
    #[arg(long, default_value = "har")]
    model: String,
    /// Folder of bars (parquet or CSV), one a venue; repeat it for more. Default: the bundled WTI
    /// spot series.
    #[arg(long, value_name = "DIR")]
    data: Vec<PathBuf>,
    /// Start four honest nodes.
    #[arg(long)]
    no_liar: bool,
    /// Let the publisher's report of round 1 leave out what the model is unsure of, to see its
    /// claim convicted. Not with --rpc.
    #[arg(long, conflicts_with = "rpc")]
    false_report: bool,
    /// Let the provider's first grid halve what the perpetual may lose, to see its claim convicted.
    /// Not with --rpc.
    #[arg(long, conflicts_with_all = ["rpc", "false_report"])]
    false_grid: bool,
    /// Start eight nodes, of which two attack: one hides in the spread of the others' updates
    /// (a little is enough), one sends again what another sent. Beside each loss stands that of
    /// the same rounds without them.
    #[arg(long, conflicts_with_all = ["rpc", "no_liar", "false_report", "false_grid"])]
    attack: bool,
    /// Let a node claim that its own rows were worth all of a round's budget, to see the claim
    /// convicted. With --attack.
    #[arg(long, requires = "attack")]
    false_score: bool,
    /// Train a private job instead (docs/private.md): thirteen nodes, whose updates are summed in
    /// shares. One sends wild updates, one goes silent in round 2. Without the explorer.
    #[arg(long, conflicts_with_all = [
        "rpc", "no_liar", "false_report", "false_grid", "attack", "data",
    ])]
    private: bool,
    /// Let a member of buckets state sums that are none, to see it convicted. With --private.
    #[arg(long, requires = "private")]
    false_sum: bool,
    /// Port of the explorer; the next free one is taken when it is in use.
    #[arg(long, default_value_t = 8650)]
    port: u16,
    /// Use another EVM chain instead of the embedded one. Test networks only.
    #[arg(long, value_name = "URL")]
    rpc: Option<String>,
    /// Keystore (Web3 v3) of the account that deploys and pays for gas, for --rpc.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// File with that keystore's password; asked for otherwise.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Say that a chain id that is not known here is a test network.
    #[arg(long, value_name = "ID")]
    allow_chain_id: Option<u64>,
    /// Do not ask before anything is sent to --rpc.
    #[arg(long)]
    yes: bool,
    /// Live market data; refused until live feeds exist.
    #[arg(long)]
    live: bool,
}

/// Where a claim stands, in a word.
pub(crate) fn state(state: chain::ClaimState) -> &'static str {
    match state {
        chain::ClaimState::Open => "open",
        chain::ClaimState::Disputed => "disputed",
        chain::ClaimState::Final => "final",
        chain::ClaimState::Struck => "struck",
        chain::ClaimState::Void => "void",
    }
}

/// Runs the network.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if args.live {
        anyhow::bail!("--live is not there yet: live feeds do not exist, every market is replayed");
    }
    let screen = Arc::new(Screen::new(args.json));
    screen.line(concat!(
        "assay ",
        env!("CARGO_PKG_VERSION"),
        " · unaudited contracts, replayed data, no public network"
    ));
    let layout = Layout::new(&args.dir);
    let _lock = layout.lock()?;
    let settings = Settings::of(&args)?;
    let settings = if args.private { settings } else { settings.agree(&layout)? };
    let (children, mut restarts) = Children::new();
    let told = screen.clone();
    tokio::spawn(async move {
        while let Some(restart) = restarts.recv().await {
            told.line(&format!(
                "{} ended ({}) and was started again",
                restart.name, restart.reason
            ));
        }
    });
    let mut children = children;
    let work = work(&args, &layout, &settings, &mut children, &screen);
    let result = tokio::select! {
        result = work => result,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    children.stop().await;
    screen.close(&layout);
    result.map(|()| ExitCode::SUCCESS)
}

async fn work(
    args: &Args,
    layout: &Layout,
    settings: &Settings,
    children: &mut Children,
    screen: &Arc<Screen>,
) -> anyhow::Result<()> {
    if args.private {
        return private::work(args, layout, children, screen).await;
    }
    let say = |line: &str| screen.line(line);
    let network = genesis::build(args, layout, settings, children, &say).await?;
    screen.market(&network, settings);
    let listener = listen(args.port).await?;
    let address = format!("http://{}", listener.local_addr().context("the explorer's address")?);
    screen.explorer(&address);
    let (pages, view) = channel::channel(Arc::new(explorer::View::default()));
    tokio::spawn(explorer::serve(listener, explorer::State::new(view)));
    genesis::patiently(|| account::open(&network)).await?;
    let mut watch = watch::Watch::new(layout, settings, network, screen.clone(), pages).await?;
    watch.run(args.rounds).await?;
    for line in watch.quality()?.lines() {
        screen.line(&line);
    }
    if args.json {
        screen.json(&watch.summary(&address)?)?;
    }
    if !args.exit {
        screen.line("the rounds asked for are done; the explorer stays until Ctrl-C");
        watch.follow().await?;
    }
    Ok(())
}

/// Takes the port asked for, or the next free one.
async fn listen(port: u16) -> anyhow::Result<TcpListener> {
    const TRIES: u16 = 64;
    let mut last = None;
    for offset in 0..TRIES {
        let Some(port) = port.checked_add(offset) else { break };
        match TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await {
            Ok(listener) => return Ok(listener),
            Err(error) => last = Some(error),
        }
    }
    let error = last.context("no port to try")?;
    Err(error).with_context(|| format!("no free port from {port} on for the explorer"))
}
