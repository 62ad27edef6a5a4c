//! The pieces of pages about claims and disputes.

use super::{Html, address, node, text};
use crate::format;
use crate::view::{ClaimState, Contender, Dispute, DisputeState, Report, Side, Stage, View};

/// Returns the state of a claim as a badge.
pub(crate) fn claim_state(state: &ClaimState) -> Html {
    let (class, name) = match state {
        ClaimState::Open => ("live", "window open"),
        ClaimState::Disputed => ("warn", "! disputed"),
        ClaimState::Final => ("good", "✓ final"),
        ClaimState::Struck => ("bad", "✕ struck"),
        ClaimState::Void => ("note", "void"),
    };
    Html(format!("<span class=\"badge {class}\">{name}</span>"))
}

/// Returns the claim behind a report with its state, and its disputes; a dash where there is none.
pub(crate) fn claim_of(view: &View, report: &Report) -> Html {
    let (Some(claim), Some(state)) = (report.claim, &report.state) else {
        return Html("<span class=\"absent\">—</span>".to_owned());
    };
    let Html(badge) = claim_state(state);
    let disputes = view.disputes.iter().filter(|dispute| dispute.claim == claim);
    let links: String = disputes.map(|it| format!(" · dispute {}", dispute(&it.id).0)).collect();
    Html(format!("{} {badge}{links}", format::count(claim)))
}

/// Returns a link to a dispute.
pub(crate) fn dispute(id: &u64) -> Html {
    Html(format!("<a href=\"/disputes/{id}\">{}</a>", format::count(*id)))
}

/// Returns a link to a dispute by its number, with its state.
pub(crate) fn dispute_of(view: &View, id: &u64) -> Html {
    let Html(link) = dispute(id);
    match view.dispute(*id) {
        Some(known) => Html(format!("{link} {}", dispute_state(known))),
        None => Html(link),
    }
}

/// Returns the state of a dispute as a badge.
pub(crate) fn dispute_state(dispute: &Dispute) -> Html {
    let (class, name) = match (dispute.state(), dispute.to_move()) {
        (DisputeState::Undecided, Some(Side::Asserter)) => ("live", "asserter to move"),
        (DisputeState::Undecided, _) => ("live", "challenger to move"),
        (DisputeState::Convicted, _) => ("bad", "✕ convicted"),
        (DisputeState::Acquitted, _) => ("good", "✓ acquitted"),
        (DisputeState::Closed, _) => ("note", "closed"),
    };
    Html(format!("<span class=\"badge {class}\">{name}</span>"))
}

/// Returns the class that colours a walk by its end.
pub(crate) fn state_class(dispute: &Dispute) -> &'static str {
    match dispute.state() {
        DisputeState::Undecided => "undecided",
        DisputeState::Convicted => "convicted",
        DisputeState::Acquitted => "acquitted",
        DisputeState::Closed => "closed",
    }
}

/// Returns a link to who stands on a side, or the address of who is no node.
pub(crate) fn contender(contender: &Contender) -> Html {
    match contender.node {
        Some(index) => node(&index, &contender.name),
        None if contender.name.is_empty() => address(&contender.address),
        None => Html(format!("<span class=\"party\">{}</span>", text(&contender.name))),
    }
}

/// Returns what a side is called, without a link.
pub(crate) fn contender_name(contender: &Contender) -> String {
    match (contender.name.is_empty(), contender.node) {
        (false, _) => contender.name.clone(),
        (true, Some(index)) => format!("node {index}"),
        (true, None) => contender.address.short(),
    }
}

/// Returns a side as a badge.
pub(crate) fn side(side: &Side) -> Html {
    let class = match side {
        Side::Asserter => "asserter",
        Side::Challenger => "challenger",
    };
    Html(format!("<span class=\"badge {class}\">{}</span>", side_name(side)))
}

/// Returns the name of a side.
pub(crate) fn side_name(side: &Side) -> &'static str {
    match side {
        Side::Asserter => "asserter",
        Side::Challenger => "challenger",
    }
}

/// Returns the name of a stage, as a heading.
pub(crate) fn stage_name(stage: &Stage) -> &'static str {
    match stage {
        Stage::Iterations => "Iterations",
        Stage::Outputs => "Outputs",
        Stage::Trace => "Trace",
        Stage::Tensor => "Tensor",
        Stage::Chain => "Chain",
    }
}

/// Returns a number of blocks.
pub(crate) fn blocks(number: &u64) -> String {
    format::plural(*number, "block")
}
