// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AssayToken} from "../src/AssayToken.sol";
import {Rewards} from "../src/Rewards.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {IRewards} from "../src/interfaces/IRewards.sol";
import {Amount} from "../src/lib/Amount.sol";
import {Tree} from "../src/lib/Tree.sol";
import {World} from "./support/World.sol";

contract RewardsTest is World {
    function setUp() public {
        deploy(4);
    }

    function post(Result memory result) internal {
        vm.prank(address(rounds));
        rewards.post(1, result.roots[3]);
    }

    function paidTo(uint256 node) internal view returns (uint256) {
        return token.balanceOf(payeeOf(keys[node]));
    }

    function test_fund_isAccountedFor() public {
        uint256 before = rewards.funded();
        rewards.fund(5e18);
        vm.assertEq(rewards.funded(), before + 5e18);
        vm.assertEq(token.balanceOf(address(rewards)), before + 5e18);
    }

    function test_post_onlyRounds() public {
        vm.expectRevert(IRewards.OnlyRounds.selector);
        rewards.post(1, "root");
    }

    function test_claim_paysTheDifference() public {
        Result memory first = resultOf(4, equalPay(4, 3e9), "1");
        post(first);
        vm.assertEq(rewards.claim(2, first.cumulativeChunk, first.siblings), 3e18);
        vm.expectRevert(abi.encodeWithSelector(IRewards.NothingDue.selector, 2));
        rewards.claim(2, first.cumulativeChunk, first.siblings);

        Result memory second = resultOf(4, equalPay(4, 8e9), "2");
        post(second);
        vm.assertEq(rewards.claim(2, second.cumulativeChunk, second.siblings), 5e18);
        vm.assertEq(rewards.claim(1, second.cumulativeChunk, second.siblings), 8e18);
        vm.assertEq(paidTo(2), 8e18);
        vm.assertEq(paidTo(1), 8e18);
    }

    function test_claim_oldRootIsWorthless() public {
        Result memory first = resultOf(4, equalPay(4, 8e9), "1");
        post(first);
        Result memory second = resultOf(4, equalPay(4, 3e9), "2");
        post(second);
        vm.expectRevert(
            abi.encodeWithSelector(IRewards.ProofMismatch.selector, second.roots[3], first.roots[3])
        );
        rewards.claim(0, first.cumulativeChunk, first.siblings);
    }

    function test_claim_beforeTheFirstRoot() public {
        Result memory result = resultOf(4, equalPay(4, 3e9), "1");
        vm.expectRevert(
            abi.encodeWithSelector(IRewards.ProofMismatch.selector, bytes32(0), result.roots[3])
        );
        rewards.claim(0, result.cumulativeChunk, result.siblings);
    }

    function test_claim_refusesShapes() public {
        Result memory result = resultOf(4, equalPay(4, 3e9), "1");
        post(result);
        vm.expectRevert(abi.encodeWithSelector(IRewards.OutOfRange.selector, LENGTH));
        rewards.claim(LENGTH, result.cumulativeChunk, result.siblings);
        vm.expectRevert(abi.encodeWithSelector(Tree.ChunkLength.selector, 255, 256));
        rewards.claim(0, new bytes(255), result.siblings);
        vm.expectRevert(abi.encodeWithSelector(Tree.SiblingCount.selector, 0, 1));
        rewards.claim(0, result.cumulativeChunk, new bytes32[](0));
        // Node 32 stands in the second chunk, which is zero.
        bytes32[] memory swapped = new bytes32[](2);
        (swapped[0], swapped[1]) = (result.siblings[0], Tree.leaf(result.cumulativeChunk));
        vm.expectRevert(
            abi.encodeWithSelector(
                IRewards.ProofMismatch.selector, result.roots[3], Tree.nodeOf(swapped)
            )
        );
        rewards.claim(32, result.cumulativeChunk, result.siblings);
        vm.expectRevert(abi.encodeWithSelector(IRewards.NothingDue.selector, 32));
        bytes32[] memory first = new bytes32[](1);
        first[0] = Tree.leaf(result.cumulativeChunk);
        rewards.claim(32, new bytes(256), first);
    }

    function test_claim_notAnAmount() public {
        Result memory result = resultOf(4, equalPay(4, 3e9), "1");
        result.cumulativeChunk[6] = 0xf8;
        result.cumulativeChunk[7] = 0x3f; // element 0 becomes a little above 1.5
        result.roots[3] = payRoot(result);
        post(result);
        uint64 bits = 0x3ff80000_00000000 | (Amount.fromUint64(3e9) & 0xffff_ffff_ffff);
        vm.expectRevert(abi.encodeWithSelector(Amount.NotAnAmount.selector, bits));
        rewards.claim(0, result.cumulativeChunk, result.siblings);
        rewards.claim(1, result.cumulativeChunk, result.siblings);
    }

    /// @notice Pay for an index nobody has stays where it is.
    function test_claim_nobody() public {
        Result memory result = resultOf(4, equalPay(8, 3e9), "1");
        post(result);
        uint256 before = token.balanceOf(address(rewards));
        vm.expectRevert();
        rewards.claim(7, result.cumulativeChunk, result.siblings);
        vm.assertEq(token.balanceOf(address(rewards)), before);
    }

    /// @notice Who left is still owed what it earned, and its payee receives it.
    function test_claim_afterWithdrawal() public {
        vm.prank(vm.addr(keys[0]));
        registry.leave();
        mine(UNBOND);
        vm.prank(vm.addr(keys[0]));
        registry.withdraw();
        Result memory result = resultOf(4, equalPay(4, 3e9), "1");
        post(result);
        rewards.claim(0, result.cumulativeChunk, result.siblings);
        vm.assertEq(paidTo(0), STAKE + 3e18);
    }

    /// @notice One chunk alone is the tree when the tensor has up to 32 elements.
    function test_claim_shortTensor() public {
        Rewards short = new Rewards(token, registry, address(this), 32);
        token.approve(address(short), 10e18);
        short.fund(10e18);
        Result memory result = resultOf(4, equalPay(4, 3e9), "1");
        short.post(1, Tree.leaf(result.cumulativeChunk));
        vm.assertEq(short.claim(3, result.cumulativeChunk, new bytes32[](0)), 3e18);
    }

    /// @notice Whatever order and number of claims, a node has what the last root says, and no more.
    function test_fuzz_claim_neverMoreThanTheRoot(uint32[8] memory steps, uint8[8] memory who)
        public
    {
        uint64[] memory gwei_ = new uint64[](4);
        for (uint256 i = 0; i < 8; ++i) {
            uint32 node = who[i] % 4;
            gwei_[node] += steps[i];
            Result memory result = resultOf(4, gwei_, bytes32(i));
            post(result);
            uint256 before = paidTo(node);
            uint256 due = uint256(gwei_[node]) * 1e9 - before;
            if (due == 0) {
                vm.expectRevert(abi.encodeWithSelector(IRewards.NothingDue.selector, node));
            }
            rewards.claim(node, result.cumulativeChunk, result.siblings);
            vm.assertEq(paidTo(node), uint256(gwei_[node]) * 1e9);
            vm.assertEq(rewards.paid(node), paidTo(node));
        }
    }
}
