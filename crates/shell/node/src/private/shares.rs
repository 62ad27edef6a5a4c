//! Shares: the node's own, those it holds of others, and who is given one.
//!
//! Invariant: a share leaves this node only towards a member that the chain has drawn for it, over
//! a connection whose key the registry names for that member; and the update itself never. An
//! update is in the database before its roots are on the chain. Absent: shares of past rounds,
//! which are overwritten by the next.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use net::{Incoming, Request, Response};
use rand::RngExt as _;
use round::sums::{Parcel, Place, SHARES, Secret, Split, duty, ledger::Rounds, split};
use tensor::{Hash, Tensor};
use tokio::sync::mpsc;

use super::Node;
use crate::{NodeError, aggregation, store::Store, tensors};

/// Under what name the database has what masks are made from.
const SECRET: &str = "private secret";
/// Under what name it has the update of a round: its number, then the elements.
const UPDATE: &str = "private update";

/// Returns the bytes of the last update that the node of a directory made for a private round
/// (i32, little-endian), for its owner to look at; no process may run on it.
///
/// # Errors
///
/// [`NodeError::Store`] if the directory cannot be used, [`NodeError::Absent`] if it made none.
pub fn private_update(dir: &Path) -> Result<Vec<u8>, NodeError> {
    let kept = Store::open(dir)?.meta(UPDATE)?.unwrap_or_default();
    let absent = || NodeError::absent("this node made no update of a private round");
    Ok(kept.get(8..).filter(|update| !update.is_empty()).ok_or_else(absent)?.to_vec())
}

/// What a node keeps to itself.
#[derive(Debug)]
pub(super) struct Vault {
    store: Arc<Store>,
    job: Hash,
    secret: Secret,
    /// The rounds as last seen, which say who may be given what.
    seen: Mutex<Option<Arc<Rounds>>>,
    /// The own update of a round, cut.
    cut: Mutex<Option<(u64, Split)>>,
}

impl Vault {
    /// Opens what a database has, drawing a secret at the first start.
    pub(super) fn open(store: Arc<Store>, job: Hash) -> Result<Vault, NodeError> {
        let kept: Option<[u8; 32]> = store.meta(SECRET)?.and_then(|kept| kept.try_into().ok());
        let secret = match kept {
            Some(secret) => secret,
            None => {
                let secret: [u8; 32] = rand::rng().random();
                store.set_meta(SECRET, &secret)?;
                secret
            }
        };
        let secret = Secret(secret);
        Ok(Vault { store, job, secret, seen: Mutex::default(), cut: Mutex::default() })
    }

    pub(super) fn see(&self, rounds: &Arc<Rounds>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(rounds.clone());
    }

    /// Returns the update that was made for a round, if one was.
    pub(super) fn update(&self, round: u64) -> Result<Option<Tensor>, NodeError> {
        let kept = self.store.meta(UPDATE)?.unwrap_or_default();
        let Some((of, bytes)) = kept.split_first_chunk::<8>() else { return Ok(None) };
        let update = aggregation::update_tensor(bytes);
        Ok(update.filter(|_| u64::from_le_bytes(*of) == round))
    }

    /// Writes down the update of a round, which is the only one it will ever have.
    pub(super) fn keep(&self, round: u64, update: &Tensor) -> Result<(), NodeError> {
        let record = [&round.to_le_bytes()[..], &update.to_bytes()].concat();
        Ok(self.store.set_meta(UPDATE, &record)?)
    }

    /// Returns the own update of a round as shares, once it is written down.
    pub(super) fn cut(&self, round: u64, node: u32) -> Result<Option<Split>, NodeError> {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, split)) = cut.as_ref().filter(|(of, _)| *of == round) {
            return Ok(Some(split.clone()));
        }
        let Some(update) = self.update(round)? else { return Ok(None) };
        let place = Place { job: self.job, round, node };
        let made = split(&update, &self.secret, place).map_err(NodeError::absent)?;
        *cut = Some((round, made.clone()));
        Ok(Some(made))
    }

    /// Returns a share of another that is held here.
    pub(super) fn held(&self, place: Place, share: usize) -> Result<Option<Vec<u8>>, NodeError> {
        let kept = self.store.meta(&name(place.node, share))?.unwrap_or_default();
        let Some((of, bytes)) = kept.split_first_chunk::<8>() else { return Ok(None) };
        Ok((u64::from_le_bytes(*of) == place.round).then(|| bytes.to_vec()))
    }

    /// Keeps a share of another; the caller has checked it.
    pub(super) fn hold(&self, place: Place, share: usize, bytes: &[u8]) -> Result<(), NodeError> {
        let record = [&place.round.to_le_bytes()[..], bytes].concat();
        Ok(self.store.set_meta(&name(place.node, share), &record)?)
    }

    /// Where a node's shares of a round are from.
    pub(super) fn place(&self, round: u64, node: u32) -> Place {
        Place { job: self.job, round, node }
    }

    fn rounds(&self) -> Option<Arc<Rounds>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a member of the registry is told when it asks for a share.
    fn give(&self, own: u32, asker: u32, (place, share): (Place, usize)) -> Response {
        let Some(rounds) = self.rounds() else { return Response::NotFound };
        if !duty::may_hold(&rounds, asker, place, share) {
            return Response::refused("that share is not yours to hold");
        }
        let bytes = if place.node == own {
            self.cut(place.round, own).map(|cut| cut.map(|cut| parcel_bytes(&cut.parcels[share])))
        } else {
            self.held(place, share)
        };
        bytes.ok().flatten().map_or(Response::NotFound, Response::Blob)
    }
}

fn name(node: u32, share: usize) -> String {
    format!("private share {share} of {node}")
}

fn parcel_bytes(parcel: &Parcel) -> Vec<u8> {
    match parcel {
        Parcel::Seed(seed) => seed.to_vec(),
        Parcel::Whole(share) => share.to_bytes(),
    }
}

/// Returns the share that bytes stand for, if its root is what the trainer committed to: of shares
/// 0 and 1 a seed, of share 2 the elements.
pub(super) fn open(bytes: &[u8], share: usize, d: usize, committed: Hash) -> Option<Tensor> {
    let parcel = if share + 1 < SHARES {
        Parcel::Seed(bytes.try_into().ok()?)
    } else {
        Parcel::Whole(aggregation::update_tensor(bytes)?)
    };
    parcel.open(d).filter(|share| kernels::commit::tensor_root(share) == committed)
}

/// Answers peers until the endpoint closes.
pub(super) async fn serve(node: Arc<Node>, mut incoming: mpsc::Receiver<Incoming>) {
    while let Some(Incoming { peer, request, reply }) = incoming.recv().await {
        let node = node.clone();
        // Reading a share off the disk, or cutting an update, is not for the task that listens.
        tokio::task::spawn_blocking(move || reply.send(answer(&node, peer, request)));
    }
}

fn answer(node: &Node, peer: [u8; 32], request: Request) -> Response {
    match request {
        Request::Share { round, node: of, share } => {
            let Some(rounds) = node.vault.rounds() else { return Response::NotFound };
            let own = node.peers.directory.index_of(node.client.address());
            let seats = rounds.seats().iter().map(|seat| seat.node);
            let askers = seats.filter(|seat| node.peers.directory.is_peer(*seat, peer));
            let wanted = (node.vault.place(round, of), usize::from(share));
            if node.own.silent_from.is_some_and(|from| round >= from) {
                return Response::NotFound;
            }
            let Some(own) = own else { return Response::NotFound };
            let answers = askers.map(|asker| node.vault.give(own, asker, wanted));
            let given = |answer: &Response| matches!(answer, Response::Blob(_));
            let none = || Response::refused("that share is not yours to hold");
            answers.reduce(|one, other| if given(&one) { one } else { other }).unwrap_or_else(none)
        }
        // Params and pay are everybody's; of what else lies in the store nothing is.
        Request::Tensor { root } => {
            let state = node.vault.rounds().map(|rounds| rounds.state());
            let public = state.is_some_and(|(model, pay, _)| [model, pay].contains(&Hash(root)));
            let kept = node.tensors.get(Hash(root)).ok().filter(|_| public);
            kept.map_or(Response::NotFound, |kept| Response::Blob(tensors::encode(&kept)))
        }
        _ => Response::NotFound,
    }
}
