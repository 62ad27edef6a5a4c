// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPrivateRounds} from "../interfaces/IPrivateRounds.sol";

/// @title Who of a bucket is summed, and how its sums stand
/// @dev Deliberately absent: the draw, which `BucketDesk` makes, what is stored, and phases.
library Buckets {
    uint256 internal constant SHARES = 3;
    /// @notice The fewest trainers whose sum is made: of two, each would know the other's update.
    uint256 internal constant TRAINERS_MIN = 3;

    /// @notice Returns how the sum of a share stands: two holders that differ, or the root that
    ///         stands, 0 for none.
    function sumOf(IPrivateRounds.Bucket memory bucket, uint256 share)
        internal
        pure
        returns (bool disputed, bytes32 root)
    {
        bytes32 first = bucket.sums[(share + 1) % SHARES][1];
        bytes32 second = bucket.sums[(share + 2) % SHARES][0];
        disputed = first != 0 && second != 0 && first != second;
        root = first != 0 ? first : second;
    }

    /// @notice Returns whether bit `place` of a mask is set.
    function isSet(uint256 mask, uint256 place) internal pure returns (bool) {
        return (mask >> place) & 1 != 0;
    }

    /// @notice Returns how many bits of a mask are set.
    function countOf(uint256 mask) internal pure returns (uint256 count) {
        for (; mask != 0; mask &= mask - 1) {
            ++count;
        }
    }
}
