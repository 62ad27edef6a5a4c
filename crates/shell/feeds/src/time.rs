//! The ways files write a time, all read as UTC, and the one way we print it.
//!
//! Read: Unix numbers in s, ms, us or ns (told apart by size), `2015-03-02`, `3/2/2015`,
//! `2015-03-02 14:30[:05[.25]]` with a blank or a `T` and an optional `Z` or `+00:00`, and
//! `2015-03-02 02-PM`. Other offsets are refused: a wrong hour would pass unnoticed.

use market::Date;

/// Returns the Unix time in seconds of a text, or `None` if it is in none of the known forms.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return of_number(number);
    }
    let (day, clock) = match text.split_once([' ', 'T']) {
        Some((day, clock)) => (day, clock),
        None => (text, "00:00"),
    };
    Some(date(day)?.unix() + seconds_of_day(clock)?)
}

/// Returns seconds from a Unix number in s, ms, us or ns: each is three digits longer.
fn of_number(number: f64) -> Option<i64> {
    let magnitude = number.abs();
    let unit = match magnitude {
        m if m < 1e11 => 1.0,
        m if m < 1e14 => 1e3,
        m if m < 1e17 => 1e6,
        m if m < 1e19 => 1e9,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "at most 1e11 in size after division")]
    let seconds = (number / unit).floor() as i64;
    Some(seconds)
}

fn date(text: &str) -> Option<Date> {
    if text.contains('/') {
        let mut parts = text.split('/').map(str::parse::<u32>);
        let (month, day, year) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
        let year = i32::try_from(year).ok()?;
        return if parts.next().is_none() { Date::from_ymd(year, month, day).ok() } else { None };
    }
    text.parse().ok()
}

fn seconds_of_day(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
    if let Some((hour, half)) = text.split_once('-') {
        let hour = hour.parse::<i64>().ok().filter(|h| (1..=12).contains(h))? % 12;
        return match half {
            "AM" => Some(hour * 3_600),
            "PM" => Some((hour + 12) * 3_600),
            _ => None,
        };
    }
    let mut parts = text.split(':');
    let hour = field(parts.next()?, 23)?;
    let minute = field(parts.next()?, 59)?;
    let second = match parts.next() {
        None => 0,
        Some(text) => {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
            if !fraction.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            field(whole, 59)?
        }
    };
    if parts.next().is_some() { None } else { Some((hour * 60 + minute) * 60 + second) }
}

fn field(text: &str, max: i64) -> Option<i64> {
    if text.len() != 2 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse::<i64>().ok().filter(|value| (0..=max).contains(value))
}

/// Prints a time as `2015-03-02 14:30:00`.
pub(crate) fn display(unix_s: i64) -> String {
    let Some(date) = Date::of_unix(unix_s) else { return format!("second {unix_s}") };
    let rest = unix_s - date.unix();
    format!("{date} {:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_one_moment() {
        for text in [
            "1425306600",
            "1425306600.0",
            "1425306600000",
            "1425306600000000",
            "1425306600000000000",
            "2015-03-02 14:30:00",
            "2015-03-02T14:30:00.999Z",
            "2015-03-02 14:30:00+00:00",
            "2015-03-02 14:30",
        ] {
            assert_eq!(parse(text).map(display).as_deref(), Some("2015-03-02 14:30:00"), "{text}");
        }
        assert_eq!(parse("3/2/2015"), parse("2015-03-02"));
        assert_eq!(parse("2015-03-02 02-PM"), parse("2015-03-02 14:00:00"));
        assert_eq!(parse("2015-03-02 12-AM"), parse("2015-03-02"));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "x",
            "2015-03-02 25:00",
            "2015-03-02 14:30+01:00",
            "2015-03-02 13-PM",
            "2/30/2015",
            "1e30",
            "NaN",
            "2015-03-02 14:30:00.x",
            "2015-03-02 +1:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
