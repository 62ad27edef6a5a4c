//! One module a page: the template's values and the handler that fills them.
//!
//! A page is a function of the view and of its own address; the frame around it (navigation, what
//! is replayed, where the network stands) is the same for all. Templates escape everything but
//! [`parts`](crate::parts).
//! Deliberately absent: sessions, cookies, anything about the reader.

pub(crate) mod accounts;
pub(crate) mod blocks;
pub(crate) mod disputes;
pub(crate) mod house;
pub(crate) mod jobs;
pub(crate) mod missing;
pub(crate) mod model;
pub(crate) mod nodes;
pub(crate) mod now;
pub(crate) mod oracle;
pub(crate) mod rounds;

use crate::format;
use crate::view::{Phase, View};
use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

/// Rows of a long table on one page.
pub(crate) const ROWS: usize = 50;

/// What every page shows around its own matter.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) view: &'a View,
    /// Where a live page fetches itself again; empty on a page that stays as it is.
    pub(crate) path: String,
    pub(crate) section: &'static str,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(view: &'a View, section: &'static str, path: impl Into<String>) -> Frame<'a> {
        Frame { view, path: path.into(), section }
    }

    /// Says which market time is replayed.
    pub(crate) fn replaying(&self) -> String {
        let network = &self.view.network;
        match network.market_time {
            Some(time) => format!("replaying {}, {}", format::date(time), network.market),
            None if network.market.is_empty() => "nothing is replayed yet".to_owned(),
            None => format!("{}, replay starts with the first round", network.market),
        }
    }

    /// Says what must not be mistaken.
    pub(crate) fn caveat(&self) -> String {
        let chain = &self.view.network.chain;
        let chain = if chain.is_empty() { "local chain" } else { chain };
        format!("unaudited contracts, replayed data, {chain}")
    }

    /// Returns the sections of the explorer: address, key, title.
    pub(crate) fn sections(&self) -> [(&'static str, &'static str, &'static str); 10] {
        [
            ("/", "now", "Now"),
            ("/rounds", "rounds", "Rounds"),
            ("/disputes", "disputes", "Disputes"),
            ("/nodes", "nodes", "Nodes"),
            ("/model", "model", "Model"),
            ("/oracle", "oracle", "Oracle"),
            ("/accounts", "accounts", "Accounts"),
            ("/house", "house", "Options"),
            ("/jobs", "jobs", "Jobs"),
            ("/blocks", "blocks", "Blocks"),
        ]
    }
}

/// One step of the line that shows where a round is.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) class: &'static str,
    pub(crate) state: &'static str,
}

/// Returns the five steps of a round, each past, current or to come.
pub(crate) fn steps(phase: Phase) -> [Step; 5] {
    let reached = match phase {
        Phase::Open => 0,
        Phase::Commit => 1,
        Phase::Reveal => 2,
        Phase::Aggregate => 3,
        Phase::Settled | Phase::Voided => 5,
    };
    let names = ["Open", "Commit", "Reveal", "Aggregate", "Settle"];
    std::array::from_fn(|i| {
        let (class, state) = match i.cmp(&reached) {
            _ if phase == Phase::Voided => ("void", "voided"),
            std::cmp::Ordering::Less => ("done", "done"),
            std::cmp::Ordering::Equal => ("here", "now"),
            std::cmp::Ordering::Greater => ("ahead", "to come"),
        };
        Step { name: names[i], class, state }
    })
}

/// Where in a long table to start.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Window {
    before: Option<String>,
}

impl Window {
    /// Returns the address of this window, so that a live page stays where it is.
    pub(crate) fn path(&self, base: &str) -> String {
        self.before().map_or_else(|| base.to_owned(), |before| format!("{base}?before={before}"))
    }

    /// Returns the number before which the window lies; the latest rows are shown if there is none,
    /// or no number.
    pub(crate) fn before(&self) -> Option<u64> {
        self.before.as_ref().and_then(|before| before.parse().ok())
    }
}

/// Renders a page, with a status.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => {
            let head = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store")];
            (status, head, html).into_response()
        }
        Err(error) => {
            let words = format!("this page could not be drawn: {error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, words).into_response()
        }
    }
}
