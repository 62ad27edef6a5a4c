// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IOrderDesk} from "../../src/interfaces/IOrderDesk.sol";
import {IPortfolioHouse} from "../../src/interfaces/IPortfolioHouse.sol";
import {IScenarioBook} from "../../src/interfaces/IScenarioBook.sol";
import {Funding} from "../../src/lib/Funding.sol";
import {Ledger} from "../../src/lib/Ledger.sol";
import {Legs} from "../../src/lib/Legs.sol";
import {Scenarios} from "../../src/lib/Scenarios.sol";
import {Sizes} from "../../src/lib/Sizes.sol";
import {Campaign} from "../support/Campaign.sol";
import {HouseDesk} from "../support/HouseDesk.sol";

/// @notice Plays a few traders, some reckless, in a perpetual, two calls and a put of one market
///         and a perpetual of the other, while prices jump and feed and provider fall silent. What
///         may be refused is refused for a reason that fits, or the play fails.
contract PortfolioPlay is HouseDesk {
    uint256 internal constant TRADERS = 4;
    uint256 internal constant FIRST_KEY = 0x9000;

    uint256 public trades;
    uint256 public closes;
    uint256 public staleCloses;
    uint256 public auctions;
    uint256 public bids;
    uint256 public debts;
    uint256 public takes;
    uint256 public settled;
    uint256 public refusals;
    uint256 public full;
    uint256[2] internal price = [uint256(100e18), 100e18];
    uint32[] internal all;
    uint256 internal paidIn;
    uint256 internal paidOut;

    /// @notice Not in the constructor: the book asks this contract for a margin.
    function begin() external {
        deployClearing();
        all.push(perp);
        all.push(other);
        all.push(call(0, 105e18, NOW + 2 days));
        all.push(call(0, 110e18, EXPIRES));
        all.push(put(0, 95e18, EXPIRES));
        setPrices(100e18, 100e18);
        setGrid(0, 100e18);
        setGrid(1, 100e18);
        for (uint256 i = 0; i < TRADERS; ++i) {
            fund(FIRST_KEY + i, 1000e18);
        }
        paidIn = TRADERS * 1000e18;
        dollar.mint(address(this), 1e30);
        dollar.approve(address(clearing), type(uint256).max);
    }

    function clearingTerms() internal pure override returns (IPortfolioHouse.Terms memory) {
        return IPortfolioHouse.Terms({
            charges: Scenarios.Charges(20_000, 10_000, 10_000, 500_000),
            funding: Funding.Rules(5000, 1800, 28_800, 600),
            lotsMin: 1000,
            band: 10_000,
            fee: 100,
            penalty: 20_000,
            haircutMax: 200_000,
            stress: 50_000,
            auctionSeconds: 600
        });
    }

    /// @notice So small that it is reached.
    function sizes() internal pure override returns (Sizes.Size[] memory made) {
        made = super.sizes();
        made[0] = Sizes.Size(100e6, 150e6, 0, 20_000, 50_000);
        made[1] = Sizes.Size(100e6, 40e6, 0, 20_000, 50_000);
    }

    function step(uint256 choice, uint256 seed) external {
        choice %= 100;
        uint256 short = clearing.books().shortfall;
        if (choice < 30) _trade(seed);
        else if (choice < 45) _jump(seed);
        else if (choice < 55) _close(seed);
        else if (choice < 65) _auction(seed);
        else if (choice < 78) _bid(seed);
        else if (choice < 82) _take(seed);
        else if (choice < 86) _withdraw(seed);
        else if (choice < 90) _deposit(seed);
        else if (choice < 93) touch(FIRST_KEY + seed % TRADERS);
        else if (choice < 97) _silence(seed);
        else if (choice < 98) _insure(seed);
        else _settle(seed);
        if (clearing.books().shortfall > short) ++debts;
    }

    // Moves.

    function _index(uint32 id) internal view returns (uint256) {
        return price[id == other ? 1 : 0] / 1e6;
    }

    function _live(uint32 id) internal view returns (bool) {
        IScenarioBook.Instrument memory known = book.instrumentOf(id);
        return known.expiry == 0 || block.timestamp < known.expiry;
    }

    function _markOf(uint32 id) internal view returns (int256) {
        (Scenarios.Sheet[] memory sheets,) = book.read(readingsOf(one(id)));
        return sheets[0].mark;
    }

    /// @notice Any two, any size a reckless trader would take, about the mark.
    function _trade(uint256 seed) internal {
        uint32 id = all[(seed >> 8) % all.length];
        if (!_live(id)) return;
        uint256 left = seed % TRADERS;
        uint256 right = (left + 1 + (seed >> 16) % (TRADERS - 1)) % TRADERS;
        int64 lots = int64(uint64(bound(seed >> 24, 1000, 60e6)));
        int256 half = int256(_index(id) / 200);
        int256 agreed = _markOf(id) - half + int256((seed >> 64) % uint256(2 * half));
        try this.tradeExternally(FIRST_KEY + left, FIRST_KEY + right, id, lots, agreed) {
            ++trades;
        } catch (bytes memory why) {
            bytes4 reason = bytes4(why);
            bool fits = reason == IPortfolioHouse.MarginMissing.selector
                || reason == IPortfolioHouse.UnderMaintenance.selector
                || reason == Legs.BadLeg.selector || reason == IPortfolioHouse.OutsideBand.selector
                || reason == IPortfolioHouse.InterestFull.selector
                || (reason == IPortfolioHouse.Stale.selector && _somethingStale());
            vm.assertTrue(fits, "a trade is refused for margin, size or staleness only");
            if (reason == IPortfolioHouse.InterestFull.selector) ++full;
            ++refusals;
        }
    }

    function _somethingStale() internal view returns (bool) {
        (, IScenarioBook.State[] memory states) = book.read(readingsOf(two(perp, other)));
        for (uint256 m = 0; m < 2; ++m) {
            if (!states[m].priceFresh || !states[m].gridFresh) return true;
        }
        return false;
    }

    /// @notice New prices, and mostly new grids.
    function _jump(uint256 seed) internal {
        for (uint256 m = 0; m < 2; ++m) {
            uint256 moved = bound(seed >> (64 * m), price[m] * 88 / 100, price[m] * 112 / 100);
            price[m] = moved < 40e18 || moved > 250e18 ? 100e18 : moved - moved % 1e15;
        }
        setPrices(price[0], price[1]);
        if (seed >> 192 & 3 == 0) return;
        for (uint8 m = 0; m < 2; ++m) {
            setGrid(m, price[m]);
        }
        // Claims took blocks, not time; but a price is fresh for two minutes only.
        _somethingStale();
    }

    /// @notice A long and a short meet at the mark: never refused while both have their maintenance
    ///         margin, and less of it is asked.
    function _close(uint256 seed) internal {
        uint32 id = all[(seed >> 8) % all.length];
        if (!_live(id)) return;
        (uint256 long, uint256 short) = (TRADERS, TRADERS);
        for (uint256 i = 0; i < TRADERS; ++i) {
            int256 held = lotsHeld(vm.addr(FIRST_KEY + i), id);
            if (held > 0 && long == TRADERS) long = i;
            if (held < 0 && short == TRADERS) short = i;
        }
        if (long == TRADERS || short == TRADERS) return;
        int256 size = lotsHeld(vm.addr(FIRST_KEY + long), id);
        int256 owed = -lotsHeld(vm.addr(FIRST_KEY + short), id);
        if (owed < size) size = owed;
        int256 mark = id == perp || id == other ? _swapMark(id) : _markOf(id);
        bool healthy = _healthy(FIRST_KEY + long) && _healthy(FIRST_KEY + short);
        (, IScenarioBook.State[] memory states) = book.read(readingsOf(one(id)));
        bool fresh = states[id == other ? 1 : 0].priceFresh;
        try this.tradeExternally(FIRST_KEY + short, FIRST_KEY + long, id, int64(size), mark) {
            ++closes;
            if (!fresh) ++staleCloses;
        } catch (bytes memory why) {
            bytes4 reason = bytes4(why);
            bool hedge = reason == IPortfolioHouse.MarginMissing.selector
                || reason == IPortfolioHouse.Stale.selector;
            bool fits = (reason == IPortfolioHouse.UnderMaintenance.selector && !healthy)
                || reason == Legs.BadLeg.selector || (hedge && _hedged(long, short));
            vm.assertTrue(fits, "closing is refused under maintenance, or of a hedge, only");
        }
    }

    /// @notice Whether one of two has other legs than the one it closes, which that may have
    ///         hedged.
    function _hedged(uint256 a, uint256 b) internal view returns (bool) {
        (,, Legs.Leg[] memory one_) = clearing.accountOf(vm.addr(FIRST_KEY + a));
        (,, Legs.Leg[] memory other_) = clearing.accountOf(vm.addr(FIRST_KEY + b));
        return one_.length > 1 || other_.length > 1;
    }

    /// @notice The mark that a trade would meet: what the house adds to the index.
    function _swapMark(uint32 id) internal view returns (int256) {
        Funding.Swap memory swap = clearing.swapOf(id);
        (, IScenarioBook.State[] memory states) = book.read(readingsOf(one(id)));
        IScenarioBook.State memory state = states[id == other ? 1 : 0];
        Funding.Rules memory rules = clearingTerms().funding;
        if (state.priceFresh) Funding.pass(swap, rules, state.index, uint64(block.timestamp));
        return int256(state.index) + Funding.premium(swap, rules, state.index);
    }

    function _healthy(uint256 key) internal view returns (bool) {
        IPortfolioHouse.Standing memory now_ = standing(key);
        return now_.equity >= int256(now_.maintenance);
    }

    function _auction(uint256 seed) internal {
        for (uint256 i = 0; i < TRADERS; ++i) {
            uint256 key = FIRST_KEY + (seed + i) % TRADERS;
            if (_healthy(key)) continue;
            try this.beginExternally(key) {
                ++auctions;
            } catch (bytes memory why) {
                bool fits = bytes4(why) == IPortfolioHouse.Stale.selector && _somethingStale();
                vm.assertTrue(fits, "an auction waits for fresh prices only");
            }
        }
    }

    function beginExternally(uint256 key) external {
        runAuction(key);
    }

    function bidExternally(uint256 key, uint256 bidder, uint256 most) external {
        bidFor(key, bidder, most);
    }

    function _bid(uint256 seed) internal {
        for (uint256 i = 0; i < TRADERS; ++i) {
            uint256 key = FIRST_KEY + (seed + i) % TRADERS;
            if (auctionOf(key).shown == 0) continue;
            uint256 bidder = FIRST_KEY + (seed + i + 1 + (seed >> 8) % (TRADERS - 1)) % TRADERS;
            uint256 most = seed % 2 == 0 ? 1e18 : bound(seed >> 16, 1, 1e18);
            int256 before = _worth(key);
            touch(key);
            touch(bidder); // claims are as the bid will find them
            int256 asked = _missing(key);
            bool insured = auctionOf(key).passed + 120 > 600;
            try this.bidExternally(key, bidder, most) {
                ++bids;
                bool owns = before < 0 || insured || _worth(key) >= 0;
                vm.assertTrue(owns, "in the first phase no debt is made out of equity");
                bool rest = auctionOf(key).shown > 0;
                vm.assertTrue(!rest || _missing(key) <= asked, "no bid leaves more missing");
            } catch (bytes memory why) {
                bytes4 reason = bytes4(why);
                bool fits = reason == IPortfolioHouse.MarginMissing.selector
                    || reason == IPortfolioHouse.Healthy.selector
                    || reason == IPortfolioHouse.Stale.selector
                    || (reason == IPortfolioHouse.MoreMissing.selector && most < 1e18);
                vm.assertTrue(fits, "a bid is refused for margin, health or staleness only");
            }
        }
    }

    function _missing(uint256 key) internal view returns (int256) {
        IPortfolioHouse.Standing memory now_ = standing(key);
        return int256(now_.initial) - now_.secured;
    }

    function _worth(uint256 key) internal view returns (int256) {
        return standing(key).equity;
    }

    /// @notice A taken profit is received up to its share of the shortfall, and no deposit is
    ///         touched.
    function _take(uint256 seed) internal {
        uint256 key = FIRST_KEY + seed % TRADERS;
        for (uint256 i = 0; i < TRADERS; ++i) {
            touch(FIRST_KEY + i);
        }
        int256 profit = purseOf(key).profit;
        if (profit <= 0) return;
        uint256 amount = bound(seed >> 8, 1, uint256(profit));
        Ledger.Books memory before = clearing.books();
        try this.takeExternally(key, amount) {
            ++takes;
            Ledger.Books memory now_ = clearing.books();
            uint256 given = amount - (now_.cash - before.cash);
            uint256 least = given < before.shortfall ? given : before.shortfall;
            vm.assertEq(before.shortfall - now_.shortfall, least, "exactly what was given up");
        } catch (bytes memory why) {
            bool fits = bytes4(why) == IPortfolioHouse.Stale.selector
                || bytes4(why) == Ledger.NotPaidIn.selector;
            vm.assertTrue(fits, "taking waits for prices, and for debtors");
        }
    }

    function takeExternally(uint256 key, uint256 amount) external {
        take(key, amount);
    }

    function withdrawExternally(uint256 key, uint256 amount) external {
        withdraw(key, amount);
    }

    function _withdraw(uint256 seed) internal {
        uint256 key = FIRST_KEY + seed % TRADERS;
        uint256 amount = bound(seed >> 8, 0, 500e18);
        try this.withdrawExternally(key, amount) {
            paidOut += amount;
            IPortfolioHouse.Standing memory now_ = standing(key);
            vm.assertGe(now_.secured, int256(now_.opening), "margin stays");
        } catch {
            ++refusals;
        }
    }

    function _deposit(uint256 seed) internal {
        uint256 amount = bound(seed >> 8, 0, 400e18);
        fund(FIRST_KEY + seed % TRADERS, amount);
        paidIn += amount;
    }

    function _insure(uint256 seed) internal {
        uint256 amount = bound(seed, 0, 20e18);
        clearing.fundInsurance(amount);
        paidIn += amount;
    }

    /// @notice Silence of feed and provider moves nobody's equity or maintenance margin, whoever
    ///         counts.
    function _silence(uint256 seed) internal {
        uint256 long = bound(seed, 3 minutes, 9 hours);
        IPortfolioHouse.Standing[TRADERS] memory before;
        vm.warp(block.timestamp + 3 minutes);
        for (uint256 i = 0; i < TRADERS; ++i) {
            before[i] = standing(FIRST_KEY + i);
        }
        vm.warp(block.timestamp + long);
        for (uint256 i = 0; i < TRADERS; ++i) {
            if (seed >> 64 & 1 == 0) touch(FIRST_KEY + i);
            IPortfolioHouse.Standing memory now_ = standing(FIRST_KEY + i);
            vm.assertEq(now_.maintenance, before[i].maintenance, "silence asks no more");
            vm.assertEq(now_.equity, before[i].equity, "silence takes nothing");
        }
    }

    /// @notice Goes to the expiry of the first call, settles it, and counts it everywhere.
    function _settle(uint256) internal {
        uint32 id = all[2];
        (, bool done) = book.settlementOf(id);
        if (done) return;
        uint64 expiry = book.instrumentOf(id).expiry;
        if (block.timestamp < expiry - 30 minutes) vm.warp(expiry - 30 minutes);
        for (uint256 i = 0; i < 70; ++i) {
            see(0, price[0]);
            vm.warp(block.timestamp + 1 minutes);
        }
        setPrices(price[0], price[1]);
        book.fix(id);
        for (uint256 i = 0; i < TRADERS; ++i) {
            touch(FIRST_KEY + i);
            vm.assertEq(lotsHeld(vm.addr(FIRST_KEY + i), id), 0);
        }
        ++settled;
    }

    // What must hold.

    function checkMoney() external view {
        Ledger.Books memory sum = clearing.books();
        uint256 held = dollar.balanceOf(address(clearing));
        vm.assertEq(held, paidIn - paidOut, "money in is money out");
        vm.assertEq(held, uint256(sum.cash) + sum.pool + sum.insurance, "holds what the books say");
        uint256 cash = 0;
        uint256 claims = 0;
        for (uint256 i = 0; i < TRADERS; ++i) {
            Ledger.Purse memory purse = purseOf(FIRST_KEY + i);
            cash += purse.cash;
            if (purse.profit > 0) claims += uint256(int256(purse.profit));
            vm.assertTrue(purse.profit >= 0 || purse.cash == 0, "no debt beside cash");
        }
        vm.assertEq(cash, sum.cash);
        vm.assertEq(claims, sum.claims);
    }

    /// @notice Open interest is what accounts hold long, and within its most.
    function checkInterest() external view {
        uint256[2] memory sums;
        for (uint256 i = 0; i < TRADERS; ++i) {
            (,, Legs.Leg[] memory legs) = clearing.accountOf(vm.addr(FIRST_KEY + i));
            for (uint256 k = 0; k < legs.length; ++k) {
                uint256 m = legs[k].instrument == other ? 1 : 0;
                if (legs[k].lots > 0) sums[m] += uint64(legs[k].lots);
            }
        }
        for (uint8 m = 0; m < 2; ++m) {
            Sizes.Size memory size = clearing.sizeOf(m);
            vm.assertEq(size.interest, sums[m], "open interest");
            vm.assertLe(size.interest, size.interestMax);
        }
    }

    /// @notice Positions sum to zero, and so do gains not counted yet: all equity, less the
    ///         shortfall, is held.
    function checkPositions() external view {
        for (uint256 k = 0; k < all.length; ++k) {
            int256 lots = 0;
            for (uint256 i = 0; i < TRADERS; ++i) {
                lots += lotsHeld(vm.addr(FIRST_KEY + i), all[k]);
            }
            (, bool done) = book.settlementOf(all[k]);
            if (!done) vm.assertEq(lots, 0, "positions sum to zero");
        }
        Ledger.Books memory sum = clearing.books();
        int256 equity = int256(uint256(sum.insurance)) - int256(uint256(sum.shortfall));
        for (uint256 i = 0; i < TRADERS; ++i) {
            equity += standing(FIRST_KEY + i).equity;
        }
        int256 held = int256(dollar.balanceOf(address(clearing)));
        vm.assertEq(equity, held, "equity, insurance and shortfall are what is held");
    }
}

contract PortfolioInvariants is Campaign {
    PortfolioPlay internal play;

    function setUp() public {
        play = new PortfolioPlay();
        play.begin();
    }

    function player() internal view override returns (address) {
        return address(play);
    }

    /// forge-config: default.invariant.runs = 16
    /// forge-config: default.invariant.depth = 40
    function invariant_books() external view {
        check();
    }

    function check() internal view {
        play.checkMoney();
        play.checkPositions();
        play.checkInterest();
    }

    /// @notice The play reaches every corner that the invariants are about.
    function test_play_reachesEverything() external {
        for (uint256 i = 0; i < 1000; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("play", i)));
            play.step(i < 800 ? seed % 98 : seed % 100, seed >> 8);
            if (i % 20 == 0) check();
        }
        check();
        vm.assertGt(play.trades(), 20, "trades");
        vm.assertGt(play.closes(), 5, "closes");
        vm.assertGt(play.staleCloses(), 0, "stale closes");
        vm.assertGt(play.auctions(), 4, "auctions");
        vm.assertGt(play.bids(), 2, "bids");
        vm.assertGt(play.debts(), 0, "debts");
        vm.assertGt(play.takes(), 2, "takes");
        vm.assertGt(play.settled(), 0, "settled");
        vm.assertGt(play.refusals(), 10, "refusals");
        vm.assertGt(play.full(), 0, "open interest reaches its most");
    }
}
