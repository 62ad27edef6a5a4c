//! Chains: ops whose element depends on many, judged one step at a time.
//!
//! Entry k of a chain is the accumulator after step k; for argmax the index so far; for sum, entry
//! e is lane e mod 32 after adding element e, and the lanes that are left at the end are folded
//! here.
//!
//! Invariant: the state before the first entry is what docs/numerics.md says, and nobody's word.
//! Absent: whole chains.

use tensor::{Dtype, Hash, Op, Shape, scalar::Scalar, tree};

use super::{CheckError, Need, Opened, Openings, Source, position};
use crate::bits::{self, Bits};
use crate::record::{CHUNK, Shown};

/// Lanes of a sum: as many as a chunk has elements.
const LANES: u64 = CHUNK;

/// Runs `$f` with `$t` standing for the element type of a dtype.
macro_rules! by_dtype {
    ($dtype:expr, $t:ident => $f:expr) => {
        match $dtype {
            Dtype::F32 => {
                type $t = f32;
                $f
            }
            Dtype::F64 => {
                type $t = f64;
                $f
            }
            Dtype::I32 => {
                type $t = i32;
                $f
            }
        }
    };
}

/// One step of the chain of one element.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The element of the op's tensor.
    pub element: u64,
    /// Which entry of its chain.
    pub step: u64,
    /// The chunk in which the entry stands.
    pub chunk: &'a [u8],
}

impl Step<'_> {
    /// Whether the entry before stands in another chunk.
    const fn is_first_of_chunk(&self) -> bool {
        self.step > 0 && self.step.is_multiple_of(CHUNK)
    }

    /// Returns the entry before this one, `None` at the first: from the same chunk, or from
    /// opening `at`.
    fn before(
        &self,
        dtype: Dtype,
        from: &mut dyn Source,
        at: usize,
    ) -> Result<Option<u64>, CheckError> {
        let Some(entry) = self.step.checked_sub(1) else { return Ok(None) };
        if self.is_first_of_chunk() {
            return from.read(at, Need::State { entry }).map(Some);
        }
        let state = bits::element(dtype, self.chunk, entry % CHUNK);
        state.map(Some).ok_or(CheckError::IllFormed)
    }
}

/// Returns the bits of an entry of a chain, from the state before it and what it depends on.
///
/// # Errors
///
/// [`CheckError`] if the source does not show what docs/court.md names for this step.
pub fn step(opened: &Opened, at: Step<'_>, from: &mut dyn Source) -> Result<u64, CheckError> {
    let count = opened.chain_len().ok_or(CheckError::IllFormed)?;
    if at.step >= count || at.element >= opened.count() {
        return Err(CheckError::NoSuchPlace { place: at.step, count });
    }
    let far = u64::from(at.is_first_of_chunk());
    match &opened.op {
        Op::Matmul(..) => {
            from.count(2 + far)?;
            let (m, n) = (extent(opened.shape_of(0)?, 2)?, extent(opened.shape_of(1)?, 1)?);
            let (row, column) = (at.element / n, at.element % n);
            let element = row * count + at.step;
            let x = from.read(0, Need::Operand { place: 0, element })?;
            let element = (row / m * count + at.step) * n + column;
            let y = from.read(1, Need::Operand { place: 1, element })?;
            let state = at.before(opened.dtype, from, 2)?.unwrap_or(0);
            Ok(by_dtype!(opened.dtype, T => {
                T::from_bits64(x).op_fma(T::from_bits64(y), T::from_bits64(state)).bits64()
            }))
        }
        Op::Sum { axis, .. } => {
            from.count(1 + u64::from(at.step >= LANES))?;
            let next = from.read(0, along(opened.shape_of(0)?, *axis, at.element, at.step))?;
            let state = match at.step.checked_sub(LANES) {
                None => 0,
                Some(entry) => from.read(1, Need::State { entry })?,
            };
            Ok(add(opened.dtype, state, next))
        }
        Op::MaxAxis { axis, .. } => {
            from.count(1 + far)?;
            let next = from.read(0, along(opened.shape_of(0)?, *axis, at.element, at.step))?;
            let state = at.before(opened.dtype, from, 1)?.unwrap_or(next);
            Ok(by_dtype!(opened.dtype, T => {
                T::from_bits64(state).op_max(T::from_bits64(next)).bits64()
            }))
        }
        Op::Argmax { axis, .. } => argmax(opened, *axis, at, from),
        Op::ScatterAdd { axis, extent, .. } => scatter(opened, (*axis, *extent), at, from),
        _ => Err(CheckError::IllFormed),
    }
}

fn argmax(
    opened: &Opened,
    axis: usize,
    at: Step<'_>,
    from: &mut dyn Source,
) -> Result<u64, CheckError> {
    let x = opened.shape_of(0)?;
    from.count(1 + u64::from(at.step > 0) + u64::from(at.is_first_of_chunk()))?;
    let next = from.read(0, along(x, axis, at.element, at.step))?;
    let Some(best) = at.before(opened.dtype, from, 2)? else { return Ok(0) };
    // The state before is agreed, so between honest parties it is an index below this step.
    let place = position(best, at.step);
    let place = place.ok_or(CheckError::NoSuchPlace { place: best, count: at.step })?;
    let greatest = from.read(1, along(x, axis, at.element, place))?;
    let dtype = opened.operands.first().map(|(dtype, _)| *dtype).ok_or(CheckError::IllFormed)?;
    let after = by_dtype!(dtype, T => {
        T::from_bits64(next).comes_after(T::from_bits64(greatest))
    });
    Ok(if after { at.step } else { best })
}

fn scatter(
    opened: &Opened,
    (axis, extent): (usize, usize),
    at: Step<'_>,
    from: &mut dyn Source,
) -> Result<u64, CheckError> {
    let (updates, indices) = (opened.shape_of(0)?, opened.shape_of(1)?.count() as u64);
    let blocks: usize = updates.dims()[..axis].iter().product();
    let after = updates.count() as u64 / blocks as u64 / indices;
    let extent = extent as u64;
    let index = from.read(0, Need::Operand { place: 1, element: at.step })?;
    let hit = position(index, extent) == Some(at.element / after % extent);
    from.count(1 + u64::from(hit) + u64::from(at.is_first_of_chunk()))?;
    let state = at.before(opened.dtype, from, 1 + usize::from(hit))?.unwrap_or(0);
    if !hit {
        return Ok(state);
    }
    let block = at.element / after / extent;
    let element = (block * indices + at.step) * after + at.element % after;
    Ok(add(opened.dtype, state, from.read(1, Need::Operand { place: 0, element })?))
}

/// Returns the value a chain ends in, from its last chunk (for sum also the one before, if there
/// is one and the last is not full).
///
/// # Errors
///
/// [`CheckError`] if the chunks are not those of the chain with this root.
pub fn chain_end(
    opened: &Opened,
    chain: Hash,
    last: &[Shown],
) -> Result<(u64, Vec<Hash>), CheckError> {
    let count = opened.chain_len().ok_or(CheckError::IllFormed)?;
    let trace = (Hash::ZERO, 0);
    let shown = Openings { opened, trace, chain, shown: last };
    let over = count % LANES;
    let sum = matches!(opened.op, Op::Sum { .. });
    let two = sum && count > LANES && over > 0;
    shown.count(1 + u64::from(two))?;
    let (end, children) = shown.crown(0, opened.dtype, (count - 1, count), chain)?;
    if !sum {
        return Ok((element(opened, end, (count - 1) % CHUNK)?, children));
    }
    let earlier =
        if two { shown.chunk(1, opened.dtype, (count - 1 - over, count), chain)? } else { &[] };
    let mut lanes = [0; tree::CHUNK_ELEMENTS];
    for (lane, sum) in (0..).zip(&mut lanes) {
        if over == 0 || lane < over {
            *sum = element(opened, end, lane)?;
        } else if two {
            *sum = element(opened, earlier, lane)?;
        }
    }
    let mut half = lanes.len() / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = add(opened.dtype, lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    Ok((lanes[0], children))
}

fn element(opened: &Opened, chunk: &[u8], place: u64) -> Result<u64, CheckError> {
    bits::element(opened.dtype, chunk, place).ok_or(CheckError::IllFormed)
}

/// Returns the need of entry `step` of the fibre along `axis` that gives `element`.
fn along(x: Shape, axis: usize, element: u64, step: u64) -> Need {
    let (_, extent, after) = x.around(axis);
    let after = after as u64;
    let element = (element / after * extent as u64 + step) * after + element % after;
    Need::Operand { place: 0, element }
}

/// Returns the extent of the axis this many from the last.
fn extent(x: Shape, from_last: usize) -> Result<u64, CheckError> {
    let place = x.rank().checked_sub(from_last).ok_or(CheckError::IllFormed)?;
    Ok(x.dims()[place] as u64)
}

fn add(dtype: Dtype, a: u64, b: u64) -> u64 {
    by_dtype!(dtype, T => T::from_bits64(a).op_add(T::from_bits64(b)).bits64())
}
