//! What a step does with a gradient, and which configurations there are none for.

use kernels::{Level, Runner};
use learn::{Activation, ConfigError, Encoder, Gru, Loss, Mlp, Network, Norm, Optimiser, Training};
use tensor::{Dtype, Tensor};

use crate::samples::{batch, floats, losses, networks, params, training};

/// Runs `steps` steps on one batch; parameters and state after them, and every loss.
fn run(training: &Training, steps: usize) -> (Vec<Tensor>, Vec<f64>) {
    let program = training.step().expect("valid");
    let start = params(training, 3);
    let mut carried = vec![floats(training.dtype, &[start.len()], &start)];
    carried.extend(training.state().expect("valid"));
    let rest = [&batch(training, 3)[..], &[floats(training.dtype, &[1], &[0.01])]].concat();
    let mut losses = Vec::new();
    for _ in 0..steps {
        let inputs = [&carried[..], &rest[..]].concat();
        carried = tensor::eval(&program, &inputs).expect("a step takes what it gave");
        let loss = carried.pop().expect("the loss is last");
        losses.push(loss.as_f64().expect("f64")[0]);
    }
    (carried, losses)
}

#[test]
fn every_combination_learns_a_batch() {
    for (network_name, network) in networks() {
        for (loss_name, loss) in losses() {
            for optimiser in [Optimiser::SGD, Optimiser::ADAM] {
                let training = training(network.clone(), loss.clone(), Dtype::F64);
                let training = Training { optimiser, ..training };
                let (_, losses) = run(&training, 12);
                let (first, last) = (losses[0], losses[11]);
                assert!(last < first, "{network_name}, {loss_name}: from {first} to {last}");
            }
        }
    }
}

#[test]
fn a_step_of_descent_is_the_formula() {
    for (name, network) in networks() {
        let training = training(network, Loss::Gaussian, Dtype::F64);
        let training = Training { optimiser: Optimiser::SGD, ..training };
        let (start, [x, y]) = (params(&training, 3), batch(&training, 3));
        let at = |params: &Tensor| {
            let program = training.gradient().expect("valid");
            let inputs = [params.clone(), x.clone(), y.clone()];
            tensor::eval(&program, &inputs).expect("fits")[1].as_f64().expect("f64").to_vec()
        };
        let first = at(&floats(Dtype::F64, &[start.len()], &start));
        let one: Vec<f64> =
            start.iter().zip(&first).map(|(p, g)| (-0.01_f64).mul_add(*g, *p)).collect();
        let second = at(&floats(Dtype::F64, &[one.len()], &one));
        let velocity: Vec<f64> =
            first.iter().zip(&second).map(|(u, g)| 0.9_f64.mul_add(*u, *g)).collect();
        let two: Vec<f64> =
            one.iter().zip(&velocity).map(|(p, u)| (-0.01_f64).mul_add(*u, *p)).collect();
        assert_eq!(run(&training, 1).0[0].as_f64(), Some(&one[..]), "{name}");
        let (after, _) = run(&training, 2);
        assert_eq!((after[0].as_f64(), after[1].as_f64()), (Some(&two[..]), Some(&velocity[..])));
    }
}

#[test]
fn adam_counts_its_steps_and_first_moves_by_the_rate() {
    let (_, network) = networks().swap_remove(0);
    let training = training(network, Loss::Qlike, Dtype::F64);
    let (after, _) = run(&training, 1);
    let moves = after[0].as_f64().expect("f64").iter().zip(params(&training, 3));
    // At the first step both moments are the gradient's, whatever its size; epsilon is left.
    assert!(moves.map(|(after, before)| (after - before).abs()).all(|m| (m - 0.01).abs() < 1e-5));
    assert_eq!(after[3].as_i32(), Some(&[1][..]));
    assert_eq!(run(&training, 5).0[3].as_i32(), Some(&[5][..]));
}

#[test]
fn kernels_take_the_same_steps_to_the_last_bit() {
    for (network_name, network) in networks() {
        for (loss_name, loss) in losses() {
            for dtype in [Dtype::F32, Dtype::F64] {
                let training = training(network.clone(), loss.clone(), dtype);
                let start = params(&training, 5);
                let mut inputs = vec![floats(dtype, &[start.len()], &start)];
                inputs.extend(training.state().expect("valid"));
                inputs.extend(batch(&training, 5));
                inputs.push(floats(dtype, &[1], &[0.01]));
                let program = training.step().expect("valid");
                let reference = tensor::eval(&program, &inputs).expect("fits");
                for level in Level::available() {
                    let found = Runner::with_level(&program, level).run(&inputs).expect("fits");
                    assert_eq!(found, reference, "{network_name}, {loss_name}, {dtype}, {level}");
                }
            }
        }
    }
}

#[test]
fn losses_stay_finite_at_extremes() {
    let network = Network::Mlp(Mlp { features: 1, hidden: vec![], activation: Activation::Tanh });
    for (name, loss) in losses() {
        let training = Training { batch: 1, ..training(network.clone(), loss, Dtype::F32) };
        let count = training.count().expect("valid");
        for weight in [1e4, -1e4, 0.0] {
            let params = floats(Dtype::F32, &[count], &vec![weight; count]);
            let [_, y] = batch(&training, 1);
            let x = floats(Dtype::F32, &[1, 1], &[3.0]);
            let program = training.gradient().expect("valid");
            let outputs = tensor::eval(&program, &[params, x, y]).expect("fits");
            let finite =
                outputs.iter().flat_map(|t| t.as_f32().expect("f32")).all(|x| x.is_finite());
            assert!(finite, "{name} at {weight}");
        }
    }
}

#[test]
fn the_sizes_of_the_benchmarks_are_programs() {
    let gru = Network::Gru(Gru { features: 32, hidden: 64, steps: 64 });
    let encoder = Network::Encoder(Encoder {
        features: 32,
        tokens: 64,
        width: 64,
        heads: 4,
        layers: 2,
        feed_forward: 256,
        activation: Activation::Gelu,
        norm: Norm::Pre,
    });
    for network in [gru, encoder] {
        let training = Training { batch: 32, ..training(network, Loss::Gaussian, Dtype::F32) };
        let (first, again) = (training.step().expect("valid"), training.step().expect("valid"));
        assert_eq!(first.hash(), again.hash());
        assert!(first.nodes().len() < 8_000, "{} ops", first.nodes().len());
    }
}

#[test]
fn what_is_no_training_is_an_error() {
    let (_, network) = networks().swap_remove(0);
    let valid = training(network, Loss::Qlike, Dtype::F32);
    let encoder = |heads, layers| {
        Network::Encoder(Encoder {
            features: 1,
            tokens: 2,
            width: 4,
            heads,
            layers,
            feed_forward: 4,
            activation: Activation::Relu,
            norm: Norm::Post,
        })
    };
    let wrong = [
        Training { batch: 0, ..valid.clone() },
        Training { dtype: Dtype::I32, ..valid.clone() },
        Training { network: encoder(3, 1), ..valid.clone() },
        Training { network: encoder(2, 0), ..valid.clone() },
        Training {
            network: Network::Gru(Gru { features: usize::MAX, hidden: 1, steps: 1 }),
            ..valid.clone()
        },
        Training { loss: Loss::Pinball(vec![]), ..valid.clone() },
        Training { loss: Loss::Pinball(vec![0.5, f64::NAN]), ..valid.clone() },
        Training { loss: Loss::CrossEntropy { classes: 1 }, ..valid.clone() },
        Training { optimiser: Optimiser::Sgd { momentum: 1.0 }, ..valid.clone() },
        Training {
            optimiser: Optimiser::Adam { beta_1: 0.9, beta_2: f64::NAN, epsilon: 1e-8 },
            ..valid.clone()
        },
        Training {
            optimiser: Optimiser::Adam { beta_1: 0.9, beta_2: 0.9, epsilon: 0.0 },
            ..valid.clone()
        },
    ];
    for training in wrong {
        assert!(matches!(training.step(), Err(ConfigError::Fault(_))), "{training:?}");
    }
    let deep = Network::Gru(Gru { features: 1, hidden: 1, steps: 20_000 });
    let error = Training { network: deep, ..valid }.step().expect_err("too many ops");
    assert!(matches!(error, ConfigError::Build(_)), "{error}");
}
