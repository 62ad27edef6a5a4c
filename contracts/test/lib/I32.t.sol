// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {I32} from "../../src/lib/I32.sol";
import {Base} from "../support/Base.sol";

contract I32Test is Base {
    /// @notice The number that is congruent modulo 2^32, in the range of i32.
    function wrapped(int256 x) internal pure returns (int256) {
        int256 rest = ((x % 2 ** 32) + 2 ** 32) % 2 ** 32;
        return rest < 2 ** 31 ? rest : rest - 2 ** 32;
    }

    function test_fuzz_wraps(int32 a, int32 b) public pure {
        vm.assertEq(I32.add(a, b), wrapped(int256(a) + b));
        vm.assertEq(I32.sub(a, b), wrapped(int256(a) - b));
        vm.assertEq(I32.mul(a, b), wrapped(int256(a) * b));
        vm.assertEq(I32.neg(a), wrapped(-int256(a)));
        vm.assertEq(I32.abs(a), wrapped(a < 0 ? -int256(a) : int256(a)));
    }

    function test_leastNumber() public pure {
        vm.assertEq(I32.neg(type(int32).min), type(int32).min);
        vm.assertEq(I32.abs(type(int32).min), type(int32).min);
        vm.assertEq(I32.mul(type(int32).min, -1), type(int32).min);
    }

    function test_fuzz_order(int32 a, int32 b) public pure {
        (int32 low, int32 high) = (I32.min(a, b), I32.max(a, b));
        vm.assertTrue(low <= high && (low == a && high == b || low == b && high == a));
        vm.assertTrue(I32.lt(a, b) == (a < b) && I32.le(a, b) == (a <= b));
        vm.assertTrue(I32.eq(a, b) == (a == b) && I32.eq(a, a));
    }

    function test_fuzz_bits(int32 a, int32 b) public pure {
        vm.assertEq(I32.add(I32.and(a, b), I32.or(a, b)), I32.add(a, b));
        vm.assertEq(I32.xor(a, b), I32.sub(I32.or(a, b), I32.and(a, b)));
    }

    /// @notice Shifts are products and quotients by powers of two; counts are taken modulo 32.
    function test_fuzz_shifts(int32 a, int32 b) public pure {
        int256 count = ((int256(b) % 32) + 32) % 32;
        int256 power = int256(2 ** uint256(count));
        vm.assertEq(I32.shl(a, b), wrapped(int256(a) * power));
        int256 above = a < 0 ? int256(a) + 2 ** 32 : int256(a);
        vm.assertEq(I32.shr(a, b), wrapped(above / power));
        int256 floor = (int256(a) - (((int256(a) % power) + power) % power)) / power;
        vm.assertEq(I32.sar(a, b), floor);
    }

    /// @notice The result, before its clamp, is nearest to x * m / 2^s, halves away from zero.
    function test_fuzz_requantise(int32 x, int32 m, uint32 s) public pure {
        m = int32(uint32(m) % 2 ** 31);
        s %= 63;
        int256 scale = int256(2 ** uint256(s));
        int256 exact = int256(x) * m;
        int256 got = I32.requantise(x, m, s, type(int32).min, type(int32).max);
        if (got == type(int32).min || got == type(int32).max) {
            vm.assertTrue(
                got < 0 ? 2 * exact <= (2 * got + 1) * scale : 2 * exact >= (2 * got - 1) * scale
            );
            return;
        }
        int256 error = 2 * (got * scale - exact);
        vm.assertTrue(error <= scale && error >= -scale);
        // At a tie it is the one that is farther from zero.
        if (error == scale) vm.assertTrue(exact >= 0);
        if (error == -scale) vm.assertTrue(exact < 0 || s == 0);
    }

    function test_fuzz_requantise_clamps(int32 x, int32 lo, int32 hi) public pure {
        (lo, hi) = (I32.min(lo, hi), I32.max(lo, hi));
        vm.assertEq(I32.requantise(x, 1, 0, lo, hi), I32.max(lo, I32.min(hi, x)));
    }

    function test_requantise_ties() public pure {
        vm.assertEq(I32.requantise(1, 1, 1, -9, 9), 1);
        vm.assertEq(I32.requantise(-1, 1, 1, -9, 9), -1);
        vm.assertEq(I32.requantise(5, 3, 3, -9, 9), 2);
        vm.assertEq(I32.requantise(type(int32).min, type(int32).max, 62, -9, 9), -1);
    }
}
