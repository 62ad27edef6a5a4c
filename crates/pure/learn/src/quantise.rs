//! From a trained difference to the integers that are committed to, revealed and aggregated.
//!
//! `q = round(update * SCALE + residual)`, ties up, clamped to +-[`UPDATE_MAX`]; what rounding lost
//! is the residual and enters the next round's update (error feedback), so that small moves add up
//! instead of vanishing. A residual stays within half a unit: what the clamp cut is not carried.

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
    let residuals = residual.iter().copied().chain(std::iter::repeat(0.0));
    update.iter().zip(residuals).map(|(value, residual)| one(*value, residual, scale)).unzip()
}

fn one(value: f32, residual: f32, scale: f32) -> (i32, f32) {
    let wanted = f64::from(value) * f64::from(scale) + f64::from(residual);
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
    fn nothing_wild_gets_through() {
        let (q, residual) =
            quantise(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30], &[f32::NAN; 4], SCALE);
        assert!(q.iter().all(|q| q.abs() <= UPDATE_MAX));
        assert!(residual.iter().all(|r| r.abs() <= 0.5));
    }
}
