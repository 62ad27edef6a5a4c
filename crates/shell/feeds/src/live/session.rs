//! What is open while a market is listened to: its sockets, and questions over REST.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, FuturesUnordered, SelectAll, SplitSink};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error, Message as Frame};

use super::plan::{Request, Socket};
use super::rest::{Rest, RestError};
use super::socket::{self, Stream};

/// A socket that says nothing for so long is lost.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long a venue that would not give a book is left alone.
const BOOK_PAUSE: Duration = Duration::from_secs(60);

/// An answer over REST, and whether it is a book.
pub(super) type Answer = (bool, Result<Vec<u8>, RestError>);

/// What is open.
pub(super) struct Session {
    pub(super) sockets: Sockets,
    /// What was asked over REST.
    pub(super) asked: FuturesUnordered<BoxFuture<'static, Answer>>,
    /// Whether a book is on its way.
    awaits_book: bool,
    /// When a book may be asked for, after the venue would not give one.
    book_from: Option<Instant>,
}

impl Session {
    /// Opens every socket and subscribes, or says in words why not.
    pub(super) async fn open(plans: &[Socket]) -> Result<Self, String> {
        let sockets = Sockets::open(plans).await?;
        let asked = FuturesUnordered::new();
        Ok(Self { sockets, asked, awaits_book: false, book_from: None })
    }

    /// Asks something over REST.
    pub(super) fn ask(&mut self, rest: &Arc<Rest>, request: &Request) {
        self.push(rest, request, false);
    }

    /// Asks for a book, unless one is on its way or was refused just now.
    pub(super) fn ask_book(&mut self, rest: &Arc<Rest>, request: &Request) {
        let early = self.book_from.is_some_and(|from| Instant::now() < from);
        if !self.awaits_book && !early {
            self.awaits_book = true;
            self.push(rest, request, true);
        }
    }

    fn push(&mut self, rest: &Arc<Rest>, request: &Request, is_book: bool) {
        let (rest, request) = (Arc::clone(rest), request.clone());
        self.asked.push(Box::pin(async move { (is_book, rest.ask(&request).await) }));
    }

    /// Notes that a book came, or that the venue would not give it.
    pub(super) fn book_came(&mut self, good: bool) {
        self.awaits_book = false;
        self.book_from = (!good).then(|| Instant::now() + BOOK_PAUSE);
    }
}

/// What one socket brings; `None` at its end.
type Brought = Option<Result<Frame, Error>>;

/// The sockets of one market.
pub(super) struct Sockets {
    frames: SelectAll<BoxStream<'static, (usize, Brought)>>,
    sinks: Vec<SplitSink<Stream, Frame>>,
    silence: Silence,
}

impl Sockets {
    async fn open(plans: &[Socket]) -> Result<Self, String> {
        let (mut frames, mut sinks) = (SelectAll::new(), Vec::new());
        for (index, plan) in plans.iter().enumerate() {
            let (mut sink, stream) = socket::connect(&plan.url).await?.split();
            for hello in &plan.hello {
                let sent = sink.send(Frame::text(hello.as_str())).await;
                sent.map_err(|error| error.to_string())?;
            }
            // One that ends must not do so in silence, while the others go on.
            let end = stream::once(std::future::ready(None));
            frames.push(stream.map(Some).chain(end).map(move |brought| (index, brought)).boxed());
            sinks.push(sink);
        }
        Ok(Self { frames, sinks, silence: Silence(vec![Instant::now(); plans.len()]) })
    }

    /// Waits for the next text; nothing for frames that keep a connection.
    ///
    /// # Errors
    ///
    /// Says in words why a socket is lost: one is enough, as what it brings is missing.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        tokio::select! {
            brought = self.frames.next() => {
                let Some((index, brought)) = brought else { return text(None) };
                self.silence.heard(index);
                text(brought)
            }
            () = tokio::time::sleep_until(self.silence.ends()) => {
                Err(format!("nothing was said for {} s", SILENCE_MAX.as_secs()))
            }
        }
    }

    /// Says that we are there.
    pub(super) async fn ping(&mut self, plans: &[Socket]) -> Result<(), String> {
        for (plan, sink) in plans.iter().zip(&mut self.sinks) {
            let frame = plan.ping.map_or_else(|| Frame::Ping(Vec::new().into()), Frame::text);
            sink.send(frame).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// When each socket was last heard.
struct Silence(Vec<Instant>);

impl Silence {
    fn heard(&mut self, index: usize) {
        self.0[index] = Instant::now();
    }

    /// When the quietest has been quiet for too long.
    fn ends(&self) -> Instant {
        let quietest = self.0.iter().min().copied();
        quietest.unwrap_or_else(Instant::now) + SILENCE_MAX
    }
}

/// Returns the text of a frame, nothing for frames that keep the connection, or why it ended.
fn text(brought: Brought) -> Result<Option<Vec<u8>>, String> {
    match brought {
        None => Err("the venue hung up".to_owned()),
        Some(Err(error)) => Err(error.to_string()),
        Some(Ok(Frame::Text(text))) => Ok(Some(text.as_bytes().to_vec())),
        Some(Ok(Frame::Binary(bytes))) => Ok(Some(bytes.to_vec())),
        Some(Ok(Frame::Close(close))) => {
            let reason = close.map(|close| close.to_string()).unwrap_or_default();
            Err(format!("the venue hung up: {reason}"))
        }
        Some(Ok(Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_))) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_talkative_socket_does_not_hide_a_quiet_one() {
        let began = Instant::now();
        let mut silence = Silence(vec![began; 2]);
        silence.heard(1);
        assert_eq!(silence.ends(), began + SILENCE_MAX);
        silence.heard(0);
        assert!(silence.ends() > began + SILENCE_MAX);
    }
}
