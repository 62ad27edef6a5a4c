// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IGathering} from "../interfaces/IGathering.sol";
import {Tree} from "./Tree.sol";

/// @title Entries of gathered lists
/// @notice Each is a chunk of four words, the first of which says where it stands.
/// @dev Deliberately absent: what makes an entry wrong, which depends on the round.
library Entries {
    /// @notice The commitment was forced and stands in no list.
    uint256 internal constant FORCED = type(uint32).max;

    /// @param node registry index
    /// @param before rows of the entries before it
    /// @param from of reveals, the entry of the commitments it opens, or `FORCED`
    struct Place {
        uint32 node;
        uint256 before;
        uint256 from;
    }

    /// @notice Opens an entry against a list; reverts where it does not lead to its root.
    function open(IGathering.Entry calldata entry, IGathering.List memory list)
        internal
        pure
        returns (Place memory)
    {
        bytes32 leaf = keccak256(abi.encodePacked(bytes1(0x00), entry.words));
        bytes32 root = Tree.climb(leaf, entry.index, list.entries, entry.siblings);
        require(root == list.root, IGathering.Mismatch(list.root, root));
        uint256 word = uint256(entry.words[0]);
        return Place({
            node: uint32(word),
            before: uint256(uint32(word >> 32)),
            from: uint256(uint32(word >> 64))
        });
    }

    /// @notice Whether the first word has bits where the kind has nothing.
    function isStray(IGathering.Entry calldata entry, IGathering.Kind kind)
        internal
        pure
        returns (bool)
    {
        uint256 bits = kind == IGathering.Kind.Commitments ? 64 : 96;
        return uint256(entry.words[0]) >> bits != 0;
    }

    /// @notice Requires that a list leaves a node out: the entries around its place, or the one at
    ///         that end of the list.
    function requireLeftOut(
        uint32 node,
        IGathering.Entry[] calldata beside,
        IGathering.List memory list
    ) internal pure {
        bool out = false;
        if (beside.length == 1) {
            uint32 end = open(beside[0], list).node;
            bool first = beside[0].index == 0 && node < end;
            out = first || (beside[0].index + 1 == list.entries && node > end);
        } else if (beside.length == 2) {
            bool follows = beside[0].index + 1 == beside[1].index;
            out = follows && open(beside[0], list).node < node && node < open(beside[1], list).node;
        }
        require(out, IGathering.NotLeftOut(node));
    }
}
