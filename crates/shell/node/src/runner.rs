//! The event loop.
//!
//! One task owns the machine; everything that takes time (a transaction, a question to a peer,
//! training) runs beside it and comes back as an event. A lost answer is asked for again by the
//! machine, a lost transaction sent again.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use alloy::signers::local::PrivateKeySigner;
use chain::Client;
use learn::Dataset;
use net::{Endpoint, Hello, Incoming, Request, Response};
use round::{
    Machine, Phase, digest,
    machine::{Input, Member, Output, Record, Retry, Tx},
};
use tensor::Hash;
use tokio::sync::mpsc;

use crate::{
    Config, Job, NodeError, Pulse, TensorStore,
    challenges::{self, Challenges},
    docket::Docket,
    eye::{self, Eye, Look},
    journal::Journal,
    keys::Keys,
    missed::Missed,
    peers::{self, Peers},
    privacy::Guard,
    private,
    publisher::{self, Publisher},
    review::{Review, Sample, Seen},
    store::Store,
    training,
    transact::Transactor,
};

/// Under what name the database has what quantisation left.
const RESIDUAL: &str = "residual";
/// How often a chain of our own is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// How often somebody else's chain is.
const LOOK_EVERY_OUTSIDE: Duration = Duration::from_millis(200);
/// How long to wait for a chain that does not answer before asking again.
const CHAIN_RETRY: Duration = Duration::from_millis(200);
/// After how many blocks an effect is asked for again.
const RETRY: Retry = Retry { tx_blocks: 6, offer_blocks: 3, fetch_blocks: 3 };

pub(crate) mod answers;
mod errands;
mod panels;
pub(crate) mod start;
#[cfg(test)]
mod tests;

use errands::Underway;
use start::{Opened, check_job, connect, guard, register, residual, wait_for};

/// What comes back to the event loop.
#[derive(Debug)]
enum Event {
    Machine(Input),
    Trained { round: u64, salt: Hash, update: training::Update },
    Failed { what: &'static str, round: u64, error: NodeError },
    Published { round: u64, result: Result<(), NodeError> },
    MadeUp { round: u64, result: Result<(), NodeError> },
    Tended { market_time: u64, result: Result<(), NodeError> },
}

/// What every part of the loop reads.
#[derive(Debug)]
struct Node {
    config: Config,
    job: Arc<Job>,
    rounds: round::Config,
    client: Client,
    signer: PrivateKeySigner,
    store: Arc<Store>,
    tensors: TensorStore,
    blobs: net::blobs::Store,
    journal: Journal,
    data: Arc<Dataset>,
    guard: Option<Guard>,
    peers: Peers,
    /// The directory, until the state that the chain names was looked for.
    checkpoint: Option<PathBuf>,
    events: mpsc::UnboundedSender<Event>,
    publisher: Option<Arc<Publisher>>,
    /// What the last committed update left behind, and its round.
    residual: (u64, Vec<f32>),
    /// What the update that is being committed leaves behind.
    trained: Option<(u64, Vec<f32>)>,
    underway: Underway,
    /// The round last seen.
    round: Arc<AtomicU64>,
    docket: Docket,
    challenges: Challenges,
    review: Review,
    publishing: bool,
    reported: u64,
    panels: panels::Panels,
    making_up: bool,
    /// Last settled round that is known to be in the journal.
    kept: u64,
    look: Option<Look>,
    pulse: Pulse,
}

/// Runs the node of a directory until the process ends.
///
/// # Errors
///
/// [`NodeError`] when the directory, the key or the data cannot be used, or the chain's job is
/// another one. A chain that does not answer is waited for.
pub async fn run(dir: &Path, config: Config, keys: Keys, pulse: Pulse) -> Result<(), NodeError> {
    if let Some(private) = config.private {
        return private::run(dir, config, keys, private).await;
    }
    let Opened { store, tensors, job, data } = start::open(dir, &config)?;
    let blobs = start::blobs(dir)?;
    let journal = Journal::open(dir)?;

    let client = connect(&config, &keys.chain).await?;
    let rounds = wait_for(|| eye::round_config(&client)).await?;
    check_job(&job, &rounds)?;
    let hello = Hello::new(client.chain_id(), rounds.domain.rounds.0);
    let (endpoint, incoming) =
        Endpoint::bind(net::Config::new(keys.peer, config.bind, hello)).await?;
    wait_for(|| register(&client, &config, &endpoint)).await?;

    let publisher = panels::publisher(&config, &client)?;
    let docket = Docket::new(
        (client.clone(), job.clone()),
        tensors.clone(),
        blobs.clone(),
        journal.clone(),
        config.lie,
    );
    let review = Review::new(
        (client.clone(), Challenges::new(client.clone(), store.clone(), challenges::Kind::Report)),
        docket.clone(),
        config.market(),
        Sample { secret: keys.chain.to_bytes(), permille: config.check_permille },
        rounds.terms.window_blocks,
    );
    let (events, inbox) = mpsc::unbounded_channel();
    let challenges = Challenges::new(client.clone(), store.clone(), challenges::Kind::Round);
    let node = Node {
        panels: panels::Panels::of(&config, (&client, &store), dir)?,
        peers: start::peers(dir, endpoint)?,
        checkpoint: Some(dir.to_path_buf()),
        guard: guard(dir, &config, &keys.chain),
        signer: keys.chain,
        config,
        job,
        rounds,
        client,
        residual: residual(&store)?,
        store,
        tensors,
        blobs,
        journal,
        data,
        events,
        publisher,
        trained: None,
        underway: Underway::default(),
        round: Arc::default(),
        docket,
        challenges,
        review,
        publishing: false,
        reported: 0,
        making_up: false,
        kept: 0,
        look: None,
        pulse,
    };
    node.serve(incoming, inbox).await
}

impl Node {
    async fn serve(
        mut self,
        mut incoming: mpsc::Receiver<Incoming>,
        mut inbox: mpsc::UnboundedReceiver<Event>,
    ) -> Result<(), NodeError> {
        let records = self.store.records()?;
        let records: Vec<Record> =
            records.iter().map(|bytes| Record::decode(bytes)).collect::<Result<_, _>>()?;
        let key = eye::to_address(self.client.address());
        let mut machine = Machine::restore(self.rounds.clone(), RETRY, key, records);
        let mut eye = Eye::new(self.client.clone(), self.rounds.domain);
        let every = if self.config.data_clock { LOOK_EVERY } else { LOOK_EVERY_OUTSIDE };
        let mut tick = tokio::time::interval(every);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => match eye.look().await {
                    Ok(Some(look)) => self.see(&mut machine, &eye, look)?,
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(%error, "the chain could not be looked at");
                        tokio::time::sleep(CHAIN_RETRY).await;
                    }
                },
                Some(question) = incoming.recv() => self.answer(&mut machine, question)?,
                Some(event) = inbox.recv() => self.take(&mut machine, event)?,
            }
        }
    }

    /// Hands a new look to the machine; looks that show nothing new are skipped.
    fn see(&mut self, machine: &mut Machine, eye: &Eye, mut look: Look) -> Result<(), NodeError> {
        self.peers.directory.update(eye.nodes());
        let peers = self.peers.directory.peers().into_iter().collect();
        self.peers.endpoint.admit(net::Admission::Registered(peers));
        let settled = settled(&look);
        self.fetch_checkpoint(&look, settled);
        self.round.store(look.view.round.number, Ordering::Relaxed);
        let day = (self.day(look.view.round.number), self.day(look.view.round.number + 1));
        look.view.openable = may_open(&look, day, self.reported, self.config.data_clock);
        look.view.due_gwei = self.due(&look);
        if look.view.round.number < self.config.first_turn && look.view.round.attempt == 0 {
            look.view.aggregator = None;
        }
        if settled || look.view.round.number == 0 {
            self.publish(&look);
            self.tend(&look);
        }
        if settled {
            self.make_up(&look);
        }
        let block = look.block;
        if self.look.as_ref().is_some_and(|old| old.block == block && old.view == look.view) {
            return Ok(());
        }
        if self.look.as_ref().is_none_or(|old| old.block != block) {
            let round = look.view.round.number;
            tokio::spawn(self.docket.clone().look((round, block)));
            let (own, actives) = (look.view.own, look.view.actives.clone());
            tokio::spawn(self.review.clone().look(Seen { round, block, own, actives }));
            self.tend_grids(&look);
            self.tend_scores(&look);
            tokio::spawn(self.pulse.clone().follow(self.client.clone()));
        }
        let view = Box::new(look.view.clone());
        self.pulse.see(&look, self.peers.directory.peers().len());
        self.look = Some(look);
        let outputs = machine.handle(block, Input::Chain(view));
        self.perform(outputs, None)
    }

    /// The market's clock of a round: midnight of its day.
    fn day(&self, round: u64) -> Option<u64> {
        self.config.calendar.get(usize::try_from(round).ok()?).copied()
    }

    /// What the posted tensor owes this node, where the node keeps that tensor.
    fn due(&self, look: &Look) -> u64 {
        let Some(own) = look.view.own else { return 0 };
        let cumulative = self.tensors.get(look.view.rewards_root);
        let earned = cumulative.ok().and_then(|tensor| tensor.as_f64()?.get(own as usize).copied());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "pay is a whole number of gwei below 2^53; the cast saturates"
        )]
        let earned = earned.unwrap_or(0.0) as u64;
        earned.saturating_sub(eye::to_gwei(look.paid))
    }

    /// Starts whatever of the report is missing; on other nodes, learns whether it is there.
    fn publish(&mut self, look: &Look) {
        let round = look.view.round.number;
        let Some(market_time) = self.day(round) else { return };
        if self.publishing || self.reported >= market_time {
            return;
        }
        self.publishing = true;
        let events = self.events.clone();
        let (client, market) = (self.client.clone(), self.config.market());
        let provider = self.config.provider;
        let now = look.time;
        let duty = self.publisher.clone();
        let (job, tensors, blobs, journal) =
            (self.job.clone(), self.tensors.clone(), self.blobs.clone(), self.journal.clone());
        tokio::spawn(async move {
            let result = match duty {
                Some(publisher) => {
                    let kept = (&tensors, &blobs, &journal);
                    publisher.publish(&job, kept, (round, market_time, now)).await
                }
                None => publisher::seen_report(&client, provider, market, market_time).await,
            };
            // The loop that would hear of it may have ended, and the process with it.
            let _ = events.send(Event::Published { round, result });
        });
    }

    /// Does a settled round again if this node was not there, as after a crash.
    fn make_up(&mut self, look: &Look) {
        let view = &look.view;
        let (round, Some(claim)) = (view.round.number, &view.claim) else { return };
        if self.making_up || self.kept >= round {
            return;
        }
        let kept = self.journal.get(round);
        let kept = kept.map(|entry| court::opening::list_root(&entry.output_roots));
        if kept == Some(claim.outputs_root) {
            self.kept = round;
            return;
        }
        self.making_up = true;
        let missed = Missed {
            client: self.client.clone(),
            job: self.job.clone(),
            tensors: self.tensors.clone(),
            blobs: self.blobs.clone(),
            journal: self.journal.clone(),
            peers: self.peers.clone(),
            own: view.own,
            budget_gwei: self.rounds.budget_gwei,
        };
        let members = view.round.rows().map(|seat| Member {
            index: seat.index,
            update_root: seat.update_root,
            blob: seat.blob,
        });
        let (members, outputs_root) = (members.collect(), claim.outputs_root);
        let events = self.events.clone();
        tokio::spawn(async move {
            let result = missed.make_up(round, members, outputs_root).await;
            if result.is_err() {
                tokio::time::sleep(CHAIN_RETRY).await;
            }
            // As with a report, nobody may be left to hear of it.
            let _ = events.send(Event::MadeUp { round, result });
        });
    }

    fn answer(&mut self, machine: &mut Machine, question: Incoming) -> Result<(), NodeError> {
        let Incoming { peer, request, reply } = question;
        self.pulse.answered.inc();
        match request {
            Request::Get { blob } => {
                let blobs = self.blobs.clone();
                aside(reply, move || answers::blob(&blobs, &blob));
            }
            Request::Tensor { root } => {
                let tensors = self.tensors.clone();
                aside(reply, move || answers::tensor(&tensors, Hash(root)));
            }
            Request::Have { item } => {
                let items = self.items();
                aside(reply, move || items.have(&item));
            }
            Request::Piece { item, index } => {
                let items = self.items();
                aside(reply, move || items.piece(&item, index));
            }
            Request::Share { .. } => reply.send(Response::NotFound),
            Request::Status => {
                let (round, node) = self
                    .look
                    .as_ref()
                    .map_or((0, None), |look| (look.view.round.number, look.view.own));
                let (blobs, block) = (self.blobs.clone(), self.block());
                aside(reply, move || answers::status(&blobs, (node, round, block)));
            }
            Request::Offer { round, node, update_root, blob, bytes } => {
                if !self.peers.directory.is_peer(node, peer) {
                    let reason = format!("node {node} has another peer key in the registry");
                    reply.send(Response::Refused { reason });
                    return Ok(());
                }
                let (update_root, blob) = (Hash(update_root), Hash(blob));
                let offer = Input::Offer { round, node, update_root, blob, bytes };
                let outputs = machine.handle(self.block(), offer);
                self.perform(outputs, Some(reply))?;
            }
        }
        Ok(())
    }

    fn take(&mut self, machine: &mut Machine, event: Event) -> Result<(), NodeError> {
        match event {
            Event::Machine(input) => {
                let outputs = machine.handle(self.block(), input);
                self.perform(outputs, None)?;
            }
            Event::Trained { round, salt, update } => {
                let training::Update { quantised, residual, loss } = update;
                tracing::info!(round, loss, "trained");
                self.pulse.trained.inc();
                self.trained = Some((round, residual));
                let input = Input::Trained { round, update: quantised, salt };
                let outputs = machine.handle(self.block(), input);
                self.perform(outputs, None)?;
                self.trained = None;
            }
            Event::Failed { error, .. } if error.is_disk() => return Err(error),
            Event::Failed { what, round, error } => {
                self.pulse.failed.inc();
                tracing::error!(round, %error, "{what} failed");
            }
            Event::Published { round, result } => {
                self.publishing = false;
                match result {
                    Ok(()) => self.reported = self.day(round).unwrap_or(0),
                    Err(error) => tracing::debug!(round, %error, "no report yet"),
                }
            }
            Event::Tended { market_time, result } => {
                if let Err(error) = &result {
                    tracing::debug!(market_time, %error, "the panel waits");
                }
                self.panels.tended(market_time, result.is_ok());
            }
            Event::MadeUp { round, result } => {
                self.making_up = false;
                match result {
                    Ok(()) => tracing::info!(round, "made up for a round that was missed"),
                    Err(error) => tracing::warn!(round, %error, "a missed round is still missing"),
                }
            }
        }
        Ok(())
    }

    fn block(&self) -> u64 {
        self.look.as_ref().map_or(0, |look| look.block)
    }

    /// Whether a transaction is a challenge to a claim that this node does not check.
    fn overlooks(&self, tx: &Tx) -> bool {
        let Tx::Challenge { claim, .. } = tx else { return false };
        let sample =
            Sample { secret: self.signer.to_bytes(), permille: self.config.check_permille };
        !sample.takes(*claim)
    }

    /// Keeps a record; with the commitment to an update, also what its quantisation left behind, so
    /// that the next round adds what this one left out, once.
    fn persist(&mut self, record: &Record) -> Result<(), NodeError> {
        let (Record::Committed { round, .. } | Record::Finished { round }) = *record;
        let committed = matches!(record, Record::Committed { .. });
        match self.trained.take_if(|(of, _)| committed && *of == round) {
            Some((_, residual)) => {
                let mut bytes = round.to_le_bytes().to_vec();
                residual.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
                self.store.append_with(&record.encode(), RESIDUAL, &bytes)?;
                self.residual = (round, residual);
            }
            None => self.store.append(&record.encode())?,
        }
        Ok(())
    }

    /// Does what the machine asks, in order; what must be durable is before what follows it starts.
    fn perform(
        &mut self,
        outputs: Vec<Output>,
        mut reply: Option<net::Reply>,
    ) -> Result<(), NodeError> {
        for output in outputs {
            match output {
                Output::Persist(record) => self.persist(&record)?,
                Output::Keep { bytes, .. } => drop(self.blobs.put(&bytes)?),
                Output::Train { round, seed, model_root } => self.train(round, seed, model_root),
                Output::Offer { to, round, update_root, blob } => {
                    self.offer(to, round, (update_root, blob));
                }
                Output::Attest { to, round, update_root, blob } => {
                    let digest =
                        digest::availability(&self.rounds.domain, (round, to), update_root, blob);
                    if let (Some(reply), Some(signature)) =
                        (reply.take(), peers::attest(&self.signer, digest))
                    {
                        reply.send(Response::Attest { signature });
                    }
                }
                Output::Refuse { reason, .. } => {
                    if let Some(reply) = reply.take() {
                        reply.send(Response::Refused { reason: reason.to_string() });
                    }
                }
                Output::Fetch { round, node, update_root, blob } => {
                    self.fetch(round, node, (update_root, blob));
                }
                Output::Aggregate { round, model_root, cumulative_root, members } => {
                    self.aggregate(round, (model_root, cumulative_root), members);
                }
                Output::Send(tx) if self.overlooks(&tx) => {
                    tracing::info!(?tx, "not among the claims that this node checks");
                }
                Output::Send(tx) => {
                    let transactor = Transactor {
                        client: self.client.clone(),
                        tensors: self.tensors.clone(),
                        blobs: self.blobs.clone(),
                        job: self.job.clone(),
                        docket: self.docket.clone(),
                        challenges: self.challenges.clone(),
                    };
                    tokio::spawn(transactor.send(tx));
                }
                Output::Finished { round } => {
                    tracing::info!(round, "the round has ended");
                    self.pulse.finished.inc();
                    self.store.retain_records(|record| matters(record, round))?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a record is of the round that ended last or of a later one; older ones bind nobody.
fn matters(record: &[u8], ended: u64) -> bool {
    Record::decode(record).is_ok_and(|record| record.round() >= ended)
}

/// Answers beside the event loop. What one peer has waiting at once is bounded by the transport.
fn aside(reply: net::Reply, answer: impl FnOnce() -> Response + Send + 'static) {
    tokio::task::spawn_blocking(move || reply.send(answer()));
}

/// A round waits for the report of the one before and, where the chain's clock is the market's, for
/// its day. `day` is midnight of the last round's day and of the next one's.
fn may_open(look: &Look, day: (Option<u64>, Option<u64>), reported: u64, data_clock: bool) -> bool {
    let round = &look.view.round;
    let (last, Some(next)) = day else { return false };
    let awaited = settled(look) || round.number == 0;
    let done = !awaited || last.is_none_or(|last| reported >= last);
    round.phase == Phase::Idle && done && (!data_clock || look.time >= next)
}

/// Whether the look shows a round that ended with a final claim.
fn settled(look: &Look) -> bool {
    look.view.round.phase == Phase::Idle
        && look.view.claim.as_ref().is_some_and(|claim| claim.state == court::State::Final)
}
