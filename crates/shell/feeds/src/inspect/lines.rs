//! A log of raw messages.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io::BufRead as _;
use std::path::Path;

use super::{Content, Findings, Problem, Report, reader, unreadable};
use crate::log::{Verified, seals_path, verify};
use crate::message::{Span, Trade};
use crate::{Book, FeedError, Message, Venue};

/// How far the venue's clock may be ahead, in milliseconds.
const AHEAD_MAX_MS: i64 = 50;
/// How late the quickest message may be, in milliseconds.
const LATE_MAX_MS: i64 = 2_000;
/// A log that is silent for so long was cut off: collectors take a venue for lost then.
const SILENCE_MAX_NS: u64 = 60_000_000_000;
/// Trades of a market among which one may not come twice.
const TRADES_KEPT: usize = 100_000;
/// Lines by which a venue is told.
const LINES_TO_TELL: usize = 500;
/// The number of the change before, which Binance's futures say and its spot market does not.
const PREVIOUS: &[u8] = b"\"pu\":";

pub(super) fn inspect(path: &Path, venue: Option<Venue>) -> Result<Report, FeedError> {
    let mut findings = Findings::default();
    let sealed = if seals_path(path).exists() { seals(path, &mut findings) } else { None };
    let told = sealed.as_ref().and_then(|verified| verified.signer.as_ref());
    let venue = venue.or_else(|| told.and_then(|(_, venue, _)| venue.parse().ok()));
    let venue = told_or(path, venue)?;
    let mut look = Look { venue, findings, ..Look::new() };
    let mut file = reader(path)?;
    let (mut row, mut line) = (0, Vec::new());
    loop {
        line.clear();
        if let Err(error) = file.read_until(b'\n', &mut line) {
            look.findings.add(row + 1, Problem::Ends(error.to_string()));
            break;
        }
        if line.is_empty() {
            break;
        }
        row += 1;
        match line.split_last() {
            Some((b'\n', text)) => look.line(row, text),
            _ => look.findings.add(row, Problem::Torn),
        }
    }
    look.late();
    look.findings.kept.sort_by_key(|finding| finding.row);
    let signer = sealed.and_then(|v| v.signer.map(|(signer, ..)| (v.sealed, signer.to_string())));
    let latency_ms = look.middle();
    Ok(Report {
        path: path.to_owned(),
        content: Content::Log { venue, messages: look.messages, sealed: signer, latency_ms },
        rows: row,
        findings: look.findings.kept,
        more: look.findings.more,
    })
}

/// Hands over every message of a log.
pub(super) fn messages(
    path: &Path,
    venue: Option<Venue>,
    each: &mut dyn FnMut(&Message),
) -> Result<Venue, FeedError> {
    let venue = told_or(path, venue)?;
    for (i, line) in reader(path)?.split(b'\n').enumerate() {
        let line = line.map_err(|error| unreadable(path, &error))?;
        let bad = |reason: String| FeedError::Unreadable {
            path: path.to_owned(),
            reason: format!("row {}: {reason}; look at it with `assay data check`", i + 1),
        };
        let (_, raw) = split(&line).ok_or_else(|| bad(Problem::NoTime.to_string()))?;
        let found = venue.parse(raw).map_err(|error| bad(error.to_string()))?;
        found.iter().for_each(&mut *each);
    }
    Ok(venue)
}

/// The venue that was named, or else told by the messages.
fn told_or(path: &Path, venue: Option<Venue>) -> Result<Venue, FeedError> {
    if let Some(venue) = venue {
        return Ok(venue);
    }
    tell(path)?.ok_or_else(|| FeedError::Unreadable {
        path: path.to_owned(),
        reason: "no venue sends such messages; say whose they are with --venue".to_owned(),
    })
}

/// Compares a log with its seals.
fn seals(path: &Path, findings: &mut Findings) -> Option<Verified> {
    match verify(path) {
        Ok(verified) => Some(verified),
        Err(error) => {
            let row = if let crate::log::LogError::Changed { from, .. } = error { from } else { 1 };
            findings.add(row, Problem::Seal(error.to_string()));
            None
        }
    }
}

/// Tells the venue by whose format most lines are read in; the first among equals.
fn tell(path: &Path) -> Result<Option<Venue>, FeedError> {
    let mut counts = [0; Venue::ALL.len()];
    for line in reader(path)?.split(b'\n').take(LINES_TO_TELL) {
        let line = line.map_err(|error| unreadable(path, &error))?;
        let Some((_, raw)) = split(&line) else { continue };
        for (count, venue) in counts.iter_mut().zip(Venue::ALL) {
            *count += venue.parse(raw).map_or(0, |messages| messages.len());
            // Binance's two markets look alike but for this field.
            let future = raw.windows(PREVIOUS.len()).any(|bytes| bytes == PREVIOUS);
            *count += usize::from(venue == Venue::BinanceUsdm && future);
        }
    }
    let most = counts.iter().copied().max().filter(|most| *most > 0);
    let at = most.and_then(|most| counts.iter().position(|count| *count == most));
    Ok(at.map(|at| Venue::ALL[at]))
}

/// Splits a line into its time in nanoseconds and the venue's bytes.
fn split(line: &[u8]) -> Option<(i64, &[u8])> {
    let blank = line.iter().position(|byte| *byte == b' ')?;
    let time = std::str::from_utf8(&line[..blank]).ok()?.parse().ok()?;
    Some((time, &line[blank + 1..]))
}

/// What is known of the lines so far.
struct Look {
    venue: Venue,
    findings: Findings,
    messages: u64,
    before_ns: Option<i64>,
    /// Where the clock skew that goes on was found, and the last line of it.
    skew: Option<(usize, u64)>,
    /// How late each line was, in milliseconds, and the line that was least late.
    delays: Vec<i64>,
    quickest: Option<(i64, u64)>,
    books: BTreeMap<String, Book>,
    trades: BTreeMap<String, Seen>,
}

#[derive(Default)]
struct Seen {
    ids: HashSet<String>,
    order: VecDeque<String>,
}

impl Look {
    fn new() -> Self {
        Self {
            venue: Venue::BinanceSpot,
            findings: Findings::default(),
            messages: 0,
            before_ns: None,
            skew: None,
            delays: Vec::new(),
            quickest: None,
            books: BTreeMap::new(),
            trades: BTreeMap::new(),
        }
    }

    fn line(&mut self, row: u64, line: &[u8]) {
        let Some((local_ns, raw)) = split(line) else {
            return self.findings.add(row, Problem::NoTime);
        };
        if let Some(back) = self.before_ns.filter(|before| *before > local_ns) {
            let by_ms = back.abs_diff(local_ns) / 1_000_000;
            self.findings.add(row, Problem::ClockBack { by_ms });
        }
        let silent = self.before_ns.map_or(0, |before| local_ns.saturating_sub(before).max(0));
        if silent.unsigned_abs() > SILENCE_MAX_NS {
            let for_s = silent.unsigned_abs() / 1_000_000_000;
            self.findings.add(row, Problem::Silent { for_s });
        }
        self.before_ns = Some(local_ns);
        let messages = match self.venue.parse(raw) {
            Ok(messages) => messages,
            Err(error) => return self.findings.add(row, error),
        };
        let sent = messages.iter().filter_map(sent_ms).max();
        if let Some(sent) = sent {
            self.delay(row, (local_ns / 1_000_000).saturating_sub(sent));
        }
        for message in messages {
            self.messages += 1;
            self.message(row, &message);
        }
    }

    fn delay(&mut self, row: u64, delay_ms: i64) {
        /// Good lines that do not end a skew.
        const CALM: u64 = 1_000;
        self.delays.push(delay_ms);
        if self.quickest.is_none_or(|(least, _)| delay_ms < least) {
            self.quickest = Some((delay_ms, row));
        }
        if delay_ms >= -AHEAD_MAX_MS {
            return;
        }
        let ahead = delay_ms.unsigned_abs();
        if let Some((at, last)) = &mut self.skew
            && row - *last <= CALM
            && let Some(found) = self.findings.kept.get_mut(*at)
            && let Problem::Skew { worst_ms, lines } = &mut found.problem
        {
            *worst_ms = ahead.max(*worst_ms);
            *lines += 1;
            *last = row;
            return;
        }
        self.skew = Some((self.findings.kept.len(), row));
        self.findings.add(row, Problem::Skew { worst_ms: ahead, lines: 1 });
    }

    fn message(&mut self, row: u64, message: &Message) {
        if let Message::Trade(trade) = message {
            return self.trade(row, trade);
        }
        if !matches!(message, Message::BookSnapshot(_) | Message::BookDelta(_)) {
            return;
        }
        // A snapshot over REST does not say its market, and a log holds one.
        let symbol = match message.symbol() {
            "" => self.books.keys().next().cloned().unwrap_or_default(),
            symbol => symbol.to_owned(),
        };
        let book = self.books.entry(symbol.clone()).or_default();
        if let Some(problem) = begun_anew(self.venue, &symbol, book, message) {
            self.findings.add(row, problem);
        }
        let step = book.apply(message);
        if let Some(problem) = Problem::of_step(&symbol, step) {
            self.findings.add(row, problem);
        }
    }

    fn trade(&mut self, row: u64, trade: &Trade) {
        let seen = self.trades.entry(trade.symbol.to_string()).or_default();
        let id = trade.id.to_string();
        if !seen.ids.insert(id.clone()) {
            let symbol = trade.symbol.to_string();
            return self.findings.add(row, Problem::Twice { symbol, id });
        }
        seen.order.push_back(id);
        if seen.order.len() > TRADES_KEPT
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.ids.remove(&oldest);
        }
    }

    /// Finds that even the quickest message was late.
    fn late(&mut self) {
        if let Some((least, row)) = self.quickest
            && least > LATE_MAX_MS
        {
            self.findings.add(row, Problem::Late { least_ms: least.unsigned_abs() });
        }
    }

    fn middle(&mut self) -> Option<i64> {
        let middle = self.delays.len() / 2;
        (!self.delays.is_empty()).then(|| *self.delays.select_nth_unstable(middle).1)
    }
}

/// Finds what a venue that sends its books left out between a live book and the next whole one,
/// which comes after a lost connection; a venue that is asked for them may answer at any time.
fn begun_anew(venue: Venue, symbol: &str, book: &Book, message: &Message) -> Option<Problem> {
    let Message::BookSnapshot(snapshot) = message else { return None };
    let sent = matches!(venue, Venue::Bybit | Venue::Okx | Venue::Deribit);
    let (have, last) = (book.last()?, snapshot.last?);
    (sent && last > have).then(|| Problem::BookGap {
        symbol: symbol.to_owned(),
        have,
        got: Span { previous: last, last },
    })
}

/// Returns when the venue sent a message; a bar, or a settled rate, says when something began.
fn sent_ms(message: &Message) -> Option<i64> {
    match message {
        Message::Bar(_) | Message::Funding(_) => None,
        message => message.time_ms(),
    }
}
