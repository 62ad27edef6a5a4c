//! Oracle, accounts, blocks and transactions.

use alloy::primitives::{Address, I256, U256, utils::Unit};
use chain::{abi, index::History};
use explorer::view::{self, Wad};

use super::super::settings::PUBLISHER;
use super::{KEPT, Known, seconds, to_address, to_hash, training, wad};

/// Kinds of reports and of applied values.
const PRICE: u8 = 0;
const MARGIN: u8 = 1;

/// Margin reports with the price of the same bundle and what the gate let through.
pub(super) fn oracle(history: &History, known: &Known) -> view::Oracle {
    let gates = known.keys.get(PUBLISHER).copied().unwrap_or_default();
    let ours = || {
        let of = |report: &&chain::index::Report| {
            (report.market, report.provider) == (known.market_id, gates)
        };
        history.reports.iter().filter(of)
    };
    let gate = history.gates.get(&known.market_id);
    let report = |report: &chain::index::Report| {
        let price = ours().rev().find(|other| other.kind == PRICE && other.at.tx == report.at.tx);
        let applied = gate.and_then(|gate| {
            let same =
                |one: &&chain::index::Applied| one.kind == MARGIN && one.nonce == report.nonce;
            gate.applied.iter().find(same)
        });
        // The genesis report is of no round; the first round's is one day later, and so on.
        let before = ours().filter(|other| other.kind == MARGIN && other.nonce < report.nonce);
        let round = before.count() as u64;
        let claim = report.claim.and_then(|claim| history.claims.get(&claim));
        let ground = report.claim.and_then(|claim| history.grounds.get(&claim));
        view::Report {
            block: report.at.block,
            tx: Some(to_hash(report.at.tx)),
            round: (round > 0).then_some(round),
            market_time: seconds(report.market_time),
            value: wad(report.value),
            lower: wad(report.lower),
            upper: wad(report.upper),
            price: price.map_or(Wad::ZERO, |price| wad(price.value)),
            applied: applied.map(|applied| wad(applied.applied)),
            provider: to_address(report.provider),
            claim: claim.map(|claim| claim.id),
            state: claim.map(|claim| training::claim_state(claim.state)),
            program: claim.map_or(view::Hash([0; 32]), |claim| to_hash(claim.program)),
            model: ground.map_or(view::Hash([0; 32]), |ground| to_hash(ground.model_root)),
        }
    };
    view::Oracle {
        quantity: "expected shortfall of the day's loss".to_owned(),
        price_unit: "USD".to_owned(),
        interval: "99.5 % quantile (lower) and the initial margin it asks for (upper)".to_owned(),
        reports: ours().filter(|one| one.kind == MARGIN).map(report).collect(),
        panel: None,
    }
}

/// Every account of the clearing house.
pub(super) fn accounts(history: &History, known: &Known) -> Vec<view::Account> {
    let mark = history.gates.get(&known.market_id).map(|gate| gate.price);
    let account = |(address, account): (&Address, &chain::index::Account)| {
        let last = account.points.last();
        view::Account {
            name: known.party(history, *address).label,
            address: to_address(*address),
            unit: "USD (play money)".to_owned(),
            collateral: signed(collateral(account)),
            instrument: format!("{} future", known.market),
            position: signed(account.position),
            size_unit: "units".to_owned(),
            entry_price: account.entry_price.map(wad),
            mark: mark.filter(|mark| !mark.is_zero()).map(wad),
            equity: last.map_or(Wad::ZERO, |point| signed(point.equity)),
            initial: last.map_or(Wad::ZERO, |point| wad(point.initial)),
            maintenance: last.map_or(Wad::ZERO, |point| wad(point.maintenance)),
            history: account
                .points
                .iter()
                .map(|point| view::AccountPoint {
                    block: point.block,
                    market_time: seconds(point.time),
                    equity: signed(point.equity),
                    initial: wad(point.initial),
                    maintenance: wad(point.maintenance),
                })
                .collect(),
        }
    };
    let mut accounts: Vec<view::Account> = history.accounts.iter().map(account).collect();
    accounts.sort_by_key(|account| account.name != "short account");
    accounts
}

/// What was paid in and what closed trades brought: cash without the price of the open position.
fn collateral(account: &chain::index::Account) -> I256 {
    let Some(entry) = account.entry_price else { return account.cash };
    let one = I256::from_raw(Unit::ETHER.wei());
    let paid = account.position.wrapping_mul(I256::from_raw(entry)) / one;
    account.cash.wrapping_add(paid)
}

/// The last blocks, ascending.
pub(super) fn blocks(history: &History) -> Vec<view::Block> {
    let skipped = history.blocks.len().saturating_sub(KEPT);
    let block = |block: &chain::index::Block| view::Block {
        number: block.number,
        hash: to_hash(block.hash),
        parent: to_hash(block.parent),
        time: seconds(block.time),
        gas_used: block.gas_used,
        gas_limit: block.gas_limit,
        txs: block.transactions.iter().copied().map(to_hash).collect(),
    };
    history.blocks.values().skip(skipped).map(block).collect()
}

/// The last transactions, decoded.
pub(super) fn txs(history: &History, known: &Known) -> Vec<view::Tx> {
    let skipped = history.transactions.len().saturating_sub(KEPT);
    history.transactions.iter().skip(skipped).map(|one| tx(history, known, one)).collect()
}

fn tx(history: &History, known: &Known, tx: &chain::index::Tx) -> view::Tx {
    let party = |address| known.party(history, address);
    let selector = || tx.selector.map(alloy::primitives::hex::encode_prefixed);
    let plain = || if tx.to.is_none() { "create" } else { "transfer" }.to_owned();
    let event = |event: &chain::index::Event| view::Event {
        by: party(event.by),
        name: event.named.as_ref().map_or_else(|| "unknown".to_owned(), |named| named.name.clone()),
        fields: event.named.as_ref().map_or_else(Vec::new, |named| fields(&named.fields)),
    };
    view::Tx {
        hash: to_hash(tx.hash),
        block: tx.block,
        index: u32::try_from(tx.index).unwrap_or(u32::MAX),
        from: party(tx.from),
        to: tx.to.map(party),
        created: tx.created.map(party),
        method: match &tx.call {
            Some(call) => call.name.clone(),
            None => selector().unwrap_or_else(plain),
        },
        args: tx.call.as_ref().map_or_else(Vec::new, |call| fields(&call.fields)),
        gas_used: tx.gas_used,
        gas_limit: tx.gas_limit,
        nonce: tx.nonce,
        status: if tx.success {
            view::TxStatus::Ok
        } else {
            view::TxStatus::Reverted("the contract refused".to_owned())
        },
        events: tx.events.iter().map(event).collect(),
    }
}

fn fields(fields: &[abi::Field]) -> Vec<view::Field> {
    let field = |field: &abi::Field| view::Field {
        name: field.name.clone(),
        kind: field.kind.clone(),
        value: field.value.clone(),
    };
    fields.iter().map(field).collect()
}

/// A signed amount; beyond 2^127 it is held at the end of the range.
pub(super) fn signed(amount: I256) -> Wad {
    match i128::try_from(amount) {
        Ok(amount) => Wad(amount),
        Err(_) if amount.is_negative() => Wad(i128::MIN),
        Err(_) => Wad::from_wei(u128::try_from(U256::MAX >> 129).unwrap_or(u128::MAX)),
    }
}
