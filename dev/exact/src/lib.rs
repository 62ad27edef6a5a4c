//! The elementary functions of f32, correctly rounded, to hold the ones of `docs/numerics.md`
//! against.
//!
//! Nothing here shares a line, a polynomial or a constant with what it judges. An argument is
//! tried in f64 with the port of msun in the crate `libm` first; where that, give or take far more
//! than its error, could round either way, the series of [`series`] decides in 512-bit integers
//! with an error bound that is counted (Ziv's strategy). [`sweep`] compares the kernels with the
//! result on every one of the 2^32 arguments; `cargo xtask exhaustive` runs it.
//!
//! *Invariant: what [`nearest`](nearest::nearest) returns is the f32 nearest to the real value;
//! where that could not be decided it panics.*
//! Absent: f64 results, other rounding modes, speed at any price.

pub mod function;
pub mod nearest;
pub mod record;
pub mod series;
pub mod sweep;

pub use function::Function;
