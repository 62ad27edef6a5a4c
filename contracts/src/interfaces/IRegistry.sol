// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Who takes part, and with what stake
/// @notice Joining needs a stake and nothing else: no list, no administrator. Indices are given in
///         order of joining and never reused.
interface IRegistry {
    /// @param key hot key that sends the node's transactions
    /// @param payee cold address that receives its pay and, at the end, its stake
    /// @param peer public key of its transport endpoint
    /// @param endpoint where that endpoint is reached, `host:port`, at most 128 bytes
    /// @param stake in wei of the token
    /// @param unbondBlock block from which `withdraw` is possible; 0 while the node has not left
    struct Node {
        address key;
        address payee;
        bytes32 peer;
        string endpoint;
        uint256 stake;
        uint64 unbondBlock;
    }

    /// @param stake in wei
    event Joined(
        uint32 indexed index,
        address indexed key,
        address payee,
        bytes32 peer,
        string endpoint,
        uint256 stake
    );
    event Announced(uint32 indexed index, bytes32 peer, string endpoint);
    /// @param amount wei added
    /// @param stake wei after it
    event StakeAdded(uint32 indexed index, uint256 amount, uint256 stake);
    /// @param unbondBlock first block in which the stake can be withdrawn
    event Leaving(uint32 indexed index, uint64 unbondBlock);
    event Withdrawn(uint32 indexed index, address payee, uint256 amount);
    /// @param burnt wei burnt, which is less than asked where the stake did not reach
    /// @param stake wei after it
    event Penalised(uint32 indexed index, uint256 burnt, uint256 stake);

    /// @notice Thrown by `join` when the stake is below the minimum.
    error StakeTooSmall(uint256 got, uint256 minimum);
    /// @notice Thrown by `join` while the key belongs to a node that has not withdrawn.
    error AlreadyJoined(address key);
    /// @notice Thrown when the key belongs to no node.
    error NotJoined(address key);
    /// @notice Thrown by `leave` and `addStake` once the node has left.
    error AlreadyLeaving(uint32 index);
    /// @notice Thrown by `withdraw` before the block; 0 when the node has not left.
    error NotYetUnbonded(uint64 unbondBlock);
    /// @notice Thrown when an endpoint has more than 128 bytes.
    error EndpointTooLong(uint256 length);
    /// @notice Thrown when someone else than the contract `Rounds` asks for a penalty.
    error OnlyRounds();
    /// @notice Thrown by `join` when the payee is the zero address.
    error ZeroPayee();

    /// @notice Registers the sender's key with `amount` of stake from its allowance.
    /// @param payee receives pay and, at the end, the stake; can never be changed by the hot key
    /// @return index registry index of the new node
    function join(address payee, bytes32 peer, string calldata endpoint, uint256 amount)
        external
        returns (uint32 index);

    /// @notice States where the sender's node is reached from now on.
    function announce(bytes32 peer, string calldata endpoint) external;

    /// @notice Adds to the stake of the sender's node, from the sender's allowance.
    function addStake(uint256 amount) external;

    /// @notice Starts unbonding: no further seats. A seat already taken stays liable.
    function leave() external;

    /// @notice Pays what is left of the stake to the payee and frees the key.
    function withdraw() external;

    /// @notice Burns up to `amount` of a node's stake. Only `Rounds` may, for what it can prove, and
    ///         where its pay is by score, `Scores`. Nobody receives anything.
    function penalise(uint32 index, uint256 amount) external;

    /// @notice Returns how many nodes ever joined; indices are below it.
    function nodeCount() external view returns (uint32);

    /// @notice Returns a node's record; all zero for an index nobody had.
    function node(uint32 index) external view returns (Node memory);

    /// @return index registry index; reverts with `NotJoined` for a stranger
    function indexOf(address key) external view returns (uint32 index);

    /// @notice Returns a key's node without reverting; `joined` is false for a stranger.
    function find(address key) external view returns (bool joined, uint32 index);

    /// @notice Returns whether a node takes seats: it has not left and has the minimum stake.
    function isActive(uint32 index) external view returns (bool);

    /// @notice Returns how many nodes take seats.
    function activeCount() external view returns (uint32);

    /// @notice Draws by lot, in proportion to the stake of the nodes that take seats: one from each
    ///         of `lots` equal parts of it.
    /// @param seed all that the draw depends on, beside the stakes
    /// @param places only nodes with an index below it are drawn
    /// @return drawn registry indices, ascending, a node as often as it was drawn; empty when no
    ///         node takes seats
    function draw(bytes32 seed, uint32 lots, uint32 places)
        external
        view
        returns (uint32[] memory drawn);

    /// @notice Returns a node's stake in wei, 0 for an index nobody had.
    function stakeOf(uint32 index) external view returns (uint256);

    /// @notice Returns what of a node's stake nobody can withdraw up to that block, in wei: all of it, or
    ///         0 if it has left in time.
    function heldUntil(uint32 index, uint64 blockNumber) external view returns (uint256);

    /// @notice Returns the least stake in wei that joins, and that takes a seat.
    function minimumStake() external view returns (uint256);

    /// @notice Returns how many blocks pass between `leave` and `withdraw`.
    function unbondBlocks() external view returns (uint64);
}
