//! Every rule against every attack on a small task: robust rules learn it, the mean does not.
//!
//! Seeds are fixed and fights are exact, so what holds here holds on every machine.

use attacks::attack::{ATTACKS, Attack};
use attacks::data::{Data, Split, clouds};
use attacks::fight::{Fight, Outcome, order, quantised};
use attacks::ours::Ours;
use attacks::recipes::{RECIPES, recipe};
use round::robust::program;

const NODES: usize = 11;
const WIDTH: usize = 13;
const ROUNDS: usize = 40;

fn small() -> Data {
    clouds(WIDTH, 1_100, 200)
}

/// As many liars as a rule stands here: three, or two where buckets leave six rows.
fn liars(rule: usize) -> usize {
    let stands = |liars: &usize| program(&recipe(RECIPES[rule], *liars), NODES, 1).is_ok();
    (0..=3).rev().find(stands).expect("every rule stands nobody")
}

fn fight(data: &Data, rule: usize, attack: Attack) -> Outcome {
    let liars = liars(rule);
    let fight = Fight { attack, split: Split::Iid, nodes: NODES, liars, rounds: ROUNDS, seed: 7 };
    let recipe = recipe(RECIPES[rule], liars);
    let mut rule = Ours::new(&recipe, (NODES, WIDTH * 10), 7).expect("the recipe fits");
    fight.run(data, &mut rule).expect("our rules answer")
}

#[test]
fn every_rule_stands_liars() {
    let all: Vec<usize> = (0..RECIPES.len()).map(liars).collect();
    let buckets = |(name, ..): &(&str, _, _)| name.starts_with("buckets");
    let expected: Vec<usize> = RECIPES.iter().map(|rule| 3 - usize::from(buckets(rule))).collect();
    assert_eq!(all, expected);
}

#[test]
fn robust_rules_learn_under_every_attack() {
    let data = small();
    let mut failed = Vec::new();
    for (place, (rule, ..)) in RECIPES.iter().enumerate().skip(1) {
        for (name, attack) in ATTACKS {
            let outcome = fight(&data, place, attack);
            // A radius that is fixed is too wide where the search hides within it; what six rows
            // keep of that is little, and is held here so that it does not become less.
            let weak = (*rule, attack) == ("buckets, centred clipping", Attack::Search);
            if outcome.last < if weak { 0.5 } else { 0.8 } {
                failed.push(format!("{rule}, {name}: {}", outcome.last));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn the_mean_does_not_stand_what_it_should_not() {
    let data = small();
    assert!(fight(&data, 0, Attack::Nothing).last > 0.9, "it learns among the honest");
    let outcome = fight(&data, 0, Attack::Search);
    assert!(outcome.last < 0.5, "{outcome:?}");
}

#[test]
fn a_fight_is_decided_by_its_seed() {
    let data = small();
    for rule in [5, 9, 13] {
        let once = fight(&data, rule, Attack::Search);
        assert_eq!(once, fight(&data, rule, Attack::Search));
    }
}

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
