// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {F64} from "../../src/lib/F64.sol";
import {Base} from "../support/Base.sol";
import {Exact} from "../support/Exact.sol";

/// @notice What holds for every f64, from first principles; golden vectors and the hardware's results
///         are other tests.
contract F64Test is Base {
    using Exact for Exact.Format;

    uint64 internal constant ONE = 0x3ff0000000000000;
    uint64 internal constant MINUS_ZERO = 0x8000000000000000;
    uint64 internal constant INFINITY = 0x7ff0000000000000;

    function isFinite(uint64 a) internal pure returns (bool) {
        return a & INFINITY != INFINITY;
    }

    /// @notice The exact value of `a * b + c`, for exponents near that of 1, decides what is nearest.
    function test_fuzz_fma_isNearest(uint256 r, uint256 s, uint256 t) public pure {
        Exact.Format memory f = Exact.double();
        uint64 a = uint64(f.make(r, 1011 + (r >> 200) % 25));
        uint64 b = uint64(f.make(s, 1011 + (s >> 200) % 25));
        uint64 c = uint64(f.make(t, 1001 + (t >> 200) % 45));
        int256 exact = f.valueOf(a, 64) * f.valueOf(b, 64) + (f.valueOf(c, 74) << 54);
        uint64 got = F64.fma(a, b, c);
        // A multiple of 2^-128 with 53 bits and its neighbours are multiples of 2^-182.
        vm.assertTrue(f.isNearest(got, exact << 54, 182));
        vm.assertTrue(exact != 0 || got == 0);
    }

    /// @notice The same where the product and c nearly cancel.
    function test_fuzz_fma_isNearest_cancelling(uint256 r, uint256 s, uint256 t) public pure {
        Exact.Format memory f = Exact.double();
        uint64 a = uint64(f.make(r, 1011 + (r >> 200) % 25));
        uint64 b = uint64(f.make(s, 1011 + (s >> 200) % 25));
        uint64 c = F64.neg(F64.mul(a, b));
        c = t & 3 == 0 ? c : uint64(c + (t >> 2) % 9 - 4);
        int256 exact = f.valueOf(a, 64) * f.valueOf(b, 64) + f.valueOf(c, 128);
        uint64 got = F64.fma(a, b, c);
        vm.assertTrue(f.isNearest(got, exact << 54, 182));
        vm.assertTrue(exact != 0 || got == 0);
    }

    /// @notice The same where terms and results are subnormal or nearly so, and where they vanish.
    function test_fuzz_fma_isNearest_subnormal(uint256 r, uint256 s, uint256 t) public pure {
        Exact.Format memory f = Exact.double();
        // The last places of a and b are 2^(i - 1074) and 2^(j - 1074), that of their product 2^-1180
        // or up to 2^59 times as much.
        uint256 i = (r >> 200) % 969;
        uint256 above = (s >> 200) % 60;
        uint256 j = 968 - i + above;
        uint64 a = f.make(r, i == 0 ? (r >> 220) % 2 : i + 1);
        uint64 b = f.make(s, j == 0 ? (s >> 220) % 2 : j + 1);
        uint64 c = f.make(t, (t >> 200) % 50);
        int256 product = f.valueOf(a, 1074 - i) * f.valueOf(b, 1074 - j);
        vm.assertTrue(f.isNearest(F64.fma(a, b, c), (product << above) + f.valueOf(c, 1180), 1180));
    }

    /// @notice A sum is a fused multiply-add, also of terms that cancel or just reach each other.
    function test_fuzz_add_isFma(uint256 r, uint256 s) public pure {
        Exact.Format memory f = Exact.double();
        uint256 field = (r >> 200) % 1985;
        uint64 a = f.make(r, field);
        uint64 b = f.make(s, field + (s >> 200) % 60);
        vm.assertEq(uint256(F64.add(a, b)), uint256(F64.fma(a, ONE, b)));
    }

    /// @notice The remainder of the quotient decides what is nearest.
    function test_fuzz_div_isNearest(uint256 r, uint256 s) public pure {
        Exact.Format memory f = Exact.double();
        uint64 a = uint64(f.make(r, 1003 + (r >> 200) % 41));
        uint64 b = uint64(f.make(s, 1013 + (s >> 200) % 20));
        uint64 q = F64.div(a, b);
        int256 divisor = f.valueOf(b, 62);
        // a / b is nearest to q: then a, scaled, is nearest to q * b in units of b.
        int256 error = (f.valueOf(a, 72) << 90) - f.valueOf(q, 100) * divisor;
        int256 above = (f.valueOf(a, 72) << 90) - f.valueOf(q + 1, 100) * divisor;
        int256 below = (f.valueOf(a, 72) << 90) - f.valueOf(q - 1, 100) * divisor;
        vm.assertLe(Exact.distance(error, 0), Exact.distance(above, 0));
        vm.assertLe(Exact.distance(error, 0), Exact.distance(below, 0));
        vm.assertTrue(q % 2 == 0 || Exact.distance(error, 0) != Exact.distance(above, 0));
    }

    /// @notice Twice the root lies between the sums with its neighbours, compared by squares.
    function test_fuzz_sqrt_isNearest(uint64 a) public pure {
        a = uint64(bound(a, 973 << 52, 1073 << 52)); // so that 256 bits hold all as integers
        uint64 root = F64.sqrt(a);
        Exact.Format memory f = Exact.double();
        uint256 low = uint256(f.valueOf(root, 78) + f.valueOf(root - 1, 78));
        uint256 high = uint256(f.valueOf(root, 78) + f.valueOf(root + 1, 78));
        uint256 value = uint256(f.valueOf(a, 102)) << 56; // four times, in units of 2^-156
        vm.assertTrue(low * low <= value && value <= high * high);
    }

    /// @notice Where f32 reaches, down into its subnormal numbers, the f32 is the nearest.
    function test_fuzz_toF32_isNearest(uint256 random) public pure {
        Exact.Format memory f = Exact.double();
        uint64 a = uint64(f.make(random, 861 + (random >> 200) % 180));
        uint32 got = F64.toF32(a);
        vm.assertTrue(Exact.isNearest(Exact.single(), got, f.valueOf(a, 215), 215));
    }

    function test_fuzz_algebra(uint64 a, uint64 b, uint64 c) public pure {
        vm.assertEq(uint256(F64.add(a, b)), uint256(F64.add(b, a)));
        vm.assertEq(uint256(F64.mul(a, b)), uint256(F64.mul(b, a)));
        vm.assertEq(uint256(F64.fma(a, b, c)), uint256(F64.fma(b, a, c)));
        vm.assertEq(uint256(F64.fma(a, ONE, c)), uint256(F64.add(a, c)));
        vm.assertEq(
            uint256(F64.fma(a, b, MINUS_ZERO)) % MINUS_ZERO, uint256(F64.mul(a, b)) % MINUS_ZERO
        );
        vm.assertEq(uint256(F64.sub(a, b)), uint256(F64.add(a, b ^ MINUS_ZERO)));
        uint64 difference = F64.sub(b, a);
        if (difference % MINUS_ZERO != 0) {
            vm.assertEq(uint256(F64.neg(F64.sub(a, b))), uint256(difference));
        }
        vm.assertEq(uint256(F64.div(a, ONE)), uint256(F64.canonical(a)));
    }

    function test_fuzz_inverses(uint64 a) public pure {
        if (!isFinite(a)) return;
        vm.assertEq(uint256(F64.sub(a, a)), 0);
        vm.assertEq(uint256(F64.add(a, MINUS_ZERO)), uint256(a));
        vm.assertEq(uint256(F64.mul(a, ONE)), uint256(a));
        if (a & 0x7fffffffffffffff == 0) return;
        vm.assertEq(uint256(F64.div(a, a)), uint256(ONE));
    }

    /// @notice One of less, equal, greater and "one is NaN" holds; min and max agree with them.
    function test_fuzz_order(uint64 a, uint64 b) public pure {
        bool none = F64.isNan(a) || F64.isNan(b);
        uint256 holds = (F64.lt(a, b) ? 1 : 0) + (F64.eq(a, b) ? 1 : 0) + (F64.lt(b, a) ? 1 : 0);
        vm.assertEq(holds, none ? 0 : 1);
        vm.assertTrue(F64.le(a, b) == (F64.lt(a, b) || F64.eq(a, b)));
        (uint64 low, uint64 high) = (F64.min(a, b), F64.max(a, b));
        if (none) {
            vm.assertTrue(low == F64.NAN && high == F64.NAN);
            return;
        }
        vm.assertTrue(F64.le(low, high));
        vm.assertTrue((low == a && high == b) || (low == b && high == a));
        vm.assertTrue(F64.comesAfter(high, low) == (low != high));
        vm.assertFalse(F64.comesAfter(low, high));
    }

    function test_zeros() public pure {
        vm.assertEq(uint256(F64.min(0, MINUS_ZERO)), MINUS_ZERO);
        vm.assertEq(uint256(F64.max(MINUS_ZERO, 0)), 0);
        vm.assertTrue(F64.eq(0, MINUS_ZERO) && !F64.lt(MINUS_ZERO, 0));
        vm.assertEq(uint256(F64.fma(0, MINUS_ZERO, MINUS_ZERO)), MINUS_ZERO);
        vm.assertEq(uint256(F64.fma(0, MINUS_ZERO, 0)), 0);
        vm.assertEq(uint256(F64.floor(MINUS_ZERO)), MINUS_ZERO);
        vm.assertEq(uint256(F64.sqrt(MINUS_ZERO)), MINUS_ZERO);
        // A product that rounds to zero keeps its sign, whatever zero is added.
        vm.assertEq(uint256(F64.fma(MINUS_ZERO | 1, 1, 0)), MINUS_ZERO);
    }

    function test_infinities() public pure {
        vm.assertEq(uint256(F64.sub(INFINITY, INFINITY)), F64.NAN);
        vm.assertEq(uint256(F64.mul(INFINITY, 0)), F64.NAN);
        vm.assertEq(uint256(F64.fma(INFINITY, ONE, INFINITY | MINUS_ZERO)), F64.NAN);
        vm.assertEq(uint256(F64.fma(INFINITY, 0, ONE)), F64.NAN);
        vm.assertEq(uint256(F64.div(ONE, MINUS_ZERO)), INFINITY | MINUS_ZERO);
        vm.assertEq(uint256(F64.div(0, 0)), F64.NAN);
        vm.assertEq(uint256(F64.add(0x7fefffffffffffff, 0x7fefffffffffffff)), INFINITY);
        vm.assertEq(
            uint256(F64.fma(0x7fefffffffffffff, 0x4000000000000000, 0xffefffffffffffff)),
            0x7fefffffffffffff
        );
    }

    /// @notice Whatever the bits, no result is a NaN but the one NaN.
    function test_fuzz_oneNan(uint64 a, uint64 b, uint64 c) public pure {
        a |= INFINITY;
        uint64[9] memory results = [
            F64.add(a, b),
            F64.sub(b, a),
            F64.mul(a, b),
            F64.div(b, a),
            F64.fma(a, b, c),
            F64.fma(b, c, a),
            F64.sqrt(a),
            F64.neg(a),
            F64.floor(a)
        ];
        for (uint256 i = 0; i < 9; ++i) {
            vm.assertTrue(!F64.isNan(results[i]) || results[i] == F64.NAN);
        }
    }

    function test_fuzz_integers(int32 x) public pure {
        int256 value = x;
        uint64 bits = F64.fromI32(x);
        vm.assertEq(Exact.double().valueOf(bits, 60), value << 60);
        vm.assertEq(int256(F64.toI32(bits)), value);
        vm.assertEq(uint256(F64.floor(bits)), uint256(bits));
    }

    /// @notice The floor is whole, not above, and less than one below; toward zero is floor or above.
    function test_fuzz_floor(uint256 random) public pure {
        Exact.Format memory f = Exact.double();
        uint64 a = uint64(f.make(random, 990 + (random >> 200) % 63));
        int256 value = f.valueOf(a, 90);
        int256 down = f.valueOf(F64.floor(a), 90);
        vm.assertTrue(down % (1 << 90) == 0 && down <= value && value - down < 1 << 90);
        vm.assertEq(int256(F64.toI32(a)), value / (1 << 90));
    }

    function test_toI32_saturates() public pure {
        vm.assertEq(int256(F64.toI32(0x41e0000000000000)), type(int32).max);
        vm.assertEq(int256(F64.toI32(0xc1e0000000000000)), type(int32).min);
        vm.assertEq(int256(F64.toI32(0xfff0000000000000)), type(int32).min);
        vm.assertEq(int256(F64.toI32(0x41dfffffffffffff)), 2 ** 31 - 1);
        vm.assertEq(int256(F64.toI32(0xfff8000000000000)), 0);
    }
}
