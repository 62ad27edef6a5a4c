//! What a fetch has so far: a text file of pages, each whole or not counted.
//!
//! The first line says what was asked for; a page is a line a bar,
//! `open_s,open,high,low,close,volume` in the venue's decimals, and then `page FROM TO`. Lines
//! after the last such line are dropped.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::error::FeedError;
use crate::message::Bar as WireBar;
use crate::{Bar, Decimal};

use super::Wish;

/// Pages of a fetch on the disk.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    pages: Vec<(i64, i64)>,
    bars: Vec<Bar>,
}

impl Part {
    /// Opens the pages of a fetch, or begins anew where the file is another fetch's.
    pub(super) fn open(path: &Path, wish: &Wish) -> Result<Self, FeedError> {
        let unwritable = unwritable(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(&unwritable)?;
        }
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) if error.kind() == ErrorKind::InvalidData => String::new(),
            Err(error) => return Err(unwritable(error)),
        };
        let title = format!("bars {} {} {}\n", wish.venue, wish.symbol, wish.interval.name());
        let (mut kept, mut pages, mut bars) = (title.len(), Vec::new(), Vec::new());
        let ours = text.starts_with(&title);
        if ours {
            let (mut at, mut page) = (title.len(), Vec::new());
            for line in text[title.len()..].split_inclusive('\n').take_while(|l| l.ends_with('\n'))
            {
                at += line.len();
                match read(line.trim_end()) {
                    Some(Line::Bar(bar)) => page.push(bar),
                    Some(Line::Page(from, to)) => {
                        bars.append(&mut page);
                        pages.push((from, to));
                        kept = at;
                    }
                    None => break,
                }
            }
        }
        let mut file =
            OpenOptions::new().append(true).create(true).open(path).map_err(&unwritable)?;
        file.set_len(if ours { kept as u64 } else { 0 }).map_err(&unwritable)?;
        if !ours {
            file.write_all(title.as_bytes()).map_err(&unwritable)?;
        }
        Ok(Self { path: path.to_owned(), file, pages, bars })
    }

    /// Whether the pages hold this stretch of time.
    pub(super) fn has(&self, from: i64, to: i64) -> bool {
        self.pages.iter().any(|page| page.0 <= from && to <= page.1)
    }

    /// Keeps a page.
    pub(super) fn append(&mut self, from: i64, to: i64, bars: &[WireBar]) -> Result<(), FeedError> {
        let mut text = String::new();
        for bar in bars {
            let WireBar { open, high, low, close, volume, .. } = bar;
            let open_s = bar.open_ms.div_euclid(1_000);
            text.push_str(&format!("{open_s},{open},{high},{low},{close},{volume}\n"));
            self.bars.push(real(open_s, [*open, *high, *low, *close, *volume]));
        }
        text.push_str(&format!("page {from} {to}\n"));
        self.file.write_all(text.as_bytes()).map_err(unwritable(&self.path))?;
        self.file.sync_data().map_err(unwritable(&self.path))?;
        self.pages.push((from, to));
        Ok(())
    }

    /// The bars of all pages.
    pub(super) fn bars(&self) -> &[Bar] {
        &self.bars
    }

    /// Takes the pages away: they are in the file.
    pub(super) fn remove(self) -> Result<(), FeedError> {
        fs::remove_file(&self.path).map_err(unwritable(&self.path))
    }
}

enum Line {
    Bar(Bar),
    Page(i64, i64),
}

fn read(line: &str) -> Option<Line> {
    if let Some(times) = line.strip_prefix("page ") {
        let (from, to) = times.split_once(' ')?;
        return Some(Line::Page(from.parse().ok()?, to.parse().ok()?));
    }
    let mut cells = line.split(',');
    let open_s = cells.next()?.parse().ok()?;
    let mut numbers = [Decimal::ZERO; 5];
    for number in &mut numbers {
        *number = cells.next()?.parse().ok()?;
    }
    cells.next().is_none().then(|| Line::Bar(real(open_s, numbers)))
}

fn real(open_s: i64, numbers: [Decimal; 5]) -> Bar {
    let [open, high, low, close, volume] = numbers.map(Decimal::to_f64);
    Bar { open_s, open, high, low, close, volume }
}

fn unwritable(path: &Path) -> impl Fn(std::io::Error) -> FeedError + '_ {
    |error| FeedError::Unwritable { path: path.to_owned(), reason: error.to_string() }
}
