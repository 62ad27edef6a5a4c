//! What a node has of items, whole or in part, and what it answers who asks for pieces.
//!
//! A whole item lies in a file of its owner's ([`Place`]); its pieces' hashes are computed when it
//! is first asked for, which reads the file once. An item that is still being fetched is a folder
//! of pieces, `pieces/KIND-NAME-SIZE/INDEX`, each with the hashes beside its way up before its
//! bytes, so a piece on disk is as good as one from a peer: it is checked whenever it is read.
//!
//! Invariant: what is handed out was checked against the item's name just before. A file that was
//! cut, altered or half written when the process was killed is a piece that is not here. Absent:
//! any record of what is here beside the pieces themselves; a restart looks and checks.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    Hash32, Response,
    pieces::{Item, Kind, Tree},
};

/// How many whole items' trees are kept; beyond it one is forgotten and computed again.
const TREES_MAX: usize = 64;

/// Numbers unfinished files, so that two writers never share one.
static UNFINISHED: AtomicU64 = AtomicU64::new(0);

/// Where a whole item lies: its bytes begin at `offset` of a file and end with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// Where in it the item begins, in bytes.
    pub offset: u64,
}

/// Computed once, by whoever asks first; nothing if the file is not the item.
type Slot = Arc<OnceLock<Option<Tree>>>;

/// The items of a node. Clones share what they know.
#[derive(Clone, Debug)]
pub struct Library {
    dir: PathBuf,
    trees: Arc<Mutex<BTreeMap<(Item, PathBuf), Slot>>>,
    parts: Arc<Mutex<BTreeMap<Item, Vec<bool>>>>,
}

impl Library {
    /// Opens the folder `pieces` below `dir`, making it if need be.
    ///
    /// # Errors
    ///
    /// What the operating system said.
    pub fn open(dir: &Path) -> io::Result<Library> {
        let dir = dir.join("pieces");
        fs::create_dir_all(&dir)?;
        Ok(Library { dir, trees: Arc::default(), parts: Arc::default() })
    }

    /// Answers which pieces of an item are here; `whole` is where it lies if it is here whole.
    pub fn have(&self, item: &Item, whole: Option<&Place>) -> Response {
        let here = whole.is_some_and(|place| {
            fs::metadata(&place.path).is_ok_and(|file| file.len() == place.offset + item.size)
        });
        if here {
            return Response::Have(map(&vec![true; item.count() as usize]));
        }
        let parts = locked(&self.parts);
        parts.get(item).map_or(Response::NotFound, |here| Response::Have(map(here)))
    }

    /// Answers with a piece of an item.
    pub fn piece(&self, item: &Item, index: u32, whole: Option<&Place>) -> Response {
        let found = match whole {
            Some(place) => self.of_whole(item, index, place),
            None => None,
        };
        let found = found.or_else(|| self.of_part(item, index));
        found.map_or(Response::NotFound, |(path, bytes)| Response::Piece { path, bytes })
    }

    fn of_whole(&self, item: &Item, index: u32, place: &Place) -> Option<(Vec<Hash32>, Vec<u8>)> {
        let key = (*item, place.path.clone());
        let slot = {
            let mut trees = locked(&self.trees);
            if !trees.contains_key(&key) && trees.len() >= TREES_MAX {
                trees.pop_first();
            }
            Arc::clone(trees.entry(key.clone()).or_default())
        };
        let tree =
            slot.get_or_init(|| Tree::of(*item, |range| read_range(place, range)).ok().flatten());
        let bytes = read_range(place, item.range(index)).ok();
        let path = bytes.as_ref().and_then(|bytes| tree.as_ref()?.path(index, bytes));
        if path.is_none() {
            // The file is another by now, or was never right; the next one to ask finds out.
            tracing::warn!(file = %place.path.display(), "the file is not what it is named after");
            locked(&self.trees).remove(&key);
        }
        path.zip(bytes)
    }

    fn of_part(&self, item: &Item, index: u32) -> Option<(Vec<Hash32>, Vec<u8>)> {
        let known = locked(&self.parts).get(item)?.get(index as usize).copied();
        if known != Some(true) {
            return None;
        }
        let piece = self.read(item, index);
        if piece.is_none()
            && let Some(here) = locked(&self.parts).get_mut(item)
            && let Some(here) = here.get_mut(index as usize)
        {
            *here = false;
        }
        piece
    }

    /// Begins or goes on with an item in part: returns which pieces are here, each checked.
    ///
    /// # Errors
    ///
    /// What the operating system said of the folder; a damaged piece is removed.
    pub fn begin(&self, item: &Item) -> io::Result<Vec<bool>> {
        if let Some(here) = locked(&self.parts).get(item) {
            return Ok(here.clone());
        }
        let folder = self.folder(item);
        fs::create_dir_all(&folder)?;
        let mut here = vec![false; item.count() as usize];
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let index = name.and_then(|name| name.parse::<u32>().ok());
            match index {
                Some(index) if index < item.count() && self.read(item, index).is_some() => {
                    here[index as usize] = true;
                }
                _ => fs::remove_file(&path)?,
            }
        }
        locked(&self.parts).insert(*item, here.clone());
        Ok(here)
    }

    /// Keeps a piece that was checked.
    ///
    /// It is not synced: what a crash leaves of it is checked when the item is begun again.
    ///
    /// # Errors
    ///
    /// What the operating system said.
    pub fn keep(
        &self,
        item: &Item,
        index: u32,
        (path, bytes): (&[Hash32], &[u8]),
    ) -> io::Result<()> {
        let folder = self.folder(item);
        let number = UNFINISHED.fetch_add(1, Ordering::Relaxed);
        let beside = folder.join(format!("{index}-{}-{number}", std::process::id()));
        let mut file = File::create(&beside)?;
        file.write_all(path.as_flattened())?;
        file.write_all(bytes)?;
        drop(file);
        fs::rename(&beside, folder.join(index.to_string()))?;
        if let Some(here) = locked(&self.parts).get_mut(item)
            && let Some(here) = here.get_mut(index as usize)
        {
            *here = true;
        }
        Ok(())
    }

    /// Puts the pieces of an item together as the file `to`, after the bytes of `head`, durably.
    ///
    /// Returns false, and leaves what is here, if a piece is missing or damaged: begin again.
    ///
    /// # Errors
    ///
    /// What the operating system said.
    pub fn finish(&self, item: &Item, head: &[u8], to: &Path) -> io::Result<bool> {
        let number = UNFINISHED.fetch_add(1, Ordering::Relaxed);
        let beside = self.dir.join(format!("{}-{number}.new", std::process::id()));
        let mut file = File::create(&beside)?;
        file.write_all(head)?;
        for index in 0..item.count() {
            let Some((_, bytes)) = self.read(item, index) else {
                locked(&self.parts).remove(item);
                fs::remove_file(&beside)?;
                return Ok(false);
            };
            file.write_all(&bytes)?;
        }
        file.sync_all()?;
        drop(file);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
            fs::rename(&beside, to)?;
            if cfg!(unix) {
                File::open(parent)?.sync_all()?;
            }
        }
        self.forget(item)?;
        Ok(true)
    }

    /// Forgets what is here of an item in part.
    ///
    /// # Errors
    ///
    /// What the operating system said.
    pub fn forget(&self, item: &Item) -> io::Result<()> {
        locked(&self.parts).remove(item);
        match fs::remove_dir_all(self.folder(item)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes what an earlier process left half put together; pieces stay.
    ///
    /// # Errors
    ///
    /// What the operating system said.
    pub fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if path.is_file() {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Reads a piece of an item in part, if it is there and right.
    fn read(&self, item: &Item, index: u32) -> Option<(Vec<Hash32>, Vec<u8>)> {
        let range = item.range(index);
        let head = 32 * item.path_len(index);
        let expected = head as u64 + (range.end - range.start);
        let file = File::open(self.folder(item).join(index.to_string())).ok()?;
        if file.metadata().ok()?.len() != expected {
            return None;
        }
        let mut whole = Vec::new();
        file.take(expected).read_to_end(&mut whole).ok()?;
        let bytes = whole.split_off(head.min(whole.len()));
        let path = whole.as_chunks::<32>().0.to_vec();
        item.check(index, &bytes, &path).then_some((path, bytes))
    }

    fn folder(&self, item: &Item) -> PathBuf {
        let kind = match item.kind {
            Kind::Blob => "blob",
            Kind::Words => "words",
            Kind::Doubles => "doubles",
        };
        self.dir.join(format!("{kind}-{}-{}", hex::encode(item.name), item.size))
    }
}

/// The maps stay consistent between any two statements, so a panic elsewhere spoils nothing.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_range(place: &Place, range: Range<u64>) -> io::Result<Vec<u8>> {
    let mut file = File::open(&place.path)?;
    file.seek(SeekFrom::Start(place.offset.saturating_add(range.start)))?;
    let mut bytes = Vec::new();
    file.take(range.end - range.start).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns a map as it travels: bit `i % 8` of byte `i / 8` is piece `i`.
fn map(here: &[bool]) -> Vec<u8> {
    let byte = |eight: &[bool]| {
        eight.iter().enumerate().fold(0, |byte, (bit, here)| byte | (u8::from(*here) << bit))
    };
    here.chunks(8).map(byte).collect()
}

/// Returns which pieces a map names, or nothing if it is none of an item with `count` pieces.
pub(crate) fn unmap(map: &[u8], count: u32) -> Option<Vec<bool>> {
    let count = count as usize;
    if map.len() != count.div_ceil(8) {
        return None;
    }
    let mut here: Vec<bool> =
        map.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).collect();
    let unused = here.split_off(count);
    (!unused.contains(&true)).then_some(here)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(dir: &Path, size: usize) -> (Item, Place, Vec<u8>) {
        let bytes: Vec<u8> = (0..size).map(|at| at.to_le_bytes()[1]).collect();
        let path = dir.join("whole");
        fs::write(&path, [b"head", &bytes[..]].concat()).expect("written");
        let item = Item::blob(crate::blobs::hash(&bytes), size as u64);
        (item, Place { path, offset: 4 }, bytes)
    }

    fn taken(from: &Library, item: &Item, index: u32, place: Option<&Place>) -> Option<Vec<u8>> {
        match from.piece(item, index, place) {
            Response::Piece { path, bytes } => {
                assert!(item.check(index, &bytes, &path), "what is handed out is right");
                Some(bytes)
            }
            _ => None,
        }
    }

    fn hand_over(from: &Library, place: &Place, to: &Library, item: &Item, index: u32) {
        let Response::Piece { path, bytes } = from.piece(item, index, Some(place)) else {
            panic!("the whole item is there")
        };
        to.keep(item, index, (&path, &bytes)).expect("kept");
    }

    #[test]
    fn pieces_of_a_whole_make_a_whole_again() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (item, place, bytes) = whole(dir.path(), 900_000);
        let [from, to] =
            ["from", "to"].map(|at| Library::open(&dir.path().join(at)).expect("made"));
        assert_eq!(from.have(&item, Some(&place)), Response::Have(vec![0b1111]));
        assert_eq!(to.have(&item, None), Response::NotFound);
        assert_eq!(to.begin(&item).expect("begun"), [false; 4]);
        for index in [3, 1] {
            hand_over(&from, &place, &to, &item, index);
        }
        assert_eq!(to.have(&item, None), Response::Have(vec![0b1010]));
        assert_eq!(taken(&to, &item, 1, None).as_deref(), Some(&bytes[262_144..524_288]));
        assert_eq!(taken(&to, &item, 0, None), None);
        let at = dir.path().join("made").join("again");
        assert!(!to.finish(&item, b"", &at).expect("tried"), "two pieces are missing");
        assert_eq!(to.begin(&item).expect("begun"), [false, true, false, true]);
        for index in [0, 2] {
            hand_over(&from, &place, &to, &item, index);
        }
        assert!(to.finish(&item, b"head", &at).expect("finished"));
        assert_eq!(fs::read(&at).expect("there"), fs::read(&place.path).expect("there"));
        assert_eq!(to.have(&item, None), Response::NotFound, "nothing is here in part");
    }

    #[test]
    fn what_is_damaged_on_disk_is_not_here() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (item, place, bytes) = whole(dir.path(), 600_000);
        let library = Library::open(dir.path()).expect("made");
        library.begin(&item).expect("begun");
        for index in 0..3 {
            hand_over(&library, &place, &library, &item, index);
        }
        let at = |index: u32| library.folder(&item).join(index.to_string());
        let piece = fs::read(at(0)).expect("kept");
        fs::write(at(0), &piece[..piece.len() - 1]).expect("cut");
        fs::write(library.folder(&item).join("0-1-1"), b"half").expect("left over");
        let mut piece = fs::read(at(1)).expect("kept");
        piece[40_000] ^= 1;
        fs::write(at(1), piece).expect("altered");
        assert_eq!(taken(&library, &item, 1, None), None);
        let again = Library::open(dir.path()).expect("opened again");
        assert_eq!(again.begin(&item).expect("begun"), [false, false, true]);
        assert_eq!(fs::read_dir(again.folder(&item)).expect("listed").count(), 1);
        // A whole file that changes is noticed piece by piece, and is right again once it is.
        assert!(taken(&again, &item, 0, Some(&place)).is_some());
        fs::write(&place.path, [b"head", &vec![9; 600_000][..]].concat()).expect("altered");
        assert_eq!(taken(&again, &item, 0, Some(&place)), None);
        fs::write(&place.path, [b"head", &bytes[..]].concat()).expect("mended");
        assert!(taken(&again, &item, 0, Some(&place)).is_some());
    }

    #[test]
    fn maps_travel() {
        for count in [1_u32, 7, 8, 9, 30] {
            let here: Vec<bool> = (0..count).map(|at| at % 3 == 0).collect();
            assert_eq!(unmap(&map(&here), count), Some(here.clone()));
            assert_eq!(unmap(&map(&here), count + 8), None);
            assert_eq!(unmap(&[], count), None);
        }
        assert_eq!(unmap(&[0b100], 2), None, "a bit beyond the last piece");
    }
}
