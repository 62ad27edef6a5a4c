//! Jobs: what is trained beside the network's own model, for whom, and what it has earned.

use super::{Frame, page};
use crate::State;
use crate::parts;
use crate::view::{Job, OpenJob};
use askama::Template;
use axum::extract::State as From;
use axum::http::StatusCode;
use axum::response::Response;

#[derive(Debug, Template)]
#[template(path = "jobs.html")]
struct List<'a> {
    frame: Frame<'a>,
    jobs: &'a [Job],
    open: &'a [OpenJob],
}

/// Answers with the page of jobs.
pub(crate) async fn list(From(state): From<State>) -> Response {
    let view = state.view();
    let frame = Frame::new(&view, "jobs", "/jobs");
    page(StatusCode::OK, &List { frame, jobs: &view.jobs, open: &view.open_jobs })
}
