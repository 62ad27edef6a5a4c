//! Many seeds on all cores, one whole run to a thread.
//!
//! Absent: order. Results come as they are ready; what a seed gives depends on nothing but itself.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::options::Size;
use crate::run::{Failure, Report, check};

/// Runs every seed twice and hands over what each gives; nothing stops at a failure.
pub fn sweep(
    seeds: Range<u64>,
    size: Size,
    each: &mut (dyn FnMut(Result<Report, Failure>) + Send),
) {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let (next, each) = (AtomicU64::new(seeds.start), Mutex::new(each));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let result = guarded(seed, size);
                    let mut each = each.lock().unwrap_or_else(|held| held.into_inner());
                    each(result);
                }
            });
        }
    });
}

/// Runs a seed twice; a panic is a failure like any other.
fn guarded(seed: u64, size: Size) -> Result<Report, Failure> {
    let result = catch_unwind(AssertUnwindSafe(|| check(seed, size)));
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Failure::Panic { seed, what: text.unwrap_or("without a word").into() })
    })
}
