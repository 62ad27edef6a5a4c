//! `assay option`: the price and Greeks of one option, or the volatility that a price implies.
//!
//! Deliberately absent: arithmetic, which is a Program of `market::option`, the same that margins
//! are made of.

use std::process::ExitCode;

use anyhow::Context as _;
use kernels::Runner;
use market::option::{Contract, greeks, greeks_inputs, implied, implied_inputs};
use serde_json::json;

/// What to work out.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    ask: Ask,
}

#[derive(Debug, clap::Subcommand)]
enum Ask {
    /// Price and Greeks from a volatility (Black-76 on the forward, undiscounted).
    Price {
        #[command(flatten)]
        which: Which,
        /// Volatility a year: 60% or 0.6.
        #[arg(long, value_parser = share, allow_negative_numbers = true)]
        volatility: f64,
    },
    /// The volatility that gives a price.
    Iv {
        #[command(flatten)]
        which: Which,
        /// Price, in the currency of the strike; with --coin in coin, as Deribit quotes.
        #[arg(long, value_parser = positive, allow_negative_numbers = true)]
        price: f64,
    },
}

#[derive(Debug, clap::Args)]
#[group(skip)]
struct Which {
    /// A put; otherwise a call.
    #[arg(long)]
    put: bool,
    /// Price of the expiry's own future, in the currency of the strike.
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    forward: f64,
    /// Strike.
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    strike: f64,
    /// Days to expiry; years have 365.
    #[arg(long, value_parser = positive, allow_negative_numbers = true)]
    days: f64,
    /// Prices are in coin: those in the currency of the strike divided by the forward.
    #[arg(long)]
    coin: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Works it out and prints it.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.ask {
        Ask::Price { which, volatility } => price(which, *volatility)?,
        Ask::Iv { which, price } => {
            let unit = if which.coin { which.forward } else { 1.0 };
            let quote = [(price * unit, which.contract(0.0))];
            let out = Runner::new(&implied(1)?).run(&implied_inputs(&quote)?)?;
            let volatility = out[0].as_f64().context("a volatility is f64")?[0];
            if volatility.is_nan() {
                let least = which.intrinsic() / unit;
                let most = if which.put { which.strike } else { which.forward } / unit;
                anyhow::bail!(
                    "no volatility gives a price of {price}: it must be above {least} (what the \
                     option is worth at once) and below {most}"
                );
            }
            if which.json {
                println!("{}", json!({ "volatility": volatility }));
            } else {
                println!("volatility  {:.6} %", volatility * 100.0);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn price(which: &Which, volatility: f64) -> anyhow::Result<()> {
    let out = Runner::new(&greeks(1)?).run(&greeks_inputs(&[which.contract(volatility)])?)?;
    let number = |i: usize| out[i].as_f64().context("prices are f64").map(|column| column[0]);
    let unit = if which.coin { which.forward } else { 1.0 };
    let price = number(0)? / unit;
    let (delta, gamma) = (number(1)?, number(2)?);
    let (vega, theta) = (number(3)? / 100.0, number(4)? / 365.0);
    if which.json {
        let say = json!({
            "price": price, "delta": delta, "gamma": gamma,
            "vega_a_point": vega, "theta_a_day": theta,
        });
        println!("{say}");
    } else {
        println!("price  {price}{}", if which.coin { " in coin" } else { "" });
        println!("delta  {delta:.6}");
        println!("gamma  {gamma:.9}  a unit of the forward");
        println!("vega   {vega:.6}  a volatility point");
        println!("theta  {theta:.6}  a day");
    }
    Ok(())
}

impl Which {
    fn contract(&self, volatility: f64) -> Contract {
        let (forward, strike, years) = (self.forward, self.strike, self.days / 365.0);
        Contract { forward, strike, volatility, years, call: !self.put }
    }

    fn intrinsic(&self) -> f64 {
        let gain = self.forward - self.strike;
        if self.put { -gain } else { gain }.max(0.0)
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if number.is_finite() && number > 0.0 { Ok(number) } else { Err("not above zero".to_owned()) }
}

fn share(text: &str) -> Result<f64, String> {
    match text.strip_suffix('%') {
        Some(percent) => positive(percent.trim()).map(|percent| percent / 100.0),
        None => positive(text),
    }
}
