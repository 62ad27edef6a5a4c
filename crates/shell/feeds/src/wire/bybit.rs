//! Bybit, version 5: linear and inverse futures, spot, options.
//!
//! Websocket messages have a `topic` and `data`, REST replies a `result`. A ticker sends a whole
//! snapshot first and then only what changed. Levels of a book are numbered without a hole (`u`).
//! Source: Bybit's API documentation, version 5, "WebSocket Stream: Public" and "Market".

use serde::Deserialize;
use serde_json::value::RawValue;

use super::WireError;
use super::read::{Levels, Name, Whole, json, maybe, maybe_whole, milliseconds, need};
use crate::Decimal;
use crate::message::{
    Bar, BookDelta, BookSnapshot, Due, Funding, Level, Message, OpenInterest, OptionTicker, Quote,
    Side, Span, Trade,
};

#[derive(Deserialize)]
struct Outside<'a> {
    #[serde(borrow)]
    topic: Option<Name<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Name<'a>>,
    ts: Option<i64>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(rename = "retCode")]
    ret_code: Option<i64>,
    #[serde(borrow, alias = "ret_msg", rename = "retMsg")]
    ret_msg: Option<Name<'a>>,
    success: Option<bool>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Message>, WireError> {
    let outside: Outside<'_> = json(bytes)?;
    let code = outside.ret_code.unwrap_or(0);
    if code != 0 || outside.success == Some(false) {
        let reason = outside.ret_msg.unwrap_or_default().into_owned();
        return Err(WireError::Refused { code, reason });
    }
    if let Some(result) = outside.result {
        return reply(result.get().as_bytes());
    }
    let (Some(topic), Some(data)) = (&outside.topic, outside.data) else { return Ok(Vec::new()) };
    let data = data.get().as_bytes();
    let ts = || need("a message", "ts", outside.ts);
    match topic.split('.').next().unwrap_or_default() {
        "publicTrade" | "trade" => {
            json::<Vec<TradeItem<'_>>>(data)?.into_iter().map(trade).collect()
        }
        "orderbook" => Ok(vec![book(json(data)?, outside.kind.as_deref(), ts()?)?]),
        "kline" => {
            let symbol = topic.rsplit('.').next().unwrap_or_default();
            let bars: Vec<KlineItem> = json(data)?;
            Ok(bars.into_iter().map(|bar| kline(symbol, bar)).collect())
        }
        "tickers" => ticker(json(data)?, ts()?),
        _ => Ok(Vec::new()),
    }
}

/// A trade: short names on the websocket, long ones over REST.
#[derive(Deserialize)]
struct TradeItem<'a> {
    #[serde(borrow, alias = "symbol")]
    s: Name<'a>,
    #[serde(alias = "time", rename = "T")]
    time: Whole,
    #[serde(borrow, alias = "execId")]
    i: Name<'a>,
    #[serde(alias = "price")]
    p: Decimal,
    #[serde(alias = "size")]
    v: Decimal,
    #[serde(borrow, alias = "side", rename = "S")]
    side: Name<'a>,
}

fn trade(item: TradeItem<'_>) -> Result<Message, WireError> {
    Ok(Message::Trade(Trade {
        symbol: item.s.into(),
        time_ms: item.time.0,
        id: item.i.into(),
        price: item.p,
        size: item.v,
        taker: match &*item.side {
            "Buy" => Side::Buy,
            "Sell" => Side::Sell,
            _ => return Err(WireError::Missing { what: "a trade", field: "a side" }),
        },
    }))
}

#[derive(Deserialize)]
struct BookItem<'a> {
    #[serde(borrow)]
    s: Name<'a>,
    b: Levels,
    a: Levels,
    u: u64,
    ts: Option<i64>,
}

fn book(item: BookItem<'_>, kind: Option<&str>, ts: i64) -> Result<Message, WireError> {
    let (symbol, bids, asks) = (item.s.into(), item.b.0, item.a.0);
    // A change numbered 1 is a snapshot: the venue's service has started again.
    if kind != Some("delta") || item.u == 1 {
        return Ok(Message::BookSnapshot(BookSnapshot {
            symbol,
            time_ms: Some(ts),
            last: Some(item.u),
            checksum: None,
            bids,
            asks,
        }));
    }
    let previous = need("an orderbook delta", "a change before it", item.u.checked_sub(1))?;
    let span = Some(Span { previous, last: item.u });
    Ok(Message::BookDelta(BookDelta { symbol, time_ms: ts, span, checksum: None, bids, asks }))
}

#[derive(Deserialize)]
struct KlineItem {
    start: i64,
    open: Decimal,
    high: Decimal,
    low: Decimal,
    close: Decimal,
    volume: Decimal,
    confirm: bool,
}

fn kline(symbol: &str, item: KlineItem) -> Message {
    Message::Bar(Bar {
        symbol: symbol.into(),
        open_ms: item.start,
        open: item.open,
        high: item.high,
        low: item.low,
        close: item.close,
        volume: item.volume,
        closed: Some(item.confirm),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TickerItem<'a> {
    #[serde(borrow)]
    symbol: Name<'a>,
    #[serde(default, deserialize_with = "maybe")]
    mark_price: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    index_price: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    funding_rate: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe_whole")]
    next_funding_time: Option<i64>,
    #[serde(default, deserialize_with = "maybe")]
    open_interest: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    open_interest_value: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe", rename = "bid1Price")]
    best_bid: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe", rename = "bid1Size")]
    best_bid_size: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe", rename = "ask1Price")]
    best_ask: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe", rename = "ask1Size")]
    best_ask_size: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    bid_price: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe", alias = "bid1Iv")]
    bid_iv: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    ask_price: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe", alias = "ask1Iv")]
    ask_iv: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe", alias = "markIv")]
    mark_price_iv: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    underlying_price: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    delta: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    gamma: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    vega: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    theta: Option<Decimal>,
}

/// An option's ticker is one message; a future's is what there is of quote, funding and interest.
fn ticker(item: TickerItem<'_>, ts: i64) -> Result<Vec<Message>, WireError> {
    if item.mark_price_iv.is_some() {
        // Zero stands for nobody there.
        let there = |number: Option<Decimal>| number.filter(|number| !number.is_zero());
        return Ok(vec![Message::OptionTicker(Box::new(OptionTicker {
            symbol: item.symbol.into(),
            time_ms: ts,
            bid: there(item.bid_price.or(item.best_bid)),
            ask: there(item.ask_price.or(item.best_ask)),
            mark: item.mark_price,
            bid_iv: there(item.bid_iv),
            ask_iv: there(item.ask_iv),
            mark_iv: item.mark_price_iv,
            underlying: item.underlying_price,
            index: item.index_price,
            open_interest: item.open_interest,
            greeks: [item.delta, item.gamma, item.vega, item.theta],
        }))]);
    }
    let mut messages = Vec::new();
    if let (Some(bid), Some(bid_size), Some(ask), Some(ask_size)) =
        (item.best_bid, item.best_bid_size, item.best_ask, item.best_ask_size)
    {
        messages.push(Message::Quote(Quote {
            symbol: (&*item.symbol).into(),
            time_ms: Some(ts),
            bid: Level { price: bid, size: bid_size },
            ask: Level { price: ask, size: ask_size },
        }));
    }
    if let Some(rate) = item.funding_rate {
        messages.push(Message::Funding(Funding {
            symbol: (&*item.symbol).into(),
            time_ms: Some(ts),
            rate,
            due: item.next_funding_time.map_or(Due::Running, Due::At),
            mark: item.mark_price,
            index: item.index_price,
        }));
    }
    if let Some(amount) = item.open_interest {
        messages.push(Message::OpenInterest(OpenInterest {
            symbol: item.symbol.into(),
            time_ms: Some(ts),
            amount,
            value: item.open_interest_value,
        }));
    }
    Ok(messages)
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow, default)]
    symbol: Name<'a>,
    #[serde(borrow)]
    list: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    b: Option<&'a RawValue>,
}

/// A REST result: a list of rows, or a book.
fn reply(bytes: &[u8]) -> Result<Vec<Message>, WireError> {
    let reply: Reply<'_> = json(bytes)?;
    if reply.b.is_some() {
        let item: BookItem<'_> = json(bytes)?;
        let ts = need("an order book", "ts", item.ts)?;
        return Ok(vec![book(item, None, ts)?]);
    }
    let rows = reply.list.unwrap_or_default();
    let messages = rows.into_iter().map(|raw| row(&reply.symbol, raw.get().as_bytes()));
    Ok(messages.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow)]
    symbol: Option<Name<'a>>,
    funding_rate: Option<Decimal>,
    funding_rate_timestamp: Option<Whole>,
    #[serde(default, deserialize_with = "maybe")]
    open_interest: Option<Decimal>,
    timestamp: Option<Whole>,
    /// Of a trade; an account's own executions have another.
    time: Option<Whole>,
}

fn row(symbol: &str, bytes: &[u8]) -> Result<Option<Message>, WireError> {
    if bytes.first() == Some(&b'[') {
        return kline_row(symbol, bytes).map(Some);
    }
    let row: Row<'_> = json(bytes)?;
    if row.time.is_some() {
        return trade(json(bytes)?).map(Some);
    }
    let symbol = row.symbol.unwrap_or(Name::Borrowed(symbol)).into();
    match (row.funding_rate, row.funding_rate_timestamp, row.open_interest, row.timestamp) {
        (Some(rate), Some(time), ..) => Ok(Some(Message::Funding(Funding {
            symbol,
            time_ms: Some(time.0),
            rate,
            due: Due::Settled,
            mark: None,
            index: None,
        }))),
        (_, _, Some(amount), Some(time)) => Ok(Some(Message::OpenInterest(OpenInterest {
            symbol,
            time_ms: Some(time.0),
            amount,
            value: None,
        }))),
        _ => Ok(None),
    }
}

fn kline_row(symbol: &str, bytes: &[u8]) -> Result<Message, WireError> {
    let row: Vec<Decimal> = json(bytes)?;
    let [start, open, high, low, close, volume, ..] = row[..] else {
        return Err(WireError::Missing { what: "a kline", field: "six columns" });
    };
    let open_ms = need("a kline", "a start in milliseconds", milliseconds(start))?;
    let symbol = symbol.into();
    Ok(Message::Bar(Bar { symbol, open_ms, open, high, low, close, volume, closed: None }))
}
