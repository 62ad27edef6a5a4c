//! One node: an event loop that wires the round's machine to the chain, the peers, the disk and the
//! kernels.
//!
//! Crash-only: [`run`] opens what the directory holds, joins the registry if it has not, and from
//! then on compares the chain with what ought to be there. Nothing is done at the end, and a
//! restart at any point goes on where the chain is.
//!
//! Invariant: what a restart needs is on disk before anything that depends on it leaves the
//! process.
//!
//! Deliberately absent: decisions. What to do in a round is `round::Machine`'s to say; this crate
//! does it.

mod aggregation;
mod challenges;
pub mod checkpoint;
mod config;
mod docket;
mod error;
mod executor;
mod eye;
mod gather;
pub mod grids;
mod job;
pub mod journal;
pub mod keys;
mod lie;
mod missed;
mod panel;
mod peers;
mod prices;
pub mod privacy;
mod private;
mod publisher;
mod pulse;
pub mod report;
mod review;
mod runner;
pub mod scores;
pub mod store;
mod tensors;
mod training;
mod transact;
mod updates;

pub use aggregation::{Outcome, aggregate, update_tensor};
pub use config::{Config, Slice, Source};
pub use error::NodeError;
pub use executor::{Bent, Kernels};
pub use job::{
    ACCOUNTS, BUDGET_TOKENS, CAPACITY, CUMULATIVE, GRID_BAND, GRID_ROWS, Job, Pace, QUORUM,
    SCORED_DAYS, hash, word,
};
pub use lie::Lie;
pub use privacy::Privacy;
pub use private::{Private, PrivatePace, PrivatePrograms, private_update};
pub use publisher::market_id;
pub use pulse::Pulse;
pub use runner::run;
pub use tensors::{TensorStore, TensorStoreError};
pub use training::train_honestly;
