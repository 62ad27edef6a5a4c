//! What somebody should look at now.

use serde::Serialize;

use crate::pending::Pending;
use crate::record::Record;

/// Her maintenance margin under this share of ours, or above its inverse, is a disagreement.
const APART: f64 = 0.5;

/// Something to look at. Shares are of a position's value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "alert", rename_all = "snake_case")]
pub enum Alert {
    /// The hour that ended moved by more than her maintenance margin in it.
    Breach {
        /// The market.
        market: String,
        /// Unix seconds at which the hour began.
        hour_s: i64,
        /// How far the price went.
        moved: f64,
        /// Her maintenance margin in that hour.
        maintenance: f64,
    },
    /// Her maintenance margin is under the loss that one hour in two hundred exceeds.
    Thin {
        /// The market.
        market: String,
        /// Unix seconds of the hour.
        hour_s: i64,
        /// Her maintenance margin.
        maintenance: f64,
        /// That loss, of the worse side.
        quantile: f64,
    },
    /// Her maintenance margin is less than half of ours, or more than twice.
    Apart {
        /// The market.
        market: String,
        /// Unix seconds of the hour.
        hour_s: i64,
        /// Hers.
        hers: f64,
        /// Ours.
        ours: f64,
    },
    /// The bars are old.
    Stale {
        /// The market.
        market: String,
        /// Unix seconds of the hour.
        hour_s: i64,
        /// Hours since they end.
        age_h: i64,
    },
    /// A rise of her maintenance margin waits in the gate.
    Pending {
        /// The market.
        market: String,
        /// Unix seconds of the hour.
        hour_s: i64,
        /// What holds.
        from: f64,
        /// To what it may rise next.
        to: f64,
        /// The block from which it waits.
        since_block: u64,
        /// Unix seconds of that block.
        since_s: u64,
    },
}

impl Alert {
    /// Returns the alert of a rise that waits beside what a record says holds.
    #[must_use]
    pub fn of(record: &Record, pending: &Pending) -> Alert {
        let Pending { to, since_block, since_s } = *pending;
        let (market, hour_s) = (record.market.clone(), record.hour_s);
        Alert::Pending { market, hour_s, from: record.hers.maintenance, to, since_block, since_s }
    }

    /// Returns the alert as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let percent = |share: &f64| format!("{:.2} %", share * 100.0);
        match self {
            Alert::Breach { market, hour_s, moved, maintenance } => format!(
                "{market}: the price moved by {} in the hour from {}, more than your maintenance \
                 margin of {}; look for accounts below zero",
                percent(moved),
                backtest::when(*hour_s),
                percent(maintenance)
            ),
            Alert::Thin { market, maintenance, quantile, .. } => format!(
                "{market}: your maintenance margin of {} is under {}, which one hour in two \
                 hundred exceeds now",
                percent(maintenance),
                percent(quantile)
            ),
            Alert::Apart { market, hers, ours, .. } => format!(
                "{market}: your maintenance margin is {}, ours {}; `assay explain margin {market}` \
                 says why",
                percent(hers),
                percent(ours)
            ),
            Alert::Stale { market, age_h, .. } => {
                format!("{market}: the bars end {age_h} hours ago; is `assay data fetch` running?")
            }
            Alert::Pending { market, from, to, since_block, since_s, .. } => format!(
                "{market}: the gate holds a rise of your maintenance margin from {} to {} back \
                 since block {since_block} ({}); `assay whatif` says whom it would reach",
                percent(from),
                percent(to),
                backtest::when(i64::try_from(*since_s).unwrap_or(0))
            ),
        }
    }
}

/// Returns what there is to say of a record, `before` being the one of the hour before it.
#[must_use]
pub fn alerts(record: &Record, before: Option<&Record>) -> Vec<Alert> {
    let (market, hour_s) = (record.market.clone(), record.hour_s);
    let (maintenance, ours) = (record.hers.maintenance, &record.ours);
    let mut found = Vec::new();
    if let Some(before) = before.filter(|before| before.hour_s + crate::HOUR_S == hour_s) {
        let moved = (ours.price / before.ours.price - 1.0).abs();
        if ours.age_h == 0 && moved > before.hers.maintenance {
            found.push(Alert::Breach {
                market: market.clone(),
                hour_s: before.hour_s,
                moved,
                maintenance: before.hers.maintenance,
            });
        }
    }
    let quantile = ours.quantile[0].max(ours.quantile[1]);
    if maintenance < quantile {
        found.push(Alert::Thin { market: market.clone(), hour_s, maintenance, quantile });
    }
    let ratio = maintenance / ours.maintenance;
    if !(APART..=1.0 / APART).contains(&ratio) {
        let (hers, ours) = (maintenance, ours.maintenance);
        found.push(Alert::Apart { market: market.clone(), hour_s, hers, ours });
    }
    if ours.age_h > 0 {
        found.push(Alert::Stale { market, hour_s, age_h: ours.age_h });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ours::Margins;
    use crate::record::Hers;

    fn record(hour: i64, price: f64, hers: f64, ours: f64) -> Record {
        let quantile = [0.02, 0.03];
        let (initial, maintenance) = (ours * 1.5, ours);
        let margins = Margins { price, quantile, initial, maintenance, ..Margins::sample() };
        let hers = Hers {
            chain_id: 1,
            contract: alloy::primitives::Address::ZERO,
            block: 1,
            block_hash: alloy::primitives::B256::ZERO,
            initial: hers * 2.0,
            maintenance: hers,
        };
        Record { hour_s: hour * crate::HOUR_S, market: "X".to_owned(), hers, ours: margins }
    }

    #[test]
    fn each_alert_has_its_cause_and_no_other() {
        let quiet = record(5, 100.0, 0.04, 0.04);
        assert_eq!(alerts(&quiet, None), []);
        let moved = record(6, 95.0, 0.04, 0.04);
        assert!(matches!(alerts(&moved, Some(&quiet))[..], [Alert::Breach { hour_s: 18_000, .. }]));
        assert_eq!(alerts(&record(7, 95.0, 0.04, 0.04), Some(&quiet)), [], "an hour is missing");
        assert!(matches!(alerts(&record(5, 1.0, 0.025, 0.04), None)[..], [Alert::Thin { .. }]));
        assert!(matches!(alerts(&record(5, 1.0, 0.09, 0.04), None)[..], [Alert::Apart { .. }]));
        let mut stale = quiet.clone();
        stale.ours.age_h = 3;
        assert!(matches!(alerts(&stale, None)[..], [Alert::Stale { age_h: 3, .. }]));
        assert!(alerts(&stale, None)[0].sentence().contains("3 hours"));
    }

    #[test]
    fn a_rise_that_waits_says_what_and_since_when() {
        let pending = Pending { to: 0.05, since_block: 17, since_s: 18_000 };
        let alert = Alert::of(&record(6, 100.0, 0.04, 0.04), &pending);
        let said = alert.sentence();
        for part in ["4.00 %", "5.00 %", "block 17", &backtest::when(18_000)] {
            assert!(said.contains(part), "{said}");
        }
        let json = serde_json::to_value(&alert).expect("numbers and text");
        assert_eq!((&json["alert"], &json["since_block"]), (&"pending".into(), &17.into()));
    }
}
