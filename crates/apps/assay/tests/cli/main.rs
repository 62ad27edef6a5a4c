//! What only the binary can show: processes that live, die and start again, and what a person reads
//! when they cannot.
//!
//! Every test has a directory of its own, and every process it starts is ended with it, also when
//! it fails. Tests wait for conditions, never for a time; the bounds are there so that a hang ends
//! with the log of what hung.
//!
//! Deliberately absent: whatever a library's own tests show (numbers, contracts, the round's
//! machine, the pages).

mod attack_cost;
mod backtest;
mod crash;
mod data;
mod harness;
mod hosts;
mod house;
mod open;
mod operate;
mod options;
mod outside;
mod private;
mod program;
mod refusals;
mod replays;
mod rounds;
mod shadow;
