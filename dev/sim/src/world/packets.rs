//! What nodes say to each other, and what each does about it.
//!
//! A packet may be lost, late, doubled, or cut off by a split; it is never altered, which is the
//! transport's business. Absent: trust. What a packet claims is checked by who receives it.

use std::sync::Arc;

use round::machine::{Input, Signature};
use tensor::{Hash, Tensor};

use super::{Happening, World};
use crate::behaviour::Behaviour;
use crate::check::Violation;
use crate::node::signature;
use crate::work::Case;

/// One message between two nodes.
#[derive(Clone, Debug)]
pub enum Packet {
    /// The sender's update, to be kept and signed for.
    Offer {
        /// The round.
        round: u64,
        /// Tensor root of the update.
        update_root: Hash,
        /// BLAKE3 of its bytes.
        blob: Hash,
        /// The bytes.
        bytes: Arc<[u8]>,
    },
    /// The sender keeps the receiver's update.
    Attest {
        /// The round.
        round: u64,
        /// Tensor root of the update.
        update_root: Hash,
        /// BLAKE3 of its bytes.
        blob: Hash,
        /// The sender's signature.
        signature: Signature,
    },
    /// The sender lacks an update.
    WantBlob {
        /// The round.
        round: u64,
        /// Registry index of the author.
        node: u32,
        /// BLAKE3 of its bytes.
        blob: Hash,
    },
    /// The update asked for.
    Blob {
        /// The round.
        round: u64,
        /// Registry index of the author.
        node: u32,
        /// The bytes.
        bytes: Arc<[u8]>,
    },
    /// The sender lacks params or pay of a settled round.
    WantTensor {
        /// Its root.
        root: Hash,
    },
    /// The sender lacks the aggregation of a settled round that waits for its score.
    WantAggregation {
        /// The round.
        round: u64,
    },
    /// The aggregation asked for.
    Aggregation {
        /// The round.
        round: u64,
        /// What went in and came out.
        case: Arc<Case>,
    },
    /// The tensor asked for.
    Tensor {
        /// Its root.
        root: Hash,
        /// The tensor.
        tensor: Arc<Tensor>,
    },
}

impl World {
    /// Sends a packet to whoever has a registry index.
    pub(super) fn post(&mut self, from: usize, to: u32, packet: Packet) {
        if let Some(to) = self.members.node(to) {
            self.pass(from, to, packet);
        }
    }

    /// Sends a packet from one node to another.
    pub(super) fn pass(&mut self, from: usize, to: usize, packet: Packet) {
        let cut = self.faults && self.split.cuts(self.tick, from, to);
        let lost = self.faults && (cut || self.rng.chance(self.options.loss));
        let doubled = self.faults && self.rng.chance(self.options.replay);
        if lost || from == to {
            return;
        }
        if doubled {
            let (delay, packet) = (self.delay(), packet.clone());
            self.schedule(delay, Happening::Arrival { to, from, packet });
        }
        let delay = self.delay();
        self.schedule(delay, Happening::Arrival { to, from, packet });
    }

    pub(super) fn arrive(
        &mut self,
        to: usize,
        from: usize,
        packet: Packet,
    ) -> Result<(), Violation> {
        if self.nodes[to].machine.is_none() {
            return Ok(());
        }
        let serves = self.nodes[to].behaviour != Behaviour::Withhold;
        match packet {
            Packet::Offer { round, update_root, blob, bytes } => {
                let Some(node) = self.members.index(from) else { return Ok(()) };
                let bytes = bytes.to_vec();
                self.feed(to, Input::Offer { round, node, update_root, blob, bytes })
            }
            Packet::Attest { round, update_root, blob, signature: got } => {
                let (Some(own), Some(node)) = (self.members.index(to), self.members.index(from))
                else {
                    return Ok(());
                };
                let digest = self.availability((round, own), (update_root, blob));
                if got == signature(self.nodes[from].secret, digest) {
                    self.feed(to, Input::Signature { round, node, signature: got })
                } else {
                    Ok(())
                }
            }
            Packet::WantBlob { round, node, blob } => {
                if let Some((_, bytes)) = self.nodes[to].disk.blobs.get(&blob).filter(|_| serves) {
                    let bytes = self.nodes[to].sends(bytes);
                    self.pass(to, from, Packet::Blob { round, node, bytes });
                }
                Ok(())
            }
            Packet::Blob { round, node, bytes } => {
                self.feed(to, Input::Fetched { round, node, bytes: bytes.to_vec() })
            }
            Packet::WantTensor { root } => {
                if let Some(tensor) = self.nodes[to].disk.tensors.get(&root).filter(|_| serves) {
                    let tensor = Arc::clone(tensor);
                    self.pass(to, from, Packet::Tensor { root, tensor });
                }
                Ok(())
            }
            Packet::WantAggregation { round } => {
                if let Some(case) = self.nodes[to].disk.waiting.get(&round).filter(|_| serves) {
                    let case = Arc::clone(case);
                    self.pass(to, from, Packet::Aggregation { round, case });
                }
                Ok(())
            }
            Packet::Aggregation { round, case } => {
                self.take_aggregation(to, (round, case));
                Ok(())
            }
            Packet::Tensor { root, tensor } => {
                self.nodes[to].disk.tensors.insert(root, tensor);
                self.resume(to);
                Ok(())
            }
        }
    }
}
