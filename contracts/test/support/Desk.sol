// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ClearingHouse} from "../../src/ClearingHouse.sol";
import {DemoDollar} from "../../src/DemoDollar.sol";
import {RiskGate} from "../../src/RiskGate.sol";
import {RiskOracle} from "../../src/RiskOracle.sol";
import {IClearingHouse} from "../../src/interfaces/IClearingHouse.sol";
import {IRiskGate} from "../../src/interfaces/IRiskGate.sol";
import {IRiskOracle} from "../../src/interfaces/IRiskOracle.sol";
import {Base} from "./Base.sol";

/// @notice The market side of the house with one provider, whose reports are a function call away, and
///         traders whose keys are known.
abstract contract Desk is Base {
    bytes32 internal constant MARKET = keccak256("WTI spot");
    uint256 internal constant PROVIDER_KEY = 0x0FACE;
    uint64 internal constant NOW = 1_425_254_400; // 2015-03-02
    uint64 internal constant SETTLES_AT = NOW + 90 days;
    uint64 internal constant HOLDS = 6 hours;

    RiskOracle internal oracle;
    RiskGate internal gate;
    DemoDollar internal dollar;
    ClearingHouse internal house;
    uint64 internal nonce;
    uint256 internal orders;

    function deployDesk() internal {
        vm.warp(NOW);
        oracle = new RiskOracle();
        gate = new RiskGate(oracle, vm.addr(PROVIDER_KEY), address(this));
        gate.setMarket(MARKET, limits());
        dollar = new DemoDollar();
        house = new ClearingHouse(dollar, gate, terms());
    }

    function limits() internal pure returns (IRiskGate.Limits memory) {
        return IRiskGate.Limits({
            floor: 0.05e18,
            ceiling: 0.8e18,
            stepUp: 1e18,
            stepDown: 0.05e18,
            priceStep: 0.5e18,
            staticInitial: 0.12e18,
            staticMaintenance: 0.08e18
        });
    }

    function terms() internal pure returns (IClearingHouse.Terms memory) {
        return IClearingHouse.Terms({
            market: MARKET,
            settlesAt: SETTLES_AT,
            band: 0.05e18,
            discount: 0.01e18,
            insuranceFee: 0.005e18
        });
    }

    // Reports.

    function reportOf(IRiskOracle.Kind kind, uint256 value, uint256 upper)
        internal
        returns (IRiskOracle.Report memory)
    {
        return IRiskOracle.Report({
            market: MARKET,
            kind: uint8(kind),
            value: value,
            lower: value - value / 10,
            upper: upper,
            program: keccak256("program"),
            modelRoot: keccak256("model"),
            inputsRoot: keccak256("inputs"),
            marketTime: uint64(block.timestamp),
            validFrom: uint64(block.timestamp),
            expiry: uint64(block.timestamp) + HOLDS,
            nonce: ++nonce
        });
    }

    function sign(IRiskOracle.Report[] memory bundle, uint256 key)
        internal
        view
        returns (bytes memory)
    {
        return signature(key, oracle.digestOf(bundle));
    }

    function signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return bytes.concat(r, s, bytes1(v));
    }

    /// @notice Posts and applies a price and a margin whose upper bound is `margin`.
    function report(uint256 price, uint256 margin) internal {
        IRiskOracle.Report[] memory bundle = new IRiskOracle.Report[](2);
        bundle[0] = reportOf(IRiskOracle.Kind.Price, price, price);
        bundle[1] = reportOf(IRiskOracle.Kind.Margin, margin - margin / 10, margin);
        oracle.post(bundle, sign(bundle, PROVIDER_KEY));
        gate.applyReports(MARKET);
    }

    function reportPrice(uint256 price) internal {
        IRiskOracle.Report[] memory bundle = new IRiskOracle.Report[](1);
        bundle[0] = reportOf(IRiskOracle.Kind.Price, price, price);
        oracle.post(bundle, sign(bundle, PROVIDER_KEY));
        gate.applyReports(MARKET);
    }

    // Traders.

    function open(uint256 key, uint256 dollars) internal returns (address trader) {
        trader = vm.addr(key);
        dollar.mint(trader, dollars);
        vm.startPrank(trader);
        dollar.approve(address(house), type(uint256).max);
        house.deposit(dollars);
        vm.stopPrank();
    }

    function orderOf(uint256 key, int256 size, uint256 price)
        internal
        returns (IClearingHouse.Order memory order, bytes memory signed)
    {
        order = IClearingHouse.Order({
            trader: vm.addr(key),
            size: size,
            price: price,
            expiry: uint64(block.timestamp) + 1 days,
            salt: ++orders
        });
        signed = signature(key, house.digestOf(order));
    }

    function trade(uint256 buyer, uint256 seller, uint256 size, uint256 price) internal {
        (IClearingHouse.Order memory buy, bytes memory buySigned) =
            orderOf(buyer, int256(size), price);
        (IClearingHouse.Order memory sell, bytes memory sellSigned) =
            orderOf(seller, -int256(size), price);
        house.trade(buy, buySigned, sell, sellSigned, size, price);
    }

    function expectTradeRevert(
        uint256 buyer,
        uint256 seller,
        uint256 size,
        uint256 price,
        bytes memory refusal
    ) internal {
        (IClearingHouse.Order memory buy, bytes memory buySigned) =
            orderOf(buyer, int256(size), price);
        (IClearingHouse.Order memory sell, bytes memory sellSigned) =
            orderOf(seller, -int256(size), price);
        vm.expectRevert(refusal);
        house.trade(buy, buySigned, sell, sellSigned, size, price);
    }
}
