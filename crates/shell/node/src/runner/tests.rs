//! When a round may open, and which records outlive one.

use alloy::primitives::U256;
use round::{Round, View};

use super::*;

const DAY: u64 = 86_400;

/// A look at a chain where the round of this number has ended, settled or void.
fn look(number: u64, settled: bool, time: u64) -> Look {
    let hash = Hash([0; 32]);
    let claim = court::Claim {
        program: hash,
        inputs_root: hash,
        outputs_root: hash,
        asserter: round::Address([1; 20]),
        consumer: round::Address([2; 20]),
        bond_wei: 1,
        deadline: 1,
        iterations: 1,
        depth: 0,
        disputes: 0,
        state: court::State::Final,
        parents: Vec::new(),
        convictor: None,
        fell_block: 0,
        drawn_wei: 0,
        owed_wei: 0,
        reserve_wei: 0,
    };
    let view = View {
        round: Round { number, phase: Phase::Idle, ..Round::default() },
        train_seed: None,
        claim: settled.then_some(claim),
        challenged: false,
        aggregator: None,
        own: Some(0),
        actives: vec![0],
        openable: false,
        rewards_root: Hash::ZERO,
        due_gwei: 0,
    };
    Look { block: 9, time, view, paid: U256::ZERO }
}

#[test]
fn a_round_waits_for_the_report_and_for_its_day() {
    let days = (Some(3 * DAY), Some(4 * DAY));
    let settled = look(3, true, 4 * DAY);
    assert!(!may_open(&settled, days, 2 * DAY, true), "the report is not there");
    assert!(may_open(&settled, days, 3 * DAY, true));
    let early = look(3, true, 4 * DAY - 1);
    assert!(!may_open(&early, days, 3 * DAY, true), "the day has not come");
    assert!(may_open(&early, days, 3 * DAY, false), "the clock is not the market's");
    assert!(!may_open(&settled, (Some(3 * DAY), None), 3 * DAY, true), "the data has ended");
}

#[test]
fn nothing_is_reported_of_a_void_round_and_the_genesis_report_is_awaited() {
    let days = (Some(3 * DAY), Some(4 * DAY));
    assert!(may_open(&look(3, false, 4 * DAY), days, 2 * DAY, true));
    let days = (Some(DAY), Some(2 * DAY));
    assert!(!may_open(&look(0, false, 2 * DAY), days, 0, true));
    assert!(may_open(&look(0, false, 2 * DAY), days, DAY, true));
}

#[test]
fn a_round_does_not_open_while_one_runs() {
    let mut look = look(3, true, 4 * DAY);
    look.view.round.phase = Phase::Reveal;
    assert!(!may_open(&look, (Some(3 * DAY), Some(4 * DAY)), 3 * DAY, true));
}

#[test]
fn the_records_of_the_last_round_and_the_running_one_matter() {
    let committed = |round| {
        let hash = Hash([3; 32]);
        Record::Committed { round, update_root: hash, blob: hash, salt: hash }.encode()
    };
    assert!(!matters(&committed(4), 5));
    assert!(matters(&committed(5), 5) && matters(&committed(6), 5));
    assert!(matters(&Record::Finished { round: 5 }.encode(), 5));
    assert!(!matters(b"no record", 5));
}
