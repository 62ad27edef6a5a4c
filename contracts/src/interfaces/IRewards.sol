// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Cumulative pay by Merkle proof
/// @notice Holds what clients paid in and pays element i of the cumulative tensor to registry index
///         i, less what it paid before. Nobody can stop pay or move the funds elsewhere.
interface IRewards {
    /// @param amount wei
    event Funded(address indexed from, uint256 amount);
    event RootPosted(uint64 indexed round, bytes32 root);
    /// @param amount wei paid now
    /// @param cumulative wei paid to the node in all
    event Paid(uint32 indexed node, address indexed payee, uint256 amount, uint256 cumulative);

    /// @notice Thrown by `post` for any sender but the contract `Rounds`.
    error OnlyRounds();
    /// @notice Thrown by `claim` when the chunk and path lead to another root than the posted one.
    error ProofMismatch(bytes32 expected, bytes32 got);
    /// @notice Thrown by `claim` when the node was already paid all of it.
    error NothingDue(uint32 node);
    /// @notice Thrown by `claim` for an index beyond the cumulative tensor.
    error OutOfRange(uint32 node);

    /// @notice Pays `amount` in from the sender's allowance; it can only leave as pay.
    function fund(uint256 amount) external;

    /// @notice States the root of the cumulative tensor after a round.
    function post(uint64 round, bytes32 root) external;

    /// @notice Pays a node what the tensor says, less what it was paid; anybody may send it, the
    ///         payee receives it.
    /// @param node registry index
    /// @param chunk 256 bytes: the 32 f64 (gwei of the token) among which element `node` stands
    /// @param siblings the hashes beside the chunk's way up, as `Tree.climb` orders them
    /// @dev Reverts with the errors of `Tree` and `Amount` as well (`NotAnAmount` when the element is
    ///      no integer from 0 to 2^64 - 1).
    /// @return amount wei paid
    function claim(uint32 node, bytes calldata chunk, bytes32[] calldata siblings)
        external
        returns (uint256 amount);

    /// @notice Returns the root of the cumulative tensor, 0 before the first round was settled.
    function root() external view returns (bytes32);

    /// @return wei paid to this node so far
    function paid(uint32 node) external view returns (uint256);

    /// @return number of elements of the cumulative tensor
    function length() external view returns (uint32);

    /// @return wei paid in so far
    function funded() external view returns (uint256);
}
