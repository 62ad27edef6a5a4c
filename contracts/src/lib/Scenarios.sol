// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Scenario arrays as integers, and the portfolio margin of their sums
/// @notice Dollars a unit are counted in ticks of 10^-12, units in lots of 10^-6, so a product is
///         wei and nothing that is added up is rounded. An f64 of an array becomes ticks once,
///         exactly floored; where that left something out, a short position takes one tick more:
///         both sides are rounded against.
/// @dev The crate `market`, module `scenario::ledger`, computes the same integers;
///      vectors/margin_v1.json. Deliberately absent: offsets between markets.
library Scenarios {
    /// @notice Scenarios of a grid.
    uint256 internal constant COUNT = 24;
    /// @notice Elements of a row: the scenarios, seven marks, the delta.
    uint256 internal constant WIDTH = 32;
    /// @notice Ticks of a dollar.
    uint256 internal constant TICKS = 1e12;
    /// @notice Wei of a tick.
    uint256 internal constant TICK = 1e6;
    uint256 private constant DELTA = 31;
    /// @dev Marks are at -1, -2/3, … 1 band from the grid's price.
    int256 private constant SIDE = 3;
    uint256 private constant MILLION = 1e6;
    uint256 private constant WORDS = 8;
    /// @dev Doubles below 2^75 are fewer than 2^115 ticks.
    uint256 private constant EXPONENT_MAX = 1023 + 75;

    /// @notice Thrown for an element that is no number, or 2^75 and more.
    error NotANumber(uint64 bits);

    /// @notice One instrument, as a grid has it.
    /// @param kind as the book numbers them
    /// @param expiry chain time from which it settles, 0 for never
    /// @param settled whether `mark` is what it settled at
    /// @param mark of a unit at the index, ticks
    /// @param delta of a unit, millionths of millionths, rounded away from zero
    /// @param inexact bit i: `gains[i]` was rounded
    /// @param gains weighted change of a unit's value in each scenario, ticks, rounded down
    struct Sheet {
        uint32 instrument;
        uint8 market;
        uint8 kind;
        uint64 expiry;
        bool settled;
        int256 mark;
        int256 delta;
        uint256 inexact;
        int256[24] gains;
    }

    /// @notice What an account's legs in one market add up to.
    /// @param gains wei in each scenario
    /// @param delta of all, units WAD
    /// @param deltas sum of the sizes of each leg's
    /// @param short lots of options sold
    /// @param gross lots of all legs, whatever their side
    struct Sum {
        int256[24] gains;
        int256 delta;
        uint256 deltas;
        uint256 short;
        uint256 gross;
    }

    /// @notice What is charged besides the worst scenario; millionths.
    /// @param net of the index for each unit of net delta, at least
    /// @param hedged of the index for each unit of hedged delta, at least
    /// @param short of the index for each option sold, in any case
    /// @param maintenance of the initial margin
    struct Charges {
        uint32 net;
        uint32 hedged;
        uint32 short;
        uint32 maintenance;
    }

    /// @notice Writes a row's scenarios, mark and delta into `sheet`.
    /// @param chunk 256 bytes
    /// @param move how far the index is from the grid's price, ticks
    /// @param step a third of the band of the grid's price, ticks; positive
    function open(Sheet memory sheet, bytes calldata chunk, int256 move, int256 step)
        internal
        pure
    {
        int256[32] memory all;
        uint256 inexact = 0;
        for (uint256 w = 0; w < WORDS; ++w) {
            uint256 word = _swapped(uint256(bytes32(chunk[32 * w:32 * w + 32])));
            for (uint256 i = 0; i < 4; ++i) {
                bool rest;
                uint256 at = 4 * w + i;
                (all[at], rest) = ticksOf(uint64(word >> (192 - 64 * i)));
                if (rest) inexact |= 1 << at;
            }
        }
        for (uint256 i = 0; i < COUNT; ++i) {
            sheet.gains[i] = all[i];
        }
        sheet.inexact = inexact;
        bool away = all[DELTA] >= 0 && inexact >> DELTA & 1 == 1;
        sheet.delta = away ? all[DELTA] + 1 : all[DELTA];
        sheet.mark = _between(all, move, step);
    }

    /// @dev A straight line between the two marks around the index, or through the last two;
    ///      floored, and not below zero. Between them it is above an option's value, beyond them
    ///      below.
    function _between(int256[32] memory all, int256 move, int256 step)
        private
        pure
        returns (int256 mark)
    {
        int256 place = _floorDiv(move, step);
        if (place < -SIDE) place = -SIDE;
        if (place > SIDE - 1) place = SIDE - 1;
        uint256 at = COUNT + uint256(place + SIDE);
        mark = all[at] + _floorDiv((all[at + 1] - all[at]) * (move - place * step), step);
        if (mark < 0) mark = 0;
    }

    /// @notice Adds a leg.
    /// @param lots of it, negative when short
    function add(Sum memory sum, Sheet memory sheet, int256 lots) internal pure {
        int256[24] memory to = sum.gains;
        int256[24] memory from = sheet.gains;
        // Lots are below 2^63, ticks below 2^115: nothing overflows.
        unchecked {
            uint256 extra = lots < 0 ? sheet.inexact : 0;
            for (uint256 i = 0; i < COUNT; ++i) {
                to[i] += lots * (from[i] + int256(extra >> i & 1));
            }
            int256 delta = lots * sheet.delta;
            sum.delta += delta;
            sum.deltas += uint256(delta < 0 ? -delta : delta);
            uint256 size = uint256(lots < 0 ? -lots : lots);
            sum.gross += size;
            if (lots < 0 && sheet.kind < 2) sum.short += size;
        }
    }

    /// @notice Returns the initial margin of a sum, wei.
    /// @param index of the market, ticks
    function initial(Sum memory sum, Charges memory charges, uint256 index)
        internal
        pure
        returns (uint256 margin)
    {
        margin = least(sum, charges, index);
        for (uint256 i = 0; i < COUNT; ++i) {
            int256 loss = -sum.gains[i];
            if (loss > 0 && uint256(loss) > margin) margin = uint256(loss);
        }
        margin += _ceilDiv(sum.short * charges.short * index, MILLION);
    }

    /// @notice Returns what is asked at least, by delta, wei.
    function least(Sum memory sum, Charges memory charges, uint256 index)
        internal
        pure
        returns (uint256)
    {
        uint256 net = uint256(sum.delta < 0 ? -sum.delta : sum.delta);
        uint256 twice = 2 * net * charges.net + (sum.deltas - net) * charges.hedged;
        return _ceilDiv(_ceilDiv(twice, 2e12) * index, MILLION);
    }

    /// @notice Returns the maintenance margin of an initial margin.
    function maintenance(uint256 margin, Charges memory charges) internal pure returns (uint256) {
        return _ceilDiv(margin * charges.maintenance, MILLION);
    }

    /// @notice Returns the largest number of ticks that is not above a double, and whether it is
    ///         below it.
    function ticksOf(uint64 bits) internal pure returns (int256 ticks, bool rest) {
        // The product has 93 bits, and is shifted left by at most 23.
        unchecked {
            uint256 exponent = (bits >> 52) & 0x7ff;
            require(exponent < EXPONENT_MAX, NotANumber(bits));
            uint256 product = bits & 0xfffffffffffff;
            if (exponent == 0) exponent = 1;
            else product |= 1 << 52;
            product *= TICKS;
            uint256 whole;
            if (exponent >= 1075) {
                whole = product << (exponent - 1075);
            } else {
                whole = product >> (1075 - exponent);
                rest = whole << (1075 - exponent) != product;
            }
            ticks = int256(whole);
            if (bits >> 63 == 1) ticks = rest ? -ticks - 1 : -ticks;
        }
    }

    /// @dev Reverses the bytes of each of the four doubles in a word.
    function _swapped(uint256 word) private pure returns (uint256) {
        uint256 mask = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
        word = ((word & mask) << 8) | ((word >> 8) & mask);
        mask = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
        word = ((word & mask) << 16) | ((word >> 16) & mask);
        mask = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
        return ((word & mask) << 32) | ((word >> 32) & mask);
    }

    function _floorDiv(int256 a, int256 b) private pure returns (int256 quotient) {
        quotient = a / b;
        if (a % b != 0 && (a < 0) != (b < 0)) --quotient;
    }

    function _ceilDiv(uint256 a, uint256 b) private pure returns (uint256) {
        return a == 0 ? 0 : (a - 1) / b + 1;
    }
}
