// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IJobs} from "./interfaces/IJobs.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {IRevenue} from "./interfaces/IRevenue.sol";
import {IRewards} from "./interfaces/IRewards.sol";
import {Amount} from "./lib/Amount.sol";
import {Tree} from "./lib/Tree.sol";

/// @title Revenue of deployed models
/// @notice Its balance of the token is at least what was paid in less what was paid out; the shares of an
///         epoch sum to its revenue at most, and what rounding leaves stays.
/// @dev Deliberately absent: an owner, a fee of its own, an expiry of shares, another split than the one
///      that pay already has.
contract Revenue is IRevenue {
    using SafeERC20 for IERC20;

    uint256 private constant CHUNK_ELEMENTS = 32;
    uint256 private constant ELEMENT_BYTES = 8;

    /// @notice The token of fees.
    IERC20 public immutable token;
    /// @notice Says which jobs there are, and which are deployed.
    IJobs public immutable jobs;

    mapping(uint256 job => Epoch[]) private _epochs;
    /// @inheritdoc IRevenue
    mapping(uint256 job => mapping(uint256 epoch => mapping(uint32 node => uint256))) public paidTo;

    /// @param token_ the token of fees
    /// @param jobs_ deployed
    constructor(IERC20 token_, IJobs jobs_) {
        token = token_;
        jobs = jobs_;
    }

    /// @inheritdoc IRevenue
    function fix(uint256 job, bytes calldata cumulative) external returns (uint256 epoch) {
        IRewards rewards = IRewards(jobs.jobOf(job).rewards);
        bytes32 root = rewards.root();
        Epoch[] storage epochs = _epochs[job];
        epoch = epochs.length;
        bool known = root == 0 || (epoch > 0 && epochs[epoch - 1].root == root);
        require(!known, NothingNew(job, root));
        uint32 length = rewards.length();
        bool whole = cumulative.length == ELEMENT_BYTES * uint256(length);
        bytes32 got = whole ? Tree.tensorRoot(cumulative, Tree.CHUNK_8) : bytes32(0);
        require(got == root, OtherTensor(root, got));
        uint256 total = _sum(cumulative);
        require(total > 0, NobodyEarned(job));

        if (epoch > 0 && epochs[epoch - 1].revenue == 0) --epoch;
        else epochs.push();
        epochs[epoch] = Epoch({root: root, total: total, length: length, revenue: 0, paid: 0});

        emit EpochFixed(job, epoch, root, total, cumulative);
    }

    /// @inheritdoc IRevenue
    function pay(uint256 job, uint256 amount) external {
        require(jobs.due(job) == IJobs.State.Deployed, NotDeployed(job));
        uint256 count = _epochs[job].length;
        require(count > 0, UnknownEpoch(job, 0));

        _epochs[job][count - 1].revenue += amount;

        emit FeePaid(job, count - 1, msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IRevenue
    function claim(
        uint256 job,
        uint256 epoch,
        uint32 node,
        bytes calldata chunk,
        bytes32[] calldata siblings
    ) external returns (uint256 amount) {
        require(epoch < _epochs[job].length, UnknownEpoch(job, epoch));
        Epoch storage split = _epochs[job][epoch];
        uint256 earned = _opened(split, node, chunk, siblings);
        uint256 cumulative = earned * split.revenue / split.total;
        uint256 before = paidTo[job][epoch][node];
        require(cumulative > before, NothingDue(node));
        amount = cumulative - before;
        paidTo[job][epoch][node] = cumulative;
        split.paid += amount;

        address payee = IRegistry(jobs.jobOf(job).registry).node(node).payee;
        emit SharePaid(job, epoch, node, payee, amount, cumulative);
        token.safeTransfer(payee, amount);
    }

    /// @inheritdoc IRevenue
    function epochCount(uint256 job) external view returns (uint256) {
        return _epochs[job].length;
    }

    /// @inheritdoc IRevenue
    function epochOf(uint256 job, uint256 epoch) external view returns (Epoch memory) {
        require(epoch < _epochs[job].length, UnknownEpoch(job, epoch));
        return _epochs[job][epoch];
    }

    /// @dev What the node earned as the epoch was fixed, in gwei.
    function _opened(
        Epoch storage split,
        uint32 node,
        bytes calldata chunk,
        bytes32[] calldata siblings
    ) private view returns (uint256) {
        uint32 length = split.length;
        require(node < length, OutOfRange(node));
        require(chunk.length == Tree.CHUNK_8, Tree.ChunkLength(chunk.length, Tree.CHUNK_8));
        uint256 chunks = (uint256(length) + CHUNK_ELEMENTS - 1) / CHUNK_ELEMENTS;
        bytes32 got = Tree.climb(Tree.leaf(chunk), node / CHUNK_ELEMENTS, chunks, siblings);
        require(got == split.root, ProofMismatch(split.root, got));
        return Amount.toUint64(Amount.load(chunk, node % CHUNK_ELEMENTS));
    }

    /// @dev Sum of the elements, each an integer below 2^64.
    function _sum(bytes calldata cumulative) private pure returns (uint256 total) {
        for (uint256 i = 0; i < cumulative.length / ELEMENT_BYTES; ++i) {
            if (bytes8(cumulative[ELEMENT_BYTES * i:]) == 0) continue;
            total += Amount.toUint64(Amount.load(cumulative, i));
        }
    }
}
