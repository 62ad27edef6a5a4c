//! The report as a table for people, and what it says in sentences.

use std::fmt::{self, Write as _};

use super::{AttackReport, Poison, Way};

impl fmt::Display for AttackReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = 100.0 * self.margin;
        writeln!(
            f,
            "{}: {} seats, {} rounds, {} repeats; honest reports ask for {percent:.2} % on average",
            self.market, self.seats, self.rounds, self.repeats
        )?;
        writeln!(
            f,
            "\nPoisoned training: lies under the acceptance rule, the worst a search finds; moves \
             are mean and furthest\n"
        )?;
        writeln!(
            f,
            "{:<12} {:<4} {:>16} {:>16} {:>16} {:>6} {:>11} {:>9} {:>7} {:>9} {:>12}",
            "seats lying",
            "way",
            "report",
            "initial",
            "maintenance",
            "paid",
            "to the move",
            "stake $",
            "cost $",
            "gain $/M",
            "pays above $"
        )?;
        self.poison.iter().try_for_each(|row| writeln!(f, "{}", self.poisoned(row)))?;
        self.wrong_claims(f)?;
        self.providers(f)?;
        self.medians(f)?;
        write!(f, "\n{}", self.verdict())
    }
}

impl AttackReport {
    fn wrong_claims(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nA claim of a wrong result, by honest nodes that check\n")?;
        self.wrong_claim.iter().try_for_each(|row| {
            writeln!(
                f,
                "{:>2} nodes, each there at {:.0} %: stands at {:.1e}, loses ${:.2} on average",
                row.checkers,
                100.0 * row.present,
                row.stands,
                row.cost
            )
        })
    }

    fn providers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nA provider that tells returns this many times as large\n")?;
        writeln!(
            f,
            "{:<6} {:>8} {:>13} {:>20} {:>8} {:>21}",
            "times",
            "report",
            "first report",
            "reports to the move",
            "misses",
            "outcomes until found"
        )?;
        self.provider.iter().try_for_each(|row| {
            let reports = row.reports.map_or("never".to_owned(), |reports| reports.to_string());
            let kept = match row.trusted.1 {
                kept if kept > 0.0 => format!(" ({:.0} % never)", 100.0 * kept),
                _ => String::new(),
            };
            let found = format!("{:.0}{kept}", row.trusted.0);
            let (report, first) = (signed(row.report), signed(row.first));
            let (factor, misses) = (row.factor, format!("{:.2} %", 100.0 * row.misses));
            writeln!(f, "{factor:<6} {report:>8} {first:>13} {reports:>20} {misses:>8} {found:>21}")
        })
    }

    fn medians(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nWhose number decides\n")?;
        self.panel.iter().try_for_each(|row| {
            let (providers, down, up) = (row.providers, row.down, row.up);
            writeln!(f, "panel of {providers}: {down} to lower margins, {up} to raise them")
        })?;
        self.feed.iter().try_for_each(|row| {
            let (reporters, down, up, stake) = (row.reporters, row.down, row.up, row.stake);
            writeln!(
                f,
                "feed of {reporters}: {down} to lower the price, {up} to raise it, \
                 ${stake:.0} of stake"
            )
        })
    }

    fn poisoned(&self, row: &Poison) -> String {
        let seats = format!("{} ({:.0} %)", row.liars, 100.0 * row.share);
        let way = match row.way {
            Way::Down => "down",
            Way::Up => "up",
        };
        let moved = |moved: &super::Moved| format!("{} {}", signed(moved.mean), signed(moved.most));
        let reached = match row.reached {
            (0, _) => "never".to_owned(),
            (n, _) => format!("{:.0} h, {n}/{}", row.hours, self.repeats),
        };
        let above = row.pays_above.map_or("never".to_owned(), |above| format!("{above:.0}"));
        let (report, initial) = (moved(&row.report), moved(&row.initial));
        let (maintenance, paid) =
            (moved(&row.maintenance), format!("{:.0} %", 100.0 * row.accepted));
        let (stake, cost, gain) = (row.stake, row.cost, 1e6 * row.gain);
        format!(
            "{seats:<12} {way:<4} {report:>16} {initial:>16} {maintenance:>16} {paid:>6} \
             {reached:>11} {stake:>9.0} {cost:>7.1} {gain:>9.2} {above:>12}"
        )
    }

    /// Says in sentences where an attack would pay at the open interest that was asked about.
    #[must_use]
    pub fn verdict(&self) -> String {
        let mut said = String::new();
        for way in [Way::Down, Way::Up] {
            let pays = |row: &&Poison| {
                row.way == way && row.pays_above.is_some_and(|above| above < self.open_interest)
            };
            let name = if way == Way::Down { "lowers" } else { "raises" };
            let held = self.open_interest;
            match self.poison.iter().find(pays) {
                Some(row) => {
                    let gain = row.gain * held;
                    let _ = write!(
                        said,
                        "At ${held:.0} of open interest an attacker with {} of {} seats that \
                         {name} margins could gain up to ${gain:.0} for ${:.0}. ",
                        row.liars, self.seats, row.cost
                    );
                }
                None => {
                    let _ = write!(
                        said,
                        "At ${held:.0} of open interest no share of seats that {name} margins \
                         could gain what it costs. "
                    );
                }
            }
        }
        said.push_str("Gains are the most there could be, costs what cannot be avoided.");
        said
    }
}

fn signed(share: f64) -> String {
    format!("{:+.1}%", 100.0 * share)
}
