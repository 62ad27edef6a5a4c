//! Two sides of one dispute, played on the pure court until it is decided.

use std::sync::Arc;

use court::advocate::{Revealed, next_move};
use court::trace::{Evidence, Executor, Reference, Witness};
use court::{Address, Call, Court, Dispute, Event, Input, Move, Refusal, Side, State, Terms};
use tensor::{Hash, Program, Tensor};

pub(crate) const CONSUMER: Address = Address([1; 20]);
pub(crate) const ASSERTER: Address = Address([2; 20]);
pub(crate) const CHALLENGER: Address = Address([3; 20]);

pub(crate) const TERMS: Terms =
    Terms { bond_wei: 40_000_000, window_blocks: 100, clock_blocks: 50, gas_price_wei_max: 2 };

/// How a dispute ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) loser: Side,
    pub(crate) by_clock: bool,
    /// Moves of the asserter, and of the challenger with its challenge.
    pub(crate) moves: (u32, u32),
}

/// A court, one claim, and the block it is.
#[derive(Clone, Debug)]
pub(crate) struct Hall {
    pub(crate) court: Court,
    pub(crate) block: u64,
    pub(crate) claim: u64,
}

pub(crate) fn honest(program: &Arc<Program>, inputs: &[Tensor], iterations: u32) -> Witness {
    witness(program, inputs, iterations, Reference)
}

pub(crate) fn witness(
    program: &Arc<Program>,
    inputs: &[Tensor],
    iterations: u32,
    executor: impl Executor + 'static,
) -> Witness {
    let witness =
        Witness::new(Arc::clone(program), inputs.to_vec(), iterations, Box::new(executor));
    witness.expect("the inputs are those the Program declares")
}

impl Hall {
    /// Opens a court with a claim that a Program returned this.
    pub(crate) fn new(
        program: &Program,
        inputs_root: Hash,
        outputs_root: Hash,
        iterations: u32,
    ) -> Hall {
        let mut hall = Hall { court: Court::new(TERMS), block: 10, claim: 0 };
        hall.claim = hall.post(program, (inputs_root, outputs_root), iterations, &[]);
        hall
    }

    pub(crate) fn post(
        &mut self,
        program: &Program,
        (inputs_root, outputs_root): (Hash, Hash),
        iterations: u32,
        parents: &[u64],
    ) -> u64 {
        self.court.admit(program.hash());
        let post = Input::Post {
            program: program.hash(),
            inputs_root,
            outputs_root,
            asserter: ASSERTER,
            iterations,
            parents: parents.to_vec(),
        };
        self.call(CONSUMER, post).expect("a claim can be posted");
        self.court.count()
    }

    pub(crate) fn call(&mut self, caller: Address, input: Input) -> Result<Vec<Event>, Refusal> {
        let call = Call { block: self.block, caller, gas_price_wei: 1 };
        let before = self.court.clone();
        let result = self.court.handle(call, input);
        assert!(result.is_ok() || self.court == before, "a refusal changes nothing");
        result
    }

    pub(crate) fn challenge(&mut self, program: &Program, root: Hash, by: Address) -> u64 {
        let header = program.header();
        let challenge = Input::Challenge { id: self.claim, outputs_root: root, header };
        self.call(by, challenge).expect("the claim can be challenged");
        self.court.dispute_count()
    }

    pub(crate) fn record(&self, dispute: u64) -> Option<Dispute> {
        self.court.dispute(dispute).cloned()
    }

    pub(crate) fn make(
        &mut self,
        dispute: u64,
        made: Move,
        by: Address,
    ) -> Result<Vec<Event>, Refusal> {
        let record = Box::new(self.record(dispute).expect("the dispute has not ended"));
        self.call(by, Input::Move { dispute, record, made })
    }

    pub(crate) fn state(&self) -> State {
        self.court.claim(self.claim).expect("it was posted").state
    }

    /// Plays a dispute to its end. A side that has no move, or whose move is refused, is silent
    /// from then on.
    pub(crate) fn play(
        &mut self,
        dispute: u64,
        asserter: &mut dyn Party,
        challenger: &mut dyn Party,
    ) -> End {
        let mut revealed = Revealed::default();
        let mut moves = (0, 1);
        loop {
            let record = self.record(dispute).expect("the loop ends with the dispute");
            let side = record.mover();
            let (made, by) = match side {
                Side::Asserter => (asserter.make(&record, &revealed), ASSERTER),
                Side::Challenger => (challenger.make(&record, &revealed), record.challenger),
            };
            self.block += 1;
            let result = made.map(|made| self.make(dispute, made, by));
            let events = match result {
                Some(Ok(events)) => {
                    match side {
                        Side::Asserter => moves.0 += 1,
                        Side::Challenger => moves.1 += 1,
                    }
                    events
                }
                silent => {
                    if let Some(Err(refusal)) = silent {
                        let honest = match side {
                            Side::Asserter => asserter.is_honest(),
                            Side::Challenger => challenger.is_honest(),
                        };
                        assert!(!honest, "an honest move was refused: {refusal} at {record:?}");
                    }
                    self.block += TERMS.clock_blocks + 1;
                    let record = Box::new(record);
                    let timeout = Input::Timeout { dispute, record };
                    self.call(CONSUMER, timeout).expect("the clock ran out")
                }
            };
            for event in &events {
                revealed.see(event);
                if let Event::Decided { asserter_lost, by_clock, .. } = *event {
                    let loser = if asserter_lost { Side::Asserter } else { Side::Challenger };
                    return End { loser, by_clock, moves };
                }
            }
        }
    }
}

/// Whoever makes the moves of one side.
pub(crate) trait Party {
    /// Returns the next move, if there is one.
    fn make(&mut self, record: &Dispute, revealed: &Revealed) -> Option<Move>;

    /// Whether a refusal of its moves is a fault of the court.
    fn is_honest(&self) -> bool {
        false
    }
}

/// An advocate with the right execution.
pub(crate) struct Honest(pub(crate) Witness);

impl Party for Honest {
    fn make(&mut self, record: &Dispute, revealed: &Revealed) -> Option<Move> {
        next_move(record, revealed, &mut self.0)
    }

    fn is_honest(&self) -> bool {
        true
    }
}

/// An advocate that argues from something else than the right execution.
pub(crate) struct Liar<E>(pub(crate) E);

impl<E: Evidence> Party for Liar<E> {
    fn make(&mut self, record: &Dispute, revealed: &Revealed) -> Option<Move> {
        next_move(record, revealed, &mut self.0)
    }
}
