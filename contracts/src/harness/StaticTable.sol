// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title A protocol's static table of margins, as many have one
/// @notice What `assay shadow` reads and `assay propose` writes in cargo's tests: margins that hold
///         until their owner sets others.
/// @dev Deliberately absent: limits. Her gate has them.
contract StaticTable is Ownable {
    /// @dev Shares of a position's value, WAD.
    struct Margins {
        uint256 initial;
        uint256 maintenance;
    }

    /// @notice Margins by market.
    mapping(bytes32 market => Margins) public marginsOf;

    /// @notice Thrown unless 0 < maintenance <= initial <= 1e18.
    error BadMargins(uint256 initial, uint256 maintenance);

    constructor(address owner_) Ownable(owner_) {}

    /// @notice Sets a market's margins. Owner only.
    function setMargins(bytes32 market, uint256 initial, uint256 maintenance) external onlyOwner {
        bool holds = 0 < maintenance && maintenance <= initial && initial <= 1e18;
        require(holds, BadMargins(initial, maintenance));
        marginsOf[market] = Margins(initial, maintenance);
    }
}
