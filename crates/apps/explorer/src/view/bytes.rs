//! Hashes and addresses: 32 and 20 bytes that print as lower-case hex behind `0x`.
//!
//! `Display` is the full form, [`Hash::short`] the one for tables; parsing takes what `Display`
//! gives, in any case.
//! Deliberately absent: what was hashed, and checksummed capitals.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Why a text is no hash and no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BytesError {
    /// The text does not start with `0x`.
    #[error("expected 0x before the hexadecimal digits")]
    Prefix,
    /// The digits are not as many as needed, or are no digits.
    #[error("expected {expected} hexadecimal digits after 0x, got {got} characters")]
    Digits {
        /// Digits needed.
        expected: usize,
        /// Characters found.
        got: usize,
    },
}

fn parse<const N: usize>(text: &str) -> Result<[u8; N], BytesError> {
    let digits = text.strip_prefix("0x").ok_or(BytesError::Prefix)?;
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes)
        .map_err(|_| BytesError::Digits { expected: 2 * N, got: digits.chars().count() })?;
    Ok(bytes)
}

fn shorten(full: &str) -> String {
    format!("{}…{}", &full[..8], &full[full.len() - 4..])
}

/// 32 bytes: a block's, a transaction's, a Program's hash, a tensor's or list's root, a peer's key.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Returns the first six and the last four digits with an ellipsis between.
    ///
    /// ```
    /// assert_eq!(explorer::view::Hash([0xab; 32]).short(), "0xababab…abab");
    /// ```
    #[must_use]
    pub fn short(&self) -> String {
        shorten(&self.to_string())
    }
}

/// 20 bytes: an account or a contract.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 20]);

impl Address {
    /// Returns the first six and the last four digits with an ellipsis between.
    #[must_use]
    pub fn short(&self) -> String {
        shorten(&self.to_string())
    }
}

impl From<[u8; 32]> for Hash {
    fn from(bytes: [u8; 32]) -> Hash {
        Hash(bytes)
    }
}

impl From<[u8; 20]> for Address {
    fn from(bytes: [u8; 20]) -> Address {
        Address(bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = BytesError;

    fn from_str(text: &str) -> Result<Hash, BytesError> {
        parse(text).map(Hash)
    }
}

impl FromStr for Address {
    type Err = BytesError;

    fn from_str(text: &str) -> Result<Address, BytesError> {
        parse(text).map(Address)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_parses_and_refuses() {
        let hash = Hash([0x5a; 32]);
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(hash.to_string().to_uppercase().replacen("0X", "0x", 1).parse(), Ok(hash));
        let address = Address([0x01; 20]);
        assert_eq!(address.to_string().parse(), Ok(address));
        assert_eq!(address.short(), "0x010101…0101");
        assert_eq!("5a".parse::<Hash>(), Err(BytesError::Prefix));
        assert_eq!("0x5a".parse::<Hash>(), Err(BytesError::Digits { expected: 64, got: 2 }));
        let wide = format!("0x{}", "é".repeat(20));
        assert_eq!(wide.parse::<Address>(), Err(BytesError::Digits { expected: 40, got: 20 }));
    }
}
