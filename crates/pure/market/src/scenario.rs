//! Portfolio margin: what an account would lose in each scenario of a grid, and the worst of it.
//!
//! A scenario moves the forward by a share and the volatility by a share that grows towards expiry
//! (`(30 days / days)^power`); every leg is revalued by Black-76. The grid is wide or narrow as the
//! margin models say ([`Width`] is an input of the Programs), its form is constant ([`Grid`]).
//!
//! With `w` a scenario's weight, `V` a leg's value and `q` its position:
//!
//! - *array* of a leg: `w (V' - V)`, by scenario, for one unit: what a contract is given with a
//!   proof, and needs nothing but products and sums for;
//! - *scan* = max(0, -min over scenarios of the sum of `q` times array);
//! - *least* = `(net |sum of q delta| + hedged (sum of |q delta| - |sum of q delta|) / 2) spot`;
//! - *initial* = max(scan, least) + short options' contingency + provision;
//! - *maintenance* = share (initial - provision) + provision.
//!
//! The static grid is the published one of Paradex ("Portfolio Margin", docs.paradex.trade/risk):
//! 16 scenarios to +-16 % and 8 extended tails whose weight keeps a linear position's loss at the
//! half-width. Contingencies are as at Deribit and Derive: a share of spot for every short option.
//!
//! A contract gets the arrays of all its instruments as one claimed tensor ([`book`]), and margins
//! accounts with integers ([`ledger`]).
//!
//! *Total: whatever enters, margins are not negative; what is no number asks for infinity.*
//!
//! Absent: offsets between underlyings (sum the accounts' margins), and netting of short calls with
//! long puts.

mod account;
mod book;
mod grid;
pub mod ledger;

pub use account::{Kind, Leg, account, account_inputs, arrays, arrays_inputs};
pub use book::{Market, book, book_inputs};
pub use grid::{Grid, Scenario, Width};
