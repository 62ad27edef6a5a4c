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

    /// @notice Providers that leave as many reports open as they may make the call dearer, and three of them
    ///         stay within what a transaction may use (EIP-7825).
    /// forge-config: default.isolate = true
    function test_gas_asManyOpenAsMay() public {
        for (uint256 i = 0; i < 3; ++i) {
            for (uint256 k = 0; k < 64; ++k) {
                say(P0 + i, 0.125e18 + k * 1e15);
            }
        }
        panel.applyReports(MARKET);
        vm.assertLe(
            vm.snapshotGasLastCall("Panel", "applyReports, three times 64 open reports"), 2 ** 24
        );
        mine(WINDOW + 1);
        panel.applyReports(MARKET);
        vm.assertLe(
            vm.snapshotGasLastCall("Panel", "applyReports, three times 64 reports to finalise"),
            2 ** 24
        );
    }
}
