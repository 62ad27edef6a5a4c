//! Kernels against the reference interpreter, by `cargo xtask bench`.

fn main() {}
