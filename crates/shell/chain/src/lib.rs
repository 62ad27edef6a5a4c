//! The chain, as the nodes see it.
//!
//! Everything speaks standard Ethereum JSON-RPC: [`embedded`] is an EVM chain in this process
//! behind a loopback port, [`Client`] is the typed way to any such chain, [`deploy`] puts the
//! contracts on it and [`index`] folds its events into rounds, claims, reports, accounts and
//! transactions.
//!
//! Invariant: nothing outside [`embedded`] knows which chain it talks to, so that the embedded
//! chain and a public one differ in a URL and a key.
//!
//! Deliberately absent: keys at rest (the caller hands in a signer), retries that outlive a call,
//! and any decision about what to send (that is the crate `round`).

pub mod abi;
pub mod client;
pub mod contracts;
pub mod deploy;
pub mod embedded;
pub mod index;
pub mod local;

pub use client::{Client, ClientError, Mined};
pub use contracts::{ClaimState, Phase};
pub use deploy::Deployment;
pub use index::History;
