//! How many threads an op may use, and where it is cut between them.
//!
//! Work is cut between outputs, never within a chain or a sum, so results cannot depend on the
//! number of threads. Threads come from one pool of the process (rayon's), however many runners
//! there are; work that is over before another thread would wake stays on the caller's.
//!
//! *Invariant: every part of an op writes elements of its own.*
//! Absent: steps of a Program side by side; one step is over before the next begins.

use std::num::NonZero;
use std::sync::OnceLock;

use crate::level::assert_ieee;

/// How work is cut into parts that may run at the same time.
///
/// ```
/// use kernels::{Runner, Threads};
/// use tensor::{Builder, Dtype};
///
/// let mut b = Builder::new();
/// let x = b.input(Dtype::F32, &[2, 2])?;
/// let y = b.matmul(x, x)?;
/// let program = b.finish(&[y])?;
/// let alone = Runner::new(&program).with_threads(Threads { count: 1, ..Threads::available() });
/// # drop(alone);
/// # Ok::<(), tensor::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads {
    /// At most this many parts; 0 counts as 1.
    pub count: usize,
    /// The least work of a part, in multiply-adds or elementwise operations.
    pub work_min: usize,
}

impl Threads {
    /// Returns as many threads as this process has cores, for parts of some ten microseconds.
    #[must_use]
    pub fn available() -> Threads {
        static CORES: OnceLock<usize> = OnceLock::new();
        let count = || std::thread::available_parallelism().map_or(1, NonZero::get);
        Threads { count: *CORES.get_or_init(count), work_min: 1 << 20 }
    }

    /// Returns the length of a part when `items` cost `work` each: all of them, or what is left of
    /// them for one thread, rounded up to a multiple of `unit`.
    pub(crate) fn part(self, items: usize, work: usize, unit: usize) -> usize {
        let worth = items.saturating_mul(work) / self.work_min.max(1);
        let parts = worth.min(self.count).max(1);
        items.div_ceil(parts).next_multiple_of(unit)
    }
}

/// Runs every part, side by side if there are several, each with scratch memory of its own.
///
/// # Panics
///
/// If a thread rounds otherwise than to nearest, or flushes subnormals.
pub(crate) fn each<P: Send, S: Default + Send>(
    parts: Vec<P>,
    scratch: &mut Vec<S>,
    run: impl Fn(P, &mut S) + Sync,
) {
    if scratch.len() < parts.len() {
        scratch.resize_with(parts.len(), S::default);
    }
    let mut work = parts.into_iter().zip(scratch.iter_mut());
    if work.len() == 1 {
        work.for_each(|(part, scratch)| run(part, scratch));
        return;
    }
    let run = &run;
    rayon::scope(|scope| {
        for (part, scratch) in work.by_ref() {
            scope.spawn(move |_| {
                assert_ieee();
                run(part, scratch);
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::Threads;

    #[test]
    fn small_work_stays_whole() {
        let threads = Threads { count: 4, work_min: 100 };
        assert_eq!(threads.part(10, 10, 1), 10);
        assert_eq!(threads.part(20, 10, 1), 10);
        assert_eq!(threads.part(20, 10, 6), 12);
        assert_eq!(threads.part(1_000, 10, 1), 250);
        assert_eq!(threads.part(3, usize::MAX, 1), 1);
        assert_eq!(Threads { count: 0, work_min: 0 }.part(7, 1, 1), 7);
    }
}
