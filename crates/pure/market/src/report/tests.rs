//! The report against the margin formula on forecasts of the same models, and its promise for
//! every input.

use learn::{Kind, Model};

use super::*;
use crate::{Date, FEATURES, forecast as forecast_program, forecast_inputs, margin, margin_inputs};

const STEP: f32 = 1.0 / (1 << 20) as f32;

fn day(i: i32) -> Day {
    let x = f64::from(i % 7) - 3.0;
    #[expect(clippy::cast_possible_truncation, reason = "features are f32")]
    let features = (0..5).map(|f| (x * f64::from(f + 1) / 8.0) as f32).collect();
    let anchor = 1e-4 * (1.0 + f64::from(i % 5) / 8.0);
    let proxy = anchor * (0.5 + f64::from(i % 4) / 2.0);
    let (date, price, ret) = (Date::from_number(i), 50.0, 0.01);
    Day { date, features, anchor, price, walk: anchor, ewma: anchor, proxy, ret }
}

fn data() -> (Vec<Day>, Recent) {
    let days: Vec<Day> = (0..65).map(day).collect();
    let recent: Vec<&Day> = days[..64].iter().collect();
    let recent = Recent::new(&recent, &days[64]).expect("shaped");
    (days, recent)
}

fn bounds_of(outputs: &[Tensor]) -> [[f64; 3]; 2] {
    let three = |tensor: &Tensor| tensor.as_f64().expect("f64").try_into().expect("three numbers");
    [three(&outputs[0]), three(&outputs[1])]
}

fn run(
    model: &Model,
    params: &Tensor,
    recent: &Recent,
    trained: Option<&Trained>,
) -> [[f64; 3]; 2] {
    let rows = trained.map_or(0, |trained| trained.updates.len());
    let program = report(model, rows, STEP).expect("valid");
    let inputs = report_inputs(params, recent, trained);
    bounds_of(&tensor::eval(&program, &inputs).expect("inputs fit"))
}

/// What the forecast Program says of some days.
fn forecasts(model: &Model, params: &Tensor, days: &[&Day]) -> Vec<f64> {
    let program = forecast_program(model, days.len()).expect("valid");
    let inputs = forecast_inputs(params, days).expect("shaped");
    let outputs = tensor::eval(&program, &inputs).expect("inputs fit");
    outputs[0].as_f64().expect("f64").to_vec()
}

#[test]
fn it_is_the_margin_formula_over_the_forecasts() {
    for kind in [Kind::Har, Kind::Mlp] {
        let model = Model::new(kind, &FEATURES);
        let (days, recent) = data();
        let d = model.count();
        let tensor = |f: &dyn Fn(i16) -> f32| {
            let values = (0..i16::try_from(d).expect("few")).map(f).collect();
            Tensor::f32(&[d], values).expect("shaped")
        };
        let before = tensor(&|i| f32::from(i % 3) / 32.0);
        let params = tensor(&|i| f32::from(i % 5) / 64.0);
        let update = |k: i32| {
            Tensor::i32(
                &[d],
                (0..i32::try_from(d).expect("few")).map(|i| (k * (i % 4)) << 14).collect(),
            )
            .expect("shaped")
        };
        let updates = vec![update(1), update(-50), update(-1)];
        let accepted = Tensor::i32(&[3], vec![1, 0, 1]).expect("shaped");
        let trained = Trained { before: before.clone(), accepted, updates: updates.clone() };
        let [got, volatility] = run(&model, &params, &recent, Some(&trained));

        let today = [&days[64]];
        let past: Vec<&Day> = days[..64].iter().collect();
        let mut members = Vec::new();
        for update in [&updates[0], &updates[2]] {
            let before = before.as_f32().expect("f32").iter();
            let own = before.zip(update.as_i32().expect("i32"));
            #[expect(clippy::cast_precision_loss, reason = "small updates")]
            let own = own.map(|(p, q)| (*q as f32).mul_add(STEP, *p)).collect();
            let own = Tensor::f32(&[d], own).expect("shaped");
            members.extend(forecasts(&model, &own, &today));
        }
        let ln_h = forecasts(&model, &params, &past);
        let ratios: Vec<f64> = ln_h
            .iter()
            .zip(&past)
            .map(|(ln_h, day)| {
                let mut b = Builder::new();
                let x = b.input(Dtype::F64, &[1]).expect("valid");
                let y = b.exp(x).expect("valid");
                let program = b.finish(&[y]).expect("valid");
                let x = Tensor::f64(&[1], vec![*ln_h]).expect("shaped");
                let h = tensor::eval(&program, &[x]).expect("inputs fit");
                day.proxy / h[0].as_f64().expect("f64")[0]
            })
            .collect();
        let config = MarginConfig { members: 2, ..MarginConfig::STANDARD };
        let inputs = margin_inputs(forecasts(&model, &params, &today)[0], &members, &ratios);
        let expected = tensor::eval(&margin(&config).expect("valid"), &inputs.expect("shaped"));
        let expected = expected.expect("inputs fit");
        for (got, expected) in got.iter().zip(expected[0].as_f64().expect("f64")) {
            assert!((got / expected - 1.0).abs() < 1e-12, "{got} {expected}");
        }
        assert!((got[0] / volatility[0] - 3.4).abs() < 1e-12);
        assert!(volatility[1] < volatility[0] && volatility[0] < volatility[2]);
    }
}

#[test]
fn a_rejected_row_counts_for_nothing() {
    let model = Model::new(Kind::Har, &FEATURES);
    let (_, recent) = data();
    let params = model.initial();
    let with = |wild: i32| {
        let update = |x: i32| Tensor::i32(&[6], vec![x; 6]).expect("shaped");
        let accepted = Tensor::i32(&[3], vec![1, 1, 0]).expect("shaped");
        let updates = vec![update(1 << 18), update(-(1 << 18)), update(wild)];
        let trained = Trained { before: params.clone(), accepted, updates };
        run(&model, &params, &recent, Some(&trained))
    };
    assert_eq!(with(1 << 22), with(0));
    let alone = run(&model, &params, &recent, None);
    assert!(alone[0][2] < with(0)[0][2], "disagreement widens");
}

#[test]
fn it_is_total() {
    let model = Model::new(Kind::Har, &FEATURES);
    let wild = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 0.0, -1.0, 1e-308];
    for a in wild {
        for c in wild {
            #[expect(clippy::cast_possible_truncation, reason = "infinities are wanted")]
            let features = Tensor::f32(&[65, 5], vec![c as f32; 325]).expect("shaped");
            let anchors = Tensor::f64(&[65], vec![a; 65]).expect("shaped");
            let outcomes = Tensor::f64(&[64], vec![c; 64]).expect("shaped");
            let recent = Recent([features, anchors, outcomes]);
            for accepted in [0, 1] {
                let trained = Trained {
                    before: Tensor::f32(&[6], vec![f32::NAN; 6]).expect("shaped"),
                    accepted: Tensor::i32(&[1], vec![accepted]).expect("shaped"),
                    updates: vec![Tensor::i32(&[6], vec![i32::MAX; 6]).expect("shaped")],
                };
                let [margin, volatility] = run(&model, &model.initial(), &recent, Some(&trained));
                for ([value, lower, upper], (floor, cap)) in
                    [(margin, (0.02, 1.0)), (volatility, (0.0, 10.0))]
                {
                    assert!(floor <= lower && lower <= value, "{a} {c}: {lower} {value}");
                    assert!(value <= upper && upper <= cap, "{a} {c}: {value} {upper}");
                }
            }
        }
    }
}

#[test]
fn data_comes_back_from_its_bytes() {
    let model = Model::new(Kind::Har, &FEATURES);
    let (_, recent) = data();
    let bytes: Vec<Vec<u8>> = recent.tensors().iter().map(Tensor::to_bytes).collect();
    assert_eq!(Recent::from_bytes(&model, &bytes), Some(recent));
    assert_eq!(Recent::from_bytes(&model, &bytes[..2]), None);
    assert_eq!(Recent::from_bytes(&Model::new(Kind::Har, &["day"]), &bytes), None);
}

#[test]
fn the_report_of_four_rows_is_this_program() {
    let program = report(&Model::new(Kind::Har, &FEATURES), 4, STEP).expect("valid");
    let expected = "0x4f78a42a986e75b0f1f3ef649cc8d6802963c336d347de0ba3e34a8cfd2d4d52";
    assert_eq!(program.hash().to_string(), expected);
}
