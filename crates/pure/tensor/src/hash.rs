//! The 32-byte name of a tensor, a tree or a Program.
//!
//! Invariant: a [`struct@Hash`] made by this crate is the keccak-256 of something, or
//! [`Hash::ZERO`], which stands for an absent child and is nobody's preimage in practice.
//! Absent: other hash functions, truncation, incremental hashing.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha3::{Digest, Keccak256};

/// A keccak-256 digest; ordered by its bytes.
///
/// Displays as lower-case hex after `0x` and parses back from it:
///
/// ```
/// use tensor::Hash;
///
/// let hash = Hash::of(&[b"", b"abc"]);
/// assert_eq!(hash.to_string().parse::<Hash>()?, hash);
/// assert_eq!(&hash.to_string()[..10], "0x4e03657a");
/// # Ok::<(), tensor::ParseHashError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

/// Why a string is not a [`struct@Hash`].
///
/// ```
/// use tensor::{Hash, ParseHashError};
///
/// assert_eq!("0x12".parse::<Hash>(), Err(ParseHashError::Size { expected: 64, got: 2 }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseHashError {
    /// The number of hex digits is not 64.
    #[error("a hash has {expected} hex digits, not {got}")]
    Size {
        /// Digits of a hash.
        expected: usize,
        /// Digits of the string, after an optional `0x`.
        got: usize,
    },
    /// A character is no hex digit.
    #[error("character {index} of a hash is not a hex digit")]
    Digit {
        /// Position after the optional `0x`.
        index: usize,
    },
}

impl Hash {
    /// Thirty-two zero bytes: an absent child of a tree, and the root of an empty list.
    ///
    /// ```
    /// assert_eq!(tensor::Hash::ZERO, tensor::Hash([0; 32]));
    /// ```
    pub const ZERO: Hash = Hash([0; 32]);

    /// Returns the keccak-256 of the concatenation of `parts`.
    ///
    /// ```
    /// use tensor::Hash;
    ///
    /// assert_eq!(Hash::of(&[b"ab", b"c"]), Hash::of(&[b"abc"]));
    /// ```
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Hash {
        let mut hasher = Keccak256::new();
        for part in parts {
            hasher.update(part);
        }
        Hash(hasher.finalize().into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Hash, ParseHashError> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let got = digits.chars().count();
        if got != 64 {
            return Err(ParseHashError::Size { expected: 64, got });
        }
        let mut bytes = [0u8; 32];
        for (index, character) in digits.chars().enumerate() {
            let digit = character.to_digit(16).ok_or(ParseHashError::Digit { index })?;
            let digit = u8::try_from(digit).expect("a hex digit is below 16");
            bytes[index / 2] = bytes[index / 2] << 4 | digit;
        }
        Ok(Hash(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
