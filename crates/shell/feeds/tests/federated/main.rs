//! The federated model on real days: better than the baselines, honest nodes kept, a liar not.

mod dry_run;
mod margins;

use std::io::Write;
use std::path::{Path, PathBuf};

use dry_run::{Federation, Poison};
use learn::{Kind, Model, Schedule};
use margins::{Published, judged, published};
use market::Plan;

/// Nodes, as `up` starts them.
const NODES: usize = 4;

fn wti() -> Plan {
    Plan::wti(&feeds::wti().expect("bundled")).expect("bundled")
}

fn federation(kind: Kind, plan: &Plan) -> Federation {
    Federation::new(kind, Schedule::STANDARD, &plan.slices[..NODES])
}

/// The plan of the real venues beside the checkout, or `None` with a line that says so.
fn crypto() -> Option<Plan> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data");
    let folders: Vec<PathBuf> = ["binance", "bybit"].iter().map(|v| shared.join(v)).collect();
    if let Some(absent) = folders.iter().find(|folder| !folder.is_dir()) {
        let line = format!("skipped: {} is not here", absent.display());
        writeln!(std::io::stderr(), "{line}").expect("stderr is open");
        return None;
    }
    Some(Plan::new(&feeds::open(&folders).expect("checked data")).expect("three years"))
}

#[test]
fn both_models_beat_the_baselines_on_the_bundled_series() {
    let plan = wti();
    assert_eq!(plan.evaluations[0].days.len(), 1_003);
    for kind in [Kind::Har, Kind::Mlp] {
        let federation = federation(kind, &plan);
        let settled = federation.run(10, 1, None);
        for rounds in [3, 10] {
            let report = federation.report(&settled[rounds - 1].params, &plan.evaluations[0]);
            assert!(report.model < report.ewma && report.model < report.walk, "{kind}: {report:?}");
        }
    }
}

#[test]
fn the_federated_model_beats_the_baselines_on_real_venues() {
    let Some(plan) = crypto() else { return };
    let names: Vec<&str> = plan.slices[..NODES].iter().map(|s| s.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "BTCUSDT_perp at binance",
            "BTCUSDT_perp at bybit",
            "ETHUSDT_perp at binance",
            "ETHUSDT_perp at bybit"
        ]
    );
    let federation = federation(Kind::Har, &plan);
    let settled = federation.run(20, 1, None);
    for evaluation in &plan.evaluations {
        assert_eq!(evaluation.days[0].date.to_string(), "2024-07-01");
        assert_eq!(evaluation.days.len(), 549);
        let report = federation.report(&settled[19].params, evaluation);
        assert!(report.model < report.ewma && report.model < report.walk, "{report:?}");
        assert!(report.t_ewma < -2.0 && report.t_walk < -2.0, "{report:?}");
    }
    for round in &settled {
        assert_eq!(round.accepted, [1; NODES], "{:?}", round.distance);
    }
}

/// Of each market the days after the split on which the upper bound of the formula before, the
/// quantile, the shortfall and the margin were exceeded.
fn exceeded(plan: &Plan) -> Vec<[usize; 4]> {
    let federation = federation(Kind::Har, plan);
    let settled = federation.run(30, 0, None);
    let last = settled.last().expect("thirty rounds");
    let beyond = |evaluation: &market::Evaluation| {
        let [before, after] = published(&federation, last, evaluation);
        for days in [&before, &after] {
            let held =
                |one: &&Published| (one.volatility[1]..=one.volatility[2]).contains(&one.realised);
            let (held, all) = (days.iter().filter(held).count(), days.len());
            assert!(100 * held > 85 * all && 100 * held < 95 * all, "{held} of {all}");
            let (ours, plain) = (judged(days, |d| d.margin[2]), judged(days, |d| d.margin[0]));
            assert!(ours.mean < 1.1 * plain.mean && ours.peak < 4.0, "{ours:?} {plain:?}");
        }
        [
            judged(&after, |one| one.before[2]).beyond,
            judged(&after, |one| one.margin[1]).beyond,
            judged(&after, |one| one.margin[0]).beyond,
            judged(&after, |one| one.margin[2]).beyond,
        ]
    };
    plan.evaluations.iter().map(beyond).collect()
}

#[test]
fn margins_of_the_bundled_series_are_exceeded_as_often_as_the_page_says() {
    assert_eq!(exceeded(&wti()), [[3, 7, 0, 0]]);
}

#[test]
fn margins_of_real_venues_are_exceeded_as_often_as_the_page_says() {
    let Some(plan) = crypto() else { return };
    let said = [[1, 3, 0, 0], [1, 3, 0, 0], [6, 7, 2, 1], [5, 8, 1, 1], [3, 5, 2, 2]];
    assert_eq!(exceeded(&plan), said);
}

#[test]
fn fifty_seeds_without_a_liar_reject_nobody() {
    let plan = wti();
    let federation = federation(Kind::Har, &plan);
    for seed in 0..50 {
        for round in federation.run(4, seed, None) {
            assert_eq!(round.accepted, [1; NODES], "seed {seed}: {:?}", round.distance);
        }
    }
}

#[test]
fn a_flipped_and_amplified_update_is_rejected_and_the_model_still_learns() {
    let plan = wti();
    let federation = federation(Kind::Har, &plan);
    for node in 0..NODES {
        let settled = federation.run(10, 5, Some(Poison { node, factor: -10 }));
        for round in &settled {
            let expected: Vec<i32> = (0..NODES).map(|n| i32::from(n != node)).collect();
            assert_eq!(round.accepted, expected, "{:?}", round.distance);
        }
        let start = Model::new(Kind::Har, &market::FEATURES).initial();
        let before = federation.report(&start, &plan.evaluations[0]);
        let after = federation.report(&settled[9].params, &plan.evaluations[0]);
        assert!(after.model < before.model, "liar {node}: {before:?} {after:?}");
    }
}

#[test]
fn one_seed_gives_one_model() {
    let plan = wti();
    let federation = federation(Kind::Mlp, &plan);
    let last = |seed| federation.run(2, seed, None)[1].params.root();
    assert_eq!(last(3), last(3));
    assert_ne!(last(3), last(4));
}
