// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Scenarios} from "../../src/lib/Scenarios.sol";
import {Wad} from "../../src/lib/Wad.sol";
import {Base} from "../support/Base.sol";

contract ScenariosTest is Base {
    using Scenarios for Scenarios.Sum;

    Scenarios.Charges internal charges = Scenarios.Charges(20_000, 10_000, 10_000, 500_000);

    function ticks(uint64 bits) external pure returns (int256, bool) {
        return Scenarios.ticksOf(bits);
    }

    /// @notice Floored, and the floor is a tick away at most: checked against wads, floored and
    ///         raised.
    function test_fuzz_ticks_areTheFloor(uint64 bits) public pure {
        uint64 size = bits & (type(uint64).max >> 1);
        size = uint64(bound(size, 0, 0x43b0000000000000)); // 2^60
        (int256 positive, bool rest) = Scenarios.ticksOf(size);
        (int256 negative, bool same) = Scenarios.ticksOf(size | 1 << 63);
        uint256 down = Wad.down(size);
        vm.assertEq(positive, int256(down / 1e6));
        vm.assertEq(rest, Wad.up(size) != down || down % 1e6 != 0);
        vm.assertEq(rest, same);
        vm.assertEq(negative, rest ? -positive - 1 : -positive);
    }

    function test_ticks_refusesWhatIsNoNumber() public {
        uint64[4] memory bad = [
            0x7ff0000000000000, 0x7ff8000000000000, 0xfff0000000000000, uint64(0x44a0000000000000)
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(Scenarios.NotANumber.selector, bad[i]));
            this.ticks(bad[i]);
        }
    }

    function sheetOf(uint256 seed) internal pure returns (Scenarios.Sheet memory sheet) {
        for (uint256 i = 0; i < 24; ++i) {
            sheet.gains[i] = int256(uint256(keccak256(abi.encode(seed, i))) % 2e16) - 1e16;
        }
        sheet.inexact = seed & 0xffffff;
        sheet.delta = int256(seed % 2e12) - 1e12;
        sheet.kind = uint8(seed % 3);
    }

    function marginOf(int256[4] memory lots, uint256 seed) internal view returns (uint256) {
        Scenarios.Sum memory sum;
        for (uint256 i = 0; i < 4; ++i) {
            if (lots[i] != 0) sum.add(sheetOf(uint256(keccak256(abi.encode(seed, i)))), lots[i]);
        }
        return sum.initial(charges, 100e12);
    }

    function boundLots(int256[4] memory lots) internal pure {
        for (uint256 i = 0; i < 4; ++i) {
            lots[i] = int256(bound(uint256(lots[i]), 0, 2e12)) - 1e12;
        }
    }

    /// @notice Two portfolios together ask no more than each alone, but for rounding up twice each.
    function test_fuzz_margin_together(int256[4] memory a, int256[4] memory b, uint256 seed)
        public
        view
    {
        boundLots(a);
        boundLots(b);
        int256[4] memory both;
        for (uint256 i = 0; i < 4; ++i) {
            both[i] = a[i] + b[i];
        }
        vm.assertLe(marginOf(both, seed), marginOf(a, seed) + marginOf(b, seed) + 1e8 * 4);
    }

    /// @notice Twice a portfolio asks twice as much, but for rounding.
    function test_fuzz_margin_scales(int256[4] memory a, uint256 seed) public view {
        boundLots(a);
        int256[4] memory twice;
        for (uint256 i = 0; i < 4; ++i) {
            twice[i] = 2 * a[i];
        }
        uint256 one = marginOf(a, seed);
        vm.assertLe(marginOf(twice, seed), 2 * one);
        vm.assertGe(marginOf(twice, seed) + 1e9, 2 * one);
    }
}
