//! Rows seen through their inner products.
//!
//! A [`Span`] is a list of vectors, each a weighted sum of the rows: the weights f64[m, n], the
//! inner products of the vectors f64[m, m], and the rows themselves f64[n, d]. Taking other
//! weighted sums of the vectors changes both matrices by small products and leaves the rows alone.
//! Where a rule wants the previous aggregate, it is one more row and one more vector, which is
//! carried along untouched: all extents are then one more.
//!
//! *Invariant: the previous aggregate, if there, is the last vector.*
//! Absent: vectors that are not sums of rows, such as a coordinate-wise median.

use tensor::{BuildError, Builder, Dtype, Tensor, Value};

use crate::aggregate::network;
use crate::parts::{Built, clamp, fill, float};

/// Vectors that are weighted sums of rows.
#[derive(Clone, Debug)]
pub(super) struct Span {
    /// The rows and perhaps the previous aggregate.
    rows: Value,
    /// The vectors' weights.
    weights: Value,
    /// The vectors' inner products.
    products: Value,
    /// Vectors without the previous aggregate.
    pub(super) count: usize,
    /// 1 with the previous aggregate, 0 without.
    more: usize,
}

impl Span {
    /// The rows i32[d] themselves, and the previous aggregate f32[d] where it is wanted.
    pub(super) fn new(
        b: &mut Builder,
        rows: &[Value],
        previous: Option<Value>,
    ) -> Result<Span, BuildError> {
        let (n, d) = (rows.len(), b.shape_of(rows[0]).count());
        let mut all = widened(b, rows)?;
        if let Some(previous) = previous {
            let previous = b.convert(previous, Dtype::F64)?;
            all = b.concat(&[all, previous], 0)?;
        }
        let more = usize::from(previous.is_some());
        let rows = b.reshape(all, &[n + more, d])?;
        let across = b.transpose(rows, &[1, 0])?;
        let products = b.matmul(rows, across)?;
        let weights = identity(b, n + more)?;
        Ok(Span { rows, weights, products, count: n, more })
    }

    /// Goes on with `count` weighted sums of the vectors, by weights f64[count, m].
    pub(super) fn mix(
        &mut self,
        b: &mut Builder,
        weights: Value,
        count: usize,
    ) -> Result<(), BuildError> {
        let weights = self.widened(b, weights, count)?;
        let across = b.transpose(weights, &[1, 0])?;
        let half = b.matmul(weights, self.products)?;
        self.products = b.matmul(half, across)?;
        self.weights = b.matmul(weights, self.weights)?;
        self.count = count;
        Ok(())
    }

    /// The weights of `count` new vectors, and of the previous aggregate where there is one.
    fn widened(&self, b: &mut Builder, weights: Value, count: usize) -> Built {
        if self.more == 0 {
            return Ok(weights);
        }
        let corner = b.pad(weights, &[0, 0], &[1, 1])?;
        let last = b.constant(unit(count + 1, self.count + 1))?;
        b.add(corner, last)
    }

    /// The squared lengths of the vectors, f64[1, m], none below 0.
    pub(super) fn squares(&self, b: &mut Builder) -> Built {
        let m = self.count;
        let products = b.slice(self.products, &[0, 0], &[m, m])?;
        let diagonal = identity(b, m)?;
        let squares = b.mul(products, diagonal)?;
        let squares = b.sum(squares, 0)?;
        let squares = b.reshape(squares, &[1, m])?;
        // Of a mixture that cancels, rounding can leave less than nothing.
        let zero = fill(b, squares, 0.0)?;
        b.max(squares, zero)
    }

    /// The squared distances between the vectors, f64[m, m], none below 0.
    pub(super) fn distances(&self, b: &mut Builder) -> Built {
        let m = self.count;
        let products = b.slice(self.products, &[0, 0], &[m, m])?;
        let across = self.squares(b)?;
        let down = b.transpose(across, &[1, 0])?;
        let (down, across) = (b.broadcast(down, &[m, m])?, b.broadcast(across, &[m, m])?);
        let both = b.add(down, across)?;
        let twice = fill(b, products, -2.0)?;
        let distances = b.fma(twice, products, both)?;
        let zero = fill(b, distances, 0.0)?;
        b.max(distances, zero)
    }

    /// The squared distances of the vectors from one weighted sum of all, f64[1, m], none below 0;
    /// `center` has a weight for each, f64[1, m], or one more.
    pub(super) fn distances_from(&self, b: &mut Builder, center: Value) -> Built {
        let m = self.count;
        let along = b.matmul(center, self.products)?;
        let down = b.transpose(center, &[1, 0])?;
        let own = b.matmul(along, down)?;
        let own = b.broadcast(own, &[1, m])?;
        let squares = self.squares(b)?;
        let both = b.add(squares, own)?;
        let along = b.slice(along, &[0, 0], &[1, m])?;
        let twice = fill(b, along, -2.0)?;
        let distances = b.fma(twice, along, both)?;
        let zero = fill(b, distances, 0.0)?;
        b.max(distances, zero)
    }

    /// One weighted sum of the vectors, f64[d]; `weights` is f64[1, m], or one more.
    ///
    /// Each element is one chain of fused multiply-adds from +0, rows ascending.
    pub(super) fn sum(&self, b: &mut Builder, weights: Value) -> Built {
        let weights = b.matmul(weights, self.weights)?;
        let sum = b.matmul(weights, self.rows)?;
        let d = b.shape_of(sum).count();
        b.reshape(sum, &[d])
    }

    /// The vectors rounded to i32[d] each, halves up.
    pub(super) fn rounded(&self, b: &mut Builder) -> Result<Vec<Value>, BuildError> {
        let (m, d) = (self.count, b.shape_of(self.rows).dims()[1]);
        let extent = b.shape_of(self.weights).dims()[1];
        let weights = b.slice(self.weights, &[0, 0], &[m, extent])?;
        let vectors = b.matmul(weights, self.rows)?;
        let half = fill(b, vectors, 0.5)?;
        let vectors = b.add(vectors, half)?;
        let vectors = b.floor(vectors)?;
        let vectors = b.convert(vectors, Dtype::I32)?;
        let mut rounded = Vec::with_capacity(m);
        for row in 0..m {
            let vector = b.slice(vectors, &[row, 0], &[row + 1, d])?;
            rounded.push(b.reshape(vector, &[d])?);
        }
        Ok(rounded)
    }

    /// The weights of the accepted vectors, and for each other of their mean, f64[m, m]; `accepted`
    /// is i32[m], at least one of them 1.
    pub(super) fn without_rejected(&self, b: &mut Builder, accepted: Value) -> Built {
        let m = self.count;
        let flags = b.convert(accepted, Dtype::F64)?;
        let total = b.sum(flags, 0)?;
        let total = b.reshape(total, &[1, 1])?;
        let across = b.reshape(flags, &[1, m])?;
        let total = b.broadcast(total, &[1, m])?;
        let share = b.div(across, total)?;
        let share = b.broadcast(share, &[m, m])?;
        let down = b.reshape(accepted, &[m, 1])?;
        let down = b.broadcast(down, &[m, m])?;
        let own = identity(b, m)?;
        b.select(down, own, share)
    }

    /// The weights of bucket means, f64[m', m], and their number.
    pub(super) fn bucketing(
        &self,
        b: &mut Builder,
        size: usize,
        order: Value,
    ) -> Result<(Value, usize), BuildError> {
        let m = self.count;
        let count = m.div_ceil(size);
        let mut share = vec![0.0; count * m];
        for row in 0..m {
            let bucket = row / size;
            let members = size.min(m - bucket * size);
            share[bucket * m + row] = 1.0 / float(members);
        }
        let share = b.constant(Tensor::f64(&[count, m], share).expect("one share for each"))?;
        let order = b.slice(order, &[0], &[m])?;
        let order = b.reshape(order, &[m, 1])?;
        let order = b.broadcast(order, &[m, m])?;
        let place = b.iota(&[m, m], 1)?;
        let turned = b.eq(order, place)?;
        let turned = b.convert(turned, Dtype::F64)?;
        Ok((b.matmul(share, turned)?, count))
    }

    /// The weights of each vector's nearest, f64[m, m].
    pub(super) fn neighbours(&self, b: &mut Builder, liars: usize) -> Built {
        let m = self.count;
        let distances = self.distances(b)?;
        let sorted = sorted_rows(b, distances)?;
        let near = least(b, distances, (sorted[m - liars - 1], m - liars))?;
        b.transpose(near, &[1, 0])
    }

    /// The weights of the vectors none of which is longer than a quantile, f64[m, m].
    pub(super) fn clip(&self, b: &mut Builder, liars: usize) -> Built {
        let m = self.count;
        let squares = self.squares(b)?;
        let lengths = b.sqrt(squares)?;
        let down = b.reshape(lengths, &[m, 1])?;
        let sorted = sorted_rows(b, down)?;
        let clipped = 2 * liars * (m - liars) / m;
        let bound = b.broadcast(sorted[m - clipped - 1], &[1, m])?;
        let within = b.le(lengths, bound)?;
        let one = fill(b, lengths, 1.0)?;
        let factor = b.div(bound, lengths)?;
        let factor = b.select(within, one, factor)?;
        let factor = b.broadcast(factor, &[m, m])?;
        let diagonal = identity(b, m)?;
        b.mul(diagonal, factor)
    }
}

/// Rows i32[d], clamped, one after the other, f64[n d].
pub(super) fn widened(b: &mut Builder, rows: &[Value]) -> Built {
    let stacked = b.concat(rows, 0)?;
    let stacked = clamp(b, stacked)?;
    b.convert(stacked, Dtype::F64)
}

/// The rows of a matrix sorted column by column, least first, each f64[1, columns].
pub(super) fn sorted_rows(b: &mut Builder, matrix: Value) -> Result<Vec<Value>, BuildError> {
    let (rows, columns) = (b.shape_of(matrix).dims()[0], b.shape_of(matrix).dims()[1]);
    let mut list = Vec::with_capacity(rows);
    for row in 0..rows {
        list.push(b.slice(matrix, &[row, 0], &[row + 1, columns])?);
    }
    network::sort(b, &list)
}

/// Equal weights of the `count` least elements of each column, of which `bound`, f64[1, columns],
/// is the greatest; of those that tie with it the first rows are taken.
pub(super) fn least(b: &mut Builder, matrix: Value, (bound, count): (Value, usize)) -> Built {
    let dims = *b.shape_of(matrix);
    let (rows, columns) = (dims.dims()[0], dims.dims()[1]);
    let bound = b.broadcast(bound, &[rows, columns])?;
    let (below, tied) = (b.lt(matrix, bound)?, b.eq(matrix, bound)?);
    let (below, tied) = (b.convert(below, Dtype::F64)?, b.convert(tied, Dtype::F64)?);
    let taken = b.sum(below, 0)?;
    let taken = b.reshape(taken, &[1, columns])?;
    let taken = b.broadcast(taken, &[rows, columns])?;
    let above = strictly_lower(b, rows)?;
    let earlier = b.matmul(above, tied)?;
    let place = b.add(taken, earlier)?;
    let all = fill(b, place, float(count))?;
    let fits = b.lt(place, all)?;
    let fits = b.convert(fits, Dtype::F64)?;
    let chosen = b.fma(tied, fits, below)?;
    b.div(chosen, all)
}

/// A matrix that sums, for each row, the rows above it.
fn strictly_lower(b: &mut Builder, extent: usize) -> Built {
    let ones = (0..extent * extent).map(|at| f64::from(at % extent < at / extent)).collect();
    b.constant(Tensor::f64(&[extent, extent], ones).expect("one element for each"))
}

fn identity(b: &mut Builder, extent: usize) -> Built {
    let mut elements = vec![0.0; extent * extent];
    elements.iter_mut().step_by(extent + 1).for_each(|x| *x = 1.0);
    b.constant(Tensor::f64(&[extent, extent], elements).expect("one element for each"))
}

/// A matrix with a 1 in its last corner.
fn unit(rows: usize, columns: usize) -> Tensor {
    let mut elements = vec![0.0; rows * columns];
    elements[rows * columns - 1] = 1.0;
    Tensor::f64(&[rows, columns], elements).expect("one element for each")
}
