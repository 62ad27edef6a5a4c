// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {F32} from "../../src/lib/F32.sol";
import {F64} from "../../src/lib/F64.sol";
import {Base} from "../support/Base.sol";
import {Exact} from "../support/Exact.sol";

/// @notice What holds for every f32, from first principles; golden vectors and the hardware's results
///         are other tests.
contract F32Test is Base {
    using Exact for Exact.Format;

    uint32 internal constant ONE = 0x3f800000;
    uint32 internal constant MINUS_ZERO = 0x80000000;
    uint32 internal constant INFINITY = 0x7f800000;

    function isFinite(uint32 a) internal pure returns (bool) {
        return a & INFINITY != INFINITY;
    }

    /// @notice The exact value of `a * b + c`, for exponents near that of 1, decides what is nearest.
    function test_fuzz_fma_isNearest(uint256 r, uint256 s, uint256 t) public pure {
        Exact.Format memory f = Exact.single();
        uint32 a = uint32(f.make(r, 115 + (r >> 200) % 25));
        uint32 b = uint32(f.make(s, 115 + (s >> 200) % 25));
        uint32 c = uint32(f.make(t, 105 + (t >> 200) % 45));
        int256 exact = f.valueOf(a, 35) * f.valueOf(b, 35) + (f.valueOf(c, 45) << 25);
        uint32 got = F32.fma(a, b, c);
        // A multiple of 2^-70 with 24 bits and its neighbours are multiples of 2^-95.
        vm.assertTrue(f.isNearest(got, exact << 30, 100));
        vm.assertTrue(exact != 0 || got == 0);
    }

    /// @notice The same where the product and c nearly cancel.
    function test_fuzz_fma_isNearest_cancelling(uint256 r, uint256 s, uint256 t) public pure {
        Exact.Format memory f = Exact.single();
        uint32 a = uint32(f.make(r, 115 + (r >> 200) % 25));
        uint32 b = uint32(f.make(s, 115 + (s >> 200) % 25));
        uint32 c = F32.neg(F32.mul(a, b));
        c = t & 3 == 0 ? c : uint32(c + (t >> 2) % 9 - 4);
        int256 exact = f.valueOf(a, 35) * f.valueOf(b, 35) + f.valueOf(c, 70);
        uint32 got = F32.fma(a, b, c);
        vm.assertTrue(f.isNearest(got, exact << 30, 100));
        vm.assertTrue(exact != 0 || got == 0);
    }

    /// @notice The same where terms and results are subnormal or nearly so, and where they vanish.
    function test_fuzz_fma_isNearest_subnormal(uint256 r, uint256 s, uint256 t) public pure {
        Exact.Format memory f = Exact.single();
        uint256 field = (r >> 200) % 100;
        uint32 a = uint32(f.make(r, field));
        uint32 b = uint32(f.make(s, 99 - field + (s >> 200) % 30));
        uint32 c = uint32(f.make(t, (t >> 200) % 30));
        int256 exact = f.valueOf(a, 149) * f.valueOf(b, 149) + f.valueOf(c, 298);
        vm.assertTrue(f.isNearest(F32.fma(a, b, c), exact, 298));
    }

    /// @notice A sum is a fused multiply-add, also of terms that cancel or just reach each other.
    function test_fuzz_add_isFma(uint256 r, uint256 s) public pure {
        Exact.Format memory f = Exact.single();
        uint256 field = (r >> 200) % 225;
        uint32 a = uint32(f.make(r, field));
        uint32 b = uint32(f.make(s, field + (s >> 200) % 30));
        vm.assertEq(uint256(F32.add(a, b)), uint256(F32.fma(a, ONE, b)));
    }

    /// @notice The remainder of the quotient decides what is nearest.
    function test_fuzz_div_isNearest(uint256 r, uint256 s) public pure {
        Exact.Format memory f = Exact.single();
        uint32 a = uint32(f.make(r, 107 + (r >> 200) % 41));
        uint32 b = uint32(f.make(s, 117 + (s >> 200) % 20));
        uint32 q = F32.div(a, b);
        int256 divisor = f.valueOf(b, 33);
        // a / b is nearest to q: then a, scaled, is nearest to q * b in units of b.
        int256 error = (f.valueOf(a, 43) << 70) - f.valueOf(q, 80) * divisor;
        int256 above = (f.valueOf(a, 43) << 70) - f.valueOf(q + 1, 80) * divisor;
        int256 below = (f.valueOf(a, 43) << 70) - f.valueOf(q - 1, 80) * divisor;
        vm.assertLe(Exact.distance(error, 0), Exact.distance(above, 0));
        vm.assertLe(Exact.distance(error, 0), Exact.distance(below, 0));
        vm.assertTrue(q % 2 == 0 || Exact.distance(error, 0) != Exact.distance(above, 0));
    }

    /// @notice Twice the root lies between the sums with its neighbours, compared by squares.
    function test_fuzz_sqrt_isNearest(uint32 a) public pure {
        a = uint32(bound(a, 1, 180 << 23)); // larger ones do not fit 256 bits as integers
        uint32 root = F32.sqrt(a);
        Exact.Format memory f = Exact.single();
        uint256 low = uint256(f.valueOf(root, 98) + f.valueOf(root - 1, 98));
        uint256 high = uint256(f.valueOf(root, 98) + f.valueOf(root + 1, 98));
        uint256 value = uint256(f.valueOf(a, 149)) << 49; // four times, in units of 2^-196
        vm.assertTrue(low * low <= value && value <= high * high);
    }

    /// @notice f64 holds the product of two f32 exactly, so rounding it gives the same.
    function test_fuzz_mul_byF64(uint32 a, uint32 b) public pure {
        uint64 exact = F64.mul(F32.toF64(a), F32.toF64(b));
        vm.assertEq(uint256(F32.mul(a, b)), uint256(F64.toF32(exact)));
    }

    /// @notice f64 has more than twice the bits of f32, so that rounding twice is rounding once.
    function test_fuzz_addAndSqrt_byF64(uint32 a, uint32 b) public pure {
        uint64 sum = F64.add(F32.toF64(a), F32.toF64(b));
        vm.assertEq(uint256(F32.add(a, b)), uint256(F64.toF32(sum)));
        vm.assertEq(uint256(F32.sqrt(a)), uint256(F64.toF32(F64.sqrt(F32.toF64(a)))));
    }

    function test_fuzz_algebra(uint32 a, uint32 b, uint32 c) public pure {
        vm.assertEq(uint256(F32.add(a, b)), uint256(F32.add(b, a)));
        vm.assertEq(uint256(F32.mul(a, b)), uint256(F32.mul(b, a)));
        vm.assertEq(uint256(F32.fma(a, b, c)), uint256(F32.fma(b, a, c)));
        vm.assertEq(uint256(F32.fma(a, ONE, c)), uint256(F32.add(a, c)));
        vm.assertEq(
            uint256(F32.fma(a, b, MINUS_ZERO)) % MINUS_ZERO, uint256(F32.mul(a, b)) % MINUS_ZERO
        );
        vm.assertEq(uint256(F32.sub(a, b)), uint256(F32.add(a, b ^ MINUS_ZERO)));
        uint32 difference = F32.sub(b, a);
        if (difference % MINUS_ZERO != 0) {
            vm.assertEq(uint256(F32.neg(F32.sub(a, b))), uint256(difference));
        }
        vm.assertEq(uint256(F32.div(a, ONE)), uint256(F32.canonical(a)));
    }

    function test_fuzz_inverses(uint32 a) public pure {
        if (!isFinite(a)) return;
        vm.assertEq(uint256(F32.sub(a, a)), 0);
        vm.assertEq(uint256(F32.add(a, MINUS_ZERO)), uint256(a));
        vm.assertEq(uint256(F32.mul(a, ONE)), uint256(a));
        if (a & 0x7fffffff == 0) return;
        vm.assertEq(uint256(F32.div(a, a)), uint256(ONE));
        vm.assertEq(uint256(F64.toF32(F32.toF64(a))), uint256(a));
    }

    /// @notice One of less, equal, greater and "one is NaN" holds; min and max agree with them.
    function test_fuzz_order(uint32 a, uint32 b) public pure {
        bool none = F32.isNan(a) || F32.isNan(b);
        uint256 holds = (F32.lt(a, b) ? 1 : 0) + (F32.eq(a, b) ? 1 : 0) + (F32.lt(b, a) ? 1 : 0);
        vm.assertEq(holds, none ? 0 : 1);
        vm.assertTrue(F32.le(a, b) == (F32.lt(a, b) || F32.eq(a, b)));
        (uint32 low, uint32 high) = (F32.min(a, b), F32.max(a, b));
        if (none) {
            vm.assertTrue(low == F32.NAN && high == F32.NAN);
            return;
        }
        vm.assertTrue(F32.le(low, high));
        vm.assertTrue((low == a && high == b) || (low == b && high == a));
        vm.assertTrue(F32.comesAfter(high, low) == (low != high));
        vm.assertFalse(F32.comesAfter(low, high));
    }

    function test_zeros() public pure {
        vm.assertEq(uint256(F32.min(0, MINUS_ZERO)), MINUS_ZERO);
        vm.assertEq(uint256(F32.max(MINUS_ZERO, 0)), 0);
        vm.assertTrue(F32.eq(0, MINUS_ZERO) && !F32.lt(MINUS_ZERO, 0));
        vm.assertEq(uint256(F32.fma(0, MINUS_ZERO, MINUS_ZERO)), MINUS_ZERO);
        vm.assertEq(uint256(F32.fma(0, MINUS_ZERO, 0)), 0);
        vm.assertEq(uint256(F32.floor(MINUS_ZERO)), MINUS_ZERO);
        vm.assertEq(uint256(F32.sqrt(MINUS_ZERO)), MINUS_ZERO);
        // A product that rounds to zero keeps its sign, whatever zero is added.
        vm.assertEq(uint256(F32.fma(MINUS_ZERO | 1, 1, 0)), MINUS_ZERO);
    }

    function test_infinities() public pure {
        vm.assertEq(uint256(F32.sub(INFINITY, INFINITY)), F32.NAN);
        vm.assertEq(uint256(F32.mul(INFINITY, 0)), F32.NAN);
        vm.assertEq(uint256(F32.fma(INFINITY, ONE, INFINITY | MINUS_ZERO)), F32.NAN);
        vm.assertEq(uint256(F32.fma(INFINITY, 0, ONE)), F32.NAN);
        vm.assertEq(uint256(F32.div(ONE, MINUS_ZERO)), INFINITY | MINUS_ZERO);
        vm.assertEq(uint256(F32.div(0, 0)), F32.NAN);
        vm.assertEq(uint256(F32.add(0x7f7fffff, 0x7f7fffff)), INFINITY);
        vm.assertEq(uint256(F32.fma(0x7f7fffff, 0x40000000, 0xff7fffff)), 0x7f7fffff);
    }

    /// @notice Whatever the bits, no result is a NaN but the one NaN.
    function test_fuzz_oneNan(uint32 a, uint32 b, uint32 c) public pure {
        a |= INFINITY;
        uint32[9] memory results = [
            F32.add(a, b),
            F32.sub(b, a),
            F32.mul(a, b),
            F32.div(b, a),
            F32.fma(a, b, c),
            F32.fma(b, c, a),
            F32.sqrt(a),
            F32.neg(a),
            F32.floor(a)
        ];
        for (uint256 i = 0; i < 9; ++i) {
            vm.assertTrue(!F32.isNan(results[i]) || results[i] == F32.NAN);
        }
    }

    function test_fuzz_integers(int32 x) public pure {
        int256 value = x;
        uint32 bits = F32.fromI32(x);
        vm.assertTrue(Exact.isNearest(Exact.single(), bits, value << 30, 30));
        if (value > -(2 ** 24) && value < 2 ** 24) {
            vm.assertEq(int256(F32.toI32(bits)), value);
            vm.assertEq(uint256(F32.floor(bits)), uint256(bits));
        }
    }

    /// @notice The floor is whole, not above, and less than one below; toward zero is floor or above.
    function test_fuzz_floor(uint256 random) public pure {
        Exact.Format memory f = Exact.single();
        uint32 a = uint32(f.make(random, 100 + (random >> 200) % 57));
        int256 value = f.valueOf(a, 60);
        int256 down = f.valueOf(F32.floor(a), 60);
        vm.assertTrue(down % (1 << 60) == 0 && down <= value && value - down < 1 << 60);
        vm.assertEq(int256(F32.toI32(a)), value / (1 << 60));
    }

    function test_toI32_saturates() public pure {
        vm.assertEq(int256(F32.toI32(0x4f000000)), type(int32).max);
        vm.assertEq(int256(F32.toI32(0xcf000000)), type(int32).min);
        vm.assertEq(int256(F32.toI32(0xff800000)), type(int32).min);
        vm.assertEq(int256(F32.toI32(0x4effffff)), 2 ** 31 - 128);
        vm.assertEq(int256(F32.toI32(0xffc00000)), 0);
    }
}
