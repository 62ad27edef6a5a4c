//! Collectors against venues of our own, over real sockets: gaps, lost connections, limits.

mod venue;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy::primitives::B256;
use alloy::signers::local::PrivateKeySigner;
use tokio::sync::Notify;

use self::venue::{Reply, Script, Venue as Mock};
use super::*;
use crate::log::{LogError, verify};
use crate::{Book, State, Venue};

fn key() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).expect("a key in range")
}

/// Does not wait.
fn at_once(_: Duration) -> BoxFuture<'static, ()> {
    Box::pin(std::future::ready(()))
}

/// A collector of the market `X` that does not wait.
fn collector(mock: &Mock, venue: Venue, channels: &[Channel], folder: &Path) -> Collector {
    started(mock, (venue, channels), folder, (key(), at_once)).expect("a log")
}

fn started(
    mock: &Mock,
    (venue, channels): (Venue, &[Channel]),
    folder: &Path,
    (signer, pause): (PrivateKeySigner, Pause),
) -> Result<Collector, StartError> {
    let channels = channels.to_vec();
    let feed = Feed { venue, symbol: "X".to_owned(), channels, socket: mock.socket.clone() };
    Collector::new(feed, Arc::new(Rest::new(venue, &mock.rest, pause)), folder, signer)
}

fn delta(previous: u64, last: u64) -> String {
    format!(
        r#"{{"stream":"x@depth@100ms","data":{{"e":"depthUpdate","E":1,"T":1,"s":"X","U":{last},
            "u":{last},"pu":{previous},"b":[["1.{last}","{last}"]],"a":[]}}}}"#
    )
}

fn deribit(kind: &str, previous: &str, last: u64) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"subscription","params":{{"channel":"book.X.100ms",
            "data":{{"type":"{kind}","instrument_name":"X","timestamp":1,"change_id":{last},
            "prev_change_id":{previous},"bids":[["new",1.5,2.0]],"asks":[]}}}}}}"#
    )
}

fn snapshot(last: u64) -> Reply {
    Reply::ok(format!(r#"{{"lastUpdateId":{last},"T":1,"bids":[["1.0","1"]],"asks":[["2","1"]]}}"#))
}

/// Runs a collector until its book is live at a number; returns it and what was lost.
async fn until(collector: &mut Collector, last: u64) -> Vec<String> {
    let done = Notify::new();
    let lost = Mutex::new(Vec::new());
    let watch = |collector: &Collector, event: Event<'_>| {
        if let Event::Lost { reason, .. } = event {
            lost.lock().expect("not poisoned").push(reason.to_owned());
        }
        if collector.book().last() == Some(last) {
            done.notify_one();
        }
    };
    collector.run(done.notified(), watch).await.expect("a disk");
    assert_eq!(collector.book().last(), None, "a book is not live once nobody listens");
    lost.into_inner().expect("not poisoned")
}

/// The book that the log alone gives.
fn replayed(folder: &Path, venue: Venue) -> (Book, usize) {
    let mut logs: Vec<_> = walk(folder);
    logs.retain(|path| path.extension().is_some_and(|ending| ending == "log"));
    let [path] = &logs[..] else { panic!("one log, got {logs:?}") };
    let verified = verify(path).expect("ours");
    assert_eq!(verified.sealed, verified.lines, "a log that is closed is sealed");
    let text = std::fs::read_to_string(path).expect("a log");
    let mut book = Book::new();
    for line in text.lines() {
        let (_, raw) = line.split_once(' ').expect("a time before");
        for message in venue.parse(raw.as_bytes()).expect("good messages") {
            book.apply(&message);
        }
    }
    (book, text.lines().count())
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn a_gap_is_mended_by_a_snapshot_that_reaches() {
    let frames = vec![delta(4, 6), delta(6, 8), delta(9, 10), delta(10, 11)];
    let replies = vec![Reply::limited(7), snapshot(5), snapshot(10)];
    let mock = Mock::start(vec![Script::hold(frames)], replies).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut collector = collector(&mock, Venue::BinanceUsdm, &[Channel::Book], folder.path());
    assert_eq!(until(&mut collector, 11).await, Vec::<String>::new());
    let counts = collector.counts();
    assert_eq!((counts.connections, counts.unreadable), (1, 0));
    assert!(counts.gaps >= 1, "{counts:?}");
    assert_eq!(mock.asked().len(), 3, "once told to wait, once too old, once good");
    assert!(mock.asked()[0].starts_with("/fapi/v1/depth?symbol=X"), "{:?}", mock.asked());
    let (book, lines) = replayed(folder.path(), Venue::BinanceUsdm);
    assert_eq!((book.state(), book.last()), (State::Live, Some(11)));
    assert_eq!(lines as u64, counts.lines);
    assert_eq!(lines, 6, "four changes and two snapshots");
}

#[tokio::test]
async fn a_lost_connection_is_made_again() {
    let first = Script::hang_up(vec![delta(4, 6)]);
    let second = Script::hold(vec![delta(20, 21), delta(21, 22)]);
    let mock = Mock::start(vec![first, second], vec![snapshot(5), snapshot(21)]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut collector = collector(&mock, Venue::BinanceUsdm, &[Channel::Book], folder.path());
    let lost = until(&mut collector, 22).await;
    assert_eq!(collector.counts().connections, 2);
    assert!(lost.len() == 1 && lost[0].contains("hung up"), "{lost:?}");
}

#[tokio::test]
async fn a_venue_that_sends_the_book_is_asked_by_subscribing_anew() {
    let first = Script::greeted(vec![deribit("snapshot", "null", 5), deribit("change", "8", 9)]);
    let second =
        Script::greeted(vec![deribit("snapshot", "null", 20), deribit("change", "20", 21)]);
    let mock = Mock::start(vec![first, second], Vec::new()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut collector =
        collector(&mock, Venue::Deribit, &[Channel::Book, Channel::Trades], folder.path());
    assert_eq!(until(&mut collector, 21).await, Vec::<String>::new());
    assert_eq!((collector.counts().connections, collector.counts().gaps), (2, 1));
    let heard = mock.heard();
    let subscribed =
        |text: &&String| text.contains(r#""channels":["trades.X.100ms","book.X.100ms"]"#);
    assert_eq!(heard.iter().filter(subscribed).count(), 2, "{heard:?}");
}

#[tokio::test]
async fn what_cannot_be_read_is_logged_and_passed_over() {
    let frames = vec![
        delta(4, 6),
        "not JSON".to_owned(),
        r#"{"stream":"x@depth","data":{"e":"depthUpdate","E":1,"s":"X"}}"#.to_owned(),
        delta(6, 7),
    ];
    let mock = Mock::start(vec![Script::hold(frames)], vec![snapshot(5)]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut collector = collector(&mock, Venue::BinanceUsdm, &[Channel::Book], folder.path());
    let done = Notify::new();
    let watch = |collector: &Collector, _: Event<'_>| {
        if collector.book().last() == Some(7) && collector.counts().lines == 5 {
            done.notify_one();
        }
    };
    collector.run(done.notified(), watch).await.expect("a disk");
    assert_eq!(collector.counts().unreadable, 2);
    let log = walk(folder.path()).into_iter().find(|p| p.extension().is_some_and(|e| e == "log"));
    let text = std::fs::read_to_string(log.expect("a log")).expect("text");
    assert!(text.lines().any(|line| line.ends_with(" not JSON")), "{text}");
}

#[tokio::test]
async fn a_collector_goes_on_with_its_own_log_and_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    for last in [7, 9] {
        let frames = vec![delta(last - 2, last - 1), delta(last - 1, last)];
        let mock = Mock::start(vec![Script::hold(frames)], vec![snapshot(last - 1)]).await;
        let mut collector = collector(&mock, Venue::BinanceUsdm, &[Channel::Book], folder.path());
        until(&mut collector, last).await;
    }
    let (book, lines) = replayed(folder.path(), Venue::BinanceUsdm);
    assert_eq!((book.last(), lines), (Some(9), 6));
    let mock = Mock::start(Vec::new(), Vec::new()).await;
    let other = PrivateKeySigner::from_bytes(&B256::repeat_byte(2)).expect("a key in range");
    let book = (Venue::BinanceUsdm, &[Channel::Book][..]);
    let refused = started(&mock, book, folder.path(), (other, at_once));
    assert!(matches!(refused, Err(StartError::Log(LogError::Foreign { .. }))), "{refused:?}");
}

/// A venue whose books never follow is asked later each time.
#[tokio::test]
async fn a_book_that_never_follows_is_asked_for_less_and_less() {
    static WAITS: Mutex<Vec<Duration>> = Mutex::new(Vec::new());
    let noted: Pause = |wait| {
        WAITS.lock().expect("not poisoned").push(wait);
        at_once(wait)
    };
    let gap = || Script::greeted(vec![deribit("snapshot", "null", 5), deribit("change", "8", 9)]);
    let good = Script::greeted(vec![deribit("snapshot", "null", 5), deribit("change", "5", 9)]);
    let scripts = (0..5).map(|_| gap()).chain([good]).collect();
    let mock = Mock::start(scripts, Vec::new()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let book = (Venue::Deribit, &[Channel::Book][..]);
    let mut collector = started(&mock, book, folder.path(), (key(), noted)).expect("a log");
    assert_eq!(until(&mut collector, 9).await, Vec::<String>::new());
    assert_eq!((collector.counts().connections, collector.counts().gaps), (6, 5));
    let waits = WAITS.lock().expect("not poisoned").clone();
    // Each is drawn between half of its longest and that, which doubles.
    assert!(waits.len() == 5 && waits.is_sorted() && waits[0] >= Duration::from_millis(500));
}

#[tokio::test]
async fn what_a_venue_does_not_have_is_said_at_once() {
    let mock = Mock::start(Vec::new(), Vec::new()).await;
    let folder = tempfile::tempdir().expect("a folder");
    for venue in Venue::ALL {
        for channel in Channel::ALL {
            let collector =
                started(&mock, (venue, &[channel]), folder.path(), (key(), at_once)).map(drop);
            // OKX has funding and open interest of swaps alone, and X is none.
            if venue.has(channel) && (venue, channel) != (Venue::Okx, Channel::Ticker) {
                assert!(collector.is_ok(), "{venue} {channel:?}: {collector:?}");
            } else {
                let none = matches!(collector, Err(StartError::NoChannel { .. }));
                assert!(none, "{venue} {channel:?}: {collector:?}");
            }
        }
    }
}

/// The waits of `limits_are_kept`.
static WAITS: Mutex<Vec<Duration>> = Mutex::new(Vec::new());

fn noted(wait: Duration) -> BoxFuture<'static, ()> {
    WAITS.lock().expect("not poisoned").push(wait);
    at_once(wait)
}

#[tokio::test]
async fn limits_are_kept() {
    let replies = vec![
        Reply::limited(7),
        Reply { status: 503, ..Reply::ok(String::new()) },
        Reply::ok("[]".to_owned()),
        Reply { status: 400, ..Reply::ok(r#"{"code":-1121}"#.to_owned()) },
        Reply { status: 418, retry_after: Some(86_400), ..Reply::ok(String::new()) },
    ];
    let mock = Mock::start(Vec::new(), replies).await;
    let rest = Rest::new(Venue::BinanceUsdm, &mock.rest, noted);
    let ask = Request { path: "/fapi/v1/depth?x".to_owned(), body: None, weight: 20 };
    assert_eq!(rest.ask(&ask).await.expect("the third answer"), b"[]");
    let waits = WAITS.lock().expect("not poisoned").clone();
    assert!(waits.contains(&Duration::from_secs(7)), "{waits:?}");
    assert!(
        waits.contains(&Duration::from_secs(1)),
        "the second failure waits a second: {waits:?}"
    );
    let refused = rest.ask(&ask).await.expect_err("a bad question");
    assert!(matches!(&refused, RestError::Status { status: 400, reason, .. }
            if reason.contains("-1121")));
    let banned = rest.ask(&ask).await.expect_err("a day is too long");
    assert!(matches!(banned, RestError::Limited { wait_s: 86_400, .. }), "{banned}");
    // Whoever else asks during the ban is told here, and the venue hears nothing of it.
    let banned = rest.ask(&ask).await.expect_err("still banned");
    assert!(matches!(banned, RestError::Limited { wait_s, .. } if wait_s > 86_000), "{banned}");
    assert_eq!(mock.asked().len(), 5);
}

#[tokio::test]
async fn a_venue_out_of_reach_is_one_sentence() {
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}", listener.local_addr().expect("bound"))
    };
    let rest = Rest::new(Venue::Bybit, &nobody, at_once);
    let ask = Request { path: "/v5/market/kline".to_owned(), body: None, weight: 1 };
    let error = rest.ask(&ask).await.expect_err("nobody is there");
    assert!(matches!(&error, RestError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains(&nobody), "{error}");
}

#[test]
fn every_venue_has_a_plan_for_every_channel_it_has() {
    for venue in Venue::ALL {
        let feed = Feed {
            venue,
            symbol: "BTC-27MAR26-70000-C".to_owned(),
            channels: Channel::ALL.to_vec(),
            socket: Endpoints::public(venue).socket,
        };
        let plan = plan::plan(&feed);
        assert!(!plan.sockets.is_empty(), "{venue}");
        for socket in &plan.sockets {
            assert!(socket.url.starts_with("wss://"), "{}", socket.url);
            let said = socket
                .hello
                .iter()
                .all(|hello| serde_json::from_str::<serde_json::Value>(hello).is_ok());
            assert!(said, "{venue}: {:?}", socket.hello);
        }
    }
}
