//! Exact conversion of f64 to the fixed-point numbers of contracts, 18 decimals ("wad").
//!
//! A double is an integer times a power of two, so `floor(x * 10^18)` can be had exactly: the
//! 53-bit integer times 10^18 fits 113 bits, and the power of two is a shift.

use std::fmt;

use thiserror::Error;

/// One in wad units.
const ONE: u128 = 1_000_000_000_000_000_000;

/// A non-negative number in units of 10^-18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wad(pub u128);

/// Why a double has no wad.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum WadError {
    /// The number is NaN or infinite.
    #[error("{0} is not a number")]
    NotFinite(f64),
    /// The number is below zero.
    #[error("{0} is negative")]
    Negative(f64),
    /// The number times 10^18 does not fit 128 bits.
    #[error("{0} is too large for 18 decimals in 128 bits")]
    TooLarge(f64),
}

impl Wad {
    /// The number one.
    pub const ONE: Wad = Wad(ONE);

    /// Returns `floor(x * 10^18)`, exactly: no intermediate rounding. -0 is 0.
    ///
    /// # Errors
    ///
    /// [`WadError`] if `x` is not finite, negative, or at least 2^128 / 10^18 (about 3.4e20).
    ///
    /// ```
    /// use market::Wad;
    /// assert_eq!(Wad::from_f64(0.5)?.0, 500_000_000_000_000_000);
    /// assert_eq!(Wad::from_f64(0.1)?.0, 100_000_000_000_000_005); // 0.1 is a little more
    /// assert!(Wad::from_f64(-1.0).is_err());
    /// # Ok::<(), market::WadError>(())
    /// ```
    pub fn from_f64(x: f64) -> Result<Wad, WadError> {
        if !x.is_finite() {
            return Err(WadError::NotFinite(x));
        }
        if x < 0.0 {
            return Err(WadError::Negative(x));
        }
        let (integer, exponent) = parts(x);
        let product = u128::from(integer) * ONE;
        let shift = exponent.unsigned_abs();
        if exponent < 0 {
            return Ok(Wad(product.checked_shr(shift).unwrap_or(0)));
        }
        if product != 0 && shift > product.leading_zeros() {
            return Err(WadError::TooLarge(x));
        }
        Ok(Wad(product << shift.min(127)))
    }

    /// Returns the least wad not below `x * 10^18`, exactly. -0 is 0.
    ///
    /// # Errors
    ///
    /// Those of [`Wad::from_f64`].
    ///
    /// ```
    /// use market::Wad;
    /// assert_eq!(Wad::from_f64_up(0.5)?.0, 500_000_000_000_000_000);
    /// assert_eq!(Wad::from_f64_up(0.1)?.0, 100_000_000_000_000_006);
    /// assert_eq!(Wad::from_f64_up(1e-30)?.0, 1);
    /// # Ok::<(), market::WadError>(())
    /// ```
    pub fn from_f64_up(x: f64) -> Result<Wad, WadError> {
        let down = Wad::from_f64(x)?;
        let (integer, exponent) = parts(x);
        // Bits below the point are cut off; any of them that is set makes a rest.
        let product = u128::from(integer) * ONE;
        let cut = if exponent < 0 { exponent.unsigned_abs() } else { 0 };
        let rest = cut > product.trailing_zeros().min(127) && product != 0;
        if !rest {
            return Ok(down);
        }
        down.0.checked_add(1).map(Wad).ok_or(WadError::TooLarge(x))
    }
}

/// A finite, non-negative double as integer and power of two.
pub(crate) fn parts(x: f64) -> (u64, i32) {
    let bits = x.to_bits() & !(1 << 63);
    let (field, fraction) = (bits >> 52, bits & ((1 << 52) - 1));
    if field == 0 {
        return (fraction, -1_074);
    }
    let exponent = i32::try_from(field).unwrap_or(i32::MAX) - 1_075;
    (fraction | 1 << 52, exponent)
}

impl fmt::Display for Wad {
    /// Prints the exact decimal, without trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:018}", self.0 / ONE, self.0 % ONE);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        for (x, wad) in [
            (0.0, 0),
            (-0.0, 0),
            (1.0, ONE),
            (1e-18, 1),
            (9.99e-19, 0),
            (f64::MIN_POSITIVE, 0),
            (f64::from_bits(1), 0),
            (46.31, 46_310_000_000_000_002_273),
            (1_152_921_504_606_846_976.0, ONE << 60),
        ] {
            assert_eq!(Wad::from_f64(x), Ok(Wad(wad)), "{x}");
        }
        let largest = 340_282_366_920_938_430_000.0;
        assert!(Wad::from_f64(largest).is_ok());
        assert_eq!(Wad::from_f64(3.5e20), Err(WadError::TooLarge(3.5e20)));
        assert!(Wad::from_f64(f64::MAX).is_err());
        assert!(Wad::from_f64(f64::NAN).is_err() && Wad::from_f64(f64::INFINITY).is_err());
    }

    #[test]
    fn it_is_the_floor() {
        // x = m / 2^k exactly, so floor(x * 10^18) can be had by integer division.
        for k in [1_u32, 10, 30, 52] {
            for m in [1_u64, 3, 12_345_678_901, (1 << 53) - 1] {
                #[expect(clippy::cast_precision_loss, reason = "below 2^53: exact")]
                let x = m as f64 / (1_u64 << k) as f64;
                assert_eq!(
                    Wad::from_f64(x),
                    Ok(Wad(u128::from(m) * ONE / (1 << k))),
                    "{m} / 2^{k}"
                );
            }
        }
    }

    #[test]
    fn up_is_down_or_one_more() {
        for x in [0.0, -0.0, 1.0, 0.25, 1_152_921_504_606_846_976.0] {
            assert_eq!(Wad::from_f64_up(x), Wad::from_f64(x), "{x}");
        }
        for x in [0.1, 0.3, 46.31, 1e-18, 9.99e-19, f64::MIN_POSITIVE, f64::from_bits(1)] {
            let down = Wad::from_f64(x).expect("it fits").0;
            assert_eq!(Wad::from_f64_up(x), Ok(Wad(down + 1)), "{x}");
        }
        assert!(Wad::from_f64_up(f64::NAN).is_err() && Wad::from_f64_up(-1.0).is_err());
    }

    #[test]
    fn display_is_exact() {
        assert_eq!(Wad(ONE + 5).to_string(), "1.000000000000000005");
        assert_eq!(Wad(ONE * 20).to_string(), "20");
        assert_eq!(Wad(0).to_string(), "0");
    }
}
