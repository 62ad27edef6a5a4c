//! A deterministic simulator: N real state machines and the ledger, in one thread, from one seed.
//!
//! A run has two phases. In the first the world is hostile: packets are lost, late and doubled, the
//! network splits, processes are killed between any two effects and come back from their disks,
//! nodes see the chain late, join and leave, a third of the seats may lie. [`Checkers`] look at
//! every step. Then everything heals, and the network must settle rounds, pay everybody and return
//! every bond within a bound of blocks.
//!
//! Invariant: a run is a function of its seed and its size; [`check`] runs each twice and compares
//! everything that happened.
//!
//! Deliberately absent: sockets, disks, clocks, threads within a run, and options by hand. A
//! failure is a seed, and `cargo xtask sim --seed N` shows it again.

pub mod behaviour;
pub mod check;
pub mod node;
pub mod options;
pub mod rng;
mod run;
pub mod sabotage;
pub mod sweep;
mod transcript;
pub mod work;
pub mod world;
pub mod worth;

pub use behaviour::Behaviour;
pub use check::{Checkers, Violation};
pub use options::{Options, Size};
pub use run::{Failure, Report, check, check_at_once, run, sabotaged, trace};
pub use sabotage::Sabotage;
pub use world::{Setting, World};
