// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IRiskGate} from "../src/interfaces/IRiskGate.sol";
import {IRiskOracle} from "../src/interfaces/IRiskOracle.sol";
import {Desk} from "./support/Desk.sol";

contract RiskGateTest is Desk {
    function setUp() public {
        deployDesk();
    }

    function check(uint256 initial, uint256 maintenance) internal view {
        vm.assertEq(gate.initialMargin(MARKET), initial);
        vm.assertEq(gate.maintenanceMargin(MARKET), maintenance);
    }

    function test_before_theStaticTableHolds() public view {
        check(0.12e18, 0.08e18);
        vm.assertEq(gate.price(MARKET), 0);
        vm.assertFalse(gate.fresh(MARKET));
        vm.assertFalse(gate.priceFresh(MARKET));
    }

    /// @notice Applies a report whose claim is final.
    function settled(uint256 margin) internal {
        claimMargin(margin);
        mine(WINDOW + 1);
        gate.applyReports(MARKET);
    }

    /// @notice Applies a report whose claim is open.
    function open(uint256 margin) internal returns (uint256 claim) {
        claim = claimMargin(margin);
        gate.applyReports(MARKET);
    }

    function waits() internal {
        vm.expectRevert(abi.encodeWithSelector(IRiskGate.NothingToApply.selector, MARKET));
        gate.applyReports(MARKET);
    }

    /// @notice Initial margin follows the upper bound; maintenance by a quarter a report.
    function test_raise_final() public {
        settled(0.1875e18);
        check(0.1875e18, 0.1e18);
        settled(0.1875e18);
        check(0.1875e18, 0.125e18);
        settled(0.1875e18);
        check(0.1875e18, 0.125e18);
    }

    /// @notice A raise holds at once, while nothing that liquidates moves; when its claim is final,
    ///         maintenance follows.
    function test_raise_atOnce() public {
        uint256 claim = open(0.1875e18);
        check(0.1875e18, 0.08e18);
        (uint256 initial, uint256 raiser) = gate.settledMargin(MARKET);
        vm.assertEq(initial, 0.12e18);
        vm.assertEq(raiser, claim);
        waits();
        mine(WINDOW + 1);
        gate.applyReports(MARKET);
        check(0.1875e18, 0.1e18);
        (initial, raiser) = gate.settledMargin(MARKET);
        vm.assertEq(initial, 0.1875e18);
        vm.assertEq(raiser, 0);
        waits();
    }

    /// @notice All that is open together raises by one step over what is settled, however many say so.
    function test_raise_stepAndCeiling() public {
        open(0.875e18);
        check(0.24e18, 0.08e18);
        claimMargin(0.9375e18);
        gate.applyReports(MARKET);
        check(0.24e18, 0.08e18);
        mine(WINDOW + 1);
        gate.applyReports(MARKET);
        check(0.24e18, 0.1e18);
        settled(0.875e18);
        check(0.48e18, 0.125e18);
        open(0.875e18);
        vm.assertEq(gate.initialMargin(MARKET), 0.8e18);
    }

    function test_fall_isSlow() public {
        settled(0.015625e18);
        check(0.114e18, 0.076e18);
        for (uint256 i = 0; i < 40; ++i) {
            settled(0.015625e18);
        }
        vm.assertEq(gate.initialMargin(MARKET), 0.05e18);
        vm.assertEq(gate.maintenanceMargin(MARKET), (uint256(0.1e18) + 2) / 3);
    }

    /// @notice An open report lowers nothing, and says so; it keeps the margins fresh.
    function test_fall_waitsForItsClaim() public {
        settled(0.1875e18);
        uint256 claim = claimMargin(0.125e18);
        vm.expectEmit();
        emit IRiskGate.Waiting(MARKET, claim, 0.125e18, nonce);
        gate.applyReports(MARKET);
        check(0.1875e18, 0.1e18);
        waits();
        mine(WINDOW);
        waits();
        check(0.1875e18, 0.1e18);
        mine(1);
        gate.applyReports(MARKET);
        vm.assertEq(gate.initialMargin(MARKET), 0.178125e18);
    }

    /// @notice A later open report does not lower an earlier open raise; a later final one does.
    function test_fall_afterARaise() public {
        uint256 high = open(0.1875e18);
        claimMargin(0.125e18);
        gate.applyReports(MARKET);
        check(0.1875e18, 0.08e18);
        (, uint256 raiser) = gate.settledMargin(MARKET);
        vm.assertEq(raiser, high);
        mine(WINDOW + 1);
        gate.applyReports(MARKET);
        vm.assertEq(gate.initialMargin(MARKET), 0.125e18);
    }

    /// @notice A raise ends with its claim, before anybody tells the gate; what was settled holds.
    function test_struck_raiseEnds() public {
        settled(0.1875e18);
        uint256 claim = open(0.25e18);
        check(0.25e18, 0.1e18);
        strike(claim);
        check(0.1875e18, 0.1e18);
        vm.expectEmit();
        emit IRiskGate.Raised(MARKET, 0, 0, 0.1875e18);
        gate.applyReports(MARKET);
        check(0.1875e18, 0.1e18);
        waits();
    }

    /// @notice Of two raises the one that stands is in force again.
    function test_struck_theOtherRaiseHolds() public {
        settled(0.1875e18);
        claimMargin(0.21875e18);
        uint256 claim = open(0.25e18);
        check(0.25e18, 0.1e18);
        strike(claim);
        gate.applyReports(MARKET);
        check(0.21875e18, 0.125e18); // final by now
    }

    /// @notice A lowering whose claim is struck lowers nothing, ever.
    function test_struck_loweringNeverHolds() public {
        settled(0.1875e18);
        uint256 claim = open(0.0625e18);
        strike(claim);
        gate.applyReports(MARKET); // is not fresh any more
        check(0.1875e18, 0.1e18);
        waits();
    }

    /// @notice As long as a claim is disputed it binds one way, even past its deadline.
    function test_disputed_bindsOneWay() public {
        uint256 claim = open(0.1875e18);
        disputeOf(claim, reportHeaderOf(0));
        mine(WINDOW + 1);
        waits();
        check(0.1875e18, 0.08e18);
        claim = open(0.0625e18);
        disputeOf(claim, reportHeaderOf(0));
        mine(WINDOW + 1);
        waits();
        check(0.1875e18, 0.08e18);
    }

    function test_applied_saysWhatWasClamped() public {
        claimMargin(0.625e18);
        mine(WINDOW + 1);
        vm.expectEmit();
        emit IRiskGate.Applied(MARKET, 1, 0.625e18, 0.24e18, true, nonce);
        vm.expectEmit();
        emit IRiskGate.MaintenanceMoved(MARKET, 0.16e18, 0.1e18);
        gate.applyReports(MARKET);
    }

    function test_price_steps() public {
        reportPrice(50e18);
        vm.assertEq(gate.price(MARKET), 50e18);
        reportPrice(20e18);
        vm.assertEq(gate.price(MARKET), 25e18);
        reportPrice(20e18);
        vm.assertEq(gate.price(MARKET), 20e18);
        reportPrice(100e18);
        vm.assertEq(gate.price(MARKET), 30e18);
        vm.assertEq(gate.marketTime(MARKET), NOW);
    }

    function test_apply_onlyNews() public {
        waits();
        settled(0.1875e18);
        waits();
        check(0.1875e18, 0.1e18);
    }

    function test_apply_notTheExpiredPrice() public {
        IRiskOracle.Price memory price = priceOf(50e18);
        oracle.postPrice(price, signPrice(price, PROVIDER_KEY));
        vm.warp(NOW + HOLDS);
        waits();
    }

    /// @notice What a final report says holds until a later final one, though it is not fresh.
    function test_apply_finalAfterExpiry() public {
        claimMargin(0.1875e18);
        mine(WINDOW + 1);
        vm.warp(NOW + HOLDS);
        gate.applyReports(MARKET);
        check(0.1875e18, 0.1e18);
        reportPrice(50e18);
        vm.assertFalse(gate.fresh(MARKET));
    }

    function test_fresh_untilExpiry() public {
        settled(0.1875e18);
        vm.assertTrue(gate.fresh(MARKET));
        vm.warp(NOW + HOLDS - 1);
        vm.assertTrue(gate.fresh(MARKET));
        reportPrice(50e18);
        vm.warp(NOW + HOLDS);
        vm.assertFalse(gate.fresh(MARKET));
        vm.assertTrue(gate.priceFresh(MARKET));
    }

    /// @notice An open report keeps the margins fresh as long as its claim stands.
    function test_fresh_byAnOpenReport() public {
        settled(0.1875e18);
        vm.warp(NOW + HOLDS - 1);
        uint256 claim = open(0.0625e18);
        vm.warp(NOW + HOLDS + 1);
        vm.assertTrue(gate.fresh(MARKET));
        strike(claim);
        vm.assertFalse(gate.fresh(MARKET));
        vm.assertTrue(gate.priceFresh(MARKET));
    }

    function test_stranger_isNotTheProvider() public {
        allow(0xBAD);
        send(draft(50e18, 0.75e18), 0xBAD);
        waits();
    }

    /// @notice A new provider's nonces start anew, and may be lower than the old one's; the old one's
    ///         raise ends.
    function test_setProvider() public {
        for (uint256 i = 0; i < 3; ++i) {
            settled(0.1875e18);
        }
        open(0.25e18);
        allow(0xBEE);
        gate.setProvider(vm.addr(0xBEE));
        nonce = 0;
        send(draft(51e18, 0.125e18), 0xBEE);
        vm.expectEmit();
        emit IRiskGate.Raised(MARKET, 0, 0.125e18, 0.1875e18);
        gate.applyReports(MARKET);
        vm.assertEq(gate.price(MARKET), 51e18);
        check(0.1875e18, 0.125e18);
    }

    function test_shut_marginsAreStaticAndPricesPass() public {
        settled(0.1875e18);
        gate.setShut(true);
        check(0.12e18, 0.08e18);
        send(draft(51e18, 0.5e18), PROVIDER_KEY);
        mine(WINDOW + 1);
        gate.applyReports(MARKET);
        vm.assertEq(gate.price(MARKET), 51e18);
        check(0.12e18, 0.08e18);
        vm.assertTrue(gate.fresh(MARKET));
        vm.warp(NOW + HOLDS);
        vm.assertFalse(gate.fresh(MARKET));
        gate.setShut(false);
        check(0.1875e18, 0.1e18);
    }

    function test_owner_only() public {
        vm.startPrank(address(0xBAD));
        vm.expectRevert();
        gate.setShut(true);
        vm.expectRevert();
        gate.setProvider(address(0xBAD));
        vm.expectRevert();
        gate.setMarket(MARKET, limits());
        vm.stopPrank();
    }

    function test_owner_twoSteps() public {
        gate.transferOwnership(address(0xCAFE));
        vm.assertEq(gate.owner(), address(this));
        vm.prank(address(0xCAFE));
        gate.acceptOwnership();
        vm.assertEq(gate.owner(), address(0xCAFE));
    }

    function test_unknownMarket() public {
        bytes memory refusal = abi.encodeWithSelector(IRiskGate.UnknownMarket.selector, bytes32(0));
        vm.expectRevert(refusal);
        gate.applyReports(0);
        vm.expectRevert(refusal);
        gate.initialMargin(0);
        vm.expectRevert(refusal);
        gate.fresh(0);
    }

    function expectBad(string memory field, IRiskGate.Limits memory bad) internal {
        vm.expectRevert(abi.encodeWithSelector(IRiskGate.BadLimits.selector, field));
        gate.setMarket(MARKET, bad);
    }

    function test_setMarket_refuses() public {
        IRiskGate.Limits memory bad = limits();
        bad.floor = 0;
        expectBad("floor", bad);
        bad.floor = 0.9e18;
        expectBad("floor", bad);
        bad = limits();
        bad.ceiling = 1e18 + 1;
        expectBad("ceiling", bad);
        bad = limits();
        bad.stepUp = 0;
        expectBad("stepUp", bad);
        bad = limits();
        bad.stepDown = 1e18;
        expectBad("stepDown", bad);
        bad = limits();
        bad.priceStep = 1e18;
        expectBad("priceStep", bad);
        bad = limits();
        bad.staticInitial = 0.04e18;
        expectBad("staticInitial", bad);
        bad = limits();
        bad.staticMaintenance = 0.13e18;
        expectBad("staticMaintenance", bad);
    }

    /// @notice Whatever is reported: within floor and ceiling, within a step, maintenance not above.
    /// forge-config: default.fuzz.runs = 200
    function test_fuzz_reports_stayWithinLimits(
        uint256[12] memory margins,
        uint256[12] memory prices
    ) public {
        uint256 initial = gate.initialMargin(MARKET);
        uint256 maintenance = gate.maintenanceMargin(MARKET);
        uint256 price = 0;
        for (uint256 i = 0; i < 12; ++i) {
            uint256 given = bound(prices[i], 1, 2 ** 128 - 1);
            send(draft(given, bound(margins[i], 0, 2 ** 100)), PROVIDER_KEY);
            mine(WINDOW + 1);
            gate.applyReports(MARKET);
            uint256 next = gate.initialMargin(MARKET);
            vm.assertTrue(next >= 0.05e18 && next <= 0.8e18);
            vm.assertTrue(next <= 2 * initial && next >= initial * 95 / 100);
            initial = next;
            next = gate.maintenanceMargin(MARKET);
            vm.assertTrue(next > 0 && next <= initial);
            vm.assertTrue(next <= maintenance * 5 / 4 && next >= maintenance * 95 / 100);
            maintenance = next;
            next = gate.price(MARKET);
            vm.assertTrue(price == 0 || (next <= price * 3 / 2 && next >= price / 2));
            price = next;
        }
    }
}
