//! Scripts, styles and icons, embedded at compile time.
//!
//! Vendored files carry their version in their name and never change; the project's own are
//! revalidated by hash. Their licences lie beside them in `assets/vendor` and are served like the
//! rest.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "assets"]
struct Assets;

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Answers with one embedded file.
pub(crate) async fn serve(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Some(file) = Assets::get(&path) else {
        return (StatusCode::NOT_FOUND, "no such asset\n").into_response();
    };
    let tag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash()));
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response();
    }
    let age = if path.starts_with("vendor/") { "max-age=31536000, immutable" } else { "no-cache" };
    let head = [
        (CONTENT_TYPE, content_type(&path).to_owned()),
        (CACHE_CONTROL, age.to_owned()),
        (ETAG, tag),
    ];
    (head, file.data.into_owned()).into_response()
}
