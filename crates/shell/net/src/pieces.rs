//! Items that are fetched in pieces: what a piece is, and how one is known to be right by itself.
//!
//! An [`Item`] is a blob or the elements of a tensor. Its name is the root of a tree of hashes, and
//! a piece is a subtree of it: the piece's bytes and the hashes beside the way up give the name, or
//! the piece is wrong and whoever sent it is to blame. No list of pieces has to be believed first.
//!
//! Invariant: a piece that [`Item::check`] lets through is those bytes of that item at that place,
//! as long as nobody breaks BLAKE3 or keccak. Geometry comes from the item's size, which whoever
//! wants it knows; a stranger's word on it is never asked. Absent: pieces of other sizes, runs of
//! pieces.

mod blake;
mod quads;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Hash32, limits::ITEM_SIZE_MAX};

/// By which tree an item has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// BLAKE3 over any bytes; a piece is 256 KiB.
    Blob,
    /// The tensor root over elements of four bytes; a piece is 256 chunks, 32 KiB.
    Words,
    /// The tensor root over elements of eight bytes; a piece is 256 chunks, 64 KiB.
    Doubles,
}

/// What is fetched in pieces: its name, and how long it is.
///
/// ```
/// use net::pieces::Item;
///
/// let bytes = vec![7; 300_000];
/// let item = Item::blob(net::blobs::hash(&bytes), 300_000);
/// assert_eq!((item.count(), item.range(1)), (2, 262_144..300_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Item {
    /// By which tree it has its name.
    pub kind: Kind,
    /// The root of that tree.
    pub name: Hash32,
    /// Its length in bytes.
    pub size: u64,
}

impl Item {
    /// Returns the blob with this BLAKE3 and this many bytes.
    pub fn blob(name: Hash32, size: u64) -> Item {
        Item { kind: Kind::Blob, name, size }
    }

    /// Returns the elements of a tensor with this root: `count` of `width` bytes, 4 or 8.
    pub fn elements(name: Hash32, count: u64, width: u64) -> Item {
        let kind = if width == 8 { Kind::Doubles } else { Kind::Words };
        Item { kind, name, size: count.saturating_mul(width) }
    }

    /// Returns whether there can be such an item: not too long, and of whole elements.
    pub fn is_sound(&self) -> bool {
        let width = match self.kind {
            Kind::Blob => 1,
            Kind::Words => 4,
            Kind::Doubles => 8,
        };
        let whole = self.size > 0 && self.size.is_multiple_of(width);
        self.size <= ITEM_SIZE_MAX && (whole || self.kind == Kind::Blob)
    }

    /// Returns the length of every piece but the last, in bytes.
    pub fn piece_size(&self) -> u64 {
        match self.kind {
            Kind::Blob => blake::PIECE_SIZE,
            Kind::Words => quads::piece_size(4),
            Kind::Doubles => quads::piece_size(8),
        }
    }

    /// Returns how many pieces there are; an empty blob has one, which is empty.
    pub fn count(&self) -> u32 {
        let count = self.size.div_ceil(self.piece_size()).max(1);
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Returns where a piece lies in the item; empty if there is no such piece.
    pub fn range(&self, index: u32) -> Range<u64> {
        let start = u64::from(index).saturating_mul(self.piece_size()).min(self.size);
        start..start.saturating_add(self.piece_size()).min(self.size)
    }

    /// Returns how many hashes the way from a piece up to the name carries.
    pub fn path_len(&self, index: u32) -> usize {
        match self.kind {
            Kind::Blob => blake::path_len((index, self.count())),
            Kind::Words | Kind::Doubles => quads::path_len((index, self.count())),
        }
    }

    /// Returns whether `bytes` are the piece at `index`, by the hashes beside its way up.
    ///
    /// Any bytes and hashes may be asked about.
    pub fn check(&self, index: u32, bytes: &[u8], path: &[Hash32]) -> bool {
        let range = self.range(index);
        let fits = index < self.count() && bytes.len() as u64 == range.end - range.start;
        self.is_sound() && fits && path.len() == self.path_len(index) && {
            let leaf = self.leaf(index, bytes);
            let place = (index, self.count());
            let root = match self.kind {
                Kind::Blob => blake::climb(leaf, place, path),
                Kind::Words | Kind::Doubles => quads::climb(leaf, place, path),
            };
            root == Some(self.name)
        }
    }

    /// Returns the hash of a piece's bytes, where it stands in the tree.
    fn leaf(&self, index: u32, bytes: &[u8]) -> Hash32 {
        let alone = self.count() == 1;
        match self.kind {
            Kind::Blob => blake::leaf(bytes, self.range(index).start, alone),
            Kind::Words => quads::leaf(bytes, 4, alone),
            Kind::Doubles => quads::leaf(bytes, 8, alone),
        }
    }
}

/// The hashes of an item's pieces: what whoever has it whole needs to hand out any of them.
#[derive(Clone, Debug)]
pub struct Tree {
    item: Item,
    leaves: Vec<Hash32>,
}

impl Tree {
    /// Returns the tree over an item's pieces, or nothing if their root is another's name.
    ///
    /// `read` gives each piece by its range.
    ///
    /// # Errors
    ///
    /// What `read` says.
    pub fn of<E>(
        item: Item,
        mut read: impl FnMut(Range<u64>) -> Result<Vec<u8>, E>,
    ) -> Result<Option<Tree>, E> {
        let mut leaves = Vec::new();
        for index in 0..item.count() {
            leaves.push(item.leaf(index, &read(item.range(index))?));
        }
        let root = match item.kind {
            Kind::Blob => blake::root(&leaves),
            Kind::Words | Kind::Doubles => quads::root(&leaves),
        };
        Ok((root == item.name).then_some(Tree { item, leaves }))
    }

    /// Returns the hashes beside the way up from a piece, if `bytes` are that piece.
    pub fn path(&self, index: u32, bytes: &[u8]) -> Option<Vec<Hash32>> {
        let leaf = self.leaves.get(index as usize)?;
        (*leaf == self.item.leaf(index, bytes)).then(|| match self.item.kind {
            Kind::Blob => blake::path(&self.leaves, index as usize),
            Kind::Words | Kind::Doubles => quads::path(&self.leaves, index as usize),
        })
    }
}

#[cfg(test)]
mod tests;
