// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title Play money for demonstrations
/// @notice Anybody mints any amount to anybody. Never a collateral of anything that is worth
///         something.
contract DemoDollar is ERC20 {
    constructor() ERC20("Assay demo dollar, worth nothing", "DEMO") {}

    /// @notice Mints `amount` wei to `account`.
    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }
}
