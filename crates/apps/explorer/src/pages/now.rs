//! The first page: where the network stands, what the last round judged, what margin it led to.

use super::{Frame, Step, page, steps};
use crate::State;
use crate::bars;
use crate::format;
use crate::parts;
use crate::told;
use crate::view::{Claim, ClaimState, Dispute, Phase, Round, Tx, Verdict};
use askama::Template;
use axum::extract::State as From;
use axum::http::StatusCode;
use axum::response::Response;

/// Transactions shown on the first page.
const TXS: usize = 8;

#[derive(Debug, Template)]
#[template(path = "now.html")]
struct Now<'a> {
    frame: Frame<'a>,
    current: Option<&'a Round>,
    settled: Option<&'a Round>,
    txs: Vec<&'a Tx>,
}

impl Now<'_> {
    fn steps(&self) -> Vec<Step> {
        self.current.map_or_else(Vec::new, |round| steps(round.phase).into())
    }

    /// Says in a sentence what the network waits for.
    fn waiting(&self) -> String {
        let Some(round) = self.current else {
            return "The first round opens as soon as enough nodes have joined.".to_owned();
        };
        let seats = round.drawn();
        let until = match self.frame.view.network.deadline {
            Some(block) => format!(", at the latest after block {}", format::count(block)),
            None => String::new(),
        };
        match round.phase {
            Phase::Open => "Seats are fixed; commitments come next.".to_owned(),
            Phase::Commit => {
                format!(
                    "{} of {seats} seats have committed; closes with the last{until}.",
                    round.committed()
                )
            }
            Phase::Reveal => format!(
                "{} of {} committed seats are revealed; closes with the last{until}.",
                round.revealed(),
                round.committed()
            ),
            Phase::Aggregate if round.claims.is_empty() => {
                format!("The elected aggregator owes the result{until}.")
            }
            Phase::Aggregate if round.claims.iter().any(disputed) => {
                "The result is disputed; the round waits until one step has decided.".to_owned()
            }
            Phase::Aggregate => {
                "The result is posted; every other node recomputes it while its window is open."
                    .to_owned()
            }
            Phase::Settled => "Settled; the next round opens with the next market day.".to_owned(),
            Phase::Voided => {
                "Voided for want of a quorum: nothing moved, nobody is paid.".to_owned()
            }
        }
    }

    /// Returns the last dispute that was not closed on account of another one.
    fn dispute(&self) -> Option<&Dispute> {
        self.frame.view.disputes.iter().rev().find(|dispute| dispute.closed.is_none())
    }

    fn story(&self, dispute: &Dispute) -> String {
        told::sentence(dispute)
    }

    /// Says in a sentence who was rejected in the last settled round, and why.
    fn rejected(&self) -> Vec<String> {
        let seats = self.settled.map_or(&[][..], |round| &round.seats);
        let rejected = seats.iter().filter(|seat| seat.verdict == Some(Verdict::Rejected));
        rejected
            .map(|seat| {
                let far = seat.distance.map_or_else(
                    || "too far".to_owned(),
                    |distance| format!("{} median distances", bars::figure(distance, 1)),
                );
                let limit = parts::limit();
                format!(
                    "{} was rejected: its update lies {far} from the coordinate median, and \
                     {limit} is the limit. It earns nothing this round and is not slashed.",
                    seat.name
                )
            })
            .collect()
    }
}

fn disputed(claim: &Claim) -> bool {
    claim.state == ClaimState::Disputed
}

/// Answers with the first page.
pub(crate) async fn show(From(state): From<State>) -> Response {
    let view = state.view();
    let current = view.rounds.last();
    let txs = view.txs.iter().rev().take(TXS).collect();
    let frame = Frame::new(&view, "now", "/");
    page(StatusCode::OK, &Now { frame, current, settled: view.last_settled(), txs })
}
