//! Trainings as a caller sees them.
//!
//! `gradients` compares with finite differences, `steps` checks what a step does with a gradient,
//! `torch` compares with PyTorch on committed cases.

mod gradients;
mod samples;
mod steps;
mod torch;
