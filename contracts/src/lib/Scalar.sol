// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Elementary32} from "./Elementary32.sol";
import {Elementary64} from "./Elementary64.sol";
import {F32} from "./F32.sol";
import {F64} from "./F64.sol";
import {I32} from "./I32.sol";

/// @title One element of any elementwise op
/// @notice Dispatches the op codes of docs/numerics.md to the libraries that compute them. An element
///         is a uint64: the bits of an f64, or those of an f32 or i32 in the low half, the high half
///         being ignored in operands and 0 in results.
/// @dev Deliberately absent: `requantise`, whose numbers stand in the op (`I32.requantise`), and
///      every op that is not elementwise.
library Scalar {
    uint8 internal constant SINGLE = 0;
    uint8 internal constant DOUBLE = 1;
    uint8 internal constant INTEGER = 2;

    uint8 internal constant ADD = 0x10;
    uint8 internal constant SUB = 0x11;
    uint8 internal constant MUL = 0x12;
    uint8 internal constant NEG = 0x13;
    uint8 internal constant ABS = 0x14;
    uint8 internal constant MIN = 0x15;
    uint8 internal constant MAX = 0x16;
    uint8 internal constant LT = 0x17;
    uint8 internal constant LE = 0x18;
    uint8 internal constant EQ = 0x19;
    uint8 internal constant SELECT = 0x1a;
    uint8 internal constant CONVERT = 0x1b;
    uint8 internal constant DIV = 0x20;
    uint8 internal constant FMA = 0x21;
    uint8 internal constant SQRT = 0x22;
    uint8 internal constant FLOOR = 0x23;
    uint8 internal constant EXP = 0x24;
    uint8 internal constant LOG = 0x25;
    uint8 internal constant TANH = 0x26;
    uint8 internal constant ERF = 0x27;
    uint8 internal constant ERFC = 0x28;
    uint8 internal constant AND = 0x30;
    uint8 internal constant OR = 0x31;
    uint8 internal constant XOR = 0x32;
    uint8 internal constant SHL = 0x33;
    uint8 internal constant SHR = 0x34;
    uint8 internal constant SAR = 0x35;

    /// @notice Thrown when no elementwise op with this code takes operands of this dtype.
    error NotElementwise(uint8 code, uint8 dtype);
    /// @notice Thrown when a number is not that of a dtype.
    error NoDtype(uint8 dtype);

    /// @notice Returns one element of an op's result.
    /// @param code the op's code
    /// @param dtype that of the first operand: 0 f32, 1 f64, 2 i32
    /// @param result the dtype of the result, which only `convert` looks at
    /// @param a the element of the first operand; `select` has its condition here
    /// @param b the element of the second operand, if the op has one
    /// @param c the element of the third operand, if the op has one
    /// @dev `fma` takes i32 as well, which is one step of a matmul's chain.
    function compute(uint8 code, uint8 dtype, uint8 result, uint64 a, uint64 b, uint64 c)
        internal
        pure
        returns (uint64)
    {
        if (code == CONVERT) return convert(dtype, result, a);
        if (dtype == SINGLE) return _single(code, uint32(a), uint32(b), uint32(c));
        if (dtype == DOUBLE) return _double(code, a, b, c);
        require(dtype == INTEGER, NoDtype(dtype));
        if (code == SELECT) return uint32(a) != 0 ? b : c;
        int32 word = _integer(code, int32(uint32(a)), int32(uint32(b)), int32(uint32(c)));
        return uint32(word);
    }

    /// @notice Returns the value of `x` in another dtype, or in its own with the one NaN.
    function convert(uint8 from, uint8 to, uint64 x) internal pure returns (uint64) {
        require(to <= INTEGER, NoDtype(to));
        if (from == SINGLE) {
            uint32 single = uint32(x);
            if (to == SINGLE) return F32.canonical(single);
            return to == DOUBLE ? F32.toF64(single) : uint32(F32.toI32(single));
        }
        if (from == DOUBLE) {
            if (to == SINGLE) return F64.toF32(x);
            return to == DOUBLE ? F64.canonical(x) : uint32(F64.toI32(x));
        }
        require(from == INTEGER, NoDtype(from));
        int32 word = int32(uint32(x));
        if (to == SINGLE) return F32.fromI32(word);
        return to == DOUBLE ? F64.fromI32(word) : uint32(word);
    }

    /// @notice Returns whether `a` comes strictly after `b` in the order of `max`: the step of
    ///         `max_axis` and `argmax`. -0 comes before +0, and everything before NaN.
    function comesAfter(uint8 dtype, uint64 a, uint64 b) internal pure returns (bool) {
        if (dtype == SINGLE) return F32.comesAfter(uint32(a), uint32(b));
        if (dtype == DOUBLE) return F64.comesAfter(a, b);
        require(dtype == INTEGER, NoDtype(dtype));
        return int32(uint32(a)) > int32(uint32(b));
    }

    function _single(uint8 code, uint32 a, uint32 b, uint32 c) private pure returns (uint32) {
        if (code == FMA) return F32.fma(a, b, c);
        if (code == ADD) return F32.add(a, b);
        if (code == SUB) return F32.sub(a, b);
        if (code == MUL) return F32.mul(a, b);
        if (code == NEG) return F32.neg(a);
        if (code == ABS) return F32.abs(a);
        if (code == MIN) return F32.min(a, b);
        if (code == MAX) return F32.max(a, b);
        if (code == LT) return _bit(F32.lt(a, b));
        if (code == LE) return _bit(F32.le(a, b));
        if (code == EQ) return _bit(F32.eq(a, b));
        if (code == DIV) return F32.div(a, b);
        if (code == SQRT) return F32.sqrt(a);
        if (code == FLOOR) return F32.floor(a);
        if (code == EXP) return Elementary32.exp(a);
        if (code == LOG) return Elementary32.log(a);
        if (code == TANH) return Elementary32.tanh(a);
        if (code == ERF) return Elementary32.erf(a);
        require(code == ERFC, NotElementwise(code, SINGLE));
        return Elementary32.erfc(a);
    }

    function _double(uint8 code, uint64 a, uint64 b, uint64 c) private pure returns (uint64) {
        if (code == FMA) return F64.fma(a, b, c);
        if (code == ADD) return F64.add(a, b);
        if (code == SUB) return F64.sub(a, b);
        if (code == MUL) return F64.mul(a, b);
        if (code == NEG) return F64.neg(a);
        if (code == ABS) return F64.abs(a);
        if (code == MIN) return F64.min(a, b);
        if (code == MAX) return F64.max(a, b);
        if (code == LT) return _bit(F64.lt(a, b));
        if (code == LE) return _bit(F64.le(a, b));
        if (code == EQ) return _bit(F64.eq(a, b));
        if (code == DIV) return F64.div(a, b);
        if (code == SQRT) return F64.sqrt(a);
        if (code == FLOOR) return F64.floor(a);
        if (code == EXP) return Elementary64.exp(a);
        if (code == LOG) return Elementary64.log(a);
        if (code == TANH) return Elementary64.tanh(a);
        if (code == ERF) return Elementary64.erf(a);
        require(code == ERFC, NotElementwise(code, DOUBLE));
        return Elementary64.erfc(a);
    }

    function _integer(uint8 code, int32 a, int32 b, int32 c) private pure returns (int32) {
        if (code == FMA) return I32.add(I32.mul(a, b), c);
        if (code == ADD) return I32.add(a, b);
        if (code == SUB) return I32.sub(a, b);
        if (code == MUL) return I32.mul(a, b);
        if (code == NEG) return I32.neg(a);
        if (code == ABS) return I32.abs(a);
        if (code == MIN) return I32.min(a, b);
        if (code == MAX) return I32.max(a, b);
        if (code == LT) return int32(_bit(I32.lt(a, b)));
        if (code == LE) return int32(_bit(I32.le(a, b)));
        if (code == EQ) return int32(_bit(I32.eq(a, b)));
        if (code == AND) return I32.and(a, b);
        if (code == OR) return I32.or(a, b);
        if (code == XOR) return I32.xor(a, b);
        if (code == SHL) return I32.shl(a, b);
        if (code == SHR) return I32.shr(a, b);
        require(code == SAR, NotElementwise(code, INTEGER));
        return I32.sar(a, b);
    }

    function _bit(bool holds) private pure returns (uint32) {
        return holds ? 1 : 0;
    }
}
