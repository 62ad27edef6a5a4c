// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Who takes part in the running round, and what it starts from
/// @notice What `Gathering` knows of rounds. Answers about a round do not change while it runs.
interface IEnrolment {
    /// @notice Thrown when asked about another round than the running one.
    error NotRunning(uint64 round);

    /// @notice Returns the running round's number, or the last one's, 0 before the first; and the
    ///         block it opened in, with which enrolment closed.
    function opened() external view returns (uint64 round, uint64 openBlock);

    /// @notice Returns the tensor root of the params that the running round starts from.
    function modelRoot() external view returns (bytes32);

    /// @notice Returns the tensor root of the pay before it.
    function cumulativeRoot() external view returns (bytes32);

    /// @notice Returns how many rows of the aggregation a node has in the running round, 0 for one
    ///         without a seat.
    function rowsOf(uint64 round, uint32 node) external view returns (uint32);

    /// @notice Returns the commitment that stands for an update root and a salt.
    function commitmentOf(uint64 round, uint32 node, bytes32 updateRoot, bytes32 salt)
        external
        view
        returns (bytes32);

    /// @notice Returns below which registry index nodes can have a seat.
    function places() external view returns (uint32);

    /// @notice Returns the number of coordinates of an update.
    function updateLength() external view returns (uint32);

    /// @notice Returns the tensor root of a round's budget.
    function budgetRoot() external view returns (bytes32);
}
