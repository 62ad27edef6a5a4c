//! Lists by their definition, lies about them, and whole rounds among liars.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tensor::{Hash, tree};

use super::{
    Enrolment, Gathering, HOLDERS, Input, Kind, Listing, Opened, Refusal, Signature, Stage, Terms,
    append::{append, crown, with_head},
    commitment_digest, holders_seed, lie, list_digest,
};
use crate::{Address, Domain, lots};

mod sim;

pub(super) const BOND_WEI: u128 = 300;
pub(super) const BOUNTY_WEI: u128 = 100;
const OPEN_BLOCK: u64 = 100;

pub(super) fn terms() -> Terms {
    Terms {
        bond_wei: BOND_WEI,
        bounty_wei: BOUNTY_WEI,
        commit_blocks: 20,
        reveal_blocks: 15,
        strike_blocks: 10,
        force_blocks: 12,
    }
}

pub(super) fn key(node: u32) -> Address {
    let mut key = Address([0xaa; 20]);
    key.0[16..].copy_from_slice(&node.to_be_bytes());
    key
}

/// Stands for a signature: who made it, and a hash of that and the digest.
pub(super) fn sign(node: u32, digest: Hash) -> Signature {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&Hash::of(&[&digest.0, &key(node).0]).0);
    signature[44..].copy_from_slice(&key(node).0);
    signature
}

fn recover(digest: Hash, signature: &Signature) -> Option<Address> {
    let signer = Address(signature[44..].try_into().expect("twenty bytes"));
    let whole =
        signature[32..44] == [0; 12] && signature[..32] == Hash::of(&[&digest.0, &signer.0]).0;
    whole.then_some(signer)
}

/// Seats drawn among nodes of equal stake, and everybody joined.
pub(super) fn enrolment(nodes: u32, seats: u32, seed: u64) -> Enrolment {
    let weights = vec![1_000_u128; nodes as usize];
    let seed = Hash::of(&[&seed.to_le_bytes()]);
    let mut rows = BTreeMap::new();
    for seat in lots::draw(&weights, seed, seats) {
        *rows.entry(seat).or_insert(0) += 1;
    }
    let domain = Domain { chain_id: 1, rounds: Address([1; 20]), job: Hash([2; 32]) };
    let gathering = Address([3; 20]);
    let holders_seed = holders_seed((1, gathering), 7, seed);
    let drawn = lots::draw(&weights, holders_seed, u32::try_from(HOLDERS).expect("24"));
    Enrolment {
        domain,
        gathering,
        round: 7,
        open_block: OPEN_BLOCK,
        keys: (0..nodes).map(|node| (key(node), node)).collect(),
        rows,
        holders: drawn.try_into().expect("24 lots"),
        fixed: [Hash([4; 32]), Hash([5; 32]), Hash([6; 32])],
        update_bytes: 128,
        recover,
    }
}

pub(super) fn update(node: u32) -> Vec<u8> {
    node.to_le_bytes().repeat(32)
}

pub(super) fn opened(node: u32, from: u32) -> Opened {
    Opened {
        from,
        update_root: tree::leaf(&update(node)),
        salt: Hash::of(&[b"salt", &node.to_le_bytes()]),
        blob: Hash::of(&[b"blob", &node.to_le_bytes()]),
    }
}

pub(super) fn signed(enrolment: &Enrolment, node: u32) -> (Hash, Signature) {
    let own = opened(node, 0);
    let commitment = enrolment.commitment(node, own.update_root, own.salt);
    (commitment, sign(node, commitment_digest(enrolment, node, commitment)))
}

/// All that have seats.
pub(super) fn all_commitments(enrolment: &Enrolment) -> Listing {
    let signed = enrolment.rows.keys().map(|node| (*node, signed(enrolment, *node)));
    Listing::commitments(enrolment, &signed.collect())
}

pub(super) fn all_reveals(enrolment: &Enrolment, commitments: &Listing) -> Listing {
    let from = |node| {
        let index = commitments.index_of(node).expect("it committed");
        u32::try_from(index).expect("few")
    };
    let opened = enrolment.rows.keys().map(|node| (*node, opened(*node, from(*node))));
    Listing::reveals(enrolment, &opened.collect())
}

/// Posts a list that every holder signs, whatever is in it.
pub(super) fn post(
    gathering: &mut Gathering,
    kind: Kind,
    number: usize,
    list: &Listing,
) -> Result<usize, Refusal> {
    let enrolment = gathering.enrolment().clone();
    let draft = list.draft(&enrolment);
    let digest = list_digest(&enrolment, kind, &draft);
    let mut holders = enrolment.holders.to_vec();
    holders.dedup();
    let signatures = holders.iter().map(|holder| sign(*holder, digest)).collect();
    let input = Input::Post { kind, draft, signatures };
    let caller = key(enrolment.holders[3 * number]);
    let now = terms().last_block(OPEN_BLOCK, kind, Stage::Gather);
    let before = gathering.lists(kind).len();
    gathering.handle(now, caller, input).map(|_| before)
}

/// A round in which both lists are as they should be, and those lists.
fn gathered(nodes: u32, seats: u32, seed: u64) -> (Gathering, Listing, Listing) {
    let enrolment = enrolment(nodes, seats, seed);
    let commitments = all_commitments(&enrolment);
    let reveals = all_reveals(&enrolment, &commitments);
    let mut gathering = Gathering::new(terms(), enrolment);
    post(&mut gathering, Kind::Commitments, 0, &commitments).expect("it is right");
    (gathering, commitments, reveals)
}

/// Nobody strikes what is right, and every holder reads it as it was written.
#[test]
fn honest_lists_hold() {
    for (nodes, seats) in [(1, 1), (4, 4), (9, 25), (60, 40), (300, 300)] {
        let (mut gathering, commitments, reveals) = gathered(nodes, seats, 3);
        assert_eq!(lie(&gathering, (Kind::Commitments, 0), &commitments, None), None);
        post(&mut gathering, Kind::Reveals, 1, &reveals).expect("it is right");
        assert_eq!(lie(&gathering, (Kind::Reveals, 0), &reveals, Some(&commitments)), None);
        let enrolment = gathering.enrolment();
        for (kind, list) in [(Kind::Commitments, &commitments), (Kind::Reveals, &reveals)] {
            let (draft, bytes) = (list.draft(enrolment), list.bytes());
            let read = Listing::read(enrolment, kind, &draft, &bytes);
            assert_eq!(read.as_ref(), Some(list));
            assert_eq!(Listing::read(enrolment, kind, &draft, &bytes[1..]), None);
        }
        let list = gathering.lists(Kind::Reveals)[0];
        assert_eq!(list.rows, seats);
        assert_eq!(list.inputs_root, tree::root(&reveals.inputs), "the claim's inputs");
    }
}

/// A list of rows stated in excess would be taken first, and is struck by its last entry.
#[test]
fn rows_in_excess_are_struck() {
    let (mut gathering, commitments, _) = gathered(20, 20, 1);
    let enrolment = gathering.enrolment().clone();
    let mut draft = commitments.draft(&enrolment);
    draft.rows += 1;
    let digest = list_digest(&enrolment, Kind::Commitments, &draft);
    let mut holders = enrolment.holders.to_vec();
    holders.dedup();
    let signatures = holders.iter().map(|holder| sign(*holder, digest)).collect();
    let input = Input::Post { kind: Kind::Commitments, draft, signatures };
    let other = enrolment.holders.iter().step_by(3).find(|holder| **holder != enrolment.holders[0]);
    let caller = key(*other.expect("one of twenty is another"));
    gathering.handle(OPEN_BLOCK + 1, caller, input).expect("it is signed");
    assert_eq!(gathering.taken(Kind::Commitments), Some(1));
    let strike = lie(&gathering, (Kind::Commitments, 1), &commitments, None).expect("it lies");
    assert!(matches!(strike, Input::StrikeEntry { .. }), "{strike:?}");
    gathering.handle(OPEN_BLOCK + 1, key(9), strike).expect("it is wrong");
    assert_eq!(gathering.taken(Kind::Commitments), Some(0));
    assert_eq!(gathering.spent_wei(), (0, BOUNTY_WEI, BOND_WEI - BOUNTY_WEI));
    assert_eq!(gathering.held_wei(), BOND_WEI);
}

/// Changes something in a list that no honest gatherer would.
fn changed(mut list: Listing, kind: Kind, at: (usize, usize, usize), bit: usize) -> Listing {
    let (part, index, word) = at;
    let flip = |hash: &mut Hash| hash.0[bit / 8 % 32] ^= 1 << (bit % 8);
    let count = list.entries.len();
    match (kind, part % 3) {
        (Kind::Reveals, 1) => {
            let rows = list.inputs.len() - 4;
            flip(&mut list.inputs[4 + index % rows]);
        }
        (Kind::Reveals, 2) => {
            let place = index % list.members.len();
            list.members[place] ^= 1 << (bit % 8);
            list.inputs[3] = tree::root(&super::roster::chunk_leaves(&list.members));
        }
        (Kind::Commitments, 1) if count > 1 => {
            list.entries.swap(index % count, (index + 1) % count)
        }
        (Kind::Commitments, 2) if count > 2 => {
            list.entries.remove(index % (count - 1));
        }
        // The name of an update's blob is nobody's word but its trainer's.
        (Kind::Reveals, _) => flip(&mut list.entries[index % count][word % 3]),
        _ => flip(&mut list.entries[index % count][word % 4]),
    }
    list
}

proptest! {
    #[test]
    fn longer_lists(seed: u64, leaves in 1_u32..600, more in 0_u32..90) {
        let leaf = |i: u32| Hash::of(&[&seed.to_le_bytes(), &i.to_le_bytes()]);
        let all: Vec<Hash> = (0..leaves + more).map(leaf).collect();
        let leaves = leaves as usize;
        let siblings = tree::siblings(&all[..leaves], leaves - 1);
        prop_assert_eq!(append(leaves, &siblings, &all[leaves - 1..]), Some(tree::root(&all)));
        if all.len() > 4 {
            let mut other = all.clone();
            other[3] = Hash([9; 32]);
            let head = [all[0], all[1], all[2], other[3]];
            let got = with_head(&head, all.len() as u64, &crown(&all));
            prop_assert_eq!(got, Some(tree::root(&other)));
        }
    }

    /// Whatever is changed in a list, there is one call that strikes it.
    #[test]
    fn every_lie_is_struck(
        (nodes, seats, seed) in (1_u32..40, 1_u32..80, any::<u64>()),
        at: (usize, usize, usize),
        bit: usize,
        of_reveals: bool,
    ) {
        let (mut gathering, commitments, reveals) = gathered(nodes, seats, seed);
        let kind = if of_reveals { Kind::Reveals } else { Kind::Commitments };
        let honest = if of_reveals { &reveals } else { &commitments };
        let liar = changed(honest.clone(), kind, at, bit);
        let mut fresh = Gathering::new(terms(), gathering.enrolment().clone());
        let judge = if of_reveals { &mut gathering } else { &mut fresh };
        match post(judge, kind, 0, &liar) {
            // A last entry of nobody with a seat may not even count.
            Err(Refusal::BadCount { .. }) => return Ok(()),
            posted => drop(posted.expect("holders sign anything here")),
        }
        let found = lie(judge, (kind, 0), &liar, Some(&commitments));
        if let Some(strike) = found {
            let now = terms().last_block(OPEN_BLOCK, kind, Stage::Strike);
            judge.handle(now, key(0), strike).expect("what is shown is wrong");
            prop_assert_eq!(judge.taken(kind), None);
        } else {
            prop_assert_eq!(&liar, honest, "a lie that nobody finds");
        }
    }

    /// What strangers send is read or refused, and never more than that.
    #[test]
    fn any_bytes_are_read(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        entries in 0_u32..6,
        rows in 0_u32..9,
    ) {
        let enrolment = enrolment(5, 5, 1);
        for kind in [Kind::Commitments, Kind::Reveals] {
            let blob = Hash(*blake3::hash(&bytes).as_bytes());
            let draft = super::Draft { entries, rows, blob, ..Default::default() };
            prop_assert_eq!(Listing::read(&enrolment, kind, &draft, &bytes), None);
        }
    }
}
