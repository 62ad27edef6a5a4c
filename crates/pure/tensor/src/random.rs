//! Counter-based random words: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as
//! 1, 2, 3", SC 2011).
//!
//! Word `e` of a stream depends on the key, the stream and `e` alone, so any element can be
//! recomputed by itself. Invariant: Random123's known answers. Absent: state, seeding, floats.

const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];
const ROUNDS: usize = 10;

/// Returns the four words of one block.
///
/// ```
/// use tensor::random::philox;
///
/// let expected = [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8];
/// assert_eq!(philox([0; 4], [0; 2]), expected);
/// ```
#[must_use]
#[inline]
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let (mut c, mut k) = (counter, key);
    for _ in 0..ROUNDS {
        let (hi0, lo0) = wide(MULTIPLIERS[0], c[0]);
        let (hi1, lo1) = wide(MULTIPLIERS[1], c[2]);
        c = [hi1 ^ c[1] ^ k[0], lo1, hi0 ^ c[3] ^ k[1], lo0];
        k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
    }
    c
}

/// Returns word `element` of a stream: counter `(element div 4 low, high, stream, 0)`, output word
/// `element mod 4`. The key is the two words of an `i32[2]` tensor.
///
/// ```
/// use tensor::random::{philox, word};
///
/// assert_eq!(word([1, 2], 3, 6).cast_unsigned(), philox([1, 0, 3, 0], [1, 2])[2]);
/// ```
#[must_use]
#[inline]
pub fn word(key: [i32; 2], stream: u32, element: u64) -> i32 {
    let block = element / 4;
    let counter = [low(block), low(block >> 32), stream, 0];
    let words = philox(counter, key.map(i32::cast_unsigned));
    words[usize::from(element % 4 >= 2) * 2 + usize::from(element % 2 == 1)].cast_signed()
}

fn wide(a: u32, b: u32) -> (u32, u32) {
    let product = u64::from(a) * u64::from(b);
    (low(product >> 32), low(product))
}

fn low(x: u64) -> u32 {
    u32::try_from(x & 0xffff_ffff).expect("32 bits are left")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers published with Random123 for `philox4x32-10`.
    #[test]
    fn known_answers() {
        let ones = u32::MAX;
        assert_eq!(
            philox([ones; 4], [ones; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn words_of_a_block_are_in_order() {
        let key = [7, -8];
        for element in 0..9u64 {
            let block = philox([low(element / 4), 0, 5, 0], key.map(i32::cast_unsigned));
            let index = usize::try_from(element % 4).expect("below 4");
            assert_eq!(word(key, 5, element).cast_unsigned(), block[index]);
        }
    }
}
