//! The margin accounts, and one account with its margins over time.

use super::{Frame, ROWS, missing, page};
use crate::State;
use crate::bars;
use crate::chart;
use crate::parts;
use crate::parts::Html;
use crate::view::{Account, AccountPoint};
use askama::Template;
use axum::extract::{Path, State as From};
use axum::http::StatusCode;
use axum::response::Response;

#[derive(Debug, Template)]
#[template(path = "accounts.html")]
struct List<'a> {
    frame: Frame<'a>,
}

#[derive(Debug, Template)]
#[template(path = "account.html")]
struct Show<'a> {
    frame: Frame<'a>,
    account: &'a Account,
    history: Vec<&'a AccountPoint>,
    drawing: Html,
}

impl Show<'_> {
    fn chart_path(&self) -> String {
        format!("/charts/accounts/{}", self.account.address)
    }
}

/// Answers with the list of accounts.
pub(crate) async fn list(From(state): From<State>) -> Response {
    let view = state.view();
    page(StatusCode::OK, &List { frame: Frame::new(&view, "accounts", "/accounts") })
}

/// Answers with one account.
pub(crate) async fn show(From(state): From<State>, Path(address): Path<String>) -> Response {
    let view = state.view();
    let Some(account) = address.parse().ok().and_then(|address| view.account(address)) else {
        let hint = "Accounts are listed here once they have deposited collateral.".to_owned();
        return missing::show(&view, "accounts", &format!("no account {address}"), hint);
    };
    let history = account.history.iter().rev().take(ROWS).collect();
    let drawing = chart::drawing(&chart::account(account));
    let frame = Frame::new(&view, "accounts", format!("/accounts/{}", account.address));
    page(StatusCode::OK, &Show { frame, account, history, drawing })
}
