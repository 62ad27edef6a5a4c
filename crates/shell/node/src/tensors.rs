//! Tensors by their root: what a node computed and may be asked for again.
//!
//! One file a tensor, named by the tensor root (docs/protocol.md §1): dtype, rank, extents,
//! elements. A file is written beside, synced and renamed, and its root is computed anew on
//! reading, so a truncated or altered file is absent, never wrong.
//!
//! Deliberately absent: eviction, and any index; the root is the name.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use kernels::commit;
use net::library::Place;
use tensor::{Dtype, Hash, Shape, Tensor};
use thiserror::Error;

/// Numbers this process's unfinished files.
static UNFINISHED: AtomicU64 = AtomicU64::new(0);

/// Largest file that is read, in bytes: a tensor of 2^28 elements of 8 bytes is more than any model
/// here.
const FILE_SIZE_MAX: u64 = 1 << 31;

/// Why a tensor could not be kept or found.
#[derive(Debug, Error)]
pub enum TensorStoreError {
    /// The disk refused.
    #[error("cannot use {path}: {source}")]
    Disk {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// No file has this root, or the one that claims it is damaged.
    #[error("no tensor with root {root} is kept in {dir}")]
    Absent {
        /// The root asked for.
        root: Hash,
        /// Where it was looked for.
        dir: PathBuf,
    },
}

/// A directory of tensors.
#[derive(Debug, Clone)]
pub struct TensorStore {
    dir: PathBuf,
}

impl TensorStore {
    /// Opens a directory, making it if need be.
    ///
    /// # Errors
    ///
    /// [`TensorStoreError::Disk`] if it cannot be made.
    pub fn open(dir: &Path) -> Result<TensorStore, TensorStoreError> {
        fs::create_dir_all(dir).map_err(disk(dir))?;
        Ok(TensorStore { dir: dir.to_path_buf() })
    }

    /// Keeps a tensor durably and returns its root.
    ///
    /// # Errors
    ///
    /// [`TensorStoreError::Disk`] if it cannot be written.
    pub fn put(&self, tensor: &Tensor) -> Result<Hash, TensorStoreError> {
        let root = commit::tensor_root(tensor);
        let path = self.path(root);
        if self.get(root).is_ok() {
            return Ok(root);
        }
        // Two writers of one tensor have a file each, and both end at the same bytes.
        let number = UNFINISHED.fetch_add(1, Ordering::Relaxed);
        let beside = path.with_extension(format!("{}-{number}.new", std::process::id()));
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&beside)?;
            file.write_all(&encode(tensor))?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            File::open(&self.dir)?.sync_all()
        };
        let written = write().map_err(disk(&path));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written.map(|()| root)
    }

    /// Returns the tensor with this root.
    ///
    /// # Errors
    ///
    /// [`TensorStoreError::Absent`] if there is none, or only a damaged one;
    /// [`TensorStoreError::Disk`] if the disk refuses.
    pub fn get(&self, root: Hash) -> Result<Tensor, TensorStoreError> {
        let path = self.path(root);
        let absent = || TensorStoreError::Absent { root, dir: self.dir.clone() };
        let bytes = match fs::metadata(&path) {
            Ok(meta) if meta.len() <= FILE_SIZE_MAX => fs::read(&path).map_err(disk(&path))?,
            Ok(_) => return Err(absent()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(absent()),
            Err(error) => return Err(disk(&path)(error)),
        };
        decode(&bytes).filter(|tensor| commit::tensor_root(tensor) == root).ok_or_else(absent)
    }

    /// Returns where the elements of a tensor lie, and how many bytes each has; unverified.
    pub(crate) fn place(&self, root: Hash) -> Option<(Place, usize)> {
        let path = self.path(root);
        let mut head = [0; 2];
        File::open(&path).ok()?.read_exact(&mut head).ok()?;
        let [dtype, rank] = head;
        Some((Place { path, offset: 2 + 4 * u64::from(rank) }, Dtype::from_code(dtype)?.size()))
    }

    /// Returns where a tensor is kept.
    pub(crate) fn path(&self, root: Hash) -> PathBuf {
        self.dir.join(root.to_string())
    }
}

fn disk(path: &Path) -> impl FnOnce(std::io::Error) -> TensorStoreError {
    let path = path.to_path_buf();
    move |source| TensorStoreError::Disk { path, source }
}

pub(crate) fn encode(tensor: &Tensor) -> Vec<u8> {
    let mut bytes = head(tensor.dtype(), tensor.shape().dims());
    bytes.extend_from_slice(&tensor.to_bytes());
    bytes
}

/// Returns what a file has before the elements.
pub(crate) fn head(dtype: Dtype, dims: &[usize]) -> Vec<u8> {
    let rank = u8::try_from(dims.len()).expect("a rank is at most six");
    let mut bytes = vec![dtype.code(), rank];
    for extent in dims {
        let extent = u32::try_from(*extent).expect("an extent is below 2^31");
        bytes.extend_from_slice(&extent.to_le_bytes());
    }
    bytes
}

pub(crate) fn decode(bytes: &[u8]) -> Option<Tensor> {
    let (head, rest) = bytes.split_at_checked(2)?;
    let dtype = Dtype::from_code(head[0])?;
    let (extents, elements) = rest.split_at_checked(usize::from(head[1]).checked_mul(4)?)?;
    let dims: Vec<usize> = extents
        .chunks_exact(4)
        .map(|four| u32::from_le_bytes(four.try_into().expect("chunks of four")) as usize)
        .collect();
    let shape = Shape::new(&dims).ok()?;
    Tensor::from_bytes(dtype, &shape, elements).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_and_what_is_damaged_is_not() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let store = TensorStore::open(dir.path()).expect("opened");
        let tensors = [
            Tensor::f32(&[2, 2], vec![1.0, -0.0, f32::INFINITY, 3.5]).expect("shaped"),
            Tensor::f64(&[40], vec![0.25; 40]).expect("shaped"),
            Tensor::i32(&[], vec![-7]).expect("shaped"),
        ];
        for tensor in &tensors {
            let root = store.put(tensor).expect("kept");
            assert_eq!(&store.get(root).expect("found"), tensor);
        }
        let root = tensors[1].root();
        let path = dir.path().join(root.to_string());
        let whole = fs::read(&path).expect("read");
        for spoilt in [&whole[..whole.len() - 1], &whole[..1], &[]] {
            fs::write(&path, spoilt).expect("spoilt");
            assert!(matches!(store.get(root), Err(TensorStoreError::Absent { .. })));
        }
        store.put(&tensors[1]).expect("mended");
        assert_eq!(store.get(root).expect("found"), tensors[1]);
    }

    #[test]
    fn any_bytes_decode_or_do_not() {
        for length in 0..64_u8 {
            let bytes: Vec<u8> = (0..length).map(|at| at.wrapping_mul(37) % 7).collect();
            let _ = decode(&bytes);
        }
    }
}
