//! What a job's Program must look like, read from its header.
//!
//! Invariant: reading arbitrary bytes never panics.

use court::header::Header;
use tensor::Hash;

use super::Refusal;

/// What an input's type begins with: f32, i32.
const F32: u8 = 0;
const I32: u8 = 2;
/// The most extents of a tensor.
const RANK_MAX: u8 = 6;

/// Returns nothing if the Program's inputs are so many roots and a seed, and its outputs the state.
pub(super) fn check(
    program: Hash,
    bytes: &[u8],
    (input_count, state_count): (usize, u32),
) -> Result<(), Refusal> {
    let got = Header::program(bytes);
    if got != program {
        return Err(Refusal::NotTheHeader { program, got });
    }
    let header = Header::read(bytes).ok_or(Refusal::Malformed)?;
    if usize::try_from(header.input_count).ok() != input_count.checked_add(1) {
        return Err(Refusal::BadTerms { field: "inputs" });
    }
    if header.output_count() != state_count {
        return Err(Refusal::BadTerms { field: "stateCount" });
    }
    let outputs = usize::try_from(state_count).map_err(|_| Refusal::Malformed)?;
    let mut rest = bytes.get(12 + 4 * outputs..).ok_or(Refusal::Malformed)?;
    for place in 0..=input_count {
        let (dtype, dims);
        (dtype, dims, rest) = input_type(rest).ok_or(Refusal::Malformed)?;
        if place + 1 == outputs && !(dtype == F32 && dims == 1_u32.to_le_bytes()) {
            return Err(Refusal::BadTerms { field: "loss" });
        }
        if place == input_count && !(dtype == I32 && dims == 2_u32.to_le_bytes()) {
            return Err(Refusal::BadTerms { field: "seed" });
        }
    }
    // The root of the ops, and nothing else.
    if rest.len() == 32 { Ok(()) } else { Err(Refusal::Malformed) }
}

/// Takes one type off: its dtype, the bytes of its extents, and what follows.
fn input_type(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([dtype, rank], rest) = bytes.split_first_chunk::<2>()?;
    let size = 4 * usize::from(*rank);
    let (dims, rest) = rest.split_at_checked(size)?;
    (*rank <= RANK_MAX).then_some((*dtype, dims, rest))
}
