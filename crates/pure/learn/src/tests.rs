//! Training as a whole: it finds what is there, the same way each time.

use tensor::Tensor;

use crate::{Dataset, Evaluate, Kind, Model, ROWS, Schedule, TrainError, Trainer, step_program};

/// A linear congruential sequence in -1..1: data for tests, nothing more.
fn noise(state: &mut u32) -> f32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    f32::from(u16::try_from(*state >> 16).expect("16 bits")) / 32_768.0 - 1.0
}

/// Targets e^s with s = 0.4 a - 0.2 b + 0.1, to second order in s.
fn linear(rows: usize) -> Dataset {
    let mut state = 9;
    let x: Vec<Vec<f32>> = (0..rows).map(|_| vec![noise(&mut state), noise(&mut state)]).collect();
    let s = |x: &[f32]| 0.4 * x[0] - 0.2 * x[1] + 0.1;
    let y: Vec<f32> = x.iter().map(|x| 1.0 + s(x) + s(x) * s(x) / 2.0).collect();
    Dataset::new(&x, &y).expect("finite")
}

fn rounds(kind: Kind, data: &Dataset, rounds: u64) -> Vec<f32> {
    let model = Model::new(kind, &["a", "b"]);
    let trainer =
        Trainer::new(model, Schedule { batch: 128, ..Schedule::STANDARD }).expect("valid");
    let mut params = trainer.model().initial();
    for round in 0..rounds {
        let trained =
            trainer.train(&params, data, (round, &[1; 32]), tensor::eval).expect("finite");
        let before = params.as_f32().expect("f32");
        let after = before.iter().zip(&trained.update).map(|(p, u)| p + u).collect();
        params = Tensor::f32(&[before.len()], after).expect("as many");
    }
    params.as_f32().expect("f32").to_vec()
}

#[test]
fn the_linear_model_finds_its_coefficients() {
    let params = rounds(Kind::Har, &linear(500), 30);
    for (found, there) in params.iter().zip([0.4, -0.2, 0.1]) {
        assert!((found - there).abs() < 0.03, "{params:?}");
    }
}

#[test]
fn the_perceptron_lowers_the_loss_almost_as_far() {
    let data = linear(500);
    let loss = |kind, params: Vec<f32>| {
        let evaluate = Evaluate::new(&Model::new(kind, &["a", "b"])).expect("valid");
        let params = Tensor::f32(&[params.len()], params).expect("some");
        evaluate.loss(&params, &data, tensor::eval).expect("same model")
    };
    let start = loss(Kind::Mlp, rounds(Kind::Mlp, &data, 0));
    let linear = loss(Kind::Har, rounds(Kind::Har, &data, 30));
    let found = loss(Kind::Mlp, rounds(Kind::Mlp, &data, 30));
    assert!(start - found > 0.9 * (start - linear), "{start} {linear} {found}");
}

#[test]
fn the_program_is_no_function_of_data_round_or_seed() {
    let model = Model::new(Kind::Mlp, &["a", "b"]);
    let hash = step_program(&model, 128).expect("valid").hash();
    assert_eq!(step_program(&model.clone(), 128).expect("valid").hash(), hash);
    assert_ne!(step_program(&model, 64).expect("valid").hash(), hash);
    let har = step_program(&Model::new(Kind::Har, &["a", "b"]), 128).expect("valid");
    assert_ne!(har.hash(), hash);
}

#[test]
fn an_update_depends_on_seed_and_round_and_nothing_hidden() {
    let data = linear(100);
    let trainer =
        Trainer::new(Model::new(Kind::Har, &["a", "b"]), Schedule::STANDARD).expect("valid");
    let start = trainer.model().initial();
    let update = |round, seed| {
        trainer.train(&start, &data, (round, &[seed; 32]), tensor::eval).expect("finite").update
    };
    assert_eq!(update(0, 1), update(0, 1));
    assert_ne!(update(0, 1), update(0, 2));
    assert_ne!(update(0, 1), update(9, 1));
}

#[test]
fn what_does_not_fit_is_an_error_and_no_panic() {
    let trainer = Trainer::new(Model::new(Kind::Har, &["a"]), Schedule::STANDARD).expect("valid");
    let start = trainer.model().initial();
    let other = linear(10);
    let error =
        trainer.train(&start, &other, (0, &[0; 32]), tensor::eval).expect_err("two features");
    assert!(matches!(error, TrainError::Eval(_)));
    let nan = Tensor::f32(&[2], vec![f32::NAN; 2]).expect("two");
    let data = Dataset::new(&[vec![1.0]], &[1.0]).expect("one row");
    let error = trainer.train(&nan, &data, (0, &[0; 32]), tensor::eval).expect_err("NaN");
    assert_eq!(error, TrainError::Diverged { step: 0 });
}

#[test]
fn a_long_history_keeps_its_latest_rows() {
    let rows: Vec<Vec<f32>> = (0..3_000_u16).map(|i| vec![f32::from(i)]).collect();
    let data = Dataset::new(&rows, &vec![1.0; 3_000]).expect("finite");
    assert_eq!(data.count(), ROWS);
    assert_eq!(data.x().as_f32().map(|x| (x[0], x[ROWS - 1])), Some((952.0, 2_999.0)));
    assert!(Dataset::new(&[vec![1.0]], &[-1.0]).is_err());
    assert!(Dataset::new(&[vec![f32::NAN]], &[1.0]).is_err());
    assert!(Dataset::new(&[vec![1.0], vec![]], &[1.0, 1.0]).is_err());
    assert!(Dataset::new(&[], &[]).is_err());
}

#[test]
fn the_standard_steps_are_these_programs() {
    let features = ["day", "week", "level", "fall", "fall_week"];
    let hash = |kind| {
        let program = step_program(&Model::new(kind, &features), Schedule::STANDARD.batch);
        program.expect("valid").hash().to_string()
    };
    let expected = [
        "0x80d398ba9b4dc38903c26705782daa09e412390ac5a94745f8f8ffd4dc65c4f4",
        "0x987b4fb9725ae22076045b0ecdebd74a62481e509ddd061ada5cb59578d75bd4",
    ];
    assert_eq!([hash(Kind::Har), hash(Kind::Mlp)], expected);
}
