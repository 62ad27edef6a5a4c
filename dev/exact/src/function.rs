//! The five functions under one name each: the op, the f64 estimate, the Program.
//!
//! *Invariant: the estimate comes from another library than the op.* Absent: f64 ops.

use std::fmt;
use std::str::FromStr;

use tensor::{BuildError, Builder, Dtype, Program, scalar::Float as _};

/// An elementary function of the op set.
///
/// ```
/// use exact::Function;
///
/// assert_eq!("erfc".parse(), Ok(Function::Erfc));
/// assert_eq!(Function::Exp.op(0.0), 1.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// e to the power.
    Exp,
    /// The natural logarithm.
    Log,
    /// The hyperbolic tangent.
    Tanh,
    /// The error function.
    Erf,
    /// One minus the error function.
    Erfc,
}

impl Function {
    /// All of them.
    pub const ALL: [Function; 5] =
        [Function::Exp, Function::Log, Function::Tanh, Function::Erf, Function::Erfc];

    /// Returns the name of the op.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Function::Exp => "exp",
            Function::Log => "log",
            Function::Tanh => "tanh",
            Function::Erf => "erf",
            Function::Erfc => "erfc",
        }
    }

    /// Returns what the op gives, by the scalar function behind interpreter and kernels.
    #[must_use]
    pub fn op(self, x: f32) -> f32 {
        match self {
            Function::Exp => x.op_exp(),
            Function::Log => x.op_log(),
            Function::Tanh => x.op_tanh(),
            Function::Erf => x.op_erf(),
            Function::Erfc => x.op_erfc(),
        }
    }

    /// Returns the value in f64 as another library has it, good to a few units of its last place.
    #[must_use]
    pub fn estimate(self, x: f32) -> f64 {
        let x = f64::from(x);
        match self {
            Function::Exp => libm::exp(x),
            Function::Log => libm::log(x),
            Function::Tanh => libm::tanh(x),
            Function::Erf => libm::erf(x),
            Function::Erfc => libm::erfc(x),
        }
    }

    /// Returns the Program of one input that applies the op to each of `count` elements.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if no tensor has so many.
    pub fn program(self, count: usize) -> Result<Program, BuildError> {
        let mut b = Builder::new();
        let x = b.input(Dtype::F32, &[count])?;
        let y = match self {
            Function::Exp => b.exp(x),
            Function::Log => b.log(x),
            Function::Tanh => b.tanh(x),
            Function::Erf => b.erf(x),
            Function::Erfc => b.erfc(x),
        }?;
        b.finish(&[y])
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Function {
    type Err = String;

    fn from_str(name: &str) -> Result<Function, String> {
        let found = Function::ALL.into_iter().find(|function| function.name() == name);
        found.ok_or_else(|| format!("{name:?} is none of exp, log, tanh, erf, erfc"))
    }
}
