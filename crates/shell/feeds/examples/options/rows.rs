//! Rows of figures: for people, or a line of JSON each; and the clock they are taken with.

use std::time::Instant;

/// What a bar asks of a figure.
#[derive(Clone, Copy)]
pub(crate) enum Bar {
    /// Not more than this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// Nothing.
    Free,
}

/// Prints rows as they come.
pub(crate) struct Rows {
    json: bool,
}

impl Rows {
    pub(crate) fn new(json: bool) -> Rows {
        Rows { json }
    }

    /// Begins a table.
    pub(crate) fn title(&mut self, title: &str) {
        if !self.json {
            println!("\n{title}");
        }
    }

    /// A figure and its bar.
    pub(crate) fn row(&mut self, what: &str, figure: f64, bar: Bar) {
        let (text, met) = match bar {
            Bar::AtMost(most) => (format!("at most {most}"), figure <= most),
            Bar::AtLeast(least) => (format!("at least {least}"), figure >= least),
            Bar::Free => (String::new(), true),
        };
        if self.json {
            let line = serde_json::json!({
                "figure": what, "value": figure, "bar": text, "met": met
            });
            println!("{line}");
        } else {
            let verdict = match bar {
                Bar::Free => String::new(),
                _ => format!("  bar {text}: {}", if met { "met" } else { "MISSED" }),
            };
            println!("{what:64} {figure:14.6}{verdict}");
        }
    }
}

/// Returns the seconds of a run, the lower quartile of at least 15 of them and half a second, after
/// two to warm up, and the 99th per cent of them. A quarter of the turns are not disturbed by what
/// else a shared machine does; most may be.
pub(crate) fn seconds(mut run: impl FnMut()) -> (f64, f64) {
    run();
    run();
    let (mut taken, started) = (Vec::new(), Instant::now());
    while taken.len() < 15 || started.elapsed().as_secs_f64() < 0.5 {
        let start = Instant::now();
        run();
        taken.push(start.elapsed().as_secs_f64());
    }
    taken.sort_by(f64::total_cmp);
    (taken[taken.len() / 4], taken[taken.len() * 99 / 100])
}
