//! Steps: child processes with a heading, a time, and advice for when they fail.
//!
//! A step either inherits the terminal or has its output copied line by line through a [`Tally`],
//! which adds up what the test runners report.
//!
//! *Invariant: a child that fails makes the whole command fail, whatever its output said.*
//! Absent: parallel steps. Cargo uses all cores by itself.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::tally::Tally;

/// The running command: where it works, since when, and what its tests have reported so far.
#[derive(Debug)]
pub(crate) struct Steps {
    root: PathBuf,
    started: Instant,
    tally: Tally,
    failures: Vec<String>,
}

impl Steps {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, started: Instant::now(), tally: Tally::default(), failures: Vec::new() }
    }

    /// Returns the project's root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Runs a command in the project's root; fails with `advice` when the command does.
    pub(crate) fn run(
        &self,
        title: &str,
        command: &mut Command,
        advice: &str,
    ) -> anyhow::Result<()> {
        let step = Step::begin(title);
        self.place(command);
        let status = command.status().with_context(|| missing(command))?;
        step.end(status.success(), advice)
    }

    /// Runs a command whose standard output is a test runner's and adds up what it reports.
    pub(crate) fn run_tests(
        &mut self,
        title: &str,
        command: &mut Command,
        advice: &str,
    ) -> anyhow::Result<()> {
        let step = Step::begin(title);
        self.place(command);
        let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| missing(command))?;
        let output = child.stdout.take().expect("stdout was piped just above");
        let mut terminal = std::io::stdout().lock();
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            terminal.write_all(&line)?;
            self.tally.read(&String::from_utf8_lossy(&line));
            line.clear();
        }
        terminal.flush()?;
        drop(terminal);
        step.end(child.wait()?.success(), advice)
    }

    /// Says in one line what is left out and why, and counts it as one skipped test.
    pub(crate) fn skip(&mut self, title: &str, reason: &str) {
        println!("\n== {title}: SKIPPED: {reason}");
        self.tally.skipped += 1;
    }

    /// Runs a part, notes its failure, and lets the next part run.
    pub(crate) fn keep_going(&mut self, part: fn(&mut Self) -> anyhow::Result<()>) {
        if let Err(error) = part(self) {
            eprintln!("== failed: {error:#}");
            self.failures.push(format!("{error:#}"));
        }
    }

    /// Prints the closing line; fails if any part did.
    pub(crate) fn finish(&self) -> anyhow::Result<()> {
        let seconds = self.started.elapsed().as_secs();
        println!("\n== all of it took {} min {:02} s", seconds / 60, seconds % 60);
        for failure in &self.failures {
            println!("== {failure}");
        }
        println!("{}", self.tally);
        if self.failures.is_empty() && self.tally.failed == 0 {
            return Ok(());
        }
        bail!("{} of the parts above did not pass", self.failures.len().max(1))
    }

    fn place(&self, command: &mut Command) {
        if command.get_current_dir().is_none() {
            command.current_dir(&self.root);
        }
    }
}

/// Returns a command that runs the same cargo as the one this program was started by.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

#[derive(Debug)]
struct Step {
    title: String,
    started: Instant,
}

impl Step {
    fn begin(title: &str) -> Self {
        println!("\n== {title}");
        Self { title: title.to_owned(), started: Instant::now() }
    }

    fn end(self, success: bool, advice: &str) -> anyhow::Result<()> {
        let seconds = self.started.elapsed().as_secs_f64();
        if !success {
            println!("== {} failed after {seconds:.1} s", self.title);
            bail!("{}: {advice}", self.title);
        }
        println!("== {} took {seconds:.1} s", self.title);
        Ok(())
    }
}

fn missing(command: &Command) -> String {
    format!("{} does not start; is it installed?", command.get_program().to_string_lossy())
}
