// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Arithmetic} from "../src/Arithmetic.sol";
import {Base} from "./support/Base.sol";

/// @notice The contract as such; what it computes is in lib/Scalar.t.sol and lib/ScalarVectors.t.sol.
contract ArithmeticTest is Base {
    function deploy() external returns (Arithmetic) {
        return new Arithmetic();
    }

    /// @notice Where the EVM lacks CLZ the deployment fails, not a dispute after it.
    function test_constructor_needsClz() public {
        vm.setEvmVersion("prague");
        (bool deployed,) = address(this).call{gas: 10_000_000}(abi.encodeCall(this.deploy, ()));
        vm.setEvmVersion("osaka");
        vm.assertFalse(deployed);
        (deployed,) = address(this).call{gas: 10_000_000}(abi.encodeCall(this.deploy, ()));
        vm.assertTrue(deployed);
    }
}
