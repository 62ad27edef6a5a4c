//! What a node's machine asks for, done as a shell would do it.
//!
//! Effects are done in order, and a kill may fall between any two: what was durable before it
//! stays, the rest never happened. A liar's behaviour bends what it does here and nowhere else.

use court::opening;
use round::aggregate::{self, Row};
use round::machine::{Input, Member, Output, Tx};
use round::{Block, Phase, View, digest, ledger};
use tensor::{Dtype, Hash, Shape, Tensor};

use super::{Happening, Packet, World};
use crate::check::Violation;
use crate::node::{Case, Waiting, signature};
use crate::options::Behaviour;
use crate::work;

impl World {
    /// Gives a running node an input and does what it asks for.
    pub(super) fn feed(&mut self, to: usize, input: Input) -> Result<(), Violation> {
        let block = self.nodes[to].block;
        let Some(machine) = self.nodes[to].machine.as_mut() else { return Ok(()) };
        let outputs = machine.handle(block, input);
        for output in outputs {
            self.note(format_args!("{to} {output:?}"));
            self.perform(to, output)?;
            if self.faults && self.rng.chance(self.options.crash_within) {
                self.kill(to);
                break;
            }
        }
        Ok(())
    }

    /// Shows a node the chain, unless it has seen a later block.
    pub(super) fn look(
        &mut self,
        to: usize,
        life: u64,
        (block, mut view): (Block, Box<View>),
    ) -> Result<(), Violation> {
        let node = &mut self.nodes[to];
        if node.life != life || node.machine.is_none() || node.block >= block {
            return Ok(());
        }
        node.block = block;
        let index = u32::try_from(to).expect("few nodes");
        let root = self.ledger.rewards_root();
        view.due_gwei = self.due_gwei(to, root);
        if root != Hash::ZERO && !self.nodes[to].disk.tensors.contains_key(&root) {
            self.want(to, root);
        }
        self.ask_again(to);
        let (round, phase) = (view.round.number, view.round.phase);
        let late = block >= view.round.commits_closed_block + self.config.reveal_blocks / 2;
        self.spam(to, &view);
        self.feed(to, Input::Chain(view))?;
        self.litigate(to);
        if self.nodes[to].machine.is_some() {
            self.checkers.looked(index, (round, phase), late);
        }
        Ok(())
    }

    /// What a node knows that it is owed.
    fn due_gwei(&self, to: usize, root: Hash) -> u64 {
        let Some(paid) = self.nodes[to].disk.tensors.get(&root).and_then(Tensor::as_f64) else {
            return 0;
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pay is whole")]
        let owed = paid[to] as u64;
        let index = u32::try_from(to).expect("few nodes");
        let had = self.ledger.paid_wei(index) / round::chain::WEI_PER_GWEI;
        owed.saturating_sub(u64::try_from(had).expect("gwei of a balance"))
    }

    fn perform(&mut self, to: usize, output: Output) -> Result<(), Violation> {
        match output {
            Output::Persist(record) => self.nodes[to].disk.records.push(record),
            Output::Keep { round, blob, bytes } => {
                self.checkers.kept(&bytes);
                self.nodes[to].disk.blobs.insert(blob, (round, bytes));
            }
            Output::Train { round, seed, model_root } => {
                self.nodes[to].waiting.push(Waiting::Train { round, seed, model_root });
                self.resume(to);
                self.ask_again(to);
            }
            Output::Offer { to: peers, round, update_root, blob } => {
                if self.nodes[to].behaviour == Behaviour::Withhold {
                    return Ok(());
                }
                let bytes = self.blob(to, blob);
                for peer in peers {
                    let bytes = self.nodes[to].sends(&bytes);
                    let offer = Packet::Offer { round, update_root, blob, bytes };
                    self.post(to, peer as usize, offer);
                }
            }
            Output::Attest { to: author, round, update_root, blob } => {
                let domain = &self.config.domain;
                let digest = digest::availability(domain, (round, author), update_root, blob);
                let signature = self.nodes[to].sign(digest);
                let attest = Packet::Attest { round, update_root, blob, signature };
                self.post(to, author as usize, attest);
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

    fn blob(&self, to: usize, blob: Hash) -> Vec<u8> {
        self.nodes[to].disk.blobs.get(&blob).expect("kept before it was named").1.clone()
    }

    /// Gets an update: from the own disk, the chain, its author, or somebody else.
    fn fetch(&mut self, to: usize, (round, node): (u64, u32), blob: Hash) {
        let own = self.nodes[to].disk.blobs.get(&blob).map(|(_, bytes)| bytes.clone());
        if let Some(bytes) = own.or_else(|| self.data.get(&(round, node)).cloned()) {
            let input = Input::Fetched { round, node, bytes };
            self.schedule(1, Happening::Done { to, input });
            return;
        }
        let other = self.rng.index(self.nodes.len());
        for peer in [node as usize, other] {
            self.post(to, peer, Packet::WantBlob { round, node, blob });
        }
    }

    fn want(&mut self, to: usize, root: Hash) {
        let peer = self.rng.index(self.nodes.len());
        self.post(to, peer, Packet::WantTensor { root });
    }

    /// Asks peers for the tensors that work waits for.
    fn ask_again(&mut self, to: usize) {
        let needs: Vec<Hash> = self.nodes[to].waiting.iter().flat_map(Waiting::needs).collect();
        for root in needs {
            if !self.nodes[to].disk.tensors.contains_key(&root) {
                self.want(to, root);
            }
        }
    }

    /// Starts the work whose tensors are there.
    pub(super) fn resume(&mut self, to: usize) {
        let node = &mut self.nodes[to];
        let tensors = &node.disk.tensors;
        let there = |task: &Waiting| task.needs().iter().all(|root| tensors.contains_key(root));
        let (ready, waiting) = std::mem::take(&mut node.waiting).into_iter().partition(there);
        node.waiting = waiting;
        let ready: Vec<Waiting> = ready;
        for task in ready {
            let input = self.work(to, task);
            let longest = if self.faults { self.options.work_ticks_max } else { 1 };
            let delay = self.rng.between(1, longest);
            self.schedule(delay, Happening::Done { to, input });
        }
    }

    fn work(&mut self, to: usize, task: Waiting) -> Input {
        let index = u32::try_from(to).expect("few nodes");
        let salt = self.rng.hash();
        let node = &self.nodes[to];
        let tensors = &node.disk.tensors;
        match task {
            Waiting::Train { round, seed, model_root } => {
                let update = work::train(seed, index, &tensors[&model_root], node.behaviour);
                Input::Trained { round, update, salt }
            }
            Waiting::Aggregate { round, model_root, cumulative_root, members } => {
                let (params, paid) = (tensors[&model_root].clone(), &tensors[&cumulative_root]);
                let rows: Vec<Row> = members.iter().map(|m| self.row(to, m)).collect();
                let budget_gwei = self.config.budget_gwei;
                let mut outputs =
                    self.programs.run(params.clone(), paid.clone(), budget_gwei, &rows);
                if node.behaviour.bends() {
                    outputs = work::bend(&outputs, index);
                }
                let inputs = aggregate::inputs((params, paid.clone()), budget_gwei, &rows);
                let inputs = inputs.expect("they were aggregated");
                let inputs_root = opening::list_root(&opening::roots(&inputs));
                let case = Case { inputs_root, rows: rows.len(), inputs };
                self.nodes[to].disk.case = Some(case);
                let roots = opening::roots(&outputs).try_into().expect("four outputs");
                let chunk = opening::open(&outputs[1], 0).expect("the one chunk of output 1").chunk;
                for kept in [0, 3] {
                    let tensor = outputs[kept].clone();
                    self.nodes[to].disk.tensors.insert(tensor.root(), tensor);
                }
                Input::Computed { round, output_roots: roots, accepted_chunk: chunk }
            }
        }
    }

    fn row(&self, to: usize, member: &Member) -> Row {
        let shape = Shape::new(&[self.options.dimension]).expect("at least one coordinate");
        let bytes = self.blob(to, member.blob);
        let update = Tensor::from_bytes(Dtype::I32, &shape, &bytes).expect("checked when kept");
        Row { member: member.index, update }
    }

    /// Sends a transaction as the node's behaviour would have it.
    fn send(&mut self, from: usize, tx: Tx) -> Result<(), Violation> {
        let index = u32::try_from(from).expect("few nodes");
        self.checkers.sent(index, &tx)?;
        let withheld = matches!(
            (self.nodes[from].behaviour, &tx),
            (Behaviour::NoReveal, Tx::Reveal { .. } | Tx::RevealWithData { .. })
                | (Behaviour::SilentAggregator | Behaviour::FalseAlarm, Tx::PostResult { .. })
                | (Behaviour::WrongResult | Behaviour::Bluff, Tx::Challenge { .. })
                | (Behaviour::Withhold, Tx::Settle { .. })
        );
        if withheld {
            return Ok(());
        }
        if let Some(input) = self.call(from, tx) {
            self.submit(from, input);
        }
        Ok(())
    }

    pub(super) fn submit(&mut self, from: usize, input: ledger::Input) {
        if !self.chain_lost(from) {
            let delay = self.delay();
            self.schedule(delay, Happening::Transaction { from, input });
        }
    }

    /// The call that a transaction makes: bytes read, signatures recovered, openings made.
    fn call(&self, from: usize, tx: Tx) -> Option<ledger::Input> {
        Some(match tx {
            Tx::Open => ledger::Input::Open,
            Tx::Commit { round, commitment } => ledger::Input::Commit { round, commitment },
            Tx::Reveal { round, update_root, salt, blob, signatures } => {
                let own = u32::try_from(from).expect("few nodes");
                let domain = &self.config.domain;
                let digest = digest::availability(domain, (round, own), update_root, blob);
                let signers = signatures.iter().map(|(node, got)| {
                    let secret = self.nodes[*node as usize].secret;
                    (*got == signature(secret, digest)).then_some(*node)
                });
                let signers = signers.collect();
                ledger::Input::Reveal { round, update_root, salt, blob, signers }
            }
            Tx::RevealWithData { round, salt, blob } => {
                let update = self.blob(from, blob);
                ledger::Input::RevealWithData { round, salt, blob, update }
            }
            Tx::PostResult { round, outputs_root } => {
                ledger::Input::PostResult { round, outputs_root }
            }
            Tx::Challenge { claim, outputs_root } => {
                let program = self.ledger.claim(claim)?.program;
                let header = self.programs.header(program);
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

    /// What a spammer sends besides: a second commitment, and calls that are out of place.
    fn spam(&mut self, from: usize, view: &View) {
        if self.nodes[from].behaviour != Behaviour::Spam {
            return;
        }
        let (round, salt, root) = (view.round.number, self.rng.hash(), self.rng.hash());
        let input = match (view.round.phase, self.rng.index(4)) {
            (Phase::Commit, 0) => ledger::Input::Commit { round, commitment: root },
            (_, 0) => ledger::Input::RevealWithData {
                round,
                salt,
                blob: root,
                update: vec![0; 4 * self.options.dimension],
            },
            (_, 1) => ledger::Input::PostResult { round, outputs_root: root },
            (_, 2) => ledger::Input::Settle {
                round,
                output_roots: vec![root; 4],
                accepted_chunk: vec![0; 128],
            },
            _ => ledger::Input::Poke,
        };
        self.submit(from, input);
    }
}
