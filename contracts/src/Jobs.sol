// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Create3} from "@openzeppelin/contracts/utils/Create3.sol";

import {ICourt} from "./interfaces/ICourt.sol";
import {IJobs, IReader} from "./interfaces/IJobs.sol";
import {IPrograms} from "./interfaces/IPrograms.sol";
import {IRewards} from "./interfaces/IRewards.sol";
import {IRiskOracle} from "./interfaces/IRiskOracle.sol";
import {IRounds} from "./interfaces/IRounds.sol";
import {Amount} from "./lib/Amount.sol";
import {Tree} from "./lib/Tree.sol";

/// @title Jobs, their contracts and their escrows
/// @notice Its balance of the token is at least the sum of the escrows. What a round is paid with leaves
///         to that job's `Rewards` before the round opens, so neither notice nor retirement can touch it.
/// @dev Deliberately absent: an owner, a fee, a way to change terms, a way back to an earlier state, and
///      a way to register contracts that were deployed elsewhere.
contract Jobs is IJobs {
    using SafeERC20 for IERC20;

    /// @dev Hashes of the creation code of what a job consists of.
    struct CodeHashes {
        bytes32 registry;
        bytes32 rewards;
        bytes32 rounds;
        bytes32 oracle;
    }

    bytes32 private constant JOB_DOMAIN = keccak256("assay/job/v1");
    bytes32 private constant HOLDOUT_DOMAIN = keccak256("assay/holdout/v1");
    uint256 private constant WEI_PER_GWEI = 1e9;
    uint256 private constant CHUNK_ELEMENTS = 32;
    /// @dev What can still be summed within one transaction when revenue is split.
    uint256 private constant CUMULATIVE_MAX = 4096;
    uint256 private constant REQUIREMENT_MAX = 1024;
    /// @dev Bits of an infinite double; those of finite ones that are not negative are below, in order.
    uint64 private constant INFINITY = 0x7ff0000000000000;

    /// @notice The token of stakes, pay and revenue.
    IERC20 public immutable token;
    /// @notice Keeps the claims; this contract is one of its consumers and admits each job's.
    ICourt public immutable court;
    /// @notice Says which Programs are registered.
    IPrograms public immutable programs;
    /// @notice Hash of the creation code of a job's `Registry`.
    bytes32 public immutable registryCode;
    /// @notice Hash of the creation code of a job's `Rewards`.
    bytes32 public immutable rewardsCode;
    /// @notice Hash of the creation code of a job's `Rounds`.
    bytes32 public immutable roundsCode;
    /// @notice Hash of the creation code of a job's `RiskOracle`.
    bytes32 public immutable oracleCode;

    Job[] private _jobs;
    mapping(uint256 job => bytes32[]) private _holdouts;

    /// @param court_ deployed, and having this address among its consumers
    constructor(IERC20 token_, ICourt court_, IPrograms programs_, CodeHashes memory codes) {
        token = token_;
        court = court_;
        programs = programs_;
        registryCode = codes.registry;
        rewardsCode = codes.rewards;
        roundsCode = codes.rounds;
        oracleCode = codes.oracle;
        require(court_.isConsumer(address(this)), BadTerms("court"));
    }

    /// @inheritdoc IJobs
    function create(
        Terms calldata terms,
        IRounds.Config memory config,
        Codes calldata codes,
        string calldata requirement
    ) external returns (uint256 job) {
        _checkTerms(terms, config);
        require(bytes(requirement).length <= REQUIREMENT_MAX, BadTerms("requirement"));
        _sameCode("Registry", registryCode, codes.registry);
        _sameCode("Rewards", rewardsCode, codes.rewards);
        _sameCode("Rounds", roundsCode, codes.rounds);

        job = _jobs.length;
        config.job = identityOf(job);
        config.initialCumulative = _zeros(config.cumulativeLength);
        Job storage made = _jobs.push();
        made.sponsor = msg.sender;
        made.state = State.Draft;
        made.terms = terms;
        _deployParts(job, config, codes);

        emit Created(job, msg.sender, made.registry, made.rewards, made.rounds, terms, requirement);
    }

    /// @inheritdoc IJobs
    function fund(uint256 job, uint256 amount) external {
        Job storage funded = _alive(job);
        funded.escrow += amount;
        if (!funded.sponsorLeaves) funded.retireBlock = 0;

        emit Funded(job, msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IJobs
    function release(uint256 job) external returns (uint256 amount) {
        Job storage paying = _alive(job);
        require(paying.state != State.Draft, WrongState(job, State.Open, State.Draft));
        amount = _missing(paying);
        require(amount > 0, NothingToRelease(job));
        uint256 earliest = paying.terms.startBlock;
        if (paying.releasedBlock > 0) {
            uint256 next = uint256(paying.releasedBlock) + paying.terms.intervalBlocks;
            if (next > earliest) earliest = next;
        }
        require(block.number >= earliest, TooEarly(job, earliest));
        require(paying.escrow >= amount, EscrowSpent(job, paying.escrow, amount));

        paying.escrow -= amount;
        paying.releasedBlock = uint64(block.number);

        emit Released(job, amount);
        token.forceApprove(paying.rewards, amount);
        IRewards(paying.rewards).fund(amount);
    }

    /// @inheritdoc IJobs
    function advance(uint256 job) external returns (State state) {
        Job storage moved = _known(job);
        if (moved.state == State.Training && moved.claim != 0) _finalise(moved.claim);
        state = due(job);
        require(state != moved.state, NotDue(job, state));
        _move(job, moved, state);
    }

    /// @inheritdoc IJobs
    function giveNotice(uint256 job) external {
        Job storage ending = _alive(job);
        bool sponsor = msg.sender == ending.sponsor;
        require(!ending.sponsorLeaves, AlreadyDone(job));
        if (!sponsor) {
            require(_isSpent(ending), OnlySponsor(job));
            require(ending.retireBlock == 0, AlreadyDone(job));
        }

        ending.sponsorLeaves = sponsor;
        ending.retireBlock = uint64(block.number) + ending.terms.noticeBlocks;

        emit NoticeGiven(job, msg.sender, ending.retireBlock);
    }

    /// @inheritdoc IJobs
    function revealHoldout(
        uint256 job,
        bytes[] calldata tensors,
        bool[] calldata wide,
        bytes32 salt
    ) external {
        Job storage shown = _alive(job);
        _inState(job, shown, State.Training);
        require(_holdouts[job].length == 0, AlreadyDone(job));
        IRounds rounds = IRounds(shown.rounds);
        uint64 settled = rounds.settledCount();
        uint64 needed = shown.terms.validationRounds;
        require(settled >= needed, TooFewRounds(job, settled, needed));
        require(wide.length == tensors.length, BadTerms("wide"));
        bytes32[] memory roots = new bytes32[](tensors.length);
        for (uint256 i = 0; i < roots.length; ++i) {
            roots[i] = Tree.tensorRoot(tensors[i], wide[i] ? Tree.CHUNK_8 : Tree.CHUNK_4);
        }
        _holdouts[job] = roots;
        bytes32 got = holdoutOf(shown.sponsor, Tree.root(roots), salt);
        require(got == shown.terms.holdout, OtherHoldout(shown.terms.holdout, got));

        shown.model = rounds.modelRoot();

        emit HoldoutRevealed(job, shown.model, tensors);
    }

    /// @inheritdoc IJobs
    function claimValidation(uint256 job, uint64 loss, uint64 baseline)
        external
        returns (uint256 claim)
    {
        Job storage judged = _alive(job);
        _inState(job, judged, State.Training);
        bytes32[] memory holdout = _holdouts[job];
        require(holdout.length > 0, NoHoldout(job));
        require(loss < baseline && baseline < INFINITY, NotBetter(loss, baseline));
        if (judged.claim != 0) {
            ICourt.State state = court.stateOf(judged.claim);
            bool fell = state == ICourt.State.Struck || state == ICourt.State.Void;
            require(fell, ClaimPending(judged.claim));
        }
        bytes32[] memory inputs = new bytes32[](holdout.length + 1);
        inputs[0] = judged.model;
        for (uint256 i = 0; i < holdout.length; ++i) {
            inputs[i + 1] = holdout[i];
        }
        bytes32 outputsRoot = Tree.leaf(
            bytes.concat(
                bytes8(Amount.swap(loss)),
                bytes8(Amount.swap(baseline)),
                new bytes(Tree.CHUNK_8 - 16)
            )
        );

        claim = court.post(
            judged.terms.validationProgram,
            Tree.root(inputs),
            outputsRoot,
            msg.sender,
            1,
            new uint256[](0)
        );
        judged.claim = claim;

        emit ValidationClaimed(job, claim, loss, baseline);
    }

    /// @inheritdoc IJobs
    function attachOracle(
        uint256 job,
        bytes calldata code,
        bytes32[] calldata programs_,
        IRiskOracle.Posted[] calldata posted
    ) external returns (address oracle) {
        Job storage read = _alive(job);
        require(msg.sender == read.sponsor, OnlySponsor(job));
        require(read.oracle == address(0), AlreadyDone(job));
        _sameCode("RiskOracle", oracleCode, code);

        oracle = Create3.computeAddress(_saltOf(job, "RiskOracle"));
        read.oracle = oracle;
        court.admit(oracle);
        bytes memory arguments = abi.encode(read.rounds, court, programs_, posted);
        _deploy(job, "RiskOracle", bytes.concat(code, arguments));

        emit OracleAttached(job, oracle);
    }

    /// @inheritdoc IJobs
    function deploy(uint256 job, address gate) external {
        Job storage moved = _alive(job);
        _inState(job, moved, State.Validated);
        address oracle = IReader(gate).oracle();
        bool reads = oracle == moved.oracle && oracle != address(0);
        require(reads, OtherOracle(moved.oracle, oracle));

        moved.consumer = gate;
        if (!moved.sponsorLeaves) moved.retireBlock = 0;
        _move(job, moved, State.Deployed);
    }

    /// @inheritdoc IJobs
    function reclaim(uint256 job) external returns (uint256 amount) {
        Job storage ended = _known(job);
        require(ended.state == State.Retired, Retirement(job, false));
        amount = ended.escrow;
        ended.escrow = 0;

        emit Reclaimed(job, ended.sponsor, amount);
        token.safeTransfer(ended.sponsor, amount);
    }

    /// @inheritdoc IJobs
    function jobCount() external view returns (uint256) {
        return _jobs.length;
    }

    /// @inheritdoc IJobs
    function jobOf(uint256 job) external view returns (Job memory) {
        return _known(job);
    }

    /// @inheritdoc IJobs
    function holdoutRoots(uint256 job) external view returns (bytes32[] memory) {
        return _holdouts[job];
    }

    /// @inheritdoc IJobs
    function due(uint256 job) public view returns (State) {
        Job storage asked = _known(job);
        State state = asked.state;
        if (state == State.Retired || _ends(asked)) return State.Retired;
        if (state == State.Draft && _mayOpen(asked)) return State.Open;
        if (state == State.Open && _hasRound(asked)) return State.Training;
        if (state == State.Training && _isValidated(asked)) return State.Validated;
        return state;
    }

    /// @inheritdoc IJobs
    function identityOf(uint256 job) public view returns (bytes32) {
        return keccak256(abi.encode(JOB_DOMAIN, block.chainid, address(this), job));
    }

    /// @inheritdoc IJobs
    function holdoutOf(address sponsor, bytes32 root, bytes32 salt) public view returns (bytes32) {
        return
            keccak256(abi.encode(HOLDOUT_DOMAIN, block.chainid, address(this), sponsor, root, salt));
    }

    // Evidence.

    /// @dev Wei that `Rewards` lacks for the next round, or for the one that runs.
    function _missing(Job storage asked) private view returns (uint256) {
        IRounds rounds = IRounds(asked.rounds);
        uint256 needed =
            (uint256(rounds.settledCount()) + 1) * rounds.config().budgetGwei * WEI_PER_GWEI;
        uint256 funded = IRewards(asked.rewards).funded();
        return needed > funded ? needed - funded : 0;
    }

    /// @dev Whether a job in training, or validated, has no pay for another round.
    function _isSpent(Job storage asked) private view returns (bool) {
        bool trains = asked.state == State.Training || asked.state == State.Validated;
        return trains && asked.escrow < _missing(asked);
    }

    function _ends(Job storage asked) private view returns (bool) {
        bool noticed = asked.retireBlock != 0 && block.number >= asked.retireBlock;
        return noticed || block.number > asked.terms.endBlock;
    }

    function _mayOpen(Job storage asked) private view returns (bool) {
        if (asked.escrow < asked.terms.budget) return false;
        bytes32[] memory aggregate = IRounds(asked.rounds).config().aggregatePrograms;
        for (uint256 i = 0; i < aggregate.length; ++i) {
            if (!programs.ready(aggregate[i])) return false;
        }
        bytes32 validation = asked.terms.validationProgram;
        return validation == 0 || programs.ready(validation);
    }

    function _hasRound(Job storage asked) private view returns (bool) {
        return IRounds(asked.rounds).current().number > 0;
    }

    function _isValidated(Job storage asked) private view returns (bool) {
        return asked.claim != 0 && court.stateOf(asked.claim) == ICourt.State.Final;
    }

    // Small things.

    function _known(uint256 job) private view returns (Job storage) {
        require(job < _jobs.length, UnknownJob(job));
        return _jobs[job];
    }

    function _alive(uint256 job) private view returns (Job storage found) {
        found = _known(job);
        bool ended = found.state == State.Retired || _ends(found);
        require(!ended, Retirement(job, true));
    }

    function _inState(uint256 job, Job storage asked, State expected) private view {
        require(asked.state == expected, WrongState(job, expected, asked.state));
    }

    function _move(uint256 job, Job storage moved, State state) private {
        moved.state = state;
        emit Advanced(job, state);
    }

    function _finalise(uint256 claim) private {
        ICourt.Claim memory posted = court.claim(claim);
        if (posted.state != ICourt.State.Open || block.number <= posted.deadline) return;
        court.finalise(claim);
    }

    function _checkTerms(Terms calldata terms, IRounds.Config memory config) private view {
        uint256 pay = uint256(config.budgetGwei) * WEI_PER_GWEI;
        require(pay > 0 && terms.budget >= pay, BadTerms("budget"));
        require(terms.endBlock > block.number, BadTerms("endBlock"));
        require(terms.endBlock > terms.startBlock, BadTerms("startBlock"));
        require(terms.noticeBlocks > 0, BadTerms("noticeBlocks"));
        require(terms.validationRounds > 0, BadTerms("validationRounds"));
        uint256 length = config.cumulativeLength;
        require(length > 0 && length <= CUMULATIVE_MAX, BadTerms("cumulativeLength"));
    }

    /// @dev Tensor root of zeros in f64.
    function _zeros(uint256 length) private pure returns (bytes32) {
        bytes32[] memory leaves = new bytes32[]((length + CHUNK_ELEMENTS - 1) / CHUNK_ELEMENTS);
        bytes32 leaf = Tree.leaf(new bytes(Tree.CHUNK_8));
        for (uint256 i = 0; i < leaves.length; ++i) {
            leaves[i] = leaf;
        }
        return Tree.root(leaves);
    }

    // Deploying.

    /// @dev The three name each other, so where they will be must not depend on their code.
    function _deployParts(uint256 job, IRounds.Config memory config, Codes calldata codes) private {
        Job storage made = _jobs[job];
        made.registry = Create3.computeAddress(_saltOf(job, "Registry"));
        made.rewards = Create3.computeAddress(_saltOf(job, "Rewards"));
        made.rounds = Create3.computeAddress(_saltOf(job, "Rounds"));
        court.admit(made.rounds);
        bytes memory arguments =
            abi.encode(token, made.rounds, made.terms.minimumStake, made.terms.unbondBlocks);
        _deploy(job, "Registry", bytes.concat(codes.registry, arguments));
        arguments = abi.encode(token, made.registry, made.rounds, config.cumulativeLength);
        _deploy(job, "Rewards", bytes.concat(codes.rewards, arguments));
        arguments = abi.encode(made.registry, court, made.rewards, config);
        _deploy(job, "Rounds", bytes.concat(codes.rounds, arguments));
    }

    function _deploy(uint256 job, string memory name, bytes memory code) private {
        Create3.deploy(0, _saltOf(job, name), code);
    }

    function _saltOf(uint256 job, string memory name) private pure returns (bytes32) {
        return keccak256(abi.encode(job, name));
    }

    function _sameCode(string memory name, bytes32 expected, bytes calldata code) private pure {
        bytes32 got = keccak256(code);
        require(got == expected, OtherCode(name, expected, got));
    }
}
