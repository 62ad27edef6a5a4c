//! Links in the documents lead somewhere: to a file, and to a heading where they name one.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::files::{self, File};
use super::report;

#[test]
fn relative_links_resolve() {
    let documents: Vec<File> = files::all();
    let documents: Vec<&File> =
        documents.iter().filter(|f| f.has_extension("md") && !f.is_vendored()).collect();
    let mut findings = Vec::new();
    for document in &documents {
        for (line, link) in links(&document.text) {
            if let Some(reason) = broken(document, &link, &documents) {
                findings.push(format!("{}:{line}: {link}: {reason}", document.path));
            }
        }
    }
    report("a link must lead somewhere", findings);
}

/// Returns why a link leads nowhere, if it does.
fn broken(document: &File, link: &str, documents: &[&File]) -> Option<&'static str> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    let folder = Path::new(&document.path).parent().unwrap_or(Path::new(""));
    let target = match path {
        "" => PathBuf::from(&document.path),
        path => normal(&folder.join(path)),
    };
    if !files::root().join(&target).exists() {
        return Some("there is no such file");
    }
    let target = documents.iter().find(|d| Path::new(&d.path) == target)?;
    if heading.is_empty() || headings(&target.text).contains(heading) {
        return None;
    }
    Some("the file has no such heading")
}

/// Returns the targets of the Markdown links outside code fences, each with its line.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for rest in line.split("](").skip(1) {
            if let Some((target, _)) = rest.split_once(')') {
                found.push((index + 1, target.to_owned()));
            }
        }
    }
    found
}

/// Returns the anchors of a document's headings: lower case, hyphens for spaces, no punctuation.
fn headings(text: &str) -> BTreeSet<String> {
    let keep = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        _ => None,
    };
    let anchor = |line: &str| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        title.chars().filter_map(keep).collect()
    };
    text.lines().filter(|line| line.starts_with('#')).map(anchor).collect()
}

/// Resolves `.` and `..` in a path without asking the disk.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

#[test]
fn headings_become_anchors() {
    let found = headings("# The protocol\n## 2 A round\n### `Tree`, again\ntext");
    let wanted = ["2-a-round", "the-protocol", "tree-again"].map(str::to_owned);
    assert_eq!(found, BTreeSet::from(wanted));
}
