//! Keccak-256 of several messages of one size side by side.
//!
//! A [`Lanes`] holds the same word of each message's state, so every step of the permutation is one
//! instruction for all of them: eight messages with AVX-512, four with AVX2, one otherwise. The
//! vectors are named here instead of being left to the compiler, as kernels are elsewhere: it takes
//! arrays of twenty-five vectors apart into words and does not put them together again.
//!
//! *Invariant: each digest is what [`tensor::Hash::of`] gives for that message alone.*
//! Absent: messages of other shapes than a tree has: one byte, then whole words.

mod lanes;

#[cfg(target_arch = "x86_64")]
pub(crate) use lanes::{Eight, Four};
pub(crate) use lanes::{LANES_MAX, Lanes};

use tensor::Hash;

/// Words of a block: 136 bytes of the 200 take in a message, the rest is the sponge's capacity.
const RATE: usize = 17;

/// Words of the state.
const WORDS: usize = 25;

/// The constants that iota adds, one a round.
const ROUNDS: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// A message after its first byte, as little-endian words.
pub(crate) trait Message {
    /// How many words there are.
    const WORDS: usize;

    fn word(&self, index: usize) -> u64;
}

/// Writes the digests of `prefix ‖ message` for as many messages as there are lanes, or fewer.
///
/// Words lie one byte off the sponge's, so each is absorbed together with the last byte of the one
/// before; a one byte after the last word begins the padding, the block's top bit ends it. Lanes
/// that have no message repeat the last one.
#[inline(always)]
pub(crate) fn digests<L: Lanes, M: Message>(prefix: u8, messages: &[M], out: &mut [Hash]) {
    let Some(last) = messages.last() else { return };
    let messages: [&M; LANES_MAX] = std::array::from_fn(|lane| messages.get(lane).unwrap_or(last));
    let mut state = [L::splat(0); WORDS];
    let mut carry = L::splat(u64::from(prefix));
    let mut at = 0;
    for index in 0..=M::WORDS {
        if at == RATE {
            state = permute(state);
            at = 0;
        }
        let word = if index < M::WORDS {
            L::from_lanes(|lane| messages[lane].word(index))
        } else {
            L::splat(1)
        };
        state[at] = state[at].xor(word.left(8)).xor(carry);
        carry = word.right(56);
        at += 1;
    }
    state[RATE - 1] = state[RATE - 1].xor(L::splat(1 << 63));
    state = permute(state);
    for (i, words) in state[..4].iter().enumerate() {
        for (hash, word) in out.iter_mut().zip(words.to_words()) {
            hash.0[8 * i..8 * i + 8].copy_from_slice(&word.to_le_bytes());
        }
    }
}

/// Keccak-f[1600] of every state, four rounds a turn of the loop: the state is copied from where a
/// turn leaves it to where the next one expects it, so few turns are better, as long as their code
/// stays in the nearest cache.
#[inline(always)]
fn permute<L: Lanes>(mut state: [L; WORDS]) -> [L; WORDS] {
    let (turns, _) = ROUNDS.as_chunks::<4>();
    for [a, b, c, d] in turns {
        state = round(&state, *a);
        state = round(&state, *b);
        state = round(&state, *c);
        state = round(&state, *d);
    }
    state
}

/// One round, written out: a loop would leave it to the compiler whether the state stays in
/// registers.
#[inline(always)]
fn round<L: Lanes>(a: &[L; WORDS], constant: u64) -> [L; WORDS] {
    let c = [column(a, 0), column(a, 1), column(a, 2), column(a, 3), column(a, 4)];
    let d = [
        c[4].xor(c[1].rotate(1)),
        c[0].xor(c[2].rotate(1)),
        c[1].xor(c[3].rotate(1)),
        c[2].xor(c[4].rotate(1)),
        c[3].xor(c[0].rotate(1)),
    ];
    let rows = [
        row(a, &d, [(0, 0), (6, 44), (12, 43), (18, 21), (24, 14)]),
        row(a, &d, [(3, 28), (9, 20), (10, 3), (16, 45), (22, 61)]),
        row(a, &d, [(1, 1), (7, 6), (13, 25), (19, 8), (20, 18)]),
        row(a, &d, [(4, 27), (5, 36), (11, 10), (17, 15), (23, 56)]),
        row(a, &d, [(2, 62), (8, 55), (14, 39), (15, 41), (21, 2)]),
    ];
    let mut next = *rows.as_flattened().first_chunk::<WORDS>().expect("five rows of five");
    next[0] = next[0].xor(L::splat(constant));
    next
}

/// Theta's parity of a column.
#[inline(always)]
fn column<L: Lanes>(a: &[L; WORDS], x: usize) -> L {
    a[x].xor3(a[x + 5], a[x + 10]).xor3(a[x + 15], a[x + 20])
}

/// A row of the next state: the words it takes, each with its rotation, and chi among them.
#[inline(always)]
fn row<L: Lanes>(a: &[L; WORDS], d: &[L; 5], moves: [(usize, u32); 5]) -> [L; 5] {
    let b0 = turn(a, d, moves[0]);
    let b1 = turn(a, d, moves[1]);
    let b2 = turn(a, d, moves[2]);
    let b3 = turn(a, d, moves[3]);
    let b4 = turn(a, d, moves[4]);
    [b0.chi(b1, b2), b1.chi(b2, b3), b2.chi(b3, b4), b3.chi(b4, b0), b4.chi(b0, b1)]
}

#[inline(always)]
fn turn<L: Lanes>(a: &[L; WORDS], d: &[L; 5], (from, by): (usize, u32)) -> L {
    a[from].xor(d[from % 5]).rotate(by)
}
