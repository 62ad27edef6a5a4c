//! What an operator sees of its node while it writes ops.

use std::sync::Arc;

use tensor::{Builder, Value};

use crate::Fault;
use crate::known::{Data, Kind, Known};
use crate::node::Node;

/// No list of extents, axes or sizes is longer; so reading it for every node stays cheap.
const INTS_MAX: usize = 1 << 12;

/// A value of the graph.
#[derive(Clone, Debug)]
pub(crate) enum Term {
    /// It depends on no input.
    Known(Arc<Known>),
    /// It is computed by the Program.
    Computed(Value, Kind),
}

/// An operand, with where it stands in the Program once it does.
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    pub(crate) term: Term,
    pub(crate) lowered: Option<Value>,
}

/// What an operator gives: a term a result, or why not.
pub(crate) type Outcome = Result<Vec<Term>, Fault>;

/// A node while its ops are written.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) b: &'a mut Builder,
    pub(crate) node: &'a Node,
    pub(crate) operands: &'a mut [Option<Operand>],
    /// How many elements may still be computed while reading.
    pub(crate) budget: &'a mut usize,
}

/// The one result of most operators.
pub(crate) fn one(value: Value, kind: Kind) -> Outcome {
    Ok(vec![Term::Computed(value, kind)])
}

/// A number as an f64: extents are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "extents are below 2^31")]
pub(crate) const fn float(count: usize) -> f64 {
    count as f64
}

impl Scope<'_> {
    pub(crate) fn has(&self, index: usize) -> bool {
        self.operands.get(index).is_some_and(Option::is_some)
    }

    pub(crate) fn operand(&self, index: usize) -> Result<&Operand, Fault> {
        self.operands.get(index).and_then(Option::as_ref).ok_or(Fault::Missing { index })
    }

    pub(crate) fn kind(&self, index: usize) -> Result<Kind, Fault> {
        match &self.operand(index)?.term {
            Term::Known(known) => Ok(known.kind),
            Term::Computed(_, kind) => Ok(*kind),
        }
    }

    /// The kind of an operand that must be float.
    pub(crate) fn float_kind(&self, index: usize) -> Result<Kind, Fault> {
        let kind = self.kind(index)?;
        if kind.is_float() { Ok(kind) } else { Err(Fault::Kind { expected: "float32 or float64" }) }
    }

    /// The kind that operands from `first` on share.
    pub(crate) fn same_kind(&self, first: usize) -> Result<Kind, Fault> {
        let kind = self.kind(first)?;
        for index in first + 1..self.operands.len() {
            if self.has(index) && self.kind(index)? != kind {
                return Err(Fault::Kind { expected: "of one kind in all operands" });
            }
        }
        Ok(kind)
    }

    /// The extents of an operand.
    pub(crate) fn dims(&self, index: usize) -> Result<Vec<usize>, Fault> {
        match &self.operand(index)?.term {
            Term::Known(known) => Ok(known.dims.clone()),
            Term::Computed(value, _) => Ok(self.b.shape_of(*value).dims().to_vec()),
        }
    }

    /// An operand as a value of the Program; a known one becomes a constant, once.
    pub(crate) fn value(&mut self, index: usize) -> Result<Value, Fault> {
        let operand = self.operands.get_mut(index).and_then(Option::as_mut);
        let operand = operand.ok_or(Fault::Missing { index })?;
        let value = match (&operand.term, operand.lowered) {
            (Term::Computed(value, _), _) => return Ok(*value),
            (Term::Known(_), Some(value)) => return Ok(value),
            (Term::Known(known), None) => self.b.constant(known.to_tensor()?)?,
        };
        operand.lowered = Some(value);
        Ok(value)
    }

    /// An operand that must not depend on an input.
    pub(crate) fn known(&self, index: usize) -> Result<&Known, Fault> {
        match &self.operand(index)?.term {
            Term::Known(known) => Ok(known),
            Term::Computed(..) => Err(Fault::Computed { index }),
        }
    }

    /// The integers of an operand that must not depend on an input: extents, axes or places, a
    /// short list.
    pub(crate) fn ints(&self, index: usize) -> Result<&[i64], Fault> {
        match &self.known(index)?.data {
            Data::Whole(values) if values.len() <= INTS_MAX => Ok(values),
            Data::Whole(_) => Err(Fault::Limit { what: "a list of extents or places is too long" }),
            _ => Err(Fault::Kind { expected: "integers" }),
        }
    }

    /// Integers that newer versions take as an operand and older ones as an attribute.
    pub(crate) fn ints_either(
        &self,
        index: usize,
        attribute: &'static str,
    ) -> Result<Option<Vec<i64>>, Fault> {
        if self.has(index) {
            return Ok(Some(self.ints(index)?.to_vec()));
        }
        Ok(self.node.ints(attribute)?.map(<[i64]>::to_vec))
    }

    /// An operand that is a matrix, or several, with its last two axes turned. Turned while
    /// reading where that can be: a weight is then stored the way it is used.
    pub(crate) fn turned(&mut self, index: usize) -> Result<Value, Fault> {
        if let Term::Known(known) = &self.operand(index)?.term {
            let known = Arc::clone(known);
            if self.charge(known.count()) {
                return Ok(self.b.constant(known.turned().to_tensor()?)?);
            }
        }
        let value = self.value(index)?;
        let rank = self.b.shape_of(value).rank();
        let mut perm: Vec<usize> = (0..rank).collect();
        perm.swap(rank - 2, rank - 1);
        Ok(self.b.transpose(value, &perm)?)
    }

    /// Takes from what may be computed while reading, if there is as much.
    pub(crate) fn charge(&mut self, elements: usize) -> bool {
        let left = self.budget.checked_sub(elements);
        *self.budget = left.unwrap_or(*self.budget);
        left.is_some()
    }

    /// As [`Scope::charge`], where there is no other way.
    pub(crate) fn must_charge(&mut self, elements: usize) -> Result<(), Fault> {
        let what = "too many elements would be computed while reading";
        if self.charge(elements) { Ok(()) } else { Err(Fault::Limit { what }) }
    }

    /// An axis as numpy counts it, from the end if negative, for a tensor of this rank.
    pub(crate) fn axis(axis: i64, rank: usize) -> Result<usize, Fault> {
        let extent = i64::try_from(rank).unwrap_or(i64::MAX);
        let axis = if axis < 0 { axis.saturating_add(extent) } else { axis };
        let found = usize::try_from(axis).ok().filter(|axis| *axis < rank);
        found.ok_or(Fault::Extents { what: "there is no such axis", dims: vec![rank] })
    }

    /// Several axes, ascending and each once.
    pub(crate) fn axes(axes: &[i64], rank: usize) -> Result<Vec<usize>, Fault> {
        let axes = axes.iter().map(|axis| Scope::axis(*axis, rank));
        let mut axes = axes.collect::<Result<Vec<_>, _>>()?;
        axes.sort_unstable();
        let count = axes.len();
        axes.dedup();
        if axes.len() == count {
            return Ok(axes);
        }
        Err(Fault::Extents { what: "an axis is named twice", dims: axes })
    }

    /// A tensor of this kind and these extents, every element `value`.
    pub(crate) fn full(&mut self, kind: Kind, dims: &[usize], value: f64) -> Result<Value, Fault> {
        Ok(self.b.full(kind.dtype(), dims, value)?)
    }

    /// A tensor like this one, every element `value`.
    pub(crate) fn like(&mut self, x: Value, value: f64) -> Result<Value, Fault> {
        let (dtype, dims) = (self.b.dtype_of(x), self.b.shape_of(x).dims().to_vec());
        Ok(self.b.full(dtype, &dims, value)?)
    }

    /// The value in these extents, which it broadcasts to.
    pub(crate) fn widen(&mut self, x: Value, dims: &[usize]) -> Result<Value, Fault> {
        if self.b.shape_of(x).dims() == dims {
            return Ok(x);
        }
        Ok(self.b.broadcast(x, dims)?)
    }

    /// The value with these extents, which have as many elements.
    pub(crate) fn shaped(&mut self, x: Value, dims: &[usize]) -> Result<Value, Fault> {
        if self.b.shape_of(x).dims() == dims {
            return Ok(x);
        }
        Ok(self.b.reshape(x, dims)?)
    }
}

/// The extents that all of these broadcast to, by numpy's rule: aligned at the last axis, those
/// of 1 expand.
pub(crate) fn common(shapes: &[Vec<usize>]) -> Result<Vec<usize>, Fault> {
    let rank = shapes.iter().map(Vec::len).max().unwrap_or(0);
    let mut dims = vec![1; rank];
    for shape in shapes {
        for (at, extent) in dims[rank - shape.len()..].iter_mut().zip(shape) {
            match (*at, *extent) {
                (a, b) if a == b || b == 1 => {}
                (1, b) => *at = b,
                _ => {
                    let what = "extents of two operands do not broadcast";
                    return Err(Fault::Extents { what, dims: shape.clone() });
                }
            }
        }
    }
    Ok(dims)
}
