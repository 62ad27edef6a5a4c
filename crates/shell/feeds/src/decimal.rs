//! Exact decimal numbers, as venues write them.
//!
//! *Invariant: a number is what its text says.* It never passes through a binary fraction on its
//! way in, and it keeps the digits it was written with, because some venues sign their text.
//! Absent: arithmetic. A price becomes a real number where a model begins, and only there.

use std::cmp::Ordering;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

/// The most digits behind the point.
pub const SCALE_MAX: u8 = 28;
/// The most digits that are counted one by one: below 2^64.
const SHORT: usize = 19;

/// A number of at most 28 digits: `units` x 10^-`scale`.
///
/// Numbers of one value are equal whatever they were written with: `1.50` is `1.5`, and prints as
/// `1.50`.
///
/// ```
/// use feeds::Decimal;
///
/// let price: Decimal = "58710.20".parse()?;
/// assert_eq!((price.units(), price.scale()), (5_871_020, 2));
/// assert_eq!(price, "58710.2".parse()?);
/// assert_eq!(price.to_string(), "58710.20");
/// assert_eq!("6.55e-06".parse::<Decimal>()?.to_string(), "0.00000655");
/// assert!("1.2.3".parse::<Decimal>().is_err());
/// # Ok::<(), feeds::NotDecimal>(())
/// ```
// Packed to the alignment of a u64: 24 bytes, not 32. Books are full of them.
#[derive(Clone, Copy, Default)]
#[repr(C, packed(8))]
pub struct Decimal {
    units: i128,
    scale: u8,
}

/// The text is no decimal number of at most 28 digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number of at most {SCALE_MAX} digits")]
pub struct NotDecimal;

/// Powers of ten up to 10^28.
const POWERS: [i128; SCALE_MAX as usize + 1] = {
    let mut powers = [1; SCALE_MAX as usize + 1];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self { units: 0, scale: 0 };

    /// Returns `units` x 10^-`scale`, or `None` where `scale` is above [`SCALE_MAX`].
    #[must_use]
    pub fn new(units: i64, scale: u8) -> Option<Self> {
        (scale <= SCALE_MAX).then_some(Self { units: i128::from(units), scale })
    }

    /// The digits as one whole number.
    #[must_use]
    pub fn units(self) -> i128 {
        self.units
    }

    /// How many of the digits stand behind the point.
    #[must_use]
    pub fn scale(self) -> u8 {
        self.scale
    }

    /// Returns the whole number of 10^-`scale` that this is, or `None` where it is none or too
    /// large.
    ///
    /// ```
    /// # use feeds::Decimal;
    /// let price: Decimal = "1.50".parse()?;
    /// assert_eq!((price.at_scale(4), price.at_scale(1)), (Some(15_000), Some(15)));
    /// assert_eq!((price.at_scale(0), price.at_scale(40)), (None, None));
    /// # Ok::<(), feeds::NotDecimal>(())
    /// ```
    #[must_use]
    pub fn at_scale(self, scale: u8) -> Option<i128> {
        match scale.cmp(&{ self.scale }) {
            Ordering::Equal => Some(self.units),
            Ordering::Greater => {
                let power = POWERS.get(usize::from(scale - self.scale))?;
                { self.units }.checked_mul(*power)
            }
            Ordering::Less => {
                let power = POWERS[usize::from(self.scale - scale)];
                (self.units % power == 0).then(|| self.units / power)
            }
        }
    }

    /// Returns a hundredth: the fraction that a percentage is; `None` past the last digit.
    #[must_use]
    pub fn hundredth(self) -> Option<Self> {
        let scale = self.scale + 2;
        (scale <= SCALE_MAX).then_some(Self { units: self.units, scale })
    }

    /// Returns the fewest digits that write the same number.
    #[must_use]
    pub fn trimmed(self) -> Self {
        let mut shorter = self;
        while shorter.scale > 0 && { shorter.units } % 10 == 0 {
            shorter = Self { units: shorter.units / 10, scale: shorter.scale - 1 };
        }
        shorter
    }

    /// Whether it is zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.units == 0
    }

    /// Returns the nearest f64, ties to even.
    ///
    /// ```
    /// # use feeds::Decimal;
    /// assert_eq!("0.1".parse::<Decimal>()?.to_f64(), 0.1);
    /// # Ok::<(), feeds::NotDecimal>(())
    /// ```
    #[must_use]
    pub fn to_f64(self) -> f64 {
        /// Up to here whole numbers are exact, and so are powers of ten up to 10^22.
        const EXACT: u128 = 1 << 53;
        if { self.units }.unsigned_abs() <= EXACT && self.scale <= 22 {
            // Two exact numbers, so the quotient is rounded once.
            #[expect(clippy::cast_precision_loss, reason = "both are exact")]
            return self.units as f64 / POWERS[usize::from(self.scale)] as f64;
        }
        self.to_string().parse().expect("what it prints is a number")
    }

    /// Reads a number from ASCII: digits with at most one point, a minus before and an exponent
    /// after.
    ///
    /// # Errors
    ///
    /// [`NotDecimal`] where the bytes are anything else, or need more than 28 digits.
    pub fn read(text: &[u8]) -> Result<Self, NotDecimal> {
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        if digits.len() > SHORT {
            return long(digits, negative);
        }
        // Nineteen bytes are at most nineteen digits, which a u64 holds.
        let mut units = 0_u64;
        let mut point = None;
        for (at, byte) in digits.iter().enumerate() {
            match byte {
                b'0'..=b'9' => units = units * 10 + u64::from(byte - b'0'),
                b'.' if point.is_none() => point = Some(at),
                _ => return long(digits, negative),
            }
        }
        let scale = places(digits.len(), point)?;
        let units = i128::from(units);
        Ok(Self { units: if negative { -units } else { units }, scale })
    }
}

/// Returns how many of the digits stand behind the point, which needs some on both sides.
fn places(length: usize, point: Option<usize>) -> Result<u8, NotDecimal> {
    let places = match point {
        None if length == 0 => return Err(NotDecimal),
        None => 0,
        Some(at) if at == 0 || at + 1 == length => return Err(NotDecimal),
        Some(at) => length - at - 1,
    };
    u8::try_from(places).map_err(|_| NotDecimal)
}

/// Reads what is long or has an exponent; zeros that change nothing do not count as digits.
fn long(digits: &[u8], negative: bool) -> Result<Decimal, NotDecimal> {
    let e = digits.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let exponent = e.map_or(Ok(0), |e| exponent(&digits[e + 1..]))?;
    let digits = &digits[..e.unwrap_or(digits.len())];
    let point = digits.iter().position(|byte| *byte == b'.');
    let places = i32::from(places(digits.len(), point)?);
    let mut units = 0_i128;
    // Zeros are put in front of the next other digit, and those at the end nowhere.
    let mut zeros = 0_i32;
    for (_, byte) in digits.iter().enumerate().filter(|(at, _)| Some(*at) != point) {
        zeros += 1;
        if *byte == b'0' {
            continue;
        }
        let digit = i128::from(byte.wrapping_sub(b'0'));
        let power = POWERS.get(usize::try_from(zeros).map_err(|_| NotDecimal)?);
        let shift = if units == 0 { &10 } else { power.ok_or(NotDecimal)? };
        units = units.checked_mul(*shift).ok_or(NotDecimal)? + digit;
        if digit > 9 || units >= POWERS[usize::from(SCALE_MAX)] {
            return Err(NotDecimal);
        }
        zeros = 0;
    }
    let units = if negative { -units } else { units };
    scaled(units, places - zeros - exponent)
}

fn exponent(text: &[u8]) -> Result<i32, NotDecimal> {
    let text = std::str::from_utf8(text).map_err(|_| NotDecimal)?;
    let exponent: i32 = text.parse().map_err(|_| NotDecimal)?;
    if exponent.abs() <= 2 * i32::from(SCALE_MAX) { Ok(exponent) } else { Err(NotDecimal) }
}

/// Returns `units` x 10^-`places`.
fn scaled(units: i128, places: i32) -> Result<Decimal, NotDecimal> {
    if units == 0 {
        return Ok(Decimal::ZERO);
    }
    if let Ok(scale) = u8::try_from(places) {
        return if scale <= SCALE_MAX { Ok(Decimal { units, scale }) } else { Err(NotDecimal) };
    }
    let power = usize::try_from(places.unsigned_abs()).ok().and_then(|zeros| POWERS.get(zeros));
    let units = power.and_then(|power| units.checked_mul(*power)).ok_or(NotDecimal)?;
    if units.abs() < POWERS[usize::from(SCALE_MAX)] {
        Ok(Decimal { units, scale: 0 })
    } else {
        Err(NotDecimal)
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.units, other.units);
        match { self.scale }.cmp(&{ other.scale }) {
            Ordering::Equal => a.cmp(&b),
            Ordering::Less => raised(a, other.scale - self.scale).map_or(a.cmp(&0), |a| a.cmp(&b)),
            Ordering::Greater => {
                raised(b, self.scale - other.scale).map_or(0.cmp(&b), |b| a.cmp(&b))
            }
        }
    }
}

/// Returns `units` x 10^`digits`, or `None` where that is beyond every other number.
fn raised(units: i128, digits: u8) -> Option<i128> {
    units.checked_mul(POWERS[usize::from(digits)])
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = self.units;
        let sign = if units < 0 { "-" } else { "" };
        let power = POWERS[usize::from(self.scale)].unsigned_abs();
        let (whole, rest) = (units.unsigned_abs() / power, units.unsigned_abs() % power);
        match self.scale {
            0 => write!(f, "{sign}{whole}"),
            scale => write!(f, "{sign}{whole}.{rest:0>width$}", width = usize::from(scale)),
        }
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Decimal {
    type Err = NotDecimal;

    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        Self::read(text.as_bytes())
    }
}

/// From a string. A JSON number has lost its text by the time serde hands it over, so it is read
/// by `wire::read::Number` instead.
impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Decimal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal number in a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
                Decimal::read(text.as_bytes())
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<(i128, u8)> {
        text.parse().ok().map(|d: Decimal| (d.units, d.scale))
    }

    #[test]
    fn texts_and_what_they_say() {
        assert_eq!(read("0"), Some((0, 0)));
        assert_eq!(read("-0.001"), Some((-1, 3)));
        assert_eq!(read("50.00000000"), Some((5_000_000_000, 8)));
        assert_eq!(read("183980295.7999999821"), Some((1_839_802_957_999_999_821, 10)));
        assert_eq!(read("15166691921.953897476"), Some((15_166_691_921_953_897_476, 9)));
        assert_eq!(read("1e3"), Some((1_000, 0)));
        assert_eq!(read("-1.20E-2"), Some((-12, 3)));
        assert_eq!(read("0e99"), None, "an exponent out of all proportion");
        assert_eq!(read("1.0000000000000000000000"), Some((1, 0)));
        assert_eq!(read("-1.2500000000000000000000"), Some((-125, 2)));
        assert_eq!(read("100000000000000000000000000"), Some((POWERS[26], 0)));
        assert_eq!(read("9999999999999999999999999999"), Some((POWERS[28] - 1, 0)));
        assert_eq!(read("0000000000000000000000000000000000000000.5"), Some((5, 1)));
        for text in ["", "-", ".", "1.", ".5", "+1", " 1", "1 ", "1_0", "NaN", "1.2.3", "1e", "e1"]
        {
            assert_eq!(read(text), None, "{text:?}");
        }
        for text in ["10000000000000000000000000000", "1e28", "1e-29", "1e999999999", "1:2e1"] {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!(read("1.00000000000000000000000000000000000000000000000000001"), None);
    }

    #[test]
    fn the_largest_compare() {
        let mut ordered = ["-9e27", "-1", "-1e-28", "0", "1e-28", "0.10", "1", "9e27"]
            .map(|text| text.parse::<Decimal>().expect("in range"));
        let wanted = ordered;
        ordered.reverse();
        ordered.sort();
        assert_eq!(ordered, wanted);
    }

    proptest! {
        #[test]
        fn printing_and_reading_are_inverse(
            units in -POWERS[28] + 1..POWERS[28],
            short in -POWERS[18]..POWERS[18],
            scale in 0..=28u8,
        ) {
            let number = Decimal { units: short, scale: scale % 19 };
            let again: Decimal = number.to_string().parse().expect("printed");
            if number.to_string().trim_start_matches('-').len() <= SHORT {
                prop_assert_eq!(({ again.units }, again.scale), (short, scale % 19));
            }
            for number in [number, Decimal { units, scale }] {
                prop_assert_eq!(number.to_string().parse::<Decimal>(), Ok(number));
            }
        }

        #[test]
        fn order_is_that_of_the_values(
            (a, b) in (-1_000_000i64..1_000_000, -1_000_000i64..1_000_000),
            (s, t) in (0..=6u8, 0..=6u8),
        ) {
            let new = |units, scale| Decimal::new(units, scale).expect("a small scale");
            let (x, y) = (new(a, s), new(b, t));
            let wide = |d: Decimal| d.units * POWERS[usize::from(6 - d.scale)];
            prop_assert_eq!(x.cmp(&y), wide(x).cmp(&wide(y)));
            prop_assert_eq!(x, x.trimmed());
        }

        #[test]
        fn a_real_number_is_the_nearest(units in any::<i64>(), scale in 0..=28u8) {
            let number = Decimal { units: i128::from(units), scale };
            let nearest: f64 = number.to_string().parse().expect("printed");
            prop_assert_eq!(number.to_f64().to_bits(), (nearest + 0.0).to_bits());
        }

        #[test]
        fn any_bytes_are_a_number_or_not(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = Decimal::read(&bytes);
        }

        #[test]
        fn anything_like_a_number_is_read_as_f64_reads_it(
            text in "-?[0-9]{1,12}(\\.[0-9]{1,16})?(e-?[0-9])?",
        ) {
            if let Ok(number) = text.parse::<Decimal>() {
                let wanted: f64 = text.parse().expect("a number to std too");
                prop_assert_eq!(number.to_f64(), wanted);
            }
        }
    }
}
