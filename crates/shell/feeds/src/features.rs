//! What a log of raw messages says of each minute: order flow, depth, funding, basis, open
//! interest, liquidations.
//!
//! For volatility models that are not trained yet: six minutes of books are no history to learn
//! from, so these are built and tested, and nothing is claimed for them.
//!
//! *Order-flow imbalance* (Cont, Kukanov and Stoikov 2014, section 2): with best bid `b` of size
//! `q` and best ask `a` of size `r`, each change of the best prices adds
//! `[b >= b'] q - [b <= b'] q' - [a <= a'] r + [a >= a'] r'`, the primed ones being those before.
//!
//! *Invariant: a minute is made of messages of that minute and before.* Best prices are those of
//! the book once it is live, and until then those of quotes; a gap of the book adds nothing.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::message::{Level, Side, Symbol};
use crate::{Book, FeedError, Message, State, Step, Venue, inspect};

const MINUTE_MS: i64 = 60_000;
/// Minutes of the longer order-flow window.
const LONG: usize = 5;
/// Depth is counted within this share of the middle.
const NEAR: f64 = 0.02;

/// One minute of one market; what was not said is `None`. Sizes are in the venue's unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Minute {
    /// The market.
    pub symbol: Symbol,
    /// Unix time in milliseconds at which the minute begins.
    pub open_ms: i64,
    /// Middle of the best prices when it ends.
    pub mid: Option<f64>,
    /// Distance of the best prices when it ends, as a share of the middle.
    pub spread: Option<f64>,
    /// Order-flow imbalance of the minute.
    pub flow_1: Option<f64>,
    /// That of the last five minutes, once there are as many.
    pub flow_5: Option<f64>,
    /// Size of bids within two per cent of the middle when it ends.
    pub bids: Option<f64>,
    /// Size of asks within two per cent of the middle.
    pub asks: Option<f64>,
    /// Bought less sold, by takers, as a share of both; 0 where nothing was traded.
    pub taken: f64,
    /// The last funding rate said, a fraction per interval of the venue.
    pub funding: Option<f64>,
    /// The last mark price over the index said with it, less 1.
    pub basis: Option<f64>,
    /// The last amount open that was said.
    pub open_interest: Option<f64>,
    /// Size of long positions closed by force.
    pub liquidated_long: f64,
    /// Size of short positions closed by force.
    pub liquidated_short: f64,
}

/// Best bid and ask, as reals.
#[derive(Clone, Copy, Debug)]
struct Best {
    bid: (f64, f64),
    ask: (f64, f64),
}

/// What is known of a market within a minute.
#[derive(Debug, Default)]
struct Market {
    book: Book,
    best: Option<Best>,
    open_ms: Option<i64>,
    flow: Option<f64>,
    flows: Vec<f64>,
    bought: f64,
    sold: f64,
    funding: Option<f64>,
    basis: Option<f64>,
    open_interest: Option<f64>,
    liquidated: (f64, f64),
}

/// Makes minutes of messages, in the order in which they came.
#[derive(Debug, Default)]
pub struct Minutes {
    markets: BTreeMap<Symbol, Market>,
    done: Vec<Minute>,
    /// What came without a market before one was named.
    unnamed: Vec<Message>,
}

impl Minutes {
    /// Takes a message; one without a time of the venue's counts where the one before it did.
    ///
    /// A snapshot that was asked for does not repeat its market: it is the log's only one's, and
    /// of a log with several it is passed over.
    pub fn take(&mut self, message: &Message) {
        let only = self.markets.len() == 1;
        match (message.symbol(), self.markets.first_key_value()) {
            ("", None) => self.unnamed.push(message.clone()),
            ("", Some((symbol, _))) if only => self.put(symbol.clone(), message),
            ("", Some(_)) => {}
            (symbol, first) => {
                let (symbol, is_first) = (Symbol::from(symbol), first.is_none());
                if is_first {
                    for earlier in std::mem::take(&mut self.unnamed) {
                        self.put(symbol.clone(), &earlier);
                    }
                }
                self.put(symbol, message);
            }
        }
    }

    fn put(&mut self, symbol: Symbol, message: &Message) {
        let market = self.markets.entry(symbol.clone()).or_default();
        if let Some(time_ms) = message.time_ms() {
            market.reach(&symbol, time_ms, &mut self.done);
        }
        market.take(message);
    }

    /// Ends all minutes and returns them, market by market, ascending.
    #[must_use]
    pub fn finish(mut self) -> Vec<Minute> {
        for (symbol, market) in &mut self.markets {
            market.end(symbol, &mut self.done);
        }
        self.done.sort_by(|a, b| (&a.symbol, a.open_ms).cmp(&(&b.symbol, b.open_ms)));
        self.done
    }
}

impl Market {
    /// Ends minutes until this time is in the current one; minutes without a message too, unless it
    /// is a jump of more than a day.
    fn reach(&mut self, symbol: &Symbol, time_ms: i64, done: &mut Vec<Minute>) {
        let open_ms = time_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        if self.open_ms.is_some_and(|last| open_ms - last > 1_440 * MINUTE_MS) {
            self.end(symbol, done);
        }
        while let Some(last) = self.open_ms.filter(|last| *last < open_ms) {
            self.end(symbol, done);
            self.open_ms = Some(last + MINUTE_MS);
        }
        self.open_ms = self.open_ms.or(Some(open_ms));
    }

    fn take(&mut self, message: &Message) {
        match message {
            Message::BookSnapshot(_) | Message::BookDelta(_) => {
                let step = self.book.apply(message);
                if self.book.state() != State::Live {
                    self.best = None;
                } else if matches!(step, Step::Applied) {
                    // A snapshot does not follow from what was there before.
                    let follows = matches!(message, Message::BookDelta(_));
                    let pair = self.book.best(Side::Buy).zip(self.book.best(Side::Sell));
                    self.move_to(pair.map(|(bid, ask)| Best::of(bid, ask)), follows);
                }
            }
            Message::Quote(quote) if self.book.state() == State::Empty => {
                self.move_to(Some(Best::of(quote.bid, quote.ask)), true);
            }
            Message::Trade(trade) => match trade.taker {
                Side::Buy => self.bought += trade.size.to_f64(),
                Side::Sell => self.sold += trade.size.to_f64(),
            },
            Message::Funding(funding) => {
                self.funding = Some(funding.rate.to_f64());
                let prices = funding.mark.zip(funding.index).map(|(m, i)| (m.to_f64(), i.to_f64()));
                let basis = prices.filter(|(_, index)| *index > 0.0).map(|(m, i)| m / i - 1.0);
                self.basis = basis.or(self.basis);
            }
            Message::OpenInterest(open) => self.open_interest = Some(open.amount.to_f64()),
            Message::Liquidation(closed) => match closed.side {
                Side::Sell => self.liquidated.0 += closed.size.to_f64(),
                Side::Buy => self.liquidated.1 += closed.size.to_f64(),
            },
            Message::Quote(_) | Message::Bar(_) | Message::OptionTicker(_) => {}
        }
    }

    fn move_to(&mut self, best: Option<Best>, follows: bool) {
        if let (Some(before), Some(now), true) = (self.best, best, follows) {
            self.flow = Some(self.flow.unwrap_or(0.0) + now.flow_from(before));
        } else if best.is_some() {
            self.flow = self.flow.or(Some(0.0));
        }
        self.best = best;
    }

    /// Ends the current minute, if there is one.
    fn end(&mut self, symbol: &Symbol, done: &mut Vec<Minute>) {
        let Some(open_ms) = self.open_ms.take() else { return };
        let flow_1 = self.flow.take();
        match flow_1 {
            Some(flow) => self.flows.push(flow),
            None => self.flows.clear(),
        }
        if self.best.is_some() {
            self.flow = Some(0.0);
        }
        let long = self.flows.len().checked_sub(LONG).map(|from| &self.flows[from..]);
        let mid = self.best.map(|best| 0.5 * (best.bid.0 + best.ask.0));
        let depth = |side| {
            let live = self.book.state() == State::Live;
            mid.filter(|_| live).map(|mid| self.near(side, mid))
        };
        let traded = self.bought + self.sold;
        done.push(Minute {
            symbol: symbol.clone(),
            open_ms,
            mid,
            spread: self.best.zip(mid).map(|(best, mid)| (best.ask.0 - best.bid.0) / mid),
            flow_1,
            flow_5: long.map(|flows| flows.iter().sum()),
            bids: depth(Side::Buy),
            asks: depth(Side::Sell),
            taken: if traded > 0.0 { (self.bought - self.sold) / traded } else { 0.0 },
            funding: self.funding,
            basis: self.basis,
            open_interest: self.open_interest,
            liquidated_long: self.liquidated.0,
            liquidated_short: self.liquidated.1,
        });
        let kept = self.flows.len().saturating_sub(LONG);
        self.flows.drain(..kept);
        (self.bought, self.sold, self.liquidated) = (0.0, 0.0, (0.0, 0.0));
    }

    /// The size within two per cent of the middle.
    fn near(&self, side: Side, mid: f64) -> f64 {
        let within = |level: &Level| (level.price.to_f64() / mid - 1.0).abs() <= NEAR;
        self.book.levels(side).take_while(within).map(|level| level.size.to_f64()).sum()
    }
}

impl Best {
    fn of(bid: Level, ask: Level) -> Best {
        let reals = |level: Level| (level.price.to_f64(), level.size.to_f64());
        Best { bid: reals(bid), ask: reals(ask) }
    }

    /// What a change of the best prices adds to the order-flow imbalance.
    fn flow_from(self, before: Best) -> f64 {
        let ((b, q), (b0, q0)) = (self.bid, before.bid);
        let ((a, r), (a0, r0)) = (self.ask, before.ask);
        let part = |holds: bool, size: f64| if holds { size } else { 0.0 };
        part(b >= b0, q) - part(b <= b0, q0) - part(a <= a0, r) + part(a >= a0, r0)
    }
}

/// Reads a log and returns its minutes, and whose it is.
///
/// # Errors
///
/// [`FeedError`] if the log cannot be read, is no venue's, or has a line that is none.
pub fn minutes(path: &Path, venue: Option<Venue>) -> Result<(Venue, Vec<Minute>), FeedError> {
    let mut minutes = Minutes::default();
    let venue = inspect::messages(path, venue, &mut |message| minutes.take(message))?;
    Ok((venue, minutes.finish()))
}
