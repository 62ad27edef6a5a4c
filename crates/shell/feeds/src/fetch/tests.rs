//! Fetching from venues of our own: pages, what is left over from before, refusals.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;

use super::*;

/// A venue that has a bar every minute from `listed_s` on, and fails after some answers.
struct Mock {
    venue: Venue,
    listed_s: i64,
    fails_after: usize,
    asked: Mutex<Vec<String>>,
}

fn at_once(_: Duration) -> BoxFuture<'static, ()> {
    Box::pin(std::future::ready(()))
}

async fn start(venue: Venue, listed_s: i64, fails_after: usize) -> (Rest, Arc<Mock>) {
    let mock = Arc::new(Mock { venue, listed_s, fails_after, asked: Mutex::default() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    let router = Router::new().fallback(answer).with_state(Arc::clone(&mock));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (Rest::new(venue, &base, at_once), mock)
}

async fn answer(State(mock): State<Arc<Mock>>, uri: Uri, body: Bytes) -> Response {
    let body = String::from_utf8_lossy(&body).into_owned();
    let mut asked = mock.asked.lock().expect("not poisoned");
    asked.push(format!("{uri} {body}"));
    if asked.len() > mock.fails_after {
        return (StatusCode::BAD_REQUEST, "no more").into_response();
    }
    let number = |name: &str| -> i64 {
        let text = uri.query().and_then(|query| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
        });
        let text = text.or_else(|| {
            let json: serde_json::Value = serde_json::from_str(&body).ok()?;
            json["req"][name].as_i64().map(|number| number.to_string())
        });
        text.and_then(|text| text.parse().ok()).expect("a number in the question")
    };
    let (from, to) = match mock.venue {
        Venue::Bybit => (number("start"), number("end")),
        Venue::Okx => (number("before") + 1, number("after") - 1),
        Venue::Deribit => (number("start_timestamp"), number("end_timestamp")),
        _ => (number("startTime"), number("endTime")),
    };
    page(mock.venue, (from.max(mock.listed_s * 1_000), to)).into_response()
}

/// The venue's answer: a bar a minute, whose prices are its minute's number.
fn page(venue: Venue, (from, to): (i64, i64)) -> String {
    let times: Vec<i64> = (from / 60_000..=to / 60_000)
        .map(|minute| minute * 60_000)
        .filter(|time| (from..=to).contains(time))
        .collect();
    let list = |number: &dyn Fn(i64) -> String| {
        times.iter().map(|time| number(*time)).collect::<Vec<_>>().join(",")
    };
    let price = |time: i64| time / 60_000 % 1_000 + 1;
    let row =
        |t: i64| format!(r#"["{t}","{p}.5","{p}.5","{p}.5","{p}.5","7.25","0"]"#, p = price(t));
    match venue {
        Venue::BinanceSpot | Venue::BinanceUsdm => {
            format!("[{}]", list(&|t| { row(t).replacen('"', "", 2) }))
        }
        Venue::Bybit => {
            let rows: Vec<String> = times.iter().rev().map(|time| row(*time)).collect();
            format!(r#"{{"retCode":0,"result":{{"symbol":"X","list":[{}]}}}}"#, rows.join(","))
        }
        Venue::Okx => {
            let rows: Vec<String> = times.iter().rev().map(|time| row(*time)).collect();
            format!(r#"{{"code":"0","data":[{}]}}"#, rows.join(","))
        }
        Venue::Deribit => {
            let prices = list(&|t| format!("{}.5", price(t)));
            let volumes = list(&|_| "7.25".to_owned());
            format!(
                r#"{{"jsonrpc":"2.0","result":{{"ticks":[{}],"open":[{prices}],"high":[{prices}],
                    "low":[{prices}],"close":[{prices}],"volume":[{volumes}]}}}}"#,
                list(&|t| t.to_string()),
            )
        }
        Venue::Hyperliquid => format!(
            "[{}]",
            list(&|t| {
                let p = price(t);
                format!(
                    r#"{{"t":{t},"s":"X","o":"{p}.5","h":"{p}.5","l":"{p}.5","c":"{p}.5",
                        "v":"7.25"}}"#
                )
            })
        ),
    }
}

fn wish(venue: Venue, from_s: i64, to_s: i64) -> Wish {
    let interval = "1m".parse().expect("an interval");
    Wish { venue, symbol: "X".to_owned(), interval, from_s, to_s }
}

fn minutes(bars: &[Bar]) -> Vec<i64> {
    bars.iter().map(|bar| bar.open_s / 60).collect()
}

#[tokio::test]
async fn every_venue_is_read_page_by_page() {
    for venue in Venue::ALL {
        let (rest, mock) = start(venue, 0, usize::MAX).await;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("x/X_1m.parquet");
        let count = klines::page(venue) * 2 + 10;
        let mut seen = Vec::new();
        let wish = wish(venue, 59, (count + 1) * 60 + 30);
        let bars =
            fetch(&rest, &wish, &file, |p| seen.push(p)).await.expect("a venue that answers");
        assert_eq!(minutes(&bars), (1..=count).collect::<Vec<_>>(), "{venue}");
        assert_eq!((bars[6].high, bars[6].volume), (8.5, 7.25), "{venue}");
        assert_eq!(mock.asked.lock().expect("not poisoned").len(), 3, "{venue}");
        let total = u64::try_from(count).expect("positive");
        assert_eq!(seen.last(), Some(&Progress { done: total, total }));
        let read = crate::open(&[file]).expect("a file as others are");
        assert_eq!((read[0].bars.clone(), read[0].interval_s), (bars, 60));
    }
}

#[tokio::test]
async fn a_fetch_that_was_cut_off_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("X_1m.parquet");
    let wish = wish(Venue::BinanceSpot, 0, 3_500 * 60);
    let (rest, _) = start(Venue::BinanceSpot, 0, 2).await;
    let error = fetch(&rest, &wish, &file, |_| {}).await.expect_err("the venue fails");
    assert!(matches!(error, FetchError::Rest(RestError::Status { status: 400, .. })), "{error}");
    assert!(!file.exists(), "half a file is none");
    // A page that was cut off in the middle does not count.
    let part = part_path(&file);
    let text = std::fs::read_to_string(&part).expect("pages");
    std::fs::write(&part, &text[..text.len() - 8]).expect("a disk");
    let (rest, mock) = start(Venue::BinanceSpot, 0, usize::MAX).await;
    let bars = fetch(&rest, &wish, &file, |_| {}).await.expect("the rest");
    assert_eq!(minutes(&bars), (0..3_500).collect::<Vec<_>>());
    assert_eq!(mock.asked.lock().expect("not poisoned").len(), 3, "one page was there");
    assert!(!part.exists());
}

#[tokio::test]
async fn a_file_is_gone_on_with_at_both_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("X_1m.parquet");
    let (rest, _) = start(Venue::Bybit, 0, usize::MAX).await;
    fetch(&rest, &wish(Venue::Bybit, 6_000, 12_000), &file, |_| {}).await.expect("the middle");
    let (rest, mock) = start(Venue::Bybit, 0, usize::MAX).await;
    let all = wish(Venue::Bybit, 0, 18_000);
    let bars = fetch(&rest, &all, &file, |_| {}).await.expect("both ends");
    assert_eq!(minutes(&bars), (0..300).collect::<Vec<_>>());
    assert_eq!(mock.asked.lock().expect("not poisoned").len(), 1, "one page holds all of it");
    let bars = fetch(&rest, &all, &file, |_| {}).await.expect("nothing new");
    assert_eq!(bars.len(), 300);
}

#[tokio::test]
async fn a_hole_in_the_middle_of_a_file_is_filled() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("X_1m.parquet");
    let (rest, mock) = start(Venue::Okx, 0, usize::MAX).await;
    let stretch = |from: i64, to: i64| wish(Venue::Okx, from * 60, to * 60);
    fetch(&rest, &stretch(0, 50), &file, |_| {}).await.expect("a stretch");
    fetch(&rest, &stretch(400, 450), &file, |_| {}).await.expect("one far from it");
    let asked = || mock.asked.lock().expect("not poisoned").len();
    assert_eq!(asked(), 2);
    let bars = fetch(&rest, &stretch(0, 450), &file, |_| {}).await.expect("what lies between");
    assert_eq!(minutes(&bars), (0..450).collect::<Vec<_>>());
    assert_eq!(asked(), 2 + 4, "350 bars are four pages");
}

#[test]
fn holes_that_one_page_holds_are_asked_for_at_once() {
    let bar = |open_s| Bar { open_s, open: 1.0, high: 1.0, low: 1.0, close: 1.0, volume: 0.0 };
    let bars: BTreeMap<i64, Bar> =
        [0, 1, 3, 4, 6, 20, 21].iter().map(|minute| (minute * 60, bar(minute * 60))).collect();
    let holes = |page| {
        let found = holes(&bars, (0, 23 * 60), (60, page));
        found.iter().map(|(from, to)| (from / 60, to / 60)).collect::<Vec<_>>()
    };
    assert_eq!(holes(1), [(2, 3), (5, 6), (7, 20), (22, 23)]);
    assert_eq!(holes(4), [(2, 6), (7, 20), (22, 23)]);
    assert_eq!(holes(100), [(2, 23)]);
}

#[tokio::test]
async fn what_was_before_the_listing_is_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("X_1m.parquet");
    let (rest, _) = start(Venue::Okx, 250 * 60, usize::MAX).await;
    let bars = fetch(&rest, &wish(Venue::Okx, 0, 300 * 60), &file, |_| {}).await.expect("50 bars");
    assert_eq!(minutes(&bars), (250..300).collect::<Vec<_>>());
    let other = folder.path().join("Y_1m.parquet");
    let none = fetch(&rest, &wish(Venue::Okx, 0, 200 * 60), &other, |_| {}).await;
    assert!(matches!(none, Err(FetchError::Nothing { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[tokio::test]
async fn what_cannot_be_fetched_is_one_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("X.parquet");
    let (rest, _) = start(Venue::Deribit, 0, usize::MAX).await;
    let mut wish = wish(Venue::Deribit, 90, 100);
    let none = fetch(&rest, &wish, &file, |_| {}).await.expect_err("less than a bar");
    assert_eq!(none.to_string(), "no whole bar lies between the times given");
    wish.interval = "4h".parse().expect("an interval");
    wish.to_s = 86_400;
    let none = fetch(&rest, &wish, &file, |_| {}).await.expect_err("not at this venue");
    assert_eq!(none.to_string(), "deribit has no bars of 4h");
    assert!("7m".parse::<Interval>().is_err());
}
