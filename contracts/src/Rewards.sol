// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IRegistry} from "./interfaces/IRegistry.sol";
import {IRewards} from "./interfaces/IRewards.sol";
import {Amount} from "./lib/Amount.sol";
import {Tree} from "./lib/Tree.sol";

/// @title Cumulative pay
/// @notice What a node was paid is never above its element of a tensor that `Rounds` settled, and
///         what is paid in leaves as pay only.
/// @dev Deliberately absent: an owner, a way to withdraw, an expiry of what is due.
contract Rewards is IRewards {
    using SafeERC20 for IERC20;

    uint256 private constant CHUNK_ELEMENTS = 32;
    uint256 private constant WEI_PER_GWEI = 1e9;

    /// @notice The token of pay.
    IERC20 public immutable token;
    /// @notice Says who is paid for which index.
    IRegistry public immutable registry;
    /// @notice The only contract that can state a root.
    address public immutable rounds;
    /// @inheritdoc IRewards
    uint32 public immutable length;

    /// @inheritdoc IRewards
    bytes32 public root;
    /// @inheritdoc IRewards
    mapping(uint32 node => uint256) public paid;
    /// @inheritdoc IRewards
    uint256 public funded;

    /// @param token_ the token of pay
    /// @param registry_ the registry of nodes
    /// @param rounds_ where `Rounds` will be deployed
    /// @param length_ `Config.cumulativeLength`, which `Rounds` checks when it is deployed
    constructor(IERC20 token_, IRegistry registry_, address rounds_, uint32 length_) {
        token = token_;
        registry = registry_;
        rounds = rounds_;
        length = length_;
    }

    /// @inheritdoc IRewards
    function fund(uint256 amount) external {
        funded += amount;

        emit Funded(msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IRewards
    function post(uint64 round, bytes32 root_) external {
        require(msg.sender == rounds, OnlyRounds());

        root = root_;

        emit RootPosted(round, root_);
    }

    /// @inheritdoc IRewards
    function claim(uint32 node, bytes calldata chunk, bytes32[] calldata siblings)
        external
        returns (uint256 amount)
    {
        require(node < length, OutOfRange(node));
        require(chunk.length == Tree.CHUNK_8, Tree.ChunkLength(chunk.length, Tree.CHUNK_8));
        uint256 chunks = (length + CHUNK_ELEMENTS - 1) / CHUNK_ELEMENTS;
        bytes32 got = Tree.climb(Tree.leaf(chunk), node / CHUNK_ELEMENTS, chunks, siblings);
        require(got == root, ProofMismatch(root, got));

        uint64 cumulativeGwei = Amount.toUint64(Amount.load(chunk, node % CHUNK_ELEMENTS));
        uint256 cumulative = uint256(cumulativeGwei) * WEI_PER_GWEI;
        uint256 before = paid[node];
        require(cumulative > before, NothingDue(node));
        amount = cumulative - before;
        paid[node] = cumulative;

        address payee = registry.node(node).payee;
        emit Paid(node, payee, amount, cumulative);
        token.safeTransfer(payee, amount);
    }
}
