//! The `.npy` files of NumPy, as far as tensors need them: little-endian f4, f8 and i4, row-major.
//!
//! *Invariant: a file's bytes never panic, and what was written reads back bit for bit.*
//! Absent: other dtypes, Fortran order, pickles, archives.

use anyhow::{Context as _, bail, ensure};
use tensor::{Dtype, Shape, Tensor};

const MAGIC: &[u8] = b"\x93NUMPY";

/// Returns the tensor that the bytes of a `.npy` file hold.
pub(crate) fn read(bytes: &[u8]) -> anyhow::Result<Tensor> {
    ensure!(bytes.starts_with(MAGIC), "it does not begin as .npy files do");
    let version = bytes.get(6).copied().context("it ends within its header")?;
    // Version 1 has two bytes for the header's length, later ones four.
    let width = if version == 1 { 2 } else { 4 };
    let length = bytes.get(8..8 + width).context("it ends within its header")?;
    let length = length.iter().rev().fold(0usize, |n, byte| n << 8 | usize::from(*byte));
    let start = 8 + width;
    let end = start.checked_add(length).filter(|end| *end <= bytes.len());
    let end = end.context("it ends within its header")?;
    let header = std::str::from_utf8(&bytes[start..end]).context("its header is no text")?;
    let dtype = match field(header, "descr")?.trim_matches(['\'', '"']) {
        "<f4" => Dtype::F32,
        "<f8" => Dtype::F64,
        "<i4" => Dtype::I32,
        other => bail!("it holds {other}; save it as float32, float64 or int32 (little-endian)"),
    };
    ensure!(field(header, "fortran_order")? == "False", "it is column-major; save a C-order array");
    let dims: Result<Vec<usize>, _> = field(header, "shape")?
        .trim_matches(['(', ')'])
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::parse)
        .collect();
    let shape = Shape::new(&dims.context("its shape is no list of numbers")?)?;
    Ok(Tensor::from_bytes(dtype, &shape, &bytes[end..])?)
}

/// Returns the value of one key of the header, which is a Python dictionary on one line.
fn field<'a>(header: &'a str, key: &str) -> anyhow::Result<&'a str> {
    let missing = || format!("its header has no {key}");
    let after = header.split_once(&format!("'{key}':")).with_context(missing)?.1.trim_start();
    let end = if after.starts_with('(') {
        after.find(')').map(|close| close + 1)
    } else {
        after.find([',', '}'])
    };
    Ok(after[..end.with_context(missing)?].trim())
}

/// Returns the bytes of a version 1 file.
pub(crate) fn write(tensor: &Tensor) -> Vec<u8> {
    let descr = match tensor.dtype() {
        Dtype::F32 => "<f4",
        Dtype::F64 => "<f8",
        Dtype::I32 => "<i4",
    };
    let dims: Vec<String> = tensor.shape().dims().iter().map(|d| format!("{d},")).collect();
    let shape = dims.join(" ");
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    // The data begins at a multiple of 64 bytes; a newline ends the header.
    let size = (MAGIC.len() + 4 + header.len() + 1).next_multiple_of(64) - MAGIC.len() - 4;
    header = format!("{header:<width$}\n", width = size - 1);
    let mut out = MAGIC.to_vec();
    let length = u16::try_from(header.len()).expect("six extents are short");
    out.extend([1, 0]);
    out.extend(length.to_le_bytes());
    out.extend(header.into_bytes());
    out.extend(tensor.to_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_reads_back() {
        let nan = f32::from_bits(0xffc1_2345);
        for tensor in [
            Tensor::f32(&[2, 1], vec![-0.0, nan]),
            Tensor::f64(&[], vec![0.1]),
            Tensor::i32(&[3], vec![1, -2, i32::MIN]),
        ] {
            let tensor = tensor.expect("well formed");
            let bytes = write(&tensor);
            assert_eq!(read(&bytes).expect("it was written"), tensor);
            for size in 0..bytes.len() {
                assert!(read(&bytes[..size]).is_err());
            }
        }
    }

    #[test]
    fn the_header_is_numpy_s() {
        let bytes = write(&Tensor::i32(&[2], vec![1, 2]).expect("two"));
        assert_eq!(
            (bytes[..10].to_vec(), bytes.len()),
            (b"\x93NUMPY\x01\x00\x76\x00".to_vec(), 136)
        );
        let text = String::from_utf8_lossy(&bytes[10..127]).trim_end().to_owned();
        assert_eq!(text, "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }");
    }

    #[test]
    fn other_arrays_are_refused_with_advice() {
        let good = write(&Tensor::i32(&[2], vec![1, 2]).expect("two"));
        let says = |from: &str, to: &str, what: &str| {
            let at = good.windows(from.len()).position(|w| w == from.as_bytes()).expect("there");
            let mut bytes = good.clone();
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
            let error = read(&bytes).expect_err(to).to_string();
            assert!(error.contains(what), "{error}");
        };
        says("<i4", ">i4", "save it as float32");
        says("False", "True ", "column-major");
        says("(2,)", "(3,)", "needs 12 bytes, got 8");
        says("(2,)", "(x,)", "no list of numbers");
        says("shape", "share", "no shape");
    }
}
