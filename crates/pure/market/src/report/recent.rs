//! A report's market data: what is posted with it, as tensors and as bytes.
//!
//! *Invariant: whatever has the right lengths is read, and the Program is total.* Absent: whether
//! the data are right; they are the provider's word.

use learn::Model;
use tensor::{Dtype, ShapeError, Tensor};

use crate::Day;
use crate::risk::WINDOW;

const HOURS: f64 = 24.0;

/// The market's data of a report, as tensors: the days before it, and the day itself last.
///
/// ```
/// use market::{Date, Day, REPORT_DAYS, Recent};
/// let day = |i| Day {
///     date: Date::from_number(i), features: vec![0.0; 5], anchor: 1e-4, price: 50.0, walk: 1e-4,
///     ewma: 1e-4, proxy: 1e-4, ret: 0.01,
/// };
/// let before = [day(0), day(1)];
/// let recent = Recent::new(&before.iter().collect::<Vec<_>>(), &day(2))?;
/// let anchors = recent.tensors()[1].as_f64().unwrap_or(&[]);
/// assert_eq!(anchors.len(), REPORT_DAYS + 1);
/// assert_eq!(anchors[REPORT_DAYS - 3..], [0.0, 1e-4, 1e-4, 1e-4]); // none before the first
/// # Ok::<(), tensor::ShapeError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Recent(pub(super) [Tensor; 4]);

impl Recent {
    /// Returns the data of a day: `features f32[w + 1, p]`, `anchors f64[w + 1]`, what the days
    /// before brought, `f64[w, 2]` (variance, log return), and the age of the data, `f64[1]`.
    ///
    /// Of more days than a report looks back the last ones are taken; in place of days before the
    /// first stand zeros, which do not count. The age is in hours, beyond the longest pause between
    /// days that the window shows: a market that closes at the weekend is not stale on Mondays.
    ///
    /// # Errors
    ///
    /// [`ShapeError`] if days have different numbers of features.
    pub fn new(recent: &[&Day], day: &Day) -> Result<Recent, ShapeError> {
        let recent = &recent[recent.len().saturating_sub(WINDOW)..];
        let (width, none) = (day.features.len(), WINDOW - recent.len());
        let all = || recent.iter().copied().chain([day]);
        let mut features = vec![0.0; none * width];
        features.extend(all().flat_map(|day| day.features.iter().copied()));
        let mut anchors = vec![0.0; none];
        anchors.extend(all().map(|day| day.anchor));
        let mut outcomes = vec![0.0; none * 2];
        outcomes.extend(recent.iter().flat_map(|day| [day.proxy, day.ret]));
        Ok(Recent([
            Tensor::f32(&[WINDOW + 1, width], features)?,
            Tensor::f64(&[WINDOW + 1], anchors)?,
            Tensor::f64(&[WINDOW, 2], outcomes)?,
            Tensor::f64(&[1], vec![age_h(recent, day)])?,
        ]))
    }

    /// Reads the data of a model's report from the bytes of its tensors, little-endian; `None` if
    /// there are not four or one has another length.
    ///
    /// ```
    /// use learn::{Kind, Model};
    /// let model = Model::new(Kind::Har, &market::FEATURES);
    /// assert_eq!(market::Recent::from_bytes(&model, &[vec![], vec![], vec![]]), None);
    /// ```
    #[must_use]
    pub fn from_bytes(model: &Model, bytes: &[Vec<u8>]) -> Option<Recent> {
        let shapes = Recent::shapes(model);
        if bytes.len() != shapes.len() {
            return None;
        }
        let read = |((dtype, dims), bytes): (&(Dtype, Vec<usize>), &Vec<u8>)| {
            Tensor::from_bytes(*dtype, &tensor::Shape::new(dims).ok()?, bytes).ok()
        };
        let tensors: Option<Vec<Tensor>> = shapes.iter().zip(bytes).map(read).collect();
        Some(Recent(tensors?.try_into().ok()?))
    }

    /// Returns the types and shapes of the tensors, in order.
    ///
    /// ```
    /// use learn::{Kind, Model};
    /// let shapes = market::Recent::shapes(&Model::new(Kind::Har, &market::FEATURES));
    /// assert_eq!(shapes[0].1, [257, 5]);
    /// ```
    #[must_use]
    pub fn shapes(model: &Model) -> [(Dtype, Vec<usize>); 4] {
        [
            (Dtype::F32, vec![WINDOW + 1, model.width()]),
            (Dtype::F64, vec![WINDOW + 1]),
            (Dtype::F64, vec![WINDOW, 2]),
            (Dtype::F64, vec![1]),
        ]
    }

    /// Returns the tensors: features, anchors, outcomes, age.
    ///
    /// ```
    /// # use learn::{Kind, Model};
    /// # let model = Model::new(Kind::Har, &market::FEATURES);
    /// let zeros = [vec![0; 257 * 5 * 4], vec![0; 257 * 8], vec![0; 256 * 2 * 8], vec![0; 8]];
    /// let recent = market::Recent::from_bytes(&model, &zeros).expect("of these lengths");
    /// assert_eq!(recent.tensors()[2].shape().count(), 512);
    /// ```
    #[must_use]
    pub const fn tensors(&self) -> &[Tensor; 4] {
        &self.0
    }
}

/// Hours from the end of the last day to the beginning of this one, beyond the longest pause.
fn age_h(recent: &[&Day], day: &Day) -> f64 {
    let pause = |a: &Day, b: &Day| b.date.number().saturating_sub(a.date.number());
    let longest = recent.windows(2).map(|pair| pause(pair[0], pair[1])).max().unwrap_or(1);
    let now = recent.last().map_or(1, |last| pause(last, day));
    HOURS * f64::from(now.saturating_sub(longest).max(0))
}
