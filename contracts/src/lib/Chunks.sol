// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../interfaces/ICourt.sol";
import {Code} from "./Code.sol";

/// @title Chunks that are revealed
/// @notice A chunk holds 32 elements; what follows the tensor's last element is zero bytes, and
///         who reveals a chunk must show that.
library Chunks {
    uint256 internal constant ELEMENTS = 32;

    /// @notice Requires that the bytes can be chunk `index` of `count` elements.
    function check(bytes memory chunk, uint256 dtype, uint256 count, uint256 index) internal pure {
        uint256 size = Code.size(dtype);
        uint256 length = ELEMENTS * size;
        require(chunk.length == length, ICourt.BadChunk(length, chunk.length));
        uint256 filled = count - index * ELEMENTS;
        if (filled >= ELEMENTS) return;
        for (uint256 at = filled * size; at < length; at += size) {
            require(Code.element(chunk, at, dtype) == 0, ICourt.BadChunk(filled * size, at));
        }
    }

    /// @notice Returns how many chunks `count` elements fill.
    function number(uint256 count) internal pure returns (uint256) {
        return (count + ELEMENTS - 1) / ELEMENTS;
    }
}
