// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Tree} from "../../src/lib/Tree.sol";
import {Base} from "../support/Base.sol";
import {TreeCaller} from "./Tree.t.sol";

/// @notice The golden vectors that the Rust crates generate and read: the same bytes, the same roots.
contract TreeVectorsTest is Base {
    uint256 internal constant CONCATENATED_MAX = 64; // chunks; memory is quadratic in them here

    TreeCaller internal tree = new TreeCaller();
    string internal json = vm.readFile("../vectors/tree_v1.json");

    function keyOf(string memory list, uint256 index, string memory field)
        internal
        pure
        returns (string memory)
    {
        return string.concat(".", list, "[", decimal(index), "]", field);
    }

    function decimal(uint256 number) internal pure returns (string memory text) {
        if (number >= 10) text = decimal(number / 10);
        text = string.concat(text, string(abi.encodePacked(bytes1(uint8(48 + number % 10)))));
    }

    function lengthOf(string memory list) internal view returns (uint256 length) {
        while (vm.keyExistsJson(json, keyOf(list, length, ""))) ++length;
        vm.assertGt(length, 3);
    }

    function test_tensors() public view {
        uint256 length = lengthOf("tensors");
        for (uint256 i = 0; i < length; ++i) {
            bytes[] memory chunks = vm.parseJsonBytesArray(json, keyOf("tensors", i, ".chunks"));
            bytes32 root = vm.parseJsonBytes32(json, keyOf("tensors", i, ".root"));
            bytes32[] memory leaves = new bytes32[](chunks.length);
            bytes memory data;
            bool short = chunks[0].length == Tree.CHUNK_4 && chunks.length <= CONCATENATED_MAX;
            for (uint256 j = 0; j < chunks.length; ++j) {
                leaves[j] = Tree.leaf(chunks[j]);
                if (short) data = bytes.concat(data, chunks[j]);
            }
            vm.assertEq(Tree.root(leaves), root, keyOf("tensors", i, ""));
            if (!short) continue;
            uint256 count = vm.parseJsonUint(json, keyOf("tensors", i, ".count"));
            assembly ("memory-safe") {
                mstore(data, mul(4, count)) // without the padding
            }
            vm.assertEq(tree.tensorRoot4(data), root, keyOf("tensors", i, ""));
        }
    }

    function test_lists() public view {
        uint256 length = lengthOf("lists");
        for (uint256 i = 0; i < length; ++i) {
            bytes32[] memory roots = vm.parseJsonBytes32Array(json, keyOf("lists", i, ".roots"));
            bytes32 root = vm.parseJsonBytes32(json, keyOf("lists", i, ".root"));
            vm.assertEq(Tree.root(roots), root, keyOf("lists", i, ""));
        }
    }

    function test_paths() public view {
        uint256 length = lengthOf("paths");
        for (uint256 i = 0; i < length; ++i) {
            uint256 count = vm.parseJsonUint(json, keyOf("paths", i, ".count"));
            uint256 index = vm.parseJsonUint(json, keyOf("paths", i, ".index"));
            bytes32 leaf = vm.parseJsonBytes32(json, keyOf("paths", i, ".leaf"));
            bytes32[] memory siblings =
                vm.parseJsonBytes32Array(json, keyOf("paths", i, ".siblings"));
            bytes32 root = vm.parseJsonBytes32(json, keyOf("paths", i, ".root"));
            vm.assertEq(tree.climb(leaf, index, count, siblings), root, keyOf("paths", i, ""));
        }
    }
}
