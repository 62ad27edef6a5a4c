// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ICourt} from "../interfaces/ICourt.sol";
import {IRiskOracle} from "../interfaces/IRiskOracle.sol";

/// @title What an oracle and its court say, stated by hand
/// @notice What `assay attack-cost` puts a real gate before: one report, open or final.
/// @dev Of `IRiskOracle` and `ICourt` it has what `RiskGate` calls. Deliberately absent: claims,
///      signatures, and any check of what is stated. Not for a deployment.
contract StatedOracle {
    IRiskOracle.Report private _settled;
    IRiskOracle.Report private _open;

    /// @notice States the upper bound of a margin report.
    /// @param upper WAD
    /// @param nonce above every earlier one's; doubles as the claim's id
    /// @param isFinal whether its claim is; otherwise it is open, and the final one before it stays
    function state(uint256 upper, uint64 nonce, bool isFinal) external {
        IRiskOracle.Report memory report;
        report.kind = uint8(IRiskOracle.Kind.Margin);
        (report.value, report.upper, report.nonce, report.claim) = (upper, upper, nonce, nonce);
        report.expiry = type(uint64).max;
        delete _open;
        if (isFinal) _settled = report;
        else _open = report;
    }

    /// @notice This contract.
    function court() external view returns (ICourt) {
        return ICourt(address(this));
    }

    /// @notice Nothing is left to settle.
    function settle(address, bytes32) external {}

    /// @notice There is no price.
    function latest(address, bytes32, uint8)
        external
        pure
        returns (IRiskOracle.Report memory report)
    {}

    /// @notice See `IRiskOracle.standing`.
    function standing(address, bytes32, uint8)
        external
        view
        returns (
            IRiskOracle.Report memory settled,
            IRiskOracle.Report memory highest,
            IRiskOracle.Report memory newest
        )
    {
        return (_settled, _open, _open);
    }

    /// @notice Every claim stands.
    function stateOf(uint256) external pure returns (ICourt.State) {
        return ICourt.State.Open;
    }
}
