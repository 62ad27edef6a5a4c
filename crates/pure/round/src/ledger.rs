//! The contracts of a job as one state machine over block numbers.
//!
//! The pure mirror of `Registry`, `Rounds`, `Court`, `Rewards` and `Scores` with the token between
//! them: the same calls, the same checks in the same order, the same names of refusals. A call
//! first brings the round up to its block (a deadline that has passed counts as closed, whether or
//! not anybody called since), then checks, and only then changes anything.
//!
//! Invariants: a refused call changes nothing; balances, stakes, bonds, unpaid rewards and what was
//! burnt always sum to what was minted.
//!
//! Deliberately absent: allowances (every account is taken to allow its whole balance), endpoints,
//! and signatures: a certificate is the list of signers that the shell recovered.

use std::collections::BTreeMap;

use court::{Address, Claim, Court};
use tensor::Hash;

use crate::chain::{Block, Config, Phase, Round, Seat, View};
use crate::digest;

mod event;
mod refusal;
mod registry;
mod rewards;
mod rounds;
mod scores;
pub(crate) use rewards::amount;
pub(crate) use rounds::certificate_wei;
#[cfg(test)]
mod tests;

pub use event::Event;
pub use refusal::{Field, Refusal};
pub use registry::Node;
pub use scores::{Ground, Past, Player, window_root};

/// Everything that can be asked of the contracts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// `Registry.join`.
    Join {
        /// Receives pay and, at the end, the stake.
        payee: Address,
        /// Stake in wei.
        amount_wei: u128,
    },
    /// `Registry.addStake`.
    AddStake {
        /// Wei.
        amount_wei: u128,
    },
    /// `Registry.leave`.
    Leave,
    /// `Registry.withdraw`.
    Withdraw,
    /// `Rewards.fund`.
    Fund {
        /// Wei.
        amount_wei: u128,
    },
    /// `Rounds.open`.
    Open,
    /// `Rounds.draw`.
    Draw,
    /// `Rounds.commit`.
    Commit {
        /// The round meant.
        round: u64,
        /// [`crate::digest::commitment`].
        commitment: Hash,
    },
    /// `Rounds.reveal`.
    Reveal {
        /// The round meant.
        round: u64,
        /// Tensor root of the update.
        update_root: Hash,
        /// What the commitment was salted with.
        salt: Hash,
        /// BLAKE3 of the update's bytes.
        blob: Hash,
        /// Registry indices of the signers, in the order of the signatures; `None` for a signature
        /// that is nobody's.
        signers: Vec<Option<u32>>,
    },
    /// `Rounds.revealWithData`.
    RevealWithData {
        /// The round meant.
        round: u64,
        /// What the commitment was salted with.
        salt: Hash,
        /// As stated; the bytes are what counts.
        blob: Hash,
        /// The update, little-endian.
        update: Vec<u8>,
    },
    /// `Rounds.postResult`.
    PostResult {
        /// The round meant.
        round: u64,
        /// List root of the Program's outputs.
        outputs_root: Hash,
    },
    /// Any call of `Court` but `post`, which is the consumer's.
    Court(court::Input),
    /// `Rounds.settle`.
    Settle {
        /// The round meant.
        round: u64,
        /// Tensor roots of the outputs.
        output_roots: Vec<Hash>,
        /// The bytes of output 1.
        accepted_chunk: Vec<u8>,
    },
    /// `Rounds.poke`.
    Poke,
    /// `Scores.postWindow`.
    PostWindow {
        /// The round meant.
        round: u64,
        /// What the market did since, f64, little-endian.
        data: Vec<u8>,
    },
    /// `Scores.postScore`.
    PostScore {
        /// The round meant.
        round: u64,
        /// Roots of the inputs of its aggregation.
        inputs: Vec<Hash>,
        /// Roots of its outputs.
        outputs: Vec<Hash>,
        /// What the sender took for the score's inputs.
        inputs_root: Hash,
        /// List root of the score Program's outputs.
        outputs_root: Hash,
    },
    /// `Scores.settleScore`.
    SettleScore {
        /// The round meant.
        round: u64,
        /// Tensor roots of the outputs.
        output_roots: Vec<Hash>,
        /// The bytes of output 2.
        burn_chunk: Vec<u8>,
        /// The bytes of output 3.
        pay_chunk: Vec<u8>,
    },
    /// `Rewards.claim`.
    Claim {
        /// Whose pay, a registry index.
        node: u32,
        /// The chunk of the cumulative tensor in which it stands, with its path.
        opening: court::Opening,
    },
}

/// The stored round, without its seats; `committed` and `revealed` count seats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Core {
    number: u64,
    open_block: Block,
    commits_closed_block: Block,
    reveals_closed_block: Block,
    phase: Phase,
    attempt: u32,
    committed: u32,
    revealed: u32,
    claim: u64,
    /// The block in which the last claim of this round fell, 0 if none did.
    fell_block: Block,
    /// Who convicted it, the zero address if nobody did.
    convictor: Address,
    elect_seed: Hash,
    salts: Hash,
}

/// All contracts of one job, and the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    config: Config,
    now: Block,
    hashes: BTreeMap<Block, Hash>,
    balances: BTreeMap<Address, u128>,
    burnt_wei: u128,
    nodes: Vec<Node>,
    keys: BTreeMap<Address, u32>,
    court: Court,
    gas_price_wei: u128,
    core: Core,
    seats: Vec<Seat>,
    salts: Hash,
    model_root: Hash,
    cumulative_root: Hash,
    settled_count: u64,
    rewards_root: Hash,
    rewards_wei: u128,
    funded_wei: u128,
    paid_wei: BTreeMap<u32, u128>,
    books: Option<scores::Books>,
}

impl Ledger {
    /// Returns freshly deployed contracts, with the token minted to these accounts.
    ///
    /// # Errors
    ///
    /// [`Refusal::BadConfig`] for a configuration that the contracts would not be deployed with.
    pub fn new(config: Config, balances: &[(Address, u128)]) -> Result<Self, Refusal> {
        scores::check_terms(&config)?;
        rounds::check_config(&config)?;
        let mut court = Court::new(config.terms);
        let scored = config.scores.iter().flat_map(|terms| &terms.programs);
        config.aggregate_programs.iter().chain(scored).for_each(|program| court.admit(*program));
        let books = config.scores.as_ref().map(|_| scores::Books::new(&config));
        Ok(Self {
            now: 0,
            hashes: BTreeMap::new(),
            balances: balances.iter().copied().collect(),
            burnt_wei: 0,
            nodes: Vec::new(),
            keys: BTreeMap::new(),
            court,
            gas_price_wei: 0,
            core: Core::default(),
            seats: Vec::new(),
            salts: Hash::ZERO,
            model_root: config.initial_model,
            cumulative_root: config.initial_cumulative,
            settled_count: 0,
            rewards_root: Hash::ZERO,
            rewards_wei: 0,
            funded_wei: 0,
            paid_wei: BTreeMap::new(),
            books,
            config,
        })
    }

    /// Returns the same ledger on a chain where a unit of gas costs so much, in wei of the token.
    #[must_use]
    pub fn with_gas_price(mut self, gas_price_wei: u128) -> Self {
        self.gas_price_wei = gas_price_wei;
        self
    }

    /// Records the hash of a block, which calls in later blocks can see.
    pub fn observe(&mut self, block: Block, hash: Hash) {
        /// A call sees the 256 blocks before its own, and its own may have been recorded: a view of
        /// the last block is a call in it.
        const KEPT: usize = 257;
        self.hashes.insert(block, hash);
        while self.hashes.len() > KEPT {
            self.hashes.pop_first();
        }
    }

    /// Applies one call in block `now` and returns its events, or why it does nothing.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] where the contract would revert; the ledger is then unchanged.
    ///
    /// # Panics
    ///
    /// If `now` lies before the block of an earlier call.
    pub fn handle(
        &mut self,
        now: Block,
        caller: Address,
        input: Input,
    ) -> Result<Vec<Event>, Refusal> {
        assert!(now >= self.now, "block {now} after block {}", self.now);
        let before = self.now;
        self.now = now;
        let result = match input {
            Input::Join { payee, amount_wei } => self.join(caller, payee, amount_wei),
            Input::AddStake { amount_wei } => self.add_stake(caller, amount_wei),
            Input::Leave => self.leave(caller),
            Input::Withdraw => self.withdraw(caller),
            Input::Fund { amount_wei } => self.fund(caller, amount_wei),
            Input::Open => self.open(),
            Input::Draw => Ok(self.draw()),
            Input::Commit { round, commitment } => self.commit(caller, round, commitment),
            Input::Reveal { round, update_root, salt, blob, signers } => {
                self.reveal(caller, round, (update_root, salt, blob), &signers)
            }
            Input::RevealWithData { round, salt, blob, update } => {
                self.reveal_with_data(caller, round, (salt, blob), &update)
            }
            Input::PostResult { round, outputs_root } => {
                self.post_result(caller, round, outputs_root)
            }
            Input::Court(court::Input::Post { .. }) => Err(Refusal::OnlyConsumer),
            Input::Court(input) => self.court_call(caller, input),
            Input::Settle { round, output_roots, accepted_chunk } => {
                self.settle(round, &output_roots, &accepted_chunk)
            }
            Input::Poke => self.poke(),
            Input::PostWindow { round, data } => self.post_window(caller, round, &data),
            Input::PostScore { round, inputs, outputs, inputs_root, outputs_root } => {
                let roots = (inputs_root, outputs_root);
                self.post_score(caller, round, (&inputs, &outputs), roots)
            }
            Input::SettleScore { round, output_roots, burn_chunk, pay_chunk } => {
                self.settle_score(round, &output_roots, (&burn_chunk, &pay_chunk))
            }
            Input::Claim { node, opening } => self.claim_reward(node, &opening),
        };
        if result.is_err() {
            self.now = before;
        }
        result
    }

    /// Returns what was fixed at deployment.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the running round, or the last one, as of block `now`: `IRounds.current()`.
    #[must_use]
    pub fn round(&self, now: Block) -> Round {
        let core = self.as_of(now);
        Round {
            number: core.number,
            phase: core.phase,
            open_block: core.open_block,
            commits_closed_block: core.commits_closed_block,
            reveals_closed_block: core.reveals_closed_block,
            attempt: core.attempt,
            claim: core.claim,
            elect_seed: core.elect_seed,
            model_root: self.model_root,
            cumulative_root: self.cumulative_root,
            seats: self.seats_as_of(now),
        }
    }

    /// Returns what the node with this key sees at block `now`; `due_gwei` is the caller's to fill
    /// in, since the chain knows only the root of the pay it owes.
    #[must_use]
    pub fn view(&self, now: Block, key: Address) -> View {
        let round = self.round(now);
        let claim = self.court.claim(round.claim).ok().cloned();
        let is_own =
            |record: &court::Dispute| record.claim == round.claim && record.challenger == key;
        let seed = self.hashes.get(&round.open_block).filter(|_| round.open_block < now);
        let (job, number, salts) = (self.config.domain.job, round.number, self.core.salts);
        View {
            train_seed: seed.map(|hash| digest::train_seed(job, number, *hash, salts)),
            claim,
            challenged: self.court.disputes().any(|(_, record)| is_own(record)),
            aggregator: self.aggregator(now).ok(),
            own: self.keys.get(&key).copied(),
            actives: self.actives(),
            openable: self.openable(now),
            rewards_root: self.rewards_root,
            due_gwei: 0,
            round,
        }
    }

    /// Whether `open` would succeed, after the penalties of a round that passing blocks voided.
    fn openable(&self, now: Block) -> bool {
        let core = self.as_of(now);
        if core.phase != Phase::Idle || self.core.phase == Phase::Idle {
            return core.phase == Phase::Idle && self.check_open().is_ok();
        }
        let mut stored = self.clone();
        stored.save(core);
        stored.check_open().is_ok()
    }

    /// Returns a claim, as `ICourt.claim` does.
    #[must_use]
    pub fn claim(&self, id: u64) -> Option<&Claim> {
        self.court.claim(id).ok()
    }

    /// Returns the court, with its claims and disputes.
    #[must_use]
    pub fn court(&self) -> &Court {
        &self.court
    }

    /// Returns a node's record, by registry index.
    #[must_use]
    pub fn node(&self, index: u32) -> Option<&Node> {
        usize::try_from(index).ok().and_then(|index| self.nodes.get(index))
    }

    /// Returns an account's balance of the token in wei.
    #[must_use]
    pub fn balance_wei(&self, account: Address) -> u128 {
        self.balances.get(&account).copied().unwrap_or(0)
    }

    /// Returns what a node was paid so far, in wei.
    #[must_use]
    pub fn paid_wei(&self, node: u32) -> u128 {
        self.paid_wei.get(&node).copied().unwrap_or(0)
    }

    /// Returns the root of the cumulative tensor that `Rewards` pays from, zero before the first.
    #[must_use]
    pub fn rewards_root(&self) -> Hash {
        self.rewards_root
    }

    /// Returns how many rounds were settled.
    #[must_use]
    pub fn settled_count(&self) -> u64 {
        self.settled_count
    }

    /// Returns what penalties and lost bonds destroyed, in wei.
    #[must_use]
    pub fn burnt_wei(&self) -> u128 {
        self.burnt_wei
    }

    /// Returns the bonds that the court holds, in wei.
    #[must_use]
    pub fn bonds_wei(&self) -> u128 {
        self.court.held_wei()
    }

    /// Returns the sum of all balances, stakes, bonds, unpaid rewards and burnt tokens, in wei:
    /// what was minted, whatever happened since.
    #[must_use]
    pub fn total_wei(&self) -> u128 {
        let balances: u128 = self.balances.values().sum();
        let stakes: u128 = self.nodes.iter().map(|node| node.stake_wei).sum();
        balances + stakes + self.court.held_wei() + self.rewards_wei + self.burnt_wei
    }

    fn check_balance(&self, account: Address, needed_wei: u128) -> Result<(), Refusal> {
        let got_wei = self.balance_wei(account);
        if got_wei >= needed_wei {
            Ok(())
        } else {
            Err(Refusal::InsufficientBalance { account, got_wei, needed_wei })
        }
    }

    /// Takes from a balance that was checked.
    fn take(&mut self, account: Address, amount_wei: u128) {
        let balance = self.balances.entry(account).or_default();
        *balance = balance.checked_sub(amount_wei).expect("the balance was checked");
    }

    fn give(&mut self, account: Address, amount_wei: u128) {
        *self.balances.entry(account).or_default() += amount_wei;
    }

    /// Applies a call to the court and moves the token as it says.
    fn court_call(&mut self, caller: Address, input: court::Input) -> Result<Vec<Event>, Refusal> {
        let mut court = self.court.clone();
        let (block, gas_price_wei) = (self.now, self.gas_price_wei);
        let events = court.handle(court::Call { block, caller, gas_price_wei }, input)?;
        for event in &events {
            if let court::Event::BondTaken { from, amount_wei } = *event {
                self.check_balance(from, amount_wei)?;
            }
        }
        self.court = court;
        for event in &events {
            match *event {
                court::Event::BondTaken { from, amount_wei } => self.take(from, amount_wei),
                court::Event::Returned { to, amount_wei }
                | court::Event::Advanced { to, amount_wei } => self.give(to, amount_wei),
                court::Event::Burnt { amount_wei } => self.burnt_wei += amount_wei,
                _ => {}
            }
        }
        Ok(events.into_iter().map(Event::Court).collect())
    }
}
