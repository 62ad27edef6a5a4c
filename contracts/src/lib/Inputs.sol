// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IRounds} from "../interfaces/IRounds.sol";
import {Amount} from "./Amount.sol";
import {Tree} from "./Tree.sol";

/// @title The inputs of the aggregation Program
/// @notice Lays the chain's own state out as the tensors of docs/protocol.md §2 and hashes them.
///         Rows are the revealed seats in ascending order of registry index. With at most 32 seats
///         every one of these tensors is a single chunk, whose leaf is its root.
/// @dev Deliberately absent: outputs, which are the asserter's word; of them only the list of
///      accepted rows is read here.
library Inputs {
    /// @notice Rows that fit a chunk, and so the most seats of a round.
    uint256 internal constant ROWS_MAX = 32;
    /// @notice Inputs before the updates.
    uint256 internal constant FIXED = 5;
    uint256 private constant WEI_PER_TOKEN = 1e18;
    /// @notice Largest stake in whole tokens that counts: exact in f32.
    uint256 private constant STAKE_MAX = 2 ** 24;

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
        bytes memory stakes = new bytes(Tree.CHUNK_4);
        uint256 row = 0;
        for (uint256 i = 0; i < seats.length; ++i) {
            if (!seats[i].revealed) continue;
            uint256 stake = seats[i].stake / WEI_PER_TOKEN;
            _writeI32(members, row, seats[i].index);
            _writeI32(stakes, row, stake < STAKE_MAX ? stake : STAKE_MAX);
            roots[FIXED + row] = seats[i].updateRoot;
            ++row;
        }
        roots[0] = modelRoot;
        roots[1] = cumulativeRoot;
        roots[2] = budgetRoot(budgetGwei);
        roots[3] = Tree.leaf(members);
        roots[4] = Tree.leaf(stakes);
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

    /// @notice Returns the rows' registry indices and which of them the chunk of output 1 accepts.
    function accepted(IRounds.Seat[] memory seats, uint256 rows, bytes calldata chunk)
        internal
        pure
        returns (uint32[] memory members, bool[] memory flags)
    {
        members = new uint32[](rows);
        flags = new bool[](rows);
        uint256 row = 0;
        for (uint256 i = 0; i < seats.length; ++i) {
            if (!seats[i].revealed) continue;
            members[row] = seats[i].index;
            flags[row] = bytes4(chunk[4 * row:4 * row + 4]) != 0;
            ++row;
        }
    }

    function _writeI32(bytes memory chunk, uint256 element, uint256 value) private pure {
        for (uint256 i = 0; i < 4; ++i) {
            chunk[4 * element + i] = bytes1(uint8(value >> (8 * i)));
        }
    }
}
