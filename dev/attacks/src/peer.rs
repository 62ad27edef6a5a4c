//! byzfl's rules in a child process: dev/peers/robust/rules.py.
//!
//! A request is a line of JSON, followed by f32 rows where it says so; an answer is f32 numbers.
//! Rows are what our rules get, divided by the quantum, which is exact.
//!
//! *Invariant: one child answers one request at a time.* Absent: any of byzfl's own attacks and
//! training; a peer gives rules only.

use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context;
use round::robust::Recipe;
use serde_json::{Value, json};

use crate::recipes::described;
use crate::{Aggregate, QUANTA};

/// A child that has byzfl, with one rule at a time.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

const DIED: &str = "the Python process with byzfl has ended; its own words are above";

impl Peer {
    /// Starts the child.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn start(python: &Path, driver: &Path) -> anyhow::Result<Peer> {
        let mut command = Command::new(python);
        for pool in ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"] {
            command.env(pool, "1");
        }
        let mut child = command
            .arg(driver)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be started", python.display()))?;
        let to = child.stdin.take().context(DIED)?;
        let from = BufReader::new(child.stdout.take().context(DIED)?);
        Ok(Peer { child, to, from })
    }

    /// Makes the child's rule this one, as new.
    ///
    /// # Errors
    ///
    /// If the child has ended.
    pub fn take(&mut self, recipe: &Recipe, seed: u64) -> anyhow::Result<()> {
        self.say(&json!({ "do": "take", "recipe": described(recipe), "seed": seed }))?;
        self.read(1).map(drop)
    }

    /// Returns the seconds that the child's rule took for these rows in each of some turns, after
    /// one that is not counted.
    ///
    /// # Errors
    ///
    /// If the child has ended.
    pub fn seconds(&mut self, rows: &[Vec<i32>]) -> anyhow::Result<f64> {
        self.say(&json!({ "do": "time", "n": rows.len(), "d": rows[0].len() }))?;
        self.write(rows)?;
        Ok(f64::from(self.read(1)?[0]))
    }

    fn say(&mut self, request: &Value) -> anyhow::Result<()> {
        writeln!(self.to, "{request}").context(DIED)?;
        self.to.flush().context(DIED)
    }

    fn write(&mut self, rows: &[Vec<i32>]) -> anyhow::Result<()> {
        for row in rows {
            let float = |x: &i32| tensor::scalar::f64_to_f32(f64::from(*x) / QUANTA).to_le_bytes();
            let bytes: Vec<u8> = row.iter().flat_map(float).collect();
            self.to.write_all(&bytes).context(DIED)?;
        }
        self.to.flush().context(DIED)
    }

    fn read(&mut self, count: usize) -> anyhow::Result<Vec<f32>> {
        let mut bytes = vec![0; 4 * count];
        self.from.read_exact(&mut bytes).context(DIED)?;
        let (numbers, _) = bytes.as_chunks::<4>();
        Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    fn answer(&mut self, rows: &[Vec<i32>], keep: bool) -> anyhow::Result<Vec<f32>> {
        let (n, d) = (rows.len(), rows[0].len());
        self.say(&json!({ "do": "rule", "n": n, "d": d, "keep": keep }))?;
        self.write(rows)?;
        let mut answer = self.read(d)?;
        let quanta = tensor::scalar::f64_to_f32(QUANTA);
        answer.iter_mut().for_each(|x| *x *= quanta);
        Ok(answer)
    }
}

impl Aggregate for Peer {
    fn aggregate(&mut self, rows: &[Vec<i32>]) -> anyhow::Result<Vec<f32>> {
        self.answer(rows, true)
    }

    fn attempt(&mut self, rows: &[Vec<i32>]) -> anyhow::Result<Vec<f32>> {
        self.answer(rows, false)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // A child that is gone already has nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
