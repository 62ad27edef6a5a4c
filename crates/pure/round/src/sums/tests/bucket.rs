//! One bucket: who drops out, who lies, and what is shown when it is judged.

use court::judge::{Opened, Openings, element};
use court::{Brief, Shown, opening};
use proptest::prelude::*;
use tensor::{Hash, Tensor, eval};

use super::{seed, shares};
use crate::aggregate::UPDATE_MAX;
use crate::sums::{
    Bucket, Called, Committed, Inability, Lost, PartialError, Receipt, Roll, SHARES, Standing,
    Statement, Strike, Verdict, call, holders, judge, mean, mean_inputs, partial, standing, sum,
};

/// A bucket with all that is held of it.
pub(super) struct Bench {
    pub(super) bucket: Bucket,
    pub(super) committed: Vec<Committed>,
    /// The three shares of each trainer.
    pub(super) shares: Vec<[Tensor; SHARES]>,
    d: usize,
}

impl Bench {
    pub(super) fn new(updates: &[Vec<i32>]) -> Bench {
        let all = (0_u32..).zip(updates);
        let shares = all.map(|(node, update)| shares(update, u64::from(node), node)).collect();
        let trainers = (0..).take(updates.len()).collect();
        Bench::of(Bucket { trainers, members: [90, 91, 92] }, shares, updates[0].len())
    }

    pub(super) fn of(bucket: Bucket, shares: Vec<[Tensor; SHARES]>, d: usize) -> Bench {
        let nodes = bucket.trainers.iter().zip(&shares);
        let committed = nodes
            .map(|(node, shares)| Committed {
                node: *node,
                roots: shares.each_ref().map(Tensor::root),
            })
            .collect();
        Bench { bucket, committed, shares, d }
    }

    /// What a member is given by the trainers that send.
    pub(super) fn receipts(&self, member: usize, sends: impl Fn(u32) -> bool) -> Vec<Receipt> {
        let senders = self.committed.iter().filter(|own| sends(own.node));
        let held = |own: &Committed| {
            let Committed { node, roots } = *own;
            let kept = (0..SHARES).filter(move |share| *share != member);
            kept.map(move |share| Receipt { node, share, root: roots[share] })
        };
        senders.flat_map(held).collect()
    }

    pub(super) fn call(&self, present: [bool; SHARES], sends: impl Fn(u32) -> bool) -> Called {
        let reports = [0, 1, 2].map(|member| self.receipts(member, &sends));
        let reports = [0, 1, 2].map(|member| present[member].then_some(&reports[member][..]));
        call(&self.bucket, &self.committed, reports, 3)
    }

    /// One share of each trainer on a roll.
    fn held(&self, roll: &Roll, share: usize) -> Vec<Tensor> {
        let place = |own: &Committed| self.committed.iter().position(|c| c.node == own.node);
        let of = |own| self.shares[place(own).expect("on the roll")][share].clone();
        roll.trainers.iter().map(of).collect()
    }

    pub(super) fn sums(&self, roll: &Roll) -> [Tensor; SHARES] {
        [0, 1, 2].map(|share| {
            sum(roll, (share, self.d), &self.held(roll, share)).expect("committed shares")
        })
    }

    /// What honest members state.
    fn statements(&self, roll: &Roll) -> Vec<Statement> {
        let roots = self.sums(roll).map(|sum| sum.root());
        let of = |share: usize| {
            let present = holders(share).into_iter().filter(|member| roll.present[*member]);
            present.map(move |member| Statement { member, share, root: roots[share] })
        };
        (0..SHARES).flat_map(of).collect()
    }

    pub(super) fn row(&self, roll: &Roll) -> Vec<i32> {
        let count = u32::try_from(roll.trainers.len()).expect("a few");
        let inputs = mean_inputs(self.sums(roll), count).expect("one count");
        let row = eval(&mean(self.d).expect("small"), &inputs).expect("the Program's inputs");
        row[0].as_i32().expect("i32").to_vec()
    }
}

fn nearest(sum: i64, count: i64) -> i32 {
    i32::try_from((2 * sum + count).div_euclid(2 * count)).expect("a mean of i32")
}

fn bench() -> Bench {
    let updates = [1, 10, 100, 1000].map(|value| (0..40).map(|i| value * (i - 20)).collect());
    Bench::new(&updates)
}

fn whole(bench: &Bench) -> Roll {
    bench.call([true; SHARES], |_| true).roll.expect("nobody dropped out")
}

fn updates() -> impl Strategy<Value = Vec<Vec<i32>>> {
    let value = prop_oneof![-UPDATE_MAX..=UPDATE_MAX, Just(UPDATE_MAX), Just(-UPDATE_MAX)];
    (1_usize..40).prop_flat_map(move |d| {
        prop::collection::vec(prop::collection::vec(value.clone(), d), 3..8)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever drops out, there is the mean of those who did not, or no row and the right reason.
    #[test]
    fn the_row_is_the_plain_mean(
        updates in updates(),
        sends in prop::collection::vec(prop::bool::weighted(0.8), 8),
        present: [bool; SHARES],
    ) {
        let bench = Bench::new(&updates);
        let stays = |node: u32| sends[node as usize];
        let left: Vec<&Vec<i32>> =
            (0_u32..).zip(&updates).filter(|(node, _)| stays(*node)).map(|(_, row)| row).collect();
        let members = present.iter().filter(|present| **present).count();
        let called = bench.call(present, stays);
        prop_assert!(called.strikes.is_empty());
        let roll = match called.roll {
            Ok(roll) => roll,
            Err(Lost::Members { present }) => {
                prop_assert!(present == members && members < 2);
                return Ok(());
            }
            Err(lost) => {
                prop_assert_eq!(lost, Lost::Trainers { left: left.len(), least: 3 });
                prop_assert!(left.len() < 3);
                return Ok(());
            }
        };
        prop_assert!(members >= 2 && left.len() >= 3);
        let count = i64::try_from(left.len()).expect("a few");
        for (at, mean) in bench.row(&roll).into_iter().enumerate() {
            let sum = left.iter().map(|row| i64::from(row[at])).sum();
            prop_assert_eq!(mean, nearest(sum, count));
        }
        let statements = bench.statements(&roll);
        let single = roll.single_held();
        prop_assert_eq!(single.len(), if members == 3 { 0 } else { 2 });
        for share in 0..SHARES {
            let held = single.iter().find(|(single, _)| *single == share);
            match standing(&roll, share, &statements).expect("somebody holds it") {
                Standing::Agreed { .. } => prop_assert!(held.is_none()),
                Standing::Single { member, .. } => prop_assert_eq!(held, Some(&(share, member))),
                Standing::Disputed => prop_assert!(false, "nobody lied"),
            }
        }
    }
}

/// A member gone after the call leaves single holders, two leave a share without a sum.
#[test]
fn members_drop_out_after_the_call() {
    let bench = bench();
    let roll = whole(&bench);
    let mut stated = bench.statements(&roll);
    stated.retain(|statement| statement.member != 1);
    let standings = [0, 1, 2].map(|share| standing(&roll, share, &stated));
    assert!(matches!(standings[0], Ok(Standing::Single { member: 2, .. })));
    assert!(matches!(standings[1], Ok(Standing::Agreed { .. })));
    assert!(matches!(standings[2], Ok(Standing::Single { member: 0, .. })));
    stated.retain(|statement| statement.member != 2);
    assert_eq!(standing(&roll, 0, &stated), Err(Lost::Share { share: 0 }));
}

/// A wrong partial sum is disputed by the other holder, and recomputing names who lied.
#[test]
fn a_wrong_sum_names_its_member() {
    let bench = bench();
    let roll = whole(&bench);
    for liar in 0..SHARES {
        for share in (0..SHARES).filter(|share| *share != liar) {
            let mut stated = bench.statements(&roll);
            let lie = |s: &&mut Statement| s.member == liar && s.share == share;
            stated.iter_mut().find(lie).expect("it stated one").root = seed(1);
            assert_eq!(standing(&roll, share, &stated), Ok(Standing::Disputed));
            let judged = judge(&roll, (share, 40), &bench.held(&roll, share), &stated);
            for verdict in judged.expect("committed shares") {
                match verdict {
                    Verdict::Right(statement) => assert_ne!(statement.member, liar),
                    Verdict::Lied { statement, .. } => assert_eq!(statement.member, liar),
                }
            }
        }
    }
}

/// Stating two sums of one share is a dispute with oneself; statements of no holder are nothing.
#[test]
fn one_member_alone_cannot_hide_a_lie_among_statements() {
    let bench = bench();
    let roll = bench.call([true, true, false], |_| true).roll.expect("two members suffice");
    let mut stated = bench.statements(&roll);
    stated.push(Statement { member: 0, share: 2, root: seed(1) });
    stated.push(Statement { member: 2, share: 0, root: seed(2) });
    stated.push(Statement { member: 9, share: 1, root: seed(3) });
    stated.push(Statement { member: 0, share: 0, root: seed(4) });
    assert_eq!(standing(&roll, 2, &stated), Ok(Standing::Disputed));
    assert!(matches!(standing(&roll, 0, &stated), Ok(Standing::Single { member: 1, .. })));
    assert!(matches!(standing(&roll, 1, &stated), Ok(Standing::Single { member: 0, .. })));
    assert_eq!(standing(&roll, 7, &stated), Err(Lost::Share { share: 7 }));
}

/// What docs/private.md admits: both holders of a share may agree on a wrong sum. Their bucket's
/// row is then theirs, and only the shares themselves would show it.
#[test]
fn two_holders_that_collude_are_not_seen() {
    let bench = bench();
    let roll = whole(&bench);
    let mut stated = bench.statements(&roll);
    stated.iter_mut().filter(|s| s.share == 1).for_each(|s| s.root = seed(5));
    assert_eq!(standing(&roll, 1, &stated), Ok(Standing::Agreed { root: seed(5) }));
    let judged = judge(&roll, (1, 40), &bench.held(&roll, 1), &stated).expect("committed shares");
    assert!(judged.iter().all(|verdict| matches!(verdict, Verdict::Lied { .. })));
}

/// A trainer whose signature stands under another share than it committed to is struck and left
/// out, whichever holder it was that it told so; nobody else is.
#[test]
fn an_equivocating_trainer_is_struck() {
    let bench = bench();
    for share in 0..SHARES {
        for member in holders(share) {
            let mut reports = [0, 1, 2].map(|member| bench.receipts(member, |_| true));
            let told = |r: &&mut Receipt| (r.node, r.share) == (2, share);
            reports[member].iter_mut().find(told).expect("it was given").root = seed(6);
            let reports = reports.each_ref().map(|report| Some(&report[..]));
            let called = call(&bench.bucket, &bench.committed, reports, 3);
            let receipt = Receipt { node: 2, share, root: seed(6) };
            let committed = bench.committed[2].roots[share];
            assert_eq!(called.strikes, [Strike { receipt, committed }]);
            let roll = called.roll.expect("three are left");
            assert!(roll.trainers.iter().map(|own| own.node).eq([0, 1, 3]));
        }
    }
}

/// A member that says it was given nothing leaves nobody out, and strangers' receipts strike
/// nobody.
#[test]
fn a_lying_member_cannot_leave_a_trainer_out() {
    let bench = bench();
    let mut reports = [0, 1, 2].map(|member| bench.receipts(member, |_| true));
    reports[0] = vec![
        Receipt { node: 1, share: 0, root: seed(7) },
        Receipt { node: 77, share: 1, root: seed(7) },
        Receipt { node: 1, share: usize::MAX, root: seed(7) },
    ];
    let reports = reports.each_ref().map(|report| Some(&report[..]));
    let called = call(&bench.bucket, &bench.committed, reports, 3);
    assert!(called.strikes.is_empty());
    assert_eq!(called.roll.expect("the others hold all").trainers, bench.committed);
}

/// Shares that were not committed to convict nobody.
#[test]
fn what_was_brought_may_be_no_answer() {
    let bench = bench();
    let roll = whole(&bench);
    let stated = bench.statements(&roll);
    let mut held = bench.held(&roll, 0);
    held.swap(0, 1);
    let answer = judge(&roll, (0, 40), &held, &stated);
    assert!(matches!(answer, Err(Inability::NotCommitted { node: 0, .. })));
    let answer = judge(&roll, (0, 40), &held[1..], &stated);
    assert_eq!(answer, Err(Inability::Count { expected: 4, got: 3 }));
    let answer = judge(&roll, (3, 40), &held, &stated);
    assert_eq!(answer, Err(Inability::NoSuchShare { share: 3 }));
    let answer = judge(&roll, (0, 4000), &bench.held(&roll, 0), &stated);
    assert!(matches!(answer, Err(Inability::Inputs(_))));
    assert_eq!(partial(1, 5), Err(PartialError::Trainers { got: 1 }));
}

/// The court judges one coordinate by one chunk of each operand, both under roots of one share.
#[test]
fn judging_a_coordinate_opens_one_share() {
    let bench = bench();
    let roll = whole(&bench);
    let held = bench.held(&roll, 1);
    let program = partial(4, 40).expect("small");
    let nodes = program.nodes();
    let (first, lane) = (4, 37);
    let brief = Brief {
        op: nodes[first].encode(),
        operands: vec![nodes[0].encode(), nodes[1].encode()],
        roots: held[..2].iter().map(Tensor::root).collect(),
    };
    assert_eq!(brief.roots, [0, 1].map(|trainer| bench.committed[trainer].roots[1]));
    let shown: Vec<Shown> = held[..2]
        .iter()
        .map(|share| opening::open(share, lane / 32).expect("a chunk of two"))
        .map(|shown| Shown { chunk: shown.chunk, siblings: shown.siblings })
        .collect();
    let opened = Opened::read(&brief).expect("an addition");
    let (trace, chain) = ((Hash::ZERO, 0), Hash::ZERO);
    let mut openings = Openings { opened: &opened, trace, chain, shown: &shown };
    let bits = element(&opened, lane as u64, &mut openings).expect("openings under the roots");
    let lanes = [0, 1].map(|trainer| held[trainer].as_i32().expect("i32")[lane]);
    assert_eq!(bits, u64::from(lanes[0].wrapping_add(lanes[1]).cast_unsigned()));
}

/// Signed digests name what they are about.
#[test]
fn digests_separate() {
    let bench = bench();
    let roll = whole(&bench);
    let fewer = bench.call([true; SHARES], |node| node != 3).roll.expect("three are left");
    let hashes = [roll.hash(seed(0), 1), roll.hash(seed(0), 2), roll.hash(seed(1), 1)];
    assert!(hashes[1..].iter().all(|hash| *hash != hashes[0]));
    assert_ne!(fewer.hash(seed(0), 1), hashes[0]);
    let statement = Statement { member: 0, share: 1, root: seed(2) };
    let other = Statement { share: 2, ..statement };
    assert_ne!(statement.digest(hashes[0]), other.digest(hashes[0]));
    assert_ne!(statement.digest(hashes[0]), statement.digest(hashes[1]));
    let receipt = Receipt { node: 0, share: 1, root: seed(2) };
    let other = Receipt { node: 1, ..receipt };
    assert_ne!(receipt.digest(seed(0)), other.digest(seed(0)));
}
