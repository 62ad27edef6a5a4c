//! The next day's variance: how good the forecast is, and its interval.

use std::collections::BTreeMap;

use market::risk::{DayReport, Track};
use market::stats::{
    christoffersen_coverage, crps_normal, diebold_mariano, holm, interval_score, uniformity,
};
use market::{Date, Proxy, score};

use crate::rows::{Bar, Rows};
use crate::{Market, Period};

/// Lags of the Newey-West variance, days.
const LAGS: usize = 7;

fn days(track: &Track, period: Period) -> Vec<DayReport> {
    let within = |day: &&DayReport| (period.days_from..period.days_to).contains(&day.date);
    track.days.iter().filter(within).copied().collect()
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len().max(1) as f64
}

/// QLIKE of the variance against the plain models and GARCH.
pub(crate) fn volatility(
    rows: &mut Rows,
    market: &Market,
    period: Period,
    garch: Option<&BTreeMap<Date, f64>>,
) {
    let (ours, plain) = (days(&market.ours, period), days(&market.plain, period));
    let corsi = days(&market.corsi, period);
    let name = market.name.as_str();
    rows.title(&format!("{name}: variance of the next day, {} days", ours.len()));
    let outcomes: Vec<f64> = ours.iter().map(|day| day.realised).collect();
    let proxy = Proxy::Realised { interval_s: 1_800 };
    let losses = |forecasts: Vec<f64>| score::qlike(proxy, &outcomes, &forecasts);
    let of = |days: &[DayReport]| losses(days.iter().map(|day| day.forecast).collect());
    let (model, leverage, har) = (of(&ours), of(&plain), of(&corsi));
    let mut peers = vec![("log-HAR-leverage", leverage), ("log-HAR", har)];
    let forecasts: Option<Vec<f64>> =
        garch.and_then(|garch| ours.iter().map(|day| garch.get(&day.date).copied()).collect());
    match forecasts {
        Some(forecasts) => peers.push(("GARCH(1,1)-t of arch", losses(forecasts))),
        None => rows.note(&format!("{name}: no GARCH beside; `cargo xtask risk` runs it")),
    }
    rows.figure(name, "QLIKE, ours", mean(&model));
    let tests: Vec<_> =
        peers.iter().map(|(_, losses)| diebold_mariano(&model, losses, LAGS)).collect();
    let corrected = holm(&tests.iter().map(|test| test.p).collect::<Vec<_>>());
    for (((peer, losses), test), p) in peers.iter().zip(&tests).zip(corrected) {
        let ratio = mean(&model) / mean(losses);
        rows.figure(name, &format!("QLIKE, {peer}"), mean(losses));
        let (over, t) = (format!("ours over {peer}"), format!("DM t against {peer}"));
        match *peer {
            "log-HAR-leverage" => {
                rows.bar(name, &over, ratio, Bar::AtMost(1.0));
                rows.stretch(name, &over, ratio, Bar::AtMost(0.96));
                rows.stretch(name, &t, test.statistic, Bar::AtMost(-2.0));
            }
            "log-HAR" => {
                rows.figure(name, &over, ratio);
                rows.figure(name, &t, test.statistic);
            }
            _ => {
                rows.bar(name, &over, ratio, Bar::AtMost(0.85));
                rows.bar(name, &t, test.statistic, Bar::AtMost(-2.0));
            }
        }
        rows.figure(name, &format!("p against {peer}, Holm"), p);
    }
}

/// The 90 % interval of the logarithm of the realised variance, and the law.
pub(crate) fn intervals(rows: &mut Rows, market: &Market, period: Period) {
    let (ours, corsi) = (days(&market.ours, period), days(&market.corsi, period));
    let name = market.name.as_str();
    rows.title(&format!("{name}: law of the next day's log variance, {} days", ours.len()));
    let outcome = |day: &DayReport| day.log_realised();
    let held = |day: &&DayReport| (day.lower..=day.upper).contains(&outcome(day));
    let share = |days: &[DayReport]| {
        100.0 * days.iter().filter(held).count() as f64 / days.len().max(1) as f64
    };
    let tenth = |by: &dyn Fn(&DayReport) -> f64| {
        let mut sorted = ours.clone();
        sorted.sort_by(|a, b| by(b).total_cmp(&by(a)));
        share(&sorted[..sorted.len() / 10])
    };
    rows.bar(name, "90 % interval holds, % of days", share(&ours), Bar::Within(88.0, 92.0));
    let by_forecast = tenth(&|day| day.forecast);
    rows.bar(name, "in the tenth with the highest forecast", by_forecast, Bar::Above(85.0));
    rows.figure(name, "in the tenth with the highest outcome", tenth(&|day| day.realised));
    let missed: Vec<bool> = ours.iter().map(|day| !held(&day)).collect();
    rows.figure(name, "misses, conditional coverage p", christoffersen_coverage(&missed, 0.1).p);
    let width = |day: &DayReport| interval_score(outcome(day), (day.lower, day.upper), 0.9);
    rows.figure(name, "interval score", mean(&ours.iter().map(width).collect::<Vec<_>>()));
    let scale = |day: &DayReport| (day.law.location, day.law.variance.sqrt());
    let normal = |day: &DayReport| crps_normal(outcome(day), scale(day));
    let crps = mean(&ours.iter().map(DayReport::crps).collect::<Vec<_>>());
    let gaussian = mean(&corsi.iter().map(normal).collect::<Vec<_>>());
    rows.bar(name, "CRPS", crps, Bar::AtMost(gaussian));
    let transforms: Vec<f64> = ours.iter().map(|day| day.pit).collect();
    rows.figure(name, "PIT uniform, Kolmogorov-Smirnov p", uniformity(&transforms).p);
}
