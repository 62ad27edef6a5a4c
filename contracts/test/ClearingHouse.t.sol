// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ClearingHouse} from "../src/ClearingHouse.sol";
import {IClearingHouse} from "../src/interfaces/IClearingHouse.sol";
import {Desk} from "./support/Desk.sol";
import {FeeToken, ReentrantToken} from "./support/Hostile.sol";

/// @notice Money in and out, and trades. Initial margin is 20 %, maintenance 10 %, the price 50.
contract ClearingHouseTradeTest is Desk {
    uint256 internal constant ANN = 0xA1;
    uint256 internal constant BOB = 0xB2;
    address internal ann;
    address internal bob;

    function setUp() public {
        deployDesk();
        report(50e18, 0.2e18);
        ann = open(ANN, 1000e18);
        bob = open(BOB, 1000e18);
    }

    function missing(address account, int256 equity, uint256 needed)
        internal
        pure
        returns (bytes memory)
    {
        return
            abi.encodeWithSelector(IClearingHouse.MarginMissing.selector, account, equity, needed);
    }

    function test_deposit_andWithdraw() public {
        vm.assertEq(house.cash(ann), 1000e18);
        vm.prank(ann);
        house.withdraw(400e18);
        vm.assertEq(dollar.balanceOf(ann), 400e18);
        vm.assertEq(house.equity(ann), 600e18);
        vm.prank(ann);
        vm.expectRevert(missing(ann, -1, 0));
        house.withdraw(600e18 + 1);
    }

    function test_withdraw_keepsTheInitialMargin() public {
        trade(ANN, BOB, 50e18, 50e18); // notional 2,500, initial margin 500
        vm.startPrank(ann);
        vm.expectRevert(missing(ann, 500e18 - 1, 500e18));
        house.withdraw(500e18 + 1);
        house.withdraw(500e18);
        vm.stopPrank();
    }

    function test_trade_movesPositionsAndCash() public {
        trade(ANN, BOB, 10e18, 51e18);
        vm.assertEq(house.position(ann), 10e18);
        vm.assertEq(house.position(bob), -10e18);
        vm.assertEq(house.cash(ann), 490e18);
        vm.assertEq(house.cash(bob), 1510e18);
        vm.assertEq(house.equity(ann), 990e18);
        vm.assertEq(house.equity(bob), 1010e18);
        (uint256 initial, uint256 maintenance) = house.requirement(bob);
        vm.assertEq(initial, 100e18);
        vm.assertEq(maintenance, 50e18);
        vm.assertEq(house.openAccounts().length, 2);
    }

    /// @notice A report alone changes an account's requirement.
    function test_requirement_followsTheReport() public {
        trade(ANN, BOB, 10e18, 50e18);
        report(50e18, 0.3e18);
        (uint256 initial, uint256 maintenance) = house.requirement(bob);
        vm.assertEq(initial, 150e18);
        vm.assertEq(maintenance, 62.5e18);
    }

    function test_trade_needsInitialMarginOfBoth() public {
        expectTradeRevert(ANN, BOB, 100e18 + 1e12, 50e18, missing(ann, 1000e18, 1000e18 + 1e13));
        vm.prank(bob);
        house.withdraw(500e18);
        expectTradeRevert(ANN, BOB, 60e18, 50e18, missing(bob, 500e18, 600e18));
        trade(ANN, BOB, 50e18, 50e18);
    }

    function test_trade_flipIsNewRisk() public {
        trade(ANN, BOB, 100e18, 50e18);
        // From 100 long to 101 short.
        expectTradeRevert(BOB, ANN, 201e18, 50e18, missing(bob, 1000e18, 1010e18));
        trade(BOB, ANN, 200e18, 50e18);
        vm.assertEq(house.position(ann), -100e18);
    }

    /// @notice A smaller position on the other side is new risk too, so not for who lacks margin, and
    ///         not while reports are stale.
    function test_trade_smallerFlipIsNewRisk() public {
        trade(ANN, BOB, 90e18, 50e18);
        reportPrice(40e18); // Ann has 100, half of her size would ask 360
        expectTradeRevert(BOB, ANN, 135e18, 40e18, missing(ann, 100e18, 360e18));
        vm.warp(block.timestamp + HOLDS);
        bytes memory stale = abi.encodeWithSelector(IClearingHouse.Stale.selector);
        expectTradeRevert(BOB, ANN, 135e18, 40e18, stale);
        trade(BOB, ANN, 45e18, 40e18);
    }

    function test_trade_band() public {
        trade(ANN, BOB, 1e18, 52.5e18);
        bytes memory refusal =
            abi.encodeWithSelector(IClearingHouse.OutsideBand.selector, 52.5e18 + 1e6, 50e18);
        expectTradeRevert(ANN, BOB, 1e18, 52.5e18 + 1e6, refusal);
        trade(ANN, BOB, 1e18, 47.5e18);
        refusal = abi.encodeWithSelector(IClearingHouse.OutsideBand.selector, 47.5e18 - 1e6, 50e18);
        expectTradeRevert(ANN, BOB, 1e18, 47.5e18 - 1e6, refusal);
    }

    function test_trade_lotsAndTicks() public {
        bytes memory refusal = abi.encodeWithSelector(IClearingHouse.BadSize.selector, 1e18 + 1);
        expectTradeRevert(ANN, BOB, 1e18 + 1, 50e18, refusal);
        refusal = abi.encodeWithSelector(IClearingHouse.BadSize.selector, 0);
        expectTradeRevert(ANN, BOB, 0, 50e18, refusal);
        refusal = abi.encodeWithSelector(IClearingHouse.BadPrice.selector, 50e18 + 1);
        expectTradeRevert(ANN, BOB, 1e18, 50e18 + 1, refusal);
    }

    function test_trade_ordersMustMeet() public {
        (IClearingHouse.Order memory buy, bytes memory buySigned) = orderOf(ANN, 5e18, 50e18);
        (IClearingHouse.Order memory sell, bytes memory sellSigned) = orderOf(BOB, -5e18, 49e18);
        bytes memory refusal = abi.encodeWithSelector(IClearingHouse.NoMatch.selector);
        vm.expectRevert(refusal);
        house.trade(buy, buySigned, sell, sellSigned, 1e18, 50.5e18);
        vm.expectRevert(refusal);
        house.trade(buy, buySigned, sell, sellSigned, 1e18, 48.5e18);
        vm.expectRevert(refusal);
        house.trade(sell, sellSigned, buy, buySigned, 1e18, 49.5e18);
        (IClearingHouse.Order memory own, bytes memory ownSigned) = orderOf(ANN, -5e18, 49e18);
        vm.expectRevert(refusal);
        house.trade(buy, buySigned, own, ownSigned, 1e18, 49.5e18);
        house.trade(buy, buySigned, sell, sellSigned, 1e18, 49.5e18);
        vm.assertEq(house.position(ann), 1e18);
    }

    function test_trade_ordersFillOnce() public {
        (IClearingHouse.Order memory buy, bytes memory buySigned) = orderOf(ANN, 5e18, 50e18);
        (IClearingHouse.Order memory sell, bytes memory sellSigned) = orderOf(BOB, -9e18, 50e18);
        bytes32 hash = house.digestOf(buy);
        house.trade(buy, buySigned, sell, sellSigned, 3e18, 50e18);
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.OrderSpent.selector, hash, 2e18));
        house.trade(buy, buySigned, sell, sellSigned, 3e18, 50e18);
        house.trade(buy, buySigned, sell, sellSigned, 2e18, 50e18);
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.OrderSpent.selector, hash, 0));
        house.trade(buy, buySigned, sell, sellSigned, 1e12, 50e18);
    }

    function test_trade_expiredOrCancelled() public {
        (IClearingHouse.Order memory buy, bytes memory buySigned) = orderOf(ANN, 5e18, 50e18);
        (IClearingHouse.Order memory sell, bytes memory sellSigned) = orderOf(BOB, -5e18, 50e18);
        bytes32 hash = house.digestOf(buy);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.BadSignature.selector, ann));
        house.cancel(buy);
        vm.prank(ann);
        house.cancel(buy);
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.OrderSpent.selector, hash, 0));
        house.trade(buy, buySigned, sell, sellSigned, 1e18, 50e18);

        (buy, buySigned) = orderOf(ANN, 5e18, 50e18);
        hash = house.digestOf(buy);
        vm.warp(buy.expiry);
        report(50e18, 0.2e18);
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.OrderSpent.selector, hash, 0));
        house.trade(buy, buySigned, sell, sellSigned, 1e18, 50e18);
    }

    function test_trade_signatures() public {
        (IClearingHouse.Order memory buy, bytes memory buySigned) = orderOf(ANN, 5e18, 50e18);
        (IClearingHouse.Order memory sell, bytes memory sellSigned) = orderOf(BOB, -5e18, 50e18);
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.BadSignature.selector, ann));
        house.trade(buy, sellSigned, sell, sellSigned, 1e18, 50e18);
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.BadSignature.selector, bob));
        house.trade(buy, buySigned, sell, "", 1e18, 50e18);
        buy.size = 6e18;
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.BadSignature.selector, ann));
        house.trade(buy, buySigned, sell, sellSigned, 1e18, 50e18);
    }

    function test_digest_byHand() public {
        (IClearingHouse.Order memory order,) = orderOf(ANN, -5e18, 50e18);
        bytes32 message = keccak256(
            abi.encode(
                keccak256(
                    "Order(address trader,int256 size,uint256 price,uint64 expiry,uint256 salt)"
                ),
                order.trader,
                order.size,
                order.price,
                order.expiry,
                order.salt
            )
        );
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Assay ClearingHouse"),
                keccak256("1"),
                block.chainid,
                address(house)
            )
        );
        vm.assertEq(house.digestOf(order), keccak256(abi.encodePacked(hex"1901", domain, message)));
    }

    // Staleness.

    function test_stale_refusesNewRiskOnly() public {
        trade(ANN, BOB, 50e18, 50e18);
        uint256 eve = 0xE5;
        open(eve, 1000e18);
        vm.warp(block.timestamp + HOLDS);
        bytes memory stale = abi.encodeWithSelector(IClearingHouse.Stale.selector);
        expectTradeRevert(ANN, BOB, 1e18, 50e18, stale);
        expectTradeRevert(eve, ANN, 1e18, 50e18, stale); // Ann reduces, Eve does not
        vm.prank(ann);
        vm.expectRevert(stale);
        house.withdraw(1);
        vm.prank(vm.addr(eve));
        house.withdraw(1000e18); // no position, no reason to wait

        trade(BOB, ANN, 20e18, 50e18);
        trade(BOB, ANN, 30e18, 49e18);
        vm.assertEq(house.position(ann), 0);
        vm.assertEq(house.openAccounts().length, 0);
        vm.prank(ann);
        house.withdraw(970e18);
    }

    function test_stale_liquidatesNobody() public {
        trade(ANN, BOB, 90e18, 50e18);
        report(42e18, 0.2e18);
        vm.assertTrue(house.liquidatable(ann) > 0);
        vm.warp(block.timestamp + HOLDS);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.Stale.selector));
        house.liquidate(ann, 1e18);
    }

    function test_beforeTheFirstPrice() public {
        deployDesk();
        nonce = 0;
        open(ANN, 1000e18);
        open(BOB, 1000e18);
        expectTradeRevert(
            ANN, BOB, 1e18, 50e18, abi.encodeWithSelector(IClearingHouse.Stale.selector)
        );
    }

    /// @notice An account short of margin may always reduce at the mark, and not at a price that takes
    ///         it below maintenance.
    function test_reduce_whenShortOfMargin() public {
        trade(ANN, BOB, 90e18, 50e18);
        report(43e18, 0.2e18); // Ann has 370, initial margin 774, maintenance 483.75
        vm.assertEq(house.equity(ann), 370e18);
        trade(BOB, ANN, 1e18, 43e18);
        expectTradeRevert(BOB, ANN, 1e18, 42e18, missing(ann, 369e18, 473e18));
        trade(BOB, ANN, 89e18, 43e18);
        vm.assertEq(house.cash(ann), 370e18);
    }

    // Collateral that lies.

    function test_feeOnTransfer_isRefused() public {
        FeeToken token = new FeeToken();
        ClearingHouse other = new ClearingHouse(token, gate, terms());
        token.mint(address(this), 100e18);
        token.approve(address(other), 100e18);
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.NotExact.selector, 100e18, 99e18));
        other.deposit(100e18);
    }

    function test_reentrancy_isRefused() public {
        ReentrantToken token = new ReentrantToken();
        ClearingHouse other = new ClearingHouse(token, gate, terms());
        token.mint(address(this), 100e18);
        token.approve(address(other), 100e18);
        other.deposit(100e18);
        token.mint(address(token), 100e18);
        token.attack(other, 100e18);
        vm.assertEq(other.cash(address(token)), 100e18);
        vm.assertEq(token.balanceOf(address(other)), 200e18);
        vm.assertTrue(token.refused());
    }

    function test_constructor_refuses() public {
        IClearingHouse.Terms memory bad = terms();
        bad.band = 0;
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.BadTerms.selector, "band"));
        new ClearingHouse(dollar, gate, bad);
        bad = terms();
        bad.discount = 0.1e18 + 1;
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.BadTerms.selector, "discount"));
        new ClearingHouse(dollar, gate, bad);
        bad = terms();
        bad.insuranceFee = 0.1e18 + 1;
        vm.expectRevert(abi.encodeWithSelector(IClearingHouse.BadTerms.selector, "insuranceFee"));
        new ClearingHouse(dollar, gate, bad);
    }

    /// @notice No price and no size inside the rules makes or loses a wei.
    function test_fuzz_trade_sumsToZero(uint256 size, uint256 price, uint256 mark) public {
        size = bound(size, 1, 50e6) * 1e12;
        mark = bound(mark, 30e18, 70e18);
        reportPrice(mark);
        mark = house.mark();
        price = bound(price, mark - mark / 20 + 1e6, mark + mark / 20 - 1e6);
        price -= price % 1e6;
        try this.tradeExternally(size, price) {}
        catch {
            return;
        }
        vm.assertEq(house.cash(ann) + house.cash(bob), 2000e18);
        vm.assertEq(house.position(ann) + house.position(bob), 0);
        vm.assertEq(house.equity(ann) + house.equity(bob), 2000e18);
    }

    function tradeExternally(uint256 size, uint256 price) external {
        trade(ANN, BOB, size, price);
    }
}
