//! A decimal number with eighteen places, as the contracts count: tokens in wei, prices and
//! fractions in wad.
//!
//! A [`Wad`] is one `i128`, the value times 10^18. `Display` and serde give the exact decimal
//! without needless zeros, and parsing takes it back; rounding happens only where a page asks for
//! fewer places, half away from zero, and the exact value stays in the page's tooltip.
//! Deliberately absent: arithmetic. The contracts did it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

const PLACES: usize = 18;
const ONE: u128 = 1_000_000_000_000_000_000;

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a decimal number with at most eighteen places, got {got:?}")]
pub struct AmountError {
    /// The text.
    pub got: String,
}

/// A decimal with eighteen places.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wad(pub i128);

impl Wad {
    /// Zero.
    pub const ZERO: Wad = Wad(0);

    /// Returns this many wei as an amount, or the largest amount if they are more than it can hold.
    #[must_use]
    pub fn from_wei(wei: u128) -> Wad {
        Wad(i128::try_from(wei).unwrap_or(i128::MAX))
    }

    /// Returns the nearest amount, or the largest where it is beyond all.
    #[must_use]
    pub fn from_f64(whole: f64) -> Wad {
        #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
        Wad((whole * 1e18) as i128)
    }

    /// Returns the nearest f64, for charts.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1e18
    }

    /// Returns the number rounded to `places`, half away from zero, with commas between thousands.
    ///
    /// ```
    /// use explorer::view::Wad;
    /// let amount: Wad = "-1234567.895".parse()?;
    /// assert_eq!(amount.rounded(2), "−1,234,567.90");
    /// assert_eq!(amount.rounded(0), "−1,234,568");
    /// # Ok::<(), explorer::view::AmountError>(())
    /// ```
    #[must_use]
    pub fn rounded(self, places: usize) -> String {
        let places = places.min(PLACES);
        let cut = 10_u128.pow(u32::try_from(PLACES - places).unwrap_or(0));
        let magnitude = self.0.unsigned_abs();
        let units = magnitude / cut + u128::from(magnitude % cut >= cut.div_ceil(2) && cut > 1);
        let scale = 10_u128.pow(u32::try_from(places).unwrap_or(0));
        let sign = if self.0 < 0 && units > 0 { "−" } else { "" };
        let whole = crate::format::thousands(units / scale);
        if places == 0 {
            return format!("{sign}{whole}");
        }
        format!("{sign}{whole}.{:0places$}", units % scale)
    }

    /// Returns the number times a hundred, rounded to `places`, for fractions.
    #[must_use]
    pub fn percent(self, places: usize) -> String {
        Wad(self.0.saturating_mul(100)).rounded(places)
    }
}

impl fmt::Display for Wad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}", magnitude / ONE)?;
        if magnitude.is_multiple_of(ONE) {
            return Ok(());
        }
        let places = format!("{:018}", magnitude % ONE);
        write!(f, ".{}", places.trim_end_matches('0'))
    }
}

impl fmt::Debug for Wad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wad({})", self.0)
    }
}

impl FromStr for Wad {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Wad, AmountError> {
        let bad = || AmountError { got: text.to_owned() };
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, places) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !plain(whole) || !plain(places) || places.len() > PLACES {
            return Err(bad());
        }
        let sign = if negative { "-" } else { "" };
        format!("{sign}{whole}{places:0<18}").parse().map(Wad).map_err(|_| bad())
    }
}

impl Serialize for Wad {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Wad {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Wad, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wad(text: &str) -> Wad {
        text.parse().expect("the test writes a decimal")
    }

    #[test]
    fn prints_exactly_and_parses_back() {
        for text in ["0", "1", "-1", "0.000000000000000001", "-12.5", "170141183460469231731.5"] {
            assert_eq!(wad(text).to_string(), text);
        }
        assert_eq!(wad(&Wad(i128::MIN).to_string()), Wad(i128::MIN));
        assert_eq!(wad("1.50"), Wad(1_500_000_000_000_000_000));
        for bad in ["", ".", "1.", ".5", "1e3", "+1", "--1", "0.0000000000000000001", "1,000"] {
            assert!(bad.parse::<Wad>().is_err(), "{bad} was taken");
        }
        assert!("170141183460469231732".parse::<Wad>().is_err(), "overflow was taken");
    }

    #[test]
    fn rounds_half_away_from_zero_and_never_prints_minus_zero() {
        assert_eq!(wad("0.005").rounded(2), "0.01");
        assert_eq!(wad("0.004999").rounded(2), "0.00");
        assert_eq!(wad("-0.005").rounded(2), "−0.01");
        assert_eq!(wad("-0.001").rounded(2), "0.00");
        assert_eq!(wad("999.995").rounded(2), "1,000.00");
        assert_eq!(wad("0.5").rounded(0), "1");
        assert_eq!(wad("1.000000000000000001").rounded(18), "1.000000000000000001");
        assert_eq!(wad("0.05234").percent(2), "5.23");
        assert_eq!(Wad(i128::MIN).percent(0), Wad(i128::MIN).rounded(0));
    }

    #[test]
    fn travels_as_text() {
        let json = serde_json::to_string(&wad("-0.25")).expect("a string serialises");
        assert_eq!(json, "\"-0.25\"");
        assert_eq!(serde_json::from_str::<Wad>(&json).expect("it was just written"), wad("-0.25"));
        assert_eq!(Wad::from_wei(u128::MAX), Wad(i128::MAX));
    }
}
