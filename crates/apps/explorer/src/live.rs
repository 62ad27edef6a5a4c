//! Server-sent events: one `view` event when a page connects, and one after each change of the
//! view.
//!
//! An event carries block, round and phase, not the page: the page fetches itself again and patches
//! what differs. Changes that come faster than [`PACE`] are told once, since only the latest view
//! matters. The stream ends when the sender of the views is gone.

use crate::State;
use axum::extract::State as From;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::stream::{self, Stream};
use serde_json::json;
use std::convert::Infallible;
use std::time::Duration;

/// Least time between two events of one stream.
const PACE: Duration = Duration::from_millis(250);

fn event(state: &State) -> Event {
    let view = state.view();
    let network = &view.network;
    let data = json!({
        "block": network.block,
        "round": network.round,
        "phase": network.phase,
        "market_time": network.market_time,
    });
    Event::default().event("view").data(data.to_string())
}

/// Answers with the stream of events.
pub(crate) async fn events(
    From(mut state): From<State>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    state.view.mark_changed();
    let stream = stream::unfold((state, Duration::ZERO), |(mut state, rest)| async move {
        tokio::time::sleep(rest).await;
        state.view.changed().await.ok()?;
        state.view.mark_unchanged();
        Some((Ok(event(&state)), (state, PACE)))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}
