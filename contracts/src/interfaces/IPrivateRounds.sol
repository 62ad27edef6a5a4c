// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IRewards} from "./IRewards.sol";

/// @title One private job's rounds: shares are committed, summed in buckets, and the sums aggregated
/// @notice docs/private.md. No update and no share is ever in a call: trainers commit to the roots of
///         their shares, members say which they hold and then the sums, and a claim is made on roots
///         that this contract has. A phase ends with the call that ends it (`advance`,
///         or any other, which begins with it), not with a block.
interface IPrivateRounds {
    /// @notice `Seats`: opened, seats wait for the hash of that block. `Draw`: commitments are in, the
    ///         buckets wait for a hash. `Judge`: holders of a share stated two sums.
    enum Phase {
        Idle,
        Seats,
        Commit,
        Draw,
        Report,
        Sum,
        Judge,
        Aggregate
    }

    /// @param job identity of the job
    /// @param nodes fewest nodes taking seats that a round opens for
    /// @param capacity seats of a round, at most 32
    /// @param size fewest trainers that a bucket is drawn with, at least 3
    /// @param quorum fewest rows, one a bucket, that are aggregated
    /// @param cumulativeLength elements of the cumulative tensor
    /// @param commitBlocks blocks for commitments, from the call that drew the seats
    /// @param reportBlocks blocks for reports, from the call that drew the buckets
    /// @param sumBlocks blocks for sums, from the call that closed the reports
    /// @param judgeBlocks blocks in which one of two holders defends its sum
    /// @param aggregateBlocks blocks each aggregator has before it is the next one's turn
    /// @param width lanes of a share, `sums::width` of an update's length
    /// @param budgetGwei pay of one round in gwei of the token, at most 2^46
    /// @param gonePenalty stake in wei burnt of a member that does not report, state or defend
    /// @param liePenalty stake in wei burnt of a member whose sum the court found wrong
    /// @param initialModel tensor root of the initial params
    /// @param initialCumulative tensor root of `cumulativeLength` zeros in f64
    /// @param partialPrograms `sums::partial` for 3, 4, … ⌊3 size / 2⌋ trainers
    /// @param aggregatePrograms `sums::aggregate` for quorum, quorum + 1, … ⌊capacity / size⌋ rows
    struct Config {
        bytes32 job;
        uint32 nodes;
        uint32 capacity;
        uint32 size;
        uint32 quorum;
        uint32 cumulativeLength;
        uint64 commitBlocks;
        uint64 reportBlocks;
        uint64 sumBlocks;
        uint64 judgeBlocks;
        uint64 aggregateBlocks;
        uint32 width;
        uint64 budgetGwei;
        uint256 gonePenalty;
        uint256 liePenalty;
        bytes32 initialModel;
        bytes32 initialCumulative;
        bytes32[] partialPrograms;
        bytes32[] aggregatePrograms;
    }

    /// @notice A node with seats: one trainer, paid for each of its seats.
    /// @param index registry index
    /// @param rows how many seats it drew
    /// @param shares roots of its shares; zero until committed
    struct Seat {
        uint32 index;
        uint32 rows;
        bytes32[3] shares;
    }

    /// @notice Places are those in the list of seats; bit p of a mask is the node at place p.
    /// @param trainers mask of the nodes drawn into it
    /// @param members places of its three members; member j holds the shares other than j
    /// @param reported bit j: member j has said what it holds
    /// @param held of member j, masks of the trainers whose share (j + 1) mod 3 and (j + 2) mod 3 it
    ///        holds
    /// @param roll mask of the trainers that are summed, fixed when the reports close; 0 for a bucket
    ///        that gives no row
    /// @param sums of member j, stated roots of the sums of share (j + 1) mod 3 and (j + 2) mod 3; zero
    ///        where nothing stands
    /// @param claims by share, the claim that a disputed sum was defended with
    /// @param defenders by share, the member that made it
    struct Bucket {
        uint32 trainers;
        uint8[3] members;
        uint8 reported;
        uint32[2][3] held;
        uint32 roll;
        bytes32[2][3] sums;
        uint256[3] claims;
        uint8[3] defenders;
    }

    /// @param mark last block whose hash the phase's draw must not have been known in
    /// @param until last block of the phase, where it has one
    /// @param since block in which the aggregator's turns began
    /// @param acted commitments, reports or statements so far
    /// @param rows buckets with a row
    /// @param attempt aggregation claims of this round that fell
    /// @param claim the aggregation's, 0 for none
    /// @param seed the buckets' seed
    struct Round {
        uint64 number;
        Phase phase;
        uint64 mark;
        uint64 until;
        uint64 since;
        uint32 acted;
        uint32 rows;
        uint32 attempt;
        uint256 claim;
        bytes32 seed;
    }

    event Opened(uint64 indexed round, uint64 blockNumber, bytes32 modelRoot);
    /// @param drawn registry indices, ascending, one a seat
    event Seated(uint64 indexed round, uint32[] drawn);
    event Committed(uint64 indexed round, uint32 indexed node, bytes32[3] shares);
    /// @param trainers masks of places, one a bucket
    /// @param members places
    event Bucketed(uint64 indexed round, bytes32 seed, uint32[] trainers, uint8[3][] members);
    event Reported(uint64 indexed round, uint256 bucket, uint256 member, uint32[2] held);
    /// @param rolls masks of the trainers that are summed, 0 for a bucket without a row
    event Called(uint64 indexed round, uint32[] rolls);
    /// @notice A bucket with a roll gives no row: a sum of it is missing, or nobody defended one.
    event Lost(uint64 indexed round, uint256 bucket);
    /// @param sums their roots
    /// @param first elements of the sum of share (member + 1) mod 3, i32 little-endian
    /// @param second of share (member + 2) mod 3
    event Stated(
        uint64 indexed round,
        uint256 bucket,
        uint256 member,
        bytes32[2] sums,
        bytes first,
        bytes second
    );
    event Defended(
        uint64 indexed round, uint256 bucket, uint256 share, uint256 member, uint256 claim
    );
    /// @notice A member did not do its part; `penalty` wei were asked for.
    event Gone(uint64 indexed round, uint256 bucket, uint32 indexed node, uint256 penalty);
    /// @notice A member's sum is not the sum; `penalty` wei were asked for.
    event Lied(
        uint64 indexed round, uint256 bucket, uint256 share, uint32 indexed node, uint256 penalty
    );
    /// @notice The round ended without a result, for want of `needed`.
    event Voided(uint64 indexed round, Phase phase, uint256 got, uint256 needed);
    event ResultPosted(
        uint64 indexed round,
        uint256 indexed claim,
        uint32 indexed aggregator,
        bytes32 inputsRoot,
        bytes32 outputsRoot
    );
    event ResultFell(uint64 indexed round, uint256 claim, uint32 attempt);
    /// @param accepted bit r: row r, of the buckets with a row in order, is accepted
    event Settled(
        uint64 indexed round,
        uint256 claim,
        bytes32 modelRoot,
        bytes32 cumulativeRoot,
        uint32 accepted
    );

    /// @notice Thrown by the constructor with the field that cannot be.
    error BadConfig(string field);
    error WrongRound(uint64 current, uint64 got);
    error WrongPhase(Phase expected, Phase got);
    /// @notice Thrown by `open` when `Rewards` lacks the next round's pay.
    error Unfunded(uint256 funded, uint256 needed);
    error NodesMissing(uint32 active, uint32 needed);
    error NotSeated(address key);
    error AlreadyDone(uint32 node);
    /// @notice Thrown by `commit` for a root that is zero.
    error ZeroRoot();
    /// @notice Thrown by `state` for a sum of another length, in bytes.
    error SumLength(uint256 got, uint256 expected);
    error NoBucket(uint256 bucket);
    /// @notice Thrown when the sender is not that member of that bucket.
    error NotMember(uint256 bucket, uint256 member);
    /// @notice Thrown by `report` for a trainer that is not in the bucket.
    error NotTrainers(uint32 trainers, uint32 got);
    /// @notice Thrown by `state` and `defend` for a bucket without a row.
    error NoRoll(uint256 bucket);
    /// @notice Thrown by `state` when the member did not report.
    error NotReported(uint256 bucket, uint256 member);
    /// @notice Thrown by `defend` when the sum of that share is not disputed, or defended already.
    error NotDisputed(uint256 bucket, uint256 share);
    error NotAggregator(uint32 expected, uint32 got);
    error ClaimPending(uint256 claim);
    error ClaimNotFinal(uint256 claim);
    error OutputCount(uint256 got, uint256 expected);
    error OutputsMismatch(bytes32 expected, bytes32 got);
    error AcceptedMismatch(bytes32 expected, bytes32 got);

    /// @notice Opens the next round. Anybody may.
    function open() external returns (uint64 round);

    /// @notice Ends the phase if it is over, with what is burnt of those who did not do their part.
    ///         Anybody may; it changes nothing where nothing is over.
    function advance() external;

    /// @notice Draws the seats of a round that was opened in an earlier block. Asked by the registry
    ///         before it changes a stake.
    function draw() external;

    /// @notice Commits the sender to its three shares, none of whose roots is zero.
    function commit(uint64 round, bytes32[3] calldata shares) external;

    /// @notice Member `member` of a bucket says once which trainers' shares it holds, each as it was
    ///         committed to.
    /// @param held masks for share (member + 1) mod 3 and (member + 2) mod 3
    function report(uint64 round, uint256 bucket, uint256 member, uint32[2] calldata held) external;

    /// @notice Member `member` of a bucket with a row states once its two sums over the roll, whole, so
    ///         that everybody has what is aggregated.
    /// @param first the sum of share (member + 1) mod 3, i32 little-endian
    /// @param second of share (member + 2) mod 3
    function state(
        uint64 round,
        uint256 bucket,
        uint256 member,
        bytes calldata first,
        bytes calldata second
    ) external;

    /// @notice A holder of a share whose two sums differ claims in the court, with a bond from its
    ///         allowance, that its own is right. The first to do so; the other then challenges there.
    function defend(uint64 round, uint256 bucket, uint256 share) external returns (uint256 claim);

    /// @notice The aggregator, whose allowance pays the bond, claims what the Program returned.
    function postResult(uint64 round, bytes32 outputsRoot) external returns (uint256 claim);

    /// @notice Takes a result whose claim is final. Anybody may.
    /// @param outputRoots params, accepted, distance, cumulative
    /// @param acceptedChunk output 1, 128 bytes
    function settle(uint64 round, bytes32[] calldata outputRoots, bytes calldata acceptedChunk)
        external;

    /// @notice Returns the configuration.
    function config() external view returns (Config memory);

    /// @notice Returns the round, its seats and its buckets as they are stored.
    function current()
        external
        view
        returns (Round memory round, Seat[] memory seats, Bucket[] memory buckets);

    /// @notice Returns the registry index of whose turn it is, in phase `Aggregate`.
    function aggregator() external view returns (uint32);

    /// @return where pay is posted
    function rewards() external view returns (IRewards);

    /// @return root of the current params
    function modelRoot() external view returns (bytes32);

    /// @return root of the cumulative pay
    function cumulativeRoot() external view returns (bytes32);

    /// @return number of rounds settled
    function settledCount() external view returns (uint64);
}
