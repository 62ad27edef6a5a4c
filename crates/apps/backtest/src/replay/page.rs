//! A replay as one page that works offline, in the shape of a back-test's.

use askama::Template;
use explorer::format::{decimal, plural};

use super::{Form, NoPrice, Played, ReplayReport, Side};
use crate::html::chart::{Layer, Plot, Point};
use crate::html::plots::{Figure, short_percent};
use crate::html::text;
use crate::track::Hour;
use crate::words::percent;

/// Class and name of each system, in order.
fn names(form: Form) -> &'static [(&'static str, &'static str)] {
    match form {
        Form::Bars => &[
            ("ours", "our margin"),
            ("theirs", "static, at our cost"),
            ("scaled", "FHS-EWMA, at our cost"),
        ],
        Form::Captures => &[
            ("ours", "our margin"),
            ("theirs minor", "static, as published"),
            ("theirs", "static, at our cost"),
            ("scaled", "FHS-EWMA, at our cost"),
        ],
    }
}

/// The same, to be owned by a key.
fn key(form: Form) -> Vec<(&'static str, String)> {
    names(form).iter().map(|(class, name)| (*class, (*name).to_owned())).collect()
}

#[derive(Template)]
#[template(path = "replay.html")]
struct Page<'a> {
    report: &'a ReplayReport,
    title: &'static str,
    css: String,
    json: String,
    markets: Vec<Section>,
}

struct Section {
    name: String,
    verdict: Vec<String>,
    figures: Vec<Figure>,
    columns: Vec<&'static str>,
    rows: Vec<(&'static str, Vec<String>)>,
    holes: Vec<String>,
}

pub(crate) fn page(report: &ReplayReport, played: &[Played]) -> Result<String, askama::Error> {
    let value = serde_json::to_value(report).map_err(askama::Error::custom)?;
    // `<` would end the element that the data lie in.
    let json = value.to_string().replace('<', "\\u003c");
    let css = format!("{}{}", explorer::PALETTE, include_str!("../../assets/report.css"));
    let markets = played.iter().map(section).collect();
    Page { report, title: report.title, css, json, markets }.render()
}

fn section(played: &Played) -> Section {
    Section {
        name: played.market.series.clone(),
        verdict: played.market.verdict.iter().map(|line| text::sentence(line)).collect(),
        figures: vec![margins(played), price(played), debt(played)],
        columns: names(played.form).iter().map(|(_, name)| *name).collect(),
        rows: {
            let sides = &played.market.sides;
            rows(sides, played.form)
                .into_iter()
                .chain(crate::clearing::rows(sides, played.form))
                .collect()
        },
        holes: played.market.holes.iter().map(hole).collect(),
    }
}

fn hole(hole: &NoPrice) -> String {
    let hours = plural(hole.hours as u64, "hour");
    let why = if hole.flat { "no trade" } else { "no bars" };
    format!("{} UTC, {hours}: {why}", text::hour(hole.open_s))
}

fn rows(sides: &[Side], form: Form) -> Vec<(&'static str, Vec<String>)> {
    let [before, within, rise] = match form {
        Form::Bars => [
            "mean initial, the year before",
            "mean initial, while accounts were open",
            "largest rise of maintenance in an hour",
        ],
        Form::Captures => [
            "mean initial of portfolios, 20 days before",
            "mean initial of portfolios, in the window",
            "largest rise of maintenance in a step",
        ],
    };
    let row = |name, of: &dyn Fn(&Side) -> String| (name, sides.iter().map(of).collect());
    let pair = |[initial, maintenance]: [f64; 2]| {
        format!("{} / {}", percent(initial, 2), percent(maintenance, 2))
    };
    vec![
        row(before, &|side| percent(side.mean_before, 2)),
        row(within, &|side| percent(side.mean_window, 2)),
        row("initial / maintenance before", &|side| pair(side.before)),
        row("the largest within the crash", &|side| pair(side.during)),
        row("at the end of the window", &|side| pair(side.after)),
        row(rise, &|side| percent(side.largest_step - 1.0, 1)),
        row("accounts", &|side| side.outcome.accounts.to_string()),
        row("given less leverage than they wished", &|side| side.outcome.capped.to_string()),
        row("liquidated", &|side| side.outcome.liquidated.to_string()),
        row("within the crash", &|side| side.liquidated_in_crash.to_string()),
        row("in vain", &|side| side.outcome.liquidated_in_vain.to_string()),
        row("below zero", &|side| side.outcome.bankrupt.to_string()),
        row("bad debt a million", &|side| decimal(side.bad_debt_a_million, 1)),
    ]
}

fn shown<'a>(played: &'a Played, values: &'a [f64]) -> Vec<Point> {
    let bars = played.bars[played.shown..].iter().zip(&values[played.shown..]);
    bars.map(|(bar, value)| (bar.prices.open_s as f64, *value)).collect()
}

fn margins(played: &Played) -> Figure {
    let mut layers = vec![Layer::Spikes("loss", losses(played))];
    let lines = played.margins.iter().zip(names(played.form)).rev();
    layers.extend(
        lines.map(|(system, (class, _))| Layer::Steps(class, shown(played, &system.initial))),
    );
    let ours = shown(played, &played.margins[0].maintenance);
    layers.push(Layer::Steps("ours minor", ours));
    let tops = played.margins.iter().flat_map(|system| &system.initial[played.shown..]);
    let high = tops.copied().chain(losses(played).iter().map(|(_, y)| *y)).fold(0.0, f64::max);
    let mut key = key(played.form);
    key.push(("ours minor", "our maintenance margin".to_owned()));
    let (losses, caption) = match played.form {
        Form::Bars => (
            "largest loss of a bar in each hour, either side",
            "Each line is a share of a position's value, set on the hour from what was known then.",
        ),
        Form::Captures => (
            "move since the capture before",
            "Each line is a future's initial margin as a share of its value, set at a capture from \
             what was known then.",
        ),
    };
    key.push(("loss", losses.to_owned()));
    Figure {
        title: "Initial margins through the crash".to_owned(),
        key,
        caption: caption.to_owned(),
        html: plot(played, "Initial margins", (0.0, 1.05 * high), short_percent, layers).html(),
    }
}

/// The largest loss of a bar in each hour.
fn losses(played: &Played) -> Vec<Point> {
    let hour = |bar: &Hour| bar.prices.open_s.div_euclid(3_600);
    let hours = played.bars[played.shown..].chunk_by(|a, b| hour(a) == hour(b));
    let worst = |bar: &Hour| bar.worst().long.max(bar.worst().short);
    let largest = |bars: &[Hour]| bars.iter().map(worst).fold(0.0, f64::max);
    hours.map(|bars| (bars[0].prices.open_s as f64, largest(bars))).collect()
}

fn price(played: &Played) -> Figure {
    let closes: Vec<f64> = played.bars.iter().map(|bar| bar.prices.close).collect();
    let line = shown(played, &closes);
    let low = played.bars[played.shown..].iter().map(|bar| bar.prices.low).fold(f64::MAX, f64::min);
    let high = line.iter().map(|(_, y)| *y).fold(0.0, f64::max);
    let layers = vec![Layer::Line("ours", line)];
    let (what, caption) = match played.form {
        Form::Bars => (
            "last price of each bar",
            "Accounts are looked at on every bar, at its worst price for their side.",
        ),
        Form::Captures => (
            "index at each capture",
            "Accounts are looked at at every capture, and at nothing between.",
        ),
    };
    Figure {
        title: "Price".to_owned(),
        key: vec![("ours", what.to_owned())],
        caption: caption.to_owned(),
        html: plot(played, "Price", (0.98 * low, 1.01 * high), |y| decimal(y, 0), layers).html(),
    }
}

fn debt(played: &Played) -> Figure {
    let sum = |side: &Side| -> Vec<Point> {
        let notional = side.outcome.notional_cents.max(1) as f64;
        let start = played.bars[played.shown].prices.open_s as f64;
        let (mut total, mut points) = (0.0, vec![(start, 0.0)]);
        for (t, cents) in &side.outcome.bankruptcies {
            total += 1e6 * *cents as f64 / notional;
            points.push(((played.bars[*t].prices.open_s as f64).max(start), total));
        }
        let end = played.bars.last().map_or(start, |bar| bar.prices.open_s as f64);
        points.push((end, total));
        points
    };
    let lines: Vec<Vec<Point>> = played.market.sides.iter().map(sum).collect();
    let high = lines.iter().flatten().map(|(_, y)| *y).fold(1.0, f64::max);
    let layers = lines
        .into_iter()
        .zip(names(played.form))
        .rev()
        .map(|(line, (class, _))| Layer::Steps(class, line));
    let layers = layers.collect();
    Figure {
        title: "Bad debt, added up".to_owned(),
        key: key(played.form),
        caption: "In quote units for each million of positions that were opened; what was left \
                  before the window stands at its beginning."
            .to_owned(),
        html: plot(played, "Bad debt", (0.0, 1.05 * high), |y| decimal(y, 0), layers).html(),
    }
}

fn plot(
    played: &Played,
    says: &str,
    y: (f64, f64),
    y_label: fn(f64) -> String,
    layers: Vec<Layer>,
) -> Plot {
    let bars = &played.bars[played.shown..];
    let (first, last) = (bars[0].prices.open_s, bars[bars.len() - 1].prices.open_s);
    let days = (first..=last).step_by(86_400);
    let label = |s: i64| explorer::format::date(s)[5..].to_owned();
    let x_labels = days.map(|s| (s as f64, label(s))).collect();
    let says = format!("{says} of {} through the crash", played.market.series);
    Plot { says, x: (first as f64, last as f64), x_labels, y, log: false, y_label, layers }
}
