// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ScoresDesk} from "./support/ScoresDesk.sol";

/// @notice Gas of each entry point of `Scores` as a transaction of its own, four nodes, a window of 40
///         numbers, in snapshots/Scores.json.
contract GasScoresTest is ScoresDesk {
    function setUp() public {
        deployScored(4, 0, 1_000e18);
    }

    function measured(string memory name) internal {
        vm.snapshotGasLastCall("Scores", name);
    }

    /// forge-config: default.isolate = true
    function test_gas_firstAndSecondScore() public {
        playRound();
        measured("settle, first");
        playRound();
        measured("settle, no window opens");
        playRound();
        measured("settle, a window opens");
        scored(1, "first");
        playRound();
        scored(2, "later");
    }

    function scored(uint64 round, string memory which) internal {
        bytes memory data = windowOf(round);
        for (uint32 i = 0; i < 4; ++i) {
            postWindowAs(i, round, data);
            if (i == 2) measured(string.concat("postWindow, ", which));
        }
        Score memory made = scoreOf(list(9e9, 0, 0, 0), list(9e9, 0, 0, 0), list(0, 5e9, 5e9, 0));
        postScoreAs(posterOf(), round, outputsRootOf(made.roots));
        measured(string.concat("postScore, ", which));
        mine(WINDOW + 1);
        settleScore(round, made);
        measured(string.concat("settleScore, two burnt, ", which));
    }
}
