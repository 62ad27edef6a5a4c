// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IRounds} from "../src/interfaces/IRounds.sol";
import {World} from "./support/World.sol";

contract RoundsTest is World {
    function setUp() public {
        deploy(4);
    }

    function test_round_runsToTheEnd() public {
        uint64 round = toAggregate(4);
        uint32 node = rounds.aggregator();
        Result memory result = resultOf(4, equalPay(4, 25e9), "first");
        postAs(node, outputsRootOf(result.roots));
        mine(WINDOW + 1);
        rounds.settle(round, result.roots, result.acceptedChunk);

        vm.assertEq(rounds.modelRoot(), result.roots[0]);
        vm.assertEq(rounds.cumulativeRoot(), result.roots[3]);
        vm.assertEq(rewards.root(), result.roots[3]);
        vm.assertEq(uint256(rounds.current().phase), uint256(IRounds.Phase.Idle));
        for (uint32 i = 0; i < 4; ++i) {
            rewards.claim(i, result.cumulativeChunk, result.path);
            vm.assertEq(token.balanceOf(payeeOf(keys[i])), 25e18);
        }
        vm.assertEq(rounds.open(), 2);
    }
}
