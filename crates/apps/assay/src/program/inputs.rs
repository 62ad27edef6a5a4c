//! Inputs from the command line: files, numbers written out, or random ones from a seed.
//!
//! *Invariant: a number is read in the dtype that the Program declares, so it is rounded once.*
//! Absent: conversion of files, names of inputs (a Program numbers them).

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use tensor::{Dtype, InputType, Program, Tensor, random::philox};

use super::{npy, type_name};

/// The inputs of a run.
#[derive(Debug, clap::Args)]
pub(crate) struct Given {
    /// An input by its number: a file (.npy, .bin with raw little-endian elements, .json, .csv) or
    /// numbers written out, such as 0=[1,2,3]; 0x… gives the bits of one.
    #[arg(long = "input", value_name = "INDEX=VALUE")]
    inputs: Vec<String>,
    /// Fill the inputs that are not given with random values: floats in -1..1, i32 in 0..100.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

impl Given {
    /// Whether there is anything to run on.
    pub(crate) fn any(&self) -> bool {
        self.seed.is_some() || !self.inputs.is_empty()
    }

    /// Returns the Program's inputs, in order.
    pub(crate) fn tensors(&self, program: &Program) -> anyhow::Result<Vec<Tensor>> {
        let mut found: Vec<Option<Tensor>> = vec![None; program.inputs().len()];
        for given in &self.inputs {
            let (index, value) = given
                .split_once('=')
                .with_context(|| format!("--input {given:?} is to read INDEX=VALUE"))?;
            let index: usize = index
                .parse()
                .with_context(|| format!("--input {given:?}: inputs have numbers, from 0 on"))?;
            let count = found.len();
            let Some(declared) = program.inputs().get(index) else {
                bail!("there is no input {index}: the Program has {count}");
            };
            ensure!(found[index].is_none(), "--input {index}= stands there twice");
            let name = || format!("input {index} ({})", type_name(declared.0, &declared.1));
            found[index] = Some(tensor(value, declared).with_context(name)?);
        }
        let fill = |(index, given): (usize, Option<Tensor>)| {
            let declared = &program.inputs()[index];
            given.or_else(|| Some(random(self.seed?, index, declared))).with_context(|| {
                let name = type_name(declared.0, &declared.1);
                format!(
                    "input {index} ({name}) is missing; give --input {index}=FILE, or --seed N for \
                     random values"
                )
            })
        };
        found.into_iter().enumerate().map(fill).collect()
    }
}

/// Reads one value: a file by its ending, else numbers.
fn tensor(value: &str, declared: &InputType) -> anyhow::Result<Tensor> {
    let path = Path::new(value);
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let file = || std::fs::read(path).with_context(|| format!("{value} cannot be read"));
    let (dtype, shape) = declared;
    let tensor = match ending {
        "npy" => npy::read(&file()?).with_context(|| value.to_owned())?,
        "bin" => Tensor::from_bytes(*dtype, shape, &file()?).with_context(|| value.to_owned())?,
        "json" | "csv" => {
            let text = String::from_utf8(file()?).with_context(|| format!("{value} is no text"))?;
            numbers(&text, declared).with_context(|| value.to_owned())?
        }
        _ if path.exists() => {
            bail!("{value}: a file of values ends in .npy, .bin, .json or .csv")
        }
        _ => numbers(value, declared)?,
    };
    let got = type_name(tensor.dtype(), tensor.shape());
    ensure!(got == type_name(*dtype, shape), "{value} holds {got}");
    Ok(tensor)
}

/// Reads numbers between brackets, commas and blanks, in row-major order.
fn numbers(text: &str, (dtype, shape): &InputType) -> anyhow::Result<Tensor> {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | ';'))
        .filter(|word| !word.is_empty())
        .collect();
    let (expected, got) = (shape.count(), words.len());
    ensure!(expected == got, "it needs {expected} numbers, got {got}");
    let bits =
        |word: &str, digits: &str| u64::from_str_radix(digits, 16).with_context(|| bad(word));
    let short = |word: &str, digits: &str| {
        u32::try_from(bits(word, digits)?).with_context(|| format!("{word} has over 32 bits"))
    };
    let dims = shape.dims();
    Ok(match dtype {
        Dtype::F32 => Tensor::f32(
            dims,
            each(&words, |word, hex| hex.map(|hex| Ok(f32::from_bits(short(word, hex)?))))?,
        )?,
        Dtype::F64 => Tensor::f64(
            dims,
            each(&words, |word, hex| hex.map(|hex| Ok(f64::from_bits(bits(word, hex)?))))?,
        )?,
        Dtype::I32 => Tensor::i32(
            dims,
            each(&words, |word, hex| hex.map(|hex| Ok(short(word, hex)?.cast_signed())))?,
        )?,
    })
}

/// Reads each word by its bits if it has some, else as a decimal number.
fn each<T: std::str::FromStr>(
    words: &[&str],
    from_bits: impl Fn(&str, Option<&str>) -> Option<anyhow::Result<T>>,
) -> anyhow::Result<Vec<T>> {
    let read = |word: &&str| {
        from_bits(word, word.strip_prefix("0x"))
            .unwrap_or_else(|| word.parse().ok().with_context(|| bad(word)))
    };
    words.iter().map(read).collect()
}

fn bad(word: &str) -> String {
    format!("{word:?} is no number of this dtype")
}

/// Returns values of a seed, another stream for each input.
fn random(seed: u64, index: usize, (dtype, shape): &InputType) -> Tensor {
    let index = u32::try_from(index).expect("a Program has at most 65,536 inputs");
    let low = |word: u64| u32::try_from(word & 0xffff_ffff).expect("32 bits are left");
    let key = [low(seed), low(seed >> 32)];
    let words = (0u32..).flat_map(|block| philox([block, 0, index, 0], key));
    let words = words.take(shape.count());
    // 24 bits are exact in either float; a unit is 2^-23.
    let float = |word: u32| f64::from((word >> 8).cast_signed() - (1 << 23)) / 8_388_608.0;
    let dims = shape.dims();
    let filled = match dtype {
        #[expect(clippy::cast_possible_truncation, reason = "24 bits are exact in f32")]
        Dtype::F32 => Tensor::f32(dims, words.map(|word| float(word) as f32).collect()),
        Dtype::F64 => Tensor::f64(dims, words.map(float).collect()),
        Dtype::I32 => Tensor::i32(dims, words.map(|word| (word % 100).cast_signed()).collect()),
    };
    filled.expect("as many as the shape counts")
}
