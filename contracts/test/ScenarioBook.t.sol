// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ScenarioBook} from "../src/ScenarioBook.sol";
import {ICourt} from "../src/interfaces/ICourt.sol";
import {IScenarioBook} from "../src/interfaces/IScenarioBook.sol";
import {Scenarios} from "../src/lib/Scenarios.sol";
import {BookDesk} from "./support/BookDesk.sol";

contract ScenarioBookTest is BookDesk {
    uint64 internal constant EXPIRY = NOW + 10 days;
    uint32 internal perp;
    uint32 internal high;
    uint32 internal low;

    function setUp() public {
        deployBook();
        perp = perpetual(0);
        high = call(0, 110e18, EXPIRY);
        low = put(0, 90e18, EXPIRY);
        setPrice(100e18);
        setGrid(0, 100e18);
    }

    function sheetOf(uint32 id)
        internal
        view
        returns (Scenarios.Sheet memory sheet, IScenarioBook.State memory state)
    {
        (Scenarios.Sheet[] memory sheets, IScenarioBook.State[] memory states) =
            book.read(readingsOf(one(id)));
        return (sheets[0], states[sheets[0].market]);
    }

    function refuse(bytes memory why, IScenarioBook.Reading[] memory readings) internal {
        vm.expectRevert(why);
        book.read(readings);
    }

    function test_read_saysWhatTheClaimedRowSays() public view {
        (Scenarios.Sheet memory sheet, IScenarioBook.State memory state) = sheetOf(high);
        vm.assertTrue(state.priceFresh && state.gridFresh);
        vm.assertEq(state.index, 100e12);
        vm.assertEq(sheet.mark, 2e12);
        vm.assertEq(sheet.gains[23], 15e12); // 125 - 110
        vm.assertEq(sheet.gains[0], 0);
        vm.assertEq(sheet.kind, uint8(IScenarioBook.Kind.Call));
        (sheet,) = sheetOf(perp);
        vm.assertEq(sheet.gains[0], -25e12);
        vm.assertEq(sheet.delta, 1e12);
    }

    function test_read_drawsMarksBetweenNodes() public {
        setPrice(110e18);
        (Scenarios.Sheet memory sheet, IScenarioBook.State memory state) = sheetOf(perp);
        vm.assertTrue(state.gridFresh);
        vm.assertEq(sheet.mark, 110e12);
        // The nodes at 106 1/4 and 112 1/2 are worth 2 and 4 1/2.
        (sheet,) = sheetOf(high);
        vm.assertEq(sheet.mark, 3.5e12);
    }

    /// @notice Outside its band a grid is stale, and marks go on as straight lines.
    function test_read_outsideTheBandIsStale() public {
        setPrice(120e18);
        (Scenarios.Sheet memory sheet, IScenarioBook.State memory state) = sheetOf(perp);
        vm.assertTrue(state.priceFresh && !state.gridFresh);
        vm.assertEq(sheet.mark, 120e12);
        setPrice(60e18);
        (sheet,) = sheetOf(high);
        vm.assertEq(sheet.mark, 2e12);
        // Puts of 90 are worth 10 3/4 at 81 1/4 and 4 1/2 at 87 1/2.
        (sheet,) = sheetOf(low);
        vm.assertEq(sheet.mark, 32e12);
    }

    function test_read_tooOldIsStale() public {
        vm.warp(book.gridOf(0).time + 6 hours);
        (, IScenarioBook.State memory state) = sheetOf(perp);
        vm.assertFalse(state.gridFresh);
        vm.assertFalse(state.priceFresh);
    }

    function test_read_refusesWhatIsNotTheRow() public {
        IScenarioBook.Reading[] memory readings = readingsOf(one(perp));
        readings[0].opening.chunk[3] ^= 0x01;
        vm.expectPartialRevert(IScenarioBook.NotTheArray.selector);
        book.read(readings);
        readings = readingsOf(two(perp, high));
        (readings[0].opening, readings[1].opening) = (readings[1].opening, readings[0].opening);
        vm.expectPartialRevert(IScenarioBook.NotTheArray.selector);
        book.read(readings);
        readings = readingsOf(two(high, perp));
        refuse(abi.encodeWithSelector(IScenarioBook.NotAscending.selector, perp), readings);
        readings = readingsOf(one(perp));
        readings[0].instrument = 77;
        refuse(abi.encodeWithSelector(IScenarioBook.UnknownInstrument.selector, 77), readings);
    }

    /// @notice A row that an older grid had for another instrument is not this one's.
    function test_read_refusesAnInstrumentYoungerThanTheGrid() public {
        uint32 young = call(0, 105e18, EXPIRY);
        refuse(
            abi.encodeWithSelector(IScenarioBook.NotInGrid.selector, young), readingsOf(one(young))
        );
        setPrice(100e18);
        setGrid(0, 100e18);
        sheetOf(young);
    }

    function test_post_countsWhenFinal() public {
        setPrice(104e18);
        uint256 claim = claimGrid(0, 104e18);
        book.settle(0);
        vm.assertEq(book.gridOf(0).price, 100e12);
        vm.assertEq(book.waitingOf(0).length, 1);
        mine(WINDOW + 1);
        book.settle(0);
        vm.assertEq(book.gridOf(0).price, 104e12);
        vm.assertEq(book.gridOf(0).claim, claim);
        vm.assertEq(book.waitingOf(0).length, 0);
    }

    function test_post_aConvictedGridNeverCounts() public {
        allow(CHALLENGER_KEY);
        setPrice(104e18);
        uint256 claim = claimGrid(0, 104e18);
        (uint256 dispute, ICourt.Dispute memory record) = disputeOf(claim, bookHeader());
        vm.recordLogs();
        vm.prank(vm.addr(CHALLENGER_KEY));
        court.nameOutput(dispute, record, new bytes32[](0), 0, bookHeader());
        record = lastRecord();
        mine(CLOCK + 1);
        court.timeout(dispute, record);
        book.settle(0);
        vm.assertEq(book.gridOf(0).price, 100e12);
        vm.assertEq(book.waitingOf(0).length, 0);
    }

    function refusePost(string memory field, IScenarioBook.Data memory data) internal {
        vm.prank(book.provider());
        vm.expectRevert(abi.encodeWithSelector(IScenarioBook.BadData.selector, field));
        book.post(0, data, bytes32(uint256(1)));
    }

    function test_post_refusesAHeadThatCannotBe() public {
        IScenarioBook.Data memory data = dataAt(100e18);
        vm.expectRevert(abi.encodeWithSelector(IScenarioBook.NotProvider.selector, address(this)));
        book.post(0, data, bytes32(uint256(1)));
        setPrice(100e18);
        refusePost("price", dataAt(107e18));
        IScenarioBook.Data memory early = dataAt(100e18);
        floor = 0.5e18;
        refusePost("half", dataAt(100e18));
        floor = 0;
        data = dataAt(100e18);
        data.forwards = new bytes(8);
        refusePost("forwards", data);
        vm.warp(block.timestamp - 1);
        refusePost("time", early);
        vm.warp(block.timestamp + 17 minutes);
        refusePost("time", early);
        refusePost("price", dataAt(100e18)); // the feed is stale
    }

    function test_post_onlyAFewMayWait() public {
        for (uint256 i = 0; i < 16; ++i) {
            setPrice(100e18);
            claimGrid(0, 100e18);
        }
        setPrice(100e18);
        IScenarioBook.Data memory data = dataAt(100e18);
        vm.prank(book.provider());
        vm.expectRevert(abi.encodeWithSelector(IScenarioBook.TooManyWaiting.selector, 16));
        book.post(0, data, bytes32(uint256(1)));
        mine(WINDOW + 1);
        book.settle(0);
        vm.assertEq(book.waitingOf(0).length, 0);
    }

    function refuseListing(string memory field, IScenarioBook.Listing memory made) internal {
        IScenarioBook.Listing[] memory some = new IScenarioBook.Listing[](1);
        some[0] = made;
        vm.prank(book.provider());
        vm.expectRevert(abi.encodeWithSelector(IScenarioBook.BadListing.selector, field));
        book.list(some);
    }

    function test_list_refusesTermsThatCannotBe() public {
        IScenarioBook.Kind kind = IScenarioBook.Kind.Call;
        refuseListing("market", listing(2, kind, 1e18, EXPIRY));
        refuseListing("strike", listing(0, kind, 0.1e18, EXPIRY)); // no whole number of ticks
        refuseListing("expiry", listing(0, kind, 1e18, 0));
        refuseListing("expiry", listing(0, kind, 1e18, EXPIRY + 1));
        refuseListing("expiry", listing(0, kind, 1e18, NOW));
        IScenarioBook.Listing[] memory some = new IScenarioBook.Listing[](1);
        vm.expectRevert(abi.encodeWithSelector(IScenarioBook.NotProvider.selector, address(this)));
        book.list(some);
    }

    function test_list_rowsRunOutAndComeBack() public {
        for (uint256 i = 3; i < ROWS; ++i) {
            call(0, 100e18, EXPIRY);
        }
        IScenarioBook.Listing[] memory some = new IScenarioBook.Listing[](1);
        some[0] = listing(0, IScenarioBook.Kind.Call, 100e18, EXPIRY + 1 days);
        vm.prank(book.provider());
        vm.expectRevert(abi.encodeWithSelector(IScenarioBook.NoRow.selector, 0));
        book.list(some);
        settleAround(EXPIRY, 100e18, 0);
        book.fix(low);
        uint32 id = call(0, 100e18, EXPIRY + 1 days);
        vm.assertEq(book.instrumentOf(id).row, book.instrumentOf(low).row);
    }

    /// @notice Prices in the half hour before and after `expiry`, but for the first `missing`
    ///         minutes; the price rises by a dollar a minute.
    function settleAround(uint64 expiry, uint256 first, uint256 missing) internal {
        vm.warp(expiry - 30 minutes);
        for (uint256 i = 0; i < 70; ++i) {
            if (i >= missing) see(0, first + i * 1e18);
            vm.warp(block.timestamp + 1 minutes);
        }
        setPrices(0, 0);
    }

    function test_fix_isTheMeanOfTheLastHalfHour() public {
        settleAround(EXPIRY, 100e18, 0);
        // Minutes 0 to 29: 114 1/2.
        vm.assertEq(book.fix(high), 4.5e12);
        vm.assertEq(book.fix(low), 0);
        (Scenarios.Sheet memory sheet,) = sheetOf(high);
        vm.assertTrue(sheet.settled);
        vm.assertEq(sheet.mark, 4.5e12);
        vm.assertEq(sheet.gains[0], 0);
        vm.expectRevert(abi.encodeWithSelector(IScenarioBook.NotYet.selector, high));
        book.fix(high);
        vm.expectRevert(abi.encodeWithSelector(IScenarioBook.NotYet.selector, perp));
        book.fix(perp);
    }

    function test_fix_bearsTenMinutesOfSilence() public {
        settleAround(EXPIRY, 100e18, 10);
        // Minutes 10 to 29: 119 1/2.
        vm.assertEq(book.fix(high), 9.5e12);
    }

    function test_fix_elevenMinutesOfSilenceMoveItOn() public {
        settleAround(EXPIRY, 100e18, 11);
        // Minutes 30 to 59: 144 1/2.
        vm.assertEq(book.fix(high), 34.5e12);
    }

    function test_fix_waitsForGoodSlots() public {
        vm.warp(EXPIRY + 1 days);
        vm.expectPartialRevert(IPriceFeedNotYet);
        book.fix(high);
    }

    bytes4 internal constant IPriceFeedNotYet = bytes4(keccak256("NotYet(uint256,uint256)"));

    function test_delist_onlyAfterAWeekOfSilence() public {
        vm.expectRevert(abi.encodeWithSelector(IScenarioBook.NotYet.selector, perp));
        book.delist(perp);
        uint64 last = book.gridOf(0).time;
        vm.warp(last + 7 days);
        vm.expectRevert(abi.encodeWithSelector(IScenarioBook.NotYet.selector, high));
        book.delist(high);
        book.delist(perp);
        uint64 expiry = book.instrumentOf(perp).expiry;
        vm.assertEq(expiry, last + 7 days + 1 hours);
        settleAround(expiry, 100e18, 0);
        vm.assertEq(book.fix(perp), 114.5e12);
    }

    function test_constructor_refusesWhatCannotBe() public {
        vm.expectRevert(abi.encodeWithSelector(IScenarioBook.BadConfig.selector, "court"));
        this.deployAgain();
    }

    function deployAgain() external returns (ScenarioBook) {
        return bookOf(BAND);
    }
}
