//! Lies about results, which the court judges, and about data: a provider's about the market's
//! past, reporters' about the price.
//!
//! No court judges data: a claim says that the margin follows from them. What stands against such a
//! lie is the median of several, a record that takes trust away, and whoever compares with the
//! source (`assay replay`).

use market::{Trained, Trial};
use serde::Serialize;
use tensor::Tensor;

use super::cost::{self, Tail};
use super::network::Network;
use super::{AttackRequest, Base, Gate, LIMITS, Prices};
use crate::error::Error;

/// What returns are multiplied by.
const FACTORS: [f64; 4] = [0.9, 0.75, 0.5, 2.0];
/// Providers of a panel, reporters of a feed.
const PANELS: [usize; 5] = [1, 2, 3, 5, 7];
const FEEDS: [usize; 4] = [3, 4, 7, 12];
/// Honest nodes beside a liar, and the chance that one is there in a claim's window.
const CHECKERS: [usize; 5] = [1, 2, 3, 5, 11];
const PRESENT: f64 = 0.9;
/// The rate of misses that a report's quantile says.
const SAID_WAD: u128 = 5_000_000_000_000_000;
/// Records that are kept to the end, and outcomes after which one is given up.
const RECORDS: u64 = 200;
const OUTCOMES_MAX: u32 = 4_096;

/// A provider that multiplies every return by one number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Provider {
    /// The number.
    pub factor: f64,
    /// How far its reports move, a share.
    pub report: f64,
    /// How far a gate that reads it alone has moved after the first of them is final.
    pub first: f64,
    /// Reports until that has moved by the target; none if it never does.
    pub reports: Option<usize>,
    /// The rate of moves beyond what it says, by the honest tail.
    pub misses: f64,
    /// Mean number of outcomes until `ProviderLedger` takes its trust, those that keep it counted
    /// as 4,096; and the share that keep it so long.
    pub trusted: (f64, f64),
}

/// A claim of another result than the Program's, which every honest node that is there disputes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WrongClaim {
    /// Honest nodes that check.
    pub checkers: usize,
    /// The chance that each is there in the claim's window.
    pub present: f64,
    /// The chance that none is, and the claim stands.
    pub stands: f64,
    /// Dollars lost on average.
    pub cost: f64,
}

/// How many of a panel's providers decide its median.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Panel {
    /// Providers.
    pub providers: usize,
    /// To lower it.
    pub down: usize,
    /// To raise it.
    pub up: usize,
}

/// How many of a feed's reporters decide its price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Feed {
    /// Reporters, of equal weight.
    pub reporters: usize,
    /// To lower the price.
    pub down: usize,
    /// To raise it.
    pub up: usize,
    /// Dollars of stake of the fewer, lost only for what can be proved.
    pub stake: f64,
}

/// Simulates providers on the last day of each repeat.
pub(super) fn providers(
    network: &Network,
    bases: &[Base],
    request: &AttackRequest,
) -> Result<Vec<Provider>, Error> {
    FACTORS.iter().map(|factor| provider(network, bases, (*factor, request))).collect()
}

fn provider(
    network: &Network,
    bases: &[Base],
    (factor, request): (f64, &AttackRequest),
) -> Result<Provider, Error> {
    let mut bench = network.bench();
    let (mut moved, mut first, mut misses, mut reports) = (0.0, 0.0, 0.0, Some(0));
    for base in bases {
        // The day after the last; nobody trained since, so no trainer differs from the model.
        let day = (base.first_day + base.days.len()).min(network.days() - 1);
        let params = &base.last.params;
        let trained = still(params, network.seats())?;
        let (honest, tail) = bench.report(params, &trained, day)?;
        let told = bench.retold((params, &trained), factor, day)?;
        moved += told / honest - 1.0;
        misses += beyond(tail, told);
        let mut gate = Gate::open(LIMITS, honest)?;
        let mut steps = Vec::new();
        for _ in 0..request.rounds {
            steps.push(gate.report(told)?.initial / honest.max(LIMITS.floor) - 1.0);
        }
        first += steps.first().copied().unwrap_or(0.0);
        let reached = steps.iter().position(|step| step.abs() >= request.target);
        reports = reports.zip(reached).map(|(most, at): (usize, usize)| most.max(at + 1));
    }
    let n = cost::count(bases.len().max(1));
    Ok(Provider {
        factor,
        report: moved / n,
        first: first / n,
        reports,
        misses: misses / n,
        trusted: trusted(misses / n, request.seed),
    })
}

/// A round whose trainers sent nothing.
fn still(params: &Tensor, seats: usize) -> Result<Trained, Error> {
    let count = params.shape().count();
    let row = || Tensor::i32(&[count], vec![0; count]).map_err(super::network::failed);
    Ok(Trained {
        before: params.clone(),
        accepted: Tensor::i32(&[seats], vec![1; seats]).map_err(super::network::failed)?,
        updates: (0..seats).map(|_| row()).collect::<Result<_, _>>()?,
    })
}

/// The chance of a loss beyond a margin.
fn beyond(tail: Tail, margin: f64) -> f64 {
    let mean = (tail.shortfall - tail.quantile).max(1e-9);
    (tail.beyond(margin) / mean).min(1.0)
}

/// Keeps records of somebody who misses at this rate and said half a per cent.
fn trusted(misses: f64, seed: u64) -> (f64, f64) {
    let (mut outcomes, mut kept) = (0.0, 0.0);
    for record in 0..RECORDS {
        let Some(mut trial) = Trial::new(SAID_WAD) else { break };
        let mut state = seed.wrapping_mul(RECORDS).wrapping_add(record);
        let found = (1..=OUTCOMES_MAX).find(|_| trial.add(unit(&mut state) < misses));
        outcomes += f64::from(found.unwrap_or(OUTCOMES_MAX));
        kept += f64::from(u8::from(found.is_none()));
    }
    (outcomes / RECORDS as f64, kept / RECORDS as f64)
}

/// A number from 0 to 1 (splitmix64).
fn unit(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Returns wrong claims before some numbers of honest nodes.
pub(super) fn wrong_claims(prices: &Prices) -> Vec<WrongClaim> {
    let one = |checkers: usize| {
        let stands = std::iter::repeat_n(1.0 - PRESENT, checkers).product();
        let cost = prices.wrong_claim(checkers, PRESENT);
        WrongClaim { checkers, present: PRESENT, stands, cost }
    };
    CHECKERS.map(one).to_vec()
}

/// Returns panels of some sizes.
pub(super) fn panels() -> Vec<Panel> {
    let one = |providers: usize| {
        let (down, up) = cost::panel(providers);
        Panel { providers, down, up }
    };
    PANELS.map(one).to_vec()
}

/// Returns feeds of some sizes.
pub(super) fn feeds(request: &AttackRequest) -> Vec<Feed> {
    let one = |reporters: usize| {
        let (down, up) = cost::feed(reporters);
        Feed { reporters, down, up, stake: request.prices.stake(down.min(up)) }
    };
    FEEDS.map(one).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: f64 = SAID_WAD as f64 / 1e18;

    #[test]
    fn who_misses_often_loses_trust_sooner_than_who_does_not() {
        let honest = trusted(SAID, 1);
        let (mild, bold) = (trusted(5.0 * SAID, 1), trusted(20.0 * SAID, 1));
        assert!(bold.0 < mild.0 && mild.0 < honest.0, "{bold:?} {mild:?} {honest:?}");
        assert!(honest.1 > 0.95 && bold.1 == 0.0, "{honest:?} {bold:?}");
    }

    #[test]
    fn the_chance_of_a_miss_at_the_quantile_is_what_the_quantile_says() {
        let tail = Tail { quantile: 0.08, shortfall: 0.11 };
        assert!((beyond(tail, 0.08) - SAID).abs() < 1e-12);
        assert!(beyond(tail, 0.0) <= 1.0);
    }
}
