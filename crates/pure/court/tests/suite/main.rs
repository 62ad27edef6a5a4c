//! Disputes from the first word to the verdict: whoever lies loses, whoever does not never does.

mod duel;
mod every_op;
mod liars;
mod order;
mod runs;
mod silence;
mod steps;
