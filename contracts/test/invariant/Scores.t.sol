// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../../src/interfaces/ICourt.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {IScores} from "../../src/interfaces/IScores.sol";
import {Campaign} from "../support/Campaign.sol";
import {ScoresDesk} from "../support/ScoresDesk.sol";

/// @notice Plays rounds and their scores: each step is one call that is allowed at that moment, or none,
///         so nothing here reverts but a fault: settling among them, whatever became of older scores.
contract ScoresPlay is ScoresDesk {
    uint256 internal constant SUPPLY = 1_000_000_000e18;
    uint32 internal constant NODES = 6;

    uint64[] internal due; // gwei by node, as the last settled score says
    uint64[] internal next; // as the posted one says
    uint64[] internal burns; // by row, as the posted one says
    Score internal claimed;
    Score internal settled;
    uint64 internal budget;
    uint64[] internal order; // settled rounds
    uint256 public scoredCount;
    uint256 public promised; // wei
    uint256 public burnt; // wei, by scores
    uint256 public lost; // wei, half of each lost bond
    uint256 public unfunded;
    uint256 public cut;
    uint256 public strikes;
    uint256 public outsiders;
    uint256 public left;
    mapping(uint32 node => uint256) internal stake;
    bool public rose;

    constructor() {
        deployScored(NODES, 0, 60e18);
        for (uint256 i = 0; i < NODES; ++i) {
            token.transfer(vm.addr(keys[i]), 100_000e18);
        }
        due = new uint64[](NODES);
        next = new uint64[](NODES);
    }

    function step(uint256 choice, uint256 seed) external {
        _remember();
        choice %= 100;
        seed %= 2 ** 128;
        if (choice < 22) _round();
        else if (choice < 50) _window(seed);
        else if (choice < 60) mine(1 + seed % (2 * WINDOW_BLOCKS));
        else if (choice < 74) _post(seed);
        else if (choice < 78) _lie(seed);
        else if (choice < 92) _settle();
        else if (choice < 95) rewards.fund(bound(seed, 1, 60e18));
        else if (choice < 97) _leave(uint32(seed % NODES));
        else _claim(uint32(seed % NODES));
        _checkStakes();
    }

    function _remember() internal {
        for (uint32 i = 0; i < NODES; ++i) {
            stake[i] = registry.stakeOf(i);
        }
    }

    function _checkStakes() internal {
        for (uint32 i = 0; i < NODES; ++i) {
            if (registry.stakeOf(i) > stake[i]) rose = true;
        }
    }

    /// @notice A whole round; not of nodes that have left, who take no seats.
    function _round() internal {
        if (registry.activeCount() < NEEDED) return;
        uint64 round = playRound();
        order.push(round);
        _countCuts(round);
    }

    function _countCuts(uint64) internal {
        if (order.length <= LAG) return;
        uint64 opened = order[order.length - 1 - LAG];
        IScores.Past memory past = scores.pastOf(opened);
        for (uint256 i = 0; i < past.players.length; ++i) {
            IRounds.Seat memory seat = seatsOf[opened][i];
            if (past.players[i].stakeGwei < seat.stake / seat.rows / 1e9) ++cut;
        }
    }

    /// @notice Somebody's window of one of the rounds that wait.
    function _window(uint256 seed) internal {
        if (scores.scoredCount() + LAG >= order.length) return;
        uint256 open = order.length - LAG - scores.scoredCount();
        uint64 round = order[scores.scoredCount() + seed % open];
        IScores.Past memory past = scores.pastOf(round);
        if (past.fullBlock != 0 || block.number > past.openBlock + WINDOW_BLOCKS) return;
        for (uint256 i = 0; i < past.players.length; ++i) {
            uint32 node = past.players[(i + seed) % past.players.length].index;
            bool said = past.players[(i + seed) % past.players.length].window != 0;
            if (said || !_joined(node)) continue;
            postWindowAs(node, round, windowOf(seed));
            return;
        }
    }

    function _joined(uint32 node) internal view returns (bool joined) {
        (joined,) = registry.find(vm.addr(keys[node]));
    }

    /// @notice Whose turn it is, or once it is anybody's, who comes.
    function _poster(uint256 seed) internal returns (bool known, uint32 node, uint64 round) {
        round = scores.next();
        if (round == 0 || scores.pastOf(round).claim != 0) return (false, 0, 0);
        try scores.poster() returns (uint32 elected, bool free) {
            node = elected;
            if (free) node = uint32(seed % NODES);
            known = _joined(node) && token.balanceOf(vm.addr(keys[node])) >= BOND;
            if (known && free && node != elected) ++outsiders;
        } catch {}
    }

    function _post(uint256 seed) internal {
        (bool known, uint32 node, uint64 round) = _poster(seed);
        if (!known) return;
        (, budget) = groundOf(round);
        uint256 rows = rowsOf[round].length;
        uint64[] memory pay = new uint64[](rows);
        burns = new uint64[](rows);
        for (uint256 i = 0; i < NODES; ++i) {
            next[i] = due[i];
        }
        for (uint256 row = 0; row < rows; ++row) {
            uint64 some = uint64(uint256(keccak256(abi.encode(seed, row))));
            if (some % 2 == 0) pay[row] = some % (budget / uint64(rows) + 1);
            else burns[row] = some % (some % 7 == 0 ? 2000e9 : 20e9); // some beyond the stake
            next[rowsOf[round][row]] += pay[row];
        }
        claimed = scoreOf(next, pay, burns);
        postScoreAs(node, round, outputsRootOf(claimed.roots));
    }

    /// @notice A wrong score, which falls.
    function _lie(uint256 seed) internal {
        (bool known, uint32 node, uint64 round) = _poster(seed);
        if (!known) return;
        uint32 other = (node + 1) % NODES;
        if (token.balanceOf(vm.addr(keys[other])) < BOND) return;
        uint256 claim = postScoreAs(node, round, bytes32(seed));
        convictScore(other, round, claim);
        lost += BOND / 2;
        ++strikes;
    }

    function _settle() internal {
        uint64 round = scores.next();
        if (round == 0) return;
        uint256 id = scores.pastOf(round).claim;
        if (id == 0) return;
        ICourt.Claim memory claim = court.claim(id);
        if (block.number <= claim.deadline) return;
        vm.assertEq(round, order[scoredCount], "in the order of settling");
        _expectBurns(round);
        settleScore(round, claimed);
        settled = claimed;
        ++scoredCount;
        if (budget == 0) ++unfunded;
        for (uint256 i = 0; i < NODES; ++i) {
            promised += uint256(next[i] - due[i]) * 1e9;
            due[i] = next[i];
        }
    }

    function _expectBurns(uint64 round) internal {
        if (budget == 0) return;
        uint256[] memory gwei_ = new uint256[](NODES);
        for (uint256 row = 0; row < burns.length; ++row) {
            gwei_[rowsOf[round][row]] += burns[row];
        }
        for (uint32 i = 0; i < NODES; ++i) {
            uint256 has = registry.stakeOf(i);
            burnt += gwei_[i] * 1e9 < has ? gwei_[i] * 1e9 : has;
        }
    }

    function _leave(uint32 node) internal {
        if (registry.node(node).unbondBlock == 0) {
            if (left >= NODES - NEEDED) return;
            ++left;
            vm.prank(vm.addr(keys[node]));
            registry.leave();
        } else if (_joined(node)) {
            uint64 unbond = registry.node(node).unbondBlock;
            if (block.number < unbond) vm.roll(unbond);
            vm.prank(vm.addr(keys[node]));
            registry.withdraw();
        }
    }

    function _claim(uint32 node) internal {
        if (rewards.root() == 0 || rewards.paid(node) >= uint256(due[node]) * 1e9) return;
        rewards.claim(node, settled.cumulativeChunk, settled.siblings);
    }

    // What must hold.

    function check() external view {
        vm.assertTrue(!rose, "nobody's stake rises");
        vm.assertEq(scores.scoredCount(), scoredCount, "each round is scored once");
        vm.assertEq(rounds.settledCount(), order.length, "rounds go on");
        vm.assertEq(scores.paid(), promised, "what was paid is what nodes are due");
        vm.assertLe(scores.paid(), rewards.funded(), "no more than was funded");
        vm.assertEq(token.totalSupply(), SUPPLY - burnt - lost, "only scores and lost bonds burn");
        uint256 paid = 0;
        uint256 stakes = 0;
        for (uint32 i = 0; i < NODES; ++i) {
            paid += rewards.paid(i);
            stakes += registry.stakeOf(i);
        }
        vm.assertEq(token.balanceOf(address(rewards)), rewards.funded() - paid, "the rest is there");
        vm.assertEq(token.balanceOf(address(registry)), stakes, "registry holds the stakes");
        for (uint256 i = scoredCount; i < order.length; ++i) {
            IScores.Past memory past = scores.pastOf(order[i]);
            vm.assertTrue(
                (past.openBlock != 0) == (i + LAG < order.length), "windows open in order"
            );
            if (i > scoredCount) vm.assertEq(past.claim + past.fallen, 0, "one score at a time");
        }
    }
}

contract ScoresInvariants is Campaign {
    ScoresPlay internal play;

    function setUp() public {
        play = new ScoresPlay();
    }

    function player() internal view override returns (address) {
        return address(play);
    }

    /// forge-config: default.invariant.runs = 16
    function invariant_books() external view {
        play.check();
    }

    /// @notice The play reaches every corner that the invariants are about.
    function test_play_reachesEverything() external {
        for (uint256 i = 0; i < 1500; ++i) {
            uint256 seed = uint256(keccak256(abi.encode("play", i)));
            play.step(seed >> 128, seed);
            if (i % 25 == 0) play.check();
        }
        play.check();
        vm.assertGt(play.scoredCount(), 20);
        vm.assertGt(play.promised(), 0);
        vm.assertGt(play.burnt(), 0);
        vm.assertGt(play.unfunded(), 0);
        vm.assertGt(play.strikes(), 3);
        vm.assertGt(play.outsiders(), 0);
        vm.assertGt(play.left(), 0);
        vm.assertGt(play.cut(), 0);
    }
}
