//! From folders of bars to hours of the markets that are asked for.
//!
//! *Invariant: hours follow one another without a hole, and each is made of all its bars.* Where a
//! market comes in several intervals, the finest that spans at least nine tenths of the longest is
//! taken. Absent: any repair; `feeds` refuses files with holes.

use std::collections::BTreeMap;

use market::{Bar, Date, Series};

use crate::error::Error;

/// Seconds in an hour.
pub(crate) const HOUR_S: i64 = 3_600;

/// What a market did in one hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prices {
    /// Unix seconds, UTC, at which the hour begins.
    pub open_s: i64,
    /// The last price before the hour: what is known when it begins.
    pub before: f64,
    /// The highest price of the hour.
    pub high: f64,
    /// The lowest price of the hour.
    pub low: f64,
    /// The last price of the hour.
    pub close: f64,
}

/// Returns the hours of a series; the first complete one serves only as the price before.
///
/// ```
/// use market::{Bar, Series};
/// let bar = |i: i64| {
///     let p = 100.0 + i as f64;
///     Bar { open_s: i * 1_800, open: p, high: p + 2.0, low: p - 1.0, close: p, volume: 0.0 }
/// };
/// let (venue, symbol) = ("here".to_owned(), "X".to_owned());
/// let bars = (1..8).map(bar).collect();
/// let series = Series { venue, symbol, interval_s: 1_800, ranged: true, bars };
/// let hours = backtest::hours(&series);
/// assert_eq!((hours.len(), hours[0].open_s, hours[0].before), (2, 7_200, 103.0));
/// assert_eq!((hours[0].high, hours[0].low, hours[0].close), (107.0, 103.0, 105.0));
/// ```
#[must_use]
pub fn hours(series: &Series) -> Vec<Prices> {
    let bars_an_hour = usize::try_from(HOUR_S / series.interval_s.max(1)).unwrap_or(1).max(1);
    let of = |bar: &Bar| bar.open_s.div_euclid(HOUR_S);
    let mut hours = Vec::new();
    let mut before = None;
    for bars in series.bars.chunk_by(|a, b| of(a) == of(b)) {
        let (Some(first), Some(last)) = (bars.first(), bars.last()) else { continue };
        if bars.len() < bars_an_hour {
            continue;
        }
        if let Some(before) = before {
            hours.push(Prices {
                open_s: of(first) * HOUR_S,
                before,
                high: bars.iter().map(|bar| bar.high).fold(f64::MIN, f64::max),
                low: bars.iter().map(|bar| bar.low).fold(f64::MAX, f64::min),
                close: last.close,
            });
        }
        before = Some(last.close);
    }
    hours
}

/// Returns the series to use of each market, in the order of venues and symbols, and what was left
/// out with the reason.
#[must_use]
pub fn choose(all: Vec<Series>) -> (Vec<Series>, Vec<String>) {
    let mut left_out = Vec::new();
    let mut markets = BTreeMap::<(String, String), Vec<Series>>::new();
    for series in all {
        if series.interval_s > HOUR_S || HOUR_S % series.interval_s.max(1) != 0 {
            let (name, minutes) = (series.name(), series.interval_s / 60);
            left_out.push(format!("{name}, {minutes}-minute bars: an hour is not made of them"));
            continue;
        }
        let key = (series.venue.clone(), series.symbol.clone());
        markets.entry(key).or_default().push(series);
    }
    let mut chosen = Vec::new();
    for mut candidates in markets.into_values() {
        let longest = candidates.iter().map(span_s).max().unwrap_or(0);
        candidates.sort_by_key(|series| series.interval_s);
        let long = |series: &Series| span_s(series) >= longest / 10 * 9;
        let Some(index) = candidates.iter().position(long) else { continue };
        let series = candidates.remove(index);
        for other in candidates {
            let (name, minutes) = (other.name(), other.interval_s / 60);
            let used = series.interval_s / 60;
            left_out
                .push(format!("{name}, {minutes}-minute bars: its {used}-minute bars are used"));
        }
        chosen.push(series);
    }
    (chosen, left_out)
}

fn span_s(series: &Series) -> i64 {
    match (series.bars.first(), series.bars.last()) {
        (Some(first), Some(last)) => last.open_s - first.open_s + series.interval_s,
        _ => 0,
    }
}

/// Returns the last UTC day of which the series has every bar, or `None` if there is none.
pub(crate) fn last_day(series: &Series) -> Option<Date> {
    let end_s = series.bars.last()?.open_s + series.interval_s;
    let day = Date::of_unix(end_s)?;
    Some(Date::from_number(day.number() - 1))
}

/// Returns how many UTC days the series has every bar of.
pub(crate) fn days(series: &Series) -> i32 {
    let start_s = series.bars.first().map_or(0, |bar| bar.open_s + 86_399);
    let first = Date::of_unix(start_s).map_or(0, Date::number);
    last_day(series).map_or(0, |last| last.number() - first + 1).max(0)
}

/// Returns the series a name stands for: a symbol (`BTCUSDT_perp`), a symbol with its venue
/// (`binance BTCUSDT_perp`), or what is traded (`BTC`, `BTC-PERP`, `BTC/USD`), which prefers the
/// perpetual.
///
/// # Errors
///
/// [`Error::Unknown`] or [`Error::Ambiguous`], with the names there are.
pub fn find<'a>(series: &'a [Series], name: &str) -> Result<&'a Series, Error> {
    let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    let full = |s: &&Series| same(&s.name(), name) || same(&s.name().replace(' ', "/"), name);
    if let Some(found) = series.iter().find(full) {
        return Ok(found);
    }
    let mut found: Vec<&Series> = series.iter().filter(|s| same(&s.symbol, name)).collect();
    if found.is_empty() {
        found = series.iter().filter(|s| same(base(&s.symbol), base(name))).collect();
        if found.iter().any(|s| is_perpetual(s)) {
            found.retain(|s| is_perpetual(s));
        }
    }
    let names = |list: &[&Series]| list.iter().map(|s| s.name()).collect::<Vec<_>>().join(", ");
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let there = names(&series.iter().collect::<Vec<_>>());
            Err(Error::Unknown { market: name.to_owned(), there })
        }
        several => Err(Error::Ambiguous { market: name.to_owned(), there: names(several) }),
    }
}

fn is_perpetual(series: &Series) -> bool {
    let symbol = series.symbol.to_ascii_lowercase();
    symbol.contains("perp") || symbol.contains("swap")
}

/// Returns what is traded: of the name's first word that ends in a currency all before it, or else
/// the first word.
pub(crate) fn base<'a>(name: &'a str) -> &'a str {
    let mut words = name.split(['-', '_', '/', ' ', ':']);
    let first = words.clone().next().unwrap_or(name);
    let quotes = ["USDT", "USDC", "USD", "EUR", "PERP"];
    let cut = |word: &'_ str, quote: &str| {
        let start = word.len().checked_sub(quote.len()).filter(|start| *start > 0)?;
        word.get(start..).filter(|end| end.eq_ignore_ascii_case(quote))?;
        Some(start)
    };
    let quoted = |word: &'a str| quotes.iter().find_map(|quote| Some(&word[..cut(word, quote)?]));
    words.find_map(quoted).unwrap_or(first)
}

/// Returns the least initial margin of a market where a table sets none: 2 % for BTC and ETH, 5 %
/// for others.
#[must_use]
pub fn floor(symbol: &str) -> f64 {
    let base = base(symbol);
    if ["BTC", "XBT", "ETH"].iter().any(|name| base.eq_ignore_ascii_case(name)) {
        0.02
    } else {
        0.05
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(venue: &str, symbol: &str, interval_s: i64, count: i64) -> Series {
        let bar = |i: i64| Bar {
            open_s: i * interval_s,
            open: 1.0,
            high: 1.0,
            low: 1.0,
            close: 1.0,
            volume: 0.0,
        };
        let (venue, symbol) = (venue.to_owned(), symbol.to_owned());
        Series { venue, symbol, interval_s, ranged: true, bars: (0..count).map(bar).collect() }
    }

    #[test]
    fn markets_are_found_by_the_names_people_use() {
        let all = [
            series("binance", "BTCUSDT_perp", 1_800, 9),
            series("binance", "BTCUSDT_spot", 1_800, 9),
            series("bybit", "ETHUSDT_perp", 1_800, 9),
            series("binance", "ETHUSDT_perp", 1_800, 9),
        ];
        for name in ["BTC", "btc-perp", "BTC/USD", "BTCUSDT_PERP", "binance btcusdt_perp", "BTCUSD"]
        {
            assert_eq!(find(&all, name).expect("found").name(), "binance BTCUSDT_perp", "{name}");
        }
        assert_eq!(find(&all, "BTCUSDT_spot").expect("found").symbol, "BTCUSDT_spot");
        assert_eq!(find(&all, "bybit/ETHUSDT_perp").expect("found").venue, "bybit");
        assert!(matches!(find(&all, "ETH"), Err(Error::Ambiguous { .. })));
        let long = [series("b", "Binance_BTCUSDT_2017_2021", 3_600, 9)];
        assert!(find(&long, "BTC").is_ok() && find(&long, "Binance").is_err());
        assert_eq!(floor("Binance_BTCUSDT_2017_2021"), 0.02);
        assert!(matches!(find(&all, "DOGE"), Err(Error::Unknown { .. })));
        assert_eq!((floor("ETH-PERP"), floor("SOLUSDT_perp")), (0.02, 0.05));
    }

    #[test]
    fn the_finest_bars_that_are_long_enough_are_used() {
        let all = vec![
            series("b", "X", 300, 12 * 24 * 10),
            series("b", "X", 1_800, 2 * 24 * 30),
            series("b", "X", 3_600, 24 * 31),
            series("b", "Y", 86_400, 31),
        ];
        let (chosen, left_out) = choose(all);
        assert_eq!(chosen.iter().map(|s| s.interval_s).collect::<Vec<_>>(), [1_800]);
        assert_eq!(left_out.len(), 3);
    }
}
