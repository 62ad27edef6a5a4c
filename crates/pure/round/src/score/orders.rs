//! The orders in which rows join a coalition: drawn by Philox from a key, in pairs of an order and
//! its reverse (antithetic permutations: Mitchell and others 2022, Sampling permutations for
//! Shapley value estimation).
//!
//! Word `e = a m + i` of stream 0 under the key belongs to row i in pair a. A row's *rank* is the
//! number of rows with a lesser word (as i32), or an equal one and a lower index; the reverse has
//! rank `m - 1 - rank`. Orders 2a and 2a + 1 are pair a. So a contract needs the key alone, which
//! is eight bytes of a seed, and any one rank can be recomputed by itself.
//!
//! *Invariant: every rank list is a permutation of 0..m.* Two words are equal with probability
//! below m² / 2^33; the order is then no longer quite uniform, and nothing else changes.

use tensor::{Builder, Dtype, Hash, Tensor, Value, random};

use crate::parts::Built;

/// Returns the key of a seed: its first eight bytes as two little-endian words.
#[must_use]
pub fn key(seed: Hash) -> [i32; 2] {
    let word = |at: usize| {
        let bytes = [seed.0[at], seed.0[at + 1], seed.0[at + 2], seed.0[at + 3]];
        i32::from_le_bytes(bytes)
    };
    [word(0), word(4)]
}

/// Returns the rank of each of `rows` rows in each of `permutations` orders, order by order.
///
/// ```
/// let ranks = round::score::ranks([1, 2], 4, 3);
/// assert_eq!(ranks.len(), 4);
/// assert!((0..3).all(|i| ranks[0][i] + ranks[1][i] == 2));
/// ```
#[must_use]
pub fn ranks(key: [i32; 2], permutations: usize, rows: usize) -> Vec<Vec<usize>> {
    let mut orders = Vec::with_capacity(permutations);
    let words = |pair: usize| -> Vec<i32> {
        let first = u64::try_from(pair * rows).expect("orders and rows are few");
        (first..).take(rows).map(|element| random::word(key, 0, element)).collect()
    };
    for pair in 0..permutations.div_ceil(2) {
        let words = words(pair);
        let before = |i: usize| (0..rows).filter(|&j| (words[j], j) < (words[i], i)).count();
        let forward: Vec<usize> = (0..rows).map(before).collect();
        let reverse = forward.iter().map(|rank| rows - 1 - rank).collect();
        orders.extend([forward, reverse]);
    }
    orders.truncate(permutations);
    orders
}

/// The same as ops: i32\[k, m\].
pub(super) fn drawn(b: &mut Builder, key: Value, (k, m): (usize, usize)) -> Built {
    let pairs = k / 2;
    let words = b.random_bits(key, 0, &[pairs, m])?;
    let own = b.reshape(words, &[pairs, m, 1])?;
    let own = b.broadcast(own, &[pairs, m, m])?;
    let other = b.reshape(words, &[pairs, 1, m])?;
    let other = b.broadcast(other, &[pairs, m, m])?;
    let less = b.lt(other, own)?;
    let tied = b.eq(other, own)?;
    let lower = b.constant(lower(m))?;
    let lower = b.broadcast(lower, &[pairs, m, m])?;
    let tied = b.mul(tied, lower)?;
    let before = b.add(less, tied)?;
    let forward = b.sum(before, 2)?;
    let last = b.full(Dtype::I32, &[pairs, m], crate::parts::float(m - 1))?;
    let reverse = b.sub(last, forward)?;
    let forward = b.reshape(forward, &[pairs, 1, m])?;
    let reverse = b.reshape(reverse, &[pairs, 1, m])?;
    let both = b.concat(&[forward, reverse], 1)?;
    b.reshape(both, &[k, m])
}

/// 1 where the column is below the row, i32\[1, m, m\].
fn lower(m: usize) -> Tensor {
    let elements = (0..m * m).map(|at| i32::from(at % m < at / m)).collect();
    Tensor::i32(&[1, m, m], elements).expect("m rows of m")
}
