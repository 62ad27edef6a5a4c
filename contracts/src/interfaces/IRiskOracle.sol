// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Signed reports of risk parameters
/// @notice Anybody is a provider: reports are stored by who signed them, and a consumer chooses
///         whom it reads. A bundle is taken whole or not at all, so coupled parameters never come
///         apart.
interface IRiskOracle {
    /// @dev The numbers are part of the signed bytes: 0, 1, 2.
    enum Kind {
        Price,
        Margin,
        Volatility
    }

    /// @param market keccak-256 of the market's name
    /// @param kind `Kind` as a number: price in dollars a unit, initial margin as a fraction of
    ///        notional, or volatility a year as a fraction
    /// @param value WAD (10^18 is one), from `lower` to `upper`
    /// @param lower WAD
    /// @param upper WAD
    /// @param program hash of the Program that computed it
    /// @param modelRoot tensor root of the params it used
    /// @param inputsRoot list root of the Program's inputs
    /// @param marketTime the market's own clock, Unix seconds: of the data, not of the chain
    /// @param validFrom chain time in Unix seconds, not in the future
    /// @param expiry chain time from which the report no longer holds
    /// @param nonce above every earlier one of this provider
    struct Report {
        bytes32 market;
        uint8 kind;
        uint256 value;
        uint256 lower;
        uint256 upper;
        bytes32 program;
        bytes32 modelRoot;
        bytes32 inputsRoot;
        uint64 marketTime;
        uint64 validFrom;
        uint64 expiry;
        uint64 nonce;
    }

    event Reported(
        address indexed provider, bytes32 indexed market, uint8 indexed kind, Report report
    );

    /// @notice Thrown for a bundle of no report, or of more than 32.
    error BundleSize(uint256 got, uint256 maximum);
    /// @notice Thrown when `signature` signs no bundle; a wrong one that does signs for a stranger.
    error BadSignature();
    /// @notice Thrown when a report's kind is none of `Kind`.
    error UnknownKind(uint256 report, uint8 kind);
    /// @notice Thrown unless lower <= value <= upper.
    error BoundsCrossed(uint256 report, uint256 lower, uint256 value, uint256 upper);
    /// @notice Thrown when an upper bound is above 2^128 - 1.
    error ValueTooLarge(uint256 report, uint256 upper);
    /// @notice Thrown when a nonce is not above the provider's last one.
    error NonceUsed(uint256 report, uint64 got, uint64 last);
    /// @notice Thrown when `validFrom` or `marketTime` is after this block's time.
    error FromTheFuture(uint256 report, uint64 time);
    /// @notice Thrown when a report has expired, or would before it begins.
    error Expired(uint256 report, uint64 expiry);
    /// @notice Thrown when the market's clock is behind that of the report it would replace.
    error MarketTimeBackwards(uint256 report, uint64 got, uint64 last);

    /// @notice Stores the reports of a bundle; anybody may send it.
    /// @param signature of the provider over `digestOf(bundle)`, 65 bytes r ‖ s ‖ v
    /// @return provider who signed
    function post(Report[] calldata bundle, bytes calldata signature)
        external
        returns (address provider);

    /// @notice Returns a provider's last report; all zero (and so expired) when it made none.
    function latest(address provider, bytes32 market, uint8 kind)
        external
        view
        returns (Report memory);

    /// @notice Returns the last nonce a provider used, 0 before the first.
    function nonceOf(address provider) external view returns (uint64);

    /// @notice Returns the EIP-712 digest a provider signs.
    function digestOf(Report[] calldata bundle) external view returns (bytes32);
}
