// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IGathering} from "./IGathering.sol";

/// @title Whose updates a round aggregates, row by row
/// @notice docs/protocol.md §10. What was gathered and what was forced make one list of inputs; its
///         root is what a claim about the aggregation is about.
interface IRoster {
    /// @notice A reveal that was forced in, as its event has it.
    struct Forced {
        uint32 node;
        uint32 rows;
        bytes32 updateRoot;
    }

    /// @notice The end of the reveals' list, to which forced ones are added.
    /// @param update the last input, an update root, with its way up
    /// @param chunk the last chunk of the members, with its way up
    /// @param crown way up of the first four inputs, once the forced ones are added
    struct Tail {
        bytes32 update;
        bytes32[] updateSiblings;
        bytes chunk;
        bytes32[] chunkSiblings;
        bytes32[] crown;
    }

    event Sealed(uint64 indexed round, uint32 rows, bytes32 membersRoot, bytes32 inputsRoot);

    /// @notice Thrown before reveals are over.
    error TooEarly(uint64 round);
    /// @notice Thrown by `seal` when it was done.
    error AlreadySealed(uint64 round);
    /// @notice Thrown by `seal` when nobody revealed.
    error NothingToSeal(uint64 round);
    /// @notice Thrown when the node forced its reveal.
    error Revealed(uint32 node);

    /// @notice Fixes the inputs of the aggregation, once reveals are over; anyone may.
    /// @param forced all forced reveals in their order
    /// @param tail ignored unless a list was taken and there are some
    function seal(uint64 round, Forced[] calldata forced, Tail calldata tail) external;

    /// @notice Requires that a node committed and did not reveal, once reveals are over.
    /// @param commitment its entry of the commitments taken; ignored where it forced its own
    /// @param beside its neighbours in the reveals taken
    function requireUnrevealed(
        uint64 round,
        uint32 node,
        IGathering.Entry calldata commitment,
        IGathering.Entry[] calldata beside
    ) external view;

    /// @notice Returns rows and list root of the aggregation's inputs; zeros until sealed.
    function inputsOf(uint64 round) external view returns (uint32 rows, bytes32 inputsRoot);
}
