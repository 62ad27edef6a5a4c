//! Numbers as small drawings beside their figures: a distance, an interval, an account's cushion.
//!
//! Each is SVG without style attributes, which the security policy would refuse, and never the only
//! place where a number stands: the figure is beside it or in its title.

use crate::format::{self, ABSENT};
use crate::parts::{Html, absent};
use crate::view::{Account, Report, Seat, Wad};

/// The distance beyond which an update is rejected, in median distances; docs/protocol.md §2.
pub(crate) const DISTANCE_MAX: f64 = 3.0;

/// Returns a distance in figures; the program divides by a median that can be zero.
pub(crate) fn figure(distance: f64, places: usize) -> String {
    if distance == f64::INFINITY { "∞".to_owned() } else { format::decimal(distance, places) }
}

/// Returns a seat's distance as a number and a bar with the limit marked.
pub(crate) fn distance(seat: &Seat) -> Html {
    let Some(distance) = seat.distance.filter(|distance| !distance.is_nan()) else {
        return absent(ABSENT);
    };
    let width = (60.0 * distance / (2.0 * DISTANCE_MAX)).clamp(0.0, 60.0);
    let class = if distance > DISTANCE_MAX { "bar far" } else { "bar" };
    let figure = figure(distance, 2);
    Html::trusted(format!(
        "<span class=\"measure\" \
         title=\"{distance} median distances; above {DISTANCE_MAX} is rejected\">\
         <svg class=\"{class}\" viewBox=\"0 0 60 10\" width=\"60\" height=\"10\" \
         aria-hidden=\"true\"><rect class=\"track\" width=\"60\" height=\"10\"/>\
         <rect class=\"fill\" width=\"{width:.1}\" height=\"10\"/>\
         <path class=\"limit\" d=\"M30 0V10\"/></svg>\
         <span class=\"figures\">{figure}</span> <span class=\"unit\">×</span></span>"
    ))
}

/// Returns where a value lies on a line of 200 units that ends at `top`.
fn place(value: f64, top: f64) -> f64 {
    if top > 0.0 { (200.0 * value / top).clamp(0.0, 200.0) } else { 0.0 }
}

/// Returns a report's interval as a line with the value on it, from nothing to a little over the
/// upper bound.
pub(crate) fn interval(report: &Report) -> Html {
    let top = report.upper.max(report.value).to_f64() * 1.15;
    let at = |wad: Wad| place(wad.to_f64(), top);
    let (lower, value, upper) = (at(report.lower), at(report.value), at(report.upper));
    let (low, high) = (report.lower.percent(2), report.upper.percent(2));
    let width = (upper - lower).max(0.0);
    Html::trusted(format!(
        "<svg class=\"interval\" viewBox=\"0 0 200 20\" preserveAspectRatio=\"none\" role=\"img\">\
         <title>{low} % to {high} %</title><path class=\"track\" d=\"M0 10H200\"/>\
         <rect class=\"band\" x=\"{lower:.1}\" y=\"4\" width=\"{width:.1}\" height=\"12\"/>\
         <path class=\"value\" d=\"M{value:.1} 1V19\"/></svg>"
    ))
}

/// Returns equity beside maintenance and initial margin, as one bar with two marks.
pub(crate) fn cushion(account: &Account) -> Html {
    let Account { equity, initial, maintenance, .. } = account;
    let top = equity.max(initial).max(maintenance).to_f64() * 1.1;
    let at = |wad: &Wad| place(wad.to_f64(), top);
    let (filled, first, second) = (at(equity), at(maintenance), at(initial));
    let (equity, maintenance) = (equity.rounded(2), maintenance.rounded(2));
    let initial = initial.rounded(2);
    Html::trusted(format!(
        "<svg class=\"cushion\" viewBox=\"0 0 200 20\" preserveAspectRatio=\"none\" role=\"img\">\
         <title>equity {equity}; marked are maintenance {maintenance} and initial margin {initial}\
         </title><rect class=\"track\" y=\"5\" width=\"200\" height=\"10\"/>\
         <rect class=\"fill\" y=\"5\" width=\"{filled:.1}\" height=\"10\"/>\
         <path class=\"maintenance\" d=\"M{first:.1} 1V19\"/>\
         <path class=\"initial\" d=\"M{second:.1} 1V19\"/></svg>"
    ))
}

/// Returns what each scenario would change as bars about a line, gains up and losses down, each
/// with its scenario and figure as its title.
pub(crate) fn scenarios(changes: &[f64], names: &[String]) -> Html {
    const WIDTH: f64 = 24.0;
    let most = changes.iter().fold(0.0_f64, |most, change| most.max(change.abs()));
    let bar = |(at, change): (usize, &f64)| {
        let size = place(change.abs(), most) * 0.3;
        let (class, y) = if *change < 0.0 { ("loss", 60.0) } else { ("gain", 60.0 - size) };
        #[expect(clippy::cast_precision_loss, reason = "a few scenarios")]
        let x = WIDTH * at as f64 + 2.0;
        let name = crate::parts::text(names.get(at).map_or("", String::as_str));
        let figure = format::decimal(*change, 2);
        format!(
            "<g><title>{name}: {figure}</title>\
             <rect class=\"{class}\" x=\"{x:.0}\" y=\"{y:.1}\" width=\"20\" \
             height=\"{size:.1}\"/></g>"
        )
    };
    let bars: String = changes.iter().enumerate().map(bar).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few scenarios")]
    let width = WIDTH * changes.len() as f64;
    Html::trusted(format!(
        "<svg class=\"scenarios\" viewBox=\"0 0 {width:.0} 120\" role=\"img\" \
         aria-label=\"Changes by scenario\">{bars}\
         <path class=\"line\" d=\"M0 60H{width:.0}\"/></svg>"
    ))
}
