//! Laws of the draw and of shares.

use proptest::prelude::*;
use tensor::{Hash, Tensor};

use super::{
    BLIND_LANES, Bucket, DATA_LANES, DrawError, Place, SHARES, Secret, ShareError, buckets, split,
    width,
};
use crate::aggregate::UPDATE_MAX;
use crate::chain::Seat;

mod bucket;
mod rounds;
mod simulated;

pub(super) fn seed(number: u64) -> Hash {
    Hash::of(&[&number.to_le_bytes()])
}

pub(super) fn seats(rows: &[u32]) -> Vec<Seat> {
    let seat =
        |(index, rows): (u32, &u32)| Seat { index: 3 * index + 1, rows: *rows, ..Seat::default() };
    (0..).zip(rows).map(seat).collect()
}

pub(super) fn place(node: u32) -> Place {
    Place { job: seed(77), round: 5, node }
}

/// The three shares of an update.
pub(super) fn shares(update: &[i32], number: u64, node: u32) -> [Tensor; SHARES] {
    let d = update.len();
    let update = Tensor::i32(&[d], update.to_vec()).expect("one axis");
    let split = split(&update, &Secret(seed(number).0), place(node)).expect("an update");
    let shares = split.parcels.map(|parcel| parcel.open(d).expect("a share of d coordinates"));
    assert_eq!(shares.each_ref().map(Tensor::root), split.roots);
    shares
}

fn lanes(share: &Tensor) -> &[i32] {
    share.as_i32().expect("shares are i32")
}

pub(super) fn update() -> impl Strategy<Value = Vec<i32>> {
    prop::collection::vec(-UPDATE_MAX..=UPDATE_MAX, 1..70)
}

proptest! {
    #[test]
    fn every_node_trains_once_and_never_beside_itself(
        rows in prop::collection::vec(1_u32..=2, 6..=16),
        size in 3_usize..=4,
        number: u64,
    ) {
        let seats = seats(&rows);
        let Ok(drawn) = buckets(&seats, seed(number), size) else {
            prop_assert!(seats.len() < 2 * size);
            return Ok(());
        };
        let mut all: Vec<u32> = drawn.list.iter().flat_map(|b| b.trainers.clone()).collect();
        all.sort_unstable();
        prop_assert_eq!(all, seats.iter().map(|seat| seat.index).collect::<Vec<_>>());
        let sizes = drawn.list.iter().map(|bucket| bucket.trainers.len());
        let (least, most) = (sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0));
        prop_assert!(least >= size && most <= least + 1);
        for Bucket { trainers, members } in &drawn.list {
            let [a, b, c] = members;
            prop_assert!(a != b && b != c && c != a);
            prop_assert!(members.iter().all(|member| !trainers.contains(member)));
            prop_assert!(members.iter().all(|m| seats.iter().any(|seat| seat.index == *m)));
        }
    }

    /// Any two shares of one update are two shares of any other as well: with the third that the
    /// two leave, which is as likely. So two shares say nothing.
    #[test]
    fn two_shares_fit_every_update(x in update(), other in update(), number: u64) {
        let shares = shares(&x, number, 4);
        for unknown in 0..SHARES {
            let known = [(unknown + 1) % SHARES, (unknown + 2) % SHARES];
            let [a, b] = known.map(|share| lanes(&shares[share]));
            for (i, y) in other.iter().enumerate().take(x.len()) {
                let at = i / DATA_LANES * 32 + i % DATA_LANES;
                let third = y.wrapping_sub(a[at]).wrapping_sub(b[at]);
                prop_assert_eq!(third.wrapping_add(a[at]).wrapping_add(b[at]), *y);
                let moved = third.wrapping_sub(lanes(&shares[unknown])[at]);
                prop_assert_eq!(moved, y.wrapping_sub(x[i]), "one third for each update");
            }
        }
    }

    #[test]
    fn shares_sum_to_the_update(x in update(), number: u64) {
        let shares = shares(&x, number, 9);
        for at in (0..width(x.len())).filter(|at| at % 32 < DATA_LANES) {
            let sum = shares.iter().fold(0_i32, |sum, share| sum.wrapping_add(lanes(share)[at]));
            prop_assert_eq!(sum, x.get(at / 32 * DATA_LANES + at % 32).copied().unwrap_or(0));
        }
    }
}

/// Each share's bytes, of an update of zeros and of a large one, over 256 bins: chi-square with 255
/// degrees of freedom is within 8 standard deviations (22.6 each) of its mean. The seed is fixed.
#[test]
fn each_share_alone_looks_uniform() {
    for value in [0, UPDATE_MAX] {
        let update = vec![value; 28_000];
        for share in &shares(&update, 1, 2) {
            let mut bins = [0_u32; 256];
            share.to_bytes().iter().for_each(|byte| bins[usize::from(*byte)] += 1);
            let expected =
                4.0 * f64::from(u32::try_from(lanes(share).len()).expect("small")) / 256.0;
            let off = bins.iter().map(|n| f64::from(*n) - expected);
            let chi: f64 = off.map(|off| off * off / expected).sum();
            assert!((chi - 255.0).abs() < 8.0 * 22.6, "{chi}");
        }
    }
}

/// The blind lanes of a share are in none of the others, so its hashes confirm no guess.
#[test]
fn every_chunk_has_blinds_of_its_own() {
    let shares = shares(&[0; 60], 3, 1);
    let blinds = shares.each_ref().map(|share| {
        let chunks = lanes(share).chunks(32);
        chunks.flat_map(|chunk| chunk[DATA_LANES..].to_vec()).collect::<Vec<_>>()
    });
    assert!(blinds.iter().all(|list| list.len() == 3 * BLIND_LANES));
    let sums: Vec<i32> = (0..3 * BLIND_LANES)
        .map(|at| blinds.iter().fold(0_i32, |sum, list| sum.wrapping_add(list[at])))
        .collect();
    assert!(sums.iter().all(|sum| *sum != 0), "blinds do not cancel: {sums:?}");
}

#[test]
fn places_separate_masks() {
    let update = Tensor::i32(&[1], vec![0]).expect("one axis");
    let secret = Secret([1; 32]);
    let base = split(&update, &secret, place(1)).expect("an update");
    let places = [
        Place { node: 2, ..place(1) },
        Place { round: 6, ..place(1) },
        Place { job: seed(78), ..place(1) },
    ];
    for other in places.map(|place| split(&update, &secret, place).expect("an update")) {
        assert!(base.roots.iter().all(|root| !other.roots.contains(root)));
    }
    assert_eq!(format!("{secret:?} {:?}", base.parcels[0]), "Secret(..) Seed(..)");
}

#[test]
fn wild_updates_are_not_shared_by_honest_nodes() {
    let shared = |list: Vec<i32>| {
        let update = Tensor::i32(&[list.len()], list).expect("one axis");
        split(&update, &Secret([0; 32]), place(0))
    };
    let beyond = ShareError::Beyond { coordinate: 1, value: i32::MIN };
    assert_eq!(shared(vec![0, i32::MIN]), Err(beyond));
    assert!(shared(vec![-UPDATE_MAX, UPDATE_MAX]).is_ok());
    let floats = Tensor::f32(&[1], vec![0.0]).expect("one axis");
    let refused = split(&floats, &Secret([0; 32]), place(0));
    assert!(matches!(refused, Err(ShareError::Type { .. })));
}

#[test]
fn draws_that_cannot_be() {
    let draw =
        |rows: &[u32], size| buckets(&seats(rows), seed(0), size).map(|drawn| drawn.list.len());
    assert_eq!(draw(&[1; 6], 3), Ok(2));
    assert_eq!(draw(&[1; 6], 2), Err(DrawError::Size { got: 2 }));
    assert_eq!(draw(&[6; 5], 3), Err(DrawError::TooFew { got: 5, needed: 6 }));
    assert_eq!(draw(&[6; 6], 3), Err(DrawError::Seats { got: 36 }));
    assert_eq!(draw(&[1, 1, 0, 1, 1, 1], 3), Err(DrawError::Order { node: 7 }));
    let mut turned = seats(&[1; 6]);
    turned.swap(1, 2);
    assert_eq!(buckets(&turned, seed(0), 3), Err(DrawError::Order { node: 4 }));
}

/// Pins the bytes: the document of one small draw.
#[test]
fn the_document_is_what_it_was() {
    let drawn = buckets(&seats(&[1, 2, 1, 3, 1, 1, 1]), seed(9), 3).expect("two buckets");
    assert_eq!(drawn.document().len(), 32 * (3 + 2 + 7 + 6));
    let other = buckets(&seats(&[1, 2, 1, 3, 1, 1, 1]), seed(10), 3).expect("two buckets");
    assert_ne!(drawn.hash(), other.hash());
    assert_eq!(
        drawn.hash().to_string(),
        "0xfe8dad5362dcc66222aa0f66532b5010678155ba361aa79c9aef6bdb06db23b6"
    );
}

/// Pins the masks; a second implementation, made from docs/private.md alone, gave these roots and
/// the document's hash above.
#[test]
fn the_masks_are_what_they_were() {
    let update: Vec<i32> = (0..33).collect();
    let roots = shares(&update, 11, 6).map(|share| share.root().to_string());
    let golden = [
        "0xb5f6dec38c69374dad75e9542d4a45dc818b9758113c3babfb0f63b6b48f1e16",
        "0xb41d8738ea50ab0859a488b656a67ffc5c3fe057954350b1138c45736ebbe480",
        "0x3fd2832e76c88cabe930e5bd1de48515320962ddd015b488a93a1bfc756bcef9",
    ];
    assert_eq!(roots, golden);
}
