// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Elementary32} from "../../src/lib/Elementary32.sol";
import {Elementary64} from "../../src/lib/Elementary64.sol";
import {F32} from "../../src/lib/F32.sol";
import {F64} from "../../src/lib/F64.sol";
import {Base} from "../support/Base.sol";

/// @notice What the functions must satisfy as functions; that every bit is the reference's is for the
///         golden vectors and the differential test to say.
contract ElementaryTest is Base {
    uint64 internal constant ONE = 0x3ff0000000000000;
    uint64 internal constant SIGN = 0x8000000000000000;
    uint64 internal constant INFINITY = 0x7ff0000000000000;

    /// @notice Doubles whose exponent is between those of 2^-20 and 2^8, of either sign.
    function ordinary(uint64 random) internal pure returns (uint64) {
        uint64 exponent = 1003 + uint64((random >> 52) % 28);
        return (random & (SIGN | 0x000fffffffffffff)) | (exponent << 52);
    }

    /// @notice Whether two positive doubles are at most `places` apart.
    function near(uint64 a, uint64 b, uint64 places) internal pure returns (bool) {
        return (a > b ? a - b : b - a) <= places;
    }

    function test_known() public pure {
        vm.assertEq(uint256(Elementary64.exp(0)), ONE);
        vm.assertEq(uint256(Elementary64.exp(SIGN)), ONE);
        vm.assertEq(uint256(Elementary64.exp(ONE)), 0x4005bf0a8b145769); // e
        vm.assertEq(uint256(Elementary64.log(ONE)), 0);
        vm.assertEq(uint256(Elementary64.log(0x4000000000000000)), 0x3fe62e42fefa39ef); // ln 2
        vm.assertEq(uint256(Elementary64.erf(SIGN)), SIGN);
        vm.assertEq(uint256(Elementary64.erfc(0)), ONE);
        vm.assertEq(uint256(Elementary32.exp(0x3f800000)), 0x402df854);
        vm.assertEq(uint256(Elementary32.log(0x40000000)), 0x3f317218);
    }

    function test_limits() public pure {
        vm.assertEq(uint256(Elementary64.exp(INFINITY)), INFINITY);
        vm.assertEq(uint256(Elementary64.exp(SIGN | INFINITY)), 0);
        vm.assertEq(uint256(Elementary64.log(SIGN)), SIGN | INFINITY);
        vm.assertEq(uint256(Elementary64.log(SIGN | 1)), F64.NAN);
        vm.assertEq(uint256(Elementary64.log(INFINITY)), INFINITY);
        vm.assertEq(uint256(Elementary64.tanh(SIGN | INFINITY)), SIGN | ONE);
        vm.assertEq(uint256(Elementary64.erf(INFINITY)), ONE);
        vm.assertEq(uint256(Elementary64.erfc(INFINITY)), 0);
        vm.assertEq(uint256(Elementary64.erfc(SIGN | INFINITY)), 0x4000000000000000);
    }

    function test_fuzz_oneNan(uint64 x, uint32 y) public pure {
        x = INFINITY | 1 | x;
        y = 0x7f800001 | y;
        vm.assertEq(uint256(Elementary64.exp(x)), F64.NAN);
        vm.assertEq(uint256(Elementary64.log(x)), F64.NAN);
        vm.assertEq(uint256(Elementary64.tanh(x)), F64.NAN);
        vm.assertEq(uint256(Elementary64.erf(x)), F64.NAN);
        vm.assertEq(uint256(Elementary64.erfc(x)), F64.NAN);
        vm.assertEq(uint256(Elementary32.exp(y)), F32.NAN);
        vm.assertEq(uint256(Elementary32.log(y)), F32.NAN);
        vm.assertEq(uint256(Elementary32.tanh(y)), F32.NAN);
        vm.assertEq(uint256(Elementary32.erf(y)), F32.NAN);
        vm.assertEq(uint256(Elementary32.erfc(y)), F32.NAN);
    }

    function test_fuzz_odd(uint64 random) public pure {
        uint64 x = ordinary(random);
        vm.assertEq(uint256(Elementary64.tanh(x ^ SIGN)), uint256(Elementary64.tanh(x) ^ SIGN));
        vm.assertEq(uint256(Elementary64.erf(x ^ SIGN)), uint256(Elementary64.erf(x) ^ SIGN));
    }

    /// @notice e^x * e^-x is 1, to the errors of three operations.
    function test_fuzz_exp_inverse(uint64 random) public pure {
        uint64 x = ordinary(random);
        uint64 product = F64.mul(Elementary64.exp(x), Elementary64.exp(x ^ SIGN));
        vm.assertTrue(near(product, ONE, 4));
    }

    /// @notice log x is the negative of log 1/x where the reciprocal is exact: at powers of two.
    function test_fuzz_log_powers(uint64 random) public pure {
        uint64 power = (1 + random % 2045) << 52;
        uint64 reciprocal = F64.div(ONE, power);
        uint64 sum = F64.add(Elementary64.log(power), Elementary64.log(reciprocal));
        vm.assertEq(uint256(sum), 0);
    }

    /// @notice The error function and its complement make 1, to the errors of both.
    function test_fuzz_erf_complement(uint64 random) public pure {
        uint64 x = ordinary(random);
        vm.assertTrue(near(F64.add(Elementary64.erf(x), Elementary64.erfc(x)), ONE, 4));
    }

    /// @notice f32 functions are those of f64 rounded, but for the last place.
    function test_fuzz_single(uint32 random) public pure {
        uint32 x = F64.toF32(ordinary(uint64(random) << 32));
        uint64 wide = F32.toF64(x);
        vm.assertEq(uint256(Elementary32.erf(x)), uint256(F64.toF32(Elementary64.erf(wide))));
        vm.assertEq(uint256(Elementary32.erfc(x)), uint256(F64.toF32(Elementary64.erfc(wide))));
        uint32 power = F64.toF32(Elementary64.exp(wide));
        vm.assertTrue(near(uint64(Elementary32.exp(x)), uint64(power), 1));
        uint32 tangent = F64.toF32(Elementary64.tanh(wide));
        vm.assertTrue(near(uint64(Elementary32.tanh(x)), uint64(tangent), 1));
    }

    /// @notice Where neighbouring pieces of a sequence meet, no step is larger than its error.
    function test_seams() public pure {
        uint64 half = 0x3fe0000000000000;
        vm.assertTrue(near(Elementary64.erfc(half - 1), Elementary64.erfc(half), 4));
        vm.assertTrue(near(Elementary64.erf(ONE - 1), Elementary64.erf(ONE), 3));
        vm.assertTrue(
            near(Elementary64.tanh(0x3fe1ffffffffffff), Elementary64.tanh(0x3fe2000000000000), 3)
        );
    }
}
