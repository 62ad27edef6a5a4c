// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Arithmetic} from "../../src/Arithmetic.sol";
import {AssayToken} from "../../src/AssayToken.sol";
import {Court} from "../../src/Court.sol";
import {Programs} from "../../src/Programs.sol";
import {Referee} from "../../src/Referee.sol";
import {ICourt} from "../../src/interfaces/ICourt.sol";
import {Code} from "../../src/lib/Code.sol";
import {Grove} from "./Grove.sol";
import {Loops} from "./Loops.sol";
import {Openings} from "./Openings.sol";
import {Records} from "./Records.sol";
import {Script, Scroll} from "./Script.sol";

/// @notice Where a side's execution first goes wrong; nowhere if nothing is flipped.
/// @param step of the element's chain, for an op that has one
/// @param flip bits changed
struct Lie {
    uint256 iteration;
    uint256 op;
    uint256 element;
    uint256 step;
    uint64 flip;
}

/// @notice One side of a dispute: a whole execution, right or wrong, and everything hashed.
/// @param tensors by iteration and op
/// @param roots of the tensors
/// @param states root of the outputs of each iteration
struct Side {
    address who;
    Scroll scroll;
    uint64[][] inputs;
    Lie lie;
    uint64[][][] tensors;
    bytes32[][] roots;
    bytes32[] states;
}

/// @notice A court whose consumer is the test, and both sides of its disputes, who play as the node
///         does: the asserter shows what it has, the challenger names the first difference from its own.
abstract contract Trial is Records {
    using Code for Code.Op;
    using Script for Scroll;

    uint256 internal constant BOND = 10e18;
    uint64 internal constant WINDOW = 5;
    uint64 internal constant CLOCK = 40;
    uint256 internal constant GAS_PRICE_CAP = 1e11;
    uint256 internal constant GAS_RATE = 2e18;
    uint256 internal constant PURSE = 1000e18;
    address internal constant ASSERTER = address(0xA);
    address internal constant CHALLENGER = address(0xC);
    address internal constant SECOND = address(0xD);

    AssayToken internal token;
    Programs internal programs;
    Arithmetic internal arithmetic;
    Court internal court;

    function deployTrial() internal {
        vm.roll(100);
        vm.fee(0);
        token = new AssayToken(address(this), 1_000_000e18);
        programs = new Programs(token, BOND, WINDOW);
        token.approve(address(programs), type(uint256).max);
        arithmetic = new Arithmetic();
        court = new Court(token, programs, new Referee(arithmetic), termsOf(), consumers());
        fund(ASSERTER);
        fund(CHALLENGER);
        fund(SECOND);
    }

    function termsOf() internal pure returns (Court.Terms memory) {
        return Court.Terms({
            bond: BOND,
            windowBlocks: WINDOW,
            clockBlocks: CLOCK,
            gasPriceCap: GAS_PRICE_CAP,
            gasRate: GAS_RATE
        });
    }

    function consumers() internal view returns (address[] memory list) {
        list = new address[](1);
        list[0] = address(this);
    }

    function fund(address account) internal {
        token.transfer(account, PURSE);
        vm.prank(account);
        token.approve(address(court), type(uint256).max);
    }

    // Executions.

    /// @notice Runs a Program `iterations` times, going wrong where the lie says.
    function run(
        address who,
        Scroll memory scroll,
        uint64[][] memory inputs,
        uint256 iterations,
        Lie memory lie
    ) internal view returns (Side memory side) {
        side.who = who;
        side.scroll = scroll;
        side.inputs = inputs;
        side.lie = lie;
        side.tensors = new uint64[][][](iterations);
        side.roots = new bytes32[][](iterations);
        side.states = new bytes32[](iterations);
        for (uint256 i = 0; i < iterations; ++i) {
            _iterate(side, i);
        }
    }

    function _iterate(Side memory side, uint256 iteration) private view {
        Scroll memory scroll = side.scroll;
        uint64[][] memory tensors = new uint64[][](scroll.ops.length);
        bytes32[] memory roots = new bytes32[](scroll.ops.length);
        (side.tensors[iteration], side.roots[iteration]) = (tensors, roots);
        uint256 constants = 0;
        for (uint256 i = 0; i < tensors.length; ++i) {
            Code.Op memory op = Code.parse(scroll.ops[i]);
            Loops.Slip memory slip = slipOf(side, iteration, i);
            if (op.code == Code.INPUT) {
                tensors[i] = _flipped(_inputAt(side, iteration, op.payload(0)), slip);
            } else if (op.code == Code.CONSTANT) {
                tensors[i] = _flipped(scroll.constants[constants++], slip);
            } else {
                (Code.Op[] memory x, uint64[][] memory data) = operandsOf(side, iteration, op);
                tensors[i] = Loops.eval(arithmetic, op, x, data, slip);
            }
            roots[i] = Grove.root(Grove.leaves(tensors[i], op.dtype));
        }
        side.states[iteration] = Grove.root(outputRootsOf(side, iteration));
    }

    function _inputAt(Side memory side, uint256 iteration, uint256 input)
        private
        pure
        returns (uint64[] memory)
    {
        bool state = iteration > 0 && input < side.scroll.outputs.length;
        if (!state) return side.inputs[input];
        return side.tensors[iteration - 1][side.scroll.outputs[input]];
    }

    function _flipped(uint64[] memory values, Loops.Slip memory slip)
        private
        pure
        returns (uint64[] memory out)
    {
        out = new uint64[](values.length);
        for (uint256 i = 0; i < out.length; ++i) {
            out[i] = values[i];
        }
        if (slip.flip != 0) out[slip.element] ^= slip.flip;
    }

    function slipOf(Side memory side, uint256 iteration, uint256 op)
        internal
        pure
        returns (Loops.Slip memory slip)
    {
        Lie memory lie = side.lie;
        if (lie.iteration != iteration || lie.op != op) return slip;
        return Loops.Slip(lie.element, lie.step, lie.flip);
    }

    function operandsOf(Side memory side, uint256 iteration, Code.Op memory op)
        internal
        pure
        returns (Code.Op[] memory x, uint64[][] memory data)
    {
        x = new Code.Op[](op.operandCount);
        data = new uint64[][](x.length);
        for (uint256 i = 0; i < x.length; ++i) {
            x[i] = Code.parse(side.scroll.ops[op.operand(i)]);
            data[i] = side.tensors[iteration][op.operand(i)];
        }
    }

    function outputRootsOf(Side memory side, uint256 iteration)
        internal
        pure
        returns (bytes32[] memory roots)
    {
        roots = new bytes32[](side.scroll.outputs.length);
        for (uint256 i = 0; i < roots.length; ++i) {
            roots[i] = side.roots[iteration][side.scroll.outputs[i]];
        }
    }

    /// @notice Returns the roots of what the Program was given.
    function inputRootsOf(Side memory side) internal pure returns (bytes32[] memory roots) {
        roots = new bytes32[](side.inputs.length);
        for (uint256 i = 0; i < side.scroll.ops.length; ++i) {
            Code.Op memory op = Code.parse(side.scroll.ops[i]);
            if (op.code != Code.INPUT) continue;
            uint256 input = op.payload(0);
            roots[input] = Grove.root(Grove.leaves(side.inputs[input], op.dtype));
        }
    }

    function outputsRootOf(Side memory side) internal pure returns (bytes32) {
        return side.states[side.states.length - 1];
    }

    function chainOf(Side memory side, ICourt.Dispute memory record)
        internal
        view
        returns (uint64[] memory)
    {
        Code.Op memory op = Code.parse(side.scroll.ops[record.op]);
        (Code.Op[] memory x, uint64[][] memory data) = operandsOf(side, record.iteration, op);
        Loops.Slip memory slip = slipOf(side, record.iteration, record.op);
        return Loops.chain(arithmetic, op, x, data, record.element, slip);
    }

    // Claims.

    function register(Scroll memory scroll) internal {
        programs.register(scroll.hash, scroll.encoding());
        mine(WINDOW + 1);
    }

    function post(Side memory side) internal returns (uint256) {
        bytes32 inputs = side.inputs.length > 0 ? Grove.root(inputRootsOf(side)) : bytes32(0);
        return court.post(
            side.scroll.hash,
            inputs,
            outputsRootOf(side),
            side.who,
            uint32(side.states.length),
            new uint256[](0)
        );
    }

    function challenge(uint256 id, Side memory side)
        internal
        returns (uint256 dispute, ICourt.Dispute memory record)
    {
        vm.recordLogs();
        vm.prank(side.who);
        dispute = court.challenge(id, outputsRootOf(side), side.scroll.header);
        record = lastRecord();
    }
}
