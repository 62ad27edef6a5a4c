//! Prints the figures of the option side, each with its bar: speed of the Programs on one thread,
//! and fits of real chains.
//!
//! `cargo xtask options` runs it with other engines beside; by itself it is `cargo run --release -p
//! feeds --example options -- [--json] [--dump FILE] FILE ...` with files of option chains;
//! `--dump` writes the points that are fitted to, for other engines.

#![expect(clippy::print_stdout, reason = "a program for a person at a terminal")]

mod black;
mod implied;
mod margin;
mod rows;
mod surface;

use std::fs::File;
use std::path::PathBuf;

use rows::Rows;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let (mut json, mut dump, mut files) = (false, None, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => json = true,
            "--dump" => dump = arguments.next().map(File::create).transpose()?,
            file => files.push(PathBuf::from(file)),
        }
    }
    let mut rows = Rows::new(json);
    black::measure(&mut rows)?;
    implied::measure(&mut rows)?;
    margin::measure(&mut rows)?;
    for file in &files {
        surface::measure(&mut rows, file, dump.as_mut())?;
    }
    Ok(())
}
