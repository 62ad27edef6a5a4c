// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title IEEE 754 binary32 on raw bits
/// @notice Every function takes and returns the 32 bits of an f32. Rounding is to nearest, ties to
///         even; subnormals are kept; whatever is computed and is not a number is `NAN`, the one NaN
///         of docs/numerics.md. Nothing reverts and no flag is raised.
/// @dev A finite nonzero number is taken apart into a mantissa with its leading one at bit 23 and an
///      exponent `e`, so that it is mantissa * 2^(e - 150); `e` is the exponent field of a normal
///      number and goes below 1 for a subnormal one. Negative exponents are two's complement in a
///      uint256. Each operation tests once whether all its operands are normal and otherwise takes a
///      second function with the other cases. Deliberately absent: other rounding modes, flags,
///      signalling NaNs, remainder.
library F32 {
    /// @notice The one NaN: quiet, positive, no payload.
    uint32 internal constant NAN = 0x7fc00000;

    uint256 private constant SIGN = 0x80000000;
    uint256 private constant MAGNITUDE = 0x7fffffff;
    uint256 private constant INFINITY = 0x7f800000;
    uint256 private constant HIDDEN = 0x00800000;
    uint256 private constant FRACTION = 0x007fffff;
    uint256 private constant NORMAL =
        0x7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe;
    /// @dev log2 of every number of six bits, four bits each.
    uint256 private constant LOG2 =
        0x5555555555555555555555555555555544444444444444443333333322221100;
    uint32 private constant ONE = 0x3f800000;
    uint256 private constant NONE = type(uint256).max;

    /// @notice Returns `a + b`.
    function add(uint32 a, uint32 b) internal pure returns (uint32) {
        return fma(a, ONE, b);
    }

    /// @notice Returns `a - b`.
    function sub(uint32 a, uint32 b) internal pure returns (uint32) {
        return add(a, b ^ uint32(SIGN)); // of a NaN too: its sign is lost
    }

    /// @notice Returns `a * b`.
    function mul(uint32 a, uint32 b) internal pure returns (uint32) {
        unchecked {
            uint256 ea = (a >> 23) & 0xff;
            uint256 eb = (b >> 23) & 0xff;
            if ((NORMAL >> ea) & (NORMAL >> eb) & 1 == 0) return _mulRare(a, b);
            return _product((a ^ b) & SIGN, _mantissa(a) * _mantissa(b), ea + eb);
        }
    }

    /// @notice Returns `a * b + c`, rounded once.
    function fma(uint32 a, uint32 b, uint32 c) internal pure returns (uint32) {
        unchecked {
            uint256 e = (a >> 23) & 0xff;
            uint256 eb = (b >> 23) & 0xff;
            uint256 ec = (c >> 23) & 0xff;
            // Shifted by 26, as the sum below needs it.
            uint256 p = (_mantissa(a) * _mantissa(b)) << 26;
            uint256 m = _mantissa(c);
            if ((NORMAL >> e) & (NORMAL >> eb) & (NORMAL >> ec) & 1 != 0) {
                e += eb;
            } else {
                if (c & MAGNITUDE == 0 && (NORMAL >> e) & (NORMAL >> eb) & 1 != 0) {
                    // A zero adds nothing to a product that is none, even to one that rounds to zero.
                    return _product((a ^ b) & SIGN, p >> 26, e + eb);
                }
                uint256 edge = _fmaEdge(a, b, c);
                if (edge != NONE) return uint32(edge);
                (p, e, m, ec) = _fmaFinite(a, b, c);
            }
            // The sum of p * 2^(e - 300) and m * 2^(ec - 150). With p shifted by 26, m belongs `shift`
            // bits up. Below 0 it is less than the last place of p, and above 77 more than p by all
            // its places: the lesser term only says which side of a tie or of an f32 the sum lies
            // on. So the shift ends there, and the exponent follows.
            uint256 shift = ec - e + 176;
            if (shift > 77) {
                if (int256(shift) < 0) {
                    shift = 0;
                } else {
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
                if (int256(m) < 0) {
                    m = 0 - m;
                    sign ^= SIGN;
                }
            }
            // Unless the terms cancelled, the leading one is at `base`, where the greater term may have
            // it, or at one of the two bits above. It goes to bit 254, m goes `up`.
            uint256 base = 72;
            if (shift > 50) base = 22 + shift;
            uint256 top = m >> base;
            uint256 up = 252 - base + ((0x58 >> (top << 1)) & 3); // 2 more from 1, 1 from 2 or 3
            if (top == 0) {
                // Terms that cancel have no bits below 26, and at most 47 above.
                uint256 rest = m >> 26;
                if (rest == 0) return 0;
                uint256 r = SafeCast.toUint(rest > 0xffffff) * 24;
                r += SafeCast.toUint(rest >> r > 0xfff) * 12;
                r += SafeCast.toUint(rest >> r > 0x3f) * 6;
                up = 228 - r - ((LOG2 >> ((rest >> r) << 2)) & 7);
            }
            m <<= up;
            e = e + 54 - up;
            if (e <= 253) return uint32(sign | ((e << 23) + _rounded(m)));
            return round(sign, m, e);
        }
    }

    /// @notice Returns `a / b`.
    function div(uint32 a, uint32 b) internal pure returns (uint32) {
        unchecked {
            uint256 ea = (a >> 23) & 0xff;
            uint256 eb = (b >> 23) & 0xff;
            if ((NORMAL >> ea) & (NORMAL >> eb) & 1 == 0) return _divRare(a, b);
            return _quotient((a ^ b) & SIGN, _mantissa(a), ea, _mantissa(b), eb);
        }
    }

    /// @notice Returns the square root; of -0: -0; of what is below: NaN.
    function sqrt(uint32 a) internal pure returns (uint32) {
        unchecked {
            uint256 magnitude = a & MAGNITUDE;
            if (magnitude == 0) return a;
            if (a > INFINITY) return NAN; // negative, or not a number
            if (a == INFINITY) return a;
            (uint256 m, uint256 e) = _finite(magnitude);
            // An even power of two is left beside a radicand of 253 or 254 bits.
            uint256 shift = 230 - (e & 1);
            uint256 radicand = m << shift;
            // Newton's method from a line that is within 6 % of the root: 2^-4, then 2^-9, 2^-19, 2^-39,
            // 2^-79. No root is nearer than 2^-50 to a tie, so the rest decides nothing.
            uint256 root = radicand / 3 >> 126;
            root += 0x2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;
            root = (root + radicand / root) >> 1;
            root = (root + radicand / root) >> 1;
            root = (root + radicand / root) >> 1;
            root = (root + radicand / root) >> 1;
            return round(0, root << 128, uint256(int256(e - 150 - shift) >> 1) + 252);
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
            (uint256 m, uint256 e) = _finite(magnitude);
            // The leading one of the mantissa adds the 1 that is missing in the exponent.
            return uint64(sign | (((e + 895) << 52) + (m << 29)));
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
            int32 truncated = int32(uint32((_mantissa(a) << 31) >> (181 - e)));
            return negative ? -truncated : truncated;
        }
    }

    /// @notice Returns the f32 nearest to `x`.
    function fromI32(int32 x) internal pure returns (uint32) {
        unchecked {
            if (x == 0) return 0;
            uint256 magnitude = x < 0 ? uint256(-int256(x)) : uint256(int256(x));
            uint256 leading = Math.log2(magnitude);
            return round(x < 0 ? SIGN : 0, magnitude << (254 - leading), leading + 126);
        }
    }

    /// @notice Rounds `m * 2^(f - 380)` to the nearest f32; `m` has its leading one at bit 254.
    /// @dev `f` is one less than the exponent field of a normal result, in two's complement. Where it
    ///      is negative the result is subnormal, and as many more bits are rounded off.
    function round(uint256 sign, uint256 m, uint256 f) internal pure returns (uint32) {
        unchecked {
            if (f <= 253) return uint32(sign | ((f << 23) + _rounded(m))); // a carry may make it infinite
            if (int256(f) >= 0) return uint32(sign | INFINITY);
            uint256 shift = 231 - f; // of 256 or more, it leaves 0
            return uint32(sign | ((m + ((1 << (shift - 1)) - 1) + ((m >> shift) & 1)) >> shift));
        }
    }

    /// @dev Rounds to the leading 24 bits. What is added is half of the last place, less one if the
    ///      kept part is even: a tie reaches the next integer only from an odd one.
    function _rounded(uint256 m) private pure returns (uint256) {
        unchecked {
            return (((m >> 231) & 1) + m + ((1 << 230) - 1)) >> 231;
        }
    }

    /// @dev Returns `p * 2^(e - 300)` for p of 47 or 48 bits.
    function _product(uint256 sign, uint256 p, uint256 e) private pure returns (uint32) {
        unchecked {
            uint256 long = p >> 47;
            return round(sign, p << (208 - long), e - 128 + long);
        }
    }

    /// @dev Returns the quotient of two mantissas with their exponents. A quotient that is not exact
    ///      differs from every tie in its leading 50 bits, so cutting it after 229 decides nothing.
    function _quotient(uint256 sign, uint256 ma, uint256 ea, uint256 mb, uint256 eb)
        private
        pure
        returns (uint32)
    {
        unchecked {
            uint256 q = (ma << 230) / mb;
            uint256 long = q >> 230;
            return round(sign, q << (25 - long), ea - eb + 125 + long);
        }
    }

    /// @dev The product where an operand is not normal.
    function _mulRare(uint256 a, uint256 b) private pure returns (uint32) {
        unchecked {
            (uint256 x, uint256 y) = (a & MAGNITUDE, b & MAGNITUDE);
            uint256 sign = (a ^ b) & SIGN;
            if (x > INFINITY || y > INFINITY) return NAN;
            if (x == INFINITY || y == INFINITY) {
                return x == 0 || y == 0 ? NAN : uint32(sign | INFINITY);
            }
            if (x == 0 || y == 0) return uint32(sign);
            (uint256 ma, uint256 ea) = _finite(x);
            (uint256 mb, uint256 eb) = _finite(y);
            return _product(sign, ma * mb, ea + eb);
        }
    }

    /// @dev What the fused multiply-add is without any addition: where an operand is a zero, infinite
    ///      or not a number. NONE if none is.
    function _fmaEdge(uint256 a, uint256 b, uint256 c) private pure returns (uint256) {
        unchecked {
            (uint256 x, uint256 y, uint256 z) = (a & MAGNITUDE, b & MAGNITUDE, c & MAGNITUDE);
            if (z == 0 && x - 1 < INFINITY - 1 && y - 1 < INFINITY - 1) {
                return mul(uint32(a), uint32(b));
            }
            if (x > INFINITY || y > INFINITY || z > INFINITY) return NAN;
            if (x == INFINITY || y == INFINITY) {
                if (x == 0 || y == 0) return NAN;
                uint256 product = ((a ^ b) & SIGN) | INFINITY;
                return z == INFINITY && product != c ? NAN : product;
            }
            if (z == INFINITY) return c;
            if (x != 0 && y != 0) return NONE;
            return z == 0 ? (a ^ b) & c & SIGN : c; // of two zeros +0, unless both are -0
        }
    }

    /// @dev The mantissas and exponents of the product and of c, none of them a zero.
    function _fmaFinite(uint256 a, uint256 b, uint256 c)
        private
        pure
        returns (uint256 p, uint256 e, uint256 m, uint256 ec)
    {
        unchecked {
            (p, e) = _finite(a & MAGNITUDE);
            (m, ec) = _finite(b & MAGNITUDE);
            p = (p * m) << 26;
            e += ec;
            (m, ec) = _finite(c & MAGNITUDE);
        }
    }

    /// @dev The quotient where an operand is not normal.
    function _divRare(uint256 a, uint256 b) private pure returns (uint32) {
        unchecked {
            (uint256 x, uint256 y) = (a & MAGNITUDE, b & MAGNITUDE);
            uint256 sign = (a ^ b) & SIGN;
            if (x > INFINITY || y > INFINITY) return NAN;
            if (x == y && (x == 0 || x == INFINITY)) return NAN;
            if (x == INFINITY || y == 0) return uint32(sign | INFINITY);
            if (x == 0 || y == INFINITY) return uint32(sign);
            (uint256 ma, uint256 ea) = _finite(x);
            (uint256 mb, uint256 eb) = _finite(y);
            return _quotient(sign, ma, ea, mb, eb);
        }
    }

    /// @dev The mantissa of a normal number.
    function _mantissa(uint256 a) private pure returns (uint256) {
        return (a & FRACTION) | HIDDEN;
    }

    /// @dev Takes a finite magnitude other than zero apart.
    function _finite(uint256 magnitude) private pure returns (uint256 m, uint256 e) {
        unchecked {
            e = magnitude >> 23;
            if (e != 0) return (_mantissa(magnitude), e);
            uint256 shift = 23 - Math.log2(magnitude);
            return (magnitude << shift, 1 - shift);
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
