//! The decoder against everything: what was encoded, what was changed, and noise.

use proptest::prelude::*;
use tensor::{DecodeError, Op, Program, Stated, StatedOp, Tensor};

use crate::samples::{every_op, linear};

#[test]
fn decoding_inverts_encoding() {
    for program in [every_op().expect("well formed"), linear().expect("well formed")] {
        assert_eq!(Program::decode(&program.encode()).as_ref(), Ok(&program));
    }
}

#[test]
fn the_sample_has_every_op() {
    let program = every_op().expect("well formed");
    let mut codes: Vec<u8> = program.nodes().iter().map(|node| node.op.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    let known = (0..=u8::MAX).filter(|code| is_known(*code)).count();
    assert_eq!(codes.len(), known);
}

/// Whether the decoder takes the code for an op's: an unknown one is refused by name.
fn is_known(code: u8) -> bool {
    let mut bytes = linear().expect("well formed").encode();
    let first_op = 8 + 4 + 4 + 2 * 4;
    bytes[first_op] = code;
    !matches!(Program::decode(&bytes), Err(DecodeError::Code { name: "op", .. }))
}

#[test]
fn every_prefix_is_short() {
    let bytes = linear().expect("well formed").encode();
    for size in 0..bytes.len() {
        assert!(matches!(Program::decode(&bytes[..size]), Err(DecodeError::Short { .. })));
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Program::decode(&longer), Err(DecodeError::Trailing { got: 1 }));
}

#[test]
fn a_constant_is_bound_to_its_root() {
    let program = every_op().expect("well formed");
    let mut bytes = program.encode();
    *bytes.last_mut().expect("it is not empty") ^= 1;
    assert!(matches!(Program::decode(&bytes), Err(DecodeError::Root { .. })));
}

#[test]
fn operands_must_be_earlier() {
    let program = linear().expect("well formed");
    let bytes = program.encode();
    let mut offset = 8 + 4 + 4 + 2 * 4;
    for (index, node) in program.nodes().iter().enumerate() {
        let size = node.encode().len();
        if !node.op.operands().is_empty() {
            let mut forward = bytes.clone();
            let operand = offset + 3 + 4 * node.shape.rank() + 4;
            let this = u32::try_from(index).expect("few ops");
            forward[operand..operand + 4].copy_from_slice(&this.to_le_bytes());
            assert!(matches!(Program::decode(&forward), Err(DecodeError::Malformed { .. })));
        }
        offset += size;
    }
}

#[test]
fn a_concat_states_the_extents_it_joins() {
    let mut b = tensor::Builder::new();
    let x = b.input(tensor::Dtype::I32, &[2, 3]).expect("an input");
    let y = b.input(tensor::Dtype::I32, &[2, 5]).expect("an input");
    let joined = b.concat(&[x, y, x], 1).expect("they fit");
    let program = b.finish(&[joined]).expect("an output");
    let (bytes, node) = (program.encode(), &program.nodes()[2]);
    let op = node.encode();
    let tail: Vec<u8> = [1u32, 3, 5, 3].iter().flat_map(|n| n.to_le_bytes()).collect();
    assert!(op.ends_with(&tail));
    let stated = Stated::decode(&op).expect("it was encoded");
    assert_eq!((stated.dtype, stated.shape), (node.dtype, node.shape));
    assert_eq!(stated.op, StatedOp::Whole(node.op.clone()));
    // Two extents changed so that their sum is still right: only the operands can tell.
    let mut moved = bytes.clone();
    let at = bytes.len() - 12;
    moved[at] = 4;
    moved[at + 4] = 4;
    assert!(matches!(Program::decode(&moved), Err(DecodeError::Malformed { .. })));
}

#[test]
fn every_op_is_read_by_itself() {
    let program = every_op().expect("well formed");
    for node in program.nodes() {
        let bytes = node.encode();
        let stated = Stated::decode(&bytes).expect("it was encoded");
        assert_eq!((stated.dtype, stated.shape), (node.dtype, node.shape));
        match (&node.op, stated.op) {
            (Op::Constant(value), StatedOp::Constant(root)) => assert_eq!(value.root(), root),
            (op, StatedOp::Whole(stated)) => assert_eq!(*op, stated),
            (op, stated) => panic!("{} became {stated:?}", op.name()),
        }
        for size in 0..bytes.len() {
            assert!(Stated::decode(&bytes[..size]).is_err());
        }
        assert!(Stated::decode(&[&bytes[..], &[0]].concat()).is_err());
    }
}

#[test]
fn bits_of_constants_survive() {
    let strange = Tensor::f32(&[2], vec![f32::from_bits(0xffa1_2345), -0.0]).expect("two");
    let mut b = tensor::Builder::new();
    let x = b.constant(strange.clone()).expect("a constant");
    let program = b.finish(&[x]).expect("an output");
    let decoded = Program::decode(&program.encode()).expect("it was encoded");
    assert!(matches!(&decoded.nodes()[0].op, Op::Constant(value) if **value == strange));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Noise behind the right magic never panics and never decodes by luck to other bytes.
    #[test]
    fn noise_is_refused(noise in proptest::collection::vec(any::<u8>(), 0..400)) {
        let bytes = [&b"ASSAYP\x00\x01"[..], &noise].concat();
        if let Ok(program) = Program::decode(&bytes) {
            prop_assert_eq!(program.encode(), bytes);
        }
    }

    /// Changed bytes are refused, or are the one encoding of another Program.
    #[test]
    fn changes_are_refused_or_canonical(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = every_op().expect("well formed").encode();
        for (index, byte) in changes {
            let place = index.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(program) = Program::decode(&bytes) {
            prop_assert_eq!(program.encode(), bytes);
        }
    }
}
