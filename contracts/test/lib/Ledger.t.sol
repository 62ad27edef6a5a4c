// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Auction} from "../../src/lib/Auction.sol";
import {Ledger} from "../../src/lib/Ledger.sol";
import {Base} from "../support/Base.sol";

/// @notice Books over a few purses whose gains sum to zero.
contract LedgerTest is Base {
    using Ledger for Ledger.Books;

    uint256 internal constant PURSES = 4;

    /// @notice Deposits, gains of one against losses of another, debts, insurance and takings in
    ///         any order: cash, pool and insurance are what was paid in, and claims are pool,
    ///         shortfall and debts.
    function test_fuzz_books_always(uint256[24] calldata seeds) public pure {
        Ledger.Books memory books;
        Ledger.Purse[PURSES] memory purses;
        uint256 held = 0;
        for (uint256 i = 0; i < seeds.length; ++i) {
            uint256 seed = seeds[i];
            Ledger.Purse memory one = purses[seed % PURSES];
            Ledger.Purse memory other = purses[(seed / 4) % PURSES];
            uint128 amount = uint128((seed >> 8) % 1000e18);
            uint256 choice = (seed >> 128) % 8;
            if (choice < 2) {
                books.pay(one, amount);
                held += amount;
            } else if (choice < 5) {
                books.credit(one, -int256(uint256(amount)));
                books.credit(other, int256(uint256(amount)));
            } else if (choice == 5) {
                books.absorb(one);
            } else if (choice == 6) {
                books.insure(amount / 100);
                held += amount / 100;
            } else {
                takeSome(books, one, amount);
            }
            check(books, purses, held);
        }
    }

    function takeSome(Ledger.Books memory books, Ledger.Purse memory purse, uint128 amount)
        internal
        pure
    {
        if (purse.profit <= 0) return;
        amount = uint128(bound(amount, 0, uint128(purse.profit)));
        if (books.standing(amount) > books.pool) return;
        uint256 short = books.shortfall;
        uint256 cash = purse.cash;
        uint128 received = books.take(purse, amount);
        vm.assertEq(purse.cash, cash + received);
        vm.assertEq(short - books.shortfall, short < amount - received ? short : amount - received);
    }

    function check(Ledger.Books memory books, Ledger.Purse[PURSES] memory purses, uint256 held)
        internal
        pure
    {
        uint256 cash = 0;
        uint256 claims = 0;
        uint256 debts = 0;
        for (uint256 i = 0; i < PURSES; ++i) {
            cash += purses[i].cash;
            int256 profit = purses[i].profit;
            if (profit > 0) claims += uint256(profit);
            else debts += uint256(-profit);
            vm.assertTrue(profit >= 0 || purses[i].cash == 0, "no debt beside cash");
        }
        vm.assertEq(books.cash, cash);
        vm.assertEq(books.claims, claims);
        vm.assertEq(held, uint256(books.cash) + books.pool + books.insurance);
        vm.assertEq(claims + books.insurance + cash, held + books.shortfall + debts);
        vm.assertTrue(books.shortfall == 0 || books.insurance == 0);
    }

    /// @notice However claims are split, taking all of them ends the shortfall to the wei.
    function test_fuzz_take_sumsToTheShortfall(uint128[6] memory claims, uint256 share)
        public
        pure
    {
        Ledger.Books memory books;
        uint256 all = 0;
        for (uint256 i = 0; i < claims.length; ++i) {
            claims[i] = uint128(bound(claims[i], 0, 1e30));
            all += claims[i];
        }
        uint256 short = bound(share, 0, all);
        books.claims = uint128(all);
        books.shortfall = uint128(short);
        books.pool = uint128(all - short);
        uint256 received = 0;
        for (uint256 i = 0; i < claims.length; ++i) {
            Ledger.Purse memory purse = Ledger.Purse(0, int128(claims[i]));
            received += books.take(purse, claims[i]);
        }
        vm.assertEq(received, all - short);
        vm.assertEq(books.shortfall, 0);
        vm.assertEq(books.pool, 0);
    }

    /// @notice Equal claims taken one after the other receive the same but for a wei each.
    function test_fuzz_take_isEqual(uint128 claim, uint256 share) public pure {
        claim = uint128(bound(claim, 1, 1e30));
        Ledger.Books memory books;
        books.claims = 3 * claim;
        books.shortfall = uint128(bound(share, 0, 3 * claim));
        books.pool = books.claims - books.shortfall;
        uint256[3] memory got;
        for (uint256 i = 0; i < 3; ++i) {
            got[i] = books.take(Ledger.Purse(0, int128(claim)), claim);
        }
        vm.assertLe(got[2], got[0] + 2);
        vm.assertLe(got[0], got[2] + 2);
    }
}

contract AuctionTest is Base {
    function lotOf(uint256 equity, uint256 initial, uint256 insurance)
        internal
        pure
        returns (Auction.Lot memory)
    {
        int256 own = int256(bound(equity, 0, 2e30)) - 1e30;
        return Auction.Lot(own, own, bound(initial, 1, 1e30), 0, bound(insurance, 0, 1e30), 600);
    }

    function test_fuzz_discount_risesInItsOrder(
        uint256 equity,
        uint256 initial,
        uint256 insurance,
        uint256 passed
    ) public pure {
        Auction.Lot memory lot = lotOf(equity, initial, insurance);
        passed = bound(passed, 0, 3000);
        uint256 paid = Auction.discount(lot, passed);
        vm.assertEq(Auction.discount(lot, 0), 0);
        vm.assertGe(Auction.discount(lot, passed + 1), paid);
        vm.assertLe(paid, lot.initial);
        uint256 own = lot.equity > 0 ? uint256(lot.equity) : 0;
        uint256 debt = lot.equity < 0 ? uint256(-lot.equity) : 0;
        if (passed <= 600) vm.assertLe(paid, own);
        if (passed <= 1200) {
            vm.assertLe(paid, own + (lot.insurance > debt ? lot.insurance - debt : 0));
        }
        vm.assertEq(Auction.discount(lot, 1800), lot.initial);
    }

    /// @notice What stays after the share has its initial margin, and a millionth less would not
    ///         do.
    function test_fuzz_share_restoresInitialMargin(uint256 equity, uint256 initial, uint256 cost)
        public
        pure
    {
        Auction.Lot memory lot = lotOf(equity, initial, 0);
        cost = bound(cost, 0, lot.equity > 0 ? uint256(lot.equity) : 0);
        uint256 share = Auction.share(lot, cost);
        if (share == 1e18 || share == 0) return;
        int256 left = lot.equity * 1e18 - int256(cost * share);
        vm.assertGe(left, int256(lot.initial * (1e18 - share)), "enough");
        int256 less = lot.equity * 1e18 - int256(cost * (share - 1));
        vm.assertTrue(less < int256(lot.initial * (1e18 - share + 1)), "and no more");
    }

    /// @notice The same where a part of the margin falls with the square of the size: what stays is
    ///         enough, to some wei of rounding, and a billionth less would not do.
    function test_fuzz_share_ofALargePosition(uint256 equity, uint256 initial, uint256 seed)
        public
        pure
    {
        Auction.Lot memory lot = lotOf(equity, initial, 0);
        lot.sized = bound(seed, 0, lot.initial);
        uint256 cost = bound(seed >> 128, 0, lot.equity > 0 ? uint256(lot.equity) : 0);
        cost = bound(cost, 0, lot.initial);
        uint256 share = Auction.share(lot, cost);
        vm.assertLe(share, 1e18);
        if (share == 1e18 || share == 0) return;
        vm.assertTrue(enough(lot, cost, share), "enough");
        if (share < 1e9) return;
        vm.assertFalse(enough(lot, cost, share - 1e9));
    }

    /// @dev Whether a rest has its margin, with 36 decimals.
    function enough(Auction.Lot memory lot, uint256 cost, uint256 share)
        internal
        pure
        returns (bool)
    {
        uint256 rest = 1e18 - share;
        uint256 asked = ((lot.initial - lot.sized) * 1e18 + lot.sized * rest) * rest;
        return lot.secured * 1e36 - int256(cost * share * 1e18) >= int256(asked);
    }

    function test_fuzz_slice_leavesALegOrNothing(uint256 lots, uint256 share, uint256 least)
        public
        pure
    {
        least = bound(least, 1, 1e6);
        lots = bound(lots, least, 2 ** 60);
        share = bound(share, 1, 1e18);
        uint256 part = Auction.slice(lots, share, least);
        vm.assertTrue(part == lots || (part >= least && lots - part >= least));
        vm.assertGe(part * 1e18, lots * share);
    }
}
