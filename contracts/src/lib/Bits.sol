// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title What the EVM can do with bits and Solidity has no word for
library Bits {
    /// @notice Returns how many zero bits `x` has above its leading one: 256 if it has none.
    /// @dev One instruction of 5 gas (EIP-7939). In Solidity, at some 300 gas:
    ///      `x == 0 ? 256 : 255 - Math.log2(x)`.
    function leadingZeros(uint256 x) internal pure returns (uint256 count) {
        assembly ("memory-safe") {
            count := clz(x)
        }
    }
}
