//! Writes the golden vectors into a folder, or checks that they are there: `vectors FOLDER
//! [--check]`.
//!
//! *Invariant: `--check` changes nothing.* Absent: a choice of which file; they are written
//! together.

#![expect(clippy::print_stdout, reason = "a tool for a terminal")]

use std::path::Path;

use anyhow::{Context, bail};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, check) = match arguments.as_slice() {
        [folder] => (Path::new(folder), false),
        [folder, flag] if flag == "--check" => (Path::new(folder), true),
        _ => bail!("usage: vectors FOLDER [--check]"),
    };
    for (name, text) in laws::vectors::generate() {
        let path = folder.join(name);
        let committed = std::fs::read_to_string(&path).ok();
        if committed.as_deref() == Some(text.as_str()) {
            println!("{name}: unchanged");
        } else if check {
            bail!("{name} is not what the reference interpreter gives");
        } else {
            std::fs::write(&path, text).with_context(|| path.display().to_string())?;
            println!("{name}: written");
        }
    }
    Ok(())
}
