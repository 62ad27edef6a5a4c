//! Hyperliquid: perpetuals and spot.
//!
//! Websocket messages have a `channel` and `data`; `info` replies are the data alone. A book always
//! comes whole, 20 levels a side. Liquidations are not announced; they show in the fills of a user,
//! so one follows the liquidator's vault.
//! Source: Hyperliquid's API documentation, "Websocket subscriptions" and "Info endpoint".

use serde::Deserialize;
use serde_json::value::RawValue;

use super::WireError;
use super::read::{Levels, Name, json, need};
use crate::Decimal;
use crate::message::{
    Bar, BookSnapshot, Due, Funding, Level, Liquidation, Message, OpenInterest, Quote, Side,
    Symbol, Trade,
};

#[derive(Deserialize)]
struct Outside<'a> {
    #[serde(borrow)]
    channel: Option<Name<'a>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    levels: Option<&'a RawValue>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Message>, WireError> {
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return list(bytes);
    }
    let outside: Outside<'_> = json(bytes)?;
    let (Some(channel), Some(data)) = (&outside.channel, outside.data) else {
        return if outside.levels.is_some() { Ok(vec![book(json(bytes)?)?]) } else { Ok(vec![]) };
    };
    let data = data.get().as_bytes();
    match &**channel {
        "l2Book" => Ok(vec![book(json(data)?)?]),
        "trades" => json::<Vec<TradeItem<'_>>>(data)?.into_iter().map(trade).collect(),
        "bbo" => quote(json(data)?),
        "candle" => Ok(vec![bar(json(data)?)]),
        "activeAssetCtx" => {
            let AssetContext { coin, ctx } = json(data)?;
            Ok(context((&*coin).into(), ctx))
        }
        "allDexsAssetCtxs" => all_contexts(json(data)?),
        "user" | "userEvents" | "userFills" => liquidations(json(data)?),
        "error" => {
            Err(WireError::Refused { code: 0, reason: json::<Name<'_>>(data)?.into_owned() })
        }
        _ => Ok(Vec::new()),
    }
}

#[derive(Deserialize)]
struct Book<'a> {
    #[serde(borrow)]
    coin: Name<'a>,
    time: i64,
    levels: (Levels, Levels),
}

fn book(item: Book<'_>) -> Result<Message, WireError> {
    let (bids, asks) = item.levels;
    Ok(Message::BookSnapshot(BookSnapshot {
        symbol: item.coin.into(),
        time_ms: Some(item.time),
        last: None,
        checksum: None,
        bids: bids.0,
        asks: asks.0,
    }))
}

fn side(text: &str) -> Result<Side, WireError> {
    match text {
        "B" => Ok(Side::Buy),
        "A" => Ok(Side::Sell),
        _ => Err(WireError::Missing { what: "a trade", field: "a side" }),
    }
}

#[derive(Deserialize)]
struct TradeItem<'a> {
    #[serde(borrow)]
    coin: Name<'a>,
    #[serde(borrow)]
    side: Name<'a>,
    px: Decimal,
    sz: Decimal,
    time: i64,
    tid: u64,
}

fn trade(item: TradeItem<'_>) -> Result<Message, WireError> {
    Ok(Message::Trade(Trade {
        symbol: item.coin.into(),
        time_ms: item.time,
        id: compact_str::ToCompactString::to_compact_string(&item.tid),
        price: item.px,
        size: item.sz,
        taker: side(&item.side)?,
    }))
}

#[derive(Deserialize)]
struct BestItem<'a> {
    #[serde(borrow)]
    coin: Name<'a>,
    time: i64,
    bbo: (Option<LevelItem>, Option<LevelItem>),
}

#[derive(Deserialize)]
struct LevelItem {
    px: Decimal,
    sz: Decimal,
}

fn quote(item: BestItem<'_>) -> Result<Vec<Message>, WireError> {
    let level = |item: LevelItem| Level { price: item.px, size: item.sz };
    let (Some(bid), Some(ask)) = item.bbo else { return Ok(Vec::new()) };
    Ok(vec![Message::Quote(Quote {
        symbol: item.coin.into(),
        time_ms: Some(item.time),
        bid: level(bid),
        ask: level(ask),
    })])
}

#[derive(Deserialize)]
struct Candle<'a> {
    t: i64,
    #[serde(borrow)]
    s: Name<'a>,
    o: Decimal,
    h: Decimal,
    l: Decimal,
    c: Decimal,
    v: Decimal,
}

fn bar(item: Candle<'_>) -> Message {
    Message::Bar(Bar {
        symbol: item.s.into(),
        open_ms: item.t,
        open: item.o,
        high: item.h,
        low: item.l,
        close: item.c,
        volume: item.v,
        closed: None,
    })
}

#[derive(Deserialize)]
struct AssetContext<'a> {
    #[serde(borrow)]
    coin: Name<'a>,
    ctx: Context,
}

/// A spot market's context has no funding.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    funding: Option<Decimal>,
    open_interest: Option<Decimal>,
    mark_px: Option<Decimal>,
    oracle_px: Option<Decimal>,
}

/// Funding is paid every hour and accrues all the time.
fn context(symbol: Symbol, item: Context) -> Vec<Message> {
    let funding = item.funding.map(|rate| {
        Message::Funding(Funding {
            symbol: symbol.clone(),
            time_ms: None,
            rate,
            due: Due::Running,
            mark: item.mark_px,
            index: item.oracle_px,
        })
    });
    let interest = item.open_interest.map(|amount| {
        let symbol = symbol.clone();
        Message::OpenInterest(OpenInterest { symbol, time_ms: None, amount, value: None })
    });
    funding.into_iter().chain(interest).collect()
}

#[derive(Deserialize)]
struct AllContexts<'a> {
    #[serde(borrow)]
    ctxs: Vec<(Name<'a>, Vec<Context>)>,
}

/// This channel names no coin: the symbol is `DEX#PLACE`, the place in that exchange's universe,
/// and the first exchange's name is empty.
fn all_contexts(item: AllContexts<'_>) -> Result<Vec<Message>, WireError> {
    let mut messages = Vec::new();
    for (dex, contexts) in item.ctxs {
        for (place, ctx) in contexts.into_iter().enumerate() {
            messages.extend(context(compact_str::format_compact!("{dex}#{place}"), ctx));
        }
    }
    Ok(messages)
}

#[derive(Deserialize)]
struct Fills<'a> {
    #[serde(borrow)]
    user: Option<Name<'a>>,
    #[serde(borrow, default)]
    fills: Vec<Fill<'a>>,
}

#[derive(Deserialize)]
struct Fill<'a> {
    #[serde(borrow)]
    coin: Name<'a>,
    px: Decimal,
    sz: Decimal,
    #[serde(borrow)]
    side: Name<'a>,
    time: i64,
    crossed: Option<bool>,
    #[serde(borrow)]
    liquidation: Option<LiquidationMark<'a>>,
}

#[derive(Deserialize)]
struct LiquidationMark<'a> {
    #[serde(borrow, rename = "liquidatedUser")]
    user: Option<Name<'a>>,
}

/// A fill shows its owner's side, which is the other one where somebody else was liquidated. Where
/// the message does not name its owner, the closing order is the one that took.
fn liquidations(item: Fills<'_>) -> Result<Vec<Message>, WireError> {
    let mut messages = Vec::new();
    for fill in item.fills {
        let Some(mark) = fill.liquidation else { continue };
        let own = match (&item.user, mark.user) {
            (Some(owner), Some(liquidated)) => owner.eq_ignore_ascii_case(&liquidated),
            _ => fill.crossed.unwrap_or(true),
        };
        let side = match (side(&fill.side)?, own) {
            (side, true) => side,
            (Side::Buy, false) => Side::Sell,
            (Side::Sell, false) => Side::Buy,
        };
        messages.push(Message::Liquidation(Liquidation {
            symbol: fill.coin.into(),
            time_ms: fill.time,
            side,
            price: fill.px,
            size: fill.sz,
        }));
    }
    Ok(messages)
}

/// A row of an `info` list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow)]
    coin: Option<Name<'a>>,
    funding_rate: Option<Decimal>,
    time: Option<i64>,
    tid: Option<u64>,
    #[serde(borrow)]
    start_position: Option<Name<'a>>,
    t: Option<i64>,
}

/// A list: recent trades, a funding history, bars, or `[meta, contexts]`.
fn list(bytes: &[u8]) -> Result<Vec<Message>, WireError> {
    let rows: Vec<&RawValue> = json(bytes)?;
    if let [meta, contexts] = rows[..]
        && contexts.get().starts_with('[')
    {
        return named_contexts(meta.get().as_bytes(), contexts.get().as_bytes());
    }
    let mut messages = Vec::new();
    for raw in rows {
        let bytes = raw.get().as_bytes();
        if bytes.first() != Some(&b'{') {
            continue;
        }
        let row: Row<'_> = json(bytes)?;
        if let Some(rate) = row.funding_rate {
            messages.push(Message::Funding(Funding {
                symbol: row.coin.unwrap_or_default().into(),
                time_ms: Some(need("a funding rate", "time", row.time)?),
                rate,
                due: Due::Settled,
                mark: None,
                index: None,
            }));
        } else if row.t.is_some() {
            messages.push(bar(json(bytes)?));
        // A fill has a position, and is somebody's own business.
        } else if row.tid.is_some() && row.start_position.is_none() {
            messages.push(trade(json(bytes)?)?);
        }
    }
    Ok(messages)
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, default)]
    universe: Vec<Asset<'a>>,
}

#[derive(Deserialize)]
struct Asset<'a> {
    #[serde(borrow)]
    name: Name<'a>,
}

fn named_contexts(meta: &[u8], contexts: &[u8]) -> Result<Vec<Message>, WireError> {
    let meta: Meta<'_> = json(meta)?;
    let contexts: Vec<Context> = json(contexts)?;
    let named = meta.universe.into_iter().zip(contexts);
    Ok(named.flat_map(|(asset, ctx)| context((&*asset.name).into(), ctx)).collect())
}
