//! The program as a process, the chain as an onlooker sees it, and waiting for what they do.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use alloy::signers::local::PrivateKeySigner;
use chain::{Client, ClientError, Deployment, Phase};
use serde_json::Value;

/// Networks that run at a time; each is six processes.
const NETWORKS_MAX: usize = 2;
/// After this long something hangs.
const PATIENCE: Duration = Duration::from_secs(300);
/// Pause between two looks at a condition.
const LOOK_EVERY: Duration = Duration::from_millis(5);

static RUNNING: Mutex<usize> = Mutex::new(0);
static FREED: Condvar = Condvar::new();

/// One of the places for a running network.
#[derive(Debug)]
pub(crate) struct Place;

impl Place {
    pub(crate) fn take() -> Place {
        let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |running: &mut usize| *running >= NETWORKS_MAX;
        let mut running = FREED.wait_while(running, full).unwrap_or_else(PoisonError::into_inner);
        *running += 1;
        Place
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        FREED.notify_one();
    }
}

/// Returns a directory that goes with the test.
pub(crate) fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// Returns a path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary path is text")
}

/// Says something, also where tests' output is captured.
pub(crate) fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// Says why something is not tested here.
pub(crate) fn skip(why: &str) {
    say(&format!("skipped: {why}"));
}

/// Looks until there is something to return.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Returns the program with these arguments, hearing nothing.
pub(crate) fn assay(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.args(args).stdin(Stdio::null()).env_remove("ASSAY_LOG");
    command
}

/// How a process ended and what it printed.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The one JSON object of a run that went well.
    pub(crate) fn json(&self) -> Value {
        assert!(self.status.success(), "{}\n{}", self.status, self.stderr);
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not one JSON object: {error}\n{}", self.stdout))
    }

    /// The one sentence of a run that did not.
    pub(crate) fn error(&self) -> &str {
        assert!(!self.status.success(), "it should have failed\n{}", self.stdout);
        let mut errors = self.stderr.lines().filter(|line| line.starts_with("error: "));
        let error = errors.next().unwrap_or_else(|| panic!("no error line in\n{}", self.stderr));
        assert_eq!(errors.next(), None, "one sentence, not two:\n{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        error
    }
}

/// A program that was started, ended with this value.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    out: PathBuf,
    err: PathBuf,
    _place: Option<Place>,
}

impl Process {
    /// Starts a command; what it prints is kept beside `name`.
    pub(crate) fn start(mut command: Command, name: &Path) -> Process {
        let (out, err) = (name.with_extension("out"), name.with_extension("err"));
        let file = |path: &Path| File::create(path).expect("a file in a temporary directory");
        command.stdout(file(&out)).stderr(file(&err));
        let child = command.spawn().expect("the program starts");
        Process { child, out, err, _place: None }
    }

    /// Starts `assay up` on `root/net` once there is room for another network.
    pub(crate) fn up(root: &Path, args: &[&str]) -> Process {
        let place = Place::take();
        let dir = net(root);
        let mut all = vec!["up", "--dir", text(&dir)];
        all.extend_from_slice(args);
        let mut process = Process::start(assay(&all), &root.join("up"));
        process._place = Some(place);
        process
    }

    /// Waits for the end.
    pub(crate) fn finish(mut self) -> Ended {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return Ended { status, stdout: self.stdout(), stderr: self.stderr() };
            }
            let (out, err) = (self.stdout(), self.stderr());
            assert!(started.elapsed() < PATIENCE, "it does not end\n{out}\n{err}");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Ends it as `kill -9` would.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("a child can be waited for");
    }

    pub(crate) fn running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_none()
    }

    pub(crate) fn stdout(&self) -> String {
        std::fs::read_to_string(&self.out).unwrap_or_default()
    }

    pub(crate) fn stderr(&self) -> String {
        std::fs::read_to_string(&self.err).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The directory of the network of a test.
pub(crate) fn net(root: &Path) -> PathBuf {
    root.join("net")
}

/// Runs `assay up --exit --json` to its end.
pub(crate) fn up(root: &Path, args: &[&str]) -> Ended {
    Process::up(root, &[&["--exit", "--json"], args].concat()).finish()
}

/// Runs any other command to its end.
pub(crate) fn run(root: &Path, args: &[&str]) -> Ended {
    Process::start(assay(args), &root.join("run")).finish()
}

/// Replays a round of the network and returns the object.
pub(crate) fn replay(root: &Path, round: u64) -> Ended {
    let (dir, round) = (net(root), round.to_string());
    run(root, &["replay", &round, "--dir", text(&dir), "--json"])
}

/// Somebody who looks at the chain of a network and holds nothing on it.
#[derive(Debug)]
pub(crate) struct Onlooker {
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) client: Client,
}

impl Onlooker {
    /// Opens the chain that serves the network of a test, once its contracts are there.
    pub(crate) fn wait(root: &Path) -> Onlooker {
        wait_for("the contracts", || Onlooker::open(root, None))
    }

    /// Opens it at another address than the one the network wrote down.
    pub(crate) fn open(root: &Path, url: Option<&str>) -> Option<Onlooker> {
        let dir = net(root);
        let deployment = std::fs::read(dir.join("deployment.json")).ok()?;
        let deployment: Deployment = serde_json::from_slice(&deployment).ok()?;
        let written = std::fs::read_to_string(dir.join("chain/url")).unwrap_or_default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let reader = PrivateKeySigner::random();
        let client = Client::open(url.unwrap_or(&written), reader, deployment);
        let client = runtime.block_on(client).ok()?;
        Some(Onlooker { runtime, client })
    }

    /// Asks until the chain answers; another refusal fails the test.
    pub(crate) fn ask<T, F>(&self, question: impl Fn(Client) -> F) -> T
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        wait_for("an answer of the chain", || {
            match self.runtime.block_on(question(self.client.clone())) {
                Ok(answer) => Some(answer),
                Err(error) if error.is_transient() => None,
                Err(error) => panic!("{error}"),
            }
        })
    }

    /// The running round's number and phase; between rounds, the last one's.
    pub(crate) fn round(&self) -> (u64, Phase) {
        let round = self.ask(|client| async move { client.round().await });
        // `IRounds.Phase` and `Phase` number alike.
        (round.number, Phase::from_word(round.phase))
    }
}
