// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IGathering} from "../src/interfaces/IGathering.sol";
import {Entries} from "../src/lib/Entries.sol";
import {GatherDesk, Gathered} from "./support/GatherDesk.sol";
import {Grove} from "./support/Grove.sol";

/// @notice Each way of lying about a list falls by one call.
contract GatheringStrikeTest is GatherDesk {
    uint32 internal constant NODES = 40;
    address internal constant STRIKER = address(0x57121CE);

    uint64 internal round;
    Gathered internal taken_;

    function setUp() public {
        deployGathering(NODES);
        stated.seat(3, 5);
        stated.seat(7, 0);
        round = openRound();
        gathering.draw();
    }

    /// @notice All with a seat, which node 7 has not.
    function seated() internal pure returns (uint32[] memory nodes) {
        nodes = new uint32[](NODES - 1);
        for (uint32 i = 0; i < NODES - 1; ++i) {
            nodes[i] = i < 7 ? i : i + 1;
        }
    }

    function ofCommitments() internal returns (Gathered memory list) {
        list = commitments(round, seated());
    }

    function posted(Gathered memory list) internal {
        post(round, COMMITMENTS, gathererOf(round, 0), list);
    }

    /// @notice A liar's list and an honest one after it: the liar's falls, the other is taken.
    function falls(Gathered memory lie, uint256 index) internal {
        posted(lie);
        strikesEntry(lie, index);
    }

    function strikesEntry(Gathered memory lie, uint256 index) internal {
        IGathering.Entry memory entry = entryOf(lie, index);
        uint256 supply = token.totalSupply();
        vm.prank(STRIKER);
        gathering.strikeEntry(round, COMMITMENTS, 0, entry);
        struck(COMMITMENTS, supply);
    }

    function struck(IGathering.Kind kind, uint256 supply) internal {
        (bool found,) = gathering.taken(round, kind);
        vm.assertTrue(!found, "nothing stands");
        vm.assertEq(token.balanceOf(STRIKER), BOUNTY, "the bounty");
        vm.assertEq(token.totalSupply(), supply - BOND + BOUNTY, "the rest is burnt");
        vm.assertEq(token.balanceOf(address(gathering)), 0, "nothing is kept");
        vm.expectRevert(abi.encodeWithSelector(IGathering.NothingToRelease.selector, 0));
        this.releaseLater(kind);
    }

    function releaseLater(IGathering.Kind kind) external {
        toStage(round, kind, IGathering.Stage.Force);
        gathering.release(round, kind, 0);
    }

    function test_entry_seatless() public {
        falls(commitments(round, range(0, NODES)), 7);
    }

    function test_entry_unregistered() public {
        Gathered memory lie = ofCommitments();
        lie.words[38][0] = place(NODES + 5, 42, 0);
        falls(lie, 38);
    }

    /// @notice Of another node, of another commitment, of another round, with bits changed.
    function test_entry_signature() public {
        Gathered memory lie = ofCommitments();
        (lie.words[4][2], lie.words[4][3]) = (lie.words[5][2], lie.words[5][3]);
        falls(lie, 4);
    }

    function test_entry_signatureOfAnotherRound() public {
        Gathered memory lie = ofCommitments();
        bytes32 old = gathering.commitmentDigest(round - 1, 4, lie.words[4][1]);
        (lie.words[4][2], lie.words[4][3]) = signedBy(4, old);
        falls(lie, 4);
    }

    /// forge-config: default.fuzz.runs = 40
    function test_fuzz_entry_signatureBits(uint8 word, uint8 bit) public {
        Gathered memory lie = ofCommitments();
        lie.words[9][1 + word % 3] ^= bytes32(uint256(1) << bit);
        falls(lie, 9);
    }

    function test_entry_zeroCommitment() public {
        Gathered memory lie = ofCommitments();
        bytes32 digest = gathering.commitmentDigest(round, 2, 0);
        lie.words[2][1] = 0;
        (lie.words[2][2], lie.words[2][3]) = signedBy(2, digest);
        falls(lie, 2);
    }

    /// forge-config: default.fuzz.runs = 40
    function test_fuzz_entry_strayBits(uint8 bit) public {
        Gathered memory lie = ofCommitments();
        lie.words[6][0] |= bytes32(uint256(1) << (64 + uint256(bit) % 192));
        falls(lie, 6);
    }

    function test_entry_firstRow() public {
        Gathered memory lie = ofCommitments();
        for (uint256 i = 0; i < lie.words.length; ++i) {
            lie.words[i][0] = bytes32(uint256(lie.words[i][0]) + (1 << 32));
        }
        falls(lie, 0);
    }

    /// @notice More rows than there are would be taken before lists that are right.
    function test_entry_lastRow() public {
        Gathered memory list = ofCommitments();
        IGathering.Draft memory draft = draftOf(round, list);
        ++draft.rows;
        bytes32 digest = gathering.listDigest(round, COMMITMENTS, draft);
        bytes memory signatures = certificate(round, digest, 0);
        vm.prank(keyOf(gathererOf(round, 0)));
        gathering.post(round, COMMITMENTS, draft, signatures);
        strikesEntry(list, NODES - 2);
    }

    function strikesOrder(Gathered memory lie, uint256 index) internal {
        posted(lie);
        IGathering.Entry memory entry = entryOf(lie, index);
        IGathering.Entry memory next = entryOf(lie, index + 1);
        uint256 supply = token.totalSupply();
        vm.expectRevert(abi.encodeWithSelector(IGathering.NotConcerned.selector, index));
        gathering.strikeOrder(round, COMMITMENTS, 0, next, entry);
        vm.prank(STRIKER);
        gathering.strikeOrder(round, COMMITMENTS, 0, entry, next);
        struck(COMMITMENTS, supply);
    }

    function test_order_descending() public {
        Gathered memory lie = ofCommitments();
        (lie.words[10], lie.words[11]) = (lie.words[11], lie.words[10]);
        (lie.words[10][0], lie.words[11][0]) = (place(12, 14, 0), place(11, 15, 0));
        strikesOrder(lie, 10);
    }

    function test_order_twice() public {
        Gathered memory lie = ofCommitments();
        lie.words[11] = lie.words[10];
        lie.words[11][0] = place(11, 15, 0);
        strikesOrder(lie, 10);
    }

    /// @notice Node 3 has five rows.
    function test_order_rows() public {
        Gathered memory lie = ofCommitments();
        for (uint256 i = 4; i < lie.words.length; ++i) {
            lie.words[i][0] = bytes32(uint256(lie.words[i][0]) - (4 << 32));
        }
        strikesOrder(lie, 3);
    }

    // Reveals.

    function ofReveals() internal returns (Gathered memory list) {
        Gathered memory commitment = ofCommitments();
        taken_ = commitment;
        posted(commitment);
        toStage(round, REVEALS, IGathering.Stage.Gather);
        gathering.release(round, COMMITMENTS, 0);
        return reveals(round, seated(), fromOf(commitment, seated()));
    }

    function postReveals(Gathered memory list) internal {
        post(round, REVEALS, gathererOf(round, 0), list);
    }

    function test_reveals_hold() public {
        Gathered memory list = ofReveals();
        postReveals(list);
        for (uint256 i = 0; i < list.words.length; i += 5) {
            entryHolds(list, i);
        }
    }

    function entryHolds(Gathered memory list, uint256 index) internal {
        bytes memory holds = abi.encodeWithSelector(IGathering.Holds.selector, 0);
        IGathering.Entry memory entry = entryOf(list, index);
        IGathering.Entry memory opened = entryOf(taken_, index);
        vm.expectRevert(holds);
        gathering.strikeEntry(round, REVEALS, 0, entry);
        vm.expectRevert(holds);
        gathering.strikeCommitment(round, 0, entry, opened);
        uint256 row = uint32(uint256(entry.words[0]) >> 32);
        bytes32[] memory way = Grove.siblings(list.inputs, 4 + row);
        vm.expectRevert(holds);
        gathering.strikeRow(round, 0, entry, row, entry.words[1], way);
        showMember(list, entry, row, holds);
        showMember(list, entry, 63, holds);
        uint256 other = row == 0 ? 9 : 0;
        bytes memory not = abi.encodeWithSelector(IGathering.NotConcerned.selector, other);
        showMember(list, entry, other, not);
    }

    function showMember(
        Gathered memory list,
        IGathering.Entry memory entry,
        uint256 row,
        bytes memory refusal
    ) internal {
        bytes memory chunk = chunkOf(list.members, row / 32);
        bytes32[] memory way = Grove.siblings(chunksOf(list.members), row / 32);
        vm.expectRevert(refusal);
        gathering.strikeMember(round, 0, entry, row, chunk, way);
    }

    function strikesCommitment(Gathered memory lie, uint256 index, uint256 from) internal {
        postReveals(lie);
        IGathering.Entry memory entry = entryOf(lie, index);
        IGathering.Entry memory opened = entryOf(taken_, from);
        uint256 supply = token.totalSupply();
        vm.prank(STRIKER);
        gathering.strikeCommitment(round, 0, entry, opened);
        struck(REVEALS, supply);
    }

    function relaid(Gathered memory lie, uint256 index, uint256 word, bytes32 value)
        internal
        view
        returns (Gathered memory)
    {
        lie.words[index][word] = value;
        fill(round, lie, lie.inputs.length - 4);
        return lie;
    }

    function test_commitment_otherUpdate() public {
        Gathered memory lie = ofReveals();
        strikesCommitment(relaid(lie, 8, 1, keccak256("another")), 8, 8);
    }

    function test_commitment_otherSalt() public {
        Gathered memory lie = ofReveals();
        strikesCommitment(relaid(lie, 8, 2, keccak256("another")), 8, 8);
    }

    function test_commitment_ofAnotherNode() public {
        Gathered memory lie = ofReveals();
        lie.words[8][0] = place(9, 12, 9);
        strikesCommitment(lie, 8, 9);
    }

    function test_commitment_notThere() public {
        Gathered memory lie = ofReveals();
        lie.words[8][0] = place(9, 12, NODES);
        strikesCommitment(lie, 8, 0);
    }

    function test_commitment_notForced() public {
        Gathered memory lie = ofReveals();
        lie.words[8][0] = place(9, 12, Entries.FORCED);
        strikesCommitment(lie, 8, 0);
    }

    function test_commitment_anotherShown() public {
        Gathered memory list = ofReveals();
        postReveals(list);
        IGathering.Entry memory entry = entryOf(list, 8);
        IGathering.Entry memory other = entryOf(taken_, 9);
        vm.expectRevert(abi.encodeWithSelector(IGathering.NotConcerned.selector, 9));
        gathering.strikeCommitment(round, 0, entry, other);
    }

    /// @notice Node 3 has rows 3 to 7.
    /// forge-config: default.fuzz.runs = 40
    function test_fuzz_row(uint8 which) public {
        uint256 row = 3 + which % 5;
        Gathered memory lie = ofReveals();
        lie.inputs[4 + row] = keccak256("another");
        postReveals(lie);
        IGathering.Entry memory entry = entryOf(lie, 3);
        bytes32[] memory way = Grove.siblings(lie.inputs, 4 + row);
        uint256 supply = token.totalSupply();
        vm.expectPartialRevert(IGathering.Mismatch.selector);
        gathering.strikeRow(round, 0, entry, row, entry.words[1], way);
        vm.prank(STRIKER);
        gathering.strikeRow(round, 0, entry, row, lie.inputs[4 + row], way);
        struck(REVEALS, supply);
    }

    /// @notice Rows of the second chunk, and what should be zero after them.
    /// forge-config: default.fuzz.runs = 40
    function test_fuzz_member(uint8 which) public {
        uint256 row = 32 + which % 32;
        Gathered memory lie = ofReveals();
        uint256 rows = lie.inputs.length - 4;
        writeMember(lie, row, 77);
        lie.inputs[3] = Grove.root(chunksOf(lie.members));
        postReveals(lie);
        // Rows follow nodes: four more for node 3, none for node 7.
        IGathering.Entry memory entry = entryOf(lie, row < rows ? row - 4 : 0);
        bytes memory chunk = chunkOf(lie.members, 1);
        bytes32[] memory way = Grove.siblings(chunksOf(lie.members), 1);
        uint256 supply = token.totalSupply();
        vm.prank(STRIKER);
        gathering.strikeMember(round, 0, entry, row, chunk, way);
        struck(REVEALS, supply);
    }

    function test_strike_onlyInTime() public {
        Gathered memory lie = ofCommitments();
        lie.words[4][2] = 0;
        posted(lie);
        toStage(round, COMMITMENTS, IGathering.Stage.Force);
        vm.expectRevert(
            abi.encodeWithSelector(
                IGathering.WrongStage.selector, IGathering.Stage.Strike, IGathering.Stage.Force
            )
        );
        gathering.strikeEntry(round, COMMITMENTS, 0, entryOf(lie, 4));
    }

    /// @notice The next list is taken, at once.
    function test_strike_onceAndNextIsTaken() public {
        Gathered memory list = commitments(round, range(0, 7));
        Gathered memory lie = ofCommitments();
        lie.words[4][2] = 0;
        posted(lie);
        uint32 other = gathererOf(round, 0);
        for (uint256 i = 0; other == gathererOf(round, 0); ++i) {
            other = gathererOf(round, i);
        }
        post(round, COMMITMENTS, other, list);
        gathering.strikeEntry(round, COMMITMENTS, 0, entryOf(lie, 4));
        (bool found, uint256 id) = gathering.taken(round, COMMITMENTS);
        vm.assertTrue(found);
        vm.assertEq(id, 1);
        vm.expectRevert(abi.encodeWithSelector(IGathering.AlreadyStruck.selector, 0));
        gathering.strikeEntry(round, COMMITMENTS, 0, entryOf(lie, 4));
        vm.expectRevert(abi.encodeWithSelector(IGathering.UnknownList.selector, 2));
        gathering.strikeEntry(round, COMMITMENTS, 2, entryOf(lie, 4));
    }
}
