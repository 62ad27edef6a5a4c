// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PanelGate} from "../src/PanelGate.sol";
import {ProviderLedger} from "../src/ProviderLedger.sol";
import {IAccounts, IPanelGate} from "../src/interfaces/IPanelGate.sol";
import {IProviderLedger} from "../src/interfaces/IProviderLedger.sol";
import {FeedDesk} from "./support/FeedDesk.sol";

contract ProviderLedgerTest is FeedDesk {
    uint64 internal constant HORIZON = 3;
    uint256 internal constant MISS_RATE = 0.005e18;
    ProviderLedger internal ledger;
    address internal provider = vm.addr(PROVIDER_KEY);

    function setUp() public {
        deployFeed();
        ledger = new ProviderLedger(oracle, feed, IProviderLedger.Terms(HORIZON, MISS_RATE));
    }

    /// @notice Prices of the slots from the next on, and closes them.
    function prices(uint256 first, uint256 last) internal {
        for (uint64 i = 0; i <= HORIZON; ++i) {
            vm.warp((uint256(slotNow()) + 1) * SLOT);
            uint256 price = i == HORIZON ? last : first;
            if (price > 0) allBring(price);
        }
        pass(slotNow());
        closeAll();
        vm.warp(block.timestamp + SLOT);
    }

    /// @notice A report, and what came of it; its claim is final by then.
    function outcome(uint256 margin, uint256 first, uint256 last) internal {
        claimMargin(margin);
        ledger.note(provider, MARKET);
        mine(WINDOW + 1);
        oracle.settle(provider, MARKET);
        prices(first, last);
        ledger.score(provider, MARKET);
    }

    function record() internal view returns (IProviderLedger.Record memory) {
        return ledger.recordOf(provider, MARKET);
    }

    function test_hitsAndWidth() public {
        outcome(0.125e18, 50e18, 55e18);
        vm.assertEq(record().outcomes, 1);
        vm.assertEq(record().misses, 0);
        vm.assertEq(record().bounds, 0.125e18);
        vm.assertTrue(record().widths > 0.025e18 - 100 && record().widths < 0.025e18 + 100);
        vm.assertEq(record().scores, 0.125e18);
        outcome(0.125e18, 50e18, 40e18); // 20 % down
        vm.assertEq(record().outcomes, 2);
        vm.assertEq(record().misses, 1);
        vm.assertEq(record().scores, 0.25e18 + 0.075e18 * 200);
        vm.assertTrue(ledger.trusted(provider, MARKET));
    }

    /// @notice A move of just the bound is no miss.
    function test_miss_isAboveTheBound() public {
        outcome(0.125e18, 48e18, 54e18);
        vm.assertEq(record().misses, 0);
        outcome(0.125e18, 48e18, 54e18 + 48);
        vm.assertEq(record().misses, 1);
    }

    function test_stale_dropsThePrediction() public {
        outcome(0.125e18, 50e18, 0);
        vm.assertEq(record().outcomes, 0);
        outcome(0.125e18, 0, 50e18);
        vm.assertEq(record().outcomes, 0);
        outcome(0.125e18, 50e18, 50e18);
        vm.assertEq(record().outcomes, 1);
    }

    /// @notice Nobody escapes a miss by having itself convicted.
    function test_struck_isAMiss() public {
        uint256 claim = claimMargin(0.125e18);
        ledger.note(provider, MARKET);
        strike(claim);
        vm.expectEmit();
        emit IProviderLedger.Convicted(provider, MARKET, claim);
        ledger.score(provider, MARKET);
        vm.assertEq(record().outcomes, 1);
        vm.assertEq(record().misses, 1);
        vm.assertEq(record().scores, 0.125e18);
        for (uint256 i = 0; i < 2; ++i) {
            claim = claimMargin(0.125e18);
            ledger.note(provider, MARKET);
            strike(claim);
            ledger.score(provider, MARKET);
        }
        vm.assertFalse(ledger.trusted(provider, MARKET));
    }

    /// @notice A wide report that is noted and at once followed by a narrow one does not stand for it.
    function test_note_theNewestOfTheSlot() public {
        claimMargin(0.75e18);
        ledger.note(provider, MARKET);
        claimMargin(0.125e18);
        ledger.note(provider, MARKET);
        vm.expectRevert(abi.encodeWithSelector(IProviderLedger.NothingToNote.selector));
        ledger.note(provider, MARKET);
        mine(WINDOW + 1);
        oracle.settle(provider, MARKET);
        prices(50e18, 60e18);
        ledger.score(provider, MARKET);
        vm.assertEq(record().outcomes, 1);
        vm.assertEq(record().bounds, 0.125e18);
        vm.assertEq(record().misses, 1);
    }

    /// @notice One prediction at a time, noted before its outcome, and each report once.
    function test_note_once() public {
        vm.expectRevert(abi.encodeWithSelector(IProviderLedger.NothingToNote.selector));
        ledger.note(provider, MARKET);
        vm.expectRevert(abi.encodeWithSelector(IProviderLedger.NothingRuns.selector));
        ledger.score(provider, MARKET);
        claimMargin(0.125e18);
        ledger.note(provider, MARKET);
        vm.warp(block.timestamp + SLOT);
        allBring(50e18);
        claimMargin(0.75e18);
        vm.expectRevert(
            abi.encodeWithSelector(IProviderLedger.Running.selector, uint64(NOW / SLOT) + 1)
        );
        ledger.note(provider, MARKET);
        mine(WINDOW + 1);
        oracle.settle(provider, MARKET);
        prices(50e18, 50e18);
        ledger.score(provider, MARKET);
        vm.assertEq(record().bounds, 0.125e18);
        ledger.note(provider, MARKET);
        prices(50e18, 50e18);
        ledger.score(provider, MARKET);
        vm.assertEq(record().bounds, 0.875e18);
        vm.expectRevert(abi.encodeWithSelector(IProviderLedger.NothingToNote.selector));
        ledger.note(provider, MARKET);
    }

    function test_note_notTheExpired() public {
        claimMargin(0.125e18);
        vm.warp(NOW + HOLDS);
        vm.expectRevert(abi.encodeWithSelector(IProviderLedger.NothingToNote.selector));
        ledger.note(provider, MARKET);
    }

    function test_score_whenDecided() public {
        claimMargin(0.125e18);
        ledger.note(provider, MARKET);
        bytes memory early = abi.encodeWithSelector(IProviderLedger.NotDecided.selector);
        vm.expectRevert(early);
        ledger.score(provider, MARKET);
        prices(50e18, 60e18);
        vm.expectRevert(early); // the claim is open
        ledger.score(provider, MARKET);
        mine(WINDOW + 1);
        oracle.settle(provider, MARKET);
        ledger.score(provider, MARKET);
        vm.assertEq(record().misses, 1);
    }

    /// @notice Who misses time and again is heard no more, by any gate that asks; the others are.
    function test_trust_isLost() public {
        PanelGate panel = new PanelGate(oracle, ledger, IAccounts(address(0)), 0, address(this));
        IPanelGate.Limits memory wide = IPanelGate.Limits(0.01e18, 1e18, 1e18, 0.05e18);
        panel.setMarket(
            MARKET,
            IPanelGate.Policy(wide, wide, 0.1e18, 0.05e18, 0.5e18, 0, 0, type(uint256).max, 0)
        );
        panel.setProvider(provider, true);
        panel.setProvider(vm.addr(0xBEE), true);
        allow(0xBEE);
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertTrue(ledger.trusted(provider, MARKET));
            outcome(0.0625e18, 50e18, 60e18);
        }
        vm.assertFalse(ledger.trusted(provider, MARKET));
        vm.assertTrue(ledger.trusted(vm.addr(0xBEE), MARKET));
        vm.assertTrue(ledger.trusted(provider, keccak256("other")));
        claimMargin(0.0625e18);
        send(draft(50e18, 0.1875e18), 0xBEE);
        mine(WINDOW + 1);
        panel.applyReports(MARKET);
        vm.assertEq(panel.initialMargin(MARKET), 0.1875e18);
        vm.assertTrue(ledger.trialOf(provider, MARKET).lost);
    }

    function test_constructor_refuses() public {
        vm.expectRevert(abi.encodeWithSelector(IProviderLedger.BadTerms.selector, "horizonSlots"));
        new ProviderLedger(oracle, feed, IProviderLedger.Terms(0, MISS_RATE));
        vm.expectRevert(abi.encodeWithSelector(IProviderLedger.BadTerms.selector, "missRate"));
        new ProviderLedger(oracle, feed, IProviderLedger.Terms(1, 0.1e18 + 1));
    }
}
