// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Who has paid in, and who is owed what losers have paid
/// @notice Cash is deposits, and gains that were taken; it is always there. A gain at the mark is a
///         claim on the pool, into which losers pay; a loss takes the account's own claim first,
///         then its cash. What neither it nor the insurance covers is a shortfall, which all claims
///         bear alike when they are taken.
/// @dev In every state: held = cash + pool + insurance, and claims + gains not yet counted = pool +
///      shortfall + debts. So taking a claim never touches cash, and the last claim taken ends the
///      shortfall. Rounding is against who takes, in favour of who takes later.
library Ledger {
    using SafeCast for int256;
    using SafeCast for uint256;

    /// @param cash of all accounts
    /// @param pool what losers paid, and winners have not taken
    /// @param insurance what covers debts
    /// @param claims sum of all positive profits
    /// @param shortfall debts that nothing covered, borne by claims
    struct Books {
        uint128 cash;
        uint128 pool;
        uint128 insurance;
        uint128 claims;
        uint128 shortfall;
    }

    /// @param cash never negative
    /// @param profit at the marks it was last counted at; negative only where there is no cash
    struct Purse {
        uint128 cash;
        int128 profit;
    }

    /// @notice Thrown by `take` for more than an account's profit.
    error NoProfit(uint256 amount, int256 profit);
    /// @notice Thrown by `take` when losers have not paid that much in yet.
    error NotPaidIn(uint256 amount, uint256 pool);

    /// @notice Adds a gain, or takes a loss: out of the profit first, then out of cash.
    function credit(Books memory books, Purse memory purse, int256 gain) internal pure {
        int256 before = purse.profit;
        int256 profit = before + gain;
        if (profit < 0 && purse.cash > 0) {
            uint128 paid = uint128(Math.min(purse.cash, uint256(-profit)));
            purse.cash -= paid;
            books.cash -= paid;
            books.pool += paid;
            profit += int256(uint256(paid));
        }
        purse.profit = profit.toInt128();
        books.claims = (books.claims + _positive(profit) - _positive(before)).toUint128();
    }

    /// @notice Adds cash, which pays a debt first.
    function pay(Books memory books, Purse memory purse, uint128 amount) internal pure {
        purse.cash += amount;
        books.cash += amount;
        credit(books, purse, 0);
    }

    /// @notice Takes a fee out of an account's cash, as far as it reaches.
    function charge(Books memory books, Purse memory purse, uint256 fee) internal pure {
        uint128 paid = uint128(Math.min(fee, purse.cash));
        purse.cash -= paid;
        books.cash -= paid;
        insure(books, paid);
    }

    /// @notice Adds to the insurance, after what ends a shortfall.
    function insure(Books memory books, uint128 amount) internal pure {
        uint128 repaid = uint128(Math.min(amount, books.shortfall));
        books.shortfall -= repaid;
        books.pool += repaid;
        books.insurance += amount - repaid;
    }

    /// @notice Takes the debt of an account that has nothing left over: the insurance first, then
    ///         winners.
    function absorb(Books memory books, Purse memory purse)
        internal
        pure
        returns (uint128 debt, uint128 covered)
    {
        if (purse.profit >= 0) return (0, 0);
        debt = uint128(-purse.profit);
        covered = uint128(Math.min(debt, books.insurance));
        books.insurance -= covered;
        books.pool += covered;
        books.shortfall += debt - covered;
        purse.profit = 0;
    }

    /// @notice Turns `amount` of a profit into cash, less its share of the shortfall.
    function take(Books memory books, Purse memory purse, uint128 amount)
        internal
        pure
        returns (uint128 received)
    {
        int256 profit = purse.profit;
        require(int256(uint256(amount)) <= profit, NoProfit(amount, profit));
        received = uint128(standing(books, amount));
        require(received <= books.pool, NotPaidIn(received, books.pool));
        books.claims -= amount;
        books.shortfall -= uint128(Math.min(amount - received, books.shortfall));
        books.pool -= received;
        books.cash += received;
        purse.cash += received;
        purse.profit = int128(profit - int256(uint256(amount)));
    }

    /// @notice Returns what a claim is worth after its share of the shortfall, rounded down.
    function standing(Books memory books, uint256 claim) internal pure returns (uint256) {
        if (books.shortfall == 0) return claim;
        if (books.shortfall >= books.claims) return 0;
        return Math.mulDiv(claim, books.claims - books.shortfall, books.claims);
    }

    /// @notice Returns cash after `haircut` millionths, plus profit.
    function equity(Purse memory purse, uint256 haircut) internal pure returns (int256) {
        return int256((uint256(purse.cash) * (1e6 - haircut)) / 1e6) + purse.profit;
    }

    /// @notice As `equity`, with the profit after its share of the shortfall.
    function secured(Books memory books, Purse memory purse, uint256 haircut)
        internal
        pure
        returns (int256)
    {
        int256 whole = equity(purse, haircut);
        if (purse.profit <= 0 || books.shortfall == 0) return whole;
        uint256 profit = uint256(int256(purse.profit));
        return whole - int256(profit - standing(books, profit));
    }

    function _positive(int256 value) private pure returns (uint256) {
        return value > 0 ? uint256(value) : 0;
    }
}
