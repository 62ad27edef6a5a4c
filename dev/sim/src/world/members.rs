//! Who is who: registry indices, accounts and nodes of the simulation.
//!
//! Absent: a node with two registry indices at a time; one that left and joins again has a new one.

use court::Address;
use round::ledger::Event;

/// The accounts that nodes send from.
const KEY: u8 = 1;

/// Returns the account of a node.
pub(crate) fn key(node: usize) -> Address {
    account(KEY, node)
}

/// Returns the account that a node is paid to.
pub(crate) fn payee(node: usize) -> Address {
    account(2, node)
}

pub(super) fn account(kind: u8, number: usize) -> Address {
    let mut bytes = [kind; 20];
    let number = u32::try_from(number).expect("nodes are few");
    bytes[16..].copy_from_slice(&number.to_be_bytes());
    Address(bytes)
}

/// Returns the node that an account is the key of.
pub(crate) fn node(key: Address) -> Option<usize> {
    let (kind, number) = key.0.split_at(16);
    let number = u32::from_be_bytes(number.try_into().expect("four bytes are left"));
    kind.iter().all(|byte| *byte == KEY).then_some(number as usize)
}

/// Returns every account that has tokens at first: the client's, and two of each node.
pub(crate) fn accounts(count: usize) -> Vec<Address> {
    let both = (0..count).flat_map(|node| [key(node), payee(node)]);
    std::iter::once(client()).chain(both).collect()
}

/// Returns the account of the client that funds the job.
pub(super) fn client() -> Address {
    account(8, 0)
}

/// The registry as the world keeps it, from its events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    /// The node of each registry index.
    nodes: Vec<usize>,
    /// The present registry index of each node.
    indices: Vec<Option<u32>>,
}

impl Members {
    pub(crate) fn new(count: usize) -> Self {
        Self { nodes: Vec::new(), indices: vec![None; count] }
    }

    /// Takes in who joined, and who is gone.
    pub(crate) fn see(&mut self, event: &Event) {
        match event {
            Event::Joined { index, key } => {
                let node = node(*key).expect("nodes join, nobody else");
                self.nodes.push(node);
                self.indices[node] = Some(*index);
            }
            Event::Withdrawn { index, .. } => {
                if let Some(node) = self.node(*index) {
                    self.indices[node] = None;
                }
            }
            _ => {}
        }
    }

    /// Returns the node that has, or had, this registry index.
    pub(crate) fn node(&self, index: u32) -> Option<usize> {
        self.nodes.get(index as usize).copied()
    }

    /// Returns the registry index of a node, while it has one.
    pub(crate) fn index(&self, node: usize) -> Option<u32> {
        self.indices.get(node).copied().flatten()
    }

    /// Returns how many registry indices were ever given.
    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.nodes.len()).expect("nodes are few")
    }
}
