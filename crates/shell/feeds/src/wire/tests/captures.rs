//! What the venues sent, and what it says.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::captures;
use crate::message::{Due, Side, Span};
use crate::{Decimal, Message, Venue, WireError};

fn d(text: &str) -> Decimal {
    text.parse().expect("a number")
}

/// Every captured file of a venue's single messages.
pub(super) fn files(folder: &Path) -> Vec<(Venue, PathBuf)> {
    let of = |venue, part: &str| {
        let mut folders = vec![folder.join(part)];
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder of captures") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                // These hold pieces of messages.
                } else if path.extension().is_some_and(|ending| ending == "json")
                    && !["/common_", "/ws_opt_summary"]
                        .iter()
                        .any(|piece| path.to_string_lossy().contains(piece))
                {
                    found.push((venue, path));
                }
            }
        }
        found.sort();
        found
    };
    let mut all = of(Venue::BinanceUsdm, "binance/test_data/futures");
    all.extend(of(Venue::BinanceSpot, "binance/test_data/spot/http_json"));
    all.extend(of(Venue::Bybit, "bybit/test_data"));
    all.extend(of(Venue::Okx, "okx/test_data"));
    all.extend(of(Venue::Deribit, "deribit/test_data"));
    all.extend(of(Venue::Hyperliquid, "hyperliquid/test_data"));
    all
}

/// Reads one captured message.
fn read(venue: Venue, file: &str) -> Option<Result<Vec<Message>, WireError>> {
    let folder = captures("wire_nautilus")?;
    let found = files(&folder).into_iter().find(|(v, path)| *v == venue && path.ends_with(file));
    let (_, path) = found.unwrap_or_else(|| panic!("{file} is no capture of {venue}"));
    Some(venue.parse(&fs::read(path).expect("a capture")))
}

/// Reads one captured message that must be good.
fn good(venue: Venue, file: &str) -> Option<Vec<Message>> {
    read(venue, file).map(|read| read.unwrap_or_else(|error| panic!("{file}: {error}")))
}

fn kind(message: &Message) -> &'static str {
    match message {
        Message::Trade(_) => "trade",
        Message::Quote(_) => "quote",
        Message::Bar(_) => "bar",
        Message::Funding(_) => "funding",
        Message::OpenInterest(_) => "open interest",
        Message::OptionTicker(_) => "option ticker",
        Message::BookSnapshot(_) => "snapshot",
        Message::BookDelta(_) => "delta",
        Message::Liquidation(_) => "liquidation",
    }
}

/// Counts kinds over many raw messages, all of which must be good.
fn counts<'a>(venue: Venue, raws: impl Iterator<Item = &'a str>) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for raw in raws {
        let messages = venue.parse(raw.as_bytes());
        for message in messages.unwrap_or_else(|error| panic!("{error}: {raw:.300}")) {
            *counts.entry(kind(&message)).or_default() += 1;
        }
    }
    counts
}

fn unzip(path: &Path) -> String {
    let mut text = String::new();
    let bytes = fs::read(path).expect("a capture");
    flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("a gzip");
    text
}

#[test]
fn every_captured_file_is_read_or_refused_by_the_venue() {
    let Some(folder) = captures("wire_nautilus") else { return };
    let (mut refused, mut unread) = (Vec::new(), Vec::new());
    for (venue, path) in files(&folder) {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        match venue.parse(&fs::read(&path).expect("a capture")) {
            Ok(_) => {}
            Err(WireError::Refused { .. }) => refused.push(name),
            Err(error) => unread.push(format!("{}: {error}", path.display())),
        }
    }
    assert_eq!(unread, Vec::<String>::new());
    refused.sort();
    let wanted = ["ws_auth_failure.json", "ws_error.json", "ws_subscription_failure.json"];
    assert_eq!(refused, wanted);
}

#[test]
fn six_minutes_of_full_books() {
    let Some(folder) = captures("l2_wire_hftbacktest") else { return };
    let wanted = [
        ("usdm_btcusdt_20240808.gz", Venue::BinanceUsdm, [66_089, 21_313, 6_551, 1]),
        ("usdm_ethusdt_20240808.gz", Venue::BinanceUsdm, [53_992, 14_076, 6_586, 1]),
        ("cm_btcusd_perp_20240808.gz", Venue::BinanceUsdm, [19_136, 2_286, 26_847, 1]),
        ("spot_btcusdt_20240808.gz", Venue::BinanceSpot, [28_040, 9_757, 3_451, 1]),
    ];
    for (file, venue, numbers) in wanted {
        let text = unzip(&folder.join(file));
        let raws = text.lines().map(|line| line.split_once(' ').expect("a time before").1);
        let wanted = ["quote", "trade", "delta", "snapshot"].into_iter().zip(numbers).collect();
        assert_eq!(counts(venue, raws), wanted, "{file}");
    }
    let text = unzip(&folder.join("hyperliquid_btcusd_20250126.gz"));
    let raws = text.lines().map(|line| line.split_once(' ').expect("a time before").1);
    let counts = counts(Venue::Hyperliquid, raws);
    assert_eq!(counts["snapshot"], 46);
    assert!(counts["trade"] >= 9);
}

#[test]
fn sessions_of_2021_and_2022() {
    let Some(folder) = captures("wire_cryptofeed") else { return };
    let received = |file: &str| -> Vec<String> {
        let text = unzip(&folder.join(file));
        let lines = text.lines().filter(|line| !line.starts_with("wss:"));
        lines.filter_map(|line| line.split_once(": ")).map(|(_, raw)| raw.to_owned()).collect()
    };
    let count = |venue, file| counts(venue, received(file).iter().map(String::as_str));
    let binance = count(Venue::BinanceUsdm, "BINANCE_FUTURES.ws.1.0.gz");
    assert_eq!(binance.values().sum::<usize>(), 1_535);
    assert!(["quote", "delta", "bar", "trade"].iter().all(|kind| binance.contains_key(kind)));
    let okx = count(Venue::Okx, "OKX.ws.1.0.gz");
    assert_eq!((okx["delta"] + okx["snapshot"], okx["quote"], okx["trade"]), (290, 28, 74));
    let deribit = count(Venue::Deribit, "DERIBIT.ws.1.0.gz");
    assert_eq!((deribit["option ticker"], deribit["delta"] + deribit["snapshot"]), (89, 46));
    let snapshots = unzip(&folder.join("BINANCE_FUTURES.http.0.0.gz"));
    let raws = snapshots.lines().filter_map(|line| line.split_once(": ")).map(|(_, raw)| raw);
    assert_eq!(counts(Venue::BinanceUsdm, raws)["snapshot"], 4);
}

#[test]
fn binance_says() {
    let usdm = |file| good(Venue::BinanceUsdm, file);
    let Some(messages) = usdm("depth_update_stream.json") else { return };
    let [Message::BookDelta(delta)] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!(delta.span, Some(Span { previous: 149, last: 160 }));
    assert_eq!((delta.bids[0].price, delta.asks[0].size), (d("0.0024"), d("100")));
    let Some(messages) = usdm("liquidation_stream.json") else { return };
    let [Message::Liquidation(closed)] = &messages[..] else { panic!("{messages:?}") };
    let wanted = (Side::Sell, d("9910.12345678"), d("0.014"));
    assert_eq!((closed.side, closed.price, closed.size), wanted);
    let Some(messages) = usdm("mark_price_stream.json") else { return };
    let [Message::Funding(funding)] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!((funding.rate, funding.due), (d("0.00038167"), Due::At(1_562_306_400_000)));
    assert_eq!(funding.index, Some(d("11784.62659091")));
    let Some(messages) = usdm("kline_stream_open.json") else { return };
    let [Message::Bar(bar)] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!((bar.open_ms, bar.low, bar.closed), (1_638_747_660_000, d("0.0015"), Some(false)));
    let Some(messages) = usdm("agg_trade_stream.json") else { return };
    let [Message::Trade(trade)] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!((trade.id.as_str(), trade.taker, trade.size), ("5933014", Side::Sell, d("100")));
    let Some(messages) = good(Venue::BinanceSpot, "klines_response.json") else { return };
    let [Message::Bar(bar)] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!((bar.open_ms, bar.volume), (1_499_040_000_000, d("148976.11427815")));
    let Some(messages) = good(Venue::BinanceSpot, "trades_response.json") else { return };
    let [Message::Trade(trade)] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!((trade.price, trade.time_ms), (d("4.00000100"), 1_499_865_549_590));
}

#[test]
fn binance_says_over_rest_what_no_capture_holds() {
    let parse = |text: &str| Venue::BinanceUsdm.parse(text.as_bytes()).expect("documented");
    let interest = parse(r#"{"openInterest":"10659.509","symbol":"BTCUSDT","time":1589437530011}"#);
    let [Message::OpenInterest(open)] = &interest[..] else { panic!("{interest:?}") };
    assert_eq!((open.amount, open.time_ms), (d("10659.509"), Some(1_589_437_530_011)));
    let history = parse(
        r#"[{"symbol":"BTCUSDT","sumOpenInterest":"20403.63700000",
            "sumOpenInterestValue":"150570784.07809979","timestamp":1583127900000}]"#,
    );
    let [Message::OpenInterest(open)] = &history[..] else { panic!("{history:?}") };
    assert_eq!(open.value, Some(d("150570784.07809979")));
    let funding = parse(
        r#"[{"symbol":"BTCUSDT","fundingRate":"-0.03750000","fundingTime":1570608000000,
            "markPrice":"34287.54619963"}]"#,
    );
    let [Message::Funding(paid)] = &funding[..] else { panic!("{funding:?}") };
    assert_eq!((paid.rate, paid.due), (d("-0.0375"), Due::Settled));
    let refused = Venue::BinanceSpot.parse(br#"{"code":-1121,"msg":"Invalid symbol."}"#);
    assert_eq!(
        refused.expect_err("an error").to_string(),
        "the venue refused: Invalid symbol. (code -1121)"
    );
}

#[test]
fn bybit_says() {
    let bybit = |file| good(Venue::Bybit, file);
    let Some(messages) = bybit("ws_orderbook_delta.json") else { return };
    let [Message::BookDelta(delta)] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!(delta.span, Some(Span { previous: 123_456_789, last: 123_456_790 }));
    let Some(messages) = bybit("ws_ticker_linear.json") else { return };
    let [Message::Quote(quote), Message::Funding(funding), Message::OpenInterest(open)] =
        &messages[..]
    else {
        panic!("{messages:?}")
    };
    assert_eq!((quote.bid.price, funding.rate), (d("17215.50"), d("-0.000212")));
    assert_eq!((funding.due, open.amount), (Due::At(1_673_280_000_000), d("68744.761")));
    let Some(messages) = bybit("ws_ticker_option.json") else { return };
    let [Message::OptionTicker(option)] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!((option.bid, option.ask, option.mark_iv), (None, Some(d("10")), Some(d("0.4896"))));
    assert_eq!(option.greeks[2], Some(d("0.81351067")));
    let Some(messages) = bybit("ws_kline.json") else { return };
    let [Message::Bar(bar)] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!((bar.symbol.as_str(), bar.high, bar.closed), ("BTCUSDT", d("16677"), Some(false)));
    let Some(messages) = bybit("http_get_klines_linear.json") else { return };
    assert!(matches!(&messages[0], Message::Bar(bar) if bar.open == d("27450")), "{messages:?}");
    let Some(messages) = bybit("http_get_funding_history.json") else { return };
    assert!(matches!(&messages[1], Message::Funding(paid) if paid.rate == d("0.00015")));
    let Some(messages) = bybit("http_get_trades_recent.json") else { return };
    assert!(matches!(&messages[0], Message::Trade(trade) if trade.taker == Side::Buy));
    let Some(messages) = bybit("http_get_orderbook.json") else { return };
    assert!(matches!(&messages[0], Message::BookSnapshot(book) if book.last == Some(1_234_567)));
    let interest = br#"{"retCode":0,"retMsg":"OK","result":{"symbol":"BTCUSD",
        "category":"inverse","list":[{"openInterest":"461134384.00000000",
        "timestamp":"1669571400000"}],"nextPageCursor":""}}"#;
    let messages = Venue::Bybit.parse(interest).expect("documented");
    let [Message::OpenInterest(open)] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!((open.symbol.as_str(), open.amount), ("BTCUSD", d("461134384")));
}

#[test]
fn okx_says() {
    let okx = |file| good(Venue::Okx, file);
    let Some(messages) = okx("ws_books_update.json") else { return };
    let [Message::BookDelta(delta)] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!(delta.span, Some(Span { previous: 123_456, last: 123_457 }));
    assert_eq!(delta.checksum, Some((-855_196_043_i32).cast_unsigned()));
    let Some(messages) = okx("ws_bbo_tbt.json") else { return };
    let [Message::Quote(quote)] = &messages[..] else { panic!("no book: {messages:?}") };
    assert_eq!((quote.bid.price, quote.ask.size), (d("8476.97"), d("415")));
    let Some(messages) = okx("ws_funding_rate.json") else { return };
    let [Message::Funding(funding)] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!((funding.rate, funding.due), (d("0.0001"), Due::At(1_744_590_349_506)));
    let Some(messages) = okx("http_get_funding_rate_history.json") else { return };
    assert!(matches!(&messages[1], Message::Funding(p)
            if p.rate == d("-0.00002") && p.due == Due::Settled));
    let Some(messages) = okx("http_get_option_summary.json") else { return };
    let [Message::OptionTicker(option), ..] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!((option.bid_iv, option.underlying), (Some(d("0.45")), Some(d("97000"))));
    let Some(messages) = okx("http_get_candlesticks_full.json") else { return };
    assert!(matches!(&messages[1], Message::Bar(bar) if bar.open == d("102806")), "{messages:?}");
    let Some(messages) = okx("http_get_trades.json") else { return };
    assert!(matches!(&messages[0], Message::Trade(trade) if trade.taker == Side::Sell));
    let Some(folder) = captures("wire_nautilus") else { return };
    let rows = fs::read_to_string(folder.join("okx/test_data/ws_opt_summary.json")).expect("there");
    let raw = format!(r#"{{"arg":{{"channel":"opt-summary"}},"data":{rows}}}"#);
    let messages = Venue::Okx.parse(raw.as_bytes()).expect("its rows in the venue's envelope");
    let [Message::OptionTicker(call), _] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!((call.greeks[0], call.mark_iv), (Some(d("0.5234")), Some(d("0.53"))));
    let interest = br#"{"arg":{"channel":"open-interest","instId":"BTC-USDT-SWAP"},
        "data":[{"instId":"BTC-USDT-SWAP","instType":"SWAP","oi":"2216113.01",
        "oiCcy":"22161.1301","oiUsd":"1939251795.5","ts":"1743041250440"}]}"#;
    let messages = Venue::Okx.parse(interest).expect("documented");
    assert!(
        matches!(&messages[0], Message::OpenInterest(open) if open.amount == d("2216113.01")),
        "{messages:?}"
    );
}

#[test]
fn deribit_says() {
    let deribit = |file| good(Venue::Deribit, file);
    let Some(messages) = deribit("ws_book_delta.json") else { return };
    let [Message::BookDelta(delta)] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!(delta.span, Some(Span { previous: 123_456_789, last: 123_456_790 }));
    assert_eq!((delta.bids[1].price, delta.asks[0].size), (d("42498.5"), Decimal::ZERO));
    let Some(messages) = deribit("ws_ticker.json") else { return };
    let [Message::Funding(funding), Message::OpenInterest(open), Message::Quote(quote)] =
        &messages[..]
    else {
        panic!("{messages:?}")
    };
    assert_eq!((funding.mark, open.amount), (Some(d("92281.78")), d("1132329370")));
    assert_eq!(quote.ask.size, d("186520"));
    let Some(messages) = deribit("http_get_tradingview_chart_data.json") else { return };
    assert!(matches!(&messages[1], Message::Bar(bar)
            if bar.open_ms == 1_766_483_520_000 && bar.low == d("87456.5")));
    let Some(messages) = deribit("ws_chart.json") else { return };
    assert!(matches!(&messages[0], Message::Bar(bar) if bar.symbol == "BTC-PERPETUAL"));
    let Some(messages) = deribit("http_get_order_book.json") else { return };
    let kinds: Vec<_> = messages.iter().map(kind).collect();
    assert_eq!(kinds, ["snapshot", "funding", "open interest", "quote"]);
    let Some(messages) = deribit("ws_trades.json") else { return };
    assert!(matches!(&messages[1], Message::Trade(trade) if trade.size == d("750")));
    let Some(messages) = deribit("http_get_last_trades_option_combo.json") else { return };
    assert_eq!(messages.len(), 1, "legs come on their own channels");
    let Some(messages) = deribit("ws_book_grouped_snapshot.json") else { return };
    assert!(matches!(&messages[0], Message::BookSnapshot(_)));
    let history = br#"{"jsonrpc":"2.0","result":[{"timestamp":1578196800000,"index_price":7310.8,
        "prev_index_price":7361.3,"interest_8h":-0.0001234,"interest_1h":-6.6e-06}]}"#;
    let messages = Venue::Deribit.parse(history).expect("documented");
    assert!(matches!(&messages[0], Message::Funding(paid) if paid.rate == d("-0.0000066")));
    let Some(folder) = captures("wire_cryptofeed") else { return };
    let session = unzip(&folder.join("DERIBIT.ws.1.0.gz"));
    let line = session.lines().filter_map(|line| line.split_once(": ")).find(|(_, raw)| {
        raw.contains(r#""method":"subscription""#) && raw.contains("ticker.BTC-31DEC21-34000-P")
    });
    let messages = Venue::Deribit.parse(line.expect("a ticker").1.as_bytes()).expect("a ticker");
    let [Message::OptionTicker(option)] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!((option.mark, option.mark_iv), (Some(d("0.2335098")), Some(d("0.8002"))));
    assert_eq!((option.bid, option.greeks[0]), (Some(d("0.2325")), Some(d("-0.42256"))));
}

#[test]
fn hyperliquid_says() {
    let hyperliquid = |file| good(Venue::Hyperliquid, file);
    let Some(messages) = hyperliquid("ws_all_dexs_asset_ctxs.json") else { return };
    let [Message::Funding(funding), Message::OpenInterest(open), ..] = &messages[..] else {
        panic!("{messages:?}")
    };
    assert_eq!((funding.symbol.as_str(), funding.rate), ("#0", d("-0.0000015186")));
    assert_eq!(open.amount, d("27353.17682"));
    let Some(messages) = hyperliquid("ws_user_fill_liquidation.json") else { return };
    let [Message::Liquidation(closed)] = &messages[..] else { panic!("{messages:?}") };
    // The fill's owner sold as a maker, so the one who was liquidated bought.
    assert_eq!((closed.side, closed.price, closed.size), (Side::Buy, d("66653"), d("0.001")));
    let Some(messages) = hyperliquid("http_funding_history.json") else { return };
    assert!(matches!(&messages[1], Message::Funding(paid) if paid.rate == d("-0.0000081")));
    let Some(messages) = hyperliquid("http_recent_trades_btc.json") else { return };
    assert!(matches!(&messages[2], Message::Trade(trade) if trade.taker == Side::Sell));
    for file in ["http_l2_book_btc.json", "http_l2_book_snapshot.json", "ws_book_data.json"] {
        let Some(messages) = hyperliquid(file) else { return };
        assert!(matches!(&messages[0], Message::BookSnapshot(book) if book.bids.len() == 5));
    }
    let Some(messages) = hyperliquid("http_user_fills_dust_conversion.json") else { return };
    assert_eq!(messages, [], "somebody's own fills are nobody else's trades");
    let candles = br#"[{"T":1681924499999,"c":"29258.0","h":"29309.0","i":"15m","l":"29250.0",
        "n":189,"o":"29295.0","s":"BTC","t":1681923600000,"v":"0.98639"}]"#;
    let messages = Venue::Hyperliquid.parse(candles).expect("documented");
    assert!(matches!(&messages[0], Message::Bar(bar) if bar.open_ms == 1_681_923_600_000));
    let contexts = br#"[{"universe":[{"name":"BTC","szDecimals":5}]},[{"funding":"0.0000125",
        "openInterest":"688.11","markPx":"14.3161"}]]"#;
    let messages = Venue::Hyperliquid.parse(contexts).expect("documented");
    assert!(messages.len() == 2 && messages[0].symbol() == "BTC", "{messages:?}");
}
