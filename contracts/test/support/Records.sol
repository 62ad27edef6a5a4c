// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../../src/interfaces/ICourt.sol";
import {Base} from "./Base.sol";
import {Vm} from "./Vm.sol";

/// @notice Follows disputes as a node does: by the records that the court's events state.
abstract contract Records is Base {
    /// @notice Returns the last record among the logs since they were last taken.
    function lastRecord() internal returns (ICourt.Dispute memory) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = logs.length; i > 0; --i) {
            if (logs[i - 1].topics[0] != ICourt.Moved.selector) continue;
            return abi.decode(logs[i - 1].data, (ICourt.Dispute));
        }
        revert("no dispute has moved");
    }
}
