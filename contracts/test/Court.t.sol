// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AssayToken} from "../src/AssayToken.sol";
import {Court} from "../src/Court.sol";
import {ICourt} from "../src/interfaces/ICourt.sol";
import {Base} from "./support/Base.sol";

/// @notice The test itself is the consumer.
contract CourtTest is Base {
    uint256 internal constant BOND = 10e18;
    uint64 internal constant WINDOW = 5;
    bytes32 internal constant OUTPUTS = keccak256("outputs");
    address internal constant ASSERTER = address(0xA);
    address internal constant CHALLENGER = address(0xC);
    AssayToken internal token;
    Court internal court;

    function setUp() public {
        vm.roll(100);
        token = new AssayToken(address(this), 1000e18);
        address[] memory consumers = new address[](1);
        consumers[0] = address(this);
        court = new Court(token, BOND, WINDOW, consumers);
        fund(ASSERTER);
        fund(CHALLENGER);
    }

    function fund(address account) internal {
        token.transfer(account, 100e18);
        vm.prank(account);
        token.approve(address(court), type(uint256).max);
    }

    function post() internal returns (uint256) {
        return court.post(keccak256("program"), keccak256("inputs"), OUTPUTS, ASSERTER);
    }

    function challenge(uint256 id) internal {
        vm.prank(CHALLENGER);
        court.challenge(id, keccak256("others"));
    }

    function test_post_takesTheBond() public {
        vm.assertEq(post(), 1);
        ICourt.Claim memory claim = court.claim(1);
        vm.assertEq(claim.asserter, ASSERTER);
        vm.assertEq(claim.consumer, address(this));
        vm.assertEq(claim.outputsRoot, OUTPUTS);
        vm.assertEq(claim.deadline, block.number + WINDOW);
        vm.assertEq(uint256(claim.state), uint256(ICourt.State.Open));
        vm.assertEq(token.balanceOf(address(court)), BOND);
    }

    /// @notice A stranger cannot lock somebody's bond in a claim that it alone could release.
    function test_post_onlyConsumers() public {
        vm.prank(CHALLENGER);
        vm.expectRevert(ICourt.OnlyConsumer.selector);
        court.post(0, 0, 0, ASSERTER);
    }

    function test_finalise_afterTheWindow() public {
        uint256 id = post();
        mine(WINDOW);
        uint64 deadline = uint64(block.number);
        vm.expectRevert(abi.encodeWithSelector(ICourt.WindowOpen.selector, id, deadline));
        court.finalise(id);
        mine(1);
        court.finalise(id);
        vm.assertEq(token.balanceOf(ASSERTER), 100e18);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotOpen.selector, id, ICourt.State.Final));
        court.finalise(id);
    }

    function test_challenge_freezes() public {
        uint256 id = post();
        mine(WINDOW);
        challenge(id);
        (address who, bytes32 outputs) = court.challengerOf(id);
        vm.assertEq(who, CHALLENGER);
        vm.assertEq(outputs, keccak256("others"));
        vm.assertEq(token.balanceOf(address(court)), 2 * BOND);
        mine(100);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotOpen.selector, id, ICourt.State.Frozen));
        court.finalise(id);
    }

    function test_challenge_refuses() public {
        uint256 id = post();
        vm.prank(ASSERTER);
        vm.expectRevert(abi.encodeWithSelector(ICourt.OwnClaim.selector, id));
        court.challenge(id, keccak256("others"));
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(ICourt.SameOutputs.selector, id));
        court.challenge(id, OUTPUTS);
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(ICourt.UnknownClaim.selector, 2));
        court.challenge(2, 0);
        mine(WINDOW + 1);
        uint256 deadline = block.number - 1;
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(ICourt.WindowClosed.selector, id, deadline));
        court.challenge(id, keccak256("others"));
    }

    function test_challenge_oneOnly() public {
        uint256 id = post();
        challenge(id);
        vm.prank(CHALLENGER);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotOpen.selector, id, ICourt.State.Frozen));
        court.challenge(id, keccak256("third"));
    }

    function test_release_givesBothBondsBackOnce() public {
        uint256 id = post();
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotOpen.selector, id, ICourt.State.Open));
        court.release(id);
        challenge(id);
        vm.prank(ASSERTER);
        vm.expectRevert(ICourt.OnlyConsumer.selector);
        court.release(id);
        court.release(id);
        vm.assertEq(token.balanceOf(ASSERTER), 100e18);
        vm.assertEq(token.balanceOf(CHALLENGER), 100e18);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotOpen.selector, id, ICourt.State.Released));
        court.release(id);
    }

    function test_claim_unknown() public {
        vm.expectRevert(abi.encodeWithSelector(ICourt.UnknownClaim.selector, 0));
        court.claim(0);
    }
}
