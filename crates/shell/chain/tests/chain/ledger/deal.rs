//! What to do next: mostly what moves a round on, often what must be refused, from a seed.
//!
//! Invariant: the same seed on the same contracts deals the same calls.

use alloy::{primitives::Bytes, signers::SignerSync};
use court::{Address, Opening};
use round::{Ledger, Phase, Seat, digest, ledger::Input};
use tensor::{Hash, tree};

use super::{
    random::Random,
    twin::{KEYS, PAYEES, account},
};
use crate::fixture::{header, key, program};

mod scores;

const TOKEN: u128 = 1_000_000_000_000_000_000;

/// A call with the signatures of a reveal, or blocks without one.
pub(crate) enum Move {
    Mine(u64),
    Call(u8, Input, Bytes),
}

/// What an aggregator may state; `pay` is the next one's base.
#[derive(Clone)]
struct Outputs {
    roots: Vec<Hash>,
    accepted: Vec<u8>,
    chunks: Vec<Vec<u8>>,
    pay: Vec<f64>,
}

pub(crate) struct Dealer {
    random: Random,
    accounts: Vec<Address>,
    stated: Vec<Outputs>,
    pay: Vec<f64>,
    bases: Vec<scores::Basis>,
    scored: Vec<scores::Scored>,
}

/// The header of the made-up Program with this hash.
fn program_header(hash: Hash) -> Option<Vec<u8>> {
    let found = (1..=32).find(|rows| program(*rows).0 == hash.0).map(header);
    found.or_else(|| scores::program_header(hash))
}

/// The update, the salt and the blob of a node in a round.
pub(crate) struct Secret {
    place: (u64, u32),
    pub(crate) update: Vec<u8>,
    root: Hash,
    pub(crate) salt: Hash,
    pub(crate) blob: Hash,
}

impl Secret {
    pub(crate) fn new(ledger: &Ledger, round: u64, node: u32) -> Self {
        let of = |what: &[u8]| Hash::of(&[what, &round.to_be_bytes(), &node.to_be_bytes()]);
        let length = 4 * usize::try_from(ledger.config().update_length).expect("a usize");
        let update: Vec<u8> = of(b"update").0.into_iter().cycle().take(length).collect();
        let root = round::aggregate::bytes_root(&update);
        Self { place: (round, node), update, root, salt: of(b"salt"), blob: of(b"blob") }
    }

    pub(crate) fn commitment(&self, ledger: &Ledger) -> Hash {
        digest::commitment(&ledger.config().domain, self.place, self.root, self.salt)
    }
}

impl Dealer {
    pub(crate) fn new(seed: u64, ledger: &Ledger) -> Self {
        let length = usize::try_from(ledger.config().cumulative_length).expect("a usize");
        Self {
            random: Random::new(seed),
            accounts: (0..KEYS).map(|n| account(key(n).address())).collect(),
            stated: Vec::new(),
            pay: vec![0.0; length],
            bases: Vec::new(),
            scored: Vec::new(),
        }
    }

    pub(crate) fn next(&mut self, ledger: &Ledger, head: u64) -> Move {
        if let Some(settled) = self.stated.iter().find(|o| o.roots[3] == ledger.rewards_root()) {
            self.pay.clone_from(&settled.pay);
        }
        if self.random.one_in(3)
            && let Some(ended) = self.end_dispute(ledger, head)
        {
            return ended;
        }
        if self.random.one_in(5) {
            return self.anything(ledger, head);
        }
        if ledger.next_score().is_some()
            && self.random.one_in(2)
            && let Some(move_on) = self.score(ledger, head)
        {
            return move_on;
        }
        match ledger.round(head + 1).phase {
            Phase::Idle => self.idle(ledger, head),
            Phase::Commit => self.commit(ledger, head),
            Phase::Reveal => self.reveal(ledger, head),
            Phase::Aggregate => self.aggregate(ledger, head),
        }
    }

    fn who(&mut self) -> u8 {
        u8::try_from(self.random.below(u64::from(KEYS))).expect("it is below a u8")
    }

    fn number_of(&self, ledger: &Ledger, index: u32) -> Option<u8> {
        let node = ledger.node(index)?;
        let place = self.accounts.iter().position(|account| *account == node.key)?;
        u8::try_from(place).ok()
    }

    /// Something else, by anybody, about a round that may not be the one that runs.
    fn anything(&mut self, ledger: &Ledger, head: u64) -> Move {
        let who = self.who();
        match self.random.below(10) {
            0 => self.stake(ledger, who),
            1 => Move::Call(who, Input::Open, Bytes::new()),
            2 => self.commit(ledger, head),
            3 => self.reveal(ledger, head),
            4 => self.post(ledger, head),
            5 => self.challenge(ledger, head),
            6 => self.settle(ledger, head),
            7 => Move::Call(who, Input::Poke, Bytes::new()),
            8 => Move::Call(who, Input::Draw, Bytes::new()),
            _ => self.claim(ledger),
        }
    }

    fn round(&mut self, ledger: &Ledger, head: u64) -> u64 {
        let number = ledger.round(head).number;
        match self.random.below(30) {
            0 => number + 1,
            1 => number.saturating_sub(1),
            _ => number,
        }
    }

    fn stake(&mut self, ledger: &Ledger, who: u8) -> Move {
        let own = ledger.view(0, self.accounts[usize::from(who)]).own;
        let left = own.and_then(|index| ledger.node(index)).is_some_and(|n| n.unbond_block != 0);
        if left && self.random.one_in(2) {
            return Move::Call(who, Input::Withdraw, Bytes::new());
        }
        let amount_wei = TOKEN * u128::from(self.random.below(7));
        let zero = self.random.one_in(12);
        let payee = if zero { Address::default() } else { account(key(PAYEES + who).address()) };
        let input = match self.random.below(10) {
            0..=3 => Input::Join { payee, amount_wei },
            4 | 5 => Input::AddStake { amount_wei },
            6 => Input::Leave,
            7 => Input::Withdraw,
            _ => Input::Fund { amount_wei: amount_wei / 2 },
        };
        Move::Call(who, input, Bytes::new())
    }

    fn idle(&mut self, ledger: &Ledger, head: u64) -> Move {
        let who = self.who();
        match self.random.below(8) {
            0 | 1 => self.stake(ledger, who),
            2 => self.claim(ledger),
            3 => Move::Mine(1 + self.random.below(9)),
            _ if ledger.view(head + 1, Address::default()).openable => {
                Move::Call(who, Input::Open, Bytes::new())
            }
            _ => self.stake(ledger, who),
        }
    }

    fn commit(&mut self, ledger: &Ledger, head: u64) -> Move {
        let seats = ledger.round(head + 1).seats;
        let quorum = usize::try_from(ledger.config().quorum).expect("a usize");
        let committed = seats.iter().filter(|seat| seat.commitment != Hash::ZERO).count();
        if self.random.one_in(if committed < quorum { 12 } else { 3 }) {
            return Move::Mine(1 + self.random.below(6));
        }
        let round = self.round(ledger, head);
        let open = seats.iter().find(|seat| seat.commitment == Hash::ZERO).map(|seat| seat.index);
        let seated = open.filter(|_| !self.random.one_in(6));
        let who = seated.and_then(|index| self.number_of(ledger, index));
        let who = who.unwrap_or_else(|| self.who());
        let node = ledger.view(head, self.accounts[usize::from(who)]).own.unwrap_or(9);
        let secret = Secret::new(ledger, round, node);
        let mut commitment = secret.commitment(ledger);
        match self.random.below(16) {
            0 => commitment = Hash::ZERO,
            1 => commitment = secret.root,
            _ => {}
        }
        Move::Call(who, Input::Commit { round, commitment }, Bytes::new())
    }

    fn reveal(&mut self, ledger: &Ledger, head: u64) -> Move {
        if self.random.one_in(8) {
            return Move::Mine(1 + self.random.below(7));
        }
        let round = self.round(ledger, head);
        let seats = ledger.round(head).seats;
        let idle = self.random.one_in(6);
        let hidden = |seat: &&Seat| (seat.commitment == Hash::ZERO) == idle && !seat.revealed;
        let open = seats.iter().find(hidden).map(|seat| seat.index);
        let seated = open.filter(|_| !self.random.one_in(6));
        let who = seated.and_then(|index| self.number_of(ledger, index));
        let who = who.unwrap_or_else(|| self.who());
        let node = ledger.view(head, self.accounts[usize::from(who)]).own.unwrap_or(9);
        let Secret { mut update, mut root, salt, blob, .. } = Secret::new(ledger, round, node);
        if self.random.one_in(2) {
            let (signers, signatures) = self.certificate(ledger, (round, node), (root, blob));
            if self.random.one_in(20) {
                root = salt;
            }
            let input = Input::Reveal { round, update_root: root, salt, blob, signers };
            return Move::Call(who, input, signatures);
        }
        match self.random.below(12) {
            0 => update.truncate(5),
            1 => update[0] ^= 1,
            _ => {}
        }
        Move::Call(who, Input::RevealWithData { round, salt, blob, update }, Bytes::new())
    }

    /// Signatures of all other seats, or of too few, or of them and something that is none.
    fn certificate(
        &mut self,
        ledger: &Ledger,
        place: (u64, u32),
        (root, blob): (Hash, Hash),
    ) -> (Vec<Option<u32>>, Bytes) {
        let digest = digest::availability(&ledger.config().domain, place, root, blob);
        let sign = |n: u8, digest: Hash| {
            let signed = key(n).sign_message_sync(&digest.0);
            signed.expect("a local key signs").as_bytes().to_vec()
        };
        let seats = ledger.round(0).seats;
        let others = seats.iter().map(|seat| seat.index).filter(|index| *index != place.1);
        let mut signed: Vec<(Option<u32>, Vec<u8>)> = Vec::new();
        for index in others {
            let who = self.number_of(ledger, index).expect("every node has one of the keys");
            signed.push((Some(index), sign(who, digest)));
        }
        match self.random.below(16) {
            0 => signed.truncate(1),
            1 => signed.clear(),
            2 => signed.reverse(),
            3 => signed.extend(signed.last().cloned()),
            4 => signed.push((None, sign(77, digest))),
            5 => signed.push((None, sign(1, blob))),
            6 => signed.push((None, vec![0; 65])),
            7 => signed.push((None, vec![7; 13])),
            8 => {
                let own = ledger.round(0).seats.iter().any(|seat| seat.index == place.1);
                let who = self.number_of(ledger, place.1).unwrap_or(0);
                signed.insert(0, (own.then_some(place.1), sign(who, digest)));
            }
            _ => {}
        }
        let signers = signed.iter().map(|(signer, _)| *signer).collect();
        (signers, signed.into_iter().flat_map(|(_, bytes)| bytes).collect())
    }

    fn aggregate(&mut self, ledger: &Ledger, head: u64) -> Move {
        let round = ledger.round(head + 1);
        if ledger.aggregator(head + 1).is_err() {
            return Move::Mine(1);
        }
        if round.claim == 0 {
            return if self.random.one_in(6) { Move::Mine(2) } else { self.post(ledger, head) };
        }
        match self.random.below(8) {
            0 | 1 => self.challenge(ledger, head),
            2 => Move::Mine(1 + self.random.below(4)),
            3 => self.post(ledger, head),
            _ => self.settle(ledger, head),
        }
    }

    fn post(&mut self, ledger: &Ledger, head: u64) -> Move {
        let round = self.round(ledger, head);
        let elected = ledger.aggregator(head + 1).ok().filter(|_| !self.random.one_in(5));
        let who = elected.and_then(|index| self.number_of(ledger, index));
        let who = who.unwrap_or_else(|| self.who());
        let outputs = self.outputs(round);
        let outputs_root = tree::root(&outputs.roots);
        self.stated.push(outputs);
        Move::Call(who, Input::PostResult { round, outputs_root }, Bytes::new())
    }

    fn challenge(&mut self, ledger: &Ledger, head: u64) -> Move {
        let mut claim = ledger.round(head).claim;
        if claim == 0 || self.random.one_in(4) {
            claim = self.random.below(5);
        }
        let same = ledger.claim(claim).map(|claim| claim.outputs_root);
        let same = same.filter(|_| self.random.one_in(5));
        let outputs_root = same.unwrap_or(Hash([3; 32]));
        let header = ledger.claim(claim).map(|claim| claim.program);
        let header = header.and_then(program_header).unwrap_or_default();
        let input = match self.random.below(4) {
            0 => court::Input::Finalise { id: claim },
            _ => court::Input::Challenge { id: claim, outputs_root, header },
        };
        Move::Call(self.who(), Input::Court(input), Bytes::new())
    }

    /// Ends a dispute: by the clock, whether or not it has run out, or after its claim fell.
    fn end_dispute(&mut self, ledger: &Ledger, head: u64) -> Option<Move> {
        let disputes: Vec<_> = ledger.court().disputes().collect();
        let count = u64::try_from(disputes.len()).expect("few");
        if count == 0 {
            return None;
        }
        let (dispute, record) = disputes[usize::try_from(self.random.below(count)).expect("few")];
        let fallen = ledger.claim(record.claim).is_some_and(|claim| claim.state.has_fallen());
        let (left, used) = record.clock(head + 1);
        if !fallen && used <= left && !self.random.one_in(3) {
            // A second challenger, as long as there may be one.
            let second = self.random.one_in(2);
            let wait = Move::Mine(1 + left - used);
            return Some(if second { self.challenge(ledger, head) } else { wait });
        }
        let mut record = Box::new(record.clone());
        if self.random.one_in(8) {
            record.moves += 1;
        }
        let input = if fallen != self.random.one_in(4) {
            court::Input::Close { dispute, record }
        } else {
            court::Input::Timeout { dispute, record }
        };
        Some(Move::Call(self.who(), Input::Court(input), Bytes::new()))
    }

    fn settle(&mut self, ledger: &Ledger, head: u64) -> Move {
        let round = self.round(ledger, head);
        let claim = ledger.claim(ledger.round(head + 1).claim);
        let root = claim.map(|claim| claim.outputs_root);
        let early = claim.is_some_and(|claim| head < claim.deadline);
        if early && !self.random.one_in(4) {
            return Move::Mine(1);
        }
        let stated = self.stated.iter().find(|o| Some(tree::root(&o.roots)) == root).cloned();
        let mut outputs = stated.unwrap_or_else(|| self.outputs(round));
        self.keep_basis(ledger, head, &outputs.roots);
        match self.random.below(12) {
            0 => outputs.roots.truncate(3),
            1 => outputs.roots[0] = Hash::ZERO,
            2 => outputs.accepted.truncate(127),
            3 => outputs.accepted[5] ^= 1,
            _ => {}
        }
        let (output_roots, accepted_chunk) = (outputs.roots, outputs.accepted);
        let input = Input::Settle { round, output_roots, accepted_chunk };
        Move::Call(self.who(), input, Bytes::new())
    }

    fn claim(&mut self, ledger: &Ledger) -> Move {
        let length = u64::from(ledger.config().cumulative_length);
        let range = if self.random.one_in(6) { length + 2 } else { 5 };
        let node = u32::try_from(self.random.below(range)).expect("it is small");
        let paid = self.stated.iter().find(|o| o.roots[3] == ledger.rewards_root()).cloned();
        let paid = paid.unwrap_or_else(|| self.outputs(0));
        let leaves: Vec<_> = paid.chunks.iter().map(|chunk| tree::leaf(chunk)).collect();
        let at = (usize::try_from(node).expect("a usize") / 32).min(leaves.len() - 1);
        let siblings = tree::siblings(&leaves, at);
        let mut opening = Opening { chunk: paid.chunks[at].clone(), siblings };
        match self.random.below(16) {
            0 => opening.chunk[3] ^= 1,
            1 => opening.chunk.truncate(255),
            2 => opening.siblings.push(Hash::ZERO),
            3 => drop(opening.siblings.pop()),
            4 if !opening.siblings.is_empty() => opening.siblings[0] = Hash([1; 32]),
            _ => {}
        }
        Move::Call(self.who(), Input::Claim { node, opening }, Bytes::new())
    }

    /// Outputs with a little more pay for the first nodes, and here and there an element that is no
    /// amount, more than there is, nobody's or after the last.
    fn outputs(&mut self, round: u64) -> Outputs {
        let mut pay = self.pay.clone();
        for element in pay.iter_mut().take(4) {
            *element += f64::from(u32::try_from(self.random.below(400_000_000)).expect("it is"));
        }
        let mut elements = pay.clone();
        elements.resize(pay.len().div_ceil(32) * 32, 0.0);
        let odd = [-1.0, 0.5, -0.0, f64::NAN, f64::INFINITY, 9.223_372_036_854_776e18];
        match self.random.below(5) {
            0 | 1 => elements[self.random.index(4)] = odd[self.random.index(odd.len())],
            2 => elements[4] = 7.0,
            3 => *elements.last_mut().expect("a chunk") = 7.0,
            _ => {}
        }
        let bytes: Vec<u8> = elements.iter().flat_map(|element| element.to_le_bytes()).collect();
        let chunks: Vec<_> = bytes.chunks(256).map(<[u8]>::to_vec).collect();
        let leaves: Vec<_> = chunks.iter().map(|chunk| tree::leaf(chunk)).collect();
        let mut accepted = vec![0; 128];
        for row in 0..5 {
            accepted[4 * row] = u8::from(!self.random.one_in(4));
        }
        let model =
            Hash::of(&[b"model", &round.to_be_bytes(), &self.random.below(99).to_be_bytes()]);
        let roots = vec![model, tree::leaf(&accepted), Hash([6; 32]), tree::root(&leaves)];
        Outputs { roots, accepted, chunks, pay }
    }
}
