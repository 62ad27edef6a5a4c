// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Lender} from "../../examples/Lender.sol";
import {IRiskOracle} from "../../src/interfaces/IRiskOracle.sol";
import {Reports} from "../../src/lib/Reports.sol";
import {Desk} from "../support/Desk.sol";

/// @notice A lender on another chain than the oracle.
contract LenderTest is Desk {
    Lender internal lender;
    bytes32 internal program;
    bytes32 internal inputsRoot;
    uint256 internal home;

    function setUp() public {
        deployDesk();
        home = block.chainid;
        lender = new Lender(
            vm.addr(PROVIDER_KEY), MARKET, 0.125e18, Reports.Origin(home, address(oracle))
        );
    }

    /// @notice Signs on the oracle's chain, and moves to another one.
    function away(Draft memory made, uint256 key) internal returns (bytes memory signed) {
        vm.chainId(home);
        IRiskOracle.Ground memory ground = oracle.groundOf(made.basis);
        (program, inputsRoot) = (ground.program, ground.inputsRoot);
        signed = sign(made, key);
        vm.chainId(home + 1);
    }

    function quote(Draft memory made, bytes memory signed) internal returns (uint256) {
        return lender.quote(2e18, made.bundle, program, inputsRoot, made.readings[0], signed);
    }

    function refuse(string memory why, Draft memory made, bytes memory signed) internal {
        vm.expectRevert(abi.encodeWithSelector(Lender.Refused.selector, why));
        this.quoteExternally(made, signed);
    }

    function quoteExternally(Draft memory made, bytes memory signed) external {
        quote(made, signed);
    }

    function test_quote() public {
        Draft memory made = draft(50e18, 0.25e18);
        vm.assertEq(quote(made, away(made, PROVIDER_KEY)), 75e18);
        Draft memory calm = draft(50e18, 0.0625e18);
        vm.assertEq(quote(calm, away(calm, PROVIDER_KEY)), 87.5e18); // its own floor
        refuse("an older report", made, away(made, PROVIDER_KEY));
        made = draft(50e18, 1.5e18);
        vm.assertEq(quote(made, away(made, PROVIDER_KEY)), 0);
    }

    function test_refuses() public {
        Draft memory made = draft(50e18, 0.25e18);
        refuse("signer", made, away(made, 0xBAD));
        bytes memory signed = away(made, PROVIDER_KEY);
        made.bundle.price += 1;
        refuse("signer", made, signed);
        made.bundle.market = keccak256("other");
        refuse("market", made, away(made, PROVIDER_KEY));
        made = draft(50e18, 0.25e18);
        signed = away(made, PROVIDER_KEY);
        inputsRoot = keccak256("otherwise");
        refuse("signer", made, signed);
        signed = away(made, PROVIDER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IRiskOracle.BadSignature.selector));
        this.quoteExternally(made, "short");
        vm.warp(NOW + HOLDS);
        refuse("time", made, signed);
    }

    /// @notice A reading that is not the bundle's is refused.
    function test_refuses_otherReadings() public {
        Draft memory made = draft(50e18, 0.25e18);
        bytes memory signed = away(made, PROVIDER_KEY);
        (made.readings[0], made.readings[1]) = (made.readings[1], made.readings[0]);
        vm.expectPartialRevert(IRiskOracle.OutputsMismatch.selector);
        this.quoteExternally(made, signed);
        made.readings[1].chunk[0] = bytes1(uint8(made.readings[1].chunk[0]) ^ 1);
        made.readings[0] = made.readings[1];
        vm.expectPartialRevert(IRiskOracle.OutputsMismatch.selector);
        this.quoteExternally(made, signed);
    }

    /// @notice The library's digest is the oracle's.
    function test_fuzz_digests(uint256 price, uint64 last, bytes32 ran, bytes32 inputs) public {
        Draft memory made = draft(price, 0.25e18);
        made.bundle.nonce = last;
        vm.assertEq(
            this.digestOf(made.bundle, ran, inputs), oracle.digestOf(made.bundle, ran, inputs)
        );
        IRiskOracle.Price memory alone = priceOf(price);
        vm.assertEq(this.digestOfPrice(alone), oracle.digestOfPrice(alone));
        bytes memory signed = signPrice(alone, PROVIDER_KEY);
        vm.assertEq(this.providerOf(alone, signed), vm.addr(PROVIDER_KEY));
    }

    function origin() internal view returns (Reports.Origin memory) {
        return Reports.Origin(block.chainid, address(oracle));
    }

    function digestOf(IRiskOracle.Bundle calldata bundle, bytes32 ran, bytes32 inputs)
        external
        view
        returns (bytes32)
    {
        return Reports.digest(origin(), Reports.hashOf(bundle, ran, inputs));
    }

    function digestOfPrice(IRiskOracle.Price calldata price) external view returns (bytes32) {
        return Reports.digest(origin(), Reports.hashOf(price));
    }

    function providerOf(IRiskOracle.Price calldata price, bytes calldata signed)
        external
        view
        returns (address)
    {
        return Reports.providerOf(origin(), price, signed);
    }
}
