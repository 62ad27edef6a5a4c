//! How each venue is asked for a page of bars.
//!
//! A page is a stretch of time that the venue answers in one go, so pages are asked for in order
//! whatever the order within them. Source: the venues' API documentation, as in `wire`.

use crate::Venue;
use crate::live::Request;

use super::Wish;

/// Bars a page, at most what the venue gives.
pub(super) fn page(venue: Venue) -> i64 {
    match venue {
        Venue::BinanceSpot | Venue::Bybit | Venue::Deribit => 1_000,
        Venue::BinanceUsdm => 1_500,
        Venue::Okx => 100,
        Venue::Hyperliquid => 500,
    }
}

/// Returns the question for the bars that open in `[from, to)`, or `None` where the venue has no
/// bars of that length.
pub(super) fn request(wish: &Wish, (from, to): (i64, i64)) -> Option<Request> {
    let (symbol, count) = (escaped(&wish.symbol), page(wish.venue));
    let (from_ms, last_ms) = (from * 1_000, to * 1_000 - 1);
    let interval = name(wish)?;
    let get = |path: String, weight| Some(Request { path, body: None, weight });
    match wish.venue {
        Venue::BinanceSpot | Venue::BinanceUsdm => {
            let (path, weight) = match wish.venue {
                Venue::BinanceSpot => ("/api/v3/klines", 2),
                _ => ("/fapi/v1/klines", 10),
            };
            let time = format!("startTime={from_ms}&endTime={last_ms}");
            get(format!("{path}?symbol={symbol}&interval={interval}&{time}&limit={count}"), weight)
        }
        Venue::Bybit => {
            let market = format!("category=linear&symbol={symbol}&interval={interval}");
            let time = format!("start={from_ms}&end={last_ms}");
            get(format!("/v5/market/kline?{market}&{time}&limit={count}"), 1)
        }
        Venue::Okx => {
            // Both ends are excluded.
            let time = format!("before={}&after={}", from_ms - 1, last_ms + 1);
            let path = "/api/v5/market/history-candles";
            get(format!("{path}?instId={symbol}&bar={interval}&{time}&limit={count}"), 1)
        }
        Venue::Deribit => {
            let time = format!("start_timestamp={from_ms}&end_timestamp={last_ms}");
            let path = "/api/v2/public/get_tradingview_chart_data";
            get(format!("{path}?instrument_name={symbol}&{time}&resolution={interval}"), 1)
        }
        Venue::Hyperliquid => {
            let body = serde_json::json!({
                "type": "candleSnapshot",
                "req": {
                    "coin": wish.symbol, "interval": interval,
                    "startTime": from_ms, "endTime": last_ms,
                },
            });
            Some(Request { path: "/info".to_owned(), body: Some(body.to_string()), weight: 30 })
        }
    }
}

/// The venue's name of the interval.
fn name(wish: &Wish) -> Option<String> {
    let (name, minutes) = (wish.interval.name(), wish.interval.seconds() / 60);
    match wish.venue {
        Venue::BinanceSpot | Venue::BinanceUsdm => Some(name.to_owned()),
        Venue::Hyperliquid => (name != "6h").then(|| name.to_owned()),
        Venue::Bybit if name == "1d" => Some("D".to_owned()),
        Venue::Bybit => Some(minutes.to_string()),
        // Capitals, and days that end at midnight UTC.
        Venue::Okx => Some(match name {
            "6h" => "6Hutc".to_owned(),
            "12h" => "12Hutc".to_owned(),
            "1d" => "1Dutc".to_owned(),
            name => name.replace('h', "H"),
        }),
        Venue::Deribit => match name {
            "1d" => Some("1D".to_owned()),
            "4h" => None,
            _ => Some(minutes.to_string()),
        },
    }
}

/// Escapes what may not stand in a query.
fn escaped(symbol: &str) -> String {
    let mut text = String::new();
    for byte in symbol.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
