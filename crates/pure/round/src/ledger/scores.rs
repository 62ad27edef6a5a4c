//! Pay by score: the mirror of `Scores`.
//!
//! A settled round waits for `lag` later ones, its nodes say what the market did meanwhile, and a
//! claim of the score Program says who is paid and whose stake is burnt.
//!
//! Invariants: rounds are scored in the order in which they settled, each once; what they are paid
//! in all is never above what was funded; nobody is paid on a stake that could be gone before the
//! score.
//!
//! Deliberately absent: the bytes of a window, of which the chain has no more than an event; and
//! the score itself, which is the Program's word.

use std::collections::BTreeMap;

use court::{Address, State};
use tensor::{Hash, Tensor, tree};

use super::{Event, Ledger, Refusal, rewards::amount};
use crate::aggregate::{self, BUDGET_MAX_GWEI};
use crate::chain::{Block, Config, SEATS_MAX, ScoreTerms, Seat, WEI_PER_GWEI};
use crate::{digest, score};

#[cfg(test)]
mod tests;
mod view;

/// Bytes of a chunk of f64.
const CHUNK_BYTES: usize = 256;
/// The largest stake of a row that has an exact double, in gwei.
const STAKE_MAX_GWEI: u128 = 1 << 53;
const CUMULATIVE: usize = 1;
const BURN: usize = 2;
const PAY: usize = 3;

/// The rows of one node: `IScores.Player`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Player {
    /// Registry index.
    pub index: u32,
    /// How many rows.
    pub rows: u32,
    /// Stake behind each in gwei, rounded down: of when the seats were drawn, from the window's
    /// opening on no more than is then held until the score.
    pub stake_gwei: u64,
    /// Tensor root of what it says the market did, zero until it has.
    pub window: Hash,
}

/// A settled round that is not scored: `IScores.Past`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// How many rounds were settled before it.
    pub place: usize,
    /// Revealed rows.
    pub rows: u32,
    /// Rows whose window is missing.
    pub waiting: u32,
    /// Claims about its score that fell.
    pub attempt: u32,
    /// Block from which windows are taken, 0 before.
    pub open_block: Block,
    /// Block in which the last window came, 0 before.
    pub full_block: Block,
    /// What the score's claim may pay, once there is one.
    pub budget_gwei: u64,
    /// Claim by which it was settled.
    pub aggregation: u64,
    /// The score's claim, 0 for none.
    pub claim: u64,
    /// The last of its claims that fell, 0 for none.
    pub fallen: u64,
    /// Its electing seed.
    pub seed: Hash,
    /// Ascending by registry index.
    pub players: Vec<Player>,
}

/// What a score is claimed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ground {
    /// The score Program for the round's rows.
    pub program: Hash,
    /// List root of its inputs.
    pub inputs_root: Hash,
    /// What it may pay.
    pub budget_gwei: u64,
}

/// What `Scores` stores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Books {
    pasts: BTreeMap<u64, Past>,
    /// Settled rounds in their order.
    order: Vec<u64>,
    /// The initial model, then the one after each settled round.
    models: Vec<Hash>,
    cumulative_root: Hash,
    scored: usize,
    paid_wei: u128,
}

impl Books {
    pub(super) fn new(config: &Config) -> Self {
        let (models, cumulative_root) = (vec![config.initial_model], config.initial_cumulative);
        Self { models, cumulative_root, ..Self::default() }
    }
}

/// Checks what the contract's constructor checks.
pub(super) fn check_terms(config: &Config) -> Result<(), Refusal> {
    let Some(terms) = &config.scores else { return Ok(()) };
    let most = usize::try_from(config.quorum).expect("a usize holds a u32") + terms.programs.len();
    let fits = |blocks: Block| blocks > 0 && blocks <= 1 << 32;
    let programs = !terms.programs.is_empty() && most - 1 <= aggregate_rows();
    let checks = [
        (config.quorum > 0, "quorum"),
        (programs, "programs"),
        (terms.models > 0, "models"),
        (whole(terms.window_bytes), "windowLength"),
        (terms.lag > 0, "lag"),
        (fits(terms.window_blocks), "windowBlocks"),
        (fits(terms.turn_blocks), "turnBlocks"),
        (terms.budget_gwei <= BUDGET_MAX_GWEI, "budgetGwei"),
        (config.unbond_blocks > score_blocks(config, terms), "unbondBlocks"),
    ];
    match checks.iter().find(|(holds, _)| !holds) {
        Some((_, field)) => Err(Refusal::BadTerms { field }),
        None => Ok(()),
    }
}

fn whole(window_bytes: usize) -> bool {
    /// What a window may have at most.
    const WINDOW_MAX: usize = 16_384;
    window_bytes > 0 && window_bytes.is_multiple_of(8) && window_bytes <= WINDOW_MAX
}

fn aggregate_rows() -> usize {
    usize::try_from(SEATS_MAX).expect("a usize holds a u32")
}

/// Blocks from a window's opening to a score at the latest, if no claim of it is wrong.
fn score_blocks(config: &Config, terms: &ScoreTerms) -> Block {
    let rows = u64::from(config.quorum) + terms.programs.len() as u64 - 1;
    let court = config.terms.window_blocks.saturating_add(2 * config.terms.clock_blocks);
    (terms.turn_blocks * rows).saturating_add(terms.window_blocks).saturating_add(court)
}

fn stake_gwei(stake_wei: u128, rows: u32) -> u64 {
    let each = (stake_wei / u128::from(rows) / WEI_PER_GWEI).min(STAKE_MAX_GWEI);
    u64::try_from(each).expect("at most 2^53")
}

/// Returns the tensor root of a window from its bytes (f64, little-endian).
#[must_use]
pub fn window_root(bytes: &[u8]) -> Hash {
    let leaf = |chunk: &[u8]| {
        let mut padded = [0; CHUNK_BYTES];
        padded[..chunk.len()].copy_from_slice(chunk);
        tree::leaf(&padded)
    };
    tree::root(&bytes.chunks(CHUNK_BYTES).map(leaf).collect::<Vec<_>>())
}

impl Ledger {
    /// Returns a settled round that is not scored, as of block `now`: a claim that fell is counted.
    #[must_use]
    pub fn past(&self, round: u64) -> Option<Past> {
        let mut past = self.books()?.pasts.get(&round)?.clone();
        self.fall(&mut past);
        Some(past)
    }

    /// Returns the round that is scored next.
    #[must_use]
    pub fn next_score(&self) -> Option<u64> {
        let books = self.books()?;
        books.order.get(books.scored).copied()
    }

    /// Returns the root of the cumulative tensor after the last scored round, and how many were
    /// scored and paid so far, in wei.
    #[must_use]
    pub fn scored(&self) -> Option<(Hash, usize, u128)> {
        self.books().map(|books| (books.cumulative_root, books.scored, books.paid_wei))
    }

    /// Returns whose turn it is at block `now` to post the next round's score, and whether any node
    /// may besides.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotWaiting`] where no round waits, [`Refusal::ScoreWindowOpen`] while its windows
    /// can be posted.
    pub fn poster(&self, now: Block) -> Result<(u32, bool), Refusal> {
        let round = self.next_score().unwrap_or(0);
        let past = self.waiting(round)?;
        let since = self.shut_block(past, now).ok_or(Refusal::ScoreWindowOpen { round })?;
        Ok(self.turn(past, (since, now)))
    }

    /// Returns what a score of the next round is claimed of, at block `now`, from the roots of its
    /// aggregation's inputs and outputs.
    ///
    /// # Errors
    ///
    /// What the contract's `groundOf` reverts with.
    pub fn ground(
        &self,
        now: Block,
        round: u64,
        (inputs, outputs): (&[Hash], &[Hash]),
    ) -> Result<Ground, Refusal> {
        let past = self.next_past(round)?;
        self.shut_block(past, now).ok_or(Refusal::ScoreWindowOpen { round })?;
        let rows = usize::try_from(past.rows).expect("at most 32");
        let settled = self.court.claim(past.aggregation).expect("a round settles by a claim");
        same_list(settled.inputs_root, inputs)?;
        same_list(settled.outputs_root, outputs)?;
        let before = usize::try_from(aggregate::INPUTS_BEFORE_UPDATES).expect("it is small");
        count(inputs.len(), before + rows)?;
        count(outputs.len(), usize::try_from(aggregate::OUTPUTS).expect("it is small"))?;
        let (terms, books) = self.scoring().expect("a round waits");
        let quorum = usize::try_from(self.config.quorum).expect("a usize holds a u32");
        let budget_gwei = self.score_budget(terms, books);

        let models = 0..=usize::try_from(terms.models).expect("a usize holds a u32");
        let mut roots: Vec<Hash> =
            models.map(|ago| books.models[past.place.saturating_sub(ago)]).collect();
        roots.extend([
            of_i32(score::key(past.seed).to_vec()),
            books.cumulative_root,
            of_gwei(&[budget_gwei]),
            inputs[before - 1],
            of_gwei(&by_row(past, |player| player.stake_gwei)),
            outputs[1],
        ]);
        roots.extend_from_slice(&inputs[before..]);
        let absent = window_root(&vec![0; terms.window_bytes]);
        let said = |player: &Player| Some(player.window).filter(|root| *root != Hash::ZERO);
        roots.extend(by_row(past, |player| said(player).unwrap_or(absent)));
        let program = terms.programs[rows - quorum];
        Ok(Ground { program, inputs_root: tree::root(&roots), budget_gwei })
    }

    /// What `Rounds` asks when it opens: with a whole budget for every scored round in place of
    /// what it was paid.
    pub(super) fn available_wei(&self) -> u128 {
        let Some((terms, books)) = self.scoring() else { return self.funded_wei };
        let budgets = books.scored as u128 * u128::from(terms.budget_gwei) * WEI_PER_GWEI;
        self.funded_wei + budgets - books.paid_wei
    }

    /// Takes over a round that was just settled.
    pub(super) fn keep_round(&mut self) -> Vec<Event> {
        let Some(mut books) = self.books.take() else { return Vec::new() };
        let terms = self.config.scores.as_ref().expect("there are books");
        let (round, place) = (self.core.number, books.order.len());
        books.models.push(self.model_root);
        books.order.push(round);
        let revealed = self.seats.iter().filter(|seat| seat.revealed);
        let player = |seat: &Seat| Player {
            index: seat.index,
            rows: seat.rows,
            stake_gwei: stake_gwei(seat.stake_wei, seat.rows),
            window: Hash::ZERO,
        };
        let players: Vec<Player> = revealed.map(player).collect();
        let rows = players.iter().map(|player| player.rows).sum();
        let past = Past {
            place,
            rows,
            waiting: rows,
            attempt: 0,
            open_block: 0,
            full_block: 0,
            budget_gwei: 0,
            aggregation: self.core.claim,
            claim: 0,
            fallen: 0,
            seed: self.core.elect_seed,
            players,
        };
        books.pasts.insert(round, past);
        let lag = usize::try_from(terms.lag).expect("a usize holds a u32");
        let due = place.checked_sub(lag).map(|due| books.order[due]);
        let opened = due.map(|due| {
            let past = books.pasts.get_mut(&due).expect("it waits for its window");
            past.open_block = self.now;
            let last = self.now.saturating_add(score_blocks(&self.config, terms));
            for player in &mut past.players {
                let held = stake_gwei(self.held_until(player.index, last), player.rows);
                player.stake_gwei = player.stake_gwei.min(held);
            }
            let last_block = self.now.saturating_add(terms.window_blocks);
            Event::WindowOpened { round: due, last_block }
        });
        self.books = Some(books);
        opened.into_iter().collect()
    }

    pub(super) fn post_window(
        &mut self,
        key: Address,
        round: u64,
        data: &[u8],
    ) -> Result<Vec<Event>, Refusal> {
        let past = self.waiting(round)?;
        if past.open_block == 0 || self.shut_block(past, self.now).is_some() {
            return Err(Refusal::WindowShut { round });
        }
        let (terms, _) = self.scoring().expect("a round waits");
        let (got, expected) = (data.len(), terms.window_bytes);
        if got != expected {
            return Err(Refusal::WindowLength { got, expected });
        }
        let node = *self.keys.get(&key).ok_or(Refusal::NoRows { key })?;
        let place = past.players.iter().position(|player| player.index == node);
        let place = place.ok_or(Refusal::NoRows { key })?;
        if past.players[place].window != Hash::ZERO {
            return Err(Refusal::AlreadyPosted { node });
        }
        let (now, root) = (self.now, window_root(data));
        let past = self.past_mut(round);
        past.players[place].window = root;
        past.waiting -= past.players[place].rows;
        if past.waiting == 0 {
            past.full_block = now;
        }
        Ok(vec![Event::WindowPosted { round, node, root }])
    }

    pub(super) fn post_score(
        &mut self,
        key: Address,
        round: u64,
        (inputs, outputs): (&[Hash], &[Hash]),
        (inputs_root, outputs_root): (Hash, Hash),
    ) -> Result<Vec<Event>, Refusal> {
        let ground = self.ground(self.now, round, (inputs, outputs))?;
        if inputs_root != ground.inputs_root {
            let expected = ground.inputs_root;
            return Err(Refusal::GroundMismatch { expected, got: inputs_root });
        }
        let mut past = self.waiting(round)?.clone();
        let fell = self.fall(&mut past);
        if past.claim != 0 {
            return Err(Refusal::ClaimPending { claim: past.claim });
        }
        let node = *self.keys.get(&key).ok_or(Refusal::NoRows { key })?;
        let (expected, free) = self.poster(self.now)?;
        if !free && node != expected {
            return Err(Refusal::NotYourTurn { expected, got: node });
        }
        let (terms, _) = self.scoring().expect("a round waits");
        let post = court::Input::Post {
            program: ground.program,
            inputs_root,
            outputs_root,
            asserter: key,
            iterations: 1,
            parents: Vec::new(),
        };
        let posted = self.court_call(terms.contract, post)?;
        let mut events: Vec<Event> = fell.into_iter().collect();
        events.extend(posted);
        let claim = self.court.count();
        (past.claim, past.budget_gwei) = (claim, ground.budget_gwei);
        let budget_gwei = past.budget_gwei;
        *self.past_mut(round) = past;
        events.push(Event::ScorePosted { round, claim, node, budget_gwei });
        Ok(events)
    }

    pub(super) fn settle_score(
        &mut self,
        round: u64,
        output_roots: &[Hash],
        (burn_chunk, pay_chunk): (&[u8], &[u8]),
    ) -> Result<Vec<Event>, Refusal> {
        let past = self.next_past(round)?.clone();
        let claim = past.claim;
        let open = self.check_score(claim, output_roots)?;
        check_chunk(output_roots[BURN], burn_chunk)?;
        check_chunk(output_roots[PAY], pay_chunk)?;
        let rows = usize::try_from(past.rows).expect("at most 32");
        let burnt = amounts(burn_chunk, rows)?;
        let paid: u128 = amounts(pay_chunk, rows)?.iter().sum();
        let (terms, _) = self.scoring().expect("a round waits");
        let contract = terms.contract;
        let mut events = Vec::new();
        if open {
            events.extend(self.court_call(contract, court::Input::Finalise { id: claim })?);
        }
        let cumulative_root = output_roots[CUMULATIVE];
        let books = self.books.as_mut().expect("a round waits");
        books.paid_wei += paid.min(u128::from(past.budget_gwei)) * WEI_PER_GWEI;
        books.scored += 1;
        books.cumulative_root = cumulative_root;
        books.pasts.remove(&round);
        self.rewards_root = cumulative_root;

        let mut row = 0;
        let mut nodes = Vec::new();
        for player in &past.players {
            let end = row + usize::try_from(player.rows).expect("at most 32");
            let gwei: u128 = burnt[row..end].iter().sum();
            nodes.push((player.index, if past.budget_gwei == 0 { 0 } else { gwei }));
            row = end;
        }
        events.push(Event::Scored { round, claim, cumulative_root, burnt_gwei: nodes.clone() });
        events.extend(self.draw());
        for (index, gwei) in nodes.into_iter().filter(|(_, gwei)| *gwei > 0) {
            events.push(self.penalise(index, gwei * WEI_PER_GWEI));
        }
        Ok(events)
    }

    fn books(&self) -> Option<&Books> {
        self.books.as_ref()
    }

    fn scoring(&self) -> Option<(&ScoreTerms, &Books)> {
        self.config.scores.as_ref().zip(self.books())
    }

    fn waiting(&self, round: u64) -> Result<&Past, Refusal> {
        let past = self.books().and_then(|books| books.pasts.get(&round));
        past.ok_or(Refusal::NotWaiting { round })
    }

    fn next_past(&self, round: u64) -> Result<&Past, Refusal> {
        let past = self.waiting(round)?;
        match self.next_score() {
            Some(next) if next != round => Err(Refusal::NotNext { next, round }),
            _ => Ok(past),
        }
    }

    fn past_mut(&mut self, round: u64) -> &mut Past {
        let books = self.books.as_mut().expect("a round was found waiting");
        books.pasts.get_mut(&round).expect("a round was found waiting")
    }

    /// The block from which no window is taken, nothing while they are, or are not asked for yet.
    fn shut_block(&self, past: &Past, now: Block) -> Option<Block> {
        if past.open_block == 0 {
            return None;
        }
        if past.full_block != 0 {
            return Some(past.full_block);
        }
        let (terms, _) = self.scoring()?;
        let last = past.open_block.saturating_add(terms.window_blocks);
        (now > last).then_some(last)
    }

    /// Takes in that the round's claim fell, if it did.
    fn fall(&self, past: &mut Past) -> Option<Event> {
        let claim = self.court.claim(past.claim).ok().filter(|claim| claim.state.has_fallen());
        claim?;
        (past.fallen, past.claim) = (past.claim, 0);
        past.attempt += 1;
        let round = self.books()?.order[past.place];
        Some(Event::ScoreStruck { round, claim: past.fallen, attempt: past.attempt })
    }

    /// Turns go round among the rows, from one that the seed names.
    fn turn(&self, past: &Past, (shut, now): (Block, Block)) -> (u32, bool) {
        let mut past = past.clone();
        self.fall(&mut past);
        let fell = self.court.claim(past.fallen).ok().map(|claim| claim.fell_block);
        let (terms, _) = self.scoring().expect("a round waits");
        let late = now.saturating_sub(fell.unwrap_or(shut)) / terms.turn_blocks;
        let rows = by_row(&past, |player| player.index);
        let turn = u64::from(past.attempt).saturating_add(late);
        let row = digest::elected_row(past.seed, turn, rows.len());
        (rows[row], late >= u64::from(past.rows))
    }

    /// All of a round's budget, or nothing if it is not there.
    fn score_budget(&self, terms: &ScoreTerms, books: &Books) -> u64 {
        let needed_wei = books.paid_wei + u128::from(terms.budget_gwei) * WEI_PER_GWEI;
        if self.funded_wei >= needed_wei { terms.budget_gwei } else { 0 }
    }

    /// Checks what settling a score states; says whether the claim must still be made final.
    fn check_score(&self, claim: u64, output_roots: &[Hash]) -> Result<bool, Refusal> {
        let pending = Refusal::ClaimNotFinal { claim };
        let posted = self.court.claim(claim).map_err(|_| pending)?;
        let open = posted.state == State::Open && self.now > posted.deadline;
        if !open && posted.state != State::Final {
            return Err(pending);
        }
        count(output_roots.len(), score::OUTPUTS)?;
        let (got, expected) = (tree::root(output_roots), posted.outputs_root);
        if got == expected { Ok(open) } else { Err(Refusal::OutputsMismatch { expected, got }) }
    }
}

fn same_list(expected: Hash, roots: &[Hash]) -> Result<(), Refusal> {
    if roots.is_empty() {
        return Err(Refusal::EmptyTree);
    }
    let got = tree::root(roots);
    if got == expected { Ok(()) } else { Err(Refusal::BasisMismatch { expected, got }) }
}

fn count(got: usize, expected: usize) -> Result<(), Refusal> {
    if got == expected { Ok(()) } else { Err(Refusal::OutputCount { got, expected }) }
}

fn check_chunk(expected: Hash, chunk: &[u8]) -> Result<(), Refusal> {
    if chunk.len() != CHUNK_BYTES {
        return Err(Refusal::ChunkLength { got: chunk.len(), expected: CHUNK_BYTES });
    }
    let got = tree::leaf(chunk);
    if got == expected { Ok(()) } else { Err(Refusal::ChunkMismatch { expected, got }) }
}

fn amounts(chunk: &[u8], rows: usize) -> Result<Vec<u128>, Refusal> {
    let (elements, _) = chunk.as_chunks::<8>();
    let amount = |bytes: &[u8; 8]| amount(f64::from_le_bytes(*bytes)).map(u128::from);
    elements.iter().take(rows).map(amount).collect()
}

fn by_row<T: Copy>(past: &Past, of: impl Fn(&Player) -> T) -> Vec<T> {
    let rows = |player: &Player| usize::try_from(player.rows).expect("at most 32");
    past.players.iter().flat_map(|player| vec![of(player); rows(player)]).collect()
}

fn of_i32(elements: Vec<i32>) -> Hash {
    Tensor::i32(&[elements.len()], elements).expect("there are some").root()
}

#[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
fn of_gwei(amounts: &[u64]) -> Hash {
    let doubles: Vec<f64> = amounts.iter().map(|gwei| *gwei as f64).collect();
    Tensor::f64(&[doubles.len()], doubles).expect("there are some").root()
}
