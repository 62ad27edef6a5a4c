//! Items from several providers at once, of which one lies and one dies.

use std::{fs, path::Path, time::Duration};

use net::{Config, Limits, Response, library::Place, pieces::Item, swarm::FetchError};
use tokio::sync::watch;

use crate::{
    config, limits,
    sharer::{Manner, Sharer},
};

/// Bytes that no two pieces share, as the blob they are and where they lie.
pub(crate) fn blob(dir: &Path, size: usize) -> (Item, Place) {
    let bytes: Vec<u8> =
        (0..size).map(|at| (at ^ (at >> 8) ^ (at >> 15)).to_le_bytes()[0]).collect();
    let path = dir.join("whole");
    fs::write(&path, &bytes).expect("written");
    (Item::blob(net::blobs::hash(&bytes), size as u64), Place { path, offset: 0 })
}

/// No standstill that ends is longer, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Puts every second piece of an item into a node's library, from the first or from the second on.
fn put_half(node: &Sharer, (item, place): (&Item, &Place), from: u32) {
    node.library.begin(item).expect("begun");
    for index in (from..item.count()).step_by(2) {
        let piece = node.library.piece(item, index, Some(place));
        let Response::Piece { path, bytes } = piece else { panic!("it is whole") };
        node.library.keep(item, index, (&path, &bytes)).expect("kept");
    }
}

/// Two honest ones have half each, so both are needed; they wait until the liar has been caught.
#[tokio::test]
async fn a_liar_and_a_death_cost_only_themselves() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (item, place) = blob(dir.path(), 5_000_000);
    let whole = Some((item, place.clone()));
    let (open, gate) = watch::channel(false);
    let waits = Manner::Waits(gate);
    let parts = [
        (None, waits.clone()),
        (None, waits),
        (whole.clone(), Manner::Lies),
        (whole, Manner::Dies(2)),
    ];
    let mut providers = Vec::new();
    for (seed, (whole, manner)) in (10..).zip(parts) {
        let at = dir.path().join(seed.to_string());
        providers.push(Sharer::start(config(seed), &at, whole, manner).await);
    }
    put_half(&providers[0], (&item, &place), 0);
    put_half(&providers[1], (&item, &place), 1);
    let peers: Vec<_> = providers.iter().map(Sharer::peer).collect();
    // The one that dies is given up soon.
    let limits = Limits { request: Duration::from_secs(3), ..limits() };
    let late = Config { limits, ..config(1) };
    let late = Sharer::start(late, &dir.path().join("late"), None, Manner::Honest).await;
    let (mut progress, fetched) = late.fetch(vec![item], peers.clone(), PATIENCE);
    progress.wait_for(|progress| !progress.blamed.is_empty()).await.expect("the liar is caught");
    open.send_replace(true);
    let fetched = fetched.await.expect("no panic").expect("two honest providers are enough");
    assert_eq!((fetched.here, fetched.pieces, fetched.found), (20, 20, 0));
    assert_eq!(fetched.blamed.keys().collect::<Vec<_>>(), [&peers[2].id]);
    assert!(!fetched.given.contains_key(&peers[2].id), "nothing of the liar's is kept");
    assert!(fetched.given.get(&peers[3].id).is_none_or(|given| *given <= 2));
    assert!(peers[..2].iter().all(|peer| fetched.given.contains_key(&peer.id)), "{fetched:?}");
    assert_eq!(fetched.given.values().sum::<usize>(), 20);
    let to = dir.path().join("fetched");
    assert!(late.library.finish(&item, b"", &to).expect("put together"));
    assert_eq!(fs::read(&to).expect("there"), fs::read(&place.path).expect("there"));
}

#[tokio::test]
async fn a_killed_fetch_goes_on_with_what_is_on_disk() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (item, place) = blob(dir.path(), 4_194_304);
    let at = dir.path().join("source");
    let source = Sharer::start(config(1), &at, Some((item, place)), Manner::Dies(5)).await;
    let home = dir.path().join("late");
    let late = Sharer::start(config(2), &home, None, Manner::Honest).await;
    let (mut progress, fetching) = late.fetch(vec![item], vec![source.peer()], PATIENCE);
    let five = progress.wait_for(|progress| progress.here == 5).await.expect("it is told").clone();
    assert_eq!(five.found, 0);
    fetching.abort();
    drop((late, source, fetching));
    // The source is another process by now, and so is who asks it.
    let source = Sharer::start(config(1), &at, None, Manner::Honest).await;
    let late = Sharer::start(config(2), &home, None, Manner::Honest).await;
    let soon = Duration::from_millis(500);
    let (_, fetched) = late.fetch(vec![item], vec![source.peer()], soon);
    let failed = fetched.await.expect("no panic").expect_err("nobody has the rest");
    assert!(matches!(failed, FetchError::Standstill { missing: 11, pieces: 16 }), "{failed}");
    drop(source);
    let (_, place) = blob(dir.path(), 4_194_304);
    let source = Sharer::start(config(3), &at, Some((item, place)), Manner::Honest).await;
    let (_, fetched) = late.fetch(vec![item], vec![source.peer()], PATIENCE);
    let fetched = fetched.await.expect("no panic").expect("the source has it whole");
    assert_eq!((fetched.here, fetched.found), (16, 5));
    assert_eq!(fetched.received, item.size - 5 * 262_144);
}

#[tokio::test]
async fn two_that_have_half_each_make_each_other_whole() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (item, place) = blob(dir.path(), 3_000_000);
    let nodes = ["one", "other"].map(|name| dir.path().join(name));
    let mut halves = Vec::new();
    for (half, home) in (0_u8..).zip(&nodes) {
        let node = Sharer::start(config(half), home, None, Manner::Honest).await;
        put_half(&node, (&item, &place), half.into());
        halves.push(node);
    }
    let fetches = [(0, 1), (1, 0)].map(|(who, from): (usize, usize)| {
        halves[who].fetch(vec![item], vec![halves[from].peer()], PATIENCE).1
    });
    for fetching in fetches {
        let fetched = fetching.await.expect("no panic").expect("the other half is there");
        assert_eq!((fetched.here, fetched.found), (12, 6));
    }
}
