// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title The reading functions of Chaos Labs' IRiskOracle
/// @notice A consumer written for that interface (Aave's and Venus's stewards, GMX's config syncer) reads
///         this one unchanged.
interface IParameterView {
    /// @param timestamp chain time from which the report is valid
    /// @param newValue `abi.encode(uint256)`: the upper bound, WAD
    /// @param referenceId the claim behind the report in the court, as a decimal number
    /// @param previousValue of the final report before it, likewise; empty for the first
    /// @param updateType `initialMargin` or `volatility`
    /// @param updateId never given twice, and rising for each market and type
    /// @param market the address that stands for the market
    /// @param additionalData `abi.encode(Details)`
    struct RiskParameterUpdate {
        uint256 timestamp;
        bytes newValue;
        string referenceId;
        bytes previousValue;
        string updateType;
        uint256 updateId;
        address market;
        bytes additionalData;
    }

    /// @param value WAD
    /// @param lower WAD
    /// @param upper WAD
    /// @param claim behind the report
    /// @param marketTime the market's own clock
    /// @param expiry chain time from which the report is no longer fresh
    struct Details {
        uint256 value;
        uint256 lower;
        uint256 upper;
        uint256 claim;
        uint64 marketTime;
        uint64 expiry;
    }

    /// @notice Thrown at deployment; names what cannot be.
    error BadView(string field);
    /// @notice Thrown where no update of the type and market is final.
    error NoUpdate(string updateType, address market);
    /// @notice Thrown for an id that no final update has.
    error InvalidUpdateId(uint256 updateId);

    /// @notice Returns the newest update of a type and market whose claim is final.
    function getLatestUpdateByParameterAndMarket(string calldata updateType, address market)
        external
        view
        returns (RiskParameterUpdate memory);

    /// @notice Returns an update whose claim is final.
    function getUpdateById(uint256 updateId) external view returns (RiskParameterUpdate memory);

    /// @notice Returns the types of updates.
    function getAllUpdateTypes() external view returns (string[] memory);

    /// @notice Returns whether somebody's reports are read here.
    function isAuthorized(address sender) external view returns (bool);
}
