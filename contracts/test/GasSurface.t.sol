// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {SurfaceDesk} from "./support/SurfaceDesk.sol";

/// @notice Gas of a surface of three slices, in snapshots/Surface.json.
contract GasSurfaceTest is SurfaceDesk {
    function setUp() public {
        deploySurfaces();
    }

    /// forge-config: default.isolate = true
    function test_gas_surface() public {
        vm.prank(vm.addr(PROVIDER_KEY));
        uint256 number = surfaces.post(MARKET, known);
        vm.snapshotGasLastCall("Surface", "post, three slices");
        mine(WINDOW + 1);
        surfaces.settle(number);
        vm.snapshotGasLastCall("Surface", "settle, three slices");
        surfaces.certified(MARKET, FIRST);
        vm.snapshotGasLastCall("Surface", "certified");
        surfaces.variance(MARKET, FIRST, 0);
        vm.snapshotGasLastCall("Surface", "variance");
    }
}
