// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

/// @title What a bidder is paid for an account's positions, and how many of them go
/// @notice The discount on their marks rises with time: out of what the account has, up to its
///         initial margin, in the first phase; then out of the insurance too; then out of what
///         winners are owed. It never exceeds the initial margin of what goes over.
library Auction {
    uint256 private constant WAD = 1e18;
    /// @dev Longest time between two showings that counts.
    uint64 private constant PATIENCE = 2 minutes;

    /// @notice Time in which an account was shown to be under maintenance margin. What lies between
    ///         two showings counts up to two minutes, so an auction nobody looks at does not run,
    ///         and an account that recovered in between cannot begin again where it stopped.
    /// @param shown chain time of the last showing, 0 where no auction runs
    /// @param passed seconds
    struct Clock {
        uint64 shown;
        uint64 passed;
    }

    /// @param equity of the account
    /// @param secured what of it counts towards the initial margin
    /// @param initial margin of the account
    /// @param sized part of it that falls with the square of the size
    /// @param insurance there is
    /// @param length seconds of a phase
    struct Lot {
        int256 equity;
        int256 secured;
        uint256 initial;
        uint256 sized;
        uint256 insurance;
        uint256 length;
    }

    /// @notice Shows an account under maintenance margin at `time`.
    function show(Clock memory clock, uint64 time) internal pure {
        uint64 since = clock.shown == 0 ? 0 : time - clock.shown;
        clock.passed += since < PATIENCE ? since : PATIENCE;
        clock.shown = time;
    }

    /// @notice Ends an auction.
    function end(Clock memory clock) internal pure {
        (clock.shown, clock.passed) = (0, 0);
    }

    /// @notice Returns the discount on the whole account after `passed` seconds.
    function discount(Lot memory lot, uint256 passed) internal pure returns (uint256 paid) {
        uint256 own = lot.equity > 0 ? uint256(lot.equity) : 0;
        uint256 debt = lot.equity < 0 ? uint256(-lot.equity) : 0;
        uint256 insured = lot.insurance > debt ? lot.insurance - debt : 0;
        paid = Math.min(own, _part(lot, passed));
        if (passed > lot.length) paid += Math.min(insured, _part(lot, passed - lot.length));
        if (passed > 2 * lot.length) paid += _part(lot, passed - 2 * lot.length);
        paid = Math.min(paid, lot.initial);
    }

    /// @notice Returns the share of the positions that has to go for the rest to have its initial
    ///         margin, WAD.
    /// @dev With cost c of all, a rest y has e - c (1 - y) and is asked (i - s) y + s y^2. Both are
    ///      equal at y = 2 (e - c) / (r + sqrt(r^2 + 4 s (e - c))), where r = i - s - c.
    /// @param cost discount and penalty on the whole account
    function share(Lot memory lot, uint256 cost) internal pure returns (uint256) {
        if (lot.secured <= int256(cost)) return WAD;
        uint256 own = uint256(lot.secured); // above cost
        if (own >= lot.initial) return 0;
        if (lot.sized == 0 || lot.initial > type(uint120).max) {
            return Math.mulDiv(lot.initial - own, WAD, lot.initial - cost, Math.Rounding.Ceil);
        }
        own -= cost;
        int256 rest = int256(lot.initial - lot.sized) - int256(cost);
        uint256 square = uint256(rest * rest) + 4 * lot.sized * own;
        uint256 most = SignedMath.abs(rest) + 2 * Math.max(lot.sized, own);
        uint256 sum = uint256(rest + int256(_root(square, most)));
        return WAD - Math.mulDiv(2 * own, WAD, sum);
    }

    /// @dev Returns the root of a square that is not 0, rounded up: Newton's steps from a number
    ///      that is not below it.
    function _root(uint256 square, uint256 from) private pure returns (uint256 root) {
        uint256 next = from;
        do {
            root = next;
            next = (root + (square - 1) / root) / 2;
        } while (next < root);
        ++root;
    }

    /// @notice Returns how many of a leg's lots go: at least the least leg, and all if less would
    ///         stay.
    function slice(uint256 lots, uint256 share_, uint256 least)
        internal
        pure
        returns (uint256 part)
    {
        part = Math.max(Math.mulDiv(lots, share_, WAD, Math.Rounding.Ceil), least);
        if (part + least > lots) part = lots;
    }

    function _part(Lot memory lot, uint256 passed) private pure returns (uint256) {
        return Math.mulDiv(lot.initial, Math.min(passed, lot.length), lot.length);
    }
}
