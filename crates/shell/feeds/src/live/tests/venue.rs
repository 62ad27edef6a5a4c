//! A venue on this machine: a websocket that follows a script, and REST that answers from a list.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message as Frame;

/// What one connection is sent.
pub(super) struct Script {
    /// How many texts are waited for first.
    hears: usize,
    frames: Vec<String>,
    hang_up: bool,
}

impl Script {
    /// Sends, and stays.
    pub(super) fn hold(frames: Vec<String>) -> Self {
        Self { hears: 0, frames, hang_up: false }
    }

    /// Waits to be greeted, sends, and stays.
    pub(super) fn greeted(frames: Vec<String>) -> Self {
        Self { hears: 1, ..Self::hold(frames) }
    }

    /// Sends, and closes.
    pub(super) fn hang_up(frames: Vec<String>) -> Self {
        Self { hears: 0, frames, hang_up: true }
    }
}

/// One answer over REST.
#[derive(Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) retry_after: Option<u64>,
    pub(super) body: String,
}

impl Reply {
    pub(super) fn ok(body: String) -> Self {
        Self { status: 200, retry_after: None, body }
    }

    pub(super) fn limited(seconds: u64) -> Self {
        Self { status: 429, retry_after: Some(seconds), body: "slow down".to_owned() }
    }
}

#[derive(Default)]
struct Shared {
    replies: Mutex<VecDeque<Reply>>,
    asked: Mutex<Vec<String>>,
    heard: Mutex<Vec<String>>,
}

pub(super) struct Venue {
    pub(super) rest: String,
    pub(super) socket: String,
    shared: Arc<Shared>,
}

impl Venue {
    /// Starts both; connections take the scripts in order, questions the answers.
    pub(super) async fn start(scripts: Vec<Script>, replies: Vec<Reply>) -> Self {
        let shared = Arc::new(Shared { replies: Mutex::new(replies.into()), ..Shared::default() });
        let rest = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = |listener: &TcpListener| listener.local_addr().expect("bound");
        let venue = Self {
            rest: format!("http://{}", address(&rest)),
            socket: format!("ws://{}", address(&socket)),
            shared: Arc::clone(&shared),
        };
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(rest, router).await });
        tokio::spawn(async move {
            for script in scripts {
                let (stream, _) = socket.accept().await.expect("a listener");
                tokio::spawn(follow(stream, script, Arc::clone(&shared)));
            }
            // Whoever comes once the scripts are used up stays without a word.
            std::future::pending::<()>().await;
        });
        venue
    }

    /// Paths that were asked for.
    pub(super) fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().expect("not poisoned").clone()
    }

    /// What was said on the websockets.
    pub(super) fn heard(&self) -> Vec<String> {
        self.shared.heard.lock().expect("not poisoned").clone()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri) -> Response {
    shared.asked.lock().expect("not poisoned").push(uri.to_string());
    let reply = shared.replies.lock().expect("not poisoned").pop_front();
    let Some(reply) = reply else { return StatusCode::NOT_FOUND.into_response() };
    let status = StatusCode::from_u16(reply.status).expect("a status");
    let mut response = (status, reply.body).into_response();
    if let Some(seconds) = reply.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

async fn follow(stream: TcpStream, script: Script, shared: Arc<Shared>) {
    let Ok(stream) = tokio_tungstenite::accept_async(stream).await else { return };
    let (mut sink, mut stream) = stream.split();
    let hear = |frame: Frame| {
        if let Frame::Text(text) = frame {
            shared.heard.lock().expect("not poisoned").push(text.to_string());
        }
    };
    for _ in 0..script.hears {
        let Some(Ok(frame)) = stream.next().await else { return };
        hear(frame);
    }
    for frame in script.frames {
        if sink.send(Frame::text(frame)).await.is_err() {
            return;
        }
    }
    if script.hang_up {
        let _ = sink.close().await;
    }
    while let Some(Ok(frame)) = stream.next().await {
        hear(frame);
    }
}
