//! The three element types.
//!
//! Invariant: the codes are part of the encoding and never change.
//! Absent: booleans (an `i32` 0 or 1), half precision, 64-bit integers.

use std::fmt;

/// The type of every element of a tensor.
///
/// ```
/// use tensor::Dtype;
///
/// assert_eq!(Dtype::F64.size(), 8);
/// assert_eq!(Dtype::I32.to_string(), "i32");
/// assert_eq!(Dtype::from_code(Dtype::F32.code()), Some(Dtype::F32));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dtype {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
    /// Two's complement, 32 bits.
    I32,
}

impl Dtype {
    /// All dtypes, by ascending code.
    ///
    /// ```
    /// assert_eq!(tensor::Dtype::ALL.len(), 3);
    /// ```
    pub const ALL: [Dtype; 3] = [Dtype::F32, Dtype::F64, Dtype::I32];

    /// Returns the bytes of one element.
    ///
    /// ```
    /// assert_eq!(tensor::Dtype::F32.size(), 4);
    /// ```
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Dtype::F32 | Dtype::I32 => 4,
            Dtype::F64 => 8,
        }
    }

    /// Returns whether elements are floating-point numbers, and so have a gradient.
    ///
    /// ```
    /// assert!(!tensor::Dtype::I32.is_float());
    /// ```
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self, Dtype::F32 | Dtype::F64)
    }

    /// Returns the byte that stands for this dtype in encodings.
    ///
    /// ```
    /// assert_eq!(tensor::Dtype::F32.code(), 0);
    /// ```
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Dtype::F32 => 0,
            Dtype::F64 => 1,
            Dtype::I32 => 2,
        }
    }

    /// Returns the dtype of a code, or `None` if there is none.
    ///
    /// ```
    /// assert_eq!(tensor::Dtype::from_code(3), None);
    /// ```
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Dtype> {
        match code {
            0 => Some(Dtype::F32),
            1 => Some(Dtype::F64),
            2 => Some(Dtype::I32),
            _ => None,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dtype::F32 => "f32",
            Dtype::F64 => "f64",
            Dtype::I32 => "i32",
        })
    }
}
