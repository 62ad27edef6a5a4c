//! Which plots a market has, and what is in them.

use explorer::format::decimal;

use super::chart::{Layer, Plot, Point};
use super::text::hour;
use crate::accounts::Outcome;
use crate::case::Case;
use crate::data::HOUR_S;
use crate::forecast::tenth;
use crate::words::percent;

/// Labels the axis of time has about.
const TIMES: i64 = 9;

/// A plot with its title, its key and what to look for.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) title: String,
    /// Class and name of each layer.
    pub(crate) key: Vec<(&'static str, String)>,
    pub(crate) caption: String,
    pub(crate) html: String,
}

/// Returns a market's plots about margins.
pub(crate) fn margins(case: &Case) -> Vec<Figure> {
    let mut figures = vec![through_time(case)];
    if case.theirs.is_some() {
        figures.push(bad_debt(case));
    }
    figures
}

/// Returns a market's plots about forecasts.
pub(crate) fn forecasts(case: &Case) -> Vec<Figure> {
    if case.days.is_empty() {
        return vec![exceedances(case)];
    }
    let mut figures = vec![volatility(case), exceedances(case), pit(case)];
    if !case.weights.is_empty() {
        figures.insert(1, workers(case));
    }
    figures
}

/// Classes of the workers' lines, the regression first.
const WORKERS: [&str; 4] = ["theirs", "ours", "long", "short"];

fn workers(case: &Case) -> Figure {
    let names = market::risk::mixed_names();
    let noon = |date: market::Date| date.unix() as f64 + 43_200.0;
    let line = |k: usize| case.weights.iter().map(|(date, w)| (noon(*date), w[k])).collect();
    let layers = WORKERS.iter().take(names.len()).enumerate();
    let layers = layers.map(|(k, class)| Layer::Line(class, line(k))).collect();
    let says = format!("What each worker counts in the forecasts of {}, day by day", case.name);
    let plot = over_time(case, (says, (0.0, 1.0)), short_percent, layers);
    let key = WORKERS.iter().zip(&names).map(|(class, name)| (*class, (*name).to_owned()));
    let caption = "The share of each worker in the location and the width of the day's law, by \
                   how its laws did so far. Before the first day shown the regression was alone.";
    Figure {
        title: "What each worker counts".to_owned(),
        key: key.collect(),
        caption: caption.to_owned(),
        html: plot.html(),
    }
}

fn through_time(case: &Case) -> Figure {
    let line = |margins: &[f64]| -> Vec<Point> {
        case.hours.iter().zip(margins).map(|(h, m)| (h.prices.open_s as f64, *m)).collect()
    };
    let (ours, theirs) = (&case.ours.margins, case.theirs.as_ref().map(|t| &t.margins));
    let mut layers = vec![
        Layer::Spikes("loss", daily_losses(case)),
        Layer::Line("ours minor", line(&ours.maintenance)),
        Layer::Line("ours", line(&ours.initial)),
    ];
    let mut key = vec![
        ("ours", "our initial margin".to_owned()),
        ("ours minor", "our maintenance margin".to_owned()),
        ("loss", "largest hourly loss of each day, either side".to_owned()),
        ("dot ours", "hour above our maintenance margin".to_owned()),
    ];
    if let Some(theirs) = theirs {
        layers.push(Layer::Steps("theirs minor", line(&theirs.maintenance)));
        layers.push(Layer::Steps("theirs", line(&theirs.initial)));
        layers.push(Layer::Dots("theirs", dots(case, &theirs.maintenance, "your")));
        key.insert(2, ("theirs", "your initial margin".to_owned()));
        key.insert(3, ("theirs minor", "your maintenance margin".to_owned()));
        key.push(("dot theirs", "hour above your maintenance margin".to_owned()));
    }
    layers.push(Layer::Dots("ours", dots(case, &ours.maintenance, "our")));
    let top = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let losses = daily_losses(case).iter().map(|(_, y)| *y).fold(0.0, f64::max);
    let high = top(&ours.initial).max(theirs.map_or(0.0, |t| top(&t.initial))).max(losses);
    let caption = "Where a grey line stands above a margin, that hour cost more than the margin \
                   held. Hours with a dot lost more than a position at the edge of liquidation \
                   had.";
    let says = format!("Margins of {} through time beside the largest loss of each day", case.name);
    let plot = over_time(case, (says, (0.0, 1.05 * high)), short_percent, layers);
    Figure {
        title: "Margins through time".to_owned(),
        key,
        caption: caption.to_owned(),
        html: plot.html(),
    }
}

/// The largest hourly loss of each day, at noon.
fn daily_losses(case: &Case) -> Vec<Point> {
    let day = |open_s: i64| open_s.div_euclid(86_400);
    let days = case.hours.chunk_by(|a, b| day(a.prices.open_s) == day(b.prices.open_s));
    days.map(|hours| {
        let worst = hours.iter().map(|hour| {
            let loss = hour.loss();
            (hour.prices.open_s as f64, loss.long.max(loss.short))
        });
        worst.fold((0.0, 0.0), |best, next| if next.1 > best.1 { next } else { best })
    })
    .filter(|(_, loss)| *loss > 0.0)
    .collect()
}

fn dots(case: &Case, margins: &[f64], whose: &str) -> Vec<(Point, String)> {
    let over = |(hour_, margin): (&crate::track::Hour, &f64)| {
        let loss = hour_.loss();
        let (loss, side) =
            if loss.long > loss.short { (loss.long, "long") } else { (loss.short, "short") };
        let open_s = hour_.prices.open_s;
        let (when, lost, held) = (hour(open_s), percent(loss, 2), percent(*margin, 2));
        let says = format!("{when}: {side} positions lost {lost}, {whose} maintenance was {held}");
        (loss > *margin).then_some(((open_s as f64, loss), says))
    };
    case.hours.iter().zip(margins).filter_map(over).collect()
}

fn bad_debt(case: &Case) -> Figure {
    let sum = |outcome: &Outcome| -> Vec<Point> {
        let mut points = vec![(case.hours[0].prices.open_s as f64, 0.0)];
        let mut total = 0.0;
        let notional = outcome.notional_cents.max(1) as f64;
        for (t, cents) in &outcome.bankruptcies {
            total += 1e6 * *cents as f64 / notional;
            points.push((case.hours[*t].prices.open_s as f64, total));
        }
        points.push((end_s(case), total));
        points
    };
    let ours = sum(&case.ours.outcome);
    let theirs = case.theirs.as_ref().map(|t| sum(&t.outcome)).unwrap_or_default();
    let scaled = case.scaled.as_ref().map(|s| sum(&s.ours.outcome)).unwrap_or_default();
    let last = |points: &[Point]| points.last().map_or(0.0, |p| p.1);
    let high = last(&ours).max(last(&theirs)).max(last(&scaled)).max(1.0);
    let layers = vec![
        Layer::Steps("scaled", scaled),
        Layer::Steps("theirs", theirs),
        Layer::Steps("ours", ours),
    ];
    let key = vec![
        ("ours", "under our margins".to_owned()),
        ("theirs", "under yours".to_owned()),
        ("scaled", "under ours, at your cost".to_owned()),
    ];
    let says = format!("Bad debt of the accounts in {}, added up over time", case.name);
    let plot = over_time(case, (says, (0.0, 1.05 * high)), |y| decimal(y, 0), layers);
    let caption = "Bad debt so far, in quote units for each million of positions that the accounts \
                   opened in the whole window.";
    Figure {
        title: "Bad debt, added up".to_owned(),
        key,
        caption: caption.to_owned(),
        html: plot.html(),
    }
}

fn exceedances(case: &Case) -> Figure {
    let count = |is_beyond: fn(&crate::track::Hour) -> bool| -> Vec<Point> {
        let mut n = 0.0;
        let mut points = vec![(case.hours[0].prices.open_s as f64, 0.0)];
        for hour in case.hours.iter().filter(|hour| is_beyond(hour)) {
            n += 1.0;
            points.push((hour.prices.open_s as f64, n));
        }
        points.push((end_s(case), n));
        points
    };
    let long = count(|hour| hour.loss().long > hour.quantile.long);
    let short = count(|hour| hour.loss().short > hour.quantile.short);
    let due = 0.005 * case.hours.len() as f64;
    let last = |points: &[Point]| points.last().map_or(0.0, |p| p.1);
    let high = due.max(last(&long)).max(last(&short)).max(1.0);
    let start = case.hours[0].prices.open_s as f64;
    let layers = vec![
        Layer::Line("due", vec![(start, 0.0), (end_s(case), due)]),
        Layer::Steps("long", long),
        Layer::Steps("short", short),
    ];
    let key = vec![
        ("long", "long".to_owned()),
        ("short", "short".to_owned()),
        ("due", "due: one hour in 200".to_owned()),
    ];
    let says =
        format!("Hours of {} that lost more than the 99.5 % quantile, counted up", case.name);
    let plot = over_time(case, (says, (0.0, 1.05 * high)), |y| decimal(y, 0), layers);
    let caption = "A good quantile keeps to the straight line; a steep piece is a time at which it \
                   was too low.";
    let title = "Exceedances of the 99.5 % quantile, counted up".to_owned();
    Figure { title, key, caption: caption.to_owned(), html: plot.html() }
}

fn volatility(case: &Case) -> Figure {
    // Volatility of a year of 365 days, which is how traders quote it.
    let yearly = |variance: f64| (365.0 * variance).sqrt();
    let noon = |date: market::Date| date.unix() as f64 + 43_200.0;
    let of = |value: fn(&crate::track::Day) -> f64| -> Vec<Point> {
        case.days.iter().map(|day| (noon(day.date), yearly(value(day)))).collect()
    };
    let realised = of(|day| day.realised);
    let band = case
        .days
        .iter()
        .map(|day| (noon(day.date), yearly(day.interval[0].exp()), yearly(day.interval[1].exp())));
    let band: Vec<(f64, f64, f64)> = band.collect();
    let low = realised.iter().map(|p| p.1).filter(|y| *y > 0.0).fold(f64::MAX, f64::min);
    let low = band.iter().map(|p| p.1).fold(low, f64::min);
    let high = realised.iter().map(|p| p.1).chain(band.iter().map(|p| p.2)).fold(0.0, f64::max);
    let layers = vec![
        Layer::Band("band", band),
        Layer::Line("realised", realised),
        Layer::Line("ours", of(|day| day.forecast)),
    ];
    let key = vec![
        ("ours", "forecast, made the day before".to_owned()),
        ("band", "its 90 % interval".to_owned()),
        ("realised", "realised".to_owned()),
    ];
    let says =
        format!("Forecast and realised daily volatility of {}, in per cent a year", case.name);
    let mut plot = over_time(case, (says, (0.95 * low, 1.05 * high)), short_percent, layers);
    plot.log = true;
    let caption = "Volatility of each day, in per cent a year, on a logarithmic scale. One day in \
                   ten should leave the band.";
    let title = "Volatility of the day, forecast and realised".to_owned();
    Figure { title, key, caption: caption.to_owned(), html: plot.html() }
}

fn pit(case: &Case) -> Figure {
    let mut boxes = [0.0; 10];
    case.days.iter().for_each(|day| boxes[tenth(day.pit)] += 1.0);
    let due = case.days.len() as f64 / 10.0;
    // Nineteen in twenty counts of a fair box lie within this, if days are independent.
    let luck = 1.96 * (0.9 * due).sqrt();
    let bars: Vec<Point> = boxes.iter().enumerate().map(|(i, n)| (0.1 * i as f64, *n)).collect();
    let high = bars.iter().map(|p| p.1).fold(due + luck, f64::max);
    let says = format!("Histogram of where the days of {} fell in their forecast laws", case.name);
    let label = |i: i32| (0.2 * f64::from(i), format!("{} %", 20 * i));
    let plot = Plot {
        says,
        x: (0.0, 1.0),
        x_labels: (0..=5).map(label).collect(),
        y: (0.0, 1.08 * high),
        log: false,
        y_label: |y| decimal(y, 0),
        layers: vec![
            Layer::Band("luck", vec![(0.0, due - luck, due + luck), (1.0, due - luck, due + luck)]),
            Layer::Bars("bars", 0.1, bars),
            Layer::Level("due", due),
        ],
    };
    let key = vec![
        ("bars", "days".to_owned()),
        ("due", "due".to_owned()),
        ("luck", "19 boxes in 20 of a right law".to_owned()),
    ];
    let caption = "How likely the law held a variance no larger than the one that came (PIT), in \
                   tenths. Even if the law is right; full at the ends if it is too narrow, in \
                   the middle if too wide, at the left if forecasts are too high.";
    let title = "Where days fell in their forecast laws".to_owned();
    Figure { title, key, caption: caption.to_owned(), html: plot.html() }
}

fn end_s(case: &Case) -> f64 {
    case.hours.last().map_or(0.0, |hour| (hour.prices.open_s + HOUR_S) as f64)
}

pub(crate) fn short_percent(share: f64) -> String {
    let places = if share < 0.1 && (share * 100.0).fract() > 1e-9 { 1 } else { 0 };
    percent(share, places)
}

/// Returns a plot over the window.
fn over_time(
    case: &Case,
    (says, y): (String, (f64, f64)),
    y_label: fn(f64) -> String,
    layers: Vec<Layer>,
) -> Plot {
    let x = (case.hours[0].prices.open_s as f64, end_s(case));
    Plot { says, x, x_labels: times(case), y, log: false, y_label, layers }
}

/// Returns first days of months (or days) spread over the window.
fn times(case: &Case) -> Vec<(f64, String)> {
    let (from, to) = case.window;
    let days = i64::from(to.number() - from.number()) + 1;
    let every = [1, 2, 3, 6, 12, 24].into_iter().find(|m| days / (m * 30) <= TIMES).unwrap_or(48);
    let label = |number: i32| market::Date::from_number(number);
    if days < 62 {
        let step = usize::try_from((days / TIMES).max(1)).unwrap_or(1);
        let dates = (from.number()..=to.number()).step_by(step).map(label);
        return dates.map(|date| (date.unix() as f64, date.to_string()[5..].to_owned())).collect();
    }
    let dates = (from.number()..=to.number()).map(label);
    dates
        .filter(|date| {
            let (_, month, day) = date.ymd();
            day == 1 && (month - 1) % every.min(12) == 0
        })
        .map(|date| (date.unix() as f64, date.to_string()[..7].to_owned()))
        .collect()
}
