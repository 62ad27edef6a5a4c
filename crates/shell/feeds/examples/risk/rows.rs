//! Rows of figures: for people, or a line of JSON each.

use std::fmt::Write;

/// What a bar asks of a figure.
#[derive(Clone, Copy)]
pub(crate) enum Bar {
    /// Not more than this.
    AtMost(f64),
    /// More than this.
    Above(f64),
    /// Within both.
    Within(f64, f64),
}

impl Bar {
    fn holds(self, figure: f64) -> bool {
        match self {
            Bar::AtMost(most) => figure <= most,
            Bar::Above(least) => figure > least,
            Bar::Within(least, most) => (least..=most).contains(&figure),
        }
    }

    fn text(self) -> String {
        match self {
            Bar::AtMost(most) => format!("at most {most:.4}"),
            Bar::Above(least) => format!("above {least:.4}"),
            Bar::Within(least, most) => format!("{least:.4} to {most:.4}"),
        }
    }
}

/// Prints rows as they come.
pub(crate) struct Rows {
    json: bool,
}

impl Rows {
    /// Rows for people, or for machines.
    pub(crate) fn new(json: bool) -> Rows {
        Rows { json }
    }

    /// Begins a table.
    pub(crate) fn title(&mut self, title: &str) {
        if !self.json {
            println!("\n{title}");
        }
    }

    /// A figure with nothing to meet.
    pub(crate) fn figure(&mut self, market: &str, what: &str, figure: f64) {
        self.row((market, what, figure), None, false);
    }

    /// A figure and its bar.
    pub(crate) fn bar(&mut self, market: &str, what: &str, figure: f64, bar: Bar) {
        self.row((market, what, figure), Some(bar), false);
    }

    /// A figure and a bar that is hoped for.
    pub(crate) fn stretch(&mut self, market: &str, what: &str, figure: f64, bar: Bar) {
        self.row((market, what, figure), Some(bar), true);
    }

    /// A remark below the tables.
    pub(crate) fn note(&mut self, note: &str) {
        if self.json {
            println!("{{\"note\": \"{note}\"}}");
        } else {
            println!("\n{note}");
        }
    }

    fn row(&mut self, (market, what, figure): (&str, &str, f64), bar: Option<Bar>, hoped: bool) {
        let met = bar.map(|bar| bar.holds(figure));
        if self.json {
            let mut line = format!("{{\"market\": \"{market}\", \"figure\": \"{what}\"");
            let value = if figure.is_finite() { format!("{figure}") } else { "null".to_owned() };
            let _ = write!(line, ", \"value\": {value}");
            if let (Some(bar), Some(met)) = (bar, met) {
                let _ = write!(line, ", \"bar\": \"{}\", \"met\": {met}", bar.text());
                let _ = write!(line, ", \"stretch\": {hoped}");
            }
            println!("{line}}}");
            return;
        }
        let verdict = match (bar, met) {
            (Some(bar), Some(met)) => {
                let (kind, met) =
                    (if hoped { "stretch" } else { "bar" }, if met { "met" } else { "MISSED" });
                format!("  {kind} {}: {met}", bar.text())
            }
            _ => String::new(),
        };
        println!("{market:4} {what:64} {figure:10.4}{verdict}");
    }
}
