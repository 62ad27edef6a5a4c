// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {ICourt} from "./interfaces/ICourt.sol";
import {IPrograms} from "./interfaces/IPrograms.sol";
import {Code} from "./lib/Code.sol";
import {Encoding} from "./lib/Encoding.sol";
import {Header} from "./lib/Header.sol";
import {Shapes} from "./lib/Shapes.sol";
import {Tree} from "./lib/Tree.sol";

/// @title Programs that can be claimed about
/// @notice Registering costs calldata and a hash; the checks are run only when somebody objects.
/// @dev Deliberately absent: an administrator, names, a way to take a ready Program back.
contract Programs is IPrograms {
    using Code for Code.Op;
    using SafeERC20 for IERC20;

    /// @notice Bytes of an encoding at most: what a strike can still read within a transaction's gas.
    uint256 public constant ENCODING_MAX = 64 * 1024;

    /// @notice The token of bonds.
    IERC20 public immutable token;
    /// @inheritdoc IPrograms
    uint256 public immutable bondSize;
    /// @inheritdoc IPrograms
    uint64 public immutable windowBlocks;

    mapping(bytes32 program => Entry) private _entries;

    /// @param token_ the token of bonds
    /// @param bondSize_ wei
    /// @param windowBlocks_ blocks in which a registration can be struck
    constructor(IERC20 token_, uint256 bondSize_, uint64 windowBlocks_) {
        token = token_;
        bondSize = bondSize_;
        windowBlocks = windowBlocks_;
    }

    /// @inheritdoc IPrograms
    function register(bytes32 program, bytes calldata encoding) external {
        require(_entries[program].state != State.Registered, AlreadyRegistered(program));
        require(encoding.length <= ENCODING_MAX, TooLong(encoding.length, ENCODING_MAX));

        uint64 deadline = uint64(block.number) + windowBlocks;
        _entries[program] = Entry({
            registrant: msg.sender,
            deadline: deadline,
            state: State.Registered,
            bondHeld: true,
            encodingHash: keccak256(encoding)
        });

        emit Registered(program, msg.sender, deadline, encoding);
        token.safeTransferFrom(msg.sender, address(this), bondSize);
    }

    /// @inheritdoc IPrograms
    function strikeEncoding(bytes32 program, bytes calldata encoding) external {
        Entry storage struck = _strikable(program);
        bytes32 got = keccak256(encoding);
        require(got == struck.encodingHash, Mismatch(struck.encodingHash, got));
        bool sound = false;
        try this.hashOf(encoding) returns (bytes32 hash) {
            sound = hash == program;
        } catch (bytes memory reason) {
            // Anything else is a lack of gas, by which nothing sound may be struck.
            sound = bytes4(reason) != Code.Malformed.selector;
        }
        require(!sound, WellFormed(program));
        _strike(program, struck, type(uint256).max);
    }

    /// @inheritdoc IPrograms
    function strikeOp(
        bytes32 program,
        bytes calldata header,
        uint256 index,
        uint256 operand,
        ICourt.OpOpening[] calldata op
    ) external {
        Entry storage struck = _strikable(program);
        Header.Counts memory counts = Header.open(program, header);
        require(!_holds(counts, index, operand, op), WellFormed(program));
        _strike(program, struck, index);
    }

    /// @inheritdoc IPrograms
    function confirm(bytes32 program) external {
        Entry storage passed = _entries[program];
        bool due = ready(program) && passed.bondHeld;
        require(due, NothingToConfirm(program));

        passed.bondHeld = false;

        emit Confirmed(program);
        token.safeTransfer(passed.registrant, bondSize);
    }

    /// @inheritdoc IPrograms
    function ready(bytes32 program) public view returns (bool) {
        Entry storage found = _entries[program];
        return found.state == State.Registered && block.number > found.deadline;
    }

    /// @inheritdoc IPrograms
    function entry(bytes32 program) external view returns (Entry memory) {
        return _entries[program];
    }

    /// @notice Returns the hash of the Program that is encoded; reverts with `Code.Malformed`.
    function hashOf(bytes calldata encoding) external pure returns (bytes32) {
        return Encoding.hash(encoding);
    }

    function _strikable(bytes32 program) private view returns (Entry storage found) {
        found = _entries[program];
        require(found.state == State.Registered, NotRegistered(program));
        require(block.number <= found.deadline, WindowClosed(program, found.deadline));
    }

    /// @dev Half of the bond is burnt, so that striking oneself costs it.
    function _strike(bytes32 program, Entry storage struck, uint256 op) private {
        struck.state = State.Struck;
        struck.bondHeld = false;
        uint256 bounty = bondSize / 2;

        emit Struck(program, msg.sender, op);
        ERC20Burnable(address(token)).burn(bondSize - bounty);
        token.safeTransfer(msg.sender, bounty);
    }

    /// @dev Whether the op holds against the operands shown; an operand that is not earlier breaks
    ///      it whatever it is.
    function _holds(
        Header.Counts memory counts,
        uint256 index,
        uint256 operand,
        ICourt.OpOpening[] calldata shown
    ) private pure returns (bool) {
        require(shown.length > 0, OpeningCount(1, 0));
        Code.Op memory op = _opened(counts, shown[0], index);
        // First of all, since nobody could show the operands of an op that states thousands of them.
        if (!Shapes.hasForm(op)) return false;
        for (uint256 i = 0; i < op.operandCount; ++i) {
            if (op.operand(i) >= index) return false;
        }
        bool concat = op.code == Code.CONCAT;
        uint256 operands = concat ? 1 : op.operandCount;
        require(shown.length == operands + 1, OpeningCount(operands + 1, shown.length));
        Code.Op[] memory x = new Code.Op[](operands);
        for (uint256 i = 0; i < operands; ++i) {
            x[i] = _opened(counts, shown[i + 1], op.operand(concat ? operand : i));
        }
        return Shapes.isWellFormed(op, x, operand);
    }

    function _opened(Header.Counts memory counts, ICourt.OpOpening calldata shown, uint256 index)
        private
        pure
        returns (Code.Op memory)
    {
        bytes32 leaf = keccak256(abi.encodePacked(bytes1(0x02), shown.encoding));
        bytes32 root = Tree.climb(leaf, index, counts.ops, shown.siblings);
        require(root == counts.opsRoot, Mismatch(counts.opsRoot, root));
        return Code.parse(shown.encoding);
    }
}
