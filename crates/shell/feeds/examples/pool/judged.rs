//! What new markets were told, against what they did.

use market::risk::{HourReport, Track};

/// Sums over hours.
#[derive(Default)]
pub(crate) struct Judged {
    parts: [Part; 3],
    days: (f64, f64),
}

/// The second week, the third and fourth, and the second month.
const PARTS: [(i64, i64); 3] = [(0, 15), (15, 30), (30, 60)];

#[derive(Default)]
struct Part {
    hours: f64,
    /// QLIKE, and that of the engine that knows all.
    qlike: [f64; 2],
    inside: f64,
    beyond: f64,
    beyond_initial: f64,
    beyond_maintenance: f64,
    cost: f64,
    u: f64,
}

impl Judged {
    /// What the columns of a line are.
    pub(crate) const HEAD: &'static str = "pool worth | days: hours, QLIKE, who knows all, \
                                           inside 90 %, beyond (a) %, beyond initial %, beyond \
                                           maintenance %, initial over theirs, u | days, inside";

    /// Adds what a market born then was told.
    pub(crate) fn add(&mut self, born_s: i64, told: &Track, known: &[HourReport]) {
        for hour in &told.hours {
            let Ok(place) = known.binary_search_by_key(&hour.open_s, |report| report.open_s) else {
                continue;
            };
            let day = (hour.open_s - born_s) / 86_400;
            let part = PARTS.iter().position(|(from, to)| (*from..*to).contains(&day));
            self.parts[part.unwrap_or(PARTS.len() - 1)].add(hour, &known[place]);
        }
        for day in &told.days {
            let outcome = day.log_realised();
            self.days.0 += 1.0;
            self.days.1 += f64::from(u8::from(day.lower <= outcome && outcome <= day.upper));
        }
    }

    /// One line.
    pub(crate) fn line(&self, name: &str) -> String {
        let mut line = format!("{name:>16}");
        for (part, (from, to)) in self.parts.iter().zip(PARTS) {
            line.push_str(&format!(" | {from:>2}-{to}: {}", part.text()));
        }
        let (days, inside) = self.days;
        line.push_str(&format!(" | {days} {:.1} %", 100.0 * inside / days));
        line
    }
}

impl Part {
    fn add(&mut self, hour: &HourReport, known: &HourReport) {
        let one = |yes: bool| f64::from(u8::from(yes));
        let variance = hour.realised * hour.realised;
        let qlike = |v: f64| {
            let ratio = variance / (v * v);
            ratio - ratio.ln() - 1.0
        };
        self.hours += 1.0;
        self.qlike[0] += qlike(hour.volatility);
        self.qlike[1] += qlike(known.volatility);
        self.inside += one(hour.lower <= hour.realised && hour.realised <= hour.upper);
        let sides =
            one(hour.loss.long > hour.quantile.long) + one(hour.loss.short > hour.quantile.short);
        self.beyond += 0.5 * sides;
        let worst = hour.loss.long.abs();
        self.beyond_initial += 0.5 * one(worst > hour.initial);
        self.beyond_maintenance += 0.5 * one(worst > hour.maintenance);
        self.cost += hour.initial / known.initial;
        self.u += hour.u;
    }

    fn text(&self) -> String {
        let mean = |sum: f64| sum / self.hours;
        format!(
            "{} {:.3} {:.3} {:.1} {:.2} {:.3} {:.3} {:.2} {:.2}",
            self.hours,
            mean(self.qlike[0]),
            mean(self.qlike[1]),
            100.0 * mean(self.inside),
            100.0 * mean(self.beyond),
            100.0 * mean(self.beyond_initial),
            100.0 * mean(self.beyond_maintenance),
            mean(self.cost),
            mean(self.u),
        )
    }
}
