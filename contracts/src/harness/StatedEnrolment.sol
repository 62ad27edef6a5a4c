// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IEnrolment} from "../interfaces/IEnrolment.sol";

/// @title Who has a seat, stated by hand
/// @notice What lists of more than 32 seats are gathered for, while `Rounds` has no more.
/// @dev Deliberately absent: a draw, and any check of what is stated. Not for a deployment.
contract StatedEnrolment is IEnrolment {
    bytes32 private constant COMMIT_DOMAIN = keccak256("assay/commit/v1");

    /// @inheritdoc IEnrolment
    uint32 public immutable places;
    /// @inheritdoc IEnrolment
    uint32 public immutable updateLength;
    /// @inheritdoc IEnrolment
    bytes32 public immutable budgetRoot;
    /// @inheritdoc IEnrolment
    bytes32 public modelRoot = keccak256("model");
    /// @inheritdoc IEnrolment
    bytes32 public cumulativeRoot = keccak256("cumulative");

    uint64 private _round;
    uint64 private _openBlock;
    mapping(uint32 node => uint32 rows) private _rows;

    /// @param places_ below which index nodes can have a seat
    /// @param updateLength_ coordinates of an update
    constructor(uint32 places_, uint32 updateLength_) {
        (places, updateLength, budgetRoot) = (places_, updateLength_, keccak256("budget"));
    }

    /// @notice Opens the next round in this block.
    function open() external {
        _round += 1;
        _openBlock = uint64(block.number);
    }

    /// @notice States how many rows a node has, from now on.
    function seat(uint32 node, uint32 rows) external {
        _rows[node] = rows;
    }

    /// @inheritdoc IEnrolment
    function opened() external view returns (uint64 round, uint64 openBlock) {
        return (_round, _openBlock);
    }

    /// @inheritdoc IEnrolment
    function rowsOf(uint64 round, uint32 node) external view returns (uint32) {
        require(round == _round, NotRunning(round));
        return _rows[node];
    }

    /// @inheritdoc IEnrolment
    function commitmentOf(uint64 round, uint32 node, bytes32 updateRoot, bytes32 salt)
        external
        view
        returns (bytes32)
    {
        return keccak256(
            abi.encode(
                COMMIT_DOMAIN,
                block.chainid,
                address(this),
                keccak256("job"),
                round,
                node,
                updateRoot,
                salt
            )
        );
    }
}
