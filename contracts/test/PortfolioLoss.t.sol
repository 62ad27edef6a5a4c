// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PortfolioHouse} from "../src/PortfolioHouse.sol";
import {IPortfolioHouse} from "../src/interfaces/IPortfolioHouse.sol";
import {IScenarioBook} from "../src/interfaces/IScenarioBook.sol";
import {Ledger} from "../src/lib/Ledger.sol";
import {FeeToken, ReentrantCollateral} from "./support/Hostile.sol";
import {HouseDesk} from "./support/HouseDesk.sol";

/// @notice Alice is long forty perpetuals with a thousand dollars: initial margin 1000, maintenance
///         500.
contract PortfolioLossTest is HouseDesk {
    uint256 internal constant DAVE = 0xDA7E;

    function setUp() public {
        deployClearing();
        fund(ALICE, 1000e18);
        fund(BOB, 1000e18);
        fund(DAVE, 1000e18);
        fund(CAROL, 3000e18);
        tradeAt(ALICE, BOB, perp, 20 * UNIT, 100e12);
        tradeAt(ALICE, DAVE, perp, 20 * UNIT, 100e12);
    }

    function test_auction_beginsAtTheMarkAndRestoresInitialMargin() public {
        setPrice(87e18);
        runAuction(ALICE);
        (uint256 share, uint256 paid) = bidFor(ALICE, CAROL, 1e18);
        vm.assertEq(paid, 0);
        // (1000 - 480) / (1000 - 20 of penalty)
        vm.assertEq(share, 530_612_244_897_959_184);
        IPortfolioHouse.Standing memory now_ = standing(ALICE);
        vm.assertGe(now_.equity, int256(now_.initial), "back to initial margin");
        vm.assertLe(uint256(now_.equity), now_.initial + 1e15, "and not more than a lot beyond");
        vm.assertEq(lotsHeld(vm.addr(CAROL), perp), 21_224_490);
        vm.assertEq(clearing.books().insurance, share * 20);
        vm.assertEq(auctionOf(ALICE).shown, 0);
        checkHeld();
    }

    function test_auction_discountRisesOutOfTheAccountsOwn() public {
        setPrice(87.25e18);
        runAuction(ALICE); // 490 left
        vm.warp(block.timestamp + 60);
        (, uint256 paid) = bidFor(ALICE, CAROL, 0.01e18);
        vm.assertEq(paid, 1e18); // of 1000 a phase, after a tenth of it
        for (uint256 i = 0; i < 4; ++i) {
            setPrice(87.25e18);
            runAuction(ALICE); // two minutes each, however long it was
        }
        vm.assertEq(auctionOf(ALICE).passed, 540);
        (uint256 share,) = bidFor(ALICE, CAROL, 1e18);
        vm.assertEq(share, 1e18, "the discount is all it has");
        vm.assertEq(purseOf(ALICE).cash, 0);
        vm.assertEq(purseOf(ALICE).profit, 0);
        vm.assertEq(clearing.books().shortfall, 0);
    }

    function test_auction_onlyUnderMaintenance() public {
        setPrice(88e18);
        IScenarioBook.Reading[] memory readings = readingsOf(vm.addr(ALICE));
        vm.expectPartialRevert(IPortfolioHouse.Healthy.selector);
        clearing.runAuction(vm.addr(ALICE), readings);
        vm.prank(vm.addr(CAROL));
        vm.expectRevert(IPortfolioHouse.NoAuction.selector);
        clearing.bid(vm.addr(ALICE), 1e18, 0, readings);
        setPrice(87e18);
        runAuction(ALICE);
        vm.expectPartialRevert(IPortfolioHouse.NotHealthy.selector);
        clearing.endAuction(vm.addr(ALICE), readings);
        vm.prank(vm.addr(ALICE));
        vm.expectRevert(IPortfolioHouse.OwnAccount.selector);
        clearing.bid(vm.addr(ALICE), 1e18, 0, readings);
        vm.prank(vm.addr(CAROL));
        vm.expectPartialRevert(IPortfolioHouse.BadBid.selector);
        clearing.bid(vm.addr(ALICE), 1e18, 1e18, readings);
        setPrice(95e18);
        vm.prank(vm.addr(CAROL));
        vm.expectPartialRevert(IPortfolioHouse.Healthy.selector);
        clearing.bid(vm.addr(ALICE), 1e18, 0, readings);
        clearing.endAuction(vm.addr(ALICE), readings);
        vm.assertEq(auctionOf(ALICE).shown, 0);
    }

    /// @notice What recovered and was forgotten does not begin again where time alone would have
    ///         brought it.
    function test_auction_runsOnlyWhileItIsShown() public {
        setPrice(87e18);
        runAuction(ALICE);
        setPrice(95e18);
        vm.warp(block.timestamp + 5 hours);
        setPrice(87e18);
        (, uint256 paid) = bidFor(ALICE, CAROL, 0.01e18);
        vm.assertEq(paid, 2e18);
    }

    function test_auction_waitsForAFreshPrice() public {
        setPrice(87e18);
        IScenarioBook.Reading[] memory readings = readingsOf(vm.addr(ALICE));
        vm.warp(block.timestamp + 10 minutes);
        vm.expectRevert(IPortfolioHouse.Stale.selector);
        clearing.runAuction(vm.addr(ALICE), readings);
        setPrice(87e18);
        runAuction(ALICE);
        vm.warp(block.timestamp + 10 minutes);
        vm.prank(vm.addr(CAROL));
        vm.expectRevert(IPortfolioHouse.Stale.selector);
        clearing.bid(vm.addr(ALICE), 1e18, 0, readings);
    }

    function test_auction_goesOnWithAStaleGrid() public {
        vm.warp(block.timestamp + 7 hours);
        setPrice(87e18);
        runAuction(ALICE);
        (uint256 share,) = bidFor(ALICE, CAROL, 1e18);
        vm.assertTrue(share > 0.5e18);
    }

    function test_auction_theBidderNeedsMargin() public {
        setPrice(87e18);
        runAuction(ALICE);
        uint256 poor = 0xB00;
        fund(poor, 10e18);
        IScenarioBook.Reading[] memory readings = readingsOf(vm.addr(ALICE));
        vm.prank(vm.addr(poor));
        vm.expectPartialRevert(IPortfolioHouse.MarginMissing.selector);
        clearing.bid(vm.addr(ALICE), 1e18, 0, readings);
    }

    function fall() internal {
        setPrice(74e18);
        runAuction(ALICE);
        bidFor(ALICE, CAROL, 1e18);
        vm.assertEq(lotsHeld(vm.addr(ALICE), perp), 0);
    }

    function test_debt_insuranceFirst() public {
        dollar.mint(address(this), 100e18);
        dollar.approve(address(clearing), 100e18);
        clearing.fundInsurance(15e18);
        fall();
        vm.assertEq(clearing.books().insurance, 0);
        vm.assertEq(clearing.books().shortfall, 25e18);
        clearing.fundInsurance(30e18);
        vm.assertEq(clearing.books().shortfall, 0);
        vm.assertEq(clearing.books().insurance, 5e18);
        checkHeld();
    }

    /// @notice Two winners of 520 bear 40 alike; what was deposited is not touched.
    function test_deleveraging_isEqualAndExact() public {
        fall();
        touch(BOB);
        touch(DAVE);
        vm.assertEq(clearing.books().claims, 1040e18);
        vm.assertEq(standing(BOB).secured, 1500e18);
        vm.assertEq(take(BOB, 520e18), 500e18);
        vm.assertEq(take(DAVE, 520e18), 500e18);
        vm.assertEq(clearing.books().shortfall, 0);
        vm.assertEq(clearing.books().pool, 0);
        vm.assertEq(clearing.books().claims, 0);
        vm.assertEq(purseOf(BOB).cash, 1500e18);
        checkHeld();
    }

    /// @notice Whoever takes before the others' gains are counted bears what they would have.
    function test_deleveraging_countsWhoIsCounted() public {
        fall();
        touch(BOB);
        vm.assertEq(take(BOB, 520e18), 480e18);
        vm.assertEq(take(DAVE, 520e18), 520e18);
        checkHeld();
    }

    function test_take_onlyWhatLosersHavePaid() public {
        setPrice(90e18);
        IScenarioBook.Reading[] memory readings = readingsOf(vm.addr(BOB));
        vm.prank(vm.addr(BOB));
        vm.expectRevert(abi.encodeWithSelector(Ledger.NotPaidIn.selector, 200e18, 0));
        clearing.take(200e18, readings);
        touch(ALICE);
        vm.assertEq(take(BOB, 200e18), 200e18);
        vm.prank(vm.addr(BOB));
        vm.expectPartialRevert(Ledger.NoProfit.selector);
        clearing.take(1, readings);
    }

    function test_deposit_paysADebtFirst() public {
        setPrice(74e18);
        touch(ALICE);
        vm.assertEq(purseOf(ALICE).profit, -40e18);
        fund(ALICE, 100e18);
        vm.assertEq(purseOf(ALICE).profit, 0);
        vm.assertEq(purseOf(ALICE).cash, 60e18);
        checkHeld();
    }

    function test_withdraw_keepsTheInitialMargin() public {
        IScenarioBook.Reading[] memory readings = readingsOf(vm.addr(BOB));
        vm.prank(vm.addr(BOB));
        vm.expectPartialRevert(IPortfolioHouse.MarginMissing.selector);
        clearing.withdraw(500e18 + 1, readings);
        withdraw(BOB, 500e18);
        vm.prank(vm.addr(CAROL));
        vm.expectPartialRevert(IPortfolioHouse.NoCash.selector);
        clearing.withdraw(3001e18, new IScenarioBook.Reading[](0));
    }

    function test_collateral_mayNotCallAgain() public {
        ReentrantCollateral token = new ReentrantCollateral();
        PortfolioHouse house = new PortfolioHouse(token, book, this, clearingTerms(), sizes());
        token.mint(address(token), 10e18);
        token.attack(house, 10e18);
        vm.assertEq(token.refused(), 4);
        vm.assertEq(token.balanceOf(address(token)), 10e18);
    }

    function test_collateral_withFeesIsRefused() public {
        FeeToken token = new FeeToken();
        PortfolioHouse house = new PortfolioHouse(token, book, this, clearingTerms(), sizes());
        token.mint(address(this), 10e18);
        token.approve(address(house), 10e18);
        vm.expectRevert(abi.encodeWithSelector(IPortfolioHouse.NotExact.selector, 10e18, 9.9e18));
        house.deposit(10e18);
    }
}
