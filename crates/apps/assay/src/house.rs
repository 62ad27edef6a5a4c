//! `assay house`: what is asked of the accounts that trade options and perpetuals, and by which
//! scenario, computed again from the chain.
//!
//! The grid that counts is run again from its claim's terms and its provider's call, and compared
//! with its root; so what is printed has to be believed of nobody but the chain.

use std::{path::PathBuf, process::ExitCode};

use alloy::primitives::Address;
use anyhow::Context as _;
use chain::client::House;
use explorer::view;
use node::{Job, grids::Counted};

use crate::{
    layout::Layout,
    reader::Reader,
    up::{keys, pages::house},
};

/// Longest bar, characters.
const BAR: usize = 28;

/// Whose account, of which directory.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An account; without one, the two of `assay up`.
    account: Option<Address>,
    /// Directory of `assay up`.
    #[arg(long, default_value = ".assay", value_name = "DIR")]
    dir: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Prints grid, instruments and accounts.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let layout = Layout::new(&args.dir);
    let reader = Reader::open(&layout).await?;
    let kind = reader.settings.model.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    let job = Job::new(kind)?;
    let house = House::new(&reader.client, reader.client.deployment().clearing());
    let counted = Counted::read(&job, &house).await?.context(
        "no grid counts yet: the first one does some seconds after the first round of `assay up`",
    )?;
    let accounts = match args.account {
        Some(account) => vec![(account, "account")],
        None => vec![
            (keys::own(&layout, "short")?.address(), "short account"),
            (keys::own(&layout, "long")?.address(), "its counterparty"),
        ],
    };
    let market = reader.settings.source.plan()?.evaluations.remove(0).market;
    let view = house::read(&house, (&market, &counted), &accounts).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&view)?);
    } else {
        print(&view);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(view: &view::House) {
    println!(
        "grid      {} at {}, half-width {} %, claim {}, computed again: equal",
        view.market,
        view.price.rounded(2),
        view.half_width.percent(2),
        view.claim
    );
    println!(
        "\n{:<28} {:>12} {:>8} {:>14} {:>15}",
        "", "mark", "delta", "long loses", "short loses"
    );
    for one in &view.instruments {
        println!(
            "{:<28} {:>12} {:>8.3} {:>14} {:>15}",
            one.name,
            one.mark.rounded(4),
            one.delta,
            one.long_loss.rounded(4),
            one.short_loss.rounded(4)
        );
    }
    for portfolio in &view.portfolios {
        account(view, portfolio);
    }
}

fn account(view: &view::House, portfolio: &view::Portfolio) {
    println!(
        "\n{} {}\n  equity {} · to open {} · to keep {}",
        portfolio.party.label,
        portfolio.party.address,
        portfolio.equity.rounded(2),
        portfolio.opening.rounded(2),
        portfolio.maintenance.rounded(2)
    );
    for (name, units) in &portfolio.legs {
        println!("  {:>12} {name}", units.rounded(3));
    }
    if portfolio.legs.is_empty() {
        println!("  no positions");
        return;
    }
    let most = portfolio.changes.iter().fold(0.0_f64, |most, change| most.max(change.abs()));
    let worst = portfolio.changes.iter().copied().fold(0.0, f64::min);
    for (change, scenario) in portfolio.changes.iter().zip(&view.scenarios) {
        let mark = if *change == worst { "  <- the worst" } else { "" };
        println!("  {:<48} {:>10.2} {}{mark}", scenario, change, bar(*change, most));
    }
}

/// A bar of at most so many characters, `-` for a loss and `+` for a gain.
fn bar(change: f64, most: f64) -> String {
    if most <= 0.0 {
        return String::new();
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a line"
    )]
    let length = (change.abs() / most * BAR as f64).round() as usize;
    if change < 0.0 { "-" } else { "+" }.repeat(length)
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn bars_are_as_long_as_their_share() {
        assert_eq!(bar(-2.0, 4.0), "-".repeat(14));
        assert_eq!(bar(4.0, 4.0), "+".repeat(28));
        assert_eq!(bar(0.0, 0.0), "");
    }
}
