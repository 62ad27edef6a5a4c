// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Base} from "./Base.sol";

/// @notice Something that plays a random step, whatever the two numbers are.
interface IPlay {
    function step(uint256 choice, uint256 seed) external;
}

/// @notice Points a campaign of random calls at the steps of one play.
abstract contract Campaign is Base {
    /// @notice Returns the play, once it is set up.
    function player() internal view virtual returns (address);

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = player();
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0].addr = player();
        targets[0].selectors = new bytes4[](1);
        targets[0].selectors[0] = IPlay.step.selector;
    }
}
