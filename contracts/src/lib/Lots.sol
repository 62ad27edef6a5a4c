// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Lots in proportion to weights that change
/// @notice A tree of partial sums (Fenwick, "A new data structure for cumulative frequency tables",
///         1994): a change and a draw each read as many words as the number of weights has bits.
/// @dev Place p of the tree, counted from 1, holds the sum of the `p & -p` weights that end at it.
///      Deliberately absent: the weights themselves, which whoever calls knows.
library Lots {
    /// @dev Place p stands at index p - 1.
    struct Weights {
        uint256[] sums;
    }

    /// @notice Adds a weight after the last.
    function push(Weights storage self, uint256 weight) internal {
        uint256 place = self.sums.length + 1;
        uint256 first = place - _span(place);
        uint256 sum = weight;
        for (uint256 below = place - 1; below > first; below -= _span(below)) {
            sum += self.sums[below - 1];
        }
        self.sums.push(sum);
    }

    /// @notice Replaces the weight of `index`, which was `before`.
    function change(Weights storage self, uint256 index, uint256 before, uint256 weight) internal {
        if (weight == before) return;
        uint256 count = self.sums.length;
        for (uint256 place = index + 1; place <= count; place += _span(place)) {
            self.sums[place - 1] = self.sums[place - 1] + weight - before;
        }
    }

    /// @notice Returns the sum of the first `count` weights.
    function sumOf(Weights storage self, uint256 count) internal view returns (uint256 sum) {
        for (uint256 place = count; place > 0; place -= _span(place)) {
            sum += self.sums[place - 1];
        }
    }

    /// @notice Returns the index whose stretch holds `position`, the weights laid end to end in
    ///         ascending order; `position` is below the sum of all.
    function at(Weights storage self, uint256 position) internal view returns (uint256 index) {
        uint256 count = self.sums.length;
        uint256 step = 1;
        while (2 * step <= count) step *= 2;
        for (; step > 0; step /= 2) {
            uint256 place = index + step;
            if (place > count) continue;
            uint256 sum = self.sums[place - 1];
            if (sum > position) continue;
            position -= sum;
            index = place;
        }
    }

    /// @notice Draws one of the first `count` weights from each of `lots` equal parts of their sum,
    ///         independently. So each is drawn `lots` × its share times in the mean, at least the
    ///         whole part of that less one and at most two more; and however a share is split among
    ///         several, they are together drawn more than k times, k not below that mean, no more
    ///         often than in independent draws from the whole (Hoeffding, "On the distribution of
    ///         the number of successes in independent trials", 1956, Theorem 4).
    /// @param seed draw i uses `keccak256(abi.encode(seed, i))`
    /// @return drawn indices, ascending; empty when the weights are all zero
    function draw(Weights storage self, bytes32 seed, uint256 lots, uint256 count)
        internal
        view
        returns (uint32[] memory drawn)
    {
        uint256 total = sumOf(self, count);
        if (total == 0) return drawn;
        drawn = new uint32[](lots);
        for (uint256 i = 0; i < lots; ++i) {
            uint256 within = uint256(keccak256(abi.encode(seed, i))) % total;
            drawn[i] = uint32(at(self, (i * total + within) / lots));
        }
    }

    function _span(uint256 place) private pure returns (uint256) {
        return place & (~place + 1);
    }
}
