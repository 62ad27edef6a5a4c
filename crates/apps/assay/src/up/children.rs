//! The processes that `up` keeps alive: one chain and the nodes.
//!
//! Each child is this same binary with a hidden subcommand and a directory of its own. A child that
//! ends, however it ends, is started again on the same directory: every process is crash-only, so
//! there is nothing else to do. Children watch their standard input and leave when it closes, so
//! none outlives `up`, not even when `up` is killed.
//!
//! Deliberately absent: health checks and graceful shutdown. Killing is the only way anything here
//! stops.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use tokio::{process::Command, sync::watch, task::JoinHandle};

/// Longest pause before a child that keeps dying is started again.
const BACKOFF_MS_MAX: u64 = 2_000;
/// Pause before the first restart.
const BACKOFF_MS_FIRST: u64 = 50;

/// One kind of child: what to run and where its output goes.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    /// Name shown to people and used for the log, such as `node-2`.
    pub(crate) name: String,
    /// Arguments after the binary's own name.
    pub(crate) args: Vec<String>,
    /// The child's directory; its log is `DIR/NAME.log` and its process id `DIR/pid`.
    pub(crate) dir: PathBuf,
}

impl Spec {
    fn log(&self) -> PathBuf {
        self.dir.join(format!("{}.log", self.name))
    }
}

/// Returns the sentence with which a child ended, if it left one in its log after `from` bytes.
fn last_error(spec: &Spec, from: u64) -> Option<String> {
    let log = std::fs::read(spec.log()).ok()?;
    let said = String::from_utf8_lossy(log.get(usize::try_from(from).ok()?..)?).into_owned();
    said.lines().rev().find_map(|line| line.strip_prefix("error: ").map(str::to_owned))
}

/// What happened to a child, for the person at the terminal.
#[derive(Debug, Clone)]
pub(crate) struct Restart {
    /// Name from the child's [`Spec`].
    pub(crate) name: String,
    /// How it ended, such as `signal: 9 (SIGKILL)`.
    pub(crate) reason: String,
}

/// Which children run at the moment, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Alive(Arc<Mutex<BTreeSet<String>>>);

impl Alive {
    /// Whether this child runs.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    fn set(&self, name: &str, alive: bool) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if alive {
            names.insert(name.to_owned());
        } else {
            names.remove(name);
        }
    }
}

/// A set of children under supervision. Dropping it ends them all.
#[derive(Debug)]
pub(crate) struct Children {
    alive: Alive,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    restarts: tokio::sync::mpsc::UnboundedSender<Restart>,
}

impl Children {
    /// Returns an empty set and the stream of restarts.
    pub(crate) fn new() -> (Children, tokio::sync::mpsc::UnboundedReceiver<Restart>) {
        let (restarts, receiver) = tokio::sync::mpsc::unbounded_channel();
        (
            Children {
                alive: Alive::default(),
                stop: watch::channel(false).0,
                tasks: Vec::new(),
                restarts,
            },
            receiver,
        )
    }

    /// Returns who runs, kept up to date.
    pub(crate) fn alive(&self) -> Alive {
        self.alive.clone()
    }

    /// Starts a child and keeps it running until [`Children::stop`].
    pub(crate) fn supervise(&mut self, spec: Spec) -> anyhow::Result<()> {
        let binary = std::env::current_exe().context("the path of this program is unknown")?;
        std::fs::create_dir_all(&spec.dir)
            .with_context(|| format!("cannot create {}", spec.dir.display()))?;
        let stop = self.stop.subscribe();
        let told = (self.restarts.clone(), self.alive.clone());
        self.tasks.push(tokio::spawn(keep_alive(binary, spec, stop, told)));
        Ok(())
    }

    /// Ends every child and waits until the last is gone.
    pub(crate) async fn stop(self) {
        // No receiver is left when no child was ever started; there is then nothing to stop.
        let _ = self.stop.send(true);
        for task in self.tasks {
            let _ = task.await;
        }
    }
}

async fn keep_alive(
    binary: PathBuf,
    spec: Spec,
    mut stop: watch::Receiver<bool>,
    (restarts, alive): (tokio::sync::mpsc::UnboundedSender<Restart>, Alive),
) {
    let mut backoff_ms = BACKOFF_MS_FIRST;
    loop {
        let started = std::time::Instant::now();
        let logged = std::fs::metadata(spec.log()).map_or(0, |meta| meta.len());
        alive.set(&spec.name, true);
        let ended = run_once(&binary, &spec, &mut stop).await;
        alive.set(&spec.name, false);
        let reason = match ended {
            Ok(Some(status)) => match last_error(&spec, logged) {
                Some(error) => format!("{status}: {error}"),
                None => status.to_string(),
            },
            Ok(None) => return,
            Err(error) => format!("{error:#}"),
        };
        tracing::warn!(child = spec.name, reason, "a child ended and is started again");
        let _ = restarts.send(Restart { name: spec.name.clone(), reason });
        if started.elapsed() > Duration::from_secs(10) {
            backoff_ms = BACKOFF_MS_FIRST;
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(backoff_ms)) => {}
            _ = stop.changed() => return,
        }
        backoff_ms = (backoff_ms * 2).min(BACKOFF_MS_MAX);
    }
}

/// Returns how the child ended, or `None` when it was stopped on purpose.
async fn run_once(
    binary: &Path,
    spec: &Spec,
    stop: &mut watch::Receiver<bool>,
) -> anyhow::Result<Option<std::process::ExitStatus>> {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(spec.log())?;
    let mut command = Command::new(binary);
    command
        .args(&spec.args)
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true);
    // Ctrl-C at the terminal is for `up` alone, which then ends its children.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    if let Some(pid) = child.id() {
        std::fs::write(spec.dir.join("pid"), pid.to_string())?;
    }
    // Waiting for a child closes its standard input unless it was taken out, and the child would
    // leave.
    let _held = child.stdin.take();
    tokio::select! {
        status = child.wait() => Ok(Some(status?)),
        _ = stop.changed() => {
            child.kill().await?;
            Ok(None)
        }
    }
}

/// Ends this process when the parent's end of standard input closes; called by every child.
pub(crate) fn leave_with_parent() {
    std::thread::spawn(|| {
        let mut sink = [0_u8; 64];
        let mut stdin = std::io::stdin().lock();
        while matches!(std::io::Read::read(&mut stdin, &mut sink), Ok(n) if n > 0) {}
        std::process::exit(0);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_ends_is_told_with_its_own_last_sentence() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let spec = Spec { name: "n".to_owned(), args: Vec::new(), dir: dir.path().to_owned() };
        assert_eq!(last_error(&spec, 0), None);
        let text = "error: the disk is full\nINFO started\nerror: wrong password\nbye\n";
        std::fs::write(spec.log(), text).expect("writable");
        assert_eq!(last_error(&spec, 0).as_deref(), Some("wrong password"));
        let seen = u64::try_from(text.len()).expect("short");
        assert_eq!(last_error(&spec, seen), None);
    }
}
