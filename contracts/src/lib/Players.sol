// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IScores} from "../interfaces/IScores.sol";
import {Amount} from "./Amount.sol";
import {Tree} from "./Tree.sol";

/// @title The rows of a scored round, as tensors
/// @notice Lays out what the chain knows of them as the inputs of the score Program, and reads from its
///         outputs what they lose. With at most 32 rows each is a single chunk, whose leaf is its root.
/// @dev Rows are in ascending order of registry index, a node's next to each other.
library Players {
    /// @notice Returns the root of the key of the orders, i32[2]: the seed's first eight bytes.
    function keyRoot(bytes32 seed) internal pure returns (bytes32) {
        return Tree.leaf(bytes.concat(bytes8(seed), new bytes(Tree.CHUNK_4 - 8)));
    }

    /// @notice Returns the stake in gwei behind each of a node's rows, rounded down. What has no exact
    ///         double, above 2^53 gwei, counts as 2^53.
    /// @param stake wei
    function stakeGwei(uint256 stake, uint256 rows) internal pure returns (uint64) {
        uint256 each = stake / rows / 1e9;
        return uint64(each < 2 ** 53 ? each : 2 ** 53);
    }

    /// @notice Returns the root of the stakes by row in gwei, f64[m].
    function stakesRoot(IScores.Player[] memory players) internal pure returns (bytes32) {
        bytes memory chunk = new bytes(Tree.CHUNK_8);
        uint256 at = 0;
        for (uint256 i = 0; i < players.length; ++i) {
            uint64 bits = Amount.fromUint64(players[i].stakeGwei);
            for (uint256 end = at + players[i].rows; at < end; ++at) {
                for (uint256 k = 0; k < 8; ++k) {
                    chunk[8 * at + k] = bytes1(uint8(bits >> (8 * k)));
                }
            }
        }
        return Tree.leaf(chunk);
    }

    /// @notice Writes each row's window into `roots` from `at` on, `absent` where it has none.
    function writeWindows(
        IScores.Player[] memory players,
        bytes32[] memory roots,
        uint256 at,
        bytes32 absent
    ) internal pure {
        for (uint256 i = 0; i < players.length; ++i) {
            bytes32 window = players[i].window;
            for (uint256 end = at + players[i].rows; at < end; ++at) {
                roots[at] = window == 0 ? absent : window;
            }
        }
    }

    /// @notice Returns the node whose row it is.
    function ownerOf(IScores.Player[] memory players, uint256 row) internal pure returns (uint32) {
        uint256 i = 0;
        while (row >= players[i].rows) row -= players[i++].rows;
        return players[i].index;
    }

    /// @notice Returns the nodes, and what each loses in gwei over all its rows, from the only chunk of
    ///         the burns by row.
    function burns(IScores.Player[] memory players, bytes calldata chunk)
        internal
        pure
        returns (uint32[] memory nodes, uint64[] memory burnt)
    {
        nodes = new uint32[](players.length);
        burnt = new uint64[](players.length);
        uint256 row = 0;
        for (uint256 i = 0; i < players.length; ++i) {
            nodes[i] = players[i].index;
            for (uint256 end = row + players[i].rows; row < end; ++row) {
                burnt[i] += Amount.toUint64(Amount.load(chunk, row));
            }
        }
    }

    /// @notice Returns what all rows are paid, from the only chunk of the pay by row, at most `most`.
    function total(bytes calldata chunk, uint256 rows, uint64 most)
        internal
        pure
        returns (uint256 sum)
    {
        for (uint256 row = 0; row < rows; ++row) {
            sum += Amount.toUint64(Amount.load(chunk, row));
        }
        if (sum > most) sum = most;
    }

    /// @notice Returns the tensor root of zeros in f64, `size` bytes of them.
    function zeros(uint256 size) internal pure returns (bytes32) {
        uint256 count = (size + Tree.CHUNK_8 - 1) / Tree.CHUNK_8;
        bytes32[] memory leaves = new bytes32[](count);
        bytes32 leaf = Tree.leaf(new bytes(Tree.CHUNK_8));
        for (uint256 i = 0; i < count; ++i) {
            leaves[i] = leaf;
        }
        return Tree.root(leaves);
    }
}
