// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Vm} from "./Vm.sol";

/// @notice What every test has: the cheat codes, and ranges for fuzzed numbers.
abstract contract Base {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bool public constant IS_TEST = true;

    /// @notice Maps `value` into `low..=high`, keeping it where it already is inside.
    function bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        if (value >= low && value <= high) return value;
        return low + value % (high - low + 1);
    }

    /// @notice Moves `count` blocks on.
    function mine(uint256 count) internal {
        vm.roll(block.number + count);
    }
}
