// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {ICourt} from "./interfaces/ICourt.sol";
import {IRiskOracle} from "./interfaces/IRiskOracle.sol";
import {IRounds} from "./interfaces/IRounds.sol";
import {Inputs} from "./lib/Inputs.sol";
import {Reports} from "./lib/Reports.sol";
import {Tree} from "./lib/Tree.sol";

/// @title Risk reports by provider and market
/// @notice Every report with a claim is what the court says of that claim: it waits, it is final, or it
///         fell and counts no more, in which case the one before it is the provider's word again.
/// @dev Deliberately absent: an owner, a list of providers, an average over providers, money (the
///      court has the bonds). Whom to believe, and how far, is for `RiskGate`.
contract RiskOracle is IRiskOracle, EIP712 {
    /// @dev Kinds that are outputs of the Program.
    uint256 private constant CLAIMED = 2;

    /// @dev What is the provider's word.
    struct Word {
        uint64 nonce;
        uint64 marketTime;
        uint64 validFrom;
        uint64 expiry;
    }

    /// @dev One bundle.
    struct Entry {
        Word word;
        uint128 claim;
        Reports.Bounds[CLAIMED] bounds;
    }

    /// @dev One provider's reports on one market. Bundles before `first` fell, or have a later final
    ///      one.
    /// @param price the last, with a bundle or alone
    /// @param settled how many bundles there were up to the newest that is known to be final
    struct Stream {
        uint128 price;
        Word priceWord;
        Entry[] entries;
        uint64 first;
        uint64 settled;
    }

    /// @dev The report Program of rounds with this many rows.
    struct Rule {
        bytes32 program;
        uint32 rows;
    }

    uint256 private constant ROUND_OUTPUTS = 4;
    /// @dev Inputs that a settled round adds to the model and the posted ones: the model before, and who
    ///      was accepted; its updates follow.
    uint256 private constant ROUND_ADDS = 2;
    uint256 private constant WAITING_MAX = 64;

    /// @notice Whose settled model reports are made with.
    IRounds public immutable rounds;
    /// @inheritdoc IRiskOracle
    ICourt public immutable court;
    /// @notice The report Program before the first settled round.
    bytes32 public immutable firstProgram;

    /// @inheritdoc IRiskOracle
    mapping(address provider => uint64) public nonceOf;
    mapping(bytes32 aggregateProgram => Rule) private _rules;
    mapping(address provider => mapping(bytes32 market => Stream)) private _streams;
    Posted[] private _posted;

    /// @param rounds_ deployed
    /// @param court_ deployed, and having this address among its consumers
    /// @param programs the report Program before the first settled round, then one for each of the
    ///        round's aggregation Programs
    /// @param posted tensors whose bytes a bundle brings: the Program's inputs from the second on
    constructor(IRounds rounds_, ICourt court_, bytes32[] memory programs, Posted[] memory posted)
        EIP712(Reports.NAME, Reports.VERSION)
    {
        rounds = rounds_;
        court = court_;
        require(court_.isConsumer(address(this)), BadConfig("court"));
        IRounds.Config memory config = rounds_.config();
        uint256 count = config.aggregatePrograms.length;
        require(programs.length == count + 1, BadConfig("programs"));
        firstProgram = programs[0];
        for (uint256 i = 0; i < count; ++i) {
            Rule storage rule = _rules[config.aggregatePrograms[i]];
            rule.program = programs[i + 1];
            rule.rows = config.quorum + uint32(i);
        }
        for (uint256 i = 0; i < posted.length; ++i) {
            require(posted[i].length > 0, BadConfig("posted"));
            _posted.push(posted[i]);
        }
    }

    /// @inheritdoc IRiskOracle
    function post(
        Bundle calldata bundle,
        Basis calldata basis,
        ICourt.Opening[] calldata readings,
        bytes calldata signature
    ) external returns (address provider, uint256 claim) {
        Ground memory ground = groundOf(basis);
        provider = Reports.signer(digestOf(bundle, ground.program, ground.inputsRoot), signature);
        Stream storage stream = _streams[provider][bundle.market];
        _setPrice(stream, provider, bundle.price, _wordOf(bundle));
        _settle(stream, provider, bundle.market);
        require(stream.entries.length - stream.first < WAITING_MAX, TooManyWaiting(WAITING_MAX));

        claim = court.post(
            ground.program, ground.inputsRoot, bundle.outputsRoot, provider, 1, new uint256[](0)
        );
        emit Based(claim, provider, bundle.market, ground.roundClaim, ground.modelRoot, basis.data);
        emit Reported(provider, bundle.market, 0, _priceOf(stream, bundle.market));
        Entry storage entry = stream.entries.push();
        entry.claim = uint128(claim);
        _keep(entry, provider, bundle, readings);
    }

    /// @inheritdoc IRiskOracle
    function postPrice(Price calldata price, bytes calldata signature)
        external
        returns (address provider)
    {
        provider = Reports.signer(digestOfPrice(price), signature);
        Stream storage stream = _streams[provider][price.market];
        Word memory word = Word(price.nonce, price.marketTime, price.validFrom, price.expiry);
        _setPrice(stream, provider, price.price, word);
        emit Reported(provider, price.market, 0, _priceOf(stream, price.market));
    }

    /// @inheritdoc IRiskOracle
    function settle(address provider, bytes32 market) external {
        _settle(_streams[provider][market], provider, market);
    }

    /// @inheritdoc IRiskOracle
    function latest(address provider, bytes32 market, uint8 kind)
        external
        view
        returns (Report memory)
    {
        Stream storage stream = _streams[provider][market];
        if (kind == uint8(Kind.Price)) return _priceOf(stream, market);
        uint256 end = stream.entries.length;
        while (end > stream.first && _hasFallen(_stateOf(stream.entries[end - 1]))) {
            --end;
        }
        return _reportBefore(stream, end > stream.first ? end : stream.settled, market, kind);
    }

    /// @inheritdoc IRiskOracle
    function standing(address provider, bytes32 market, uint8 kind)
        external
        view
        returns (Report memory final_, Report memory highest, Report memory newest)
    {
        Stream storage stream = _streams[provider][market];
        uint256 end = stream.entries.length;
        for (; end > stream.first; --end) {
            ICourt.State state = _stateOf(stream.entries[end - 1]);
            if (state == ICourt.State.Final) break;
            if (_hasFallen(state)) continue;
            Report memory found = _reportBefore(stream, end, market, kind);
            if (newest.nonce == 0) newest = found;
            if (highest.nonce == 0 || found.upper > highest.upper) highest = found;
        }
        final_ = _reportBefore(stream, end > stream.first ? end : stream.settled, market, kind);
    }

    /// @inheritdoc IRiskOracle
    function bundleCount(address provider, bytes32 market) external view returns (uint256) {
        return _streams[provider][market].entries.length;
    }

    /// @inheritdoc IRiskOracle
    function bundleAt(address provider, bytes32 market, uint256 index, uint8 kind)
        external
        view
        returns (Report memory)
    {
        Stream storage stream = _streams[provider][market];
        uint256 count = stream.entries.length;
        return _reportBefore(stream, index < count ? index + 1 : 0, market, kind);
    }

    /// @inheritdoc IRiskOracle
    function postedLengths() external view returns (Posted[] memory) {
        return _posted;
    }

    /// @inheritdoc IRiskOracle
    function groundOf(Basis calldata basis) public view returns (Ground memory ground) {
        ground.roundClaim = rounds.settledClaim();
        ground.modelRoot = rounds.modelRoot();
        bytes32[] memory roots;
        if (ground.roundClaim == 0) {
            _count(basis.inputs.length, 0);
            _count(basis.outputs.length, 0);
            ground.program = firstProgram;
            roots = new bytes32[](1 + _posted.length);
        } else {
            ICourt.Claim memory settled = court.claim(ground.roundClaim);
            Rule storage rule = _rules[settled.program];
            ground.program = rule.program;
            _count(basis.inputs.length, Inputs.FIXED + rule.rows);
            _count(basis.outputs.length, ROUND_OUTPUTS);
            _same(settled.inputsRoot, Tree.root(basis.inputs));
            _same(settled.outputsRoot, Tree.root(basis.outputs));
            uint256 at = 1 + _posted.length;
            roots = new bytes32[](at + ROUND_ADDS + rule.rows);
            roots[at] = basis.inputs[0];
            roots[at + 1] = basis.outputs[1];
            for (uint256 row = 0; row < rule.rows; ++row) {
                roots[at + ROUND_ADDS + row] = basis.inputs[Inputs.FIXED + row];
            }
        }
        roots[0] = ground.modelRoot;
        _hashData(basis.data, roots);
        ground.inputsRoot = Tree.root(roots);
    }

    /// @inheritdoc IRiskOracle
    function digestOf(Bundle calldata bundle, bytes32 program, bytes32 inputsRoot)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(Reports.hashOf(bundle, program, inputsRoot));
    }

    /// @inheritdoc IRiskOracle
    function digestOfPrice(Price calldata price) public view returns (bytes32) {
        return _hashTypedDataV4(Reports.hashOf(price));
    }

    // Posting.

    function _wordOf(Bundle calldata bundle) private pure returns (Word memory) {
        return Word(bundle.nonce, bundle.marketTime, bundle.validFrom, bundle.expiry);
    }

    /// @dev Reads what the Program returned into a new entry.
    function _keep(
        Entry storage entry,
        address provider,
        Bundle calldata bundle,
        ICourt.Opening[] calldata readings
    ) private {
        entry.word = _wordOf(bundle);
        require(readings.length == CLAIMED, ReadingCount(readings.length, CLAIMED));
        for (uint8 kind = 1; kind <= CLAIMED; ++kind) {
            entry.bounds[kind - 1] = Reports.read(kind, readings[kind - 1], bundle.outputsRoot);
            emit Reported(provider, bundle.market, kind, _report(entry, bundle.market, kind));
        }
    }

    /// @dev Checks what is the provider's word, and stores it.
    function _setPrice(Stream storage stream, address provider, uint256 price, Word memory word)
        private
    {
        uint64 nonce = nonceOf[provider];
        uint64 last = stream.priceWord.marketTime;
        require(word.nonce > nonce, NonceUsed(word.nonce, nonce));
        require(price > 0 && price <= type(uint128).max, BadPrice(price));
        require(word.validFrom <= block.timestamp, FromTheFuture(word.validFrom));
        require(word.marketTime <= block.timestamp, FromTheFuture(word.marketTime));
        bool holds = word.expiry > word.validFrom && word.expiry > block.timestamp;
        require(holds, Expired(word.expiry));
        require(word.marketTime >= last, MarketTimeBackwards(word.marketTime, last));
        nonceOf[provider] = word.nonce;
        stream.price = uint128(price);
        stream.priceWord = word;
    }

    /// @dev Writes the roots of the posted tensors behind the model's.
    function _hashData(bytes[] calldata data, bytes32[] memory roots) private view {
        uint256 count = _posted.length;
        _count(data.length, count);
        for (uint256 i = 0; i < count; ++i) {
            Posted memory posted = _posted[i];
            require(data[i].length == posted.length, DataLength(i, data[i].length, posted.length));
            roots[1 + i] = Tree.tensorRoot(data[i], posted.wide ? Tree.CHUNK_8 : Tree.CHUNK_4);
        }
    }

    // Claims.

    /// @dev Finalises what can be, and moves past what counts no more.
    function _settle(Stream storage stream, address provider, bytes32 market) private {
        uint256 count = stream.entries.length;
        uint64 settled = stream.settled;
        uint64 first = stream.first;
        for (uint256 i = first; i < count; ++i) {
            uint256 id = stream.entries[i].claim;
            ICourt.Claim memory claim = court.claim(id);
            if (claim.state == ICourt.State.Open && block.number > claim.deadline) {
                court.finalise(id);
                claim.state = ICourt.State.Final;
            }
            if (claim.state == ICourt.State.Final) {
                (settled, first) = (uint64(i + 1), uint64(i + 1));
            } else if (first == i && _hasFallen(claim.state)) {
                ++first;
            }
        }
        stream.first = first;
        if (settled == stream.settled) return;

        stream.settled = settled;
        Entry storage entry = stream.entries[settled - 1];
        emit Settled(provider, market, entry.claim, entry.word.nonce);
    }

    function _stateOf(Entry storage entry) private view returns (ICourt.State) {
        return court.stateOf(entry.claim);
    }

    function _hasFallen(ICourt.State state) private pure returns (bool) {
        return state == ICourt.State.Struck || state == ICourt.State.Void;
    }

    // Small things.

    /// @dev The report of the last of the first `end` entries; all zero where there is none.
    function _reportBefore(Stream storage stream, uint256 end, bytes32 market, uint8 kind)
        private
        view
        returns (Report memory report)
    {
        bool claimed = kind > 0 && kind <= CLAIMED;
        if (end > 0 && claimed) report = _report(stream.entries[end - 1], market, kind);
    }

    function _report(Entry storage entry, bytes32 market, uint8 kind)
        private
        view
        returns (Report memory)
    {
        Reports.Bounds memory bounds = entry.bounds[kind - 1];
        Word memory word = entry.word;
        return Report({
            market: market,
            kind: kind,
            value: bounds.value,
            lower: bounds.lower,
            upper: bounds.upper,
            claim: entry.claim,
            marketTime: word.marketTime,
            validFrom: word.validFrom,
            expiry: word.expiry,
            nonce: word.nonce
        });
    }

    function _priceOf(Stream storage stream, bytes32 market)
        private
        view
        returns (Report memory report)
    {
        Word memory word = stream.priceWord;
        if (word.nonce == 0) return report;
        uint256 price = stream.price;
        return Report({
            market: market,
            kind: uint8(Kind.Price),
            value: price,
            lower: price,
            upper: price,
            claim: 0,
            marketTime: word.marketTime,
            validFrom: word.validFrom,
            expiry: word.expiry,
            nonce: word.nonce
        });
    }

    function _count(uint256 got, uint256 expected) private pure {
        require(got == expected, BasisCount(got, expected));
    }

    function _same(bytes32 expected, bytes32 got) private pure {
        require(got == expected, BasisMismatch(expected, got));
    }
}
