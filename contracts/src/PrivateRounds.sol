// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {BucketDesk} from "./BucketDesk.sol";
import {ICourt} from "./interfaces/ICourt.sol";
import {IPrivateRounds} from "./interfaces/IPrivateRounds.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {IRewards} from "./interfaces/IRewards.sol";
import {Buckets} from "./lib/Buckets.sol";
import {Inputs} from "./lib/Inputs.sol";
import {Tree} from "./lib/Tree.sol";

/// @title One private job's rounds
/// @notice Buckets and members are a function of the commitments and of a block's hash, rolls of the
///         reports, the aggregation's inputs of the sums that stand. What is burnt goes to nobody.
/// @dev Every call first ends what is over (`advance`). Deliberately absent: shares, updates, an
///      administrator, a forced way onto a roll for a trainer that both holders of a share deny.
contract PrivateRounds is IPrivateRounds {
    bytes32 private constant SEATS_DOMAIN = keccak256("assay/seed/seats/v1");
    bytes32 private constant BUCKETS_DOMAIN = keccak256("assay/seed/buckets/v1");
    bytes32 private constant ELECT_DOMAIN = keccak256("assay/seed/elect/v1");
    uint256 private constant SHARES = Buckets.SHARES;
    uint256 private constant OUTPUTS = 4;
    uint256 private constant BLOCKHASH_REACH = 256;
    uint256 private constant WEI_PER_GWEI = 1e9;
    /// @dev What the aggregation Program clamps a budget to.
    uint256 private constant BUDGET_GWEI_MAX = 2 ** 46;

    /// @notice Says who takes part, and burns penalties.
    IRegistry public immutable registry;
    /// @notice Keeps the claims this contract relies on.
    ICourt public immutable court;
    /// @inheritdoc IPrivateRounds
    IRewards public immutable rewards;
    /// @notice Draws the buckets, and lays out the inputs.
    BucketDesk public immutable desk;

    Config private _config;
    Round private _round;
    Seat[] private _seats;
    Bucket[] private _buckets;

    /// @inheritdoc IPrivateRounds
    bytes32 public modelRoot;
    /// @inheritdoc IPrivateRounds
    bytes32 public cumulativeRoot;
    /// @inheritdoc IPrivateRounds
    uint64 public settledCount;

    /// @param registry_ deployed, and knowing this address
    /// @param court_ deployed, and having this address among its consumers
    /// @param rewards_ deployed, and knowing this address
    /// @param config_ see `Config`
    constructor(IRegistry registry_, ICourt court_, IRewards rewards_, Config memory config_) {
        registry = registry_;
        court = court_;
        rewards = rewards_;
        desk = new BucketDesk();
        _checkConfig(config_);
        _config = config_;
        modelRoot = config_.initialModel;
        cumulativeRoot = config_.initialCumulative;
    }

    /// @inheritdoc IPrivateRounds
    function open() external returns (uint64 number) {
        advance();
        _expect(Phase.Idle);
        uint256 needed = (uint256(settledCount) + 1) * _config.budgetGwei * WEI_PER_GWEI;
        uint256 funded = rewards.funded();
        require(funded >= needed, Unfunded(funded, needed));
        uint32 active = registry.activeCount();
        require(active >= _config.nodes, NodesMissing(active, _config.nodes));

        number = _round.number + 1;
        delete _round;
        delete _seats;
        delete _buckets;
        (_round.number, _round.phase) = (number, Phase.Seats);
        _round.mark = uint64(block.number);

        emit Opened(number, uint64(block.number), modelRoot);
    }

    /// @inheritdoc IPrivateRounds
    function advance() public {
        Phase phase = _round.phase;
        bool late = block.number > _round.until;
        if (phase == Phase.Seats) draw();
        if (phase == Phase.Commit && (late || _round.acted == _seats.length)) _closeCommits(late);
        if (phase == Phase.Draw) _bucket();
        if (phase == Phase.Report && (late || _round.acted == _awaited())) _closeReports();
        if (phase == Phase.Sum && (late || _round.acted == _awaited())) _closeSums();
        if (phase == Phase.Judge) _judge(late);
        if (phase == Phase.Aggregate) _seeFall();
    }

    /// @inheritdoc IPrivateRounds
    function draw() public {
        if (_round.phase != Phase.Seats || block.number <= _round.mark) return;
        bytes32 seed = _seed(SEATS_DOMAIN);
        uint32[] memory drawn = registry.draw(seed, _config.capacity, _config.cumulativeLength);
        for (uint256 i = 0; i < drawn.length; ++i) {
            if (i == 0 || drawn[i] != drawn[i - 1]) _seats.push().index = drawn[i];
            ++_seats[_seats.length - 1].rows;
        }
        _enter(Phase.Commit, _config.commitBlocks);

        emit Seated(_round.number, drawn);
    }

    /// @inheritdoc IPrivateRounds
    function commit(uint64 round, bytes32[3] calldata shares) external {
        _current(round, Phase.Commit);
        Seat storage seat = _seats[_placeOf(msg.sender)];
        require(seat.shares[0] == 0, AlreadyDone(seat.index));
        require(shares[0] != 0 && shares[1] != 0 && shares[2] != 0, ZeroRoot());

        seat.shares = shares;
        _round.acted += 1;

        emit Committed(round, seat.index, shares);
        advance();
    }

    /// @inheritdoc IPrivateRounds
    function report(uint64 round, uint256 bucket, uint256 member, uint32[2] calldata held)
        external
    {
        _current(round, Phase.Report);
        Bucket storage own = _asMember(bucket, member);
        require(
            !Buckets.isSet(own.reported, member), AlreadyDone(_seats[own.members[member]].index)
        );
        uint32 all = held[0] | held[1];
        require(all & ~own.trainers == 0, NotTrainers(own.trainers, all));

        own.held[member] = held;
        own.reported |= uint8(1 << member);
        _round.acted += 1;

        emit Reported(round, bucket, member, held);
        advance();
    }

    /// @inheritdoc IPrivateRounds
    function state(
        uint64 round,
        uint256 bucket,
        uint256 member,
        bytes calldata first,
        bytes calldata second
    ) external {
        _current(round, Phase.Sum);
        Bucket storage own = _asMember(bucket, member);
        require(own.roll != 0, NoRoll(bucket));
        require(Buckets.isSet(own.reported, member), NotReported(bucket, member));
        require(own.sums[member][0] == 0, AlreadyDone(_seats[own.members[member]].index));
        uint256 expected = 4 * uint256(_config.width);
        require(first.length == expected, SumLength(first.length, expected));
        require(second.length == expected, SumLength(second.length, expected));

        own.sums[member] = [Tree.tensorRoot4(first), Tree.tensorRoot4(second)];
        _round.acted += 1;

        emit Stated(round, bucket, member, own.sums[member], first, second);
        advance();
    }

    /// @inheritdoc IPrivateRounds
    function defend(uint64 round, uint256 bucket, uint256 share) external returns (uint256 claim) {
        _current(round, Phase.Judge);
        require(bucket < _buckets.length, NoBucket(bucket));
        Bucket storage own = _buckets[bucket];
        require(own.roll != 0, NoRoll(bucket));
        require(share < SHARES, NotDisputed(bucket, share));
        (bool disputed,) = Buckets.sumOf(own, share);
        require(disputed && own.claims[share] == 0, NotDisputed(bucket, share));
        uint256 member = (share + 1) % SHARES;
        uint256 place = _placeOf(msg.sender);
        if (own.members[member] != place) member = (share + 2) % SHARES;
        require(own.members[member] == place, NotMember(bucket, member));

        claim = court.post(
            _config.partialPrograms[Buckets.countOf(own.roll) - Buckets.TRAINERS_MIN],
            desk.sharesRoot(_seats, own.roll, share),
            own.sums[member][_slot(member, share)],
            msg.sender,
            1,
            new uint256[](0)
        );
        own.claims[share] = claim;
        own.defenders[share] = uint8(member);

        emit Defended(round, bucket, share, member, claim);
    }

    /// @inheritdoc IPrivateRounds
    function postResult(uint64 round, bytes32 outputsRoot) external returns (uint256 claim) {
        _current(round, Phase.Aggregate);
        require(_round.claim == 0, ClaimPending(_round.claim));
        uint32 own = _seats[_placeOf(msg.sender)].index;
        uint32 elected = _aggregator();
        require(own == elected, NotAggregator(elected, own));

        bytes32 inputs = _inputsRoot();
        bytes32 program = _config.aggregatePrograms[_round.rows - _config.quorum];
        claim = court.post(program, inputs, outputsRoot, msg.sender, 1, new uint256[](0));
        _round.claim = claim;

        emit ResultPosted(round, claim, elected, inputs, outputsRoot);
    }

    /// @inheritdoc IPrivateRounds
    function settle(uint64 round, bytes32[] calldata outputRoots, bytes calldata acceptedChunk)
        external
    {
        _current(round, Phase.Aggregate);
        uint256 claim = _round.claim;
        require(claim != 0 && _standing(claim) == ICourt.State.Final, ClaimNotFinal(claim));
        _checkOutputs(claim, outputRoots, acceptedChunk);

        _round.phase = Phase.Idle;
        settledCount += 1;
        modelRoot = outputRoots[0];
        cumulativeRoot = outputRoots[3];
        uint32 accepted = 0;
        for (uint256 row = 0; row < _round.rows; ++row) {
            if (acceptedChunk[4 * row] != 0) accepted |= uint32(1 << row);
        }

        emit Settled(round, claim, outputRoots[0], outputRoots[3], accepted);
        rewards.post(round, outputRoots[3]);
    }

    /// @inheritdoc IPrivateRounds
    function config() external view returns (Config memory) {
        return _config;
    }

    /// @inheritdoc IPrivateRounds
    function current() external view returns (Round memory, Seat[] memory, Bucket[] memory) {
        return (_round, _seats, _buckets);
    }

    /// @inheritdoc IPrivateRounds
    function aggregator() external view returns (uint32) {
        _expect(Phase.Aggregate);
        return _aggregator();
    }

    // Ends of phases.

    function _enter(Phase phase, uint64 blocks) private {
        _round.phase = phase;
        _round.until = uint64(block.number) + blocks;
        _round.acted = 0;
    }

    /// @dev The last commitment may come in the marked block, whose hash nobody knew then.
    function _closeCommits(bool late) private {
        uint256 needed = 2 * uint256(_config.size);
        uint256 got = _round.acted;
        if (got < needed) return _void(got, needed);
        _round.mark = late ? _round.until : uint64(block.number);
        _round.phase = Phase.Draw;
    }

    function _bucket() private {
        if (block.number <= _round.mark) return;
        bytes32 seed = _seed(BUCKETS_DOMAIN);
        (uint32[] memory trainers, uint8[3][] memory members) =
            desk.draw(_seats, seed, _config.size);
        for (uint256 i = 0; i < trainers.length; ++i) {
            Bucket storage made = _buckets.push();
            made.trainers = trainers[i];
            made.members = members[i];
        }
        _round.seed = seed;
        _enter(Phase.Report, _config.reportBlocks);

        emit Bucketed(_round.number, seed, trainers, members);
    }

    function _closeReports() private {
        uint32[] memory rolls = new uint32[](_buckets.length);
        for (uint256 i = 0; i < rolls.length; ++i) {
            Bucket storage bucket = _buckets[i];
            for (uint256 j = 0; j < SHARES; ++j) {
                if (!Buckets.isSet(bucket.reported, j)) _isGone(i, j);
            }
            rolls[i] = desk.roll(bucket);
            bucket.roll = rolls[i];
            if (rolls[i] != 0) _round.rows += 1;
        }
        emit Called(_round.number, rolls);
        if (_round.rows < _config.quorum) return _void(_round.rows, _config.quorum);
        _enter(Phase.Sum, _config.sumBlocks);
    }

    function _closeSums() private {
        bool anyDisputed = false;
        for (uint256 i = 0; i < _buckets.length; ++i) {
            Bucket storage bucket = _buckets[i];
            if (bucket.roll == 0) continue;
            for (uint256 j = 0; j < SHARES; ++j) {
                bool silent = Buckets.isSet(bucket.reported, j) && bucket.sums[j][0] == 0;
                if (silent) _isGone(i, j);
            }
            bool whole = true;
            bool isDisputed = false;
            for (uint256 share = 0; share < SHARES; ++share) {
                (bool disputed, bytes32 root) = Buckets.sumOf(bucket, share);
                if (root == 0) whole = false;
                if (disputed) isDisputed = true;
            }
            if (!whole) _lose(i);
            else if (isDisputed) anyDisputed = true;
        }
        if (!anyDisputed) return _aggregate();
        _enter(Phase.Judge, _config.judgeBlocks);
    }

    /// @dev Takes what the court says of disputed sums; goes on when none is left.
    function _judge(bool late) private {
        bool waits = false;
        for (uint256 i = 0; i < _buckets.length; ++i) {
            for (uint256 share = 0; share < SHARES && _buckets[i].roll != 0; ++share) {
                (bool disputed,) = Buckets.sumOf(_buckets[i], share);
                if (disputed && !_isJudged(i, share, late)) waits = true;
            }
        }
        if (!waits) _aggregate();
    }

    /// @dev Whether a disputed sum is one no longer: somebody was convicted, or nobody defended.
    function _isJudged(uint256 at, uint256 share, bool late) private returns (bool) {
        Bucket storage bucket = _buckets[at];
        uint256 claim = bucket.claims[share];
        if (claim == 0) {
            if (!late) return false;
            _isGone(at, (share + 1) % SHARES);
            _isGone(at, (share + 2) % SHARES);
            _lose(at);
            return true;
        }
        ICourt.State standing = _standing(claim);
        bool fell = standing == ICourt.State.Struck || standing == ICourt.State.Void;
        if (!fell && standing != ICourt.State.Final) return false;
        uint256 defender = bucket.defenders[share];
        uint256 liar = fell ? defender : SHARES - share - defender; // places 0, 1 and 2 sum to 3
        bucket.sums[liar][_slot(liar, share)] = 0;
        uint32 node = _seats[bucket.members[liar]].index;

        emit Lied(_round.number, at, share, node, _config.liePenalty);
        registry.penalise(node, _config.liePenalty);
        return true;
    }

    function _aggregate() private {
        if (_round.rows < _config.quorum) return _void(_round.rows, _config.quorum);
        _enter(Phase.Aggregate, 0);
        _round.since = uint64(block.number);
    }

    function _seeFall() private {
        uint256 claim = _round.claim;
        if (claim == 0) return;
        ICourt.State standing = court.stateOf(claim);
        if (standing != ICourt.State.Struck && standing != ICourt.State.Void) return;
        _round.claim = 0;
        _round.attempt += 1;
        _round.since = uint64(block.number);

        emit ResultFell(_round.number, claim, _round.attempt);
    }

    function _void(uint256 got, uint256 needed) private {
        emit Voided(_round.number, _round.phase, got, needed);
        _round.phase = Phase.Idle;
    }

    function _lose(uint256 bucket) private {
        _buckets[bucket].roll = 0;
        _round.rows -= 1;

        emit Lost(_round.number, bucket);
    }

    function _isGone(uint256 bucket, uint256 member) private {
        uint32 node = _seats[_buckets[bucket].members[member]].index;

        emit Gone(_round.number, bucket, node, _config.gonePenalty);
        registry.penalise(node, _config.gonePenalty);
    }

    /// @dev How many acts of members end the phase early.
    function _awaited() private view returns (uint256 count) {
        for (uint256 i = 0; i < _buckets.length; ++i) {
            if (_round.phase == Phase.Report) count += SHARES;
            else if (_buckets[i].roll != 0) count += Buckets.countOf(_buckets[i].reported);
        }
    }

    // Small things.

    function _expect(Phase expected) private view {
        require(_round.phase == expected, WrongPhase(expected, _round.phase));
    }

    function _current(uint64 round, Phase expected) private {
        advance();
        require(round == _round.number, WrongRound(_round.number, round));
        _expect(expected);
    }

    function _asMember(uint256 bucket, uint256 member) private view returns (Bucket storage own) {
        require(bucket < _buckets.length, NoBucket(bucket));
        own = _buckets[bucket];
        bool isMember = member < SHARES && own.members[member] == _placeOf(msg.sender);
        require(isMember, NotMember(bucket, member));
    }

    /// @dev Where among a member's two sums that of a share is which it holds.
    function _slot(uint256 member, uint256 share) private pure returns (uint256) {
        return (member + 1) % SHARES == share ? 0 : 1;
    }

    /// @dev Seats stand in ascending order of registry index, at most 32 of them.
    function _placeOf(address key) private view returns (uint256 place) {
        (bool joined, uint32 index) = registry.find(key);
        for (; joined && place < _seats.length; ++place) {
            if (_seats[place].index == index) return place;
        }
        revert NotSeated(key);
    }

    /// @dev A seed from the hash of the marked block, or of one a multiple of 256 later.
    function _seed(bytes32 domain) private view returns (bytes32) {
        uint256 target = _round.mark;
        target += ((block.number - 1 - target) / BLOCKHASH_REACH) * BLOCKHASH_REACH;
        return keccak256(abi.encode(domain, _config.job, _round.number, blockhash(target)));
    }

    /// @dev The nodes that committed take turns, one seat as good as many.
    function _aggregator() private view returns (uint32) {
        uint256 count = 0;
        for (uint256 place = 0; place < _seats.length; ++place) {
            if (_seats[place].shares[0] != 0) ++count;
        }
        uint256 turn = _round.attempt + (block.number - _round.since) / _config.aggregateBlocks;
        uint256 first = uint256(keccak256(abi.encode(ELECT_DOMAIN, _round.seed)));
        uint256 left = addmod(first, turn, count);
        for (uint256 place = 0;; ++place) {
            if (_seats[place].shares[0] == 0) continue;
            if (left == 0) return _seats[place].index;
            --left;
        }
        assert(false); // as many committed as were counted
        return 0;
    }

    function _inputsRoot() private view returns (bytes32) {
        bytes32 budget = Inputs.budgetRoot(_config.budgetGwei);
        return desk.inputsRoot(_seats, _buckets, [modelRoot, cumulativeRoot, budget], _round.rows);
    }

    /// @dev Where a claim stands, made final on the way where only the call was missing.
    function _standing(uint256 claim) private returns (ICourt.State) {
        ICourt.Claim memory posted = court.claim(claim);
        if (posted.state != ICourt.State.Open || block.number <= posted.deadline) {
            return posted.state;
        }
        court.finalise(claim);
        return ICourt.State.Final;
    }

    function _checkOutputs(
        uint256 claim,
        bytes32[] calldata outputRoots,
        bytes calldata acceptedChunk
    ) private view {
        require(outputRoots.length == OUTPUTS, OutputCount(outputRoots.length, OUTPUTS));
        bytes32 expected = court.claim(claim).outputsRoot;
        bytes32 got = Tree.root(outputRoots);
        require(got == expected, OutputsMismatch(expected, got));
        require(
            acceptedChunk.length == Tree.CHUNK_4,
            Tree.ChunkLength(acceptedChunk.length, Tree.CHUNK_4)
        );
        got = Tree.leaf(acceptedChunk);
        require(got == outputRoots[1], AcceptedMismatch(outputRoots[1], got));
    }

    function _checkConfig(Config memory given) private view {
        require(given.capacity > 0 && given.capacity <= Inputs.ROWS_MAX, BadConfig("capacity"));
        require(given.size >= Buckets.TRAINERS_MIN, BadConfig("size"));
        require(2 * uint256(given.size) <= given.capacity, BadConfig("size"));
        uint256 rows = given.capacity / given.size;
        require(given.quorum > 0 && given.quorum <= rows, BadConfig("quorum"));
        require(
            given.aggregatePrograms.length == rows + 1 - given.quorum,
            BadConfig("aggregatePrograms")
        );
        uint256 sizes = 3 * uint256(given.size) / 2 + 1 - Buckets.TRAINERS_MIN;
        require(given.partialPrograms.length == sizes, BadConfig("partialPrograms"));
        require(given.cumulativeLength == rewards.length(), BadConfig("cumulativeLength"));
        require(given.commitBlocks > 0, BadConfig("commitBlocks"));
        require(given.reportBlocks > 0, BadConfig("reportBlocks"));
        require(given.sumBlocks > 0, BadConfig("sumBlocks"));
        require(given.judgeBlocks > 0, BadConfig("judgeBlocks"));
        require(given.aggregateBlocks > 0, BadConfig("aggregateBlocks"));
        require(given.width > 0 && given.width % 32 == 0, BadConfig("width"));
        require(given.budgetGwei <= BUDGET_GWEI_MAX, BadConfig("budgetGwei"));
        require(court.isConsumer(address(this)), BadConfig("court"));
        uint256 longest = uint256(given.commitBlocks) + given.reportBlocks + given.sumBlocks
            + given.judgeBlocks + uint256(given.aggregateBlocks) * given.capacity + 2
            * (uint256(court.windowBlocks()) + 2 * uint256(court.clockBlocks()));
        require(registry.unbondBlocks() > longest, BadConfig("unbondBlocks"));
    }
}
