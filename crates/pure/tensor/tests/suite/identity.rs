//! Hashes that must never change, and what opens against them.

use proptest::prelude::*;
use tensor::{Dtype, Hash, Program, Tensor, tree};

use crate::samples::{every_op, f32s, linear};

/// A change here is a change of identity: every Program ever registered would lose its name.
const LINEAR: &str = "0xf079d9bccfbea7ae7629d65194f94fbf1b6947396f4cc062c28440c91ffd9049";
const EVERY_OP: &str = "0x5d6c6595a00fad2c42331042e6e5c4987848aa72d741310218eb7076dcf49474";

#[test]
fn program_hashes_are_golden() {
    let hash = |program: Program| program.hash().to_string();
    assert_eq!(hash(linear().expect("well formed")), LINEAR);
    assert_eq!(hash(every_op().expect("well formed")), EVERY_OP);
}

#[test]
fn everything_a_program_says_is_in_its_hash() {
    let program = |dims: &[usize], twice: bool, shift: bool| {
        let mut b = tensor::Builder::new();
        let x = b.input(Dtype::I32, dims).expect("an input");
        let y = if shift { b.shl(x, x) } else { b.shr(x, x) }.expect("fits");
        let outputs = if twice { vec![y, y] } else { vec![y] };
        b.finish(&outputs).expect("an output").hash()
    };
    let base = program(&[4], false, false);
    assert_eq!(base, program(&[4], false, false));
    let others =
        [program(&[2, 2], false, false), program(&[4], true, false), program(&[4], false, true)];
    assert!(others.iter().all(|other| *other != base));
}

#[test]
fn one_op_opens_against_the_hash() {
    let program = every_op().expect("well formed");
    let leaves: Vec<Hash> =
        program.nodes().iter().map(|node| tree::op_leaf(&node.encode())).collect();
    let number = |n: usize| u32::try_from(n).expect("small").to_le_bytes().to_vec();
    let mut head = [vec![3], number(leaves.len()), number(program.outputs().len())].concat();
    program.outputs().iter().for_each(|output| head.extend(number(*output)));
    head.extend(number(program.inputs().len()));
    for (dtype, shape) in program.inputs() {
        head.extend([dtype.code(), u8::try_from(shape.rank()).expect("small")]);
        shape.dims().iter().for_each(|extent| head.extend(number(*extent)));
    }
    let root = tree::root(&leaves);
    assert_eq!(program.hash(), Hash::of(&[&head, &root.0]));
    let count = u64::try_from(leaves.len()).expect("small");
    assert_eq!(tree::climb(leaves[17], (17, count), &tree::siblings(&leaves, 17)), Some(root));
}

#[test]
fn siblings_lead_from_every_leaf_to_the_root_and_nothing_else_does() {
    let leaf = |i: usize| tree::leaf(&u64::try_from(i).expect("small").to_le_bytes());
    for count in [1, 2, 15, 16, 17, 33, 256, 257] {
        let leaves: Vec<Hash> = (0..count).map(leaf).collect();
        let (root, width) = (tree::root(&leaves), u64::try_from(count).expect("small"));
        for index in [0, count / 2, count - 1] {
            let mut siblings = tree::siblings(&leaves, index);
            let place = (u64::try_from(index).expect("small"), width);
            assert_eq!(tree::climb(leaves[index], place, &siblings), Some(root));
            assert_eq!(tree::way_len(place), siblings.len());
            let crowned = tree::crown_siblings(&leaves, index);
            let crown = tree::crown(leaves[index], place, &crowned).expect("they fit");
            assert_eq!((crown.0, crown.1.is_empty()), (root, count == 1));
            assert!(crown.1.is_empty() || tree::node(&crown.1) == root);
            let longer = [&crowned[..], &[root]].concat();
            assert_eq!(tree::crown(leaves[index], place, &longer), None);
            siblings.push(root);
            assert_eq!(tree::climb(leaves[index], place, &siblings), None);
            siblings.truncate(siblings.len().saturating_sub(2));
            if count > 1 {
                assert_eq!(tree::climb(leaves[index], place, &siblings), None);
            }
        }
    }
}

#[test]
fn the_tail_of_the_last_chunk_is_zero() {
    let mut padded = vec![0u8; 128];
    padded[..4].copy_from_slice(&1.5f32.to_le_bytes());
    assert_eq!(f32s(&[1.5]).root(), tree::leaf(&padded));
    let wide = Tensor::f64(&[33], vec![1.0; 33]).expect("33 elements");
    let mut last = vec![0u8; 256];
    last[..8].copy_from_slice(&1f64.to_le_bytes());
    assert_eq!(wide.chunk_leaves()[1], tree::leaf(&last));
    assert_eq!(wide.root(), tree::node(&wide.chunk_leaves()));
}

#[test]
fn hashes_print_and_parse() {
    let hash = Hash::of(&[b"assay"]);
    assert_eq!(hash.to_string().len(), 66);
    assert_eq!(hash.to_string().parse(), Ok(hash));
    assert_eq!(hash.to_string()[2..].to_uppercase().parse(), Ok(hash));
    assert!("0x".parse::<Hash>().is_err());
    assert!(format!("0x{}g", "0".repeat(63)).parse::<Hash>().is_err());
    let text = serde_json::to_string(&hash).expect("a string");
    assert_eq!(text, format!("\"{hash}\""));
    assert_eq!(serde_json::from_str::<Hash>(&text).expect("a hash"), hash);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Each leaf verifies at its place and nowhere else; one changed bit is always seen.
    #[test]
    fn siblings_prove_one_place(
        count in 1usize..600,
        index in any::<prop::sample::Index>(),
        elsewhere in any::<prop::sample::Index>(),
        flip in (any::<prop::sample::Index>(), 0usize..32),
    ) {
        let leaf = |i: usize| Hash::of(&[&i.to_string().into_bytes()]);
        let leaves: Vec<Hash> = (0..count).map(leaf).collect();
        let root = tree::root(&leaves);
        let (index, elsewhere) = (index.index(count), elsewhere.index(count));
        let mut siblings = tree::siblings(&leaves, index);
        let leads = |leaf: usize, at: usize, siblings: &[Hash]| {
            tree::climb(leaves[leaf], (at as u64, count as u64), siblings) == Some(root)
        };
        prop_assert!(leads(index, index, &siblings));
        if elsewhere != index {
            prop_assert!(!leads(index, elsewhere, &siblings));
            prop_assert!(!leads(elsewhere, index, &siblings));
        }
        if !siblings.is_empty() {
            let at = flip.0.index(siblings.len());
            siblings[at].0[flip.1] ^= 1;
            prop_assert!(!leads(index, index, &siblings));
            siblings.pop();
            prop_assert!(!leads(index, index, &siblings));
        }
    }
}
