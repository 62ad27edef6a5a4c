// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {F64} from "./F64.sol";

/// @title The steps that the elementary functions share
/// @notice `P`, `reduce` and `scale` of docs/numerics.md, on the bits of f64.
/// @dev Coefficients come four to a word, in ascending order of their powers from the left, so that
///      the lowest 64 bits are taken first. An integer that the sequence keeps in an f64 is kept as
///      an integer where it has the same value.
library Polynomial {
    uint64 internal constant ONE = 0x3ff0000000000000;
    uint64 internal constant LN2 = 0x3fe62e42fefa39ef;
    uint64 internal constant SIGN = 0x8000000000000000;

    uint64 private constant LOG2_E = 0x3ff71547652b82fe;
    uint64 private constant SHIFTER = 0x4338000000000000;
    uint256 private constant FRACTION = 0x000fffffffffffff;
    uint256 private constant HIDDEN = 0x0010000000000000;

    /// @notice Goes on with a Horner scheme: `count` times `s = fma(s, x, next coefficient)`.
    function steps(uint64 s, uint64 x, uint256 coefficients, uint256 count)
        internal
        pure
        returns (uint64)
    {
        unchecked {
            for (; count != 0; --count) {
                s = F64.fma(s, x, uint64(coefficients));
                coefficients >>= 64;
            }
            return s;
        }
    }

    /// @notice Splits `x` into the integer `k` nearest to `x / ln 2`, up to a tie, and what is left
    ///         of `x` after as many ln 2 (rounded to an f64) were taken off; `minusK` is `-k`.
    /// @dev For |x| <= 784.
    function reduce(uint64 x) internal pure returns (int256 k, uint64 minusK, uint64 rest) {
        unchecked {
            // Added to 1.5 * 2^52, a number is rounded to an integer in the lowest bits.
            uint64 shifted = F64.fma(x, LOG2_E, SHIFTER);
            k = int256(uint256(shifted)) - int256(uint256(SHIFTER));
            minusK = F64.fromI32(int32(k)) ^ SIGN;
            rest = F64.fma(minusK, LN2, x);
        }
    }

    /// @notice Returns `y * 2^k`, rounded once, for a positive normal `y`.
    function scale(uint64 y, int256 k) internal pure returns (uint64) {
        unchecked {
            uint256 mantissa = (y & FRACTION) | HIDDEN;
            return F64.round(0, mantissa, uint256(int256(uint256(y >> 52)) + k + 202));
        }
    }

    /// @notice Splits a positive normal `x` into `m * 2^k`, with m from sqrt(1/2) to sqrt(2).
    function split(uint64 x) internal pure returns (int256 k, uint64 m) {
        unchecked {
            uint64 rootHalf = 0x3fe6a09e00000000;
            uint64 offset = x - rootHalf;
            k = int256(uint256((offset + (1024 << 52)) >> 52)) - 1024;
            m = uint64(offset & FRACTION) + rootHalf;
        }
    }
}
