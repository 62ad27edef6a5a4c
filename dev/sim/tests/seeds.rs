//! Two hundred seeds, each run twice, and a look at whether they meet what they are meant to; as
//! many small networks of every size.

use sim::sweep::sweep;
use sim::{Behaviour, Report, Setting, Size};

/// What CI runs: the size of network and run that docs/benchmarks.md names.
const SIZE: Size = Size { nodes: Some(25), rounds: Some(20), scores: None };

fn reports(seeds: std::ops::Range<u64>, size: Size) -> Vec<Report> {
    let (mut reports, mut failures) = (Vec::new(), Vec::new());
    sweep(seeds, size, &mut |result| match result {
        Ok(report) => reports.push(report),
        Err(failure) => failures.push(failure),
    });
    assert!(failures.is_empty(), "cargo xtask sim --seed N shows one again: {failures:#?}");
    reports
}

#[test]
fn two_hundred_seeds_keep_every_property() {
    let reports = reports(0..200, SIZE);
    let sum = |of: fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
    let (settled, voided, struck) = (sum(|r| r.settled), sum(|r| r.voided), sum(|r| r.struck));
    let (penalties, rejected) = (sum(|r| r.penalties), sum(|r| r.rejected));
    let (judged, timeouts) = (sum(|r| r.judged), sum(|r| r.timeouts));
    let (joined, withdrawn) = (sum(|r| r.joined), sum(|r| r.withdrawn));
    let (scored, false_scores) = (sum(|r| r.scored), sum(|r| r.scores_struck));
    let (unheld, burnt_gwei) = (sum(|r| r.unheld), sum(|r| r.scores_burnt_gwei));
    println!(
        "{settled} settled, {voided} voided, {struck} struck, {judged} judged, {timeouts} \
         timeouts, {penalties} penalties, {rejected} rejected, {joined} joined, {withdrawn} \
         withdrawn; {scored} scored, {false_scores} struck of them, {unheld} stakes unheld, \
         {burnt_gwei} gwei burnt by scores"
    );
    // A simulator that never meets a fault proves nothing.
    assert!(settled > 3000 && voided > 20 && penalties > 20 && rejected > 50);
    assert!(struck > 20 && judged > 20 && timeouts > 8 && joined > 20 && withdrawn > 20);
    assert!(scored > 500 && false_scores > 10 && unheld > 0 && burnt_gwei > 0);
}

#[test]
fn networks_of_any_size_keep_every_property() {
    let reports = reports(0..200, Size::default());
    assert!(reports.iter().any(|r| r.nodes == 4) && reports.iter().any(|r| r.nodes == 25));
}

#[test]
fn every_behaviour_is_drawn() {
    let drawn: Vec<Behaviour> =
        (0..200).flat_map(|seed| Setting::draw(seed, SIZE).options.behaviours).collect();
    for lie in Behaviour::LIES.into_iter().chain(Behaviour::SCORE_LIES) {
        assert!(drawn.iter().filter(|behaviour| **behaviour == lie).count() > 5, "{lie:?}");
    }
}
