// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPortfolioHouse} from "../src/interfaces/IPortfolioHouse.sol";
import {Legs} from "../src/lib/Legs.sol";
import {HouseDesk} from "./support/HouseDesk.sol";

/// @notice Alice has sold forty units at 100 and hedged them with calls of the least size, ten
///         units each: initial margin 570. At 113 she is under maintenance margin.
contract PortfolioBidTest is HouseDesk {
    int64 internal constant LEAST = 10 * UNIT;
    uint32 internal first;
    uint32 internal second;

    function setUp() public {
        deployClearing();
        first = call(0, 102e18, EXPIRES);
        second = call(0, 105e18, EXPIRES);
        setPrices(100e18, 100e18);
        setGrid(0, 100e18);
        fund(ALICE, 600e18);
        fund(BOB, 5000e18);
        fund(CAROL, 5000e18);
        tradeAt(ALICE, BOB, first, LEAST, 2e12);
        tradeAt(ALICE, BOB, second, LEAST, 2e12);
        tradeAt(BOB, ALICE, perp, 4 * LEAST, 100e12);
        vm.assertEq(standing(ALICE).initial, 570e18);
    }

    function clearingTerms() internal pure override returns (IPortfolioHouse.Terms memory terms) {
        terms = super.clearingTerms();
        terms.lotsMin = uint64(LEAST);
    }

    function fall() internal {
        setPrice(113e18);
        runAuction(ALICE);
    }

    function missing(uint256 key) internal view returns (int256) {
        IPortfolioHouse.Standing memory now_ = standing(key);
        return int256(now_.initial) - now_.equity;
    }

    function bidExternally(uint256 key, uint256 bidder, uint256 most) external {
        bidFor(key, bidder, most);
    }

    /// @notice A bid for next to nothing took both hedges whole, and a quarter of what they hedged.
    function test_bid_forLittleCannotStripHedges() public {
        fall();
        int256 before = missing(ALICE);
        try this.bidExternally(ALICE, CAROL, 1) {
            vm.assertLe(missing(ALICE), before, "a bid leaves more margin missing");
            vm.assertTrue(false, "there is nothing else to take");
        } catch (bytes memory why) {
            bytes32 reason = bytes32(bytes4(why));
            vm.assertEq(reason, bytes32(IPortfolioHouse.MoreMissing.selector));
        }
        vm.assertEq(lotsHeld(vm.addr(ALICE), first), LEAST);
        vm.assertEq(missing(ALICE), before);
        vm.assertTrue(auctionOf(ALICE).shown > 0, "the auction goes on");
    }

    /// @notice The least size of an account without hedges goes for any bid: less is missing then.
    function test_bid_forLittleTakesTheLeastSize() public {
        uint256 dave = 0xDA7E;
        fund(dave, 1000e18);
        tradeAt(BOB, dave, perp, 4 * LEAST, 100e12);
        setPrice(113e18);
        runAuction(dave);
        int256 before = missing(dave);
        bidFor(dave, CAROL, 1);
        vm.assertEq(lotsHeld(vm.addr(dave), perp), -3 * LEAST);
        vm.assertLe(missing(dave), before - 249e18, "a quarter less");
    }

    /// @notice The share that is due takes the hedges whole too. Where that leaves more missing, a
    ///         bid for all takes all, and a bid for what is due is refused.
    function test_bid_forAllIsNeverRefused() public {
        tradeAt(ALICE, BOB, perp, 16 * UNIT, 100e12); // 24 stay, hedged by 20
        withdraw(ALICE, 396e18);
        fall();
        vm.assertEq(standing(ALICE).equity, 82e18);
        try this.bidExternally(ALICE, CAROL, 0.999e18) {
            vm.assertTrue(false, "is refused");
        } catch (bytes memory why) {
            bytes32 reason = bytes32(bytes4(why));
            vm.assertEq(reason, bytes32(IPortfolioHouse.MoreMissing.selector));
        }
        (uint256 share,) = bidFor(ALICE, CAROL, 1e18);
        vm.assertEq(share, 1e18);
        (,, Legs.Leg[] memory legs) = clearing.accountOf(vm.addr(ALICE));
        vm.assertEq(legs.length, 0);
        vm.assertEq(lotsHeld(vm.addr(CAROL), perp), -24 * UNIT);
        vm.assertEq(standing(ALICE).equity, 82e18 - 3.4e18, "less the penalty");
        checkHeld();
    }

    /// @notice Whatever an account has, and however little is bid for, nothing more is missing.
    /// forge-config: default.fuzz.runs = 32
    function test_fuzz_bid_neverLeavesMoreMissing(uint256 seed) public {
        fund(ALICE, 2000e18);
        for (uint256 i = 0; i < 3; ++i) {
            uint32 id = [first, second, perp][i];
            int64 lots = int64(uint64(bound(seed >> (32 * i), uint64(LEAST), uint64(6 * LEAST))));
            if (seed >> (250 + i) & 1 == 0) lots = -lots;
            int256 mark = id == perp ? int256(100e12) : int256(2e12);
            try this.tradeExternally(ALICE, BOB, id, lots, mark) {} catch {}
        }
        bool up = lotsHeld(vm.addr(ALICE), perp) < 0;
        uint256 price = 100e18;
        for (uint256 i = 0; i < 40 && missingMaintenance(ALICE) <= 0; ++i) {
            price = up ? price + 1e18 : price - 1e18;
            setPrice(price);
        }
        if (missingMaintenance(ALICE) <= 0) return;
        runAuction(ALICE);
        uint256 most = bound(seed >> 128, 1, 1e18);
        if (seed >> 200 & 3 == 0) most = 1e18;
        fund(CAROL, 100_000e18);
        int256 before = missing(ALICE);
        try this.bidExternally(ALICE, CAROL, most) {
            (,, Legs.Leg[] memory legs) = clearing.accountOf(vm.addr(ALICE));
            if (legs.length > 0) vm.assertLe(missing(ALICE), before, "more is missing");
        } catch (bytes memory why) {
            bytes32 reason = bytes32(bytes4(why));
            vm.assertEq(reason, bytes32(IPortfolioHouse.MoreMissing.selector));
            vm.assertTrue(most < 1e18, "a bid for all is never refused");
            vm.assertEq(missing(ALICE), before);
        }
    }

    function missingMaintenance(uint256 key) internal view returns (int256) {
        IPortfolioHouse.Standing memory now_ = standing(key);
        return int256(now_.maintenance) - now_.equity;
    }
}
