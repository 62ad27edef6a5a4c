// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title Commitments and reveals of a round, gathered under one root each
/// @notice docs/protocol.md §10. Trainers send signed commitments to each other; a gatherer posts the
///         root of their list with a bond, and later that of the list of reveals. What nobody
///         strikes while it can be struck stands, and the list with most rows is taken; whoever it
///         leaves out forces its own entry in. So the cost of a round grows with those left out and
///         with what is struck, and with nothing else.
interface IGathering {
    enum Kind {
        Commitments,
        Reveals
    }

    /// @notice Where a kind of list stands: posted, struck, added to, fixed. `Early` is before it.
    enum Stage {
        Early,
        Gather,
        Strike,
        Force,
        Over
    }

    /// @param bond wei for each list
    /// @param bounty what of it a striker gets, at most half; the rest is burnt
    /// @param commitBlocks blocks after the opening one in which commitments are gathered
    /// @param revealBlocks blocks after commitments are fixed in which reveals are gathered
    /// @param strikeBlocks blocks after either in which a list can still be struck
    /// @param forceBlocks blocks after those in which who was left out adds itself
    struct Terms {
        uint256 bond;
        uint256 bounty;
        uint64 commitBlocks;
        uint64 revealBlocks;
        uint64 strikeBlocks;
        uint64 forceBlocks;
    }

    /// @notice A list as its gatherer states it.
    /// @param root tensor root of its entries, 128 bytes each
    /// @param entries how many
    /// @param rows how many rows of the aggregation they are
    /// @param blob BLAKE3 of the list's bytes
    /// @param membersRoot of reveals: tensor root of the registry index of each row
    /// @param crown of reveals: way up of the first four inputs in the list of inputs
    struct Draft {
        bytes32 root;
        uint32 entries;
        uint32 rows;
        bytes32 blob;
        bytes32 membersRoot;
        bytes32[] crown;
    }

    /// @notice A list that was posted.
    /// @param gatherer registry index
    /// @param bondHeld whether the bond is still here
    /// @param inputsRoot of reveals: list root of the aggregation's inputs
    struct List {
        uint32 gatherer;
        uint32 entries;
        uint32 rows;
        bool struck;
        bool bondHeld;
        bytes32 root;
        bytes32 membersRoot;
        bytes32 inputsRoot;
    }

    /// @notice One entry of a list with its way up. Its words are, of commitments: place, commitment,
    ///         r and yParityAndS of the signature (EIP-2098); of reveals: place, update root, salt,
    ///         blob. The place is node + 2^32 × rows before it + 2^64 × entry of the commitment,
    ///         which is 0 of commitments.
    struct Entry {
        uint256 index;
        bytes32[4] words;
        bytes32[] siblings;
    }

    /// @notice What a node reveals. `update` is empty where holders signed for it.
    struct Reveal {
        bytes32 updateRoot;
        bytes32 salt;
        bytes32 blob;
        bytes update;
        bytes signatures;
    }

    /// @param holders registry indices, ascending, a node as often as it was drawn
    event Drawn(uint64 indexed round, uint32[] holders);
    event Posted(
        uint64 indexed round,
        Kind indexed kind,
        uint256 id,
        uint32 gatherer,
        List list,
        bytes32 blob
    );
    event Struck(uint64 indexed round, Kind indexed kind, uint256 id, address striker);
    event Released(uint64 indexed round, Kind indexed kind, uint256 id);
    event CommitmentForced(uint64 indexed round, uint32 indexed node, bytes32 commitment);
    /// @param update its bytes, where no holder signed for them
    event RevealForced(
        uint64 indexed round,
        uint32 indexed node,
        uint32 rows,
        bytes32 updateRoot,
        bytes32 salt,
        bytes32 blob,
        bytes update
    );

    /// @notice Thrown at deployment; names the field of the terms that cannot be.
    error BadTerms(string field);
    /// @notice Thrown for a round whose holders are not drawn: it never ran, or the block after its
    ///         opening one is to come.
    error NotDrawn(uint64 round);
    /// @notice Thrown when the call belongs to another stage than the one of this block.
    error WrongStage(Stage expected, Stage got);
    /// @notice Thrown by `post` for a sender that was not drawn to gather.
    error NotGatherer(address sender);
    /// @notice Thrown by a gatherer's second list of a kind.
    error AlreadyPosted(uint32 node);
    /// @notice Thrown by `post` for a list without entries, or of fewer rows than entries.
    error BadCount(uint32 entries, uint32 rows);
    /// @notice Thrown when signatures are not a whole number of 64 bytes (`signature` is then their
    ///         count), or one is no holder's, or not in ascending order.
    error BadCertificate(uint256 signature);
    /// @notice Thrown when the signers are `got` of the drawn lots, of which `needed` are.
    error CertificateTooLight(uint256 got, uint256 needed);
    /// @notice Thrown for a list that nobody posted.
    error UnknownList(uint256 id);
    /// @notice Thrown for a list that was struck.
    error AlreadyStruck(uint256 id);
    /// @notice Thrown by a strike at what holds.
    error Holds(uint256 id);
    /// @notice Thrown when an opening does not lead to the root.
    error Mismatch(bytes32 expected, bytes32 got);
    /// @notice Thrown by a strike that shows other entries or elements than it is about.
    error NotConcerned(uint256 index);
    /// @notice Thrown when the sender has no seat in the round.
    error NotSeated(address sender);
    /// @notice Thrown when the neighbours shown do not leave the node out.
    error NotLeftOut(uint32 node);
    /// @notice Thrown when the node forced an entry of that kind already.
    error AlreadyForced(uint32 node);
    /// @notice Thrown by a commitment of zero, which nothing opens.
    error ZeroCommitment(uint32 node);
    /// @notice Thrown when update root and salt are not what the commitment was made of.
    error CommitmentMismatch(bytes32 expected, bytes32 got);
    /// @notice Thrown when the update is not 4 × `updateLength` bytes.
    error UpdateLength(uint256 got, uint256 expected);
    /// @notice Thrown by `release` when the bond is gone.
    error NothingToRelease(uint256 id);

    /// @notice Draws who gathers and who signs for lists, from the hash of the opening block;
    ///         anyone may, and `post` and the first forced entry do. Does nothing a second time.
    function draw() external;

    /// @notice Posts a list, with a bond from the sender's allowance.
    /// @param signatures 64 bytes each (EIP-2098) over `listDigest` as an EIP-191 message, by holders
    ///        in ascending order of their registry index
    /// @return id 0 for the first list of its kind in this round
    function post(uint64 round, Kind kind, Draft calldata draft, bytes calldata signatures)
        external
        returns (uint256 id);

    /// @notice Strikes a list with an entry that is wrong by itself: of a node without a seat, not
    ///         signed or of a commitment of zero, the first with rows before it, the last not ending
    ///         the list's rows, or with bits that mean nothing.
    function strikeEntry(uint64 round, Kind kind, uint256 id, Entry calldata entry) external;

    /// @notice Strikes a list with two neighbours of which the second does not follow the first:
    ///         its node is not above, or the rows before it are not those before and of the first.
    function strikeOrder(
        uint64 round,
        Kind kind,
        uint256 id,
        Entry calldata entry,
        Entry calldata next
    ) external;

    /// @notice Strikes reveals with an entry that does not open the commitment it names.
    /// @param commitment that entry of the commitments taken; ignored where it was forced
    function strikeCommitment(
        uint64 round,
        uint256 id,
        Entry calldata entry,
        Entry calldata commitment
    ) external;

    /// @notice Strikes reveals whose inputs have another update at a row of the entry.
    function strikeRow(
        uint64 round,
        uint256 id,
        Entry calldata entry,
        uint256 row,
        bytes32 updateRoot,
        bytes32[] calldata siblings
    ) external;

    /// @notice Strikes reveals whose members have another node at a row of the entry, or anything
    ///         but zero after the last row; the entry is then ignored.
    function strikeMember(
        uint64 round,
        uint256 id,
        Entry calldata entry,
        uint256 row,
        bytes calldata chunk,
        bytes32[] calldata siblings
    ) external;

    /// @notice Adds the sender's commitment, which the list taken leaves out.
    /// @param beside its neighbours: the entries around its place, or the one at that end; none
    ///        where no list was taken
    function forceCommitment(uint64 round, bytes32 commitment, Entry[] calldata beside) external;

    /// @notice Adds the sender's reveal, which the list taken leaves out.
    /// @param commitment the sender's entry of the commitments taken; ignored where it was forced
    /// @param beside as of `forceCommitment`
    function forceReveal(
        uint64 round,
        Reveal calldata reveal,
        Entry calldata commitment,
        Entry[] calldata beside
    ) external;

    /// @notice Gives a bond back once its list cannot be struck any more; anyone may.
    function release(uint64 round, Kind kind, uint256 id) external;

    /// @notice Returns where a kind of list stands at this block.
    function stageOf(uint64 round, Kind kind) external view returns (Stage);

    /// @notice Returns the last block of a stage of a round that opened at `openBlock`.
    function lastBlock(uint64 openBlock, Kind kind, Stage stage) external view returns (uint64);

    /// @notice Returns the holders of the running round; zeros before they are drawn. Every third
    ///         of them gathers.
    function holdersOf(uint64 round) external view returns (uint32[24] memory);

    /// @notice Returns how many lists were posted.
    function listCount(uint64 round, Kind kind) external view returns (uint256);

    /// @notice Returns a list; reverts with `UnknownList` for one that nobody posted.
    function listAt(uint64 round, Kind kind, uint256 id) external view returns (List memory);

    /// @notice Returns the list with most rows that was not struck, the first of several.
    function taken(uint64 round, Kind kind) external view returns (bool found, uint256 id);

    /// @notice Returns the commitment that a node forced, 0 if it forced none.
    function forcedCommitment(uint64 round, uint32 node) external view returns (bytes32);

    /// @notice Returns whether a node forced its reveal.
    function hasForcedReveal(uint64 round, uint32 node) external view returns (bool);

    /// @notice Returns what commits to the forced reveals in their order: 0, and from one to the next
    ///         keccak(abi.encode(before, node, rows, updateRoot)).
    function forcedChain(uint64 round) external view returns (bytes32);

    /// @notice Returns how many rows of a kind were forced.
    function forcedRows(uint64 round, Kind kind) external view returns (uint32);

    /// @notice Returns what a trainer signs (as an EIP-191 message over these 32 bytes): that this
    ///         is its commitment in that round.
    function commitmentDigest(uint64 round, uint32 node, bytes32 commitment)
        external
        view
        returns (bytes32);

    /// @notice Returns what a holder signs: that it has the list and checked every entry, and of
    ///         reveals has every update too, and keeps them.
    function listDigest(uint64 round, Kind kind, Draft calldata draft)
        external
        view
        returns (bytes32);

    /// @notice Returns what a holder signs for one update that is forced in.
    function availabilityDigest(uint64 round, uint32 node, bytes32 updateRoot, bytes32 blob)
        external
        view
        returns (bytes32);
}
