// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

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
    uint256 private constant ONE = 0x3f800000;

    /// @notice Returns `a + b`.
    function add(uint32 a, uint32 b) internal pure returns (uint32) {
        unchecked {
            uint256 ea = (a >> 23) & 0xff;
            uint256 eb = (b >> 23) & 0xff;
            if ((NORMAL >> ea) & (NORMAL >> eb) & 1 == 0) return _fmaRare(a, ONE, b);
            // The first term stands where the product of a and 1 would.
            return _sum(a & SIGN, _mantissa(a) << 23, ea + 127, b & SIGN, _mantissa(b), eb);
        }
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
            uint256 ea = (a >> 23) & 0xff;
            uint256 eb = (b >> 23) & 0xff;
            uint256 ec = (c >> 23) & 0xff;
            // A field plus one is 1 or 256 where the number is not normal.
            if ((NORMAL >> ea) & (NORMAL >> eb) & (NORMAL >> ec) & 1 == 0) {
                return _fmaRare(a, b, c);
            }
            uint256 p = _mantissa(a) * _mantissa(b);
            return _sum((a ^ b) & SIGN, p, ea + eb, c & SIGN, _mantissa(c), ec);
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
            return (m + ((1 << 230) - 1) + ((m >> 231) & 1)) >> 231;
        }
    }

    /// @dev Returns `p * 2^(ep - 300) + c * 2^(ec - 150)`: 47 or 48 bits of p, 24 of c.
    function _sum(uint256 sp, uint256 p, uint256 ep, uint256 sc, uint256 c, uint256 ec)
        private
        pure
        returns (uint32)
    {
        unchecked {
            // With p shifted by 26, c belongs `shift` bits up. Below 0 it is less than all bits of p
            // and above 77 so far over p that in both cases the lesser term only says which side of a
            // tie or of an f32 the sum lies on; so the shift ends there, and the exponent follows.
            uint256 shift = ec - ep + 176;
            if (shift > 77) {
                if (int256(shift) < 0) {
                    shift = 0;
                } else {
                    ep += shift - 77;
                    shift = 77;
                }
            }
            p <<= 26;
            c <<= shift;
            if (sp == sc) {
                c += p;
            } else if (c >= p) {
                c -= p;
                if (c == 0) return 0;
            } else {
                c = p - c;
                sc = sp;
            }
            // Unless the terms cancelled, the leading one is that of the greater or next to it.
            uint256 above = shift - 50;
            above &= ~uint256(int256(above) >> 255);
            c <<= 180 - above;
            ep += above;
            uint256 top = c >> 252;
            uint256 short = top == 0 ? 254 - Math.log2(c) : (0x58 >> (2 * top)) & 3; // 1: 2; 2, 3: 1
            c <<= short;
            ep = ep - 126 - short;
            if (ep <= 253) return uint32(sc | ((ep << 23) + _rounded(c)));
            return round(sc, c, ep);
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

    /// @dev The fused multiply-add where an operand is not normal.
    function _fmaRare(uint256 a, uint256 b, uint256 c) private pure returns (uint32) {
        unchecked {
            uint256 z = c & MAGNITUDE;
            if (z > INFINITY) return NAN;
            if (z == 0 || z == INFINITY) return _fmaEdge(a, b, c);
            (uint256 x, uint256 y) = (a & MAGNITUDE, b & MAGNITUDE);
            // Zeros, infinities and NaNs of the product outweigh a finite c, but for a zero.
            if (x == 0 && y < INFINITY || y == 0 && x < INFINITY) return uint32(c);
            if (x == 0 || y == 0 || x >= INFINITY || y >= INFINITY) return _mulRare(a, b);
            (uint256 ma, uint256 ea) = _finite(x);
            (x, y) = _finite(y);
            (ma, ea) = (ma * x, ea + y);
            (x, y) = _finite(z);
            return _sum((a ^ b) & SIGN, ma, ea, c & SIGN, x, y);
        }
    }

    /// @dev The fused multiply-add where c is a zero or infinite.
    function _fmaEdge(uint256 a, uint256 b, uint256 c) private pure returns (uint32) {
        (uint256 x, uint256 y) = (a & MAGNITUDE, b & MAGNITUDE);
        if (c & MAGNITUDE == 0) {
            // A zero adds nothing to a product that is none, even to one that rounds to zero.
            if (x != 0 && y != 0) return mul(uint32(a), uint32(b));
            if (x < INFINITY && y < INFINITY) return uint32((a ^ b) & c & SIGN);
            return NAN;
        }
        if (x < INFINITY && y < INFINITY) return uint32(c);
        uint256 product = _mulRare(a, b);
        return product == c ? uint32(c) : NAN; // infinite both: of one sign, or nothing
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
