// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

/// @title What a consuming protocol lets through of an oracle's reports
/// @notice Fractions and prices are WAD (10^18 is one). The owner chooses the provider and the
///         limits; a report moves the parameters inside them, quickly up and slowly down. A report
///         whose claim can still be challenged binds one way: it raises initial margin at once, as
///         long as its claim stands, and lowers nothing. What is final moves the settled margins: the
///         level initial margin falls back to, and maintenance margin, which liquidates.
interface IRiskGate {
    /// @param floor least initial margin, above 0
    /// @param ceiling most initial margin, at most 1
    /// @param stepUp most a report raises initial margin by, as a fraction of the settled one; all that
    ///        are not final together raise it by no more
    /// @param stepDown most a final report lowers initial or maintenance margin by, likewise, below 1
    /// @param priceStep most a report moves the price by, likewise, below 1
    /// @param staticInitial initial margin before the first report and while the gate is shut
    /// @param staticMaintenance maintenance margin likewise, at most `staticInitial`
    struct Limits {
        uint256 floor;
        uint256 ceiling;
        uint256 stepUp;
        uint256 stepDown;
        uint256 priceStep;
        uint256 staticInitial;
        uint256 staticMaintenance;
    }

    event MarketSet(bytes32 indexed market, Limits limits);
    event ProviderSet(address indexed provider);
    event ShutSet(bool shut);
    /// @param kind 0 price, 1 initial margin, as in `IRiskOracle.Kind`
    /// @param reported what the report says: the value of a price, the upper bound of a margin
    /// @param applied what holds from now on: the price, or the settled initial margin
    /// @param clamped whether a limit made the two differ
    event Applied(
        bytes32 indexed market,
        uint8 indexed kind,
        uint256 reported,
        uint256 applied,
        bool clamped,
        uint64 nonce
    );
    /// @notice A report whose claim is not final raises initial margin, as long as the claim stands.
    /// @param claim behind the report, 0 when there is no raise any more
    /// @param reported its upper bound
    /// @param applied initial margin that holds from now on
    event Raised(bytes32 indexed market, uint256 indexed claim, uint256 reported, uint256 applied);
    /// @notice A report whose claim is not final keeps the margins fresh and moves none of them.
    event Waiting(bytes32 indexed market, uint256 indexed claim, uint256 reported, uint64 nonce);
    /// @param target two thirds of settled initial margin
    /// @param applied what holds from now on: the target, or one step towards it
    event MaintenanceMoved(bytes32 indexed market, uint256 target, uint256 applied);

    /// @notice Thrown for a market the owner never set.
    error UnknownMarket(bytes32 market);
    /// @notice Thrown by `setMarket`; names the limit that cannot be.
    error BadLimits(string field);
    /// @notice Thrown by `applyReports` when nothing the provider reported would move anything.
    error NothingToApply(bytes32 market);

    /// @notice Finalises what claims can be, and lets the provider's reports on a market through;
    ///         anybody may send it.
    function applyReports(bytes32 market) external;

    /// @notice Sets a market's limits; what holds is brought inside them at the next report. Owner
    ///         only.
    function setMarket(bytes32 market, Limits calldata limits) external;

    /// @notice Chooses whose reports are read. Owner only.
    function setProvider(address provider) external;

    /// @notice Shuts the gate (margins are the static ones, prices still pass) or opens it. Owner
    ///         only.
    function setShut(bool shut) external;

    /// @notice Returns the initial margin as a fraction of notional. A raise whose claim has fallen is
    ///         not in it, whether or not anybody has called `applyReports` since.
    function initialMargin(bytes32 market) external view returns (uint256);

    /// @notice Returns the initial margin that final reports have led to, and the claim of the report
    ///         that raises it, 0 when none does.
    function settledMargin(bytes32 market) external view returns (uint256 initial, uint256 raiser);

    /// @notice Returns the maintenance margin as a fraction of notional, never above the initial
    ///         one.
    function maintenanceMargin(bytes32 market) external view returns (uint256);

    /// @notice Returns the last price let through in dollars a unit, 0 before the first.
    function price(bytes32 market) external view returns (uint256);

    /// @notice Returns the market's own clock at that price.
    function marketTime(bytes32 market) external view returns (uint64);

    /// @notice Returns whether that price has not expired.
    function priceFresh(bytes32 market) external view returns (bool);

    /// @notice Returns whether neither the price nor the margins have expired (static ones never
    ///         do). A report whose claim has fallen keeps nothing fresh.
    function fresh(bytes32 market) external view returns (bool);
}
