//! Keeping one market: connect, log, read, keep the book, and begin again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use alloy::signers::local::PrivateKeySigner;
use futures_util::StreamExt as _;
use rand::RngExt as _;
use thiserror::Error;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::now_ns;
use super::plan::{Feed, POLL_INTERVAL, Plan, plan};
use super::rest::{Rest, RestError};
use super::session::Session;
use crate::log::{LOG_ENDING, LogError, LogWriter};
use crate::{Book, Message, Step, Venue, WireError};

/// How often we say that we are there.
const PING_INTERVAL: Duration = Duration::from_secs(15);
/// How often the log is sealed, besides every thousand lines.
const SEAL_INTERVAL: Duration = Duration::from_secs(10);
/// The first wait before connecting again, doubled each time.
const BACKOFF: Duration = Duration::from_millis(500);
/// The longest.
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// A connection that held for so long was a good one.
const GOOD_CONNECTION: Duration = Duration::from_secs(30);
/// Seconds in a day.
const DAY_S: u64 = 86_400;

/// What happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// All sockets are open.
    Connected,
    /// A connection is lost, and is tried again after a wait.
    Lost {
        /// Why.
        reason: &'a str,
        /// The wait.
        wait: Duration,
    },
    /// The venue said something.
    Message(&'a Message),
    /// The venue said something that cannot be read, or refused us; it is in the log.
    Unreadable(&'a WireError),
    /// The book missed something, and is fetched again.
    Gap(Step),
    /// A question over REST had no answer.
    Unanswered(&'a RestError),
}

/// What a collector has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Raw messages received and logged.
    pub lines: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Messages read from them.
    pub messages: u64,
    /// Raw messages that could not be read.
    pub unreadable: u64,
    /// Gaps and wrong checksums of the book.
    pub gaps: u64,
    /// Connections made, the first included.
    pub connections: u64,
}

/// Why a collector cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The log cannot be written, or is not ours.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The venue has nothing of what was asked for.
    #[error("{venue} has none of the channels asked for of {symbol}")]
    NoChannel {
        /// The venue.
        venue: Venue,
        /// The market.
        symbol: String,
    },
}

/// Keeps one market of one venue.
#[derive(Debug)]
pub struct Collector {
    feed: Feed,
    plan: Plan,
    rest: Arc<Rest>,
    folder: PathBuf,
    signer: PrivateKeySigner,
    log: LogWriter,
    day: u64,
    book: Book,
    counts: Counts,
}

/// Why a session ended.
enum End {
    /// The network's or the venue's doing.
    Lost(String),
    /// The book missed something, and a new subscription brings a new one.
    Gap,
    /// A new day has a new file.
    NewDay,
}

impl Collector {
    /// Returns a collector that logs under `folder`, as `VENUE/SYMBOL/YYYY-MM-DD.log`, and asks and
    /// waits through `rest`, which is the same for all collectors of a venue.
    ///
    /// # Errors
    ///
    /// [`StartError`] where today's log cannot be written or is not ours, or the venue has nothing
    /// of what the feed wants.
    pub fn new(
        feed: Feed,
        rest: Arc<Rest>,
        folder: &Path,
        signer: PrivateKeySigner,
    ) -> Result<Self, StartError> {
        let plan = plan(&feed);
        if plan.sockets.is_empty() {
            return Err(StartError::NoChannel { venue: feed.venue, symbol: feed.symbol });
        }
        let day = day(now_ns());
        let log = open(&feed, folder, signer.clone(), day)?;
        let (book, counts) = (Book::new(), Counts::default());
        Ok(Self { plan, rest, folder: folder.to_owned(), signer, log, day, book, counts, feed })
    }

    /// The book as it stands.
    #[must_use]
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// What was done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Collects until `stop` is ready, telling `on` what happens; then seals the log.
    ///
    /// # Errors
    ///
    /// [`LogError`] where the log cannot be written. No venue and no network ends it.
    pub async fn run(
        &mut self,
        stop: impl Future<Output = ()>,
        mut on: impl FnMut(&Self, Event<'_>),
    ) -> Result<(), LogError> {
        tokio::pin!(stop);
        let mut failures = 0;
        loop {
            let began = Instant::now();
            let end = tokio::select! {
                () = &mut stop => break,
                end = self.session(&mut on) => end?,
            };
            self.book.interrupt();
            let reason = match end {
                End::NewDay => continue,
                End::Gap => None,
                End::Lost(reason) => Some(reason),
            };
            failures = if began.elapsed() >= GOOD_CONNECTION { 0 } else { failures + 1 };
            let wait = backoff(failures);
            if let Some(reason) = &reason {
                on(self, Event::Lost { reason, wait });
            }
            tokio::select! {
                () = &mut stop => break,
                () = self.rest.pause()(wait) => {}
            }
        }
        self.book.interrupt();
        self.log.seal()
    }

    async fn session(&mut self, on: &mut impl FnMut(&Self, Event<'_>)) -> Result<End, LogError> {
        let today = day(now_ns());
        if today != self.day {
            self.log.seal()?;
            self.log = open(&self.feed, &self.folder, self.signer.clone(), today)?;
            self.day = today;
        }
        let mut session = match Session::open(&self.plan.sockets).await {
            Ok(session) => session,
            Err(reason) => return Ok(End::Lost(reason)),
        };
        self.counts.connections += 1;
        on(self, Event::Connected);
        let [mut ping, mut seal, mut poll] =
            [PING_INTERVAL, SEAL_INTERVAL, POLL_INTERVAL].map(every);
        loop {
            let end = tokio::select! {
                text = session.sockets.next() => match text {
                    Ok(Some(raw)) => self.take(&raw, &mut session, on)?,
                    Ok(None) => None,
                    Err(reason) => Some(End::Lost(reason)),
                },
                Some((is_book, answer)) = session.asked.next() => {
                    self.answer(is_book, answer, &mut session, on)?
                }
                _ = ping.tick() => {
                    session.sockets.ping(&self.plan.sockets).await.err().map(End::Lost)
                }
                _ = seal.tick() => {
                    self.log.seal()?;
                    (day(now_ns()) != self.day).then_some(End::NewDay)
                }
                _ = poll.tick() => {
                    if let Some(request) = &self.plan.poll {
                        session.ask(&self.rest, request);
                    }
                    None
                }
            };
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }

    /// Logs what came, reads it, and keeps the book.
    fn take(
        &mut self,
        raw: &[u8],
        session: &mut Session,
        on: &mut impl FnMut(&Self, Event<'_>),
    ) -> Result<Option<End>, LogError> {
        self.log.append(now_ns(), raw)?;
        self.counts.lines += 1;
        self.counts.bytes += raw.len() as u64;
        let messages = match self.feed.venue.parse(raw) {
            Ok(messages) => messages,
            Err(error) => {
                self.counts.unreadable += 1;
                on(self, Event::Unreadable(&error));
                return Ok(None);
            }
        };
        for message in &messages {
            self.counts.messages += 1;
            let step = self.book.apply(message);
            on(self, Event::Message(message));
            if let Some(end) = self.mend(step, session, on) {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    /// Asks for a book where one is missing: over REST, or by subscribing anew.
    fn mend(
        &mut self,
        step: Step,
        session: &mut Session,
        on: &mut impl FnMut(&Self, Event<'_>),
    ) -> Option<End> {
        let gap = matches!(step, Step::Gap { .. } | Step::Mismatch { .. });
        if gap {
            self.counts.gaps += 1;
            on(self, Event::Gap(step));
        }
        match &self.plan.snapshot {
            Some(request) if gap || step == Step::Waiting => {
                session.ask_book(&self.rest, request);
                None
            }
            None if gap => Some(End::Gap),
            _ => None,
        }
    }

    fn answer(
        &mut self,
        is_book: bool,
        answer: Result<Vec<u8>, RestError>,
        session: &mut Session,
        on: &mut impl FnMut(&Self, Event<'_>),
    ) -> Result<Option<End>, LogError> {
        if is_book {
            session.book_came(answer.is_ok());
        }
        match answer {
            Ok(raw) => self.take(&raw, session, on),
            Err(error) => {
                on(self, Event::Unanswered(&error));
                Ok(None)
            }
        }
    }
}

fn every(time: Duration) -> tokio::time::Interval {
    let mut every = interval(time);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    every
}

/// Doubles with each failure, and is half a chance, so that many do not come back at once.
fn backoff(failures: u32) -> Duration {
    let longest = BACKOFF_MAX.min(BACKOFF * 2_u32.pow(failures.min(10)));
    rand::rng().random_range(longest / 2..=longest)
}

fn day(ns: u64) -> u64 {
    ns / 1_000_000_000 / DAY_S
}

fn open(
    feed: &Feed,
    folder: &Path,
    signer: PrivateKeySigner,
    day: u64,
) -> Result<LogWriter, LogError> {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "-_.@".contains(c) { c } else { '_' };
    let symbol: String = feed.symbol.trim_start_matches('.').chars().map(keep).collect();
    let date = i64::try_from(day * DAY_S).ok().and_then(market::Date::of_unix);
    let name = date.map_or_else(|| format!("day-{day}"), |date| date.to_string());
    let path = folder.join(feed.venue.name()).join(symbol).join(format!("{name}{LOG_ENDING}"));
    LogWriter::open(&path, (feed.venue.name(), &feed.symbol), signer)
}
