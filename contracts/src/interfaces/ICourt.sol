// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Optimistic claims about the result of a Program
/// @notice The consumer that relies on a claim fixes its program and inputs; only `outputsRoot` is
///         the asserter's word. Unchallenged until its deadline a claim is final; a challenge
///         freezes it, and a frozen claim pays nobody.
interface ICourt {
    /// @notice `Open` can be challenged, `Frozen` was, `Final` can be relied on, `Released` gave
    ///         the bonds of a frozen claim back.
    enum State {
        None,
        Open,
        Frozen,
        Final,
        Released
    }

    /// @param program hash of the Program that was run
    /// @param inputsRoot list root of its inputs, derived by the consumer
    /// @param outputsRoot list root of what the asserter says it returned
    /// @param asserter pays the bond and gets it back
    /// @param consumer contract that opened the claim and relies on it
    /// @param bond in wei of the token, taken from the asserter's allowance
    /// @param deadline last block in which the claim can be challenged
    /// @param state where the claim stands
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

    /// @param bond wei
    /// @param deadline last block in which the claim can be challenged
    event Claimed(
        uint256 indexed id,
        bytes32 indexed program,
        bytes32 inputsRoot,
        bytes32 outputsRoot,
        address indexed asserter,
        address consumer,
        uint256 bond,
        uint64 deadline
    );
    /// @param outputsRoot what the challenger says the Program returned
    /// @param bond wei
    event Challenged(
        uint256 indexed id, address indexed challenger, bytes32 outputsRoot, uint256 bond
    );
    event Finalised(uint256 indexed id);
    event Released(uint256 indexed id);

    /// @notice Thrown for an id that no claim has.
    error UnknownClaim(uint256 id);
    /// @notice Thrown when a claim is not in the state the call needs (open, or frozen for
    ///         `release`).
    error NotOpen(uint256 id, State state);
    /// @notice Thrown by `finalise` while the claim can still be challenged.
    error WindowOpen(uint256 id, uint64 deadline);
    /// @notice Thrown by `challenge` after the deadline.
    error WindowClosed(uint256 id, uint64 deadline);
    /// @notice Thrown by `challenge` when the result stated is the claim's own.
    error SameOutputs(uint256 id);
    /// @notice Thrown by `challenge` when the asserter challenges itself.
    error OwnClaim(uint256 id);
    /// @notice Thrown by `post` for a sender that is no consumer of this court, and by `release`
    ///         for one that is not the claim's.
    error OnlyConsumer();

    /// @notice Opens a claim; the caller is its consumer and names the asserter whose allowance
    ///         pays the bond. Only contracts this court was deployed for can call it: anybody else
    ///         could bind a stranger's bond to a claim that is never released.
    /// @return id 1 for the first claim
    function post(bytes32 program, bytes32 inputsRoot, bytes32 outputsRoot, address asserter)
        external
        returns (uint256 id);

    /// @notice Freezes an open claim by stating another result, with a bond of the same size. One
    ///         challenger a claim until disputes exist.
    function challenge(uint256 id, bytes32 outputsRoot) external;

    /// @notice Makes an unchallenged claim final after its deadline and gives the bond back.
    function finalise(uint256 id) external;

    /// @notice Gives both bonds of a frozen claim back; only its consumer, once it relies on
    ///         another claim or on none.
    function release(uint256 id) external;

    /// @notice Returns a claim; reverts with `UnknownClaim` for an id that none has.
    function claim(uint256 id) external view returns (Claim memory);

    /// @notice Returns who froze a claim and the result it stated; zeros when nobody did.
    function challengerOf(uint256 id)
        external
        view
        returns (address challenger, bytes32 outputsRoot);

    /// @notice Returns the bond of a claim, and of a challenge, in wei.
    function bondSize() external view returns (uint256);

    /// @notice Returns for how many blocks after its own a claim can be challenged.
    function windowBlocks() external view returns (uint64);

    /// @notice Returns whether a contract can open claims here.
    function isConsumer(address consumer) external view returns (bool);
}
