//! Why a margin is what it is: a sum of parts, from the volatility up to what is published.
//!
//! *Invariant: the parts add up to the initial margin.* Absent: liquidity, which the models do not
//! have; the command says so.

use serde::Serialize;

use crate::ours::Margins;

/// Standard deviations that a normal law stays under in 99.5 % of cases.
const NORMAL: f64 = 2.575_829_303_548_901;

/// One part of a margin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// The driver.
    pub driver: &'static str,
    /// What it is, in a sentence.
    pub because: String,
    /// What it adds, a share of the position's value; negative where it takes away.
    pub adds: f64,
}

/// Returns the parts of an initial margin, in the order in which they are added.
///
/// *volatility*: the worse side's 99.5 % loss if the hour's return were normal; *tail*: what the
/// tracked quantile is beyond that; *beyond the quantile*: up to the mean loss of the worst hours;
/// *buffer* of calm hours; *uncertainty* of the models; *limits*: floor and cap; *pace*: what is
/// left of a higher margin that comes down slowly.
#[must_use]
pub fn explain(margins: &Margins) -> Vec<Part> {
    let percent = |share: f64| format!("{:.3} %", share * 100.0);
    let [lower, volatility, upper] = margins.volatility;
    let side = usize::from(margins.shortfall[1] > margins.shortfall[0]);
    let (quantile, shortfall) = (margins.quantile[side], margins.shortfall[side]);
    let normal = NORMAL * volatility;
    // The loaded margin is held within floor and cap; before that it is the unloaded one and more.
    let free = margins.loaded.max(margins.unloaded);
    let uncertain = if margins.loaded > margins.floor { free - margins.unloaded } else { 0.0 };
    let held = margins.unloaded + uncertain;
    let age = match margins.age_h {
        0 => String::new(),
        hours => format!(", of bars that are {hours} hours old"),
    };
    let name = ["long", "short"][side];
    vec![
        Part {
            driver: "volatility",
            because: format!(
                "the hour's volatility is forecast at {} ({} to {}); a normal law stays under \
                 {NORMAL:.3} of it",
                percent(volatility),
                percent(lower),
                percent(upper)
            ),
            adds: normal,
        },
        Part {
            driver: "tail",
            because: format!(
                "one hour in two hundred loses a {name} position more than {}, {:.2} volatilities",
                percent(quantile),
                quantile / volatility
            ),
            adds: quantile - normal,
        },
        Part {
            driver: "beyond the quantile",
            because: format!("such an hour loses {} on average", percent(shortfall)),
            adds: shortfall - quantile,
        },
        Part {
            driver: "buffer",
            because: "in calm hours a part is kept for hours that are not".to_owned(),
            adds: margins.unloaded - shortfall,
        },
        Part {
            driver: "uncertainty",
            because: format!("u is {:.3} of 1{age}", margins.u),
            adds: uncertain,
        },
        Part {
            driver: "limits",
            because: format!("the floor is {}", percent(margins.floor)),
            adds: margins.loaded - held,
        },
        Part {
            driver: "pace",
            because: "a margin comes down slowly from where it was".to_owned(),
            adds: margins.initial - margins.loaded,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_add_up_to_the_margin() {
        let floored = Margins { loaded: 0.05, floor: 0.05, initial: 0.05, ..Margins::sample() };
        let short = Margins { shortfall: [0.02, 0.025], ..Margins::sample() };
        for margins in [Margins::sample(), floored.clone(), short] {
            let sum: f64 = explain(&margins).iter().map(|part| part.adds).sum();
            assert!((sum - margins.initial).abs() < 1e-15, "{sum}");
        }
        let adds = |margins: &Margins, driver: &str| {
            let parts = explain(margins);
            parts.iter().find(|part| part.driver == driver).expect("a part").adds
        };
        assert!((adds(&Margins::sample(), "uncertainty") - 0.004).abs() < 1e-15);
        assert!((adds(&Margins::sample(), "pace") - 0.005).abs() < 1e-15);
        assert!((adds(&floored, "limits") - 0.024).abs() < 1e-15);
    }
}
