//! A node that shares items in pieces, as the real one does: whole ones and parts of them.

use std::{path::Path, time::Duration};

use net::{
    Config, Endpoint, Incoming, Peer, Request, Response,
    library::{Library, Place},
    pieces::Item,
    swarm::{Fetch, FetchError, Progress},
};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
};

/// How it answers who asks for a piece.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    Honest,
    /// Honest, and silent until this is true.
    Waits(watch::Receiver<bool>),
    /// A bit of every piece is flipped.
    Lies,
    /// After so many pieces it is silent.
    Dies(usize),
}

/// The node. Dropping it is a kill: nobody is told.
#[derive(Debug)]
pub(crate) struct Sharer {
    pub(crate) endpoint: Endpoint,
    pub(crate) library: Library,
    answering: JoinHandle<()>,
}

impl Drop for Sharer {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

impl Sharer {
    /// Starts one in a folder; `whole` is what it has, and where.
    pub(crate) async fn start(
        config: Config,
        dir: &Path,
        whole: Option<(Item, Place)>,
        manner: Manner,
    ) -> Sharer {
        let (endpoint, incoming) = crate::bind(config).await;
        let library = Library::open(dir).expect("a folder can be made");
        let answering = tokio::spawn(answer_all(incoming, library.clone(), whole, manner));
        Sharer { endpoint, library, answering }
    }

    pub(crate) fn peer(&self) -> Peer {
        crate::peer(&self.endpoint)
    }

    /// Begins to fetch an item; returns how far it is, and the end of it.
    pub(crate) fn fetch(
        &self,
        items: Vec<Item>,
        providers: Vec<Peer>,
        patience: Duration,
    ) -> (watch::Receiver<Progress>, JoinHandle<Result<Progress, FetchError>>) {
        let (told, progress) = watch::channel(Progress::default());
        let (endpoint, library) = (self.endpoint.clone(), self.library.clone());
        let fetch = Fetch { endpoint, library, items, providers, patience };
        (progress, tokio::spawn(fetch.run(told)))
    }
}

async fn answer_all(
    mut incoming: mpsc::Receiver<Incoming>,
    library: Library,
    whole: Option<(Item, Place)>,
    manner: Manner,
) {
    let mut answers = JoinSet::new();
    let mut given = 0;
    while let Some(Incoming { request, reply, .. }) = incoming.recv().await {
        while answers.try_join_next().is_some() {}
        let is_piece = matches!(request, Request::Piece { .. });
        given += usize::from(is_piece);
        if matches!(manner, Manner::Dies(after) if given > after) {
            // Who is dead holds its questions open until the other side gives up.
            answers.spawn(async move {
                std::future::pending::<()>().await;
                drop(reply);
            });
            continue;
        }
        let (library, lies) = (library.clone(), matches!(manner, Manner::Lies));
        let place = |item: &Item| {
            whole.as_ref().filter(|(whole, _)| whole == item).map(|(_, place)| place.clone())
        };
        let place = match &request {
            Request::Have { item } | Request::Piece { item, .. } => place(item),
            _ => None,
        };
        let answer = move || {
            let answer = match request {
                Request::Have { item } => library.have(&item, place.as_ref()),
                Request::Piece { item, index } => library.piece(&item, index, place.as_ref()),
                _ => Response::NotFound,
            };
            reply.send(if lies { twisted(answer) } else { answer });
        };
        match (&manner, is_piece) {
            (Manner::Waits(open), true) => {
                let mut open = open.clone();
                answers.spawn(async move {
                    if open.wait_for(|open| *open).await.is_ok() {
                        let _ = tokio::task::spawn_blocking(answer).await;
                    }
                });
            }
            _ => drop(answers.spawn_blocking(answer)),
        }
    }
}

fn twisted(answer: Response) -> Response {
    match answer {
        Response::Piece { path, mut bytes } => {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            Response::Piece { path, bytes }
        }
        honest => honest,
    }
}
