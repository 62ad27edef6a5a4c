// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Court} from "../src/Court.sol";
import {ICourt} from "../src/interfaces/ICourt.sol";
import {IReferee} from "../src/interfaces/IReferee.sol";
import {Code} from "../src/lib/Code.sol";
import {Tree} from "../src/lib/Tree.sol";
import {Grove} from "./support/Grove.sol";
import {Ops} from "./support/Ops.sol";
import {Script, Scroll} from "./support/Script.sol";
import {Trial, Side, Lie} from "./support/Trial.sol";

/// @notice A court in which a dispute can stand anywhere.
contract CourtBench is Court {
    constructor(Court court, Terms memory terms, address[] memory consumers)
        Court(court.token(), court.programs(), court.referee(), terms, consumers)
    {}

    function put(uint256 dispute, Dispute calldata record) external {
        recordHash[dispute] = keccak256(abi.encode(record));
    }
}

/// @notice A party that weighs its calls: gas of the execution, without calldata and the 21,000.
contract Scale {
    function weigh(address target, bytes calldata data) external returns (uint256 used) {
        used = gasleft();
        (bool done, bytes memory why) = target.call(data);
        used -= gasleft();
        if (done) return used;
        assembly ("memory-safe") {
            revert(add(why, 32), mload(why))
        }
    }

    function approve(address token, address spender) external {
        (bool done,) = token.call(
            abi.encodeWithSignature("approve(address,uint256)", spender, type(uint256).max)
        );
        require(done);
    }
}

/// @notice The move that judges, for every op and dtype over the largest tensors there can be: 2^26
///         chunks, seven levels, in a Program of 65,536 ops. Siblings are any bytes, since no hash is
///         cheaper than another.
contract GasJudgedTest is Trial {
    uint256 internal constant INTRINSIC = 21_000;
    uint256 internal constant BYTE = 40;
    uint256 internal constant LIMIT = 500_000;
    uint32 internal constant MOST = 2 ** 31 - 1;
    uint32 internal constant OP = 65_000;
    uint32 internal constant OPS = 65_536;

    CourtBench internal bench;
    Scale internal scale;
    bytes32 internal program;
    bytes internal header;
    bytes[] internal operands;
    bytes32[] internal roots;
    ICourt.Opening[] internal openings;

    function setUp() public {
        deployTrial();
        scale = new Scale();
        bench = new CourtBench(court, termsOf(), consumers());
        token.transfer(address(scale), PURSE);
        scale.approve(address(token), address(bench));
        vm.prank(ASSERTER);
        token.approve(address(bench), type(uint256).max);
        (Scroll memory scroll,) = Ops.sums();
        register(scroll);
        (program, header) = (scroll.hash, scroll.header);
    }

    // The largest shapes.

    /// @notice 2^25.98 chunks, no extent 1.
    function wide() internal pure returns (uint32[] memory) {
        return six(63, 32, 32);
    }

    function six(uint256 first, uint256 middle, uint256 last)
        internal
        pure
        returns (uint32[] memory dims)
    {
        dims = new uint32[](6);
        for (uint256 i = 0; i < 6; ++i) {
            dims[i] = uint32(middle);
        }
        (dims[0], dims[5]) = (uint32(first), uint32(last));
    }

    /// @notice One axis that has everything, among six.
    function line(uint256 axis) internal pure returns (uint32[] memory dims) {
        dims = six(1, 1, 1);
        dims[axis] = MOST;
    }

    function ones(uint256 rank) internal pure returns (uint32[] memory dims) {
        dims = new uint32[](rank);
        for (uint256 i = 0; i < rank; ++i) {
            dims[i] = 1;
        }
    }

    // One case.

    function chunkOf(uint256 dtype, uint256 index, uint64 value)
        internal
        pure
        returns (bytes memory chunk)
    {
        uint64[] memory values = new uint64[](32);
        for (uint256 i = 0; i < 32; ++i) {
            uint64 random = uint64(uint256(keccak256(abi.encode(dtype, i))));
            // Around 1, so that no case is a short one.
            if (dtype == Code.F32) values[i] = 0x3f000000 | (random & 0x7fffff);
            else if (dtype == Code.F64) values[i] = 0x3fe0000000000000 | (random >> 12);
            else values[i] = uint32(random | 0x01010101);
        }
        if (value != 0) values[index % 32] = value;
        chunk = Grove.chunk(values, dtype, 0);
    }

    /// @dev Shows the element at `index` of `count`; returns the root.
    function show(uint256 dtype, uint256 count, uint256 index, uint64 value)
        internal
        returns (bytes32 root)
    {
        bytes memory chunk = chunkOf(dtype, index, value);
        bytes32[] memory siblings;
        (root, siblings) = Grove.way(Tree.leaf(chunk), index / 32, (count + 31) / 32);
        openings.push(ICourt.Opening(chunk, siblings));
    }

    function operand(uint256 dtype, uint32[] memory dims) internal {
        operands.push(Script.encode(Code.ADD, dtype, dims, Script.u32(OP - 9, OP - 8), ""));
    }

    function countOf(uint32[] memory dims) internal pure returns (uint256 count) {
        count = 1;
        for (uint256 i = 0; i < dims.length; ++i) {
            count *= dims[i];
        }
    }

    /// @dev An operand that is shown at `index`.
    function shown(uint256 dtype, uint32[] memory dims, uint256 index) internal {
        operand(dtype, dims);
        roots.push(show(dtype, countOf(dims), index, 0));
    }

    struct Case {
        string name;
        uint256 code;
        uint256 dtype;
        uint32[] dims;
        bytes payload;
        uint256 element;
        uint256 step; // of a chain of `steps`, none if that is 0
        uint256 steps;
        bytes32 chain;
        bytes32 trace;
    }

    function judge(Case memory c) internal {
        uint32[] memory indices = new uint32[](operands.length);
        for (uint32 i = 0; i < indices.length; ++i) {
            indices[i] = OP - 1 - i;
        }
        judgeAt(c, Script.encode(c.code, c.dtype, c.dims, indices, c.payload));
    }

    function judgeAt(Case memory c, bytes memory op) internal {
        uint256 id = bench.post(program, 0, "wrong", ASSERTER, 1, new uint256[](0));
        scale.weigh(address(bench), abi.encodeCall(ICourt.challenge, (id, "right", header)));
        bytes memory data = dataOf(id, c, op);
        uint256 used = scale.weigh(address(bench), data);
        vm.assertEq(bench.recordHash(id), 0, "judged");
        vm.assertEq(uint256(bench.claim(id).state), uint256(ICourt.State.Struck), c.name);
        uint256 step = scale.weigh(address(bench.referee()), stepOf(c, op));
        note(string.concat(c.name, suffix(c.dtype)), data, used, step);
        delete operands;
        delete roots;
        delete openings;
    }

    /// @dev The transaction as it is charged (EIP-7623), and the step with every byte at 40 gas.
    function note(string memory name, bytes memory data, uint256 used, uint256 step) internal {
        uint256 tokens = data.length;
        for (uint256 i = 0; i < data.length; ++i) {
            if (data[i] != 0) tokens += 3;
        }
        uint256 standard = 4 * tokens + used;
        uint256 charged = INTRINSIC + (10 * tokens > standard ? 10 * tokens : standard);
        uint256 counted = INTRINSIC + BYTE * data.length + step;
        vm.snapshotValue("Judged", string.concat(name, ", bytes"), data.length);
        vm.snapshotValue("Judged", string.concat(name, ", charged"), charged);
        vm.snapshotValue("Judged", string.concat(name, ", step"), step);
        vm.snapshotValue("Judged", string.concat(name, ", step and bytes at 40"), counted);
        vm.assertLe(charged, LIMIT, name);
        vm.assertLe(counted, LIMIT, name);
    }

    function stepOf(Case memory c, bytes memory op) internal view returns (bytes memory) {
        ICourt.Brief memory brief = ICourt.Brief(op, operands, roots);
        if (c.steps == 0) {
            return abi.encodeCall(IReferee.element, (brief, c.trace, OPS, c.element, openings));
        }
        bytes memory chunk = chunkOf(c.dtype, c.step, 0x12345);
        return abi.encodeCall(IReferee.step, (brief, c.chain, c.element, c.step, chunk, openings));
    }

    function dataOf(uint256 id, Case memory c, bytes memory op) internal returns (bytes memory) {
        ICourt.Brief memory brief = ICourt.Brief(op, operands, roots);
        uint256 at = c.steps > 0 ? c.step : c.element;
        bytes memory chunk = chunkOf(c.dtype, at, 0x12345); // what no step gives
        ICourt.Dispute memory record;
        record.claim = id;
        record.challenger = address(scale);
        record.stage = c.steps > 0 ? ICourt.Stage.Chain : ICourt.Stage.Tensor;
        record.turn = ICourt.Turn.Element;
        record.since = uint64(block.number);
        record.challengerBlocks = 1;
        record.outline.opCount = OPS;
        record.op = OP;
        record.trace = c.trace;
        record.chain = c.chain;
        record.node = Tree.leaf(chunk);
        record.index = uint64(at / 32);
        record.element = uint64(c.element);
        record.brief = keccak256(abi.encode(brief));
        bench.put(id, record);
        return
            abi.encodeCall(
                ICourt.nameElement, (id, record, chunk, uint64(at % 32), brief, openings)
            );
    }

    function suffix(uint256 dtype) internal pure returns (string memory) {
        return dtype == Code.F32 ? " f32" : dtype == Code.F64 ? " f64" : " i32";
    }

    // Cases.

    function elementwise(string memory name, uint256 code, uint256 dtype, uint256 arity) internal {
        for (uint256 i = 0; i < arity; ++i) {
            uint256 type_ = code == Code.SELECT && i == 0 ? Code.I32 : dtype;
            shown(type_, wide(), 37);
        }
        Case memory c;
        (c.name, c.code, c.dtype, c.dims, c.element) = (name, code, dtype, wide(), 37);
        if (code >= Code.LT && code <= Code.EQ) c.dtype = Code.I32;
        if (code == Code.REQUANTISE) c.payload = Ops.list(2 ** 30, 30, 2 ** 31, 2 ** 31 - 1);
        judge(c);
    }

    function movement(string memory name, uint256 code, uint32[] memory to, bytes memory payload)
        internal
    {
        for (uint256 dtype = 0; dtype < 3; ++dtype) {
            Case memory c;
            (c.name, c.code, c.dtype, c.dims, c.payload) = (name, code, dtype, to, payload);
            c.element = countOf(to) - 1;
            uint32[] memory from = wide();
            if (code == Code.PAD) from = six(62, 32, 31);
            uint256 index = countOf(from) - 1;
            if (code == Code.SLICE) c.element = index = 37;
            shown(dtype, from, index);
            judge(c);
        }
    }

    /// @dev A chain of as many steps as there can be; the state before stands in another chunk.
    function chained(string memory name, uint256 code, uint256 dtype) internal {
        Case memory c;
        (c.name, c.code, c.dtype, c.steps) = (name, code, dtype, MOST);
        c.step = code == Code.SUM ? 40 : 64;
        if (code == Code.MATMUL) {
            c.dims = ones(6);
            shown(dtype, line(5), c.step);
            shown(dtype, line(4), c.step);
        } else if (code == Code.SCATTER_ADD) {
            c.dims = ones(6);
            c.payload = Ops.list(0, 1);
            operand(dtype, line(0));
            operand(Code.I32, Script.u32(MOST));
            roots.push(0);
            roots.push(0);
            // Every index is 1: a position outside costs the same as any other, and less than one
            // that is added; so the index shown is the position, 0, the only zero among the chunk.
            roots[1] = showZero(c.step);
            roots[0] = show(dtype, MOST, c.step, 0);
        } else {
            c.dims = ones(5);
            c.payload = Ops.list(5);
            shown(dtype, line(5), c.step);
            if (code == Code.ARGMAX) {
                c.dtype = Code.I32;
                // The index so far is the step before, whose chunk is shown under the same root.
                (bytes32 root, ICourt.Opening memory best) = neighbour(dtype, c.step);
                roots[0] = root;
                openings.push(best);
            }
        }
        uint256 before = code == Code.SUM ? c.step - 32 : c.step - 1;
        c.chain = show(c.dtype, MOST, before, code == Code.ARGMAX ? 3 : 0);
        string memory kind = code == Code.ARGMAX ? suffix(dtype) : "";
        c.name = string.concat(name, kind, code == Code.ARGMAX ? " in" : "");
        judge(c);
    }

    function showZero(uint256 index) internal returns (bytes32 root) {
        bytes memory chunk = new bytes(128);
        bytes32[] memory siblings;
        (root, siblings) = Grove.way(Tree.leaf(chunk), index / 32, (uint256(MOST) + 31) / 32);
        openings.push(ICourt.Opening(chunk, siblings));
    }

    /// @dev Two chunks of one tree: the one shown last, and that of element 3, in the same group.
    function neighbour(uint256 dtype, uint256 step)
        internal
        returns (bytes32 root, ICourt.Opening memory best)
    {
        ICourt.Opening storage next = openings[openings.length - 1];
        best.chunk = chunkOf(dtype, 3, 0);
        best.siblings = next.siblings;
        bytes32 first = Tree.leaf(best.chunk);
        bytes32 second = Tree.leaf(next.chunk);
        // Siblings of `second` without itself: 0, 1, 3 ... of the group; of `first`: 1, 2, 3 ...
        bytes32 one = best.siblings[1];
        next.siblings[0] = first;
        best.siblings[0] = one;
        best.siblings[1] = second;
        root = Tree.climb(second, step / 32, (uint256(MOST) + 31) / 32, next.siblings);
    }

    // The table.

    /// forge-config: default.isolate = true
    function test_gas_elementwise() public {
        string[10] memory names =
            ["add", "sub", "mul", "neg", "abs", "min", "max", "lt", "le", "eq"];
        for (uint256 dtype = 0; dtype < 3; ++dtype) {
            for (uint256 i = 0; i < names.length; ++i) {
                bool one = i == 3 || i == 4;
                elementwise(names[i], 0x10 + i, dtype, one ? 1 : 2);
            }
        }
    }

    /// forge-config: default.isolate = true
    function test_gas_ternary() public {
        for (uint256 dtype = 0; dtype < 3; ++dtype) {
            elementwise("select", Code.SELECT, dtype, 3);
            if (dtype < 2) elementwise("fma", Code.FMA, dtype, 3);
        }
    }

    /// forge-config: default.isolate = true
    function test_gas_floats() public {
        string[9] memory names =
            ["div", "fma", "sqrt", "floor", "exp", "log", "tanh", "erf", "erfc"];
        for (uint256 dtype = 0; dtype < 2; ++dtype) {
            for (uint256 i = 0; i < names.length; ++i) {
                if (i != 1) elementwise(names[i], 0x20 + i, dtype, i == 0 ? 2 : 1);
            }
        }
    }

    /// forge-config: default.isolate = true
    function test_gas_integers() public {
        string[7] memory names = ["and", "or", "xor", "shl", "shr", "sar", "requantise"];
        for (uint256 i = 0; i < names.length; ++i) {
            elementwise(names[i], 0x30 + i, Code.I32, i == 6 ? 1 : 2);
        }
    }

    /// forge-config: default.isolate = true
    function test_gas_convert() public {
        for (uint256 from = 0; from < 3; ++from) {
            for (uint256 to = 0; to < 3; ++to) {
                shown(from, wide(), 37);
                Case memory c;
                c.name = string.concat("convert", suffix(from), " to");
                (c.code, c.dtype, c.dims, c.element) = (Code.CONVERT, to, wide(), 38);
                delete operands;
                delete roots;
                delete openings;
                shown(from, wide(), 38);
                if (from != to) judge(c);
            }
        }
    }

    /// forge-config: default.isolate = true
    function test_gas_movement() public {
        uint32[] memory shape = wide();
        uint32[] memory axes = Script.u32(0, 1, 2, 3);
        movement("reshape", Code.RESHAPE, shape, "");
        bytes memory same = bytes.concat(Script.list(axes), Ops.list(5, 4));
        movement("transpose", Code.TRANSPOSE, shape, same);
        movement("broadcast", Code.BROADCAST, shape, "");
        bytes memory lo = Script.list(new uint32[](6));
        movement("slice", Code.SLICE, shape, bytes.concat(lo, Script.list(shape)));
        uint32[] memory low = new uint32[](6);
        (low[0], low[5]) = (1, 1);
        movement("pad", Code.PAD, shape, bytes.concat(Script.list(low), lo));
    }

    /// forge-config: default.isolate = true
    function test_gas_sources() public {
        Case memory c;
        (c.name, c.code, c.dtype, c.dims) = ("iota", Code.IOTA, Code.I32, wide());
        (c.payload, c.element) = (Ops.list(5), 37);
        judge(c);
        operand(Code.I32, Script.u32(2));
        roots.push(show(Code.I32, 2, 0, 0));
        (c.name, c.code, c.payload) = ("random_bits", Code.RANDOM_BITS, Ops.list(7));
        judge(c);
    }

    /// forge-config: default.isolate = true
    function test_gas_lookups() public {
        for (uint256 dtype = 0; dtype < 3; ++dtype) {
            Case memory c;
            (c.name, c.code, c.dtype, c.dims) = ("gather", Code.GATHER, dtype, line(0));
            (c.payload, c.element) = (Ops.list(0), 37);
            operand(dtype, line(0));
            operand(Code.I32, Script.u32(MOST));
            roots.push(0);
            roots.push(show(Code.I32, MOST, 37, 70));
            roots[0] = show(dtype, MOST, 70, 0);
            judge(c);
        }
    }

    /// @dev The last of 256 operands, which nearly is the whole.
    /// forge-config: default.isolate = true
    function test_gas_concat() public {
        uint32[] memory indices = new uint32[](256);
        uint32[] memory extents = new uint32[](256);
        for (uint32 i = 0; i < 256; ++i) {
            (indices[i], extents[i]) = (OP - 256 + i, 1);
        }
        extents[255] = MOST - 255;
        bytes memory payload = bytes.concat(Ops.list(0), Script.list(extents));
        for (uint256 dtype = 0; dtype < 3; ++dtype) {
            Case memory c;
            (c.name, c.code, c.dtype, c.dims) = ("concat", Code.CONCAT, dtype, line(0));
            c.element = MOST - 7;
            uint256 index = c.element - 255;
            bytes32 root = show(dtype, extents[255], index, 0);
            (bytes32 trace, bytes32[] memory on) = Grove.way(root, OP - 1, OPS);
            for (uint256 i = 0; i < on.length; ++i) {
                openings[0].siblings.push(on[i]);
            }
            c.trace = trace;
            judgeAt(c, Script.encode(Code.CONCAT, dtype, c.dims, indices, payload));
        }
    }

    /// forge-config: default.isolate = true
    function test_gas_chains() public {
        for (uint256 dtype = 0; dtype < 3; ++dtype) {
            chained("scatter_add", Code.SCATTER_ADD, dtype);
            chained("matmul", Code.MATMUL, dtype);
            chained("sum", Code.SUM, dtype);
            chained("max_axis", Code.MAX_AXIS, dtype);
            chained("argmax", Code.ARGMAX, dtype);
        }
    }
}
