// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IClearingHouse} from "../../src/interfaces/IClearingHouse.sol";
import {Campaign} from "../support/Campaign.sol";
import {Desk} from "../support/Desk.sol";

/// @notice Plays a handful of traders, some of them reckless, and a market that jumps. A call that may be
///         refused is made in a `try`, and refused for a reason that fits, or the play fails.
contract ClearingPlay is Desk {
    uint256 internal constant TRADERS = 5;
    uint256 internal constant FIRST_KEY = 0x7000;

    uint256 public trades;
    uint256 public closes;
    uint256 public liquidations;
    uint256 public debts;
    uint256 public shares;
    uint256 public refusals;
    uint256 public staleCloses;
    uint256 internal price = 50e18;

    constructor() {
        deployDesk();
        report(price, 0.2e18);
        for (uint256 i = 0; i < TRADERS; ++i) {
            open(FIRST_KEY + i, 1000e18);
        }
        dollar.mint(address(this), 1e30);
        dollar.approve(address(house), type(uint256).max);
    }

    function traderOf(uint256 i) internal pure returns (address) {
        return vm.addr(FIRST_KEY + i % TRADERS);
    }

    /// @notice One step; the market of one house ends, so the last hundredth of them settles it.
    function step(uint256 choice, uint256 seed) external {
        choice %= 100;
        uint256 debt = house.shortfall();
        if (choice < 40) _trade(seed);
        else if (choice < 56) _report(seed);
        else if (choice < 67) _liquidate(seed);
        else if (choice < 72) _close(seed);
        else if (choice < 78) _deposit(seed);
        else if (choice < 86) _withdraw(seed);
        else if (choice < 90) _wait(seed);
        else if (choice < 93) _share(seed);
        else if (choice < 98) _insure(seed);
        else if (seed % 16 == 0) _settle(seed);
        if (house.shortfall() > debt) ++debts;
    }

    function _settling() internal view returns (bool) {
        return gate.marketTime(MARKET) >= SETTLES_AT;
    }

    /// @notice Any two, any size up to what a reckless trader would, any price in the band.
    function _trade(uint256 seed) internal {
        uint256 mark = house.mark();
        uint256 buyer = seed % TRADERS;
        uint256 seller = (buyer + 1 + (seed >> 8) % (TRADERS - 1)) % TRADERS;
        uint256 size = bound(seed >> 16, 1, 60e6) * 1e12;
        uint256 half = mark / 20;
        uint256 agreed = bound(seed >> 64, mark - half + 1e6, mark + half - 1e6);
        agreed -= agreed % 1e6;
        try this.tradeExternally(FIRST_KEY + buyer, FIRST_KEY + seller, size, agreed) {
            ++trades;
        } catch (bytes memory why) {
            bytes4 reason = bytes4(why);
            bool fits = reason == IClearingHouse.MarginMissing.selector
                || (reason == IClearingHouse.Stale.selector && !gate.fresh(MARKET))
                || (reason == IClearingHouse.Settling.selector && _settling());
            vm.assertTrue(fits, "a trade is refused for margin, staleness or settlement only");
            ++refusals;
        }
    }

    function tradeExternally(uint256 buyer, uint256 seller, uint256 size, uint256 agreed) external {
        trade(buyer, seller, size, agreed);
    }

    /// @notice A long and a short meet at the mark: always possible, however stale or poor.
    function _close(uint256 seed) internal {
        if (_settling()) return;
        uint256 long = seed % TRADERS;
        uint256 short = (seed >> 8) % TRADERS;
        for (uint256 i = 0; i < TRADERS && house.position(traderOf(long)) <= 0; ++i) {
            ++long;
        }
        for (uint256 i = 0; i < TRADERS && house.position(traderOf(short)) >= 0; ++i) {
            ++short;
        }
        int256 held = house.position(traderOf(long));
        int256 owed = -house.position(traderOf(short));
        if (held <= 0 || owed <= 0) return;
        uint256 size = uint256(held < owed ? held : owed);
        if (seed % 2 == 0) size = bound(seed >> 16, 1, size / 1e12) * 1e12;
        if (!gate.priceFresh(MARKET)) ++staleCloses;
        trade(FIRST_KEY + short % TRADERS, FIRST_KEY + long % TRADERS, size, house.mark());
        ++closes;
    }

    function _report(uint256 seed) internal {
        if (_settling()) return;
        price = bound(seed, price * 70 / 100, price * 130 / 100);
        if (price < 5e18 || price > 500e18) price = 50e18;
        if (seed % 3 == 0) reportPrice(price);
        else report(price, bound(seed >> 128, 0.01e18, 0.3e18));
    }

    /// @notice Time alone makes nobody liquidatable who was not.
    function _wait(uint256 seed) internal {
        uint256[TRADERS] memory before;
        for (uint256 i = 0; i < TRADERS; ++i) {
            before[i] = house.liquidatable(traderOf(i));
        }
        vm.warp(block.timestamp + bound(seed, 1, 8 hours));
        for (uint256 i = 0; i < TRADERS; ++i) {
            vm.assertEq(house.liquidatable(traderOf(i)), before[i], "silence liquidates nobody");
        }
    }

    function _liquidate(uint256 seed) internal {
        address account = traderOf(seed);
        address liquidator = traderOf(seed % TRADERS + 1 + (seed >> 8) % (TRADERS - 1));
        uint256 most = house.liquidatable(account);
        if (most == 0 || !gate.priceFresh(MARKET) || _settling()) return;
        uint256 size = seed % 2 == 0 ? most : bound(seed >> 16, 1, most / 1e12) * 1e12;
        int256 before = house.equity(account);
        vm.prank(liquidator);
        try house.liquidate(account, size) {
            ++liquidations;
            int256 own = house.equity(account);
            vm.assertTrue(before < 0 || own >= 0, "liquidation makes no debt out of equity");
        } catch (bytes memory why) {
            bool fits = bytes4(why) == IClearingHouse.MarginMissing.selector;
            vm.assertTrue(fits, "a liquidator is refused for its own margin only");
        }
    }

    function _deposit(uint256 seed) internal {
        if (house.shortfall() > 0) return;
        uint256 amount = bound(seed, 0, 500e18);
        dollar.mint(traderOf(seed), amount);
        vm.prank(traderOf(seed));
        house.deposit(amount);
    }

    /// @notice Whatever leaves, the account keeps its initial margin.
    function _withdraw(uint256 seed) internal {
        address account = traderOf(seed);
        uint256 amount = bound(seed >> 8, 0, 800e18);
        vm.prank(account);
        try house.withdraw(amount) {
            (uint256 initial,) = house.requirement(account);
            vm.assertGe(house.equity(account), int256(initial), "margin stays");
        } catch {
            ++refusals;
        }
    }

    function _share(uint256 seed) internal {
        address account = traderOf(seed);
        uint256 short = house.shortfall();
        uint256 amount = bound(seed >> 8, 0, 300e18);
        vm.prank(account);
        try house.withdrawShare(amount, 0) returns (uint256 received) {
            vm.assertLe(received, amount, "no more than asked");
            vm.assertTrue(short > 0 || received == amount, "no less than asked");
            if (short > 0) ++shares;
        } catch {
            ++refusals;
        }
    }

    function _insure(uint256 seed) internal {
        house.fundInsurance(bound(seed, 0, 50e18));
    }

    function _settle(uint256 seed) internal {
        if (!_settling()) {
            vm.warp(SETTLES_AT);
            reportPrice(price);
        }
        house.settle(1 + seed % 3);
    }

    // What must hold.

    function checkMoney() external view {
        int256 owed = int256(house.insurance()) - int256(house.shortfall());
        for (uint256 i = 0; i < TRADERS; ++i) {
            owed += house.equity(traderOf(i));
        }
        vm.assertEq(int256(dollar.balanceOf(address(house))), owed, "holds what it owes");
        bool both = house.insurance() > 0 && house.shortfall() > 0;
        vm.assertFalse(both);
    }

    function checkPositions() external view {
        int256 sum = 0;
        int256 equity = 0;
        uint256 count = 0;
        for (uint256 i = 0; i < TRADERS; ++i) {
            int256 size = house.position(traderOf(i));
            sum += size;
            equity += house.equity(traderOf(i)) - house.cash(traderOf(i));
            if (size != 0) ++count;
            else vm.assertGe(house.cash(traderOf(i)), 0, "debt without a position is recognised");
            (uint256 initial, uint256 maintenance) = house.requirement(traderOf(i));
            vm.assertLe(maintenance, initial);
        }
        if (house.settlementPrice() == 0) {
            vm.assertEq(sum, 0, "positions sum to zero");
            vm.assertEq(equity, 0, "so do gains and losses, to the wei");
        }
        vm.assertEq(house.openAccounts().length, count, "open accounts are those with positions");
    }
}

contract ClearingInvariants is Campaign {
    ClearingPlay internal play;

    function setUp() public {
        play = new ClearingPlay();
    }

    function player() internal view override returns (address) {
        return address(play);
    }

    function invariant_books() external view {
        check();
    }

    function check() internal view {
        play.checkMoney();
        play.checkPositions();
    }

    /// @notice The play reaches every corner that the invariants are about.
    function test_play_reachesEverything() external {
        for (uint256 i = 0; i < 1200; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("play", i)));
            play.step(seed % 98, seed >> 8);
            if (i % 50 == 0) check();
        }
        check();
        vm.assertGt(play.trades(), 20);
        vm.assertGt(play.closes(), 20);
        vm.assertGt(play.liquidations(), 4);
        vm.assertGt(play.debts(), 0);
        vm.assertGt(play.shares(), 0);
        vm.assertGt(play.refusals(), 20);
        vm.assertGt(play.staleCloses(), 0);
        play.step(98, 0);
        check();
        for (uint256 i = 0; i < 4; ++i) {
            play.step(98, 0);
        }
        check();
    }
}
