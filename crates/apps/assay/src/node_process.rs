//! `assay node`: one node as a process of its own, started by `up`.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::{
    layout,
    up::{children::leave_with_parent, keys},
};

/// Where the node keeps its data; its `config.json` says the rest.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory of the node.
    #[arg(long)]
    dir: PathBuf,
}

/// Runs the node until the parent leaves.
pub(crate) async fn run(args: Args) -> anyhow::Result<std::process::ExitCode> {
    leave_with_parent();
    let config: node::Config = layout::read_json(&args.dir.join("config.json"))?
        .with_context(|| format!("{} holds no config.json", args.dir.display()))?;
    let keys =
        node::keys::Keys::open(&args.dir, &keys::password(&args.dir)?, node::keys::Cost::Light)?;
    node::run(&args.dir, config, keys).await?;
    Ok(std::process::ExitCode::SUCCESS)
}
