// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title The i32 ops
/// @notice Two's complement modulo 2^32: wrapping is the result, and nothing reverts.
/// @dev Deliberately absent: division, which is no op.
library I32 {
    /// @notice Returns `a + b`, wrapped.
    function add(int32 a, int32 b) internal pure returns (int32) {
        unchecked {
            return a + b;
        }
    }

    /// @notice Returns `a - b`, wrapped.
    function sub(int32 a, int32 b) internal pure returns (int32) {
        unchecked {
            return a - b;
        }
    }

    /// @notice Returns `a * b`, wrapped.
    function mul(int32 a, int32 b) internal pure returns (int32) {
        unchecked {
            return a * b;
        }
    }

    /// @notice Returns `-a`; of -2^31: itself.
    function neg(int32 a) internal pure returns (int32) {
        unchecked {
            return -a;
        }
    }

    /// @notice Returns the magnitude of `a`; of -2^31: itself.
    function abs(int32 a) internal pure returns (int32) {
        unchecked {
            return a < 0 ? -a : a;
        }
    }

    /// @notice Returns the lesser.
    function min(int32 a, int32 b) internal pure returns (int32) {
        return b < a ? b : a;
    }

    /// @notice Returns the greater.
    function max(int32 a, int32 b) internal pure returns (int32) {
        return b > a ? b : a;
    }

    /// @notice Returns the bitwise and.
    function and(int32 a, int32 b) internal pure returns (int32) {
        return a & b;
    }

    /// @notice Returns the bitwise or.
    function or(int32 a, int32 b) internal pure returns (int32) {
        return a | b;
    }

    /// @notice Returns the bitwise exclusive or.
    function xor(int32 a, int32 b) internal pure returns (int32) {
        return a ^ b;
    }

    /// @notice Returns `a` shifted left by `b` mod 32.
    function shl(int32 a, int32 b) internal pure returns (int32) {
        return int32(uint32(a) << _count(b));
    }

    /// @notice Returns `a` shifted right by `b` mod 32, filled with zeros.
    function shr(int32 a, int32 b) internal pure returns (int32) {
        return int32(uint32(a) >> _count(b));
    }

    /// @notice Returns `a` shifted right by `b` mod 32, filled with the sign.
    function sar(int32 a, int32 b) internal pure returns (int32) {
        return a >> _count(b);
    }

    /// @notice Returns whether `a < b`.
    function lt(int32 a, int32 b) internal pure returns (bool) {
        return a < b;
    }

    /// @notice Returns whether `a <= b`.
    function le(int32 a, int32 b) internal pure returns (bool) {
        return a <= b;
    }

    /// @notice Returns whether `a == b`.
    function eq(int32 a, int32 b) internal pure returns (bool) {
        return a == b;
    }

    /// @notice Returns `x * m / 2^s`, halves away from zero, clamped to `lo..=hi`.
    /// @param m a multiplier that is not negative
    /// @param s a shift of at most 62
    /// @param lo the least result, not above `hi`
    /// @dev Well-formed Programs keep these bounds, so nothing here checks them.
    function requantise(int32 x, int32 m, uint32 s, int32 lo, int32 hi)
        internal
        pure
        returns (int32)
    {
        unchecked {
            int256 product = int256(x) * int256(m);
            uint256 magnitude = product < 0 ? uint256(-product) : uint256(product);
            magnitude = (magnitude + ((1 << uint256(s)) >> 1)) >> s;
            int256 rounded = product < 0 ? -int256(magnitude) : int256(magnitude);
            if (rounded < lo) return lo;
            return rounded > hi ? hi : int32(rounded);
        }
    }

    function _count(int32 b) private pure returns (uint32) {
        return uint32(b) & 31;
    }
}
