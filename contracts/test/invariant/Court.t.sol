// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../../src/interfaces/ICourt.sol";
import {Campaign} from "../support/Campaign.sol";
import {Ops} from "../support/Ops.sol";
import {Play} from "../support/Play.sol";
import {Scroll} from "../support/Script.sol";
import {Lie, Side} from "../support/Trial.sol";

/// @notice Two honest parties and two liars claim, challenge and dispute. Each step is one call that
///         is allowed at that moment, or none; the honest answer at once, liars when they like, and
///         when they do not, somebody ends it by the clock.
contract CourtPlay is Play {
    uint256 internal constant HALF = BOND / 2;
    uint256 internal constant PARTIES = 4; // 0 and 1 are honest
    uint256 internal constant WEALTH = 100_000e18;

    /// @param lie of the challenger, 0 for none
    struct Case {
        uint256 dispute;
        uint256 challenger;
        uint64 lie;
        bytes record;
    }

    Case[] internal cases; // undecided
    mapping(uint256 id => uint256) internal asserterOf;
    mapping(uint256 id => uint64) internal lieOf;
    mapping(uint256 id => uint256) internal reserve;
    mapping(uint256 id => bool) internal lost;
    mapping(uint256 party => uint256) internal shortfall; // gas that nobody was left to make good
    uint256 internal supply;
    bool public honestLost;
    uint256 public decided;
    uint256 public convicted;
    uint256 public refuted;
    uint256 public closed;
    uint256 public voided;
    uint256 public finals;

    constructor() {
        deployTrial();
        (Scroll memory scroll,) = Ops.sums();
        register(scroll);
        for (uint256 i = 0; i < PARTIES; ++i) {
            token.transfer(party(i), WEALTH);
            vm.prank(party(i));
            token.approve(address(court), type(uint256).max);
        }
        supply = token.totalSupply();
    }

    function party(uint256 i) internal pure returns (address) {
        return address(uint160(0xBEEF0 + i));
    }

    /// @notice One step; the choice of call is weighted towards what moves disputes on.
    function step(uint256 choice, uint256 seed) external {
        choice %= 100;
        if (choice < 12) _post(seed);
        else if (choice < 27) _challenge(seed);
        else if (choice < 65) _move(seed);
        else if (choice < 80) _timeout(seed);
        else if (choice < 86) _close(seed);
        else if (choice < 91) _finalise(seed);
        else if (choice < 96) _void(seed);
        else if (choice < 99) mine(1 + seed % 3);
        else vm.fee(seed % 3 * 1e9);
    }

    function sideOf(uint256 who, uint64 lie) internal view returns (Side memory) {
        (Scroll memory scroll, uint64[][] memory inputs) = Ops.sums();
        return run(party(who), scroll, inputs, 1, Lie(0, 2, lie % 3, 0, lie));
    }

    function recordOf(uint256 place) internal view returns (ICourt.Dispute memory) {
        return abi.decode(cases[place].record, (ICourt.Dispute));
    }

    function _post(uint256 seed) internal {
        uint256 who = seed % PARTIES;
        uint64 lie = who > 1 ? uint64(1 + seed / 4 % 250) : 0;
        Side memory side = sideOf(who, lie);
        uint256 last = court.claimCount();
        bool child = last > 0 && seed / 8 % 3 != 0;
        if (child) {
            ICourt.Claim memory parent = court.claim(last);
            child = parent.state != ICourt.State.Struck && parent.state != ICourt.State.Void
                && parent.depth < 8;
        }
        uint256[] memory parents = new uint256[](child ? 1 : 0);
        if (child) parents[0] = last;
        uint256 id = court.post(side.scroll.hash, "in", outputsRootOf(side), side.who, 1, parents);
        (asserterOf[id], lieOf[id]) = (who, lie);
    }

    /// @dev A right claim is challenged by liars, a wrong one by everybody.
    function _challenge(uint256 seed) internal {
        uint256 count = court.claimCount();
        if (count == 0) return;
        uint256 id = count - seed % (count < 4 ? count : 4);
        ICourt.Claim memory claim = court.claim(id);
        bool open = claim.state == ICourt.State.Open || claim.state == ICourt.State.Disputed;
        uint256 who = seed / 16 % PARTIES;
        if (who < 2 && lieOf[id] == 0) who += 2;
        if (!open || block.number > claim.deadline || asserterOf[id] == who) return;
        uint64 lie = who > 1 ? 251 : 0;
        (uint256 dispute, ICourt.Dispute memory record) = challenge(id, sideOf(who, lie));
        cases.push(Case(dispute, who, lie, abi.encode(record)));
        _answer(cases.length - 1);
    }

    /// @dev Whether the side to move is a liar.
    function _waitsForLiar(uint256 place) internal view returns (bool) {
        ICourt.Dispute memory record = recordOf(place);
        bool asserters = record.turn < ICourt.Turn.Child;
        return (asserters ? asserterOf[record.claim] : cases[place].challenger) > 1;
    }

    function _stands(uint256 id) internal view returns (bool) {
        return court.claim(id).state == ICourt.State.Disputed;
    }

    /// @dev The honest answer at once, as long as it is their turn.
    function _answer(uint256 place) internal {
        while (_stands(recordOf(place).claim) && !_waitsForLiar(place)) {
            if (_moveOnce(place)) return;
        }
    }

    function _move(uint256 seed) internal {
        if (cases.length == 0) return;
        uint256 place = seed % cases.length;
        ICourt.Dispute memory record = recordOf(place);
        if (!_stands(record.claim)) return;
        uint64 left =
            record.turn < ICourt.Turn.Child ? record.asserterBlocks : record.challengerBlocks;
        if (block.number - record.since > left) return;
        if (!_moveOnce(place)) _answer(place);
    }

    /// @dev Makes the next move; returns whether it decided.
    function _moveOnce(uint256 place) internal returns (bool) {
        ICourt.Dispute memory record = recordOf(place);
        Case memory c = cases[place];
        Side memory a = sideOf(asserterOf[record.claim], lieOf[record.claim]);
        Side memory b = sideOf(c.challenger, c.lie);
        Books memory books = _booksOf(record.claim);
        ICourt.Dispute memory next = move(c.dispute, record, a, b);
        if (court.recordHash(c.dispute) == 0) {
            _decided(place, books);
            return true;
        }
        cases[place].record = abi.encode(next);
        return false;
    }

    struct Books {
        uint256 drawn;
        uint256 owed;
    }

    /// @dev What is advanced in the undecided disputes about a claim.
    function _booksOf(uint256 id) internal view returns (Books memory books) {
        for (uint256 i = 0; i < cases.length; ++i) {
            ICourt.Dispute memory record = recordOf(i);
            if (record.claim != id) continue;
            books.drawn += record.challengerGas;
            books.owed += record.asserterGas;
        }
    }

    function _decided(uint256 place, Books memory books) internal {
        ICourt.Dispute memory record = recordOf(place);
        uint256 id = record.claim;
        ++decided;
        if (court.claim(id).state == ICourt.State.Struck) {
            ++convicted;
            lost[id] = true;
            if (lieOf[id] == 0) honestLost = true;
            uint256 left = HALF - books.drawn - record.asserterGas;
            uint256 owed = books.owed - record.asserterGas;
            reserve[id] = left < owed ? left : owed;
        } else {
            ++refuted;
            if (cases[place].lie == 0) honestLost = true;
        }
        _drop(place);
    }

    function _drop(uint256 place) internal {
        cases[place] = cases[cases.length - 1];
        cases.pop();
    }

    function _timeout(uint256 seed) internal {
        if (cases.length == 0) return;
        uint256 place = seed % cases.length;
        ICourt.Dispute memory record = recordOf(place);
        if (!_stands(record.claim)) return;
        uint64 left =
            record.turn < ICourt.Turn.Child ? record.asserterBlocks : record.challengerBlocks;
        if (block.number <= record.since + left) vm.roll(record.since + left + 1);
        Books memory books = _booksOf(record.claim);
        court.timeout(cases[place].dispute, record);
        _decided(place, books);
    }

    function _close(uint256 seed) internal {
        for (uint256 i = 0; i < cases.length; ++i) {
            uint256 place = (seed % cases.length + i) % cases.length;
            ICourt.Dispute memory record = recordOf(place);
            if (_stands(record.claim)) continue;
            court.close(cases[place].dispute, record);
            uint256 held = reserve[record.claim];
            uint256 refund = held < record.asserterGas ? held : record.asserterGas;
            reserve[record.claim] -= refund;
            shortfall[cases[place].challenger] += record.asserterGas - refund;
            ++closed;
            return _drop(place);
        }
    }

    function _finalise(uint256 seed) internal {
        uint256 count = court.claimCount();
        if (count == 0) return;
        uint256 id = 1 + seed % count;
        ICourt.Claim memory claim = court.claim(id);
        if (claim.state != ICourt.State.Open || block.number <= claim.deadline) return;
        uint256[] memory parents = court.parentsOf(id);
        if (parents.length > 0) {
            if (court.claim(parents[0]).state != ICourt.State.Final) return;
        }
        court.finalise(id);
        ++finals;
    }

    function _void(uint256 seed) internal {
        uint256 count = court.claimCount();
        for (uint256 i = 0; i < count; ++i) {
            uint256 id = 1 + (seed % count + i) % count;
            ICourt.State state = court.claim(id).state;
            uint256[] memory parents = court.parentsOf(id);
            bool open = state == ICourt.State.Open || state == ICourt.State.Disputed;
            if (!open || parents.length == 0) continue;
            ICourt.State above = court.claim(parents[0]).state;
            if (above != ICourt.State.Struck && above != ICourt.State.Void) continue;
            shortfall[asserterOf[id]] += _booksOf(id).drawn;
            court.void(id, parents[0]);
            ++voided;
            return;
        }
    }

    // What must hold.

    /// @notice The court holds the bonds of what is undecided, less the gas advanced out of them, and
    ///         what fallen claims still owe.
    function checkBalance() external view {
        uint256 held = 0;
        for (uint256 id = 1; id <= court.claimCount(); ++id) {
            ICourt.State state = court.claim(id).state;
            held += reserve[id];
            if (state != ICourt.State.Open && state != ICourt.State.Disputed) continue;
            held += BOND - _booksOf(id).drawn;
        }
        for (uint256 i = 0; i < cases.length; ++i) {
            held += BOND - recordOf(i).asserterGas;
        }
        vm.assertEq(token.balanceOf(address(court)), held, "the court holds what it must");
    }

    function checkBurnt() external view {
        vm.assertEq(supply - token.totalSupply(), decided * HALF, "half of each lost bond");
        uint256 sum = token.balanceOf(address(court)) + decided * HALF;
        for (uint256 i = 0; i < PARTIES; ++i) {
            sum += token.balanceOf(party(i));
        }
        vm.assertEq(sum, PARTIES * WEALTH, "nothing goes to anybody else");
    }

    function checkFinal() external view {
        for (uint256 id = 1; id <= court.claimCount(); ++id) {
            ICourt.Claim memory claim = court.claim(id);
            if (claim.state != ICourt.State.Final) continue;
            vm.assertTrue(!lost[id], "lost and final");
            vm.assertEq(claim.disputes, 0, "undecided and final");
        }
    }

    /// @notice Whoever plays by the right execution loses nothing, but for gas that was paid to the other
    ///         side of a dispute which ended without either.
    function checkHonest() external view {
        vm.assertTrue(!honestLost, "the honest never lose");
        for (uint256 who = 0; who < 2; ++who) {
            uint256 worth = token.balanceOf(party(who)) + shortfall[who];
            for (uint256 id = 1; id <= court.claimCount(); ++id) {
                ICourt.State state = court.claim(id).state;
                bool open = state == ICourt.State.Open || state == ICourt.State.Disputed;
                if (open && asserterOf[id] == who) worth += BOND;
            }
            for (uint256 i = 0; i < cases.length; ++i) {
                if (cases[i].challenger == who) worth += BOND;
            }
            vm.assertGe(worth, WEALTH, "nor do they pay");
        }
    }
}

contract CourtInvariants is Campaign {
    CourtPlay internal play;

    function setUp() public {
        play = new CourtPlay();
    }

    function player() internal view override returns (address) {
        return address(play);
    }

    /// forge-config: default.invariant.runs = 16
    function invariant_court() external view {
        check();
    }

    function check() internal view {
        play.checkBalance();
        play.checkBurnt();
        play.checkFinal();
        play.checkHonest();
    }

    /// @notice The play reaches every corner that the invariants are about.
    function test_play_reachesEverything() external {
        for (uint256 i = 0; i < 900; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("court", i)));
            play.step(seed >> 128, seed);
            if (i % 20 == 0) check();
        }
        check();
        vm.assertGt(play.convicted(), 3);
        vm.assertGt(play.refuted(), 3);
        vm.assertGt(play.closed(), 1);
        vm.assertGt(play.voided(), 1);
        vm.assertGt(play.finals(), 3);
    }
}
