//! Numbers, dates and ages in words a reader can take in at a glance.
//!
//! Every function is pure and total: a value it cannot show becomes an em dash, never a panic.
//! Deliberately absent: locales. Commas between thousands, a point before decimals, ISO dates, UTC.

use jiff::Timestamp;

/// What stands for a value that does not exist.
pub const ABSENT: &str = "—";

/// Returns the digits with a comma between thousands.
///
/// ```
/// assert_eq!(explorer::format::thousands(1_234_567), "1,234,567");
/// ```
#[must_use]
pub fn thousands(number: u128) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Returns a block number, gas or count with commas.
#[must_use]
pub fn count(number: u64) -> String {
    thousands(u128::from(number))
}

/// Returns the day of these Unix seconds in UTC, as `2015-03-02`.
#[must_use]
pub fn date(seconds: i64) -> String {
    strftime(seconds, "%Y-%m-%d")
}

/// Returns day and time of these Unix seconds in UTC, as `2015-03-02 00:00:07`.
#[must_use]
pub fn date_time(seconds: i64) -> String {
    strftime(seconds, "%Y-%m-%d %H:%M:%S")
}

fn strftime(seconds: i64, pattern: &str) -> String {
    Timestamp::from_second(seconds)
        .map_or_else(|_| ABSENT.to_owned(), |time| time.strftime(pattern).to_string())
}

/// Returns a float with `places` decimals and a true minus sign; numbers that are no numbers become
/// a dash.
#[must_use]
pub fn decimal(value: f64, places: usize) -> String {
    if !value.is_finite() {
        return ABSENT.to_owned();
    }
    let text = format!("{value:.places$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|b| b == b'0' || b == b'.') => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

/// Returns seconds as a reader says them: `0.42 s`, `12 s`, `3 min 5 s`.
#[must_use]
pub fn seconds(value: f64) -> String {
    if !value.is_finite() || value < 0.0 {
        return ABSENT.to_owned();
    }
    if value < 9.995 {
        return format!("{value:.2} s");
    }
    if value < 99.95 {
        return format!("{value:.1} s");
    }
    let minutes = (value / 60.0).floor();
    format!("{minutes:.0} min {:.0} s", (value - 60.0 * minutes).floor())
}

/// Returns the number with the noun in the right form: `1 block`, `3 blocks`.
#[must_use]
pub fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_digits() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(123_456), "123,456");
        assert_eq!(plural(1, "block"), "1 block");
        assert_eq!(plural(2_000, "block"), "2,000 blocks");
    }

    #[test]
    fn dates_are_utc_and_total() {
        assert_eq!(date(1_425_254_400), "2015-03-02");
        assert_eq!(date_time(1_425_254_407), "2015-03-02 00:00:07");
        assert_eq!(date(-1), "1969-12-31");
        assert_eq!(date(i64::MAX), ABSENT);
    }

    #[test]
    fn decimals_keep_their_sign_and_their_dignity() {
        assert_eq!(decimal(-1.25, 1), "−1.2");
        assert_eq!(decimal(-0.001, 2), "0.00");
        assert_eq!(decimal(f64::NAN, 2), ABSENT);
        assert_eq!(decimal(f64::NEG_INFINITY, 2), ABSENT);
    }

    #[test]
    fn seconds_read_well() {
        assert_eq!(seconds(0.418), "0.42 s");
        assert_eq!(seconds(9.996), "10.0 s");
        assert_eq!(seconds(185.4), "3 min 5 s");
        assert_eq!(seconds(f64::NAN), ABSENT);
        assert_eq!(seconds(-1.0), ABSENT);
    }
}
