//! What a node's scorer asks for, done as a shell would do it; and what liars do instead.
//!
//! A node that missed a round has its aggregation from a peer, and takes it if it is what the chain
//! says settled.
//!
//! Absent: work done twice. A thousand nodes that score the same inputs get the same outputs.

use std::collections::BTreeMap;
use std::sync::Arc;

use round::score::{self, Row};
use round::scorer::{Computed, Input, Output, View};
use round::{Block, ledger};
use tensor::{Dtype, Hash, Shape, Tensor};

use super::{Packet, World};
use crate::behaviour::Behaviour;
use crate::check::Violation;
use crate::node::Waiting;
use crate::sabotage::Sabotage;
use crate::work::{self, Case};
use crate::worth;

/// What the chain's log has of scores.
#[derive(Debug)]
pub(super) struct Log {
    /// Roots of the initial params, and of those after each settled round.
    pub(super) models: Vec<Hash>,
    /// What nodes said that the market did, by round and registry index.
    pub(super) windows: BTreeMap<(u64, u32), Vec<u8>>,
    /// What a score of a round would be claimed of, as last asked in a block.
    ground: Option<((Block, u64), ledger::Ground)>,
}

impl Log {
    pub(super) fn new(initial: Hash) -> Self {
        Self { models: vec![initial], windows: BTreeMap::new(), ground: None }
    }
}

impl World {
    /// Shows a node what the chain has of scores.
    pub(super) fn look_at_scores(&mut self, to: usize, view: View) -> Result<(), Violation> {
        if self.nodes[to].behaviour == Behaviour::Spam {
            self.pester(to, &view);
        }
        self.weigh(to, Input::Chain(Box::new(view)))
    }

    /// Gives a running node's scorer an input and does what it asks for.
    pub(super) fn weigh(&mut self, to: usize, input: Input) -> Result<(), Violation> {
        let block = self.nodes[to].block;
        let Some(scorer) = self.nodes[to].scorer.as_mut() else { return Ok(()) };
        for output in scorer.handle(block, input) {
            self.note_output(to, &output);
            self.value(to, output);
            if self.faults && self.rng.chance(self.options.crash_within) {
                self.kill(to);
                break;
            }
        }
        Ok(())
    }

    fn value(&mut self, to: usize, output: Output) {
        let behaviour = self.nodes[to].behaviour;
        let input = match output {
            Output::PostWindow { .. } if behaviour == Behaviour::Mute => None,
            Output::PostWindow { round } => {
                let mut said = worth::window(round, self.options.dimension);
                if behaviour == Behaviour::FalseWindow {
                    said = self.other_window(&said);
                }
                Some(ledger::Input::PostWindow { round, data: said.to_bytes() })
            }
            Output::Compute { round, claim } => {
                self.begin_score(to, round, claim);
                None
            }
            Output::PostScore { .. } if is_silent(behaviour) => None,
            Output::PostScore { round, inputs_root, outputs_root } => {
                let case = self.nodes[to].disk.waiting.get(&round);
                case.map(|case| post((round, case), (inputs_root, outputs_root)))
            }
            Output::Challenge { .. } if self.is_lenient(to) => None,
            Output::Challenge { claim, outputs_root } => self.ledger.claim(claim).map(|posted| {
                let header = self.computer.programs.header(posted.program);
                ledger::Input::Court(court::Input::Challenge { id: claim, outputs_root, header })
            }),
            Output::Settle { .. } if self.keeps_open(behaviour) => None,
            Output::Settle { round, output_roots } => {
                self.nodes[to].disk.scored.as_ref().map(|scored| ledger::Input::SettleScore {
                    round,
                    output_roots,
                    burn_chunk: scored.chunk(worth::BURN),
                    pay_chunk: scored.chunk(worth::PAY),
                })
            }
        };
        if let Some(input) = input {
            self.submit(to, input);
        }
    }

    /// Whether a node lets every score stand.
    fn is_lenient(&self, to: usize) -> bool {
        match self.nodes[to].behaviour {
            Behaviour::Honest => self.sabotage == Some(Sabotage::NoScoreChallenge),
            Behaviour::FalseAlarm => false,
            behaviour => behaviour.bends_scores(),
        }
    }

    fn keeps_open(&self, behaviour: Behaviour) -> bool {
        behaviour == Behaviour::Withhold || self.sabotage == Some(Sabotage::NoScoreSettling)
    }

    /// A window that is nothing like the market's, in one of three ways.
    fn other_window(&mut self, said: &Tensor) -> Tensor {
        let factor = match self.rng.index(3) {
            0 => f64::NAN,
            1 => -1e6,
            _ => 0.5,
        };
        let said = said.as_f64().expect("windows are f64");
        let said: Vec<f64> = said.iter().map(|element| factor * element).collect();
        Tensor::f64(&[said.len()], said).expect("as many elements as before")
    }

    /// Calls that are out of place: windows nobody asks for or that are none, a score of nothing,
    /// settlements of nothing, of what was not claimed, and too early, and right claims out of
    /// turn.
    fn pester(&mut self, to: usize, view: &View) {
        let Some((round, _)) = view.waiting.first() else { return };
        let (round, root) = (*round, self.rng.hash());
        let chunk = vec![0; 256];
        let input = match self.rng.index(7) {
            0 => ledger::Input::PostWindow { round: round + 1, data: vec![0; 8] },
            1 => ledger::Input::PostWindow { round, data: vec![0xff; 8 * self.options.dimension] },
            2 => ledger::Input::PostScore {
                round,
                inputs: vec![root],
                outputs: vec![root; 4],
                inputs_root: root,
                outputs_root: root,
            },
            3 => ledger::Input::SettleScore {
                round,
                output_roots: vec![root; score::OUTPUTS],
                burn_chunk: chunk.clone(),
                pay_chunk: chunk,
            },
            other => {
                let disk = &self.nodes[to].disk;
                let Some(scored) = &disk.scored else { return };
                let mut output_roots = scored.roots.clone();
                if let Some(case) = disk.waiting.get(&round).filter(|_| other == 6) {
                    let outputs_root = court::opening::list_root(&output_roots);
                    let post = post((round, case), (scored.inputs_root, outputs_root));
                    return self.submit(to, post);
                }
                if other == 4 {
                    output_roots[worth::CUMULATIVE] = root;
                }
                ledger::Input::SettleScore {
                    round,
                    output_roots,
                    burn_chunk: scored.chunk(worth::BURN),
                    pay_chunk: scored.chunk(worth::PAY),
                }
            }
        };
        self.submit(to, input);
    }

    /// Notes what is to be scored; it begins when all of it is on the disk.
    fn begin_score(&mut self, to: usize, round: u64, claim: u64) {
        let (Some(past), Some((cumulative_root, _, _))) =
            (self.ledger.past(round), self.ledger.scored())
        else {
            return;
        };
        let models = self.options.scores.as_ref().map_or(0, |scores| scores.models as usize);
        let models = (0..=models).map(|ago| self.log.models[past.place.saturating_sub(ago)]);
        let models = models.collect();
        let task = Waiting::Score { round, claim, models, cumulative_root };
        self.nodes[to].waiting.retain(|task| task.aggregation().is_none());
        self.nodes[to].waiting.push(task);
        self.resume(to);
        self.ask_again(to);
    }

    /// Asks a peer for the aggregations that scores wait for.
    pub(super) fn want_aggregations(&mut self, to: usize) {
        let node = &self.nodes[to];
        let missing = node.waiting.iter().filter_map(Waiting::aggregation);
        let missing = missing.filter(|round| !node.disk.waiting.contains_key(round));
        for round in missing.collect::<Vec<_>>() {
            let peer = self.rng.index(self.nodes.len());
            self.pass(to, peer, Packet::WantAggregation { round });
        }
    }

    /// Keeps an aggregation if it is the one by which the round settled.
    pub(super) fn take_aggregation(&mut self, to: usize, (round, case): (u64, Arc<Case>)) {
        let Some(past) = self.ledger.past(round) else { return };
        let Some(claim) = self.ledger.claim(past.aggregation) else { return };
        let outputs_root = court::opening::list_root(&case.roots);
        if (claim.inputs_root, claim.outputs_root) == (case.inputs_root, outputs_root) {
            self.nodes[to].disk.waiting.insert(round, case);
            self.resume(to);
        }
    }

    /// Scores a round from what is on a node's disk.
    pub(super) fn score(
        &mut self,
        to: usize,
        (round, claim): (u64, u64),
        (models, cumulative_root): (&[Hash], Hash),
    ) -> Option<Input> {
        let index = self.members.index(to);
        let past = self.ledger.past(round).filter(|past| past.claim == claim)?;
        let case = Arc::clone(self.nodes[to].disk.waiting.get(&round)?);
        let ground = self.ground(round, &case)?;
        let budget_gwei = if claim == 0 { ground.budget_gwei } else { past.budget_gwei };
        let (disk, windows) = (&self.nodes[to].disk, &self.log.windows);
        let scored = self.computer.score((ground.inputs_root, case.rows()), || {
            let tensor = |root: &Hash| Tensor::clone(&disk.tensors[root]);
            let round_of = score::Round {
                models: models.iter().map(tensor).collect(),
                key: score::key(past.seed),
                cumulative: tensor(&cumulative_root),
                budget_gwei,
            };
            let rows = rows(&past, &case, |node| windows.get(&(round, node)));
            score::inputs(&round_of, &rows).expect("there are rows")
        });
        let mut output_roots = scored.roots.clone();
        let mut paid = Arc::clone(&scored.outputs[worth::CUMULATIVE]);
        if let Some(index) = index.filter(|_| self.nodes[to].behaviour.bends_scores()) {
            paid = Arc::new(work::more(&paid, index));
            output_roots[worth::CUMULATIVE] = paid.root();
        }
        let disk = &mut self.nodes[to].disk;
        disk.tensors.insert(output_roots[worth::CUMULATIVE], paid);
        let inputs_root = scored.inputs_root;
        disk.scored = Some(scored);
        Some(Input::Computed { round, claim, score: Computed { inputs_root, output_roots } })
    }

    /// What a score of a round would be claimed of now, asked once a block.
    fn ground(&mut self, round: u64, case: &Case) -> Option<ledger::Ground> {
        let place = (self.block, round);
        if let Some((_, ground)) = self.log.ground.filter(|(known, _)| *known == place) {
            return Some(ground);
        }
        let inputs = court::opening::roots(&case.inputs);
        let ground = self.ledger.ground(self.block, round, (&inputs, &case.roots)).ok()?;
        self.log.ground = Some((place, ground));
        Some(ground)
    }

    /// Drops what only a round's score needed.
    pub(super) fn forget_waiting(&mut self, round: u64) {
        self.log.windows.retain(|(of, _), _| *of > round);
        for node in &mut self.nodes {
            node.disk.waiting.retain(|of, _| *of > round);
            node.waiting.retain(|task| task.aggregation().is_none_or(|of| of > round));
        }
    }
}

/// The claim of a round's score.
fn post((round, case): (u64, &Case), (inputs_root, outputs_root): (Hash, Hash)) -> ledger::Input {
    let (inputs, outputs) = (court::opening::roots(&case.inputs), case.roots.to_vec());
    ledger::Input::PostScore { round, inputs, outputs, inputs_root, outputs_root }
}

/// Whether a node claims no score when it is its turn.
fn is_silent(behaviour: Behaviour) -> bool {
    matches!(behaviour, Behaviour::Mute | Behaviour::SilentAggregator | Behaviour::FalseAlarm)
}

/// The rows of a score: each as the aggregation took it, with what its node said of the market.
pub(crate) fn rows<'a>(
    past: &ledger::Past,
    case: &Case,
    said: impl Fn(u32) -> Option<&'a Vec<u8>>,
) -> Vec<Row> {
    let accepted = case.outputs[1].as_i32().expect("who was accepted is i32");
    let updates = &case.inputs[case.inputs.len() - case.rows()..];
    let players = past.players.iter().flat_map(|one| (0..one.rows).map(move |_| one));
    let shape = Shape::new(&[updates[0].shape().count()]).expect("the shape of the params");
    let window = |node| match said(node) {
        Some(bytes) => Tensor::from_bytes(Dtype::F64, &shape, bytes).expect("checked length"),
        None => Tensor::zeros(Dtype::F64, shape.dims()).expect("at least one coordinate"),
    };
    let row = |((player, accepted), update): ((&ledger::Player, &i32), &Tensor)| Row {
        member: player.index,
        stake_gwei: player.stake_gwei,
        accepted: *accepted != 0,
        update: update.clone(),
        window: window(player.index),
    };
    players.zip(accepted).zip(updates).map(row).collect()
}
