// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../src/interfaces/ICourt.sol";
import {IRiskOracle} from "../src/interfaces/IRiskOracle.sol";
import {Reports} from "../src/lib/Reports.sol";

/// @title How much a lender lends, by a report that the borrower brings
/// @notice The whole of what a consumer writes: whom it believes, of which oracle, in which limits. It may
///         stand on another chain than the oracle; the report is in calldata.
contract Lender {
    uint256 private constant WAD = 1e18;
    uint8 private constant MARGIN = uint8(IRiskOracle.Kind.Margin);

    address public immutable provider;
    bytes32 public immutable market;
    uint256 public immutable floor;
    Reports.Origin private _origin;
    uint64 public nonce;

    error Refused(string why);

    constructor(address provider_, bytes32 market_, uint256 floor_, Reports.Origin memory origin) {
        (provider, market, floor, _origin) = (provider_, market_, floor_, origin);
    }

    /// @notice Returns the most that is lent on `units` of the market: their price less the margin, which
    ///         is the report's upper bound and never under the lender's own floor.
    /// @param program of the report's claim
    /// @param inputsRoot of the report's claim
    /// @param reading the margin's chunk with its way up
    function quote(
        uint256 units,
        IRiskOracle.Bundle calldata bundle,
        bytes32 program,
        bytes32 inputsRoot,
        ICourt.Opening calldata reading,
        bytes calldata signature
    ) external returns (uint256) {
        address signer = Reports.providerOf(_origin, bundle, program, inputsRoot, signature);
        require(signer == provider, Refused("signer"));
        require(bundle.market == market, Refused("market"));
        require(Reports.holds(bundle), Refused("time"));
        require(bundle.nonce >= nonce, Refused("an older report"));
        nonce = bundle.nonce;
        uint256 margin = Reports.read(MARGIN, reading, bundle.outputsRoot).upper;
        if (margin < floor) margin = floor;
        if (margin > WAD) return 0;
        return (units * bundle.price / WAD) * (WAD - margin) / WAD;
    }
}
