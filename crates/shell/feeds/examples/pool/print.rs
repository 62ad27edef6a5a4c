//! A pool as source.

use market::risk::Pool;

/// Prints the pools of hours and of days as constants.
pub(crate) fn source(hours: &Pool, days: &Pool) {
    for (name, what, pool) in [("HOUR", "hours", hours), ("DAY", "days", days)] {
        println!("/// Of {what}.");
        println!("pub(super) const {name}: [f64; {}] = [", pool.mean.len());
        for line in pool.mean.chunks(5) {
            let numbers: Vec<String> = line.iter().map(|mean| format!("{mean:.10e}")).collect();
            println!("    {},", numbers.join(", "));
        }
        println!("];");
    }
}
