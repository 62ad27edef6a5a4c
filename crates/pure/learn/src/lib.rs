//! Models, losses and whole training steps, all as Programs.
//!
//! [`Training`] is any network with any loss and any optimiser, of one size and dtype: its whole
//! step is one Program.
//!
//! What rounds train today is narrower. A [`Model`] is a list of named parameters in one f32 vector
//! and a way to write its forward pass into a Program. [`Trainer`] holds the one Program that draws
//! a batch, takes the gradient and moves the parameters, and says what to feed it; who runs it
//! (`kernels`, or the reference) is the caller's choice. [`compress`] turns what was learnt into
//! the integers that are revealed, at the round's [`Coordinates`].
//!
//! *Invariant: the same configuration builds the same Program, hash for hash, on every node.* A
//! node's data enters as an input padded to [`ROWS`], so its size is no part of the Program.
//!
//! Absent: data (that is `market`), aggregation (that is `round`), and randomness other than the
//! seed a round hands in.

mod compression;
mod coordinates;
mod dataset;
mod evaluate;
mod layers;
mod loss;
mod model;
mod network;
mod optimiser;
mod privacy;
mod quantise;
mod step;
mod trainer;
mod training;

pub use compression::{Compression, ParseCompressionError};
pub use coordinates::{Coordinates, Drawn, STRETCH_MAX};
pub use dataset::{Dataset, DatasetError, ROWS};
pub use evaluate::{Evaluate, predict};
pub use loss::Loss;
pub use model::{Kind, Model, ParseKindError};
pub use network::{Activation, Encoder, Gru, Mlp, Network, Norm, Parameter, Start};
pub use optimiser::Optimiser;
pub use privacy::Mechanism;
pub use quantise::{SCALE, UPDATE_MAX, compress, quantise, step};
pub use step::{Schedule, run_program, step_program};
pub use trainer::{TrainError, Trained, Trainer};
pub use training::{ConfigError, Training};

#[cfg(test)]
mod tests;
