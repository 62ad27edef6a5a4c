//! Grids of options and perpetuals: what a claim of one is about, and who makes, checks and settles
//! them.
//!
//! The provider lists a week's options around the price and values all of them at the volatility it
//! reports; every other node runs the grid's Program again and challenges what differs. Whoever has
//! to show arrays to the house finds them here ([`Counted`]).
//!
//! Deliberately absent: a surface. Here nobody quotes options, so each is valued at one volatility,
//! which is the provider's word.

use std::sync::Arc;

use alloy::primitives::U256;
use chain::client::{
    Change, ClaimedGrid, Data, House, Instrument, Reading, Rows, house::PERPETUAL,
};
use tensor::{Dtype, Program, Shape, Tensor};

use crate::{Job, NodeError, job::GRID_ROWS};

mod duty;
mod series;

pub(crate) use duty::Grids;

/// The only market of the book.
pub const MARKET: u8 = 0;
/// Seconds of a slot of the house's feed. A day's options expire at the end of its first one, which
/// is the day's price.
pub const SLOT_S: u64 = 1_800;
/// Scenarios of a row; behind them seven marks, the one at the grid's price in the middle, and the
/// delta.
pub const SCENARIOS: usize = 24;
const DELTA: usize = 31;

/// The grid that counts, computed again.
#[derive(Clone, Debug)]
pub struct Counted {
    /// What was claimed, and with what.
    pub claimed: ClaimedGrid,
    /// f64\[32, 32\]: of each row 24 weighted changes, seven marks, the delta.
    pub output: Tensor,
    /// The instruments when it was claimed, by number.
    pub instruments: Vec<Instrument>,
    rows: Rows,
}

impl Counted {
    /// Computes the grid that counts; nothing before the first.
    ///
    /// # Errors
    ///
    /// [`NodeError`] if the chain does not answer, or the grid that counts is not what its Program
    /// returns.
    pub async fn read(job: &Job, house: &House) -> Result<Option<Counted>, NodeError> {
        let claim = U256::from(house.grid(MARKET).await?.claim);
        if claim.is_zero() {
            return Ok(None);
        }
        let absent = || NodeError::absent(format!("grid {claim} was never posted"));
        let claimed = house.grid_of_claim(claim).await?.ok_or_else(absent)?;
        let changes = house.changes(Some(claimed.at)).await?;
        let inputs = inputs(&changes, &claimed.data)?;
        let output = kernels::eval(job.grid()?.as_ref(), &inputs)?.remove(0);
        let absent = || NodeError::absent("a grid has another shape");
        let rows = Rows::of(&output).ok_or_else(absent)?;
        if rows.root() != claimed.grid.root {
            let what = format!("grid {claim} is not what its Program returns");
            return Err(NodeError::absent(what));
        }
        let instruments = Shelf::of(&changes).instruments;
        Ok(Some(Counted { claimed, output, instruments, rows }))
    }

    /// Returns the arrays of instruments, which ascend.
    ///
    /// # Errors
    ///
    /// [`NodeError::Absent`] for one that the grid has no row of.
    pub fn readings(&self, instruments: &[u32]) -> Result<Vec<Reading>, NodeError> {
        let of = |number: &u32| {
            let known = self.instruments.get(*number as usize)?;
            self.rows.reading(*number, known.row as usize)
        };
        let absent = || NodeError::absent("an instrument that the grid has not");
        instruments.iter().map(of).collect::<Option<_>>().ok_or_else(absent)
    }

    /// Returns what a unit of an instrument gains in each scenario, weighted; nothing of one that
    /// had expired when the grid was made, or has no row.
    pub fn gains(&self, instrument: u32) -> Option<&[f64]> {
        self.row(instrument)?.get(..SCENARIOS)
    }

    /// Returns by how many units of the underlying an instrument's value moves.
    pub fn delta(&self, instrument: u32) -> Option<f64> {
        self.row(instrument)?.get(DELTA).copied()
    }

    /// Returns what a unit is worth at the grid's price, ticks of 10^-12 dollars, as the contract
    /// has it.
    pub fn mark(&self, instrument: u32) -> Option<i128> {
        Some(market::scenario::ledger::Row::read(self.row(instrument)?)?.mark(0, 1))
    }

    /// Returns the six numbers of the provider's call: time, price, half-width, rise and fall of
    /// the volatility, band.
    pub fn head(&self) -> [f64; 6] {
        let mut head = [f64::NAN; 6];
        for (number, bytes) in head.iter_mut().zip(self.claimed.data.head.chunks_exact(8)) {
            *number = f64::from_le_bytes(bytes.try_into().unwrap_or_default());
        }
        head
    }

    fn row(&self, instrument: u32) -> Option<&[f64]> {
        let known = self.instruments.get(instrument as usize)?;
        let lives = known.expiry == 0 || known.expiry > self.claimed.grid.time;
        let rows = self.output.as_f64().filter(|_| lives)?;
        rows.chunks(GRID_ROWS).nth(known.row as usize)
    }
}

/// Returns the Program and the inputs of a grid's claim.
///
/// # Errors
///
/// [`NodeError`] if it is no grid's, or the chain does not answer.
pub(crate) async fn subject(house: &House, claim: U256) -> Result<Vec<Tensor>, NodeError> {
    let absent = || NodeError::absent(format!("claim {claim} is of no grid"));
    let claimed = house.grid_of_claim(claim).await?.ok_or_else(absent)?;
    inputs(&house.changes(Some(claimed.at)).await?, &claimed.data)
}

/// Returns the Program of grids with a claim's inputs.
pub(crate) fn execution(
    job: &Job,
    inputs: &[Tensor],
) -> Result<(Arc<Program>, Vec<Tensor>), NodeError> {
    Ok((job.grid()?, inputs.to_vec()))
}

/// The book's terms, as its contract hashes them, and what the claim brought.
fn inputs(changes: &[Change], brought: &Data) -> Result<Vec<Tensor>, NodeError> {
    let [strikes, expiries, kinds] = Shelf::of(changes).terms.tensors()?;
    let data = |bytes: &[u8], count: usize| {
        let shape = Shape::new(&[count]).map_err(NodeError::program)?;
        Tensor::from_bytes(Dtype::F64, &shape, bytes).map_err(NodeError::program)
    };
    let head = data(&brought.head, 6)?;
    let forwards = data(&brought.forwards, GRID_ROWS)?;
    let volatilities = data(&brought.volatilities, GRID_ROWS)?;
    Ok(vec![strikes, expiries, kinds, head, forwards, volatilities])
}

/// What the contract has hashed of its rows. One without an instrument is a perpetual.
#[derive(Clone, Debug)]
struct Terms {
    strikes: Vec<f64>,
    expiries: Vec<f64>,
    kinds: Vec<i32>,
}

impl Terms {
    fn of(rows: &[Option<u32>; GRID_ROWS], instruments: &[Instrument]) -> Terms {
        let of = |row: &Option<u32>| row.and_then(|number| instruments.get(number as usize));
        #[expect(clippy::cast_precision_loss, reason = "seconds of a date are below 2^53")]
        let expiry = |one: &Instrument| one.expiry as f64;
        let each = || rows.iter().map(of);
        Terms {
            strikes: each().map(|one| one.map_or(1.0, |one| f64::from_bits(one.strike))).collect(),
            expiries: each().map(|one| one.map_or(0.0, expiry)).collect(),
            kinds: each().map(|one| i32::from(one.map_or(PERPETUAL, |one| one.kind))).collect(),
        }
    }

    fn tensors(self) -> Result<[Tensor; 3], NodeError> {
        let dims = [GRID_ROWS];
        Ok([
            Tensor::f64(&dims, self.strikes).map_err(NodeError::program)?,
            Tensor::f64(&dims, self.expiries).map_err(NodeError::program)?,
            Tensor::i32(&dims, self.kinds).map_err(NodeError::program)?,
        ])
    }
}

/// A book's instruments by number, the number of each row's, and the terms as they were last
/// hashed.
#[derive(Clone, Debug)]
struct Shelf {
    instruments: Vec<Instrument>,
    rows: [Option<u32>; GRID_ROWS],
    terms: Terms,
}

impl Shelf {
    /// Follows the book's changes. Terms are hashed when something is listed, so a delisting shows
    /// from the next listing on.
    fn of(changes: &[Change]) -> Shelf {
        let (instruments, rows) = (Vec::new(), [None; GRID_ROWS]);
        let terms = Terms::of(&rows, &instruments);
        let mut shelf = Shelf { instruments, rows, terms };
        for change in changes {
            match change {
                Change::Listed(number, instrument) => {
                    if let Some(row) = shelf.rows.get_mut(instrument.row as usize) {
                        *row = Some(*number);
                    }
                    shelf.instruments.push(instrument.clone());
                    shelf.terms = Terms::of(&shelf.rows, &shelf.instruments);
                }
                Change::Delisted(number, expiry) => {
                    if let Some(instrument) = shelf.instruments.get_mut(*number as usize) {
                        instrument.expiry = *expiry;
                    }
                }
            }
        }
        shelf
    }

    /// The instruments that rows have, with their numbers.
    fn listed(&self) -> impl Iterator<Item = (u32, &Instrument)> {
        let known = |number: &u32| Some((*number, self.instruments.get(*number as usize)?));
        self.rows.iter().flatten().filter_map(known)
    }
}
