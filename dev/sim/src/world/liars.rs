//! What liars send besides what their machines ask for.
//!
//! Absent: liars' luck. Each of these calls has to be refused, or to change nothing that matters;
//! [`crate::Checkers`] would see it if one did.

use court::advocate::next_move;
use court::{Dispute, Move};
use round::machine::Tx;
use round::{Phase, View, ledger};
use tensor::Hash;

use super::World;
use crate::behaviour::Behaviour;
use crate::rng::Rng;
use crate::sabotage::Sabotage;

impl World {
    /// Sends what a liar has to say at a look at the chain.
    pub(super) fn lie(&mut self, from: usize, view: &View) {
        let input = match self.nodes[from].behaviour {
            Behaviour::Spam => Some(self.spam(view)),
            Behaviour::Copycat => self.copy(view),
            Behaviour::Thief => self.steal(from, view),
            _ => None,
        };
        if let Some(input) = input {
            self.submit(from, input);
        }
    }

    /// A second commitment, and calls that are out of place.
    fn spam(&mut self, view: &View) -> ledger::Input {
        let (round, salt, root) = (view.round.number, self.rng.hash(), self.rng.hash());
        let claim = view.round.claim;
        let accepted_chunk = vec![0; 128];
        let output_roots = vec![root, tensor::tree::leaf(&accepted_chunk), root, root];
        let record = self.ledger.court().disputes().next();
        let record = record.map(|(dispute, record)| (dispute, Box::new(record.clone())));
        match (view.round.phase, self.rng.index(9), record) {
            (Phase::Commit, 0, _) => ledger::Input::Commit { round, commitment: root },
            (_, 0, _) => ledger::Input::RevealWithData {
                round,
                salt,
                blob: root,
                update: vec![0; 4 * self.options.dimension],
            },
            (_, 1, _) => ledger::Input::PostResult { round, outputs_root: root },
            (_, 2, _) => ledger::Input::Settle { round, output_roots, accepted_chunk },
            (_, 3, _) => ledger::Input::Withdraw,
            (_, 4, _) => ledger::Input::Court(court::Input::Finalise { id: claim }),
            (_, 5, _) => ledger::Input::Court(court::Input::Void { id: claim, parent: claim }),
            (_, 6, Some((dispute, record))) => {
                ledger::Input::Court(court::Input::Timeout { dispute, record })
            }
            (_, 7, Some((dispute, record))) => {
                ledger::Input::Court(match self.made_for(dispute, &record) {
                    Some(made) => court::Input::Move { dispute, record, made },
                    None => court::Input::Close { dispute, record },
                })
            }
            (_, 8, _) => ledger::Input::Court(court::Input::Challenge {
                id: claim,
                outputs_root: root,
                header: root.0.to_vec(),
            }),
            _ => ledger::Input::Poke,
        }
    }

    /// The move that is due in a dispute of others, and right, as far as anybody has argued it.
    fn made_for(&mut self, dispute: u64, record: &Dispute) -> Option<Move> {
        let claim = self.ledger.claim(record.claim).filter(|claim| !claim.state.has_fallen())?;
        let witness = self.witnesses.get_mut(&(claim.inputs_root, None))?;
        next_move(record, self.revealed.entry(dispute).or_default(), witness)
    }

    /// Another's update under the own name, once it is there to be read.
    fn copy(&mut self, view: &View) -> Option<ledger::Input> {
        let round = view.round.number;
        let seat = view.round.members().next().filter(|_| view.round.phase == Phase::Reveal)?;
        let update = self.data.get(&(round, seat.index)).cloned();
        let update = update.or_else(|| self.blobs.get(&seat.blob).map(|kept| kept.1.to_vec()))?;
        let (salt, blob) = (seat.salt, seat.blob);
        Some(ledger::Input::RevealWithData { round, salt, blob, update })
    }

    /// A claim of more pay than the tensor says, with an opening that does not show it.
    fn steal(&mut self, from: usize, view: &View) -> Option<ledger::Input> {
        let node = view.own?;
        let root = self.ledger.rewards_root();
        let paid = self.nodes[from].disk.tensors.get(&root)?;
        let chunk = node as usize / tensor::tree::CHUNK_ELEMENTS;
        let mut opening = court::opening::open(paid, chunk).ok()?;
        let at = 8 * (node as usize % tensor::tree::CHUNK_ELEMENTS);
        let whole = f64::from(1_u32 << self.rng.between(10, 31));
        opening.chunk[at..at + 8].copy_from_slice(&whole.to_le_bytes());
        Some(ledger::Input::Claim { node, opening })
    }

    /// What a liar sends in place of what its machine asks for; nothing where it keeps silent.
    pub(super) fn twist(&self, from: usize, tx: Tx) -> Option<Tx> {
        let honest = self.nodes[from].behaviour == Behaviour::Honest;
        match (self.sabotage, &tx) {
            (Some(Sabotage::NoSettling), Tx::Settle { .. }) => return None,
            (Some(Sabotage::NoChallenge), Tx::Challenge { .. })
            | (Some(Sabotage::NoReveal), Tx::Reveal { .. } | Tx::RevealWithData { .. })
                if honest =>
            {
                return None;
            }
            _ => {}
        }
        match (self.nodes[from].behaviour, tx) {
            (
                Behaviour::NoReveal | Behaviour::HitAndRun,
                Tx::Reveal { .. } | Tx::RevealWithData { .. },
            )
            | (Behaviour::SilentAggregator | Behaviour::FalseAlarm, Tx::PostResult { .. })
            | (Behaviour::WrongResult | Behaviour::Bluff, Tx::Challenge { .. })
            | (Behaviour::Withhold, Tx::Settle { .. }) => None,
            (Behaviour::Copycat, Tx::Commit { round, commitment }) => {
                let seats = self.ledger.round(self.block).seats;
                let mut others = seats.iter().map(|seat| seat.commitment);
                let other = others.find(|other| *other != Hash::ZERO);
                Some(Tx::Commit { round, commitment: other.unwrap_or(commitment) })
            }
            (_, tx) => Some(tx),
        }
    }

    /// Whether a node's arithmetic is off without its knowing.
    pub(super) fn is_off(&self, node: usize) -> bool {
        let first = self.nodes.iter().position(|node| node.behaviour == Behaviour::Honest);
        self.sabotage == Some(Sabotage::WrongBits) && first == Some(node)
    }

    /// The other update that an equivocator names to every second peer.
    pub(super) fn other_update(bytes: &[u8]) -> (Hash, Hash, Vec<u8>) {
        let mut bytes = bytes.to_vec();
        bytes[0] ^= 1;
        let blob = Hash(*blake3::hash(&bytes).as_bytes());
        (round::aggregate::bytes_root(&bytes), blob, bytes)
    }
}

/// A certificate that is none: too few signers, one twice, in the wrong order, or nobody's.
pub(super) fn garbage(rng: &mut Rng, own: u32, signers: Vec<Option<u32>>) -> Vec<Option<u32>> {
    let mut signers = signers;
    match rng.index(5) {
        0 => signers.truncate(1),
        1 => {
            let first = signers.first().copied().flatten();
            let count = signers.len();
            signers = vec![first; count];
        }
        2 => signers.reverse(),
        3 => signers = vec![Some(own); signers.len().max(1)],
        _ => {
            let place = rng.index(signers.len().max(1));
            signers.insert(place, None);
        }
    }
    signers
}
