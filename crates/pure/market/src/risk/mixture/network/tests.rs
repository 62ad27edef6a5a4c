//! A network learns what the past shows and knows no future.

use learn::{Activation, Encoder, Gru, Mlp, Norm};

use super::*;
use crate::risk::{PAST, TwoPiece};

fn noise(i: i64, k: i64) -> f64 {
    let word = tensor::random::word([i32::try_from(k).expect("small"), 7], 0, i.unsigned_abs());
    f64::from(word) / 2_147_483_648.0
}

/// Days whose outcome is the regression's forecast plus half of what their fourth feature says.
fn market(days: i64, seed: i64) -> Vec<Lesson> {
    let lesson = |i: i64| {
        let told = noise(i, seed);
        let mut past = vec![0.1; PAST * CHANNELS];
        past[PAST * CHANNELS - CHANNELS] = told;
        let mut row = vec![0.2; 11];
        row[3] = told;
        let core = Predictive { location: -8.0, variance: 0.25, freedom: 200.0, distance: 0.01 };
        let outcome = -8.0 + 0.5 * told + 0.05 * noise(i, seed + 1);
        Lesson { open_s: i * DAY_S, row, past, anchor: -7.5, core, outcome }
    };
    (0..days).map(lesson).collect()
}

fn config(network: Network, base: Base) -> NetworkConfig {
    NetworkConfig {
        name: "one",
        network,
        base,
        members: 2,
        steps: 60,
        batch: 32,
        rate: 0.02,
        first: 60,
        every: 20,
    }
}

fn mlp() -> Network {
    let (features, hidden) = (11, vec![4]);
    Network::Mlp(Mlp { features, hidden, activation: Activation::Tanh })
}

fn networks() -> [Network; 3] {
    let encoder = Encoder {
        features: CHANNELS,
        tokens: 2,
        width: 4,
        heads: 2,
        layers: 1,
        feed_forward: 4,
        activation: Activation::Gelu,
        norm: Norm::Pre,
    };
    let gru = Gru { features: CHANNELS, hidden: 4, steps: 3 };
    [mlp(), Network::Gru(gru), Network::Encoder(encoder)]
}

fn run(program: &Program) -> Executor<'static> {
    let program = program.clone();
    Box::new(move |inputs| tensor::eval(&program, inputs))
}

fn laws(config: &NetworkConfig, markets: &[Vec<Lesson>]) -> Vec<Vec<Predictive>> {
    foresee(config, markets, &run).expect("a valid network")
}

#[test]
fn each_network_learns_what_the_regression_leaves() {
    let markets = [market(160, 1), market(120, 5)];
    for network in networks() {
        for base in [Base::Core, Base::Anchor] {
            let config = config(network.clone(), base);
            let laws = laws(&config, &markets);
            assert_eq!((laws[0].len(), laws[1].len()), (100, 60));
            let (ahead, shape) = (&markets[0][60..], TwoPiece::new(1.0));
            let total = |law: &dyn Fn(usize) -> Predictive| -> f64 {
                let crps = |i: usize| {
                    shape.crps(ahead[i].outcome, (law(i).location, law(i).variance.sqrt()))
                };
                (0..ahead.len()).map(crps).sum()
            };
            let (ours, core) = (total(&|i| laws[0][i]), total(&|i| ahead[i].core));
            assert!(ours < 0.8 * core, "{network:?}, {base:?}: {ours} against {core}");
        }
    }
}

#[test]
fn no_network_knows_the_future() {
    let markets = [market(110, 1), market(110, 5)];
    let day = 87;
    let mut changed = markets.clone();
    for lesson in changed.iter_mut().flat_map(|market| &mut market[day..]) {
        lesson.outcome += 3.0;
    }
    for lesson in changed.iter_mut().flat_map(|market| &mut market[day + 1..]) {
        lesson.row[3] = 2.0;
        lesson.past[PAST * CHANNELS - 1] = 2.0;
        lesson.core.location = -5.0;
    }
    for network in networks() {
        let config = config(network, Base::Core);
        let (was, is) = (laws(&config, &markets), laws(&config, &changed));
        for (was, is) in was.iter().zip(&is) {
            assert_eq!(was[..=day - 60], is[..=day - 60]);
            assert_ne!(was[day - 59..], is[day - 59..]);
        }
    }
}

#[test]
fn a_network_that_reads_other_numbers_is_refused() {
    let other = Network::Mlp(Mlp { features: 5, hidden: vec![], activation: Activation::Tanh });
    let error = foresee(&config(other, Base::Core), &[market(90, 3)], &run).expect_err("five");
    assert_eq!(error.to_string(), "the network reads 5 numbers of a day, a lesson has 11");
    let long = Network::Gru(Gru { features: CHANNELS, hidden: 2, steps: PAST + 1 });
    assert!(foresee(&config(long, Base::Core), &[market(90, 3)], &run).is_err());
}

#[test]
fn no_market_gives_no_laws() {
    assert!(laws(&config(mlp(), Base::Core), &[]).is_empty());
    let short = laws(&config(mlp(), Base::Core), &[market(30, 1), Vec::new()]);
    assert!(short.iter().all(Vec::is_empty));
}
