//! Disputes, from the court's records to what the pages draw.
//!
//! Invariant: a number of the chain that means nothing to this version drops the move it stands in,
//! never the dispute.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};
use chain::index::{At, Dispute, History, Move};
use explorer::view::{self, Dtype, Scalar, Side, Stage, Turn};
use tensor::Op;

use super::{Known, seconds, to_address, to_hash, wad};

/// Most characters of an op in words; a constant may be long.
const OP_TEXT_MAX: usize = 160;

/// The ops of the Programs that claims are about, a line each, by the Program's hash.
pub(super) type Ops = BTreeMap<B256, Vec<String>>;

/// Writes down the ops of every Program that claims are about.
pub(super) fn ops(job: &node::Job) -> anyhow::Result<Ops> {
    let mut ops = Ops::new();
    let mut write = |program: &tensor::Program| {
        let listing = program.to_string();
        let lines = listing.lines().filter(|line| line.starts_with('%'));
        let short = |line: &str| line.chars().take(OP_TEXT_MAX).collect();
        ops.insert(node::word(program.hash()), lines.map(short).collect());
    };
    write(job.report(0)?.as_ref());
    write(job.consequence()?.as_ref());
    write(job.grid()?.as_ref());
    for rows in node::QUORUM..=node::CAPACITY {
        let rows = usize::try_from(rows)?;
        write(&job.aggregate(rows)?);
        write(job.report(rows)?.as_ref());
    }
    Ok(ops)
}

/// Every dispute, ascending by number.
pub(super) fn disputes(history: &History, known: &Known) -> Vec<view::Dispute> {
    let gas: BTreeMap<B256, u64> =
        history.transactions.iter().map(|tx| (tx.hash, tx.gas_used)).collect();
    let all = history.disputes.values();
    all.filter_map(|one| Teller { history, known, gas: &gas, dispute: one }.tell()).collect()
}

/// A dispute and what is needed to tell it.
struct Teller<'a> {
    history: &'a History,
    known: &'a Known,
    gas: &'a BTreeMap<B256, u64>,
    dispute: &'a Dispute,
}

impl Teller<'_> {
    /// Returns nothing for a dispute over a claim that the history does not hold.
    fn tell(&self) -> Option<view::Dispute> {
        let dispute = self.dispute;
        let claim = self.history.claims.get(&dispute.claim)?;
        let moves: Vec<view::Move> =
            dispute.moves.iter().filter_map(|one| self.made(one)).collect();
        let mut asserter = self.contender(claim.asserter, claim.outputs_root);
        let mut challenger = self.contender(dispute.challenger, dispute.outputs_root);
        if let Some(last) = dispute.moves.last() {
            (asserter.blocks_left, challenger.blocks_left) = last.blocks_left;
            (asserter.advanced, challenger.advanced) = (wad(last.advanced.0), wad(last.advanced.1));
        }
        let in_chain = moves.last().is_some_and(|last| last.stage == Stage::Chain);
        let mut told = view::Dispute {
            id: dispute.id,
            claim: dispute.claim,
            round: self.round(),
            program: to_hash(claim.program),
            bond: wad(claim.bond),
            asserter,
            challenger,
            moves,
            op_text: None,
            judged: self.judged(in_chain),
            compared: self.compared(),
            decided: self.decided(),
            closed: dispute.closed.map(|at| self.at(at)),
        };
        told.op_text = told.op().and_then(|op| self.line(claim.program, op)).cloned();
        Some(told)
    }

    /// The round whose result is claimed.
    fn round(&self) -> Option<u64> {
        let id = self.dispute.claim;
        let mut rounds = self.history.rounds.values();
        rounds
            .find(|round| round.results.iter().any(|(claim, _, _)| *claim == id))
            .map(|round| round.number)
    }

    fn contender(&self, address: Address, outputs_root: B256) -> view::Contender {
        let node = self.history.nodes.values().find(|node| node.key == address);
        view::Contender {
            address: to_address(address),
            node: node.map(|node| node.index),
            name: self.known.name(address),
            outputs_root: to_hash(outputs_root),
            blocks_left: 0,
            advanced: view::Wad::ZERO,
        }
    }

    fn at(&self, at: At) -> view::At {
        view::At {
            block: at.block,
            time: seconds(at.time),
            tx: to_hash(at.tx),
            gas: self.gas.get(&at.tx).copied(),
        }
    }

    fn made(&self, one: &Move) -> Option<view::Move> {
        let by = if one.by == self.dispute.challenger { Side::Challenger } else { Side::Asserter };
        Some(view::Move {
            at: self.at(one.at),
            by,
            stage: stage(one.stage)?,
            turn: turn(one.turn)?,
            node: to_hash(one.node),
            index: one.index,
            height: one.height,
            leaves: one.leaves,
            count: one.count,
            iteration: one.iteration,
            op: one.op,
            element: one.element,
        })
    }

    /// An op in words, where its Program is one of the job's.
    fn line(&self, program: B256, op: u32) -> Option<&String> {
        self.known.ops.get(&program)?.get(usize::try_from(op).ok()?)
    }

    fn judged(&self, in_chain: bool) -> Option<view::Judged> {
        let judged = self.dispute.judged.as_ref()?;
        let dtype = Dtype::from_code(judged.dtype)?;
        Some(view::Judged {
            op: judged.op,
            name: name(judged.code),
            element: judged.element,
            step: in_chain.then_some(judged.step),
            asserted: Scalar::new(dtype, judged.asserted),
            correct: Scalar::new(dtype, judged.correct),
        })
    }

    fn compared(&self) -> Option<view::Compared> {
        let compared = self.dispute.compared.as_ref()?;
        Some(view::Compared {
            op: compared.op,
            name: name(compared.code),
            asserted: to_hash(compared.asserted),
            correct: to_hash(compared.correct),
        })
    }

    fn decided(&self) -> Option<view::Decided> {
        let decided = self.dispute.decided.as_ref()?;
        Some(view::Decided {
            at: self.at(decided.at),
            asserter_lost: decided.asserter_lost,
            by_clock: decided.by_clock,
            bounty: wad(decided.bounty),
            burnt: wad(decided.burnt),
        })
    }
}

/// The name of an op by its code.
fn name(code: u8) -> String {
    Op::name_of(code).map_or_else(|| format!("op code {code:#04x}"), str::to_owned)
}

/// `ICourt.Stage` by its number.
fn stage(number: u8) -> Option<Stage> {
    [Stage::Iterations, Stage::Outputs, Stage::Trace, Stage::Tensor, Stage::Chain]
        .get(usize::from(number))
        .copied()
}

/// `ICourt.Turn` by its number.
fn turn(number: u8) -> Option<Turn> {
    [Turn::Root, Turn::Children, Turn::Chunk, Turn::Child, Turn::Element]
        .get(usize::from(number))
        .copied()
}
