// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IEnrolment} from "./interfaces/IEnrolment.sol";
import {IGathering} from "./interfaces/IGathering.sol";
import {IRoster} from "./interfaces/IRoster.sol";
import {Append} from "./lib/Append.sol";
import {Entries} from "./lib/Entries.sol";
import {Members} from "./lib/Members.sol";
import {Tree} from "./lib/Tree.sol";

/// @title Whose updates a round aggregates, row by row
/// @notice The rows of the list that was taken, and after them those of forced reveals in the order
///         the chain saw them.
/// @dev Deliberately absent: anybody's choice. Every call has one result that is right.
contract Roster is IRoster {
    struct Inputs {
        uint32 rows;
        bytes32 root;
    }

    /// @notice Says what was gathered and what was forced.
    IGathering public immutable gathering;
    /// @notice Says what a round starts from.
    IEnrolment public immutable enrolment;

    mapping(uint64 round => Inputs) private _inputs;

    /// @param gathering_ deployed
    /// @param enrolment_ that of the gathering
    constructor(IGathering gathering_, IEnrolment enrolment_) {
        gathering = gathering_;
        enrolment = enrolment_;
    }

    /// @inheritdoc IRoster
    function seal(uint64 round, Forced[] calldata forced, Tail calldata tail) external {
        _requireOver(round);
        require(_inputs[round].rows == 0, AlreadySealed(round));
        uint256 more = _checkForced(round, forced);
        IGathering.List memory list = _taken(round, IGathering.Kind.Reveals);
        uint32 rows = list.rows + uint32(more);
        require(rows > 0, NothingToSeal(round));
        (bytes32 membersRoot, bytes32 root) = (list.membersRoot, list.inputsRoot);
        if (more > 0) {
            membersRoot = Members.append(list, forced, more, tail);
            root = _append(list, forced, more, tail, membersRoot);
        }

        _inputs[round] = Inputs(rows, root);

        emit Sealed(round, rows, membersRoot, root);
    }

    /// @inheritdoc IRoster
    function requireUnrevealed(
        uint64 round,
        uint32 node,
        IGathering.Entry calldata commitment,
        IGathering.Entry[] calldata beside
    ) external view {
        _requireOver(round);
        require(!gathering.hasForcedReveal(round, node), Revealed(node));
        if (gathering.forcedCommitment(round, node) == 0) {
            IGathering.List memory commitments = _taken(round, IGathering.Kind.Commitments);
            uint32 shown = Entries.open(commitment, commitments).node;
            require(shown == node, IGathering.NotConcerned(commitment.index));
        }
        IGathering.List memory reveals = _taken(round, IGathering.Kind.Reveals);
        if (reveals.rows > 0) Entries.requireLeftOut(node, beside, reveals);
    }

    /// @inheritdoc IRoster
    function inputsOf(uint64 round) external view returns (uint32 rows, bytes32 inputsRoot) {
        return (_inputs[round].rows, _inputs[round].root);
    }

    function _requireOver(uint64 round) private view {
        IGathering.Stage stage = gathering.stageOf(round, IGathering.Kind.Reveals);
        require(stage == IGathering.Stage.Over, TooEarly(round));
    }

    /// @dev The list taken, all zero where there is none.
    function _taken(uint64 round, IGathering.Kind kind)
        private
        view
        returns (IGathering.List memory list)
    {
        (bool found, uint256 id) = gathering.taken(round, kind);
        if (found) list = gathering.listAt(round, kind, id);
    }

    /// @dev Requires that these are the forced reveals; returns how many rows they are.
    function _checkForced(uint64 round, Forced[] calldata forced)
        private
        view
        returns (uint256 rows)
    {
        bytes32 chain = 0;
        for (uint256 i = 0; i < forced.length; ++i) {
            chain = Members.chain(chain, forced[i]);
            rows += forced[i].rows;
        }
        bytes32 expected = gathering.forcedChain(round);
        require(chain == expected, IGathering.Mismatch(expected, chain));
    }

    /// @dev The list root of the inputs with the forced updates after those of the list.
    function _append(
        IGathering.List memory list,
        Forced[] calldata forced,
        uint256 more,
        Tail calldata tail,
        bytes32 membersRoot
    ) private view returns (bytes32) {
        bytes32[4] memory head = _head(membersRoot);
        uint256 leaves = Members.INPUTS + list.rows;
        if (list.rows == 0) {
            bytes32[] memory all = new bytes32[](Members.INPUTS + more);
            for (uint256 i = 0; i < Members.INPUTS; ++i) {
                all[i] = head[i];
            }
            _writeUpdates(all, Members.INPUTS, forced);
            return Tree.root(all);
        }
        bytes32 got = Tree.climb(tail.update, leaves - 1, leaves, tail.updateSiblings);
        require(got == list.inputsRoot, IGathering.Mismatch(list.inputsRoot, got));
        bytes32[] memory updates = new bytes32[](1 + more);
        updates[0] = tail.update;
        _writeUpdates(updates, 1, forced);
        // Their root with the members of the list, by which the crown is known to be theirs.
        bytes32 longer = Append.root(leaves, tail.updateSiblings, updates);
        got = Append.withHead(_head(list.membersRoot), leaves + more, tail.crown);
        require(got == longer, IGathering.Mismatch(longer, got));
        return Append.withHead(head, leaves + more, tail.crown);
    }

    function _writeUpdates(bytes32[] memory leaves, uint256 next, Forced[] calldata forced)
        private
        pure
    {
        for (uint256 i = 0; i < forced.length; ++i) {
            for (uint256 row = 0; row < forced[i].rows; ++row) {
                leaves[next++] = forced[i].updateRoot;
            }
        }
    }

    /// @dev The inputs before the updates, which fill a quad.
    function _head(bytes32 membersRoot) private view returns (bytes32[4] memory head) {
        head[0] = enrolment.modelRoot();
        head[1] = enrolment.cumulativeRoot();
        head[2] = enrolment.budgetRoot();
        head[3] = membersRoot;
    }
}
