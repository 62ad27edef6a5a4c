//! OKX, version 5: spot, swaps, futures, options.
//!
//! REST and websocket both put rows into `data`; the websocket adds `arg` with the market and, for
//! a book, `action`. A row is told by its fields. Books carry numbers (`prevSeqId`, `seqId`) since
//! 2023, and carried a checksum of the best 25 levels, which is zero now.
//! Source: OKX's API guide, version 5, "Order Book Trading: Market Data" and "Public Data".

use serde::Deserialize;
use serde_json::value::RawValue;

use super::WireError;
use super::read::{Levels, Name, Whole, json, maybe, maybe_whole, milliseconds, need};
use crate::Decimal;
use crate::message::{
    Bar, BookDelta, BookSnapshot, Due, Funding, Level, Message, OpenInterest, OptionTicker, Quote,
    Side, Span, Symbol, Trade,
};

#[derive(Deserialize)]
struct Outside<'a> {
    #[serde(borrow)]
    arg: Option<Arg<'a>>,
    #[serde(borrow)]
    action: Option<Name<'a>>,
    #[serde(borrow)]
    event: Option<Name<'a>>,
    #[serde(borrow)]
    data: Option<Vec<&'a RawValue>>,
    code: Option<Whole>,
    #[serde(borrow)]
    msg: Option<Name<'a>>,
}

#[derive(Default, Deserialize)]
struct Arg<'a> {
    #[serde(borrow, default)]
    channel: Name<'a>,
    #[serde(borrow, default, rename = "instId")]
    inst_id: Name<'a>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Message>, WireError> {
    // The answer to a ping is no JSON.
    if bytes == b"pong" {
        return Ok(Vec::new());
    }
    let outside: Outside<'_> = json(bytes)?;
    let code = outside.code.map_or(0, |code| code.0);
    if code != 0 || outside.event.as_deref() == Some("error") {
        let reason = outside.msg.unwrap_or_default().into_owned();
        return Err(WireError::Refused { code, reason });
    }
    let arg = outside.arg.unwrap_or_default();
    // Trades of candles in mark and index prices are no traded bars.
    if arg.channel.starts_with("mark-price") || arg.channel.starts_with("index") {
        return Ok(Vec::new());
    }
    let mut messages = Vec::new();
    for raw in outside.data.unwrap_or_default() {
        let bytes = raw.get().as_bytes();
        if bytes.first() == Some(&b'[') {
            messages.push(candle((&*arg.inst_id).into(), bytes)?);
        } else {
            messages.extend(row(&arg, json(bytes)?, outside.action.as_deref())?);
        }
    }
    Ok(messages)
}

/// A candle ends with whether it is finished; short rows of old do not.
fn candle(symbol: Symbol, bytes: &[u8]) -> Result<Message, WireError> {
    let row: Vec<Decimal> = json(bytes)?;
    let [ts, open, high, low, close, ref rest @ ..] = row[..] else {
        return Err(WireError::Missing { what: "a candle", field: "five columns" });
    };
    Ok(Message::Bar(Bar {
        symbol,
        open_ms: need("a candle", "a start in milliseconds", milliseconds(ts))?,
        open,
        high,
        low,
        close,
        volume: rest.first().copied().unwrap_or_default(),
        closed: rest.get(3).map(|confirm| !confirm.is_zero()),
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow)]
    inst_id: Option<Name<'a>>,
    ts: Option<Whole>,
    // A trade.
    #[serde(borrow)]
    trade_id: Option<Name<'a>>,
    #[serde(default, deserialize_with = "maybe")]
    px: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    sz: Option<Decimal>,
    #[serde(borrow)]
    side: Option<Name<'a>>,
    // A book.
    asks: Option<Levels>,
    bids: Option<Levels>,
    seq_id: Option<i64>,
    prev_seq_id: Option<i64>,
    checksum: Option<i32>,
    // Funding.
    #[serde(default, deserialize_with = "maybe")]
    funding_rate: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    realized_rate: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe_whole")]
    funding_time: Option<i64>,
    // Open interest, in contracts.
    #[serde(default, deserialize_with = "maybe")]
    oi: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    oi_usd: Option<Decimal>,
    // A quote.
    #[serde(default, deserialize_with = "maybe")]
    bid_px: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    bid_sz: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    ask_px: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    ask_sz: Option<Decimal>,
    // An option.
    #[serde(default, deserialize_with = "maybe")]
    mark_vol: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    bid_vol: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    ask_vol: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    fwd_px: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    delta: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    gamma: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    vega: Option<Decimal>,
    #[serde(default, deserialize_with = "maybe")]
    theta: Option<Decimal>,
}

fn row(arg: &Arg<'_>, row: Row<'_>, action: Option<&str>) -> Result<Option<Message>, WireError> {
    let symbol: Symbol = row.inst_id.as_deref().unwrap_or(&arg.inst_id).into();
    let ts = row.ts.map(|ts| ts.0);
    if row.asks.is_some() || row.bids.is_some() {
        // One level a side, in the shape of a book.
        if arg.channel == "bbo-tbt" {
            return Ok(best(symbol, &row));
        }
        return book(symbol, row, action == Some("update")).map(Some);
    }
    if row.mark_vol.is_some() {
        return option(symbol, &row).map(Some);
    }
    if let Some(rate) = row.funding_rate {
        return funding(symbol, rate, &row).map(Some);
    }
    if let Some(amount) = row.oi {
        let value = row.oi_usd;
        return Ok(Some(Message::OpenInterest(OpenInterest {
            symbol,
            time_ms: ts,
            amount,
            value,
        })));
    }
    // An account's own orders have no `ts`.
    if let (Some(id), Some(px), Some(sz), Some(time_ms)) = (row.trade_id, row.px, row.sz, ts) {
        return Ok(Some(Message::Trade(Trade {
            symbol,
            time_ms,
            id: id.into(),
            price: px,
            size: sz,
            taker: match row.side.as_deref() {
                Some("buy") => Side::Buy,
                Some("sell") => Side::Sell,
                _ => return Err(WireError::Missing { what: "a trade", field: "a side" }),
            },
        })));
    }
    Ok(match (row.bid_px, row.bid_sz, row.ask_px, row.ask_sz) {
        (Some(bid), Some(bid_size), Some(ask), Some(ask_size)) => Some(Message::Quote(Quote {
            symbol,
            time_ms: ts,
            bid: Level { price: bid, size: bid_size },
            ask: Level { price: ask, size: ask_size },
        })),
        _ => None,
    })
}

/// A quote is one where there is somebody on both sides.
fn best(symbol: Symbol, row: &Row<'_>) -> Option<Message> {
    let first = |levels: &Option<Levels>| levels.as_ref()?.0.first().copied();
    let (bid, ask) = (first(&row.bids)?, first(&row.asks)?);
    Some(Message::Quote(Quote { symbol, time_ms: row.ts.map(|ts| ts.0), bid, ask }))
}

/// A history names the rate that was paid; a live row says what will be.
fn funding(symbol: Symbol, rate: Decimal, row: &Row<'_>) -> Result<Message, WireError> {
    let due_ms = need("a funding rate", "fundingTime", row.funding_time)?;
    let settled = row.realized_rate.is_some();
    Ok(Message::Funding(Funding {
        symbol,
        time_ms: if settled { Some(due_ms) } else { row.ts.map(|ts| ts.0) },
        rate: row.realized_rate.unwrap_or(rate),
        due: if settled { Due::Settled } else { Due::At(due_ms) },
        mark: None,
        index: None,
    }))
}

fn option(symbol: Symbol, row: &Row<'_>) -> Result<Message, WireError> {
    let there = |number: Option<Decimal>| number.filter(|number| !number.is_zero());
    Ok(Message::OptionTicker(Box::new(OptionTicker {
        symbol,
        time_ms: need("an option summary", "ts", row.ts)?.0,
        bid: None,
        ask: None,
        mark: None,
        bid_iv: there(row.bid_vol),
        ask_iv: there(row.ask_vol),
        mark_iv: row.mark_vol,
        underlying: row.fwd_px,
        index: None,
        open_interest: None,
        greeks: [row.delta, row.gamma, row.vega, row.theta],
    })))
}

fn book(symbol: Symbol, row: Row<'_>, delta: bool) -> Result<Message, WireError> {
    let time_ms = need("a book", "ts", row.ts)?.0;
    let number = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    let last = number(row.seq_id);
    // A sum of 32 bits that the venue prints with a sign; it has stopped summing and sends zero.
    let checksum = row.checksum.filter(|sum| *sum != 0).map(i32::cast_unsigned);
    let bids = need("a book", "bids", row.bids)?.0;
    let asks = need("a book", "asks", row.asks)?.0;
    if !delta {
        let time_ms = Some(time_ms);
        return Ok(Message::BookSnapshot(BookSnapshot {
            symbol,
            time_ms,
            last,
            checksum,
            bids,
            asks,
        }));
    }
    let span = number(row.prev_seq_id).zip(last).map(|(previous, last)| Span { previous, last });
    if span.is_none() && checksum.is_none() {
        return Err(WireError::Missing { what: "a book update", field: "seqId and checksum" });
    }
    Ok(Message::BookDelta(BookDelta { symbol, time_ms, span, checksum, bids, asks }))
}
