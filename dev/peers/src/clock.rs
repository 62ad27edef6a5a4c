//! What a turn costs: the process's CPU time on one thread, time on the wall on several.
//!
//! CPU time leaves out what other programs of a busy machine take. With several threads it would
//! also count those that wait for one another, so there the wall's clock is the fair one.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// A clock that was started.
pub(crate) enum Clock {
    Cpu(f64),
    Wall(Instant),
}

impl Clock {
    /// Starts the clock for so many threads.
    pub(crate) fn start(threads: usize) -> Clock {
        if threads == 1 { Clock::Cpu(cpu_seconds()) } else { Clock::Wall(Instant::now()) }
    }

    /// Returns the seconds since it was started.
    pub(crate) fn seconds(&self) -> f64 {
        match self {
            Clock::Cpu(start) => cpu_seconds() - start,
            Clock::Wall(start) => start.elapsed().as_secs_f64(),
        }
    }

    /// Returns the name of the clock for so many threads.
    pub(crate) fn name(threads: usize) -> &'static str {
        if threads == 1 { "CPU" } else { "wall" }
    }
}

/// CPU time of all threads of this process.
#[expect(clippy::cast_precision_loss, reason = "a process runs for far less than 2^53 ns")]
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
