//! Each transition, each refusal, and conservation of bonds over arbitrary calls.

use proptest::prelude::*;
use tensor::Hash;

use super::{Address, Court, Event, Input, Refusal, State, Terms};

const CONSUMER: Address = Address([1; 20]);
const ASSERTER: Address = Address([2; 20]);
const CHALLENGER: Address = Address([3; 20]);
const BOND_WEI: u128 = 100;

fn root(byte: u8) -> Hash {
    Hash([byte; 32])
}

fn post(outputs: u8) -> Input {
    let (program, inputs_root, outputs_root) = (root(1), root(2), root(outputs));
    Input::Post { program, inputs_root, outputs_root, asserter: ASSERTER }
}

/// A court in which claim 1 was posted in block 10 with a window of 5 blocks.
fn posted() -> Court {
    let mut court = Court::new(Terms { bond_wei: BOND_WEI, window_blocks: 5 });
    court.handle(10, CONSUMER, post(7)).expect("posting needs nothing");
    court
}

#[test]
fn a_claim_nobody_challenges_becomes_final() {
    let mut court = posted();
    let open = Input::Finalise { id: 1 };
    let refusal = court.handle(15, CHALLENGER, open);
    assert_eq!(refusal, Err(Refusal::WindowOpen { id: 1, deadline: 15 }));
    let events = court.handle(16, CHALLENGER, open).expect("the window has passed");
    let returned = Event::BondReturned { to: ASSERTER, amount_wei: BOND_WEI };
    assert_eq!(events, [returned, Event::Finalised { id: 1 }]);
    assert_eq!(court.held_wei(), 0);
    let again = court.handle(17, CHALLENGER, open);
    assert_eq!(again, Err(Refusal::NotOpen { id: 1, state: State::Final }));
}

#[test]
fn a_challenge_in_the_last_block_freezes_and_release_returns_both_bonds() {
    let mut court = posted();
    let challenge = Input::Challenge { id: 1, outputs_root: root(8) };
    court.handle(15, CHALLENGER, challenge).expect("the deadline is inclusive");
    assert_eq!(court.held_wei(), 2 * BOND_WEI);
    let refusal = court.handle(20, ASSERTER, Input::Finalise { id: 1 });
    assert_eq!(refusal, Err(Refusal::NotOpen { id: 1, state: State::Frozen }));
    let release = Input::Release { id: 1 };
    assert_eq!(court.handle(20, ASSERTER, release), Err(Refusal::OnlyConsumer));
    let events = court.handle(20, CONSUMER, release).expect("its consumer may");
    assert_eq!(
        events,
        [
            Event::BondReturned { to: ASSERTER, amount_wei: BOND_WEI },
            Event::BondReturned { to: CHALLENGER, amount_wei: BOND_WEI },
            Event::Released { id: 1 },
        ]
    );
    assert_eq!(court.held_wei(), 0);
    let again = court.handle(21, CONSUMER, release);
    assert_eq!(again, Err(Refusal::NotOpen { id: 1, state: State::Released }));
}

#[test]
fn challenges_that_are_none_are_refused() {
    let mut court = posted();
    let challenge = |id, outputs| Input::Challenge { id, outputs_root: root(outputs) };
    let cases = [
        (11, CHALLENGER, challenge(0, 8), Refusal::UnknownClaim { id: 0 }),
        (11, CHALLENGER, challenge(2, 8), Refusal::UnknownClaim { id: 2 }),
        (11, CHALLENGER, challenge(1, 7), Refusal::SameOutputs { id: 1 }),
        (11, ASSERTER, challenge(1, 8), Refusal::OwnClaim { id: 1 }),
        (16, CHALLENGER, challenge(1, 8), Refusal::WindowClosed { id: 1, deadline: 15 }),
    ];
    for (now, caller, input, expected) in cases {
        let before = court.clone();
        assert_eq!(court.handle(now, caller, input), Err(expected));
        assert_eq!(court, before, "a refusal changes nothing");
    }
    let release = court.handle(11, CONSUMER, Input::Release { id: 1 });
    assert_eq!(release, Err(Refusal::NotOpen { id: 1, state: State::Open }));
}

proptest! {
    #[test]
    fn bonds_are_conserved(
        calls in prop::collection::vec((0_u8..4, 0_u64..6, 0_u8..3, 0_u64..4), 0..80),
    ) {
        let mut court = Court::new(Terms { bond_wei: BOND_WEI, window_blocks: 3 });
        let (mut now, mut taken) = (0, 0_u128);
        for (kind, id, who, blocks) in calls {
            now += blocks;
            let input = match kind {
                0 => post(who),
                1 => Input::Challenge { id, outputs_root: root(who) },
                2 => Input::Finalise { id },
                _ => Input::Release { id },
            };
            let caller = [CONSUMER, ASSERTER, CHALLENGER][usize::from(who)];
            for event in court.handle(now, caller, input).unwrap_or_default() {
                match event {
                    Event::BondTaken { amount_wei, .. } => taken += amount_wei,
                    Event::BondReturned { amount_wei, .. } => taken -= amount_wei,
                    _ => {}
                }
            }
            prop_assert_eq!(court.held_wei(), taken);
        }
    }
}
