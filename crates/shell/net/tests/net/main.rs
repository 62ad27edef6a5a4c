//! Real sockets on the loopback interface: nodes that keep the protocol, and peers that do not.

#![expect(clippy::print_stdout, reason = "what a spread took is for whoever runs it")]

mod friends;
mod hostile;
#[cfg(target_os = "linux")]
mod relay;
mod sharer;
#[cfg(target_os = "linux")]
mod spread;
mod swarm;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use net::{Admission, Config, Endpoint, Hello, Incoming, Limits, Peer, Request, Response, blobs};
use tokio::{sync::mpsc, task::JoinHandle};

/// The network that all nodes of these tests belong to.
const HELLO: Hello = Hello { version: net::PROTOCOL_VERSION, chain_id: 31_337, rounds: [7; 20] };

/// Short enough that a test of a limit ends soon, long enough for a busy machine.
fn limits() -> Limits {
    Limits {
        handshake: Duration::from_secs(5),
        transfer: Duration::from_secs(10),
        reply: Duration::from_secs(10),
        request: Duration::from_secs(20),
        idle: Duration::from_secs(10),
        penalty: Duration::from_secs(100),
    }
}

fn config(seed: u8) -> Config {
    let bind = SocketAddr::from(([127, 0, 0, 1], 0));
    Config { limits: limits(), ..Config::new([seed; 32], bind, HELLO) }
}

async fn bind(config: Config) -> (Endpoint, mpsc::Receiver<Incoming>) {
    Endpoint::bind(config).await.expect("the loopback interface has a free port")
}

fn peer(endpoint: &Endpoint) -> Peer {
    Peer { id: endpoint.id(), addr: endpoint.addr() }
}

/// A node that answers from memory: the blobs it was given, attestations for any offer.
struct Node {
    endpoint: Endpoint,
    answering: JoinHandle<()>,
}

impl Node {
    async fn start(config: Config, kept: Vec<Vec<u8>>) -> Node {
        let (endpoint, incoming) = bind(config).await;
        let answering = tokio::spawn(answer_all(incoming, kept));
        Node { endpoint, answering }
    }

    fn peer(&self) -> Peer {
        peer(&self.endpoint)
    }

    async fn ask(&self, peer: &Peer, request: Request) -> Result<Response, net::RequestError> {
        self.endpoint.request(peer, request).await
    }

    async fn get(&self, from: &Peer, bytes: &[u8]) -> Result<Response, net::RequestError> {
        self.ask(from, Request::Get { blob: blobs::hash(bytes) }).await
    }

    async fn stop(self) {
        self.endpoint.close().await;
        self.answering.await.expect("the answering task ends with its endpoint");
    }
}

async fn answer_all(mut incoming: mpsc::Receiver<Incoming>, kept: Vec<Vec<u8>>) {
    let kept: Arc<[_]> = kept.into_iter().map(|bytes| (blobs::hash(&bytes), bytes)).collect();
    while let Some(Incoming { request, reply, .. }) = incoming.recv().await {
        reply.send(match request {
            Request::Get { blob } | Request::Tensor { root: blob } => {
                match kept.iter().find(|(hash, _)| *hash == blob) {
                    Some((_, bytes)) => Response::Blob(bytes.clone()),
                    None => Response::NotFound,
                }
            }
            Request::Offer { node, .. } => {
                Response::Attest { signature: [u8::try_from(node).unwrap_or(0); 65] }
            }
            Request::Status => {
                Response::Status { node: Some(3), round: 2, block: 1, blobs: kept.len() as u64 }
            }
            Request::Have { .. } | Request::Piece { .. } | Request::Share { .. } => {
                Response::NotFound
            }
        });
    }
}

fn offer(node: u32, bytes: Vec<u8>) -> Request {
    let blob = blobs::hash(&bytes);
    Request::Offer { round: 1, node, update_root: [5; 32], blob, bytes }
}

fn registered(peers: &[&Node]) -> Admission {
    Admission::Registered(peers.iter().map(|node| node.endpoint.id()).collect())
}
