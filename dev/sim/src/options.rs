//! What a run is like: everything is drawn from its seed, and printed when it fails.
//!
//! The ranges are the model of the world: at most a third of the seats lie, a fault lasts a few
//! blocks, and a challenge window is longer than any single fault. Under these the safety
//! properties hold in every run; what they are worth outside is for docs/protocol.md to say.
//!
//! Absent: a way to set an option by hand. A run is its seed.

use round::chain::SEATS_MAX;

use crate::rng::Rng;

/// How a node plays its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// As the machine says.
    Honest,
    /// Reveals an update far from what training gave.
    Poison,
    /// States pay for itself that the Program did not compute, and argues for it.
    WrongResult,
    /// The same, but silent as soon as it is disputed.
    Bluff,
    /// Challenges every right result, and argues for another.
    FalseAlarm,
    /// Commits and never reveals.
    NoReveal,
    /// Never posts a result when elected.
    SilentAggregator,
    /// Offers its update to nobody, serves nothing, and leaves settling to others.
    Withhold,
    /// Offers and serves other bytes than it names.
    Forge,
    /// Sends signatures that are none.
    BadSigner,
    /// Sends a second, different commitment, and calls that are out of place.
    Spam,
}

impl Behaviour {
    /// Returns whether it states results that the Program did not compute.
    #[must_use]
    pub const fn bends(self) -> bool {
        matches!(self, Behaviour::WrongResult | Behaviour::Bluff | Behaviour::FalseAlarm)
    }
}

/// What a seed decides before the first tick.
#[derive(Clone, Debug)]
pub struct Options {
    /// One behaviour a node, in the order of joining.
    pub behaviours: Vec<Behaviour>,
    /// Stake of each node in whole tokens.
    pub stakes: Vec<u32>,
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
    /// Blocks with faults.
    pub safety_blocks: u64,
    /// Rounds that must settle once the faults are over.
    pub live_rounds: u64,
}

impl Options {
    /// Draws the options of a seed.
    #[must_use]
    pub fn draw(rng: &mut Rng) -> Self {
        use Behaviour::{
            BadSigner, Bluff, FalseAlarm, Forge, NoReveal, Poison, SilentAggregator, Spam,
            Withhold, WrongResult,
        };
        let withheld = [NoReveal, SilentAggregator, Withhold];
        let wrong = [WrongResult, Bluff, FalseAlarm];
        let lies = [&[Poison, BadSigner, Forge, Spam][..], &wrong, &withheld].concat();
        let count = if rng.chance((1, 24)) { 25 } else { rng.between(4, 10) };
        let liars = rng.between(0, (count - 1) / 3);
        let mut behaviours = vec![Behaviour::Honest; usize::try_from(count).expect("few")];
        for _ in 0..liars {
            let (node, lie) = (rng.index(behaviours.len()), rng.index(lies.len()));
            behaviours[node] = lies[lie];
        }
        // With equal stakes every node has its part of the seats, and liars no more than a third,
        // as long as no stake is burnt; a lot leaves some out where there are few liars.
        let capacity = match rng.between(0, 3) {
            0 if 6 * liars < count && count >= 8 => count - 1,
            1 if 2 * count <= u64::from(SEATS_MAX) => 2 * count,
            _ => count,
        };
        let stakes = vec![20; behaviours.len()];
        let calm = rng.chance((1, 4));
        let (delay, work) = if calm { (1, 1) } else { (16, 24) };
        let block_ticks = rng.between(4, 12);
        let mut ratio = |most: u64, of: u64| (if calm { 0 } else { rng.between(0, most) }, of);
        let (loss, replay) = (ratio(30, 100), ratio(20, 100));
        let (chain_loss, split) = (ratio(12, 100), ratio(5, 1000));
        let (crash, crash_within) = (ratio(8, 1000), ratio(4, 100));
        let outage = ratio(6, 1000);
        Self {
            nodes: u32::try_from(count - (count - 1) / 3).expect("small"),
            capacity: u32::try_from(capacity).expect("small"),
            quorum: u32::try_from(capacity - (capacity - 1) / 3).expect("small"),
            behaviours,
            stakes,
            dimension: 12 + rng.index(30),
            block_ticks,
            commit_blocks: rng.between(6, 10),
            reveal_blocks: rng.between(10, 16),
            aggregate_blocks: rng.between(4, 8),
            window_blocks: rng.between(10, 14),
            clock_blocks: rng.between(100, 140),
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
            safety_blocks: rng.between(60, 240),
            live_rounds: rng.between(1, 3),
        }
    }

    /// Returns how many nodes take part.
    #[must_use]
    pub fn count(&self) -> usize {
        self.behaviours.len()
    }

    /// Returns in how many blocks a healed network must settle one round.
    ///
    /// Both phases to their deadlines, then for every disputed claim a turn, its window, both
    /// clocks and the wait for whose turn it is; a liar loses each bond it has in one dispute, as
    /// asserter or as challenger, and what it is advanced in them makes at most a third of them
    /// whole again; a silent aggregator costs its turn each time it comes.
    #[must_use]
    pub fn round_blocks_max(&self) -> u64 {
        let count = self.count() as u64;
        let liars = self.behaviours.iter().filter(|b| **b != Behaviour::Honest).count() as u64;
        let dispute = self.window_blocks + 2 * self.clock_blocks;
        let turn = self.aggregate_blocks + dispute + 2 * count + 8;
        let disputed = (liars * u64::from(self.liar_bonds) * 4).div_ceil(3);
        self.commit_blocks + self.reveal_blocks + (disputed + 1) * (liars + 1) * turn + count
    }
}
