//! A hash of everything that happened, by which two runs of one seed are compared.
//!
//! FNV-1a over the debug text of what is noted; nothing is stored. Absent: resistance to anybody.

use std::fmt;

/// A running hash.
#[derive(Clone, Debug)]
pub(crate) struct Transcript(u64);

impl Default for Transcript {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Transcript {
    /// Returns the hash so far.
    #[must_use]
    pub(crate) fn value(&self) -> u64 {
        self.0
    }
}

impl fmt::Write for Transcript {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
