// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PanelGate} from "../src/PanelGate.sol";
import {ICourt} from "../src/interfaces/ICourt.sol";
import {IAccounts, IAuthority, IPanelGate} from "../src/interfaces/IPanelGate.sol";
import {Amount} from "../src/lib/Amount.sol";
import {Tree} from "../src/lib/Tree.sol";
import {PanelDesk} from "./support/PanelDesk.sol";

/// @notice Initial margin, who is heard, and staleness.
contract PanelGateTest is PanelDesk {
    function setUp() public {
        deployPanel();
        panel.setMarket(MARKET, unchecked_());
    }

    function test_before_theStaticTableAndNoNewRisk() public {
        vm.assertFalse(panel.fresh(MARKET));
        check(0.18e18, 0.08e18); // half as much again: nobody was heard yet
        panel.setShut(true);
        vm.assertTrue(panel.fresh(MARKET));
        check(0.12e18, 0.08e18);
        vm.assertEq(panel.volatility(MARKET), 0.5e18);
    }

    function test_median_ofThree() public {
        say(P0, 0.125e18);
        say(P1, 0.1875e18);
        say(P2, 0.75e18);
        apply_();
        check(0.1875e18, 0.1e18);
        vm.assertTrue(panel.fresh(MARKET));
    }

    /// @notice Of two the upper; of one the one; those who are silent or switched off are gone on without.
    function test_median_goesOnWithThoseLeft() public {
        say(P0, 0.125e18);
        say(P1, 0.1875e18);
        apply_();
        check(0.1875e18, 0.1e18);
        panel.setProvider(vm.addr(P1), false);
        apply_();
        check(0.178125e18, 0.1e18);
        panel.setProvider(vm.addr(P0), false);
        vm.assertFalse(panel.fresh(MARKET));
        check(0.2671875e18, 0.1e18);
        vm.assertEq(panel.providers().length, 1);
    }

    /// @notice A provider that is switched off counts no more from that call on, open raise and all.
    function test_switchedOff_atOnce() public {
        agree(0.125e18);
        panel.setProvider(vm.addr(P0), false);
        panel.setProvider(vm.addr(P1), false);
        say(P2, 0.25e18);
        panel.applyReports(MARKET);
        check(0.25e18, uint256(0.25e18) / 3 + 1);
        panel.setProvider(vm.addr(P0), true);
        panel.setProvider(vm.addr(P2), false);
        check(0.125e18, uint256(0.25e18) / 3 + 1);
    }

    function test_distrusted_isNotHeard() public {
        say(P0, 0.1875e18);
        say(P1, 0.25e18);
        say(P2, 0.25e18);
        distrusted[vm.addr(P1)] = true;
        distrusted[vm.addr(P2)] = true;
        apply_();
        check(0.1875e18, 0.1e18);
    }

    /// @notice Coupled parameters move by one share: a limit on one holds the other back.
    function test_coupled_oneShare() public {
        say(P0, 0.18e18, 2e18); // volatility wants 1.5 more, and may have 0.5: a third of the way
        apply_();
        (uint256 initial, uint256 volatility) = panel.settledOf(MARKET);
        vm.assertTrue(initial >= 0.14e18 - 10 && initial <= 0.14e18 + 10);
        vm.assertTrue(volatility >= 1e18 - 10 && volatility <= 1e18);
        apply_();
        (initial, volatility) = panel.settledOf(MARKET);
        vm.assertTrue(initial >= 0.18e18 && initial < 0.18e18 + 100);
        vm.assertTrue(volatility >= 2e18 - 10 && volatility <= 2e18);
    }

    /// @notice Both parameters are those of one bundle, never the median of each.
    function test_coupled_oneBundle() public {
        say(P0, 0.125e18, 0.75e18);
        say(P1, 0.1875e18, 0.25e18);
        say(P2, 0.25e18, 0.625e18);
        for (uint256 i = 0; i < 40; ++i) {
            apply_();
        }
        (uint256 initial, uint256 volatility) = panel.settledOf(MARKET);
        vm.assertEq(initial, 0.1875e18);
        vm.assertEq(volatility, 0.25e18);
    }

    /// @notice A raise holds in the block in which it is read, one step above the settled margin at most;
    ///         nothing that liquidates moves.
    function test_raise_atOnceByTheMedian() public {
        agree(0.125e18);
        uint256 maintenance = panel.maintenanceMargin(MARKET);
        say(P0, 0.5e18);
        panel.applyReports(MARKET);
        check(0.125e18, maintenance); // one of three
        uint256 claim = say(P1, 0.1875e18);
        panel.applyReports(MARKET);
        check(0.1875e18, maintenance);
        strike(claim);
        check(0.125e18, maintenance); // before anybody calls
        say(P1, 0.75e18);
        panel.applyReports(MARKET);
        check(0.25e18, maintenance); // P0's has been finalised: still a step over what is settled
    }

    function test_delay_holdsBackSettledAndNeverInitial() public {
        agree(0.125e18);
        for (uint256 i = 0; i < 3; ++i) {
            say(P0 + i, 0.1875e18);
        }
        mine(WINDOW + 1);
        panel.applyReports(MARKET);
        (uint256 initial,) = panel.settledOf(MARKET);
        vm.assertEq(initial, 0.125e18);
        vm.assertEq(panel.initialMargin(MARKET), 0.1875e18);
        vm.warp(block.timestamp + DELAY);
        panel.applyReports(MARKET);
        (initial,) = panel.settledOf(MARKET);
        vm.assertEq(initial, 0.1875e18);
    }

    function test_loosensSlowly() public {
        agree(0.1875e18);
        uint256 maintenance = panel.maintenanceMargin(MARKET);
        agree(0.0625e18);
        check(0.178125e18, maintenance);
        for (uint256 i = 0; i < 60; ++i) {
            apply_();
        }
        check(0.0625e18, uint256(0.125e18) / 3 + 1);
    }

    /// @notice Silence: new risk refused, initial half as much again, maintenance where it was. No report is
    ///         fresh longer than six hours, whatever it says itself.
    function test_stale() public {
        Draft memory made = draft(50e18, 0.1875e18);
        made.bundle.expiry += 1 days;
        send(made, P0);
        apply_();
        check(0.1875e18, 0.1e18);
        vm.warp(NOW + 6 hours - 1);
        vm.assertTrue(panel.fresh(MARKET));
        vm.warp(NOW + 6 hours);
        vm.assertFalse(panel.fresh(MARKET));
        check(0.28125e18, 0.1e18);
        panel.applyReports(MARKET);
        (uint256 initial,) = panel.settledOf(MARKET);
        vm.assertEq(initial, 0.1875e18);
    }

    function test_fresh_byAnOpenReport() public {
        agree(0.125e18);
        vm.warp(NOW + HOLDS);
        uint256 claim = say(P0, 0.125e18);
        vm.warp(NOW + HOLDS + 120);
        vm.assertFalse(panel.fresh(MARKET)); // not read yet
        panel.applyReports(MARKET);
        vm.assertTrue(panel.fresh(MARKET));
        strike(claim);
        vm.assertFalse(panel.fresh(MARKET));
    }

    function test_owner_only() public {
        vm.startPrank(address(0xBAD));
        vm.expectRevert();
        panel.setProvider(vm.addr(P0), false);
        vm.expectRevert();
        panel.setShut(true);
        vm.expectRevert();
        panel.setMarket(MARKET, policy());
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IPanelGate.AlreadySo.selector, vm.addr(P0)));
        panel.setProvider(vm.addr(P0), true);
        for (uint160 i = 1; i < 7; ++i) {
            panel.setProvider(address(i), true);
        }
        vm.expectRevert(abi.encodeWithSelector(IPanelGate.TooManyProviders.selector, 9));
        panel.setProvider(address(7), true);
    }

    function expectBad(string memory field, IPanelGate.Policy memory bad) internal {
        vm.expectRevert(abi.encodeWithSelector(IPanelGate.BadPolicy.selector, field));
        panel.setMarket(MARKET, bad);
    }

    function test_setMarket_refuses() public {
        IPanelGate.Policy memory bad = policy();
        bad.margin.ceiling = 1e18 + 1;
        expectBad("margin", bad);
        bad = policy();
        bad.margin.floor = 0;
        expectBad("margin", bad);
        bad = policy();
        bad.margin.stepDown = 1e18;
        expectBad("margin", bad);
        bad = policy();
        bad.volatility.stepUp = 0;
        expectBad("volatility", bad);
        bad = policy();
        bad.staticVolatility = 3e18;
        expectBad("volatility", bad);
        bad = policy();
        bad.staticMaintenance = 0.13e18;
        expectBad("staticMaintenance", bad);
        PanelGate bare =
            new PanelGate(oracle, IAuthority(address(0)), IAccounts(address(0)), 0, address(this));
        vm.expectRevert(abi.encodeWithSelector(IPanelGate.BadPolicy.selector, "countMax"));
        bare.setMarket(MARKET, policy());
        bytes memory unknown = abi.encodeWithSelector(IPanelGate.UnknownMarket.selector, bytes32(0));
        vm.expectRevert(unknown);
        panel.applyReports(0);
        vm.expectRevert(unknown);
        panel.initialMargin(0);
    }

    /// @notice Whatever three providers say: within the limits, and coupled parameters by one share.
    /// forge-config: default.fuzz.runs = 100
    function test_fuzz_reports_stayWithinLimits(uint256 seed) public {
        for (uint256 i = 0; i < 10; ++i) {
            (uint256 initial, uint256 volatility) = panel.settledOf(MARKET);
            seed = uint256(keccak256(abi.encode(seed)));
            say(P0 + seed % 3, bound(seed >> 8, 0, 2e18), bound(seed >> 100, 0, 5e18));
            apply_();
            (uint256 next, uint256 coupled) = panel.settledOf(MARKET);
            vm.assertTrue(next >= 0.05e18 && next <= 0.8e18);
            vm.assertTrue(coupled >= 0.01e18 && coupled <= 2e18);
            vm.assertTrue(next <= 2 * initial && next >= initial * 95 / 100);
            vm.assertTrue(coupled <= 2 * volatility && coupled >= volatility * 95 / 100);
            uint256 now_ = panel.initialMargin(MARKET);
            vm.assertTrue(now_ >= next && now_ <= 2 * next && now_ <= 0.8e18);
            vm.assertTrue(panel.maintenanceMargin(MARKET) <= next);
        }
    }
}

/// @notice Maintenance margin: a quarter an hour, and steps with claims.
contract PanelGateRiseTest is PanelDesk {
    function setUp() public {
        deployPanel();
    }

    function expectNoStep(uint256 claim) internal {
        vm.expectRevert(abi.encodeWithSelector(IPanelGate.NoStep.selector, claim));
        panel.takeStep(claim);
    }

    /// @notice A quarter, and then nothing until an hour has passed since.
    function test_aQuarterAnHour() public {
        panel.setMarket(MARKET, unchecked_());
        agree(0.24e18);
        vm.assertEq(panel.maintenanceMargin(MARKET), 0.1e18);
        vm.warp(block.timestamp + 1 hours - 1);
        panel.applyReports(MARKET);
        vm.assertEq(panel.maintenanceMargin(MARKET), 0.1e18);
        vm.warp(block.timestamp + 1);
        panel.applyReports(MARKET);
        vm.assertEq(panel.maintenanceMargin(MARKET), 0.125e18);
    }

    /// @notice Without a claim a rise waits, and after the policy's patience it moves anyway.
    function test_patience() public {
        agree(0.24e18);
        (uint256 most, uint64 since) = panel.rise(MARKET);
        vm.assertEq(most, 0.1e18);
        vm.assertEq(since, block.number);
        mine(PATIENCE - 1);
        panel.applyReports(MARKET);
        vm.assertEq(panel.maintenanceMargin(MARKET), 0.08e18);
        mine(1);
        panel.applyReports(MARKET);
        vm.assertEq(panel.maintenanceMargin(MARKET), 0.1e18);
        vm.assertTrue(panel.initialMargin(MARKET) >= 0.24e18); // never delayed
    }

    function test_step_byAFinalClaim() public {
        agree(0.24e18);
        vm.expectEmit();
        emit IPanelGate.StepProposed(
            MARKET,
            court.claimCount() + 1,
            0.09375e18,
            doubleOf(0.09375e18),
            accountsRoot,
            2,
            1000e18
        );
        uint256 claim = propose(0.09375e18, 2, 1000e18);
        ICourt.Claim memory made = court.claim(claim);
        vm.assertEq(made.asserter, vm.addr(CHALLENGER_KEY));
        vm.assertEq(made.consumer, address(panel));
        vm.assertEq(made.program, panel.consequence());
        vm.assertEq(made.outputsRoot, Tree.leaf(outcome(2, 1000e18)));
        bytes memory level = bytes.concat(bytes8(Amount.swap(doubleOf(0.09375e18))), new bytes(248));
        bytes32[] memory inputs = new bytes32[](2);
        (inputs[0], inputs[1]) = (accountsRoot, keccak256(bytes.concat(hex"00", level)));
        vm.assertEq(made.inputsRoot, Tree.nodeOf(inputs));

        vm.expectRevert();
        panel.takeStep(claim); // can still be challenged
        mine(WINDOW + 1);
        panel.takeStep(claim);
        vm.assertEq(panel.maintenanceMargin(MARKET), 0.09375e18);
        expectNoStep(claim);
        (uint256 most,) = panel.rise(MARKET);
        vm.assertEq(most, 0.1e18); // of what the hour began with
    }

    function test_step_oneABlock() public {
        agree(0.24e18);
        uint256 first = propose(0.09375e18, 1, 10e18);
        uint256 second = propose(0.095703125e18, 1, 10e18);
        mine(WINDOW + 1);
        panel.takeStep(first);
        vm.expectRevert(abi.encodeWithSelector(IPanelGate.OneAStep.selector, block.number));
        panel.takeStep(second);
        mine(1);
        panel.takeStep(second);
        vm.assertEq(panel.maintenanceMargin(MARKET), 0.095703125e18);
    }

    function test_step_notTooMuch() public {
        agree(0.24e18);
        vm.startPrank(vm.addr(CHALLENGER_KEY));
        vm.expectRevert(abi.encodeWithSelector(IPanelGate.TooMuch.selector, 3, 10e18));
        panel.proposeStep(MARKET, doubleOf(0.09375e18), outcome(3, 10e18));
        vm.expectRevert(abi.encodeWithSelector(IPanelGate.TooMuch.selector, 1, 1024e18));
        panel.proposeStep(MARKET, doubleOf(0.09375e18), outcome(1, 1024e18));
        vm.expectPartialRevert(IPanelGate.BadLevel.selector);
        panel.proposeStep(MARKET, doubleOf(0.109375e18), outcome(1, 1e18));
        vm.expectPartialRevert(IPanelGate.BadLevel.selector);
        panel.proposeStep(MARKET, doubleOf(0.078125e18), outcome(1, 1e18));
        vm.expectPartialRevert(Tree.ChunkLength.selector);
        panel.proposeStep(MARKET, doubleOf(0.09375e18), "short");
        vm.stopPrank();
    }

    function test_step_nothingWaits() public {
        agree(0.1171875e18);
        vm.prank(vm.addr(CHALLENGER_KEY));
        vm.expectPartialRevert(IPanelGate.BadLevel.selector);
        panel.proposeStep(MARKET, doubleOf(0.0703125e18), outcome(0, 0));
        expectNoStep(77);
    }

    /// @notice A step whose claim is convicted is never taken; patience goes on.
    function test_step_struck() public {
        agree(0.24e18);
        uint256 claim = propose(0.09375e18, 0, 0);
        strikeStep(claim);
        expectNoStep(claim);
        panel.applyReports(MARKET);
        vm.assertEq(panel.maintenanceMargin(MARKET), 0.1e18);
        expectNoStep(claim);
    }

    /// @notice A step claimed for one hour's rise is not taken in the next.
    function test_step_ofAnotherRise() public {
        agree(0.24e18);
        uint256 claim = propose(0.09375e18, 0, 0);
        mine(PATIENCE);
        panel.applyReports(MARKET);
        vm.warp(block.timestamp + 1 hours);
        panel.applyReports(MARKET);
        expectNoStep(claim);
    }

    /// @notice Somebody who holds the consequence above the threshold for ever vetoes nothing.
    function test_nobodyVetoes() public {
        agree(0.24e18);
        for (uint256 hour = 0; hour < 4; ++hour) {
            mine(PATIENCE);
            panel.applyReports(MARKET);
            vm.warp(block.timestamp + 1 hours);
            panel.applyReports(MARKET);
        }
        (uint256 initial,) = panel.settledOf(MARKET);
        vm.assertEq(panel.maintenanceMargin(MARKET), (initial * 2 + 2) / 3);
    }
}
