// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../../src/interfaces/ICourt.sol";
import {Code} from "../../src/lib/Code.sol";
import {Grove} from "./Grove.sol";
import {Openings} from "./Openings.sol";
import {Trial, Side} from "./Trial.sol";
import {Vm} from "./Vm.sol";

/// @notice The moves of both sides.
abstract contract Play is Trial {
    using Code for Code.Op;

    uint256 internal constant MOVES_MAX = 200;

    /// @notice Plays a dispute until it is decided; returns the last record.
    function playOut(
        uint256 dispute,
        ICourt.Dispute memory record,
        Side memory asserter,
        Side memory challenger
    ) internal returns (ICourt.Dispute memory) {
        for (uint256 i = 0; court.recordHash(dispute) != 0; ++i) {
            vm.assertLe(i, MOVES_MAX, "a dispute ends");
            record = move(dispute, record, asserter, challenger);
        }
        return record;
    }

    /// @notice Plays `count` moves, or fewer if the dispute is decided before.
    function playOn(
        uint256 count,
        uint256 dispute,
        ICourt.Dispute memory record,
        Side memory asserter,
        Side memory challenger
    ) internal returns (ICourt.Dispute memory) {
        for (uint256 i = 0; i < count && court.recordHash(dispute) != 0; ++i) {
            record = move(dispute, record, asserter, challenger);
        }
        return record;
    }

    /// @notice Plays until it is `turn` in `stage`.
    function playTo(
        ICourt.Stage stage,
        ICourt.Turn turn,
        uint256 dispute,
        ICourt.Dispute memory record,
        Side memory asserter,
        Side memory challenger
    ) internal returns (ICourt.Dispute memory) {
        for (uint256 i = 0; record.stage != stage || record.turn != turn; ++i) {
            vm.assertLe(i, MOVES_MAX, "the turn comes");
            record = move(dispute, record, asserter, challenger);
        }
        return record;
    }

    /// @notice Makes the next move; returns the record after it, or the one before if it decided.
    function move(
        uint256 dispute,
        ICourt.Dispute memory record,
        Side memory asserter,
        Side memory challenger
    ) internal returns (ICourt.Dispute memory) {
        vm.recordLogs();
        if (record.turn == ICourt.Turn.Root) postRoot(dispute, record, asserter);
        else if (record.turn == ICourt.Turn.Children) reveal(dispute, record, asserter);
        else if (record.turn == ICourt.Turn.Chunk) revealChunk(dispute, record, asserter);
        else if (record.turn == ICourt.Turn.Child) name(dispute, record, asserter, challenger);
        else nameElement(dispute, record, asserter, challenger);
        return court.recordHash(dispute) == 0 ? record : lastRecord();
    }

    // The asserter.

    function postRoot(uint256 dispute, ICourt.Dispute memory record, Side memory side) internal {
        if (record.stage == ICourt.Stage.Chain) return postChain(dispute, record, side);
        bool states = record.stage == ICourt.Stage.Iterations;
        bytes32[] memory leaves = states ? side.states : side.roots[record.iteration];
        bytes32 root = Grove.root(leaves);
        bytes32[] memory way = Grove.crownSiblings(leaves, states ? leaves.length - 1 : record.op);
        vm.prank(side.who);
        if (states) court.postStates(dispute, record, root, way);
        else court.postTrace(dispute, record, root, way);
    }

    function postChain(uint256 dispute, ICourt.Dispute memory record, Side memory side) internal {
        Code.Op memory op = Code.parse(side.scroll.ops[record.op]);
        uint64[] memory states = chainOf(side, record);
        bytes32 root = Grove.root(Grove.leaves(states, op.dtype));
        ICourt.Opening[] memory last = Openings.ending(op, states);
        ICourt.Brief memory brief = briefOf(side, record);
        vm.prank(side.who);
        court.postChain(dispute, record, brief, root, last);
    }

    function reveal(uint256 dispute, ICourt.Dispute memory record, Side memory side) internal {
        bytes32[] memory children = childrenOf(side, record);
        vm.prank(side.who);
        court.reveal(dispute, record, children);
    }

    function revealChunk(uint256 dispute, ICourt.Dispute memory record, Side memory side) internal {
        bytes memory chunk =
            Grove.chunk(walkedOf(side, record), dtypeOf(side, record), record.index);
        vm.prank(side.who);
        court.revealChunk(dispute, record, chunk);
    }

    /// @notice The dtype of the op's tensor, which its chains have too.
    function dtypeOf(Side memory side, ICourt.Dispute memory record)
        internal
        pure
        returns (uint256)
    {
        return Code.parse(side.scroll.ops[record.op]).dtype;
    }

    // The challenger.

    function name(
        uint256 dispute,
        ICourt.Dispute memory record,
        Side memory asserter,
        Side memory challenger
    ) internal {
        uint64 child = 0;
        if (record.height > 0) {
            child = firstDifference(childrenOf(asserter, record), childrenOf(challenger, record));
        }
        nameAt(dispute, record, asserter, challenger.who, child);
    }

    /// @notice Names `child`, with what the level asks for.
    /// @param side the asserter: ways up lead to its roots, by nodes that it revealed
    function nameAt(
        uint256 dispute,
        ICourt.Dispute memory record,
        Side memory side,
        address challenger,
        uint64 child
    ) internal {
        bytes32[] memory children;
        if (record.height > 0) children = childrenOf(side, record);
        uint256 leaf = uint256(record.index) * 16 + child;
        if (record.height > 1 || record.stage >= ICourt.Stage.Tensor) {
            vm.prank(challenger);
            court.nameChild(dispute, record, children, child);
        } else if (record.stage == ICourt.Stage.Iterations) {
            bytes32 before = leaf > 0 ? side.states[leaf - 1] : bytes32(0);
            bytes32[] memory way;
            if (leaf > 0) way = Grove.siblings(side.states, leaf - 1);
            vm.prank(challenger);
            court.nameIteration(dispute, record, children, child, before, way);
        } else if (record.stage == ICourt.Stage.Outputs) {
            vm.prank(challenger);
            court.nameOutput(dispute, record, children, child, side.scroll.header);
        } else {
            ICourt.OpOpening[] memory op = opOpenings(side, record.iteration, leaf);
            vm.prank(challenger);
            court.nameOp(dispute, record, children, child, op);
        }
    }

    function nameElement(
        uint256 dispute,
        ICourt.Dispute memory record,
        Side memory asserter,
        Side memory challenger
    ) internal {
        uint64[] memory theirs = walkedOf(asserter, record);
        uint64[] memory own = walkedOf(challenger, record);
        uint256 first = uint256(record.index) * Grove.CHUNK;
        uint64 place = 0;
        while (first + place + 1 < theirs.length && theirs[first + place] == own[first + place]) {
            ++place;
        }
        nameElementAt(dispute, record, asserter, challenger.who, place);
    }

    function nameElementAt(
        uint256 dispute,
        ICourt.Dispute memory record,
        Side memory side,
        address challenger,
        uint64 place
    ) internal {
        bytes memory chunk = Grove.chunk(
            walkedOf(side, record), dtypeOf(side, record), record.index
        );
        ICourt.Brief memory brief = briefOf(side, record);
        uint256 index = uint256(record.index) * Grove.CHUNK + place;
        ICourt.Opening[] memory shown = openingsOf(side, record, index);
        vm.prank(challenger);
        court.nameElement(dispute, record, chunk, place, brief, shown);
    }

    // What a side holds.

    /// @notice Returns the leaves of the tree that is walked, as a side has them.
    function leavesOf(Side memory side, ICourt.Dispute memory record)
        internal
        view
        returns (bytes32[] memory)
    {
        if (record.stage == ICourt.Stage.Iterations) return side.states;
        if (record.stage == ICourt.Stage.Outputs) return outputRootsOf(side, record.iteration);
        if (record.stage == ICourt.Stage.Trace) return side.roots[record.iteration];
        return Grove.leaves(walkedOf(side, record), dtypeOf(side, record));
    }

    function childrenOf(Side memory side, ICourt.Dispute memory record)
        internal
        view
        returns (bytes32[] memory)
    {
        return Grove.children(leavesOf(side, record), record.height, record.index);
    }

    /// @notice Returns the elements of the tensor or chain that is walked.
    function walkedOf(Side memory side, ICourt.Dispute memory record)
        internal
        view
        returns (uint64[] memory)
    {
        if (record.stage == ICourt.Stage.Chain) return chainOf(side, record);
        return side.tensors[record.iteration][record.op];
    }

    function briefOf(Side memory side, ICourt.Dispute memory record)
        internal
        pure
        returns (ICourt.Brief memory brief)
    {
        brief.op = side.scroll.ops[record.op];
        Code.Op memory op = Code.parse(brief.op);
        if (op.code == Code.CONCAT) return brief;
        brief.operands = new bytes[](op.operandCount);
        brief.roots = new bytes32[](op.operandCount);
        for (uint256 i = 0; i < op.operandCount; ++i) {
            brief.operands[i] = side.scroll.ops[op.operand(i)];
            brief.roots[i] = side.roots[record.iteration][op.operand(i)];
        }
    }

    function opOpenings(Side memory side, uint256 iteration, uint256 index)
        internal
        pure
        returns (ICourt.OpOpening[] memory shown)
    {
        Code.Op memory op = Code.parse(side.scroll.ops[index]);
        if (op.code == Code.INPUT) {
            shown = new ICourt.OpOpening[](2);
            uint256 input = op.payload(0);
            bool state = iteration > 0 && input < side.scroll.outputs.length;
            bytes32[] memory list = state ? outputRootsOf(side, iteration - 1) : inputRootsOf(side);
            shown[1].root = list[input];
            shown[1].rootSiblings = Grove.siblings(list, input);
        } else {
            uint256 operands = op.code == Code.CONCAT ? 0 : op.operandCount;
            shown = new ICourt.OpOpening[](operands + 1);
            for (uint256 i = 0; i < operands; ++i) {
                uint256 operand = op.operand(i);
                shown[i + 1] = opOpening(side, operand);
                shown[i + 1].root = side.roots[iteration][operand];
                shown[i + 1].rootSiblings = Grove.siblings(side.roots[iteration], operand);
            }
        }
        ICourt.OpOpening memory own = opOpening(side, index);
        (shown[0].encoding, shown[0].siblings) = (own.encoding, own.siblings);
    }

    function opOpening(Side memory side, uint256 index)
        internal
        pure
        returns (ICourt.OpOpening memory shown)
    {
        bytes32[] memory leaves = new bytes32[](side.scroll.ops.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            leaves[i] = keccak256(bytes.concat(hex"02", side.scroll.ops[i]));
        }
        shown.encoding = side.scroll.ops[index];
        shown.siblings = Grove.siblings(leaves, index);
    }

    function openingsOf(Side memory side, ICourt.Dispute memory record, uint256 index)
        internal
        view
        returns (ICourt.Opening[] memory)
    {
        Code.Op memory op = Code.parse(side.scroll.ops[record.op]);
        (Code.Op[] memory x, uint64[][] memory data) = operandsOf(side, record.iteration, op);
        if (record.stage == ICourt.Stage.Chain) {
            uint64[] memory states = chainOf(side, record);
            return Openings.step(op, x, data, record.element, index, states);
        }
        if (Code.isChain(op.code)) return new ICourt.Opening[](0);
        if (op.code == Code.CONCAT) {
            return Openings.concat(op, data, index, side.roots[record.iteration]);
        }
        return Openings.element(op, x, data, index);
    }

    /// @notice Returns the op by which the last move decided.
    function judgedOp() internal returns (uint32) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            bytes32 topic = logs[i].topics[0];
            bool found = topic == ICourt.Judged.selector || topic == ICourt.Compared.selector;
            if (found) return uint32(uint256(bytes32(logs[i].data)));
        }
        revert("nothing was judged");
    }

    function firstDifference(bytes32[] memory a, bytes32[] memory b)
        internal
        pure
        returns (uint64 place)
    {
        while (place + 1 < a.length && a[place] == b[place]) {
            ++place;
        }
    }
}
