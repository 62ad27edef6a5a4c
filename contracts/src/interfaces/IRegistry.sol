// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Who takes part, and with what stake
/// @notice Joining needs a stake and nothing else: no list, no administrator. Indices are given in order of joining and never reused.
interface IRegistry {
    /// @param key hot key that sends the node's transactions
    /// @param payee cold address that receives its pay and, at the end, its stake
    /// @param peer public key of its transport endpoint
    /// @param endpoint where that endpoint is reached, `host:port`, at most 128 bytes
    /// @param stake in wei of the token
    /// @param unbondBlock block from which `withdraw` is possible; 0 while the node is active
    struct Node {
        address key;
        address payee;
        bytes32 peer;
        string endpoint;
        uint256 stake;
        uint64 unbondBlock;
    }

    event Joined(uint32 indexed index, address indexed key, address payee, bytes32 peer, string endpoint, uint256 stake);
    event Announced(uint32 indexed index, bytes32 peer, string endpoint);
    event StakeAdded(uint32 indexed index, uint256 amount, uint256 stake);
    event Leaving(uint32 indexed index, uint64 unbondBlock);
    event Withdrawn(uint32 indexed index, address payee, uint256 amount);
    event Penalised(uint32 indexed index, uint256 burnt, uint256 stake);

    error StakeTooSmall(uint256 got, uint256 minimum);
    error AlreadyJoined(address key);
    error NotJoined(address key);
    error AlreadyLeaving(uint32 index);
    error NotYetUnbonded(uint64 unbondBlock);
    error EndpointTooLong(uint256 length);
    error OnlyRounds();
    error ZeroPayee();

    function join(address payee, bytes32 peer, string calldata endpoint, uint256 amount) external returns (uint32 index);
    function announce(bytes32 peer, string calldata endpoint) external;
    function addStake(uint256 amount) external;
    function leave() external;
    function withdraw() external;
    /// @notice Burns up to `amount` of a node's stake. Only `Rounds` may call it, and only for what it can prove.
    function penalise(uint32 index, uint256 amount) external;

    function nodeCount() external view returns (uint32);
    function node(uint32 index) external view returns (Node memory);
    /// @return index registry index; reverts with `NotJoined` for a stranger
    function indexOf(address key) external view returns (uint32 index);
    function isActive(uint32 index) external view returns (bool);
}
