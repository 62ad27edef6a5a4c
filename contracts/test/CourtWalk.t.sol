// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../src/interfaces/ICourt.sol";
import {Code} from "../src/lib/Code.sol";
import {Ops} from "./support/Ops.sol";
import {Play} from "./support/Play.sol";
import {Scroll} from "./support/Script.sol";
import {Lie, Side} from "./support/Trial.sol";

/// @notice Whole disputes. Whoever lies is convicted, wherever the lie is; whoever does not never is.
contract CourtWalkTest is Play {
    uint64 internal constant FLIP = 0x0040_0001;

    function setUp() public {
        deployTrial();
        (Scroll memory scroll,) = Ops.everything();
        register(scroll);
        (scroll,) = Ops.sums();
        register(scroll);
        (scroll,) = Ops.positions();
        register(scroll);
        (scroll,) = Ops.grows();
        register(scroll);
        (scroll,) = Ops.long(600);
        register(scroll);
    }

    function lieIn(uint256 iteration, uint256 op, uint256 element, uint256 step)
        internal
        pure
        returns (Lie memory)
    {
        return Lie(iteration, op, element, step, FLIP);
    }

    /// @notice A liar claims; returns false if its lie does not reach the outputs.
    /// @dev Called from outside, so that each dispute has a memory of its own, as below.
    function convict(Scroll memory scroll, uint64[][] memory inputs, uint256 times, Lie memory lie)
        external
        returns (bool)
    {
        Side memory liar = run(ASSERTER, scroll, inputs, times, lie);
        Lie memory nowhere;
        Side memory honest = run(CHALLENGER, scroll, inputs, times, nowhere);
        if (outputsRootOf(liar) == outputsRootOf(honest)) return false;
        uint256 balance = token.balanceOf(CHALLENGER);
        uint256 id = post(liar);
        (uint256 dispute, ICourt.Dispute memory record) = challenge(id, honest);
        record = playOut(dispute, record, liar, honest);
        vm.assertEq(uint256(court.claim(id).state), uint256(ICourt.State.Struck));
        vm.assertEq(judgedOp(), lie.op);
        vm.assertEq(record.iteration, lie.iteration);
        vm.assertEq(token.balanceOf(CHALLENGER), balance + BOND / 2);
        (address challenger, bytes32 root,) = court.fallOf(id);
        vm.assertEq(challenger, CHALLENGER);
        vm.assertEq(root, outputsRootOf(honest));
        return true;
    }

    /// @notice A liar challenges what is right.
    function refute(Scroll memory scroll, uint64[][] memory inputs, uint256 times, Lie memory lie)
        external
        returns (bool)
    {
        Side memory liar = run(CHALLENGER, scroll, inputs, times, lie);
        Lie memory nowhere;
        Side memory honest = run(ASSERTER, scroll, inputs, times, nowhere);
        if (outputsRootOf(liar) == outputsRootOf(honest)) return false;
        uint256 balance = token.balanceOf(ASSERTER);
        uint256 id = post(honest);
        (uint256 dispute, ICourt.Dispute memory record) = challenge(id, liar);
        playOut(dispute, record, honest, liar);
        vm.assertEq(uint256(court.claim(id).state), uint256(ICourt.State.Open));
        mine(WINDOW + 1);
        court.finalise(id);
        vm.assertEq(token.balanceOf(ASSERTER), balance + BOND / 2);
        return true;
    }

    function both(Scroll memory scroll, uint64[][] memory inputs, uint256 times, Lie memory lie)
        internal
    {
        vm.assertTrue(this.convict(scroll, inputs, times, lie), "convicted");
        vm.assertTrue(this.refute(scroll, inputs, times, lie), "refuted");
    }

    /// @dev The last element and, of a chain, the last step: what cannot be made good again.
    function everyOp(uint256 from, uint256 to) internal {
        (Scroll memory scroll, uint64[][] memory inputs) = Ops.everything();
        for (uint256 i = from; i < to; ++i) {
            Code.Op memory op = Code.parse(scroll.ops[i]);
            uint256 step = 0;
            if (op.code == Code.MATMUL) step = 34;
            else if (Code.isChain(op.code)) step = 39;
            Lie memory lie = lieIn(0, i, Code.count(op.dims) - 1, step);
            if (op.code == Code.ARGMAX) lie.flip = 1;
            both(scroll, inputs, 1, lie);
        }
    }

    function test_walk_everyOp() public {
        everyOp(0, 14);
    }

    function test_walk_everyOpFurther() public {
        everyOp(14, 28);
    }

    /// @notice Anywhere, with any bits; a lie that comes to nothing is none.
    /// forge-config: default.fuzz.runs = 32
    function test_fuzz_walk(uint256 op, uint256 element, uint256 step, uint32 flip, bool asserts)
        public
    {
        (Scroll memory scroll, uint64[][] memory inputs) = Ops.everything();
        op = bound(op, 0, scroll.ops.length - 1);
        Code.Op memory named = Code.parse(scroll.ops[op]);
        element = bound(element, 0, Code.count(named.dims) - 1);
        step = bound(step, 0, named.code == Code.MATMUL ? 34 : 39);
        if (named.code == Code.ARGMAX) flip = flip & 7; // stays below 40
        Lie memory lie = Lie(0, op, element, step, flip);
        if (asserts) this.convict(scroll, inputs, 1, lie);
        else this.refute(scroll, inputs, 1, lie);
    }

    /// @notice Trees of one leaf have nothing to walk.
    function test_walk_oneOp() public {
        (Scroll memory scroll, uint64[][] memory inputs) = Ops.positions();
        both(scroll, inputs, 1, lieIn(0, 0, 4, 0));
    }

    function test_walk_inputIsCompared() public {
        (Scroll memory scroll, uint64[][] memory inputs) = Ops.sums();
        both(scroll, inputs, 1, lieIn(0, 0, 1, 0));
        both(scroll, inputs, 1, lieIn(0, 1, 1, 0));
    }

    /// @notice Every step of a chain over two levels of chunks is as good a place to lie as another.
    function test_walk_longChain() public {
        (Scroll memory scroll, uint64[][] memory inputs) = Ops.long(600);
        uint256[4] memory steps = [uint256(0), 32, 512, 599];
        for (uint256 i = 0; i < steps.length; ++i) {
            both(scroll, inputs, 1, lieIn(0, 2, 0, steps[i]));
        }
    }

    function test_walk_longTensor() public {
        (Scroll memory scroll, uint64[][] memory inputs) = Ops.long(600);
        uint256[4] memory elements = [uint256(0), 31, 512, 599];
        for (uint256 i = 0; i < elements.length; ++i) {
            both(scroll, inputs, 1, lieIn(0, 3, elements[i], 0));
        }
    }

    /// @notice Two levels of iterations, the first and the last of them too; the state an iteration
    ///         starts from is an input like any other.
    function test_walk_iterations() public {
        (Scroll memory scroll, uint64[][] memory inputs) = Ops.grows();
        uint256[5] memory iterations = [uint256(0), 1, 15, 16, 19];
        for (uint256 i = 0; i < iterations.length; ++i) {
            for (uint256 op = 0; op < 3; ++op) {
                both(scroll, inputs, 20, lieIn(iterations[i], op, 1, 0));
            }
        }
        both(scroll, inputs, 2, lieIn(1, 2, 0, 0));
    }

    /// @notice The challenger has named the wrong end of it whenever the asserter's word there is right.
    function test_walk_challengerNamesWhatIsRight() public {
        (Scroll memory scroll, uint64[][] memory inputs) = Ops.sums();
        Lie memory nowhere;
        Side memory honest = run(ASSERTER, scroll, inputs, 1, nowhere);
        Side memory other = run(CHALLENGER, scroll, inputs, 1, nowhere);
        uint256 id = post(honest);
        vm.recordLogs();
        vm.prank(CHALLENGER);
        uint256 dispute = court.challenge(id, keccak256("anything"), scroll.header);
        ICourt.Dispute memory record = lastRecord();
        playOut(dispute, record, honest, other);
        vm.assertEq(uint256(court.claim(id).state), uint256(ICourt.State.Open));
    }
}
