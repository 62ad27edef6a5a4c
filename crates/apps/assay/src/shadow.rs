//! `assay shadow`: her live margins, read every hour with ours beside them, in a signed log.
//!
//! *Invariant: nothing is sent to the chain.* Absent: what is read and how ours are made, which is
//! the `shadow` crate's.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use alloy::primitives::Address;
use alloy::signers::local::PrivateKeySigner;
use alloy::transports::http::reqwest;
use anyhow::Context as _;
use chain::Client;
use feeds::log::LogWriter;
use market::Date;
use shadow::{Alert, Call, HOUR_S, Hers, Ours, Record, Source, Target, Unit};

use crate::data::now_s;

/// How long after the hour the bars are given to arrive, in seconds.
const GRACE_S: u64 = 20;
/// How long an alert may take.
const ALERT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where her margins are read.
#[derive(Debug, clap::Args)]
pub(crate) struct Where {
    /// Her chain's JSON-RPC; nothing but reads is asked of it.
    #[arg(long, value_name = "URL")]
    pub(crate) rpc: String,
    /// The contract that has her margins.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) contract: Address,
    /// A market, such as BTC, found in the data as `backtest` does; BTC=ARGUMENT where the contract
    /// takes another than keccak-256 of the name. Repeat it.
    #[arg(long, required = true, value_name = "NAME[=ARGUMENT]")]
    pub(crate) market: Vec<Target>,
    /// The view function of the initial margin; #N takes another word of its answer than the first.
    #[arg(long, default_value = "initialMargin(bytes32)", value_name = "SIGNATURE")]
    pub(crate) initial: Call,
    /// The view function of the maintenance margin.
    #[arg(long, default_value = "maintenanceMargin(bytes32)", value_name = "SIGNATURE")]
    pub(crate) maintenance: Call,
    /// What they count: wad, bps, percent, leverage, or the number that is the whole position.
    #[arg(long, default_value = "wad", value_name = "UNIT")]
    pub(crate) unit: Unit,
    /// A folder of bars that is kept up to date (`assay data fetch`); repeat it for more venues.
    #[arg(long, required = true, value_name = "DIR")]
    pub(crate) data: Vec<PathBuf>,
    /// Take this hour for now, such as 2024-06-08T05:00Z, to try it on the past.
    #[arg(long, value_name = "HOUR", value_parser = hour)]
    pub(crate) at: Option<i64>,
}

impl Where {
    pub(crate) fn source(&self) -> Source {
        Source {
            contract: self.contract,
            initial: self.initial.clone(),
            maintenance: self.maintenance.clone(),
            unit: self.unit,
        }
    }

    /// Connects with a key that signs nothing.
    pub(crate) async fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::connect(&self.rpc, PrivateKeySigner::random()).await?)
    }

    /// Returns the hour that has begun.
    pub(crate) fn hour_s(&self) -> i64 {
        self.at.unwrap_or_else(|| now_s().div_euclid(HOUR_S) * HOUR_S)
    }
}

/// What to watch, and where it is written.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Where,
    /// Bring this market's hourly bars in the first `--data` folder up to date before each reading,
    /// such as binance-usdm:BTCUSDT; repeat it. A new file begins 400 days back.
    #[arg(long, value_name = "VENUE:SYMBOL")]
    fetch: Vec<Fetched>,
    /// Folder of the signed log, the key that signs it, and the pages.
    #[arg(long, default_value = "shadow", value_name = "DIR")]
    dir: PathBuf,
    /// Read one hour and stop; for a scheduler of your own.
    #[arg(long)]
    once: bool,
    /// Write the page of what is logged so far, read nothing, and stop.
    #[arg(long)]
    page: bool,
    /// Post alerts to this address as JSON.
    #[arg(long, value_name = "URL")]
    webhook: Option<reqwest::Url>,
    /// Print a JSON object a record.
    #[arg(long)]
    json: bool,
}

/// A market at a venue whose bars are fetched.
#[derive(Clone, Debug)]
struct Fetched {
    venue: feeds::Venue,
    symbol: String,
}

impl std::str::FromStr for Fetched {
    type Err = String;

    fn from_str(text: &str) -> Result<Fetched, String> {
        let (venue, symbol) = text.split_once(':').ok_or("write VENUE:SYMBOL")?;
        let venue = venue.parse().map_err(|error: feeds::NoVenue| error.to_string())?;
        Ok(Fetched { venue, symbol: symbol.to_owned() })
    }
}

/// Reads a whole hour.
pub(crate) fn hour(text: &str) -> Result<i64, String> {
    backtest::time(text).ok_or_else(|| "write a whole hour, such as 2024-06-08T05:00Z".to_owned())
}

/// Watches.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let log = args.dir.join("shadow.log");
    if args.page {
        let (records, _) = shadow::read(&log)?;
        let day = |hour_s: i64| Date::of_unix(hour_s).context("a record of no day");
        let (first, last) = match (records.first(), records.last()) {
            (Some(first), Some(last)) => (first.hour_s, last.hour_s),
            _ => anyhow::bail!("{}: nothing is logged yet", log.display()),
        };
        // Whole days alone: the first that began under it, the last that is over.
        let from = day(first + 86_399)?;
        let to = Date::from_number(day(last + HOUR_S)?.number() - 1);
        anyhow::ensure!(from <= to, "no whole day is logged yet; try again tomorrow");
        return page(&args, &records, (from, to), "shadow.html");
    }
    let signer = signer(&args.dir)?;
    let market = format!("{} on {}", args.place.contract, chain_name(&args).await?);
    let mut writer = LogWriter::open(&log, ("assay shadow", &market), signer.clone())?;
    if !args.json && std::io::stdout().is_terminal() {
        println!("log       {}, signed by {}", log.display(), signer.address());
    }
    loop {
        let hour_s = args.place.hour_s();
        let logged = shadow::read(&log)?.0;
        let result = read_hour(&args, hour_s, (&logged, &mut writer)).await;
        match result {
            Ok(()) => weekly(&args, &log, hour_s)?,
            Err(error) if args.once || args.place.at.is_some() => return Err(error),
            // The next hour may go better; nothing of this one is made up.
            Err(error) => eprintln!("{}: {error:#}", backtest::when(hour_s)),
        }
        if args.once || args.place.at.is_some() {
            return Ok(ExitCode::SUCCESS);
        }
        let next = u64::try_from(hour_s + HOUR_S - now_s()).unwrap_or(0) + GRACE_S;
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(next)) => {}
            signal = tokio::signal::ctrl_c() => {
                signal?;
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
}

async fn chain_name(args: &Args) -> anyhow::Result<String> {
    Ok(format!("chain {}", args.place.client().await?.chain_id()))
}

/// Reads an hour of every market that is not logged yet, logs it, and says what to look at.
async fn read_hour(
    args: &Args,
    hour_s: i64,
    (logged, writer): (&[Record], &mut LogWriter),
) -> anyhow::Result<()> {
    let (client, source) = (args.place.client().await?, args.place.source());
    for market in &args.fetch {
        crate::data::bring(market.venue, &market.symbol, (&args.place.data[0], hour_s)).await?;
    }
    let ours = Ours::open(&args.place.data)?;
    for market in &args.place.market {
        let of = |record: &&Record| record.market == market.name;
        if logged.iter().filter(of).any(|record| record.hour_s >= hour_s) {
            continue;
        }
        let reading = source.read(&client, market).await?;
        let record = Record {
            hour_s,
            market: market.name.clone(),
            hers: Hers::new((client.chain_id(), source.contract), &reading),
            ours: ours.at(&market.name, hour_s)?,
        };
        let line = serde_json::to_vec(&record)?;
        writer.append(feeds::live::now_ns(), &line)?;
        writer.seal()?;
        if args.json {
            println!("{}", serde_json::to_string(&record)?);
        } else {
            println!("{}", sentence(&record));
        }
        let mut found = shadow::alerts(&record, logged.iter().rev().find(of));
        match shadow::pending(&source, &client, (market, &reading)).await {
            Ok(waits) => found.extend(waits.map(|pending| Alert::of(&record, &pending))),
            Err(error) => {
                eprintln!("{}: what waits in the gate is not known: {error}", market.name)
            }
        }
        for alert in &found {
            tell(args, alert).await;
        }
    }
    Ok(())
}

fn sentence(record: &Record) -> String {
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    let (hers, ours) = (&record.hers, &record.ours);
    format!(
        "{}  {:<8} yours {} / {}   ours {} / {}   block {}",
        backtest::when(record.hour_s),
        record.market,
        percent(hers.initial),
        percent(hers.maintenance),
        percent(ours.initial),
        percent(ours.maintenance),
        hers.block,
    )
}

/// Says an alert, and posts it where it was asked for.
async fn tell(args: &Args, alert: &Alert) {
    eprintln!("alert     {}", alert.sentence());
    let Some(url) = &args.webhook else { return };
    let mut body = serde_json::to_value(alert).unwrap_or_default();
    body["sentence"] = alert.sentence().into();
    let client = reqwest::Client::builder().timeout(ALERT_TIMEOUT).build();
    let sent = match client {
        Ok(client) => {
            let request = client.post(url.clone()).header("content-type", "application/json");
            request
                .body(body.to_string())
                .send()
                .await
                .and_then(reqwest::Response::error_for_status)
        }
        Err(error) => Err(error),
    };
    if let Err(error) = sent {
        eprintln!("the webhook did not take it: {error}");
    }
}

/// Writes the page of the week that has ended, on the first hour of a Monday.
fn weekly(args: &Args, log: &Path, hour_s: i64) -> anyhow::Result<()> {
    let Some(today) = Date::of_unix(hour_s) else { return Ok(()) };
    // Day 0 of 1970 was a Thursday.
    let monday = (today.number() + 3).rem_euclid(7) == 0;
    let (records, _) = shadow::read(log)?;
    let begun = |day: Date| records.first().is_some_and(|first| first.hour_s <= day.unix());
    let (from, to) = (Date::from_number(today.number() - 7), Date::from_number(today.number() - 1));
    let name = format!("week-{from}.html");
    if monday && begun(from) && !args.dir.join(&name).exists() {
        page(args, &records, (from, to), &name)?;
    }
    Ok(())
}

fn page(
    args: &Args,
    records: &[Record],
    window: (Date, Date),
    name: &str,
) -> anyhow::Result<ExitCode> {
    let log = args.dir.join("shadow.log").display().to_string();
    let page = shadow::weekly(records, (&log, &args.place.data), window)?;
    let path = args.dir.join(name);
    std::fs::write(&path, &page.finished.html)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    if args.json {
        let report = &page.finished.report;
        let object = serde_json::json!({
            "page": path,
            "report": report,
            "recomputed": page.recomputed,
        });
        println!("{object}");
        return Ok(ExitCode::SUCCESS);
    }
    for line in &page.finished.report.verdict {
        println!("{line}");
    }
    for (market, found) in &page.recomputed {
        let differ = found.different.len();
        println!(
            "{market}: of the margins that were published, {} come out the same to the last bit, \
             {differ} differently{}, {} are not comparable; {} hours were missed",
            found.same,
            found.different.first().map_or(String::new(), |hour| format!(" (first {hour})")),
            found.not_compared,
            found.missing,
        );
    }
    println!("page      {}", path.display());
    Ok(ExitCode::SUCCESS)
}

/// Returns the key that signs the log, made at the first start; it holds nothing.
fn signer(dir: &Path) -> anyhow::Result<PrivateKeySigner> {
    let dir = dir.join("key");
    std::fs::create_dir_all(&dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let password = crate::up::keys::password(&dir)?;
    Ok(node::keys::Keys::open(&dir, &password, node::keys::Cost::Light)?.chain)
}
