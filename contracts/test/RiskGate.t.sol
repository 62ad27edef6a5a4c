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

    /// @notice Initial margin follows the upper bound at once; maintenance by a quarter a report.
    function test_raise() public {
        report(50e18, 0.21e18);
        check(0.21e18, 0.1e18);
        report(50e18, 0.21e18);
        check(0.21e18, 0.125e18);
        report(50e18, 0.21e18);
        check(0.21e18, 0.14e18);
        report(50e18, 0.21e18);
        check(0.21e18, 0.14e18);
    }

    function test_raise_stepAndCeiling() public {
        report(50e18, 0.9e18);
        check(0.24e18, 0.1e18);
        report(50e18, 0.9e18);
        check(0.48e18, 0.125e18);
        report(50e18, 0.9e18);
        vm.assertEq(gate.initialMargin(MARKET), 0.8e18);
    }

    function test_fall_isSlow() public {
        report(50e18, 0.01e18);
        check(0.114e18, 0.076e18);
        for (uint256 i = 0; i < 40; ++i) {
            report(50e18, 0.01e18);
        }
        vm.assertEq(gate.initialMargin(MARKET), 0.05e18);
        vm.assertEq(gate.maintenanceMargin(MARKET), (uint256(0.1e18) + 2) / 3);
    }

    function test_applied_saysWhatWasClamped() public {
        IRiskOracle.Report[] memory bundle = new IRiskOracle.Report[](1);
        bundle[0] = reportOf(IRiskOracle.Kind.Margin, 0.5e18, 0.6e18);
        oracle.post(bundle, sign(bundle, PROVIDER_KEY));
        vm.expectEmit();
        emit IRiskGate.Applied(MARKET, 1, 0.6e18, 0.24e18, true, bundle[0].nonce);
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
        bytes memory refusal = abi.encodeWithSelector(IRiskGate.NothingToApply.selector, MARKET);
        vm.expectRevert(refusal);
        gate.applyReports(MARKET);
        report(50e18, 0.21e18);
        vm.expectRevert(refusal);
        gate.applyReports(MARKET);
        check(0.21e18, 0.1e18);
    }

    function test_apply_notTheExpired() public {
        IRiskOracle.Report[] memory bundle = new IRiskOracle.Report[](1);
        bundle[0] = reportOf(IRiskOracle.Kind.Price, 50e18, 50e18);
        oracle.post(bundle, sign(bundle, PROVIDER_KEY));
        vm.warp(NOW + HOLDS);
        vm.expectRevert(abi.encodeWithSelector(IRiskGate.NothingToApply.selector, MARKET));
        gate.applyReports(MARKET);
    }

    function test_fresh_untilExpiry() public {
        report(50e18, 0.2e18);
        vm.assertTrue(gate.fresh(MARKET));
        vm.warp(NOW + HOLDS - 1);
        vm.assertTrue(gate.fresh(MARKET));
        reportPrice(50e18);
        vm.warp(NOW + HOLDS);
        vm.assertFalse(gate.fresh(MARKET));
        vm.assertTrue(gate.priceFresh(MARKET));
    }

    function test_stranger_isNotTheProvider() public {
        IRiskOracle.Report[] memory bundle = new IRiskOracle.Report[](1);
        bundle[0] = reportOf(IRiskOracle.Kind.Margin, 0.7e18, 0.7e18);
        oracle.post(bundle, sign(bundle, 0xBAD));
        vm.expectRevert(abi.encodeWithSelector(IRiskGate.NothingToApply.selector, MARKET));
        gate.applyReports(MARKET);
    }

    /// @notice A new provider's nonces start anew, and may be lower than the old one's.
    function test_setProvider() public {
        for (uint256 i = 0; i < 3; ++i) {
            report(50e18, 0.2e18);
        }
        gate.setProvider(vm.addr(0xBEE));
        nonce = 0;
        IRiskOracle.Report[] memory bundle = new IRiskOracle.Report[](1);
        bundle[0] = reportOf(IRiskOracle.Kind.Price, 51e18, 51e18);
        oracle.post(bundle, sign(bundle, 0xBEE));
        gate.applyReports(MARKET);
        vm.assertEq(gate.price(MARKET), 51e18);
    }

    function test_shut_marginsAreStaticAndPricesPass() public {
        report(50e18, 0.21e18);
        gate.setShut(true);
        check(0.12e18, 0.08e18);
        report(51e18, 0.5e18);
        vm.assertEq(gate.price(MARKET), 51e18);
        check(0.12e18, 0.08e18);
        vm.assertTrue(gate.fresh(MARKET));
        vm.warp(NOW + HOLDS);
        vm.assertFalse(gate.fresh(MARKET));
        gate.setShut(false);
        check(0.21e18, 0.1e18);
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
    function test_fuzz_reports_stayWithinLimits(
        uint256[12] memory margins,
        uint256[12] memory prices
    ) public {
        uint256 initial = gate.initialMargin(MARKET);
        uint256 maintenance = gate.maintenanceMargin(MARKET);
        uint256 price = 0;
        for (uint256 i = 0; i < 12; ++i) {
            report(bound(prices[i], 1, 2 ** 128 - 1), bound(margins[i], 0, 2 ** 128 - 1));
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
