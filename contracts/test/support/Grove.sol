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

    /// @notice Returns the way up of a leaf, as `Tree.climb` takes it.
    function siblings(bytes32[] memory leaves_, uint256 index)
        internal
        pure
        returns (bytes32[] memory)
    {
        return wayIn(levels(leaves_), index);
    }

    /// @notice As `siblings`, of a tree that is there.
    function wayIn(bytes32[][] memory all, uint256 index)
        internal
        pure
        returns (bytes32[] memory way_)
    {
        for (uint256 level = 0; level + 1 < all.length; ++level) {
            way_ = concat(way_, beside(group(all[level], index / 16), index % 16));
            index /= 16;
        }
    }

    /// @notice Returns the way up of a leaf, as `Tree.crown` takes it.
    function crownSiblings(bytes32[] memory leaves_, uint256 index)
        internal
        pure
        returns (bytes32[] memory way)
    {
        bytes32[][] memory all = levels(leaves_);
        for (uint256 level = 0; level + 1 < all.length; ++level) {
            bytes32[] memory present = group(all[level], index / 16);
            bool top = level + 2 == all.length;
            way = concat(way, top ? others(present, index % 16) : beside(present, index % 16));
            index /= 16;
        }
    }

    /// @notice Returns a way up of a leaf beside which anything stands, and where it leads.
    function way(bytes32 hash, uint256 index, uint256 leaves_)
        internal
        pure
        returns (bytes32, bytes32[] memory siblings_)
    {
        siblings_ = _anything(hash, index, leaves_, 1);
        return (Tree.climb(hash, index, leaves_, siblings_), siblings_);
    }

    /// @notice As `way`, with all children of the root.
    function crownWay(bytes32 hash, uint256 index, uint256 leaves_)
        internal
        pure
        returns (bytes32 reached, bytes32[] memory siblings_)
    {
        siblings_ = _anything(hash, index, leaves_, 16);
        (reached,) = Tree.crown(hash, index, leaves_, siblings_);
    }

    /// @dev As many siblings as a way has that goes by quads until a level is as narrow as `until`.
    function _anything(bytes32 salt, uint256 index, uint256 left, uint256 until)
        private
        pure
        returns (bytes32[] memory siblings_)
    {
        uint256 count = 0;
        for (; left > until; left = (left + 15) / 16) {
            uint256 place = index % 16;
            uint256 present = _least(16, left - (index - place));
            count += _least(4, present - place / 4 * 4) - 1 + (present + 3) / 4 - 1;
            index /= 16;
        }
        siblings_ = new bytes32[](count + left - 1);
        for (uint256 i = 0; i < siblings_.length; ++i) {
            siblings_[i] = keccak256(abi.encode(salt, i));
        }
    }

    /// @notice Returns what stands beside a child: the others of its quad, then the other quads.
    function beside(bytes32[] memory present, uint256 place)
        internal
        pure
        returns (bytes32[] memory)
    {
        bytes32[] memory quads = new bytes32[]((present.length + 3) / 4);
        bytes32[] memory own;
        for (uint256 quad = 0; quad < quads.length; ++quad) {
            bytes32[4] memory places;
            bytes32[] memory there = new bytes32[](_least(4, present.length - 4 * quad));
            for (uint256 i = 0; i < there.length; ++i) {
                places[i] = there[i] = present[4 * quad + i];
            }
            quads[quad] = keccak256(abi.encodePacked(bytes1(0x01), places));
            if (quad == place / 4) own = others(there, place % 4);
        }
        return concat(own, others(quads, place / 4));
    }

    /// @notice Returns a list without one of its elements.
    function others(bytes32[] memory list, uint256 without)
        internal
        pure
        returns (bytes32[] memory left)
    {
        for (uint256 i = 0; i < list.length; ++i) {
            if (i != without) left = append(left, list[i]);
        }
    }

    function concat(bytes32[] memory list, bytes32[] memory more)
        internal
        pure
        returns (bytes32[] memory longer)
    {
        longer = list;
        for (uint256 i = 0; i < more.length; ++i) {
            longer = append(longer, more[i]);
        }
    }

    function _least(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
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
