// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IPortfolioHouse} from "../interfaces/IPortfolioHouse.sol";
import {IScenarioBook} from "../interfaces/IScenarioBook.sol";
import {Auction} from "../lib/Auction.sol";
import {Funding} from "../lib/Funding.sol";
import {Ledger} from "../lib/Ledger.sol";
import {Legs} from "../lib/Legs.sol";
import {Scenarios} from "../lib/Scenarios.sol";

/// @title Accounts at the marks, and what is asked of them
/// @dev A transaction reads a scene, opens the accounts it touches, which counts their gains and
///      losses up to the marks in memory, and writes all back. What is here moves no token and
///      knows no order.
abstract contract Portfolios is IPortfolioHouse {
    using Ledger for Ledger.Books;
    using Ledger for Ledger.Purse;
    using Legs for Legs.Leg[];
    using Legs for Legs.List;
    using Scenarios for Scenarios.Sum;

    struct Account {
        Ledger.Purse purse;
        Auction.Clock auction;
        Legs.Leg[] legs;
    }

    /// @dev An account in memory.
    struct Held {
        address who;
        Ledger.Purse purse;
        Auction.Clock auction;
        Legs.List list;
    }

    /// @dev What a transaction knows.
    /// @param values of a unit of each sheet's instrument, less funding paid, ticks
    /// @param swaps of each sheet's instrument
    struct Scene {
        Scenarios.Sheet[] sheets;
        IScenarioBook.State[] states;
        int256[] values;
        Funding.Swap[] swaps;
        Ledger.Books books;
        uint256 haircut;
    }

    uint256 private constant MILLION = 1e6;
    uint256 private constant STALE_NUMERATOR = 3;

    /// @notice What accounts are kept in; 18 decimals.
    IERC20 public immutable collateral;
    /// @notice Instruments, arrays, prices.
    IScenarioBook public immutable book;
    Terms internal _terms;

    Ledger.Books internal _books;
    mapping(address => Account) internal _accounts;
    mapping(uint32 instrument => Funding.Swap) internal _swaps;
    /// @notice Millionths that the collateral is worth less.
    uint256 public haircut;

    /// @param collateral_ an ERC-20 of 18 decimals without fees on transfers
    constructor(IERC20 collateral_, IScenarioBook book_, Terms memory terms_) {
        Scenarios.Charges memory charges = terms_.charges;
        bool some = charges.maintenance > 0 && charges.maintenance <= MILLION;
        require(some, BadTerms("maintenance"));
        require(charges.net > 0 && charges.hedged <= MILLION, BadTerms("charges"));
        require(terms_.lotsMin > 0, BadTerms("lotsMin"));
        require(terms_.band > 0 && terms_.band < MILLION, BadTerms("band"));
        require(terms_.fee <= MILLION / 100, BadTerms("fee"));
        require(terms_.penalty <= MILLION / 4, BadTerms("penalty"));
        require(terms_.haircutMax <= MILLION / 2, BadTerms("haircutMax"));
        require(terms_.auctionSeconds > 0, BadTerms("auctionSeconds"));
        Funding.Rules memory funding = terms_.funding;
        bool timed = funding.memory_ > 0 && funding.period > 0 && funding.gap > 0;
        require(timed && funding.clamp <= MILLION / 10, BadTerms("funding"));
        (collateral, book) = (collateral_, book_);
        _terms = terms_;
    }

    // Scenes and accounts.

    /// @dev Reads arrays, books and perpetuals, these up to now.
    function _begin(IScenarioBook.Reading[] calldata readings)
        internal
        view
        returns (Scene memory scene)
    {
        (scene.sheets, scene.states) = book.read(readings);
        uint256 count = scene.sheets.length;
        scene.values = new int256[](count);
        scene.swaps = new Funding.Swap[](count);
        for (uint256 i = 0; i < count; ++i) {
            Scenarios.Sheet memory sheet = scene.sheets[i];
            if (sheet.kind == uint8(IScenarioBook.Kind.Perpetual)) {
                _fund(scene, i, sheet, scene.states[sheet.market]);
            }
            scene.values[i] = sheet.mark - scene.swaps[i].paid;
        }
        scene.books = _books;
        scene.haircut = haircut;
    }

    /// @dev Counts a perpetual's funding up to now, and puts its basis on its mark.
    function _fund(
        Scene memory scene,
        uint256 at,
        Scenarios.Sheet memory sheet,
        IScenarioBook.State memory state
    ) internal view {
        Funding.Swap memory swap = _swaps[sheet.instrument];
        scene.swaps[at] = swap;
        if (sheet.settled) return;
        Funding.Rules memory rules = _terms.funding;
        uint64 until = uint64(block.timestamp);
        if (sheet.expiry > 0 && sheet.expiry < until) until = sheet.expiry;
        if (state.priceFresh) Funding.pass(swap, rules, state.index, until);
        sheet.mark = int256(state.index) + Funding.premium(swap, rules, state.index);
    }

    /// @dev Writes books and perpetuals back.
    function _end(Scene memory scene) internal {
        _books = scene.books;
        for (uint256 i = 0; i < scene.sheets.length; ++i) {
            Funding.Swap memory swap = scene.swaps[i];
            if (swap.time > 0 && !scene.sheets[i].settled) {
                _swaps[scene.sheets[i].instrument] = swap;
            }
        }
    }

    /// @dev Reads an account and counts it up to the marks; what has settled leaves it.
    function _open(address who, Scene memory scene, uint256 more)
        internal
        view
        returns (Held memory held)
    {
        Account storage account = _accounts[who];
        held.who = who;
        held.purse = account.purse;
        held.auction = account.auction;
        held.list = account.legs.load(more);
        int256 gain = 0;
        uint256 kept = 0;
        uint256 at = 0;
        for (uint256 i = 0; i < held.list.count; ++i) {
            Legs.Leg memory leg = held.list.legs[i];
            at = _find(scene, leg.instrument, at);
            gain += int256(leg.lots) * (scene.values[at] - leg.base);
            leg.base = int128(scene.values[at]);
            if (!scene.sheets[at].settled) held.list.legs[kept++] = leg;
        }
        held.list.count = kept;
        scene.books.credit(held.purse, gain);
    }

    /// @dev Writes an account back. With no legs left its debt is what it cannot pay.
    function _close(Held memory held, Scene memory scene) internal {
        if (held.list.count == 0) {
            Auction.end(held.auction);
            (uint128 debt, uint128 covered) = scene.books.absorb(held.purse);
            if (debt > 0) emit BadDebt(held.who, debt, covered);
        }
        Account storage account = _accounts[held.who];
        account.purse = held.purse;
        account.auction = held.auction;
        account.legs.store(held.list);
    }

    /// @dev Returns the place of an instrument's sheet, looked for from `at` on.
    function _find(Scene memory scene, uint32 instrument, uint256 at)
        internal
        pure
        returns (uint256)
    {
        uint256 count = scene.sheets.length;
        while (at < count && scene.sheets[at].instrument < instrument) ++at;
        bool there = at < count && scene.sheets[at].instrument == instrument;
        require(there, NoReading(instrument));
        return at;
    }

    // Margins.

    /// @dev Returns the margins of an account's legs: by market, without offset.
    function _margins(Held memory held, Scene memory scene)
        internal
        view
        returns (uint256 initial, uint256 maintenance)
    {
        Scenarios.Sum[] memory sums = new Scenarios.Sum[](scene.states.length);
        uint256 at = 0;
        for (uint256 i = 0; i < held.list.count; ++i) {
            Legs.Leg memory leg = held.list.legs[i];
            at = _find(scene, leg.instrument, at);
            Scenarios.Sheet memory sheet = scene.sheets[at];
            sums[sheet.market].add(sheet, leg.lots);
        }
        Scenarios.Charges memory charges = _terms.charges;
        for (uint256 m = 0; m < sums.length; ++m) {
            IScenarioBook.State memory state = scene.states[m];
            if (!state.known) continue;
            uint256 margin = sums[m].initial(charges, state.index);
            maintenance += Scenarios.maintenance(margin, charges);
            initial += state.gridFresh ? margin : Math.ceilDiv(margin * STALE_NUMERATOR, 2);
        }
    }

    /// @dev Returns whether every price that an account's legs have is fresh, and every grid.
    function _fresh(Held memory held, Scene memory scene)
        internal
        pure
        returns (bool prices, bool grids)
    {
        (prices, grids) = (true, true);
        uint256 at = 0;
        for (uint256 i = 0; i < held.list.count; ++i) {
            at = _find(scene, held.list.legs[i].instrument, at);
            IScenarioBook.State memory state = scene.states[scene.sheets[at].market];
            prices = prices && state.priceFresh;
            grids = grids && state.gridFresh;
        }
    }

    function _checkPrices(Held memory held, Scene memory scene) internal pure {
        (bool prices,) = _fresh(held, scene);
        require(prices, Stale());
    }

    function _checkInitial(Held memory held, Scene memory scene) internal view {
        (uint256 initial,) = _margins(held, scene);
        int256 secured = scene.books.secured(held.purse, scene.haircut);
        require(secured >= int256(initial), MarginMissing(held.who, secured, initial));
    }

    /// @dev Returns the maintenance margin, which an account has that trades.
    function _checkMaintenance(Held memory held, Scene memory scene)
        internal
        view
        returns (uint256 maintenance)
    {
        (, maintenance) = _margins(held, scene);
        int256 equity = held.purse.equity(scene.haircut);
        bool healthy = equity >= int256(maintenance);
        require(healthy, UnderMaintenance(held.who, equity, maintenance));
        Auction.end(held.auction);
    }

    /// @dev Closing at the mark, or better, needs nothing more; closing at worse than it, what is
    ///      left of the maintenance margin; everything else is new risk.
    /// @param gain of the trade at the marks
    function _checkAfter(
        Held memory held,
        Scene memory scene,
        bool shrinks,
        uint256 maintenanceBefore,
        int256 gain
    ) internal view {
        if (shrinks) {
            (, uint256 maintenance) = _margins(held, scene);
            bool keeps = gain >= 0 || held.purse.equity(scene.haircut) >= int256(maintenance);
            if (maintenance <= maintenanceBefore && keeps) return;
        }
        (bool prices, bool grids) = _fresh(held, scene);
        require(prices && grids, Stale());
        _checkInitial(held, scene);
    }
}
