// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {RiskGate} from "../src/RiskGate.sol";
import {RiskOracle} from "../src/RiskOracle.sol";
import {IJobs} from "../src/interfaces/IJobs.sol";
import {IRounds} from "../src/interfaces/IRounds.sol";
import {Amount} from "../src/lib/Amount.sol";
import {IRiskOracle} from "../src/interfaces/IRiskOracle.sol";
import {JobsDesk} from "./support/JobsDesk.sol";

/// @notice Gas of what a job needs as transactions of their own, in snapshots/Jobs.json.
contract GasJobsTest is JobsDesk {
    function setUp() public {
        deployJobs();
    }

    function measured(string memory name) internal {
        vm.snapshotGasLastCall("Jobs", name);
    }

    /// forge-config: default.isolate = true
    function test_gas_life() public {
        IJobs.Terms memory terms = jobTerms();
        vm.prank(SPONSOR);
        uint256 job = jobs.create(terms, configuration(), codes(), "daily bars");
        measured("create");
        jobs.fund(job, 4 * PAY);
        measured("fund");
        jobs.advance(job);
        measured("advance, open");
        jobs.release(job);
        measured("release");
        joinAll(job, 4);
        Result memory result = playRound(equalPay(4, 25e9));
        jobs.advance(job);
        measured("advance, training");
        (bytes[] memory tensors, bool[] memory wide) = holdout();
        jobs.revealHoldout(job, tensors, wide, HOLDOUT_SALT);
        measured("revealHoldout, 424 bytes");
        jobs.claimValidation(job, LOSS, BASELINE);
        measured("claimValidation");
        mine(WINDOW + 1);
        jobs.advance(job);
        measured("advance, validated");
        bytes32[] memory programs_ = reportPrograms();
        IRiskOracle.Posted[] memory data = posted();
        vm.prank(SPONSOR);
        address attached = jobs.attachOracle(job, type(RiskOracle).creationCode, programs_, data);
        measured("attachOracle");
        RiskGate gate = new RiskGate(RiskOracle(attached), address(this), address(this));
        jobs.deploy(job, address(gate));
        measured("deploy");
        split(job, result);
        vm.prank(SPONSOR);
        jobs.giveNotice(job);
        measured("giveNotice");
        mine(NOTICE);
        jobs.advance(job);
        measured("advance, retired");
        jobs.reclaim(job);
        measured("reclaim");
    }

    /// @notice The longest tensor a job may have, with pay in every element.
    /// forge-config: default.isolate = true
    function test_gas_longest() public {
        IRounds.Config memory config = configuration();
        config.cumulativeLength = 4096;
        uint256 job = jobs.create(jobTerms(), config, codes(), "");
        use(job);
        bytes memory tensor = new bytes(8 * 4096);
        bytes32 element = bytes32(bytes8(Amount.swap(Amount.fromUint64(123_456_789_013))));
        for (uint256 i = 0; i < 4096; ++i) {
            assembly ("memory-safe") {
                let word := mload(add(tensor, add(32, mul(8, i))))
                mstore(add(tensor, add(32, mul(8, i))), or(element, shr(64, shl(64, word))))
            }
        }
        bytes32 root = this.rootOf(tensor, true);
        vm.prank(address(rounds));
        rewards.post(1, root);
        revenue.fix(job, tensor);
        measured("fix, 4096 nodes");
        vm.assertEq(revenue.epochOf(job, 0).total, 4096 * 123_456_789_013);
    }

    function split(uint256 job, Result memory result) internal {
        revenue.fix(job, whole(result));
        measured("fix, 64 nodes");
        revenue.pay(job, 1e18);
        measured("pay");
        revenue.claim(job, 0, 1, result.cumulativeChunk, result.siblings);
        measured("claim");
    }
}
