//! The crashes that can be replayed, and what had been seen of each.

/// A crash that can be replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What happened, for the page.
    pub title: &'static str,
    /// The first day of the window.
    pub from: &'static str,
    /// The last day.
    pub to: &'static str,
    /// The first hour of the crash, Unix seconds: what came before is *before*.
    pub begins_s: i64,
    /// The end of its last hour: what comes after is *after*.
    pub ends_s: i64,
    /// The last day that our coefficients are fitted to; it is before `from`.
    pub fitted: &'static str,
    /// The longest hole that is taken, in hours; 0 takes none.
    pub holes_h: usize,
    /// Whether it is replayed on option chains; otherwise on bars.
    pub chains: bool,
    /// What the choices of our engine had seen of it.
    pub seen: &'static str,
}

/// The crashes there are.
pub const CRASHES: [Crash; 3] = [
    Crash {
        name: "oct-2025",
        title: "10 October 2025: the largest liquidation of perpetuals so far",
        from: "2025-10-08",
        to: "2025-10-14",
        begins_s: 1_760_126_400,
        ends_s: 1_760_140_800,
        fitted: "2025-10-07",
        holes_h: 0,
        chains: false,
        seen: "Constants of the engine were chosen on days before 2024-01-01. Four of them were \
               added or set anew after a first look at all days from then on, this crash among \
               them, with values from days before: this replay is no first try (docs/model.md). \
               Coefficients are fitted to days before the window.",
    },
    Crash {
        name: "mar-2020",
        title: "12 March 2020: prices halve in a day",
        from: "2020-03-10",
        to: "2020-03-16",
        begins_s: 1_584_007_200,
        ends_s: 1_584_072_000,
        fitted: "2020-02-29",
        holes_h: 48,
        chains: false,
        seen: "Constants and coefficients come from hours of 2017-08 to 2020-02: a program chose \
               each constant there by a rule that does not know the crash, and coefficients are \
               fitted to no hour after. What it chose among, and which features there are, was \
               laid down years later by people who had seen this crash; that cannot be undone \
               (docs/backtest.md).",
    },
    Crash {
        name: "feb-2026",
        title: "3 to 7 February 2026: portfolios of options through a fall of a fifth",
        from: "2026-02-03",
        to: "2026-02-07",
        begins_s: 1_770_098_400,
        ends_s: 1_770_357_600,
        fitted: "2026-02-02",
        holes_h: 0,
        chains: true,
        seen: "Constants of the engine were chosen on hours before 2024-01-01, four of them after \
               a first look at days up to 2025-12-31 (docs/model.md): none saw a day of 2026. How \
               they are used on captures follows by rule from what they are for hours; nothing \
               was tried on these chains before it was written down.",
    },
];
