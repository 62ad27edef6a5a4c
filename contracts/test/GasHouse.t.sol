// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IOrderDesk} from "../src/interfaces/IOrderDesk.sol";
import {IScenarioBook} from "../src/interfaces/IScenarioBook.sol";
import {Legs} from "../src/lib/Legs.sol";
import {Grove} from "./support/Grove.sol";
import {HouseDesk} from "./support/HouseDesk.sol";

/// @notice Gas of every entry point of book and house, in snapshots/House.json. A full account has
///         32 legs: 30 options and a perpetual in one market, a perpetual in the other.
contract GasHouseTest is HouseDesk {
    uint256 internal constant BAR = 5_000_000;

    function setUp() public {
        deployClearing();
        fund(ALICE, 3850e18);
        fund(BOB, 100_000e18);
        fund(CAROL, 100_000e18);
    }

    function measured(string memory name) internal returns (uint256) {
        return vm.snapshotGasLastCall("House", name);
    }

    /// @notice Lists thirty calls from a strike on.
    function fill() internal {
        IScenarioBook.Listing[] memory some = new IScenarioBook.Listing[](30);
        for (uint256 i = 0; i < 30; ++i) {
            some[i] = listing(0, IScenarioBook.Kind.Call, 101e18 + i * 1e18, EXPIRES);
        }
        address provider = book.provider();
        vm.prank(provider);
        uint32 first = book.list(some);
        measured("book list, 30 instruments");
        for (uint256 i = 0; i < 30; ++i) {
            listed[0].push(some[i]);
            ids[0].push(first + uint32(i));
        }
        setPrices(100e18, 100e18);
        setGrid(0, 100e18);
        setGrid(1, 100e18);
    }

    /// @notice Alice sells every option and both perpetuals, ten units of each.
    function fullAccount() internal {
        fill();
        uint32[] memory list_ = new uint32[](32);
        int64[] memory lots = new int64[](32);
        for (uint32 i = 0; i < 32; ++i) {
            (list_[i], lots[i]) = (i, -10 * UNIT);
        }
        IOrderDesk.Deal memory deal = dealOf(ALICE, BOB, list_, lots, -10 * (200e18 + 60e18));
        IScenarioBook.Reading[] memory readings = readingsOf(list_);
        orderDesk.trade(deal, readings);
        measured("trade, opening 32 legs on both sides");
    }

    /// forge-config: default.isolate = true
    function test_gas_fullAccounts() public {
        fullAccount();
        setPrices(118.7e18, 118.7e18);
        address alice = vm.addr(ALICE);
        IScenarioBook.Reading[] memory readings = readingsOf(alice);
        clearing.touch(alice, readings);
        measured("touch, 32 legs");
        clearing.runAuction(alice, readings);
        measured("runAuction, 32 legs");
        vm.prank(vm.addr(CAROL));
        clearing.bid(alice, 0.02e18, 0, readings);
        uint256 first = measured("bid, 32 legs, by an empty account");
        setPrices(118.7e18, 118.7e18);
        vm.prank(vm.addr(CAROL));
        clearing.bid(alice, 0.01e18, 0, readings);
        uint256 second = measured("bid, 32 legs, by a full account");
        for (uint256 i = 0; i < 5; ++i) {
            setPrices(118.7e18, 118.7e18);
            clearing.runAuction(alice, readings);
        }
        vm.prank(vm.addr(CAROL));
        clearing.bid(alice, 1e18, 0, readings);
        uint256 third = measured("bid, all of 32 legs, by a full account");
        (,, Legs.Leg[] memory legs) = clearing.accountOf(alice);
        vm.assertEq(legs.length, 0);
        (,, legs) = clearing.accountOf(vm.addr(CAROL));
        vm.assertEq(legs.length, 32);
        vm.assertLe(first, BAR);
        vm.assertLe(second, BAR);
        vm.assertLe(third, BAR);
    }

    /// forge-config: default.isolate = true
    function test_gas_everyday() public {
        IOrderDesk.Deal memory deal = dealOf(ALICE, BOB, one(perp), lotsOf(10 * UNIT), 1000e18);
        IScenarioBook.Reading[] memory readings = readingsOf(one(perp));
        orderDesk.trade(deal, readings);
        measured("trade, opening a perpetual");
        deal = dealOf(ALICE, BOB, one(perp), lotsOf(10 * UNIT), 1000e18);
        orderDesk.trade(deal, readings);
        measured("trade, again");
        deal = dealOf(ALICE, BOB, one(perp), lotsOf(-10 * UNIT), -1000e18);
        orderDesk.trade(deal, readings);
        measured("trade, closing half");
        setPrices(99e18, 100e18);
        touch(ALICE);
        vm.prank(vm.addr(BOB));
        clearing.take(10e18, readings);
        measured("take");
        vm.prank(vm.addr(ALICE));
        clearing.withdraw(1e18, readings);
        measured("withdraw");
        dollar.mint(vm.addr(ALICE), 10e18);
        vm.prank(vm.addr(ALICE));
        clearing.deposit(10e18);
        measured("deposit");
        vm.prank(vm.addr(ALICE));
        orderDesk.cancel(deal.left);
        measured("cancel");
        dollar.mint(address(this), 1e18);
        dollar.approve(address(clearing), 1e18);
        clearing.fundInsurance(1e18);
        measured("fundInsurance");
        vm.warp(block.timestamp + 1 hours);
        clearing.moveHaircut();
        measured("moveHaircut");
    }

    /// forge-config: default.isolate = true
    function test_gas_auctionThatEnds() public {
        tradeAt(ALICE, BOB, perp, 130 * UNIT, 100e12);
        setPrices(82e18, 100e18);
        runAuction(ALICE);
        setPrices(99e18, 100e18);
        IScenarioBook.Reading[] memory readings = readingsOf(one(perp));
        clearing.endAuction(vm.addr(ALICE), readings);
        measured("endAuction");
    }

    /// forge-config: default.isolate = true
    function test_gas_book() public {
        uint32 high = call(0, 110e18, EXPIRES);
        setPrices(100e18, 100e18);
        bytes[] memory all = rowsOf(0, 100e18);
        IScenarioBook.Data memory data = dataAt(100e18);
        bytes32 root = Grove.root(leavesOf(all));
        vm.prank(vm.addr(PROVIDER_KEY));
        book.post(0, data, root);
        measured("book post");
        mine(WINDOW + 1);
        book.settle(0);
        measured("book settle, one grid");
        vm.warp(book.gridOf(0).time + 7 days);
        book.delist(perp);
        measured("book delist");
        vm.warp(EXPIRES - 30 minutes);
        for (uint256 i = 0; i < 30; ++i) {
            see(0, 100e18);
            vm.warp(block.timestamp + 1 minutes);
        }
        setPrices(100e18, 100e18);
        setPrices(100e18, 100e18);
        book.fix(high);
        measured("book fix");
    }
}
