//! A whole surface: every expiry fitted, then made consistent, each with its certificate.
//!
//! Nearest first. A slice whose density is not certified is fitted again under guard. A pair whose
//! order is not certified is mended where it costs less: the later one is lifted over the earlier,
//! or the earlier one kept under the later. What cannot be mended is left out, and said so.

use super::Svi;
use super::certify::{Certificate, certify};
use super::fit::{Slice, fit, target};
use super::guard::{Limits, error, guarded};
use super::inner::Target;

/// How much a broken limit counts, tried in turn.
const WEIGHTS: [f64; 3] = [1e4, 1e6, 1e8];

/// A fitted and certified expiry.
///
/// ```
/// let none: Vec<Option<market::surface::Fitted>> = market::surface::fit_all(&[], &[]);
/// assert!(none.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The slice.
    pub svi: Svi,
    /// What is certain of it.
    pub certificate: Certificate,
    /// Whether the plain fit was certified as it was.
    pub plain: bool,
}

/// One expiry on its way.
struct Work<'a> {
    index: usize,
    slice: &'a Slice,
    target: Target,
    fitted: Fitted,
}

/// Returns each expiry's slice with its certificate, or `None` where there are fewer than 6 points
/// or no slice without arbitrage was found. `slices` are nearest first; `before` is what was fitted
/// a moment ago, or empty.
///
/// Every certificate that is returned holds.
///
/// ```
/// use market::surface::{Point, Slice, fit_all};
/// let points = (-5..=5).map(|i| {
///     let k = 0.1 * f64::from(i);
///     Point { k, bid: 0.5 + 0.1 * k * k, ask: 0.51 + 0.1 * k * k }
/// });
/// let slices = [Slice { years: 0.25, points: points.collect() }];
/// let fitted = fit_all(&slices, &[]);
/// assert!(fitted[0].as_ref().is_some_and(|f| f.certificate.holds()));
/// ```
#[must_use]
pub fn fit_all(slices: &[Slice], before: &[Option<Svi>]) -> Vec<Option<Fitted>> {
    let mut done: Vec<Work<'_>> = Vec::new();
    for (index, slice) in slices.iter().enumerate() {
        let warm = before.get(index).and_then(Option::as_ref);
        let (Some(svi), Some(target)) = (fit(slice, warm), target(slice)) else { continue };
        let certificate = certify(&svi, done.last().map(|work| &work.fitted.svi));
        let fitted = Fitted { svi, certificate, plain: true };
        let mut work = Work { index, slice, target, fitted };
        if work.fitted.certificate.holds() || mend(&mut done, &mut work) {
            done.push(work);
        }
    }
    let mut all: Vec<Option<Fitted>> = slices.iter().map(|_| None).collect();
    for work in done {
        all[work.index] = Some(work.fitted);
    }
    all
}

/// Makes a new slice certain, by changing it or the one before; says whether that was possible.
fn mend(done: &mut [Work<'_>], work: &mut Work<'_>) -> bool {
    let before = done.last().map(|work| work.fitted.svi);
    let lifted = refit(work, Limits { below: before.as_ref(), above: None }, before.as_ref());
    let lowered = lower(done, work);
    let cost = |work: &Work<'_>, svi: &Svi| error(work.slice, &work.target, svi);
    let own = cost(work, &work.fitted.svi);
    match (lifted, lowered) {
        (Some(lifted), Some((under, over))) => {
            let last = done.last_mut().expect("something was lowered");
            let rise = cost(work, &lifted.svi) - own;
            let fall = cost(last, &under.svi) - cost(last, &last.fitted.svi);
            if rise <= fall + cost(work, &over.svi) - own {
                work.fitted = lifted;
            } else {
                (last.fitted, work.fitted) = (under, over);
            }
        }
        (Some(lifted), None) => work.fitted = lifted,
        (None, Some((under, over))) => {
            done.last_mut().expect("something was lowered").fitted = under;
            work.fitted = over;
        }
        (None, None) => return false,
    }
    true
}

/// Keeps the last slice under the new one, if the new one is fine by itself or can be made so.
fn lower(done: &[Work<'_>], work: &Work<'_>) -> Option<(Fitted, Fitted)> {
    let (last, rest) = done.split_last()?;
    let alone = certify(&work.fitted.svi, None);
    let svi =
        if alone.holds() { work.fitted.svi } else { refit(work, Limits::default(), None)?.svi };
    let floor = rest.last().map(|work| work.fitted.svi);
    let limits = Limits { below: floor.as_ref(), above: Some(&svi) };
    let under = refit(last, limits, floor.as_ref())?;
    let certificate = certify(&svi, Some(&under.svi));
    let plain = work.fitted.plain && alone.holds();
    certificate.holds().then_some((under, Fitted { svi, certificate, plain }))
}

/// Fits under guard until it is certified against the slice before.
fn refit(work: &Work<'_>, limits: Limits<'_>, before: Option<&Svi>) -> Option<Fitted> {
    let mut svi = work.fitted.svi;
    for weight in WEIGHTS {
        svi = guarded((work.slice, &work.target), &svi, limits, weight);
        let certificate = certify(&svi, before);
        if certificate.holds() {
            return Some(Fitted { svi, certificate, plain: false });
        }
    }
    None
}
