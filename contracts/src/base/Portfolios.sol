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
import {Sizes} from "../lib/Sizes.sol";

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
    using Sizes for Scenarios.Sum;
    using Sizes for Sizes.Size;

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
    /// @param sizes of each sheet's market
    /// @param stress haircut of the collateral under which initial margin has to be there
    struct Scene {
        Scenarios.Sheet[] sheets;
        IScenarioBook.State[] states;
        int256[] values;
        Funding.Swap[] swaps;
        Sizes.Size[] sizes;
        Ledger.Books books;
        uint256 haircut;
        uint256 stress;
    }

    /// @dev What is asked of an account's legs, wei.
    /// @param initial half as much again where a grid is stale, and so are the next two
    /// @param sized part of it that is asked for size against depth
    /// @param opening initial margin and what is asked for the share of open interest
    /// @param prices whether the price of each market is fresh
    /// @param grids whether the grid of each is
    struct Margins {
        uint256 initial;
        uint256 maintenance;
        uint256 sized;
        uint256 opening;
        bool prices;
        bool grids;
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
    Sizes.Size[] internal _sizes;
    /// @notice Millionths that the collateral is worth less.
    uint256 public haircut;

    /// @param collateral_ an ERC-20 of 18 decimals without fees on transfers
    constructor(
        IERC20 collateral_,
        IScenarioBook book_,
        Terms memory terms_,
        Sizes.Size[] memory sizes_
    ) {
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
        require(terms_.stress <= MILLION / 2, BadTerms("stress"));
        require(sizes_.length == book_.marketCount(), BadTerms("sizes"));
        for (uint256 m = 0; m < sizes_.length; ++m) {
            Sizes.Size memory size = sizes_[m];
            bool open = size.depth > 0 && size.interestMax > 0 && size.interest == 0;
            require(open && size.crowd <= MILLION, BadTerms("sizes"));
            _sizes.push(size);
        }
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
        scene.sizes = new Sizes.Size[](scene.states.length);
        for (uint256 i = 0; i < count; ++i) {
            Scenarios.Sheet memory sheet = scene.sheets[i];
            uint256 m = sheet.market;
            if (scene.sizes[m].depth == 0) scene.sizes[m] = _sizes[m];
            if (sheet.kind == uint8(IScenarioBook.Kind.Perpetual)) {
                _fund(scene, i, sheet, scene.states[sheet.market]);
            }
            scene.values[i] = sheet.mark - scene.swaps[i].paid;
        }
        scene.books = _books;
        scene.haircut = haircut;
        scene.stress = Math.max(scene.haircut, _terms.stress);
    }

    /// @dev Counts a perpetual's funding up to now, and puts its basis on its mark.
    function _fund(
        Scene memory scene,
        uint256 row,
        Scenarios.Sheet memory sheet,
        IScenarioBook.State memory state
    ) internal view {
        Funding.Swap memory swap = _swaps[sheet.instrument];
        scene.swaps[row] = swap;
        if (sheet.settled) return;
        Funding.Rules memory rules = _terms.funding;
        uint64 until = uint64(block.timestamp);
        if (sheet.expiry > 0 && sheet.expiry < until) until = sheet.expiry;
        if (state.priceFresh) Funding.pass(swap, rules, state.index, until);
        sheet.mark = int256(state.index) + Funding.premium(swap, rules, state.index);
    }

    /// @dev Writes books, perpetuals and open interest back.
    function _end(Scene memory scene) internal {
        _books = scene.books;
        for (uint256 i = 0; i < scene.sheets.length; ++i) {
            Funding.Swap memory swap = scene.swaps[i];
            if (swap.time > 0 && !scene.sheets[i].settled) {
                _swaps[scene.sheets[i].instrument] = swap;
            }
        }
        for (uint256 m = 0; m < scene.sizes.length; ++m) {
            Sizes.Size memory size = scene.sizes[m];
            if (size.depth > 0 && size.interest != _sizes[m].interest) {
                _sizes[m].interest = size.interest;
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
        uint256 row = 0;
        for (uint256 i = 0; i < held.list.count; ++i) {
            Legs.Leg memory leg = held.list.legs[i];
            row = _find(scene, leg.instrument, row);
            gain += int256(leg.lots) * (scene.values[row] - leg.base);
            leg.base = int128(scene.values[row]);
            if (!scene.sheets[row].settled) held.list.legs[kept++] = leg;
            else if (leg.lots > 0) _widen(scene, row, -int256(leg.lots));
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
    function _find(Scene memory scene, uint32 instrument, uint256 row)
        internal
        pure
        returns (uint256)
    {
        uint256 count = scene.sheets.length;
        while (row < count && scene.sheets[row].instrument < instrument) ++row;
        bool there = row < count && scene.sheets[row].instrument == instrument;
        require(there, NoReading(instrument));
        return row;
    }

    /// @dev Adds to the open interest of a sheet's market.
    function _widen(Scene memory scene, uint256 row, int256 longer) internal pure {
        Sizes.Size memory size = scene.sizes[scene.sheets[row].market];
        size.interest = uint64(uint256(int256(uint256(size.interest)) + longer));
    }

    // Margins.

    /// @dev Returns the margins of an account's legs: by market, without offset.
    function _margins(Held memory held, Scene memory scene)
        internal
        view
        returns (Margins memory asked)
    {
        Scenarios.Sum[] memory sums = new Scenarios.Sum[](scene.states.length);
        uint256 row = 0;
        for (uint256 i = 0; i < held.list.count; ++i) {
            Legs.Leg memory leg = held.list.legs[i];
            row = _find(scene, leg.instrument, row);
            Scenarios.Sheet memory sheet = scene.sheets[row];
            sums[sheet.market].add(sheet, leg.lots);
        }
        Scenarios.Charges memory charges = _terms.charges;
        (asked.prices, asked.grids) = (true, true);
        for (uint256 m = 0; m < sums.length; ++m) {
            Scenarios.Sum memory sum = sums[m];
            if (sum.gross == 0) continue;
            IScenarioBook.State memory state = scene.states[m];
            asked.prices = asked.prices && state.priceFresh;
            asked.grids = asked.grids && state.gridFresh;
            uint256 lots = sum.lotsOf();
            uint256 sized = scene.sizes[m].sized(lots, state.index);
            uint256 margin = sum.initial(charges, state.index) + sized;
            uint256 opening = margin + scene.sizes[m].crowded(lots, sum.gross, state.index);
            asked.maintenance += Scenarios.maintenance(margin, charges);
            asked.initial += _raised(margin, state.gridFresh);
            asked.sized += _raised(sized, state.gridFresh);
            asked.opening += _raised(opening, state.gridFresh);
        }
    }

    /// @dev Half as much again where a grid is stale.
    function _raised(uint256 margin, bool fresh) private pure returns (uint256) {
        return fresh ? margin : Math.ceilDiv(margin * STALE_NUMERATOR, 2);
    }

    /// @dev Returns the margins of an account whose prices are fresh.
    function _priced(Held memory held, Scene memory scene)
        internal
        view
        returns (Margins memory asked)
    {
        asked = _margins(held, scene);
        require(asked.prices, Stale());
    }

    /// @dev Initial margin is there under the stress of the collateral too.
    function _checkSecured(Held memory held, Scene memory scene, uint256 needed) internal pure {
        int256 secured = scene.books.secured(held.purse, scene.stress);
        require(secured >= int256(needed), MarginMissing(held.who, secured, needed));
    }

    /// @dev Returns the maintenance margin, which an account has that trades.
    function _checkMaintenance(Held memory held, Scene memory scene)
        internal
        view
        returns (uint256 maintenance)
    {
        maintenance = _margins(held, scene).maintenance;
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
        Margins memory asked = _margins(held, scene);
        if (shrinks) {
            int256 least = int256(asked.maintenance);
            bool keeps = gain >= 0 || held.purse.equity(scene.haircut) >= least;
            if (asked.maintenance <= maintenanceBefore && keeps) return;
        }
        require(asked.prices && asked.grids, Stale());
        _checkSecured(held, scene, asked.opening);
    }
}
