// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IPriceFeed} from "../../src/interfaces/IPriceFeed.sol";
import {PriceFeed} from "../../src/PriceFeed.sol";
import {Campaign} from "../support/Campaign.sol";
import {FeedDesk} from "../support/FeedDesk.sol";

/// @notice Plays five reporters of whom two say anything, late, twice, or nothing; some are convicted.
contract FeedPlay is FeedDesk {
    mapping(uint64 slot => uint256) internal lows;
    mapping(uint64 slot => uint256) internal highs;
    mapping(uint64 slot => uint256) internal honest;
    mapping(uint64 slot => mapping(uint256 reporter => bool)) internal brought;
    uint64 internal first;
    uint64 internal lastClosed;

    uint256 public goods;
    uint256 public stales;
    uint256 public lates;
    uint256 public convictions;
    uint256 public payments;

    constructor() {
        deployFeed();
        first = slotNow();
    }

    function step(uint256 choice, uint256 seed) external {
        choice %= 100;
        if (choice < 60) _bring(seed);
        else if (choice < 80) vm.warp(block.timestamp + 1 + seed % 100);
        else if (choice < 92) _close();
        else if (choice < 95) _pay(seed);
        else if (choice < 98) _stake(seed);
        else if (seed % 8 == 0) _convict(seed);
        _check();
    }

    /// @notice Reporters 0, 1 and 2 are honest, and bring to any slot that takes reports.
    function _bring(uint256 seed) internal {
        uint256 i = seed % REPORTERS;
        uint64 slot = slotNow() - uint64(seed >> 8) % (LATE / SLOT);
        if (slot < first) slot = slotNow();
        uint256 mark = 50e18 + uint256(slot) % 7 * 1e18;
        uint256 price = bound(seed >> 16, mark, mark * 1001 / 1000);
        if (i > 2) price = bound(seed >> 16, 1e6, 1e30);
        PriceFeed.Reporter memory reporter = feed.reporterOf(reporterOf(i));
        IPriceFeed.Report memory made = seen(slot, price);
        try this.bringExternally(i, made) {
            if (slot < slotNow()) ++lates;
            // A second bringing changes nothing.
            if (i > 2 || brought[slot][i]) return;
            brought[slot][i] = true;
            ++honest[slot];
            if (lows[slot] == 0 || price < lows[slot]) lows[slot] = price;
            if (price > highs[slot]) highs[slot] = price;
        } catch (bytes memory why) {
            bool poor = reporter.convicted || reporter.stake < FEED_STAKE;
            vm.assertTrue(poor && bytes4(why) == IPriceFeed.NotAReporter.selector, "heard");
        }
    }

    function bringExternally(uint256 i, IPriceFeed.Report memory made) external {
        bring(i, made);
    }

    function _close() internal {
        try feed.close(MARKET) returns (uint64 slot) {
            vm.assertTrue(slot > lastClosed, "in order");
            lastClosed = slot;
            uint256 price = feed.priceAt(MARKET, slot);
            if (price == 0) {
                ++stales;
                return;
            }
            ++goods;
        } catch (bytes memory why) {
            vm.assertTrue(bytes4(why) == IPriceFeed.NothingToClose.selector);
        }
    }

    function _pay(uint256 seed) internal {
        uint256 before = token.balanceOf(reporterOf(seed % REPORTERS));
        feed.pay(reporterOf(seed % REPORTERS));
        if (token.balanceOf(reporterOf(seed % REPORTERS)) > before) ++payments;
    }

    /// @notice The liars take stake back when they can, and put it in again.
    function _stake(uint256 seed) internal {
        address who = reporterOf(3 + seed % 2);
        PriceFeed.Reporter memory reporter = feed.reporterOf(who);
        vm.startPrank(who);
        if (reporter.stake > 0 && block.timestamp >= reporter.until) feed.unstake(reporter.stake);
        else if (!reporter.convicted && reporter.stake == 0) feed.stake(FEED_STAKE);
        vm.stopPrank();
    }

    function _convict(uint256 seed) internal {
        uint256 i = 3 + seed % 2;
        if (feed.reporterOf(reporterOf(i)).convicted) return;
        IPriceFeed.Report memory a = seen(slotNow(), 50e18);
        IPriceFeed.Report memory b = seen(slotNow(), 51e18);
        uint256 supply = token.totalSupply();
        uint256 stake = feed.reporterOf(reporterOf(i)).stake;
        feed.proveTwo(a, signReport(i, a), b, signReport(i, b));
        vm.assertEq(token.totalSupply(), supply - stake, "burnt, to the wei");
        ++convictions;
    }

    /// @dev Money in equals money out: stakes, what is owed and what is not earned are what it holds.
    function _check() internal view {
        uint256 held = feed.pot();
        for (uint256 i = 0; i < REPORTERS; ++i) {
            PriceFeed.Reporter memory reporter = feed.reporterOf(reporterOf(i));
            held += reporter.stake + reporter.owed;
            vm.assertTrue(reporter.weight >= 0.8e18 && reporter.weight <= 1e18, "weight");
            if (i < 3) vm.assertEq(reporter.stake, FEED_STAKE, "distance costs no stake");
        }
        vm.assertEq(token.balanceOf(address(feed)), held, "holds what it owes");
        (uint256 price, uint64 slot, bool fresh) = feed.latest(MARKET);
        if (fresh) vm.assertTrue(price > 0 && slot == lastClosed, "fresh");
        if (honest[slot] == 3) {
            vm.assertTrue(price >= lows[slot] && price <= highs[slot], "between honest ones");
        }
    }
}

contract FeedInvariants is Campaign {
    FeedPlay internal play;

    function setUp() public {
        play = new FeedPlay();
    }

    function player() internal view override returns (address) {
        return address(play);
    }

    /// @notice The play checks itself after every step.
    function invariant_feed() external view {}

    /// @notice The play reaches every corner that the invariants are about.
    function test_play_reachesEverything() external {
        for (uint256 i = 0; i < 2000; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("feed", i)));
            play.step(seed % 100, seed >> 8);
        }
        vm.assertGt(play.goods(), 20);
        vm.assertGt(play.stales(), 5);
        vm.assertGt(play.lates(), 50);
        vm.assertGt(play.convictions(), 0);
        vm.assertGt(play.payments(), 5);
    }
}
