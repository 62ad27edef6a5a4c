// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {ICourt} from "./interfaces/ICourt.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {IRewards} from "./interfaces/IRewards.sol";
import {IRounds} from "./interfaces/IRounds.sol";
import {Inputs} from "./lib/Inputs.sol";
import {Tree} from "./lib/Tree.sol";

/// @title One job's rounds
/// @notice Nothing here is anybody's choice but what the caller's own key is asked for: who is in,
///         the inputs, the aggregator's turn and the phase are functions of the chain's state.
/// @dev Every call first brings the stored round up to this block (`_asOf`), acts on a copy in
///      memory, and stores it (`_save`), which is the one place that emits what closed on the way.
///      Deliberately absent: an administrator, a way to change the configuration, a clock.
contract Rounds is IRounds {
    /// @dev The stored round, without its seats. `committed` and `revealed` count seats.
    struct Core {
        uint64 number;
        uint64 openBlock;
        uint64 commitsClosedBlock;
        uint64 revealsClosedBlock;
        Phase phase;
        uint32 attempt;
        uint32 committed;
        uint32 revealed;
        uint256 claim;
        uint256 fallen;
        bytes32 electSeed;
        bytes32 salts;
    }

    bytes32 private constant COMMIT_DOMAIN = keccak256("assay/commit/v1");
    bytes32 private constant AVAILABLE_DOMAIN = keccak256("assay/available/v1");
    bytes32 private constant SEATS_DOMAIN = keccak256("assay/seed/seats/v1");
    bytes32 private constant ELECT_DOMAIN = keccak256("assay/seed/elect/v1");
    uint256 private constant OUTPUTS = 4;
    uint256 private constant SIGNATURE_LENGTH = 65;
    uint256 private constant BLOCKHASH_REACH = 256;
    uint256 private constant WEI_PER_GWEI = 1e9;
    /// @dev What the aggregation Program clamps a budget to; more would be funded and never paid.
    uint256 private constant BUDGET_GWEI_MAX = 2 ** 46;

    /// @notice Says who takes part, and burns penalties.
    IRegistry public immutable registry;
    /// @notice Keeps the claims this contract relies on.
    ICourt public immutable court;
    /// @inheritdoc IRounds
    IRewards public immutable rewards;

    Config private _config;
    Core private _core;
    Seat[] private _seats;

    /// @notice Running hash of every salt revealed so far; the next round's seeds use it.
    bytes32 public salts;
    /// @inheritdoc IRounds
    bytes32 public modelRoot;
    /// @inheritdoc IRounds
    bytes32 public cumulativeRoot;
    /// @inheritdoc IRounds
    uint64 public settledCount;
    /// @inheritdoc IRounds
    uint256 public settledClaim;

    /// @param registry_ deployed, and knowing this address
    /// @param court_ deployed, and having this address among its consumers
    /// @param rewards_ deployed, and knowing this address
    /// @param config_ see `Config`
    constructor(IRegistry registry_, ICourt court_, IRewards rewards_, Config memory config_) {
        registry = registry_;
        court = court_;
        rewards = rewards_;
        _checkConfig(config_);
        _config = config_;
        modelRoot = config_.initialModel;
        cumulativeRoot = config_.initialCumulative;
    }

    /// @inheritdoc IRounds
    function open() external returns (uint64 round) {
        Core memory core = _asOf(_core);
        require(core.phase == Phase.Idle, WrongPhase(Phase.Idle, core.phase));
        _save(core);
        uint256 needed = (uint256(settledCount) + 1) * _config.budgetGwei * WEI_PER_GWEI;
        uint256 funded = rewards.funded();
        require(funded >= needed, Unfunded(funded, needed));
        uint32 active = registry.activeCount();
        require(active >= _config.nodes, NodesMissing(active, _config.nodes));

        round = core.number + 1;
        delete _core;
        delete _seats;
        _core.number = round;
        _core.openBlock = uint64(block.number);
        _core.phase = Phase.Commit;
        _core.salts = salts;

        emit Opened(round, uint64(block.number), modelRoot, salts);
    }

    /// @inheritdoc IRounds
    function draw() public {
        if (!_drawable()) return;
        Seat[] memory seats = _drawn();
        if (seats.length == 0) return; // all have left, and nobody can commit
        uint32[] memory nodes = new uint32[](seats.length);
        uint32[] memory rows = new uint32[](seats.length);
        for (uint256 place = 0; place < seats.length; ++place) {
            Seat storage seat = _seats.push();
            (seat.index, seat.rows) = (seats[place].index, seats[place].rows);
            seat.stake = seats[place].stake;
            (nodes[place], rows[place]) = (seat.index, seat.rows);
        }
        emit Seated(_core.number, nodes, rows);
    }

    /// @inheritdoc IRounds
    function commit(uint64 round, bytes32 commitment) external {
        draw();
        (Core memory core, Seat storage seat) = _enter(round, Phase.Commit);
        require(commitment != 0, ZeroCommitment(seat.index));
        require(seat.commitment == 0, AlreadyCommitted(seat.index));

        seat.commitment = commitment;
        core.committed += seat.rows;

        emit Committed(round, seat.index, commitment);
        if (core.committed == _config.capacity) _closeCommits(core, uint64(block.number));
        _save(core);
    }

    /// @inheritdoc IRounds
    function reveal(
        uint64 round,
        bytes32 updateRoot,
        bytes32 salt,
        bytes32 blob,
        bytes calldata signatures
    ) external {
        (Core memory core, Seat storage seat) = _enter(round, Phase.Reveal);
        _checkReveal(core, seat, updateRoot, salt);
        _checkCertificate(
            availabilityDigest(round, seat.index, updateRoot, blob), seat.index, signatures
        );
        _reveal(core, seat, updateRoot, salt, blob);

        emit Revealed(round, seat.index, updateRoot, blob, salt, "");
        _save(core);
    }

    /// @inheritdoc IRounds
    function revealWithData(uint64 round, bytes32 salt, bytes32 blob, bytes calldata update)
        external
    {
        (Core memory core, Seat storage seat) = _enter(round, Phase.Reveal);
        uint256 expected = 4 * uint256(_config.updateLength);
        require(update.length == expected, UpdateLength(update.length, expected));
        bytes32 updateRoot = Tree.tensorRoot4(update);
        _checkReveal(core, seat, updateRoot, salt);
        _reveal(core, seat, updateRoot, salt, blob);

        emit Revealed(round, seat.index, updateRoot, blob, salt, update);
        _save(core);
    }

    /// @inheritdoc IRounds
    function postResult(uint64 round, bytes32 outputsRoot) external returns (uint256 claim) {
        (Core memory core, Seat storage seat) = _enter(round, Phase.Aggregate);
        require(core.claim == 0, ClaimPending(core.claim));
        uint32 elected = _aggregator(core);
        require(seat.index == elected, NotAggregator(elected, seat.index));
        _save(core);

        bytes32 inputs = _inputsRoot(core);
        bytes32 program = _config.aggregatePrograms[core.revealed - _config.quorum];
        claim = court.post(program, inputs, outputsRoot, msg.sender, 1, new uint256[](0));
        _core.claim = claim;

        emit ResultPosted(round, claim, elected, inputs, outputsRoot);
    }

    /// @inheritdoc IRounds
    function settle(uint64 round, bytes32[] calldata outputRoots, bytes calldata acceptedChunk)
        external
    {
        Core memory core = _current(round, Phase.Aggregate);
        _checkOutputs(core.claim, outputRoots, acceptedChunk);

        core.phase = Phase.Idle;
        settledCount += 1;
        settledClaim = core.claim;
        modelRoot = outputRoots[0];
        cumulativeRoot = outputRoots[3];
        (uint32[] memory nodes, bool[] memory accepted) = Inputs.accepted(_seats, acceptedChunk);

        emit Settled(round, core.claim, outputRoots[0], outputRoots[3], nodes, accepted);
        _save(core);
        rewards.post(round, outputRoots[3]);
        _penalise();
    }

    /// @inheritdoc IRounds
    function poke() external {
        _save(_asOf(_core));
    }

    /// @inheritdoc IRounds
    function config() external view returns (Config memory) {
        return _config;
    }

    /// @inheritdoc IRounds
    function current() external view returns (Round memory) {
        Core memory core = _asOf(_core);
        return Round({
            number: core.number,
            phase: core.phase,
            openBlock: core.openBlock,
            commitsClosedBlock: core.commitsClosedBlock,
            revealsClosedBlock: core.revealsClosedBlock,
            attempt: core.attempt,
            claim: core.claim,
            electSeed: core.electSeed,
            modelRoot: modelRoot,
            cumulativeRoot: cumulativeRoot,
            seats: _drawable() ? _drawn() : _seats
        });
    }

    /// @inheritdoc IRounds
    function aggregator() external view returns (uint32) {
        return _aggregator(_current(_core.number, Phase.Aggregate));
    }

    /// @inheritdoc IRounds
    function inputsRoot() external view returns (bytes32) {
        return _inputsRoot(_current(_core.number, Phase.Aggregate));
    }

    /// @inheritdoc IRounds
    function commitmentOf(uint64 round, uint32 node, bytes32 updateRoot, bytes32 salt)
        public
        view
        returns (bytes32)
    {
        return keccak256(
            abi.encode(
                COMMIT_DOMAIN,
                block.chainid,
                address(this),
                _config.job,
                round,
                node,
                updateRoot,
                salt
            )
        );
    }

    /// @inheritdoc IRounds
    function availabilityDigest(uint64 round, uint32 node, bytes32 updateRoot, bytes32 blob)
        public
        view
        returns (bytes32)
    {
        return keccak256(
            abi.encode(
                AVAILABLE_DOMAIN, block.chainid, address(this), round, node, updateRoot, blob
            )
        );
    }

    // The round as of this block, and its storage.

    /// @dev Applies to `core` what passing blocks and the court did since it was stored.
    function _asOf(Core memory core) private view returns (Core memory) {
        if (core.phase == Phase.Commit) {
            uint64 deadline = core.openBlock + _config.commitBlocks;
            if (block.number > deadline) _closeCommits(core, deadline);
        }
        if (core.phase == Phase.Reveal) {
            uint64 deadline = core.commitsClosedBlock + _config.revealBlocks;
            if (block.number > deadline) _closeReveals(core, deadline);
        }
        bool running = core.phase == Phase.Reveal || core.phase == Phase.Aggregate;
        if (running && core.electSeed == 0 && block.number > core.commitsClosedBlock + 1) {
            core.electSeed = _seed(ELECT_DOMAIN, core.commitsClosedBlock + 1, core);
        }
        if (core.phase == Phase.Aggregate && core.claim != 0) {
            ICourt.State state = court.claim(core.claim).state;
            if (state == ICourt.State.Struck || state == ICourt.State.Void) {
                core.fallen = core.claim;
                core.claim = 0;
                core.attempt += 1;
            }
        }
        return core;
    }

    function _closeCommits(Core memory core, uint64 blockNumber) private view {
        core.commitsClosedBlock = blockNumber;
        core.phase = core.committed < _config.quorum ? Phase.Idle : Phase.Reveal;
    }

    function _closeReveals(Core memory core, uint64 blockNumber) private view {
        core.revealsClosedBlock = blockNumber;
        core.phase = core.revealed < _config.quorum ? Phase.Idle : Phase.Aggregate;
    }

    /// @dev Stores `core` and emits what happened between it and what was stored.
    function _save(Core memory core) private {
        Core memory before = _core;
        _core = core;
        bool commitsClosed = before.commitsClosedBlock == 0 && core.commitsClosedBlock != 0;
        bool revealsClosed = before.revealsClosedBlock == 0 && core.revealsClosedBlock != 0;
        if (commitsClosed) {
            emit CommitsClosed(core.number, core.commitsClosedBlock, core.committed);
            if (core.phase == Phase.Idle && core.revealsClosedBlock == 0) {
                emit Voided(core.number, Phase.Commit, core.committed, _config.quorum);
            }
        }
        if (revealsClosed) {
            emit RevealsClosed(core.number, core.revealsClosedBlock, core.revealed);
            if (core.phase == Phase.Idle) {
                emit Voided(core.number, Phase.Reveal, core.revealed, _config.quorum);
                _penalise();
            }
        }
        if (core.attempt != before.attempt) {
            emit ResultStruck(core.number, core.fallen, core.attempt);
        }
    }

    /// @dev Returns the round as of this block if it is the one named and in the phase expected.
    function _current(uint64 round, Phase expected) private view returns (Core memory core) {
        core = _asOf(_core);
        require(round == core.number, WrongRound(core.number, round));
        require(core.phase == expected, WrongPhase(expected, core.phase));
    }

    /// @dev As `_current`, and the sender's seat.
    function _enter(uint64 round, Phase expected)
        private
        view
        returns (Core memory core, Seat storage seat)
    {
        core = _current(round, expected);
        bool pending = _core.phase == Phase.Commit && _seats.length == 0;
        require(!pending || block.number > core.openBlock, SeedPending(core.openBlock));
        (bool seated, uint256 place) = _placeOf(msg.sender);
        require(seated, NotSeated(msg.sender));
        seat = _seats[place];
    }

    // Seats.

    /// @dev Whether the seats are still to be drawn and the hash that draws them is there.
    function _drawable() private view returns (bool) {
        return _core.phase == Phase.Commit && _seats.length == 0 && block.number > _core.openBlock;
    }

    /// @dev The seats that `_drawable` is about, a node's together.
    function _drawn() private view returns (Seat[] memory seats) {
        bytes32 seed = _seed(SEATS_DOMAIN, _core.openBlock, _core);
        uint32[] memory drawn = registry.draw(seed, _config.capacity, _config.cumulativeLength);
        uint256 count = 0;
        for (uint256 i = 0; i < drawn.length; ++i) {
            if (i == 0 || drawn[i] != drawn[i - 1]) ++count;
        }
        seats = new Seat[](count);
        uint256 place = 0;
        for (uint256 i = 0; i < drawn.length; ++i) {
            if (i != 0 && drawn[i] != drawn[i - 1]) ++place;
            Seat memory seat = seats[place];
            if (++seat.rows > 1) continue;
            seat.index = drawn[i];
            seat.stake = registry.stakeOf(drawn[i]);
        }
    }

    /// @dev Seats stand in ascending order of registry index, so this is a binary search.
    function _placeOf(address key) private view returns (bool seated, uint256 place) {
        (bool joined, uint32 index) = registry.find(key);
        if (!joined) return (false, 0);
        uint256 end = _seats.length;
        uint256 count = end;
        while (place < end) {
            uint256 middle = (place + end) / 2;
            if (_seats[middle].index < index) place = middle + 1;
            else end = middle;
        }
        seated = place < count && _seats[place].index == index;
    }

    function _checkReveal(Core memory core, Seat storage seat, bytes32 updateRoot, bytes32 salt)
        private
        view
    {
        require(seat.commitment != 0, NotCommitted(seat.index));
        require(!seat.revealed, AlreadyRevealed(seat.index));
        bytes32 got = commitmentOf(core.number, seat.index, updateRoot, salt);
        require(got == seat.commitment, CommitmentMismatch(seat.commitment, got));
    }

    function _reveal(
        Core memory core,
        Seat storage seat,
        bytes32 updateRoot,
        bytes32 salt,
        bytes32 blob
    ) private {
        seat.updateRoot = updateRoot;
        seat.blob = blob;
        seat.salt = salt;
        seat.revealed = true;
        salts = keccak256(abi.encode(salts, seat.index, salt));
        core.revealed += seat.rows;
        if (core.revealed == core.committed) _closeReveals(core, uint64(block.number));
    }

    /// @dev Requires that the revealer and the signers hold more than two thirds of the seats'
    ///      stake.
    function _checkCertificate(bytes32 digest, uint32 revealer, bytes calldata signatures)
        private
        view
    {
        uint256 count = signatures.length / SIGNATURE_LENGTH;
        require(signatures.length % SIGNATURE_LENGTH == 0, BadCertificate(count));
        bytes32 message = MessageHashUtils.toEthSignedMessageHash(digest);
        uint256 held = 0;
        uint256 nextPlace = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 from = i * SIGNATURE_LENGTH;
            (address signer, ECDSA.RecoverError fault,) =
                ECDSA.tryRecoverCalldata(message, signatures[from:from + SIGNATURE_LENGTH]);
            (bool seated, uint256 place) = _placeOf(signer);
            bool sound = fault == ECDSA.RecoverError.NoError && seated && place >= nextPlace
                && _seats[place].index != revealer;
            require(sound, BadCertificate(i));
            held += _seats[place].stake;
            nextPlace = place + 1;
        }
        uint256 total = 0;
        for (uint256 place = 0; place < _seats.length; ++place) {
            total += _seats[place].stake;
            if (_seats[place].index == revealer) held += _seats[place].stake;
        }
        uint256 needed = (2 * total) / 3 + 1;
        require(held >= needed, CertificateTooLight(held, needed));
    }

    function _penalise() private {
        for (uint256 place = 0; place < _seats.length; ++place) {
            Seat storage seat = _seats[place];
            if (seat.commitment != 0 && !seat.revealed) {
                registry.penalise(seat.index, seat.rows * _config.unrevealedPenalty);
            }
        }
    }

    // The aggregator and its claim.

    /// @dev A seed from the hash of block `target`. Block hashes reach back 256 blocks only; if
    ///      nobody sent a transaction for longer, the block a multiple of 256 later takes its place.
    function _seed(bytes32 domain, uint256 target, Core memory core)
        private
        view
        returns (bytes32)
    {
        target += ((block.number - 1 - target) / BLOCKHASH_REACH) * BLOCKHASH_REACH;
        return keccak256(
            abi.encode(domain, _config.job, core.number, uint256(0), blockhash(target), core.salts)
        );
    }

    function _aggregator(Core memory core) private view returns (uint32 node) {
        require(core.electSeed != 0, SeedPending(core.commitsClosedBlock + 1));
        uint64 since = core.revealsClosedBlock;
        address convictor;
        if (core.fallen != 0) (convictor,, since) = court.fallOf(core.fallen);
        uint256 late = (block.number - since) / _config.aggregateBlocks;
        if (convictor != address(0)) {
            (bool seated, uint256 first) = _placeOf(convictor);
            if (seated && _seats[first].revealed) {
                if (late == 0) return _seats[first].index;
                --late;
            }
        }
        uint256 row = addmod(uint256(core.electSeed), core.attempt + late, core.revealed);
        for (uint256 place = 0; place < _seats.length; ++place) {
            if (!_seats[place].revealed) continue;
            if (row < _seats[place].rows) return _seats[place].index;
            row -= _seats[place].rows;
        }
        assert(false); // as many rows are marked revealed as `core.revealed` says
    }

    function _inputsRoot(Core memory core) private view returns (bytes32) {
        return Inputs.root(_seats, core.revealed, modelRoot, cumulativeRoot, _config.budgetGwei);
    }

    function _checkOutputs(
        uint256 claim,
        bytes32[] calldata outputRoots,
        bytes calldata acceptedChunk
    ) private {
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
        require(
            acceptedChunk.length == Tree.CHUNK_4,
            Tree.ChunkLength(acceptedChunk.length, Tree.CHUNK_4)
        );
        got = Tree.leaf(acceptedChunk);
        require(got == outputRoots[1], AcceptedMismatch(outputRoots[1], got));
    }

    function _checkConfig(Config memory given) private view {
        require(given.capacity > 0 && given.capacity <= Inputs.ROWS_MAX, BadConfig("capacity"));
        require(given.nodes > 0, BadConfig("nodes"));
        require(given.quorum > 0 && given.quorum <= given.capacity, BadConfig("quorum"));
        uint256 rows = given.capacity + 1 - given.quorum;
        require(given.aggregatePrograms.length == rows, BadConfig("aggregatePrograms"));
        require(given.cumulativeLength == rewards.length(), BadConfig("cumulativeLength"));
        require(given.commitBlocks > 0, BadConfig("commitBlocks"));
        require(given.revealBlocks > 0, BadConfig("revealBlocks"));
        require(given.aggregateBlocks > 0, BadConfig("aggregateBlocks"));
        require(given.updateLength > 0, BadConfig("updateLength"));
        require(given.budgetGwei <= BUDGET_GWEI_MAX, BadConfig("budgetGwei"));
        require(court.isConsumer(address(this)), BadConfig("court"));
        uint256 longest = uint256(given.commitBlocks) + given.revealBlocks
            + uint256(given.aggregateBlocks) * given.capacity + court.windowBlocks() + 2
            * uint256(court.clockBlocks());
        require(registry.unbondBlocks() > longest, BadConfig("unbondBlocks"));
    }
}
