//! `assay node`: one node of a network, by whoever runs it.
//!
//! `init` makes a directory with keys, configuration and its own data; `join` stakes; `run` takes
//! part until it is killed; `status` says how it stands; `leave` ends it and, when the time has
//! passed, brings the stake home. `faucet` is for a network of `assay up`, whose tokens and gas are
//! play money.
//!
//! The hot key in the directory signs and pays gas; pay and stake go to the payee, a cold address
//! that the hot key cannot change.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;

use crate::layout;

mod faucet;
mod init;
mod keys;
mod metrics;
mod run;
mod stake;
mod status;

pub(crate) use init::Network;
pub(crate) use keys::open as open_keys;

/// What to do with a node.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a node's directory: keys, configuration, its own data.
    Init(init::Args),
    /// Stake and register; `run` does it by itself where this was left out.
    Join(stake::JoinArgs),
    /// Take part until this process ends; it may be killed at any time.
    Run(run::Args),
    /// Say how the node stands on the chain.
    Status(status::Args),
    /// Stop taking part; after the unbonding time, bring the stake home.
    Leave(stake::LeaveArgs),
    /// Give an account gas and play tokens, on the chain of `assay up`.
    Faucet(faucet::Args),
}

/// A node's directory.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Place {
    /// Directory of the node.
    #[arg(long, default_value = ".assay-node", value_name = "DIR")]
    dir: PathBuf,
    /// File with the password of its keystore; DIR/password otherwise.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Place {
    /// Returns the place of a directory whose password is beside its keystore.
    pub(crate) fn of(dir: PathBuf) -> Self {
        Self { dir, password_file: None }
    }

    /// Returns what the node was made with.
    pub(crate) fn config(&self) -> anyhow::Result<node::Config> {
        layout::read_json(&self.dir.join("config.json"))?.with_context(|| {
            format!("{} holds no node; run `assay node init` first", self.dir.display())
        })
    }
}

/// Does it.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Init(args) => init::run(&args),
        Command::Join(args) => stake::join(&args).await,
        Command::Run(args) => run::run(args).await,
        Command::Status(args) => status::run(&args).await,
        Command::Leave(args) => stake::leave(&args).await,
        Command::Faucet(args) => faucet::run(&args).await,
    }
}
