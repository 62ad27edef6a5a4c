// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Amount} from "../../src/lib/Amount.sol";
import {Base} from "../support/Base.sol";

contract AmountCaller {
    function toUint64(uint64 bits) external pure returns (uint64) {
        return Amount.toUint64(bits);
    }

    function fromUint64(uint64 value) external pure returns (uint64) {
        return Amount.fromUint64(value);
    }

    function load(bytes calldata chunk, uint256 index) external pure returns (uint64) {
        return Amount.load(chunk, index);
    }
}

contract AmountTest is Base {
    AmountCaller internal amount = new AmountCaller();

    function test_toUint64_known() public view {
        vm.assertEq(amount.toUint64(0), 0);
        vm.assertEq(amount.toUint64(0x3ff0000000000000), 1);
        vm.assertEq(amount.toUint64(0x4000000000000000), 2);
        vm.assertEq(amount.toUint64(0x4008000000000000), 3);
        vm.assertEq(amount.toUint64(0x433fffffffffffff), 2 ** 53 - 1);
        vm.assertEq(amount.toUint64(0x4340000000000001), 2 ** 53 + 2);
        vm.assertEq(amount.toUint64(0x43efffffffffffff), 0xfffffffffffff800);
    }

    function test_toUint64_refuses() public {
        uint64[11] memory bad = [
            0x8000000000000000, // -0
            0xbff0000000000000, // -1
            0x3fe0000000000000, // 0.5
            0x3ff8000000000000, // 1.5
            0x3ff0000000000001, // 1 and one unit in the last place
            0x432fffffffffffff, // 2^52 - 0.5
            0x0000000000000001, // the smallest subnormal
            0x43f0000000000000, // 2^64
            0x7ff0000000000000, // infinity
            0x7ff8000000000000, // NaN
            0xfff8000000000001 // NaN, negative
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Amount.NotAnAmount.selector, bad[i]));
            amount.toUint64(bad[i]);
        }
    }

    function test_fuzz_roundTrip_below53Bits(uint64 value) public view {
        value %= 2 ** 53;
        vm.assertEq(amount.toUint64(amount.fromUint64(value)), value);
    }

    /// @notice Whatever has a double comes back; whatever has none is refused, never rounded.
    function test_fuzz_roundTrip_all64Bits(uint64 value, uint8 zeros) public view {
        value = (value >> (zeros % 64)) << (zeros % 64);
        try amount.fromUint64(value) returns (uint64 bits) {
            vm.assertEq(amount.toUint64(bits), value);
        } catch {
            uint256 odd = value;
            while (odd % 2 == 0) odd /= 2;
            vm.assertTrue(odd >= 2 ** 53);
        }
    }

    /// @notice Any bits that are taken for an amount are that amount's only bits.
    function test_fuzz_toUint64_isInjective(uint64 bits) public view {
        try amount.toUint64(bits) returns (uint64 value) {
            vm.assertEq(amount.fromUint64(value), bits);
        } catch {}
    }

    function test_fuzz_toUint64_amounts(uint16 exponent, uint64 mantissa) public view {
        uint64 bits = (uint64(1023 + exponent % 64) << 52) | (mantissa % 2 ** 52);
        try amount.toUint64(bits) returns (uint64 value) {
            vm.assertEq(amount.fromUint64(value), bits);
        } catch {}
    }

    function test_load_littleEndian() public view {
        bytes memory chunk = hex"0000000000000840000000000000f03f";
        vm.assertEq(amount.toUint64(amount.load(chunk, 0)), 3);
        vm.assertEq(amount.toUint64(amount.load(chunk, 1)), 1);
    }
}
