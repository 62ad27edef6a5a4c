// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ICourt} from "./interfaces/ICourt.sol";
import {IPriceFeed} from "./interfaces/IPriceFeed.sol";
import {IProviderLedger} from "./interfaces/IProviderLedger.sol";
import {IRiskOracle} from "./interfaces/IRiskOracle.sol";
import {Evidence} from "./lib/Evidence.sol";

/// @title Hits, width and trust of every provider
/// @dev A report whose claim is open is noted too, since it binds margins; it is scored when the claim is final,
///      and is a miss when the claim is convicted: otherwise a provider that sees a miss coming would have
///      itself convicted.
contract ProviderLedger is IProviderLedger {
    using Evidence for Evidence.Trial;

    /// @dev A prediction whose outcome is not known.
    struct Prediction {
        uint128 upper;
        uint128 lower;
        uint128 claim;
        uint64 begins;
    }

    uint256 private constant WAD = 1e18;
    uint256 private constant MISS_RATE_MAX = 0.1e18;

    /// @notice Where reports are read.
    IRiskOracle public immutable oracle;
    /// @notice Says whether their claims stand.
    ICourt public immutable court;
    /// @notice Where outcomes are read.
    IPriceFeed public immutable feed;
    /// @notice Slots that a margin is meant to last.
    uint64 public immutable horizonSlots;
    /// @notice How often a move may exceed the upper bound, WAD.
    uint256 public immutable missRate;
    uint256 private immutable SLOT_SECONDS;

    mapping(address provider => mapping(bytes32 market => Prediction)) public running;
    mapping(address provider => mapping(bytes32 market => Record)) private _records;
    mapping(address provider => mapping(bytes32 market => Evidence.Trial)) private _trials;
    mapping(address provider => mapping(bytes32 market => uint64)) private _notedNonce;

    /// @param oracle_ where reports are read
    /// @param feed_ where outcomes are read; it knows markets by the same names
    constructor(IRiskOracle oracle_, IPriceFeed feed_, Terms memory terms) {
        require(terms.horizonSlots > 0, BadTerms("horizonSlots"));
        require(terms.missRate > 0 && terms.missRate <= MISS_RATE_MAX, BadTerms("missRate"));
        oracle = oracle_;
        court = oracle_.court();
        feed = feed_;
        horizonSlots = terms.horizonSlots;
        missRate = terms.missRate;
        SLOT_SECONDS = feed_.terms().slotSeconds;
    }

    /// @inheritdoc IProviderLedger
    function note(address provider, bytes32 market) external {
        Prediction storage runs = running[provider][market];
        uint64 begins = uint64(block.timestamp / SLOT_SECONDS) + 1;
        require(runs.begins == 0 || runs.begins == begins, IProviderLedger.Running(runs.begins));
        IRiskOracle.Report memory report =
            oracle.latest(provider, market, uint8(IRiskOracle.Kind.Margin));
        bool news = block.timestamp < report.expiry && report.nonce > _notedNonce[provider][market];
        require(news, NothingToNote());
        _notedNonce[provider][market] = report.nonce;
        running[provider][market] =
            Prediction(uint128(report.upper), uint128(report.lower), uint128(report.claim), begins);
        emit Noted(provider, market, report.claim, report.upper, begins);
    }

    /// @inheritdoc IProviderLedger
    function score(address provider, bytes32 market) external {
        Prediction memory runs = running[provider][market];
        require(runs.begins > 0, NothingRuns());
        delete running[provider][market];
        ICourt.State state = court.stateOf(runs.claim);
        if (state == ICourt.State.Struck) {
            emit Convicted(provider, market, runs.claim);
            _keep(provider, market, runs, true, 0);
            return;
        }
        if (state == ICourt.State.Void) {
            emit Dropped(provider, market, runs.claim);
            return;
        }
        uint64 ends = runs.begins + horizonSlots;
        bool decided = state == ICourt.State.Final && ends < feed.decidedBefore(market);
        require(decided, NotDecided());
        uint256 from = feed.priceAt(market, runs.begins);
        uint256 to = feed.priceAt(market, ends);
        if (from == 0 || to == 0) {
            emit Dropped(provider, market, runs.claim);
            return;
        }
        uint256 move = Math.mulDiv(from > to ? from - to : to - from, WAD, from);
        bool miss = move > runs.upper;
        emit Scored(provider, market, runs.claim, move, miss);
        _keep(provider, market, runs, miss, miss ? move - runs.upper : 0);
    }

    /// @inheritdoc IProviderLedger
    function recordOf(address provider, bytes32 market) external view returns (Record memory) {
        return _records[provider][market];
    }

    /// @notice Returns the bets on a provider's outcomes; see `Evidence`.
    function trialOf(address provider, bytes32 market)
        external
        view
        returns (Evidence.Trial memory)
    {
        return _trials[provider][market];
    }

    /// @notice Returns whether a provider's record lets it be heard; of a stranger's nothing is known.
    function trusted(address provider, bytes32 market) external view returns (bool) {
        return !_records[provider][market].lost;
    }

    /// @param excess by how much a miss exceeded the bound, WAD; of a conviction nobody knows
    function _keep(
        address provider,
        bytes32 market,
        Prediction memory runs,
        bool miss,
        uint256 excess
    ) private {
        Record storage record = _records[provider][market];
        ++record.outcomes;
        if (miss) ++record.misses;
        record.bounds += runs.upper;
        record.widths += runs.upper - runs.lower;
        record.scores += runs.upper + Math.mulDiv(excess, WAD, missRate);
        Evidence.Trial memory trial = _trials[provider][market];
        trial = trial.add(miss, missRate);
        _trials[provider][market] = trial;
        if (trial.lost == record.lost) return;
        record.lost = trial.lost;
        emit TrustMoved(provider, market, trial.lost);
    }
}
