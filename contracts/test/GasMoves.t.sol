// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../src/interfaces/ICourt.sol";
import {Code} from "../src/lib/Code.sol";
import {Tree} from "../src/lib/Tree.sol";
import {CourtBench, Scale} from "./GasCourt.t.sol";
import {Grove} from "./support/Grove.sol";
import {Ops} from "./support/Ops.sol";
import {Script, Scroll} from "./support/Script.sol";
import {Trial} from "./support/Trial.sol";

/// @notice What each kind of move is charged where it is dearest, in snapshots/Court.json: 16 children,
///         65,536 ops, 2^32 iterations, tensors and chains of 2^26 chunks.
contract GasMovesTest is Trial {
    uint32 internal constant MOST = 2 ** 31 - 1;
    uint32 internal constant OP = 64_000;
    uint32 internal constant OPS = 65_536;
    uint256 internal constant INTRINSIC = 21_000;

    uint256 internal id;
    CourtBench internal bench;
    Scale internal scale; // the challenger
    Scale internal other; // the asserter
    bytes32 internal program;
    bytes internal header;

    function setUp() public {
        deployTrial();
        bench = new CourtBench(court, termsOf(), consumers());
        scale = purse();
        other = purse();
        (Scroll memory scroll,) = Ops.sums();
        register(scroll);
        (program, header) = (scroll.hash, scroll.header);
    }

    function purse() private returns (Scale made) {
        made = new Scale();
        token.transfer(address(made), PURSE);
        made.approve(address(token), address(bench));
    }

    /// @notice What a transaction with this calldata is charged (EIP-7623), `used` being the gas of
    ///         its execution.
    function chargedFor(bytes memory data, uint256 used) internal pure returns (uint256) {
        uint256 tokens = data.length;
        for (uint256 i = 0; i < data.length; ++i) {
            if (data[i] != 0) tokens += 3;
        }
        uint256 standard = 4 * tokens + used;
        return INTRINSIC + (10 * tokens > standard ? 10 * tokens : standard);
    }

    function recordAt(ICourt.Stage stage, ICourt.Turn turn)
        internal
        returns (ICourt.Dispute memory record)
    {
        id = bench.post(program, 0, "wrong", address(other), 1, new uint256[](0));
        bytes memory data = abi.encodeCall(ICourt.challenge, (id, "right", header));
        uint256 used = scale.weigh(address(bench), data);
        vm.snapshotValue("Court", "challenge", chargedFor(data, used));
        vm.fee(1e9); // so that the gas is advanced, which is gas too
        record.claim = id;
        record.challenger = address(scale);
        record.challengerRoot = keccak256("right");
        record.stage = stage;
        record.turn = turn;
        record.moves = 9;
        record.since = uint64(block.number);
        record.asserterBlocks = CLOCK;
        record.challengerBlocks = CLOCK;
        record.asserterGas = 1e15;
        record.challengerGas = 1e15;
        record.outline = ICourt.Outline(OPS, 100, 100, keccak256("ops"));
        record.before = keccak256("before");
        record.trace = keccak256("trace");
        record.chain = keccak256("chain");
        record.brief = keccak256("brief");
        record.node = keccak256("node");
        record.op = OP;
        record.element = 77;
        record.value = 0x3fe123456789abcd;
    }

    function weigh(string memory name, Scale who, ICourt.Dispute memory record, bytes memory data)
        internal
    {
        bench.put(id, record);
        uint256 charged = chargedFor(data, who.weigh(address(bench), data));
        vm.snapshotValue("Court", name, charged);
        vm.snapshotValue("Court", string.concat(name, ", bytes"), data.length);
    }

    function sixteen() internal pure returns (bytes32[] memory children) {
        children = new bytes32[](16);
        for (uint256 i = 0; i < 16; ++i) {
            children[i] = keccak256(abi.encode("child", i));
        }
    }

    /// forge-config: default.isolate = true
    function test_gas_reveal() public {
        ICourt.Dispute memory r = recordAt(ICourt.Stage.Tensor, ICourt.Turn.Children);
        bytes32[] memory children = sixteen();
        (r.node, r.height, r.leaves) = (Tree.nodeOf(children), 5, 2 ** 26);
        weigh("reveal", other, r, abi.encodeCall(ICourt.reveal, (id, r, children)));
        r.turn = ICourt.Turn.Child;
        weigh("nameChild", scale, r, abi.encodeCall(ICourt.nameChild, (id, r, children, 3)));
    }

    /// forge-config: default.isolate = true
    function test_gas_revealChunk() public {
        ICourt.Dispute memory r = recordAt(ICourt.Stage.Tensor, ICourt.Turn.Chunk);
        bytes memory chunk = Grove.chunk(ones(32), 1, 0);
        r.node = Tree.leaf(chunk);
        weigh("revealChunk", other, r, abi.encodeCall(ICourt.revealChunk, (id, r, chunk)));
        ICourt.Brief memory brief;
        brief.op = Script.encode(Code.SUM, 1, Script.u32(2, 2, 2, 2), Script.u32(0), Ops.list(0));
        brief.operands = new bytes[](1);
        brief.operands[0] = brief.op;
        brief.roots = new bytes32[](1);
        r.turn = ICourt.Turn.Element;
        r.brief = keccak256(abi.encode(brief));
        ICourt.Opening[] memory none;
        bytes memory data = abi.encodeCall(ICourt.nameElement, (id, r, chunk, 3, brief, none));
        weigh("nameElement of a chain", scale, r, data);
    }

    /// forge-config: default.isolate = true
    function test_gas_postStates() public {
        ICourt.Dispute memory r = recordAt(ICourt.Stage.Iterations, ICourt.Turn.Root);
        r.leaves = 2 ** 32;
        (bytes32 root, bytes32[] memory up) = Grove.crownWay(r.node, r.leaves - 1, r.leaves);
        weigh("postStates", other, r, abi.encodeCall(ICourt.postStates, (id, r, root, up)));
        r = recordAt(ICourt.Stage.Iterations, ICourt.Turn.Child);
        bytes32[] memory children = sixteen();
        (r.node, r.height, r.leaves, r.index) = (Tree.nodeOf(children), 1, 2 ** 32, 7);
        (r.trace, up) = Grove.way("before", 16 * 7 + 2, r.leaves);
        bytes memory data = abi.encodeCall(ICourt.nameIteration, (id, r, children, 3, "before", up));
        weigh("nameIteration", scale, r, data);
    }

    /// forge-config: default.isolate = true
    function test_gas_nameOutput() public {
        ICourt.Dispute memory r = recordAt(ICourt.Stage.Outputs, ICourt.Turn.Child);
        bytes32[] memory children = new bytes32[](2);
        (children[0], children[1]) = ("first", "second");
        (r.node, r.height, r.leaves) = (Tree.nodeOf(children), 1, 2);
        bytes memory data = abi.encodeCall(ICourt.nameOutput, (id, r, children, 0, header));
        weigh("nameOutput", scale, r, data);
    }

    /// forge-config: default.isolate = true
    function test_gas_postTrace() public {
        ICourt.Dispute memory r = recordAt(ICourt.Stage.Trace, ICourt.Turn.Root);
        r.leaves = OPS;
        (bytes32 root, bytes32[] memory up) = Grove.crownWay(r.node, OP, OPS);
        weigh("postTrace", other, r, abi.encodeCall(ICourt.postTrace, (id, r, root, up)));
    }

    /// @dev An op of three operands whose encodings are those of unary ops. Operands and op stand in
    ///      one op tree, so all of them are one leaf here: four times the same op at one place.
    /// forge-config: default.isolate = true
    function test_gas_nameOp() public {
        ICourt.Dispute memory r = recordAt(ICourt.Stage.Trace, ICourt.Turn.Child);
        bytes32[] memory children = sixteen();
        (r.node, r.height, r.leaves, r.index) = (Tree.nodeOf(children), 1, OPS, OP / 16);
        uint32[] memory dims = Script.u32(2, 2, 2, 2);
        uint32 at = OP;
        bytes memory op = Script.encode(Code.FMA, 0, dims, Script.u32(at, at, at), "");
        bytes32 leaf = keccak256(bytes.concat(hex"02", op));
        ICourt.OpOpening[] memory shown = new ICourt.OpOpening[](4);
        (r.outline.opsRoot, shown[0].siblings) = Grove.way(leaf, at, OPS);
        bytes32[] memory up;
        (r.trace, up) = Grove.way("operand", at, OPS);
        for (uint256 i = 0; i < 4; ++i) {
            shown[i].encoding = op;
            shown[i].siblings = shown[0].siblings;
            if (i > 0) (shown[i].root, shown[i].rootSiblings) = ("operand", up);
        }
        bytes memory data = abi.encodeCall(ICourt.nameOp, (id, r, children, 0, shown));
        weigh("nameOp", scale, r, data);
    }

    /// @dev The end of the longest sum in f64: its last two chunks.
    /// forge-config: default.isolate = true
    function test_gas_postChain() public {
        ICourt.Dispute memory r = recordAt(ICourt.Stage.Chain, ICourt.Turn.Root);
        ICourt.Brief memory brief;
        brief.op = Script.encode(Code.SUM, 1, Script.none(), Script.u32(0), Ops.list(0));
        brief.operands = new bytes[](1);
        brief.operands[0] = Script.encode(Code.NEG, 1, Script.u32(MOST), Script.u32(0), "");
        brief.roots = new bytes32[](1);
        r.brief = keccak256(abi.encode(brief));
        r.value = 0x4040000000000000; // 32
        (bytes32 root, ICourt.Opening[] memory last) = lastOf();
        weigh("postChain", other, r, abi.encodeCall(ICourt.postChain, (id, r, brief, root, last)));
    }

    function ones(uint256 count) internal pure returns (uint64[] memory values) {
        values = new uint64[](count);
        for (uint256 i = 0; i < count; ++i) {
            values[i] = 0x3ff0000000000000;
        }
    }

    function lastOf() internal pure returns (bytes32 root, ICourt.Opening[] memory last) {
        last = new ICourt.Opening[](2);
        last[0].chunk = Grove.chunk(ones(31), 1, 0);
        last[1].chunk = Grove.chunk(ones(32), 1, 0);
        uint256 chunks = 2 ** 26; // the root has four children, so the crown's way is the plain one
        bytes32[] memory up;
        (, up) = Grove.way(Tree.leaf(last[0].chunk), chunks - 1, chunks);
        up[2] = Tree.leaf(last[1].chunk);
        root = Tree.climb(Tree.leaf(last[0].chunk), chunks - 1, chunks, up);
        last[0].siblings = up;
        bytes32[] memory beside = new bytes32[](up.length);
        for (uint256 i = 0; i < up.length; ++i) {
            beside[i] = up[i];
        }
        beside[2] = Tree.leaf(last[0].chunk);
        last[1].siblings = beside;
    }
}
