//! Surfaces as a page: a plot an expiry, bids and asks as bars, the slice as a line.

use askama::Template;
use explorer::format::{decimal, plural};

use super::{Expiry, Fit, Surface};
use crate::Error;
use crate::html::chart::{Layer, Plot, Point};
use crate::html::plots::{Figure, short_percent};
use crate::html::text;
use crate::words::percent;

/// Chains a page shows at most: the last ones.
pub const MOST: usize = 8;
/// Points of a drawn slice.
const DRAWN: i32 = 120;

#[derive(Template)]
#[template(path = "surface.html")]
struct Page<'a> {
    title: &'static str,
    css: String,
    json: String,
    command: &'a str,
    left_out: usize,
    sections: Vec<Section>,
}

/// One chain.
pub(crate) struct Section {
    /// What links to it.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) verdict: String,
    pub(crate) figures: Vec<Figure>,
    pub(crate) rows: Vec<[String; 8]>,
}

/// Returns surfaces as one page; `command` makes it again.
///
/// # Errors
///
/// Only if the template fails, which its tests would show.
pub fn surfaces_page(surfaces: &[Surface], command: &str) -> Result<String, Error> {
    let shown = &surfaces[surfaces.len().saturating_sub(MOST)..];
    // `<` would end the element that the data lie in.
    let value = serde_json::to_value(surfaces).map_err(askama::Error::custom)?;
    let json = value.to_string().replace('<', "\\u003c");
    let css = format!("{}{}", explorer::PALETTE, include_str!("../../assets/report.css"));
    let left_out = surfaces.len() - shown.len();
    let title = "Volatility surfaces";
    Ok(Page { title, css, json, command, left_out, sections: sections(shown) }.render()?)
}

/// Returns a section for each surface.
pub(crate) fn sections(surfaces: &[Surface]) -> Vec<Section> {
    surfaces.iter().enumerate().map(|(i, surface)| section(i, surface)).collect()
}

fn section(i: usize, surface: &Surface) -> Section {
    Section {
        id: format!("surface-{}", i + 1),
        name: format!("{}, {}", surface.asset, text::hour(surface.time)),
        verdict: verdict(surface),
        figures: surface.slices.iter().filter_map(|e| Some(figure(e, e.fit.as_ref()?))).collect(),
        rows: surface.slices.iter().map(row).collect(),
    }
}

fn verdict(surface: &Surface) -> String {
    let fits = || surface.slices.iter().filter_map(|slice| slice.fit.as_ref().map(|f| (slice, f)));
    let (slices, quotes) = (fits().count(), fits().map(|(slice, _)| slice.quotes).sum::<usize>());
    let inside: usize = fits().map(|(_, fit)| fit.inside).sum();
    let mended = fits().filter(|(_, fit)| fit.mended).count();
    let least = fits().map(|(_, fit)| fit.certificate.density).fold(f64::INFINITY, f64::min);
    if slices == 0 {
        return "No expiry has a slice.".to_owned();
    }
    format!(
        "{} of {} without arbitrage, proved over whole intervals (least density {}); {} of {} \
         hold the slice between bid and ask; {} mended.",
        plural(slices as u64, "slice"),
        plural(surface.slices.len() as u64, "expiry").replace("expirys", "expiries"),
        decimal(least, 4),
        inside,
        plural(quotes as u64, "quote"),
        if mended == 1 { "one was".to_owned() } else { format!("{mended} were") },
    )
}

/// Days to expiry, in words.
fn days(expiry: &Expiry) -> String {
    let days = expiry.years * 365.0;
    format!("{} days", decimal(days, if days < 10.0 { 1 } else { 0 }))
}

fn figure(expiry: &Expiry, fit: &Fit) -> Figure {
    let ends = (expiry.points.first().map_or(0.0, |p| p.k), expiry.points.last());
    let (from, to) = (ends.0, ends.1.map_or(0.0, |p| p.k));
    let margin = 0.04 * (to - from);
    let x = (from - margin, to + margin);
    let place = |i: i32| x.0 + (x.1 - x.0) * f64::from(i) / f64::from(DRAWN);
    let line: Vec<Point> =
        (0..=DRAWN).map(|i| (place(i), fit.volatility(place(i), expiry.years))).collect();
    let spans = expiry.points.iter().map(|p| (p.k, p.bid, p.ask)).collect();
    let low = expiry.points.iter().map(|p| p.bid).fold(f64::INFINITY, f64::min);
    let high = expiry.points.iter().map(|p| p.ask).fold(0.0, f64::max);
    let pad = 0.06 * (high - low);
    let plot = Plot {
        says: format!("Bids, asks and the fitted slice {} before expiry", days(expiry)),
        x,
        x_labels: strikes(x),
        y: ((low - pad).max(0.0), high + pad),
        log: false,
        y_label: short_percent,
        layers: vec![Layer::Spans("quote", spans), Layer::Line("ours", line)],
    };
    Figure {
        title: days(expiry),
        key: vec![("ours", "slice".to_owned()), ("quote", "bid to ask".to_owned())],
        caption: format!(
            "{} of {} inside; error {} points.",
            fit.inside,
            plural(expiry.quotes as u64, "quote"),
            decimal(fit.error_points, 2)
        ),
        html: plot.html(),
    }
}

/// Labels of strikes as shares of the forward.
fn strikes((from, to): (f64, f64)) -> Vec<(f64, String)> {
    let all = [0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.4, 1.7, 2.0, 3.0, 5.0];
    let within = all.into_iter().filter(|share: &f64| (from..=to).contains(&share.ln()));
    let mut labels: Vec<(f64, String)> = Vec::new();
    for share in within {
        let far = labels.last().is_none_or(|(k, _)| share.ln() - k > 0.08 * (to - from));
        if far {
            labels.push((share.ln(), percent(share, 0)));
        }
    }
    labels
}

fn row(expiry: &Expiry) -> [String; 8] {
    let quotes = expiry.quotes.to_string();
    let Some(fit) = &expiry.fit else {
        let few = expiry.quotes < market::surface::POINTS_MIN;
        let why = if few { "too few quotes" } else { "no slice without arbitrage" };
        let none = || "–".to_owned();
        return [days(expiry), why.into(), quotes, none(), none(), none(), none(), none()];
    };
    let proof = &fit.certificate;
    [
        days(expiry),
        percent(fit.volatility(0.0, expiry.years), 1),
        quotes,
        fit.inside.to_string(),
        decimal(fit.error_points, 2),
        decimal(proof.density, 4),
        if proof.calendar.is_finite() { decimal(proof.calendar, 4) } else { "–".to_owned() },
        decimal(proof.slope, 2),
    ]
}
