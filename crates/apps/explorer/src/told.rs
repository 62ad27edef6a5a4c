//! A dispute told move by move: who did what, in a sentence, and what it cost so far.
//!
//! A sentence follows from the record before a move and the one after it. The move that decides
//! leaves no record behind; its row is made from what was executed or compared.
//! Invariant: a side's running total counts the gas of its own transactions and nothing else.

use crate::format;
use crate::parts::{contender_name, side_name};
use crate::view::{At, Dispute, DisputeState, Hash, Move, Side, Stage, Turn};
use crate::walk::{children, in_chunk, levels, unit};
use serde::Serialize;

/// One row of the table of moves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    /// From 1; the challenge is the first.
    pub(crate) number: usize,
    /// Whose move; `None` for what anybody may do.
    pub(crate) by: Option<Side>,
    /// What it did, a sentence without its subject.
    pub(crate) what: String,
    /// When, and for how much gas.
    #[serde(flatten)]
    pub(crate) at: At,
    /// The tree that is walked after it.
    pub(crate) stage: Option<Stage>,
    /// The node that is walked after it.
    pub(crate) node: Option<Hash>,
    /// Its place among the nodes of its height.
    pub(crate) index: Option<u64>,
    /// Levels between it and the leaves.
    pub(crate) height: Option<u32>,
    /// Gas of this side so far.
    pub(crate) running: Option<u64>,
}

/// Returns the moves in order, and how the dispute ended.
pub(crate) fn rows(dispute: &Dispute) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut named = levels(dispute).into_iter();
    let mut before: Option<&Move> = None;
    for one in &dispute.moves {
        let level = before.filter(|before| before.turn.side() == Side::Challenger);
        let level = level.and_then(|_| named.next()).and_then(|level| level.says());
        rows.push(Row {
            number: rows.len() + 1,
            by: Some(one.by),
            what: what(before, one, level),
            at: one.at,
            stage: Some(one.stage),
            node: Some(one.node),
            index: Some(one.index),
            height: Some(one.height),
            running: None,
        });
        before = Some(one);
    }
    rows.extend(ending(dispute, rows.len() + 1));
    for side in [Side::Asserter, Side::Challenger] {
        let mut sum: u64 = 0;
        for row in rows.iter_mut().filter(|row| row.by == Some(side)) {
            let Some(gas) = row.at.gas else { break };
            sum = sum.saturating_add(gas);
            row.running = Some(sum);
        }
    }
    rows
}

/// Returns the moves and the gas of one side; no gas where that of some move is not known.
pub(crate) fn total(rows: &[Row], side: Side) -> (usize, Option<u64>) {
    let own = || rows.iter().filter(|row| row.by == Some(side));
    let gas = own().map(|row| row.at.gas).sum::<Option<u64>>();
    (own().count(), gas)
}

fn what(before: Option<&Move>, after: &Move, level: Option<String>) -> String {
    let Some(before) = before else {
        return "challenges the claim by stating another outputs root".to_owned();
    };
    let tree = tree(before.stage);
    match before.turn {
        Turn::Root => match before.stage {
            Stage::Chain => format!(
                "posts the root of the chain that made the element: {}",
                format::plural(after.count, "step")
            ),
            stage => {
                format!("posts the root of {tree}: {}", format::plural(after.leaves, unit(stage)))
            }
        },
        Turn::Children => format!(
            "reveals {} of {tree} at height {}",
            nodes(children(before), before.height),
            before.height
        ),
        Turn::Chunk => format!(
            "reveals chunk {} of {tree}: {}",
            format::count(before.index),
            format::plural(in_chunk(before), unit(before.stage))
        ),
        Turn::Child | Turn::Element => {
            let place = level.unwrap_or_else(|| "a place".to_owned());
            let chain = before.turn == Turn::Element && after.turn == Turn::Root;
            let next = if chain { ", whose chain of steps comes next" } else { "" };
            format!("names {place}{next}")
        }
    }
}

fn nodes(count: u64, height: u32) -> String {
    match (count, height) {
        (1, 0) => "the only leaf".to_owned(),
        (1, _) => "the only child".to_owned(),
        (count, _) => format!("{} children", format::count(count)),
    }
}

/// Returns what a stage's tree is called.
fn tree(stage: Stage) -> &'static str {
    match stage {
        Stage::Iterations => "the iterations",
        Stage::Outputs => "the outputs",
        Stage::Trace => "the trace",
        Stage::Tensor => "the tensor",
        Stage::Chain => "the chain",
    }
}

/// Returns the row of the move that decided, of a clock that ran out, or of a closing.
fn ending(dispute: &Dispute, number: usize) -> Option<Row> {
    let row = |by, what: String, at: &At| Row {
        number,
        by,
        what,
        at: *at,
        stage: None,
        node: None,
        index: None,
        height: None,
        running: None,
    };
    if let Some(closed) = &dispute.closed {
        return Some(row(None, "closed without fault: the claim had fallen".to_owned(), closed));
    }
    let decided = dispute.decided.as_ref()?;
    if decided.by_clock {
        let loser = if decided.asserter_lost { "asserter" } else { "challenger" };
        let what = format!("the {loser}’s clock had run out, and anybody may say so");
        return Some(row(None, what, &decided.at));
    }
    let last = levels(dispute).last().and_then(|level| level.says());
    let last = last.unwrap_or_else(|| "a place".to_owned());
    let then = match &dispute.compared {
        Some(compared) => format!("{}, which the contract compares", article(&compared.name)),
        None => "which the contract executes".to_owned(),
    };
    Some(row(Some(Side::Challenger), format!("names {last}, {then}"), &decided.at))
}

fn article(name: &str) -> String {
    let vowel = name.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {name}", if vowel { "an" } else { "a" })
}

/// Says in a sentence how a dispute stands.
pub(crate) fn sentence(dispute: &Dispute) -> String {
    let name = |side| contender_name(dispute.contender(side));
    let (asserter, challenger) = (name(Side::Asserter), name(Side::Challenger));
    let object = match (&dispute.judged, &dispute.compared) {
        (Some(_), _) => "one scalar step, which the contract executed",
        (None, Some(_)) => "one tensor, which the contract compared",
        (None, None) => "its end",
    };
    let walked = format!("{challenger} walked the claim of {asserter} down to {object}");
    match (dispute.state(), &dispute.decided) {
        (DisputeState::Undecided, _) => match (dispute.to_move(), due(dispute)) {
            (Some(side), Some(due)) => {
                format!("It is the {}’s turn: {} is to {due}.", side_name(&side), name(side))
            }
            _ => format!("{challenger} challenges the claim of {asserter}."),
        },
        (DisputeState::Closed, _) => format!(
            "The claim of {asserter} fell otherwise, so this dispute was closed: {challenger} has \
             its bond back."
        ),
        (_, Some(decided)) if decided.by_clock => {
            let loser = name(dispute.loser().unwrap_or(Side::Asserter));
            format!("{loser} ran out of time and lost its bond.")
        }
        (DisputeState::Convicted, _) => {
            format!("{walked}: {asserter} was wrong, and lost its bond.")
        }
        (DisputeState::Acquitted, _) => {
            format!("{walked}: {asserter} was right, and {challenger} lost its bond.")
        }
    }
}

/// Says in a few words what is due.
fn due(dispute: &Dispute) -> Option<String> {
    let last = dispute.moves.last()?;
    let tree = tree(last.stage);
    Some(match last.turn {
        Turn::Root => format!("post the root of {tree}"),
        Turn::Children => format!("reveal the children of a node of {tree}"),
        Turn::Chunk => format!("reveal a chunk of {tree}"),
        Turn::Child => "name the first child that is wrong".to_owned(),
        Turn::Element => format!("name the first {} that is wrong", unit(last.stage)),
    })
}

/// Returns the last block of the clock of the side to move, while nothing is decided.
pub(crate) fn deadline(dispute: &Dispute) -> Option<u64> {
    let side = dispute.to_move()?;
    let last = dispute.moves.last()?;
    Some(last.at.block.saturating_add(dispute.contender(side).blocks_left))
}
