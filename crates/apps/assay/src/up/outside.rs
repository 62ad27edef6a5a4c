//! What is different on a chain that is not our own: it is named, priced and confirmed before
//! anything is sent.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{
        U256,
        utils::{Unit, format_ether},
    },
};
use chain::Client;

use super::Args;
use crate::networks;

/// Gas of the deployment, the nodes' joining and a day of rounds, measured on the embedded chain
/// and rounded up.
const GAS: u64 = 40_000_000;
/// Gas one node or sample account is given at a time.
const GAS_PER_ACCOUNT: u64 = 8_000_000;
/// Price that is planned with where blocks name none: 2 gwei.
const GAS_PRICE_WEI: u64 = 2_000_000_000;

/// Ether given to each account that sends transactions.
pub(crate) fn gas_per_account(outside: bool) -> U256 {
    if outside {
        U256::from(GAS_PER_ACCOUNT) * U256::from(GAS_PRICE_WEI)
    } else {
        Unit::ETHER.wei() * U256::from(100)
    }
}

/// Shows chain, balance and estimated cost, refuses main networks, and asks.
pub(crate) async fn confirm(args: &Args, client: &Client, nodes: usize) -> anyhow::Result<()> {
    networks::check(client.chain_id(), args.allow_chain_id)?;
    let price = match client.block(BlockNumberOrTag::Latest).await? {
        Some(block) => {
            U256::from(2) * U256::from(block.header.base_fee_per_gas.unwrap_or(GAS_PRICE_WEI))
        }
        None => U256::from(GAS_PRICE_WEI),
    };
    let accounts = U256::from(nodes as u64 + 2) * gas_per_account(true);
    let cost = price * U256::from(GAS) + accounts;
    let balance = client.balance(client.address()).await?;
    eprintln!("chain     id {}, {}", client.chain_id(), client.url());
    eprintln!("account   {}, {} ether", client.address(), format_ether(balance));
    eprintln!(
        "estimate  {} ether at most, of which {} stay in the nodes' accounts",
        format_ether(cost),
        format_ether(accounts)
    );
    eprintln!("The contracts are unaudited. Use a test network and a key that holds nothing else.");
    if balance < cost {
        anyhow::bail!(
            "the account holds {} ether, {} are needed; fund it first",
            format_ether(balance),
            format_ether(cost)
        );
    }
    if args.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        anyhow::bail!("there is no terminal to confirm at; add --yes");
    }
    eprint!("go on? [y/N] ");
    std::io::stderr().flush()?;
    // On a thread of its own, so that Ctrl-C is heard meanwhile.
    let read = || {
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map(|_| answer)
    };
    let answer = tokio::task::spawn_blocking(read).await??;
    if answer.trim().eq_ignore_ascii_case("y") { Ok(()) } else { anyhow::bail!("nothing was sent") }
}
