// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {F32} from "./F32.sol";

/// @title Floating-point numbers as fixed-point ones of 18 decimals
/// @notice A finite f64 is an integer times a power of two, so its product with 10^18 is known exactly:
///         the 53 bits times 10^18 fit 113 bits, and the power of two is a shift. It is rounded once,
///         the way the name says. An f32 is an f64 first, exactly.
/// @dev Deliberately absent: the way back, and negative numbers.
library Wad {
    uint256 private constant ONE = 1e18;
    uint256 private constant HIDDEN = 2 ** 52;
    uint256 private constant BIAS = 1075;
    uint256 private constant RESULT_MAX = type(uint128).max;
    /// @dev A product of 113 bits shifted by as much fits a word.
    uint256 private constant LEFT_MAX = 142;

    /// @notice Thrown when the double is not a number, infinite, negative, or above 2^128 - 1 in wei.
    error NotAWad(uint64 bits);

    /// @notice Returns the largest whole number of wei that is not above the double `bits`.
    function down(uint64 bits) internal pure returns (uint128 wei_) {
        (wei_,) = _split(bits);
    }

    /// @notice Returns the least whole number of wei that is not below the double `bits`.
    function up(uint64 bits) internal pure returns (uint128) {
        (uint128 whole, bool rest) = _split(bits);
        if (!rest) return whole;
        require(whole < RESULT_MAX, NotAWad(bits));
        return whole + 1;
    }

    /// @notice As `down`, of an f32.
    function downOf32(uint32 bits) internal pure returns (uint128) {
        return down(F32.toF64(bits));
    }

    /// @notice As `up`, of an f32.
    function upOf32(uint32 bits) internal pure returns (uint128) {
        return up(F32.toF64(bits));
    }

    /// @dev Returns the whole wei of a double, and whether there is a rest.
    function _split(uint64 bits) private pure returns (uint128 whole, bool rest) {
        if (bits << 1 == 0) return (0, false); // -0 too
        uint256 exponent = bits >> 52; // with the sign: above 2047 when negative
        require(exponent < 0x7ff, NotAWad(bits));
        uint256 product = bits & (HIDDEN - 1);
        if (exponent == 0) exponent = 1;
        else product |= HIDDEN;
        product *= ONE;
        uint256 result;
        if (exponent >= BIAS) {
            require(exponent - BIAS <= LEFT_MAX, NotAWad(bits));
            result = product << (exponent - BIAS);
        } else {
            uint256 right = BIAS - exponent;
            result = right < 256 ? product >> right : 0;
            rest = right >= 256 || result << right != product;
        }
        require(result <= RESULT_MAX, NotAWad(bits));
        whole = uint128(result);
    }
}
