//! Whole rounds among liars, a seed each: gatherers that leave out, forge, repeat and withhold,
//! trainers that sign twice, stay silent and force what is there.
//!
//! Honest trainers send their signed commitment to every gatherer, honest holders sign what reads
//! and holds, somebody watches, and who is left out forces. What must hold is at the end of
//! [`Play::finish`].

use std::collections::{BTreeMap, BTreeSet};

use tensor::{Hash, tree};

use super::{
    BOND_WEI, BOUNTY_WEI, OPEN_BLOCK, enrolment, key, opened, sign, signed, terms, update,
};
use crate::gather::{
    Enrolment, Event, FORCED, Gathering, Input, Kind, Listing, Opened, Refusal, Reveal, SIGNERS,
    Signature, Stage, commitment_digest, lie, list_digest, place,
};

const SEEDS: u64 = 400;
const WATCHER: u32 = u32::MAX;

/// Numbers from a seed, by hashing a counter.
struct Random(u64, u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.1 += 1;
        let hash = Hash::of(&[&self.0.to_le_bytes(), &self.1.to_le_bytes()]);
        u64::from_le_bytes(hash.0[..8].try_into().expect("eight bytes")) % end
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).expect("below a usize")
    }
}

/// What a run counted, so that a test can say that it met everything.
#[derive(Debug, Default)]
struct Met {
    sealed: u64,
    struck: u64,
    refused: u64,
    forced_commitments: u64,
    forced_reveals: u64,
    nothing_taken: u64,
    shorter_taken: u64,
}

struct Play {
    random: Random,
    gathering: Gathering,
    /// Nodes that lie wherever they can.
    liars: BTreeSet<u32>,
    /// Nodes that have left without a word.
    silent: BTreeSet<u32>,
    /// Lists by kind, in the order of their ids, and whether they are right.
    posted: [Vec<(Listing, bool)>; 2],
    met: Met,
}

impl Play {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed, 0);
        let nodes = 2 + u32::try_from(random.below(40)).expect("few");
        let seats = 1 + u32::try_from(random.below(60)).expect("few");
        let share = random.below(10);
        let quiet = random.below(6);
        let mut some = |of: u64| (0..nodes).filter(|_| random.below(10) < of).collect();
        let (liars, silent): (BTreeSet<u32>, BTreeSet<u32>) = (some(share), some(quiet));
        let silent = silent.difference(&liars).copied().collect();
        let gathering = Gathering::new(terms(), enrolment(nodes, seats, seed));
        let posted = [Vec::new(), Vec::new()];
        Self { random, gathering, liars, silent, posted, met: Met::default() }
    }

    fn enrolment(&self) -> &Enrolment {
        self.gathering.enrolment()
    }

    fn seated(&self) -> Vec<u32> {
        self.enrolment().rows.keys().copied().collect()
    }

    fn is_honest(&self, node: u32) -> bool {
        !self.liars.contains(&node) && !self.silent.contains(&node)
    }

    fn at(&self, kind: Kind, stage: Stage) -> u64 {
        terms().last_block(OPEN_BLOCK, kind, stage)
    }

    fn call(&mut self, at: (Kind, Stage), caller: u32, input: Input) -> Result<Event, Refusal> {
        let now = self.at(at.0, at.1);
        self.gathering.handle(now, key(caller), input)
    }

    /// Commitments as a gatherer received them: a liar signs another one for each gatherer.
    fn received(&mut self, gatherer: u32) -> BTreeMap<u32, (Hash, Signature)> {
        let mut received = BTreeMap::new();
        for node in self.seated() {
            if self.silent.contains(&node) {
                continue;
            }
            let own = signed(self.enrolment(), node);
            let twice = self.liars.contains(&node) && self.random.one_in(3);
            let one = if twice {
                let other = Hash::of(&[&own.0.0, &gatherer.to_le_bytes()]);
                (other, sign(node, commitment_digest(self.enrolment(), node, other)))
            } else {
                own
            };
            received.insert(node, one);
        }
        received
    }

    fn commitment_list(&mut self, gatherer: u32) -> Option<Listing> {
        let mut received = self.received(gatherer);
        let lies = self.liars.contains(&gatherer);
        if lies {
            self.leave_out(&mut received);
        }
        let list = Listing::commitments(self.enrolment(), &received);
        if list.entries.is_empty() {
            return None;
        }
        Some(if lies { self.spoilt(list) } else { list })
    }

    fn leave_out<T>(&mut self, entries: &mut BTreeMap<u32, T>) {
        let out = self.random.below(4);
        entries.retain(|_, _| self.random.below(8) >= out);
    }

    /// A list with a lie in it, or not.
    fn spoilt(&mut self, mut list: Listing) -> Listing {
        let index = self.random.index(list.entries.len());
        match self.random.below(8) {
            0 => list.entries[index][1] = Hash([7; 32]),
            1 => list.entries[index][2] = Hash([7; 32]),
            2 => list.entries.push(list.entries[index]),
            3 => list.entries[index][0] = place(u32::try_from(index).expect("few"), 0, 0),
            4 if !list.inputs.is_empty() => {
                let row = self.random.index(list.inputs.len() - 4);
                list.inputs[4 + row] = Hash([7; 32]);
            }
            5 if !list.inputs.is_empty() => {
                let at = self.random.index(list.members.len());
                list.members[at] ^= 1;
                list.inputs[3] = tree::root(&super::super::roster::chunk_leaves(&list.members));
            }
            _ => {}
        }
        list
    }

    fn reveal_list(&mut self, gatherer: u32, taken: Option<&Listing>) -> Option<Listing> {
        let mut all: BTreeMap<u32, Opened> = BTreeMap::new();
        for node in self.seated() {
            let silent = self.silent.contains(&node) || self.liars.contains(&node);
            if let (false, Some(from)) = (silent, self.from(node, taken)) {
                all.insert(node, opened(node, from));
            }
        }
        let lies = self.liars.contains(&gatherer);
        if lies {
            self.leave_out(&mut all);
        }
        let list = Listing::reveals(self.enrolment(), &all);
        if list.entries.is_empty() {
            return None;
        }
        Some(if lies { self.spoilt(list) } else { list })
    }

    /// Where a node's commitment stands.
    fn from(&self, node: u32, taken: Option<&Listing>) -> Option<u32> {
        if self.gathering.forced_commitment(node).is_some() {
            return Some(FORCED);
        }
        taken.and_then(|list| list.index_of(node)).map(|index| u32::try_from(index).expect("few"))
    }

    /// Every gatherer posts; holders sign what is right, liars whatever they are shown.
    fn gather(&mut self, kind: Kind, taken: Option<&Listing>) {
        let gatherers: BTreeSet<u32> =
            self.enrolment().holders.iter().step_by(3).copied().collect();
        for gatherer in gatherers {
            if self.silent.contains(&gatherer) {
                continue;
            }
            let list = match kind {
                Kind::Commitments => self.commitment_list(gatherer),
                Kind::Reveals => self.reveal_list(gatherer, taken),
            };
            let Some(list) = list else { continue };
            let withheld = self.liars.contains(&gatherer) && self.random.one_in(4);
            self.post((kind, gatherer), list, taken, withheld);
        }
    }

    fn post(
        &mut self,
        (kind, gatherer): (Kind, u32),
        list: Listing,
        taken: Option<&Listing>,
        withheld: bool,
    ) {
        let draft = list.draft(self.enrolment());
        let right = self.is_right(kind, gatherer, &list, taken);
        let digest = list_digest(self.enrolment(), kind, &draft);
        let mut signatures = Vec::new();
        let mut liars_lots = 0;
        let holders = self.enrolment().holders;
        for (lot, holder) in holders.iter().enumerate() {
            let lies = self.liars.contains(holder);
            liars_lots += usize::from(lies);
            let first = lot == 0 || holders[lot - 1] != *holder;
            let signs = lies || (right && !withheld && !self.silent.contains(holder));
            if first && signs {
                signatures.push(sign(*holder, digest));
            }
        }
        // With so many liars a list that nobody has would be taken: what the protocol assumes away.
        if withheld && liars_lots >= SIGNERS {
            return;
        }
        let input = Input::Post { kind, draft, signatures };
        match self.call((kind, Stage::Gather), gatherer, input) {
            Ok(_) => self.posted[kind as usize].push((list, right)),
            Err(refusal) => {
                let light = matches!(refusal, Refusal::CertificateTooLight { .. });
                let counts = matches!(refusal, Refusal::BadCount { .. });
                assert!(light || counts, "{refusal}");
                self.met.refused += 1;
            }
        }
    }

    /// What a holder finds: whether the list reads, and holds.
    fn is_right(&self, kind: Kind, gatherer: u32, list: &Listing, taken: Option<&Listing>) -> bool {
        let draft = list.draft(self.enrolment());
        let Some(read) = Listing::read(self.enrolment(), kind, &draft, &list.bytes()) else {
            return false;
        };
        // As if it were posted already, with everybody's signature.
        let mut trial = self.gathering.clone();
        let digest = list_digest(self.enrolment(), kind, &draft);
        let mut holders = self.enrolment().holders.to_vec();
        holders.dedup();
        let signatures = holders.iter().map(|holder| sign(*holder, digest)).collect();
        let input = Input::Post { kind, draft, signatures };
        let id = trial.lists(kind).len();
        let now = self.at(kind, Stage::Gather);
        trial.handle(now, key(gatherer), input).is_ok()
            && lie(&trial, (kind, id), &read, taken).is_none()
    }

    /// Whoever has a list that lies strikes it; nothing strikes one that does not.
    fn watch(&mut self, kind: Kind, taken: Option<&Listing>) {
        for id in 0..self.posted[kind as usize].len() {
            let (list, right) = self.posted[kind as usize][id].clone();
            let found = lie(&self.gathering, (kind, id), &list, taken);
            assert_eq!(found.is_none(), right, "list {id}");
            let Some(strike) = found else { continue };
            self.call((kind, Stage::Strike), WATCHER, strike).expect("it lies");
            self.met.struck += 1;
        }
    }

    fn taken(&mut self, kind: Kind) -> Option<Listing> {
        let taken = self.gathering.taken(kind);
        self.met.nothing_taken += u64::from(taken.is_none());
        let most = self.posted[kind as usize].iter().map(|(list, _)| list.entries.len()).max();
        let list = taken.map(|id| self.posted[kind as usize][id].0.clone());
        let shorter = list.as_ref().is_some_and(|list| Some(list.entries.len()) < most);
        self.met.shorter_taken += u64::from(shorter);
        list
    }

    /// Honest nodes force where they were left out; liars try in any case.
    fn force_commitments(&mut self, taken: Option<&Listing>) {
        for node in self.seated() {
            if self.silent.contains(&node) {
                continue;
            }
            let is_in = taken.is_some_and(|list| list.index_of(node).is_some());
            if self.is_honest(node) && is_in {
                continue;
            }
            let commitment = signed(self.enrolment(), node).0;
            let beside = taken.map(|list| list.beside(node)).unwrap_or_default();
            let input = Input::ForceCommitment { commitment, beside };
            match self.call((Kind::Commitments, Stage::Force), node, input) {
                Ok(_) => self.met.forced_commitments += 1,
                Err(refusal) => assert_eq!(refusal, Refusal::NotLeftOut { node }),
            }
            assert_eq!(self.gathering.forced_commitment(node).is_some(), !is_in);
        }
    }

    fn force_reveals(&mut self, commitments: Option<&Listing>, reveals: Option<&Listing>) {
        for node in self.seated() {
            if self.silent.contains(&node) {
                continue;
            }
            let is_in = reveals.is_some_and(|list| list.index_of(node).is_some());
            if self.is_honest(node) && is_in {
                continue;
            }
            let own = opened(node, 0);
            let reveal = Reveal {
                update_root: own.update_root,
                salt: own.salt,
                blob: own.blob,
                update: update(node),
                signatures: Vec::new(),
            };
            let shown = commitments.and_then(|list| list.index_of(node).map(|at| list.entry(at)));
            let commitment = shown.unwrap_or_default();
            let beside = reveals.map(|list| list.beside(node)).unwrap_or_default();
            let input = Input::ForceReveal { reveal, commitment, beside };
            let result = self.call((Kind::Reveals, Stage::Force), node, input);
            self.met.forced_reveals += u64::from(result.is_ok());
            if self.is_honest(node) {
                result.expect("it committed, and is left out");
            } else if let Err(refusal) = result {
                // Whoever signed twice may find the other commitment taken, and cannot open it.
                let left = matches!(refusal, Refusal::NotLeftOut { .. });
                let other = matches!(refusal, Refusal::CommitmentMismatch { .. });
                assert!(left || other, "{refusal}");
            }
        }
    }

    fn run(mut self) -> Met {
        self.gather(Kind::Commitments, None);
        self.watch(Kind::Commitments, None);
        let commitments = self.taken(Kind::Commitments);
        self.force_commitments(commitments.as_ref());
        self.gather(Kind::Reveals, commitments.as_ref());
        self.watch(Kind::Reveals, commitments.as_ref());
        let reveals = self.taken(Kind::Reveals);
        self.force_reveals(commitments.as_ref(), reveals.as_ref());
        self.finish(reveals.as_ref());
        self.met
    }

    fn finish(&mut self, reveals: Option<&Listing>) {
        let forced = self.gathering.forced().to_vec();
        let tail = reveals.map(|list| list.tail(&forced)).unwrap_or_default();
        let now = self.at(Kind::Reveals, Stage::Force) + 1;
        let seal = Input::Seal { forced: forced.clone(), tail };
        let sealed = self.gathering.handle(now, key(WATCHER), seal);
        let mut rows: Vec<(u32, Hash)> = Vec::new();
        for words in reveals.map(|list| list.entries.clone()).unwrap_or_default() {
            let node = u32::from_be_bytes(words[0].0[28..].try_into().expect("four bytes"));
            rows.extend((0..self.enrolment().rows_of(node)).map(|_| (node, words[1])));
        }
        for one in &forced {
            rows.extend((0..one.rows).map(|_| (one.node, one.update_root)));
        }
        if rows.is_empty() {
            let round = self.enrolment().round;
            assert_eq!(sealed, Err(Refusal::NothingToSeal { round }));
        } else {
            sealed.expect("anybody can");
            self.met.sealed += 1;
        }
        self.check_rows(&rows);
        self.check_money(now);
    }

    /// Every honest node has its rows, nobody has more than its own, and the root is theirs.
    fn check_rows(&self, rows: &[(u32, Hash)]) {
        for node in self.seated() {
            let own = rows.iter().filter(|(row, _)| *row == node).count();
            let expected = self.enrolment().rows_of(node) as usize;
            assert!(own == expected || (own == 0 && !self.is_honest(node)), "rows of node {node}");
        }
        assert!(rows.iter().all(|(node, root)| *root == opened(*node, 0).update_root));
        if rows.is_empty() {
            return;
        }
        let members: Vec<u8> = rows.iter().flat_map(|(node, _)| node.to_le_bytes()).collect();
        let members = tree::root(&super::super::roster::chunk_leaves(&members));
        let head = self.enrolment().head(members);
        let inputs: Vec<Hash> = head.into_iter().chain(rows.iter().map(|row| row.1)).collect();
        assert_eq!(self.gathering.inputs().root, tree::root(&inputs), "the list written out");
    }

    /// Honest bonds come back, those of liars are bounties and ashes.
    fn check_money(&mut self, now: u64) {
        let (mut struck, mut whole) = (0, 0);
        for kind in [Kind::Commitments, Kind::Reveals] {
            for (id, (_, right)) in self.posted[kind as usize].clone().into_iter().enumerate() {
                let list = self.gathering.lists(kind)[id];
                assert_eq!(list.struck, !right);
                let released = self.gathering.handle(now, key(0), Input::Release { kind, id });
                assert_eq!(released.is_ok(), right);
                (struck, whole) = (struck + u128::from(!right), whole + u128::from(right));
            }
        }
        let burnt = struck * (BOND_WEI - BOUNTY_WEI);
        assert_eq!(self.gathering.spent_wei(), (whole * BOND_WEI, struck * BOUNTY_WEI, burnt));
        assert_eq!(self.gathering.held_wei(), 0);
    }
}

#[test]
fn rounds_among_liars() {
    let mut met = Met::default();
    for seed in 0..SEEDS {
        let one = Play::new(seed).run();
        met.sealed += one.sealed;
        met.struck += one.struck;
        met.refused += one.refused;
        met.forced_commitments += one.forced_commitments;
        met.forced_reveals += one.forced_reveals;
        met.nothing_taken += one.nothing_taken;
        met.shorter_taken += one.shorter_taken;
    }
    let counts =
        [met.struck, met.refused, met.forced_commitments, met.forced_reveals, met.nothing_taken];
    assert!(met.sealed > SEEDS / 2 && counts.iter().all(|count| *count > 20), "{met:?}");
    assert!(met.shorter_taken > 20, "{met:?}");
}
