//! Private rounds by the duties of their nodes, some of which are silent or lie about sums: rounds
//! end, what stands of a share with an honest holder is its sum, and nobody honest is fined.

use std::collections::{BTreeMap, BTreeSet};

use court::State as ClaimState;
use proptest::prelude::*;
use tensor::{Hash, Tensor};

use super::{SHARES, Secret, seed, split};
use crate::{
    chain::Block,
    sums::{
        Parcel, Place,
        duty::{self, Duty},
        holders,
        ledger::{Config, Event, Facts, Input, Phase, Rounds, Sum, slot},
        width,
    },
};

const D: usize = 3;
const WINDOW: Block = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Honest,
    /// Commits, and does nothing after it.
    Silent,
    /// States sums that are none, and defends them.
    Lies,
}

fn config(nodes: u32) -> Config {
    Config {
        job: seed(5),
        nodes: 6,
        capacity: nodes,
        size: 3,
        quorum: 1,
        cumulative_length: 32,
        commit_blocks: 5,
        report_blocks: 6,
        sum_blocks: 5,
        judge_blocks: 5,
        aggregate_blocks: 3,
        width: u32::try_from(width(D)).expect("small"),
        budget_gwei: 1,
        gone_penalty_wei: 1,
        lie_penalty_wei: 1,
        initial_model: seed(6),
        initial_cumulative: seed(7),
        partial_programs: Vec::new(),
        aggregate_programs: Vec::new(),
    }
}

struct World {
    rounds: Rounds,
    manners: Vec<Manner>,
    now: Block,
    facts: Facts,
    /// Who claims what sum, by claim.
    claims: BTreeMap<u64, bool>,
    shares: BTreeMap<(u64, u32), [Tensor; SHARES]>,
    fined: BTreeSet<u32>,
}

impl World {
    fn new(manners: Vec<Manner>) -> World {
        let count = u32::try_from(manners.len()).expect("a few");
        let facts = Facts {
            lots: (0..count).collect(),
            funded_wei: u128::MAX,
            active: count,
            next_claim: 1,
            ..Facts::default()
        };
        let rounds = Rounds::new(config(count));
        let (claims, shares, fined) = Default::default();
        World { rounds, manners, now: 1, facts, claims, shares, fined }
    }

    fn manner(&self, node: u32) -> Manner {
        self.manners[node as usize]
    }

    fn cut(&mut self, round: u64, node: u32) -> [Hash; SHARES] {
        let update = vec![i32::try_from(node).expect("small") * 100 - 7; D];
        let update = Tensor::i32(&[D], update).expect("one axis");
        let place = Place { job: self.rounds.config().job, round, node };
        let cut = split(&update, &Secret(seed(u64::from(node)).0), place).expect("an update");
        let open = |parcel: Parcel| parcel.open(D).expect("a share of these coordinates");
        self.shares.insert((round, node), cut.parcels.map(open));
        cut.roots
    }

    /// The right sum of a share over a bucket's roll.
    fn sum(&self, bucket: usize, share: usize) -> Tensor {
        let round = self.rounds.round().number;
        let mut sum = vec![0_i32; width(D)];
        for seat in self.rounds.nodes(self.rounds.trays()[bucket].roll) {
            let lanes = self.shares[&(round, seat.node)][share].as_i32().expect("i32");
            sum.iter_mut().zip(lanes).for_each(|(sum, lane)| *sum = sum.wrapping_add(*lane));
        }
        Tensor::i32(&[width(D)], sum).expect("one axis")
    }

    fn call(&mut self, node: u32, input: &Input) {
        // Another may have been faster; a refusal changes nothing.
        let Ok(events) = self.rounds.handle((self.now, Some(node)), input, &self.facts) else {
            return;
        };
        for event in events {
            match event {
                Event::Gone { node, .. } | Event::Lied { node, .. } => {
                    self.fined.insert(node);
                }
                Event::Defended { claim, .. } => {
                    self.claims.insert(claim, self.manner(node) != Manner::Lies);
                }
                Event::ResultPosted { claim, .. } => {
                    self.claims.insert(claim, true);
                }
                _ => continue,
            }
            let next = self.facts.next_claim;
            if self.claims.contains_key(&next) {
                self.facts.claims.insert(next, (ClaimState::Open, self.now + WINDOW));
                self.facts.next_claim += 1;
            }
        }
    }

    fn act(&mut self, node: u32, duty: Duty) {
        let (round, rounds) = (self.rounds.round().number, &self.rounds);
        let silent = self.manner(node) == Manner::Silent && !matches!(duty, Duty::Commit);
        if silent {
            return;
        }
        let input = match duty {
            Duty::Open => Input::Open,
            Duty::Advance => Input::Advance,
            Duty::Commit => {
                let shares = self.cut(round, node);
                Input::Commit { round, shares }
            }
            Duty::Report { bucket, member } => {
                let trainers = rounds.trays()[bucket].trainers;
                let sends = |place: &u32| {
                    let seat = rounds.seats()[*place as usize];
                    let at = Place { job: rounds.config().job, round, node: seat.node };
                    let mine = (0..SHARES).filter(|share| *share != member);
                    assert!(mine.into_iter().all(|share| duty::may_hold(rounds, node, at, share)));
                    self.manner(seat.node) != Manner::Silent
                };
                let drawn = (0..32).filter(|place| super::super::ledger::is_set(trainers, *place));
                let held = drawn.filter(sends).fold(0, |mask, place| mask | 1 << place);
                Input::Report { round, bucket, member, held: [held; 2] }
            }
            Duty::State { bucket, member } => {
                let mut sums = [Vec::new(), Vec::new()];
                for share in (0..SHARES).filter(|share| *share != member) {
                    let mut bytes = self.sum(bucket, share).to_bytes();
                    bytes[0] ^= u8::from(self.manner(node) == Manner::Lies);
                    sums[slot(member, share)] = bytes;
                }
                Input::State { round, bucket, member, sums }
            }
            Duty::Defend { bucket, share } => Input::Defend { round, bucket, share },
            Duty::CheckSum { claim, .. } => {
                // The court finds for whoever is right; a liar that challenges has lost already.
                if self.manner(node) == Manner::Honest && !self.claims[&claim] {
                    self.facts.claims.insert(claim, (ClaimState::Struck, 0));
                }
                return;
            }
            Duty::Post => Input::PostResult { round, outputs_root: Hash([1; 32]) },
            Duty::Check { .. } => return,
            Duty::Settle => {
                let accepted_chunk = vec![0; 128];
                let leaf = tensor::tree::leaf(&accepted_chunk);
                let output_roots = vec![seed(1), leaf, seed(2), seed(3)];
                self.facts.outputs_root = court::opening::list_root(&output_roots);
                Input::Settle { round, output_roots, accepted_chunk }
            }
        };
        self.call(node, &input);
    }

    /// A block: every node does what is due, from another one on each time.
    fn step(&mut self) {
        self.now += 1;
        self.facts.block_hash = seed(self.now);
        let count = u32::try_from(self.manners.len()).expect("a few");
        let first = u32::try_from(self.now % u64::from(count)).expect("below a few");
        for node in (0..count).map(|node| (node + first) % count) {
            for duty in duty::duties(&self.rounds, node, self.now, &self.facts) {
                self.act(node, duty);
            }
        }
    }

    fn check(&self) {
        for node in &self.fined {
            assert_ne!(self.manner(*node), Manner::Honest, "node {node} did all it should");
        }
        if self.rounds.round().phase != Phase::Aggregate {
            return;
        }
        for (bucket, tray) in self.rounds.trays().iter().enumerate().filter(|(_, t)| t.roll != 0) {
            for share in 0..SHARES {
                let honest = |member: &usize| {
                    let node = self.rounds.member(bucket, *member).expect("a member");
                    self.manner(node) == Manner::Honest
                };
                if holders(share).iter().any(honest) {
                    assert_eq!(tray.sum(share), Sum::Root(self.sum(bucket, share).root()));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rounds_end_and_only_who_fails_is_fined(
        nodes in 6_usize..16,
        odd in prop::collection::vec((0_usize..16, any::<bool>()), 0..4),
    ) {
        let mut manners = vec![Manner::Honest; nodes];
        for (at, lies) in odd {
            manners[at % nodes] = if lies { Manner::Lies } else { Manner::Silent };
        }
        let mut world = World::new(manners);
        for _ in 0..200 {
            world.step();
            world.check();
        }
        let round = world.rounds.round().number;
        prop_assert!(round >= 3, "only {round} rounds in 200 blocks: {:?}", world.rounds.round());
        if world.manners.iter().all(|manner| *manner == Manner::Honest) {
            prop_assert!(world.fined.is_empty());
            prop_assert!(world.rounds.state().2 + 1 >= round, "each of them settles");
        }
    }
}
