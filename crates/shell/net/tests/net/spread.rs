//! One blob to many peers over a network that loses datagrams, while providers are killed.
//!
//! A few sources have the blob; every peer fetches it from them and from each other. When half of
//! all pieces are in place, some of those that already provide are killed, sources among them. When
//! the others have the blob, the killed peers start again with what is on their disks.
//! `cargo xtask spread` runs it with 100 MB and 32 peers and prints what it took.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use net::{
    Config, Limits, Peer,
    library::Place,
    pieces::Item,
    swarm::{FetchError, Progress},
};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
};

use crate::{
    config,
    relay::{Relay, splitmix},
    sharer::{Manner, Sharer},
};

/// How large, and to how many.
struct Size {
    bytes: u64,
    peers: usize,
    sources: usize,
    latency: Duration,
}

/// What decides everything that is drawn.
const SEED: u64 = 7;
/// Of a thousand datagrams in each direction.
const LOST_PERMILLE: u64 = 100;
/// Of a hundred that provide.
const KILLED_PERCENT: usize = 30;
/// No standstill that heals is longer, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A host of the network, living or not.
struct Host {
    node: usize,
    announced: Peer,
    config: Config,
    home: PathBuf,
    living: Option<Living>,
}

struct Living {
    sharer: Sharer,
    progress: watch::Receiver<Progress>,
    fetching: Option<JoinHandle<Result<Progress, FetchError>>>,
}

/// `ASSAY_SPREAD` is megabytes and peers, as `100 32`.
fn size() -> Size {
    let told = std::env::var("ASSAY_SPREAD").unwrap_or_default();
    let mut words = told.split_whitespace().filter_map(|word| word.parse::<usize>().ok());
    match (words.next(), words.next()) {
        (Some(megabytes), Some(peers)) => {
            let (bytes, latency) = (megabytes as u64 * 1_000_000, Duration::from_millis(5));
            Size { bytes, peers, sources: 3, latency }
        }
        _ => Size { bytes: 3_000_000, peers: 6, sources: 2, latency: Duration::ZERO },
    }
}

/// Writes the blob, a buffer at a time.
fn blob(path: &Path, size: u64) -> Item {
    let mut file = BufWriter::new(File::create(path).expect("a file can be made"));
    let (mut hasher, mut state, mut left) = (blake3::Hasher::new(), SEED, size);
    while left > 0 {
        let mut word = splitmix(&mut state).to_le_bytes().to_vec();
        word.truncate(usize::try_from(left).unwrap_or(8));
        hasher.update(&word);
        file.write_all(&word).expect("there is room");
        left -= word.len() as u64;
    }
    file.flush().expect("there is room");
    Item::blob(*hasher.finalize().as_bytes(), size)
}

fn hash_of(path: &Path) -> net::Hash32 {
    let (mut file, mut hasher) = (File::open(path).expect("it is there"), blake3::Hasher::new());
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = file.read(&mut buffer) {
        hasher.update(&buffer[..length]);
    }
    *hasher.finalize().as_bytes()
}

impl Host {
    async fn new(number: usize, relay: &Arc<Relay>, dir: &Path) -> Host {
        let (node, addr) = relay.host().await;
        let seed = u8::try_from(number + 1).expect("few hosts");
        // A machine that is busy with all of them at once is slower than a network.
        let limits = Limits {
            handshake: Duration::from_secs(20),
            request: Duration::from_secs(60),
            transfer: Duration::from_secs(60),
            idle: Duration::from_secs(15),
            ..crate::limits()
        };
        let config = Config { limits, ..config(seed) };
        let announced = Peer { id: net::peer_id(&config.secret), addr };
        let home = dir.join(number.to_string());
        Host { node, announced, config, home, living: None }
    }

    /// Starts it; one that has not the whole blob begins to fetch it.
    async fn start(&mut self, relay: &Relay, want: (Item, &[Peer]), whole: Option<Place>) {
        let source = whole.is_some();
        let whole = whole.map(|place| (want.0, place));
        let sharer = Sharer::start(self.config.clone(), &self.home, whole, Manner::Honest).await;
        relay.connect(self.node, Some(sharer.endpoint.addr()));
        let others = want.1.iter().filter(|peer| peer.id != self.announced.id).copied();
        let (progress, fetching) = if source {
            (watch::channel(Progress::default()).1, None)
        } else {
            let (progress, fetching) = sharer.fetch(vec![want.0], others.collect(), PATIENCE);
            (progress, Some(fetching))
        };
        self.living = Some(Living { sharer, progress, fetching });
    }

    /// What `kill -9` leaves: a folder. Nobody is told, and what is on its way is lost.
    fn kill(&mut self, relay: &Relay) {
        relay.connect(self.node, None);
        if let Some(living) = self.living.take()
            && let Some(fetching) = &living.fetching
        {
            fetching.abort();
        }
    }

    fn provides(&self) -> bool {
        let living = self.living.as_ref();
        living.is_some_and(|one| one.fetching.is_none() || one.progress.borrow().here > 0)
    }

    /// Waits until it has everything, puts it together and checks it once more.
    async fn complete(&mut self, item: Item) -> Progress {
        let living = self.living.as_mut().expect("it lives");
        let fetching = living.fetching.as_mut().expect("it fetches");
        let fetched = fetching.await.expect("no panic").expect("somebody has every piece");
        assert_eq!((fetched.here, &fetched.blamed), (fetched.pieces, &Default::default()));
        let to = self.home.join("blob");
        assert!(living.sharer.library.finish(&item, b"", &to).expect("put together"));
        assert_eq!(hash_of(&to), item.name);
        fetched
    }
}

/// Draws `count` of `from`.
fn draw(from: Vec<usize>, count: usize) -> BTreeSet<usize> {
    let (mut from, mut state, mut drawn) = (from, SEED, BTreeSet::new());
    while drawn.len() < count && !from.is_empty() {
        let at = splitmix(&mut state) % from.len() as u64;
        drawn.insert(from.swap_remove(usize::try_from(at).expect("below a length")));
    }
    drawn
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_reaches_every_peer_while_providers_die() {
    let Size { bytes, peers, sources, latency } = size();
    let (began, dir) = (Instant::now(), tempfile::tempdir().expect("a temporary directory"));
    let whole = dir.path().join("whole");
    let item = blob(&whole, bytes);
    let relay = Relay::new(SEED, LOST_PERMILLE, latency);
    let mut hosts = Vec::new();
    for number in 0..sources + peers {
        hosts.push(Host::new(number, &relay, dir.path()).await);
    }
    let everybody: Vec<Peer> = hosts.iter().map(|host| host.announced).collect();
    for (number, host) in hosts.iter_mut().enumerate() {
        let place = (number < sources).then(|| Place { path: whole.clone(), offset: 0 });
        host.start(&relay, (item, &everybody), place).await;
    }
    midway(&hosts[sources..], peers * item.count() as usize / 2).await;

    // One source stays, so that a whole copy does; which of the others die is drawn.
    let providing: Vec<usize> = (0..hosts.len()).filter(|at| hosts[*at].provides()).collect();
    let count = (providing.len() * KILLED_PERCENT).div_ceil(100);
    let killed = draw(providing.iter().copied().filter(|at| *at > 0).collect(), count);
    for at in &killed {
        hosts[*at].kill(&relay);
    }
    let mut given = Vec::new();
    let mut restarted = Vec::new();
    for (at, host) in hosts.iter_mut().enumerate().skip(sources) {
        if killed.contains(&at) {
            restarted.push(at);
        } else {
            given.push(host.complete(item).await);
        }
    }
    let survivors = began.elapsed();
    for at in &restarted {
        hosts[*at].start(&relay, (item, &everybody), None).await;
    }
    for at in &restarted {
        let fetched = hosts[*at].complete(item).await;
        assert!(fetched.found > 0, "what was on its disk is not fetched again");
        given.push(fetched);
    }
    assert_eq!(given.len(), peers);
    let carried = relay.carried.bytes.load(Ordering::Relaxed);
    assert!(carried > bytes * peers as u64, "everything went through the relay: {carried}");
    assert!(relay.carried.lost.load(Ordering::Relaxed) > 0);
    let from_peers = given.iter().filter(|one| {
        one.given.keys().any(|id| everybody[sources..].iter().any(|peer| peer.id == *id))
    });
    assert!(from_peers.count() > peers / 2, "peers provide to each other");
    tell(&relay, (bytes, peers), (&killed, providing.len()), &given, (survivors, began.elapsed()));
}

/// Waits until the hosts have so many pieces together.
async fn midway(hosts: &[Host], pieces: usize) {
    let told = || hosts.iter().flat_map(|host| &host.living).map(|one| one.progress.clone());
    let mut waiting = JoinSet::new();
    let (changed, mut changes) = mpsc::channel(1);
    for mut progress in told() {
        let changed = changed.clone();
        waiting.spawn(async move {
            while progress.changed().await.is_ok() && changed.send(()).await.is_ok() {}
        });
    }
    while told().map(|one| one.borrow().here).sum::<usize>() < pieces {
        changes.recv().await.expect("the fetches go on");
    }
}

/// Prints what it took.
fn tell(
    relay: &Relay,
    (size, peers): (u64, usize),
    (killed, providing): (&BTreeSet<usize>, usize),
    given: &[Progress],
    (survivors, all): (Duration, Duration),
) {
    let ideal = size * peers as u64;
    let share = |bytes: u64| bytes as f64 / ideal as f64;
    let carried = &relay.carried;
    let [bytes, datagrams, lost] =
        [&carried.bytes, &carried.datagrams, &carried.lost].map(|one| one.load(Ordering::Relaxed));
    let received: u64 = given.iter().map(|one| one.received).sum();
    let found: usize = given.iter().map(|one| one.found).sum();
    let twice: usize = given.iter().map(|one| one.twice).sum();
    println!("{} bytes to {peers} peers: complete, every piece verified", size);
    println!("killed midway    {} of {providing} that provided: {killed:?}", killed.len());
    println!("the survivors    had it after {:.1} s", survivors.as_secs_f64());
    println!("the restarted    had it after {:.1} s, {found} pieces from disk", all.as_secs_f64());
    println!("ideal            {ideal} bytes");
    println!("on the wire      {bytes} bytes, {:.3} of ideal, {datagrams} datagrams", share(bytes));
    println!("lost             {lost} datagrams, {:.1} %", 100.0 * lost as f64 / datagrams as f64);
    println!("pieces received  {received} bytes, {:.3} of ideal; {twice} twice", share(received));
    if let Some(peak) = peak_memory() {
        println!("peak memory      {peak}, all endpoints and the relay in one process");
    }
}

fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_owned())
}
