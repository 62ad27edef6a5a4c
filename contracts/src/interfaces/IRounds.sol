// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IRewards} from "./IRewards.sol";

/// @title One job's training rounds: commit, reveal, aggregate, settle
/// @notice docs/protocol.md §2. Everything a claim rests on is derived here from the chain's own
///         state. A phase whose deadline has passed counts as closed for every call and view,
///         whether or not anybody sent a transaction since.
interface IRounds {
    enum Phase {
        Idle,
        Commit,
        Reveal,
        Aggregate
    }

    /// @param job identity of the job, part of every commitment
    /// @param nodes fewest nodes taking seats that a round opens for
    /// @param quorum fewest seats that commit, and fewest that reveal, to make a round
    /// @param capacity seats of a round, at most 32 in this version
    /// @param cumulativeLength elements of the cumulative tensor; a node whose registry index is
    ///        not below it is never seated
    /// @param commitBlocks blocks after the opening one in which a seat can commit
    /// @param revealBlocks blocks after the one that closed the commits in which a seat can reveal
    /// @param aggregateBlocks blocks each aggregator has before it is the next one's turn
    /// @param budgetGwei pay of one round in gwei of the token, at most 2^46
    /// @param unrevealedPenalty stake in wei burnt for each seat of a commitment without a reveal
    /// @param updateLength d, the number of coordinates of an update
    /// @param trainProgram hash of the training step, for readers
    /// @param initialModel tensor root of the initial params
    /// @param initialCumulative tensor root of `cumulativeLength` zeros in f64
    /// @param aggregatePrograms program hash for quorum, quorum + 1, … capacity rows
    struct Config {
        bytes32 job;
        uint32 nodes;
        uint32 quorum;
        uint32 capacity;
        uint32 cumulativeLength;
        uint64 commitBlocks;
        uint64 revealBlocks;
        uint64 aggregateBlocks;
        uint64 budgetGwei;
        uint256 unrevealedPenalty;
        uint32 updateLength;
        bytes32 trainProgram;
        bytes32 initialModel;
        bytes32 initialCumulative;
        bytes32[] aggregatePrograms;
    }

    /// @notice The seats of one node: each is a row of the aggregation, with the same update.
    /// @param index registry index
    /// @param rows how many seats it drew
    /// @param stake wei, as it was when the seats were drawn
    /// @param commitment zero until committed
    /// @param updateRoot zero until revealed, as are `blob` and `salt`
    struct Seat {
        uint32 index;
        uint32 rows;
        uint256 stake;
        bytes32 commitment;
        bytes32 updateRoot;
        bytes32 blob;
        bytes32 salt;
        bool revealed;
    }

    /// @param number 1 for the first round; 0 before it
    /// @param commitsClosedBlock 0 until closed; the deadline itself when that closed them
    /// @param revealsClosedBlock 0 until closed; the deadline itself when that closed them
    /// @param attempt claims of this round that fell
    /// @param claim the claim that waits for its window, or by which the round was settled; 0 for
    ///        none
    /// @param electSeed 0 until the block after its own is there
    /// @param modelRoot params the round starts from; once settled, those it led to
    /// @param cumulativeRoot likewise
    struct Round {
        uint64 number;
        Phase phase;
        uint64 openBlock;
        uint64 commitsClosedBlock;
        uint64 revealsClosedBlock;
        uint32 attempt;
        uint256 claim;
        bytes32 electSeed;
        bytes32 modelRoot;
        bytes32 cumulativeRoot;
        Seat[] seats;
    }

    /// @param salts running hash of the salts revealed in earlier rounds, part of this round's
    ///        seeds
    event Opened(uint64 indexed round, uint64 openBlock, bytes32 modelRoot, bytes32 salts);
    /// @param nodes registry indices, ascending
    /// @param rows how many seats each drew
    event Seated(uint64 indexed round, uint32[] nodes, uint32[] rows);
    event Committed(uint64 indexed round, uint32 indexed node, bytes32 commitment);
    /// @param committed how many seats have committed
    event CommitsClosed(uint64 indexed round, uint64 blockNumber, uint32 committed);
    /// @param data the update's bytes when revealed with data, else empty
    event Revealed(
        uint64 indexed round,
        uint32 indexed node,
        bytes32 updateRoot,
        bytes32 blob,
        bytes32 salt,
        bytes data
    );
    /// @param revealed how many seats revealed
    event RevealsClosed(uint64 indexed round, uint64 blockNumber, uint32 revealed);
    event ResultPosted(
        uint64 indexed round,
        uint256 indexed claim,
        uint32 indexed aggregator,
        bytes32 inputsRoot,
        bytes32 outputsRoot
    );
    /// @param attempt how many claims of this round fell, this one included
    event ResultStruck(uint64 indexed round, uint256 indexed claim, uint32 attempt);
    /// @param nodes registry indices of the nodes that revealed, ascending
    /// @param accepted by node
    event Settled(
        uint64 indexed round,
        uint256 indexed claim,
        bytes32 modelRoot,
        bytes32 cumulativeRoot,
        uint32[] nodes,
        bool[] accepted
    );
    /// @param phase the phase that ended without a quorum
    event Voided(uint64 indexed round, Phase phase, uint32 got, uint32 quorum);

    /// @notice Thrown at deployment; names the field of the configuration that cannot be.
    error BadConfig(string field);
    /// @notice Thrown when the call belongs to another phase than the one of this block.
    error WrongPhase(Phase expected, Phase got);
    /// @notice Thrown when the call names another round than the running one.
    error WrongRound(uint64 expected, uint64 got);
    /// @notice Thrown by `open` when fewer nodes take seats than a round needs.
    error NodesMissing(uint32 got, uint32 needed);
    /// @notice Thrown by `open` when `Rewards` was never paid enough for this round's budget (wei).
    error Unfunded(uint256 got, uint256 needed);
    /// @notice Thrown when the sender has no seat in the round.
    error NotSeated(address key);
    /// @notice Thrown by a second commitment.
    error AlreadyCommitted(uint32 node);
    /// @notice Thrown by a commitment of zero, which nothing opens.
    error ZeroCommitment(uint32 node);
    /// @notice Thrown by a reveal of a seat that did not commit.
    error NotCommitted(uint32 node);
    /// @notice Thrown by a second reveal.
    error AlreadyRevealed(uint32 node);
    /// @notice Thrown when update root and salt are not what the commitment was made of.
    error CommitmentMismatch(bytes32 expected, bytes32 got);
    /// @notice Thrown when signatures are not a whole number of 65 bytes (`signature` is then their
    ///         count), or one is no signature of another seat of this round, or not in ascending
    ///         order.
    error BadCertificate(uint256 signature);
    /// @notice Thrown when the signers and the revealer do not hold `needed` wei of stake.
    error CertificateTooLight(uint256 got, uint256 needed);
    /// @notice Thrown by `revealWithData` when the update is not 4 × `updateLength` bytes.
    error UpdateLength(uint256 got, uint256 expected);
    /// @notice Thrown while the block whose hash draws the seats or elects the aggregator, or the
    ///         one after it, is to come.
    error SeedPending(uint64 blockNumber);
    /// @notice Thrown by `postResult` when it is another node's turn.
    error NotAggregator(uint32 expected, uint32 got);
    /// @notice Thrown by `postResult` while a claim waits for its window.
    error ClaimPending(uint256 claim);
    /// @notice Thrown by `settle` when there is no claim, or it can still be challenged or is
    ///         disputed.
    error ClaimNotFinal(uint256 claim);
    /// @notice Thrown by `settle` when there are not four output roots.
    error OutputCount(uint256 got, uint256 expected);
    /// @notice Thrown by `settle` when the output roots are not those of the claim.
    error OutputsMismatch(bytes32 expected, bytes32 got);
    /// @notice Thrown by `settle` when the chunk is not output 1.
    error AcceptedMismatch(bytes32 expected, bytes32 got);

    /// @notice Opens the next round; anyone may, when none is running and enough nodes take seats.
    ///         Enrolment closes with the block of this call.
    /// @return round its number
    function open() external returns (uint64 round);

    /// @notice Draws the seats of a round that has none, from the hash of its opening block;
    ///         anyone may. Does nothing when there is nothing to do.
    function draw() external;

    /// @notice Commits the sender's seat, once a round.
    function commit(uint64 round, bytes32 commitment) external;

    /// @notice Reveals the sender's update, held by others.
    /// @param updateRoot tensor root of the update
    /// @param salt what the commitment was salted with
    /// @param blob BLAKE3 of the update's bytes
    /// @param signatures 65 bytes each (r ‖ s ‖ v) over `availabilityDigest` as an EIP-191 message,
    ///        by other seats of the round in ascending order of their registry index
    function reveal(
        uint64 round,
        bytes32 updateRoot,
        bytes32 salt,
        bytes32 blob,
        bytes calldata signatures
    ) external;

    /// @notice Reveals the sender's update with its bytes, which needs nobody's signature.
    /// @param blob as stated; nobody needs it, since the bytes are in the event
    /// @param update i32[d], little-endian
    function revealWithData(uint64 round, bytes32 salt, bytes32 blob, bytes calldata update)
        external;

    /// @notice Claims the result of the aggregation Program; the sender's allowance to `Court` pays
    ///         the bond.
    /// @return claim its id
    function postResult(uint64 round, bytes32 outputsRoot) external returns (uint256 claim);

    /// @notice Finalises the claim if need be, moves the model and the rewards, burns what was
    ///         committed and not revealed.
    /// @param outputRoots the tensor roots of the four outputs
    /// @param acceptedChunk the 128 bytes of output 1
    function settle(uint64 round, bytes32[] calldata outputRoots, bytes calldata acceptedChunk)
        external;

    /// @notice Closes a phase whose deadline has passed, notices a claim that fell;
    ///         anyone may. Does nothing when there is nothing to do.
    function poke() external;

    /// @notice Returns what was fixed at deployment.
    function config() external view returns (Config memory);

    /// @notice The running round, or the last one, with the phase as of this block (deadlines
    ///         passed count as closed).
    function current() external view returns (Round memory);

    /// @notice Whose turn it is to post the result, at this block.
    function aggregator() external view returns (uint32 node);

    /// @notice Returns the list root of the aggregation Program's inputs, as §2 lists them.
    function inputsRoot() external view returns (bytes32);

    /// @notice Returns whom settled pay is posted to.
    function rewards() external view returns (IRewards);

    /// @notice Returns the tensor root of the params of the last settled round.
    function modelRoot() external view returns (bytes32);

    /// @notice Returns the tensor root of the cumulative pay of the last settled round.
    function cumulativeRoot() external view returns (bytes32);

    /// @notice Returns how many rounds were settled.
    function settledCount() external view returns (uint64);

    /// @notice Returns the claim that settled the last of them, 0 before the first: its inputs and
    ///         outputs are what the round was.
    function settledClaim() external view returns (uint256);

    /// @notice Returns the commitment that stands for an update root and a salt.
    function commitmentOf(uint64 round, uint32 node, bytes32 updateRoot, bytes32 salt)
        external
        view
        returns (bytes32);

    /// @notice Returns what a holder signs (as an EIP-191 message over these 32 bytes).
    function availabilityDigest(uint64 round, uint32 node, bytes32 updateRoot, bytes32 blob)
        external
        view
        returns (bytes32);
}
