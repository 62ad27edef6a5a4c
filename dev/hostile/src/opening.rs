//! Openings of chunks: an honest one, changed as the bytes say, is never taken.
//!
//! *Invariant: only the opening that was made is valid, at the place it was made for.*

use court::{Place, Verdict, opening};
use tensor::{Dtype, Tensor};

use crate::choices::Choices;

/// Changes an opening of a tensor, and where it is looked for, and asks the verifier.
pub(crate) fn opening(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let dtype = Dtype::ALL[usize::from(choices.byte()) % 3];
    // Up to three levels, with a short last chunk and short last nodes.
    let count = choices.number() % 9_000 + 1;
    let tensor = filled(dtype, count);
    let chunks = count.div_ceil(tensor::tree::CHUNK_ELEMENTS);
    let honest_place = Place { dtype, count, chunk: choices.number() % chunks };
    let honest = opening::open(&tensor, honest_place.chunk).expect("there is such a chunk");
    let (mut shown, mut place, mut root) = (honest.clone(), honest_place, tensor.root());
    let mut moved = false;
    while !choices.is_empty() {
        match choices.byte() % 8 {
            0 => place.chunk = choices.number(),
            1 => place.count = choices.number(),
            2 => place.dtype = Dtype::ALL[usize::from(choices.byte()) % 3],
            3 => {
                let change = choices.byte();
                root.0[usize::from(choices.byte()) % 32] ^= change;
                moved |= change != 0;
            }
            _ => change((&mut shown.chunk, &mut shown.siblings), &mut choices),
        }
    }
    let same = !moved && shown == honest && root == tensor.root() && place == honest_place;
    match opening::verify(root, place, &shown) {
        Ok(Verdict::Valid) if !same => assert!(
            shown == honest && root == tensor.root() && equivalent(place, honest_place),
            "an opening that was not made was taken: {place:?}, made for {honest_place:?}"
        ),
        Ok(Verdict::Invalid(fault)) if same => panic!("an honest opening was refused: {fault}"),
        Err(error) if same => panic!("an honest question cannot be asked: {error}"),
        _ => {}
    }
}

/// Whether two places read the same leaf by the same way. The geometry is the asker's word, and a
/// count with as many siblings leads there too: what is missing from a node stands in it as zeros.
fn equivalent(place: Place, honest: Place) -> bool {
    let way = |place: Place| {
        let chunks = place.count.div_ceil(tensor::tree::CHUNK_ELEMENTS);
        tensor::tree::way_len((place.chunk as u64, chunks as u64))
    };
    place.dtype.size() == honest.dtype.size()
        && place.chunk == honest.chunk
        && way(place) == way(honest)
}

/// Changes the chunk or the way up.
pub(crate) fn change(
    (chunk, siblings): (&mut Vec<u8>, &mut Vec<tensor::Hash>),
    choices: &mut Choices<'_>,
) {
    match choices.byte() % 6 {
        0 => {
            let (at, flip) = (choices.number(), choices.byte());
            let length = chunk.len();
            if length > 0 {
                chunk[at % length] ^= flip;
            }
        }
        1 => chunk.resize(choices.number() % 600, 0),
        2 => drop(siblings.pop()),
        3 => siblings.push(tensor::Hash([choices.byte(); 32])),
        4 => {
            let (at, byte, flip) = (choices.number(), choices.number(), choices.byte());
            let count = siblings.len();
            if count > 0 {
                siblings[at % count].0[byte % 32] ^= flip;
            }
        }
        _ => siblings.reverse(),
    }
}

/// A tensor whose chunks all differ.
fn filled(dtype: Dtype, count: usize) -> Tensor {
    let numbers = (1i32..).take(count);
    let tensor = match dtype {
        Dtype::I32 => Tensor::i32(&[count], numbers.collect()),
        Dtype::F64 => Tensor::f64(&[count], numbers.map(f64::from).collect()),
        Dtype::F32 => {
            Tensor::f32(&[count], numbers.map(|n| f32::from_bits(n.cast_unsigned())).collect())
        }
    };
    tensor.expect("as many as counted")
}
