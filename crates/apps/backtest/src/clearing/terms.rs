//! The terms that a replay's contracts are deployed with, and how its reporter signs.

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::signers::{SignerSync as _, local::PrivateKeySigner};
use alloy::sol_types::{Eip712Domain, SolStruct as _};
use chain::client::{FeedTerms, SlotReport};
use chain::contracts::house::{Funding, IPortfolioHouse, Scenarios, Sizes};
use chain::contracts::scenarios::IScenarioBook;
use chain::deploy::{ClearingSetup, CourtTerms};
use market::scenario::ledger::Charges;
use tensor::Program;

use super::desk::{DeskSetup, Trader};

/// Blocks in which a grid's claim can be challenged.
pub(crate) const WINDOW_BLOCKS: u64 = 5;
/// Millionths of the margin of what a bidder takes that go to the insurance.
pub(crate) const PENALTY: u32 = 20_000;
pub(super) const CHAIN_ID: u64 = 31_337;

/// What the contracts of a replay are deployed with: one market without a gate, one reporter, no
/// stakes, no fees.
pub(super) fn clearing(setup: &DeskSetup, owner: &Trader, program: &Program) -> ClearingSetup {
    let market = IScenarioBook::Market {
        name: keccak256("replayed"),
        gate: Address::ZERO,
        halfMin: 1,
        upMin: 0,
        downMin: 0,
    };
    let Charges { net, hedged, short, maintenance } = setup.charges;
    let ether = U256::from(10_u64.pow(18));
    ClearingSetup {
        court: CourtTerms {
            supply: ether * U256::from(1_000_000),
            bond: ether,
            window_blocks: WINDOW_BLOCKS,
            clock_blocks: WINDOW_BLOCKS,
            gas_price_cap: U256::ZERO,
            consumers: Vec::new(),
        },
        reporters: vec![owner.who],
        feed: FeedTerms {
            slotSeconds: u32::try_from(setup.slot_s).unwrap_or(u32::MAX),
            lateSeconds: 0,
            quorum: 1,
            band: 10_u128.pow(16),
            stake: U256::ZERO,
            pay: U256::ZERO,
        },
        provider: owner.who,
        program: (B256::from(program.hash().0), program.encode().into()),
        rows: u32::try_from(setup.rows).unwrap_or(u32::MAX),
        band: setup.band,
        markets: vec![market],
        terms: IPortfolioHouse::Terms {
            charges: Scenarios::Charges { net, hedged, short, maintenance },
            funding: Funding::Rules { clamp: 5_000, memory_: 1_800, period: 28_800, gap: 600 },
            lotsMin: 1,
            band: 10_000,
            fee: 0,
            penalty: PENALTY,
            haircutMax: 200_000,
            stress: 0,
            auctionSeconds: 600,
        },
        // A replay asks what the models ask: no cap, and nothing for size.
        sizes: vec![Sizes::Size {
            depth: u64::MAX,
            interestMax: u64::MAX,
            interest: 0,
            thin: 0,
            crowd: 0,
        }],
        haircut: Address::ZERO,
    }
}

mod signed {
    // The message as it is signed; field names and types are part of the digest.
    alloy::sol! {
        struct Report {
            bytes32 market;
            uint64 slot;
            uint128 price;
            uint128 low;
            uint128 high;
            bytes32 messagesRoot;
            uint32 messages;
        }
    }
}

/// Signs a price for the feed.
pub(super) fn signed_report(key: &PrivateKeySigner, report: &SlotReport, feed: Address) -> Bytes {
    let domain = Eip712Domain::new(
        Some("Assay PriceFeed".into()),
        Some("1".into()),
        Some(U256::from(CHAIN_ID)),
        Some(feed),
        None,
    );
    let message = signed::Report {
        market: report.market,
        slot: report.slot,
        price: report.price,
        low: report.low,
        high: report.high,
        messagesRoot: report.messagesRoot,
        messages: report.messages,
    };
    let digest = message.eip712_signing_hash(&domain);
    let signature = key.sign_hash_sync(&digest).expect("a key in memory signs any digest");
    signature.as_bytes().to_vec().into()
}
