// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IClearingHouse} from "../src/interfaces/IClearingHouse.sol";
import {ICourt} from "../src/interfaces/ICourt.sol";
import {IRounds} from "../src/interfaces/IRounds.sol";
import {Desk} from "./support/Desk.sol";
import {World} from "./support/World.sol";

/// @notice Gas of each entry point as a transaction of its own, four nodes, in snapshots/Training.json.
contract GasTrainingTest is World {
    function setUp() public {
        deploy(4);
    }

    function measured(string memory name) internal {
        vm.snapshotGasLastCall("Training", name);
    }

    /// forge-config: default.isolate = true
    function test_gas_firstAndSecondRound() public {
        token.transfer(vm.addr(0xE), 10_000e18);
        vm.startPrank(vm.addr(0xE));
        token.approve(address(registry), type(uint256).max);
        registry.join(address(1), "peer", "127.0.0.1:4000", STAKE);
        measured("join");
        registry.leave();
        measured("leave");
        vm.stopPrank();
        play("first");
        play("later");
    }

    function play(string memory which) internal {
        uint64 round = rounds.open();
        measured(string.concat("open, ", which));
        mine(1);
        rounds.draw();
        measured(string.concat("draw, ", which));
        for (uint32 i = 0; i < 4; ++i) {
            bytes32 commitment = rounds.commitmentOf(round, i, updateRootOf(i), saltOf(i));
            vm.prank(vm.addr(keys[i]));
            rounds.commit(round, commitment);
            if (i == 1) measured(string.concat("commit, ", which));
        }
        mine(2);
        for (uint32 i = 0; i < 4; ++i) {
            if (i == 2) {
                bytes memory update = updateOf(i);
                vm.prank(vm.addr(keys[i]));
                rounds.revealWithData(round, saltOf(i), BLOB, update);
                measured(string.concat("revealWithData of 40, ", which));
                continue;
            }
            uint32[] memory signers = new uint32[](2);
            (signers[0], signers[1]) = (i == 0 ? 1 : 0, 3 - i / 3);
            bytes memory signatures = certificate(round, i, signers);
            bytes32 root = updateRootOf(i);
            vm.prank(vm.addr(keys[i]));
            rounds.reveal(round, root, saltOf(i), BLOB, signatures);
            if (i == 1) measured(string.concat("reveal, 2 signers, ", which));
        }
        finish(round, which);
    }

    function finish(uint64 round, string memory which) internal {
        Result memory result =
            resultOf(4, equalPay(4, uint64(25e9 * round)), keccak256(bytes(which)));
        uint32 node = rounds.aggregator();
        bytes32 outputsRoot = outputsRootOf(result.roots);
        vm.prank(vm.addr(keys[node]));
        uint256 claim = rounds.postResult(round, keccak256("wrong"));
        measured(string.concat("postResult, ", which));
        (uint256 dispute, ICourt.Dispute memory record) = challengeAs((node + 1) % 4, claim);
        mine(CLOCK + 1);
        court.timeout(dispute, record);
        node = rounds.aggregator();
        vm.prank(vm.addr(keys[node]));
        rounds.postResult(round, outputsRoot);
        mine(WINDOW + 1);
        rounds.settle(round, result.roots, result.acceptedChunk);
        measured(string.concat("settle, one struck claim, ", which));
        rewards.claim(1, result.cumulativeChunk, result.siblings);
        measured(string.concat("claim, ", which));
    }
}

/// @notice The same with 25 seats of equal stake, whose certificates need 16 others.
contract GasCrowdTest is World {
    uint32 internal constant SEATS = 25;

    function configuration() internal pure override returns (IRounds.Config memory) {
        return configurationOf(SEATS);
    }

    function setUp() public {
        deploy(SEATS);
    }

    function measured(string memory name) internal {
        vm.snapshotGasLastCall("Crowd", name);
    }

    /// forge-config: default.isolate = true
    function test_gas_round() public {
        rounds.open();
        measured("open, 25 seats");
        mine(1);
        rounds.draw();
        measured("draw, 25 seats");
        for (uint32 i = 0; i < SEATS; ++i) {
            commitAs(i);
        }
        measured("commit, the last");
        mine(2);
        for (uint32 i = 0; i < SEATS; ++i) {
            reveal(i);
            if (i == 1) measured("reveal, 16 signers");
        }
        measured("reveal, the last");
        Result memory result = resultOf(SEATS, equalPay(SEATS, 4e9), "crowd");
        uint32 node = rounds.aggregator();
        bytes32 outputsRoot = outputsRootOf(result.roots);
        vm.prank(vm.addr(keys[node]));
        rounds.postResult(1, outputsRoot);
        measured("postResult, 25 rows");
        mine(WINDOW + 1);
        rounds.settle(1, result.roots, result.acceptedChunk);
        measured("settle, 25 rows");
    }

    function reveal(uint32 node) internal {
        uint32[] memory signers = new uint32[](16);
        uint32 count = 0;
        for (uint32 i = 0; count < 16; ++i) {
            if (i != node) signers[count++] = i;
        }
        bytes memory signatures = certificate(1, node, signers);
        bytes32 root = updateRootOf(node);
        vm.prank(vm.addr(keys[node]));
        rounds.reveal(1, root, saltOf(node), BLOB, signatures);
    }
}

/// @notice The same for the market side, in snapshots/Market.json.
contract GasMarketTest is Desk {
    uint256 internal constant ANN = 0xA1;
    uint256 internal constant BOB = 0xB2;

    function setUp() public {
        deployDesk();
        report(50e18, 0.2e18);
        open(ANN, 1000e18);
        open(BOB, 1000e18);
    }

    function measured(string memory name) internal {
        vm.snapshotGasLastCall("Market", name);
    }

    /// forge-config: default.isolate = true
    function test_gas_day() public {
        vm.warp(block.timestamp + 60);
        Draft memory made = draft(50e18, 0.2e18);
        bytes memory signed = sign(made, PROVIDER_KEY);
        oracle.post(made.bundle, made.basis, made.readings, signed);
        measured("post, a claim and three reports");
        gate.applyReports(MARKET);
        measured("applyReports, open");
        mine(WINDOW + 1);
        gate.applyReports(MARKET);
        measured("applyReports, final");
        dollar.mint(vm.addr(ANN), 1e18);
        vm.prank(vm.addr(ANN));
        house.deposit(1e18);
        measured("deposit");
        trades();
        reportPrice(42e18);
        open(0xC3, 10_000e18);
        vm.prank(vm.addr(0xC3));
        house.liquidate(vm.addr(ANN), 10e18);
        measured("liquidate");
        vm.warp(SETTLES_AT);
        reportPrice(42e18);
        house.settle(3);
        measured("settle, three accounts");
        vm.prank(vm.addr(BOB));
        house.withdraw(1e18);
        measured("withdraw");
    }

    function trades() internal {
        (IClearingHouse.Order memory buy, bytes memory buySigned) = orderOf(ANN, 90e18, 50e18);
        (IClearingHouse.Order memory sell, bytes memory sellSigned) = orderOf(BOB, -90e18, 50e18);
        house.trade(buy, buySigned, sell, sellSigned, 80e18, 50e18);
        measured("trade, opening");
        house.trade(buy, buySigned, sell, sellSigned, 10e18, 50e18);
        measured("trade, again");
    }
}
