//! Posting lists, striking them, and adding who was left out: the calls of `Gathering`.

use court::Address;
use tensor::{Hash, tree};

use super::{
    Draft, Entry, Event, FORCED, Forced, Gathering, HOLDERS, INPUTS, Input, Kind, List, Refusal,
    Reveal, SIGNERS, STRIDE, Signature, Stage,
    append::with_head,
    availability_digest, commitment_digest,
    entry::{Place, climb, is_stray, require_left_out, sibling_count, signature},
    list_digest, roster,
};
use crate::chain::Block;

impl Gathering {
    pub(super) fn post(
        &mut self,
        (now, caller): (Block, Address),
        kind: Kind,
        draft: &Draft,
        signatures: &[Signature],
    ) -> Result<Event, Refusal> {
        self.require_stage(now, kind, Stage::Gather)?;
        let node = self.gatherer(caller)?;
        if self.lists(kind).iter().any(|list| list.gatherer == node) {
            return Err(Refusal::AlreadyPosted { node });
        }
        let (entries, rows) = (draft.entries, draft.rows);
        if entries == 0 || rows < entries {
            return Err(Refusal::BadCount { entries, rows });
        }
        self.check_certificate(list_digest(&self.enrolment, kind, draft), signatures)?;
        let mut list = List {
            gatherer: node,
            entries,
            rows,
            bond_held: true,
            root: draft.root,
            ..List::default()
        };
        if kind == Kind::Reveals {
            list.members_root = draft.members_root;
            let head = self.enrolment.head(draft.members_root);
            list.inputs_root = headed(&head, INPUTS + u64::from(rows), &draft.crown)?;
        }
        let id = self.lists(kind).len();
        self.lists[kind as usize].push(list);
        Ok(Event::Posted { kind, id, gatherer: node })
    }

    pub(super) fn strike(
        &mut self,
        (now, striker): (Block, Address),
        strike: &Input,
    ) -> Result<Event, Refusal> {
        let (kind, id) = match strike {
            Input::StrikeEntry { kind, id, .. } | Input::StrikeOrder { kind, id, .. } => {
                (*kind, *id)
            }
            Input::StrikeCommitment { id, .. }
            | Input::StrikeRow { id, .. }
            | Input::StrikeMember { id, .. } => (Kind::Reveals, *id),
            _ => unreachable!("every other call is made elsewhere"),
        };
        let list = *self.lists(kind).get(id).ok_or(Refusal::UnknownList { id })?;
        if list.struck {
            return Err(Refusal::AlreadyStruck { id });
        }
        let got = self.stage(now, kind);
        if got > Stage::Strike {
            return Err(Refusal::WrongStage { expected: Stage::Strike, got });
        }
        if self.holds(&list, strike)? {
            return Err(Refusal::Holds { id });
        }
        let struck = &mut self.lists[kind as usize][id];
        (struck.struck, struck.bond_held) = (true, false);
        self.bounties_wei += self.terms.bounty_wei;
        self.burnt_wei += self.terms.bond_wei - self.terms.bounty_wei;
        Ok(Event::Struck { kind, id, striker })
    }

    /// Whether what a strike shows of a list is as it must be.
    fn holds(&self, list: &List, strike: &Input) -> Result<bool, Refusal> {
        match strike {
            Input::StrikeEntry { kind, entry, .. } => {
                entry.open(list)?;
                Ok(self.entry_holds(*kind, list, (entry.index, &entry.words)))
            }
            Input::StrikeOrder { entry, next, .. } => {
                let first = entry.open(list)?;
                if entry.index + 1 != next.index {
                    return Err(Refusal::NotConcerned { index: next.index });
                }
                Ok(self.order_holds(first, next.open(list)?))
            }
            Input::StrikeCommitment { entry, commitment, .. } => {
                let place = entry.open(list)?;
                let commitments = self.taken_list(Kind::Commitments);
                // Of an entry that the list does not have there is nothing to show.
                if place.from == FORCED || place.from >= commitments.entries {
                    return Ok(self.commitment_holds(&entry.words, None));
                }
                if commitment.index != u64::from(place.from) {
                    return Err(Refusal::NotConcerned { index: commitment.index });
                }
                commitment.open(&commitments)?;
                Ok(self.commitment_holds(&entry.words, Some(&commitment.words)))
            }
            Input::StrikeRow { entry, row, update_root, siblings, .. } => {
                self.require_row(list, entry, *row)?;
                let place = (INPUTS + row, INPUTS + u64::from(list.rows));
                climb(*update_root, place, siblings, list.inputs_root)?;
                Ok(*update_root == entry.words[1])
            }
            Input::StrikeMember { entry, row, chunk, siblings, .. } => {
                let within = *row < u64::from(list.rows);
                let expected = if within { self.require_row(list, entry, *row)? } else { 0 };
                Ok(roster::member(list, *row, chunk, siblings)? == expected)
            }
            _ => unreachable!("every other call is made elsewhere"),
        }
    }

    /// Whether an entry, which stands at `index`, is right by itself.
    pub(super) fn entry_holds(
        &self,
        kind: Kind,
        list: &List,
        (index, words): (u64, &[Hash; 4]),
    ) -> bool {
        let place = Place::of(words);
        let rows = self.enrolment.rows_of(place.node);
        let end = u64::from(place.before) + u64::from(rows);
        let last = index + 1 == u64::from(list.entries);
        let holds = rows > 0
            && !is_stray(words, kind)
            && (index > 0 || place.before == 0)
            && (!last || end == u64::from(list.rows));
        if kind == Kind::Reveals || !holds {
            return holds;
        }
        let digest = commitment_digest(&self.enrolment, place.node, words[1]);
        let signer = self.enrolment.signer(digest, &signature(words));
        words[1] != Hash::ZERO && signer == Some(place.node)
    }

    /// Whether an entry follows another.
    pub(super) fn order_holds(&self, first: Place, second: Place) -> bool {
        let end = u64::from(first.before) + u64::from(self.enrolment.rows_of(first.node));
        first.node < second.node && end == u64::from(second.before)
    }

    /// Whether a reveal opens its commitment, which is shown unless it was forced.
    pub(super) fn commitment_holds(
        &self,
        words: &[Hash; 4],
        commitment: Option<&[Hash; 4]>,
    ) -> bool {
        let place = Place::of(words);
        let opened = self.enrolment.commitment(place.node, words[1], words[2]);
        match commitment {
            Some(shown) => Place::of(shown).node == place.node && shown[1] == opened,
            None => place.from == FORCED && self.forced_commitment(place.node) == Some(opened),
        }
    }

    /// Requires that the entry is about the row; returns its node.
    fn require_row(&self, list: &List, entry: &Entry, row: u64) -> Result<u32, Refusal> {
        let place = entry.open(list)?;
        let before = u64::from(place.before);
        let end = before + u64::from(self.enrolment.rows_of(place.node));
        let within = (before..end.min(u64::from(list.rows))).contains(&row);
        if within { Ok(place.node) } else { Err(Refusal::NotConcerned { index: row }) }
    }

    pub(super) fn force_commitment(
        &mut self,
        (now, caller): (Block, Address),
        commitment: Hash,
        beside: &[Entry],
    ) -> Result<Event, Refusal> {
        self.require_stage(now, Kind::Commitments, Stage::Force)?;
        let (node, rows) = self.seat_of(caller)?;
        if commitment == Hash::ZERO {
            return Err(Refusal::ZeroCommitment { node });
        }
        if self.commitments.contains_key(&node) {
            return Err(Refusal::AlreadyForced { node });
        }
        self.require_left_out(Kind::Commitments, node, beside)?;
        self.commitments.insert(node, commitment);
        self.forced_rows[Kind::Commitments as usize] += rows;
        Ok(Event::CommitmentForced { node })
    }

    pub(super) fn force_reveal(
        &mut self,
        (now, caller): (Block, Address),
        reveal: &Reveal,
        commitment: &Entry,
        beside: &[Entry],
    ) -> Result<Event, Refusal> {
        self.require_stage(now, Kind::Reveals, Stage::Force)?;
        let (node, rows) = self.seat_of(caller)?;
        if self.forced.iter().any(|forced| forced.node == node) {
            return Err(Refusal::AlreadyForced { node });
        }
        let expected = self.commitment_of(node, commitment)?;
        let got = self.enrolment.commitment(node, reveal.update_root, reveal.salt);
        if got != expected {
            return Err(Refusal::CommitmentMismatch { expected, got });
        }
        self.require_left_out(Kind::Reveals, node, beside)?;
        self.check_held(node, reveal)?;
        self.forced.push(Forced { node, rows, update_root: reveal.update_root });
        self.forced_rows[Kind::Reveals as usize] += rows;
        Ok(Event::RevealForced { node, rows })
    }

    pub(super) fn release(&mut self, now: Block, kind: Kind, id: usize) -> Result<Event, Refusal> {
        let list = *self.lists(kind).get(id).ok_or(Refusal::UnknownList { id })?;
        let got = self.stage(now, kind);
        if got <= Stage::Strike {
            return Err(Refusal::WrongStage { expected: Stage::Force, got });
        }
        if !list.bond_held {
            return Err(Refusal::NothingToRelease { id });
        }
        self.lists[kind as usize][id].bond_held = false;
        self.returned_wei += self.terms.bond_wei;
        Ok(Event::Released { kind, id })
    }

    /// The commitment that counts for a node, forced or shown.
    fn commitment_of(&self, node: u32, entry: &Entry) -> Result<Hash, Refusal> {
        if let Some(forced) = self.forced_commitment(node) {
            return Ok(forced);
        }
        let taken = self.taken(Kind::Commitments).ok_or(Refusal::NotLeftOut { node })?;
        let shown = entry.open(&self.lists(Kind::Commitments)[taken])?.node;
        if shown != node {
            return Err(Refusal::NotConcerned { index: entry.index });
        }
        Ok(entry.words[1])
    }

    fn require_left_out(&self, kind: Kind, node: u32, beside: &[Entry]) -> Result<(), Refusal> {
        let Some(taken) = self.taken(kind) else { return Ok(()) };
        require_left_out(node, beside, &self.lists(kind)[taken])
    }

    fn check_held(&self, node: u32, reveal: &Reveal) -> Result<(), Refusal> {
        if reveal.update.is_empty() {
            let digest =
                availability_digest(&self.enrolment, node, reveal.update_root, reveal.blob);
            return self.check_certificate(digest, &reveal.signatures);
        }
        let (got, expected) = (reveal.update.len(), self.enrolment.update_bytes);
        if got != expected {
            return Err(Refusal::UpdateLength { got, expected });
        }
        let got = crate::jobs::tensor_root(&reveal.update, 128);
        let expected = reveal.update_root;
        if got == expected { Ok(()) } else { Err(Refusal::Mismatch { expected, got }) }
    }

    fn gatherer(&self, sender: Address) -> Result<u32, Refusal> {
        let node = self.enrolment.keys.get(&sender).copied();
        let drawn =
            |node: &u32| self.enrolment.holders.iter().step_by(STRIDE).any(|own| own == node);
        node.filter(drawn).ok_or(Refusal::NotGatherer { sender })
    }

    fn check_certificate(&self, digest: Hash, signatures: &[Signature]) -> Result<(), Refusal> {
        let holders = &self.enrolment.holders;
        let (mut got, mut lot) = (0, 0);
        for (signature, bytes) in signatures.iter().enumerate() {
            let signer = self.enrolment.signer(digest, bytes);
            let node = signer.ok_or(Refusal::BadCertificate { signature })?;
            lot += holders[lot..].iter().take_while(|holder| **holder < node).count();
            let own = holders[lot..].iter().take_while(|holder| **holder == node).count();
            if own == 0 {
                return Err(Refusal::BadCertificate { signature });
            }
            (got, lot) = (got + own, lot + own);
        }
        debug_assert!(lot <= HOLDERS, "each lot is passed once");
        if got >= SIGNERS {
            Ok(())
        } else {
            Err(Refusal::CertificateTooLight { got, needed: SIGNERS })
        }
    }
}

/// As [`with_head`], with the contract's refusal.
pub(super) fn headed(head: &[Hash; 4], leaves: u64, crown: &[Hash]) -> Result<Hash, Refusal> {
    let refusal = || sibling_count((0, leaves), crown, tree::QUAD as u64 - 1);
    with_head(head, leaves, crown).ok_or_else(refusal)
}
