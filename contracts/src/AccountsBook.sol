// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {IAccountsBook} from "./interfaces/IAccountsBook.sol";
import {IAccounts} from "./interfaces/IPanelGate.sol";
import {Tree} from "./lib/Tree.sol";

/// @title A protocol's accounts, as a tensor that Programs can be run over
/// @dev The bytes are in the call and in its event, so whoever doubts a claim about them has them.
///      Deliberately absent: a check that they are the protocol's accounts; that is its owner's word.
contract AccountsBook is IAccountsBook, Ownable {
    /// @inheritdoc IAccountsBook
    uint32 public immutable count;
    bytes32 private _root;

    /// @param count_ accounts of every list; shorter ones are filled up with zeros
    /// @param owner_ the protocol
    constructor(uint32 count_, address owner_) Ownable(owner_) {
        count = count_;
    }

    /// @inheritdoc IAccountsBook
    function write(bytes calldata accounts) external onlyOwner {
        uint256 length = 16 * uint256(count);
        require(accounts.length == length, WrongLength(accounts.length, length));
        bytes32 root = Tree.tensorRoot(accounts, Tree.CHUNK_8);
        _root = root;
        emit Written(root, accounts);
    }

    /// @inheritdoc IAccounts
    function accountsRoot() external view returns (bytes32) {
        require(_root != 0, NothingWritten());
        return _root;
    }
}
