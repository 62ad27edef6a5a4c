//! Public data as files: `DIR/ROOT.bin`, the elements little-endian, row-major, named by the root
//! of the tensor's tree.
//!
//! *Invariant: a file is used only if its root is its name, whoever it came from.* A root says
//! nothing of how many zeros follow, so tensors that differ in those alone share a file.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use tensor::{Hash, Program, Tensor};

/// Returns where a tensor's file is.
pub(crate) fn path(dir: &Path, root: Hash) -> PathBuf {
    dir.join(format!("{root}.bin"))
}

/// Writes a tensor, and returns its root.
pub(crate) fn put(dir: &Path, tensor: &Tensor) -> anyhow::Result<Hash> {
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let root = kernels::commit::tensor_root(tensor);
    let path = path(dir, root);
    std::fs::write(&path, tensor.to_bytes()).with_context(|| path.display().to_string())?;
    Ok(root)
}

/// Reads the tensors with these roots, of the types of the Program's first inputs.
pub(crate) fn tensors(
    dir: &Path,
    program: &Program,
    roots: &[Hash],
) -> anyhow::Result<Vec<Tensor>> {
    let missing: Vec<String> = roots
        .iter()
        .map(|root| path(dir, *root))
        .filter(|path| !path.is_file())
        .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    if !missing.is_empty() {
        bail!(
            "{} lacks {} of {} public files: {}",
            dir.display(),
            missing.len(),
            roots.len(),
            missing.join(", ")
        );
    }
    roots.iter().zip(program.inputs()).map(|(root, declared)| one(dir, *root, declared)).collect()
}

fn one(dir: &Path, root: Hash, (dtype, shape): &tensor::InputType) -> anyhow::Result<Tensor> {
    let path = path(dir, root);
    let mut bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let length = shape.count() * dtype.size();
    if bytes.iter().skip(length).all(|byte| *byte == 0) {
        bytes.resize(length, 0);
    }
    let tensor = Tensor::from_bytes(*dtype, shape, &bytes)
        .with_context(|| format!("{} is not what the Program takes", path.display()))?;
    let got = kernels::commit::tensor_root(&tensor);
    ensure!(got == root, "{} holds other data: their root is {got}", path.display());
    Ok(tensor)
}

#[cfg(test)]
mod tests {
    use tensor::{Builder, Dtype};

    use super::*;

    #[test]
    fn a_file_is_what_its_name_says_or_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut b = Builder::new();
        let x = b.input(Dtype::F32, &[40]).expect("a type");
        let program = b.finish(&[x]).expect("an output");
        let tensor = Tensor::f32(&[40], vec![0.5; 40]).expect("forty");
        let root = put(dir.path(), &tensor).expect("written");
        assert_eq!(root, tensor.root());
        assert_eq!(
            tensors(dir.path(), &program, &[root]).expect("it is there"),
            std::slice::from_ref(&tensor)
        );
        let absent = tensors(dir.path(), &program, &[Hash::ZERO]).expect_err("it is not");
        assert!(absent.to_string().contains("lacks 1 of 1"), "{absent}");
        let mut bytes = tensor.to_bytes();
        bytes[77] ^= 1;
        std::fs::write(path(dir.path(), root), &bytes).expect("written");
        let other = tensors(dir.path(), &program, &[root]).expect_err("it was changed");
        assert!(other.to_string().contains("other data"), "{other}");
        std::fs::write(path(dir.path(), root), &bytes[1..]).expect("written");
        assert!(tensors(dir.path(), &program, &[root]).is_err());
    }

    #[test]
    fn tensors_that_differ_in_zeros_alone_share_a_file() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut b = Builder::new();
        let (x, y) = (b.input(Dtype::F32, &[6]), b.input(Dtype::F32, &[1]));
        let program = b.finish(&[x.expect("a type"), y.expect("a type")]).expect("outputs");
        let zeros = [6, 1].map(|count| Tensor::zeros(Dtype::F32, &[count]).expect("small"));
        for order in [[0, 1], [1, 0]] {
            let roots = order.map(|at| put(dir.path(), &zeros[at]).expect("written"));
            assert_eq!(roots[0], roots[1]);
            assert_eq!(tensors(dir.path(), &program, &roots).expect("both are there"), zeros);
        }
    }
}
