// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IScenarioBook} from "./IScenarioBook.sol";

/// @title Signed orders that meet
/// @notice Two orders of one package, matched anywhere, become one trade of the house. The house
///         takes trades from this contract alone; this contract holds nothing.
interface IOrderDesk {
    /// @notice A package of instruments, some bought and some sold.
    /// @param instruments ascending
    /// @param lots of each in a package: positive bought, negative sold
    /// @param price most wei paid for a package; negative: least received
    /// @param count most packages
    /// @param expiry chain time from which it no longer holds
    /// @param salt tells orders apart that are otherwise the same
    struct Order {
        address trader;
        uint32[] instruments;
        int64[] lots;
        int256 price;
        uint64 count;
        uint64 expiry;
        uint256 salt;
    }

    /// @notice Two orders of the same package, one on each side.
    /// @param count packages traded
    /// @param price wei that `left` pays `right` for a package
    struct Deal {
        Order left;
        bytes leftSignature;
        Order right;
        bytes rightSignature;
        uint64 count;
        int256 price;
    }

    event Cancelled(address indexed trader, bytes32 order);

    /// @notice Thrown when an order's time is over, or it was cancelled or filled that far.
    error OrderSpent(bytes32 order, uint256 left);
    /// @notice Thrown when a signature is not the trader's.
    error BadSignature(address trader);
    /// @notice Thrown when two orders do not meet.
    error NoMatch();

    /// @notice Trades two signed orders that meet; anybody may send it.
    /// @param readings of the legs of both accounts and of the package, ascending
    function trade(Deal calldata deal, IScenarioBook.Reading[] calldata readings) external;

    /// @notice Makes an order of the sender's unusable.
    function cancel(Order calldata order) external;

    /// @notice Returns how many packages of an order were traded; the largest number once
    ///         cancelled.
    function filled(bytes32 order) external view returns (uint256);

    /// @notice Returns the digest that a trader signs.
    function digestOf(Order calldata order) external view returns (bytes32);
}
