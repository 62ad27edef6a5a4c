//! The `eth_newFilter` family: what a polling client has seen so far.
//!
//! Deliberately absent: expiry by time. At most [`FILTERS_MAX`] filters live, the oldest goes
//! first.

use std::collections::BTreeMap;

use alloy::{
    primitives::U256,
    rpc::types::{Filter, FilterBlockOption},
};
use serde_json::{Value, json};

use super::{
    engine::Engine,
    rpc::{RpcError, block_number, to_value},
};

/// Most filters that live at a time.
const FILTERS_MAX: usize = 256;
/// Most logs of one answer.
pub(crate) const LOGS_MAX: usize = 50_000;

#[derive(Debug)]
enum Kind {
    Logs(Box<Filter>),
    Blocks,
    Pending,
}

#[derive(Debug)]
struct Watch {
    kind: Kind,
    /// First block not reported yet.
    next: u64,
}

/// The live filters.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    watches: BTreeMap<u64, Watch>,
    made: u64,
}

impl Filters {
    pub(crate) fn logs(&mut self, filter: Filter, head: u64) -> Value {
        self.insert(Kind::Logs(Box::new(filter)), head)
    }

    pub(crate) fn blocks(&mut self, head: u64) -> Value {
        self.insert(Kind::Blocks, head)
    }

    pub(crate) fn pending(&mut self, head: u64) -> Value {
        self.insert(Kind::Pending, head)
    }

    fn insert(&mut self, kind: Kind, head: u64) -> Value {
        self.made += 1;
        self.watches.insert(self.made, Watch { kind, next: head + 1 });
        if self.watches.len() > FILTERS_MAX {
            self.watches.pop_first();
        }
        json!(U256::from(self.made))
    }

    pub(crate) fn remove(&mut self, id: U256) -> bool {
        u64::try_from(id).is_ok_and(|id| self.watches.remove(&id).is_some())
    }

    /// Returns what is new since the last time, or for `whole` everything a log filter matches.
    pub(crate) fn poll(
        &mut self,
        id: U256,
        whole: bool,
        engine: &Engine,
    ) -> Result<Value, RpcError> {
        let missing = || RpcError::server("filter not found");
        let id = u64::try_from(id).map_err(|_| missing())?;
        let watch = self.watches.get_mut(&id).ok_or_else(missing)?;
        let head = engine.head.number;
        let from = watch.next;
        match &watch.kind {
            Kind::Logs(filter) if whole => logs(engine, filter),
            _ if whole => Err(missing()),
            Kind::Logs(filter) => {
                let (least, most) = range(engine, filter)?;
                watch.next = head + 1;
                to_value(collect(engine, filter, from.max(least), most.min(head))?)
            }
            Kind::Blocks => {
                let mut hashes = Vec::new();
                for number in from..=head {
                    let block = engine.store.block(number)?;
                    hashes.extend(block.map(|block| block.hash));
                }
                watch.next = head + 1;
                to_value(hashes)
            }
            Kind::Pending => {
                let mut hashes = Vec::new();
                for number in engine.store.busy(from, head)? {
                    let block = engine.store.block(number)?;
                    hashes.extend(block.into_iter().flat_map(|b| b.body).map(|mined| mined.hash));
                }
                watch.next = head + 1;
                to_value(hashes)
            }
        }
    }
}

/// Answers `eth_getLogs`. Blocks without transactions are never looked at.
pub(crate) fn logs(engine: &Engine, filter: &Filter) -> Result<Value, RpcError> {
    if let FilterBlockOption::AtBlockHash(hash) = filter.block_option {
        let number =
            engine.store.number_of(hash)?.ok_or_else(|| RpcError::server("unknown block"))?;
        return to_value(collect(engine, filter, number, number)?);
    }
    let (from, to) = range(engine, filter)?;
    to_value(collect(engine, filter, from, to)?)
}

fn range(engine: &Engine, filter: &Filter) -> Result<(u64, u64), RpcError> {
    let FilterBlockOption::Range { from_block, to_block } = filter.block_option else {
        return Ok((0, u64::MAX));
    };
    let from = block_number(engine, from_block.unwrap_or_default());
    let to = block_number(engine, to_block.unwrap_or_default());
    if from > to && from_block.is_some() && to_block.is_some() {
        return Err(RpcError::params("invalid block range params: it ends before it begins"));
    }
    Ok((from, to))
}

fn collect(
    engine: &Engine,
    filter: &Filter,
    from: u64,
    to: u64,
) -> Result<Vec<alloy::rpc::types::Log>, RpcError> {
    let mut found = Vec::new();
    for number in engine.store.busy(from, to)? {
        let Some(block) = engine.store.block(number)? else { continue };
        if !filter.matches_bloom(block.header.logs_bloom) {
            continue;
        }
        found.extend(block.logs().filter(|log| filter.matches(&log.inner)));
        if found.len() > LOGS_MAX {
            let message =
                format!("query returns more than {LOGS_MAX} results; ask for fewer blocks");
            return Err(RpcError::server(message));
        }
    }
    Ok(found)
}
