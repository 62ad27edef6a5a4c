//! What fights rest on: every example is dealt once, rows round as they should, orders are orders.

use attacks::data::Split;
use attacks::fight::{order, quantised};

#[test]
fn every_example_is_dealt_once() {
    let labels: Vec<usize> = (0..500).map(|at| at % 10).collect();
    for split in [Split::Iid, Split::Dirichlet, Split::OneLabel] {
        for seed in 0..20 {
            let hands = split.deal(&labels, 25, &mut laws::dice::Dice::new(seed));
            assert!(hands.iter().all(|hand| !hand.is_empty()), "{split:?}");
            let mut all = hands.concat();
            all.sort_unstable();
            assert!(all.iter().copied().eq(0..labels.len()), "{split:?}");
            let label = |node: usize| move |example: &usize| labels_of(*example) == node % 10;
            let one = (0..25).all(|node| hands[node].iter().all(label(node)));
            assert_eq!(one, split == Split::OneLabel);
        }
    }
}

fn labels_of(example: usize) -> usize {
    example % 10
}

#[test]
fn quanta_round_to_nearest_and_stop_at_sixteen() {
    assert_eq!(
        quantised(&[1.0, -0.5, 1e-9, 1e9, -1e9]),
        [1 << 20, -(1 << 19), 0, 1 << 24, -(1 << 24)]
    );
}

#[test]
fn an_order_has_every_row_once() {
    let mut order = order(25, 3, 4);
    order.sort_unstable();
    assert!(order.into_iter().eq(0..25));
}
