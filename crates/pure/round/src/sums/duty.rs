//! What one node has to do in a private round, from how the round stands.
//!
//! Level-triggered: nothing is remembered here, what is due is due until the chain shows it done,
//! and a call that another was faster with is refused there. Invariant: a pure function of its
//! arguments. Absent: what a member holds and a sum is, which is the shell's to know, and when to
//! open a round.

use court::State as ClaimState;

use super::{
    Place, SHARES, holders,
    ledger::{Facts, Input, Phase, Rounds, Sum, Tray, is_set},
};
use crate::chain::Block;

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Nothing runs: a round may be opened.
    Open,
    /// The phase is over, and somebody must say so; anybody may.
    Advance,
    /// Train, cut the update, commit to its shares.
    Commit,
    /// Gather the shares of a bucket's trainers and say which are there.
    Report {
        /// The bucket.
        bucket: usize,
        /// The node's place among its members.
        member: usize,
    },
    /// Add up and state.
    State {
        /// The bucket.
        bucket: usize,
        /// The node's place among its members.
        member: usize,
    },
    /// The other holder states another sum of a share: claim that one's own is right.
    Defend {
        /// The bucket.
        bucket: usize,
        /// The share.
        share: usize,
    },
    /// The other holder claims that its sum is right: look, and challenge it if it is not.
    CheckSum {
        /// The bucket.
        bucket: usize,
        /// The share.
        share: usize,
        /// The claim.
        claim: u64,
    },
    /// It is this node's turn to claim the aggregation.
    Post,
    /// A result is claimed: look, and challenge it if it is wrong.
    Check {
        /// The claim.
        claim: u64,
    },
    /// The result can be settled; anybody may.
    Settle,
}

/// Returns what node `own` has to do in block `next`.
#[must_use]
pub fn duties(rounds: &Rounds, own: u32, next: Block, facts: &Facts) -> Vec<Duty> {
    if is_over(rounds, next, facts) {
        return vec![Duty::Advance];
    }
    let Some(place) = rounds.seats().iter().position(|seat| seat.node == own) else {
        return common(rounds, next, facts);
    };
    let mut list = common(rounds, next, facts);
    match rounds.round().phase {
        Phase::Commit if !rounds.seats()[place].committed() => list.push(Duty::Commit),
        Phase::Report => {
            let due = |tray: &Tray, member: usize| !tray.reported[member];
            list.extend(
                roles(rounds, place, due).map(|(bucket, member)| Duty::Report { bucket, member }),
            );
        }
        Phase::Sum => {
            let due = |tray: &Tray, member: usize| {
                let silent = tray.sums[member][0] == tensor::Hash::ZERO;
                tray.roll != 0 && tray.reported[member] && silent
            };
            list.extend(
                roles(rounds, place, due).map(|(bucket, member)| Duty::State { bucket, member }),
            );
        }
        Phase::Judge => list.extend(disputed(rounds, place)),
        Phase::Aggregate if rounds.round().claim == 0 && rounds.aggregator(next) == Some(own) => {
            list.push(Duty::Post);
        }
        _ => {}
    }
    list
}

/// Returns which of a trainer's shares a node may be given: those that a member of the trainer's
/// bucket holds.
#[must_use]
pub fn may_hold(rounds: &Rounds, node: u32, place: Place, share: usize) -> bool {
    let seat_of = |node| rounds.seats().iter().position(|seat| seat.node == node);
    let (Some(holder), Some(trainer)) = (seat_of(node), seat_of(place.node)) else { return false };
    let this_round = place.round == rounds.round().number && place.job == rounds.config().job;
    let trains = |tray: &&Tray| u32::try_from(trainer).is_ok_and(|at| is_set(tray.trainers, at));
    let tray = rounds.trays().iter().find(trains);
    let holds =
        |member: usize| tray.is_some_and(|tray| usize::from(tray.members[member]) == holder);
    this_round && share < SHARES && holders(share).into_iter().any(holds)
}

fn is_over(rounds: &Rounds, next: Block, facts: &Facts) -> bool {
    let mut after = rounds.clone();
    let advanced = after.handle((next, None), &Input::Advance, facts);
    advanced.is_ok() && after != *rounds
}

/// What every node has to do.
fn common(rounds: &Rounds, next: Block, facts: &Facts) -> Vec<Duty> {
    let round = rounds.round();
    match (round.phase, facts.claims.get(&round.claim)) {
        (Phase::Idle, _) => vec![Duty::Open],
        (Phase::Aggregate, Some((ClaimState::Open, deadline))) if next <= *deadline => {
            vec![Duty::Check { claim: round.claim }]
        }
        (Phase::Aggregate, Some((ClaimState::Open | ClaimState::Final, _))) => vec![Duty::Settle],
        _ => Vec::new(),
    }
}

/// Buckets and places in them where the node is a member that has something to do.
fn roles(
    rounds: &Rounds,
    place: usize,
    due: impl Fn(&Tray, usize) -> bool,
) -> impl Iterator<Item = (usize, usize)> {
    let of = move |(bucket, tray): (usize, &Tray)| {
        let member = tray.members.iter().position(|own| usize::from(*own) == place)?;
        due(tray, member).then_some((bucket, member))
    };
    rounds.trays().iter().enumerate().filter_map(of)
}

fn disputed(rounds: &Rounds, place: usize) -> Vec<Duty> {
    let mut list = Vec::new();
    for (bucket, member) in roles(rounds, place, |tray, _| tray.roll != 0) {
        let tray = &rounds.trays()[bucket];
        for share in (0..SHARES).filter(|share| *share != member) {
            if !matches!(tray.sum(share), Sum::Disputed(_)) {
                continue;
            }
            match tray.claims[share] {
                0 => list.push(Duty::Defend { bucket, share }),
                _ if tray.defenders[share] == member => {}
                claim => list.push(Duty::CheckSum { bucket, share, claim }),
            }
        }
    }
    list
}
