//! What would have changed and when: the swings of our initial margin, with hers beside.
//!
//! Of each day the hour of its highest margin is taken, since margins go up and down with the hour
//! of the day. A swing runs from one turning point of these to the next; margin has turned when it
//! stands half above its last low, or a third below its last high. Swings are named afterwards,
//! margins were set hour by hour. *Invariant: one swing begins where the one before ends.*

use serde::Serialize;

use crate::track::Hour;

/// Margin has turned upwards at this many times its last low, and downwards at the inverse.
const TURN: f64 = 1.5;

/// One swing of the initial margin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Unix seconds, UTC, of the hour that it begins from.
    pub from_s: i64,
    /// Unix seconds, UTC, of the hour that reached the end.
    pub to_s: i64,
    /// Our initial margin before.
    pub ours_from: f64,
    /// Our initial margin after.
    pub ours_to: f64,
    /// Hers before.
    pub theirs_from: Option<f64>,
    /// Hers after.
    pub theirs_to: Option<f64>,
    /// Unix seconds, UTC, of the hour of the swing with the largest loss of either side.
    pub worst_s: i64,
    /// That loss, a share of the position's value.
    pub worst_loss: f64,
    /// Whether it fell on long positions.
    pub worst_is_long: bool,
    /// Our initial margin in that hour.
    pub worst_ours: f64,
}

/// Returns the swings of our initial margin, in the order of time.
#[must_use]
pub fn changes(hours: &[Hour], ours: &[f64], theirs: Option<&[f64]>) -> Vec<Change> {
    let peaks = peaks(hours, ours);
    let turns = turns(&peaks.iter().map(|peak| ours[*peak]).collect::<Vec<_>>());
    let of = |pair: &[usize]| change(hours, ours, theirs, (peaks[pair[0]], peaks[pair[1]]));
    turns.windows(2).map(of).collect()
}

/// Returns the index of each UTC day's hour with the highest margin, the first of equals.
fn peaks(hours: &[Hour], ours: &[f64]) -> Vec<usize> {
    let day = |hour: &Hour| hour.prices.open_s.div_euclid(86_400);
    let mut start = 0;
    let peak = |of_day: &[Hour]| {
        let first = start;
        start += of_day.len();
        (first..start).fold(first, |best, t| if ours[t] > ours[best] { t } else { best })
    };
    hours.chunk_by(|a, b| day(a) == day(b)).map(peak).collect()
}

/// Returns the indices at which a series begins, turns, and ends.
fn turns(values: &[f64]) -> Vec<usize> {
    let Some(last) = values.len().checked_sub(1) else { return Vec::new() };
    let mut turns = vec![0];
    let (mut low, mut high) = (0, 0);
    // None until the first swing is known to be one.
    let mut rising = None;
    for (t, value) in values.iter().enumerate() {
        if *value <= values[low] {
            low = t;
        }
        if *value > values[high] {
            high = t;
        }
        if rising != Some(true) && *value >= values[low] * TURN {
            turns.push(low);
            (rising, high) = (Some(true), t);
        } else if rising != Some(false) && *value <= values[high] / TURN {
            turns.push(high);
            (rising, low) = (Some(false), t);
        }
    }
    turns.push(match rising {
        Some(true) => high,
        Some(false) => low,
        None => last,
    });
    turns.push(last);
    turns.dedup();
    turns
}

fn change(
    hours: &[Hour],
    ours: &[f64],
    theirs: Option<&[f64]>,
    (from, to): (usize, usize),
) -> Change {
    let loss = |t: usize| {
        let loss = hours[t].loss();
        loss.long.max(loss.short)
    };
    let worst = (from..=to).max_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap_or(from);
    let sides = hours[worst].loss();
    Change {
        from_s: hours[from].prices.open_s,
        to_s: hours[to].prices.open_s,
        ours_from: ours[from],
        ours_to: ours[to],
        theirs_from: theirs.map(|theirs| theirs[from]),
        theirs_to: theirs.map(|theirs| theirs[to]),
        worst_s: hours[worst].prices.open_s,
        worst_loss: loss(worst),
        worst_is_long: sides.long >= sides.short,
        worst_ours: ours[worst],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rise_and_a_fall_are_two_swings() {
        let values = [2.0, 2.1, 2.0, 2.4, 3.0, 4.0, 3.9, 3.0, 2.0, 2.1, 2.2];
        assert_eq!(turns(&values), [0, 2, 5, 8, 10]);
        assert_eq!(turns(&[2.0; 5]), [0, 4]);
        assert_eq!(turns(&[4.0, 3.0, 2.0, 2.0]), [0, 3]);
        assert_eq!(turns(&[1.0, 2.0, 3.0]), [0, 2]);
        assert!(turns(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn swings_follow_one_another_from_first_to_last(
            values in prop::collection::vec(0.02..0.5, 2..200),
        ) {
            let turns = turns(&values);
            prop_assert_eq!(turns.first().copied(), Some(0));
            prop_assert_eq!(turns.last().copied(), Some(values.len() - 1));
            prop_assert!(turns.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", turns);
            // Between two turns nothing lies outside them, but for the ends of the window.
            for pair in turns.windows(2).skip(1).rev().skip(1) {
                let (a, b) = (values[pair[0]], values[pair[1]]);
                let inside = &values[pair[0]..=pair[1]];
                prop_assert!(inside.iter().all(|v| (a.min(b)..=a.max(b)).contains(v)));
            }
        }
    }
}
