//! What ops mean, on cases worked by hand.

use tensor::{Builder, Dtype, EvalError, Tensor, eval};

use crate::samples::{f32s, f64s, i32s, run};

const NAN: f32 = f32::from_bits(0x7fc0_0000);
const STRANGE: f32 = f32::from_bits(0xffa1_2345);
const INF: f32 = f32::INFINITY;

#[test]
fn arithmetic_reads_any_nan_as_the_one_nan() {
    let unary: [fn(&mut Builder, tensor::Value) -> _; 9] = [
        Builder::neg,
        Builder::abs,
        Builder::sqrt,
        Builder::floor,
        Builder::exp,
        Builder::log,
        Builder::tanh,
        Builder::erf,
        Builder::erfc,
    ];
    for op in unary {
        let y = run(|b| {
            let x = b.constant(f32s(&[STRANGE]))?;
            op(b, x)
        });
        assert_eq!(y, f32s(&[NAN]));
    }
    let binary: [fn(&mut Builder, tensor::Value, tensor::Value) -> _; 6] =
        [Builder::add, Builder::sub, Builder::mul, Builder::div, Builder::min, Builder::max];
    for op in binary {
        let y = run(|b| {
            let x = b.constant(f32s(&[STRANGE, 1.0]))?;
            let y = b.constant(f32s(&[1.0, STRANGE]))?;
            op(b, x, y)
        });
        assert_eq!(y, f32s(&[NAN, NAN]));
    }
}

#[test]
fn copies_keep_the_bits_of_a_nan() {
    let x = f32s(&[STRANGE, 2.0]);
    let moved = run(|b| {
        let x = b.constant(x.clone())?;
        let x = b.broadcast(x, &[2, 2])?;
        let x = b.transpose(x, &[1, 0])?;
        let x = b.slice(x, &[0, 0], &[2, 1])?;
        b.reshape(x, &[2])
    });
    assert_eq!(moved, x);
    let chosen = run(|b| {
        let (x, c) = (b.constant(x.clone())?, b.constant(i32s(&[7, 0]))?);
        b.select(c, x, x)
    });
    assert_eq!(chosen, x);
}

#[test]
fn invalid_operations_give_the_one_nan() {
    let y = run(|b| {
        let x = b.constant(f32s(&[INF, 0.0, -1.0]))?;
        let z = b.constant(f32s(&[-INF, 0.0, INF]))?;
        let difference = b.add(x, z)?;
        let quotient = b.div(x, z)?;
        let root = b.sqrt(x)?;
        b.concat(&[difference, quotient, root], 0)
    });
    assert_eq!(y, f32s(&[NAN, 0.0, INF, NAN, NAN, -0.0, INF, 0.0, NAN]));
}

#[test]
fn min_and_max_order_the_zeros() {
    let zeros = |op: fn(&mut Builder, _, _) -> _| {
        run(|b| {
            let x = b.constant(f64s(&[0.0, -0.0, 0.0, -0.0]))?;
            let y = b.constant(f64s(&[-0.0, 0.0, 0.0, -0.0]))?;
            op(b, x, y)
        })
    };
    assert_eq!(zeros(Builder::min), f64s(&[-0.0, -0.0, 0.0, -0.0]));
    assert_eq!(zeros(Builder::max), f64s(&[0.0, 0.0, 0.0, -0.0]));
}

#[test]
fn matmul_is_one_fused_chain_from_plus_zero() {
    let product = |a: &[f32], b: &[f32]| {
        run(|builder| {
            let n = a.len();
            let a = builder.constant(Tensor::f32(&[1, n], a.to_vec()).expect("a row"))?;
            let b = builder.constant(Tensor::f32(&[n, 1], b.to_vec()).expect("a column"))?;
            builder.matmul(a, b)
        })
    };
    let scalar = |x: f32| Tensor::f32(&[1, 1], vec![x]).expect("one element");
    // 1e8 swallows 1 when it comes first and again when it leaves: the order shows.
    assert_eq!(product(&[1e8, 1.0, -1e8], &[1.0; 3]), scalar(0.0));
    assert_eq!(product(&[1e8, -1e8, 1.0], &[1.0; 3]), scalar(1.0));
    // (1 + 2^-12)^2 - (1 + 2^-11) = 2^-24 only if the product is not rounded.
    let x = 1.0 + f32::from_bits(0x3980_0000);
    let minus = -(1.0 + f32::from_bits(0x3a00_0000));
    assert_eq!(product(&[minus, x], &[1.0, x]), scalar(f32::from_bits(0x3380_0000)));
    // The chain starts from +0, and no step is added along k.
    assert_eq!(product(&[-0.0], &[1.0]), scalar(0.0));
    assert_eq!(product(&[INF], &[1.0]), scalar(INF));
    assert_eq!(product(&[0.0], &[INF]), scalar(NAN));
}

#[test]
fn matmul_takes_batches_and_wraps() {
    let y = run(|b| {
        let x = b.constant(Tensor::i32(&[2, 1, 2], vec![1, 2, i32::MAX, 1]).expect("a batch"))?;
        let z = b.constant(Tensor::i32(&[2, 2, 1], vec![3, 4, 2, 5]).expect("a batch"))?;
        b.matmul(x, z)
    });
    assert_eq!(y, Tensor::i32(&[2, 1, 1], vec![11, 3]).expect("a batch"));
}

#[test]
fn sum_adds_by_lanes() {
    let sum = |x: Tensor| {
        run(|b| {
            let x = b.constant(x)?;
            b.sum(x, 0)
        })
    };
    let scalar = |x: f32| Tensor::f32(&[], vec![x]).expect("a scalar");
    assert_eq!(sum(f32s(&[-0.0])), scalar(0.0));
    // Elements 0 and 32 share a lane, so 1e8 - 1e8 cancels there before lane 1 joins.
    let mut x = vec![0.0; 33];
    (x[0], x[1], x[32]) = (1e8, 1.0, -1e8);
    assert_eq!(sum(f32s(&x)), scalar(1.0));
    // Elements 0 and 31 do not: the fold meets 1 with 1e8 first.
    (x[31], x[32]) = (-1e8, 0.0);
    assert_eq!(sum(f32s(&x)), scalar(0.0));
    // Lane 16 folds into lane 0 before lane 1 does.
    (x[16], x[31]) = (-1e8, 0.0);
    assert_eq!(sum(f32s(&x)), scalar(1.0));
}

#[test]
fn reductions_take_any_axis() {
    let x = Tensor::f32(&[2, 2, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]).expect("cube");
    let fold = |axis| {
        run(|b| {
            let x = b.constant(x.clone())?;
            b.sum(x, axis)
        })
    };
    let square = |x: [f32; 4]| Tensor::f32(&[2, 2], x.to_vec()).expect("a square");
    assert_eq!(fold(0), square([6.0, 8.0, 10.0, 12.0]));
    assert_eq!(fold(1), square([4.0, 6.0, 12.0, 14.0]));
    assert_eq!(fold(2), square([3.0, 7.0, 11.0, 15.0]));
}

#[test]
fn the_first_nan_is_the_greatest() {
    let of = |x: &[f32]| {
        let largest = run(|b| {
            let x = b.constant(f32s(x))?;
            b.max_axis(x, 0)
        });
        let place = run(|b| {
            let x = b.constant(f32s(x))?;
            b.argmax(x, 0)
        });
        let largest = largest.as_f32().expect("f32")[0];
        (largest.to_bits(), place.as_i32().expect("i32")[0])
    };
    assert_eq!(of(&[1.0, STRANGE, INF, NAN]), (NAN.to_bits(), 1));
    assert_eq!(of(&[-0.0, 0.0, -0.0]), (0, 1));
    assert_eq!(of(&[3.0, 5.0, 5.0]), (5.0f32.to_bits(), 1));
    assert_eq!(of(&[-INF]), ((-INF).to_bits(), 0));
}

#[test]
fn gather_and_scatter_are_total() {
    let indices = i32s(&[1, -1, 2, i32::MAX, 1]);
    let gathered = run(|b| {
        let x = Tensor::f32(&[2, 2], vec![1.0, 2.0, 3.0, 4.0]).expect("a square");
        let (x, i) = (b.constant(x)?, b.constant(indices.clone())?);
        b.gather(x, i, 0)
    });
    let expected = vec![3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 4.0];
    assert_eq!(gathered, Tensor::f32(&[5, 2], expected).expect("five rows"));
    let scattered = run(|b| {
        let (x, i) = (b.constant(f32s(&[1e8, 7.0, 7.0, 7.0, 1.0]))?, b.constant(indices)?);
        b.scatter_add(x, i, 0, 2)
    });
    assert_eq!(scattered, f32s(&[0.0, 1e8]));
    let ordered = run(|b| {
        let i = b.constant(i32s(&[0, 0, 0]))?;
        let x = b.constant(f32s(&[1e8, -1e8, 1.0]))?;
        b.scatter_add(x, i, 0, 1)
    });
    assert_eq!(ordered, f32s(&[1.0]));
}

#[test]
fn integers_wrap_and_shifts_are_mod_32() {
    let two = |op: fn(&mut Builder, _, _) -> _, x: i32, y: i32| {
        let z = run(|b| {
            let (x, y) = (b.constant(i32s(&[x]))?, b.constant(i32s(&[y]))?);
            op(b, x, y)
        });
        z.as_i32().expect("i32")[0]
    };
    assert_eq!(two(Builder::add, i32::MAX, 1), i32::MIN);
    assert_eq!(two(Builder::sub, i32::MIN, 1), i32::MAX);
    assert_eq!(two(Builder::mul, 65_536, 65_537), 65_536);
    assert_eq!(two(Builder::shl, 1, -1), i32::MIN);
    assert_eq!(two(Builder::shr, i32::MIN, 63), 1);
    assert_eq!(two(Builder::sar, i32::MIN, 31), -1);
    assert_eq!(two(Builder::min, -5, 3), -5);
    assert_eq!(two(Builder::max, -5, 3), 3);
}

#[test]
fn requantise_rounds_halves_away_from_zero() {
    let scale = |m, s, x: &[i32]| {
        let y = run(|b| {
            let x = b.constant(i32s(x))?;
            b.requantise(x, (m, s), (-8, i32::MAX))
        });
        y.as_i32().expect("i32").to_vec()
    };
    assert_eq!(scale(1, 1, &[1, -1, 3, -3, 2]), [1, -1, 2, -2, 1]);
    assert_eq!(scale(1, 2, &[1, 2, -2, -1]), [0, 1, -1, 0]);
    assert_eq!(scale(i32::MAX, 62, &[i32::MAX, i32::MIN]), [1, -1]);
    assert_eq!(scale(i32::MAX, 31, &[i32::MIN, i32::MAX]), [-8, i32::MAX - 1]);
    assert_eq!(scale(0, 0, &[5]), [0]);
}

#[test]
fn conversions_round_and_saturate() {
    let to = |x: Tensor, dtype| {
        run(|b| {
            let x = b.constant(x)?;
            b.convert(x, dtype)
        })
    };
    let edges = f64s(&[f64::NAN, 1e300, -1e300, -0.9, 2_147_483_647.9]);
    assert_eq!(to(edges, Dtype::I32), i32s(&[0, i32::MAX, i32::MIN, 0, i32::MAX]));
    let halves = i32s(&[16_777_217, 16_777_219, i32::MAX]);
    let rounded = f32s(&[16_777_216.0, 16_777_220.0, 2_147_483_648.0]);
    assert_eq!(to(halves, Dtype::F32), rounded);
    assert_eq!(to(f32s(&[STRANGE]), Dtype::F32), f32s(&[NAN]));
    assert_eq!(to(f64s(&[1e-46, -1e-45]), Dtype::F32), f32s(&[0.0, -f32::from_bits(1)]));
}

#[test]
fn random_bits_are_philox_in_order() {
    let y = run(|b| {
        let key = b.constant(i32s(&[1, -2]))?;
        b.random_bits(key, 3, &[3, 2])
    });
    let word = |element| tensor::random::word([1, -2], 3, element);
    let expected: Vec<i32> = (0..6).map(word).collect();
    assert_eq!(y, Tensor::i32(&[3, 2], expected).expect("six words"));
}

#[test]
fn errors_name_the_op_and_what_was_there() {
    let mut b = Builder::new();
    let x = b.input(Dtype::F32, &[2, 3]).expect("an input");
    let n = b.input(Dtype::I32, &[2, 3]).expect("an input");
    let s = b.input(Dtype::F32, &[]).expect("an input");
    let messages = [
        b.matmul(x, x).map(|_| ()),
        b.add(x, n).map(|_| ()),
        b.broadcast(x, &[3, 3]).map(|_| ()),
        b.slice(x, &[0, 2], &[2, 2]).map(|_| ()),
        b.transpose(x, &[0, 0]).map(|_| ()),
        b.sum(s, 0).map(|_| ()),
        b.requantise(n, (1, 63), (0, 1)).map(|_| ()),
        b.concat(&[], 0).map(|_| ()),
        b.gradient(x, &[x]).map(|_| ()),
        b.gradient(s, &[n]).map(|_| ()),
    ]
    .map(|result| result.expect_err("it is ill formed").to_string());
    assert_eq!(
        messages,
        [
            "matmul: shapes [2, 3] and [2, 3] do not fit",
            "add: operands have dtypes f32 and i32",
            "broadcast: shapes [2, 3] and [3, 3] do not fit",
            "slice: slice 2..2 of axis 1 with extent 3",
            "transpose: [0, 0] is not a permutation of the axes",
            "sum: axis 0 of a tensor of rank 0",
            "requantise: s is out of range",
            "concat: takes 1 to 256 operands, got 0",
            "gradient: the loss must be a float scalar, got f32[2, 3]",
            "gradient: needs a float, got i32",
        ]
    );
}

#[test]
fn inputs_are_checked_before_anything_runs() {
    let mut b = Builder::new();
    let x = b.input(Dtype::F32, &[2]).expect("an input");
    let program = b.finish(&[x]).expect("a Program");
    let shape = tensor::Shape::new(&[3]).expect("a shape");
    let expected = *f32s(&[0.0, 0.0]).shape();
    assert_eq!(
        eval(&program, &[f32s(&[1.0, 2.0, 3.0])]),
        Err(EvalError::Shape { index: 0, expected, got: shape })
    );
    assert_eq!(
        eval(&program, &[i32s(&[1, 2])]),
        Err(EvalError::Dtype { index: 0, expected: Dtype::F32, got: Dtype::I32 })
    );
}
