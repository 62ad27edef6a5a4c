// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title An account's positions, at most one an instrument
/// @notice In ascending order of instruments, so that they are walked along with the sheets.
library Legs {
    /// @notice Most legs of an account.
    uint256 internal constant MAX = 32;
    /// @dev A sum of all lots fits a word of 64 bits.
    uint256 private constant LOTS_MAX = 2 ** 60;

    /// @param lots of it, negative when short
    /// @param base value of a unit that was counted last, ticks
    struct Leg {
        uint32 instrument;
        int64 lots;
        int128 base;
    }

    /// @param legs of which the first `count` are there
    struct List {
        Leg[] legs;
        uint256 count;
    }

    /// @notice Thrown for more legs than an account may have.
    error TooManyLegs(uint256 maximum);
    /// @notice Thrown for a leg smaller than the least, or too large.
    error BadLeg(uint32 instrument, int256 lots);

    /// @notice Reads legs, with room for `more`.
    function load(Leg[] storage stored, uint256 more) internal view returns (List memory list) {
        uint256 count = stored.length;
        list.legs = new Leg[](count + more);
        list.count = count;
        for (uint256 i = 0; i < count; ++i) {
            list.legs[i] = stored[i];
        }
    }

    /// @notice Writes legs back.
    function store(Leg[] storage stored, List memory list) internal {
        uint256 before = stored.length;
        for (uint256 i = 0; i < list.count; ++i) {
            if (i < before) stored[i] = list.legs[i];
            else stored.push(list.legs[i]);
        }
        for (uint256 i = list.count; i < before; ++i) {
            stored.pop();
        }
    }

    /// @notice Adds lots to a leg, whose value is counted up to `base`.
    /// @param least lots of a leg that stays
    /// @return shrinks whether the leg is on its side or gone, and smaller
    /// @return longer change of the lots held long
    function change(List memory list, uint32 instrument, int256 lots, int256 base, uint256 least)
        internal
        pure
        returns (bool shrinks, int256 longer)
    {
        uint256 at = 0;
        while (at < list.count && list.legs[at].instrument < instrument) ++at;
        bool there = at < list.count && list.legs[at].instrument == instrument;
        int256 before = there ? int256(list.legs[at].lots) : int256(0);
        int256 after_ = before + lots;
        uint256 size = uint256(after_ < 0 ? -after_ : after_);
        bool fits = after_ == 0 || (size >= least && size <= LOTS_MAX);
        require(fits, BadLeg(instrument, after_));
        if (after_ == 0) {
            if (there) remove(list, at);
        } else {
            if (!there) _insert(list, at);
            list.legs[at] = Leg(instrument, int64(after_), int128(base));
        }
        shrinks = before > 0 ? after_ >= 0 && after_ < before : after_ <= 0 && after_ > before;
        longer = (after_ > 0 ? after_ : int256(0)) - (before > 0 ? before : int256(0));
    }

    /// @notice Removes the leg at a place.
    function remove(List memory list, uint256 at) internal pure {
        --list.count;
        for (uint256 i = at; i < list.count; ++i) {
            list.legs[i] = list.legs[i + 1];
        }
    }

    function _insert(List memory list, uint256 at) private pure {
        require(list.count < MAX, TooManyLegs(MAX));
        for (uint256 i = list.count; i > at; --i) {
            list.legs[i] = list.legs[i - 1];
        }
        ++list.count;
    }
}
