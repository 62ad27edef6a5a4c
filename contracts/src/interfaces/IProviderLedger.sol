// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IAuthority} from "./IPanelGate.sol";

/// @title How providers' margins did, against the feed's prices
/// @notice One prediction of a provider on a market runs at a time: anybody notes the newest report before its
///         outcome is known, in whose place a newer one can be noted until the next slot begins, and anybody
///         scores it when the feed has the price at the end of the horizon. So no report is chosen after the
///         fact, and no two outcomes overlap. A miss is a move, either way, above the report's upper bound, or
///         a conviction of its claim.
/// @dev When a prediction begins is whoever notes it first: a provider that leaves its reports for others to
///      note lets them wait for a bad hour, so it notes each of its reports itself.
///      Deliberately absent: an owner, stakes, and any say of the provider.
interface IProviderLedger is IAuthority {
    /// @param horizonSlots slots of the feed that a margin is meant to last
    /// @param missRate how often, at most, a move is said to exceed the upper bound: WAD, at most 0.1
    struct Terms {
        uint64 horizonSlots;
        uint256 missRate;
    }

    /// @param outcomes that were scored
    /// @param misses of them, convictions counted
    /// @param bounds sum of upper bounds, WAD: what was asked of traders
    /// @param widths sum of upper less lower bounds, WAD
    /// @param scores sum of interval scores, WAD: the bound, and what the move exceeded it by over the rate
    /// @param lost whether it misses more often than it said; back when the same test says otherwise
    struct Record {
        uint64 outcomes;
        uint64 misses;
        uint256 bounds;
        uint256 widths;
        uint256 scores;
        bool lost;
    }

    /// @param begins slot whose price the move is from
    event Noted(
        address indexed provider,
        bytes32 indexed market,
        uint256 claim,
        uint256 upper,
        uint64 begins
    );
    /// @param move as a fraction, WAD
    event Scored(
        address indexed provider, bytes32 indexed market, uint256 claim, uint256 move, bool miss
    );
    /// @notice The claim behind a prediction was convicted, which is a miss.
    event Convicted(address indexed provider, bytes32 indexed market, uint256 claim);
    /// @notice A prediction was dropped: its claim was void, or the feed was stale at an end of the horizon.
    event Dropped(address indexed provider, bytes32 indexed market, uint256 claim);
    event TrustMoved(address indexed provider, bytes32 indexed market, bool lost);

    /// @notice Thrown at deployment; names what cannot be.
    error BadTerms(string field);
    /// @notice Thrown by `note` while a prediction runs whose slot has begun.
    error Running(uint64 begins);
    /// @notice Thrown by `note` when there is no report that holds, or the newest was noted already.
    error NothingToNote();
    /// @notice Thrown by `score` when nothing runs.
    error NothingRuns();
    /// @notice Thrown by `score` before the feed has decided the last slot, or the court the claim.
    error NotDecided();

    /// @notice Notes the provider's newest report on a market, from the next slot on; in place of one that was noted
    ///         in this slot.
    function note(address provider, bytes32 market) external;

    /// @notice Scores what runs.
    function score(address provider, bytes32 market) external;

    /// @notice Returns a provider's record on a market.
    function recordOf(address provider, bytes32 market) external view returns (Record memory);
}
