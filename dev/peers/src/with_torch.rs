//! PyTorch in a child process, eager, on the CPU.
//!
//! The child reads a line `TIMES WORK`, works, and answers with the seconds that took, measured on
//! its side, so that the pipe is not in the time. Told to work no times, it answers with the number
//! of parameters.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, ensure};
use learn::{Network, Training};

use crate::contest::Engine;

/// The script that the child runs.
const SCRIPT: &str = include_str!("with_torch.py");

/// A running child; it ends when its standard input does.
pub(crate) struct Torch {
    name: String,
    pipes: RefCell<Pipes>,
    child: Child,
}

struct Pipes {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Torch {
    pub(crate) fn start(python: &Path, threads: usize) -> anyhow::Result<Torch> {
        let mut child = Command::new(python)
            .args(["-W", "ignore", "-c", SCRIPT, &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not start", python.display()))?;
        let input = child.stdin.take().context("stdin was piped")?;
        let output = BufReader::new(child.stdout.take().context("stdout was piped")?);
        let mut pipes = Pipes { input, output };
        let name = pipes.read().context("PyTorch does not load")?;
        Ok(Torch { name, pipes: RefCell::new(pipes), child })
    }

    /// Returns the engine's name and version.
    pub(crate) fn name(&self) -> String {
        self.name.clone()
    }

    /// Returns the engine for a training.
    pub(crate) fn engine(&self, training: &Training) -> anyhow::Result<Box<dyn Engine + '_>> {
        let batch = training.batch;
        let work = match &training.network {
            Network::Mlp(x) => format!("mlp {batch} {} {:?}", x.features, x.hidden),
            Network::Gru(x) => format!("gru {batch} {} {} {}", x.features, x.hidden, x.steps),
            Network::Encoder(x) => format!(
                "encoder {batch} {} {} {} {} {} {}",
                x.features, x.tokens, x.width, x.heads, x.layers, x.feed_forward
            ),
        };
        let work = work.replace(['[', ']', ','], "");
        let mut turn = Turn { torch: self, work };
        let parameters = turn.ask(0)?;
        ensure!(parameters == training.count()?.to_string(), "another network: {parameters}");
        Ok(Box::new(turn))
    }
}

struct Turn<'a> {
    torch: &'a Torch,
    work: String,
}

impl Turn<'_> {
    fn ask(&mut self, times: u32) -> anyhow::Result<String> {
        let mut pipes = self.torch.pipes.borrow_mut();
        writeln!(pipes.input, "{times} {}", self.work)?;
        pipes.input.flush()?;
        pipes.read()
    }
}

impl Engine for Turn<'_> {
    fn run(&mut self, times: u32, _threads: usize) -> anyhow::Result<f64> {
        Ok(self.ask(times)?.parse()?)
    }
}

impl Pipes {
    fn read(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        anyhow::ensure!(!line.is_empty(), "PyTorch's process has ended");
        Ok(line.trim().to_owned())
    }
}

impl Drop for Torch {
    fn drop(&mut self) {
        // It has nothing to lose; an error means that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
