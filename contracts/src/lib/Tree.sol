// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Commitments to tensors and to lists of tensors
/// @notice The one tree of docs/protocol.md §1: 16-ary, keccak-256, leaves and inner nodes prefixed
///         differently, as low as its leaves allow. A node hashes its sixteen places in fours, and
///         the four quads: a way up carries six hashes a level. The shape follows from the number
///         of leaves, which the caller knows, so a proof has one possible length and a malformed
///         tree cannot be stated.
/// @dev Deliberately absent: proofs of several leaves at once, and any tree that is stored.
library Tree {
    /// @notice Children of an inner node.
    uint256 internal constant ARITY = 16;
    /// @notice Places that are hashed together.
    uint256 internal constant QUAD = 4;
    /// @notice Bytes of a chunk of 32 elements of four bytes (f32, i32).
    uint256 internal constant CHUNK_4 = 128;
    /// @notice Bytes of a chunk of 32 elements of eight bytes (f64).
    uint256 internal constant CHUNK_8 = 256;

    /// @notice Thrown for the root of nothing.
    error EmptyTree();
    /// @notice Thrown when a chunk has the wrong number of bytes.
    error ChunkLength(uint256 got, uint256 expected);
    /// @notice Thrown when a way up has not exactly the siblings that the geometry gives it.
    error SiblingCount(uint256 got, uint256 expected);
    /// @notice Thrown when the leaf's index is not below the number of leaves.
    error LeafOutOfRange(uint256 index, uint256 leaves);
    /// @notice Thrown for an inner node with no children, or more than sixteen.
    error ChildCount(uint256 got);

    /// @notice Returns the hash of a tensor's chunk, `keccak(0x00 ‖ chunk)`.
    function leaf(bytes memory chunk) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0x00), chunk));
    }

    /// @notice Returns the root over `nodes` as the lowest level: a list root, or a tensor root
    ///         over the hashes of its chunks. A list of one is its element.
    /// @dev Overwrites `nodes`: each level is written over the one below it, two fours to a level.
    function root(bytes32[] memory nodes) internal pure returns (bytes32) {
        uint256 count = nodes.length;
        require(count > 0, EmptyTree());
        while (count > 1) {
            count = _fours(nodes, _fours(nodes, count));
        }
        return nodes[0];
    }

    /// @dev Writes the hashes over every four of the first `count` hashes over them; returns how many.
    ///      Is `hashes[i] = _four(hashes, 4 * i, 4)` for each whole quad, without copying: the prefix
    ///      goes into the byte before the four, of which the hash was taken already; before the first
    ///      stands the list's length, which is put back.
    function _fours(bytes32[] memory hashes, uint256 count) private pure returns (uint256 quads) {
        uint256 whole = count / QUAD;
        quads = (count + QUAD - 1) / QUAD;
        bytes32 last;
        if (quads > whole) last = _four(hashes, whole * QUAD, count % QUAD);
        assembly ("memory-safe") {
            let length := mload(hashes)
            let to := add(hashes, 32)
            let from := to
            for { let end := add(from, mul(whole, 128)) } lt(from, end) { from := add(from, 128) } {
                mstore8(sub(from, 1), 1)
                mstore(to, keccak256(sub(from, 1), 129))
                to := add(to, 32)
            }
            mstore(hashes, length)
        }
        if (quads > whole) hashes[whole] = last;
    }

    /// @dev keccak(0x01 ‖ four places), the `present` of them from `first` on, which are there, the
    ///      others zero; without copying them twice: whole encodings and updates are hashed on chain.
    function _four(bytes32[] memory hashes, uint256 first, uint256 present)
        private
        pure
        returns (bytes32 quad)
    {
        assembly ("memory-safe") {
            let at := mload(0x40)
            let length := mul(present, 32)
            mstore8(at, 1)
            mcopy(add(at, 1), add(add(hashes, 32), mul(first, 32)), length)
            calldatacopy(add(add(at, 1), length), calldatasize(), sub(128, length))
            quad := keccak256(at, 129)
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

    /// @notice Returns the root that a leaf at `index` of `leaves` leads to.
    /// @param siblings for each level from the lowest up, the present places of the leaf's quad from
    ///        left to right without its own, then the quads with a child without its own; exactly as
    ///        many as the geometry has
    function climb(bytes32 hash, uint256 index, uint256 leaves, bytes32[] memory siblings)
        internal
        pure
        returns (bytes32 rootHash)
    {
        uint256 used;
        (rootHash, used) = climbFrom(hash, index, leaves, siblings, 0);
        require(used == siblings.length, SiblingCount(siblings.length, used));
    }

    /// @notice As `climb`, with the siblings that begin at `used`; returns where they end.
    function climbFrom(
        bytes32 hash,
        uint256 index,
        uint256 leaves,
        bytes32[] memory siblings,
        uint256 used
    ) internal pure returns (bytes32, uint256) {
        require(index < leaves, LeafOutOfRange(index, leaves));
        while (leaves > 1) {
            (hash, used) = _up(hash, index, leaves, siblings, used);
            index /= ARITY;
            leaves = (leaves + ARITY - 1) / ARITY;
        }
        return (hash, used);
    }

    /// @notice Returns the root that a leaf at `index` of `leaves` leads to, and the children of
    ///         that root (none when the leaf is the root).
    /// @param siblings as of `climb`, but of the root all children but the one on the way
    function crown(bytes32 hash, uint256 index, uint256 leaves, bytes32[] memory siblings)
        internal
        pure
        returns (bytes32, bytes32[] memory children)
    {
        require(index < leaves, LeafOutOfRange(index, leaves));
        uint256 used;
        while (leaves > ARITY) {
            (hash, used) = _up(hash, index, leaves, siblings, used);
            index /= ARITY;
            leaves = (leaves + ARITY - 1) / ARITY;
        }
        uint256 end = used + leaves - 1;
        require(end == siblings.length, SiblingCount(siblings.length, end));
        if (leaves == 1) return (hash, children);
        children = new bytes32[](leaves);
        for (uint256 i = 0; i < leaves; ++i) {
            children[i] = i == index ? hash : siblings[used++];
        }
        return (nodeOf(children), children);
    }

    /// @dev One level up: over the quad, then over the quads.
    function _up(
        bytes32 hash,
        uint256 index,
        uint256 leaves,
        bytes32[] memory siblings,
        uint256 used
    ) private pure returns (bytes32, uint256) {
        uint256 place = index % ARITY;
        uint256 present = _present(index - place, leaves, ARITY);
        uint256 beside = _present(place - place % QUAD, present, QUAD) - 1;
        uint256 quads = (present + QUAD - 1) / QUAD - 1;
        uint256 end = used + beside + quads;
        require(end <= siblings.length, SiblingCount(siblings.length, end));
        hash = _join(hash, place % QUAD, beside, siblings, used);
        return (_join(hash, place / QUAD, quads, siblings, used + beside), end);
    }

    /// @dev keccak(0x01 ‖ four places): `hash` at `place` among the `beside` siblings from `used` on,
    ///      which are there, the other places zero; without keeping them: a judged step climbs up to
    ///      thirty levels.
    function _join(
        bytes32 hash,
        uint256 place,
        uint256 beside,
        bytes32[] memory siblings,
        uint256 used
    ) private pure returns (bytes32 quad) {
        assembly ("memory-safe") {
            let at := mload(0x40)
            let to := add(at, 1)
            let from := add(add(siblings, 32), mul(used, 32))
            let left := mul(place, 32)
            let right := mul(sub(beside, place), 32)
            mstore8(at, 1)
            mcopy(to, from, left)
            mstore(add(to, left), hash)
            mcopy(add(add(to, left), 32), add(from, left), right)
            calldatacopy(add(to, mul(add(beside, 1), 32)), calldatasize(), mul(sub(3, beside), 32))
            quad := keccak256(at, 129)
        }
    }

    /// @notice Returns the inner node over its present children, the absent ones zero.
    function nodeOf(bytes32[] memory children) internal pure returns (bytes32) {
        uint256 count = children.length;
        require(count > 0 && count <= ARITY, ChildCount(count));
        bytes32[] memory quads = new bytes32[]((count + QUAD - 1) / QUAD);
        for (uint256 i = 0; i < quads.length; ++i) {
            quads[i] = _four(children, i * QUAD, _present(i * QUAD, count, QUAD));
        }
        return _four(quads, 0, quads.length);
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
        return _present(index * ARITY, width, ARITY);
    }

    /// @dev How many of the `most` places from `first` on are taken, at least one.
    function _present(uint256 first, uint256 width, uint256 most)
        private
        pure
        returns (uint256 present)
    {
        present = width - first;
        if (present > most) present = most;
    }
}
