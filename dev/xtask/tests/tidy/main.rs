//! What no compiler checks: sizes, floors, links, words.
//!
//! Each test looks at the files that git would commit (tracked, or new and not ignored), and its
//! failure names the file, the line, and what to do.
//!
//! *Invariant: a rule that a reader must keep in mind is either checked here or not a rule.*
//! Absent: what clippy checks (lengths of functions, counts of parameters, banned methods).

mod docs;
mod files;
mod floors;
mod sizes;
mod words;

/// Fails with one line per finding.
fn report(rule: &str, findings: Vec<String>) {
    assert!(findings.is_empty(), "{rule}\n  {}\n", findings.join("\n  "));
}
