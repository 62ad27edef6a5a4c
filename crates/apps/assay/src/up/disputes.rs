//! The disputes of a run, as lines and as JSON: who claimed what, who said no, the scalar step that
//! decided it.
//!
//! Everything is read from the chain's events but the name of an op, which is its code's.

use alloy::primitives::{Address, U256};
use chain::index::{Dispute, History};
use tensor::Op;

use super::summary;
use crate::money;

/// Returns the disputes that have ended, oldest first.
pub(crate) fn ended(history: &History) -> Vec<summary::Dispute> {
    let ended = |it: &&Dispute| it.decided.is_some() || it.closed.is_some();
    history.disputes.values().filter(ended).map(|it| told(history, it)).collect()
}

fn told(history: &History, it: &Dispute) -> summary::Dispute {
    let claim = history.claims.get(&it.claim);
    let index =
        |key: Address| history.nodes.values().find(|node| node.key == key).map(|node| node.index);
    let asserter = claim.and_then(|claim| index(claim.asserter));
    let challenger = index(it.challenger);
    let lost = it.decided.as_ref().map(|decided| decided.asserter_lost);
    let judged = it.judged.as_ref();
    let compared = it.compared.as_ref();
    let code = judged.map(|it| it.code).or(compared.map(|it| it.code));
    let bond = claim.map_or(U256::ZERO, |claim| claim.bond);
    let burnt = it.decided.as_ref().map_or(U256::ZERO, |decided| decided.burnt);
    summary::Dispute {
        id: it.id,
        claim: it.claim,
        contract: claim
            .and_then(|claim| history.deployment.name_of(claim.consumer))
            .unwrap_or_default()
            .to_owned(),
        round: history
            .rounds
            .values()
            .find(|round| round.results.iter().any(|(claim, ..)| *claim == it.claim))
            .map(|round| round.number),
        report: history
            .reports
            .iter()
            .find(|report| report.claim == Some(it.claim))
            .map(|report| day(report.market_time)),
        asserter,
        challenger,
        convicted: lost.and_then(|asserter_lost| if asserter_lost { asserter } else { challenger }),
        ended: match &it.decided {
            None => "closed",
            Some(decided) if decided.by_clock => "clock",
            Some(_) if compared.is_some() => "input",
            Some(_) => "step",
        }
        .to_owned(),
        moves: moves(it),
        gas: gas(history, it),
        op: judged.map(|it| it.op).or(compared.map(|it| it.op)),
        op_name: code.and_then(Op::name_of).map(str::to_owned),
        element: judged.map(|it| it.element),
        step: judged.map(|it| it.step),
        asserted: judged
            .map(|it| value(it.dtype, it.asserted))
            .or(compared.map(|it| it.asserted.to_string())),
        correct: judged
            .map(|it| value(it.dtype, it.correct))
            .or(compared.map(|it| it.correct.to_string())),
        bond_lost: money::plain(if lost.is_some() { bond } else { U256::ZERO }),
        burnt: money::plain(burnt),
    }
}

/// The move that decides a dispute leaves no record, so it is counted beside those that do.
fn moves(it: &Dispute) -> usize {
    let deciding = it.decided.as_ref().is_some_and(|decided| !decided.by_clock);
    it.moves.len() + usize::from(deciding)
}

fn gas(history: &History, it: &Dispute) -> u64 {
    let made = it.moves.iter().map(|made| made.at.tx);
    let deciding = it.decided.as_ref().map(|decided| decided.at.tx);
    let hashes: Vec<_> = made.chain(deciding).collect();
    let of = history.transactions.iter().filter(|tx| hashes.contains(&tx.hash));
    of.map(|tx| tx.gas_used).sum()
}

/// Bits as a number of their dtype: 0 f32, 1 f64, else i32.
fn value(dtype: u8, bits: u64) -> String {
    let low = u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0);
    match dtype {
        0 => f32::from_bits(low).to_string(),
        1 => f64::from_bits(bits).to_string(),
        _ => i32::from_le_bytes(low.to_le_bytes()).to_string(),
    }
}

/// A market day as people write it.
fn day(time: u64) -> String {
    let days = i32::try_from(time / 86_400).unwrap_or(i32::MAX);
    market::Date::from_number(days).to_string()
}

/// Returns the line that a person reads.
pub(crate) fn line(it: &summary::Dispute) -> String {
    let node = |index: Option<u32>| index.map_or("somebody".to_owned(), |i| format!("node {i}"));
    let about = match (it.round, &it.report) {
        (Some(round), _) => format!("a result of round {round}"),
        (None, Some(day)) => format!("the report of {day}"),
        (None, None) if it.contract == "ScenarioBook" => "a grid".to_owned(),
        (None, None) if it.contract == "Scores" => "a score".to_owned(),
        (None, None) if it.contract == "PanelGate" => "a step of margin".to_owned(),
        (None, None) => format!("claim {}", it.claim),
    };
    let head = format!(
        "dispute {} {} claimed {about}, {} said no",
        it.id,
        node(it.asserter),
        node(it.challenger)
    );
    if it.convicted.is_none() {
        return format!("{head} · closed, the claim had fallen: bond back");
    }
    let why = match (&it.op_name, &it.asserted, &it.correct) {
        _ if it.ended == "clock" => "its clock ran out".to_owned(),
        (Some(op), Some(asserted), Some(correct)) => {
            let element = it.element.map_or(String::new(), |at| format!(" element {at}"));
            let step = it.step.map_or(String::new(), |step| format!(" step {step}"));
            let op_index = it.op.unwrap_or_default();
            format!("op {op_index} {op}{element}{step}: asserted {asserted}, correct {correct}")
        }
        _ => String::new(),
    };
    format!(
        "{head}\n          {} convicted after {} moves, {} gas: {why} · bond of {} lost, {} burnt",
        node(it.convicted),
        it.moves,
        it.gas,
        it.bond_lost,
        it.burnt
    )
}
