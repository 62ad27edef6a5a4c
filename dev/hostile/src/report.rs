//! The market's data of a report, as they stand on the chain, and the Program that reads them.
//!
//! *Invariant: whatever the provider posts, every bound is a number within floor and cap.*

use learn::{Kind, Model};
use market::{Recent, risk::Config};
use tensor::Tensor;

use crate::choices::Choices;

/// Largest standard deviation of a day that is reported.
const VOLATILITY_MAX: f64 = 10.0;

/// Reads the posted tensors, and runs the report Program on what can be read.
pub(crate) fn report(bytes: &[u8]) {
    let model = Model::new(Kind::Har, &market::FEATURES);
    let mut choices = Choices(bytes);
    let parts: Vec<Vec<u8>> = Recent::shapes(&model)
        .iter()
        .map(|(dtype, dims)| {
            let right = dtype.size() * dims.iter().product::<usize>();
            let length = if choices.byte() == 255 { choices.number() } else { right };
            (0..length).map(|_| choices.byte()).collect()
        })
        .collect();
    let Some(recent) = Recent::from_bytes(&model, &parts) else { return };
    let back: Vec<Vec<u8>> = recent.tensors().iter().map(Tensor::to_bytes).collect();
    assert_eq!(back, parts, "data that read as others");
    let mut params = model.initial().to_bytes();
    for _ in 0..choices.byte() % 8 {
        let at = choices.below(params.len());
        params[at] = choices.byte();
    }
    let initial = model.initial();
    let params = Tensor::from_bytes(initial.dtype(), initial.shape(), &params);
    let params = params.expect("as many bytes as before");
    let program = market::report(&model, 0, learn::step()).expect("a model's report");
    let inputs = market::report_inputs(&params, &recent, None);
    let outputs = tensor::eval(&program, &inputs).expect("inputs of these shapes");
    let config = Config::frozen().daily_tail();
    for (output, most) in outputs.iter().zip([config.cap, VOLATILITY_MAX]) {
        let &[value, lower, upper] = output.as_f64().expect("an f64") else {
            panic!("not three numbers");
        };
        let ordered = 0.0 <= lower && lower <= value && value <= upper && upper <= most;
        assert!(ordered, "no bounds: {lower} {value} {upper}");
    }
    let margin = outputs[0].as_f64().expect("an f64");
    assert!(margin[2] >= config.floor, "a margin under the floor");
}
