// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Scores} from "../src/Scores.sol";
import {ICourt} from "../src/interfaces/ICourt.sol";
import {IRounds} from "../src/interfaces/IRounds.sol";
import {IScores} from "../src/interfaces/IScores.sol";
import {Header} from "../src/lib/Header.sol";
import {Inputs} from "../src/lib/Inputs.sol";
import {Tree} from "../src/lib/Tree.sol";
import {ScoresDesk} from "./support/ScoresDesk.sol";

/// @notice From a settled round to its score's claim.
contract ScoresTest is ScoresDesk {
    function setUp() public {
        deployScored(4, 0, 1_000e18);
    }

    /// @notice Three rounds, so that the first one's window opens.
    function threeRounds() internal {
        for (uint64 i = 1; i <= 3; ++i) {
            vm.assertEq(playRound(), i);
        }
    }

    function refused(string memory field, IScores.Terms memory terms) internal {
        vm.expectRevert(abi.encodeWithSelector(IScores.BadTerms.selector, field));
        new Scores(rounds, court, registry, rewards, terms);
    }

    function test_constructor_refuses() public {
        IScores.Terms memory terms = scoreTerms();
        terms.quorum = 0;
        refused("quorum", terms);
        terms = scoreTerms();
        terms.programs = new bytes32[](0);
        refused("programs", terms);
        terms.programs = new bytes32[](31);
        refused("programs", terms);
        terms = scoreTerms();
        terms.models = 0;
        refused("models", terms);
        terms = scoreTerms();
        terms.windowLength = 12;
        refused("windowLength", terms);
        terms.windowLength = 0;
        refused("windowLength", terms);
        terms.windowLength = 16_392;
        refused("windowLength", terms);
        terms = scoreTerms();
        terms.lag = 0;
        refused("lag", terms);
        terms = scoreTerms();
        terms.windowBlocks = 0;
        refused("windowBlocks", terms);
        terms.windowBlocks = 2 ** 32 + 1;
        refused("windowBlocks", terms);
        terms = scoreTerms();
        terms.turnBlocks = 0;
        refused("turnBlocks", terms);
        terms = scoreTerms();
        terms.budgetGwei = 2 ** 46 + 1;
        refused("budgetGwei", terms);
        terms = scoreTerms();
        terms.cumulativeLength = LENGTH + 1;
        refused("cumulativeLength", terms);
        refused("court", scoreTerms());
    }

    /// @notice Whoever leaves once a window is open cannot be gone before the score.
    function test_constructor_unbonding() public {
        vm.assertEq(scores.scoreBlocks(), SCORE_BLOCKS);
        IScores.Terms memory terms = scoreTerms();
        terms.windowBlocks += UNBOND - SCORE_BLOCKS;
        vm.prank(address(scores));
        court.admit(vm.computeCreateAddress(address(this), vm.getNonce(address(this))));
        refused("unbondBlocks", terms);
        terms.windowBlocks -= 1;
        vm.prank(address(scores));
        court.admit(vm.computeCreateAddress(address(this), vm.getNonce(address(this))));
        new Scores(rounds, court, registry, rewards, terms);
    }

    function test_post_onlyRounds() public {
        vm.expectRevert(abi.encodeWithSelector(IScores.OnlyRounds.selector));
        scores.post(1, 0);
    }

    function test_post_keepsTheRound() public {
        uint64 number = playRound();
        IRounds.Round memory round = rounds.current();
        IScores.Past memory past = scores.pastOf(number);
        vm.assertEq(past.place, 0);
        vm.assertEq(past.rows, 4);
        vm.assertEq(past.waiting, 4);
        vm.assertEq(past.openBlock, 0);
        vm.assertEq(past.aggregation, rounds.settledClaim());
        vm.assertEq(past.seed, round.electSeed);
        vm.assertEq(past.players.length, 4);
        for (uint32 i = 0; i < 4; ++i) {
            vm.assertEq(past.players[i].index, i);
            vm.assertEq(past.players[i].rows, 1);
            vm.assertEq(past.players[i].stakeGwei, 1000e9);
            vm.assertEq(past.players[i].window, 0);
        }
        vm.assertEq(scores.next(), 1);
    }

    /// @notice Not what `Rounds` says of pay is paid: its root never comes to `Rewards`.
    function test_post_paysNothing() public {
        threeRounds();
        vm.assertEq(rewards.root(), 0);
        vm.assertEq(scores.cumulativeRoot(), ZERO_PAY);
    }

    function test_window_opensAfterLag() public {
        playRound();
        playRound();
        vm.expectRevert(abi.encodeWithSelector(IScores.WindowShut.selector, 1));
        postWindowAs(0, 1, windowOf(1));
        vm.expectRevert(abi.encodeWithSelector(IScores.WindowOpen.selector, 1));
        scores.poster();
        playRound();
        vm.assertEq(scores.pastOf(1).openBlock, block.number);
        vm.assertEq(scores.pastOf(2).openBlock, 0);
        vm.expectEmit();
        emit IScores.WindowPosted(1, 2, this.windowRoot(windowOf(1)), windowOf(1));
        postWindowAs(2, 1, windowOf(1));
        vm.assertEq(scores.pastOf(1).waiting, 3);
        vm.assertEq(scores.pastOf(1).players[2].window, this.windowRoot(windowOf(1)));
    }

    function windowRoot(bytes calldata data) external pure returns (bytes32) {
        return Tree.tensorRoot(data, 256);
    }

    function test_postWindow_refuses() public {
        threeRounds();
        bytes memory data = windowOf(1);
        vm.expectRevert(abi.encodeWithSelector(IScores.NotWaiting.selector, 9));
        postWindowAs(0, 9, data);
        vm.expectRevert(abi.encodeWithSelector(IScores.WindowShut.selector, 2));
        postWindowAs(0, 2, data);
        vm.expectRevert(abi.encodeWithSelector(IScores.WindowLength.selector, 319, 320));
        postWindowAs(0, 1, new bytes(319));
        vm.expectRevert(abi.encodeWithSelector(IScores.WindowLength.selector, 321, 320));
        postWindowAs(0, 1, new bytes(321));
        vm.expectRevert(abi.encodeWithSelector(IScores.NoRows.selector, vm.addr(0xE)));
        vm.prank(vm.addr(0xE));
        scores.postWindow(1, data);
        join(0xE, STAKE);
        vm.expectRevert(abi.encodeWithSelector(IScores.NoRows.selector, vm.addr(0xE)));
        postWindowAs(4, 1, data);
        postWindowAs(0, 1, data);
        vm.expectRevert(abi.encodeWithSelector(IScores.AlreadyPosted.selector, 0));
        postWindowAs(0, 1, data);
    }

    function test_postWindow_untilTheLastBlock() public {
        threeRounds();
        uint256 open = block.number;
        vm.roll(open + WINDOW_BLOCKS);
        postWindowAs(1, 1, windowOf(1));
        vm.expectRevert(abi.encodeWithSelector(IScores.WindowOpen.selector, 1));
        scores.poster();
        vm.roll(open + WINDOW_BLOCKS + 1);
        vm.expectRevert(abi.encodeWithSelector(IScores.WindowShut.selector, 1));
        postWindowAs(2, 1, windowOf(1));
        scores.poster();
    }

    /// @notice Once all are in, nobody has to wait.
    function test_postWindow_full() public {
        threeRounds();
        postWindows(1);
        vm.assertEq(scores.pastOf(1).fullBlock, block.number);
        vm.expectRevert(abi.encodeWithSelector(IScores.WindowShut.selector, 1));
        postWindowAs(2, 1, windowOf(1));
        postScoreAs(posterOf(), 1, "outputs");
    }

    /// @notice A key that has left says nothing any more, nor if it joins anew.
    function test_postWindow_whoLeft() public {
        playRound();
        vm.startPrank(vm.addr(keys[3]));
        registry.leave();
        mine(UNBOND);
        registry.withdraw();
        vm.stopPrank();
        playRound();
        playRound();
        vm.expectRevert(abi.encodeWithSelector(IScores.NoRows.selector, vm.addr(keys[3])));
        postWindowAs(3, 1, windowOf(1));
        vm.assertEq(join(keys[3], STAKE), 4);
        vm.expectRevert(abi.encodeWithSelector(IScores.NoRows.selector, vm.addr(keys[3])));
        postWindowAs(3, 1, windowOf(1));
    }

    /// @notice The claim's inputs, hashed here by hand: node 3 says nothing.
    function test_groundOf_derivesTheInputs() public {
        threeRounds();
        for (uint32 i = 0; i < 3; ++i) {
            postWindowAs(i, 1, windowOf(i));
        }
        mine(WINDOW_BLOCKS + 1);
        bytes32[] memory roots = new bytes32[](3 + 6 + 8);
        // There were no rounds before, so all models are the first.
        (roots[0], roots[1], roots[2]) =
        (keccak256("model"), keccak256("model"), keccak256("model"));
        roots[3] = Tree.leaf(bytes.concat(bytes8(scores.pastOf(1).seed), new bytes(120)));
        roots[4] = ZERO_PAY;
        roots[5] = Inputs.budgetRoot(SCORE_GWEI);
        roots[6] = inputsOf[1][3];
        uint64[] memory stakes = list(1000e9, 1000e9, 1000e9, 1000e9);
        roots[7] = Tree.leaf(doubles(stakes));
        roots[8] = outputsOf[1][1];
        for (uint32 i = 0; i < 4; ++i) {
            roots[9 + i] = updateRootOf(i);
            bytes memory said = i < 3 ? windowOf(i) : new bytes(WINDOW_BYTES);
            roots[13 + i] = this.windowRoot(said);
        }
        (bytes32 program, bytes32 got, uint64 budget) =
            scores.groundOf(1, inputsOf[1], outputsOf[1]);
        vm.assertEq(program, Header.hash(scoreHeaderOf(4)));
        vm.assertEq(got, Tree.root(roots));
        vm.assertEq(budget, SCORE_GWEI);
        uint256 id = postScoreAs(posterOf(), 1, "outputs");
        ICourt.Claim memory claim = court.claim(id);
        vm.assertEq(claim.program, program);
        vm.assertEq(claim.inputsRoot, got);
        vm.assertEq(claim.consumer, address(scores));
        vm.assertEq(claim.iterations, 1);
    }

    /// @notice Later rounds' models are those the rounds before them began with, newest first.
    function test_groundOf_models() public {
        for (uint64 i = 1; i <= 6; ++i) {
            playRound();
        }
        for (uint64 i = 1; i <= 3; ++i) {
            scoreEmpty(i);
        }
        bytes32[] memory before = new bytes32[](7);
        before[1] = keccak256("model");
        for (uint64 i = 2; i <= 6; ++i) {
            before[i] = outputsOf[i - 1][0];
        }
        mine(WINDOW_BLOCKS + 1);
        bytes32[] memory roots = new bytes32[](3 + 6 + 8);
        (roots[0], roots[1], roots[2]) = (before[4], before[3], before[2]);
        roots[3] = Tree.leaf(bytes.concat(bytes8(scores.pastOf(4).seed), new bytes(120)));
        roots[4] = scores.cumulativeRoot();
        roots[5] = Inputs.budgetRoot(SCORE_GWEI);
        roots[6] = inputsOf[4][3];
        roots[7] = Tree.leaf(doubles(list(1000e9, 1000e9, 1000e9, 1000e9)));
        roots[8] = outputsOf[4][1];
        for (uint32 i = 0; i < 4; ++i) {
            roots[9 + i] = updateRootOf(i);
            roots[13 + i] = scores.absent();
        }
        vm.assertEq(scores.absent(), this.windowRoot(new bytes(WINDOW_BYTES)));
        (bytes32 got,) = groundOf(4);
        vm.assertEq(got, Tree.root(roots));
    }

    /// @notice Scores a round whose windows nobody posts.
    function scoreEmpty(uint64 round) internal {
        mine(WINDOW_BLOCKS + 1);
        Score memory made = scoreOf(list(0, 0, 0, 0), list(0, 0, 0, 0), list(0, 0, 0, 0));
        postScoreAs(posterOf(), round, outputsRootOf(made.roots));
        mine(WINDOW + 1);
        settleScore(round, made);
    }

    function test_postScore_refuses() public {
        threeRounds();
        bytes32[] memory inputs = inputsOf[1];
        bytes32[] memory outputs = outputsOf[1];
        vm.expectRevert(abi.encodeWithSelector(IScores.WindowOpen.selector, 1));
        scores.postScore(1, inputs, outputs, 0, 0);
        mine(WINDOW_BLOCKS + 1);
        vm.expectRevert(abi.encodeWithSelector(IScores.NotWaiting.selector, 7));
        scores.postScore(7, inputs, outputs, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IScores.NotNext.selector, 1, 2));
        scores.postScore(2, inputs, outputs, 0, 0);
        bytes32 sound = inputs[4];
        inputs[4] = "other";
        ICourt.Claim memory claim = court.claim(scores.pastOf(1).aggregation);
        bytes memory refusal = abi.encodeWithSelector(
            IScores.BasisMismatch.selector, claim.inputsRoot, outputsRootOf(inputs)
        );
        vm.expectRevert(refusal);
        scores.postScore(1, inputs, outputs, 0, 0);
        inputs[4] = sound;
        sound = outputs[1];
        outputs[1] = "other";
        refusal = abi.encodeWithSelector(
            IScores.BasisMismatch.selector, claim.outputsRoot, outputsRootOf(outputs)
        );
        vm.expectRevert(refusal);
        scores.postScore(1, inputs, outputs, 0, 0);
        outputs[1] = sound;
        // Lists that hash alike, and are not as long.
        bytes32[] memory padded = new bytes32[](1);
        padded[0] = claim.inputsRoot;
        vm.expectRevert(abi.encodeWithSelector(IScores.OutputCount.selector, 1, 8));
        scores.postScore(1, padded, outputs, 0, 0);
        padded = new bytes32[](1);
        padded[0] = claim.outputsRoot;
        vm.expectRevert(abi.encodeWithSelector(IScores.OutputCount.selector, 1, 4));
        scores.postScore(1, inputs, padded, 0, 0);
        (bytes32 ground,) = groundOf(1);
        vm.expectRevert(
            abi.encodeWithSelector(IScores.GroundMismatch.selector, ground, bytes32("other"))
        );
        scores.postScore(1, inputs, outputs, "other", 0);
        vm.expectRevert(abi.encodeWithSelector(IScores.NoRows.selector, address(this)));
        scores.postScore(1, inputs, outputs, ground, 0);
        uint32 elected = posterOf();
        uint32 other = (elected + 1) % 4;
        vm.expectRevert(abi.encodeWithSelector(IScores.NotYourTurn.selector, elected, other));
        vm.prank(vm.addr(keys[other]));
        scores.postScore(1, inputs, outputs, ground, 0);
        uint256 id = postScoreAs(elected, 1, "outputs");
        vm.expectRevert(abi.encodeWithSelector(IScores.ClaimPending.selector, id));
        vm.prank(vm.addr(keys[elected]));
        scores.postScore(1, inputs, outputs, ground, "others");
    }

    /// @notice What is funded in between would make an honest claim one about another budget, and cost
    ///         its bond.
    function test_postScore_fundedInBetween() public {
        deployScored(4, 0, 50e18 - 1);
        threeRounds();
        postWindows(1);
        (bytes32 seen, uint64 budget) = groundOf(1);
        vm.assertEq(budget, 0);
        uint32 node = posterOf();
        rewards.fund(1);
        (bytes32 ground, uint64 then) = groundOf(1);
        vm.assertEq(then, SCORE_GWEI);
        vm.expectRevert(abi.encodeWithSelector(IScores.GroundMismatch.selector, ground, seen));
        vm.prank(vm.addr(keys[node]));
        scores.postScore(1, inputsOf[1], outputsOf[1], seen, "outputs");
    }

    function test_poster_turnsPass() public {
        threeRounds();
        postWindows(1);
        uint256 full = block.number;
        uint256 seed = uint256(scores.pastOf(1).seed);
        for (uint256 late = 0; late < 6; ++late) {
            vm.roll(full + TURN * late + TURN - 1);
            (uint32 node, bool free) = scores.poster();
            vm.assertEq(node, addmod(seed, late, 4));
            vm.assertTrue(free == (late >= 4));
        }
    }

    /// @notice Where all of a round's nodes may be gone, another one can score it.
    function test_poster_othersOnceAllHadATurn() public {
        threeRounds();
        uint32 late = join(0xE, STAKE);
        postWindows(1);
        uint256 full = block.number;
        vm.roll(full + 4 * TURN - 1);
        (bytes32 ground,) = groundOf(1);
        uint32 elected = posterOf();
        vm.expectRevert(abi.encodeWithSelector(IScores.NotYourTurn.selector, elected, late));
        vm.prank(vm.addr(0xE));
        scores.postScore(1, inputsOf[1], outputsOf[1], ground, "outputs");
        vm.roll(full + 4 * TURN);
        vm.expectRevert(abi.encodeWithSelector(IScores.NoRows.selector, address(this)));
        scores.postScore(1, inputsOf[1], outputsOf[1], ground, "outputs");
        vm.expectEmit();
        emit IScores.ScorePosted(1, 4, late, ground, "outputs", SCORE_GWEI);
        postScoreAs(late, 1, "outputs");
    }

    /// @notice After a fall it is the next one's turn, counted from there.
    function test_strike_nextPoster() public {
        threeRounds();
        postWindows(1);
        uint32 first = posterOf();
        uint256 struck = postScoreAs(first, 1, "wrong");
        convictScore((first + 2) % 4, 1, struck);
        IScores.Past memory past = scores.pastOf(1);
        vm.assertEq(past.attempt, 1);
        vm.assertEq(past.claim, 0);
        vm.assertEq(past.fallen, struck);
        uint256 fell = block.number;
        for (uint32 late = 0; late < 5; ++late) {
            vm.roll(fell + TURN * late);
            (uint32 node, bool free) = scores.poster();
            vm.assertEq(node, (first + 1 + late) % 4);
            vm.assertTrue(free == (late >= 4));
        }
        vm.roll(fell);
        vm.expectEmit();
        emit IScores.ScoreStruck(1, struck, 1);
        uint256 again = postScoreAs((first + 1) % 4, 1, "wrong again");
        convictScore(first, 1, again);
        vm.assertEq(scores.pastOf(1).attempt, 2);
        vm.assertEq(posterOf(), (first + 2) % 4);
    }
}
