//! Seats by lot, in proportion to stake: the mirror of the contracts' library `Lots`.
//!
//! The stakes are laid end to end and cut into as many equal parts as there are seats; each part
//! gives one seat to whoever's stretch a point of it falls into, drawn from a seed. A share x of
//! the stake so has x times the seats in the mean, whoever it is split among; the number differs
//! from that by less than two for one holder, and for a share split among many it exceeds any
//! number from its mean on no more often than independent draws from the whole would (Hoeffding,
//! "On the distribution of the number of successes in independent trials", 1956, Theorem 4).
//! [`chance_above`] is that bound, [`share_for`] its inverse.
//!
//! Deliberately absent: a draw without replacement, which would pay for splitting a stake.

use tensor::Hash;

use crate::digest;

/// Draws `lots` indices, ascending, each weight as often as it was drawn; none where all weights
/// are zero.
///
/// ```
/// use round::lots::draw;
/// use tensor::Hash;
///
/// assert_eq!(draw(&[5, 5, 0, 5], Hash([7; 32]), 3), [0, 1, 3]);
/// assert!(draw(&[0, 0], Hash::ZERO, 3).is_empty());
/// ```
///
/// # Panics
///
/// If the weights sum to 2^127 or more.
#[must_use]
pub fn draw(weights: &[u128], seed: Hash, lots: u32) -> Vec<u32> {
    let total: u128 = weights.iter().sum();
    assert!(total < 1 << 127, "the token's supply is below 2^127");
    if total == 0 {
        return Vec::new();
    }
    let (part, rest) = (total / u128::from(lots), total % u128::from(lots));
    let place = |lot: u32| {
        let (lot, lots) = (u128::from(lot), u128::from(lots));
        let within = modulo(digest::lot(seed, lot), total);
        lot * part + within / lots + (lot * rest + within % lots) / lots
    };
    let mut drawn = Vec::new();
    let (mut index, mut end) = (0_u32, weights[0]);
    for position in (0..lots).map(place) {
        while end <= position {
            index += 1;
            end += weights[usize::try_from(index).expect("a usize holds a u32")];
        }
        drawn.push(index);
    }
    drawn
}

/// The word as a number, modulo `total`, which is below 2^127.
fn modulo(word: Hash, total: u128) -> u128 {
    let bits = word.0.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    bits.fold(0, |rest, bit| (2 * rest + u128::from(bit)) % total)
}

/// Returns an upper bound of the chance that a share of the stake, from 0 to 1, draws more than
/// `tolerated` of `lots` seats: the binomial tail, which is a bound where `tolerated` is at least
/// the mean.
///
/// ```
/// use round::lots::chance_above;
///
/// assert!((chance_above(2, 1, 0.5) - 0.25).abs() < 1e-15);
/// assert_eq!(chance_above(25, 25, 0.9), 0.0);
/// ```
#[must_use]
pub fn chance_above(lots: u32, tolerated: u32, share: f64) -> f64 {
    // From the top down, so that the small terms are summed first: C(n, k) p^k (1-p)^(n-k).
    let power = |base: f64, exponent: u32| (0..exponent).fold(1.0, |product, _| product * base);
    let mut ways = 1.0;
    let mut chance = 0.0;
    for hits in (0..=lots).rev() {
        if hits <= tolerated {
            break;
        }
        chance += ways * power(share, hits) * power(1.0 - share, lots - hits);
        ways = ways * f64::from(hits) / f64::from(lots - hits + 1);
    }
    chance
}

/// Returns the largest share of the stake that draws more than `tolerated` of `lots` seats with at
/// most this chance, to 2^-40.
///
/// ```
/// use round::lots::share_for;
///
/// assert!((share_for(25, 12, 1e-3) - 0.22).abs() < 5e-3);
/// ```
#[must_use]
pub fn share_for(lots: u32, tolerated: u32, chance: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if chance_above(lots, tolerated, middle) <= chance { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tensor::Hash;

    use super::{chance_above, draw, share_for};

    fn seed(number: u64) -> Hash {
        Hash::of(&[&number.to_le_bytes()])
    }

    #[test]
    fn shares_of_the_design() {
        assert!((share_for(25, 9, 1e-3) - 0.136).abs() < 5e-4);
        assert!((share_for(25, 12, 1e-3) - 0.22).abs() < 5e-3);
    }

    /// A quarter of the stake, whole or in eight parts, has a quarter of the seats; in parts it has
    /// more than five of twelve no more often than the bound says.
    #[test]
    fn splitting_earns_nothing() {
        const DRAWS: u32 = 20_000;
        let whole = [100, 300, 0, 0, 0, 0, 0, 0, 0];
        let parts = [20, 60, 5, 40, 10, 100, 25, 100, 40];
        let mut seats = [0_u32; 2];
        let mut above = 0_u32;
        for number in 0..DRAWS {
            let seats_of = |weights: &[u128], even: bool| {
                let drawn = draw(weights, seed(u64::from(number)), 12);
                assert_eq!(drawn.len(), 12);
                let own = drawn.iter().filter(|index| (**index % 2 == 0) == even);
                u32::try_from(own.count()).expect("twelve")
            };
            seats[0] += seats_of(&whole, true);
            let split = seats_of(&parts, true);
            seats[1] += split;
            above += u32::from(split > 5);
        }
        let mean = seats.map(|count| f64::from(count) / f64::from(DRAWS));
        assert!((mean[0] - 3.0).abs() < 1e-9, "a quarter on its own is three parts: {}", mean[0]);
        assert!((mean[1] - 3.0).abs() < 0.05, "{}", mean[1]);
        let bound = chance_above(12, 5, 0.25);
        assert!(f64::from(above) <= f64::from(DRAWS) * bound, "{above} for {bound}");
    }

    proptest! {
        #[test]
        fn one_from_each_part(
            weights in prop::collection::vec(0_u128..1 << 90, 1..40),
            lots in 1_u32..=32,
            number: u64,
        ) {
            let drawn = draw(&weights, seed(number), lots);
            let total: u128 = weights.iter().sum();
            prop_assert_eq!(drawn.len(), if total == 0 { 0 } else { lots as usize });
            for (lot, index) in (0_u128..).zip(drawn) {
                let before: u128 = weights[..index as usize].iter().sum();
                let after = before + weights[index as usize];
                prop_assert!(weights[index as usize] > 0);
                prop_assert!(before <= (lot + 1) * total / u128::from(lots));
                prop_assert!(after > lot * total / u128::from(lots));
            }
        }
    }
}
