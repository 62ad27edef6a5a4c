//! The small pieces of HTML that every page is made of: hashes, amounts, links, badges.
//!
//! Each returns [`Html`], which templates print as it is; so every text that enters one goes
//! through [`text`] first.
//! Invariant: a shortened or rounded value carries the exact one in its tooltip, and an amount
//! carries its unit.

mod court;

use crate::bars;
use crate::format::{self, ABSENT};
use crate::view::{
    Account, Address, Field, Hash, Oracle, Party, Phase, Report, TxStatus, Verdict, View, Wad,
    Worth,
};
use askama::filters::HtmlSafe;
pub(crate) use court::*;
use std::fmt;

/// Text that is already HTML.
#[derive(Clone, Debug)]
pub(crate) struct Html(String);

impl Html {
    /// Takes text that its writer knows to be HTML with every foreign part escaped.
    pub(crate) fn trusted(html: String) -> Html {
        Html(html)
    }

    /// Takes any text, and escapes it.
    pub(crate) fn plain(raw: &str) -> Html {
        Html(text(raw))
    }

    /// Takes any text, escapes it, and sets it as code.
    pub(crate) fn code(raw: &str) -> Html {
        Html(format!("<code class=\"op\">{}</code>", text(raw)))
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}

/// Most characters of a stranger's text or of calldata that a page prints.
const TEXT_MAX: usize = 96;

/// Escapes text for the inside of an element or of a quoted attribute.
pub(crate) fn text(raw: &str) -> String {
    let mut safe = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

/// Returns a stranger's text: no control or direction-changing characters, and not endless.
pub(crate) fn foreign(raw: &str) -> Html {
    let plain = |c: char| {
        let unseen = ['\u{200b}'..='\u{200f}', '\u{202a}'..='\u{202e}', '\u{2060}'..='\u{2069}'];
        if c.is_control() || c == '\u{feff}' || unseen.iter().any(|range| range.contains(&c)) {
            '\u{fffd}'
        } else {
            c
        }
    };
    let mut shown: String = raw.chars().take(TEXT_MAX).map(plain).collect();
    if raw.chars().nth(TEXT_MAX).is_some() {
        shown.push('…');
    }
    Html(format!("<span class=\"foreign\">{}</span>", text(&shown)))
}

pub(crate) fn absent(words: &str) -> Html {
    Html(format!("<span class=\"absent\">{}</span>", text(words)))
}

fn copyable(short: &str, full: &str, link: Option<&str>) -> Html {
    let inner = match link {
        Some(link) => format!("<a href=\"{link}\" title=\"{full}\">{short}</a>"),
        None => format!("<code title=\"{full}\">{short}</code>"),
    };
    Html(format!(
        "<span class=\"hash\">{inner}<button type=\"button\" class=\"copy\" data-copy=\"{full}\" \
         aria-label=\"Copy {short}\" title=\"Copy\"></button></span>"
    ))
}

/// Returns a hash, short, with the full one on hover and by a button.
pub(crate) fn hash(hash: &Hash) -> Html {
    copyable(&hash.short(), &hash.to_string(), None)
}

/// Returns a hash in full, with the button.
pub(crate) fn hash_full(hash: &Hash) -> Html {
    let Html(inner) = copyable(&hash.to_string(), &hash.to_string(), None);
    Html(format!("<span class=\"full\">{inner}</span>"))
}

/// Returns a hash, or what to say while there is none.
pub(crate) fn hash_or(known: &Option<Hash>, words: &str) -> Html {
    known.as_ref().map_or_else(|| absent(words), hash)
}

/// Returns an address, short, with the full one on hover and by a button.
pub(crate) fn address(address: &Address) -> Html {
    copyable(&address.short(), &address.to_string(), None)
}

/// Returns a link to a transaction, short, with the full hash on hover and by a button.
pub(crate) fn tx(hash: &Hash) -> Html {
    copyable(&hash.short(), &hash.to_string(), Some(&format!("/tx/{hash}")))
}

/// Returns a link to a transaction, or a dash.
pub(crate) fn tx_or(known: &Option<Hash>) -> Html {
    known.as_ref().map_or_else(|| absent(ABSENT), tx)
}

/// Returns what an address is known as, with the address.
pub(crate) fn party(party: &Party) -> Html {
    if party.label.is_empty() {
        return address(&party.address);
    }
    Html(format!("<span class=\"party\">{}</span> {}", text(&party.label), address(&party.address)))
}

/// Returns a link to a block.
pub(crate) fn block(number: &u64) -> Html {
    Html(format!("<a href=\"/blocks/{number}\">{}</a>", format::count(*number)))
}

/// Returns a link to a block, or what to say while there is none.
pub(crate) fn block_or(known: &Option<u64>, words: &str) -> Html {
    known.as_ref().map_or_else(|| absent(words), block)
}

/// Returns a link to a round.
pub(crate) fn round(number: &u64) -> Html {
    Html(format!("<a href=\"/rounds/{number}\">{}</a>", format::count(*number)))
}

/// Returns a link to a round, or a dash.
pub(crate) fn round_or(known: &Option<u64>) -> Html {
    known.as_ref().map_or_else(|| absent(ABSENT), round)
}

/// Returns a link to a node by its name.
pub(crate) fn node(index: &u32, name: &str) -> Html {
    let name = if name.is_empty() { format!("node {index}") } else { text(name) };
    Html(format!("<a href=\"/nodes/{index}\">{name}</a>"))
}

/// Returns a link to the node at this index under its name in the view.
pub(crate) fn node_of(view: &View, index: &u32) -> Html {
    node(index, view.node(*index).map_or("", |node| &node.name))
}

/// Returns a label the serving process vouches for, or nothing.
pub(crate) fn label(label: &Option<String>) -> Html {
    match label {
        Some(label) => Html(format!("<span class=\"badge note\">{}</span>", text(label))),
        None => Html(String::new()),
    }
}

/// Returns a rounded amount with its unit, exact on hover.
pub(crate) fn amount(amount: &Wad, places: usize, unit: &str) -> Html {
    let (unit, shown) = (text(unit), amount.rounded(places));
    Html(format!(
        "<span class=\"amount\" title=\"{amount} {unit}\">{shown} \
         <span class=\"unit\">{unit}</span></span>"
    ))
}

/// Returns a rounded amount with its unit, or what to say while there is none.
pub(crate) fn amount_or(known: &Option<Wad>, places: usize, unit: &str, words: &str) -> Html {
    known.as_ref().map_or_else(|| absent(words), |known| amount(known, places, unit))
}

/// Returns what rows were worth beside what they were paid, and nothing where that is not scored.
pub(crate) fn worth(known: &Option<Worth>, unit: &str) -> Html {
    let Some(Worth { score, burnt }) = known else { return Html(String::new()) };
    let lost = if *burnt == Wad::ZERO {
        String::new()
    } else {
        format!("{} burnt, ", amount(burnt, 2, unit).0)
    };
    Html(format!(" <span class=\"aside\">({lost}worth {score:+.4})</span>"))
}

/// Returns a fraction in per cent, exact on hover.
pub(crate) fn percent(fraction: &Wad) -> Html {
    Html(format!(
        "<span class=\"amount\" title=\"{fraction} of notional\">{} \
         <span class=\"unit\">%</span></span>",
        fraction.percent(2)
    ))
}

/// Returns a fraction in per cent, or what to say while there is none.
pub(crate) fn percent_or(known: &Option<Wad>, words: &str) -> Html {
    known.as_ref().map_or_else(|| absent(words), percent)
}

/// Returns a loss, exact on hover, or what to say while there is none.
pub(crate) fn loss_or(known: &Option<f64>, words: &str) -> Html {
    match known {
        Some(loss) => Html(format!("<span title=\"{loss}\">{}</span>", format::decimal(*loss, 4))),
        None => absent(words),
    }
}

/// Returns the name of a phase as a badge.
pub(crate) fn phase(phase: &Phase) -> Html {
    let class = match phase {
        Phase::Settled => "good",
        Phase::Voided => "bad",
        _ => "live",
    };
    Html(format!("<span class=\"badge {class}\">{}</span>", phase_name(phase)))
}

/// Returns the name of a phase.
pub(crate) fn phase_name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Open => "open",
        Phase::Commit => "commit",
        Phase::Reveal => "reveal",
        Phase::Aggregate => "aggregate",
        Phase::Settled => "settled",
        Phase::Voided => "voided",
    }
}

/// Returns a seat's verdict as a badge that does not rest on colour alone.
pub(crate) fn verdict(verdict: &Option<Verdict>) -> Html {
    Html(match verdict {
        Some(Verdict::Accepted) => "<span class=\"badge good\">✓ accepted</span>".to_owned(),
        Some(Verdict::Rejected) => "<span class=\"badge bad\">✕ rejected</span>".to_owned(),
        None => return absent("not judged yet"),
    })
}

/// Returns the outcome of a transaction as a badge.
pub(crate) fn tx_status(status: &TxStatus) -> Html {
    Html(match status {
        TxStatus::Ok => "<span class=\"badge good\">✓ succeeded</span>".to_owned(),
        TxStatus::Reverted(why) if why.is_empty() => {
            "<span class=\"badge bad\">✕ reverted</span>".to_owned()
        }
        TxStatus::Reverted(why) => {
            format!("<span class=\"badge bad\">✕ reverted</span> <code>{}</code>", text(why))
        }
    })
}

/// Returns whether a node answers.
pub(crate) fn alive(alive: &Option<bool>) -> Html {
    Html(match alive {
        Some(true) => "<span class=\"badge good\">● up</span>".to_owned(),
        Some(false) => "<span class=\"badge bad\">○ down</span>".to_owned(),
        None => return absent("not asked"),
    })
}

/// Returns a decoded value: hashes and addresses can be copied, numbers are grouped, the endless is
/// cut.
pub(crate) fn value(field: &Field) -> Html {
    if let Ok(known) = field.value.parse::<Hash>() {
        return hash(&known);
    }
    if let Ok(known) = field.value.parse::<Address>() {
        return address(&known);
    }
    if field.kind.starts_with("uint")
        && let Ok(number) = field.value.parse::<u128>()
    {
        return Html(format!("<span title=\"{number}\">{}</span>", format::thousands(number)));
    }
    let length = field.value.chars().count();
    let Html(shown) = foreign(&field.value);
    if length > TEXT_MAX {
        let length = format::count(length as u64);
        return Html(format!("{shown} <span class=\"absent\">{length} characters in all</span>"));
    }
    Html(shown)
}

/// Returns how an account stands towards its margins, as a badge.
pub(crate) fn health(account: &Account) -> Html {
    Html(if account.equity < account.maintenance {
        "<span class=\"badge bad\">✕ under maintenance</span>".to_owned()
    } else if account.equity < account.initial {
        "<span class=\"badge warn\">! under initial</span>".to_owned()
    } else {
        "<span class=\"badge good\">✓ above initial</span>".to_owned()
    })
}

/// Returns a number with commas, or what to say while there is none.
pub(crate) fn count_or(known: &Option<u64>, words: &str) -> Html {
    known.map_or_else(|| absent(words), |known| Html(format::count(known)))
}

/// Returns a number with commas.
pub(crate) fn count(number: &u64) -> String {
    format::count(*number)
}

/// Returns the day of these Unix seconds.
pub(crate) fn date(seconds: &i64) -> String {
    format::date(*seconds)
}

/// Returns day and time of these Unix seconds.
pub(crate) fn date_time(seconds: &i64) -> String {
    format::date_time(*seconds)
}

/// Returns a float with this many decimals.
pub(crate) fn decimal(value: &f64, places: usize) -> String {
    format::decimal(*value, places)
}

/// Returns a parameter of a model.
pub(crate) fn single(value: &f32) -> String {
    format::decimal(f64::from(*value), 6)
}

/// Returns the distance beyond which an update is rejected.
pub(crate) fn limit() -> String {
    format::decimal(bars::DISTANCE_MAX, 0)
}

/// Returns how often a node or a round met a rejection; any at all stands out.
pub(crate) fn rejections(number: &usize) -> Html {
    let class = if *number > 0 { "bad" } else { "none" };
    Html(format!("<span class=\"{class}\">{number}</span>"))
}

/// Returns the last report, if there is one.
pub(crate) fn last_report(oracle: &Oracle) -> Option<&Report> {
    oracle.reports.last()
}
