//! The report against the engine's own steps on forecasts of the same models, and its promise for
//! every input.

use learn::{Kind, Model};

use super::*;
use crate::risk::{interval_step, tail_step};
use crate::{Date, Day, FEATURES, forecast as forecast_program, forecast_inputs};

const STEP: f32 = 1.0 / (1 << 20) as f32;

fn day(i: i32) -> Day {
    let x = f64::from(i % 7) - 3.0;
    #[expect(clippy::cast_possible_truncation, reason = "features are f32")]
    let features = (0..5).map(|f| (x * f64::from(f + 1) / 8.0) as f32).collect();
    let anchor = 1e-4 * (1.0 + f64::from(i % 5) / 8.0);
    let proxy = anchor * (0.5 + f64::from(i % 4) / 2.0);
    let (date, price) = (Date::from_number(i), 50.0);
    let ret = if i % 41 == 7 { -0.08 } else { 0.004 * (f64::from(i * 29 % 23) - 11.0) };
    Day { date, features, anchor, price, walk: anchor, ewma: anchor, proxy, ret }
}

/// So many days and the day after them.
fn data(days: i32) -> (Vec<Day>, Recent) {
    let days: Vec<Day> = (0..=days).map(day).collect();
    let (last, before) = days.split_last().expect("at least one");
    let recent = Recent::new(&before.iter().collect::<Vec<_>>(), last).expect("shaped");
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

fn vector(numbers: &[f64]) -> Tensor {
    Tensor::f64(&[numbers.len()], numbers.to_vec()).expect("not empty")
}

/// What the engine publishes of the last of these days, a step a day: the margin's value, lower and
/// upper, with members' log variances beside the forecast's of that day.
fn stepped(days: &[Day], ln_h: &[f64], members: &[f64], doubt: [f64; 2]) -> [f64; 3] {
    use tensor::scalar::Float;
    let tail = TailConfig { workers: members.len() + 1, ..Config::frozen().daily_tail() };
    let program = tail_step(&tail).expect("valid");
    let (mut state, mut losses) = (tail.initial_state(), [0.0; 2]);
    let mut published = Vec::new();
    for (day, ln_h) in days.iter().zip(ln_h) {
        let workers: Vec<f64> = std::iter::once(ln_h).chain(members).map(|h| 0.5 * h).collect();
        let inputs = [state, vector(&losses), vector(&workers), vector(&doubt)];
        let mut outputs = tensor::eval(&program, &inputs).expect("inputs fit");
        published = outputs[1].as_f64().expect("f64").to_vec();
        state = outputs.swap_remove(0);
        let gain = day.ret.op_exp() - 1.0;
        losses = [-gain, gain];
    }
    let larger = |i: usize, j: usize| {
        if published[i] > published[j] { published[i] } else { published[j] }
    };
    [larger(2, 3), larger(0, 1), published[6]]
}

/// The engine's interval of the last day's volatility.
fn interval_of(days: &[Day], ln_h: &[f64]) -> [f64; 2] {
    use tensor::scalar::Float;
    let (past, today) = (days.len() - 1, ln_h[days.len() - 1]);
    let ratios: Vec<f64> =
        days[..past].iter().zip(ln_h).map(|(day, h)| day.proxy.op_log() - h).collect();
    let mean = ratios.iter().sum::<f64>() / count(past);
    let square = ratios.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>() / count(past);
    let scale = square.sqrt();
    let config = Config::frozen().day.interval;
    let program = interval_step(&config).expect("valid");
    let (mut state, mut last, mut ends) = (config.initial_state(), [0.0, 0.0, 1.0], Vec::new());
    for (day, h) in days.iter().zip(ln_h) {
        let law = [h + mean, scale];
        let inputs = [state, vector(&last), vector(&law)];
        let mut outputs = tensor::eval(&program, &inputs).expect("inputs fit");
        ends = outputs[1].as_f64().expect("f64").to_vec();
        last = [day.proxy.op_log(), law[0], law[1]];
        state = outputs.swap_remove(0);
    }
    let lower = if ends[0] < today { ends[0] } else { today };
    let upper = if ends[1] > today { ends[1] } else { today };
    [lower, upper].map(|end| (0.5 * end).op_exp())
}

#[test]
fn it_is_the_engine_step_by_step() {
    for (kind, length) in [(Kind::Har, 256), (Kind::Mlp, 256), (Kind::Har, 90), (Kind::Har, 1)] {
        let model = Model::new(kind, &FEATURES);
        let (days, recent) = data(length);
        let d = model.count();
        let tensor = |f: &dyn Fn(i16) -> f32| {
            let values = (0..i16::try_from(d).expect("few")).map(f).collect();
            Tensor::f32(&[d], values).expect("shaped")
        };
        let before = tensor(&|i| f32::from(i % 3) / 32.0);
        let params = tensor(&|i| f32::from(i % 5) / 64.0);
        let update = |k: i32| {
            let places = 0..i32::try_from(d).expect("few");
            Tensor::i32(&[d], places.map(|i| (k * (i % 4)) << 14).collect()).expect("shaped")
        };
        let updates = vec![update(1), update(-50), update(-1)];
        let accepted = Tensor::i32(&[3], vec![1, 0, 1]).expect("shaped");
        let trained = Trained { before: before.clone(), accepted, updates: updates.clone() };
        let [margin, volatility] = run(&model, &params, &recent, Some(&trained));

        let today = days.last().expect("a day");
        let ln_h = forecasts(&model, &params, &days.iter().collect::<Vec<_>>());
        let mut members = Vec::new();
        for update in [&updates[0], &updates[2]] {
            let before = before.as_f32().expect("f32").iter();
            let own = before.zip(update.as_i32().expect("i32"));
            #[expect(clippy::cast_precision_loss, reason = "small updates")]
            let own = own.map(|(p, q)| (*q as f32).mul_add(STEP, *p)).collect();
            let own = Tensor::f32(&[d], own).expect("shaped");
            members.extend(forecasts(&model, &own, &[today]));
        }
        let square: f64 = today.features.iter().map(|z| f64::from(*z) * f64::from(*z)).sum();
        let distance = (1.0 + square) / count(learn::ROWS);
        let [value, lower, upper] = stepped(&days, &ln_h, &members, [distance, 0.0]);
        for (got, expected) in margin.iter().zip([value, lower, upper]) {
            assert!((got / expected - 1.0).abs() < 1e-9, "{length}: {got} {expected}");
        }
        assert!(lower < value && value < upper && upper < 1.0, "nothing was held");
        let [lower, upper] = interval_of(&days, &ln_h);
        for (got, expected) in volatility[1..].iter().zip([lower, upper]) {
            assert!((got / expected - 1.0).abs() < 1e-9, "{length}: {got} {expected}");
        }
    }
}

#[test]
fn a_loss_beyond_the_quantile_raises_the_margin() {
    let model = Model::new(Kind::Har, &FEATURES);
    let with = |ret: f64| {
        let mut days: Vec<Day> = (0..257).map(|i| Day { ret: 0.001, ..day(i) }).collect();
        days[255].ret = ret;
        let recent: Vec<&Day> = days[..256].iter().collect();
        let recent = Recent::new(&recent, &days[256]).expect("shaped");
        run(&model, &model.initial(), &recent, None)[0]
    };
    let (calm, hit, risen) = (with(0.0), with(-0.3), with(0.3));
    let tail = Config::frozen().daily_tail();
    assert!(hit[1] / calm[1] > 1.0 + tail.rate + tail.bump, "{calm:?} {hit:?}");
    assert!(risen[1] > calm[1], "a rise counts for the short side");
}

#[test]
fn old_data_and_strange_days_raise_the_upper_bound_alone() {
    let model = Model::new(Kind::Har, &FEATURES);
    let with = |late: i32, strange: bool| {
        let mut days: Vec<Day> = (0..257).map(day).collect();
        days[256].date = Date::from_number(256 + late);
        // Parameters of zeros forecast the anchor, whatever the features.
        if strange {
            days[256].features = vec![8.0; 5];
        }
        let recent: Vec<&Day> = days[..256].iter().collect();
        let recent = Recent::new(&recent, &days[256]).expect("shaped");
        run(&model, &model.initial(), &recent, None)[0]
    };
    let usual = with(0, false);
    for doubtful in [with(2, false), with(0, true)] {
        assert_eq!(doubtful[..2], usual[..2]);
        assert!(doubtful[2] > usual[2]);
    }
}

#[test]
fn a_market_that_closes_is_not_stale_after_its_pause() {
    let model = Model::new(Kind::Har, &FEATURES);
    let mut days: Vec<Day> = (0..257).map(day).collect();
    for (i, day) in (0..).zip(&mut days) {
        day.date = Date::from_number(i + 2 * (i / 5));
    }
    let age = |day: &Day| {
        let recent: Vec<&Day> = days[..255].iter().collect();
        let recent = Recent::new(&recent, day).expect("shaped");
        recent.tensors()[3].as_f64().map(|age| age[0])
    };
    assert_eq!((days[254].date.number(), days[255].date.number()), (354, 357));
    assert_eq!(age(&days[255]), Some(0.0));
    assert_eq!(age(&days[256]), Some(24.0));
    assert_eq!(model.width(), days[0].features.len());
}

#[test]
fn a_rejected_row_counts_for_nothing() {
    let model = Model::new(Kind::Har, &FEATURES);
    let (_, recent) = data(256);
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
    assert!(alone[0][2] < with(0)[0][2], "a worker that sees more risk raises the margin");
}

#[test]
fn it_is_total() {
    let model = Model::new(Kind::Har, &FEATURES);
    let wild = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 0.0, -1.0, 1e-308];
    for a in wild {
        for c in wild {
            #[expect(clippy::cast_possible_truncation, reason = "infinities are wanted")]
            let features = Tensor::f32(&[257, 5], vec![c as f32; 257 * 5]).expect("shaped");
            let anchors = Tensor::f64(&[257], vec![a; 257]).expect("shaped");
            let outcomes = Tensor::f64(&[256, 2], vec![c; 512]).expect("shaped");
            let age = vector(&[c]);
            let recent = Recent([features, anchors, outcomes, age]);
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
                    assert!(0.0 <= lower && lower <= value, "{a} {c}: {lower} {value}");
                    assert!(floor <= upper, "{a} {c}: {upper}");
                    assert!(value <= upper && upper <= cap, "{a} {c}: {value} {upper}");
                }
            }
        }
    }
}

#[test]
fn data_comes_back_from_its_bytes() {
    let model = Model::new(Kind::Har, &FEATURES);
    let (_, recent) = data(256);
    let bytes: Vec<Vec<u8>> = recent.tensors().iter().map(Tensor::to_bytes).collect();
    assert_eq!(Recent::from_bytes(&model, &bytes), Some(recent));
    assert_eq!(Recent::from_bytes(&model, &bytes[..2]), None);
    assert_eq!(Recent::from_bytes(&Model::new(Kind::Har, &["day"]), &bytes), None);
}

#[test]
fn the_report_of_four_rows_is_this_program() {
    let program = report(&Model::new(Kind::Har, &FEATURES), 4, STEP).expect("valid");
    let expected = "0xa40dff19f18d9fe8051e0be1c3c6b23bb2144458e075980a22d5f7a202a1b617";
    assert_eq!(program.hash().to_string(), expected);
}

#[test]
fn a_chain_can_register_the_largest() {
    let program = report(&Model::new(Kind::Mlp, &FEATURES), 12, STEP).expect("valid");
    let bytes = program.encode().len();
    assert!(bytes <= 64 * 1_024, "{bytes} bytes");
}
