//! The same picture for machines: each page's matter as JSON.
//!
//! Amounts are decimal strings, hashes and addresses lower-case hex, times Unix seconds. What does
//! not exist is answered with status 404 and an object with one field, `error`.

use crate::State;
use crate::told::{self, Row};
use crate::view::{Dispute, DisputeState, Hash, Side, View};
use axum::extract::{Path, State as From};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::json;

/// Returns the routes below `/api`.
pub(crate) fn routes() -> Router<State> {
    Router::new()
        .route("/view.json", get(|state| all(state, answer::<View>)))
        .route("/now", get(|state| all(state, |view| answer(&view.network))))
        .route("/rounds", get(|state| all(state, |view| answer(&view.rounds))))
        .route("/rounds/{number}", get(round))
        .route("/disputes", get(|state| all(state, disputes)))
        .route("/disputes/{id}", get(dispute))
        .route("/nodes", get(|state| all(state, |view| answer(&view.nodes))))
        .route("/nodes/{index}", get(node))
        .route("/concentration", get(|state| all(state, |view| answer(&view.concentration))))
        .route("/model", get(|state| all(state, |view| answer(&view.model))))
        .route("/oracle", get(|state| all(state, |view| answer(&view.oracle))))
        .route("/accounts", get(|state| all(state, |view| answer(&view.accounts))))
        .route("/accounts/{address}", get(account))
        .route("/house", get(|state| all(state, |view| answer(&view.house))))
        .route("/jobs", get(|state| all(state, |view| answer(&view.jobs))))
        .route("/open-jobs", get(|state| all(state, |view| answer(&view.open_jobs))))
        .route("/blocks", get(|state| all(state, |view| answer(&view.blocks))))
        .route("/blocks/{number}", get(block))
        .route("/tx/{hash}", get(tx))
        .fallback(|| async { missing("no such path under /api") })
}

fn answer<T: Serialize>(value: &T) -> Response {
    ([(CACHE_CONTROL, "no-store")], Json(value)).into_response()
}

fn missing(error: &str) -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "error": error }))).into_response()
}

fn answer_or(value: Option<&impl Serialize>, error: &str) -> Response {
    value.map_or_else(|| missing(error), answer)
}

async fn all(From(state): From<State>, pick: fn(&View) -> Response) -> Response {
    pick(&state.view())
}

async fn round(From(state): From<State>, Path(number): Path<String>) -> Response {
    let view = state.view();
    answer_or(number.parse().ok().and_then(|n| view.round(n)), "no such round")
}

/// A dispute as a reader is told it: what the chain recorded, how it stands, and each move in
/// words.
#[derive(Serialize)]
struct Story<'a> {
    state: DisputeState,
    to_move: Option<Side>,
    #[serde(flatten)]
    dispute: &'a Dispute,
    told: Vec<Row>,
}

impl Story<'_> {
    fn of(dispute: &Dispute) -> Story<'_> {
        let (state, to_move) = (dispute.state(), dispute.to_move());
        Story { state, to_move, dispute, told: told::rows(dispute) }
    }
}

fn disputes(view: &View) -> Response {
    answer(&view.disputes.iter().map(Story::of).collect::<Vec<Story<'_>>>())
}

async fn dispute(From(state): From<State>, Path(id): Path<String>) -> Response {
    let view = state.view();
    let found = id.parse().ok().and_then(|id| view.dispute(id)).map(Story::of);
    answer_or(found.as_ref(), "no such dispute")
}

async fn node(From(state): From<State>, Path(index): Path<String>) -> Response {
    let view = state.view();
    answer_or(index.parse().ok().and_then(|i| view.node(i)), "no such node")
}

async fn account(From(state): From<State>, Path(address): Path<String>) -> Response {
    let view = state.view();
    answer_or(address.parse().ok().and_then(|a| view.account(a)), "no such account")
}

async fn block(From(state): From<State>, Path(number): Path<String>) -> Response {
    let view = state.view();
    answer_or(number.parse().ok().and_then(|n| view.block(n)), "no such block, or no longer kept")
}

async fn tx(From(state): From<State>, Path(hash): Path<String>) -> Response {
    let view = state.view();
    let found = hash.parse::<Hash>().ok().and_then(|hash| view.tx(hash));
    answer_or(found, "no such transaction, or no longer kept")
}
