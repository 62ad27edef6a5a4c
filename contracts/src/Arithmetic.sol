// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Bits} from "./lib/Bits.sol";
import {I32} from "./lib/I32.sol";
import {Philox} from "./lib/Philox.sol";
import {Scalar} from "./lib/Scalar.sol";

/// @title Exact arithmetic as a contract of its own
/// @notice The elementwise ops of docs/numerics.md on single elements, for the referee and for
///         anybody else: IEEE 754 binary32 and binary64, and i32. Values are bits, those of f32 and
///         i32 in the low half.
/// @dev It is apart from the referee because both together would not fit a contract's size limit.
///      Deliberately absent: storage.
contract Arithmetic {
    /// @dev An EVM without CLZ (EIP-7939) cannot deploy this, rather than fail in a dispute.
    constructor() {
        assert(Bits.leadingZeros(uint160(msg.sender)) >= 96);
    }

    /// @notice As `Scalar.compute`.
    function compute(uint8 code, uint8 dtype, uint8 result, uint64 a, uint64 b, uint64 c)
        external
        pure
        returns (uint64)
    {
        return Scalar.compute(code, dtype, result, a, b, c);
    }

    /// @notice Returns the sum of 32 lanes, folded pairwise: lane l += lane l + 16, then 8, 4, 2, 1.
    function fold(uint8 dtype, uint64[32] memory lanes) external pure returns (uint64) {
        for (uint256 half = 16; half > 0; half /= 2) {
            for (uint256 lane = 0; lane < half; ++lane) {
                lanes[lane] =
                    Scalar.compute(Scalar.ADD, dtype, dtype, lanes[lane], lanes[lane + half], 0);
            }
        }
        return lanes[0];
    }

    /// @notice As `Scalar.comesAfter`.
    function comesAfter(uint8 dtype, uint64 a, uint64 b) external pure returns (bool) {
        return Scalar.comesAfter(dtype, a, b);
    }

    /// @notice As `I32.requantise`.
    function requantise(int32 x, int32 m, uint32 s, int32 lo, int32 hi)
        external
        pure
        returns (int32)
    {
        return I32.requantise(x, m, s, lo, hi);
    }

    /// @notice As `Philox.word`.
    function random(uint32 key0, uint32 key1, uint64 element, uint32 stream)
        external
        pure
        returns (uint32)
    {
        return Philox.word(key0, key1, element, stream);
    }
}
