//! From scores to money: stake × rate × score, within ±[`SHARE_MAX`] of the stake, in whole gwei.
//!
//! A payout in proportion to what was put at stake, clipped to 5 % a round and burnt where it is
//! negative, is Numerai's (docs.numer.ai, staking). Burning the whole of a negative score is what
//! keeps noise from earning its better half.
//!
//! *Invariants: the sum of pay is at most the budget; a row's burn is at most [`SHARE_MAX`] of its
//! stake; everything is a whole number, and every sum of them below 2^53, so exact.*

use tensor::{BuildError, Builder, Value};

use crate::aggregate::BUDGET_MAX_GWEI;
use crate::parts::{Built, fill};

/// The largest share of a row's stake that one round pays or burns.
pub const SHARE_MAX: f64 = 0.05;
/// The largest stake of a row that counts, in gwei.
pub const STAKE_MAX_GWEI: u64 = 1 << 50;

/// What a round pays and burns, f64\[m\] each, in gwei.
pub(super) struct Paid {
    pub pay: Value,
    pub burn: Value,
}

/// Pay and burn of scores f64\[m\] on stakes f64\[m\] under a budget f64\[1\].
pub(super) fn pay(
    b: &mut Builder,
    (score, rate): (Value, f64),
    stakes: Value,
    budget: Value,
) -> Result<Paid, BuildError> {
    #[expect(clippy::cast_precision_loss, reason = "powers of two")]
    let (stake_max, budget_max) = (STAKE_MAX_GWEI as f64, BUDGET_MAX_GWEI as f64);
    let dims = *b.shape_of(score);
    let stakes = held(b, stakes, (0.0, stake_max))?;
    let budget = held(b, budget, (0.0, budget_max))?;
    let budget = b.floor(budget)?;
    let budget = b.broadcast(budget, dims.dims())?;
    let rate = fill(b, score, rate)?;
    let share = b.mul(score, rate)?;
    let share = held(b, share, (-SHARE_MAX, SHARE_MAX))?;
    let due = b.mul(stakes, share)?;
    let zero = fill(b, due, 0.0)?;
    let gain = b.max(due, zero)?;
    let gain = b.floor(gain)?;
    let loss = b.neg(due)?;
    let loss = b.max(loss, zero)?;
    let loss = b.floor(loss)?;

    let total = b.sum(gain, 0)?;
    let total = b.reshape(total, &[1])?;
    let total = b.broadcast(total, dims.dims())?;
    let within = b.le(total, budget)?;
    let pay = scaled(b, gain, (budget, total))?;
    let pay = b.select(within, gain, pay)?;
    let burn = scaled(b, loss, (budget, total))?;
    let burn = b.select(within, loss, burn)?;
    Ok(Paid { pay, burn })
}

/// `floor(budget × x / total)`.
fn scaled(b: &mut Builder, x: Value, (budget, total): (Value, Value)) -> Built {
    let x = b.mul(budget, x)?;
    let x = b.div(x, total)?;
    b.floor(x)
}

pub(super) fn held(b: &mut Builder, x: Value, (low, high): (f64, f64)) -> Built {
    let (low, high) = (fill(b, x, low)?, fill(b, x, high)?);
    let x = b.max(x, low)?;
    b.min(x, high)
}
