// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @notice Floats of either width as exact integers, and what rounding to nearest means for them.
/// @dev Deliberately slow and obvious, and without a line of the libraries it judges.
library Exact {
    /// @notice A float format: bits of the fraction, bits of the exponent.
    struct Format {
        uint256 fraction;
        uint256 exponent;
    }

    function single() internal pure returns (Format memory) {
        return Format(23, 8);
    }

    function double() internal pure returns (Format memory) {
        return Format(52, 11);
    }

    /// @notice Returns a finite float with the exponent field `field`, its other bits from `random`;
    ///         half of the time few of them are set, so that ties and cancellations occur.
    function make(Format memory f, uint256 random, uint256 field) internal pure returns (uint64) {
        uint256 fraction = (random >> 2) % (1 << f.fraction);
        if (random & 1 == 0) fraction &= ~((uint256(1) << (f.fraction - 3)) - 8);
        return
            uint64(
                ((random >> 1) & 1) << (f.fraction + f.exponent) | field << f.fraction | fraction
            );
    }

    /// @notice Returns the float's value times `2^scale`; the caller sees to it that it is whole.
    function valueOf(Format memory f, uint64 bits, uint256 scale) internal pure returns (int256) {
        uint256 field = (bits >> f.fraction) % (1 << f.exponent);
        uint256 mantissa = bits % (1 << f.fraction);
        if (field == 0 && mantissa == 0) return 0;
        if (field == 0) field = 1;
        else mantissa += 1 << f.fraction;
        // The last place of the mantissa is worth 2^(field - bias - fraction).
        uint256 places = scale + field - ((1 << (f.exponent - 1)) - 1) - f.fraction;
        int256 value = int256(mantissa << places);
        return bits >> (f.fraction + f.exponent) == 1 ? -value : value;
    }

    /// @notice Returns whether the finite `bits` are nearest to `exact / 2^scale`, ties to even: no
    ///         neighbour is nearer, and one as near would be odd.
    function isNearest(Format memory f, uint64 bits, int256 exact, uint256 scale)
        internal
        pure
        returns (bool)
    {
        uint256 sign = uint256(1) << (f.fraction + f.exponent);
        uint256 error = distance(exact, valueOf(f, bits, scale));
        if (error == 0) return true;
        bool zero = bits % sign == 0;
        uint64 under = zero ? uint64(sign ^ bits | 1) : bits - 1; // with the other sign below a zero
        uint256 above = distance(exact, valueOf(f, bits + 1, scale));
        uint256 below = distance(exact, valueOf(f, under, scale));
        bool even = bits % 2 == 0;
        return even ? error <= above && error <= below : error < above && error < below;
    }

    function distance(int256 x, int256 y) internal pure returns (uint256) {
        return uint256(x > y ? x - y : y - x);
    }
}
