// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IPriceFeed} from "./interfaces/IPriceFeed.sol";
import {Slots} from "./lib/Slots.sol";
import {Tree} from "./lib/Tree.sol";

/// @title A median of signed prices
/// @notice Its balance of the token is stakes, what is owed to reporters, and what is not yet earned.
/// @dev The reporters are those it was deployed with, since a median over whoever comes is whoever comes most;
///      so are the markets, since every slot of every market is paid for, and moves weights.
///      Deliberately absent: an owner, a way to add or remove a reporter, a reward for who convicts one.
contract PriceFeed is IPriceFeed, EIP712 {
    using SafeERC20 for ERC20Burnable;
    using Slots for Slots.Series;

    /// @dev A report of a slot that is not closed.
    struct Said {
        address who;
        uint128 price;
        uint128 low;
        uint128 high;
    }

    /// @dev Slots with reports, ascending; those before `first` are closed.
    struct Queue {
        uint64[] slots;
        uint256 first;
        uint64 closedLast;
    }

    /// @param weight WAD, from `weightMin` to 1
    /// @param until chain time until which the stake is bound
    struct Reporter {
        bool known;
        bool convicted;
        uint64 until;
        uint128 weight;
        uint256 stake;
        uint256 owed;
    }

    uint256 private constant WAD = 1e18;
    uint256 private constant REPORTERS_MAX = 16;
    /// @dev A report may come before those of as many later slots, and is put in its place among them.
    uint256 private constant LATE_SLOTS_MAX = 64;
    /// @dev How much of the way to its score a weight goes with one slot.
    uint256 private constant WEIGHT_RATE = 0.05e18;
    uint64 private constant BOUND = 7 days;
    bytes32 private constant REPORT_TYPE = keccak256(
        "Report(bytes32 market,uint64 slot,uint128 price,uint128 low,uint128 high,"
        "bytes32 messagesRoot,uint32 messages)"
    );

    /// @notice The token of stakes and pay.
    ERC20Burnable public immutable token;
    /// @notice Whether prices of a market are taken.
    mapping(bytes32 market => bool) public isMarket;
    Terms private _terms;
    address[] private _reporters;
    mapping(address => Reporter) private _known;
    mapping(bytes32 market => mapping(uint64 slot => Said[])) private _said;
    mapping(bytes32 market => mapping(uint64 slot => mapping(address => bool))) private _has;
    mapping(bytes32 market => Slots.Series) private _series;
    mapping(bytes32 market => Queue) private _queues;
    /// @notice Least weight, WAD: one less the n-th part for n reporters, so that the fewer of those who report never
    ///         outweigh the others. Otherwise a few that decided slots while others were silent would, when
    ///         these are back, and be their measure for ever.
    uint256 public immutable weightMin;
    /// @notice Wei that slots are paid from.
    uint256 public pot;

    /// @param who at most sixteen, whose signatures count
    /// @param markets whose prices are taken
    constructor(
        ERC20Burnable token_,
        address[] memory who,
        bytes32[] memory markets,
        Terms memory terms_
    ) EIP712("Assay PriceFeed", "1") {
        require(who.length <= REPORTERS_MAX, BadTerms("reporters"));
        require(terms_.quorum > 0 && terms_.quorum <= who.length, BadTerms("quorum"));
        require(terms_.slotSeconds > 0, BadTerms("slotSeconds"));
        bool soon = terms_.lateSeconds <= LATE_SLOTS_MAX * terms_.slotSeconds;
        require(soon && terms_.lateSeconds <= BOUND / 2, BadTerms("lateSeconds"));
        require(terms_.band > 0 && terms_.band < WAD, BadTerms("band"));
        token = token_;
        weightMin = WAD - WAD / who.length;
        _terms = terms_;
        for (uint256 i = 0; i < who.length; ++i) {
            require(!_known[who[i]].known, BadTerms("reporters"));
            _known[who[i]].known = true;
            _known[who[i]].weight = uint128(WAD);
            _reporters.push(who[i]);
        }
        for (uint256 i = 0; i < markets.length; ++i) {
            isMarket[markets[i]] = true;
        }
    }

    // Prices.

    /// @inheritdoc IPriceFeed
    function report(Report[] calldata reports, bytes[] calldata signatures) external {
        require(reports.length == signatures.length, BadReport());
        for (uint256 i = 0; i < reports.length; ++i) {
            _take(reports[i], signatures[i]);
        }
    }

    /// @inheritdoc IPriceFeed
    function close(bytes32 market) external returns (uint64 slot) {
        Queue storage queue = _queues[market];
        require(queue.first < queue.slots.length, NothingToClose());
        slot = queue.slots[queue.first];
        require(block.timestamp >= _endOf(slot), NothingToClose());
        ++queue.first;
        queue.closedLast = slot;
        Said[] storage said = _said[market][slot];
        (uint256 price, uint256 low, uint256 high) = _priceOf(said);
        emit Closed(market, slot, price, said.length, low, high);
        if (price > 0) {
            _series[market].push(slot, price);
            _score(said, slot, [price, low, high]);
        }
        delete _said[market][slot];
    }

    /// @inheritdoc IPriceFeed
    function latest(bytes32 market) external view returns (uint256 price, uint64 slot, bool fresh) {
        (price, slot) = _series[market].last();
        if (price == 0) return (0, 0, false);
        uint256 due = uint256(_terms.slotSeconds) * (uint256(slot) + 3) + _terms.lateSeconds;
        fresh = block.timestamp < due && slot == _queues[market].closedLast;
    }

    /// @inheritdoc IPriceFeed
    function decidedBefore(bytes32 market) public view returns (uint64 slot) {
        if (block.timestamp < _terms.lateSeconds) return 0;
        slot = uint64((block.timestamp - _terms.lateSeconds) / _terms.slotSeconds);
        Queue storage queue = _queues[market];
        if (queue.first == queue.slots.length) return slot;
        uint64 waiting = queue.slots[queue.first];
        return waiting < slot ? waiting : slot;
    }

    /// @inheritdoc IPriceFeed
    function priceAt(bytes32 market, uint64 slot) external view returns (uint256) {
        return _series[market].at(slot);
    }

    /// @inheritdoc IPriceFeed
    function average(bytes32 market, uint64 from, uint64 to, uint256 least)
        external
        view
        returns (uint256)
    {
        Slots.Series storage series = _series[market];
        uint256 first = series.countBefore(from);
        uint256 end = series.countBefore(to);
        require(from < to && to <= decidedBefore(market), NotYet(end - first, to - from));
        if (end - first < least || end == first) {
            (first, end) = (end, end + (to - from));
            require(end <= series.count(), NotYet(series.count() - first, to - from));
        }
        return series.sum(first, end) / (end - first);
    }

    // Proofs.

    /// @inheritdoc IPriceFeed
    function proveTwo(
        Report calldata first,
        bytes calldata firstSignature,
        Report calldata second,
        bytes calldata secondSignature
    ) external {
        bytes32 digest = digestOf(first);
        bytes32 other = digestOf(second);
        bool oneSlot = first.market == second.market && first.slot == second.slot;
        address signer = _signer(digest, firstSignature);
        bool one = signer == _signer(other, secondSignature);
        require(oneSlot && digest != other && one, NoProof());
        _convict(signer, "two reports for one slot");
    }

    /// @inheritdoc IPriceFeed
    function proveContradiction(
        Report calldata made,
        bytes calldata signature,
        Message calldata message,
        uint256 index,
        bytes32[] calldata siblings
    ) external {
        address signer = _signer(digestOf(made), signature);
        bytes32 root = Tree.climb(messageLeaf(message), index, made.messages, siblings);
        bool outside = message.price < made.low || message.price > made.high;
        require(root == made.messagesRoot && outside, NoProof());
        _convict(signer, "a message outside the stated range");
    }

    // Money.

    /// @inheritdoc IPriceFeed
    function stake(uint256 amount) external {
        Reporter storage reporter = _known[msg.sender];
        require(reporter.known && !reporter.convicted, NotAReporter(msg.sender));
        reporter.stake += amount;
        emit Staked(msg.sender, amount, reporter.stake);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IPriceFeed
    function unstake(uint256 amount) external {
        Reporter storage reporter = _known[msg.sender];
        require(block.timestamp >= reporter.until, StakeBound(reporter.until));
        reporter.stake -= amount;
        emit Unstaked(msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IPriceFeed
    function fund(uint256 amount) external {
        pot += amount;
        emit Funded(msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IPriceFeed
    function pay(address reporter) external {
        uint256 amount = _known[reporter].owed;
        _known[reporter].owed = 0;
        emit Paid(reporter, amount);
        token.safeTransfer(reporter, amount);
    }

    // Views.

    /// @inheritdoc IPriceFeed
    function terms() external view returns (Terms memory) {
        return _terms;
    }

    /// @notice Returns the reporters, convicted ones too.
    function reporters() external view returns (address[] memory) {
        return _reporters;
    }

    /// @notice Returns what is kept of a reporter.
    function reporterOf(address who) external view returns (Reporter memory) {
        return _known[who];
    }

    /// @notice Returns the hash that a message is in the tree as.
    function messageLeaf(Message calldata message) public pure returns (bytes32) {
        return keccak256(abi.encodePacked(bytes1(0x00), abi.encode(message)));
    }

    /// @inheritdoc IPriceFeed
    function digestOf(Report calldata made) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(REPORT_TYPE, made)));
    }

    // What the functions above are made of.

    function _take(Report calldata made, bytes calldata signature) private {
        address signer = _signer(digestOf(made), signature);
        Reporter storage reporter = _known[signer];
        bool heard = reporter.known && !reporter.convicted && reporter.stake >= _terms.stake;
        require(heard, NotAReporter(signer));
        require(isMarket[made.market], UnknownMarket(made.market));
        uint64 begin = made.slot * _terms.slotSeconds;
        uint64 end = _endOf(made.slot);
        bool inside = begin <= block.timestamp && block.timestamp < end;
        require(inside, OutsideSlot(made.slot, begin, end));
        bool ordered = 0 < made.low && made.low <= made.price && made.price <= made.high;
        require(ordered && made.messages > 0, BadReport());
        // A second bringing changes nothing, so that nobody can spoil a batch by bringing a part of it.
        if (_has[made.market][made.slot][signer]) return;
        _has[made.market][made.slot][signer] = true;
        if (reporter.until < end + BOUND) reporter.until = end + BOUND;
        Said[] storage said = _said[made.market][made.slot];
        if (said.length == 0) _enqueue(_queues[made.market], made.slot);
        said.push(Said(signer, made.price, made.low, made.high));
        emit Reported(signer, made.market, made.slot, made);
    }

    /// @dev Puts a slot in its place: behind it are at most those that still take reports.
    function _enqueue(Queue storage queue, uint64 slot) private {
        queue.slots.push(slot);
        for (uint256 i = queue.slots.length - 1; i > queue.first; --i) {
            uint64 before = queue.slots[i - 1];
            if (before < slot) return;
            (queue.slots[i - 1], queue.slots[i]) = (slot, before);
        }
    }

    /// @dev Weighted medians of those not convicted since: of prices, of lowest and of highest venues. The
    ///      price is 0 for fewer than a quorum, or venues apart; a liar alone moves none of the three far.
    function _priceOf(Said[] storage said)
        private
        view
        returns (uint256 price, uint256 low, uint256 high)
    {
        uint256[] memory weights = new uint256[](said.length);
        uint256[][3] memory all;
        for (uint256 k = 0; k < 3; ++k) {
            all[k] = new uint256[](said.length);
        }
        uint256 heard = 0;
        for (uint256 i = 0; i < said.length; ++i) {
            Reporter storage reporter = _known[said[i].who];
            if (reporter.convicted) continue;
            (all[0][heard], all[1][heard]) = (said[i].price, said[i].low);
            all[2][heard] = said[i].high;
            weights[heard++] = reporter.weight;
        }
        if (heard < _terms.quorum) return (0, 0, 0);
        low = Slots.weightedMedian(all[1], weights, heard);
        high = Slots.weightedMedian(all[2], weights, heard);
        bool apart = high > low + Math.mulDiv(low, _terms.band, WAD);
        if (!apart) price = Slots.weightedMedian(all[0], weights, heard);
    }

    /// @dev Scores each report by its distance from the medians, in bands; pays by score and moves weights.
    function _score(Said[] storage all, uint64 slot, uint256[3] memory medians) private {
        uint256 band = Math.mulDiv(medians[0], _terms.band, WAD);
        uint256 each = Math.min(_terms.pay, pot) / _reporters.length;
        for (uint256 i = 0; i < all.length; ++i) {
            Reporter storage reporter = _known[all[i].who];
            if (reporter.convicted) continue;
            uint256 distance = _distance(all[i], medians);
            uint256 score = distance >= band ? 0 : WAD - Math.mulDiv(distance, WAD, band);
            uint256 earned = Math.mulDiv(each, score, WAD);
            pot -= earned;
            reporter.owed += earned;
            uint256 moved = reporter.weight * (WAD - WEIGHT_RATE) + score * WEIGHT_RATE;
            reporter.weight = uint128(Math.max(moved / WAD, weightMin));
            emit Scored(all[i].who, slot, score, reporter.weight);
        }
    }

    /// @dev The farthest of price, lowest and highest venue from their medians: a range so wide that no message
    ///      can contradict it is as far off as a price would be.
    function _distance(Said storage said, uint256[3] memory medians)
        private
        view
        returns (uint256)
    {
        uint256 far = Math.max(_apart(said.price, medians[0]), _apart(said.low, medians[1]));
        return Math.max(far, _apart(said.high, medians[2]));
    }

    function _apart(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a - b : b - a;
    }

    /// @dev Burns the stake; what was earned before stays earned.
    function _convict(address who, string memory why) private {
        Reporter storage reporter = _known[who];
        require(reporter.known && !reporter.convicted, NotAReporter(who));
        uint256 burnt = reporter.stake;
        reporter.convicted = true;
        reporter.stake = 0;
        emit Convicted(who, why, burnt);
        token.burn(burnt);
    }

    /// @dev Chain time from which a slot takes no reports and can be closed.
    function _endOf(uint64 slot) private view returns (uint64) {
        return (slot + 1) * _terms.slotSeconds + _terms.lateSeconds;
    }

    function _signer(bytes32 digest, bytes calldata signature) private pure returns (address who) {
        ECDSA.RecoverError fault;
        (who, fault,) = ECDSA.tryRecoverCalldata(digest, signature);
        require(fault == ECDSA.RecoverError.NoError, NotAReporter(address(0)));
    }
}
