// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IClearingHouse} from "../src/interfaces/IClearingHouse.sol";
import {Desk} from "./support/Desk.sol";

/// @notice Liquidation, bad debt, settlement. Ann is long 90 at 50 with 1,000 dollars, Bob short; Liz
///         liquidates. The gate's maintenance margin is 10 %, then 12.5 %, 13.3 %; initial stays 20 %.
contract ClearingHouseLossTest is Desk {
    uint256 internal constant ANN = 0xA1;
    uint256 internal constant BOB = 0xB2;
    uint256 internal constant LIZ = 0xC3;
    address internal ann;
    address internal bob;
    address internal liz;

    function setUp() public {
        deployDesk();
        report(50e18, 0.2e18);
        ann = open(ANN, 1000e18);
        bob = open(BOB, 1000e18);
        liz = open(LIZ, 10_000e18);
        trade(ANN, BOB, 90e18, 50e18);
    }

    function liquidate(address account, uint256 size) internal {
        vm.prank(liz);
        house.liquidate(account, size);
    }

    function solvent() internal view {
        int256 owed = house.cash(ann) + house.cash(bob) + house.cash(liz)
            + int256(house.insurance()) - int256(house.shortfall());
        vm.assertEq(int256(dollar.balanceOf(address(house))), owed);
        vm.assertEq(house.position(ann) + house.position(bob) + house.position(liz), 0);
    }

    function test_liquidate_healthyIsRefused() public {
        reportPrice(44.5e18); // 505 equity, 400.5 maintenance
        vm.assertEq(house.liquidatable(ann), 0);
        vm.prank(liz);
        vm.expectRevert(
            abi.encodeWithSelector(IClearingHouse.Healthy.selector, ann, 505e18, 400.5e18)
        );
        house.liquidate(ann, 1e18);
    }

    /// @notice Just enough is closed that initial margin is there again, and not a lot less.
    function test_liquidate_restoresInitialMargin() public {
        reportPrice(43e18); // 370 equity, 387 maintenance, 774 initial
        uint256 most = house.liquidatable(ann);
        // (774 - 370) / (43 × (0.2 - 0.015)) = 50.7856…
        vm.assertEq(most, 50.78567e18);
        vm.prank(liz);
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.TooMuch.selector, most + 1e12, most));
        house.liquidate(ann, most + 1e12);
        liquidate(ann, most);
        (uint256 initial,) = house.requirement(ann);
        vm.assertTrue(house.equity(ann) >= int256(initial));
        vm.assertTrue(house.equity(ann) < int256(initial) + 1e13);
        vm.assertEq(house.position(liz), int256(most));
        solvent();
    }

    /// @notice Ann's loss is Liz's discount and the insurance's fee, and nobody else's.
    function test_liquidate_discountAndFee() public {
        reportPrice(43e18);
        int256 before = house.equity(ann);
        liquidate(ann, 10e18);
        vm.assertEq(house.equity(liz), 10_000e18 + 4.3e18);
        vm.assertEq(house.insurance(), 2.15e18);
        vm.assertEq(house.equity(ann), before - 6.45e18);
        vm.assertEq(house.equity(bob), 1630e18);
        solvent();
    }

    function test_liquidate_short() public {
        reportPrice(57.5e18); // Bob has 325, maintenance 517.5
        uint256 most = house.liquidatable(bob);
        liquidate(bob, most);
        (uint256 initial,) = house.requirement(bob);
        vm.assertTrue(house.equity(bob) >= int256(initial));
        vm.assertEq(house.position(liz), -int256(most));
        vm.assertTrue(house.equity(liz) > 10_000e18);
        solvent();
    }

    function test_liquidate_refuses() public {
        reportPrice(43e18);
        vm.prank(ann);
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.OwnAccount.selector));
        house.liquidate(ann, 1e18);
        vm.startPrank(liz);
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.BadSize.selector, 0));
        house.liquidate(ann, 0);
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.BadSize.selector, 1));
        house.liquidate(ann, 1);
        house.withdraw(9999e18);
        vm.expectRevert(
            abi.encodeWithSelector(IClearingHouse.MarginMissing.selector, liz, 1e18 + 4.3e18, 86e18)
        );
        house.liquidate(ann, 10e18);
        vm.stopPrank();
    }

    /// @notice With the margins expired and the price not, liquidation goes on.
    function test_liquidate_withStaleMargins() public {
        vm.warp(block.timestamp + HOLDS - 1);
        reportPrice(43e18);
        vm.warp(block.timestamp + HOLDS - 1);
        vm.assertFalse(gate.fresh(MARKET));
        liquidate(ann, 10e18);
        vm.assertEq(house.position(liz), 10e18);
    }

    /// @notice The discount never takes more than the account has.
    function test_liquidate_nearlyBankrupt() public {
        reportPrice(38.9e18); // Ann has 1 dollar
        vm.assertEq(house.equity(ann), 1e18);
        liquidate(ann, 90e18);
        vm.assertEq(house.shortfall(), 0);
        vm.assertTrue(house.cash(ann) >= 0 && house.cash(ann) < 1e9);
        vm.assertTrue(house.equity(liz) > 10_000e18 + 1e18 - 1e9);
        solvent();
    }

    function bankrupt() internal {
        reportPrice(30e18); // Ann is 800 short
        liquidate(ann, 90e18);
    }

    function test_badDebt_insuranceFirst() public {
        dollar.mint(address(this), 500e18);
        dollar.approve(address(house), 500e18);
        house.fundInsurance(500e18);
        bankrupt();
        vm.assertEq(house.insurance(), 0);
        vm.assertEq(house.shortfall(), 300e18);
        vm.assertEq(house.cash(ann), 0);
        solvent();
    }

    function test_shortfall_isSharedByAll() public {
        bankrupt();
        vm.assertEq(house.shortfall(), 800e18);
        // 12,000 are held, 12,800 owed: everybody gets 15/16.
        bytes memory refusal = abi.encodeWithSelector(IClearingHouse.Shortfall.selector, 800e18);
        dollar.mint(bob, 1e18);
        vm.startPrank(bob);
        vm.expectRevert(refusal);
        house.deposit(1e18);
        vm.expectRevert(refusal);
        house.withdraw(1e18);
        vm.expectRevert(
            abi.encodeWithSelector(IClearingHouse.ShareTooSmall.selector, 1500e18, 1600e18)
        );
        house.withdrawShare(1600e18, 1600e18);
        vm.assertEq(house.withdrawShare(1600e18, 1500e18), 1500e18);
        vm.stopPrank();
        vm.assertEq(house.shortfall(), 700e18);
        solvent();
        vm.prank(liz);
        vm.assertEq(house.withdrawShare(3200e18, 0), 3000e18);
        vm.assertEq(house.shortfall(), 500e18);
        solvent();
    }

    function test_shortfall_canBeRepaid() public {
        bankrupt();
        dollar.mint(address(this), 1000e18);
        dollar.approve(address(house), 1000e18);
        house.fundInsurance(1000e18);
        vm.assertEq(house.shortfall(), 0);
        vm.assertEq(house.insurance(), 200e18);
        vm.prank(bob);
        house.withdraw(1e18);
        solvent();
    }

    /// @notice More than the house holds and owes is refused by name, whoever's gain it is.
    function test_withdrawShare_notMoreThanThereIs() public {
        bankrupt();
        vm.prank(liz);
        vm.expectRevert(
            abi.encodeWithSelector(IClearingHouse.NotHeld.selector, 12_801e18, 12_000e18)
        );
        house.withdrawShare(12_801e18, 0);
    }

    /// @notice Without a shortfall, a share is the whole.
    function test_withdrawShare_otherwiseWhole() public {
        vm.prank(liz);
        vm.assertEq(house.withdrawShare(100e18, 100e18), 100e18);
    }

    /// @notice A bankrupt account that closes by itself leaves its debt in the open.
    function test_badDebt_byOwnTrade() public {
        reportPrice(30e18);
        trade(BOB, ANN, 90e18, 30e18);
        vm.assertEq(house.cash(ann), 0);
        vm.assertEq(house.shortfall(), 800e18);
        solvent();
    }

    /// @notice Gains that the loser has not paid cannot be taken from the insurance.
    function test_withdraw_notFromTheInsurance() public {
        vm.prank(liz);
        house.withdraw(10_000e18);
        dollar.mint(address(this), 5000e18);
        dollar.approve(address(house), 5000e18);
        house.fundInsurance(5000e18);
        reportPrice(25.5e18); // Bob has 3,205, of which 1,000 and Ann's 1,000 are held
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.NotHeld.selector, 2001e18, 2000e18));
        house.withdraw(2001e18);
    }

    // Settlement.

    function expire(uint256 price) internal {
        vm.warp(SETTLES_AT);
        report(price, 0.2e18);
    }

    function test_settle_waitsForTheMarketsClock() public {
        vm.warp(SETTLES_AT + 1);
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.NotYet.selector, NOW, SETTLES_AT));
        house.settle(10);
    }

    function test_settle_paysAtTheFixedPrice() public {
        expire(53e18);
        bytes memory settling = abi.encodeWithSelector(IClearingHouse.Settling.selector);
        expectTradeRevert(BOB, ANN, 1e18, 53e18, settling);
        vm.prank(liz);
        vm.expectRevert(settling);
        house.liquidate(bob, 1e18);
        vm.prank(ann);
        vm.expectRevert(settling);
        house.withdraw(1);
        vm.prank(liz);
        vm.expectRevert(settling);
        house.withdraw(1);

        vm.assertEq(house.settle(1), 1);
        reportPrice(60e18); // too late to matter
        vm.assertEq(house.mark(), 53e18);
        vm.assertEq(house.settle(10), 0);
        vm.assertEq(house.cash(ann), 1270e18);
        vm.assertEq(house.cash(bob), 730e18);
        solvent();
        vm.prank(ann);
        house.withdraw(1270e18);
        vm.prank(bob);
        house.withdraw(730e18);
        vm.prank(liz);
        house.withdraw(10_000e18);
        vm.assertEq(dollar.balanceOf(address(house)), 0);
    }

    function test_settle_badDebtIsShared() public {
        expire(30e18);
        house.settle(10);
        vm.assertEq(house.cash(ann), 0);
        vm.assertEq(house.shortfall(), 800e18);
        solvent();
        vm.prank(bob);
        uint256 bobs = house.withdrawShare(2800e18, 0);
        vm.prank(liz);
        uint256 lizs = house.withdrawShare(10_000e18, 0);
        vm.assertEq(bobs, 2625e18);
        vm.assertEq(lizs, 9375e18);
        vm.assertEq(dollar.balanceOf(address(house)), 0);
        vm.assertEq(house.shortfall(), 0);
    }

    /// @notice Wherever the price goes, a liquidation closes no more than needed, never makes debt out of
    ///         equity, and the books balance.
    function test_fuzz_liquidate(uint256 price, uint256 share) public {
        reportPrice(bound(price, 25e18, 75e18));
        address account = house.liquidatable(ann) > 0 ? ann : bob;
        uint256 most = house.liquidatable(account);
        if (most == 0) return;
        uint256 size = bound(share, 1, most / 1e12) * 1e12;
        int256 before = house.equity(account);
        int256 lizBefore = house.equity(liz);
        liquidate(account, size);
        int256 afterwards = house.equity(account);
        vm.assertTrue(before <= 0 || afterwards >= 0);
        vm.assertTrue(house.equity(liz) >= lizBefore);
        (uint256 initial,) = house.requirement(account);
        if (size == most && house.position(account) != 0) {
            vm.assertTrue(afterwards >= int256(initial));
        }
        if (before > 0) vm.assertEq(house.shortfall(), 0);
        solvent();
    }
}
