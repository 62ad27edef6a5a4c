//! Models as exporters write them.
//!
//! `models` runs what PyTorch exported and compares with PyTorch, `nodes` compares single nodes
//! with ONNX's reference evaluator, `refusals` reads what is wrong or malformed.

mod files;
mod models;
mod nodes;
mod refusals;
