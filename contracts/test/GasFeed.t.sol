// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ProviderLedger} from "../src/ProviderLedger.sol";
import {IPriceFeed} from "../src/interfaces/IPriceFeed.sol";
import {IProviderLedger} from "../src/interfaces/IProviderLedger.sol";
import {FeedDesk} from "./support/FeedDesk.sol";

/// @notice Gas of a feed with five reporters and of the ledger, in snapshots/Feed.json.
contract GasFeedTest is FeedDesk {
    function setUp() public {
        deployFeed();
        for (uint256 i = 0; i < 2; ++i) {
            allBring(50e18);
            vm.warp(block.timestamp + SLOT);
        }
    }

    function measured(string memory name) internal {
        vm.snapshotGasLastCall("Feed", name);
    }

    /// forge-config: default.isolate = true
    function test_gas_slot() public {
        ProviderLedger ledger = new ProviderLedger(oracle, feed, IProviderLedger.Terms(3, 0.005e18));
        address provider = vm.addr(PROVIDER_KEY);
        claimMargin(0.125e18);
        ledger.note(provider, MARKET);
        measured("note");
        mine(WINDOW + 1);
        oracle.settle(provider, MARKET);
        for (uint256 i = 0; i < 5; ++i) {
            IPriceFeed.Report[] memory list = new IPriceFeed.Report[](REPORTERS);
            bytes[] memory signed = new bytes[](REPORTERS);
            for (uint256 j = 0; j < REPORTERS; ++j) {
                list[j] = seen(slotNow(), 50e18);
                signed[j] = signReport(j, list[j]);
            }
            feed.report(list, signed);
            if (i == 0) measured("report, five of a slot");
            vm.warp(block.timestamp + SLOT);
        }
        pass(slotNow());
        feed.close(MARKET);
        feed.close(MARKET);
        measured("close, five reports");
        closeAll();
        ledger.score(provider, MARKET);
        measured("score");
        feed.average(MARKET, slotNow() - 10, slotNow() - 6, 2);
        measured("average");
        feed.pay(reporterOf(0));
        measured("pay");
        IPriceFeed.Report memory a = seen(slotNow(), 50e18);
        IPriceFeed.Report memory b = seen(slotNow(), 51e18);
        (bytes memory c, bytes memory d) = (signReport(0, a), signReport(0, b));
        feed.proveTwo(a, c, b, d);
        measured("proveTwo");
    }
}
