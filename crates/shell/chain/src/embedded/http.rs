//! JSON-RPC over HTTP on loopback: single and batch requests, browsers included.
//!
//! A browser may read and send from any page, as with any node; the `evm_` methods, which move the
//! clock, answer only requests that do not come from a foreign page. The `Host` must be a loopback
//! name, so that a page cannot reach the port under its own name (DNS rebinding).
//!
//! Deliberately absent: WebSockets, TLS, authentication.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::rpc::{Params, RpcError, Shared};

/// Largest request in bytes.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most requests of one batch.
const BATCH_MAX: usize = 1_000;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let about = || async { "Assay's embedded chain: POST Ethereum JSON-RPC here.\n" };
    Router::new()
        .route("/", get(about).post(handle).options(preflight))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(shared)
}

async fn preflight() -> Response {
    (StatusCode::NO_CONTENT, cors()).into_response()
}

fn cors() -> HeaderMap {
    let mut headers = HeaderMap::new();
    let any = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, any);
    let methods = HeaderValue::from_static("GET, POST, OPTIONS");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers
}

async fn handle(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    if !host.is_some_and(is_loopback) {
        return (StatusCode::FORBIDDEN, "this port answers to loopback names only").into_response();
    }
    let foreign = headers.get(header::ORIGIN).is_some_and(|origin| !is_own_page(origin));
    let work = move || respond(&shared, &body, foreign);
    let answer = tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Some(failure(Value::Null, RpcError::new(-32_603, "internal error: the request panicked")))
    });
    match answer {
        Some(answer) => (cors(), axum::Json(answer)).into_response(),
        None => (StatusCode::NO_CONTENT, cors()).into_response(),
    }
}

fn is_own_page(origin: &HeaderValue) -> bool {
    let text = origin.to_str().unwrap_or_default();
    text.split_once("://").is_some_and(|(_, host)| is_loopback(host))
}

/// Returns whether `host`, with or without a port, names this machine only.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn respond(shared: &Shared, body: &[u8], foreign: bool) -> Option<Value> {
    let parsed: Value = match serde_json::from_slice(body) {
        Ok(parsed) => parsed,
        Err(error) => {
            let message = format!("parse error: {error}");
            return Some(failure(Value::Null, RpcError::new(-32_700, message)));
        }
    };
    let Value::Array(batch) = parsed else { return one(shared, parsed, foreign) };
    if batch.is_empty() || batch.len() > BATCH_MAX {
        let message = format!("a batch has 1 to {BATCH_MAX} requests");
        return Some(failure(Value::Null, RpcError::new(-32_600, message)));
    }
    let answers: Vec<_> =
        batch.into_iter().filter_map(|request| one(shared, request, foreign)).collect();
    (!answers.is_empty()).then_some(Value::Array(answers))
}

#[derive(Deserialize)]
struct Request {
    id: Option<Value>,
    method: String,
    params: Option<Value>,
}

/// Answers one request; nothing for a notification, which has no id.
fn one(shared: &Shared, request: Value, foreign: bool) -> Option<Value> {
    let request: Request = match serde_json::from_value(request) {
        Ok(request) => request,
        Err(error) => {
            let message = format!("invalid request: {error}");
            return Some(failure(Value::Null, RpcError::new(-32_600, message)));
        }
    };
    let params = match request.params {
        None | Some(Value::Null) => Ok(Params::default()),
        Some(Value::Array(list)) => Ok(Params(list)),
        Some(_) => Err(RpcError::params("params are a list")),
    };
    let answer = params.and_then(|params| {
        if foreign && request.method.starts_with("evm_") {
            return Err(RpcError::server("a web page cannot move this chain's clock"));
        }
        shared.answer(&request.method, &params)
    });
    let id = request.id?;
    Some(match answer {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(error) => failure(id, error),
    })
}

fn failure(id: Value, error: RpcError) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names() {
        for host in ["localhost", "LOCALHOST:1", "127.0.0.1:8545", "127.9.9.9", "[::1]:80"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["example.org", "localhost.example.org:80", "10.0.0.1", "0.0.0.0", "", ":80"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
