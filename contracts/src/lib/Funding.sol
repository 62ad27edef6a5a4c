// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title A perpetual's basis, and the funding that follows from it
/// @notice The mark is the index plus the moving average of the basis that trades showed, clamped
///         to a share of the index; longs pay shorts that average every period, continuously. What
///         a unit has paid is one whole number of ticks for both sides, so with as many longs as
///         shorts payments sum to nothing exactly; what its division leaves over is paid by nobody.
/// @dev Time counts only while the price is fresh, and at most `gap` at once: silence costs nobody
///      funding. A basis that no trade shows again fades.
library Funding {
    /// @param clamp of the basis, millionths of the index
    /// @param memory_ seconds of the moving average
    /// @param period seconds in which the basis is paid once
    /// @param gap seconds that count at once, at most
    struct Rules {
        uint32 clamp;
        uint32 memory_;
        uint32 period;
        uint32 gap;
    }

    /// @param basis moving average, ticks
    /// @param last basis that a trade showed
    /// @param paid by a long unit since the listing, ticks
    /// @param time up to which it is counted
    struct Swap {
        int128 basis;
        int128 last;
        int128 paid;
        uint64 time;
    }

    /// @notice Counts the time up to `until`.
    /// @param index ticks
    function pass(Swap memory swap, Rules memory rules, uint256 index, uint64 until) internal pure {
        if (swap.time == 0) swap.time = until;
        if (until <= swap.time) return;
        uint256 passed = until - swap.time;
        if (passed > rules.gap) passed = rules.gap;
        swap.time = until;
        swap.paid += int128(
            (premium(swap, rules, index) * int256(passed)) / int256(uint256(rules.period))
        );
        int256 memory_ = int256(uint256(rules.memory_));
        int256 part = int256(passed);
        if (part > memory_) part = memory_;
        swap.basis += int128(((int256(swap.last) - swap.basis) * part) / memory_);
        swap.last -= int128((int256(swap.last) * part) / memory_);
    }

    /// @notice Keeps the basis of a trade.
    /// @param price of a unit, ticks
    function show(Swap memory swap, Rules memory rules, int256 price, uint256 index) internal pure {
        swap.last = int128(_held(price - int256(index), rules, index));
    }

    /// @notice Returns the moving average within its clamp, ticks.
    function premium(Swap memory swap, Rules memory rules, uint256 index)
        internal
        pure
        returns (int256)
    {
        return _held(swap.basis, rules, index);
    }

    function _held(int256 basis, Rules memory rules, uint256 index) private pure returns (int256) {
        int256 most = int256((index * rules.clamp) / 1e6);
        if (basis > most) return most;
        return basis < -most ? -most : basis;
    }
}
