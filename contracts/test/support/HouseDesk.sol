// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {PortfolioHouse} from "../../src/PortfolioHouse.sol";
import {OrderDesk} from "../../src/OrderDesk.sol";
import {IOrderDesk} from "../../src/interfaces/IOrderDesk.sol";
import {IHaircut, IPortfolioHouse} from "../../src/interfaces/IPortfolioHouse.sol";
import {IScenarioBook} from "../../src/interfaces/IScenarioBook.sol";
import {Auction} from "../../src/lib/Auction.sol";
import {Funding} from "../../src/lib/Funding.sol";
import {Ledger} from "../../src/lib/Ledger.sol";
import {Legs} from "../../src/lib/Legs.sol";
import {Scenarios} from "../../src/lib/Scenarios.sol";
import {Sizes} from "../../src/lib/Sizes.sol";
import {BookDesk} from "./BookDesk.sol";

/// @notice A portfolio house over the book's two markets, a perpetual in each, and traders whose
///         keys are known.
abstract contract HouseDesk is BookDesk, IHaircut {
    uint64 internal constant EXPIRES = NOW + 10 days;
    int64 internal constant UNIT = 1e6;
    uint256 internal constant ALICE = 0xA11CE0;
    uint256 internal constant BOB = 0xB0B0;
    uint256 internal constant CAROL = 0xCA401;

    PortfolioHouse internal clearing;
    OrderDesk internal orderDesk;
    uint32 internal perp;
    uint32 internal other;
    uint256 public cut;
    uint256 internal salt;

    /// @notice What the house is told that its collateral is worth less.
    function haircutOf(address) external view returns (uint256) {
        return cut;
    }

    function deployClearing() internal {
        deployBook();
        perp = perpetual(0);
        other = perpetual(1);
        clearing = new PortfolioHouse(dollar, book, this, clearingTerms(), sizes());
        orderDesk = OrderDesk(address(clearing.desk()));
        setPrices(100e18, 100e18);
        setGrid(0, 100e18);
        setGrid(1, 100e18);
    }

    function clearingTerms() internal pure virtual returns (IPortfolioHouse.Terms memory) {
        return IPortfolioHouse.Terms({
            charges: Scenarios.Charges(20_000, 10_000, 10_000, 500_000),
            funding: Funding.Rules(5000, 1800, 28_800, 600),
            lotsMin: 1000,
            band: 10_000,
            fee: 0,
            penalty: 20_000,
            haircutMax: 200_000,
            stress: 0,
            auctionSeconds: 600
        });
    }

    /// @notice A thousand million units of each market, and nothing asked for size.
    function sizes() internal pure virtual returns (Sizes.Size[] memory made) {
        made = new Sizes.Size[](2);
        made[0] = Sizes.Size(1e15, 1e15, 0, 0, 0);
        made[1] = Sizes.Size(1e15, 1e15, 0, 0, 0);
    }

    function fund(uint256 key, uint256 amount) internal returns (address who) {
        who = vm.addr(key);
        dollar.mint(who, amount);
        vm.startPrank(who);
        dollar.approve(address(clearing), type(uint256).max);
        clearing.deposit(amount);
        vm.stopPrank();
    }

    // Orders.

    function order(uint256 key, uint32[] memory list_, int64[] memory lots, int256 price)
        internal
        returns (IOrderDesk.Order memory)
    {
        uint64 expiry = uint64(block.timestamp) + 1 days;
        return IOrderDesk.Order(vm.addr(key), list_, lots, price, 1, expiry, ++salt);
    }

    function mirrored(int64[] memory lots) internal pure returns (int64[] memory others) {
        others = new int64[](lots.length);
        for (uint256 i = 0; i < lots.length; ++i) {
            others[i] = -lots[i];
        }
    }

    function signOrder(uint256 key, IOrderDesk.Order memory made)
        internal
        view
        returns (bytes memory)
    {
        return signature(key, orderDesk.digestOf(made));
    }

    function dealOf(
        uint256 left,
        uint256 right,
        uint32[] memory list_,
        int64[] memory lots,
        int256 price
    ) internal returns (IOrderDesk.Deal memory made) {
        made.left = order(left, list_, lots, price);
        made.right = order(right, list_, mirrored(lots), -price);
        made.leftSignature = signOrder(left, made.left);
        made.rightSignature = signOrder(right, made.right);
        (made.count, made.price) = (1, price);
    }

    function lotsOf(int64 lots) internal pure returns (int64[] memory list_) {
        list_ = new int64[](1);
        list_[0] = lots;
    }

    /// @notice `left` buys lots of one instrument from `right` at a price of a unit, ticks.
    function tradeAt(uint256 left, uint256 right, uint32 id, int64 lots, int256 price) internal {
        send(dealOf(left, right, one(id), lotsOf(lots), int256(lots) * price));
    }

    function send(IOrderDesk.Deal memory made) internal {
        IScenarioBook.Reading[] memory readings =
            readingsOf(needed(made.left.trader, made.right.trader, made.left.instruments));
        orderDesk.trade(made, readings);
    }

    function tradeExternally(uint256 left, uint256 right, uint32 id, int64 lots, int256 price)
        external
    {
        tradeAt(left, right, id, lots, price);
    }

    // Readings.

    function has(address who, uint32 id) internal view returns (bool) {
        (,, Legs.Leg[] memory legs) = clearing.accountOf(who);
        for (uint256 i = 0; i < legs.length; ++i) {
            if (legs[i].instrument == id) return true;
        }
        return false;
    }

    /// @notice The instruments of two accounts and some more, ascending.
    function needed(address a, address b, uint32[] memory more)
        internal
        view
        returns (uint32[] memory list_)
    {
        uint32 count = book.instrumentCount();
        list_ = new uint32[](count);
        uint256 kept = 0;
        for (uint32 id = 0; id < count; ++id) {
            bool asked = has(a, id) || has(b, id);
            for (uint256 i = 0; i < more.length; ++i) {
                asked = asked || more[i] == id;
            }
            if (asked) list_[kept++] = id;
        }
        assembly ("memory-safe") {
            mstore(list_, kept)
        }
    }

    function readingsOf(address who) internal view returns (IScenarioBook.Reading[] memory) {
        return readingsOf(needed(who, who, new uint32[](0)));
    }

    function readingsOf(address a, address b)
        internal
        view
        returns (IScenarioBook.Reading[] memory)
    {
        return readingsOf(needed(a, b, new uint32[](0)));
    }

    function standing(uint256 key) internal view returns (IPortfolioHouse.Standing memory) {
        address who = vm.addr(key);
        return clearing.standingOf(who, readingsOf(who));
    }

    function purseOf(uint256 key) internal view returns (Ledger.Purse memory purse) {
        (purse,,) = clearing.accountOf(vm.addr(key));
    }

    function auctionOf(uint256 key) internal view returns (Auction.Clock memory clock) {
        (, clock,) = clearing.accountOf(vm.addr(key));
    }

    function lotsHeld(address who, uint32 id) internal view returns (int256) {
        (,, Legs.Leg[] memory legs) = clearing.accountOf(who);
        for (uint256 i = 0; i < legs.length; ++i) {
            if (legs[i].instrument == id) return legs[i].lots;
        }
        return 0;
    }

    function touch(uint256 key) internal {
        address who = vm.addr(key);
        clearing.touch(who, readingsOf(who));
    }

    function runAuction(uint256 key) internal {
        address who = vm.addr(key);
        clearing.runAuction(who, readingsOf(who));
    }

    function bidFor(uint256 key, uint256 bidder, uint256 shareMax)
        internal
        returns (uint256 share, uint256 paid)
    {
        (address who, address by) = (vm.addr(key), vm.addr(bidder));
        IScenarioBook.Reading[] memory readings = readingsOf(who, by);
        vm.prank(by);
        return clearing.bid(who, shareMax, 0, readings);
    }

    function withdraw(uint256 key, uint256 amount) internal {
        address who = vm.addr(key);
        IScenarioBook.Reading[] memory readings = readingsOf(who);
        vm.prank(who);
        clearing.withdraw(amount, readings);
    }

    function take(uint256 key, uint256 amount) internal returns (uint256) {
        address who = vm.addr(key);
        IScenarioBook.Reading[] memory readings = readingsOf(who);
        vm.prank(who);
        return clearing.take(amount, readings);
    }

    /// @notice The house holds cash, pool and insurance, to the wei.
    function checkHeld() internal view {
        Ledger.Books memory all = clearing.books();
        uint256 held = dollar.balanceOf(address(clearing));
        vm.assertEq(held, uint256(all.cash) + all.pool + all.insurance, "holds what the books say");
    }
}
