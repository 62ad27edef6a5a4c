// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IAggregatorView} from "./interfaces/IAggregatorView.sol";
import {IRiskOracle} from "./interfaces/IRiskOracle.sol";
import {History} from "./lib/History.sol";

/// @title One provider's reports on one market and kind, as a Chainlink aggregator
/// @notice Of a margin or a volatility the upper bound of the newest report whose claim is final; of a
///         price the last one said, which has no claim. It never answers what nobody reported, and never
///         a later time than the report's own.
/// @dev Deliberately absent: an owner, storage, an average over providers.
contract AggregatorView is IAggregatorView {
    uint8 private constant WAD_DECIMALS = 18;

    /// @notice Where reports are read.
    IRiskOracle public immutable oracle;
    /// @notice Whose reports are read.
    address public immutable provider;
    /// @notice keccak-256 of the market's name.
    bytes32 public immutable market;
    /// @notice `IRiskOracle.Kind` as a number.
    uint8 public immutable kind;
    /// @inheritdoc IAggregatorView
    uint8 public immutable decimals;
    /// @inheritdoc IAggregatorView
    uint256 public constant version = 1;
    /// @inheritdoc IAggregatorView
    string public description;

    /// @param decimals_ of answers, at most 18
    constructor(
        IRiskOracle oracle_,
        address provider_,
        bytes32 market_,
        uint8 kind_,
        uint8 decimals_,
        string memory description_
    ) {
        require(kind_ <= uint8(type(IRiskOracle.Kind).max), BadView("kind"));
        require(decimals_ <= WAD_DECIMALS, BadView("decimals"));
        oracle = oracle_;
        provider = provider_;
        market = market_;
        kind = kind_;
        decimals = decimals_;
        description = description_;
    }

    /// @inheritdoc IAggregatorView
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        IRiskOracle.Report memory report;
        if (kind == uint8(IRiskOracle.Kind.Price)) report = oracle.latest(provider, market, kind);
        else (report,,) = oracle.standing(provider, market, kind);
        require(report.nonce > 0, NoData(0));
        return _roundOf(report);
    }

    /// @inheritdoc IAggregatorView
    /// @dev Of a report whose claim fell, or is not final, there is no data; nor of a price before the
    ///      last.
    function getRoundData(uint80 roundId)
        external
        view
        returns (uint80, int256, uint256, uint256, uint80)
    {
        IRiskOracle.Report memory report;
        if (kind == uint8(IRiskOracle.Kind.Price)) {
            report = oracle.latest(provider, market, kind);
        } else {
            (, report) = History.find(oracle, provider, market, kind, roundId);
            require(History.isFinal(oracle, report), NoData(roundId));
        }
        require(report.nonce > 0 && report.nonce == roundId, NoData(roundId));
        return _roundOf(report);
    }

    /// @notice Returns whether there is an answer that has not expired.
    function fresh() external view returns (bool) {
        if (kind == uint8(IRiskOracle.Kind.Price)) {
            return block.timestamp < oracle.latest(provider, market, kind).expiry;
        }
        (IRiskOracle.Report memory report,,) = oracle.standing(provider, market, kind);
        return block.timestamp < report.expiry;
    }

    function _roundOf(IRiskOracle.Report memory report)
        private
        view
        returns (uint80, int256, uint256, uint256, uint80)
    {
        uint256 answer = Math.ceilDiv(report.upper, 10 ** (WAD_DECIMALS - decimals));
        uint80 answeredIn = block.timestamp < report.expiry ? report.nonce : 0;
        return (report.nonce, int256(answer), report.validFrom, report.validFrom, answeredIn);
    }
}
