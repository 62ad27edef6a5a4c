//! From a trained difference to the integers that are committed to, revealed and aggregated.
//!
//! `q = round(update * scale + residual)`, ties up, clamped to +-[`UPDATE_MAX`], at the round's
//! coordinates; what rounding lost there, and the whole of it elsewhere, is the residual and enters
//! the next round's update (error feedback), so that small moves add up instead of vanishing, and
//! what a round has no place for is sent by a later one. At a coordinate a residual stays within
//! half a unit: what the clamp cut is not carried. Elsewhere it is clamped as an update is.

use crate::Coordinates;

/// Units of the integer update per unit of a parameter: 2^20.
pub const SCALE: f32 = 1_048_576.0;

/// The largest size of a quantised element, 2^23: a parameter moves by at most 8 a round, and
/// sums over hundreds of rows stay within i32.
pub const UPDATE_MAX: i32 = 1 << 23;

/// Returns the f32 factor the aggregation Program multiplies the mean update by: 1 / [`SCALE`].
///
/// ```
/// assert_eq!(learn::step() * learn::SCALE, 1.0);
/// ```
#[must_use]
pub const fn step() -> f32 {
    1.0 / SCALE
}

/// Returns the quantised update and the residual to hand to the next call.
///
/// A missing residual (shorter than the update) counts as zeros; NaN gives 0.
///
/// ```
/// let (q, residual) = learn::quantise(&[1.0 / 1_048_576.0 * 2.25, 100.0], &[], learn::SCALE);
/// assert_eq!(q, [2, learn::UPDATE_MAX]);
/// assert_eq!(residual, [0.25, 0.0]);
/// let (q, _) = learn::quantise(&[1.0 / 1_048_576.0 * 2.25], &residual, learn::SCALE);
/// assert_eq!(q, [3]);
/// ```
#[must_use]
pub fn quantise(update: &[f32], residual: &[f32], scale: f32) -> (Vec<i32>, Vec<f32>) {
    compress(update, residual, (update.len().into(), [0; 2]), scale)
}

/// Returns the quantised update at the coordinates that a key draws, and the residual of every
/// parameter to hand to the next call. With all coordinates it is [`quantise`].
///
/// ```
/// use learn::{Coordinates, compress};
///
/// let few = Coordinates::new(4, 2);
/// let places = few.places([3, 4]);
/// let (q, residual) = compress(&[2.25; 4], &[], (few, [3, 4]), 1.0);
/// assert_eq!(q, [2, 2]);
/// assert!((0..4).all(|at| residual[at] == if places.contains(&at) { 0.25 } else { 2.25 }));
/// ```
#[must_use]
pub fn compress(
    update: &[f32],
    residual: &[f32],
    (coordinates, key): (Coordinates, [i32; 2]),
    scale: f32,
) -> (Vec<i32>, Vec<f32>) {
    let wanted = |at: usize| {
        let (value, residual) = (update[at], residual.get(at).copied().unwrap_or(0.0));
        f64::from(value) * f64::from(scale) + f64::from(residual)
    };
    let mut left: Vec<f32> = (0..update.len()).map(|at| kept(wanted(at))).collect();
    let mut quantised = Vec::with_capacity(coordinates.count());
    for place in coordinates.places(key) {
        let (value, lost) = if place < update.len() { rounded(wanted(place)) } else { (0, 0.0) };
        quantised.push(value);
        if let Some(left) = left.get_mut(place) {
            *left = lost;
        }
    }
    (quantised, left)
}

/// What is left of a coordinate that the round has no place for.
fn kept(wanted: f64) -> f32 {
    let bound = f64::from(UPDATE_MAX);
    #[expect(clippy::cast_possible_truncation, reason = "far below what f32 holds")]
    let kept = wanted.clamp(-bound, bound) as f32;
    if kept.is_nan() { 0.0 } else { kept }
}

/// The nearest integer, and what it lost.
fn rounded(wanted: f64) -> (i32, f32) {
    #[expect(clippy::cast_possible_truncation, reason = "saturating, and clamped next; NaN is 0")]
    let rounded = (wanted + 0.5).floor() as i32;
    let clamped = rounded.clamp(-UPDATE_MAX, UPDATE_MAX);
    let lost = wanted - f64::from(clamped);
    #[expect(clippy::cast_possible_truncation, reason = "a residual of half a unit fits f32")]
    let residual = if lost.abs() <= 0.5 { lost as f32 } else { 0.0 };
    (clamped, residual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_feedback_loses_nothing_over_many_rounds() {
        let update = [0.3 / SCALE, -7.77 / SCALE, 0.0];
        let (mut residual, mut sums) = (vec![], [0_i64; 3]);
        for _ in 0..1_000 {
            let (q, next) = quantise(&update, &residual, SCALE);
            sums.iter_mut().zip(&q).for_each(|(sum, q)| *sum += i64::from(*q));
            residual = next;
        }
        assert!((sums[0] - 300).abs() <= 1 && (sums[1] + 7_770).abs() <= 1, "{sums:?}");
        assert_eq!(sums[2], 0);
    }

    #[test]
    fn what_a_round_has_no_place_for_is_sent_later() {
        let (update, few) = ([0.3, -7.77, 0.0, 100.0, 2.5], Coordinates::new(5, 3));
        let (mut residual, mut sums) = (vec![], [0_i64; 5]);
        for round in 0..1_000 {
            let key = [round, 1];
            let (q, next) = compress(&update, &residual, (few, key), 1.0);
            assert_eq!(q.len(), 2);
            for (q, place) in q.iter().zip(few.places(key)) {
                match sums.get_mut(place) {
                    Some(sum) => *sum += i64::from(*q),
                    None => assert_eq!(*q, 0, "nothing lies beyond the last parameter"),
                }
            }
            residual = next;
        }
        for ((sum, left), update) in sums.iter().zip(&residual).zip(update) {
            #[expect(clippy::cast_precision_loss, reason = "a small sum")]
            let all = *sum as f64 + f64::from(*left);
            assert!((all - 1_000.0 * f64::from(update)).abs() < 0.5, "{sums:?} and {residual:?}");
        }
        let (q, left) =
            compress(&[f32::NAN, 1e30, -1e30], &[], (Coordinates::new(3, 3), [0; 2]), 1.0);
        let bound = f64::from(UPDATE_MAX);
        assert!(q[0].abs() <= UPDATE_MAX && left.iter().all(|r| f64::from(r.abs()) <= bound));
    }

    #[test]
    fn nothing_wild_gets_through() {
        let (q, residual) =
            quantise(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30], &[f32::NAN; 4], SCALE);
        assert!(q.iter().all(|q| q.abs() <= UPDATE_MAX));
        assert!(residual.iter().all(|r| r.abs() <= 0.5));
    }
}
