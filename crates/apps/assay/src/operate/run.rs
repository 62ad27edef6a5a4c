//! `assay node run`: the node itself.

use std::{net::SocketAddr, process::ExitCode};

use super::{Place, keys, metrics};
use crate::up::{children::leave_with_parent, keys::password};

/// Which node, and what it shows.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// Serve Prometheus metrics on this address, at /metrics.
    #[arg(long, value_name = "HOST:PORT")]
    metrics: Option<SocketAddr>,
    /// Leave when the parent process does; `up` starts its nodes so.
    #[arg(long, hide = true)]
    child: bool,
}

/// Runs until the process ends.
pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let config = args.place.config()?;
    let keys = if args.child {
        leave_with_parent();
        let dir = &args.place.dir;
        node::keys::Keys::open(dir, &password(dir)?, node::keys::Cost::Light)?
    } else {
        keys::open(&args.place)?
    };
    let pulse = node::Pulse::default();
    if let Some(address) = args.metrics {
        metrics::serve(address, pulse.clone()).await?;
    }
    node::run(&args.place.dir, config, keys, pulse).await?;
    Ok(ExitCode::SUCCESS)
}
