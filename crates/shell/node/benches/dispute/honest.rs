//! The honest side as a process of its own: it knows the work, a key and a chain's address.
//!
//! It first executes and hashes, and prints a line about that; is told on its standard input where
//! the dispute is; plays; and prints a last line with its moves and its peak memory.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use alloy::primitives::U256;
use anyhow::Context as _;
use chain::{Client, Deployment};
use court::trace::{Evidence as _, Executor};
use node::Kernels;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tensor::{Hash, Program, Tensor};

use crate::{
    play::{self, Tally},
    scene::{self, Scene},
    work::{self, Work},
};

/// The argument by which the bench starts itself as the honest side.
pub(crate) const FLAG: &str = "--honest-side";

/// What the honest side knows when it has executed and hashed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct First {
    pub(crate) inputs_root: Hash,
    pub(crate) outputs_root: Hash,
    /// Time from nothing to the root of every op's tensor.
    pub(crate) seconds: f64,
    /// The same in time on a core, all threads together.
    pub(crate) cpu_seconds: f64,
    pub(crate) execute_seconds: f64,
    pub(crate) hash_seconds: f64,
    pub(crate) hashed_bytes: u64,
}

/// Where the dispute is.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Place {
    url: String,
    deployment: Deployment,
    /// The claim to challenge; nothing where the honest side asserted and was challenged.
    claim: Option<U256>,
}

/// What it did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) first: First,
    pub(crate) tally: Tally,
    /// Ops that were executed again for the moves.
    pub(crate) again: usize,
    pub(crate) peak_mib: u64,
}

/// The kernels with a clock.
#[derive(Clone, Debug, Default)]
struct Timed(Arc<Clocks>);

#[derive(Debug, Default)]
struct Clocks {
    executed: AtomicUsize,
    execute_ns: AtomicU64,
    hash_ns: AtomicU64,
    hashed_bytes: AtomicU64,
}

fn timed<T>(clock: &AtomicU64, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = work();
    let ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    clock.fetch_add(ns, Ordering::Relaxed);
    result
}

impl Executor for Timed {
    fn execute(&self, p: &Program, op: usize, operands: &[&Tensor], inputs: &[Tensor]) -> Tensor {
        self.0.executed.fetch_add(1, Ordering::Relaxed);
        timed(&self.0.execute_ns, || Kernels.execute(p, op, operands, inputs))
    }

    fn leaves(&self, tensor: &Tensor) -> Vec<Hash> {
        timed(&self.0.hash_ns, || Kernels.leaves(tensor))
    }

    fn root(&self, tensor: &Tensor) -> Hash {
        let bytes = (tensor.shape().count() * tensor.dtype().size()) as u64;
        self.0.hashed_bytes.fetch_add(bytes, Ordering::Relaxed);
        timed(&self.0.hash_ns, || Kernels.root(tensor))
    }
}

/// Runs the honest side; its standard input and output are the bench.
pub(crate) async fn run(name: &str) -> anyhow::Result<()> {
    let work = Work::new(name)?;
    let (clocks, began, cpu) = (Timed::default(), Instant::now(), work::cpu_seconds()?);
    let mut witness = work.witness(clocks.clone())?;
    let seconds = began.elapsed().as_secs_f64();
    let passed = |clock: &AtomicU64| clock.load(Ordering::Relaxed) as f64 / 1e9;
    let first = First {
        seconds,
        cpu_seconds: work::cpu_seconds()? - cpu,
        execute_seconds: passed(&clocks.0.execute_ns),
        hash_seconds: passed(&clocks.0.hash_ns),
        hashed_bytes: clocks.0.hashed_bytes.load(Ordering::Relaxed),
        inputs_root: witness.inputs_root(),
        outputs_root: witness.outputs_root(),
    };
    println!("{}", serde_json::to_string(&first)?);
    clocks.0.executed.store(0, Ordering::Relaxed);
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let place: Place = serde_json::from_str(&line)?;
    let client = Client::connect(&place.url, scene::key("honest")).await?.with(place.deployment);
    let mut tally = Tally::default();
    if let Some(claim) = place.claim {
        let (root, header) = (node::word(first.outputs_root), witness.program().header());
        tally.challenge(client.challenge(claim, root, header).await?.gas_used);
    }
    let dispute = client.dispute_count().await?;
    let asserts = place.claim.is_none();
    play::on_chain(&client, dispute, asserts, &mut witness, &mut tally).await?;
    let again = clocks.0.executed.load(Ordering::Relaxed);
    let report = Report { first, tally, again, peak_mib: work::peak_mib()? };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

/// The honest side as the bench sees it. It ends by itself, or when its input does.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(name: &str) -> anyhow::Result<Process> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([FLAG, name]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("the bench cannot start itself")?;
        let input = child.stdin.take().context("no pipe")?;
        let output = BufReader::new(child.stdout.take().context("no pipe")?);
        Ok(Process { child, input, output })
    }

    /// Waits until it has executed and hashed.
    pub(crate) fn first(&mut self) -> anyhow::Result<First> {
        self.line()
    }

    /// Says where the dispute is, and which claim to challenge if it is the challenger.
    pub(crate) fn go_on(&mut self, scene: &Scene, claim: Option<U256>) -> anyhow::Result<()> {
        let (url, deployment) = (scene.honest.url().to_owned(), scene.honest.deployment().clone());
        let place = Place { url, deployment, claim };
        writeln!(self.input, "{}", serde_json::to_string(&place)?)?;
        Ok(self.input.flush()?)
    }

    /// Waits for its end.
    pub(crate) fn report(mut self) -> anyhow::Result<Report> {
        let report = self.line()?;
        anyhow::ensure!(self.child.wait()?.success(), "the honest side failed");
        Ok(report)
    }

    fn line<T: DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).context("the honest side failed; its words are above")
    }
}
