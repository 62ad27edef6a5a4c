// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../src/interfaces/ICourt.sol";
import {IReferee} from "../src/interfaces/IReferee.sol";
import {Code} from "../src/lib/Code.sol";
import {Header} from "../src/lib/Header.sol";
import {Tree} from "../src/lib/Tree.sol";
import {Grove} from "./support/Grove.sol";
import {Openings} from "./support/Openings.sol";
import {Ops} from "./support/Ops.sol";
import {Play} from "./support/Play.sol";
import {Scroll} from "./support/Script.sol";
import {Lie, Side} from "./support/Trial.sol";

/// @notice Moves: whose they are, when they are due, and what they must show.
contract CourtMoveTest is Play {
    uint256 internal id;
    uint256 internal dispute;

    function setUp() public {
        deployTrial();
    }

    /// @notice A dispute about the sum of two tensors, of which the claim has one element wrong.
    function begin() internal returns (Side memory a, Side memory c, ICourt.Dispute memory r) {
        (Scroll memory scroll, uint64[][] memory inputs) = Ops.sums();
        register(scroll);
        a = run(ASSERTER, scroll, inputs, 1, Lie(0, 2, 1, 0, 4));
        c = run(CHALLENGER, scroll, inputs, 1, Lie(0, 0, 0, 0, 0));
        id = post(a);
        (dispute, r) = challenge(id, c);
    }

    function beginChain() internal returns (Side memory a, Side memory c, ICourt.Dispute memory r) {
        (Scroll memory scroll, uint64[][] memory inputs) = Ops.long(600);
        register(scroll);
        a = run(ASSERTER, scroll, inputs, 1, Lie(0, 2, 0, 40, 4));
        c = run(CHALLENGER, scroll, inputs, 1, Lie(0, 0, 0, 0, 0));
        id = post(a);
        (dispute, r) = challenge(id, c);
    }

    function mismatch() internal {
        vm.expectPartialRevert(ICourt.Mismatch.selector);
    }

    function wrongCount(uint256 expected, uint256 got) internal {
        vm.expectRevert(abi.encodeWithSelector(ICourt.OpeningCount.selector, expected, got));
    }

    /// @notice The record comes first, then the turn, the mover, the clock.
    function test_move_orderOfChecks() public {
        (Side memory a,, ICourt.Dispute memory r) = begin();
        bytes32[] memory children = childrenOf(a, r);
        bytes32 stored = court.recordHash(dispute);
        ICourt.Dispute memory other = abi.decode(abi.encode(r), (ICourt.Dispute));
        other.challengerBlocks += 1;
        mine(CLOCK + 1);
        bytes memory refusal = abi.encodeWithSelector(
            ICourt.NotTheRecord.selector, dispute, stored, keccak256(abi.encode(other))
        );
        vm.expectRevert(refusal);
        court.reveal(dispute, other, children);
        vm.expectRevert(refusal);
        court.nameChild(dispute, other, children, 0);
        vm.expectRevert(refusal);
        court.postTrace(dispute, other, 0, children);
        bytes memory wrong = abi.encodeWithSelector(
            ICourt.WrongMove.selector, ICourt.Stage.Outputs, ICourt.Turn.Children
        );
        vm.expectRevert(wrong);
        court.nameChild(dispute, r, children, 0);
        vm.expectRevert(wrong);
        court.postTrace(dispute, r, 0, children);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotYourTurn.selector, ASSERTER));
        court.reveal(dispute, r, children);
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotYourTurn.selector, ASSERTER));
        court.reveal(dispute, r, children);
        vm.prank(ASSERTER);
        vm.expectRevert(abi.encodeWithSelector(ICourt.ClockRanOut.selector, CLOCK, CLOCK + 1));
        court.reveal(dispute, r, children);
    }

    /// @notice A move made on a branch that was reorganised away is refused, as is an ended dispute's.
    function test_move_staleRecord() public {
        (Side memory a, Side memory c, ICourt.Dispute memory r) = begin();
        bytes32[] memory children = childrenOf(a, r);
        ICourt.Dispute memory later = move(dispute, r, a, c);
        bytes32 stored = court.recordHash(dispute);
        bytes32 stale = keccak256(abi.encode(r));
        vm.prank(ASSERTER);
        vm.expectRevert(
            abi.encodeWithSelector(ICourt.NotTheRecord.selector, dispute, stored, stale)
        );
        court.reveal(dispute, r, children);
        later = playOut(dispute, later, a, c);
        vm.expectRevert(
            abi.encodeWithSelector(
                ICourt.NotTheRecord.selector, dispute, 0, keccak256(abi.encode(later))
            )
        );
        court.timeout(dispute, later);
    }

    /// @notice Of every other turn, each move is refused.
    function test_move_everyWrongTurn() public {
        (Side memory a, Side memory c, ICourt.Dispute memory r) = begin();
        uint256 seen = 0;
        while (court.recordHash(dispute) != 0) {
            refuseOthers(r);
            seen |= 1 << uint256(r.turn);
            r = move(dispute, r, a, c);
        }
        vm.assertEq(seen, 31);
    }

    function refuseOthers(ICourt.Dispute memory r) internal {
        bytes32[] memory none;
        ICourt.Brief memory brief;
        ICourt.Opening[] memory shown;
        bytes memory wrong = abi.encodeWithSelector(ICourt.WrongMove.selector, r.stage, r.turn);
        bytes[8] memory calls = [
            abi.encodeCall(ICourt.postStates, (dispute, r, 0, none)),
            abi.encodeCall(ICourt.postTrace, (dispute, r, 0, none)),
            abi.encodeCall(ICourt.postChain, (dispute, r, brief, 0, shown)),
            abi.encodeCall(ICourt.reveal, (dispute, r, none)),
            abi.encodeCall(ICourt.revealChunk, (dispute, r, "")),
            abi.encodeCall(ICourt.nameOutput, (dispute, r, none, 0, "")),
            abi.encodeCall(ICourt.nameOp, (dispute, r, none, 0, new ICourt.OpOpening[](0))),
            abi.encodeCall(ICourt.nameElement, (dispute, r, "", 0, brief, shown))
        ];
        bool[8] memory due = [
            false,
            r.turn == ICourt.Turn.Root,
            false,
            r.turn == ICourt.Turn.Children,
            r.turn == ICourt.Turn.Chunk,
            r.turn == ICourt.Turn.Child && r.stage == ICourt.Stage.Outputs,
            r.turn == ICourt.Turn.Child && r.stage == ICourt.Stage.Trace,
            r.turn == ICourt.Turn.Element
        ];
        for (uint256 i = 0; i < 8; ++i) {
            if (due[i]) continue;
            (bool done, bytes memory why) = address(court).call(calls[i]);
            vm.assertFalse(done);
            vm.assertEq(why, wrong);
        }
    }

    function test_reveal_refuses() public {
        (Side memory a,, ICourt.Dispute memory r) = begin();
        vm.startPrank(ASSERTER);
        bytes32[] memory children = childrenOf(a, r);
        wrongCount(2, 3);
        court.reveal(dispute, r, Grove.append(children, 0));
        children[0] = "other";
        mismatch();
        court.reveal(dispute, r, children);
    }

    function test_nameOutput_refuses() public {
        (Side memory a, Side memory c, ICourt.Dispute memory r) = begin();
        r = playTo(ICourt.Stage.Outputs, ICourt.Turn.Child, dispute, r, a, c);
        bytes32[] memory children = childrenOf(a, r);
        vm.startPrank(CHALLENGER);
        vm.expectRevert(
            abi.encodeWithSelector(ICourt.WrongMove.selector, r.stage, ICourt.Turn.Child)
        );
        court.nameChild(dispute, r, children, 0);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NoSuchPlace.selector, 2, 2));
        court.nameOutput(dispute, r, children, 2, a.scroll.header);
        vm.expectPartialRevert(Header.NotTheHeader.selector);
        court.nameOutput(dispute, r, children, 0, "");
        wrongCount(2, 0);
        court.nameOutput(dispute, r, new bytes32[](0), 0, a.scroll.header);
        children[1] = "other";
        mismatch();
        court.nameOutput(dispute, r, children, 0, a.scroll.header);
    }

    function test_postTrace_refuses() public {
        (Side memory a, Side memory c, ICourt.Dispute memory r) = begin();
        r = playTo(ICourt.Stage.Trace, ICourt.Turn.Root, dispute, r, a, c);
        bytes32[] memory way = Grove.crownSiblings(a.roots[0], 2);
        bytes32 root = Grove.root(a.roots[0]);
        vm.startPrank(ASSERTER);
        mismatch();
        court.postTrace(dispute, r, "other", way);
        vm.expectRevert(abi.encodeWithSelector(Tree.SiblingCount.selector, 3, 2));
        court.postTrace(dispute, r, root, Grove.append(way, 0));
        way[0] = "other";
        mismatch();
        court.postTrace(dispute, r, root, way);
    }

    function test_nameOp_refuses() public {
        (Side memory a, Side memory c, ICourt.Dispute memory r) = begin();
        r = playTo(ICourt.Stage.Trace, ICourt.Turn.Child, dispute, r, a, c);
        bytes32[] memory children = childrenOf(a, r);
        ICourt.OpOpening[] memory op = opOpenings(a, 0, 2);
        vm.startPrank(CHALLENGER);
        wrongCount(1, 0);
        court.nameOp(dispute, r, children, 2, new ICourt.OpOpening[](0));
        wrongCount(3, 2);
        court.nameOp(dispute, r, children, 2, cut(op));
        mismatch(); // another op than the one named
        court.nameOp(dispute, r, children, 1, op);
        op[1].root = "other";
        mismatch();
        court.nameOp(dispute, r, children, 2, op);
        op = opOpenings(a, 0, 2);
        op[2].encoding = op[1].encoding;
        mismatch();
        court.nameOp(dispute, r, children, 2, op);
        op = opOpenings(a, 0, 1);
        wrongCount(2, 1);
        court.nameOp(dispute, r, children, 1, cut(op));
        op[1].root = "other";
        mismatch();
        court.nameOp(dispute, r, children, 1, op);
    }

    function cut(ICourt.OpOpening[] memory op)
        internal
        pure
        returns (ICourt.OpOpening[] memory shorter)
    {
        shorter = new ICourt.OpOpening[](op.length - 1);
        for (uint256 i = 0; i < shorter.length; ++i) {
            shorter[i] = op[i];
        }
    }

    function test_revealChunk_refuses() public {
        (Side memory a, Side memory c, ICourt.Dispute memory r) = begin();
        r = playTo(ICourt.Stage.Tensor, ICourt.Turn.Chunk, dispute, r, a, c);
        bytes memory chunk = Grove.chunk(walkedOf(a, r), dtypeOf(a, r), 0);
        vm.startPrank(ASSERTER);
        mismatch();
        court.revealChunk(dispute, r, new bytes(256));
        chunk[0] ^= 0x01;
        mismatch();
        court.revealChunk(dispute, r, chunk);
    }

    function test_nameElement_refuses() public {
        (Side memory a, Side memory c, ICourt.Dispute memory r) = begin();
        r = playTo(ICourt.Stage.Tensor, ICourt.Turn.Element, dispute, r, a, c);
        bytes memory chunk = Grove.chunk(walkedOf(a, r), dtypeOf(a, r), 0);
        ICourt.Brief memory brief = briefOf(a, r);
        ICourt.Opening[] memory shown = openingsOf(a, r, 1);
        vm.startPrank(CHALLENGER);
        wrongCount(0, 2); // after the last element nothing is needed
        court.nameElement(dispute, r, chunk, 3, brief, shown);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NoSuchPlace.selector, 32, 32));
        court.nameElement(dispute, r, chunk, 32, brief, shown);
        mismatch();
        court.nameElement(dispute, r, new bytes(128), 1, brief, shown);
        brief.roots[0] = brief.roots[1];
        mismatch();
        court.nameElement(dispute, r, chunk, 1, brief, shown);
        brief = briefOf(a, r);
        vm.expectRevert(abi.encodeWithSelector(IReferee.Openings.selector, 1, 0));
        court.nameElement(dispute, r, chunk, 1, brief, new ICourt.Opening[](0));
        shown[0].chunk[0] ^= 0x01;
        vm.expectPartialRevert(IReferee.NotUnder.selector);
        court.nameElement(dispute, r, chunk, 1, brief, shown);
    }

    function test_postChain_refuses() public {
        (Side memory a, Side memory c, ICourt.Dispute memory r) = beginChain();
        r = playTo(ICourt.Stage.Tensor, ICourt.Turn.Element, dispute, r, a, c);
        bytes memory chunk = Grove.chunk(walkedOf(a, r), dtypeOf(a, r), 0);
        ICourt.Brief memory brief = briefOf(a, r);
        ICourt.Opening[] memory one = new ICourt.Opening[](1);
        vm.prank(CHALLENGER);
        wrongCount(0, 1); // an element of a chain is named, not judged
        court.nameElement(dispute, r, chunk, 0, brief, one);
        r = move(dispute, r, a, c);
        vm.assertEq(uint256(r.stage), uint256(ICourt.Stage.Chain));
        uint64[] memory right = chainOf(c, r);
        bytes32 root = Grove.root(Grove.leaves(right, dtypeOf(a, r)));
        ICourt.Opening[] memory last = lastOf(c, r);
        vm.startPrank(ASSERTER);
        vm.expectRevert(
            abi.encodeWithSelector(ICourt.ChainEnd.selector, chainOf(a, r)[599], right[599])
        );
        court.postChain(dispute, r, brief, root, last);
        vm.expectPartialRevert(IReferee.NotUnder.selector);
        court.postChain(dispute, r, brief, "other", last);
        brief.op = "";
        mismatch();
        court.postChain(dispute, r, brief, root, last);
    }

    function lastOf(Side memory side, ICourt.Dispute memory r)
        internal
        view
        returns (ICourt.Opening[] memory)
    {
        return Openings.ending(Code.parse(side.scroll.ops[r.op]), chainOf(side, r));
    }

    // Clocks.

    /// @notice Whoever is silent, at whichever move, loses by the clock; not a block before, to anybody.
    function test_timeout_atEveryTurn() public {
        (Side memory a, Side memory c, ICourt.Dispute memory r) = beginChain();
        for (uint256 played = 0; court.recordHash(dispute) != 0; ++played) {
            bool asserters = r.turn < ICourt.Turn.Child;
            uint256 left = asserters ? r.asserterBlocks : r.challengerBlocks;
            vm.roll(r.since + left);
            vm.expectRevert(abi.encodeWithSelector(ICourt.ClockRuns.selector, left, left));
            court.timeout(dispute, r);
            this.silent(dispute, r, asserters);
            vm.roll(r.since + 1);
            r = move(dispute, r, a, c);
            vm.assertLe(r.moves, played + 2);
        }
    }

    /// @dev Lets the clock run out, looks, and takes all of it back by reverting.
    function silent(uint256 dispute_, ICourt.Dispute memory r, bool asserters) external {
        try this.runOut(dispute_, r) returns (bool) {
            vm.assertTrue(false, "never returns");
        } catch (bytes memory why) {
            ICourt.State state = asserters ? ICourt.State.Struck : ICourt.State.Open;
            vm.assertEq(why, abi.encode(state));
        }
    }

    function runOut(uint256 dispute_, ICourt.Dispute memory r) external returns (bool) {
        uint256 left = r.turn < ICourt.Turn.Child ? r.asserterBlocks : r.challengerBlocks;
        vm.roll(r.since + left + 1);
        vm.prank(address(0x57));
        court.timeout(dispute_, r);
        bytes memory state = abi.encode(court.claim(r.claim).state);
        assembly ("memory-safe") {
            revert(add(state, 32), mload(state))
        }
    }

    /// @notice Only the clock of the side to move runs, and what is used is gone.
    function test_clock_isAChessClock() public {
        (Side memory a, Side memory c, ICourt.Dispute memory r) = begin();
        mine(10);
        r = move(dispute, r, a, c);
        vm.assertEq(r.asserterBlocks, CLOCK - 10);
        vm.assertEq(r.challengerBlocks, CLOCK);
        mine(7);
        r = move(dispute, r, a, c);
        vm.assertEq(r.asserterBlocks, CLOCK - 10);
        vm.assertEq(r.challengerBlocks, CLOCK - 7);
        mine(CLOCK - 10); // all that is left
        r = move(dispute, r, a, c);
        vm.assertEq(r.asserterBlocks, 0);
        r = move(dispute, r, a, c);
        vm.assertEq(uint256(r.turn), uint256(ICourt.Turn.Chunk));
        mine(1);
        court.timeout(dispute, r);
        vm.assertEq(uint256(court.claim(id).state), uint256(ICourt.State.Struck));
    }
}
