// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PrivateRounds} from "../src/PrivateRounds.sol";
import {ICourt} from "../src/interfaces/ICourt.sol";
import {IPrivateRounds} from "../src/interfaces/IPrivateRounds.sol";
import {Buckets} from "../src/lib/Buckets.sol";
import {Tree} from "../src/lib/Tree.sol";
import {PrivateDesk} from "./support/PrivateDesk.sol";

/// @notice Whole private rounds, who drops out of them, and who lies.
contract PrivateRoundsTest is PrivateDesk {
    uint32 private constant NODES = 10;

    function setUp() public {
        deployPrivate(NODES);
    }

    function stakeOf(uint32 node) private view returns (uint256) {
        return registry.stakeOf(node);
    }

    function memberOf(uint256 bucket, uint256 member) private view returns (uint32) {
        return seatOf(bucketOf(bucket).members[member]).index;
    }

    function totalStake() private view returns (uint256 sum) {
        for (uint32 i = 0; i < NODES; ++i) {
            sum += stakeOf(i);
        }
    }

    // A round in which nothing goes wrong.

    function test_round_whole() public {
        toReports(NODES);
        vm.assertEq(bucketCount(), 3);
        toSums();
        toEnd();
        expectPhase(IPrivateRounds.Phase.Aggregate);
        vm.assertEq(round().rows, 3);
        uint256 claim = postAs(keyOf(rounds.aggregator()));
        vm.assertEq(court.claim(claim).inputsRoot, inputsRoot(3));
        (bytes32[] memory roots, bytes memory accepted) = result();
        vm.expectRevert(abi.encodeWithSelector(IPrivateRounds.ClaimNotFinal.selector, claim));
        rounds.settle(1, roots, accepted);
        mine(WINDOW + 1);
        vm.expectEmit();
        emit IPrivateRounds.Settled(1, claim, roots[0], roots[3], 3);
        settle();
        vm.assertEq(rounds.modelRoot(), roots[0]);
        vm.assertEq(rewards.root(), roots[3]);
        vm.assertEq(rounds.settledCount(), 1);
        vm.assertEq(totalStake(), NODES * STAKE);
        expectPhase(IPrivateRounds.Phase.Idle);
        vm.assertEq(rounds.open(), 2);
    }

    function test_settle_refusesOtherOutputs() public {
        toReports(NODES);
        toSums();
        toEnd();
        postAs(keyOf(rounds.aggregator()));
        mine(WINDOW + 1);
        (bytes32[] memory roots, bytes memory accepted) = result();
        bytes32 expected = Tree.root(roots);
        (roots,) = result();
        roots[3] = "all to me";
        bytes32 got = Tree.root(roots);
        (roots,) = result();
        roots[3] = "all to me";
        vm.expectRevert(
            abi.encodeWithSelector(IPrivateRounds.OutputsMismatch.selector, expected, got)
        );
        rounds.settle(1, roots, accepted);
        (roots,) = result();
        accepted[8] = 0x01;
        vm.expectRevert(
            abi.encodeWithSelector(
                IPrivateRounds.AcceptedMismatch.selector, roots[1], Tree.leaf(accepted)
            )
        );
        rounds.settle(1, roots, accepted);
    }

    /// @notice Every node trains in one bucket, members in another, whatever the block's hash.
    function test_fuzz_draw_isAPartition(bytes32 blockHash, uint256 count) public {
        uint32 committed = uint32(bound(count, 2 * SIZE, NODES));
        rounds.open();
        mine(1);
        for (uint32 i = 0; i < committed; ++i) {
            commitAs(i);
        }
        if (committed < NODES) mine(BLOCKS + 1);
        rounds.advance();
        uint256 mark = round().mark;
        mine(1);
        vm.setBlockhash(mark, blockHash);
        rounds.advance();
        uint256 all = 0;
        for (uint256 i = 0; i < bucketCount(); ++i) {
            IPrivateRounds.Bucket memory bucket = bucketOf(i);
            vm.assertEq(all & bucket.trainers, 0);
            all |= bucket.trainers;
            vm.assertGe(Buckets.countOf(bucket.trainers), SIZE);
            uint256 taken = bucket.trainers;
            for (uint256 j = 0; j < 3; ++j) {
                vm.assertFalse(Buckets.isSet(taken, bucket.members[j]));
                vm.assertTrue(bucket.members[j] < committed);
                taken |= 1 << bucket.members[j];
            }
        }
        vm.assertEq(all, (1 << committed) - 1);
        vm.assertEq(bucketCount(), committed / SIZE);
    }

    // Who drops out.

    function test_commits_tooFew() public {
        rounds.open();
        mine(1);
        for (uint32 i = 0; i < 2 * SIZE - 1; ++i) {
            commitAs(i);
        }
        mine(BLOCKS + 1);
        vm.expectEmit();
        emit IPrivateRounds.Voided(1, IPrivateRounds.Phase.Commit, 2 * SIZE - 1, 2 * SIZE);
        rounds.advance();
        vm.assertEq(totalStake(), NODES * STAKE);
    }

    /// @notice A trainer one of whose shares nobody holds is left out; of three, the bucket is.
    function test_trainer_gone() public {
        toReports(NODES);
        for (uint256 i = 0; i < 3; ++i) {
            uint32 all = bucketOf(i).trainers;
            uint32 less = all & (all - 1);
            for (uint256 j = 0; j < 3; ++j) {
                // Share 0 of the lowest place is with neither of its holders.
                reportAs(i, j, j == 1 ? [all, less] : j == 2 ? [less, all] : [all, all]);
            }
        }
        uint256 rows = 0;
        for (uint256 i = 0; i < 3; ++i) {
            IPrivateRounds.Bucket memory bucket = bucketOf(i);
            bool whole = Buckets.countOf(bucket.trainers) == 4;
            vm.assertEq(bucket.roll, whole ? bucket.trainers & (bucket.trainers - 1) : 0);
            if (whole) ++rows;
        }
        vm.assertEq(rows, 1);
        expectPhase(IPrivateRounds.Phase.Idle);
        vm.assertEq(totalStake(), NODES * STAKE);
    }

    /// @notice One holder is enough: no single member leaves a trainer out.
    function test_member_cannotLeaveOut() public {
        toReports(NODES);
        for (uint256 i = 0; i < 3; ++i) {
            uint32 all = bucketOf(i).trainers;
            reportAs(i, 0, [uint32(0), 0]);
            reportAs(i, 1, [all, all]);
            reportAs(i, 2, [all, all]);
        }
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertEq(bucketOf(i).roll, bucketOf(i).trainers);
        }
    }

    function test_members_gone() public {
        toReports(NODES);
        uint32 first = memberOf(0, 0);
        uint32 second = memberOf(1, 1);
        uint32 third = memberOf(1, 2);
        for (uint256 i = 0; i < 3; ++i) {
            uint32 all = bucketOf(i).trainers;
            for (uint256 j = 0; j < 3; ++j) {
                bool gone = (i == 0 && j == 0) || (i == 1 && j > 0);
                if (!gone) reportAs(i, j, [all, all]);
            }
        }
        mine(BLOCKS + 1);
        rounds.advance();
        expectPhase(IPrivateRounds.Phase.Sum);
        vm.assertEq(round().rows, 2);
        vm.assertTrue(bucketOf(0).roll != 0);
        vm.assertEq(bucketOf(1).roll, 0);
        vm.assertEq(totalStake(), NODES * STAKE - 3 * GONE);
        vm.assertTrue(stakeOf(first) < STAKE);
        vm.assertTrue(stakeOf(second) < STAKE && stakeOf(third) < STAKE);
        vm.prank(memberKey(1, 0));
        vm.expectRevert(abi.encodeWithSelector(IPrivateRounds.NoRoll.selector, 1));
        rounds.state(1, 1, 0, "", "");
        vm.prank(memberKey(0, 0));
        vm.expectRevert(abi.encodeWithSelector(IPrivateRounds.NotReported.selector, 0, 0));
        rounds.state(1, 0, 0, "", "");
        stateAs(0, 1, [0, 0]);
        stateAs(0, 2, [0, 0]);
        for (uint256 j = 0; j < 3; ++j) {
            stateAs(2, j, [0, 0]);
        }
        expectPhase(IPrivateRounds.Phase.Aggregate);
    }

    /// @notice Of members that reported and then say nothing, one is missed, of two their bucket.
    function test_members_silent() public {
        toReports(NODES);
        toSums();
        stateAs(0, 0, [0, 0]);
        stateAs(0, 1, [0, 0]);
        stateAs(1, 2, [0, 0]);
        for (uint256 j = 0; j < 3; ++j) {
            stateAs(2, j, [0, 0]);
        }
        mine(BLOCKS + 1);
        rounds.advance();
        expectPhase(IPrivateRounds.Phase.Aggregate);
        vm.assertEq(round().rows, 2);
        vm.assertEq(bucketOf(1).roll, 0);
        vm.assertEq(totalStake(), NODES * STAKE - 3 * GONE);
    }

    // Who lies.

    /// @dev Member 1 of bucket 0 lies about share 0, which member 2 holds too.
    function disputed() private {
        toReports(NODES);
        toSums();
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 j = 0; j < 3; ++j) {
                stateAs(i, j, i == 0 && j == 1 ? [0, 7] : [0, 0]);
            }
        }
        expectPhase(IPrivateRounds.Phase.Judge);
    }

    function defendAs(uint256 member) private returns (uint256) {
        vm.prank(memberKey(0, member));
        return rounds.defend(1, 0, 0);
    }

    function expectRight() private view {
        expectPhase(IPrivateRounds.Phase.Aggregate);
        (bool isDisputed, bytes32 root) = Buckets.sumOf(bucketOf(0), 0);
        vm.assertFalse(isDisputed);
        vm.assertEq(root, this.rootOf(sumOf(0, 0, 0)));
        vm.assertEq(round().rows, 3);
        uint256 lost = STAKE - stakeOf(memberOf(0, 1));
        vm.assertEq(lost, LIE);
        vm.assertEq(totalStake(), NODES * STAKE - LIE);
    }

    function test_liar_silentAgainstADefence() public {
        disputed();
        uint256 claim = defendAs(2);
        ICourt.Claim memory posted = court.claim(claim);
        vm.assertEq(posted.inputsRoot, sharesRoot(0, 0));
        vm.assertEq(posted.outputsRoot, this.rootOf(sumOf(0, 0, 0)));
        rounds.advance();
        expectPhase(IPrivateRounds.Phase.Judge);
        mine(WINDOW + 1);
        rounds.advance();
        expectRight();
    }

    function test_liar_defendsAndIsConvicted() public {
        disputed();
        uint256 claim = defendAs(1);
        uint256 trainers = Buckets.countOf(bucketOf(0).roll);
        convict(claim, memberKey(0, 2), partialHeader(trainers));
        rounds.advance();
        expectRight();
    }

    function test_nobodyDefends() public {
        disputed();
        mine(BLOCKS + 1);
        rounds.advance();
        expectPhase(IPrivateRounds.Phase.Aggregate);
        vm.assertEq(round().rows, 2);
        vm.assertEq(bucketOf(0).roll, 0);
        vm.assertEq(totalStake(), NODES * STAKE - 2 * GONE);
    }

    /// @notice The window has passed when the blocks for defences have: nobody can defend.
    function test_defend_refusals() public {
        disputed();
        vm.expectRevert(abi.encodeWithSelector(IPrivateRounds.NoBucket.selector, 3));
        rounds.defend(1, 3, 0);
        vm.expectRevert(abi.encodeWithSelector(IPrivateRounds.NotDisputed.selector, 0, 3));
        rounds.defend(1, 0, 3);
        vm.expectRevert(abi.encodeWithSelector(IPrivateRounds.NotDisputed.selector, 0, 1));
        rounds.defend(1, 0, 1);
        address other = memberKey(0, 0);
        vm.prank(other);
        vm.expectRevert(abi.encodeWithSelector(IPrivateRounds.NotMember.selector, 0, 2));
        rounds.defend(1, 0, 0);
        defendAs(2);
        address liar = memberKey(0, 1);
        vm.prank(liar);
        vm.expectRevert(abi.encodeWithSelector(IPrivateRounds.NotDisputed.selector, 0, 0));
        rounds.defend(1, 0, 0);
    }

    /// @notice A result that falls makes it the next one's turn, and so does silence.
    function test_result_falls() public {
        toReports(NODES);
        toSums();
        toEnd();
        uint32 first = rounds.aggregator();
        mine(TURN);
        vm.assertEq(rounds.aggregator(), (first + 1) % NODES);
        address late = keyOf(first);
        vm.prank(late);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPrivateRounds.NotAggregator.selector, (first + 1) % NODES, first
            )
        );
        rounds.postResult(1, "mine");
        uint256 claim = postAs(keyOf((first + 1) % NODES));
        convict(claim, keyOf(first), aggregateHeader(3));
        rounds.advance();
        vm.assertEq(round().attempt, 1);
        vm.assertEq(rounds.aggregator(), (first + 1) % NODES);
        postAs(keyOf((first + 1) % NODES));
        mine(WINDOW + 1);
        settle();
        vm.assertEq(rounds.settledCount(), 1);
    }

    // What is refused.

    function test_calls_ofOthers() public {
        toReports(NODES);
        uint64 number = round().number;
        vm.expectRevert(abi.encodeWithSelector(IPrivateRounds.WrongRound.selector, 1, 2));
        rounds.report(2, 0, 0, [uint32(0), 0]);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPrivateRounds.WrongPhase.selector,
                IPrivateRounds.Phase.Commit,
                IPrivateRounds.Phase.Report
            )
        );
        rounds.commit(number, [bytes32("a"), "b", "c"]);
        vm.expectRevert(abi.encodeWithSelector(IPrivateRounds.NotSeated.selector, address(this)));
        rounds.report(number, 0, 0, [uint32(0), 0]);
        address other = memberKey(0, 1);
        vm.prank(other);
        vm.expectRevert(abi.encodeWithSelector(IPrivateRounds.NotMember.selector, 0, 0));
        rounds.report(number, 0, 0, [uint32(0), 0]);
        uint32 trainers = bucketOf(0).trainers;
        uint32 strangers = ~trainers;
        address own = memberKey(0, 0);
        vm.prank(own);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPrivateRounds.NotTrainers.selector, trainers, strangers | trainers
            )
        );
        rounds.report(number, 0, 0, [trainers, strangers]);
        reportAs(0, 0, [trainers, trainers]);
        uint32 node = memberOf(0, 0);
        vm.prank(own);
        vm.expectRevert(abi.encodeWithSelector(IPrivateRounds.AlreadyDone.selector, node));
        rounds.report(number, 0, 0, [uint32(0), 0]);
    }

    function test_state_onceAndWhole() public {
        toReports(NODES);
        toSums();
        address own = memberKey(0, 0);
        bytes memory short = new bytes(4 * WIDTH - 4);
        bytes memory whole = sumOf(0, 1, 0);
        vm.prank(own);
        vm.expectRevert(
            abi.encodeWithSelector(IPrivateRounds.SumLength.selector, short.length, 4 * WIDTH)
        );
        rounds.state(1, 0, 0, whole, short);
        stateAs(0, 0, [0, 0]);
        uint32 node = memberOf(0, 0);
        vm.prank(own);
        vm.expectRevert(abi.encodeWithSelector(IPrivateRounds.AlreadyDone.selector, node));
        rounds.state(1, 0, 0, whole, whole);
    }

    function test_commit_onceAndWhole() public {
        rounds.open();
        vm.expectRevert(
            abi.encodeWithSelector(
                IPrivateRounds.WrongPhase.selector,
                IPrivateRounds.Phase.Commit,
                IPrivateRounds.Phase.Seats
            )
        );
        rounds.commit(1, [bytes32("a"), "b", "c"]);
        mine(1);
        vm.prank(keyOf(0));
        vm.expectRevert(IPrivateRounds.ZeroRoot.selector);
        rounds.commit(1, [bytes32("a"), 0, "c"]);
        commitAs(0);
        vm.prank(keyOf(0));
        vm.expectRevert(abi.encodeWithSelector(IPrivateRounds.AlreadyDone.selector, 0));
        rounds.commit(1, [bytes32("a"), "b", "c"]);
    }

    /// @notice Who changes its stake after a round was opened has its seats drawn first.
    function test_seats_drawnBeforeAStakeChanges() public {
        rounds.open();
        mine(1);
        vm.prank(keyOf(3));
        registry.leave();
        expectPhase(IPrivateRounds.Phase.Commit);
        vm.assertEq(seatOf(3).index, 3);
        commitAs(3);
    }

    function test_config_refusals() public {
        IPrivateRounds.Config memory given = configuration();
        given.size = 2;
        expectBad(given, "size");
        given = configuration();
        given.capacity = 33;
        expectBad(given, "capacity");
        given = configuration();
        given.quorum = 4;
        expectBad(given, "quorum");
        given = configuration();
        given.partialPrograms = new bytes32[](1);
        expectBad(given, "partialPrograms");
        given = configuration();
        given.aggregatePrograms = new bytes32[](1);
        expectBad(given, "aggregatePrograms");
        given = configuration();
        given.width = 33;
        expectBad(given, "width");
        given = configuration();
        given.judgeBlocks = 0;
        expectBad(given, "judgeBlocks");
        expectBad(configuration(), "court");
    }

    function expectBad(IPrivateRounds.Config memory given, string memory field) private {
        vm.expectRevert(abi.encodeWithSelector(IPrivateRounds.BadConfig.selector, field));
        new PrivateRounds(registry, court, rewards, given);
    }
}
