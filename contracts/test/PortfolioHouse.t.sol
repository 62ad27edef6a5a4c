// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IOrderDesk} from "../src/interfaces/IOrderDesk.sol";
import {IPortfolioHouse} from "../src/interfaces/IPortfolioHouse.sol";
import {IScenarioBook} from "../src/interfaces/IScenarioBook.sol";
import {Legs} from "../src/lib/Legs.sol";
import {HouseDesk} from "./support/HouseDesk.sol";

contract PortfolioHouseTest is HouseDesk {
    uint32 internal high;
    uint32 internal low;

    function setUp() public {
        deployClearing();
        high = call(0, 110e18, EXPIRES);
        low = put(0, 90e18, EXPIRES);
        setPrices(100e18, 100e18);
        setGrid(0, 100e18);
        fund(ALICE, 1000e18);
        fund(BOB, 1000e18);
        fund(CAROL, 1000e18);
    }

    function refused(bytes4 why, uint256 left, uint256 right, uint32 id, int64 lots, int256 price)
        internal
    {
        try this.tradeExternally(left, right, id, lots, price) {
            vm.assertTrue(false, "was not refused");
        } catch (bytes memory reason) {
            vm.assertEq(bytes32(bytes4(reason)), bytes32(why));
        }
    }

    function test_trade_countsGainsAtTheMark() public {
        tradeAt(ALICE, BOB, perp, 10 * UNIT, 100e12);
        vm.assertEq(standing(ALICE).equity, 1000e18);
        vm.assertEq(standing(ALICE).initial, 250e18);
        vm.assertEq(standing(ALICE).maintenance, 125e18);
        setPrice(105e18);
        vm.assertEq(standing(ALICE).equity, 1050e18);
        vm.assertEq(standing(BOB).equity, 950e18);
        touch(ALICE);
        touch(BOB);
        vm.assertEq(purseOf(ALICE).cash, 1000e18);
        vm.assertEq(purseOf(ALICE).profit, 50e18);
        vm.assertEq(purseOf(BOB).cash, 950e18);
        vm.assertEq(clearing.books().pool, 50e18);
        checkHeld();
    }

    /// @notice A cent above the mark is the seller's at once.
    function test_trade_paysTheDistanceFromTheMark() public {
        tradeAt(ALICE, BOB, perp, 10 * UNIT, 100.01e12);
        vm.assertEq(purseOf(ALICE).cash, 999.9e18);
        vm.assertEq(purseOf(BOB).profit, 0.1e18);
        refused(IPortfolioHouse.OutsideBand.selector, ALICE, BOB, perp, UNIT, 101.01e12);
    }

    function test_trade_needsTheInitialMargin() public {
        refused(IPortfolioHouse.MarginMissing.selector, ALICE, BOB, perp, 41 * UNIT, 100e12);
        tradeAt(ALICE, BOB, perp, 40 * UNIT, 100e12);
    }

    /// @notice A call sold is worth 2 and loses 15 in the last scenario; a perpetual held covers
    ///         it.
    function test_margin_isThePortfolios() public {
        tradeAt(BOB, ALICE, high, 10 * UNIT, 2e12);
        // 150 of the scenario and one of a hundred for each option sold.
        vm.assertEq(standing(ALICE).initial, 160e18);
        vm.assertEq(standing(BOB).initial, 0);
        tradeAt(ALICE, CAROL, perp, 10 * UNIT, 100e12);
        vm.assertEq(standing(ALICE).initial, 260e18); // 25 down
        tradeAt(ALICE, CAROL, low, 10 * UNIT, 2e12);
        // 10 to the strike, and 10; a scenario that is no whole number of ticks counts one more.
        vm.assertEq(standing(ALICE).initial, 110e18 + 1e7);
    }

    function test_margin_noOffsetBetweenMarkets() public {
        tradeAt(ALICE, BOB, perp, 10 * UNIT, 100e12);
        tradeAt(BOB, ALICE, other, 10 * UNIT, 100e12);
        vm.assertEq(standing(ALICE).initial, 500e18);
    }

    function test_trade_packages() public {
        uint32[] memory list_ = two(high, low);
        int64[] memory lots = new int64[](2);
        (lots[0], lots[1]) = (UNIT, -UNIT);
        IOrderDesk.Deal memory made = dealOf(ALICE, BOB, list_, lots, 0.1e18);
        (made.left.count, made.right.count) = (10, 7);
        made.leftSignature = signOrder(ALICE, made.left);
        made.rightSignature = signOrder(BOB, made.right);
        made.count = 5;
        send(made);
        vm.assertEq(lotsHeld(vm.addr(ALICE), high), 5 * UNIT);
        vm.assertEq(lotsHeld(vm.addr(ALICE), low), -5 * UNIT);
        vm.assertEq(purseOf(BOB).profit, 0.5e18);
        made.count = 3;
        IScenarioBook.Reading[] memory readings = readingsOf(list_);
        vm.expectPartialRevert(IOrderDesk.OrderSpent.selector);
        orderDesk.trade(made, readings);
        made.count = 2;
        send(made);
    }

    // Closing.

    function test_close_underInitialMargin() public {
        tradeAt(ALICE, BOB, perp, 40 * UNIT, 100e12);
        setPrice(92e18);
        vm.assertTrue(standing(ALICE).equity < int256(standing(ALICE).initial));
        refused(IPortfolioHouse.MarginMissing.selector, ALICE, BOB, perp, UNIT, 92e12);
        tradeAt(BOB, ALICE, perp, 5 * UNIT, 92e12);
        tradeAt(BOB, ALICE, perp, 35 * UNIT, 92e12);
        vm.assertEq(standing(ALICE).equity, 680e18);
    }

    /// @notice Taking a hedge off is no closing where it raises what is asked.
    function test_close_ofAHedgeNeedsMargin() public {
        tradeAt(BOB, ALICE, high, 50 * UNIT, 2e12);
        tradeAt(ALICE, BOB, perp, 25 * UNIT, 100e12);
        withdraw(ALICE, 1000e18 - 675e18);
        refused(IPortfolioHouse.MarginMissing.selector, BOB, ALICE, perp, 24 * UNIT, 100e12);
    }

    /// @notice Options held ask no margin here; still nobody gives away by them what he does not
    ///         have.
    function test_close_atWorseThanTheMarkKeepsMaintenance() public {
        uint256 poor = 0xB00;
        fund(poor, 1e18);
        tradeAt(poor, CAROL, high, 50 * UNIT, 2e12);
        refused(IPortfolioHouse.MarginMissing.selector, CAROL, poor, high, 50 * UNIT, 1.1e12);
        tradeAt(CAROL, poor, high, UNIT, 1.1e12);
        vm.assertEq(standing(poor).equity, 0.1e18);
        tradeAt(CAROL, poor, high, 49 * UNIT, 2e12);
        vm.assertEq(standing(poor).equity, 0.1e18);
    }

    function test_close_underMaintenanceIsTheAuctions() public {
        tradeAt(ALICE, BOB, perp, 40 * UNIT, 100e12);
        setPrice(87e18);
        refused(IPortfolioHouse.UnderMaintenance.selector, BOB, ALICE, perp, UNIT, 87e12);
    }

    // Clocks.

    function test_stalePrice_closesAtTheLastMark() public {
        tradeAt(ALICE, BOB, perp, 10 * UNIT, 100e12);
        setPrice(102e18);
        vm.warp(block.timestamp + 1 hours);
        refused(IPortfolioHouse.Stale.selector, ALICE, BOB, perp, UNIT, 102e12);
        refused(IPortfolioHouse.OutsideBand.selector, BOB, ALICE, perp, UNIT, 102.1e12);
        refused(IPortfolioHouse.Stale.selector, CAROL, ALICE, perp, UNIT, 102e12);
        tradeAt(BOB, ALICE, perp, UNIT, 102e12);
        IScenarioBook.Reading[] memory readings = readingsOf(vm.addr(ALICE));
        vm.prank(vm.addr(ALICE));
        vm.expectRevert(IPortfolioHouse.Stale.selector);
        clearing.withdraw(1, readings);
    }

    function test_staleGrid_refusesNewRiskAndAsksHalfMore() public {
        tradeAt(ALICE, BOB, perp, 10 * UNIT, 100e12);
        vm.warp(block.timestamp + 7 hours);
        setPrice(100e18);
        vm.assertEq(standing(ALICE).initial, 375e18);
        vm.assertEq(standing(ALICE).maintenance, 125e18);
        refused(IPortfolioHouse.Stale.selector, ALICE, BOB, perp, UNIT, 100e12);
        withdraw(ALICE, 625e18);
        tradeAt(BOB, ALICE, perp, UNIT, 100e12);
    }

    function test_expired_tradesNoMore() public {
        tradeAt(ALICE, BOB, high, 10 * UNIT, 2e12);
        vm.warp(EXPIRES);
        setPrice(100e18);
        refused(IPortfolioHouse.Expired.selector, BOB, ALICE, high, UNIT, 2e12);
    }

    function test_settlement_paysTheMeanOfTheIndex() public {
        tradeAt(ALICE, BOB, high, 10 * UNIT, 2e12);
        vm.warp(EXPIRES - 30 minutes);
        for (uint256 i = 0; i < 30; ++i) {
            see(0, 100e18 + i * 1e18);
            vm.warp(block.timestamp + 1 minutes);
        }
        setPrices(100e18, 100e18);
        setPrices(100e18, 100e18);
        book.fix(high); // 114 1/2
        touch(ALICE);
        touch(BOB);
        vm.assertEq(purseOf(ALICE).profit, 25e18);
        vm.assertEq(purseOf(BOB).cash, 975e18);
        vm.assertEq(lotsHeld(vm.addr(ALICE), high), 0);
        vm.assertEq(take(ALICE, 25e18), 25e18);
        withdraw(ALICE, 1025e18);
        withdraw(BOB, 975e18);
        withdraw(CAROL, 1000e18);
        vm.assertEq(dollar.balanceOf(address(clearing)), 0);
    }

    // Perpetuals.

    function test_funding_longsPayThePremium() public {
        tradeAt(ALICE, BOB, perp, 10 * UNIT, 100.2e12);
        int256 before = standing(ALICE).equity;
        // Ten minutes show a third of the basis, ten more pay it.
        setPrice(100e18);
        tradeAt(CAROL, BOB, perp, UNIT, 100.2e12);
        vm.assertTrue(clearing.swapOf(perp).basis > 0);
        setPrice(100e18);
        touch(ALICE);
        vm.assertTrue(clearing.swapOf(perp).paid > 0);
        touch(BOB);
        touch(CAROL);
        int256 all = int256(uint256(purseOf(ALICE).cash)) + purseOf(ALICE).profit;
        all += int256(uint256(purseOf(BOB).cash)) + purseOf(BOB).profit;
        all += int256(uint256(purseOf(CAROL).cash)) + purseOf(CAROL).profit;
        vm.assertEq(all, 3000e18, "mark and funding sum to nothing");
        vm.assertTrue(standing(ALICE).equity != before);
    }

    function test_funding_isClampedAndFades() public {
        tradeAt(ALICE, BOB, perp, 10 * UNIT, 100.99e12);
        vm.assertEq(clearing.swapOf(perp).last, 0.5e12);
        for (uint256 i = 0; i < 60; ++i) {
            setPrice(100e18);
            touch(ALICE);
            vm.assertTrue(clearing.swapOf(perp).basis <= 0.5e12);
        }
        vm.assertTrue(clearing.swapOf(perp).basis < 0.001e12);
    }

    function test_funding_silenceIsFree() public {
        tradeAt(ALICE, BOB, perp, 10 * UNIT, 100.5e12);
        setPrice(100e18);
        touch(ALICE);
        int256 before = standing(ALICE).equity;
        vm.warp(block.timestamp + 30 days);
        vm.assertEq(standing(ALICE).equity, before);
        touch(ALICE);
        vm.assertEq(standing(ALICE).equity, before);
    }

    // Collateral.

    function test_haircut_risesByAHundredthAnHour() public {
        cut = 0.5e18;
        for (uint256 i = 1; i <= 25; ++i) {
            vm.warp(block.timestamp + 1 hours);
            clearing.moveHaircut();
            vm.assertEq(clearing.haircut(), i < 20 ? i * 10_000 : 200_000);
        }
        vm.assertEq(standing(ALICE).equity, 800e18);
        vm.expectRevert(IPortfolioHouse.TooSoon.selector);
        clearing.moveHaircut();
        cut = 0;
        vm.warp(block.timestamp + 1 hours);
        clearing.moveHaircut();
        vm.assertEq(standing(ALICE).equity, 1000e18);
    }

    // Liars.

    function test_orders_cannotBeReplayedOrForged() public {
        IOrderDesk.Deal memory made = dealOf(ALICE, BOB, one(perp), lotsOf(UNIT), 100e18);
        IScenarioBook.Reading[] memory readings = readingsOf(one(perp));
        orderDesk.trade(made, readings);
        vm.expectPartialRevert(IOrderDesk.OrderSpent.selector);
        orderDesk.trade(made, readings);
        made = dealOf(ALICE, BOB, one(perp), lotsOf(UNIT), 100e18);
        made.left.count = 2;
        vm.expectPartialRevert(IOrderDesk.BadSignature.selector);
        orderDesk.trade(made, readings);
        made = dealOf(ALICE, ALICE, one(perp), lotsOf(UNIT), 100e18);
        vm.expectRevert(IOrderDesk.NoMatch.selector);
        orderDesk.trade(made, readings);
        made = dealOf(ALICE, BOB, one(perp), lotsOf(UNIT), 100e18);
        made.price = 100e18 + 1;
        vm.expectRevert(IOrderDesk.NoMatch.selector);
        orderDesk.trade(made, readings);
        made.price = 100e18;
        vm.prank(vm.addr(BOB));
        orderDesk.cancel(made.right);
        vm.expectPartialRevert(IOrderDesk.OrderSpent.selector);
        orderDesk.trade(made, readings);
        vm.expectPartialRevert(IOrderDesk.BadSignature.selector);
        orderDesk.cancel(made.left);
        made = dealOf(ALICE, BOB, one(perp), lotsOf(UNIT), 100e18);
        vm.warp(made.left.expiry);
        vm.expectPartialRevert(IOrderDesk.OrderSpent.selector);
        orderDesk.trade(made, readings);
    }

    function test_novate_onlyTheDesk() public {
        IPortfolioHouse.Novation memory made =
            IPortfolioHouse.Novation(vm.addr(ALICE), vm.addr(BOB), one(perp), lotsOf(UNIT), 100e18);
        IScenarioBook.Reading[] memory readings = readingsOf(one(perp));
        vm.expectRevert(IPortfolioHouse.OnlyDesk.selector);
        clearing.novate(made, readings);
    }

    /// @notice Nobody leaves a bad leg out, or brings another array for it.
    function test_readings_cannotBeLeftOut() public {
        tradeAt(BOB, ALICE, high, 10 * UNIT, 2e12);
        IOrderDesk.Deal memory made = dealOf(ALICE, BOB, one(perp), lotsOf(UNIT), 100e18);
        IScenarioBook.Reading[] memory readings = readingsOf(one(perp));
        vm.expectRevert(abi.encodeWithSelector(IPortfolioHouse.NoReading.selector, high));
        orderDesk.trade(made, readings);
        readings = readingsOf(two(perp, high));
        readings[1].opening = readings[0].opening;
        vm.expectPartialRevert(IScenarioBook.NotTheArray.selector);
        orderDesk.trade(made, readings);
    }

    function test_legs_atMost32() public {
        fund(ALICE, 100_000e18);
        fund(BOB, 100_000e18);
        for (uint256 i = 0; i < 29; ++i) {
            call(0, 111e18 + i * 1e18, EXPIRES);
        }
        uint32 last = call(1, 111e18, EXPIRES);
        setPrices(100e18, 100e18);
        setGrid(0, 100e18);
        setGrid(1, 100e18);
        uint32[] memory list_ = new uint32[](32);
        int64[] memory lots = new int64[](32);
        for (uint32 i = 0; i < 32; ++i) {
            (list_[i], lots[i]) = (i < 31 ? i : last, UNIT);
        }
        list_[1] = other;
        int256 price = 100e18 * 2 + 30 * 2e18;
        send(dealOf(ALICE, BOB, list_, lots, price));
        (,, Legs.Leg[] memory legs) = clearing.accountOf(vm.addr(ALICE));
        vm.assertEq(legs.length, 32);
        refused(Legs.TooManyLegs.selector, ALICE, BOB, 31, UNIT, 2e12);
    }

    function test_legs_haveALeastSize() public {
        refused(Legs.BadLeg.selector, ALICE, BOB, perp, 999, 100e12);
        tradeAt(ALICE, BOB, perp, UNIT, 100e12);
        refused(Legs.BadLeg.selector, BOB, ALICE, perp, UNIT - 1, 100e12);
    }
}
