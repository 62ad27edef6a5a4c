//! What to do next about a score: mostly what brings it on.

use alloy::primitives::Bytes;
use round::{
    Ledger, Seat,
    ledger::{Input, Past},
};
use tensor::{Hash, Tensor, tree};

use super::{Dealer, Move};
use crate::fixture::{score_header, score_program};

/// What a poster may state.
#[derive(Clone)]
pub(super) struct Scored {
    roots: Vec<Hash>,
    burn: Vec<u8>,
    pay: Vec<u8>,
}

/// Roots of a settled round's inputs and outputs.
#[derive(Clone)]
pub(super) struct Basis {
    round: u64,
    inputs: Vec<Hash>,
    outputs: Vec<Hash>,
}

/// The header of the made-up score Program with this hash.
pub(super) fn program_header(hash: Hash) -> Option<Vec<u8>> {
    (1..=32).find(|rows| score_program(*rows).0 == hash.0).map(score_header)
}

impl Dealer {
    /// Remembers what the running round is about to be settled with.
    pub(super) fn keep_basis(&mut self, ledger: &Ledger, head: u64, outputs: &[Hash]) {
        if ledger.config().scores.is_none() {
            return;
        }
        let running = ledger.round(head + 1);
        let rows: Vec<Seat> = running.rows().copied().collect();
        if rows.is_empty() {
            return;
        }
        let members = rows.iter().map(|seat| seat.index.cast_signed()).collect();
        #[expect(clippy::cast_precision_loss, reason = "a budget is below 2^53")]
        let budget = ledger.config().budget_gwei as f64;
        let root = |tensor: Result<Tensor, _>| tensor.expect("it has elements").root();
        let mut inputs = vec![
            running.model_root,
            running.cumulative_root,
            root(Tensor::f64(&[1], vec![budget])),
            root(Tensor::i32(&[rows.len()], members)),
        ];
        inputs.extend(rows.iter().map(|seat| seat.update_root));
        self.bases.retain(|basis| basis.round != running.number);
        let outputs = outputs.to_vec();
        self.bases.push(Basis { round: running.number, inputs, outputs });
    }

    /// Something about the scores that wait, where any does.
    pub(super) fn score(&mut self, ledger: &Ledger, head: u64) -> Option<Move> {
        let next = ledger.next_score()?;
        let past = ledger.past(next)?;
        if past.open_block == 0 {
            return self.random.one_in(6).then(|| self.window(ledger, (next, &past)));
        }
        if self.random.one_in(12) {
            let round = next + self.random.below(2);
            return Some(self.window(ledger, (round, &past)));
        }
        if ledger.poster(head + 1).is_err() && !self.random.one_in(10) {
            let wait = Move::Mine(1 + self.random.below(4));
            return Some(if self.random.one_in(6) {
                wait
            } else {
                self.window(ledger, (next, &past))
            });
        }
        if past.claim == 0 {
            let wait = self.random.one_in(7);
            return Some(if wait {
                Move::Mine(1 + self.random.below(9))
            } else {
                self.post_score(ledger, head)
            });
        }
        Some(match self.random.below(8) {
            0 => self.challenge_score(ledger, past.claim),
            1 => self.post_score(ledger, head),
            2 => Move::Mine(1 + self.random.below(3)),
            _ => self.settle_score(ledger, head),
        })
    }

    fn window(&mut self, ledger: &Ledger, (round, past): (u64, &Past)) -> Move {
        // Now and then one that has posted already, or anybody.
        let again = self.random.one_in(4);
        let meant = past.players.iter().find(|player| (player.window == Hash::ZERO) != again);
        let meant = meant.filter(|_| !self.random.one_in(8)).map(|player| player.index);
        let who = meant.and_then(|index| self.number_of(ledger, index));
        let who = who.unwrap_or_else(|| self.who());
        let terms = ledger.config().scores.as_ref().expect("rounds are scored");
        let length = terms.window_bytes - usize::from(self.random.one_in(12));
        let byte = u8::try_from(self.random.below(256)).expect("it is below a u8");
        Move::Call(who, Input::PostWindow { round, data: vec![byte; length] }, Bytes::new())
    }

    fn post_score(&mut self, ledger: &Ledger, head: u64) -> Move {
        let next = ledger.next_score().expect("a round waits");
        let elected = ledger.poster(head + 1).ok().map(|(node, _)| node);
        let elected = elected.filter(|_| !self.random.one_in(4));
        let who = elected.and_then(|index| self.number_of(ledger, index));
        let who = who.unwrap_or_else(|| self.who());
        let basis = self.bases.iter().find(|basis| basis.round == next);
        let Basis { mut inputs, mut outputs, .. } = basis.expect("it was settled here").clone();
        let ground = ledger.ground(head + 1, next, (&inputs, &outputs)).ok();
        let mut inputs_root = ground.map_or(Hash::ZERO, |ground| ground.inputs_root);
        match self.random.below(40) {
            0 => inputs[0] = Hash::ZERO,
            1 => outputs[2] = Hash::ZERO,
            2 => inputs.clear(),
            3 => outputs = vec![tree::root(&outputs)],
            4 => inputs_root = Hash([5; 32]),
            _ => {}
        }
        let round = next + u64::from(self.random.one_in(20));
        let rows = ledger.past(next).expect("it waits").rows;
        let made = self.scored(usize::try_from(rows).expect("at most 32"));
        let outputs_root = tree::root(&made.roots);
        self.scored.push(made);
        let input = Input::PostScore { round, inputs, outputs, inputs_root, outputs_root };
        Move::Call(who, input, Bytes::new())
    }

    /// Outputs that pay and burn something, now and then what is no amount; more is burnt than
    /// some have, and more is paid than there is.
    fn scored(&mut self, rows: usize) -> Scored {
        let stated = self.outputs(0);
        let (mut burn, mut pay) = (vec![0.0; 32], vec![0.0; 32]);
        for row in 0..rows {
            let amount = f64::from(u32::try_from(self.random.below(600_000_000)).expect("it is"));
            if self.random.one_in(2) {
                pay[row] = amount;
            } else {
                burn[row] = if self.random.one_in(4) { 9.0 * amount } else { amount };
            }
        }
        // After the last row nobody looks.
        burn[20] = 0.5;
        match self.random.below(30) {
            0 => burn[0] = -0.0,
            1 => pay[rows - 1] = f64::NAN,
            _ => {}
        }
        let chunk =
            |numbers: &[f64]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let (burn, pay): (Vec<u8>, Vec<u8>) = (chunk(&burn), chunk(&pay));
        let mut roots: Vec<Hash> = (0..7).map(|output| Hash([200 + output; 32])).collect();
        roots[1] = stated.roots[3];
        (roots[2], roots[3]) = (tree::leaf(&burn), tree::leaf(&pay));
        self.stated.push(stated);
        Scored { roots, burn, pay }
    }

    fn challenge_score(&mut self, ledger: &Ledger, id: u64) -> Move {
        let program = ledger.claim(id).map(|claim| claim.program);
        let header = program.and_then(program_header).unwrap_or_default();
        let input = court::Input::Challenge { id, outputs_root: Hash([3; 32]), header };
        Move::Call(self.who(), Input::Court(input), Bytes::new())
    }

    fn settle_score(&mut self, ledger: &Ledger, head: u64) -> Move {
        let next = ledger.next_score().expect("a round waits");
        let past = ledger.past(next).expect("likewise");
        let claim = ledger.claim(past.claim);
        if claim.is_some_and(|claim| head < claim.deadline) && !self.random.one_in(4) {
            return Move::Mine(1);
        }
        let root = claim.map(|claim| claim.outputs_root);
        let stated = self.scored.iter().find(|made| Some(tree::root(&made.roots)) == root).cloned();
        let rows = usize::try_from(past.rows).expect("at most 32");
        let Scored { mut roots, mut burn, mut pay } = stated.unwrap_or_else(|| self.scored(rows));
        match self.random.below(24) {
            0 => roots.truncate(6),
            1 => roots[0] = Hash::ZERO,
            2 => burn.truncate(255),
            3 => pay[5] ^= 1,
            4 => burn[250] ^= 1,
            _ => {}
        }
        let round = next + u64::from(self.random.one_in(20));
        let input =
            Input::SettleScore { round, output_roots: roots, burn_chunk: burn, pay_chunk: pay };
        Move::Call(self.who(), input, Bytes::new())
    }
}
