// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Tree} from "../../src/lib/Tree.sol";
import {Base} from "../support/Base.sol";

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

    function rootFrom(bytes32 hash, uint256 index, uint256 leaves, bytes32[16][] calldata path)
        external
        pure
        returns (bytes32)
    {
        return Tree.rootFrom(hash, index, leaves, path);
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

    /// @notice The path of one leaf, by building every level: the definition, not the library.
    function pathOf(bytes32[] memory nodes, uint256 index)
        internal
        pure
        returns (bytes32[16][] memory path)
    {
        path = new bytes32[16][](8);
        uint256 levels = 0;
        while (nodes.length > 1) {
            bytes32[] memory above = new bytes32[]((nodes.length + 15) / 16);
            for (uint256 parent = 0; parent < above.length; ++parent) {
                bytes memory preimage = hex"01";
                for (uint256 i = 16 * parent; i < 16 * parent + 16; ++i) {
                    bytes32 child = i < nodes.length ? nodes[i] : bytes32(0);
                    preimage = bytes.concat(preimage, child);
                    if (parent == index / 16) path[levels][i % 16] = child;
                }
                above[parent] = keccak256(preimage);
            }
            nodes = above;
            index /= 16;
            ++levels;
        }
        assembly ("memory-safe") {
            mstore(path, levels)
        }
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
        bytes memory absent = new bytes(14 * 32);
        vm.assertEq(tree.root(two), keccak256(bytes.concat(hex"01", two[0], two[1], absent)));
    }

    function test_root_ofNothing() public {
        vm.expectRevert(Tree.EmptyTree.selector);
        tree.root(new bytes32[](0));
        vm.expectRevert(Tree.EmptyTree.selector);
        tree.tensorRoot4("");
    }

    function test_fuzz_rootFrom_honestPath(uint256 count, uint256 index, bytes32 seed) public view {
        count = bound(count, 1, LEAVES_MAX);
        index = bound(index, 0, count - 1);
        bytes32[] memory nodes = leavesOf(count, seed);
        bytes32 root = tree.root(nodes);
        vm.assertEq(tree.rootFrom(nodes[index], index, count, pathOf(nodes, index)), root);
    }

    /// @notice Any one changed word of a path either reverts or leads to another root.
    function test_fuzz_rootFrom_changedPath(
        uint256 count,
        uint256 index,
        bytes32 seed,
        uint256 word
    ) public view {
        count = bound(count, 2, LEAVES_MAX);
        index = bound(index, 0, count - 1);
        bytes32[] memory nodes = leavesOf(count, seed);
        bytes32[16][] memory path = pathOf(nodes, index);
        bytes32 root = tree.root(nodes);
        word = bound(word, 0, 16 * path.length - 1);
        path[word / 16][word % 16] ^= bytes32(uint256(1) << (uint256(seed) % 256));
        try tree.rootFrom(nodes[index], index, count, path) returns (bytes32 other) {
            vm.assertTrue(other != root);
        } catch {}
    }

    function test_fuzz_rootFrom_wrongPlace(uint256 count, uint256 index, uint256 other) public {
        count = bound(count, 2, LEAVES_MAX);
        index = bound(index, 0, count - 1);
        other = bound(other, 0, count - 1);
        vm.assume(other != index);
        bytes32[] memory nodes = leavesOf(count, "place");
        bytes32[16][] memory path = pathOf(nodes, index);
        vm.expectRevert();
        tree.rootFrom(nodes[index], other, count, path);
    }

    function test_rootFrom_geometry() public {
        bytes32[] memory nodes = leavesOf(20, "geometry");
        bytes32[16][] memory path = pathOf(nodes, 3);
        vm.expectRevert(abi.encodeWithSelector(Tree.LeafOutOfRange.selector, 20, 20));
        tree.rootFrom(nodes[3], 20, 20, path);
        vm.expectRevert(abi.encodeWithSelector(Tree.PathLength.selector, 2, 1));
        tree.rootFrom(nodes[3], 3, 16, path);
        vm.expectRevert(abi.encodeWithSelector(Tree.PathLength.selector, 0, 2));
        tree.rootFrom(nodes[3], 3, 20, new bytes32[16][](0));
    }

    function test_rootFrom_absentChild() public {
        bytes32[] memory nodes = leavesOf(20, "absent");
        bytes32[16][] memory path = pathOf(nodes, 17);
        path[0][4] = keccak256("a leaf that is not there");
        vm.expectRevert(abi.encodeWithSelector(Tree.AbsentChild.selector, 0, 4));
        tree.rootFrom(nodes[17], 17, 20, path);
    }

    /// @notice An inner node shown as a leaf does not fit the geometry.
    function test_rootFrom_nodeAsLeaf() public {
        bytes32[] memory nodes = leavesOf(256, "node");
        bytes32[16][] memory path = pathOf(nodes, 0);
        bytes32[16][] memory upper = new bytes32[16][](1);
        upper[0] = path[1];
        vm.expectRevert(abi.encodeWithSelector(Tree.PathLength.selector, 1, 2));
        tree.rootFrom(upper[0][0], 0, 256, upper);
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
