//! An update's bytes between nodes: blocks of [`BLOCK`] elements, each with as many bits an element
//! as its largest one needs.
//!
//! A block is one byte, its width w, and `⌈n w / 8⌉` bytes: element j (of n) has bits `j w …
//! j w + w - 1` counted from the lowest bit of the first byte, and is a signed number in zigzag
//! (`(q << 1) ^ (q >> 31)`: 0, -1, 1, -2, …). Only the last block may have fewer elements. Widths
//! are 0 to 32 and as small as they can be; bits after the last element are 0.
//!
//! Invariant: each list of integers has one form, and nothing else decodes, so the BLAKE3 of these
//! bytes names an update as its tensor root does. Absent: the number of elements, which the job
//! fixes; and calldata, which has the integers as they are (docs/wire.md says why).

use tensor::Hash;

use crate::aggregate::bytes_root;

/// Elements of a block.
pub const BLOCK: usize = 32;

/// The most bytes of a block.
const BLOCK_SIZE_MAX: usize = 1 + 4 * BLOCK;

/// Why bytes are no update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PackedError {
    /// They end within a block, or before the last one.
    #[error("block {block} of the update is not whole")]
    Short {
        /// The block, from 0.
        block: usize,
    },
    /// A width above 32, or above what the block's elements need.
    #[error("block {block} of the update has elements of {width} bits, and needs {needed}")]
    Width {
        /// The block, from 0.
        block: usize,
        /// Its width.
        width: u8,
        /// The width it should have, 32 at most.
        needed: u8,
    },
    /// Bits after a block's last element are not 0.
    #[error("block {block} of the update has bits after its last element")]
    Bits {
        /// The block, from 0.
        block: usize,
    },
    /// Bytes after the last block.
    #[error("{bytes} bytes after the update")]
    Long {
        /// How many.
        bytes: usize,
    },
}

/// Returns the packed form.
///
/// ```
/// use round::packed;
///
/// assert_eq!(packed::encode(&[0; 40]), [0, 0]);
/// assert_eq!(packed::encode(&[1, -2, 0]), [2, 0b00_11_10]);
/// assert_eq!(packed::decode(&[2, 0b00_11_10], 3), Ok(vec![1, -2, 0]));
/// ```
#[must_use]
pub fn encode(update: &[i32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for block in update.chunks(BLOCK) {
        let width = needed(block);
        bytes.push(width);
        let (mut bits, mut have) = (0_u64, 0);
        for element in block {
            bits |= u64::from(zigzag(*element)) << have;
            have += u32::from(width);
            while have >= 8 {
                bytes.push(low(bits));
                (bits, have) = (bits >> 8, have - 8);
            }
        }
        if have > 0 {
            bytes.push(low(bits));
        }
    }
    bytes
}

/// Returns the `count` elements that these bytes are.
///
/// # Errors
///
/// [`PackedError`] if they are not the packed form of so many.
pub fn decode(bytes: &[u8], count: usize) -> Result<Vec<i32>, PackedError> {
    let (mut rest, mut update) = (bytes, Vec::new());
    for block in 0..count.div_ceil(BLOCK) {
        let short = PackedError::Short { block };
        let (width, after) = rest.split_first().ok_or(short)?;
        let elements = BLOCK.min(count - block * BLOCK);
        let fits = (*width).min(32);
        let size = (elements * usize::from(fits)).div_ceil(8);
        let (packed, after) = after.split_at_checked(size).ok_or(short)?;
        let from = update.len();
        let stray = unpack(packed, (elements, fits), &mut update);
        let needed = needed(&update[from..]);
        if *width != needed {
            return Err(PackedError::Width { block, width: *width, needed });
        }
        if stray {
            return Err(PackedError::Bits { block });
        }
        rest = after;
    }
    match rest.len() {
        0 => Ok(update),
        bytes => Err(PackedError::Long { bytes }),
    }
}

/// Returns the most bytes of a packed update of `count` elements.
#[must_use]
pub fn size_max(count: usize) -> usize {
    let last = count % BLOCK;
    count / BLOCK * BLOCK_SIZE_MAX + if last == 0 { 0 } else { 1 + 4 * last }
}

/// Returns the tensor root of an update i32\[count\], with at least one element.
#[must_use]
pub fn root(update: &[i32]) -> Hash {
    bytes_root(&plain(update))
}

/// Returns the name of a packed update: its BLAKE3.
#[must_use]
pub fn blob(bytes: &[u8]) -> Hash {
    Hash(*blake3::hash(bytes).as_bytes())
}

/// Returns the integers as calldata has them, little-endian.
#[must_use]
pub fn plain(update: &[i32]) -> Vec<u8> {
    update.iter().flat_map(|element| element.to_le_bytes()).collect()
}

/// Returns the packed form of what calldata has, or nothing if it is no list of integers.
#[must_use]
pub fn of_plain(bytes: &[u8]) -> Option<Vec<u8>> {
    let (words, rest) = bytes.as_chunks();
    let update: Vec<i32> = words.iter().map(|word| i32::from_le_bytes(*word)).collect();
    rest.is_empty().then(|| encode(&update))
}

/// Appends a block's elements; whether bits are left that are not 0.
fn unpack(packed: &[u8], (elements, width): (usize, u8), update: &mut Vec<i32>) -> bool {
    let mask = (1_u64 << width) - 1;
    let (mut bits, mut have, mut bytes) = (0_u64, 0, packed.iter());
    for _ in 0..elements {
        while have < u32::from(width) {
            bits |= u64::from(bytes.next().copied().unwrap_or(0)) << have;
            have += 8;
        }
        let element = u32::try_from(bits & mask).expect("a width is at most 32");
        update.push((element >> 1).cast_signed() ^ -(element & 1).cast_signed());
        (bits, have) = (bits >> width, have - u32::from(width));
    }
    bits != 0
}

/// The width of a block.
fn needed(block: &[i32]) -> u8 {
    let all = block.iter().fold(0, |all, element| all | zigzag(*element));
    u8::try_from(32 - all.leading_zeros()).expect("at most 32")
}

fn zigzag(element: i32) -> u32 {
    ((element << 1) ^ (element >> 31)).cast_unsigned()
}

fn low(bits: u64) -> u8 {
    u8::try_from(bits & 0xff).expect("eight bits are left")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_update() -> impl Strategy<Value = Vec<i32>> {
        let element = (any::<i32>(), 0_u32..32).prop_map(|(q, shift)| q >> shift);
        prop::collection::vec(element, 0..100)
    }

    #[test]
    fn the_layout_is_as_it_is_written() {
        assert_eq!(encode(&[]), []);
        assert_eq!(encode(&[i32::MIN]), [32, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(encode(&[i32::MAX]), [32, 0xfe, 0xff, 0xff, 0xff]);
        let mut ones = vec![-1; 33];
        ones[32] = 3;
        assert_eq!(encode(&ones), [1, 0xff, 0xff, 0xff, 0xff, 3, 6]);
    }

    #[test]
    fn other_forms_are_refused() {
        let short = |block| Err(PackedError::Short { block });
        assert_eq!(decode(&[], 1), short(0));
        assert_eq!(decode(&[0], 33), short(1));
        assert_eq!(decode(&[9, 0], 1), short(0));
        let width = |width, needed| Err(PackedError::Width { block: 0, width, needed });
        assert_eq!(decode(&[2, 1], 1), width(2, 1), "one bit would do");
        assert_eq!(decode(&[33, 0xff, 0xff, 0xff, 0xff], 1), width(33, 32));
        assert_eq!(decode(&[1, 3], 1), Err(PackedError::Bits { block: 0 }));
        assert_eq!(decode(&[0, 0], 1), Err(PackedError::Long { bytes: 1 }));
        assert_eq!(decode(&[0], 0), Err(PackedError::Long { bytes: 1 }));
    }

    proptest! {
        #[test]
        fn an_update_comes_back(update in any_update()) {
            let bytes = encode(&update);
            prop_assert!(bytes.len() <= size_max(update.len()));
            prop_assert_eq!(decode(&bytes, update.len()), Ok(update));
        }

        #[test]
        fn only_packed_forms_decode(
            update in any_update(),
            other in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            end in any::<prop::sample::Index>(),
            count in 0_usize..100,
        ) {
            let mut bytes = encode(&update);
            for (at, byte) in other {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] ^= byte;
                }
            }
            bytes.truncate(end.index(bytes.len() + 1).max(bytes.len() / 2));
            for count in [count, update.len()] {
                if let Ok(found) = decode(&bytes, count) {
                    prop_assert_eq!(found.len(), count);
                    prop_assert_eq!(encode(&found), &bytes[..]);
                }
            }
        }

        #[test]
        fn calldata_packs_to_the_same(update in any_update()) {
            let plain = plain(&update);
            prop_assert_eq!(of_plain(&plain), Some(encode(&update)));
            prop_assert_eq!(of_plain(&[&plain[..], &[0]].concat()), None);
            prop_assume!(!update.is_empty());
            let tensor = tensor::Tensor::i32(&[update.len()], update.clone()).expect("a vector");
            prop_assert_eq!(root(&update), tensor.root());
        }
    }
}
