//! What the chain shows of scores, as [`round::Scorer`] is shown it.

use alloy::primitives::U256;
use chain::{Client, client};
use round::{
    ledger::{Past, Player},
    scorer::{View, WAITING_MAX},
};

use crate::{NodeError, eye, hash};

/// Reads what a node sees of scores, nothing while no settled round waits; `last` is the number of
/// the round that runs, or ran last.
pub(super) async fn view(
    client: &Client,
    (last, actives): (u64, Vec<u32>),
) -> Result<Option<View>, NodeError> {
    let Some(next) = client.next_score().await? else { return Ok(None) };
    let mut waiting = Vec::new();
    for round in next..=last {
        // A round that was voided is none here.
        let Some(past) = client.past(round).await? else { continue };
        if past.openBlock == 0 || waiting.len() == WAITING_MAX {
            break;
        }
        waiting.push((round, to_past(&past)));
    }
    let poster = client.score_poster().await?;
    let id = waiting.first().map_or(0, |(_, past)| past.claim);
    let me = client.address();
    let (claim, challenged) = match U256::from(id) {
        U256::ZERO => (None, false),
        id => {
            let claim = eye::to_claim(&client.claim(id).await?);
            (Some(claim), client.has_challenged(id, me).await?)
        }
    };
    let own = client.find(me).await?;
    Ok(Some(View { own, waiting, poster, claim, challenged, actives }))
}

fn to_past(past: &client::Past) -> Past {
    let player = |player: &client::Player| Player {
        index: player.index,
        rows: player.rows,
        stake_gwei: player.stakeGwei,
        window: hash(player.window),
    };
    let id = |id: u128| u64::try_from(id).unwrap_or(u64::MAX);
    Past {
        place: usize::try_from(past.place).unwrap_or(usize::MAX),
        rows: past.rows,
        waiting: past.waiting,
        attempt: past.attempt,
        open_block: past.openBlock,
        full_block: past.fullBlock,
        budget_gwei: past.budgetGwei,
        aggregation: id(past.aggregation),
        claim: id(past.claim),
        fallen: id(past.fallen),
        seed: hash(past.seed),
        players: past.players.iter().map(player).collect(),
    }
}
