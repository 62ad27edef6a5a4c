//! The crate's promises, checked through its public surface.
//!
//! `semantics` fixes what ops mean on worked cases, `gradients` compares derivatives with finite
//! differences, `encodings` feeds the decoder everything, `identity` pins hashes and trees,
//! `text` the listing.

mod encodings;
mod gradients;
mod identity;
mod samples;
mod semantics;
mod text;
