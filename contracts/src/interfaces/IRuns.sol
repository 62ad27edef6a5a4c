// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Open jobs: models trained on public data, each by whole runs that are claimed
/// @notice docs/protocol.md, "Open jobs". The terms fix the step Program, how often it is run, its first
///         state and its data by their roots. A trainer enrols, draws a seed, trains, and claims the
///         state at the end with a bond in `Court`; anybody can run it again and challenge. A claim that
///         is final is paid out of what the escrow reserved when its trainer enrolled.
/// @dev The Program's inputs are the state, the data, and a seed i32[2]; its outputs are the next state,
///      whose last tensor is a loss, f32[1].
interface IRuns {
    /// @notice `Enrolled`: pay is reserved for it. `Claimed`: its result stands in the court. `Paid`: the
    ///         claim is final. `Dropped`: not claimed in time, or convicted.
    enum State {
        None,
        Enrolled,
        Claimed,
        Paid,
        Dropped
    }

    /// @param program step Program, registered before anybody enrols
    /// @param iterations how often a run executes it
    /// @param trainBlocks blocks between enrolling and claiming at most
    /// @param endBlock last block in which anybody can enrol
    /// @param pay wei for a run whose claim is final
    /// @param deposit wei a trainer puts in when it enrols; burnt with a run that is dropped
    struct Terms {
        bytes32 program;
        uint32 iterations;
        uint32 trainBlocks;
        uint64 endBlock;
        uint256 pay;
        uint256 deposit;
    }

    /// @param sponsor who created it, and receives what no run was paid
    /// @param stateCount tensors of the state, the loss among them
    /// @param best number of the run whose model is the job's, plus 1; 0 for none yet
    /// @param escrow wei that no run has reserved
    /// @param reserved wei for runs that are enrolled or claimed
    /// @param terms what it was created with
    struct Job {
        address sponsor;
        uint32 stateCount;
        uint32 best;
        uint256 escrow;
        uint256 reserved;
        Terms terms;
    }

    /// @param trainer who enrolled
    /// @param enrolBlock when
    /// @param state where it stands
    /// @param loss bits of the f32 that the claim says
    /// @param seed zero until drawn; its first eight bytes are the seed tensor's
    /// @param claim in the court, 0 for none
    /// @param model root of output 0, as claimed
    struct Run {
        address trainer;
        uint64 enrolBlock;
        State state;
        uint32 loss;
        bytes32 seed;
        uint256 claim;
        bytes32 model;
    }

    /// @param inputs roots of the first state, then of the data
    /// @param description what the model is and where the data are, in words; it stands here only
    event Created(
        uint256 indexed job,
        address indexed sponsor,
        Terms terms,
        uint32 stateCount,
        bytes32[] inputs,
        string description
    );
    /// @param amount wei
    event Funded(uint256 indexed job, address indexed from, uint256 amount);
    /// @param deadline last block in which it can be claimed
    event Enrolled(
        uint256 indexed job, uint256 indexed run, address indexed trainer, uint64 deadline
    );
    event Drawn(uint256 indexed job, uint256 indexed run, bytes32 seed);
    /// @param outputs roots of the state at the end, without the loss
    /// @param loss bits of the f32
    event RunClaimed(
        uint256 indexed job,
        uint256 indexed run,
        uint256 indexed claim,
        bytes32[] outputs,
        uint32 loss
    );
    /// @param amount wei, the deposit with it
    /// @param best whether its model is the job's now
    event RunPaid(uint256 indexed job, uint256 indexed run, uint256 amount, bool best);
    /// @param burnt wei
    event RunDropped(uint256 indexed job, uint256 indexed run, uint256 burnt);
    /// @param amount wei returned to the sponsor
    event Reclaimed(uint256 indexed job, address indexed sponsor, uint256 amount);

    /// @notice Thrown for a job that nobody created.
    error UnknownJob(uint256 job);
    /// @notice Thrown for a run that nobody enrolled.
    error UnknownRun(uint256 job, uint256 run);
    /// @notice Thrown at creation; names the field that cannot be.
    error BadTerms(string field);
    /// @notice Thrown by `fund` and `enrol` after the job's last block.
    error Ended(uint256 job, uint64 endBlock);
    /// @notice Thrown by `reclaim` up to the job's last block.
    error NotEnded(uint256 job, uint64 endBlock);
    /// @notice Thrown by `enrol` when no run more can be paid (wei).
    error EscrowSpent(uint256 job, uint256 got, uint256 needed);
    /// @notice Thrown by `enrol` while claims about the Program are not taken.
    error NotReady(bytes32 program);
    /// @notice Thrown by `draw` in the block of the enrolment.
    error SeedPending(uint256 job, uint256 run, uint64 enrolBlock);
    /// @notice Thrown by a second draw, and by a second claim.
    error AlreadyDone(uint256 job, uint256 run);
    /// @notice Thrown by `claim` before the seed is drawn.
    error NotDrawn(uint256 job, uint256 run);
    /// @notice Thrown by `claim` when the sender is not who enrolled.
    error OnlyTrainer(uint256 job, uint256 run);
    /// @notice Thrown by `claim` after the run's deadline.
    error TooLate(uint256 job, uint256 run, uint64 deadline);
    /// @notice Thrown by `claim` for another number of roots than the state has without its loss.
    error OutputCount(uint256 expected, uint256 got);
    /// @notice Thrown by `settle` while the run waits, and when it is over.
    error NotDue(uint256 job, uint256 run, State state);

    /// @notice Creates a job, its sponsor being the sender; anybody may.
    /// @param header preimage of the Program's hash after its first byte
    /// @param inputs roots of the first state, then of the data
    /// @param stateCount how many of them are the state
    /// @return job its number, from 0 on
    function create(
        Terms calldata terms,
        bytes calldata header,
        bytes32[] calldata inputs,
        uint32 stateCount,
        string calldata description
    ) external returns (uint256 job);

    /// @notice Adds `amount` from the sender's allowance to the escrow. What no run used goes to the
    ///         sponsor after the job's last block, whoever paid it in.
    function fund(uint256 job, uint256 amount) external;

    /// @notice Reserves the pay of one run for the sender, who puts in the deposit; anybody may, as
    ///         often as it wants to train.
    /// @return run its number in the job, from 0 on
    function enrol(uint256 job) external returns (uint256 run);

    /// @notice Fixes a run's seed by the hash of the block in which it was enrolled; anybody may, from
    ///         the next block on. Where nobody does for 256 blocks, the block a multiple of 256 later
    ///         takes its place.
    function draw(uint256 job, uint256 run) external returns (bytes32 seed);

    /// @notice Claims what a run returned, with the trainer's bond from its allowance to `Court`.
    /// @param outputs roots of the state at the end, without the loss
    /// @param loss bits of the loss, f32
    /// @return id the claim
    function claim(uint256 job, uint256 run, bytes32[] calldata outputs, uint32 loss)
        external
        returns (uint256 id);

    /// @notice Ends a run that can be ended; anybody may. One whose claim is final is paid, and gives the
    ///         job its model if its loss is the lowest so far; one that fell, or was not claimed in time,
    ///         loses its deposit and frees what was reserved.
    function settle(uint256 job, uint256 run) external returns (State);

    /// @notice Returns to the sponsor what no run has reserved, after the job's last block; anybody may.
    /// @return amount wei
    function reclaim(uint256 job) external returns (uint256 amount);

    /// @notice Returns how many jobs there are.
    function jobCount() external view returns (uint256);

    /// @notice Returns a job as it stands.
    function jobOf(uint256 job) external view returns (Job memory);

    /// @notice Returns the roots of a job's first state, then of its data.
    function inputsOf(uint256 job) external view returns (bytes32[] memory);

    /// @notice Returns how many runs of a job were enrolled.
    function runCount(uint256 job) external view returns (uint256);

    /// @notice Returns a run as it stands.
    function runOf(uint256 job, uint256 run) external view returns (Run memory);
}
