// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Prices by slot, and medians of them
/// @notice Only slots with a price are kept, with the sum of all up to each, so that a mean over any number of
///         them is two readings.
library Slots {
    struct Good {
        uint64 slot;
        uint192 sum;
    }

    struct Series {
        Good[] goods;
    }

    /// @notice Appends a price; slots rise.
    function push(Series storage series, uint64 slot, uint256 price) internal {
        uint256 before = sum(series, 0, series.goods.length);
        series.goods.push(Good({slot: slot, sum: uint192(before + price)}));
    }

    /// @notice Returns how many slots have a price.
    function count(Series storage series) internal view returns (uint256) {
        return series.goods.length;
    }

    /// @notice Returns how many of them are before `slot`.
    function countBefore(Series storage series, uint64 slot) internal view returns (uint256 low) {
        uint256 high = series.goods.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (series.goods[middle].slot < slot) low = middle + 1;
            else high = middle;
        }
    }

    /// @notice Returns the sum of the prices from the `first`th on, up to the `end`th, which is not included.
    function sum(Series storage series, uint256 first, uint256 end)
        internal
        view
        returns (uint256 total)
    {
        if (end > 0) total = series.goods[end - 1].sum;
        if (first > 0) total -= series.goods[first - 1].sum;
    }

    /// @notice Returns a slot's price, 0 where it has none.
    function at(Series storage series, uint64 slot) internal view returns (uint256) {
        uint256 index = countBefore(series, slot);
        bool there = index < series.goods.length && series.goods[index].slot == slot;
        return there ? sum(series, index, index + 1) : 0;
    }

    /// @notice Returns the last price and its slot, zeros before the first.
    function last(Series storage series) internal view returns (uint256 price, uint64 slot) {
        uint256 end = series.goods.length;
        if (end == 0) return (0, 0);
        return (sum(series, end - 1, end), series.goods[end - 1].slot);
    }

    /// @notice Returns the least of the first `length` values up to which lies at least half the weight.
    function weightedMedian(uint256[] memory values, uint256[] memory weights, uint256 length)
        internal
        pure
        returns (uint256 median)
    {
        uint256 whole = 0;
        for (uint256 i = 0; i < length; ++i) {
            whole += weights[i];
        }
        median = type(uint256).max;
        for (uint256 i = 0; i < length; ++i) {
            uint256 value = values[i];
            if (value >= median) continue;
            uint256 upTo = 0;
            for (uint256 j = 0; j < length; ++j) {
                if (values[j] <= value) upTo += weights[j];
            }
            if (2 * upTo >= whole) median = value;
        }
    }
}
