//! Every piece of every item passes, and no other bytes do.

use std::convert::Infallible;

use proptest::prelude::*;
use tensor::Tensor;

use super::*;

fn bytes(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(size).collect()
}

fn cut(whole: &[u8], range: Range<u64>) -> Vec<u8> {
    whole[usize::try_from(range.start).expect("small")..usize::try_from(range.end).expect("small")]
        .to_vec()
}

fn tree(item: Item, whole: &[u8]) -> Option<Tree> {
    let read = |range| Ok::<_, Infallible>(cut(whole, range));
    Tree::of(item, read).expect("memory can be read")
}

fn item(kind: Kind, size: usize, whole: &[u8]) -> Item {
    match kind {
        Kind::Blob => Item::blob(crate::blobs::hash(whole), size as u64),
        Kind::Words => {
            let words = whole
                .chunks_exact(4)
                .map(|four| i32::from_le_bytes(four.try_into().expect("chunks of four")));
            let tensor = Tensor::i32(&[size / 4], words.collect()).expect("shaped");
            Item::elements(tensor.root().0, size as u64 / 4, 4)
        }
        Kind::Doubles => {
            let doubles = whole
                .chunks_exact(8)
                .map(|eight| f64::from_le_bytes(eight.try_into().expect("chunks of eight")));
            let tensor = Tensor::f64(&[size / 8], doubles.collect()).expect("shaped");
            Item::elements(tensor.root().0, size as u64 / 8, 8)
        }
    }
}

fn any_item() -> impl Strategy<Value = (Item, Vec<u8>)> {
    // Up to six pieces of a blob, and enough of a tensor for two levels above the pieces.
    let kinds = prop_oneof![
        (Just(Kind::Blob), 0usize..1_600_000),
        (Just(Kind::Words), (1usize..160_000).prop_map(|count| 4 * count)),
        (Just(Kind::Doubles), (1usize..160_000).prop_map(|count| 8 * count)),
    ];
    (kinds, any::<u64>()).prop_map(|((kind, size), seed)| {
        let mut whole = bytes(size, seed);
        // A NaN would not come back from a tensor with the bits it had.
        if kind == Kind::Doubles {
            whole.chunks_exact_mut(8).for_each(|eight| eight[7] = 0);
        }
        (item(kind, size, &whole), whole)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn pieces_pass_at_their_place_and_nowhere_else((item, whole) in any_item(), at: usize) {
        prop_assert!(item.is_sound());
        let tree = tree(item, &whole).expect("the name is of these bytes");
        for index in 0..item.count() {
            let piece = cut(&whole, item.range(index));
            let path = tree.path(index, &piece).expect("the piece is the tree's");
            prop_assert_eq!(path.len(), item.path_len(index));
            prop_assert!(item.check(index, &piece, &path));
            prop_assert!(!item.check(index ^ 1, &piece, &path));
            prop_assert!(!item.check(item.count() + index, &piece, &path));
            if !piece.is_empty() {
                let mut wrong = piece.clone();
                wrong[at % piece.len()] ^= 1;
                prop_assert!(!item.check(index, &wrong, &path));
                prop_assert!(tree.path(index, &wrong).is_none());
                prop_assert!(!item.check(index, &piece[1..], &path));
            }
            for bit in 0..path.len() {
                let mut wrong = path.clone();
                wrong[bit][at % 32] ^= 1;
                prop_assert!(!item.check(index, &piece, &wrong));
            }
            let longer = [path.clone(), vec![[0; 32]]].concat();
            prop_assert!(!item.check(index, &piece, &longer));
        }
    }

    #[test]
    fn another_size_is_another_item((item, whole) in any_item(), more in 1u64..600_000) {
        let size = item.size + more / 8 * 8 + 8;
        let other = Item { size, ..item };
        let tree = tree(item, &whole).expect("the name is of these bytes");
        let last = item.count() - 1;
        let piece = cut(&whole, item.range(last));
        let path = tree.path(last, &piece).expect("the piece is the tree's");
        prop_assert!(!other.check(last, &piece, &path));
    }
}

#[test]
fn the_pieces_of_a_blob_have_its_own_hash() {
    for pieces in 1..40 {
        let whole = bytes(pieces * 262_144 - 262_143 * (pieces % 2), 7);
        let item = item(Kind::Blob, whole.len(), &whole);
        assert!(tree(item, &whole).is_some(), "{pieces} pieces");
        let wrong = Item { name: [1; 32], ..item };
        assert!(tree(wrong, &whole).is_none());
    }
}

#[test]
fn items_that_cannot_be_are_known() {
    let name = [0; 32];
    assert!(Item::blob(name, 0).is_sound());
    assert!(!Item::blob(name, ITEM_SIZE_MAX + 1).is_sound());
    assert!(!Item::elements(name, 0, 4).is_sound());
    assert!(!Item::elements(name, u64::MAX, 8).is_sound());
    assert!(!Item { kind: Kind::Doubles, name, size: 12 }.is_sound());
    for kind in [Kind::Blob, Kind::Words, Kind::Doubles] {
        // Nobody would ask, and whoever does gets an answer.
        let endless = Item { kind, name, size: u64::MAX };
        for index in [0, 1, u32::MAX] {
            assert!(endless.path_len(index) < 200);
            assert!(!endless.check(index, &[7; 262_144], &vec![name; endless.path_len(index)]));
        }
    }
    assert_eq!(Item::blob(name, 0).count(), 1);
    assert!(Item::blob(crate::blobs::hash(b""), 0).check(0, b"", &[]));
}
