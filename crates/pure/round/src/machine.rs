//! One node's part in a round.
//!
//! Level-triggered: on every look at the chain the machine compares what it shows with what ought
//! to be there, and asks for the difference. It never waits for an answer to something it did: an
//! effect that was lost, by a crash or on the way, is asked for again when enough blocks have
//! passed and the chain still does not show it. So it is crash-only: [`Machine::restore`] from the
//! log is the only way it starts, and nothing is done at the end.
//!
//! Invariants: at most one commitment a round, ever, because the update and its salt are durable
//! before it is sent and never replaced; every deadline is a block number.
//!
//! Deliberately absent: timers (a block is the clock), randomness (salts come with the update),
//! keys, and tensors: the machine deals in roots, the shell keeps the bytes.

use std::collections::BTreeMap;

use court::{Address, opening};
use tensor::Hash;

use crate::aggregate;
use crate::chain::{Block, Config, Phase, Seat, View};

mod effect;
mod phases;
mod record;
#[cfg(test)]
mod tests;

pub use effect::{Input, Member, Output, Reason, Signature, Tx};
pub use record::{DecodeError, Record};

/// After how many blocks an effect that shows no result is asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// For transactions.
    pub tx_blocks: Block,
    /// For offers to peers.
    pub offer_blocks: Block,
    /// For fetches.
    pub fetch_blocks: Block,
}

/// What a transaction is for; one purpose is not pursued by two transactions at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Intent {
    Open,
    Commit,
    Reveal,
    /// By the number of claims that fell before.
    Post(u32),
    /// By the claim, as is settling.
    Challenge(u64),
    Settle(u64),
    ClaimReward,
}

/// The update this node stands by in the running round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Own {
    round: u64,
    update_root: Hash,
    blob: Hash,
    salt: Hash,
}

/// The result of the aggregation as this node computed it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Computed {
    outputs_root: Hash,
    output_roots: [Hash; 4],
    accepted_chunk: Vec<u8>,
}

/// What is known of the running round beyond the chain; lost in a crash, without harm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Work {
    round: u64,
    train_asked: bool,
    /// The commitment to the own update, with the index, root and salt it was hashed from.
    commitment: Option<((u32, Hash, Hash), Hash)>,
    signatures: BTreeMap<u32, Signature>,
    offered: BTreeMap<u32, Block>,
    /// Updates this node has signed for: author to update root and blob.
    attested: BTreeMap<u32, (Hash, Hash)>,
    /// Updates this node keeps: author to update root and blob.
    held: BTreeMap<u32, (Hash, Hash)>,
    fetched: BTreeMap<u32, Block>,
    aggregate_asked: bool,
    computed: Option<Computed>,
    idle_since: Option<Block>,
    sent: BTreeMap<Intent, Block>,
}

/// One node's behaviour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    config: Config,
    retry: Retry,
    key: Address,
    now: Block,
    view: Option<View>,
    own: Option<Own>,
    finished: u64,
    work: Work,
}

impl Machine {
    /// Returns a node's machine as of its log, which is empty at the first start.
    #[must_use]
    pub fn restore(
        config: Config,
        retry: Retry,
        key: Address,
        records: impl IntoIterator<Item = Record>,
    ) -> Self {
        let mut machine = Self {
            config,
            retry,
            key,
            now: 0,
            view: None,
            own: None,
            finished: 0,
            work: Work::default(),
        };
        for record in records {
            match record {
                Record::Committed { round, update_root, blob, salt } => {
                    if machine.own.is_none_or(|own| own.round < round) {
                        machine.own = Some(Own { round, update_root, blob, salt });
                    }
                }
                Record::Finished { round } => machine.finished = machine.finished.max(round),
            }
        }
        machine
    }

    /// Takes in what happened, as of block `now`, and returns what is to be done, in order.
    ///
    /// # Panics
    ///
    /// If an update from [`Input::Trained`] has not the job's length: the node is set up wrongly.
    pub fn handle(&mut self, now: Block, input: Input) -> Vec<Output> {
        self.now = self.now.max(now);
        let mut out = Vec::new();
        match input {
            Input::Chain(view) => self.see(*view, &mut out),
            Input::Trained { round, update, salt } => {
                self.trained(round, &update, salt, &mut out);
            }
            Input::Offer { round, node, update_root, blob, bytes } => {
                let answer = self.offer((round, node), (update_root, blob), bytes, &mut out);
                out.push(match answer {
                    Ok(()) => Output::Attest { to: node, round, update_root, blob },
                    Err(reason) => Output::Refuse { to: node, reason },
                });
            }
            Input::Signature { round, node, signature } => {
                if self.running(round) && self.view().round.seat(node).is_some() {
                    self.work.signatures.insert(node, signature);
                }
            }
            Input::Fetched { round, node, bytes } => self.fetched(round, node, bytes, &mut out),
            Input::Computed { round, output_roots, accepted_chunk } => {
                if self.running(round) && self.work.aggregate_asked {
                    let outputs_root = opening::list_root(&output_roots);
                    let computed = Computed { outputs_root, output_roots, accepted_chunk };
                    self.work.computed = Some(computed);
                }
            }
        }
        if self.view.is_some() {
            self.step(&mut out);
        }
        out
    }

    /// Returns the last round that this node knows to have ended.
    #[must_use]
    pub fn finished(&self) -> u64 {
        self.finished
    }

    /// Whether `round` is the one the chain was last seen in.
    fn running(&self, round: u64) -> bool {
        self.view.as_ref().is_some_and(|view| view.round.number == round)
    }

    fn view(&self) -> &View {
        self.view.as_ref().expect("nothing is stepped before the chain was seen")
    }

    fn own_seat(&self) -> Option<&Seat> {
        let view = self.view();
        view.own.and_then(|index| view.round.seat(index))
    }

    fn see(&mut self, view: View, out: &mut Vec<Output>) {
        let (round, idle) = (view.round.number, view.round.phase == Phase::Idle);
        if self.work.round != round {
            self.work = Work { round, ..Work::default() };
        }
        if !idle {
            self.work.idle_since = None;
        } else if self.work.idle_since.is_none() {
            self.work.idle_since = Some(self.now);
        }
        let ended = if idle { round } else { round.saturating_sub(1) };
        if ended > self.finished {
            self.finished = ended;
            out.push(Output::Persist(Record::Finished { round: ended }));
            out.push(Output::Finished { round: ended });
        }
        self.view = Some(view);
    }

    /// Fixes the update of a round: from here on there is no other.
    fn trained(&mut self, round: u64, update: &[i32], salt: Hash, out: &mut Vec<Output>) {
        let expected = self.update_bytes() / 4;
        assert!(update.len() == expected, "an update of {} for {expected}", update.len());
        let open = self.running(round)
            && self.view().round.phase == Phase::Commit
            && self.own_seat().is_some_and(|seat| seat.commitment == Hash::ZERO)
            && self.own.is_none_or(|own| own.round < round);
        if !open {
            return;
        }
        let bytes: Vec<u8> = update.iter().flat_map(|q| q.to_le_bytes()).collect();
        let blob = Hash(*blake3::hash(&bytes).as_bytes());
        let update_root = aggregate::bytes_root(&bytes);
        out.push(Output::Keep { round, blob, bytes });
        out.push(Output::Persist(Record::Committed { round, update_root, blob, salt }));
        self.own = Some(Own { round, update_root, blob, salt });
    }

    /// Checks an offered update and keeps it; the answer is whether to sign for it.
    fn offer(
        &mut self,
        (round, node): (u64, u32),
        named: (Hash, Hash),
        bytes: Vec<u8>,
        out: &mut Vec<Output>,
    ) -> Result<(), Reason> {
        if !self.running(round) || self.view().round.phase != Phase::Reveal {
            return Err(Reason::NotNow { round });
        }
        let own = self.own_seat().ok_or(Reason::NotSeated)?.index;
        let seat = self.view().round.seat(node).filter(|_| node != own);
        let reveals = seat.is_some_and(|seat| seat.commitment != Hash::ZERO && !seat.revealed);
        if !reveals {
            return Err(Reason::NothingToReveal { node });
        }
        match self.work.attested.get(&node) {
            Some(before) if *before == named => return Ok(()),
            Some(_) => return Err(Reason::Another { node }),
            None => {}
        }
        let (expected, got) = (self.update_bytes(), bytes.len());
        if got != expected {
            return Err(Reason::Length { expected, got });
        }
        let (update_root, blob) = named;
        let hash = Hash(*blake3::hash(&bytes).as_bytes());
        if hash != blob || aggregate::bytes_root(&bytes) != update_root {
            return Err(Reason::Mismatch);
        }
        out.push(Output::Keep { round, blob, bytes });
        self.work.attested.insert(node, named);
        self.work.held.insert(node, named);
        Ok(())
    }

    /// Keeps a revealed update if its bytes are the ones revealed.
    fn fetched(&mut self, round: u64, node: u32, bytes: Vec<u8>, out: &mut Vec<Output>) {
        if !self.running(round) || bytes.len() != self.update_bytes() {
            return;
        }
        let seat = self.view().round.seat(node).copied();
        let Some(seat) = seat.filter(|seat| seat.revealed) else { return };
        // Hashing once is enough, however often an answer comes.
        if self.work.held.get(&node).is_some_and(|(root, _)| *root == seat.update_root) {
            return;
        }
        let update_root = aggregate::bytes_root(&bytes);
        if update_root != seat.update_root {
            return;
        }
        let blob = Hash(*blake3::hash(&bytes).as_bytes());
        out.push(Output::Keep { round, blob, bytes });
        self.work.held.insert(node, (update_root, blob));
    }

    fn update_bytes(&self) -> usize {
        4 * usize::try_from(self.config.update_length).expect("a usize holds a u32")
    }

    /// Sends a transaction unless one for the same purpose is on its way.
    fn send(&mut self, intent: Intent, tx: Tx, out: &mut Vec<Output>) {
        if due(self.work.sent.get(&intent), self.now, self.retry.tx_blocks) {
            self.work.sent.insert(intent, self.now);
            out.push(Output::Send(tx));
        }
    }
}

/// Whether something last done in block `last`, if ever, is to be done again.
pub(crate) fn due(last: Option<&Block>, now: Block, retry_blocks: Block) -> bool {
    last.is_none_or(|last| now >= last.saturating_add(retry_blocks))
}
