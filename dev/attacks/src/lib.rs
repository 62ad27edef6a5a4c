//! Liars against aggregation rules: who they are, what is trained meanwhile, and how it ends.
//!
//! A [`fight`] is one training: a linear classifier or log-HAR, 25 nodes (or fewer in tests), of
//! which some lie by one [`attack`], a split of the data over the nodes, one aggregation rule, one
//! seed. Rules are ours, as Programs on the kernels ([`ours`]), or those of the package byzfl
//! in a child process ([`peer`]); both get the same rows, since gradients and lies are made here.
//!
//! *Invariant: a fight with our rules is decided by its seed, to the last bit, on any machine.*
//! Absent: pay, commitments and blobs; here only the rule is attacked.

pub mod attack;
pub mod chance;
pub mod cost;
pub mod data;
pub mod fight;
pub mod ours;
pub mod peer;
pub mod recipes;
pub mod speed;
pub mod summary;
pub mod table;
pub mod task;
pub mod volatility;

/// Units of an update's coordinate: rows are i32 multiples of 2^-20, so ±16 is the largest.
pub const QUANTA: f64 = 1_048_576.0;

/// Whoever turns rows into one: ours or a peer.
pub trait Aggregate {
    /// Returns the aggregate of these rows in units of the rows, and remembers it if the rule needs
    /// the previous one.
    ///
    /// # Errors
    ///
    /// If the rule cannot answer; a peer may have died.
    fn aggregate(&mut self, rows: &[Vec<i32>]) -> anyhow::Result<Vec<f32>>;

    /// Returns what the aggregate would be, and remembers nothing.
    ///
    /// # Errors
    ///
    /// As [`Aggregate::aggregate`].
    fn attempt(&mut self, rows: &[Vec<i32>]) -> anyhow::Result<Vec<f32>>;
}
