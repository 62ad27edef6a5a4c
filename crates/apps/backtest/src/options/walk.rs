//! Accounts from capture to capture under one system's margins.
//!
//! *Invariant: money in is money out, to the cent; a mark or a margin is of its own capture.*

use std::collections::BTreeMap;

use market::option::{Contract, greeks_inputs, price};
use market::scenario::Kind;
use tensor::Program;

use super::captures::Capture;
use super::portfolios::{Arrays, Instrument, Wishes, cents, leg, program};
use super::widths::Asked;
use crate::accounts::{Exit, Outcome};
use crate::error::Error;

/// What every instrument is worth at a capture, and the quotes it can be closed at.
struct Marks {
    mark: f64,
    /// What a long and a short position get and pay for one unit.
    exits: [f64; 2],
    /// Which of the two somebody quotes.
    quoted: [bool; 2],
}

/// The instruments that accounts hold, with their marks at each capture of the window.
pub(crate) struct Market<'a> {
    captures: &'a [Capture],
    instruments: Vec<Instrument>,
    marks: Vec<Vec<Marks>>,
    program: Program,
}

/// An account by places of instruments.
pub(crate) struct Account<'a> {
    pub(crate) wishes: &'a Wishes,
    pub(crate) legs: Vec<(usize, f64)>,
    /// The capture at which it ends, left alone.
    pub(crate) last: usize,
}

impl<'a> Market<'a> {
    /// Lists the instruments of these wishes and marks them at every capture.
    ///
    /// # Errors
    ///
    /// [`Error::Program`] if a Program cannot be built.
    pub(crate) fn of(
        captures: &'a [Capture],
        wishes: &'a [Wishes],
    ) -> Result<(Market<'a>, Vec<Account<'a>>), Error> {
        let mut places: BTreeMap<(i64, u64, bool), usize> = BTreeMap::new();
        let mut instruments = Vec::new();
        let mut accounts = Vec::new();
        for wishes in wishes {
            let mut place = |instrument: &Instrument| {
                *places.entry(key(instrument)).or_insert_with(|| {
                    instruments.push(*instrument);
                    instruments.len() - 1
                })
            };
            let legs = wishes.legs.iter().map(|(what, units)| (place(what), *units)).collect();
            let opens_s = captures[wishes.from].time_s as f64;
            let ends_s = opens_s + 3_600.0 * wishes.hours;
            let last = captures.partition_point(|capture| (capture.time_s as f64) < ends_s);
            let last = last.clamp(wishes.from + 1, captures.len() - 1);
            accounts.push(Account { wishes, legs, last });
        }
        let program = program(instruments.len().max(1))?;
        let mut market = Market { captures, instruments, marks: Vec::new(), program };
        for capture in captures {
            let marks = market.mark(capture)?;
            market.marks.push(marks);
        }
        Ok((market, accounts))
    }

    fn mark(&self, capture: &Capture) -> Result<Vec<Marks>, Error> {
        let contract = |what: &Instrument| {
            let leg = leg(what, capture).filter(|leg| leg.kind != Kind::Perpetual);
            // What is not listed (yet) is worth nothing here, and nobody holds it.
            leg.map_or(
                Contract { forward: 1.0, strike: 1.0, volatility: 0.0, years: 1.0, call: true },
                |l| {
                    let call = l.kind == Kind::Call;
                    let (forward, strike, volatility) = (l.forward, l.strike, l.volatility);
                    Contract { forward, strike, volatility, years: l.years, call }
                },
            )
        };
        let contracts: Vec<Contract> = self.instruments.iter().map(contract).collect();
        let outputs = tensor::eval(&price(contracts.len())?, &greeks_inputs(&contracts)?);
        let outputs = outputs.expect("inputs were made for the Program");
        let prices = outputs[0].as_f64().expect("prices are f64");
        let mut marks = Vec::new();
        for (what, price) in self.instruments.iter().zip(prices) {
            let Instrument::Option { expiry_s, strike, call } = *what else {
                let exits = [capture.index; 2];
                marks.push(Marks { mark: capture.index, exits, quoted: [true; 2] });
                continue;
            };
            let listed = capture.expiries.get(&expiry_s);
            let mut quotes = listed.iter().flat_map(|listed| &listed.quotes);
            let quote = quotes.find(|q| q.strike == strike && q.call == call);
            let (bid, ask) = (quote.and_then(|q| q.bid), quote.and_then(|q| q.ask));
            let quoted = [bid.is_some(), ask.is_some()];
            // A side that nobody quotes is as far from the mark as the other one.
            let mirrored = |side: Option<f64>| side.map(|side| (2.0 * price - side).max(0.0));
            let bid_exit = bid.or_else(|| mirrored(ask)).unwrap_or(*price);
            let ask_exit = ask.or_else(|| mirrored(bid)).unwrap_or(*price);
            marks.push(Marks { mark: *price, exits: [bid_exit, ask_exit], quoted });
        }
        Ok(marks)
    }

    /// Returns arrays at each capture: for initial and for maintenance margin.
    fn arrays(&self, asked: &[Asked]) -> Result<Vec<(Arrays, Arrays)>, Error> {
        let mut all = Vec::new();
        for (capture, asked) in self.captures.iter().zip(asked) {
            let future = leg(&Instrument::Future, capture).expect("a future is always there");
            let legs: Vec<_> =
                self.instruments.iter().map(|i| leg(i, capture).unwrap_or(future)).collect();
            let of = |width| Arrays::of(&self.program, &legs, width);
            all.push((of(asked.initial)?, of(asked.maintenance)?));
        }
        Ok(all)
    }

    /// Returns what becomes of the accounts when these are the margins of each capture; places of
    /// liquidations and bankruptcies are those of captures. With it how many legs were closed on a
    /// side that nobody quoted. Who is liquidated is closed at the next capture's quotes, or at
    /// once at the marks.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] where nobody holds anything.
    pub(crate) fn walk(
        &self,
        accounts: &[Account<'_>],
        asked: &[Asked],
        exit: Exit,
    ) -> Result<(Outcome, usize), Error> {
        let arrays = self.arrays(asked)?;
        let mut outcome = Outcome { accounts: accounts.len(), ..Outcome::default() };
        let mut unquoted = 0;
        for (place, account) in accounts.iter().enumerate() {
            let Wishes { from, deposit_cents, leverage, .. } = *account.wishes;
            let deposit = deposit_cents as f64 / 100.0;
            let unit = arrays[from].0.margin(&account.legs, self.captures[from].index);
            let allowed = if unit > 0.0 { 1.0 / unit } else { f64::INFINITY };
            outcome.capped += usize::from(allowed < leverage);
            let notional = deposit * leverage.min(allowed);
            let legs = account.legs.iter().map(|(at, units)| (*at, units * notional));
            let held = Held { from, legs: legs.collect() };
            let (mut end, mut won) = (account.last, self.gain(&held, account.last));
            for t in from + 1..=account.last {
                let margin = arrays[t].1.margin(&held.legs, self.captures[t].index);
                if deposit + self.gain(&held, t) < asked[t].share * margin {
                    outcome.liquidated += 1;
                    outcome.liquidations.push(t);
                    outcome.who.push(place);
                    outcome.liquidated_in_vain += usize::from(deposit + won > 0.0);
                    if exit == Exit::AtOnce {
                        (end, won) = (t, self.gain(&held, t));
                        break;
                    }
                    end = (t + 1).min(self.captures.len() - 1);
                    let missing;
                    (won, missing) = self.exit(&held, end);
                    unquoted += missing;
                    break;
                }
            }
            outcome.end(end, (deposit_cents, cents(notional), cents(won)));
        }
        outcome.bankruptcies.sort_unstable();
        outcome.bankrupt_hours = outcome.bankruptcies.chunk_by(|a, b| a.0 == b.0).count();
        Ok((outcome, unquoted))
    }

    /// What positions have won at the marks of a capture.
    fn gain(&self, held: &Held, t: usize) -> f64 {
        let of = |(at, q): &(usize, f64)| {
            q * (self.marks[t][*at].mark - self.marks[held.from][*at].mark)
        };
        held.legs.iter().map(of).sum()
    }

    /// What they have won when closed at the quotes of a capture, and how many have no quote.
    fn exit(&self, held: &Held, t: usize) -> (f64, usize) {
        let (mut won, mut unquoted) = (0.0, 0);
        for (at, q) in &held.legs {
            let (marks, side) = (&self.marks[t][*at], usize::from(*q < 0.0));
            won += q * (marks.exits[side] - self.marks[held.from][*at].mark);
            unquoted += usize::from(!marks.quoted[side]);
        }
        (won, unquoted)
    }
}

/// Positions since a capture: places of instruments and units.
struct Held {
    from: usize,
    legs: Vec<(usize, f64)>,
}

/// Tells instruments apart.
pub(crate) fn key(instrument: &Instrument) -> (i64, u64, bool) {
    match *instrument {
        Instrument::Future => (i64::MAX, 0, false),
        Instrument::Option { expiry_s, strike, call } => (expiry_s, strike.to_bits(), call),
    }
}
