//! What each peer has cost: bytes and messages by direction, for metrics.
//!
//! Counted are the bytes of frames and greetings, not the datagrams they travelled in.

/// Bytes and messages exchanged with one peer since the endpoint was bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes sent to the peer: our questions and our answers.
    pub sent_bytes: u64,
    /// Bytes received from it: its answers and its questions, malformed ones included.
    pub received_bytes: u64,
    /// Questions we asked it.
    pub asked: u64,
    /// Questions it asked us that reached the node.
    pub served: u64,
    /// Questions it asked us that did not: malformed, too large, too slow, or the node was busy.
    pub refused: u64,
}

impl Traffic {
    /// Adds `bytes` to what was sent.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent_bytes = self.sent_bytes.saturating_add(bytes as u64);
    }

    /// Adds `bytes` to what was received.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.received_bytes = self.received_bytes.saturating_add(bytes as u64);
    }
}
