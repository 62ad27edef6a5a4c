// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PanelGate} from "../src/PanelGate.sol";
import {IAccounts, IAuthority, IPanelGate} from "../src/interfaces/IPanelGate.sol";
import {PanelDesk} from "./support/PanelDesk.sol";

/// @notice What somebody tries who wants margins lower, or the gate stuck.
contract PanelGateAttackTest is PanelDesk {
    function setUp() public {
        deployPanel();
        panel.setMarket(MARKET, unchecked_());
    }

    /// @notice Challenges that hold up what providers say now do not make the gate follow what they said
    ///         before: settled margin is not lowered below what open reports say.
    function test_disputes_doNotLower() public {
        agree(0.0625e18); // settled is on its way down from 0.12
        (uint256 before, uint256 coupled) = panel.settledOf(MARKET);
        vm.assertTrue(before < 0.12e18);
        for (uint256 i = 0; i < 3; ++i) {
            uint256 claim = say(P0 + i, 0.125e18);
            disputeOf(claim, reportHeaderOf(0));
        }
        apply_(); // the new reports' claims are disputed, and the old ones are final
        vm.assertEq(panel.initialMargin(MARKET), 0.125e18);
        (uint256 initial, uint256 volatility) = panel.settledOf(MARKET);
        vm.assertEq(initial, before);
        vm.assertEq(volatility, coupled);
    }

    /// @notice Where open reports say less than what is settled, but more than final ones, it comes down to them.
    function test_open_boundsTheWayDown() public {
        agree(0.0625e18);
        for (uint256 i = 0; i < 3; ++i) {
            uint256 claim = say(P0 + i, 0.11328125e18);
            disputeOf(claim, reportHeaderOf(0));
        }
        apply_();
        (uint256 initial,) = panel.settledOf(MARKET);
        vm.assertTrue(initial >= 0.11328125e18 && initial < 0.11328125e18 + 10);
    }

    /// @notice A parameter that may not come down would hold the other up for ever.
    function test_setMarket_refusesNoStep() public {
        IPanelGate.Policy memory bad = policy();
        bad.volatility.stepDown = 0;
        vm.expectRevert(abi.encodeWithSelector(IPanelGate.BadPolicy.selector, "volatility"));
        panel.setMarket(MARKET, bad);
    }

    /// @notice No delay is so long that nothing can be read any more.
    function test_delay_neverOverflows() public {
        agree(0.125e18);
        IPanelGate.Policy memory slow = unchecked_();
        slow.delay = type(uint64).max;
        panel.setMarket(MARKET, slow);
        say(P0, 0.1875e18);
        say(P1, 0.1875e18);
        panel.applyReports(MARKET);
        vm.assertEq(panel.initialMargin(MARKET), 0.1875e18);
    }

    /// @notice Maintenance margin comes down to two thirds where nothing else has to move.
    function test_maintenance_comesDownAlone() public {
        IPanelGate.Policy memory high = unchecked_();
        (high.staticInitial, high.staticMaintenance) = (0.125e18, 0.125e18);
        bytes32 other = keccak256("other");
        panel.setMarket(other, high);
        for (uint256 i = 0; i < 3; ++i) {
            Draft memory made = draft(50e18, 0.125e18);
            made.bundle.market = other;
            send(made, P0 + i);
        }
        uint256 last = panel.maintenanceMargin(other);
        for (uint256 i = 0; i < 12; ++i) {
            mine(WINDOW + 1);
            vm.warp(block.timestamp + DELAY);
            panel.applyReports(other);
            uint256 now_ = panel.maintenanceMargin(other);
            vm.assertTrue(now_ <= last && now_ >= last * 95 / 100);
            last = now_;
            panel.applyReports(other); // within the delay
            vm.assertEq(panel.maintenanceMargin(other), last);
        }
        vm.assertEq(last, uint256(0.25e18) / 3 + 1);
    }

    /// @notice A gate whose steps need claims is one that the court takes them from.
    function test_constructor_refusesAStrangerToTheCourt() public {
        PanelGate stranger = new PanelGate(oracle, IAuthority(address(0)), this, 0, address(this));
        vm.assertFalse(court.isConsumer(address(stranger)));
        vm.expectRevert(abi.encodeWithSelector(IPanelGate.BadPolicy.selector, "countMax"));
        stranger.setMarket(MARKET, policy());
    }

    /// @notice Steps of a wei, each claimed, hold back nothing beyond the policy's patience.
    function test_tinySteps_vetoNothing() public {
        panel.setMarket(MARKET, policy());
        agree(0.24e18);
        (, uint64 since) = panel.rise(MARKET);
        uint256[] memory claims = new uint256[](PATIENCE);
        for (uint256 i = 0; i < PATIENCE; ++i) {
            claims[i] = propose(0.08e18 + (i + 1) * 1e6, 0, 0);
        }
        mine(WINDOW + 1);
        for (uint256 i = 0; i < PATIENCE && block.number < since + PATIENCE; ++i) {
            panel.takeStep(claims[i]);
            mine(1);
        }
        panel.applyReports(MARKET);
        vm.assertEq(panel.maintenanceMargin(MARKET), 0.1e18);
    }
}
