// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Runs} from "../src/Runs.sol";
import {ICourt} from "../src/interfaces/ICourt.sol";
import {IRuns} from "../src/interfaces/IRuns.sol";
import {Header} from "../src/lib/Header.sol";
import {Tree} from "../src/lib/Tree.sol";
import {RunsDesk} from "./support/RunsDesk.sol";

/// @notice Creation, the escrow, and what ends a run.
contract RunsTest is RunsDesk {
    function setUp() public {
        deployRuns();
    }

    function test_deployment_needsTheCourt() public {
        vm.expectRevert(abi.encodeWithSelector(IRuns.BadTerms.selector, "court"));
        new Runs(token, court, programs);
    }

    function test_create_keepsWhatItIsAbout() public {
        uint256 job = createJob();
        vm.assertEq(createJob(), job + 1);
        vm.assertEq(runs.jobCount(), 2);
        IRuns.Job memory made = runs.jobOf(job);
        vm.assertEq(made.sponsor, SPONSOR);
        vm.assertEq(made.stateCount, STATE_COUNT);
        vm.assertEq(keccak256(abi.encode(made.terms)), keccak256(abi.encode(runTerms())));
        vm.assertEq(keccak256(abi.encode(runs.inputsOf(job))), keccak256(abi.encode(inputRoots())));
    }

    function expectBad(IRuns.Terms memory terms, string memory field) internal {
        vm.expectRevert(abi.encodeWithSelector(IRuns.BadTerms.selector, field));
        runs.create(terms, stepHeader(), inputRoots(), STATE_COUNT, "");
    }

    function test_create_refusesTerms() public {
        IRuns.Terms memory terms = runTerms();
        terms.iterations = 0;
        expectBad(terms, "iterations");
        terms = runTerms();
        terms.trainBlocks = 0;
        expectBad(terms, "trainBlocks");
        terms = runTerms();
        terms.endBlock = uint64(block.number);
        expectBad(terms, "endBlock");
        terms = runTerms();
        terms.pay = 0;
        expectBad(terms, "pay");
        terms = runTerms();
        terms.deposit = 0;
        expectBad(terms, "deposit");
        terms = runTerms();
        vm.expectRevert(abi.encodeWithSelector(IRuns.BadTerms.selector, "description"));
        runs.create(terms, stepHeader(), inputRoots(), STATE_COUNT, string(new bytes(1025)));
        vm.expectRevert(abi.encodeWithSelector(IRuns.BadTerms.selector, "inputs"));
        runs.create(terms, stepHeader(), new bytes32[](65), STATE_COUNT, "");
    }

    function expectBadCount(uint256 count, uint32 stateCount, string memory field) internal {
        vm.expectRevert(abi.encodeWithSelector(IRuns.BadTerms.selector, field));
        runs.create(runTerms(), stepHeader(), new bytes32[](count), stateCount, "");
    }

    /// @notice A job whose Program has no room for its state, data and seed would convict honest runs.
    function test_create_refusesAnotherProgramsInputs() public {
        expectBadCount(5, 1, "stateCount");
        expectBadCount(2, 3, "stateCount");
        expectBadCount(5, 2, "stateCount");
        expectBadCount(4, 3, "inputs");
        expectBadCount(6, 3, "inputs");
        bytes memory other = bytes.concat(stepHeader(), hex"00");
        vm.expectRevert(
            abi.encodeWithSelector(Header.NotTheHeader.selector, stepProgram(), Header.hash(other))
        );
        runs.create(runTerms(), other, inputRoots(), STATE_COUNT, "");
    }

    /// @notice Any change of the types of loss and seed is refused, whatever the others are.
    function test_fuzz_create_refusesOtherTypes(uint256 place, uint8 to) public {
        bytes memory header = stepHeader();
        // Types begin at 24, each is 6 bytes: the loss is the third, the seed the last.
        bool loss = place % 2 == 0;
        uint256 at = (loss ? 36 : 54) + bound(place >> 8, 0, 5);
        if (uint8(header[at]) == to) return;
        header[at] = bytes1(to);
        IRuns.Terms memory terms = runTerms();
        terms.program = Header.hash(header);
        vm.expectRevert();
        runs.create(terms, header, inputRoots(), STATE_COUNT, "");
    }

    function test_everything_unknown() public {
        bytes memory unknown = abi.encodeWithSelector(IRuns.UnknownJob.selector, 0);
        vm.expectRevert(unknown);
        runs.jobOf(0);
        vm.expectRevert(unknown);
        runs.fund(0, 1);
        vm.expectRevert(unknown);
        runs.enrol(0);
        vm.expectRevert(unknown);
        runs.settle(0, 0);
        vm.expectRevert(unknown);
        runs.reclaim(0);
        createJob();
        unknown = abi.encodeWithSelector(IRuns.UnknownRun.selector, 0, 0);
        vm.expectRevert(unknown);
        runs.draw(0, 0);
        vm.expectRevert(unknown);
        runs.runOf(0, 0);
    }

    function test_enrol_reservesPay() public {
        uint256 job = funded(1);
        uint256 before = token.balanceOf(ALICE);
        vm.prank(ALICE);
        uint256 run = runs.enrol(job);
        vm.assertEq(run, 0);
        vm.assertEq(token.balanceOf(ALICE), before - DEPOSIT);
        IRuns.Job memory made = runs.jobOf(job);
        vm.assertEq(made.escrow, 0);
        vm.assertEq(made.reserved, RUN_PAY);
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(IRuns.EscrowSpent.selector, job, 0, RUN_PAY));
        runs.enrol(job);
    }

    function test_enrol_waitsForTheProgram() public {
        bytes memory header = stepHeader();
        header[header.length - 1] ^= 0x01;
        IRuns.Terms memory terms = runTerms();
        terms.program = Header.hash(header);
        vm.prank(SPONSOR);
        uint256 job = runs.create(terms, header, inputRoots(), STATE_COUNT, "");
        vm.prank(SPONSOR);
        runs.fund(job, RUN_PAY);
        vm.expectRevert(abi.encodeWithSelector(IRuns.NotReady.selector, terms.program));
        vm.prank(ALICE);
        runs.enrol(job);
    }

    function test_ended_takesNothingMore() public {
        uint256 job = funded(2);
        uint256 run = enrolled(job, ALICE);
        vm.expectRevert(abi.encodeWithSelector(IRuns.NotEnded.selector, job, RUNS_END));
        runs.reclaim(job);
        vm.roll(RUNS_END + 1);
        bytes memory ended = abi.encodeWithSelector(IRuns.Ended.selector, job, RUNS_END);
        vm.expectRevert(ended);
        runs.fund(job, 1);
        vm.expectRevert(ended);
        runs.enrol(job);
        uint256 before = token.balanceOf(SPONSOR);
        vm.assertEq(runs.reclaim(job), RUN_PAY);
        runs.settle(job, run);
        vm.assertEq(runs.reclaim(job), RUN_PAY);
        vm.assertEq(token.balanceOf(SPONSOR), before + 2 * RUN_PAY);
    }

    function test_draw_isTheTrainersOwn() public {
        uint256 job = funded(2);
        vm.prank(ALICE);
        uint256 first = runs.enrol(job);
        vm.prank(BOB);
        uint256 second = runs.enrol(job);
        uint64 at = uint64(block.number);
        vm.expectRevert(abi.encodeWithSelector(IRuns.SeedPending.selector, job, first, at));
        runs.draw(job, first);
        mine(1);
        bytes32 seed = runs.draw(job, first);
        vm.assertTrue(seed != runs.draw(job, second));
        bytes32 expected = keccak256(
            abi.encode(
                keccak256("assay/seed/run/v1"),
                block.chainid,
                address(runs),
                job,
                first,
                ALICE,
                blockhash(at)
            )
        );
        vm.assertEq(seed, expected);
        vm.expectRevert(abi.encodeWithSelector(IRuns.AlreadyDone.selector, job, first));
        runs.draw(job, first);
    }

    /// @notice However late, some block's hash is there, and it is never zero.
    function test_fuzz_draw_late(uint256 late) public {
        uint256 job = funded(1);
        vm.prank(ALICE);
        uint256 run = runs.enrol(job);
        uint256 at = block.number;
        mine(bound(late, 1, 3000));
        uint256 target = at + (block.number - 1 - at) / 256 * 256;
        vm.assertLe(block.number - target, 256);
        bytes32 expected = keccak256(
            abi.encode(
                keccak256("assay/seed/run/v1"),
                block.chainid,
                address(runs),
                job,
                run,
                ALICE,
                blockhash(target)
            )
        );
        vm.assertEq(runs.draw(job, run), expected);
    }

    function test_claim_derivesBothRoots() public {
        uint256 job = funded(1);
        uint256 run = enrolled(job, ALICE);
        uint256 id = claimed(job, run, 0x3f000000);
        ICourt.Claim memory posted = court.claim(id);
        vm.assertEq(posted.program, stepProgram());
        vm.assertEq(posted.asserter, ALICE);
        vm.assertEq(posted.iterations, ITERATIONS);
        bytes32[] memory roots = new bytes32[](6);
        for (uint256 i = 0; i < 5; ++i) {
            roots[i] = inputRoots()[i];
        }
        bytes8 seed = bytes8(runs.runOf(job, run).seed);
        roots[5] = keccak256(bytes.concat(hex"00", seed, new bytes(120)));
        vm.assertEq(posted.inputsRoot, Tree.root(roots));
        roots = new bytes32[](3);
        roots[0] = outputsOf(job, run)[0];
        roots[1] = outputsOf(job, run)[1];
        roots[2] = keccak256(bytes.concat(hex"00", hex"0000003f", new bytes(124)));
        vm.assertEq(posted.outputsRoot, Tree.root(roots));
        vm.assertEq(runs.runOf(job, run).model, outputsOf(job, run)[0]);
    }

    function test_claim_refuses() public {
        uint256 job = funded(2);
        vm.prank(ALICE);
        uint256 run = runs.enrol(job);
        uint64 deadline = uint64(block.number) + TRAIN_BLOCKS;
        bytes32[] memory outputs = outputsOf(job, run);
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(IRuns.OnlyTrainer.selector, job, run));
        runs.claim(job, run, outputs, HALF);
        vm.startPrank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IRuns.NotDrawn.selector, job, run));
        runs.claim(job, run, outputs, HALF);
        mine(1);
        runs.draw(job, run);
        vm.expectRevert(abi.encodeWithSelector(IRuns.OutputCount.selector, 2, 3));
        runs.claim(job, run, new bytes32[](3), HALF);
        vm.roll(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IRuns.TooLate.selector, job, run, deadline));
        runs.claim(job, run, outputs, HALF);
        vm.roll(deadline);
        runs.claim(job, run, outputs, HALF);
        vm.expectRevert(abi.encodeWithSelector(IRuns.AlreadyDone.selector, job, run));
        runs.claim(job, run, outputs, HALF);
        vm.stopPrank();
    }

    function test_settle_paysAFinalClaim() public {
        uint256 job = funded(1);
        uint256 before = token.balanceOf(ALICE);
        uint256 run = enrolled(job, ALICE);
        bytes memory wait =
            abi.encodeWithSelector(IRuns.NotDue.selector, job, run, IRuns.State.Enrolled);
        vm.expectRevert(wait);
        runs.settle(job, run);
        claimed(job, run, HALF);
        mine(WINDOW);
        vm.expectRevert(
            abi.encodeWithSelector(IRuns.NotDue.selector, job, run, IRuns.State.Claimed)
        );
        runs.settle(job, run);
        mine(1);
        runs.settle(job, run);
        vm.assertEq(token.balanceOf(ALICE), before + RUN_PAY);
        vm.assertEq(token.balanceOf(address(runs)), 0);
        vm.assertEq(runs.jobOf(job).best, run + 1);
        vm.expectRevert(abi.encodeWithSelector(IRuns.NotDue.selector, job, run, IRuns.State.Paid));
        runs.settle(job, run);
    }

    /// @notice Nobody gains what a convicted trainer put in, and its pay is free for another run.
    function test_settle_burnsAConvictedRunsDeposit() public {
        uint256 job = funded(1);
        uint256 run = enrolled(job, ALICE);
        convict(claimed(job, run, HALF));
        uint256 supply = token.totalSupply();
        uint256 bob = token.balanceOf(BOB);
        runs.settle(job, run);
        vm.assertEq(uint256(runs.runOf(job, run).state), uint256(IRuns.State.Dropped));
        vm.assertEq(token.totalSupply(), supply - DEPOSIT);
        vm.assertEq(token.balanceOf(BOB), bob);
        vm.assertEq(runs.jobOf(job).escrow, RUN_PAY);
        vm.assertEq(runs.jobOf(job).best, 0);
        paid(job, BOB, HALF);
    }

    function test_settle_dropsWhoIsLate() public {
        uint256 job = funded(1);
        uint256 run = enrolled(job, ALICE);
        vm.roll(runs.runOf(job, run).enrolBlock + TRAIN_BLOCKS);
        vm.expectRevert(
            abi.encodeWithSelector(IRuns.NotDue.selector, job, run, IRuns.State.Enrolled)
        );
        runs.settle(job, run);
        mine(1);
        runs.settle(job, run);
        vm.assertEq(token.balanceOf(address(runs)), RUN_PAY);
    }

    /// @notice The lowest loss gives the model; of equals the first, and never one that is no number.
    function test_settle_theBestRunIsTheModel() public {
        uint256 job = funded(7);
        uint32[7] memory losses =
            [uint32(0x7fc00000), 0x7f800000, HALF, 0x3f000001, HALF, QUARTER, MINUS_ONE];
        uint32[7] memory best = [uint32(0), 2, 3, 3, 3, 6, 7];
        for (uint256 i = 0; i < losses.length; ++i) {
            paid(job, i % 2 == 0 ? ALICE : BOB, losses[i]);
            vm.assertEq(runs.jobOf(job).best, best[i]);
        }
    }

    /// @notice Another's outputs are wrong for one's own run, whose inputs have its own seed.
    function test_copies_areClaimsAboutOtherInputs() public {
        uint256 job = funded(2);
        uint256 first = enrolled(job, ALICE);
        uint256 second = enrolled(job, BOB);
        bytes32[] memory outputs = outputsOf(job, first);
        uint256 one = claimed(job, first, HALF);
        vm.prank(BOB);
        uint256 other = runs.claim(job, second, outputs, HALF);
        vm.assertEq(court.claim(one).outputsRoot, court.claim(other).outputsRoot);
        vm.assertTrue(court.claim(one).inputsRoot != court.claim(other).inputsRoot);
    }
}
