// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {ICourt} from "./interfaces/ICourt.sol";
import {IPrograms} from "./interfaces/IPrograms.sol";
import {IReferee} from "./interfaces/IReferee.sol";
import {Code} from "./lib/Code.sol";
import {Header} from "./lib/Header.sol";
import {Tree} from "./lib/Tree.sol";
import {Walk} from "./lib/Walk.sol";

/// @title Optimistic claims, and the disputes that decide them
/// @notice docs/court.md. Its balance of the token is the bonds of undecided claims and disputes,
///         less the gas advanced out of them, and what struck claims still owe.
/// @dev Every move goes through `_enter`, which checks record, turn, mover and clock, acts on a
///      copy in memory, and ends in `_leave` or `_decide`. Deliberately absent: an administrator, a
///      committee, a fee, a way for anybody but the two sides to gain from a decision.
contract Court is ICourt {
    using Code for Code.Op;
    using SafeERC20 for IERC20;
    using Walk for Dispute;

    /// @param bond of an asserter, and of a challenger, in wei of the token
    /// @param windowBlocks blocks in which a claim can be challenged
    /// @param clockBlocks blocks each side of a dispute has for all its moves
    /// @param gasPriceCap the most wei of the token a unit of gas is advanced at
    /// @param gasRate wei of the token for 1e18 wei of the chain's own coin
    struct Terms {
        uint256 bond;
        uint64 windowBlocks;
        uint64 clockBlocks;
        uint256 gasPriceCap;
        uint256 gasRate;
    }

    /// @dev What a claim's bond has to do with its disputes.
    /// @param drawn wei advanced to challengers of undecided disputes
    /// @param owed wei advanced to the asserter in undecided disputes
    /// @param reserve wei that a struck claim keeps for `owed`
    struct Money {
        uint256 drawn;
        uint256 owed;
        uint256 reserve;
    }

    struct Fall {
        address challenger;
        uint64 blockNumber;
        bytes32 outputsRoot;
    }

    /// @dev Gas of each kind of move where it is dearest, rounded up: docs/benchmarks.md.
    uint256 private constant GAS_POST = 135_000;
    uint256 private constant GAS_POST_CHAIN = 270_000;
    uint256 private constant GAS_REVEAL = 100_000;
    uint256 private constant GAS_CHUNK = 90_000;
    uint256 private constant GAS_NAME = 100_000;
    uint256 private constant GAS_NAME_ITERATION = 125_000;
    uint256 private constant GAS_NAME_OUTPUT = 120_000;
    uint256 private constant GAS_NAME_OP = 295_000;
    /// @dev What the longest walk that limits on Programs allow costs the challenger: 8 levels of
    ///      iterations, 4 of outputs, 4 of ops, 7 of a tensor, 7 of a chain, and the namings.
    uint256 private constant GAS_SIDE = 3_740_000;
    uint256 private constant PARENTS_MAX = 8;
    uint256 private constant CHUNK = Walk.CHUNK;
    uint256 private constant WAD = 1e18;

    /// @notice The token of bonds.
    IERC20 public immutable token;
    /// @notice Says about which Programs claims can be made.
    IPrograms public immutable programs;
    /// @notice Executes the disputed step.
    IReferee public immutable referee;
    /// @inheritdoc ICourt
    uint256 public immutable bondSize;
    /// @inheritdoc ICourt
    uint64 public immutable windowBlocks;
    /// @inheritdoc ICourt
    uint64 public immutable clockBlocks;
    /// @notice The most wei of the token a unit of gas is advanced at.
    uint256 public immutable gasPriceCap;
    /// @notice Wei of the token for 1e18 wei of the chain's own coin.
    uint256 public immutable gasRate;
    /// @inheritdoc ICourt
    mapping(address => bool) public isConsumer;

    /// @notice How many claims were posted; the last one's id.
    uint256 public claimCount;
    /// @inheritdoc ICourt
    uint256 public disputeCount;
    /// @inheritdoc ICourt
    mapping(uint256 dispute => bytes32) public recordHash;
    mapping(uint256 id => Claim) private _claims;
    mapping(uint256 id => uint256[]) private _parents;
    mapping(uint256 id => Money) private _money;
    mapping(uint256 id => Fall) private _falls;

    /// @param consumers contracts that may open claims, deployed or to be deployed
    constructor(
        IERC20 token_,
        IPrograms programs_,
        IReferee referee_,
        Terms memory terms,
        address[] memory consumers
    ) {
        token = token_;
        programs = programs_;
        referee = referee_;
        bondSize = terms.bond;
        windowBlocks = terms.windowBlocks;
        clockBlocks = terms.clockBlocks;
        gasPriceCap = terms.gasPriceCap;
        gasRate = terms.gasRate;
        uint256 floor = 4 * GAS_SIDE * terms.gasPriceCap;
        require(terms.bond >= floor, BondTooSmall(terms.bond, floor));
        for (uint256 i = 0; i < consumers.length; ++i) {
            isConsumer[consumers[i]] = true;
        }
    }

    /// @inheritdoc ICourt
    function admit(address consumer) external {
        require(isConsumer[msg.sender], OnlyConsumer());
        isConsumer[consumer] = true;
        emit Admitted(msg.sender, consumer);
    }

    // Claims.

    /// @inheritdoc ICourt
    function post(
        bytes32 program,
        bytes32 inputsRoot,
        bytes32 outputsRoot,
        address asserter,
        uint32 iterations,
        uint256[] calldata parents
    ) external returns (uint256 id) {
        require(isConsumer[msg.sender], OnlyConsumer());
        require(programs.ready(program), NotRegistered(program));
        require(iterations > 0, BadIterations(iterations));

        id = ++claimCount;
        uint64 deadline = uint64(block.number) + windowBlocks;
        _claims[id] = Claim({
            program: program,
            inputsRoot: inputsRoot,
            outputsRoot: outputsRoot,
            asserter: asserter,
            consumer: msg.sender,
            bond: bondSize,
            deadline: deadline,
            iterations: iterations,
            depth: _depthOver(parents),
            disputes: 0,
            state: State.Open
        });
        _parents[id] = parents;

        emit Claimed(
            id,
            program,
            inputsRoot,
            outputsRoot,
            asserter,
            msg.sender,
            bondSize,
            deadline,
            iterations,
            parents
        );
        token.safeTransferFrom(asserter, address(this), bondSize);
    }

    /// @inheritdoc ICourt
    function challenge(uint256 id, bytes32 outputsRoot, bytes calldata header)
        external
        returns (uint256 dispute)
    {
        Claim storage challenged = _known(id);
        bool open = challenged.state == State.Open || challenged.state == State.Disputed;
        require(open, NotOpen(id, challenged.state));
        require(block.number <= challenged.deadline, WindowClosed(id, challenged.deadline));
        require(challenged.outputsRoot != outputsRoot, SameOutputs(id));
        require(challenged.asserter != msg.sender, OwnClaim(id));
        Header.Counts memory counts = Header.open(challenged.program, header);

        challenged.state = State.Disputed;
        challenged.disputes += 1;
        dispute = ++disputeCount;
        Dispute memory record;
        record.claim = id;
        record.challenger = msg.sender;
        record.challengerRoot = outputsRoot;
        record.moves = 1;
        record.since = uint64(block.number);
        record.asserterBlocks = clockBlocks;
        record.challengerBlocks = clockBlocks;
        record.outline = Outline({
            opCount: uint32(counts.ops),
            outputCount: uint32(counts.outputs),
            inputCount: uint32(counts.inputs),
            opsRoot: counts.opsRoot
        });
        record.before = challenged.inputsRoot;
        record.node = challenged.outputsRoot;
        if (challenged.iterations > 1) {
            record.toList(Stage.Iterations, challenged.iterations);
            record.turn = Turn.Root;
        } else {
            record.toList(Stage.Outputs, record.outline.outputCount);
        }
        recordHash[dispute] = keccak256(abi.encode(record));

        emit Challenged(id, dispute, msg.sender, outputsRoot, challenged.bond);
        emit Moved(dispute, msg.sender, record);
        token.safeTransferFrom(msg.sender, address(this), challenged.bond);
    }

    /// @inheritdoc ICourt
    function finalise(uint256 id) external {
        Claim storage passed = _known(id);
        require(passed.state == State.Open, NotOpen(id, passed.state));
        require(block.number > passed.deadline, WindowOpen(id, passed.deadline));
        uint256[] storage parents = _parents[id];
        for (uint256 i = 0; i < parents.length; ++i) {
            require(_claims[parents[i]].state == State.Final, ParentOpen(parents[i]));
        }

        passed.state = State.Final;

        emit Finalised(id);
        token.safeTransfer(passed.asserter, passed.bond);
    }

    /// @inheritdoc ICourt
    function void(uint256 id, uint256 parent) external {
        Claim storage child = _known(id);
        bool open = child.state == State.Open || child.state == State.Disputed;
        require(open, NotOpen(id, child.state));
        bool fell = _isParent(id, parent) && _hasFallen(_claims[parent].state);
        require(fell, ParentStands(parent));

        child.state = State.Void;
        _falls[id] = Fall(address(0), uint64(block.number), 0);

        emit Voided(id, parent);
        token.safeTransfer(child.asserter, child.bond - _money[id].drawn);
    }

    // Moves of the asserter.

    /// @inheritdoc ICourt
    function postStates(
        uint256 dispute,
        Dispute calldata record,
        bytes32 root,
        bytes32[] calldata siblings
    ) external {
        Dispute memory next = _enterStage(dispute, record, Stage.Iterations, Turn.Root);
        _postRoot(dispute, next, root, next.leaves - 1, siblings);
        _leave(dispute, next, GAS_POST);
    }

    /// @inheritdoc ICourt
    function postTrace(
        uint256 dispute,
        Dispute calldata record,
        bytes32 root,
        bytes32[] calldata siblings
    ) external {
        Dispute memory next = _enterStage(dispute, record, Stage.Trace, Turn.Root);
        _postRoot(dispute, next, root, next.op, siblings);
        _leave(dispute, next, GAS_POST);
    }

    /// @inheritdoc ICourt
    function postChain(
        uint256 dispute,
        Dispute calldata record,
        Brief calldata brief,
        bytes32 root,
        Opening[] calldata last
    ) external {
        Dispute memory next = _enterStage(dispute, record, Stage.Chain, Turn.Root);
        next.checkBrief(brief);
        (uint64 value, uint256 steps, bytes32[] memory children) = referee.ending(brief, root, last);
        require(value == next.value, ChainEnd(next.value, value));

        next.chain = root;
        next.toTensor(root, steps);
        if (next.height > 0) {
            next.turn = Turn.Child;
            emit Revealed(dispute, root, children);
        } else {
            next.turn = Turn.Element;
            emit RevealedChunk(dispute, root, last[0].chunk);
        }
        _leave(dispute, next, GAS_POST_CHAIN);
    }

    /// @inheritdoc ICourt
    function reveal(uint256 dispute, Dispute calldata record, bytes32[] calldata children)
        external
    {
        Dispute memory next = _enter(dispute, record, Turn.Children);
        next.checkChildren(children);
        next.turn = Turn.Child;
        emit Revealed(dispute, next.node, children);
        _leave(dispute, next, GAS_REVEAL);
    }

    /// @inheritdoc ICourt
    function revealChunk(uint256 dispute, Dispute calldata record, bytes calldata chunk) external {
        Dispute memory next = _enter(dispute, record, Turn.Chunk);
        Walk.same(next.node, Tree.leaf(chunk));
        next.turn = Turn.Element;
        emit RevealedChunk(dispute, next.node, chunk);
        _leave(dispute, next, GAS_CHUNK);
    }

    // Moves of the challenger.

    /// @inheritdoc ICourt
    function nameChild(
        uint256 dispute,
        Dispute calldata record,
        bytes32[] calldata children,
        uint64 child
    ) external {
        Dispute memory next = _enter(dispute, record, Turn.Child);
        bool inner = next.height > 1
            || (next.height == 1 && (next.stage == Stage.Tensor || next.stage == Stage.Chain));
        require(inner, WrongMove(next.stage, next.turn));
        next.descend(children, child);
        next.turn = next.height > 0 ? Turn.Children : Turn.Chunk;
        _leave(dispute, next, GAS_NAME);
    }

    /// @inheritdoc ICourt
    function nameIteration(
        uint256 dispute,
        Dispute calldata record,
        bytes32[] calldata children,
        uint64 child,
        bytes32 before,
        bytes32[] calldata siblings
    ) external {
        Dispute memory next = _enterStage(dispute, record, Stage.Iterations, Turn.Child);
        next.arrive(children, child);
        next.iteration = uint32(next.index);
        if (next.index > 0) {
            Walk.same(next.trace, Tree.climb(before, next.index - 1, next.leaves, siblings));
            next.before = before;
        }
        next.trace = 0;
        next.toList(Stage.Outputs, next.outline.outputCount);
        _leave(dispute, next, GAS_NAME_ITERATION);
    }

    /// @inheritdoc ICourt
    function nameOutput(
        uint256 dispute,
        Dispute calldata record,
        bytes32[] calldata children,
        uint64 child,
        bytes calldata header
    ) external {
        Dispute memory next = _enterStage(dispute, record, Stage.Outputs, Turn.Child);
        next.arrive(children, child);
        Header.Counts memory counts = Header.open(_claims[next.claim].program, header);
        next.op = uint32(Code.word(header, counts.outputsAt + 4 * uint256(next.index)));
        next.toList(Stage.Trace, next.outline.opCount);
        next.turn = Turn.Root;
        _leave(dispute, next, GAS_NAME_OUTPUT);
    }

    /// @inheritdoc ICourt
    function nameOp(
        uint256 dispute,
        Dispute calldata record,
        bytes32[] calldata children,
        uint64 child,
        OpOpening[] calldata op
    ) external {
        Dispute memory next = _enterStage(dispute, record, Stage.Trace, Turn.Child);
        next.arrive(children, child);
        next.op = uint32(next.index);
        Walk.count(op.length > 0 ? op.length : 1, op.length);
        next.checkOp(op[0], next.op);
        Code.Op memory named = Code.parse(op[0].encoding);
        if (named.code == Code.INPUT || named.code == Code.CONSTANT) {
            bytes32 correct = named.code == Code.INPUT
                ? next.inputRoot(_claims[next.claim].inputsRoot, op, named.payload(0))
                : named.constantRoot();
            emit Compared(dispute, next.op, uint8(named.code), next.node, correct);
            _decide(dispute, next, correct != next.node, false);
            return;
        }
        next.brief = keccak256(abi.encode(next.briefOf(named, op)));
        next.stage = Stage.Tensor;
        next.toTensor(next.node, Code.count(named.dims));
        _leave(dispute, next, GAS_NAME_OP);
    }

    /// @inheritdoc ICourt
    function nameElement(
        uint256 dispute,
        Dispute calldata record,
        bytes calldata chunk,
        uint64 place,
        Brief calldata brief,
        Opening[] calldata openings
    ) external {
        Dispute memory next = _enter(dispute, record, Turn.Element);
        next.checkBrief(brief);
        Code.Op memory op = Code.parse(brief.op);
        if (_isSettled(dispute, next, op, chunk, place)) {
            Walk.count(0, openings.length);
            return;
        }
        uint64 step = next.stage == Stage.Chain ? next.index * uint64(CHUNK) + place : 0;
        uint64 correct = next.stage == Stage.Chain
            ? referee.step(brief, next.chain, next.element, step, chunk, openings)
            : referee.element(brief, next.trace, next.outline.opCount, next.element, openings);
        _judged(dispute, next, op, step, correct);
    }

    /// @dev Takes the named element into the record, and settles what takes no execution: a chunk of
    ///      another length, an element after the last, an element that has a chain.
    function _isSettled(
        uint256 dispute,
        Dispute memory next,
        Code.Op memory op,
        bytes calldata chunk,
        uint64 place
    ) private returns (bool) {
        Walk.same(next.node, Tree.leaf(chunk));
        require(place < CHUNK, NoSuchPlace(place, uint64(CHUNK)));
        uint256 size = Code.size(op.dtype);
        if (chunk.length != CHUNK * size) {
            next.value = uint64(chunk.length);
            _judged(dispute, next, op, 0, uint64(CHUNK * size));
            return true;
        }
        next.value = Code.element(chunk, place * size, op.dtype);
        if (next.stage == Stage.Chain) return false;
        next.element = next.index * uint64(CHUNK) + place;
        if (next.element >= Code.count(op.dims)) {
            _judged(dispute, next, op, 0, 0);
            return true;
        }
        if (!Code.isChain(op.code)) return false;
        (next.stage, next.turn) = (Stage.Chain, Turn.Root);
        _leave(dispute, next, GAS_NAME);
        return true;
    }

    function _judged(
        uint256 dispute,
        Dispute memory record,
        Code.Op memory op,
        uint64 step,
        uint64 correct
    ) private {
        emit Judged(
            dispute,
            record.op,
            uint8(op.code),
            record.element,
            step,
            uint8(op.dtype),
            record.value,
            correct
        );
        _decide(dispute, record, correct != record.value, false);
    }

    // Ends.

    /// @inheritdoc ICourt
    function timeout(uint256 dispute, Dispute calldata record) external {
        _checkRecord(dispute, record);
        (bool asserters, uint64 left, uint64 used) = _clock(record);
        require(used > left, ClockRuns(left, used));
        _decide(dispute, record, asserters, true);
    }

    /// @inheritdoc ICourt
    function close(uint256 dispute, Dispute calldata record) external {
        _checkKnown(dispute, record);
        Claim storage fallen = _claims[record.claim];
        require(_hasFallen(fallen.state), NotOpen(record.claim, fallen.state));

        Money storage money = _money[record.claim];
        uint256 refund = _min(money.reserve, record.asserterGas);
        money.reserve -= refund;
        fallen.disputes -= 1;
        recordHash[dispute] = 0;
        uint256 returned = fallen.bond - record.asserterGas + refund;

        emit Closed(dispute, returned);
        token.safeTransfer(record.challenger, returned);
    }

    // Views.

    /// @inheritdoc ICourt
    function claim(uint256 id) external view returns (Claim memory) {
        return _known(id);
    }

    /// @inheritdoc ICourt
    function stateOf(uint256 id) external view returns (State) {
        return _claims[id].state;
    }

    /// @inheritdoc ICourt
    function parentsOf(uint256 id) external view returns (uint256[] memory) {
        return _parents[id];
    }

    /// @inheritdoc ICourt
    function fallOf(uint256 id)
        external
        view
        returns (address challenger, bytes32 outputsRoot, uint64 blockNumber)
    {
        Fall storage fall = _falls[id];
        return (fall.challenger, fall.outputsRoot, fall.blockNumber);
    }

    /// @inheritdoc ICourt
    function bondFloor() external view returns (uint256) {
        return 4 * GAS_SIDE * gasPriceCap;
    }

    // The frame of a move.

    function _checkKnown(uint256 dispute, Dispute memory record) private view {
        bytes32 got = keccak256(abi.encode(record));
        require(recordHash[dispute] == got, NotTheRecord(dispute, recordHash[dispute], got));
    }

    function _checkRecord(uint256 dispute, Dispute memory record) private view {
        _checkKnown(dispute, record);
        State state = _claims[record.claim].state;
        require(state == State.Disputed, NotOpen(record.claim, state));
    }

    function _enterStage(uint256 dispute, Dispute calldata record, Stage stage, Turn turn)
        private
        view
        returns (Dispute memory)
    {
        bool due = record.stage == stage && record.turn == turn;
        if (!due) _checkRecord(dispute, record);
        require(due, WrongMove(record.stage, record.turn));
        return _enter(dispute, record, turn);
    }

    /// @dev Returns a copy of the record with the mover's clock charged.
    function _enter(uint256 dispute, Dispute calldata record, Turn turn)
        private
        view
        returns (Dispute memory next)
    {
        next = record;
        _checkRecord(dispute, next);
        require(next.turn == turn, WrongMove(next.stage, next.turn));
        (bool asserters, uint64 left, uint64 used) = _clock(next);
        address mover = asserters ? _claims[next.claim].asserter : next.challenger;
        require(msg.sender == mover, NotYourTurn(mover));
        require(used <= left, ClockRanOut(left, used));
        if (asserters) next.asserterBlocks = left - used;
        else next.challengerBlocks = left - used;
    }

    /// @dev Stores the record after a move and advances what the move cost.
    function _leave(uint256 dispute, Dispute memory next, uint256 gasUsed) private {
        next.moves += 1;
        next.since = uint64(block.number);
        Money storage money = _money[next.claim];
        bool asserters = msg.sender != next.challenger;
        uint256 price = _min(block.basefee * gasRate / WAD, gasPriceCap);
        uint256 drawn = asserters ? next.asserterGas : money.drawn;
        uint256 amount = _min(gasUsed * price, bondSize / 4 - drawn);
        if (asserters) {
            next.asserterGas += amount;
            money.owed += amount;
        } else {
            next.challengerGas += amount;
            money.drawn += amount;
        }
        recordHash[dispute] = keccak256(abi.encode(next));

        emit Moved(dispute, msg.sender, next);
        if (amount > 0) token.safeTransfer(msg.sender, amount);
    }

    /// @dev Ends a dispute: half of the loser's bond is burnt, the winner is made whole for the gas
    ///      advanced out of its bond, and takes the rest.
    function _decide(uint256 dispute, Dispute memory record, bool asserterLost, bool byClock)
        private
    {
        uint256 id = record.claim;
        Claim storage decided = _claims[id];
        Money storage money = _money[id];
        uint256 bond = decided.bond;
        uint256 pot = bond / 2;
        uint256 burnt = bond - pot;
        recordHash[dispute] = 0;
        decided.disputes -= 1;
        money.owed -= record.asserterGas;
        address winner;
        uint256 paid;
        if (asserterLost) {
            decided.state = State.Struck;
            _falls[id] = Fall(record.challenger, uint64(block.number), record.challengerRoot);
            pot -= money.drawn;
            uint256 refund = _min(pot, record.asserterGas);
            pot -= refund;
            money.reserve = _min(pot, money.owed);
            pot -= money.reserve;
            winner = record.challenger;
            paid = bond - record.asserterGas + refund + pot;
        } else {
            money.drawn -= record.challengerGas;
            pot -= record.asserterGas + record.challengerGas;
            if (decided.disputes == 0) decided.state = State.Open;
            winner = decided.asserter;
            paid = pot;
        }

        emit Decided(id, dispute, asserterLost, byClock, pot, burnt);
        ERC20Burnable(address(token)).burn(burnt);
        token.safeTransfer(winner, paid);
    }

    /// @dev Whose clock runs, what is left of it and what was used since the last move.
    function _clock(Dispute memory record)
        private
        view
        returns (bool asserters, uint64 left, uint64 used)
    {
        asserters = record.turn < Turn.Child;
        left = asserters ? record.asserterBlocks : record.challengerBlocks;
        used = uint64(block.number) - record.since;
    }

    /// @dev Begins the tree at a posted root, and states the children by which its first child is
    ///      named.
    function _postRoot(
        uint256 dispute,
        Dispute memory record,
        bytes32 root,
        uint256 place,
        bytes32[] calldata siblings
    ) private {
        bytes32[] memory children = record.toPosted(root, place, siblings);
        if (record.height > 0) emit Revealed(dispute, root, children);
    }

    // Small things.

    function _known(uint256 id) private view returns (Claim storage found) {
        found = _claims[id];
        require(found.state != State.None, UnknownClaim(id));
    }

    function _depthOver(uint256[] calldata parents) private view returns (uint8 depth) {
        require(parents.length <= PARENTS_MAX, BadParent(parents.length));
        for (uint256 i = 0; i < parents.length; ++i) {
            Claim storage parent = _claims[parents[i]];
            if (parent.state == State.Final) continue;
            bool stands = parent.state != State.None && !_hasFallen(parent.state);
            require(stands && parent.depth < PARENTS_MAX, BadParent(parents[i]));
            if (parent.depth >= depth) depth = parent.depth + 1;
        }
    }

    function _isParent(uint256 id, uint256 parent) private view returns (bool) {
        uint256[] storage parents = _parents[id];
        for (uint256 i = 0; i < parents.length; ++i) {
            if (parents[i] == parent) return true;
        }
        return false;
    }

    function _hasFallen(State state) private pure returns (bool) {
        return state == State.Struck || state == State.Void;
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
