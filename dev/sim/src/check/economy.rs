//! Where every wei is, kept in a second set of books from the ledger's events alone.
//!
//! After each call the accounts, stakes and pots must be what the events explain: nobody's balance
//! rises but by pay, a stake paid out, or what the court says it returns and advances. Of a slashed
//! bond at least half is burnt, and the rest goes to the winner of the dispute.
//!
//! Absent: trust in the ledger's own sum. It is compared like everything else.

use std::collections::{BTreeMap, BTreeSet};

use court::Address;
use round::Ledger;
use round::ledger::Event;

use super::Violation;
use crate::world::Members;

/// Up to so many accounts are all looked at after every call.
const FEW: usize = 128;

/// The second set of books.
#[derive(Clone, Debug)]
pub(super) struct Economy {
    minted_wei: u128,
    balances: BTreeMap<Address, u128>,
    /// By registry index.
    stakes: Vec<u128>,
    /// What was ever paid, by registry index.
    paid: BTreeMap<u32, u128>,
    funded_wei: u128,
    burnt_wei: u128,
    /// Wei that were advanced to each account in each dispute.
    advanced: BTreeMap<(u64, Address), u128>,
    /// The sides of disputes: asserter and challenger.
    sides: BTreeMap<u64, [Address; 2]>,
}

impl Economy {
    /// Opens the books from a ledger whose accounts are these.
    pub(super) fn new(ledger: &Ledger, members: &Members, accounts: &[Address]) -> Self {
        let balances: BTreeMap<Address, u128> =
            accounts.iter().map(|account| (*account, ledger.balance_wei(*account))).collect();
        let stake = |index| ledger.node(index).map_or(0, |node| node.stake_wei);
        let stakes: Vec<u128> = (0..members.count()).map(stake).collect();
        let held = balances.values().sum::<u128>() + stakes.iter().sum::<u128>();
        Self {
            minted_wei: ledger.total_wei(),
            funded_wei: ledger.total_wei() - held,
            balances,
            stakes,
            paid: BTreeMap::new(),
            burnt_wei: 0,
            advanced: BTreeMap::new(),
            sides: BTreeMap::new(),
        }
    }

    /// Enters what a call did, and compares.
    pub(super) fn applied(&mut self, events: &[Event], ledger: &Ledger) -> Result<(), Violation> {
        let mut touched = BTreeSet::new();
        for event in events {
            match event {
                Event::Joined { index, key } => {
                    let stake = ledger.node(*index).map_or(0, |node| node.stake_wei);
                    self.stakes.resize(self.stakes.len().max(*index as usize + 1), 0);
                    self.stakes[*index as usize] = stake;
                    self.debit(*key, stake, &mut touched)?;
                }
                Event::StakeAdded { index, stake_wei } => {
                    let added = stake_wei.saturating_sub(self.stakes[*index as usize]);
                    self.stakes[*index as usize] = *stake_wei;
                    let key = ledger.node(*index).map(|node| node.key).unwrap_or_default();
                    self.debit(key, added, &mut touched)?;
                }
                Event::Penalised { index, burnt_wei } => {
                    let stake = &mut self.stakes[*index as usize];
                    *stake = stake.saturating_sub(*burnt_wei);
                    self.burnt_wei += burnt_wei;
                }
                Event::Withdrawn { index, amount_wei } => {
                    let stake = &mut self.stakes[*index as usize];
                    *stake = stake.saturating_sub(*amount_wei);
                    self.credit(payee(ledger, *index), *amount_wei, &mut touched);
                }
                Event::Paid { node, amount_wei, cumulative_wei } => {
                    let paid = self.paid.entry(*node).or_default();
                    *paid += amount_wei;
                    if paid != cumulative_wei || ledger.paid_wei(*node) != *paid {
                        let (got_wei, owed_wei) = (ledger.paid_wei(*node), *paid);
                        return Err(Violation::Pay { node: *node, got_wei, owed_wei });
                    }
                    self.credit(payee(ledger, *node), *amount_wei, &mut touched);
                }
                _ => {}
            }
        }
        self.court(events, ledger, &mut touched)?;
        let all = self.balances.len() <= FEW || !is_small(events);
        self.compare(ledger, &touched, all)
    }

    /// Enters what the court moved, and checks to whom.
    fn court(
        &mut self,
        events: &[Event],
        ledger: &Ledger,
        touched: &mut BTreeSet<Address>,
    ) -> Result<(), Violation> {
        let bond_wei = ledger.court().terms().bond_wei;
        let mut dispute = 0;
        let (mut returned, mut bounty) = (Vec::new(), 0);
        for event in events {
            let Event::Court(event) = event else { continue };
            match *event {
                court::Event::BondTaken { from, amount_wei } => {
                    self.debit(from, amount_wei, touched)?;
                }
                court::Event::Challenged { id, dispute: number, challenger, .. } => {
                    let asserter = ledger.claim(id).map(|claim| claim.asserter);
                    self.sides.insert(number, [asserter.unwrap_or_default(), challenger]);
                }
                court::Event::Moved { dispute: number, .. } => dispute = number,
                court::Event::Advanced { to, amount_wei } => {
                    self.credit(to, amount_wei, touched);
                    let advanced = self.advanced.entry((dispute, to)).or_default();
                    *advanced += amount_wei;
                    let got_wei = *advanced;
                    if got_wei > bond_wei / 4 || !self.is_side(dispute, to) {
                        return Err(Violation::Windfall { account: to, got_wei });
                    }
                }
                court::Event::Returned { to, amount_wei } => {
                    self.credit(to, amount_wei, touched);
                    returned.push((to, amount_wei));
                }
                court::Event::Burnt { amount_wei } => self.burnt_wei += amount_wei,
                court::Event::Decided { dispute: number, bounty_wei, burnt_wei, .. } => {
                    dispute = number;
                    bounty = bounty_wei;
                    if burnt_wei < bond_wei / 2 || bounty_wei > bond_wei / 2 {
                        let account = returned.first().map(|(to, _)| *to).unwrap_or_default();
                        return Err(Violation::Windfall { account, got_wei: bounty_wei });
                    }
                }
                court::Event::Closed { dispute: number, .. } => dispute = number,
                _ => {}
            }
        }
        // A bond comes back to a side, with the bounty and what was advanced out of it, no more.
        let most = bond_wei + bounty;
        let wrong = |(to, got): &(Address, u128)| {
            *got > most || dispute != 0 && !self.is_side(dispute, *to)
        };
        match returned.into_iter().find(wrong) {
            Some((account, got_wei)) => Err(Violation::Windfall { account, got_wei }),
            None => Ok(()),
        }
    }

    fn is_side(&self, dispute: u64, account: Address) -> bool {
        self.sides.get(&dispute).is_some_and(|sides| sides.contains(&account))
    }

    fn credit(&mut self, account: Address, amount_wei: u128, touched: &mut BTreeSet<Address>) {
        *self.balances.entry(account).or_default() += amount_wei;
        touched.insert(account);
    }

    fn debit(
        &mut self,
        account: Address,
        amount_wei: u128,
        touched: &mut BTreeSet<Address>,
    ) -> Result<(), Violation> {
        let balance = self.balances.entry(account).or_default();
        touched.insert(account);
        let overdrawn = Violation::Balance { account, expected_wei: 0, got_wei: *balance };
        *balance = balance.checked_sub(amount_wei).ok_or(overdrawn)?;
        Ok(())
    }

    /// Compares the books with the ledger: the accounts a call touched, or all, and every stake.
    fn compare(
        &self,
        ledger: &Ledger,
        touched: &BTreeSet<Address>,
        all: bool,
    ) -> Result<(), Violation> {
        let account = |account: &Address| -> Result<(), Violation> {
            let (expected_wei, got_wei) = (self.balances[account], ledger.balance_wei(*account));
            let account = *account;
            match expected_wei == got_wei {
                true => Ok(()),
                false => Err(Violation::Balance { account, expected_wei, got_wei }),
            }
        };
        if all {
            self.balances.keys().try_for_each(account)?;
        } else {
            touched.iter().try_for_each(account)?;
        }
        for (index, expected_wei) in (0..).zip(self.stakes.iter().copied()) {
            let got_wei = ledger.node(index).map_or(0, |node| node.stake_wei);
            if got_wei != expected_wei {
                return Err(Violation::Stake { index, expected_wei, got_wei });
            }
        }
        let (expected, got) = (self.burnt_wei, ledger.burnt_wei());
        if expected != got {
            return Err(Violation::Burnt { expected_wei: expected, got_wei: got });
        }
        let paid = self.paid.values().sum::<u128>();
        let stakes = self.stakes.iter().sum::<u128>();
        let pots = self.funded_wei.saturating_sub(paid) + ledger.bonds_wei();
        let got = self.balances.values().sum::<u128>() + stakes + pots + self.burnt_wei;
        let expected = self.minted_wei;
        let sums = [got, ledger.total_wei()];
        match sums.into_iter().find(|got| *got != expected) {
            Some(got) => Err(Violation::Supply { expected, got }),
            None => Ok(()),
        }
    }

    /// Returns an index's stake before the call at hand.
    pub(super) fn stake_wei(&self, index: u32) -> u128 {
        self.stakes.get(index as usize).copied().unwrap_or(0)
    }

    /// Returns what a node has: in both its accounts, and at stake.
    pub(super) fn wealth_wei(&self, accounts: [Address; 2], indices: &[u32]) -> u128 {
        let balance = |account| self.balances.get(&account).copied().unwrap_or(0);
        let stakes = indices.iter().map(|index| self.stakes[*index as usize]);
        accounts.map(balance).iter().sum::<u128>() + stakes.sum::<u128>()
    }
}

/// Whether a call did so little that only the accounts it touched are looked at.
fn is_small(events: &[Event]) -> bool {
    let ends = |event: &Event| {
        matches!(event, Event::Settled { .. } | Event::Voided { .. } | Event::Penalised { .. })
            || matches!(event, Event::Scored { .. })
            || matches!(event, Event::Court(court::Event::Decided { .. }))
    };
    !events.iter().any(ends)
}

fn payee(ledger: &Ledger, index: u32) -> Address {
    ledger.node(index).map(|node| node.payee).unwrap_or_default()
}
