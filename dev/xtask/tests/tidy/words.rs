//! Words that do not belong in the project, in one place.

use super::{files, report};

/// What is searched for, and why it is not wanted. Halves are joined so that this file passes.
const BANNED: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "an absolute path of somebody's machine"),
    (concat!("/ho", "me/"), "an absolute path of somebody's machine"),
    (concat!("/Use", "rs/"), "an absolute path of somebody's machine"),
    (concat!("index.crates", ".io"), "a registry's host; cargo knows it"),
    (concat!("static.crates", ".io"), "a registry's host; cargo knows it"),
    (concat!("registry.npmjs", ".org"), "a registry's host; npm knows it"),
    (concat!("FIX", "ME"), "open an issue and fix it there"),
    (concat!("XX", "X "), "say what is meant"),
    (concat!("as an AI", " language"), "not a sentence of this project"),
];

#[test]
fn no_banned_words() {
    let mut findings = Vec::new();
    for file in files::all().iter().filter(|file| !file.is_vendored()) {
        for (index, line) in file.text.lines().enumerate() {
            for (word, why) in BANNED.iter().filter(|(word, _)| line.contains(word)) {
                findings.push(format!("{}:{}: {word:?}: {why}", file.path, index + 1));
            }
        }
    }
    report("these words do not belong in the project", findings);
}

#[test]
fn what_is_left_to_do_has_an_issue() {
    let word = concat!("TO", "DO");
    let mut findings = Vec::new();
    for file in files::all().iter().filter(|file| !file.is_vendored()) {
        for (index, line) in file.text.lines().enumerate() {
            let mut after = line.split(word).skip(1);
            if after.any(|rest| !rest.starts_with("(#")) {
                findings.push(format!("{}:{}", file.path, index + 1));
            }
        }
    }
    report("work that is left names its issue: `(#12)` right after the word", findings);
}

#[test]
fn lock_files_name_no_host() {
    let mut findings = Vec::new();
    for file in files::all().iter().filter(|file| file.path.ends_with("package-lock.json")) {
        for (index, line) in file.text.lines().enumerate() {
            if line.contains("\"resolved\": \"http") {
                findings.push(format!("{}:{}", file.path, index + 1));
            }
        }
    }
    report("set omit-lockfile-registry-resolved=true in .npmrc and write the lock again", findings);
}
