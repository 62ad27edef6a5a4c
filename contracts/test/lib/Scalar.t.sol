// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {F64} from "../../src/lib/F64.sol";
import {Scalar} from "../../src/lib/Scalar.sol";
import {Base} from "../support/Base.sol";

contract ScalarCaller {
    function compute(uint8 code, uint8 dtype, uint8 result, uint64 a, uint64 b, uint64 c)
        external
        pure
        returns (uint64)
    {
        return Scalar.compute(code, dtype, result, a, b, c);
    }

    function comesAfter(uint8 dtype, uint64 a, uint64 b) external pure returns (bool) {
        return Scalar.comesAfter(dtype, a, b);
    }
}

/// @notice The dispatch; what each op gives is in ScalarVectors.t.sol.
contract ScalarTest is Base {
    ScalarCaller internal scalar = new ScalarCaller();

    function isElementwise(uint256 code, uint256 dtype) internal pure returns (bool) {
        if (code >= 0x10 && code <= 0x1b) return code != 0x1a || dtype == 2;
        if (code == 0x21) return true; // one step of a chain, of i32 too
        if (code >= 0x20 && code <= 0x28) return dtype < 2;
        return code >= 0x30 && code <= 0x35 && dtype == 2;
    }

    /// @notice Every code under every dtype either has a result or names what is wrong.
    function test_everyCode() public {
        for (uint256 code = 0; code < 256; ++code) {
            for (uint8 dtype = 0; dtype < 3; ++dtype) {
                if (!isElementwise(code, dtype)) {
                    vm.expectRevert(
                        abi.encodeWithSelector(Scalar.NotElementwise.selector, code, dtype)
                    );
                }
                scalar.compute(uint8(code), dtype, dtype, 1, 2, 3);
            }
        }
    }

    function test_fuzz_noDtype(uint8 dtype, uint8 code) public {
        dtype = uint8(bound(dtype, 3, 255));
        bytes memory no = abi.encodeWithSelector(Scalar.NoDtype.selector, dtype);
        vm.expectRevert(no);
        scalar.compute(code, dtype, 0, 1, 2, 3);
        vm.expectRevert(no);
        scalar.compute(Scalar.CONVERT, 0, dtype, 1, 2, 3);
        vm.expectRevert(no);
        scalar.comesAfter(dtype, 1, 2);
    }

    /// @notice The high half of an f32 or i32 operand is ignored, and that of a result is 0.
    function test_fuzz_highHalf(uint8 code, uint64 a, uint64 b, uint64 c) public view {
        code = uint8(bound(code, 0x10, 0x28));
        uint64 low = type(uint32).max;
        for (uint8 dtype = 0; dtype < 3; dtype += 2) {
            if (!isElementwise(code, dtype) || code == Scalar.SELECT) continue;
            uint64 got = scalar.compute(code, dtype, 0, a, b, c);
            vm.assertEq(
                uint256(got), uint256(scalar.compute(code, dtype, 0, a & low, b & low, c & low))
            );
            vm.assertLe(uint256(got), low);
        }
    }

    /// @notice Select copies the bits of either, NaNs and high halves included.
    function test_fuzz_select(uint64 a, uint64 b, uint64 c) public view {
        uint64 got = scalar.compute(Scalar.SELECT, 2, 1, a, b, c);
        vm.assertEq(uint256(got), uint256(a % 2 ** 32 != 0 ? b : c));
        vm.assertEq(uint256(scalar.compute(Scalar.SELECT, 2, 1, a << 32, b, c)), uint256(c));
    }

    /// @notice Exact conversions come back.
    function test_fuzz_convert(uint32 bits) public view {
        uint64 wide = scalar.compute(Scalar.CONVERT, 2, 1, bits, 0, 0);
        vm.assertEq(uint256(scalar.compute(Scalar.CONVERT, 1, 2, wide, 0, 0)), bits);
        wide = scalar.compute(Scalar.CONVERT, 0, 1, bits, 0, 0);
        uint64 own = scalar.compute(Scalar.CONVERT, 0, 0, bits, 0, 0);
        vm.assertEq(uint256(scalar.compute(Scalar.CONVERT, 1, 0, wide, 0, 0)), uint256(own));
        vm.assertEq(uint256(scalar.compute(Scalar.CONVERT, 1, 1, wide, 0, 0)), uint256(wide));
        vm.assertEq(uint256(F64.canonical(wide)), uint256(wide));
    }

    /// @notice A chain of max steps by `comesAfter` gives what max gives, but for the payload.
    function test_fuzz_comesAfter(uint8 dtype, uint64 a, uint64 b) public view {
        dtype %= 3;
        uint64 greater = scalar.comesAfter(dtype, b, a) ? b : a;
        uint64 got = scalar.compute(Scalar.MAX, dtype, 0, a, b, 0);
        vm.assertEq(
            uint256(got), uint256(scalar.compute(Scalar.CONVERT, dtype, dtype, greater, 0, 0))
        );
        vm.assertFalse(scalar.comesAfter(dtype, a, a));
    }
}
