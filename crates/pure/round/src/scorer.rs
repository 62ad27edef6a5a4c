//! One node's part in scores: it says what the market did after a round in which it had rows, has
//! every score computed, claims it when it is its turn, challenges what came out differently here,
//! and settles what can no longer fall.
//!
//! Level-triggered and crash-only, as [`crate::Machine`] is: it is shown the chain again and again
//! and asks for the difference, and starts with nothing. The machine of rounds goes on meanwhile;
//! neither waits for the other.
//!
//! Invariant: what is claimed was computed after the last claim was asked for, since money that is
//! paid in between changes what a score is computed from.
//!
//! Absent: windows, tensors and lists of roots, which the shell keeps; whether a lie is told.

use std::collections::BTreeMap;

use court::{Address, Claim, State, opening};
use tensor::Hash;

use crate::chain::Block;
use crate::ledger::Past;
use crate::machine::{Retry, due};

#[cfg(test)]
mod tests;

/// Rounds whose windows are open, or whose scores are due, that a node looks at.
pub const WAITING_MAX: usize = 4;

/// What one node sees of scores at one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The node's own registry index, if it has joined.
    pub own: Option<u32>,
    /// Rounds whose windows were asked for and that are not scored, in their order, at most
    /// [`WAITING_MAX`]. The first is scored next.
    pub waiting: Vec<(u64, Past)>,
    /// Whose turn it is to claim the first one's score, and whether any node may besides; nothing
    /// while windows are taken.
    pub poster: Option<(u32, bool)>,
    /// The claim of the first one's score, if there is one that stands.
    pub claim: Option<Claim>,
    /// Whether this node is the challenger of a dispute about it that is not decided.
    pub challenged: bool,
    /// Registry indices of all active nodes, ascending.
    pub actives: Vec<u32>,
}

/// A score as this node computed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computed {
    /// List root of the Program's inputs.
    pub inputs_root: Hash,
    /// Tensor roots of its outputs.
    pub output_roots: Vec<Hash>,
}

/// Everything that can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The chain as of the block that `handle` is given.
    Chain(Box<View>),
    /// The score Program has run, as [`Output::Compute`] asked.
    Computed {
        /// The round.
        round: u64,
        /// The claim it was to be compared with, 0 for none.
        claim: u64,
        /// What came out.
        score: Computed,
    },
}

/// Everything a node can ask for. Doing one twice does no harm: the contract refuses the second.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// `Scores.postWindow`: say what the market did after this round.
    PostWindow {
        /// The round.
        round: u64,
    },
    /// Run the score Program and answer with [`Input::Computed`].
    Compute {
        /// The round.
        round: u64,
        /// The claim whose budget it has; 0 for what the chain would give a claim now.
        claim: u64,
    },
    /// `Scores.postScore`.
    PostScore {
        /// The round.
        round: u64,
        /// List root of the Program's inputs.
        inputs_root: Hash,
        /// List root of its outputs.
        outputs_root: Hash,
    },
    /// `Court.challenge`.
    Challenge {
        /// The claim.
        claim: u64,
        /// This node's result.
        outputs_root: Hash,
    },
    /// `Scores.settleScore`; the shell reads the chunks of burn and pay.
    Settle {
        /// The round.
        round: u64,
        /// Tensor roots of the Program's outputs.
        output_roots: Vec<Hash>,
    },
}

/// What an effect is for, by its round, and by claims that fell before it or the claim it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Intent {
    Window(u64),
    Compute(u64, u64),
    Post(u64, u32),
    Challenge(u64),
    Settle(u64),
}

/// One node's behaviour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scorer {
    window_blocks: Block,
    challenge_blocks: Block,
    retry: Retry,
    key: Address,
    now: Block,
    view: Option<View>,
    computed: Option<((u64, u64), Computed)>,
    sent: BTreeMap<Intent, Block>,
}

impl Scorer {
    /// Returns the part of the node with this key, where windows are taken for `window_blocks` and
    /// claims can be challenged for `challenge_blocks`.
    #[must_use]
    pub fn new(
        (window_blocks, challenge_blocks): (Block, Block),
        retry: Retry,
        key: Address,
    ) -> Self {
        let (view, computed, sent) = Default::default();
        Self { window_blocks, challenge_blocks, retry, key, now: 0, view, computed, sent }
    }

    /// Takes in what happened, as of block `now`, and returns what is to be done, in order.
    pub fn handle(&mut self, now: Block, input: Input) -> Vec<Output> {
        self.now = self.now.max(now);
        let mut out = Vec::new();
        match input {
            Input::Chain(view) => self.see(*view),
            Input::Computed { round, claim, score } => {
                if self.next() == Some((round, claim)) {
                    self.computed = Some(((round, claim), score));
                }
            }
        }
        if self.view.is_some() {
            self.windows(&mut out);
            self.score(&mut out);
        }
        out
    }

    fn see(&mut self, view: View) {
        let first = |view: &View| view.waiting.first().map(|(round, _)| *round);
        if self.view.as_ref().and_then(first) != first(&view) {
            self.sent.retain(|intent, _| matches!(intent, Intent::Window(_)));
        }
        let oldest = first(&view).unwrap_or(0);
        self.sent.retain(|intent, _| !matches!(intent, Intent::Window(round) if *round < oldest));
        self.view = Some(view);
    }

    /// The score that is due, with its claim, once windows are over.
    fn next(&self) -> Option<(u64, u64)> {
        let view = self.view.as_ref().filter(|view| view.poster.is_some())?;
        view.waiting.first().map(|(round, past)| (*round, past.claim))
    }

    fn view(&self) -> &View {
        self.view.as_ref().expect("nothing is done before the chain was seen")
    }

    /// Says what the market did, where this node had rows and has not said it.
    fn windows(&mut self, out: &mut Vec<Output>) {
        let (view, now) = (self.view(), self.now);
        let lacks = |past: &Past| {
            let mine = past.players.iter().find(|player| Some(player.index) == view.own);
            let taken =
                past.open_block != 0 && now <= past.open_block.saturating_add(self.window_blocks);
            taken && mine.is_some_and(|player| player.window == Hash::ZERO)
        };
        let rounds: Vec<u64> =
            view.waiting.iter().filter(|(_, past)| lacks(past)).map(|(round, _)| *round).collect();
        for round in rounds {
            self.send(Intent::Window(round), Output::PostWindow { round }, out);
        }
    }

    /// Claims, checks or settles the next score.
    fn score(&mut self, out: &mut Vec<Output>) {
        let Some((round, claim)) = self.next() else { return };
        let computed = self.computed.take().filter(|(of, _)| *of == (round, claim));
        let Some((_, computed)) = computed else {
            let last = self.sent.get(&Intent::Compute(round, claim));
            if due(last, self.now, self.retry.fetch_blocks) {
                self.sent.insert(Intent::Compute(round, claim), self.now);
                out.push(Output::Compute { round, claim });
            }
            return;
        };
        let keeps = match self.view().claim.clone().filter(|_| claim != 0) {
            Some(posted) => self.check((round, claim), &posted, &computed, out),
            None => self.post(round, &computed, out),
        };
        self.computed = keeps.then_some(((round, claim), computed));
    }

    /// Claims a score when it is the turn; returns whether what was computed can still be used.
    fn post(&mut self, round: u64, computed: &Computed, out: &mut Vec<Output>) -> bool {
        let view = self.view();
        let Some((poster, free)) = view.poster else { return true };
        if !(view.own == Some(poster) || free && self.has_turn()) {
            return true;
        }
        let attempt = view.waiting.first().map_or(0, |(_, past)| past.attempt);
        let inputs_root = computed.inputs_root;
        let outputs_root = opening::list_root(&computed.output_roots);
        let post = Output::PostScore { round, inputs_root, outputs_root };
        !self.send(Intent::Post(round, attempt), post, out)
    }

    /// Whether what any node may do is this one's to do: turns go round among the active ones.
    fn has_turn(&self) -> bool {
        let (view, span) = (self.view(), self.retry.tx_blocks.max(1));
        let turn = self.now / span % view.actives.len().max(1) as u64;
        let turn = usize::try_from(turn).expect("below a usize");
        view.own.is_some() && view.actives.get(turn).copied() == view.own
    }

    /// Challenges a claim, or settles it; returns whether what was computed is about the same.
    fn check(
        &mut self,
        (round, id): (u64, u64),
        claim: &Claim,
        computed: &Computed,
        out: &mut Vec<Output>,
    ) -> bool {
        if claim.inputs_root != computed.inputs_root {
            return false;
        }
        let outputs_root = opening::list_root(&computed.output_roots);
        let (agrees, behind) = (claim.outputs_root == outputs_root, self.behind(claim, id));
        if self.now > claim.deadline {
            let turn = self.now > claim.deadline.saturating_add(behind);
            if agrees && turn && claim.state != State::Disputed {
                let output_roots = computed.output_roots.clone();
                self.send(Intent::Settle(id), Output::Settle { round, output_roots }, out);
            }
        } else if !agrees && claim.asserter != self.key && !self.view().challenged {
            let posted = claim.deadline.saturating_sub(self.challenge_blocks);
            let turn = self.now >= posted.saturating_add(behind.min(self.challenge_blocks / 2));
            if turn && !self.is_crowd(claim) {
                self.send(
                    Intent::Challenge(id),
                    Output::Challenge { claim: id, outputs_root },
                    out,
                );
            }
        }
        true
    }

    /// Whether more disputes are open than those who have no rows ought to add to, for the reason
    /// that [`crate::Machine`] has.
    fn is_crowd(&self, claim: &Claim) -> bool {
        let view = self.view();
        let Some((_, past)) = view.waiting.first() else { return false };
        let has_rows = past.players.iter().any(|player| Some(player.index) == view.own);
        !has_rows && 3 * u64::from(claim.disputes) > u64::from(past.rows)
    }

    /// How many nodes with rows stand before this one, counted from the asserter on; one without
    /// stands last.
    fn behind(&self, claim: &Claim, id: u64) -> Block {
        let view = self.view();
        let players = view.waiting.first().map_or(&[][..], |(_, past)| &past.players);
        if claim.asserter == self.key {
            return 0;
        }
        let own = players.iter().position(|player| Some(player.index) == view.own);
        let count = players.len();
        let first = usize::try_from(id % count.max(1) as u64).expect("below a usize");
        own.map_or(count, |own| 1 + (own + count - first) % count) as Block
    }

    /// Asks for an effect unless one for the same purpose is on its way; returns whether it did.
    fn send(&mut self, intent: Intent, output: Output, out: &mut Vec<Output>) -> bool {
        let is_due = due(self.sent.get(&intent), self.now, self.retry.tx_blocks);
        if is_due {
            self.sent.insert(intent, self.now);
            out.push(output);
        }
        is_due
    }
}
