// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Optimistic claims about the result of a Program
/// @notice The consumer that relies on a claim fixes its program and inputs; only `outputsRoot` is the asserter's word.
interface ICourt {
    enum State { None, Open, Frozen, Final, Released }

    /// @param consumer contract that opened the claim and relies on it
    /// @param bond in wei of the token, taken from the asserter's allowance
    /// @param deadline last block in which the claim can be challenged
    struct Claim {
        bytes32 program;
        bytes32 inputsRoot;
        bytes32 outputsRoot;
        address asserter;
        address consumer;
        uint256 bond;
        uint64 deadline;
        State state;
    }

    event Claimed(uint256 indexed id, bytes32 indexed program, bytes32 inputsRoot, bytes32 outputsRoot, address indexed asserter, address consumer, uint256 bond, uint64 deadline);
    event Challenged(uint256 indexed id, address indexed challenger, bytes32 outputsRoot, uint256 bond);
    event Finalised(uint256 indexed id);
    event Released(uint256 indexed id);

    error UnknownClaim(uint256 id);
    error NotOpen(uint256 id, State state);
    error WindowOpen(uint256 id, uint64 deadline);
    error WindowClosed(uint256 id, uint64 deadline);
    error SameOutputs(uint256 id);
    error OwnClaim(uint256 id);
    error OnlyConsumer();

    /// @notice Opens a claim; the caller is its consumer and names the asserter whose allowance pays the bond.
    function post(bytes32 program, bytes32 inputsRoot, bytes32 outputsRoot, address asserter) external returns (uint256 id);
    /// @notice Freezes an open claim by stating another result, with a bond of the same size. One challenger a claim until disputes exist.
    function challenge(uint256 id, bytes32 outputsRoot) external;
    /// @notice Makes an unchallenged claim final after its deadline and gives the bond back.
    function finalise(uint256 id) external;
    /// @notice Gives both bonds of a frozen claim back; only its consumer, once it relies on another claim or on none.
    function release(uint256 id) external;
    function claim(uint256 id) external view returns (Claim memory);
    function challengerOf(uint256 id) external view returns (address challenger, bytes32 outputsRoot);
    function bondSize() external view returns (uint256);
    function windowBlocks() external view returns (uint64);
}
