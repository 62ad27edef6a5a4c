// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PortfolioHouse} from "../src/PortfolioHouse.sol";
import {IPortfolioHouse} from "../src/interfaces/IPortfolioHouse.sol";
import {Sizes} from "../src/lib/Sizes.sol";
import {HouseDesk} from "./support/HouseDesk.sol";

/// @notice A market that takes a hundred units within 2 % and bears fifty of open interest: a
///         position as large as the depth is asked 2 % of the index, one that is all open interest
///         5 % of it. The other market is as deep as one likes. In a depeg the collateral is worth
///         14 % less.
contract PortfolioSizeTest is HouseDesk {
    uint256 internal constant DAVE = 0xDA7E;
    uint32 internal high;

    function setUp() public {
        deployClearing();
        high = call(0, 110e18, EXPIRES);
        setPrices(100e18, 100e18);
        setGrid(0, 100e18);
        fund(ALICE, 10_000e18);
        fund(BOB, 10_000e18);
        fund(CAROL, 10_000e18);
    }

    function clearingTerms() internal pure override returns (IPortfolioHouse.Terms memory terms) {
        terms = super.clearingTerms();
        terms.stress = 140_000;
    }

    function sizes() internal pure override returns (Sizes.Size[] memory made) {
        made = super.sizes();
        made[0] = Sizes.Size(100e6, 50e6, 0, 20_000, 50_000);
    }

    function refused(uint256 left, uint256 right, uint32 id, int64 lots) internal {
        int256 mark = id == high ? int256(2e12) : int256(100e12);
        try this.tradeExternally(left, right, id, lots, mark) {
            vm.assertTrue(false, "was not refused");
        } catch (bytes memory reason) {
            bytes32 why = bytes32(bytes4(reason));
            vm.assertEq(why, bytes32(IPortfolioHouse.InterestFull.selector));
        }
    }

    // The cap.

    function test_interest_isWhatIsHeldLong() public {
        tradeAt(ALICE, BOB, perp, 30 * UNIT, 100e12);
        vm.assertEq(clearing.sizeOf(0).interest, 30e6);
        tradeAt(CAROL, ALICE, perp, 10 * UNIT, 100e12); // hands over
        vm.assertEq(clearing.sizeOf(0).interest, 30e6);
        tradeAt(BOB, CAROL, perp, 10 * UNIT, 100e12); // closes
        vm.assertEq(clearing.sizeOf(0).interest, 20e6);
        tradeAt(BOB, ALICE, perp, 30 * UNIT, 100e12); // turns both
        vm.assertEq(clearing.sizeOf(0).interest, 10e6);
        tradeAt(ALICE, BOB, high, 5 * UNIT, 2e12);
        vm.assertEq(clearing.sizeOf(0).interest, 15e6, "an option is a unit");
        vm.assertEq(clearing.sizeOf(1).interest, 0);
    }

    function test_cap_refusesWhatAddsOnly() public {
        tradeAt(ALICE, BOB, perp, 40 * UNIT, 100e12);
        refused(ALICE, BOB, perp, 10 * UNIT + 1000);
        refused(CAROL, BOB, high, 10 * UNIT + 1000);
        tradeAt(ALICE, BOB, high, 10 * UNIT, 2e12);
        vm.assertEq(clearing.sizeOf(0).interest, 50e6, "full");
        refused(ALICE, BOB, perp, 1000);
        tradeAt(CAROL, ALICE, perp, 40 * UNIT, 100e12); // hands over
        tradeAt(BOB, CAROL, perp, 15 * UNIT, 100e12); // closes
        tradeAt(ALICE, BOB, other, 100 * UNIT, 100e12);
    }

    /// @notice A package that closes as much as it opens does not add.
    function test_cap_countsAPackageAtOnce() public {
        tradeAt(ALICE, BOB, high, 50 * UNIT, 2e12);
        int64[] memory lots = new int64[](2);
        (lots[0], lots[1]) = (50 * UNIT, -50 * UNIT);
        send(dealOf(ALICE, BOB, two(perp, high), lots, 50 * (100e18 - 2e18)));
        vm.assertEq(clearing.sizeOf(0).interest, 50e6);
        vm.assertEq(lotsHeld(vm.addr(ALICE), perp), 50 * UNIT);
    }

    function test_cap_neverStopsAnAuction() public {
        uint256 poor = 0xB00;
        fund(poor, 1900e18);
        tradeAt(poor, BOB, perp, 50 * UNIT, 100e12);
        setPrice(74e18);
        runAuction(poor);
        bidFor(poor, CAROL, 1e18);
        vm.assertEq(clearing.sizeOf(0).interest, 50e6);
        vm.assertTrue(lotsHeld(vm.addr(CAROL), perp) > 0);
        tradeAt(BOB, CAROL, perp, UNIT, 74e12);
        vm.assertEq(clearing.sizeOf(0).interest, 49e6);
    }

    function test_interest_leavesWithWhatHasSettled() public {
        tradeAt(ALICE, BOB, high, 20 * UNIT, 2e12);
        vm.warp(EXPIRES - 30 minutes);
        for (uint256 i = 0; i < 30; ++i) {
            see(0, 100e18);
            vm.warp(block.timestamp + 1 minutes);
        }
        setPrices(100e18, 100e18);
        setPrices(100e18, 100e18);
        book.fix(high);
        touch(BOB);
        vm.assertEq(clearing.sizeOf(0).interest, 20e6);
        touch(ALICE);
        vm.assertEq(clearing.sizeOf(0).interest, 0);
    }

    // What size is asked.

    /// @notice 20 units are a fifth of the depth: 0.4 % of the index a unit, on top of a quarter of
    ///         it; of new risk 5 % more, for all open interest.
    function test_size_isAskedByDepthAndByShare() public {
        tradeAt(ALICE, BOB, perp, 20 * UNIT, 100e12);
        vm.assertEq(standing(ALICE).initial, 500e18 + 8e18);
        vm.assertEq(standing(ALICE).maintenance, 254e18);
        vm.assertEq(standing(ALICE).opening, 608e18);
        tradeAt(CAROL, BOB, perp, 20 * UNIT, 100e12);
        vm.assertEq(standing(ALICE).initial, 508e18, "others' trades ask nobody more");
        vm.assertEq(standing(ALICE).opening, 558e18, "half of open interest");
        vm.assertEq(standing(BOB).initial, 1000e18 + 32e18, "twice the size is asked four times");
    }

    /// @notice An option sold is a unit, however small its delta.
    function test_size_countsOptionsSold() public {
        tradeAt(ALICE, BOB, high, 50 * UNIT, 2e12);
        // 750 of the scenario, 50 of the options sold, 1 % of 5000.
        vm.assertEq(standing(BOB).initial, 750e18 + 50e18 + 50e18);
        vm.assertTrue(standing(ALICE).initial < 30e18);
    }

    /// @notice When others leave nobody is under maintenance margin by it.
    function test_crowd_makesNobodyLiquidatable() public {
        tradeAt(ALICE, BOB, perp, 25 * UNIT, 100e12);
        fund(DAVE, 10_000e18);
        tradeAt(CAROL, DAVE, perp, 25 * UNIT, 100e12);
        IPortfolioHouse.Standing memory before = standing(ALICE);
        tradeAt(DAVE, CAROL, perp, 25 * UNIT, 100e12);
        IPortfolioHouse.Standing memory now_ = standing(ALICE);
        vm.assertEq(now_.maintenance, before.maintenance);
        vm.assertEq(now_.initial, before.initial);
        vm.assertGt(now_.opening, before.opening);
    }

    /// @notice What is due brings a large account back to its initial margin, and not beyond it,
    ///         though what it is asked for its size falls with the square.
    function test_size_auctionRestoresInitialMargin() public {
        uint256 poor = 0xB00;
        fund(poor, 1900e18);
        tradeAt(poor, BOB, perp, 50 * UNIT, 100e12);
        vm.assertEq(standing(poor).initial, 1250e18 + 50e18);
        setPrice(74e18);
        runAuction(poor);
        bidFor(poor, CAROL, 1e18);
        IPortfolioHouse.Standing memory now_ = standing(poor);
        vm.assertGe(now_.secured, int256(now_.initial), "back to initial margin");
        // The penalty is counted in full, though cash that is gone is stressed no more.
        uint256 most = now_.initial + (uint256(clearing.books().insurance) * 14) / 100 + 1e15;
        vm.assertLe(now_.secured, int256(most), "and not more than a lot beyond");
        vm.assertTrue(lotsHeld(vm.addr(poor), perp) > 0);
        checkHeld();
    }

    // The depeg.

    /// @notice Initial margin is there when the collateral is worth 14 % less; maintenance margin
    ///         asks nothing for what has not happened.
    function test_stress_bindsNewRiskOnly() public {
        uint256 poor = 0xB00;
        fund(poor, 1000e18);
        vm.assertEq(standing(poor).secured, 860e18);
        vm.assertEq(standing(poor).equity, 1000e18);
        tradeAt(poor, ALICE, other, 34 * UNIT, 100e12); // 850
        vm.expectPartialRevert(IPortfolioHouse.MarginMissing.selector);
        this.tradeExternally(poor, ALICE, other, UNIT, 100e12);
        setPrices(100e18, 90e18);
        vm.assertEq(standing(poor).equity, 660e18);
        vm.assertTrue(standing(poor).equity > int256(standing(poor).maintenance));
    }

    /// @notice A haircut that rises up to the stress asks no more initial margin: it was there.
    function test_stress_isUsedUpByTheHaircut() public {
        tradeAt(ALICE, BOB, other, 100 * UNIT, 100e12);
        int256 before = standing(ALICE).secured;
        cut = 0.5e18;
        for (uint256 i = 1; i <= 20; ++i) {
            vm.warp(block.timestamp + 1 hours);
            clearing.moveHaircut();
            int256 secured = standing(ALICE).secured;
            if (i <= 14) vm.assertEq(secured, before);
            else vm.assertTrue(secured < before);
            vm.assertEq(standing(ALICE).equity, int256(10_000e18 - i * 100e18));
        }
    }

    function test_stress_leavesCashWithoutPositions() public {
        withdraw(CAROL, 10_000e18);
        vm.assertEq(dollar.balanceOf(vm.addr(CAROL)), 10_000e18);
    }

    function test_sizes_haveToBeThere() public {
        Sizes.Size[] memory bad = new Sizes.Size[](1);
        bytes memory why = abi.encodeWithSelector(IPortfolioHouse.BadTerms.selector, "sizes");
        vm.expectRevert(why);
        new PortfolioHouse(dollar, book, this, clearingTerms(), bad);
        bad = sizes();
        bad[1].depth = 0;
        vm.expectRevert(why);
        new PortfolioHouse(dollar, book, this, clearingTerms(), bad);
    }
}
