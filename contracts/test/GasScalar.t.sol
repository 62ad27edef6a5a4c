// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Elementary32} from "../src/lib/Elementary32.sol";
import {Elementary64} from "../src/lib/Elementary64.sol";
import {F32} from "../src/lib/F32.sol";
import {F64} from "../src/lib/F64.sol";
import {I32} from "../src/lib/I32.sol";
import {Philox} from "../src/lib/Philox.sol";
import {Base} from "./support/Base.sol";

/// @notice Gas of each scalar operation, in snapshots/Scalar.json: what a call inside a contract costs
///         above a call of an empty function with the same parameters.
contract GasScalarTest is Base {
    function snapshot(string memory name, uint256 used, uint256 empty) internal {
        vm.snapshotValue("Scalar", name, used - empty);
    }

    function empty32Of1(uint32 a) internal pure returns (uint32) {
        return a;
    }

    function empty32Of2(uint32 a, uint32) internal pure returns (uint32) {
        return a;
    }

    function empty32Of3(uint32 a, uint32, uint32) internal pure returns (uint32) {
        return a;
    }

    function empty64Of1(uint64 a) internal pure returns (uint64) {
        return a;
    }

    function empty64Of2(uint64 a, uint64) internal pure returns (uint64) {
        return a;
    }

    function empty64Of3(uint64 a, uint64, uint64) internal pure returns (uint64) {
        return a;
    }

    function gas1(function(uint32) internal pure returns (uint32) f, uint32 a)
        internal
        view
        returns (uint256)
    {
        uint256 before = gasleft();
        f(a);
        return before - gasleft();
    }

    function gas2(function(uint32, uint32) internal pure returns (uint32) f, uint32 a, uint32 b)
        internal
        view
        returns (uint256)
    {
        uint256 before = gasleft();
        f(a, b);
        return before - gasleft();
    }

    function gas3(
        function(uint32, uint32, uint32) internal pure returns (uint32) f,
        uint32 a,
        uint32 b,
        uint32 c
    ) internal view returns (uint256) {
        uint256 before = gasleft();
        f(a, b, c);
        return before - gasleft();
    }

    function gas1(function(uint64) internal pure returns (uint64) f, uint64 a)
        internal
        view
        returns (uint256)
    {
        uint256 before = gasleft();
        f(a);
        return before - gasleft();
    }

    function gas2(function(uint64, uint64) internal pure returns (uint64) f, uint64 a, uint64 b)
        internal
        view
        returns (uint256)
    {
        uint256 before = gasleft();
        f(a, b);
        return before - gasleft();
    }

    function gas3(
        function(uint64, uint64, uint64) internal pure returns (uint64) f,
        uint64 a,
        uint64 b,
        uint64 c
    ) internal view returns (uint256) {
        uint256 before = gasleft();
        f(a, b, c);
        return before - gasleft();
    }

    function fma32(string memory name, uint32 a, uint32 b, uint32 c) internal {
        snapshot(
            string.concat("f32 fma, ", name), gas3(F32.fma, a, b, c), gas3(empty32Of3, a, b, c)
        );
    }

    function fma64(string memory name, uint64 a, uint64 b, uint64 c) internal {
        snapshot(
            string.concat("f64 fma, ", name), gas3(F64.fma, a, b, c), gas3(empty64Of3, a, b, c)
        );
    }

    function test_gas_fma32() public {
        (uint32 a, uint32 b) = (0x3fc00123, 0x40490fdb);
        fma32("one sign", a, b, 0x3f123456);
        fma32("two signs", a, b, 0xbf123456);
        fma32("cancelling", a, b, 0xc096ccaf);
        fma32("c far above", a, b, 0x7e123456);
        fma32("c far below", a, b, 0x00923456);
        fma32("c zero", a, b, 0);
        fma32("a zero", 0, b, a);
        fma32("c subnormal", a, b, 0x00012345);
        fma32("all subnormal", 0x00012345, 0x00054321, 0x00000123);
        fma32("subnormal result", 0x1f400123, 0x1f490fdb, 0x80923456);
        fma32("infinite result", 0x7f000123, b, a);
    }

    function test_gas_fma64() public {
        (uint64 a, uint64 b) = (0x3ff8001230000123, 0x400921fb54442d18);
        fma64("one sign", a, b, 0x3fe1234567812345);
        fma64("two signs", a, b, 0xbfe1234567812345);
        fma64("cancelling", a, b, 0xc012d98a3ad48b2c);
        fma64("c far above", a, b, 0x7ee1234567812345);
        fma64("c far below", a, b, 0x0021234567812345);
        fma64("c zero", a, b, 0);
        fma64("a zero", 0, b, a);
        fma64("c subnormal", a, b, 0x0001234567812345);
        fma64("all subnormal", 0x0001234567812345, 0x0005432112345678, 0x0000123456781234);
        fma64("subnormal result", 0x1fe8001230000123, 0x1ff921fb54442d18, 0x8011234567812345);
        fma64("infinite result", 0x7fe8001230000123, b, a);
    }

    function test_gas_arithmetic32() public {
        (uint32 a, uint32 b) = (0x3fc00123, 0xc0490fdb);
        uint256 empty = gas2(empty32Of2, a, b);
        snapshot("f32 add", gas2(F32.add, a, b), empty);
        snapshot("f32 sub", gas2(F32.sub, a, b), empty);
        snapshot("f32 mul", gas2(F32.mul, a, b), empty);
        snapshot("f32 div", gas2(F32.div, a, b), empty);
        snapshot("f32 min", gas2(F32.min, a, b), empty);
        snapshot("f32 max", gas2(F32.max, a, b), empty);
        empty = gas1(empty32Of1, a);
        snapshot("f32 sqrt", gas1(F32.sqrt, a), empty);
        snapshot("f32 floor", gas1(F32.floor, a), empty);
        snapshot("f32 neg", gas1(F32.neg, a), empty);
        snapshot("f32 abs", gas1(F32.abs, a), empty);
    }

    function test_gas_arithmetic64() public {
        (uint64 a, uint64 b) = (0x3ff8001230000123, 0xc00921fb54442d18);
        uint256 empty = gas2(empty64Of2, a, b);
        snapshot("f64 add", gas2(F64.add, a, b), empty);
        snapshot("f64 sub", gas2(F64.sub, a, b), empty);
        snapshot("f64 mul", gas2(F64.mul, a, b), empty);
        snapshot("f64 div", gas2(F64.div, a, b), empty);
        snapshot("f64 min", gas2(F64.min, a, b), empty);
        snapshot("f64 max", gas2(F64.max, a, b), empty);
        empty = gas1(empty64Of1, a);
        snapshot("f64 sqrt", gas1(F64.sqrt, a), empty);
        snapshot("f64 floor", gas1(F64.floor, a), empty);
        snapshot("f64 neg", gas1(F64.neg, a), empty);
        snapshot("f64 abs", gas1(F64.abs, a), empty);
    }

    function test_gas_elementary() public {
        uint32 a = 0x3ff00000; // 1.875, where each function takes its longer way
        uint256 empty = gas1(empty32Of1, a);
        snapshot("f32 exp", gas1(Elementary32.exp, a), empty);
        snapshot("f32 log", gas1(Elementary32.log, a), empty);
        snapshot("f32 tanh", gas1(Elementary32.tanh, a), empty);
        snapshot("f32 erf", gas1(Elementary32.erf, a), empty);
        snapshot("f32 erfc", gas1(Elementary32.erfc, a), empty);
        uint64 x = 0x3ffe000000000000;
        empty = gas1(empty64Of1, x);
        snapshot("f64 exp", gas1(Elementary64.exp, x), empty);
        snapshot("f64 log", gas1(Elementary64.log, x), empty);
        snapshot("f64 tanh", gas1(Elementary64.tanh, x), empty);
        snapshot("f64 erf", gas1(Elementary64.erf, x), empty);
        snapshot("f64 erfc", gas1(Elementary64.erfc, x), empty);
    }

    /// @notice Conversions, comparisons and the rest, whose types fit no table: with what their call
    ///         itself costs.
    function test_gas_others() public {
        (uint32 a, uint64 x, int32 i) = (0x3fc00123, 0x3ff8001230000123, -123_456_789);
        uint256 before = gasleft();
        F32.toF64(a);
        snapshot("f32 to f64", before, gasleft());
        before = gasleft();
        F64.toF32(x);
        snapshot("f64 to f32", before, gasleft());
        before = gasleft();
        F32.fromI32(i);
        snapshot("i32 to f32", before, gasleft());
        before = gasleft();
        F64.toI32(x);
        snapshot("f64 to i32", before, gasleft());
        before = gasleft();
        F32.lt(a, a);
        snapshot("f32 lt", before, gasleft());
        before = gasleft();
        I32.requantise(i, 123_456_789, 31, -100, 100);
        snapshot("i32 requantise", before, gasleft());
        before = gasleft();
        Philox.word(1, 2, 3, 4);
        snapshot("random word", before, gasleft());
    }

    /// @notice The bar of the design for f32, 800, on every path: each triple of zeros, subnormal, least,
    ///         small, middling and great numbers, infinity and NaN, with both signs of the third.
    function test_bar_fma32() public {
        uint32[15] memory list = [
            0,
            1,
            0x00012345,
            0x00400000,
            0x007fffff,
            0x00800000,
            0x00923456,
            0x1f490fdb,
            0x20490fdb,
            0x3f800000,
            0x3fc00123,
            0x40490fdb,
            0x7f000123,
            0x7f800000,
            0x7fc00000
        ];
        uint256 empty = gas3(empty32Of3, uint32(1), 1, 1);
        uint256 most = 0;
        for (uint256 i = 0; i < 15; ++i) {
            for (uint256 j = 0; j < 15; ++j) {
                for (uint256 k = 0; k < 30; ++k) {
                    uint32 c = list[k / 2] | uint32(k << 31);
                    uint256 used = gas3(F32.fma, list[i], list[j], c) - empty;
                    if (used > most) most = used;
                }
            }
        }
        vm.assertLe(most, 800, "f32 fma");
        snapshot("f32 fma, most of all paths", most, 0);
    }

    /// @notice The same for f64, whose bar is 1,500.
    function test_bar_fma64() public {
        uint64[15] memory list = [
            0,
            1,
            0x0000000012345678,
            0x0008000000000000,
            0x000fffffffffffff,
            0x0010000000000000,
            0x0012345678123456,
            0x1fe921fb54442d18,
            0x200921fb54442d18,
            0x3ff0000000000000,
            0x3ff8001230000123,
            0x400921fb54442d18,
            0x7fe0001230000123,
            0x7ff0000000000000,
            0x7ff8000000000000
        ];
        uint256 empty = gas3(empty64Of3, uint64(1), 1, 1);
        uint256 most = 0;
        for (uint256 i = 0; i < 15; ++i) {
            for (uint256 j = 0; j < 15; ++j) {
                for (uint256 k = 0; k < 30; ++k) {
                    uint64 c = list[k / 2] | uint64(k << 63);
                    uint256 used = gas3(F64.fma, list[i], list[j], c) - empty;
                    if (used > most) most = used;
                }
            }
        }
        vm.assertLe(most, 1_500, "f64 fma");
        snapshot("f64 fma, most of all paths", most, 0);
    }
}
