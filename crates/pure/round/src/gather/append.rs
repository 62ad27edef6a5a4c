//! Longer lists and other heads, without the whole list: the mirror of the library `Append`.
//!
//! What the way up of a list's last leaf, or of its first four, tells about lists that differ from
//! it there only: as many hashes as the tree has levels.

use tensor::{
    Hash,
    tree::{ARITY, QUAD, climb_on},
};

/// keccak(0x01 ‖ up to four places), the absent ones zero.
fn four(places: &[Hash]) -> Hash {
    let mut bytes = [0; 32 * QUAD];
    for (slot, place) in bytes.chunks_exact_mut(32).zip(places) {
        slot.copy_from_slice(&place.0);
    }
    Hash::of(&[&[1], &bytes])
}

/// Returns the root of a list of which the last leaf is replaced by all of `tail`.
///
/// `siblings` is the way up of the last of `leaves` leaves, which whoever calls has checked; `None`
/// where it has another number of hashes than such a way has.
///
/// ```
/// use round::gather::append::append;
/// use tensor::{Hash, tree};
///
/// let all: Vec<Hash> = (0..21).map(|i| tree::leaf(&[i; 128])).collect();
/// let siblings = tree::siblings(&all[..18], 17);
/// assert_eq!(append(18, &siblings, &all[17..]), Some(tree::root(&all)));
/// assert_eq!(append(18, &siblings[1..], &all[17..]), None);
/// ```
#[must_use]
pub fn append(leaves: usize, siblings: &[Hash], tail: &[Hash]) -> Option<Hash> {
    let (mut leaves, mut siblings, mut tail) = (leaves, siblings, tail.to_vec());
    while leaves > 1 || tail.len() > 1 {
        let place = leaves.checked_sub(1)? % ARITY;
        let (beside, rest) = siblings.split_at_checked(place % QUAD)?;
        let (before, rest) = rest.split_at_checked(place / QUAD)?;
        let places: Vec<Hash> = beside.iter().chain(&tail).copied().collect();
        let quads: Vec<Hash> =
            before.iter().copied().chain(places.chunks(QUAD).map(four)).collect();
        tail = quads.chunks(QUAD).map(four).collect();
        (leaves, siblings) = (leaves.div_ceil(ARITY), rest);
    }
    siblings.is_empty().then(|| tail.first().copied()).flatten()
}

/// Returns the root of a list of `leaves` leaves, more than four, of which the first four are
/// `head`.
///
/// `crown` has the other quads of the first leaf's node from left to right, then the way up of that
/// node; `None` where it has another number of hashes.
///
/// ```
/// use round::gather::append::{crown, with_head};
/// use tensor::{Hash, tree};
///
/// let mut all: Vec<Hash> = (0..21).map(|i| tree::leaf(&[i; 128])).collect();
/// let way = crown(&all);
/// all[2] = Hash([7; 32]);
/// assert_eq!(with_head(&[all[0], all[1], all[2], all[3]], 21, &way), Some(tree::root(&all)));
/// ```
#[must_use]
pub fn with_head(head: &[Hash; 4], leaves: u64, crown: &[Hash]) -> Option<Hash> {
    let present = usize::try_from(leaves.min(ARITY as u64)).ok()?;
    let (quads, way) = crown.split_at_checked(present.div_ceil(QUAD).checked_sub(1)?)?;
    let first: Vec<Hash> = [four(head)].into_iter().chain(quads.iter().copied()).collect();
    let (root, rest) = climb_on(four(&first), (0, leaves.div_ceil(ARITY as u64)), way)?;
    rest.is_empty().then_some(root)
}

/// Returns the way up of the first four of more than four leaves, as [`with_head`] takes it.
///
/// # Panics
///
/// If there are no more than four leaves.
#[must_use]
pub fn crown(leaves: &[Hash]) -> Vec<Hash> {
    assert!(leaves.len() > QUAD, "the first four are not all");
    tensor::tree::siblings(leaves, 0).split_off(QUAD - 1)
}
