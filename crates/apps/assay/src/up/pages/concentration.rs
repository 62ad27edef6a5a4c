//! How unevenly stake, pay and aggregation are held.

use chain::index::{EPOCH_ROUNDS, Holdings};
use explorer::view;

/// What the history holds, in the pages' words, which are those of `--json` too.
pub(crate) fn concentration(holdings: &Holdings) -> view::Concentration {
    view::Concentration {
        epoch_rounds: EPOCH_ROUNDS,
        epochs: holdings.epochs().iter().map(epoch).collect(),
        all: holdings.all().as_ref().map(epoch),
    }
}

fn epoch(epoch: &chain::index::Epoch) -> view::Epoch {
    let spread = |found: &round::concentration::Concentration| view::Spread {
        nodes: found.nodes,
        gini: found.gini,
        hhi: found.hhi,
        nakamoto_third: found.nakamoto_third,
        nakamoto_half: found.nakamoto_half,
    };
    view::Epoch {
        first: epoch.first,
        last: epoch.last,
        stake: epoch.stake.as_ref().map(spread),
        pay: epoch.pay.as_ref().map(spread),
        aggregation: epoch.aggregation.as_ref().map(spread),
    }
}
