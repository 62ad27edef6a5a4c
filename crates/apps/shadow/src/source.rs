//! How a protocol's live margins are read off its own contract.
//!
//! A [`Call`] names a view function and which word of its answer is meant, a [`Unit`] what the
//! word counts. *Invariant: what cannot be a margin is an error with the raw word, never a number.*

use std::str::FromStr;

use alloy::dyn_abi::{DynSolType, DynSolValue};
use alloy::eips::BlockNumberOrTag;
use alloy::json_abi::Function;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::rpc::types::{Block, Header, TransactionRequest};
use chain::{Client, ClientError};
use thiserror::Error;

/// Bytes of a word of the ABI.
const WORD: usize = 32;
/// Times a reading is begun anew because the chain went on meanwhile.
const RETRIES: usize = 4;

/// A view function that says a margin: `initialMargin(bytes32)`, or `marginsOf(bytes32)#1` for the
/// second word of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    function: Function,
    word: usize,
}

impl FromStr for Call {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Call, SourceError> {
        let refuse = |reason: String| SourceError::Call { text: text.to_owned(), reason };
        let (signature, word) = match text.split_once('#') {
            None => (text, 0),
            Some((signature, word)) => {
                let word = word.parse().map_err(|_| refuse("# takes the number of a word".into()));
                (signature, word?)
            }
        };
        let function = Function::parse(signature).map_err(|error| refuse(format!("{error}")))?;
        if function.inputs.len() > 1 {
            return Err(refuse("it takes more than the market".into()));
        }
        Ok(Call { function, word })
    }
}

impl Call {
    /// Returns the bytes of a call about a market.
    ///
    /// # Errors
    ///
    /// [`SourceError::Argument`] if the market's argument is not of the type that the function
    /// takes.
    pub fn input(&self, market: &Target) -> Result<Bytes, SourceError> {
        let mut input = self.function.selector().to_vec();
        if let Some(parameter) = self.function.inputs.first() {
            input.extend(market.argument(&parameter.ty)?.abi_encode());
        }
        Ok(input.into())
    }

    /// Returns the word of an answer.
    fn word(&self, answer: &Bytes) -> Result<U256, SourceError> {
        let from = self.word * WORD;
        let word = answer.get(from..from + WORD).ok_or_else(|| SourceError::Answer {
            call: self.function.signature(),
            word: self.word,
            got: answer.len(),
        })?;
        Ok(U256::from_be_slice(word))
    }
}

/// A market as the contract knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What it is called, and found by in the data: `BTC`.
    pub name: String,
    /// What is handed to the contract; without it keccak-256 of the name where a `bytes32` is
    /// taken, or the name itself where a `string` is.
    pub argument: Option<String>,
}

impl FromStr for Target {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Target, SourceError> {
        let (name, argument) = match text.split_once('=') {
            None => (text, None),
            Some((name, argument)) => (name, Some(argument.to_owned())),
        };
        if name.is_empty() || argument.as_deref() == Some("") {
            return Err(SourceError::Target { text: text.to_owned() });
        }
        Ok(Target { name: name.to_owned(), argument })
    }
}

impl Target {
    /// Returns the argument as a value of a type of Solidity.
    ///
    /// # Errors
    ///
    /// [`SourceError::Argument`].
    pub fn argument(&self, ty: &str) -> Result<DynSolValue, SourceError> {
        let refuse = |reason: String| SourceError::Argument {
            market: self.name.clone(),
            ty: ty.to_owned(),
            reason,
        };
        match (&self.argument, ty) {
            (None, "bytes32") => Ok(DynSolValue::FixedBytes(keccak256(&self.name), WORD)),
            (None, "string") => Ok(DynSolValue::String(self.name.clone())),
            (None, _) => Err(refuse(format!("write {}=ARGUMENT", self.name))),
            (Some(text), _) => {
                let parsed = ty.parse::<DynSolType>().map_err(|error| refuse(error.to_string()))?;
                parsed.coerce_str(text).map_err(|error| refuse(error.to_string()))
            }
        }
    }
}

/// What a number of the contract counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    /// So many of it are the whole position: 1e18, or 10,000 for basis points.
    Share(f64),
    /// It is the largest leverage, times this.
    Leverage(f64),
}

impl FromStr for Unit {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Unit, SourceError> {
        let refuse = || SourceError::Unit { text: text.to_owned() };
        let one = |digits: &str| {
            let number = digits.parse::<f64>().ok();
            number.filter(|one| one.is_finite() && *one >= 1.0).ok_or_else(refuse)
        };
        match text.split_once(':') {
            Some(("leverage", digits)) => Ok(Unit::Leverage(one(digits)?)),
            Some(_) => Err(refuse()),
            None => match text {
                "wad" => Ok(Unit::Share(1e18)),
                "bps" => Ok(Unit::Share(1e4)),
                "percent" => Ok(Unit::Share(100.0)),
                "leverage" => Ok(Unit::Leverage(1.0)),
                digits => Ok(Unit::Share(one(digits)?)),
            },
        }
    }
}

impl Unit {
    /// Returns a number of the contract as a share of a position's value.
    ///
    /// # Errors
    ///
    /// [`SourceError::NoMargin`] unless it is in (0, 1].
    pub fn share(self, raw: U256) -> Result<f64, SourceError> {
        let number = f64::from(raw);
        let share = match self {
            Unit::Share(one) => number / one,
            Unit::Leverage(one) => one / number,
        };
        if share > 0.0 && share <= 1.0 {
            Ok(share)
        } else {
            Err(SourceError::NoMargin { raw, share })
        }
    }

    /// Returns a share as a number of the contract, rounded so that the margin is no smaller.
    #[must_use]
    pub fn raw(self, share: f64) -> U256 {
        // Exact decimals would be lost in an f64 of 18 digits: a share is rounded up to a millionth
        // first, as a person would write it.
        let millionths = (share * 1e6).ceil();
        match self {
            Unit::Share(one) => {
                (U256::from(millionths) * U256::from(one)).div_ceil(U256::from(1_000_000))
            }
            Unit::Leverage(one) => U256::from(one) * U256::from(1_000_000) / U256::from(millionths),
        }
    }
}

/// How the margins of a protocol are read.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The contract.
    pub contract: Address,
    /// Says the initial margin.
    pub initial: Call,
    /// Says the maintenance margin.
    pub maintenance: Call,
    /// What both count.
    pub unit: Unit,
}

/// A market's margins as they stood in a block; shares of a position's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Number of the block.
    pub block: u64,
    /// Its hash.
    pub block_hash: B256,
    /// The initial margin.
    pub initial: f64,
    /// The maintenance margin.
    pub maintenance: f64,
}

impl Source {
    /// Reads a market's margins in the chain's latest block.
    ///
    /// # Errors
    ///
    /// [`SourceError`]: the chain cannot be asked, there is no contract, or it answers what is no
    /// margin.
    pub async fn read(&self, client: &Client, market: &Target) -> Result<Reading, SourceError> {
        if client.code(self.contract).await?.is_empty() {
            let (contract, url) = (self.contract, client.url().to_owned());
            return Err(SourceError::NoContract { contract, url });
        }
        let mut header = latest(client).await?;
        for _ in 0..RETRIES {
            match self.read_at(client, market, &header).await {
                Ok(reading) => return Ok(reading),
                // A chain that keeps no old states has none of a block that is the latest no more.
                Err(error) => {
                    let now = latest(client).await?;
                    if now.number == header.number {
                        return Err(error);
                    }
                    header = now;
                }
            }
        }
        self.read_at(client, market, &header).await
    }

    /// Reads a market's margins in one block.
    async fn read_at(
        &self,
        client: &Client,
        market: &Target,
        header: &Header,
    ) -> Result<Reading, SourceError> {
        let (block, block_hash) = (header.number, header.hash);
        let initial = self.unit.share(self.ask(client, &self.initial, (market, block)).await?)?;
        let word = self.ask(client, &self.maintenance, (market, block)).await?;
        let maintenance = self.unit.share(word)?;
        if maintenance > initial {
            return Err(SourceError::Crossed { market: market.name.clone(), initial, maintenance });
        }
        Ok(Reading { block, block_hash, initial, maintenance })
    }

    async fn ask(
        &self,
        client: &Client,
        call: &Call,
        (market, block): (&Target, u64),
    ) -> Result<U256, SourceError> {
        let request = TransactionRequest {
            to: Some(self.contract.into()),
            input: call.input(market)?.into(),
            ..TransactionRequest::default()
        };
        let block = BlockNumberOrTag::Number(block);
        call.word(&client.request("eth_call", (request, block)).await?)
    }
}

/// Returns the header of the chain's latest block.
async fn latest(client: &Client) -> Result<Header, SourceError> {
    let block: Option<Block> =
        client.request("eth_getBlockByNumber", (BlockNumberOrTag::Latest, false)).await?;
    Ok(block.ok_or(SourceError::NoBlock)?.header)
}

/// Why margins cannot be read.
#[derive(Debug, Error)]
pub enum SourceError {
    /// No signature.
    #[error(
        "{text:?} names no view function: {reason}; write it like initialMargin(bytes32), or \
         marginsOf(bytes32)#1 for the second word of its answer"
    )]
    Call {
        /// What was written.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No market.
    #[error("{text:?} names no market; write BTC, or BTC=ARGUMENT as the contract takes it")]
    Target {
        /// What was written.
        text: String,
    },
    /// No unit.
    #[error(
        "{text:?} is no unit; there are wad, bps, percent, leverage, leverage:1e18 and a \
             number that is the whole position, such as 1e6"
    )]
    Unit {
        /// What was written.
        text: String,
    },
    /// The market's argument does not fit.
    #[error("the contract takes a {ty} for {market}: {reason}")]
    Argument {
        /// The market.
        market: String,
        /// The type.
        ty: String,
        /// What is wrong or what to write.
        reason: String,
    },
    /// An answer that is too short.
    #[error("{call} answers {got} bytes, which have no word {word}; is it the right function?")]
    Answer {
        /// The function.
        call: String,
        /// The word that is asked for.
        word: usize,
        /// Bytes of the answer.
        got: usize,
    },
    /// A number that is no margin.
    #[error(
        "the contract says {raw}, which would be {share} of a position; check --unit and the \
         market's argument"
    )]
    NoMargin {
        /// The word.
        raw: U256,
        /// What it would be.
        share: f64,
    },
    /// Maintenance above initial.
    #[error(
        "{market}: the contract says a maintenance margin of {maintenance} above the initial one \
         of {initial}; are the two functions swapped?"
    )]
    Crossed {
        /// The market.
        market: String,
        /// The initial margin.
        initial: f64,
        /// The maintenance margin.
        maintenance: f64,
    },
    /// No contract there.
    #[error("there is no contract at {contract} on the chain of {url}")]
    NoContract {
        /// The address.
        contract: Address,
        /// The chain's.
        url: String,
    },
    /// The chain has no block.
    #[error("the chain says that it has no block")]
    NoBlock,
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ClientError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_and_written_as_solidity_has_them() {
        let call: Call = "initialMargin(bytes32)".parse().expect("a call");
        let market: Target = "BTC".parse().expect("a market");
        let input = call.input(&market).expect("a hash");
        assert_eq!(input[..4], keccak256("initialMargin(bytes32)")[..4]);
        assert_eq!(input[4..], keccak256("BTC")[..]);
        let call: Call = "config(address)#3".parse().expect("a call");
        assert_eq!(call.word, 3);
        let error = call.input(&market).expect_err("no address");
        assert!(error.to_string().contains("write BTC=ARGUMENT"), "{error}");
        let market: Target =
            "BTC=0x0000000000000000000000000000000000000007".parse().expect("a market");
        assert_eq!(call.input(&market).expect("an address")[35], 7);
        for bad in ["initialMargin", "f(bytes32,uint256)", "f(bytes32)#x", ""] {
            assert!(bad.parse::<Call>().is_err(), "{bad}");
        }
        for bad in ["", "=7", "BTC="] {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
    }

    #[test]
    fn units_are_read_both_ways_and_never_lower_a_margin() {
        let unit = |text: &str| text.parse::<Unit>().expect("a unit");
        let share = |text: &str, raw: u64| unit(text).share(U256::from(raw)).expect("a margin");
        assert_eq!((share("bps", 500), share("percent", 5)), (0.05, 0.05));
        assert_eq!((share("leverage", 20), share("1e6", 50_000)), (0.05, 0.05));
        assert_eq!(unit("wad").raw(0.05), U256::from(50_000_000_000_000_000_u64));
        for text in ["wad", "1e6", "leverage:1e18"] {
            for i in 1..=1_000 {
                let wanted = f64::from(i) / 1_000.0 - 1e-5;
                let got = unit(text).share(unit(text).raw(wanted)).expect("a margin");
                assert!(got >= wanted - 1e-12 && got <= wanted + 2e-6, "{text} {wanted} {got}");
            }
        }
        assert!(matches!(unit("wad").share(U256::ZERO), Err(SourceError::NoMargin { .. })));
        assert!(matches!(unit("bps").share(U256::MAX), Err(SourceError::NoMargin { .. })));
        for bad in ["", "0", "-5", "ether", "leverage:0", "nan"] {
            assert!(bad.parse::<Unit>().is_err(), "{bad}");
        }
    }
}
