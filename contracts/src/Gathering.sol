// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {IEnrolment} from "./interfaces/IEnrolment.sol";
import {IGathering} from "./interfaces/IGathering.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {IRoster} from "./interfaces/IRoster.sol";
import {Append} from "./lib/Append.sol";
import {Entries} from "./lib/Entries.sol";
import {Members} from "./lib/Members.sol";
import {Tree} from "./lib/Tree.sol";

/// @title Commitments and reveals of a round, gathered under one root each
/// @notice Nothing here reads a list: what it says is proven entry by entry, to whoever doubts one.
/// @dev Its balance of the token is the bonds it holds. Deliberately absent: an administrator, pay
///      for gathering, penalties (who relies on the roster has them).
contract Gathering is IGathering {
    using SafeERC20 for ERC20Burnable;

    /// @dev What a round has here. `forcedChain` commits to the forced reveals in their order.
    struct Round {
        uint64 openBlock;
        uint32[2] forcedRows;
        uint32[24] holders;
        bytes32 forcedChain;
        mapping(uint32 node => bytes32) commitments;
        mapping(uint32 node => bool) revealed;
    }

    bytes32 private constant HOLDERS_DOMAIN = keccak256("assay/seed/holders/v1");
    bytes32 private constant COMMITMENT_DOMAIN = keccak256("assay/gathered/v1");
    bytes32 private constant LIST_DOMAIN = keccak256("assay/list/v1");
    bytes32 private constant AVAILABLE_DOMAIN = keccak256("assay/available/v1");
    uint32 private constant HOLDERS = 24;
    /// @dev More than two thirds of them.
    uint256 private constant SIGNERS = 17;
    /// @dev Every third holder gathers.
    uint256 private constant STRIDE = 3;
    uint256 private constant SIGNATURE_LENGTH = 64;
    uint256 private constant BLOCKHASH_REACH = 256;

    /// @notice The token of bonds.
    ERC20Burnable public immutable token;
    /// @notice Says whose key is whose.
    IRegistry public immutable registry;
    /// @notice Says who has a seat, and what a round starts from.
    IEnrolment public immutable enrolment;

    uint256 private immutable _bond;
    uint256 private immutable _bounty;
    uint64 private immutable _commitBlocks;
    uint64 private immutable _revealBlocks;
    uint64 private immutable _strikeBlocks;
    uint64 private immutable _forceBlocks;

    mapping(uint64 round => Round) private _rounds;
    mapping(uint64 round => mapping(Kind kind => List[])) private _lists;

    /// @param token_ the token of bonds
    /// @param registry_ deployed
    /// @param enrolment_ deployed
    /// @param terms_ see `Terms`
    constructor(
        ERC20Burnable token_,
        IRegistry registry_,
        IEnrolment enrolment_,
        Terms memory terms_
    ) {
        require(terms_.bond > 0, BadTerms("bond"));
        require(terms_.bounty <= terms_.bond / 2, BadTerms("bounty"));
        require(terms_.commitBlocks > 1, BadTerms("commitBlocks"));
        require(terms_.revealBlocks > 0, BadTerms("revealBlocks"));
        require(terms_.strikeBlocks > 0, BadTerms("strikeBlocks"));
        require(terms_.forceBlocks > 0, BadTerms("forceBlocks"));
        token = token_;
        registry = registry_;
        enrolment = enrolment_;
        _bond = terms_.bond;
        _bounty = terms_.bounty;
        _commitBlocks = terms_.commitBlocks;
        _revealBlocks = terms_.revealBlocks;
        _strikeBlocks = terms_.strikeBlocks;
        _forceBlocks = terms_.forceBlocks;
    }

    /// @inheritdoc IGathering
    function draw() public {
        (uint64 round, uint64 openBlock) = enrolment.opened();
        Round storage drawn = _rounds[round];
        if (round == 0 || drawn.openBlock != 0 || block.number <= openBlock) return;
        uint256 target =
            openBlock + ((block.number - 1 - openBlock) / BLOCKHASH_REACH) * BLOCKHASH_REACH;
        bytes32 seed = keccak256(
            abi.encode(HOLDERS_DOMAIN, block.chainid, address(this), round, blockhash(target))
        );
        uint32[] memory holders = registry.draw(seed, HOLDERS, enrolment.places());

        drawn.openBlock = openBlock;
        uint32[24] memory kept;
        for (uint256 i = 0; i < HOLDERS; ++i) {
            kept[i] = holders.length == 0 ? type(uint32).max : holders[i]; // all may have left
        }
        drawn.holders = kept;

        emit Drawn(round, holders);
    }

    /// @inheritdoc IGathering
    function post(uint64 round, Kind kind, Draft calldata draft, bytes calldata signatures)
        external
        returns (uint256 id)
    {
        Round storage running = _drawn(round);
        _requireStage(round, kind, Stage.Gather);
        uint32[24] memory holders = running.holders;
        uint32 node = _gatherer(holders);
        List[] storage lists = _lists[round][kind];
        id = lists.length;
        for (uint256 i = 0; i < id; ++i) {
            require(lists[i].gatherer != node, AlreadyPosted(node));
        }
        bool counts = draft.entries > 0 && draft.rows >= draft.entries;
        require(counts, BadCount(draft.entries, draft.rows));
        _checkCertificate(holders, listDigest(round, kind, draft), signatures);

        List memory list = List({
            gatherer: node,
            entries: draft.entries,
            rows: draft.rows,
            struck: false,
            bondHeld: true,
            root: draft.root,
            membersRoot: 0,
            inputsRoot: 0
        });
        if (kind == Kind.Reveals) {
            list.membersRoot = draft.membersRoot;
            list.inputsRoot =
                Append.withHead(_head(draft.membersRoot), Members.INPUTS + draft.rows, draft.crown);
        }
        lists.push(list);

        emit Posted(round, kind, id, node, list, draft.blob);
        token.safeTransferFrom(msg.sender, address(this), _bond);
    }

    // Strikes.

    /// @inheritdoc IGathering
    function strikeEntry(uint64 round, Kind kind, uint256 id, Entry calldata entry) external {
        (List memory list, Entries.Place memory place) = _shown(round, kind, id, entry);
        uint256 rows = enrolment.rowsOf(round, place.node);
        bool last = entry.index + 1 == list.entries;
        bool holds = rows > 0 && !Entries.isStray(entry, kind)
            && (entry.index > 0 || place.before == 0) && (!last || place.before + rows == list.rows);
        if (kind == Kind.Commitments) {
            holds = holds && entry.words[1] != 0 && _isSigned(round, place.node, entry);
        }
        _strikeUnless(holds, round, kind, id);
    }

    /// @inheritdoc IGathering
    function strikeOrder(
        uint64 round,
        Kind kind,
        uint256 id,
        Entry calldata entry,
        Entry calldata next
    ) external {
        (List memory list, Entries.Place memory first) = _shown(round, kind, id, entry);
        require(entry.index + 1 == next.index, NotConcerned(next.index));
        Entries.Place memory second = Entries.open(next, list);
        uint256 rows = enrolment.rowsOf(round, first.node);
        bool holds = first.node < second.node && first.before + rows == second.before;
        _strikeUnless(holds, round, kind, id);
    }

    /// @inheritdoc IGathering
    function strikeCommitment(
        uint64 round,
        uint256 id,
        Entry calldata entry,
        Entry calldata commitment
    ) external {
        (, Entries.Place memory place) = _shown(round, Kind.Reveals, id, entry);
        bytes32 opened = enrolment.commitmentOf(round, place.node, entry.words[1], entry.words[2]);
        bool holds;
        if (place.from == Entries.FORCED) {
            holds = _rounds[round].commitments[place.node] == opened;
        } else {
            (bool found, uint256 from) = taken(round, Kind.Commitments);
            List memory commitments;
            if (found) commitments = _lists[round][Kind.Commitments][from];
            // Of an entry that the list does not have there is nothing to show.
            if (place.from < commitments.entries) {
                require(commitment.index == place.from, NotConcerned(commitment.index));
                uint32 node = Entries.open(commitment, commitments).node;
                holds = node == place.node && commitment.words[1] == opened;
            }
        }
        _strikeUnless(holds, round, Kind.Reveals, id);
    }

    /// @inheritdoc IGathering
    function strikeRow(
        uint64 round,
        uint256 id,
        Entry calldata entry,
        uint256 row,
        bytes32 updateRoot,
        bytes32[] calldata siblings
    ) external {
        List memory list = _strikable(round, Kind.Reveals, id);
        _requireRow(round, list, entry, row);
        bytes32 root =
            Tree.climb(updateRoot, Members.INPUTS + row, Members.INPUTS + list.rows, siblings);
        require(root == list.inputsRoot, Mismatch(list.inputsRoot, root));
        _strikeUnless(updateRoot == entry.words[1], round, Kind.Reveals, id);
    }

    /// @inheritdoc IGathering
    function strikeMember(
        uint64 round,
        uint256 id,
        Entry calldata entry,
        uint256 row,
        bytes calldata chunk,
        bytes32[] calldata siblings
    ) external {
        List memory list = _strikable(round, Kind.Reveals, id);
        uint256 expected = 0;
        if (row < list.rows) expected = _requireRow(round, list, entry, row);
        uint256 got = Members.open(list.membersRoot, list.rows, row, chunk, siblings);
        _strikeUnless(got == expected, round, Kind.Reveals, id);
    }

    // Who was left out.

    /// @inheritdoc IGathering
    function forceCommitment(uint64 round, bytes32 commitment, Entry[] calldata beside) external {
        Round storage running = _drawn(round);
        _requireStage(round, Kind.Commitments, Stage.Force);
        (uint32 node, uint32 rows) = _seatOf(round, msg.sender);
        require(commitment != 0, ZeroCommitment(node));
        require(running.commitments[node] == 0, AlreadyForced(node));
        _requireLeftOut(round, Kind.Commitments, node, beside);

        running.commitments[node] = commitment;
        running.forcedRows[0] += rows;

        emit CommitmentForced(round, node, commitment);
    }

    /// @inheritdoc IGathering
    function forceReveal(
        uint64 round,
        Reveal calldata reveal,
        Entry calldata commitment,
        Entry[] calldata beside
    ) external {
        Round storage running = _drawn(round);
        _requireStage(round, Kind.Reveals, Stage.Force);
        (uint32 node, uint32 rows) = _seatOf(round, msg.sender);
        require(!running.revealed[node], AlreadyForced(node));
        bytes32 expected = _commitmentOf(round, node, commitment);
        bytes32 got = enrolment.commitmentOf(round, node, reveal.updateRoot, reveal.salt);
        require(got == expected, CommitmentMismatch(expected, got));
        _requireLeftOut(round, Kind.Reveals, node, beside);
        _checkHeld(running, round, node, reveal);

        running.revealed[node] = true;
        running.forcedRows[1] += rows;
        running.forcedChain =
            Members.chain(running.forcedChain, IRoster.Forced(node, rows, reveal.updateRoot));

        emit RevealForced(
            round, node, rows, reveal.updateRoot, reveal.salt, reveal.blob, reveal.update
        );
    }

    /// @inheritdoc IGathering
    function release(uint64 round, Kind kind, uint256 id) external {
        List storage list = _listAt(round, kind, id);
        Stage stage = stageOf(round, kind);
        require(stage > Stage.Strike, WrongStage(Stage.Force, stage));
        require(list.bondHeld, NothingToRelease(id));

        list.bondHeld = false;

        emit Released(round, kind, id);
        token.safeTransfer(registry.node(list.gatherer).key, _bond);
    }

    // Views.

    /// @inheritdoc IGathering
    function stageOf(uint64 round, Kind kind) public view returns (Stage) {
        uint64 openBlock = _rounds[round].openBlock;
        require(openBlock != 0, NotDrawn(round));
        if (block.number <= lastBlock(openBlock, kind, Stage.Early)) return Stage.Early;
        if (block.number <= lastBlock(openBlock, kind, Stage.Gather)) return Stage.Gather;
        if (block.number <= lastBlock(openBlock, kind, Stage.Strike)) return Stage.Strike;
        if (block.number <= lastBlock(openBlock, kind, Stage.Force)) return Stage.Force;
        return Stage.Over;
    }

    /// @inheritdoc IGathering
    function lastBlock(uint64 openBlock, Kind kind, Stage stage) public view returns (uint64) {
        if (stage == Stage.Over) return type(uint64).max;
        uint64 last = openBlock;
        if (kind == Kind.Reveals) last = lastBlock(openBlock, Kind.Commitments, Stage.Force);
        if (stage == Stage.Early) return last;
        last += kind == Kind.Commitments ? _commitBlocks : _revealBlocks;
        if (stage == Stage.Gather) return last;
        last += _strikeBlocks;
        return stage == Stage.Strike ? last : last + _forceBlocks;
    }

    /// @inheritdoc IGathering
    function taken(uint64 round, Kind kind) public view returns (bool found, uint256 id) {
        List[] storage lists = _lists[round][kind];
        uint32 most = 0;
        for (uint256 i = 0; i < lists.length; ++i) {
            if (lists[i].struck || lists[i].rows <= most) continue;
            (found, id, most) = (true, i, lists[i].rows);
        }
    }

    /// @notice Returns what was fixed at deployment.
    function terms() external view returns (Terms memory) {
        return Terms(_bond, _bounty, _commitBlocks, _revealBlocks, _strikeBlocks, _forceBlocks);
    }

    /// @inheritdoc IGathering
    function holdersOf(uint64 round) external view returns (uint32[24] memory) {
        return _rounds[round].holders;
    }

    /// @inheritdoc IGathering
    function listCount(uint64 round, Kind kind) external view returns (uint256) {
        return _lists[round][kind].length;
    }

    /// @inheritdoc IGathering
    function listAt(uint64 round, Kind kind, uint256 id) external view returns (List memory) {
        return _listAt(round, kind, id);
    }

    /// @inheritdoc IGathering
    function forcedCommitment(uint64 round, uint32 node) external view returns (bytes32) {
        return _rounds[round].commitments[node];
    }

    /// @inheritdoc IGathering
    function hasForcedReveal(uint64 round, uint32 node) external view returns (bool) {
        return _rounds[round].revealed[node];
    }

    /// @inheritdoc IGathering
    function forcedChain(uint64 round) external view returns (bytes32) {
        return _rounds[round].forcedChain;
    }

    /// @inheritdoc IGathering
    function forcedRows(uint64 round, Kind kind) external view returns (uint32) {
        return _rounds[round].forcedRows[uint256(kind)];
    }

    /// @inheritdoc IGathering
    function commitmentDigest(uint64 round, uint32 node, bytes32 commitment)
        public
        view
        returns (bytes32)
    {
        return keccak256(
            abi.encode(COMMITMENT_DOMAIN, block.chainid, address(this), round, node, commitment)
        );
    }

    /// @inheritdoc IGathering
    function listDigest(uint64 round, Kind kind, Draft calldata draft)
        public
        view
        returns (bytes32)
    {
        bytes32 crown = keccak256(abi.encodePacked(draft.crown));
        return keccak256(
            abi.encode(
                LIST_DOMAIN,
                block.chainid,
                address(this),
                round,
                kind,
                draft.root,
                draft.entries,
                draft.rows,
                draft.blob,
                draft.membersRoot,
                crown
            )
        );
    }

    /// @inheritdoc IGathering
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

    // The round and its lists.

    /// @dev A round whose holders are drawn, by this call if need be.
    function _drawn(uint64 round) private returns (Round storage drawn) {
        drawn = _rounds[round];
        if (drawn.openBlock == 0) draw();
        require(drawn.openBlock != 0, NotDrawn(round));
    }

    function _requireStage(uint64 round, Kind kind, Stage expected) private view {
        Stage stage = stageOf(round, kind);
        require(stage == expected, WrongStage(expected, stage));
    }

    function _listAt(uint64 round, Kind kind, uint256 id) private view returns (List storage) {
        require(id < _lists[round][kind].length, UnknownList(id));
        return _lists[round][kind][id];
    }

    function _strikable(uint64 round, Kind kind, uint256 id)
        private
        view
        returns (List memory list)
    {
        list = _listAt(round, kind, id);
        require(!list.struck, AlreadyStruck(id));
        Stage stage = stageOf(round, kind);
        require(stage <= Stage.Strike, WrongStage(Stage.Strike, stage));
    }

    /// @dev A list that can be struck, and an entry of it.
    function _shown(uint64 round, Kind kind, uint256 id, Entry calldata entry)
        private
        view
        returns (List memory list, Entries.Place memory place)
    {
        list = _strikable(round, kind, id);
        place = Entries.open(entry, list);
    }

    /// @dev What of the bond is no bounty is burnt, so that striking oneself costs it.
    function _strikeUnless(bool holds, uint64 round, Kind kind, uint256 id) private {
        require(!holds, Holds(id));
        List storage list = _lists[round][kind][id];
        list.struck = true;
        list.bondHeld = false;

        emit Struck(round, kind, id, msg.sender);
        token.burn(_bond - _bounty);
        token.safeTransfer(msg.sender, _bounty);
    }

    /// @dev Requires that the entry is about the row; returns its node.
    function _requireRow(uint64 round, List memory list, Entry calldata entry, uint256 row)
        private
        view
        returns (uint32)
    {
        Entries.Place memory place = Entries.open(entry, list);
        bool within = row >= place.before
            && row < place.before + enrolment.rowsOf(round, place.node) && row < list.rows;
        require(within, NotConcerned(row));
        return place.node;
    }

    function _requireLeftOut(uint64 round, Kind kind, uint32 node, Entry[] calldata beside)
        private
        view
    {
        (bool found, uint256 id) = taken(round, kind);
        if (found) Entries.requireLeftOut(node, beside, _lists[round][kind][id]);
    }

    /// @dev The commitment that counts for a node, forced or shown.
    function _commitmentOf(uint64 round, uint32 node, Entry calldata entry)
        private
        view
        returns (bytes32 commitment)
    {
        commitment = _rounds[round].commitments[node];
        if (commitment != 0) return commitment;
        (bool found, uint256 id) = taken(round, Kind.Commitments);
        require(found, NotLeftOut(node));
        uint32 shown = Entries.open(entry, _lists[round][Kind.Commitments][id]).node;
        require(shown == node, NotConcerned(entry.index));
        return entry.words[1];
    }

    // Nodes and signatures.

    function _seatOf(uint64 round, address key) private view returns (uint32 node, uint32 rows) {
        bool joined;
        (joined, node) = registry.find(key);
        if (joined) rows = enrolment.rowsOf(round, node);
        require(rows > 0, NotSeated(key));
    }

    function _gatherer(uint32[24] memory holders) private view returns (uint32 node) {
        bool joined;
        (joined, node) = registry.find(msg.sender);
        bool drawn = false;
        for (uint256 i = 0; i < HOLDERS; i += STRIDE) {
            if (holders[i] == node) drawn = joined;
        }
        require(drawn, NotGatherer(msg.sender));
    }

    function _isSigned(uint64 round, uint32 node, Entry calldata entry)
        private
        view
        returns (bool)
    {
        bytes32 digest = commitmentDigest(round, node, entry.words[1]);
        (address signer, ECDSA.RecoverError fault,) = ECDSA.tryRecover(
            MessageHashUtils.toEthSignedMessageHash(digest), entry.words[2], entry.words[3]
        );
        if (fault != ECDSA.RecoverError.NoError) return false;
        (bool joined, uint32 index) = registry.find(signer);
        return joined && index == node;
    }

    /// @dev Requires that more than two thirds of the holders' lots signed.
    function _checkCertificate(uint32[24] memory holders, bytes32 digest, bytes calldata signatures)
        private
        view
    {
        uint256 count = signatures.length / SIGNATURE_LENGTH;
        require(signatures.length % SIGNATURE_LENGTH == 0, BadCertificate(count));
        bytes32 message = MessageHashUtils.toEthSignedMessageHash(digest);
        uint256 held = 0;
        uint256 lot = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 from = i * SIGNATURE_LENGTH;
            (address signer, ECDSA.RecoverError fault,) = ECDSA.tryRecover(
                message,
                bytes32(signatures[from:from + 32]),
                bytes32(signatures[from + 32:from + SIGNATURE_LENGTH])
            );
            (bool joined, uint32 node) = registry.find(signer);
            while (lot < HOLDERS && holders[lot] < node) ++lot;
            bool sound = fault == ECDSA.RecoverError.NoError && joined && lot < HOLDERS
                && holders[lot] == node;
            require(sound, BadCertificate(i));
            for (; lot < HOLDERS && holders[lot] == node; ++lot) {
                ++held;
            }
        }
        require(held >= SIGNERS, CertificateTooLight(held, SIGNERS));
    }

    /// @dev Requires the update's bytes, or that holders signed that they have them.
    function _checkHeld(Round storage running, uint64 round, uint32 node, Reveal calldata reveal)
        private
        view
    {
        if (reveal.update.length == 0) {
            bytes32 digest = availabilityDigest(round, node, reveal.updateRoot, reveal.blob);
            _checkCertificate(running.holders, digest, reveal.signatures);
            return;
        }
        uint256 expected = 4 * uint256(enrolment.updateLength());
        require(reveal.update.length == expected, UpdateLength(reveal.update.length, expected));
        bytes32 root = Tree.tensorRoot4(reveal.update);
        require(root == reveal.updateRoot, Mismatch(reveal.updateRoot, root));
    }

    /// @dev The inputs before the updates, which fill a quad.
    function _head(bytes32 membersRoot) private view returns (bytes32[4] memory head) {
        head[0] = enrolment.modelRoot();
        head[1] = enrolment.cumulativeRoot();
        head[2] = enrolment.budgetRoot();
        head[3] = membersRoot;
    }
}
