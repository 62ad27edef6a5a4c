//! `assay node join` and `leave`: the stake, in and out.

use std::process::ExitCode;

use alloy::primitives::{B256, U256, utils::Unit};
use anyhow::{bail, ensure};
use chain::Client;

use super::{Place, keys};
use crate::money;

/// Of which node.
#[derive(Debug, clap::Args)]
pub(crate) struct JoinArgs {
    #[command(flatten)]
    place: Place,
}

/// Of which node.
#[derive(Debug, clap::Args)]
pub(crate) struct LeaveArgs {
    #[command(flatten)]
    place: Place,
}

/// Stakes and registers, unless that is done.
pub(super) async fn join(args: &JoinArgs) -> anyhow::Result<ExitCode> {
    let config = args.place.config()?;
    let keys = keys::open(&args.place)?;
    let client = Client::open(&config.rpc, keys.chain, config.deployment.clone()).await?;
    let key = client.address();
    if let Some(index) = client.find(key).await? {
        println!("node {index} is registered already");
        return Ok(ExitCode::SUCCESS);
    }
    let stake = U256::from(config.stake_tokens) * Unit::ETHER.wei();
    let (tokens, gas) = (client.tokens(key).await?, client.balance(key).await?);
    ensure!(!gas.is_zero(), "{key} has no gas; have some sent to it");
    ensure!(
        tokens >= stake,
        "{key} holds {} tokens, {} are staked; have more sent to it",
        money::plain(tokens),
        config.stake_tokens
    );
    client.approve_all().await?;
    let payee = config.payee.unwrap_or(key);
    let peer = B256::from(net::peer_id(&keys.peer));
    let address = config.public.clone().unwrap_or_else(|| config.bind.to_string());
    let index = client.join(payee, peer, &address, stake).await?;
    println!(
        "node {index} joined with {} tokens; `assay node run` takes part",
        config.stake_tokens
    );
    Ok(ExitCode::SUCCESS)
}

/// Leaves; when the unbonding time has passed, pays what is left of the stake to the payee.
pub(super) async fn leave(args: &LeaveArgs) -> anyhow::Result<ExitCode> {
    let config = args.place.config()?;
    let keys = keys::open(&args.place)?;
    let client = Client::open(&config.rpc, keys.chain, config.deployment.clone()).await?;
    let Some(index) = client.find(client.address()).await? else {
        bail!("{} has not joined, or has brought its stake home", client.address());
    };
    let known = client.node(index).await?;
    let block = client.block_number().await?;
    if known.unbondBlock == 0 {
        client.leave().await?;
        let until = client.node(index).await?.unbondBlock;
        println!(
            "node {index} leaves: no further seats. Run this again from block {until} on \
             (now {block}) to bring the stake home; keep `assay node run` going until then, for \
             disputes"
        );
    } else if block < known.unbondBlock {
        bail!("the stake is bound until block {}, now is {block}", known.unbondBlock);
    } else {
        client.withdraw_stake().await?;
        println!("{} tokens went to {}", money::plain(known.stake), known.payee);
    }
    Ok(ExitCode::SUCCESS)
}
