// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../../src/interfaces/ICourt.sol";
import {IRuns} from "../../src/interfaces/IRuns.sol";
import {Campaign} from "../support/Campaign.sol";
import {RunsDesk} from "../support/RunsDesk.sol";

/// @notice Plays sponsors and trainers of several open jobs at once: each step is one call that is
///         allowed at that moment, or none. It keeps what the contract must agree with.
contract RunsPlay is RunsDesk {
    uint256 internal constant JOBS_MAX = 4;

    struct Play {
        uint256 funded;
        uint256 paid;
        uint256 reclaimed;
        uint256 burnt;
        uint256 active; // runs whose deposit is in
        uint8[] highest; // of each run
    }

    Play[] internal plays;
    uint256 internal supply;
    uint256 public paidRuns;
    uint256 public lateRuns;
    uint256 public struckRuns;
    uint256 public reclaims;

    constructor() {
        deployRuns();
        supply = token.totalSupply();
    }

    /// @notice One step; the choice of call is weighted towards what moves a run on.
    function step(uint256 choice, uint256 seed) external {
        choice %= 100;
        if (plays.length == 0 || (choice < 2 && plays.length < JOBS_MAX)) {
            createJob();
            plays.push();
            return;
        }
        uint256 job = seed % plays.length;
        seed >>= 8;
        if (choice < 14) _fund(job, seed);
        else if (choice < 34) _enrol(job, seed);
        else if (choice < 66) _claim(job, seed);
        else if (choice < 90) _settle(job, seed);
        else if (choice < 98) mine(seed % 12);
        else if (seed % 50 == 0) _end(job);
        _noteStates();
    }

    function _fund(uint256 job, uint256 seed) internal {
        if (block.number > RUNS_END) return;
        uint256 amount = bound(seed, 0, 3 * RUN_PAY);
        vm.prank(SPONSOR);
        runs.fund(job, amount);
        plays[job].funded += amount;
    }

    function _enrol(uint256 job, uint256 seed) internal {
        if (block.number > RUNS_END || runs.jobOf(job).escrow < RUN_PAY) return;
        enrolled(job, seed % 2 == 0 ? ALICE : BOB);
        plays[job].active += 1;
        plays[job].highest.push(uint8(IRuns.State.Enrolled));
    }

    function _claim(uint256 job, uint256 seed) internal {
        uint256 count = runs.runCount(job);
        if (count == 0) return;
        uint256 run = count - 1 - seed % (count < 3 ? count : 3);
        IRuns.Run memory known = runs.runOf(job, run);
        bool late = block.number > known.enrolBlock + TRAIN_BLOCKS;
        if (known.state != IRuns.State.Enrolled || late) return;
        uint256 id = claimed(job, run, uint32(seed >> 32));
        // Bob convicts; his own claims nobody challenges.
        if (known.trainer == ALICE && seed % 4 == 0) _strike(id);
    }

    function _strike(uint256 id) internal {
        uint256 before = token.totalSupply();
        convict(id);
        supply -= before - token.totalSupply();
    }

    /// @notice Whatever `settle` refuses is named, and what it takes is counted.
    function _settle(uint256 job, uint256 seed) internal {
        uint256 count = runs.runCount(job);
        if (count == 0) return;
        uint256 run = count - 1 - seed % (count < 4 ? count : 4);
        IRuns.Run memory known = runs.runOf(job, run);
        try runs.settle(job, run) returns (IRuns.State state) {
            plays[job].active -= 1;
            if (state == IRuns.State.Paid) {
                plays[job].paid += RUN_PAY;
                vm.assertEq(uint256(court.stateOf(known.claim)), uint256(ICourt.State.Final));
                ++paidRuns;
                return;
            }
            plays[job].burnt += DEPOSIT;
            if (known.claim == 0) ++lateRuns;
            else ++struckRuns;
        } catch (bytes memory reason) {
            vm.assertEq(bytes4(reason), IRuns.NotDue.selector, "the one reason");
            if (seed % 3 == 0) mine(TRAIN_BLOCKS / 2);
        }
    }

    /// @notice Looks at a job as if its time were over, and goes back.
    function _end(uint256 job) internal {
        uint256 now_ = block.number;
        vm.roll(RUNS_END + 1);
        plays[job].reclaimed += runs.reclaim(job);
        vm.roll(now_);
        ++reclaims;
    }

    function _noteStates() internal {
        for (uint256 job = 0; job < plays.length; ++job) {
            for (uint256 run = 0; run < plays[job].highest.length; ++run) {
                uint8 state = uint8(runs.runOf(job, run).state);
                vm.assertGe(state, plays[job].highest[run], "no state goes back");
                plays[job].highest[run] = state;
            }
        }
    }

    // What must hold.

    function checkBooks() external view {
        uint256 held = 0;
        uint256 burnt = 0;
        for (uint256 job = 0; job < plays.length; ++job) {
            Play storage play = plays[job];
            IRuns.Job memory made = runs.jobOf(job);
            uint256 out = play.paid + play.reclaimed;
            vm.assertEq(play.funded, made.escrow + made.reserved + out, "in = held + out");
            vm.assertLe(play.paid, play.funded, "pay never exceeds what was paid in");
            vm.assertEq(made.reserved, play.active * RUN_PAY, "every run's pay is there");
            held += made.escrow + made.reserved + play.active * DEPOSIT;
            burnt += play.burnt;
        }
        vm.assertEq(token.balanceOf(address(runs)), held, "holds escrows and deposits");
        vm.assertEq(token.totalSupply(), supply - burnt, "deposits are burnt");
    }

    /// @notice The model is that of the paid run with the lowest loss.
    function checkModel() external view {
        for (uint256 job = 0; job < plays.length; ++job) {
            uint32 best = runs.jobOf(job).best;
            if (best == 0) continue;
            IRuns.Run memory model = runs.runOf(job, best - 1);
            vm.assertEq(uint256(model.state), uint256(IRuns.State.Paid));
            for (uint256 run = 0; run < plays[job].highest.length; ++run) {
                IRuns.Run memory other = runs.runOf(job, run);
                if (other.state != IRuns.State.Paid) continue;
                vm.assertLe(order(model.loss), order(other.loss), "the lowest loss");
            }
        }
    }

    /// @dev The order of f32 as signed numbers; what is no number is above all.
    function order(uint32 bits) internal pure returns (int256) {
        uint32 size = bits & 0x7fffffff;
        if (size > 0x7f800000) return type(int256).max;
        return bits >> 31 == 0 ? int256(uint256(size)) : -1 - int256(uint256(size));
    }
}

contract RunsInvariants is Campaign {
    RunsPlay internal play;

    function setUp() public {
        play = new RunsPlay();
    }

    function player() internal view override returns (address) {
        return address(play);
    }

    function invariant_books() external view {
        play.checkBooks();
        play.checkModel();
    }

    /// @notice The play reaches every corner that the invariants are about.
    function test_play_reachesEverything() external {
        for (uint256 i = 0; i < 1500; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("runs", i)));
            play.step(seed >> 128, seed);
            if (i % 50 == 0) play.checkBooks();
        }
        play.checkBooks();
        play.checkModel();
        vm.assertGt(play.paidRuns(), 10);
        vm.assertGt(play.lateRuns(), 1);
        vm.assertGt(play.struckRuns(), 1);
        vm.assertGt(play.reclaims(), 0);
    }
}
