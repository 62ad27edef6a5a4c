//! What the venues' parsers share: JSON in, numbers and levels out.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::WireError;
use crate::Decimal;
use crate::message::Level;

/// Reads a whole text as one value.
pub(super) fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, WireError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| WireError::Malformed { reason: error.to_string() })?;
    serde_json::from_str(text).map_err(|error| WireError::Malformed { reason: error.to_string() })
}

/// Returns a field, or says which message lacks it.
pub(super) fn need<T>(
    what: &'static str,
    field: &'static str,
    value: Option<T>,
) -> Result<T, WireError> {
    value.ok_or(WireError::Missing { what, field })
}

/// Returns a whole number of milliseconds.
pub(super) fn milliseconds(number: Decimal) -> Option<i64> {
    number.at_scale(0).and_then(|whole| i64::try_from(whole).ok())
}

/// A symbol, which may hold escapes.
pub(super) type Name<'a> = Cow<'a, str>;

/// A decimal as a JSON number or string, read from its text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number(pub(super) Decimal);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let text = raw.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(raw);
        text.parse().map(Self).map_err(|error| de::Error::custom(format!("{text:?} is {error}")))
    }
}

/// A whole number as a JSON number or string: milliseconds, numbers of changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole(pub(super) i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Whole;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Whole, E> {
                Ok(Whole(value))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Whole, E> {
                let whole = i64::try_from(value);
                whole.map(Whole).map_err(|_| E::custom("a whole number too large"))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Whole, E> {
                let whole = text.parse();
                whole.map(Whole).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// Reads a decimal that may be absent: null, or an empty string.
pub(super) fn maybe<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Decimal>, D::Error> {
    let Some(raw) = Option::<&RawValue>::deserialize(from)? else { return Ok(None) };
    let raw = raw.get();
    let text = raw.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(raw);
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| de::Error::custom(format!("{text:?} is {error}")))
}

/// Reads a whole number that may be absent: null, or an empty string.
pub(super) fn maybe_whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let Some(raw) = Option::<&RawValue>::deserialize(from)? else { return Ok(None) };
    let raw = raw.get();
    let text = raw.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(raw);
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| de::Error::custom(format!("{text:?} is no whole number")))
}

/// A list of levels: `["61800.20","2.909"]` each, whatever follows, numbers or strings of them, or
/// an object with `px` and `sz`.
#[derive(Debug, Default)]
pub(super) struct Levels(pub(super) Vec<Level>);

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<One>::deserialize(deserializer)
            .map(|levels| Self(levels.into_iter().map(|One(level)| level).collect()))
    }
}

/// One level. Of the same layout as [`Level`], so that collecting reuses the list.
#[repr(transparent)]
struct One(Level);

impl<'de> Deserialize<'de> for One {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneVisitor)
    }
}

struct OneVisitor;

impl<'de> Visitor<'de> for OneVisitor {
    type Value = One;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a price and a size")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<One, A::Error> {
        let price = seq.next_element()?.ok_or_else(|| de::Error::invalid_length(0, &self))?;
        let size = seq.next_element()?.ok_or_else(|| de::Error::invalid_length(1, &self))?;
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        one(price, size)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<One, A::Error> {
        let (mut price, mut size) = (None, None);
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "px" => price = Some(map.next_value()?),
                "sz" => size = Some(map.next_value()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let price = price.ok_or_else(|| de::Error::missing_field("px"))?;
        one(price, size.ok_or_else(|| de::Error::missing_field("sz"))?)
    }
}

fn one<E: de::Error>(price: Decimal, size: Decimal) -> Result<One, E> {
    if size.units() < 0 {
        return Err(E::custom(format!("a size of {size}")));
    }
    Ok(One(Level { price, size }))
}

/// Levels whose numbers are JSON numbers: `[42500.0, 950.0]`, or `["change", 42500.0, 950.0]`.
#[derive(Debug)]
pub(super) struct NumberLevels(pub(super) Vec<Level>);

impl<'de> Deserialize<'de> for NumberLevels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows = Vec::<Vec<&RawValue>>::deserialize(deserializer)?;
        let number = |raw: &RawValue| {
            let text = raw.get();
            text.parse::<Decimal>().map_err(|e| de::Error::custom(format!("{text:?} is {e}")))
        };
        let level = |row: &Vec<&RawValue>| match row[..] {
            [price, size] | [_, price, size] => {
                one(number(price)?, number(size)?).map(|One(level)| level)
            }
            _ => Err(de::Error::custom("a level is a price and a size")),
        };
        rows.iter().map(level).collect::<Result<_, _>>().map(Self)
    }
}
