//! Rounds, nodes and the model.

use chain::{
    ClaimState, Phase as OnChain,
    index::{Claim, History, Round},
};
use explorer::view::{self, Phase};

use super::{Known, seconds, to_address, to_hash, wad};
use crate::up::{settings::PUBLISHER, summary};

/// Every round, with what this process measured of it.
pub(super) fn rounds(
    history: &History,
    known: &Known,
    told: &[summary::Round],
) -> Vec<view::Round> {
    let measured = |number: u64| told.iter().find(|round| round.index == number);
    history.rounds.values().map(|one| round(history, known, one, measured(one.number))).collect()
}

/// Where a round stands, a finished one at its end.
pub(super) fn phase(round: &Round) -> Phase {
    match round.phase {
        OnChain::Commit => Phase::Commit,
        OnChain::Reveal => Phase::Reveal,
        OnChain::Aggregate => Phase::Aggregate,
        OnChain::Idle if round.voided.is_some() => Phase::Voided,
        OnChain::Idle => Phase::Settled,
    }
}

/// The last block of the running phase, where it has one.
pub(super) fn deadline(round: &Round, known: &Known) -> Option<u64> {
    match round.phase {
        OnChain::Commit => Some(round.opened.block + known.pace[0]),
        OnChain::Reveal => round.commits_closed.map(|(block, _)| block + known.pace[1]),
        OnChain::Aggregate | OnChain::Idle => None,
    }
}

fn round(
    history: &History,
    known: &Known,
    round: &Round,
    told: Option<&summary::Round>,
) -> view::Round {
    let ids: Vec<u64> = round.results.iter().map(|(id, _, _)| *id).collect();
    let claims: Vec<&Claim> = ids.iter().filter_map(|id| history.claims.get(id)).collect();
    let last = claims.last();
    let settled = round.settled.as_ref();
    let end = settled.map(|s| s.at).or(round.voided.as_ref().map(|v| v.at));
    view::Round {
        number: round.number,
        phase: phase(round),
        market_time: seconds(round.opened.time),
        open_block: round.opened.block,
        commits_closed_block: round.commits_closed.map(|(block, _)| block),
        reveals_closed_block: round.reveals_closed.map(|(block, _)| block),
        end_block: end.map(|at| at.block),
        struck: u32::try_from(round.struck.len()).unwrap_or(u32::MAX),
        seats: round.seats.iter().map(|one| seat(history, known, one, told)).collect(),
        model_before: to_hash(round.model_root),
        model_after: settled.map(|settled| to_hash(settled.model_root)),
        train_program: to_hash(known.train_program),
        program: last.map(|claim| to_hash(claim.program)),
        inputs_root: last.map(|claim| to_hash(claim.inputs_root)),
        outputs_root: last.map(|claim| to_hash(claim.outputs_root)),
        aggregator: round.results.last().map(|(_, node, _)| *node),
        claims: claims.iter().map(|one| claim(history, one)).collect(),
        loss: told.map(|told| told.loss),
        budget: wad(known.budget),
        seconds: told.map_or_else(Vec::new, |told| spent(&told.seconds)),
        txs: transactions(round),
    }
}

fn spent(seconds: &summary::Seconds) -> Vec<view::PhaseTime> {
    let phases = [
        (Phase::Commit, seconds.commit),
        (Phase::Reveal, seconds.reveal),
        (Phase::Aggregate, seconds.aggregate),
    ];
    phases.into_iter().map(|(phase, seconds)| view::PhaseTime { phase, seconds }).collect()
}

/// The transactions that moved a round, in the order of the chain.
fn transactions(round: &Round) -> Vec<view::Hash> {
    let mut at = vec![round.opened];
    at.extend(round.seats.iter().filter_map(|seat| seat.commitment.map(|(_, at)| at)));
    at.extend(round.seats.iter().filter_map(|seat| seat.reveal.as_ref().map(|reveal| reveal.at)));
    at.extend(round.results.iter().map(|(_, _, at)| *at));
    at.extend(round.settled.as_ref().map(|settled| settled.at));
    at.extend(round.voided.as_ref().map(|voided| voided.at));
    at.sort_by_key(|at| at.block);
    let mut hashes: Vec<view::Hash> = at.into_iter().map(|at| to_hash(at.tx)).collect();
    hashes.dedup();
    hashes
}

fn seat(
    history: &History,
    known: &Known,
    seat: &chain::index::Seat,
    told: Option<&summary::Round>,
) -> view::Seat {
    let node = history.nodes.get(&seat.node);
    let rejected = told.and_then(|told| told.rejected.iter().find(|one| one.node == seat.node));
    let distance = told.and_then(|told| told.distance(seat.node));
    let pay = told.and_then(|told| told.pay.iter().find(|pay| pay.node == seat.node));
    let verdict =
        seat.reveal.as_ref().and(seat.accepted).map(|accepted| {
            if accepted { view::Verdict::Accepted } else { view::Verdict::Rejected }
        });
    view::Seat {
        node: seat.node,
        name: node.map_or_else(String::new, |node| known.name(node.key)),
        seats: seat.rows,
        stake: node.map_or(view::Wad::ZERO, |node| wad(node.stake)),
        commitment: seat.commitment.map(|(commitment, _)| to_hash(commitment)),
        reveal: seat.reveal.as_ref().map(|reveal| view::Reveal {
            update_root: to_hash(reveal.update_root),
            blob: to_hash(reveal.blob),
            with_data: reveal.data.is_some(),
        }),
        distance: distance.or(rejected.map(|one| one.distance)),
        verdict,
        pay: pay.and_then(|pay| pay.tokens.parse().ok()),
        worth: pay.and_then(worth),
        label: node.and_then(|node| known.label(node.key)),
    }
}

/// What a node's rows were worth, where that is scored.
fn worth(pay: &summary::Pay) -> Option<view::Worth> {
    Some(view::Worth { score: pay.score?, burnt: pay.burnt.as_ref()?.parse().ok()? })
}

/// Where a claim stands, in the pages' words.
pub(super) fn claim_state(state: ClaimState) -> view::ClaimState {
    match state {
        ClaimState::Open => view::ClaimState::Open,
        ClaimState::Disputed => view::ClaimState::Disputed,
        ClaimState::Final => view::ClaimState::Final,
        ClaimState::Struck => view::ClaimState::Struck,
        ClaimState::Void => view::ClaimState::Void,
    }
}

fn claim(history: &History, claim: &Claim) -> view::Claim {
    let index = |key| history.nodes.values().find(|node| node.key == key).map(|node| node.index);
    view::Claim {
        id: claim.id,
        state: claim_state(claim.state),
        asserter: to_address(claim.asserter),
        asserter_node: index(claim.asserter),
        outputs_root: to_hash(claim.outputs_root),
        bond: wad(claim.bond),
        deadline: claim.deadline,
        disputes: claim.disputes.clone(),
    }
}

/// Every registered node.
pub(super) fn nodes(history: &History, known: &Known) -> Vec<view::Node> {
    let node = |node: &chain::index::Node| {
        let place = known.place(node.key);
        let role = match place {
            Some(PUBLISHER) => "trainer, challenger, publisher",
            _ => "trainer, challenger",
        };
        let claimed = history.paid(node.index);
        view::Node {
            index: node.index,
            name: known.name(node.key),
            key: to_address(node.key),
            payee: to_address(node.payee),
            peer: to_hash(node.peer),
            endpoint: node.endpoint.clone(),
            stake: wad(node.stake),
            earned: wad(claimed),
            claimed: wad(claimed),
            role: role.to_owned(),
            data: place.and_then(|place| known.slices.get(place).cloned()).unwrap_or_default(),
            alive: place.map(|place| known.alive.has(&format!("node-{place}"))),
            joined_block: node.joined.block,
            label: known.label(node.key),
        }
    };
    history.nodes.values().map(node).collect()
}

/// The model as last settled.
pub(super) fn model(
    history: &History,
    known: &Known,
    told: &[summary::Round],
    params: Option<&[f32]>,
) -> view::Model {
    let root = history.rounds.values().rev().find_map(|round| round.settled.as_ref());
    let loss = |round: &summary::Round| {
        let root = round.model.parse().ok()?;
        Some(view::Loss { round: round.index, loss: round.loss, root })
    };
    let pairs = known.names.iter().zip(params.unwrap_or(&[]));
    view::Model {
        kind: match known.kind.as_str() {
            "har" => "log-HAR with leverage terms, linear".to_owned(),
            kind => format!("{kind}: a small perceptron on the log-HAR features"),
        },
        predicts: "next day's log variance, relative to its slow average".to_owned(),
        loss_name: "mean of s + y·exp(−s) on the evaluation days".to_owned(),
        root: root.map(|settled| to_hash(settled.model_root)),
        program: Some(to_hash(known.train_program)),
        parameters: pairs
            .map(|(name, value)| view::Parameter { name: name.clone(), value: *value })
            .collect(),
        losses: told.iter().filter_map(loss).collect(),
    }
}
