// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Code} from "./Code.sol";
import {Header} from "./Header.sol";
import {Shapes} from "./Shapes.sol";
import {Tree} from "./Tree.sol";

/// @title Encodings of whole Programs
/// @notice Computes the hash that an encoding has (docs/numerics.md, "Identity") and checks what
///         holds for a Program as a whole: bytes to the last, outputs that exist, inputs in order,
///         ops with as many operands as they take, constants that are what their roots say.
/// @dev Whatever is wrong with the bytes reverts with `Code.Malformed`, so that a caller can tell
///      it from a lack of gas. Deliberately absent: whether each op is well formed.
library Encoding {
    bytes8 private constant MAGIC = "ASSAYP\x00\x01";
    uint256 private constant OPS_MAX = 65_536;

    /// @dev Where the reading stands.
    /// @param cursor the next byte
    /// @param inputs room for the types of all inputs, as the header has them
    /// @param inputsLength bytes of it that are written
    /// @param constants where the encoding of each constant begins, and its end
    struct Reader {
        uint256 cursor;
        uint256 inputCount;
        bytes inputs;
        uint256 inputsLength;
        uint256 constantCount;
        uint256[] constants;
    }

    /// @notice Returns the hash of the Program that is encoded.
    function hash(bytes calldata raw) internal pure returns (bytes32) {
        _need(raw, 16);
        require(bytes8(raw[0:8]) == MAGIC, Code.Malformed(0, raw.length));
        uint256 ops = word(raw, 8);
        uint256 outputs = word(raw, 12);
        bool counts = ops > 0 && ops <= OPS_MAX && outputs > 0 && outputs <= OPS_MAX;
        require(counts, Code.Malformed(8, raw.length));
        Reader memory reader;
        reader.cursor = 16 + 4 * outputs;
        _need(raw, reader.cursor);
        for (uint256 i = 0; i < outputs; ++i) {
            require(word(raw, 16 + 4 * i) < ops, Code.Malformed(16 + 4 * i, raw.length));
        }
        reader.inputs = new bytes(raw.length);
        reader.constants = new uint256[](ops);
        bytes32[] memory leaves = new bytes32[](ops);
        for (uint256 i = 0; i < ops; ++i) {
            leaves[i] = _leaf(raw, reader);
        }
        _checkConstants(raw, reader);
        bytes memory inputs = reader.inputs;
        uint256 inputsLength = reader.inputsLength;
        assembly ("memory-safe") {
            mstore(inputs, inputsLength)
        }
        return Header.hash(
            abi.encodePacked(
                raw[8:16 + 4 * outputs], _le(reader.inputCount), inputs, Tree.root(leaves)
            )
        );
    }

    /// @dev Reads one op and returns its leaf.
    function _leaf(bytes calldata raw, Reader memory reader) private pure returns (bytes32) {
        uint256 cursor = reader.cursor;
        _need(raw, cursor + 7);
        uint256 head;
        assembly ("memory-safe") {
            head := calldataload(add(raw.offset, cursor))
        }
        uint256 code = head >> 248;
        uint256 rank = head >> 232 & 0xff;
        uint256 dtype = head >> 240 & 0xff;
        bool known = Shapes.isCode(code) && dtype <= Code.I32 && rank <= Code.RANK_MAX;
        require(known, Code.Malformed(cursor, raw.length));
        uint256 payload;
        uint256 end;
        unchecked {
            // A rank of at most 6, a count that the op takes: none of this comes near 2^256.
            uint256 operands = word(raw, cursor + 3 + 4 * rank);
            require(Shapes.takes(code, operands), Code.Malformed(cursor, raw.length));
            payload = cursor + 7 + 4 * rank + 4 * operands;
            end = payload + Shapes.payloadSize(code, rank, operands);
        }
        _need(raw, end);
        if (code == Code.INPUT) {
            require(word(raw, payload) == reader.inputCount, Code.Malformed(payload, raw.length));
            reader.inputCount += 1;
            _addInput(raw, reader, cursor + 1, 2 + 4 * rank);
        }
        if (code == Code.CONSTANT) reader.constants[reader.constantCount++] = cursor;
        reader.cursor = end;
        return _hash(raw, cursor, end);
    }

    /// @dev Is `reader.inputs = abi.encodePacked(reader.inputs, raw[from:from + length])`, in the
    ///      room that was made for all of them; else the cost would grow with their square.
    function _addInput(bytes calldata raw, Reader memory reader, uint256 from, uint256 length)
        private
        pure
    {
        bytes memory inputs = reader.inputs;
        uint256 to = reader.inputsLength;
        assembly ("memory-safe") {
            calldatacopy(add(add(inputs, 32), to), add(raw.offset, from), length)
        }
        reader.inputsLength = to + length;
    }

    /// @dev Is `keccak256(abi.encodePacked(bytes1(0x02), raw[at:end]))`, without keeping the bytes:
    ///      with tens of thousands of ops memory would cost more than hashing.
    function _hash(bytes calldata raw, uint256 cursor, uint256 end)
        private
        pure
        returns (bytes32 leaf)
    {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore8(free, 2)
            calldatacopy(add(free, 1), add(raw.offset, cursor), sub(end, cursor))
            leaf := keccak256(free, add(sub(end, cursor), 1))
        }
    }

    /// @dev The elements of the constants follow the ops, and nothing follows them.
    function _checkConstants(bytes calldata raw, Reader memory reader) private pure {
        uint256 cursor = reader.cursor;
        for (uint256 i = 0; i < reader.constantCount; ++i) {
            uint256 op = reader.constants[i];
            uint256 rank = uint8(raw[op + 2]);
            uint256 size = Code.size(uint8(raw[op + 1]));
            uint256 length = size;
            for (uint256 axis = 0; axis < rank; ++axis) {
                length *= word(raw, op + 3 + 4 * axis);
                require(length > 0 && length <= raw.length, Code.Malformed(op, raw.length));
            }
            _need(raw, cursor + length);
            bytes32 root = Tree.tensorRoot(raw[cursor:cursor + length], 32 * size);
            uint256 payload = op + 7 + 4 * rank;
            require(bytes32(raw[payload:payload + 32]) == root, Code.Malformed(op, raw.length));
            cursor += length;
        }
        require(cursor == raw.length, Code.Malformed(cursor, raw.length));
    }

    /// @notice Returns the u32 at `at`.
    function word(bytes calldata raw, uint256 cursor) internal pure returns (uint256 x) {
        _need(raw, cursor + 4);
        assembly ("memory-safe") {
            x := shr(224, calldataload(add(raw.offset, cursor)))
        }
        x = ((x & 0xff00ff00) >> 8) | ((x & 0x00ff00ff) << 8);
        x = (x >> 16) | ((x & 0xffff) << 16);
    }

    function _le(uint256 x) private pure returns (bytes4) {
        x = ((x & 0xff00ff00) >> 8) | ((x & 0x00ff00ff) << 8);
        return bytes4(uint32((x >> 16) | ((x & 0xffff) << 16)));
    }

    function _need(bytes calldata raw, uint256 end) private pure {
        require(end <= raw.length, Code.Malformed(end, raw.length));
    }
}
