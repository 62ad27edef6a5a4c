//! Sorting as a fixed list of compare-exchanges, so that it can be a Program.
//!
//! Batcher's merge exchange for any number of rows (Knuth, The Art of Computer Programming 3,
//! algorithm 5.2.2M): about n (log₂ n)² / 4 exchanges, 5 for 4 rows and 191 for 32.
//!
//! Invariant: the list depends on the number of rows alone and sorts every input, ascending.
//! Absent: stability, which values alone do not show.

use tensor::{BuildError, Builder, Value};

/// Returns the exchanges that sort `count` rows: each puts the lesser of its two first.
#[must_use]
pub fn exchanges(count: usize) -> Vec<(usize, usize)> {
    let mut list = Vec::new();
    let top = count.next_power_of_two() / 2;
    let mut p = top;
    while p > 0 {
        let (mut q, mut r, mut d) = (top, 0, p);
        loop {
            list.extend((0..count.saturating_sub(d)).filter(|i| i & p == r).map(|i| (i, i + d)));
            if q == p {
                break;
            }
            (d, q, r) = (q - p, q / 2, p);
        }
        p /= 2;
    }
    list
}

/// Appends the ops that sort rows coordinate by coordinate; the first result is the least.
pub(crate) fn sort(b: &mut Builder, rows: &[Value]) -> Result<Vec<Value>, BuildError> {
    let mut sorted = rows.to_vec();
    for (low, high) in exchanges(rows.len()) {
        let (x, y) = (sorted[low], sorted[high]);
        sorted[low] = b.min(x, y)?;
        sorted[high] = b.max(x, y)?;
    }
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::exchanges;

    /// A network that sorts every sequence of zeros and ones sorts everything.
    fn sorts(count: usize, zeros_and_ones: u32) -> bool {
        let mut bits = zeros_and_ones;
        for (low, high) in exchanges(count) {
            let (x, y) = (bits >> low & 1, bits >> high & 1);
            bits = bits & !(1 << low | 1 << high) | (x & y) << low | (x | y) << high;
        }
        let ones = zeros_and_ones.count_ones();
        u64::from(bits) == ((1_u64 << ones) - 1) << (count - ones as usize)
    }

    #[test]
    fn every_small_network_sorts_zeros_and_ones() {
        for count in 1..=16 {
            assert!((0..1_u32 << count).all(|bits| sorts(count, bits)), "{count} rows");
        }
    }

    #[test]
    fn large_networks_sort_many_patterns() {
        for count in 17..=32 {
            let mask = u32::MAX >> (32 - count);
            let mut bits = 0x9e37_79b9_u32;
            for _ in 0..20_000 {
                bits = bits.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
                let mixed = bits ^ bits >> 15;
                assert!(sorts(count, mixed & mask), "{count} rows");
                assert!(sorts(count, (mixed & mask) & mixed.rotate_left(7)), "{count} rows");
            }
        }
    }

    #[test]
    fn sizes_are_batchers() {
        assert_eq!([1, 2, 3, 4, 8, 16, 32].map(|n| exchanges(n).len()), [0, 1, 3, 5, 19, 63, 191]);
    }
}
