// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../src/interfaces/ICourt.sol";
import {IPrograms} from "../src/interfaces/IPrograms.sol";
import {Code} from "../src/lib/Code.sol";
import {Header} from "../src/lib/Header.sol";
import {Grove} from "./support/Grove.sol";
import {Ops} from "./support/Ops.sol";
import {Script, Scroll} from "./support/Script.sol";
import {Trial} from "./support/Trial.sol";

/// @notice Registration, the window, the bond, and strikes at encodings.
contract ProgramsTest is Trial {
    using Script for Scroll;

    address internal constant STRIKER = address(0x5);

    function setUp() public {
        deployTrial();
    }

    function everything() internal pure returns (Scroll memory scroll) {
        (scroll,) = Ops.everything();
    }

    function strike(bytes32 program, bytes memory encoding) internal {
        vm.prank(STRIKER);
        programs.strikeEncoding(program, encoding);
    }

    function sound(bytes32 program) internal {
        vm.expectRevert(abi.encodeWithSelector(IPrograms.WellFormed.selector, program));
    }

    /// @dev Registers bytes under the hash they should have, and strikes them.
    function falls(bytes32 program, bytes memory encoding) internal {
        programs.register(program, encoding);
        uint256 before = token.balanceOf(STRIKER);
        uint256 supply = token.totalSupply();
        strike(program, encoding);
        vm.assertEq(uint256(programs.entry(program).state), uint256(IPrograms.State.Struck));
        vm.assertEq(token.balanceOf(STRIKER), before + BOND / 2);
        vm.assertEq(token.totalSupply(), supply - BOND / 2);
        vm.assertEq(token.balanceOf(address(programs)), 0);
        mine(WINDOW + 1);
        vm.assertFalse(programs.ready(program));
    }

    function test_register_readyAfterTheWindow() public {
        Scroll memory scroll = everything();
        bytes memory raw = scroll.encoding();
        programs.register(scroll.hash, raw);
        IPrograms.Entry memory entry = programs.entry(scroll.hash);
        vm.assertEq(entry.registrant, address(this));
        vm.assertEq(entry.deadline, block.number + WINDOW);
        vm.assertEq(entry.encodingHash, keccak256(raw));
        vm.assertEq(token.balanceOf(address(programs)), BOND);
        vm.expectRevert(abi.encodeWithSelector(IPrograms.AlreadyRegistered.selector, scroll.hash));
        programs.register(scroll.hash, raw);
        mine(WINDOW);
        vm.assertFalse(programs.ready(scroll.hash));
        vm.expectRevert(abi.encodeWithSelector(IPrograms.NothingToConfirm.selector, scroll.hash));
        programs.confirm(scroll.hash);
        mine(1);
        vm.assertTrue(programs.ready(scroll.hash));
        uint256 before = token.balanceOf(address(this));
        programs.confirm(scroll.hash);
        vm.assertEq(token.balanceOf(address(this)), before + BOND);
        vm.expectRevert(abi.encodeWithSelector(IPrograms.NothingToConfirm.selector, scroll.hash));
        programs.confirm(scroll.hash);
        vm.assertTrue(programs.ready(scroll.hash));
    }

    function test_register_refusesLongOnes() public {
        uint256 most = programs.ENCODING_MAX();
        programs.register("long", new bytes(most));
        vm.expectRevert(abi.encodeWithSelector(IPrograms.TooLong.selector, most + 1, most));
        programs.register("longer", new bytes(most + 1));
    }

    function test_strike_windowAndBytes() public {
        Scroll memory scroll = everything();
        bytes memory raw = scroll.encoding();
        vm.expectRevert(abi.encodeWithSelector(IPrograms.NotRegistered.selector, scroll.hash));
        strike(scroll.hash, raw);
        programs.register(scroll.hash, "not it");
        vm.expectRevert(
            abi.encodeWithSelector(IPrograms.Mismatch.selector, keccak256("not it"), keccak256(raw))
        );
        strike(scroll.hash, raw);
        uint256 deadline = block.number + WINDOW;
        mine(WINDOW + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IPrograms.WindowClosed.selector, scroll.hash, deadline)
        );
        strike(scroll.hash, "not it");
    }

    /// @notice One that was struck can be registered again, by anybody.
    function test_register_again() public {
        Scroll memory scroll = everything();
        falls(scroll.hash, "nonsense");
        programs.register(scroll.hash, scroll.encoding());
        sound(scroll.hash);
        strike(scroll.hash, scroll.encoding());
        mine(WINDOW + 1);
        vm.assertTrue(programs.ready(scroll.hash));
    }

    function test_strikeEncoding_sound() public {
        Scroll memory scroll = everything();
        bytes memory raw = scroll.encoding();
        vm.assertEq(programs.hashOf(raw), scroll.hash);
        programs.register(scroll.hash, raw);
        sound(scroll.hash);
        strike(scroll.hash, raw);
    }

    /// @notice With too little gas the check does not end, and nothing sound falls by that.
    function test_strikeEncoding_starved() public {
        Scroll memory scroll = everything();
        bytes memory raw = scroll.encoding();
        programs.register(scroll.hash, raw);
        for (uint256 gasLimit = 60_000; gasLimit < 600_000; gasLimit += 20_000) {
            (bool struck,) = address(programs).call{gas: gasLimit}(
                abi.encodeCall(IPrograms.strikeEncoding, (scroll.hash, raw))
            );
            vm.assertFalse(struck);
        }
        vm.assertEq(uint256(programs.entry(scroll.hash).state), uint256(IPrograms.State.Registered));
    }

    function test_strikeEncoding_everyMalformation() public {
        Scroll memory scroll = everything();
        bytes memory raw = scroll.encoding();
        falls("another hash", raw);
        falls(scroll.hash, "");
        falls(scroll.hash, changed(raw, 0, 0x42)); // magic
        falls(scroll.hash, changed(raw, 7, 0x02)); // version
        falls(scroll.hash, Script.part(raw, 0, raw.length - 1));
        falls(scroll.hash, Script.part(raw, 0, 100));
        falls(scroll.hash, bytes.concat(raw, hex"00"));
        falls(scroll.hash, changed(raw, raw.length - 1, 0x42)); // a constant is not its root's
        falls(scroll.hash, changed(raw, 16, uint8(scroll.ops.length))); // an output out of range
        falls(scroll.hash, changed(raw, 10, 0xff)); // more ops than bytes
        falls(scroll.hash, changed(raw, 12, 0x00)); // no outputs
    }

    /// @dev Registered under the hash of its own header, so that nothing else is wrong with it.
    function fallsSealed(Scroll memory scroll) internal {
        scroll.seal(Script.u32(0));
        falls(scroll.hash, scroll.encoding());
    }

    function test_strikeEncoding_inputsOutOfOrder() public {
        Scroll memory scroll;
        scroll.op(Code.INPUT, Code.I32, Script.u32(3), Script.none(), Ops.list(1));
        scroll.op(Code.INPUT, Code.I32, Script.u32(3), Script.none(), Ops.list(0));
        fallsSealed(scroll);
    }

    function test_strikeEncoding_noSuchOp() public {
        uint8[6] memory codes = [0x00, 0x05, 0x1c, 0x29, 0x37, 0x54];
        for (uint256 i = 0; i < codes.length; ++i) {
            Scroll memory scroll;
            scroll.op(codes[i], Code.I32, Script.u32(3), Script.none(), "");
            fallsSealed(scroll);
        }
    }

    function test_strikeEncoding_noSuchType() public {
        Scroll memory scroll;
        scroll.op(Code.IOTA, 3, Script.u32(3), Script.none(), Ops.list(0));
        fallsSealed(scroll);
        Scroll memory deep;
        deep.op(Code.IOTA, Code.I32, new uint32[](7), Script.none(), Ops.list(0));
        fallsSealed(deep);
    }

    function changed(bytes memory raw, uint256 at, uint8 to)
        internal
        pure
        returns (bytes memory other)
    {
        other = bytes.concat(raw);
        other[at] = bytes1(to);
    }

    /// @notice Whatever can be registered can be struck within a block of 36 million gas: the longest
    ///         encodings, of the most ops, the most inputs and the largest constant.
    /// @notice What a transaction may use (EIP-7825).
    uint256 internal constant TX_GAS_MAX = 2 ** 24;

    function test_strikeEncoding_longest() public {
        uint256 most = programs.ENCODING_MAX();
        bytes memory small = Script.encode(Code.NEG, 0, Script.none(), Script.none(), "");
        bytes memory input = Script.encode(Code.INPUT, 0, Script.none(), Script.none(), Ops.list(0));
        vm.assertLe(weigh(repeated(small, (most - 20) / small.length, false)), TX_GAS_MAX);
        uint256 used = weigh(repeated(input, (most - 20) / input.length, true));
        vm.snapshotValue("Programs", "strikeEncoding, the longest", used);
        vm.assertLe(used, TX_GAS_MAX);
        uint32 elements = uint32((most - 100) / 4);
        bytes memory constant_ = bytes.concat(
            Script.encode(Code.CONSTANT, 0, Script.u32(elements), Script.none(), ""), bytes32(0)
        );
        bytes memory raw =
            bytes.concat(repeated(constant_, 1, false), new bytes(4 * uint256(elements)));
        vm.assertLe(weigh(raw), TX_GAS_MAX);
    }

    function repeated(bytes memory op, uint256 count, bool numbered)
        internal
        pure
        returns (bytes memory raw)
    {
        raw = new bytes(20 + count * op.length);
        bytes memory head =
            bytes.concat("ASSAYP\x00\x01", Script.le(count), Script.le(1), Script.le(0));
        for (uint256 i = 0; i < head.length; ++i) {
            raw[i] = head[i];
        }
        for (uint256 i = 0; i < count; ++i) {
            bytes memory one = bytes.concat(op);
            if (numbered) {
                bytes4 number = Script.le(i);
                for (uint256 j = 0; j < 4; ++j) {
                    one[one.length - 4 + j] = number[j];
                }
            }
            for (uint256 j = 0; j < one.length; ++j) {
                raw[20 + i * one.length + j] = one[j];
            }
        }
    }

    function weigh(bytes memory raw) internal returns (uint256) {
        programs.register(keccak256(raw), raw);
        return this.weighed(raw);
    }

    /// @dev Gas of the strike's execution, from a call whose memory is empty.
    function weighed(bytes calldata raw) external returns (uint256 used) {
        bytes memory data = abi.encodeCall(IPrograms.strikeEncoding, (keccak256(raw), raw));
        address target = address(programs);
        used = gasleft();
        (bool struck,) = target.call(data);
        used -= gasleft();
        vm.assertTrue(struck);
    }
}

/// @notice Strikes at ops: every rule of how an op and its operands must agree.
contract ProgramsOpTest is Trial {
    using Script for Scroll;

    function setUp() public {
        deployTrial();
    }

    function opened(Scroll memory scroll, uint256 index)
        internal
        pure
        returns (ICourt.OpOpening memory shown)
    {
        shown.encoding = scroll.ops[index];
        shown.siblings = Grove.siblings(scroll.leaves(), index);
    }

    /// @dev The op with its operands, of a concat the one at `operand`.
    function shownOf(Scroll memory scroll, uint256 index, uint256 operand)
        internal
        pure
        returns (ICourt.OpOpening[] memory shown)
    {
        Code.Op memory op = Code.parse(scroll.ops[index]);
        bool concat = op.code == Code.CONCAT;
        shown = new ICourt.OpOpening[](1 + (concat ? 1 : op.operandCount));
        shown[0] = opened(scroll, index);
        for (uint256 i = 1; i < shown.length; ++i) {
            shown[i] = opened(scroll, Code.operand(op, concat ? operand : i - 1));
        }
    }

    /// @notice No op of a sound Program can be struck.
    function test_strikeOp_sound() public {
        (Scroll memory scroll,) = Ops.everything();
        programs.register(scroll.hash, scroll.encoding());
        for (uint256 i = 0; i < scroll.ops.length; ++i) {
            ICourt.OpOpening[] memory shown = shownOf(scroll, i, 1);
            vm.expectRevert(abi.encodeWithSelector(IPrograms.WellFormed.selector, scroll.hash));
            programs.strikeOp(scroll.hash, scroll.header, i, 1, shown);
        }
    }

    function test_strikeOp_refuses() public {
        (Scroll memory scroll,) = Ops.sums();
        ICourt.OpOpening[] memory shown = shownOf(scroll, 2, 0);
        vm.expectRevert(abi.encodeWithSelector(IPrograms.NotRegistered.selector, scroll.hash));
        programs.strikeOp(scroll.hash, scroll.header, 2, 0, shown);
        programs.register(scroll.hash, scroll.encoding());
        vm.expectPartialRevert(Header.NotTheHeader.selector);
        programs.strikeOp(scroll.hash, "", 2, 0, shown);
        vm.expectRevert(abi.encodeWithSelector(IPrograms.OpeningCount.selector, 1, 0));
        programs.strikeOp(scroll.hash, scroll.header, 2, 0, new ICourt.OpOpening[](0));
        ICourt.OpOpening[] memory one = new ICourt.OpOpening[](1);
        one[0] = shown[0];
        vm.expectRevert(abi.encodeWithSelector(IPrograms.OpeningCount.selector, 3, 1));
        programs.strikeOp(scroll.hash, scroll.header, 2, 0, one);
        vm.expectPartialRevert(IPrograms.Mismatch.selector); // not the op at that place
        programs.strikeOp(scroll.hash, scroll.header, 1, 0, shown);
        shown[1] = opened(scroll, 1);
        vm.expectPartialRevert(IPrograms.Mismatch.selector); // not its operand
        programs.strikeOp(scroll.hash, scroll.header, 2, 0, shown);
        mine(WINDOW + 1);
        vm.expectPartialRevert(IPrograms.WindowClosed.selector);
        programs.strikeOp(scroll.hash, scroll.header, 2, 0, shown);
    }

    // Ill-formed ops over operands 0: f32[2, 3], 1: i32[2, 3], 2: i32[2], 3: f32[3], 4: f64[2, 3].

    function strikes(
        uint256 code,
        uint256 dtype,
        uint32[] memory dims,
        uint32[] memory operands,
        bytes memory payload
    ) internal {
        Scroll memory scroll;
        scroll.input(Code.F32, Script.u32(2, 3));
        scroll.input(Code.I32, Script.u32(2, 3));
        scroll.input(Code.I32, Script.u32(2));
        scroll.input(Code.F32, Script.u32(3));
        scroll.input(Code.F64, Script.u32(2, 3));
        uint32 index = scroll.op(code, dtype, dims, operands, payload);
        scroll.seal(Script.u32(index));
        programs.register(scroll.hash, scroll.encoding());
        bool later = false;
        for (uint256 i = 0; i < operands.length; ++i) {
            later = later || operands[i] >= index;
        }
        ICourt.OpOpening[] memory shown;
        if (later || operands.length > 8 || operands.length == 0) {
            shown = new ICourt.OpOpening[](1);
            shown[0] = opened(scroll, index);
        } else {
            shown = shownOf(scroll, index, 0);
        }
        programs.strikeOp(scroll.hash, scroll.header, index, 0, shown);
        vm.assertEq(uint256(programs.entry(scroll.hash).state), uint256(IPrograms.State.Struck));
    }

    function f32(uint256 code, uint32[] memory dims, uint32[] memory operands, bytes memory payload)
        internal
    {
        strikes(code, Code.F32, dims, operands, payload);
    }

    function i32(uint256 code, uint32[] memory dims, uint32[] memory operands, bytes memory payload)
        internal
    {
        strikes(code, Code.I32, dims, operands, payload);
    }

    function shape() internal pure returns (uint32[] memory) {
        return Script.u32(2, 3);
    }

    function none() internal pure returns (uint32[] memory) {
        return Script.none();
    }

    function test_strikeOp_types() public {
        f32(Code.IOTA, shape(), none(), Ops.list(0)); // an i32 by nature
        i32(Code.IOTA, Script.u32(0), none(), Ops.list(0)); // an extent of none
        i32(Code.IOTA, Script.u32(2 ** 16, 2 ** 15), none(), Ops.list(0)); // 2^31 elements
        i32(Code.IOTA, Script.u32(2 ** 31, 2 ** 31, 2 ** 31), none(), Ops.list(0));
        i32(Code.IOTA, shape(), none(), Ops.list(2)); // no such axis
        i32(Code.INPUT, Script.u32(0), none(), Ops.list(5));
    }

    function test_strikeOp_operands() public {
        f32(Code.ADD, shape(), Script.u32(0, 5), ""); // itself
        f32(Code.ADD, shape(), Script.u32(0, 9), ""); // nothing
        f32(Code.NEG, shape(), Script.u32(5), "");
        f32(Code.ADD, shape(), Script.u32(0), "");
        f32(Code.ADD, shape(), Script.u32(0, 0, 0), "");
        f32(Code.NEG, shape(), none(), "");
        f32(Code.CONCAT, shape(), none(), Ops.list(0));
        i32(Code.IOTA, shape(), Script.u32(0), Ops.list(0));
    }

    /// @notice Nobody could show ten thousand operands, and nobody must.
    function test_strikeOp_thousandsOfOperands() public {
        uint32[] memory many = new uint32[](10_000);
        f32(Code.ADD, shape(), many, "");
        uint32[] memory joined = new uint32[](257);
        uint32[] memory extents = new uint32[](257);
        for (uint256 i = 0; i < 257; ++i) {
            extents[i] = 2;
        }
        bytes memory payload = bytes.concat(Ops.list(0), Script.list(extents));
        f32(Code.CONCAT, Script.u32(514, 3), joined, payload);
    }

    function test_strikeOp_elementwise() public {
        f32(Code.ADD, shape(), Script.u32(0, 1), ""); // dtypes of both
        f32(Code.ADD, Script.u32(3, 2), Script.u32(0, 0), ""); // shape of the result
        f32(Code.ADD, shape(), Script.u32(0, 3), ""); // shapes of both
        strikes(Code.ADD, Code.F64, shape(), Script.u32(0, 0), ""); // dtype of the result
        f32(Code.LT, shape(), Script.u32(0, 0), ""); // gives i32
        f32(Code.SELECT, shape(), Script.u32(0, 0, 0), ""); // by an i32
        f32(Code.SELECT, shape(), Script.u32(1, 0, 4), "");
        i32(Code.DIV, shape(), Script.u32(1, 1), ""); // of floats only
        i32(Code.FMA, shape(), Script.u32(1, 1, 1), "");
        i32(Code.SQRT, shape(), Script.u32(1), "");
        f32(Code.AND, shape(), Script.u32(0, 0), ""); // of i32 only
        f32(Code.SAR, shape(), Script.u32(0, 0), "");
        f32(Code.CONVERT, Script.u32(3), Script.u32(0), "");
    }

    function test_strikeOp_requantise() public {
        i32(Code.REQUANTISE, shape(), Script.u32(1), Ops.list(2 ** 31, 0, 0, 1));
        i32(Code.REQUANTISE, shape(), Script.u32(1), Ops.list(1, 63, 0, 1));
        i32(Code.REQUANTISE, shape(), Script.u32(1), Ops.list(1, 0, 1, 0));
        i32(Code.REQUANTISE, shape(), Script.u32(1), Ops.list(1, 0, 0, 2 ** 32 - 1)); // 0 to -1
        f32(Code.REQUANTISE, shape(), Script.u32(0), Ops.list(1, 0, 0, 1));
    }

    function test_strikeOp_movement() public {
        f32(Code.RESHAPE, Script.u32(7), Script.u32(0), "");
        i32(Code.RESHAPE, Script.u32(6), Script.u32(0), "");
        f32(Code.TRANSPOSE, Script.u32(2, 3), Script.u32(0), Ops.list(1, 0));
        f32(Code.TRANSPOSE, Script.u32(2, 2), Script.u32(0), Ops.list(0, 0));
        f32(Code.TRANSPOSE, Script.u32(2, 3), Script.u32(0), Ops.list(0, 2));
        f32(Code.TRANSPOSE, Script.u32(6), Script.u32(0), Ops.list(0));
        f32(Code.BROADCAST, Script.u32(3, 2), Script.u32(3), "");
        f32(Code.BROADCAST, Script.u32(3), Script.u32(0), "");
        f32(Code.SLICE, Script.u32(1, 3), Script.u32(0), Ops.list(1, 0, 3, 3)); // beyond
        f32(Code.SLICE, Script.u32(1, 2), Script.u32(0), Ops.list(0, 0, 1, 3));
        f32(Code.SLICE, Script.u32(1, 3), Script.u32(0), Ops.list(1, 0, 1, 3)); // nothing
        f32(Code.PAD, Script.u32(4, 3), Script.u32(0), Ops.list(1, 0, 0, 0));
        f32(Code.PAD, Script.u32(6), Script.u32(0), Ops.list(0, 0));
    }

    function test_strikeOp_concat() public {
        uint32[] memory two = Script.u32(0, 0);
        f32(Code.CONCAT, Script.u32(4, 3), two, Ops.list(2, 2, 2)); // no such axis
        f32(Code.CONCAT, Script.u32(4, 3), two, Ops.list(0, 2, 3)); // another sum
        f32(Code.CONCAT, Script.u32(4, 3), two, Ops.list(0, 1, 3)); // another extent
        f32(Code.CONCAT, Script.u32(4, 2), two, Ops.list(0, 2, 2)); // another axis
        i32(Code.CONCAT, Script.u32(4, 3), two, Ops.list(0, 2, 2));
        f32(Code.CONCAT, Script.u32(4), Script.u32(0, 3), Ops.list(0, 2, 2));
    }

    function test_strikeOp_lookups() public {
        f32(Code.GATHER, Script.u32(2, 3), Script.u32(0, 3), Ops.list(0)); // by floats
        f32(Code.GATHER, Script.u32(3, 3), Script.u32(0, 2), Ops.list(0));
        f32(Code.GATHER, Script.u32(2, 3), Script.u32(0, 2), Ops.list(2));
        i32(Code.GATHER, Script.u32(2, 3), Script.u32(0, 2), Ops.list(0));
        f32(Code.SCATTER_ADD, Script.u32(5, 3), Script.u32(0, 2), Ops.list(0, 4));
        f32(Code.SCATTER_ADD, Script.u32(5, 2), Script.u32(0, 2), Ops.list(0, 5));
        f32(Code.SCATTER_ADD, Script.u32(5, 3), Script.u32(0, 3), Ops.list(0, 5));
        f32(Code.SCATTER_ADD, Script.u32(5, 3), Script.u32(0, 2), Ops.list(2, 5));
        i32(Code.SCATTER_ADD, Script.u32(5, 3), Script.u32(0, 2), Ops.list(0, 5));
    }

    function test_strikeOp_folds() public {
        f32(Code.MATMUL, Script.u32(2, 3), Script.u32(0, 0), ""); // 3 against 2
        f32(Code.MATMUL, Script.u32(2), Script.u32(0, 3), ""); // a vector
        f32(Code.MATMUL, Script.u32(2, 2), Script.u32(0, 4), "");
        f32(Code.SUM, Script.u32(2), Script.u32(0), Ops.list(0));
        f32(Code.SUM, Script.u32(3), Script.u32(0), Ops.list(2));
        i32(Code.SUM, Script.u32(3), Script.u32(0), Ops.list(0));
        f32(Code.SUM, Script.u32(2, 3), Script.u32(0), Ops.list(0));
        f32(Code.ARGMAX, Script.u32(3), Script.u32(0), Ops.list(0)); // gives i32
        i32(Code.MAX_AXIS, Script.u32(3), Script.u32(0), Ops.list(0));
    }
}
