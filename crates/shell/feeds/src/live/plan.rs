//! Where each venue is, and what to say to it.
//!
//! One function a venue, each of one shape: which sockets to open, what to say there, how to ask
//! for a book over REST. Source: the venues' API documentation, as in `wire`.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::Venue;

/// What to listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Every trade.
    Trades,
    /// The best bid and ask.
    Quotes,
    /// The whole book and its changes.
    Book,
    /// Funding and open interest; for an option its volatilities and Greeks.
    Ticker,
    /// Positions closed by force, at Binance USD-M and Hyperliquid.
    Liquidations,
    /// One-minute bars.
    Bars,
}

/// No channel has this name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no channel; there are trades, quotes, book, ticker, liquidations, bars")]
pub struct NoChannel(String);

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 6] =
        [Self::Trades, Self::Quotes, Self::Book, Self::Ticker, Self::Liquidations, Self::Bars];

    /// Returns its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Trades => "trades",
            Self::Quotes => "quotes",
            Self::Book => "book",
            Self::Ticker => "ticker",
            Self::Liquidations => "liquidations",
            Self::Bars => "bars",
        }
    }
}

impl FromStr for Channel {
    type Err = NoChannel;

    fn from_str(name: &str) -> Result<Self, NoChannel> {
        let found = Self::ALL.into_iter().find(|channel| channel.name() == name);
        found.ok_or_else(|| NoChannel(name.to_owned()))
    }
}

impl Venue {
    /// Whether a venue has a channel here.
    #[must_use]
    pub fn has(self, channel: Channel) -> bool {
        match channel {
            Channel::Trades | Channel::Quotes | Channel::Book | Channel::Bars => true,
            Channel::Ticker => self != Self::BinanceSpot,
            Channel::Liquidations => matches!(self, Self::BinanceUsdm | Self::Hyperliquid),
        }
    }
}

/// Addresses without a path: `https://..` for REST, `wss://..` for websockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// For REST.
    pub rest: String,
    /// For websockets.
    pub socket: String,
}

impl Endpoints {
    /// Returns the venue's public addresses.
    #[must_use]
    pub fn public(venue: Venue) -> Self {
        let (rest, socket) = match venue {
            Venue::BinanceSpot => ("https://api.binance.com", "wss://stream.binance.com:9443"),
            Venue::BinanceUsdm => ("https://fapi.binance.com", "wss://fstream.binance.com"),
            Venue::Bybit => ("https://api.bybit.com", "wss://stream.bybit.com"),
            Venue::Okx => ("https://www.okx.com", "wss://ws.okx.com:8443"),
            Venue::Deribit => ("https://www.deribit.com", "wss://www.deribit.com"),
            Venue::Hyperliquid => ("https://api.hyperliquid.xyz", "wss://api.hyperliquid.xyz"),
        };
        Self { rest: rest.to_owned(), socket: socket.to_owned() }
    }
}

/// One market to collect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The venue.
    pub venue: Venue,
    /// The market, as the venue writes it.
    pub symbol: String,
    /// What to listen to; those that the venue does not have are left out.
    pub channels: Vec<Channel>,
    /// The websockets' address, as in [`Endpoints`].
    pub socket: String,
}

/// A question over REST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Path and query.
    pub path: String,
    /// A JSON body; the question is a POST then, and a GET otherwise.
    pub body: Option<String>,
    /// What it costs of the venue's limit a minute.
    pub weight: u32,
}

impl Request {
    fn get(path: String, weight: u32) -> Self {
        Self { path, body: None, weight }
    }
}

/// One websocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    pub(super) url: String,
    /// What to say after connecting.
    pub(super) hello: Vec<String>,
    /// What to say now and then, so that the venue stays; a ping frame where there is nothing.
    pub(super) ping: Option<&'static str>,
}

/// What a feed needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) sockets: Vec<Socket>,
    /// How to ask for a book where no socket brings one.
    pub(super) snapshot: Option<Request>,
    /// What to ask every [`POLL_INTERVAL`].
    pub(super) poll: Option<Request>,
}

impl Plan {
    /// Returns the plan of one socket, or of none where nothing is wanted there.
    fn of(nothing: bool, socket: Socket) -> Self {
        Self { sockets: if nothing { Vec::new() } else { vec![socket] }, ..Self::default() }
    }
}

/// How often open interest is asked for where it is not sent.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(60);
/// The vault that takes over positions at Hyperliquid.
const HYPERLIQUID_LIQUIDATOR: &str = "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14";

/// Returns what the venue allows a minute, in its own weights, with a margin.
pub(super) fn weight_a_minute(venue: Venue) -> u32 {
    match venue {
        Venue::BinanceSpot => 5_000,
        Venue::BinanceUsdm => 2_000,
        Venue::Bybit | Venue::Okx | Venue::Deribit => 500,
        Venue::Hyperliquid => 1_000,
    }
}

pub(super) fn plan(feed: &Feed) -> Plan {
    match feed.venue {
        Venue::BinanceSpot => binance_spot(feed),
        Venue::BinanceUsdm => binance_usdm(feed),
        Venue::Bybit => bybit(feed),
        Venue::Okx => okx(feed),
        Venue::Deribit => deribit(feed),
        Venue::Hyperliquid => hyperliquid(feed),
    }
}

impl Feed {
    fn wants(&self, channel: Channel) -> bool {
        self.channels.contains(&channel)
    }

    /// Returns the texts of those pairs whose channel is wanted.
    fn chosen(&self, all: &[(Channel, String)]) -> Vec<String> {
        let wanted = all.iter().filter(|(channel, _)| self.wants(*channel));
        wanted.map(|(_, text)| text.clone()).collect()
    }
}

fn binance_spot(feed: &Feed) -> Plan {
    let symbol = feed.symbol.to_lowercase();
    let streams = feed.chosen(&[
        (Channel::Trades, format!("{symbol}@trade")),
        (Channel::Quotes, format!("{symbol}@bookTicker")),
        (Channel::Book, format!("{symbol}@depth@100ms")),
        (Channel::Bars, format!("{symbol}@kline_1m")),
    ]);
    let path = format!("/api/v3/depth?symbol={}&limit=5000", feed.symbol.to_uppercase());
    Plan {
        sockets: binance_socket(feed, "", &streams).into_iter().collect(),
        snapshot: feed.wants(Channel::Book).then(|| Request::get(path, 250)),
        poll: None,
    }
}

/// Quotes and books have a door of their own since 2026.
fn binance_usdm(feed: &Feed) -> Plan {
    let symbol = feed.symbol.to_lowercase();
    let public = feed.chosen(&[
        (Channel::Quotes, format!("{symbol}@bookTicker")),
        (Channel::Book, format!("{symbol}@depth@100ms")),
    ]);
    let market = feed.chosen(&[
        (Channel::Trades, format!("{symbol}@aggTrade")),
        (Channel::Ticker, format!("{symbol}@markPrice@1s")),
        (Channel::Liquidations, format!("{symbol}@forceOrder")),
        (Channel::Bars, format!("{symbol}@kline_1m")),
    ]);
    let symbol = feed.symbol.to_uppercase();
    let depth = format!("/fapi/v1/depth?symbol={symbol}&limit=1000");
    let interest = Request::get(format!("/fapi/v1/openInterest?symbol={symbol}"), 1);
    let doors = [("/public", public), ("/market", market)];
    Plan {
        sockets: doors.iter().filter_map(|(d, streams)| binance_socket(feed, d, streams)).collect(),
        snapshot: feed.wants(Channel::Book).then(|| Request::get(depth, 20)),
        poll: feed.wants(Channel::Ticker).then_some(interest),
    }
}

fn binance_socket(feed: &Feed, door: &str, streams: &[String]) -> Option<Socket> {
    let url = format!("{}{door}/stream?streams={}", feed.socket, streams.join("/"));
    (!streams.is_empty()).then(|| Socket { url, hello: Vec::new(), ping: None })
}

/// An option ends with its kind: `BTC-27MAR26-70000-C`, at Bybit sometimes with the currency.
fn is_option(symbol: &str) -> bool {
    ["-C", "-P", "-C-USDT", "-P-USDT"].iter().any(|ending| symbol.ends_with(ending))
}

fn bybit(feed: &Feed) -> Plan {
    let (symbol, option) = (&feed.symbol, is_option(&feed.symbol));
    let (category, depth) = if option { ("option", 100) } else { ("linear", 200) };
    // The ticker holds the quotes.
    let ticker = if feed.wants(Channel::Ticker) { Channel::Ticker } else { Channel::Quotes };
    let topics = feed.chosen(&[
        (Channel::Trades, format!("publicTrade.{symbol}")),
        (Channel::Book, format!("orderbook.{depth}.{symbol}")),
        (ticker, format!("tickers.{symbol}")),
        (Channel::Bars, format!("kline.1.{symbol}")),
    ]);
    let hello = serde_json::json!({ "op": "subscribe", "args": topics }).to_string();
    let url = format!("{}/v5/public/{category}", feed.socket);
    let ping = Some(r#"{"op":"ping"}"#);
    Plan::of(topics.is_empty(), Socket { url, hello: vec![hello], ping })
}

fn okx(feed: &Feed) -> Plan {
    let symbol = &feed.symbol;
    let channel = |name: &str| serde_json::json!({ "channel": name, "instId": symbol });
    let mut public = Vec::new();
    for (wanted, name) in
        [(Channel::Trades, "trades"), (Channel::Quotes, "bbo-tbt"), (Channel::Book, "books")]
    {
        if feed.wants(wanted) {
            public.push(channel(name));
        }
    }
    if feed.wants(Channel::Ticker) && is_option(symbol) {
        let family: Vec<&str> = symbol.split('-').take(2).collect();
        let family = family.join("-");
        public.push(serde_json::json!({ "channel": "opt-summary", "instFamily": family }));
    } else if feed.wants(Channel::Ticker) && symbol.ends_with("-SWAP") {
        public.extend([channel("funding-rate"), channel("open-interest")]);
    }
    let bars = if feed.wants(Channel::Bars) { vec![channel("candle1m")] } else { Vec::new() };
    let socket = |door: &str, args: Vec<serde_json::Value>| {
        (!args.is_empty()).then(|| Socket {
            url: format!("{}/ws/v5/{door}", feed.socket),
            hello: vec![serde_json::json!({ "op": "subscribe", "args": args }).to_string()],
            ping: Some("ping"),
        })
    };
    let sockets = [socket("public", public), socket("business", bars)];
    Plan { sockets: sockets.into_iter().flatten().collect(), ..Plan::default() }
}

fn deribit(feed: &Feed) -> Plan {
    let symbol = &feed.symbol;
    let channels = feed.chosen(&[
        (Channel::Trades, format!("trades.{symbol}.100ms")),
        (Channel::Quotes, format!("quote.{symbol}")),
        (Channel::Book, format!("book.{symbol}.100ms")),
        (Channel::Ticker, format!("ticker.{symbol}.100ms")),
        (Channel::Bars, format!("chart.trades.{symbol}.1")),
    ]);
    let hello = serde_json::json!({
        "jsonrpc": "2.0", "id": 1, "method": "public/subscribe", "params": { "channels": channels },
    });
    let url = format!("{}/ws/api/v2", feed.socket);
    let ping = Some(r#"{"jsonrpc":"2.0","id":2,"method":"public/test","params":{}}"#);
    Plan::of(channels.is_empty(), Socket { url, hello: vec![hello.to_string()], ping })
}

fn hyperliquid(feed: &Feed) -> Plan {
    let coin = &feed.symbol;
    let mut topics = Vec::new();
    for (channel, kind) in [
        (Channel::Trades, "trades"),
        (Channel::Quotes, "bbo"),
        (Channel::Book, "l2Book"),
        (Channel::Ticker, "activeAssetCtx"),
    ] {
        if feed.wants(channel) {
            topics.push(serde_json::json!({ "type": kind, "coin": coin }));
        }
    }
    if feed.wants(Channel::Bars) {
        topics.push(serde_json::json!({ "type": "candle", "coin": coin, "interval": "1m" }));
    }
    if feed.wants(Channel::Liquidations) {
        let user = HYPERLIQUID_LIQUIDATOR;
        topics.push(serde_json::json!({ "type": "userFills", "user": user }));
    }
    let subscribe =
        |topic| serde_json::json!({ "method": "subscribe", "subscription": topic }).to_string();
    let url = format!("{}/ws", feed.socket);
    let hello: Vec<String> = topics.into_iter().map(subscribe).collect();
    let ping = Some(r#"{"method":"ping"}"#);
    Plan::of(hello.is_empty(), Socket { url, hello, ping })
}
