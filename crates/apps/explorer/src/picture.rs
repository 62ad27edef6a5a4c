//! The walk of a dispute as a drawing: each level a row of cells, the named one opening into the
//! row below, and at the end two scalars bit by bit.
//!
//! Every row is an SVG of its own, as wide as the next one, so that the wedge below a named cell
//! ends where the next row begins, at any width of the page. What a drawing shows stands in its
//! title and in words beside it.
//! Deliberately absent: style attributes, which the security policy would refuse.

use crate::parts::Html;
use crate::view::{Dtype, Scalar};
use crate::walk::{ARITY, Level};

/// Width of a row, in its own units.
const WIDTH: f64 = 640.0;
/// Height of a cell, and of the wedge below it.
const CELL: f64 = 26.0;
const WEDGE: f64 = 26.0;
/// The widest a cell becomes when there are few.
const CELL_MAX: f64 = 40.0;
/// Space between two cells.
const GAP: f64 = 3.0;

/// Where the cells of a row begin, and how wide each is.
#[derive(Clone, Copy)]
struct Row {
    left: f64,
    width: f64,
    cells: u64,
}

impl Row {
    fn new(cells: u64) -> Row {
        let width = (WIDTH / cells as f64).min(CELL_MAX);
        Row { left: (WIDTH - width * cells as f64) / 2.0, width, cells }
    }

    /// Left and right edge of a cell.
    fn edges(self, cell: u64) -> (f64, f64) {
        let left = self.left + self.width * cell as f64;
        (left + GAP / 2.0, left + self.width - GAP / 2.0)
    }

    /// Left and right edge of the whole row.
    fn span(self) -> (f64, f64) {
        (self.edges(0).0, self.edges(self.cells.saturating_sub(1)).1)
    }
}

/// What the wedge below a named cell opens into.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Below<'a> {
    /// The next level.
    Level(&'a Level),
    /// A move that is still due.
    Due,
    /// The step, or the comparison, that decided.
    End,
    /// Nothing: the dispute stopped here.
    Nothing,
}

impl Below<'_> {
    fn span(self) -> Option<(f64, f64)> {
        match self {
            Below::Level(level) => Some(Row::new(level.cells).span()),
            Below::Due => Some(Row::new(ARITY).span()),
            Below::End => Some((GAP / 2.0, WIDTH - GAP / 2.0)),
            Below::Nothing => None,
        }
    }
}

/// Draws a level and the wedge to what is below it.
pub(crate) fn level(level: &Level, below: Below<'_>) -> Html {
    let row = Row::new(level.cells);
    let mut shapes = String::new();
    for cell in 0..level.cells {
        let (left, right) = row.edges(cell);
        let class = match level.named {
            None => "open",
            Some(named) if cell < named => "agreed",
            Some(named) if cell == named => "named",
            Some(_) => "unseen",
        };
        shapes.push_str(&format!(
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"1\" width=\"{:.1}\" height=\"{:.1}\" \
             rx=\"2\"/>",
            right - left,
            CELL - 2.0
        ));
    }
    if let Some((named, (far_left, far_right))) = level.named.zip(below.span()) {
        let ((left, right), bottom) = (row.edges(named), CELL + WEDGE);
        shapes.push_str(&format!(
            "<path class=\"wedge\" d=\"M{left:.1} {CELL}H{right:.1}L{far_right:.1} {bottom}\
             H{far_left:.1}Z\"/>"
        ));
    }
    let height = CELL + WEDGE;
    Html::trusted(format!(
        "<svg class=\"level\" viewBox=\"0 0 {WIDTH} {height}\" preserveAspectRatio=\"none\" \
         role=\"img\"><title>{}</title>{shapes}</svg>",
        title(level)
    ))
}

fn title(level: &Level) -> String {
    match level.named {
        None => format!("{}, none named yet", level.offers()),
        Some(named) => format!(
            "of {} the first {named} are agreed, the next one is named, {} were not looked at",
            level.offers(),
            level.cells.saturating_sub(named + 1)
        ),
    }
}

/// Draws the place of a move that is still due.
pub(crate) fn due() -> Html {
    let (left, right) = Row::new(ARITY).span();
    Html::trusted(format!(
        "<svg class=\"level\" viewBox=\"0 0 {WIDTH} {}\" preserveAspectRatio=\"none\" \
         aria-hidden=\"true\"><rect class=\"due\" x=\"{left:.1}\" y=\"1\" width=\"{:.1}\" \
         height=\"{:.1}\" rx=\"2\"/></svg>",
        CELL + WEDGE,
        right - left,
        CELL - 2.0
    ))
}

/// Units of width of a bit, and of the space between sign, exponent and fraction.
const BIT: u32 = 10;
const FIELD: u32 = 6;

/// Draws a scalar's bits from the highest down, those that the other one has not marked.
pub(crate) fn bits(scalar: &Scalar, other: &Scalar) -> Html {
    let width = scalar.dtype().width();
    // Below these bits a space is left: the sign, and the exponent of a float.
    let ends: &[u32] = match scalar.dtype() {
        Dtype::F32 => &[31, 23],
        Dtype::F64 => &[63, 52],
        Dtype::I32 => &[31],
    };
    let mut shapes = String::new();
    let mut x = 0;
    for bit in (0..width).rev() {
        let is_set = |scalar: &Scalar| scalar.bits() >> bit & 1 == 1;
        let set = if is_set(scalar) { "one" } else { "zero" };
        let differs = if is_set(scalar) == is_set(other) { "" } else { " differs" };
        shapes.push_str(&format!(
            "<rect class=\"{set}{differs}\" x=\"{}\" y=\"1\" width=\"8\" height=\"20\"/>",
            x + 1
        ));
        x += if ends.contains(&bit) { BIT + FIELD } else { BIT };
    }
    let differ = (scalar.bits() ^ other.bits()).count_ones();
    Html::trusted(format!(
        "<svg class=\"bits\" viewBox=\"0 0 {x} 22\" role=\"img\">\
         <title>{width} bits of a {}, {differ} of them different</title>{shapes}</svg>",
        scalar.dtype().name()
    ))
}
