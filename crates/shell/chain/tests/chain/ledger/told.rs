//! Refusals and events of the ledger in the contracts' words.
//!
//! Exhaustive on purpose: a new variant does not compile until somebody says what the contracts
//! call it.

use std::fmt::Display;

use chain::abi::Named;
use court::Fault;
use round::ledger::{Event, Refusal};

/// An error's name with its arguments as text; an argument that the ledger does not know is `None`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) name: &'static str,
    arguments: Vec<Option<String>>,
}

impl Told {
    /// Returns whether the contract said the same.
    pub(crate) fn agrees(&self, error: &Named) -> bool {
        // Padding that is not zero is a fault of its own in Rust, and leads elsewhere in a
        // contract.
        if self.name == "ProofMismatch" {
            return error.name == self.name;
        }
        let same = |(own, field): (&Option<String>, &chain::abi::Field)| {
            own.as_ref().is_none_or(|own| *own == field.value.to_lowercase())
        };
        self.name == error.name
            && self.arguments.len() == error.fields.len()
            && self.arguments.iter().zip(&error.fields).all(same)
    }
}

pub(crate) fn told(name: &'static str, arguments: &[&dyn Display]) -> Told {
    let arguments = arguments.iter().map(|value| Some(value.to_string())).collect();
    Told { name, arguments }
}

pub(crate) fn refusal(refusal: &Refusal) -> Told {
    match refusal {
        Refusal::BadConfig(_) => told("BadConfig", &[]),
        Refusal::InsufficientBalance { got_wei, needed_wei, .. } => Told {
            name: "ERC20InsufficientBalance",
            arguments: vec![None, Some(got_wei.to_string()), Some(needed_wei.to_string())],
        },
        Refusal::InvalidReceiver { account } => told("ERC20InvalidReceiver", &[account]),
        Refusal::Court(refusal) => of_court(refusal),
        Refusal::OnlyConsumer => told("OnlyConsumer", &[]),
        Refusal::StakeTooSmall { got_wei, minimum_wei } => {
            told("StakeTooSmall", &[got_wei, minimum_wei])
        }
        Refusal::AlreadyJoined { key } => told("AlreadyJoined", &[key]),
        Refusal::NotJoined { key } => told("NotJoined", &[key]),
        Refusal::AlreadyLeaving { index } => told("AlreadyLeaving", &[index]),
        Refusal::NotYetUnbonded { unbond_block } => told("NotYetUnbonded", &[unbond_block]),
        Refusal::ZeroPayee => told("ZeroPayee", &[]),
        Refusal::WrongPhase { expected, got } => {
            told("WrongPhase", &[&(*expected as u8), &(*got as u8)])
        }
        Refusal::WrongRound { expected, got } => told("WrongRound", &[expected, got]),
        Refusal::NodesMissing { got, needed } => told("NodesMissing", &[got, needed]),
        Refusal::Unfunded { got_wei, needed_wei } => told("Unfunded", &[got_wei, needed_wei]),
        Refusal::NotSeated { key } => told("NotSeated", &[key]),
        Refusal::AlreadyCommitted { node } => told("AlreadyCommitted", &[node]),
        Refusal::ZeroCommitment { node } => told("ZeroCommitment", &[node]),
        Refusal::NotCommitted { node } => told("NotCommitted", &[node]),
        Refusal::AlreadyRevealed { node } => told("AlreadyRevealed", &[node]),
        Refusal::CommitmentMismatch { expected, got } => {
            told("CommitmentMismatch", &[expected, got])
        }
        Refusal::BadCertificate { signature } => told("BadCertificate", &[signature]),
        Refusal::CertificateTooLight { got_wei, needed_wei } => {
            told("CertificateTooLight", &[got_wei, needed_wei])
        }
        Refusal::UpdateLength { got, expected } => told("UpdateLength", &[got, expected]),
        Refusal::SeedPending { block } => told("SeedPending", &[block]),
        Refusal::NotAggregator { expected, got } => told("NotAggregator", &[expected, got]),
        Refusal::ClaimPending { claim } => told("ClaimPending", &[claim]),
        Refusal::ClaimNotFinal { claim } => told("ClaimNotFinal", &[claim]),
        Refusal::OutputCount { got, expected } => told("OutputCount", &[got, expected]),
        Refusal::OutputsMismatch { expected, got } => told("OutputsMismatch", &[expected, got]),
        Refusal::ChunkLength { got, expected } => told("ChunkLength", &[got, expected]),
        Refusal::AcceptedMismatch { expected, got } => told("AcceptedMismatch", &[expected, got]),
        Refusal::BadTerms { field } => told("BadTerms", &[field]),
        Refusal::NotWaiting { round } => told("NotWaiting", &[round]),
        Refusal::WindowShut { round } => told("WindowShut", &[round]),
        Refusal::ScoreWindowOpen { round } => told("WindowOpen", &[round]),
        Refusal::NoRows { key } => told("NoRows", &[key]),
        Refusal::AlreadyPosted { node } => told("AlreadyPosted", &[node]),
        Refusal::WindowLength { got, expected } => told("WindowLength", &[got, expected]),
        Refusal::NotNext { next, round } => told("NotNext", &[next, round]),
        Refusal::EmptyTree => told("EmptyTree", &[]),
        Refusal::BasisMismatch { expected, got } => told("BasisMismatch", &[expected, got]),
        Refusal::GroundMismatch { expected, got } => told("GroundMismatch", &[expected, got]),
        Refusal::NotYourTurn { expected, got } => told("NotYourTurn", &[expected, got]),
        Refusal::ChunkMismatch { expected, got } => told("ChunkMismatch", &[expected, got]),
        Refusal::ProofMismatch { fault, .. } => match fault {
            Fault::ChunkLength { got, expected } => told("ChunkLength", &[got, expected]),
            Fault::SiblingCount { got, expected } => told("SiblingCount", &[got, expected]),
            _ => told("ProofMismatch", &[]),
        },
        Refusal::NothingDue { node } => told("NothingDue", &[node]),
        Refusal::NotAnAmount { bits } => told("NotAnAmount", &[bits]),
        Refusal::OutOfRange { node } => told("OutOfRange", &[node]),
    }
}

fn of_court(refusal: &court::Refusal) -> Told {
    use court::Refusal::{
        ClockRuns, NotOpen, NotTheRecord, OwnClaim, ParentOpen, SameOutputs, UnknownClaim,
        WindowClosed, WindowOpen,
    };
    match refusal {
        UnknownClaim { id } => told("UnknownClaim", &[id]),
        NotOpen { id, state } => told("NotOpen", &[id, &(*state as u8)]),
        WindowOpen { id, deadline } => told("WindowOpen", &[id, deadline]),
        WindowClosed { id, deadline } => told("WindowClosed", &[id, deadline]),
        SameOutputs { id } => told("SameOutputs", &[id]),
        OwnClaim { id } => told("OwnClaim", &[id]),
        ClockRuns { left, used } => told("ClockRuns", &[left, used]),
        ParentOpen { parent } => told("ParentOpen", &[parent]),
        NotTheRecord { dispute } => {
            Told { name: "NotTheRecord", arguments: vec![Some(dispute.to_string()), None, None] }
        }
        other => panic!("no call here meets {other}"),
    }
}

/// Returns the name of the log entry, or nothing for a bond that moves, which the token logs.
pub(crate) fn event(event: &Event) -> Option<&'static str> {
    Some(match event {
        Event::Joined { .. } => "Joined",
        Event::StakeAdded { .. } => "StakeAdded",
        Event::Leaving { .. } => "Leaving",
        Event::Withdrawn { .. } => "Withdrawn",
        Event::Penalised { .. } => "Penalised",
        Event::Funded { .. } => "Funded",
        Event::Opened { .. } => "Opened",
        Event::Seated { .. } => "Seated",
        Event::Committed { .. } => "Committed",
        Event::CommitsClosed { .. } => "CommitsClosed",
        Event::Revealed { .. } => "Revealed",
        Event::RevealsClosed { .. } => "RevealsClosed",
        Event::Voided { .. } => "Voided",
        Event::ResultPosted { .. } => "ResultPosted",
        Event::ResultStruck { .. } => "ResultStruck",
        Event::Settled { .. } => "Settled",
        Event::Paid { .. } => "Paid",
        Event::WindowOpened { .. } => "WindowOpened",
        Event::WindowPosted { .. } => "WindowPosted",
        Event::ScorePosted { .. } => "ScorePosted",
        Event::ScoreStruck { .. } => "ScoreStruck",
        Event::Scored { .. } => "Scored",
        Event::Court(court::Event::Claimed { .. }) => "Claimed",
        Event::Court(court::Event::Challenged { .. }) => "Challenged",
        Event::Court(court::Event::Finalised { .. }) => "Finalised",
        Event::Court(court::Event::Moved { .. }) => "Moved",
        Event::Court(court::Event::Decided { .. }) => "Decided",
        Event::Court(court::Event::Closed { .. }) => "Closed",
        Event::Court(court::Event::Voided { .. }) => "Voided",
        Event::Court(court::Event::Revealed { .. }) => "Revealed",
        Event::Court(court::Event::RevealedChunk { .. }) => "RevealedChunk",
        Event::Court(court::Event::Judged { .. }) => "Judged",
        Event::Court(court::Event::Compared { .. }) => "Compared",
        Event::Court(
            court::Event::BondTaken { .. }
            | court::Event::Returned { .. }
            | court::Event::Advanced { .. }
            | court::Event::Burnt { .. },
        ) => return None,
    })
}
