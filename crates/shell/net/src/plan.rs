//! Which piece is asked of whom: the books of one fetch, without sockets or a clock of its own.
//!
//! A piece is missing, asked for or here. Who has nothing to be asked for is looked at again after
//! a while, since others are fetching too. Of the pieces that a provider has, the one that fewest
//! have is asked for, so that pieces spread. When nothing is left that nobody was asked for, what
//! somebody is slow with is asked of another as well.
//!
//! Invariant: a provider's faults cost that provider. Its lanes are its own, what it holds up is
//! asked of others, and one wrong piece ends what it is asked. Absent: reputation beyond the fetch.

use std::time::{Duration, Instant};

/// After how long a piece is asked of a second provider; of a third after twice as long, and so on.
const SLOW: Duration = Duration::from_secs(5);
/// How long between two looks at what a provider has.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a provider that did not answer is left alone; doubled with each time in a row.
const REST: Duration = Duration::from_millis(250);
/// How often at most it is doubled.
const DOUBLINGS_MAX: u32 = 5;

/// What one lane of a provider does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Everything is here.
    Done,
    /// The provider is not asked any more.
    Leave,
    /// Ask for this piece.
    Ask(usize),
    /// Ask what it has of this item.
    Look(usize),
    /// Come back later.
    Wait(Duration),
}

/// How a piece stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Missing,
    /// By whom, and since when.
    Asked(Vec<(usize, Instant)>),
    Here,
}

#[derive(Clone, Debug)]
struct Provider {
    /// Which of all pieces it has, as far as is known.
    has: Vec<bool>,
    /// When it was last looked at, by item.
    looked: Vec<Option<Instant>>,
    rests_until: Option<Instant>,
    failures: u32,
    blamed: bool,
}

/// The books. Pieces of all items are numbered through.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pieces: Vec<Piece>,
    /// Where each item's pieces begin, and where the last one's end.
    starts: Vec<usize>,
    /// How many providers have each piece.
    holders: Vec<usize>,
    providers: Vec<Provider>,
    left: usize,
}

impl Plan {
    /// Begins with what is here of each item, and so many providers.
    pub(crate) fn new(here: &[Vec<bool>], providers: usize) -> Plan {
        let flat = here.iter().flatten();
        let pieces: Vec<Piece> =
            flat.map(|here| if *here { Piece::Here } else { Piece::Missing }).collect();
        let mut starts = vec![0];
        for item in here {
            starts.push(starts.last().copied().unwrap_or(0) + item.len());
        }
        let left = pieces.iter().filter(|piece| **piece != Piece::Here).count();
        let provider = Provider {
            has: vec![false; pieces.len()],
            looked: vec![None; here.len()],
            rests_until: None,
            failures: 0,
            blamed: false,
        };
        Plan {
            holders: vec![0; pieces.len()],
            providers: vec![provider; providers],
            pieces,
            starts,
            left,
        }
    }

    /// Returns the item of a piece, and its index there.
    pub(crate) fn locate(&self, piece: usize) -> (usize, u32) {
        let item = self.starts.partition_point(|start| *start <= piece) - 1;
        let index = u32::try_from(piece - self.starts[item]).unwrap_or(u32::MAX);
        (item, index)
    }

    /// Returns how many pieces are not here.
    pub(crate) fn left(&self) -> usize {
        self.left
    }

    /// Decides what a lane of a provider does now, and enters it. `dice` breaks ties.
    pub(crate) fn next(&mut self, provider: usize, now: Instant, dice: usize) -> Step {
        let books = &self.providers[provider];
        if self.left == 0 {
            return Step::Done;
        }
        if books.blamed {
            return Step::Leave;
        }
        if let Some(until) = books.rests_until.filter(|until| now < *until) {
            return Step::Wait(until - now);
        }
        if let Some(item) = self.unseen(provider) {
            return self.look(provider, item, now);
        }
        if let Some(piece) = self.rarest(provider, dice).or_else(|| self.slow(provider, now)) {
            match &mut self.pieces[piece] {
                Piece::Asked(by) => by.push((provider, now)),
                state => *state = Piece::Asked(vec![(provider, now)]),
            }
            return Step::Ask(piece);
        }
        match self.stale(provider, now) {
            Ok(item) => self.look(provider, item, now),
            Err(wait) => Step::Wait(wait),
        }
    }

    fn look(&mut self, provider: usize, item: usize, now: Instant) -> Step {
        self.providers[provider].looked[item] = Some(now);
        Step::Look(item)
    }

    fn wanted(&self, item: usize) -> bool {
        self.pieces[self.starts[item]..self.starts[item + 1]]
            .iter()
            .any(|piece| *piece != Piece::Here)
    }

    fn unseen(&self, provider: usize) -> Option<usize> {
        let looked = self.providers[provider].looked.iter();
        let mut unseen = looked.enumerate().filter(|(_, looked)| looked.is_none());
        unseen.find(|(item, _)| self.wanted(*item)).map(|(item, _)| item)
    }

    /// The missing piece that it has and fewest others do; of equals the next one after `dice`.
    fn rarest(&self, provider: usize, dice: usize) -> Option<usize> {
        let count = self.pieces.len();
        let from = dice % count.max(1);
        let around = (from..count).chain(0..from);
        let has = &self.providers[provider].has;
        let missing = around.filter(|at| has[*at] && self.pieces[*at] == Piece::Missing);
        missing.min_by_key(|at| self.holders[*at])
    }

    /// A piece that others were asked for a while ago, and this provider was not.
    fn slow(&self, provider: usize, now: Instant) -> Option<usize> {
        let has = &self.providers[provider].has;
        let mut pieces = (0..self.pieces.len()).filter(|at| has[*at]);
        pieces.find(|at| match &self.pieces[*at] {
            Piece::Asked(by) => {
                let times = u32::try_from(by.len()).unwrap_or(u32::MAX);
                let last = by.last().map_or(now, |(_, since)| *since);
                let late = now.saturating_duration_since(last) >= SLOW.saturating_mul(times);
                late && by.iter().all(|(who, _)| *who != provider)
            }
            _ => false,
        })
    }

    /// An item to look at again, or how long until there is one.
    fn stale(&self, provider: usize, now: Instant) -> Result<usize, Duration> {
        let books = &self.providers[provider];
        let mut wait = LOOK_EVERY;
        for (item, looked) in books.looked.iter().enumerate() {
            let pieces = self.starts[item]..self.starts[item + 1];
            let lacks = pieces.into_iter().any(|at| !books.has[at] && !self.is_here(at));
            let Some(looked) = looked.filter(|_| lacks) else { continue };
            let passed = now.saturating_duration_since(looked);
            match LOOK_EVERY.checked_sub(passed) {
                None | Some(Duration::ZERO) => return Ok(item),
                Some(left) => wait = wait.min(left),
            }
        }
        Err(wait)
    }

    fn is_here(&self, piece: usize) -> bool {
        self.pieces[piece] == Piece::Here
    }

    /// Enters what a provider has of an item.
    pub(crate) fn learn(&mut self, provider: usize, item: usize, map: &[bool]) {
        self.providers[provider].failures = 0;
        for (at, has) in (self.starts[item]..self.starts[item + 1]).zip(map) {
            self.set(provider, at, *has);
        }
    }

    /// Enters that a provider has nothing of an item.
    pub(crate) fn lacks(&mut self, provider: usize, item: usize) {
        let count = self.starts[item + 1] - self.starts[item];
        self.learn(provider, item, &vec![false; count]);
    }

    fn set(&mut self, provider: usize, piece: usize, has: bool) {
        let known = &mut self.providers[provider].has[piece];
        match (std::mem::replace(known, has), has) {
            (false, true) => self.holders[piece] += 1,
            (true, false) => self.holders[piece] -= 1,
            _ => {}
        }
    }

    /// Enters that a right piece came and is kept; returns whether it was not here yet.
    pub(crate) fn landed(&mut self, provider: usize, piece: usize) -> bool {
        self.providers[provider].failures = 0;
        if std::mem::replace(&mut self.pieces[piece], Piece::Here) == Piece::Here {
            return false;
        }
        self.left -= 1;
        true
    }

    /// Enters that a provider has not got a piece that it was asked for.
    pub(crate) fn absent(&mut self, provider: usize, piece: usize) {
        self.set(provider, piece, false);
        self.release(provider, piece);
    }

    /// Enters that a provider did not answer; it is left alone for a while.
    pub(crate) fn lost(&mut self, provider: usize, piece: Option<usize>, now: Instant) {
        let books = &mut self.providers[provider];
        // Lanes that fail together count once.
        if books.rests_until.is_none_or(|until| until <= now) {
            books.rests_until = Some(now + REST * 2_u32.pow(books.failures.min(DOUBLINGS_MAX)));
            books.failures += 1;
        }
        if let Some(piece) = piece {
            self.release(provider, piece);
        }
    }

    /// Enters that a provider sent what is wrong: it is asked nothing more.
    pub(crate) fn blame(&mut self, provider: usize, piece: Option<usize>) {
        self.providers[provider].blamed = true;
        for at in 0..self.pieces.len() {
            self.set(provider, at, false);
        }
        if let Some(piece) = piece {
            self.release(provider, piece);
        }
    }

    fn release(&mut self, provider: usize, piece: usize) {
        if let Piece::Asked(by) = &mut self.pieces[piece] {
            by.retain(|(who, _)| *who != provider);
            if by.is_empty() {
                self.pieces[piece] = Piece::Missing;
            }
        }
    }
}

#[cfg(test)]
mod tests;
