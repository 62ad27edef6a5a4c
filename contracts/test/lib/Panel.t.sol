// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Panel} from "../../src/lib/Panel.sol";
import {Base} from "../support/Base.sol";

contract PanelTest is Base {
    /// @notice As many are not above the median as rank asks, and it is one of them.
    function test_fuzz_median(uint256[9] memory raw, uint256 count) public pure {
        count = bound(count, 1, 9);
        uint256[] memory values = new uint256[](9);
        for (uint256 i = 0; i < 9; ++i) {
            values[i] = raw[i] % 5 == 0 ? raw[i] : raw[i] % 4;
        }
        uint256 place = Panel.median(values, count);
        vm.assertTrue(place < count);
        uint256 below = 0;
        uint256 above = 0;
        for (uint256 i = 0; i < count; ++i) {
            if (values[i] < values[place]) ++below;
            if (values[i] > values[place]) ++above;
        }
        vm.assertTrue(below <= count / 2 && above <= (count - 1) / 2);
    }

    /// @notice A share of the way is never more than a step, and the whole way where a step is enough.
    function test_fuzz_share(uint128 from, uint128 to, uint256 up, uint256 down) public pure {
        up = bound(up, 0, 1e20);
        down = bound(down, 0, 1e18 - 1);
        uint256 share = Panel.share(from, to, up, down);
        uint256 reached = Panel.along(from, to, share);
        vm.assertTrue(share <= 1e18);
        uint256 high = uint256(from) * (1e18 + up) / 1e18;
        uint256 low = uint256(from) - uint256(from) * down / 1e18;
        vm.assertTrue(reached <= high && reached >= low);
        if (to <= high && to >= low) vm.assertEq(reached, to);
    }
}
