// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Tree} from "../../src/lib/Tree.sol";
import {Base} from "../support/Base.sol";
import {Grove} from "../support/Grove.sol";

/// @notice The library behind external calls, so that reverts can be expected of it.
contract TreeCaller {
    function root(bytes32[] calldata nodes) external pure returns (bytes32) {
        return Tree.root(nodes);
    }

    function depth(uint256 leaves) external pure returns (uint256) {
        return Tree.depth(leaves);
    }

    function tensorRoot4(bytes calldata data) external pure returns (bytes32) {
        return Tree.tensorRoot4(data);
    }

    function climb(bytes32 hash, uint256 index, uint256 leaves, bytes32[] calldata siblings)
        external
        pure
        returns (bytes32)
    {
        return Tree.climb(hash, index, leaves, siblings);
    }

    function crown(bytes32 hash, uint256 index, uint256 leaves, bytes32[] calldata siblings)
        external
        pure
        returns (bytes32, bytes32[] memory)
    {
        return Tree.crown(hash, index, leaves, siblings);
    }
}

contract TreeTest is Base {
    uint256 internal constant LEAVES_MAX = 600; // three levels, the highest with a few nodes

    TreeCaller internal tree = new TreeCaller();

    function leavesOf(uint256 count, bytes32 seed) internal pure returns (bytes32[] memory nodes) {
        nodes = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            nodes[i] = keccak256(abi.encode(seed, i));
        }
    }

    /// @notice Every level twice, its nodes and their quads, by hashing bytes: the definition, not
    ///         the library. Level 2k + 1 holds the quads over level 2k.
    function levelsOf(bytes32[] memory nodes) internal pure returns (bytes32[][] memory levels) {
        levels = new bytes32[][](1 + 2 * Tree.depth(nodes.length));
        levels[0] = nodes;
        for (uint256 level = 1; level < levels.length; ++level) {
            nodes = levels[level - 1];
            levels[level] = new bytes32[]((nodes.length + 3) / 4);
            for (uint256 quad = 0; quad < levels[level].length; ++quad) {
                bytes memory preimage = hex"01";
                for (uint256 i = 4 * quad; i < 4 * quad + 4; ++i) {
                    preimage = bytes.concat(preimage, i < nodes.length ? nodes[i] : bytes32(0));
                }
                levels[level][quad] = keccak256(preimage);
            }
        }
    }

    /// @notice What stands beside the way up from a leaf through these levels, up to `top`.
    function besideOf(bytes32[][] memory levels, uint256 index, uint256 top)
        internal
        pure
        returns (bytes32[] memory siblings)
    {
        siblings = new bytes32[](0);
        for (uint256 level = 0; level < top; ++level) {
            for (uint256 i = index / 4 * 4; i < index / 4 * 4 + 4; ++i) {
                if (i == index || i >= levels[level].length) continue;
                siblings = Grove.append(siblings, levels[level][i]);
            }
            index /= 4;
        }
    }

    function siblingsOf(bytes32[] memory nodes, uint256 index)
        internal
        pure
        returns (bytes32[] memory)
    {
        bytes32[][] memory levels = levelsOf(nodes);
        return besideOf(levels, index, levels.length - 1);
    }

    function test_depth_table() public view {
        uint16[8] memory leaves = [1, 2, 16, 17, 256, 257, 4096, 4097];
        uint8[8] memory levels = [0, 1, 1, 2, 2, 3, 3, 4];
        for (uint256 i = 0; i < leaves.length; ++i) {
            vm.assertEq(tree.depth(leaves[i]), levels[i]);
        }
    }

    function test_leaf_prefix() public pure {
        vm.assertEq(Tree.leaf(hex"abcd"), keccak256(hex"00abcd"));
    }

    function test_root_oneIsItself() public view {
        bytes32[] memory one = leavesOf(1, "one");
        vm.assertEq(tree.root(one), one[0]);
    }

    function test_root_twoIsANode() public view {
        bytes32[] memory two = leavesOf(2, "two");
        bytes32 quad = keccak256(bytes.concat(hex"01", two[0], two[1], new bytes(64)));
        vm.assertEq(tree.root(two), keccak256(bytes.concat(hex"01", quad, new bytes(96))));
    }

    function test_root_ofNothing() public {
        vm.expectRevert(Tree.EmptyTree.selector);
        tree.root(new bytes32[](0));
        vm.expectRevert(Tree.EmptyTree.selector);
        tree.tensorRoot4("");
    }

    function test_fuzz_climb_honestWay(uint256 count, uint256 index, bytes32 seed) public view {
        count = bound(count, 1, LEAVES_MAX);
        index = bound(index, 0, count - 1);
        bytes32[] memory nodes = leavesOf(count, seed);
        bytes32[][] memory levels = levelsOf(nodes);
        bytes32 root = levels[levels.length - 1][0];
        vm.assertEq(tree.root(leavesOf(count, seed)), root);
        bytes32[] memory siblings = besideOf(levels, index, levels.length - 1);
        vm.assertEq(tree.climb(nodes[index], index, count, siblings), root);
    }

    /// @notice With all children of the root beside the way, they are returned.
    function test_fuzz_crown(uint256 count, uint256 index, bytes32 seed) public view {
        count = bound(count, 1, LEAVES_MAX);
        index = bound(index, 0, count - 1);
        bytes32[] memory nodes = leavesOf(count, seed);
        bytes32[][] memory levels = levelsOf(nodes);
        if (count == 1) {
            (bytes32 itself, bytes32[] memory none) = tree.crown(nodes[0], 0, 1, new bytes32[](0));
            vm.assertTrue(itself == nodes[0] && none.length == 0);
            return;
        }
        uint256 top = levels.length - 3;
        bytes32[] memory siblings = besideOf(levels, index, top);
        for (uint256 i = 0; i < levels[top].length; ++i) {
            if (i != index >> (2 * top)) siblings = Grove.append(siblings, levels[top][i]);
        }
        (bytes32 root, bytes32[] memory children) = tree.crown(nodes[index], index, count, siblings);
        vm.assertEq(root, levels[levels.length - 1][0]);
        vm.assertEq(keccak256(abi.encode(children)), keccak256(abi.encode(levels[top])));
        siblings[seed == 0 ? 0 : uint256(seed) % siblings.length] ^= bytes32(uint256(1));
        (root,) = tree.crown(nodes[index], index, count, siblings);
        vm.assertTrue(root != levels[levels.length - 1][0]);
    }

    /// @notice Any one changed word of a way up leads to another root.
    function test_fuzz_climb_changedWay(uint256 count, uint256 index, bytes32 seed, uint256 word)
        public
        view
    {
        count = bound(count, 2, LEAVES_MAX);
        index = bound(index, 0, count - 1);
        bytes32[] memory nodes = leavesOf(count, seed);
        bytes32[] memory siblings = siblingsOf(nodes, index);
        word = bound(word, 0, siblings.length - 1);
        siblings[word] ^= bytes32(uint256(1) << (uint256(seed) % 256));
        bytes32 other = tree.climb(nodes[index], index, count, siblings);
        vm.assertTrue(other != tree.root(leavesOf(count, seed)));
    }

    function test_fuzz_climb_wrongPlace(uint256 count, uint256 index, uint256 other) public view {
        count = bound(count, 2, LEAVES_MAX);
        index = bound(index, 0, count - 1);
        other = bound(other, 0, count - 1);
        vm.assume(other != index);
        bytes32[] memory nodes = leavesOf(count, "place");
        bytes32[] memory siblings = siblingsOf(nodes, index);
        try tree.climb(nodes[index], other, count, siblings) returns (bytes32 reached) {
            vm.assertTrue(reached != tree.root(leavesOf(count, "place")));
        } catch {}
    }

    function test_climb_geometry() public {
        bytes32[] memory nodes = leavesOf(20, "geometry");
        bytes32[] memory siblings = siblingsOf(nodes, 3); // 3 + 3 of the node, 1 of the root
        vm.expectRevert(abi.encodeWithSelector(Tree.LeafOutOfRange.selector, 20, 20));
        tree.climb(nodes[3], 20, 20, siblings);
        vm.expectRevert(abi.encodeWithSelector(Tree.SiblingCount.selector, 7, 6));
        tree.climb(nodes[3], 3, 16, siblings);
        vm.expectRevert(abi.encodeWithSelector(Tree.SiblingCount.selector, 0, 6));
        tree.climb(nodes[3], 3, 20, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(Tree.SiblingCount.selector, 7, 15));
        tree.crown(nodes[3], 3, 16, siblings);
        vm.expectRevert(abi.encodeWithSelector(Tree.LeafOutOfRange.selector, 16, 16));
        tree.crown(nodes[3], 16, 16, siblings);
    }

    /// @notice An inner node shown as a leaf does not fit the geometry.
    function test_climb_nodeAsLeaf() public {
        bytes32[] memory nodes = leavesOf(256, "node");
        bytes32[] memory siblings = siblingsOf(nodes, 0);
        bytes32[] memory upper = new bytes32[](6);
        for (uint256 i = 0; i < 6; ++i) {
            upper[i] = siblings[6 + i];
        }
        bytes32 below = levelsOf(nodes)[2][0];
        vm.expectRevert(abi.encodeWithSelector(Tree.SiblingCount.selector, 6, 12));
        tree.climb(below, 0, 256, upper);
    }

    /// @notice The tensor root equals the tree over chunks cut and padded by hand.
    function test_fuzz_tensorRoot4(uint256 elements, bytes32 seed) public view {
        elements = bound(elements, 1, 33 * 32);
        bytes memory data = new bytes(4 * elements);
        for (uint256 i = 0; i < elements; ++i) {
            bytes32 word = keccak256(abi.encode(seed, i));
            for (uint256 j = 0; j < 4; ++j) {
                data[4 * i + j] = word[j];
            }
        }
        bytes32[] memory nodes = new bytes32[]((elements + 31) / 32);
        for (uint256 i = 0; i < nodes.length; ++i) {
            bytes memory chunk = new bytes(128);
            for (uint256 j = 0; j < 128 && 128 * i + j < data.length; ++j) {
                chunk[j] = data[128 * i + j];
            }
            nodes[i] = keccak256(bytes.concat(hex"00", chunk));
        }
        vm.assertEq(tree.tensorRoot4(data), tree.root(nodes));
    }
}
