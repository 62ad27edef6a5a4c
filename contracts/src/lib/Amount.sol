// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Amounts inside f64 tensors
/// @notice Converts between uint64 and IEEE 754 binary64, only where the conversion is exact;
///         whatever is not a non-negative integer below 2^64 (a fraction, -0, infinity, NaN) is
///         refused, so no rounding rule decides about money.
/// @dev Deliberately absent: arithmetic; `F64` has it, and rounds.
library Amount {
    uint256 private constant MANTISSA_BITS = 52;
    uint256 private constant BIAS = 1023;

    /// @notice Thrown when the double is not a non-negative integer below 2^64.
    error NotAnAmount(uint64 bits);
    /// @notice Thrown when the integer has no exact double.
    error Inexact(uint64 value);

    /// @notice Returns the integer that `bits` stands for.
    function toUint64(uint64 bits) internal pure returns (uint64) {
        if (bits == 0) return 0;
        uint256 exponent = bits >> MANTISSA_BITS; // with the sign: above 2047 when negative
        uint256 mantissa = (uint256(bits) & (2 ** MANTISSA_BITS - 1)) | (2 ** MANTISSA_BITS);
        require(exponent >= BIAS && exponent < BIAS + 64, NotAnAmount(bits));
        uint256 scale = exponent - BIAS;
        uint256 shifted = mantissa << scale;
        require(shifted % (2 ** MANTISSA_BITS) == 0, NotAnAmount(bits));
        return uint64(shifted >> MANTISSA_BITS); // below 2^64: mantissa < 2^53 and scale < 64
    }

    /// @notice Returns the double that equals `value`.
    function fromUint64(uint64 value) internal pure returns (uint64 bits) {
        if (value == 0) return 0;
        uint256 scale = 0;
        while (value >> (scale + 1) != 0) ++scale;
        uint256 aligned = (uint256(value) << MANTISSA_BITS) >> scale;
        require((aligned << scale) >> MANTISSA_BITS == value, Inexact(value));
        bits = uint64(((BIAS + scale) << MANTISSA_BITS) | (aligned & (2 ** MANTISSA_BITS - 1)));
    }

    /// @notice Returns element `index` of an f64 chunk as its bits.
    function load(bytes calldata chunk, uint256 index) internal pure returns (uint64) {
        return swap(uint64(bytes8(chunk[8 * index:8 * index + 8])));
    }

    /// @notice Reverses the order of the eight bytes.
    function swap(uint64 word) internal pure returns (uint64 swapped) {
        for (uint256 i = 0; i < 8; ++i) {
            swapped = (swapped << 8) | (word & 0xff);
            word >>= 8;
        }
    }
}
