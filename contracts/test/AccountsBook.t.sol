// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {AccountsBook} from "../src/AccountsBook.sol";
import {IAccountsBook} from "../src/interfaces/IAccountsBook.sol";
import {Amount} from "../src/lib/Amount.sol";
import {F64} from "../src/lib/F64.sol";
import {Tree} from "../src/lib/Tree.sol";
import {PanelDesk} from "./support/PanelDesk.sol";

/// @notice Accounts on the chain, and the rule of `market::consequence` on them to the last bit: the golden
///         vector that Rust generates and reads.
contract AccountsBookTest is PanelDesk {
    string internal json = vm.readFile("../vectors/consequence_v1.json");
    bytes internal accounts_ = vm.parseJsonBytes(json, ".accounts");
    AccountsBook internal book;

    function setUp() public {
        book = new AccountsBook(48, address(this));
    }

    function element(bytes memory data, uint256 index) internal pure returns (uint64 word) {
        for (uint256 i = 0; i < 8; ++i) {
            word |= uint64(uint8(data[8 * index + i])) << uint64(8 * i);
        }
    }

    function test_write() public {
        vm.expectRevert(abi.encodeWithSelector(IAccountsBook.NothingWritten.selector));
        book.accountsRoot();
        vm.expectRevert(abi.encodeWithSelector(IAccountsBook.WrongLength.selector, 16, 768));
        book.write(new bytes(16));
        vm.prank(address(0xBAD));
        vm.expectRevert();
        book.write(accounts_);
        bytes32 root = vm.parseJsonBytes32(json, ".accounts_root");
        vm.expectEmit();
        emit IAccountsBook.Written(root, accounts_);
        book.write(accounts_);
        vm.assertEq(book.accountsRoot(), root);
    }

    /// @notice The gate derives the inputs that the Program was run on, and reads what it returned.
    function test_vector_inputsAndOutput() public {
        deployPanel();
        uint64 level = element(vm.parseJsonBytes(json, ".level"), 0);
        bytes32 inputs = panel.inputsOf(vm.parseJsonBytes32(json, ".accounts_root"), level);
        vm.assertEq(inputs, vm.parseJsonBytes32(json, ".inputs_root"));
        bytes memory chunk = vm.parseJsonBytes(json, ".chunk");
        vm.assertEq(Tree.leaf(chunk), vm.parseJsonBytes32(json, ".output_root"));
    }

    /// @notice Elements e of a sum are added in lane e mod 32, and the lanes in order.
    function total(uint64[48] memory list) internal pure returns (uint64 sum) {
        uint64[32] memory lanes;
        for (uint256 i = 0; i < 48; ++i) {
            lanes[i % 32] = F64.add(lanes[i % 32], list[i]);
        }
        for (uint256 step = 16; step > 0; step /= 2) {
            for (uint256 i = 0; i < step; ++i) {
                lanes[i] = F64.add(lanes[i], lanes[i + step]);
            }
        }
        return lanes[0];
    }

    function test_vector_theRule() public view {
        uint64 level = element(vm.parseJsonBytes(json, ".level"), 0);
        uint64 one = Amount.fromUint64(1);
        uint64[48] memory short;
        uint64[48] memory exposed;
        for (uint256 i = 0; i < 48; ++i) {
            uint64 equity = element(accounts_, 2 * i);
            uint64 notional = element(accounts_, 2 * i + 1);
            if (F64.le(F64.mul(level, notional), equity)) continue;
            (short[i], exposed[i]) = (one, notional);
        }
        bytes memory chunk = vm.parseJsonBytes(json, ".chunk");
        vm.assertEq(uint256(element(chunk, 0)), uint256(total(short)));
        vm.assertEq(uint256(element(chunk, 1)), uint256(total(exposed)));
    }
}
