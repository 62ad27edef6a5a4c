// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PanelDesk} from "./support/PanelDesk.sol";

/// @notice Gas of a gate with three providers, in snapshots/Panel.json.
contract GasPanelTest is PanelDesk {
    function setUp() public {
        deployPanel();
        agree(0.125e18);
    }

    function measured(string memory name) internal {
        vm.snapshotGasLastCall("Panel", name);
    }

    /// forge-config: default.isolate = true
    function test_gas_rise() public {
        for (uint256 i = 0; i < 3; ++i) {
            say(P0 + i, 0.24e18);
        }
        panel.applyReports(MARKET);
        measured("applyReports, three open reports");
        panel.initialMargin(MARKET);
        measured("initialMargin, three open reports");
        apply_();
        measured("applyReports, three final reports");
        uint256 claim = propose(0.09375e18, 1, 1e18);
        measured("proposeStep");
        mine(WINDOW + 1);
        panel.takeStep(claim);
        measured("takeStep");
        panel.initialMargin(MARKET);
        measured("initialMargin");
    }
}
