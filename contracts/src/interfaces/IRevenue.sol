// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Fees of deployed models, split among those who trained them
/// @notice docs/protocol.md, "Revenue". A job's revenue comes in epochs. Each epoch fixes a root of the
///         job's `Rewards` before its first fee, so what is earned in later rounds shares in later
///         epochs only. Element i of the fixed tensor, divided by the sum of all, is node i's share.
interface IRevenue {
    /// @param root of the cumulative tensor by which the epoch is split
    /// @param total sum of its elements, gwei of the token
    /// @param length number of its elements
    /// @param revenue wei paid in
    /// @param paid wei paid out
    struct Epoch {
        bytes32 root;
        uint256 total;
        uint32 length;
        uint256 revenue;
        uint256 paid;
    }

    /// @param epoch from 0 on
    /// @param cumulative the tensor's bytes, by which anybody can make the proof of a claim
    event EpochFixed(
        uint256 indexed job, uint256 indexed epoch, bytes32 root, uint256 total, bytes cumulative
    );
    /// @param amount wei
    event FeePaid(uint256 indexed job, uint256 indexed epoch, address indexed from, uint256 amount);
    /// @param amount wei paid now
    /// @param cumulative wei paid to the node in this epoch in all
    event SharePaid(
        uint256 indexed job,
        uint256 indexed epoch,
        uint32 indexed node,
        address payee,
        uint256 amount,
        uint256 cumulative
    );

    /// @notice Thrown by `fix` when the last epoch is split by the newest root already, or no round of
    ///         the job was settled yet.
    error NothingNew(uint256 job, bytes32 root);
    /// @notice Thrown by `fix` when the bytes have another length, or another root than `Rewards` has.
    error OtherTensor(bytes32 expected, bytes32 got);
    /// @notice Thrown by `fix` when nobody earned anything yet.
    error NobodyEarned(uint256 job);
    /// @notice Thrown by `pay` for a job that is not deployed, or due to be retired.
    error NotDeployed(uint256 job);
    /// @notice Thrown for an epoch that there is not; `pay` needs one.
    error UnknownEpoch(uint256 job, uint256 epoch);
    /// @notice Thrown by `claim` when chunk and path lead to another root than the epoch's.
    error ProofMismatch(bytes32 expected, bytes32 got);
    /// @notice Thrown by `claim` when the node was already paid all of it.
    error NothingDue(uint32 node);
    /// @notice Thrown by `claim` for an index beyond the tensor.
    error OutOfRange(uint32 node);

    /// @notice Begins an epoch that is split by the job's newest cumulative tensor; anybody may. An epoch
    ///         without a fee is replaced.
    /// @param cumulative the tensor's bytes, f64 little-endian
    /// @return epoch its number
    function fix(uint256 job, bytes calldata cumulative) external returns (uint256 epoch);

    /// @notice Pays a fee to a deployed job from the sender's allowance; it belongs to the last epoch.
    function pay(uint256 job, uint256 amount) external;

    /// @notice Pays a node its share of an epoch's revenue so far, rounded down, less what it was paid;
    ///         anybody may send it, the payee receives it.
    /// @param node registry index in the job's registry
    /// @param chunk 256 bytes: the 32 f64 among which element `node` stands
    /// @param siblings the hashes beside the chunk's way up, as `Tree.climb` orders them
    /// @return amount wei
    function claim(
        uint256 job,
        uint256 epoch,
        uint32 node,
        bytes calldata chunk,
        bytes32[] calldata siblings
    ) external returns (uint256 amount);

    /// @notice Returns how many epochs a job has.
    function epochCount(uint256 job) external view returns (uint256);

    /// @notice Returns an epoch.
    function epochOf(uint256 job, uint256 epoch) external view returns (Epoch memory);

    /// @notice Returns the wei paid to a node in an epoch so far.
    function paidTo(uint256 job, uint256 epoch, uint32 node) external view returns (uint256);
}
