//! A scalar of a tensor by its bits, as the court compares it.
//!
//! Invariant: equality is that of bits. Two zeros of different sign differ, and a NaN equals
//! itself; the decimal beside the bits is for the reader.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
    /// Two's complement, 32 bits.
    I32,
}

impl Dtype {
    /// Returns the dtype with this code, if there is one: 0 f32, 1 f64, 2 i32.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Dtype> {
        match code {
            0 => Some(Dtype::F32),
            1 => Some(Dtype::F64),
            2 => Some(Dtype::I32),
            _ => None,
        }
    }

    /// Returns the number of bits of an element.
    #[must_use]
    pub fn width(self) -> u32 {
        match self {
            Dtype::F32 | Dtype::I32 => 32,
            Dtype::F64 => 64,
        }
    }

    /// Returns the name, as in docs/numerics.md.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Dtype::F32 => "f32",
            Dtype::F64 => "f64",
            Dtype::I32 => "i32",
        }
    }
}

/// A scalar; displays as the shortest decimal that means it.
///
/// ```
/// use explorer::view::{Dtype, Scalar};
///
/// let value = Scalar::new(Dtype::F64, 0x401d_0000_0000_0000);
/// assert_eq!(value.to_string(), "7.25");
/// assert_eq!(value.hex(), "0x401d000000000000");
/// assert_eq!(Scalar::new(Dtype::I32, 0xffff_ffff).to_string(), "−1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Text", try_from = "Text")]
pub struct Scalar {
    dtype: Dtype,
    bits: u64,
}

impl Scalar {
    /// Takes a scalar's bits; bits above the dtype's width are no part of it.
    #[must_use]
    pub fn new(dtype: Dtype, bits: u64) -> Scalar {
        Scalar { dtype, bits: bits & (u64::MAX >> (64 - dtype.width())) }
    }

    /// Returns the dtype.
    #[must_use]
    pub fn dtype(self) -> Dtype {
        self.dtype
    }

    /// Returns the bits, those above the dtype's width zero.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.bits
    }

    /// Returns the bits as `0x` and one digit for each four.
    #[must_use]
    pub fn hex(self) -> String {
        let digits = self.dtype.width() as usize / 4;
        format!("0x{:0digits$x}", self.bits)
    }

    /// The decimal as machines read it.
    fn plain(self) -> String {
        match self.dtype {
            Dtype::F32 => {
                let value = f32::from_bits(self.low());
                decimal(value, f64::from(value.abs()))
            }
            Dtype::F64 => {
                let value = f64::from_bits(self.bits);
                decimal(value, value.abs())
            }
            Dtype::I32 => self.low().cast_signed().to_string(),
        }
    }

    fn low(self) -> u32 {
        u32::try_from(self.bits & u64::from(u32::MAX)).unwrap_or(u32::MAX)
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.plain().replace('-', "−");
        f.write_str(text.replace("inf", "∞").as_str())
    }
}

/// Writes the shortest decimal that reads back as the same float; `size` is its magnitude, and one
/// that would be a row of zeros gets an exponent.
fn decimal<T: fmt::Display + fmt::LowerExp>(value: T, size: f64) -> String {
    let plain = size == 0.0 || !size.is_finite() || (1e-5..1e15).contains(&size);
    if plain { value.to_string() } else { format!("{value:e}") }
}

/// How a scalar is written in JSON, where a number could not carry 64 bits.
#[derive(Serialize, Deserialize)]
struct Text {
    dtype: Dtype,
    bits: String,
    #[serde(default)]
    value: String,
}

impl From<Scalar> for Text {
    fn from(scalar: Scalar) -> Text {
        Text { dtype: scalar.dtype, bits: scalar.hex(), value: scalar.plain() }
    }
}

/// The bits of a scalar that are no hexadecimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bits are 0x and up to 16 hexadecimal digits")]
pub struct BitsError;

impl TryFrom<Text> for Scalar {
    type Error = BitsError;

    fn try_from(text: Text) -> Result<Scalar, BitsError> {
        let digits = text.bits.strip_prefix("0x").ok_or(BitsError)?;
        let bits = u64::from_str_radix(digits, 16).map_err(|_| BitsError)?;
        Ok(Scalar::new(text.dtype, bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(dtype: Dtype, bits: u64) -> String {
        Scalar::new(dtype, bits).to_string()
    }

    #[test]
    fn decimals_say_what_the_bits_are() {
        assert_eq!(shown(Dtype::F32, 0x40e8_0000), "7.25");
        assert_eq!(shown(Dtype::F32, 0x3dcc_cccd), "0.1");
        assert_eq!(shown(Dtype::F64, 0x400c_0000_0000_0000), "3.5");
        assert_eq!(shown(Dtype::F64, 1), "5e−324");
        assert_eq!(shown(Dtype::F64, 0x8000_0000_0000_0000), "−0");
        assert_eq!(shown(Dtype::F64, 0xfff0_0000_0000_0000), "−∞");
        assert_eq!(shown(Dtype::F32, 0x7fc0_0001), "NaN");
        assert_eq!(shown(Dtype::I32, 0x8000_0000), "−2147483648");
        assert_eq!(shown(Dtype::I32, 0xffff_ffff_0000_0007), "7");
    }

    #[test]
    fn scalars_survive_json_to_the_last_bit() {
        for (dtype, bits) in
            [(Dtype::F64, u64::MAX), (Dtype::F32, 0xff80_0000), (Dtype::I32, 0), (Dtype::F64, 1)]
        {
            let scalar = Scalar::new(dtype, bits);
            let json = serde_json::to_string(&scalar).expect("a scalar is JSON");
            assert_eq!(serde_json::from_str::<Scalar>(&json).expect("its own"), scalar, "{json}");
        }
        let wrong = r#"{"dtype":"f64","bits":"7"}"#;
        assert!(serde_json::from_str::<Scalar>(wrong).is_err());
    }
}
