//! Several hosts: the test of bad links and a partition, with sixteen nodes.
//!
//! Each host is a network namespace, which only root may make; the test says where it was skipped.
//! `cargo xtask test` runs the same test with five.

use crate::steps::{Steps, cargo};

/// The test.
const TEST: &str = "a_partition_healed_in_mid_round_costs_nobody_anything";

/// Builds the program and runs the test with this many nodes.
pub(crate) fn run(steps: &Steps, nodes: usize) -> anyhow::Result<()> {
    anyhow::ensure!((5..=16).contains(&nodes), "there are 5 to 16 hosts, not {nodes}");
    let mut test = cargo(["test", "--release", "--package", "assay", "--test", "cli", TEST]);
    test.args(["--", "--nocapture"]).env("ASSAY_HOSTS", nodes.to_string());
    let title = format!("{nodes} hosts with bad links, some cut off in mid-round");
    steps.run(&title, &mut test, "the log above has the last lines of each host")
}
