//! What a node learns from: features and targets, padded to a public number of rows.

use tensor::Tensor;
use thiserror::Error;

/// Rows of every dataset's tensors. A longer history keeps its latest rows.
pub const ROWS: usize = 2_048;

/// One node's features and targets.
///
/// Features `x` f32\[[`ROWS`], p\] and targets `y` f32\[[`ROWS`]\], of which the first `count` rows
/// are data and the others zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    x: Tensor,
    y: Tensor,
    count: usize,
}

/// Why rows are no dataset.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DatasetError {
    /// No rows.
    #[error("a dataset needs at least one row")]
    Empty,
    /// As many targets as rows are needed.
    #[error("{rows} rows of features and {targets} targets")]
    Targets {
        /// Rows of features.
        rows: usize,
        /// Targets.
        targets: usize,
    },
    /// Every row has the same number of features, at least one.
    #[error("row {row} has {got} features, the first has {expected}")]
    Width {
        /// The row, from 0.
        row: usize,
        /// Features of the first row.
        expected: usize,
        /// Features of this row.
        got: usize,
    },
    /// Everything is finite, and targets are not negative.
    #[error("row {row} holds a number that is not finite, or a negative target")]
    Number {
        /// The row, from 0.
        row: usize,
    },
}

impl Dataset {
    /// Returns the dataset of the last [`ROWS`] of these rows, oldest first.
    ///
    /// # Errors
    ///
    /// [`DatasetError`] if there are no rows, counts differ, or a number is not finite.
    ///
    /// ```
    /// let data = learn::Dataset::new(&[vec![0.5, -1.0], vec![0.1, 0.2]], &[1.0, 2.0])?;
    /// assert_eq!((data.count(), data.width()), (2, 2));
    /// assert_eq!(data.x().as_f32().map(|x| x[3]), Some(0.2));
    /// # Ok::<(), learn::DatasetError>(())
    /// ```
    pub fn new(rows: &[Vec<f32>], targets: &[f32]) -> Result<Dataset, DatasetError> {
        let width = rows.first().ok_or(DatasetError::Empty)?.len();
        if rows.len() != targets.len() {
            return Err(DatasetError::Targets { rows: rows.len(), targets: targets.len() });
        }
        for (row, (features, target)) in rows.iter().zip(targets).enumerate() {
            if features.len() != width || width == 0 {
                return Err(DatasetError::Width {
                    row,
                    expected: width.max(1),
                    got: features.len(),
                });
            }
            if !features.iter().all(|x| x.is_finite()) || !target.is_finite() || *target < 0.0 {
                return Err(DatasetError::Number { row });
            }
        }
        let skipped = rows.len().saturating_sub(ROWS);
        let mut x: Vec<f32> = rows[skipped..].concat();
        let mut y = targets[skipped..].to_vec();
        let count = y.len();
        x.resize(ROWS * width, 0.0);
        y.resize(ROWS, 0.0);
        let (Ok(x), Ok(y)) = (Tensor::f32(&[ROWS, width], x), Tensor::f32(&[ROWS], y)) else {
            return Err(DatasetError::Empty);
        };
        Ok(Dataset { x, y, count })
    }

    /// Returns the features, f32\[[`ROWS`], width\].
    #[must_use]
    pub const fn x(&self) -> &Tensor {
        &self.x
    }

    /// Returns the targets, f32\[[`ROWS`]\].
    #[must_use]
    pub const fn y(&self) -> &Tensor {
        &self.y
    }

    /// Returns the first and the second half of the rows; nothing if there are fewer than two.
    ///
    /// ```
    /// let data = learn::Dataset::new(&[vec![0.5], vec![0.1], vec![0.2]], &[1.0, 2.0, 3.0])?;
    /// let [first, second] = data.halves().expect("three rows");
    /// assert_eq!((first.count(), second.count()), (1, 2));
    /// assert_eq!(second.y().as_f32().map(|y| y[1]), Some(3.0));
    /// # Ok::<(), learn::DatasetError>(())
    /// ```
    #[must_use]
    pub fn halves(&self) -> Option<[Dataset; 2]> {
        let rows = self.x.as_f32()?.chunks(self.width()).take(self.count);
        let rows: Vec<Vec<f32>> = rows.map(<[f32]>::to_vec).collect();
        let targets = self.y.as_f32()?.get(..self.count)?;
        let middle = self.count / 2;
        let first = Dataset::new(&rows[..middle], &targets[..middle]).ok()?;
        let second = Dataset::new(&rows[middle..], &targets[middle..]).ok()?;
        Some([first, second])
    }

    /// Returns how many rows are data.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Returns the number of features.
    #[must_use]
    pub fn width(&self) -> usize {
        self.x.shape().dims()[1]
    }
}
