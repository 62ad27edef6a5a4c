//! Partial sums held against each other, and against the shares.
//!
//! Each share of a roll has two holders, who must state the same sum of it. Where they do not, a
//! holder of the shares recomputes: what anybody stated that is not the Program's output is a lie,
//! and there always is one. Between the two holders that is [`judge`], on whole shares; before the
//! chain it is a dispute about the Program [`super::partial`], which ends with one addition.
//!
//! Invariants: [`Verdict`] is about statements alone and needs the shares that were committed to;
//! shares that were not are an [`Inability`], whoever brings them. Absent: a lie that both holders
//! of a share tell, which nobody else can see.

use tensor::{EvalError, Hash, Tensor, eval};

use super::{Lost, PartialError, Roll, SHARES, holders, partial};

/// What a member states: the sum of one share over a roll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Place of the member in its bucket.
    pub member: usize,
    /// Which share.
    pub share: usize,
    /// Tensor root of the partial sum.
    pub root: Hash,
}

/// How the sum of one share stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Both holders state this root.
    Agreed {
        /// Root of the sum.
        root: Hash,
    },
    /// One holder alone states this root.
    Single {
        /// Root of the sum.
        root: Hash,
        /// Place of that holder.
        member: usize,
    },
    /// The statements differ: somebody lied, and [`judge`] says who.
    Disputed,
}

/// What recomputing says of one statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It is the sum.
    Right(Statement),
    /// It is not.
    Lied {
        /// What was stated.
        statement: Statement,
        /// Root of the sum.
        correct: Hash,
    },
}

/// Why nothing was judged: a fault of what was brought, and no verdict on a member.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Inability {
    /// There is no such share.
    #[error("there is no share {share} among {SHARES}")]
    NoSuchShare {
        /// The share asked for.
        share: usize,
    },
    /// Not one share a trainer.
    #[error("the roll has {expected} trainers, {got} shares were brought")]
    Count {
        /// Trainers on the roll.
        expected: usize,
        /// Shares brought.
        got: usize,
    },
    /// A share that its trainer did not commit to.
    #[error("the share of node {node} has root {got}, committed is {committed}")]
    NotCommitted {
        /// Registry index of the trainer.
        node: u32,
        /// What it committed to.
        committed: Hash,
        /// The root of what was brought.
        got: Hash,
    },
    /// Committed shares that are none of so many coordinates.
    #[error(transparent)]
    Inputs(#[from] EvalError),
    /// No Program has these sizes.
    #[error(transparent)]
    Program(#[from] PartialError),
}

impl Statement {
    /// Returns what the member signs: keccak-256 of the words `tag, roll, share, root`, with
    /// [`Roll::hash`] as the roll.
    #[must_use]
    pub fn digest(&self, roll: Hash) -> Hash {
        let share = super::word(self.share as u64);
        Hash::of(&[&super::tag("assay/sums/partial/v1").0, &roll.0, &share, &self.root.0])
    }
}

/// Returns how the sum of a share stands by what its present holders stated; statements of others
/// count for nothing, and a holder that states two sums disputes itself.
///
/// # Errors
///
/// [`Lost::Share`] if no holder stated one.
pub fn standing(roll: &Roll, share: usize, stated: &[Statement]) -> Result<Standing, Lost> {
    let mut ours = of_holders(roll, share, stated);
    let first = ours.next().ok_or(Lost::Share { share })?;
    let mut standing = Standing::Single { root: first.root, member: first.member };
    for other in ours {
        if other.root != first.root {
            return Ok(Standing::Disputed);
        }
        if other.member != first.member {
            standing = Standing::Agreed { root: first.root };
        }
    }
    Ok(standing)
}

/// Judges what the holders of a share stated, from the shares of the roll's trainers in its order.
///
/// # Errors
///
/// [`Inability`] if the shares are not those committed to, or are of another size.
pub fn judge(
    roll: &Roll,
    (share, d): (usize, usize),
    shares: &[Tensor],
    stated: &[Statement],
) -> Result<Vec<Verdict>, Inability> {
    let correct = sum(roll, (share, d), shares)?.root();
    let verdict = |statement: &Statement| match statement.root == correct {
        true => Verdict::Right(*statement),
        false => Verdict::Lied { statement: *statement, correct },
    };
    Ok(of_holders(roll, share, stated).map(verdict).collect())
}

/// Returns the partial sum of a share of `d` coordinates over a roll.
///
/// # Errors
///
/// As [`judge`].
pub fn sum(
    roll: &Roll,
    (share, d): (usize, usize),
    shares: &[Tensor],
) -> Result<Tensor, Inability> {
    if share >= SHARES {
        return Err(Inability::NoSuchShare { share });
    }
    let (expected, got) = (roll.trainers.len(), shares.len());
    if expected != got {
        return Err(Inability::Count { expected, got });
    }
    for (trainer, brought) in roll.trainers.iter().zip(shares) {
        let (committed, got) = (trainer.roots[share], brought.root());
        if committed != got {
            return Err(Inability::NotCommitted { node: trainer.node, committed, got });
        }
    }
    let program = partial(expected, d)?;
    Ok(eval(&program, shares)?.swap_remove(0))
}

fn of_holders<'a>(
    roll: &'a Roll,
    share: usize,
    stated: &'a [Statement],
) -> impl Iterator<Item = &'a Statement> {
    let holds = move |member: usize| {
        share < SHARES && holders(share).contains(&member) && roll.present[member]
    };
    stated.iter().filter(move |statement| statement.share == share && holds(statement.member))
}
