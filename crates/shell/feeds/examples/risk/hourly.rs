//! The tail of the next hour's loss, and the margin that is made of it.

use market::risk::{Config, HourReport, Track, fhs_ewma};
use market::stats::{
    acerbi_szekely, christoffersen_coverage, christoffersen_independence, dynamic_quantile, kupiec,
    pinball,
};

use crate::rows::{Bar, Rows};
use crate::{Market, Period};

/// Share of hours that may lose more than the quantile.
const SHARE: f64 = 0.005;
/// Hours of the worst stretch that is looked for: 90 days.
const STRETCH_H: usize = 2_160;
const DAY_S: i64 = 86_400;
/// What a loss in shares of value is multiplied with to be pinball loss in % x 100.
const PINBALL: f64 = 1e4;

fn within(open_s: i64, period: Period) -> bool {
    let day = |date: market::Date| i64::from(date.number()) * DAY_S;
    (day(period.hours_from)..day(period.hours_to)).contains(&open_s)
}

fn hours(track: &Track, period: Period) -> Vec<HourReport> {
    track.hours.iter().filter(|hour| within(hour.open_s, period)).copied().collect()
}

fn mean(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for number in numbers {
        sum += number;
        count += 1.0;
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

fn percent(flags: &[bool]) -> f64 {
    100.0 * mean(flags.iter().map(|flag| f64::from(u8::from(*flag))))
}

/// One side of a quantile forecast: losses and quantiles, hour by hour.
struct Side {
    losses: Vec<f64>,
    quantiles: Vec<f64>,
}

impl Side {
    fn exceeded(&self) -> Vec<bool> {
        self.losses.iter().zip(&self.quantiles).map(|(loss, quantile)| loss > quantile).collect()
    }

    fn pinball(&self) -> f64 {
        let pairs = self.losses.iter().zip(&self.quantiles);
        PINBALL * mean(pairs.map(|(loss, quantile)| pinball(*loss, *quantile, 1.0 - SHARE)))
    }

    fn mean(&self) -> f64 {
        100.0 * mean(self.quantiles.iter().copied())
    }
}

fn sides(hours: &[HourReport]) -> [Side; 2] {
    let side = |loss: fn(&HourReport) -> f64, quantile: fn(&HourReport) -> f64| Side {
        losses: hours.iter().map(loss).collect(),
        quantiles: hours.iter().map(quantile).collect(),
    };
    [
        side(|hour| hour.loss.long, |hour| hour.quantile.long),
        side(|hour| hour.loss.short, |hour| hour.quantile.short),
    ]
}

/// The share of exceedances in the worst 90 days, in per cent.
fn worst(exceeded: &[bool]) -> f64 {
    let windows = exceeded.windows(STRETCH_H.min(exceeded.len().max(1)));
    windows.map(percent).fold(0.0, |worst, share| if share > worst { share } else { worst })
}

/// Numbers (a) and (b), side by side with the plain model and filtered historical simulation.
pub(crate) fn quantiles(rows: &mut Rows, market: &Market, period: Period) {
    let (ours, plain) = (hours(&market.ours, period), hours(&market.plain, period));
    let name = market.name.as_str();
    rows.title(&format!("{name}: 99.5 % quantile of the next hour's loss, {} hours", ours.len()));
    let peers = sides(&plain);
    let shortfalls: [Vec<f64>; 2] = [
        ours.iter().map(|hour| hour.shortfall.long).collect(),
        ours.iter().map(|hour| hour.shortfall.short).collect(),
    ];
    for (i, (label, side)) in ["long", "short"].into_iter().zip(sides(&ours)).enumerate() {
        let exceeded = side.exceeded();
        let what = |figure: &str| format!("{label}: {figure}");
        let above = Bar::Above(0.05);
        rows.bar(name, &what("exceedances, %"), percent(&exceeded), Bar::Within(0.4, 0.6));
        rows.bar(name, &what("Kupiec p"), kupiec(&exceeded, SHARE).p, above);
        let independence = christoffersen_independence(&exceeded).p;
        rows.bar(name, &what("Christoffersen independence p"), independence, above);
        let coverage = christoffersen_coverage(&exceeded, SHARE).p;
        rows.bar(name, &what("Christoffersen conditional coverage p"), coverage, above);
        let dynamic = dynamic_quantile(&exceeded, &side.quantiles, SHARE).p;
        rows.figure(name, &what("dynamic quantile p"), dynamic);
        rows.bar(name, &what("worst 90 days, %"), worst(&exceeded), Bar::AtMost(0.8));
        let peer = &peers[i];
        rows.bar(name, &what("pinball, % x 100"), side.pinball(), Bar::AtMost(peer.pinball()));
        rows.bar(name, &what("mean quantile, %"), side.mean(), Bar::AtMost(peer.mean()));
        rows.figure(name, &what("tracked log-HAR, exceedances, %"), percent(&peer.exceeded()));
        let fhs = historical(market, period, if i == 0 { 1.0 } else { -1.0 });
        rows.figure(name, &what("FHS-EWMA, exceedances, %"), percent(&fhs.exceeded()));
        rows.figure(name, &what("FHS-EWMA, pinball, % x 100"), fhs.pinball());
        rows.figure(name, &what("FHS-EWMA, mean quantile, %"), fhs.mean());
        // How losses spread beyond the quantile: the excesses of the peer, scaled to mean one.
        let beyond = excesses(peer);
        let test =
            acerbi_szekely(&side.losses, &side.quantiles, &shortfalls[i], SHARE, (&beyond, 1));
        rows.figure(name, &what("shortfall, Z1"), test.size.statistic);
        rows.figure(name, &what("shortfall, Z1 p"), test.size.p);
        rows.figure(name, &what("shortfall, Z2"), test.both.statistic);
        rows.figure(name, &what("shortfall, Z2 p"), test.both.p);
    }
}

fn historical(market: &Market, period: Period, sign: f64) -> Side {
    let forecasts = fhs_ewma(&market.hours, sign, 1.0 - SHARE);
    let kept = market.hours.iter().zip(forecasts).filter(|(hour, _)| within(hour.open_s, period));
    let (losses, quantiles) = kept.map(|(hour, quantile)| (sign * hour.loss(), quantile)).unzip();
    Side { losses, quantiles }
}

fn excesses(side: &Side) -> Vec<f64> {
    let pairs = side.losses.iter().zip(&side.quantiles).filter(|(loss, quantile)| loss > quantile);
    let ratios: Vec<f64> = pairs.map(|(loss, quantile)| loss / quantile - 1.0).collect();
    let scale = mean(ratios.iter().copied());
    ratios.into_iter().map(|ratio| ratio / scale).collect()
}

/// Number (c), as published.
pub(crate) fn margins(rows: &mut Rows, market: &Market, period: Period) {
    let name = market.name.as_str();
    let ours = hours(&market.ours, period);
    rows.title(&format!("{name}: published margin, {} hours", ours.len()));
    let cost = published(&ours, |what, figure| match what {
        "initial exceeded, long, %" | "initial exceeded, short, %" => {
            rows.bar(name, what, figure, Bar::AtMost(0.2));
        }
        "maintenance exceeded, long, %" | "maintenance exceeded, short, %" => {
            rows.bar(name, what, figure, Bar::AtMost(0.5));
        }
        "maintenance, peak over median" => rows.bar(name, what, figure, Bar::AtMost(4.0)),
        "maintenance, largest hourly step, %" => rows.bar(name, what, figure, Bar::AtMost(25.0001)),
        _ => rows.figure(name, what, figure),
    });
    rows.bar(name, "mean initial over mean (b)", cost, Bar::AtMost(1.25));
    let cost = published(&hours(&market.plain, period), |what, figure| {
        rows.figure(name, &format!("log-HAR, paced: {what}"), figure);
    });
    rows.figure(name, "log-HAR, paced: mean initial over mean (b)", cost);
}

fn larger(hour: &HourReport) -> f64 {
    let (long, short) = (hour.shortfall.long, hour.shortfall.short);
    if long > short { long } else { short }
}

/// Hands out what a published margin is judged by, and returns its cost.
fn published(hours: &[HourReport], mut show: impl FnMut(&str, f64)) -> f64 {
    let share = |loss: fn(&HourReport) -> f64, margin: fn(&HourReport) -> f64| {
        percent(&hours.iter().map(|hour| loss(hour) > margin(hour)).collect::<Vec<_>>())
    };
    let either = |hour: &HourReport| hour.loss.long.abs();
    show("initial exceeded, long, %", share(|h| h.loss.long, |h| h.initial));
    show("initial exceeded, short, %", share(|h| h.loss.short, |h| h.initial));
    show("initial exceeded, either, %", share(either, |h| h.initial));
    show("maintenance exceeded, long, %", share(|h| h.loss.long, |h| h.maintenance));
    show("maintenance exceeded, short, %", share(|h| h.loss.short, |h| h.maintenance));
    show("maintenance exceeded, either, %", share(either, |h| h.maintenance));
    let mut sorted: Vec<f64> = hours.iter().map(|hour| hour.maintenance).collect();
    sorted.sort_by(f64::total_cmp);
    let (peak, median) = (sorted[sorted.len() - 1], sorted[sorted.len() / 2]);
    show("maintenance, peak over median", peak / median);
    let steps = hours.windows(2).map(|pair| pair[1].maintenance / pair[0].maintenance - 1.0);
    let step = steps.fold(0.0, |most, step| if step > most { step } else { most });
    show("maintenance, largest hourly step, %", 100.0 * step);
    let initial = mean(hours.iter().map(|hour| hour.initial));
    show("mean initial, %", 100.0 * initial);
    show("mean (b), %", 100.0 * mean(hours.iter().map(larger)));
    initial / mean(hours.iter().map(larger))
}

/// Exceedances of (c) in the tenth of hours with the highest u, and with a flat loading that costs
/// as much on average.
pub(crate) fn uncertainty(rows: &mut Rows, markets: &[Market], period: Period) {
    rows.title("does uncertainty pay: exceedances of (c) on either side");
    let tail = Config::frozen().tail;
    let mut counts = [0.0; 4];
    for market in markets {
        let ours = hours(&market.ours, period);
        let mut doubts: Vec<f64> = ours.iter().map(|hour| hour.u).collect();
        doubts.sort_by(f64::total_cmp);
        let high = doubts[doubts.len() * 9 / 10];
        let due = mean(ours.iter().map(|hour| hour.margin));
        let flat = |factor: f64, hour: &HourReport| {
            let raw = factor * hour.unloaded;
            if raw > tail.floor { raw } else { tail.floor }
        };
        let (mut low, mut most) = (1.0, 1.0 + tail.kappa);
        for _ in 0..50 {
            let middle = 0.5 * (low + most);
            let cost = mean(ours.iter().map(|hour| flat(middle, hour)));
            if cost < due { low = middle } else { most = middle }
        }
        let one = exceeded(&ours, high, |hour| hour.margin);
        let other = exceeded(&ours, high, |hour| flat(low, hour));
        report(rows, &market.name, one, other);
        for (sum, count) in counts.iter_mut().zip([one.0, one.1, other.0, other.1]) {
            *sum += count;
        }
    }
    let [one_high, one_all, other_high, other_all] = counts;
    report(rows, "all", (one_high, one_all), (other_high, other_all));
}

/// Hours beyond a margin: among those with u of at least `high`, and among all.
fn exceeded(hours: &[HourReport], high: f64, margin: impl Fn(&HourReport) -> f64) -> (f64, f64) {
    let beyond: Vec<&HourReport> =
        hours.iter().filter(|hour| hour.loss.long.abs() > margin(hour)).collect();
    let among = beyond.iter().filter(|hour| hour.u >= high).count();
    (among as f64, beyond.len() as f64)
}

fn report(rows: &mut Rows, name: &str, with: (f64, f64), flat: (f64, f64)) {
    let ratio = |(high, all): (f64, f64)| if all > 0.0 { 10.0 * high / all } else { 0.0 };
    rows.figure(name, "hours beyond (c)", with.1);
    rows.figure(name, "of them in the tenth with the highest u", with.0);
    rows.bar(name, "that tenth's rate over all hours'", ratio(with), Bar::AtMost(1.5));
    rows.figure(name, "kappa = 0 at equal mean margin: hours beyond", flat.1);
    rows.figure(name, "kappa = 0: of them in that tenth", flat.0);
    rows.bar(
        name,
        "kappa = 0: that tenth's rate over all hours'",
        ratio(flat),
        Bar::Above(ratio(with)),
    );
}
