//! All nodes, and one node with what it did in each round.

use super::{Frame, ROWS, missing, page};
use crate::State;
use crate::bars;
use crate::format;
use crate::parts;
use crate::view::{Node, Round, Seat, Verdict, View};
use askama::Template;
use axum::extract::{Path, State as From};
use axum::http::StatusCode;
use axum::response::Response;

#[derive(Debug, Template)]
#[template(path = "nodes.html")]
struct List<'a> {
    frame: Frame<'a>,
}

impl List<'_> {
    /// Returns how many rounds accepted and rejected this node.
    fn record(&self, index: &u32) -> (usize, usize) {
        record(self.frame.view, *index)
    }
}

#[derive(Debug, Template)]
#[template(path = "node.html")]
struct Show<'a> {
    frame: Frame<'a>,
    node: &'a Node,
    seats: Vec<(&'a Round, &'a Seat)>,
    record: (usize, usize),
}

fn record(view: &View, index: u32) -> (usize, usize) {
    let mut record = (0, 0);
    for (_, seat) in view.seats_of(index) {
        match seat.verdict {
            Some(Verdict::Accepted) => record.0 += 1,
            Some(Verdict::Rejected) => record.1 += 1,
            None => {}
        }
    }
    record
}

/// Answers with the list of nodes.
pub(crate) async fn list(From(state): From<State>) -> Response {
    let view = state.view();
    page(StatusCode::OK, &List { frame: Frame::new(&view, "nodes", "/nodes") })
}

/// Answers with one node.
pub(crate) async fn show(From(state): From<State>, Path(index): Path<String>) -> Response {
    let view = state.view();
    let Some(node) = index.parse().ok().and_then(|index| view.node(index)) else {
        let joined = format::plural(view.nodes.len() as u64, "node");
        let hint =
            format!("{joined} joined so far; indices are given in order of joining, from 0.");
        return missing::show(&view, "nodes", &format!("no node {index}"), hint);
    };
    let seats = view.seats_of(node.index).take(ROWS).collect();
    let frame = Frame::new(&view, "nodes", format!("/nodes/{}", node.index));
    let record = record(&view, node.index);
    page(StatusCode::OK, &Show { frame, node, seats, record })
}
