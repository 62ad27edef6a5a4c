// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Jobs} from "../../src/Jobs.sol";
import {Registry} from "../../src/Registry.sol";
import {Revenue} from "../../src/Revenue.sol";
import {Rewards} from "../../src/Rewards.sol";
import {RiskGate} from "../../src/RiskGate.sol";
import {RiskOracle} from "../../src/RiskOracle.sol";
import {Rounds} from "../../src/Rounds.sol";
import {ICourt} from "../../src/interfaces/ICourt.sol";
import {IJobs} from "../../src/interfaces/IJobs.sol";
import {IRiskOracle} from "../../src/interfaces/IRiskOracle.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {Header} from "../../src/lib/Header.sol";
import {Tree} from "../../src/lib/Tree.sol";
import {World} from "./World.sol";

/// @notice Jobs beside the world's own rounds, and what moves one of them on.
abstract contract JobsDesk is World {
    uint256 internal constant PAY = uint256(BUDGET_GWEI) * 1e9;
    uint64 internal constant NOTICE = 20;
    uint64 internal constant INTERVAL = 2;
    uint64 internal constant JOB_END = 1_000_000;
    bytes32 internal constant HOLDOUT_SALT = keccak256("holdout salt");
    /// @dev Bits of 0.5 and 0.75.
    uint64 internal constant LOSS = 0x3fe0000000000000;
    uint64 internal constant BASELINE = 0x3fe8000000000000;
    address internal constant SPONSOR = address(0x5905);

    Jobs internal jobs;
    Revenue internal revenue;

    function deployJobs() internal {
        deploy(0);
        Jobs.CodeHashes memory hashes = Jobs.CodeHashes({
            registry: keccak256(type(Registry).creationCode),
            rewards: keccak256(type(Rewards).creationCode),
            rounds: keccak256(type(Rounds).creationCode),
            oracle: keccak256(type(RiskOracle).creationCode)
        });
        vm.prank(JOBS_DEPLOYER);
        jobs = new Jobs(token, court, programs, hashes);
        revenue = new Revenue(token, jobs);
        programs.register(validationProgram(), "");
        mine(WINDOW + 1);
        token.transfer(SPONSOR, 1_000_000e18);
        token.approve(address(jobs), type(uint256).max);
        token.approve(address(revenue), type(uint256).max);
        token.approve(address(court), type(uint256).max);
        vm.prank(SPONSOR);
        token.approve(address(jobs), type(uint256).max);
    }

    function codes() internal pure returns (IJobs.Codes memory) {
        return IJobs.Codes({
            registry: type(Registry).creationCode,
            rewards: type(Rewards).creationCode,
            rounds: type(Rounds).creationCode
        });
    }

    function validationHeader() internal pure returns (bytes memory) {
        return bytes.concat(hex"0100000001000000000000000300000000000000", keccak256("validation"));
    }

    function validationProgram() internal pure returns (bytes32) {
        return Header.hash(validationHeader());
    }

    /// @notice f32[40] and f64[33]: two chunks each.
    function holdout() internal pure returns (bytes[] memory tensors, bool[] memory wide) {
        tensors = new bytes[](2);
        wide = new bool[](2);
        tensors[0] = abi.encode(uint256(1), 2, 3, 4, 5);
        tensors[1] = bytes.concat(abi.encode(uint256(7), 8, 9, 10, 11, 12, 13, 14), bytes8("end"));
        wide[1] = true;
    }

    function rootOf(bytes calldata data, bool wide) external pure returns (bytes32) {
        return Tree.tensorRoot(data, wide ? Tree.CHUNK_8 : Tree.CHUNK_4);
    }

    function holdoutRoots() internal view returns (bytes32[] memory roots) {
        (bytes[] memory tensors, bool[] memory wide) = holdout();
        roots = new bytes32[](tensors.length);
        for (uint256 i = 0; i < roots.length; ++i) {
            roots[i] = this.rootOf(tensors[i], wide[i]);
        }
    }

    function jobTerms() internal view returns (IJobs.Terms memory) {
        return IJobs.Terms({
            minimumStake: STAKE / 10,
            unbondBlocks: UNBOND,
            budget: 2 * PAY,
            startBlock: uint64(block.number),
            intervalBlocks: INTERVAL,
            endBlock: JOB_END,
            noticeBlocks: NOTICE,
            validationRounds: 1,
            validationProgram: validationProgram(),
            holdout: jobs.holdoutOf(SPONSOR, Tree.root(holdoutRoots()), HOLDOUT_SALT)
        });
    }

    function createJob() internal returns (uint256 job) {
        IJobs.Terms memory terms = jobTerms();
        vm.prank(SPONSOR);
        job = jobs.create(terms, configuration(), codes(), "daily bars");
    }

    /// @notice Makes the world's registry, rewards and rounds those of the job.
    function use(uint256 job) internal {
        IJobs.Job memory made = jobs.jobOf(job);
        registry = Registry(made.registry);
        rewards = Rewards(made.rewards);
        rounds = Rounds(made.rounds);
    }

    function joinAll(uint256 job, uint256 count) internal {
        use(job);
        delete keys;
        for (uint256 i = 0; i < count; ++i) {
            join(0xA11CE + i, STAKE);
        }
    }

    function fundJob(uint256 job, uint256 amount) internal {
        vm.prank(SPONSOR);
        jobs.fund(job, amount);
    }

    function stateOf(uint256 job) internal view returns (uint256) {
        return uint256(jobs.jobOf(job).state);
    }

    function assertState(uint256 job, IJobs.State expected) internal view {
        vm.assertEq(stateOf(job), uint256(expected), "state");
    }

    /// @notice Plays a whole round of the job in use, with four nodes; pays node i `gwei_[i]` in all.
    function playRound(uint64[] memory gwei_) internal returns (Result memory result) {
        uint64 round = toAggregate(4);
        mine(2);
        result = resultOf(4, gwei_, bytes32(uint256(round)));
        postAs(rounds.aggregator(), outputsRootOf(result.roots));
        mine(WINDOW + 1);
        rounds.settle(round, result.roots, result.acceptedChunk);
    }

    function toOpen() internal returns (uint256 job) {
        job = createJob();
        fundJob(job, 4 * PAY);
        vm.assertEq(uint256(jobs.advance(job)), uint256(IJobs.State.Open));
        joinAll(job, 4);
    }

    /// @notice A job in training with one settled round.
    function toTraining() internal returns (uint256 job, Result memory result) {
        job = toOpen();
        jobs.release(job);
        result = playRound(equalPay(4, 25e9));
        jobs.advance(job);
        assertState(job, IJobs.State.Training);
    }

    function revealHoldout(uint256 job) internal {
        (bytes[] memory tensors, bool[] memory wide) = holdout();
        jobs.revealHoldout(job, tensors, wide, HOLDOUT_SALT);
    }

    function toValidated() internal returns (uint256 job, Result memory result) {
        (job, result) = toTraining();
        revealHoldout(job);
        jobs.claimValidation(job, LOSS, BASELINE);
        mine(WINDOW + 1);
        jobs.advance(job);
        assertState(job, IJobs.State.Validated);
    }

    /// @notice Convicts a claim of a validation, whose asserter stays silent once the output is named.
    function convictValidation(uint256 id) internal {
        address challenger = vm.addr(keys[0]);
        vm.recordLogs();
        vm.prank(challenger);
        uint256 dispute = court.challenge(id, "otherwise", validationHeader());
        ICourt.Dispute memory record = lastRecord();
        vm.recordLogs();
        vm.prank(challenger);
        court.nameOutput(dispute, record, new bytes32[](0), 0, validationHeader());
        record = lastRecord();
        mine(CLOCK + 1);
        court.timeout(dispute, record);
        vm.assertEq(uint256(court.stateOf(id)), uint256(ICourt.State.Struck));
    }

    function attach(uint256 job) internal returns (address) {
        bytes32[] memory programs_ = reportPrograms();
        IRiskOracle.Posted[] memory data = posted();
        vm.prank(SPONSOR);
        return jobs.attachOracle(job, type(RiskOracle).creationCode, programs_, data);
    }

    function toDeployed() internal returns (uint256 job, Result memory result) {
        (job, result) = toValidated();
        RiskGate gate = new RiskGate(RiskOracle(attach(job)), address(this), address(this));
        jobs.deploy(job, address(gate));
        assertState(job, IJobs.State.Deployed);
    }

    function whole(Result memory result) internal pure returns (bytes memory) {
        return bytes.concat(result.cumulativeChunk, new bytes(256));
    }
}
