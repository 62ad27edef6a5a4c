// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Jobs} from "../src/Jobs.sol";
import {RiskGate} from "../src/RiskGate.sol";
import {RiskOracle} from "../src/RiskOracle.sol";
import {ICourt} from "../src/interfaces/ICourt.sol";
import {IJobs} from "../src/interfaces/IJobs.sol";
import {IRiskOracle} from "../src/interfaces/IRiskOracle.sol";
import {IRounds} from "../src/interfaces/IRounds.sol";
import {Tree} from "../src/lib/Tree.sol";
import {JobsDesk} from "./support/JobsDesk.sol";

/// @notice Creation, the escrow and the schedule.
contract JobsEscrowTest is JobsDesk {
    function setUp() public {
        deployJobs();
    }

    function test_create_deploysPartsOfItsOwn() public {
        uint256 first = createJob();
        uint256 second = createJob();
        vm.assertEq(first, 0);
        vm.assertEq(second, 1);
        vm.assertEq(jobs.jobCount(), 2);
        address before;
        for (uint256 job = 0; job < 2; ++job) {
            use(job);
            vm.assertTrue(address(rounds) != before);
            before = address(rounds);
            vm.assertEq(address(rounds.registry()), address(registry));
            vm.assertEq(address(rounds.rewards()), address(rewards));
            vm.assertEq(address(rounds.court()), address(court));
            vm.assertEq(registry.rounds(), address(rounds));
            vm.assertEq(rewards.rounds(), address(rounds));
            vm.assertEq(address(rewards.registry()), address(registry));
            vm.assertEq(registry.minimumStake(), STAKE / 10);
            vm.assertEq(registry.unbondBlocks(), UNBOND);
            vm.assertEq(rounds.config().job, jobs.identityOf(job));
            vm.assertTrue(court.isConsumer(address(rounds)));
            assertState(job, IJobs.State.Draft);
            vm.assertEq(jobs.jobOf(job).sponsor, SPONSOR);
        }
    }

    /// @notice Pay starts from zeros whatever the sponsor says, so nobody is owed anything at first.
    function test_create_payStartsFromZero() public {
        IRounds.Config memory config = configuration();
        config.initialCumulative = "much";
        uint256 job = jobs.create(jobTerms(), config, codes(), "");
        use(job);
        bytes32 zeros = this.rootOf(new bytes(8 * LENGTH), true);
        vm.assertEq(rounds.cumulativeRoot(), zeros);
    }

    function test_create_refusesOtherCode() public {
        IJobs.Terms memory terms = jobTerms();
        string[3] memory names = ["Registry", "Rewards", "Rounds"];
        for (uint256 i = 0; i < 3; ++i) {
            IJobs.Codes memory given = codes();
            bytes memory code = i == 0 ? given.registry : i == 1 ? given.rewards : given.rounds;
            bytes32 expected = keccak256(code);
            code[code.length - 1] ^= 0x01;
            vm.expectRevert(
                abi.encodeWithSelector(
                    IJobs.OtherCode.selector, names[i], expected, keccak256(code)
                )
            );
            jobs.create(terms, configuration(), given, "");
        }
    }

    function expectBad(IJobs.Terms memory terms, IRounds.Config memory config, string memory field)
        internal
    {
        vm.expectRevert(abi.encodeWithSelector(IJobs.BadTerms.selector, field));
        jobs.create(terms, config, codes(), "");
    }

    function test_create_refusesTerms() public {
        IRounds.Config memory config = configuration();
        IJobs.Terms memory terms = jobTerms();
        terms.budget = PAY - 1;
        expectBad(terms, config, "budget");
        terms = jobTerms();
        terms.endBlock = uint64(block.number);
        expectBad(terms, config, "endBlock");
        terms = jobTerms();
        terms.startBlock = terms.endBlock;
        expectBad(terms, config, "startBlock");
        terms = jobTerms();
        terms.noticeBlocks = 0;
        expectBad(terms, config, "noticeBlocks");
        terms = jobTerms();
        terms.validationRounds = 0;
        expectBad(terms, config, "validationRounds");
        terms = jobTerms();
        config.cumulativeLength = 0;
        expectBad(terms, config, "cumulativeLength");
        config.cumulativeLength = 4097;
        expectBad(terms, config, "cumulativeLength");
        config.budgetGwei = 0;
        expectBad(terms, config, "budget");
        config = configuration();
        vm.expectRevert(abi.encodeWithSelector(IJobs.BadTerms.selector, "requirement"));
        jobs.create(terms, config, codes(), string(new bytes(1025)));
    }

    /// @notice What the rounds refuse comes out as they say it, and nothing of the job remains.
    function test_create_handsOnWhatRoundsRefuse() public {
        IRounds.Config memory config = configuration();
        config.capacity = 0;
        IJobs.Terms memory terms = jobTerms();
        vm.expectRevert(abi.encodeWithSelector(IRounds.BadConfig.selector, "capacity"));
        jobs.create(terms, config, codes(), "");
        vm.assertEq(jobs.jobCount(), 0);
        vm.assertEq(createJob(), 0);
    }

    function test_deployment_needsTheCourt() public {
        Jobs.CodeHashes memory hashes;
        vm.expectRevert(abi.encodeWithSelector(IJobs.BadTerms.selector, "court"));
        new Jobs(token, court, programs, hashes);
    }

    function test_admit_onlyConsumers() public {
        vm.expectRevert(ICourt.OnlyConsumer.selector);
        court.admit(address(this));
    }

    function test_unknownJob() public {
        bytes memory refusal = abi.encodeWithSelector(IJobs.UnknownJob.selector, 0);
        vm.expectRevert(refusal);
        jobs.fund(0, 1);
        vm.expectRevert(refusal);
        jobs.jobOf(0);
        vm.expectRevert(refusal);
        jobs.advance(0);
    }

    function test_open_needsTheEscrow() public {
        uint256 job = createJob();
        bytes memory notDue = abi.encodeWithSelector(IJobs.NotDue.selector, job, IJobs.State.Draft);
        vm.expectRevert(notDue);
        jobs.advance(job);
        fundJob(job, 2 * PAY - 1);
        vm.expectRevert(notDue);
        jobs.advance(job);
        jobs.fund(job, 1); // anybody may
        jobs.advance(job);
        assertState(job, IJobs.State.Open);
        vm.assertEq(jobs.jobOf(job).escrow, 2 * PAY);
        vm.assertEq(token.balanceOf(address(jobs)), 2 * PAY);
    }

    function test_open_needsItsPrograms() public {
        IRounds.Config memory config = configuration();
        config.aggregatePrograms[1] = "unregistered";
        uint256 job = jobs.create(jobTerms(), config, codes(), "");
        fundJob(job, 2 * PAY);
        vm.assertEq(uint256(jobs.due(job)), uint256(IJobs.State.Draft));
        programs.register("unregistered", "");
        vm.assertEq(uint256(jobs.due(job)), uint256(IJobs.State.Draft));
        mine(WINDOW + 1);
        vm.assertEq(uint256(jobs.due(job)), uint256(IJobs.State.Open));

        IJobs.Terms memory terms = jobTerms();
        terms.validationProgram = "unknown";
        job = jobs.create(terms, configuration(), codes(), "");
        fundJob(job, 2 * PAY);
        vm.assertEq(uint256(jobs.due(job)), uint256(IJobs.State.Draft));
    }

    function test_release_paysRoundByRound() public {
        uint256 job = createJob();
        fundJob(job, 2 * PAY);
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobs.WrongState.selector, job, IJobs.State.Open, IJobs.State.Draft
            )
        );
        jobs.release(job);
        jobs.advance(job);
        vm.assertEq(jobs.release(job), PAY);
        vm.expectRevert(abi.encodeWithSelector(IJobs.NothingToRelease.selector, job));
        jobs.release(job);

        joinAll(job, 4);
        vm.assertEq(rewards.funded(), PAY);
        playRound(equalPay(4, 25e9));
        vm.assertEq(jobs.release(job), PAY);
        vm.assertEq(jobs.jobOf(job).escrow, 0);
        playRound(equalPay(4, 50e9));
        vm.expectRevert(abi.encodeWithSelector(IJobs.EscrowSpent.selector, job, 0, PAY));
        jobs.release(job);
        // What somebody paid in directly need not come out of the escrow.
        token.approve(address(rewards), PAY);
        rewards.fund(PAY / 4);
        jobs.fund(job, PAY);
        vm.assertEq(jobs.release(job), PAY - PAY / 4);
    }

    function test_release_keepsTheSchedule() public {
        IJobs.Terms memory terms = jobTerms();
        terms.startBlock = uint64(block.number + 10);
        terms.intervalBlocks = 500;
        vm.prank(SPONSOR);
        uint256 job = jobs.create(terms, configuration(), codes(), "");
        fundJob(job, 3 * PAY);
        jobs.advance(job);
        vm.expectRevert(abi.encodeWithSelector(IJobs.TooEarly.selector, job, terms.startBlock));
        jobs.release(job);
        vm.roll(terms.startBlock);
        jobs.release(job);
        joinAll(job, 4);
        playRound(equalPay(4, 25e9));
        vm.expectRevert(
            abi.encodeWithSelector(IJobs.TooEarly.selector, job, terms.startBlock + 500)
        );
        jobs.release(job);
        vm.roll(terms.startBlock + 500);
        jobs.release(job);
    }

    /// @notice Whatever is put in and paid out, the escrows are what this contract holds.
    function test_fuzz_escrow_isConserved(uint96[4] memory amounts) public {
        uint256 job = createJob();
        uint256 other = createJob();
        uint256 sum = 0;
        for (uint256 i = 0; i < 4; ++i) {
            uint256 amount = bound(amounts[i], 0, 10 * PAY);
            fundJob(i % 2 == 0 ? job : other, amount);
            sum += amount;
        }
        uint256 paid = 0;
        for (uint256 i = 0; i < 2; ++i) {
            uint256 held = jobs.jobOf(i).escrow;
            if (held < 2 * PAY) continue;
            jobs.advance(i);
            paid += jobs.release(i);
            vm.assertEq(jobs.jobOf(i).escrow, held - PAY);
        }
        vm.assertEq(jobs.jobOf(0).escrow + jobs.jobOf(1).escrow, sum - paid);
        vm.assertEq(token.balanceOf(address(jobs)), sum - paid);
    }
}

/// @notice From the first round to a gate that reads the model.
contract JobsStatesTest is JobsDesk {
    function setUp() public {
        deployJobs();
    }

    function test_training_needsARound() public {
        uint256 job = toOpen();
        vm.expectRevert(abi.encodeWithSelector(IJobs.NotDue.selector, job, IJobs.State.Open));
        jobs.advance(job);
        jobs.release(job);
        rounds.open();
        jobs.advance(job);
        assertState(job, IJobs.State.Training);
    }

    function test_holdout_needsSettledRounds() public {
        uint256 job = toOpen();
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobs.WrongState.selector, job, IJobs.State.Training, IJobs.State.Open
            )
        );
        revealHoldout(job);
        jobs.release(job);
        rounds.open();
        jobs.advance(job);
        vm.expectRevert(abi.encodeWithSelector(IJobs.TooFewRounds.selector, job, 0, 1));
        revealHoldout(job);
    }

    function test_holdout_isWhatWasCommittedTo() public {
        (uint256 job, Result memory result) = toTraining();
        (bytes[] memory tensors, bool[] memory wide) = holdout();
        bytes32 expected = jobs.jobOf(job).terms.holdout;
        bytes32 got = jobs.holdoutOf(SPONSOR, Tree.root(holdoutRoots()), "guess");
        vm.expectRevert(abi.encodeWithSelector(IJobs.OtherHoldout.selector, expected, got));
        jobs.revealHoldout(job, tensors, wide, "guess");
        tensors[0][3] ^= 0x01;
        vm.expectPartialRevert(IJobs.OtherHoldout.selector);
        jobs.revealHoldout(job, tensors, wide, HOLDOUT_SALT);
        vm.expectRevert(abi.encodeWithSelector(IJobs.BadTerms.selector, "wide"));
        jobs.revealHoldout(job, tensors, new bool[](1), HOLDOUT_SALT);
        revealHoldout(job);
        vm.assertEq(jobs.jobOf(job).model, result.roots[0]);
        vm.assertEq(jobs.holdoutRoots(job).length, 2);
        vm.expectRevert(abi.encodeWithSelector(IJobs.AlreadyDone.selector, job));
        revealHoldout(job);
    }

    function test_validation_isAClaim() public {
        (uint256 job, Result memory result) = toTraining();
        vm.expectRevert(abi.encodeWithSelector(IJobs.NoHoldout.selector, job));
        jobs.claimValidation(job, LOSS, BASELINE);
        revealHoldout(job);
        uint256 id = jobs.claimValidation(job, LOSS, BASELINE);
        ICourt.Claim memory claim = court.claim(id);
        bytes32[] memory roots = holdoutRoots();
        bytes32[] memory inputs = new bytes32[](3);
        (inputs[0], inputs[1], inputs[2]) = (result.roots[0], roots[0], roots[1]);
        vm.assertEq(claim.inputsRoot, Tree.root(inputs));
        bytes memory chunk = bytes.concat(hex"000000000000e03f000000000000e83f", new bytes(240));
        vm.assertEq(claim.outputsRoot, Tree.leaf(chunk));
        vm.assertEq(claim.program, validationProgram());
        vm.assertEq(claim.asserter, address(this));

        vm.expectRevert(abi.encodeWithSelector(IJobs.ClaimPending.selector, id));
        jobs.claimValidation(job, LOSS, BASELINE);
        vm.expectRevert(abi.encodeWithSelector(IJobs.NotDue.selector, job, IJobs.State.Training));
        jobs.advance(job);
        mine(WINDOW + 1);
        jobs.advance(job);
        assertState(job, IJobs.State.Validated);
    }

    function test_validation_refusesNumbers() public {
        (uint256 job,) = toTraining();
        revealHoldout(job);
        uint64[2][5] memory bad = [
            [BASELINE, BASELINE],
            [BASELINE, LOSS],
            [LOSS, uint64(0x7ff0000000000000)], // infinite
            [LOSS, uint64(0x7ff8000000000000)], // not a number
            [LOSS, uint64(0xbfe8000000000000)] // negative
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IJobs.NotBetter.selector, bad[i][0], bad[i][1]));
            jobs.claimValidation(job, bad[i][0], bad[i][1]);
        }
    }

    /// @notice A claim that fell validates nothing, and another may be made.
    function test_validation_struck() public {
        (uint256 job,) = toTraining();
        revealHoldout(job);
        uint256 id = jobs.claimValidation(job, LOSS, BASELINE);
        convictValidation(id);
        vm.assertEq(uint256(jobs.due(job)), uint256(IJobs.State.Training));
        uint256 again = jobs.claimValidation(job, LOSS, BASELINE);
        mine(WINDOW + 1);
        court.finalise(again);
        jobs.advance(job);
        assertState(job, IJobs.State.Validated);
    }

    function test_oracle_isTheSponsorsChoiceAndGenuine() public {
        (uint256 job,) = toValidated();
        bytes32[] memory programs_ = reportPrograms();
        IRiskOracle.Posted[] memory data = posted();
        bytes memory code = type(RiskOracle).creationCode;
        vm.expectRevert(abi.encodeWithSelector(IJobs.OnlySponsor.selector, job));
        jobs.attachOracle(job, code, programs_, data);
        vm.startPrank(SPONSOR);
        vm.expectPartialRevert(IJobs.OtherCode.selector);
        jobs.attachOracle(job, bytes.concat(code, "x"), programs_, data);
        address oracle = jobs.attachOracle(job, code, programs_, data);
        vm.expectRevert(abi.encodeWithSelector(IJobs.AlreadyDone.selector, job));
        jobs.attachOracle(job, code, programs_, data);
        vm.stopPrank();
        vm.assertEq(address(RiskOracle(oracle).rounds()), address(rounds));
        vm.assertTrue(court.isConsumer(oracle));
        vm.assertEq(jobs.jobOf(job).oracle, oracle);
    }

    function test_deploy_needsAGateOfItsOwnOracle() public {
        (uint256 job,) = toTraining();
        RiskGate other = new RiskGate(oracle, address(this), address(this));
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobs.WrongState.selector, job, IJobs.State.Validated, IJobs.State.Training
            )
        );
        jobs.deploy(job, address(other));
        revealHoldout(job);
        jobs.claimValidation(job, LOSS, BASELINE);
        mine(WINDOW + 1);
        jobs.advance(job);
        vm.expectRevert(
            abi.encodeWithSelector(IJobs.OtherOracle.selector, address(0), address(oracle))
        );
        jobs.deploy(job, address(other));
        RiskGate gate = new RiskGate(RiskOracle(attach(job)), address(this), address(this));
        jobs.deploy(job, address(gate));
        assertState(job, IJobs.State.Deployed);
        vm.assertEq(jobs.jobOf(job).consumer, address(gate));
        vm.expectRevert(abi.encodeWithSelector(IJobs.NotDue.selector, job, IJobs.State.Deployed));
        jobs.advance(job);
    }

    /// @notice Two jobs train side by side, each with its own stakes, rounds and pay.
    function test_twoJobsAtOnce() public {
        (uint256 first, Result memory result) = toTraining();
        (uint256 second, Result memory other) = toTraining();
        vm.assertTrue(first != second);
        for (uint256 job = 0; job < 2; ++job) {
            use(job);
            vm.assertEq(rounds.settledCount(), 1);
            vm.assertEq(registry.nodeCount(), 4);
            Result memory mine_ = job == 0 ? result : other;
            vm.assertEq(rewards.claim(1, mine_.cumulativeChunk, mine_.siblings), 25e18);
        }
    }
}

/// @notice How a job ends, and what that cannot touch.
contract JobsRetirementTest is JobsDesk {
    function setUp() public {
        deployJobs();
    }

    function retire(uint256 job) internal {
        vm.assertEq(uint256(jobs.advance(job)), uint256(IJobs.State.Retired));
    }

    function test_schedule() public {
        (uint256 job,) = toTraining();
        vm.roll(JOB_END);
        vm.assertEq(uint256(jobs.due(job)), uint256(IJobs.State.Training));
        vm.roll(JOB_END + 1);
        bytes memory ended = abi.encodeWithSelector(IJobs.Retirement.selector, job, true);
        vm.expectRevert(ended);
        jobs.release(job); // due to retire counts as retired, whether or not anybody said so
        vm.expectRevert(ended);
        jobs.fund(job, 1);
        retire(job);
        vm.expectRevert(abi.encodeWithSelector(IJobs.NotDue.selector, job, IJobs.State.Retired));
        jobs.advance(job);
        vm.expectRevert(ended);
        jobs.fund(job, 1);
        vm.expectRevert(ended);
        jobs.giveNotice(job);
    }

    function test_notice_sponsor() public {
        (uint256 job,) = toTraining();
        vm.expectRevert(abi.encodeWithSelector(IJobs.OnlySponsor.selector, job));
        jobs.giveNotice(job);
        vm.startPrank(SPONSOR);
        jobs.giveNotice(job);
        vm.expectRevert(abi.encodeWithSelector(IJobs.AlreadyDone.selector, job));
        jobs.giveNotice(job);
        vm.stopPrank();
        uint256 end = block.number + NOTICE;
        fundJob(job, 1); // takes back no notice of the sponsor's
        vm.roll(end - 1);
        jobs.release(job); // rounds go on until then
        vm.assertEq(uint256(jobs.due(job)), uint256(IJobs.State.Training));
        vm.roll(end);
        retire(job);
    }

    function test_reclaim_onlyTheUnspent() public {
        (uint256 job,) = toTraining();
        vm.prank(SPONSOR);
        jobs.giveNotice(job);
        vm.expectRevert(abi.encodeWithSelector(IJobs.Retirement.selector, job, false));
        jobs.reclaim(job);
        mine(NOTICE);
        retire(job);
        uint256 before = token.balanceOf(SPONSOR);
        vm.assertEq(jobs.reclaim(job), 3 * PAY);
        vm.assertEq(token.balanceOf(SPONSOR), before + 3 * PAY);
        vm.assertEq(jobs.reclaim(job), 0);
        vm.assertEq(token.balanceOf(address(jobs)), 0);
    }

    /// @notice A round that was paid for settles and pays, though its job retires meanwhile.
    function test_retirement_cannotTouchPayOwed() public {
        (uint256 job,) = toTraining();
        jobs.release(job);
        uint64 round = toAggregate(4);
        vm.prank(SPONSOR);
        jobs.giveNotice(job);
        mine(NOTICE);
        retire(job);
        jobs.reclaim(job);
        Result memory result = resultOf(4, equalPay(4, 50e9), "late");
        postAs(rounds.aggregator(), outputsRootOf(result.roots));
        mine(WINDOW + 1);
        rounds.settle(round, result.roots, result.acceptedChunk);
        for (uint32 i = 0; i < 4; ++i) {
            vm.assertEq(rewards.claim(i, result.cumulativeChunk, result.siblings), 50e18);
        }
        vm.expectRevert(abi.encodeWithSelector(IRounds.Unfunded.selector, 2 * PAY, 3 * PAY));
        rounds.open();
    }

    function spend(uint256 job) internal {
        for (uint64 i = 2; i <= 4; ++i) {
            jobs.release(job);
            playRound(equalPay(4, i * 25e9));
        }
    }

    /// @notice Once nothing is left for another round anybody gives notice, and funding takes it back.
    function test_spent() public {
        (uint256 job,) = toTraining();
        spend(job);
        vm.assertEq(jobs.jobOf(job).escrow, 0);
        jobs.giveNotice(job);
        vm.expectRevert(abi.encodeWithSelector(IJobs.AlreadyDone.selector, job));
        jobs.giveNotice(job);
        fundJob(job, PAY);
        mine(NOTICE);
        vm.assertEq(uint256(jobs.due(job)), uint256(IJobs.State.Training));
        jobs.release(job);
        playRound(equalPay(4, 125e9));
        jobs.giveNotice(job);
        mine(NOTICE);
        retire(job);
    }

    /// @notice A deployed model outlives its budget, unless its sponsor says otherwise.
    function test_spent_deployedGoesOn() public {
        (uint256 job,) = toValidated();
        spend(job);
        jobs.giveNotice(job);
        RiskGate gate = new RiskGate(RiskOracle(attach(job)), address(this), address(this));
        jobs.deploy(job, address(gate));
        mine(NOTICE);
        vm.assertEq(uint256(jobs.due(job)), uint256(IJobs.State.Deployed));
        vm.expectRevert(abi.encodeWithSelector(IJobs.OnlySponsor.selector, job));
        jobs.giveNotice(job);
        vm.prank(SPONSOR);
        jobs.giveNotice(job);
        mine(NOTICE);
        retire(job);
    }

    function test_draft_retires() public {
        uint256 job = createJob();
        fundJob(job, PAY);
        vm.prank(SPONSOR);
        jobs.giveNotice(job);
        mine(NOTICE);
        retire(job);
        vm.assertEq(jobs.reclaim(job), PAY);
    }
}
