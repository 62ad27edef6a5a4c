// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ICourt} from "./interfaces/ICourt.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {IRewards} from "./interfaces/IRewards.sol";
import {IRounds} from "./interfaces/IRounds.sol";
import {IScores} from "./interfaces/IScores.sol";
import {Inputs} from "./lib/Inputs.sol";
import {Players} from "./lib/Players.sol";
import {Tree} from "./lib/Tree.sol";

/// @title One job's scores
/// @notice What is paid is the score Program's word on rows that were settled and windows that their
///         nodes posted; nothing else moves pay or burns stake here.
/// @dev `Rounds` takes this contract for its `Rewards`, and `Rewards` takes it for its `Rounds`. A row
///      without a window counts as one of zeros, a day that the market did not have, so of each element
///      the Program takes the median of all rows: it is honest as long as more than half of them are.
///      Whoever could not be burnt is not paid: what is scored is the stake that stays until then.
///      Deliberately absent: an administrator, a clock, and a way to skip a round.
contract Scores is IScores {
    using Players for IScores.Player[];

    uint256 private constant AGGREGATION_OUTPUTS = 4;
    uint256 private constant OUTPUTS = 7;
    uint256 private constant CUMULATIVE = 1;
    uint256 private constant BURN = 2;
    uint256 private constant PAY = 3;
    /// @dev Inputs beside models, updates and windows: key, cumulative, budget, members, stakes,
    ///      accepted.
    uint256 private constant FIXED = 6;
    uint256 private constant WEI_PER_GWEI = 1e9;
    uint64 private constant BUDGET_GWEI_MAX = 2 ** 46;
    uint256 private constant WINDOW_MAX = 16_384;
    /// @dev So that no sum of them overflows.
    uint64 private constant BLOCKS_MAX = 2 ** 32;

    /// @notice Settles the rounds that are scored.
    IRounds public immutable rounds;
    /// @notice Keeps the claims.
    ICourt public immutable court;
    /// @notice Burns what a score costs.
    IRegistry public immutable registry;
    /// @notice Pays what scores say.
    IRewards public immutable rewards;
    /// @notice Tensor root of a window of zeros.
    bytes32 public immutable absent;
    /// @notice Blocks from a window's opening to a score at the latest, if no claim of it is wrong.
    uint64 public immutable scoreBlocks;

    Terms private _terms;
    mapping(uint64 round => Past) private _pasts;
    /// @dev Settled rounds in their order.
    uint64[] private _order;
    /// @dev The initial model, then the one after each settled round.
    bytes32[] private _models;

    /// @inheritdoc IScores
    bytes32 public cumulativeRoot;
    /// @inheritdoc IScores
    uint64 public scoredCount;
    /// @notice What they were paid in all, in wei.
    uint256 public paid;

    /// @param rounds_ where `Rounds` will be deployed
    /// @param court_ deployed, and having this address among its consumers
    /// @param registry_ deployed
    /// @param rewards_ deployed, and knowing this address as its `Rounds`
    constructor(
        IRounds rounds_,
        ICourt court_,
        IRegistry registry_,
        IRewards rewards_,
        Terms memory terms_
    ) {
        rounds = rounds_;
        court = court_;
        registry = registry_;
        rewards = rewards_;
        _checkTerms(terms_);
        _terms = terms_;
        uint64 turns = terms_.turnBlocks * uint64(terms_.quorum + terms_.programs.length - 1);
        scoreBlocks = terms_.windowBlocks + turns + court_.windowBlocks() + 2 * court_.clockBlocks();
        require(registry_.unbondBlocks() > scoreBlocks, BadTerms("unbondBlocks"));
        absent = Players.zeros(terms_.windowLength);
        cumulativeRoot = terms_.initialCumulative;
    }

    /// @inheritdoc IScores
    function post(uint64 round, bytes32) external {
        require(msg.sender == address(rounds), OnlyRounds());
        if (_models.length == 0) _models.push(rounds.config().initialModel);
        _models.push(rounds.modelRoot());
        uint256 place = _order.length;
        _order.push(round);
        _keep(round, uint64(place));
        if (place < _terms.lag) return;

        uint64 due = _order[place - _terms.lag];
        _ask(_pasts[due]);
        emit WindowOpened(due, uint64(block.number) + _terms.windowBlocks);
    }

    /// @inheritdoc IScores
    function postWindow(uint64 round, bytes calldata data) external {
        Past storage past = _waiting(round);
        require(past.openBlock != 0 && _shutBlock(past) == 0, WindowShut(round));
        uint256 expected = _terms.windowLength;
        require(data.length == expected, WindowLength(data.length, expected));
        Player storage player = _playerOf(past, msg.sender);
        require(player.window == 0, AlreadyPosted(player.index));

        player.window = Tree.tensorRoot(data, Tree.CHUNK_8);
        past.waiting -= player.rows;
        if (past.waiting == 0) past.fullBlock = uint64(block.number);

        emit WindowPosted(round, player.index, player.window, data);
    }

    /// @inheritdoc IScores
    function postScore(
        uint64 round,
        bytes32[] calldata inputs,
        bytes32[] calldata outputs,
        bytes32 inputsRoot,
        bytes32 outputsRoot
    ) external returns (uint256 claim) {
        (bytes32 program, bytes32 ground, uint64 budget) = groundOf(round, inputs, outputs);
        require(inputsRoot == ground, GroundMismatch(ground, inputsRoot));
        Past storage past = _pasts[round];
        _fall(round, past);
        require(past.claim == 0, ClaimPending(past.claim));
        uint32 node = _inTurn(past);

        claim = court.post(program, inputsRoot, outputsRoot, msg.sender, 1, new uint256[](0));
        (past.claim, past.budgetGwei) = (uint128(claim), budget);

        emit ScorePosted(round, claim, node, inputsRoot, outputsRoot, budget);
    }

    /// @inheritdoc IScores
    function settleScore(
        uint64 round,
        bytes32[] calldata outputRoots,
        bytes calldata burnChunk,
        bytes calldata payChunk
    ) external {
        Past storage past = _isNext(round);
        _checkOutputs(past.claim, outputRoots);
        _checkChunk(outputRoots[BURN], burnChunk);
        _checkChunk(outputRoots[PAY], payChunk);
        Player[] memory players = past.players;
        (uint32[] memory nodes, uint64[] memory burnt) = players.burns(burnChunk);
        if (past.budgetGwei == 0) burnt = new uint64[](nodes.length);
        paid += Players.total(payChunk, past.rows, past.budgetGwei) * WEI_PER_GWEI;
        ++scoredCount;
        cumulativeRoot = outputRoots[CUMULATIVE];

        emit Scored(round, past.claim, cumulativeRoot, nodes, burnt);
        delete _pasts[round];
        rewards.post(round, cumulativeRoot);
        rounds.draw(); // whoever settles has seen the seed of seats that are not drawn yet
        for (uint256 i = 0; i < nodes.length; ++i) {
            if (burnt[i] > 0) registry.penalise(nodes[i], uint256(burnt[i]) * WEI_PER_GWEI);
        }
    }

    /// @inheritdoc IScores
    function terms() external view returns (Terms memory) {
        return _terms;
    }

    /// @inheritdoc IScores
    function pastOf(uint64 round) external view returns (Past memory past) {
        past = _waiting(round);
        if (_hasFallen(past.claim)) {
            (past.fallen, past.claim) = (past.claim, 0);
            past.attempt += 1;
        }
    }

    /// @inheritdoc IScores
    function next() public view returns (uint64 round) {
        if (scoredCount < _order.length) round = _order[scoredCount];
    }

    /// @inheritdoc IScores
    function poster() external view returns (uint32 node, bool free) {
        uint64 round = next();
        Past storage past = _waiting(round);
        require(_shutBlock(past) != 0, WindowOpen(round));
        return _poster(past);
    }

    /// @inheritdoc IScores
    function groundOf(uint64 round, bytes32[] calldata inputs, bytes32[] calldata outputs)
        public
        view
        returns (bytes32 program, bytes32 inputsRoot, uint64 budgetGwei)
    {
        Past storage past = _isNext(round);
        require(_shutBlock(past) != 0, WindowOpen(round));
        uint256 rows = past.rows;
        ICourt.Claim memory settled = court.claim(past.aggregation);
        _same(settled.inputsRoot, Tree.root(inputs));
        _same(settled.outputsRoot, Tree.root(outputs));
        require(
            inputs.length == Inputs.FIXED + rows, OutputCount(inputs.length, Inputs.FIXED + rows)
        );
        require(
            outputs.length == AGGREGATION_OUTPUTS, OutputCount(outputs.length, AGGREGATION_OUTPUTS)
        );
        budgetGwei = _budget();
        program = _terms.programs[rows - _terms.quorum];
        Player[] memory players = past.players;

        uint256 first = _terms.models + 1;
        bytes32[] memory roots = new bytes32[](first + FIXED + 2 * rows);
        for (uint256 i = 0; i < first; ++i) {
            roots[i] = _models[past.place > i ? past.place - i : 0];
        }
        roots[first] = Players.keyRoot(past.seed);
        roots[first + 1] = cumulativeRoot;
        roots[first + 2] = Inputs.budgetRoot(budgetGwei);
        roots[first + 3] = inputs[Inputs.FIXED - 1];
        roots[first + 4] = players.stakesRoot();
        roots[first + 5] = outputs[1];
        for (uint256 row = 0; row < rows; ++row) {
            roots[first + FIXED + row] = inputs[Inputs.FIXED + row];
        }
        players.writeWindows(roots, first + FIXED + rows, absent);
        inputsRoot = Tree.root(roots);
    }

    /// @inheritdoc IScores
    function length() external view returns (uint32) {
        return _terms.cumulativeLength;
    }

    /// @inheritdoc IScores
    function funded() external view returns (uint256) {
        return rewards.funded() + scoredCount * uint256(_terms.budgetGwei) * WEI_PER_GWEI - paid;
    }

    // Rounds.

    /// @dev Stores what a score needs of the round that was just settled.
    function _keep(uint64 round, uint64 place) private {
        IRounds.Round memory settled = rounds.current();
        Past storage past = _pasts[round];
        past.place = place;
        past.aggregation = uint128(settled.claim);
        past.seed = settled.electSeed;
        uint32 rows = 0;
        for (uint256 i = 0; i < settled.seats.length; ++i) {
            IRounds.Seat memory seat = settled.seats[i];
            if (!seat.revealed) continue;
            rows += seat.rows;
            uint64 stake = Players.stakeGwei(seat.stake, seat.rows);
            past.players.push(Player(seat.index, seat.rows, stake, 0));
        }
        past.rows = rows;
        past.waiting = rows;
    }

    /// @dev Begins to take windows. What may be withdrawn before the score is no stake of it.
    function _ask(Past storage past) private {
        past.openBlock = uint64(block.number);
        uint64 last = uint64(block.number) + scoreBlocks;
        uint256 count = past.players.length;
        for (uint256 i = 0; i < count; ++i) {
            Player storage player = past.players[i];
            uint64 held = Players.stakeGwei(registry.heldUntil(player.index, last), player.rows);
            if (held < player.stakeGwei) player.stakeGwei = held;
        }
    }

    function _waiting(uint64 round) private view returns (Past storage past) {
        past = _pasts[round];
        require(past.rows > 0, NotWaiting(round));
    }

    function _isNext(uint64 round) private view returns (Past storage past) {
        past = _waiting(round);
        uint64 expected = next();
        require(round == expected, NotNext(expected, round));
    }

    /// @dev The block from which no window is taken, 0 while they are, or are not asked for yet.
    function _shutBlock(Past storage past) private view returns (uint64) {
        if (past.openBlock == 0) return 0;
        if (past.fullBlock != 0) return past.fullBlock;
        uint64 last = past.openBlock + _terms.windowBlocks;
        return block.number > last ? last : 0;
    }

    function _playerOf(Past storage past, address key) private view returns (Player storage) {
        (bool joined, uint32 index) = registry.find(key);
        require(joined, NoRows(key));
        for (uint256 i = 0; i < past.players.length; ++i) {
            if (past.players[i].index == index) return past.players[i];
        }
        revert NoRows(key);
    }

    // The claim.

    function _hasFallen(uint256 claim) private view returns (bool) {
        if (claim == 0) return false;
        ICourt.State state = court.stateOf(claim);
        return state == ICourt.State.Struck || state == ICourt.State.Void;
    }

    function _fall(uint64 round, Past storage past) private {
        if (!_hasFallen(past.claim)) return;
        (past.fallen, past.claim) = (past.claim, 0);
        past.attempt += 1;
        emit ScoreStruck(round, past.fallen, past.attempt);
    }

    /// @dev Turns go round among the rows, from one that the seed names; once all had one, any node
    ///      may come before the next: all of them may have left.
    function _poster(Past storage past) private view returns (uint32 node, bool free) {
        (uint256 fallen, uint256 attempt) = (past.fallen, past.attempt);
        if (_hasFallen(past.claim)) (fallen, attempt) = (past.claim, attempt + 1);
        uint64 since = _shutBlock(past);
        if (fallen != 0) (,, since) = court.fallOf(fallen);
        uint256 late = (block.number - since) / _terms.turnBlocks;
        uint256 row = addmod(uint256(past.seed), attempt + late, past.rows);
        Player[] memory players = past.players;
        return (players.ownerOf(row), late >= past.rows);
    }

    /// @dev Returns the sender's index if it may post.
    function _inTurn(Past storage past) private view returns (uint32) {
        (bool joined, uint32 node) = registry.find(msg.sender);
        require(joined, NoRows(msg.sender));
        (uint32 elected, bool free) = _poster(past);
        require(free || node == elected, NotYourTurn(elected, node));
        return node;
    }

    /// @dev What the next score can pay: all of a round's budget, or nothing if it is not there.
    function _budget() private view returns (uint64) {
        uint64 budget = _terms.budgetGwei;
        return rewards.funded() >= paid + budget * WEI_PER_GWEI ? budget : 0;
    }

    function _checkOutputs(uint256 claim, bytes32[] calldata outputRoots) private {
        require(claim != 0, ClaimNotFinal(claim));
        ICourt.Claim memory posted = court.claim(claim);
        if (posted.state == ICourt.State.Open) {
            require(block.number > posted.deadline, ClaimNotFinal(claim));
            court.finalise(claim);
        } else {
            require(posted.state == ICourt.State.Final, ClaimNotFinal(claim));
        }
        require(outputRoots.length == OUTPUTS, OutputCount(outputRoots.length, OUTPUTS));
        bytes32 got = Tree.root(outputRoots);
        require(got == posted.outputsRoot, OutputsMismatch(posted.outputsRoot, got));
    }

    function _checkChunk(bytes32 expected, bytes calldata chunk) private pure {
        require(chunk.length == Tree.CHUNK_8, Tree.ChunkLength(chunk.length, Tree.CHUNK_8));
        bytes32 got = Tree.leaf(chunk);
        require(got == expected, ChunkMismatch(expected, got));
    }

    function _same(bytes32 expected, bytes32 got) private pure {
        require(got == expected, BasisMismatch(expected, got));
    }

    function _checkTerms(Terms memory given) private view {
        require(given.quorum > 0, BadTerms("quorum"));
        uint256 most = uint256(given.quorum) + given.programs.length - 1;
        require(given.programs.length > 0 && most <= Inputs.ROWS_MAX, BadTerms("programs"));
        require(given.models > 0, BadTerms("models"));
        bool fits = given.windowLength > 0 && given.windowLength <= WINDOW_MAX;
        require(fits && given.windowLength % 8 == 0, BadTerms("windowLength"));
        require(given.lag > 0, BadTerms("lag"));
        fits = given.windowBlocks > 0 && given.windowBlocks <= BLOCKS_MAX;
        require(fits, BadTerms("windowBlocks"));
        fits = given.turnBlocks > 0 && given.turnBlocks <= BLOCKS_MAX;
        require(fits, BadTerms("turnBlocks"));
        require(given.budgetGwei <= BUDGET_GWEI_MAX, BadTerms("budgetGwei"));
        require(given.cumulativeLength == rewards.length(), BadTerms("cumulativeLength"));
        require(court.isConsumer(address(this)), BadTerms("court"));
    }
}
