//! Why a row was paid what it was paid: one row of a score Program's outputs, in words.
//!
//! Absent: anything that is not in the outputs, so whoever has them can print the same.

use std::fmt;

use tensor::Tensor;

/// What a score Program said of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Registry index of the node whose row it is.
    pub member: u32,
    /// Score by order, in units of the loss: what the row's joining took off it, times the number
    /// of rows.
    pub by_order: Vec<f64>,
    /// Their mean, as the Program has it: what is paid for.
    pub score: f64,
    /// Standard error of the score from the means of pairs; `None` for one pair. It says how well
    /// the orders drawn stand for all, and nothing about the luck of one window.
    pub standard_error: Option<f64>,
    /// Share of the row's squared length that the last rounds' aggregates do not span, 0 to 1.
    pub original_share: f64,
    /// Length of the row in its own units, after it was shortened to the median.
    pub length: f64,
    /// Pay in gwei.
    pub pay_gwei: f64,
    /// Stake burnt, in gwei.
    pub burn_gwei: f64,
}

/// Returns one explanation a row from the Program's outputs, or `None` if they are not the outputs
/// of a score for these members.
#[must_use]
pub fn explain(members: &[u32], outputs: &[Tensor]) -> Option<Vec<Explanation>> {
    let [score, _, burn, pay, by_order, share, length] = outputs else { return None };
    let m = members.len();
    let of = |tensor: &Tensor| tensor.as_f64().filter(|x| x.len() == m).map(<[f64]>::to_vec);
    let (score, burn, pay) = (of(score)?, of(burn)?, of(pay)?);
    let (share, length) = (of(share)?, of(length)?);
    let by_order = by_order.as_f64()?;
    if m == 0 || by_order.len() % m != 0 {
        return None;
    }
    let row = |i: usize| {
        let own: Vec<f64> = by_order.iter().skip(i).step_by(m).copied().collect();
        Explanation {
            member: members[i],
            standard_error: standard_error(&own),
            by_order: own,
            score: score[i],
            original_share: share[i],
            length: length[i],
            pay_gwei: pay[i],
            burn_gwei: burn[i],
        }
    };
    Some((0..m).map(row).collect())
}

/// Of the mean of independent pairs.
fn standard_error(by_order: &[f64]) -> Option<f64> {
    let pairs: Vec<f64> = by_order.chunks_exact(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect();
    if pairs.len() < 2 {
        return None;
    }
    let count = crate::parts::float(pairs.len());
    let mean = pairs.iter().sum::<f64>() / count;
    let squares: f64 = pairs.iter().map(|x| (x - mean) * (x - mean)).sum();
    Some((squares / (count - 1.0) / count).sqrt())
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}: score {:+.6}", self.member, self.score)?;
        if let Some(error) = self.standard_error {
            write!(f, " ± {error:.6}")?;
        }
        writeln!(f, " over {} orders of joining", self.by_order.len())?;
        let percent = 100.0 * self.original_share;
        writeln!(f, "  length {:.1}, {percent:.1} % of its square original", self.length)?;
        match (self.pay_gwei > 0.0, self.burn_gwei > 0.0) {
            (true, _) => write!(f, "  paid {} gwei", self.pay_gwei),
            (false, true) => write!(f, "  lost {} gwei of stake", self.burn_gwei),
            (false, false) => write!(f, "  neither paid nor charged"),
        }
    }
}
