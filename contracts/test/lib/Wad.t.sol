// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {F32} from "../../src/lib/F32.sol";
import {Wad} from "../../src/lib/Wad.sol";
import {Base} from "../support/Base.sol";

contract WadCaller {
    function down(uint64 bits) external pure returns (uint256) {
        return Wad.down(bits);
    }

    function up(uint64 bits) external pure returns (uint256) {
        return Wad.up(bits);
    }
}

contract WadTest is Base {
    WadCaller internal caller = new WadCaller();

    function known(uint64 bits, uint256 down, uint256 up) internal view {
        vm.assertEq(caller.down(bits), down);
        vm.assertEq(caller.up(bits), up);
    }

    /// @notice The values of the crate `market`, module `wad`.
    function test_known() public view {
        known(0, 0, 0);
        known(0x8000000000000000, 0, 0);
        known(0x3ff0000000000000, 1e18, 1e18);
        known(0x3fe0000000000000, 0.5e18, 0.5e18);
        known(0x3c32725dd1d243ac, 1, 2); // 1e-18, a little more than it
        known(0x1, 0, 1);
        known(0x0010000000000000, 0, 1);
        known(0x404727ae147ae148, 46_310_000_000_000_002_273, 46_310_000_000_000_002_274);
        known(0x43b0000000000000, 1e18 << 60, 1e18 << 60);
    }

    function refused(uint64 bits) internal {
        bytes memory refusal = abi.encodeWithSelector(Wad.NotAWad.selector, bits);
        vm.expectRevert(refusal);
        caller.down(bits);
        vm.expectRevert(refusal);
        caller.up(bits);
    }

    function test_refused() public {
        refused(0x7ff8000000000000); // NaN
        refused(0x7ff0000000000000); // infinity
        refused(0xfff0000000000000);
        refused(0xbff0000000000000); // -1
        refused(0x8000000000000001);
        refused(0x7fefffffffffffff); // the largest
        refused(0x4432725dd1d243ac); // 3.4028236692093847e20, the first that does not fit
        known(
            0x4432725dd1d243ab,
            340_282_366_920_938_422_272 * 1e18,
            340_282_366_920_938_422_272 * 1e18
        );
    }

    /// @notice The two are the whole numbers next to the product, which is known exactly.
    function test_fuzz_nextToTheProduct(uint64 bits) public view {
        uint256 exponent = bound(bits >> 52, 900, 1090);
        uint256 mantissa = (bits % 2 ** 52) | 2 ** 52;
        bits = uint64((exponent << 52) | (bits % 2 ** 52));
        uint256 product = mantissa * 1e18;
        uint256 down = caller.down(bits);
        uint256 up = caller.up(bits);
        vm.assertTrue(up == down || up == down + 1);
        if (exponent >= 1075) {
            vm.assertEq(down, product << (exponent - 1075));
            vm.assertEq(up, down);
        } else if (1075 - exponent < 128) {
            uint256 unit = 1 << (1075 - exponent);
            vm.assertLe(down * unit, product);
            vm.assertGe(up * unit, product);
            vm.assertEq(up == down, down * unit == product);
        } else {
            vm.assertEq(down, 0);
            vm.assertEq(up, 1);
        }
    }

    /// @notice Nothing reverts but with the one error, and what does not is in order.
    function test_fuzz_total(uint64 bits) public view {
        try caller.down(bits) returns (uint256 down) {
            vm.assertTrue(bits >> 63 == 0 || bits << 1 == 0);
            try caller.up(bits) returns (uint256 up) {
                vm.assertTrue(up == down || up == down + 1);
            } catch {
                vm.assertEq(down, type(uint128).max);
            }
        } catch (bytes memory why) {
            vm.assertEq(bytes32(bytes4(why)), bytes32(Wad.NotAWad.selector));
        }
    }

    function test_fuzz_f32(uint32 bits) public view {
        bits = uint32(bound(bits, 1, 0x5fffffff));
        vm.assertEq(Wad.downOf32(bits), caller.down(F32.toF64(bits)));
        vm.assertEq(Wad.upOf32(bits), caller.up(F32.toF64(bits)));
    }
}
