//! A dispute as the levels it walked down: what stood side by side on each, and which was named.
//!
//! Everything left of the named one is thereby agreed, everything right of it was never looked at.
//! The numbers come from a chain and may be anything: arithmetic saturates, and a level that makes
//! no sense becomes a level that says less.
//! Deliberately absent: drawing, which is [`picture`](crate::picture).

use crate::format;
use crate::view::{Dispute, Move, Stage, Turn};

/// Children of an inner node.
pub(crate) const ARITY: u64 = 16;
/// Elements of a chunk.
pub(crate) const CHUNK: u64 = 32;

/// One level of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    /// The tree it is a level of.
    pub(crate) stage: Stage,
    /// Whether the cells are elements of a chunk; otherwise they are nodes of a tree.
    pub(crate) elements: bool,
    /// Levels between the cells and the leaves.
    pub(crate) height: u32,
    /// Place of the first cell among all of its height.
    pub(crate) first: u64,
    /// Cells side by side: up to sixteen nodes or 32 elements.
    pub(crate) cells: u64,
    /// Which of the cells was named; `None` while nobody did.
    pub(crate) named: Option<u64>,
    leaves: u64,
    count: u64,
}

/// Returns the levels from the top down, the last one perhaps without a name yet.
pub(crate) fn levels(dispute: &Dispute) -> Vec<Level> {
    let moves = &dispute.moves;
    let after = moves.iter().skip(1).map(Some).chain([None]);
    let step = |(before, after): (&Move, Option<&Move>)| {
        let mut level = Level::offered(before)?;
        let place = named(before, after, dispute);
        level.named =
            place.and_then(|place| place.checked_sub(level.first)).filter(|n| *n < level.cells);
        Some(level)
    };
    moves.iter().zip(after).filter_map(step).collect()
}

/// Returns what the challenger named after `before`, by its place among all of its height.
fn named(before: &Move, after: Option<&Move>, dispute: &Dispute) -> Option<u64> {
    let judged = dispute.judged.as_ref();
    match (before.turn, before.stage, after) {
        (Turn::Element, Stage::Tensor, Some(after)) => Some(after.element),
        (Turn::Element, Stage::Tensor, None) => judged.map(|judged| judged.element),
        (Turn::Element, _, _) => judged.and_then(|judged| judged.step),
        (Turn::Child, stage, Some(after)) if after.stage == stage => Some(after.index),
        (Turn::Child, Stage::Iterations, Some(after)) => Some(u64::from(after.iteration)),
        (Turn::Child, Stage::Outputs, Some(after)) => Some(after.index),
        (Turn::Child, Stage::Trace, Some(after)) => Some(u64::from(after.op)),
        (Turn::Child, Stage::Trace, None) => {
            dispute.compared.as_ref().map(|compared| u64::from(compared.op))
        }
        _ => None,
    }
}

/// Returns how many nodes of this height stand over so many leaves.
fn nodes(leaves: u64, height: u32) -> u64 {
    ARITY.checked_pow(height).map_or(1, |width| leaves.div_ceil(width))
}

/// Returns how many children the node has that is walked after a move.
pub(crate) fn children(after: &Move) -> u64 {
    let Some(below) = after.height.checked_sub(1) else { return 1 };
    let first = after.index.saturating_mul(ARITY);
    nodes(after.leaves, below).saturating_sub(first).clamp(1, ARITY)
}

/// Returns how many elements the chunk has that is walked after a move.
pub(crate) fn in_chunk(after: &Move) -> u64 {
    after.count.saturating_sub(after.index.saturating_mul(CHUNK)).clamp(1, CHUNK)
}

impl Level {
    /// Returns the level that lies open after a move, if the challenger is to name something.
    fn offered(after: &Move) -> Option<Level> {
        let (elements, height, width, cells) = match after.turn {
            Turn::Child => (false, after.height.saturating_sub(1), ARITY, children(after)),
            Turn::Element => (true, 0, CHUNK, in_chunk(after)),
            _ => return None,
        };
        // A tree of one leaf is not walked: its leaf is the root.
        let first = if !elements && after.height == 0 { 0 } else { after.index };
        Some(Level {
            stage: after.stage,
            elements,
            height,
            first: first.saturating_mul(width),
            cells,
            named: None,
            leaves: after.leaves,
            count: after.count,
        })
    }

    /// Says what the cells are, such as `16 nodes`.
    pub(crate) fn offers(&self) -> String {
        let one = if self.elements { self.unit() } else { noun(self.stage, self.height) };
        format::plural(self.cells, one)
    }

    /// Says what was named, such as `ops 256 to 511`.
    pub(crate) fn says(&self) -> Option<String> {
        let (from, to) = self.span()?;
        let name = self.unit();
        Some(match from == to {
            true => format!("{name} {}", format::count(from)),
            false => format!("{name}s {} to {}", format::count(from), format::count(to)),
        })
    }

    /// Returns how many leaves, elements or steps there are in all.
    pub(crate) fn all(&self) -> u64 {
        if self.in_chunks() { self.count } else { self.leaves }
    }

    /// Whether what is counted lies in chunks below the leaves.
    fn in_chunks(&self) -> bool {
        matches!(self.stage, Stage::Tensor | Stage::Chain)
    }

    /// Returns the first and the last of what lies under the named cell.
    fn span(&self) -> Option<(u64, u64)> {
        let place = self.first.saturating_add(self.named?);
        if self.elements {
            return Some((place, place));
        }
        let leaf = if self.in_chunks() { CHUNK } else { 1 };
        let width = ARITY.checked_pow(self.height).unwrap_or(u64::MAX).saturating_mul(leaf);
        let from = place.saturating_mul(width);
        let to = from.saturating_add(width).min(self.all().max(1)).saturating_sub(1);
        Some((from, to.max(from)))
    }

    fn unit(&self) -> &'static str {
        unit(self.stage)
    }
}

/// Returns what the elements under a stage's tree are called.
pub(crate) fn unit(stage: Stage) -> &'static str {
    match stage {
        Stage::Iterations => "iteration",
        Stage::Outputs => "output",
        Stage::Trace => "op",
        Stage::Tensor => "element",
        Stage::Chain => "step",
    }
}

/// Returns what the nodes of this height in a stage's tree are called.
fn noun(stage: Stage, height: u32) -> &'static str {
    match (stage, height) {
        (Stage::Tensor | Stage::Chain, 0) => "chunk",
        (_, 0) => unit(stage),
        _ => "node",
    }
}
