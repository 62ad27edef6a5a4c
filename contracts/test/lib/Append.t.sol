// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Append} from "../../src/lib/Append.sol";
import {Tree} from "../../src/lib/Tree.sol";
import {Base} from "../support/Base.sol";
import {Grove} from "../support/Grove.sol";

/// @notice The library behind external calls, so that reverts can be expected of it.
contract AppendCaller {
    function root(uint256 leaves, bytes32[] calldata siblings, bytes32[] calldata tail)
        external
        pure
        returns (bytes32)
    {
        return Append.root(leaves, siblings, tail);
    }

    function withHead(bytes32[4] calldata head, uint256 leaves, bytes32[] calldata crown)
        external
        pure
        returns (bytes32)
    {
        return Append.withHead(head, leaves, crown);
    }
}

/// @notice Longer lists and other heads beside whole lists.
contract AppendTest is Base {
    AppendCaller internal append = new AppendCaller();

    function listOf(uint256 count, uint256 seed) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            list[i] = keccak256(abi.encode(seed, i));
        }
    }

    function first(bytes32[] memory list, uint256 count)
        internal
        pure
        returns (bytes32[] memory cut)
    {
        cut = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            cut[i] = list[i];
        }
    }

    function test_fuzz_root(uint256 seed, uint16 size, uint16 more) public view {
        uint256 leaves = 1 + uint256(size) % 600;
        bytes32[] memory all = listOf(leaves + uint256(more) % 100, seed);
        bytes32[] memory tail = new bytes32[](all.length - leaves + 1);
        for (uint256 i = 0; i < tail.length; ++i) {
            tail[i] = all[leaves - 1 + i];
        }
        bytes32[] memory siblings = Grove.siblings(first(all, leaves), leaves - 1);
        vm.assertEq(append.root(leaves, siblings, tail), Grove.root(all));
    }

    function test_fuzz_withHead(uint256 seed, uint16 size) public view {
        uint256 leaves = 5 + uint256(size) % 600;
        bytes32[] memory all = listOf(leaves, seed);
        bytes32[] memory way = Grove.siblings(all, 0);
        bytes32[] memory crown = new bytes32[](way.length - 3);
        for (uint256 i = 0; i < crown.length; ++i) {
            crown[i] = way[i + 3];
        }
        bytes32[4] memory head;
        for (uint256 i = 0; i < 4; ++i) {
            head[i] = all[i] = keccak256(abi.encode(seed, "head", i));
        }
        vm.assertEq(append.withHead(head, leaves, crown), Grove.root(all));
    }

    /// @notice Each edge: a quad, a node and a tree that are full.
    function test_root_atEdges() public view {
        uint256[8] memory sizes = [uint256(1), 3, 4, 15, 16, 17, 255, 256];
        for (uint256 i = 0; i < sizes.length; ++i) {
            for (uint256 more = 0; more < 20; ++more) {
                bytes32[] memory all = listOf(sizes[i] + more, i);
                bytes32[] memory tail = new bytes32[](more + 1);
                for (uint256 j = 0; j <= more; ++j) {
                    tail[j] = all[sizes[i] - 1 + j];
                }
                bytes32[] memory way = Grove.siblings(first(all, sizes[i]), sizes[i] - 1);
                vm.assertEq(append.root(sizes[i], way, tail), Grove.root(all));
            }
        }
    }

    function test_siblings_counted() public {
        bytes32[] memory all = listOf(17, 1);
        vm.expectRevert(abi.encodeWithSelector(Tree.SiblingCount.selector, 0, 1));
        append.root(17, new bytes32[](0), first(all, 1));
        vm.expectRevert(abi.encodeWithSelector(Tree.SiblingCount.selector, 2, 1));
        append.root(17, new bytes32[](2), first(all, 1));
        bytes32[4] memory head;
        vm.expectRevert(abi.encodeWithSelector(Tree.SiblingCount.selector, 0, 1));
        append.withHead(head, 5, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(Tree.SiblingCount.selector, 2, 1));
        append.withHead(head, 5, new bytes32[](2));
    }
}
