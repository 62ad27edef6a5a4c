// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {F64} from "./F64.sol";
import {Polynomial} from "./Polynomial.sol";

/// @title Elementary functions of f64
/// @notice exp, log, tanh, erf and erfc on raw bits, as the sequences of IEEE operations that
///         docs/numerics.md numbers; no step has another result here than there. Errors are within 1
///         unit in the last place for exp and log, 2 for tanh and erf, 4 for erfc in its tail.
/// @dev Where a sequence replaces what a step gave, the step is left out.
library Elementary64 {
    uint256 private constant EXP_0 =
        0x3ff0000000000000_3fe0000000000000_3fc5555555555561_3fa55555555530f9;
    uint256 private constant EXP_4 =
        0x3f8111111110c9b6_3f56c16c17d1bfb2_3f2a01a01c255dae_3efa019aa0d2e4cd;
    uint256 private constant EXP_8 = 0x3ec71ddc8b31edf5_3e928a0b0e8db481;
    uint256 private constant LOG_0 =
        0x3fe5555555555592_3fd999999997fd77_3fd24924941f4f9b_3fcc71c5206090bd;
    uint256 private constant LOG_4 = 0x3fc74663fa1fa5e0_3fc39a1a6faa4b6f;
    uint256 private constant TANH_0 =
        0xbfd555555555554c_3fc111111111032f_bfaba1ba1b93c2e1_3f9664f484aa1400;
    uint256 private constant TANH_4 =
        0xbf8226e2d296e874_3f6d6d24d47e1112_bf57d8bda013f455_3f43462b5df73382;
    uint256 private constant TANH_8 = 0xbf2e81de496b475d_3f159a616a7bb1d3;
    uint256 private constant ERF_0 =
        0x3fc06eba8214db68_bfd812746b0379c2_3fbce2f21a041018_bf9b82ce312062bc;
    uint256 private constant ERF_4 =
        0x3f7565bccfa9a825_bf4c02db072f3fe0_3f1f9a2bf73f0c68_beef4ca94990cb86;
    uint256 private constant ERF_8 = 0x3ebb9827b1885f9b_be85c16e30fb0d45_3e4d784936618cc2;
    uint256 private constant ERFCX_0 =
        0x3ff3e0a99a0ee914_bfc1ebd220ea593c_bf859e2c284b11fa_3fb8f702ec6b3398;
    uint256 private constant ERFCX_4 =
        0xbfbd76830c35317e_3fb686106046dcbf_bfa8ff5ef76d389c_3f938ec667167d75;
    uint256 private constant ERFCX_8 =
        0xbf7143c4ca6206d3_bf33cf36a3c27682_3f427e664833ac35_bf1fda8f9d891442;
    uint256 private constant ERFCX_12 =
        0xbf066e2051ce571c_3ef9707efbc795e4_3ec3879f013a9da5_becfff4a4acbbaf4;
    uint256 private constant ERFCX_16 =
        0xbe678a2863703003_3ea422daf1f74c20_be423e5ba0bbd7f6_be78f4b02da0b972;
    uint256 private constant ERFCX_20 = 0x3e11fbed19ca4bc7_3e464af0ac4f2dd0;

    uint64 private constant ONE = Polynomial.ONE;
    uint64 private constant SIGN = Polynomial.SIGN;
    uint64 private constant LN2_REST = 0x3c7abc9e3b39803f;
    uint64 private constant INFINITY = 0x7ff0000000000000;

    /// @notice Returns e to the power `x`.
    function exp(uint64 x) internal pure returns (uint64) {
        uint64 magnitude = x & ~SIGN;
        if (magnitude > INFINITY) return F64.NAN;
        uint64 limit = 0x4087700000000000; // 750
        if (magnitude > limit) x = (x & SIGN) | limit;
        (int256 k, uint64 y) = _power(x);
        return Polynomial.scale(y, k);
    }

    /// @notice Returns the natural logarithm; of a zero: -infinity; of what is below: NaN.
    function log(uint64 x) internal pure returns (uint64) {
        unchecked {
            if (x & ~SIGN == 0) return SIGN | INFINITY;
            if (x > INFINITY) return F64.NAN; // below zero, or not a number
            if (x == INFINITY) return x;
            uint64 normal = x;
            bool subnormal = x < 0x0010000000000000;
            if (subnormal) normal = F64.mul(x, 0x4350000000000000); // 2^54
            (int256 k, uint64 m) = Polynomial.split(normal);
            if (subnormal) k -= 54;
            return _log(F64.sub(m, ONE), F64.add(m, ONE), F64.fromI32(int32(k)));
        }
    }

    /// @notice Returns the hyperbolic tangent.
    function tanh(uint64 x) internal pure returns (uint64) {
        uint64 t = x & ~SIGN;
        if (t > INFINITY) return F64.NAN;
        if (t < 0x3fe2000000000000) {
            // 0.5625
            uint64 z = F64.mul(t, t);
            t = F64.fma(F64.mul(t, z), _tanh(z), t);
        } else {
            uint64 two = 0x4000000000000000;
            t = F64.sub(ONE, F64.div(two, F64.add(exp(F64.add(t, t)), ONE)));
        }
        return (t & ~SIGN) | (x & SIGN);
    }

    /// @notice Returns the error function.
    function erf(uint64 x) internal pure returns (uint64) {
        uint64 t = x & ~SIGN;
        if (t > INFINITY) return F64.NAN;
        t = t < ONE ? _near(t) : F64.sub(ONE, _tail(t));
        return (t & ~SIGN) | (x & SIGN);
    }

    /// @notice Returns one minus the error function, good to its last places in the tail too.
    function erfc(uint64 x) internal pure returns (uint64) {
        uint64 t = x & ~SIGN;
        if (t > INFINITY) return F64.NAN;
        if (t < 0x3fe0000000000000) return F64.sub(ONE, _near(x)); // 0.5
        uint64 beyond = _tail(t);
        return x == t ? beyond : F64.sub(0x4000000000000000, beyond);
    }

    /// @dev log of `m * 2^k` by steps 3 to 6, from `f = m - 1` and `m + 1`.
    function _log(uint64 f, uint64 sum, uint64 k) private pure returns (uint64) {
        uint64 s = F64.div(f, sum);
        uint64 z = F64.mul(s, s);
        z = F64.mul(_logRest(z), z);
        uint64 half = F64.mul(F64.mul(0x3fe0000000000000, f), f);
        uint64 low = F64.fma(k, 0x3dea39ef35793c76, F64.mul(s, F64.add(half, z)));
        return F64.fma(k, 0x3fe62e42fee00000, F64.sub(f, F64.sub(half, low)));
    }

    /// @dev erf where |x| < 1.
    function _near(uint64 x) private pure returns (uint64) {
        return F64.fma(x, _erf(F64.mul(x, x)), x);
    }

    /// @dev erfc for t >= 0.5: `e^-(t²) * P(q) / (1 + 2 t)`, the square kept in two parts.
    function _tail(uint64 t) private pure returns (uint64) {
        uint64 end = 0x403c000000000000; // 28
        if (t > end) t = end;
        uint64 square = F64.mul(t, t);
        uint64 minusRest = F64.fma(t, t, square ^ SIGN) ^ SIGN;
        (int256 k, uint64 y) = _power(square ^ SIGN);
        uint64 centre = 0x400c000000000000; // 3.5
        uint64 u = _erfcx(F64.div(F64.sub(t, centre), F64.add(t, centre)));
        u = F64.div(u, F64.fma(t, 0x4000000000000000, ONE));
        return Polynomial.scale(F64.mul(y, F64.fma(minusRest, u, u)), k);
    }

    /// @dev e^x as `y * 2^k`, for |x| <= 784.
    function _power(uint64 x) private pure returns (int256 k, uint64 y) {
        uint64 minusK;
        uint64 r;
        (k, minusK, r) = Polynomial.reduce(x);
        r = F64.fma(minusK, LN2_REST, r);
        y = F64.fma(_exp(r), r, ONE);
    }

    /// @dev (e^r - 1) / r
    function _exp(uint64 r) private pure returns (uint64 s) {
        s = Polynomial.steps(0x3e5afb385afb3976, r, EXP_8, 2);
        s = Polynomial.steps(s, r, EXP_4, 4);
        s = Polynomial.steps(s, r, EXP_0, 4);
    }

    /// @dev (2 atanh(s) / s - 2) / z with z = s²
    function _logRest(uint64 z) private pure returns (uint64 s) {
        s = Polynomial.steps(0x3fc2f06346b830ac, z, LOG_4, 2);
        s = Polynomial.steps(s, z, LOG_0, 4);
    }

    /// @dev (tanh(t) / t - 1) / z with z = t²
    function _tanh(uint64 z) private pure returns (uint64 s) {
        s = Polynomial.steps(0xbef3d9f4dcb054d8, z, TANH_8, 2);
        s = Polynomial.steps(s, z, TANH_4, 4);
        s = Polynomial.steps(s, z, TANH_0, 4);
    }

    /// @dev erf(t) / t - 1 with z = t²
    function _erf(uint64 z) private pure returns (uint64 s) {
        s = Polynomial.steps(0xbe0acdff90b8ebd8, z, ERF_8, 3);
        s = Polynomial.steps(s, z, ERF_4, 4);
        s = Polynomial.steps(s, z, ERF_0, 4);
    }

    /// @dev (1 + 2 t) e^(t²) erfc(t) with q = (t - 3.5) / (t + 3.5)
    function _erfcx(uint64 q) private pure returns (uint64 s) {
        s = Polynomial.steps(0xbde7a734312048f5, q, ERFCX_20, 2);
        s = Polynomial.steps(s, q, ERFCX_16, 4);
        s = Polynomial.steps(s, q, ERFCX_12, 4);
        s = Polynomial.steps(s, q, ERFCX_8, 4);
        s = Polynomial.steps(s, q, ERFCX_4, 4);
        s = Polynomial.steps(s, q, ERFCX_0, 4);
    }
}
