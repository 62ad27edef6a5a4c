//! Wraps comments at the right margin, which stable rustfmt leaves to people.
//!
//! A comment line that is too long gives its last words to the next line of its paragraph. Nothing
//! else is touched: code, strings, tables, and what stands inside a fence keep their lines.
//!
//! *Invariant: the words and their order stay; only white space inside a paragraph changes.*
//! Absent: joining of short lines.

use std::path::Path;
use std::process::Command;

use anyhow::Context;

/// The right margin, as in rustfmt.toml.
const COLUMNS_MAX: usize = 100;

/// Wraps the comments of every Rust file that git would commit.
pub(crate) fn files(root: &Path) -> anyhow::Result<()> {
    let arguments = ["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"];
    let list = Command::new("git").args(arguments).current_dir(root).output();
    let list = list.context("git does not start; is it installed?")?;
    for name in String::from_utf8_lossy(&list.stdout).lines() {
        let path = root.join(name);
        let text = std::fs::read_to_string(&path).with_context(|| name.to_owned())?;
        let wrapped = wrap(&text);
        if wrapped != text {
            std::fs::write(&path, wrapped).with_context(|| name.to_owned())?;
            println!("{name}: wrapped");
        }
    }
    Ok(())
}

/// Returns a file's text with long comment lines wrapped.
fn wrap(text: &str) -> String {
    let mut out = String::new();
    let mut fenced = false;
    // What the line before could not hold, and the indentation of its paragraph.
    let mut rest: Option<(Comment<'_>, String)> = None;
    for line in text.lines() {
        let comment = Comment::of(line);
        if comment.as_ref().is_some_and(|c| c.words.starts_with("```")) {
            fenced = !fenced;
        }
        let mut line = line.to_owned();
        if let Some((before, words)) = rest.take() {
            match &comment {
                Some(c) if c.start == before.start && c.continues_paragraph() && !fenced => {
                    line = format!("{}{} {}", before.margin(), words, c.words);
                }
                _ => rest_of(&mut out, &before, words),
            }
        }
        if let (Some(c), false) = (&comment, fenced) {
            rest = shorten(&mut line, c).map(|words| (c.clone(), words));
        }
        out.push_str(&line);
        out.push('\n');
    }
    if let Some((before, words)) = rest {
        rest_of(&mut out, &before, words);
    }
    out
}

/// Writes what is left of a paragraph on lines of its own.
fn rest_of(out: &mut String, before: &Comment<'_>, words: String) {
    let mut words = Some(words);
    while let Some(some) = words.take() {
        let mut line = format!("{}{some}", before.margin());
        words = shorten(&mut line, before);
        out.push_str(&line);
        out.push('\n');
    }
}

/// Cuts a line at the last space before the margin; returns the words that were cut off.
fn shorten(line: &mut String, comment: &Comment<'_>) -> Option<String> {
    if line.chars().count() <= COLUMNS_MAX || comment.is_fixed() {
        return None;
    }
    let limit = line.char_indices().nth(COLUMNS_MAX + 1).map_or(line.len(), |(at, _)| at);
    let cut = line[..limit].rfind(' ').filter(|cut| *cut > comment.margin().len())?;
    let words = line[cut + 1..].to_owned();
    line.truncate(cut);
    Some(words)
}

/// A line that holds nothing but a comment.
#[derive(Debug, Clone)]
struct Comment<'a> {
    /// Indentation and slashes, `    ///` for instance.
    start: &'a str,
    /// Spaces between the slashes and the words.
    spaces: usize,
    words: &'a str,
}

impl<'a> Comment<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let inner = line.trim_start();
        let slashes = ["//!", "///", "//"].into_iter().find(|s| inner.starts_with(s))?;
        let size = line.len() - inner.len() + slashes.len();
        let words = line[size..].trim_start();
        Some(Self { start: &line[..size], spaces: line.len() - size - words.len(), words })
    }

    /// What stands before the words of the paragraph's further lines: a list's are indented.
    fn margin(&self) -> String {
        let list = if self.words.starts_with("- ") || self.words.starts_with("* ") { 2 } else { 0 };
        format!("{}{}", self.start, " ".repeat(self.spaces.max(1) + list))
    }

    fn is_fixed(&self) -> bool {
        self.words.starts_with(['|', '#']) || self.words.starts_with("http")
    }

    /// Whether the line goes on with the paragraph of the line before.
    fn continues_paragraph(&self) -> bool {
        let number = self.words.starts_with(|c: char| c.is_ascii_digit());
        let list = ["- ", "* ", "*Invariant", "Absent", "```", ">"];
        let starts = number || list.iter().any(|start| self.words.starts_with(start));
        !(self.words.is_empty() || starts || self.is_fixed())
    }
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn long_comments_give_words_to_the_next_line() {
        let word = "twelve chars ".repeat(8);
        let text = format!("//! {word}end.\n//! More.\n\nlet x = \"{word}{word}\";\n");
        let cut = "twelve chars ".repeat(7);
        let expected = format!(
            "//! {}\n//! twelve chars end. More.\n\nlet x = \"{word}{word}\";\n",
            cut.trim_end()
        );
        assert_eq!(wrap(&text), expected);
        assert_eq!(wrap(&expected), expected, "wrapping twice changes nothing");
    }

    #[test]
    fn lists_are_indented_and_fences_kept() {
        let long = "word ".repeat(24);
        let text =
            format!("    /// - {long}end\n    ///\n    /// ```\n    /// {long}\n    /// ```\n");
        let first = format!("    /// - {}", "word ".repeat(18));
        let rest = format!("    ///   {}end", "word ".repeat(6));
        let tail = format!("\n    ///\n    /// ```\n    /// {long}\n    /// ```\n");
        assert_eq!(wrap(&text), format!("{}\n{rest}{tail}", first.trim_end()));
    }

    #[test]
    fn very_long_paragraphs_take_as_many_lines_as_they_need() {
        let text = format!("// {}\n", "word ".repeat(60).trim_end());
        let wrapped = wrap(&text);
        assert!(wrapped.lines().all(|line| line.chars().count() <= 100), "{wrapped}");
        let words = wrapped.split_whitespace().filter(|word| *word == "word").count();
        assert_eq!(words, 60);
    }
}
