// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {I32} from "../../src/lib/I32.sol";
import {Philox} from "../../src/lib/Philox.sol";
import {Scalar} from "../../src/lib/Scalar.sol";
import {Base} from "../support/Base.sol";

/// @notice The golden vectors of single steps that the reference interpreter writes: the same
///         operands, the same bits.
contract ScalarVectorsTest is Base {
    string internal constant SCALARS = "../vectors/scalar_v1.json";
    string internal constant PHILOX = "../vectors/philox_v1.json";
    uint256 internal constant REQUANTISE = 0x36;

    /// @notice Every case of the file, one a line; each is checked in a call of its own, so that its
    ///         memory is given back.
    function test_everyCase() public {
        uint256 cases = 0;
        while (true) {
            bytes memory line = bytes(vm.readLine(SCALARS));
            if (line.length == 0) break;
            if (line.length < 6 || line[4] != "{") continue;
            if (line[line.length - 1] == ",") {
                assembly ("memory-safe") {
                    mstore(line, sub(mload(line), 1)) // without the comma
                }
            }
            this.check(string(line));
            ++cases;
        }
        vm.assertEq(cases, 12);
    }

    /// @notice Compares the results of one case.
    function check(string memory line) external pure {
        bytes[] memory raw = vm.parseJsonBytesArray(line, ".operands");
        bytes memory dtypes = vm.parseJsonBytes(line, ".operand_dtypes");
        uint64[][] memory operands = new uint64[][](5); // what an op lacks is its first again
        for (uint256 i = 0; i < 5; ++i) {
            uint256 from = i < raw.length ? i : 0;
            operands[i] = elements(raw[from], uint8(dtypes[from]));
        }
        bytes[] memory results = vm.parseJsonBytesArray(line, ".results");
        string[] memory ops = vm.parseJsonStringArray(line, ".ops");
        bytes memory codes = vm.parseJsonBytes(line, ".codes");
        bytes memory resultDtypes = vm.parseJsonBytes(line, ".result_dtypes");
        for (uint256 op = 0; op < results.length; ++op) {
            uint8[3] memory kind = [uint8(codes[op]), uint8(dtypes[0]), uint8(resultDtypes[op])];
            compare(ops[op], kind, operands, elements(results[op], kind[2]));
        }
    }

    function compare(
        string memory op,
        uint8[3] memory kind,
        uint64[][] memory operands,
        uint64[] memory expected
    ) internal pure {
        vm.assertEq(operands[0].length, expected.length, op);
        for (uint256 i = 0; i < expected.length; ++i) {
            (uint64 a, uint64 b, uint64 c) = (operands[0][i], operands[1][i], operands[2][i]);
            uint64 got = kind[0] == REQUANTISE
                ? requantise(operands, i)
                : Scalar.compute(kind[0], kind[1], kind[2], a, b, c);
            if (got == expected[i]) continue;
            string memory what = vm.toString(abi.encodePacked(a, b, c));
            vm.assertEq(uint256(got), uint256(expected[i]), string.concat(op, " of ", what));
        }
    }

    function requantise(uint64[][] memory rows, uint256 i) internal pure returns (uint64) {
        int32[5] memory row;
        for (uint256 j = 0; j < 5; ++j) {
            row[j] = int32(uint32(rows[j][i]));
        }
        return uint32(I32.requantise(row[0], row[1], uint32(row[2]), row[3], row[4]));
    }

    /// @notice Reads little-endian elements.
    function elements(bytes memory data, uint8 dtype) internal pure returns (uint64[] memory list) {
        uint256 size = dtype == Scalar.DOUBLE ? 8 : 4;
        list = new uint64[](data.length / size);
        for (uint256 i = 0; i < data.length; ++i) {
            list[i / size] |= uint64(uint8(data[i])) << uint64(8 * (i % size));
        }
    }

    function test_philox_knownAnswers() public view {
        string memory json = vm.readFile(PHILOX);
        for (uint256 i = 0; i < 3; ++i) {
            string memory at =
                string.concat(".answers[", string(abi.encodePacked(uint8(48 + i))), "]");
            uint256[4] memory counter = words4(json, string.concat(at, ".counter"));
            string memory key = string.concat(at, ".key[");
            uint256 key0 = vm.parseJsonUint(json, string.concat(key, "0]"));
            uint256 key1 = vm.parseJsonUint(json, string.concat(key, "1]"));
            uint32[4] memory got = Philox.words(
                [uint32(counter[0]), uint32(counter[1]), uint32(counter[2]), uint32(counter[3])],
                key0,
                key1
            );
            uint256[4] memory expected = words4(json, string.concat(at, ".words"));
            for (uint256 j = 0; j < 4; ++j) {
                vm.assertEq(uint256(got[j]), expected[j], at);
            }
        }
    }

    function words4(string memory json, string memory at)
        internal
        pure
        returns (uint256[4] memory words)
    {
        bytes1[4] memory digits = [bytes1("0"), "1", "2", "3"];
        for (uint256 i = 0; i < 4; ++i) {
            string memory key = string.concat(at, "[", string(abi.encodePacked(digits[i])), "]");
            words[i] = vm.parseJsonUint(json, key);
        }
    }

    /// @notice The streams of the file: keys of signed words, words in order.
    function test_philox_streams() public view {
        string memory json = vm.readFile(PHILOX);
        int32[2][3] memory keys =
            [[int32(0), 0], [int32(-1), 7], [type(int32).min, type(int32).max]];
        uint32[3] memory streams = [0, type(uint32).max, 5];
        for (uint256 i = 0; i < 3; ++i) {
            string memory at =
                string.concat(".streams[", string(abi.encodePacked(uint8(48 + i))), "]");
            vm.assertEq(vm.parseJsonUint(json, string.concat(at, ".stream")), streams[i], at);
            (uint32 key0, uint32 key1) = (uint32(keys[i][0]), uint32(keys[i][1]));
            for (uint64 e = 0; e < 9; ++e) {
                string memory place = string(abi.encodePacked(uint8(48 + e)));
                uint256 expected = vm.parseJsonUint(json, string.concat(at, ".words[", place, "]"));
                vm.assertEq(uint256(Philox.word(key0, key1, e, streams[i])), expected, at);
            }
        }
    }
}
