// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Runs} from "../../src/Runs.sol";
import {ICourt} from "../../src/interfaces/ICourt.sol";
import {IRuns} from "../../src/interfaces/IRuns.sol";
import {Header} from "../../src/lib/Header.sol";
import {World} from "./World.sol";

/// @notice Open jobs in the world's court, and what moves a run on.
abstract contract RunsDesk is World {
    uint256 internal constant RUN_PAY = 50e18;
    uint256 internal constant DEPOSIT = 7e18;
    uint32 internal constant ITERATIONS = 20;
    uint32 internal constant TRAIN_BLOCKS = 40;
    uint64 internal constant RUNS_END = 1_000_000;
    uint32 internal constant STATE_COUNT = 3;
    address internal constant SPONSOR = address(0x5905);
    address internal constant ALICE = address(0xA11CE);
    address internal constant BOB = address(0xB0B);
    /// @dev Bits of 0.5, 0.25 and -1 as f32.
    uint32 internal constant HALF = 0x3f000000;
    uint32 internal constant QUARTER = 0x3e800000;
    uint32 internal constant MINUS_ONE = 0xbf800000;

    Runs internal runs;

    function deployRuns() internal {
        deploy(0);
        vm.prank(RUNS_DEPLOYER);
        runs = new Runs(token, court, programs);
        programs.register(stepProgram(), "");
        mine(WINDOW + 1);
        address[3] memory all = [SPONSOR, ALICE, BOB];
        for (uint256 i = 0; i < all.length; ++i) {
            token.transfer(all[i], 1_000_000e18);
            vm.prank(all[i]);
            token.approve(address(runs), type(uint256).max);
            vm.prank(all[i]);
            token.approve(address(court), type(uint256).max);
        }
    }

    /// @notice Three outputs; inputs f32[4], i32[1], f32[1], f32[4], f32[4], and the seed i32[2].
    function stepHeader() internal pure returns (bytes memory) {
        bytes memory counts = hex"080000000300000005000000060000000700000006000000";
        bytes memory state = hex"000104000000020101000000000101000000";
        bytes memory data = hex"000104000000000104000000020102000000";
        return bytes.concat(counts, state, data, keccak256("step"));
    }

    function stepProgram() internal pure returns (bytes32) {
        return Header.hash(stepHeader());
    }

    function runTerms() internal pure returns (IRuns.Terms memory) {
        return IRuns.Terms({
            program: stepProgram(),
            iterations: ITERATIONS,
            trainBlocks: TRAIN_BLOCKS,
            endBlock: RUNS_END,
            pay: RUN_PAY,
            deposit: DEPOSIT
        });
    }

    function inputRoots() internal pure returns (bytes32[] memory roots) {
        roots = new bytes32[](5);
        for (uint256 i = 0; i < roots.length; ++i) {
            roots[i] = keccak256(abi.encode("input", i));
        }
    }

    function createJob() internal returns (uint256) {
        vm.prank(SPONSOR);
        return runs.create(runTerms(), stepHeader(), inputRoots(), STATE_COUNT, "daily bars");
    }

    function funded(uint256 count) internal returns (uint256 job) {
        job = createJob();
        vm.prank(SPONSOR);
        runs.fund(job, count * RUN_PAY);
    }

    function enrolled(uint256 job, address who) internal returns (uint256 run) {
        vm.prank(who);
        run = runs.enrol(job);
        mine(1);
        runs.draw(job, run);
    }

    function outputsOf(uint256 job, uint256 run) internal pure returns (bytes32[] memory roots) {
        roots = new bytes32[](STATE_COUNT - 1);
        for (uint256 i = 0; i < roots.length; ++i) {
            roots[i] = keccak256(abi.encode("output", job, run, i));
        }
    }

    function claimed(uint256 job, uint256 run, uint32 loss) internal returns (uint256 id) {
        address trainer = runs.runOf(job, run).trainer;
        bytes32[] memory outputs = outputsOf(job, run);
        vm.prank(trainer);
        id = runs.claim(job, run, outputs, loss);
    }

    function paid(uint256 job, address who, uint32 loss) internal returns (uint256 run) {
        run = enrolled(job, who);
        claimed(job, run, loss);
        mine(WINDOW + 1);
        vm.assertEq(uint256(runs.settle(job, run)), uint256(IRuns.State.Paid));
    }

    /// @notice Convicts a claim whose asserter stays silent.
    function convict(uint256 id) internal {
        vm.recordLogs();
        vm.prank(BOB);
        uint256 dispute = court.challenge(id, "otherwise", stepHeader());
        ICourt.Dispute memory record = lastRecord();
        mine(CLOCK + 1);
        court.timeout(dispute, record);
        vm.assertEq(uint256(court.stateOf(id)), uint256(ICourt.State.Struck));
    }
}
