// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IGathering} from "../src/interfaces/IGathering.sol";
import {IRoster} from "../src/interfaces/IRoster.sol";
import {Entries} from "../src/lib/Entries.sol";
import {GatherDesk, Gathered} from "./support/GatherDesk.sol";
import {Grove} from "./support/Grove.sol";

/// @notice Gas of a round's commitments and reveals at four sizes, nobody forced, one in both, a
///         tenth in both, and at the smaller sizes all: what `Gathering` costs where nobody gathers.
///         Each call is a transaction of its own; sums and single calls in snapshots/Gathering.json.
contract GasGatheringTest is GatherDesk {
    IRoster.Forced[] internal forced;
    IGathering.Entry internal nobody;
    uint256 internal total;
    string internal size;

    /// @dev A list, its trees, and in which entry whose commitment stands.
    struct Filed {
        Gathered list;
        bytes32[][] levels;
        uint256[] from;
    }

    function used(string memory name) internal {
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        total += gas;
        if (bytes(name).length == 0) return;
        vm.snapshotValue("Gathering", string.concat(size, ": ", name), gas);
    }

    /// forge-config: default.isolate = true
    function test_gas_4() public {
        sized("n = 4", 4);
        play(0, "nobody");
        play(1, "one");
        play(4, "all");
    }

    /// forge-config: default.isolate = true
    function test_gas_25() public {
        sized("n = 25", 25);
        play(0, "nobody");
        play(1, "one");
        play(2, "a tenth");
        play(25, "all");
    }

    /// forge-config: default.isolate = true
    function test_gas_100() public {
        sized("n = 100", 100);
        play(0, "nobody");
        play(1, "one");
        play(10, "a tenth");
        play(100, "all");
    }

    /// forge-config: default.isolate = true
    function test_gas_1000() public {
        sized("n = 1,000", 1000);
        play(0, "nobody");
        play(1, "one");
        play(100, "a tenth");
    }

    function sized(string memory name, uint32 nodes) internal {
        size = name;
        deployGathering(nodes);
    }

    /// @notice A round of which `late` nodes, evenly spread, are left out of both lists.
    function play(uint32 late, string memory who) internal {
        total = 0;
        delete forced;
        bool first = late == 0;
        uint64 round = openRound();
        gathering.draw();
        used(first ? "draw" : "");
        uint32 nodes = registry.nodeCount();
        (uint32[] memory in_, uint32[] memory out) = split(nodes, late);
        Filed memory commitment;
        commitment.list.words = new bytes32[4][](0);
        if (in_.length > 0) {
            commitment.list = commitments(round, in_);
            gather(round, COMMITMENTS, commitment, first ? "post, commitments" : "");
        }
        toStage(round, COMMITMENTS, IGathering.Stage.Force);
        for (uint256 i = 0; i < out.length; ++i) {
            IGathering.Entry[] memory beside = besideIn(commitment, out[i]);
            bytes32 own = commitmentOf(round, out[i]);
            vm.prank(keyOf(out[i]));
            gathering.forceCommitment(round, own, beside);
            used(late == 1 ? "forceCommitment" : "");
        }
        toStage(round, REVEALS, IGathering.Stage.Gather);
        Filed memory list;
        list.list.words = new bytes32[4][](0);
        if (in_.length > 0) {
            uint256[] memory from = new uint256[](in_.length);
            for (uint256 i = 0; i < from.length; ++i) {
                from[i] = i;
            }
            list.list = reveals(round, in_, from);
            gather(round, REVEALS, list, first ? "post, reveals" : "");
        }
        forceReveals(round, out, list, late == 1);
        seals(round, list, who);
        vm.snapshotValue("Gathering", string.concat(size, ": round, ", who, " forced"), total);
    }

    function split(uint32 nodes, uint32 late)
        internal
        pure
        returns (uint32[] memory in_, uint32[] memory out)
    {
        (in_, out) = (new uint32[](nodes - late), new uint32[](late));
        uint32 stride = late == 0 ? 0 : nodes / late;
        uint256 at = 0;
        uint256 lates = 0;
        for (uint32 node = 0; node < nodes; ++node) {
            bool left = lates < late && node % stride == stride / 2;
            if (left) out[lates++] = node;
            else in_[at++] = node;
        }
    }

    function gather(uint64 round, IGathering.Kind kind, Filed memory filed, string memory name)
        internal
    {
        filed.levels = Grove.levels(leavesOf(filed.list));
        IGathering.Draft memory draft = draftOf(round, filed.list);
        bytes memory signatures = certificate(round, gathering.listDigest(round, kind, draft), 0);
        vm.prank(keyOf(gathererOf(round, 0)));
        gathering.post(round, kind, draft, signatures);
        used(name);
    }

    function forceReveals(uint64 round, uint32[] memory out, Filed memory list, bool named)
        internal
    {
        toStage(round, REVEALS, IGathering.Stage.Force);
        for (uint256 i = 0; i < out.length; ++i) {
            IGathering.Reveal memory reveal = revealOf(out[i]);
            reveal.update = "";
            bytes32 digest =
                gathering.availabilityDigest(round, out[i], reveal.updateRoot, reveal.blob);
            reveal.signatures = certificate(round, digest, 0);
            IGathering.Entry[] memory beside = besideIn(list, out[i]);
            vm.prank(keyOf(out[i]));
            gathering.forceReveal(round, reveal, nobody, beside);
            used(named ? "forceReveal" : "");
            forced.push(IRoster.Forced(out[i], 1, reveal.updateRoot));
        }
    }

    function seals(uint64 round, Filed memory list, string memory who) internal {
        toStage(round, REVEALS, IGathering.Stage.Over);
        IRoster.Forced[] memory added = forced;
        roster.seal(round, added, tailOf(list.list, added));
        used(string.concat("seal, ", who, " forced"));
        if (list.list.words.length == 0) return;
        gathering.release(round, COMMITMENTS, 0);
        used("");
        gathering.release(round, REVEALS, 0);
        used("");
    }

    function besideIn(Filed memory filed, uint32 node)
        internal
        pure
        returns (IGathering.Entry[] memory beside)
    {
        uint256 count = filed.list.words.length;
        if (count == 0) return beside;
        uint256 above = 0;
        while (above < count && uint32(uint256(filed.list.words[above][0])) < node) ++above;
        beside = new IGathering.Entry[](above == 0 || above == count ? 1 : 2);
        beside[0] = entryIn(filed, above == 0 ? 0 : above - 1);
        if (beside.length == 2) beside[1] = entryIn(filed, above);
    }

    function entryIn(Filed memory filed, uint256 index)
        internal
        pure
        returns (IGathering.Entry memory entry)
    {
        entry.index = index;
        entry.words = filed.list.words[index];
        entry.siblings = Grove.wayIn(filed.levels, index);
    }

    /// @notice Each kind of strike, at a thousand.
    /// forge-config: default.isolate = true
    function test_gas_strikes() public {
        sized("n = 1,000", 1000);
        uint64 round = openRound();
        gathering.draw();
        Filed memory filed;
        filed.list = commitments(round, range(0, 1000));
        Gathered memory right = filed.list;
        bytes32 kept = right.words[700][2];
        right.words[700][2] = bytes32(uint256(1));
        gather(round, COMMITMENTS, filed, "");
        gathering.strikeEntry(round, COMMITMENTS, 0, entryIn(filed, 700));
        used("strikeEntry");
        right.words[700][2] = kept;
        (right.words[700], right.words[701]) = (right.words[701], right.words[700]);
        postBy(round, COMMITMENTS, filed, 1);
        gathering.strikeOrder(round, COMMITMENTS, 1, entryIn(filed, 700), entryIn(filed, 701));
        used("strikeOrder");
        (right.words[700], right.words[701]) = (right.words[701], right.words[700]);
        postBy(round, COMMITMENTS, filed, 2);
        toStage(round, REVEALS, IGathering.Stage.Gather);
        strikesReveals(round, filed);
    }

    function postBy(uint64 round, IGathering.Kind kind, Filed memory filed, uint256 number)
        internal
    {
        filed.levels = Grove.levels(leavesOf(filed.list));
        post(round, kind, gathererOf(round, number), filed.list);
    }

    function strikesReveals(uint64 round, Filed memory commitment) internal {
        uint32[] memory nodes = range(0, 1000);
        uint256[] memory from = new uint256[](1000);
        for (uint256 i = 0; i < 1000; ++i) {
            from[i] = i;
        }
        Filed memory filed;
        filed.list = reveals(round, nodes, from);
        Gathered memory list = filed.list;
        list.words[300][0] = place(300, 300, Entries.FORCED);
        postBy(round, REVEALS, filed, 0);
        gathering.strikeCommitment(round, 0, entryIn(filed, 300), nobody);
        used("strikeCommitment, forced");
        list.words[300][0] = place(300, 300, 299);
        postBy(round, REVEALS, filed, 1);
        gathering.strikeCommitment(round, 1, entryIn(filed, 300), entryIn(commitment, 299));
        used("strikeCommitment");
        list.words[300][0] = place(300, 300, 300);
        (bytes32 update, bytes32 members) = (list.inputs[304], list.inputs[3]);
        list.inputs[304] = bytes32("another");
        postBy(round, REVEALS, filed, 2);
        bytes32[] memory way = Grove.siblings(list.inputs, 304);
        gathering.strikeRow(round, 2, entryIn(filed, 300), 300, list.inputs[304], way);
        used("strikeRow");
        list.inputs[304] = update;
        writeMember(list, 300, 301);
        list.inputs[3] = Grove.root(chunksOf(list.members));
        vm.assertTrue(list.inputs[3] != members);
        postBy(round, REVEALS, filed, 3);
        way = Grove.siblings(chunksOf(list.members), 9);
        bytes memory chunk = chunkOf(list.members, 9);
        gathering.strikeMember(round, 3, entryIn(filed, 300), 300, chunk, way);
        used("strikeMember");
    }
}
