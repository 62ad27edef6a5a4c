// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Code} from "./Code.sol";

/// @title Headers of Programs
/// @notice The preimage of a Program's hash after its first byte (docs/numerics.md, "Identity"):
///         op count, outputs, inputs, root of the op tree.
library Header {
    /// @param outputsAt where the indices of the outputs begin
    /// @param inputsAt where the types of the inputs begin
    struct Counts {
        uint256 ops;
        uint256 outputs;
        uint256 inputs;
        bytes32 opsRoot;
        uint256 outputsAt;
        uint256 inputsAt;
    }

    /// @notice Thrown when a header is not that of the Program.
    error NotTheHeader(bytes32 program, bytes32 got);

    /// @notice Checks that `raw` is the header of `program`, and reads its counts.
    function open(bytes32 program, bytes memory raw) internal pure returns (Counts memory counts) {
        bytes32 got = hash(raw);
        require(got == program, NotTheHeader(program, got));
        counts.ops = Code.word(raw, 0);
        counts.outputs = Code.word(raw, 4);
        counts.outputsAt = 8;
        counts.inputs = Code.word(raw, 8 + 4 * counts.outputs);
        counts.inputsAt = 12 + 4 * counts.outputs;
        require(raw.length >= counts.inputsAt + 32, Code.Malformed(raw.length, raw.length));
        bytes32 root;
        assembly ("memory-safe") {
            root := mload(add(raw, mload(raw)))
        }
        counts.opsRoot = root;
    }

    /// @notice Returns the Program's hash, `keccak(0x03 ‖ raw)`.
    function hash(bytes memory raw) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0x03), raw));
    }
}
