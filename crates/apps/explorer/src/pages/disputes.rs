//! All disputes, and one dispute with its walk, its moves and its judgement.

use super::{Frame, ROWS, Window, missing, page};
use crate::State;
use crate::format;
use crate::parts;
use crate::parts::Html;
use crate::picture::{self, Below};
use crate::told::{self, Row};
use crate::view::{Dispute, Judged, Side, Stage, View};
use crate::walk::{self, Level};
use askama::Template;
use axum::extract::{Path, Query, State as From};
use axum::http::StatusCode;
use axum::response::Response;

#[derive(Debug, Template)]
#[template(path = "disputes.html")]
struct List<'a> {
    frame: Frame<'a>,
    disputes: Vec<&'a Dispute>,
    older: Option<u64>,
    newest: bool,
}

impl List<'_> {
    /// Returns the moves of both sides and their gas.
    fn totals(&self, dispute: &Dispute) -> (usize, Html) {
        let rows = told::rows(dispute);
        let [asserter, challenger] =
            [Side::Asserter, Side::Challenger].map(|side| told::total(&rows, side));
        let gas = asserter.1.zip(challenger.1).map(|(one, other)| one.saturating_add(other));
        (asserter.0 + challenger.0, parts::count_or(&gas, format::ABSENT))
    }
}

/// One line of the walk: a level, or the move that is due.
#[derive(Debug)]
struct Line {
    /// Name of the tree, on its first line only.
    stage: &'static str,
    drawing: Html,
    named: String,
    /// How many there are of what was named, in all.
    all: Option<u64>,
    offers: String,
}

#[derive(Debug, Template)]
#[template(path = "dispute.html")]
struct Show<'a> {
    frame: Frame<'a>,
    dispute: &'a Dispute,
    rows: Vec<Row>,
    lines: Vec<Line>,
}

impl Show<'_> {
    fn sentence(&self) -> String {
        told::sentence(self.dispute)
    }

    /// Says which step was executed.
    fn step(&self, judged: &Judged) -> String {
        let element = format!(
            "element {} of op {}",
            format::count(judged.element),
            format::count(u64::from(judged.op))
        );
        match judged.step {
            Some(step) => format!("Step {} of the chain of {element}", format::count(step)),
            None => element.replacen('e', "E", 1),
        }
    }

    /// Returns the disputed op in words, or as much as is known of it.
    fn op(&self) -> Html {
        match (&self.dispute.op_text, self.dispute.op()) {
            (Some(text), _) => Html::code(text),
            (None, Some(op)) => Html::plain(&format!("op {}", format::count(u64::from(op)))),
            (None, None) => parts::absent("not named yet"),
        }
    }

    /// Says how far apart the two values are, in bits.
    fn differing(&self, judged: &Judged) -> String {
        let differ = (judged.asserted.bits() ^ judged.correct.bits()).count_ones();
        let width = judged.correct.dtype().width();
        match differ {
            0 => format!("all {width} bits agree"),
            1 => format!("1 of {width} bits differs"),
            _ => format!("{differ} of {width} bits differ"),
        }
    }

    fn moves(&self, side: Side) -> usize {
        told::total(&self.rows, side).0
    }

    fn gas(&self, side: Side) -> Html {
        parts::count_or(&told::total(&self.rows, side).1, "not known")
    }

    /// Says what became of a side's bond.
    fn outcome(&self, side: Side) -> &'static str {
        match self.dispute.loser() {
            Some(loser) if loser == side => "lost",
            Some(_) => "returned",
            None if self.dispute.closed.is_some() && side == Side::Asserter => "decided elsewhere",
            None if self.dispute.closed.is_some() => "returned",
            None => "at stake",
        }
    }

    fn deadline(&self) -> Option<u64> {
        told::deadline(self.dispute)
    }

    /// Says who would lose if nothing happened until then.
    fn overdue(&self) -> &'static str {
        match self.dispute.to_move() {
            Some(Side::Challenger) => "the challenger loses after block",
            _ => "the asserter loses after block",
        }
    }
}

fn lines(dispute: &Dispute) -> Vec<Line> {
    let levels = walk::levels(dispute);
    let due = dispute.to_move() == Some(Side::Asserter);
    let mut before: Option<Stage> = None;
    let mut label = |stage: Stage| {
        let name = if before == Some(stage) { "" } else { parts::stage_name(&stage) };
        before = Some(stage);
        name
    };
    let end = match (&dispute.judged, &dispute.compared) {
        (None, None) if due => Below::Due,
        (None, None) => Below::Nothing,
        _ => Below::End,
    };
    let below = levels.iter().skip(1).map(Below::Level).chain([end]);
    let line = |(level, below): (&Level, Below<'_>)| Line {
        stage: label(level.stage),
        drawing: picture::level(level, below),
        named: level.says().unwrap_or_else(|| "not named yet".to_owned()),
        all: level.named.map(|_| level.all()),
        offers: format!("among {}", level.offers()),
    };
    let mut lines: Vec<Line> = levels.iter().zip(below).map(line).collect();
    if let Some(last) = dispute.moves.last().filter(|_| due) {
        lines.push(Line {
            stage: label(last.stage),
            drawing: picture::due(),
            named: "not revealed yet".to_owned(),
            all: None,
            offers: "the asserter is to move".to_owned(),
        });
    }
    lines
}

/// Answers with the list of disputes, newest first.
pub(crate) async fn list(From(state): From<State>, Query(window): Query<Window>) -> Response {
    let view = state.view();
    let before = window.before().unwrap_or(u64::MAX);
    let mut disputes: Vec<&Dispute> =
        view.disputes.iter().rev().filter(|one| one.id < before).take(ROWS + 1).collect();
    let more = disputes.len() > ROWS;
    disputes.truncate(ROWS);
    let older = disputes.last().filter(|_| more).map(|dispute| dispute.id);
    let frame = Frame::new(&view, "disputes", window.path("/disputes"));
    page(StatusCode::OK, &List { frame, disputes, older, newest: window.before().is_none() })
}

/// Says which disputes there are.
fn hint(view: &View) -> String {
    match (view.disputes.first(), view.disputes.last()) {
        (Some(first), Some(last)) => {
            format!("There are disputes {} to {}.", format::count(first.id), format::count(last.id))
        }
        _ => "Nobody has challenged a claim yet.".to_owned(),
    }
}

/// Answers with one dispute.
pub(crate) async fn show(From(state): From<State>, Path(id): Path<String>) -> Response {
    let view = state.view();
    let Some(dispute) = id.parse().ok().and_then(|id| view.dispute(id)) else {
        return missing::show(&view, "disputes", &format!("no dispute {id}"), hint(&view));
    };
    let frame = Frame::new(&view, "disputes", format!("/disputes/{}", dispute.id));
    let (rows, lines) = (told::rows(dispute), lines(dispute));
    page(StatusCode::OK, &Show { frame, dispute, rows, lines })
}
