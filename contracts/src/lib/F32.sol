// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Bits} from "./Bits.sol";

/// @title IEEE 754 binary32 on raw bits
/// @notice Every function takes and returns the 32 bits of an f32. Rounding is to nearest, ties to
///         even; subnormals are kept; whatever is computed and is not a number is `NAN`, the one NaN
///         of docs/numerics.md. Nothing reverts and no flag is raised.
/// @dev A finite magnitude `x` is `m * 2^(k - 149)`, where `k` is one less than the exponent field,
///      or 0 in a subnormal number, and `m = x - (k << 23)` has 24 bits, or with k = 0 fewer. Read
///      backwards, `(k << 23) + m` are the bits of a result, a subnormal one too, and even where
///      rounding has carried into bit 24 of m. So subnormal numbers have no path of their own, and
///      the leading one of a result is found by one instruction, whatever has cancelled. Negative
///      numbers are two's complement in a uint256. Deliberately absent: other rounding modes, flags,
///      signalling NaNs, remainder.
library F32 {
    /// @notice The one NaN: quiet, positive, no payload.
    uint32 internal constant NAN = 0x7fc00000;

    uint256 private constant SIGN = 0x80000000;
    uint256 private constant MAGNITUDE = 0x7fffffff;
    uint256 private constant INFINITY = 0x7f800000;
    uint256 private constant HIDDEN = 0x00800000;
    uint256 private constant FRACTION = 0x007fffff;
    uint32 private constant ONE = 0x3f800000;

    /// @notice Returns `a + b`.
    function add(uint32 a, uint32 b) internal pure returns (uint32) {
        unchecked {
            (uint256 x, uint256 y) = (a & MAGNITUDE, b & MAGNITUDE);
            if (x < y) (a, b, x, y) = (b, a, y, x);
            if (x >= INFINITY) return _addEdge(a, b);
            uint256 k = _scale(x);
            uint256 shift = _scale(y);
            uint256 m = x - (k << 23);
            y -= shift << 23;
            // m belongs `shift` bits above y. Above 27 bits y is less than half of the last place of
            // m by so much that it only says which side of a tie or of an f32 the sum lies on.
            shift = k - shift;
            if (shift > 27) shift = 27;
            m <<= shift;
            if ((a ^ b) & SIGN == 0) {
                m += y;
            } else {
                m -= y;
                if (m == 0) return 0;
            }
            return round(a & SIGN, m, k - shift + 232);
        }
    }

    /// @notice Returns `a - b`.
    function sub(uint32 a, uint32 b) internal pure returns (uint32) {
        return add(a, b ^ uint32(SIGN)); // of a NaN too: its sign is lost
    }

    /// @notice Returns `a * b`.
    function mul(uint32 a, uint32 b) internal pure returns (uint32) {
        unchecked {
            (uint256 x, uint256 y) = (a & MAGNITUDE, b & MAGNITUDE);
            if (((x + HIDDEN) | (y + HIDDEN)) > MAGNITUDE) return _mulEdge(a, b);
            uint256 k = _scale(x);
            uint256 ky = _scale(y);
            uint256 p = (x - (k << 23)) * (y - (ky << 23));
            if (p == 0) return (a ^ b) & uint32(SIGN);
            return round((a ^ b) & SIGN, p, k + ky + 83);
        }
    }

    /// @notice Returns `a * b + c`, rounded once.
    function fma(uint32 a, uint32 b, uint32 c) internal pure returns (uint32) {
        unchecked {
            (uint256 p, uint256 m, uint256 z) = (a & MAGNITUDE, b & MAGNITUDE, c & MAGNITUDE);
            if (((p + HIDDEN) | (m + HIDDEN) | (z + HIDDEN)) > MAGNITUDE) return _fmaEdge(a, b, c);
            // From here p is the product of the mantissas, 26 bits up.
            uint256 e = _scale(p);
            uint256 shift = _scale(m);
            p = ((p - (e << 23)) * (m - (shift << 23))) << 26;
            e += shift;
            shift = _scale(z);
            m = z - (shift << 23);
            // The sum of p * 2^(e - 324) and m * 2^(k - 149): m belongs `shift` bits up. Below 0 it
            // is less than the last place that p can fill, and above 77 p is as little beside m: the
            // lesser term only says which side of a tie or of an f32 the sum lies on. So the shift
            // ends there, and the exponent follows.
            shift = shift - e + 175;
            if (shift > 77) {
                if (int256(shift) < 0) {
                    if (p == 0) return z == 0 ? (a ^ b) & c & uint32(SIGN) : c;
                    shift = 0;
                } else {
                    // So small a p alone is less than half of the least subnormal number.
                    if (z == 0) return (a ^ b) & (p == 0 ? c : a ^ b) & uint32(SIGN);
                    e += shift - 77;
                    shift = 77;
                }
            }
            m <<= shift;
            uint256 sign = c & SIGN;
            if ((a ^ b) & SIGN == sign) {
                m += p;
            } else {
                m -= p;
                if (int256(m) < 1) {
                    if (m == 0) return 0;
                    m = 0 - m;
                    sign ^= SIGN;
                }
            }
            return round(sign, m, e + 57);
        }
    }

    /// @notice Returns `a / b`.
    function div(uint32 a, uint32 b) internal pure returns (uint32) {
        unchecked {
            (uint256 x, uint256 y) = (a & MAGNITUDE, b & MAGNITUDE);
            if (((x - 1) | (y - 1) | (x + HIDDEN) | (y + HIDDEN)) > MAGNITUDE) {
                return _divEdge(a, b);
            }
            uint256 k = _scale(x);
            uint256 ky = _scale(y);
            // A quotient that is not exact differs from every tie in its leading 50 bits. It has 76
            // at least, so cutting it decides nothing.
            uint256 q = ((x - (k << 23)) << 100) / (y - (ky << 23));
            return round((a ^ b) & SIGN, q, k - ky + 281);
        }
    }

    /// @notice Returns the square root; of -0: -0; of what is below: NaN.
    function sqrt(uint32 a) internal pure returns (uint32) {
        unchecked {
            uint256 magnitude = a & MAGNITUDE;
            if (magnitude == 0) return a;
            if (a > INFINITY) return NAN; // negative, or not a number
            if (a == INFINITY) return a;
            uint256 k = _scale(magnitude);
            uint256 m = magnitude - (k << 23);
            // An even power of two is left beside a radicand of 253 or 254 bits.
            uint256 shift = Bits.leadingZeros(m) - 2;
            shift -= (shift ^ k ^ 1) & 1;
            uint256 radicand = m << shift;
            // Newton's method from a line that is within 6 % of the root: 2^-4, then 2^-9, 2^-19,
            // 2^-39, 2^-79. No root is nearer than 2^-50 to a tie, so the rest decides nothing.
            uint256 root = radicand / 3 >> 126;
            root += 0x2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;
            root = (root + radicand / root) >> 1;
            root = (root + radicand / root) >> 1;
            root = (root + radicand / root) >> 1;
            root = (root + radicand / root) >> 1;
            return round(0, root, (k + 613 - shift) >> 1);
        }
    }

    /// @notice Returns `-a`.
    function neg(uint32 a) internal pure returns (uint32) {
        return isNan(a) ? NAN : a ^ uint32(SIGN);
    }

    /// @notice Returns the magnitude of `a`.
    function abs(uint32 a) internal pure returns (uint32) {
        return isNan(a) ? NAN : uint32(a & MAGNITUDE);
    }

    /// @notice Returns the lesser: -0 below +0, NaN if either is.
    function min(uint32 a, uint32 b) internal pure returns (uint32) {
        if (isNan(a) || isNan(b)) return NAN;
        return _rank(b) < _rank(a) ? b : a;
    }

    /// @notice Returns the greater: +0 above -0, NaN if either is.
    function max(uint32 a, uint32 b) internal pure returns (uint32) {
        if (isNan(a) || isNan(b)) return NAN;
        return _rank(b) > _rank(a) ? b : a;
    }

    /// @notice Returns the greatest integer not above `a`; of -0: -0.
    function floor(uint32 a) internal pure returns (uint32) {
        unchecked {
            uint256 e = (a >> 23) & 0xff;
            if (e >= 150) return canonical(a); // without bits below one
            bool negative = a > MAGNITUDE;
            if (e < 127) return negative && a != SIGN ? uint32(SIGN | ONE) : uint32(a & SIGN);
            uint256 below = (1 << (150 - e)) - 1;
            // The carry out of a full mantissa makes the exponent one more, as it should.
            return uint32((negative ? a + below : a) & ~below);
        }
    }

    /// @notice Returns whether `a < b`; false with NaN; -0 equals +0.
    function lt(uint32 a, uint32 b) internal pure returns (bool) {
        return !isNan(a) && !isNan(b) && _value(a) < _value(b);
    }

    /// @notice Returns whether `a <= b`; false with NaN; -0 equals +0.
    function le(uint32 a, uint32 b) internal pure returns (bool) {
        return !isNan(a) && !isNan(b) && _value(a) <= _value(b);
    }

    /// @notice Returns whether `a == b`; false with NaN; -0 equals +0.
    function eq(uint32 a, uint32 b) internal pure returns (bool) {
        return !isNan(a) && !isNan(b) && _value(a) == _value(b);
    }

    /// @notice Returns whether `a` stands for no number.
    function isNan(uint32 a) internal pure returns (bool) {
        return a & MAGNITUDE > INFINITY;
    }

    /// @notice Returns `a` with any NaN replaced by the one NaN.
    function canonical(uint32 a) internal pure returns (uint32) {
        return isNan(a) ? NAN : a;
    }

    /// @notice Returns whether `a` comes strictly after `b` in the order of `max`: -0 before +0, all
    ///         numbers before NaN, no NaN after another.
    function comesAfter(uint32 a, uint32 b) internal pure returns (bool) {
        if (isNan(a) || isNan(b)) return !isNan(b);
        return _rank(a) > _rank(b);
    }

    /// @notice Returns the same number as an f64; exact.
    function toF64(uint32 a) internal pure returns (uint64) {
        unchecked {
            uint256 magnitude = a & MAGNITUDE;
            uint256 sign = (a & SIGN) << 32;
            if (magnitude == 0) return uint64(sign);
            if (magnitude > INFINITY) return 0x7ff8000000000000;
            if (magnitude == INFINITY) return uint64(sign | (0x7ff << 52));
            // A subnormal number gets its leading one to where others have it.
            uint256 up = magnitude > FRACTION ? 0 : Bits.leadingZeros(magnitude) - 232;
            return uint64(sign | (((896 - up) << 52) + (magnitude << (29 + up))));
        }
    }

    /// @notice Returns `a` toward zero, saturating; NaN gives 0.
    function toI32(uint32 a) internal pure returns (int32) {
        unchecked {
            if (isNan(a)) return 0;
            uint256 e = (a >> 23) & 0xff;
            bool negative = a > MAGNITUDE;
            if (e < 127) return 0;
            if (e > 157) return negative ? type(int32).min : type(int32).max;
            int32 truncated = int32(uint32((((a & FRACTION) | HIDDEN) << 31) >> (181 - e)));
            return negative ? -truncated : truncated;
        }
    }

    /// @notice Returns the f32 nearest to `x`.
    function fromI32(int32 x) internal pure returns (uint32) {
        unchecked {
            if (x == 0) return 0;
            uint256 magnitude = x < 0 ? uint256(-int256(x)) : uint256(int256(x));
            return round(x < 0 ? SIGN : 0, magnitude, 381);
        }
    }

    /// @notice Rounds `m * 2^(e - 381)` to the nearest f32; `m` is below 2^255, or below 2^231 if
    ///         `e` (two's complement) is below 1. A zero `m` needs an `e` below 256.
    function round(uint256 sign, uint256 m, uint256 e) internal pure returns (uint32) {
        unchecked {
            // The leading one goes to bit 254, the last place of a subnormal result to bit 231.
            uint256 up = Bits.leadingZeros(m);
            uint256 k = e - up;
            if (k > 253) {
                if (int256(k) >= 0) return uint32(sign | INFINITY);
                if (int256(e) < 1) return uint32(sign);
                (up, k) = (e, 0);
            }
            m = m << up >> 1;
            // Added is half of the last place, less one if the kept part is even: a tie reaches the
            // next integer only from an odd one.
            m = (((m >> 231) & 1) + m + ((1 << 230) - 1)) >> 231;
            return uint32(sign | ((k << 23) + m));
        }
    }

    /// @dev The sum where `a`, which has the greater magnitude, is infinite or not a number.
    function _addEdge(uint256 a, uint256 b) private pure returns (uint32) {
        return uint32(a & MAGNITUDE > INFINITY || a ^ b == SIGN ? NAN : a);
    }

    /// @dev The product where an operand is infinite or not a number.
    function _mulEdge(uint256 a, uint256 b) private pure returns (uint32) {
        unchecked {
            (uint256 x, uint256 y) = (a & MAGNITUDE, b & MAGNITUDE);
            uint256 sign = (a ^ b) & SIGN;
            if (x > INFINITY || y > INFINITY) return NAN;
            return x == 0 || y == 0 ? NAN : uint32(sign | INFINITY);
        }
    }

    /// @dev The fused multiply-add where an operand is infinite or not a number.
    function _fmaEdge(uint256 a, uint256 b, uint256 c) private pure returns (uint32) {
        unchecked {
            (uint256 x, uint256 y, uint256 z) = (a & MAGNITUDE, b & MAGNITUDE, c & MAGNITUDE);
            if (x > INFINITY || y > INFINITY || z > INFINITY) return NAN;
            if (x < INFINITY && y < INFINITY) return uint32(c);
            if (x == 0 || y == 0) return NAN;
            uint256 product = ((a ^ b) & SIGN) | INFINITY;
            return z == INFINITY && product != c ? NAN : uint32(product);
        }
    }

    /// @dev The quotient where an operand is a zero, infinite or not a number.
    function _divEdge(uint256 a, uint256 b) private pure returns (uint32) {
        unchecked {
            (uint256 x, uint256 y) = (a & MAGNITUDE, b & MAGNITUDE);
            uint256 sign = (a ^ b) & SIGN;
            if (x > INFINITY || y > INFINITY) return NAN;
            if (x == y) return NAN; // two zeros or two infinities
            if (x == INFINITY || y == 0) return uint32(sign | INFINITY);
            return uint32(sign); // of a zero, or by an infinity
        }
    }

    /// @dev One less than the exponent field of a magnitude, or 0 in a subnormal number.
    function _scale(uint256 magnitude) private pure returns (uint256) {
        unchecked {
            return (magnitude >> 23) - SafeCast.toUint(magnitude > FRACTION);
        }
    }

    /// @dev Orders numbers by their value.
    function _value(uint256 a) private pure returns (int256) {
        unchecked {
            int256 magnitude = int256(a & MAGNITUDE);
            return a > MAGNITUDE ? -magnitude : magnitude;
        }
    }

    /// @dev Orders numbers by their value, and -0 below +0.
    function _rank(uint256 a) private pure returns (int256) {
        int256 magnitude = int256(a & MAGNITUDE);
        return a > MAGNITUDE ? ~magnitude : magnitude;
    }
}
