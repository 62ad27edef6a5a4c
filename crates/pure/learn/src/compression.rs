//! How a job's updates are made small: the share of parameters that a round is about, and the unit
//! that they are rounded to.
//!
//! Absent: the bytes, which are `round`'s (`packed`): an update's numbers are what is committed to,
//! whatever their bytes on the way.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::{Coordinates, STRETCH_MAX};

/// The finest unit is 2^-24.
const BITS_MAX: u32 = 24;

/// What is fixed of a job's updates. Written as `1/25@13`, or `4%@13`: one parameter of every 25,
/// in units of 2^-13; without the last part in units of 2^-20.
///
/// ```
/// use learn::Compression;
///
/// let few: Compression = "4%@13".parse()?;
/// assert_eq!(few, Compression { stretch: 25, bits: 13 });
/// assert_eq!(few.to_string(), "1/25@13");
/// assert_eq!(few.coordinates(50_000).count(), 2_000);
/// assert_eq!("100%".parse(), Ok(Compression::ALL));
/// assert_eq!(Compression::ALL.step(), learn::step());
/// # Ok::<(), learn::ParseCompressionError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// One parameter of so many is in a round's updates, 1 to [`STRETCH_MAX`].
    pub stretch: usize,
    /// Units are 2^-bits of a parameter, 0 to 24.
    pub bits: u32,
}

/// What is no compression.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{text:?} is no share of the parameters; write 4%, 1/25 or, in units of 2^-13, 4%@13 (at least \
     1/{STRETCH_MAX}, at most 2^-{BITS_MAX})"
)]
pub struct ParseCompressionError {
    /// What was read.
    pub text: String,
}

impl Compression {
    /// All parameters in units of 2^-20.
    pub const ALL: Compression = Compression { stretch: 1, bits: 20 };

    /// Returns units an update has per unit of a parameter.
    #[must_use]
    pub fn scale(self) -> f32 {
        1.0 / self.step()
    }

    /// Returns what the aggregation Program multiplies the mean update by.
    #[must_use]
    pub fn step(self) -> f32 {
        assert!(self.bits <= BITS_MAX, "units are at least 2^-{BITS_MAX}");
        (0..self.bits).fold(1.0, |step, _| step / 2.0)
    }

    /// Returns the coordinates of updates of so many parameters.
    #[must_use]
    pub fn coordinates(self, parameters: usize) -> Coordinates {
        Coordinates::new(parameters, self.stretch)
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1/{}@{}", self.stretch, self.bits)
    }
}

impl FromStr for Compression {
    type Err = ParseCompressionError;

    fn from_str(text: &str) -> Result<Compression, ParseCompressionError> {
        let parsed = || {
            let (share, bits) = match text.split_once('@') {
                Some((share, bits)) => (share, bits.parse().ok()?),
                None => (text, Compression::ALL.bits),
            };
            let stretch = match (share.strip_suffix('%'), share.strip_prefix("1/")) {
                (Some(percent), _) => of_percent(percent.parse().ok()?)?,
                (None, Some(stretch)) => stretch.parse().ok()?,
                (None, None) => return None,
            };
            let within = (1..=STRETCH_MAX).contains(&stretch) && bits <= BITS_MAX;
            within.then_some(Compression { stretch, bits })
        };
        parsed().ok_or_else(|| ParseCompressionError { text: text.to_owned() })
    }
}

/// The stretch of which one is nearest to a share.
fn of_percent(percent: f64) -> Option<usize> {
    if !(percent > 0.0 && percent <= 100.0) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    Some((100.0 / percent).round() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_and_others_refused() {
        for (text, stretch, bits) in
            [("1/1", 1, 20), ("50%", 2, 20), ("0.5%@0", 200, 0), ("1/65536@24", 65_536, 24)]
        {
            let read = Compression { stretch, bits };
            assert_eq!(text.parse(), Ok(read));
            assert_eq!(read.to_string().parse(), Ok(read));
        }
        for text in ["", "4", "0%", "-1%", "nan%", "101%", "1/0", "1/65537", "4%@25", "4%@", "2/3"]
        {
            assert!(text.parse::<Compression>().is_err(), "{text}");
        }
        let small = Compression { stretch: 1, bits: 3 };
        assert_eq!((small.step(), small.scale()), (0.125, 8.0));
    }
}
