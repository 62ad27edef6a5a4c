// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PriceFeed} from "../../src/PriceFeed.sol";
import {IPriceFeed} from "../../src/interfaces/IPriceFeed.sol";
import {Tree} from "../../src/lib/Tree.sol";
import {Desk} from "./Desk.sol";

/// @notice A desk with a price feed of five reporters, slots of a minute and five minutes of
///         lateness.
abstract contract FeedDesk is Desk {
    uint256 internal constant REPORTERS = 5;
    uint256 internal constant FIRST_REPORTER = 0xFEED0;
    uint256 internal constant FEED_STAKE = 1000e18;
    uint32 internal constant SLOT = 60;
    uint32 internal constant LATE = 300;

    PriceFeed internal feed;

    function deployFeed() internal {
        deployDesk();
        openFeed();
    }

    function openFeed() internal {
        address[] memory who = new address[](REPORTERS);
        for (uint256 i = 0; i < REPORTERS; ++i) {
            who[i] = reporterOf(i);
        }
        feed = new PriceFeed(token, who, feedMarkets(), feedTerms());
        for (uint256 i = 0; i < REPORTERS; ++i) {
            token.transfer(who[i], 2 * FEED_STAKE);
            vm.startPrank(who[i]);
            token.approve(address(feed), type(uint256).max);
            feed.stake(FEED_STAKE);
            vm.stopPrank();
        }
        token.approve(address(feed), type(uint256).max);
        feed.fund(1000e18);
    }

    function feedMarkets() internal pure virtual returns (bytes32[] memory) {
        return single(MARKET);
    }

    function feedTerms() internal pure returns (IPriceFeed.Terms memory) {
        return IPriceFeed.Terms({
            slotSeconds: SLOT,
            lateSeconds: LATE,
            quorum: 3,
            band: 0.02e18,
            stake: FEED_STAKE,
            pay: 5e18
        });
    }

    function reporterOf(uint256 i) internal pure returns (address) {
        return vm.addr(FIRST_REPORTER + i);
    }

    function slotNow() internal view returns (uint64) {
        return uint64(block.timestamp / SLOT);
    }

    /// @notice Four messages around a price, the last the highest.
    function messages(uint256 price) internal pure returns (IPriceFeed.Message[] memory list) {
        list = new IPriceFeed.Message[](4);
        for (uint256 i = 0; i < 4; ++i) {
            uint256 said = price + price * i / 1000 - price / 1000;
            list[i] = IPriceFeed.Message(keccak256(abi.encode("venue", i)), uint128(said), 7);
        }
    }

    function leavesOf(IPriceFeed.Message[] memory list)
        internal
        view
        returns (bytes32[] memory leaves)
    {
        leaves = new bytes32[](list.length);
        for (uint256 i = 0; i < list.length; ++i) {
            leaves[i] = feed.messageLeaf(list[i]);
        }
    }

    /// @notice An honest report of venues a tenth of a per cent apart.
    function seen(uint64 slot, uint256 price) internal view returns (IPriceFeed.Report memory) {
        IPriceFeed.Message[] memory list = messages(price);
        return IPriceFeed.Report({
            market: MARKET,
            slot: slot,
            price: uint128(price),
            low: list[0].price,
            high: list[3].price,
            messagesRoot: Tree.root(leavesOf(list)),
            messages: 4
        });
    }

    function signReport(uint256 i, IPriceFeed.Report memory made)
        internal
        view
        returns (bytes memory)
    {
        return signature(FIRST_REPORTER + i, feed.digestOf(made));
    }

    function bring(uint256 i, IPriceFeed.Report memory made) internal {
        IPriceFeed.Report[] memory list = new IPriceFeed.Report[](1);
        bytes[] memory signed = new bytes[](1);
        (list[0], signed[0]) = (made, signReport(i, made));
        feed.report(list, signed);
    }

    function bring(uint256 i, uint64 slot, uint256 price) internal {
        bring(i, seen(slot, price));
    }

    /// @notice All reporters see one price in this slot.
    function allBring(uint256 price) internal {
        IPriceFeed.Report[] memory list = new IPriceFeed.Report[](REPORTERS);
        bytes[] memory signed = new bytes[](REPORTERS);
        for (uint256 i = 0; i < REPORTERS; ++i) {
            list[i] = seen(slotNow(), price);
            signed[i] = signReport(i, list[i]);
        }
        feed.report(list, signed);
    }

    /// @notice Moves to where a slot is over, its lateness too.
    function pass(uint64 slot) internal {
        vm.warp((uint256(slot) + 1) * SLOT + LATE);
    }

    /// @notice Closes all that can be.
    function closeAll() internal {
        while (true) {
            try feed.close(MARKET) {}
            catch {
                return;
            }
        }
    }
}
