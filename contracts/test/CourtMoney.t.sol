// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../src/interfaces/ICourt.sol";
import {Ops} from "./support/Ops.sol";
import {Play} from "./support/Play.sol";
import {Scroll} from "./support/Script.sol";
import {Lie, Side} from "./support/Trial.sol";

/// @notice Bonds, gas advanced out of them, and where every wei goes.
contract CourtMoneyTest is Play {
    uint256 internal constant HALF = BOND / 2;
    uint256 internal constant FEE = 1e9;
    uint256 internal constant PRICE = 2e9; // at two wei of the token for one of the chain's coin
    uint256 internal constant QUARTER = BOND / 4;
    uint256 internal constant GAS_POST = 135_000;
    uint256 internal constant GAS_REVEAL = 100_000;
    uint256 internal constant GAS_CHUNK = 90_000;
    uint256 internal constant GAS_NAME_OUTPUT = 120_000;
    uint256 internal constant GAS_NAME_OP = 295_000;
    uint256 internal supply;
    Lie internal wrong = Lie(0, 2, 1, 0, 4);
    Lie internal right;

    function setUp() public {
        deployTrial();
        (Scroll memory scroll,) = Ops.sums();
        register(scroll);
        supply = token.totalSupply();
    }

    function side(address who, Lie memory lie) internal view returns (Side memory) {
        (Scroll memory scroll, uint64[][] memory inputs) = Ops.sums();
        return run(who, scroll, inputs, 1, lie);
    }

    function has(address who, uint256 amount) internal view {
        vm.assertEq(token.balanceOf(who), amount);
    }

    function burnt(uint256 amount) internal view {
        vm.assertEq(supply - token.totalSupply(), amount);
    }

    function test_convicted_withoutGas() public {
        (Side memory a, Side memory c) = (side(ASSERTER, wrong), side(CHALLENGER, right));
        uint256 id = post(a);
        (uint256 d, ICourt.Dispute memory r) = challenge(id, c);
        has(address(court), 2 * BOND);
        playOut(d, r, a, c);
        has(ASSERTER, PURSE - BOND);
        has(CHALLENGER, PURSE + HALF);
        has(address(court), 0);
        burnt(HALF);
    }

    function test_refuted_withoutGas() public {
        (Side memory a, Side memory c) = (side(ASSERTER, right), side(CHALLENGER, wrong));
        uint256 id = post(a);
        (uint256 d, ICourt.Dispute memory r) = challenge(id, c);
        playOut(d, r, a, c);
        has(ASSERTER, PURSE - BOND + HALF);
        has(CHALLENGER, PURSE - BOND);
        has(address(court), BOND);
        burnt(HALF);
        mine(WINDOW + 1);
        court.finalise(id);
        has(ASSERTER, PURSE + HALF);
        has(address(court), 0);
    }

    /// @notice What a move costs at the base fee is paid at once out of the other side's bond.
    function test_gas_isAdvanced() public {
        vm.fee(FEE);
        (Side memory a, Side memory c) = (side(ASSERTER, wrong), side(CHALLENGER, right));
        uint256 id = post(a);
        (uint256 d, ICourt.Dispute memory r) = challenge(id, c);
        uint256 asserters = PURSE - BOND;
        uint256 challengers = PURSE - BOND;
        r = move(d, r, a, c); // the asserter reveals the outputs
        has(ASSERTER, asserters += GAS_REVEAL * PRICE);
        vm.assertEq(r.asserterGas, GAS_REVEAL * PRICE);
        r = move(d, r, a, c);
        has(CHALLENGER, challengers += GAS_NAME_OUTPUT * PRICE);
        r = move(d, r, a, c);
        has(ASSERTER, asserters += GAS_POST * PRICE);
        r = move(d, r, a, c);
        has(CHALLENGER, challengers += GAS_NAME_OP * PRICE);
        vm.assertEq(r.challengerGas, (GAS_NAME_OUTPUT + GAS_NAME_OP) * PRICE);
        r = move(d, r, a, c);
        has(ASSERTER, asserters += GAS_CHUNK * PRICE);
        has(address(court), 2 * BOND - r.asserterGas - r.challengerGas);
        playOut(d, r, a, c);
        // Its own bond whole again, and half of the other bond less what made it so.
        has(CHALLENGER, PURSE + HALF - r.asserterGas);
        has(ASSERTER, PURSE - BOND + r.asserterGas);
        has(address(court), 0);
        burnt(HALF);
    }

    function test_gas_refuted() public {
        vm.fee(FEE);
        (Side memory a, Side memory c) = (side(ASSERTER, right), side(CHALLENGER, wrong));
        uint256 id = post(a);
        (uint256 d, ICourt.Dispute memory r) = challenge(id, c);
        r = playOut(d, r, a, c);
        mine(WINDOW + 1);
        court.finalise(id);
        // The bounty is what is left of half a bond after both sides' gas.
        has(ASSERTER, PURSE + HALF - r.challengerGas);
        has(CHALLENGER, PURSE - BOND + r.challengerGas);
        has(address(court), 0);
        burnt(HALF);
    }

    /// @notice A base fee beyond the cap is paid at the cap, and no side draws more than a quarter.
    function test_gas_capAndQuarter() public {
        vm.fee(1e15);
        (Side memory a, Side memory c) = (side(ASSERTER, wrong), side(CHALLENGER, right));
        uint256 id = post(a);
        for (uint256 i = 0; i < 60; ++i) {
            (uint256 d, ICourt.Dispute memory r) = challenge(id, c);
            r = playTo(ICourt.Stage.Trace, ICourt.Turn.Root, d, r, a, c);
            vm.assertEq(r.asserterGas, GAS_REVEAL * GAS_PRICE_CAP);
            uint256 all = (i + 1) * GAS_NAME_OUTPUT * GAS_PRICE_CAP;
            uint256 drawn = all < QUARTER ? all : QUARTER;
            // Of one claim's bond all challengers together draw no more than that.
            has(address(court), (i + 2) * BOND - (i + 1) * GAS_REVEAL * GAS_PRICE_CAP - drawn);
        }
    }

    /// @notice The first conviction closes the other dispute, whose gas is kept for it.
    function test_parallel_firstConvictionClosesTheOther() public {
        vm.fee(FEE);
        Side memory a = side(ASSERTER, wrong);
        Side memory c = side(CHALLENGER, right);
        Side memory s = side(SECOND, right);
        uint256 id = post(a);
        (uint256 d, ICourt.Dispute memory r) = challenge(id, c);
        (uint256 e, ICourt.Dispute memory q) = challenge(id, s);
        q = playOn(3, e, q, a, s);
        r = playOut(d, r, a, c);
        vm.assertEq(uint256(court.claim(id).state), uint256(ICourt.State.Struck));
        vm.assertEq(court.claim(id).disputes, 1);
        uint256 bounty = HALF - r.challengerGas - q.challengerGas - r.asserterGas - q.asserterGas;
        has(CHALLENGER, PURSE + r.challengerGas + bounty);
        // Its bond less what was advanced out of it, and the reserve that makes it whole.
        has(address(court), BOND);
        vm.expectRevert(abi.encodeWithSelector(ICourt.NotOpen.selector, id, ICourt.State.Struck));
        court.timeout(e, q);
        court.close(e, q);
        has(SECOND, PURSE + q.challengerGas);
        has(address(court), 0);
        vm.assertEq(court.recordHash(e), bytes32(0));
        burnt(HALF);
        vm.expectPartialRevert(ICourt.NotTheRecord.selector);
        court.close(e, q);
    }

    /// @notice What both sides draw never touches the half that burns, however much is owed.
    function test_parallel_reserveFallsShort() public {
        vm.fee(1e15);
        Side memory a = side(ASSERTER, wrong);
        Side memory c = side(CHALLENGER, right);
        Side memory s = side(SECOND, right);
        uint256 id = post(a);
        (uint256 d, ICourt.Dispute memory r) = challenge(id, c);
        token.transfer(SECOND, PURSE);
        uint256[] memory others = new uint256[](110);
        ICourt.Dispute[] memory records = new ICourt.Dispute[](110);
        uint256 owed = 0;
        for (uint256 i = 0; i < 110; ++i) {
            (others[i], records[i]) = challenge(id, s);
            records[i] = playOn(5, others[i], records[i], a, s);
            owed += records[i].asserterGas;
        }
        r = playOut(d, r, a, c);
        uint256 held = token.balanceOf(address(court));
        uint256 reserve = HALF - QUARTER - r.asserterGas;
        vm.assertGt(owed, reserve);
        vm.assertEq(held, 110 * BOND - owed + reserve);
        vm.assertEq(token.balanceOf(CHALLENGER), PURSE + r.challengerGas); // nothing is left of it
        for (uint256 i = 0; i < 110; ++i) {
            court.close(others[i], records[i]);
        }
        has(address(court), 0);
        burnt(HALF);
    }

    /// @notice A challenger who loses costs another who is right nothing.
    function test_parallel_oneLoses() public {
        Side memory a = side(ASSERTER, wrong);
        Side memory c = side(CHALLENGER, right);
        uint256 id = post(a);
        vm.recordLogs();
        vm.prank(SECOND);
        uint256 e = court.challenge(id, "nonsense", a.scroll.header);
        ICourt.Dispute memory q = lastRecord();
        (uint256 d, ICourt.Dispute memory r) = challenge(id, c);
        q = move(e, q, a, c);
        mine(CLOCK + 1);
        court.timeout(e, q); // the second challenger was silent
        vm.assertEq(uint256(court.claim(id).state), uint256(ICourt.State.Disputed));
        has(ASSERTER, PURSE - BOND + HALF);
        court.timeout(d, r); // and so was the asserter, to the first
        has(CHALLENGER, PURSE + HALF);
        has(ASSERTER, PURSE - BOND + HALF);
        has(SECOND, PURSE - BOND);
        burnt(BOND);
    }

    /// @notice A claim that was attacked a hundred times is final, and its asserter richer.
    function test_refuted_aHundredTimes() public {
        Side memory a = side(ASSERTER, right);
        token.transfer(CHALLENGER, PURSE);
        uint256 id = post(a);
        uint256[] memory disputes = new uint256[](100);
        ICourt.Dispute[] memory records = new ICourt.Dispute[](100);
        for (uint256 i = 0; i < 100; ++i) {
            vm.recordLogs();
            vm.prank(CHALLENGER);
            disputes[i] = court.challenge(id, bytes32(i + 1), a.scroll.header);
            records[i] = lastRecord();
            records[i] = move(disputes[i], records[i], a, a);
        }
        mine(CLOCK + 1);
        for (uint256 i = 0; i < 100; ++i) {
            court.timeout(disputes[i], records[i]);
        }
        court.finalise(id);
        has(ASSERTER, PURSE + 100 * HALF);
        has(address(court), 0);
    }

    /// @notice The events say what was paid.
    function test_decided_event() public {
        (Side memory a, Side memory c) = (side(ASSERTER, wrong), side(CHALLENGER, right));
        uint256 id = post(a);
        (uint256 d, ICourt.Dispute memory r) = challenge(id, c);
        mine(CLOCK + 1);
        vm.expectEmit();
        emit ICourt.Decided(id, d, true, true, HALF, BOND - HALF);
        court.timeout(d, r);
        (address challenger, bytes32 root, uint64 since) = court.fallOf(id);
        vm.assertEq(challenger, CHALLENGER);
        vm.assertEq(root, outputsRootOf(c));
        vm.assertEq(since, block.number);
    }
}
