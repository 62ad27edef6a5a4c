//! The charts: their data as JSON for the script, and the same lines as a drawing for readers
//! without scripts.
//!
//! A [`Chart`] is columns over one axis. The script draws it on a canvas and fetches it again when
//! the view changes; the drawing is plain SVG inside `noscript`, and the page's table has every
//! number of either.
//! Invariant: a chart never holds more than [`POINTS`] points, the latest ones.

use crate::State;
use crate::parts::{Html, text};
use crate::view::{Account, Epoch, Spread, View};
use axum::extract::{Path, State as From};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

/// Most points of a chart.
const POINTS: usize = 2_000;

/// Columns over one axis.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Chart {
    /// Whether `x` is Unix seconds; otherwise a count.
    time: bool,
    /// Name of the axis.
    axis: &'static str,
    x: Vec<f64>,
    series: Vec<Series>,
}

/// One column.
#[derive(Clone, Debug, Serialize)]
struct Series {
    label: String,
    unit: String,
    /// `line`, `lower` and `upper` on the left scale, `beside` on the right one.
    role: &'static str,
    values: Vec<f64>,
}

impl Chart {
    fn new(time: bool, axis: &'static str, x: impl Iterator<Item = f64>) -> Chart {
        Chart { time, axis, x: x.collect(), series: Vec::new() }
    }

    fn with(
        mut self,
        role: &'static str,
        label: impl Into<String>,
        unit: impl Into<String>,
        values: impl Iterator<Item = f64>,
    ) -> Chart {
        let values = values.collect();
        self.series.push(Series { label: label.into(), unit: unit.into(), role, values });
        self
    }
}

fn latest<T>(all: &[T]) -> &[T] {
    &all[all.len().saturating_sub(POINTS)..]
}

/// Returns the oracle's history: value with its bounds in per cent, price beside.
pub(crate) fn oracle(view: &View) -> Chart {
    let reports = latest(&view.oracle.reports);
    let percent = |wad: crate::view::Wad| 100.0 * wad.to_f64();
    let quantity = view.oracle.quantity.clone();
    Chart::new(true, "market date", reports.iter().map(|report| report.market_time as f64))
        .with("lower", "quantile", "%", reports.iter().map(|report| percent(report.lower)))
        .with("upper", "margin", "%", reports.iter().map(|report| percent(report.upper)))
        .with("line", quantity, "%", reports.iter().map(|report| percent(report.value)))
        .with(
            "beside",
            "price",
            view.oracle.price_unit.clone(),
            reports.iter().map(|report| report.price.to_f64()),
        )
}

/// Returns the loss by round.
pub(crate) fn loss(view: &View) -> Chart {
    let losses = latest(&view.model.losses);
    Chart::new(false, "round", losses.iter().map(|loss| loss.round as f64)).with(
        "line",
        view.model.loss_name.clone(),
        "",
        losses.iter().map(|loss| loss.loss),
    )
}

/// Returns the Gini coefficients of stake, pay and aggregation by epoch, at its last round.
pub(crate) fn concentration(view: &View) -> Chart {
    let epochs = latest(&view.concentration.epochs);
    let gini = |pick: fn(&Epoch) -> Option<Spread>| {
        epochs.iter().map(move |epoch| pick(epoch).map_or(f64::NAN, |spread| spread.gini))
    };
    Chart::new(false, "round", epochs.iter().map(|epoch| epoch.last as f64))
        .with("line", "stake", "", gini(|epoch| epoch.stake))
        .with("line", "pay", "", gini(|epoch| epoch.pay))
        .with("line", "aggregation", "", gini(|epoch| epoch.aggregation))
}

/// Returns an account's equity and margins by report.
pub(crate) fn account(account: &Account) -> Chart {
    let points = latest(&account.history);
    let unit = &account.unit;
    Chart::new(true, "market date", points.iter().map(|point| point.market_time as f64))
        .with("line", "equity", unit, points.iter().map(|point| point.equity.to_f64()))
        .with("line", "initial margin", unit, points.iter().map(|point| point.initial.to_f64()))
        .with("line", "maintenance", unit, points.iter().map(|point| point.maintenance.to_f64()))
}

/// Returns the routes below `/charts`.
pub(crate) fn routes() -> Router<State> {
    Router::new()
        .route(
            "/oracle.json",
            get(|From(state): From<State>| async move { answer(&oracle(&state.view())) }),
        )
        .route(
            "/loss.json",
            get(|From(state): From<State>| async move { answer(&loss(&state.view())) }),
        )
        .route(
            "/concentration.json",
            get(|From(state): From<State>| async move { answer(&concentration(&state.view())) }),
        )
        .route("/accounts/{address}", get(account_json))
}

fn answer(chart: &Chart) -> Response {
    ([(CACHE_CONTROL, "no-store")], Json(chart)).into_response()
}

async fn account_json(From(state): From<State>, Path(address): Path<String>) -> Response {
    let view = state.view();
    match address.parse().ok().and_then(|address| view.account(address)) {
        Some(found) => answer(&account(found)),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Width and height of the drawing, in its own units.
const SIZE: (f64, f64) = (600.0, 160.0);

/// Returns the lines of the left scale as SVG, with their range in words.
pub(crate) fn drawing(chart: &Chart) -> Html {
    let left = || chart.series.iter().filter(|series| series.role != "beside");
    let finite = || left().flat_map(|series| &series.values).copied().filter(|v| v.is_finite());
    let (low, high) = (finite().fold(f64::MAX, f64::min), finite().fold(f64::MIN, f64::max));
    if low > high || chart.x.len() < 2 {
        return Html::plain("A line appears here after two points.");
    }
    let (first, last) = (chart.x[0], chart.x[chart.x.len() - 1]);
    let place = |value: f64, from: f64, to: f64, size: f64| {
        if to > from { (value - from) / (to - from) * size } else { size / 2.0 }
    };
    let line = |series: &Series| {
        let points = chart.x.iter().zip(&series.values).filter(|(_, y)| y.is_finite());
        let spot = |(x, y): (&f64, &f64)| {
            let (x, y) = (place(*x, first, last, SIZE.0), SIZE.1 - place(*y, low, high, SIZE.1));
            format!("{x:.1} {y:.1}")
        };
        points.map(spot).collect::<Vec<String>>()
    };
    let role = |role: &str| chart.series.iter().find(|series| series.role == role).map(line);
    let mut paths = String::new();
    if let (Some(lower), Some(upper)) = (role("lower"), role("upper")) {
        let back: Vec<String> = lower.into_iter().rev().collect();
        paths = format!("<path class=\"band\" d=\"M{}L{}Z\"/>", upper.join("L"), back.join("L"));
    }
    for series in chart.series.iter().filter(|series| series.role == "line") {
        paths.push_str(&format!("<path class=\"line\" d=\"M{}\"/>", line(series).join("L")));
    }
    let names: Vec<String> = left().map(|series| text(&series.label)).collect();
    let unit = left().next().map_or("", |series| &series.unit);
    Html::trusted(format!(
        "<svg class=\"drawing\" viewBox=\"-4 -4 608 168\" role=\"img\">\
         <title>{0}</title>{paths}</svg>\
         <p class=\"absent\">{0}, from {low:.4} to {high:.4} {1}</p>",
        names.join(", "),
        text(unit)
    ))
}
