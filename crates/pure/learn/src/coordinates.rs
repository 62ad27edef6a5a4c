//! Which parameters a round's updates are about: one of every stretch, drawn from the round's key,
//! the same for all nodes.
//!
//! The parameters are cut into stretches of `stretch`; the last may be shorter. Element `i` of an
//! update is parameter `i · stretch + ⌊(w + 2^31) · stretch / 2^32⌋`, `w` being word `i` (an i32)
//! of stream 1 under the key ([`tensor::random::word`]). So the places ascend, a parameter is in an
//! update with one chance in `stretch` (to one part in 2^32 of it), whatever the stretch, and a
//! Program finds the places by itself from eight bytes. Beyond the last parameter an element stands
//! for nothing: honest nodes send 0 there, and whatever is there moves nothing.
//!
//! *Invariant: with a stretch of 1 an update is all parameters, and [`Drawn`] appends no op.*
//! Absent: coordinates that a node chooses: their median would be zero nearly everywhere, and they
//! could not be added in secret.

use tensor::{BuildError, Builder, Dtype, Value, random};

/// The longest stretch.
pub const STRETCH_MAX: usize = 65_536;

/// Stream of the words; training draws its batches from stream 0 of the same key.
const STREAM: u32 = 1;

/// Half the range of a word, and all of it.
const RANGE: (f64, f64) = (2_147_483_648.0, 4_294_967_296.0);

/// How many parameters there are, and how many of them an update has.
///
/// ```
/// use learn::Coordinates;
///
/// let few = Coordinates::new(100, 25);
/// assert_eq!((few.parameters(), few.count()), (100, 4));
/// let places = few.places([1, 2]);
/// assert!((0..4).all(|i| (25 * i..25 * i + 25).contains(&places[i])));
/// assert_eq!(Coordinates::from(3).places([1, 2]), [0, 1, 2]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coordinates {
    parameters: usize,
    stretch: usize,
}

impl From<usize> for Coordinates {
    /// All of so many parameters.
    fn from(parameters: usize) -> Coordinates {
        Coordinates { parameters, stretch: 1 }
    }
}

impl Coordinates {
    /// Returns one of every `stretch` of so many parameters.
    ///
    /// # Panics
    ///
    /// If the stretch is 0 or above [`STRETCH_MAX`].
    #[must_use]
    pub fn new(parameters: usize, stretch: usize) -> Coordinates {
        assert!((1..=STRETCH_MAX).contains(&stretch), "a stretch is 1 to {STRETCH_MAX}");
        Coordinates { parameters, stretch }
    }

    /// Returns the number of parameters.
    #[must_use]
    pub const fn parameters(&self) -> usize {
        self.parameters
    }

    /// Returns the number of elements of an update.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.parameters.div_ceil(self.stretch)
    }

    /// Returns the parameter of each element of an update, ascending; the last may lie beyond them.
    #[must_use]
    pub fn places(&self, key: [i32; 2]) -> Vec<usize> {
        let within = |word: i32| {
            let above = u64::from(word.cast_unsigned() ^ 0x8000_0000);
            usize::try_from((above * self.stretch as u64) >> 32).expect("below the stretch")
        };
        let words = (0_u64..).map(|element| random::word(key, STREAM, element));
        (0..self.count()).zip(words).map(|(i, word)| i * self.stretch + within(word)).collect()
    }

    /// Appends the ops that find the places from a round's tensor f64\[3\]: its budget, then the
    /// two words of its key.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if the operand has another type.
    ///
    /// ```
    /// use learn::Coordinates;
    /// use tensor::{Builder, Dtype, Tensor, eval};
    ///
    /// let (few, mut b) = (Coordinates::new(10, 4), Builder::new());
    /// let round = b.input(Dtype::F64, &[3])?;
    /// let params = b.input(Dtype::F32, &[10])?;
    /// let drawn = few.draw(&mut b, round)?;
    /// let picked = drawn.pick(&mut b, params)?;
    /// let program = b.finish(&[picked])?;
    /// let params = Tensor::f32(&[10], (0..10_u8).map(f32::from).collect())?;
    /// let outputs = eval(&program, &[Tensor::f64(&[3], vec![9.0, 1.0, 2.0])?, params])?;
    /// // The third place lies beyond the last parameter.
    /// let places = few.places([1, 2]);
    /// let expected = places.iter().map(|at| if *at < 10 { *at as f32 } else { 0.0 });
    /// assert_eq!(outputs[0].as_f32(), Some(&expected.collect::<Vec<_>>()[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn draw(self, b: &mut Builder, round: Value) -> Result<Drawn, BuildError> {
        if self.stretch == 1 {
            return Ok(Drawn { parameters: self.parameters, places: None });
        }
        let count = [self.count()];
        let key = b.slice(round, &[1], &[3])?;
        let key = b.convert(key, Dtype::I32)?;
        let words = b.random_bits(key, STREAM, &count)?;
        let words = b.convert(words, Dtype::F64)?;
        let stretch = f64::from(u32::try_from(self.stretch).expect("at most STRETCH_MAX"));
        let share = b.full(Dtype::F64, &count, stretch / RANGE.1)?;
        let half = b.full(Dtype::F64, &count, stretch * RANGE.0 / RANGE.1)?;
        // No step but the floor rounds: a word times a stretch has at most 48 bits.
        let within = b.fma(words, share, half)?;
        let within = b.floor(within)?;
        let within = b.convert(within, Dtype::I32)?;
        let index = b.iota(&count, 0)?;
        let stretch = b.full(Dtype::I32, &count, stretch)?;
        let start = b.mul(index, stretch)?;
        let places = b.add(start, within)?;
        Ok(Drawn { parameters: self.parameters, places: Some(places) })
    }
}

/// A round's coordinates in a Program.
#[derive(Clone, Copy, Debug)]
pub struct Drawn {
    parameters: usize,
    /// i32\[count\]; nothing where they are all.
    places: Option<Value>,
}

impl Drawn {
    /// Appends the coordinates of `x`, whose last axis are the parameters; +0 beyond them.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if a limit of Programs is broken.
    pub fn pick(&self, b: &mut Builder, x: Value) -> Result<Value, BuildError> {
        let axis = b.shape_of(x).dims().len() - 1;
        self.places.map_or(Ok(x), |places| b.gather(x, places, axis))
    }

    /// Appends the parameters of which `x` has the coordinates along its last axis; +0 elsewhere.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if a limit of Programs is broken.
    pub fn spread(&self, b: &mut Builder, x: Value) -> Result<Value, BuildError> {
        let axis = b.shape_of(x).dims().len() - 1;
        let spread = |places| b.scatter_add(x, places, axis, self.parameters);
        self.places.map_or(Ok(x), spread)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tensor::{Tensor, eval};

    use super::*;

    #[test]
    fn no_parameter_is_likelier_than_another() {
        // 10 parameters in stretches of 4: the last has two, and no places for the rest.
        let few = Coordinates::new(10, 4);
        let (rounds, mut counts) = (40_000_u32, [0_u32; 12]);
        for round in 0..rounds {
            few.places([round.cast_signed(), 7]).iter().for_each(|at| counts[*at] += 1);
        }
        for count in counts {
            // One in four; a standard deviation is 87.
            assert!(count.abs_diff(rounds / 4) < 500, "{counts:?}");
        }
    }

    proptest! {
        #[test]
        fn places_ascend_one_a_stretch_and_a_program_finds_the_same(
            (parameters, stretch) in (1_usize..200, prop_oneof![1_usize..60, Just(STRETCH_MAX)]),
            key: [i32; 2],
        ) {
            let coordinates = Coordinates::new(parameters, stretch);
            let places = coordinates.places(key);
            prop_assert_eq!(places.len(), parameters.div_ceil(stretch));
            for (i, place) in places.iter().enumerate() {
                prop_assert!((i * stretch..(i + 1) * stretch).contains(place));
            }

            let mut b = Builder::new();
            let round = b.input(Dtype::F64, &[3]).expect("an input");
            let x = b.input(Dtype::I32, &[2, parameters]).expect("an input");
            let y = b.input(Dtype::I32, &[coordinates.count()]).expect("an input");
            let drawn = coordinates.draw(&mut b, round).expect("within limits");
            let picked = drawn.pick(&mut b, x).expect("within limits");
            let spread = drawn.spread(&mut b, y).expect("within limits");
            let program = b.finish(&[picked, spread]).expect("within limits");
            let round = Tensor::f64(&[3], vec![0.5, key[0].into(), key[1].into()]).expect("three");
            let numbers = |count: usize| (1..).take(count).collect::<Vec<i32>>();
            let x = Tensor::i32(&[2, parameters], numbers(2 * parameters)).expect("two rows");
            let y = Tensor::i32(&[places.len()], numbers(places.len())).expect("one row");
            let got = eval(&program, &[round, x, y]).expect("its inputs");
            let number = |row: usize, at: usize| {
                let one = i32::try_from(row * parameters + at + 1).expect("small");
                if at < parameters { one } else { 0 }
            };
            let picked: Vec<i32> =
                (0..2).flat_map(|row| places.iter().map(move |at| number(row, *at))).collect();
            prop_assert_eq!(got[0].as_i32(), Some(&picked[..]));
            let mut spread = vec![0; parameters];
            for (value, at) in (1..).zip(&places) {
                if let Some(element) = spread.get_mut(*at) {
                    *element = value;
                }
            }
            prop_assert_eq!(got[1].as_i32(), Some(&spread[..]));
        }
    }
}
