// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IScenarioBook} from "../src/interfaces/IScenarioBook.sol";
import {ISurfaceBook} from "../src/interfaces/ISurfaceBook.sol";
import {Amount} from "../src/lib/Amount.sol";
import {Elementary64} from "../src/lib/Elementary64.sol";
import {F64} from "../src/lib/F64.sol";
import {Grove} from "./support/Grove.sol";
import {SurfaceDesk} from "./support/SurfaceDesk.sol";

contract SurfaceBookTest is SurfaceDesk {
    uint64 internal constant INFINITY = 0x7ff0000000000000;

    function setUp() public {
        deploySurfaces();
        vm.assertEq(known.length, 3);
    }

    function settled() internal returns (uint256 number) {
        number = postSurface(known);
        mine(WINDOW + 1);
        surfaces.settle(number);
    }

    /// @notice The contract derives the roots of the very claims that the Programs make.
    function test_vectors_rootsOfClaims() public view {
        for (uint256 i = 0; i < cases.length; ++i) {
            ISurfaceBook.Slice memory slice = known[i];
            bytes32 inputs = surfaces.butterflyInputs(slice.svi, slice.butterfly.edges);
            vm.assertEq(inputs, vm.parseJsonBytes32(cases[i], ".butterfly.inputs_root"));
            bytes32 outputs = surfaces.outputs(slice.butterfly);
            vm.assertEq(outputs, vm.parseJsonBytes32(cases[i], ".butterfly.outputs_root"));
            if (i == 0) continue;
            inputs = surfaces.calendarInputs(known[i - 1].svi, slice.svi, slice.calendar.edges);
            vm.assertEq(inputs, vm.parseJsonBytes32(cases[i], ".calendar.inputs_root"));
            outputs = surfaces.outputs(slice.calendar);
            vm.assertEq(outputs, vm.parseJsonBytes32(cases[i], ".calendar.outputs_root"));
        }
    }

    /// @notice The same variance, to the last bit.
    function test_vectors_variances() public {
        settled();
        for (uint256 i = 0; i < cases.length; ++i) {
            for (uint256 k = 0; k < 5; ++k) {
                string memory at = string.concat(".points[", vm.toString(k), "]");
                uint256[] memory point = vm.parseJsonUintArray(cases[i], at);
                uint64 moneyness = Elementary64.log(F64.div(uint64(point[0]), uint64(point[1])));
                vm.assertEq(moneyness, point[2], "log-moneyness");
                uint64 got = surfaces.variance(MARKET, known[i].expiry, moneyness);
                vm.assertEq(got, point[3], "total variance");
            }
        }
    }

    function test_certified_onlyWhenEveryClaimIsFinal() public {
        uint64 expiry = known[1].expiry;
        uint256 number = postSurface(known);
        (bool holds,) = surfaces.certified(MARKET, expiry);
        vm.assertFalse(holds);
        vm.expectPartialRevert(ISurfaceBook.NotFinal.selector);
        surfaces.settle(number);
        mine(WINDOW + 1);
        (holds,) = surfaces.certified(MARKET, expiry);
        vm.assertFalse(holds);
        surfaces.settle(number);
        ISurfaceBook.Certificate memory slice;
        (holds, slice) = surfaces.certified(MARKET, expiry);
        vm.assertTrue(holds);
        vm.assertEq(slice.density, element(known[1].butterfly.report, 0));
        vm.assertEq(slice.calendar, element(known[1].calendar.report, 0));
        vm.assertTrue(F64.lt(0, slice.density) && F64.lt(0, slice.calendar));
        (, slice) = surfaces.certified(MARKET, known[0].expiry);
        vm.assertEq(slice.calendar, INFINITY);
        (holds,) = surfaces.certified(MARKET, expiry + 1);
        vm.assertFalse(holds);
        (holds,) = surfaces.certified(OTHER, expiry);
        vm.assertFalse(holds);
        vm.expectRevert(abi.encodeWithSelector(ISurfaceBook.NoSlice.selector, OTHER, expiry));
        surfaces.variance(OTHER, expiry, 0);
    }

    function test_settle_newestCounts() public {
        uint256 first = postSurface(known);
        ISurfaceBook.Slice[] memory one_ = new ISurfaceBook.Slice[](1);
        one_[0] = known[0];
        uint256 second = postSurface(one_);
        mine(WINDOW + 1);
        surfaces.settle(second);
        surfaces.settle(first);
        vm.assertEq(surfaces.current(MARKET), second + 1);
        (bool holds,) = surfaces.certified(MARKET, known[1].expiry);
        vm.assertFalse(holds);
    }

    /// @notice While one of its claims is disputed a surface does not count.
    function test_settle_waitsForADispute() public {
        uint256 number = postSurface(known);
        allow(CHALLENGER_KEY);
        uint256 last = court.claimCount();
        vm.prank(vm.addr(CHALLENGER_KEY));
        court.challenge(last, keccak256("another result"), calendarHeader());
        mine(WINDOW + 1);
        vm.expectRevert(abi.encodeWithSelector(ISurfaceBook.NotFinal.selector, last));
        surfaces.settle(number);
    }

    // Refusals.

    function refuse(ISurfaceBook.Slice[] memory slices, bytes memory why) internal {
        vm.prank(vm.addr(PROVIDER_KEY));
        vm.expectRevert(why);
        surfaces.post(MARKET, slices);
    }

    function uncertified(uint256 slice, string memory field) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(ISurfaceBook.NotCertified.selector, slice, field);
    }

    function bad(uint256 slice, string memory field) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(ISurfaceBook.BadSlice.selector, slice, field);
    }

    function reportOf(uint64 least, uint64 reach, uint64 slope)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodePacked(Amount.swap(least), Amount.swap(reach), Amount.swap(slope));
    }

    function test_post_refusesWhatHoldsArbitrage() public {
        (uint64 one_, uint64 four, uint64 two_) =
            (0x3ff0000000000000, 0x4010000000000000, 0x4000000000000000);
        ISurfaceBook.Slice[] memory slices = known;
        uint64[4] memory none = [0, uint64(1) << 63, one_ | uint64(1) << 63, 0x7ff8000000000000];
        for (uint256 i = 0; i < none.length; ++i) {
            slices[0].butterfly.report = reportOf(none[i], four, two_);
            refuse(slices, uncertified(0, "density"));
        }
        slices[0].butterfly.report = reportOf(one_, four - 1, two_);
        refuse(slices, uncertified(0, "reach"));
        slices[0].butterfly.report = reportOf(one_, four, two_ + 1);
        refuse(slices, uncertified(0, "slope"));
        slices[0].butterfly.report = reportOf(one_, four, two_);
        slices[2].calendar.report = reportOf(0, four, 0);
        refuse(slices, uncertified(2, "calendar"));
        slices[2].calendar.report = reportOf(1, four, 0xfff0000000000000);
        postSurface(slices); // wings may be flatter
    }

    function test_post_refusesWhatDoesNotFit() public {
        ISurfaceBook.Slice[] memory slices = known;
        slices[1].expiry = slices[0].expiry;
        refuse(slices, bad(1, "expiry"));
        slices = known;
        slices[1].butterfly.edges = new bytes(4096);
        refuse(slices, bad(1, "edges"));
        slices = known;
        slices[1].calendar.report = new bytes(32);
        refuse(slices, bad(1, "report"));
        refuse(new ISurfaceBook.Slice[](0), bad(0, "slices"));
        vm.expectRevert(abi.encodeWithSelector(ISurfaceBook.NotProvider.selector, address(this)));
        surfaces.post(MARKET, known);
    }

    // The grid beside it.

    /// @notice A grid made with the surface's own volatility has its total variance; one with a
    ///         volatility of a half has not.
    function test_compare_aGridWithTheSurface() public {
        settled();
        uint32 id = call(0, 100e18, known[0].expiry);
        setPrice(100e18);
        IScenarioBook.Data memory data = dataAt(100e18);
        uint256 row = 8 * uint256(book.instrumentOf(id).row);
        write(data.forwards, row, 0x3ff0000000000000); // the price
        write(data.volatilities, row, 0x3fe0000000000000); // a half
        bytes32 root = Grove.root(leavesOf(rowsOf(0, 100e18)));
        vm.prank(vm.addr(PROVIDER_KEY));
        book.post(0, data, root);
        mine(WINDOW + 1);
        book.settle(0);
        (uint64 claimed, uint64 surface) = surfaces.compare(book, id, data);
        vm.assertEq(surface, surfaces.variance(MARKET, known[0].expiry, 0));
        // A quarter a year, for somewhat less than ten days.
        vm.assertTrue(F64.lt(claimed, doubleOf(uint256(0.25e18) * 10 / 365)));
        vm.assertTrue(F64.lt(doubleOf(uint256(0.25e18) * 9 / 365), claimed));
        write(data.volatilities, row, 0x3ff0000000000000);
        vm.expectPartialRevert(ISurfaceBook.NotTheGrid.selector);
        surfaces.compare(book, id, data);
    }

    function write(bytes memory data, uint256 at, uint64 bits) internal pure {
        bytes8 swapped = bytes8(Amount.swap(bits));
        for (uint256 i = 0; i < 8; ++i) {
            data[at + i] = swapped[i];
        }
    }

    function calendarHeader() internal pure returns (bytes memory) {
        return bytes.concat(hex"0100000001000000000000000300000000000000", keccak256("calendar"));
    }
}
