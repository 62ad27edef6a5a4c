// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../../src/interfaces/ICourt.sol";
import {IPanelGate} from "../../src/interfaces/IPanelGate.sol";
import {Campaign} from "../support/Campaign.sol";
import {PanelDesk} from "../support/PanelDesk.sol";

/// @notice Plays three providers who say what they like, an owner who switches them, liars about
///         consequences who are convicted, and a clock. What maintenance margin was when is kept by the
///         play itself.
contract PanelPlay is PanelDesk {
    uint256[] internal levels;
    uint256[] internal times;
    uint256[] internal claims;
    uint256 internal waitedSince;

    uint256 public moves;
    uint256 public rises;
    uint256 public steps;
    uint256 public struck;
    uint256 public staleTimes;

    /// @notice What a constructor would do, if the gate did not call its owner.
    function start() external {
        deployPanel();
        agree(0.125e18);
        _note();
    }

    function step(uint256 choice, uint256 seed) external {
        choice %= 100;
        uint256 before = panel.maintenanceMargin(MARKET);
        (uint256 settled,) = panel.settledOf(MARKET);
        bool applies = false;
        if (choice < 30) _say(seed);
        else if (choice < 55) applies = _apply();
        else if (choice < 70) _wait(seed);
        else if (choice < 82) _propose(seed);
        else if (choice < 92) _take(seed);
        else if (choice < 98) _strike(seed);
        else _switch(seed);
        (uint256 now_,) = panel.settledOf(MARKET);
        if (now_ != settled) ++moves;
        vm.assertTrue(applies || now_ == settled, "settled margin moves by reports only");
        uint256 after_ = panel.maintenanceMargin(MARKET);
        if (after_ > before) ++rises;
        bool mayMove = applies || (choice >= 70 && choice < 92);
        vm.assertTrue(mayMove || after_ == before, "maintenance does not move by silence");
        _note();
        _check();
    }

    function _say(uint256 seed) internal {
        uint256 key = P0 + seed % 3;
        vm.assertTrue(token.balanceOf(vm.addr(key)) > 0);
        say(key, bound(seed >> 8, 0, 1e18), bound(seed >> 100, 0, 3e18));
    }

    function _apply() internal returns (bool) {
        (, uint64 since) = panel.rise(MARKET);
        uint256 before = panel.maintenanceMargin(MARKET);
        panel.applyReports(MARKET);
        if (since > 0 && block.number >= since + PATIENCE) {
            (, uint64 still) = panel.rise(MARKET);
            bool moved = panel.maintenanceMargin(MARKET) != before || still != since;
            vm.assertTrue(moved, "after its patience it moves anyway");
        }
        return true;
    }

    function _wait(uint256 seed) internal {
        uint256 maintenance = panel.maintenanceMargin(MARKET);
        mine(1 + seed % 4);
        vm.warp(block.timestamp + bound(seed >> 8, 1, seed % 16 == 0 ? 5 hours : 20 minutes));
        vm.assertEq(panel.maintenanceMargin(MARKET), maintenance, "silence");
        if (!panel.fresh(MARKET)) ++staleTimes;
    }

    function _propose(uint256 seed) internal {
        (uint256 most, uint64 since) = panel.rise(MARKET);
        uint256 held = panel.maintenanceMargin(MARKET);
        if (since == 0 || most <= held + 1e12) return;
        claims.push(propose(bound(seed, held + 1e6, most - 1e6), seed % 3, 1e18));
        if (seed % 4 > 0) _taken(claims[claims.length - 1]);
    }

    function _take(uint256 seed) internal {
        if (claims.length == 0) return;
        uint256 claim = claims[seed % claims.length];
        _taken(claim);
    }

    function _taken(uint256 claim) internal {
        mine(WINDOW + 1);
        try panel.takeStep(claim) {
            ++steps;
            vm.assertEq(uint256(court.stateOf(claim)), uint256(ICourt.State.Final), "final only");
        } catch {}
    }

    /// @notice A liar about the consequence is convicted before its step can be taken.
    function _strike(uint256 seed) internal {
        (uint256 most, uint64 since) = panel.rise(MARKET);
        uint256 held = panel.maintenanceMargin(MARKET);
        if (since == 0 || most <= held + 1e12) return;
        uint256 claim = propose(bound(seed, held + 1e6, most - 1e6), 0, 0);
        strikeStep(claim);
        vm.expectRevert(abi.encodeWithSelector(IPanelGate.NoStep.selector, claim));
        panel.takeStep(claim);
        ++struck;
    }

    function _switch(uint256 seed) internal {
        address provider = vm.addr(P0 + seed % 3);
        bool on = false;
        address[] memory all = panel.providers();
        for (uint256 i = 0; i < all.length; ++i) {
            if (all[i] == provider) on = true;
        }
        panel.setProvider(provider, !on);
    }

    function _note() internal {
        uint256 level = panel.maintenanceMargin(MARKET);
        if (levels.length > 0 && levels[levels.length - 1] == level) return;
        levels.push(level);
        times.push(block.timestamp);
    }

    /// @dev The level before the hour began was the last one noted before it.
    function _check() internal view {
        uint256 level = levels[levels.length - 1];
        for (uint256 i = levels.length; i > 0; --i) {
            vm.assertLe(level, levels[i - 1] * 5 / 4, "a quarter an hour");
            if (times[i - 1] + 1 hours <= block.timestamp) break;
        }
        (uint256 settled,) = panel.settledOf(MARKET);
        uint256 initial = panel.initialMargin(MARKET);
        vm.assertTrue(settled >= 0.05e18 && settled <= 0.8e18, "settled within the limits");
        vm.assertTrue(initial >= settled && initial <= 2 * settled, "initial within a step");
        vm.assertLe(level, settled, "maintenance not above initial");
        if (!panel.fresh(MARKET)) {
            uint256 more = (settled * 3 + 1) / 2;
            vm.assertEq(initial, more > 1e18 ? 1e18 : more, "stale: half as much again");
        }
    }
}

contract PanelInvariants is Campaign {
    PanelPlay internal play;

    function setUp() public {
        play = new PanelPlay();
        play.start();
    }

    function player() internal view override returns (address) {
        return address(play);
    }

    /// @notice The play checks itself after every step.
    function invariant_limits() external view {}

    /// @notice The play reaches every corner that the invariants are about.
    function test_play_reachesEverything() external {
        for (uint256 i = 0; i < 1200; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("panel", i)));
            play.step(seed % 100, seed >> 8);
        }
        vm.assertGt(play.moves(), 20);
        vm.assertGt(play.rises(), 10);
        vm.assertGt(play.steps(), 4);
        vm.assertGt(play.struck(), 1);
        vm.assertGt(play.staleTimes(), 5);
    }
}
