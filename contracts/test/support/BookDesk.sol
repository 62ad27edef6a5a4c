// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {DemoDollar} from "../../src/DemoDollar.sol";
import {ScenarioBook} from "../../src/ScenarioBook.sol";
import {IPriceFeed} from "../../src/interfaces/IPriceFeed.sol";
import {ICourt} from "../../src/interfaces/ICourt.sol";
import {IInitialMargin, IScenarioBook} from "../../src/interfaces/IScenarioBook.sol";
import {Amount} from "../../src/lib/Amount.sol";
import {Header} from "../../src/lib/Header.sol";
import {Tree} from "../../src/lib/Tree.sol";
import {FeedDesk} from "./FeedDesk.sol";
import {Grove} from "./Grove.sol";

/// @notice A price feed and a book of two markets, whose grids are made here: what an instrument is
///         worth is what it would settle at, and an option two dollars more, so that every number
///         of a test can be worked out by hand.
abstract contract BookDesk is FeedDesk, IInitialMargin {
    uint32 internal constant ROWS = 32;
    uint256 internal constant BAND = 0.1875e18;
    uint256 internal constant HALF = 0.25e18;
    bytes32 internal constant OTHER = keccak256("ETH spot");
    uint256 internal constant TIME_VALUE = 2;

    ScenarioBook internal book;
    IScenarioBook.Listing[][2] internal listed;
    uint32[][2] internal ids;
    /// @dev Chunks of the grid that counts, by market and row.
    bytes[ROWS][2] internal chunks;
    bytes32[ROWS][2] internal leaves;
    uint256 public floor;

    /// @notice The half-width that the market's gate asks for.
    function initialMargin(bytes32) external view returns (uint256) {
        return floor;
    }

    function deployBook() internal {
        vm.warp(NOW);
        deploy(0);
        openFeed();
        dollar = new DemoDollar();
        new DemoDollar();
        book = bookOf(BAND);
        vm.assertTrue(court.isConsumer(address(book)));
        programs.register(bookProgram(), "");
        allow(PROVIDER_KEY);
        mine(WINDOW + 1);
        vm.prank(vm.addr(PROVIDER_KEY));
        token.approve(address(court), type(uint256).max);
    }

    function bookHeader() internal pure returns (bytes memory) {
        return
            bytes.concat(hex"0100000001000000000000000600000000000000", keccak256("a book of 32"));
    }

    function bookProgram() internal pure returns (bytes32) {
        return Header.hash(bookHeader());
    }

    function bookOf(uint256 band) internal returns (ScenarioBook) {
        IScenarioBook.Market[] memory markets = new IScenarioBook.Market[](2);
        markets[0] = IScenarioBook.Market(MARKET, this, 0.125e18, 0.25e18, 0.125e18);
        markets[1] =
            IScenarioBook.Market(OTHER, IInitialMargin(address(0)), 0.125e18, 0.25e18, 0.125e18);
        address provider = vm.addr(PROVIDER_KEY);
        uint64 bits = doubleOf(band);
        return new ScenarioBook(court, feed, provider, bookProgram(), ROWS, bits, markets);
    }

    // Prices.

    function feedMarkets() internal pure override returns (bytes32[] memory names) {
        names = new bytes32[](2);
        (names[0], names[1]) = (MARKET, OTHER);
    }

    function nameOf(uint8 market) internal pure returns (bytes32) {
        return market == 0 ? MARKET : OTHER;
    }

    /// @notice All reporters see `dollars` for a market in this slot.
    function see(uint8 market, uint256 price) internal {
        IPriceFeed.Report[] memory list = new IPriceFeed.Report[](REPORTERS);
        bytes[] memory signed = new bytes[](REPORTERS);
        IPriceFeed.Report memory made = seen(slotNow(), price);
        made.market = nameOf(market);
        for (uint256 i = 0; i < REPORTERS; ++i) {
            list[i] = made;
            signed[i] = signReport(i, made);
        }
        feed.report(list, signed);
    }

    /// @notice Makes prices the newest ones; that takes six minutes.
    function setPrices(uint256 first, uint256 second) internal {
        if (first > 0) see(0, first);
        if (second > 0) see(1, second);
        pass(slotNow());
        for (uint8 market = 0; market < 2; ++market) {
            while (true) {
                try feed.close(nameOf(market)) {}
                catch {
                    break;
                }
            }
        }
    }

    function setPrice(uint256 price) internal {
        setPrices(price, 0);
    }

    // Instruments.

    function listing(uint8 market, IScenarioBook.Kind kind, uint256 strike, uint64 expiry)
        internal
        pure
        returns (IScenarioBook.Listing memory)
    {
        bool perpetual = kind == IScenarioBook.Kind.Perpetual;
        return IScenarioBook.Listing(market, kind, doubleOf(perpetual ? 1e18 : strike), expiry);
    }

    function list(IScenarioBook.Listing memory made) internal returns (uint32 id) {
        IScenarioBook.Listing[] memory some = new IScenarioBook.Listing[](1);
        some[0] = made;
        vm.prank(vm.addr(PROVIDER_KEY));
        id = book.list(some);
        listed[made.market].push(made);
        ids[made.market].push(id);
    }

    function perpetual(uint8 market) internal returns (uint32) {
        return list(listing(market, IScenarioBook.Kind.Perpetual, 0, 0));
    }

    function call(uint8 market, uint256 strike, uint64 expiry) internal returns (uint32) {
        return list(listing(market, IScenarioBook.Kind.Call, strike, expiry));
    }

    function put(uint8 market, uint256 strike, uint64 expiry) internal returns (uint32) {
        return list(listing(market, IScenarioBook.Kind.Put, strike, expiry));
    }

    // Grids.

    /// @notice The bits of a whole number of wei, negative too.
    function signed(int256 wad) internal pure returns (uint64) {
        return wad < 0 ? doubleOf(uint256(-wad)) | 1 << 63 : doubleOf(uint256(wad));
    }

    function worth(IScenarioBook.Listing memory made, uint256 price)
        internal
        pure
        returns (int256)
    {
        int256 strike = int256(strikeOf(made));
        int256 at = int256(price);
        if (made.kind == IScenarioBook.Kind.Perpetual) return at;
        int256 gain = made.kind == IScenarioBook.Kind.Call ? at - strike : strike - at;
        return int256(TIME_VALUE * 1e18) + (gain > 0 ? gain : int256(0));
    }

    function strikeOf(IScenarioBook.Listing memory made) internal pure returns (uint256) {
        uint256 mantissa = uint256(made.strike & (2 ** 52 - 1)) | 2 ** 52;
        return (mantissa * 1e18) >> (1075 - (made.strike >> 52));
    }

    /// @notice The row of an instrument at a price: scenario i moves it by (i - 11.5) / 11.5
    ///         half-widths, up to the last, and down to the first.
    function rowOf(IScenarioBook.Listing memory made, uint256 price)
        internal
        pure
        returns (bytes memory chunk)
    {
        int256 now_ = worth(made, price);
        for (uint256 i = 0; i < 24; ++i) {
            uint256 moved = price - price * HALF / 1e18 + 2 * price * HALF / 1e18 * i / 23;
            chunk = abi.encodePacked(chunk, Amount.swap(signed(worth(made, moved) - now_)));
        }
        for (uint256 k = 0; k < 7; ++k) {
            uint256 moved = price - price * BAND / 1e18 + price * BAND / 3e18 * k;
            chunk = abi.encodePacked(chunk, Amount.swap(signed(worth(made, moved))));
        }
        int256 delta = 1e18;
        if (made.kind != IScenarioBook.Kind.Perpetual) {
            bool inside = now_ > int256(TIME_VALUE * 1e18);
            delta = !inside ? int256(0) : made.kind == IScenarioBook.Kind.Call ? delta : -delta;
        }
        chunk = abi.encodePacked(chunk, Amount.swap(signed(delta)));
    }

    function headOf(uint256 price) internal view returns (bytes memory) {
        return abi.encodePacked(
            Amount.swap(Amount.fromUint64(uint64(block.timestamp))),
            Amount.swap(doubleOf(price)),
            Amount.swap(doubleOf(HALF)),
            Amount.swap(doubleOf(0.5e18)),
            Amount.swap(doubleOf(0.25e18)),
            Amount.swap(doubleOf(BAND))
        );
    }

    function dataAt(uint256 price) internal view returns (IScenarioBook.Data memory) {
        return IScenarioBook.Data(headOf(price), new bytes(8 * ROWS), new bytes(8 * ROWS));
    }

    /// @notice Every row of a market at a price.
    function rowsOf(uint8 market, uint256 price) internal view returns (bytes[] memory all) {
        all = new bytes[](ROWS);
        for (uint256 i = 0; i < ROWS; ++i) {
            all[i] = new bytes(256);
        }
        for (uint256 i = 0; i < listed[market].length; ++i) {
            uint32 row = book.instrumentOf(ids[market][i]).row;
            all[row] = rowOf(listed[market][i], price);
        }
    }

    function leavesOf(bytes[] memory all) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            hashes[i] = Tree.leaf(all[i]);
        }
    }

    /// @notice Claims a market's grid at a price, without waiting.
    function claimGrid(uint8 market, uint256 price) internal returns (uint256 claim) {
        bytes[] memory all = rowsOf(market, price);
        IScenarioBook.Data memory data = dataAt(price);
        vm.prank(vm.addr(PROVIDER_KEY));
        claim = book.post(market, data, Grove.root(leavesOf(all)));
        for (uint256 i = 0; i < ROWS; ++i) {
            bytes32 leaf = Tree.leaf(all[i]);
            if (leaf == leaves[market][i]) continue;
            (chunks[market][i], leaves[market][i]) = (all[i], leaf);
        }
    }

    /// @notice Makes a market's grid at a price the one that counts.
    function setGrid(uint8 market, uint256 price) internal {
        claimGrid(market, price);
        mine(WINDOW + 1);
        book.settle(market);
    }

    // Readings.

    function reading(uint32 id) internal view returns (IScenarioBook.Reading memory made) {
        made.instrument = id;
        (, bool settled) = book.settlementOf(id);
        if (settled) return made;
        IScenarioBook.Instrument memory known = book.instrumentOf(id);
        bytes32[] memory hashes = new bytes32[](ROWS);
        for (uint256 i = 0; i < ROWS; ++i) {
            hashes[i] = leaves[known.market][i];
        }
        bytes32[] memory siblings = Grove.siblings(hashes, known.row);
        made.opening = ICourt.Opening(chunks[known.market][known.row], siblings);
    }

    /// @notice Readings of instruments in ascending order.
    function readingsOf(uint32[] memory list_)
        internal
        view
        returns (IScenarioBook.Reading[] memory made)
    {
        made = new IScenarioBook.Reading[](list_.length);
        for (uint256 i = 0; i < list_.length; ++i) {
            made[i] = reading(list_[i]);
        }
    }

    function one(uint32 id) internal pure returns (uint32[] memory list_) {
        list_ = new uint32[](1);
        list_[0] = id;
    }

    function two(uint32 a, uint32 b) internal pure returns (uint32[] memory list_) {
        list_ = new uint32[](2);
        (list_[0], list_[1]) = (a, b);
    }
}
