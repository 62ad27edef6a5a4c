//! What it would cost to move the published margin, and what could be gained (docs/economics.md).
//!
//! A network of some seats trains on the data's slices. Some of its seats lie, as badly as a search
//! over the deployed Programs finds, for some rounds, each the basis of a market day's report; the
//! margins of the reports, and those of a real gate that reads them, are compared with the same
//! days of the same network without a lie. Beside it stand the provider's lie about the market's
//! data and the reporters' about the price.
//!
//! *Invariants: the seed decides everything; nothing is moved where nobody lies; no gate moves by
//! more than its limits.* Absent: attacks on keys, on the chain below, and on people.

mod cost;
mod gate;
mod lie;
mod network;
mod provider;
#[cfg(test)]
mod tests;
mod words;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError, mpsc};

use market::Plan;
use serde::Serialize;

use crate::Progress;
use crate::error::Error;
pub use cost::{Prices, Tail, feed, forced, panel};
pub use gate::{Asked, Gate, LIMITS, Limits};
pub use lie::Way;
use lie::{Scene, worst};
use network::{Bench, Network, State};
pub use provider::{Feed, Panel, Provider, WrongClaim};

/// Honest rounds before the first lie.
const WARM_UP: usize = 10;
/// Threads that simulate.
const THREADS: usize = 2;

/// What to simulate.
#[derive(Clone, Debug)]
pub struct AttackRequest {
    /// Folders of bars; the bundled oil prices where there is none.
    pub data: Vec<PathBuf>,
    /// Seats of a round, 4 to 12.
    pub seats: usize,
    /// Rounds that lie, each with its report.
    pub rounds: usize,
    /// How many times each attack is made, on other days and with other batches.
    pub repeats: usize,
    /// What decides batches.
    pub seed: u64,
    /// The move that is wanted, a share of the margin.
    pub target: f64,
    /// Dollars of open interest.
    pub open_interest: f64,
    /// What things are worth.
    pub prices: Prices,
    /// The command that makes the same report.
    pub command: String,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct AttackReport {
    /// The command that makes the same report.
    pub command: String,
    /// The market.
    pub market: String,
    /// Seats of a round.
    pub seats: usize,
    /// Rounds that lied.
    pub rounds: usize,
    /// Times each was made.
    pub repeats: usize,
    /// The move that was wanted.
    pub target: f64,
    /// Dollars of open interest.
    pub open_interest: f64,
    /// What things are worth.
    pub prices: Prices,
    /// Mean margin asked by honest reports, a fraction of notional.
    pub margin: f64,
    /// Mean loss beyond it, per dollar of open interest and report.
    pub beyond: f64,
    /// Poisoned training, by seats and way.
    pub poison: Vec<Poison>,
    /// A claim of what the Program did not return.
    pub wrong_claim: Vec<WrongClaim>,
    /// A provider's false data.
    pub provider: Vec<Provider>,
    /// How many of a panel's providers it takes.
    pub panel: Vec<Panel>,
    /// How many of a feed's reporters it takes.
    pub feed: Vec<Feed>,
}

/// How far something moved, as a share of what it was without the attack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Moved {
    /// Mean over rounds and repeats.
    pub mean: f64,
    /// The furthest of all rounds and repeats in the wanted way; 0 if it never moved that way.
    pub most: f64,
}

/// One attack on training.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Poison {
    /// Seats of the attacker.
    pub liars: usize,
    /// Their share.
    pub share: f64,
    /// Which way.
    pub way: Way,
    /// How far the reports moved.
    pub report: Moved,
    /// How far the gate's initial margin did.
    pub initial: Moved,
    /// How far its maintenance margin did.
    pub maintenance: Moved,
    /// The share of lying rows that were accepted, and so paid.
    pub accepted: f64,
    /// In how many repeats the gate's initial margin moved by the target, and after how many rounds
    /// on average.
    pub reached: (usize, f64),
    /// Hours until then: the rounds', and the last claim's window.
    pub hours: f64,
    /// Dollars of stake that are locked up; a lie of this kind convicts nobody.
    pub stake: f64,
    /// What must be paid: capital, and pay forgone.
    pub cost: f64,
    /// The most that could be gained by dollar of open interest, over all rounds.
    pub gain: f64,
    /// The open interest above which the gain could be more than the cost; none without a gain.
    pub pays_above: Option<f64>,
}

/// Simulates all of it. `progress` hears how far it is.
///
/// # Errors
///
/// [`Error`] for data that cannot be used, or too few days.
pub fn attack(
    request: &AttackRequest,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<AttackReport, Error> {
    let plan = if request.data.is_empty() {
        Plan::wti(&feeds::wti()?)
    } else {
        Plan::new(&feeds::open(&request.data)?)
    };
    let network = Network::new(&plan.map_err(network::failed)?, request.seats)?;
    if network.days() < request.rounds * request.repeats {
        let needed = request.rounds * request.repeats;
        return Err(Error::FewDays { got: network.days(), needed });
    }
    let bases = in_parallel(0..request.repeats, ("honest rounds", progress), |repeat| {
        Base::run(&network, request, *repeat)
    })?;
    let counts = liars(request.seats);
    let jobs = (1..=counts.len()).flat_map(|n| [Way::Down, Way::Up].map(|way| (n, way)));
    let jobs: Vec<(usize, Way)> = jobs.collect();
    let each = jobs.iter().flat_map(|job| bases.iter().map(move |base| (*job, base)));
    let runs = in_parallel(each, ("attacks", progress), |((n, way), base)| {
        base.attacked(&network, &counts[..*n], *way)
    })?;
    let poison = jobs.iter().zip(runs.chunks(request.repeats.max(1)));
    let poison = poison
        .map(|((n, way), runs)| Poison::of(request, (counts[n - 1], *way), bases.iter().zip(runs)));
    let honest = || bases.iter().flat_map(|base| &base.days);
    let mean = |of: fn(&Day) -> f64| honest().map(of).sum::<f64>() / cost::count(honest().count());
    Ok(AttackReport {
        command: request.command.clone(),
        market: network.market().to_owned(),
        seats: request.seats,
        rounds: request.rounds,
        repeats: request.repeats,
        target: request.target,
        open_interest: request.open_interest,
        prices: request.prices,
        margin: mean(|day| day.upper),
        beyond: mean(|day| day.tail.beyond(day.upper)),
        poison: poison.collect(),
        wrong_claim: provider::wrong_claims(&request.prices),
        provider: provider::providers(&network, &bases, request)?,
        panel: provider::panels(),
        feed: provider::feeds(request),
    })
}

/// The attackers' seats that are tried, ascending: one, and about a sixth, a quarter, a third, and
/// as many as half and more than half.
fn liars(seats: usize) -> Vec<usize> {
    let mut counts = vec![1, seats / 6, seats / 4, seats / 3, seats.div_ceil(2), seats / 2 + 1];
    counts.retain(|count| *count > 0);
    counts.sort_unstable();
    counts.dedup();
    counts
}

/// A day as it was reported on, and what the gate then asked.
#[derive(Clone, Copy, Debug)]
struct Day {
    upper: f64,
    tail: Tail,
    asked: Asked,
    /// Rows that lied, and those of them that were accepted.
    lied: (usize, usize),
}

/// A repeat without a lie, and where it began.
#[derive(Clone, Debug)]
struct Base {
    seed: u64,
    first_day: usize,
    start: State,
    /// Margin that the gate starts at.
    before: f64,
    days: Vec<Day>,
    last: State,
}

impl Base {
    fn run(network: &Network, request: &AttackRequest, repeat: usize) -> Result<Base, Error> {
        let mut bench = network.bench();
        let mut state = network.start();
        let seed = request.seed.wrapping_mul(1_000_003).wrapping_add(repeat as u64);
        let first_day = repeat * (network.days() / request.repeats.max(1));
        let mut before = LIMITS.floor;
        for round in 0..WARM_UP {
            let updates = bench.train(&mut state, (round as u64, seed))?;
            let judged = bench.judge(&state.params, &updates, first_day)?;
            (state.params, before) = (judged.params, judged.upper);
        }
        let start = state.clone();
        let mut base = Base { seed, first_day, start, before, days: Vec::new(), last: state };
        let scene = (&[0][..], Way::Down, request.rounds);
        (base.days, base.last) = base.walk(&mut bench, scene)?;
        Ok(base)
    }

    fn attacked(&self, network: &Network, liars: &[usize], way: Way) -> Result<Vec<Day>, Error> {
        let mut bench = network.bench();
        Ok(self.walk(&mut bench, (liars, way, self.days.len()))?.0)
    }

    /// Goes through rounds in which so many seats lie, with a gate of their own.
    fn walk(
        &self,
        bench: &mut Bench<'_>,
        (liars, way, rounds): (&[usize], Way, usize),
    ) -> Result<(Vec<Day>, State), Error> {
        let mut state = self.start.clone();
        let mut gate = Gate::open(LIMITS, self.before)?;
        let mut days = Vec::with_capacity(rounds);
        for round in 0..rounds {
            let honest = bench.train(&mut state, ((WARM_UP + round) as u64, self.seed))?;
            let day = self.first_day + round;
            let scene = Scene { params: &state.params, honest: &honest, way, day, liars };
            let (judged, lied) = worst(bench, &scene)?;
            let lying = &judged.accepted[judged.accepted.len() - lied..];
            let accepted = lying.iter().filter(|accepted| **accepted == 1).count();
            let asked = gate.report(judged.upper)?;
            let (upper, tail) = (judged.upper, judged.tail);
            days.push(Day { upper, tail, asked, lied: (lied, accepted) });
            state.params = judged.params;
        }
        Ok((days, state))
    }
}

impl Poison {
    fn of<'a>(
        request: &AttackRequest,
        (liars, way): (usize, Way),
        runs: impl Iterator<Item = (&'a Base, &'a Vec<Day>)> + Clone,
    ) -> Poison {
        let pairs = || runs.clone().flat_map(|(base, days)| base.days.iter().zip(days));
        let moved = |of: fn(&Day) -> f64| {
            let shares = pairs().map(|(honest, attacked)| of(attacked) / of(honest) - 1.0);
            let shares: Vec<f64> = shares.collect();
            let furthest = shares.iter().map(|share| way.sign() * share).fold(0.0, f64::max);
            let mean = shares.iter().sum::<f64>() / cost::count(shares.len().max(1));
            Moved { mean, most: way.sign() * furthest }
        };
        let lied = pairs().fold((0, 0), |sum, (_, day)| (sum.0 + day.lied.0, sum.1 + day.lied.1));
        let accepted = if lied.0 == 0 { 1.0 } else { cost::count(lied.1) / cost::count(lied.0) };
        let reached: Vec<usize> = runs.clone().filter_map(|run| first(request, way, run)).collect();
        let after = cost::count(reached.iter().sum()) / cost::count(reached.len().max(1));
        let gains: Vec<f64> = runs.clone().map(|run| gain(&request.prices, way, run)).collect();
        let gain = gains.iter().sum::<f64>() / cost::count(gains.len().max(1));
        let stake = request.prices.stake(liars);
        let share = cost::count(liars) / cost::count(request.seats);
        let unpaid = request.prices.pay(share, request.rounds) * (1.0 - accepted);
        let cost = request.prices.capital(stake, request.rounds) + unpaid;
        Poison {
            liars,
            share,
            way,
            report: moved(|day| day.upper),
            initial: moved(|day| day.asked.initial),
            maintenance: moved(|day| day.asked.maintenance),
            accepted,
            hours: after * request.prices.report_hours + request.prices.window_hours,
            reached: (reached.len(), after),
            stake,
            cost,
            gain,
            pays_above: (gain > 0.0).then(|| cost / gain),
        }
    }
}

/// The round in which the gate's initial margin has moved by the target, from 1.
fn first(request: &AttackRequest, way: Way, (base, days): (&Base, &Vec<Day>)) -> Option<usize> {
    let moved = |(honest, attacked): (&Day, &Day)| {
        way.sign() * (attacked.asked.initial / honest.asked.initial - 1.0) >= request.target
    };
    base.days.iter().zip(days).position(moved).map(|at| at + 1)
}

/// The most that could be gained by dollar of open interest in one repeat. Down: what margins leave
/// to others, more than they did, each day. Up: the taker's part of what is liquidated at worst.
fn gain(prices: &Prices, way: Way, (base, days): (&Base, &Vec<Day>)) -> f64 {
    let pairs = base.days.iter().zip(days);
    match way {
        Way::Down => pairs
            .map(|(honest, attacked)| {
                let left = |day: &Day| honest.tail.beyond(day.asked.initial);
                (left(attacked) - left(honest)).max(0.0)
            })
            .sum(),
        Way::Up => {
            let forced = pairs.map(|(honest, attacked)| {
                let (honest, attacked) = (&honest.asked, &attacked.asked);
                forced(honest.maintenance, attacked.maintenance, honest.initial)
            });
            prices.liquidation_share * forced.fold(0.0, f64::max)
        }
    }
}

/// Does a piece of work for each of `items` on some threads, and returns what came out in order.
fn in_parallel<T: Sync + Send, R: Send>(
    items: impl IntoIterator<Item = T>,
    (doing, progress): (&str, &mut dyn FnMut(Progress<'_>)),
    work: impl Fn(&T) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let items: Vec<T> = items.into_iter().collect();
    let of = items.len();
    let waiting = Mutex::new(items.into_iter().enumerate().collect::<VecDeque<_>>());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let mut done: Vec<Option<R>> = std::iter::repeat_with(|| None).take(of).collect();
    std::thread::scope(|scope| {
        let (results, inbox) = mpsc::channel();
        for _ in 0..THREADS {
            let (results, next, work) = (results.clone(), &next, &work);
            scope.spawn(move || {
                while let Some((at, item)) = next() {
                    // The receiver is gone once another piece has failed.
                    if results.send((at, work(&item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(results);
        for (count, (at, result)) in inbox.iter().enumerate() {
            done[at] = Some(result?);
            progress(Progress { doing, done: count + 1, of });
        }
        Ok::<(), Error>(())
    })?;
    Ok(done.into_iter().flatten().collect())
}
