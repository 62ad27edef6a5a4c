//! Any bytes are messages or an error, never a panic; and a message with one field spoilt is
//! refused or says something else, but is not half read.

use proptest::prelude::*;

use crate::Venue;

/// One message of every kind and venue, in the venues' documented shapes.
pub(super) const SAMPLES: &[(Venue, &str)] = &[
    (
        Venue::BinanceUsdm,
        r#"{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":2,"T":1,"s":"BTCUSDT",
            "U":157,"u":160,"pu":149,"b":[["0.0024","10"]],"a":[["0.0026","0"]]}}"#,
    ),
    (
        Venue::BinanceUsdm,
        r#"{"e":"forceOrder","E":2,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC",
            "q":"0.014","p":"9910","ap":"9911","X":"FILLED","l":"0.014","z":"0.014","T":1}}"#,
    ),
    (Venue::BinanceUsdm, r#"[[1499040000000,"0.1","0.8","0.1","0.2","148",1499644799999]]"#),
    (
        Venue::BinanceSpot,
        r#"{"lastUpdateId":1027024,"bids":[["4.0","431"]],"asks":[["4.2","12"]]}"#,
    ),
    (
        Venue::Bybit,
        r#"{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1,"data":{"s":"BTCUSDT",
            "b":[["27450.00","0.4"]],"a":[],"u":5,"seq":9}}"#,
    ),
    (
        Venue::Bybit,
        r#"{"retCode":0,"result":{"category":"linear","symbol":"BTCUSDT",
            "list":[["1709891679000","1","2","1","2","5","6"]]}}"#,
    ),
    (
        Venue::Okx,
        r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update",
            "data":[{"asks":[["8476.98","415","0","13"]],"bids":[],"ts":"1597026383085",
            "checksum":-855196043,"prevSeqId":5,"seqId":6}]}"#,
    ),
    (
        Venue::Deribit,
        r#"{"jsonrpc":"2.0","method":"subscription",
            "params":{"channel":"book.BTC-PERPETUAL.100ms","data":{"type":"change",
            "instrument_name":"BTC-PERPETUAL","timestamp":5,"change_id":8,"prev_change_id":7,
            "bids":[["change",42500.0,950.0]],"asks":[["delete",42501.0,0.0]]}}}"#,
    ),
    (
        Venue::Deribit,
        r#"{"jsonrpc":"2.0","result":{"close":[1.5],"high":[2],"low":[1],"open":[1],"ticks":[5],
            "volume":[6.55e-06]}}"#,
    ),
    (
        Venue::Hyperliquid,
        r#"{"channel":"l2Book","data":{"coin":"BTC","time":5,"levels":[[{"px":"2","sz":"1",
            "n":1}],[{"px":"3","sz":"1","n":1}]]}}"#,
    ),
    (
        Venue::Hyperliquid,
        r#"[{"universe":[{"name":"BTC"}]},[{"funding":"0.1","openInterest":"5","markPx":"2"}]]"#,
    ),
];

/// One change to a text: a byte flipped, a piece taken out, doubled, or the end cut off.
fn spoilt(text: &str, at: usize, length: usize, change: u8) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let at = at % bytes.len();
    let end = (at + length).min(bytes.len());
    match change % 5 {
        0 => bytes[at] ^= change | 1,
        1 => drop(bytes.drain(at..end)),
        2 => {
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        3 => bytes.truncate(at),
        _ => bytes[at] = b"0123456789-.eE\"[]{},:ntf\\"[length % 25],
    }
    bytes
}

#[test]
fn the_samples_are_messages() {
    for (venue, text) in SAMPLES {
        let messages = venue.parse(text.as_bytes()).expect(text);
        assert!(!messages.is_empty(), "{venue}: {text}");
    }
}

#[test]
fn a_text_cut_anywhere_is_no_message() {
    for (venue, text) in SAMPLES {
        for end in 0..text.len() {
            assert!(venue.parse(&text.as_bytes()[..end]).is_err(), "{venue}: {}", &text[..end]);
        }
    }
}

#[test]
fn deep_nesting_is_read_or_refused() {
    for venue in Venue::ALL {
        for (open, close) in [("[", "]"), (r#"{"data":"#, "}"), (r#"{"result":["#, "]}")] {
            let text = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
            let _ = venue.parse(text.as_bytes());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for venue in Venue::ALL {
            let _ = venue.parse(&bytes);
        }
    }

    #[test]
    fn a_spoilt_message_is_read_or_refused(
        sample in 0..SAMPLES.len(),
        changes in prop::collection::vec((any::<usize>(), 1..40usize, any::<u8>()), 1..4),
    ) {
        let mut text = SAMPLES[sample].1.to_owned();
        for (at, length, change) in changes {
            if text.is_empty() {
                break;
            }
            text = String::from_utf8_lossy(&spoilt(&text, at, length, change)).into_owned();
        }
        for venue in Venue::ALL {
            let _ = venue.parse(text.as_bytes());
        }
    }
}

/// Every captured message, each spoilt in several places; a fixed sequence, so a failure repeats.
#[test]
fn spoilt_captures_are_read_or_refused() {
    let Some(folder) = super::captures("wire_nautilus") else { return };
    let mut state = 1_usize;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut count = 0;
    for (venue, path) in super::captures::files(&folder) {
        let text = std::fs::read_to_string(&path).expect("a capture");
        for _ in 0..60 {
            #[expect(clippy::cast_possible_truncation, reason = "any byte will do")]
            let bytes = spoilt(&text, next(), next() % 40 + 1, next() as u8);
            let _ = venue.parse(&bytes);
            count += 1;
        }
    }
    assert!(count > 5_000, "{count}");
}
