// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AggregatorView} from "../src/AggregatorView.sol";
import {IAggregatorView} from "../src/interfaces/IAggregatorView.sol";
import {IRiskOracle} from "../src/interfaces/IRiskOracle.sol";
import {Desk} from "./support/Desk.sol";

contract AggregatorViewTest is Desk {
    /// @notice What Chainlink's interface returns, by name.
    struct Round {
        uint80 id;
        int256 answer;
        uint256 startedAt;
        uint256 updatedAt;
        uint80 answeredIn;
    }

    AggregatorView internal prices;
    AggregatorView internal margins;

    function setUp() public {
        deployDesk();
        prices = viewOf(0, 8, "WTI / USD");
        margins = viewOf(1, 18, "WTI initial margin");
    }

    function viewOf(uint8 kind, uint8 decimals, string memory what)
        internal
        returns (AggregatorView)
    {
        return new AggregatorView(oracle, vm.addr(PROVIDER_KEY), MARKET, kind, decimals, what);
    }

    function latest(IAggregatorView from) internal view returns (Round memory round) {
        (round.id, round.answer, round.startedAt, round.updatedAt, round.answeredIn) =
            from.latestRoundData();
    }

    function at(IAggregatorView from, uint80 id) internal view returns (Round memory round) {
        (round.id, round.answer, round.startedAt, round.updatedAt, round.answeredIn) =
            from.getRoundData(id);
    }

    function expectNone(IAggregatorView from, uint80 id) internal {
        vm.expectRevert(abi.encodeWithSelector(IAggregatorView.NoData.selector, id));
        if (id == 0) from.latestRoundData();
        else from.getRoundData(id);
    }

    /// @notice Nothing is answered before somebody reported, and nothing while no claim is final.
    function test_unknown_reverts() public {
        expectNone(prices, 0);
        expectNone(margins, 0);
        vm.assertFalse(margins.fresh());
        claimMargin(0.1875e18);
        expectNone(margins, 0);
        expectNone(margins, 1);
        vm.assertEq(latest(prices).answer, int256(50e8));
    }

    function test_price_latest() public {
        reportPrice(50.123456781e18);
        Round memory round = latest(prices);
        vm.assertEq(round.answer, 50.12345679e8);
        vm.assertEq(round.id, nonce);
        vm.assertEq(round.answeredIn, nonce);
        vm.assertEq(round.startedAt, NOW);
        vm.assertEq(round.updatedAt, NOW);
        vm.assertTrue(prices.fresh());
        vm.assertEq(prices.decimals(), 8);
        vm.assertEq(prices.description(), "WTI / USD");
        expectNone(prices, uint80(nonce) + 1);
        reportPrice(51e18);
        expectNone(prices, uint80(nonce) - 1); // only the last is kept
        vm.assertEq(at(prices, uint80(nonce)).answer, 51e8);
    }

    /// @notice An expired answer stays what it was, at the time it had, and says that it is stale.
    function test_stale_isSaid() public {
        report(50e18, 0.1875e18);
        vm.warp(NOW + HOLDS - 1);
        vm.assertTrue(margins.fresh());
        vm.warp(NOW + HOLDS);
        vm.assertFalse(margins.fresh());
        vm.assertFalse(prices.fresh());
        Round memory round = latest(margins);
        vm.assertEq(round.answer, 0.1875e18);
        vm.assertEq(round.updatedAt, NOW);
        vm.assertTrue(round.answeredIn < round.id);
        vm.assertEq(latest(prices).answeredIn, 0);
    }

    /// @notice Rounds are nonces; a report that fell, or may still fall, has no data.
    function test_rounds_areFinalReports() public {
        report(50e18, 0.1875e18);
        uint80 first = uint80(nonce);
        reportPrice(51e18);
        uint256 claim = claimMargin(0.5e18);
        uint80 second = uint80(nonce);
        vm.assertEq(latest(margins).id, first);
        expectNone(margins, second);
        strike(claim);
        vm.assertEq(latest(margins).id, first);
        report(50e18, 0.25e18);
        vm.assertEq(latest(margins).answer, 0.25e18);
        vm.assertEq(at(margins, first).answer, 0.1875e18);
        expectNone(margins, second);
        expectNone(margins, second - 1); // a price
        expectNone(margins, uint80(nonce) + 1);
    }

    function test_constructor_refuses() public {
        vm.expectRevert(abi.encodeWithSelector(IAggregatorView.BadView.selector, "kind"));
        viewOf(3, 8, "");
        vm.expectRevert(abi.encodeWithSelector(IAggregatorView.BadView.selector, "decimals"));
        viewOf(1, 19, "");
    }

    /// @notice Rounded up, by less than a unit of the last decimal.
    function test_fuzz_decimals(uint256 price, uint8 decimals) public {
        decimals = uint8(bound(decimals, 0, 18));
        price = bound(price, 1, type(uint128).max);
        reportPrice(price);
        uint256 unit = 10 ** (18 - decimals);
        uint256 answer = uint256(latest(viewOf(0, decimals, "")).answer);
        vm.assertTrue(answer * unit >= price && answer * unit - price < unit);
    }

    /// @notice Every final report is found by its nonce, wherever it stands among others.
    /// forge-config: default.fuzz.runs = 64
    function test_fuzz_rounds_found(uint256 seed) public {
        uint256[12] memory uppers;
        uint80[12] memory ids;
        for (uint256 i = 0; i < 12; ++i) {
            uppers[i] = bound(uint256(keccak256(abi.encode(seed, i))), 1, 1023) * 1e18 / 1024;
            claimMargin(uppers[i]);
            ids[i] = uint80(nonce);
            nonce += uint64(seed >> (4 * i)) % 5;
        }
        mine(WINDOW + 1);
        oracle.settle(vm.addr(PROVIDER_KEY), MARKET);
        for (uint256 i = 0; i < 12; ++i) {
            uint256 answer = uint256(at(margins, ids[i]).answer);
            vm.assertTrue(answer >= uppers[i] && answer < uppers[i] + 1000);
        }
    }
}
