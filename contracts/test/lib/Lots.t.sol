// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Lots} from "../../src/lib/Lots.sol";
import {Base} from "../support/Base.sol";

/// @notice The tree of sums beside sums taken one by one.
contract LotsTest is Base {
    using Lots for Lots.Weights;

    Lots.Weights internal tree;
    uint256[] internal weights;

    function push(uint256 weight) internal {
        tree.push(weight);
        weights.push(weight);
    }

    function sumOf(uint256 count) internal view returns (uint256 sum) {
        for (uint256 i = 0; i < count; ++i) {
            sum += weights[i];
        }
    }

    /// @notice Fills the tree and changes some of its weights; some are zero.
    function fill(uint256 seed, uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            push(random % 3 == 0 ? 0 : random >> 160);
            if (random % 2 == 0) continue;
            uint256 index = (random >> 8) % (i + 1);
            uint256 weight = (random >> 16) % 5 == 0 ? 0 : random >> 170;
            tree.change(index, weights[index], weight);
            weights[index] = weight;
        }
    }

    function test_fuzz_sums(uint256 seed, uint8 size) public {
        uint256 count = 1 + uint256(size) % 70;
        fill(seed, count);
        for (uint256 i = 0; i <= count; ++i) {
            vm.assertEq(tree.sumOf(i), sumOf(i));
        }
    }

    /// @notice The index at a position is the one whose stretch holds it.
    function test_fuzz_at(uint256 seed, uint8 size, uint256 position) public {
        uint256 count = 1 + uint256(size) % 70;
        fill(seed, count);
        uint256 total = sumOf(count);
        if (total == 0) return;
        position %= total;
        uint256 index = tree.at(position);
        vm.assertTrue(sumOf(index) <= position && position < sumOf(index + 1));
    }

    /// @notice Each part of the whole gives one, and nobody beyond the first `places` or without a
    ///         weight is drawn.
    function test_fuzz_draw(uint256 seed, uint8 size, uint8 places, uint8 many) public {
        uint256 count = 1 + uint256(size) % 70;
        fill(seed, count);
        uint256 first = uint256(places) % (count + 1);
        uint256 lots = 1 + uint256(many) % 32;
        uint32[] memory drawn = tree.draw(bytes32(seed), lots, first);
        uint256 total = sumOf(first);
        vm.assertEq(drawn.length, total == 0 ? 0 : lots);
        for (uint256 i = 0; i < drawn.length; ++i) {
            vm.assertTrue(drawn[i] < first && weights[drawn[i]] != 0);
            vm.assertTrue(sumOf(drawn[i]) <= ((i + 1) * total) / lots);
            vm.assertTrue(sumOf(drawn[i] + 1) > (i * total) / lots);
        }
    }

    /// @notice Draws follow the weights: a quarter of them has a quarter of 4,000 lots, within four
    ///         standard deviations of independent draws.
    function test_draw_inProportion() public {
        push(30);
        push(10);
        uint256 hits = 0;
        for (uint256 i = 0; i < 4000; ++i) {
            if (tree.draw(keccak256(abi.encode(i)), 1, 2)[0] == 1) ++hits;
        }
        vm.assertTrue(hits > 890 && hits < 1110);
    }
}
