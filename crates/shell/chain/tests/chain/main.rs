//! The chain crate against real chains: the embedded one, and anvil where it is installed.

mod arithmetic;
mod clearing;
mod copies;
mod court;
mod fixture;
mod jobs;
mod ledger;
mod panel;
mod persistence;
mod private;
mod protocol;
mod rpc;
mod runs;
