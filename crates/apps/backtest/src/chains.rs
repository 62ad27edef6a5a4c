//! The volatility surfaces of option chains: fitted, certified, measured and drawn.
//!
//! [`surfaces`] reads a file of chains and returns a [`Surface`] for each; [`surfaces_page`] makes
//! one page of them. The models are `market::surface`'s; docs/options.md says what they are.
//!
//! *Invariant: the page shows no number that the surfaces do not hold.*

mod page;

use std::path::Path;

use kernels::Runner;
use market::option::{implied, implied_inputs};
use market::surface::{self, Chain, Fitted, Point, Slice, Svi};
use serde::Serialize;

use crate::{Error, Progress};
pub use page::{MOST, surfaces_page};
pub(crate) use page::{Section, sections};

/// A chain's surface.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Surface {
    /// The asset, such as BTC.
    pub asset: String,
    /// Unix time of the quotes.
    pub time: i64,
    /// Its expiries, nearest first.
    pub slices: Vec<Expiry>,
}

/// One expiry.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expiry {
    /// Years of 365 days to expiry.
    pub years: f64,
    /// Strikes with a bid and an ask on the out-of-the-money side.
    pub quotes: usize,
    /// The slice; none where there are fewer than six quotes, or none without arbitrage.
    #[serde(flatten)]
    pub fit: Option<Fit>,
    /// The quotes as volatilities.
    #[serde(skip)]
    pub points: Vec<Point>,
}

/// A slice and how good it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// Quotes whose bid and ask hold the slice between them.
    pub inside: usize,
    /// Root mean square distance from the middle of bid and ask, in volatility points.
    pub error_points: f64,
    /// Whether it had to be fitted again under guard against arbitrage.
    pub mended: bool,
    /// SVI's five parameters.
    pub fitted: Parameters,
    /// What proves the absence of arbitrage.
    pub certificate: Proof,
}

/// The parameters of raw SVI, `w = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2))`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "named in the formula")]
pub struct Parameters {
    pub a: f64,
    pub b: f64,
    pub rho: f64,
    pub m: f64,
    pub sigma: f64,
}

/// The certificate, as `market::surface::Certificate` says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    /// The least of Durrleman's function, bounded from below.
    pub density: f64,
    /// How far the bound reaches, in deviations.
    pub reach: f64,
    /// The steeper wing.
    pub slope: f64,
    /// The least distance from the expiry before, as a share of variance.
    pub calendar: f64,
    /// The least difference of the wings' slopes from those of the expiry before.
    pub wings: f64,
    /// Edges of the intervals of the density's bound.
    pub edges: Vec<f64>,
    /// Edges of the intervals of the calendar's bound.
    pub calendar_edges: Vec<f64>,
}

impl Surface {
    /// Returns whether every expiry with enough quotes has a slice without arbitrage.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.slices.iter().all(|slice| slice.fit.is_some() || slice.quotes < surface::POINTS_MIN)
    }
}

/// Reads the chains of a parquet file, of one asset or all, the last moment's or `every` one's, and
/// fits them.
///
/// # Errors
///
/// [`Error::Feed`] if the file cannot be read, [`Error::NoChains`] if it holds none of the asset.
pub fn surfaces(
    path: &Path,
    (asset, every): (Option<&str>, bool),
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<Surface>, Error> {
    let mut chains = feeds::chains(path)?;
    if let Some(asset) = asset {
        chains.retain(|chain| chain.asset.eq_ignore_ascii_case(asset));
    }
    if chains.is_empty() {
        let asset = asset.unwrap_or("chain").to_owned();
        return Err(Error::NoChains { path: path.display().to_string(), asset });
    }
    if !every {
        let last = chains.iter().map(|chain| chain.time_s).max();
        chains.retain(|chain| Some(chain.time_s) == last);
    }
    let mut found = Vec::new();
    for (done, chain) in chains.iter().enumerate() {
        progress(Progress { doing: "fitting", done, of: chains.len() });
        found.push(fit(chain));
    }
    Ok(found)
}

fn fit(chain: &Chain) -> Surface {
    let slices: Vec<Slice> = chain.expiries.iter().map(slice).collect();
    let fitted = surface::fit_all(&slices, &[]);
    let expiry = |(slice, fitted): (Slice, Option<Fitted>)| Expiry {
        years: slice.years,
        quotes: slice.points.len(),
        fit: fitted.map(|fitted| Fit::of(&slice, &fitted)),
        points: slice.points,
    };
    let slices = slices.into_iter().zip(fitted).map(expiry).collect();
    Surface { asset: chain.asset.clone(), time: chain.time_s, slices }
}

/// The quotes of an expiry as volatilities.
pub(crate) fn slice(expiry: &surface::Expiry) -> Slice {
    let contracts = surface::contracts(expiry);
    let mut points = Vec::new();
    if !contracts.is_empty() {
        let program = implied(contracts.len()).expect("there are contracts");
        let inputs = implied_inputs(&contracts).expect("there are contracts");
        let found = Runner::new(&program).run(&inputs).expect("inputs fit the Program");
        points = surface::points(&contracts, found[0].as_f64().expect("volatilities are f64"));
    }
    Slice { years: expiry.years, points }
}

impl Fit {
    fn of(slice: &Slice, fitted: &Fitted) -> Fit {
        let (mut sum, mut inside) = (0.0, 0);
        for p in &slice.points {
            let volatility = fitted.svi.volatility(p.k, slice.years);
            sum += (volatility - p.mid()) * (volatility - p.mid());
            inside += usize::from(p.bid <= volatility && volatility <= p.ask);
        }
        let Svi { a, b, rho, m, sigma } = fitted.svi;
        let proof = &fitted.certificate;
        Fit {
            inside,
            error_points: (sum / slice.points.len().max(1) as f64).sqrt() * 100.0,
            mended: !fitted.plain,
            fitted: Parameters { a, b, rho, m, sigma },
            certificate: Proof {
                density: proof.density,
                reach: proof.reach,
                slope: proof.slope,
                calendar: proof.calendar,
                wings: proof.wings,
                edges: proof.edges.clone(),
                calendar_edges: proof.calendar_edges.clone(),
            },
        }
    }

    /// Returns the slice's volatility at a log-moneyness.
    #[must_use]
    pub fn volatility(&self, k: f64, years: f64) -> f64 {
        let Parameters { a, b, rho, m, sigma } = self.fitted;
        Svi { a, b, rho, m, sigma }.volatility(k, years)
    }
}
