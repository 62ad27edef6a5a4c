//! What is claimed about a computation, and how a part of it is shown to somebody who holds one
//! hash.
//!
//! Two rooms. [`opening`] turns tensors into roots and shows single chunks of them
//! (docs/protocol.md §1): a consumer of a result reads values out of its outputs root in no other
//! way. [`claim`] is the optimistic claim, the exact mirror of the contract `ICourt`: open, then
//! frozen by a challenge or final after its window, then released by the consumer that relied on
//! it.
//!
//! Invariant: what a claim machine took as bonds equals what it holds plus what it gave back.
//!
//! Deliberately absent: conviction. A frozen claim is released without fault until disputes exist;
//! they will start from [`claim::State::Frozen`] and end a claim in one more state. There is no
//! hashing here either: leaves and nodes are `tensor::tree`.

pub mod claim;
pub mod opening;

pub use claim::{Address, Challenge, Claim, Court, Event, Input, Refusal, State, Terms};
pub use opening::{CheckError, Fault, Opening, OutputOpening, Place, Verdict};
