//! Elementwise chains over one shape, with constants written next to what they are used for.
//!
//! A kernel keeps a filled block for every constant of a group, so equal constants are one value.
//! Absent: anything that moves elements.

use std::collections::BTreeMap;

use tensor::{BuildError, Builder, Dtype, Value};

type Built = Result<Value, BuildError>;

/// A builder whose every value has these extents.
pub(crate) struct Elements<'b> {
    pub(crate) b: &'b mut Builder,
    dims: Vec<usize>,
    constants: BTreeMap<u64, Value>,
}

impl<'b> Elements<'b> {
    pub(crate) fn new(b: &'b mut Builder, dims: &[usize]) -> Elements<'b> {
        Elements { b, dims: dims.to_vec(), constants: BTreeMap::new() }
    }

    /// The number at every place, f64.
    pub(crate) fn number(&mut self, x: f64) -> Built {
        if let Some(known) = self.constants.get(&x.to_bits()) {
            return Ok(*known);
        }
        let value = self.b.full(Dtype::F64, &self.dims, x)?;
        self.constants.insert(x.to_bits(), value);
        Ok(value)
    }

    /// `x * factor`.
    pub(crate) fn times(&mut self, x: Value, factor: f64) -> Built {
        let factor = self.number(factor)?;
        self.b.mul(x, factor)
    }

    /// `x + term`.
    pub(crate) fn plus(&mut self, x: Value, term: f64) -> Built {
        let term = self.number(term)?;
        self.b.add(x, term)
    }

    /// `a * b + term`, rounded once.
    pub(crate) fn fma(&mut self, a: Value, b: Value, term: f64) -> Built {
        let term = self.number(term)?;
        self.b.fma(a, b, term)
    }

    /// `x`, but at least `least`; NaN stays.
    pub(crate) fn at_least(&mut self, x: Value, least: f64) -> Built {
        let least = self.number(least)?;
        self.b.max(x, least)
    }

    /// `x`, but at most `most`; NaN stays.
    pub(crate) fn at_most(&mut self, x: Value, most: f64) -> Built {
        let most = self.number(most)?;
        self.b.min(x, most)
    }

    /// 1 where `x < limit`, else 0, i32.
    pub(crate) fn below(&mut self, x: Value, limit: f64) -> Built {
        let limit = self.number(limit)?;
        self.b.lt(x, limit)
    }
}
