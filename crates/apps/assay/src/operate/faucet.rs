//! `assay node faucet`: gas and play tokens on the chain of `assay up`, from its own deployer.

use std::{path::PathBuf, process::ExitCode};

use alloy::primitives::{Address, U256, utils::Unit};
use anyhow::ensure;

use crate::{layout::Layout, reader::Reader, up::keys};

/// Ether that is given.
const GAS: u64 = 100;

/// To whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The account, such as the key of a node.
    account: Address,
    /// Directory of `assay up`, which has to run.
    #[arg(long, default_value = ".assay", value_name = "DIR")]
    dir: PathBuf,
    /// Whole tokens.
    #[arg(long, default_value_t = 2_000, value_name = "TOKENS")]
    tokens: u64,
}

/// Gives.
pub(super) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let layout = Layout::new(&args.dir);
    let reader = Reader::open(&layout).await?;
    ensure!(reader.settings.rpc.is_none(), "this network's chain is not its own; use its faucet");
    let deployer = reader.client.with_signer(keys::own(&layout, "deployer")?);
    deployer.pay(args.account, U256::from(GAS) * Unit::ETHER.wei()).await?;
    deployer.transfer(args.account, U256::from(args.tokens) * Unit::ETHER.wei()).await?;
    println!("{} has {GAS} ether and {} tokens more", args.account, args.tokens);
    Ok(ExitCode::SUCCESS)
}
