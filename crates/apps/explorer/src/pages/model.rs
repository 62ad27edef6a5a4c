//! The model: what it is, its parameters, its loss by round.

use super::{Frame, page};
use crate::State;
use crate::chart;
use crate::parts;
use crate::parts::Html;
use crate::view::Loss;
use askama::Template;
use axum::extract::State as From;
use axum::http::StatusCode;
use axum::response::Response;

#[derive(Debug, Template)]
#[template(path = "model.html")]
struct Model<'a> {
    frame: Frame<'a>,
    losses: Vec<&'a Loss>,
    drawing: Html,
}

/// Answers with the page of the model.
pub(crate) async fn show(From(state): From<State>) -> Response {
    let view = state.view();
    let losses = view.model.losses.iter().rev().collect();
    let drawing = chart::drawing(&chart::loss(&view));
    page(StatusCode::OK, &Model { frame: Frame::new(&view, "model", "/model"), losses, drawing })
}
