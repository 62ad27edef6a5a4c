//! Roots of tensors and of lists, and a path: what contracts and nodes must agree on.

use serde_json::{Value, json};
use tensor::{Dtype, Hash, Tensor, tree};

use super::json::{bytes, hash, hex, list, text_of};
use crate::dice::Dice;
use crate::special;

/// Element counts around the edges of a chunk (32) and of a node of chunks (512).
const COUNTS: [usize; 5] = [1, 32, 33, 512, 513];

/// A count whose tree has three levels of nodes.
const COUNT_DEEP: usize = 20_000;

pub(super) fn generate() -> Value {
    let mut dice = Dice::new(0x7265_6574);
    let mut tensors = Vec::new();
    for dtype in [Dtype::F32, Dtype::I32, Dtype::F64] {
        tensors.extend(COUNTS.map(|count| tensor_case(&mut dice, dtype, count)));
    }
    tensors.push(tensor_case(&mut dice, Dtype::F32, COUNT_DEEP));
    let lists = [1, 2, 16, 17, 257].map(|count| list_case(&mut dice, count));
    let places = [(1, 0), (2, 1), (16, 15), (17, 16), (257, 255), (257, 256)];
    let paths = places.map(|place| path_case(&mut dice, place));
    json!({
        "about": "docs/protocol.md, section 1: roots of tensors and of lists of roots, and paths",
        "version": 1,
        "tensors": tensors,
        "lists": lists,
        "paths": paths,
    })
}

fn tensor_case(dice: &mut Dice, dtype: Dtype, count: usize) -> Value {
    let tensor = special::tensor(dice, dtype, &[count]);
    json!({
        "dtype": dtype.to_string(),
        "count": count,
        "chunks": chunks(&tensor).iter().map(|chunk| hex(chunk)).collect::<Vec<_>>(),
        "root": tensor.root().to_string(),
    })
}

/// Cuts a tensor's bytes into chunks of 32 elements, the last one filled up with zero bytes.
fn chunks(tensor: &Tensor) -> Vec<Vec<u8>> {
    let size = 32 * tensor.dtype().size();
    let fill = |chunk: &[u8]| {
        let mut chunk = chunk.to_vec();
        chunk.resize(size, 0);
        chunk
    };
    tensor.to_bytes().chunks(size).map(fill).collect()
}

fn roots(dice: &mut Dice, count: usize) -> Vec<Hash> {
    (0..count).map(|_| Hash::of(&[&dice.long().to_le_bytes()])).collect()
}

fn texts(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(Hash::to_string).collect()
}

fn list_case(dice: &mut Dice, count: usize) -> Value {
    let roots = roots(dice, count);
    json!({ "roots": texts(&roots), "root": tree::root(&roots).to_string() })
}

fn path_case(dice: &mut Dice, (count, index): (usize, usize)) -> Value {
    let leaves = roots(dice, count);
    json!({
        "count": count,
        "index": index,
        "leaf": leaves[index].to_string(),
        "siblings": texts(&tree::siblings(&leaves, index)),
        "root": tree::root(&leaves).to_string(),
    })
}

pub(super) fn check(file: &Value) {
    for case in list(&file["tensors"]) {
        let chunks: Vec<Vec<u8>> = list(&case["chunks"]).iter().map(bytes).collect();
        let leaves: Vec<Hash> = chunks.iter().map(|chunk| tree::leaf(chunk)).collect();
        let (dtype, count) = (text_of(&case["dtype"]), &case["count"]);
        assert_eq!(tree::root(&leaves), hash(&case["root"]), "tensor of {count} {dtype}");
    }
    for case in list(&file["lists"]) {
        let roots: Vec<Hash> = list(&case["roots"]).iter().map(hash).collect();
        assert_eq!(tree::root(&roots), hash(&case["root"]), "list of {}", roots.len());
    }
    for case in list(&file["paths"]) {
        let number = |name: &str| case[name].as_u64().expect("a number");
        let siblings: Vec<Hash> = list(&case["siblings"]).iter().map(hash).collect();
        let (leaf, place) = (hash(&case["leaf"]), (number("index"), number("count")));
        assert_eq!(tree::climb(leaf, place, &siblings), Some(hash(&case["root"])), "{place:?}");
    }
}
