// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PriceFeed} from "../src/PriceFeed.sol";
import {IPriceFeed} from "../src/interfaces/IPriceFeed.sol";
import {Tree} from "../src/lib/Tree.sol";
import {FeedDesk} from "./support/FeedDesk.sol";

contract PriceFeedTest is FeedDesk {
    uint64 internal slot;

    function setUp() public {
        deployFeed();
        slot = slotNow();
    }

    function closed(uint64 which, uint256 price) internal {
        pass(which);
        vm.assertEq(feed.close(MARKET), which);
        vm.assertEq(feed.priceAt(MARKET, which), price);
    }

    function test_median() public {
        bring(0, slot, 50e18);
        bring(1, slot, 50.2e18);
        bring(2, slot, 50.1e18);
        bring(3, slot, 47e18);
        bring(4, slot, 50.15e18);
        vm.assertEq(feed.priceAt(MARKET, slot), 0); // not closed
        closed(slot, 50.1e18);
        (uint256 price, uint64 at, bool fresh) = feed.latest(MARKET);
        vm.assertEq(price, 50.1e18);
        vm.assertEq(at, slot);
        vm.assertTrue(fresh);
    }

    function test_fewerThanAQuorum_stale() public {
        allBring(50e18);
        closed(slot, 50e18);
        uint64 next = slotNow();
        bring(0, next, 50e18);
        bring(1, next, 50e18);
        closed(next, 0);
        (uint256 price, uint64 at, bool fresh) = feed.latest(MARKET);
        vm.assertEq(price, 50e18);
        vm.assertEq(at, slot);
        vm.assertFalse(fresh);
    }

    function wide(uint256 low, uint256 high) internal view returns (IPriceFeed.Report memory made) {
        made = seen(slotNow(), 50e18);
        (made.low, made.high) = (uint128(low), uint128(high));
    }

    /// @notice Venues apart: stale. One reporter alone cannot say so.
    function test_venuesApart_stale() public {
        bring(0, wide(50e18, 51.1e18));
        bring(1, wide(49.9e18, 51.1e18));
        bring(2, wide(50e18, 51.1e18));
        closed(slot, 0);
        slot = slotNow();
        bring(0, wide(10e18, 90e18));
        bring(1, slot, 50e18);
        bring(2, slot, 50e18);
        closed(slot, 50e18);
    }

    /// @notice Silence is stale too.
    function test_fresh_ends() public {
        allBring(50e18);
        closed(slot, 50e18);
        vm.warp((uint256(slot) + 3) * SLOT + LATE - 1);
        (,, bool fresh) = feed.latest(MARKET);
        vm.assertTrue(fresh);
        vm.warp(block.timestamp + 1);
        (,, fresh) = feed.latest(MARKET);
        vm.assertFalse(fresh);
        (uint256 none,, bool never) = feed.latest(keccak256("other"));
        vm.assertEq(none, 0);
        vm.assertFalse(never);
    }

    /// @notice Whoever left a report out: anybody brings it late, and it counts.
    function test_late_isIncluded() public {
        bring(0, slot, 50e18);
        bring(1, slot, 50e18);
        vm.warp((uint256(slot) + 1) * SLOT + LATE - 1);
        vm.expectRevert(abi.encodeWithSelector(IPriceFeed.NothingToClose.selector));
        feed.close(MARKET);
        bring(2, slot, 51e18);
        closed(slot, 50e18);
        IPriceFeed.Report memory made = seen(slot, 50e18);
        vm.expectPartialRevert(IPriceFeed.OutsideSlot.selector);
        this.bringExternally(3, made);
        made = seen(slotNow() + 1, 50e18);
        vm.expectPartialRevert(IPriceFeed.OutsideSlot.selector);
        this.bringExternally(3, made);
    }

    function bringExternally(uint256 i, IPriceFeed.Report memory made) external {
        bring(i, made);
    }

    /// @notice Slots are closed in their order, in whatever order their reports came; none is left out.
    function test_close_inOrder() public {
        vm.warp(block.timestamp + 4 * SLOT);
        uint64 last = slotNow();
        uint64[5] memory order = [last, last - 3, last - 1, last - 4, last - 2];
        for (uint256 i = 0; i < 5; ++i) {
            for (uint256 j = 0; j < 3; ++j) {
                bring(j, order[i], 50e18);
            }
        }
        vm.assertEq(feed.decidedBefore(MARKET), (NOW - LATE + 4 * SLOT) / SLOT);
        pass(last);
        vm.assertEq(feed.decidedBefore(MARKET), last - 4);
        for (uint64 i = 0; i < 5; ++i) {
            vm.assertEq(feed.close(MARKET), last - 4 + i);
        }
        vm.assertEq(feed.decidedBefore(MARKET), last + 1);
        vm.expectRevert(abi.encodeWithSelector(IPriceFeed.NothingToClose.selector));
        feed.close(MARKET);
    }

    /// @notice A report that is there already spoils no batch, and moves nothing.
    function test_report_twiceIsOnce() public {
        bring(0, slot, 49e18);
        bring(0, slot, 49e18);
        bring(0, slot, 51e18);
        allBring(50e18);
        closed(slot, 50e18);
    }

    function test_report_refuses() public {
        IPriceFeed.Report memory made = seen(slot, 50e18);
        vm.expectRevert(
            abi.encodeWithSelector(IPriceFeed.NotAReporter.selector, vm.addr(FIRST_REPORTER + 9))
        );
        this.bringExternally(9, made);
        made.low = made.price + 1;
        vm.expectRevert(abi.encodeWithSelector(IPriceFeed.BadReport.selector));
        this.bringExternally(0, made);
        made = seen(slot, 50e18);
        made.messages = 0;
        vm.expectRevert(abi.encodeWithSelector(IPriceFeed.BadReport.selector));
        this.bringExternally(0, made);
        vm.prank(reporterOf(0));
        feed.unstake(1);
        made = seen(slot, 50e18);
        vm.expectPartialRevert(IPriceFeed.NotAReporter.selector);
        this.bringExternally(0, made);
    }

    /// @notice Distance costs pay and weight, and never stake.
    function test_distance_costsPayAndWeight() public {
        bring(0, slot, 50e18);
        bring(1, slot, 50e18);
        bring(2, slot, 50.5e18); // half the band, and its highest venue a little more
        bring(3, slot, 60e18);
        closed(slot, 50e18);
        vm.assertEq(feed.reporterOf(reporterOf(0)).owed, 1e18);
        vm.assertEq(feed.reporterOf(reporterOf(2)).owed, 0.499e18);
        vm.assertEq(feed.reporterOf(reporterOf(3)).owed, 0);
        vm.assertEq(feed.reporterOf(reporterOf(4)).owed, 0); // silent
        vm.assertEq(feed.reporterOf(reporterOf(0)).weight, 1e18);
        vm.assertEq(feed.reporterOf(reporterOf(2)).weight, 0.97495e18);
        vm.assertEq(feed.reporterOf(reporterOf(3)).weight, 0.95e18);
        vm.assertEq(feed.reporterOf(reporterOf(3)).stake, FEED_STAKE);
        uint256 before = token.balanceOf(reporterOf(2));
        feed.pay(reporterOf(2));
        feed.pay(reporterOf(2));
        vm.assertEq(token.balanceOf(reporterOf(2)), before + 0.499e18);
        vm.assertEq(feed.pot(), 1000e18 - 2.499e18);
    }

    /// @notice A range too wide for any message to contradict costs what a price as far off would.
    function test_wideRange_costsPayAndWeight() public {
        bring(0, slot, 50e18);
        bring(1, slot, 50e18);
        bring(2, wide(1, 1e30));
        bring(3, wide(49.95e18, 50.6e18));
        closed(slot, 50e18);
        vm.assertEq(feed.reporterOf(reporterOf(0)).owed, 1e18);
        vm.assertEq(feed.reporterOf(reporterOf(2)).owed, 0);
        vm.assertEq(feed.reporterOf(reporterOf(2)).weight, 0.95e18);
        vm.assertEq(feed.reporterOf(reporterOf(3)).owed, 0.5e18);
    }

    /// @notice Two of five who decided slots while two honest ones were silent do not outweigh the three when these
    ///         are back: otherwise they would decide what distance is for ever.
    function test_weights_noMinorityTakesOver() public {
        for (uint256 i = 0; i < 30; ++i) {
            slot = slotNow();
            bring(i % 3, slot, 50e18);
            bring(3, slot, 40e18);
            bring(4, slot, 40e18);
            pass(slot);
            closeAll();
        }
        slot = slotNow();
        for (uint256 i = 0; i < 3; ++i) {
            bring(i, slot, 50e18);
        }
        bring(3, slot, 40e18);
        bring(4, slot, 40e18);
        closed(slot, 50e18);
    }

    /// @notice A quorum cannot make up markets to be paid for, nor to get its weight back on.
    function test_unknownMarket_isNotPaid() public {
        IPriceFeed.Report memory made = seen(slot, 50e18);
        made.market = keccak256("made up");
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IPriceFeed.UnknownMarket.selector, made.market));
            this.bringExternally(i, made);
        }
        vm.assertTrue(feed.isMarket(MARKET));
        vm.assertFalse(feed.isMarket(made.market));
    }

    /// @notice What was signed for one feed, or one chain, is nothing on another.
    function test_replay_isOfNobody() public {
        address[] memory who = new address[](1);
        who[0] = reporterOf(0);
        IPriceFeed.Terms memory alone = feedTerms();
        (alone.quorum, alone.stake) = (1, 0);
        PriceFeed other = new PriceFeed(token, who, single(MARKET), alone);
        IPriceFeed.Report[] memory list = new IPriceFeed.Report[](1);
        bytes[] memory signed = new bytes[](1);
        (list[0], signed[0]) = (seen(slot, 50e18), signReport(0, seen(slot, 50e18)));
        vm.expectPartialRevert(IPriceFeed.NotAReporter.selector);
        other.report(list, signed);
        (IPriceFeed.Report memory a, IPriceFeed.Report memory b) =
            (seen(slot, 50e18), seen(slot, 51e18));
        (bytes memory c, bytes memory d) = (signReport(0, a), signReport(0, b));
        vm.expectRevert(abi.encodeWithSelector(IPriceFeed.NoProof.selector));
        other.proveTwo(a, c, b, d);
        vm.chainId(77);
        vm.expectPartialRevert(IPriceFeed.NotAReporter.selector);
        feed.report(list, signed);
    }

    /// @notice A voice is never smaller than four fifths where there are five, and comes back.
    function test_weight_hasAFloor() public {
        for (uint256 i = 0; i < 60; ++i) {
            bring(0, slotNow(), 50e18);
            bring(1, slotNow(), 50e18);
            bring(2, slotNow(), 80e18);
            pass(slotNow());
            closeAll();
        }
        vm.assertEq(feed.reporterOf(reporterOf(2)).weight, 0.8e18);
        allBring(50e18);
        pass(slotNow());
        closeAll();
        vm.assertEq(feed.reporterOf(reporterOf(2)).weight, 0.81e18);
    }

    function prove(
        uint256 i,
        IPriceFeed.Report memory first,
        uint256 j,
        IPriceFeed.Report memory second
    ) internal {
        bytes memory a = signReport(i, first);
        bytes memory b = signReport(j, second);
        feed.proveTwo(first, a, second, b);
    }

    function proveExternally(
        uint256 i,
        IPriceFeed.Report memory first,
        uint256 j,
        IPriceFeed.Report memory second
    ) external {
        prove(i, first, j, second);
    }

    function expectNoProof(
        uint256 i,
        IPriceFeed.Report memory first,
        uint256 j,
        IPriceFeed.Report memory second
    ) internal {
        vm.expectRevert(abi.encodeWithSelector(IPriceFeed.NoProof.selector));
        this.proveExternally(i, first, j, second);
    }

    /// @notice Two reports for one slot: the stake is burnt, whoever shows it gets nothing, and the
    ///         convicted one's report counts no more.
    function test_twoReports_burn() public {
        bring(0, slot, 40e18);
        bring(1, slot, 50e18);
        bring(2, slot, 51e18);
        bring(3, slot, 52e18);
        uint256 supply = token.totalSupply();
        uint256 own = token.balanceOf(address(this));
        prove(0, seen(slot, 40e18), 0, seen(slot, 41e18));
        vm.assertEq(token.totalSupply(), supply - FEED_STAKE);
        vm.assertEq(token.balanceOf(address(this)), own);
        closed(slot, 51e18);
        IPriceFeed.Report memory first = seen(slotNow(), 50e18);
        vm.expectPartialRevert(IPriceFeed.NotAReporter.selector);
        this.bringExternally(0, first);
        vm.prank(reporterOf(0));
        vm.expectPartialRevert(IPriceFeed.NotAReporter.selector);
        feed.stake(1);
        first = seen(slot, 40e18);
        IPriceFeed.Report memory second = seen(slot, 41e18);
        vm.expectPartialRevert(IPriceFeed.NotAReporter.selector);
        this.proveExternally(0, first, 0, second);
    }

    function test_twoReports_noProof() public {
        expectNoProof(0, seen(slot, 40e18), 0, seen(slot, 40e18));
        expectNoProof(0, seen(slot, 40e18), 1, seen(slot, 41e18));
        expectNoProof(0, seen(slot, 40e18), 0, seen(slot + 1, 41e18));
        IPriceFeed.Report memory other = seen(slot, 41e18);
        other.market = keccak256("other");
        expectNoProof(0, seen(slot, 40e18), 0, other);
        (IPriceFeed.Report memory first, IPriceFeed.Report memory second) =
            (seen(slot, 40e18), seen(slot, 41e18));
        vm.expectPartialRevert(IPriceFeed.NotAReporter.selector);
        this.proveExternally(9, first, 9, second);
    }

    function contradict(IPriceFeed.Report memory made, uint256 index) internal {
        IPriceFeed.Message[] memory list = messages(50e18);
        bytes32[] memory leaves = leavesOf(list);
        bytes32[] memory siblings = new bytes32[](3);
        uint256 used = 0;
        for (uint256 i = 0; i < 4; ++i) {
            if (i != index) siblings[used++] = leaves[i];
        }
        feed.proveContradiction(made, signReport(0, made), list[index], index, siblings);
    }

    function contradictExternally(IPriceFeed.Report memory made, uint256 index) external {
        contradict(made, index);
    }

    /// @notice A report whose range leaves out what its own messages say.
    function test_contradiction_burns() public {
        IPriceFeed.Report memory made = seen(slot, 50e18);
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IPriceFeed.NoProof.selector));
            this.contradictExternally(made, i); // an honest one's
        }
        made.high = made.price;
        vm.expectRevert(abi.encodeWithSelector(IPriceFeed.NoProof.selector));
        this.contradictExternally(made, 0);
        uint256 supply = token.totalSupply();
        contradict(made, 3);
        vm.assertEq(token.totalSupply(), supply - FEED_STAKE);
        vm.assertTrue(feed.reporterOf(reporterOf(0)).convicted);
    }

    function test_contradiction_notTheMessages() public {
        IPriceFeed.Report memory made = seen(slot, 50e18);
        made.high = made.price;
        made.messagesRoot = keccak256("other");
        vm.expectRevert(abi.encodeWithSelector(IPriceFeed.NoProof.selector));
        this.contradictExternally(made, 3);
    }

    function test_unstake_whenNothingCanBeProven() public {
        bring(0, slot, 50e18);
        uint64 until = (slot + 1) * SLOT + LATE + 7 days;
        vm.startPrank(reporterOf(0));
        vm.expectRevert(abi.encodeWithSelector(IPriceFeed.StakeBound.selector, until));
        feed.unstake(1);
        vm.warp(until);
        feed.unstake(FEED_STAKE);
        vm.stopPrank();
        vm.assertEq(token.balanceOf(reporterOf(0)), 2 * FEED_STAKE);
    }

    // Means.

    /// @notice Prices of `count` slots from the next on, one dollar more each; some are left out.
    function series(uint256 count, uint256 gaps) internal returns (uint64 from) {
        vm.warp((uint256(slotNow()) + 1) * SLOT);
        from = slotNow();
        for (uint256 i = 0; i < count; ++i) {
            if (gaps >> i & 1 == 0) allBring((50 + i) * 1e18);
            vm.warp(block.timestamp + SLOT);
        }
        pass(slotNow());
        closeAll();
    }

    function test_average() public {
        uint64 from = series(30, 0);
        vm.assertEq(feed.average(MARKET, from, from + 30, 20), 64.5e18);
        vm.assertEq(feed.average(MARKET, from + 10, from + 12, 2), 60.5e18);
    }

    /// @notice With too many of them missing the next good ones count instead.
    function test_average_laterWhenTooFew() public {
        uint64 from = series(8, 6); // two of the first four are missing
        vm.assertEq(feed.average(MARKET, from, from + 4, 2), 51.5e18);
        vm.assertEq(feed.average(MARKET, from, from + 4, 3), 55.5e18);
        vm.expectRevert(abi.encodeWithSelector(IPriceFeed.NotYet.selector, 3, 4));
        feed.average(MARKET, from + 1, from + 5, 4);
    }

    /// @notice Nobody chooses a mean by closing less than could be closed.
    function test_average_waitsForWhatIsOpen() public {
        uint64 from = slotNow();
        allBring(50e18);
        vm.expectPartialRevert(IPriceFeed.NotYet.selector);
        feed.average(MARKET, from, from + 1, 1);
        pass(from);
        vm.expectPartialRevert(IPriceFeed.NotYet.selector);
        feed.average(MARKET, from, from + 1, 1);
        feed.close(MARKET);
        vm.assertEq(feed.average(MARKET, from, from + 1, 1), 50e18);
    }

    function expectBad(string memory field, address[] memory who, IPriceFeed.Terms memory bad)
        internal
    {
        vm.expectRevert(abi.encodeWithSelector(IPriceFeed.BadTerms.selector, field));
        new PriceFeed(token, who, single(MARKET), bad);
    }

    function test_constructor_refuses() public {
        address[] memory who = new address[](3);
        expectBad("reporters", who, feedTerms());
        expectBad("reporters", new address[](17), feedTerms());
        (who[0], who[1]) = (address(1), address(2));
        IPriceFeed.Terms memory bad = feedTerms();
        bad.quorum = 4;
        expectBad("quorum", who, bad);
        bad = feedTerms();
        bad.slotSeconds = 0;
        expectBad("slotSeconds", who, bad);
        bad = feedTerms();
        bad.band = 1e18;
        expectBad("band", who, bad);
        bad = feedTerms();
        (bad.slotSeconds, bad.lateSeconds) = (1 days, 4 days);
        expectBad("lateSeconds", who, bad);
        bad = feedTerms();
        bad.lateSeconds = 64 * SLOT + 1; // a report might be put before too many others
        expectBad("lateSeconds", who, bad);
    }

    /// @notice Two liars of five, saying anything, move the price no farther than an honest report.
    function test_fuzz_median_twoLiars(uint256[5] memory said, uint8 from) public {
        uint256 low = type(uint256).max;
        uint256 high = 0;
        for (uint256 i = 0; i < 5; ++i) {
            bool honest = i < 3;
            uint256 price = bound(said[i], honest ? 50e18 : 1e3, honest ? 50.2e18 : 1e30);
            bring((i + from % 5) % 5, slot, price);
            if (honest && price < low) low = price;
            if (honest && price > high) high = price;
        }
        pass(slot);
        feed.close(MARKET);
        uint256 price_ = feed.priceAt(MARKET, slot);
        vm.assertTrue(price_ >= low && price_ <= high);
    }

    /// @notice A message is where its way up says, and nowhere else.
    function test_fuzz_contradiction_otherPlaces(uint256 index, uint128 price) public {
        IPriceFeed.Report memory made = seen(slot, 50e18);
        made.high = made.price;
        index = bound(index, 0, 20);
        IPriceFeed.Message memory told = IPriceFeed.Message(keccak256("venue"), price, 7);
        bytes memory signed = signReport(0, made);
        vm.expectRevert();
        feed.proveContradiction(made, signed, told, index, new bytes32[](3));
    }
}
