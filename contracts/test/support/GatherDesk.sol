// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AssayToken} from "../../src/AssayToken.sol";
import {Gathering} from "../../src/Gathering.sol";
import {Registry} from "../../src/Registry.sol";
import {Roster} from "../../src/Roster.sol";
import {StatedEnrolment} from "../../src/harness/StatedEnrolment.sol";
import {IEnrolment} from "../../src/interfaces/IEnrolment.sol";
import {IGathering} from "../../src/interfaces/IGathering.sol";
import {IRoster} from "../../src/interfaces/IRoster.sol";
import {Entries} from "../../src/lib/Entries.sol";
import {Tree} from "../../src/lib/Tree.sol";
import {Base} from "./Base.sol";
import {Grove} from "./Grove.sol";

/// @notice Lists as their gatherer has them: every entry, and of reveals every row.
struct Gathered {
    bytes32[4][] words;
    bytes members;
    bytes32[] inputs;
}

/// @notice Nodes that gather, hold, strike and force, and whatever a liar among them makes.
abstract contract GatherDesk is Base {
    uint256 internal constant STAKE = 1000e18;
    uint256 internal constant BOND = 30e18;
    uint256 internal constant BOUNTY = 10e18;
    uint64 internal constant COMMIT = 20;
    uint64 internal constant REVEAL = 15;
    uint64 internal constant STRIKE = 10;
    uint64 internal constant FORCE = 12;
    uint32 internal constant UPDATE_LENGTH = 40;
    uint256 internal constant KEY = 0xB0B0;
    bytes32 internal constant BLOB = keccak256("list");

    IGathering.Kind internal constant COMMITMENTS = IGathering.Kind.Commitments;
    IGathering.Kind internal constant REVEALS = IGathering.Kind.Reveals;

    AssayToken internal token;
    Registry internal registry;
    StatedEnrolment internal stated;
    IEnrolment internal enrolment;
    Gathering internal gathering;
    Roster internal roster;

    function deployGathering(uint32 nodes) internal {
        vm.roll(100);
        token = new AssayToken(address(this), 1_000_000_000e18);
        registry = new Registry(token, address(0xdead), STAKE / 10, 1000);
        stated = new StatedEnrolment(nodes, UPDATE_LENGTH);
        enrolment = stated;
        for (uint32 i = 0; i < nodes; ++i) {
            joinAs(i);
            stated.seat(i, 1);
        }
        deployLists();
    }

    function deployLists() internal {
        gathering = new Gathering(token, registry, enrolment, termsOf());
        roster = new Roster(gathering, enrolment);
        for (uint32 i = 0; i < registry.nodeCount(); ++i) {
            vm.prank(keyOf(i));
            token.approve(address(gathering), type(uint256).max);
        }
    }

    function termsOf() internal pure returns (IGathering.Terms memory) {
        return IGathering.Terms({
            bond: BOND,
            bounty: BOUNTY,
            commitBlocks: COMMIT,
            revealBlocks: REVEAL,
            strikeBlocks: STRIKE,
            forceBlocks: FORCE
        });
    }

    function joinAs(uint32 node) internal {
        token.transfer(keyOf(node), STAKE + 10 * BOND);
        vm.startPrank(keyOf(node));
        token.approve(address(registry), type(uint256).max);
        registry.join(address(1), "peer", "", STAKE);
        vm.stopPrank();
    }

    function keyOf(uint32 node) internal pure virtual returns (address) {
        return vm.addr(KEY + node);
    }

    /// @notice Opens a round and goes to the block in which its holders can be drawn.
    function openRound() internal returns (uint64 round) {
        stated.open();
        (round,) = stated.opened();
        mine(1);
    }

    /// @notice Goes to the first block of a stage.
    function toStage(uint64 round, IGathering.Kind kind, IGathering.Stage stage) internal {
        (, uint64 openBlock) = enrolment.opened();
        IGathering.Stage before = IGathering.Stage(uint8(stage) - 1);
        vm.roll(gathering.lastBlock(openBlock, kind, before) + 1);
        gathering.draw();
        vm.assertTrue(gathering.stageOf(round, kind) == stage, "the stage");
    }

    // What trainers make.

    function updateOf(uint32 node) internal view virtual returns (bytes memory data) {
        data = new bytes(4 * UPDATE_LENGTH);
        for (uint256 i = 0; i < data.length; i += 32) {
            bytes32 word = keccak256(abi.encode(node, i));
            for (uint256 j = 0; j < 32; ++j) {
                data[i + j] = word[j];
            }
        }
    }

    function hashed(bytes calldata data) external pure returns (bytes32) {
        return Tree.tensorRoot4(data);
    }

    function updateRootOf(uint32 node) internal view virtual returns (bytes32) {
        return this.hashed(updateOf(node));
    }

    function saltOf(uint32 node) internal pure virtual returns (bytes32) {
        return keccak256(abi.encode("salt", node));
    }

    function commitmentOf(uint64 round, uint32 node) internal view returns (bytes32) {
        return enrolment.commitmentOf(round, node, updateRootOf(node), saltOf(node));
    }

    function place(uint256 node, uint256 before, uint256 from) internal pure returns (bytes32) {
        return bytes32(node | (before << 32) | (from << 64));
    }

    // Lists of those nodes, ascending.

    function commitments(uint64 round, uint32[] memory nodes)
        internal
        view
        returns (Gathered memory list)
    {
        list.words = new bytes32[4][](nodes.length);
        uint256 rows = 0;
        for (uint256 i = 0; i < nodes.length; ++i) {
            bytes32 commitment = commitmentOf(round, nodes[i]);
            (bytes32 r, bytes32 vs) =
                signedBy(nodes[i], gathering.commitmentDigest(round, nodes[i], commitment));
            list.words[i] = [place(nodes[i], rows, 0), commitment, r, vs];
            rows += enrolment.rowsOf(round, nodes[i]);
        }
    }

    /// @param from the entry of the commitment of each
    function reveals(uint64 round, uint32[] memory nodes, uint256[] memory from)
        internal
        view
        returns (Gathered memory list)
    {
        list.words = new bytes32[4][](nodes.length);
        uint256 rows = 0;
        for (uint256 i = 0; i < nodes.length; ++i) {
            uint32 node = nodes[i];
            list.words[i] =
                [place(node, rows, from[i]), updateRootOf(node), saltOf(node), bytes32("blob")];
            rows += enrolment.rowsOf(round, node);
        }
        fill(round, list, rows);
    }

    /// @notice Lays out the rows that the entries say.
    function fill(uint64 round, Gathered memory list, uint256 rows) internal view {
        list.members = new bytes(128 * ((rows + 31) / 32));
        list.inputs = new bytes32[](4 + rows);
        list.inputs[0] = enrolment.modelRoot();
        list.inputs[1] = enrolment.cumulativeRoot();
        list.inputs[2] = enrolment.budgetRoot();
        uint256 row = 0;
        for (uint256 i = 0; i < list.words.length; ++i) {
            uint32 node = uint32(uint256(list.words[i][0]));
            uint256 end = row + enrolment.rowsOf(round, node);
            for (; row < end; ++row) {
                writeMember(list, row, node);
                list.inputs[4 + row] = list.words[i][1];
            }
        }
        list.inputs[3] = Grove.root(chunksOf(list.members));
    }

    function writeMember(Gathered memory list, uint256 row, uint32 node) internal pure {
        for (uint256 i = 0; i < 4; ++i) {
            list.members[4 * row + i] = bytes1(uint8(node >> (8 * i)));
        }
    }

    function chunkOf(bytes memory data, uint256 index) internal pure returns (bytes memory chunk) {
        chunk = new bytes(128);
        for (uint256 i = 0; i < 128; ++i) {
            chunk[i] = data[128 * index + i];
        }
    }

    function chunksOf(bytes memory data) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](data.length / 128);
        for (uint256 i = 0; i < leaves.length; ++i) {
            leaves[i] = Tree.leaf(chunkOf(data, i));
        }
    }

    function leavesOf(Gathered memory list) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](list.words.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            leaves[i] = keccak256(abi.encodePacked(bytes1(0x00), list.words[i]));
        }
    }

    function draftOf(uint64 round, Gathered memory list)
        internal
        view
        returns (IGathering.Draft memory draft)
    {
        uint256 count = list.words.length;
        uint256 word = uint256(list.words[count - 1][0]);
        draft.root = Grove.root(leavesOf(list));
        draft.entries = uint32(count);
        draft.rows = uint32(word >> 32) + enrolment.rowsOf(round, uint32(word));
        draft.blob = BLOB;
        if (list.inputs.length == 0) return draft;
        draft.rows = uint32(list.inputs.length - 4);
        draft.membersRoot = list.inputs[3];
        draft.crown = crownOf(list.inputs);
    }

    function crownOf(bytes32[] memory inputs) internal pure returns (bytes32[] memory crown) {
        bytes32[] memory way = Grove.siblings(inputs, 0);
        crown = new bytes32[](way.length - 3);
        for (uint256 i = 0; i < crown.length; ++i) {
            crown[i] = way[i + 3];
        }
    }

    function entryOf(Gathered memory list, uint256 index)
        internal
        pure
        returns (IGathering.Entry memory entry)
    {
        entry.index = index;
        entry.words = list.words[index];
        entry.siblings = Grove.siblings(leavesOf(list), index);
    }

    /// @notice What leaves a node out of a list.
    function besideOf(Gathered memory list, uint32 node)
        internal
        pure
        returns (IGathering.Entry[] memory beside)
    {
        uint256 above = 0;
        uint256 count = list.words.length;
        while (above < count && uint32(uint256(list.words[above][0])) < node) ++above;
        beside = new IGathering.Entry[](above == 0 || above == count ? 1 : 2);
        beside[0] = entryOf(list, above == 0 ? 0 : above - 1);
        if (beside.length == 2) beside[1] = entryOf(list, above);
    }

    // Signatures.

    function signedBy(uint32 node, bytes32 digest)
        internal
        pure
        virtual
        returns (bytes32 r, bytes32 vs)
    {
        bytes32 message = keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", digest));
        uint8 v;
        (v, r, vs) = vm.sign(KEY + node, message);
        if (v == 28) vs = bytes32(uint256(vs) | (1 << 255));
    }

    /// @notice Signatures of as many different holders as it takes, `skip` of them left out.
    function certificate(uint64 round, bytes32 digest, uint256 skip)
        internal
        view
        returns (bytes memory signatures)
    {
        uint32[24] memory holders = gathering.holdersOf(round);
        uint256 held = 0;
        for (uint256 i = 0; i < 24 && held < 17; ++i) {
            uint256 lots = 1;
            while (i + 1 < 24 && holders[i + 1] == holders[i]) (++i, ++lots);
            if (skip > 0) {
                --skip;
                continue;
            }
            (bytes32 r, bytes32 vs) = signedBy(holders[i], digest);
            signatures = bytes.concat(signatures, r, vs);
            held += lots;
        }
    }

    function gathererOf(uint64 round, uint256 number) internal view returns (uint32) {
        return gathering.holdersOf(round)[3 * number];
    }

    function post(uint64 round, IGathering.Kind kind, uint32 node, Gathered memory list)
        internal
        returns (uint256 id)
    {
        IGathering.Draft memory draft = draftOf(round, list);
        bytes memory signatures = certificate(round, gathering.listDigest(round, kind, draft), 0);
        vm.prank(keyOf(node));
        id = gathering.post(round, kind, draft, signatures);
    }

    function revealOf(uint32 node) internal view returns (IGathering.Reveal memory reveal) {
        reveal.updateRoot = updateRootOf(node);
        reveal.salt = saltOf(node);
        reveal.blob = bytes32("blob");
        reveal.update = updateOf(node);
    }

    function range(uint32 first, uint32 end) internal pure returns (uint32[] memory nodes) {
        nodes = new uint32[](end - first);
        for (uint32 i = 0; i < nodes.length; ++i) {
            nodes[i] = first + i;
        }
    }

    /// @notice Where nodes stand in a list: of one that is not there, forced.
    function fromOf(Gathered memory list, uint32[] memory nodes)
        internal
        pure
        returns (uint256[] memory from)
    {
        from = new uint256[](nodes.length);
        for (uint256 i = 0; i < nodes.length; ++i) {
            from[i] = Entries.FORCED;
            for (uint256 j = 0; j < list.words.length; ++j) {
                if (uint32(uint256(list.words[j][0])) == nodes[i]) from[i] = j;
            }
        }
    }

    /// @notice What `Roster.seal` takes to add reveals to a list; empty for none.
    function tailOf(Gathered memory list, IRoster.Forced[] memory forced)
        internal
        pure
        returns (IRoster.Tail memory tail)
    {
        uint256 leaves = list.inputs.length;
        if (leaves == 0 || forced.length == 0) return tail;
        tail.update = list.inputs[leaves - 1];
        tail.updateSiblings = Grove.siblings(list.inputs, leaves - 1);
        uint256 last = list.members.length / 128 - 1;
        tail.chunk = chunkOf(list.members, last);
        tail.chunkSiblings = Grove.siblings(chunksOf(list.members), last);
        tail.crown = crownOf(longer(list, forced));
    }

    /// @notice The inputs with forced updates at their end, the members still those of the list.
    function longer(Gathered memory list, IRoster.Forced[] memory forced)
        internal
        pure
        returns (bytes32[] memory inputs)
    {
        uint256 at = list.inputs.length;
        inputs = new bytes32[](at + rowsOf(forced));
        for (uint256 i = 0; i < at; ++i) {
            inputs[i] = list.inputs[i];
        }
        for (uint256 i = 0; i < forced.length; ++i) {
            for (uint256 row = 0; row < forced[i].rows; ++row) {
                inputs[at++] = forced[i].updateRoot;
            }
        }
    }

    function rowsOf(IRoster.Forced[] memory forced) internal pure returns (uint256 rows) {
        for (uint256 i = 0; i < forced.length; ++i) {
            rows += forced[i].rows;
        }
    }

    /// @notice The inputs root by definition: all members written out, then one list.
    function inputsRootOf(Gathered memory list, IRoster.Forced[] memory forced)
        internal
        view
        returns (bytes32)
    {
        Gathered memory whole;
        whole.inputs = list.inputs;
        if (list.inputs.length == 0) {
            whole.inputs = new bytes32[](4);
            whole.inputs[0] = enrolment.modelRoot();
            whole.inputs[1] = enrolment.cumulativeRoot();
            whole.inputs[2] = enrolment.budgetRoot();
        }
        uint256 row = whole.inputs.length - 4;
        bytes32[] memory inputs = longer(whole, forced);
        Gathered memory all;
        all.members = new bytes(128 * ((inputs.length + 27) / 32));
        for (uint256 i = 0; i < list.members.length; ++i) {
            if (i < 4 * row) all.members[i] = list.members[i];
        }
        for (uint256 i = 0; i < forced.length; ++i) {
            for (uint256 end = row + forced[i].rows; row < end; ++row) {
                writeMember(all, row, forced[i].node);
            }
        }
        inputs[3] = Grove.root(chunksOf(all.members));
        return Grove.root(inputs);
    }
}
