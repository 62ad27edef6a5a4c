// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PanelGate} from "../../src/PanelGate.sol";
import {ICourt} from "../../src/interfaces/ICourt.sol";
import {IAccounts, IAuthority, IPanelGate} from "../../src/interfaces/IPanelGate.sol";
import {Amount} from "../../src/lib/Amount.sol";
import {Header} from "../../src/lib/Header.sol";
import {Tree} from "../../src/lib/Tree.sol";
import {Desk} from "./Desk.sol";

/// @notice A desk with a panel of providers behind a gate, and a protocol whose accounts have a root.
abstract contract PanelDesk is Desk, IAccounts, IAuthority {
    uint256 internal constant P0 = 0xFACE0;
    uint256 internal constant P1 = 0xFACE1;
    uint256 internal constant P2 = 0xFACE2;
    uint64 internal constant DELAY = 60;
    uint64 internal constant PATIENCE = 6;

    PanelGate internal panel;
    bytes32 public accountsRoot = keccak256("accounts");
    mapping(address provider => bool) internal distrusted;

    function deployPanel() internal {
        deployDesk();
        panel = new PanelGate(oracle, this, this, Header.hash(consequenceHeader()), address(this));
        vm.assertTrue(court.isConsumer(address(panel)));
        panel.setMarket(MARKET, policy());
        for (uint256 i = 0; i < 3; ++i) {
            allow(P0 + i);
            panel.setProvider(vm.addr(P0 + i), true);
        }
        programs.register(Header.hash(consequenceHeader()), "");
        mine(WINDOW + 1);
    }

    function trusted(address provider, bytes32 market) external view returns (bool) {
        return market != 0 && !distrusted[provider];
    }

    function consequenceHeader() internal pure returns (bytes memory) {
        return bytes.concat(hex"0200000001000000000000000100000000000000", keccak256("consequence"));
    }

    function policy() internal pure returns (IPanelGate.Policy memory) {
        return IPanelGate.Policy({
            margin: IPanelGate.Limits(0.05e18, 0.8e18, 1e18, 0.05e18),
            volatility: IPanelGate.Limits(0.01e18, 2e18, 1e18, 0.05e18),
            staticInitial: 0.12e18,
            staticMaintenance: 0.08e18,
            staticVolatility: 0.5e18,
            delay: DELAY,
            patience: PATIENCE,
            countMax: 2,
            notionalMax: 1000e18
        });
    }

    /// @notice Steps of maintenance need no claim.
    function unchecked_() internal pure returns (IPanelGate.Policy memory made) {
        made = policy();
        made.countMax = type(uint256).max;
    }

    /// @notice A report's claim is open.
    function say(uint256 key, uint256 margin) internal returns (uint256 claim) {
        return send(draft(50e18, margin), key);
    }

    function say(uint256 key, uint256 margin, uint256 volatility) internal returns (uint256 claim) {
        Draft memory made = draft(50e18, margin);
        made.readings[1].chunk = chunkOf(volatility);
        made.readings[0].siblings[0] = Tree.leaf(made.readings[1].chunk);
        made.bundle.outputsRoot = outputsOf(made.readings[0].chunk, made.readings[1].chunk);
        return send(made, key);
    }

    /// @notice What is said becomes final, and the delay is over.
    function apply_() internal {
        mine(WINDOW + 1);
        vm.warp(block.timestamp + DELAY);
        panel.applyReports(MARKET);
    }

    /// @notice All three say the same.
    function agree(uint256 margin) internal {
        for (uint256 i = 0; i < 3; ++i) {
            say(P0 + i, margin);
        }
        apply_();
    }

    /// @notice The outcome of a step's claim.
    function outcome(uint256 count, uint256 notional) internal pure returns (bytes memory) {
        bytes memory words =
            abi.encodePacked(Amount.swap(doubleOf(count * 1e18)), Amount.swap(doubleOf(notional)));
        return bytes.concat(words, new bytes(240));
    }

    function propose(uint256 level, uint256 count, uint256 notional)
        internal
        returns (uint256 claim)
    {
        vm.prank(vm.addr(CHALLENGER_KEY));
        return panel.proposeStep(MARKET, doubleOf(level), outcome(count, notional));
    }

    function check(uint256 initial, uint256 maintenance) internal view {
        vm.assertEq(panel.initialMargin(MARKET), initial);
        vm.assertEq(panel.maintenanceMargin(MARKET), maintenance);
    }

    function strikeStep(uint256 claim) internal {
        vm.recordLogs();
        vm.prank(vm.addr(P0));
        uint256 dispute = court.challenge(claim, keccak256("otherwise"), consequenceHeader());
        ICourt.Dispute memory record = lastRecord();
        vm.recordLogs();
        vm.prank(vm.addr(P0)); // of one output there is nothing to reveal
        court.nameOutput(dispute, record, new bytes32[](0), 0, consequenceHeader());
        record = lastRecord();
        mine(CLOCK + 1);
        court.timeout(dispute, record);
    }
}
