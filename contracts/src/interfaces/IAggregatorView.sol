// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title The reading functions of Chainlink's AggregatorV3Interface
/// @notice A consumer written for that interface reads this one unchanged.
interface IAggregatorView {
    /// @notice Thrown where there is no such round, as Chainlink's proxies do.
    error NoData(uint80 roundId);
    /// @notice Thrown at deployment; names what cannot be.
    error BadView(string field);

    /// @notice Returns the decimals of an answer.
    function decimals() external view returns (uint8);

    /// @notice Returns what the answer is of.
    function description() external view returns (string memory);

    /// @notice Returns the version of this reading.
    function version() external view returns (uint256);

    /// @notice Returns a report by its nonce.
    /// @return roundId_ the report's nonce
    /// @return answer rounded up to `decimals`
    /// @return startedAt chain time from which it is valid
    /// @return updatedAt the same: never later than the report itself says
    /// @return answeredInRound `roundId` while the report holds, 0 once it has expired, so that the
    ///         usual check `answeredInRound >= roundId` refuses what is stale
    function getRoundData(uint80 roundId)
        external
        view
        returns (
            uint80 roundId_,
            int256 answer,
            uint256 startedAt,
            uint256 updatedAt,
            uint80 answeredInRound
        );

    /// @notice Returns the report in force, as `getRoundData`; reverts with `NoData(0)` before the first.
    function latestRoundData()
        external
        view
        returns (
            uint80 roundId,
            int256 answer,
            uint256 startedAt,
            uint256 updatedAt,
            uint80 answeredInRound
        );
}
