//! The cost of an attack on small networks, and what it must never be.

use super::*;

fn request(seats: usize, rounds: usize, repeats: usize) -> AttackRequest {
    AttackRequest {
        data: Vec::new(),
        seats,
        rounds,
        repeats,
        seed: 7,
        target: 0.05,
        open_interest: 1e7,
        prices: Prices {
            seat_tokens: 1_000.0,
            token_usd: 1.0,
            round_tokens: 100.0,
            bond_tokens: 50.0,
            yearly: 0.1,
            report_hours: 24.0,
            window_hours: 1.0,
            unbond_hours: 168.0,
            liquidation_share: 0.01,
        },
        command: String::new(),
    }
}

fn network(seats: usize) -> Network {
    let plan = Plan::wti(&feeds::wti().expect("the bundled series")).expect("a plan");
    Network::new(&plan, seats).expect("a network")
}

#[test]
fn without_a_lie_nothing_moves_by_a_bit() {
    let network = network(4);
    let base = Base::run(&network, &request(4, 2, 1), 0).expect("honest rounds");
    for way in [Way::Down, Way::Up] {
        let days = base.attacked(&network, &[0], way).expect("honest rounds");
        let bits = |days: &[Day]| days.iter().map(|day| day.upper.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&days), bits(&base.days));
    }
}

#[test]
fn in_one_round_more_seats_never_do_less() {
    let network = network(6);
    let base = Base::run(&network, &request(6, 1, 1), 0).expect("honest rounds");
    let counts = liars(6);
    assert_eq!(counts, [1, 2, 3, 4]);
    for way in [Way::Down, Way::Up] {
        let mut before = way.sign() * base.days[0].upper;
        for n in 1..=counts.len() {
            let days = base.attacked(&network, &counts[..n], way).expect("a lying round");
            let pushed = way.sign() * days[0].upper;
            assert!(pushed >= before, "{n} of {counts:?} {way:?}: {pushed} after {before}");
            before = pushed;
        }
    }
}

#[test]
fn no_gate_moves_beyond_its_limits_and_the_seed_decides_all() {
    let request = request(4, 2, 2);
    let mut heard = Vec::new();
    let report = attack(&request, &mut |progress: Progress<'_>| {
        heard.push((progress.doing.to_owned(), progress.done, progress.of));
    });
    let report = report.expect("a report");
    let again = attack(&request, &mut |_| {}).expect("a report");
    assert_eq!(report.poison, again.poison);
    assert_eq!(report.provider, again.provider);
    assert_eq!(heard.last(), Some(&("attacks".to_owned(), 12, 12)));
    for row in &report.poison {
        // The honest gate may rise while the attacked one falls; both stay within their steps.
        let most = (1.0 + LIMITS.step_up) / (1.0 - LIMITS.step_down);
        let (up, down) = (most.powi(2) - 1.0, most.powi(-2) - 1.0);
        assert!(row.initial.most <= up && row.initial.most >= down, "{row:?}");
        assert!((0.0..=1.0).contains(&row.accepted), "{row:?}");
        assert!(row.cost > 0.0 && row.gain >= 0.0, "{row:?}");
    }
    let words = report.to_string();
    assert!(words.contains("Poisoned training") && words.contains("panel of 3: 2"), "{words}");
}

#[test]
fn too_few_days_are_said() {
    let error = attack(&request(4, 400, 40), &mut |_| {}).expect_err("there are not so many");
    assert!(error.to_string().contains("fewer --rounds"), "{error}");
}
