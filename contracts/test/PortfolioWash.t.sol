// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {IScenarioBook} from "../src/interfaces/IScenarioBook.sol";
import {Ledger} from "../src/lib/Ledger.sol";
import {HouseDesk} from "./support/HouseDesk.sol";

/// @notice Alice and Bob are one owner. Carol only deposits, or trades at the mark and leaves.
contract PortfolioWashTest is HouseDesk {
    uint32 internal high;
    uint256 internal price = 100e18;
    uint256 internal paidIn;
    uint256 internal paidOut;
    uint256 internal carolIn;
    bool internal carolTrades;
    mapping(bytes4 => uint256) internal did;

    function setUp() public {
        deployClearing();
        high = call(0, 105e18, EXPIRES);
        setPrices(price, 100e18);
        setGrid(0, price);
        give(ALICE, 500e18);
        give(BOB, 500e18);
        fund(CAROL, 2000e18);
        carolIn = 2000e18;
    }

    function give(uint256 key, uint256 amount) internal {
        fund(key, amount);
        paidIn += amount;
    }

    function step(uint256 seed) internal {
        uint256 choice = seed % 8;
        uint256 key = (seed >> 8) % 2 == 0 ? ALICE : BOB;
        uint256 peer = key == ALICE ? BOB : ALICE;
        if (carolTrades && (seed >> 16) % 3 == 0) peer = CAROL;
        seed >>= 32;
        if (choice < 3) attempt(abi.encodeCall(this.wash, (key, peer, seed)));
        else if (choice == 3) jump(seed);
        else if (choice == 4) attempt(abi.encodeCall(this.runFor, (key)));
        else if (choice == 5) attempt(abi.encodeCall(this.bidBy, (key, peer, seed)));
        else if (choice == 6) attempt(abi.encodeCall(this.takeBy, (key)));
        else attempt(abi.encodeCall(this.leave, (key, seed)));
    }

    /// @dev What the owner tries may be refused.
    function attempt(bytes memory call_) internal {
        (bool done,) = address(this).call(call_);
        if (done) ++did[bytes4(call_)];
    }

    function jump(uint256 seed) internal {
        price = bound(seed, price * 80 / 100, price * 120 / 100);
        if (price < 40e18 || price > 250e18) price = 100e18;
        price -= price % 1e15;
        setPrices(price, 100e18);
        setGrid(0, price);
    }

    /// @notice With a stranger at the mark; with oneself anywhere in the band.
    function wash(uint256 key, uint256 peer, uint256 seed) external {
        uint32 id = seed % 2 == 0 ? perp : high;
        int256 mark = int256(price / 1e6);
        if (id == high) {
            mark = worth(listing(0, IScenarioBook.Kind.Call, 105e18, EXPIRES), price) / 1e6;
        }
        int256 off = int256((seed >> 8) % (price / 1e6 / 50)) - int256(price / 1e8);
        if (peer == CAROL) off = 0;
        int64 lots = int64(uint64(bound(seed >> 64, 1000, 80e6)));
        if ((seed >> 4) % 2 == 0) lots = -lots;
        tradeAt(key, peer, id, lots, mark + off);
    }

    function runFor(uint256 key) external {
        runAuction(key);
    }

    function bidBy(uint256 key, uint256 peer, uint256 seed) external {
        bidFor(key, peer, bound(seed, 1, 1e18));
    }

    function takeBy(uint256 key) external {
        touch(ALICE);
        touch(BOB);
        touch(CAROL);
        take(key, uint256(int256(purseOf(key).profit)));
    }

    function leave(uint256 key, uint256 seed) external {
        uint256 amount = bound(seed, 0, 800e18);
        withdraw(key, amount);
        paidOut += amount;
    }

    /// @notice Against nobody but himself an owner takes out no more than he put in, whatever he
    ///         plays; and whoever only deposited has it all. forge-config: default.fuzz.runs = 48
    function test_fuzz_wash_ofOneOwnerGainsNothing(uint256 seed) public {
        for (uint256 i = 0; i < 30; ++i) {
            step(uint256(keccak256(abi.encode(seed, i))));
            uint256 cash = uint256(purseOf(ALICE).cash) + purseOf(BOB).cash;
            vm.assertLe(paidOut + cash, paidIn);
        }
        withdraw(CAROL, carolIn);
    }

    /// @notice With a third party in it: no more than he put in, and what the third party lost.
    /// forge-config: default.fuzz.runs = 48
    function test_fuzz_wash_gainsWhatOthersLostAtMost(uint256 seed) public {
        carolTrades = true;
        for (uint256 i = 0; i < 30; ++i) {
            step(uint256(keccak256(abi.encode(seed, i))));
        }
        touch(CAROL);
        uint256 cash = uint256(purseOf(ALICE).cash) + purseOf(BOB).cash;
        Ledger.Books memory books = clearing.books();
        uint256 lost = carolIn - purseOf(CAROL).cash;
        vm.assertLe(paidOut + cash + books.pool, paidIn + lost);
        checkHeld();
    }

    /// @notice What the owner tries is not all refused.
    function test_wash_getsSomewhere() public {
        carolTrades = true;
        for (uint256 i = 0; i < 200; ++i) {
            step(uint256(keccak256(abi.encode("wash", i))));
        }
        vm.assertGt(did[this.wash.selector], 10, "trades");
        vm.assertGt(did[this.runFor.selector], 0, "auctions");
        vm.assertGt(did[this.bidBy.selector], 0, "bids");
        vm.assertGt(did[this.takeBy.selector], 2, "takes");
        vm.assertGt(did[this.leave.selector], 0, "withdrawals");
    }
}
