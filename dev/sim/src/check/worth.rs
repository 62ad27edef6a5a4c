//! What every round was worth, kept in books of its own from events and seats.
//!
//! A score must be what the Program gives for the rounds, stakes and windows that the log tells of:
//! pay and burn to the gwei, in the order in which rounds settled, each round once. Stakes that
//! could be withdrawn before the score count for nothing, and no row loses more than a twentieth of
//! what counted.
//!
//! Absent: whether a window is true. It is the word of more than half of the rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use court::opening;
use round::chain::WEI_PER_GWEI;
use round::ledger::{Past, Player};
use round::score;
use round::{Block, Ledger, ScoreTerms, digest};
use tensor::{Hash, Tensor};

use super::{Checkers, Violation, whole};
use crate::work::{Case, Computer};
use crate::world;
use crate::worth;

/// A round's row loses at most one part in so many of its stake.
const BURN_PARTS: u64 = 20;

/// A settled round that is not scored.
#[derive(Clone, Debug)]
struct Waiting {
    /// As the contract ought to have it, as far as a score depends on it.
    past: Past,
    case: Arc<Case>,
    windows: BTreeMap<u32, Vec<u8>>,
    /// Block from which turns to claim it are counted: its windows' last, or a claim's fall.
    since: Block,
    /// Claims of it that fell.
    attempt: u64,
    /// Its claim that stands, 0 for none.
    claim: u64,
}

/// The books of scores.
#[derive(Clone, Debug)]
pub(super) struct Worth {
    /// Params before the first round, and after each settled one.
    models: Vec<Arc<Tensor>>,
    waiting: BTreeMap<u64, Waiting>,
    /// The last round that was scored.
    last: u64,
    /// What each index loses by the score that the call at hand settled, in gwei.
    burns: BTreeMap<u32, u128>,
}

impl Worth {
    pub(super) fn new(params: &Arc<Tensor>) -> Self {
        let (waiting, burns) = Default::default();
        Self { models: vec![Arc::clone(params)], waiting, last: 0, burns }
    }
}

impl Checkers {
    /// Returns how many settled rounds are not scored.
    pub(crate) fn unscored(&self) -> u64 {
        self.worth.waiting.len() as u64
    }

    /// Notes what a node said that the market did.
    pub(crate) fn said(&mut self, now: Block, (round, node): (u64, u32), window: &[u8]) {
        if let Some(waiting) = self.worth.waiting.get_mut(&round) {
            waiting.windows.insert(node, window.to_vec());
            if waiting.windows.len() == waiting.past.players.len() {
                waiting.since = now;
            }
        }
    }

    /// Checks that a score is claimed by whose turn it is, or by anybody once all had theirs.
    pub(super) fn claimed(
        &mut self,
        now: Block,
        (round, claim, node): (u64, u64, u32),
        terms: &ScoreTerms,
    ) -> Result<(), Violation> {
        let Some(waiting) = self.worth.waiting.get_mut(&round) else { return Ok(()) };
        waiting.claim = claim;
        let players = waiting.past.players.iter();
        let rows: Vec<u32> =
            players.flat_map(|one| (0..one.rows).map(move |_| one.index)).collect();
        let late = now.saturating_sub(waiting.since) / terms.turn_blocks;
        let row = digest::elected_row(waiting.past.seed, waiting.attempt + late, rows.len());
        if now < waiting.since || rows[row] != node && late < rows.len() as u64 {
            return Err(Violation::Turn { round, node, expected: rows[row] });
        }
        Ok(())
    }

    /// Notes that a claim fell; if it was of a score, the next node has its turn.
    pub(super) fn fell(&mut self, now: Block, claim: u64) {
        let mut waiting = self.worth.waiting.values_mut();
        if let Some(waiting) = waiting.find(|waiting| waiting.claim == claim) {
            (waiting.since, waiting.claim) = (now, 0);
            waiting.attempt += 1;
        }
    }

    /// Notes a round that settled, with its seats.
    pub(super) fn wait(&mut self, state: &round::Round, case: &Arc<Case>) {
        let player = |seat: &round::Seat| Player {
            index: seat.index,
            rows: seat.rows,
            stake_gwei: gwei(seat.stake_wei / u128::from(seat.rows)),
            window: Hash::ZERO,
        };
        let past = Past {
            place: self.worth.models.len() - 1,
            rows: state.members().map(|seat| seat.rows).sum(),
            waiting: 0,
            attempt: 0,
            open_block: 0,
            full_block: 0,
            budget_gwei: 0,
            aggregation: state.claim,
            claim: 0,
            fallen: 0,
            seed: state.elect_seed,
            players: state.members().map(player).collect(),
        };
        let (case, windows) = (Arc::clone(case), BTreeMap::new());
        let params = Arc::clone(&case.outputs[0]);
        let waiting = Waiting { past, case, windows, since: 0, attempt: 0, claim: 0 };
        self.worth.waiting.insert(state.number, waiting);
        self.worth.models.push(params);
    }

    /// Notes that windows are asked for: stakes count as far as they are held until the score. A
    /// penalty of the round that settled in the same call comes after it.
    pub(super) fn window(&mut self, round: u64, (now, window_blocks): (Block, Block)) {
        let last = now + self.score_blocks;
        let Some(waiting) = self.worth.waiting.get_mut(&round) else { return };
        waiting.since = now + window_blocks;
        for player in &mut waiting.past.players {
            let held = self.unbond.get(&player.index).is_none_or(|block| *block > last);
            let held_wei = if held { self.economy.stake_wei(player.index) } else { 0 };
            let counts = gwei(held_wei / u128::from(player.rows));
            self.unheld += u64::from(counts == 0 && player.stake_gwei > 0);
            player.stake_gwei = player.stake_gwei.min(counts);
        }
    }

    /// Runs the score Program on what the log tells, and compares everything that was settled.
    pub(super) fn score(
        &mut self,
        (round, claim): (u64, u64),
        (cumulative_root, burnt): (Hash, &[(u32, u128)]),
        (ledger, computer): (&Ledger, &mut Computer),
    ) -> Result<(), Violation> {
        let next = self.worth.waiting.keys().next().copied();
        let Some(Waiting { past, case, windows, .. }) =
            self.worth.waiting.remove(&round).filter(|_| next == Some(round))
        else {
            return Err(Violation::Scored { round, last: self.worth.last });
        };
        self.worth.last = round;
        let budget_gwei = ledger.config().scores.as_ref().map_or(0, |terms| terms.budget_gwei);
        let models = ledger.config().scores.as_ref().map_or(0, |terms| terms.models as usize);
        let models = (0..=models).map(|ago| &self.worth.models[past.place.saturating_sub(ago)]);
        let posted = ledger.claim(claim).expect("a score settles by a claim");
        let of = score::Round {
            models: models.map(|model| Tensor::clone(model)).collect(),
            key: score::key(past.seed),
            cumulative: Tensor::clone(&self.owed),
            budget_gwei,
        };
        let rows = world::rows(&past, &case, |node| windows.get(&node));
        let inputs = score::inputs(&of, &rows).expect("there are rows");
        let (expected, got) = (opening::list_root(&opening::roots(&inputs)), posted.inputs_root);
        if got != expected {
            return Err(Violation::Score { round, expected, got });
        }
        let scored = computer.score((expected, case.rows()), || inputs);
        let expected = opening::list_root(&scored.roots);
        let after = &scored.outputs[worth::CUMULATIVE];
        let got = (posted.outputs_root, cumulative_root);
        if got != (expected, scored.roots[worth::CUMULATIVE]) {
            return Err(Violation::Score { round, expected, got: posted.outputs_root });
        }
        let who: Vec<u32> = past.players.iter().map(|player| player.index).collect();
        super::owe(round, (&self.owed, after), (budget_gwei, &who))?;
        let burns = burns(&past, &scored.outputs[worth::BURN]);
        for (index, expected_gwei, most_gwei) in &burns {
            let got_gwei = burnt.iter().find(|(one, _)| one == index).map_or(0, |(_, gwei)| *gwei);
            let expected_gwei = (*expected_gwei).min(*most_gwei);
            if got_gwei != expected_gwei {
                let index = *index;
                return Err(Violation::Burn { index, round, expected_gwei, got_gwei });
            }
        }
        self.worth.burns =
            burns.into_iter().map(|(index, gwei, _)| (index, gwei)).filter(|b| b.1 > 0).collect();
        self.owed = Arc::clone(after);
        self.scored += 1;
        Ok(())
    }

    /// What an index must lose by the score that was just settled, if it must, in gwei.
    pub(super) fn burn(&mut self, index: u32) -> Option<u128> {
        self.worth.burns.remove(&index)
    }

    /// Checks that a score burnt what it says, or what there was of the stake.
    pub(super) fn lose(
        &mut self,
        index: u32,
        (expected_gwei, burnt_wei): (u128, u128),
    ) -> Result<(), Violation> {
        let expected_wei = (expected_gwei * WEI_PER_GWEI).min(self.economy.stake_wei(index));
        if burnt_wei != expected_wei {
            let (round, got_gwei) = (self.worth.last, burnt_wei / WEI_PER_GWEI);
            return Err(Violation::Burn { index, round, expected_gwei, got_gwei });
        }
        self.scores_burnt_gwei += gwei(burnt_wei);
        if let Some(node) = self.members.node(index) {
            *self.losses_wei.entry(node).or_default() += burnt_wei;
        }
        Ok(())
    }

    /// Checks, at the end of a call, that all that a score burns was burnt.
    pub(super) fn all_burnt(&mut self) -> Result<(), Violation> {
        let round = self.worth.last;
        match std::mem::take(&mut self.worth.burns).into_iter().next() {
            Some((index, expected_gwei)) => {
                Err(Violation::Burn { index, round, expected_gwei, got_gwei: 0 })
            }
            None => Ok(()),
        }
    }
}

/// What each node loses over its rows, and the most that it may.
fn burns(past: &Past, burn: &Tensor) -> Vec<(u32, u128, u128)> {
    let by_row = burn.as_f64().expect("burn is f64");
    let mut row = 0;
    let mut burns = Vec::new();
    for player in &past.players {
        let end = row + player.rows as usize;
        let gwei = by_row[row..end].iter().map(|gwei| u128::from(whole(*gwei))).sum();
        let most = u128::from(player.rows) * u128::from(player.stake_gwei / BURN_PARTS);
        burns.push((player.index, gwei, most));
        row = end;
    }
    burns
}

fn gwei(wei: u128) -> u64 {
    u64::try_from(wei / WEI_PER_GWEI).expect("gwei of a balance")
}
