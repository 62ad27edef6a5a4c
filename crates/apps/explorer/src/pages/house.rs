//! Options and perpetuals: the grid that counts, what each scenario would do to each account, and
//! the instruments.

use super::{Frame, page};
use crate::State;
use crate::bars;
use crate::parts;
use crate::view::{House, Portfolio};
use askama::Template;
use axum::extract::State as From;
use axum::http::StatusCode;
use axum::response::Response;

#[derive(Debug, Template)]
#[template(path = "house.html")]
struct Show<'a> {
    frame: Frame<'a>,
    house: Option<&'a House>,
}

/// Answers with the page of the house.
pub(crate) async fn show(From(state): From<State>) -> Response {
    let view = state.view();
    let frame = Frame::new(&view, "house", "/house");
    page(StatusCode::OK, &Show { frame, house: view.house.as_ref() })
}

/// Returns the scenario of an account's worst change, in words.
fn worst(house: &House, portfolio: &Portfolio) -> String {
    let changes = portfolio.changes.iter().zip(&house.scenarios);
    let worst = changes.min_by(|a, b| a.0.total_cmp(b.0));
    worst.map_or_else(String::new, |(_, scenario)| scenario.clone())
}
