// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Elementary64} from "./Elementary64.sol";
import {F32} from "./F32.sol";
import {F64} from "./F64.sol";
import {Polynomial} from "./Polynomial.sol";

/// @title Elementary functions of f32
/// @notice exp, log, tanh, erf and erfc on raw bits, as the sequences that docs/numerics.md numbers:
///         the argument becomes an f64, the steps run in f64 with shorter polynomials, and the result
///         is rounded once to f32. Errors are below 0.502 units in the last place.
library Elementary32 {
    uint256 private constant EXP_SHORT_0 =
        0x3ff0000000000000_3fe0000000000000_3fc555555943c6b8_3fa5554e56f3ac91;
    uint256 private constant EXP_SHORT_4 = 0x3f81110742d784e9_3f56d4fd9ba10052;
    uint256 private constant LOG_SHORT_0 = 0x3fe555554fda20a9_3fd999a7a8cd0a42_3fd2438d4ec914c2;
    uint256 private constant TANH_SHORT_0 =
        0xbfd555554d2d6d73_3fc1110d13e3a202_bfaba06c4058b11d_3f964ba8edf8e4ee;
    uint256 private constant TANH_SHORT_4 = 0xbf812a753c9cc7ab;

    uint64 private constant ONE = Polynomial.ONE;
    uint32 private constant SIGN = 0x80000000;
    uint32 private constant INFINITY = 0x7f800000;

    /// @notice Returns e to the power `x`.
    function exp(uint32 x) internal pure returns (uint32) {
        if (F32.isNan(x)) return F32.NAN;
        return F64.toF32(_wide(F32.toF64(x)));
    }

    /// @notice Returns the natural logarithm; of a zero: -infinity; of what is below: NaN.
    function log(uint32 x) internal pure returns (uint32) {
        if (x & ~SIGN == 0) return SIGN | INFINITY;
        if (x > INFINITY) return F32.NAN; // below zero, or not a number
        if (x == INFINITY) return x;
        (int256 k, uint64 m) = Polynomial.split(F32.toF64(x));
        uint64 s = F64.div(F64.sub(m, ONE), F64.add(m, ONE));
        uint64 z = F64.mul(s, s);
        uint64 p = F64.fma(_logRest(z), z, 0x4000000000000000);
        return F64.toF32(F64.fma(F64.fromI32(int32(k)), Polynomial.LN2, F64.mul(s, p)));
    }

    /// @notice Returns the hyperbolic tangent.
    function tanh(uint32 x) internal pure returns (uint32) {
        if (F32.isNan(x)) return F32.NAN;
        uint64 t = F32.toF64(x & ~SIGN);
        if (t < 0x3fe2000000000000) {
            // 0.5625
            uint64 z = F64.mul(t, t);
            t = F64.fma(F64.mul(t, z), _tanh(z), t);
        } else {
            uint64 two = 0x4000000000000000;
            t = F64.sub(ONE, F64.div(two, F64.add(_wide(F64.add(t, t)), ONE)));
        }
        return (F64.toF32(t) & ~SIGN) | (x & SIGN);
    }

    /// @notice Returns the error function.
    function erf(uint32 x) internal pure returns (uint32) {
        return F64.toF32(Elementary64.erf(F32.toF64(x)));
    }

    /// @notice Returns one minus the error function, good to its last place in the tail too.
    function erfc(uint32 x) internal pure returns (uint32) {
        return F64.toF32(Elementary64.erfc(F32.toF64(x)));
    }

    /// @dev e to the power, good to 2^-33, for the argument of any f32.
    function _wide(uint64 x) private pure returns (uint64) {
        uint64 magnitude = x & 0x7fffffffffffffff;
        uint64 limit = 0x4062c00000000000; // 150
        if (magnitude > limit) x = (x & 0x8000000000000000) | limit;
        (int256 k,, uint64 r) = Polynomial.reduce(x);
        return Polynomial.scale(F64.fma(_exp(r), r, ONE), k);
    }

    /// @dev (e^r - 1) / r
    function _exp(uint64 r) private pure returns (uint64 s) {
        s = Polynomial.steps(0x3f2a1d4f1ebaf6de, r, EXP_SHORT_4, 2);
        s = Polynomial.steps(s, r, EXP_SHORT_0, 4);
    }

    /// @dev (2 atanh(s) / s - 2) / z with z = s²
    function _logRest(uint64 z) private pure returns (uint64 s) {
        s = Polynomial.steps(0x3fce2f703f1c5959, z, LOG_SHORT_0, 3);
    }

    /// @dev (tanh(t) / t - 1) / z with z = t²
    function _tanh(uint64 z) private pure returns (uint64 s) {
        s = Polynomial.steps(0x3f634ef901441e4a, z, TANH_SHORT_4, 1);
        s = Polynomial.steps(s, z, TANH_SHORT_0, 4);
    }
}
