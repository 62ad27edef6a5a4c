// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AssayToken} from "../src/AssayToken.sol";
import {Base} from "./support/Base.sol";

contract AssayTokenTest is Base {
    uint256 internal constant SUPPLY = 1_000_000e18;
    uint256 internal constant KEY = 0xB0B;
    AssayToken internal token;
    address internal holder = address(0x11);

    function setUp() public {
        token = new AssayToken(holder, SUPPLY);
    }

    function test_supply_isMintedOnce() public view {
        vm.assertEq(token.totalSupply(), SUPPLY);
        vm.assertEq(token.balanceOf(holder), SUPPLY);
    }

    function test_fuzz_burn_isTheOnlyChange(uint256 amount) public {
        amount = bound(amount, 0, SUPPLY);
        vm.prank(holder);
        token.burn(amount);
        vm.assertEq(token.totalSupply(), SUPPLY - amount);
    }

    function test_permit_allowsOnce() public {
        address owner = vm.addr(KEY);
        bytes32 message = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
                ),
                owner,
                address(this),
                7e18,
                token.nonces(owner),
                block.timestamp
            )
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), message));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digest);
        token.permit(owner, address(this), 7e18, block.timestamp, v, r, s);
        vm.assertEq(token.allowance(owner, address(this)), 7e18);
        vm.expectRevert();
        token.permit(owner, address(this), 7e18, block.timestamp, v, r, s);
    }

    function test_votes_followDelegation() public {
        vm.prank(holder);
        token.delegate(address(0x22));
        vm.assertEq(token.getVotes(address(0x22)), SUPPLY);
        vm.prank(holder);
        token.burn(1e18);
        vm.assertEq(token.getVotes(address(0x22)), SUPPLY - 1e18);
    }
}
