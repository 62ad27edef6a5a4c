//! `assay data record`: a signed log of what venues say.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use alloy::signers::local::PrivateKeySigner;
use anyhow::Context as _;
use feeds::live::{Channel, Collector, Endpoints, Event, Feed, Rest, pause};
use feeds::message::Side;
use feeds::{State, Venue};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::up::keys;

/// What to listen to.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// binance, binance-usdm, bybit, okx, deribit or hyperliquid.
    venue: Venue,
    /// Markets, as the venue writes them.
    #[arg(required = true, value_name = "SYMBOL")]
    symbols: Vec<String>,
    /// Some of trades, quotes, book, ticker, liquidations and bars.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "trades,quotes,book,ticker,liquidations",
        value_name = "CHANNEL"
    )]
    channels: Vec<Channel>,
    /// Folder of the logs: DIR/VENUE/SYMBOL/YYYY-MM-DD.log and its seals.
    #[arg(long, default_value = "data/live", value_name = "DIR")]
    out: PathBuf,
    /// Stop after so many seconds.
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Keystore (Web3 v3) that signs; without it, one of its own in DIR/recorder.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// File with that keystore's password; asked for otherwise.
    #[arg(long, requires = "key", value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Another address of the venue's REST interface.
    #[arg(long, value_name = "URL")]
    rest: Option<String>,
    /// Another address of the venue's websockets.
    #[arg(long, value_name = "URL")]
    socket: Option<String>,
    /// Print one JSON object at the end.
    #[arg(long)]
    json: bool,
}

/// Listens until Ctrl-C or the time is up.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let signer = signer(&args)?;
    let public = Endpoints::public(args.venue);
    let socket = args.socket.clone().unwrap_or(public.socket);
    let rest = args.rest.clone().unwrap_or(public.rest);
    let rest = Arc::new(Rest::new(args.venue, &rest, pause));
    if !args.json {
        println!("signed by {}", signer.address());
        let missing: Vec<&str> =
            args.channels.iter().filter(|c| !args.venue.has(**c)).map(|c| c.name()).collect();
        if !missing.is_empty() {
            println!("{} has no {}", args.venue, missing.join(", "));
        }
    }
    let (stop, stopped) = watch::channel(false);
    let lines = MultiProgress::new();
    let mut running = Vec::new();
    for symbol in &args.symbols {
        let feed = Feed {
            venue: args.venue,
            symbol: symbol.clone(),
            channels: args.channels.clone(),
            socket: socket.clone(),
        };
        let collector = Collector::new(feed, Arc::clone(&rest), &args.out, signer.clone())?;
        let line = lines.add(ProgressBar::new_spinner());
        line.set_style(ProgressStyle::with_template("{spinner} {prefix:<24} {msg}")?);
        line.set_prefix(format!("{} {symbol}", args.venue));
        line.enable_steady_tick(Duration::from_millis(200));
        running.push(tokio::spawn(market(collector, symbol.clone(), line, stopped.clone())));
    }
    let time = args.seconds.map(Duration::from_secs);
    tokio::select! {
        signal = tokio::signal::ctrl_c() => signal?,
        () = async { tokio::time::sleep(time.unwrap_or(Duration::MAX)).await } => {}
        () = any_finished(&running) => {}
    }
    let _ = stop.send(true);
    let mut markets = Vec::new();
    for task in running {
        markets.push(task.await.context("a collector broke down")??);
    }
    if args.json {
        let signer = signer.address().to_string();
        println!("{}", json!({ "signer": signer, "markets": markets }));
    } else {
        for market in &markets {
            println!(
                "{}: {} messages in {} lines, {} unreadable, {} gaps, {} connections",
                market["symbol"].as_str().unwrap_or_default(),
                market["messages"],
                market["lines"],
                market["unreadable"],
                market["gaps"],
                market["connections"],
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits until one of the collectors ends by itself, which a full disk makes it do.
async fn any_finished<T>(running: &[tokio::task::JoinHandle<T>]) {
    while !running.iter().any(tokio::task::JoinHandle::is_finished) {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Listens to one market, shows how it goes, and returns what was done.
async fn market(
    mut collector: Collector,
    symbol: String,
    line: ProgressBar,
    mut stopped: watch::Receiver<bool>,
) -> anyhow::Result<Value> {
    let stop = async move {
        // The sender is dropped at the end of the program at the latest.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let show = |collector: &Collector, event: Event<'_>| match event {
        Event::Message(_) => line.set_message(standing(collector)),
        Event::Connected => line.set_message("connected"),
        Event::Lost { reason, wait } => {
            say(&line, format!("{symbol}: {reason}; again in {:.1} s", wait.as_secs_f64()));
        }
        Event::Gap(step) => say(&line, format!("{symbol}: the book missed something ({step:?})")),
        Event::Unreadable(error) => say(&line, format!("{symbol}: {error}")),
        Event::Unanswered(error) => say(&line, format!("{symbol}: {error}")),
    };
    collector.run(stop, show).await?;
    line.finish_and_clear();
    let counts = collector.counts();
    Ok(json!({
        "symbol": symbol,
        "lines": counts.lines,
        "bytes": counts.bytes,
        "messages": counts.messages,
        "unreadable": counts.unreadable,
        "gaps": counts.gaps,
        "connections": counts.connections,
    }))
}

/// Says something above the lines that move, or where there are none, as in a service's log.
fn say(line: &ProgressBar, text: String) {
    if line.is_hidden() { eprintln!("{text}") } else { line.println(text) }
}

/// One line on how a market stands.
fn standing(collector: &Collector) -> String {
    let (counts, book) = (collector.counts(), collector.book());
    let best = |side| book.best(side).map_or_else(|| "-".to_owned(), |l| l.price.to_string());
    let state = match book.state() {
        State::Live => format!("{} / {}", best(Side::Buy), best(Side::Sell)),
        State::Stale => "book stale".to_owned(),
        State::Empty => "no book yet".to_owned(),
    };
    format!("{} messages, {state}, {} gaps", counts.messages, counts.gaps)
}

/// Opens the key that signs.
fn signer(args: &Args) -> anyhow::Result<PrivateKeySigner> {
    let Some(path) = &args.key else {
        let dir = args.out.join("recorder");
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let password = keys::password(&dir)?;
        return Ok(node::keys::Keys::open(&dir, &password, node::keys::Cost::Light)?.chain);
    };
    let password = password(path, args.password_file.as_deref())?;
    Ok(node::keys::open_keystore(path, &password)?)
}

fn password(key: &Path, file: Option<&Path>) -> anyhow::Result<String> {
    if let Some(file) = file {
        let text = std::fs::read_to_string(file);
        let text = text.with_context(|| format!("--password-file {}", file.display()))?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    if !std::io::stdin().is_terminal() {
        anyhow::bail!("there is no terminal to ask for the password; add --password-file FILE");
    }
    rpassword::prompt_password(format!("password of {}: ", key.display()))
        .context("no password was given")
}
