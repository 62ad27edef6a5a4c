//! `assay attack-cost`: what it would cost to move the published margin, and what could be gained.
//!
//! Deliberately absent: arithmetic, which is the `backtest` crate's.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::ensure;
use backtest::Progress;
use backtest::attack::{AttackRequest, Prices, attack};
use indicatif::{ProgressBar, ProgressStyle};

/// What is attacked, and what things are worth.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A folder of bars, parquet or CSV; repeat it [default: the bundled oil prices].
    #[arg(long, value_name = "DIR")]
    data: Vec<PathBuf>,
    /// Seats of a round, 4 to 12.
    #[arg(long, default_value_t = 12, value_name = "N")]
    seats: usize,
    /// Rounds that lie, each the basis of a day's report.
    #[arg(long, default_value_t = 8, value_name = "N")]
    rounds: usize,
    /// How often each attack is made, on other days.
    #[arg(long, default_value_t = 3, value_name = "N")]
    repeats: usize,
    /// What decides the batches that seats train on.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// The move that is wanted, in per cent of the margin.
    #[arg(long, default_value_t = 10.0, value_name = "PERCENT")]
    by: f64,
    /// Open interest of the market, dollars.
    #[arg(long, default_value_t = 10e6, value_name = "USD")]
    open_interest: f64,
    /// Stake of a seat, tokens.
    #[arg(long, default_value_t = 1_000.0, value_name = "TOKENS")]
    stake: f64,
    /// Dollars a token.
    #[arg(long, default_value_t = 1.0, value_name = "USD")]
    token_price: f64,
    /// Price of capital, per cent a year.
    #[arg(long, default_value_t = 10.0, value_name = "PERCENT")]
    capital: f64,
    /// Hours between two reports.
    #[arg(long, default_value_t = 24.0, value_name = "HOURS")]
    report_hours: f64,
    /// Hours until a claim is final.
    #[arg(long, default_value_t = 1.0, value_name = "HOURS")]
    window_hours: f64,
    /// Hours until a stake comes home.
    #[arg(long, default_value_t = 168.0, value_name = "HOURS")]
    unbond_hours: f64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// What has a unit, by the name of its option.
    fn amounts(&self) -> [(&'static str, f64); 8] {
        [
            ("by", self.by),
            ("open-interest", self.open_interest),
            ("stake", self.stake),
            ("token-price", self.token_price),
            ("capital", self.capital),
            ("report-hours", self.report_hours),
            ("window-hours", self.window_hours),
            ("unbond-hours", self.unbond_hours),
        ]
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!((4..=12).contains(&self.seats), "--seats is from 4 to 12");
        ensure!(self.rounds > 0, "--rounds is at least 1");
        ensure!(self.repeats > 0, "--repeats is at least 1");
        for (name, value) in self.amounts() {
            ensure!(value > 0.0 && value.is_finite(), "--{name} is a number above zero");
        }
        Ok(())
    }

    fn request(&self) -> AttackRequest {
        AttackRequest {
            data: self.data.clone(),
            seats: self.seats,
            rounds: self.rounds,
            repeats: self.repeats,
            seed: self.seed,
            target: self.by / 100.0,
            open_interest: self.open_interest,
            prices: Prices {
                seat_tokens: self.stake,
                token_usd: self.token_price,
                round_tokens: node::BUDGET_TOKENS as f64,
                bond_tokens: crate::up::genesis::BOND_TOKENS as f64,
                yearly: self.capital / 100.0,
                report_hours: self.report_hours,
                window_hours: self.window_hours,
                unbond_hours: self.unbond_hours,
                liquidation_share: 0.01,
            },
            command: self.command(),
        }
    }

    /// Writes the command that makes the same report.
    fn command(&self) -> String {
        let mut words = "assay attack-cost".to_owned();
        for path in &self.data {
            let path = crate::backtest::quoted(&path.display().to_string());
            words.push_str(&format!(" --data {path}"));
        }
        let counts = [
            ("seats", self.seats as f64),
            ("rounds", self.rounds as f64),
            ("repeats", self.repeats as f64),
        ];
        counts
            .iter()
            .chain(&self.amounts())
            .for_each(|(name, value)| words.push_str(&format!(" --{name} {value}")));
        words.push_str(&format!(" --seed {}", self.seed));
        words
    }
}

/// Simulates, and prints the table.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    args.check()?;
    let bar = ProgressBar::new(1);
    bar.set_style(ProgressStyle::with_template("{msg} {wide_bar} {pos} of {len}, {elapsed}")?);
    let report = attack(&args.request(), &mut |progress: Progress<'_>| {
        bar.set_length(progress.of.max(1) as u64);
        bar.set_position(progress.done as u64);
        bar.set_message(progress.doing.to_owned());
    });
    bar.finish_and_clear();
    let report = report?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report}");
    }
    Ok(ExitCode::SUCCESS)
}
