// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IAccounts} from "./IPanelGate.sol";

/// @title Accounts that a protocol writes down for claims about them
/// @notice A list is f64[n, 2], little-endian, each account's equity and the notional that margin is asked on, in
///         dollars. A row of zeros is no account: no level makes it liquidatable.
interface IAccountsBook is IAccounts {
    /// @notice Makes the accounts available.
    /// @param root tensor root of them
    event Written(bytes32 indexed root, bytes accounts);

    /// @notice Thrown for a list that is not as long as every list.
    error WrongLength(uint256 got, uint256 expected);
    /// @notice Thrown by `accountsRoot` before the first list: nobody could check a claim about it.
    error NothingWritten();

    /// @notice Writes a list in place of the one before. Owner only.
    function write(bytes calldata accounts) external;

    /// @notice Returns how many accounts every list has.
    function count() external view returns (uint32);
}
