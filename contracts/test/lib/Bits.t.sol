// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Bits} from "../../src/lib/Bits.sol";
import {Base} from "../support/Base.sol";

contract BitsTest is Base {
    /// @notice The instruction is what its doc says in Solidity.
    function test_fuzz_leadingZeros_isLog2(uint256 x, uint8 shift) public pure {
        x >>= shift; // so that every count is as likely
        vm.assertEq(Bits.leadingZeros(x), x == 0 ? 256 : 255 - Math.log2(x));
    }

    function test_leadingZeros_everyCount() public pure {
        vm.assertEq(Bits.leadingZeros(0), 256);
        for (uint256 bit = 0; bit < 256; ++bit) {
            vm.assertEq(Bits.leadingZeros(1 << bit), 255 - bit);
            vm.assertEq(Bits.leadingZeros(type(uint256).max >> (255 - bit)), 255 - bit);
        }
    }
}
