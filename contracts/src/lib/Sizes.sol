// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Scenarios} from "./Scenarios.sol";

/// @title What a position is asked for being large
/// @notice Against what the market takes within 2 %: in every margin, since it depends on nothing
///         but the position. Against the market's open interest: of new risk only, since others'
///         trades move it. Both are a share of the index for each unit of the position's size, and
///         the share grows with the size.
/// @dev The crate `market`, module `scenario::ledger`, computes the same integers;
///      vectors/margin_v1.json. Rounded against the account.
library Sizes {
    uint256 private constant MILLION = 1e6;
    /// @dev Twice the deltas of a lot.
    uint256 private constant TWICE = 2e12;

    /// @notice How large one market's positions may be; all but `interest` is fixed.
    /// @param depth lots that the market takes within 2 % of its price, as its house reckons
    /// @param interestMax most open interest, lots
    /// @param interest lots held long, over all instruments
    /// @param thin share of the index asked of a position as large as the depth, millionths; of
    ///        another in proportion to its size, up to all
    /// @param crowd share of the index asked of a position that is all open interest, millionths
    struct Size {
        uint64 depth;
        uint64 interestMax;
        uint64 interest;
        uint32 thin;
        uint32 crowd;
    }

    /// @notice Returns a position's size, lots: its net delta, each hedged pair once, and no less
    ///         than the options it has sold, of which each may become a whole unit.
    function lotsOf(Scenarios.Sum memory sum) internal pure returns (uint256) {
        uint256 net = uint256(sum.delta < 0 ? -sum.delta : sum.delta);
        return Math.max(Math.ceilDiv(net + sum.deltas, TWICE), sum.short);
    }

    /// @notice Returns what a size is asked for the market's depth, wei.
    /// @param index of the market, ticks
    function sized(Size memory size, uint256 lots, uint256 index) internal pure returns (uint256) {
        uint256 share = Math.min(Math.ceilDiv(lots * size.thin, size.depth), MILLION);
        return Math.ceilDiv(lots * index * share, MILLION);
    }

    /// @notice Returns what a size is asked for its share of open interest, wei.
    /// @param gross lots of all the account's legs, never more than open interest
    function crowded(Size memory size, uint256 lots, uint256 gross, uint256 index)
        internal
        pure
        returns (uint256)
    {
        if (gross == 0) return 0;
        uint256 share = Math.ceilDiv(gross * size.crowd, size.interest);
        return Math.ceilDiv(lots * index * share, MILLION);
    }
}
