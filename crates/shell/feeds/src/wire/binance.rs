//! Binance: spot, and futures margined in dollars or coin, whose formats are one.
//!
//! A combined stream wraps each event as `{"stream":..,"data":..}`; the event names itself in `e`,
//! but for spot's `bookTicker`, which only its stream names. A snapshot comes over REST.
//! Source: Binance's API documentation, "WebSocket Streams" and "Market Data endpoints" of both.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::WireError;
use super::read::{Levels, Name, Whole, json, maybe, need};
use crate::Decimal;
use crate::message::{
    Bar, BookDelta, BookSnapshot, Due, Funding, Level, Liquidation, Message, OpenInterest, Quote,
    Side, Span, Trade,
};

/// The outside of a message: enough to know what it is.
#[derive(Deserialize)]
struct Outside<'a> {
    #[serde(borrow)]
    stream: Option<Name<'a>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    e: Option<Name<'a>>,
    #[serde(borrow, rename = "lastUpdateId")]
    last_update_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "openInterest")]
    open_interest: Option<&'a RawValue>,
    code: Option<i64>,
    #[serde(borrow)]
    msg: Option<Name<'a>>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Message>, WireError> {
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return list(bytes);
    }
    let outside: Outside<'_> = json(bytes)?;
    if let (Some(stream), Some(data)) = (&outside.stream, outside.data) {
        let kind = stream.split('@').nth(1).unwrap_or_default();
        return event(kind, data.get().as_bytes());
    }
    if let Some(kind) = &outside.e {
        return event(kind, bytes);
    }
    if outside.last_update_id.is_some() {
        return Ok(vec![snapshot(bytes)?]);
    }
    if outside.open_interest.is_some() {
        return Ok(item(json(bytes)?)?.into_iter().collect());
    }
    match outside.code {
        Some(code) if code < 0 => {
            Err(WireError::Refused { code, reason: outside.msg.unwrap_or_default().into_owned() })
        }
        _ => Ok(Vec::new()),
    }
}

/// Reads an event by the name of its stream or its own.
fn event(kind: &str, bytes: &[u8]) -> Result<Vec<Message>, WireError> {
    let kind = kind.split_once('_').map_or(kind, |(kind, _)| kind);
    let message = match kind {
        "bookTicker" => quote(bytes)?,
        "trade" | "aggTrade" => trade(bytes)?,
        "depth" | "depthUpdate" => delta(bytes)?,
        "kline" => bar(bytes)?,
        "markPrice" | "markPriceUpdate" => return funding(bytes),
        "forceOrder" => liquidation(bytes)?,
        _ => return Ok(Vec::new()),
    };
    Ok(vec![message])
}

#[derive(Deserialize)]
struct QuoteEvent<'a> {
    #[serde(borrow)]
    s: Name<'a>,
    b: Decimal,
    #[serde(rename = "B")]
    bid_size: Decimal,
    a: Decimal,
    #[serde(rename = "A")]
    ask_size: Decimal,
    #[serde(rename = "T")]
    time_ms: Option<i64>,
}

fn quote(bytes: &[u8]) -> Result<Message, WireError> {
    let event: QuoteEvent<'_> = json(bytes)?;
    Ok(Message::Quote(Quote {
        symbol: event.s.into(),
        time_ms: event.time_ms,
        bid: Level { price: event.b, size: event.bid_size },
        ask: Level { price: event.a, size: event.ask_size },
    }))
}

#[derive(Deserialize)]
struct TradeEvent<'a> {
    #[serde(borrow)]
    s: Name<'a>,
    t: Option<u64>,
    /// The aggregate; of old the seller's order, beside `t`.
    a: Option<u64>,
    p: Decimal,
    q: Decimal,
    #[serde(rename = "T")]
    time_ms: i64,
    /// Whether the buyer was there first.
    m: bool,
}

fn trade(bytes: &[u8]) -> Result<Message, WireError> {
    let event: TradeEvent<'_> = json(bytes)?;
    Ok(Message::Trade(Trade {
        symbol: event.s.into(),
        time_ms: event.time_ms,
        id: number_name(need("a trade", "t", event.t.or(event.a))?),
        price: event.p,
        size: event.q,
        taker: taker(event.m),
    }))
}

fn number_name(number: u64) -> compact_str::CompactString {
    compact_str::ToCompactString::to_compact_string(&number)
}

fn taker(buyer_is_maker: bool) -> Side {
    if buyer_is_maker { Side::Sell } else { Side::Buy }
}

#[derive(Deserialize)]
struct DepthEvent<'a> {
    #[serde(borrow)]
    s: Name<'a>,
    #[serde(rename = "E")]
    event_ms: i64,
    #[serde(rename = "T")]
    time_ms: Option<i64>,
    #[serde(rename = "U")]
    first: u64,
    u: u64,
    pu: Option<u64>,
    b: Levels,
    a: Levels,
}

/// Futures name the event before (`pu`), as the numbers of their markets are one sequence; spot
/// numbers a market's changes without a hole.
fn delta(bytes: &[u8]) -> Result<Message, WireError> {
    let event: DepthEvent<'_> = json(bytes)?;
    let previous = event.pu.or_else(|| event.first.checked_sub(1));
    let previous = need("a depthUpdate", "a change before its first", previous)?;
    Ok(Message::BookDelta(BookDelta {
        symbol: event.s.into(),
        time_ms: event.time_ms.unwrap_or(event.event_ms),
        span: Some(Span { previous, last: event.u }),
        checksum: None,
        bids: event.b.0,
        asks: event.a.0,
    }))
}

#[derive(Deserialize)]
struct DepthReply<'a> {
    #[serde(rename = "lastUpdateId")]
    last: u64,
    /// Futures margined in coin alone repeat it.
    #[serde(borrow, default)]
    symbol: Name<'a>,
    #[serde(rename = "T")]
    time_ms: Option<i64>,
    bids: Levels,
    asks: Levels,
}

fn snapshot(bytes: &[u8]) -> Result<Message, WireError> {
    let reply: DepthReply<'_> = json(bytes)?;
    Ok(Message::BookSnapshot(BookSnapshot {
        symbol: reply.symbol.into(),
        time_ms: reply.time_ms,
        last: Some(reply.last),
        checksum: None,
        bids: reply.bids.0,
        asks: reply.asks.0,
    }))
}

#[derive(Deserialize)]
struct KlineEvent<'a> {
    #[serde(borrow)]
    s: Name<'a>,
    k: Kline,
}

#[derive(Deserialize)]
struct Kline {
    t: i64,
    o: Decimal,
    h: Decimal,
    l: Decimal,
    c: Decimal,
    v: Decimal,
    x: bool,
}

fn bar(bytes: &[u8]) -> Result<Message, WireError> {
    let KlineEvent { s, k } = json(bytes)?;
    Ok(Message::Bar(Bar {
        symbol: s.into(),
        open_ms: k.t,
        open: k.o,
        high: k.h,
        low: k.l,
        close: k.c,
        volume: k.v,
        closed: Some(k.x),
    }))
}

#[derive(Deserialize)]
struct MarkPriceEvent<'a> {
    #[serde(borrow)]
    s: Name<'a>,
    #[serde(rename = "E")]
    event_ms: i64,
    #[serde(deserialize_with = "maybe")]
    p: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    i: Option<Decimal>,
    /// Empty for a future that ends.
    #[serde(default, deserialize_with = "maybe")]
    r: Option<Decimal>,
    #[serde(rename = "T")]
    due_ms: i64,
}

fn funding(bytes: &[u8]) -> Result<Vec<Message>, WireError> {
    let event: MarkPriceEvent<'_> = json(bytes)?;
    let Some(rate) = event.r else { return Ok(Vec::new()) };
    Ok(vec![Message::Funding(Funding {
        symbol: event.s.into(),
        time_ms: Some(event.event_ms),
        rate,
        due: Due::At(event.due_ms),
        mark: event.p,
        index: event.i,
    })])
}

#[derive(Deserialize)]
struct ForceOrderEvent<'a> {
    #[serde(borrow)]
    o: ForceOrder<'a>,
}

#[derive(Deserialize)]
struct ForceOrder<'a> {
    #[serde(borrow)]
    s: Name<'a>,
    #[serde(rename = "S", borrow)]
    side: Name<'a>,
    p: Decimal,
    ap: Decimal,
    q: Decimal,
    z: Option<Decimal>,
    #[serde(rename = "T")]
    time_ms: i64,
}

fn liquidation(bytes: &[u8]) -> Result<Message, WireError> {
    let ForceOrderEvent { o } = json(bytes)?;
    let filled = o.z.filter(|filled| !filled.is_zero() && !o.ap.is_zero());
    let (price, size) = filled.map_or((o.p, o.q), |filled| (o.ap, filled));
    Ok(Message::Liquidation(Liquidation {
        symbol: o.s.into(),
        time_ms: o.time_ms,
        side: match &*o.side {
            "BUY" => Side::Buy,
            "SELL" => Side::Sell,
            _ => return Err(WireError::Missing { what: "a forceOrder", field: "a side" }),
        },
        price,
        size,
    }))
}

/// A row of a REST list: klines are arrays, everything else objects.
fn list(bytes: &[u8]) -> Result<Vec<Message>, WireError> {
    let rows: Vec<&RawValue> = json(bytes)?;
    let row = |row: &RawValue| match row.get().as_bytes() {
        kline @ [b'[', ..] => kline_row(kline).map(Some),
        object => item(json(object)?),
    };
    rows.into_iter().filter_map(|raw| row(raw).transpose()).collect()
}

fn kline_row(bytes: &[u8]) -> Result<Message, WireError> {
    let row: Vec<&RawValue> = json(bytes)?;
    let [open_ms, open, high, low, close, volume, ..] = row[..] else {
        return Err(WireError::Missing { what: "a kline", field: "six columns" });
    };
    let decimal = |raw: &RawValue| json::<Decimal>(raw.get().as_bytes());
    Ok(Message::Bar(Bar {
        symbol: "".into(),
        open_ms: json::<Whole>(open_ms.get().as_bytes())?.0,
        open: decimal(open)?,
        high: decimal(high)?,
        low: decimal(low)?,
        close: decimal(close)?,
        volume: decimal(volume)?,
        closed: None,
    }))
}

/// An object of a REST list: a trade, an aggregate, a settled funding rate, an open interest.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default)]
    symbol: Name<'a>,
    #[serde(alias = "a")]
    id: Option<u64>,
    #[serde(alias = "p")]
    price: Option<Decimal>,
    #[serde(alias = "q")]
    qty: Option<Decimal>,
    #[serde(alias = "T", alias = "timestamp")]
    time: Option<i64>,
    #[serde(rename = "isBuyerMaker", alias = "m")]
    buyer_is_maker: Option<bool>,
    #[serde(rename = "fundingRate")]
    funding_rate: Option<Decimal>,
    #[serde(rename = "fundingTime")]
    funding_time: Option<i64>,
    #[serde(rename = "markPrice", default, deserialize_with = "maybe")]
    mark_price: Option<Decimal>,
    #[serde(rename = "openInterest", alias = "sumOpenInterest")]
    open_interest: Option<Decimal>,
    #[serde(rename = "sumOpenInterestValue")]
    open_interest_value: Option<Decimal>,
}

/// A list of anything else (balances, orders) is nobody's business here.
fn item(item: Item<'_>) -> Result<Option<Message>, WireError> {
    if let Some(rate) = item.funding_rate {
        return Ok(Some(Message::Funding(Funding {
            symbol: item.symbol.into(),
            time_ms: Some(need("a funding rate", "fundingTime", item.funding_time)?),
            rate,
            due: Due::Settled,
            mark: item.mark_price,
            index: None,
        })));
    }
    if let Some(amount) = item.open_interest {
        return Ok(Some(Message::OpenInterest(OpenInterest {
            symbol: item.symbol.into(),
            time_ms: item.time,
            amount,
            value: item.open_interest_value,
        })));
    }
    let Some(buyer_is_maker) = item.buyer_is_maker else { return Ok(None) };
    Ok(Some(Message::Trade(Trade {
        symbol: item.symbol.into(),
        time_ms: need("a trade", "time", item.time)?,
        id: number_name(need("a trade", "id", item.id)?),
        price: need("a trade", "price", item.price)?,
        size: need("a trade", "qty", item.qty)?,
        taker: taker(buyer_is_maker),
    })))
}
