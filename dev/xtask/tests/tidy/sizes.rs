//! Sizes: a stranger finds any behaviour in two minutes, so files and lines stay short.

use super::{files, report};

/// A file above this is named in the output; the next change to it should split it.
const LINES_WARN: usize = 600;
const LINES_MAX: usize = 1_000;
const COLUMNS_MAX: usize = 100;

#[test]
fn files_stay_short() {
    let mut findings = Vec::new();
    for file in files::all() {
        let source = ["rs", "sol", "mjs", "js"].iter().any(|kind| file.has_extension(kind));
        let lines = file.text.lines().count();
        if !source || file.is_vendored() || lines <= LINES_WARN {
            continue;
        }
        if lines > LINES_MAX {
            findings.push(format!("{}: {lines} lines", file.path));
        } else {
            println!("warning: {}: {lines} lines, above {LINES_WARN}", file.path);
        }
    }
    report("a file has at most 1,000 lines: split it where its doc says \"and\"", findings);
}

#[test]
fn lines_of_rust_fit_the_screen() {
    let mut findings = Vec::new();
    for file in files::all().iter().filter(|file| file.has_extension("rs")) {
        for (index, line) in file.text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > COLUMNS_MAX && !line.contains("https://") {
                findings.push(format!("{}:{}: {columns} columns", file.path, index + 1));
            }
        }
    }
    report("a line has at most 100 columns; `cargo xtask wrap` wraps comments", findings);
}

#[test]
fn every_module_says_what_it_is() {
    let mut findings = Vec::new();
    for file in files::all() {
        let module = file.has_extension("rs") && file.path.contains("/src/");
        if module && !file.text.lines().take(3).any(|line| line.starts_with("//!")) {
            findings.push(file.path);
        }
    }
    report("a module opens with `//!`: what it is, its invariant, what is absent", findings);
}

#[test]
fn every_module_is_used() {
    let all = files::all();
    let mut findings = Vec::new();
    for file in all.iter().filter(|file| file.has_extension("rs")) {
        let Some((crate_path, inside)) = file.path.split_once("/src/") else { continue };
        let stem = inside.trim_end_matches(".rs").trim_end_matches("/mod");
        let name = stem.rsplit('/').next().unwrap_or(stem);
        if inside.starts_with("bin/") || matches!(inside, "lib.rs" | "main.rs") {
            continue;
        }
        let declaration = format!("mod {name};");
        let source = format!("{crate_path}/src/");
        if !all.iter().any(|f| f.path.starts_with(&source) && f.text.contains(&declaration)) {
            findings.push(file.path.clone());
        }
    }
    report("a file that no `mod` names is dead", findings);
}
