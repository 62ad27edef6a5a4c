//! Pictures with labels, and how they are split over nodes.
//!
//! MNIST's test half in its own format: 10,000 digits, of which the first 8,000 train and the last
//! 2,000 test; pixels are means of 2 x 2, so 14 x 14 numbers from 0 to 1, and a 1 for the constant.
//!
//! *Invariant: every example of the training part is some node's, and no node is without one.*
//! Absent: the training half of MNIST; figures say so.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, ensure};
use flate2::read::GzDecoder;
use laws::dice::Dice;

use crate::chance;

/// Classes of every data set here.
pub const CLASSES: usize = 10;

/// Examples: inputs row by row, the last of each the constant 1, and labels below [`CLASSES`].
#[derive(Clone, Debug)]
pub struct Examples {
    /// Numbers an example.
    pub width: usize,
    /// All inputs, example by example.
    pub inputs: Vec<f32>,
    /// Labels.
    pub labels: Vec<usize>,
}

/// A data set.
#[derive(Clone, Debug)]
pub struct Data {
    /// What nodes train on.
    pub train: Examples,
    /// What the model is measured on.
    pub test: Examples,
}

/// How examples are split over nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Split {
    /// At random.
    Iid,
    /// Each label by shares drawn from a Dirichlet distribution with parameter one half.
    Dirichlet,
    /// Node i has label i mod 10 and no other.
    OneLabel,
}

impl Split {
    /// Returns the name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Split::Iid => "iid",
            Split::Dirichlet => "Dirichlet 0.5",
            Split::OneLabel => "one label a node",
        }
    }

    /// Returns each node's examples.
    #[must_use]
    pub fn deal(self, labels: &[usize], nodes: usize, dice: &mut Dice) -> Vec<Vec<usize>> {
        let mut hands = vec![Vec::new(); nodes];
        let mut all: Vec<usize> = (0..labels.len()).collect();
        chance::shuffle(dice, &mut all);
        if self == Split::Iid {
            all.iter().enumerate().for_each(|(at, example)| hands[at % nodes].push(*example));
            return hands;
        }
        for label in 0..CLASSES {
            let mine: Vec<usize> =
                all.iter().copied().filter(|example| labels[*example] == label).collect();
            match self {
                Split::OneLabel => {
                    let holders: Vec<usize> = (label..nodes).step_by(CLASSES).collect();
                    for (at, example) in mine.iter().enumerate() {
                        hands[holders[at % holders.len()]].push(*example);
                    }
                }
                _ => {
                    let shares = chance::dirichlet(dice, nodes);
                    for example in mine {
                        let mut left = chance::uniform(dice);
                        let passed = |share: &&f64| {
                            left -= **share;
                            left >= 0.0
                        };
                        let node = shares.iter().take_while(passed).count();
                        hands[node.min(nodes - 1)].push(example);
                    }
                }
            }
        }
        // A hand that chance left empty takes one from the next that has two.
        for node in 0..nodes {
            if hands[node].is_empty() {
                let rich = (0..nodes).max_by_key(|node| hands[*node].len()).unwrap_or(node);
                let one = hands[rich].pop();
                hands[node].extend(one);
            }
        }
        hands
    }
}

impl Examples {
    /// Returns the inputs of one example.
    #[must_use]
    pub fn input(&self, example: usize) -> &[f32] {
        &self.inputs[example * self.width..][..self.width]
    }
}

/// Reads the digits from a folder.
///
/// # Errors
///
/// If a file is missing or is not what its first bytes say.
pub fn mnist(folder: &Path) -> anyhow::Result<Data> {
    const SIDE: usize = 28;
    const COUNT: usize = 10_000;
    let images = unpack(&folder.join("t10k-images-idx3-ubyte.gz"))?;
    let labels = unpack(&folder.join("t10k-labels-idx1-ubyte.gz"))?;
    ensure!(images.len() == 16 + COUNT * SIDE * SIDE, "the images are not 10,000 of 28 x 28");
    ensure!(labels.len() == 8 + COUNT, "the labels are not 10,000");
    let (images, labels) = (&images[16..], &labels[8..]);
    ensure!(labels.iter().all(|label| usize::from(*label) < CLASSES), "a label is above 9");
    let example = |image: &[u8]| {
        let mut pixels = Vec::with_capacity(SIDE * SIDE / 4 + 1);
        for row in (0..SIDE).step_by(2) {
            for column in (0..SIDE).step_by(2) {
                let at = |down: usize, right: usize| {
                    f32::from(image[(row + down) * SIDE + column + right])
                };
                pixels.push((at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 1020.0);
            }
        }
        pixels.push(1.0);
        pixels
    };
    let all: Vec<Vec<f32>> = images.chunks(SIDE * SIDE).map(example).collect();
    let part = |range: std::ops::Range<usize>| Examples {
        width: all[0].len(),
        inputs: all[range.clone()].concat(),
        labels: labels[range].iter().map(|label| usize::from(*label)).collect(),
    };
    Ok(Data { train: part(0..8_000), test: part(8_000..COUNT) })
}

/// Returns a small data set for tests: ten clouds around random centres.
#[must_use]
pub fn clouds(width: usize, train: usize, test: usize) -> Data {
    let mut dice = Dice::new(0x00c1_00d5);
    let centre = |dice: &mut Dice| (0..width - 1).map(|_| chance::normal(dice)).collect();
    let centres: Vec<Vec<f64>> = (0..CLASSES).map(|_| centre(&mut dice)).collect();
    let mut draw = |count: usize| {
        let (mut inputs, mut labels) = (Vec::new(), Vec::new());
        for example in 0..count {
            let label = example % CLASSES;
            for x in &centres[label] {
                let x = 0.5 * x + 0.3 * chance::normal(&mut dice);
                inputs.push(tensor::scalar::f64_to_f32(x));
            }
            inputs.push(1.0);
            labels.push(label);
        }
        Examples { width, inputs, labels }
    };
    Data { train: draw(train), test: draw(test) }
}

fn unpack(path: &Path) -> anyhow::Result<Vec<u8>> {
    let advice = || format!("{} is missing; name the folder of MNIST's test half", path.display());
    let file = std::fs::File::open(path).with_context(advice)?;
    let mut bytes = Vec::new();
    GzDecoder::new(file).read_to_end(&mut bytes)?;
    Ok(bytes)
}
