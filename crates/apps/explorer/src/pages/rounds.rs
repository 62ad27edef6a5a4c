//! All rounds, and one round in full.

use super::{Frame, ROWS, Step, Window, missing, page, steps};
use crate::State;
use crate::bars;
use crate::format;
use crate::parts;
use crate::view::{Phase, Round, Tx, Verdict, View};
use askama::Template;
use axum::extract::{Path, Query, State as From};
use axum::http::StatusCode;
use axum::response::Response;

#[derive(Debug, Template)]
#[template(path = "rounds.html")]
struct List<'a> {
    frame: Frame<'a>,
    rounds: Vec<&'a Round>,
    older: Option<u64>,
    newest: bool,
}

impl List<'_> {
    fn seconds(&self, round: &Round) -> String {
        if round.seconds.is_empty() {
            return format::ABSENT.to_owned();
        }
        format::seconds(round.seconds.iter().map(|time| time.seconds).sum())
    }
}

#[derive(Debug, Template)]
#[template(path = "round.html")]
struct Show<'a> {
    frame: Frame<'a>,
    round: &'a Round,
    txs: Vec<&'a Tx>,
}

impl Show<'_> {
    fn steps(&self) -> Vec<Step> {
        steps(self.round.phase).into()
    }

    fn seconds(&self) -> Vec<(&'static str, String)> {
        let times = self.round.seconds.iter();
        times.map(|time| (parts::phase_name(&time.phase), format::seconds(time.seconds))).collect()
    }

    fn previous(&self) -> Option<u64> {
        self.round.number.checked_sub(1).filter(|number| self.frame.view.round(*number).is_some())
    }

    fn next(&self) -> Option<u64> {
        self.round.number.checked_add(1).filter(|number| self.frame.view.round(*number).is_some())
    }
}

/// Answers with the list of rounds, newest first.
pub(crate) async fn list(From(state): From<State>, Query(window): Query<Window>) -> Response {
    let view = state.view();
    let before = window.before().unwrap_or(u64::MAX);
    let mut rounds: Vec<&Round> =
        view.rounds.iter().rev().filter(|round| round.number < before).take(ROWS + 1).collect();
    let more = rounds.len() > ROWS;
    rounds.truncate(ROWS);
    let older = rounds.last().filter(|_| more).map(|round| round.number);
    let frame = Frame::new(&view, "rounds", window.path("/rounds"));
    page(StatusCode::OK, &List { frame, rounds, older, newest: window.before().is_none() })
}

/// Says which rounds there are.
fn hint(view: &View) -> String {
    match (view.rounds.first(), view.rounds.last()) {
        (Some(first), Some(last)) => format!(
            "There are rounds {} to {}.",
            format::count(first.number),
            format::count(last.number)
        ),
        _ => "The first round opens as soon as enough nodes have joined.".to_owned(),
    }
}

/// Answers with one round.
pub(crate) async fn show(From(state): From<State>, Path(number): Path<String>) -> Response {
    let view = state.view();
    let Some(round) = number.parse().ok().and_then(|number| view.round(number)) else {
        return missing::show(&view, "rounds", &format!("no round {number}"), hint(&view));
    };
    let txs = round.txs.iter().filter_map(|hash| view.tx(*hash)).collect();
    let frame = Frame::new(&view, "rounds", format!("/rounds/{}", round.number));
    page(StatusCode::OK, &Show { frame, round, txs })
}
