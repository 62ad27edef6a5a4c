//! What whoever watches looks for in a list.

use tensor::tree;

use super::{Gathering, INPUTS, Input, Kind, List, Listing, entry::Place, roster::chunk_leaves};

/// Returns the call that strikes a list, if something in it is wrong.
///
/// `commitments` is the list of commitments that was taken, which a list of reveals is checked
/// against; nothing where all were forced.
///
/// # Panics
///
/// If there is no list `id`, or `listing` is another one's.
#[must_use]
pub fn lie(
    gathering: &Gathering,
    (kind, id): (Kind, usize),
    listing: &Listing,
    commitments: Option<&Listing>,
) -> Option<Input> {
    let list = gathering.lists(kind)[id];
    let watch = Watch { gathering, kind, id, list, listing, commitments };
    (0..listing.entries.len()).find_map(|index| watch.entry(index)).or_else(|| watch.padding())
}

struct Watch<'a> {
    gathering: &'a Gathering,
    kind: Kind,
    id: usize,
    list: List,
    listing: &'a Listing,
    commitments: Option<&'a Listing>,
}

impl Watch<'_> {
    fn entry(&self, index: usize) -> Option<Input> {
        let (kind, id, listing) = (self.kind, self.id, self.listing);
        let words = &listing.entries[index];
        if !self.gathering.entry_holds(kind, &self.list, (index as u64, words)) {
            return Some(Input::StrikeEntry { kind, id, entry: listing.entry(index) });
        }
        let place = Place::of(words);
        let next = listing.entries.get(index + 1).map(Place::of);
        if next.is_some_and(|next| !self.gathering.order_holds(place, next)) {
            let (entry, next) = (listing.entry(index), listing.entry(index + 1));
            return Some(Input::StrikeOrder { kind, id, entry, next });
        }
        if kind == Kind::Commitments { None } else { self.reveal(index, place) }
    }

    fn reveal(&self, index: usize, place: Place) -> Option<Input> {
        let (id, listing) = (self.id, self.listing);
        let words = &listing.entries[index];
        let from = usize::try_from(place.from).expect("a usize holds a u32");
        let shown = self.commitments.filter(|list| from < list.entries.len());
        if !self.gathering.commitment_holds(words, shown.map(|list| &list.entries[from])) {
            let commitment = shown.map(|list| list.entry(from)).unwrap_or_default();
            return Some(Input::StrikeCommitment { id, entry: listing.entry(index), commitment });
        }
        let end = place.before.saturating_add(self.gathering.enrolment().rows_of(place.node));
        (place.before..end.min(self.list.rows)).find_map(|row| self.row(index, place.node, row))
    }

    fn row(&self, index: usize, node: u32, row: u32) -> Option<Input> {
        let (id, listing) = (self.id, self.listing);
        let leaf = usize::try_from(INPUTS).expect("four") + row as usize;
        if listing.inputs[leaf] != listing.entries[index][1] {
            return Some(Input::StrikeRow {
                id,
                entry: listing.entry(index),
                row: u64::from(row),
                update_root: listing.inputs[leaf],
                siblings: tree::siblings(&listing.inputs, leaf),
            });
        }
        (self.member(row as usize) != node).then(|| self.member_strike(index, row as usize))
    }

    /// Anything but zero after the last row.
    fn padding(&self) -> Option<Input> {
        let rows = self.list.rows as usize;
        let mut after = rows..self.listing.members.len() / 4;
        after.find(|row| self.member(*row) != 0).map(|row| self.member_strike(0, row))
    }

    fn member(&self, row: usize) -> u32 {
        let bytes = &self.listing.members[4 * row..4 * row + 4];
        u32::from_le_bytes(bytes.try_into().expect("four bytes"))
    }

    fn member_strike(&self, index: usize, row: usize) -> Input {
        let chunk = row / 32;
        Input::StrikeMember {
            id: self.id,
            entry: self.listing.entry(index),
            row: row as u64,
            chunk: self.listing.members[128 * chunk..128 * chunk + 128].to_vec(),
            siblings: tree::siblings(&chunk_leaves(&self.listing.members), chunk),
        }
    }
}
