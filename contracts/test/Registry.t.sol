// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {World} from "./support/World.sol";

contract RegistryTest is World {
    function setUp() public {
        deploy(2);
    }

    function test_join_record() public view {
        IRegistry.Node memory node = registry.node(1);
        vm.assertEq(node.key, vm.addr(keys[1]));
        vm.assertEq(node.payee, payeeOf(keys[1]));
        vm.assertEq(node.endpoint, "127.0.0.1:1");
        vm.assertEq(node.stake, STAKE);
        vm.assertEq(registry.indexOf(node.key), 1);
        vm.assertEq(registry.nodeCount(), 2);
        vm.assertTrue(registry.isActive(1));
        vm.assertEq(token.balanceOf(address(registry)), 2 * STAKE);
    }

    function test_unknownIndex_isEmpty() public view {
        vm.assertEq(registry.node(9).key, address(0));
        vm.assertEq(registry.stakeOf(9), 0);
        vm.assertFalse(registry.isActive(9));
        (bool joined,) = registry.find(address(this));
        vm.assertFalse(joined);
    }

    function test_join_refuses() public {
        token.approve(address(registry), type(uint256).max);
        vm.expectRevert(IRegistry.ZeroPayee.selector);
        registry.join(address(0), 0, "", STAKE);
        vm.expectRevert(
            abi.encodeWithSelector(IRegistry.StakeTooSmall.selector, STAKE / 10 - 1, STAKE / 10)
        );
        registry.join(address(1), 0, "", STAKE / 10 - 1);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.EndpointTooLong.selector, 129));
        registry.join(address(1), 0, string(new bytes(129)), STAKE);
        registry.join(address(1), 0, string(new bytes(128)), STAKE);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.AlreadyJoined.selector, address(this)));
        registry.join(address(1), 0, "", STAKE);
    }

    function test_stranger_canDoNothing() public {
        bytes memory refusal = abi.encodeWithSelector(IRegistry.NotJoined.selector, address(this));
        vm.expectRevert(refusal);
        registry.announce(0, "");
        vm.expectRevert(refusal);
        registry.addStake(1);
        vm.expectRevert(refusal);
        registry.leave();
        vm.expectRevert(refusal);
        registry.withdraw();
        vm.expectRevert(refusal);
        registry.indexOf(address(this));
    }

    function test_announce_changesWhereOnly() public {
        vm.prank(vm.addr(keys[0]));
        registry.announce(keccak256("peer"), "127.0.0.1:2");
        IRegistry.Node memory node = registry.node(0);
        vm.assertEq(node.peer, keccak256("peer"));
        vm.assertEq(node.endpoint, "127.0.0.1:2");
        vm.assertEq(node.payee, payeeOf(keys[0]));
    }

    function test_leaveAndWithdraw_payThePayee() public {
        address key = vm.addr(keys[0]);
        vm.prank(key);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYetUnbonded.selector, 0));
        registry.withdraw();

        vm.prank(key);
        registry.leave();
        vm.assertFalse(registry.isActive(0));
        uint64 until = uint64(block.number) + UNBOND;
        vm.prank(key);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.AlreadyLeaving.selector, 0));
        registry.leave();
        vm.prank(key);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.AlreadyLeaving.selector, 0));
        registry.addStake(1);

        vm.roll(until - 1);
        vm.prank(key);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotYetUnbonded.selector, until));
        registry.withdraw();
        vm.roll(until);
        vm.prank(key);
        registry.withdraw();
        vm.assertEq(token.balanceOf(payeeOf(keys[0])), STAKE);
        vm.assertEq(token.balanceOf(address(registry)), STAKE);
        vm.prank(key);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NotJoined.selector, key));
        registry.withdraw();
    }

    function test_rejoin_getsAnotherIndex() public {
        address key = vm.addr(keys[0]);
        vm.prank(key);
        registry.leave();
        token.transfer(key, STAKE);
        vm.prank(key);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.AlreadyJoined.selector, key));
        registry.join(address(1), 0, "", STAKE);

        mine(UNBOND);
        vm.prank(key);
        registry.withdraw();
        vm.prank(key);
        vm.assertEq(registry.join(address(1), 0, "", STAKE), 2);
        vm.assertEq(registry.node(0).payee, payeeOf(keys[0]));
    }

    function test_addStake() public {
        vm.prank(vm.addr(keys[0]));
        registry.addStake(3e18);
        vm.assertEq(registry.stakeOf(0), STAKE + 3e18);
    }

    function test_penalise_onlyRounds() public {
        vm.expectRevert(IRegistry.OnlyRounds.selector);
        registry.penalise(0, 1);
    }

    function test_fuzz_penalise_burnsWhatIsThere(uint256 amount) public {
        amount = bound(amount, 0, 2 * STAKE);
        uint256 expected = amount < STAKE ? amount : STAKE;
        uint256 supply = token.totalSupply();
        vm.prank(address(rounds));
        registry.penalise(0, amount);
        vm.assertEq(registry.stakeOf(0), STAKE - expected);
        vm.assertEq(token.totalSupply(), supply - expected);
        vm.assertEq(token.balanceOf(address(registry)), 2 * STAKE - expected);
        vm.assertTrue(registry.isActive(0) == (STAKE - expected >= STAKE / 10));
    }
}
