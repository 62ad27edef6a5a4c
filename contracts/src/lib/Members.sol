// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IGathering} from "../interfaces/IGathering.sol";
import {IRoster} from "../interfaces/IRoster.sol";
import {Append} from "./Append.sol";
import {Tree} from "./Tree.sol";

/// @title Whose rows the aggregation has
/// @notice The tensor i32[rows] of registry indices, as many chunks as that takes, zeros after the
///         last.
library Members {
    /// @notice Inputs before the updates.
    uint256 internal constant INPUTS = 4;
    uint256 private constant CHUNK_ELEMENTS = 32;

    /// @notice Returns the element of a row, which may be one of the zeros after the last.
    function open(
        bytes32 root,
        uint256 rows,
        uint256 row,
        bytes calldata chunk,
        bytes32[] calldata siblings
    ) internal pure returns (uint256 element) {
        require(chunk.length == Tree.CHUNK_4, Tree.ChunkLength(chunk.length, Tree.CHUNK_4));
        bytes32 got = Tree.climb(Tree.leaf(chunk), row / CHUNK_ELEMENTS, _chunks(rows), siblings);
        require(got == root, IGathering.Mismatch(root, got));
        for (uint256 i = 0; i < 4; ++i) {
            element |= uint256(uint8(chunk[4 * (row % CHUNK_ELEMENTS) + i])) << (8 * i);
        }
    }

    /// @notice Returns the tensor root with the rows of forced reveals after those of a list.
    /// @param more how many they are, at least one
    function append(
        IGathering.List memory list,
        IRoster.Forced[] calldata forced,
        uint256 more,
        IRoster.Tail calldata tail
    ) internal pure returns (bytes32) {
        uint256 element = list.rows % CHUNK_ELEMENTS;
        uint256 chunks = _chunks(list.rows);
        // The last chunk again, if there is one, and those that follow.
        uint256 skipped = chunks > 0 ? chunks - 1 : 0;
        bytes32[] memory leaves = new bytes32[](_chunks(list.rows + more) - skipped);
        bytes memory chunk = new bytes(Tree.CHUNK_4);
        uint256 at = 0;
        if (chunks > 0) {
            chunk = tail.chunk;
            require(chunk.length == Tree.CHUNK_4, Tree.ChunkLength(chunk.length, Tree.CHUNK_4));
            leaves[0] = Tree.leaf(chunk);
            bytes32 got = Tree.climb(leaves[0], chunks - 1, chunks, tail.chunkSiblings);
            require(got == list.membersRoot, IGathering.Mismatch(list.membersRoot, got));
            if (element == 0) (chunk, at) = (new bytes(Tree.CHUNK_4), 1);
        }
        for (uint256 i = 0; i < forced.length; ++i) {
            for (uint256 row = 0; row < forced[i].rows; ++row) {
                _write(chunk, element, forced[i].node);
                leaves[at] = Tree.leaf(chunk);
                if (++element < CHUNK_ELEMENTS) continue;
                (chunk, element) = (new bytes(Tree.CHUNK_4), 0);
                ++at;
            }
        }
        if (chunks == 0) return Tree.root(leaves);
        return Append.root(chunks, tail.chunkSiblings, leaves);
    }

    /// @notice Returns what commits to forced reveals, after one more.
    function chain(bytes32 before, IRoster.Forced memory forced) internal pure returns (bytes32) {
        return keccak256(abi.encode(before, forced));
    }

    function _chunks(uint256 rows) private pure returns (uint256) {
        return (rows + CHUNK_ELEMENTS - 1) / CHUNK_ELEMENTS;
    }

    function _write(bytes memory chunk, uint256 element, uint256 value) private pure {
        for (uint256 i = 0; i < 4; ++i) {
            chunk[4 * element + i] = bytes1(uint8(value >> (8 * i)));
        }
    }
}
