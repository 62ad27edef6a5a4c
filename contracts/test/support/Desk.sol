// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ClearingHouse} from "../../src/ClearingHouse.sol";
import {DemoDollar} from "../../src/DemoDollar.sol";
import {RiskGate} from "../../src/RiskGate.sol";
import {IClearingHouse} from "../../src/interfaces/IClearingHouse.sol";
import {ICourt} from "../../src/interfaces/ICourt.sol";
import {IRiskGate} from "../../src/interfaces/IRiskGate.sol";
import {IRiskOracle} from "../../src/interfaces/IRiskOracle.sol";
import {Amount} from "../../src/lib/Amount.sol";
import {Tree} from "../../src/lib/Tree.sol";
import {World} from "./World.sol";

/// @notice The market side of the house with one provider, whose reports are a function call away, and
///         traders whose keys are known.
abstract contract Desk is World {
    bytes32 internal constant MARKET = keccak256("WTI spot");
    uint256 internal constant PROVIDER_KEY = 0x0FACE;
    uint256 internal constant CHALLENGER_KEY = 0xC0DE;
    uint64 internal constant NOW = 1_425_254_400; // 2015-03-02
    uint64 internal constant SETTLES_AT = NOW + 90 days;
    uint64 internal constant HOLDS = 6 hours;

    /// @notice All of a call to `post` but the signature.
    struct Draft {
        IRiskOracle.Bundle bundle;
        IRiskOracle.Basis basis;
        ICourt.Opening[] readings;
    }

    RiskGate internal gate;
    DemoDollar internal dollar;
    ClearingHouse internal house;
    uint64 internal nonce;
    uint256 internal orders;

    function deployDesk() internal {
        deployDesk(0);
    }

    function deployDesk(uint256 nodes) internal {
        vm.warp(NOW);
        deploy(nodes);
        allow(PROVIDER_KEY);
        allow(CHALLENGER_KEY);
        gate = new RiskGate(oracle, vm.addr(PROVIDER_KEY), address(this));
        gate.setMarket(MARKET, limits());
        dollar = new DemoDollar();
        house = new ClearingHouse(dollar, gate, terms());
    }

    /// @notice Gives a provider, or a challenger, tokens for bonds.
    function allow(uint256 key) internal {
        token.transfer(vm.addr(key), 10_000e18);
        vm.prank(vm.addr(key));
        token.approve(address(court), type(uint256).max);
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

    /// @notice A bundle on the chain's state, before the first settled round: the margin's upper bound is
    ///         `margin`, its value nine tenths of it. Whether the Program would return that, nobody asks
    ///         until somebody challenges.
    function draft(uint256 price, uint256 margin) internal returns (Draft memory made) {
        made.basis.data = dataOf(nonce);
        made.readings = new ICourt.Opening[](2);
        bytes memory first = chunkOf(margin);
        bytes memory second = chunkOf(0.5e18);
        made.readings[0] = ICourt.Opening(first, single(Tree.leaf(second)));
        made.readings[1] = ICourt.Opening(second, single(Tree.leaf(first)));
        made.bundle = IRiskOracle.Bundle({
            market: MARKET,
            price: price,
            outputsRoot: outputsOf(first, second),
            marketTime: uint64(block.timestamp),
            validFrom: uint64(block.timestamp),
            expiry: uint64(block.timestamp) + HOLDS,
            nonce: ++nonce
        });
    }

    function dataOf(uint256 seed) internal pure returns (bytes[] memory data) {
        data = new bytes[](2);
        data[0] = new bytes(24);
        data[1] = new bytes(320);
        data[0][0] = bytes1(uint8(seed));
        data[1][319] = bytes1(uint8(seed));
    }

    function single(bytes32 hash) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        list[0] = hash;
    }

    function outputsOf(bytes memory first, bytes memory second) internal pure returns (bytes32) {
        bytes32[] memory roots = new bytes32[](2);
        (roots[0], roots[1]) = (Tree.leaf(first), Tree.leaf(second));
        return Tree.root(roots);
    }

    /// @notice Value, lower and upper bound as an output's only chunk.
    function chunkOf(uint256 upper) internal pure returns (bytes memory) {
        return chunkOf(upper - upper / 10, upper - upper / 5, upper);
    }

    function chunkOf(uint256 value, uint256 lower, uint256 upper)
        internal
        pure
        returns (bytes memory)
    {
        bytes memory words = abi.encodePacked(
            Amount.swap(doubleOf(value)), Amount.swap(doubleOf(lower)), Amount.swap(doubleOf(upper))
        );
        return bytes.concat(words, new bytes(256 - words.length));
    }

    /// @notice The least double that is not below `wad`.
    function doubleOf(uint256 wad) internal pure returns (uint64) {
        if (wad == 0) return 0;
        uint256 scale = 0;
        while ((wad << scale) / 1e18 < 2 ** 52) ++scale;
        uint256 mantissa = ((wad << scale) + 1e18 - 1) / 1e18;
        if (mantissa == 2 ** 53) (mantissa, scale) = (2 ** 52, scale - 1);
        return uint64(((1075 - scale) << 52) | (mantissa - 2 ** 52));
    }

    function sign(Draft memory made, uint256 key) internal view returns (bytes memory) {
        IRiskOracle.Ground memory ground = oracle.groundOf(made.basis);
        return signature(key, oracle.digestOf(made.bundle, ground.program, ground.inputsRoot));
    }

    function send(Draft memory made, uint256 key) internal returns (uint256 claim) {
        bytes memory signed = sign(made, key);
        (, claim) = oracle.post(made.bundle, made.basis, made.readings, signed);
    }

    /// @notice Posts a bundle, whose claim stays open.
    function claimMargin(uint256 margin) internal returns (uint256) {
        return send(draft(50e18, margin), PROVIDER_KEY);
    }

    /// @notice Convicts a claim before the first settled round, whose asserter stays silent.
    function strike(uint256 claim) internal {
        (uint256 dispute, ICourt.Dispute memory record) = disputeOf(claim, reportHeaderOf(0));
        mine(CLOCK + 1);
        court.timeout(dispute, record);
    }

    function disputeOf(uint256 claim, bytes memory header)
        internal
        returns (uint256 dispute, ICourt.Dispute memory record)
    {
        vm.recordLogs();
        vm.prank(vm.addr(CHALLENGER_KEY));
        dispute = court.challenge(claim, keccak256("otherwise"), header);
        record = lastRecord();
    }

    function signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return bytes.concat(r, s, bytes1(v));
    }

    /// @notice Reports a price and a margin whose upper bound is `margin`, lets the claim become final
    ///         and applies it. A double is a little more than most decimals: the ceiling cuts that off.
    function report(uint256 price, uint256 margin) internal {
        IRiskGate.Limits memory cut = limits();
        if (margin >= cut.staticInitial) cut.ceiling = margin;
        gate.setMarket(MARKET, cut);
        send(draft(price, margin), PROVIDER_KEY);
        mine(WINDOW + 1);
        gate.applyReports(MARKET);
    }

    function priceOf(uint256 price) internal returns (IRiskOracle.Price memory) {
        return IRiskOracle.Price({
            market: MARKET,
            price: price,
            marketTime: uint64(block.timestamp),
            validFrom: uint64(block.timestamp),
            expiry: uint64(block.timestamp) + HOLDS,
            nonce: ++nonce
        });
    }

    function signPrice(IRiskOracle.Price memory price, uint256 key)
        internal
        view
        returns (bytes memory)
    {
        return signature(key, oracle.digestOfPrice(price));
    }

    function reportPrice(uint256 price) internal {
        IRiskOracle.Price memory made = priceOf(price);
        oracle.postPrice(made, signPrice(made, PROVIDER_KEY));
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
