//! A change that waits in the gate: maintenance margin that wants to rise, to what, and since when.
//!
//! Absent: changes of a contract that does not say what waits in it; of those there is nothing to
//! tell before they hold.

use alloy::eips::BlockNumberOrTag;
use alloy::primitives::{Bytes, U256, keccak256};
use alloy::rpc::types::{Block, TransactionRequest};
use alloy::sol_types::SolValue;
use chain::{Client, ClientError};

use crate::source::{Reading, Source, SourceError, Target};

/// What says it: `PanelGate.rise`.
const CALL: &str = "rise(bytes32)";

/// A rise of maintenance margin that waits. Shares are of a position's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pending {
    /// To what it may rise next.
    pub to: f64,
    /// The block from which it waits.
    pub since_block: u64,
    /// Unix seconds of that block.
    pub since_s: u64,
}

/// Returns the rise that waits in a market's gate as of a reading; `None` where none does, or the
/// contract does not say.
///
/// # Errors
///
/// [`SourceError`] if the chain cannot be asked, or what is to come is no margin.
pub async fn pending(
    source: &Source,
    client: &Client,
    (market, reading): (&Target, &Reading),
) -> Result<Option<Pending>, SourceError> {
    // A market that is no bytes32 is of a contract that has no such function.
    let Ok(argument) = market.argument("bytes32") else { return Ok(None) };
    let mut input = keccak256(CALL)[..4].to_vec();
    input.extend(argument.abi_encode());
    let request = TransactionRequest {
        to: Some(source.contract.into()),
        input: Bytes::from(input).into(),
        ..TransactionRequest::default()
    };
    let block = BlockNumberOrTag::Number(reading.block);
    let answer: Bytes = match client.request("eth_call", (request, block)).await {
        Ok(answer) => answer,
        Err(ClientError::Reverted { .. } | ClientError::Refused { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Some((most, since_block)) = read(&answer) else { return Ok(None) };
    let to = source.unit.share(most)?;
    let since = BlockNumberOrTag::Number(since_block);
    let block: Option<Block> = client.request("eth_getBlockByNumber", (since, false)).await?;
    let since_s = block.map_or(0, |block| block.header.timestamp);
    Ok((to > reading.maintenance).then_some(Pending { to, since_block, since_s }))
}

/// Reads an answer: to what, and since which block, which is zero where nothing waits.
fn read(answer: &Bytes) -> Option<(U256, u64)> {
    let (most, since) = <(U256, U256)>::abi_decode(answer).ok()?;
    let since = u64::try_from(since).ok().filter(|since| *since > 0)?;
    Some((most, since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_what_waits_or_nothing() {
        let answer =
            |most: u64, since: u64| Bytes::from((U256::from(most), U256::from(since)).abi_encode());
        assert_eq!(read(&answer(7, 9)), Some((U256::from(7), 9)));
        assert_eq!(read(&answer(7, 0)), None, "nothing waits");
        assert_eq!(read(&Bytes::from(vec![0; 32])), None, "another contract's function");
        assert_eq!(read(&Bytes::new()), None, "a contract with a fallback");
        let far = (U256::from(7), U256::MAX).abi_encode();
        assert_eq!(read(&Bytes::from(far)), None, "no block");
    }
}
