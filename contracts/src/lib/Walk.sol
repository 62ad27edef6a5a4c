// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../interfaces/ICourt.sol";
import {Code} from "./Code.sol";
import {Tree} from "./Tree.sol";

/// @title The walk of a dispute
/// @notice Where a record goes next, and what has to be shown on the way: docs/court.md, section 2.
///         Geometry comes from the counts in the record, never from who moves.
/// @dev Deliberately absent: whose turn it is, clocks, money and storage, which are the court's.
library Walk {
    using Code for Code.Op;

    /// @notice Elements of a chunk.
    uint256 internal constant CHUNK = 32;

    /// @notice Begins the tree of a list at `record.node`.
    function toList(ICourt.Dispute memory record, ICourt.Stage stage, uint64 leaves) internal pure {
        record.stage = stage;
        record.leaves = leaves;
        record.index = 0;
        record.height = uint32(Tree.depth(leaves));
        record.turn = record.height > 0 ? ICourt.Turn.Children : ICourt.Turn.Child;
    }

    /// @notice Begins the tree over the chunks of so many elements at `root`.
    function toTensor(ICourt.Dispute memory record, bytes32 root, uint256 elements) internal pure {
        record.node = root;
        record.index = 0;
        record.leaves = uint64((elements + CHUNK - 1) / CHUNK);
        record.height = uint32(Tree.depth(record.leaves));
        record.turn = record.height > 0 ? ICourt.Turn.Children : ICourt.Turn.Chunk;
    }

    /// @notice Begins the tree at a posted `root`, under which `record.node` is leaf `place`; returns
    ///         the children of the root.
    function toPosted(
        ICourt.Dispute memory record,
        bytes32 root,
        uint256 place,
        bytes32[] calldata siblings
    ) internal pure returns (bytes32[] memory children) {
        bytes32 got;
        (got, children) = Tree.crown(record.node, place, record.leaves, siblings);
        same(root, got);
        record.trace = root;
        record.node = root;
        record.index = 0;
        record.height = uint32(Tree.depth(record.leaves));
        record.turn = ICourt.Turn.Child;
    }

    /// @notice Requires that these are the present children of the node.
    function checkChildren(ICourt.Dispute memory record, bytes32[] calldata children)
        internal
        pure
    {
        count(Tree.childCount(record.index, record.height, record.leaves), children.length);
        same(record.node, Tree.nodeOf(children));
    }

    /// @notice Goes down to a child.
    function descend(ICourt.Dispute memory record, bytes32[] calldata children, uint64 child)
        internal
        pure
    {
        checkChildren(record, children);
        require(child < children.length, ICourt.NoSuchPlace(child, uint64(children.length)));
        record.node = children[child];
        record.index = record.index * uint64(Tree.ARITY) + child;
        record.height -= 1;
    }

    /// @notice To the leaf below; a tree of one leaf is arrived at as it is.
    function arrive(ICourt.Dispute memory record, bytes32[] calldata children, uint64 child)
        internal
        pure
    {
        require(record.height <= 1, ICourt.WrongMove(record.stage, record.turn));
        if (record.height == 0) count(0, children.length);
        else descend(record, children, child);
    }

    /// @notice Requires that an encoding is that of op `index` of the Program.
    function checkOp(ICourt.Dispute memory record, ICourt.OpOpening calldata op, uint256 index)
        internal
        pure
    {
        bytes32 leaf = keccak256(abi.encodePacked(bytes1(0x02), op.encoding));
        same(record.outline.opsRoot, Tree.climb(leaf, index, record.outline.opCount, op.siblings));
    }

    /// @notice Returns the root of input `input`, shown in the list it stands in: the states that
    ///         the iteration starts from, or the inputs of the claim.
    function inputRoot(
        ICourt.Dispute memory record,
        bytes32 inputsRoot,
        ICourt.OpOpening[] calldata op,
        uint256 input
    ) internal pure returns (bytes32) {
        count(2, op.length);
        bool state = record.iteration > 0 && input < record.outline.outputCount;
        bytes32 list = state ? record.before : inputsRoot;
        uint256 leaves = state ? record.outline.outputCount : record.outline.inputCount;
        same(list, Tree.climb(op[1].root, input, leaves, op[1].rootSiblings));
        return op[1].root;
    }

    /// @notice Returns what is known of the named op, its operands opened under the Program and under
    ///         the trace.
    function briefOf(
        ICourt.Dispute memory record,
        Code.Op memory named,
        ICourt.OpOpening[] calldata op
    ) internal pure returns (ICourt.Brief memory brief) {
        uint256 operands = named.code == Code.CONCAT ? 0 : named.operandCount;
        count(operands + 1, op.length);
        brief.op = op[0].encoding;
        brief.operands = new bytes[](operands);
        brief.roots = new bytes32[](operands);
        for (uint256 i = 0; i < operands; ++i) {
            ICourt.OpOpening calldata shown = op[i + 1];
            uint256 index = named.operand(i);
            checkOp(record, shown, index);
            same(
                record.trace,
                Tree.climb(shown.root, index, record.outline.opCount, shown.rootSiblings)
            );
            brief.operands[i] = shown.encoding;
            brief.roots[i] = shown.root;
        }
    }

    /// @notice Requires that this is the brief of the named op.
    function checkBrief(ICourt.Dispute memory record, ICourt.Brief calldata brief) internal pure {
        same(record.brief, keccak256(abi.encode(brief)));
    }

    /// @notice Requires that something hashes to what it must.
    function same(bytes32 expected, bytes32 got) internal pure {
        require(expected == got, ICourt.Mismatch(expected, got));
    }

    /// @notice Requires that as many things are brought as are needed.
    function count(uint256 expected, uint256 got) internal pure {
        require(expected == got, ICourt.OpeningCount(expected, got));
    }
}
