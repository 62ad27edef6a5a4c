//! The books on every peer: whether it is let in, how fast it may ask, what it has cost.
//!
//! One peer has one connection to us: a newer one replaces the older. What it may have open on it
//! is bounded by QUIC's own stream limit; here are the bounds that outlive a connection.
//!
//! Invariant: nothing a peer does changes the account of another. Absent: reputation. A penalty is
//! short and forgotten, since a key costs nothing; standing comes from stake and is the chain's.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use iroh::endpoint::Connection;

use crate::{
    PeerId, Traffic, TurnedAway,
    limits::{ACCOUNTS_MAX, CONNECTIONS_MAX, REQUESTS_BURST, REQUESTS_PER_SECOND, STRANGERS_MAX},
    serve::Goodbye,
};

/// Who may connect, and who may offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Admission {
    /// Anybody, up to [`CONNECTIONS_MAX`] peers: for tests and networks among friends.
    #[default]
    Open,
    /// These always; [`STRANGERS_MAX`] others beside them, who may ask but not offer.
    Registered(BTreeSet<PeerId>),
}

/// What is known about one peer.
#[derive(Debug)]
struct Account {
    /// How many questions it may ask at once, and since when that number holds.
    turns: u32,
    counted: Instant,
    penalty_until: Option<Instant>,
    connection: Option<(u64, Connection)>,
    traffic: Traffic,
}

#[derive(Debug)]
struct Books {
    admission: Admission,
    accounts: BTreeMap<PeerId, Account>,
    admitted: u64,
}

/// The books, behind one lock that is never held across a wait.
#[derive(Debug)]
pub(crate) struct Guard {
    books: Mutex<Books>,
    penalty: Duration,
}

/// A peer's right to be served on one connection; hand it back with [`Guard::leave`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    pub(crate) peer: PeerId,
    number: u64,
}

impl Guard {
    pub(crate) fn new(admission: Admission, penalty: Duration) -> Guard {
        let books = Books { admission, accounts: BTreeMap::new(), admitted: 0 };
        Guard { books: Mutex::new(books), penalty }
    }

    /// Changes who is let in. Strangers that are connected stay until they leave.
    pub(crate) fn admit_only(&self, admission: Admission) {
        self.books().admission = admission;
    }

    /// Lets a peer in on `connection`, and sees out an older one of its own.
    pub(crate) fn admit(
        &self,
        peer: PeerId,
        connection: &Connection,
    ) -> Result<Ticket, TurnedAway> {
        let now = Instant::now();
        let mut books = self.books();
        if !books.has_room_for(&peer) {
            return Err(TurnedAway::Full);
        }
        let number = books.admitted;
        let account = books.account(peer, now).ok_or(TurnedAway::Full)?;
        if account.penalty_until.is_some_and(|until| now < until) {
            return Err(TurnedAway::Penalty);
        }
        if !account.take_turn(now).is_zero() {
            return Err(TurnedAway::Penalty);
        }
        if let Some((_, older)) = account.connection.replace((number, connection.clone())) {
            Goodbye::Replaced.say(&older);
        }
        books.admitted += 1;
        Ok(Ticket { peer, number })
    }

    /// Notes that the connection of `ticket` is gone.
    pub(crate) fn leave(&self, ticket: Ticket) {
        if let Some(account) = self.books().accounts.get_mut(&ticket.peer)
            && account.connection.as_ref().is_some_and(|(number, _)| *number == ticket.number)
        {
            account.connection = None;
        }
    }

    /// Returns whether the peer may offer updates.
    pub(crate) fn may_offer(&self, peer: &PeerId) -> bool {
        match &self.books().admission {
            Admission::Open => true,
            Admission::Registered(members) => members.contains(peer),
        }
    }

    /// Turns the peer away for a while.
    pub(crate) fn penalise(&self, peer: PeerId) {
        let now = Instant::now();
        let until = now + self.penalty;
        if let Some(account) = self.books().account(peer, now) {
            account.penalty_until = Some(until);
        }
    }

    /// Waits until the peer has a turn, and takes it.
    pub(crate) async fn turn(&self, peer: PeerId) {
        loop {
            let now = Instant::now();
            let wait = match self.books().account(peer, now) {
                Some(account) => account.take_turn(now),
                None => Duration::ZERO,
            };
            if wait.is_zero() {
                return;
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Enters what was exchanged with a peer.
    pub(crate) fn record(&self, peer: PeerId, entry: impl FnOnce(&mut Traffic)) {
        if let Some(account) = self.books().account(peer, Instant::now()) {
            entry(&mut account.traffic);
        }
    }

    /// Returns what was exchanged with every peer that is remembered.
    pub(crate) fn traffic(&self) -> BTreeMap<PeerId, Traffic> {
        let books = self.books();
        books.accounts.iter().map(|(peer, account)| (*peer, account.traffic)).collect()
    }

    /// The books stay consistent between any two statements, so a panic elsewhere does not spoil
    /// them.
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    /// Returns whether one more connection of `peer` may stay.
    fn has_room_for(&self, peer: &PeerId) -> bool {
        let others = self.accounts.iter().filter(|(other, _)| *other != peer);
        let mut connected = others.filter(|(_, account)| account.connection.is_some());
        match &self.admission {
            Admission::Open => connected.count() < CONNECTIONS_MAX,
            Admission::Registered(members) if members.contains(peer) => true,
            Admission::Registered(members) => {
                connected.by_ref().filter(|(other, _)| !members.contains(*other)).count()
                    < STRANGERS_MAX
            }
        }
    }

    /// Returns the peer's account, opening one if there is room or an idle one can be closed.
    fn account(&mut self, peer: PeerId, now: Instant) -> Option<&mut Account> {
        if !self.accounts.contains_key(&peer) && self.accounts.len() >= ACCOUNTS_MAX {
            let idle = self.accounts.iter().find(|(_, account)| account.is_idle(now))?;
            let idle = *idle.0;
            self.accounts.remove(&idle);
        }
        Some(self.accounts.entry(peer).or_insert_with(|| Account {
            turns: REQUESTS_BURST,
            counted: now,
            penalty_until: None,
            connection: None,
            traffic: Traffic::default(),
        }))
    }
}

impl Account {
    fn is_idle(&self, now: Instant) -> bool {
        self.connection.is_none() && self.penalty_until.is_none_or(|until| until <= now)
    }

    /// Takes a turn and returns zero, or returns how long until there is one.
    fn take_turn(&mut self, now: Instant) -> Duration {
        let per_turn = Duration::from_secs(1) / REQUESTS_PER_SECOND;
        let passed = now.saturating_duration_since(self.counted);
        let earned = passed.as_nanos() / per_turn.as_nanos();
        let earned = u32::try_from(earned).unwrap_or(u32::MAX).min(REQUESTS_BURST);
        self.turns = self.turns.saturating_add(earned).min(REQUESTS_BURST);
        self.counted = if self.turns == REQUESTS_BURST {
            now
        } else {
            self.counted + per_turn.saturating_mul(earned)
        };
        match self.turns.checked_sub(1) {
            Some(left) => {
                self.turns = left;
                Duration::ZERO
            }
            None => (self.counted + per_turn).saturating_duration_since(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(now: Instant) -> Account {
        let mut books =
            Books { admission: Admission::Open, accounts: BTreeMap::new(), admitted: 0 };
        books.account([1; 32], now).expect("the books are empty");
        books.accounts.remove(&[1; 32]).expect("it was opened above")
    }

    #[test]
    fn turns_run_out_and_come_back_at_their_rate() {
        let start = Instant::now();
        let mut account = account(start);
        for _ in 0..REQUESTS_BURST {
            assert_eq!(account.take_turn(start), Duration::ZERO);
        }
        let wait = account.take_turn(start);
        assert!(!wait.is_zero());
        assert_eq!(account.take_turn(start + wait), Duration::ZERO);
        assert!(!account.take_turn(start + wait).is_zero());
        let second = start + wait + Duration::from_secs(1);
        let taken = (0..REQUESTS_BURST).filter(|_| account.take_turn(second).is_zero()).count();
        assert_eq!(taken, REQUESTS_PER_SECOND as usize);
    }

    #[test]
    fn a_long_silence_earns_no_more_than_a_burst() {
        let start = Instant::now();
        let mut account = account(start);
        let later = start + Duration::from_secs(1_000_000);
        let taken = (0..2 * REQUESTS_BURST).filter(|_| account.take_turn(later).is_zero()).count();
        assert_eq!(taken, REQUESTS_BURST as usize);
    }

    #[test]
    fn the_books_are_bounded_and_keep_who_is_under_penalty() {
        let guard = Guard::new(Admission::Open, Duration::from_secs(1_000));
        let bad = [0; 32];
        guard.penalise(bad);
        for number in 0u32..3_000 {
            let mut peer = [9; 32];
            peer[..4].copy_from_slice(&number.to_le_bytes());
            guard.record(peer, |traffic| traffic.asked += 1);
        }
        let books = guard.books();
        assert_eq!(books.accounts.len(), ACCOUNTS_MAX);
        assert!(books.accounts[&bad].penalty_until.is_some());
    }

    #[test]
    fn only_the_registered_may_offer() {
        let guard = Guard::new(Admission::Open, Duration::ZERO);
        assert!(guard.may_offer(&[1; 32]));
        guard.admit_only(Admission::Registered(BTreeSet::from([[2; 32]])));
        assert!(!guard.may_offer(&[1; 32]));
        assert!(guard.may_offer(&[2; 32]));
    }
}
