// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Rounds} from "../src/Rounds.sol";
import {ICourt} from "../src/interfaces/ICourt.sol";
import {IRounds} from "../src/interfaces/IRounds.sol";
import {Tree} from "../src/lib/Tree.sol";
import {World} from "./support/World.sol";

/// @notice Opening, committing and the phases.
contract RoundsPhasesTest is World {
    function setUp() public {
        deploy(4);
    }

    function phase() internal view returns (uint256) {
        return uint256(rounds.current().phase);
    }

    function test_round_runsToTheEnd() public {
        uint64 round = toAggregate(4);
        mine(2);
        Result memory result = resultOf(4, equalPay(4, 25e9), "first");
        uint256 claim = postAs(rounds.aggregator(), outputsRootOf(result.roots));
        vm.assertEq(rounds.current().claim, claim);
        mine(WINDOW + 1);
        rounds.settle(round, result.roots, result.acceptedChunk);

        vm.assertEq(rounds.modelRoot(), result.roots[0]);
        vm.assertEq(rounds.cumulativeRoot(), result.roots[3]);
        vm.assertEq(rewards.root(), result.roots[3]);
        vm.assertEq(rounds.settledCount(), 1);
        vm.assertEq(phase(), uint256(IRounds.Phase.Idle));
        for (uint32 i = 0; i < 4; ++i) {
            rewards.claim(i, result.cumulativeChunk, result.siblings);
            vm.assertEq(token.balanceOf(payeeOf(keys[i])), 25e18);
        }
        vm.assertEq(token.balanceOf(address(court)), 0);
        vm.assertEq(rounds.open(), 2);
    }

    function test_current_beforeTheFirst() public view {
        IRounds.Round memory round = rounds.current();
        vm.assertEq(round.number, 0);
        vm.assertEq(uint256(round.phase), uint256(IRounds.Phase.Idle));
        vm.assertEq(round.modelRoot, keccak256("model"));
        vm.assertEq(round.seats.length, 0);
    }

    function test_draw_oneEachOfEqualStakes() public {
        join(0xE, STAKE);
        vm.prank(vm.addr(keys[1]));
        registry.leave();
        openRound();
        IRounds.Seat[] memory seats = rounds.current().seats;
        uint8[4] memory expected = [0, 2, 3, 4];
        vm.assertEq(seats.length, CAPACITY);
        for (uint256 i = 0; i < CAPACITY; ++i) {
            vm.assertEq(seats[i].index, expected[i]);
            vm.assertEq(seats[i].rows, 1);
            vm.assertEq(seats[i].stake, STAKE);
        }
    }

    /// @notice All seats are always drawn, and somebody with three quarters of the stake has at least
    ///         two of the four.
    function test_fuzz_draw_byStake(bytes32 salt) public {
        vm.prank(vm.addr(keys[3]));
        token.approve(address(registry), type(uint256).max);
        token.transfer(vm.addr(keys[3]), 8 * STAKE);
        vm.prank(vm.addr(keys[3]));
        registry.addStake(8 * STAKE);
        rounds.open();
        vm.setBlockhash(block.number, salt);
        mine(1);
        IRounds.Seat[] memory seats = rounds.current().seats;
        uint256 rows = 0;
        for (uint256 i = 0; i < seats.length; ++i) {
            if (i > 0) vm.assertTrue(seats[i].index > seats[i - 1].index);
            rows += seats[i].rows;
        }
        vm.assertEq(rows, CAPACITY);
        IRounds.Seat memory last = seats[seats.length - 1];
        vm.assertEq(last.index, 3);
        vm.assertTrue(last.rows >= 2);
    }

    /// @notice Enrolment closes with the opening block: a stake that comes later has the seats drawn
    ///         first, and a commitment in the opening block is too early.
    function test_draw_beforeAnyStakeMoves() public {
        uint64 round = rounds.open();
        vm.prank(vm.addr(keys[0]));
        vm.expectRevert(abi.encodeWithSelector(IRounds.SeedPending.selector, block.number));
        rounds.commit(round, "x");
        vm.assertEq(rounds.current().seats.length, 0);
        mine(1);
        bytes32 before = keccak256(abi.encode(rounds.current().seats));
        join(0xE, 100 * STAKE);
        vm.prank(vm.addr(keys[1]));
        registry.leave();
        vm.assertEq(keccak256(abi.encode(rounds.current().seats)), before);
        commitAs(1);
    }

    /// @notice Where everybody leaves in the opening block there is nobody to seat, and a stranger who
    ///         joins then is not seated either.
    function test_draw_nobodyLeft() public {
        rounds.open();
        for (uint32 i = 0; i < 4; ++i) {
            vm.prank(vm.addr(keys[i]));
            registry.leave();
        }
        mine(1);
        rounds.draw();
        vm.assertEq(rounds.current().seats.length, 0);
        mine(10);
        vm.assertEq(phase(), uint256(IRounds.Phase.Idle));
    }

    function test_draw_onlyOnce() public {
        openRound();
        vm.recordLogs();
        rounds.draw();
        rounds.draw();
        vm.assertEq(vm.getRecordedLogs().length, 1);
    }

    function test_open_refuses() public {
        rounds.open();
        vm.expectRevert(
            abi.encodeWithSelector(
                IRounds.WrongPhase.selector, IRounds.Phase.Idle, IRounds.Phase.Commit
            )
        );
        rounds.open();
        mine(11); // void
        for (uint32 i = 0; i < 2; ++i) {
            vm.prank(vm.addr(keys[i]));
            registry.leave();
        }
        vm.expectRevert(abi.encodeWithSelector(IRounds.NodesMissing.selector, 2, NEEDED));
        rounds.open();
    }

    /// @notice A seat that was penalised below the minimum is not seated again until it adds stake.
    function test_open_needsTheMinimumStake() public {
        vm.prank(address(rounds));
        registry.penalise(2, STAKE);
        openRound();
        vm.assertEq(rounds.current().seats.length, 3);
        mine(11);
        vm.prank(vm.addr(keys[2]));
        registry.addStake(STAKE / 10);
        vm.assertEq(registry.activeCount(), 4);
    }

    function test_commit_refuses() public {
        uint64 round = openRound();
        vm.expectRevert(abi.encodeWithSelector(IRounds.NotSeated.selector, address(this)));
        rounds.commit(round, "x");
        uint256 late = join(0xE, STAKE);
        address lateKey = vm.addr(keys[late]);
        vm.startPrank(lateKey);
        vm.expectRevert(abi.encodeWithSelector(IRounds.NotSeated.selector, lateKey));
        rounds.commit(round, "x");
        vm.stopPrank();
        vm.startPrank(vm.addr(keys[0]));
        vm.expectRevert(abi.encodeWithSelector(IRounds.WrongRound.selector, round, round + 1));
        rounds.commit(round + 1, "x");
        vm.expectRevert(abi.encodeWithSelector(IRounds.ZeroCommitment.selector, 0));
        rounds.commit(round, 0);
        rounds.commit(round, "x");
        vm.expectRevert(abi.encodeWithSelector(IRounds.AlreadyCommitted.selector, 0));
        rounds.commit(round, "y");
        vm.stopPrank();
    }

    function test_commit_lastBlock() public {
        rounds.open();
        mine(10);
        commitAs(0);
        mine(1);
        vm.prank(vm.addr(keys[1]));
        vm.expectRevert(
            abi.encodeWithSelector(
                IRounds.WrongPhase.selector, IRounds.Phase.Commit, IRounds.Phase.Idle
            )
        );
        rounds.commit(1, "x");
    }

    function test_commits_closeEarly() public {
        rounds.open();
        mine(1);
        for (uint32 i = 0; i < 4; ++i) {
            commitAs(i);
        }
        IRounds.Round memory round = rounds.current();
        vm.assertEq(uint256(round.phase), uint256(IRounds.Phase.Reveal));
        vm.assertEq(round.commitsClosedBlock, block.number);
    }

    function test_commits_closeByDeadline() public {
        rounds.open();
        uint256 opened = block.number;
        mine(1);
        for (uint32 i = 0; i < 3; ++i) {
            commitAs(i);
        }
        mine(9);
        vm.assertEq(phase(), uint256(IRounds.Phase.Commit));
        mine(1);
        vm.assertEq(phase(), uint256(IRounds.Phase.Reveal));
        vm.assertEq(rounds.current().commitsClosedBlock, opened + 10);
        revealDataAs(0);
        vm.assertEq(rounds.current().commitsClosedBlock, opened + 10);
        vm.prank(vm.addr(keys[3]));
        vm.expectRevert(abi.encodeWithSelector(IRounds.NotCommitted.selector, 3));
        rounds.revealWithData(1, 0, 0, new bytes(4 * UPDATE_LENGTH));
    }

    function test_void_withoutCommitmentsCostsNobody() public {
        openRound();
        commitAs(0);
        commitAs(1);
        mine(11);
        rounds.poke();
        vm.assertEq(phase(), uint256(IRounds.Phase.Idle));
        vm.assertEq(registry.stakeOf(0), STAKE);
        vm.assertEq(rounds.open(), 2);
    }

    function test_void_withoutRevealsCostsTheSilent() public {
        openRound();
        for (uint32 i = 0; i < 4; ++i) {
            commitAs(i);
        }
        revealDataAs(0);
        revealDataAs(1);
        mine(9);
        openRound(); // closes the old round on its way
        for (uint32 i = 0; i < 4; ++i) {
            vm.assertEq(registry.stakeOf(i), i < 2 ? STAKE : STAKE - PENALTY);
        }
        vm.assertEq(rounds.current().seats[0].commitment, bytes32(0));
        vm.assertFalse(rounds.current().seats[0].revealed);
    }

    /// @notice Salts of one round are in the seeds of the next.
    function test_salts_run() public {
        toAggregate(4);
        bytes32 expected = 0;
        for (uint32 i = 0; i < 4; ++i) {
            expected = keccak256(abi.encode(expected, i, saltOf(i)));
        }
        vm.assertEq(rounds.salts(), expected);
    }

    /// @notice Whoever commits and reveals: phases, stakes and the view agree, poked or not.
    function test_fuzz_participation(uint8 commits, uint8 reveals, bool poked) public {
        openRound();
        uint32 committed = 0;
        uint32 revealed = 0;
        for (uint32 i = 0; i < 4; ++i) {
            if (commits & (1 << i) == 0) continue;
            commitAs(i);
            ++committed;
        }
        if (committed < 4) mine(11);
        if (poked) rounds.poke();
        if (committed < QUORUM) {
            vm.assertEq(phase(), uint256(IRounds.Phase.Idle));
            return;
        }
        uint256 silent = 0;
        for (uint32 i = 0; i < 4; ++i) {
            if (commits & (1 << i) == 0) continue;
            if (reveals & (1 << i) == 0) {
                silent |= 1 << i;
                continue;
            }
            revealDataAs(i);
            ++revealed;
        }
        mine(9);
        IRounds.Round memory seen = rounds.current();
        rounds.poke();
        vm.assertEq(keccak256(abi.encode(rounds.current())), keccak256(abi.encode(seen)));
        bool aggregates = seen.phase == IRounds.Phase.Aggregate;
        vm.assertEq(aggregates, revealed >= QUORUM);
        for (uint32 i = 0; i < 4; ++i) {
            bool struck = !aggregates && silent & (1 << i) != 0;
            vm.assertEq(registry.stakeOf(i), struck ? STAKE - PENALTY : STAKE);
        }
    }
}

/// @notice Reveals and their certificates.
contract RoundsRevealTest is World {
    uint64 internal round;

    function setUp() public {
        deploy(4);
        round = openRound();
        for (uint32 i = 0; i < 4; ++i) {
            commitAs(i);
        }
    }

    function list(uint32 a, uint32 b) internal pure returns (uint32[] memory signers) {
        signers = new uint32[](2);
        (signers[0], signers[1]) = (a, b);
    }

    function expectRefused(bytes memory signatures, bytes memory refusal) internal {
        bytes32 root = updateRootOf(0);
        vm.prank(vm.addr(keys[0]));
        vm.expectRevert(refusal);
        rounds.reveal(round, root, saltOf(0), BLOB, signatures);
    }

    function bad(uint256 signature) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IRounds.BadCertificate.selector, signature);
    }

    function test_reveal_twoOfThreeOthers() public {
        revealAs(0, list(1, 3));
        IRounds.Seat memory seat = rounds.current().seats[0];
        vm.assertTrue(seat.revealed);
        vm.assertEq(seat.updateRoot, updateRootOf(0));
        vm.assertEq(seat.salt, saltOf(0));
        vm.assertEq(seat.blob, BLOB);
    }

    /// @notice Two of four have half of the stake, which is not more than two thirds.
    function test_reveal_oneIsTooLight() public {
        uint32[] memory one = new uint32[](1);
        one[0] = 2;
        expectRefused(
            certificate(round, 0, one),
            abi.encodeWithSelector(
                IRounds.CertificateTooLight.selector, 2 * STAKE, (8 * STAKE) / 3 + 1
            )
        );
    }

    /// @notice Exactly two thirds is not more than two thirds.
    function test_reveal_exactlyTwoThirds() public {
        vm.prank(vm.addr(keys[3]));
        registry.leave();
        mine(9);
        openRound(); // voided the round of four: three nodes
        round = 2;
        for (uint32 i = 0; i < 3; ++i) {
            commitAs(i);
        }
        uint32[] memory one = new uint32[](1);
        one[0] = 1;
        bytes memory refusal = abi.encodeWithSelector(
            IRounds.CertificateTooLight.selector, 2 * STAKE - 2 * PENALTY, 2 * (STAKE - PENALTY) + 1
        );
        expectRefused(certificate(round, 0, one), refusal);
        revealAs(0, list(1, 2));
    }

    function test_reveal_refusesCertificates() public {
        expectRefused(
            "",
            abi.encodeWithSelector(IRounds.CertificateTooLight.selector, STAKE, (8 * STAKE) / 3 + 1)
        );
        expectRefused(new bytes(64), bad(0));
        expectRefused(new bytes(65), bad(0));
        expectRefused(certificate(round, 0, list(3, 1)), bad(1));
        expectRefused(certificate(round, 0, list(1, 1)), bad(1));
        expectRefused(certificate(round, 0, list(0, 1)), bad(0));
        expectRefused(certificate(round, 1, list(2, 3)), bad(0));
        expectRefused(certificate(round + 1, 0, list(2, 3)), bad(0));
        keys.push(0xDEAD);
        expectRefused(certificate(round, 0, list(1, 4)), bad(1));
    }

    /// @notice The other root of the curve's symmetry is refused, so a certificate has one form.
    function test_reveal_refusesHighS() public {
        bytes memory signatures = certificate(round, 0, list(1, 3));
        uint256 order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        bytes32 s;
        assembly ("memory-safe") {
            s := mload(add(signatures, 64))
            mstore(add(signatures, 64), sub(order, s))
        }
        signatures[64] = signatures[64] == 0x1b ? bytes1(0x1c) : bytes1(0x1b);
        expectRefused(signatures, bad(0));
    }

    function test_reveal_otherUpdateOrSalt() public {
        bytes32 root = updateRootOf(0);
        bytes32 committed = rounds.current().seats[0].commitment;
        bytes32 got = rounds.commitmentOf(round, 0, root, "salt");
        bytes memory signatures = certificate(round, 0, list(1, 2));
        vm.startPrank(vm.addr(keys[0]));
        vm.expectRevert(abi.encodeWithSelector(IRounds.CommitmentMismatch.selector, committed, got));
        rounds.reveal(round, root, "salt", BLOB, signatures);
        got = rounds.commitmentOf(round, 0, "root", saltOf(0));
        vm.expectRevert(abi.encodeWithSelector(IRounds.CommitmentMismatch.selector, committed, got));
        rounds.reveal(round, "root", saltOf(0), BLOB, signatures);
        vm.stopPrank();
    }

    /// @notice Another's commitment, copied, cannot be opened by the copier.
    function test_reveal_copiedCommitment() public {
        mine(9);
        openRound();
        round = 2;
        bytes32 original = rounds.commitmentOf(round, 0, updateRootOf(0), saltOf(0));
        for (uint32 i = 0; i < 4; ++i) {
            vm.prank(vm.addr(keys[i]));
            rounds.commit(round, original);
        }
        bytes memory update = updateOf(0);
        bytes32 got = rounds.commitmentOf(round, 1, updateRootOf(0), saltOf(0));
        vm.prank(vm.addr(keys[1]));
        vm.expectRevert(abi.encodeWithSelector(IRounds.CommitmentMismatch.selector, original, got));
        rounds.revealWithData(round, saltOf(0), BLOB, update);
        revealDataAs(0);
    }

    function test_reveal_once() public {
        revealDataAs(0);
        bytes memory update = updateOf(0);
        vm.prank(vm.addr(keys[0]));
        vm.expectRevert(abi.encodeWithSelector(IRounds.AlreadyRevealed.selector, 0));
        rounds.revealWithData(round, saltOf(0), BLOB, update);
    }

    function test_revealWithData_length() public {
        vm.prank(vm.addr(keys[0]));
        vm.expectRevert(
            abi.encodeWithSelector(
                IRounds.UpdateLength.selector, 4 * UPDATE_LENGTH - 1, 4 * UPDATE_LENGTH
            )
        );
        rounds.revealWithData(round, saltOf(0), BLOB, new bytes(4 * UPDATE_LENGTH - 1));
    }

    function test_reveals_closeByDeadline() public {
        for (uint32 i = 0; i < 3; ++i) {
            revealDataAs(i);
        }
        uint256 closed = rounds.current().commitsClosedBlock;
        vm.roll(closed + 8);
        vm.assertEq(uint256(rounds.current().phase), uint256(IRounds.Phase.Reveal));
        vm.roll(closed + 9);
        vm.assertEq(uint256(rounds.current().phase), uint256(IRounds.Phase.Aggregate));
        vm.assertEq(rounds.current().revealsClosedBlock, closed + 8);
        bytes memory update = updateOf(3);
        vm.prank(vm.addr(keys[3]));
        vm.expectRevert(
            abi.encodeWithSelector(
                IRounds.WrongPhase.selector, IRounds.Phase.Reveal, IRounds.Phase.Aggregate
            )
        );
        rounds.revealWithData(round, saltOf(3), BLOB, update);
    }

    /// @notice One more than two thirds of any stakes is enough, and no less.
    function test_fuzz_certificateWeight(uint256[4] memory extra, uint8 mask) public {
        mine(9);
        uint256 total = 0;
        uint256 held = 0;
        uint256 count = 0;
        uint32[] memory signers = new uint32[](3);
        for (uint32 i = 0; i < 4; ++i) {
            uint256 amount = bound(extra[i], 0, 90e18);
            vm.prank(vm.addr(keys[i]));
            registry.addStake(amount);
        }
        openRound();
        if (rounds.current().seats.length < 4) return; // the lot left one out
        round = 2;
        for (uint32 i = 0; i < 4; ++i) {
            commitAs(i);
            uint256 stake = registry.stakeOf(i);
            total += stake;
            if (i == 0 || mask & (1 << i) != 0) held += stake;
            if (i != 0 && mask & (1 << i) != 0) signers[count++] = i;
        }
        assembly ("memory-safe") {
            mstore(signers, count)
        }
        bytes memory signatures = certificate(round, 0, signers);
        bytes32 root = updateRootOf(0);
        vm.prank(vm.addr(keys[0]));
        if (3 * held <= 2 * total) vm.expectRevert();
        rounds.reveal(round, root, saltOf(0), BLOB, signatures);
    }
}
