// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Medians, and moves of coupled parameters by one share
library Panel {
    uint256 private constant WAD = 1e18;

    /// @notice Returns the place of the median among the first `count` of `values`, the upper of the two
    ///         middle ones where the count is even; of equals one of them. Reverts for none.
    function median(uint256[] memory values, uint256 count) internal pure returns (uint256 place) {
        uint256 rank = count / 2;
        for (place = 0;; ++place) {
            uint256 value = values[place];
            uint256 below = 0;
            uint256 equal = 0;
            for (uint256 i = 0; i < count; ++i) {
                if (values[i] < value) ++below;
                else if (values[i] == value) ++equal;
            }
            if (below <= rank && rank < below + equal) return place;
        }
    }

    /// @notice Returns how much of the way from one value to another a step allows, WAD, rounded down.
    /// @param up most rise as a fraction of `from`, WAD
    /// @param down most fall likewise
    function share(uint256 from, uint256 to, uint256 up, uint256 down)
        internal
        pure
        returns (uint256)
    {
        uint256 distance = from < to ? to - from : from - to;
        uint256 step = Math.mulDiv(from, from < to ? up : down, WAD);
        return distance <= step ? WAD : Math.mulDiv(step, WAD, distance);
    }

    /// @notice Returns the value at a share of the way, rounded towards `from`.
    function along(uint256 from, uint256 to, uint256 share_) internal pure returns (uint256) {
        if (from < to) return from + Math.mulDiv(to - from, share_, WAD);
        return from - Math.mulDiv(from - to, share_, WAD);
    }

    /// @notice Returns the value within `low` and `high`.
    function clamp(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return Math.min(Math.max(value, low), high);
    }
}
