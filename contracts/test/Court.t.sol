// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Court} from "../src/Court.sol";
import {Referee} from "../src/Referee.sol";
import {ICourt} from "../src/interfaces/ICourt.sol";
import {Header} from "../src/lib/Header.sol";
import {Ops} from "./support/Ops.sol";
import {Play} from "./support/Play.sol";
import {Scroll} from "./support/Script.sol";

/// @notice Claims from their posting to their end.
contract CourtClaimTest is Play {
    Scroll internal scroll;

    function setUp() public {
        deployTrial();
        (Scroll memory sums,) = Ops.sums();
        register(sums);
        (scroll.hash, scroll.header) = (sums.hash, sums.header);
    }

    function claimOver(uint256[] memory parents) internal returns (uint256) {
        return court.post(scroll.hash, "inputs", "outputs", ASSERTER, 1, parents);
    }

    function alone() internal returns (uint256) {
        return claimOver(new uint256[](0));
    }

    function over(uint256 parent) internal returns (uint256) {
        uint256[] memory parents = new uint256[](1);
        parents[0] = parent;
        return claimOver(parents);
    }

    function dispute(uint256 id, address who)
        internal
        returns (uint256 started, ICourt.Dispute memory record)
    {
        vm.recordLogs();
        vm.prank(who);
        started = court.challenge(id, "others", scroll.header);
        record = lastRecord();
    }

    /// @notice Lets the asserter's clock run out.
    function fell(uint256 id) internal {
        (uint256 started, ICourt.Dispute memory record) = dispute(id, CHALLENGER);
        mine(CLOCK + 1);
        court.timeout(started, record);
    }

    function refused(uint256 id, ICourt.State state) internal {
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotOpen.selector, id, state));
    }

    function test_post_takesTheBond() public {
        vm.assertEq(alone(), 1);
        ICourt.Claim memory claim = court.claim(1);
        vm.assertEq(claim.program, scroll.hash);
        vm.assertEq(claim.asserter, ASSERTER);
        vm.assertEq(claim.consumer, address(this));
        vm.assertEq(claim.inputsRoot, "inputs");
        vm.assertEq(claim.outputsRoot, "outputs");
        vm.assertEq(claim.bond, BOND);
        vm.assertEq(claim.deadline, block.number + WINDOW);
        vm.assertEq(claim.iterations, 1);
        vm.assertEq(uint256(claim.state), uint256(ICourt.State.Open));
        vm.assertEq(token.balanceOf(address(court)), BOND);
        vm.assertEq(token.balanceOf(ASSERTER), PURSE - BOND);
    }

    function test_post_refuses() public {
        uint256[] memory none = new uint256[](0);
        vm.prank(CHALLENGER);
        vm.expectRevert(ICourt.OnlyConsumer.selector);
        court.post(scroll.hash, 0, 0, ASSERTER, 1, none);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotRegistered.selector, bytes32("other")));
        court.post("other", 0, 0, ASSERTER, 1, none);
        vm.expectRevert(abi.encodeWithSelector(ICourt.BadIterations.selector, 0));
        court.post(scroll.hash, 0, 0, ASSERTER, 0, none);
    }

    /// @notice Nobody claims about a Program that can still be struck.
    function test_post_waitsForTheProgram() public {
        (Scroll memory other,) = Ops.positions();
        programs.register(other.hash, "");
        mine(WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotRegistered.selector, other.hash));
        court.post(other.hash, 0, 0, ASSERTER, 1, new uint256[](0));
        mine(1);
        court.post(other.hash, 0, 0, ASSERTER, 1, new uint256[](0));
    }

    function test_constructor_bondFloor() public {
        Court.Terms memory terms = termsOf();
        terms.bond = court.bondFloor();
        new Court(token, programs, court.referee(), terms, consumers());
        terms.bond -= 1;
        bytes memory refusal =
            abi.encodeWithSelector(ICourt.BondTooSmall.selector, terms.bond, court.bondFloor());
        Referee referee = Referee(address(court.referee()));
        vm.expectRevert(refusal);
        new Court(token, programs, referee, terms, new address[](0));
    }

    function test_finalise_afterTheWindow() public {
        uint256 id = alone();
        mine(WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ICourt.WindowOpen.selector, id, block.number));
        court.finalise(id);
        mine(1);
        court.finalise(id);
        vm.assertEq(token.balanceOf(ASSERTER), PURSE);
        vm.assertEq(token.balanceOf(address(court)), 0);
        refused(id, ICourt.State.Final);
        court.finalise(id);
        refused(id, ICourt.State.Final);
        court.challenge(id, "others", scroll.header);
    }

    function test_unknown() public {
        bytes memory refusal = abi.encodeWithSelector(ICourt.UnknownClaim.selector, 7);
        vm.expectRevert(refusal);
        court.claim(7);
        vm.expectRevert(refusal);
        court.finalise(7);
        vm.expectRevert(refusal);
        court.challenge(7, 0, "");
        vm.expectRevert(refusal);
        court.void(7, 1);
    }

    function test_challenge_refuses() public {
        uint256 id = alone();
        vm.prank(ASSERTER);
        vm.expectRevert(abi.encodeWithSelector(ICourt.OwnClaim.selector, id));
        court.challenge(id, "others", scroll.header);
        vm.startPrank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(ICourt.SameOutputs.selector, id));
        court.challenge(id, "outputs", scroll.header);
        bytes memory other = bytes.concat(scroll.header, hex"00");
        vm.expectRevert(
            abi.encodeWithSelector(Header.NotTheHeader.selector, scroll.hash, Header.hash(other))
        );
        court.challenge(id, "others", other);
        mine(WINDOW);
        court.challenge(id, "others", scroll.header);
        mine(1);
        vm.expectRevert(abi.encodeWithSelector(ICourt.WindowClosed.selector, id, block.number - 1));
        court.challenge(id, "others", scroll.header);
    }

    function test_challenge_states() public {
        uint256 id = alone();
        (uint256 first, ICourt.Dispute memory record) = dispute(id, CHALLENGER);
        vm.assertEq(first, 1);
        vm.assertEq(record.claim, id);
        vm.assertEq(record.challenger, CHALLENGER);
        vm.assertEq(record.challengerRoot, "others");
        vm.assertEq(record.node, "outputs");
        vm.assertEq(record.before, "inputs");
        vm.assertEq(record.outline.opCount, 3);
        vm.assertEq(record.outline.outputCount, 2);
        vm.assertEq(record.outline.inputCount, 2);
        vm.assertEq(record.leaves, 2);
        vm.assertEq(record.moves, 1);
        vm.assertEq(record.asserterBlocks, CLOCK);
        vm.assertEq(record.challengerBlocks, CLOCK);
        vm.assertEq(court.recordHash(first), keccak256(abi.encode(record)));
        vm.assertEq(court.disputeCount(), 1);
        (uint256 second,) = dispute(id, SECOND);
        vm.assertEq(second, 2);
        vm.assertEq(court.claim(id).disputes, 2);
        vm.assertEq(token.balanceOf(address(court)), 3 * BOND);
        mine(WINDOW + 1);
        refused(id, ICourt.State.Disputed);
        court.finalise(id);
    }

    // Parents.

    function test_parents_finalInOrder() public {
        uint256 parent = alone();
        uint256 child = over(parent);
        vm.assertEq(court.claim(child).depth, 1);
        vm.assertEq(court.parentsOf(child)[0], parent);
        mine(WINDOW + 1);
        vm.expectRevert(abi.encodeWithSelector(ICourt.ParentOpen.selector, parent));
        court.finalise(child);
        court.finalise(parent);
        court.finalise(child);
    }

    function test_parents_eightDeep() public {
        uint256 id = alone();
        for (uint256 depth = 1; depth <= 8; ++depth) {
            id = over(id);
            vm.assertEq(court.claim(id).depth, depth);
        }
        vm.expectRevert(abi.encodeWithSelector(ICourt.BadParent.selector, id));
        over(id);
        mine(WINDOW + 1);
        for (uint256 i = 1; i <= id; ++i) {
            court.finalise(i);
        }
        vm.assertEq(court.claim(over(id)).depth, 0); // what is final does not count
    }

    function test_parents_refuses() public {
        vm.expectRevert(abi.encodeWithSelector(ICourt.BadParent.selector, 1));
        over(1);
        uint256 id = alone();
        uint256[] memory nine = new uint256[](9);
        for (uint256 i = 0; i < 9; ++i) {
            nine[i] = id;
        }
        vm.expectRevert(abi.encodeWithSelector(ICourt.BadParent.selector, 9));
        claimOver(nine);
        fell(id);
        vm.expectRevert(abi.encodeWithSelector(ICourt.BadParent.selector, id));
        over(id);
    }

    /// @notice A parent falls: the child is void, its dispute closes, every bond goes back.
    function test_void_byParent() public {
        uint256 parent = alone();
        uint256 child = over(parent);
        uint256 grandchild = over(child);
        (uint256 started, ICourt.Dispute memory record) = dispute(child, SECOND);
        vm.expectRevert(abi.encodeWithSelector(ICourt.ParentStands.selector, parent));
        court.void(child, parent);
        vm.expectRevert(abi.encodeWithSelector(ICourt.ParentStands.selector, grandchild));
        court.void(child, grandchild);
        refused(child, ICourt.State.Disputed);
        court.close(started, record);
        fell(parent);
        court.void(child, parent);
        vm.assertEq(uint256(court.claim(child).state), uint256(ICourt.State.Void));
        (address challenger, bytes32 root, uint64 since) = court.fallOf(child);
        vm.assertEq(challenger, address(0));
        vm.assertEq(root, bytes32(0));
        vm.assertEq(since, block.number);
        refused(child, ICourt.State.Void);
        court.void(child, parent);
        refused(child, ICourt.State.Void);
        court.timeout(started, record);
        court.close(started, record);
        vm.assertEq(token.balanceOf(SECOND), PURSE);
        court.void(grandchild, child);
        vm.assertEq(token.balanceOf(ASSERTER), PURSE - BOND); // the parent's alone
        vm.assertEq(token.balanceOf(address(court)), 0);
    }
}
