//! What a node's machine asks for, done as a shell would do it.
//!
//! Effects are done in order, and a kill may fall between any two: what was durable before it
//! stays, the rest never happened. A liar's behaviour bends what it does here and nowhere else.

use std::sync::Arc;

use court::opening;
use round::aggregate::Row;
use round::machine::{Input, Member, Output, Tx};
use round::{digest, ledger};
use tensor::{Dtype, Hash, Shape, Tensor};

use super::{Happening, Look, Packet, World, liars};
use crate::behaviour::Behaviour;
use crate::check::Violation;
use crate::node::{Waiting, signature};
use crate::sabotage::Sabotage;
use crate::work::{self, Matter};

impl World {
    /// Gives a running node an input and does what it asks for.
    pub(super) fn feed(&mut self, to: usize, input: Input) -> Result<(), Violation> {
        let block = self.nodes[to].block;
        let Some(machine) = self.nodes[to].machine.as_mut() else { return Ok(()) };
        let outputs = machine.handle(block, input);
        for output in outputs {
            self.note_output(to, &output);
            self.perform(to, output)?;
            if self.faults && self.rng.chance(self.options.crash_within) {
                self.kill(to);
                break;
            }
        }
        Ok(())
    }

    /// Shows a node the chain, unless it has seen a later block.
    pub(super) fn look(&mut self, to: usize, life: u64, look: &Look) -> Result<(), Violation> {
        let node = &mut self.nodes[to];
        if node.life != life || node.machine.is_none() || node.block >= look.block {
            return Ok(());
        }
        node.block = look.block;
        let mut view = look.view();
        let root = self.ledger.rewards_root();
        view.due_gwei = self.due_gwei(to, root);
        if root != Hash::ZERO && !self.nodes[to].disk.tensors.contains_key(&root) {
            self.want(to, root);
        }
        self.ask_again(to);
        let (round, phase) = (view.round.number, view.round.phase);
        let half = view.round.commits_closed_block + self.config.reveal_blocks / 2;
        self.lie(to, &view);
        self.tend(to, &view);
        self.feed(to, Input::Chain(Box::new(view)))?;
        if let Some(view) = look.score_view() {
            self.look_at_scores(to, view)?;
        }
        self.litigate(to);
        if let Some(index) = look.own.filter(|_| self.nodes[to].machine.is_some()) {
            self.checkers.looked(index, (round, phase), look.block >= half);
        }
        Ok(())
    }

    /// What a node knows that it is owed.
    pub(super) fn due_gwei(&self, to: usize, root: Hash) -> u64 {
        let Some(index) = self.members.index(to) else { return 0 };
        let paid = self.nodes[to].disk.tensors.get(&root).and_then(|paid| paid.as_f64());
        let Some(owed) = paid.and_then(|paid| paid.get(index as usize)) else { return 0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pay is whole")]
        let owed = *owed as u64;
        let had = self.ledger.paid_wei(index) / round::chain::WEI_PER_GWEI;
        owed.saturating_sub(u64::try_from(had).expect("gwei of a balance"))
    }

    fn perform(&mut self, to: usize, output: Output) -> Result<(), Violation> {
        match output {
            Output::Persist(_) if self.sabotage == Some(Sabotage::ForgottenLog) => {}
            Output::Persist(record) => self.nodes[to].disk.records.push(record),
            Output::Keep { round, blob, bytes } => self.keep(to, round, (blob, bytes)),
            Output::Train { round, seed, model_root } => {
                self.nodes[to].waiting.push(Waiting::Train { round, seed, model_root });
                self.resume(to);
                self.ask_again(to);
            }
            Output::Offer { to: peers, round, update_root, blob } => {
                if self.nodes[to].behaviour == Behaviour::Withhold {
                    return Ok(());
                }
                let bytes = self.nodes[to].sends(&self.blob(to, blob));
                let equivocates = self.nodes[to].behaviour == Behaviour::Equivocate;
                for peer in peers {
                    let (mut named, mut bytes) = ((update_root, blob), Arc::clone(&bytes));
                    if equivocates && peer % 2 == 1 {
                        let (root, blob, other) = Self::other_update(&bytes);
                        (named, bytes) = ((root, blob), other.into());
                    }
                    let (update_root, blob) = named;
                    let offer = Packet::Offer { round, update_root, blob, bytes };
                    self.post(to, peer, offer);
                }
            }
            Output::Attest { to: author, round, update_root, blob } => {
                let digest = self.availability((round, author), (update_root, blob));
                let signature = self.nodes[to].sign(digest);
                let attest = Packet::Attest { round, update_root, blob, signature };
                self.post(to, author, attest);
            }
            Output::Refuse { .. } => {}
            Output::Fetch { round, node, update_root: _, blob } => {
                self.fetch(to, (round, node), blob);
            }
            Output::Aggregate { round, model_root, cumulative_root, members } => {
                let task = Waiting::Aggregate { round, model_root, cumulative_root, members };
                self.nodes[to].waiting.push(task);
                self.resume(to);
                self.ask_again(to);
            }
            Output::Send(tx) => self.send(to, tx)?,
            Output::Finished { round } => {
                self.nodes[to].disk.blobs.retain(|_, (kept, _)| *kept > round);
            }
        }
        Ok(())
    }

    /// What a holder of an update signs, computed once for the many who sign or check it.
    pub(super) fn availability(&mut self, place: (u64, u32), named: (Hash, Hash)) -> Hash {
        let domain = &self.config.domain;
        let digest = self.digests.entry((place, named));
        *digest.or_insert_with(|| digest::availability(domain, place, named.0, named.1))
    }

    /// Puts bytes on a node's disk; the same bytes on a thousand disks take room once.
    fn keep(&mut self, to: usize, round: u64, (blob, bytes): (Hash, Vec<u8>)) {
        let kept = self.blobs.entry(blob).or_insert_with(|| {
            let bytes: Arc<[u8]> = bytes.into();
            self.checkers.kept(round, &bytes);
            (round, bytes)
        });
        let bytes = Arc::clone(&kept.1);
        self.nodes[to].disk.blobs.insert(blob, (round, bytes));
    }

    fn blob(&self, to: usize, blob: Hash) -> Arc<[u8]> {
        Arc::clone(&self.nodes[to].disk.blobs.get(&blob).expect("kept before it was named").1)
    }

    /// Gets an update: from the own disk, the chain, its author, or some seat that may keep it.
    fn fetch(&mut self, to: usize, (round, node): (u64, u32), blob: Hash) {
        let own = self.nodes[to].disk.blobs.get(&blob).map(|(_, bytes)| bytes.to_vec());
        if let Some(bytes) = own.or_else(|| self.data.get(&(round, node)).cloned()) {
            let input = Box::new(Input::Fetched { round, node, bytes });
            self.schedule(1, Happening::Done { to, input });
            return;
        }
        let seats = self.checkers.seats();
        let peer = match self.rng.chance((1, 2)) {
            true => node,
            false if seats.is_empty() => node,
            false => seats[self.rng.index(seats.len())],
        };
        self.post(to, peer, Packet::WantBlob { round, node, blob });
    }

    fn want(&mut self, to: usize, root: Hash) {
        let peer = self.rng.index(self.nodes.len());
        self.pass(to, peer, Packet::WantTensor { root });
    }

    /// Asks peers for the tensors that work waits for.
    pub(super) fn ask_again(&mut self, to: usize) {
        if self.nodes[to].waiting.is_empty() {
            return;
        }
        let needs: Vec<Hash> = self.nodes[to].waiting.iter().flat_map(Waiting::needs).collect();
        for root in needs {
            if !self.nodes[to].disk.tensors.contains_key(&root) {
                self.want(to, root);
            }
        }
        self.want_aggregations(to);
    }

    /// Starts the work whose tensors are there.
    pub(super) fn resume(&mut self, to: usize) {
        let node = &mut self.nodes[to];
        let there = |task: &Waiting| task.is_ready(&node.disk);
        let (ready, waiting) = std::mem::take(&mut node.waiting).into_iter().partition(there);
        node.waiting = waiting;
        let ready: Vec<Waiting> = ready;
        for task in ready {
            if let Some(happening) = self.work(to, task) {
                let longest = if self.faults { self.options.work_ticks_max } else { 1 };
                let delay = self.rng.between(1, longest);
                self.schedule(delay, happening);
            }
        }
    }

    fn work(&mut self, to: usize, task: Waiting) -> Option<Happening> {
        let done = |input| Happening::Done { to, input: Box::new(input) };
        let index = self.members.index(to);
        let salt = self.rng.hash();
        let behaviour = self.nodes[to].behaviour;
        match task {
            Waiting::Train { round, seed, model_root } => {
                let params = &self.nodes[to].disk.tensors[&model_root];
                let update = work::train(seed, index?, params, behaviour);
                Some(done(Input::Trained { round, update, salt }))
            }
            Waiting::Aggregate { round, model_root, cumulative_root, members } => {
                let row = |m: &Member| (m.index, m.update_root);
                let rows = members.iter().map(row).collect();
                let matter = Matter { model_root, cumulative_root, rows };
                let (nodes, dimension) = (&self.nodes, self.options.dimension);
                let disk = &nodes[to].disk;
                // The round may have ended while a tensor was on its way, and its blobs be gone.
                if !members.iter().all(|m| disk.blobs.contains_key(&m.blob)) {
                    return None;
                }
                let case = self.computer.run(matter, || {
                    let tensor = |root| Tensor::clone(&disk.tensors[root]);
                    let row = |m: &Member| row_of(m, &disk.blobs[&m.blob].1, dimension);
                    let rows = members.iter().map(row).collect();
                    (tensor(&model_root), tensor(&cumulative_root), rows)
                });
                let (mut roots, mut paid) = (case.roots, Arc::clone(&case.outputs[3]));
                if let Some(index) = index.filter(|_| behaviour.bends() || self.is_off(to)) {
                    paid = Arc::new(work::more(&paid, index));
                    roots[3] = paid.root();
                }
                let accepted_chunk = case.accepted_chunk.clone();
                let disk = &mut self.nodes[to].disk;
                disk.tensors.insert(roots[0], Arc::clone(&case.outputs[0]));
                disk.tensors.insert(roots[3], paid);
                if self.options.scores.is_some() {
                    disk.waiting.insert(round, Arc::clone(&case));
                }
                disk.case = Some(case);
                Some(done(Input::Computed { round, output_roots: roots, accepted_chunk }))
            }
            Waiting::Score { round, claim, models, cumulative_root } => {
                let input = self.score(to, (round, claim), (&models, cumulative_root))?;
                Some(Happening::Scored { to, input: Box::new(input) })
            }
        }
    }

    /// Sends a transaction as the node's behaviour would have it.
    fn send(&mut self, from: usize, tx: Tx) -> Result<(), Violation> {
        if let Some(index) = self.members.index(from) {
            self.checkers.sent(index, &tx)?;
        }
        let Some(tx) = self.twist(from, tx) else { return Ok(()) };
        if let Some(input) = self.call(from, tx) {
            self.submit(from, input);
        }
        Ok(())
    }

    pub(super) fn submit(&mut self, from: usize, input: ledger::Input) {
        if !self.chain_lost(from) {
            let delay = self.delay();
            let input = Box::new(input);
            self.schedule(delay, Happening::Transaction { from, input });
        }
    }

    /// The call that a transaction makes: bytes read, signatures recovered, openings made.
    fn call(&mut self, from: usize, tx: Tx) -> Option<ledger::Input> {
        Some(match tx {
            Tx::Open => ledger::Input::Open,
            Tx::Commit { round, commitment } => ledger::Input::Commit { round, commitment },
            Tx::Reveal { round, update_root, salt, blob, signatures } => {
                let own = self.members.index(from)?;
                let digest = self.availability((round, own), (update_root, blob));
                let signers = signatures.iter().map(|(node, got)| {
                    let secret = self.nodes[self.members.node(*node)?].secret;
                    (*got == signature(secret, digest)).then_some(*node)
                });
                let mut signers = signers.collect();
                if self.nodes[from].behaviour == Behaviour::Garbage {
                    signers = liars::garbage(&mut self.rng, own, signers);
                }
                ledger::Input::Reveal { round, update_root, salt, blob, signers }
            }
            Tx::RevealWithData { round, salt, blob } => {
                let update = self.blob(from, blob).to_vec();
                ledger::Input::RevealWithData { round, salt, blob, update }
            }
            Tx::PostResult { round, outputs_root } => {
                ledger::Input::PostResult { round, outputs_root }
            }
            Tx::Challenge { claim, outputs_root } => {
                let program = self.ledger.claim(claim)?.program;
                let header = self.computer.programs.header(program);
                let challenge = court::Input::Challenge { id: claim, outputs_root, header };
                ledger::Input::Court(challenge)
            }
            Tx::Settle { round, output_roots, accepted_chunk } => {
                let output_roots = output_roots.to_vec();
                ledger::Input::Settle { round, output_roots, accepted_chunk }
            }
            Tx::ClaimReward { node, cumulative_root } => {
                let paid = self.nodes[from].disk.tensors.get(&cumulative_root)?;
                let chunk = node as usize / tensor::tree::CHUNK_ELEMENTS;
                let opening = opening::open(paid, chunk).ok()?;
                ledger::Input::Claim { node, opening }
            }
        })
    }
}

/// The row of a member whose update has these bytes.
fn row_of(member: &Member, bytes: &[u8], dimension: usize) -> Row {
    let shape = Shape::new(&[dimension]).expect("at least one coordinate");
    let update = Tensor::from_bytes(Dtype::I32, &shape, bytes).expect("checked when kept");
    Row { member: member.index, update }
}
