//! Engines that take turns at one piece of work, and what is reported of it.
//!
//! *Invariant: a ratio compares times of one turn.* Absent: best times, which are luck.

use serde_json::json;

use crate::clock::Clock;

/// Turns of which the median counts.
const TURNS: usize = 31;

/// How long an engine works in one turn, about, in seconds.
const TURN_SECONDS: f64 = 0.02;

/// Something that can do the work over and over.
pub(crate) trait Engine {
    /// Does the work `times` times and returns how many seconds that took, by the clock for so many
    /// threads.
    fn run(&mut self, times: u32, threads: usize) -> anyhow::Result<f64>;
}

/// Work that is done by calling something here.
impl<F: FnMut() -> anyhow::Result<()>> Engine for F {
    fn run(&mut self, times: u32, threads: usize) -> anyhow::Result<f64> {
        let clock = Clock::start(threads);
        for _ in 0..times {
            self()?;
        }
        Ok(clock.seconds())
    }
}

/// An engine with its name.
pub(crate) type Entrant<'a> = (String, Box<dyn Engine + 'a>);

/// One piece of work.
pub(crate) struct Contest<'a> {
    pub(crate) name: String,
    pub(crate) threads: usize,
    /// Least ratio of the best peer's time to ours.
    pub(crate) bar: f64,
    pub(crate) ours: Box<dyn Engine + 'a>,
    pub(crate) peers: Vec<Entrant<'a>>,
}

/// What a contest gave.
pub(crate) struct Outcome {
    name: String,
    bar: f64,
    /// Median seconds of one piece of work.
    ours: f64,
    peers: Vec<Standing>,
    /// The ratio to whichever peer was fastest in each turn.
    best: Spread,
}

/// How one peer did.
struct Standing {
    name: String,
    seconds: f64,
    /// Its time over ours: above 1, we are faster.
    ratio: Spread,
}

/// A median with its quartiles.
#[derive(Clone, Copy)]
struct Spread {
    low: f64,
    median: f64,
    high: f64,
}

impl Spread {
    fn of(mut numbers: Vec<f64>) -> Spread {
        numbers.sort_by(f64::total_cmp);
        let at = |quarter: usize| numbers[(numbers.len() - 1) * quarter / 4];
        Spread { low: at(1), median: at(2), high: at(3) }
    }
}

impl Contest<'_> {
    /// Lets the engines take turns; `progress` hears of each.
    pub(crate) fn run(mut self, progress: impl Fn(usize, usize)) -> anyhow::Result<Outcome> {
        let mut engines = vec![&mut self.ours];
        engines.extend(self.peers.iter_mut().map(|(_, engine)| engine));
        let mut times = Vec::new();
        for engine in &mut engines {
            engine.run(1, self.threads)?;
            let once = engine.run(1, self.threads)?.min(engine.run(1, self.threads)?);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            times.push((TURN_SECONDS / once).clamp(1.0, 1e6) as u32);
        }
        let mut seconds = vec![Vec::new(); engines.len()];
        for turn in 0..TURNS {
            progress(turn + 1, TURNS);
            for place in 0..engines.len() {
                let engine = (place + turn) % engines.len();
                let took = engines[engine].run(times[engine], self.threads)?;
                seconds[engine].push(took / f64::from(times[engine]));
            }
        }
        Ok(self.outcome(&seconds))
    }

    fn outcome(self, seconds: &[Vec<f64>]) -> Outcome {
        let ours = &seconds[0];
        let ratios = |theirs: &[f64]| theirs.iter().zip(ours).map(|(x, y)| x / y).collect();
        let mut best = vec![f64::INFINITY; TURNS];
        let mut peers = Vec::new();
        for ((name, _), theirs) in self.peers.into_iter().zip(&seconds[1..]) {
            best.iter_mut()
                .zip(theirs)
                .for_each(|(best, x)| *best = if x < best { *x } else { *best });
            let seconds = Spread::of(theirs.clone()).median;
            peers.push(Standing { name, seconds, ratio: Spread::of(ratios(theirs)) });
        }
        let best = Spread::of(ratios(&best));
        Outcome {
            name: self.name,
            bar: self.bar,
            ours: Spread::of(ours.clone()).median,
            peers,
            best,
        }
    }
}

/// All outcomes, as a table or as a line of JSON each.
pub(crate) struct Report {
    json: bool,
    threads: usize,
    rows: Vec<String>,
}

impl Report {
    pub(crate) fn new(json: bool, threads: usize) -> Report {
        Report { json, threads, rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, outcome: &Outcome) {
        eprintln!();
        let row = if self.json { self.json(outcome) } else { self.row(outcome) };
        eprintln!("{row}");
        self.rows.push(row);
    }

    fn row(&self, outcome: &Outcome) -> String {
        let Spread { low, median, high } = outcome.best;
        let met = if median >= outcome.bar { "met" } else { "missed" };
        let peers = outcome.peers.iter().map(|peer| {
            let Spread { low, median, high } = peer.ratio;
            format!("{} {} ({median:.2}, {low:.2} to {high:.2})", peer.name, show(peer.seconds))
        });
        format!(
            "| {} | {} | {} | {} | **{median:.2}** ({low:.2} to {high:.2}) | {:.2}, {met} |",
            outcome.name,
            self.threads,
            show(outcome.ours),
            peers.collect::<Vec<_>>().join("; "),
            outcome.bar,
        )
    }

    fn json(&self, outcome: &Outcome) -> String {
        let spread = |spread: Spread| json!([spread.low, spread.median, spread.high]);
        let peers = outcome.peers.iter().map(|peer| {
            json!({ "name": peer.name, "seconds": peer.seconds, "ratio": spread(peer.ratio) })
        });
        json!({
            "work": outcome.name,
            "threads": self.threads,
            "clock": Clock::name(self.threads),
            "seconds": outcome.ours,
            "peers": peers.collect::<Vec<_>>(),
            "ratio": spread(outcome.best),
            "bar": outcome.bar,
        })
        .to_string()
    }

    /// Prints everything once more, together.
    pub(crate) fn print(&self) {
        if !self.json && self.threads == 1 {
            println!("| work | threads | ours | theirs (over ours, quartiles) | the best | bar |");
            println!("|---|---|---|---|---|---|");
        }
        self.rows.iter().for_each(|row| println!("{row}"));
    }
}

fn show(seconds: f64) -> String {
    if seconds < 1e-3 {
        format!("{:.1} µs", seconds * 1e6)
    } else {
        format!("{:.2} ms", seconds * 1e3)
    }
}
