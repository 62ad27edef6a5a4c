// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IRiskOracle} from "./IRiskOracle.sol";
import {IRounds} from "./IRounds.sol";

/// @title Jobs: models that are trained for a budget, and how far each has come
/// @notice docs/protocol.md, "Jobs". Each job has a `Registry`, a `Rewards` and a `Rounds` of its own,
///         deployed here from creation code whose hash is fixed, and an escrow that pays its rounds one
///         after another. States only go forward, each on evidence that is on the chain.
interface IJobs {
    /// @notice `Draft`: created. `Open`: the escrow holds what the terms ask for and the job's Programs
    ///         are registered. `Training`: a round was opened. `Validated`: a claim is final that the
    ///         model beats the baseline on the holdout. `Deployed`: a gate reads its oracle. `Retired`:
    ///         by schedule, by notice, or because the escrow was spent.
    enum State {
        None,
        Draft,
        Open,
        Training,
        Validated,
        Deployed,
        Retired
    }

    /// @param minimumStake wei a node stakes at least in this job
    /// @param unbondBlocks blocks between leaving and withdrawing
    /// @param budget wei that the escrow must hold before the job opens, at least one round's pay
    /// @param startBlock no round is paid for before it
    /// @param intervalBlocks blocks between the payments of two rounds at least
    /// @param endBlock last block of the job; 2^64 - 1 for none
    /// @param noticeBlocks blocks between a notice and the retirement it is about
    /// @param validationRounds rounds that must be settled before the holdout is revealed
    /// @param validationProgram Program over (params, holdout tensors …) with one output f64[2]: the
    ///        model's loss and the baseline's; zero for a job that is never validated
    /// @param holdout `holdoutOf` data that the sponsor alone has until the reveal
    struct Terms {
        uint256 minimumStake;
        uint64 unbondBlocks;
        uint256 budget;
        uint64 startBlock;
        uint64 intervalBlocks;
        uint64 endBlock;
        uint64 noticeBlocks;
        uint64 validationRounds;
        bytes32 validationProgram;
        bytes32 holdout;
    }

    /// @notice Creation code without constructor arguments, of the hashes fixed at deployment.
    struct Codes {
        bytes registry;
        bytes rewards;
        bytes rounds;
    }

    /// @param sponsor who created it; gives notice, and receives what is unspent
    /// @param escrow wei that no round was paid from yet
    /// @param releasedBlock block of the last payment of a round, 0 for none
    /// @param retireBlock from this block on it may be retired by notice, 0 without one
    /// @param sponsorLeaves whether the notice is the sponsor's; another's is void once anybody funds
    ///        the job, or it is deployed
    /// @param model root of the params as the holdout was revealed; what a validation is about
    /// @param claim the last claim of a validation, 0 for none
    /// @param oracle its `RiskOracle`, zero until attached
    /// @param consumer the gate by which it was deployed
    struct Job {
        address sponsor;
        State state;
        address registry;
        address rewards;
        address rounds;
        uint256 escrow;
        uint64 releasedBlock;
        uint64 retireBlock;
        bool sponsorLeaves;
        bytes32 model;
        uint256 claim;
        address oracle;
        address consumer;
        Terms terms;
    }

    /// @param requirement what data a node must bring, in words; it stands in this event only
    event Created(
        uint256 indexed job,
        address indexed sponsor,
        address registry,
        address rewards,
        address rounds,
        Terms terms,
        string requirement
    );
    /// @param amount wei
    event Funded(uint256 indexed job, address indexed from, uint256 amount);
    /// @param amount wei paid into the job's `Rewards`
    event Released(uint256 indexed job, uint256 amount);
    event Advanced(uint256 indexed job, State state);
    /// @param retireBlock from this block on it may be retired
    event NoticeGiven(uint256 indexed job, address indexed by, uint64 retireBlock);
    /// @param model root of the params that the holdout is for
    /// @param tensors bytes of each tensor
    event HoldoutRevealed(uint256 indexed job, bytes32 model, bytes[] tensors);
    /// @param loss bits of the model's loss
    /// @param baseline bits of the baseline's
    event ValidationClaimed(
        uint256 indexed job, uint256 indexed claim, uint64 loss, uint64 baseline
    );
    event OracleAttached(uint256 indexed job, address oracle);
    /// @param amount wei returned to the sponsor
    event Reclaimed(uint256 indexed job, address indexed sponsor, uint256 amount);

    /// @notice Thrown for a job that nobody created.
    error UnknownJob(uint256 job);
    /// @notice Thrown at creation; names the field that cannot be.
    error BadTerms(string field);
    /// @notice Thrown for creation code of another contract than the one named.
    error OtherCode(string contractName, bytes32 expected, bytes32 got);
    /// @notice Thrown when the call belongs to another state.
    error WrongState(uint256 job, State expected, State got);
    /// @notice Thrown by `advance` when the evidence for the state after this one is not there.
    error NotDue(uint256 job, State state);
    /// @notice Thrown by calls of a job that is retired or due to be, and by `reclaim` of one that is not
    ///         retired.
    error Retirement(uint256 job, bool retired);
    /// @notice Thrown by `release` while the next round is paid for.
    error NothingToRelease(uint256 job);
    /// @notice Thrown by `release` before the block that the schedule says.
    error TooEarly(uint256 job, uint256 blockNumber);
    /// @notice Thrown by `release` when the escrow holds less than the round's pay (wei).
    error EscrowSpent(uint256 job, uint256 got, uint256 needed);
    /// @notice Thrown when the sender is not the job's sponsor, where nobody else may.
    error OnlySponsor(uint256 job);
    /// @notice Thrown by a second notice, attachment or reveal.
    error AlreadyDone(uint256 job);
    /// @notice Thrown by `revealHoldout` before enough rounds are settled.
    error TooFewRounds(uint256 job, uint64 got, uint64 needed);
    /// @notice Thrown when the tensors and the salt are not what the terms commit to.
    error OtherHoldout(bytes32 expected, bytes32 got);
    /// @notice Thrown by `claimValidation` before the holdout was revealed.
    error NoHoldout(uint256 job);
    /// @notice Thrown by `claimValidation` unless both are finite, not negative, and the loss is lower.
    error NotBetter(uint64 loss, uint64 baseline);
    /// @notice Thrown by `claimValidation` while another claim waits or is disputed.
    error ClaimPending(uint256 claim);
    /// @notice Thrown by `deploy` for a gate that reads another oracle.
    error OtherOracle(address expected, address got);

    /// @notice Creates a job, its sponsor being the sender; anybody may.
    /// @param config of its rounds; `job` and `initialCumulative` are set here
    /// @return job its number, from 0 on
    function create(
        Terms calldata terms,
        IRounds.Config memory config,
        Codes calldata codes,
        string calldata requirement
    ) external returns (uint256 job);

    /// @notice Adds `amount` from the sender's allowance to the escrow. What no round used goes to the
    ///         sponsor when the job is retired.
    function fund(uint256 job, uint256 amount) external;

    /// @notice Pays what the next round needs out of the escrow into the job's `Rewards`, from where it
    ///         can leave as pay only; anybody may, once a round, on schedule.
    /// @return amount wei
    function release(uint256 job) external returns (uint256 amount);

    /// @notice Moves the job to the next state whose evidence is on the chain; anybody may. A validation
    ///         claim whose window has passed is made final on the way.
    function advance(uint256 job) external returns (State);

    /// @notice Announces the end of a job: the sponsor at any time, anybody once the escrow cannot pay
    ///         the next round of a job that trains and is not deployed.
    function giveNotice(uint256 job) external;

    /// @notice Reveals the holdout once enough rounds are settled; the model of that moment is what a
    ///         validation is about, so nobody trains on the holdout before.
    /// @param tensors bytes of each tensor, little-endian
    /// @param wide whether its elements have eight bytes (f64), else four
    /// @param salt what the commitment was salted with
    function revealHoldout(
        uint256 job,
        bytes[] calldata tensors,
        bool[] calldata wide,
        bytes32 salt
    ) external;

    /// @notice Claims that the validation Program returned these two numbers, with the sender's bond;
    ///         anybody may, and anybody may challenge. The sender's allowance to `Court` pays it.
    /// @param loss bits of the model's loss on the holdout
    /// @param baseline bits of the baseline's
    function claimValidation(uint256 job, uint64 loss, uint64 baseline)
        external
        returns (uint256 claim);

    /// @notice Deploys the job's `RiskOracle`, once, from creation code whose hash is fixed; the sponsor
    ///         chooses its Programs.
    function attachOracle(
        uint256 job,
        bytes calldata code,
        bytes32[] calldata programs,
        IRiskOracle.Posted[] calldata posted
    ) external returns (address oracle);

    /// @notice Moves a validated job on: `gate` is a contract whose `oracle()` is the job's; anybody may.
    function deploy(uint256 job, address gate) external;

    /// @notice Returns the escrow of a retired job to its sponsor; anybody may.
    /// @return amount wei
    function reclaim(uint256 job) external returns (uint256 amount);

    /// @notice Returns how many jobs there are.
    function jobCount() external view returns (uint256);

    /// @notice Returns a job as it stands.
    function jobOf(uint256 job) external view returns (Job memory);

    /// @notice Returns the state `advance` would move the job to, its own where the evidence is missing.
    function due(uint256 job) external view returns (State);

    /// @notice Returns the roots of the revealed holdout's tensors.
    function holdoutRoots(uint256 job) external view returns (bytes32[] memory);

    /// @notice Returns a job's identity, part of every commitment in its rounds.
    function identityOf(uint256 job) external view returns (bytes32);

    /// @notice Returns the commitment to a holdout.
    /// @param root list root of its tensors' roots
    function holdoutOf(address sponsor, bytes32 root, bytes32 salt) external view returns (bytes32);
}

/// @title What a gate says of itself
interface IReader {
    /// @notice Returns the oracle it reads.
    function oracle() external view returns (address);
}
