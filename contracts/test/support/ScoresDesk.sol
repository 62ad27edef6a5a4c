// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Arithmetic} from "../../src/Arithmetic.sol";
import {AssayToken} from "../../src/AssayToken.sol";
import {Court} from "../../src/Court.sol";
import {Programs} from "../../src/Programs.sol";
import {Referee} from "../../src/Referee.sol";
import {Registry} from "../../src/Registry.sol";
import {Rewards} from "../../src/Rewards.sol";
import {Rounds} from "../../src/Rounds.sol";
import {Scores} from "../../src/Scores.sol";
import {ICourt} from "../../src/interfaces/ICourt.sol";
import {IRewards} from "../../src/interfaces/IRewards.sol";
import {IRounds} from "../../src/interfaces/IRounds.sol";
import {IScores} from "../../src/interfaces/IScores.sol";
import {Amount} from "../../src/lib/Amount.sol";
import {Header} from "../../src/lib/Header.sol";
import {Inputs} from "../../src/lib/Inputs.sol";
import {Tree} from "../../src/lib/Tree.sol";
import {World} from "./World.sol";

/// @notice A world whose rounds are paid by score, and nodes that play whole rounds and score them.
abstract contract ScoresDesk is World {
    uint32 internal constant MODELS = 2;
    uint32 internal constant LAG = 2;
    uint32 internal constant WINDOW_BYTES = 320;
    uint64 internal constant WINDOW_BLOCKS = 6;
    uint64 internal constant TURN = 5;
    uint64 internal constant SCORE_GWEI = 50e9;
    /// @dev Of a score, from its window's opening on.
    uint64 internal constant SCORE_BLOCKS = WINDOW_BLOCKS + TURN * CAPACITY + WINDOW + 2 * CLOCK;
    bytes32 internal constant ZERO_PAY = keccak256("zero pay");

    Scores internal scores;
    /// @dev Of each round's aggregation, and the node of each row.
    mapping(uint64 round => bytes32[]) internal inputsOf;
    mapping(uint64 round => bytes32[]) internal outputsOf;
    mapping(uint64 round => uint32[]) internal rowsOf;
    mapping(uint64 round => IRounds.Seat[]) internal seatsOf;

    struct Score {
        bytes32[] roots;
        bytes burnChunk;
        bytes payChunk;
        bytes cumulativeChunk;
        bytes32[] siblings;
    }

    function deployScored(uint256 nodes, uint64 roundsBudget, uint256 paidIn) internal {
        vm.roll(100);
        delete keys;
        token = new AssayToken(address(this), 1_000_000_000e18);
        uint256 nonce = vm.getNonce(address(this));
        address[] memory consumers = new address[](2);
        consumers[0] = vm.computeCreateAddress(address(this), nonce + 7);
        consumers[1] = vm.computeCreateAddress(address(this), nonce + 6);
        registry = new Registry(token, consumers[0], STAKE / 10, UNBOND);
        programs = new Programs(token, BOND, WINDOW);
        referee = new Referee(new Arithmetic());
        court = new Court(token, programs, referee, termsOf(), consumers);
        rewards = new Rewards(token, registry, consumers[1], LENGTH);
        scores = new Scores(IRounds(consumers[0]), court, registry, rewards, scoreTerms());
        IRounds.Config memory config = configuration();
        config.budgetGwei = roundsBudget;
        rounds = new Rounds(registry, court, IRewards(address(scores)), config);
        vm.assertEq(address(rounds), consumers[0]);
        vm.assertEq(address(scores), consumers[1]);
        token.approve(address(programs), type(uint256).max);
        for (uint256 i = QUORUM; i <= CAPACITY; ++i) {
            programs.register(Header.hash(headerOf(i)), "");
            programs.register(Header.hash(scoreHeaderOf(i)), "");
        }
        mine(WINDOW + 1);
        token.approve(address(rewards), type(uint256).max);
        if (paidIn > 0) rewards.fund(paidIn);
        for (uint256 i = 0; i < nodes; ++i) {
            join(0xA11CE + i, STAKE);
        }
    }

    function scoreTerms() internal pure virtual returns (IScores.Terms memory) {
        bytes32[] memory hashes = new bytes32[](CAPACITY - QUORUM + 1);
        for (uint256 i = 0; i < hashes.length; ++i) {
            hashes[i] = Header.hash(scoreHeaderOf(QUORUM + i));
        }
        return IScores.Terms({
            programs: hashes,
            quorum: QUORUM,
            models: MODELS,
            windowLength: WINDOW_BYTES,
            lag: LAG,
            windowBlocks: WINDOW_BLOCKS,
            turnBlocks: TURN,
            budgetGwei: SCORE_GWEI,
            cumulativeLength: LENGTH,
            initialCumulative: ZERO_PAY
        });
    }

    /// @notice The header of the score Program for `rows` rows: seven ops, each an output.
    function scoreHeaderOf(uint256 rows) internal pure returns (bytes memory) {
        bytes memory counts = hex"0700000007000000";
        bytes memory places = hex"00000000010000000200000003000000040000000500000006000000";
        return bytes.concat(counts, places, hex"00000000", keccak256(abi.encode("score", rows)));
    }

    // A round.

    /// @notice Plays a round to its settlement; all seats take part.
    function playRound() internal returns (uint64 round) {
        round = openRound();
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
    }

    /// @notice Posts and settles what the running round came to.
    function settleRound(uint64 round) internal {
        (bytes32[] memory inputs, uint256 rows) = aggregationOf(round);
        Result memory result = resultOf(rows, equalPay(1, 0), bytes32(uint256(round)));
        postAs(rounds.aggregator(), outputsRootOf(result.roots));
        mine(WINDOW + 1);
        rounds.settle(round, result.roots, result.acceptedChunk);
        inputsOf[round] = inputs;
        outputsOf[round] = result.roots;
    }

    /// @notice Returns the roots of the running round's inputs, as the contract `Rounds` has them.
    function aggregationOf(uint64 round) internal returns (bytes32[] memory inputs, uint256 rows) {
        IRounds.Seat[] memory seats = rounds.current().seats;
        for (uint256 i = 0; i < seats.length; ++i) {
            if (!seats[i].revealed) continue;
            seatsOf[round].push(seats[i]);
            for (uint256 k = 0; k < seats[i].rows; ++k) {
                rowsOf[round].push(seats[i].index);
            }
        }
        rows = rowsOf[round].length;
        inputs = new bytes32[](4 + rows);
        bytes memory members = new bytes(128);
        for (uint256 row = 0; row < rows; ++row) {
            members[4 * row] = bytes1(uint8(rowsOf[round][row]));
            inputs[4 + row] = updateRootOf(rowsOf[round][row]);
        }
        inputs[0] = rounds.modelRoot();
        inputs[1] = rounds.cumulativeRoot();
        inputs[2] = Inputs.budgetRoot(rounds.config().budgetGwei);
        inputs[3] = Tree.leaf(members);
        vm.assertEq(outputsRootOf(inputs), rounds.inputsRoot());
    }

    // Its windows.

    function windowOf(uint256 salt) internal pure returns (bytes memory data) {
        while (data.length < WINDOW_BYTES) {
            data = bytes.concat(data, keccak256(abi.encode("window", salt, data.length)));
        }
    }

    function postWindowAs(uint32 node, uint64 round, bytes memory data) internal {
        vm.prank(vm.addr(keys[node]));
        scores.postWindow(round, data);
    }

    /// @notice Every node that had rows says the same.
    function postWindows(uint64 round) internal {
        for (uint256 i = 0; i < seatsOf[round].length; ++i) {
            postWindowAs(seatsOf[round][i].index, round, windowOf(round));
        }
    }

    // Its score.

    function doubles(uint64[] memory numbers) internal pure returns (bytes memory chunk) {
        chunk = new bytes(256);
        for (uint256 i = 0; i < numbers.length; ++i) {
            bytes8 bits = bytes8(Amount.swap(Amount.fromUint64(numbers[i])));
            for (uint256 j = 0; j < 8; ++j) {
                chunk[8 * i + j] = bits[j];
            }
        }
    }

    /// @notice A score that pays and burns so much by row, after which node i has `due[i]` gwei.
    function scoreOf(uint64[] memory due, uint64[] memory pay, uint64[] memory burn)
        internal
        pure
        returns (Score memory made)
    {
        made.burnChunk = doubles(burn);
        made.payChunk = doubles(pay);
        made.cumulativeChunk = doubles(due);
        made.siblings = new bytes32[](1);
        made.siblings[0] = Tree.leaf(new bytes(256));
        made.roots = new bytes32[](7);
        for (uint256 i = 0; i < 7; ++i) {
            made.roots[i] = keccak256(abi.encode("output", i));
        }
        made.roots[1] = Tree.climb(Tree.leaf(made.cumulativeChunk), 0, 2, made.siblings);
        made.roots[2] = Tree.leaf(made.burnChunk);
        made.roots[3] = Tree.leaf(made.payChunk);
    }

    function groundOf(uint64 round) internal view returns (bytes32 inputsRoot, uint64 budget) {
        (, inputsRoot, budget) = scores.groundOf(round, inputsOf[round], outputsOf[round]);
    }

    function posterOf() internal view returns (uint32 node) {
        (node,) = scores.poster();
    }

    function postScoreAs(uint32 node, uint64 round, bytes32 outputsRoot)
        internal
        returns (uint256 claim)
    {
        (bytes32 ground,) = groundOf(round);
        vm.prank(vm.addr(keys[node]));
        claim = scores.postScore(round, inputsOf[round], outputsOf[round], ground, outputsRoot);
    }

    function settleScore(uint64 round, Score memory score) internal {
        scores.settleScore(round, score.roots, score.burnChunk, score.payChunk);
    }

    /// @notice From open windows to the settled score.
    function scoreRound(uint64 round, Score memory score_) internal {
        postWindows(round);
        postScoreAs(posterOf(), round, outputsRootOf(score_.roots));
        mine(WINDOW + 1);
        settleScore(round, score_);
    }

    function challengeScore(uint32 node, uint64 round, uint256 claim)
        internal
        returns (uint256 dispute, ICourt.Dispute memory record)
    {
        bytes memory header = scoreHeaderOf(rowsOf[round].length);
        vm.recordLogs();
        vm.prank(vm.addr(keys[node]));
        dispute = court.challenge(claim, keccak256("otherwise"), header);
        record = lastRecord();
    }

    /// @notice Challenges a score whose asserter stays silent, and convicts it.
    function convictScore(uint32 node, uint64 round, uint256 claim) internal {
        (uint256 dispute, ICourt.Dispute memory record) = challengeScore(node, round, claim);
        mine(CLOCK + 1);
        court.timeout(dispute, record);
    }

    function list(uint64 a, uint64 b, uint64 c, uint64 d)
        internal
        pure
        returns (uint64[] memory numbers)
    {
        numbers = new uint64[](4);
        (numbers[0], numbers[1], numbers[2], numbers[3]) = (a, b, c, d);
    }
}
