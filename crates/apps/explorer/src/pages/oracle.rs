//! The oracle's history: shortfall, quantile and margin, the price beside.

use super::{Frame, ROWS, page};
use crate::State;
use crate::chart;
use crate::parts;
use crate::parts::Html;
use crate::view::Report;
use askama::Template;
use axum::extract::State as From;
use axum::http::StatusCode;
use axum::response::Response;

#[derive(Debug, Template)]
#[template(path = "oracle.html")]
struct Oracle<'a> {
    frame: Frame<'a>,
    reports: Vec<&'a Report>,
    drawing: Html,
}

/// Answers with the page of the oracle.
pub(crate) async fn show(From(state): From<State>) -> Response {
    let view = state.view();
    let reports = view.oracle.reports.iter().rev().take(ROWS).collect();
    let drawing = chart::drawing(&chart::oracle(&view));
    page(
        StatusCode::OK,
        &Oracle { frame: Frame::new(&view, "oracle", "/oracle"), reports, drawing },
    )
}
