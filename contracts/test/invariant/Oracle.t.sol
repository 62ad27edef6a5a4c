// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../../src/interfaces/ICourt.sol";
import {IRiskGate} from "../../src/interfaces/IRiskGate.sol";
import {IRiskOracle} from "../../src/interfaces/IRiskOracle.sol";
import {Tree} from "../../src/lib/Tree.sol";
import {Campaign} from "../support/Campaign.sol";
import {Desk} from "../support/Desk.sol";

/// @notice Plays a provider whose reports go up and down, challengers who win and lose, and a gate that
///         somebody pokes now and then. After every step what is in force is checked against a list of
///         all bundles that the play keeps by itself.
contract OraclePlay is Desk {
    struct Kept {
        uint256 claim;
        uint256 upper;
    }

    struct Trial {
        uint256 claim;
        uint256 dispute;
        ICourt.Dispute record;
    }

    Kept[] internal kept;
    Trial[] internal trials;
    uint256 internal settledBefore;
    uint256 internal maintenanceBefore;

    uint256 public posts;
    uint256 public struck;
    uint256 public acquitted;
    uint256 public raises;
    uint256 public falls;

    constructor() {
        deployDesk();
        reportPrice(50e18);
        (settledBefore,) = gate.settledMargin(MARKET);
        maintenanceBefore = gate.maintenanceMargin(MARKET);
    }

    function step(uint256 choice, uint256 seed) external {
        choice %= 100;
        bool applies = choice < 40;
        if (choice < 30) _post(seed);
        else if (choice < 40) mine(WINDOW + 1);
        else if (choice < 55) _post(seed);
        else if (choice < 70) mine(1 + seed % 3);
        else if (choice < 85) _challenge(seed);
        else _decide(seed);
        if (applies) _apply();
        _check(applies);
    }

    function _post(uint256 seed) internal {
        uint256 margin = bound(seed, 4, 100) * 2 ** 40 * 1e18 / 2 ** 47; // 3 % to 78 %
        if (kept.length > 500) return;
        (IRiskOracle.Report memory a,, IRiskOracle.Report memory c) =
            oracle.standing(vm.addr(PROVIDER_KEY), MARKET, 1);
        if (c.nonce > a.nonce + 40) return; // not more than may wait
        kept.push(Kept(claimMargin(margin), margin));
        ++posts;
    }

    function _challenge(uint256 seed) internal {
        if (kept.length == 0) return;
        uint256 back = seed % (kept.length < 4 ? kept.length : 4);
        uint256 claim = kept[kept.length - 1 - back].claim;
        ICourt.Claim memory open_ = court.claim(claim);
        bool challengeable = uint256(open_.state) <= uint256(ICourt.State.Disputed);
        if (!challengeable || block.number > open_.deadline || trials.length > 200) return;
        trials.push();
        Trial storage trial = trials[trials.length - 1];
        trial.claim = claim;
        (trial.dispute, trial.record) = disputeOf(claim, reportHeaderOf(0));
    }

    /// @notice The asserter of an odd claim is silent and loses; that of an even one answers, and the
    ///         challenger is silent.
    function _decide(uint256 seed) internal {
        if (trials.length == 0) return;
        Trial memory trial = trials[seed % trials.length];
        trials[seed % trials.length] = trials[trials.length - 1];
        trials.pop();
        if (court.claim(trial.claim).state != ICourt.State.Disputed) {
            court.close(trial.dispute, trial.record);
            return;
        }
        if (trial.claim % 2 == 0 && block.number - trial.record.since <= CLOCK) {
            trial.record = _answer(trial);
        }
        mine(CLOCK + 1);
        court.timeout(trial.dispute, trial.record);
        if (court.stateOf(trial.claim) == ICourt.State.Struck) ++struck;
        else ++acquitted;
    }

    function _answer(Trial memory trial) internal returns (ICourt.Dispute memory) {
        bytes32[] memory children = new bytes32[](2);
        for (uint256 i = 0; i < kept.length; ++i) {
            if (kept[i].claim != trial.claim) continue;
            children[0] = Tree.leaf(chunkOf(kept[i].upper));
        }
        children[1] = Tree.leaf(chunkOf(0.5e18));
        vm.recordLogs();
        vm.prank(vm.addr(PROVIDER_KEY));
        court.reveal(trial.dispute, trial.record, children);
        return lastRecord();
    }

    function _apply() internal {
        try gate.applyReports(MARKET) {}
        catch (bytes memory why) {
            vm.assertEq(bytes32(bytes4(why)), bytes32(IRiskGate.NothingToApply.selector));
        }
    }

    function _stands(uint256 claim) internal view returns (bool) {
        ICourt.State state = court.stateOf(claim);
        return state != ICourt.State.Struck && state != ICourt.State.Void;
    }

    /// @notice Nothing that is in force has a claim that fell.
    function checkStanding() public view {
        IRiskOracle.Report memory last = oracle.latest(vm.addr(PROVIDER_KEY), MARKET, 1);
        vm.assertTrue(last.claim == 0 || _stands(last.claim), "a fallen report is the last");
        (uint256 settled, uint256 raiser) = gate.settledMargin(MARKET);
        uint256 initial = gate.initialMargin(MARKET);
        vm.assertGe(initial, settled, "an open claim lowers");
        vm.assertTrue(initial == settled || _stands(raiser), "a fallen raise is in force");
        vm.assertLe(gate.maintenanceMargin(MARKET), settled, "maintenance above the settled one");
    }

    function _check(bool applied) internal {
        checkStanding();
        uint256 newestFinal = 0;
        uint256 finalUpper = 0;
        uint256 highest = 0;
        for (uint256 i = kept.length; i > 0 && newestFinal == 0; --i) {
            Kept memory one = kept[i - 1];
            if (court.stateOf(one.claim) == ICourt.State.Final) {
                (newestFinal, finalUpper) = (one.claim, one.upper);
            } else if (_stands(one.claim) && one.upper > highest) {
                highest = one.upper;
            }
        }
        (uint256 settled,) = gate.settledMargin(MARKET);
        uint256 initial = gate.initialMargin(MARKET);
        uint256 maintenance = gate.maintenanceMargin(MARKET);
        bool moved = settled != settledBefore || maintenance != maintenanceBefore;
        vm.assertTrue(!moved || newestFinal != 0, "settled without a final claim");
        if (settled < settledBefore) {
            vm.assertTrue(finalUpper < settledBefore, "a lowering that no final claim asks for");
            ++falls;
        }
        if (applied) {
            uint256 due = highest < 2 * settled ? highest : 2 * settled;
            if (due > 0.8e18) due = 0.8e18;
            vm.assertEq(initial, due > settled ? due : settled, "a raise at once, and no more");
            if (due > settled) ++raises;
        }
        (settledBefore, maintenanceBefore) = (settled, maintenance);
    }
}

contract OracleInvariants is Campaign {
    OraclePlay internal play;

    function setUp() public {
        play = new OraclePlay();
    }

    function player() internal view override returns (address) {
        return address(play);
    }

    /// @notice What must hold is checked after every step, by the step.
    function invariant_whatIsInForceStands() external view {
        play.checkStanding();
    }

    function test_play_reachesEverything() external {
        for (uint256 i = 0; i < 600; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("play", i)));
            play.step(seed % 100, seed >> 8);
        }
        play.checkStanding();
        vm.assertGt(play.posts(), 100);
        vm.assertGt(play.struck(), 5);
        vm.assertGt(play.acquitted(), 5);
        vm.assertGt(play.raises(), 20);
        vm.assertGt(play.falls(), 20);
    }
}
