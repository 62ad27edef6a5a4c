//! The venues' wire formats: raw JSON from REST or websocket in, [`Message`]s out.
//!
//! One file a venue, all of one shape: `parse(bytes)`. A message that is well formed and none of
//! ours (an acknowledgement, a private event, a ticker without a rate) gives an empty list; what
//! should be ours and cannot be read is a [`WireError`], and never a panic.
//!
//! *Invariant: numbers go from text to [`Decimal`](crate::Decimal) and nowhere else on the way.*

mod binance;
mod bybit;
mod deribit;
mod hyperliquid;
mod okx;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::message::Message;

/// A venue whose messages can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Venue {
    /// Binance, spot.
    BinanceSpot,
    /// Binance, futures margined in dollars.
    BinanceUsdm,
    /// Bybit, version 5.
    Bybit,
    /// OKX, version 5.
    Okx,
    /// Deribit, version 2.
    Deribit,
    /// Hyperliquid.
    Hyperliquid,
}

/// Why a venue's bytes cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// Not JSON, or a field of another kind than the venue documents.
    #[error("the message cannot be read: {reason}")]
    Malformed {
        /// What the parser said, with the place.
        reason: String,
    },
    /// A message of ours without something it needs.
    #[error("{what} without {field}")]
    Missing {
        /// What the message is.
        what: &'static str,
        /// What it lacks.
        field: &'static str,
    },
    /// The venue answered that it will not.
    #[error("the venue refused: {reason} (code {code})")]
    Refused {
        /// The venue's code.
        code: i64,
        /// The venue's words.
        reason: String,
    },
}

/// No venue has this name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no venue; there are binance, binance-usdm, bybit, okx, deribit, hyperliquid")]
pub struct NoVenue(String);

impl Venue {
    /// Every venue.
    pub const ALL: [Self; 6] = [
        Self::BinanceSpot,
        Self::BinanceUsdm,
        Self::Bybit,
        Self::Okx,
        Self::Deribit,
        Self::Hyperliquid,
    ];

    /// Returns its name on the command line, in folders and in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BinanceSpot => "binance",
            Self::BinanceUsdm => "binance-usdm",
            Self::Bybit => "bybit",
            Self::Okx => "okx",
            Self::Deribit => "deribit",
            Self::Hyperliquid => "hyperliquid",
        }
    }

    /// Reads one message, from REST or websocket.
    ///
    /// # Errors
    ///
    /// [`WireError`] where the bytes are no JSON, a message of ours lacks what it needs or has a
    /// number of more than 28 digits, or the venue answered with an error.
    ///
    /// ```
    /// use feeds::{Message, Venue};
    ///
    /// let raw = br#"{"e":"trade","E":2,"s":"BTCUSDT","t":7,"p":"0.001","q":"100","T":1,
    ///     "m":true}"#;
    /// let messages = Venue::BinanceSpot.parse(raw)?;
    /// let [Message::Trade(trade)] = &messages[..] else { panic!("one trade") };
    /// assert_eq!((trade.price.to_string().as_str(), trade.time_ms), ("0.001", 1));
    /// assert_eq!(Venue::Okx.parse(br#"{"event":"subscribe"}"#)?, []);
    /// # Ok::<(), feeds::WireError>(())
    /// ```
    pub fn parse(self, bytes: &[u8]) -> Result<Vec<Message>, WireError> {
        match self {
            Self::BinanceSpot | Self::BinanceUsdm => binance::parse(bytes),
            Self::Bybit => bybit::parse(bytes),
            Self::Okx => okx::parse(bytes),
            Self::Deribit => deribit::parse(bytes),
            Self::Hyperliquid => hyperliquid::parse(bytes),
        }
    }
}

impl fmt::Display for Venue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Venue {
    type Err = NoVenue;

    fn from_str(name: &str) -> Result<Self, NoVenue> {
        let found = Self::ALL.into_iter().find(|venue| venue.name() == name);
        found.ok_or_else(|| NoVenue(name.to_owned()))
    }
}
