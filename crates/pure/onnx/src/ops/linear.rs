//! Matrix products.

use tensor::Value;

use crate::Fault;
use crate::scope::{Outcome, Scope, common, one};

/// `alpha a b + beta c`, with a and b turned where the node says so.
pub(super) fn gemm(s: &mut Scope<'_>) -> Outcome {
    let kind = s.float_kind(0)?;
    s.same_kind(0)?;
    for index in [0, 1] {
        let dims = s.dims(index)?;
        if dims.len() != 2 {
            return Err(Fault::Extents { what: "a factor must be a matrix", dims });
        }
    }
    let a = if s.node.flag("transA", false)? { s.turned(0)? } else { s.value(0)? };
    let b = if s.node.flag("transB", false)? { s.turned(1)? } else { s.value(1)? };
    let product = s.b.matmul(a, b)?;
    let alpha = s.node.float("alpha", 1.0)?;
    let mut sum = times(s, product, alpha)?;
    if s.has(2) {
        let dims = s.b.shape_of(sum).dims().to_vec();
        let c = s.value(2)?;
        let c = s.widen(c, &dims)?;
        let beta = s.node.float("beta", 1.0)?;
        let c = times(s, c, beta)?;
        sum = s.b.add(sum, c)?;
    }
    one(sum, kind)
}

/// `x * factor`, which is nothing to do for 1.
#[expect(clippy::float_cmp, reason = "exactly 1 is what changes nothing")]
fn times(s: &mut Scope<'_>, x: Value, factor: f64) -> Result<Value, Fault> {
    if factor == 1.0 {
        return Ok(x);
    }
    let factor = s.like(x, factor)?;
    Ok(s.b.mul(x, factor)?)
}

/// numpy's product: vectors are rows or columns, leading axes broadcast.
pub(super) fn matmul(s: &mut Scope<'_>) -> Outcome {
    let kind = s.same_kind(0)?;
    let (mut left, mut right) = (s.dims(0)?, s.dims(1)?);
    if left.is_empty() || right.is_empty() {
        return Err(Fault::Extents { what: "a factor must have an axis", dims: left });
    }
    let (row, column) = (left.len() == 1, right.len() == 1);
    if row {
        left.insert(0, 1);
    }
    if column {
        right.push(1);
    }
    let (a, b) = (s.value(0)?, s.value(1)?);
    let (a, b) = (s.shaped(a, &left)?, s.shaped(b, &right)?);
    let (rows, inner) = (left[left.len() - 2], left[left.len() - 1]);
    let columns = right[right.len() - 1];
    let (outer_left, outer_right) = (&left[..left.len() - 2], &right[..right.len() - 2]);
    let mut outer = common(&[outer_left.to_vec(), outer_right.to_vec()])?;
    let product = if outer_right.iter().all(|extent| *extent == 1) {
        // One matrix on the right: all rows on the left are one matrix, and nothing is repeated.
        let all = outer_left.iter().product::<usize>() * rows;
        let a = s.shaped(a, &[all, inner])?;
        let b = s.shaped(b, &right[right.len() - 2..])?;
        s.b.matmul(a, b)?
    } else {
        let a = s.widen(a, &[&outer[..], &[rows, inner]].concat())?;
        let b = s.widen(b, &[&outer[..], &right[right.len() - 2..]].concat())?;
        s.b.matmul(a, b)?
    };
    outer.extend([(!row).then_some(rows), (!column).then_some(columns)].into_iter().flatten());
    one(s.shaped(product, &outer)?, kind)
}
