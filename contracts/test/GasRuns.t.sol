// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {RunsDesk} from "./support/RunsDesk.sol";

/// @notice Gas of what an open job needs as transactions of their own, in snapshots/Runs.json.
contract GasRunsTest is RunsDesk {
    function setUp() public {
        deployRuns();
    }

    function measured(string memory name) internal {
        vm.snapshotGasLastCall("Runs", name);
    }

    /// forge-config: default.isolate = true
    function test_gas_life() public {
        uint256 job = createJob();
        measured("create, 5 inputs");
        vm.prank(SPONSOR);
        runs.fund(job, 2 * RUN_PAY);
        measured("fund");
        vm.prank(ALICE);
        uint256 run = runs.enrol(job);
        measured("enrol");
        mine(1);
        runs.draw(job, run);
        measured("draw");
        claimed(job, run, HALF);
        measured("claim");
        mine(WINDOW + 1);
        runs.settle(job, run);
        measured("settle, paid");
        run = enrolled(job, ALICE);
        mine(TRAIN_BLOCKS + 1);
        runs.settle(job, run);
        measured("settle, dropped");
        vm.roll(RUNS_END + 1);
        runs.reclaim(job);
        measured("reclaim");
    }
}
