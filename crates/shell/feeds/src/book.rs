//! One market's book, kept whole from snapshots and changes, or known not to be.
//!
//! Every venue's rule is one: a change holds all that happened after number `previous`, up to
//! `last`. It follows where `previous` is the number the book stands at. The first one after a
//! snapshot may begin before it (`previous <= snapshot < last`), as a snapshot over REST falls
//! between two changes; one that ends before it is old. Anything else is a gap, and the book is
//! stale until the next snapshot: what came since is kept and put on top of it.
//!
//! | venue | `previous` | `last` | snapshot |
//! |---|---|---|---|
//! | Binance USD-M | `pu` | `u` | REST, `lastUpdateId` |
//! | Binance spot | `U` - 1 | `u` | REST, `lastUpdateId` |
//! | Bybit | `u` - 1 | `u` | on subscribing, and where `u` is 1 |
//! | OKX | `prevSeqId` | `seqId` | on subscribing; a checksum with each |
//! | Deribit | `prev_change_id` | `change_id` | on subscribing |
//! | Hyperliquid | none | none | every message, by its time |
//!
//! *Invariant: a live book has missed nothing that its venue numbers or sums.* Prices are exact
//! and never binary fractions. Absent: a guess at what was missed.

use std::collections::{BTreeMap, VecDeque};

use crate::Decimal;
use crate::message::{BookDelta, BookSnapshot, Level, Message, Side, Span};

/// Changes kept while a snapshot is awaited; beyond it the oldest go.
const WAITING_MAX: usize = 10_000;
/// Levels a side in OKX's checksum.
const CHECKSUM_LEVELS: usize = 25;

/// Whether a book can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No snapshot has come yet.
    Empty,
    /// It is the venue's book.
    Live,
    /// Something was missed, or does not add up; the levels are those of before.
    Stale,
}

/// What a message did to a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The book has moved.
    Applied,
    /// The message ends before the book does, and changed nothing.
    Old,
    /// The change is kept until a snapshot comes.
    Waiting,
    /// Changes are missing between `have` and `got`: the book is stale.
    Gap {
        /// The number the book stands at.
        have: u64,
        /// What came.
        got: Span,
    },
    /// The venue's checksum is not the book's: the book is stale.
    Mismatch {
        /// The venue's.
        wanted: u32,
        /// The book's.
        got: u32,
    },
    /// Not a message about books.
    Unrelated,
}

/// A book of one market.
///
/// ```
/// use feeds::{Book, Step, Venue};
///
/// let mut book = Book::new();
/// let mut feed = |raw: &str| -> Result<Step, feeds::WireError> {
///     Ok(book.apply(&Venue::BinanceUsdm.parse(raw.as_bytes())?[0]))
/// };
/// let delta = |pu: u64, u: u64, bid: &str| {
///     format!(r#"{{"e":"depthUpdate","E":1,"s":"X","U":{u},"u":{u},"pu":{pu},"b":[{bid}],
///     "a":[]}}"#)
/// };
/// assert_eq!(feed(&delta(4, 6, r#"["1.5","7"]"#))?, Step::Waiting);
/// feed(r#"{"lastUpdateId":5,"bids":[["1.0","2"]],"asks":[["2.0","1"]]}"#)?;
/// assert!(matches!(feed(&delta(8, 9, ""))?, Step::Gap { have: 6, .. }));
/// assert_eq!(book.best(feeds::message::Side::Buy).map(|level| level.price), "1.5".parse().ok());
/// # Ok::<(), feeds::WireError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// Sizes by price; a level of no size is not there.
    bids: BTreeMap<Decimal, Decimal>,
    asks: BTreeMap<Decimal, Decimal>,
    status: Status,
    time_ms: Option<i64>,
    /// Changes that came before the first one to follow a snapshot, in order and without a gap.
    waiting: VecDeque<BookDelta>,
    /// The last bid and ask of the snapshot: beyond them it says nothing.
    shown: [Option<Decimal>; 2],
}

#[derive(Clone, Copy, Debug, Default)]
enum Status {
    #[default]
    Empty,
    Live {
        /// The number it stands at, where the venue numbers.
        last: Option<u64>,
        /// Whether a change has followed the snapshot.
        followed: bool,
    },
    Stale,
}

impl Book {
    /// Returns a book without levels that waits for a snapshot.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it can be trusted.
    #[must_use]
    pub fn state(&self) -> State {
        match self.status {
            Status::Empty => State::Empty,
            Status::Live { .. } => State::Live,
            Status::Stale => State::Stale,
        }
    }

    /// The venue's time of the last message in it, in Unix milliseconds.
    #[must_use]
    pub fn time_ms(&self) -> Option<i64> {
        self.time_ms
    }

    /// The number it stands at, where it is live and the venue numbers.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        match self.status {
            Status::Live { last, .. } => last,
            Status::Empty | Status::Stale => None,
        }
    }

    /// Levels of one side, the best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        let level = |(&price, &size): (&Decimal, &Decimal)| Level { price, size };
        let (bids, asks) = match side {
            Side::Buy => (Some(self.bids.iter().rev()), None),
            Side::Sell => (None, Some(self.asks.iter())),
        };
        bids.into_iter().flatten().chain(asks.into_iter().flatten()).map(level)
    }

    /// The highest bid or the lowest ask.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Level> {
        self.levels(side).next()
    }

    /// The size that stands on a side from its best price to `limit`, as a real number.
    #[must_use]
    pub fn size_until(&self, side: Side, limit: Decimal) -> f64 {
        let within = |level: &Level| match side {
            Side::Buy => level.price >= limit,
            Side::Sell => level.price <= limit,
        };
        let sizes = self.levels(side).take_while(within).map(|level| level.size.to_f64());
        sizes.fold(0.0, |sum, size| sum + size)
    }

    /// Puts a message into the book.
    pub fn apply(&mut self, message: &Message) -> Step {
        match message {
            Message::BookSnapshot(snapshot) => self.install(snapshot),
            Message::BookDelta(delta) => self.follow(delta),
            _ => Step::Unrelated,
        }
    }

    /// Says that the connection was lost: what comes next does not follow.
    pub fn interrupt(&mut self) {
        self.waiting.clear();
        if matches!(self.status, Status::Live { .. }) {
            self.status = Status::Stale;
        }
    }

    fn install(&mut self, snapshot: &BookSnapshot) -> Step {
        if self.is_past(snapshot) {
            return Step::Old;
        }
        self.bids.clear();
        self.asks.clear();
        set(&mut self.bids, &snapshot.bids);
        set(&mut self.asks, &snapshot.asks);
        self.status = Status::Live { last: snapshot.last, followed: false };
        self.time_ms = snapshot.time_ms.or(self.time_ms);
        if let Some(wanted) = snapshot.checksum
            && let Some(step) = self.refuted(wanted)
        {
            return step;
        }
        self.shown = [&snapshot.bids, &snapshot.asks].map(|side| side.last().map(|l| l.price));
        let mut step = Step::Applied;
        for delta in std::mem::take(&mut self.waiting) {
            if let gap @ (Step::Gap { .. } | Step::Mismatch { .. }) = self.follow(&delta) {
                step = gap;
            }
        }
        step
    }

    /// Whether a live book is beyond a snapshot: by its number, unless its clock says that the
    /// venue began to count anew; by its clock where there are no numbers.
    fn is_past(&self, snapshot: &BookSnapshot) -> bool {
        match (self.status, snapshot.last) {
            (Status::Live { last: Some(have), .. }, Some(last)) => {
                last <= have && snapshot.time_ms <= self.time_ms
            }
            (Status::Live { .. }, None) => snapshot.time_ms < self.time_ms,
            _ => false,
        }
    }

    fn follow(&mut self, delta: &BookDelta) -> Step {
        let Status::Live { last, followed } = self.status else {
            self.keep(delta);
            return Step::Waiting;
        };
        let mut stands_at = last;
        if let (Some(have), Some(got)) = (last, delta.span) {
            let bridges = !followed && got.previous <= have && have < got.last;
            if got.previous != have && !bridges {
                return self.misses(delta, have, got, followed);
            }
            if !followed {
                self.extend(got);
            }
            stands_at = Some(got.last);
        }
        set(&mut self.bids, &delta.bids);
        set(&mut self.asks, &delta.asks);
        self.status = Status::Live { last: stands_at, followed: true };
        self.time_ms = Some(delta.time_ms);
        delta.checksum.and_then(|wanted| self.refuted(wanted)).unwrap_or(Step::Applied)
    }

    /// A change that does not follow is old, or shows that others are missing.
    fn misses(&mut self, delta: &BookDelta, have: u64, got: Span, followed: bool) -> Step {
        if got.last > have {
            self.status = Status::Stale;
            self.keep(delta);
            return Step::Gap { have, got };
        }
        if !followed {
            self.keep(delta);
        }
        Step::Old
    }

    /// Takes from the changes before the snapshot what the snapshot is too short to show: the
    /// levels beyond its last. Only where they reach the first change that follows without a gap,
    /// so that none is missing that took a level away.
    fn extend(&mut self, first: Span) {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.back().and_then(|kept| kept.span).map(|kept| kept.last) != Some(first.previous) {
            return;
        }
        let [bid, ask] = self.shown;
        for delta in &waiting {
            let beyond = |level: &&Level| bid.is_some_and(|last| level.price < last);
            set(&mut self.bids, delta.bids.iter().filter(beyond));
            let beyond = |level: &&Level| ask.is_some_and(|last| level.price > last);
            set(&mut self.asks, delta.asks.iter().filter(beyond));
        }
    }

    /// Keeps a change for the snapshot to come, and what precedes it if it follows.
    fn keep(&mut self, delta: &BookDelta) {
        let numbers = (self.waiting.back().and_then(|kept| kept.span), delta.span);
        if let (Some(kept), Some(got)) = numbers
            && kept.last != got.previous
        {
            self.waiting.clear();
        }
        if self.waiting.len() == WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(delta.clone());
    }

    /// Compares with the venue's checksum; a book that differs is stale.
    fn refuted(&mut self, wanted: u32) -> Option<Step> {
        let got = self.checksum();
        if got == wanted {
            return None;
        }
        self.status = Status::Stale;
        Some(Step::Mismatch { wanted, got })
    }

    /// Returns OKX's checksum: CRC-32 of `bid:size:ask:size:..`, level by level, 25 at most.
    fn checksum(&self) -> u32 {
        let (mut bids, mut asks) = (self.levels(Side::Buy), self.levels(Side::Sell));
        let mut text = String::new();
        for _ in 0..CHECKSUM_LEVELS {
            for level in [bids.next(), asks.next()].into_iter().flatten() {
                if !text.is_empty() {
                    text.push(':');
                }
                text.push_str(&format!("{}:{}", level.price, level.size));
            }
        }
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        crc.sum()
    }
}

fn set<'a>(side: &mut BTreeMap<Decimal, Decimal>, levels: impl IntoIterator<Item = &'a Level>) {
    for level in levels {
        if level.size.is_zero() {
            side.remove(&level.price);
        } else {
            side.insert(level.price, level.size);
        }
    }
}

#[cfg(test)]
mod tests;
