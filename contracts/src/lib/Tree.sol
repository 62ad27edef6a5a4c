// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Commitments to tensors and to lists of tensors
/// @notice The one tree of docs/protocol.md §1: 16-ary, keccak-256, leaves and inner nodes prefixed
///         differently, as low as its leaves allow. The shape follows from the number of leaves,
///         which the caller knows, so a proof has one possible length and a malformed tree cannot
///         be stated.
/// @dev Deliberately absent: proofs of several leaves at once, and any tree that is stored.
library Tree {
    /// @notice Children of an inner node.
    uint256 internal constant ARITY = 16;
    /// @notice Bytes of a chunk of 32 elements of four bytes (f32, i32).
    uint256 internal constant CHUNK_4 = 128;
    /// @notice Bytes of a chunk of 32 elements of eight bytes (f64).
    uint256 internal constant CHUNK_8 = 256;

    /// @notice Thrown for the root of nothing.
    error EmptyTree();
    /// @notice Thrown when a chunk has the wrong number of bytes.
    error ChunkLength(uint256 got, uint256 expected);
    /// @notice Thrown when a path has not exactly one entry for each level above the leaves.
    error PathLength(uint256 got, uint256 expected);
    /// @notice Thrown when the leaf's index is not below the number of leaves.
    error LeafOutOfRange(uint256 index, uint256 leaves);
    /// @notice Thrown when a level of a path does not contain the node below it at its place.
    error NotAChild(uint256 level, bytes32 expected, bytes32 got);
    /// @notice Thrown for an inner node with no children, or more than sixteen.
    error ChildCount(uint256 got);
    /// @notice Thrown when a path states a child beyond the last node of its level.
    error AbsentChild(uint256 level, uint256 child);

    /// @notice Returns the hash of a tensor's chunk, `keccak(0x00 ‖ chunk)`.
    function leaf(bytes memory chunk) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0x00), chunk));
    }

    /// @notice Returns the hash of an inner node, `keccak(0x01 ‖ child0 ‖ … ‖ child15)`.
    function node(bytes32[16] memory children) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0x01), children));
    }

    /// @notice Returns the root over `nodes` as the lowest level: a list root, or a tensor root
    ///         over the hashes of its chunks. A list of one is its element.
    /// @dev Overwrites `nodes`: each level is written over the one below it.
    function root(bytes32[] memory nodes) internal pure returns (bytes32) {
        uint256 count = nodes.length;
        require(count > 0, EmptyTree());
        while (count > 1) {
            uint256 parents = (count + ARITY - 1) / ARITY;
            for (uint256 parent = 0; parent < parents; ++parent) {
                uint256 first = parent * ARITY;
                nodes[parent] = _over(nodes, first, _present(first, count));
            }
            count = parents;
        }
        return nodes[0];
    }

    /// @dev Is `nodeOf` of the `present` nodes from `first` on, which are there, without copying them
    ///      twice: whole encodings and updates are hashed on chain.
    function _over(bytes32[] memory nodes, uint256 first, uint256 present)
        private
        pure
        returns (bytes32 parent)
    {
        assembly ("memory-safe") {
            let at := mload(0x40)
            let length := mul(present, 32)
            mstore8(at, 1)
            mcopy(add(at, 1), add(add(nodes, 32), mul(first, 32)), length)
            calldatacopy(add(add(at, 1), length), calldatasize(), sub(512, length))
            parent := keccak256(at, 513)
        }
    }

    /// @notice Returns the number of levels above `leaves` leaves: 0 for one, 1 up to 16, …
    function depth(uint256 leaves) internal pure returns (uint256 levels) {
        require(leaves > 0, EmptyTree());
        while (leaves > 1) {
            leaves = (leaves + ARITY - 1) / ARITY;
            ++levels;
        }
    }

    /// @notice Returns the tensor root of `data`, the elements of an f32 or i32 tensor in row-major
    ///         order, as they stand (little-endian). Its tail is padded with zero bytes.
    function tensorRoot4(bytes calldata data) internal pure returns (bytes32) {
        return tensorRoot(data, CHUNK_4);
    }

    /// @notice As `tensorRoot4`, of a tensor whose chunks have `size` bytes.
    function tensorRoot(bytes calldata data, uint256 size) internal pure returns (bytes32) {
        uint256 count = (data.length + size - 1) / size;
        bytes32[] memory nodes = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 from = i * size;
            uint256 to = from + size;
            nodes[i] = to <= data.length
                ? keccak256(abi.encodePacked(bytes1(0x00), data[from:to]))
                : keccak256(
                    abi.encodePacked(
                        bytes1(0x00), data[from:data.length], new bytes(to - data.length)
                    )
                );
        }
        return root(nodes);
    }

    /// @notice Returns the root that a leaf at `index` of `leaves` leads to along `path`.
    /// @param hash the leaf's hash
    /// @param path for each level from the lowest up, the 16 children of the node above; the child
    ///        on the way must be the hash from below, the children beyond the level's end must be
    ///        zero
    function rootFrom(bytes32 hash, uint256 index, uint256 leaves, bytes32[16][] calldata path)
        internal
        pure
        returns (bytes32)
    {
        require(index < leaves, LeafOutOfRange(index, leaves));
        uint256 levels = depth(leaves);
        require(path.length == levels, PathLength(path.length, levels));
        for (uint256 level = 0; level < levels; ++level) {
            bytes32[16] memory children = path[level];
            uint256 place = index % ARITY;
            require(children[place] == hash, NotAChild(level, hash, children[place]));
            uint256 first = index - place;
            for (uint256 i = 0; i < ARITY; ++i) {
                require(first + i < leaves || children[i] == 0, AbsentChild(level, i));
            }
            hash = node(children);
            index /= ARITY;
            leaves = (leaves + ARITY - 1) / ARITY;
        }
        return hash;
    }

    /// @notice Returns the root that a leaf at `index` of `leaves` leads to, and the children of
    ///         that root (none when the leaf is the root).
    /// @param siblings for each level from the lowest up, the present nodes of the group from left
    ///        to right, the one on the way left out; exactly as many as the geometry has
    function climb(bytes32 hash, uint256 index, uint256 leaves, bytes32[] memory siblings)
        internal
        pure
        returns (bytes32 rootHash, bytes32[] memory children)
    {
        uint256 used;
        (rootHash, children, used) = climbFrom(hash, index, leaves, siblings, 0);
        require(used == siblings.length, PathLength(siblings.length, used));
    }

    /// @notice As `climb`, with the siblings that begin at `used`; returns where they end.
    function climbFrom(
        bytes32 hash,
        uint256 index,
        uint256 leaves,
        bytes32[] memory siblings,
        uint256 used
    ) internal pure returns (bytes32, bytes32[] memory children, uint256) {
        require(index < leaves, LeafOutOfRange(index, leaves));
        while (leaves > 1) {
            uint256 place = index % ARITY;
            uint256 present = _present(index - place, leaves);
            uint256 end = used + present - 1;
            require(end <= siblings.length, PathLength(siblings.length, end));
            if (leaves <= ARITY) children = _group(hash, place, present, siblings, used);
            hash = _parent(hash, place, present, siblings, used);
            used = end;
            index /= ARITY;
            leaves = (leaves + ARITY - 1) / ARITY;
        }
        return (hash, children, used);
    }

    /// @dev The siblings from `used` on with `hash` at its place among them.
    function _group(
        bytes32 hash,
        uint256 place,
        uint256 present,
        bytes32[] memory siblings,
        uint256 used
    ) private pure returns (bytes32[] memory children) {
        children = new bytes32[](present);
        for (uint256 i = 0; i < present; ++i) {
            children[i] = i == place ? hash : siblings[used++];
        }
    }

    /// @dev Is `nodeOf(_group(hash, place, present, siblings, used))`, for `present` siblings less
    ///      one that are there, without keeping the group: a judged step climbs up to thirty levels.
    function _parent(
        bytes32 hash,
        uint256 place,
        uint256 present,
        bytes32[] memory siblings,
        uint256 used
    ) private pure returns (bytes32 parent) {
        assembly ("memory-safe") {
            let at := mload(0x40)
            let to := add(at, 1)
            let from := add(add(siblings, 32), mul(used, 32))
            let left := mul(place, 32)
            let right := mul(sub(sub(present, 1), place), 32)
            mstore8(at, 1)
            mcopy(to, from, left)
            mstore(add(to, left), hash)
            mcopy(add(add(to, left), 32), add(from, left), right)
            calldatacopy(add(to, mul(present, 32)), calldatasize(), mul(sub(16, present), 32))
            parent := keccak256(at, 513)
        }
    }

    /// @notice Returns the inner node over its present children, the absent ones zero.
    function nodeOf(bytes32[] memory children) internal pure returns (bytes32 hash) {
        require(children.length > 0 && children.length <= ARITY, ChildCount(children.length));
        bytes32[ARITY] memory all;
        for (uint256 i = 0; i < children.length; ++i) {
            all[i] = children[i];
        }
        return node(all);
    }

    /// @notice Returns how many children the node at `index` of height `height` has, in a tree over
    ///         `leaves` leaves; the leaves are of height 0.
    function childCount(uint256 index, uint256 height, uint256 leaves)
        internal
        pure
        returns (uint256)
    {
        uint256 width = leaves;
        for (uint256 level = 1; level < height; ++level) {
            width = (width + ARITY - 1) / ARITY;
        }
        return _present(index * ARITY, width);
    }

    /// @dev How many of the sixteen places from `first` on are taken, at least one.
    function _present(uint256 first, uint256 width) private pure returns (uint256 present) {
        present = width - first;
        if (present > ARITY) present = ARITY;
    }
}
