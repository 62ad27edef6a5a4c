// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

import {ClearingHouse} from "../../src/ClearingHouse.sol";
import {IPortfolioHouse} from "../../src/interfaces/IPortfolioHouse.sol";
import {IScenarioBook} from "../../src/interfaces/IScenarioBook.sol";

/// @notice Keeps one per cent of every transfer.
contract FeeToken is ERC20("fee", "FEE") {
    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    function _update(address from, address to, uint256 value) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : value / 100;
        super._update(from, to, value - fee);
        if (fee > 0) super._update(from, address(0xFEE), fee);
    }
}

/// @notice Calls the house again while the house moves it.
contract ReentrantToken is ERC20("again", "AGAIN") {
    ClearingHouse internal house;
    bool public refused;

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    function attack(ClearingHouse house_, uint256 amount) external {
        _approve(address(this), address(house_), type(uint256).max);
        house = house_;
        house_.deposit(amount);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (address(house) != address(0)) {
            try house.withdraw(value) {}
            catch (bytes memory why) {
                refused = bytes4(why) == ReentrancyGuard.ReentrancyGuardReentrantCall.selector;
            }
        }
        super._update(from, to, value);
    }
}

/// @notice Calls the portfolio house again while the house moves it.
contract ReentrantCollateral is ERC20("again", "AGAIN") {
    IPortfolioHouse internal house;
    uint256 public refused;

    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }

    function attack(IPortfolioHouse house_, uint256 amount) external {
        _approve(address(this), address(house_), type(uint256).max);
        house = house_;
        house_.deposit(amount);
        house_.withdraw(amount, new IScenarioBook.Reading[](0));
    }

    function _update(address from, address to, uint256 value) internal override {
        if (address(house) != address(0)) {
            IScenarioBook.Reading[] memory none = new IScenarioBook.Reading[](0);
            try house.withdraw(value, none) {}
            catch (bytes memory why) {
                _note(why);
            }
            try house.take(0, none) {}
            catch (bytes memory why) {
                _note(why);
            }
        }
        super._update(from, to, value);
    }

    function _note(bytes memory why) internal {
        if (bytes4(why) == ReentrancyGuard.ReentrancyGuardReentrantCall.selector) ++refused;
    }
}
