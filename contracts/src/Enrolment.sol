// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IEnrolment} from "./interfaces/IEnrolment.sol";
import {IRounds} from "./interfaces/IRounds.sol";
import {Inputs} from "./lib/Inputs.sol";

/// @title The seats of `Rounds`, as `Gathering` asks for them
/// @dev Deliberately absent: state. Reading a seat reads them all, of which there are 32 at most.
contract Enrolment is IEnrolment {
    /// @notice The rounds it answers for.
    IRounds public immutable rounds;
    /// @inheritdoc IEnrolment
    uint32 public immutable places;
    /// @inheritdoc IEnrolment
    uint32 public immutable updateLength;
    /// @inheritdoc IEnrolment
    bytes32 public immutable budgetRoot;

    /// @param rounds_ deployed
    constructor(IRounds rounds_) {
        rounds = rounds_;
        IRounds.Config memory config = rounds_.config();
        places = config.cumulativeLength;
        updateLength = config.updateLength;
        budgetRoot = Inputs.budgetRoot(config.budgetGwei);
    }

    /// @inheritdoc IEnrolment
    function opened() external view returns (uint64 round, uint64 openBlock) {
        IRounds.Round memory running = rounds.current();
        return (running.number, running.openBlock);
    }

    /// @inheritdoc IEnrolment
    function modelRoot() external view returns (bytes32) {
        return rounds.modelRoot();
    }

    /// @inheritdoc IEnrolment
    function cumulativeRoot() external view returns (bytes32) {
        return rounds.cumulativeRoot();
    }

    /// @inheritdoc IEnrolment
    function rowsOf(uint64 round, uint32 node) external view returns (uint32) {
        IRounds.Round memory running = rounds.current();
        require(running.number == round, NotRunning(round));
        for (uint256 i = 0; i < running.seats.length; ++i) {
            if (running.seats[i].index == node) return running.seats[i].rows;
        }
        return 0;
    }

    /// @inheritdoc IEnrolment
    function commitmentOf(uint64 round, uint32 node, bytes32 updateRoot, bytes32 salt)
        external
        view
        returns (bytes32)
    {
        return rounds.commitmentOf(round, node, updateRoot, salt);
    }
}
