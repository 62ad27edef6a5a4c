//! One large blob to many peers while datagrams are lost and providers die.
//!
//! `cargo xtask test` runs the same test with a small blob and six peers. Absent: a network other
//! than this machine's; the test's own relay loses the datagrams.

use crate::steps::{Steps, cargo};

/// The test.
const TEST: &str = "a_blob_reaches_every_peer_while_providers_die";

/// Runs the test with a blob of so many megabytes and so many peers.
pub(crate) fn run(steps: &Steps, megabytes: u32, peers: u32) -> anyhow::Result<()> {
    anyhow::ensure!((1..=1_000).contains(&megabytes), "a blob has 1 to 1,000 MB");
    anyhow::ensure!((4..=200).contains(&peers), "there are 4 to 200 peers, not {peers}");
    let mut test = cargo(["test", "--release", "--package", "net", "--test", "net", TEST]);
    test.args(["--", "--nocapture"]).env("ASSAY_SPREAD", format!("{megabytes} {peers}"));
    let title = format!("a blob of {megabytes} MB to {peers} peers that lose every tenth datagram");
    steps.run(&title, &mut test, "the lines above say how far it came")
}
