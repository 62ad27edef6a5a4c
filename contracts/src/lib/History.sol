// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../interfaces/ICourt.sol";
import {IRiskOracle} from "../interfaces/IRiskOracle.sol";

/// @title A provider's bundles on a market, by nonce
/// @notice Nonces rise with the index, so one is found in as many steps as its index has bits.
library History {
    /// @notice Returns the index of the bundle with a nonce and what it said of a kind, or the number of
    ///         bundles and an empty report.
    function find(IRiskOracle oracle, address provider, bytes32 market, uint8 kind, uint256 nonce)
        internal
        view
        returns (uint256 index, IRiskOracle.Report memory report)
    {
        uint256 count = oracle.bundleCount(provider, market);
        uint256 high = count;
        while (index < high) {
            uint256 middle = (index + high) / 2;
            if (oracle.bundleAt(provider, market, middle, kind).nonce < nonce) index = middle + 1;
            else high = middle;
        }
        IRiskOracle.Report memory found = oracle.bundleAt(provider, market, index, kind);
        if (found.nonce == nonce) report = found;
        else index = count;
    }

    /// @notice Returns whether a report's claim is final.
    function isFinal(IRiskOracle oracle, IRiskOracle.Report memory report)
        internal
        view
        returns (bool)
    {
        return report.claim > 0 && oracle.court().stateOf(report.claim) == ICourt.State.Final;
    }
}
