// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IScenarioBook} from "../../src/interfaces/IScenarioBook.sol";
import {Ledger} from "../../src/lib/Ledger.sol";
import {Scenarios} from "../../src/lib/Scenarios.sol";
import {Sizes} from "../../src/lib/Sizes.sol";
import {Tree} from "../../src/lib/Tree.sol";
import {BookDesk} from "../support/BookDesk.sol";

/// @notice The golden vectors of portfolio margin that the crate `market` writes: the same arrays,
///         the same wei.
contract MarginVectorsTest is BookDesk {
    using Scenarios for Scenarios.Sheet;
    using Scenarios for Scenarios.Sum;
    using Sizes for Scenarios.Sum;
    using Sizes for Sizes.Size;
    using Ledger for Ledger.Purse;

    string internal constant MARGINS = "../vectors/margin_v1.json";

    function setUp() public {
        deployBook();
    }

    function test_everyCase() public {
        uint256 cases = 0;
        uint8 books = 0;
        while (true) {
            bytes memory line = bytes(vm.readLine(MARGINS));
            if (line.length == 0) break;
            if (line.length < 6 || line[4] != "{") continue;
            if (line[line.length - 1] == ",") {
                assembly ("memory-safe") {
                    mstore(line, sub(mload(line), 1)) // without the comma
                }
            }
            if (vm.keyExistsJson(string(line), ".inputs_root")) {
                this.checkBook(string(line), books++);
                continue;
            }
            this.check(string(line));
            ++cases;
        }
        vm.assertEq(cases, 19);
        vm.assertEq(uint256(books), 2);
    }

    /// @notice The contract derives the inputs of the very claim that the Program makes.
    function checkBook(string memory line, uint8 market) external {
        vm.warp(vm.parseJsonUint(line, ".time"));
        bytes memory kinds = vm.parseJsonBytes(line, ".kinds");
        uint256[] memory strikes = vm.parseJsonUintArray(line, ".strikes");
        uint256[] memory expiries = vm.parseJsonUintArray(line, ".expiries");
        IScenarioBook.Listing[] memory some = new IScenarioBook.Listing[](kinds.length);
        for (uint256 i = 0; i < some.length; ++i) {
            IScenarioBook.Kind kind = IScenarioBook.Kind(uint8(kinds[i]));
            some[i] = IScenarioBook.Listing(market, kind, uint64(strikes[i]), uint64(expiries[i]));
        }
        vm.prank(vm.addr(PROVIDER_KEY));
        book.list(some);
        IScenarioBook.Data memory data = IScenarioBook.Data(
            vm.parseJsonBytes(line, ".head"),
            vm.parseJsonBytes(line, ".forwards"),
            vm.parseJsonBytes(line, ".volatilities")
        );
        bytes32 root = vm.parseJsonBytes32(line, ".inputs_root");
        vm.assertEq(book.inputsOf(market, data), root, "inputs root");
    }

    function check(string memory line) external view {
        bytes[] memory rows = vm.parseJsonBytesArray(line, ".rows");
        bytes memory kinds = vm.parseJsonBytes(line, ".kinds");
        int256[] memory lots = vm.parseJsonIntArray(line, ".lots");
        int256[] memory marks = vm.parseJsonIntArray(line, ".marks");
        int256 moved = vm.parseJsonInt(line, ".moved");
        int256 step = vm.parseJsonInt(line, ".step");
        Scenarios.Sum memory sum;
        bytes32[] memory leaves = new bytes32[](rows.length);
        for (uint256 i = 0; i < rows.length; ++i) {
            Scenarios.Sheet memory sheet = this.open(rows[i], moved, step);
            sheet.kind = uint8(kinds[i]);
            vm.assertEq(sheet.mark, marks[i], "mark");
            sum.add(sheet, lots[i]);
            leaves[i] = Tree.leaf(rows[i]);
        }
        vm.assertEq(Tree.root(leaves), vm.parseJsonBytes32(line, ".root"), "root");
        checkMargin(line, sum);
        checkSecured(line);
    }

    function checkMargin(string memory line, Scenarios.Sum memory sum) internal pure {
        uint256[] memory said = vm.parseJsonUintArray(line, ".charges");
        Scenarios.Charges memory charges =
            Scenarios.Charges(uint32(said[0]), uint32(said[1]), uint32(said[2]), uint32(said[3]));
        uint256 index = vm.parseJsonUint(line, ".index");
        Sizes.Size memory size = sizeOf(line);
        uint256 lots = sum.lotsOf();
        uint256 initial = sum.initial(charges, index) + size.sized(lots, index);
        vm.assertEq(initial, vm.parseJsonUint(line, ".initial"), "initial");
        uint256 maintenance = Scenarios.maintenance(initial, charges);
        vm.assertEq(maintenance, vm.parseJsonUint(line, ".maintenance"), "maintenance");
        uint256 opening = initial + size.crowded(lots, sum.gross, index);
        vm.assertEq(opening, vm.parseJsonUint(line, ".opening"), "opening");
    }

    function checkSecured(string memory line) internal pure {
        int256[] memory purse = vm.parseJsonIntArray(line, ".purse");
        uint256 haircut = uint256(purse[2] > purse[3] ? purse[2] : purse[3]);
        int256 secured = Ledger.Purse(uint128(uint256(purse[0])), int128(purse[1])).equity(haircut);
        vm.assertEq(secured, vm.parseJsonInt(line, ".secured"), "secured");
    }

    function sizeOf(string memory line) internal pure returns (Sizes.Size memory) {
        uint256[] memory said = vm.parseJsonUintArray(line, ".sizes");
        return Sizes.Size(
            uint64(said[0]), type(uint64).max, uint64(said[1]), uint32(said[2]), uint32(said[3])
        );
    }

    function open(bytes calldata chunk, int256 moved, int256 step)
        external
        pure
        returns (Scenarios.Sheet memory sheet)
    {
        sheet.open(chunk, moved, step);
    }
}
