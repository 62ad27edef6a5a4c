// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AssayToken} from "../src/AssayToken.sol";
import {Enrolment} from "../src/Enrolment.sol";
import {Registry} from "../src/Registry.sol";
import {IEnrolment} from "../src/interfaces/IEnrolment.sol";
import {IGathering} from "../src/interfaces/IGathering.sol";
import {IRounds} from "../src/interfaces/IRounds.sol";
import {IRoster} from "../src/interfaces/IRoster.sol";
import {GatherDesk, Gathered} from "./support/GatherDesk.sol";
import {World} from "./support/World.sol";

/// @notice Gathers what the nodes of a world commit to and reveal.
contract GatherBeside is GatherDesk {
    constructor(AssayToken token_, Registry registry_, IEnrolment enrolment_) {
        (token, registry, enrolment) = (token_, registry_, enrolment_);
        deployLists();
    }

    function keyOf(uint32 node) internal pure override returns (address) {
        return vm.addr(0xA11CE + node);
    }

    function signedBy(uint32 node, bytes32 digest)
        internal
        pure
        override
        returns (bytes32 r, bytes32 vs)
    {
        return super.signedBy(uint32(0xA11CE - KEY) + node, digest);
    }

    function updateOf(uint32 node) internal view override returns (bytes memory data) {
        data = new bytes(4 * UPDATE_LENGTH);
        for (uint256 i = 0; i < data.length; ++i) {
            data[i] = bytes1(uint8(uint256(keccak256(abi.encode(node, i, block.chainid)))));
        }
    }

    function gatherCommitments(uint64 round, uint32 nodes) external returns (Gathered memory list) {
        gathering.draw();
        list = commitments(round, range(0, nodes));
        post(round, COMMITMENTS, gathererOf(round, 0), list);
    }

    function gatherReveals(uint64 round, uint32 nodes, Gathered memory from) external {
        toStage(round, REVEALS, IGathering.Stage.Gather);
        uint32[] memory all = range(0, nodes);
        post(round, REVEALS, gathererOf(round, 0), reveals(round, all, fromOf(from, all)));
        toStage(round, REVEALS, IGathering.Stage.Over);
        IRoster.Tail memory tail;
        roster.seal(round, new IRoster.Forced[](0), tail);
    }

    function inputsOf(uint64 round) external view returns (uint32 rows, bytes32 root) {
        return roster.inputsOf(round);
    }
}

/// @notice Lists of the seats of real rounds: the inputs that come out are those that `Rounds` makes
///         of the same commitments and reveals, sent one by one.
contract EnrolmentTest is World {
    uint32 internal constant NODES = 9;

    Enrolment internal enrolment;

    function configuration() internal pure override returns (IRounds.Config memory) {
        return configurationOf(18);
    }

    function setUp() public {
        deploy(NODES);
        enrolment = new Enrolment(rounds);
    }

    function test_inputs_areThoseOfRounds() public {
        GatherBeside beside = new GatherBeside(token, registry, enrolment);
        uint64 round = openRound();
        Gathered memory list = beside.gatherCommitments(round, NODES);
        for (uint32 i = 0; i < NODES; ++i) {
            commitAs(i);
        }
        mine(2);
        for (uint32 i = 0; i < NODES; ++i) {
            revealDataAs(i);
        }
        beside.gatherReveals(round, NODES, list);
        (uint32 rows, bytes32 root) = beside.inputsOf(round);
        vm.assertEq(rows, 18);
        vm.assertEq(root, rounds.inputsRoot());
    }

    function test_answers_areThoseOfRounds() public {
        uint64 round = openRound();
        (uint64 running, uint64 openBlock) = enrolment.opened();
        vm.assertEq(running, round);
        vm.assertEq(openBlock, block.number - 1);
        IRounds.Seat[] memory seats = rounds.current().seats;
        uint256 rows = 0;
        for (uint256 i = 0; i < seats.length; ++i) {
            vm.assertEq(enrolment.rowsOf(round, seats[i].index), seats[i].rows);
            rows += seats[i].rows;
        }
        vm.assertEq(rows, 18);
        vm.assertEq(enrolment.rowsOf(round, NODES), 0);
        vm.expectRevert(abi.encodeWithSelector(IEnrolment.NotRunning.selector, round + 1));
        enrolment.rowsOf(round + 1, 0);
        vm.assertEq(enrolment.modelRoot(), rounds.modelRoot());
        vm.assertEq(enrolment.cumulativeRoot(), rounds.cumulativeRoot());
        vm.assertEq(enrolment.places(), LENGTH);
        vm.assertEq(enrolment.updateLength(), UPDATE_LENGTH);
        bytes32 own = enrolment.commitmentOf(round, 1, bytes32("update"), bytes32("salt"));
        vm.assertEq(own, rounds.commitmentOf(round, 1, bytes32("update"), bytes32("salt")));
    }
}
