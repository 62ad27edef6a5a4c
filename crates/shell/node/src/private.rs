//! A node of a private job (docs/private.md): trains, cuts its update into shares, holds others'
//! shares, sums, aggregates, checks.
//!
//! Crash-only, like the node of open rounds: each look at the chain gives duties
//! (`round::sums::duty`), and a restart goes on where the chain is. The one thing it must not
//! forget is its update, which is in its database before its shares are committed to: two updates
//! under one round's masks would differ by what the shares differ.
//!
//! Shares travel over the node's own encrypted transport, from the trainer to the members that the
//! chain has drawn, whose peer keys the registry names; nobody else is given one, and nothing of
//! them is among the tensors and blobs that a node serves.
//!
//! Deliberately absent: market, reports and scores, which a private job has not; and a member's
//! excuse, since what it lacks it says by not reporting it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy::primitives::U256;
use chain::{ClaimState, Client, ClientError};
use learn::Dataset;
use net::{Endpoint, Hello};
use round::sums::{
    duty,
    ledger::{Config as Terms, Facts, Input, Rounds},
};
use serde::{Deserialize, Serialize};

use crate::{
    Config, Job, NodeError, TensorStore,
    challenges::{self, Challenges},
    eye,
    keys::Keys,
    peers::Peers,
    runner::start::{self, Opened},
};

mod acts;
mod disputes;
mod setup;
mod shares;
mod sums;

pub use setup::{PrivatePace, PrivatePrograms};
use shares::Vault;
pub use shares::private_update;

/// How often the chain is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(60);

/// What a node of a private job is told beside the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Private {
    /// It opens no round beyond this many settled ones.
    pub rounds: u64,
    /// For show: from this round on it commits and then does nothing, as if it had lost its line.
    pub silent_from: Option<u64>,
    /// For show: it states sums that are none, from this round on.
    pub wrong_sums_from: Option<u64>,
}

/// What every part reads.
#[derive(Debug)]
struct Node {
    config: Config,
    own: Private,
    job: Arc<Job>,
    terms: Terms,
    programs: PrivatePrograms,
    client: Client,
    tensors: TensorStore,
    data: Arc<Dataset>,
    peers: Peers,
    vault: Vault,
    /// Challenges of sums and of results.
    challenges: [Challenges; 2],
    /// Executions of disputed claims.
    cases: Mutex<BTreeMap<u64, disputes::Case>>,
    /// Disputes that have ended, or are not this node's.
    over: Mutex<BTreeSet<u64>>,
    /// Result of the running round, with the claim's inputs root.
    outcome: Mutex<Option<sums::Outcome>>,
    /// For how many looks the phase has been over.
    overdue: Mutex<u32>,
}

/// One look at the chain.
#[derive(Clone, Debug)]
struct Look {
    rounds: Arc<Rounds>,
    facts: Facts,
    /// The block that a transaction sent now is in at best.
    next: u64,
    own: u32,
}

/// Runs the node of a directory until the process ends.
///
/// # Errors
///
/// [`NodeError`] when the directory, the key or the data cannot be used, or the chain's job is
/// another one. A chain that does not answer is waited for.
pub(crate) async fn run(
    dir: &Path,
    config: Config,
    keys: Keys,
    own: Private,
) -> Result<(), NodeError> {
    let Opened { store, tensors, job, data } = start::open(dir, &config)?;
    let client = start::connect(&config, &keys.chain).await?;
    let terms = start::wait_for(|| async { Ok(client.private_config().await?) }).await?;
    let programs = PrivatePrograms::new(&job, terms.size, terms.quorum, terms.capacity)?;
    programs.check(&terms)?;
    let hello = Hello::new(client.chain_id(), client.deployment().rounds.into());
    let (endpoint, incoming) =
        Endpoint::bind(net::Config::new(keys.peer, config.bind, hello)).await?;
    start::wait_for(|| start::register(&client, &config, &endpoint)).await?;
    let of_kind = |kind| Challenges::new(client.clone(), store.clone(), kind);
    let vault = Vault::open(store.clone(), terms.job)?;
    let node = Arc::new(Node {
        own,
        challenges: [of_kind(challenges::Kind::Sum), of_kind(challenges::Kind::Round)],
        peers: start::peers(dir, endpoint)?,
        config,
        job,
        terms,
        programs,
        client,
        tensors,
        data,
        vault,
        cases: Mutex::default(),
        over: Mutex::default(),
        outcome: Mutex::default(),
        overdue: Mutex::default(),
    });
    let serving = tokio::spawn(shares::serve(node.clone(), incoming));
    let worked = node.work().await;
    serving.abort();
    worked
}

impl Node {
    async fn work(self: &Arc<Self>) -> Result<(), NodeError> {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let look = match self.look().await {
                Ok(Some(look)) => look,
                Ok(None) => continue,
                Err(error) if error.is_disk() => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "the chain could not be looked at");
                    continue;
                }
            };
            if self.is_silent(&look) {
                continue;
            }
            for duty in duty::duties(&look.rounds, look.own, look.next, &look.facts) {
                match self.perform(&look, duty).await {
                    Ok(()) => {}
                    Err(error) if error.is_disk() => return Err(error),
                    Err(NodeError::Chain(ClientError::Reverted { revert, .. })) => {
                        tracing::info!(?duty, %revert, "the contract refused; another was first");
                    }
                    Err(error) => tracing::warn!(?duty, %error, "not done, and tried again"),
                }
            }
            if let Err(error) = self.attend_disputes(&look).await {
                tracing::warn!(%error, "a dispute waits");
            }
        }
    }

    /// Looks at one block; nothing while the registry does not know this node.
    async fn look(&self) -> Result<Option<Look>, NodeError> {
        let client = &self.client;
        let next = client.block_number().await? + 1;
        let rounds = Arc::new(client.private_rounds(&self.terms).await?);
        let nodes = client.nodes().await?;
        self.peers.directory.update(&nodes);
        let admitted = self.peers.directory.peers().into_iter().collect();
        self.peers.endpoint.admit(net::Admission::Registered(admitted));
        let mut facts = Facts::default();
        let shares = rounds.trays().iter().flat_map(|tray| tray.claims);
        for id in shares.chain([rounds.round().claim]).filter(|id| *id != 0) {
            let claim = client.claim(U256::from(id)).await?;
            if let Some(state) = ClaimState::from_word(claim.state).map(eye::claim_state) {
                facts.claims.insert(id, (state, claim.deadline));
            }
        }
        self.vault.see(&rounds);
        let own = client.find(client.address()).await?;
        Ok(own.map(|own| Look { rounds, facts, next, own }))
    }

    /// Whether this node is made to say nothing: it has committed in the round.
    fn is_silent(&self, look: &Look) -> bool {
        let round = look.rounds.round();
        let committed =
            look.rounds.seats().iter().any(|seat| seat.node == look.own && seat.committed());
        self.own.silent_from.is_some_and(|from| round.number >= from) && committed
    }

    /// Whether the phase has been over for long enough that it is this node's to say so: the first
    /// of the registry says it at once, the others in turn.
    fn is_my_turn(&self, look: &Look) -> bool {
        let mut overdue = self.overdue.lock().unwrap_or_else(PoisonError::into_inner);
        *overdue += 1;
        let others = self.peers.directory.others(None);
        let rank = others.iter().position(|other| *other == look.own);
        let count = u32::try_from(others.len().max(1)).unwrap_or(1);
        let first = u32::try_from(look.rounds.round().number % u64::from(count)).unwrap_or(0);
        let rank = rank.and_then(|rank| u32::try_from(rank).ok()).unwrap_or(0);
        let due = *overdue > 2 * ((rank + count - first) % count);
        if due {
            *overdue = 0;
        }
        due
    }

    /// Makes a call of the round's contract.
    async fn call(&self, input: Input) -> Result<(), NodeError> {
        let what = format!("{input:?}");
        let what: String = what.chars().take(60).collect();
        self.client.private_act(input).await?;
        tracing::info!(what, "sent");
        Ok(())
    }
}
