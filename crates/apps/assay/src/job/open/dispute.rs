//! This key's side of the disputes over one claim, played as far as they can be.
//!
//! Level-triggered: each look reads the disputes from the chain and makes the move that is due, so
//! a process that was killed goes on where the dispute is.

use std::time::Duration;

use alloy::primitives::U256;
use anyhow::Context as _;
use chain::{ClaimState, Client, ClientError};
use court::{Side, advocate, trace::Evidence};

/// Pause between two looks at the chain.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Makes what moves of the disputes over a claim are this key's; returns how many disputes still
/// run. Where the clock of another has run out, it ends the dispute; after the claim fell, it gets
/// this key's bond back.
pub(super) async fn attend(
    client: &Client,
    claim: u64,
    evidence: &mut dyn Evidence,
) -> anyhow::Result<usize> {
    let me = court::Address(client.address().into_array());
    let posted = client.claim(U256::from(claim)).await?;
    let asserts = posted.asserter == client.address();
    let state = ClaimState::from_word(posted.state);
    let fallen = matches!(state, Some(ClaimState::Struck | ClaimState::Void));
    let mut running = 0;
    for dispute in client.disputes_over(U256::from(claim)).await? {
        let Some(standing) = client.dispute(dispute).await? else { continue };
        let record = &standing.record;
        let challenges = record.challenger == me;
        if fallen {
            if challenges {
                client.close_dispute(dispute, record).await?;
            }
            continue;
        }
        running += 1;
        let own = match record.mover() {
            Side::Asserter => asserts,
            Side::Challenger => challenges,
        };
        let (left, used) = record.clock(client.block_number().await?);
        if own {
            let moved = tokio::task::block_in_place(|| {
                advocate::next_move(record, &standing.revealed, evidence)
            });
            let moved = moved.context("there is nothing to say against the other side")?;
            match client.make_move(dispute, record, moved).await {
                Ok(mined) => tracing::info!(dispute, stage = ?record.stage, gas = mined.gas_used),
                // It moved on between the two looks.
                Err(error) if error.reverted_with() == Some("NotTheRecord") => {}
                Err(error) => return Err(error.into()),
            }
        } else if used > left && (asserts || challenges) {
            match client.timeout(dispute, record).await {
                Ok(_) => {}
                Err(error) if is_stale(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(running)
}

/// Whether another was there first.
fn is_stale(error: &ClientError) -> bool {
    matches!(error.reverted_with(), Some("NotTheRecord" | "ClockRuns" | "NotOpen"))
}
