//! Prints the figures of the option side, each with its bar: speed of the Programs on one thread.
//!
//! `cargo xtask options` runs it with other engines beside; by itself it is `cargo run --release -p
//! feeds --example options -- [--json]`.

#![expect(clippy::print_stdout, reason = "a program for a person at a terminal")]

mod black;
mod margin;
mod rows;

use rows::Rows;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let json = std::env::args().any(|argument| argument == "--json");
    let mut rows = Rows::new(json);
    black::measure(&mut rows)?;
    margin::measure(&mut rows)?;
    Ok(())
}
