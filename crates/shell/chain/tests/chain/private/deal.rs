//! Rounds of a private job, each with its own mishaps, from a seed; between the calls that move it
//! on come others that must be refused.

use alloy::primitives::{B256, U256};
use chain::Client;
use round::sums::{
    SHARES,
    ledger::{Input, Phase, Sum},
};
use tensor::{Hash, tree};

use super::{
    BLOCKS, CLOCK_BLOCKS, NODES, WIDTH, aggregate, partial,
    twin::{Twin, mark},
};
use crate::{fixture::advance, ledger::random::Random};

/// One seed's play.
pub(super) struct Dealer {
    random: Random,
    pub(super) twin: Twin,
}

/// What goes wrong in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mishap {
    None,
    /// Fewer commit than two buckets take.
    Few,
    /// One member of a bucket is gone, and two of another.
    Gone,
    /// Members report and are silent then.
    Silent,
    /// A member lies and does not challenge the other's defence.
    Lie,
    /// A member lies, defends that and is convicted.
    Convicted,
    /// Nobody defends.
    Undefended,
    /// The first result is convicted.
    Fallen,
    /// Nobody reports.
    Nobody,
}

const MISHAPS: [Mishap; 9] = [
    Mishap::None,
    Mishap::Few,
    Mishap::Gone,
    Mishap::Silent,
    Mishap::Lie,
    Mishap::Convicted,
    Mishap::Undefended,
    Mishap::Fallen,
    Mishap::Nobody,
];

impl Dealer {
    pub(super) async fn new(owner: Client, seed: u64) -> Self {
        Self { random: Random::new(seed), twin: Twin::new(owner).await }
    }

    fn number(&self) -> u64 {
        self.twin.rounds.round().number
    }

    fn phase(&self) -> Phase {
        self.twin.rounds.round().phase
    }

    /// Key and registry index are one: nodes joined in order.
    fn who(&self, node: Option<u32>) -> u8 {
        u8::try_from(node.expect("there is one")).expect("a few nodes")
    }

    pub(super) async fn round(&mut self, number: u32) {
        let mishap = MISHAPS[number as usize % MISHAPS.len()];
        self.twin.call(0, Input::Open).await;
        self.twin.call(0, Input::Draw).await;
        self.commits(mishap).await;
        if self.phase() == Phase::Draw {
            advance(&self.twin.owner, self.random.below(3)).await;
            self.twin.call(1, Input::Advance).await;
            self.twin.call(1, Input::Advance).await;
        }
        if self.phase() == Phase::Report {
            self.reports(mishap).await;
        }
        if self.phase() == Phase::Sum {
            self.sums(mishap).await;
        }
        if self.phase() == Phase::Judge {
            self.judge(mishap).await;
        }
        if self.phase() == Phase::Aggregate {
            self.aggregate(mishap).await;
        }
        assert_eq!(self.phase(), Phase::Idle, "{mishap:?}");
    }

    /// Waits until the phase is over, and says so.
    async fn run_out(&mut self) {
        let left = self.twin.rounds.round().until + 1;
        let head = self.twin.owner.block_number().await.expect("an answer");
        assert!(left <= head + BLOCKS + 1);
        advance(&self.twin.owner, left.saturating_sub(head)).await;
        self.twin.call(2, Input::Advance).await;
    }

    /// Something by somebody, mostly refused.
    async fn stray(&mut self) {
        let round = self.number() + u64::from(self.random.one_in(6));
        let who = u8::try_from(self.random.below(u64::from(NODES) + 1)).expect("a few");
        let (bucket, member) = (self.random.index(4), self.random.index(4));
        let share = self.random.index(4);
        let bytes = |length: u32| vec![7; length as usize];
        let input = match self.random.below(9) {
            0 => Input::Open,
            1 => Input::Draw,
            2 => Input::Commit { round, shares: [mark(1), mark(2), Hash::ZERO] },
            3 => Input::Report { round, bucket, member, held: [u32::MAX, 1 << 9] },
            4 => Input::State { round, bucket, member, sums: [bytes(4 * WIDTH), bytes(4)] },
            5 => Input::Defend { round, bucket, share },
            6 => Input::PostResult { round, outputs_root: self.outputs_root(round) },
            7 => self.result(round, share),
            _ => Input::Advance,
        };
        self.twin.call(who, input).await;
    }

    async fn strays(&mut self) {
        for _ in 0..3 + self.random.below(4) {
            self.stray().await;
        }
    }

    async fn commits(&mut self, mishap: Mishap) {
        let count = if mishap == Mishap::Few { 5 } else { NODES };
        let round = self.number();
        for who in 0..count {
            if self.phase() == Phase::Commit && self.random.one_in(3) {
                self.stray().await;
            }
            let shares = [0, 1, 2].map(|share| mark(1000 * round + 10 * u64::from(who) + share));
            let zero = [shares[0], Hash::ZERO, shares[2]];
            if who == 0 {
                self.twin.call(who, Input::Commit { round, shares: zero }).await;
            }
            self.twin.call(who, Input::Commit { round, shares }).await;
            if who == 1 {
                self.twin.call(who, Input::Commit { round, shares }).await;
            }
        }
        if self.phase() == Phase::Commit {
            self.run_out().await;
        }
    }

    /// Buckets and members, in order.
    fn roles(&self) -> Vec<(usize, usize)> {
        let buckets = 0..self.twin.rounds.trays().len();
        buckets.flat_map(|bucket| (0..SHARES).map(move |member| (bucket, member))).collect()
    }

    async fn reports(&mut self, mishap: Mishap) {
        let round = self.number();
        if mishap == Mishap::Nobody {
            return self.run_out().await;
        }
        for (bucket, member) in self.roles() {
            let tray = self.twin.rounds.trays()[bucket];
            let who = self.who(self.twin.rounds.member(bucket, member));
            // One member of the first bucket, and two of the last.
            let gone = (bucket, member) == (0, 1) || (bucket == 2 && member > 0);
            if mishap == Mishap::Gone && gone {
                continue;
            }
            if self.random.one_in(3) {
                self.stray().await;
            }
            let strangers = Input::Report { round, bucket, member, held: [u32::MAX; 2] };
            if self.random.one_in(4) {
                self.twin.call(who, strangers).await;
            }
            let all = tray.trainers;
            let held = if self.random.one_in(8) { [all & (all - 1), all] } else { [all; 2] };
            let report = Input::Report { round, bucket, member, held };
            self.twin.call(who, report.clone()).await;
            if self.phase() == Phase::Report && self.random.one_in(4) {
                self.twin.call(who, report).await;
            }
        }
        if self.phase() == Phase::Report {
            self.run_out().await;
        }
    }

    async fn sums(&mut self, mishap: Mishap) {
        let round = self.number();
        let lies = matches!(mishap, Mishap::Lie | Mishap::Convicted | Mishap::Undefended);
        let liar = self.twin.rounds.trays().iter().position(|tray| tray.roll != 0);
        for (bucket, member) in self.roles() {
            if self.twin.rounds.trays()[bucket].roll == 0 {
                let who = self.who(self.twin.rounds.member(bucket, member));
                let sums = [Vec::new(), Vec::new()];
                self.twin.call(who, Input::State { round, bucket, member, sums }).await;
            }
        }
        for (bucket, member) in self.roles() {
            if self.phase() != Phase::Sum {
                break;
            }
            if self.random.one_in(3) {
                self.stray().await;
            }
            let who = self.who(self.twin.rounds.member(bucket, member));
            if mishap == Mishap::Silent && bucket == 0 && member > 0 {
                continue;
            }
            let sum = |share: usize, lie: bool| {
                let mut bytes =
                    vec![u8::try_from(10 * bucket + share).expect("few"); 4 * WIDTH as usize];
                bytes[0] ^= u8::from(lie);
                bytes
            };
            let lie = lies && Some(bucket) == liar && member == 1;
            let sums = [sum((member + 1) % 3, false), sum((member + 2) % 3, lie)];
            let state = Input::State { round, bucket, member, sums };
            let short = Input::State { round, bucket, member, sums: [vec![0; 4], vec![0; 4]] };
            if self.random.one_in(3) {
                self.twin.call(who, short).await;
            }
            self.twin.call(who, state.clone()).await;
            if self.phase() == Phase::Sum && self.random.one_in(3) {
                self.twin.call(who, state).await;
            }
        }
        if self.phase() == Phase::Sum {
            self.run_out().await;
        }
    }

    async fn judge(&mut self, mishap: Mishap) {
        let round = self.number();
        let is_disputed = |bucket: &usize| {
            let tray = self.twin.rounds.trays()[*bucket];
            tray.roll != 0 && matches!(tray.sum(0), Sum::Disputed(_))
        };
        let bucket = (0..3).find(is_disputed).expect("somebody lied");
        self.strays().await;
        if mishap == Mishap::Undefended {
            return self.run_out().await;
        }
        let defender = if mishap == Mishap::Convicted { 1 } else { 2 };
        let who = self.who(self.twin.rounds.member(bucket, defender));
        self.twin.call(who, Input::Defend { round, bucket, share: 0 }).await;
        self.strays().await;
        let tray = self.twin.rounds.trays()[bucket];
        if mishap == Mishap::Convicted {
            self.convict(tray.claims[0], partial(tray.roll.count_ones()), 1).await;
        } else {
            advance(&self.twin.owner, 4).await;
        }
        self.twin.call(3, Input::Advance).await;
    }

    /// Four outputs that stand for a result; one of a few ways to have it wrong.
    fn result(&self, round: u64, wrong: usize) -> Input {
        let mut accepted_chunk = vec![0; 4 * tree::CHUNK_ELEMENTS];
        (accepted_chunk[0], accepted_chunk[4]) = (1, 1);
        let roots = vec![mark(round), tree::leaf(&accepted_chunk), mark(3), mark(4)];
        let mut output_roots = roots;
        match wrong {
            1 => output_roots[3] = mark(5),
            2 => drop(output_roots.pop()),
            3 => accepted_chunk[8] = 1,
            4 => accepted_chunk.truncate(64),
            _ => {}
        }
        Input::Settle { round, output_roots, accepted_chunk }
    }

    /// What whoever is in turn claims, a stray caller too.
    fn outputs_root(&self, round: u64) -> Hash {
        let Input::Settle { output_roots, .. } = self.result(round, 0) else { unreachable!() };
        court::opening::list_root(&output_roots)
    }

    async fn post(&mut self) -> u64 {
        let round = self.number();
        let outputs_root = self.outputs_root(round);
        let next = self.twin.owner.block_number().await.expect("an answer") + 1;
        let turn = self.who(self.twin.rounds.aggregator(next));
        let post = Input::PostResult { round, outputs_root };
        self.twin.call((turn + 1) % NODES, post.clone()).await;
        self.twin.call(turn, post.clone()).await;
        self.twin.call(turn, post).await;
        self.twin.rounds.round().claim
    }

    async fn aggregate(&mut self, mishap: Mishap) {
        let round = self.number();
        self.strays().await;
        advance(&self.twin.owner, self.random.below(50)).await;
        let claim = self.post().await;
        if mishap == Mishap::Fallen {
            let rows = self.twin.rounds.round().rows;
            self.convict(claim, aggregate(rows), 4).await;
            self.twin.call(4, Input::Advance).await;
            self.post().await;
        }
        self.strays().await;
        advance(&self.twin.owner, 4).await;
        for wrong in [1, 2, 3, 4, 0] {
            let settle = self.result(round, wrong);
            self.twin.call(5, settle).await;
        }
    }

    /// Convicts a claim whose asserter stays silent.
    async fn convict(&mut self, claim: u64, header: Vec<u8>, outputs: usize) {
        let asserter = self.twin.owner.claim(U256::from(claim)).await.expect("a view").asserter;
        let stranger = (0..NODES).find(|who| self.twin.client(*who).address() != asserter);
        let challenger = self.twin.client(stranger.expect("there are several"));
        let claimed = U256::from(claim);
        let other = B256::repeat_byte(9);
        challenger.challenge(claimed, other, header.clone()).await.expect("it is open");
        let started = challenger.disputes_over(claimed).await.expect("logs");
        let dispute = *started.last().expect("it was started");
        if outputs == 1 {
            // There is one output: the challenger names it, and then it is the asserter's turn.
            let record =
                challenger.dispute(dispute).await.expect("a view").expect("it runs").record;
            let only = court::Move::NameOutput { children: Vec::new(), child: 0, header };
            challenger.make_move(dispute, &record, only).await.expect("its turn");
        }
        advance(&challenger, CLOCK_BLOCKS + 1).await;
        let record = challenger.dispute(dispute).await.expect("a view").expect("it runs").record;
        challenger.timeout(dispute, &record).await.expect("the asserter was silent");
    }
}
