//! Draws that are not whole numbers, from the dice of `laws`.
//!
//! *Invariant: sums and products of integers only, so every machine draws the same.*
//! Absent: exact tails; a normal variate here is a sum of twelve uniform ones.

use laws::dice::Dice;

/// Returns a number in [0, 1).
pub fn uniform(dice: &mut Dice) -> f64 {
    f64::from(dice.word()) / 4_294_967_296.0
}

/// Returns a number that is nearly standard normal, within ±6.
pub fn normal(dice: &mut Dice) -> f64 {
    (0..12).map(|_| uniform(dice)).sum::<f64>() - 6.0
}

/// Puts a list in a random order.
pub fn shuffle<T>(dice: &mut Dice, list: &mut [T]) {
    for last in (1..list.len()).rev() {
        list.swap(last, dice.below(last + 1));
    }
}

/// Returns shares that sum to 1, drawn from the symmetric Dirichlet distribution with parameter
/// one half: squares of normal variates over their sum.
pub fn dirichlet(dice: &mut Dice, count: usize) -> Vec<f64> {
    let draws: Vec<f64> = (0..count)
        .map(|_| {
            let x = normal(dice);
            x * x
        })
        .collect();
    let total: f64 = draws.iter().sum();
    draws.iter().map(|x| x / total).collect()
}
