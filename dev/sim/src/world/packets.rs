//! What nodes say to each other, and what each does about it.
//!
//! A packet may be lost, late, doubled, or cut off by a split; it is never altered, which is the
//! transport's business. Absent: trust. What a packet claims is checked by who receives it.

use round::digest;
use round::machine::{Input, Signature};
use tensor::{Hash, Tensor};

use super::{Happening, World};
use crate::check::Violation;
use crate::node::signature;
use crate::options::Behaviour;

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
        bytes: Vec<u8>,
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
        bytes: Vec<u8>,
    },
    /// The sender lacks params or pay of a settled round.
    WantTensor {
        /// Its root.
        root: Hash,
    },
    /// The tensor asked for.
    Tensor {
        /// The tensor.
        tensor: Tensor,
    },
}

impl World {
    pub(super) fn post(&mut self, from: usize, to: usize, packet: Packet) {
        let cut = self.tick < self.split_until && self.split[from] != self.split[to];
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
        let author = u32::try_from(from).expect("few nodes");
        match packet {
            Packet::Offer { round, update_root, blob, bytes } => {
                self.feed(to, Input::Offer { round, node: author, update_root, blob, bytes })
            }
            Packet::Attest { round, update_root, blob, signature: got } => {
                let own = u32::try_from(to).expect("few nodes");
                let domain = &self.config.domain;
                let digest = digest::availability(domain, (round, own), update_root, blob);
                if got == signature(self.nodes[from].secret, digest) {
                    self.feed(to, Input::Signature { round, node: author, signature: got })
                } else {
                    Ok(())
                }
            }
            Packet::WantBlob { round, node, blob } => {
                if let Some((_, bytes)) = self.nodes[to].disk.blobs.get(&blob).filter(|_| serves) {
                    let bytes = self.nodes[to].sends(bytes);
                    self.post(to, from, Packet::Blob { round, node, bytes });
                }
                Ok(())
            }
            Packet::Blob { round, node, bytes } => {
                self.feed(to, Input::Fetched { round, node, bytes })
            }
            Packet::WantTensor { root } => {
                if let Some(tensor) = self.nodes[to].disk.tensors.get(&root).filter(|_| serves) {
                    let tensor = tensor.clone();
                    self.post(to, from, Packet::Tensor { tensor });
                }
                Ok(())
            }
            Packet::Tensor { tensor } => {
                self.nodes[to].disk.tensors.insert(tensor.root(), tensor);
                self.resume(to);
                Ok(())
            }
        }
    }
}
