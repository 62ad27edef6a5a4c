// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Code} from "../../src/lib/Code.sol";
import {Header} from "../../src/lib/Header.sol";
import {Tree} from "../../src/lib/Tree.sol";
import {Grove} from "./Grove.sol";

/// @notice A Program as a test writes it down.
/// @param ops encodings in order
/// @param constants elements of each constant, in order
/// @param header preimage of the hash after its first byte
struct Scroll {
    bytes[] ops;
    uint32[] outputs;
    uint64[][] constants;
    bytes header;
    bytes32 hash;
}

/// @notice Writes the encodings of docs/numerics.md, "Identity".
library Script {
    using Script for Scroll;

    /// @notice Appends any op as it is stated, sound or not; returns its index.
    function op(
        Scroll memory scroll,
        uint256 code,
        uint256 dtype,
        uint32[] memory dims,
        uint32[] memory operands,
        bytes memory payload
    ) internal pure returns (uint32 index) {
        return scroll.push(encode(code, dtype, dims, operands, payload));
    }

    function encode(
        uint256 code,
        uint256 dtype,
        uint32[] memory dims,
        uint32[] memory operands,
        bytes memory payload
    ) internal pure returns (bytes memory) {
        return bytes.concat(
            bytes1(uint8(code)),
            bytes1(uint8(dtype)),
            bytes1(uint8(dims.length)),
            list(dims),
            le(operands.length),
            list(operands),
            payload
        );
    }

    function push(Scroll memory scroll, bytes memory encoding) internal pure returns (uint32) {
        uint256 count = scroll.ops.length;
        bytes[] memory ops = new bytes[](count + 1);
        for (uint256 i = 0; i < count; ++i) {
            ops[i] = scroll.ops[i];
        }
        ops[count] = encoding;
        scroll.ops = ops;
        return uint32(count);
    }

    /// @notice Appends an input; its index follows from the inputs before it.
    function input(Scroll memory scroll, uint256 dtype, uint32[] memory dims)
        internal
        pure
        returns (uint32)
    {
        return scroll.op(Code.INPUT, dtype, dims, none(), bytes.concat(le(scroll.inputs())));
    }

    function constant_(
        Scroll memory scroll,
        uint256 dtype,
        uint32[] memory dims,
        uint64[] memory values
    ) internal pure returns (uint32) {
        uint256 count = scroll.constants.length;
        uint64[][] memory constants = new uint64[][](count + 1);
        for (uint256 i = 0; i < count; ++i) {
            constants[i] = scroll.constants[i];
        }
        constants[count] = values;
        scroll.constants = constants;
        bytes32 root = Grove.root(Grove.leaves(values, dtype));
        return scroll.op(Code.CONSTANT, dtype, dims, none(), bytes.concat(root));
    }

    /// @notice Sets the outputs, and with them header and hash.
    function seal(Scroll memory scroll, uint32[] memory outputs) internal pure {
        scroll.outputs = outputs;
        bytes memory types;
        for (uint256 i = 0; i < scroll.ops.length; ++i) {
            bytes memory raw = scroll.ops[i];
            if (uint8(raw[0]) != Code.INPUT) continue;
            types = bytes.concat(types, part(raw, 1, 3 + 4 * uint256(uint8(raw[2]))));
        }
        scroll.header = bytes.concat(
            le(scroll.ops.length),
            le(outputs.length),
            list(outputs),
            le(scroll.inputs()),
            types,
            Grove.root(scroll.leaves())
        );
        scroll.hash = Header.hash(scroll.header);
    }

    /// @notice Returns the whole encoding, with the elements of the constants.
    function encoding(Scroll memory scroll) internal pure returns (bytes memory raw) {
        raw = bytes.concat(
            "ASSAYP\x00\x01", le(scroll.ops.length), le(scroll.outputs.length), list(scroll.outputs)
        );
        uint256 constants = 0;
        bytes memory tail;
        for (uint256 i = 0; i < scroll.ops.length; ++i) {
            raw = bytes.concat(raw, scroll.ops[i]);
            if (uint8(scroll.ops[i][0]) != Code.CONSTANT) continue;
            uint256 size = Code.size(uint8(scroll.ops[i][1]));
            uint64[] memory values = scroll.constants[constants++];
            for (uint256 j = 0; j < values.length; ++j) {
                tail = bytes.concat(tail, Grove.bytesOf(values[j], size));
            }
        }
        return bytes.concat(raw, tail);
    }

    /// @notice Returns the leaves of the op tree.
    function leaves(Scroll memory scroll) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](scroll.ops.length);
        for (uint256 i = 0; i < hashes.length; ++i) {
            hashes[i] = keccak256(bytes.concat(hex"02", scroll.ops[i]));
        }
    }

    /// @notice Returns how many inputs there are so far.
    function inputs(Scroll memory scroll) internal pure returns (uint256 count) {
        for (uint256 i = 0; i < scroll.ops.length; ++i) {
            if (uint8(scroll.ops[i][0]) == Code.INPUT) ++count;
        }
    }

    // Numbers.

    function le(uint256 x) internal pure returns (bytes4) {
        return
            bytes4(
                uint32((x & 0xff) << 24 | (x & 0xff00) << 8 | (x >> 8 & 0xff00) | (x >> 24 & 0xff))
            );
    }

    function list(uint32[] memory numbers) internal pure returns (bytes memory raw) {
        raw = new bytes(4 * numbers.length);
        for (uint256 i = 0; i < numbers.length; ++i) {
            bytes4 word = le(numbers[i]);
            for (uint256 j = 0; j < 4; ++j) {
                raw[4 * i + j] = word[j];
            }
        }
    }

    function part(bytes memory raw, uint256 from, uint256 to)
        internal
        pure
        returns (bytes memory cut)
    {
        cut = new bytes(to - from);
        for (uint256 i = 0; i < cut.length; ++i) {
            cut[i] = raw[from + i];
        }
    }

    function none() internal pure returns (uint32[] memory) {
        return new uint32[](0);
    }

    function u32(uint256 a) internal pure returns (uint32[] memory x) {
        x = new uint32[](1);
        x[0] = uint32(a);
    }

    function u32(uint256 a, uint256 b) internal pure returns (uint32[] memory x) {
        x = new uint32[](2);
        (x[0], x[1]) = (uint32(a), uint32(b));
    }

    function u32(uint256 a, uint256 b, uint256 c) internal pure returns (uint32[] memory x) {
        x = new uint32[](3);
        (x[0], x[1], x[2]) = (uint32(a), uint32(b), uint32(c));
    }

    function u32(uint256 a, uint256 b, uint256 c, uint256 d)
        internal
        pure
        returns (uint32[] memory x)
    {
        x = new uint32[](4);
        (x[0], x[1], x[2], x[3]) = (uint32(a), uint32(b), uint32(c), uint32(d));
    }
}
