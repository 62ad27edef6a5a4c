//! What a run is like: everything is drawn from its seed, and printed when it fails.
//!
//! The ranges are the model of the world: at most a third of the seats lie, a fault lasts a few
//! blocks, and a challenge window is longer than any single fault. Under these the safety
//! properties hold in every run; what they are worth outside is for docs/protocol.md to say.
//!
//! Absent: a way to set an option by hand, but for how large a run is. A run is its seed and its
//! size.

use round::chain::SEATS_MAX;

use crate::behaviour::Behaviour;
use crate::rng::Rng;

mod scores;

pub use scores::Scores;

/// How large a run is; what is not given is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Nodes, at least 4.
    pub nodes: Option<u32>,
    /// Rounds that must have ended, of which the last ones after the faults.
    pub rounds: Option<u64>,
    /// Whether rounds are paid by what rows were worth.
    pub scores: Option<bool>,
}

/// What a seed decides before the first tick.
#[derive(Clone, Debug)]
pub struct Options {
    /// One behaviour a node, in the order of joining.
    pub behaviours: Vec<Behaviour>,
    /// Stake of each node in whole tokens.
    pub stakes: Vec<u32>,
    /// Elements of the cumulative tensor.
    pub cumulative_length: usize,
    /// Block from which each node wants to join; 0 for those who are there at first.
    pub joins: Vec<u64>,
    /// Block from which each node wants to leave, if it does.
    pub leaves: Vec<Option<u64>>,
    /// By how many ticks each node sees the chain later than it is, always.
    pub lags: Vec<u64>,
    /// Fewest nodes that a round opens for.
    pub nodes: u32,
    /// Seats of a round; a node that the lot leaves out watches, and challenges.
    pub capacity: u32,
    /// Fewest seats that commit and reveal.
    pub quorum: u32,
    /// Coordinates of the model; with a handful of them chance alone can put an honest row three
    /// median distances away.
    pub dimension: usize,
    /// Ticks between blocks.
    pub block_ticks: u64,
    /// Blocks of the commit phase.
    pub commit_blocks: u64,
    /// Blocks of the reveal phase.
    pub reveal_blocks: u64,
    /// Blocks of an aggregator's turn.
    pub aggregate_blocks: u64,
    /// Blocks in which a claim can be challenged.
    pub window_blocks: u64,
    /// Blocks that each side of a dispute has for all its moves.
    pub clock_blocks: u64,
    /// What a unit of gas costs, in wei of the token.
    pub gas_price_wei: u128,
    /// Bonds that a lying node can afford.
    pub liar_bonds: u32,
    /// Longest delay of a packet in ticks.
    pub delay_ticks_max: u64,
    /// Share of packets that are lost.
    pub loss: (u64, u64),
    /// Share of packets that arrive twice.
    pub replay: (u64, u64),
    /// Share of transactions and of looks at the chain that are lost.
    pub chain_loss: (u64, u64),
    /// Chance a tick that the network splits in two.
    pub split: (u64, u64),
    /// Chance a tick and node that it is killed.
    pub crash: (u64, u64),
    /// Chance an effect that the node is killed right after it.
    pub crash_within: (u64, u64),
    /// Chance a tick and node that it loses its chain.
    pub outage: (u64, u64),
    /// Longest a split, a crash or an outage lasts, in blocks.
    pub fault_blocks_max: u64,
    /// Longest that training or aggregating takes, in ticks.
    pub work_ticks_max: u64,
    /// Rounds that must have ended.
    pub rounds: u64,
    /// Of them, rounds that must settle once the faults are over.
    pub live_rounds: u64,
    /// Pay by what rows were worth; without it every accepted row earns the same.
    pub scores: Option<Scores>,
}

impl Options {
    /// Draws the options of a seed: from one stream those of any run, from another what scores are
    /// like where it has them.
    ///
    /// # Panics
    ///
    /// If a size of fewer than 4 nodes or no rounds is asked for.
    #[must_use]
    pub fn draw(rng: &mut Rng, scores: &mut Rng, size: Size) -> Self {
        let mut options = Self::draw_rounds(rng, size);
        Scores::draw(scores, size.scores, &mut options);
        options
    }

    fn draw_rounds(rng: &mut Rng, size: Size) -> Self {
        let drawn = if rng.chance((1, 24)) { 25 } else { rng.between(4, 10) };
        let count = size.nodes.map_or(drawn, u64::from);
        let rounds = rng.between(3, 8);
        let rounds = size.rounds.unwrap_or(rounds);
        assert!(count >= 4 && rounds >= 1, "a run has at least 4 nodes and 1 round");
        let seats_max = u64::from(SEATS_MAX);
        let movers = if rng.chance((1, 2)) { rng.between(0, count / 8) } else { 0 };
        // Where many more nodes than seats take part, a share of them is as bad as chance makes it.
        let stay = count - movers;
        let most = if count > seats_max { stay / 16 } else { (stay - 1) / 3 };
        let liars = rng.between(0, most.saturating_sub(u64::from(movers > 0)));
        // With equal stakes every node has its part of the seats, and liars no more than a third,
        // as long as no stake is burnt; a lot leaves some out where there are few liars.
        let capacity = match rng.between(0, 3) {
            _ if count > seats_max => rng.between(25, seats_max),
            0 if 6 * liars < count && count >= 8 => count - 1,
            1 if 2 * count <= seats_max => 2 * count,
            _ => count,
        };
        let mut behaviours = vec![Behaviour::Honest; usize::try_from(count).expect("few")];
        for _ in 0..liars {
            let (node, lie) = (rng.index(behaviours.len()), rng.index(Behaviour::LIES.len()));
            behaviours[node] = Behaviour::LIES[lie];
        }
        let stakes = vec![20; behaviours.len()];
        let (joins, leaves) = moves(rng, &behaviours, movers);
        let calm = rng.chance((1, 4));
        let (delay, work) = if calm { (1, 1) } else { (16, 24) };
        let block_ticks = rng.between(4, 12);
        let mut ratio = |most: u64, of: u64| (if calm { 0 } else { rng.between(0, most) }, of);
        let (loss, replay) = (ratio(30, 100), ratio(20, 100));
        let (chain_loss, split) = (ratio(12, 100), ratio(5, 1000));
        let (crash, crash_within) = (ratio(8, 1000), ratio(4, 100));
        let outage = ratio(6, 1000);
        let live_rounds = rng.between(1, 3).min(rounds);
        let lag_blocks = if calm { 0 } else { rng.between(0, 2) };
        let lags = behaviours.iter().map(|_| rng.between(0, lag_blocks * block_ticks)).collect();
        Self {
            joins,
            leaves,
            lags,
            cumulative_length: (2 * behaviours.len()).next_multiple_of(64),
            nodes: u32::try_from(count.min(capacity) * 2 / 3).expect("small"),
            capacity: u32::try_from(capacity).expect("small"),
            quorum: u32::try_from(capacity - (capacity - 1) / 3).expect("small"),
            behaviours,
            stakes,
            dimension: 12 + rng.index(if count > 100 { 21 } else { 30 }),
            block_ticks,
            commit_blocks: rng.between(6, 10) + 2 * lag_blocks,
            reveal_blocks: rng.between(10, 16) + 4 * lag_blocks,
            aggregate_blocks: rng.between(4, 8),
            window_blocks: rng.between(10, 14) + 2 * lag_blocks,
            clock_blocks: rng.between(100, 140) + 20 * lag_blocks,
            gas_price_wei: u128::from(rng.between(0, 400)) * 1_000_000_000,
            liar_bonds: u32::try_from(rng.between(1, 4)).expect("small"),
            delay_ticks_max: rng.between(1, delay),
            loss,
            replay,
            chain_loss,
            split,
            crash,
            crash_within,
            outage,
            fault_blocks_max: rng.between(1, 4),
            work_ticks_max: rng.between(1, work),
            rounds,
            live_rounds,
            scores: None,
        }
    }

    /// Returns how many nodes take part.
    #[must_use]
    pub fn count(&self) -> usize {
        self.behaviours.len()
    }

    /// Returns the lengths of an update and of the cumulative tensor.
    #[must_use]
    pub fn lengths(&self) -> (usize, usize) {
        (self.dimension, self.cumulative_length)
    }

    /// Returns whether a node is there from the first block to the last.
    #[must_use]
    pub fn stays(&self, node: usize) -> bool {
        let runs = self.behaviours[node] == Behaviour::HitAndRun;
        self.joins[node] == 0 && self.leaves[node].is_none() && !runs
    }

    /// Returns the least time from leaving to a free stake: longer than a round can take that is
    /// disputed once, and than a score.
    #[must_use]
    pub fn unbond_blocks(&self) -> u64 {
        let turns = self.aggregate_blocks * u64::from(self.capacity);
        let dispute = self.window_blocks + 2 * self.clock_blocks;
        let round = self.commit_blocks + self.reveal_blocks + turns + dispute;
        round.max(self.score_blocks()) + 1
    }

    /// Returns after how many blocks the faults end even where rounds are slow.
    #[must_use]
    pub fn safety_blocks_max(&self) -> u64 {
        100 * self.rounds
    }

    /// Returns in how many blocks a healed network must settle one round.
    ///
    /// Both phases to their deadlines, then for every disputed claim a turn, its window, both
    /// clocks and the wait for whose turn it is; a liar loses each bond it has in one dispute, as
    /// asserter or as challenger, and what it is advanced in them makes at most a third of them
    /// whole again; a silent aggregator costs its turn each time it comes.
    #[must_use]
    pub fn round_blocks_max(&self) -> u64 {
        let count = u64::from(self.capacity);
        let dispute = self.window_blocks + 2 * self.clock_blocks;
        let turn = self.aggregate_blocks + dispute + 2 * count + 8;
        self.commit_blocks
            + self.reveal_blocks
            + (self.disputed_max() + 1) * (self.liars() + 1) * turn
            + self.count() as u64
    }

    fn liars(&self) -> u64 {
        self.behaviours.iter().filter(|b| **b != Behaviour::Honest).count() as u64
    }

    /// How many disputes all liars together can pay for.
    fn disputed_max(&self) -> u64 {
        (self.liars() * u64::from(self.liar_bonds) * 4).div_ceil(3)
    }
}

/// Draws who joins late and who leaves, and when; only honest nodes do.
fn moves(rng: &mut Rng, behaviours: &[Behaviour], movers: u64) -> (Vec<u64>, Vec<Option<u64>>) {
    let mut joins = vec![0; behaviours.len()];
    let mut leaves = vec![None; behaviours.len()];
    for _ in 0..movers {
        let node = rng.index(behaviours.len());
        if behaviours[node] == Behaviour::Honest {
            if rng.chance((1, 2)) {
                joins[node] = rng.between(5, 80);
            }
            if joins[node] == 0 || rng.chance((1, 2)) {
                leaves[node] = Some(joins[node] + rng.between(5, 120));
            }
        }
    }
    (joins, leaves)
}
