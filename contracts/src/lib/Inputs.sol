// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IRounds} from "../interfaces/IRounds.sol";
import {Amount} from "./Amount.sol";
import {Tree} from "./Tree.sol";

/// @title The inputs of the aggregation Program
/// @notice Lays the chain's own state out as the tensors of docs/protocol.md §2 and hashes them.
///         Rows are the revealed seats in ascending order of registry index, a node's next to each
///         other. With at most 32 of them every one of these tensors is a single chunk, whose leaf
///         is its root.
/// @dev Deliberately absent: outputs, which are the asserter's word; of them only the list of
///      accepted rows is read here.
library Inputs {
    /// @notice Rows that fit a chunk, and so the most seats of a round.
    uint256 internal constant ROWS_MAX = 32;
    /// @notice Inputs before the updates.
    uint256 internal constant FIXED = 4;

    /// @notice Returns the list root of all inputs.
    /// @param seats all seats of the round, ascending
    /// @param rows how many of them revealed
    function root(
        IRounds.Seat[] memory seats,
        uint256 rows,
        bytes32 modelRoot,
        bytes32 cumulativeRoot,
        uint64 budgetGwei
    ) internal pure returns (bytes32) {
        bytes32[] memory roots = new bytes32[](FIXED + rows);
        bytes memory members = new bytes(Tree.CHUNK_4);
        uint256 row = 0;
        for (uint256 i = 0; i < seats.length; ++i) {
            if (!seats[i].revealed) continue;
            for (uint256 end = row + seats[i].rows; row < end; ++row) {
                writeI32(members, row, seats[i].index);
                roots[FIXED + row] = seats[i].updateRoot;
            }
        }
        roots[0] = modelRoot;
        roots[1] = cumulativeRoot;
        roots[2] = budgetRoot(budgetGwei);
        roots[3] = Tree.leaf(members);
        return Tree.root(roots);
    }

    /// @notice Returns the tensor root of the budget as f64[1].
    function budgetRoot(uint64 budgetGwei) internal pure returns (bytes32) {
        bytes memory chunk = new bytes(Tree.CHUNK_8);
        uint64 bits = Amount.fromUint64(budgetGwei);
        for (uint256 i = 0; i < 8; ++i) {
            chunk[i] = bytes1(uint8(bits >> (8 * i)));
        }
        return Tree.leaf(chunk);
    }

    /// @notice Returns the nodes that revealed and which of them the chunk of output 1 accepts:
    ///         a node's rows are alike, so its first one tells.
    function accepted(IRounds.Seat[] memory seats, bytes calldata chunk)
        internal
        pure
        returns (uint32[] memory nodes, bool[] memory flags)
    {
        uint256 count = 0;
        for (uint256 i = 0; i < seats.length; ++i) {
            if (seats[i].revealed) ++count;
        }
        nodes = new uint32[](count);
        flags = new bool[](count);
        (uint256 place, uint256 row) = (0, 0);
        for (uint256 i = 0; i < seats.length; ++i) {
            if (!seats[i].revealed) continue;
            nodes[place] = seats[i].index;
            flags[place++] = bytes4(chunk[4 * row:4 * row + 4]) != 0;
            row += seats[i].rows;
        }
    }

    /// @notice Writes an element of an i32 tensor's chunk.
    function writeI32(bytes memory chunk, uint256 element, uint256 value) internal pure {
        for (uint256 i = 0; i < 4; ++i) {
            chunk[4 * element + i] = bytes1(uint8(value >> (8 * i)));
        }
    }
}
