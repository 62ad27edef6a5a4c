// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Cumulative pay by Merkle proof
/// @notice Holds what clients paid in and pays element i of the cumulative tensor to registry index i, less what it paid before.
///         Nobody can stop pay or move the funds elsewhere.
interface IRewards {
    event Funded(address indexed from, uint256 amount);
    event RootPosted(uint64 indexed round, bytes32 root);
    event Paid(uint32 indexed node, address indexed payee, uint256 amount, uint256 cumulative);

    error OnlyRounds();
    error ProofMismatch(bytes32 expected, bytes32 got);
    error NothingDue(uint32 node);
    error NotAnAmount(uint64 bits);
    error OutOfRange(uint32 node);

    function fund(uint256 amount) external;
    function post(uint64 round, bytes32 root) external;
    /// @param chunk 256 bytes: the 32 f64 among which element `node` stands
    /// @param path for each level from the leaf up, the 16 children of the node above (16 × 32 bytes a level)
    function claim(uint32 node, bytes calldata chunk, bytes32[16][] calldata path) external returns (uint256 amount);
    function root() external view returns (bytes32);
    /// @return wei paid to this node so far
    function paid(uint32 node) external view returns (uint256);
}
