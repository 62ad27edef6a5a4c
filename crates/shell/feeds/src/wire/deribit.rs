//! Deribit, version 2: options, futures, perpetuals.
//!
//! JSON-RPC both ways: a subscription's `params.data`, a reply's `result`. Numbers are JSON
//! numbers, read from their text. Options are quoted in coin, implied volatilities in per cent,
//! which become fractions here. A trade of a combination gives a message for itself and none for
//! its legs, which come on their own channels.
//! Source: Deribit's API documentation, version 2, "Subscriptions" and "Market data".

use serde::Deserialize;
use serde_json::value::RawValue;

use super::WireError;
use super::read::{Name, Number, NumberLevels, json, need};
use crate::Decimal;
use crate::message::{
    Bar, BookDelta, BookSnapshot, Due, Funding, Level, Message, OpenInterest, OptionTicker, Quote,
    Side, Span, Symbol, Trade,
};

#[derive(Deserialize)]
struct Outside<'a> {
    #[serde(borrow)]
    params: Option<Params<'a>>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<Refusal<'a>>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow, default)]
    channel: Name<'a>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Refusal<'a> {
    code: i64,
    #[serde(borrow)]
    message: Name<'a>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Message>, WireError> {
    let outside: Outside<'_> = json(bytes)?;
    if let Some(Refusal { code, message }) = outside.error {
        return Err(WireError::Refused { code, reason: message.into_owned() });
    }
    if let Some(Params { channel, data: Some(data) }) = outside.params {
        let data = data.get().as_bytes();
        let mut parts = channel.split('.');
        return match parts.next().unwrap_or_default() {
            "trades" => trades(data),
            "book" => Ok(vec![book(json(data)?)?]),
            "ticker" | "incremental_ticker" => ticker(json(data)?),
            "quote" => quote(json(data)?),
            "chart" => Ok(vec![bar(parts.nth(1).unwrap_or_default(), json(data)?)]),
            "perpetual" => Ok(vec![perpetual(parts.next().unwrap_or_default(), json(data)?)]),
            _ => Ok(Vec::new()),
        };
    }
    outside.result.map_or(Ok(Vec::new()), |result| reply(result.get().as_bytes()))
}

#[derive(Deserialize)]
struct TradeItem<'a> {
    #[serde(borrow)]
    instrument_name: Name<'a>,
    timestamp: i64,
    #[serde(borrow)]
    trade_id: Name<'a>,
    price: Number,
    amount: Number,
    #[serde(borrow)]
    direction: Name<'a>,
}

fn trades(bytes: &[u8]) -> Result<Vec<Message>, WireError> {
    json::<Vec<TradeItem<'_>>>(bytes)?.into_iter().map(trade).collect()
}

fn trade(item: TradeItem<'_>) -> Result<Message, WireError> {
    Ok(Message::Trade(Trade {
        symbol: item.instrument_name.into(),
        time_ms: item.timestamp,
        id: item.trade_id.into(),
        price: item.price.0,
        size: item.amount.0,
        taker: match &*item.direction {
            "buy" => Side::Buy,
            "sell" => Side::Sell,
            _ => return Err(WireError::Missing { what: "a trade", field: "a direction" }),
        },
    }))
}

#[derive(Deserialize)]
struct Book<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Name<'a>>,
    #[serde(borrow)]
    instrument_name: Name<'a>,
    timestamp: i64,
    change_id: u64,
    prev_change_id: Option<u64>,
    bids: NumberLevels,
    asks: NumberLevels,
}

fn book(item: Book<'_>) -> Result<Message, WireError> {
    let (symbol, bids, asks) = (item.instrument_name.into(), item.bids.0, item.asks.0);
    if item.kind.as_deref() == Some("change") {
        let previous = need("a book change", "prev_change_id", item.prev_change_id)?;
        return Ok(Message::BookDelta(BookDelta {
            symbol,
            time_ms: item.timestamp,
            span: Some(Span { previous, last: item.change_id }),
            checksum: None,
            bids,
            asks,
        }));
    }
    Ok(Message::BookSnapshot(BookSnapshot {
        symbol,
        time_ms: Some(item.timestamp),
        last: Some(item.change_id),
        checksum: None,
        bids,
        asks,
    }))
}

/// A ticker, and what of it a REST book repeats.
#[derive(Deserialize)]
struct Ticker<'a> {
    #[serde(borrow)]
    instrument_name: Name<'a>,
    timestamp: i64,
    best_bid_price: Option<Number>,
    best_bid_amount: Option<Number>,
    best_ask_price: Option<Number>,
    best_ask_amount: Option<Number>,
    mark_price: Option<Number>,
    index_price: Option<Number>,
    open_interest: Option<Number>,
    current_funding: Option<Number>,
    bid_iv: Option<Number>,
    ask_iv: Option<Number>,
    mark_iv: Option<Number>,
    underlying_price: Option<Number>,
    greeks: Option<Greeks>,
}

#[derive(Deserialize)]
struct Greeks {
    delta: Option<Number>,
    gamma: Option<Number>,
    vega: Option<Number>,
    theta: Option<Number>,
}

fn ticker(item: Ticker<'_>) -> Result<Vec<Message>, WireError> {
    let symbol: Symbol = (&*item.instrument_name).into();
    let number = |number: Option<Number>| number.map(|number| number.0);
    if item.mark_iv.is_some() {
        return Ok(vec![option(symbol, item)?]);
    }
    let time_ms = Some(item.timestamp);
    let (mark, index) = (number(item.mark_price), number(item.index_price));
    let mut messages = Vec::new();
    if let Some(rate) = number(item.current_funding) {
        let symbol = symbol.clone();
        let due = Due::Running;
        messages.push(Message::Funding(Funding { symbol, time_ms, rate, due, mark, index }));
    }
    if let Some(amount) = number(item.open_interest) {
        let symbol = symbol.clone();
        messages.push(Message::OpenInterest(OpenInterest { symbol, time_ms, amount, value: None }));
    }
    messages.extend(quote(item)?);
    Ok(messages)
}

fn quote(item: Ticker<'_>) -> Result<Vec<Message>, WireError> {
    let level = |price: Option<Number>, size: Option<Number>| {
        Some(Level { price: price?.0, size: size?.0 })
    };
    let bid = level(item.best_bid_price, item.best_bid_amount);
    let ask = level(item.best_ask_price, item.best_ask_amount);
    let quote = bid.zip(ask).map(|(bid, ask)| Quote {
        symbol: item.instrument_name.into(),
        time_ms: Some(item.timestamp),
        bid,
        ask,
    });
    Ok(quote.map(Message::Quote).into_iter().collect())
}

fn option(symbol: Symbol, item: Ticker<'_>) -> Result<Message, WireError> {
    let number = |number: Option<Number>| number.map(|number| number.0);
    // Zero stands for nobody there.
    let there =
        |number: Option<Number>| number.map(|number| number.0).filter(|number| !number.is_zero());
    let fraction = |percent: Option<Decimal>| match percent.map(Decimal::hundredth) {
        Some(None) => Err(WireError::Missing { what: "a ticker", field: "a volatility in reach" }),
        Some(fraction) => Ok(fraction),
        None => Ok(None),
    };
    let greeks = item.greeks.as_ref();
    Ok(Message::OptionTicker(Box::new(OptionTicker {
        symbol,
        time_ms: item.timestamp,
        bid: there(item.best_bid_price),
        ask: there(item.best_ask_price),
        mark: number(item.mark_price),
        bid_iv: fraction(there(item.bid_iv))?,
        ask_iv: fraction(there(item.ask_iv))?,
        mark_iv: fraction(number(item.mark_iv))?,
        underlying: number(item.underlying_price),
        index: number(item.index_price),
        open_interest: number(item.open_interest),
        greeks: [
            number(greeks.and_then(|g| g.delta)),
            number(greeks.and_then(|g| g.gamma)),
            number(greeks.and_then(|g| g.vega)),
            number(greeks.and_then(|g| g.theta)),
        ],
    })))
}

#[derive(Deserialize)]
struct ChartItem {
    tick: i64,
    open: Number,
    high: Number,
    low: Number,
    close: Number,
    volume: Number,
}

fn bar(symbol: &str, item: ChartItem) -> Message {
    Message::Bar(Bar {
        symbol: symbol.into(),
        open_ms: item.tick,
        open: item.open.0,
        high: item.high.0,
        low: item.low.0,
        close: item.close.0,
        volume: item.volume.0,
        closed: None,
    })
}

#[derive(Deserialize)]
struct Perpetual {
    interest: Number,
    timestamp: i64,
    index_price: Option<Number>,
}

fn perpetual(symbol: &str, item: Perpetual) -> Message {
    Message::Funding(Funding {
        symbol: symbol.into(),
        time_ms: Some(item.timestamp),
        rate: item.interest.0,
        due: Due::Running,
        mark: None,
        index: item.index_price.map(|number| number.0),
    })
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    trades: Option<&'a RawValue>,
    #[serde(borrow)]
    bids: Option<&'a RawValue>,
    #[serde(borrow)]
    ticks: Option<&'a RawValue>,
    #[serde(borrow)]
    instrument_name: Option<Name<'a>>,
    timestamp: Option<i64>,
}

fn reply(bytes: &[u8]) -> Result<Vec<Message>, WireError> {
    match bytes.first() {
        Some(b'{') => {}
        Some(b'[') => return settled(bytes),
        _ => return Ok(Vec::new()),
    }
    let reply: Reply<'_> = json(bytes)?;
    if let Some(trades_) = reply.trades {
        return trades(trades_.get().as_bytes());
    }
    if reply.ticks.is_some() {
        return chart(json(bytes)?);
    }
    let mut messages = Vec::new();
    if reply.bids.is_some() {
        messages.push(book(json(bytes)?)?);
    }
    if reply.instrument_name.is_some() && reply.timestamp.is_some() {
        messages.extend(ticker(json(bytes)?)?);
    }
    Ok(messages)
}

/// A row of a funding history: the rate of the hour that ended then.
#[derive(Deserialize)]
struct Settled {
    timestamp: Option<i64>,
    interest_1h: Option<Number>,
    index_price: Option<Number>,
}

/// A list of objects is a funding history or none of ours (instruments, names of channels).
fn settled(bytes: &[u8]) -> Result<Vec<Message>, WireError> {
    let rows: Vec<&RawValue> = json(bytes)?;
    let mut messages = Vec::new();
    for row in rows.into_iter().map(|row| row.get().as_bytes()).filter(|row| row[0] == b'{') {
        let Settled { timestamp, interest_1h: Some(rate), index_price } = json(row)? else {
            continue;
        };
        messages.push(Message::Funding(Funding {
            symbol: "".into(),
            time_ms: Some(need("a funding rate", "timestamp", timestamp)?),
            rate: rate.0,
            due: Due::Settled,
            mark: None,
            index: index_price.map(|number| number.0),
        }));
    }
    Ok(messages)
}

/// Bars as columns of equal lengths.
#[derive(Deserialize)]
struct Chart {
    ticks: Vec<i64>,
    open: Vec<Number>,
    high: Vec<Number>,
    low: Vec<Number>,
    close: Vec<Number>,
    volume: Vec<Number>,
}

fn chart(chart: Chart) -> Result<Vec<Message>, WireError> {
    let Chart { ticks, open, high, low, close, volume } = chart;
    let count = ticks.len();
    if [&open, &high, &low, &close, &volume].iter().any(|column| column.len() != count) {
        return Err(WireError::Missing { what: "a chart", field: "columns of one length" });
    }
    let bars = ticks.into_iter().enumerate().map(|(i, tick)| {
        let (open, high, low) = (open[i], high[i], low[i]);
        bar("", ChartItem { tick, open, high, low, close: close[i], volume: volume[i] })
    });
    Ok(bars.collect())
}
