//! Fetching items from several peers at once, piece by piece.
//!
//! Some providers are asked at a time, and who is of no use makes room for another. Every provider
//! has lanes of its own; a lane asks for one piece, checks it against the item's name, keeps it on
//! disk and asks for the next. Which piece, the plan says. Since a piece is on disk as soon as it
//! is here, a fetch that was killed goes on where it was, and what it has so far can be handed to
//! others.
//!
//! Invariant: nothing is kept that was not checked; a wrong piece is blamed on the peer that sent
//! it, once and for this fetch. A peer that dies costs the pieces that were under way from it.
//! Absent: finding providers; a length that a stranger names.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use thiserror::Error;
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

use crate::{
    Endpoint, Hash32, Peer, PeerId, Request, RequestError, Response,
    library::{self, Library},
    limits::REQUESTS_PER_PEER,
    pieces::Item,
    plan::{Plan, Step},
    wire::short,
};

/// How many providers are asked at once; the others wait for one of them to be of no use.
const PROVIDERS: usize = 12;

/// Pieces under way at once over all of them, as far as each has two.
const UNDER_WAY: usize = 24;

/// After how many waits in a row a provider makes room for another, and after how long a one.
const WAITS: usize = 8;
const PAUSE_MAX: Duration = Duration::from_millis(300);

/// How often a fetch looks whether it has come to a standstill.
const STANDSTILL_EVERY: Duration = Duration::from_millis(100);

/// How far a fetch is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Pieces in all.
    pub pieces: usize,
    /// Those that are here.
    pub here: usize,
    /// Of them, those that were on disk when it began.
    pub found: usize,
    /// Bytes in all.
    pub size: u64,
    /// Bytes of pieces that came, those that came twice or were wrong included.
    pub received: u64,
    /// Pieces that came a second time.
    pub twice: usize,
    /// Pieces by the provider that gave them.
    pub given: BTreeMap<PeerId, usize>,
    /// Providers that sent what is wrong, and what.
    pub blamed: BTreeMap<PeerId, &'static str>,
}

/// Why a fetch ended without everything.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The disk refused a piece.
    #[error("cannot keep what was fetched: {0}")]
    Disk(#[from] io::Error),
    /// Nothing came for a while.
    #[error("{missing} of {pieces} pieces are with nobody who answers")]
    Standstill {
        /// Pieces that are missing.
        missing: usize,
        /// Pieces in all.
        pieces: usize,
    },
}

/// What is fetched, from whom, and what keeps it.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// Who asks.
    pub endpoint: Endpoint,
    /// Where pieces are kept.
    pub library: Library,
    /// What is wanted; their sizes are known, not asked.
    pub items: Vec<Item>,
    /// Who may have it.
    pub providers: Vec<Peer>,
    /// For how long nothing may come before it ends with [`FetchError::Standstill`].
    pub patience: Duration,
}

impl Fetch {
    /// Fetches every piece that is not here, and tells `progress` of each.
    ///
    /// When it returns, each item can be put together ([`Library::finish`]). It may be dropped, and
    /// run again later.
    ///
    /// # Errors
    ///
    /// [`FetchError`]; what has come stays.
    pub async fn run(self, progress: watch::Sender<Progress>) -> Result<Progress, FetchError> {
        let here = self.begin().await?;
        let shared = Arc::new(Shared {
            plan: Mutex::new(Plan::new(&here, self.providers.len())),
            room: Semaphore::new(PROVIDERS),
            progress,
            fetch: self,
        });
        let fetch = &shared.fetch;
        shared.progress.send_modify(|progress| {
            progress.pieces = here.iter().map(Vec::len).sum();
            progress.found = here.iter().flatten().filter(|here| **here).count();
            progress.here = progress.found;
            progress.size = fetch.items.iter().map(|item| item.size).sum();
        });
        let mut running = JoinSet::new();
        let mut order: Vec<usize> = (0..fetch.providers.len()).collect();
        order.sort_by_cached_key(|_| rand::random::<u64>());
        for provider in order {
            running.spawn(Arc::clone(&shared).ask_all(provider));
        }
        let (mut last, mut since) = (usize::MAX, Instant::now());
        loop {
            let left = shared.plan().left();
            if left == 0 {
                return Ok(shared.progress.borrow().clone());
            }
            if left != last {
                (last, since) = (left, Instant::now());
            }
            if since.elapsed() >= fetch.patience || running.is_empty() {
                let pieces = shared.progress.borrow().pieces;
                return Err(FetchError::Standstill { missing: left, pieces });
            }
            tokio::select! {
                Some(ended) = running.join_next() => {
                    if let Ok(Err(error)) = ended {
                        return Err(FetchError::Disk(error));
                    }
                }
                () = tokio::time::sleep(STANDSTILL_EVERY) => {}
            }
        }
    }

    /// Looks at what is on disk of each item.
    async fn begin(&self) -> io::Result<Vec<Vec<bool>>> {
        let (library, items) = (self.library.clone(), self.items.clone());
        let look = move || items.iter().map(|item| library.begin(item)).collect();
        tokio::task::spawn_blocking(look).await.map_err(io::Error::other)?
    }
}

/// What the lanes of a fetch share.
struct Shared {
    fetch: Fetch,
    plan: Mutex<Plan>,
    /// For providers that are asked.
    room: Semaphore,
    progress: watch::Sender<Progress>,
}

impl Shared {
    /// The plan stays consistent between any two statements, so a panic elsewhere spoils nothing.
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks one provider whenever there is room for it, until it has nothing more to give.
    async fn ask_all(self: Arc<Shared>, provider: usize) -> io::Result<()> {
        let at_once = self.fetch.providers.len().clamp(1, PROVIDERS);
        let lanes = (UNDER_WAY / at_once).clamp(2, REQUESTS_PER_PEER / 2);
        loop {
            let Ok(room) = self.room.acquire().await else { return Ok(()) };
            let mut running = JoinSet::new();
            for number in 0..lanes {
                running.spawn(Arc::clone(&self).lane(provider, number));
            }
            let mut pause = None;
            while let Some(ended) = running.join_next().await {
                pause = pause.max(ended.map_err(io::Error::other)??);
            }
            drop(room);
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Ok(()),
            }
        }
    }

    /// Asks one provider, one question after the other; returns after how long it is to be asked
    /// again, or nothing if that was all.
    async fn lane(
        self: Arc<Shared>,
        provider: usize,
        number: usize,
    ) -> io::Result<Option<Duration>> {
        let mut dice: usize = rand::random::<u16>().into();
        let mut waits = 0;
        loop {
            dice = dice.wrapping_mul(31).wrapping_add(number + 1);
            let step = self.plan().next(provider, Instant::now(), dice);
            match step {
                Step::Done | Step::Leave => return Ok(None),
                Step::Wait(pause) => {
                    waits += 1;
                    if waits == WAITS || pause > PAUSE_MAX {
                        return Ok(Some(pause));
                    }
                    tokio::time::sleep(pause).await;
                }
                Step::Look(item) => self.look(provider, item).await,
                Step::Ask(piece) => {
                    waits = 0;
                    self.ask(provider, piece).await?;
                }
            }
        }
    }

    async fn look(&self, provider: usize, item: usize) {
        let of = self.fetch.items[item];
        let answer = self.question(provider, Request::Have { item: of }).await;
        match answer {
            Ok(Response::Have(map)) => match library::unmap(&map, of.count()) {
                Some(map) => self.plan().learn(provider, item, &map),
                None => self.blame(provider, None, "a map of another item"),
            },
            Ok(Response::NotFound) => self.plan().lacks(provider, item),
            answer => self.unanswered(provider, None, answer),
        }
    }

    async fn ask(&self, provider: usize, piece: usize) -> io::Result<()> {
        let (item, index) = self.plan().locate(piece);
        let item = self.fetch.items[item];
        match self.question(provider, Request::Piece { item, index }).await {
            Ok(Response::Piece { path, bytes }) => {
                self.progress.send_modify(|progress| progress.received += bytes.len() as u64);
                let library = self.fetch.library.clone();
                let keep = move || keep(&library, &item, index, (&path, &bytes));
                let kept = tokio::task::spawn_blocking(keep).await.map_err(io::Error::other)??;
                if kept {
                    self.landed(provider, piece);
                } else {
                    self.blame(provider, Some(piece), "a wrong piece");
                }
            }
            Ok(Response::NotFound) => self.plan().absent(provider, piece),
            answer => self.unanswered(provider, Some(piece), answer),
        }
        Ok(())
    }

    async fn question(&self, provider: usize, request: Request) -> Result<Response, RequestError> {
        self.fetch.endpoint.request(&self.fetch.providers[provider], request).await
    }

    fn landed(&self, provider: usize, piece: usize) {
        let new = self.plan().landed(provider, piece);
        let id = self.fetch.providers[provider].id;
        self.progress.send_modify(|progress| {
            if new {
                progress.here += 1;
                *progress.given.entry(id).or_default() += 1;
            } else {
                progress.twice += 1;
            }
        });
    }

    /// What is no answer: silence is a fault that passes, what breaks the protocol is not.
    fn unanswered(
        &self,
        provider: usize,
        piece: Option<usize>,
        answer: Result<Response, RequestError>,
    ) {
        match answer {
            Err(RequestError::Malformed(_) | RequestError::Unasked { .. }) => {
                self.blame(provider, piece, "what is no answer");
            }
            other => {
                let peer = short(&self.fetch.providers[provider].id);
                tracing::debug!(peer, ?other, "a provider does not answer");
                self.plan().lost(provider, piece, Instant::now());
            }
        }
    }

    fn blame(&self, provider: usize, piece: Option<usize>, what: &'static str) {
        let id = self.fetch.providers[provider].id;
        tracing::warn!(
            peer = short(&id),
            what,
            "a provider sent what is wrong; it is asked no more"
        );
        self.plan().blame(provider, piece);
        self.progress.send_modify(|progress| {
            progress.blamed.entry(id).or_insert(what);
        });
    }
}

/// Keeps a piece if it is right; returns whether it is.
fn keep(
    library: &Library,
    item: &Item,
    index: u32,
    (path, bytes): (&[Hash32], &[u8]),
) -> io::Result<bool> {
    let right = item.check(index, bytes, path);
    if right {
        library.keep(item, index, (path, bytes))?;
    }
    Ok(right)
}
