//! Blocks and transactions with their calls and events in words.

use super::{Frame, ROWS, Window, missing, page};
use crate::State;
use crate::format;
use crate::parts;
use crate::view::{Block, Hash, Tx, View};
use askama::Template;
use axum::extract::{Path, Query, State as From};
use axum::http::StatusCode;
use axum::response::Response;

#[derive(Debug, Template)]
#[template(path = "blocks.html")]
struct List<'a> {
    frame: Frame<'a>,
    blocks: Vec<&'a Block>,
    older: Option<u64>,
    newest: bool,
}

impl List<'_> {
    /// Returns what the block's transactions call, such as `commit, reveal ×3`.
    fn methods(&self, block: &Block) -> String {
        let mut methods: Vec<(&str, usize)> = Vec::new();
        for tx in block.txs.iter().filter_map(|hash| self.frame.view.tx(*hash)) {
            match methods.iter_mut().find(|(method, _)| *method == tx.method) {
                Some((_, times)) => *times += 1,
                None => methods.push((&tx.method, 1)),
            }
        }
        let words = methods.iter().map(|(method, times)| match times {
            1 => (*method).to_owned(),
            _ => format!("{method} ×{times}"),
        });
        words.collect::<Vec<String>>().join(", ")
    }
}

#[derive(Debug, Template)]
#[template(path = "block.html")]
struct Show<'a> {
    frame: Frame<'a>,
    block: &'a Block,
    txs: Vec<&'a Tx>,
}

impl Show<'_> {
    fn previous(&self) -> Option<u64> {
        self.block.number.checked_sub(1).filter(|number| self.frame.view.block(*number).is_some())
    }

    fn next(&self) -> Option<u64> {
        self.block.number.checked_add(1).filter(|number| self.frame.view.block(*number).is_some())
    }
}

#[derive(Debug, Template)]
#[template(path = "tx.html")]
struct ShowTx<'a> {
    frame: Frame<'a>,
    tx: &'a Tx,
    block: Option<&'a Block>,
}

/// Answers with the list of blocks, newest first.
pub(crate) async fn list(From(state): From<State>, Query(window): Query<Window>) -> Response {
    let view = state.view();
    let before = window.before().unwrap_or(u64::MAX);
    let mut blocks: Vec<&Block> =
        view.blocks.iter().rev().filter(|block| block.number < before).take(ROWS + 1).collect();
    let more = blocks.len() > ROWS;
    blocks.truncate(ROWS);
    let older = blocks.last().filter(|_| more).map(|block| block.number);
    let frame = Frame::new(&view, "blocks", window.path("/blocks"));
    page(StatusCode::OK, &List { frame, blocks, older, newest: window.before().is_none() })
}

/// Says which blocks are kept.
fn hint(view: &View) -> String {
    match (view.blocks.first(), view.blocks.last()) {
        (Some(first), Some(last)) => format!(
            "Blocks {} to {} are kept here; the chain itself has them all.",
            format::count(first.number),
            format::count(last.number)
        ),
        _ => "The first block is mined when the chain starts.".to_owned(),
    }
}

/// Answers with one block.
pub(crate) async fn show(From(state): From<State>, Path(number): Path<String>) -> Response {
    let view = state.view();
    let Some(block) = number.parse().ok().and_then(|number| view.block(number)) else {
        return missing::show(&view, "blocks", &format!("no block {number}"), hint(&view));
    };
    let txs = block.txs.iter().filter_map(|hash| view.tx(*hash)).collect();
    let frame = Frame::new(&view, "blocks", format!("/blocks/{}", block.number));
    page(StatusCode::OK, &Show { frame, block, txs })
}

/// Answers with one transaction.
pub(crate) async fn tx(From(state): From<State>, Path(hash): Path<String>) -> Response {
    let view = state.view();
    let Some(tx) = hash.parse::<Hash>().ok().and_then(|hash| view.tx(hash)) else {
        return missing::show(&view, "blocks", &format!("no transaction {hash}"), hint(&view));
    };
    let frame = Frame::new(&view, "blocks", format!("/tx/{}", tx.hash));
    page(StatusCode::OK, &ShowTx { frame, tx, block: view.block(tx.block) })
}
