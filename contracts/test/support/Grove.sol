// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Amount} from "../../src/lib/Amount.sol";
import {Code} from "../../src/lib/Code.sol";
import {Tree} from "../../src/lib/Tree.sol";

/// @notice Whole trees in memory, for whoever holds every leaf; values are bits of elements.
library Grove {
    uint256 internal constant CHUNK = 32;

    /// @notice Returns every level, the leaves first, the root last.
    function levels(bytes32[] memory leaves_) internal pure returns (bytes32[][] memory all) {
        all = new bytes32[][](1 + Tree.depth(leaves_.length));
        all[0] = leaves_;
        for (uint256 level = 1; level < all.length; ++level) {
            uint256 below = all[level - 1].length;
            all[level] = new bytes32[]((below + 15) / 16);
            for (uint256 i = 0; i < all[level].length; ++i) {
                all[level][i] = Tree.nodeOf(group(all[level - 1], i));
            }
        }
    }

    function root(bytes32[] memory leaves_) internal pure returns (bytes32) {
        bytes32[][] memory all = levels(leaves_);
        return all[all.length - 1][0];
    }

    /// @notice Returns the children of the node at `index` of `height`.
    function children(bytes32[] memory leaves_, uint256 height, uint256 index)
        internal
        pure
        returns (bytes32[] memory)
    {
        return group(levels(leaves_)[height - 1], index);
    }

    /// @notice Returns the way up of a leaf, its own node left out on every level.
    function siblings(bytes32[] memory leaves_, uint256 index)
        internal
        pure
        returns (bytes32[] memory way)
    {
        bytes32[][] memory all = levels(leaves_);
        for (uint256 level = 0; level + 1 < all.length; ++level) {
            bytes32[] memory present = group(all[level], index / 16);
            for (uint256 i = 0; i < present.length; ++i) {
                if (i != index % 16) way = append(way, present[i]);
            }
            index /= 16;
        }
    }

    function group(bytes32[] memory level, uint256 index)
        internal
        pure
        returns (bytes32[] memory present)
    {
        uint256 first = 16 * index;
        uint256 count = level.length - first;
        present = new bytes32[](count > 16 ? 16 : count);
        for (uint256 i = 0; i < present.length; ++i) {
            present[i] = level[first + i];
        }
    }

    function append(bytes32[] memory list, bytes32 last)
        internal
        pure
        returns (bytes32[] memory longer)
    {
        longer = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < list.length; ++i) {
            longer[i] = list[i];
        }
        longer[list.length] = last;
    }

    // Tensors.

    /// @notice Returns the hashes of a tensor's chunks.
    function leaves(uint64[] memory values, uint256 dtype)
        internal
        pure
        returns (bytes32[] memory hashes)
    {
        hashes = new bytes32[]((values.length + CHUNK - 1) / CHUNK);
        for (uint256 i = 0; i < hashes.length; ++i) {
            hashes[i] = Tree.leaf(chunk(values, dtype, i));
        }
    }

    function chunk(uint64[] memory all, uint256 dtype, uint256 index)
        internal
        pure
        returns (bytes memory raw)
    {
        uint256 size = Code.size(dtype);
        uint256 first = CHUNK * index;
        raw = new bytes(CHUNK * size + 32); // room for the last word written
        for (uint256 i = 0; i < CHUNK && first + i < all.length; ++i) {
            uint256 word = uint256(Amount.swap(all[first + i])) << 192;
            assembly ("memory-safe") {
                mstore(add(add(raw, 32), mul(i, size)), word)
            }
        }
        assembly ("memory-safe") {
            mstore(raw, mul(CHUNK, size))
        }
    }

    function bytesOf(uint64 value, uint256 size) internal pure returns (bytes memory raw) {
        raw = new bytes(size);
        for (uint256 j = 0; j < size; ++j) {
            raw[j] = bytes1(uint8(value >> (8 * j)));
        }
    }

    /// @notice Reads elements back, little-endian.
    function values(bytes memory raw, uint256 dtype) internal pure returns (uint64[] memory read) {
        uint256 size = Code.size(dtype);
        read = new uint64[](raw.length / size);
        for (uint256 i = 0; i < read.length; ++i) {
            for (uint256 j = 0; j < size; ++j) {
                read[i] |= uint64(uint8(raw[i * size + j])) << uint64(8 * j);
            }
        }
    }
}
