//! What a peer is told when it asks.
//!
//! Invariant: a question never ends the node. A file that cannot be read is one that is not here.

use net::{
    Response,
    library::{Library, Place},
    pieces::{Item, Kind},
};
use tensor::Hash;

use crate::{TensorStore, tensors};

/// Where items can be: whole among the tensors and the blobs, in part in the library.
#[derive(Clone, Debug)]
pub(crate) struct Items {
    pub(crate) library: Library,
    pub(crate) tensors: TensorStore,
    pub(crate) blobs: net::blobs::Store,
}

impl Items {
    /// Which pieces of an item are here.
    pub(crate) fn have(&self, item: &Item) -> Response {
        self.library.have(item, self.whole(item).as_ref())
    }

    /// One piece of it.
    pub(crate) fn piece(&self, item: &Item, index: u32) -> Response {
        self.library.piece(item, index, self.whole(item).as_ref())
    }

    fn whole(&self, item: &Item) -> Option<Place> {
        let expected = match item.kind {
            Kind::Blob => {
                let path = self.blobs.path(&item.name);
                return path.is_file().then_some(Place { path, offset: 0 });
            }
            Kind::Words => 4,
            Kind::Doubles => 8,
        };
        let (place, width) = self.tensors.place(Hash(item.name))?;
        (width == expected).then_some(place)
    }
}

/// The blob of that name.
pub(super) fn blob(blobs: &net::blobs::Store, name: &net::Hash32) -> Response {
    let kept = blobs.get(name).unwrap_or_else(|error| {
        tracing::error!(%error, "a kept update is of no use");
        None
    });
    kept.map_or(Response::NotFound, Response::Blob)
}

/// The tensor with that root, in the encoding of the tensor store.
pub(super) fn tensor(kept: &TensorStore, root: Hash) -> Response {
    let tensor = kept.get(root).ok();
    tensor.map_or(Response::NotFound, |tensor| Response::Blob(tensors::encode(&tensor)))
}

/// Who this node is, the round and the block it sees, and how many blobs it keeps.
pub(super) fn status(
    blobs: &net::blobs::Store,
    (node, round, block): (Option<u32>, u64, u64),
) -> Response {
    let blobs = blobs.list().map_or(0, |list| list.len() as u64);
    Response::Status { node, round, block, blobs }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_one_that_is_not_here() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let blobs = net::blobs::Store::open(dir.path()).expect("opened");
        let name = blobs.put(b"an update").expect("kept");
        assert_eq!(blob(&blobs, &name), Response::Blob(b"an update".to_vec()));
        std::fs::write(blobs.path(&name), b"an updatf").expect("spoilt");
        assert_eq!(blob(&blobs, &name), Response::NotFound);
        let kept = TensorStore::open(&dir.path().join("tensors")).expect("opened");
        assert_eq!(tensor(&kept, Hash([1; 32])), Response::NotFound);
        let one = tensor::Tensor::i32(&[1], vec![5]).expect("shaped");
        let root = kept.put(&one).expect("kept");
        let Response::Blob(bytes) = tensor(&kept, root) else { panic!("it is kept") };
        assert_eq!(tensors::decode(&bytes), Some(one));
    }
}
