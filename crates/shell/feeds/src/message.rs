//! What venues say, in one vocabulary: trades, quotes, bars, funding, open interest, option
//! tickers, books and liquidations.
//!
//! Prices and sizes are in the venue's own units (coins, contracts or dollars, as its instrument
//! says), times are Unix milliseconds of the venue's clock. *Invariant: a message says no more than
//! the venue did*: what it left out is `None`, or an empty symbol.

use compact_str::CompactString;

use crate::Decimal;

/// A market's name as its venue writes it; empty where a REST reply does not repeat the one that
/// was asked for.
pub type Symbol = CompactString;

/// One thing a venue said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A trade.
    Trade(Trade),
    /// The best bid and ask.
    Quote(Quote),
    /// A bar, finished or still growing.
    Bar(Bar),
    /// A funding rate, settled or expected.
    Funding(Funding),
    /// How much is open.
    OpenInterest(OpenInterest),
    /// An option's quotes, volatilities and Greeks.
    OptionTicker(Box<OptionTicker>),
    /// A whole book.
    BookSnapshot(BookSnapshot),
    /// A change of a book.
    BookDelta(BookDelta),
    /// Somebody's position closed by force.
    Liquidation(Liquidation),
}

/// Which side an order is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Buys.
    Buy,
    /// Sells.
    Sell,
}

/// A trade, seen from the order that took liquidity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trade {
    /// The market.
    pub symbol: Symbol,
    /// When it happened.
    pub time_ms: i64,
    /// The venue's name for it.
    pub id: CompactString,
    /// Its price.
    pub price: Decimal,
    /// Its size.
    pub size: Decimal,
    /// The side of the order that took.
    pub taker: Side,
}

/// A price and what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The price.
    pub price: Decimal,
    /// The size there; zero in a change means that the level is gone.
    pub size: Decimal,
}

/// The best bid and ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The market.
    pub symbol: Symbol,
    /// When, where the venue says so.
    pub time_ms: Option<i64>,
    /// The highest bid.
    pub bid: Level,
    /// The lowest ask.
    pub ask: Level,
}

/// Open, high, low and close over an interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// The market.
    pub symbol: Symbol,
    /// When the interval begins.
    pub open_ms: i64,
    /// First price.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Last price.
    pub close: Decimal,
    /// Volume in the venue's unit.
    pub volume: Decimal,
    /// Whether the venue says that nothing more will come; `None` where it does not say.
    pub closed: Option<bool>,
}

/// A funding rate, as a fraction per funding interval of the venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funding {
    /// The market.
    pub symbol: Symbol,
    /// Settled: when it was paid. Expected: when this was said, where the venue says so.
    pub time_ms: Option<i64>,
    /// The rate; longs pay where it is positive.
    pub rate: Decimal,
    /// `None`: settled. Otherwise when it will be.
    pub due: Due,
    /// The mark price said with it.
    pub mark: Option<Decimal>,
    /// The index price said with it.
    pub index: Option<Decimal>,
}

/// Whether a funding rate was paid or is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Paid at the message's time.
    Settled,
    /// To be paid at this time.
    At(i64),
    /// Accruing all the time, or at a time the venue does not say.
    Running,
}

/// How much is open in a market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenInterest {
    /// The market.
    pub symbol: Symbol,
    /// When, where the venue says so.
    pub time_ms: Option<i64>,
    /// The amount, in the venue's unit of size.
    pub amount: Decimal,
    /// The same in the quote currency, where the venue says it.
    pub value: Option<Decimal>,
}

/// An option's ticker. Prices are in the venue's unit (coin at Deribit, dollars at Bybit), implied
/// volatilities are fractions a year, Greeks are the venue's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptionTicker {
    /// The option.
    pub symbol: Symbol,
    /// When.
    pub time_ms: i64,
    /// Highest bid; `None` where there is none.
    pub bid: Option<Decimal>,
    /// Lowest ask; `None` where there is none.
    pub ask: Option<Decimal>,
    /// The venue's mark.
    pub mark: Option<Decimal>,
    /// Implied volatility of the bid.
    pub bid_iv: Option<Decimal>,
    /// Implied volatility of the ask.
    pub ask_iv: Option<Decimal>,
    /// Implied volatility of the mark.
    pub mark_iv: Option<Decimal>,
    /// Price of the expiry's own future.
    pub underlying: Option<Decimal>,
    /// Price of the index.
    pub index: Option<Decimal>,
    /// Open interest in the venue's unit.
    pub open_interest: Option<Decimal>,
    /// Delta, gamma, vega, theta, as the venue defines them.
    pub greeks: [Option<Decimal>; 4],
}

/// A whole book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookSnapshot {
    /// The market.
    pub symbol: Symbol,
    /// When, where the venue says so.
    pub time_ms: Option<i64>,
    /// The number of the last change in it, where the venue numbers them.
    pub last: Option<u64>,
    /// The venue's checksum of the best levels after it.
    pub checksum: Option<u32>,
    /// Bids, in the venue's order.
    pub bids: Vec<Level>,
    /// Asks, in the venue's order.
    pub asks: Vec<Level>,
}

/// Which of the venue's numbered changes a message holds: all after `previous`, up to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The last change before it.
    pub previous: u64,
    /// The last change in it.
    pub last: u64,
}

/// A change of a book: new sizes of some levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookDelta {
    /// The market.
    pub symbol: Symbol,
    /// When.
    pub time_ms: i64,
    /// Which changes these are, where the venue numbers them.
    pub span: Option<Span>,
    /// The venue's checksum of the best levels after it.
    pub checksum: Option<u32>,
    /// New sizes of bids.
    pub bids: Vec<Level>,
    /// New sizes of asks.
    pub asks: Vec<Level>,
}

/// A position closed by force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liquidation {
    /// The market.
    pub symbol: Symbol,
    /// When.
    pub time_ms: i64,
    /// The side of the closing order: a long is closed by a sale.
    pub side: Side,
    /// The price it was filled at, on average, or its limit where nothing was filled.
    pub price: Decimal,
    /// Its size.
    pub size: Decimal,
}

impl Message {
    /// Returns the market it is about; empty where the venue did not repeat it.
    #[must_use]
    pub fn symbol(&self) -> &str {
        match self {
            Self::Trade(m) => &m.symbol,
            Self::Quote(m) => &m.symbol,
            Self::Bar(m) => &m.symbol,
            Self::Funding(m) => &m.symbol,
            Self::OpenInterest(m) => &m.symbol,
            Self::OptionTicker(m) => &m.symbol,
            Self::BookSnapshot(m) => &m.symbol,
            Self::BookDelta(m) => &m.symbol,
            Self::Liquidation(m) => &m.symbol,
        }
    }

    /// Returns when the venue says it happened, in Unix milliseconds.
    #[must_use]
    pub fn time_ms(&self) -> Option<i64> {
        match self {
            Self::Trade(m) => Some(m.time_ms),
            Self::Quote(m) => m.time_ms,
            Self::Bar(m) => Some(m.open_ms),
            Self::Funding(m) => m.time_ms,
            Self::OpenInterest(m) => m.time_ms,
            Self::OptionTicker(m) => Some(m.time_ms),
            Self::BookSnapshot(m) => m.time_ms,
            Self::BookDelta(m) => Some(m.time_ms),
            Self::Liquidation(m) => Some(m.time_ms),
        }
    }
}
