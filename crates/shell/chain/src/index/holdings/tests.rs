//! What is held, folded event by event, beside amounts worked out by hand.

use super::*;
use crate::contracts::{registry::Registry, rewards::Rewards, rounds::Rounds};

fn wei(tokens: u64) -> U256 {
    U256::from(tokens) * U256::from(10).pow(U256::from(18))
}

fn joined(index: u32, tokens: u64) -> RegistryEvents {
    RegistryEvents::Joined(Registry::Joined {
        index,
        key: Address::with_last_byte(1),
        payee: Address::ZERO,
        peer: B256::ZERO,
        endpoint: String::new(),
        stake: wei(tokens),
    })
}

/// Runs one round that `node` aggregates; a claim by another fell before.
fn round(holdings: &mut Holdings, number: u64, node: u32, paid: &[(u32, u64)]) {
    let claim = U256::from(2 * number);
    let post = |claim, aggregator| {
        RoundsEvents::ResultPosted(Rounds::ResultPosted {
            round: number,
            claim,
            aggregator,
            inputsRoot: B256::ZERO,
            outputsRoot: B256::ZERO,
        })
    };
    holdings.round(RoundsEvents::Opened(Rounds::Opened {
        round: number,
        openBlock: number,
        modelRoot: B256::ZERO,
        salts: B256::ZERO,
    }));
    holdings.round(post(claim - U256::from(1), 2));
    holdings.round(post(claim, node));
    holdings.round(RoundsEvents::Settled(Rounds::Settled {
        round: number,
        claim,
        modelRoot: B256::ZERO,
        cumulativeRoot: B256::ZERO,
        nodes: vec![],
        accepted: vec![],
    }));
    for (node, tokens) in paid {
        holdings.reward(RewardsEvents::Paid(Rewards::Paid {
            node: *node,
            payee: Address::ZERO,
            amount: wei(*tokens),
            cumulative: U256::ZERO,
        }));
    }
}

#[test]
fn epochs_are_of_rounds_and_of_what_stood() {
    let mut holdings = Holdings::default();
    (0..3).for_each(|node| holdings.registry(joined(node, 100)));
    (1..=EPOCH_ROUNDS).for_each(|number| round(&mut holdings, number, 0, &[(1, 5)]));
    // The fourth node comes, the third leaves, and what it adds meanwhile counts for nothing.
    holdings.registry(joined(3, 700));
    holdings.registry(RegistryEvents::Leaving(Registry::Leaving { index: 2, unbondBlock: 9 }));
    holdings.registry(RegistryEvents::StakeAdded(Registry::StakeAdded {
        index: 2,
        amount: wei(800),
        stake: wei(900),
    }));
    round(&mut holdings, EPOCH_ROUNDS + 1, 3, &[(0, 8), (3, 8)]);

    let epochs = holdings.epochs();
    assert_eq!(epochs.len(), 2);
    assert_eq!((epochs[0].first, epochs[0].last), (1, EPOCH_ROUNDS));
    assert_eq!((epochs[1].first, epochs[1].last), (EPOCH_ROUNDS + 1, EPOCH_ROUNDS + 1));
    let first = epochs[0].stake.expect("three have stake");
    assert_eq!((first.nodes, first.gini, first.nakamoto_third), (3, 0.0, 2));
    // A claim that fell is nobody's round: node 0 has all of them, and the other two have none.
    let aggregated = epochs[0].aggregation.expect("rounds settled");
    assert_eq!((aggregated.nodes, aggregated.hhi), (3, 10_000.0));
    let second = epochs[1].stake.expect("three have stake");
    assert_eq!((second.nodes, second.nakamoto_half), (3, 1));
    let paid = epochs[1].pay.expect("two were paid");
    assert_eq!((paid.nodes, paid.hhi), (3, 5_000.0));

    let all = holdings.all().expect("rounds opened");
    assert_eq!((all.first, all.last), (1, EPOCH_ROUNDS + 1));
    assert_eq!(all.stake, epochs[1].stake);
    // 32 x 5 went to node 1 and 8 each to nodes 0 and 3.
    let paid = all.pay.expect("three were paid");
    assert_eq!((paid.nodes, paid.nakamoto_half), (3, 1));
    assert!((paid.hhi - 10_000.0 * (160.0_f64.powi(2) + 128.0) / 176.0_f64.powi(2)).abs() < 1e-6);
}

#[test]
fn before_the_first_round_there_is_nothing_to_measure() {
    let mut holdings = Holdings::default();
    holdings.registry(joined(0, 100));
    assert_eq!((holdings.all(), holdings.epochs()), (None, Vec::new()));
}
