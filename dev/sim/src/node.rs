//! One simulated process: a machine, the disk it comes back from, and how it cheats.
//!
//! The disk is what survives a crash: the log, the blobs, the tensors of settled rounds. Everything
//! else is gone with it. A liar runs the same machine; its behaviour bends what goes in and out.
//!
//! Absent: scheduling. A node says what it would do, the world decides when and whether it happens.

use std::collections::BTreeMap;
use std::sync::Arc;

use court::Address;
use round::machine::{Record, Retry, Signature};
use round::{Block, Config, Machine, Scorer};
use tensor::{Hash, Tensor};

use crate::behaviour::Behaviour;
use crate::work::Case;
use crate::worth::Scored;

/// What survives a crash.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// The log, oldest first.
    pub records: Vec<Record>,
    /// Blobs by name, with the round they are kept for.
    pub blobs: BTreeMap<Hash, (u64, Arc<[u8]>)>,
    /// Params and cumulative pay by tensor root.
    pub tensors: BTreeMap<Hash, Arc<Tensor>>,
    /// What it last aggregated, to argue about.
    pub case: Option<Arc<Case>>,
    /// Aggregations of settled rounds that wait for their score.
    pub waiting: BTreeMap<u64, Arc<Case>>,
    /// What it last scored, to argue about.
    pub scored: Option<Arc<Scored>>,
}

/// Work that waits for a tensor from a peer.
#[derive(Clone, Debug)]
pub enum Waiting {
    /// Training from these params.
    Train {
        /// The round.
        round: u64,
        /// Seed of data order.
        seed: Hash,
        /// Root of the params.
        model_root: Hash,
    },
    /// Aggregating from these params and this pay.
    Aggregate {
        /// The round.
        round: u64,
        /// Root of the params.
        model_root: Hash,
        /// Root of the cumulative pay.
        cumulative_root: Hash,
        /// The rows.
        members: Vec<round::machine::Member>,
    },
    /// Scoring a round.
    Score {
        /// The round.
        round: u64,
        /// The claim it is compared with.
        claim: u64,
        /// Roots of the params before the round, and before each of the last ones.
        models: Vec<Hash>,
        /// Root of the cumulative pay.
        cumulative_root: Hash,
    },
}

impl Waiting {
    /// Returns the roots of the tensors it needs.
    #[must_use]
    pub fn needs(&self) -> Vec<Hash> {
        match self {
            Self::Train { model_root, .. } => vec![*model_root],
            Self::Aggregate { model_root, cumulative_root, .. } => {
                vec![*model_root, *cumulative_root]
            }
            Self::Score { models, cumulative_root, .. } => {
                models.iter().chain([cumulative_root]).copied().collect()
            }
        }
    }

    /// Returns the round whose aggregation it needs.
    #[must_use]
    pub fn aggregation(&self) -> Option<u64> {
        match self {
            Self::Score { round, .. } => Some(*round),
            _ => None,
        }
    }

    /// Returns whether all it needs is on a disk.
    #[must_use]
    pub fn is_ready(&self, disk: &Disk) -> bool {
        let there = |root| disk.tensors.contains_key(root);
        let aggregation = self.aggregation();
        self.needs().iter().all(there)
            && aggregation.is_none_or(|round| disk.waiting.contains_key(&round))
    }
}

/// One process and its disk.
#[derive(Debug)]
pub struct Node {
    /// Its account.
    pub key: Address,
    /// What its signatures are made of.
    pub secret: Hash,
    /// How it plays its part.
    pub behaviour: Behaviour,
    /// What survives.
    pub disk: Disk,
    /// The running machine, if the process runs.
    pub machine: Option<Machine>,
    /// Its part in scores, where a running process has one.
    pub scorer: Option<Scorer>,
    /// How often it was started; a look at the chain belongs to one life.
    pub life: u64,
    /// The last block it saw.
    pub block: Block,
    /// Work that waits for tensors.
    pub waiting: Vec<Waiting>,
    /// The last move sent in each dispute: by how many were made before, and in which block.
    pub moved: BTreeMap<u64, (u32, Block)>,
    /// Until which tick it has no chain.
    pub outage_until: u64,
}

impl Node {
    /// Returns a node that has never run.
    #[must_use]
    pub fn new(key: Address, secret: Hash, behaviour: Behaviour) -> Self {
        Self {
            key,
            secret,
            behaviour,
            disk: Disk::default(),
            machine: None,
            scorer: None,
            life: 0,
            block: 0,
            waiting: Vec::new(),
            moved: BTreeMap::new(),
            outage_until: 0,
        }
    }

    /// Starts the process from its disk.
    pub fn start(&mut self, config: &Config, retry: Retry) {
        self.life += 1;
        let records = self.disk.records.iter().copied();
        self.machine = Some(Machine::restore(config.clone(), retry, self.key, records));
        let challenges = config.terms.window_blocks;
        let scores = config.scores.as_ref().map(|terms| (terms.window_blocks, challenges));
        self.scorer = scores.map(|blocks| Scorer::new(blocks, retry, self.key));
    }

    /// Kills the process: everything but the disk is gone.
    pub fn kill(&mut self) {
        (self.machine, self.scorer) = (None, None);
        self.block = 0;
        self.waiting.clear();
        self.moved.clear();
    }

    /// Signs a digest; a bad signer signs something else.
    #[must_use]
    pub fn sign(&self, digest: Hash) -> Signature {
        match self.behaviour {
            Behaviour::BadSigner => Signature([7; 65]),
            _ => signature(self.secret, digest),
        }
    }

    /// Returns the bytes of an update as the node sends them; a forger's differ.
    #[must_use]
    pub fn sends(&self, bytes: &Arc<[u8]>) -> Arc<[u8]> {
        if self.behaviour != Behaviour::Forge {
            return Arc::clone(bytes);
        }
        let mut bytes = bytes.to_vec();
        bytes[0] ^= 1;
        bytes.into()
    }
}

/// Returns the one signature of a digest under a secret. It is as hard to make as any without the
/// secret, which no liar here has.
#[must_use]
pub fn signature(secret: Hash, digest: Hash) -> Signature {
    let mut bytes = [0; 65];
    bytes[..32].copy_from_slice(&digest.0);
    for (place, (secret, digest)) in secret.0.iter().zip(digest.0).enumerate() {
        bytes[32 + place] = secret ^ digest;
    }
    Signature(bytes)
}
