// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title One job's training rounds: commit, reveal, aggregate, settle
/// @notice docs/protocol.md §2. Everything a claim rests on is derived here from the chain's own state.
interface IRounds {
    enum Phase { Idle, Commit, Reveal, Aggregate }

    /// @param job identity of the job, part of every commitment
    /// @param quorum fewest commitments, and fewest reveals, that make a round
    /// @param capacity most seats; also the length of the cumulative tensor; at most 32 seats in this version
    /// @param budgetGwei pay of one round in gwei of the token
    /// @param unrevealedPenalty stake in wei burnt for a commitment without a reveal
    /// @param updateLength d, the number of coordinates of an update
    /// @param trainProgram hash of the training step, for readers
    /// @param initialModel tensor root of the initial params
    /// @param initialCumulative tensor root of capacity zeros in f64
    /// @param aggregatePrograms program hash for quorum, quorum + 1, … capacity rows
    struct Config {
        bytes32 job;
        uint32 quorum;
        uint32 capacity;
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

    /// @param index registry index
    /// @param stake wei, as it was when the round opened
    struct Seat {
        uint32 index;
        uint256 stake;
        bytes32 commitment;
        bytes32 updateRoot;
        bytes32 blob;
        bytes32 salt;
        bool revealed;
    }

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

    event Opened(uint64 indexed round, uint64 openBlock, uint32[] seats, bytes32 modelRoot, bytes32 salts);
    event Committed(uint64 indexed round, uint32 indexed node, bytes32 commitment);
    event CommitsClosed(uint64 indexed round, uint64 blockNumber, uint32 committed);
    /// @param data the update's bytes when revealed with data, else empty
    event Revealed(uint64 indexed round, uint32 indexed node, bytes32 updateRoot, bytes32 blob, bytes32 salt, bytes data);
    event RevealsClosed(uint64 indexed round, uint64 blockNumber, uint32 revealed);
    event ResultPosted(uint64 indexed round, uint256 indexed claim, uint32 indexed aggregator, bytes32 inputsRoot, bytes32 outputsRoot);
    event ResultFrozen(uint64 indexed round, uint256 indexed claim, uint32 attempt);
    event Settled(uint64 indexed round, uint256 indexed claim, bytes32 modelRoot, bytes32 cumulativeRoot, uint32[] seats, bool[] accepted);
    event Voided(uint64 indexed round, Phase phase, uint32 got, uint32 quorum);

    error WrongPhase(Phase expected, Phase got);
    error WrongRound(uint64 expected, uint64 got);
    error NotSeated(address key);
    error AlreadyCommitted(uint32 node);
    error NotCommitted(uint32 node);
    error AlreadyRevealed(uint32 node);
    error CommitmentMismatch(bytes32 expected, bytes32 got);
    error BadCertificate(uint256 signature);
    error CertificateTooLight(uint256 got, uint256 needed);
    error UpdateLength(uint256 got, uint256 expected);
    error NotAggregator(uint32 expected, uint32 got);
    error ClaimPending(uint256 claim);
    error ClaimNotFinal(uint256 claim);
    error OutputsMismatch(bytes32 expected, bytes32 got);
    error QuorumMissing(uint32 got, uint32 needed);
    error AcceptedMismatch(bytes32 expected, bytes32 got);

    /// @notice Opens the next round; anyone may, when none is running and a quorum of nodes is active.
    function open() external returns (uint64 round);
    function commit(uint64 round, bytes32 commitment) external;
    function reveal(uint64 round, bytes32 updateRoot, bytes32 salt, bytes32 blob, bytes calldata signatures) external;
    function revealWithData(uint64 round, bytes32 salt, bytes32 blob, bytes calldata update) external;
    function postResult(uint64 round, bytes32 outputsRoot) external returns (uint256 claim);
    /// @notice Finalises the claim if need be, moves the model and the rewards, burns what was committed and not revealed.
    /// @param outputRoots the tensor roots of the four outputs
    /// @param acceptedChunk the 128 bytes of output 1
    function settle(uint64 round, bytes32[] calldata outputRoots, bytes calldata acceptedChunk) external;
    /// @notice Closes a phase whose deadline has passed; anyone may. Does nothing when there is nothing to close.
    function poke() external;

    function config() external view returns (Config memory);
    /// @notice The running round, or the last one, with the phase as of this block (deadlines passed count as closed).
    function current() external view returns (Round memory);
    /// @notice Whose turn it is to post the result, at this block.
    function aggregator() external view returns (uint32 node);
    function inputsRoot() external view returns (bytes32);
    function modelRoot() external view returns (bytes32);
    function cumulativeRoot() external view returns (bytes32);
    function commitmentOf(uint64 round, uint32 node, bytes32 updateRoot, bytes32 salt) external view returns (bytes32);
    function availabilityDigest(uint64 round, uint32 node, bytes32 updateRoot, bytes32 blob) external view returns (bytes32);
}
