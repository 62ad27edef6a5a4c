//! All nodes, and one node with what it did in each round.

use super::{Frame, ROWS, missing, page};
use crate::State;
use crate::bars;
use crate::chart;
use crate::format;
use crate::parts::{self, Html};
use crate::view::{Node, Round, Seat, Spread, Verdict, View};
use askama::Template;
use axum::extract::{Path, State as From};
use axum::http::StatusCode;
use axum::response::Response;

#[derive(Debug, Template)]
#[template(path = "nodes.html")]
struct List<'a> {
    frame: Frame<'a>,
    drawing: Html,
    spreads: Vec<(String, &'static str, Option<Spread>)>,
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

/// Returns the rows of the table of concentration: all rounds first, then epochs, newest first.
fn spreads(view: &View) -> Vec<(String, &'static str, Option<Spread>)> {
    let known = &view.concentration;
    let all = known.all.iter().map(|all| (format!("all {}", all.last), all));
    let epochs = known.epochs.iter().rev().map(|one| (format!("{}–{}", one.first, one.last), one));
    let rows = all.chain(epochs).flat_map(|(rounds, one)| {
        [("stake", one.stake), ("pay", one.pay), ("aggregation", one.aggregation)]
            .map(|(of, spread)| (rounds.clone(), of, spread))
    });
    rows.take(3 * ROWS).collect()
}

/// Answers with the list of nodes.
pub(crate) async fn list(From(state): From<State>) -> Response {
    let view = state.view();
    let drawing = chart::drawing(&chart::concentration(&view));
    let frame = Frame::new(&view, "nodes", "/nodes");
    page(StatusCode::OK, &List { frame, drawing, spreads: spreads(&view) })
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
