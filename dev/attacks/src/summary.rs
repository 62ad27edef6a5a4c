//! What a table of fights says, as Markdown.
//!
//! *Invariant: the worst cell is by the mean of the last iterates.*
//! Absent: a verdict that a reader could not make from the numbers beside it.

use std::fmt::Write;

use crate::data::Split;
use crate::fight::Outcome;
use crate::recipes::RECIPES;
use crate::table::{Cell, Kind};

/// A mean with its standard error.
#[derive(Clone, Copy, Debug)]
struct Mean {
    value: f64,
    error: f64,
}

#[expect(clippy::cast_precision_loss, reason = "a few seeds")]
fn mean(outcomes: &[Outcome], of: fn(&Outcome) -> f64) -> Mean {
    let count = outcomes.len() as f64;
    let value = outcomes.iter().map(of).sum::<f64>() / count;
    let apart = outcomes.iter().map(|o| (of(o) - value) * (of(o) - value)).sum::<f64>();
    let error = if count > 1.0 { (apart / (count - 1.0) / count).sqrt() } else { 0.0 };
    Mean { value, error }
}

fn last(outcomes: &[Outcome]) -> Mean {
    mean(outcomes, |o| o.last)
}

fn percent(x: f64) -> String {
    format!("{:.1}", 100.0 * x)
}

/// Returns all tables of some cells.
///
/// # Errors
///
/// Never but for want of memory.
pub fn text(cells: &[Cell]) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    for task in [Kind::Digits, Kind::Volatility] {
        let mine: Vec<Cell> = cells.iter().filter(|cell| cell.task == task).cloned().collect();
        if mine.is_empty() {
            continue;
        }
        writeln!(out, "\n{}\n", unit(task))?;
        tables(&mut out, &mine)?;
    }
    Ok(out)
}

/// What the numbers of a task are.
fn unit(task: Kind) -> &'static str {
    match task {
        Kind::Digits => "Digits: accuracy of the last model / of the best, per cent.",
        Kind::Volatility => {
            "Volatility: by how much the last model's QLIKE / the best one's is below that of the \
             average of 22 days, in hundredths; below 0 is worse than no training."
        }
    }
}

/// All tables of one task.
fn tables(out: &mut String, cells: &[Cell]) -> std::fmt::Result {
    let mut fields: Vec<(Split, usize)> = Vec::new();
    for cell in cells {
        if !fields.contains(&(cell.split, cell.liars)) {
            fields.push((cell.split, cell.liars));
        }
    }
    worst(out, cells, &fields)?;
    beside(out, cells)?;
    if let Some(best) = best(cells, &fields) {
        writeln!(out, "\nThe best worst cell has: {best}\n")?;
        whole(out, cells, &fields, best)?;
    }
    Ok(())
}

/// The worst cell of each rule in each field.
fn worst(out: &mut String, cells: &[Cell], fields: &[(Split, usize)]) -> std::fmt::Result {
    write!(out, "| rule |")?;
    for (split, liars) in fields {
        write!(out, " {}, {liars} lie |", split.name())?;
    }
    writeln!(out, " worst of all | byzfl's |\n|---|{}---|---|", "---|".repeat(fields.len()))?;
    for (rule, ..) in RECIPES {
        let mine: Vec<&Cell> = cells.iter().filter(|cell| cell.rule == rule).collect();
        if mine.is_empty() {
            continue;
        }
        write!(out, "| {rule} |")?;
        for field in fields {
            let here = mine.iter().filter(|cell| (cell.split, cell.liars) == *field);
            match lowest(here.copied()) {
                Some(cell) => {
                    let best = mean(&cell.ours, |o| o.best).value;
                    let (now, best) = (percent(last(&cell.ours).value), percent(best));
                    write!(out, " {now} / {best} {} |", cell.attack)?;
                }
                None => write!(out, " – |")?,
            }
        }
        let all = lowest(mine.iter().copied()).map_or(0.0, |cell| last(&cell.ours).value);
        let peers = mine.iter().filter(|cell| !cell.peers.is_empty());
        let peers = peers.map(|cell| last(&cell.peers).value).reduce(f64::min);
        let peers = peers.map_or_else(|| "–".to_owned(), percent);
        writeln!(out, " {} | {peers} |", percent(all))?;
    }
    Ok(())
}

fn lowest<'a>(cells: impl Iterator<Item = &'a Cell>) -> Option<&'a Cell> {
    cells.min_by(|a, b| last(&a.ours).value.total_cmp(&last(&b.ours).value))
}

/// How far our rules are from byzfl's of the same name.
fn beside(out: &mut String, cells: &[Cell]) -> std::fmt::Result {
    let both: Vec<&Cell> = cells.iter().filter(|cell| !cell.peers.is_empty()).collect();
    if both.is_empty() {
        return Ok(());
    }
    let apart = |cell: &Cell| (last(&cell.ours).value - last(&cell.peers).value).abs();
    let error = |cell: &Cell| last(&cell.peers).error;
    let out_of: Vec<&&Cell> = both.iter().filter(|cell| apart(cell) > error(cell)).collect();
    let below = out_of.iter().filter(|c| last(&c.ours).value < last(&c.peers).value).count();
    writeln!(
        out,
        "\nOf {} cells, {} are more than one standard error of byzfl's from byzfl's; ours is the \
         lower in {below} of them.",
        both.len(),
        out_of.len(),
    )?;
    let mut far = out_of;
    far.sort_by(|a, b| apart(b).total_cmp(&apart(a)));
    for cell in far.iter().take(12) {
        writeln!(
            out,
            "- {}, {}, {}, {} lie: {} against {} ± {}",
            cell.rule,
            cell.attack,
            cell.split.name(),
            cell.liars,
            percent(last(&cell.ours).value),
            percent(last(&cell.peers).value),
            percent(error(cell)),
        )?;
    }
    Ok(())
}

/// The rule whose worst cell is best, among those that have every field; nothing while the fights
/// are not over, since one that was spared some would look the better for it.
fn best(cells: &[Cell], fields: &[(Split, usize)]) -> Option<&'static str> {
    if !is_over(cells, fields) {
        return None;
    }
    let worst = |rule: &str| {
        let mine = || cells.iter().filter(move |cell| cell.rule == rule);
        let whole = fields.iter().all(|field| mine().any(|c| (c.split, c.liars) == *field));
        lowest(mine()).filter(|_| whole).map(|cell| last(&cell.ours).value)
    };
    let ranked = RECIPES.iter().filter_map(|(rule, ..)| Some((*rule, worst(rule)?)));
    ranked.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(rule, _)| rule)
}

/// Whether each field was fought by more than half of the rules, by each against as many attacks.
fn is_over(cells: &[Cell], fields: &[(Split, usize)]) -> bool {
    let of = |rule: &str, field: (Split, usize)| {
        let mine = |cell: &&Cell| cell.rule == rule && (cell.split, cell.liars) == field;
        cells.iter().filter(mine).count()
    };
    let counts = |field: (Split, usize)| RECIPES.iter().map(move |(rule, ..)| of(rule, field));
    let most = fields.iter().flat_map(|field| counts(*field)).max();
    let rules = RECIPES.iter().filter(|(rule, ..)| cells.iter().any(|cell| cell.rule == *rule));
    let rules = rules.count();
    fields.iter().all(|field| {
        let fought: Vec<usize> = counts(*field).filter(|count| *count > 0).collect();
        2 * fought.len() > rules && fought.iter().all(|count| Some(*count) == most)
    })
}

/// Every attack on one rule.
fn whole(
    out: &mut String,
    cells: &[Cell],
    fields: &[(Split, usize)],
    rule: &str,
) -> std::fmt::Result {
    write!(out, "| {rule} |")?;
    for (split, liars) in fields {
        write!(out, " {}, {liars} lie |", split.name())?;
    }
    writeln!(out, "\n|---|{}", "---|".repeat(fields.len()))?;
    for (attack, _) in crate::attack::ATTACKS {
        let mine: Vec<&Cell> =
            cells.iter().filter(|cell| (cell.rule, cell.attack) == (rule, attack)).collect();
        if mine.is_empty() {
            continue;
        }
        write!(out, "| {attack} |")?;
        for field in fields {
            match mine.iter().find(|cell| (cell.split, cell.liars) == *field) {
                Some(cell) => {
                    let (last, best) = (last(&cell.ours), mean(&cell.ours, |o| o.best).value);
                    let (value, error) = (percent(last.value), percent(last.error));
                    write!(out, " {value} ± {error} / {} |", percent(best))?;
                }
                None => write!(out, " – |")?,
            }
        }
        writeln!(out)?;
    }
    Ok(())
}
