// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Tree} from "./Tree.sol";

/// @title Longer lists and other heads, without the whole list
/// @notice What the way up of a list's last leaf, or of its first four, tells about lists that differ
///         from it there only: as many hashes as the tree has levels.
library Append {
    /// @notice Returns the root of a list of which the last leaf is replaced by all of `tail`.
    /// @param leaves how many the list has, at least one
    /// @param siblings of its last leaf, as of `Tree.climb`, which whoever calls has checked
    function root(uint256 leaves, bytes32[] memory siblings, bytes32[] memory tail)
        internal
        pure
        returns (bytes32)
    {
        uint256 used = 0;
        while (leaves > 1 || tail.length > 1) {
            (tail, used) = _level(leaves, siblings, used, tail);
            leaves = (leaves + Tree.ARITY - 1) / Tree.ARITY;
        }
        require(used == siblings.length, Tree.SiblingCount(siblings.length, used));
        return tail[0];
    }

    /// @dev The nodes over the last of `leaves` places and what follows it.
    function _level(uint256 leaves, bytes32[] memory siblings, uint256 used, bytes32[] memory tail)
        private
        pure
        returns (bytes32[] memory nodes, uint256)
    {
        uint256 place = (leaves - 1) % Tree.ARITY;
        uint256 beside = place % Tree.QUAD;
        uint256 before = place / Tree.QUAD;
        uint256 end = used + beside + before;
        require(end <= siblings.length, Tree.SiblingCount(siblings.length, end));
        bytes32[] memory quads =
            new bytes32[](before + (beside + tail.length + Tree.QUAD - 1) / Tree.QUAD);
        for (uint256 i = 0; i < before; ++i) {
            quads[i] = siblings[used + beside + i];
        }
        bytes32[] memory places = new bytes32[](Tree.QUAD * (quads.length - before));
        for (uint256 i = 0; i < beside + tail.length; ++i) {
            places[i] = i < beside ? siblings[used + i] : tail[i - beside];
        }
        for (uint256 i = before; i < quads.length; ++i) {
            quads[i] = _four(places, Tree.QUAD * (i - before));
        }
        nodes = new bytes32[]((quads.length + Tree.QUAD - 1) / Tree.QUAD);
        for (uint256 i = 0; i < nodes.length; ++i) {
            nodes[i] = _four(quads, Tree.QUAD * i);
        }
        return (nodes, end);
    }

    /// @notice Returns the root of a list of which the first four leaves are `head`.
    /// @param leaves how many the list has, more than four
    /// @param crown the other quads of the first leaf's node from left to right, then what
    ///        `Tree.climb` takes for that node
    function withHead(bytes32[4] memory head, uint256 leaves, bytes32[] memory crown)
        internal
        pure
        returns (bytes32 hash)
    {
        uint256 present = leaves < Tree.ARITY ? leaves : Tree.ARITY;
        uint256 quads = (present + Tree.QUAD - 1) / Tree.QUAD - 1;
        require(quads <= crown.length, Tree.SiblingCount(crown.length, quads));
        bytes32[] memory places = new bytes32[](Tree.QUAD);
        for (uint256 i = 0; i < Tree.QUAD; ++i) {
            places[i] = head[i];
        }
        places[0] = _four(places, 0);
        for (uint256 i = 1; i < Tree.QUAD; ++i) {
            places[i] = i <= quads ? crown[i - 1] : bytes32(0);
        }
        uint256 nodes = (leaves + Tree.ARITY - 1) / Tree.ARITY;
        uint256 used;
        (hash, used) = Tree.climbFrom(_four(places, 0), 0, nodes, crown, quads);
        require(used == crown.length, Tree.SiblingCount(crown.length, used));
    }

    /// @dev keccak(0x01 ‖ the four from `first` on, zero where the list ends).
    function _four(bytes32[] memory hashes, uint256 first) private pure returns (bytes32) {
        bytes32[4] memory places;
        for (uint256 i = 0; i < Tree.QUAD && first + i < hashes.length; ++i) {
            places[i] = hashes[first + i];
        }
        return keccak256(abi.encodePacked(bytes1(0x01), places));
    }
}
