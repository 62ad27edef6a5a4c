//! The report as one page that works offline: verdict first, then each market, then what it is
//! made of.
//!
//! *Invariant: the page loads nothing.* Its policy forbids scripts, fonts, images and styles from
//! anywhere, and the drawing is done here. The report's JSON lies in it as data.

pub(crate) mod chart;
pub(crate) mod plots;
mod tables;
pub(crate) mod text;

use askama::Template;
use explorer::format::plural;

use crate::case::Case;
use crate::chains;
use crate::report::{Market, Report};
use plots::Figure;
use tables::{Row, Swing};

/// The page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    title: String,
    /// The verdict, as HTML.
    verdict: Vec<String>,
    css: String,
    json: String,
    markets: Vec<Section<'a>>,
    surfaces: Vec<chains::Section>,
}

/// One market on the page.
struct Section<'a> {
    /// Its verdict, as HTML.
    verdict: Vec<String>,
    market: &'a Market,
    /// What links to it.
    id: String,
    /// What the data were, in one sentence.
    data: String,
    columns: Vec<&'static str>,
    cards: Vec<Row>,
    margins: Vec<Figure>,
    measures: Vec<Row>,
    forecasts: Vec<Figure>,
    quality: Vec<Row>,
    swings: Vec<Swing>,
}

/// Returns the page of a report and the cases it was made of.
///
/// # Errors
///
/// Only if the template fails, which its tests would show.
pub(crate) fn page(report: &Report, cases: &[Case]) -> Result<String, askama::Error> {
    let value = serde_json::to_value(report).map_err(askama::Error::custom)?;
    // `<` would end the element that the data lie in.
    let json = value.to_string().replace('<', "\\u003c");
    let section = |(i, (market, case))| {
        let base = format!("/markets/{i}");
        Section {
            market,
            verdict: market.verdict.iter().map(|line| text::sentence(line)).collect(),
            id: format!("market-{}", i + 1),
            data: data(market),
            columns: tables::columns(market),
            cards: tables::cards(&value, &base, market),
            margins: plots::margins(case),
            measures: tables::measures(&value, &base, market),
            forecasts: plots::forecasts(case),
            quality: tables::quality(&value, &base),
            swings: tables::swings(&value, &base, market),
        }
    };
    let markets = report.markets.iter().zip(cases).enumerate().map(section).collect();
    let title = match &report.params {
        Some(_) => "Your margins and ours, back-tested".to_owned(),
        None => "Margins, back-tested".to_owned(),
    };
    let css = format!("{}{}", explorer::PALETTE, include_str!("../../assets/report.css"));
    let verdict = report.verdict.iter().map(|line| text::sentence(line)).collect();
    let surfaces = chains::sections(&report.surfaces);
    Page { report, title, verdict, css, json, markets, surfaces }.render()
}

fn data(market: &Market) -> String {
    let before = match market.hours_before_split {
        0 => "all after the split".to_owned(),
        n if n == market.hours => "all before the split".to_owned(),
        n => format!("{} of them before the split", plural(n as u64, "hour")),
    };
    format!(
        "{} from {} to {} ({}, {before}). {}-minute bars from {} on; what lies before the window \
         was only learnt from.",
        market.series,
        market.from,
        market.to,
        plural(market.hours as u64, "hour"),
        market.bar_minutes,
        market.data_from,
    )
}
