//! Folds a page into the history, event by event, in the order of the chain.
//!
//! Nothing here can fail: an event that does not decode, or speaks of what was never seen, is
//! passed over.

use alloy::{primitives::U256, rpc::types::Log, sol_types::SolEventInterface};

use super::{
    EMPTY_BLOCKS_KEPT, History,
    fetch::Page,
    record::{At, Ground, Node, Payment, Report, Reveal, Round, Score, Seat, Settlement, Void},
};
use crate::contracts::{
    Phase,
    clearing::ClearingHouse::ClearingHouseEvents,
    court::Court::CourtEvents,
    gate::RiskGate::RiskGateEvents,
    oracle::RiskOracle::RiskOracleEvents,
    registry::Registry::RegistryEvents,
    rewards::Rewards::RewardsEvents,
    rounds::Rounds::{self, RoundsEvents},
    scores::Scores::ScoresEvents,
};

impl History {
    pub(crate) fn fold(&mut self, page: Page) {
        let mut valued: Option<At> = None;
        for log in &page.logs {
            let (Some(block), Some(tx)) = (log.block_number, log.transaction_hash) else {
                continue;
            };
            let time = page.blocks.get(&block).map_or(0, |block| block.time);
            let at = At { block, time, tx };
            if let Some(before) = valued.filter(|before| before.block != block) {
                self.value_accounts(before);
                valued = None;
            }
            if self.event(log, at) {
                valued = Some(at);
            }
        }
        if let Some(at) = valued {
            self.value_accounts(at);
        }
        self.blocks.extend(page.blocks);
        self.transactions.extend(page.transactions);
        self.forget_empty_blocks(self.next_block, page.next);
        self.next_block = page.next;
        self.head = Some(page.last);
    }

    /// Forgets the empty blocks that fell out of reach when the next block went from `before` to
    /// `after`.
    fn forget_empty_blocks(&mut self, before: u64, after: u64) {
        let range =
            before.saturating_sub(EMPTY_BLOCKS_KEPT)..after.saturating_sub(EMPTY_BLOCKS_KEPT);
        let block_of = |(number, block): (&u64, &super::Block)| {
            block.transactions.is_empty().then_some(*number)
        };
        let empty: Vec<u64> = self.blocks.range(range).filter_map(block_of).collect();
        for number in empty {
            self.blocks.remove(&number);
        }
    }

    /// Folds one event and returns whether it moved the value of accounts.
    fn event(&mut self, log: &Log, at: At) -> bool {
        let (address, inner) = (log.address(), &log.inner);
        let known = &self.deployment;
        self.holdings.event(log, (known.registry, known.rounds, known.rewards));
        if address == known.registry {
            RegistryEvents::decode_log(inner).map(|log| self.registry(log.data, at)).ok();
        } else if address == known.court {
            return CourtEvents::decode_log(inner).is_ok_and(|log| self.court(log.data, at));
        } else if address == known.rounds {
            RoundsEvents::decode_log(inner).map(|log| self.round(log.data, at)).ok();
        } else if address == known.scores {
            ScoresEvents::decode_log(inner).map(|log| self.score(log.data, at)).ok();
        } else if address == known.rewards {
            RewardsEvents::decode_log(inner).map(|log| self.reward(log.data, at)).ok();
        } else if address == known.oracle {
            RiskOracleEvents::decode_log(inner).map(|log| self.report(log.data, at)).ok();
        } else if address == known.gate {
            return RiskGateEvents::decode_log(inner).is_ok_and(|log| self.gate(log.data, at));
        } else if address == known.clearing {
            return ClearingHouseEvents::decode_log(inner).is_ok_and(|log| self.clear(log.data));
        }
        false
    }

    fn registry(&mut self, event: RegistryEvents, at: At) {
        match event {
            RegistryEvents::Joined(e) => {
                let node = Node {
                    index: e.index,
                    key: e.key,
                    payee: e.payee,
                    peer: e.peer,
                    endpoint: e.endpoint,
                    stake: e.stake,
                    burnt: U256::ZERO,
                    joined: at,
                    unbond_block: None,
                };
                self.nodes.insert(e.index, node);
            }
            RegistryEvents::Announced(e) => self.node(e.index, |node| {
                (node.peer, node.endpoint) = (e.peer, e.endpoint);
            }),
            RegistryEvents::StakeAdded(e) => self.node(e.index, |node| node.stake = e.stake),
            RegistryEvents::Leaving(e) => {
                self.node(e.index, |node| node.unbond_block = Some(e.unbondBlock));
            }
            RegistryEvents::Withdrawn(e) => self.node(e.index, |node| node.stake = U256::ZERO),
            RegistryEvents::Penalised(e) => self.node(e.index, |node| {
                node.stake = e.stake;
                node.burnt = node.burnt.saturating_add(e.burnt);
            }),
        }
    }

    fn node(&mut self, index: u32, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(&index) {
            change(node);
        }
    }

    fn round(&mut self, event: RoundsEvents, at: At) {
        match event {
            RoundsEvents::Opened(e) => drop(self.rounds.insert(e.round, opened(&e, at))),
            RoundsEvents::Seated(e) => self.of_round(e.round, |round| {
                let drawn = e.nodes.into_iter().zip(e.rows);
                let seat = |(node, rows)| Seat {
                    node,
                    rows,
                    commitment: None,
                    reveal: None,
                    accepted: None,
                };
                round.seats = drawn.map(seat).collect();
            }),
            RoundsEvents::Committed(e) => self.seat(e.round, e.node, |seat| {
                seat.commitment = Some((e.commitment, at));
            }),
            RoundsEvents::CommitsClosed(e) => self.of_round(e.round, |round| {
                round.commits_closed = Some((e.blockNumber, at));
                round.phase = Phase::Reveal;
            }),
            RoundsEvents::Revealed(e) => self.seat(e.round, e.node, |seat| {
                seat.reveal = Some(Reveal {
                    at,
                    update_root: e.updateRoot,
                    blob: e.blob,
                    salt: e.salt,
                    data: (!e.data.is_empty()).then_some(e.data),
                });
            }),
            RoundsEvents::RevealsClosed(e) => self.of_round(e.round, |round| {
                round.reveals_closed = Some((e.blockNumber, at));
                round.phase = Phase::Aggregate;
            }),
            RoundsEvents::ResultPosted(e) => self.of_round(e.round, |round| {
                round.results.push((small(e.claim), e.aggregator, at));
            }),
            RoundsEvents::ResultStruck(e) => {
                self.of_round(e.round, |round| round.struck.push(small(e.claim)));
            }
            RoundsEvents::Settled(e) => self.of_round(e.round, |round| {
                for (node, accepted) in e.nodes.into_iter().zip(e.accepted) {
                    if let Some(seat) = round.seat_mut(node) {
                        seat.accepted = Some(accepted);
                    }
                }
                round.phase = Phase::Idle;
                round.settled = Some(Settlement {
                    at,
                    claim: small(e.claim),
                    model_root: e.modelRoot,
                    cumulative_root: e.cumulativeRoot,
                });
            }),
            RoundsEvents::Voided(e) => self.of_round(e.round, |round| {
                let phase = Phase::from_word(e.phase);
                round.phase = Phase::Idle;
                round.voided = Some(Void { at, phase, got: e.got, quorum: e.quorum });
            }),
        }
    }

    fn of_round(&mut self, number: u64, change: impl FnOnce(&mut Round)) {
        if let Some(round) = self.rounds.get_mut(&number) {
            change(round);
        }
    }

    fn seat(&mut self, number: u64, node: u32, change: impl FnOnce(&mut Seat)) {
        if let Some(seat) = self.rounds.get_mut(&number).and_then(|round| round.seat_mut(node)) {
            change(seat);
        }
    }

    fn score(&mut self, event: ScoresEvents, at: At) {
        if let ScoresEvents::Scored(e) = event {
            let (claim, cumulative_root) = (small(e.claim), e.cumulativeRoot);
            let burnt = e.nodes.into_iter().zip(e.burntGwei).collect();
            self.scores.insert(e.round, Score { at, claim, cumulative_root, burnt });
        }
    }

    fn reward(&mut self, event: RewardsEvents, at: At) {
        match event {
            RewardsEvents::Funded(e) => {
                self.rewards.funded = self.rewards.funded.saturating_add(e.amount);
            }
            RewardsEvents::RootPosted(e) => {
                self.rewards.roots.insert(e.round, e.root);
            }
            RewardsEvents::Paid(e) => self.rewards.payments.push(Payment {
                at,
                node: e.node,
                payee: e.payee,
                amount: e.amount,
                cumulative: e.cumulative,
            }),
        }
    }

    fn report(&mut self, event: RiskOracleEvents, at: At) {
        match event {
            RiskOracleEvents::Based(e) => {
                let ground = Ground {
                    round_claim: named(e.roundClaim),
                    model_root: e.modelRoot,
                    data_bytes: e.data.iter().map(|tensor| tensor.len()).sum(),
                };
                self.grounds.insert(small(e.claim), ground);
            }
            RiskOracleEvents::Reported(e) => self.reports.push(Report {
                at,
                provider: e.provider,
                market: e.report.market,
                kind: e.report.kind,
                value: e.report.value,
                lower: e.report.lower,
                upper: e.report.upper,
                claim: named(e.report.claim),
                market_time: e.report.marketTime,
                expiry: e.report.expiry,
                nonce: e.report.nonce,
            }),
            _ => {}
        }
    }
}

/// The claim of an id; zero is none.
pub(super) fn named(id: U256) -> Option<u64> {
    (!id.is_zero()).then(|| small(id))
}

/// Ids are counted up by the contracts, from one.
pub(super) fn small(id: U256) -> u64 {
    id.saturating_to()
}

/// A round as it opens, without seats.
fn opened(event: &Rounds::Opened, at: At) -> Round {
    Round {
        number: event.round,
        phase: Phase::Commit,
        opened: at,
        salts: event.salts,
        model_root: event.modelRoot,
        seats: Vec::new(),
        commits_closed: None,
        reveals_closed: None,
        results: Vec::new(),
        struck: Vec::new(),
        settled: None,
        voided: None,
    }
}
