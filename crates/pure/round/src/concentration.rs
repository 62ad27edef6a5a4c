//! How unevenly something is held: Gini coefficient, Herfindahl-Hirschman index, Nakamoto
//! coefficient.
//!
//! Amounts are whole units (stake and pay in gwei, rounds aggregated as a count), one a node, and
//! nodes that hold nothing belong in the list: they are who the rest is uneven towards.
//!
//! *Invariants: the order of the amounts changes no bit of the result, nor does an amount that is
//! multiplied by one factor for all, up to rounding; thresholds are compared in whole numbers.*
//!
//! Deliberately absent: who belongs to whom. Several nodes of one owner count as several, so every
//! figure here is a lower bound on how concentrated owners are.

/// The three measures of one list of amounts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Concentration {
    /// Nodes in the list, those with nothing included.
    pub nodes: u32,
    /// Gini coefficient, 0 (all hold the same) to 1 − 1/n (one holds all).
    pub gini: f64,
    /// Herfindahl-Hirschman index in points: 10,000/n (all the same) to 10,000 (one holds all).
    pub hhi: f64,
    /// Least number of nodes that together hold more than a third: enough to withhold the
    /// two thirds of the stake whose signatures certify that an update is available.
    pub nakamoto_third: u32,
    /// Least number of nodes that together hold more than half.
    pub nakamoto_half: u32,
}

impl Concentration {
    /// Returns the measures of these amounts, or nothing where nobody holds anything.
    ///
    /// With x sorted ascending, i from 1 and X their sum: Gini is Σ (2i − n − 1) xᵢ / (n X), the
    /// mean absolute difference of two nodes over twice the mean (Gini 1912; this form: Sen, On
    /// Economic Inequality, 1973, §2.7). The index is 10,000 Σ (xᵢ / X)² (Herfindahl 1950;
    /// Hirschman 1945; the points as the U.S. Horizontal Merger Guidelines §5.3 count them). The
    /// Nakamoto coefficient is the least k such that the k largest hold more than the threshold
    /// (Srinivasan and Lee, Quantifying Decentralization, 2017, who have one half for mining and
    /// leave the threshold to the system).
    ///
    /// Sums run in ascending order of amount. At most 2³⁰ amounts are read.
    ///
    /// ```
    /// use round::concentration::Concentration;
    ///
    /// let even = Concentration::of(&[5, 5, 5]).expect("something is held");
    /// assert_eq!((even.gini, even.nakamoto_third, even.nakamoto_half), (0.0, 2, 2));
    /// let one = Concentration::of(&[0, 0, 0, 7]).expect("something is held");
    /// assert_eq!((one.gini, one.hhi, one.nakamoto_third), (0.75, 10_000.0, 1));
    /// assert_eq!(Concentration::of(&[0, 0]), None);
    /// ```
    #[must_use]
    pub fn of(amounts: &[u64]) -> Option<Concentration> {
        let mut sorted: Vec<u64> = amounts.iter().take(1 << 30).copied().collect();
        sorted.sort_unstable();
        let count = u32::try_from(sorted.len()).ok()?;
        // At most 2^30 amounts below 2^64, weighed by at most 2^31: all sums are below 2^126.
        let total: u128 = sorted.iter().map(|amount| u128::from(*amount)).sum();
        if total == 0 {
            return None;
        }
        let places = (0_i64..).map(|at| 2 * at + 1 - i64::from(count));
        let differences: i128 = places
            .zip(&sorted)
            .map(|(place, amount)| i128::from(place) * i128::from(*amount))
            .sum();
        let share = |amount: &u64| *amount as f64 / total as f64;
        Some(Concentration {
            nodes: count,
            gini: differences as f64 / (f64::from(count) * total as f64),
            hhi: 10_000.0 * sorted.iter().map(share).map(|share| share * share).sum::<f64>(),
            nakamoto_third: fewest(&sorted, total / 3),
            nakamoto_half: fewest(&sorted, total / 2),
        })
    }
}

/// Returns how many of the largest together hold more than `threshold`. For whole amounts, more
/// than ⌊X/3⌋ is more than X/3.
fn fewest(ascending: &[u64], threshold: u128) -> u32 {
    let mut held = 0_u128;
    let mut count = 0;
    for amount in ascending.iter().rev() {
        held += u128::from(*amount);
        count += 1;
        if held > threshold {
            break;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition: the mean absolute difference of all ordered pairs over twice the mean.
    fn gini_by_pairs(amounts: &[u64]) -> f64 {
        let pairs = amounts.iter().flat_map(|a| amounts.iter().map(|b| a.abs_diff(*b)));
        let differences: u128 = pairs.map(u128::from).sum();
        let total: u128 = amounts.iter().copied().map(u128::from).sum();
        differences as f64 / (2.0 * amounts.len() as f64 * total as f64)
    }

    /// The definition: no k - 1 nodes hold more than the part, some k do.
    fn fewest_by_subsets(amounts: &[u64], part: u128) -> u32 {
        let total: u128 = amounts.iter().copied().map(u128::from).sum();
        let held = |set: u32| {
            let inside = |at: &usize| set >> at & 1 == 1;
            let some = (0..amounts.len()).filter(inside);
            some.map(|at| u128::from(amounts[at])).sum::<u128>()
        };
        let enough = (1_u32..1 << amounts.len()).filter(|set| part * held(*set) > total);
        enough.map(u32::count_ones).min().expect("all of them hold more than any part")
    }

    #[test]
    fn a_worked_example() {
        let some = Concentration::of(&[1, 2, 3, 4]).expect("something is held");
        assert!((some.gini - 0.25).abs() < 1e-15);
        assert!((some.hhi - 3_000.0).abs() < 1e-9);
        assert_eq!((some.nakamoto_third, some.nakamoto_half), (1, 2));
        assert_eq!(Concentration::of(&[]), None);
        let large = Concentration::of(&[u64::MAX; 7]).expect("something is held");
        assert_eq!((large.gini, large.nakamoto_third, large.nakamoto_half), (0.0, 3, 4));
    }

    proptest! {
        #[test]
        fn is_what_its_definitions_say(amounts in prop::collection::vec(0_u64..1_000, 1..9)) {
            let Some(some) = Concentration::of(&amounts) else {
                prop_assert!(amounts.iter().all(|amount| *amount == 0));
                return Ok(());
            };
            prop_assert!((some.gini - gini_by_pairs(&amounts)).abs() < 1e-12);
            prop_assert_eq!(some.nakamoto_third, fewest_by_subsets(&amounts, 3));
            prop_assert_eq!(some.nakamoto_half, fewest_by_subsets(&amounts, 2));
            let n = amounts.len() as f64;
            prop_assert!(some.gini >= 0.0 && some.gini <= 1.0 - 1.0 / n + 1e-12);
            prop_assert!(some.hhi >= 10_000.0 / n - 1e-6 && some.hhi <= 10_000.0 + 1e-6);
            prop_assert!(some.nakamoto_third <= some.nakamoto_half);
        }

        #[test]
        fn does_not_see_the_order(mut amounts in prop::collection::vec(any::<u64>(), 1..40)) {
            let before = Concentration::of(&amounts);
            amounts.reverse();
            prop_assert_eq!(before, Concentration::of(&amounts));
        }

        #[test]
        fn giving_from_rich_to_poor_never_raises_it(
            mut amounts in prop::collection::vec(1_u64..1_000_000, 2..20),
            share in 0_u64..=100,
        ) {
            amounts.sort_unstable();
            let before = Concentration::of(&amounts).expect("something is held");
            let (poor, rich) = (0, amounts.len() - 1);
            let given = (amounts[rich] - amounts[poor]) * share / 200;
            amounts[rich] -= given;
            amounts[poor] += given;
            let after = Concentration::of(&amounts).expect("something is held");
            prop_assert!(after.gini <= before.gini + 1e-12);
            prop_assert!(after.hhi <= before.hhi + 1e-6);
            prop_assert!(after.nakamoto_third >= before.nakamoto_third);
            prop_assert!(after.nakamoto_half >= before.nakamoto_half);
        }
    }
}
