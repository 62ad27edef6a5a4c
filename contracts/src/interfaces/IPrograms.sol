// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "./ICourt.sol";

/// @title Programs that can be claimed about
/// @notice Registration is optimistic: whoever registers a Program posts its encoding, so that
///         whoever relies on it has it, and a bond. Until the window closes anybody can strike one
///         that is ill-formed, and takes half of the bond; the other half is burnt. What is ready
///         has therefore been open to everybody's objection, and stays ready for good.
interface IPrograms {
    enum State {
        None,
        Registered,
        Struck
    }

    /// @param registrant paid the bond and gets it back
    /// @param deadline last block in which it can be struck
    /// @param state where it stands
    /// @param bondHeld whether the bond is still here
    /// @param encodingHash keccak-256 of the posted bytes
    struct Entry {
        address registrant;
        uint64 deadline;
        State state;
        bool bondHeld;
        bytes32 encodingHash;
    }

    /// @param encoding docs/numerics.md, "Identity"
    event Registered(
        bytes32 indexed program, address indexed registrant, uint64 deadline, bytes encoding
    );
    /// @param op the ill-formed op; of an encoding that is not the Program's, the op count
    event Struck(bytes32 indexed program, address indexed striker, uint256 op);
    event Confirmed(bytes32 indexed program);

    /// @notice Thrown for a Program that is registered already.
    error AlreadyRegistered(bytes32 program);
    /// @notice Thrown for a Program that is not, or not any more.
    error NotRegistered(bytes32 program);
    /// @notice Thrown for an encoding above the limit of bytes.
    error TooLong(uint256 length, uint256 limit);
    /// @notice Thrown by strikes after the deadline.
    error WindowClosed(bytes32 program, uint64 deadline);
    /// @notice Thrown by `confirm` before the deadline, or when the bond is gone.
    error NothingToConfirm(bytes32 program);
    /// @notice Thrown by a strike at what is well formed.
    error WellFormed(bytes32 program);
    /// @notice Thrown when bytes stated are not those posted, or an op not one of the Program.
    error Mismatch(bytes32 expected, bytes32 got);
    /// @notice Thrown when a strike brings another number of operands than the op's check takes.
    error OpeningCount(uint256 expected, uint256 got);

    /// @notice Registers a Program with a bond from the caller's allowance. One that was struck can
    ///         be registered again.
    function register(bytes32 program, bytes calldata encoding) external;

    /// @notice Strikes a Program whose posted bytes are not its encoding: they do not parse, have
    ///         another hash, or break a rule that holds for a Program as a whole.
    function strikeEncoding(bytes32 program, bytes calldata encoding) external;

    /// @notice Strikes a Program with an op that breaks a rule of docs/numerics.md.
    /// @param header preimage of the Program's hash after its first byte
    /// @param index the op
    /// @param operand of `concat` the operand that is shown; else ignored
    /// @param op the op, then its operands in order, with their ways up to the root of the ops; an
    ///        operand that is not earlier is stated by its index alone, its opening is not read
    function strikeOp(
        bytes32 program,
        bytes calldata header,
        uint256 index,
        uint256 operand,
        ICourt.OpOpening[] calldata op
    ) external;

    /// @notice Gives the bond back after the deadline.
    function confirm(bytes32 program) external;

    /// @notice Whether claims about the Program can be made.
    function ready(bytes32 program) external view returns (bool);

    /// @notice Returns what is known of a Program; zeros for one that was never registered.
    function entry(bytes32 program) external view returns (Entry memory);

    /// @notice Returns the bond in wei.
    function bondSize() external view returns (uint256);

    /// @notice Returns for how many blocks after its own a registration can be struck.
    function windowBlocks() external view returns (uint64);
}
