// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Encodings of ops
/// @notice Reads the bytes of docs/numerics.md, "Identity": code, dtype, rank and extents of the
///         result, operands, payload. All numbers are u32, little-endian. Every read is within the
///         bytes or reverts, so no encoding, however malformed, is read as another.
/// @dev Deliberately absent: whether an op is well formed; that is `Shapes`.
library Code {
    /// @param code of the op
    /// @param dtype of the result: 0 f32, 1 f64, 2 i32
    /// @param dims extents of the result
    /// @param operandsAt where the operands begin, `operandCount` of them
    /// @param payloadAt where the payload begins
    struct Op {
        bytes raw;
        uint256 code;
        uint256 dtype;
        uint256[] dims;
        uint256 operandCount;
        uint256 operandsAt;
        uint256 payloadAt;
    }

    uint256 internal constant RANK_MAX = 6;
    uint256 internal constant F32 = 0;
    uint256 internal constant F64 = 1;
    uint256 internal constant I32 = 2;

    uint256 internal constant INPUT = 0x01;
    uint256 internal constant CONSTANT = 0x02;
    uint256 internal constant IOTA = 0x03;
    uint256 internal constant RANDOM_BITS = 0x04;
    uint256 internal constant ADD = 0x10;
    uint256 internal constant SUB = 0x11;
    uint256 internal constant MUL = 0x12;
    uint256 internal constant NEG = 0x13;
    uint256 internal constant ABS = 0x14;
    uint256 internal constant MIN = 0x15;
    uint256 internal constant MAX = 0x16;
    uint256 internal constant LT = 0x17;
    uint256 internal constant EQ = 0x19;
    uint256 internal constant SELECT = 0x1a;
    uint256 internal constant CONVERT = 0x1b;
    uint256 internal constant DIV = 0x20;
    uint256 internal constant FMA = 0x21;
    uint256 internal constant SQRT = 0x22;
    uint256 internal constant ERFC = 0x28;
    uint256 internal constant AND = 0x30;
    uint256 internal constant SAR = 0x35;
    uint256 internal constant REQUANTISE = 0x36;
    uint256 internal constant RESHAPE = 0x40;
    uint256 internal constant TRANSPOSE = 0x41;
    uint256 internal constant BROADCAST = 0x42;
    uint256 internal constant SLICE = 0x43;
    uint256 internal constant CONCAT = 0x44;
    uint256 internal constant PAD = 0x45;
    uint256 internal constant GATHER = 0x46;
    uint256 internal constant SCATTER_ADD = 0x47;
    uint256 internal constant MATMUL = 0x50;
    uint256 internal constant SUM = 0x51;
    uint256 internal constant MAX_AXIS = 0x52;
    uint256 internal constant ARGMAX = 0x53;

    /// @notice Thrown when bytes end before what they must hold, or a rank is above 6.
    error Malformed(uint256 at, uint256 length);

    /// @notice Reads the fixed part of one op's encoding.
    function parse(bytes memory raw) internal pure returns (Op memory op) {
        op.raw = raw;
        op.code = byteAt(raw, 0);
        op.dtype = byteAt(raw, 1);
        uint256 at;
        (op.dims, at) = dimsAt(raw, 2);
        op.operandCount = word(raw, at);
        op.operandsAt = at + 4;
        op.payloadAt = op.operandsAt + 4 * op.operandCount;
        require(op.payloadAt <= raw.length, Malformed(op.payloadAt, raw.length));
    }

    /// @notice Reads a rank and as many extents from `at`; returns where they end.
    function dimsAt(bytes memory raw, uint256 at)
        internal
        pure
        returns (uint256[] memory dims, uint256 end)
    {
        uint256 rank = byteAt(raw, at);
        require(rank <= RANK_MAX, Malformed(at, raw.length));
        dims = new uint256[](rank);
        end = at + 1;
        for (uint256 i = 0; i < rank; ++i) {
            dims[i] = word(raw, end);
            end += 4;
        }
    }

    /// @notice Returns the index of operand `i`.
    function operand(Op memory op, uint256 i) internal pure returns (uint256) {
        require(i < op.operandCount, Malformed(op.operandsAt + 4 * i, op.raw.length));
        return word(op.raw, op.operandsAt + 4 * i);
    }

    /// @notice Returns number `i` of the payload.
    function payload(Op memory op, uint256 i) internal pure returns (uint256) {
        return word(op.raw, op.payloadAt + 4 * i);
    }

    /// @notice Returns how many numbers the payload has; one that is no whole number is malformed.
    function payloadCount(Op memory op) internal pure returns (uint256) {
        uint256 left = op.raw.length - op.payloadAt;
        require(left % 4 == 0, Malformed(op.raw.length, op.raw.length));
        return left / 4;
    }

    /// @notice Returns the root that a constant's payload is.
    function constantRoot(Op memory op) internal pure returns (bytes32 root) {
        bytes memory raw = op.raw;
        uint256 at = op.payloadAt;
        require(at + 32 == raw.length, Malformed(at + 32, raw.length));
        assembly ("memory-safe") {
            root := mload(add(add(raw, 32), at))
        }
    }

    /// @notice Whether every element of the op is a chain over many.
    function isChain(uint256 code) internal pure returns (bool) {
        return code == SCATTER_ADD || (code >= MATMUL && code <= ARGMAX);
    }

    /// @notice Returns the product of extents.
    function count(uint256[] memory dims) internal pure returns (uint256 product) {
        product = 1;
        for (uint256 i = 0; i < dims.length; ++i) {
            product *= dims[i];
        }
    }

    /// @notice Returns the product of the extents from `first` up to but not including `end`.
    function span(uint256[] memory dims, uint256 first, uint256 end)
        internal
        pure
        returns (uint256 product)
    {
        product = 1;
        for (uint256 i = first; i < end; ++i) {
            product *= dims[i];
        }
    }

    /// @notice Returns the bytes of an element.
    function size(uint256 dtype) internal pure returns (uint256) {
        return dtype == F64 ? 8 : 4;
    }

    /// @notice Returns the byte at `at`.
    function byteAt(bytes memory raw, uint256 at) internal pure returns (uint256) {
        require(at < raw.length, Malformed(at, raw.length));
        return uint8(raw[at]);
    }

    /// @notice Returns the u32 at `at`.
    function word(bytes memory raw, uint256 at) internal pure returns (uint256 x) {
        require(at + 4 <= raw.length, Malformed(at + 4, raw.length));
        assembly ("memory-safe") {
            x := shr(224, mload(add(add(raw, 32), at)))
        }
        x = ((x & 0xff00ff00) >> 8) | ((x & 0x00ff00ff) << 8);
        x = (x >> 16) | ((x & 0xffff) << 16);
    }

    /// @notice Returns the element of four or eight bytes at `at`, as its bits.
    function element(bytes memory raw, uint256 at, uint256 dtype) internal pure returns (uint64) {
        if (dtype != F64) return uint64(word(raw, at));
        return uint64(word(raw, at) | (word(raw, at + 4) << 32));
    }
}
