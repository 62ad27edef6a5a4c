// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {ICourt} from "../src/interfaces/ICourt.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {IRounds} from "../src/interfaces/IRounds.sol";
import {IScores} from "../src/interfaces/IScores.sol";
import {Amount} from "../src/lib/Amount.sol";
import {Tree} from "../src/lib/Tree.sol";
import {ScoresDesk} from "./support/ScoresDesk.sol";

/// @notice What a settled score pays, burns and leaves.
contract ScoresMoneyTest is ScoresDesk {
    uint64 internal constant WHOLE = 1000e9; // a stake in gwei

    function setUp() public {
        deployScored(4, 0, 1_000e18);
    }

    function play(uint64 count) internal {
        for (uint64 i = 0; i < count; ++i) {
            playRound();
        }
    }

    function plain() internal pure returns (Score memory) {
        return scoreOf(list(10e9, 0, 5e9, 0), list(10e9, 0, 5e9, 0), list(0, 3e9, 0, 1));
    }

    /// @notice The whole life of several rounds, each scored as it comes up.
    function test_score_paysAndBurns() public {
        play(3);
        uint256 supply = token.totalSupply();
        Score memory made = plain();
        uint32[] memory nodes = new uint32[](4);
        (nodes[1], nodes[2], nodes[3]) = (1, 2, 3);
        postWindows(1);
        uint256 claim = postScoreAs(posterOf(), 1, outputsRootOf(made.roots));
        mine(WINDOW + 1);
        vm.expectEmit();
        emit IScores.Scored(1, claim, made.roots[1], nodes, list(0, 3e9, 0, 1));
        settleScore(1, made);

        vm.assertEq(scores.scoredCount(), 1);
        vm.assertEq(scores.next(), 2);
        vm.assertEq(scores.paid(), 15e18);
        vm.assertEq(scores.cumulativeRoot(), made.roots[1]);
        vm.assertEq(rewards.root(), made.roots[1]);
        vm.assertEq(registry.stakeOf(0), STAKE);
        vm.assertEq(registry.stakeOf(1), STAKE - 3e18);
        vm.assertEq(registry.stakeOf(3), STAKE - 1e9);
        vm.assertEq(token.totalSupply(), supply - 3e18 - 1e9);
        rewards.claim(0, made.cumulativeChunk, made.siblings);
        rewards.claim(2, made.cumulativeChunk, made.siblings);
        vm.assertEq(token.balanceOf(payeeOf(keys[0])), 10e18);
        vm.assertEq(token.balanceOf(payeeOf(keys[2])), 5e18);
        vm.assertEq(token.balanceOf(address(court)), 0);

        playRound();
        made = scoreOf(list(11e9, 2e9, 5e9, 0), list(1e9, 2e9, 0, 0), list(0, 0, 0, 0));
        scoreRound(2, made);
        vm.assertEq(scores.paid(), 18e18);
        rewards.claim(0, made.cumulativeChunk, made.siblings);
        rewards.claim(1, made.cumulativeChunk, made.siblings);
        vm.assertEq(token.balanceOf(payeeOf(keys[0])), 11e18);
        vm.assertEq(token.balanceOf(payeeOf(keys[1])), 2e18);
    }

    function test_settleScore_refuses() public {
        play(3);
        Score memory made = plain();
        vm.expectRevert(abi.encodeWithSelector(IScores.ClaimNotFinal.selector, 0));
        settleScore(1, made);
        vm.expectRevert(abi.encodeWithSelector(IScores.NotNext.selector, 1, 2));
        settleScore(2, made);
        postWindows(1);
        uint256 claim = postScoreAs(posterOf(), 1, outputsRootOf(made.roots));
        mine(WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IScores.ClaimNotFinal.selector, claim));
        settleScore(1, made);
        mine(1);
        made.roots[0] = "other";
        bytes memory refusal = abi.encodeWithSelector(
            IScores.OutputsMismatch.selector,
            court.claim(claim).outputsRoot,
            outputsRootOf(made.roots)
        );
        vm.expectRevert(refusal);
        settleScore(1, made);
        made = plain();
        bytes32[] memory short = new bytes32[](6);
        vm.expectRevert(abi.encodeWithSelector(IScores.OutputCount.selector, 6, 7));
        scores.settleScore(1, short, made.burnChunk, made.payChunk);
        bytes memory other = doubles(list(0, 0, 0, 0));
        vm.expectRevert(
            abi.encodeWithSelector(IScores.ChunkMismatch.selector, made.roots[2], Tree.leaf(other))
        );
        scores.settleScore(1, made.roots, other, made.payChunk);
        vm.expectRevert(
            abi.encodeWithSelector(IScores.ChunkMismatch.selector, made.roots[3], Tree.leaf(other))
        );
        scores.settleScore(1, made.roots, made.burnChunk, other);
        vm.expectRevert(abi.encodeWithSelector(Tree.ChunkLength.selector, 255, 256));
        scores.settleScore(1, made.roots, new bytes(255), made.payChunk);
        court.finalise(claim);
        settleScore(1, made);
        vm.expectRevert(abi.encodeWithSelector(IScores.NotWaiting.selector, 1));
        settleScore(1, made);
        vm.expectRevert(abi.encodeWithSelector(IScores.NotWaiting.selector, 1));
        postWindowAs(0, 1, windowOf(1));
    }

    /// @notice A claim that was struck settles nothing.
    function test_settleScore_struck() public {
        play(3);
        Score memory made = plain();
        postWindows(1);
        uint32 first = posterOf();
        uint256 claim = postScoreAs(first, 1, outputsRootOf(made.roots));
        convictScore((first + 1) % 4, 1, claim);
        vm.expectRevert(abi.encodeWithSelector(IScores.ClaimNotFinal.selector, claim));
        settleScore(1, made);
    }

    function test_settleScore_noAmount() public {
        play(3);
        Score memory made = plain();
        made.payChunk[6] = 0xf8; // 10e9 becomes no integer
        made.payChunk[7] = 0x7f;
        made.roots[3] = Tree.leaf(made.payChunk);
        postWindows(1);
        postScoreAs(posterOf(), 1, outputsRootOf(made.roots));
        mine(WINDOW + 1);
        uint64 bits = Amount.swap(uint64(bytes8(this.first(made.payChunk))));
        vm.expectRevert(abi.encodeWithSelector(Amount.NotAnAmount.selector, bits));
        settleScore(1, made);
    }

    function first(bytes calldata chunk) external pure returns (bytes8) {
        return bytes8(chunk[:8]);
    }

    /// @notice Burns end with the stake, whatever a score says.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_burn_withinTheStake(uint64 stake, uint64 burn) public {
        uint256 own = bound(stake, STAKE / 10, 3 * STAKE);
        uint64 burnt = uint64(bound(burn, 0, 2 ** 50));
        vm.prank(vm.addr(keys[1]));
        registry.leave(); // so that only those drawn below have seats
        uint32 node = join(0xE, own);
        play(3);
        uint64[] memory byRow = new uint64[](4);
        uint256 total = 0;
        for (uint256 row = 0; row < 4; ++row) {
            if (rowsOf[1][row] != node) continue;
            byRow[row] = burnt;
            total += uint256(burnt) * 1e9;
        }
        uint256 supply = token.totalSupply();
        scoreRound(1, scoreOf(list(0, 0, 0, 0), list(0, 0, 0, 0), byRow));
        uint256 taken = total < own ? total : own;
        vm.assertEq(registry.stakeOf(node), own - taken);
        vm.assertEq(token.totalSupply(), supply - taken);
        vm.assertEq(token.balanceOf(address(registry)), 4 * STAKE + own - taken);
    }

    /// @notice A node of half the stake has half the rows, and loses what they lose together.
    function test_score_severalRowsOfOne() public {
        uint32 node = join(0xE, 4 * STAKE);
        play(3);
        IScores.Past memory past = scores.pastOf(1);
        uint256 rows = 0;
        for (uint256 i = 0; i < past.players.length; ++i) {
            if (past.players[i].index != node) continue;
            rows = past.players[i].rows;
            vm.assertEq(past.players[i].stakeGwei, 4 * WHOLE / rows);
        }
        vm.assertEq(rows, 2);
        uint64[] memory byRow = new uint64[](4);
        for (uint256 row = 0; row < 4; ++row) {
            if (rowsOf[1][row] == node) byRow[row] = uint64(7e9 + row);
        }
        scoreRound(1, scoreOf(list(0, 0, 0, 0), list(0, 0, 0, 0), byRow));
        uint256 burnt = 4 * STAKE - registry.stakeOf(node);
        vm.assertEq(burnt, (14e9 + 5) * 1e9); // its rows are the last two
    }

    /// @notice Without pay nothing is burnt: a game that can only be lost is none.
    function test_unfunded_paysAndBurnsNothing() public {
        deployScored(4, 0, 50e18 - 1);
        play(3);
        (, uint64 budget) = groundOfOpen();
        vm.assertEq(budget, 0);
        scoreRound(1, scoreOf(list(0, 0, 0, 0), list(0, 0, 0, 0), list(0, 9e9, 9e9, 0)));
        vm.assertEq(registry.stakeOf(1), STAKE);
        vm.assertEq(scores.paid(), 0);
        vm.assertEq(scores.scoredCount(), 1);
        // What comes later is for later rounds.
        playRound();
        rewards.fund(1);
        scoreRound(2, scoreOf(list(9e9, 0, 0, 0), list(9e9, 0, 0, 0), list(0, 9e9, 0, 0)));
        vm.assertEq(registry.stakeOf(1), STAKE - 9e18);
        vm.assertEq(scores.paid(), 9e18);
        // What is left is no whole budget.
        playRound();
        mine(WINDOW_BLOCKS + 1);
        (, budget) = groundOf(3);
        vm.assertEq(budget, 0);
        rewards.fund(9e18);
        (, budget) = groundOf(3);
        vm.assertEq(budget, SCORE_GWEI);
    }

    function groundOfOpen() internal returns (bytes32 ground, uint64 budget) {
        uint256 snapshot = block.number;
        mine(WINDOW_BLOCKS + 1);
        (ground, budget) = groundOf(1);
        vm.roll(snapshot);
    }

    /// @notice The budget is that of the claim, whatever is paid in until it is settled.
    function test_unfunded_fundedAfterTheClaim() public {
        deployScored(4, 0, 0);
        play(3);
        postWindows(1);
        Score memory made = plain();
        postScoreAs(posterOf(), 1, outputsRootOf(made.roots));
        rewards.fund(1_000e18);
        mine(WINDOW + 1);
        settleScore(1, made);
        vm.assertEq(registry.stakeOf(1), STAKE);
        vm.assertEq(scores.paid(), 0);
    }

    /// @notice With a budget of 0 rounds open in any case; with the scores' own, while there is pay for
    ///         all that wait and the next.
    function test_funded_gatesRounds() public {
        deployScored(4, SCORE_GWEI, 0);
        vm.expectRevert(abi.encodeWithSelector(IRounds.Unfunded.selector, 0, 50e18));
        rounds.open();
        rewards.fund(150e18);
        play(3);
        vm.assertEq(scores.funded(), 150e18);
        vm.expectRevert(abi.encodeWithSelector(IRounds.Unfunded.selector, 150e18, 200e18));
        rounds.open();
        // The first paid 15 of 50; the other 35 are there for a later one, with 15 more.
        scoreRound(1, plain());
        vm.assertEq(scores.funded(), 185e18);
        vm.expectRevert(abi.encodeWithSelector(IRounds.Unfunded.selector, 185e18, 200e18));
        rounds.open();
        rewards.fund(15e18);
        playRound();
        scoreRound(2, scoreOf(list(60e9, 0, 5e9, 0), list(50e9, 0, 0, 0), list(0, 0, 0, 0)));
        vm.assertEq(scores.paid(), 65e18);
        vm.assertEq(scores.funded(), 165e18 + 100e18 - 65e18);
    }

    /// @notice A voided round is no round here: it counts for no lag and no order.
    function test_voidedRoundInBetween() public {
        play(2);
        vm.assertEq(openRound(), 3);
        commitAs(0);
        mine(20); // commits for one seat of three
        vm.assertEq(playRound(), 4);
        vm.expectRevert(abi.encodeWithSelector(IScores.NotWaiting.selector, 3));
        scores.pastOf(3);
        vm.assertEq(scores.pastOf(1).openBlock, block.number);
        scoreRound(1, plain());
        vm.assertEq(playRound(), 5);
        scoreRound(2, plain());
        vm.assertEq(scores.next(), 4);
        vm.assertEq(playRound(), 6);
        scoreRound(4, plain());
        vm.assertEq(scores.scoredCount(), 3);
    }

    /// @notice Rounds go on while a score is disputed; all are scored in their order then.
    function test_scoreWaits_roundsGoOn() public {
        play(3);
        postWindows(1);
        uint32 poster = posterOf();
        uint256 wrong = postScoreAs(poster, 1, "wrong");
        (uint256 dispute, ICourt.Dispute memory record) = challengeScore((poster + 1) % 4, 1, wrong);
        play(4);
        vm.assertEq(scores.next(), 1);
        mine(CLOCK);
        court.timeout(dispute, record);
        for (uint64 i = 1; i <= 5; ++i) {
            Score memory made = plain();
            postScoreAs(posterOf(), i, outputsRootOf(made.roots));
            mine(WINDOW + 1);
            settleScore(i, made);
        }
        vm.assertEq(scores.scoredCount(), 5);
        vm.expectRevert(abi.encodeWithSelector(IScores.WindowOpen.selector, 6));
        scores.poster();
    }

    // Stakes that may be gone.

    function held(uint32 node) internal view returns (uint64) {
        return scores.pastOf(1).players[node].stakeGwei;
    }

    function test_heldUntil() public {
        vm.prank(vm.addr(keys[1]));
        registry.leave();
        uint64 unbond = registry.node(1).unbondBlock;
        vm.assertEq(registry.heldUntil(0, type(uint64).max), STAKE);
        vm.assertEq(registry.heldUntil(1, unbond - 1), STAKE);
        vm.assertEq(registry.heldUntil(1, unbond), 0);
        vm.assertEq(registry.heldUntil(7, 0), 0);
    }

    /// @notice What may be withdrawn before the score can neither win nor lose.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_stake_cutAtTheOpening(uint16 early) public {
        play(2);
        vm.prank(vm.addr(keys[1]));
        registry.leave();
        uint64 unbond = registry.node(1).unbondBlock;
        uint256 opens = bound(early, block.number + 20, unbond + 50);
        vm.roll(opens - 6);
        uint64 round = openRound();
        rounds.draw();
        IRounds.Seat[] memory seats = rounds.current().seats;
        for (uint256 i = 0; i < seats.length; ++i) {
            commitAs(seats[i].index);
        }
        for (uint256 i = 0; i < seats.length; ++i) {
            revealDataAs(seats[i].index);
        }
        mine(2);
        settleRound(round);
        bool stays = unbond > block.number + SCORE_BLOCKS;
        vm.assertEq(held(1), stays ? WHOLE : 0);
        vm.assertEq(held(0), WHOLE);
    }

    /// @notice What was burnt in between is no stake of it any more, what was added never was.
    function test_stake_burntOrAddedInBetween() public {
        play(3);
        scoreRound(1, scoreOf(list(0, 0, 0, 0), list(0, 0, 0, 0), list(0, 50e9, 0, 0)));
        vm.prank(vm.addr(keys[2]));
        registry.addStake(50e18);
        IScores.Past memory past = scores.pastOf(2);
        vm.assertEq(past.players[1].stakeGwei, WHOLE);
        playRound();
        past = scores.pastOf(2);
        vm.assertEq(past.players[1].stakeGwei, 950e9);
        vm.assertEq(past.players[2].stakeGwei, WHOLE);
    }

    /// @notice Whoever settles a score has seen what draws the next round's seats: they are drawn first.
    function test_burn_drawsFirst() public {
        play(3);
        Score memory made =
            scoreOf(list(0, 0, 0, 0), list(0, 0, 0, 0), list(WHOLE, WHOLE, WHOLE, 0));
        postWindows(1);
        postScoreAs(posterOf(), 1, outputsRootOf(made.roots));
        mine(WINDOW + 1);
        openRound();
        IRounds.Seat[] memory before = rounds.current().seats;
        settleScore(1, made);
        IRounds.Seat[] memory drawn = rounds.current().seats;
        vm.assertEq(drawn.length, 4);
        for (uint256 i = 0; i < 4; ++i) {
            vm.assertEq(drawn[i].index, before[i].index);
            vm.assertEq(drawn[i].stake, STAKE);
        }
        vm.assertEq(registry.activeCount(), 1);
    }

    function test_penalise_onlyRoundsAndItsScores() public {
        vm.expectRevert(abi.encodeWithSelector(IRegistry.OnlyRounds.selector));
        registry.penalise(0, 1);
        vm.prank(address(rewards));
        vm.expectRevert(abi.encodeWithSelector(IRegistry.OnlyRounds.selector));
        registry.penalise(0, 1);
        vm.prank(address(scores));
        registry.penalise(0, 1);
        vm.assertEq(registry.stakeOf(0), STAKE - 1);
    }
}
