// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Scalar} from "../lib/Scalar.sol";

/// @title Many scalar steps in one call
/// @notice What the Rust tests run millions of cases through; it is not deployed.
contract ScalarBatch {
    /// @notice Returns the results of one op on many operands, eight bytes each.
    /// @param kind the op's code, the dtype of its first operand and that of its result
    /// @param operands 24 bytes a case: a, b and c, big-endian
    function compute(uint8[3] calldata kind, bytes calldata operands)
        external
        pure
        returns (bytes memory results)
    {
        (uint8 code, uint8 dtype, uint8 result) = (kind[0], kind[1], kind[2]);
        uint256 count = operands.length / 24;
        results = new bytes(8 * count);
        uint256 word = 0;
        for (uint256 i = 0; i < count; ++i) {
            bytes24 abc = bytes24(operands[24 * i:24 * i + 24]);
            (uint64 a, uint64 b) = (uint64(bytes8(abc)), uint64(bytes8(abc << 64)));
            word = Scalar.compute(code, dtype, result, a, b, uint64(bytes8(abc << 128)));
            // Zeros fall behind the last result, into memory that was rounded up to a word.
            assembly ("memory-safe") {
                mstore(add(add(results, 32), mul(8, i)), shl(192, word))
            }
        }
    }
}
