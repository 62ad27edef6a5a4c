//! The books of a fetch, moved by hand.

use proptest::prelude::*;

use super::*;

fn plan(pieces: usize, providers: usize) -> Plan {
    Plan::new(&[vec![false; pieces]], providers)
}

fn after(now: Instant, seconds: u64) -> Instant {
    now + Duration::from_secs(seconds)
}

#[test]
fn what_fewest_have_is_asked_for_first() {
    let now = Instant::now();
    let mut plan = plan(3, 2);
    assert_eq!(plan.next(0, now, 0), Step::Look(0));
    assert_eq!(plan.next(1, now, 0), Step::Look(0));
    plan.learn(0, 0, &[true, true, true]);
    plan.learn(1, 0, &[true, false, true]);
    assert_eq!(plan.next(0, now, 0), Step::Ask(1));
    assert_eq!(plan.next(0, now, 2), Step::Ask(2));
    assert_eq!(plan.next(1, now, 2), Step::Ask(0));
    assert!(matches!(plan.next(1, now, 0), Step::Wait(_)));
    for (provider, piece) in [(0, 1), (0, 2), (1, 0)] {
        assert!(plan.landed(provider, piece));
    }
    assert_eq!(plan.next(0, now, 0), Step::Done);
}

#[test]
fn what_is_slow_is_asked_of_others_ever_later_and_lands_once() {
    let now = Instant::now();
    let mut plan = plan(1, 3);
    for provider in 0..3 {
        assert_eq!(plan.next(provider, now, 0), Step::Look(0));
        plan.learn(provider, 0, &[true]);
    }
    assert_eq!(plan.next(0, now, 0), Step::Ask(0));
    assert!(matches!(plan.next(1, now, 0), Step::Wait(_)));
    assert_eq!(plan.next(1, after(now, 6), 0), Step::Ask(0));
    assert!(matches!(plan.next(2, after(now, 15), 0), Step::Wait(_)));
    assert_eq!(plan.next(2, after(now, 16), 0), Step::Ask(0));
    assert!(plan.landed(1, 0));
    assert!(!plan.landed(0, 0), "it was here already");
    assert_eq!(plan.left(), 0);
}

#[test]
fn the_lost_rest_and_the_liars_leave() {
    let now = Instant::now();
    let mut plan = plan(2, 2);
    for provider in 0..2 {
        plan.next(provider, now, 0);
        plan.learn(provider, 0, &[true, true]);
    }
    assert_eq!(plan.next(0, now, 0), Step::Ask(0));
    plan.lost(0, Some(0), now);
    assert!(matches!(plan.next(0, now, 0), Step::Wait(_)));
    assert_eq!(plan.next(1, now, 0), Step::Ask(0), "what was lost is free again");
    assert_eq!(plan.next(0, after(now, 1), 0), Step::Ask(1));
    plan.blame(1, Some(0));
    assert_eq!(plan.next(1, after(now, 1), 0), Step::Leave);
    assert_eq!(plan.next(0, after(now, 1), 0), Step::Ask(0));
}

#[test]
fn who_has_nothing_is_looked_at_again() {
    let now = Instant::now();
    let mut plan = Plan::new(&[vec![false], vec![true, true], vec![false]], 1);
    assert_eq!((plan.locate(0), plan.locate(2), plan.locate(3)), ((0, 0), (1, 1), (2, 0)));
    assert_eq!(plan.next(0, now, 0), Step::Look(0));
    assert_eq!(plan.next(0, now, 0), Step::Look(2), "nothing is wanted of the second");
    plan.lacks(0, 0);
    plan.learn(0, 2, &[true]);
    assert_eq!(plan.next(0, now, 0), Step::Ask(3));
    assert!(matches!(plan.next(0, now, 0), Step::Wait(_)));
    assert_eq!(plan.next(0, after(now, 1), 0), Step::Look(0));
    plan.learn(0, 0, &[true]);
    plan.absent(0, 3);
    assert_eq!(plan.next(0, after(now, 1), 0), Step::Ask(0));
}

proptest! {
    /// However answers, losses and lies fall, one honest provider is enough, and every piece lands.
    #[test]
    fn one_honest_provider_is_enough(seed: u64, pieces in 1usize..40, liars in 0usize..4) {
        let mut plan = plan(pieces, liars + 1);
        let mut now = Instant::now();
        let mut state = seed;
        let mut dice = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
            (state >> 33) as usize % below
        };
        let mut landed = 0;
        for _ in 0..100_000 {
            now += Duration::from_millis(50);
            let who = dice(liars + 1);
            let roll = dice(1_000);
            match plan.next(who, now, roll) {
                Step::Done => break,
                Step::Leave => prop_assert!(who > 0),
                Step::Wait(_) => {}
                Step::Look(item) => plan.learn(who, item, &vec![true; pieces]),
                Step::Ask(piece) if who == 0 && roll.is_multiple_of(4) => {
                    plan.lost(who, Some(piece), now);
                }
                Step::Ask(piece) if who == 0 => landed += usize::from(plan.landed(who, piece)),
                // A liar sends rubbish, has nothing after all, or never answers.
                Step::Ask(piece) => match roll % 3 {
                    0 => plan.blame(who, Some(piece)),
                    1 => plan.absent(who, piece),
                    _ => {}
                },
            }
        }
        prop_assert_eq!(landed, pieces);
        prop_assert_eq!(plan.left(), 0);
    }
}
