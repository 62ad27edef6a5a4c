//! Forecasts of GARCH(1,1) with Student errors by the Python package `arch`, from a file.

use std::collections::BTreeMap;
use std::path::Path;

use market::Date;

use crate::Failure;

/// Forecast variances by day, by market.
pub(crate) type Garch = BTreeMap<String, BTreeMap<Date, f64>>;

/// Reads lines of `market,date,variance`, as dev/peers/garch.py writes them.
pub(crate) fn read(path: &Path) -> Result<Garch, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{}: {error}; `cargo xtask risk` makes it", path.display()))?;
    let mut garch = Garch::new();
    for (number, line) in text.lines().enumerate() {
        let mut fields = line.split(',');
        let (Some(market), Some(date), Some(variance)) =
            (fields.next(), fields.next(), fields.next())
        else {
            let line = number + 1;
            return Err(
                format!("{}, line {line}: market,date,variance is due", path.display()).into()
            );
        };
        garch.entry(market.to_owned()).or_default().insert(date.parse()?, variance.parse()?);
    }
    Ok(garch)
}
