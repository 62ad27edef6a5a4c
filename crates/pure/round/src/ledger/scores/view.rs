//! What a node is shown of scores.

use court::Address;

use crate::chain::Block;
use crate::ledger::Ledger;
use crate::scorer::{View, WAITING_MAX};

impl Ledger {
    /// Returns what the node with this key sees of scores at block `now`, nothing where rounds are
    /// paid alike.
    #[must_use]
    pub fn score_view(&self, now: Block, key: Address) -> Option<View> {
        let books = self.books()?;
        let asked = |round: &u64| books.pasts.get(round).is_some_and(|past| past.open_block != 0);
        let rounds = books.order[books.scored..].iter().copied().take_while(asked);
        let waiting = rounds.take(WAITING_MAX).filter_map(|round| Some((round, self.past(round)?)));
        let waiting: Vec<_> = waiting.collect();
        let id = waiting.first().map_or(0, |(_, past)| past.claim);
        let is_own = |record: &court::Dispute| record.claim == id && record.challenger == key;
        Some(View {
            own: self.keys.get(&key).copied(),
            poster: self.poster(now).ok(),
            claim: self.claim(id).filter(|_| id != 0).cloned(),
            challenged: self.court.disputes().any(|(_, record)| is_own(record)),
            actives: self.actives(),
            waiting,
        })
    }
}
