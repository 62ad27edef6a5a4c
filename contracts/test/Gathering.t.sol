// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Gathering} from "../src/Gathering.sol";
import {IGathering} from "../src/interfaces/IGathering.sol";
import {GatherDesk, Gathered} from "./support/GatherDesk.sol";

/// @notice Who may post what, and which list is taken; strikes are in GatheringStrike, those left
///         out in Roster.
contract GatheringTest is GatherDesk {
    uint32 internal constant NODES = 20;

    uint64 internal round;

    function setUp() public {
        deployGathering(NODES);
        round = openRound();
        gathering.draw();
    }

    function test_draw_once() public {
        uint32[24] memory holders = gathering.holdersOf(round);
        for (uint256 i = 1; i < 24; ++i) {
            vm.assertLe(holders[i - 1], holders[i]);
            vm.assertLe(holders[i], NODES - 1);
        }
        mine(5);
        gathering.draw();
        vm.assertEq(
            keccak256(abi.encode(gathering.holdersOf(round))), keccak256(abi.encode(holders))
        );
    }

    function test_draw_notInTheOpeningBlock() public {
        stated.open();
        gathering.draw();
        vm.expectRevert(abi.encodeWithSelector(IGathering.NotDrawn.selector, round + 1));
        gathering.stageOf(round + 1, COMMITMENTS);
        mine(1);
        gathering.draw();
        vm.assertTrue(gathering.stageOf(round + 1, COMMITMENTS) == IGathering.Stage.Gather);
    }

    /// @notice The stages follow each other, block by block, without a gap.
    function test_stages_inOrder() public {
        (, uint64 openBlock) = enrolment.opened();
        uint64[6] memory lengths = [COMMIT, STRIKE, FORCE, REVEAL, STRIKE, FORCE];
        uint64 at = openBlock;
        for (uint8 i = 0; i < 6; ++i) {
            IGathering.Kind kind = i < 3 ? COMMITMENTS : REVEALS;
            IGathering.Stage stage = IGathering.Stage(1 + (i % 3));
            vm.roll(at + 1);
            vm.assertTrue(gathering.stageOf(round, kind) == stage);
            at += lengths[i];
            vm.roll(at);
            vm.assertTrue(gathering.stageOf(round, kind) == stage);
            vm.assertEq(gathering.lastBlock(openBlock, kind, stage), at);
            if (i < 3) {
                bool early = gathering.stageOf(round, REVEALS) == IGathering.Stage.Early;
                vm.assertTrue(early);
            } else {
                bool over = gathering.stageOf(round, COMMITMENTS) == IGathering.Stage.Over;
                vm.assertTrue(over);
            }
        }
        vm.roll(at + 1);
        vm.assertTrue(gathering.stageOf(round, REVEALS) == IGathering.Stage.Over);
    }

    function test_post_holdsBond() public {
        uint32 node = gathererOf(round, 0);
        uint256 before = token.balanceOf(keyOf(node));
        post(round, COMMITMENTS, node, commitments(round, range(0, NODES)));
        vm.assertEq(token.balanceOf(address(gathering)), BOND);
        toStage(round, COMMITMENTS, IGathering.Stage.Strike);
        vm.expectRevert(
            abi.encodeWithSelector(
                IGathering.WrongStage.selector, IGathering.Stage.Force, IGathering.Stage.Strike
            )
        );
        gathering.release(round, COMMITMENTS, 0);
        toStage(round, COMMITMENTS, IGathering.Stage.Force);
        gathering.release(round, COMMITMENTS, 0);
        vm.assertEq(token.balanceOf(keyOf(node)), before);
        vm.expectRevert(abi.encodeWithSelector(IGathering.NothingToRelease.selector, 0));
        gathering.release(round, COMMITMENTS, 0);
    }

    function test_post_onlyGatherersOnce() public {
        Gathered memory list = commitments(round, range(0, NODES));
        uint32[24] memory holders = gathering.holdersOf(round);
        for (uint32 node = 0; node < NODES; ++node) {
            bool drawn = false;
            for (uint256 i = 0; i < 24; i += 3) {
                if (holders[i] == node) drawn = true;
            }
            if (!drawn) refused(node, list, IGathering.NotGatherer.selector);
        }
        uint32 first = gathererOf(round, 0);
        post(round, COMMITMENTS, first, list);
        refused(first, list, IGathering.AlreadyPosted.selector);
        IGathering.Draft memory draft = draftOf(round, list);
        vm.prank(address(0xBEEF));
        vm.expectPartialRevert(IGathering.NotGatherer.selector);
        gathering.post(round, COMMITMENTS, draft, "");
    }

    function refused(uint32 node, Gathered memory list, bytes4 selector) internal {
        IGathering.Draft memory draft = draftOf(round, list);
        bytes32 digest = gathering.listDigest(round, COMMITMENTS, draft);
        bytes memory signatures = certificate(round, digest, 0);
        vm.prank(keyOf(node));
        vm.expectPartialRevert(selector);
        gathering.post(round, COMMITMENTS, draft, signatures);
    }

    function test_post_counts() public {
        Gathered memory list = commitments(round, range(0, NODES));
        IGathering.Draft memory draft = draftOf(round, list);
        draft.rows = NODES - 1;
        uint32 node = gathererOf(round, 0);
        vm.prank(keyOf(node));
        vm.expectRevert(abi.encodeWithSelector(IGathering.BadCount.selector, NODES, NODES - 1));
        gathering.post(round, COMMITMENTS, draft, "");
        (draft.entries, draft.rows) = (0, 0);
        vm.prank(keyOf(node));
        vm.expectRevert(abi.encodeWithSelector(IGathering.BadCount.selector, 0, 0));
        gathering.post(round, COMMITMENTS, draft, "");
    }

    /// @notice Certificates that are short, too light, of strangers, twice or in another order.
    function test_post_certificate() public {
        IGathering.Draft memory draft = draftOf(round, commitments(round, range(0, NODES)));
        bytes32 digest = gathering.listDigest(round, COMMITMENTS, draft);
        bytes memory whole = certificate(round, digest, 0);
        bytes memory last = tail(whole, whole.length - 64);
        bad(draft, bytes.concat(whole, hex"00"), IGathering.BadCertificate.selector);
        bad(draft, head(whole, whole.length - 64), IGathering.CertificateTooLight.selector);
        bad(draft, "", IGathering.CertificateTooLight.selector);
        bad(draft, bytes.concat(whole, last), IGathering.BadCertificate.selector);
        bad(draft, bytes.concat(last, whole), IGathering.BadCertificate.selector);
        bad(draft, certificate(round, "other", 0), IGathering.BadCertificate.selector);
        (bytes32 r, bytes32 vs) = signedBy(NODES + 1, digest);
        bad(draft, bytes.concat(r, vs, whole), IGathering.BadCertificate.selector);
        vm.prank(keyOf(gathererOf(round, 0)));
        gathering.post(round, COMMITMENTS, draft, whole);
    }

    function bad(IGathering.Draft memory draft, bytes memory signatures, bytes4 selector) internal {
        vm.prank(keyOf(gathererOf(round, 0)));
        vm.expectPartialRevert(selector);
        gathering.post(round, COMMITMENTS, draft, signatures);
    }

    function head(bytes memory data, uint256 length) internal pure returns (bytes memory cut) {
        cut = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            cut[i] = data[i];
        }
    }

    function tail(bytes memory data, uint256 from) internal pure returns (bytes memory cut) {
        cut = new bytes(data.length - from);
        for (uint256 i = 0; i < cut.length; ++i) {
            cut[i] = data[from + i];
        }
    }

    function test_post_outsideItsStage() public {
        Gathered memory list = commitments(round, range(0, NODES));
        toStage(round, COMMITMENTS, IGathering.Stage.Strike);
        refused(gathererOf(round, 0), list, IGathering.WrongStage.selector);
        toStage(round, COMMITMENTS, IGathering.Stage.Force);
        refused(gathererOf(round, 0), list, IGathering.WrongStage.selector);
        IGathering.Draft memory draft = draftOf(round, list);
        vm.prank(keyOf(gathererOf(round, 0)));
        vm.expectRevert(
            abi.encodeWithSelector(
                IGathering.WrongStage.selector, IGathering.Stage.Gather, IGathering.Stage.Early
            )
        );
        gathering.post(round, REVEALS, draft, "");
    }

    /// @notice Of lists that stand the longest is taken, the first of several.
    function test_taken_mostRows() public {
        (bool found,) = gathering.taken(round, COMMITMENTS);
        vm.assertFalse(found);
        uint32[4] memory sizes = [uint32(5), 12, NODES, NODES];
        uint256[4] memory expected = [uint256(0), 1, 2, 2];
        uint256 posted = 0;
        uint32 last = type(uint32).max;
        for (uint256 i = 0; i < 8 && posted < 4; ++i) {
            uint32 node = gathererOf(round, i);
            if (node == last) continue;
            last = node;
            post(round, COMMITMENTS, node, commitments(round, range(0, sizes[posted])));
            (, uint256 id) = gathering.taken(round, COMMITMENTS);
            vm.assertEq(id, expected[posted++]);
        }
        vm.assertEq(posted, 4);
        vm.assertEq(gathering.listCount(round, COMMITMENTS), 4);
        vm.expectRevert(abi.encodeWithSelector(IGathering.UnknownList.selector, 4));
        gathering.listAt(round, COMMITMENTS, 4);
    }

    /// @notice Nothing that holds can be struck, whatever is shown of it.
    /// forge-config: default.fuzz.runs = 60
    function test_fuzz_strike_holds(uint256 seed) public {
        uint32[] memory nodes = range(0, 1 + uint32(seed % NODES));
        Gathered memory list = commitments(round, nodes);
        post(round, COMMITMENTS, gathererOf(round, 0), list);
        uint256 index = (seed >> 8) % nodes.length;
        vm.expectRevert(abi.encodeWithSelector(IGathering.Holds.selector, 0));
        gathering.strikeEntry(round, COMMITMENTS, 0, entryOf(list, index));
        if (index + 1 < nodes.length) {
            IGathering.Entry memory next = entryOf(list, index + 1);
            vm.expectRevert(abi.encodeWithSelector(IGathering.Holds.selector, 0));
            gathering.strikeOrder(round, COMMITMENTS, 0, entryOf(list, index), next);
        }
        IGathering.Entry memory other = entryOf(list, index);
        other.words[(seed >> 16) % 4] ^= bytes32(uint256(1) << ((seed >> 24) % 256));
        vm.expectPartialRevert(IGathering.Mismatch.selector);
        gathering.strikeEntry(round, COMMITMENTS, 0, other);
    }

    function test_terms_checked() public {
        IGathering.Terms memory terms = termsOf();
        vm.assertEq(
            keccak256(abi.encode(gathering.terms())), keccak256(abi.encode(terms)), "as given"
        );
        for (uint256 field = 0; field < 6; ++field) {
            IGathering.Terms memory wrong = termsOf();
            if (field == 0) wrong.bond = 0;
            if (field == 1) wrong.bounty = BOND / 2 + 1;
            if (field == 2) wrong.commitBlocks = 1;
            if (field == 3) wrong.revealBlocks = 0;
            if (field == 4) wrong.strikeBlocks = 0;
            if (field == 5) wrong.forceBlocks = 0;
            vm.expectPartialRevert(IGathering.BadTerms.selector);
            this.deployWith(wrong);
        }
    }

    function deployWith(IGathering.Terms memory terms) external returns (address) {
        return address(new Gathering(token, registry, enrolment, terms));
    }
}
