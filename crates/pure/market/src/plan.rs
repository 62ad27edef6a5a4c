//! Who learns from what, and on which days the model is judged.
//!
//! A [`Slice`] is one node's data: a market at a venue, or an era of it, standardised by its own
//! mean and deviation. An [`Evaluation`] is a market's days after the split, standardised by the
//! numbers of that market's latest slice, which its owner publishes. The first evaluation is the
//! market the network reports on.
//!
//! *Invariant: no slice reaches into the evaluation days.*
//!
//! Where a market comes in several intervals, the finest that spans at least nine tenths of the
//! longest is taken: ten years of half-hours say more about a regime than one of five-minute bars.

use std::collections::BTreeMap;

use learn::Dataset;
use thiserror::Error;

use crate::daily::{DailyError, daily};
use crate::features::{FEATURES, Row, WARM_UP, rows};
use crate::maths::{mean, narrow};
use crate::{Date, Proxy, REPORT_DAYS_MIN, Series};

/// Slices a plan has at least: markets are split in time until there are as many.
const SLICES_MIN: usize = 4;
/// Fewest days a slice may have: as many as a market has before its first report.
const DAYS_MIN: usize = REPORT_DAYS_MIN;
/// The evaluation period, in days before the last: eighteen months (2024-07-01 to 2025-12-31).
const EVALUATION_DAYS: i32 = 549;
/// Standardised features are held within +- this many deviations.
const DEVIATIONS_MAX: f64 = 8.0;
/// The eras of the bundled series: names and first days; the last begins the evaluation.
const ERAS: [(&str, i32); 5] =
    [("1986-93", 1986), ("1994-2001", 1994), ("2002-08", 2002), ("2009-14", 2009), ("", 2015)];
/// The first year after the bundled series' evaluation.
const WTI_END: i32 = 2019;

/// The mean and deviation features are standardised by.
#[derive(Clone, Debug, PartialEq)]
pub struct Standard {
    /// Means, in the order of [`FEATURES`].
    pub mean: [f64; FEATURES.len()],
    /// Standard deviations; 1 for a feature that never varies.
    pub deviation: [f64; FEATURES.len()],
}

/// One node's training data.
#[derive(Clone, Debug)]
pub struct Slice {
    /// What it is, for people: `WTI spot 1986-93`, `BTCUSDT_perp at binance`.
    pub name: String,
    /// The market it is of, as in [`Evaluation::market`].
    pub market: String,
    /// First and last day.
    pub span: (Date, Date),
    /// How variance was measured.
    pub proxy: Proxy,
    /// What the features were standardised by: this slice's own mean and deviation.
    pub standard: Standard,
    /// Features and targets (variance over anchor).
    pub train: Dataset,
}

/// A day as the publisher meets it, and what it brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Day {
    /// The day.
    pub date: Date,
    /// The features known when it begins, standardised.
    pub features: Vec<f32>,
    /// The variance the forecast is relative to, known when it begins.
    pub anchor: f64,
    /// The last price before it.
    pub price: f64,
    /// The random walk's forecast: the last proxy before it, at least the proxy's floor.
    pub walk: f64,
    /// The exponential average's forecast (RiskMetrics, decay 0.94) of the proxies before it.
    pub ewma: f64,
    /// The outcome: its proxy.
    pub proxy: f64,
    /// The outcome: its log return.
    pub ret: f64,
}

/// A market's days after the split.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The market, for people: `WTI spot`, `BTCUSDT_perp at binance`.
    pub market: String,
    /// How variance was measured.
    pub proxy: Proxy,
    /// What features are standardised by.
    pub standard: Standard,
    /// The days before the first, oldest first: where the first days' recent errors come from.
    pub lead: Vec<Day>,
    /// The days, ascending.
    pub days: Vec<Day>,
}

/// Slices to learn from and days to be judged on.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Training data, at least four; node i takes the i-th.
    pub slices: Vec<Slice>,
    /// One per market; the first is the one reported on.
    pub evaluations: Vec<Evaluation>,
    /// Series that were not used, each with the reason.
    pub left_out: Vec<String>,
}

/// Why data gives no plan.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// Bars that give no days.
    #[error(transparent)]
    Daily(#[from] DailyError),
    /// No series at all, or none long enough.
    #[error(
        "no series has {DAYS_MIN} days of features before the evaluation and one in it; {reasons}"
    )]
    Short {
        /// What was found about each series.
        reasons: String,
    },
}

/// A market's rows on either side of the split.
struct Market {
    name: String,
    proxy: Proxy,
    before: Vec<Row>,
    after: Vec<Row>,
}

impl Plan {
    /// Returns the plan of the bundled WTI series: four eras (1986-93, 1994-2001, 2002-08,
    /// 2009-14), evaluation 2015-18.
    ///
    /// # Errors
    ///
    /// [`PlanError`] if the series is not what is bundled.
    ///
    /// ```no_run
    /// # let wti = market::Series {
    /// #     venue: String::new(), symbol: String::new(), interval_s: 86_400, ranged: false,
    /// #     bars: Vec::new(),
    /// # };
    /// let plan = market::Plan::wti(&wti)?; // `wti` as read by feeds::wti()
    /// assert_eq!(plan.slices[0].name, "WTI spot 1986-93");
    /// assert_eq!(plan.evaluations[0].days[0].date.to_string(), "2015-01-02");
    /// # Ok::<(), market::PlanError>(())
    /// ```
    pub fn wti(series: &Series) -> Result<Plan, PlanError> {
        let (proxy, observations) = daily(series)?;
        let rows = rows(&observations, proxy);
        let year = |row: &Row| row.date.ymd().0;
        let name = series.symbol.clone();
        let mut slices = Vec::new();
        for pair in ERAS.windows(2) {
            let (from, to) = (i64::from(pair[0].1), i64::from(pair[1].1));
            let era = rows.iter().filter(|row| (from..to).contains(&year(row)));
            let era: Vec<Row> = era.cloned().collect();
            slices.push(slice((format!("{name} {}", pair[0].0), &name), proxy, &era)?);
        }
        let (split, end) = (i64::from(ERAS[4].1), i64::from(WTI_END));
        let (before, mut after): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| year(row) < split);
        after.retain(|row| year(row) < end);
        let market = Market { name, proxy, before, after };
        let standard = slices[slices.len() - 1].standard.clone();
        Ok(Plan { slices, evaluations: vec![market.evaluation(standard)], left_out: Vec::new() })
    }

    /// Returns the plan of any series: a slice per market and venue, split in time where there are
    /// fewer than four, and the last 549 days as evaluation, or three fifths of the days if that is
    /// less.
    ///
    /// Markets come in the order of their symbols, then venues.
    ///
    /// # Errors
    ///
    /// [`PlanError`] if no series is long enough.
    ///
    /// ```
    /// use market::{Bar, Plan, Series};
    /// let price = |i: i64| 100.0 + (i * 37 % 11) as f64;
    /// let bar = |i: i64| Bar {
    ///     open_s: i * 86_400,
    ///     open: price(i),
    ///     high: price(i) + 1.0,
    ///     low: price(i) - 1.0,
    ///     close: price(i),
    ///     volume: 1.0,
    /// };
    /// let series = Series {
    ///     venue: "here".into(),
    ///     symbol: "X".into(),
    ///     interval_s: 86_400,
    ///     ranged: true,
    ///     bars: (0..1_600).map(bar).collect(),
    /// };
    /// let plan = Plan::new(&[series])?;
    /// assert_eq!(plan.slices[0].name, "X at here, part 1 of 4");
    /// assert_eq!(plan.evaluations[0].days.len(), 549);
    /// // The three days before the second evaluation day: two of them before the split.
    /// let recent = plan.evaluations[0].recent(1, 3);
    /// assert_eq!(recent[2], &plan.evaluations[0].days[0]);
    /// # Ok::<(), market::PlanError>(())
    /// ```
    pub fn new(series: &[Series]) -> Result<Plan, PlanError> {
        let mut left_out = Vec::new();
        let mut all = Vec::new();
        for series in chosen(series, &mut left_out) {
            let (proxy, observations) = daily(series)?;
            let name = format!("{} at {}", series.symbol, series.venue);
            all.push((name, proxy, rows(&observations, proxy)));
        }
        let split = split(&all);
        let mut markets = Vec::new();
        for (name, proxy, rows) in all {
            let (before, after): (Vec<_>, Vec<_>) =
                rows.into_iter().partition(|row| row.date < split);
            if before.len() < DAYS_MIN || after.is_empty() {
                let (b, a) = (before.len(), after.len());
                left_out.push(format!("{name}: {b} days before {split} and {a} from then on"));
            } else {
                markets.push(Market { name, proxy, before, after });
            }
        }
        let mut slices = Vec::new();
        let mut evaluations = Vec::new();
        for (market, parts) in markets.iter().zip(parts(&markets)) {
            let size = market.before.len().div_ceil(parts);
            for (i, part) in market.before.chunks(size).enumerate() {
                let suffix =
                    if parts == 1 { String::new() } else { format!(", part {} of {parts}", i + 1) };
                let name = format!("{}{suffix}", market.name);
                slices.push(slice((name, &market.name), market.proxy, part)?);
            }
            evaluations.push(market.evaluation(slices[slices.len() - 1].standard.clone()));
        }
        if slices.is_empty() {
            return Err(PlanError::Short { reasons: left_out.join("; ") });
        }
        Ok(Plan { slices, evaluations, left_out })
    }
}

impl Slice {
    /// Returns the earlier and the later half of its days, standardised as the whole and with its
    /// span; nothing if a half would have none.
    fn halves(&self) -> Option<[Slice; 2]> {
        let [earlier, later] = self.train.halves()?;
        let half = |which: &str, train| {
            let name = format!("{}, {which} half", self.name);
            Slice { name, train, ..self.clone() }
        };
        Some([half("earlier", earlier), half("later", later)])
    }
}

impl Plan {
    /// Returns the plan with each slice halved in time, as often as it takes to have `count` of
    /// them; it stays as it is where it has enough, or where a half would have no days.
    ///
    /// ```
    /// # fn plan() -> market::Plan {
    /// #     market::Plan { slices: vec![], evaluations: vec![], left_out: vec![] }
    /// # }
    /// assert!(plan().of_at_least(0).slices.is_empty());
    /// ```
    #[must_use]
    pub fn of_at_least(mut self, count: usize) -> Plan {
        while self.slices.len() < count {
            let halves: Option<Vec<[Slice; 2]>> = self.slices.iter().map(Slice::halves).collect();
            match halves {
                Some(halves) if !halves.is_empty() => self.slices = halves.concat(),
                _ => break,
            }
        }
        self
    }
}

impl Market {
    fn evaluation(&self, standard: Standard) -> Evaluation {
        let mut average =
            mean(&self.before.iter().take(WARM_UP).map(|r| r.last).collect::<Vec<_>>());
        let mut day = |row: &Row| {
            average = 0.94 * average + 0.06 * row.last;
            let floor = self.proxy.floor();
            Day {
                date: row.date,
                features: standard.apply(&row.features),
                anchor: row.anchor,
                price: row.price,
                walk: if row.last > floor { row.last } else { floor },
                ewma: if average > floor { average } else { floor },
                proxy: row.proxy,
                ret: row.ret,
            }
        };
        let lead: Vec<Day> = self.before.iter().map(&mut day).collect();
        let days = self.after.iter().map(&mut day).collect();
        Evaluation { market: self.name.clone(), proxy: self.proxy, standard, lead, days }
    }
}

impl Evaluation {
    /// Returns the `count` days before day `index`, oldest first; fewer where the data begins.
    #[must_use]
    pub fn recent(&self, index: usize, count: usize) -> Vec<&Day> {
        let end = self.lead.len() + index.min(self.days.len());
        let start = end.saturating_sub(count);
        self.lead.iter().chain(&self.days).skip(start).take(end - start).collect()
    }
}

impl Standard {
    /// Returns the mean and deviation of these rows' features.
    fn of(rows: &[Row]) -> Standard {
        let mut standard = Standard { mean: [0.0; 5], deviation: [1.0; 5] };
        for feature in 0..FEATURES.len() {
            let values: Vec<f64> = rows.iter().map(|row| row.features[feature]).collect();
            let centre = mean(&values);
            let squares: Vec<f64> = values.iter().map(|v| (v - centre) * (v - centre)).collect();
            let deviation = mean(&squares).sqrt();
            standard.mean[feature] = centre;
            standard.deviation[feature] = if deviation > 1e-9 { deviation } else { 1.0 };
        }
        standard
    }

    /// Returns features standardised and held within +-8, as the Programs take them.
    ///
    /// ```
    /// let standard = market::Standard { mean: [1.0; 5], deviation: [2.0; 5] };
    /// assert_eq!(standard.apply(&[1.0, 3.0, -1.0, 1e9, 2.0]), [0.0, 1.0, -1.0, 8.0, 0.5]);
    /// ```
    #[must_use]
    pub fn apply(&self, features: &[f64; FEATURES.len()]) -> Vec<f32> {
        let scaled = features.iter().zip(self.mean.iter().zip(&self.deviation));
        scaled
            .map(|(x, (mean, deviation))| (x - mean) / deviation)
            .map(|z| narrow(z.clamp(-DEVIATIONS_MAX, DEVIATIONS_MAX)))
            .collect()
    }
}

/// Returns for each market of a venue the series to use, in the order of symbols, then venues.
fn chosen<'a>(series: &'a [Series], left_out: &mut Vec<String>) -> Vec<&'a Series> {
    let span =
        |s: &Series| s.bars.last().map_or(0, |l| l.open_s) - s.bars.first().map_or(0, |f| f.open_s);
    let mut markets = BTreeMap::<(&str, &str), Vec<&Series>>::new();
    for one in series {
        markets.entry((&one.symbol, &one.venue)).or_default().push(one);
    }
    let mut best = Vec::new();
    for candidates in markets.into_values() {
        let longest = candidates.iter().map(|s| span(s)).max().unwrap_or(0);
        let long = candidates.iter().filter(|s| span(s) >= longest / 10 * 9);
        let Some(choice) = long.min_by_key(|s| s.interval_s) else { continue };
        best.push(*choice);
        for other in candidates.iter().filter(|s| !std::ptr::eq(**s, *choice)) {
            let (minutes, chosen) = (other.interval_s / 60, choice.interval_s / 60);
            left_out.push(format!("{} {minutes}m: {chosen}m bars are used", other.name()));
        }
    }
    best
}

/// Returns the first evaluation day.
fn split(all: &[(String, Proxy, Vec<Row>)]) -> Date {
    let ends = || all.iter().filter_map(|(_, _, rows)| rows.last().map(|row| row.date));
    let starts = || all.iter().filter_map(|(_, _, rows)| rows.first().map(|row| row.date));
    let (Some(start), Some(end)) = (starts().min(), ends().max()) else {
        return Date::from_number(0);
    };
    let days = end.number() - start.number() + 1;
    Date::from_number(end.number() + 1 - EVALUATION_DAYS.min(days * 3 / 5))
}

/// Returns into how many parts each market's training days are cut so that there are enough.
fn parts(markets: &[Market]) -> Vec<usize> {
    let mut parts = vec![1; markets.len()];
    while !markets.is_empty() && parts.iter().sum::<usize>() < SLICES_MIN {
        let longest = (0..markets.len())
            .max_by_key(|&i| (markets[i].before.len() / parts[i], std::cmp::Reverse(i)))
            .unwrap_or(0);
        parts[longest] += 1;
    }
    parts
}

fn slice((name, market): (String, &str), proxy: Proxy, rows: &[Row]) -> Result<Slice, PlanError> {
    let rows = &rows[rows.len().saturating_sub(learn::ROWS)..];
    let standard = Standard::of(rows);
    let features: Vec<Vec<f32>> = rows.iter().map(|row| standard.apply(&row.features)).collect();
    let targets: Vec<f32> = rows.iter().map(|row| narrow(row.proxy / row.anchor)).collect();
    let short = |reason: String| PlanError::Short { reasons: reason };
    let train = Dataset::new(&features, &targets).map_err(|e| short(format!("{name}: {e}")))?;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Err(short(format!("{name} has no days")));
    };
    let span = (first.date, last.date);
    Ok(Slice { name, market: market.to_owned(), span, proxy, standard, train })
}

#[cfg(test)]
mod tests;
