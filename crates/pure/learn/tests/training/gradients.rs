//! Gradients against central differences in f64: every network with every loss.

use proptest::prelude::*;
use tensor::{Dtype, Program, Tensor};

use crate::samples::{batch, floats, losses, networks, params, training};

/// Half the distance of a difference. Its square and the rounding of a loss near 1 over it are
/// both about 1e-10, times derivatives that are at most a hundred or so here.
const H: f64 = 1e-5;
const TOLERANCE: f64 = 1e-7;

fn loss_at(program: &Program, params: &[f64], [x, y]: &[Tensor; 2]) -> f64 {
    let inputs = [floats(Dtype::F64, &[params.len()], params), x.clone(), y.clone()];
    let outputs = tensor::eval(program, &inputs).expect("a training takes its own inputs");
    outputs[0].as_f64().expect("f64")[0]
}

/// The slope along `direction`, by a central difference.
fn slope(program: &Program, params: &[f64], direction: &[f64], batch: &[Tensor; 2]) -> f64 {
    slope_over(H, program, (params, direction), batch)
}

/// The central difference over `step` on either side.
fn slope_over(
    step: f64,
    program: &Program,
    (params, direction): (&[f64], &[f64]),
    batch: &[Tensor; 2],
) -> f64 {
    let moved = |h: f64| -> Vec<f64> {
        params.iter().zip(direction).map(|(p, d)| h.mul_add(*d, *p)).collect()
    };
    let (above, below) = (moved(step), moved(-step));
    (loss_at(program, &above, batch) - loss_at(program, &below, batch)) / (2.0 * step)
}

#[test]
fn every_gradient_is_that_of_its_loss() {
    for (network_name, network) in networks() {
        for (loss_name, loss) in losses() {
            let training = training(network.clone(), loss, Dtype::F64);
            let (params, batch) = (params(&training, 7), batch(&training, 7));
            let evaluate = training.evaluate().expect("valid");
            let gradient = training.gradient().expect("valid");
            let inputs =
                [floats(Dtype::F64, &[params.len()], &params), batch[0].clone(), batch[1].clone()];
            let outputs = tensor::eval(&gradient, &inputs).expect("fits");
            let gradient = outputs[1].as_f64().expect("f64");
            assert!(gradient.iter().any(|g| g.abs() > 1e-3), "{network_name}, {loss_name}");
            for (at, found) in gradient.iter().enumerate() {
                let mut unit = vec![0.0; params.len()];
                unit[at] = 1.0;
                let expected = slope(&evaluate, &params, &unit, &batch);
                assert!(
                    (found - expected).abs() <= TOLERANCE * (1.0 + expected.abs()),
                    "{network_name}, {loss_name}, parameter {at}: {found} against {expected}"
                );
            }
        }
    }
}

#[test]
fn f32_differs_from_f64_by_rounding_alone() {
    for (network_name, network) in networks() {
        for (loss_name, loss) in losses() {
            let gradient = |dtype| {
                let training = training(network.clone(), loss.clone(), dtype);
                // The same numbers for both: those that f32 can hold.
                let of = crate::samples::training(network.clone(), loss.clone(), Dtype::F32);
                let params: Vec<f64> = params(&of, 11)
                    .iter()
                    .map(|p| f64::from(tensor::scalar::f64_to_f32(*p)))
                    .collect();
                let [x, y] = batch(&training, 11);
                let inputs = [floats(dtype, &[params.len()], &params), x, y];
                let program = training.gradient().expect("valid");
                tensor::eval(&program, &inputs).expect("fits")[1].clone()
            };
            let (short, long) = (gradient(Dtype::F32), gradient(Dtype::F64));
            let pairs = short.as_f32().expect("f32").iter().zip(long.as_f64().expect("f64"));
            // A few dozen roundings of 6e-8 each, on numbers of about 1.
            for (short, long) in pairs {
                let short = f64::from(*short);
                assert!(
                    (short - long).abs() < 2e-5,
                    "{network_name}, {loss_name}: {short} against {long}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Along a random direction from random parameters, over the losses and networks without a
    /// kink that a difference could straddle.
    #[test]
    fn slopes_agree_from_anywhere(seed in any::<i32>(), network in 0_usize..6, loss in 0_usize..4) {
        let (network_name, network) = networks().swap_remove(network);
        let (loss_name, loss) = losses().swap_remove(loss);
        let kinked = matches!(network_name, "mlp relu" | "encoder post") || loss_name == "pinball";
        prop_assume!(!kinked);
        let training = training(network, loss, Dtype::F64);
        let (start, batch) = (params(&training, seed), batch(&training, seed));
        let direction = params(&training, seed.wrapping_add(1));
        let inputs =
            [floats(Dtype::F64, &[start.len()], &start), batch[0].clone(), batch[1].clone()];
        let outputs = tensor::eval(&training.gradient().expect("valid"), &inputs).expect("fits");
        let gradient = outputs[1].as_f64().expect("f64");
        let found: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
        let evaluate = training.evaluate().expect("valid");
        let expected = slope(&evaluate, &start, &direction, &batch);
        // Where the loss bends, a central difference is off by a third of what doubling its step
        // changes (the next term of its series); from anywhere, that may be more than rounding.
        let wider = slope_over(2.0 * H, &evaluate, (&start, &direction), &batch);
        let near = 1e-6 * (1.0 + expected.abs()) + (wider - expected).abs();
        prop_assert!((found - expected).abs() <= near, "{found} against {expected}");
    }
}
