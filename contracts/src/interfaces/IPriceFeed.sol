// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title What several reporters saw on their venues, slot by slot
/// @notice A slot is `slotSeconds` of chain time. Each reporter signs one report for a slot; anybody may bring
///         it, until `lateSeconds` after the slot has ended: by whatever way a chain forces transactions in. Then the
///         slot is closed: the weighted median of at least a quorum is its price, unless venues were farther
///         apart than the band, and what is missing stays missing.
/// @dev Distance from the median costs pay and weight, never stake: an honest reporter may be far off. Stake is
///      burnt for what is provable from signatures alone. Nobody gains from that, and nobody decides it.
interface IPriceFeed {
    /// @param market keccak-256 of the market's name
    /// @param slot number of the slot: chain time divided by `slotSeconds`
    /// @param price dollars a unit, WAD, from `low` to `high`
    /// @param low lowest price of the venues the reporter read, WAD
    /// @param high highest of them
    /// @param messagesRoot list root of what the venues said: leaves are `messageLeaf`
    /// @param messages how many they are
    struct Report {
        bytes32 market;
        uint64 slot;
        uint128 price;
        uint128 low;
        uint128 high;
        bytes32 messagesRoot;
        uint32 messages;
    }

    /// @notice What a venue said, as the reporter committed to it.
    /// @param venue keccak-256 of the venue's name
    /// @param price dollars a unit, WAD
    /// @param time of the venue's own, Unix milliseconds
    struct Message {
        bytes32 venue;
        uint128 price;
        uint64 time;
    }

    /// @param slotSeconds length of a slot
    /// @param lateSeconds how long after its end a slot takes reports, at most 64 slots
    /// @param quorum least reports of a slot, at least 1
    /// @param band farthest that venues may be apart, as a fraction of the lowest, WAD
    /// @param stake of each reporter in wei of the token; below it a reporter is not heard
    /// @param pay wei of the token a slot pays in all, while there is money
    struct Terms {
        uint32 slotSeconds;
        uint32 lateSeconds;
        uint32 quorum;
        uint128 band;
        uint256 stake;
        uint256 pay;
    }

    event Funded(address indexed from, uint256 amount);
    event Staked(address indexed reporter, uint256 amount, uint256 total);
    event Unstaked(address indexed reporter, uint256 amount);
    event Reported(
        address indexed reporter, bytes32 indexed market, uint64 indexed slot, Report report
    );
    /// @param price weighted median, 0 where the slot is stale
    /// @param reports that were there
    /// @param low weighted median of the lowest venues that they read
    /// @param high of the highest venues
    event Closed(
        bytes32 indexed market,
        uint64 indexed slot,
        uint256 price,
        uint256 reports,
        uint256 low,
        uint256 high
    );
    /// @param score 10^18 where price, lowest and highest venue are the medians, 0 where one is the band away or
    ///        more
    event Scored(address indexed reporter, uint64 indexed slot, uint256 score, uint256 weight);
    event Paid(address indexed reporter, uint256 amount);
    /// @param burnt wei of stake
    event Convicted(address indexed reporter, string why, uint256 burnt);

    /// @notice Thrown at deployment; names what cannot be.
    error BadTerms(string field);
    /// @notice Thrown for a signer that is no reporter, was convicted, or has too little stake.
    error NotAReporter(address signer);
    /// @notice Thrown for a report of a market that the feed was not deployed with.
    error UnknownMarket(bytes32 market);
    /// @notice Thrown for a report that was made for a slot not begun, or over for too long.
    error OutsideSlot(uint64 slot, uint64 from, uint64 to);
    /// @notice Thrown when the price or the number of messages cannot be.
    error BadReport();
    /// @notice Thrown by `close` when no slot with reports is over, its lateness too.
    error NothingToClose();
    /// @notice Thrown when two reports do not prove anything.
    error NoProof();
    /// @notice Thrown by `unstake` before a reporter's last slot can no longer be disputed.
    error StakeBound(uint64 until);
    /// @notice Thrown by `average` when too few good slots are there.
    error NotYet(uint256 got, uint256 needed);

    /// @notice Brings signed reports; those of one call may be of any slots and reporters. One that is there
    ///         already is passed over.
    function report(Report[] calldata reports, bytes[] calldata signatures) external;

    /// @notice Closes the oldest slot that anybody reported on; anybody may.
    function close(bytes32 market) external returns (uint64 slot);

    /// @notice Convicts who signed two reports for one slot of one market.
    function proveTwo(
        Report calldata first,
        bytes calldata firstSignature,
        Report calldata second,
        bytes calldata secondSignature
    ) external;

    /// @notice Convicts whose report contradicts a message that it committed to.
    /// @param index of the message among the report's
    /// @param siblings its way up to `messagesRoot`
    function proveContradiction(
        Report calldata made,
        bytes calldata signature,
        Message calldata message,
        uint256 index,
        bytes32[] calldata siblings
    ) external;

    /// @notice Adds to the sender's stake.
    function stake(uint256 amount) external;

    /// @notice Takes stake back; a week after the last slot the sender reported on.
    function unstake(uint256 amount) external;

    /// @notice Pays into what slots are paid from.
    function fund(uint256 amount) external;

    /// @notice Pays a reporter what its scores earned; anybody may send it.
    function pay(address reporter) external;

    /// @notice Returns the price of the newest good slot and whether it is fresh: no slot after it
    ///         was closed as stale, and at most one that could be closed by now is later. Zeros before the first.
    function latest(bytes32 market) external view returns (uint256 price, uint64 slot, bool fresh);

    /// @notice Returns the first slot that may still get a price: what is said of those before it stays.
    function decidedBefore(bytes32 market) external view returns (uint64 slot);

    /// @notice Returns a slot's price, 0 where it is stale, not closed, or nobody reported.
    function priceAt(bytes32 market, uint64 slot) external view returns (uint256);

    /// @notice Returns the mean price of the good slots in `from..to`, `to` not included, if they are at least
    ///         `least`; otherwise of the first `to - from` good ones from `to` on.
    function average(bytes32 market, uint64 from, uint64 to, uint256 least)
        external
        view
        returns (uint256);

    /// @notice Returns the digest that a reporter signs.
    function digestOf(Report calldata made) external view returns (bytes32);

    /// @notice Returns the terms fixed at deployment.
    function terms() external view returns (Terms memory);
}
