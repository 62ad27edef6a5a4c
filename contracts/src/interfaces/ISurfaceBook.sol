// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ScenarioBook} from "../ScenarioBook.sol";
import {IScenarioBook} from "./IScenarioBook.sol";

/// @title Volatility surfaces without arbitrage, as far as a certificate reaches
/// @notice A provider posts a slice an expiry, raw SVI parameters of total variance by
///         log-moneyness, with claims of two Programs: one bounds Durrleman's function of a slice
///         from below over intervals (no butterflies), the other how far a slice is above the one
///         before it (no calendar spreads). Both roots of a claim are derived here, from what the
///         call brings. A surface counts when all of its claims are final.
/// @dev The crate `market`, module `surface`, has the Programs and finds the edges;
///      vectors/surface_v1.json. Deliberately absent: how the parameters were found, interpolation
///      between expiries, anything beyond the edges but Lee's limit of the wings' slope.
interface ISurfaceBook {
    /// @notice Raw SVI, bits of f64: w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)).
    struct Svi {
        uint64 a;
        uint64 b;
        uint64 rho;
        uint64 m;
        uint64 sigma;
    }

    /// @notice What a Program says about a slice.
    /// @param edges f64[513], ascending
    /// @param bounds root of the Program's first output, f64[512]
    /// @param report its second output, f64[3]: the least bound, deviations that the edges reach,
    ///        slope of the wings
    struct Proof {
        bytes edges;
        bytes32 bounds;
        bytes report;
    }

    /// @param calendar of the slice against the one before it; empty for the first
    struct Slice {
        uint64 expiry;
        Svi svi;
        Proof butterfly;
        Proof calendar;
    }

    /// @notice What is certain of a slice, bits of f64, all positive.
    /// @param density least of Durrleman's function within the edges
    /// @param calendar least distance to the slice before, as a share of the variance at the money;
    ///        infinity for the first
    struct Certificate {
        uint64 expiry;
        Svi svi;
        uint64 density;
        uint64 calendar;
    }

    event Posted(bytes32 indexed market, uint256 indexed surface, Certificate[] slices);
    event Settled(bytes32 indexed market, uint256 indexed surface);

    /// @notice Thrown for anybody but the provider.
    error NotProvider(address sender);
    /// @notice Thrown when posted data have the wrong length, or expiries do not ascend.
    error BadSlice(uint256 slice, string field);
    /// @notice Thrown when a slice's own report says that it holds arbitrage, or does not reach far
    ///         enough to say that it holds none.
    error NotCertified(uint256 slice, string field);
    /// @notice Thrown for a surface whose claims are not all final.
    error NotFinal(uint256 claim);
    /// @notice Thrown when no certified surface of the market has this expiry.
    error NoSlice(bytes32 market, uint64 expiry);
    /// @notice Thrown by `compare` when data are not the inputs of the grid that counts.
    error NotTheGrid(bytes32 expected, bytes32 got);

    /// @notice Claims a surface; the provider's allowance to the court pays a bond for each slice,
    ///         and one for each but the first.
    function post(bytes32 market, Slice[] calldata slices) external returns (uint256 surface);

    /// @notice Makes a surface count whose claims are final or can be made so, if none that was
    ///         posted later counts; anybody may.
    function settle(uint256 surface) external;

    /// @notice Returns what is certain of an expiry's slice; `holds` only where a final claim says
    ///         so.
    function certified(bytes32 market, uint64 expiry)
        external
        view
        returns (bool holds, Certificate memory slice);

    /// @notice Returns a certified slice's total variance at a log-moneyness, both bits of f64.
    function variance(bytes32 market, uint64 expiry, uint64 k) external view returns (uint64);

    /// @notice Returns the total variance that a grid was claimed with for one instrument, and what
    ///         the certified surface says at its strike; bits of f64.
    /// @param data of the grid that counts, as its `Posted` event has them
    function compare(ScenarioBook book, uint32 instrument, IScenarioBook.Data calldata data)
        external
        view
        returns (uint64 claimed, uint64 surface);

    /// @notice Returns the list root of the butterfly Program's inputs.
    function butterflyInputs(Svi calldata svi, bytes calldata edges) external pure returns (bytes32);

    /// @notice Returns the list root of the calendar Program's inputs.
    function calendarInputs(Svi calldata earlier, Svi calldata later, bytes calldata edges)
        external
        pure
        returns (bytes32);

    /// @notice Returns the list root of what a Program returned.
    function outputs(Proof calldata proof) external pure returns (bytes32);
}
