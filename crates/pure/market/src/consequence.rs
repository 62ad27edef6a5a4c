//! What raising maintenance margin to a level would do: whom it would make liquidatable.
//!
//! `PanelGate` raises maintenance margin in steps, each with a claim about this Program over the
//! accounts' root: how many accounts the level leaves short, and their notional. Inputs are the
//! protocol's accounts and the level, so anybody who has the accounts can run it again.
//!
//! *Total: an account that is no number is short.* Absent: what the accounts are, which is the
//! protocol's word, and how much is too much, which is its policy.

use tensor::{BuildError, Builder, Dtype, Program, ShapeError, Tensor};

/// An account as margin sees it, dollars.
///
/// ```
/// let account = market::Standing { equity: 1_000.0, notional: 1_500.0 };
/// assert!(account.equity / account.notional > 0.5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Collateral and what positions gained, at the mark.
    pub equity: f64,
    /// What margin is asked on.
    pub notional: f64,
}

/// Returns the Program `(accounts f64[n, 2], level f64[1]) -> outcome f64[2]`.
///
/// A row is an account's equity and notional; it is short where equity is not at least level times
/// notional. `outcome` is how many are short and the sum of their notional, added as `sum` adds.
/// A row of zeros is never short.
///
/// # Errors
///
/// [`BuildError`] without accounts.
///
/// ```
/// use market::{Standing, consequence, consequence_inputs};
/// let accounts = [
///     Standing { equity: 1_000.0, notional: 1_500.0 },
///     Standing { equity: 90.0, notional: 1_000.0 },
/// ];
/// let out = tensor::eval(&consequence(4)?, &consequence_inputs(&accounts, 4, 0.1)?)?;
/// assert_eq!(out[0].as_f64(), Some(&[1.0, 1_000.0][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn consequence(accounts: usize) -> Result<Program, BuildError> {
    let mut b = Builder::new();
    let all = b.input(Dtype::F64, &[accounts, 2])?;
    let level = b.input(Dtype::F64, &[1])?;
    let equity = b.slice(all, &[0, 0], &[accounts, 1])?;
    let equity = b.reshape(equity, &[accounts])?;
    let notional = b.slice(all, &[0, 1], &[accounts, 2])?;
    let notional = b.reshape(notional, &[accounts])?;
    let level = b.broadcast(level, &[accounts])?;
    let asked = b.mul(level, notional)?;
    let enough = b.le(asked, equity)?;
    let zeros = b.full(Dtype::F64, &[accounts], 0.0)?;
    let ones = b.full(Dtype::F64, &[accounts], 1.0)?;
    let short = b.select(enough, zeros, ones)?;
    let exposed = b.select(enough, zeros, notional)?;
    let count = b.sum(short, 0)?;
    let count = b.reshape(count, &[1])?;
    let sum = b.sum(exposed, 0)?;
    let sum = b.reshape(sum, &[1])?;
    let outcome = b.concat(&[count, sum], 0)?;
    b.finish(&[outcome])
}

/// Returns the inputs of [`consequence`]; accounts beyond those there are, are zeros.
///
/// # Errors
///
/// [`ShapeError`] if there are more accounts than `room`, or there is no room.
///
/// ```
/// assert!(market::consequence_inputs(&[], 0, 0.1).is_err());
/// ```
pub fn consequence_inputs(
    accounts: &[Standing],
    room: usize,
    level: f64,
) -> Result<[Tensor; 2], ShapeError> {
    let mut rows: Vec<f64> = accounts.iter().flat_map(|one| [one.equity, one.notional]).collect();
    if rows.len() < 2 * room {
        rows.resize(2 * room, 0.0);
    }
    Ok([Tensor::f64(&[room, 2], rows)?, Tensor::f64(&[1], vec![level])?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    /// 40 accounts around the level, and every kind of number that is none.
    fn crowd() -> Vec<Standing> {
        let mut all: Vec<Standing> = (0_i32..40)
            .map(|i| {
                let notional = f64::from(1 + i * 37 % 11) * 1_000.25;
                Standing { equity: notional * f64::from(i % 9) * 0.025, notional }
            })
            .collect();
        let odd = [f64::NAN, f64::NEG_INFINITY, -1.0, -0.0, f64::MIN_POSITIVE, f64::INFINITY];
        all.extend(odd.map(|equity| Standing { equity, notional: 512.0 }));
        all.push(Standing { equity: 0.0, notional: 0.0 });
        all
    }

    fn outcome(accounts: &[Standing], room: usize, level: f64) -> (f64, f64) {
        let program = consequence(room).expect("room");
        let inputs = consequence_inputs(accounts, room, level).expect("they fit");
        let out = tensor::eval(&program, &inputs).expect("it runs");
        let [count, notional] = out[0].as_f64().expect("f64") else { panic!("two numbers") };
        (*count, *notional)
    }

    #[test]
    #[expect(clippy::neg_cmp_op_on_partial_ord, reason = "what is no number is not enough")]
    fn whoever_has_not_enough_is_counted() {
        for level in [0.0, 0.05, 0.1, 0.15, 1.0] {
            let crowd = crowd();
            let (mut count, mut notional) = (0.0, 0.0);
            for one in crowd.iter().filter(|one| !(level * one.notional <= one.equity)) {
                (count, notional) = (count + 1.0, notional + one.notional);
            }
            let (got, sum) = outcome(&crowd, 64, level);
            assert_eq!(got, count, "at {level}");
            assert!((sum - notional).abs() <= 1e-9 * notional, "at {level}");
        }
    }

    #[test]
    fn a_higher_level_never_leaves_fewer_short() {
        let counts = (0..50).map(|i| outcome(&crowd(), 64, f64::from(i) * 0.02).0);
        assert!(counts.collect::<Vec<_>>().is_sorted());
    }

    #[test]
    fn room_without_accounts_changes_nothing() {
        let (few, many) = (outcome(&crowd(), 47, 0.1), outcome(&crowd(), 96, 0.1));
        assert_eq!(few.0, many.0);
        assert!(consequence_inputs(&crowd(), 46, 0.1).is_err());
    }

    /// What `contracts/test/Consequence.t.sol` reads, which runs the same rule on F64.
    fn vector() -> String {
        let (room, level) = (48, 0.1);
        let program = consequence(room).expect("room");
        let inputs = consequence_inputs(&crowd(), room, level).expect("they fit");
        let out = tensor::eval(&program, &inputs).expect("it runs");
        let roots = inputs.each_ref().map(Tensor::root);
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::from("0x"), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
        };
        let mut chunk = out[0].to_bytes();
        chunk.resize(256, 0);
        [
            "{\n  \"about\": \"market::consequence: accounts, a level, and what comes out\",\n",
            "  \"version\": 1,\n",
            &format!("  \"program\": \"{}\",\n", hex(&program.hash().0)),
            &format!("  \"accounts\": \"{}\",\n", hex(&inputs[0].to_bytes())),
            &format!("  \"accounts_root\": \"{}\",\n", hex(&roots[0].0)),
            &format!("  \"level\": \"{}\",\n", hex(&inputs[1].to_bytes())),
            &format!("  \"inputs_root\": \"{}\",\n", hex(&tensor::tree::root(&roots).0)),
            &format!("  \"chunk\": \"{}\",\n", hex(&chunk)),
            &format!("  \"output_root\": \"{}\"\n}}\n", hex(&out[0].root().0)),
        ]
        .concat()
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the vector is a file that Solidity reads too")]
    fn the_vector_is_what_comes_out() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../vectors/consequence_v1.json");
        if std::env::var_os("ASSAY_WRITE_VECTORS").is_some() {
            std::fs::write(path, vector()).expect("the file");
        }
        assert_eq!(std::fs::read_to_string(path).expect("the file"), vector());
    }
}
