//! Playing: both sides on the pure court, or one of them on a chain.

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use chain::Client;
use court::{
    Address, Call, Court, Event, Input, Move, Side, Terms,
    advocate::{Revealed, next_move},
    trace::{Evidence, Witness},
};
use serde::{Deserialize, Serialize};

use crate::{liar::Bent, work::Work};

/// How long to wait for the other side before looking again.
const PAUSE: Duration = Duration::from_millis(5);

/// The moves that one side made on a chain.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) moves: Vec<Made>,
}

/// One move.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) kind: String,
    pub(crate) gas: u64,
    /// How long it took to know it; 0 for a challenge, which is known already.
    pub(crate) seconds: f64,
}

impl Tally {
    pub(crate) fn challenge(&mut self, gas: u64) {
        self.moves.push(Made { kind: "challenge".to_owned(), gas, seconds: 0.0 });
    }

    pub(crate) fn gas(&self) -> u64 {
        self.moves.iter().map(|made| made.gas).sum()
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.moves.iter().map(|made| made.seconds).sum()
    }

    pub(crate) fn slowest(&self) -> f64 {
        self.moves.iter().map(|made| made.seconds).max_by(f64::total_cmp).unwrap_or(0.0)
    }
}

/// How many moves a dispute took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Length {
    pub(crate) asserter: usize,
    /// With the challenge.
    pub(crate) challenger: usize,
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} moves of the asserter, {} of the challenger", self.asserter, self.challenger)
    }
}

/// Plays on the pure court; fails unless the honest side wins by a move.
pub(crate) fn pure(
    work: &Work,
    honest_asserts: bool,
    honest: &mut Witness,
    liar: &mut Bent,
) -> anyhow::Result<Length> {
    let [consumer, asserting, challenging] = [1, 2, 3].map(|n| Address([n; 20]));
    let terms =
        Terms { bond_wei: 40_000_000, window_blocks: 100, clock_blocks: 50, gas_price_wei_max: 2 };
    let (mut roots, inputs_root) =
        ((honest.outputs_root(), liar.outputs_root()), honest.inputs_root());
    let (asserter, challenger): (&mut dyn Evidence, &mut dyn Evidence) = if honest_asserts {
        (honest, liar)
    } else {
        roots = (roots.1, roots.0);
        (liar, honest)
    };
    let mut court = Court::new(terms);
    let program = work.program.hash();
    court.admit(program);
    let mut block = 10;
    let mut call = |court: &mut Court, caller, input| {
        block += 1;
        court.handle(Call { block, caller, gas_price_wei: 1 }, input)
    };
    let post = Input::Post {
        program,
        inputs_root,
        outputs_root: roots.0,
        asserter: asserting,
        iterations: 1,
        parents: Vec::new(),
    };
    call(&mut court, consumer, post)?;
    let header = work.program.header();
    call(&mut court, challenging, Input::Challenge { id: 1, outputs_root: roots.1, header })?;
    let (mut revealed, mut length) = (Revealed::default(), Length { asserter: 0, challenger: 1 });
    loop {
        let record = court.dispute(1).context("the dispute is gone")?.clone();
        let (made, caller) = match record.mover() {
            Side::Asserter => {
                length.asserter += 1;
                (next_move(&record, &revealed, asserter), asserting)
            }
            Side::Challenger => {
                length.challenger += 1;
                (next_move(&record, &revealed, challenger), challenging)
            }
        };
        let made = made.context("a side has nothing to say")?;
        let input = Input::Move { dispute: 1, record: Box::new(record), made };
        for event in call(&mut court, caller, input)? {
            revealed.see(&event);
            if let Event::Decided { asserter_lost, .. } = event {
                ensure!(asserter_lost != honest_asserts, "the honest side lost");
                return Ok(length);
            }
        }
    }
}

/// Makes one side's moves on a chain until the dispute has ended.
pub(crate) async fn on_chain(
    client: &Client,
    dispute: u64,
    asserts: bool,
    evidence: &mut dyn Evidence,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let side = if asserts { Side::Asserter } else { Side::Challenger };
    while let Some(standing) = client.dispute(dispute).await? {
        if standing.record.mover() != side {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        let began = Instant::now();
        let made = next_move(&standing.record, &standing.revealed, evidence);
        let seconds = began.elapsed().as_secs_f64();
        let made = made.context("nothing to say against the other side")?;
        let kind = kind(&made).to_owned();
        let mined = client.make_move(dispute, &standing.record, made).await?;
        tally.moves.push(Made { kind, gas: mined.gas_used, seconds });
    }
    Ok(())
}

const fn kind(made: &Move) -> &'static str {
    match made {
        Move::PostStates { .. } => "postStates",
        Move::PostTrace { .. } => "postTrace",
        Move::PostChain { .. } => "postChain",
        Move::Reveal { .. } => "reveal",
        Move::RevealChunk { .. } => "revealChunk",
        Move::NameChild { .. } => "nameChild",
        Move::NameIteration { .. } => "nameIteration",
        Move::NameOutput { .. } => "nameOutput",
        Move::NameOp { .. } => "nameOp",
        Move::NameElement { .. } => "nameElement",
    }
}
