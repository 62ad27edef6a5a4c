//! Test suites as macros: what every implementation of a Program must obey.
//!
//! An implementation gets the whole suite by one line, `laws::evaluator!(my_eval)`; a fast twin
//! gets its comparison with the reference by another, `laws::twin!(my_eval)`. [`vectors`] writes
//! and checks the golden files that implementations in other languages read too.
//!
//! *Invariant: a law is stated from first principles (loops over scalars, wide integers), never by
//! calling the implementation it judges.*
//! Absent: timed assertions, tolerances. Equality is by bits.

pub mod cases;
pub mod dice;
pub mod samples;
pub mod special;
pub mod suite;
pub mod vectors;

use tensor::{EvalError, Program, Tensor};

/// An implementation of evaluation: the reference interpreter, or a twin of it.
pub type Eval = fn(&Program, &[Tensor]) -> Result<Vec<Tensor>, EvalError>;

/// Instantiates every law of evaluation for an [`Eval`].
///
/// ```
/// laws::evaluator!(tensor::eval);
/// ```
#[macro_export]
macro_rules! evaluator {
    ($eval:expr) => {
        $crate::evaluator! { $eval;
            arithmetic_gives_one_nan
            minimum_and_maximum_order_zeros
            comparisons_follow_ieee
            conversions_saturate
            integers_wrap
            requantise_rounds_halves_away
            copies_keep_bits
            outside_is_zero
            matmul_is_one_chain
            sum_has_32_lanes
            the_first_nan_is_the_greatest
            scatter_adds_in_order
            random_bits_are_philox
            being_observed_changes_nothing
            wrong_inputs_are_refused
            golden_vectors_hold
        }
    };
    ($eval:expr; $($law:ident)*) => {
        $(
            #[test]
            fn $law() {
                $crate::suite::$law($eval);
            }
        )*
    };
}

/// Instantiates the comparison of a twin with the reference interpreter.
#[macro_export]
macro_rules! twin {
    ($eval:expr) => {
        #[test]
        fn equals_the_reference_on_random_programs() {
            $crate::suite::equals_the_reference($eval);
        }
    };
}
