// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IGathering} from "../src/interfaces/IGathering.sol";
import {IRoster} from "../src/interfaces/IRoster.sol";
import {GatherDesk, Gathered} from "./support/GatherDesk.sol";

/// @notice Those left out, and the inputs that come of it.
contract RosterTest is GatherDesk {
    uint32 internal constant NODES = 45;

    uint64 internal round;
    IRoster.Forced[] internal forced;
    IGathering.Entry internal nobody;

    function setUp() public {
        deployGathering(NODES);
        for (uint32 i = 0; i < NODES; ++i) {
            stated.seat(i, 1 + (i * i) % 3);
        }
        round = openRound();
        gathering.draw();
    }

    /// @notice Nodes of which the bits of `mask` are set, but for those of `without`.
    function some(uint256 mask, uint256 without) internal pure returns (uint32[] memory nodes) {
        nodes = new uint32[](NODES);
        uint256 count = 0;
        for (uint32 i = 0; i < NODES; ++i) {
            if ((mask >> i) & 1 == 1 && (without >> i) & 1 == 0) nodes[count++] = i;
        }
        assembly ("memory-safe") {
            mstore(nodes, count)
        }
    }

    function forceCommitments(Gathered memory list, uint32[] memory nodes) internal {
        toStage(round, COMMITMENTS, IGathering.Stage.Force);
        for (uint256 i = 0; i < nodes.length; ++i) {
            bytes32 commitment = commitmentOf(round, nodes[i]);
            IGathering.Entry[] memory beside;
            if (list.words.length > 0) beside = besideOf(list, nodes[i]);
            vm.prank(keyOf(nodes[i]));
            gathering.forceCommitment(round, commitment, beside);
        }
    }

    function openedBy(Gathered memory list, uint32 node)
        internal
        view
        returns (IGathering.Entry memory)
    {
        for (uint256 i = 0; i < list.words.length; ++i) {
            if (uint32(uint256(list.words[i][0])) == node) return entryOf(list, i);
        }
        return nobody;
    }

    function forceReveals(Gathered memory commitment, Gathered memory list, uint32[] memory nodes)
        internal
    {
        toStage(round, REVEALS, IGathering.Stage.Force);
        for (uint256 i = 0; i < nodes.length; ++i) {
            uint32 node = nodes[i];
            IGathering.Entry[] memory beside;
            if (list.words.length > 0) beside = besideOf(list, node);
            IGathering.Entry memory opened = openedBy(commitment, node);
            IGathering.Reveal memory reveal = revealOf(node);
            if (i % 2 == 1) {
                reveal.update = "";
                bytes32 digest =
                    gathering.availabilityDigest(round, node, reveal.updateRoot, reveal.blob);
                reveal.signatures = certificate(round, digest, 0);
            }
            vm.prank(keyOf(node));
            gathering.forceReveal(round, reveal, opened, beside);
            forced.push(IRoster.Forced(node, enrolment.rowsOf(round, node), reveal.updateRoot));
        }
    }

    /// @notice Gathered or forced, each counts once, and the root is that of the list written out.
    function play(uint256 gathered, uint256 forcedToo, uint256 revealed, uint256 revealedLate)
        internal
    {
        Gathered memory commitment;
        uint32[] memory nodes = some(gathered, 0);
        if (nodes.length > 0) {
            commitment = commitments(round, nodes);
            post(round, COMMITMENTS, gathererOf(round, 0), commitment);
        }
        forceCommitments(commitment, some(forcedToo, gathered));
        uint256 all = gathered | forcedToo;
        nodes = some(all & revealed, 0);
        Gathered memory list;
        toStage(round, REVEALS, IGathering.Stage.Gather);
        if (nodes.length > 0) {
            list = reveals(round, nodes, fromOf(commitment, nodes));
            post(round, REVEALS, gathererOf(round, 0), list);
        }
        forceReveals(commitment, list, some(all & revealedLate, revealed));
        toStage(round, REVEALS, IGathering.Stage.Over);
        seals(list);
        for (uint32 node = 0; node < NODES; ++node) {
            bool in_ = (all >> node) & 1 == 1;
            bool late = ((revealed | revealedLate) >> node) & 1 == 0;
            IGathering.Entry[] memory beside;
            bool shown = (revealed & all) >> node & 1 == 0;
            if (list.words.length > 0 && shown) beside = besideOf(list, node);
            IGathering.Entry memory opened = openedBy(commitment, node);
            if (in_ && late) {
                roster.requireUnrevealed(round, node, opened, beside);
            } else {
                vm.expectRevert();
                roster.requireUnrevealed(round, node, opened, beside);
            }
        }
    }

    function seals(Gathered memory list) internal {
        IRoster.Forced[] memory added = forced;
        if (added.length == 0 && list.words.length == 0) {
            vm.expectRevert(abi.encodeWithSelector(IRoster.NothingToSeal.selector, round));
            roster.seal(round, added, tailOf(list, added));
            return;
        }
        uint256 listed = list.inputs.length == 0 ? 0 : list.inputs.length - 4;
        roster.seal(round, added, tailOf(list, added));
        (uint32 rows, bytes32 root) = roster.inputsOf(round);
        vm.assertEq(rows, listed + rowsOf(added), "rows");
        vm.assertEq(root, inputsRootOf(list, added), "by definition");
        vm.expectRevert(abi.encodeWithSelector(IRoster.AlreadySealed.selector, round));
        roster.seal(round, added, tailOf(list, added));
    }

    /// forge-config: default.fuzz.runs = 30
    function test_fuzz_round(
        uint256 gathered,
        uint256 forcedToo,
        uint256 revealed,
        uint256 revealedLate
    ) public {
        play(gathered, forcedToo, revealed, revealedLate);
    }

    function test_round_allGathered() public {
        play(type(uint256).max, 0, type(uint256).max, 0);
    }

    function test_round_allForced() public {
        play(0, type(uint256).max, 0, type(uint256).max);
    }

    function test_round_oneOfEach() public {
        play(~uint256(1 << 44), 1 << 44, ~uint256(1), 1);
    }

    function test_round_nobody() public {
        play(0, 0, type(uint256).max, type(uint256).max);
    }

    function test_force_notTwice() public {
        Gathered memory list = commitments(round, range(0, 40));
        post(round, COMMITMENTS, gathererOf(round, 0), list);
        forceCommitments(list, range(42, 43));
        IGathering.Entry[] memory beside = besideOf(list, 42);
        vm.prank(keyOf(42));
        vm.expectRevert(abi.encodeWithSelector(IGathering.AlreadyForced.selector, 42));
        gathering.forceCommitment(round, bytes32("more"), beside);
        vm.assertEq(gathering.forcedRows(round, COMMITMENTS), enrolment.rowsOf(round, 42));
        vm.assertEq(gathering.forcedCommitment(round, 42), commitmentOf(round, 42));
    }

    /// @notice No neighbours leave out who is in the list.
    /// forge-config: default.fuzz.runs = 60
    function test_fuzz_force_notWhoIsIn(uint8 who, uint8 at, bool two) public {
        uint32[] memory nodes = some(0x155555555555, 0); // every second
        Gathered memory list = commitments(round, nodes);
        post(round, COMMITMENTS, gathererOf(round, 0), list);
        toStage(round, COMMITMENTS, IGathering.Stage.Force);
        uint32 node = nodes[who % nodes.length];
        uint256 first = at % (nodes.length - 1);
        IGathering.Entry[] memory beside = new IGathering.Entry[](two ? 2 : 1);
        beside[0] = entryOf(list, two ? first : (at % 2) * (nodes.length - 1));
        if (two) beside[1] = entryOf(list, first + 1);
        vm.prank(keyOf(node));
        vm.expectRevert(abi.encodeWithSelector(IGathering.NotLeftOut.selector, node));
        gathering.forceCommitment(round, bytes32("another"), beside);
    }

    /// @notice Neighbours that are none: a gap, the middle, too many.
    function test_force_neighbours() public {
        Gathered memory list = commitments(round, some(0x155555555555, 0));
        post(round, COMMITMENTS, gathererOf(round, 0), list);
        toStage(round, COMMITMENTS, IGathering.Stage.Force);
        IGathering.Entry[] memory beside = new IGathering.Entry[](2);
        (beside[0], beside[1]) = (entryOf(list, 2), entryOf(list, 4));
        leavesNobodyOut(beside);
        (beside[0], beside[1]) = (entryOf(list, 4), entryOf(list, 3));
        leavesNobodyOut(beside);
        beside = new IGathering.Entry[](1);
        beside[0] = entryOf(list, 3);
        leavesNobodyOut(beside);
        leavesNobodyOut(new IGathering.Entry[](0));
        leavesNobodyOut(new IGathering.Entry[](3));
    }

    function leavesNobodyOut(IGathering.Entry[] memory beside) internal {
        vm.prank(keyOf(7));
        vm.expectRevert(abi.encodeWithSelector(IGathering.NotLeftOut.selector, 7));
        gathering.forceCommitment(round, bytes32("mine"), beside);
    }

    function test_force_onlySeats() public {
        stated.seat(3, 0);
        toStage(round, COMMITMENTS, IGathering.Stage.Force);
        IGathering.Entry[] memory beside;
        vm.prank(keyOf(3));
        vm.expectRevert(abi.encodeWithSelector(IGathering.NotSeated.selector, keyOf(3)));
        gathering.forceCommitment(round, bytes32("mine"), beside);
        vm.prank(address(0xBEEF));
        vm.expectRevert(abi.encodeWithSelector(IGathering.NotSeated.selector, address(0xBEEF)));
        gathering.forceCommitment(round, bytes32("mine"), beside);
        vm.prank(keyOf(4));
        vm.expectRevert(abi.encodeWithSelector(IGathering.ZeroCommitment.selector, 4));
        gathering.forceCommitment(round, 0, beside);
    }

    function test_forceReveal_checked() public {
        Gathered memory list = commitments(round, range(0, 40));
        post(round, COMMITMENTS, gathererOf(round, 0), list);
        toStage(round, REVEALS, IGathering.Stage.Force);
        IGathering.Entry memory opened = entryOf(list, 5);
        IGathering.Reveal memory reveal = revealOf(5);
        IGathering.Entry[] memory beside;
        reveal.salt = 0;
        refused(5, reveal, opened, IGathering.CommitmentMismatch.selector);
        reveal = revealOf(5);
        refused(5, reveal, entryOf(list, 6), IGathering.NotConcerned.selector);
        refused(41, revealOf(41), opened, IGathering.NotConcerned.selector);
        reveal.update = hex"00";
        refused(5, reveal, opened, IGathering.UpdateLength.selector);
        reveal.update = updateOf(6);
        refused(5, reveal, opened, IGathering.Mismatch.selector);
        reveal.update = "";
        refused(5, reveal, opened, IGathering.CertificateTooLight.selector);
        reveal = revealOf(5);
        vm.prank(keyOf(5));
        gathering.forceReveal(round, reveal, opened, beside);
        refused(5, revealOf(5), opened, IGathering.AlreadyForced.selector);
        vm.assertTrue(gathering.hasForcedReveal(round, 5));
    }

    function refused(
        uint32 node,
        IGathering.Reveal memory reveal,
        IGathering.Entry memory opened,
        bytes4 selector
    ) internal {
        IGathering.Entry[] memory beside;
        vm.prank(keyOf(node));
        vm.expectPartialRevert(selector);
        gathering.forceReveal(round, reveal, opened, beside);
    }

    /// @notice Neither too early, nor with other forced reveals, nor with another end of the list.
    function test_seal_checked() public {
        Gathered memory commitment = commitments(round, range(0, NODES));
        post(round, COMMITMENTS, gathererOf(round, 0), commitment);
        toStage(round, REVEALS, IGathering.Stage.Gather);
        uint32[] memory nodes = range(0, NODES - 2);
        Gathered memory list = reveals(round, nodes, fromOf(commitment, nodes));
        post(round, REVEALS, gathererOf(round, 0), list);
        forceReveals(commitment, list, range(NODES - 2, NODES));
        IRoster.Forced[] memory added = forced;
        IRoster.Tail memory tail = tailOf(list, added);
        vm.expectRevert(abi.encodeWithSelector(IRoster.TooEarly.selector, round));
        roster.seal(round, added, tail);
        toStage(round, REVEALS, IGathering.Stage.Over);
        vm.expectPartialRevert(IGathering.Mismatch.selector);
        roster.seal(round, new IRoster.Forced[](0), tail);
        (added[0], added[1]) = (added[1], added[0]);
        vm.expectPartialRevert(IGathering.Mismatch.selector);
        roster.seal(round, added, tail);
        added = forced;
        tail.update = keccak256("another");
        vm.expectPartialRevert(IGathering.Mismatch.selector);
        roster.seal(round, added, tail);
        tail = tailOf(list, added);
        tail.chunk[0] ^= 0x01;
        vm.expectPartialRevert(IGathering.Mismatch.selector);
        roster.seal(round, added, tail);
        tail = tailOf(list, added);
        tail.crown[0] = 0;
        vm.expectPartialRevert(IGathering.Mismatch.selector);
        roster.seal(round, added, tail);
        roster.seal(round, added, tailOf(list, added));
    }
}
