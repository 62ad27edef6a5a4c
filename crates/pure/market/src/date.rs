//! A calendar day, counted from 1970-01-01 in the proleptic Gregorian calendar.
//!
//! A [`Date`] is a day number and nothing else: no time zone, no clock. Conversion to and from
//! year, month and day goes through years that begin in March, so that the leap day comes last.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_FROM_MARCH_0: i64 = 719_468;
/// Days in 400 Gregorian years.
const ERA_DAYS: i64 = 146_097;
/// Seconds in a day.
const DAY_S: i64 = 86_400;

/// A calendar day, as the number of days since 1970-01-01.
///
/// ```
/// use market::Date;
/// let day: Date = "2015-03-02".parse()?;
/// assert_eq!(day.number(), 16_496);
/// assert_eq!(day.next().to_string(), "2015-03-03");
/// assert!("2015-02-29".parse::<Date>().is_err());
/// # Ok::<(), market::DateError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

/// Why a text or a triple is not a calendar day.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is not a day of the form YYYY-MM-DD between years 1 and 9999")]
pub struct DateError {
    /// What was read.
    pub text: String,
}

impl Date {
    /// Returns the day with this number (0 is 1970-01-01).
    #[must_use]
    pub const fn from_number(number: i32) -> Date {
        Date(number)
    }

    /// Returns the number of days since 1970-01-01.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Returns the day after this one.
    #[must_use]
    pub const fn next(self) -> Date {
        Date(self.0.saturating_add(1))
    }

    /// Returns the UTC day a Unix time in seconds falls on, or `None` beyond the range of days.
    ///
    /// ```
    /// assert_eq!(market::Date::of_unix(86_399).map(|d| d.number()), Some(0));
    /// assert_eq!(market::Date::of_unix(-1).map(|d| d.number()), Some(-1));
    /// ```
    #[must_use]
    pub fn of_unix(seconds: i64) -> Option<Date> {
        i32::try_from(seconds.div_euclid(DAY_S)).ok().map(Date)
    }

    /// Returns the Unix time in seconds at which this day begins in UTC.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0 as i64 * DAY_S
    }

    /// Returns the day with this year (1 to 9999), month (from 1) and day of the month (from 1).
    ///
    /// # Errors
    ///
    /// [`DateError`] if there is no such day.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Result<Date, DateError> {
        let wrong = || DateError { text: format!("{year:04}-{month:02}-{day:02}") };
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return Err(wrong());
        }
        let shifted = i64::from(year) - i64::from(month <= 2);
        let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
        let from_march = i64::from((month + 9) % 12);
        let of_year = (153 * from_march + 2) / 5 + i64::from(day) - 1;
        let days = era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        let date = Date(i32::try_from(days - EPOCH_FROM_MARCH_0).map_err(|_| wrong())?);
        if date.ymd() == (i64::from(year), i64::from(month), i64::from(day)) {
            Ok(date)
        } else {
            Err(wrong())
        }
    }

    /// Returns year, month (from 1) and day of the month (from 1).
    #[must_use]
    pub fn ymd(self) -> (i64, i64, i64) {
        let shifted = i64::from(self.0) + EPOCH_FROM_MARCH_0;
        let (era, of_era) = (shifted.div_euclid(ERA_DAYS), shifted.rem_euclid(ERA_DAYS));
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        (era * 400 + year + i64::from(month <= 2), month, day)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Date, DateError> {
        let wrong = || DateError { text: text.to_owned() };
        let mut parts = text.split('-');
        let mut part = |digits: usize| {
            let piece = parts.next().ok_or_else(wrong)?;
            let plain = piece.len() == digits && piece.bytes().all(|b| b.is_ascii_digit());
            if plain { piece.parse::<u32>().map_err(|_| wrong()) } else { Err(wrong()) }
        };
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        if parts.next().is_some() {
            return Err(wrong());
        }
        Date::from_ymd(i32::try_from(year).map_err(|_| wrong())?, month, day).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        for (text, number) in
            [("1970-01-01", 0), ("1969-12-31", -1), ("2000-02-29", 11_016), ("2026-01-01", 20_454)]
        {
            let date: Date = text.parse().expect("a real day");
            assert_eq!(date.number(), number, "{text}");
            assert_eq!(date.to_string(), text);
        }
    }

    #[test]
    fn every_day_of_nine_centuries_round_trips_in_order() {
        let first: Date = "1600-01-01".parse().expect("a real day");
        let mut before = (0, 0, 0);
        for number in first.number()..first.number() + 900 * 366 {
            let date = Date::from_number(number);
            assert!(date.ymd() > before);
            before = date.ymd();
            assert_eq!(date.to_string().parse(), Ok(date));
        }
    }

    #[test]
    fn what_is_not_a_day_is_refused() {
        for text in
            ["", "2015-3-02", "1900-02-29", "2015-13-01", "2015-00-10", "2015-01-01-", "0000-01-01"]
        {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }
}
