//! Two hundred seeds, each run twice, and a look at whether they meet what they are meant to.

use sim::{Behaviour, Report, World};

#[test]
fn two_hundred_seeds_keep_every_property() {
    let half = |seeds: std::ops::Range<u64>| -> Vec<Report> {
        seeds.map(|seed| sim::check(seed).unwrap_or_else(|failure| panic!("{failure}"))).collect()
    };
    let reports = std::thread::scope(|scope| {
        let other = scope.spawn(|| half(100..200));
        let mut reports = half(0..100);
        reports.extend(other.join().expect("its failure is printed above"));
        reports
    });
    let sum = |of: fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
    let (settled, voided, struck) = (sum(|r| r.settled), sum(|r| r.voided), sum(|r| r.struck));
    let (penalties, rejected) = (sum(|r| r.penalties), sum(|r| r.rejected));
    let (judged, timeouts) = (sum(|r| r.judged), sum(|r| r.timeouts));
    println!(
        "{settled} settled, {voided} voided, {struck} struck, {judged} judged, \
         {timeouts} timeouts, {penalties} penalties, {rejected} rejected"
    );
    // A simulator that never meets a fault proves nothing.
    assert!(settled > 400 && voided > 20 && penalties > 20 && rejected > 50);
    assert!(struck > 20 && judged > 20 && timeouts > 8);
}

#[test]
fn every_behaviour_is_drawn() {
    use Behaviour::{
        BadSigner, Bluff, FalseAlarm, Forge, NoReveal, Poison, SilentAggregator, Spam, Withhold,
        WrongResult,
    };
    let drawn: Vec<Behaviour> =
        (0..200).flat_map(|seed| World::new(seed).options.behaviours).collect();
    let withheld = [NoReveal, SilentAggregator, Withhold];
    let wrong = [WrongResult, Bluff, FalseAlarm];
    for lie in [&[Poison, BadSigner, Forge, Spam][..], &wrong, &withheld].concat() {
        assert!(drawn.iter().filter(|behaviour| **behaviour == lie).count() > 5, "{lie:?}");
    }
}
