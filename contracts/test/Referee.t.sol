// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Arithmetic} from "../src/Arithmetic.sol";
import {Referee} from "../src/Referee.sol";
import {ICourt} from "../src/interfaces/ICourt.sol";
import {IReferee} from "../src/interfaces/IReferee.sol";
import {Code} from "../src/lib/Code.sol";
import {Encoding} from "../src/lib/Encoding.sol";
import {Tree} from "../src/lib/Tree.sol";
import {Base} from "./support/Base.sol";
import {Grove} from "./support/Grove.sol";
import {Loops} from "./support/Loops.sol";
import {Openings} from "./support/Openings.sol";
import {Script} from "./support/Script.sol";

/// @notice Golden vectors that the Rust crates generate and read: every op of vectors/ops_v1.json, one
///         element or one chain at a time, judged from openings.
contract RefereeVectorsTest is Base {
    using Code for Code.Op;

    uint256 internal constant ELEMENTS_MAX = 10; // of each tensor, spread over it
    uint256 internal constant CHAINS_MAX = 2; // of each tensor
    Arithmetic internal arithmetic = new Arithmetic();
    Referee internal referee = new Referee(arithmetic);

    /// @dev A Program with every tensor that the vectors state; others are empty.
    struct Known {
        Code.Op[] ops;
        uint64[][] tensors;
        bytes32[] trace;
    }

    function hashOf(bytes calldata raw) external pure returns (bytes32) {
        return Encoding.hash(raw);
    }

    function decimal(uint256 number) internal pure returns (string memory text) {
        if (number >= 10) text = decimal(number / 10);
        text = string.concat(text, string(abi.encodePacked(bytes1(uint8(48 + number % 10)))));
    }

    function at(string memory list, uint256 index, string memory field)
        internal
        pure
        returns (string memory)
    {
        return string.concat(list, "[", decimal(index), "]", field);
    }

    function test_vectors_programs() public view {
        string memory json = vm.readFile("../vectors/programs_v1.json");
        uint256 count = 0;
        for (; vm.keyExistsJson(json, at(".cases", count, "")); ++count) {
            bytes memory raw = vm.parseJsonBytes(json, at(".cases", count, ".program"));
            bytes32 hash = vm.parseJsonBytes32(json, at(".cases", count, ".hash"));
            vm.assertEq(this.hashOf(raw), hash, at("cases", count, ""));
        }
        vm.assertGt(count, 3);
    }

    /// @dev Each part in a test of its own, for the gas that one test has.
    function judgeCases(uint256 from, uint256 to) internal view {
        string memory json = vm.readFile("../vectors/ops_v1.json");
        uint256 judged = from;
        for (; judged < to && vm.keyExistsJson(json, at(".cases", judged, "")); ++judged) {
            this.judgeCase(json, judged);
        }
        vm.assertGt(judged, from + 4);
    }

    function test_vectors_f32() public view {
        judgeCases(0, 5);
    }

    function test_vectors_f64() public view {
        judgeCases(5, 10);
    }

    function test_vectors_rest() public view {
        judgeCases(10, 100);
    }

    /// @dev From outside, so that each case has a memory of its own.
    function judgeCase(string calldata json, uint256 index) external view {
        bytes memory raw = vm.parseJsonBytes(json, at(".cases", index, ".program"));
        this.hashOf(raw); // parses
        Known memory known = parse(raw);
        uint256 outputs = Code.word(raw, 12);
        for (uint256 i = 0; i < known.ops.length; ++i) {
            Code.Op memory op = known.ops[i];
            if (op.code != Code.INPUT) continue;
            string memory key = string.concat(".cases[", decimal(index), "].inputs");
            bytes memory data = vm.parseJsonBytes(json, at(key, op.payload(0), ".bytes"));
            known.tensors[i] = Grove.values(data, op.dtype);
        }
        for (uint256 i = 0; i < outputs; ++i) {
            uint256 op = Code.word(raw, 16 + 4 * i);
            string memory key = string.concat(".cases[", decimal(index), "].outputs");
            bytes memory data = vm.parseJsonBytes(json, at(key, i, ".bytes"));
            known.tensors[op] = Grove.values(data, known.ops[op].dtype);
        }
        known.trace = new bytes32[](known.ops.length);
        for (uint256 i = 0; i < known.ops.length; ++i) {
            if (known.tensors[i].length == 0) continue;
            known.trace[i] = Grove.root(Grove.leaves(known.tensors[i], known.ops[i].dtype));
        }
        for (uint256 i = 0; i < outputs; ++i) {
            judgeOp(known, Code.word(raw, 16 + 4 * i));
        }
    }

    function parse(bytes memory raw) internal pure returns (Known memory known) {
        uint256 ops = Code.word(raw, 8);
        uint256 from = 16 + 4 * Code.word(raw, 12);
        known.ops = new Code.Op[](ops);
        known.tensors = new uint64[][](ops);
        for (uint256 i = 0; i < ops; ++i) {
            uint256 code = uint8(raw[from]);
            uint256 rank = uint8(raw[from + 2]);
            uint256 operands = Code.word(raw, from + 3 + 4 * rank);
            uint256 end = from + 7 + 4 * rank + 4 * operands;
            end += sizeOf(code, rank, operands);
            known.ops[i] = Code.parse(Script.part(raw, from, end));
            from = end;
        }
        for (uint256 i = 0; i < ops; ++i) {
            if (known.ops[i].code != Code.CONSTANT) continue;
            uint256 end = from + Code.count(known.ops[i].dims) * Code.size(known.ops[i].dtype);
            known.tensors[i] = Grove.values(Script.part(raw, from, end), known.ops[i].dtype);
            from = end;
        }
    }

    /// @dev The payloads of docs/numerics.md, "Identity", once more.
    function sizeOf(uint256 code, uint256 rank, uint256 operands) internal pure returns (uint256) {
        if (code == Code.CONSTANT) return 32;
        if (code == Code.REQUANTISE) return 16;
        if (code == Code.TRANSPOSE) return 4 * rank;
        if (code == Code.SLICE || code == Code.PAD) return 8 * rank;
        if (code == Code.CONCAT) return 4 + 4 * operands;
        if (code == Code.SCATTER_ADD) return 8;
        bool one = code == Code.INPUT || code == Code.IOTA || code == Code.RANDOM_BITS
            || code == Code.GATHER || code == Code.SUM || code == Code.MAX_AXIS
            || code == Code.ARGMAX;
        return one ? 4 : 0;
    }

    function judgeOp(Known memory known, uint256 index) internal view {
        Code.Op memory op = known.ops[index];
        if (op.code == Code.INPUT || op.code == Code.CONSTANT) return;
        (ICourt.Brief memory brief, Code.Op[] memory x, uint64[][] memory data) = briefOf(known, op);
        uint64[] memory golden = known.tensors[index];
        for (uint256 i = 0; i < x.length; ++i) {
            if (data[i].length == 0) return; // an operand that the vectors do not state
        }
        uint256 most = Code.isChain(op.code) ? CHAINS_MAX : ELEMENTS_MAX;
        uint256 stride = (golden.length + most - 1) / most;
        for (uint256 e = 0; e < golden.length; e += stride) {
            uint64 value = Code.isChain(op.code)
                ? walk(brief, op, x, data, e)
                : judgeElement(known, brief, op, x, data, e);
            vm.assertEq(value, golden[e], decimal(op.code));
        }
    }

    function judgeElement(
        Known memory known,
        ICourt.Brief memory brief,
        Code.Op memory op,
        Code.Op[] memory x,
        uint64[][] memory data,
        uint256 element
    ) internal view returns (uint64) {
        ICourt.Opening[] memory shown = op.code == Code.CONCAT
            ? Openings.concat(op, data, element, known.trace)
            : Openings.element(op, x, data, element);
        bytes32 trace = Grove.root(known.trace);
        return referee.element(brief, trace, known.ops.length, element, shown);
    }

    function briefOf(Known memory known, Code.Op memory op)
        internal
        pure
        returns (ICourt.Brief memory brief, Code.Op[] memory x, uint64[][] memory data)
    {
        brief.op = op.raw;
        x = new Code.Op[](op.operandCount);
        data = new uint64[][](x.length);
        for (uint256 i = 0; i < x.length; ++i) {
            x[i] = known.ops[op.operand(i)];
            data[i] = known.tensors[op.operand(i)];
        }
        if (op.code == Code.CONCAT) return (brief, x, data);
        brief.operands = new bytes[](x.length);
        brief.roots = new bytes32[](x.length);
        for (uint256 i = 0; i < x.length; ++i) {
            brief.operands[i] = x[i].raw;
            brief.roots[i] = known.trace[op.operand(i)];
        }
    }

    /// @dev Judges step after step, each from the states that the referee gave before; what the chain
    ///      ends in is the element.
    function walk(
        ICourt.Brief memory brief,
        Code.Op memory op,
        Code.Op[] memory x,
        uint64[][] memory data,
        uint256 element
    ) internal view returns (uint64 value) {
        Loops.Slip memory none;
        uint64[] memory states = Loops.chain(arithmetic, op, x, data, element, none);
        for (uint256 k = 0; k < states.length; ++k) {
            bytes32 chain = Grove.root(Grove.leaves(states, op.dtype));
            bytes memory chunk = Grove.chunk(states, op.dtype, k / 32);
            ICourt.Opening[] memory shown = Openings.step(op, x, data, element, k, states);
            uint64 judged = referee.step(brief, chain, element, k, chunk, shown);
            vm.assertEq(judged, states[k], "step");
        }
        bytes32 root = Grove.root(Grove.leaves(states, op.dtype));
        (value,,) = referee.ending(brief, root, Openings.ending(op, states));
    }

    /// @notice Openings that are not exactly those the table asks for are refused.
    function test_openings_refused() public {
        uint64[] memory values = new uint64[](600);
        bytes32 root = Grove.root(Grove.leaves(values, Code.I32));
        ICourt.Brief memory brief;
        uint32[] memory dims = Script.u32(600);
        brief.op = Script.encode(Code.NEG, Code.I32, dims, Script.u32(0), "");
        brief.operands = new bytes[](1);
        brief.operands[0] = Script.encode(Code.IOTA, Code.I32, dims, Script.none(), hex"00000000");
        brief.roots = new bytes32[](1);
        brief.roots[0] = root;
        ICourt.Opening[] memory shown = Openings.list(Openings.at(values, Code.I32, 40));
        vm.assertEq(referee.element(brief, 0, 1, 40, shown), 0);
        bytes32[] memory way = shown[0].siblings;
        vm.assertEq(way.length, 7); // 3 chunks and 3 quads beside, and one group
        ICourt.Opening[] memory more = Openings.append(shown, shown[0]);
        vm.expectRevert(abi.encodeWithSelector(IReferee.Openings.selector, 1, 2));
        referee.element(brief, 0, 1, 40, more);
        vm.expectRevert(abi.encodeWithSelector(IReferee.Openings.selector, 1, 0));
        referee.element(brief, 0, 1, 40, new ICourt.Opening[](0));
        shown[0].siblings = Grove.append(way, 0);
        vm.expectRevert(abi.encodeWithSelector(Tree.SiblingCount.selector, 8, 7));
        referee.element(brief, 0, 1, 40, shown);
        shown[0].siblings = new bytes32[](6);
        vm.expectRevert(abi.encodeWithSelector(Tree.SiblingCount.selector, 6, 7));
        referee.element(brief, 0, 1, 40, shown);
        shown[0].siblings = way;
        shown[0].chunk = new bytes(256);
        vm.expectRevert(abi.encodeWithSelector(IReferee.ChunkSize.selector, 128, 256));
        referee.element(brief, 0, 1, 40, shown);
        shown[0] = Openings.at(values, Code.I32, 40);
        brief.roots[0] = "other";
        vm.expectRevert(abi.encodeWithSelector(IReferee.NotUnder.selector, bytes32("other"), root));
        referee.element(brief, 0, 1, 40, shown);
    }

    /// @notice Inputs, constants and chains have no element that is judged at once, and the reverse.
    function test_notJudged() public {
        uint8[4] memory codes = [0x01, 0x02, 0x47, 0x51];
        for (uint256 i = 0; i < codes.length; ++i) {
            ICourt.Brief memory brief;
            brief.op = Script.encode(codes[i], 0, Script.u32(3), Script.none(), hex"00000000");
            vm.expectRevert(abi.encodeWithSelector(IReferee.NotJudged.selector, codes[i]));
            referee.element(brief, 0, 1, 0, new ICourt.Opening[](0));
        }
        ICourt.Brief memory neg;
        neg.op = Script.encode(Code.NEG, 0, Script.u32(3), Script.none(), "");
        vm.expectRevert(abi.encodeWithSelector(IReferee.NotJudged.selector, Code.NEG));
        referee.step(neg, 0, 0, 0, "", new ICourt.Opening[](0));
    }

    /// @notice Climbing in scratch memory is climbing through whole trees.
    /// forge-config: default.fuzz.runs = 200
    function test_fuzz_climb_wholeTree(uint16 size, uint16 place, bytes32 seed) public pure {
        uint256 leaves = 1 + size % 600;
        bytes32[] memory hashes = new bytes32[](leaves);
        for (uint256 i = 0; i < leaves; ++i) {
            hashes[i] = keccak256(abi.encode(seed, i));
        }
        uint256 index = place % leaves;
        bytes32 root = Grove.root(hashes);
        vm.assertEq(Tree.climb(hashes[index], index, leaves, Grove.siblings(hashes, index)), root);
        (bytes32 crowned, bytes32[] memory children) =
            Tree.crown(hashes[index], index, leaves, Grove.crownSiblings(hashes, index));
        vm.assertEq(crowned, root);
        if (leaves == 1) return;
        vm.assertEq(root, Tree.nodeOf(children));
    }
}
