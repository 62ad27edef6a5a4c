//! Text and numbers on the page.
//!
//! *Invariant: a number on the page is looked up in the report's JSON and carries its place there,
//! so that page and JSON cannot differ.*

use explorer::format::{ABSENT, count, date, date_time, decimal};
use serde_json::Value;

use crate::words::percent;

/// How a number is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// A share, in per cent with so many decimals.
    Percent(usize),
    /// A whole number.
    Count,
    /// A number with so many decimals.
    Decimal(usize),
    /// A share of money, in units a million.
    Million,
    /// Money in hundredths, in whole units.
    Money,
    /// A probability; very small ones are only called that.
    Chance,
    /// A factor, with a sign of multiplication.
    Times,
    /// Unix seconds, as a day.
    Day,
    /// Unix seconds, as day and time.
    Hour,
}

/// Returns text that is safe within an element or a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Returns a sentence as HTML whose figures do not part from their per-cent signs.
pub(crate) fn sentence(text: &str) -> String {
    escape(text).replace(" %", "\u{a0}%")
}

/// Returns the number at a place of the report as HTML; a dash where there is none.
pub(crate) fn number(report: &Value, at: &str, form: Form) -> String {
    let Some(value) = report.pointer(at).filter(|value| value.is_number()) else {
        return format!("<span class=\"absent\">{ABSENT}</span>");
    };
    let text = written(value, form);
    format!("<data value=\"{value}\" data-at=\"{}\">{text}</data>", escape(at))
}

fn written(value: &Value, form: Form) -> String {
    let float = value.as_f64().unwrap_or(f64::NAN);
    let whole = value.as_i64();
    match form {
        Form::Percent(places) => percent(float, places),
        Form::Count => value.as_u64().map_or_else(|| ABSENT.to_owned(), count),
        Form::Decimal(places) => decimal(float, places),
        Form::Chance if float < 0.001 => "&lt; 0.001".to_owned(),
        Form::Chance => decimal(float, 3),
        Form::Million => decimal(1e6 * float, 1),
        Form::Money => {
            let units = whole.map_or(0, |cents| cents / 100);
            let sign = if units < 0 { "−" } else { "" };
            format!("{sign}{}", count(units.unsigned_abs()))
        }
        Form::Times => format!("{} ×", decimal(float, 2)),
        Form::Day => whole.map_or_else(|| ABSENT.to_owned(), date),
        Form::Hour => whole.map_or_else(|| ABSENT.to_owned(), hour),
    }
}

/// Returns day, hour and minute of Unix seconds, UTC.
pub(crate) fn hour(seconds: i64) -> String {
    let text = date_time(seconds);
    text.get(..16).map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_carry_their_place_and_absent_ones_are_a_dash() {
        let report = serde_json::json!({ "a": [{ "b": 0.0512, "c": null, "d": -123_456 }] });
        let b = number(&report, "/a/0/b", Form::Percent(1));
        assert_eq!(b, "<data value=\"0.0512\" data-at=\"/a/0/b\">5.1 %</data>");
        assert!(number(&report, "/a/0/c", Form::Times).contains(ABSENT));
        assert!(number(&report, "/a/0/d", Form::Money).contains("−1,234<"));
        assert_eq!(escape("<a href='\"&"), "&lt;a href=&#39;&quot;&amp;");
        assert_eq!(hour(1_722_819_600), "2024-08-05 01:00");
    }
}
