//! The features of the hourly and the daily volatility models.
//!
//! Both are log-HAR with leverage terms (see `FEATURES` of this crate for the formulas of the
//! federated model), around an anchor, with what markets that never close add to it: the hour of
//! the day, the weekend, and the hours just gone by. With `m_k` the average of the variance over
//! the last k hours or days plus a floor of 1e-8, and `n_k` that of min(return, 0).
//!
//! *Invariant: a sample's features and anchor are made of what came before it.* (The hour and the
//! weekday of the sample itself are known to everyone.)

use tensor::scalar::Float;

use super::expand::Sample;
use crate::hourly::{HOUR_S, Hour};
use crate::maths::count;

/// Added to an average of variances before its logarithm: (0.01 %)^2.
pub(super) const FLOOR: f64 = 1e-8;
/// Added to a ratio of volumes before its logarithm.
const VOLUME_FLOOR: f64 = 1e-3;
/// Hours of a week, the longest hourly average; hours before the first hourly sample.
const WEEK_H: usize = 168;
/// Days of the longest daily average; days before the first daily sample.
pub(super) const MONTH: usize = 22;
const DAY_H: usize = 24;
pub(super) const DAY_S: i64 = 86_400;

/// By what the variance of an hour or a day is measured where it is a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Squared returns.
    Realised,
    /// Parkinson's range estimator.
    Range,
}

/// Names of the features of an hour, in order.
///
/// `ln(m1 / m168)`, `ln(m6 / m168)`, `ln(m24 / m168)`, `ln m168 + 11`; `n1 / sqrt(m168)`,
/// `n24 / sqrt(m168)`; `ln(v1 / v168)`, `ln(v24 / v168)` of the traded volume; the mean of
/// `ln(m / m168)` at the same hour of the last seven days; sine and cosine of one, two and three
/// times the hour of the day, those of one and two times again on Saturday and Sunday, and one on
/// Saturday and Sunday.
pub const HOUR_FEATURES: [&str; 21] = [
    "constant",
    "hour",
    "hours_6",
    "day",
    "level",
    "fall",
    "fall_day",
    "volume",
    "volume_day",
    "same_hour",
    "sin_1",
    "cos_1",
    "sin_2",
    "cos_2",
    "sin_3",
    "cos_3",
    "weekend_sin_1",
    "weekend_cos_1",
    "weekend_sin_2",
    "weekend_cos_2",
    "weekend",
];

/// Names of the features of a day, in order.
///
/// `ln(m1 / m22)`, `ln(m5 / m22)`, `ln m22 + 7.5`, `n1 / sqrt(m22)`, `n5 / sqrt(m22)`; `ln` of the
/// variance of the last six hours, times four, over the day's; `ln(v1 / v22)` of the volume; and
/// one on Saturday, on Sunday, on Monday. Where averages are of ranges, `m22` stays the realised
/// one in `level` and the leverage terms.
pub const DAY_FEATURES: [&str; 11] = [
    "constant",
    "day",
    "week",
    "level",
    "fall",
    "fall_week",
    "evening",
    "volume",
    "saturday",
    "sunday",
    "monday",
];

/// Returns a sample for each hour from the 169th on, also for those that are missing between.
///
/// The outcome is the logarithm of the measure's variance of the hour; a missing hour has none,
/// and its features are of the last hours that are there.
///
/// ```
/// use market::{Hour, risk::{HOUR_FEATURES, Measure, hour_samples}};
/// let (before, close, ret, volume) = (1.0, 1.0, 0.0, 1.0);
/// let (realised, range) = (1e-6, 1e-6);
/// let hour = |i: i64| Hour { open_s: i * 3_600, before, close, ret, realised, range, volume };
/// let samples = hour_samples(&(0..170).map(hour).collect::<Vec<_>>(), Measure::Range);
/// assert_eq!((samples.len(), samples[0].x.len()), (2, HOUR_FEATURES.len()));
/// assert_eq!(samples[0].open_s, 168 * 3_600);
/// ```
#[must_use]
pub fn hour_samples(hours: &[Hour], measure: Measure) -> Vec<Sample> {
    let of = |hour: &Hour| match measure {
        Measure::Realised => hour.realised,
        Measure::Range => hour.range,
    };
    let variances: Vec<f64> = hours.iter().map(of).collect();
    let falls: Vec<f64> = hours.iter().map(|hour| fall(hour.ret)).collect();
    let volumes: Vec<f64> = hours.iter().map(|hour| hour.volume).collect();
    // `t` hours are known at `open_s`.
    let features = |t: usize, open_s: i64| {
        let month = average(&variances[..t], WEEK_H) + FLOOR;
        let anchor = month.op_log();
        let relative = |k: usize| ((average(&variances[..t], k) + FLOOR) / month).op_log();
        let deviation = month.sqrt();
        let usual = average(&volumes[..t], WEEK_H);
        let volume = |k: usize| ratio(average(&volumes[..t], k), usual);
        let at = |day: i64| {
            let due = open_s - day * DAY_S;
            hours[..t].binary_search_by_key(&due, |hour| hour.open_s).ok()
        };
        let same: Vec<f64> =
            (1..=7).filter_map(at).map(|i| ((variances[i] + FLOOR) / month).op_log()).collect();
        let same = if same.is_empty() { 0.0 } else { same.iter().sum::<f64>() / count(same.len()) };
        let mut x = vec![1.0, relative(1), relative(6), relative(DAY_H), anchor + 11.0];
        x.extend([average(&falls[..t], 1) / deviation, average(&falls[..t], DAY_H) / deviation]);
        x.extend([volume(1), volume(DAY_H), same]);
        x.extend(clock(open_s));
        (x, anchor)
    };
    let mut samples = Vec::new();
    for (t, hour) in hours.iter().enumerate().skip(WEEK_H) {
        let mut open_s = hours[t - 1].open_s + HOUR_S;
        while open_s <= hour.open_s {
            let (x, anchor) = features(t, open_s);
            let here = open_s == hour.open_s;
            let outcome = here.then(|| (variances[t] + FLOOR).op_log());
            samples.push(Sample { open_s, x, anchor, outcome });
            open_s += HOUR_S;
        }
    }
    samples
}

/// Returns a sample for each whole UTC day from the 23rd on; a day with a hole is none.
///
/// Averages are of this measure; the outcome always is the logarithm of the realised variance of
/// the day, plus the floor.
///
/// ```
/// use market::{Hour, risk::{DAY_FEATURES, Measure, day_samples}};
/// let (before, close, ret, volume) = (1.0, 1.0, 0.0, 1.0);
/// let (realised, range) = (1e-6, 1e-6);
/// let hour = |i: i64| Hour { open_s: i * 3_600, before, close, ret, realised, range, volume };
/// let samples = day_samples(&(0..24 * 24).map(hour).collect::<Vec<_>>(), Measure::Range);
/// assert_eq!((samples.len(), samples[0].x.len()), (2, DAY_FEATURES.len()));
/// ```
#[must_use]
pub fn day_samples(hours: &[Hour], measure: Measure) -> Vec<Sample> {
    let Totals { open_s, realised, ranges, evenings, rets, volumes } = &Totals::of(hours);
    let falls: Vec<f64> = rets.iter().map(|ret| fall(*ret)).collect();
    let variances = if measure == Measure::Range { ranges } else { realised };
    let sample = |t: usize| {
        let month = average(&realised[..t], MONTH) + FLOOR;
        let anchor = month.op_log();
        let base = average(&variances[..t], MONTH) + FLOOR;
        let relative = |k: usize| ((average(&variances[..t], k) + FLOOR) / base).op_log();
        let deviation = month.sqrt();
        let mut x = vec![1.0, relative(1), relative(5), anchor + 7.5];
        x.extend([average(&falls[..t], 1) / deviation, average(&falls[..t], 5) / deviation]);
        x.push(((evenings[t - 1] + FLOOR) / (ranges[t - 1] + FLOOR)).op_log());
        x.push(ratio(volumes[t - 1], average(&volumes[..t], MONTH)));
        let open_s = open_s[t];
        x.extend([5, 6, 0].map(|day| if weekday(open_s) == day { 1.0 } else { 0.0 }));
        Sample { open_s, x, anchor, outcome: Some((realised[t] + FLOOR).op_log()) }
    };
    (MONTH..open_s.len()).map(sample).collect()
}

/// What whole UTC days brought; a day with a hole is left out.
pub(super) struct Totals {
    /// When each begins, Unix seconds.
    pub(super) open_s: Vec<i64>,
    /// Realised variance.
    pub(super) realised: Vec<f64>,
    /// Parkinson's estimator.
    pub(super) ranges: Vec<f64>,
    /// The same of the last six hours, times four.
    pub(super) evenings: Vec<f64>,
    /// Log returns.
    pub(super) rets: Vec<f64>,
    /// Traded volume.
    pub(super) volumes: Vec<f64>,
}

impl Totals {
    pub(super) fn of(hours: &[Hour]) -> Totals {
        let day = |hour: &Hour| hour.open_s.div_euclid(DAY_S);
        let days = hours.chunk_by(|a, b| day(a) == day(b));
        let days: Vec<&[Hour]> = days.filter(|hours| hours.len() == DAY_H).collect();
        let totals = |from: usize, of: fn(&Hour) -> f64| {
            days.iter().map(|day| day[from..].iter().map(of).sum::<f64>()).collect::<Vec<_>>()
        };
        Totals {
            open_s: days.iter().map(|day| day[0].open_s).collect(),
            realised: totals(0, |hour| hour.realised),
            ranges: totals(0, |hour| hour.range),
            evenings: totals(18, |hour| hour.range).into_iter().map(|sum| 4.0 * sum).collect(),
            rets: totals(0, |hour| hour.ret),
            volumes: totals(0, |hour| hour.volume),
        }
    }
}

/// The mean of the last `k`.
pub(super) fn average(past: &[f64], k: usize) -> f64 {
    past[past.len() - k..].iter().sum::<f64>() / count(k)
}

fn fall(ret: f64) -> f64 {
    if ret < 0.0 { ret } else { 0.0 }
}

pub(super) fn ratio(volume: f64, usual: f64) -> f64 {
    if usual > 0.0 { (volume / usual + VOLUME_FLOOR).op_log() } else { 0.0 }
}

/// Monday is 0; 1970-01-01 was a Thursday.
fn weekday(open_s: i64) -> i64 {
    (open_s.div_euclid(DAY_S) + 3).rem_euclid(7)
}

/// The eleven features of the hour of the day and the weekend.
fn clock(open_s: i64) -> [f64; 11] {
    let hour = open_s.rem_euclid(DAY_S) / HOUR_S;
    let weekend = if weekday(open_s) >= 5 { 1.0 } else { 0.0 };
    let wave = |k: i64| [cosine(hour * k - 6), cosine(hour * k)];
    let ([s1, c1], [s2, c2], [s3, c3]) = (wave(1), wave(2), wave(3));
    [s1, c1, s2, c2, s3, c3, weekend * s1, weekend * c1, weekend * s2, weekend * c2, weekend]
}

/// The cosine of `n` twenty-fourths of a circle, from square roots, which are exact everywhere.
fn cosine(n: i64) -> f64 {
    let n = n.rem_euclid(24);
    let n = if n > 12 { 24 - n } else { n };
    let (folded, sign) = if n > 6 { (12 - n, -1.0) } else { (n, 1.0) };
    let (two, six) = (2.0_f64.sqrt(), 6.0_f64.sqrt());
    let value = match folded {
        0 => 1.0,
        1 => (six + two) / 4.0,
        2 => 3.0_f64.sqrt() / 2.0,
        3 => two / 2.0,
        4 => 0.5,
        5 => (six - two) / 4.0,
        _ => 0.0,
    };
    sign * value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(i: i64) -> Hour {
        let wave = 1e-6 * (1.0 + cosine(5 * i) * 0.5);
        Hour {
            open_s: i * HOUR_S,
            before: 1.0,
            close: 1.0,
            ret: if i % 3 == 0 { -0.001 } else { 0.001 },
            realised: wave,
            range: 2.0 * wave,
            volume: 1.0 + wave,
        }
    }

    #[test]
    fn the_clock_is_a_circle() {
        for n in -30..60 {
            assert!((cosine(n) * cosine(n) + cosine(n - 6) * cosine(n - 6) - 1.0).abs() < 1e-15);
        }
        let at = |day: i64, hour: i64| clock(day * DAY_S + hour * HOUR_S);
        assert_eq!(at(0, 6)[..2], [1.0, 0.0], "six in the morning is a quarter");
        assert_eq!(at(0, 6)[10], 0.0, "1970-01-01 was a Thursday");
        assert_eq!((at(2, 0)[10], at(3, 23)[10], at(4, 0)[10]), (1.0, 1.0, 0.0));
    }

    #[test]
    fn a_missing_hour_has_no_outcome_and_moves_no_feature_but_the_clock() {
        let mut hours: Vec<Hour> = (0..400).map(hour).collect();
        let whole = hour_samples(&hours, Measure::Range);
        hours.drain(300..303);
        let holed = hour_samples(&hours, Measure::Range);
        assert_eq!(holed[..132], whole[..132], "what came before");
        let gone = |s: &&Sample| s.outcome.is_none();
        assert_eq!(holed.iter().filter(gone).count(), 3);
        for i in 132..136 {
            // Up to the hour after the hole everything but the clock is that of the last price.
            assert_eq!(holed[i].open_s, i64::try_from(168 + i).expect("small") * HOUR_S);
            assert_eq!(holed[i].x[..9], holed[132].x[..9]);
            assert_eq!(holed[i].x[10..], whole[i].x[10..]);
            assert_eq!(holed[i].anchor, whole[132].anchor);
        }
    }

    #[test]
    fn features_are_what_their_names_say() {
        let hours: Vec<Hour> = (0..24 * 30).map(hour).collect();
        let sample = &hour_samples(&hours, Measure::Range)[100];
        let past = &hours[..268];
        let month = past[100..].iter().map(|h| h.range).sum::<f64>() / 168.0 + FLOOR;
        assert!((sample.anchor - month.op_log()).abs() < 1e-12);
        assert!((sample.x[1] - ((past[267].range + FLOOR) / month).op_log()).abs() < 1e-12);
        let outcome = sample.outcome.expect("the hour is there");
        assert!((outcome - (hours[268].range + FLOOR).op_log()).abs() < 1e-12);
        assert_eq!(sample.open_s, 268 * HOUR_S);

        let day = &day_samples(&hours, Measure::Range)[2];
        let last = &hours[23 * 24..24 * 24];
        let total = |hours: &[Hour]| hours.iter().map(|h| h.range).sum::<f64>() + FLOOR;
        let evening = (4.0 * (total(&last[18..]) - FLOOR) + FLOOR) / total(last);
        assert!((day.x[6] - evening.op_log()).abs() < 1e-12);
        assert_eq!(day.x[8..], [0.0, 1.0, 0.0], "1970-01-25 was a Sunday");
    }
}
