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

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::hash::Hasher as _;
use std::sync::Arc;

use court::advocate::Revealed;
use court::trace::Witness;
use court::{Address, Terms};
use round::chain::WEI_PER_TOKEN;
use round::ledger::{self, Event};
use round::machine::{Input, Retry};
use round::{Block, Config, Domain, Ledger, Phase, ScoreTerms, View, scorer};
use tensor::Hash;

use crate::behaviour::Behaviour;
use crate::check::{Checkers, Violation};
use crate::node::Node;
use crate::options::{Options, Size};
use crate::rng::Rng;
use crate::sabotage::Sabotage;
use crate::transcript::Transcript;
use crate::work::{self, Computer, Programs};

mod disputes;
mod effects;
mod faults;
mod liars;
mod members;
mod operators;
mod packets;
mod scores;

use faults::Split;
pub(crate) use members::{Members, accounts, key, node, payee};
use members::{account, client};
pub use packets::Packet;
pub(crate) use scores::rows;

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
    Look { to: usize, life: u64, look: Look },
    /// A packet arrives.
    Arrival { to: usize, from: usize, packet: Packet },
    /// A transaction reaches the chain.
    Transaction { from: usize, input: Box<ledger::Input> },
    /// Work ends; also work that was begun before a kill.
    Done { to: usize, input: Box<Input> },
    /// A score is computed, likewise.
    Scored { to: usize, input: Box<scorer::Input> },
    /// A killed process starts again.
    Restart { to: usize },
}

/// An update that somebody holds: round and author, then its tensor root and its blob.
type Held = ((u64, u32), (Hash, Hash));

/// A look at the chain: what all see of a block, and what one node sees besides.
#[derive(Clone, Debug)]
struct Look {
    block: Block,
    view: Arc<View>,
    own: Option<u32>,
    challenged: bool,
    /// What all see of scores, where rounds are paid by them, and whether this node disputes one.
    scores: Option<(Arc<scorer::View>, bool)>,
}

impl Look {
    fn view(&self) -> View {
        let mut view = View::clone(&self.view);
        (view.own, view.challenged) = (self.own, self.challenged);
        view
    }

    fn score_view(&self) -> Option<scorer::View> {
        let (view, challenged) = self.scores.as_ref()?;
        let mut view = scorer::View::clone(view);
        (view.own, view.challenged) = (self.own, *challenged);
        Some(view)
    }
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
    /// What happened since it was last emptied, a line each, if anybody wants to read it.
    pub lines: Option<Vec<String>>,
    /// A mistake that is made on purpose; a drawn run has none.
    pub sabotage: Option<Sabotage>,
    config: Config,
    computer: Computer,
    members: Members,
    rng: Rng,
    tick: u64,
    queue: BTreeMap<u64, Vec<Happening>>,
    nodes: Vec<Node>,
    block: Block,
    pool: Vec<(usize, ledger::Input)>,
    /// Every blob that some node keeps, with its round: equal bytes are held once.
    blobs: BTreeMap<Hash, (u64, Arc<[u8]>)>,
    /// Updates that were revealed with their bytes, by round and author.
    data: BTreeMap<(u64, u32), Vec<u8>>,
    /// What was revealed in each dispute, as the chain's log has it.
    revealed: BTreeMap<u64, Revealed>,
    /// What holders sign, by round and author and by what is held.
    digests: BTreeMap<Held, Hash>,
    /// Executions that disputes asked for, by their inputs and by whose account they are bent.
    witnesses: BTreeMap<(Hash, Option<u32>), Witness>,
    /// What the chain's log has of scores.
    log: scores::Log,
    faults: bool,
    openable: bool,
    split: Split,
    transcript: Transcript,
}

/// What a seed and a size decide before there is a world; both runs of a seed start from it.
#[derive(Clone, Debug)]
pub struct Setting {
    /// What was drawn.
    pub options: Options,
    programs: Arc<Programs>,
    rng: Rng,
}

impl Setting {
    /// Draws the setting of a seed.
    ///
    /// # Panics
    ///
    /// As [`Options::draw`].
    #[must_use]
    pub fn draw(seed: u64, size: Size) -> Self {
        let mut rng = Rng::new(seed);
        let options = Options::draw(&mut rng, &mut Rng::new(!seed), size);
        let programs = Programs::build(&options);
        Self { options, programs: Arc::new(programs), rng }
    }
}

impl World {
    /// Returns the world of a setting before its first tick.
    ///
    /// # Panics
    ///
    /// If the options make no job, which they are drawn not to.
    #[must_use]
    pub fn new(setting: Setting) -> Self {
        let Setting { options, programs, mut rng } = setting;
        let (params, paid) = work::genesis(options.lengths());
        let config = config(&options, &programs, &mut rng);
        let mut nodes: Vec<Node> = (0..options.count())
            .map(|i| Node::new(key(i), rng.hash(), options.behaviours[i]))
            .collect();
        let genesis = [Arc::new(params), Arc::new(paid)];
        for node in &mut nodes {
            for tensor in &genesis {
                node.disk.tensors.insert(tensor.root(), Arc::clone(tensor));
            }
        }
        let (ledger, members) = open_accounts(&config, &options);
        let [params, paid] = genesis;
        let initial = params.root();
        let checkers = Checkers::new(
            options.behaviours.clone(),
            (&ledger, members.clone()),
            (params, paid),
            options.score_blocks(),
        );
        let mut world = Self {
            checkers,
            ledger,
            lines: None,
            sabotage: None,
            computer: Computer::new(programs, config.budget_gwei),
            config,
            members,
            rng,
            tick: 0,
            queue: BTreeMap::new(),
            block: 1,
            pool: Vec::new(),
            blobs: BTreeMap::new(),
            data: BTreeMap::new(),
            revealed: BTreeMap::new(),
            digests: BTreeMap::new(),
            witnesses: BTreeMap::new(),
            log: scores::Log::new(initial),
            faults: true,
            openable: true,
            split: Split::default(),
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
        self.transcript.finish()
    }

    /// Returns how many rounds wait for their score and not for later rounds.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        let view = self.ledger.score_view(self.block, Address::default());
        view.map_or(0, |view| view.waiting.len() as u64)
    }

    /// Returns whether no round runs or waits for its score, every bond is back, and every honest
    /// node has its pay.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.ledger.bonds_wei() == 0
            && self.ledger.round(self.block).phase == Phase::Idle
            && self.waiting() == 0
            && self.checkers.all_paid(&self.ledger).is_ok()
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
        // Nothing is scheduled for the tick it is scheduled in.
        for happening in self.queue.remove(&self.tick).unwrap_or_default() {
            self.happen(happening)?;
        }
        Ok(())
    }

    /// Ends all faults: every process runs, every link works.
    pub fn heal(&mut self) {
        self.faults = false;
        self.checkers.healed(self.ledger.round(self.block).number);
        self.split.mend();
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
        debug_assert!(delay > 0, "a tick takes what was scheduled before it");
        self.queue.entry(self.tick + delay).or_default().push(happening);
    }

    /// Takes into the transcript, and into the lines if they are wanted, what a node did.
    fn note(&mut self, node: usize, what: std::fmt::Arguments<'_>) {
        self.transcript.write_u64(node as u64);
        self.transcript.write_fmt(what).expect("a transcript takes everything");
        self.tell(node, what);
    }

    /// As [`World::note`], for the effects of machines, of which there are many.
    fn note_output(&mut self, node: usize, output: &(impl std::hash::Hash + std::fmt::Debug)) {
        self.transcript.write_u64(node as u64);
        output.hash(&mut self.transcript);
        self.tell(node, format_args!("{output:?}"));
    }

    fn tell(&mut self, node: usize, what: std::fmt::Arguments<'_>) {
        let (block, tick) = (self.block, self.tick);
        if let Some(lines) = &mut self.lines {
            lines.push(format!("block {block} tick {tick} node {node}: {what}"));
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
            Happening::Look { to, life, look } => self.look(to, life, &look),
            Happening::Arrival { to, from, packet } => self.arrive(to, from, packet),
            Happening::Transaction { from, input } => {
                self.pool.push((from, *input));
                Ok(())
            }
            Happening::Done { to, input } => self.feed(to, *input),
            Happening::Scored { to, input } => self.weigh(to, *input),
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
        let mut view = self.ledger.view(self.block, Address::default());
        self.compare(&view);
        view.openable &= self.openable;
        let view = Arc::new(view);
        let challengers = self.challengers(view.round.claim);
        let scores = self.ledger.score_view(self.block, Address::default()).map(Arc::new);
        let id = scores.as_ref().and_then(|view| view.waiting.first()).map(|(_, past)| past.claim);
        let disputing = self.challengers(id.unwrap_or(0));
        for to in 0..self.nodes.len() {
            if !self.chain_lost(to) {
                let Node { key, life, .. } = self.nodes[to];
                let (own, challenged) = (self.members.index(to), challengers.contains(&key));
                let scores = scores.as_ref().map(|v| (Arc::clone(v), disputing.contains(&key)));
                let (block, view) = (self.block, Arc::clone(&view));
                let look = Look { block, view, own, challenged, scores };
                let delay = self.delay() + self.options.lags[to];
                self.schedule(delay, Happening::Look { to, life, look });
            }
        }
        self.schedule(self.options.block_ticks, Happening::Block);
        Ok(())
    }

    /// Returns who has a dispute about a claim that is not decided.
    fn challengers(&self, claim: u64) -> BTreeSet<Address> {
        let disputes = self.ledger.court().disputes().filter(|(_, record)| record.claim == claim);
        disputes.map(|(_, record)| record.challenger).collect()
    }

    /// Checks now and then that what a node is shown is what the ledger would show it.
    fn compare(&self, view: &View) {
        const EVERY: Block = 16;
        if self.block.is_multiple_of(EVERY) {
            let count = self.nodes.len() as u64;
            let to = usize::try_from(self.block / EVERY % count).expect("below a usize");
            let key = self.nodes[to].key;
            let (own, view) = (self.members.index(to), Arc::new(view.clone()));
            let challenged = self.challengers(view.round.claim).contains(&key);
            let look = Look { block: self.block, view, own, challenged, scores: None };
            let shown = look.view();
            assert!(shown == self.ledger.view(self.block, key), "node {to} is shown another chain");
        }
    }

    fn apply(&mut self, from: usize, input: ledger::Input) -> Result<(), Violation> {
        let key = self.nodes[from].key;
        if let ledger::Input::Reveal { round, .. } | ledger::Input::RevealWithData { round, .. } =
            &input
        {
            let round = *round;
            let state = self.ledger.round(self.block);
            let index = self.members.index(from);
            let taken = (round, Phase::Reveal) == (state.number, state.phase);
            if let Some(index) = index.filter(|_| taken) {
                self.checkers.arrived(round, index);
            }
        }
        let certificate = match &input {
            ledger::Input::Reveal { signers, .. } => Some(signers.clone()),
            _ => None,
        };
        let moved = match &input {
            ledger::Input::Court(court::Input::Move { dispute, record, .. }) => {
                Some((*dispute, record.clone()))
            }
            _ => None,
        };
        let window = match &input {
            ledger::Input::PostWindow { data, .. } => data.clone(),
            _ => Vec::new(),
        };
        let result = self.ledger.handle(self.block, key, input);
        if let Some((dispute, record)) = moved.filter(|_| result.is_ok()) {
            self.checkers.moved(key, (dispute, &record), &self.ledger)?;
        }
        self.note(from, format_args!("{result:?}"));
        let mut events = result.unwrap_or_default();
        self.misreport(&mut events);
        for event in &events {
            self.members.see(event);
            match event {
                Event::Revealed { round, node, data, .. } => {
                    let signers = certificate.as_deref();
                    self.checkers.revealed((*round, *node), signers, &self.ledger)?;
                    if !data.is_empty() {
                        self.data.insert((*round, *node), data.clone());
                    }
                }
                Event::Settled { round, model_root, .. } => {
                    self.forget(*round);
                    self.log.models.push(*model_root);
                }
                Event::WindowPosted { round, node, .. } => {
                    self.log.windows.insert((*round, *node), window.clone());
                    self.checkers.said(self.block, (*round, *node), &window);
                }
                Event::Scored { round, .. } => self.forget_waiting(*round),
                Event::Court(event) => self.log(event),
                _ => {}
            }
        }
        self.checkers.applied(self.block, &events, (&self.ledger, &mut self.computer))
    }

    /// Makes the ledger's mistakes, if it is to make any.
    fn misreport(&self, events: &mut Vec<Event>) {
        let is = |sabotage| self.sabotage == Some(sabotage);
        let again = |event: &&Event| match event {
            Event::Paid { .. } => is(Sabotage::RepeatedPay),
            Event::Settled { .. } => is(Sabotage::RepeatedEnd),
            Event::Scored { .. } => is(Sabotage::RepeatedScore),
            _ => false,
        };
        let repeated = events.iter().find(again).cloned();
        events.extend(repeated);
        for event in events.iter_mut().filter(|_| is(Sabotage::UnsaidBurn)) {
            if let Event::Scored { burnt_gwei, .. } = event {
                burnt_gwei.iter_mut().for_each(|(_, gwei)| *gwei = 0);
            }
        }
        events.retain(|event| match event {
            Event::Paid { .. } => !is(Sabotage::HiddenPay),
            Event::Penalised { .. } => !is(Sabotage::HiddenPenalty),
            _ => true,
        });
    }

    /// Drops what only rounds long ago needed.
    fn forget(&mut self, round: u64) {
        /// Packets of a round arrive long after it.
        const KEPT: u64 = 4;
        self.blobs.retain(|_, (of, _)| *of + KEPT > round);
        self.data.retain(|(of, _), _| *of + KEPT > round);
        self.digests.retain(|((of, _), _), _| of + KEPT > round);
        self.witnesses.clear();
    }

    fn delay(&mut self) -> u64 {
        let longest = if self.faults { self.options.delay_ticks_max } else { 1 };
        self.rng.between(1, longest)
    }
}

/// The job that the options describe.
fn config(options: &Options, programs: &Programs, rng: &mut Rng) -> Config {
    let (params, paid) = work::genesis(options.lengths());
    Config {
        domain: Domain { chain_id: 31337, rounds: account(9, 0), job: rng.hash() },
        nodes: options.nodes,
        quorum: options.quorum,
        capacity: options.capacity,
        cumulative_length: u32::try_from(options.cumulative_length).expect("small"),
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
        unbond_blocks: options.unbond_blocks(),
        scores: options.scores.as_ref().map(|scores| ScoreTerms {
            contract: account(10, 0),
            programs: programs.score_hashes(),
            models: scores.models,
            window_bytes: 8 * options.dimension,
            lag: scores.lag,
            window_blocks: scores.window_blocks,
            turn_blocks: scores.turn_blocks,
            budget_gwei: BUDGET_GWEI,
        }),
    }
}

/// The ledger with every account minted to, every node joined, and the job funded.
fn open_accounts(config: &Config, options: &Options) -> (Ledger, Members) {
    const FUNDED: &str = "the account was minted what it pays";
    let client = client();
    let mut balances = vec![(client, CLIENT_WEI)];
    for (i, behaviour) in options.behaviours.iter().enumerate() {
        let honest = *behaviour == Behaviour::Honest;
        let bonds = if honest { 40 } else { options.liar_bonds };
        let stake_wei = u128::from(options.stakes[i]) * WEI_PER_TOKEN;
        balances.push((key(i), stake_wei + u128::from(bonds) * BOND_WEI));
    }
    let ledger = Ledger::new(config.clone(), &balances).expect("the options keep the limits");
    let mut ledger = ledger.with_gas_price(options.gas_price_wei);
    let fund = ledger::Input::Fund { amount_wei: CLIENT_WEI };
    ledger.handle(1, client, fund).expect(FUNDED);
    let mut members = Members::new(options.count());
    let founders = (0..).zip(&options.stakes).filter(|(i, _)| options.joins[*i] == 0);
    for (i, stake) in founders {
        let amount_wei = u128::from(*stake) * WEI_PER_TOKEN;
        let join = ledger::Input::Join { payee: payee(i), amount_wei };
        let events = ledger.handle(1, key(i), join).expect(FUNDED);
        events.iter().for_each(|event| members.see(event));
    }
    (ledger, members)
}
