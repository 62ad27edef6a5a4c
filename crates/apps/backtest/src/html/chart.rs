//! Plots as SVG drawn here, not in the browser: lines, steps, bands, bars and dots over time.
//!
//! The drawing stretches with the page (strokes do not), and axis labels are text beside it, so
//! that both stay legible on any screen and on paper. *Invariant: a line of any length becomes at
//! most some thousand points, and the highest and lowest of each stretch stay.*

use super::text::escape;

/// Width and height of a drawing, in its own units.
const SIZE: (f64, f64) = (1_000.0, 260.0);
/// Stretches a long line is cut into; each keeps two points.
const STRETCHES: usize = 420;
/// Labels an axis of values has at most.
const LABELS: usize = 6;

/// A point: place on the axis below, and value.
pub(crate) type Point = (f64, f64);

/// What is drawn, with the class that gives it its colour.
#[derive(Clone, Debug)]
pub(crate) enum Layer {
    /// A line from point to point.
    Line(&'static str, Vec<Point>),
    /// A line that holds its value until the next point.
    Steps(&'static str, Vec<Point>),
    /// The space between a lower and an upper value: place, lower, upper.
    Band(&'static str, Vec<(f64, f64, f64)>),
    /// An upright bar from a lower to an upper value: place, lower, upper.
    Spans(&'static str, Vec<(f64, f64, f64)>),
    /// A thin bar from zero to each point.
    Spikes(&'static str, Vec<Point>),
    /// Bars of one width from each place.
    Bars(&'static str, f64, Vec<Point>),
    /// Dots, each with what it says when pointed at.
    Dots(&'static str, Vec<(Point, String)>),
    /// A level across.
    Level(&'static str, f64),
}

/// One plot with its axes.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    /// What a reader who cannot see it is told.
    pub(crate) says: String,
    /// First and last place on the axis below.
    pub(crate) x: (f64, f64),
    /// Labels of the axis below, each with its place.
    pub(crate) x_labels: Vec<(f64, String)>,
    /// Least and largest value.
    pub(crate) y: (f64, f64),
    /// Whether values are placed by their logarithm.
    pub(crate) log: bool,
    /// How a value is written.
    pub(crate) y_label: fn(f64) -> String,
    pub(crate) layers: Vec<Layer>,
}

impl Plot {
    /// Returns the plot as HTML.
    pub(crate) fn html(&self) -> String {
        let levels = self.levels();
        let across: String = levels
            .iter()
            .map(|level| format!("M0 {0:.1}H{1}", self.down(*level), SIZE.0))
            .collect();
        let layers: String = self.layers.iter().map(|layer| self.layer(layer)).collect();
        let left: String = levels
            .iter()
            .map(|level| {
                let place = 100.0 * self.down(*level) / SIZE.1;
                format!("<span style=\"top:{place:.2}%\">{}</span>", (self.y_label)(*level))
            })
            .collect();
        let below: String = self
            .x_labels
            .iter()
            .map(|(x, label)| {
                let place = 100.0 * self.along(*x) / SIZE.0;
                format!("<span style=\"left:{place:.2}%\">{}</span>", escape(label))
            })
            .collect();
        format!(
            "<div class=\"plot\"><div class=\"y\" aria-hidden=\"true\">{left}</div>\
             <svg viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"{}\"><path class=\"grid\" d=\"{across}\"/>{layers}</svg>\
             <div class=\"x\" aria-hidden=\"true\">{below}</div></div>",
            SIZE.0,
            SIZE.1,
            escape(&self.says),
        )
    }

    fn along(&self, x: f64) -> f64 {
        let span = self.x.1 - self.x.0;
        if span > 0.0 { (x - self.x.0) / span * SIZE.0 } else { SIZE.0 / 2.0 }
    }

    fn down(&self, y: f64) -> f64 {
        let (low, high) = self.y;
        let y = y.clamp(low, high);
        let up =
            if self.log { (y / low).ln() / (high / low).ln() } else { (y - low) / (high - low) };
        SIZE.1 * (1.0 - up)
    }

    fn layer(&self, layer: &Layer) -> String {
        let spot = |(x, y): &Point| format!("{:.1} {:.1}", self.along(*x), self.down(*y));
        let foot = self.down(self.y.0);
        match layer {
            Layer::Line(class, points) => {
                let spots: Vec<String> = thinned(points).iter().map(spot).collect();
                path(class, &format!("M{}", spots.join("L")))
            }
            Layer::Steps(class, points) => path(class, &self.steps(points)),
            Layer::Band(class, points) => {
                let upper: Vec<Point> = points.iter().map(|(x, _, upper)| (*x, *upper)).collect();
                let lower: Vec<Point> = points.iter().map(|(x, lower, _)| (*x, *lower)).collect();
                let there: Vec<String> = thinned(&upper).iter().map(spot).collect();
                let back: Vec<String> = thinned(&lower).iter().rev().map(spot).collect();
                path(class, &format!("M{}L{}Z", there.join("L"), back.join("L")))
            }
            Layer::Spans(class, points) => {
                let span = |(x, lower, upper): &(f64, f64, f64)| {
                    let (lower, upper) = (self.down(*lower), self.down(*upper));
                    format!("M{:.1} {lower:.1}V{upper:.1}", self.along(*x))
                };
                path(class, &points.iter().map(span).collect::<String>())
            }
            Layer::Spikes(class, points) => {
                let spike = |(x, y): &Point| {
                    format!("M{:.1} {foot:.1}V{:.1}", self.along(*x), self.down(*y))
                };
                path(class, &points.iter().map(spike).collect::<String>())
            }
            Layer::Bars(class, width, points) => {
                let gap = 0.06 * width;
                let bar = |(x, y): &Point| {
                    let (left, right) = (self.along(*x + gap), self.along(*x + width - gap));
                    let top = self.down(*y);
                    format!("M{left:.1} {foot:.1}V{top:.1}H{right:.1}V{foot:.1}Z")
                };
                path(class, &points.iter().map(bar).collect::<String>())
            }
            Layer::Dots(class, dots) => {
                let dot = |(point, says): &(Point, String)| {
                    let (spot, says) = (spot(point), escape(says));
                    format!(
                        "<path class=\"dot {class}\" d=\"M{spot}h0\"><title>{says}</title></path>"
                    )
                };
                dots.iter().map(dot).collect()
            }
            Layer::Level(class, y) => path(class, &format!("M0 {:.1}H{}", self.down(*y), SIZE.0)),
        }
    }

    fn steps(&self, points: &[Point]) -> String {
        let mut d = String::new();
        let mut last = None;
        for (i, (x, y)) in points.iter().enumerate() {
            if last == Some(*y) && i + 1 < points.len() {
                continue;
            }
            let (x, down) = (self.along(*x), self.down(*y));
            d += &if i == 0 { format!("M{x:.1} {down:.1}") } else { format!("H{x:.1}V{down:.1}") };
            last = Some(*y);
        }
        d
    }

    /// Returns round values within the range, for the lines across.
    fn levels(&self) -> Vec<f64> {
        let (low, high) = self.y;
        if self.log {
            let decades = -9..9;
            let of = |exponent: i32| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(exponent));
            return decades.flat_map(of).filter(|v| (low..=high).contains(v)).collect();
        }
        let rough = (high - low) / (LABELS - 1) as f64;
        let unit = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|digit| digit * unit);
        let step = step.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(10.0 * unit);
        let first = (low / step).ceil();
        let level = |i: usize| (first + i as f64) * step;
        (0..2 * LABELS).map(level).filter(|level| *level <= high * 1.0001).collect()
    }
}

fn path(class: &str, d: &str) -> String {
    format!("<path class=\"{class}\" d=\"{d}\"/>")
}

/// Keeps of each stretch of a long line the lowest and the highest point.
fn thinned(points: &[Point]) -> Vec<Point> {
    if points.len() <= 2 * STRETCHES {
        return points.to_vec();
    }
    let mut kept = Vec::with_capacity(2 * STRETCHES + 2);
    for stretch in points.chunks(points.len().div_ceil(STRETCHES)) {
        let place = |pick: fn(f64, f64) -> bool| {
            let better = |best: usize, i: usize| {
                if pick(stretch[i].1, stretch[best].1) { i } else { best }
            };
            (0..stretch.len()).fold(0, better)
        };
        let (low, high) = (place(|a, b| a < b), place(|a, b| a > b));
        kept.push(stretch[low.min(high)]);
        if low != high {
            kept.push(stretch[low.max(high)]);
        }
    }
    kept.extend(points.last());
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_keep_their_extremes() {
        let mut points: Vec<Point> = (0..20_000).map(|i| (f64::from(i), 1.0)).collect();
        (points[777].1, points[15_003].1) = (9.0, -9.0);
        let kept = thinned(&points);
        assert!(kept.len() <= 2 * STRETCHES + 2 && kept.contains(&points[777]));
        assert!(kept.contains(&points[15_003]) && kept.contains(&points[19_999]));
        assert!(kept.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    }

    #[test]
    fn levels_are_round_and_within() {
        let mut plot = Plot {
            says: String::new(),
            x: (0.0, 1.0),
            x_labels: Vec::new(),
            y: (0.0, 0.093),
            log: false,
            y_label: |y| y.to_string(),
            layers: vec![Layer::Steps(
                "a",
                vec![(0.0, 0.05), (0.5, 0.05), (0.7, 0.02), (1.0, 0.02)],
            )],
        };
        let near = |levels: Vec<f64>, wanted: &[f64]| {
            assert_eq!(levels.len(), wanted.len(), "{levels:?}");
            assert!(levels.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9), "{levels:?}");
        };
        near(plot.levels(), &[0.0, 0.02, 0.04, 0.06, 0.08]);
        assert!(plot.html().contains("M0.0 120.2H700.0V204.1H1000.0V204.1"), "{}", plot.html());
        (plot.y, plot.log) = ((0.004, 0.06), true);
        near(plot.levels(), &[0.005, 0.01, 0.02, 0.05]);
    }
}
