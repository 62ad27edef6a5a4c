//! What the judge refuses: noise, and openings that are too few, too many, or of another place.
//! That it agrees with the interpreter in every op is shown by the disputes in `tests/suite`.

use proptest::prelude::*;
use tensor::{Builder, Dtype, Hash, Node, Program, Tensor, tree};

use super::{CheckError, Opened, Openings, Step, chain_end, element, step};
use crate::record::{Brief, Shown};
use crate::trace::{Sheet, chain_states};

fn brief(program: &Program, op: usize, operands: &[&Tensor]) -> Brief {
    let encode = |place: &usize| program.nodes()[*place].encode();
    let node = &program.nodes()[op];
    Brief {
        op: node.encode(),
        operands: node.op.operands().iter().map(encode).collect(),
        roots: operands.iter().map(|operand| operand.root()).collect(),
    }
}

fn show(tensor: &Tensor, element: usize) -> Shown {
    let sheet = Sheet::of(tensor);
    let chunk = element / tree::CHUNK_ELEMENTS;
    let siblings = tree::siblings(&sheet.leaves, chunk);
    Shown { chunk: sheet.chunk(chunk as u64).to_vec(), siblings }
}

fn openings<'a>(opened: &'a Opened, chain: Hash, shown: &'a [Shown]) -> Openings<'a> {
    Openings { opened, trace: (Hash::ZERO, 0), chain, shown }
}

fn ramp(dims: &[usize]) -> Tensor {
    let count: usize = dims.iter().product();
    let list = (0..count).map(|i| i32::try_from(i * 7 % 31).expect("small")).collect();
    Tensor::i32(dims, list).expect("as many as the extents count")
}

/// `matmul([2, 70], [70, 3])` and its operands.
fn product() -> (Program, Tensor, Tensor) {
    let mut b = Builder::new();
    let x = b.input(Dtype::I32, &[2, 70]).expect("an input");
    let y = b.input(Dtype::I32, &[70, 3]).expect("an input");
    let z = b.matmul(x, y).expect("they fit");
    (b.finish(&[z]).expect("an output"), ramp(&[2, 70]), ramp(&[70, 3]))
}

fn states(node: &Node, a: &Tensor, b: &Tensor, element: usize) -> Tensor {
    chain_states(node, &[a, b], element).expect("matmul has chains")
}

#[test]
fn every_step_of_a_product_is_its_next_state() {
    let (program, a, b) = product();
    let opened = Opened::read(&brief(&program, 2, &[&a, &b])).expect("well formed");
    let outputs = tensor::eval(&program, &[a.clone(), b.clone()]).expect("they fit");
    for of in 0..6 {
        let chain = states(&program.nodes()[2], &a, &b, of);
        let (entries, sheet) = (chain.as_i32().expect("i32"), Sheet::of(&chain));
        for (at, entry) in entries.iter().enumerate() {
            let mut shown = vec![show(&a, of / 3 * 70 + at), show(&b, at * 3 + of % 3)];
            if at > 0 && at % 32 == 0 {
                shown.push(show(&chain, at - 1));
            }
            let chunk = sheet.chunk(at as u64 / 32);
            let here = Step { element: of as u64, step: at as u64, chunk };
            let judged = step(&opened, here, &mut openings(&opened, chain.root(), &shown));
            assert_eq!(judged, Ok(u64::from(entry.cast_unsigned())));
            shown.push(show(&a, 0));
            let more = step(&opened, here, &mut openings(&opened, chain.root(), &shown));
            assert!(matches!(more, Err(CheckError::OpeningCount { .. })));
        }
        let end = chain_end(&opened, chain.root(), &[show(&chain, 69)]);
        let right = outputs[0].as_i32().expect("i32")[of].cast_unsigned();
        assert_eq!(end.map(|end| end.0), Ok(u64::from(right)));
        let early = chain_end(&opened, chain.root(), &[show(&chain, 0)]);
        assert!(matches!(early, Err(CheckError::Mismatch { .. })));
    }
}

#[test]
fn an_opening_of_another_place_is_refused() {
    let mut b = Builder::new();
    let x = b.input(Dtype::I32, &[70]).expect("an input");
    let y = b.neg(x).expect("any dtype");
    let program = b.finish(&[y]).expect("an output");
    let x = ramp(&[70]);
    let opened = Opened::read(&brief(&program, 1, &[&x])).expect("well formed");
    let judge =
        |of: u64, shown: &[Shown]| element(&opened, of, &mut openings(&opened, Hash::ZERO, shown));
    assert_eq!(judge(33, &[show(&x, 33)]), Ok(u64::from((-(33 * 7 % 31_i32)).cast_unsigned())));
    let other = judge(33, &[show(&x, 0)]);
    assert!(matches!(other, Err(CheckError::Mismatch { expected, .. }) if expected == x.root()));
    let mut node = show(&x, 33);
    node.siblings.pop();
    let short = CheckError::Mismatch { expected: x.root(), got: Hash::ZERO };
    assert_eq!(judge(33, &[node]), Err(short));
    let mut long = show(&x, 33);
    long.chunk.extend([0; 128]);
    assert_eq!(judge(33, &[long]), Err(CheckError::OpeningCount { expected: 128, got: 256 }));
    assert_eq!(judge(33, &[]), Err(CheckError::OpeningCount { expected: 1, got: 0 }));
    assert_eq!(judge(70, &[]), Err(CheckError::NoSuchPlace { place: 70, count: 70 }));
}

#[test]
fn a_brief_of_an_ill_formed_op_is_refused() {
    let (program, a, b) = product();
    let right = brief(&program, 2, &[&a, &b]);
    assert!(Opened::read(&right).is_ok());
    let mut swapped = right.clone();
    swapped.operands.swap(0, 1);
    assert_eq!(Opened::read(&swapped).err(), Some(CheckError::IllFormed));
    let mut rootless = right.clone();
    rootless.roots.pop();
    assert_eq!(Opened::read(&rootless).err(), Some(CheckError::IllFormed));
    let input = Brief { op: program.nodes()[0].encode(), ..Brief::default() };
    assert_eq!(Opened::read(&input).err(), Some(CheckError::IllFormed));
}

/// The hash of a brief is keccak(abi.encode(brief)), worked out by hand for one brief.
#[test]
fn a_brief_is_hashed_as_the_contract_does() {
    let brief = Brief {
        op: vec![0xaa; 33],
        operands: vec![vec![0xbb], vec![]],
        roots: vec![Hash([0xcc; 32])],
    };
    let word = |n: u8| {
        let mut word = [0u8; 32];
        word[31] = n;
        word
    };
    let mut one = [0u8; 32];
    one[0] = 0xbb;
    let mut tail = [0u8; 32];
    tail[0] = 0xaa;
    let words = [
        word(0x20),
        // Offsets of the three fields, from the first of them.
        word(0x60),
        word(0xc0),
        [&[0u8; 30][..], &[0x01, 0x80]].concat().try_into().expect("a word"),
        // op
        word(33),
        [0xaa; 32],
        tail,
        // operands: two, their offsets, then each
        word(2),
        word(0x40),
        word(0x80),
        word(1),
        one,
        word(0),
        // roots
        word(1),
        [0xcc; 32],
    ];
    assert_eq!(brief.hash(), Hash::of(&[&words.concat()]));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes of an op changed anywhere are refused or judged, and never panic.
    #[test]
    fn changed_briefs_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        which in 0_usize..2, at in 0_u64..80, of in 0_u64..7,
    ) {
        let (program, a, b) = product();
        let mut brief = brief(&program, 2, &[&a, &b]);
        for (index, byte) in changes {
            let bytes = if which == 0 { &mut brief.op } else { &mut brief.operands[1] };
            let place = index.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(opened) = Opened::read(&brief) {
            let shown = [show(&a, 0), show(&b, 0)];
            let mut from = openings(&opened, Hash::ZERO, &shown);
            let _ = element(&opened, of, &mut from);
            let _ = step(&opened, Step { element: of, step: at, chunk: &[0; 128] }, &mut from);
            let _ = chain_end(&opened, Hash::ZERO, &shown);
        }
    }
}
