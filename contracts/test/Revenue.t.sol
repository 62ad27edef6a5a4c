// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IJobs} from "../src/interfaces/IJobs.sol";
import {IRevenue} from "../src/interfaces/IRevenue.sol";
import {Tree} from "../src/lib/Tree.sol";
import {JobsDesk} from "./support/JobsDesk.sol";

contract RevenueTest is JobsDesk {
    uint256 internal job;
    Result internal first;

    function setUp() public {
        deployJobs();
        (job, first) = toDeployed();
    }

    function paidTo(uint256 node) internal view returns (uint256) {
        return token.balanceOf(payeeOf(keys[node]));
    }

    function claim(uint256 epoch, uint32 node, Result memory result) internal returns (uint256) {
        return revenue.claim(job, epoch, node, result.cumulativeChunk, result.siblings);
    }

    function pay(uint64 a, uint64 b, uint64 c, uint64 d) internal pure returns (uint64[] memory) {
        uint64[] memory gwei_ = new uint64[](4);
        (gwei_[0], gwei_[1], gwei_[2], gwei_[3]) = (a, b, c, d);
        return gwei_;
    }

    function settleNext(uint64[] memory gwei_) internal returns (Result memory) {
        jobs.release(job);
        return playRound(gwei_);
    }

    function test_pay_needsAnEpoch() public {
        vm.expectRevert(abi.encodeWithSelector(IRevenue.UnknownEpoch.selector, job, 0));
        revenue.pay(job, 1);
        revenue.fix(job, whole(first));
        revenue.pay(job, 100);
        vm.assertEq(token.balanceOf(address(revenue)), 100);
    }

    function test_claim_isInProportionToPay() public {
        Result memory result = settleNext(pay(25e9, 50e9, 100e9, 25e9));
        revenue.fix(job, whole(result));
        IRevenue.Epoch memory epoch = revenue.epochOf(job, 0);
        vm.assertEq(epoch.root, result.roots[3]);
        vm.assertEq(epoch.total, 200e9);
        vm.assertEq(epoch.length, LENGTH);
        revenue.pay(job, 8e18);
        vm.assertEq(claim(0, 1, result), 2e18);
        vm.assertEq(claim(0, 2, result), 4e18);
        vm.expectRevert(abi.encodeWithSelector(IRevenue.NothingDue.selector, 1));
        claim(0, 1, result);
        revenue.pay(job, 4e18);
        vm.assertEq(claim(0, 1, result), 1e18); // the increase, once
        vm.assertEq(claim(0, 0, result), 1.5e18);
        vm.assertEq(paidTo(1), 3e18);
        vm.assertEq(revenue.paidTo(job, 0, 1), 3e18);
        vm.assertEq(revenue.epochOf(job, 0).paid, 8.5e18);
    }

    /// @notice What is earned after an epoch was fixed shares in later epochs only.
    function test_claim_lateContributionsShareLater() public {
        Result memory early = settleNext(pay(100e9, 0, 0, 0));
        revenue.fix(job, whole(early));
        revenue.pay(job, 10e18);
        Result memory late = settleNext(pay(100e9, 100e9, 0, 0));
        revenue.pay(job, 10e18); // still before the next epoch
        vm.assertEq(revenue.fix(job, whole(late)), 1);
        revenue.pay(job, 6e18);

        vm.assertEq(claim(0, 0, early), 20e18);
        vm.expectRevert(abi.encodeWithSelector(IRevenue.NothingDue.selector, 1));
        claim(0, 1, early);
        vm.expectRevert(
            abi.encodeWithSelector(IRevenue.ProofMismatch.selector, early.roots[3], late.roots[3])
        );
        claim(0, 1, late);
        vm.assertEq(claim(1, 0, late), 3e18);
        vm.assertEq(claim(1, 1, late), 3e18);
        vm.assertEq(token.balanceOf(address(revenue)), 0);
    }

    function test_fix_replacesAnEpochWithoutAFee() public {
        revenue.fix(job, whole(first));
        Result memory second = settleNext(pay(25e9, 25e9, 25e9, 125e9));
        vm.assertEq(revenue.fix(job, whole(second)), 0);
        vm.assertEq(revenue.epochCount(job), 1);
        vm.assertEq(revenue.epochOf(job, 0).total, 200e9);
    }

    function test_fix_refuses() public {
        bytes memory tensor = whole(first);
        vm.expectRevert(
            abi.encodeWithSelector(IRevenue.OtherTensor.selector, first.roots[3], bytes32(0))
        );
        revenue.fix(job, bytes.concat(tensor, new bytes(8)));
        tensor[0] ^= 0x01;
        vm.expectPartialRevert(IRevenue.OtherTensor.selector);
        revenue.fix(job, tensor);
        tensor[0] ^= 0x01;
        revenue.fix(job, tensor);
        vm.expectRevert(abi.encodeWithSelector(IRevenue.NothingNew.selector, job, first.roots[3]));
        revenue.fix(job, tensor);
        uint256 fresh = createJob();
        vm.expectRevert(abi.encodeWithSelector(IRevenue.NothingNew.selector, fresh, bytes32(0)));
        revenue.fix(fresh, tensor);
        vm.expectRevert(abi.encodeWithSelector(IJobs.UnknownJob.selector, fresh + 1));
        revenue.fix(fresh + 1, tensor);
    }

    function test_fix_nobodyEarned() public {
        Result memory none = settleNext(pay(0, 0, 0, 0));
        vm.expectRevert(abi.encodeWithSelector(IRevenue.NobodyEarned.selector, job));
        revenue.fix(job, whole(none));
    }

    function test_pay_onlyDeployed() public {
        uint256 fresh = createJob();
        vm.expectRevert(abi.encodeWithSelector(IRevenue.NotDeployed.selector, fresh));
        revenue.pay(fresh, 1);
        revenue.fix(job, whole(first));
        revenue.pay(job, 4e18);
        vm.prank(SPONSOR);
        jobs.giveNotice(job);
        mine(NOTICE);
        vm.expectRevert(abi.encodeWithSelector(IRevenue.NotDeployed.selector, job));
        revenue.pay(job, 1);
        jobs.advance(job);
        vm.assertEq(claim(0, 3, first), 1e18); // what came in before stays theirs
    }

    function test_claim_refusesShapes() public {
        vm.expectRevert(abi.encodeWithSelector(IRevenue.UnknownEpoch.selector, job, 0));
        claim(0, 0, first);
        revenue.fix(job, whole(first));
        revenue.pay(job, 1e18);
        vm.expectRevert(abi.encodeWithSelector(IRevenue.OutOfRange.selector, LENGTH));
        claim(0, LENGTH, first);
        vm.expectRevert(abi.encodeWithSelector(Tree.ChunkLength.selector, 255, 256));
        revenue.claim(job, 0, 0, new bytes(255), first.siblings);
        vm.expectRevert(abi.encodeWithSelector(Tree.SiblingCount.selector, 0, 1));
        revenue.claim(job, 0, 0, first.cumulativeChunk, new bytes32[](0));
        vm.expectPartialRevert(IRevenue.ProofMismatch.selector);
        claim(0, 40, first);
    }

    /// @notice Shares sum to the revenue at most, and lose less than a wei for each node.
    function test_fuzz_split_neverMoreThanTheRevenue(uint48[4] memory earned, uint96[3] memory fees)
        public
    {
        uint64[] memory gwei_ = pay(earned[0], earned[1], earned[2], uint64(earned[3]) + 1);
        Result memory result = settleNext(gwei_);
        revenue.fix(job, whole(result));
        uint256 sum = 0;
        for (uint256 i = 0; i < 3; ++i) {
            uint256 fee = bound(fees[i], 1, 100e18);
            revenue.pay(job, fee);
            sum += fee;
            uint32 node = uint32(fees[i] % 4);
            if (_due(node, gwei_, sum) > revenue.paidTo(job, 0, node)) claim(0, node, result);
        }
        uint256 paid = 0;
        for (uint32 i = 0; i < 4; ++i) {
            if (_due(i, gwei_, sum) > revenue.paidTo(job, 0, i)) claim(0, i, result);
            vm.assertEq(revenue.paidTo(job, 0, i), _due(i, gwei_, sum));
            paid += revenue.paidTo(job, 0, i);
        }
        vm.assertLe(paid, sum);
        vm.assertLe(sum - paid, 3);
        vm.assertEq(token.balanceOf(address(revenue)), sum - paid);
    }

    function _due(uint32 node, uint64[] memory gwei_, uint256 fees)
        internal
        pure
        returns (uint256)
    {
        uint256 total = 0;
        for (uint256 i = 0; i < gwei_.length; ++i) {
            total += gwei_[i];
        }
        return fees * gwei_[node] / total;
    }
}
