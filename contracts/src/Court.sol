// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {ICourt} from "./interfaces/ICourt.sol";

/// @title Optimistic claims
/// @notice Its balance of the token is at least the bonds of the open claims plus twice those of
///         the frozen ones. Every bond goes back to whoever paid it: until a judge exists nobody is
///         convicted.
/// @dev Deliberately absent: an administrator, a referee, a fee.
contract Court is ICourt {
    using SafeERC20 for IERC20;

    struct Challenger {
        address account;
        bytes32 outputsRoot;
    }

    /// @notice The token of bonds.
    IERC20 public immutable token;
    /// @inheritdoc ICourt
    uint256 public immutable bondSize;
    /// @inheritdoc ICourt
    uint64 public immutable windowBlocks;
    /// @inheritdoc ICourt
    mapping(address => bool) public isConsumer;

    /// @notice How many claims were posted; the last one's id.
    uint256 public claimCount;
    mapping(uint256 id => Claim) private _claims;
    mapping(uint256 id => Challenger) private _challengers;

    /// @param token_ the token of bonds
    /// @param bondSize_ wei
    /// @param windowBlocks_ blocks in which a claim can be challenged
    /// @param consumers contracts that may open claims, deployed or to be deployed
    constructor(
        IERC20 token_,
        uint256 bondSize_,
        uint64 windowBlocks_,
        address[] memory consumers
    ) {
        token = token_;
        bondSize = bondSize_;
        windowBlocks = windowBlocks_;
        for (uint256 i = 0; i < consumers.length; ++i) {
            isConsumer[consumers[i]] = true;
        }
    }

    /// @inheritdoc ICourt
    function post(bytes32 program, bytes32 inputsRoot, bytes32 outputsRoot, address asserter)
        external
        returns (uint256 id)
    {
        require(isConsumer[msg.sender], OnlyConsumer());

        id = ++claimCount;
        uint64 deadline = uint64(block.number) + windowBlocks;
        _claims[id] = Claim({
            program: program,
            inputsRoot: inputsRoot,
            outputsRoot: outputsRoot,
            asserter: asserter,
            consumer: msg.sender,
            bond: bondSize,
            deadline: deadline,
            state: State.Open
        });

        emit Claimed(id, program, inputsRoot, outputsRoot, asserter, msg.sender, bondSize, deadline);
        token.safeTransferFrom(asserter, address(this), bondSize);
    }

    /// @inheritdoc ICourt
    function challenge(uint256 id, bytes32 outputsRoot) external {
        Claim storage challenged = _inState(id, State.Open);
        require(block.number <= challenged.deadline, WindowClosed(id, challenged.deadline));
        require(challenged.outputsRoot != outputsRoot, SameOutputs(id));
        require(challenged.asserter != msg.sender, OwnClaim(id));

        challenged.state = State.Frozen;
        _challengers[id] = Challenger(msg.sender, outputsRoot);

        emit Challenged(id, msg.sender, outputsRoot, challenged.bond);
        token.safeTransferFrom(msg.sender, address(this), challenged.bond);
    }

    /// @inheritdoc ICourt
    function finalise(uint256 id) external {
        Claim storage passed = _inState(id, State.Open);
        require(block.number > passed.deadline, WindowOpen(id, passed.deadline));

        passed.state = State.Final;

        emit Finalised(id);
        token.safeTransfer(passed.asserter, passed.bond);
    }

    /// @inheritdoc ICourt
    function release(uint256 id) external {
        Claim storage frozen = _inState(id, State.Frozen);
        require(msg.sender == frozen.consumer, OnlyConsumer());

        frozen.state = State.Released;

        emit Released(id);
        token.safeTransfer(frozen.asserter, frozen.bond);
        token.safeTransfer(_challengers[id].account, frozen.bond);
    }

    /// @inheritdoc ICourt
    function claim(uint256 id) external view returns (Claim memory) {
        require(_claims[id].state != State.None, UnknownClaim(id));
        return _claims[id];
    }

    /// @inheritdoc ICourt
    function challengerOf(uint256 id)
        external
        view
        returns (address challenger, bytes32 outputsRoot)
    {
        return (_challengers[id].account, _challengers[id].outputsRoot);
    }

    function _inState(uint256 id, State expected) private view returns (Claim storage found) {
        found = _claims[id];
        require(found.state != State.None, UnknownClaim(id));
        require(found.state == expected, NotOpen(id, found.state));
    }
}
