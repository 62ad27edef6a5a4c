//! The page for what does not exist: it says what was asked for, what there is, and where to look.

use super::{Frame, page};
use crate::State;
use crate::parts;
use crate::view::View;
use askama::Template;
use axum::extract::State as From;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

#[derive(Debug, Template)]
#[template(path = "missing.html")]
struct Missing<'a> {
    frame: Frame<'a>,
    what: String,
    hint: String,
    list: String,
}

/// Draws the page, which does not follow the network: `what` there is not, and a `hint` in whole
/// sentences.
pub(crate) fn show(view: &View, section: &'static str, what: &str, hint: String) -> Response {
    let list = if section == "now" { "/".to_owned() } else { format!("/{section}") };
    let frame = Frame::new(view, section, "");
    page(StatusCode::NOT_FOUND, &Missing { frame, what: what.to_owned(), hint, list })
}

/// Answers an address nobody serves.
pub(crate) async fn fallback(From(state): From<State>, uri: Uri) -> Response {
    let asked: String = uri.path().chars().take(120).collect();
    let hint = "The pages that exist are in the navigation above.".to_owned();
    show(&state.view(), "now", &format!("no page at {asked}"), hint)
}
