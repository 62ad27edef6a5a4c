// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Code} from "../../src/lib/Code.sol";
import {Script, Scroll} from "./Script.sol";

/// @notice Programs that the tests of the court dispute, with inputs for them.
library Ops {
    using Script for Scroll;

    /// @notice Two outputs, of which the second is an input: x + y, and x. One chunk a tensor.
    function sums() internal pure returns (Scroll memory s, uint64[][] memory inputs) {
        uint32[] memory three = Script.u32(3);
        uint32 x = s.input(Code.I32, three);
        uint32 y = s.input(Code.I32, three);
        uint32 z = s.op(Code.ADD, Code.I32, three, Script.u32(x, y), "");
        s.seal(Script.u32(z, x));
        inputs = new uint64[][](2);
        inputs[0] = counted(3, 1, 10);
        inputs[1] = counted(3, 5, 100);
    }

    /// @notice One op and no input: the positions 0 to 4.
    function positions() internal pure returns (Scroll memory s, uint64[][] memory inputs) {
        s.op(Code.IOTA, Code.I32, Script.u32(5), Script.none(), list(0));
        s.seal(Script.u32(0));
        inputs = new uint64[][](0);
    }

    /// @notice A state i32[2] to which y is added, made for iterations: outputs s + y; inputs s, y.
    function grows() internal pure returns (Scroll memory s, uint64[][] memory inputs) {
        uint32[] memory two = Script.u32(2);
        uint32 state = s.input(Code.I32, two);
        uint32 y = s.input(Code.I32, two);
        uint32 z = s.op(Code.ADD, Code.I32, two, Script.u32(state, y), "");
        s.seal(Script.u32(z));
        inputs = new uint64[][](2);
        inputs[0] = counted(2, 7, 1);
        inputs[1] = counted(2, 1, 1);
    }

    /// @notice A product [1, n] x [n, 1] whose chain is as long as its operands, and their sum as
    ///         tensors: more than one level of chunks from n = 513 on.
    function long(uint32 n) internal pure returns (Scroll memory s, uint64[][] memory inputs) {
        uint32 a = s.input(Code.I32, Script.u32(1, n));
        uint32 b = s.input(Code.I32, Script.u32(n, 1));
        uint32 c = s.op(Code.MATMUL, Code.I32, Script.u32(1, 1), Script.u32(a, b), "");
        uint32 d = s.op(Code.NEG, Code.I32, Script.u32(1, n), Script.u32(a), "");
        s.seal(Script.u32(c, d));
        inputs = new uint64[][](2);
        inputs[0] = counted(n, 3, 1);
        inputs[1] = counted(n, 1, 2);
    }

    /// @notice An op of every kind, each of them an output.
    function everything() internal pure returns (Scroll memory s, uint64[][] memory inputs) {
        s.input(Code.I32, Script.u32(2, 35)); // 0
        s.input(Code.I32, Script.u32(35, 3));
        s.constant_(Code.F32, Script.u32(40), floats(40));
        s.op(Code.IOTA, Code.I32, Script.u32(4, 9), Script.none(), list(1));
        s.input(Code.I32, Script.u32(2));
        s.op(Code.RANDOM_BITS, Code.I32, Script.u32(40), Script.u32(4), list(7)); // 5
        s.op(Code.ADD, Code.I32, Script.u32(40), Script.u32(5, 5), "");
        s.op(Code.CONVERT, Code.F32, Script.u32(40), Script.u32(6), "");
        s.op(Code.FMA, Code.F32, Script.u32(40), Script.u32(2, 7, 2), "");
        s.op(Code.LT, Code.I32, Script.u32(40), Script.u32(7, 8), "");
        s.op(Code.SELECT, Code.F32, Script.u32(40), Script.u32(9, 7, 8), ""); // 10
        bytes memory clamp = Script.list(Script.u32(3, 1, uint32(int32(-100)), 100));
        s.op(Code.REQUANTISE, Code.I32, Script.u32(40), Script.u32(6), clamp);
        s.op(Code.RESHAPE, Code.F32, Script.u32(5, 8), Script.u32(7), "");
        s.op(Code.TRANSPOSE, Code.F32, Script.u32(8, 5), Script.u32(12), list(1, 0));
        s.op(Code.BROADCAST, Code.F32, Script.u32(2, 40), Script.u32(7), "");
        s.op(Code.SLICE, Code.F32, Script.u32(1, 20), Script.u32(14), list(1, 5, 2, 25)); // 15
        s.op(Code.SLICE, Code.F32, Script.u32(4, 8), Script.u32(12), list(1, 0, 5, 8));
        s.op(Code.CONCAT, Code.F32, Script.u32(9, 8), Script.u32(12, 16), list(0, 5, 4));
        rest(s);
        inputs = new uint64[][](3);
        inputs[0] = counted(70, 11, 3);
        inputs[1] = counted(105, 5, 7);
        inputs[2] = counted(2, 0xdead, 0xbeef);
    }

    function rest(Scroll memory s) private pure {
        s.op(Code.PAD, Code.F32, Script.u32(7, 10), Script.u32(12), list(1, 2, 1, 0));
        s.op(Code.GATHER, Code.F32, Script.u32(40, 8), Script.u32(17, 9), list(0));
        bytes memory rows = bytes.concat(Script.le(0), Script.le(3));
        s.op(Code.SCATTER_ADD, Code.F32, Script.u32(3, 8), Script.u32(19, 9), rows); // 20
        s.op(Code.MATMUL, Code.I32, Script.u32(2, 3), Script.u32(0, 1), "");
        s.op(Code.SUM, Code.F32, Script.u32(8), Script.u32(19), list(0));
        s.op(Code.MAX_AXIS, Code.F32, Script.u32(2), Script.u32(14), list(1));
        s.op(Code.ARGMAX, Code.I32, Script.u32(2), Script.u32(14), list(1));
        s.op(Code.CONVERT, Code.F64, Script.u32(40), Script.u32(8), ""); // 25
        s.op(0x27, Code.F64, Script.u32(40), Script.u32(25), "");
        s.op(Code.SUM, Code.F64, Script.none(), Script.u32(25), list(0));
        uint32[] memory outputs = new uint32[](s.ops.length);
        for (uint32 i = 0; i < outputs.length; ++i) {
            outputs[i] = i;
        }
        s.seal(outputs);
    }

    // Values.

    function counted(uint256 count, uint64 first, uint64 stride)
        internal
        pure
        returns (uint64[] memory values)
    {
        values = new uint64[](count);
        for (uint256 i = 0; i < count; ++i) {
            values[i] = uint32(first + stride * i);
        }
    }

    /// @notice Floats of every size: their exponents go through half of the range.
    function floats(uint256 count) internal pure returns (uint64[] memory values) {
        values = new uint64[](count);
        for (uint256 i = 0; i < count; ++i) {
            values[i] = uint64((64 + 3 * i) << 23 | i << 18 | (i & 1) << 31);
        }
    }

    function list(uint256 a) internal pure returns (bytes memory) {
        return Script.list(Script.u32(a));
    }

    function list(uint256 a, uint256 b) internal pure returns (bytes memory) {
        return Script.list(Script.u32(a, b));
    }

    function list(uint256 a, uint256 b, uint256 c) internal pure returns (bytes memory) {
        return Script.list(Script.u32(a, b, c));
    }

    function list(uint256 a, uint256 b, uint256 c, uint256 d) internal pure returns (bytes memory) {
        return Script.list(Script.u32(a, b, c, d));
    }
}
