//! Laws of the escrow and of shares, over made-up lives of jobs.

use court::{Address, Opening, State as ClaimState};
use proptest::prelude::*;
use tensor::{Hash, tree};

use super::{Event, Facts, Input, Jobs, Refusal, State, Terms, holdout, revenue::share};

const SPONSOR: Address = Address([1; 20]);
const OTHER: Address = Address([2; 20]);
const AT: Address = Address([3; 20]);
const ORACLE: Address = Address([4; 20]);
const PAY_WEI: u128 = 100;
const LENGTH: u32 = 40;
const SALT: Hash = Hash([9; 32]);

fn roots() -> Vec<Hash> {
    vec![Hash([5; 32]), Hash([6; 32])]
}

fn terms() -> Terms {
    Terms {
        budget_wei: 2 * PAY_WEI,
        start_block: 5,
        interval_blocks: 3,
        end_block: 1_000,
        notice_blocks: 20,
        validation_rounds: 2,
        holdout: holdout((7, AT), SPONSOR, tree::root(&roots()), SALT),
        pay_wei: PAY_WEI,
        cumulative_length: LENGTH,
        requirement_length: 10,
    }
}

/// A job, and the world beside it.
struct Play {
    jobs: Jobs,
    now: u64,
    facts: Facts,
    funded_wei: u128,
    released_wei: u128,
    returned_wei: u128,
    fees_wei: u128,
    shares_wei: u128,
    highest: State,
}

impl Play {
    fn new() -> Self {
        let mut jobs = Jobs::new(7, AT);
        let facts = Facts { ready_block: Some(3), nodes: LENGTH, ..Facts::default() };
        let made = jobs.handle((1, SPONSOR), 0, Input::Create(terms()), &facts);
        assert_eq!(made, Ok(Event::Created));
        Self {
            jobs,
            now: 1,
            facts,
            funded_wei: 0,
            released_wei: 0,
            returned_wei: 0,
            fees_wei: 0,
            shares_wei: 0,
            highest: State::Draft,
        }
    }

    fn call(&mut self, caller: Address, input: Input) -> Result<Event, Refusal> {
        let before = self.jobs.clone();
        let done = self.jobs.handle((self.now, caller), 0, input, &self.facts);
        match done {
            Err(_) => assert_eq!(self.jobs, before, "a refused call changes nothing"),
            Ok(Event::Funded { amount_wei }) => self.funded_wei += amount_wei,
            Ok(Event::Released { amount_wei }) => {
                self.released_wei += amount_wei;
                self.facts.funded_wei += amount_wei;
            }
            Ok(Event::Reclaimed { amount_wei }) => self.returned_wei += amount_wei,
            Ok(Event::FeePaid { amount_wei, .. }) => self.fees_wei += amount_wei,
            Ok(Event::SharePaid { amount_wei, .. }) => self.shares_wei += amount_wei,
            Ok(Event::ValidationClaimed { claim }) => {
                self.facts.next_claim = claim + 1;
                self.facts.claim = Some((ClaimState::Open, self.now + 3));
            }
            Ok(_) => {}
        }
        self.check();
        done
    }

    fn check(&mut self) {
        let job = self.jobs.job(0).expect("it was created");
        assert_eq!(self.funded_wei, job.escrow_wei + self.released_wei + self.returned_wei);
        assert_eq!(self.jobs.held_wei(), job.escrow_wei);
        assert_eq!(self.jobs.revenue_wei(), self.fees_wei - self.shares_wei);
        assert!(job.state >= self.highest, "no state goes back");
        self.highest = job.state;
        for epoch in &job.epochs {
            assert!(epoch.paid_wei <= epoch.revenue_wei);
            assert_eq!(epoch.paid_wei, epoch.shares_wei.values().sum::<u128>());
        }
    }

    /// A round is settled, if it is paid for, that pays node `k` so much in all.
    fn settle(&mut self, pay: &[u32]) -> Vec<u8> {
        let tensor = tensor(pay);
        if self.facts.funded_wei >= (u128::from(self.facts.settled) + 1) * PAY_WEI {
            self.facts.round += 1;
            self.facts.settled += 1;
            self.facts.model = Hash([0x40; 32]);
            self.facts.rewards_root = super::tensor_root(&tensor, 256);
        }
        tensor
    }
}

fn tensor(pay: &[u32]) -> Vec<u8> {
    let mut tensor: Vec<u8> = pay.iter().flat_map(|pay| f64::from(*pay).to_le_bytes()).collect();
    tensor.resize(8 * usize::try_from(LENGTH).expect("it is small"), 0);
    tensor
}

fn opening(tensor: &[u8], node: u32) -> Opening {
    let mut padded = tensor.to_vec();
    padded.resize(tensor.len().next_multiple_of(256), 0);
    let leaves: Vec<_> = padded.chunks(256).map(tree::leaf).collect();
    let at = usize::try_from(node).expect("it is small") / tree::CHUNK_ELEMENTS;
    let chunk = padded.chunks(256).nth(at).expect("the node stands in it").to_vec();
    Opening { chunk, siblings: tree::siblings(&leaves, at) }
}

/// From creation to a fee that is split.
#[test]
fn a_whole_life() {
    let mut play = Play::new();
    play.now = 5;
    assert!(matches!(play.call(OTHER, Input::Release), Err(Refusal::WrongState { .. })));
    play.call(OTHER, Input::Fund { amount_wei: 4 * PAY_WEI }).expect("anybody may");
    assert_eq!(play.call(OTHER, Input::Advance), Ok(Event::Advanced { state: State::Open }));
    for round in 1..=2 {
        play.now = 5 + 3 * round;
        assert_eq!(play.call(OTHER, Input::Release), Ok(Event::Released { amount_wei: PAY_WEI }));
        play.settle(&[30, 60]);
    }
    assert_eq!(play.call(OTHER, Input::Advance), Ok(Event::Advanced { state: State::Training }));
    let reveal = Input::RevealHoldout { roots: roots(), salt: SALT };
    play.call(OTHER, reveal).expect("two rounds are settled");
    let claim = Input::ClaimValidation { loss: 1, baseline: 2 };
    play.facts.next_claim = 8;
    assert_eq!(play.call(OTHER, claim), Ok(Event::ValidationClaimed { claim: 8 }));
    assert!(matches!(play.call(OTHER, Input::Advance), Err(Refusal::NotDue { .. })));
    play.now += 4;
    assert_eq!(play.call(OTHER, Input::Advance), Ok(Event::Advanced { state: State::Validated }));
    play.call(SPONSOR, Input::AttachOracle { oracle: ORACLE }).expect("it is hers to choose");
    play.call(OTHER, Input::Deploy { oracle: ORACLE }).expect("a gate reads it");

    let cumulative = tensor(&[30, 60]);
    let fixed = play.call(OTHER, Input::Fix { cumulative: cumulative.clone() });
    assert_eq!(fixed, Ok(Event::EpochFixed { epoch: 0, total_gwei: 90 }));
    play.call(OTHER, Input::Pay { amount_wei: 100 }).expect("it is deployed");
    let claim = |node| Input::Claim { epoch: 0, node, opening: opening(&cumulative, node) };
    let paid = play.call(OTHER, claim(1));
    let expected = Event::SharePaid { epoch: 0, node: 1, amount_wei: 66, cumulative_wei: 66 };
    assert_eq!(paid, Ok(expected), "rounded down");
    assert_eq!(play.call(OTHER, claim(1)), Err(Refusal::NothingDue { node: 1 }));
    assert_eq!(play.call(OTHER, claim(35)), Err(Refusal::NothingDue { node: 35 }));

    play.call(SPONSOR, Input::GiveNotice).expect("she may at any time");
    play.now += 20;
    assert_eq!(play.call(OTHER, Input::Advance), Ok(Event::Advanced { state: State::Retired }));
    let back = play.call(OTHER, Input::Reclaim);
    assert_eq!(back, Ok(Event::Reclaimed { amount_wei: 2 * PAY_WEI }));
    play.call(OTHER, claim(0)).expect("what came in before stays theirs");
}

fn input(choice: u8, number: u32, pay: &[u32]) -> Input {
    let amount_wei = u128::from(number);
    let node = number % LENGTH;
    let cumulative = tensor(pay);
    match choice % 12 {
        0 | 1 => Input::Fund { amount_wei },
        2 | 3 => Input::Release,
        4 | 5 => Input::Advance,
        6 if number.is_multiple_of(9) => Input::GiveNotice,
        6 => Input::RevealHoldout { roots: roots(), salt: SALT },
        7 => Input::ClaimValidation { loss: 1, baseline: u64::from(number % 3) },
        8 => Input::AttachOracle { oracle: ORACLE },
        9 if number.is_multiple_of(2) => Input::Reclaim,
        9 => Input::Deploy { oracle: ORACLE },
        10 if number.is_multiple_of(2) => Input::Fix { cumulative },
        10 => Input::Pay { amount_wei },
        _ => Input::Claim { epoch: 0, node: node % 4, opening: opening(&cumulative, node % 4) },
    }
}

proptest! {
    /// Whatever is called in whatever order, [`Play::check`] holds.
    #[test]
    fn books_balance(
        steps in prop::collection::vec(
            (any::<u8>(), any::<u8>(), 0_u32..400, any::<bool>()),
            1..120,
        ),
    ) {
        let mut play = Play::new();
        let mut pay = vec![0_u32; 4];
        for (choice, what, number, sponsor) in steps {
            match what % 4 {
                0 => {
                    pay[usize::from(choice % 4)] += number;
                    play.settle(&pay);
                }
                1 => play.now += u64::from(number % 5),
                _ => {
                    let caller = if sponsor { SPONSOR } else { OTHER };
                    let _refused_or_not = play.call(caller, input(choice, number, &pay));
                }
            }
        }
    }

    /// Shares sum to the revenue at most and lose less than a wei for each node; each is what
    /// arithmetic on fractions says.
    #[test]
    fn shares_are_exact(earned in prop::collection::vec(any::<u64>(), 1..20), revenue: u128) {
        let total: u128 = earned.iter().map(|earned| u128::from(*earned)).sum();
        prop_assume!(total > 0);
        let shares: Vec<_> = earned.iter().map(|earned| share(*earned, revenue, total)).collect();
        let mut left = revenue;
        for (earned, share) in earned.iter().zip(&shares) {
            left = left.checked_sub(*share).expect("never more than the revenue");
            if let Some(product) = u128::from(*earned).checked_mul(revenue) {
                prop_assert_eq!(*share, product / total);
            }
        }
        prop_assert!(left < u128::try_from(shares.len()).expect("a few"));
    }

    /// A larger fee never lowers a share, so each claim pays the increase.
    #[test]
    fn shares_only_grow(earned: u64, rest: u64, fees in any::<(u64, u64)>()) {
        let total = u128::from(earned) + u128::from(rest);
        prop_assume!(total > 0);
        let before = share(earned, u128::from(fees.0), total);
        let after = share(earned, u128::from(fees.0) + u128::from(fees.1), total);
        prop_assert!(after >= before);
    }
}
