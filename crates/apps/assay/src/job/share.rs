//! A node's shares of a job's fees: the proof is made of the tensor that its epoch was fixed with.

use alloy::primitives::{B256, U256};
use anyhow::ensure;
use chain::Client;
use tensor::tree;

use crate::money;

/// Bytes of a chunk of f64.
const CHUNK: usize = 8 * tree::CHUNK_ELEMENTS;

/// Claims what is due in each epoch and says how much that was.
pub(super) async fn claim(client: &Client, job: u64, node: u32, json: bool) -> anyhow::Result<()> {
    let number = U256::from(job);
    let mut paid = U256::ZERO;
    for (epoch, split) in client.epochs(number).await?.iter().enumerate() {
        let epoch = U256::from(epoch);
        ensure!(node < split.length, "job {job} pays nodes below {}, not {node}", split.length);
        let tensor = client.epoch_tensor(number, epoch).await?;
        let (chunk, siblings, gwei) = proof(&tensor, node)?;
        let before = client.share_paid(number, epoch, node).await?;
        if U256::from(gwei) * split.revenue / split.total <= before {
            continue;
        }
        client.claim_share((number, epoch), node, chunk.into(), siblings).await?;
        paid += client.share_paid(number, epoch, node).await? - before;
    }
    if json {
        println!("{}", serde_json::json!({ "job": job, "node": node, "paid": money::plain(paid) }));
    } else if paid.is_zero() {
        println!("job {job}: nothing is due to node {node}");
    } else {
        println!("job {job}: {} tokens went to the payee of node {node}", money::plain(paid));
    }
    Ok(())
}

/// Returns the chunk a node stands in, the hashes beside its way up, and the node's pay in gwei.
fn proof(tensor: &[u8], node: u32) -> anyhow::Result<(Vec<u8>, Vec<B256>, u64)> {
    let index = usize::try_from(node)?;
    let mut padded = tensor.to_vec();
    padded.resize(tensor.len().next_multiple_of(CHUNK), 0);
    let at = index / tree::CHUNK_ELEMENTS;
    let chunk = padded.chunks(CHUNK).nth(at).map(<[u8]>::to_vec);
    let Some(chunk) = chunk else {
        anyhow::bail!("the chain does not show the tensor of this epoch; read from another node")
    };
    let leaves: Vec<_> = padded.chunks(CHUNK).map(tree::leaf).collect();
    let siblings = tree::siblings(&leaves, at).into_iter().map(|hash| B256::from(hash.0)).collect();
    let place = 8 * (index % tree::CHUNK_ELEMENTS);
    let bytes: [u8; 8] = chunk[place..place + 8].try_into()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the contract took it as an integer below 2^64"
    )]
    let gwei = f64::from_le_bytes(bytes) as u64;
    Ok((chunk, siblings, gwei))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_leads_to_the_root_of_the_tensor() {
        let tensor: Vec<u8> = (0..70_u32).flat_map(|n| f64::from(n).to_le_bytes()).collect();
        let root = round::jobs::tensor_root(&tensor, CHUNK);
        for node in [0, 31, 32, 69] {
            let (chunk, siblings, gwei) = proof(&tensor, node).expect("it is there");
            assert_eq!(gwei, u64::from(node));
            let siblings: Vec<_> = siblings.iter().map(|word| tensor::Hash(word.0)).collect();
            let place = (u64::from(node) / 32, 3);
            assert_eq!(tree::climb(tree::leaf(&chunk), place, &siblings), Some(root));
        }
        assert!(proof(&tensor, 96).is_err());
    }
}
