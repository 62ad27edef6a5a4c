//! Pieces of items: an honest one, changed as the bytes say, is never taken.
//!
//! *Invariant: only the piece that was made is right, at the place it was made for.*

use std::{convert::Infallible, sync::OnceLock};

use net::pieces::{Item, Kind, Tree};

use crate::choices::Choices;

/// An item whole, with its tree.
struct Whole {
    item: Item,
    bytes: Vec<u8>,
    tree: Tree,
}

/// Changes a piece, its path, and what it is said to be, and checks it.
pub(crate) fn piece(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let Whole { item, bytes, tree } = &wholes()[usize::from(choices.byte()) % wholes().len()];
    let count = usize::try_from(item.count()).expect("few pieces");
    let index = u32::try_from(choices.number() % count).expect("few pieces");
    let honest = cut(bytes, item, index);
    let path = tree.path(index, &honest).expect("the piece is the tree's");
    let (mut said, mut at, mut shown, mut beside) = (*item, index, honest.clone(), path.clone());
    while !choices.is_empty() {
        match choices.byte() % 8 {
            0 => at = u32::try_from(choices.number()).unwrap_or(u32::MAX),
            1 => said.size = choices.number() as u64,
            2 => said.kind = [Kind::Blob, Kind::Words, Kind::Doubles][choices.number() % 3],
            3 => said.size = said.size.wrapping_mul(choices.number() as u64),
            4 => beside.push([choices.byte(); 32]),
            5 => drop(beside.pop()),
            6 => {
                let (hash, byte, flip) = (choices.number(), choices.number(), choices.byte());
                let hashes = beside.len();
                if hashes > 0 {
                    beside[hash % hashes][byte % 32] ^= flip;
                }
            }
            _ => {
                let (place, flip) = (choices.number(), choices.byte());
                let length = shown.len();
                shown[place % length] ^= flip;
            }
        }
    }
    let same = said == *item && at == index && shown == honest && beside == path;
    let taken = said.check(at, &shown, &beside);
    assert!(taken || !same, "an honest piece was refused: {index} of {item:?}");
    // What a longer item would have beside the way may be as much as this one has; its bytes and
    // hashes are the ones that were made all the same.
    assert!(
        !taken || (said.name, at, &shown, &beside) == (item.name, index, &honest, &path),
        "a piece that was not made was taken: {at} of {said:?}, made as {index} of {item:?}"
    );
}

fn cut(bytes: &[u8], item: &Item, index: u32) -> Vec<u8> {
    let range = item.range(index);
    let at = |place: u64| usize::try_from(place).expect("small");
    bytes[at(range.start)..at(range.end)].to_vec()
}

/// One item a kind, of several pieces with a short last one, and one of a single piece.
fn wholes() -> &'static [Whole] {
    static WHOLES: OnceLock<Vec<Whole>> = OnceLock::new();
    WHOLES.get_or_init(|| {
        let numbers = |count: u32| (0..count).flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
        let blob = numbers(140_000);
        let small = numbers(40);
        let words = tensor::Tensor::i32(&[140_000], (0..140_000).collect()).expect("shaped");
        let doubles = (0..50_000).map(f64::from).collect();
        let doubles = tensor::Tensor::f64(&[50_000], doubles).expect("shaped");
        let items = [
            (Item::blob(net::blobs::hash(&blob), blob.len() as u64), blob),
            (Item::blob(net::blobs::hash(&small), small.len() as u64), small),
            (Item::elements(words.root().0, 140_000, 4), words.to_bytes()),
            (Item::elements(doubles.root().0, 50_000, 8), doubles.to_bytes()),
        ];
        let whole = |(item, bytes): (Item, Vec<u8>)| {
            let read = |range: std::ops::Range<u64>| {
                let index = u32::try_from(range.start / item.piece_size()).expect("few pieces");
                Ok::<_, Infallible>(cut(&bytes, &item, index))
            };
            let tree = Tree::of(item, read).expect("memory can be read");
            let tree = tree.expect("the item is named after these bytes");
            Whole { item, bytes, tree }
        };
        items.into_iter().map(whole).collect()
    })
}
