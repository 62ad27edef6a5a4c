//! The world of a run: time, the network, the chain, and the nodes in them.
//!
//! One queue of events ordered by tick and then by the order they were put in. A block is one of
//! them: it takes the waiting transactions in their order and shows itself to every node that can
//! see it. Faults are drawn tick by tick; once they are over, the world heals everything at once.
//!
//! Invariant: what happens is a function of the seed. Every effect and every event goes into the
//! transcript hash, by which two runs of a seed are compared.
//!
//! Absent: judgement. [`Checkers`] watch; the world only stops at the first violation.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use court::advocate::Revealed;
use court::{Address, Terms};
use round::chain::WEI_PER_TOKEN;
use round::ledger::{self, Event};
use round::machine::{Input, Retry};
use round::{Block, Config, Domain, Ledger, Phase, View};

use crate::check::{Checkers, Violation};
use crate::node::Node;
use crate::options::{Behaviour, Options};
use crate::rng::Rng;
use crate::transcript::Transcript;
use crate::work::{self, CUMULATIVE_LENGTH, Programs};

mod disputes;
mod effects;
mod packets;

pub use packets::Packet;

/// After how many blocks a machine asks again.
pub const RETRY: Retry = Retry { tx_blocks: 2, offer_blocks: 2, fetch_blocks: 2 };

/// Pay of one round.
const BUDGET_GWEI: u64 = 1_000_000_007;
/// Bond of a claim and of a challenge.
const BOND_WEI: u128 = 5 * WEI_PER_TOKEN;
/// The most that is advanced for a unit of gas.
const GAS_PRICE_WEI_MAX: u128 = 200_000_000_000;
const _: () = assert!(BOND_WEI >= court::bond_floor_wei(GAS_PRICE_WEI_MAX));
/// Balance of the client that funds the job.
const CLIENT_WEI: u128 = 10_000 * WEI_PER_TOKEN;

/// Something that happens at a tick.
#[derive(Clone, Debug)]
enum Happening {
    /// A block is made.
    Block,
    /// A node sees the chain as of a block.
    Look { to: usize, life: u64, block: Block, view: Box<View> },
    /// A packet arrives.
    Arrival { to: usize, from: usize, packet: Packet },
    /// A transaction reaches the chain.
    Transaction { from: usize, input: ledger::Input },
    /// Work ends; also work that was begun before a kill.
    Done { to: usize, input: Input },
    /// A killed process starts again.
    Restart { to: usize },
}

/// A run in progress.
#[derive(Debug)]
pub struct World {
    /// What its seed decided.
    pub options: Options,
    /// The chain.
    pub ledger: Ledger,
    /// The properties.
    pub checkers: Checkers,
    config: Config,
    programs: Programs,
    rng: Rng,
    tick: u64,
    order: u64,
    queue: BTreeMap<(u64, u64), Happening>,
    nodes: Vec<Node>,
    block: Block,
    pool: Vec<(usize, ledger::Input)>,
    /// Updates that were revealed with their bytes, by round and author.
    data: BTreeMap<(u64, u32), Vec<u8>>,
    /// What was revealed in each dispute, as the chain's log has it.
    revealed: BTreeMap<u64, Revealed>,
    faults: bool,
    openable: bool,
    split_until: u64,
    split: Vec<bool>,
    transcript: Transcript,
}

/// Returns the account of a node.
pub(crate) fn key(node: usize) -> Address {
    account(1, node)
}

fn account(kind: u8, number: usize) -> Address {
    let mut bytes = [kind; 20];
    bytes[19] = u8::try_from(number).expect("few nodes");
    Address(bytes)
}

impl World {
    /// Returns the world of a seed before its first tick.
    ///
    /// # Panics
    ///
    /// If the options make no job, which they are drawn not to.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let options = Options::draw(&mut rng);
        let programs = Programs::build(options.quorum, options.capacity, options.dimension);
        let genesis = work::genesis(options.dimension);
        let config = config(&options, &programs, &mut rng);
        let mut nodes: Vec<Node> = (0..options.count())
            .map(|i| Node::new(key(i), rng.hash(), options.behaviours[i]))
            .collect();
        for node in &mut nodes {
            for tensor in [&genesis.0, &genesis.1] {
                node.disk.tensors.insert(tensor.root(), tensor.clone());
            }
        }
        let ledger = open_accounts(&config, &options);
        let behaviours = options.behaviours.clone();
        let checkers = Checkers::new(behaviours, &ledger, genesis);
        let mut world = Self {
            checkers,
            ledger,
            config,
            programs,
            rng,
            tick: 0,
            order: 0,
            queue: BTreeMap::new(),
            block: 1,
            pool: Vec::new(),
            data: BTreeMap::new(),
            revealed: BTreeMap::new(),
            faults: true,
            openable: true,
            split_until: 0,
            split: vec![false; options.count()],
            transcript: Transcript::default(),
            nodes,
            options,
        };
        for node in &mut world.nodes {
            node.start(&world.config, RETRY);
        }
        world.schedule(1, Happening::Block);
        world
    }

    /// Returns the number of the last block.
    #[must_use]
    pub fn block(&self) -> Block {
        self.block
    }

    /// Returns the hash of everything that happened so far.
    #[must_use]
    pub fn transcript(&self) -> u64 {
        self.transcript.value()
    }

    /// Lets one tick pass.
    ///
    /// # Errors
    ///
    /// The first [`Violation`].
    pub fn step(&mut self) -> Result<(), Violation> {
        self.tick += 1;
        if self.faults {
            self.strike();
        }
        while let Some(entry) = self.queue.first_entry().filter(|e| e.key().0 <= self.tick) {
            let happening = entry.remove();
            self.happen(happening)?;
        }
        Ok(())
    }

    /// Ends all faults: every process runs, every link works.
    pub fn heal(&mut self) {
        self.faults = false;
        self.split_until = 0;
        for to in 0..self.nodes.len() {
            self.nodes[to].outage_until = 0;
            self.restart(to);
        }
    }

    /// Keeps honest nodes from opening further rounds.
    pub fn close(&mut self) {
        self.openable = false;
    }

    fn schedule(&mut self, delay: u64, happening: Happening) {
        self.order += 1;
        self.queue.insert((self.tick + delay, self.order), happening);
    }

    fn note(&mut self, what: std::fmt::Arguments<'_>) {
        self.transcript.write_fmt(what).expect("a transcript takes everything");
    }

    /// Draws this tick's faults.
    fn strike(&mut self) {
        let longest = self.options.fault_blocks_max * self.options.block_ticks;
        if self.tick >= self.split_until && self.rng.chance(self.options.split) {
            self.split_until = self.tick + self.rng.between(1, longest);
            for side in &mut self.split {
                *side = self.rng.chance((1, 2));
            }
        }
        for to in 0..self.nodes.len() {
            if self.rng.chance(self.options.crash) {
                self.kill(to);
            }
            if self.rng.chance(self.options.outage) {
                self.nodes[to].outage_until = self.tick + self.rng.between(1, longest);
            }
        }
    }

    fn kill(&mut self, to: usize) {
        if self.nodes[to].machine.is_some() {
            self.note(format_args!("kill {to}"));
            self.nodes[to].kill();
            let longest = self.options.fault_blocks_max * self.options.block_ticks;
            let down = self.rng.between(1, longest);
            self.schedule(down, Happening::Restart { to });
        }
    }

    fn restart(&mut self, to: usize) {
        if self.nodes[to].machine.is_none() {
            self.nodes[to].start(&self.config, RETRY);
        }
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Violation> {
        match happening {
            Happening::Block => self.make_block(),
            Happening::Look { to, life, block, view } => self.look(to, life, (block, view)),
            Happening::Arrival { to, from, packet } => self.arrive(to, from, packet),
            Happening::Transaction { from, input } => {
                self.pool.push((from, input));
                Ok(())
            }
            Happening::Done { to, input } => self.feed(to, input),
            Happening::Restart { to } => {
                self.restart(to);
                Ok(())
            }
        }
    }

    /// Takes the waiting transactions into a block and shows it around.
    fn make_block(&mut self) -> Result<(), Violation> {
        self.block += 1;
        for (from, input) in std::mem::take(&mut self.pool) {
            self.apply(from, input)?;
        }
        let hash = self.rng.hash();
        self.ledger.observe(self.block, hash);
        for to in 0..self.nodes.len() {
            let Node { key, life, .. } = self.nodes[to];
            let mut view = self.ledger.view(self.block, key);
            view.openable &= self.openable;
            let look = Happening::Look { to, life, block: self.block, view: Box::new(view) };
            if !self.chain_lost(to) {
                let delay = self.delay();
                self.schedule(delay, look);
            }
        }
        self.schedule(self.options.block_ticks, Happening::Block);
        Ok(())
    }

    fn apply(&mut self, from: usize, input: ledger::Input) -> Result<(), Violation> {
        let key = self.nodes[from].key;
        let node = u32::try_from(from).expect("few nodes");
        let state = self.ledger.round(self.block);
        if let ledger::Input::Reveal { round, .. } | ledger::Input::RevealWithData { round, .. } =
            input
            && (round, Phase::Reveal) == (state.number, state.phase)
        {
            self.checkers.arrived(round, node);
        }
        let result = self.ledger.handle(self.block, key, input);
        self.note(format_args!("{from} {result:?}"));
        let events = result.unwrap_or_default();
        for event in &events {
            match event {
                Event::Revealed { round, node, data, .. } if !data.is_empty() => {
                    self.data.insert((*round, *node), data.clone());
                }
                Event::Court(event) => self.log(event),
                _ => {}
            }
        }
        self.checkers.applied(&events, &self.ledger, &self.programs)
    }

    /// Whether something between a node and the chain is lost now.
    fn chain_lost(&mut self, node: usize) -> bool {
        self.faults
            && (self.nodes[node].outage_until > self.tick
                || self.rng.chance(self.options.chain_loss))
    }

    fn delay(&mut self) -> u64 {
        let longest = if self.faults { self.options.delay_ticks_max } else { 1 };
        self.rng.between(1, longest)
    }
}

/// The job that the options describe.
fn config(options: &Options, programs: &Programs, rng: &mut Rng) -> Config {
    let (params, paid) = work::genesis(options.dimension);
    Config {
        domain: Domain { chain_id: 31337, rounds: account(9, 0), job: rng.hash() },
        nodes: options.nodes,
        quorum: options.quorum,
        capacity: options.capacity,
        cumulative_length: u32::try_from(CUMULATIVE_LENGTH).expect("small"),
        commit_blocks: options.commit_blocks,
        reveal_blocks: options.reveal_blocks,
        aggregate_blocks: options.aggregate_blocks,
        budget_gwei: BUDGET_GWEI,
        unrevealed_penalty_wei: WEI_PER_TOKEN / 4,
        update_length: u32::try_from(options.dimension).expect("small"),
        initial_model: params.root(),
        initial_cumulative: paid.root(),
        aggregate_programs: programs.hashes(),
        terms: Terms {
            bond_wei: BOND_WEI,
            window_blocks: options.window_blocks,
            clock_blocks: options.clock_blocks,
            gas_price_wei_max: GAS_PRICE_WEI_MAX,
        },
        minimum_stake_wei: WEI_PER_TOKEN,
        unbond_blocks: 1000,
    }
}

/// The ledger with every account minted to, every node joined, and the job funded.
fn open_accounts(config: &Config, options: &Options) -> Ledger {
    const FUNDED: &str = "the account was minted what it pays";
    let client = account(8, 0);
    let mut balances = vec![(client, CLIENT_WEI)];
    for (i, behaviour) in options.behaviours.iter().enumerate() {
        let honest = *behaviour == Behaviour::Honest;
        let bonds = if honest { 40 } else { options.liar_bonds };
        let stake_wei = u128::from(options.stakes[i]) * WEI_PER_TOKEN;
        balances.push((account(1, i), stake_wei + u128::from(bonds) * BOND_WEI));
    }
    let ledger = Ledger::new(config.clone(), &balances).expect("the options keep the limits");
    let mut ledger = ledger.with_gas_price(options.gas_price_wei);
    let fund = ledger::Input::Fund { amount_wei: CLIENT_WEI };
    ledger.handle(1, client, fund).expect(FUNDED);
    for (i, stake) in options.stakes.iter().enumerate() {
        let amount_wei = u128::from(*stake) * WEI_PER_TOKEN;
        let join = ledger::Input::Join { payee: account(2, i), amount_wei };
        ledger.handle(1, account(1, i), join).expect(FUNDED);
    }
    ledger
}
