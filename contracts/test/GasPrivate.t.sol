// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PrivateDesk} from "./support/PrivateDesk.sol";

/// @notice Gas of a private round of 32 nodes, ten buckets, in snapshots/Private.json.
contract GasPrivateTest is PrivateDesk {
    function setUp() public {
        deployPrivate(32);
    }

    function measured(string memory name) private {
        vm.snapshotGasLastCall("Private", name);
    }

    /// forge-config: default.isolate = true
    function test_gas_round() public {
        rounds.open();
        measured("open, first");
        mine(1);
        rounds.advance();
        measured("draw 32 seats");
        for (uint32 i = 0; i < 32; ++i) {
            commitAs(i);
            if (i == 7) measured("commit");
        }
        mine(1);
        rounds.advance();
        measured("draw ten buckets");
        for (uint256 i = 0; i < 10; ++i) {
            uint32 all = bucketOf(i).trainers;
            for (uint256 j = 0; j < 3; ++j) {
                reportAs(i, j, [all, all]);
                if (i == 4 && j == 1) measured("report");
            }
        }
        measured("report, the last, which fixes the rolls");
        for (uint256 i = 0; i < 10; ++i) {
            for (uint256 j = 0; j < 3; ++j) {
                stateAs(i, j, [0, 0]);
                if (i == 4 && j == 1) measured("state, sums of 64 lanes");
            }
        }
        measured("state, the last, which closes the sums");
        postAs(keyOf(rounds.aggregator()));
        measured("postResult");
        mine(WINDOW + 1);
        settle();
        measured("settle");
        rounds.open();
        measured("open, with a round before it");
    }
}
