//! The rounds of a private job as one state machine over block numbers: the pure mirror of
//! `PrivateRounds`.
//!
//! The same calls, the same checks in the same order, the same names of refusals. What the contract
//! reads from elsewhere (the registry's lots, the hash of a block, the court, what was paid in) is
//! handed in as [`Facts`] of that block; what is burnt of whom is an [`Event`].
//!
//! Invariants: a refused call changes nothing; a roll is fixed once, before any sum of it is taken;
//! a share's sum has one root that stands, or the bucket no row.
//!
//! Deliberately absent: shares and updates, which no call has; balances; the checks of the
//! configuration, which deployment is for.

use std::collections::BTreeMap;

use court::State as ClaimState;
use tensor::Hash;

use super::{BucketRow, SHARES, Summed, aggregate_inputs_root};
use crate::chain::Block;

mod acts;
mod phases;
mod refusal;

pub use refusal::Refusal;

/// How many blocks back the chain knows hashes.
pub const REACH: Block = 256;
/// Outputs of the aggregation Program.
pub const OUTPUTS: usize = 4;

/// What is fixed when a private job is deployed: `IPrivateRounds.Config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The job's identity.
    pub job: Hash,
    /// Fewest nodes taking seats that a round opens for.
    pub nodes: u32,
    /// Seats of a round, at most 32.
    pub capacity: u32,
    /// Fewest trainers that a bucket is drawn with.
    pub size: u32,
    /// Fewest rows that are aggregated.
    pub quorum: u32,
    /// Elements of the cumulative tensor.
    pub cumulative_length: u32,
    /// Blocks for commitments.
    pub commit_blocks: Block,
    /// Blocks for reports.
    pub report_blocks: Block,
    /// Blocks for sums.
    pub sum_blocks: Block,
    /// Blocks in which one of two holders defends its sum.
    pub judge_blocks: Block,
    /// Blocks each aggregator has.
    pub aggregate_blocks: Block,
    /// Lanes of a share.
    pub width: u32,
    /// Pay of one round in gwei of the token.
    pub budget_gwei: u64,
    /// Wei burnt of a member that does not do its part.
    pub gone_penalty_wei: u128,
    /// Wei burnt of a member whose sum is found wrong.
    pub lie_penalty_wei: u128,
    /// Root of the initial params.
    pub initial_model: Hash,
    /// Root of the initial pay.
    pub initial_cumulative: Hash,
    /// Hashes of `sums::partial` for 3 trainers and more.
    pub partial_programs: Vec<Hash>,
    /// Hashes of `sums::aggregate` for `quorum` rows and more.
    pub aggregate_programs: Vec<Hash>,
}

/// Where a round stands, by the numbers of `IPrivateRounds.Phase`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// No round runs.
    #[default]
    Idle,
    /// Seats wait for a block's hash.
    Seats,
    /// Trainers commit to their shares.
    Commit,
    /// Buckets wait for a block's hash.
    Draw,
    /// Members say which shares they hold.
    Report,
    /// Members state sums.
    Sum,
    /// Sums that two holders state differently are before the court.
    Judge,
    /// The result is posted, challenged and settled.
    Aggregate,
}

/// A node with seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Registry index.
    pub node: u32,
    /// How many seats it drew.
    pub rows: u32,
    /// Roots of its shares, zero until committed.
    pub shares: [Hash; SHARES],
}

/// A bucket as the contract has it; bit p of a mask is the node at place p of the seats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tray {
    /// Who was drawn into it.
    pub trainers: u32,
    /// Places of its members.
    pub members: [u8; SHARES],
    /// Which members have reported.
    pub reported: [bool; SHARES],
    /// By member, whose share (j + 1) mod 3 and (j + 2) mod 3 it holds.
    pub held: [[u32; 2]; SHARES],
    /// Who is summed; nobody, where there is no row.
    pub roll: u32,
    /// By member, the roots of its two sums, zero where none stands.
    pub sums: [[Hash; 2]; SHARES],
    /// By share, the claim that its disputed sum was defended with, 0 for none.
    pub claims: [u64; SHARES],
    /// By share, the member that made it.
    pub defenders: [usize; SHARES],
}

/// The running round: `IPrivateRounds.Round`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Its number, 0 before the first.
    pub number: u64,
    /// Where it stands.
    pub phase: Phase,
    /// The block whose hash the phase's draw is from.
    pub mark: Block,
    /// Last block of the phase.
    pub until: Block,
    /// Block in which the aggregator's turns began.
    pub since: Block,
    /// Commitments, reports or statements so far.
    pub acted: u32,
    /// Buckets with a row.
    pub rows: u32,
    /// Aggregation claims that fell.
    pub attempt: u32,
    /// The aggregation's claim, 0 for none.
    pub claim: u64,
    /// The buckets' seed.
    pub seed: Hash,
}

/// What other contracts and the chain say when a call is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What the registry would draw: a node an entry, ascending.
    pub lots: Vec<u32>,
    /// Hash of the block that [`seed_block`] names.
    pub block_hash: Hash,
    /// Wei paid into the rewards.
    pub funded_wei: u128,
    /// Nodes taking seats.
    pub active: u32,
    /// Where claims stand, and the last block each can be challenged in.
    pub claims: BTreeMap<u64, (ClaimState, Block)>,
    /// Outputs root of the aggregation's claim.
    pub outputs_root: Hash,
    /// The court's next claim.
    pub next_claim: u64,
}

/// Everything that can be asked of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the interface says what each is")]
pub enum Input {
    Open,
    Advance,
    Draw,
    Commit { round: u64, shares: [Hash; SHARES] },
    Report { round: u64, bucket: usize, member: usize, held: [u32; 2] },
    State { round: u64, bucket: usize, member: usize, sums: [Vec<u8>; 2] },
    Defend { round: u64, bucket: usize, share: usize },
    PostResult { round: u64, outputs_root: Hash },
    Settle { round: u64, output_roots: Vec<Hash>, accepted_chunk: Vec<u8> },
}

/// What a call did, by the names of the contract's events.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the interface says what each is")]
pub enum Event {
    Opened,
    Seated,
    Committed { node: u32 },
    Bucketed { seed: Hash },
    Reported { bucket: usize, member: usize },
    Called { rolls: Vec<u32> },
    Lost { bucket: usize },
    Stated { bucket: usize, member: usize },
    Defended { bucket: usize, share: usize, member: usize, claim: u64 },
    Gone { bucket: usize, node: u32 },
    Lied { bucket: usize, share: usize, node: u32 },
    Voided { phase: Phase, got: u64, needed: u64 },
    ResultPosted { claim: u64, aggregator: u32, inputs_root: Hash },
    ResultFell { claim: u64, attempt: u32 },
    Settled { claim: u64, accepted: u32 },
}

/// Who calls: its registry index, if it has one.
pub type Caller = Option<u32>;

/// One private job's rounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rounds {
    config: Config,
    round: Round,
    seats: Vec<Seat>,
    trays: Vec<Tray>,
    model_root: Hash,
    cumulative_root: Hash,
    settled_count: u64,
}

impl Rounds {
    /// Returns a freshly deployed contract.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let (model_root, cumulative_root) = (config.initial_model, config.initial_cumulative);
        let (round, seats, trays) = Default::default();
        Self { config, round, seats, trays, model_root, cumulative_root, settled_count: 0 }
    }

    /// Returns the contract as it is read off a chain: state root by root.
    #[must_use]
    pub fn read(
        config: Config,
        (round, seats, trays): (Round, Vec<Seat>, Vec<Tray>),
        (model_root, cumulative_root, settled_count): (Hash, Hash, u64),
    ) -> Self {
        Self { config, round, seats, trays, model_root, cumulative_root, settled_count }
    }

    /// Makes a call in block `now`.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] by the name of the contract's error; nothing has changed then.
    pub fn handle(
        &mut self,
        (now, caller): (Block, Caller),
        input: &Input,
        facts: &Facts,
    ) -> Result<Vec<Event>, Refusal> {
        let before = self.clone();
        let mut call = Call { now, caller, facts, rounds: self, events: Vec::new() };
        let done = call.make(input);
        let events = call.events;
        if done.is_err() {
            *self = before;
        }
        done.map(|()| events)
    }

    /// Returns the configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the round as it is stored.
    #[must_use]
    pub fn round(&self) -> &Round {
        &self.round
    }

    /// Returns the nodes with seats, ascending.
    #[must_use]
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// Returns the buckets, in order.
    #[must_use]
    pub fn trays(&self) -> &[Tray] {
        &self.trays
    }

    /// Returns the roots of params and cumulative pay, and how many rounds have settled.
    #[must_use]
    pub fn state(&self) -> (Hash, Hash, u64) {
        (self.model_root, self.cumulative_root, self.settled_count)
    }

    /// Returns the nodes of a mask, ascending.
    pub fn nodes(&self, mask: u32) -> impl Iterator<Item = &Seat> {
        (0..).zip(&self.seats).filter(move |(place, _)| is_set(mask, *place)).map(|(_, seat)| seat)
    }

    /// Returns the node of a member.
    #[must_use]
    pub fn member(&self, bucket: usize, member: usize) -> Option<u32> {
        let place = *self.trays.get(bucket)?.members.get(member)?;
        Some(self.seats.get(usize::from(place))?.node)
    }

    /// Returns the inputs root of a share's sum.
    #[must_use]
    pub fn shares_root(&self, bucket: usize, share: usize) -> Option<Hash> {
        let roll = self.trays.get(bucket).filter(|tray| tray.roll != 0)?.roll;
        let roots: Vec<Hash> = self.nodes(roll).map(|seat| seat.shares[share]).collect();
        Some(court::opening::list_root(&roots))
    }

    /// Returns the buckets that have a row, with what is aggregated of them.
    #[must_use]
    pub fn rows(&self) -> Vec<BucketRow<Hash>> {
        let row = |tray: &Tray| BucketRow {
            trainers: self
                .nodes(tray.roll)
                .map(|seat| Summed { node: seat.node, seats: seat.rows })
                .collect(),
            sums: std::array::from_fn(|share| tray.sum(share).root()),
        };
        self.trays.iter().filter(|tray| tray.roll != 0).map(row).collect()
    }

    /// Returns the inputs root of the aggregation; `None` where there are no rows.
    #[must_use]
    pub fn inputs_root(&self) -> Option<Hash> {
        let state = (self.model_root, self.cumulative_root);
        aggregate_inputs_root(state, self.config.budget_gwei, &self.rows()).ok()
    }

    /// Returns whose turn it is to aggregate in block `now`.
    #[must_use]
    pub fn aggregator(&self, now: Block) -> Option<u32> {
        let committed: Vec<&Seat> = self.seats.iter().filter(|seat| seat.committed()).collect();
        let count = u64::try_from(committed.len()).ok().filter(|count| *count > 0)?;
        let late = now.saturating_sub(self.round.since) / self.config.aggregate_blocks;
        let first = Hash::of(&[&super::tag("assay/seed/elect/v1").0, &self.round.seed.0]);
        let first = super::draw::modulo(first, count);
        let turn = first + u64::from(self.round.attempt) + late;
        Some(committed[usize::try_from(turn % count).ok()?].node)
    }
}

impl Seat {
    /// Returns whether the node has committed.
    #[must_use]
    pub fn committed(&self) -> bool {
        self.shares[0] != Hash::ZERO
    }
}

/// How the sum of a share stands on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// Nobody's statement stands.
    None,
    /// This root stands.
    Root(Hash),
    /// The two holders state these, in the order of [`super::holders`].
    Disputed([Hash; 2]),
}

impl Sum {
    /// The root that stands, zero for none.
    fn root(self) -> Hash {
        match self {
            Sum::Root(root) => root,
            Sum::None => Hash::ZERO,
            Sum::Disputed([first, _]) => first,
        }
    }
}

impl Tray {
    /// Returns how the sum of a share stands.
    #[must_use]
    pub fn sum(&self, share: usize) -> Sum {
        let [first, second] = super::holders(share);
        let [first, second] = [self.sums[first][1], self.sums[second][0]];
        match (first == Hash::ZERO, second == Hash::ZERO) {
            (true, true) => Sum::None,
            (true, false) => Sum::Root(second),
            (false, false) if first != second => Sum::Disputed([first, second]),
            _ => Sum::Root(first),
        }
    }
}

/// Returns where among a member's two sums that of a share is which it holds.
#[must_use]
pub const fn slot(member: usize, share: usize) -> usize {
    if (member + 1) % SHARES == share { 0 } else { 1 }
}

/// Returns whether the node at a place is in a mask.
#[must_use]
pub fn is_set(mask: u32, place: u32) -> bool {
    mask.checked_shr(place).is_some_and(|rest| rest & 1 == 1)
}

/// Returns the block whose hash a draw marked with `mark` is from, in a call made in block `now`.
#[must_use]
pub fn seed_block(mark: Block, now: Block) -> Block {
    let passed = now.saturating_sub(1).saturating_sub(mark);
    mark + passed / REACH * REACH
}

/// One call in the making.
struct Call<'a> {
    now: Block,
    caller: Caller,
    facts: &'a Facts,
    rounds: &'a mut Rounds,
    events: Vec<Event>,
}
