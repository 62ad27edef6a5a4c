// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IRegistry} from "./interfaces/IRegistry.sol";
import {IRounds} from "./interfaces/IRounds.sol";
import {Lots} from "./lib/Lots.sol";

/// @title Registry of nodes and their stakes
/// @notice Its balance of the token is at least the sum of the stakes; what a penalty takes is
///         burnt.
/// @dev Enrolment of a round closes with its opening block: whoever changes a weight later has the
///      seats drawn first (`_drawFirst`), so nobody chooses a stake knowing the seed.
///      Deliberately absent: an owner, a list of the admitted, a way to stop joining or leaving,
///      and a way for a hot key to redirect pay or stake.
contract Registry is IRegistry {
    using SafeERC20 for ERC20Burnable;
    using Lots for Lots.Weights;

    uint256 private constant ENDPOINT_LENGTH_MAX = 128;

    /// @notice The token of stakes.
    ERC20Burnable public immutable token;
    /// @notice The only contract that can ask for a penalty, beside its `rewards`.
    address public immutable rounds;
    /// @inheritdoc IRegistry
    uint256 public immutable minimumStake;
    /// @inheritdoc IRegistry
    uint64 public immutable unbondBlocks;

    /// @inheritdoc IRegistry
    uint32 public activeCount;

    Node[] private _nodes;
    /// @dev By index: the stake of a node that takes seats, else 0.
    Lots.Weights private _weights;
    mapping(address key => uint256 indexPlusOne) private _indices;

    /// @param token_ the token of stakes
    /// @param rounds_ where `Rounds` will be deployed
    /// @param minimumStake_ wei
    /// @param unbondBlocks_ longer than any round can last, which `Rounds` checks when it is
    ///        deployed
    constructor(
        ERC20Burnable token_,
        address rounds_,
        uint256 minimumStake_,
        uint64 unbondBlocks_
    ) {
        token = token_;
        rounds = rounds_;
        minimumStake = minimumStake_;
        unbondBlocks = unbondBlocks_;
    }

    /// @inheritdoc IRegistry
    function join(address payee, bytes32 peer, string calldata endpoint, uint256 amount)
        external
        returns (uint32 index)
    {
        require(payee != address(0), ZeroPayee());
        require(amount >= minimumStake, StakeTooSmall(amount, minimumStake));
        require(_indices[msg.sender] == 0, AlreadyJoined(msg.sender));
        _checkEndpoint(endpoint);
        _drawFirst();

        index = uint32(_nodes.length); // 2^32 stakes cannot be paid for
        _nodes.push(Node(msg.sender, payee, peer, endpoint, amount, 0));
        _indices[msg.sender] = _nodes.length;
        _weights.push(amount);
        ++activeCount;

        emit Joined(index, msg.sender, payee, peer, endpoint, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IRegistry
    function announce(bytes32 peer, string calldata endpoint) external {
        uint32 index = indexOf(msg.sender);
        _checkEndpoint(endpoint);

        _nodes[index].peer = peer;
        _nodes[index].endpoint = endpoint;

        emit Announced(index, peer, endpoint);
    }

    /// @inheritdoc IRegistry
    function addStake(uint256 amount) external {
        uint32 index = indexOf(msg.sender);
        Node storage own = _nodes[index];
        require(own.unbondBlock == 0, AlreadyLeaving(index));
        _drawFirst();

        uint256 before = _weightOf(own);
        own.stake += amount;
        _reweigh(index, before);

        emit StakeAdded(index, amount, own.stake);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IRegistry
    function leave() external {
        uint32 index = indexOf(msg.sender);
        Node storage own = _nodes[index];
        require(own.unbondBlock == 0, AlreadyLeaving(index));
        _drawFirst();

        uint256 before = _weightOf(own);
        own.unbondBlock = uint64(block.number) + unbondBlocks;
        _reweigh(index, before);

        emit Leaving(index, own.unbondBlock);
    }

    /// @inheritdoc IRegistry
    function withdraw() external {
        uint32 index = indexOf(msg.sender);
        Node storage own = _nodes[index];
        uint64 unbondBlock = own.unbondBlock;
        require(unbondBlock != 0 && block.number >= unbondBlock, NotYetUnbonded(unbondBlock));

        uint256 amount = own.stake;
        own.stake = 0;
        delete _indices[msg.sender];

        emit Withdrawn(index, own.payee, amount);
        token.safeTransfer(own.payee, amount);
    }

    /// @inheritdoc IRegistry
    function penalise(uint32 index, uint256 amount) external {
        bool may = msg.sender == rounds || msg.sender == address(IRounds(rounds).rewards());
        require(may, OnlyRounds());
        Node storage struck = _nodes[index];

        uint256 before = _weightOf(struck);
        uint256 burnt = amount < struck.stake ? amount : struck.stake;
        struck.stake -= burnt;
        _reweigh(index, before);

        emit Penalised(index, burnt, struck.stake);
        token.burn(burnt);
    }

    /// @inheritdoc IRegistry
    function nodeCount() external view returns (uint32) {
        return uint32(_nodes.length);
    }

    /// @inheritdoc IRegistry
    function node(uint32 index) external view returns (Node memory found) {
        if (index < _nodes.length) found = _nodes[index];
    }

    /// @inheritdoc IRegistry
    function indexOf(address key) public view returns (uint32 index) {
        uint256 indexPlusOne = _indices[key];
        require(indexPlusOne != 0, NotJoined(key));
        return uint32(indexPlusOne - 1);
    }

    /// @inheritdoc IRegistry
    function find(address key) external view returns (bool joined, uint32 index) {
        uint256 indexPlusOne = _indices[key];
        if (indexPlusOne != 0) (joined, index) = (true, uint32(indexPlusOne - 1));
    }

    /// @inheritdoc IRegistry
    function isActive(uint32 index) external view returns (bool) {
        return index < _nodes.length && _weightOf(_nodes[index]) != 0;
    }

    /// @inheritdoc IRegistry
    function draw(bytes32 seed, uint32 lots, uint32 places)
        external
        view
        returns (uint32[] memory drawn)
    {
        uint256 count = _nodes.length;
        return _weights.draw(seed, lots, count < places ? count : places);
    }

    /// @inheritdoc IRegistry
    function stakeOf(uint32 index) external view returns (uint256) {
        return index < _nodes.length ? _nodes[index].stake : 0;
    }

    /// @inheritdoc IRegistry
    function heldUntil(uint32 index, uint64 blockNumber) external view returns (uint256) {
        if (index >= _nodes.length) return 0;
        Node storage held = _nodes[index];
        bool withdrawable = held.unbondBlock != 0 && held.unbondBlock <= blockNumber;
        return withdrawable ? 0 : held.stake;
    }

    /// @dev `Rounds` is deployed after this contract, and refuses nothing here.
    function _drawFirst() private {
        if (rounds.code.length != 0) IRounds(rounds).draw();
    }

    function _weightOf(Node storage weighed) private view returns (uint256) {
        bool active = weighed.unbondBlock == 0 && weighed.stake >= minimumStake;
        return active ? weighed.stake : 0;
    }

    /// @dev Takes in that the weight of a node may no longer be `before`.
    function _reweigh(uint32 index, uint256 before) private {
        uint256 weight = _weightOf(_nodes[index]);
        _weights.change(index, before, weight);
        if (before == 0 && weight != 0) ++activeCount;
        if (before != 0 && weight == 0) --activeCount;
    }

    function _checkEndpoint(string calldata endpoint) private pure {
        uint256 length = bytes(endpoint).length;
        require(length <= ENDPOINT_LENGTH_MAX, EndpointTooLong(length));
    }
}
