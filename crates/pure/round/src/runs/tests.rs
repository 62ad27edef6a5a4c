//! Laws of the escrow and of the model, over made-up lives of open jobs.

use court::{Address, State as ClaimState};
use proptest::prelude::*;
use tensor::{Builder, Dtype, Hash, Program, Tensor};

use super::{
    Event, Facts, Input, Job, Refusal, Runs, State, Terms, inputs_root, key, outputs_root,
    seed_block,
};

const SPONSOR: Address = Address([1; 20]);
const ALICE: Address = Address([2; 20]);
const BOB: Address = Address([3; 20]);
const AT: Address = Address([4; 20]);
const PAY_WEI: u128 = 100;
const DEPOSIT_WEI: u128 = 7;
const HALF: u32 = 0x3f00_0000;

/// State: a vector and a loss; data: one matrix.
fn program() -> Program {
    let mut b = Builder::new();
    let params = b.input(Dtype::F32, &[3]).expect("a type");
    let loss = b.input(Dtype::F32, &[1]).expect("a type");
    let data = b.input(Dtype::F32, &[2, 3]).expect("a type");
    let seed = b.input(Dtype::I32, &[2]).expect("a type");
    let sum = b.sum(data, 0).expect("an axis");
    let noise = b.random_bits(seed, 0, &[3]).expect("a key");
    let noise = b.convert(noise, Dtype::F32).expect("a dtype");
    let moved = b.add(params, sum).expect("alike");
    let moved = b.add(moved, noise).expect("alike");
    let loss = b.abs(loss).expect("a float");
    b.finish(&[moved, loss]).expect("outputs")
}

fn terms() -> Terms {
    Terms {
        program: program().hash(),
        iterations: 5,
        train_blocks: 20,
        end_block: 1_000,
        pay_wei: PAY_WEI,
        deposit_wei: DEPOSIT_WEI,
    }
}

fn create(terms: Terms) -> Input {
    Input::Create {
        terms,
        header: program().header(),
        inputs: vec![Hash([5; 32]), Hash([6; 32]), Hash([7; 32])],
        state_count: 2,
        description_length: 10,
    }
}

/// A job, and the world beside it.
struct Play {
    runs: Runs,
    now: u64,
    facts: Facts,
    claims: Vec<(ClaimState, u64)>,
    funded_wei: u128,
    paid_wei: u128,
    returned_wei: u128,
    highest: Vec<State>,
}

impl Play {
    fn new() -> Self {
        let mut runs = Runs::new(7, AT);
        let facts = Facts { ready: true, next_claim: 1, ..Facts::default() };
        let made = runs.handle((1, SPONSOR), 0, create(terms()), &facts);
        assert_eq!(made, Ok(Event::Created));
        Self {
            runs,
            now: 1,
            facts,
            claims: Vec::new(),
            funded_wei: 0,
            paid_wei: 0,
            returned_wei: 0,
            highest: Vec::new(),
        }
    }

    fn job(&self) -> &Job {
        self.runs.job(0).expect("it was created")
    }

    fn call(&mut self, caller: Address, input: Input) -> Result<Event, Refusal> {
        let before = self.runs.clone();
        self.facts.block_hash = Hash([u8::try_from(self.now % 251).expect("small"); 32]);
        if let Input::Settle { run } = input {
            let claim = self.job().runs.get(run).map_or(0, |run| run.claim);
            let place = usize::try_from(claim).expect("a few").checked_sub(1);
            self.facts.claim = place.map(|place| self.claims[place]);
        }
        let done = self.runs.handle((self.now, caller), 0, input, &self.facts);
        match done {
            Err(_) => assert_eq!(self.runs, before, "a refused call changes nothing"),
            Ok(Event::Funded { amount_wei }) => self.funded_wei += amount_wei,
            Ok(Event::RunPaid { amount_wei, .. }) => self.paid_wei += amount_wei - DEPOSIT_WEI,
            Ok(Event::Reclaimed { amount_wei }) => self.returned_wei += amount_wei,
            Ok(Event::RunClaimed { .. }) => {
                self.claims.push((ClaimState::Open, self.now + 3));
                self.facts.next_claim += 1;
            }
            Ok(_) => {}
        }
        self.check();
        done
    }

    fn check(&mut self) {
        let job = self.job();
        let out = self.paid_wei + self.returned_wei;
        assert_eq!(self.funded_wei, job.escrow_wei + job.reserved_wei + out);
        let waits = |run: &&super::Run| run.state < State::Paid;
        let active = u128::try_from(job.runs.iter().filter(waits).count()).expect("a few");
        assert_eq!(job.reserved_wei, active * PAY_WEI, "the pay of every run is there");
        let held = job.escrow_wei + job.reserved_wei + active * DEPOSIT_WEI;
        assert_eq!(self.runs.held_wei(), held);
        let states: Vec<State> = job.runs.iter().map(|run| run.state).collect();
        for (before, after) in self.highest.iter().zip(&states) {
            assert!(after >= before, "no run goes back");
        }
        self.check_model();
        self.highest = states;
    }

    /// As floats have it: no paid run has a lower loss than the model's.
    fn check_model(&self) {
        let job = self.job();
        let paid = job.runs.iter().filter(|run| run.state == State::Paid);
        let mut losses = paid.map(|run| f32::from_bits(run.loss)).filter(|loss| !loss.is_nan());
        let Some(best) = job.best else { return assert_eq!(losses.next(), None) };
        let best = &job.runs[best];
        assert_eq!(best.state, State::Paid);
        assert!(losses.all(|loss| f32::from_bits(best.loss) <= loss));
    }
}

fn claim(run: usize, loss: u32) -> Input {
    Input::Claim { run, outputs: vec![Hash([9; 32])], loss }
}

#[test]
fn a_whole_life() {
    let mut play = Play::new();
    assert!(matches!(play.call(ALICE, Input::Enrol), Err(Refusal::EscrowSpent { .. })));
    play.call(SPONSOR, Input::Fund { amount_wei: 2 * PAY_WEI }).expect("anybody may");
    let enrolled = play.call(ALICE, Input::Enrol);
    assert_eq!(enrolled, Ok(Event::Enrolled { run: 0, deadline: 21 }));
    assert!(matches!(play.call(BOB, Input::Draw { run: 0 }), Err(Refusal::SeedPending { .. })));
    play.now += 1;
    assert!(matches!(play.call(ALICE, claim(0, HALF)), Err(Refusal::NotDrawn { .. })));
    play.call(BOB, Input::Draw { run: 0 }).expect("anybody may");
    assert!(matches!(play.call(BOB, claim(0, HALF)), Err(Refusal::OnlyTrainer { .. })));
    play.call(ALICE, claim(0, HALF)).expect("it is hers");
    assert!(matches!(play.call(BOB, Input::Settle { run: 0 }), Err(Refusal::NotDue { .. })));
    play.call(BOB, Input::Enrol).expect("there is pay for two");
    play.now += 4;
    let paid = play.call(BOB, Input::Settle { run: 0 });
    let amount_wei = PAY_WEI + DEPOSIT_WEI;
    assert_eq!(paid, Ok(Event::RunPaid { run: 0, amount_wei, best: true }));
    play.now += 20;
    let late = play.call(ALICE, Input::Settle { run: 1 });
    assert_eq!(late, Ok(Event::RunDropped { run: 1, burnt_wei: DEPOSIT_WEI }));
    assert!(matches!(play.call(ALICE, Input::Reclaim), Err(Refusal::NotEnded { .. })));
    play.now = 1_001;
    assert_eq!(play.call(ALICE, Input::Reclaim), Ok(Event::Reclaimed { amount_wei: PAY_WEI }));
}

/// A Program with other inputs or outputs would convict who ran it honestly.
#[test]
fn a_program_of_another_form_is_refused() {
    let refused = |header: Vec<u8>, count: usize, state_count: u32| {
        let mut runs = Runs::new(7, AT);
        let terms = Terms { program: court::header::Header::program(&header), ..terms() };
        let inputs = vec![Hash([5; 32]); count];
        let input = Input::Create { terms, header, inputs, state_count, description_length: 0 };
        runs.handle((1, SPONSOR), 0, input, &Facts::default())
    };
    let header = program().header();
    assert_eq!(refused(header.clone(), 3, 2), Ok(Event::Created));
    let bad = |field| Err(Refusal::BadTerms { field });
    assert_eq!(refused(header.clone(), 4, 2), bad("inputs"));
    assert_eq!(refused(header.clone(), 3, 3), bad("stateCount"));
    assert_eq!(refused(header.clone(), 3, 1), bad("stateCount"));
    // Types begin at 20: f32[3], f32[1], f32[2, 3], i32[2].
    for (at, field) in [(26, "loss"), (28, "loss"), (42, "seed"), (44, "seed")] {
        let mut other = header.clone();
        other[at] ^= 3;
        assert_eq!(refused(other, 3, 2), bad(field), "byte {at}");
    }
    for end in 0..header.len() {
        assert!(refused(header[..end].to_vec(), 3, 2).is_err());
    }
}

/// The roots a claim is made of are those of the tensors.
#[test]
fn roots_are_the_tensors() {
    let seed = Hash(std::array::from_fn(|place| u8::try_from(place * 7).expect("below 256")));
    let tensor = Tensor::i32(&[2], key(seed).to_vec()).expect("two");
    let inputs = [Hash([5; 32]), Hash([6; 32])];
    let roots = [&inputs[..], &[tensor.root()]].concat();
    assert_eq!(inputs_root(&inputs, seed), tensor::tree::root(&roots));
    let loss = Tensor::f32(&[1], vec![0.3]).expect("one");
    let roots = [&inputs[..], &[loss.root()]].concat();
    assert_eq!(outputs_root(&inputs, 0.3_f32.to_bits()), tensor::tree::root(&roots));
}

fn input(choice: u8, number: u32, last: usize) -> Input {
    let run = last.saturating_sub(usize::try_from(number % 3).expect("below 3"));
    match choice % 10 {
        0 | 1 => Input::Fund { amount_wei: u128::from(number % 400) },
        2 | 3 => Input::Enrol,
        4 => Input::Draw { run },
        5 | 6 => claim(run, number.rotate_left(7)),
        7 | 8 => Input::Settle { run },
        _ => Input::Reclaim,
    }
}

proptest! {
    /// Whatever is called in whatever order, [`Play::check`] holds.
    #[test]
    fn books_balance(
        steps in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u32>()), 1..150),
    ) {
        let mut play = Play::new();
        for (choice, what, number) in steps {
            match what % 6 {
                0 => play.now += u64::from(number % 8),
                1 if number.is_multiple_of(40) => play.now += 1_000,
                1 => {
                    let open = play.claims.iter_mut().find(|claim| claim.0 == ClaimState::Open);
                    if let Some(claim) = open.filter(|claim| play.now <= claim.1) {
                        claim.0 = ClaimState::Struck;
                    }
                }
                _ => {
                    let caller = if number.is_multiple_of(2) { ALICE } else { BOB };
                    let last = play.job().runs.len().saturating_sub(1);
                    let _refused_or_not = play.call(caller, input(choice, number / 2, last));
                }
            }
        }
    }

    /// The block a seed is of has a hash, is not before the enrolment, and stays for 256 blocks.
    #[test]
    fn a_seeds_block_is_within_reach(enrolled in 0_u64..1 << 40, passed in 1_u64..1 << 30) {
        let now = enrolled + passed;
        let block = seed_block(enrolled, now);
        prop_assert!(block >= enrolled && block < now && now - block <= super::REACH);
        prop_assert_eq!((block - enrolled) % super::REACH, 0);
    }
}
