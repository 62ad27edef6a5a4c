//! Openings of every chunk verify, and no altered one does.

use proptest::prelude::*;
use tensor::{Dtype, Hash, Tensor};

use super::{
    CheckError, Fault, Opening, Place, Verdict, list_root, open, open_output, verify, verify_output,
};

fn ramp(count: usize) -> Tensor {
    let elements = (0..count).map(|i| i32::try_from(i * 7 + 1).expect("small")).collect();
    Tensor::i32(&[count], elements).expect("one axis with its own length")
}

fn place(count: usize, chunk: usize) -> Place {
    Place { dtype: Dtype::I32, count, chunk }
}

#[test]
fn every_chunk_of_every_geometry_opens() {
    for count in [1, 31, 32, 33, 512, 513, 8192, 8193] {
        let tensor = ramp(count);
        for chunk in 0..count.div_ceil(32) {
            let shown = open(&tensor, chunk).expect("the chunk exists");
            let verdict = verify(tensor.root(), place(count, chunk), &shown);
            assert_eq!(verdict, Ok(Verdict::Valid), "{count} elements, chunk {chunk}");
        }
    }
}

#[test]
fn a_question_without_an_answer_is_not_a_verdict() {
    let tensor = ramp(33);
    let missing = CheckError::NoSuchChunk { chunk: 2, count: 2 };
    assert_eq!(open(&tensor, 2), Err(missing));
    let shown = open(&tensor, 1).expect("the chunk exists");
    assert_eq!(verify(tensor.root(), place(33, 2), &shown), Err(missing));
}

#[test]
fn each_fault_is_named() {
    let tensor = ramp(600);
    let good = open(&tensor, 18).expect("the chunk exists");
    let at = place(600, 18);
    let check = |bad: &Opening| verify(tensor.root(), at, bad).expect("the place exists");

    let mut bad = good.clone();
    bad.chunk.pop();
    assert_eq!(check(&bad), Verdict::Invalid(Fault::ChunkLength { expected: 128, got: 127 }));

    let mut bad = good.clone();
    bad.siblings.push(bad.siblings[0]);
    assert_eq!(check(&bad), Verdict::Invalid(Fault::SiblingCount { expected: 3, got: 4 }));

    let mut bad = good.clone();
    bad.chunk[127] = 1;
    assert_eq!(check(&bad), Verdict::Invalid(Fault::Padding { byte: 127 }));

    let mut bad = good;
    bad.siblings[1] = Hash([9; 32]);
    assert_eq!(check(&bad), Verdict::Invalid(Fault::Root { expected: tensor.root() }));
}

#[test]
fn an_output_is_opened_through_the_list() {
    let outputs = [ramp(5), ramp(40), ramp(3)];
    let shown = open_output(&outputs, 1, 1).expect("output and chunk exist");
    let root = list_root(&shown.roots);
    let at = place(40, 1);
    assert_eq!(verify_output(root, (1, 3), at, &shown), Ok(Verdict::Valid));
    assert_eq!(
        verify_output(root, (3, 3), at, &shown),
        Err(CheckError::NoSuchOutput { output: 3, count: 3 })
    );
    assert_eq!(
        verify_output(root, (1, 4), at, &shown),
        Ok(Verdict::Invalid(Fault::OutputCount { expected: 4, got: 3 }))
    );
    let mut bad = shown.clone();
    bad.roots.swap(0, 2);
    assert_eq!(
        verify_output(root, (1, 3), at, &bad),
        Ok(Verdict::Invalid(Fault::Outputs { expected: root, got: list_root(&bad.roots) }))
    );
    let other = verify_output(root, (0, 3), place(5, 0), &shown);
    assert!(matches!(
        other,
        Ok(Verdict::Invalid(Fault::SiblingCount { .. } | Fault::Padding { .. }))
            | Ok(Verdict::Invalid(Fault::Root { .. }))
    ));
}

proptest! {
    #[test]
    fn a_flipped_bit_is_never_accepted(
        count in 1_usize..2000,
        chunk in 0_usize..64,
        bit in 0_usize..1 << 14,
    ) {
        let tensor = ramp(count);
        let chunk = chunk % count.div_ceil(32);
        let mut shown = open(&tensor, chunk).expect("the chunk exists");
        let bits = 8 * (128 + 32 * shown.siblings.len());
        let (byte, mask) = (bit % bits / 8, 1_u8 << (bit % 8));
        if byte < 128 {
            shown.chunk[byte] ^= mask;
        } else {
            let at = byte - 128;
            shown.siblings[at / 32].0[at % 32] ^= mask;
        }
        let verdict = verify(tensor.root(), place(count, chunk), &shown).expect("the place exists");
        prop_assert!(matches!(verdict, Verdict::Invalid(_)));
    }

    #[test]
    fn arbitrary_bytes_are_never_accepted_and_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        siblings in 0_usize..20,
        count in 1_usize..5000,
        chunk in 0_usize..200,
    ) {
        let shown = Opening { chunk: bytes, siblings: vec![Hash([3; 32]); siblings] };
        let verdict = verify(Hash([1; 32]), place(count, chunk), &shown);
        prop_assert!(!matches!(verdict, Ok(Verdict::Valid)));
    }
}
