//! What is claimed about a computation, how a part of it is shown to somebody who holds one hash,
//! and how a wrong claim is convicted (docs/court.md).
//!
//! Rooms, from the outside in. [`opening`] turns tensors into roots and shows single chunks of them
//! to a consumer of a result. [`claim`] is the optimistic claim and its disputes, the exact mirror
//! of the contract `ICourt`; [`record`] is a dispute in data, [`header`] the geometry it starts
//! from, [`judge`] the one scalar step that decides it. [`trace`] is what a party knows of an
//! execution, and [`advocate`] makes that party's moves.
//!
//! Invariant: geometry comes from the Program, never from who asserts, and what a claim machine
//! took as bonds equals what it holds plus what it gave back, advanced and burnt.
//!
//! Deliberately absent: hashing (leaves and nodes are `tensor::tree`), arithmetic (the judge asks
//! the reference interpreter), transport of moves, and a memory of disputes: what a party needs to
//! go on stands on the chain.

mod address;
pub mod advocate;
mod bits;
pub mod claim;
pub mod header;
pub mod judge;
pub mod opening;
pub mod record;
pub mod trace;

pub use address::Address;
pub use claim::{
    Call, Claim, Convictor, Court, Event, Gas, Input, Move, Refusal, State, Terms, bond_floor_wei,
};
pub use opening::{CheckError, Fault, Opening, OutputOpening, Place, Verdict};
pub use record::{Brief, Dispute, Shown, ShownOp, Side, Stage, Turn};
